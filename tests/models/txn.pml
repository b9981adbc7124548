/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * txn.pml - how several words of a semaphore set change at once, no lock.
 *
 * T says which party's record was committed last.  A record holds for each
 * word the old and the new value.  Who finds a record committed and not done
 * writes it, then takes the party's name out of T; the owner itself says
 * `done` and lets the party go.  A single word without SLOW may also be
 * changed by a plain compare-and-swap.
 *
 * N processes over two words x and y.  Those of mask PLAIN change x alone,
 * by compare-and-swap if it has no SLOW, else by a transaction that clears
 * SLOW; the others change both.  Even ones add 1 and then subtract 1, odd
 * ones the other way round, so that values come back.  Each access to shared
 * memory is one step, between any two of which a process can be killed, or
 * can rest while the others go on for any time.
 *
 * `want` holds what the words should be: changed at each commit and each
 * plain compare-and-swap.  Whoever commits must have read just that; where
 * nothing is in the air, the words must hold just that.
 *
 *	spin -a txn.pml && cc -O2 -w -DSAFETY -DNOREDUCE -DCOLLAPSE \
 *	    -o pan pan.c && ./pan -m100000
 *
 * Settings
 *	N PLAIN CRASHES
 *	ROUNDS	changes that each process makes: R0 .. R2
 *	PARTIES	how many there are
 *	BITS	of a word's change counter
 * Rules left out, each of which must be seen
 *	NOCHECK		a helper does not look again after reading the record
 *	NODONECHECK	.. looks at T only
 *	NOTCHECK	.. looks at done only
 *	TFIRST		.. looks at T first and at done last
 *	DONEFIRST	done is stored before the last word is written
 *	HELPERDONE	a helper says done, too, instead of changing T
 *	BITS=0		no change counter
 *	NOSLOW		transactions do not set SLOW
 *	SLOWEARLY	SLOW is set before T is read, and relied upon
 *	CLAIMLATE	a dead one's party is claimed after T was read
 */
#ifndef N
#define N 3
#endif
#ifndef PLAIN
#define PLAIN 4
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef R0
#define R0 2
#endif
#ifndef R1
#define R1 1
#endif
#ifndef R2
#define R2 1
#endif
#ifndef PARTIES
#define PARTIES 2
#endif
#ifndef BITS
#define BITS 4
#endif

#define B(i)		(1 << (i))
#define ROUNDS(i)	((i) == 0 -> R0 : ((i) == 1 -> R1 : R2))

/* A word: value 2 bits, SLOW, change counter. */
#define SLOW		4
#define V(w)		((w) & 3)
#define COUNTERS	(((1 << BITS) - 1) << 3)
#define COUNTED(w)	(((w) + 8) & COUNTERS)
#define PLUS(w, d)	((((w) + (d)) & 3) | ((w) & SLOW) | COUNTED(w))

byte word[2];
byte seq, party;		/* T: party + 1, 0: none */
byte claim[PARTIES];		/* by whom, + 1 */
byte done[PARTIES];
byte mask[PARTIES];		/* the record: words that change */
byte old[2 * PARTIES], new[2 * PARTIES];

byte gone, kills;
byte want[2];

#define OLD(p, i)	old[2 * (p) + (i)]
#define NEW(p, i)	new[2 * (p) + (i)]

/* Where a process can be killed or rest: before each of these. */
#define NEXT	0
#define CLAIM	1
#define SETSLOW	2	/* SLOWEARLY only */
#define READT	3
#define ISDONE	4
#define RECORD0	5	/* a helper reads the record .. */
#define RECORD1	6
#define STILL	7	/* .. looks at done .. */
#define SAME	8	/* .. and at T again .. */
#define HELP0	9	/* .. writes the words .. */
#define HELP1	10
#define HELPED	11	/* .. and takes the party out of T */
#define READ0	12
#define READ1	13
#define CLAIML	14	/* CLAIMLATE only */
#define WRITE0	15
#define WRITE1	16
#define COMMIT	17
#define APPLY0	18
#define APPLY1	19
#define DONE	20
#define RELEASE	21
#define OVER	22

/* Nothing is in the air: the words hold what they should. */
inline as_wanted()
{
	assert(V(word[0]) == want[0]);
	assert(V(word[1]) == want[1])
}

