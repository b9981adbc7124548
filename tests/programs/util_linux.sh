#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# util_linux.sh - util-linux's ipcs, lsipc, ipcmk and ipcrm say and do on mipc
# what they do on the kernel, of the same objects in an IPC namespace of the
# kernel's own: by the files below /proc, and by the calls they make where
# those are missing.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

user=$PWD/tests/ipc_user
before=
refusing=

# entering COMMAND...: in a program whose pid is in $work/pid.
entering()
{
	sh -c 'echo $$ >"$0" && exec "$@"' "$work/pid" "$@"
}

# plain: what differs by the hour, or by who made the objects, as one word.
plain()
{
	sed -e "s/\<$(cat "$work/pid")\>/PID/g" \
	    -e 's/0x[0-9a-f]\{8\}/KEY/' \
	    -e 's/[A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]\{8\}/TIME/g' \
	    -e 's/\(... \)*TIME \{1,\}[0-9]\{4\} *$/TIME/' \
	    -e 's/[0-9][0-9]:[0-9][0-9]/TIME/g' \
	    -e 's/\<17[0-9]\{8\}\>/TIME/g; s/\<18[0-9]\{8\}\>/TIME/g' \
	    -e 's/--*/-/g; s/  */ /g; s/ $//'
}

of_kernel()
{
	entering unshare -i $refusing "$user" populate "$@" \
	    >"$work/said" 2>&1 || return
	plain <"$work/said"
}

of_mipc()
{
	rm -rf "$work/namespace"
	entering $refusing ./mipcrun --dir "$work/namespace" -- \
	    "$user" populate "$@" >"$work/said" 2>&1 || return
	plain <"$work/said"
}

# alike COMMAND...: it says the same of both, and something.
alike()
{
	of_kernel "$@" >"$work/kernel" && of_mipc "$@" >"$work/mipc" || {
		cat "$work/said"
		return 1
	}
	[ -s "$work/kernel" ] && diff -u "$work/kernel" "$work/mipc"
}

# all_alike: each form of the programs; the identifiers are those of the first
# objects of a namespace.
all_alike()
{
	check "ipcs shows$1 what it shows of the kernel's" alike ipcs
	check "... with times" alike ipcs -t
	check "... with processes" alike ipcs -p
	check "... with creators" alike ipcs -c
	check "... in sums" alike ipcs -u
	check "... with limits" alike ipcs -l
	check "... one segment" alike ipcs -m -i 0
	check "... one set" alike ipcs -s -i 0
	check "... one queue" alike ipcs -q -i 0
	check "lsipc shows$1 what it shows of the kernel's" alike lsipc
	check "... segments" alike lsipc -m --bytes
	check "... sets" alike lsipc -s
	check "... queues" alike lsipc -q
	check "... one segment" alike lsipc -m -i 0
	check "... one set" alike lsipc -s -i 0
	check "... one queue" alike lsipc -q -i 0
}

# make_and_remove: every way to do it; on an empty namespace.
write_script()
{
	cat >"$work/make_and_remove" <<-'END'
	set -e
	segment=$(ipcmk -M 5000 -p 640)
	set=$(ipcmk -S 3)
	queue=$(ipcmk -Q)
	echo "$segment; $set; $queue" | sed 's/[0-9]\{1,\}/ID/g'
	ipcs | sed -e 's/0x[0-9a-f]*/KEY/' -e 's/ [0-9]\{1,\} / ID /'
	ipcrm -m "${segment##* }" -s "${set##* }"
	ipcrm -q "${queue##* }"
	! ipcrm -q "${queue##* }" || exit 1
	ipcmk -M 1 -S 1 -Q >/dev/null
	for kind in m s q; do
		key=$(ipcs -$kind | sed -n 's/^\(0x[0-9a-f]*\) .*/\1/p')
		case $kind in
		m) ipcrm -M "$key" ;;
		s) ipcrm -S "$key" ;;
		q) ipcrm -Q "$key" ;;
		esac
	done
	ipcmk -M 1 -S 1 -Q >/dev/null
	ipcrm --all
	ipcs
	END
}

made_and_removed()
{
	unshare -i sh "$work/make_and_remove" >"$work/kernel" 2>&1 &&
	    ./mipcrun --dir "$work/other" -- sh "$work/make_and_remove" \
	    >"$work/mipc" 2>&1 || {
		cat "$work/mipc"
		return 1
	}
	diff -u "$work/kernel" "$work/mipc"
}

# What stands in front of the module and lets nobody read the files: the
# programs then ask by calls, as where there is no /proc.
build_refusing()
{
	cat >"$work/refusing.c" <<-'END'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <errno.h>
	#include <stdio.h>
	#include <string.h>
	#include <unistd.h>
	static int refused(const char *path)
	{
		errno = ENOENT;
		return strncmp(path, "/proc/sysvipc/", 14) == 0 ||
		    strncmp(path, "/proc/sys/kernel/", 17) == 0;
	}
	FILE *fopen(const char *path, const char *mode)
	{
		FILE *(*next)(const char *, const char *) =
		    dlsym(RTLD_NEXT, "fopen");
		return refused(path) ? NULL : next(path, mode);
	}
	int access(const char *path, int mode)
	{
		int (*next)(const char *, int) = dlsym(RTLD_NEXT, "access");
		return refused(path) ? -1 : next(path, mode);
	}
	END
	${CC:-cc} -shared -fPIC -o "$work/refusing.so" "$work/refusing.c" -ldl
}

# None of the files is read then, by either way.
nothing_is_read()
{
	strace -f -o "$work/trace" -e trace=open,openat \
	    $refusing ipcs -a >/dev/null &&
	    ! grep -E '/proc/sys(vipc|/kernel)/(shm|sem|msg)' "$work/trace"
}

# No call is the kernel's, and no file of its shows anything.
no_sysv_call()
{
	strace -f -o "$work/trace" -e trace=%ipc ./mipcrun \
	    --dir "$work/other" -- sh -c "sh $work/make_and_remove; lsipc" \
	    >/dev/null 2>&1
	[ -s "$work/trace" ] &&
	    ! grep -E '\<(shm|sem|msg)[a-z]*\(' "$work/trace"
}

need ipcs lsipc ipcmk ipcrm strace
need_module
unshare -i true 2>/dev/null ||
    skip_all "no IPC namespace of its own (unshare)"
make_work
write_script
plan 35
all_alike ""
check "ipcmk makes and ipcrm removes by id, by key and all" made_and_removed
check "no call is the kernel's" no_sysv_call
if build_refusing 2>/dev/null; then
	refusing="env LD_PRELOAD=$work/refusing.so"
	check "without the files nobody reads them" nothing_is_read
	all_alike ", without files of /proc,"
else
	for form in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do
		skip "without the files, $form" "no compiler"
	done
fi
