/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_msg_model.c - message queues as the clauses have them, without
 * processes: a third witness, and a side that can be made to lie.
 *
 * It stands where the mailboxes of mipc's workers are: an order is carried
 * out at once, and whoever comes answers at once.
 */
#include "diff_msg.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CYCLE		64	/* indices are handed out in turn up to here */
#define NO_PIDS		(1 << 24)	/* above any process's */
#define MOST		4096	/* messages of a queue */

struct queue {
	bool used;
	int id;
	struct msqid_ds ds;	/* without qnum and cbytes */
	unsigned n;
	struct post {
		struct letter letter;
		size_t size;
	} post[MOST];
};

/* One who sleeps: in a receive or a send, by the worker. */
struct sleeper {
	struct queue *queue;	/* NULL: nobody sleeps here */
	unsigned long since;	/* the order of arrival */
	struct op op;
};

static struct {
	struct world *world;
	struct queue queue[OBJECTS];
	struct sleeper sleeper[WORKERS];
	unsigned long clock;	/* arrivals */
	int last_index, sequence;
	pid_t last_pid;
} model;

static bool
lies(const char *kind)
{
	return strcmp(model.world->broken, kind) == 0;
}

/* ---- queues ---- */

static struct queue *
find_index(int index)
{
	for (int i = 0; i < OBJECTS; i++)
		if (model.queue[i].used &&
		    model.queue[i].id % INDICES == index)
			return &model.queue[i];
	return NULL;
}

static struct queue *
find(int id)
{
	struct queue *q = find_index(id % INDICES);

	return q != NULL && q->id == id ? q : NULL;
}

static int
count_queues(void)
{
	int n = 0;

	for (int i = 0; i < OBJECTS; i++)
		n += model.queue[i].used;
	return n;
}

static size_t
bytes_in(const struct queue *q)
{
	size_t sum = 0;

	for (unsigned i = 0; i < q->n; i++)
		sum += q->post[i].size;
	return sum;
}

static unsigned
gid_of(int worker)
{
	return side_uid(worker) == NOBODY ? NOBODY : getegid();
}

/* Do the permission bits of flags lack, folded over all classes? */
static bool
forbids(const struct queue *q, int worker, int flags)
{
	const struct ipc_perm *p = &q->ds.msg_perm;
	const unsigned uid = side_uid(worker), gid = gid_of(worker);
	const unsigned asked = ((unsigned)flags >> 6 | (unsigned)flags >> 3 |
	    (unsigned)flags) & 7;
	unsigned granted = p->mode;

	if (uid == p->uid || uid == p->cuid)
		granted >>= 6;
	else if (gid == p->gid || gid == p->cgid)
		granted >>= 3;
	return (asked & ~granted & 7) != 0 && uid != 0;
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
	const int in_use = count_queues();
	struct queue *q = model.queue;
	struct ipc_perm *p;

	if (can.admin && in_use >= MSGMNI_HERE)
		return ENOSPC;
	while (q->used)
		q++;
	memset(q, 0, sizeof(*q));
	q->id = new_id(in_use);
	q->used = true;
	q->ds.msg_ctime = time(NULL);
	q->ds.msg_qbytes = can.admin ? MSGMNB_HERE : 16384;
	p = &q->ds.msg_perm;
	p->__key = op->key;
	p->mode = op->flags & 0777;
	p->uid = p->cuid = side_uid(op->worker);
	p->gid = p->cgid = gid_of(op->worker);
	r->value = q->id;
	return 0;
}

static int
get(const struct op *op, struct result *r)
{
	struct queue *q = NULL;

	for (int i = 0; i < OBJECTS && op->key != IPC_PRIVATE; i++)
		if (model.queue[i].used &&
		    model.queue[i].ds.msg_perm.__key == op->key)
			q = &model.queue[i];
	if (q == NULL)
		return op->key == IPC_PRIVATE || (op->flags & IPC_CREAT) != 0 ?
		    make(op, r) : ENOENT;
	if ((op->flags & IPC_CREAT) != 0 && (op->flags & IPC_EXCL) != 0)
		return EEXIST;
	r->value = q->id;
	return forbids(q, op->worker, op->flags) ? EACCES : 0;
}

