/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_msg_look.c - what must be equal, and how operations read.
 *
 * Ids are the same number on both sides; a process is known by its pair of
 * pids.  Of times it is compared whether there is one, and that they are not
 * far apart.
 */
#include "diff_msg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FAR_APART	60	/* seconds */

/* ---- how it reads ---- */

static void
tell_result(const struct op *op, const struct result *r, char *text,
    size_t size)
{
	if (r->error != 0)
		snprintf(text, size, "%s", error_name(r->error));
	else if (op->kind == OP_RCV)
		snprintf(text, size, "%ld of type %ld", r->value,
		    r->letter.type);
	else
		snprintf(text, size, "%ld", r->value);
}

static int
tell_op(const struct op *op, char *text, size_t size)
{
	static const char *const name[OP_KINDS] = {
		"msgget", "msgsnd", "msgrcv", "msgctl", "signal", "SIGKILL",
		"new worker"
	};

	switch (op->kind) {
	case OP_GET:
		return snprintf(text, size, "%d: msgget(%#x, 0%o)",
		    op->worker, (unsigned)op->key, (unsigned)op->flags);
	case OP_SND:
	case OP_RCV:
		return snprintf(text, size, "%d: %s(%d, type %ld, size %zd, "
		    "%#x)", op->worker, name[op->kind], op->id, op->type,
		    op->size, (unsigned)op->flags);
	case OP_CTL:
		return snprintf(text, size, "%d: msgctl(%d, %d, uid %u mode "
		    "%o qbytes %lu)", op->worker, op->id, op->cmd, op->uid,
		    op->mode, op->qbytes);
	default:
		return snprintf(text, size, "%d: %s %u", op->worker,
		    name[op->kind], op->signal);
	}
}

/* The step just made, with who answered, into the history. */
void
look_tell(struct driver *d, const struct op *op)
{
	char *text = d->past[(d->made - 1) % HISTORY], result[60];
	const size_t size = sizeof(d->past[0]);
	size_t n = (size_t)snprintf(text, size, "%u) ", d->step);

	n += (size_t)tell_op(op, text + n, size - n);
	for (int side = 0; side < SIDES; side++)
		for (int w = 0; w < WORKERS; w++) {
			if (!d->came[side][w] || n >= size)
				continue;
			tell_result(&d->asked[w],
			    &d->world->actor[side][w].result, result,
			    sizeof(result));
			n += (size_t)snprintf(text + n, size - n, "; %s %d: "
			    "%s", side == KERNEL ? "kernel" : "mipc", w,
			    result);
		}
}

/* ---- structures ---- */

static bool
same_process(const struct driver *d, long kernel, long mipc)
{
	const unsigned n = d->nlife < LIVES ? d->nlife : LIVES;

	if (kernel == 0 || mipc == 0)
		return kernel == mipc;
	for (unsigned i = 0; i < n; i++)
		if (d->life[i].pid[KERNEL] == kernel &&
		    d->life[i].pid[MIPC] == mipc)
			return true;
	return false;
}

static bool
same_time(long long kernel, long long mipc)
{
	return (kernel == 0) == (mipc == 0) && kernel - mipc < FAR_APART &&
	    mipc - kernel < FAR_APART;
}

#define SAME(d, what, k, m)						\
	((long long)(k) == (long long)(m) || drive_differ((d), what	\
	    " is %lld in the kernel, %lld in mipc", (long long)(k),	\
	    (long long)(m)))

static bool
compare_ds(struct driver *d, const struct msqid_ds *k,
    const struct msqid_ds *m)
{
	return SAME(d, "key", k->msg_perm.__key, m->msg_perm.__key) &&
	    SAME(d, "uid", k->msg_perm.uid, m->msg_perm.uid) &&
	    SAME(d, "gid", k->msg_perm.gid, m->msg_perm.gid) &&
	    SAME(d, "cuid", k->msg_perm.cuid, m->msg_perm.cuid) &&
	    SAME(d, "cgid", k->msg_perm.cgid, m->msg_perm.cgid) &&
	    SAME(d, "mode", k->msg_perm.mode, m->msg_perm.mode) &&
	    SAME(d, "qnum", k->msg_qnum, m->msg_qnum) &&
	    SAME(d, "cbytes", k->msg_cbytes, m->msg_cbytes) &&
	    SAME(d, "qbytes", k->msg_qbytes, m->msg_qbytes) &&
	    (same_process(d, k->msg_lspid, m->msg_lspid) ||
	    drive_differ(d, "lspid is another process")) &&
	    (same_process(d, k->msg_lrpid, m->msg_lrpid) ||
	    drive_differ(d, "lrpid is another process")) &&
	    (same_time(k->msg_stime, m->msg_stime) ||
	    drive_differ(d, "stime is another")) &&
	    (same_time(k->msg_rtime, m->msg_rtime) ||
	    drive_differ(d, "rtime is another")) &&
	    (same_time(k->msg_ctime, m->msg_ctime) ||
	    drive_differ(d, "ctime is another"));
}

static bool
compare_info(struct driver *d, const struct msginfo *k,
    const struct msginfo *m)
{
	return SAME(d, "msgmax", k->msgmax, m->msgmax) &&
	    SAME(d, "msgmnb", k->msgmnb, m->msgmnb) &&
	    SAME(d, "msgmni", k->msgmni, m->msgmni) &&
	    SAME(d, "msgpool", k->msgpool, m->msgpool) &&
	    SAME(d, "msgmap", k->msgmap, m->msgmap) &&
	    SAME(d, "msgtql", k->msgtql, m->msgtql) &&
	    SAME(d, "msgssz", k->msgssz, m->msgssz) &&
	    SAME(d, "msgseg", k->msgseg, m->msgseg);
}

