/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_drive.c - one sequence: steps, each until both sides are at rest.
 *
 * A side is at rest when everybody who has an order has answered, or sleeps:
 * when the sleepers of each set, as the set itself counts them, are as many
 * as have not answered.  The counts are read twice, since they are read one
 * after the other and an operation changes them at once: one that is half
 * seen by the first reading is not by the second.
 *
 * mipc's side is not looked at before all have answered whom the kernel has
 * woken, for a look would settle what the dead have left and so wake them.
 */
#include "diff_sem.h"

#include <sys/prctl.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_WORKERS	3
#define HANG		20.0	/* seconds until rest is given up */
#define HASTY		1.5	/* the same, in a hurry */
#define UNAIDED		5.0	/* seconds for who must wake by himself */
#define REMINDER	0.1	/* seconds until a signal is repeated */
#define YIELDS		30	/* before the driver sleeps */
#define MAX(a, b)	((a) > (b) ? (a) : (b))

bool
drive_differ(struct driver *d, const char *fmt, ...)
{
	const unsigned shown = d->made < HISTORY ? d->made : HISTORY;
	char what[600];
	va_list ap;

	*ending = (struct ending){ fmt, d->kind };
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	tap_note("%s, seed %llu, step %u: %s", d->config->name,
	    (unsigned long long)d->config->seed, d->step, what);
	for (unsigned i = d->made - shown; i < d->made; i++)
		tap_note("  %s", d->past[i % HISTORY]);
	return false;
}

/* ---- rest ---- */

bool
drive_is_out(const struct driver *d, int side, int worker)
{
	for (int t = 0; t < THREADS; t++)
		if (d->out[side][worker][t])
			return true;
	return false;
}

/* Take in the answers. */
static void
collect(struct driver *d, int side)
{
	for (int w = 0; w < WORKERS; w++)
		for (int t = 0; t < THREADS; t++) {
			struct actor *a =
			    &d->world->worker[side][w].actor[t];

			if (!d->out[side][w][t] || !atomic_load(&a->answer))
				continue;
			atomic_store(&a->answer, 0);
			d->out[side][w][t] = false;
			d->came[side][w][t] = true;
		}
}

/* Is somebody out who must come: by a signal, or as it was in the kernel? */
static bool
is_awaited(const struct driver *d, int side)
{
	for (int w = 0; w < WORKERS; w++)
		for (int t = 0; t < THREADS; t++)
			if (d->out[side][w][t] && (side == KERNEL ?
			    d->must[w][t] : d->came[KERNEL][w][t]))
				return true;
	return false;
}

/*
 * Those who have not answered, by the set that they are at.  Even a timeout
 * of 0 may be counted as a sleeper for an instant, but it will answer.
 */
static void
count_out(const struct driver *d, int side, int count[OBJECTS], int *lost)
{
	*lost = 0;
	memset(count, 0, OBJECTS * sizeof(*count));
	for (int w = 0; w < WORKERS; w++)
		for (int t = 0; t < THREADS; t++) {
			const struct op *op = &d->member[w].asked[t];

			if (!d->out[side][w][t])
				continue;
			if (op->kind == OP_SEMOP && op->object != -1 &&
			    op->timeout != TIMEOUT_ZERO)
				count[op->object]++;
			else
				++*lost;
		}
}

static bool
is_at_rest(struct driver *d, int side)
{
	int count[OBJECTS], lost;

	count_out(d, side, count, &lost);
	if (lost != 0)
		return false;
	for (int turn = 0; turn < 2; turn++)
		for (int i = 0; i < OBJECTS; i++)
			if (count[i] != 0 &&
			    look_sleepers(d, side, i) != count[i])
				return false;
	return true;
}

static bool
has_died(const struct driver *d, int side)
{
	for (int w = 0; w < WORKERS; w++)
		if (drive_is_out(d, side, w) &&
		    d->pidfd[side][w] != -1 && hand_is_over(d, side, w, 0))
			return true;
	return false;
}

