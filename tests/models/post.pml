/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * post.pml - senders and receivers of a message queue, and their sleep.
 *
 * Two boards, S of senders and R of receivers.  A transaction changes words of
 * one of them, and is one step here (txn.pml is why it may be); what it read
 * of the other board may be old by then.  Between steps a process can be
 * killed, or can rest.
 *
 *	S	the inbox's end, senders who sleep for room, their messages
 *	R	the inbox's beginning, the index, receivers who sleep, what they
 *		were handed
 *
 * Each sender sends one message and each receiver takes one.  Who finds
 * nothing to be had enters its line, looks at both turns, does what is due,
 * and sleeps unless a turn has changed.  Who has sent looks whether receivers
 * sleep, and who has received, whether senders do.  Whoever serves a sleeper
 * wakes it in a step of its own; if it is killed the kernel rings the bell.
 * The last of `REMOVES` removes the queue: it says so on S, and then on R.
 *
 * When nothing can happen any more, what was sent must be in one place, and no
 * one of the living may sleep who has something to do.
 *
 *	spin -a post.pml && cc -O2 -w -DSAFETY -DNOREDUCE -DCOLLAPSE \
 *	    -o pan pan.c && ./pan -m100000
 *
 * Settings
 *	NS NR		senders and receivers
 *	CAP		messages that the queue holds
 *	CRASHES TIMEOUTS REMOVES
 * Rules left out, each of which must be seen
 *	NOLOOK		who has sent or received does not look for sleepers
 *	NOTURN		a sleeper compares its own side's turn alone
 *	NOBELL		the kernel does not ring
 *	NOTOLD		who was woken by the bell does not wake those served
 *	NOBACK		what a dead receiver was handed does not go back
 *	NODUE		it goes back, and nobody says that steps are due
 *	NOHEIRS		a sleeper does not wait for the death of those who were
 *			handed something and have not come for it
 *	NOBOTH		who finds a removal on one board leaves it at that
 *	NOFRESH		a receiver takes though R has changed since it looked
 */
#ifndef NS
#define NS 1
#endif
#ifndef NR
#define NR 2
#endif
#ifndef CAP
#define CAP 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef REMOVES
#define REMOVES 0
#endif

#define N		(NS + NR + REMOVES)
#define B(i)		(1 << (i))
#define SENDS(i)	((i) < NS)
#define TAKES(i)	((i) >= NS && (i) < NS + NR)

/* States of a place. */
#define IDLE	0
#define WAITING	1
#define HANDED	2	/* a receiver: there is a message in it */
#define DONE	3	/* a sender: it was sent */
#define ENDED	4	/* the queue is removed */

/* Messages are named by their senders, + 1. */
byte st[4], held[4];		/* places */
byte hands[4];			/* what a process has outside of them */
byte inbox[2], nin;
byte idx[2], nidx;		/* the index: what came back */
byte sent, taken;		/* counts, of either board */
bit due, gone_s, gone_r;	/* of R; the queue is gone, of each */
byte was_sent;			/* messages that have been in the inbox */

/* Whose last look at a board still holds: to commit, and to sleep. */
byte seen_s, seen_r, nap_s, nap_r;

/* The kernel. */
byte dead, inside, kills, timeouts;
byte queued[4], hit[4];
byte list[4];			/* whose canaries it waits on */
#define OWN	1
#define BELL	2
#define CANARY	4

#define COMMIT_S	seen_s = 0; nap_s = 0
#define COMMIT_R	seen_r = 0; nap_r = 0

#define WAIT(i)		(st[i] == WAITING)
#define LIVES(i)	(!(dead & B(i)))
#define SLEEPS_S	((WAIT(0) && SENDS(0)) || (WAIT(1) && SENDS(1)))
#define SLEEPS_R	((WAIT(0) && TAKES(0)) || (WAIT(1) && TAKES(1)) || \
	(WAIT(2) && TAKES(2)) || (WAIT(3) && TAKES(3)))
#define HEIR(i)		(st[i] == HANDED -> B(i) : 0)
#define HEIRS		(HEIR(0) | HEIR(1) | HEIR(2) | HEIR(3))
#define HEIRLESS(i)	(st[i] == HANDED && !LIVES(i))

