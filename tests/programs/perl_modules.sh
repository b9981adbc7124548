#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# perl_modules.sh - IPC::SysV with its classes, and IPC::ShareLite, by which
# perls share values of any length under a lock of three semaphores.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/programs/program.sh"

counters=3

modules()
{
	on_mipc perl "$work/modules.pl" "$@"
}

# One is killed while it has the lock, and then the others count.
counted()
{
	launch perl "$work/modules.pl" hold
	hear held || return
	holder=${heard#held }
	for counter in $(seq "$counters"); do
		launch perl "$work/modules.pl" count
	done
	blocked "$counters" || return
	as_user kill -KILL "$holder"
	ended 137 $(printf '0 %.0s' $(seq "$counters")) || return
	modules counted "$counters"
}

need perl
perl "$srcdir/tests/programs/modules.pl" 2>/dev/null ||
    skip_all "IPC::ShareLite is not installed"
prepare
cp "$srcdir/tests/programs/modules.pl" "$work"
plan 11
step "IPC::SharedMem writes into a segment" modules memory
step "shmat and memread find it in another process" modules memory-read
step "IPC::Msg sends" modules send
step "another process receives by type" modules receive
step "IPC::Semaphore operates on three at once" modules set
step "what was done under SEM_UNDO is undone" modules set-read
step "IPC::ShareLite stores a text in several segments" modules share
step "another process fetches it" modules share-read
step "counters lose nothing when the lock's holder is killed" counted
check "nothing is left" none_left
check_trace perl
