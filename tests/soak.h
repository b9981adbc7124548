/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak.h - what the driver and the workers of the soak test share.
 *
 *	soak_kill.c	the driver: kills, looks for progress; the program
 *	soak_check.c	what must be so while everybody pauses
 *	soak_work.c	a worker: random operations
 *	soak_give.c	givers, who are killed, and takers, who sleep
 *	soak_msg.c, soak_msg_check.c	the same with queues: see soak_msg.h
 */
#ifndef SOAK_H
#define SOAK_H

#include "sem_calls.h"

#define WORKERS		10u
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
	_Atomic uint32_t receiving;	/* it may have a message in its hands */
	_Atomic uint64_t sending;	/* the number of a message; 0 none */
};

/* What the workers of a place do, and who judges it. */
struct play {
	/* In a process of its own, since the driver opens no namespace. */
	void (*make)(void);
	void (*compare)(void);		/* everybody pauses */
	void (*look)(void);		/* those who are to rest sleep */
	void (*describe)(void);		/* the state of all, to the report */
	/* Its account, to the report; NULL: none. */
	void (*sum_up)(void);

	void (*work)(struct worker *);	/* be one; does not return */
	void (*drive)(double stop, struct rng *);
	/* Take what a dead worker did into the account. */
	void (*bury)(struct worker *);
	/* Could the others not go on without it?  NULL: they always can. */
	bool (*needed)(const struct worker *);
	/* Who is to sleep while the others are killed; by bits. */
	uint32_t (*rest)(struct rng *);
	/* After a look at them: what hangs, or NULL. */
	const char *(*judge_rest)(void);
	bool kicks;			/* a pause ends sleeps, by SIGUSR1 */
};
extern const struct play sets_play, mail_play, posts_play, posts_rest_play;

struct posts;

struct board {
	enum store store;
	const struct play *play;
	struct posts *posts;		/* of queues */
	bool pid_namespaces, barging;
	uint32_t resting;		/* who is to sleep, by bits */
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

/* soak_work.c: be a worker; one who pauses when that is asked for. */
void	work(struct worker *me);
void	park(struct worker *me);

/* soak_kill.c: births, deaths and what all of them need. */
#define PATIENCE	2.0	/* seconds a survivor may take for a round */
void	start_worker(struct worker *);
void	doom(struct worker *);
void	finish(struct worker *);
void	kill_all(void);
void	must_live(const struct worker *);
bool	has_stopped(void);
void	drive_workers(double stop, struct rng *);
/* Processes hang: tell it, and end them. */
void	hang(const char *what);
/* Let a process of its own do something with the sets. */
bool	in_process(void (*body)(void), double seconds);

/* soak_give.c */
void	drive_rest(double stop, struct rng *);

/* soak_check.c */
void	make_sets(void);
void	bury(struct worker *);
void	describe(void);
void	describe_workers(void);

/* soak_msg_check.c: what the account of queues takes. */
struct posts *posts_memory(void);

#endif