#define WAKE_UP(i, w)	(queued[i] & (w)) -> \
	queued[i] = queued[i] & ~(w); hit[i] = hit[i] | (w)
inline ring()			/* any one of those queued on it */
{
	if
	:: WAKE_UP(0, BELL) :: WAKE_UP(1, BELL)
	:: WAKE_UP(2, BELL) :: WAKE_UP(3, BELL)
	:: !((queued[0] | queued[1] | queued[2] | queued[3]) & BELL) -> skip
	fi
}

#define WAITS_ON(i, v)	((list[i] & B(v)) && (queued[i] & CANARY))
inline mark(v)
{
	if
	:: WAITS_ON(0, v) && WAKE_UP(0, CANARY)
	:: WAITS_ON(1, v) && WAKE_UP(1, CANARY)
	:: WAITS_ON(2, v) && WAKE_UP(2, CANARY)
	:: WAITS_ON(3, v) && WAKE_UP(3, CANARY)
	:: !(WAITS_ON(0, v) || WAITS_ON(1, v) || WAITS_ON(2, v) ||
	    WAITS_ON(3, v)) -> skip
	fi
}

/* The first one of a list, into m; and m behind all others. */
#define FIRST_OF(list, n)						\
	m = list[0]; list[0] = list[1]; list[1] = 0; n--
#define LAST_OF(list, n)						\
	assert(n < 2); list[n] = m; n++; m = 0

/* The first place of a side for which `what` holds, or N. */
#define FIND(side, what)						\
	k = 0;								\
	do								\
	:: k < N && side(k) && (what) -> break				\
	:: k < N && !(side(k) && (what)) -> k++				\
	:: k == N -> break						\
	od

/* A message goes to the receiver k. */
inline hand_over()
{
	held[k] = m; m = 0; st[k] = HANDED; taken++;
	COMMIT_R; target = k + 1
}

/*
 * One step of those that are due, after `no_room` and `mail` were read:
 * did = 0: there was none; 2: look at all again.
 */
inline step()
{
	did = 1;
	if
#ifndef NOBOTH
	:: gone_s && !gone_r -> gone_r = 1; COMMIT_R
	:: gone_r && !gone_s -> gone_s = 1; COMMIT_S
#endif
	:: else -> step_r()
	fi
}

inline step_r()
{
	FIND(TAKES, look && HEIRLESS(k));
	if
	:: !(seen_r & B(me)) -> did = 2
	:: else ->
		if
		:: gone_r && SLEEPS_R ->
			FIND(TAKES, WAIT(k));
			st[k] = ENDED; COMMIT_R; target = k + 1
		:: !(gone_r && SLEEPS_R) && k < N ->
			m = held[k]; held[k] = 0; st[k] = IDLE;
#ifndef NOBACK
			taken--; LAST_OF(idx, nidx);
#endif
#ifndef NODUE
			due = 1;
#endif
			COMMIT_R
		:: else ->
			FIND(TAKES, WAIT(k) && !LIVES(k));
			if
			:: k < N -> st[k] = IDLE; COMMIT_R
			:: else -> serve_r()
			fi
		fi
	fi
}

inline serve_r()
{
	FIND(TAKES, WAIT(k));
	if
	:: k < N && due && nidx -> FIRST_OF(idx, nidx); hand_over()
	:: due && !(k < N && nidx) -> due = 0; COMMIT_R
	:: k < N && !due && mail -> FIRST_OF(inbox, nin); hand_over()
	:: else -> step_s()
	fi
}

inline step_s()
{
	FIND(SENDS, WAIT(k));
	if
	:: !(seen_s & B(me)) -> did = 2
	:: k == N && (seen_s & B(me)) -> did = 0
	:: k < N && (seen_s & B(me)) ->
		if
		:: gone_s -> st[k] = ENDED; COMMIT_S; target = k + 1
		:: !gone_s && !LIVES(k) ->
			st[k] = IDLE; held[k] = 0; COMMIT_S
		:: !gone_s && LIVES(k) && !no_room ->
			m = held[k]; held[k] = 0; st[k] = DONE; sent++;
			was_sent = was_sent | B(m - 1);
			LAST_OF(inbox, nin); COMMIT_S; target = k + 1
		:: else -> did = 0
		fi
	fi
}

