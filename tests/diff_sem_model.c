/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_model.c - the model's sets, workers and calls.
 */
#include "diff_sem_model.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CYCLE		64	/* indices are handed out in turn up to here */
#define SETS		32000	/* where the limits cannot be set */
#define SEMAPHORES	1024000000
#define OPERATIONS	500
#define NO_PIDS		(1 << 24)	/* above any process's */

struct model model;

bool
model_lies(const char *kind)
{
	const char *broken = model.d->config->broken;

	return broken != NULL && strcmp(broken, kind) == 0;
}

void
model_answer(int worker, int thread, long value, int error)
{
	struct actor *a = &model.d->world->worker[MIPC][worker].actor[thread];

	a->result.value = value;
	a->result.error = error;
	atomic_store(&a->answer, 1);
}

/* ---- sets ---- */

struct set *
model_find(int id)
{
	for (int i = 0; i < OBJECTS; i++)
		if (model.set[i].used && model.set[i].id == id)
			return &model.set[i];
	return NULL;
}

static struct set *
find_index(int index)
{
	for (int i = 0; i < OBJECTS; i++)
		if (model.set[i].used && model.set[i].id % INDICES == index)
			return &model.set[i];
	return NULL;
}

static unsigned
uid_of(int worker)
{
	return worker == -1 ? geteuid() : model.uid[worker];
}

bool
model_forbids(const struct set *s, int worker, int flags)
{
	const struct ipc_perm *p = &s->ds.sem_perm;
	const unsigned uid = uid_of(worker);
	int wanted = (flags >> 6 | flags >> 3 | flags) & 7;
	int granted = p->mode;

	/* Everybody's gid is his uid here, or that of the driver. */
	if (uid == p->uid || uid == p->cuid)
		granted >>= 6;
	else if ((uid == NOBODY ? NOBODY : getegid()) == p->gid ||
	    (uid == NOBODY ? NOBODY : getegid()) == p->cgid)
		granted >>= 3;
	return (wanted & ~granted) != 0 && uid != 0;
}

static void
count(int *sets, int *semaphores, int *top)
{
	*sets = *semaphores = *top = 0;
	for (int i = 0; i < OBJECTS; i++) {
		const struct set *s = &model.set[i];

		if (!s->used)
			continue;
		++*sets;
		*semaphores += (int)s->ds.sem_nsems;
		if (s->id % INDICES > *top)
			*top = s->id % INDICES;
	}
}

/* Indices go round, so that an id does not come back soon. */
static int
new_id(int in_use)
{
	const int end = in_use * 3 / 2 > CYCLE ? in_use * 3 / 2 : CYCLE;
	int index = model.last_index;

	do {
		index = (index + 1) % end;
	} while (find_index(index) != NULL);
	model.sequence += index <= model.last_index;
	model.last_index = index;
	return model.sequence * INDICES + index;
}

static int
make(const struct op *op, struct result *r)
{
	int sets, semaphores, top;
	struct set *s = model.set;

	count(&sets, &semaphores, &top);
	if (op->nsems == 0)
		return EINVAL;
	if (can.admin && (semaphores + op->nsems > SEMMNS_HERE ||
	    sets >= SEMMNI_HERE))
		return ENOSPC;
	while (s->used)
		s++;
	memset(s, 0, sizeof(*s));
	s->id = new_id(sets);
	s->used = true;
	s->ds.sem_nsems = (unsigned)op->nsems;
	s->ds.sem_ctime = time(NULL);
	s->ds.sem_perm.__key = op->key;
	s->ds.sem_perm.mode = op->flags & 0777;
	s->ds.sem_perm.uid = s->ds.sem_perm.cuid = uid_of(op->worker);
	s->ds.sem_perm.gid = s->ds.sem_perm.cgid =
	    uid_of(op->worker) == NOBODY ? NOBODY : getegid();
	r->value = s->id;
	return 0;
}

