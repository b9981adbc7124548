/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_draw.c - which operation comes next.
 *
 * Everything is drawn from the step's numbers and from what the driver knows,
 * never from a time or a pid: the same seed is the same sequence.  Values
 * stay small, so that about as many operations sleep as are woken; some sets
 * are wild, in which the largest numbers meet.
 */
#include "diff_sem.h"

#include <string.h>

#define KEYS		5
#define FIRST_KEY	0x4d495100
#define FEWEST		3	/* workers */
#define MANY_OUT	7	/* sleepers */
#define MANY_OBJECTS	8
#define HOT		50	/* steps that mostly go to one set */

/* How often each kind is drawn, out of their sum. */
static const unsigned weight[OP_KINDS] = {
	[OP_GET] = 5, [OP_SEMOP] = 55, [OP_CTL] = 22, [OP_SIGNAL] = 4,
	[OP_FORK] = 2, [OP_EXEC] = 1, [OP_EXIT] = 1, [OP_VANISH] = 1,
	[OP_KILL] = 2, [OP_SETUID] = 1, [OP_NEW] = 2, [OP_THREAD_END] = 2,
	[OP_THREAD_NEW] = 3
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define PICK(d, a)	((a)[rng_below(&(d)->rng, COUNT(a))])

/* ---- the semaphores of a set that are used: the first, and the last ---- */

int
draw_probes(int nsems)
{
	return nsems < PROBES ? nsems : PROBES;
}

int
draw_probe(int nsems, int i)
{
	return nsems > PROBES && i >= PROBES - 2 ? nsems - PROBES + i : i;
}

/* ---- choosing among what there is ---- */

/* One of the worker slots that live, or that do not; or -1. */
static int
pick_worker(struct driver *d, bool alive)
{
	int chosen = -1;
	unsigned seen = 0;

	for (int i = 0; i < WORKERS; i++)
		if (d->member[i].alive == alive &&
		    rng_below(&d->rng, ++seen) == 0)
			chosen = i;
	return chosen;
}

/* A thread that sleeps, or one that is idle. */
static bool
pick_thread(struct driver *d, struct op *op, bool out)
{
	unsigned seen = 0;

	for (int w = 0; w < WORKERS; w++)
		for (int t = 0; t < THREADS; t++)
			if (d->member[w].alive && d->member[w].thread[t] &&
			    d->out[KERNEL][w][t] == out &&
			    rng_below(&d->rng, ++seen) == 0) {
				op->worker = w;
				op->thread = t;
			}
	return seen > 0;
}

static unsigned
count_alive(const struct driver *d)
{
	unsigned n = 0;

	for (int i = 0; i < WORKERS; i++)
		n += d->member[i].alive;
	return n;
}

static unsigned
count_out(const struct driver *d)
{
	unsigned n = 0;

	for (int w = 0; w < WORKERS; w++)
		for (int t = 0; t < THREADS; t++)
			n += d->out[KERNEL][w][t];
	return n;
}

/* Half the time the one that many steps in a row are at. */
static int
pick_object(struct driver *d)
{
	const int hot = (int)(d->step / HOT % OBJECTS);
	int chosen = -1;
	unsigned seen = 0;

	if (d->nobject > 0 && d->object[hot % d->nobject].live &&
	    rng_chance(&d->rng, 50))
		return hot % d->nobject;
	for (int i = 0; i < d->nobject; i++)
		if (d->object[i].live && rng_below(&d->rng, ++seen) == 0)
			chosen = i;
	return chosen;
}

static unsigned
count_live(const struct driver *d)
{
	unsigned n = 0;

	for (int i = 0; i < d->nobject; i++)
		n += d->object[i].live;
	return n;
}

/* Mostly a set that is there; else a stale id or one that never was. */
static void
pick_id(struct driver *d, struct op *op)
{
	static const int junk[] = { -1, 0x7fffffff, 32767, 1 << 20 };

	op->object = pick_object(d);
	if (op->object != -1 && rng_chance(&d->rng, 96)) {
		const struct object *o = &d->object[op->object];

		memcpy(op->id, o->id, sizeof(op->id));
		op->nsems = o->nsems;
		return;
	}
	op->object = -1;
	op->nsems = 1 + (int)rng_below(&d->rng, 5);
	op->id[KERNEL] = op->id[MIPC] = PICK(d, junk);
	if (d->nstale > 0 && rng_chance(&d->rng, 70)) {
		const unsigned n = d->nstale < STALE ? d->nstale : STALE;

		memcpy(op->id, d->stale[rng_below(&d->rng, n)],
		    sizeof(op->id));
	}
}

/* ---- vectors ---- */

static short
draw_change(struct driver *d, bool wild)
{
	static const short small[] = {
		0, 0, 0, -1, -1, -1, -1, -1, 1, 1, 1, 1, -2, -2, 2, 2, -3, 3
	};
	static const short large[] = {
		32767, -32767, -32768, 32766, 16384, -16384, 1, -1, 20000, 0
	};

	return rng_chance(&d->rng, wild ? 60 : 1) ? PICK(d, large) :
	    PICK(d, small);
}

static unsigned short
draw_num(struct driver *d, int nsems)
{
	if (rng_chance(&d->rng, 1))
		return (unsigned short)(nsems + (int)rng_below(&d->rng, 3));
	if (rng_chance(&d->rng, 40))	/* much goes to one semaphore */
		return (unsigned short)draw_probe(nsems, (int)(d->step / HOT) %
		    draw_probes(nsems));
	return (unsigned short)draw_probe(nsems, (int)rng_below(&d->rng,
	    (unsigned)draw_probes(nsems)));
}

/* The value of a semaphore, as the driver last saw it. */
static int
value_of(const struct driver *d, int object, int num)
{
	const struct object *o;

	if (object == -1)
		return 0;
	o = &d->object[object];
	for (int i = 0; i < draw_probes(o->nsems); i++)
		if (draw_probe(o->nsems, i) == num)
			return o->value[i];
	return 0;
}

/* What just sleeps, or just does not, or leaves nothing. */
static short
draw_edge(struct driver *d, int value)
{
	const int change = rng_chance(&d->rng, 60) ? -value - 1 :
	    rng_chance(&d->rng, 60) ? 0 : -value;

	return (short)(change < -32768 ? -32768 : change);
}

static short
draw_flags(struct driver *d, unsigned nowait)
{
	return (short)((rng_chance(&d->rng, nowait) ? IPC_NOWAIT : 0) |
	    (rng_chance(&d->rng, 40) ? SEM_UNDO : 0));
}

/*
 * What programs do: wait until nobody has it, and then take it or not; or
 * want a little more than there is.
 */
static void
draw_idiom(struct driver *d, struct op *op)
{
	const unsigned short num = draw_num(d, op->nsems);
	const unsigned dice = rng_below(&d->rng, 3);

	op->nops = 1 + (dice == 0);
	op->ops[0].sem_num = op->ops[1].sem_num = num;
	if (dice == 0) {
		op->ops[1].sem_op = 1;
		op->ops[1].sem_flg = draw_flags(d, 0);
	} else if (dice == 1) {
		op->ops[0].sem_op = (short)-1;
		if (value_of(d, op->object, num) < 10)
			op->ops[0].sem_op = (short)(-value_of(d, op->object,
			    num) - 1);
		op->ops[0].sem_flg = draw_flags(d, 0);
	}
}

static void
draw_vector(struct driver *d, struct op *op, unsigned nowait)
{
	const bool wild = op->object != -1 && d->object[op->object].wild;
	const unsigned dice = rng_below(&d->rng, 100);

	if (nowait < 100 && rng_chance(&d->rng, 25)) {
		draw_idiom(d, op);
		return;
	}
	op->nops = dice < 50 ? 1 : dice < 75 ? 2 : dice < 98 ?
	    3 + rng_below(&d->rng, 6) : rng_below(&d->rng, VECTOR + 1);
	for (unsigned i = 0; i < op->nops; i++) {
		op->ops[i].sem_num = draw_num(d, op->nsems);
		op->ops[i].sem_op = rng_chance(&d->rng, 25) ?
		    draw_edge(d, value_of(d, op->object,
		    op->ops[i].sem_num)) : draw_change(d, wild);
		op->ops[i].sem_flg = draw_flags(d, nowait);
	}
}

/* The opposite of what a sleeper asks for; or what is missing, exactly. */
static short
draw_opposite(struct driver *d, const struct sembuf *b, int value)
{
	const int least = b->sem_op == 0 ? -value : -b->sem_op - value;
	const int full = b->sem_op == 0 ? -1 : -b->sem_op;
	const int change = least != 0 && rng_chance(&d->rng, 60) ? least :
	    full;

	return (short)(change > 32767 ? 32767 : change);
}

/* What would let a sleeper go on, as far as its own vector says. */
static bool
draw_help(struct driver *d, struct op *op)
{
	struct op sleeper = { .kind = OP_SEMOP };
	const struct op *asked;

	if (!pick_thread(d, &sleeper, true))
		return false;
	asked = &d->member[sleeper.worker].asked[sleeper.thread];
	op->object = asked->object;
	op->nsems = asked->nsems;
	memcpy(op->id, asked->id, sizeof(op->id));
	for (unsigned i = 0; i < asked->nops; i++) {
		struct sembuf *b = &op->ops[op->nops];

		if (asked->ops[i].sem_op > 0)
			continue;
		*b = asked->ops[i];
		b->sem_op = draw_opposite(d, b, value_of(d, op->object,
		    b->sem_num));
		b->sem_flg = draw_flags(d, 50);
		op->nops++;
	}
	return op->nops > 0;
}

/* Several tests for zero and nothing else: see diff_sem_known.c. */
static bool
only_tests(const struct driver *d, const struct op *op)
{
	if (d->config->store != STORE_DIR && d->config->store != STORE_ANON)
		return false;
	for (unsigned i = 0; i < op->nops; i++)
		if (op->ops[i].sem_op != 0)
			return false;
	return op->nops > 1;
}

static bool
draw_semop(struct driver *d, struct op *op)
{
	static const enum timeout timeouts[] = {
		TIMEOUT_NONE, TIMEOUT_NONE, TIMEOUT_NONE, TIMEOUT_NONE,
		TIMEOUT_NONE, TIMEOUT_NULL, TIMEOUT_NULL, TIMEOUT_FAR,
		TIMEOUT_FAR, TIMEOUT_FAR, TIMEOUT_FAR, TIMEOUT_ZERO
	};

	if (!pick_thread(d, op, false))
		return false;
	if (!rng_chance(&d->rng, 45) || !draw_help(d, op)) {
		op->nops = 0;
		pick_id(d, op);
		draw_vector(d, op, 20);
	}
	op->timeout = PICK(d, timeouts);
	if (rng_chance(&d->rng, 1))
		op->timeout = rng_chance(&d->rng, 50) ? TIMEOUT_NEGATIVE :
		    TIMEOUT_ODD;
	op->null = rng_below(&d->rng, 300) == 0;
	if (only_tests(d, op))
		op->nops = 1;
	return true;
}

/* ---- the other calls ---- */

static bool
draw_get(struct driver *d, struct op *op)
{
	static const int sizes[] = {
		1, 1, 2, 2, 3, 3, 4, 5, 1, 2, 3, 1, 2, 7, 20, 120, BIG - 1,
		0, -1, BIG, 32001
	};
	static const int modes[] = {
		0600, 0600, 0666, 0666, 0666, 0777, 0644, 0660, 0400, 0200,
		0606, 0
	};

	if (!pick_thread(d, op, false))
		return false;
	op->object = -1;
	op->key = rng_chance(&d->rng, 25) ? IPC_PRIVATE :
	    (key_t)(FIRST_KEY + rng_below(&d->rng, KEYS));
	op->nsems = PICK(d, sizes);
	op->flags = PICK(d, modes);
	if (!can.uids)		/* the driver must be able to look */
		op->flags |= 0400;
	if (rng_chance(&d->rng, 80))
		op->flags |= IPC_CREAT;
	if (rng_chance(&d->rng, 10))
		op->flags |= IPC_EXCL;
	return true;
}

/*
 * Who is not root may be unable to give a set away, or to change one that he
 * has made and given away: see diff_sem_known.c.
 */
static void
draw_set(struct driver *d, struct op *op)
{
	static const unsigned modes[] = {
		0600, 0666, 0666, 0666, 0644, 0660, 0400, 0, 0777, 01666
	};
	const struct object *o = op->object != -1 ? &d->object[op->object] :
	    NULL;
	const unsigned uid = d->member[op->worker].uid;

	op->mode = PICK(d, modes);
	op->uid = op->gid = uid;
	if (!can.uids)
		op->mode |= 0400;
	else if (uid != NOBODY)
		op->uid = op->gid = rng_chance(&d->rng, 70) ? 0 : NOBODY;
	else if (o != NULL && o->cuid == NOBODY && o->uid != NOBODY)
		op->cmd = GETALL;
}

static bool
draw_ctl(struct driver *d, struct op *op)
{
	static const int cmds[] = {
		SETVAL, SETVAL, SETVAL, SETVAL, SETVAL, SETVAL, SETALL, SETALL,
		SETALL, GETVAL, GETVAL, GETALL, GETALL, GETPID, GETPID,
		GETNCNT, GETZCNT, IPC_STAT, IPC_STAT, IPC_SET, IPC_SET,
		IPC_RMID, IPC_RMID, SEM_STAT, SEM_STAT_ANY, SEM_INFO, IPC_INFO,
		99
	};
	static const int values[] = {
		0, 0, 0, 1, 1, 2, 3, 0, 1, 2, 32767, 32766, 32768, -1
	};

	if (!pick_thread(d, op, false))
		return false;
	pick_id(d, op);
	op->cmd = PICK(d, cmds);
	if (op->cmd == IPC_RMID && count_live(d) < 3 &&
	    rng_chance(&d->rng, 70))
		op->cmd = GETALL;
	op->num = draw_num(d, op->nsems);
	op->value = op->cmd == SETALL ? (int)rng_below(&d->rng, 65536) :
	    PICK(d, values);
	if (op->cmd == SETALL && rng_chance(&d->rng, 10))
		op->value = -1 - op->value;
	if (op->cmd == IPC_SET)
		draw_set(d, op);
	if (op->cmd == SEM_STAT || op->cmd == SEM_STAT_ANY)
		op->id[KERNEL] = op->id[MIPC] =
		    (int)rng_below(&d->rng, 2 * SEMMNI_HERE);
	op->null = op->cmd != SETVAL && rng_below(&d->rng, 100) == 0;
	return true;
}

static bool
draw_signal(struct driver *d, struct op *op)
{
	if (!pick_thread(d, op, true))
		return false;
	op->signal = rng_below(&d->rng, SIGNALS);
	pick_id(d, op);
	draw_vector(d, op, 100);
	op->timeout = TIMEOUT_ZERO;
	return true;
}

static bool
draw_thread_new(struct driver *d, struct op *op)
{
	if (!pick_thread(d, op, false))
		return false;
	for (int t = 0; t < THREADS; t++)
		if (!d->member[op->worker].thread[t]) {
			op->child = t;
			return true;
		}
	return false;
}

static bool
draw_process(struct driver *d, struct op *op)
{
	const bool begins = op->kind == OP_FORK || op->kind == OP_NEW;

	op->object = -1;
	if (begins && (op->child = pick_worker(d, false)) == -1)
		return false;
	if (op->kind == OP_NEW)
		return true;
	if (op->kind == OP_KILL)
		op->worker = pick_worker(d, true);
	else if (!pick_thread(d, op, false))
		return false;
	if (op->kind == OP_EXEC)
		return d->execs && !known_pays_at_exec(d, op->worker);
	if (op->kind == OP_SETUID)
		return d->uids && count_alive(d) > 2 &&
		    d->member[op->worker].uid != NOBODY;
	return begins || count_alive(d) > 2;
}

static bool
draw_kind(struct driver *d, struct op *op)
{
	switch (op->kind) {
	case OP_GET:
		return draw_get(d, op);
	case OP_SEMOP:
		return draw_semop(d, op);
	case OP_CTL:
		return draw_ctl(d, op);
	case OP_SIGNAL:
		return draw_signal(d, op);
	case OP_THREAD_NEW:
		op->object = -1;
		return draw_thread_new(d, op);
	default:
		return draw_process(d, op);
	}
}

/* ---- what comes next ---- */

static enum op_kind
pick_kind(struct driver *d)
{
	unsigned sum = 0, n;

	if (count_alive(d) < FEWEST)
		return OP_NEW;
	if (count_live(d) < 2 && rng_chance(&d->rng, 60))
		return OP_GET;
	if (count_out(d) >= MANY_OUT && rng_chance(&d->rng, 40))
		return rng_chance(&d->rng, 60) ? OP_SIGNAL : OP_KILL;
	for (int k = 0; k < OP_KINDS; k++)
		sum += weight[k];
	n = rng_below(&d->rng, sum);
	for (int k = 0; k < OP_KINDS; k++) {
		if (n < weight[k])
			return (enum op_kind)k;
		n -= weight[k];
	}
	return OP_SEMOP;
}

void
draw(struct driver *d, struct op *op)
{
	do {
		memset(op, 0, sizeof(*op));
		op->kind = pick_kind(d);
		/* All asleep: only these are sure to be possible. */
		if (op->kind != OP_NEW && count_out(d) > 0 &&
		    rng_below(&d->rng, 40) == 0)
			op->kind = OP_SIGNAL;
	} while (!draw_kind(d, op) ||
	    (op->kind == OP_GET && op->key == IPC_PRIVATE &&
	    count_live(d) >= MANY_OBJECTS));
}
