/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_attach.c - attaching and detaching one segment: as the only attach
 * of the process (first), and while it holds another one (again).
 */
#include <sys/mman.h>

#include "calls.h"

static int
hold_one(struct bench *b)
{
	if (bench_create_all(b) == -1)
		return -1;
	b->held = b->side->ops->attach(b, b->id[0]);
	if (b->held != MAP_FAILED)
		return 0;
	b->held = NULL;
	return -1;
}

ALWAYS_INLINE double
attach_detach(struct bench *b, unsigned long n, const struct bench_ops *ops)
{
	const int id = b->id[0];
	const uint64_t start = bench_now();

	for (unsigned long i = 0; i < n; i++) {
		void *at = ops->attach(b, id);

		if (at == MAP_FAILED || ops->detach(b, at) < 0)
			return -1;
	}
	return (double)(bench_now() - start) / (double)n;
}

BENCH_BOTH(attach_detach)

#define SIDE(side_name, side_home, side_ops, setup_fn, run_fn)		\
	{								\
		.name = side_name, .home = side_home, .ops = &side_ops,	\
		.setup = setup_fn, .run = run_fn,			\
		.teardown = bench_remove_all,				\
	}
#define ATTACH_ROW(row_name, row_size, setup)				\
	{								\
		.name = "shmat+shmdt " row_name, .unit = "ns",		\
		.size = row_size, .count = 1, .flags = SHM_NORESERVE,	\
		.side = {						\
			SIDE("kernel", HOME_NONE, bench_kernel_ops,	\
			    setup, kernel_attach_detach),		\
			SIDE("mipc", HOME_DIR, bench_mipc_ops,		\
			    setup, mipc_attach_detach),			\
			SIDE("mipc anon", HOME_ANON, bench_mipc_ops,	\
			    setup, mipc_attach_detach),			\
			SIDE("shm_open", HOME_NONE, bench_shm_open_ops,	\
			    setup, peer_attach_detach),			\
			SIDE("memfd", HOME_NONE, bench_memfd_ops,	\
			    setup, peer_attach_detach),			\
			SIDE("MAP_SHARED|MAP_ANONYMOUS", HOME_NONE,	\
			    bench_anonymous_ops, setup,			\
			    peer_attach_detach),			\
		},							\
	}

const struct bench_row bench_rows_attach[] = {
	ATTACH_ROW("4 KiB first", 4 * KIB, bench_create_all),
	ATTACH_ROW("4 KiB again", 4 * KIB, hold_one),
	ATTACH_ROW("1 MiB first", MIB, bench_create_all),
	ATTACH_ROW("1 MiB again", MIB, hold_one),
	ATTACH_ROW("1 GiB first", GIB, bench_create_all),
	ATTACH_ROW("1 GiB again", GIB, hold_one),
	{ .name = NULL }
};
