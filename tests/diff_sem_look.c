/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_look.c - what must be equal.
 *
 * A set is known by its pair of ids, which must be the same number; a process
 * by its pair of pids.  Times are compared as far as the sides can follow
 * each other: zero where the other is zero, never earlier than before, and no
 * further apart than the time since the last look at a set, if one has
 * changed.
 */
#include "diff_sem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVERYTHING	16	/* steps between looks at all sets */
#define SETTLED		2.0	/* seconds until the dead are settled */

static const union semun no_arg;

/* ---- processes ---- */

/* Is there a process with these pids?  The youngest are asked for most. */
static bool
same_process(const struct driver *d, long kernel, long mipc)
{
	const unsigned n = d->nlife < LIVES ? d->nlife : LIVES;

	if (kernel == 0 || mipc == 0)
		return kernel == mipc;
	for (unsigned i = 1; i <= n; i++) {
		const struct life *l = &d->life[(d->nlife - i) % LIVES];

		if (l->pid[KERNEL] == kernel && l->pid[MIPC] == mipc)
			return true;
	}
	return false;
}

/* ---- sets ---- */

static int
find(const struct driver *d, int side, int id)
{
	for (int i = 0; i < d->nobject; i++)
		if (d->object[i].live && d->object[i].id[side] == id)
			return i;
	return -1;
}

static void
add(struct driver *d, const struct op *op, int kernel, int mipc)
{
	int i = 0;

	while (i < d->nobject && d->object[i].live)
		i++;
	if (i == OBJECTS)
		harness_die("more sets than the test has room for");
	if (i == d->nobject)
		d->nobject++;
	d->object[i] = (struct object){
		.live = true, .id = { kernel, mipc }, .nsems = op->nsems,
		.uid = d->member[op->worker].uid,
		.cuid = d->member[op->worker].uid,
		.wild = rng_chance(&d->rng, 15), .looked = harness_now()
	};
}

static void
retire(struct driver *d, int object)
{
	struct object *o = &d->object[object];

	if (object == -1)
		return;
	o->live = false;
	memcpy(d->stale[d->nstale++ % STALE], o->id, sizeof(o->id));
}

int
look_sleepers(struct driver *d, int side, int object)
{
	const struct object *o = &d->object[object];
	int sum = 0;

	for (int i = 0; i < draw_probes(o->nsems); i++) {
		const int num = draw_probe(o->nsems, i);
		const int n = d->hand[side]->ctl(side, o->id[side], num,
		    GETNCNT, no_arg);
		const int z = d->hand[side]->ctl(side, o->id[side], num,
		    GETZCNT, no_arg);

		if (n == -1 || z == -1)
			return -1;
		sum += n + z;
	}
	return sum;
}

/* ---- structures ---- */

struct field {
	const char *name;
	long long (*of)(const struct semid_ds *);
};

#define FIELD(name, member)						\
static long long							\
of_##name(const struct semid_ds *ds)					\
{									\
	return (long long)ds->member;					\
}

FIELD(key, sem_perm.__key)
FIELD(uid, sem_perm.uid)
FIELD(gid, sem_perm.gid)
FIELD(cuid, sem_perm.cuid)
FIELD(cgid, sem_perm.cgid)
FIELD(mode, sem_perm.mode)
FIELD(nsems, sem_nsems)
FIELD(otime, sem_otime)
FIELD(ctime, sem_ctime)

static const struct field fields[] = {
	{ "key", of_key }, { "uid", of_uid }, { "gid", of_gid },
	{ "cuid", of_cuid }, { "cgid", of_cgid }, { "mode", of_mode },
	{ "nsems", of_nsems }
};

static const struct field times[] = {
	{ "otime", of_otime }, { "ctime", of_ctime }
};

static bool
compare_ds(struct driver *d, const struct semid_ds *k,
    const struct semid_ds *m)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].of(k) != fields[i].of(m))
			return drive_differ(d, "%s is %lld in the kernel, "
			    "%lld in mipc", fields[i].name, fields[i].of(k),
			    fields[i].of(m));
	return true;
}

