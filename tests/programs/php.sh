#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# php.sh - PHP's sysvmsg, sysvsem, sysvshm and shmop: what one process leaves
# another finds, and a semaphore that a killed one holds is another's.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/programs/program.sh"

# ipc VERB: with the extensions that are not in the program.
ipc()
{
	on_mipc php -n $extensions "$work/ipc.php" "$1"
}

find_extensions()
{
	extensions=
	for name in pcntl posix shmop sysvmsg sysvsem sysvshm; do
		php -n -m | grep -qx "$name" ||
		    extensions="$extensions -d extension=$name"
	done
	php -n $extensions "$work/ipc.php" extensions 2>/dev/null ||
	    skip_all "an extension of php's is not installed"
}

handed_over()
{
	launch php -n $extensions "$work/ipc.php" hold
	hear held || return
	holder=${heard#held }
	ipc busy || return
	launch php -n $extensions "$work/ipc.php" take
	blocked 1 || return
	as_user kill -KILL "$holder"
	ended 0 137
}

need php
prepare
cp "$srcdir/tests/programs/ipc.php" "$work"
find_extensions
plan 9
step "shmop writes into a segment" ipc block
step "another process reads and removes it" ipc block-read
step "sysvshm keeps variables of several types" ipc variables
step "another process finds them" ipc variables-read
step "sysvmsg sends values and bytes" ipc send
step "another process receives them by type" ipc receive
step "a semaphore of sysvsem that a killed process held is another's" \
    handed_over
check "nothing is left" none_left
check_trace php
