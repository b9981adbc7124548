#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcck.sh - mipcck finds what is broken in a namespace, each rule, and says
# nothing of one that is whole, at rest and in use.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcck

# A segment with data, a set that a dead process owes something, and a queue
# with messages in the inbox, in the index and of several types.
make_namespace()
{
	./mipcmk --dir "$work/whole" -m 5000 -k 5 >/dev/null &&
	    ./mipcmk --dir "$work/whole" -m 1M >/dev/null &&
	    ./mipcmk --dir "$work/whole" -s 7 -k 6 >/dev/null &&
	    ./mipcmk --dir "$work/whole" -s 1 >/dev/null &&
	    ./mipcmk --dir "$work/whole" -q -k 7 >/dev/null || return
	./mipcrun --dir "$work/whole" perl -e '
	my ($q, $s) = (msgget(7, 0), semget(6, 7, 0));
	my $b;
	msgsnd($q, pack("l! a*", 1 + $_ % 5, "x" x ($_ * 7)), 2048) || die
	    for 1 .. 30;
	msgsnd($q, pack("l! a*", 9, "y" x 6000), 2048) || die;
	msgrcv($q, $b, 9000, $_, 2048) || die for 3, 5;
	msgsnd($q, pack("l! a*", 8, "z" x 100), 2048) || die for 1 .. 4;
	semop($s, pack("s!3 s!3", 0, 5, 010000, 1, 3, 0)) || die;
	kill 9, $$;'
	[ $? -eq 137 ]
}

# broken WAY: a copy of it in $work/ns, with that broken.
broken()
{
	rm -rf "$work/ns"
	cp -a "$work/whole" "$work/ns" && tests/mipcck_break "$work/ns" "$1"
}

# finds COMMAND FILE TEXT: among what it says.
finds()
{
	"$1" --dir "$work/ns" >"$work/out" 2>"$work/err"
	[ $? -eq 4 ] && ! [ -s "$work/err" ] &&
	    grep -F "$2: " "$work/out" | grep -qF "$3"
}

each_found()
{
	tests/mipcck_break --list | sed "s/life.UID/life.$(id -u)/" |
	    while read -r way rule file text; do
		broken "$way" && finds ./mipcck "$file" "$text" && continue
		echo "$way: not found: $file: $text"
		cat "$work/out" "$work/err"
	done >"$work/missed"
	same missed ""
}

# The rule left out, the finding is not made: so the test sees the rule.
each_missed()
{
	tests/mipcck_break --list | sed "s/life.UID/life.$(id -u)/" |
	    while read -r way rule file text; do
		export MIPC_BREAK_CHECK="$rule"
		broken "$way" && finds tests/mipcck_broken "$file" "$text" &&
		    echo "$way: found without rule $rule"
	done >"$work/missed"
	same missed ""
}

every_rule_broken()
{
	tests/mipcck_break --list | cut -d ' ' -f 2 | sort -nu >"$work/rules"
	n=$(sed -n '/^enum mipc_rule/,/MIPC_RULES/p' \
	    "$srcdir/lib/check_inside.h" | grep -c 'MIPC_RULE_')
	[ "$(wc -l <"$work/rules")" -eq $((n - 1)) ]
}

copy_whole()
{
	rm -rf "$work/ns"
	cp -a "$work/whole" "$work/ns" && prints 0 "" ""
}

left_told()
{
	exits 0 ./mipcck --dir "$work/ns" -v && sed \
	    's/process [1-9][0-9]*/process PID/' "$work/out" | sort \
	    >"$work/told" && same told "sem.0: note: process PID died owing: \
whoever looks settles it
shm.0: note: its data is another file than it was made with, as in a copy: a \
repair makes it the segment's
shm.1: note: its data is another file than it was made with, as in a copy: a \
repair makes it the segment's"
}

