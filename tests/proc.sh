#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# proc.sh - the names below /proc/sys/kernel and /proc/sysvipc under the
# preload module: whoever reads them sees the namespace, and its owner sets
# it, whatever program is used.  The same on the kernel, which is the oracle.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

user=$PWD/tests/ipc_user
file=/proc/sys/kernel/msgmni

on_mipc()
{
	$apart ./mipcrun --dir "$work/namespace" -- "$@"
}

# on_kernel COMMAND...: in an IPC namespace of its own.
on_kernel()
{
	unshare -i "$@"
}

# both WHAT COMMAND...: it succeeds on mipc and on the kernel.
both()
{
	both_what=$1
	shift
	check "$both_what" on_mipc "$@"
	if [ -n "$no_kernel" ]; then
		skip "... as on the kernel" "$no_kernel"
	else
		check "... as on the kernel" on_kernel "$@"
	fi
}

# A script of a shell that sets 41 by $1, and looks from another process.
sets()
{
	printf 'set -e\n%s\n[ "$(cat %s)" = 41 ]\n' "$1" "$file"
}

# One that must fail, say why and leave all as it was.
fails()
{
	cat <<-END
	echo 40 >$file
	if ( $1 ) 2>"$work/said"; then
		echo "it did not fail"
		exit 1
	fi
	cat "$work/said"
	grep -Eq 'Invalid argument|I/O error' "$work/said" &&
	    [ "\$(cat $file)" = 40 ]
	END
}

# What an exec'd program inherits is told to it, and to no other.
told_only_if_inherited()
{
	on_mipc sh -c "echo 42 >$file; env >'$work/env'; env >'$work/other'
	    exec 5>$file; env >'$work/inherits'"
	! grep MIPC_PROC "$work/env" "$work/other" &&
	    grep MIPC_PROC "$work/inherits"
}

told_by_all()
{
	printf '#!/bin/sh\nenv\n' >"$work/tell"
	chmod +x "$work/tell"
	for way in execve execvp execle fexecve execveat posix_spawn \
	    SYS_execve SYS_execveat; do
		on_mipc "$user" execwith "$file" "$way" "$work/tell" x \
		    >"$work/env" && grep -q MIPC_PROC "$work/env" || {
			echo "$way"
			return 1
		}
	done
}

# The limit of the namespace is what decides.
limit_holds()
{
	on_mipc sh -c "echo 1 >$file; ipcmk -Q; ! ipcmk -Q" 2>&1
}

kernels_stays()
{
	found=$(cat "$file")
	[ "$found" = "$kernels" ] && return
	echo "it was $kernels and is $found"
	return 1
}

# A descriptor that is no file of these costs no call more than before.
no_call_more()
{
	set -- sh -c 'echo text >/dev/null; exec 3</dev/null; echo x >&2'
	strace -f -o "$work/plain" "$@" 2>/dev/null &&
	    strace -f -o "$work/with" \
	    -E LD_PRELOAD="$PWD/.libs/mipc-preload.so" \
	    "$@" 2>/dev/null || return
	for trace in plain with; do
		sed -e 's/^[0-9]* *//' "$work/$trace" |
		    grep -E '^(write|openat|close|dup2|fcntl|readlink)' |
		    grep -vE '\.so|ld\.so' | grep -v '^close' \
		    >"$work/$trace.calls"
	done
	[ -s "$work/plain.calls" ] &&
	    diff "$work/plain.calls" "$work/with.calls"
}

need_module
need strace unshare ipcmk
make_work
kernels=$(cat "$file" 2>/dev/null) || skip_all "the kernel has no $file"
# A module that does not what it should must not change the machine.
no_kernel=
apart="unshare -i"
if ! $apart true 2>/dev/null; then
	no_kernel="no IPC namespace of its own (unshare)"
	[ ! -w "$file" ] || skip_all "$no_kernel"
	apart=
elif ! [ -w "$file" ]; then
	no_kernel="/proc/sys/kernel is read-only here"
fi
plan 29
check "each function that opens shows the namespace" $apart ./mipcrun \
    --private --limit msgmni=4711 -- "$user" procopens 4711
both "what is written counts, and is refused as the kernel does" \
    "$user" procwrites
rm -rf "$work/namespace"
if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$work"
	check "others may look and not set" $apart ./mipcrun --shared \
	    --dir "$work/shared" -- "$user" procrights
else
	skip "others may look and not set" "only root can try this"
fi
both "a shell's echo sets" sh -c "$(sets "echo 41 >$file")"
both "another program's output sets" sh -c "$(sets "/bin/echo 41 >$file")"
both "an appending redirection sets" sh -c "$(sets "echo 41 >>$file")"
both "tee sets" sh -c "$(sets "echo 41 | tee $file >/dev/null")"
both "dd sets" sh -c "$(sets "echo 41 | dd of=$file 2>/dev/null")"
both "a relative name sets" \
    sh -c "$(sets "cd /proc/sys/kernel; echo 41 >msgmni")"
both "a shell's echo is told the error" sh -c "$(fails "echo x >$file")"
both "another program is told the error" \
    sh -c "$(fails "/bin/echo x >$file")"
for program in bash sysctl; do
	case $program in
	bash) set -- bash -c "$(sets "echo 41 >$file"); $(fails \
	    "echo x >$file")" ;;
	sysctl) set -- sh -c "$(sets 'sysctl -qw kernel.msgmni=41'); $(fails \
	    'sysctl -qw kernel.msgmni=32769')" ;;
	esac
	if command -v "$program" >/dev/null; then
		both "$program sets, and is told the error" "$@"
	else
		skip "$program sets" "$program is not installed"
		skip "... as on the kernel" "$program is not installed"
	fi
done
check "who inherits a descriptor is told, and nobody else" \
    told_only_if_inherited
check "... by whatever call it is executed" told_by_all
check "the limit holds" limit_holds
check "the kernel's own is what it was" kernels_stays
check "what else is opened and written costs no call more" no_call_more
