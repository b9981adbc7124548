/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak.h - what the driver and the workers of the soak test share.
 *
 *	soak_kill.c	the driver: kills, looks for progress; the program
 *	soak_check.c	what must be so while everybody pauses
 *	soak_work.c	a worker: random operations
 *	soak_give.c	givers, who are killed, and takers, who sleep
 */
#ifndef SOAK_H
#define SOAK_H

#include "sem_calls.h"

#define WORKERS		8u
#define SETS		2u

/* The semaphores of a set. */
enum {
	LOCK,			/* 1 when free; taken with SEM_UNDO */
	LOCK2,
	ZLOCK,			/* 0 when free: {0, +1}, then -1 */
	UNIT,			/* UNITS of each, some taken at a time */
	UNIT_END = UNIT + 3,
	GATE = UNIT_END,	/* raised for a moment; others await 0 */
	KEPT,			/* units kept for long; nobody waits long */
	KEPT_END = KEPT + 2,
	PLAIN = KEPT_END,	/* without SEM_UNDO */
	PLAIN_END = PLAIN + 2,
	MAIL = PLAIN_END,	/* given and taken without SEM_UNDO */
	MAIL_END = MAIL + 2,
	NSEMS = MAIL_END
};
#define LOCKS		(ZLOCK + 1)
#define UNITS		4
#define PLAINS		40	/* in each at the start */

/*
 * The account of a worker's operations on PLAIN of a set, in one word, so
 * that a kill leaves it whole: what it has added by operations that returned,
 * and what the one it is in adds, if it is in one.
 */
#define ACCOUNT(done, now)						\
	((uint64_t)(uint32_t)(done) << 32 | (uint32_t)(now))
#define ACCOUNT_DONE(a)		((int32_t)((a) >> 32))
#define ACCOUNT_NOW(a)		((int32_t)(uint32_t)(a))

struct worker {
	int pid;			/* the driver's: 0 when dead */
	uint64_t self;			/* grows; slot is self % WORKERS */
	_Atomic uint64_t doomed;	/* up to this `self` all are killed */
	_Atomic uint64_t rounds, ops;
	_Atomic uint32_t parked;	/* which pause it has reached */
	_Atomic(const char *) doing;	/* the same program in all */
	_Atomic int set;
	int kept[SETS][KEPT_END - KEPT];
	_Atomic uint64_t plain[SETS];
};

struct board {
	enum store store;
	bool pid_namespaces, barging, givers;
	int mail;			/* when last looked at */
	int waiting;			/* for mail, then */
	uint64_t seed;
	char dir[PATH_MAX];
	int id[SETS];
	_Atomic uint32_t pause;		/* raised by one: stop; again: go on */
	_Atomic uint32_t told;
	_Atomic uint32_t violations;
	_Atomic uint64_t inside[SETS][LOCKS];	/* who holds it */
	struct worker worker[WORKERS];
	/* What all operations on PLAIN came to, but those of the living. */
	int plain[SETS], least[SETS], most[SETS];
	unsigned kills, groups, hangs, pauses;
	uint64_t ops, heartbeats;
	char text[400];
};

extern struct board *board;

/* Count something that must not be, and write down the first. */
void	violate(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));

/* soak_work.c: be a worker. */
void	work(struct worker *me) __attribute__((noreturn));

/* soak_kill.c: births, deaths and what all of them need. */
#define PATIENCE	2.0	/* seconds a survivor may take for a round */
void	start_worker(struct worker *);
void	doom(struct worker *);
void	finish(struct worker *);
void	kill_all(void);
void	must_live(const struct worker *);
bool	has_stopped(void);
/* Processes hang: tell it, and end them. */
void	hang(const char *what);
/* Let a process of its own do something with the sets. */
bool	in_process(void (*body)(void), double seconds);

/* soak_give.c */
#define TAKERS		(WORKERS / 2)
void	give_or_take(struct worker *me) __attribute__((noreturn));
void	drive_givers(double stop, struct rng *);

/* soak_check.c */
void	make_sets(void);
/* Take what a dead worker did on PLAIN into the account. */
void	bury(struct worker *);
/* Everybody pauses: compare values with what the workers hold. */
void	compare(void);
/* Write the state of all to the report. */
void	describe(void);

#endif
