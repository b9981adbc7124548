#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fakeroot.sh - Debian's fakeroot, whose programs ask a daemon by queues and
# take turns by a semaphore: an ordinary user makes an archive of files that
# are root's and of devices.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/programs/ordinary.sh"

user=$PWD/tests/ipc_user

# What fakeroot is given to do.
write_script()
{
	cat >"$work/make" <<-'END'
	set -e
	cd "$1"
	umask 022
	[ "$(id -u)" -eq 0 ]
	mkdir tree tree/dev
	echo text >tree/file
	echo more >tree/other
	mkfifo tree/fifo
	chown 0:0 tree/file
	chown 12:34 tree/other
	chmod 4755 tree/other
	mknod tree/dev/null c 1 3
	mknod tree/dev/disk b 8 1
	tar --numeric-owner -cf archive.tar tree
	END
	LC_ALL=C sort >"$work/expected" <<-END
	drwxr-xr-x 0/0 tree/
	drwxr-xr-x 0/0 tree/dev/
	brw-r--r-- 0/0 8,1 tree/dev/disk
	crw-r--r-- 0/0 1,3 tree/dev/null
	prw-r--r-- 0/0 tree/fifo
	-rw-r--r-- 0/0 tree/file
	-rwsr-xr-x 12/34 tree/other
	END
}

# Each program once with fakeroot's preload before the module, and once behind.
write_orders()
{
	cat >"$work/orders" <<-'END'
	set -e
	case $LD_PRELOAD in
	*fakeroot*:*mipc-preload*) ;;
	*)	echo "LD_PRELOAD is $LD_PRELOAD"
		exit 1 ;;
	esac
	for list in "$LD_PRELOAD" "${LD_PRELOAD#*:}:${LD_PRELOAD%%:*}"; do
		LD_PRELOAD=$list
		export LD_PRELOAD
		for command in numbers sets queues; do
			"$1" "$command"
		done
		: >"$2/owned"
		chown 12:34 "$2/owned"
		[ "$(stat -c %u:%g "$2/owned")" = 12:34 ]
		rm "$2/owned"
		echo "$list"
	done
	END
}

in_both_orders()
{
	cp "$user" "$copies/user"
	fakeroot "" sh "$work/orders" "$copies/user" "$home" >"$work/told" ||
	    return
	cat "$work/told"
	await_daemons && [ "$(sort -u "$work/told" | wc -l)" -eq 2 ]
}

# What the archive holds: what is a device's number is another file's size.
list()
{
	tar --numeric-owner -tvf "$home/archive.tar" | awk '
	/^[bc]/ { print $1, $2, $3, $NF; next }
	{ print $1, $2, $NF }' | LC_ALL=C sort
}

# fakeroot PROGRAM...: on mipc, after a command that may be empty.
fakeroot()
{
	before=$1
	shift
	as_user $before "$copies/mipcrun" --dir "$home/namespace" -- \
	    fakeroot-sysv "$@"
}

# A daemon is told to end, and nobody waits for it.
await_daemons()
{
	for pid in $(daemons 2>/dev/null); do
		"$user" await "$pid" || return
	done
}

# archived BEFORE: the archive is made, and holds what it should.
archived()
{
	rm -rf "$home/tree" "$home/archive.tar"
	fakeroot "$1" sh "$work/make" "$home" || return
	await_daemons && list >"$work/found" &&
	    diff "$work/expected" "$work/found"
}

belongs_to_user()
{
	owner=$(stat -c %u "$home/archive.tar") &&
	    [ "$owner" = "$(as_user id -u)" ] && [ "$owner" -ne 0 ]
}

# The daemon removes its queues and its semaphore.
nothing_left()
{
	await_daemons
	left=$(ls "$home/namespace" | grep -E '^(msg|sem)\.')
	[ -z "$left" ] && return
	echo "$left"
	return 1
}

traced()
{
	archived "strace -f -qq -y -e trace=%ipc,close -e signal=none
	    -o $home/trace"
}

# Of the many that it closes, most were not open.
daemon_closed()
{
	awk -v dir="<$home/namespace>" '
	/EBADF/ { if (++missed[$1] == 100 && closed[$1]) found = 1 }
	/close\(/ && index($0, dir) {
		closed[$1] = 1
		if (missed[$1] >= 100)
			found = 1
	}
	END { exit !found }' "$home/trace"
}

no_sysv_call()
{
	[ -s "$home/trace" ] &&
	    ! grep -E '\<(shm|sem|msg)[a-z]*\(' "$home/trace"
}

need fakeroot-sysv tar
need_module
make_work
[ "$(id -u)" -ne 0 ] || need setpriv
become_ordinary
settle . "$work" || skip_all "only root can reach $work"
tap_cleanup=stop_daemons
# The daemon closes each that there could be.
ulimit -n 1024 2>/dev/null || :
write_script
write_orders
plan 7
check "what is root's and devices are archived by a user" archived ""
check "the archive is that user's" belongs_to_user
check "other calls are the module's, before and behind fakeroot's" \
    in_both_orders
check "no queue is left, and no semaphore" nothing_left
if ! as_user strace -o "$home/seen" true 2>/dev/null; then
	reason="tracing is not allowed here"
	command -v strace >/dev/null || reason="strace is not installed"
	skip "the same while traced" "$reason"
	skip "the daemon has closed the namespace's descriptor" "$reason"
	skip "no call was the kernel's" "$reason"
	exit
fi
check "the same while traced" traced
check "the daemon has closed the namespace's descriptor" daemon_closed
check "no call was the kernel's" no_sysv_call
