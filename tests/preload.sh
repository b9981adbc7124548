#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# preload.sh - the preload module in programs that do not know of it.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

user=$PWD/tests/ipc_user
ways="execve execv execvp execvpe execl execlp execle fexecve execveat
    posix_spawn posix_spawnp SYS_execve SYS_execveat"

# on_mipc PROGRAM...: in the test's namespace.
on_mipc()
{
	./mipcrun --dir "$work/namespace" -- "$@"
}

# try WHAT COMMAND...: as check, but status 77 is a skip.
try()
{
	try_what=$1
	shift
	try_said=$("$@" 2>&1) && try_status=0 || try_status=$?
	case $try_status in
	0)
		ok "$try_what" ;;
	77)
		skip "$try_what" "only root can try this" ;;
	*)
		not_ok "$try_what"
		printf '%s\n' "$try_said" | explain ;;
	esac
}

# expect STATUS COMMAND...
expect()
{
	expected=$1
	shift
	status=0
	"$@" || status=$?
	[ "$status" -eq "$expected" ] && return
	echo "status $status, expected $expected"
	return 1
}

# same WHAT EXPECTED
same()
{
	[ "$1" = "$2" ] && return
	printf 'found:\n%s\nexpected:\n%s\n' "$1" "$2"
	return 1
}

# calls_of PROGRAM...: its system calls after the loader has done its work,
# whose last is to unmap its cache; without what is not the same twice.
calls_of()
{
	strace -f -o "$work/trace" "$@" || return
	sed -e 's/^[0-9]* *//' -e 's/0x[0-9a-f]*/ADDRESS/g' \
	    -e 's/= [0-9]\{2,\}$/= N/' -e '/^getrandom/s/".*"/BYTES/' \
	    "$work/trace" | awk 'seen; /^munmap/ { seen = 1 }'
}

untouched()
{
	without=$(calls_of "$@") || return
	ln -sf "$PWD/.libs/mipc-preload.so" "$work/mipc-preload.so"
	with=$(calls_of -E LD_PRELOAD="$work/mipc-preload.so" \
	    -E MIPC_DIR="$work/never" "$@") || return
	[ -n "$without" ] || echo "nothing was traced"
	[ -n "$without" ] && same "$with" "$without" && [ ! -e "$work/never" ]
}

is_mapped()
{
	on_mipc grep -q mipc-preload /proc/self/maps
}

# A program's IPC makes none of the kernel's IPC calls.
no_kernel_ipc()
{
	strace -f -o "$work/trace" -e trace=ipc \
	    ./mipcrun --dir "$work/namespace" -- "$@" || return
	! grep -E '(shm|sem|msg)[a-z]*\(' "$work/trace"
}

# The second attach of a segment copies the first: it opens nothing.
attached_again()
{
	strace -f -o "$work/trace" ./mipcrun --dir "$work/namespace" -- \
	    "$user" again || return
	sed -n '/umask(0123)/,/umask(0321)/p' "$work/trace" >"$work/second"
	grep -q 'mremap(0x[0-9a-f]*, 0, .*) = 0x' "$work/second" &&
	    ! grep -E '(open|openat|mmap)\(' "$work/second" && return
	cat "$work/second"
	return 1
}

# operates_quietly COMMAND: operations that need not wait, from memory that
# was used before.
operates_quietly()
{
	strace -f -o "$work/trace" ./mipcrun --dir "$work/namespace" -- \
	    "$user" "$1" || return
	sed -n '/umask(0123)/,/umask(0321)/p' "$work/trace" >"$work/calls"
	[ "$(grep -c umask "$work/calls")" = 2 ] &&
	    [ "$(wc -l <"$work/calls")" -eq 2 ] && return
	cat "$work/calls"
	return 1
}

# on_kernel_too WHAT COMMAND...: it succeeds on mipc and on the kernel.
on_kernel_too()
{
	on_kernel_too_what=$1
	shift
	check "$on_kernel_too_what" on_mipc "$user" "$@"
	if unshare -i true 2>/dev/null; then
		check "... as on the kernel" unshare -i "$user" "$@"
	else
		skip "... as on the kernel" \
		    "no IPC namespace of its own (unshare)"
	fi
}

# The first call says why, the next are silent; all fail with the errno.
unopenable()
{
	mkdir "$work/file"
	: >"$work/file/a"
	said=$(MIPC_DIR="$work/file/a" "$@" 2>&1 >/dev/null)
	printf '%s\n' "$said" | grep -q "^mipc: .*$work/file/a" || {
		echo "no line that names the directory: $said"
		return 1
	}
	same "$(printf '%s\n' "$said" | grep -c '^mipc: ')" 1
}