#define CLAIMABLE(p)	(claim[p] == 0 || (gone & B(claim[p] - 1)))
#define BOTH		(!(PLAIN & B(me)))
#ifdef SLOWEARLY
#define BEFORE_T	SETSLOW
#else
#define BEFORE_T	READT
#endif
#ifdef CLAIMLATE
#define FIRST		BEFORE_T
#define AFTER_READ	CLAIML
#else
#define FIRST		CLAIM
#define AFTER_READ	WRITE0
#endif
#if defined(NOCHECK)
#define AFTER_RECORD	HELP0
#elif defined(TFIRST) || defined(NODONECHECK)
#define AFTER_RECORD	SAME
#else
#define AFTER_RECORD	STILL
#endif
#if defined(TFIRST) || defined(NOTCHECK)
#define AFTER_STILL	HELP0
#else
#define AFTER_STILL	SAME
#endif
#ifdef TFIRST
#define AFTER_SAME	STILL
#else
#define AFTER_SAME	HELP0
#endif

inline claim_one()
{
	hp = 0;
	do :: !CLAIMABLE(hp) -> hp++ :: CLAIMABLE(hp) -> break od;
	claim[hp] = me + 1
}
#if PARTIES == 1
#define CAN_CLAIM	CLAIMABLE(0)
#elif PARTIES == 2
#define CAN_CLAIM	(CLAIMABLE(0) || CLAIMABLE(1))
#else
#define CAN_CLAIM	(CLAIMABLE(0) || CLAIMABLE(1) || CLAIMABLE(2))
#endif

/* A compare-and-swap that nobody asks whether it did anything. */
inline swap(i, from, to)
{
	if :: word[i] == (from) -> word[i] = (to) :: else fi
}

/* A transaction's read; what sets SLOW is a compare-and-swap of its own. */
inline read_word(i)
{
#ifndef NOSLOW
#ifndef SLOWEARLY
	word[i] = word[i] | SLOW;
#endif
#endif
	from[i] = word[i]
}

inline forget_record()
{
	has = 0; from[0] = 0; to[0] = 0; from[1] = 0; to[1] = 0; tp = 0; ts = 0
}

inline next_one()
{
	n++; up = 3 & (0 - up); hp = 0;
	pc = (n < ROUNDS(me) -> NEXT : OVER)
}