static int
get(const struct op *op, struct result *r)
{
	struct set *s = NULL;

	if (op->nsems < 0 || op->nsems > (can.admin ? SEMMSL_HERE : SETS))
		return EINVAL;
	for (int i = 0; i < OBJECTS && op->key != IPC_PRIVATE; i++)
		if (model.set[i].used &&
		    model.set[i].ds.sem_perm.__key == op->key)
			s = &model.set[i];
	if (s == NULL)
		return op->key == IPC_PRIVATE || (op->flags & IPC_CREAT) != 0 ?
		    make(op, r) : ENOENT;
	if ((op->flags & IPC_CREAT) != 0 && (op->flags & IPC_EXCL) != 0)
		return EEXIST;
	if (op->nsems > (int)s->ds.sem_nsems)
		return EINVAL;
	r->value = s->id;
	return model_forbids(s, op->worker, op->flags) ? EACCES : 0;
}

/* ---- semctl ---- */

/* How `worker` sees it; -1 is the driver. */
struct request {
	int worker, id, num, cmd;
	union semun arg;
};

static int
info(const struct request *q, struct result *r)
{
	struct seminfo *i = q->arg.__buf;
	int sets, semaphores, top;

	count(&sets, &semaphores, &top);
	if (i == NULL)
		return EFAULT;
	*i = (struct seminfo){
		.semmap = SEMAPHORES, .semmnu = SEMAPHORES, .semume = 500,
		.semvmx = TOP, .semaem = TOP, .semusz = 20,
		.semmsl = can.admin ? SEMMSL_HERE : SETS,
		.semmns = can.admin ? SEMMNS_HERE : SEMAPHORES,
		.semopm = can.admin ? SEMOPM_HERE : OPERATIONS,
		.semmni = can.admin ? SEMMNI_HERE : SETS
	};
	if (q->cmd == SEM_INFO) {
		i->semusz = sets;
		i->semaem = semaphores;
	}
	r->value = top;
	return 0;
}

static int
stat(const struct request *q, struct result *r)
{
	const struct set *s = q->cmd == IPC_STAT ? model_find(q->id) :
	    find_index(q->id % INDICES);

	if (s == NULL)
		return EINVAL;
	if (q->cmd != SEM_STAT_ANY && model_forbids(s, q->worker, 0444))
		return EACCES;
	if (q->arg.buf == NULL)
		return EFAULT;
	*q->arg.buf = s->ds;
	r->value = q->cmd == IPC_STAT ? 0 : s->id;
	return 0;
}

static void
void_debts(struct set *s, int num)
{
	for (int w = 0; w < WORKERS; w++)
		for (int i = 0; i < (int)s->ds.sem_nsems; i++)
			if (num == -1 || num == i)
				s->debt[w][i] = 0;
}

static int
set_value(const struct request *q)
{
	struct set *s;

	if (q->arg.val < 0 || q->arg.val > TOP)
		return ERANGE;
	s = model_find(q->id);
	if (s == NULL || q->num < 0 || q->num >= (int)s->ds.sem_nsems)
		return EINVAL;
	if (model_forbids(s, q->worker, 0222))
		return EACCES;
	if (!model_lies("debts at SETVAL"))
		void_debts(s, q->num);
	s->value[q->num] = q->arg.val;
	s->pid[q->num] = model.pid[q->worker];
	s->ds.sem_ctime = time(NULL);
	queue_serve(s, NULL);
	return 0;
}

static int
set_all(const struct request *q, struct set *s)
{
	if (q->arg.array == NULL)
		return EFAULT;
	for (int i = 0; i < (int)s->ds.sem_nsems; i++)
		if (q->arg.array[i] > TOP)
			return ERANGE;
	for (int i = 0; i < (int)s->ds.sem_nsems; i++) {
		s->value[i] = q->arg.array[i];
		s->pid[i] = model.pid[q->worker];
	}
	if (!model_lies("debts at SETALL"))
		void_debts(s, -1);
	s->ds.sem_ctime = time(NULL);
	queue_serve(s, NULL);
	return 0;
}