static bool
never_rests(struct driver *d, int side)
{
	char who[200] = "", counts[300];
	size_t n = 0;

	for (int w = 0; w < WORKERS; w++)
		for (int t = 0; t < THREADS; t++)
			if (d->out[side][w][t] && n < sizeof(who))
				n += (size_t)snprintf(who + n,
				    sizeof(who) - n, " %d.%d", w, t);
	look_counts(d, counts, sizeof(counts));
	return drive_differ(d, "%s: %s:%s%s", side == KERNEL ? "kernel" :
	    "mipc", has_died(d, side) ? "a worker died" :
	    "some hang, or are not counted", who, counts);
}

/* A signal may miss a sleeper of mipc's: see diff_sem_known.c. */
static void
remind(struct driver *d)
{
	if (d->config->store == STORE_KERNEL ||
	    d->config->store == STORE_MODEL)
		return;
	for (int w = 0; w < WORKERS; w++)
		for (int t = 0; t < THREADS; t++)
			if (d->out[MIPC][w][t] && d->came[KERNEL][w][t] &&
			    d->world->worker[KERNEL][w].actor[t].result.error
			    == EINTR) {
				hand_remind(d, w, t);
				d->reminded++;
			}
}

static bool
await_rest(struct driver *d, int side)
{
	_Atomic uint32_t *bell = &d->world->bell[side];
	const double start = harness_now();
	const double hang = d->config->hasty ? HASTY : HANG;
	const double patience = side == KERNEL ? 2 * HANG :
	    d->config->hasty ? HASTY / 5 : UNAIDED;
	double reminder = REMINDER;
	bool late = false;

	for (unsigned turn = 0;; turn++) {
		const uint32_t rung = atomic_load(bell);
		const double waited = harness_now() - start;

		collect(d, side);
		if (is_awaited(d, side)) {
			d->slowest = MAX(d->slowest, waited);
			late = waited > patience;
		}
		if (side == MIPC && waited > reminder) {
			remind(d);
			reminder += REMINDER;
		}
		if ((late || !is_awaited(d, side)) && is_at_rest(d, side))
			break;
		if (waited > hang || (turn % 256 == 255 && has_died(d, side)))
			return never_rests(d, side);
		if (turn < YIELDS)
			sched_yield();
		else
			harness_wait(bell, rung, turn < 100 ? 5e-5 : 1e-3);
	}
	return !late || is_awaited(d, side) ||
	    drive_differ(d, "woken only when the set was looked at");
}

/* ---- one step ---- */

/* Who ends with this operation owes no answer any more. */
static void
forget(struct driver *d, int worker)
{
	for (int side = 0; side < SIDES; side++)
		for (int t = 0; t < THREADS; t++)
			d->out[side][worker][t] = false;
}

static void
note_birth(struct driver *d, int child, unsigned uid)
{
	struct member *m = &d->member[child];
	struct life *l = &d->life[d->nlife++ % LIVES];

	m->alive = true;
	m->uid = uid;
	m->owed = m->dropped = false;
	for (int t = 0; t < THREADS; t++)
		m->thread[t] = true;
	for (int side = 0; side < SIDES; side++)
		l->pid[side] = d->world->worker[side][child].pid;
}

static void
note_end(struct driver *d, int worker)
{
	d->member[worker].alive = false;
	d->ends++;
	known_note_end(d, worker);
}

static void
note_thread_end(struct driver *d, const struct op *op)
{
	struct member *m = &d->member[op->worker];

	m->thread[op->thread] = m->alive = false;
	for (int t = 0; t < THREADS; t++)
		m->alive |= m->thread[t];
	if (!m->alive)
		note_end(d, op->worker);
}

