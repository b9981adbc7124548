#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# perl.sh - perl's own shmget, shmwrite and shmread, and its semget, semop and
# semctl, in processes that share nothing but the directory of a namespace.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/programs/holder.sh"

key=0x70657231
writer=

# in_namespace PROGRAM...
in_namespace()
{
	./mipcrun --dir "$work/namespace" -- "$@"
}

# ask VERB [TEXT]
ask()
{
	verb=$1
	shift
	in_namespace perl "$srcdir/examples/ask.pl" "$verb" "$key" "$@"
}

# holds TEXT: the segment of the key does, for a process that comes now.
holds()
{
	found=$(ask read) && [ "$found" = "$1" ] && return
	echo "found \"$found\", expected \"$1\""
	return 1
}

# write_until_killed: a perl that never stops writing, killed by SIGKILL after
# its first text is there.
write_until_killed()
{
	mkfifo "$work/said"
	in_namespace perl -e '
		$| = 1;
		my $id = shmget(oct $ARGV[0], 0, 0600) // die "shmget: $!";
		for (my $n = 0; ; $n++) {
			shmwrite($id, "still here", 0, 4096) or die "$!";
			print "$$\n" if $n == 0;
		}' "$key" >"$work/said" &
	read -r writer <"$work/said" || return
	kill -KILL "$writer" || return
	wait "$!"
	status=$?
	writer=
	[ "$status" -eq 137 ] && return
	echo "status $status"
	return 1
}

stop_all()
{
	[ -z "$writer" ] || kill -KILL "$writer"
	stop_programs
}

# The key means nothing outside the namespace.
unknown_outside()
{
	mkdir "$work/other"
	! ./mipcrun --dir "$work/other/namespace" -- \
	    perl "$srcdir/examples/ask.pl" read "$key"
}

# sums TEXT: the values of the set are those.
sums()
{
	found=$(on_mipc values 0x5e) && [ "$found" = "$1" ] && return
	echo "found \"$found\", expected \"$1\""
	return 1
}

# One waits for what the other one adds.
waits()
{
	begin taken "" take 0x5e
	waiter=$begun
	exec 3<"$work/taken"
	on_mipc waiters 0x5e 1 && on_mipc add 0x5e 0 2 || return
	read -r word pid at <&3 && [ "$pid" = "$waiter" ] || return
	wait "$waiter" || return
	waiter=
}

need perl
need_module
make_work
tap_cleanup=stop_all
plan 15
check "a key that nobody made is not found" refused ask read
check "one perl writes" ask ask "a text of perl's"
check "another reads it after the first has ended" holds "a text of perl's"
check "the key means nothing in another namespace" unknown_outside
check "a perl is killed with SIGKILL while it writes" write_until_killed
check "what it wrote is there" holds "still here"
check "a perl removes the segment" ask remove
check "it is gone" refused ask read
check "a perl makes a set of semaphores" on_mipc make 0x5e 0 7 9
check "another one reads all values" sums "0 7 9"
check "one waits until the other one adds" waits
check "what it took under SEM_UNDO is there again" sums "2 7 9"
check "a perl removes the set" on_mipc remove 0x5e
check "the set is gone" refused on_mipc values 0x5e
check "a perl that is killed while it holds frees one that waits" \
    handed_over 0x6b6c