/* ---- answers of those who slept ---- */

static struct result *
result_of(int worker)
{
	return &model.world->actor[MIPC][worker].result;
}

static void
leave(int worker, long value, int error)
{
	struct result *r = result_of(worker);

	model.sleeper[worker].queue = NULL;
	r->value = error != 0 ? -1 : value;
	r->error = error;
	atomic_store(&model.world->actor[MIPC][worker].answer, 1);
}

/* The next after `at` in the order of arrival, or against it; or -1. */
static int
next_sleeper(const struct queue *q, enum op_kind kind, unsigned long at,
    bool back)
{
	int next = -1;

	for (int w = 0; w < WORKERS; w++) {
		const struct sleeper *l = &model.sleeper[w];

		if (l->queue != q || l->op.kind != kind || l->since == at ||
		    (l->since < at) != back)
			continue;
		if (next == -1 ||
		    (l->since > model.sleeper[next].since) == back)
			next = w;
	}
	return next;
}

/* ---- messages ---- */

static bool
matches(const struct op *op, long type)
{
	const long most = op->type == LONG_MIN ? LONG_MAX : -op->type;

	if (op->type == 0)
		return true;
	if (op->type < 0)
		return lies("the bound itself") ? type < most : type <= most;
	return (type == op->type) ==
	    ((op->flags & MSG_EXCEPT) == 0 || lies("MSG_EXCEPT"));
}

/* Which message, or -1. */
static int
choose(const struct queue *q, const struct op *op)
{
	int found = -1;

	if ((op->flags & MSG_COPY) != 0)
		return op->type >= 0 && (size_t)op->type < q->n ?
		    (int)op->type : -1;
	for (unsigned i = 0; i < q->n; i++) {
		const long type = q->post[i].letter.type;

		if (!matches(op, type))
			continue;
		if (found == -1 || (op->type < 0 && !lies("the lowest") &&
		    type < q->post[found].letter.type))
			found = (int)i;
	}
	return found;
}

static long
hand(const struct op *op, const struct post *post, struct result *r)
{
	const size_t size = post->size < op->size ? post->size : op->size;

	r->letter.type = post->letter.type;
	memcpy(r->letter.text, post->letter.text, size);
	return (long)size;
}

static void
mark_received(struct queue *q, int worker)
{
	if (!lies("lrpid"))
		q->ds.msg_lrpid = model.world->actor[MIPC][worker].pid;
	q->ds.msg_rtime = time(NULL);
}

/* To the first who waits for it; false: nobody does. */
static bool
hand_over(struct queue *q, const struct post *post)
{
	const bool lifo = lies("the first who waits");
	unsigned long at = lifo ? ULONG_MAX : 0;
	int w;

	while ((w = next_sleeper(q, OP_RCV, at, lifo)) != -1) {
		const struct op *op = &model.sleeper[w].op;

		at = model.sleeper[w].since;
		if (!matches(op, post->letter.type))
			continue;
		if (post->size > op->size && (op->flags & MSG_NOERROR) == 0) {
			if (lies("E2BIG to who sleeps"))
				continue;
			leave(w, -1, E2BIG);
			continue;
		}
		mark_received(q, w);
		leave(w, hand(op, post, result_of(w)), 0);
		return true;
	}
	return false;
}

static bool
fits(const struct queue *q, size_t size)
{
	return bytes_in(q) + size <= q->ds.msg_qbytes &&
	    (q->n + 1 <= q->ds.msg_qbytes || lies("the number of messages"));
}

static void
deliver(struct queue *q, const struct op *op)
{
	struct post post = { .size = op->size };

	post.letter.type = op->type;
	side_fill(post.letter.text, op->size, op->seed);
	q->ds.msg_lspid = model.world->actor[MIPC][op->worker].pid;
	q->ds.msg_stime = time(NULL);
	if (lies("who sleeps") || !hand_over(q, &post))
		q->post[q->n++] = post;
}

