/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_model.c - what must be equal.
 *
 * A segment is known by its pair of ids.  Pids, uids and keys are the same on
 * both sides, since the same process makes both calls.  Times are compared as
 * far as one call can follow the other: zero where the other is zero, and no
 * further apart than the time between two looks in which one of them changed.
 */
#include "diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_INDEX	16	/* steps between walks through all indices */

/* ---- telling ---- */

static void
tell_step(const struct driver *d, unsigned step)
{
	const struct op *op = &d->past[step % HISTORY];
	const struct result *r = d->past_result[step % HISTORY];
	char text[200], kernel[40], mipc[40];

	op_describe(op, text, sizeof(text));
	op_describe_result(op, &r[KERNEL], kernel, sizeof(kernel));
	op_describe_result(op, &r[MIPC], mipc, sizeof(mipc));
	tap_note("  step %u, %s: kernel %s, mipc %s", step, text, kernel, mipc);
}

/* Each segment as both sides show it when they are asked for it alone. */
static void
tell_segments(struct driver *d)
{
	const struct op op = { .kind = OP_CTL, .cmd = IPC_STAT };

	for (int i = 0; i < d->nobject; i++) {
		const struct object *o = &d->object[i];
		struct result r[SIDES];

		if (!o->live)
			continue;
		for (int side = 0; side < SIDES; side++)
			side_control(side, o->id[side], &op, &r[side]);
		if (r[KERNEL].error != 0 || r[MIPC].error != 0 ||
		    memcmp(&r[KERNEL].u, &r[MIPC].u, sizeof(r->u)) != 0)
			tap_note("  segment %d/%d: %s/%s, nattch %lu/%lu, "
			    "mode %o/%o", o->id[KERNEL], o->id[MIPC],
			    error_name(r[KERNEL].error),
			    error_name(r[MIPC].error),
			    (unsigned long)r[KERNEL].u.ds.shm_nattch,
			    (unsigned long)r[MIPC].u.ds.shm_nattch,
			    r[KERNEL].u.ds.shm_perm.mode,
			    r[MIPC].u.ds.shm_perm.mode);
	}
}

bool
model_differ(struct driver *d, const char *fmt, ...)
{
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	tap_note("%s, seed %llu, step %u: %s", d->config->name,
	    (unsigned long long)d->config->seed, d->step, what);
	for (unsigned i = d->step < HISTORY ? 0 : d->step - HISTORY + 1;
	    i <= d->step; i++)
		tell_step(d, i);
	tell_segments(d);
	return false;
}

/* ---- a side that misbehaves, to prove that it is seen ---- */

static void
spoil_stat(const char *kind, const struct driver *d, struct shmid_ds *ds)
{
	if (strcmp(kind, "nattch") == 0 && d->killed)
		ds->shm_nattch++;
	else if (strcmp(kind, "dest") == 0)
		ds->shm_perm.mode &= (unsigned short)~SHM_DEST;
	else if (strcmp(kind, "lpid") == 0 && ds->shm_lpid != 0)
		ds->shm_lpid++;
	else if (strcmp(kind, "time") == 0)
		ds->shm_dtime = 0;
}

static bool
answers_stat(const struct op *op)
{
	return op->kind == OP_CTL && (op->cmd == IPC_STAT ||
	    op->cmd == SHM_STAT || op->cmd == SHM_STAT_ANY);
}

void
model_spoil(struct driver *d, const struct op *op, struct result *r)
{
	const char *kind = d->config->broken;

	if (kind == NULL)
		return;
	if (answers_stat(op) && r->error == 0)
		spoil_stat(kind, d, &r->u.ds);
	if (strcmp(kind, "errno") == 0 && op->kind == OP_AT &&
	    r->error == EINVAL)
		r->error = EIDRM;
	if (strcmp(kind, "memory") == 0 && op->kind == OP_READ &&
	    d->count[OP_FORK] > 0)
		r->value ^= 1;
	if (strcmp(kind, "key") == 0 && op->kind == OP_GET && r->error == 0 &&
	    model_find(d, MIPC, (int)r->value) != NULL) {
		r->value = -1;
		r->error = ENOENT;
	}
}

