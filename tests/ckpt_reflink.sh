#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ckpt_reflink.sh - on filesystems whose files can share blocks a segment in a
# checkpoint is as it was at one moment, whatever is stored meanwhile; and what
# is in no file's blocks is in no checkpoint.
#
# Of what is published some rounds are tried; ckpt_reflink_long.sh has all.
#
# Mounts are made in a mount namespace of their own and go with it.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# torn: stores are seen torn, or not; what was said is in $said.
torn()
{
	rm -rf "$at/ns"
	said=$("$program" "$at/ns" "$at/c" 20) || return
	echo "$said"
}

at_one_moment()
{
	torn && [ "$said" = "0 of 20 torn, reflink" ]
}

page_by_page()
{
	MIPC_NO_REFLINK=1
	export MIPC_NO_REFLINK
	torn
	status=$?
	unset MIPC_NO_REFLINK
	[ "$status" -eq 0 ] || return
	case $said in
	"0 of "*)
		return 1 ;;
	*", page by page")
		;;
	*)
		return 1 ;;
	esac
}

# says WAY: so is the segment saved, as is said and listed.
says()
{
	[ "$(./mipcsnap --dir "$at/n" save "$at/c")" = "segment 0: $1" ] &&
	    ./mipcsnap list "$at/c" | grep -q " $1\$"
}

same_either_way()
{
	./mipcmk --dir "$at/n" -m 1000001 >/dev/null && says reflink &&
	    cp "$at/c" "$at/d" || return
	MIPC_NO_REFLINK=1
	export MIPC_NO_REFLINK
	says "page by page"
	status=$?
	unset MIPC_NO_REFLINK
	[ "$status" -eq 0 ] && ./mipcsnap diff "$at/c" "$at/d"
}

# Blocks that are shared were reserved; there must be room for others.
no_space()
{
	rm -rf "$at/n" "$at/ns" && ./mipcmk --dir "$at/n" -m 64M >/dev/null &&
	    fill_segment "$at/n" || return
	for n in $(seq 100); do
		fallocate -l 8M "$at/ballast.$n" 2>/dev/null || break
	done
	./mipcsnap --dir "$at/n" save "$work/c" >"$work/out"
	status=$?
	rm "$at"/ballast.*
	cat "$work/out"
	[ "$status" -eq 0 ] && [ "$(cat "$work/out")" = \
	    "segment 0: page by page" ] &&
	    [ "$(./mipcsnap --dir "$at/n" save "$work/c")" = \
	    "segment 0: reflink" ]
}

# fill_segment DIR: each page of segment 0 has a block.
fill_segment()
{
	head -c 64M /dev/zero | tr '\0' x | dd of="$1/shm.0.data" bs=64K \
	    iflag=fullblock conv=notrunc 2>/dev/null
}

# on FILESYSTEM: what is tried where it is mounted.
on()
{
	check "$1: 20 checkpoints under stores are of one moment each" \
	    at_one_moment
	check "$1: ... page by page they are torn" page_by_page
	check "$1: both ways have the same bytes, and are told apart" \
	    same_either_way
	check "$1: what is published is whole, and of the sets' moment" \
	    env TMPDIR="$at" ./tests/ckpt_publish $all
	check "$1: where there is no space to share blocks they are copied" \
	    no_space
}

# --mounted FILESYSTEM WORK [--all]: inside the mount namespace; 99: not
# mounted.
inside()
{
	trap - EXIT
	work=$2
	all=${3-}
	at=$work/$1
	mkdir "$at" && truncate -s 512M "$work/$1.image" &&
	    "mkfs.$1" -q "$work/$1.image" >/dev/null 2>&1 &&
	    mount -o loop "$work/$1.image" "$at" >/dev/null 2>&1 || exit 99
	on "$1"
	exit "$tap_failed"
}

# mounted FILESYSTEM: its tests, and their numbers.
mounted()
{
	PATH=$PATH:/usr/sbin:/sbin unshare -m sh \
	    "$srcdir/tests/ckpt_reflink.sh" --mounted "$1" "$work" \
	    $all >"$work/said"
	status=$?
	if [ "$status" -eq 99 ] || ! [ -s "$work/said" ]; then
		for n in 1 2 3 4 5; do
			skip "$1: $n" "no $1 can be mounted here"
		done
		return
	fi
	sed "s/^\(not \)*ok [0-9]* - /\1- /" "$work/said" >"$work/lines"
	while read -r line; do
		case $line in
		"- "*)
			ok "${line#- }" ;;
		"not - "*)
			not_ok "${line#not - }" ;;
		*)
			echo "$line" ;;
		esac
	done <"$work/lines"
}

# A segment of 1 GiB of which two pages have memory, its checkpoint, and what
# is made of that: nobody reads the holes, and none is filled.
sparse()
{
	mkdir "$work/s" && ./mipcmk --dir "$work/s/ns" -s 1 >/dev/null &&
	    ./mipcrun --dir "$work/s/ns" -- python3 -c '
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
m = libc.shmget(1, ctypes.c_size_t(1 << 30), 0o11600)
a = libc.shmat(m, None, 0)
for at in 5 << 20, 1000 << 20:
    ctypes.memmove(a + at, b"data", 4)
' && strace -qq -o "$work/s/trace" -e trace=pread64 ./mipcsnap --dir \
	    "$work/s/ns" save "$work/s/c" >/dev/null || return
	reads=$(wc -l <"$work/s/trace")
	echo "$reads reads"
	[ "$reads" -lt 50 ] &&
	    ./mipcsnap --dir "$work/s/new" restore "$work/s/c" &&
	    ./mipcsnap diff "$work/s/ns" "$work/s/new" || return
	for ns in ns new; do
		set -- $(stat -c '%b' "$work/s/$ns/shm.0.data")
		echo "$ns: $1 blocks"
		[ $(($1 * 512)) -le 65536 ] || return
	done
}

program=./tests/ckpt_bytes
if [ "${1-}" = --mounted ]; then
	shift
	inside "$@"
fi
all=${1-}
need python3 unshare fallocate stat
make_work
plan 11
if strace -qq -o /dev/null true 2>/dev/null; then
	check "a sparse segment stays sparse, and its holes are not read" sparse
else
	skip "a sparse segment stays sparse" "tracing is not allowed here"
fi
mounted btrfs
mounted xfs