static bool
compare_times(struct driver *d, struct object *o, const struct semid_ds *ds)
{
	const double now = harness_now();

	for (int i = 0; i < 2; i++) {
		const struct field *f = &times[i];
		const long long k = f->of(&ds[KERNEL]), m = f->of(&ds[MIPC]);
		const long long was[SIDES] = {
			f->of(&o->seen[KERNEL]), f->of(&o->seen[MIPC])
		};

		if (k != was[KERNEL] || m != was[MIPC])
			o->slack[i] = 2 + (long)(now - o->looked);
		if (i == 0 && m >= was[MIPC] &&
		    known_excuses_otime(d, o, k, m))
			continue;
		if ((k == 0) != (m == 0) || llabs(k - m) > o->slack[i] ||
		    k < was[KERNEL] || m < was[MIPC])
			return drive_differ(d, "set %d: %s is %lld (was %lld) "
			    "in the kernel, %lld (was %lld) in mipc",
			    o->id[KERNEL], f->name, k, was[KERNEL], m,
			    was[MIPC]);
	}
	memcpy(o->seen, ds, sizeof(o->seen));
	o->looked = now;
	return true;
}

static bool
compare_info(struct driver *d, int cmd, const struct seminfo *k,
    const struct seminfo *m)
{
	const int *a = &k->semmap, *b = &m->semmap;

	_Static_assert(sizeof(*k) == 10 * sizeof(int), "ten numbers");
	for (int i = 0; i < 10; i++)
		if (a[i] != b[i])
			return drive_differ(d, "%s: number %d of struct "
			    "seminfo is %d in the kernel, %d in mipc",
			    cmd == IPC_INFO ? "IPC_INFO" : "SEM_INFO", i,
			    a[i], b[i]);
	return true;
}

/* ---- one operation's results ---- */

static bool
compare_get(struct driver *d, const struct op *op, int kernel, int mipc)
{
	if (find(d, KERNEL, kernel) != find(d, MIPC, mipc))
		return drive_differ(d, "semget found one set in the kernel "
		    "and another, or none, in mipc");
	if (kernel != mipc)
		return drive_differ(d, "semget gives %d in the kernel, %d in "
		    "mipc", kernel, mipc);
	if (find(d, KERNEL, kernel) == -1)
		add(d, op, kernel, mipc);
	return true;
}

static bool
compare_ctl(struct driver *d, const struct op *op, const struct result *k,
    const struct result *m)
{
	switch (op->cmd) {
	case IPC_RMID:
		retire(d, find(d, KERNEL, op->id[KERNEL]));
		return true;
	case IPC_SET:
		d->object[find(d, KERNEL, op->id[KERNEL])].uid = op->uid;
		return true;
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return known_excuses(d, op, k, m) ||
		    compare_ds(d, &k->u.ds, &m->u.ds);
	case IPC_INFO:
	case SEM_INFO:
		return compare_info(d, op->cmd, &k->u.info, &m->u.info);
	case GETALL:
		return k->digest == m->digest ||
		    drive_differ(d, "GETALL: other values");
	default:
		return true;
	}
}

static bool
compare_result(struct driver *d, const struct op *op, const struct result *k,
    const struct result *m)
{
	char kernel[40], mipc[40];
	const bool is_pid = op->kind == OP_CTL && op->cmd == GETPID;

	if (k->error != m->error || (k->value != m->value &&
	    op->kind != OP_GET && !is_pid)) {
		if (known_excuses(d, op, k, m))
			return true;
		tell_result(k, kernel, sizeof(kernel));
		tell_result(m, mipc, sizeof(mipc));
		return drive_differ(d, "worker %d.%d: kernel %s, mipc %s",
		    op->worker, op->thread, kernel, mipc);
	}
	if (k->error != 0)
		return true;
	if (is_pid && !same_process(d, k->value, m->value))
		return drive_differ(d, "GETPID: another process, %ld and %ld",
		    k->value, m->value);
	if (op->kind == OP_GET)
		return compare_get(d, op, (int)k->value, (int)m->value);
	return op->kind != OP_CTL || compare_ctl(d, op, k, m);
}