/* Both boards as they are now; `mail` is the first message. */
inline see()
{
	seen_s = seen_s | B(me); seen_r = seen_r | B(me);
	mail = inbox[0]; no_room = (sent - taken >= CAP)
}

/* What was read is not used again. */
inline forget()
{
	k = 0; m = 0; mail = 0; no_room = 0;
	seen_s = seen_s & ~B(me); seen_r = seen_r & ~B(me)
}

/* Steps until there are none: a loop that goes on at `next`. */
#define STEPS								\
	do								\
	:: d_step { see() };						\
		d_step { step(); forget() };				\
		if							\
		:: did == 0 -> break					\
		:: did != 0 && target ->				\
			d_step {					\
				if					\
				:: WAKE_UP(target - 1, OWN)		\
				:: else					\
				fi;					\
				target = 0				\
			}						\
		:: else							\
		fi							\
	od;								\
	did = 0; look = 0

proctype Process(byte me)
{
	byte k, m, mail, did, target, told;
	bit look, no_room;
	{
	d_step { inside = inside | B(me); if :: SENDS(me) ->
	    hands[me] = me + 1 :: else fi };
	if
	:: !SENDS(me) && !TAKES(me) -> goto remove
	:: else
	fi;
try:	look = (HEIRS & dead) != 0;
	STEPS;
	d_step { see() };
	d_step {
		did = 1;
		if
		:: SENDS(me) && !(seen_s & B(me)) -> did = 0
#ifndef NOFRESH
		:: TAKES(me) && !(seen_r & B(me)) -> did = 0
#endif
		:: SENDS(me) && (seen_s & B(me)) ->
			if
			:: gone_s -> did = 2
			:: !gone_s && !no_room ->
				m = hands[me]; hands[me] = 0; sent++;
				was_sent = was_sent | B(m - 1);
				LAST_OF(inbox, nin); COMMIT_S; did = 3
			:: else ->
				st[me] = WAITING; held[me] = hands[me];
				hands[me] = 0; COMMIT_S
			fi
		:: else ->
			if
			:: gone_r -> did = 2
			:: !gone_r && nidx ->
				FIRST_OF(idx, nidx); hands[me] = m; m = 0;
				taken++; COMMIT_R; did = 3
			:: !gone_r && !nidx && mail && SLEEPS_R -> did = 0
			:: !gone_r && !nidx && mail && !SLEEPS_R ->
#ifdef NOFRESH
				hands[me] = mail;
				if
				:: nin -> FIRST_OF(inbox, nin); m = 0
				:: else
				fi;
#else
				FIRST_OF(inbox, nin); hands[me] = m; m = 0;
#endif
				taken++; COMMIT_R; did = 3
			:: else -> st[me] = WAITING; COMMIT_R
			fi
		fi;
		forget()
	};
	if
	:: did == 0 -> goto try
	:: did == 1 -> did = 0
	:: did == 2 -> did = 0; goto over
	:: did == 3 -> did = 0; goto after
	fi;

settle:	atomic { nap_s = nap_s | B(me) };
	d_step { nap_r = nap_r | B(me) };
#ifndef NOHEIRS
	d_step { list[me] = HEIRS & ~B(me) };
#endif
	STEPS;
	if
	:: st[me] != WAITING -> goto leave
	:: else
	fi;
	d_step {			/* FUTEX_WAITV */
		if
#ifdef NOTURN
		:: st[me] == WAITING &&
		    (SENDS(me) -> nap_s & B(me) : nap_r & B(me)) ->
#else
		:: st[me] == WAITING && (nap_s & B(me)) && (nap_r & B(me)) &&
		    !(list[me] & dead) ->
#endif
			queued[me] = OWN | BELL | CANARY
		:: else
		fi
	};
endsleep:
	if
	:: queued[me] == 0 && hit[me] == 0 && !(list[me] & dead) -> goto settle
	:: queued[me] == 0 && hit[me] == 0 && (list[me] & dead) ->
		hit[me] = CANARY
	:: hit[me] != 0
	:: d_step { hit[me] == 0 && timeouts > 0 && queued[me] ->
	    timeouts--; queued[me] = 0 }; goto leave
	fi;
	d_step {
		told = hit[me] & (BELL | CANARY); hit[me] = 0; queued[me] = 0;
		nap_s = nap_s & ~B(me); nap_r = nap_r & ~B(me); list[me] = 0
	};
	if
	:: told -> look = 1; told = 1
	:: else -> goto settle
	fi;
	STEPS;
#ifndef NOTOLD
	do
	:: told <= N ->
		d_step {
			if
			:: told - 1 < N && told - 1 != me &&
			    st[told - 1] > WAITING && LIVES(told - 1) &&
			    (queued[told - 1] & OWN) ->
				queued[told - 1] = queued[told - 1] & ~OWN;
				hit[told - 1] = hit[told - 1] | OWN
			:: else
			fi;
			told++
		}
	:: else -> break
	od;
#endif
	told = 0;
	goto settle;

leave:	atomic {
		if
		:: st[me] == WAITING && SENDS(me) -> COMMIT_S
		:: st[me] != WAITING && SENDS(me) && held[me] -> COMMIT_S
		:: TAKES(me) -> COMMIT_R
		:: else
		fi;
		hands[me] = held[me]; held[me] = 0; st[me] = IDLE;
		nap_s = nap_s & ~B(me); nap_r = nap_r & ~B(me); list[me] = 0
	};
after:
#ifndef NOLOOK
	STEPS;
#endif
	goto over;

remove:	atomic { gone_s = 1; COMMIT_S };
	d_step { gone_r = 1; COMMIT_R };
	STEPS;
over:	atomic { inside = inside & ~B(me); forget(); look = 0 }
	} unless {
		d_step {
			(dead & B(me)) ->
			forget(); did = 0; target = 0; told = 0; look = 0;
			nap_s = nap_s & ~B(me); nap_r = nap_r & ~B(me);
			list[me] = 0
		}
	}
}

