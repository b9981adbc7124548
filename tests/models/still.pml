/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * still.pml - a copy of two objects that others change all the time, who are
 * asked to keep still (still.c, ckpt_cut.c).
 *
 * Writers change one object in one call and the other in the next, and each
 * call looks whether it is asked to wait.  Who copies asks, copies both and
 * looks at both again, until nothing has changed meanwhile; it may be killed
 * between two steps.  Of an object only its turn matters: how often it changed.
 *
 *	mixture	at some moment both were as in a copy that is believed
 *	late	no more copies are made than there are writers, and one
 *	kept	nobody waits for ever
 *
 *	spin -a still.pml && cc -O2 -w -DSAFETY -DNOREDUCE -DCOLLAPSE \
 *	    -o pan pan.c && ./pan -m100000
 *
 * Settings
 *	NW NA		writers, of 2 * TIMES changes each; askers
 *	CRASHES
 *	PATIENCE	who waits may take back what a living one asked
 * Rules left out, each of which must be seen
 *	NOLOOK		who asked believes its copy
 *	NOASK		nobody is asked
 *	ONCE		a writer looks at its first call alone
 *	NODEATH		nobody asks whether who asked is dead
 *	NOEND		who asked does not take it back
 */
#ifndef NW
#define NW 2
#endif
#ifndef NA
#define NA 1
#endif
#ifndef TIMES
#define TIMES 2
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef PATIENCE
#define PATIENCE 0
#endif

#define ALL (NW * TIMES + 1)	/* values of a turn */
#define MOST (NW + 1)		/* copies */

byte still;			/* who asks, + 1 */
bool dead[NA];
byte one, two;			/* turns */
bool was[ALL * ALL];		/* both at some moment */
byte waiting;
byte crashes = CRASHES;

/* One step, before which the process may be killed. */
#define STEP(x) \
	if \
	:: atomic { x } \
	:: atomic { crashes > 0 -> crashes--; dead[me] = true; goto out } \
	fi

inline pass()
{
	if
	:: atomic { still != 0 -> asker = still; waiting++ }
		if
		:: atomic { still != asker -> waiting-- }
#ifndef NODEATH
		:: atomic { still == asker && dead[asker - 1] ->
			still = 0; waiting-- }
#endif
#if PATIENCE
		:: atomic { still == asker -> still = 0; waiting-- }
#endif
		fi
	:: atomic { still == 0 -> skip }
	fi
}

proctype writer()
{
	byte n, asker;

	do
	:: n < TIMES ->
#ifdef ONCE
		if
		:: n == 0 -> pass()
		:: else
		fi;
#else
		pass();
#endif
		atomic { one++; was[one * ALL + two] = true }
#ifndef ONCE
		pass();
#endif
		atomic { two++; was[one * ALL + two] = true; n++ }
	:: else -> break
	od
}

proctype asker(byte me)
{
	byte tries, copy_one, copy_two, seen;
	bool same;

	do
	:: tries < MOST ->
#ifndef NOASK
		seen = still;
		if
		:: seen == 0 || (seen != me + 1 && dead[seen - 1]) ->
			STEP(if
			    :: still == seen -> still = me + 1
			    :: else
			    fi)
		:: else
		fi;
#endif
		STEP(copy_one = one);
		STEP(copy_two = two);
		STEP(same = one == copy_one);
		STEP(same = same && two == copy_two);
#ifdef NOLOOK
		same = true;
#endif
		tries++;
		if
		:: same ->
			assert(was[copy_one * ALL + copy_two]);	/* mixture */
			break
		:: else ->
			assert(tries < MOST || NA > 1 || PATIENCE); /* late */
		fi
	:: else -> break
	od;
#ifndef NOEND
	STEP(if
	    :: still == me + 1 -> still = 0
	    :: else
	    fi);
#endif
out:
	skip
}

init {
	byte k;

	atomic {
		was[0] = true;
		for (k : 1 .. NW) {
			run writer()
		}
		for (k : 0 .. NA - 1) {
			run asker(k)
		}
	}
	do
	:: _nr_pr == 1 -> break
	:: timeout -> assert(waiting == 0); break	/* kept */
	od
}
