/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_create.c - a segment's whole life.
 */
#include <sys/mman.h>

#include "calls.h"

static int
nothing_to_set_up(struct bench *b)
{
	(void)b;
	return 0;
}

ALWAYS_INLINE double
create_remove(struct bench *b, unsigned long n, const struct bench_ops *ops)
{
	const uint64_t start = bench_now();

	for (unsigned long i = 0; i < n; i++) {
		const int id = ops->create(b, BENCH_FIRST_KEY,
		    IPC_CREAT | IPC_EXCL | 0600 | b->row->flags);

		if (id < 0 || ops->remove(b, id) < 0)
			return -1;
	}
	return (double)(bench_now() - start) / (double)n;
}

ALWAYS_INLINE double
whole_life(struct bench *b, unsigned long n, const struct bench_ops *ops)
{
	const uint64_t start = bench_now();

	for (unsigned long i = 0; i < n; i++) {
		const int id = ops->create(b, BENCH_FIRST_KEY,
		    IPC_CREAT | IPC_EXCL | 0600 | b->row->flags);
		void *at = id < 0 ? MAP_FAILED : ops->attach(b, id);

		if (at == MAP_FAILED || ops->remove(b, id) < 0 ||
		    ops->detach(b, at) < 0)
			return -1;
	}
	return (double)(bench_now() - start) / (double)n;
}

BENCH_BOTH(create_remove)
BENCH_BOTH(whole_life)

#define SIDE(side_name, side_home, side_ops, run_fn)			\
	{								\
		.name = side_name, .home = side_home, .ops = &side_ops,	\
		.setup = nothing_to_set_up, .run = run_fn,		\
		.teardown = bench_remove_all,				\
	}
#define SIDES(verb)							\
	SIDE("kernel", HOME_NONE, bench_kernel_ops, kernel_##verb),	\
	SIDE("mipc", HOME_DIR, bench_mipc_ops, mipc_##verb),		\
	SIDE("mipc anon", HOME_ANON, bench_mipc_ops, mipc_##verb),	\
	SIDE("shm_open", HOME_NONE, bench_shm_open_ops, peer_##verb),	\
	SIDE("memfd", HOME_NONE, bench_memfd_ops, peer_##verb)

const struct bench_row bench_rows_create[] = {
	{
		.name = "shm create+remove", .unit = "ns", .size = 4 * KIB,
		.side = { SIDES(create_remove) },
	},
	{
		.name = "shm create+remove noreserve", .unit = "ns",
		.size = 4 * KIB, .flags = SHM_NORESERVE,
		.side = { SIDES(create_remove) },
	},
	{
		.name = "shm create+attach+remove+detach", .unit = "ns",
		.size = 4 * KIB,
		.side = {
			SIDES(whole_life),
			SIDE("MAP_SHARED|MAP_ANONYMOUS", HOME_NONE,
			    bench_anonymous_ops, peer_whole_life),
		},
	},
	{ .name = NULL }
};
