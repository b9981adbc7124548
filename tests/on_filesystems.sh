#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# on_filesystems.sh - the clause, kill, death and soak tests where the
# namespace lies on ext4, on an overlay filesystem (where no lock lives with its
# mapping), and with every fallback forced.
#
# Each line of those tests is a line here, with the place before it.  Mounts
# are made in a mount namespace of their own and go with it.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/retell.sh"

programs="tests/check_shm tests/check_sem tests/kill_step tests/death
tests/sem_death tests/soak_kill tests/check_msg tests/check_map"
fallbacks="MIPC_NO_MAPLOCK MIPC_NO_OFD MIPC_NO_OTMPFILE MIPC_NO_ROBUST
MIPC_NO_WAITV MIPC_NO_RSEQ"

# options PROGRAM PLACE: what need not be tried there is left out.  The kernel
# is the same everywhere, and files are nothing to the anonymous store.  Of
# queues faults, space, and those who sleep, wake and die (M7 to M9).  Each
# scene of a kill comes in about a quarter of the places.
options()
{
	case $1:$2 in
	tests/check_map:*)
		;;
	tests/check_msg:*)
		echo '--on directory [fsM][ap7-9]*_*'
		;;
	tests/check_*:ext4|tests/check_*:overlay|tests/check_*:MIPC_NO_OTMPFILE)
		echo --on directory
		;;
	tests/check_*)
		echo --on mipc
		;;
	tests/kill_step:*)
		echo --parts 4
		;;
	esac
}

# run_in PLACE DIRECTORY: the program, with its directories below that one.
run_in()
{
	if ! [ -x "$program" ]; then
		echo "ok - $1: $program # SKIP built without libcheck"
		return
	fi
	status=0
	MIPC_TEST_DIR=$2 "./$program" $(options "$program" "$1") \
	    >"$work/said" 2>"$work/errors" || status=$?
	retell "$1" "$program" "$status" <"$work/said"
	[ "$status" -eq 0 ] || explain <"$work/errors"
}

# of_type TYPE: a writable directory on a filesystem of that type, if any.
of_type()
{
	for place in . "${TMPDIR:-/tmp}" /var/tmp "${HOME:-/}" /dev/shm; do
		[ -d "$place" ] && [ -w "$place" ] || continue
		[ "$(stat -f -c %T "$place")" = "$1" ] || continue
		(cd "$place" && pwd)
		return
	done
}

# mounted WHAT: be run again where WHAT is mounted on $mount.
mounted()
{
	map=
	[ "$(id -u)" -eq 0 ] || map=-r
	PATH=$PATH:/usr/sbin:/sbin unshare $map -m \
	    sh "$srcdir/tests/on_filesystems.sh" \
	    --mounted "$1" "$work" "$program"
}

mount_overlay()
{
	mkdir -p "$work/under" &&
	    mount -t tmpfs -o size=64m none "$work/under" &&
	    mkdir "$work/under/low" "$work/under/up" "$work/under/work" &&
	    mount -t overlay none "$mount" -o "lowerdir=$work/under/low,$(:
		)upperdir=$work/under/up,workdir=$work/under/work"
}

mount_ext4()
{
	truncate -s 96M "$work/image" &&
	    mkfs.ext4 -q -F "$work/image" &&
	    mount -o loop "$work/image" "$mount"
}

# --mounted WHAT WORK PROGRAM: inside the mount namespace; 99 tells that there
# is no such mount here.
inside()
{
	trap - EXIT
	work=$2
	program=$3
	mount=$work/mount
	mkdir -p "$mount"
	"mount_$1" >"$work/said" 2>&1 || exit 99
	chmod 1777 "$mount"
	run_in "$1" "$mount"
	exit 0
}

# on_overlay, on_ext4: mount one, else use one that is there.
on_overlay()
{
	mounted overlay && return
	place=$(of_type overlayfs)
	if [ -z "$place" ]; then
		echo "ok - overlay: $program # SKIP mounting is not allowed" \
		    "here"
		return
	fi
	below "$place" overlay
}

on_ext4()
{
	place=$(of_type ext2/ext3)
	if [ -n "$place" ]; then
		below "$place" ext4
		return
	fi
	mounted ext4 && return
	echo "ok - ext4: $program # SKIP no ext4 filesystem here, and" \
	    "mounting is not allowed"
}

# below PLACE NAME: a directory of its own there.
below()
{
	private=$(mktemp -d "$1/mipc-test.XXXXXX")
	chmod 1777 "$private"
	run_in "$2" "$private"
	rm -rf "$private"
}

# in_place NAME: ext4, overlay or a fallback, which is forced.
in_place()
{
	case $1 in
	ext4)
		on_ext4
		;;
	overlay)
		on_overlay
		;;
	*)
		mkdir -m 1777 "$work/forced"
		export "$1=1"
		run_in "$1" "$work/forced"
		;;
	esac
}

# --place WORK PLACE PROGRAM: one program in one place; what it made of that.
one()
{
	trap - EXIT
	work=$1/$2.${3##*/}
	program=$3
	mkdir "$work"
	in_place "$2" >"$work/results"
	exit 0
}

# for_each COMMAND...: with a place and a program, for each of both.
for_each()
{
	for place in ext4 overlay $fallbacks; do
		for program in $programs; do
			"$@" "$place" "$program"
		done
	done
}

tell()
{
	cat "$work/$1.${2##*/}/results" ||
	    echo "not ok - $1: $2: nothing was tried"
}

# everywhere: three for two processors, for each waits half of its time; more
# would be late for want of it.
everywhere()
{
	processors=$(getconf _NPROCESSORS_ONLN)
	for_each echo | xargs -n 2 -P $(((processors * 3 + 1) / 2)) \
	    sh "$srcdir/tests/on_filesystems.sh" --place "$work" ||
	    echo "not ok - a place ended early"
	for_each tell
}

# self_test: what retell makes of a program that fails, dies, or stops early.
self_test()
{
	[ "$(printf '1..1\nok 1 - a\n' | retell p x 0)" = "ok - p: x: a" ] &&
	    printf '1..2\nok 1 - a\n' | retell p x 0 | grep -q '^not ok' &&
	    printf '1..1\nok 1 - a\n' | retell p x 139 | grep -q '^not ok' &&
	    printf '1..1\nnot ok 1 - a\n' | retell p x 1 | grep -q '^not ok' &&
	    retell p x 127 </dev/null | grep -q '^not ok'
}

case ${1-} in
--mounted)
	inside "$2" "$3" "$4"
	;;
--place)
	one "$2" "$3" "$4"
	;;
esac
need unshare stat awk xargs
make_work
chmod 755 "$work"
check "a program that fails or stops early is seen" self_test
everywhere >"$work/results"
cat "$work/results"
plan $((1 + $(grep -Ec '^(not )?ok' "$work/results")))
grep -q '^not ok' "$work/results" && exit 1
exit 0