static int
get_all(const struct request *q, const struct set *s)
{
	if (q->arg.array == NULL)
		return EFAULT;
	for (int i = 0; i < (int)s->ds.sem_nsems; i++)
		q->arg.array[i] = (unsigned short)s->value[i];
	return 0;
}

static int
values(const struct request *q, struct result *r)
{
	struct set *s = model_find(q->id);

	if (s == NULL)
		return EINVAL;
	if (model_forbids(s, q->worker, q->cmd == SETALL ? 0222 : 0444))
		return EACCES;
	if (q->cmd == SETALL)
		return set_all(q, s);
	if (q->cmd == GETALL)
		return get_all(q, s);
	if (q->num < 0 || q->num >= (int)s->ds.sem_nsems)
		return EINVAL;
	r->value = q->cmd == GETVAL ? s->value[q->num] :
	    q->cmd == GETPID ? s->pid[q->num] :
	    queue_count(s, q->num, q->cmd == GETZCNT);
	return 0;
}

static int
change(const struct request *q)
{
	struct set *s = model_find(q->id);
	const unsigned uid = uid_of(q->worker);
	struct ipc_perm *p;

	if (q->cmd == IPC_SET && q->arg.buf == NULL)
		return EFAULT;
	if (s == NULL)
		return EINVAL;
	p = &s->ds.sem_perm;
	if (uid != p->uid && uid != p->cuid && uid != 0)
		return EPERM;
	if (q->cmd == IPC_RMID) {
		queue_empty(s);
		s->used = false;
		return 0;
	}
	p->uid = q->arg.buf->sem_perm.uid;
	p->gid = q->arg.buf->sem_perm.gid;
	p->mode = (p->mode & ~0777u) | (q->arg.buf->sem_perm.mode & 0777u);
	s->ds.sem_ctime = time(NULL);
	return 0;
}

static int
control(const struct request *q, struct result *r)
{
	if (q->id < 0)
		return EINVAL;
	switch (q->cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return info(q, r);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return stat(q, r);
	case SETVAL:
		return set_value(q);
	case SETALL:
	case GETALL:
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return values(q, r);
	case IPC_SET:
	case IPC_RMID:
		return change(q);
	default:
		return EINVAL;
	}
}

/* As a worker calls it. */
static int
control_op(const struct op *op, struct result *r)
{
	unsigned short array[BIG] = { 0 };
	struct request q = {
		.worker = op->worker, .id = op->id[MIPC], .num = op->num,
		.cmd = op->cmd
	};
	int error;

	r->u.ds.sem_perm.uid = op->uid;
	r->u.ds.sem_perm.gid = op->gid;
	r->u.ds.sem_perm.mode = (unsigned short)op->mode;
	q.arg.buf = &r->u.ds;
	if (op->cmd == SETALL)
		side_fill(op, array);
	if (op->cmd == SETALL || op->cmd == GETALL)
		q.arg.array = array;
	if (op->null)
		q.arg.buf = NULL;
	if (op->cmd == SETVAL)
		q.arg.val = op->value;
	error = control(&q, r);
	if (op->cmd == GETALL && error == 0)
		r->digest = side_digest(array, op->nsems);
	return error;
}

/* ---- workers ---- */

static bool
bear(struct driver *d, int side, int child)
{
	model.pid[child] = ++model.last_pid;
	model.uid[child] = geteuid();
	d->world->worker[side][child].pid = model.pid[child];
	for (int i = 0; i < OBJECTS; i++) {
		model.set[i].debtor[child] = false;
		memset(model.set[i].debt[child], 0,
		    sizeof(model.set[i].debt[child]));
	}
	return true;
}

