#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# checkpoints.sh - how long a checkpoint of a segment of 512 MiB takes under a
# process that stores into all of it, and how long that one is held up at most:
# mipc's, beside cp + fsync + rename and beside FICLONE alone.
#
#	bench/checkpoints.sh [--quick]	in the build directory; quick: 64 MiB
#
# On tmpfs, and on filesystems in files below ${TMPDIR:-/tmp} where they may be
# mounted, in a mount namespace of their own.  Each line is the middle one of
# three runs by the clock, with its pause; `no checkpoint` says what pauses the
# machine makes by itself.  The checkpoint of a segment on tmpfs is on tmpfs.

# on PLACE DIRECTORY: its lines.
on()
{
	for way in none cp ficlone mipc; do
		for run in 1 2 3; do
			rm -rf "$2/ns" "$2/file"
			./mipc-bench-ckpt "$way" "$2/ns" "$2/file" "$size"
			[ $? -eq 0 ] || break
		done 2>&1 | sort -n | sed -n 2p >"$work/said"
		read -r seconds pause how <"$work/said" || continue
		[ "$way" != none ] || seconds=-
		printf '%-6s %-22s %8s s %9s ms\n' "$1" "$(name)" "$seconds" \
		    "$pause"
	done
	rm -rf "$2/ns" "$2/file"
}

# name: of a way, and how mipc went.
name()
{
	case $way in
	none)
		echo "no checkpoint" ;;
	cp)
		echo "cp+fsync+rename" ;;
	ficlone)
		echo "FICLONE alone" ;;
	mipc)
		echo "mipc, $how" ;;
	esac
}

# --mounted FILESYSTEM WORK SIZE: inside the mount namespace.
if [ "${1-}" = --mounted ]; then
	work=$3 size=$4
	mkdir "$work/$2" && truncate -s $((size * 5 + 300))M "$work/image" &&
	    "mkfs.$2" -q "$work/image" >/dev/null 2>&1 &&
	    mount -o loop "$work/image" "$work/$2" 2>/dev/null || {
		echo "$2: skipped: it cannot be mounted here"
		exit
	}
	on "$2" "$work/$2"
	exit
fi
size=512
[ "${1-}" != --quick ] || size=64
work=$(mktemp -d "${TMPDIR:-/tmp}/mipc-saved.XXXXXX") || exit 1
trap 'rm -rf "$work" "$shared"' EXIT
trap 'exit 1' HUP INT TERM
shared=$(mktemp -d /dev/shm/mipc-saved.XXXXXX) || exit 1
on tmpfs "$shared"
for type in ext4 xfs btrfs; do
	PATH=$PATH:/usr/sbin:/sbin unshare -m \
	    sh "$0" --mounted "$type" "$work" "$size" ||
	    echo "$type: skipped: mounting is not allowed here"
	rm -rf "$work/image" "$work/$type"
done
