#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_watch.sh - mipcs --watch shows again and again what is there: in place
# on a terminal, which it leaves as it was.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcs

# terminal FACT: tests/terminal.py proves it.
terminal()
{
	PYTHONDONTWRITEBYTECODE=1 \
	    python3 "$srcdir/tests/terminal.py" "$work/ns" ./mipcs "$@"
}

# repeats OPTION...: without a terminal, until the reader goes: what was made
# before the second look is there in it.
repeats()
{
	rm -f "$work/fifo"
	mkfifo "$work/fifo"
	./mipcs --dir "$work/ns" --watch=0.1 --noheadings "$@" \
	    >"$work/fifo" 2>"$work/err" &
	watcher=$!
	(
		IFS= read -r one
		./mipcmk --dir "$work/ns" -m 4096 >/dev/null
		while IFS= read -r line; do
			case $line in
			*4096*)
				echo "$one"
				echo "$line"
				break
				;;
			esac
		done
	) <"$work/fifo" >"$work/out"
	wait "$watcher"
	status=$?
	[ "$status" -gt 128 ] && [ "$(kill -l "$status")" = PIPE ] &&
	    [ "$(wc -l <"$work/out")" -eq 2 ] && same err ""
}

# interrupted: ^C is its regular end.
interrupted()
{
	rm -f "$work/fifo"
	mkfifo "$work/fifo"
	python3 -c '
import signal, subprocess, sys
# Whoever started the test may have had it ignored.
signal.signal(signal.SIGINT, signal.SIG_DFL)
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
first = p.stdout.readline()
p.send_signal(signal.SIGINT)
p.stdout.read()
sys.exit(p.wait())' ./mipcs --dir "$work/ns" --watch=60
}

# json_repeats: documents that jq reads, one after the other.
json_repeats()
{
	./mipcs --dir "$work/ns" --watch=0.1 -J -m 2>"$work/err" |
	    jq -n '[limit(3; inputs | .segments | length)]' >"$work/json"
	holds 'length == 3 and all(. >= 1)' json
}

need python3
need jq
make_work
./mipcmk --dir "$work/ns" -m 1000 -k 0x71 >/dev/null
./mipcmk --dir "$work/ns" -s 3 -k 0x72 >/dev/null
plan 16

check "on a terminal it is drawn, and q ends it" terminal draws
check "... as it was: modes, screen and cursor" terminal restores
check "... also after ^C, which is no failure" terminal interrupts
check "... and when it is killed, by what killed it" terminal dies
check "stopped, it gives the terminal back, and goes on" terminal stops
check "what changed is marked, and nothing else" terminal marks
check "what comes is marked, not what it moves" terminal marks_new
check "a smaller terminal cuts lines and their ends" terminal resizes
check "names of users cannot command the terminal" terminal escapes
check "of any view: limits" terminal limits
check "without a terminal it repeats, and ends with its reader" repeats -m
check "... in columns of one's own" repeats -m --output bytes,shmid
check "^C ends it there, too" interrupted
check "JSON is a document each time" json_repeats
check "seconds may be a word of their own, and are at least a tenth" eval \
    'wrong "--watch 0: not a number of seconds, 0.1 to 86400" --watch 0'
check "... and a number" \
    wrong "--watch x: not a number of seconds, 0.1 to 86400" --watch=x
