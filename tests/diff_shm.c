/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_shm.c - shared memory: the same random operations on the kernel and
 * on mipc, compared step by step.  See diff.h for how, diff_run.c for the
 * options.
 */
#include "diff.h"

#include <sys/statvfs.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"

static bool
has_segments(void)
{
	const int id = kernel_shmget(IPC_PRIVATE, 1, 0600);

	return id != -1 && kernel_shmctl(id, IPC_RMID, NULL) == 0;
}

static struct world *
make_world(const struct config *c, unsigned number)
{
	int fd;
	struct world *w = diff_memory(sizeof(*w), &fd);

	w->driver = getpid();
	w->store = c->store;
	w->fd = fd;
	snprintf(w->dir, sizeof(w->dir), "%.4000s/ns%u", harness_dir(),
	    number);
	return w;
}

static bool
may_map_executable(void)
{
	struct statvfs st;

	return statvfs(harness_dir(), &st) == 0 &&
	    (st.f_flag & ST_NOEXEC) == 0;
}

static int
run_sequence(const struct config *c, unsigned number, unsigned *steps)
{
	static struct driver d;
	bool equal;

	d.config = c;
	d.world = make_world(c, number);
	rng_seed(&d.rng, c->seed);
	if (c->store == STORE_KERNEL)
		diff_enter_two(d.world->namespace);
	else if (!diff_enter_namespace())
		harness_die("no IPC namespace: %s", strerror(errno));
	d.uids = can.uids && c->store != STORE_KERNEL;
	d.execs = c->store != STORE_DIR || may_map_executable();
	d.world->areas = side_reserve(d.world);
	if (!side_open(d.world, true))
		return SEQUENCE_TROUBLE;
	equal = drive(&d);
	tap_note("%s: %u steps; shmget %u shmat %u shmdt %u shmctl %u fork "
	    "%u kill %u", c->name, d.step + 1, d.count[OP_GET],
	    d.count[OP_AT], d.count[OP_DT], d.count[OP_CTL],
	    d.count[OP_FORK], d.count[OP_KILL]);
	*steps = d.step + 1;
	return !equal ? SEQUENCE_DIFFERS :
	    d.parted ? SEQUENCE_PARTED : SEQUENCE_EQUAL;
}

static const struct config rounds[] = {
	{ .name = "kernel against itself", .store = STORE_KERNEL,
	    .observe = 1, .ops = 15 },
	{ .name = "directory", .store = STORE_DIR, .observe = 1, .ops = 35 },
	{ .name = "anonymous", .store = STORE_ANON, .observe = 1, .ops = 25 },
	{ .name = "directory seldom looked at", .store = STORE_DIR,
	    .observe = 7, .ops = 15 },
	{ .name = "directory with shm_rmid_forced", .store = STORE_DIR,
	    .forced = true, .observe = 1, .ops = 10 },
};

static const struct lie lies[] = {
	{ "nattch", STORE_DIR }, { "dest", STORE_DIR }, { "lpid", STORE_DIR },
	{ "time", STORE_DIR }, { "errno", STORE_DIR },
	{ "memory", STORE_DIR }, { "key", STORE_DIR }
};

int
main(int argc, char **argv)
{
	static const struct diff_test shm = {
		.rounds = rounds,
		.nrounds = sizeof(rounds) / sizeof(rounds[0]),
		.lies = lies,
		.nlies = sizeof(lies) / sizeof(lies[0]),
		.ops = 15000,
		.lie_ops = 3000,
		.oracle = has_segments,
		.sequence = run_sequence,
		.note = known_note,
	};

	if (argc == 4 && strcmp(argv[1], "--worker") == 0)
		worker_reborn(argv[2], argv[3]);
	return diff_main(argc, argv, &shm);
}
