#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# left_out.sh - what the module does for programs, each by the test that sees
# it: with the module as it is, and with one that has that part left out, with
# which the test must fail.  None changes anything of the kernel's.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/module.sh"

user=$PWD/tests/ipc_user

# on MODULE COMMAND...
on()
{
	MIPC_PRELOAD=$1
	export MIPC_PRELOAD
	shift
	rm -rf "$work/namespace"
	$apart ./mipcrun --dir "$work/namespace" -- "$@"
}

# part WHAT COMMAND...: it succeeds, and fails with $work/less.so.
part()
{
	part_what=$1
	shift
	check "$part_what" "$@" "$PWD/.libs/mipc-preload.so"
	check "... and is missed where it is left out" \
	    refused "$@" "$work/less.so"
}

# leave_out NAME...: from $work/less.so.
leave_out()
{
	without "$work/less.so" "$@" || not_ok "linked without $*"
}

trust()
{
	${CC:-cc} -fPIC -c -o "$work/trusting.o" "$srcdir/tests/trusting.c" &&
	    link_module "$work/less.so" "$srcdir/preload/mipc-preload.map" \
	    $(objects pages) "$work/trusting.o" ||
	    not_ok "linked with trust in pointers"
}

numbers()
{
	on "$1" strace -f -o "$work/trace" -e trace=%ipc "$user" numbers &&
	    ! grep -E '(shm|sem|msg)[a-z]*\(' "$work/trace"
}

plugin()
{
	on "$1" "$user" plugin "$work/plugin.so"
}

pointers()
{
	for command in pointers setpointers msgpointers; do
		on "$1" "$user" $command || return
	done
}

debts()
{
	on "$1" "$user" unshares
}

# Two programs, of which the second has no key, but identifiers.
handed()
{
	on "$1" "$user" hand "$user"
}

proc_writes()
{
	on "$1" sh -c 'echo 41 >/proc/sys/kernel/msgmni && ipcs -l' |
	    grep 'max queues system wide = 41' || return
	[ "$(unshare -i cat /proc/sys/kernel/msgmni)" != 41 ]
}

# A child whose environment is empty is warned of, whoever starts it.
cleaned()
{
	for how in "env -i $user" "$user exec execle-empty $user" \
	    "$user exec spawn-empty $user"; do
		on "$1" $how await 0 2>"$work/said"
		[ "$(grep -c '^mipc: .*ipc_user will use .*LD_PRELOAD' \
		    "$work/said")" = 1 ] || {
			echo "$how:"
			cat "$work/said"
			return 1
		}
	done
}

# With --strict it is not executed.
strictly()
{
	MIPC_PRELOAD=$1 $apart ./mipcrun --strict --private -- \
	    env -i "$user" await 0 2>"$work/said"
	status=$?
	cat "$work/said"
	[ "$status" -eq 126 ]
}

need_module
need strace ipcs
make_work
apart="unshare -i"
$apart true 2>/dev/null ||
    skip_all "no IPC namespace of its own (unshare)"
[ -w /proc/sys/kernel/msgmni ] ||
    skip_all "/proc/sys/kernel is read-only here"
printf '#include <sys/sem.h>\nint plugin(void)\n%s\n' \
    '{ return semget(0x706c, 1, IPC_CREAT | 0600); }' >"$work/plugin.c"
${CC:-cc} -shared -fPIC -o "$work/plugin.so" "$work/plugin.c"
plan 16
leave_out syscall
part "calls by number are the namespace's" numbers
leave_out dlopen dlmopen
part "so are those of a library that is loaded with RTLD_DEEPBIND" plugin
leave_out unshare syscall
part "debts are paid by unshare(CLONE_SYSVSEM)" debts
trust
part "a bad pointer is EFAULT" pointers
leave_out shmat semop msgrcv
part "identifiers are passed to a program by its arguments" handed
leave_out open open64 openat openat64 fopen fopen64
part "what is written below /proc/sys/kernel counts" proc_writes
leave_out execl execle execlp execv execve execveat execvp execvpe fexecve \
    posix_spawn posix_spawnp
part "a child with an empty environment is warned of" cleaned
part "... and with --strict not executed" strictly