/* ---- segments ---- */

struct object *
model_find(struct driver *d, int side, int id)
{
	for (int i = 0; i < d->nobject; i++)
		if (d->object[i].live && d->object[i].id[side] == id)
			return &d->object[i];
	return NULL;
}

static bool
add(struct driver *d, int kernel, int mipc, size_t size)
{
	int i = 0;

	while (i < d->nobject && d->object[i].live)
		i++;
	if (i == OBJECTS)
		harness_die("more segments than the test has room for");
	if (i == d->nobject)
		d->nobject++;
	d->object[i] = (struct object){
		.live = true, .id = { kernel, mipc }, .size = size
	};
	return true;
}

static void
retire(struct driver *d, struct object *o)
{
	o->live = false;
	memcpy(d->stale[d->nstale++ % STALE], o->id, sizeof(o->id));
}

/* What IPC_SET has made of it; the next operation may go by it. */
static void
note_owner(struct driver *d, const struct op *op)
{
	struct object *o = model_find(d, KERNEL, op->id[KERNEL]);

	for (int side = 0; o != NULL && side < SIDES; side++) {
		o->seen[side].shm_perm.uid = op->uid;
		o->seen[side].shm_perm.gid = op->gid;
	}
}

/* ---- structures ---- */

struct field {
	const char *name;
	long long (*of)(const struct shmid_ds *);
};

#define FIELD(name, member)						\
static long long							\
of_##name(const struct shmid_ds *ds)					\
{									\
	return (long long)ds->member;					\
}

FIELD(key, shm_perm.__key)
FIELD(uid, shm_perm.uid)
FIELD(gid, shm_perm.gid)
FIELD(cuid, shm_perm.cuid)
FIELD(cgid, shm_perm.cgid)
FIELD(mode, shm_perm.mode)
FIELD(segsz, shm_segsz)
FIELD(nattch, shm_nattch)
FIELD(cpid, shm_cpid)
FIELD(lpid, shm_lpid)
FIELD(atime, shm_atime)
FIELD(dtime, shm_dtime)
FIELD(ctime, shm_ctime)

static const struct field fields[] = {
	{ "key", of_key }, { "uid", of_uid }, { "gid", of_gid },
	{ "cuid", of_cuid }, { "cgid", of_cgid }, { "mode", of_mode },
	{ "segsz", of_segsz }, { "nattch", of_nattch }, { "cpid", of_cpid }
};

static const struct field lpid = { "lpid", of_lpid };

static const struct field times[] = {
	{ "atime", of_atime }, { "dtime", of_dtime }, { "ctime", of_ctime }
};

/* The name of the first field that differs, or NULL. */
static const struct field *
first_difference(const struct shmid_ds *k, const struct shmid_ds *m)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].of(k) != fields[i].of(m))
			return &fields[i];
	return NULL;
}

static bool
differ_in(struct driver *d, const struct field *f, int id,
    const struct shmid_ds *k, const struct shmid_ds *m)
{
	return model_differ(d, "segment %d: %s is %lld in the kernel, %lld in "
	    "mipc", id, f->name, f->of(k), f->of(m));
}

/*
 * The dead are settled when somebody looks, so the order in which several
 * ended, or in which one ended and others called, may be lost.  Once parted
 * so, the sides meet again when the kernel's value changes.
 */
static bool
compare_lpid(struct driver *d, struct object *o, const struct shmid_ds *k,
    const struct shmid_ds *m)
{
	const bool lost = d->ends > 0 && d->unseen > 1;

	if (k->shm_lpid == m->shm_lpid) {
		o->parted = 0;
		return true;
	}
	if (!lost && o->parted != k->shm_lpid)
		return differ_in(d, &lpid, o->id[KERNEL], k, m);
	o->parted = k->shm_lpid;
	return true;
}

