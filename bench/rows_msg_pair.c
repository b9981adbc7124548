/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_msg_pair.c - messages from one process to another: one after the other
 * (a value is the time of a message), and there and back in turn (a value is
 * a whole round).
 */
#include "floor.h"

enum { THERE, BACK };

/* Take all messages, and tell when a batch has ended. */
static void
swallow(struct bench *b, unsigned self)
{
	const struct bench_queue *queue = b->side->queue;
	const uint64_t *number = &b->mail->in.number;

	(void)self;
	while (queue->take(b, THERE, 0) == 0) {
		if ((*number & ~BENCH_LAST) != b->crowd->guarded)
			return;
		b->crowd->guarded++;
		if ((*number & BENCH_LAST) != 0)
			bench_tell(&b->crowd->finished);
	}
}

static void
answer(struct bench *b, unsigned self)
{
	const struct bench_queue *queue = b->side->queue;

	(void)self;
	while (queue->take(b, THERE, 0) == 0) {
		b->mail->out.number = b->mail->in.number;
		if (queue->send(b, BACK) != 0)
			return;
	}
}

static void
swallow_elsewhere(struct bench *b, unsigned self)
{
	bench_pin(1);
	swallow(b, self);
}

static void
answer_elsewhere(struct bench *b, unsigned self)
{
	bench_pin(1);
	answer(b, self);
}

static int
set_up_one(struct bench *b, bench_part *part)
{
	bench_pin(0);
	return bench_crowd_make(b, part);
}

static int
set_up_two(struct bench *b, bench_part *part)
{
	if (bench_cpus() < 2) {
		snprintf(b->note, sizeof(b->note),
		    "left out: there is one processor");
		b->left_out = 1;
		return -1;
	}
	/* The other one is pinned before we are: it inherits our mask. */
	if (bench_crowd_make(b, part) == -1)
		return -1;
	bench_pin(0);
	return 0;
}

static int
swallow_here(struct bench *b)
{
	return set_up_one(b, swallow);
}

static int
swallow_there(struct bench *b)
{
	return set_up_two(b, swallow_elsewhere);
}

static int
answer_here(struct bench *b)
{
	return set_up_one(b, answer);
}

static int
answer_there(struct bench *b)
{
	return set_up_two(b, answer_elsewhere);
}

static double
throughput(struct bench *b, unsigned long n)
{
	const struct bench_queue *queue = b->side->queue;
	const uint64_t before = b->crowd->guarded, start = bench_now();
	const uint32_t ended = atomic_load(&b->crowd->finished);
	uint64_t took;

	for (unsigned long i = 0; i < n; i++) {
		b->mail->out.number = before + i;
		if (i + 1 == n)
			b->mail->out.number |= BENCH_LAST;
		if (queue->send(b, THERE) != 0)
			return -1;
	}
	bench_await(&b->crowd->finished, ended + 1);
	took = bench_now() - start;
	if (b->crowd->guarded - before == n)
		return (double)took / (double)n;
	snprintf(b->note, sizeof(b->note), "%ju of %lu messages came",
	    (uintmax_t)(b->crowd->guarded - before), n);
	return -1;
}

static double
ping_pong(struct bench *b, unsigned long n)
{
	const struct bench_queue *queue = b->side->queue;
	const uint64_t start = bench_now();

	for (unsigned long i = 0; i < n; i++) {
		b->mail->out.number = i;
		if (queue->send(b, THERE) != 0 ||
		    queue->take(b, BACK, 0) != 0)
			return -1;
		if (b->mail->in.number == i)
			continue;
		snprintf(b->note, sizeof(b->note), "%ju answers %lu",
		    (uintmax_t)b->mail->in.number, i);
		return -1;
	}
	return (double)(bench_now() - start) / (double)n;
}

#define SIDE(side_name, side_home, q, setup_fn, run_fn)			\
	{								\
		.name = side_name, .home = side_home,			\
		.queue = &q##_queue, .setup = setup_fn, .run = run_fn,	\
		.teardown = bench_crowd_drop,				\
	}
#define PAIR(what, row_size, cores, row_target)				\
	.name = "msg " what " " #row_size " " cores, .unit = "ns",	\
	.count = BENCH_QUEUES, .size = row_size, .procs = 1,		\
	.target = row_target
#define PAIR_ROW(what, row_size, cores, row_target, ...)		\
	{								\
		PAIR(what, row_size, cores, row_target),		\
		.side = { QUEUE_SIDES(SIDE, __VA_ARGS__) },		\
	}
#define THROUGH_ROW(row_size, row_target)				\
	{								\
		PAIR("throughput", row_size, "two cores", row_target),	\
		.side = {						\
			QUEUE_SIDES(SIDE, swallow_there, throughput),	\
			SIDE("bare ring", HOME_NONE, ring,		\
			    swallow_there, throughput),			\
		},							\
	}

const struct bench_row bench_rows_msg_pair[] = {
	THROUGH_ROW(64, 6),
	THROUGH_ROW(1024, 5),
	THROUGH_ROW(8192, 3),
	PAIR_ROW("throughput", 64, "one core", 4, swallow_here, throughput),
	PAIR_ROW("ping-pong", 64, "two cores", 6, answer_there, ping_pong),
	PAIR_ROW("ping-pong", 64, "one core", 1, answer_here, ping_pong),
	{ .name = NULL }
};
