/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_contend.c - processes that do nothing but take one semaphore and give
 * it back, spread over the processors in turn and kept there.
 *
 * A batch is a span of time; its value is that time by the number of times
 * that the semaphore was taken.  Jain's index of fairness is that of the
 * processes' shares in all batches, each batch counting as much as another,
 * however often the semaphore was taken in it: 1 if all had the same, 1/n if
 * one had everything.
 */
#include <sched.h>
#include <time.h>

#include "crowd.h"

#define SPAN	25	/* batches of other rows that one of these takes */

/* Wait until all are here, so that nobody begins alone. */
static void
line_up(struct bench_crowd *c, unsigned procs, uint32_t batch)
{
	if (atomic_fetch_add(&c->ready, 1) + 1 == procs * batch) {
		c->start = bench_now();
		bench_tell(&c->begun);
	}
	while ((int32_t)(atomic_load(&c->begun) - batch) < 0)
		sched_yield();
}

static void
contend(struct bench *b, unsigned self)
{
	const struct bench_lock *lock = b->side->lock;
	struct bench_crowd *c = b->crowd;

	bench_pin(self);
	for (uint32_t batch = 1;; batch++) {
		uint64_t done = 0;

		bench_await(&c->order, batch);
		line_up(c, b->row->procs, batch);
		while (!atomic_load_explicit(&c->stop, memory_order_relaxed)) {
			if (lock->down(b, 0) != 0)
				return;
			c->guarded++;
			if (lock->up(b, 0) != 0)
				return;
			done++;
		}
		c->member[self].done = done;
		bench_tell(&c->finished);
	}
}

static int
set_up(struct bench *b)
{
	return bench_crowd_make(b, contend);
}

static double
jain(const struct bench_crowd *c, unsigned n)
{
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < n; i++) {
		const double share = c->member[i].share;

		sum += share;
		squares += share * share;
	}
	return squares > 0 ? sum * sum / (n * squares) : 0;
}

/* The sum of what was done must be what the semaphore guarded. */
static double
reckon(struct bench *b, uint64_t took, uint64_t guarded)
{
	struct bench_crowd *c = b->crowd;
	uint64_t sum = 0;

	for (unsigned i = 0; i < b->row->procs; i++)
		sum += c->member[i].done;
	if (sum != guarded || sum == 0) {
		snprintf(b->note, sizeof(b->note), "taken %ju times, %ju of "
		    "them seen", (uintmax_t)sum, (uintmax_t)guarded);
		return -1;
	}
	for (unsigned i = 0; i < b->row->procs; i++)
		c->member[i].share += (double)c->member[i].done / (double)sum;
	b->also = jain(c, b->row->procs);
	return (double)took / (double)sum;
}

static double
run_span(struct bench *b, unsigned long n)
{
	const uint64_t span = b->batch_ns * SPAN, before = b->crowd->guarded;
	const struct timespec rest = {
		.tv_sec = (time_t)(span / 1000000000),
		.tv_nsec = (long)(span % 1000000000),
	};
	struct bench_crowd *c = b->crowd;
	const uint32_t batch = atomic_load(&c->order) + 1;
	uint64_t end;

	(void)n;
	atomic_store(&c->stop, 0);
	bench_tell(&c->order);
	bench_await(&c->begun, batch);
	nanosleep(&rest, NULL);
	end = bench_now();
	atomic_store(&c->stop, 1);
	bench_await(&c->finished, batch * b->row->procs);
	return reckon(b, end - c->start, c->guarded - before);
}

#define SIDE(side_name, side_home, l, run_fn)				\
	{								\
		.name = side_name, .home = side_home,			\
		.lock = &l##_lock, .setup = set_up, .run = run_fn,	\
		.teardown = bench_crowd_drop,				\
	}
#define CONTEND_ROW(row_procs, how, row_barging, row_target)		\
	{								\
		.name = "sem contend " #row_procs how, .unit = "ns",	\
		.count = 1, .nsems = 1, .value = 1, .once = 1,		\
		.procs = row_procs, .barging = row_barging,		\
		.target = row_target,					\
		.also = "Jain", .also_target = 0.9,			\
		.side = {						\
			SYSV_SIDES(SIDE, run_span),			\
			SEMAPHORE_SIDES(SIDE, run_span),		\
			MUTEX_SIDES(SIDE, run_span),			\
		},							\
	}

const struct bench_row bench_rows_contend[] = {
	CONTEND_ROW(2, "", 0, 5),
	CONTEND_ROW(4, "", 0, 1),
	CONTEND_ROW(8, "", 0, 1),
	CONTEND_ROW(2, " barging", 1, 5),
	CONTEND_ROW(4, " barging", 1, 10),
	CONTEND_ROW(8, " barging", 1, 10),
	{ .name = NULL }
};