static bool
compare_actor(struct driver *d, int w, int t)
{
	const struct actor *k = &d->world->worker[KERNEL][w].actor[t];
	const struct actor *m = &d->world->worker[MIPC][w].actor[t];
	const bool kernel = d->came[KERNEL][w][t];

	if (kernel != d->came[MIPC][w][t])
		return drive_differ(d, "worker %d.%d sleeps in %s only", w, t,
		    kernel ? "mipc" : "the kernel");
	if (kernel && k->result.error == 0)
		known_note_done(d, &d->member[w].asked[t]);
	return !kernel || compare_result(d, &d->member[w].asked[t],
	    &k->result, &m->result);
}

bool
look_results(struct driver *d, const struct op *op)
{
	if (user_heartbeats() != 0)
		return drive_differ(d, "a wake was lost: a heartbeat found it");
	for (int w = 0; w < WORKERS; w++)
		for (int t = 0; t < THREADS; t++) {
			if (!compare_actor(d, w, t))
				return false;
			d->woken += d->came[KERNEL][w][t] &&
			    (w != op->worker || t != op->thread);
		}
	if (op->kind == OP_SIGNAL && op->signal == SIGNAL_CALLS)
		return compare_result(d, op, &d->world->worker[KERNEL][
		    op->worker].actor[op->thread].nested_result,
		    &d->world->worker[MIPC][op->worker].actor[
		    op->thread].nested_result);
	d->slept += op->kind == OP_SEMOP &&
	    d->out[KERNEL][op->worker][op->thread];
	return true;
}

/* ---- all that can be seen from outside ---- */

/* What one side shows of a set. */
struct view {
	int error;
	struct semid_ds ds;
	unsigned short value[BIG];
	int pid[PROBES], ncnt[PROBES], zcnt[PROBES];
};

static void
view(struct driver *d, int side, const struct object *o, struct view *v)
{
	const struct hand *h = d->hand[side];
	const int id = o->id[side];
	union semun arg;

	memset(v, 0, sizeof(*v));
	arg.buf = &v->ds;
	if (h->ctl(side, id, 0, IPC_STAT, arg) == -1)
		v->error = errno;
	arg.array = v->value;
	if (h->ctl(side, id, 0, GETALL, arg) == -1)
		v->error = errno;
	for (int i = 0; i < draw_probes(o->nsems); i++) {
		const int num = draw_probe(o->nsems, i);

		v->pid[i] = h->ctl(side, id, num, GETPID, no_arg);
		v->ncnt[i] = h->ctl(side, id, num, GETNCNT, no_arg);
		v->zcnt[i] = h->ctl(side, id, num, GETZCNT, no_arg);
	}
}

/* Where the values, pids or counts differ first, as a sentence; or "". */
static void
find_difference(const struct driver *d, const struct object *o,
    const struct view *k, const struct view *m, char *text, size_t size)
{
	text[0] = '\0';
	for (int i = 0; i < o->nsems; i++)
		if (k->value[i] != m->value[i]) {
			snprintf(text, size, "semaphore %d: value %u in the "
			    "kernel, %u in mipc", i, k->value[i], m->value[i]);
			return;
		}
	for (int i = 0; i < draw_probes(o->nsems); i++)
		if (!same_process(d, k->pid[i], m->pid[i]) ||
		    k->ncnt[i] != m->ncnt[i] || k->zcnt[i] != m->zcnt[i]) {
			snprintf(text, size, "semaphore %d: pid %d ncnt %d "
			    "zcnt %d in the kernel, %d %d %d in mipc",
			    draw_probe(o->nsems, i), k->pid[i], k->ncnt[i],
			    k->zcnt[i], m->pid[i], m->ncnt[i], m->zcnt[i]);
			return;
		}
}

void
look_counts(struct driver *d, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i < d->nobject; i++) {
		const struct object *o = &d->object[i];
		struct view v[SIDES];
		char what[200];

		if (!o->live)
			continue;
		for (int side = 0; side < SIDES; side++)
			view(d, side, o, &v[side]);
		find_difference(d, o, &v[KERNEL], &v[MIPC], what,
		    sizeof(what));
		if (what[0] != '\0' && n < size)
			n += (size_t)snprintf(text + n, size - n,
			    "; set %d, %s", o->id[KERNEL], what);
	}
}

