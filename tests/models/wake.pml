/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wake.pml - sleeping and waking in a semaphore set, without any lock.
 *
 * One semaphore of CAP units and N processes.  Each does P(want), is outside
 * the library, does V(want), ROUNDS times, and is then idle outside for ever.
 * Up to CRASHES of them are killed, each anywhere.  There is no heartbeat, no
 * time limit and no newcomer who might repair what was lost: when nothing can
 * happen any more, nobody may be asleep who could run, or while a dead one
 * owes something.
 *
 * A transaction is one step (txn.c shows why it may be); its maker can be
 * killed before it, between its commit and the first word written (SPLIT),
 * before each wake and after it.  Before their words are written, whoever
 * looks at the set writes them, but FUTEX_WAITV, which only compares, sees
 * the old ones.
 *
 *	spin -a -DSPLIT=1 wake.pml && cc -O2 -w -DSAFETY -DNOREDUCE \
 *	    -DCOLLAPSE -o pan pan.c && ./pan -m100000
 *
 * Settings
 *	N CAP W0..W3 ROUNDS CRASHES
 *	ORDER	they come in order, which loses nothing if all are alike
 *	INTR	how many sleeps signals may end at most
 *	PROD	mask of processes that only do V, without SEM_UNDO
 *	CONS	mask of processes that only do P, without SEM_UNDO
 *	REST	0: nobody keeps what it has for ever, alive
 *	LAZY	only who was woken by a death settles debts
 *	STALE	a transaction judges who is dead by an earlier look
 *	FINE	more places to be killed at
 *	WORDS	FUTEX_WAITV compares and queues word by word, as it does
 *	CMP	what it compares besides own word and canaries:
 *		0 nothing, 1 alarm, 2 alarm and due, 3 T
 *	BELLAT	where the bell stands: 0 behind the own word, 1 first,
 *		2 behind the word of CMP
 *	DERIVE	who wakes everybody whose own word is not WAITING:
 *		0 nobody, 1 whom the bell woke, 2 also whom a canary woke
 *	BARGE	newcomers may overtake: a sleeper is told to try itself
 *	FUSE	0: who adds never performs a sleeper's operation in the same
 *		record
 * Rules left out, each of which must be seen
 *	NOBELL NOWATCH NOBATON NODUE DEAF NOAHEAD NOLISTED
 *	NOLEAVE NOLOOKLEAVE NOUNLINK NOBARGEDUE NOFUSEDUE
 *	BLIND	who leaves by a signal does not look at what else woke it
 *	JUMP	a handler leaves the library by siglongjmp() and its thread
 *		never comes back: 1 between a commit and its wake, 2 asleep
 */
#ifndef N
#define N 3
#endif
#ifndef CAP
#define CAP 1
#endif
#ifndef W0
#define W0 1
#endif
#ifndef W1
#define W1 1
#endif
#ifndef W2
#define W2 1
#endif
#ifndef W3
#define W3 1
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef INTR
#define INTR 0
#endif
#ifndef PROD
#define PROD 0
#endif
#ifndef CONS
#define CONS 0
#endif
#ifndef STALE
#define STALE 0
#endif
#ifndef SPLIT
#define SPLIT 0
#endif
#ifndef REST
#define REST 1
#endif
#ifndef FINE
#define FINE STALE
#endif
#ifndef WORDS
#define WORDS 0
#endif
#ifndef CMP
#define CMP 3
#endif
#ifndef BELLAT
#define BELLAT 0
#endif
#ifndef DERIVE
#define DERIVE 2
#endif
#ifndef JUMP
#define JUMP 0
#endif
#ifndef LAZY
#define LAZY 0
#endif
#ifndef BARGE
#define BARGE 0
#endif
#ifndef FUSE
#define FUSE !BARGE
#endif

#define B(i)	(1 << (i))
#define WANT(i)	((i) == 0 -> W0 : ((i) == 1 -> W1 : ((i) == 2 -> W2 : W3)))
#define UNDO(i)	(!((PROD | CONS) & B(i)))

/* The set: changed by transactions only. */
byte val = CAP;
byte debt[4];
byte fifo[4], nq;		/* the sleepers, oldest first */
byte own[4];			/* each sleeper's own word */
#define WAITING 0
#define DONE    1		/* its operation was performed for it */
#define LOOK    2		/* it is to list anew */
byte watchman;			/* who listed last, + 1; 0: nobody's list covers
				   every debtor */
