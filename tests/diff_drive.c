/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_drive.c - one round: workers are born, get orders, answer, end.
 *
 * Everything goes in lock-step: one order is out at a time, and a death is
 * complete (the process has given back its memory and files, as its pidfd
 * tells) before anybody looks.
 */
#include "diff.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_WORKERS	3
#define SEGMENTS	24	/* SHMMNI of both sides */
#define PAGES		500	/* SHMALL of both sides */
#define HANG		20.0	/* seconds until an answer is given up */
#define SLICE		0.1	/* seconds between looks whether it lives */

static bool
is_over(const struct driver *d, int worker, int ms)
{
	struct pollfd end = { .fd = d->pidfd[worker], .events = POLLIN };

	return poll(&end, 1, ms) == 1;
}

/* Wait until a worker has answered. */
static bool
await_answer(struct driver *d, int worker)
{
	struct worker *w = &d->world->worker[worker];
	const double start = harness_now();

	while (atomic_load(&w->answer) == 0) {
		harness_wait(&w->answer, 0, SLICE);
		if (atomic_load(&w->answer) != 0)
			break;
		if (d->pidfd[worker] != -1 && is_over(d, worker, 0))
			return model_differ(d, "worker %d died", worker);
		if (harness_now() - start > HANG)
			return model_differ(d, "worker %d hangs", worker);
	}
	atomic_store(&w->answer, 0);
	return true;
}

static void
order(struct driver *d, const struct op *op)
{
	struct worker *w = &d->world->worker[op->worker];

	w->op = *op;
	atomic_store(&w->order, 1);
	harness_wake(&w->order);
}

/* ---- births ---- */

static void
prepare_birth(struct driver *d, int child)
{
	struct worker *w = &d->world->worker[child];

	memset(w, 0, sizeof(*w));
	d->pidfd[child] = -1;
}

static bool
await_birth(struct driver *d, int child)
{
	struct worker *w = &d->world->worker[child];

	if (!await_answer(d, child))
		return false;
	d->pidfd[child] = (int)syscall(SYS_pidfd_open, w->pid, 0);
	if (d->pidfd[child] == -1)
		return model_differ(d, "a new worker died at once");
	w->alive = true;
	return true;
}

/* The driver's own child: no attaches, root where the driver is. */
static bool
bear(struct driver *d, int child)
{
	struct worker *w = &d->world->worker[child];
	pid_t pid;

	prepare_birth(d, child);
	fflush(stdout);
	pid = fork();
	if (pid == -1)
		harness_die("fork: %s", strerror(errno));
	if (pid == 0) {
		w->pid = getpid();
		atomic_store(&w->answer, 1);
		harness_wake(&w->answer);
		worker_main(d->world, child);
	}
	w->uid = geteuid();
	return await_birth(d, child);
}

static bool
fork_worker(struct driver *d, const struct op *op)
{
	struct worker *parent = &d->world->worker[op->worker];
	struct worker *child = &d->world->worker[op->child];

	prepare_birth(d, op->child);
	memcpy(child->attach, parent->attach, sizeof(child->attach));
	child->uid = parent->uid;
	order(d, op);
	return await_answer(d, op->worker) && await_birth(d, op->child);
}

/* ---- ends ---- */

static bool
await_end(struct driver *d, int worker)
{
	d->unseen++;
	d->ends++;
	if (!is_over(d, worker, (int)(HANG * 1000)))
		return model_differ(d, "worker %d does not end", worker);
	close(d->pidfd[worker]);
	d->pidfd[worker] = -1;
	/* All are reaped at once: by a parent that ignores it, or by us. */
	while (kill(d->world->worker[worker].pid, 0) == 0)
		sched_yield();
	d->world->worker[worker].alive = false;
	return true;
}

static bool
end_worker(struct driver *d, const struct op *op)
{
	if (op->kind == OP_KILL)
		kill(d->world->worker[op->worker].pid, SIGKILL);
	else
		order(d, op);
	return await_end(d, op->worker);
}

