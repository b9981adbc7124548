/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crowd.h - the other processes of a side: made at setup, asleep but in their
 * own side's batches, ended with it.
 */
#ifndef CROWD_H
#define CROWD_H

#include "locks.h"

#define BENCH_CROWD	8	/* most processes beside the side's own */

struct bench_member {
	_Alignas(128) pid_t pid;
	uint64_t done;		/* operations in this batch */
	double share;		/* of each batch's, added up */
};

/* What the processes of a side share.  The words only grow. */
struct bench_crowd {
	_Atomic uint32_t order;	/* batches begun */
	_Atomic uint32_t ready;	/* members that were ready to begin */
	_Atomic uint32_t begun;	/* batches that all are in */
	_Atomic uint32_t finished;	/* members' ends of batches */
	_Atomic int stop;
	uint64_t start;		/* when the batch began, and when a */
	uint64_t woken;		/* member had what it waited for */
	_Alignas(128) volatile uint64_t guarded;	/* by the lock */
	struct bench_member member[BENCH_CROWD];
};

/* What a member does; it is ended in the midst of it, or returns. */
typedef void bench_part(struct bench *, unsigned self);

int	bench_crowd_make(struct bench *, bench_part *);
void	bench_crowd_drop(struct bench *);
pid_t	bench_crowd_fork(struct bench *, bench_part *, unsigned self);
int	bench_end(pid_t);
unsigned bench_cpus(void);
void	bench_pin(unsigned nth);
void	bench_tell(_Atomic uint32_t *word);
void	bench_await(_Atomic uint32_t *word, uint32_t value);

#endif