bit due;			/* there are steps to do */

/* T, and the words as they are in memory while T's record is not applied. */
byte maker;			/* who has committed it, + 1; 0: applied */
byte shown[4];
bit shown_due, rung;
byte fresh;			/* whose last look at T still holds */
byte quiet;			/* whose last look at alarm still holds */

/* The kernel. */
byte gone;			/* its canary says FUTEX_OWNER_DIED */
byte inside;			/* list_op_pending points at the bell */
byte queued[4], hit[4];		/* words it is queued on; those that woke it:
				   it remains queued on the others until it
				   runs, and so may swallow their wakes */
byte list[4];			/* whose canaries it waits on */
#define OWN	16
#define BELL	32

/* Bookkeeping of the model. */
byte cs;			/* who has it and is outside the library */
byte made = CAP;		/* units that exist */
byte kills;
bit jumped;
byte intrs;			/* signals still to come */
#ifdef ORDER
byte entered;
#endif
hidden byte tk, tu, tx, sum, overtaken;

#define WAKE_UP(i, w)	(queued[i] & (w)) -> \
	queued[i] = queued[i] & ~(w); hit[i] = hit[i] | (w)
inline wake_one(w)		/* any one of those queued on it */
{
	if
	:: WAKE_UP(0, w) :: WAKE_UP(1, w) :: WAKE_UP(2, w) :: WAKE_UP(3, w)
	:: !((queued[0] | queued[1] | queued[2] | queued[3]) & (w)) -> skip
	fi
}

/* One SIGKILL, or none: what two crashes heal, one may not. */
proctype Kernel(byte nth)
{
	byte v;
end:	atomic {
		kills == nth;
		kills++;
		if
		:: !(gone & 1) -> v = 0
		:: !(gone & 2) -> v = 1
		:: N > 2 && !(gone & 4) -> v = 2
		:: N > 3 && !(gone & 8) -> v = 3
		:: v = N
		fi;
		if
		:: v < N ->
			queued[v] = 0; hit[v] = 0;
			cs = cs & ~B(v); gone = gone | B(v)
		:: else -> goto done
		fi
	}
	atomic { wake_one(B(v)) }
#ifndef NOBELL
	atomic { if :: inside & B(v) -> wake_one(BELL) :: else fi }
#endif
done:	v = 0
}

/* Where it can be killed. */
#define IDLE	0	/* outside, with or without units */
#define TRY	1	/* before its own transaction, or a step of others */
#define APPLY	2	/* it has committed */
#define WAKE	3	/* applied, and somebody is to be woken */
#define LEAVING	4	/* steps that are due, then out */
#define SLEEP	5	/* before FUTEX_WAITV */
#define COMPARE	6	/* inside it: some words are queued, others not yet */
#define ASLEEP	7
#define BACK	8
#define WAKING	9	/* before each wake that a dead one may have owed */
#define LOOKING	10	/* steps, even if none is said to be due */
#define OUT	11	/* does nothing any more */

#include "wake_set.pml"

#define QUEUE(w)	queued[me] = queued[me] | (w)
#ifdef ORDER
#define TURN	((B(me) - 1 & ~(entered | gone)) == 0)
#else
#define TURN	true
#endif
#define ENTERING	(pc == IDLE && n < ROUNDS && TURN)
#define MISMATCH	(shown[me] != WAITING || CHANGED || (list[me] & gone))

inline enter()
{
	inside = inside | B(me); cs = cs & ~B(me);
#ifdef ORDER
	entered = entered | B(me);
#endif
	if :: phase == 0 && (PROD & B(me)) -> phase = 1 :: else fi;
	pc = TRY
}