nothing_written()
{
	rm -rf "$work/ns"
	cp -a "$work/whole" "$work/ns" && (cd "$work/ns" && ls -lR &&
	    cat namespace sem.0 msg.0 shm.0 | cksum) >"$work/before" &&
	    ./mipcck --dir "$work/ns" -v >/dev/null && (cd "$work/ns" &&
	    ls -lR && cat namespace sem.0 msg.0 shm.0 | cksum) \
	    >"$work/after" && cmp "$work/before" "$work/after"
}

read_only()
{
	unshare -m sh -c 'mount --bind "$1" "$1" &&
	    mount -o remount,bind,ro "$1" && ./mipcck --dir "$1"' - "$work/ns"
}

# Programs that use, make and remove objects; of which some are killed.
load='my ($q, $s, $b) = (msgget(7, 0), semget(6, 7, 0));
	until (-e shift @{[$ARGV[0]]}) { for (1 .. 50) {
	msgsnd($q, pack("l! a*", 1 + int rand 9, "z" x int rand 900), 2048);
	msgrcv($q, $b, 9000, int(rand 9) - 4, 2048) for 0 .. rand 2;
	semop($s, pack("s!3 s!3", 0, 1, 010000 | 2048, 1, 1, 2048));
	semop($s, pack("s!3 s!3", 0, -1, 010000 | 2048, 1, -1, 2048));
	shmread(shmget(5, 5000, 0), my $x, 0, 5);
	next if rand() > .05;
	my $k = 100 + int rand 5;
	my @i = (shmget($k, 99, 01600), semget($k, 3, 01600),
	    msgget($k, 01600));
	defined $i[0] && rand() < .5 && shmctl($i[0], 0, 0);
	defined $i[1] && rand() < .5 && semctl($i[1], 0, 0, 0);
	defined $i[2] && rand() < .5 && msgctl($i[2], 0, 0);
	kill 9, $$ if $ARGV[1] && rand() < .02; } }'

# in_use TIMES KILLED: nothing is wrong, each time.
in_use()
{
	rm -f "$work/stop"
	for i in 1 2; do
		until [ -e "$work/stop" ]; do
			./mipcrun --dir "$work/whole" perl -e "$load" \
			    "$work/stop" "$2"
		done >/dev/null 2>&1 &
	done
	for i in $(seq "$1"); do
		exits 0 ./mipcck --dir "$work/whole" || {
			cat "$work/out"
			echo "run $i"
			break
		}
	done >"$work/wrong"
	: >"$work/stop"
	wait
	same wrong ""
}

# used: what can be read and changed of the objects that are left.
used()
{
	timeout 30 ./mipcrun --dir "$work/ns" perl -e '
	my ($q, $s, $m) = (msgget(7, 0), semget(6, 7, 0), shmget(5, 5000, 0));
	my ($b, $n, $z) = ("", 0);
	if (defined $q) {
		$n++ while msgrcv($q, $b, 9000, 0, 2048);
		msgsnd($q, pack("l! a*", 5, "k"), 2048) || die "send: $!";
		msgrcv($q, $b, 9, 5, 2048) || die "receive: $!";
	}
	if (defined $s) {
		semop($s, pack("s!3", 1, 1, 2048)) || die "semop: $!";
		semop($s, pack("s!3", 1, -1, 2048)) || die "semop: $!";
		my $v = "";
		semctl($s, 0, 13, $v) || die "values: $!";
		$n .= " " . join ",", unpack "s!*", $v;
	}
	if (defined $m) {
		shmwrite($m, "hi", 0, 2) && shmread($m, $z, 0, 2) ||
		    die "segment: $!";
	}
	print "$n\n"' >"$work/used" 2>&1
}

# repairs WAY: it is repaired, nothing is wrong then, and it can be used.
repairs()
{
	broken "$1"
	./mipcck --repair --dir "$work/ns" >"$work/out" 2>&1
	[ $? -eq 1 ] && ./mipcck --dir "$work/ns" >>"$work/out" 2>&1 && used &&
	    return
	echo "$1: not repaired"
	cat "$work/out" "$work/used"
}

