/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wake_set.pml - the transactions on the set of wake.pml, and its steps.
 *
 * Each inline here is part of one step of a process, which ends with
 * commit() or without having changed anything.
 */

/* Finish T's transaction; only then its words mean anything. */
inline help()
{
	if
	:: maker ->
		shown[0] = own[0]; shown[1] = own[1];
		shown[2] = own[2]; shown[3] = own[3];
		shown_due = due;
		if :: rung -> quiet = 0; rung = 0 :: else fi;
		maker = 0
	:: else
	fi
}

inline commit(next)		/* and go on there */
{
	sum = val + debt[0] + debt[1] + debt[2] + debt[3];
	assert(sum == made);
	fresh = 0; maker = me + 1; then = next; did = 1;
#if SPLIT
	pc = APPLY
#else
	help();
	applied()
#endif
}

inline applied()
{
	if
	:: target -> pc = WAKE
	:: else -> pc = then; then = 0
	fi
}

#if STALE
#define DEAD(i)	(dead & B(i))
#define SAMPLED	(sampled)
#define FORGET	dead = 0; sampled = 0
#else
#define DEAD(i)	(gone & B(i))
#define SAMPLED	true
#define FORGET	skip
#endif

#ifdef NODUE
#define SET_DUE	skip
#else
#define SET_DUE	due = (nq > 0)
#endif

#ifdef DEAF
#define BUSY	false
#else
#define BUSY	due
#endif

#define DEBTOR(i)	(debt[i] -> B(i) : 0)
#define DEBTORS		(DEBTOR(0) | DEBTOR(1) | DEBTOR(2) | DEBTOR(3))
#define SLEEPER(i)	(nq > (i) && UNDO(fifo[i]) -> B(fifo[i]) : 0)
#define SLEEPERS	(SLEEPER(0) | SLEEPER(1) | SLEEPER(2) | SLEEPER(3))
#define TOLD(i)		(nq > (i) && own[fifo[i]] == LOOK)
#define ANY_TOLD	(TOLD(0) || TOLD(1) || TOLD(2) || TOLD(3))
#define ABLE(i)		(nq > (i) && !(gone & B(fifo[i])) && \
	WANT(fifo[i]) <= val)
#define ANY_ABLE	(ABLE(0) || ABLE(1) || ABLE(2) || ABLE(3))

inline list_anew()		/* in the record that (re)queues me */
{
	own[me] = WAITING; watchman = me + 1;
	quiet = quiet | B(me);
#ifdef NOAHEAD
	list[me] = DEBTORS & ~B(me)
#else
	list[me] = (DEBTORS | SLEEPERS) & ~B(me)
#endif
}

inline unlink(i)
{
	tu = i;
	do
	:: tu + 1 < nq -> fifo[tu] = fifo[tu + 1]; tu++
	:: else -> break
	od;
	nq--; fifo[nq] = 0; tu = 0
}

/* A unit more or less, and who owes it. */
inline take(i)
{
	val = val - WANT(i);
	if :: UNDO(i) -> debt[i] = WANT(i) :: else -> made = made - WANT(i) fi
}

inline settle(i)
{
	val = val + debt[i]; debt[i] = 0; SET_DUE; did = 1
}

inline drop_dead(i)		/* tx sleeps no more */
{
	tx = fifo[i];
	unlink(i);
	did = 1;
	if
#ifndef NOUNLINK
	:: watchman == tx + 1 -> watchman = 0; SET_DUE
#endif
#ifndef NOLOOKLEAVE
	:: own[tx] == LOOK -> SET_DUE
#endif
	:: else
	fi;
	own[tx] = WAITING; tx = 0
}

inline serve(i)
{
	tx = fifo[i];
#if BARGE
	own[tx] = LOOK;
#else
	unlink(i);
	own[tx] = DONE;
	take(tx);
	if :: watchman == tx + 1 -> watchman = 0 :: else fi;
	SET_DUE;
#endif
	if :: tx != me -> target = tx + 1 :: else fi;
	did = 1; tx = 0
}

inline call_watchman()
{
	if
#ifndef NOWATCH
	:: nq && !watchman && !ANY_TOLD ->
		rung = 1;
		tx = fifo[nq - 1];
		own[tx] = LOOK;
		if :: tx != me -> target = tx + 1 :: else fi;
		did = 1; tx = 0
#endif
	:: else
	fi
}

#define CAN(i)	(!DEAD(i) && WANT(i) <= val && !(BARGE && ANY_TOLD))

#if LAZY
#define SETTLES	(pc == LOOKING && woken)
#else
#define SETTLES	true
#endif

/* The first of these that there is to do; did = 0 if there is nothing. */
inline step(next)
{
	did = 0; tk = 0;
	do
	:: tk < N && debt[tk] && DEAD(tk) && SETTLES -> settle(tk); break
	:: tk < N && !(debt[tk] && DEAD(tk) && SETTLES) -> tk++
	:: tk >= N -> break
	od;
	if
	:: !did ->
		tk = 0;
		do
		:: tk < nq && DEAD(fifo[tk]) -> drop_dead(tk); break
		:: tk < nq && CAN(fifo[tk]) -> serve(tk); break
		:: tk < nq && !DEAD(fifo[tk]) && !CAN(fifo[tk]) -> tk++
		:: tk >= nq -> break
		od
	:: else
	fi;
	tk = 0;
	if :: !did -> call_watchman() :: else fi;
	if :: !did && due -> due = 0; did = 1 :: else fi;
	if :: did -> commit(next) :: else fi
}

