#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_events.sh - mipcs --events tells what happens in a namespace while it
# does, each thing once, and holds nobody up.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcs

# told: what the scenario's lines are is in $work/json.
told()
{
	PYTHONDONTWRITEBYTECODE=1 \
	    python3 "$srcdir/tests/events.py" play "$work/ns" "$work/json"
}

# watch DIR OPTION...: begin, and wait until it has; as $looker, its lines are
# descriptor 5's.  Each test is a process of its own.
watch()
{
	dir=$1
	shift
	rm -f "$work/lines"
	mkfifo "$work/lines"
	./mipcs --dir "$dir" "$@" >"$work/lines" &
	looker=$!
	trap 'kill -9 $looker 2>/dev/null' EXIT
	exec 5<"$work/lines"
	read -r line <&5
}

# ends_unread: nobody reads it any more; it need not find out by writing.
ends_unread()
{
	exec 5<&-
	wait "$looker"
	status=$?
	[ "$status" -gt 128 ] && [ "$(kill -l "$status")" = PIPE ]
}

# Stopped wherever it is, it holds nobody up.
stopped()
{
	watch "$work/ns" --events || return
	kill -STOP "$looker"
	for make in "-m 10" "-q" "-s 1"; do
		id=$(./mipcmk --dir "$work/ns" $make) &&
		    ./mipcrm --dir "$work/ns" ${make%% *} "$id" || return
	done
	kill -CONT "$looker"
	ends_unread
}

# The namespace goes: so does who looks at it.
gone()
{
	./mipcmk --dir "$work/other" -q >/dev/null
	watch "$work/other" --events && rm -r "$work/other" && wait "$looker"
}

# What the kernel tells is seen though nobody looks for a day.
hinted()
{
	watch "$work/ns" --events=86400 -q || return
	for again in 1 2 3 4 5 6 7 8 9 10; do	# most come between looks
		./mipcmk --dir "$work/ns" -q >/dev/null
		read -r line <&5
	done
	printf '%s\n' "$line" >"$work/line"
	ends_unread && holds '.event == "create" and .kind == "queue"' line
}

is()
{
	holds "[.events[] | select(.event == \"$1\") | $2] == [$3]" json
}

need python3
need jq
need_module
make_work
./mipcmk --dir "$work/ns" -m 1000 >/dev/null
plan 15

check "what happens is told" told
check "... in this order and nothing else" holds '[.events[].event] == [
    "begin", "create", "block", "death", "wake", "create", "block", "death",
    "wake", "create", "attach", "attach", "detach", "remove", "remove",
    "remove", "death", "detach"]' json
check "objects that are made" is create '[.kind, .id, .key]' '
    ["set", 0, "0x00000072"], ["queue", 0, "0x00000073"],
    ["segment", 1, "0x00000071"]'
check "... and removed, also while attached" is remove \
    '[.kind, .id, .key]' '["segment", 1, "0x00000071"],
    ["set", 0, "0x00000072"], ["queue", 0, "0x00000073"]'
check "attaches, how many there are" is attach '[.id, .pid, .count]' \
    '[1, "worker", 1], [1, "worker", 2]'
check "... and detaches, also by an end" is detach '[.id, .pid, .count]' \
    '[1, "worker", 1], [1, "worker", 0]'
check "who sleeps and for what" is block '[.kind, .id, .pid, .for]' '
    ["set", 0, "sleeper", "semaphore 1: -2"],
    ["queue", 0, "receiver", "a message of type 5"]'
check "... and wakes, or is killed" is wake '[.kind, .id, .pid, .for]' '
    ["set", 0, "sleeper", "semaphore 1: -2"],
    ["queue", 0, "receiver", "a message of type 5"]'
check "who ends, and how it was called" is death \
    '[.pid, (.command | test("python3 .*events.py work"))]' \
    '["sleeper", true], ["receiver", true], ["worker", true]'
check "when" holds '[.events[].time] | all(. > 1700000000 and
    . < now + 1)' json
check "^C ends it, which is no failure" holds '.code == 0' json
check "stopped, it holds nobody up; it ends when nobody reads" stopped
check "a namespace that is removed ends it" gone
check "what the kernel tells of files is told at once" hinted
check "it is a form of its own" \
    wrong "--events: lines of JSON, while it happens" --events --raw