static bool
compare_times(struct driver *d, struct object *o, const struct result r[SIDES])
{
	const struct shmid_ds *k = &r[KERNEL].u.ds, *m = &r[MIPC].u.ds;

	for (int i = 0; i < 3; i++) {
		const struct field *f = &times[i];
		const long long kernel = f->of(k), mipc = f->of(m);

		if (kernel != f->of(&o->seen[KERNEL]) ||
		    mipc != f->of(&o->seen[MIPC]))
			o->slack[i] = 2 + (long)(harness_now() - d->looked);
		if ((kernel == 0) != (mipc == 0) ||
		    llabs(kernel - mipc) > o->slack[i])
			return differ_in(d, f, o->id[KERNEL], k, m);
	}
	o->seen[KERNEL] = *k;
	o->seen[MIPC] = *m;
	return true;
}

/* ---- one operation's results ---- */

static bool
compare_get(struct driver *d, const struct op *op, const struct result *r)
{
	const int kernel = (int)r[KERNEL].value, mipc = (int)r[MIPC].value;
	const struct object *k = model_find(d, KERNEL, kernel);
	const struct object *m = model_find(d, MIPC, mipc);

	if (kernel == -1)
		return true;
	if (k != m)
		return model_differ(d, "shmget found one segment in the "
		    "kernel and another, or none, in mipc");
	if (kernel != mipc)
		return model_differ(d, "ids are handed out in another order");
	return k != NULL || add(d, kernel, mipc, op->size);
}

static bool
compare_limits(struct driver *d, const struct result *r)
{
	const struct shminfo *k = &r[KERNEL].u.limits, *m = &r[MIPC].u.limits;

	if (k->shmmax != m->shmmax || k->shmmin != m->shmmin ||
	    k->shmmni != m->shmmni || k->shmseg != m->shmseg ||
	    k->shmall != m->shmall)
		return model_differ(d, "IPC_INFO: max min mni seg all %lu %lu "
		    "%lu %lu %lu against %lu %lu %lu %lu %lu", k->shmmax,
		    k->shmmin, k->shmmni, k->shmseg, k->shmall, m->shmmax,
		    m->shmmin, m->shmmni, m->shmseg, m->shmall);
	return true;
}

static bool
compare_usage(struct driver *d, const struct result *r)
{
	const struct shm_info *k = &r[KERNEL].u.info, *m = &r[MIPC].u.info;

	if (k->used_ids != m->used_ids || k->shm_tot != m->shm_tot)
		return model_differ(d, "SHM_INFO: ids %d, pages %lu in the "
		    "kernel, %d and %lu in mipc", k->used_ids, k->shm_tot,
		    m->used_ids, m->shm_tot);
	return true;
}

static bool
compare_ctl(struct driver *d, const struct op *op, const struct result *r)
{
	const struct shmid_ds *k = &r[KERNEL].u.ds, *m = &r[MIPC].u.ds;
	const struct field *f;
	struct object *o;

	if (r[KERNEL].error != 0)
		return true;
	if (known_excuses(d, op, r))
		return true;
	if (op->cmd == IPC_INFO)
		return compare_limits(d, r);
	if (op->cmd == SHM_INFO)
		return compare_usage(d, r);
	if (op->cmd == IPC_SET)
		note_owner(d, op);
	if (!answers_stat(op))
		return true;
	f = first_difference(k, m);
	if (f != NULL)
		return differ_in(d, f, op->id[KERNEL], k, m);
	o = model_find(d, KERNEL, op->cmd == IPC_STAT ? op->id[KERNEL] :
	    (int)r[KERNEL].value);
	return o == NULL || compare_lpid(d, o, k, m);
}

bool
model_compare(struct driver *d, const struct op *op, struct result r[SIDES])
{
	model_spoil(d, op, &r[MIPC]);
	if (op->kind == OP_GET && r[KERNEL].error == r[MIPC].error)
		return compare_get(d, op, r);
	if (r[KERNEL].error != r[MIPC].error || r[KERNEL].value !=
	    r[MIPC].value)
		return known_excuses(d, op, r) || model_differ(d,
		    "the results differ");
	return op->kind != OP_CTL || compare_ctl(d, op, r);
}

/* ---- all that can be seen from outside ---- */

static void
look(struct driver *d, int cmd, const int id[SIDES], struct result r[SIDES])
{
	const struct op op = { .kind = OP_CTL, .cmd = cmd };

	for (int side = 0; side < SIDES; side++)
		side_control(side, id[side], &op, &r[side]);
	model_spoil(d, &op, &r[MIPC]);
}