/*
 * A dead process's address space goes a moment later if somebody on the
 * machine looks at it through /proc just then: after an end, look again.
 */
static void
view_settled(struct driver *d, const struct object *o, struct view v[SIDES],
    char *text, size_t size)
{
	const double end = harness_now() + (d->config->hasty ? 0.05 :
	    SETTLED);
	_Atomic uint32_t never = 0;

	for (;;) {
		for (int side = 0; side < SIDES; side++)
			view(d, side, o, &v[side]);
		find_difference(d, o, &v[KERNEL], &v[MIPC], text, size);
		if (text[0] == '\0' || d->ends == 0 || harness_now() > end ||
		    d->config->store == STORE_MODEL)
			return;
		if (d->again++ == 0)
			tap_note("%s, seed %llu: looked again for set %d, %s; "
			    "%s", d->config->name,
			    (unsigned long long)d->config->seed,
			    o->id[KERNEL], text,
			    d->past[(d->made - 1) % HISTORY]);
		harness_wait(&never, 0, 0.01);
	}
}

static bool
look_at(struct driver *d, struct object *o)
{
	struct view v[SIDES];
	struct semid_ds ds[SIDES];
	char text[200];

	view_settled(d, o, v, text, sizeof(text));
	if (v[KERNEL].error != v[MIPC].error)
		return drive_differ(d, "set %d: %s in the kernel, %s in mipc",
		    o->id[KERNEL], error_name(v[KERNEL].error),
		    error_name(v[MIPC].error));
	if (v[KERNEL].error != 0)
		return drive_differ(d, "set %d: it cannot be looked at: %s",
		    o->id[KERNEL], error_name(v[KERNEL].error));
	if (text[0] != '\0')
		return drive_differ(d, "set %d, %s", o->id[KERNEL], text);
	for (int i = 0; i < draw_probes(o->nsems); i++)
		o->value[i] = v[KERNEL].value[draw_probe(o->nsems, i)];
	for (int side = 0; side < SIDES; side++)
		ds[side] = v[side].ds;
	return compare_ds(d, &ds[KERNEL], &ds[MIPC]) &&
	    compare_times(d, o, ds);
}

/* The numbers in use, and what each index leads to. */
static bool
look_at_indices(struct driver *d)
{
	struct seminfo info[SIDES] = { 0 };
	struct semid_ds ds;
	int top[SIDES], id[SIDES];

	for (int side = 0; side < SIDES; side++) {
		union semun arg = { .__buf = &info[side] };

		top[side] = d->hand[side]->ctl(side, 0, 0, SEM_INFO, arg);
	}
	if (top[KERNEL] != top[MIPC])
		return drive_differ(d, "the highest index is %d in the "
		    "kernel, %d in mipc", top[KERNEL], top[MIPC]);
	for (int i = 0; i <= top[KERNEL]; i++) {
		union semun arg = { .buf = &ds };

		for (int side = 0; side < SIDES; side++)
			id[side] = d->hand[side]->ctl(side, i, 0, SEM_STAT,
			    arg);
		if (find(d, KERNEL, id[KERNEL]) != find(d, MIPC, id[MIPC]))
			return drive_differ(d, "index %d: set %d in the "
			    "kernel, %d in mipc", i, id[KERNEL], id[MIPC]);
	}
	return compare_info(d, SEM_INFO, &info[KERNEL], &info[MIPC]);
}

bool
look_everywhere(struct driver *d, const struct op *op)
{
	const bool all = d->ends > 0 || d->step % EVERYTHING == 0 ||
	    op->kind == OP_FORK || op->kind == OP_SIGNAL ||
	    op->kind == OP_THREAD_END || d->config->observe > 1;

	for (int i = 0; i < d->nobject; i++)
		if (d->object[i].live && (all || i == op->object ||
		    op->kind == OP_GET) && !look_at(d, &d->object[i]))
			return false;
	d->ends = 0;
	return d->step % EVERYTHING != 0 || look_at_indices(d);
}