each_repaired()
{
	tests/mipcck_break --list | cut -d ' ' -f 1 | while read -r way; do
		repairs "$way"
	done >"$work/missed" 2>&1
	same missed ""
}

# What is sound of a queue, a set and a segment is there afterwards.
sound_kept()
{
	for way in root bytes page_lost line_circle debt_never used redo; do
		repairs "$way"
		[ "$(cat "$work/used")" = "33 0,3,0,0,0,0,0" ] || {
			echo "$way: $(cat "$work/used")"
			return 1
		}
	done
}

nothing_lost()
{
	broken sem_value && exits 1 ./mipcck --repair --dir "$work/ns" &&
	    cmp "$work/whole/namespace" "$work/whole/namespace" &&
	    [ -f "$work/ns/lost+found/sem.0" ] &&
	    ! [ -e "$work/ns/sem.0" ] &&
	    [ -h "$work/ns/lost+found/key.sem.00000006" ] &&
	    ! [ -e "$work/ns/lost+found/.scratch" ]
}

# What the kernel allowed stays allowed, and no more is.
modes_kept()
{
	for way in mode_file mode_data mode_head; do
		repairs "$way" || return
		(cd "$work/ns" && stat -c '%n %a' sem.0 shm.0 shm.0.data \
		    shm.1 shm.1.data) && ./mipcs --dir "$work/ns" -m -s \
		    --raw --noheadings --output id,perms
	done | tr '\n' ' ' >"$work/modes"
	same modes "sem.0 606 shm.0 666 shm.0.data 644 shm.1 666 shm.1.data \
644 0 644 1 644 0 604 1 644 sem.0 666 shm.0 600 shm.0.data 600 shm.1 666 \
shm.1.data 644 0 600 1 644 0 644 1 644 sem.0 666 shm.0 666 shm.0.data 644 \
shm.1 666 shm.1.data 644 0 644 1 644 0 644 1 644 "
}

# set_list FILE: somebody else may write it; list FILE: who may.
set_list()
{
	python3 -c '
import os, struct, sys
entry = lambda tag, id: struct.pack("<HHI", tag, 6, id)
none = 0xffffffff
os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) +
    entry(1, none) + entry(2, 4711) + entry(4, none) + entry(16, none) +
    entry(32, none))' "$1"
}

list()
{
	python3 -c 'import os, sys
print(os.getxattr(sys.argv[1], "system.posix_acl_access").hex())' "$1"
}

# One that is made anew has the list that the old one had.
lists_kept()
{
	broken redo_outside && set_list "$work/ns/sem.0" &&
	    list "$work/ns/sem.0" >"$work/list" &&
	    exits 1 ./mipcck --repair --dir "$work/ns" &&
	    has out 'sem.0: repaired: made anew' &&
	    list "$work/ns/sem.0" | cmp - "$work/list"
}

# More sets than any list of them in one call has had room for.
debts_settled()
{
	rm -rf "$work/ns"
	./mipcrun --dir "$work/ns" perl -e '
	semop(semget($_, 1, 01600), pack("s!3", 0, 1, 010000)) || die
	    for 1 .. 100;
	kill 9, $$;'
	./mipcck --dir "$work/ns" -v >"$work/before" &&
	    [ "$(grep -c 'died owing' "$work/before")" = 100 ] &&
	    prints 0 "" "" --repair && prints 0 "" "" -v
}

# Somebody lives there: counters are counted anew, and nothing else.
lived_in_refused()
{
	broken asleep && tests/mipcck_break "$work/ns" top &&
	    ./mipcrun --dir "$work/ns" perl -e '
	semop(semget(6, 7, 0), pack("s!3", 1, 0, 2048)); $| = 1; print "go\n";
	sleep 100' >"$work/going" &
	user=$!
	until [ -s "$work/going" ]; do
		kill -0 $user || return
	done
	./mipcck --repair --dir "$work/ns" -v >"$work/out"
	status=$?
	kill $user
	wait $user
	[ $status -eq 4 ] && grep -q "processes live here" "$work/out" &&
	    exits 4 ./mipcck --dir "$work/ns" &&
	    grep -q "1 places say that they sleep" "$work/out" &&
	    ! grep -q "end of the table" "$work/out"
}

