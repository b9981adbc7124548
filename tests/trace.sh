#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# trace.sh - mipcrun --trace: a line for each call, the one that strace writes
# of the same call to the kernel.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/module.sh"

user=$PWD/tests/ipc_user

# alike FILE: what may differ between two runs, and what libc makes of
# semop(), as one.  A receiver's line of strace's shows its room's old bytes.
alike()
{
	sed -E -e 's/^[0-9]+ +/PID /' -e '/^PID (\+\+\+|---|strace)/d' \
	    -e 's/0x[0-9a-f]{9,}/ADDRESS/g' -e 's/1[78][0-9]{8}/TIME/g' \
	    -e 's/(pid=)[0-9]+/\1PID/g' -e 's/(GETPID.*=) [0-9]+/\1 PID/' \
	    -e 's/semtimedop\((.*), NULL\)/semop(\1)/' \
	    -e 's/(_INFO), .*\)/\1, ...)/' \
	    -e '/^PID msgrcv/s/mtext="[^"]*"/.../' -e 's/ +/ /g' "$1"
}

# as_strace COMMAND...
as_strace()
{
	rm -rf "$work/namespace"
	strace -f -o "$work/strace" -e trace=%ipc -e signal=none -qq \
	    unshare -i "$user" "$@" && ./mipcrun --dir "$work/namespace" \
	    --trace="$work/trace" -- "$user" "$@" || return
	alike "$work/strace" >"$work/expected"
	alike "$work/trace" >"$work/found"
	[ -s "$work/expected" ] && diff -u "$work/expected" "$work/found"
}

# well_formed FILE: each line is whole.
well_formed()
{
	[ -s "$1" ] && ! grep -vnE '^[0-9]+ (sem|shm|msg)[a-z]+\(.*\) += '\
'(-1 E[A-Z0-9]+ \(.+\)|0x[0-9a-f]+|[0-9]+)$' "$1"
}

never_mixed()
{
	asked=$(./mipcrun --private --trace="$work/chorus" -- "$user" \
	    chorus 2000) || return
	written=$(grep -c 'GETVAL, NULL)  *= 0$' "$work/chorus")
	in_handlers=$(grep -c 'GETPID, NULL)  *= [0-9]*$' "$work/chorus")
	echo "$asked lines expected, $written found; $in_handlers in handlers"
	[ "$asked" = "$written" ] && [ "$in_handlers" -gt 0 ] &&
	    well_formed "$work/chorus"
}

# Each program that is executed, by the process that executed it.
of_all_programs()
{
	./mipcrun --private --trace="$work/all" -- \
	    sh -c 'ipcmk -S 1; (ipcmk -Q); ipcs' >"$work/said" || return
	cat "$work/all"
	well_formed "$work/all" && grep -q ' semget(.* = 0$' "$work/all" &&
	    grep -q ' msgget(.* = 0$' "$work/all" &&
	    [ "$(cut -d ' ' -f 1 "$work/all" | sort -u | wc -l)" -ge 2 ]
}

to_standard_error()
{
	./mipcrun --private --trace -- sh -c 'exec 2>/dev/null; ipcmk -S 1' \
	    >"$work/said" 2>"$work/error" || return
	cat "$work/error"
	well_formed "$work/error" && grep -q ' semget(' "$work/error"
}

# A file is opened again, which takes one of the descriptors that are free.
reopened()
{
	./mipcrun --private --trace="$work/again" -- "$user" taken \
	    "$work/own" || return
	cat "$work/again"
	well_formed "$work/again" && grep -q RMID "$work/again"
}

not_its_own()
{
	./mipcrun --private --trace -- "$user" taken "$work/own"
}

# A pipe that nobody reads: a write would end the program by a signal.
reader_gone()
{
	mkfifo "$work/pipe"
	exec 3<>"$work/pipe" 4>"$work/pipe"
	exec 3<&-
	./mipcrun --private --trace -- "$user" numbers 2>&4
	status=$?
	exec 4>&-
	[ "$status" -eq 0 ] && return
	echo "status $status"
	return 1
}

unwritable()
{
	said=$(./mipcrun --private --trace="$work/none/file" -- true 2>&1)
	status=$?
	[ "$status" -eq 125 ] && [ "$said" = \
	    "mipcrun: $work/none/file: No such file or directory" ] && return
	echo "$status: $said"
	return 1
}

# sees WHAT SED COMMAND...: it succeeds, but not with a module changed so.
sees()
{
	sees_what=$1
	sees_change=$2
	shift 2
	check "$sees_what is seen" refused_when_changed "$@"
}

refused_when_changed()
{
	changed "$work/mipc-preload.so" trace "$sees_change" && "$@" || return
	(
		MIPC_PRELOAD=$work/mipc-preload.so
		export MIPC_PRELOAD
		refused "$@"
	)
}

need_module
need strace ipcmk
make_work
plan 17
for command in numbers sets queues "limit" "populate true"; do
	what="$command: each line is the one that strace writes"
	if unshare -i true 2>/dev/null; then
		check "$what" as_strace $command
	else
		skip "$what" "no IPC namespace of its own (unshare)"
	fi
done
check "lines of processes, threads and handlers are whole, and all there" \
    never_mixed
check "all that is executed is traced" of_all_programs
check "without a file the lines go where standard error went" \
    to_standard_error
check "who closes all descriptors is traced all the same" reopened
check "what a program has in the descriptor's place is its own" not_its_own
check "a reader that has gone ends the trace and not the program" reader_gone
check "a file that cannot be opened is told" unwritable
if unshare -i true 2>/dev/null; then
	sees "a trace that is not written" \
	    '/^write_to(/,/^}/s/line->used/0/' as_strace numbers
	sees "one without the names of flags" \
	    '/^trace_flags(/,/^}/s/!= word->value/!= 0/' as_strace numbers
	sees "one with another error's name" \
	    's/errno, errors/errno + 1, errors/' as_strace numbers
	sees "one with a result that is another" \
	    '/^trace_end(/,/^}/s/line, result)/line, result + 1)/' \
	    as_strace numbers
else
	for what in "a trace that is not written" \
	    "one without the names of flags" "one with another error's name" \
	    "one with a result that is another"; do
		skip "$what is seen" "no IPC namespace of its own (unshare)"
	done
fi
sees "one that does not tell whose call it is" 's/mipc_sys_tid()/1/' \
    of_all_programs