# What on_mipc does, but with a namespace that mipcrun has not looked at.
in_bad_namespace()
{
	unopenable ./mipcrun -- "$user" "$@"
}

errno_passes()
{
	said=$(MIPC_DIR="$work/file/a" ./mipcrun -- "$user" load 1 2>&1)
	case $said in
	*"shmget: Not a directory"*) ;;
	*)
		echo "$said"
		return 1 ;;
	esac
}

wrapped()
{
	${CC:-cc} -D_GNU_SOURCE -shared -fPIC -o "$work/wrapping.so" \
	    "$srcdir/tests/wrapping.c" -ldl || return
	wrapped_by "$work/wrapping.so"
}

# wrapped_by LIST: with these preloads, before ours if that is not one of them.
wrapped_by()
{
	for command in numbers "store 9 text" "load 9" sets queues $writes
	do
		env LD_PRELOAD="$1" $apart ./mipcrun --private -- sh -c '
		    [ "$2" = load ] && "$1" store 9 text
		    exec "$@"' sh "$user" $command || {
			echo "$command"
			return 1
		}
	done
}

# Behind ours; the name of ours in the list is mipcrun's then.
wrapped_behind()
{
	wrapped_by "$PWD/.libs/mipc-preload.so:$work/wrapping.so"
}

# The order of the preloads is the one that mipcrun makes: ours comes last.
wrapping_catches()
{
	cat >"$work/caught.c" <<-'END'
	#include <sys/ipc.h>
	#include <unistd.h>
	int shmget(key_t k, size_t s, int f) { return geteuid() + k + s + f; }
	END
	${CC:-cc} -shared -fPIC -o "$work/caught.so" "$work/caught.c" || return
	status=0
	LD_PRELOAD=$work/wrapping.so:$work/caught.so "$user" load 1 \
	    >/dev/null 2>&1 || status=$?
	same "$status" 99
}

# lines_of COMMAND...: how many lines of the module's it causes.
lines_of()
{
	on_mipc "$@" 2>&1 >/dev/null | grep -c '^mipc: '
}

warned_by_all()
{
	for way in $ways; do
		[ "$(lines_of "$user" exec "$way" "$work/static" x)" = 1 ] &&
		    [ "$(lines_of "$user" exec "$way" "$user" numbers)" = 0 ] &&
		    on_mipc "$user" exec "$way" "$user" numbers || {
			echo "$way"
			return 1
		}
	done
}

# EACCES is 13; what is not executed cannot exit with 7.
refused_by_all()
{
	for way in $ways; do
		said=$(./mipcrun --strict --dir "$work/namespace" -- \
		    "$user" exec "$way" "$work/static" x 2>&1) && status=0 ||
		    status=$?
		same "$way $status" "$way 13" || return
		case $said in
		"mipc: $work/static is not executed: it is statically linked")
			;;
		*)
			echo "$way: $said"
			return 1 ;;
		esac
	done
}

static_runs()
{
	expect 7 on_mipc "$user" exec execv "$work/static" x
}

warned_once()
{
	same "$(lines_of "$user" spawn 5 "$work/static")" 1
}

# Each of several programs is named.
warned_of_each()
{
	cp "$work/static" "$work/static too"
	same "$(lines_of sh -c '"$1" exec posix_spawn "$2" x
	    "$1" exec posix_spawn "$3" x' sh "$user" "$work/static" \
	    "$work/static too")" 2
}

interpreter_named()
{
	printf '#! %s -x\n' "$work/static" >"$work/script"
	chmod +x "$work/script"
	said=$(on_mipc "$user" exec execv "$work/script" x 2>&1)
	case $said in
	*"$work/script will use the kernel's System V IPC: of its \
interpreter $work/static, it is statically linked"*) ;;
	*)
		echo "$said"
		return 1 ;;
	esac
}

found_along_path()
{
	said=$(on_mipc env PATH="$work:$PATH" "$user" exec execvp static x \
	    2>&1)
	case $said in
	"mipc: $work/static will use "*) ;;
	*)
		echo "$said"
		return 1 ;;
	esac
}

lost_environment()
{
	said=$(on_mipc env -u LD_PRELOAD "$user" await 0 2>&1)
	case $said in
	"mipc: "*"ipc_user will use "*LD_PRELOAD*) ;;
	*)
		echo "$said"
		return 1 ;;
	esac
}

# It uses the kernel's calls, so that here it must not find them.
warned_of_island()
{
	said=$($apart ./mipcrun --dir "$work/namespace" -- \
	    "$user" island "$1" 2>&1 >/dev/null)
	same "$said" "mipc: $1 will use the kernel's System V IPC: \
it is loaded into a name space of its own"
}

