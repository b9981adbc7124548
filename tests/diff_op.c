/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_op.c - which operation comes next, and how it reads when told.
 *
 * Everything is drawn from the round's seed and from what the driver knows,
 * never from a time, a pid or an address: the same seed is the same sequence.
 */
#include "diff.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEYS		6
#define FIRST_KEY	0x4d495000
#define FEWEST		2	/* workers */
#define MANY_OBJECTS	30

static const char *const kind_name[OP_KINDS] = {
	"shmget", "shmat", "shmdt", "shmctl", "write", "read", "mprotect",
	"fork", "exec", "exit", "_exit", "SIGKILL", "setuid", "new worker"
};

/* How often each kind is drawn, out of their sum. */
static const unsigned weight[OP_KINDS] = {
	[OP_GET] = 14, [OP_AT] = 22, [OP_DT] = 14, [OP_CTL] = 24,
	[OP_WRITE] = 10, [OP_READ] = 6, [OP_MPROTECT] = 1, [OP_FORK] = 4,
	[OP_EXEC] = 1, [OP_EXIT] = 1, [OP_VANISH] = 1, [OP_KILL] = 2,
	[OP_SETUID] = 1, [OP_NEW] = 2
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define PICK(d, a)	((a)[rng_below(&(d)->rng, COUNT(a))])

/* ---- choosing among what there is ---- */

/* One of the slots of an array for which is() holds, or -1. */
static int
pick_slot(struct driver *d, int n, bool (*is)(struct driver *, int))
{
	int chosen = -1;
	unsigned seen = 0;

	for (int i = 0; i < n; i++)
		if (is(d, i) && rng_below(&d->rng, ++seen) == 0)
			chosen = i;
	return chosen;
}

static bool
is_alive(struct driver *d, int i)
{
	return d->world->worker[i].alive;
}

static bool
is_dead(struct driver *d, int i)
{
	return !d->world->worker[i].alive;
}

static bool
is_live_object(struct driver *d, int i)
{
	return d->object[i].live;
}

static unsigned
count_live(struct driver *d)
{
	unsigned n = 0;

	for (int i = 0; i < d->nobject; i++)
		n += d->object[i].live;
	return n;
}

static unsigned
count_alive(struct driver *d)
{
	unsigned n = 0;

	for (int i = 0; i < WORKERS; i++)
		n += is_alive(d, i);
	return n;
}

/* An attach of the worker, or one that is free. */
static int
pick_attach(struct driver *d, const struct worker *w, bool used)
{
	int chosen = -1;
	unsigned seen = 0;

	for (int i = 0; i < ATTACHES; i++)
		if (w->attach[i].used == used &&
		    rng_below(&d->rng, ++seen) == 0)
			chosen = i;
	return chosen;
}

/* Mostly a segment that is there; else a stale id or one that never was. */
static struct object *
pick_id(struct driver *d, struct op *op)
{
	static const int junk[] = { -1, 0x7fffffff, 32767, 1 << 20 };
	const int i = pick_slot(d, d->nobject, is_live_object);

	if (i != -1 && rng_chance(&d->rng, 88)) {
		memcpy(op->id, d->object[i].id, sizeof(op->id));
		return &d->object[i];
	}
	if (d->nstale > 0 && rng_chance(&d->rng, 70)) {
		const unsigned n = d->nstale < STALE ? d->nstale : STALE;

		memcpy(op->id, d->stale[rng_below(&d->rng, n)],
		    sizeof(op->id));
		return NULL;
	}
	op->id[KERNEL] = op->id[MIPC] = PICK(d, junk);
	return NULL;
}

/* ---- one chooser a kind; false: it cannot be had now ---- */

static bool
choose_get(struct driver *d, struct op *op)
{
	static const size_t sizes[] = {
		0, 1, 100, 4095, 4096, 4097, 8192, 65536, 100001, 300000,
		~(size_t)0, 1
	};
	static const int modes[] = {
		0600, 0600, 0666, 0666, 0777, 0644, 0660, 0400, 0200, 0700, 0
	};

	op->key = rng_chance(&d->rng, 25) ? IPC_PRIVATE :
	    (key_t)(FIRST_KEY + rng_below(&d->rng, KEYS));
	op->size = PICK(d, sizes);
	op->flags = PICK(d, modes);
	if (rng_chance(&d->rng, 75))
		op->flags |= IPC_CREAT;
	if (rng_chance(&d->rng, 15))
		op->flags |= IPC_EXCL;
	if (rng_chance(&d->rng, 5))
		op->flags |= SHM_NORESERVE;
	return count_live(d) < MANY_OBJECTS;
}

static bool
area_attached(const struct worker *w, int area, size_t *size)
{
	for (int i = 0; i < ATTACHES; i++)
		if (w->attach[i].used && w->attach[i].area == area) {
			*size = w->attach[i].size;
			return true;
		}
	return false;
}

/* Make the place one that both sides can be asked for. */
static void
choose_place(struct driver *d, struct op *op, const struct worker *w)
{
	static const enum place places[] = {
		PLACE_FREE, PLACE_FREE, PLACE_BUSY, PLACE_ODD, PLACE_ROUND,
		PLACE_REPLACE, PLACE_REPLACE, PLACE_REPLACE_ANY,
		PLACE_ROUND_ZERO
	};
	size_t there = 0;
	bool attached;

	op->area = (int)rng_below(&d->rng, AREAS);
	op->place = d->world->areas && rng_chance(&d->rng, 50) ?
	    PICK(d, places) : PLACE_ANY;
	attached = area_attached(w, op->area, &there);
	if (attached && (op->place == PLACE_FREE || op->place == PLACE_ROUND))
		op->place = PLACE_BUSY;
	/* Only ever over the whole of an attach: see the known differences. */
	if (op->place == PLACE_REPLACE && attached && op->size < there)
		op->place = PLACE_BUSY;
	if (op->place == PLACE_BUSY && d->config->forced)
		op->place = PLACE_ODD;	/* a known difference */
	if (op->place == PLACE_ROUND || op->place == PLACE_ROUND_ZERO)
		op->flags |= SHM_RND;
	if (op->place == PLACE_REPLACE || op->place == PLACE_REPLACE_ANY ||
	    op->place == PLACE_ROUND_ZERO)
		op->flags |= SHM_REMAP;
}

static bool
choose_at(struct driver *d, struct op *op)
{
	const struct worker *w = &d->world->worker[op->worker];
	const struct object *o = pick_id(d, op);

	op->slot = pick_attach(d, w, false);
	op->size = o != NULL ? o->size : 0;
	if (rng_chance(&d->rng, 25))
		op->flags |= SHM_RDONLY;
	if (d->execs && rng_chance(&d->rng, 8))
		op->flags |= SHM_EXEC;
	choose_place(d, op, w);
	return op->slot != -1;
}

static bool
choose_dt(struct driver *d, struct op *op)
{
	static const long shifts[] = { 1, 4096, 65536 };
	const struct worker *w = &d->world->worker[op->worker];

	op->slot = pick_attach(d, w, true);
	if (op->slot == -1) {
		op->slot = 0;	/* a free slot stands for address 0 */
		op->shift = rng_chance(&d->rng, 50) ? 0 : 4096;
		return !w->attach[0].used && rng_chance(&d->rng, 10);
	}
	if (rng_chance(&d->rng, 12))
		op->shift = PICK(d, shifts);
	/* Behind the end another attach may begin, on one side only. */
	if ((size_t)op->shift >= w->attach[op->slot].size)
		op->shift = 1;
	return true;
}

/*
 * Who may give a segment away, and what a creator may do who is not its owner
 * any more, are known differences.
 */
static bool
choose_set(struct driver *d, struct op *op, const struct object *o)
{
	static const unsigned modes[] = {
		0600, 0666, 0777, 0644, 0400, 0, 01666, 07600, 0060
	};
	const struct worker *w = &d->world->worker[op->worker];
	const bool give = w->uid == 0 && d->uids && rng_chance(&d->rng, 40);

	op->mode = PICK(d, modes);
	if (o != NULL) {
		op->uid = o->seen[KERNEL].shm_perm.uid;
		op->gid = o->seen[KERNEL].shm_perm.gid;
	}
	if (give)
		op->uid = op->gid = rng_chance(&d->rng, 50) ? NOBODY : 0;
	return op->privileged || o == NULL || op->uid == NOBODY ||
	    o->seen[KERNEL].shm_perm.cuid != NOBODY;
}

static bool
choose_ctl(struct driver *d, struct op *op)
{
	static const int commands[] = {
		IPC_STAT, IPC_STAT, IPC_STAT, IPC_SET, IPC_SET, IPC_SET,
		IPC_RMID, IPC_RMID, IPC_RMID, IPC_RMID, SHM_STAT, SHM_STAT,
		SHM_STAT_ANY, SHM_LOCK, SHM_UNLOCK, SHM_UNLOCK, IPC_INFO,
		SHM_INFO, 4711
	};
	const struct object *o = pick_id(d, op);

	op->cmd = PICK(d, commands);
	if (op->cmd == IPC_SET && !choose_set(d, op, o))
		return false;
	if (op->cmd == SHM_STAT || op->cmd == SHM_STAT_ANY)
		for (int side = 0; side < SIDES; side++)
			op->id[side] = op->id[side] < 0 ? -1 :
			    op->id[side] % INDICES;
	if (op->cmd == IPC_INFO || op->cmd == SHM_INFO)
		op->id[KERNEL] = op->id[MIPC] = 0;
	return true;
}

static bool
choose_memory(struct driver *d, struct op *op)
{
	const struct worker *w = &d->world->worker[op->worker];
	const struct attach *a;

	op->slot = pick_attach(d, w, true);
	if (op->slot == -1)
		return false;
	a = &w->attach[op->slot];
	if (op->kind == OP_MPROTECT)
		return a->readonly;
	if (op->kind == OP_READ)
		return true;
	op->byte = (unsigned char)rng_next(&d->rng);
	op->shift = rng_below(&d->rng, (unsigned)a->size);
	op->length = 1 + rng_below(&d->rng,
	    (unsigned)(a->size - (size_t)op->shift));
	if (op->length > 5000)
		op->length = 5000;
	return !a->readonly;
}

static bool
choose_life(struct driver *d, struct op *op)
{
	const bool spare = count_alive(d) > FEWEST;

	op->child = -1;
	switch (op->kind) {
	case OP_FORK:
	case OP_NEW:
		op->child = pick_slot(d, WORKERS, is_dead);
		return op->child != -1;
	case OP_EXEC:
		return d->world->store == STORE_DIR;
	case OP_SETUID:
		return d->uids && d->world->worker[op->worker].uid == 0;
	default:
		return spare;
	}
}

static bool
choose_kind(struct driver *d, struct op *op)
{
	switch (op->kind) {
	case OP_GET:
		return choose_get(d, op);
	case OP_AT:
		return choose_at(d, op);
	case OP_DT:
		return choose_dt(d, op);
	case OP_CTL:
		return choose_ctl(d, op);
	case OP_WRITE:
	case OP_READ:
	case OP_MPROTECT:
		return choose_memory(d, op);
	default:
		return choose_life(d, op);
	}
}

static enum op_kind
draw_kind(struct driver *d)
{
	unsigned sum = 0, at;
	int kind = 0;

	for (int i = 0; i < OP_KINDS; i++)
		sum += weight[i];
	at = rng_below(&d->rng, sum);
	while (at >= weight[kind])
		at -= weight[kind++];
	return (enum op_kind)kind;
}

void
op_choose(struct driver *d, struct op *op)
{
	do {
		*op = (struct op){ .kind = draw_kind(d) };
		op->worker = pick_slot(d, WORKERS, is_alive);
		op->privileged = d->world->worker[op->worker].uid != NOBODY;
		/* With forced removal a thread's end is a creator's end. */
		op->thread = op->kind < OP_FORK && !d->config->forced &&
		    rng_chance(&d->rng, 5);
	} while (!choose_kind(d, op));
}

/* ---- telling ---- */

static const char *
command_name(int cmd)
{
	switch (cmd) {
	case IPC_STAT:
		return "IPC_STAT";
	case IPC_SET:
		return "IPC_SET";
	case IPC_RMID:
		return "IPC_RMID";
	case SHM_STAT:
		return "SHM_STAT";
	case SHM_STAT_ANY:
		return "SHM_STAT_ANY";
	case SHM_LOCK:
		return "SHM_LOCK";
	case SHM_UNLOCK:
		return "SHM_UNLOCK";
	case IPC_INFO:
		return "IPC_INFO";
	case SHM_INFO:
		return "SHM_INFO";
	default:
		return "an unknown command";
	}
}

static const char *const place_name[PLACES] = {
	"NULL", "a free area", "a busy area", "an odd address",
	"an odd address of a free area", "over an area", "REMAP of NULL",
	"over address 1"
};

static void
describe_ctl(const struct op *op, char *text, size_t size)
{
	int n = snprintf(text, size, "shmctl(%d/%d, %s)", op->id[KERNEL],
	    op->id[MIPC], command_name(op->cmd));

	if (op->cmd == IPC_SET && n > 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n, " uid %u gid %u mode %o",
		    op->uid, op->gid, op->mode);
}

static void
describe_call(const struct op *op, char *text, size_t size)
{
	switch (op->kind) {
	case OP_GET:
		snprintf(text, size, "shmget(%#x, %zu, 0%o)",
		    (unsigned)op->key, op->size, (unsigned)op->flags);
		break;
	case OP_AT:
		snprintf(text, size, "shmat(%d/%d, %s %d, 0%o) slot %d",
		    op->id[KERNEL], op->id[MIPC], place_name[op->place],
		    op->area, (unsigned)op->flags, op->slot);
		break;
	case OP_DT:
		snprintf(text, size, "shmdt(slot %d + %ld)", op->slot,
		    op->shift);
		break;
	case OP_CTL:
		describe_ctl(op, text, size);
		break;
	case OP_WRITE:
		snprintf(text, size, "write slot %d at %ld, %zu bytes",
		    op->slot, op->shift, op->length);
		break;
	case OP_FORK:
	case OP_NEW:
		snprintf(text, size, "%s: worker %d", kind_name[op->kind],
		    op->child);
		break;
	default:
		snprintf(text, size, "%s (slot %d)", kind_name[op->kind],
		    op->slot);
		break;
	}
}

void
op_describe(const struct op *op, char *text, size_t size)
{
	char call[160];

	describe_call(op, call, sizeof(call));
	snprintf(text, size, "worker %d%s%s: %s", op->worker,
	    op->privileged ? "" : " (nobody)",
	    op->thread ? ", a thread" : "", call);
}

void
op_describe_result(const struct op *op, const struct result *r, char *text,
    size_t size)
{
	(void)op;
	if (r->error != 0)
		snprintf(text, size, "%ld %s", r->value,
		    error_name(r->error));
	else
		snprintf(text, size, "%ld", r->value);
}
