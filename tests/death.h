/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * death.h - what the driver and the workers of the death test share.
 *
 *	death.c		the driver: kills, pauses, counts; the program
 *	death_work.c	a worker: random calls, each checked
 */
#ifndef DEATH_H
#define DEATH_H

#include "harness.h"
#include "mipc.h"

#define SLOTS		64	/* workers and what they fork */
#define CELLS		16	/* where ids are passed on */
#define HOLD		8	/* attaches of one worker */

struct held {
	int id;			/* -1: free */
	_Atomic uint64_t *at;
};

enum { SLOT_FREE, SLOT_TAKEN };

struct slot {
	_Atomic uint32_t state;
	_Atomic int pid;
	_Atomic uint32_t parked;	/* which pause it has reached */
	struct held held[HOLD];		/* the worker's own account */
};

struct board {
	int driver;
	uint64_t seed;
	const char *store;
	char dir[PATH_MAX];
	_Atomic uint32_t pause;		/* raised by one: stop; again: go on */
	_Atomic uint32_t told;
	_Atomic uint64_t born, checks, forks;
	_Atomic int cell[CELLS];
	struct slot slot[SLOTS];
	char text[300];
};

extern struct board *board;
extern struct mipc_ns *ns;

/* Write down what is wrong, if nobody has yet, and end. */
void	fail(const char *fmt, ...)
	    __attribute__((noreturn, format(printf, 1, 2)));

struct slot *take_slot(void);
/* Be the worker of a slot. */
void	work(struct slot *me) __attribute__((noreturn));

#endif
