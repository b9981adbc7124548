/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_msg_drive.c - one sequence: steps, each until both sides are at rest.
 */
#include "diff_msg.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST_WORKERS	6
#define HANG		20.0	/* seconds until rest is given up */
#define HASTY		1.5	/* the same, in a hurry */
#define REMINDER	0.1	/* seconds until a signal is repeated */

bool
drive_differ(struct driver *d, const char *fmt, ...)
{
	const unsigned shown = d->made < HISTORY ? d->made : HISTORY;
	char what[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	tap_note("%s, seed %llu, step %u: %s", d->config->name,
	    (unsigned long long)d->config->seed, d->step, what);
	for (unsigned i = d->made - shown; i < d->made; i++)
		tap_note("  %s", d->past[i % HISTORY]);
	return false;
}

static bool
is_model(const struct driver *d, int side)
{
	return side == MIPC && d->config->store == STORE_MODEL;
}

/* ---- rest ---- */

/* The state of a process: a letter of proc(5), or 0 when it is gone. */
static char
state_of(pid_t pid)
{
	char path[64], text[256];
	const char *paren;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	paren = strrchr(text, ')');
	return paren != NULL && paren[1] == ' ' ? paren[2] : 0;
}

/* Has it answered, or does it sleep?  It answers before it sleeps again. */
static bool
rests(struct driver *d, int side, int worker)
{
	struct actor *a = &d->world->actor[side][worker];
	bool asleep;

	if (!d->out[side][worker])
		return true;
	asleep = is_model(d, side) || (atomic_load(&a->order) == 0 &&
	    state_of(a->pid) == 'S' && side_waits(d->world, side, a));
	if (atomic_load(&a->answer) == 0)
		/* Whom the kernel has woken the other side wakes too. */
		return asleep && (side == KERNEL || is_model(d, side) ||
		    d->out[KERNEL][worker]);
	atomic_store(&a->answer, 0);
	d->out[side][worker] = false;
	d->came[side][worker] = true;
	return true;
}

/* A signal may miss a sleeper of mipc's: see diff_msg.c. */
static void
remind(struct driver *d)
{
	if (d->config->store != STORE_DIR && d->config->store != STORE_ANON)
		return;
	for (int w = 0; w < WORKERS; w++)
		if (d->out[MIPC][w] && d->came[KERNEL][w] &&
		    d->world->actor[KERNEL][w].result.error == EINTR) {
			kill(d->world->actor[MIPC][w].pid, SIGUSR1);
			d->reminded++;
		}
}

static bool
await_rest(struct driver *d, int side)
{
	const double start = harness_now();
	double reminder = REMINDER;
	int w = 0;

	while (w < WORKERS) {
		const bool out = d->out[side][w];

		if (rests(d, side, w)) {
			/* Whom it woke may have been seen asleep before. */
			w = out && !d->out[side][w] ? 0 : w + 1;
			continue;
		}
		if (harness_now() - start > (d->config->hasty ? HASTY : HANG))
			return drive_differ(d, "%s: worker %d neither sleeps "
			    "nor answers", side == KERNEL ? "kernel" :
			    "mipc", w);
		if (side == MIPC && harness_now() - start > reminder) {
			remind(d);
			reminder += REMINDER;
		}
		sched_yield();
		w = 0;
	}
	return true;
}

/* ---- births, orders, signals and ends ---- */

static bool
bear(struct driver *d, int side, int worker)
{
	struct actor *a = &d->world->actor[side][worker];
	pid_t pid;

	atomic_store(&a->order, 0);
	atomic_store(&a->answer, 0);
	if (is_model(d, side)) {
		model_bear(worker);
		return true;
	}
	pid = harness_fork();
	if (pid == 0) {
		worker_main(d->world, side, worker);
	}
	a->pid = pid;
	return true;
}

static void
stop(pid_t pid)
{
	kill(pid, SIGSTOP);
	while (state_of(pid) != 'T')
		sched_yield();
	kill(pid, SIGCONT);
}

static bool
send_signal(const struct op *op, const struct actor *a)
{
	static const int number[SIGNALS] = {
		[SIGNAL_PLAIN] = SIGUSR1, [SIGNAL_RESTART] = SIGUSR2,
		[SIGNAL_IGNORED] = SIGWINCH
	};

	if (op->signal == SIGNAL_STOP)
		stop(a->pid);
	else
		kill(a->pid, number[op->signal]);
	return true;
}

static bool
give(struct driver *d, int side, const struct op *op)
{
	struct actor *a = &d->world->actor[side][op->worker];

	if (op->kind == OP_NEW)
		return bear(d, side, op->worker);
	if (is_model(d, side)) {
		model_give(op);
		return true;
	}
	if (op->kind == OP_SIGNAL)
		return send_signal(op, a);
	if (op->kind == OP_KILL) {
		kill(a->pid, SIGKILL);
		return waitpid(a->pid, NULL, 0) == a->pid ||
		    drive_differ(d, "worker %d is gone", op->worker);
	}
	a->op = *op;
	atomic_store(&a->order, 1);
	harness_wake(&a->order);
	return true;
}

/* ---- one step ---- */

static void
note(struct driver *d, const struct op *op)
{
	const int w = op->worker;

	if (op->kind == OP_NEW) {
		struct life *l = &d->life[d->nlife++ % LIVES];

		d->alive[w] = true;
		for (int side = 0; side < SIDES; side++)
			l->pid[side] = d->world->actor[side][w].pid;
	} else if (op->kind == OP_KILL) {
		d->alive[w] = d->out[KERNEL][w] = d->out[MIPC][w] = false;
	} else if (op->kind != OP_SIGNAL) {
		d->asked[w] = *op;
		d->out[KERNEL][w] = d->out[MIPC][w] = true;
	}
}

static bool
make(struct driver *d, const struct op *op)
{
	bool done;

	d->count[op->kind]++;
	d->made++;
	memset(d->came, 0, sizeof(d->came));
	look_tell(d, op);		/* should it never end */
	done = give(d, KERNEL, op) && give(d, MIPC, op);
	note(d, op);
	done = done && await_rest(d, KERNEL) && await_rest(d, MIPC);
	look_tell(d, op);
	for (int w = 0; w < WORKERS; w++)
		if (w != op->worker)
			d->woken += d->came[KERNEL][w];
		else
			d->slept += op->kind < OP_SIGNAL &&
			    d->out[KERNEL][w];
	return done && look_results(d) && look_everywhere(d);
}

static bool
is_skipped(const struct driver *d)
{
	const struct spans *s = d->config->skip;

	for (unsigned i = 0; s != NULL && i < s->n; i++)
		if (d->step >= s->first[i] && d->step <= s->last[i])
			return true;
	return false;
}

/* Each step has its own numbers, so that others can be left out. */
static bool
step(struct driver *d)
{
	struct op op;

	rng_seed(&d->rng, d->config->seed ^ d->step * 0x9fb21c651e98df25u);
	if (is_skipped(d))
		return true;
	draw(d, &op);
	return make(d, &op);
}

/* ---- the sequence ---- */

static bool
for_all(struct driver *d, enum op_kind kind, int n)
{
	for (int w = 0; w < n; w++) {
		const struct op op = { .kind = kind, .worker = w };

		if (d->alive[w] == (kind == OP_KILL) && !make(d, &op))
			return false;
	}
	return true;
}

static void
sweep(struct driver *d)
{
	for (int side = 0; side < SIDES; side++)
		for (int w = 0; w < WORKERS; w++)
			if (d->alive[w] && !is_model(d, side))
				kill(d->world->actor[side][w].pid, SIGKILL);
}

bool
drive(struct driver *d)
{
	bool equal = for_all(d, OP_NEW, FIRST_WORKERS);

	while (equal && (equal = step(d)) && d->step + 1 < d->config->ops)
		d->step++;
	equal = equal && for_all(d, OP_KILL, WORKERS);
	sweep(d);
	return equal;
}