static void
kill_all(struct driver *d)
{
	for (int i = 0; i < WORKERS; i++)
		if (d->world->worker[i].alive) {
			kill(d->world->worker[i].pid, SIGKILL);
			await_end(d, i);
		}
}

/* ---- one step ---- */

static bool
perform(struct driver *d, const struct op *op, struct result r[SIDES])
{
	struct worker *w = &d->world->worker[op->worker];

	memset(r, 0, SIDES * sizeof(*r));
	switch (op->kind) {
	case OP_FORK:
		return fork_worker(d, op);
	case OP_NEW:
		return bear(d, op->child);
	case OP_EXIT:
	case OP_VANISH:
	case OP_KILL:
		return end_worker(d, op);
	default:
		order(d, op);
		if (!await_answer(d, op->worker))
			return false;
		memcpy(r, w->result, SIDES * sizeof(*r));
		if (op->kind == OP_EXEC)
			memset(w->attach, 0, sizeof(w->attach));
		d->ends += op->kind == OP_EXEC;
		if (op->kind == OP_SETUID)
			w->uid = NOBODY;
		return true;
	}
}

static bool
step(struct driver *d)
{
	struct op *op = &d->past[d->step % HISTORY];
	struct result *r = d->past_result[d->step % HISTORY];

	op_choose(d, op);
	d->count[op->kind]++;
	d->unseen++;
	memset(r, 0, SIDES * sizeof(*r));
	if (!perform(d, op, r) || !model_compare(d, op, r))
		return false;
	d->killed |= op->kind == OP_KILL;
	return d->parted || d->step % d->config->observe != 0 ||
	    model_observe(d);
}

/* ---- the round ---- */

/* The same limits on both sides, or on neither. */
static void
set_limits(const struct config *c)
{
	static const struct {
		const char *name;
		unsigned long value;
	} limits[] = {
		{ "shmmni", SEGMENTS }, { "shmall", PAGES },
		{ "shmmax", 400000 }
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (side_calls[KERNEL]->limit(limits[i].name, limits[i].value)
		    && !side_calls[MIPC]->limit(limits[i].name,
		    limits[i].value))
			harness_die("%s cannot be set", limits[i].name);
	if (c->forced && !(side_calls[KERNEL]->limit("shm_rmid_forced", 1) &&
	    side_calls[MIPC]->limit("shm_rmid_forced", 1)))
		harness_die("shm_rmid_forced cannot be set");
}

static bool
end_quietly(struct driver *d)
{
	kill_all(d);
	d->killed = true;
	return model_observe(d);
}

/* Each segment goes by the driver's own hand, and nothing is left. */
static bool
remove_all(struct driver *d)
{
	struct result r[SIDES];
	const struct op op = { .kind = OP_CTL, .cmd = IPC_RMID };

	for (int i = 0; i < d->nobject; i++) {
		if (!d->object[i].live)
			continue;
		for (int side = 0; side < SIDES; side++)
			side_control(side, d->object[i].id[side], &op,
			    &r[side]);
		if (r[KERNEL].error != r[MIPC].error)
			return model_differ(d, "removed at the end");
	}
	if (!model_observe(d))
		return false;
	for (int i = 0; i < d->nobject; i++)
		if (d->object[i].live)
			return model_differ(d, "left at the end");
	return true;
}

bool
drive(struct driver *d)
{
	bool equal = true;

	signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	set_limits(d->config);
	d->looked = harness_now();
	for (int i = 0; i < WORKERS; i++)
		d->pidfd[i] = -1;
	for (int i = 0; i < FIRST_WORKERS && equal; i++)
		equal = bear(d, i);
	while (equal && (equal = step(d)) && !d->parted &&
	    d->step + 1 < d->config->ops)
		d->step++;
	if (equal && !d->parted)
		equal = end_quietly(d) && remove_all(d);
	kill_all(d);
	return equal;
}