proctype Process(byte me)
{
	byte pc, n, up = ((me & 1) -> 3 : 1);	/* 3 is -1 */
	byte ts, tp;			/* T as read */
	byte hp;			/* the party I claimed */
	byte has, from[2], to[2];	/* a record read, or my own */
	{
end:	do
	:: d_step {
		pc == NEXT ->
		if
		:: !BOTH && !(word[0] & SLOW) ->
			word[0] = PLUS(word[0], up);
			want[0] = 3 & (want[0] + up);
			next_one()
		:: else -> pc = FIRST
		fi
	   }
	:: d_step { pc == CLAIM && CAN_CLAIM -> claim_one(); pc = BEFORE_T }
#ifdef SLOWEARLY
	:: d_step {
		pc == SETSLOW ->
		word[0] = word[0] | SLOW;
		if :: BOTH -> word[1] = word[1] | SLOW :: else fi;
		pc = READT
	   }
#endif
	:: d_step {
		pc == READT ->
		forget_record();
		ts = seq; tp = party;
		pc = (tp -> ISDONE : READ0)
	   }
	:: d_step {
		pc == ISDONE ->
		pc = (done[tp - 1] == ts -> READ0 : RECORD0)
	   }

	/* Another one's transaction */
	:: d_step {
		pc == RECORD0 ->
		has = mask[tp - 1];
		from[0] = OLD(tp - 1, 0); to[0] = NEW(tp - 1, 0);
		pc = RECORD1
	   }
	:: d_step {
		pc == RECORD1 ->
		from[1] = OLD(tp - 1, 1); to[1] = NEW(tp - 1, 1);
		pc = AFTER_RECORD
	   }
	:: d_step {
		pc == STILL ->
		pc = (done[tp - 1] != ts -> AFTER_STILL : READT)
	   }
	:: d_step {
		pc == SAME ->
		pc = (seq == ts && party == tp -> AFTER_SAME : READT)
	   }
	:: d_step {
		pc == HELP0 ->
		if :: has & 1 -> swap(0, from[0], to[0]) :: else fi;
		pc = (has & 2 -> HELP1 : HELPED)
	   }
	:: d_step {
		pc == HELP1 ->
		swap(1, from[1], to[1]);
		pc = HELPED
	   }
	:: d_step {
		pc == HELPED ->
#ifdef HELPERDONE
		done[tp - 1] = ts;
#else
		if
		:: seq == ts && party == tp -> party = 0; as_wanted()
		:: else
		fi;
#endif
		pc = BEFORE_T
	   }

	/* My own */
	:: d_step {
		pc == READ0 ->
		read_word(0);
		pc = (BOTH -> READ1 : AFTER_READ)
	   }
	:: d_step { pc == READ1 -> read_word(1); pc = AFTER_READ }
#ifdef CLAIMLATE
	:: d_step {
		pc == CLAIML && (hp || CAN_CLAIM) ->
		if :: !hp -> claim_one(); hp++ :: else fi;
		pc = WRITE0
	   }
#endif
	:: d_step {
		pc == WRITE0 ->
#ifdef CLAIMLATE
		hp--;
#endif
		to[0] = PLUS(from[0], up);
		if
		:: BOTH -> to[1] = PLUS(from[1], up); has = 3
		:: else -> to[0] = to[0] & ~SLOW; has = 1
		fi;
		mask[hp] = has;
		OLD(hp, 0) = from[0]; NEW(hp, 0) = to[0];
		pc = (BOTH -> WRITE1 : COMMIT)
	   }
	:: d_step {
		pc == WRITE1 ->
		OLD(hp, 1) = from[1]; NEW(hp, 1) = to[1];
		pc = COMMIT
	   }
	:: d_step {
		pc == COMMIT ->
		if
		:: seq == ts && party == tp ->
			assert(V(from[0]) == want[0]);
			assert(!BOTH || V(from[1]) == want[1]);
			seq++; party = hp + 1;
			want[0] = V(to[0]);
			if :: BOTH -> want[1] = V(to[1]) :: else fi;
			ts = seq; tp = 0; pc = APPLY0
		:: else ->
#ifdef CLAIMLATE
			hp++;
#endif
			pc = BEFORE_T
		fi
	   }
	:: d_step {
		pc == APPLY0 ->
		swap(0, from[0], to[0]);
#ifdef DONEFIRST
		pc = DONE
#else
		pc = (has & 2 -> APPLY1 : DONE)
#endif
	   }
	:: d_step {
		pc == APPLY1 ->
		swap(1, from[1], to[1]);
#ifdef DONEFIRST
		pc = RELEASE
#else
		pc = DONE
#endif
	   }
	:: d_step {
		pc == DONE ->
		done[hp] = ts;
#ifdef DONEFIRST
		pc = (has & 2 -> APPLY1 : RELEASE)
#else
		if :: seq == ts -> as_wanted() :: else fi;
		pc = RELEASE
#endif
	   }
	:: d_step {
		pc == RELEASE ->
		claim[hp] = 0;
		forget_record();
		next_one()
	   }
	od
	} unless {
		d_step {
			gone & B(me) ->
			pc = OVER; n = 0; up = 0; hp = 0; forget_record()
		}
	}
}

proctype Kernel(byte nth)
{
end:	atomic {
		kills == nth;
		kills++;
		if
		:: !(gone & 1) -> gone = gone | 1
		:: !(gone & 2) -> gone = gone | 2
		:: N > 2 && !(gone & 4) -> gone = gone | 4
		:: skip
		fi
	}
}

/*
 * When nothing can happen any more: a transaction in the air is one whose
 * maker is dead, and is what the next one would write.
 */
proctype Judge()
{
	byte i;
end:	atomic {
		timeout ->
		if
		:: party && done[party - 1] != seq ->
			do
			:: i < 2 && (mask[party - 1] & B(i)) ->
				swap(i, OLD(party - 1, i), NEW(party - 1, i));
				i++
			:: i < 2 && !(mask[party - 1] & B(i)) -> i++
			:: i >= 2 -> break
			od
		:: else
		fi;
		as_wanted()
	}
}

init {
	byte i;
	atomic {
		do :: i < N -> run Process(i); i++ :: else -> break od;
		i = 0;
		do :: i < CRASHES -> run Kernel(i); i++ :: else -> break od;
		i = 0;
		run Judge()
	}
}
