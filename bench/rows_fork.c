/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_fork.c - fork, exit and wait of a process that has segments attached.
 * Every side runs in its own process, so only its own segments count.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

static int
attach_all(struct bench *b)
{
	if (bench_create_all(b) == -1)
		return -1;
	b->at = calloc(b->count + 1, sizeof(*b->at));
	if (b->at == NULL)
		return -1;
	for (; b->attached < b->count; b->attached++) {
		void *at = b->side->ops->attach(b, b->id[b->attached]);

		if (at == MAP_FAILED) {
			snprintf(b->note, sizeof(b->note), "attach %u of %u: "
			    "%s", b->attached + 1, b->count, strerror(errno));
			return -1;
		}
		b->at[b->attached] = at;
	}
	return 0;
}

static double
fork_and_wait(struct bench *b, unsigned long n)
{
	const uint64_t start = bench_now();

	(void)b;
	for (unsigned long i = 0; i < n; i++) {
		const pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid == -1 || waitpid(pid, NULL, 0) != pid)
			return -1;
	}
	return (double)(bench_now() - start) / (double)n;
}

#define SIDE(side_name, side_home, side_ops)				\
	{								\
		.name = side_name, .home = side_home, .ops = &side_ops,	\
		.setup = attach_all, .run = fork_and_wait,		\
		.teardown = bench_remove_all,				\
	}
#define FORK_ROW(row_count)						\
	{								\
		.name = "fork " #row_count " attached", .unit = "ns",	\
		.size = 4 * KIB, .count = row_count, .fit = FIT_COUNT,	\
		.side = {						\
			SIDE("kernel", HOME_NONE, bench_kernel_ops),	\
			SIDE("mipc", HOME_DIR, bench_mipc_ops),		\
			SIDE("mipc anon", HOME_ANON, bench_mipc_ops),	\
			SIDE("shm_open", HOME_NONE, bench_shm_open_ops),\
			SIDE("memfd", HOME_NONE, bench_memfd_ops),	\
			SIDE("MAP_SHARED|MAP_ANONYMOUS", HOME_NONE,	\
			    bench_anonymous_ops),			\
		},							\
	}

const struct bench_row bench_rows_fork[] = {
	FORK_ROW(0),
	FORK_ROW(100),
	FORK_ROW(1000),
	{ .name = NULL }
};
