/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_memory.c - what an object of 4 KiB, written once, takes of the
 * machine's memory: its page, and all that the kernel and we keep about it.
 *
 * Taken from the machine's own counts before and after a batch is made, so
 * that whatever else happens on it at the time is seen, too; only memory of
 * processes is our own process's.
 * Nothing is removed before the end, since freed memory returns late and in
 * part, and would be counted for less the next time.
 */
#include <sys/mman.h>

#include <stdlib.h>
#include <string.h>

#include "calls.h"

#define ROUNDS	9
#define BATCH	200	/* objects of a round */

/* The sum of a file's fields, which are in KiB; in bytes. */
static double
sum_fields(const char *path, const char *const *field, size_t n)
{
	double total = 0;
	char line[128];
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL)
		for (size_t i = 0; i < n; i++)
			if (strncmp(line, field[i], strlen(field[i])) == 0)
				total += 1024 * strtod(line +
				    strlen(field[i]), NULL);
	fclose(f);
	return total;
}

/* Bytes in use by what can belong to an object. */
static double
memory_used(void)
{
	static const char *const all[] = { "Shmem:", "Slab:", "Percpu:" };
	static const char *const own[] = { "RssAnon:", "VmPTE:" };
	double of_all, of_us;
	FILE *f;

	/* Have the processors hand in their counts, where we may. */
	f = fopen("/proc/sys/vm/stat_refresh", "we");
	if (f != NULL) {
		fputs("1\n", f);
		fclose(f);
	}
	of_all = sum_fields("/proc/meminfo", all, sizeof(all) / sizeof(*all));
	of_us = sum_fields("/proc/self/status", own,
	    sizeof(own) / sizeof(*own));
	return of_all < 0 || of_us < 0 ? -1 : of_all + of_us;
}

static int
room_for_ids(struct bench *b)
{
	b->id = calloc(b->count, sizeof(*b->id));
	return b->id == NULL ? -1 : 0;
}

static int
make_one(struct bench *b)
{
	const struct bench_ops *ops = b->side->ops;
	const int id = ops->create(b, BENCH_FIRST_KEY + (int)b->made,
	    IPC_CREAT | IPC_EXCL | 0600);
	char *at;

	if (id < 0)
		return -1;
	b->id[b->made++] = id;
	at = ops->attach(b, id);
	if (at == MAP_FAILED)
		return -1;
	*at = 1;
	return ops->detach(b, at);
}

static double
bytes_per_object(struct bench *b, unsigned long n)
{
	const unsigned batch = b->count / ROUNDS;
	const double before = memory_used();
	double taken;

	(void)n;
	if (before < 0 || batch == 0 || b->made + batch > b->count) {
		snprintf(b->note, sizeof(b->note), "no room to count in");
		return -1;
	}
	for (unsigned i = 0; i < batch; i++)
		if (make_one(b) == -1)
			return -1;
	taken = memory_used() - before;
	return taken < 0 ? 0 : taken / batch;
}

#define SIDE(side_name, side_home, side_ops)				\
	{								\
		.name = side_name, .home = side_home, .ops = &side_ops,	\
		.setup = room_for_ids, .run = bytes_per_object,		\
		.teardown = bench_remove_all,				\
	}

const struct bench_row bench_rows_memory[] = {
	{
		.name = "memory per 4 KiB object", .unit = "bytes",
		.size = 4 * KIB, .count = ROUNDS * BATCH,
		.fit = FIT_COUNT, .once = 1, .rounds = ROUNDS,
		.side = {
			SIDE("kernel", HOME_NONE, bench_kernel_ops),
			SIDE("mipc", HOME_DIR, bench_mipc_ops),
			SIDE("mipc anon", HOME_ANON, bench_mipc_ops),
			SIDE("shm_open", HOME_NONE, bench_shm_open_ops),
			SIDE("memfd", HOME_NONE, bench_memfd_ops),
		},
	},
	{ .name = NULL }
};
