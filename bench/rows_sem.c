/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_sem.c - taking a semaphore that is free and giving it back: in every
 * way of doing so, and among many others.
 *
 * A row's loop ends with a look at whether the semaphores still hold what
 * they should.
 */
#include "locks.h"

#define THREE	3

static double
per_operation(struct bench *b, unsigned long n, uint64_t start, int ok)
{
	const uint64_t took = bench_now() - start;

	if (ok)
		return (double)took / (double)n;
	snprintf(b->note, sizeof(b->note), "an operation failed");
	return -1;
}

/* Fail if what was free is not: can it be taken once, and not twice? */
ALWAYS_INLINE double
check_free(struct bench *b, double value, const struct bench_lock *lock)
{
	if (value < 0)
		return value;
	if (lock->down(b, 0) == 0 && lock->refuses(b, 0) &&
	    lock->up(b, 0) == 0)
		return value;
	snprintf(b->note, sizeof(b->note), "it is not free at the end");
	return -1;
}

ALWAYS_INLINE double
down_up(struct bench *b, unsigned long n, const struct bench_lock *lock)
{
	const uint64_t start = bench_now();
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++) {
		bad += lock->down(b, 0) != 0;
		bad += lock->up(b, 0) != 0;
	}
	return check_free(b, per_operation(b, n, start, bad == 0), lock);
}

/* One after the other of the set's semaphores. */
ALWAYS_INLINE double
down_up_around(struct bench *b, unsigned long n,
    const struct bench_lock *lock)
{
	const unsigned nsems = b->row->nsems;
	const uint64_t start = bench_now();
	unsigned long bad = 0;
	unsigned num = 0;

	for (unsigned long i = 0; i < n; i++) {
		bad += lock->down(b, num) != 0;
		bad += lock->up(b, num) != 0;
		num = num + 1 == nsems ? 0 : num + 1;
	}
	return check_free(b, per_operation(b, n, start, bad == 0), lock);
}

/* Fail if a semaphore of the last set does not hold 1, or keeps it. */
ALWAYS_INLINE double
check_ones(struct bench *b, double value, const struct bench_sysv *sysv)
{
	const union semun none = { .val = 0 };
	const int id = b->id[b->made - 1];

	if (value < 0)
		return value;
	for (unsigned short i = 0; i < b->row->nsems; i++) {
		struct sembuf down = { i, -1, IPC_NOWAIT }, up = { i, 1, 0 };

		if (sysv->op(b, id, &down, 1, NULL) == 0 &&
		    sysv->ctl(b, id, i, GETVAL, none) == 0 &&
		    sysv->op(b, id, &up, 1, NULL) == 0)
			continue;
		snprintf(b->note, sizeof(b->note),
		    "semaphore %d is not 1 at the end", i);
		return -1;
	}
	return value;
}

ALWAYS_INLINE double
vectors(struct bench *b, unsigned long n, const struct bench_sysv *sysv,
    short flags)
{
	struct sembuf down[THREE], up[THREE];
	const int id = b->id[0];
	unsigned long bad = 0;
	uint64_t start;

	for (unsigned short i = 0; i < THREE; i++) {
		down[i] = (struct sembuf){ i, -1, flags };
		up[i] = (struct sembuf){ i, 1, flags };
	}
	start = bench_now();
	for (unsigned long i = 0; i < n; i++) {
		bad += sysv->op(b, id, down, THREE, NULL) != 0;
		bad += sysv->op(b, id, up, THREE, NULL) != 0;
	}
	return check_ones(b, per_operation(b, n, start, bad == 0), sysv);
}

ALWAYS_INLINE double
three(struct bench *b, unsigned long n, const struct bench_sysv *sysv)
{
	return vectors(b, n, sysv, 0);
}

ALWAYS_INLINE double
three_undo(struct bench *b, unsigned long n, const struct bench_sysv *sysv)
{
	return vectors(b, n, sysv, SEM_UNDO);
}

ALWAYS_INLINE double
any_set(struct bench *b, unsigned long n, const struct bench_sysv *sysv)
{
	struct sembuf down = { 0, -1, 0 }, up = { 0, 1, 0 };
	const uint64_t start = bench_now();
	uint64_t state = b->random;
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++) {
		const uint64_t r = bench_random(&state);
		const int id = b->id[r * b->made >> 32];

		bad += sysv->op(b, id, &down, 1, NULL) != 0;
		bad += sysv->op(b, id, &up, 1, NULL) != 0;
	}
	b->random = state;
	return check_ones(b, per_operation(b, n, start, bad == 0), sysv);
}

LOCK_LOOPS(down_up)
LOOP(kernel_undo, down_up, kernel_undo_lock)
LOOP(mipc_undo, down_up, mipc_undo_lock)
LOOP(kernel_timed, down_up, kernel_timed_lock)
LOOP(mipc_timed, down_up, mipc_timed_lock)
LOOP(kernel, down_up_around, kernel_lock)
LOOP(mipc, down_up_around, mipc_lock)
SYSV_LOOPS(three)
SYSV_LOOPS(three_undo)
SYSV_LOOPS(any_set)

#define FREE_ROW(row_name, row_nsems, row_target)			\
	.name = "sem P+V" row_name, .unit = "ns", .count = 1,		\
	.nsems = row_nsems, .value = 1, .target = row_target

const struct bench_row bench_rows_sem[] = {
	{
		FREE_ROW("", 1, 10), .peer = "sem_t", .times = 2,
		.side = {
			SYSV_SIDES(LOCK_SIDE, down_up),
			SEMAPHORE_SIDES(LOCK_SIDE, down_up),
			MUTEX_SIDES(LOCK_SIDE, down_up),
		},
	},
	{
		FREE_ROW(" SEM_UNDO", 1, 7),
		.side = {
			UNDO_SIDES(LOCK_SIDE, down_up),
			MUTEX_SIDES(LOCK_SIDE, down_up),
		},
	},
	{
		FREE_ROW(" semtimedop", 1, 10),
		.side = {
			LOCK_SIDE("kernel", HOME_NONE, kernel_timed, down_up),
			LOCK_SIDE("mipc", HOME_DIR, mipc_timed, down_up),
			LOCK_SIDE("mipc anon", HOME_ANON, mipc_timed, down_up),
		},
	},
	{
		FREE_ROW(" three", THREE, 6),
		.side = { SYSV_SIDES(LOCK_SIDE, three) },
	},
	{
		FREE_ROW(" three SEM_UNDO", THREE, 5),
		.side = { SYSV_SIDES(LOCK_SIDE, three_undo) },
	},
	{
		FREE_ROW(" set of 1000", 1000, 8),
		.side = { SYSV_SIDES(LOCK_SIDE, down_up_around) },
	},
	{
		.name = "sem P+V random of 10000 sets", .unit = "ns",
		.count = 10000, .fit = FIT_COUNT, .nsems = 1, .value = 1,
		.target = 4,
		.side = { SYSV_SIDES(LOCK_SIDE, any_set) },
	},
	{ .name = NULL }
};
