#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# restore_disk.sh - a namespace that is restored over another is the old one or
# the new, whenever the power fails; and a disk that fails is told of.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# Two namespaces, and a checkpoint of each.
two()
{
	./mipcmk --dir "$work/a" -m 70000 && ./mipcmk --dir "$work/a" -s 3 &&
	    ./mipcmk --dir "$work/b" -q && ./mipcmk --dir "$work/b" -m 5000 &&
	    ./mipcmk --dir "$work/b" -s 2 &&
	    ./mipcsnap --dir "$work/a" save "$work/old" &&
	    ./mipcsnap --dir "$work/b" save "$work/new"
}

# begin: the old one is there, in a directory of its own.
begin()
{
	rm -rf "$work/p" && mkdir "$work/p" &&
	    ./mipcsnap --dir "$work/p/n" restore "$work/old" &&
	    cp -al "$work/p/n" "$work/p/.before"
}

# restore NUMBER [STRACE OPTION...]: the new one is restored, traced.
restore()
{
	number=$1
	shift
	strace -qq -y -o "$work/trace.$number" "$@" ./mipcsnap --dir \
	    "$work/p/n" restore "$work/new" 2>"$work/err"
	status=$?
	cp -al "$work/p/n" "$work/p/.after.$number"
	return "$status"
}

# replay TRACE...: no image is bad.
replay()
{
	said=$(python3 "$srcdir/tests/restore_disk.py" ./mipcsnap "$work/p" n \
	    "$work/old" "$work/new" "$@")
	echo "$said"
	case $said in
	*" "[23]" kinds: none is bad")
		;;
	*)
		return 1 ;;
	esac
}

# Every call that changes names or makes something durable is known to it.
old_or_new()
{
	begin && restore 1 && replay "$work/trace.1"
}

# without CALL: bad images are found.
without()
{
	sed "/^$1(/d" "$work/trace.1" >"$work/trace.broken"
	! replay "$work/trace.broken" && [ "${said#*: after call}" != "$said" ]
}

# The one who is killed has exchanged the two, and that is not on disk.
killed_before()
{
	begin || return
	restore 1 -e inject=fsync:signal=KILL:when=1 && return 1
	restore 2 && replay "$work/trace.1" "$work/trace.2"
}

is()
{
	./mipcsnap diff "$1" "$2" >/dev/null 2>&1
}

# The exchange does not get to the disk: it is told, both stay, the old one in
# its place; and when the disk is well again the next restorer goes on.
failed()
{
	begin || return
	restore 1 -e inject=fsync:error=EIO:when=1 && return 1
	cat "$work/err"
	grep -q "the directory of n cannot be put on disk: Input/output" \
	    "$work/err" && is "$work/p/n" "$work/old" &&
	    is "$work/p/.n.restore" "$work/new" || return
	./mipcsnap --dir "$work/p/n" restore "$work/new" &&
	    is "$work/p/n" "$work/new" && [ ! -e "$work/p/.n.restore" ]
}

# What is there is removed only if that it is the old one is on disk.
failed_before()
{
	begin || return
	restore 1 -e inject=fsync:signal=KILL:when=1 && return 1
	restore 2 -e inject=fsync:error=EIO:when=1 && return 1
	is "$work/p/n" "$work/new" && is "$work/p/.n.restore" "$work/old"
}

need strace python3
make_work
strace -qq -o /dev/null true || skip_all "tracing is not allowed here"
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0; export ASAN_OPTIONS
plan 7
check "two namespaces, and checkpoints of them" two
check "power lost after any call: the old one or the new" old_or_new
check "... without a sync of the directory that is seen not to be" \
    without fsync
check "... without a sync of the files that is seen not to be" without syncfs
check "... also where another was killed before" killed_before
check "a disk that fails at the end is told of, and both stay" failed
check "... and if it fails again later" failed_before
