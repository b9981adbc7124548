/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format_line.h - a line of those who sleep in an object, first come first.
 *
 * Depends on: format.h, which explains the access keys.
 */
#ifndef MIPC_FORMAT_LINE_H
#define MIPC_FORMAT_LINE_H

#include "format.h"

/* T words of the line's board. */
struct mipc_line_head {
	mipc_u64 due;		/* 1: steps are to be done */
	mipc_u64 sleepers;	/* how many are in it */
	mipc_u64 head, tail;	/* places, + 1; 0 nobody */
	mipc_u64 gone;		/* 1: the object is removed */
};

enum mipc_sleep {
	MIPC_SLEEP_IDLE,	/* not in the line */
	MIPC_SLEEP_WAITING,
	MIPC_SLEEP_LOOK,	/* it is to look for itself */
	MIPC_SLEEP_DONE,	/* performed, or failed; not in the line */
};
#define MIPC_SLEEPERS		4096u

/*
 * One thread's place, in the line or about to be.
 *	owner	A: its life, by CAS; 0 free.  The owner of a live one frees it
 *	state	T: enum mipc_sleep, errno << 8; the low half is the futex word
 *		that it sleeps on
 *	next, prev	T: neighbours, + 1; 0 none
 *	woken	A: counts the wakes that followed a change of state
 *	asleep	A: 1 once a signal would end the sleep; only then is it counted
 *		by GETNCNT and GETZCNT
 *	the rest O: written before it is in the line, constant while it is
 */
struct mipc_place {
	mipc_u64 owner;
	mipc_u64 state;
	mipc_u64 next, prev;
	mipc_u64 since;			/* seconds */
	mipc_u32 pid;
	mipc_u32 woken;
	mipc_u32 asleep;
	mipc_u32 pad;
};

_Static_assert(sizeof(struct mipc_line_head) == 40, "format 1");
_Static_assert(sizeof(struct mipc_place) == 56, "format 1");

#endif