proctype Process(byte me)
{
	byte pc, then, target, towake, r, n, dead;
	bit phase, did, away, woken, sampled;
	{
end:	do
#if FINE
	:: d_step { ENTERING -> enter() }
#endif
#if REST
	:: d_step { pc == IDLE && phase == 1 -> pc = OUT }
#endif
#if STALE
	:: d_step {
		!sampled &&
		(pc == TRY || pc == LEAVING || pc == LOOKING) ->
		dead = gone; sampled = 1
	   }
#endif
	:: d_step {
		(pc == TRY || (!FINE && ENTERING)) && SAMPLED ->
		if :: pc == IDLE -> enter() :: else fi;
		help();
		if
		:: BUSY -> step(TRY)
		:: !BUSY && phase == 0 -> try_P()
		:: !BUSY && phase == 1 -> do_V()
		fi;
		did = 0; FORGET
	   }
#if SPLIT
	:: d_step {
		pc == APPLY ->
		if :: maker == me + 1 -> help() :: else fi;
		applied()
	   }
#endif
	:: d_step {
		pc == WAKE ->
		if :: WAKE_UP(target - 1, OWN) :: else fi;
		target = 0; pc = then; then = 0
	   }
	:: d_step {
		pc == LEAVING && SAMPLED ->
		help();
		if :: due -> step(LEAVING) :: else -> leave() fi;
		did = 0; FORGET
	   }
#if !WORDS
	:: d_step {
		pc == SLEEP ->
		if
		:: MISMATCH -> waitv_returns()
		:: else -> QUEUE(OWN | BELL | list[me]); pc = ASLEEP
		fi
	   }
#else
#if BELLAT == 1
	:: d_step { pc == SLEEP -> QUEUE(BELL); pc = COMPARE }
	:: d_step {
		pc == COMPARE && then == 0 ->
#else
	:: d_step {
		pc == SLEEP ->
#endif
		if
		:: shown[me] != WAITING -> waitv_returns()
		:: else -> QUEUE(OWN); pc = COMPARE; then = 1
		fi
	   }
	:: d_step {
		pc == COMPARE && then == 1 ->
#if BELLAT == 0
		QUEUE(BELL);
#endif
		then = 2
	   }
	:: d_step {
		pc == COMPARE && then == 2 ->
		if
		:: CHANGED -> then = 0; waitv_returns()
		:: else -> then = 3
		fi
	   }
#if BELLAT == 2
	:: d_step { pc == COMPARE && then == 3 -> QUEUE(BELL); then = 4 }
#endif
	:: d_step {
		pc == COMPARE && then == (BELLAT == 2 -> 4 : 3) ->
		then = 0;
		if
		:: list[me] & gone -> waitv_returns()
		:: else -> QUEUE(list[me]); pc = ASLEEP
		fi
	   }
#endif
	:: d_step { pc == ASLEEP && hit[me] -> waitv_returns() }
#if INTR
	:: d_step {
		pc == ASLEEP && intrs ->
		intrs--; away = 1;
		waitv_returns()
	   }
#endif
#if JUMP			/* siglongjmp() out of a handler, once */
	:: d_step {
		!jumped && (JUMP == 1 -> (pc == APPLY || pc == WAKE ||
		    pc == LEAVING) : pc == ASLEEP) ->
		jumped = 1; inside = inside & ~B(me);
		queued[me] = 0; hit[me] = 0;
		target = 0; then = 0; pc = OUT
	   }
#endif
#if FINE
	:: d_step { pc == BACK -> judge() }
#endif
	:: d_step {
		pc == WAKING ->
		tk = 0;
		do
		:: !(towake & B(tk)) -> tk++
		:: towake & B(tk) -> break
		od;
		if :: WAKE_UP(tk, OWN) :: else fi;
		towake = towake & ~B(tk); tk = 0;
		if :: !towake -> pc = LOOKING :: else fi
	   }
	:: d_step {
		pc == LOOKING && SAMPLED ->
		help();
		did = 0;
		if :: due || woken -> step(LOOKING) :: else fi;
		if :: !did -> conclude() :: else fi;
		did = 0; FORGET
	   }
	od
	} unless {
		d_step {
			gone & B(me) ->
			pc = OUT; then = 0; target = 0; towake = 0; r = 0;
			n = 0; dead = 0; phase = 0; did = 0; away = 0;
			woken = 0; sampled = 0
		}
	}
}

/* When nothing can happen any more. */
#define SLEEPING(i)	(queued[i] && !(gone & B(i)))
#define HUNG(i)	(SLEEPING(i) && (own[i] != WAITING || WANT(i) <= val || \
	(DEBTORS & gone)))
proctype Judge()
{
	bit lost;
end:	atomic {
		timeout ->
		lost = HUNG(0) || HUNG(1) || HUNG(2) || HUNG(3);
		assert(!lost)
	}
}

init {
	atomic {
		/* a signal yet to come would hide that a sleep is for ever */
		do :: intrs < INTR -> intrs++ :: break od;
		tk = 0;
		do :: tk < N -> run Process(tk); tk++ :: else -> break od;
		tk = 0;
		do :: tk < CRASHES -> run Kernel(tk); tk++ :: else -> break od;
		tk = 0;
		run Judge()
	}
}