static bool
beget(struct driver *d, int side, const struct op *op)
{
	bear(d, side, op->child);
	model.uid[op->child] = model.uid[op->worker];
	for (int i = 0; i < OBJECTS && model_lies("fork"); i++) {
		struct set *s = &model.set[i];

		s->debtor[op->child] = s->debtor[op->worker];
		memcpy(s->debt[op->child], s->debt[op->worker],
		    sizeof(s->debt[op->child]));
	}
	model_answer(op->worker, op->thread, 0, 0);
	return true;
}

/* The sleepers of a worker that ends are gone; no one is told. */
static void
vanish(int worker)
{
	for (int t = 0; t < THREADS; t++)
		model.sleeper[worker][t].set = NULL;
}

static void
end(struct driver *d, const struct op *op)
{
	if (op->kind == OP_THREAD_END) {
		model.sleeper[op->worker][op->thread].set = NULL;
		for (int t = 0; t < THREADS; t++)
			if (t != op->thread &&
			    d->member[op->worker].thread[t] &&
			    !model_lies("the end of a thread"))
				return;
	} else {
		vanish(op->worker);
	}
	if (op->kind == OP_KILL && model_lies("debts at SIGKILL"))
		return;
	queue_settle(op->worker);
}

static void
interrupt(const struct op *op, struct result *nested)
{
	for (int t = 0; t < THREADS; t++) {
		struct sleeper *l = &model.sleeper[op->worker][t];

		if (l->set == NULL ||
		    (t != op->thread && op->signal != SIGNAL_STOP))
			continue;
		if (op->signal == SIGNAL_RESTART && model_lies("SA_RESTART"))
			continue;
		if (op->signal == SIGNAL_JUMPS)
			queue_leave(l, JUMPED, 0);
		else
			queue_leave(l, -1, EINTR);
	}
	if (op->signal == SIGNAL_CALLS)
		queue_semop(op, nested);
}

/* The C library makes every thread change, by a signal of its own. */
static void
set_uid(int worker)
{
	model.uid[worker] = NOBODY;
	for (int t = 0; t < THREADS; t++)
		if (model.sleeper[worker][t].set != NULL)
			queue_leave(&model.sleeper[worker][t], -1, EINTR);
}

static void
call(struct driver *d, const struct op *op)
{
	struct result *r =
	    &d->world->worker[MIPC][op->worker].actor[op->thread].result;
	int error = 0;

	memset(r, 0, sizeof(*r));
	if (op->kind == OP_SEMOP) {
		queue_semop(op, NULL);
		return;
	}
	if (op->kind == OP_GET)
		error = get(op, r);
	else if (op->kind == OP_CTL)
		error = control_op(op, r);
	else if (op->kind == OP_SETUID)
		set_uid(op->worker);
	model_answer(op->worker, op->thread, error != 0 ? -1 : r->value,
	    error);
}

static bool
give(struct driver *d, int side, const struct op *op)
{
	struct actor *a = &d->world->worker[side][op->worker].actor[
	    op->thread];

	switch (op->kind) {
	case OP_FORK:
		return beget(d, side, op);
	case OP_EXEC:
		vanish(op->worker);
		if (model_lies("exec"))
			queue_settle(op->worker);
		break;
	case OP_EXIT:
	case OP_VANISH:
	case OP_KILL:
	case OP_THREAD_END:
		end(d, op);
		break;
	case OP_SIGNAL:
		memset(&a->nested_result, 0, sizeof(a->nested_result));
		if (op->signal != SIGNAL_IGNORED)
			interrupt(op, &a->nested_result);
		break;
	default:
		call(d, op);
		break;
	}
	return true;
}

static int
ctl(int side, int id, int num, int cmd, union semun arg)
{
	const struct request q = { -1, id, num, cmd, arg };
	struct result r = { .value = 0 };
	const int error = control(&q, &r);

	(void)side;
	errno = error;
	return error != 0 ? -1 : (int)r.value;
}

const struct hand hand_model = { bear, give, ctl };

void
model_open(struct driver *d)
{
	memset(&model, 0, sizeof(model));
	model.d = d;
	model.last_index = -1;
	model.last_pid = NO_PIDS;
}
