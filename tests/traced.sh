# SPDX-License-Identifier: BSD-2-Clause
# traced.sh - what strace -f -e trace=%ipc,execve saw, in $work/trace.  Sourced
# after tap.sh.

# was_executed PROGRAM: says the trace, where other calls may come between.
was_executed()
{
	awk -v call=" execve[(]\"[^\"]*/$1\"" '
	$0 ~ call {
		began[$1] = 1
		if (/ = 0$/)
			found = 1
	}
	/ <... execve resumed>.* = 0$/ && began[$1] { found = 1 }
	END { exit !found }' "$work/trace"
}

# kernel_untouched PROGRAM: it was traced, and made no IPC call.
kernel_untouched()
{
	was_executed "$1" || {
		echo "$1 was not traced"
		return 1
	}
	grep -E '\<(shm|sem|msg)[a-z]*\(' "$work/trace" >"$work/calls" ||
	    return 0
	sed 5q "$work/calls"
	return 1
}
