/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_msg_draw.c - which operation comes next.
 *
 * Everything is drawn from the step's numbers and from what the driver knows,
 * never from a time or a pid: the same seed is the same sequence.  Types and
 * sizes are few and queues small, so that much sleeps, meets and is too long.
 */
#include "diff_msg.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define KEYS		4
#define FIRST_KEY	0x4d495200
#define FEWEST		4	/* workers */
#define TYPES		5

/* How often each kind is drawn, out of their sum. */
static const unsigned weight[OP_KINDS] = {
	[OP_GET] = 4, [OP_SND] = 40, [OP_RCV] = 36, [OP_CTL] = 12,
	[OP_SIGNAL] = 4, [OP_KILL] = 2, [OP_NEW] = 2
};

#define PICK(d, a)	\
	((a)[rng_below(&(d)->rng, sizeof(a) / sizeof((a)[0]))])

/* ---- choosing among what there is ---- */

static bool
pick_worker(struct driver *d, struct op *op, bool out)
{
	unsigned seen = 0;

	for (int w = 0; w < WORKERS; w++)
		if (d->alive[w] && d->out[KERNEL][w] == out &&
		    rng_below(&d->rng, ++seen) == 0)
			op->worker = w;
	return seen > 0;
}

static unsigned
count_alive(const struct driver *d)
{
	unsigned n = 0;

	for (int w = 0; w < WORKERS; w++)
		n += d->alive[w];
	return n;
}

static unsigned
count_live(const struct driver *d)
{
	unsigned n = 0;

	for (int i = 0; i < OBJECTS; i++)
		n += d->id[i] != -1;
	return n;
}

unsigned
draw_sleepers(const struct driver *d, int id, enum op_kind kind)
{
	unsigned n = 0;

	for (int w = 0; w < WORKERS; w++)
		n += d->out[KERNEL][w] && d->asked[w].kind == kind &&
		    d->asked[w].id == id;
	return n;
}

/* Mostly a queue that is there; else a stale id or one that never was. */
static void
pick_id(struct driver *d, struct op *op)
{
	static const int junk[] = { -1, 0x7fffffff, 32767, 1 << 20 };
	unsigned seen = 0;

	op->id = PICK(d, junk);
	if (d->nstale > 0 && rng_chance(&d->rng, 70))
		op->id = d->stale[rng_below(&d->rng, d->nstale < STALE ?
		    d->nstale : STALE)];
	if (rng_chance(&d->rng, 2))
		return;
	for (int i = 0; i < OBJECTS; i++)
		if (d->id[i] != -1 && rng_below(&d->rng, ++seen) == 0)
			op->id = d->id[i];
	/* The first one often: where much happens much meets. */
	if (d->id[0] != -1 && rng_chance(&d->rng, 40))
		op->id = d->id[0];
}

/* ---- the calls ---- */

static void
draw_get(struct driver *d, struct op *op)
{
	static const int modes[] = {
		0600, 0666, 0666, 0666, 0666, 0644, 0660, 0622, 0400, 0200, 0
	};

	op->key = rng_chance(&d->rng, 25) && count_live(d) < OBJECTS - KEYS ?
	    IPC_PRIVATE : (key_t)(FIRST_KEY + rng_below(&d->rng, KEYS));
	op->flags = PICK(d, modes);
	if (!can.uids)		/* the driver must be able to look */
		op->flags |= 0400;
	if (rng_chance(&d->rng, 75))
		op->flags |= IPC_CREAT;
	if (rng_chance(&d->rng, 15))
		op->flags |= IPC_EXCL;
}

/* One that an int cannot hold, where a long is longer. */
#define FAR_TYPE	(__LONG_MAX__ / 8388607)

/* Two blocked senders that room wakes would race: there is one at most. */
static void
draw_snd(struct driver *d, struct op *op)
{
	static const size_t sizes[] = {
		0, 0, 1, 1, 2, 3, 5, 8, 13, 20, 20, 30, 39, 40, 41
	};
	static const long odd[] = { 0, -1, __LONG_MAX__, FAR_TYPE };

	pick_id(d, op);
	op->type = rng_chance(&d->rng, 4) ? PICK(d, odd) :
	    1 + (long)rng_below(&d->rng, TYPES);
	op->size = PICK(d, sizes);
	op->seed = d->step;
	if (rng_chance(&d->rng, 35) || draw_sleepers(d, op->id, OP_SND) > 0)
		op->flags |= IPC_NOWAIT;
	if (rng_chance(&d->rng, 5))
		op->flags |= MSG_NOERROR | MSG_EXCEPT;
}