#if CMP == 0
#define CHANGED	false
#elif CMP == 1
#define CHANGED	(!(quiet & B(me)))
#elif CMP == 2
#define CHANGED	(!(quiet & B(me)) || shown_due)
#else
#define CHANGED	(!(fresh & B(me)))
#endif

/* What was seen when it came back: leave at once, look, or sleep again. */
inline judge()
{
	help();
#if WORDS && BELLAT == 1
	/* the highest index that was woken hides the lower ones */
	if :: r & OWN -> r = r & ~BELL :: else fi;
#endif
	if :: (r & ~OWN) || (list[me] & gone) -> woken = 1 :: else fi;
#if DERIVE
	if
	:: (r & BELL) || (DERIVE == 2 && woken) ->
		tk = 0;
		do
		:: tk < N && tk != me && own[tk] != WAITING &&
		    !(gone & B(tk)) -> towake = towake | B(tk); tk++
		:: tk < N && !(tk != me && own[tk] != WAITING &&
		    !(gone & B(tk))) -> tk++
		:: tk >= N -> break
		od;
		tk = 0
	:: else
	fi;
#endif
#ifdef NOBATON
	if :: own[me] == DONE -> woken = 0; towake = 0 :: else fi;
#endif
#ifdef BLIND
	if :: away -> woken = 0; towake = 0 :: else fi;
#endif
	r = 0;
	pc = (towake -> WAKING : LOOKING)
}

inline waitv_returns()		/* r: the words that woke it, or none */
{
	r = hit[me]; queued[me] = 0; hit[me] = 0;
	fresh = fresh & ~B(me); quiet = quiet & ~B(me);
#if FINE
	pc = BACK
#else
	judge()
#endif
}

inline withdraw()
{
	tk = 0;
	do :: fifo[tk] != me -> tk++ :: else -> break od;
	unlink(tk); tk = 0
}

/* Having looked: leaves, lists anew or sleeps again. */
inline conclude()
{
	if
	:: own[me] == DONE ->
		own[me] = WAITING; shown[me] = WAITING;
		away = 0; towake = 0; pc = LEAVING
	:: own[me] != DONE && away ->
		withdraw();
		if
#ifndef NOLEAVE
		:: watchman == me + 1 -> watchman = 0; SET_DUE
#endif
#ifndef NOLOOKLEAVE
		:: own[me] == LOOK -> SET_DUE
#endif
		:: else
		fi;
		own[me] = WAITING;
		commit(LEAVING)
#if BARGE
	:: own[me] == LOOK && !away && WANT(me) <= val ->
		withdraw();
		take(me);
		if :: nq -> watchman = 0; SET_DUE :: else fi;
		own[me] = WAITING;
		commit(LEAVING)
#endif
	:: own[me] != DONE && !away &&
	    !(BARGE && own[me] == LOOK && WANT(me) <= val) ->
		if
		:: woken || own[me] == LOOK || CMP < 3 ->
#if BARGE && !defined(NOBARGEDUE)
			if :: own[me] == LOOK -> SET_DUE :: else fi;
#endif
			list_anew();
			commit(SLEEP)
		:: else -> pc = SLEEP
		fi;
		fresh = fresh | B(me)
	fi;
	woken = 0; did = 0
}

inline leave()
{
	list[me] = 0; inside = inside & ~B(me);
	if
	:: phase == 0 && !away && UNDO(me) ->
		cs = cs | B(me); phase = 1; pc = IDLE;
		sum = ((cs & 1) -> W0 : 0) + ((cs & 2) -> W1 : 0) +
		    ((cs & 4) -> W2 : 0) + ((cs & 8) -> W3 : 0);
		assert(sum <= made)
	:: else -> phase = 0; n++; pc = (away -> OUT : IDLE); away = 0
	fi
}

inline try_P()
{
	if
	:: val >= WANT(me) ->
#if !BARGE
		overtaken = ANY_ABLE;
		assert(!overtaken);
#endif
		take(me);
#ifndef NOLISTED
		if :: nq && UNDO(me) -> watchman = 0 :: else fi;
		SET_DUE;
#endif
		commit(LEAVING)
	:: else ->
		fifo[nq] = me; nq++;
		list_anew();
		commit(SLEEP);
		fresh = fresh | B(me)
	fi
}

/*
 * Who adds to the set performs the oldest one's operation in the same record,
 * where it can.  If that leaves the value as it was, nobody else can run.
 */
inline hand_over(before)
{
	if
	:: nq && !DEAD(fifo[0]) && WANT(fifo[0]) <= val ->
		tk = before;
		serve(0);
		if
#ifdef NOFUSEDUE
		:: watchman -> due = 0
#else
		:: val == tk && watchman -> due = 0
#endif
		:: else
		fi;
		tk = 0
	:: else
	fi
}

inline do_V()
{
	tu = val;
	val = val + WANT(me); debt[me] = 0;
	if :: UNDO(me) :: else -> made = made + WANT(me) fi;
	SET_DUE;
#if FUSE
	hand_over(tu);
#endif
	tu = 0;
	commit(LEAVING)
}