/* There is room, or there are other rights: those who fit go on. */
static void
serve_senders(struct queue *q)
{
	unsigned long at = 0;
	int w;

	while ((w = next_sleeper(q, OP_SND, at, false)) != -1) {
		const struct op op = model.sleeper[w].op;

		at = model.sleeper[w].since;
		if (!fits(q, op.size))
			continue;
		if (forbids(q, w, 0222) && !lies("rights of who sleeps")) {
			leave(w, -1, EACCES);
			continue;
		}
		leave(w, 0, 0);
		deliver(q, &op);
	}
}

#define SLEEPS	(-1)

static int
doze(struct queue *q, const struct op *op)
{
	model.sleeper[op->worker] = (struct sleeper){
		.queue = q, .since = ++model.clock, .op = *op
	};
	return SLEEPS;
}

static int
snd(const struct op *op)
{
	struct queue *q = find(op->id);

	if (op->size > (can.admin ? MSGMAX_HERE : 8192) || op->type < 1 ||
	    q == NULL)
		return EINVAL;
	if (forbids(q, op->worker, 0222))
		return EACCES;
	if (!fits(q, op->size))
		return (op->flags & IPC_NOWAIT) != 0 ? EAGAIN : doze(q, op);
	deliver(q, op);
	return 0;
}

/* A receiver's own look, and what it takes. */
static int
fetch(struct queue *q, const struct op *op, struct result *r)
{
	const int at = choose(q, op);
	struct post post;

	if (at == -1)
		return ENOMSG;
	post = q->post[at];
	if (post.size > op->size && ((op->flags & MSG_NOERROR) == 0 ||
	    lies("MSG_NOERROR")))
		return E2BIG;
	if (post.size > op->size && (op->flags & MSG_COPY) != 0)
		return EINVAL;
	r->value = hand(op, &post, r);
	if ((op->flags & MSG_COPY) != 0)
		return 0;
	q->n--;
	memmove(&q->post[at], &q->post[at + 1], (q->n - (unsigned)at) *
	    sizeof(post));
	mark_received(q, op->worker);
	if (!lies("room"))
		serve_senders(q);
	return 0;
}

static int
rcv(const struct op *op, struct result *r)
{
	struct queue *q = find(op->id);
	int error;

	if (op->size > LONG_MAX || q == NULL)
		return EINVAL;
	if ((op->flags & MSG_COPY) != 0 && ((op->flags & MSG_EXCEPT) != 0 ||
	    (op->flags & IPC_NOWAIT) == 0))
		return EINVAL;
	if (forbids(q, op->worker, 0444))
		return EACCES;
	error = fetch(q, op, r);
	return error == ENOMSG && (op->flags & IPC_NOWAIT) == 0 ?
	    doze(q, op) : error;
}

/* ---- msgctl ---- */

static int
info(const struct op *op, struct result *r)
{
	struct msginfo *i = &r->u.info;

	*i = (struct msginfo){
		.msgpool = 512000, .msgmap = 16384, .msgssz = 16,
		.msgtql = 16384, .msgseg = 65535,
		.msgmax = can.admin ? MSGMAX_HERE : 8192,
		.msgmnb = can.admin ? MSGMNB_HERE : 16384,
		.msgmni = can.admin ? MSGMNI_HERE : 32000
	};
	if (op->cmd == MSG_INFO)
		i->msgpool = i->msgmap = i->msgtql = 0;
	for (int k = 0; k < OBJECTS; k++) {
		const struct queue *q = &model.queue[k];

		if (!q->used)
			continue;
		if (q->id % INDICES > r->value)
			r->value = q->id % INDICES;
		if (op->cmd != MSG_INFO)
			continue;
		i->msgpool++;
		i->msgmap += (int)q->n;
		i->msgtql += (int)bytes_in(q);
	}
	return 0;
}