/* ---- what is known to differ: rows of mipc(7) ---- */

static bool
is_stranger(const struct op *op, const struct result *k,
    const struct result *m)
{
	return side_uid(op->worker) != geteuid() && op->kind == OP_CTL &&
	    op->cmd == MSG_STAT_ANY && m->error == 0 &&
	    k->value == m->value && m->u.ds.msg_ctime == 0 &&
	    k->u.ds.msg_perm.uid == m->u.ds.msg_perm.uid;
}

/* Of queues that one may not open the messages do not count. */
static bool
is_part_of_sum(const struct op *op, const struct result *k,
    const struct result *m)
{
	const struct msginfo *all = &k->u.info, *part = &m->u.info;

	return side_uid(op->worker) != geteuid() && op->kind == OP_CTL &&
	    op->cmd == MSG_INFO && k->error == 0 && m->error == 0 &&
	    k->value == m->value && part->msgpool == all->msgpool &&
	    part->msgmap <= all->msgmap && part->msgtql <= all->msgtql;
}

static bool
known_excuses(const struct driver *d, const struct op *op,
    const struct result *k, const struct result *m)
{
	return d->config->store == STORE_DIR &&
	    (is_stranger(op, k, m) || is_part_of_sum(op, k, m));
}

/* ---- answers ---- */

static bool
compare_result(struct driver *d, const struct op *op,
    const struct result *k, const struct result *m)
{
	char kernel[60], mipc[60];

	tell_result(op, k, kernel, sizeof(kernel));
	tell_result(op, m, mipc, sizeof(mipc));
	if (known_excuses(d, op, k, m))
		return true;
	if (strcmp(kernel, mipc) != 0)
		return drive_differ(d, "worker %d: kernel %s, mipc %s",
		    op->worker, kernel, mipc);
	if (k->error != 0)
		return true;
	if (op->kind == OP_RCV && k->value <= ROOM &&
	    memcmp(k->letter.text, m->letter.text, (size_t)k->value) != 0)
		return drive_differ(d, "worker %d: another message",
		    op->worker);
	if (op->kind != OP_CTL || op->cmd == IPC_SET || op->cmd == IPC_RMID)
		return true;
	return op->cmd == IPC_INFO || op->cmd == MSG_INFO ?
	    compare_info(d, &k->u.info, &m->u.info) :
	    compare_ds(d, &k->u.ds, &m->u.ds);
}

/* What the driver learns from an answer: queues made and removed. */
static void
note_result(struct driver *d, const struct op *op, const struct result *r)
{
	int at = -1, known = -1;

	for (int i = 0; i < OBJECTS; i++) {
		if (d->id[i] == -1)
			at = i;
		if (d->id[i] == (op->kind == OP_GET ? r->value : op->id))
			known = i;
	}
	if (op->kind == OP_GET && known == -1 && at != -1)
		d->id[at] = (int)r->value;
	if (op->kind == OP_CTL && op->cmd == IPC_RMID && known != -1) {
		d->stale[d->nstale++ % STALE] = op->id;
		d->id[known] = -1;
	}
}

bool
look_results(struct driver *d)
{
	if (user_heartbeats() != 0)
		return drive_differ(d, "a wake was lost: a heartbeat found it");
	for (int w = 0; w < WORKERS; w++) {
		const struct result *k = &d->world->actor[KERNEL][w].result;
		const struct result *m = &d->world->actor[MIPC][w].result;

		if (d->came[KERNEL][w] != d->came[MIPC][w])
			return drive_differ(d, "worker %d sleeps in %s only",
			    w, d->came[KERNEL][w] ? "mipc" : "the kernel");
		if (!d->came[KERNEL][w])
			continue;
		if (!compare_result(d, &d->asked[w], k, m))
			return false;
		if (k->error == 0)
			note_result(d, &d->asked[w], k);
	}
	return true;
}

/* ---- all that can be seen from outside ---- */

static bool
look_by(struct driver *d, struct op *op)
{
	struct result r[SIDES];

	op->worker = -1;
	for (int side = 0; side < SIDES; side++)
		side_run(d->world, side, op, &r[side]);
	return compare_result(d, op, &r[KERNEL], &r[MIPC]);
}

static bool
look_at(struct driver *d, int id, bool inside)
{
	struct op op = { .kind = OP_CTL, .id = id, .cmd = IPC_STAT };
	struct result r;

	if (!look_by(d, &op))
		return false;
	side_run(d->world, KERNEL, &op, &r);
	op.kind = OP_RCV;
	op.size = ROOM;
	op.flags = MSG_COPY | IPC_NOWAIT;
	for (; inside && op.type <= (long)r.u.ds.msg_qnum; op.type++)
		if (!look_by(d, &op))
			return false;
	return true;
}

bool
look_everywhere(struct driver *d)
{
	struct op op = { .kind = OP_CTL, .cmd = MSG_INFO };
	const bool all = d->step % 8 == 0;

	if (d->step % d->config->observe != 0)
		return true;
	for (int i = 0; i < OBJECTS; i++)
		if (d->id[i] != -1 && !look_at(d, d->id[i], all))
			return false;
	return look_by(d, &op);
}
