/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_get.c - finding a segment by key, and asking about it by id.
 */
#include <sys/mman.h>

#include "calls.h"

/* The same key again and again: the last one made. */
ALWAYS_INLINE double
find_same(struct bench *b, unsigned long n, const struct bench_ops *ops)
{
	const int key = BENCH_FIRST_KEY + (int)b->made - 1;
	const uint64_t start = bench_now();
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++)
		bad += ops->find(b, key) < 0;
	return bad ? -1 : (double)(bench_now() - start) / (double)n;
}

ALWAYS_INLINE double
find_random(struct bench *b, unsigned long n, const struct bench_ops *ops)
{
	const uint64_t start = bench_now();
	uint64_t state = b->random;
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++) {
		const uint64_t r = bench_random(&state);

		bad += ops->find(b, BENCH_FIRST_KEY +
		    (int)(r * b->made >> 32)) < 0;
	}
	b->random = state;
	return bad ? -1 : (double)(bench_now() - start) / (double)n;
}

ALWAYS_INLINE double
stat_same(struct bench *b, unsigned long n, const struct bench_ops *ops)
{
	const int id = b->id[b->made - 1];
	const uint64_t start = bench_now();
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++)
		bad += ops->stat(b, id) < 0;
	return bad ? -1 : (double)(bench_now() - start) / (double)n;
}

/*
 * What a process does with an object once, at its first look-up, is done
 * before: the row is about the look-ups that follow.
 */
static int
create_and_find_all(struct bench *b)
{
	if (bench_create_all(b) == -1)
		return -1;
	for (unsigned i = 0; i < b->made; i++)
		if (b->side->ops->find(b, BENCH_FIRST_KEY + (int)i) < 0)
			return -1;
	return 0;
}

BENCH_BOTH(find_same)
BENCH_BOTH(find_random)
BENCH_BOTH(stat_same)

#define SIDE(side_name, side_home, side_ops, setup_fn, run_fn)		\
	{								\
		.name = side_name, .home = side_home, .ops = &side_ops,	\
		.setup = setup_fn, .run = run_fn,			\
		.teardown = bench_remove_all,				\
	}
#define FOUR_SIDES(setup, verb)						\
	SIDE("kernel", HOME_NONE, bench_kernel_ops, setup,		\
	    kernel_##verb),						\
	SIDE("mipc", HOME_DIR, bench_mipc_ops, setup, mipc_##verb),	\
	SIDE("mipc anon", HOME_ANON, bench_mipc_ops, setup,		\
	    mipc_##verb),						\
	SIDE("shm_open", HOME_NONE, bench_shm_open_ops, setup,		\
	    peer_##verb)
#define GET_ROW(row_name, row_count, setup, verb)			\
	{								\
		.name = row_name, .unit = "ns", .size = 4 * KIB,	\
		.count = row_count, .fit = FIT_COUNT,			\
		.flags = SHM_NORESERVE,					\
		.side = { FOUR_SIDES(setup, verb) },			\
	}

const struct bench_row bench_rows_get[] = {
	GET_ROW("shmget existing", 10, bench_create_all, find_same),
	GET_ROW("shmget existing, 1000 objects", 1000, bench_create_all,
	    find_same),
	GET_ROW("shmget existing, 30000 objects", 30000, bench_create_all,
	    find_same),
	GET_ROW("shmget random of 30000 objects", 30000, create_and_find_all,
	    find_random),
	{
		.name = "shmctl IPC_STAT", .unit = "ns", .size = 4 * KIB,
		.count = 10,
		.side = {
			FOUR_SIDES(bench_create_all, stat_same),
			SIDE("memfd", HOME_NONE, bench_memfd_ops,
			    bench_create_all, peer_stat_same),
		},
	},
	{ .name = NULL }
};