static int
stat(const struct op *op, struct result *r)
{
	const struct queue *q = op->cmd == IPC_STAT ? find(op->id) :
	    find_index(op->id);

	if (q == NULL)
		return EINVAL;
	if (op->cmd != MSG_STAT_ANY && forbids(q, op->worker, 0444))
		return EACCES;
	r->u.ds = q->ds;
	r->u.ds.msg_qnum = q->n;
	r->u.ds.msg_cbytes = bytes_in(q);
	r->value = op->cmd == IPC_STAT ? 0 : q->id;
	return 0;
}

static void
end_queue(struct queue *q)
{
	for (int w = 0; w < WORKERS; w++)
		if (model.sleeper[w].queue == q)
			leave(w, -1, lies("EIDRM") ? EINVAL : EIDRM);
	q->used = false;
}

/* Sleepers are judged again: receivers by right, senders by room too. */
static void
judge_again(struct queue *q)
{
	for (int w = 0; w < WORKERS; w++)
		if (model.sleeper[w].queue == q &&
		    model.sleeper[w].op.kind == OP_RCV &&
		    forbids(q, w, 0444) && !lies("rights of who sleeps"))
			leave(w, -1, EACCES);
	serve_senders(q);
}

static int
change(const struct op *op)
{
	struct queue *q = find(op->id);
	const unsigned uid = side_uid(op->worker);
	struct ipc_perm *p;

	if (q == NULL)
		return EINVAL;
	p = &q->ds.msg_perm;
	if (uid != p->uid && uid != p->cuid && uid != 0)
		return EPERM;
	if (op->cmd == IPC_RMID) {
		end_queue(q);
		return 0;
	}
	p->uid = p->gid = op->uid;
	p->mode = (p->mode & ~0777u) | (op->mode & 0777u);
	q->ds.msg_qbytes = op->qbytes;
	q->ds.msg_ctime = time(NULL);
	judge_again(q);
	return 0;
}

static int
control(const struct op *op, struct result *r)
{
	if (op->id < 0)
		return EINVAL;
	switch (op->cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return info(op, r);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return stat(op, r);
	case IPC_SET:
	case IPC_RMID:
		return change(op);
	default:
		return EINVAL;
	}
}

/* ---- orders ---- */

/* An errno, 0 or SLEEPS. */
static int
run(const struct op *op, struct result *r)
{
	memset(r, 0, sizeof(*r));
	switch (op->kind) {
	case OP_GET:
		return get(op, r);
	case OP_SND:
		return snd(op);
	case OP_RCV:
		return rcv(op, r);
	default:
		return control(op, r);
	}
}

void
model_run(const struct op *op, struct result *r)
{
	r->error = run(op, r);
	if (r->error != 0)
		r->value = -1;
}

static void
call(const struct op *op)
{
	struct result *r = result_of(op->worker);
	const int error = run(op, r);

	if (error != SLEEPS)
		leave(op->worker, r->value, error);
}

/* Who was stopped makes the same call anew. */
static void
interrupt(const struct op *op)
{
	const struct sleeper l = model.sleeper[op->worker];

	if (op->signal == SIGNAL_STOP) {
		model.sleeper[op->worker].queue = NULL;
		call(&l.op);
	} else if (op->signal != SIGNAL_IGNORED &&
	    (op->signal != SIGNAL_RESTART || !lies("SA_RESTART"))) {
		leave(op->worker, -1, EINTR);
	}
}

void
model_give(const struct op *op)
{
	if (op->kind == OP_KILL)
		model.sleeper[op->worker].queue = NULL;
	else if (op->kind == OP_SIGNAL)
		interrupt(op);
	else
		call(op);
}

void
model_bear(int worker)
{
	model.world->actor[MIPC][worker].pid = ++model.last_pid;
}

void
model_open(struct world *w)
{
	memset(&model, 0, sizeof(model));
	model.world = w;
	model.last_index = -1;
	model.last_pid = NO_PIDS;
}