trapped_on_island()
{
	said=$($apart ./mipcrun --raw --dir "$work/namespace" -- \
	    "$user" island "$1" 2>&1) && ! printf '%s' "$said" | grep mipc: ||
	    {
		echo "$said"
		return 1
	}
}

# A library that makes a set, and one that loads it from its own RUNPATH.
test_plugins()
{
	cat >"$work/inner.c" <<-'END'
	#include <sys/sem.h>
	int plugin(void) { return semget(0x706c, 1, IPC_CREAT | 0600); }
	END
	cat >"$work/outer.c" <<-'END'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	int plugin(void)
	{
		void *inner = dlopen("inner.so", RTLD_NOW | RTLD_DEEPBIND);
		int (*next)(void) = inner ? dlsym(inner, "plugin") : 0;
		return next ? next() : -1;
	}
	END
	mkdir "$work/inner" &&
	    ${CC:-cc} -shared -fPIC -o "$work/inner/inner.so" \
	    "$work/inner.c" && ${CC:-cc} -shared -fPIC -o "$work/outer.so" \
	    "$work/outer.c" -Wl,-rpath,"$work/inner" -ldl || return
	check "a library loaded with RTLD_DEEPBIND uses the module" \
	    $apart ./mipcrun --dir "$work/namespace" -- \
	    "$user" plugin "$work/inner/inner.so"
	check "one in a name space of its own is warned of" \
	    warned_of_island "$work/inner/inner.so"
	check "... and with --raw uses the module" \
	    trapped_on_island "$work/inner/inner.so"
	check "one that a library loads is found along that one's path" \
	    $apart ./mipcrun --dir "$work/namespace" -- \
	    "$user" plugin "$work/outer.so"
}

test_execs()
{
	echo 'int main(void) { return 7; }' >"$work/static.c"
	set -- \
	    "every exec function warns of a static program, of no other" \
	    warned_by_all "it is executed all the same" static_runs \
	    "with --strict every one fails with EACCES" refused_by_all \
	    "a process is warned of a program once" warned_once \
	    "each program is named" warned_of_each \
	    "a script's interpreter is named" interpreter_named \
	    "a program is found along PATH" found_along_path
	${CC:-cc} -static -o "$work/static" "$work/static.c" 2>/dev/null || {
		while [ $# -gt 0 ]; do
			skip "$1" "no static libc is installed"
			shift 2
		done
		return
	}
	while [ $# -gt 0 ]; do
		check "$1" "$2"
		shift 2
	done
}

need_module
need strace
make_work
# What sets limits does so where a wrong module cannot set the machine's.
apart="unshare -i"
writes=procwrites
$apart true 2>/dev/null || apart= writes=
plan 41
check "the module is loaded" is_mapped
check "true makes no other call with it" untouched true
check "sh makes no other call with it" untouched sh -c 'cd /; umask'
check "calls by number and by name meet" on_mipc "$user" numbers
check "none of them is the kernel's" no_kernel_ipc "$user" numbers
check "semaphores by number and by name meet" on_mipc "$user" sets
check "nor are those calls the kernel's" no_kernel_ipc "$user" sets
check "queues by number and by name meet" on_mipc "$user" queues
check "nor are these calls the kernel's" no_kernel_ipc "$user" queues
check "a bad pointer is EFAULT" on_mipc "$user" pointers
check "... of semaphores too, also one that was good" \
    on_mipc "$user" setpointers
check "... and of messages, where nothing else is touched" \
    on_mipc "$user" msgpointers
check "large messages come whole, cut off or not at all" \
    ./mipcrun --private --limit msgmax=1M --limit msgmnb=1M -- \
    "$user" msglarge
check "an operation that need not wait makes no system call" \
    operates_quietly quiet
check "nor do a message that nobody waits for and its taking" \
    operates_quietly msgquiet
check "a killed holder's semaphore is free within 100 ms" \
    on_mipc "$user" undo
on_kernel_too "debts are paid by unshare(CLONE_SYSVSEM)" unshares
on_kernel_too "... those from before exec, too" owes "$user"
check "memory that goes by hand is seen to go" on_mipc "$user" memory
check "no attach is taken for memory that went" on_mipc "$user" race
check "a segment is attached again without opening it" attached_again
chmod 755 "$work"
try "changes of credentials are noticed" \
    ./mipcrun --shared --dir "$work/shared" -- "$user" credentials
check "a namespace that cannot be opened is told once" \
    in_bad_namespace numbers
check "its error is every call's" errno_passes
check "no libc name that others wrap is called inside" wrapped
check "... nor where they stand behind the module" wrapped_behind
check "a name that were called inside would be seen" wrapping_catches
check "an environment without the module is warned of" lost_environment
test_plugins
test_execs