/* Does mipc still count what the kernel no longer does? */
static bool
lags(const struct result *k, const struct result *m)
{
	if (k->error == EINVAL)
		return m->error == 0;
	return k->error == 0 && m->error == 0 &&
	    m->u.ds.shm_nattch > k->u.ds.shm_nattch;
}

/*
 * A dead process's address space goes a moment later if somebody on the
 * machine looks at it through /proc just then: look again, for a while.
 */
static void
look_settled(struct driver *d, const int id[SIDES], struct result r[SIDES])
{
	const double end = harness_now() + 2;
	_Atomic uint32_t never = 0;

	look(d, IPC_STAT, id, r);
	while (lags(&r[KERNEL], &r[MIPC]) && harness_now() < end) {
		harness_wait(&never, 0, 0.01);
		look(d, IPC_STAT, id, r);
	}
}

static bool
observe_object(struct driver *d, struct object *o)
{
	struct result r[SIDES];
	const struct field *f;

	look_settled(d, o->id, r);
	if (r[KERNEL].error == EACCES && r[MIPC].error == EACCES) {
		/* A test that is not root's: look where no mode matters. */
		const int index[SIDES] = {
			o->id[KERNEL] % INDICES, o->id[MIPC] % INDICES
		};

		look(d, SHM_STAT_ANY, index, r);
	}
	if (r[KERNEL].error != r[MIPC].error)
		return model_differ(d, "segment %d: IPC_STAT says %s in the "
		    "kernel, %s in mipc", o->id[KERNEL],
		    error_name(r[KERNEL].error),
		    error_name(r[MIPC].error));
	if (r[KERNEL].error != 0) {
		retire(d, o);
		return true;
	}
	f = first_difference(&r[KERNEL].u.ds, &r[MIPC].u.ds);
	if (f != NULL)
		return differ_in(d, f, o->id[KERNEL], &r[KERNEL].u.ds,
		    &r[MIPC].u.ds);
	return compare_lpid(d, o, &r[KERNEL].u.ds, &r[MIPC].u.ds) &&
	    compare_times(d, o, r);
}

static bool
observe_usage(struct driver *d, int *top)
{
	static const int none[SIDES] = { 0, 0 };
	struct result r[SIDES];
	int live = 0;

	look(d, SHM_INFO, none, r);
	for (int i = 0; i < d->nobject; i++)
		live += d->object[i].live;
	if (r[KERNEL].value != r[MIPC].value)
		return model_differ(d, "the highest index is %ld in the "
		    "kernel, %ld in mipc", r[KERNEL].value, r[MIPC].value);
	if (r[KERNEL].u.info.used_ids != live)
		return model_differ(d, "the kernel has %d segments, the test "
		    "knows %d", r[KERNEL].u.info.used_ids, live);
	*top = (int)r[KERNEL].value;
	return compare_usage(d, r);
}

/* Every index leads to the same segment on both sides, or to none. */
static bool
observe_indices(struct driver *d, int top)
{
	for (int i = 0; i <= top; i++) {
		const int index[SIDES] = { i, i };
		struct result r[SIDES];

		look(d, SHM_STAT, index, r);
		if (r[KERNEL].error != r[MIPC].error ||
		    model_find(d, KERNEL, (int)r[KERNEL].value) !=
		    model_find(d, MIPC, (int)r[MIPC].value))
			return model_differ(d, "index %d: id %ld (%s) in the "
			    "kernel, %ld (%s) in mipc", i, r[KERNEL].value,
			    error_name(r[KERNEL].error), r[MIPC].value,
			    error_name(r[MIPC].error));
	}
	return true;
}

bool
model_observe(struct driver *d)
{
	int top = 0;

	for (int i = 0; i < d->nobject; i++)
		if (d->object[i].live && !observe_object(d, &d->object[i]))
			return false;
	if (!observe_usage(d, &top))
		return false;
	if (d->step % EVERY_INDEX == 0 && !observe_indices(d, top))
		return false;
	d->looked = harness_now();
	d->unseen = d->ends = 0;
	return true;
}