proctype Kernel(byte nth)
{
	byte v;
end:	atomic {
		kills == nth;
		kills++;
		if
		:: inside & 1 -> v = 0
		:: inside & 2 -> v = 1
		:: inside & 4 -> v = 2
		:: inside & 8 -> v = 3
		:: v = N
		fi;
		if
		:: v < N && !(dead & B(v)) ->
			dead = dead | B(v); queued[v] = 0; hit[v] = 0
		:: else -> goto done
		fi
	}
	atomic { mark(v) }
#ifndef NOBELL
	atomic { ring() }
#endif
done:	v = 0
}

/* When nothing can happen any more. */
#define IN(list, n, x)	((n > 0 && list[0] == (x)) + (n > 1 && list[1] == (x)))
#define AT(i, x)	((held[i] == (x)) + (hands[i] == (x)))
#define PLACES(x)	(IN(inbox, nin, x) + IN(idx, nidx, x) + AT(0, x) + \
	AT(1, x) + AT(2, x) + AT(3, x))
#define ASLEEP(i)	(queued[i] && LIVES(i))
#define HANGS(i)	(ASLEEP(i) && (st[i] != WAITING || gone_s || gone_r || \
	(SENDS(i) -> sent - taken < CAP : nin + nidx > 0 || (HEIRS & dead))))
#define ONCE(i)		(!SENDS(i) || (was_sent & B(i) -> \
	PLACES((i) + 1) == 1 : PLACES((i) + 1) <= 1))
proctype Judge()
{
	bit lost, once;
end:	atomic {
		timeout ->
		lost = HANGS(0) || HANGS(1) || HANGS(2) || HANGS(3);
		assert(!lost);
		once = ONCE(0) && ONCE(1);
		assert(once)
	}
}

init {
	byte i;
	atomic {
		timeouts = TIMEOUTS;
		do :: i < N -> run Process(i); i++ :: else -> break od;
		i = 0;
		do :: i < CRASHES -> run Kernel(i); i++ :: else -> break od;
		i = 0;
		run Judge()
	}
}
