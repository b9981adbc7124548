/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_pair.c - two processes that wake each other in turn, by two semaphores
 * of one set; a value is a whole round: there and back.
 *
 * Only what another process may give back can be used so; a mutex cannot.
 */
#include "crowd.h"

enum { THERE, BACK };

static void
answer(struct bench *b, unsigned self)
{
	const struct bench_lock *lock = b->side->lock;

	(void)self;
	while (lock->down(b, THERE) == 0) {
		b->crowd->guarded++;
		if (lock->up(b, BACK) != 0)
			return;
	}
}

static void
answer_elsewhere(struct bench *b, unsigned self)
{
	bench_pin(1);
	answer(b, self);
}

static int
set_up_one(struct bench *b)
{
	bench_pin(0);
	return bench_crowd_make(b, answer);
}

static int
set_up_two(struct bench *b)
{
	if (bench_cpus() < 2) {
		snprintf(b->note, sizeof(b->note),
		    "left out: there is one processor");
		b->left_out = 1;
		return -1;
	}
	/* The other one is pinned before we are: it inherits our mask. */
	if (bench_crowd_make(b, answer_elsewhere) == -1)
		return -1;
	bench_pin(0);
	return 0;
}

static double
ping_pong(struct bench *b, unsigned long n)
{
	const struct bench_lock *lock = b->side->lock;
	const uint64_t before = b->crowd->guarded, start = bench_now();
	uint64_t took;

	for (unsigned long i = 0; i < n; i++)
		if (lock->up(b, THERE) != 0 || lock->down(b, BACK) != 0)
			return -1;
	took = bench_now() - start;
	if (b->crowd->guarded - before != n) {
		snprintf(b->note, sizeof(b->note), "%ju answers to %lu",
		    (uintmax_t)(b->crowd->guarded - before), n);
		return -1;
	}
	return (double)took / (double)n;
}

#define SIDE(side_name, side_home, l, setup_fn)				\
	{								\
		.name = side_name, .home = side_home,			\
		.lock = &l##_lock, .setup = setup_fn,			\
		.run = ping_pong, .teardown = bench_crowd_drop,		\
	}
#define PAIR_ROW(cores, row_target, setup)				\
	{								\
		.name = "sem ping-pong " cores, .unit = "ns",		\
		.count = 1, .nsems = 2, .procs = 1,			\
		.target = row_target,					\
		.side = {						\
			SYSV_SIDES(SIDE, setup),			\
			SEMAPHORE_SIDES(SIDE, setup),			\
		},							\
	}

const struct bench_row bench_rows_pair[] = {
	PAIR_ROW("two cores", 5, set_up_two),
	PAIR_ROW("one core", 0.95, set_up_one),
	{ .name = NULL }
};