# Killed at each call that changes something, it is repaired the next time.
killed()
{
	calls=pwrite64,rename,renameat,renameat2,linkat,unlinkat,symlinkat
	calls=$calls,mkdirat,ftruncate,fallocate,fchmod,fchownat,rmdir
	for way in $MIPC_KILLED; do
		n=1
		while broken "$way"; do
			strace -f -qq -o "$work/calls" -e trace=$calls -e \
			    inject=$calls:signal=KILL:when=$n ./mipcck \
			    --repair --dir "$work/ns" >"$work/out" 2>&1
			[ $? -eq 137 ] || break
			./mipcck --repair --dir "$work/ns" >"$work/out" 2>&1
			exits 0 ./mipcck --dir "$work/ns" && used &&
			    ! [ -e "$work/ns/lost+found/.scratch" ] || {
				echo "$way, killed at call $n"
				cat "$work/out" "$work/used"
				return 1
			}
			cp "$work/used" "$work/used.$way.$n"
			n=$((n + 1))
		done
		[ $n -gt 2 ] && cat "$work/used.$way".* | sort -u |
		    wc -l | grep -qx 1 || {
			echo "$way: $n calls"
			cat "$work/used.$way".*
			return 1
		}
	done
}

need perl
make_work
plan 26
check "a namespace is made, and left by who died" make_namespace
check "every rule has a way to be broken" every_rule_broken
check "a copy that nobody uses is whole" copy_whole
check "... and what the dead left is told if asked" left_told
check "nothing is written" nothing_written
if unshare -m true 2>/dev/null; then
	check "a mount that is read-only can be checked" read_only
else
	skip "a mount that is read-only can be checked" "no mounts"
fi
check "what is broken is found, and named" each_found
check "... and is not with its rule left out" each_missed
: "${MIPC_MUTATIONS:=80}" "${MIPC_KILLED:=root sem_value}"
: "${MIPC_SEED:=$(date +%s)}"
check "what is broken is repaired, and can be used" each_repaired
check "what is sound of an object stays" sound_kept
check "what cannot be derived is moved to lost+found" nothing_lost
check "files and objects allow the same again" modes_kept
: >"$work/listed"
if set_list "$work/listed" 2>/dev/null; then
	check "lists of who may do what are kept" lists_kept
else
	skip "lists of who may do what are kept" \
	    "no extended attributes here"
fi
check "what the dead owe is settled in every set" debts_settled
check "where others live only the library's own is done" lived_in_refused
if strace -qq -o /dev/null true 2>/dev/null; then
	check "a repair that is killed is made the next time" killed
else
	skip "a repair that is killed is made the next time" "no strace"
fi
check "$MIPC_MUTATIONS random mutations are repaired" \
    tests/mipcck_mutate "$work/whole" "$work/ns" "$MIPC_SEED" \
    "$MIPC_MUTATIONS"
check "in use nothing is wrong, 100 times" in_use 100 ""
check "... nor where users are killed" in_use 60 1
check "... nor afterwards" exits 0 ./mipcck --dir "$work/whole"
check "no namespace" prints 8 "" "$work/none: No such file or directory" \
    --dir "$work/none"
mkdir "$work/empty"
check "... in a directory" prints 8 "" "$work/empty: holds no namespace" \
    --dir "$work/empty"
check "nothing is repaired and changed not" wrong "--repair changes \
something, and --dry-run nothing" --repair --dry-run
check "an operand is refused" wrong "more: not an option" more
check "the version" exits 0 ./mipcck --version
check "the options" exits 0 ./mipcck --help
