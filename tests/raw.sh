#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# raw.sh - mipcrun --raw: programs that make their calls by an instruction of
# their own.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

user=$PWD/tests/raw_user

on_raw()
{
	./mipcrun --raw --dir "$work/namespace" -- "$@"
}

# try WHAT WHY-NOT COMMAND...: as check, but status 77 is a skip.
try()
{
	try_what=$1
	try_why=$2
	shift 2
	try_said=$("$@" 2>&1) && try_status=0 || try_status=$?
	case $try_status in
	0)
		ok "$try_what" ;;
	77)
		skip "$try_what" "$try_why" ;;
	*)
		not_ok "$try_what"
		printf '%s\n' "$try_said" | explain ;;
	esac
}

# calls_in TRACE: the IPC calls that were begun, and how many were answered by
# the signal in place of the kernel.
calls_in()
{
	begun=$(grep -cE '(shm|sem|msg)[a-z0-9]*\(|^[0-9]+ +ipc\(' "$1")
	trapped=$(grep -c 'SIGSYS.*SYS_SECCOMP.*si_errno=28009' "$1")
	echo "$begun calls, $trapped trapped"
}

# none_is_the_kernels COMMAND...
none_is_the_kernels()
{
	strace -f -o "$work/trace" -e trace=%ipc -e signal=SIGSYS \
	    ./mipcrun --raw --dir "$work/namespace" -- "$@" || return
	calls_in "$work/trace"
	[ "$begun" -gt 0 ] && [ "$begun" -eq "$trapped" ]
}

# That test sees a program that reaches the kernel.
all_are_the_kernels()
{
	strace -f -o "$work/trace" -e trace=%ipc -e signal=SIGSYS \
	    unshare -i ./mipcrun --dir "$work/namespace" -- "$user" calls
	calls_in "$work/trace"
	[ "$begun" -gt 0 ] && [ "$trapped" -eq 0 ]
}

nothing_else_is_trapped()
{
	strace -f -o "$work/trace" -e trace=none -e signal=SIGSYS \
	    ./mipcrun --raw --dir "$work/namespace" -- sh -c 'ls /; ipcs' &&
	    grep -q exited "$work/trace" && ! grep SIGSYS "$work/trace"
}

off_by_default()
{
	! ./mipcrun --dir "$work/namespace" -- \
	    sh -c 'env; cat /proc/self/maps; grep Seccomp: /proc/self/status' |
	    grep -E 'MIPC_RAW|mipc-raw|Seccomp:	*[12]'
}

# By its own signal, as it would be without.
ended_by_signal()
{
	status=0
	on_raw "$user" ends || status=$?
	echo "status $status"
	[ "$status" -eq $((128 + $(kill -l SYS))) ]
}

# killed_static COMMAND: a static program is told of, and does not get far.
killed_static()
{
	status=0
	said=$(on_raw sh -c '"$1" leaks; exit $?' sh "$work/static" 2>&1) ||
	    status=$?
	echo "$status: $said"
	[ "$status" -eq $((128 + $(kill -l SYS))) ] || return
	case $said in
	*"$work/static will be killed at its first System V IPC call: it is \
statically linked"*) ;;
	*)
		return 1 ;;
	esac
}

refused_static()
{
	status=0
	said=$(./mipcrun --raw --strict --dir "$work/namespace" -- \
	    sh -c '"$1" leaks; exit $?' sh "$work/static" 2>&1) || status=$?
	echo "$status: $said"
	[ "$status" -eq 126 ]
}

# A program without IPC calls, which sets actions and masks as a shell does.
harmless_static()
{
	on_raw sh -c '"$1"; exit $?' sh "$work/harmless" 2>"$work/said"
}

test_static()
{
	cat >"$work/harmless.c" <<-'END'
	#include <signal.h>
	int main(void)
	{
		for (int i = 1; i < NSIG; i++)
			signal(i, SIG_DFL);
		return 0;
	}
	END
	if ${CC:-cc} -static -std=gnu11 -D_GNU_SOURCE -pthread \
	    -o "$work/static" "$srcdir"/tests/raw_user.c \
	    "$srcdir"/tests/raw_signal.c 2>/dev/null &&
	    ${CC:-cc} -static -o "$work/harmless" "$work/harmless.c"
	then
		check "a static program is killed by its first call" \
		    killed_static
		check "... and with --strict not executed" refused_static
		check "one that makes none works" harmless_static
		return
	fi
	for what in "a static program is killed by its first call" \
	    "... and with --strict not executed" "one that makes none works"
	do
		skip "$what" "no static libc is installed"
	done
}

# Whoever may not filter others' calls gains no privileges from then on.
without_privileges()
{
	[ "$(id -u)" -eq 0 ] || return 77
	mkdir "$work/copy" "$work/copy/.libs" &&
	    cp mipcrun "$user" "$work/copy" &&
	    cp .libs/mipc-*.so "$work/copy/.libs" &&
	    chmod -R a+rX "$work" || return
	(
		cd "$work/copy" && setpriv --reuid=65534 --regid=65534 \
		    --clear-groups ./mipcrun --raw --private -- \
		    sh -c './raw_user calls && cat /proc/self/status'
	) >"$work/status" || return
	grep 'NoNewPrivs:	1' "$work/status"
}

without_its_module()
{
	mkdir "$work/alone" &&
	    cp .libs/mipc-preload.so "$work/alone" || return
	status=0
	said=$(MIPC_PRELOAD=$work/alone/mipc-preload.so on_raw true 2>&1) ||
	    status=$?
	[ "$status" -eq 125 ] && [ "$said" = \
	    "mipcrun: cannot read $work/alone/mipc-raw.so: \
No such file or directory" ] && return
	echo "$status: $said"
	return 1
}

need_module
need strace
make_work
plan 20
check "each call is answered, bad pointers by EFAULT" on_raw "$user" calls
check "none of them is the kernel's" none_is_the_kernels "$user" calls
if unshare -i true 2>/dev/null; then
	check "without --raw they are, and are seen" all_are_the_kernels
else
	skip "without --raw they are, and are seen" \
	    "no IPC namespace of its own (unshare)"
fi
check "threads, fork, vfork and clone are served" on_raw "$user" processes
check "none of these is the kernel's" none_is_the_kernels "$user" processes
check "unshare() pays debts" on_raw "$user" unshares
check "a program that one executes is served" \
    none_is_the_kernels "$user" executes
try "numbers of 32 bits in a program of 64 are no calls" \
    "no calls by numbers of 32 bits here" on_raw "$user" foreign
check "a program has its own handler for SIGSYS" on_raw "$user" handlers
check "... and ends by a SIGSYS without one" ended_by_signal
check "who blocks all signals is served" on_raw "$user" unblocked
check "a signal ends a sleep, and its handler may jump out" \
    on_raw "$user" interrupted
check "a stack that is large enough is used" on_raw "$user" stacks
check "no other call is trapped" nothing_else_is_trapped
check "without --raw nothing is" off_by_default
test_static
try "without privileges it works, and none are gained later" \
    "only root can try this" without_privileges
check "a missing module is told" without_its_module
