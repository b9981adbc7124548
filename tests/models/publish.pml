/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish.pml - writers and readers of a publication (publish.c).
 *
 * NB buffers of two halves each.  A writer that is killed between two steps
 * leaves the lock to the next.  A writer that finds readers everywhere may
 * take a buffer away from them, with STEAL; else it goes away.
 *
 * A reader that is done and is told that all is well has seen one version, of
 * which `latest` spoke when it looked.  Without STEAL nobody ever sees a
 * mixture, told or not.
 *
 *	spin -a publish.pml && cc -O2 -w -DSAFETY -DNOREDUCE -DCOLLAPSE \
 *	    -o pan pan.c && ./pan -m100000
 *
 * Settings
 *	NB NW NR	buffers, writers, readers
 *	TIMES		publishes of each writer
 *	CRASHES STEAL
 * Rules left out, each of which must be seen
 *	EARLY		the newest version is named before its bytes are there
 *	NOSCAN		a writer does not look for readers again when seq is odd
 *	NOODD		it looks, but has not made seq odd before
 *	NODONE		a reader does not look at seq, nor for its pin, at the
 *			end
 */
#ifndef NB
#define NB 3
#endif
#ifndef NW
#define NW 2
#endif
#ifndef NR
#define NR 2
#endif
#ifndef TIMES
#define TIMES 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef STEAL
#define STEAL 0
#endif

#define NONE 255

byte latest_version, latest_buffer;	/* one word */
bool locked;
byte seq[NB], first[NB], second[NB];
byte pin[NR];
byte crashes = CRASHES;

/* One step, before which the process may be killed. */
#define STEP(x) \
	if \
	:: atomic { x } \
	:: atomic { crashes > 0 -> crashes--; locked = false; goto dead } \
	fi

/* Is somebody there?  Pins are looked at one by one. */
inline scan(b)
{
	taken = false; i = 0;
	do
	:: atomic { i < NR -> taken = taken || pin[i] == b; i++ }
	:: atomic { i == NR -> break }
	od
}

proctype writer()
{
	byte n, i, b, v, before;
	bool taken;

	do
	:: n < TIMES ->
		atomic { !locked -> locked = true; v = latest_version + 1 }
		atomic { select(b : 0 .. NB - 1) }
		if
		:: latest_version != 0 && b == latest_buffer -> goto next
		:: else
		fi;
		scan(b);
		if
		:: taken && !STEAL -> goto next
		:: else
		fi;
		before = seq[b];
#ifndef NOODD
		STEP(seq[b] = before | 1);
#endif
#ifndef NOSCAN
		scan(b);
		if
		:: taken && !STEAL ->
			STEP(seq[b] = before);
			goto next
		:: else
		fi;
#endif
		i = 0;
		do
		:: atomic { i < NR ->
			if
			:: pin[i] == b && STEAL -> pin[i] = NONE
			:: else
			fi;
			i++ }
		:: atomic { i == NR -> break }
		od;
#ifdef EARLY
		STEP(seq[b] = 2 * v;
		    latest_version = v; latest_buffer = b);
#endif
		STEP(first[b] = v);
		STEP(second[b] = v);
		STEP(seq[b] = 2 * v);
		STEP(latest_version = v; latest_buffer = b);
next:
		atomic { locked = false; n++ }
	:: else -> break
	od;
dead:
	skip
}

proctype reader(byte me)
{
	byte n, v, b, one, two;
	bool well;

again:
	atomic { v = latest_version; b = latest_buffer; n++ }
	if
	:: v == 0 || n > 2 -> goto out
	:: else
	fi;
	pin[me] = b;
	if
	:: seq[b] != 2 * v -> pin[me] = NONE; goto again
	:: else
	fi;
	one = first[b];
	two = second[b];
	well = true;
#ifndef NODONE
	well = seq[b] == 2 * v;
	atomic { well = well && pin[me] == b; pin[me] = NONE }
#else
	pin[me] = NONE;
#endif
	assert((!well && STEAL) || (one == v && two == v));	/* mixture */
	if
	:: !well -> goto again
	:: else
	fi;
out:
	skip
}

init {
	byte k;

	atomic {
		for (k : 0 .. NR - 1) {
			pin[k] = NONE
		}
		for (k : 1 .. NW) {
			run writer()
		}
		for (k : 0 .. NR - 1) {
			run reader(k)
		}
	}
}
