# SPDX-License-Identifier: BSD-2-Clause
# holder.sh - a program that holds a semaphore is killed by SIGKILL, and
# another one, blocked on it, goes on; to be sourced after tap.sh.
#
# The programs are perls (semaphore.pl) that share nothing but $work/namespace.

semaphore=$srcdir/examples/semaphore.pl
soon=100			# milliseconds
holder=
waiter=

# on_mipc VERB KEY [ARGUMENT]...
on_mipc()
{
	./mipcrun --dir "$work/namespace" -- perl "$semaphore" "$@"
}

# only_child PID: prints it.
only_child()
{
	tr -d ' ' <"/proc/$1/task/$1/children"
}

stop_programs()
{
	for program in $holder $waiter; do
		kill -KILL "$program" 2>/dev/null
	done
	holder=
	waiter=
}

# begin FIFO ENTER VERB KEY: a program, entered by a command that may be
# empty, whose one line comes through the FIFO; `begun` is its pid out here,
# whatever it thinks of itself.
begin()
{
	fifo=$work/$1
	enter=$2
	shift 2
	rm -f "$fifo"
	mkfifo "$fifo"
	$enter ./mipcrun --dir "$work/namespace" -- perl "$semaphore" "$@" \
	    begun >"$fifo" &
	entered=$!
	begun=$entered
}

# hand_over KEY [ENTER]: one round; `took` is how long the waiter waited after
# the kill, and `pids` what each took itself for.
hand_over()
{
	begin held "${2-}" hold "$1"
	read -r word pids at <"$work/held" && [ "$word" = begun ] || return
	holder=$begun
	[ -z "${2-}" ] || holder=$(only_child "$begun") || return
	begin taken "${2-}" take "$1"
	waiter=$begun
	exec 3<"$work/taken"
	on_mipc waiters "$1" 1 || return
	before=$(perl "$semaphore" time)
	kill -KILL "$holder"
	holder=
	read -r word pid after <&3 && [ "$word" = begun ] || return
	wait "$waiter" || return
	waiter=
	pids="$pids $pid"
	took=$((after - before))
	echo "$took ms; the pids were $pids"
}

# handed_over KEY [ENTER]: in time, in most of three rounds.
handed_over()
{
	on_mipc make "$1" 1 || return
	late=0
	for round in 1 2 3; do
		hand_over "$@" || {
			stop_programs
			return 1
		}
		[ "$took" -le "$soon" ] || late=$((late + 1))
	done
	on_mipc remove "$1" && [ "$late" -le 1 ]
}
