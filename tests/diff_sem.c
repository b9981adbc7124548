/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem.c - semaphore sets: the same random operations on the kernel and
 * on mipc, compared step by step.  See diff_sem.h for how, diff_run.c for the
 * options.
 *
 * Beside the kernel itself and mipc there is a model that tells in a few
 * hundred lines what the clauses say.  It must agree with the kernel too; and
 * it can be made to lie, to show that each kind of lie is seen.
 */
#include "diff_sem.h"

#include <sys/statvfs.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
has_sets(void)
{
	const int id = kernel_semget(IPC_PRIVATE, 1, 0600);
	const union semun none = { .val = 0 };

	return id != -1 && kernel_semctl(id, 0, IPC_RMID, none) == 0;
}

static bool
may_map_executable(void)
{
	struct statvfs st;

	return statvfs(harness_dir(), &st) == 0 &&
	    (st.f_flag & ST_NOEXEC) == 0;
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
	if (c->broken != NULL)
		snprintf(w->broken, sizeof(w->broken), "%s", c->broken);
	return w;
}

/* The same limits on both sides, or on neither. */
static void
set_limits(const struct config *c)
{
	if (!can.admin)
		return;
	if (!side_calls[KERNEL]->limit() || (c->store != STORE_MODEL &&
	    !side_calls[MIPC]->limit()))
		harness_die("the limits cannot be set: %s", strerror(errno));
}

/* ---- what a round has made ---- */

/* Shared with the sequences. */
static struct total {
	unsigned made, count[OP_KINDS], slept, woken, again, reminded;
	double slowest;
} *total;

struct ending *ending;

static void
add_up(const struct driver *d)
{
	total->made += d->made;
	for (int k = 0; k < OP_KINDS; k++)
		total->count[k] += d->count[k];
	total->slept += d->slept;
	total->woken += d->woken;
	total->again += d->again;
	total->reminded += d->reminded;
	if (d->slowest > total->slowest)
		total->slowest = d->slowest;
}

static void
tell_total(const struct config *c)
{
	const unsigned *n = total->count;

	if (c->broken == NULL)
		tap_note("%s: %u operations: semget %u, semop %u (%u slept, "
		    "%u woken), semctl %u, fork %u, exec %u, ends %u; slowest "
		    "wake %.3f s, %u looks and %u signals repeated",
		    c->name, total->made,
		    n[OP_GET], n[OP_SEMOP], total->slept, total->woken,
		    n[OP_CTL], n[OP_FORK], n[OP_EXEC], n[OP_KILL] +
		    n[OP_EXIT] + n[OP_VANISH], total->slowest, total->again,
		    total->reminded);
	memset(total, 0, sizeof(*total));
}

/* ---- a sequence ---- */

static int
run_sequence(const struct config *c, unsigned number, unsigned *steps)
{
	static struct driver d;
	bool equal;

	d.config = c;
	d.world = make_world(c, number);
	d.hand[KERNEL] = &hand_processes;
	d.hand[MIPC] = c->store == STORE_MODEL ? &hand_model :
	    &hand_processes;
	if (c->store == STORE_KERNEL)
		diff_enter_two(d.world->namespace);
	else if (!diff_enter_namespace())
		harness_die("no IPC namespace: %s", strerror(errno));
	d.uids = can.uids;
	d.execs = c->store != STORE_ANON &&
	    (c->store != STORE_DIR || may_map_executable());
	if (!side_open(d.world, true))
		return SEQUENCE_TROUBLE;
	set_limits(c);
	model_open(&d);
	equal = drive(&d);
	add_up(&d);
	*steps = d.step + 1;
	return equal ? SEQUENCE_EQUAL : SEQUENCE_DIFFERS;
}

#define STRETCH	1501		/* operations in one namespace */

static const struct config rounds[] = {
	{ .name = "kernel against itself", .store = STORE_KERNEL,
	    .observe = 1, .ops = 20, .stretch = STRETCH },
	{ .name = "kernel against the model", .store = STORE_MODEL,
	    .observe = 1, .ops = 20, .stretch = STRETCH },
	{ .name = "directory", .store = STORE_DIR, .observe = 1, .ops = 20,
	    .stretch = STRETCH },
	{ .name = "anonymous", .store = STORE_ANON, .observe = 1, .ops = 20,
	    .stretch = STRETCH },
	{ .name = "directory seldom looked at", .store = STORE_DIR,
	    .observe = 7, .ops = 20, .stretch = STRETCH },
};

static const struct lie lies[] = {
	/* What processes do. */
	{ "debts", STORE_KERNEL },
	{ "EINTR", STORE_KERNEL },
	/* What sets do. */
	{ "waking", STORE_MODEL },
	{ "order", STORE_MODEL },
	{ "overtaking", STORE_MODEL },
	{ "zero tests", STORE_MODEL },
	{ "the first served", STORE_MODEL },
	{ "where a sleeper is counted", STORE_MODEL },
	{ "all or nothing", STORE_MODEL },
	{ "ERANGE", STORE_MODEL },
	{ "EIDRM", STORE_MODEL },
	{ "SA_RESTART", STORE_MODEL },
	{ "the pid of a zero test", STORE_MODEL },
	{ "the pid of a debt", STORE_MODEL },
	{ "otime", STORE_MODEL },
	{ "clamping", STORE_MODEL },
	{ "debts at SIGKILL", STORE_MODEL },
	{ "debts at SETVAL", STORE_MODEL },
	{ "debts at SETALL", STORE_MODEL },
	{ "the end of a thread", STORE_MODEL },
	{ "fork", STORE_MODEL },
	{ "exec", STORE_MODEL },
};

static void
tell_bad(const struct config *c, size_t round)
{
	shrink(c, round, rounds[round].ops);
}

int
main(int argc, char **argv)
{
	static const struct diff_test sem = {
		.rounds = rounds,
		.nrounds = sizeof(rounds) / sizeof(rounds[0]),
		.lies = lies,
		.nlies = sizeof(lies) / sizeof(lies[0]),
		.ops = 15000,
		.lie_ops = 30000,
		.oracle = has_sets,
		.sequence = run_sequence,
		.bad = tell_bad,
		.done = tell_total,
		.note = known_note,
	};

	if (argc == 5 && strcmp(argv[1], "--worker") == 0)
		worker_reborn(argv[2], argv[3], argv[4]);
	total = harness_shared(sizeof(*total));
	ending = harness_shared(sizeof(*ending));
	return diff_main(argc, argv, &sem);
}
