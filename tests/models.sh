#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# models.sh - the models of what sets and queues do inside, at a size that all
# orders of steps can be gone through: nothing goes wrong, and with one rule
# left out something does.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

LIMIT=300		# seconds for one model, which takes a few

compiler=${CC:-cc}
need spin "${compiler%% *}"	# $CC may hold options
make_work

# explore MODEL SETTING...: go through all orders; what pan says is in
# $work/said.  Where an error comes soon, compiling is what takes time.
explore()
{
	case $explore_for/$* in
	wrong/*-DN=4*) level=-O1 ;;
	wrong/*) level=-O0 ;;
	*) level=-O1 ;;
	esac
	model=$(cd "$srcdir/tests/models" && pwd)/$1.pml
	shift
	(
		cd "$work" &&
		    spin -a "$@" "$model" &&
		    $compiler $level -w -DSAFETY -DNOREDUCE -DCOLLAPSE \
			-o pan pan.c &&
		    timeout "$LIMIT" ./pan -m1000000 >said
	)
}

# right MODEL SETTING...: all orders were gone through, and none is wrong.
right()
{
	explore_for=right
	explore "$@" || return
	grep -q '^State-vector.* errors: 0$' "$work/said" &&
	    ! grep -qE 'not completed|too small|out of memory' "$work/said" &&
	    return
	cat "$work/said"
	return 1
}

# wrong MODEL WHAT SETTING...: some order makes the assertion about WHAT fail.
wrong()
{
	explore_for=wrong
	wrong_model=$1
	wrong_what=$2
	shift 2
	explore "$wrong_model" "$@" || return
	grep -qE "^pan:.* assertion violated .*$wrong_what" "$work/said" &&
	    return
	cat "$work/said"
	return 1
}

# An amount, and its sleepers are served out of order.
amounts='-DCAP=2 -DW1=2'
# The first one only adds, and owes nothing.
producer='-DCAP=0 -DPROD=1'
# Who adds only says that steps are due, as with a vector.
steps='-DFUSE=0'
# Four, of whom two want more than is there for long.
four='-DN=4 -DORDER -DINTR=1 -DCRASHES=1'

# A queue that nothing fits into is removed.
gone='-DNR=1 -DCAP=0 -DREMOVES=1'

# turn WHAT COMMAND...: a check, if it is this lane's.
turn()
{
	turns=$((turns + 1))
	[ $((turns % lanes)) -ne "$lane" ] || check "$@"
}

# Each setting is words of its own.
# shellcheck disable=SC2086
all_models()
{

turn "a model in which something goes wrong is not taken for right" \
    refused right wake -DCRASHES=0 -DNODUE $steps
turn "wake: two are killed anywhere, and nobody sleeps for ever" \
    right wake -DORDER -DCRASHES=2 -DSPLIT=1
turn "wake: the same where who adds hands over by steps alone" \
    right wake -DORDER -DCRASHES=2 -DSPLIT=1 $steps
turn "wake: the same with amounts" \
    right wake -DCRASHES=2 $amounts
turn "wake: by steps alone" \
    right wake -DCRASHES=2 $amounts $steps
turn "wake: FUTEX_WAITV queues word by word, and a signal ends a sleep" \
    right wake -DORDER -DCRASHES=1 -DSPLIT=1 -DWORDS=1 -DINTR=1
turn "wake: the same with amounts" \
    right wake -DCRASHES=1 -DWORDS=1 -DINTR=1 $amounts
turn "wake: the same with one who only adds" \
    right wake -DCRASHES=2 -DSPLIT=1 $producer
turn "wake: who is dead was looked up a while ago" \
    right wake -DORDER -DCRASHES=1 -DSPLIT=1 -DSTALE=1
turn "wake: only who was woken by a death settles debts" \
    right wake -DCRASHES=1 -DSPLIT=1 -DINTR=1 -DLAZY=1 $amounts
turn "wake: newcomers may overtake" \
    right wake -DBARGE=1 -DCRASHES=1 -DSPLIT=1 $amounts

turn "wake: no bell" \
    wrong wake lost -DCRASHES=1 -DNOBELL $steps
turn "wake: no bell, and one who only adds" \
    wrong wake lost -DCRASHES=1 -DNOBELL $producer
turn "wake: no watchman" \
    wrong wake lost -DCRASHES=1 -DNOWATCH $amounts
turn "wake: who was served does not look at what else woke it" \
    wrong wake lost -DCRASHES=1 -DNOBATON $amounts
turn "wake: nobody makes the wakes that a dead one owed" \
    wrong wake lost -DCRASHES=1 -DSPLIT=1 -DDERIVE=0
turn "wake: lists without those who sleep" \
    wrong wake lost -DCRASHES=1 -DNOAHEAD
turn "wake: who takes without sleeping is on nobody's list" \
    wrong wake lost -DCRASHES=1 -DNOLISTED $amounts
turn "wake: the watchman leaves without a word" \
    wrong wake lost $four -DNOLEAVE -DW1=2 -DW3=2
turn "wake: who performs one sleeper's operation forgets the others" \
    wrong wake lost -DCRASHES=0 -DNOFUSEDUE $amounts
turn "wake: one told to look leaves without a word" \
    wrong wake lost $four -DNOLOOKLEAVE -DCAP=2 -DW1=2 -DW2=2
turn "wake: who leaves by a signal does not look at what else woke it" \
    wrong wake lost -DCRASHES=1 -DINTR=1 -DBLIND
turn "wake: nobody says that steps are due" \
    wrong wake lost -DCRASHES=0 -DNODUE $steps
turn "wake: newcomers do not look whether steps are due" \
    wrong wake overtaken -DCRASHES=0 -DDEAF $steps
turn "wake: FUTEX_WAITV does not see that steps became due" \
    wrong wake lost -DCRASHES=1 -DCMP=1 $producer $steps
turn "wake: it does not see a commit whose words are not written" \
    wrong wake lost -DCRASHES=1 -DCMP=2 -DSPLIT=1 $producer
turn "wake: it compares T before it is queued on the bell" \
    wrong wake lost -DCRASHES=1 -DWORDS=1 -DBELLAT=2 -DSPLIT=1 $steps
turn "wake: a handler jumps away between commit and wake" \
    wrong wake lost -DCRASHES=0 -DJUMP=1

turn "post: one is killed anywhere, and each message is in one place" \
    right post
turn "post: the same where there is no room, and the queue is removed" \
    right post $gone
turn "post: the same where sleeps end by themselves" \
    right post -DNR=1 -DCAP=0 -DTIMEOUTS=1
turn "post: who has sent does not look for sleepers" \
    wrong post lost -DNOLOOK
turn "post: a sleeper compares its own side's turn alone" \
    wrong post lost -DNOTURN
turn "post: no bell" \
    wrong post lost -DNOBELL
turn "post: nobody makes the wakes that a dead one owed" \
    wrong post lost -DNOTOLD
turn "post: what a dead one was handed does not go back" \
    wrong post once -DNOBACK
turn "post: it goes back, and nobody says that steps are due" \
    wrong post lost -DNODUE
turn "post: who falls asleep does not wait for the heirs' deaths" \
    wrong post lost -DNOHEIRS
turn "post: a removal that was said on one board is left at that" \
    wrong post lost $gone -DNOBOTH
turn "post: a receiver takes what it saw before others took it" \
    wrong post once -DNOFRESH

turn "publish: two readers and a writer that is killed: no mixture" \
    right publish -DNW=1 -DNR=2 -DTIMES=3
turn "publish: two writers that take buffers away: no mixture is believed" \
    right publish -DNW=2 -DNR=1 -DSTEAL=1
turn "publish: two buffers" \
    right publish -DNW=2 -DNR=1 -DNB=2
turn "publish: the newest is named before its bytes are there" \
    wrong publish one==v -DNW=1 -DNR=1 -DEARLY
turn "publish: a writer does not look again for readers" \
    wrong publish one==v -DNW=1 -DNR=1 -DTIMES=3 -DNOSCAN
turn "publish: a writer looks for readers before it says that it is there" \
    wrong publish one==v -DNW=1 -DNR=1 -DTIMES=4 -DNOODD
turn "publish: a reader does not look at the end" \
    wrong publish one==v -DNW=1 -DNR=1 -DTIMES=3 -DSTEAL=1 -DNODONE

turn "still: a copy is of one moment, and within as many changes as writers" \
    right still
turn "still: the same with three, one of whom is killed" \
    right still -DNW=3 -DTIMES=1 -DCRASHES=1
turn "still: two who ask, one of whom is killed" \
    right still -DNA=2 -DTIMES=1 -DCRASHES=1
turn "still: who waits takes back what a living one asked" \
    right still -DPATIENCE=1 -DCRASHES=1
turn "still: who asked believes its copy" \
    wrong still was -DNOLOOK
turn "still: nobody is asked" \
    wrong still tries -DNOASK
turn "still: a writer looks at its first call alone" \
    wrong still tries -DONCE
turn "still: nobody asks whether who asked is dead" \
    wrong still waiting -DCRASHES=1 -DNODEATH
turn "still: who asked does not take it back" \
    wrong still waiting -DNOEND

turn "txn: killed or resting anywhere, all is changed once or not at all" \
    right txn
turn "txn: no look at T and done after a record was read" \
    wrong txn 'want' -DNOCHECK
turn "txn: no look at done" \
    wrong txn 'want' -DNODONECHECK
turn "txn: no look at T" \
    wrong txn 'want' -DNOTCHECK
turn "txn: a look at T first and at done last" \
    wrong txn 'want' -DTFIRST
turn "txn: done before the last word is written" \
    wrong txn 'want' -DDONEFIRST
turn "txn: a helper says done" \
    wrong txn 'want' -DHELPERDONE
turn "txn: no change counter" \
    wrong txn 'want' -DBITS=0
turn "txn: a change counter that comes round" \
    wrong txn 'want' -DBITS=1
turn "txn: no SLOW" \
    wrong txn 'want' -DNOSLOW
turn "txn: SLOW set before T is read" \
    wrong txn 'want' -DSLOWEARLY
turn "txn: a dead one's party taken after T is read" \
    wrong txn 'want' -DCLAIMLATE
}

# A lane on each processor; a number of a lane is no number of the whole.
lanes=$(getconf _NPROCESSORS_ONLN)
plan 68
lane=0
while [ "$lane" -lt "$lanes" ]; do
	(
		work=$work/$lane
		mkdir "$work"
		turns=0
		all_models | sed -e 's/^ok [0-9]*/ok/' \
		    -e 's/^not ok [0-9]*/not ok/'
	) >"$work/results.$lane" &
	lane=$((lane + 1))
done
wait
cat "$work"/results.*
! grep -q '^not ok' "$work"/results.*