static void
draw_rcv(struct driver *d, struct op *op)
{
	static const size_t rooms[] = { 40, 40, 40, 40, 50, 20, 8, 3, 1, 0 };
	static const long odd[] = {
		-__LONG_MAX__ - 1, -__LONG_MAX__, __LONG_MAX__, FAR_TYPE, -100
	};
	const long type = (long)rng_below(&d->rng, TYPES + 1);

	pick_id(d, op);
	op->type = rng_chance(&d->rng, 40) ? -type : type;
	if (rng_chance(&d->rng, 8))
		op->type = PICK(d, odd);
	op->size = PICK(d, rooms);
	if (rng_below(&d->rng, 200) == 0)
		op->size = (size_t)-1;
	if (rng_chance(&d->rng, 35))
		op->flags |= IPC_NOWAIT;
	if (rng_chance(&d->rng, 25))
		op->flags |= MSG_NOERROR;
	if (rng_chance(&d->rng, 15))
		op->flags |= MSG_EXCEPT;
	if (rng_chance(&d->rng, 8)) {
		op->flags |= MSG_COPY | (rng_chance(&d->rng, 90) ?
		    IPC_NOWAIT : 0);
		op->flags &= rng_chance(&d->rng, 90) ? ~MSG_EXCEPT : ~0;
	}
}

/* A creator who has given it away: see diff_msg.c. */
static bool
is_given_away(const struct driver *d, const struct op *by)
{
	const struct op op = {
		.kind = OP_CTL, .worker = -1, .id = by->id, .cmd = IPC_STAT
	};
	const struct ipc_perm *p;
	struct result r;

	side_run(d->world, KERNEL, &op, &r);
	p = &r.u.ds.msg_perm;
	return r.error == 0 && side_uid(by->worker) == p->cuid &&
	    p->cuid != p->uid && p->cuid != 0;
}

/* Those whom IPC_SET wakes race: there is one at most. */
static void
draw_set(struct driver *d, struct op *op)
{
	static const unsigned modes[] = {
		0600, 0666, 0666, 0666, 0666, 0644, 0622, 0400, 0, 01666
	};
	static const unsigned long room[] = { 0, 1, 3, 20, 40, 50, 60, 60, 60 };

	op->mode = PICK(d, modes);
	op->qbytes = PICK(d, room);
	op->uid = side_uid(op->worker);
	if (!can.uids)
		op->mode |= 0400;
	else if (rng_chance(&d->rng, 30))
		op->uid = NOBODY;
	if (draw_sleepers(d, op->id, OP_RCV) +
	    draw_sleepers(d, op->id, OP_SND) > 1 ||
	    (d->config->store == STORE_DIR && is_given_away(d, op)))
		op->cmd = IPC_STAT;
}

static void
draw_ctl(struct driver *d, struct op *op)
{
	static const int cmds[] = {
		IPC_STAT, IPC_STAT, IPC_SET, IPC_SET, IPC_SET, IPC_SET,
		IPC_SET, IPC_RMID, MSG_STAT, MSG_STAT_ANY, MSG_INFO, IPC_INFO,
		99
	};

	pick_id(d, op);
	op->cmd = PICK(d, cmds);
	if (op->cmd == IPC_SET)
		draw_set(d, op);
	if (op->cmd == MSG_STAT || op->cmd == MSG_STAT_ANY)
		op->id = (int)rng_below(&d->rng, 2 * MSGMNI_HERE);
}

/* In the kernel who was stopped begins anew: see diff_msg.c. */
static void
draw_signal(struct driver *d, struct op *op)
{
	const struct op *sleep = &d->asked[op->worker];
	const enum store store = d->config->store;

	op->signal = rng_below(&d->rng, SIGNALS);
	if (op->signal == SIGNAL_STOP && store != STORE_KERNEL &&
	    store != STORE_MODEL &&
	    (draw_sleepers(d, sleep->id, sleep->kind) > 1 ||
	    side_uid(op->worker) != geteuid()))
		op->signal = SIGNAL_IGNORED;
}

static bool
draw_new(struct driver *d, struct op *op)
{
	unsigned seen = 0;

	for (int w = 0; w < WORKERS; w++)
		if (!d->alive[w] && rng_below(&d->rng, ++seen) == 0)
			op->worker = w;
	return seen > 0;
}

static bool
draw_kind(struct driver *d, struct op *op)
{
	const bool sleeper = op->kind == OP_SIGNAL ||
	    (op->kind == OP_KILL && rng_chance(&d->rng, 70));

	if (op->kind == OP_NEW)
		return draw_new(d, op);
	if (!pick_worker(d, op, sleeper))
		return false;
	if (op->kind == OP_GET)
		draw_get(d, op);
	else if (op->kind == OP_SND)
		draw_snd(d, op);
	else if (op->kind == OP_RCV)
		draw_rcv(d, op);
	else if (op->kind == OP_CTL)
		draw_ctl(d, op);
	else if (op->kind == OP_SIGNAL)
		draw_signal(d, op);
	return true;
}

/* ---- what comes next ---- */

static enum op_kind
pick_kind(struct driver *d)
{
	unsigned sum = 0, n;

	if (count_alive(d) < FEWEST)
		return OP_NEW;
	if (count_live(d) < 2 && rng_chance(&d->rng, 50))
		return OP_GET;
	for (int k = 0; k < OP_KINDS; k++)
		sum += weight[k];
	n = rng_below(&d->rng, sum);
	for (int k = 0; k < OP_KINDS; k++) {
		if (n < weight[k])
			return (enum op_kind)k;
		n -= weight[k];
	}
	return OP_SND;
}

void
draw(struct driver *d, struct op *op)
{
	do {
		memset(op, 0, sizeof(*op));
		op->kind = pick_kind(d);
	} while (!draw_kind(d, op));
}
