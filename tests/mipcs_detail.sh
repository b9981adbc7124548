#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_detail.sh - mipcs shows all that is known of one object.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcs

need python3
need jq
need_module
make_work
plan 24

cp "$srcdir/tests/use.py" "$work/program"
begin program && ok "objects are used" || not_ok "objects are used"
set -- $said
pid=$1 sleeper=$2 receiver=$3 shm=$4 sem=$5 msg=$6

check "a segment: who has it attached" json "
    .attached | length == 3 and any(.pid == $pid and .count == 2 and
    .alive == true and .since > 1000000000 and
    (.command | test(\"program\")))" -m -i "$shm"
check "... and its own row" json "
    .segments | length == 1 and .[0].shmid == $shm and
    .[0].bytes == 5000 and .[0].nattch == 6" -m -i "$shm"
check "... and its creator" json "
    .object | length == 1 and .[0].cpid == $pid and .[0].alive == true and
    .[0].used >= 8192 and .[0].lockpid == null and
    (.[0].command | test(\"program\"))" -m -i "$shm"
check "a set: every semaphore" json '
    [.semaphores[] | [.semnum, .value, .ncnt, .zcnt]] ==
    [[0, 1, 0, 0], [1, 0, 1, 0], [2, 7, 0, 0]]' -s -i "$sem"
check "... and who owes it" json "
    .debts | length == 1 and .[0].pid == $pid and .[0].semnum == 2 and
    .[0].amount == -7 and .[0].alive == true" -i "$sem"
check "... and who sleeps in it" json "
    .sleepers | length == 1 and .[0].pid == $sleeper and
    .[0].for == \"semaphore 1: -4\" and .[0].since > 1000000000" -i "$sem"
check "a queue: every message" json '
    [.messages[] | [.type, .size]] == [[5, 10], [6, 0], [5, 30]]' \
    -q -i "$msg"
check "... and by type" json '
    [.types[] | [.type, .messages, .bytes]] == [[5, 2, 40], [6, 1, 0]]' \
    -q -i "$msg"
check "... and who sleeps in it" json "
    .sleepers | length == 1 and .[0].pid == $receiver and
    .[0].for == \"a message of type 1 to 3\"" -q -i "$msg"
check "the same by its key" json "
    .queues[0].msqid == $msg and (.types | length == 2)" -q --key 0x71
check "... of the one kind that has it" json '
    .sets[0].key == "0x00000072" and .debts == [] and .sleepers == []' \
    --key 0x72
check "... but not of one of several" \
    exits 2 ./mipcs --dir "$work/ns" --key 0x71
check "... which the message says" has err 'key 0x00000071: .*several'
check "a key that nobody has is an error" \
    exits 1 ./mipcs --dir "$work/ns" --key 0x99
check "... that names it" has err 'key 0x00000099'
check "any list has its creator, and what it takes up" json "
    .sets[0].cpid == $pid and .queues[0].alive == true and
    (.segments[0] | .used >= 8192 and .born > 1000000000 and
    (.command | test(\"program\")))" -a
check "... which is not looked for unasked" json \
    '.segments[0] | has("used") | not'
check "bytes that are no text are hex alone" json \
    ".messages[0] == {type: 5, size: 10, text: null, hex: (\"01\" * 10)}" \
    --peek "$msg"
check "--list shows its row alone" json "
    (keys == [\"queues\"]) and .queues[0].msqid == $msg and
    (.queues | length == 1)" -q -i "$msg" --list
check "people get the same" exits 0 ./mipcs --dir "$work/ns" -i "$sem"
check "... each in a table of its own" \
    has out '^ *pid[[:space:]]+user[[:space:]]+alive[[:space:]]+semnum'
check "... but no empty ones" eval \
    './mipcs --dir "$work/ns" -s --key 0x72 >"$work/out" &&
    refused has out amount'
finish
check "numbers of the dead stay, and nobody is attached" json "
    (.attached | all(.alive == false)) and .segments[0].nattch == 0 and
    .object[0].cpid == $pid and .object[0].alive == false" -m -i "$shm"
