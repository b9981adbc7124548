/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_msg.c - message queues: the same random operations on the kernel and
 * on mipc, compared step by step.  See diff_msg.h for how, diff_run.c for the
 * options.
 *
 * Beside the kernel itself and mipc there is a model that tells in a few
 * hundred lines what the clauses say.  It must agree with the kernel too; and
 * it can be made to lie, to show that each kind of lie is seen.
 */
#include "diff_msg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"

static bool
has_queues(void)
{
	const int id = kernel_msgget(IPC_PRIVATE, 0600);

	return id != -1 && kernel_msgctl(id, IPC_RMID, NULL) == 0;
}

/* ---- what a round has made ---- */

/* Shared with the sequences. */
static struct total {
	unsigned made, count[OP_KINDS], slept, woken, reminded;
} *total;

static void
add_up(const struct driver *d)
{
	total->made += d->made;
	for (int k = 0; k < OP_KINDS; k++)
		total->count[k] += d->count[k];
	total->slept += d->slept;
	total->woken += d->woken;
	total->reminded += d->reminded;
}

static void
tell_total(const struct config *c)
{
	const unsigned *n = total->count;

	if (c->broken == NULL)
		tap_note("%s: %u operations: msgget %u, msgsnd %u, msgrcv %u, "
		    "msgctl %u, signals %u, kills %u; %u slept, %u woken; "
		    "%u signals repeated",
		    c->name, total->made, n[OP_GET], n[OP_SND], n[OP_RCV],
		    n[OP_CTL], n[OP_SIGNAL], n[OP_KILL], total->slept,
		    total->woken, total->reminded);
	memset(total, 0, sizeof(*total));
}

static void
note_known(void)
{
	tap_note("not drawn: several senders that room wakes together, and "
	    "IPC_SET while several sleep: the kernel lets them race");
	tap_note("known difference, excused: MSG_STAT_ANY of a queue that the "
	    "caller may not open shows what its file tells: owner and mode");
	tap_note("known difference, excused: MSG_INFO leaves out the messages "
	    "of queues that the caller may not open");
	tap_note("known difference, not drawn: an unprivileged creator who "
	    "is not the owner any more may be unable to change a queue");
	tap_note("known difference: a signal that comes in the instant in "
	    "which a sleeper looks about does not wake it: it is repeated");
	tap_note("known difference, not drawn: who was stopped sleeps on; in "
	    "the kernel it begins anew, behind the others, and by its rights");
	tap_note("known difference, not drawn: a message handed to a receiver "
	    "that is killed before it runs goes back to where it stood");
}

/* ---- a sequence ---- */

static struct world *
make_world(const struct config *c, unsigned number)
{
	int fd;
	struct world *w = diff_memory(sizeof(*w), &fd);

	w->driver = getpid();
	w->store = c->store;
	snprintf(w->dir, sizeof(w->dir), "%.4000s/ns%u", harness_dir(),
	    number);
	if (c->broken != NULL)
		snprintf(w->broken, sizeof(w->broken), "%s", c->broken);
	return w;
}

static int
run_sequence(const struct config *c, unsigned number, unsigned *steps)
{
	static struct driver d;
	bool equal;

	d.config = c;
	d.world = make_world(c, number);
	if (c->store == STORE_KERNEL)
		diff_enter_two(d.world->namespace);
	else if (!diff_enter_namespace())
		harness_die("no IPC namespace: %s", strerror(errno));
	if (!side_open(d.world))
		return SEQUENCE_TROUBLE;
	if (can.admin && (!side_limit(d.world, KERNEL) ||
	    !side_limit(d.world, MIPC)))
		harness_die("the limits cannot be set: %s", strerror(errno));
	model_open(d.world);
	for (int i = 0; i < OBJECTS; i++)
		d.id[i] = -1;
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
	{ "bytes", STORE_KERNEL },
	{ "who sleeps", STORE_MODEL },
	{ "the first who waits", STORE_MODEL },
	{ "E2BIG to who sleeps", STORE_MODEL },
	{ "the lowest", STORE_MODEL },
	{ "the bound itself", STORE_MODEL },
	{ "MSG_EXCEPT", STORE_MODEL },
	{ "MSG_NOERROR", STORE_MODEL },
	{ "the number of messages", STORE_MODEL },
	{ "room", STORE_MODEL },
	{ "lrpid", STORE_MODEL },
	{ "EIDRM", STORE_MODEL },
	{ "SA_RESTART", STORE_MODEL },
	{ "rights of who sleeps", STORE_MODEL },
};

int
main(int argc, char **argv)
{
	static const struct diff_test msg = {
		.rounds = rounds,
		.nrounds = sizeof(rounds) / sizeof(rounds[0]),
		.lies = lies,
		.nlies = sizeof(lies) / sizeof(lies[0]),
		.ops = 10000,
		.lie_ops = 30000,
		.oracle = has_queues,
		.sequence = run_sequence,
		.done = tell_total,
		.note = note_known,
	};

	total = harness_shared(sizeof(*total));
	return diff_main(argc, argv, &msg);
}