/* What the driver knows once it is done. */
static void
note(struct driver *d, const struct op *op)
{
	struct member *m = &d->member[op->worker];

	switch (op->kind) {
	case OP_NEW:
		note_birth(d, op->child, geteuid());
		break;
	case OP_FORK:
		note_birth(d, op->child, m->uid);
		break;
	case OP_EXEC:
		for (int t = 0; t < THREADS; t++)
			m->thread[t] = true;
		m->owed = m->dropped = false;
		d->ends++;
		break;
	case OP_EXIT:
	case OP_VANISH:
	case OP_KILL:
		note_end(d, op->worker);
		break;
	case OP_THREAD_END:
		note_thread_end(d, op);
		break;
	case OP_THREAD_NEW:
		m->thread[op->child] = true;
		break;
	case OP_SETUID:
		m->uid = NOBODY;
		m->dropped = !m->owed;
		break;
	default:
		known_note_user(d, op);
		break;
	}
}

static bool
is_answered(enum op_kind kind)
{
	return kind == OP_GET || kind == OP_SEMOP || kind == OP_CTL ||
	    kind == OP_FORK || kind == OP_SETUID || kind == OP_THREAD_NEW;
}

/* The sleepers whom a signal interrupts. */
static void
expect_interrupts(struct driver *d, const struct op *op)
{
	memset(d->must, 0, sizeof(d->must));
	if (op->kind != OP_SIGNAL || op->signal == SIGNAL_IGNORED)
		return;
	for (int t = 0; t < THREADS; t++)
		d->must[op->worker][t] = t == op->thread ||
		    op->signal == SIGNAL_STOP;
}

static bool
perform(struct driver *d, const struct op *op)
{
	expect_interrupts(d, op);
	if (op->kind == OP_EXEC || op->kind == OP_EXIT ||
	    op->kind == OP_VANISH || op->kind == OP_KILL)
		forget(d, op->worker);
	if (is_answered(op->kind)) {
		d->member[op->worker].asked[op->thread] = *op;
		for (int side = 0; side < SIDES; side++)
			d->out[side][op->worker][op->thread] = true;
	}
	for (int side = 0; side < SIDES; side++)
		if (op->kind == OP_NEW ?
		    !d->hand[side]->bear(d, side, op->child) :
		    !d->hand[side]->give(d, side, op))
			return false;
	note(d, op);
	return await_rest(d, KERNEL) && await_rest(d, MIPC);
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

static bool
make(struct driver *d, const struct op *op)
{
	bool done;

	d->count[d->kind = op->kind]++;
	d->made++;
	memset(d->came, 0, sizeof(d->came));
	tell_step(d, op);		/* should it never end */
	done = perform(d, op);
	tell_step(d, op);
	if (!done || !look_results(d, op))
		return false;
	/* The dead are settled when somebody asks: see diff_sem_known.c. */
	return (d->ends == 0 && d->step % d->config->observe != 0) ||
	    look_everywhere(d, op);
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

/* Kill all, and see that they leave what they leave on both sides. */
static bool
end_all(struct driver *d)
{
	for (int w = 0; w < WORKERS; w++) {
		const struct op op = {
			.kind = OP_KILL, .worker = w, .object = -1
		};

		if (d->member[w].alive && !make(d, &op))
			return false;
	}
	return true;
}

static bool
begin(struct driver *d)
{
	for (int w = 0; w < FIRST_WORKERS; w++) {
		const struct op op = {
			.kind = OP_NEW, .child = w, .object = -1
		};

		if (!make(d, &op))
			return false;
	}
	return true;
}

/* Without a word more: the sequence is over. */
static void
sweep(struct driver *d)
{
	for (int side = 0; side < SIDES; side++)
		for (int w = 0; w < WORKERS; w++)
			if (d->pidfd[side][w] != -1)
				kill(d->world->worker[side][w].pid, SIGKILL);
}

bool
drive(struct driver *d)
{
	bool equal;

	signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int side = 0; side < SIDES; side++)
		for (int w = 0; w < WORKERS; w++)
			d->pidfd[side][w] = -1;
	hand_watch(d);
	equal = begin(d);
	while (equal && (equal = step(d)) && d->step + 1 < d->config->ops)
		d->step++;
	equal = equal && end_all(d);
	sweep(d);
	return equal;
}
