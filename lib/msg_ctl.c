/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_ctl.c - msgctl: clauses M3, M9, M11, M12 and G4-G8.
 */
#include "msg.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/msg.h>

#include "commands.h"
#include "control.h"
#include "crash.h"
#include "mipc.h"
#include "status.h"
#include "still.h"
#include "sweep.h"

/* --- status ------------------------------------------------------------ */

/* What the dead have left, where it would change an answer. */
static int
settle(struct mipc_mq *mq)
{
	bool handed = MIPC_T_VALUE(mipc_peek(&mq->head->handed)) != 0 &&
	    mipc_msg_heirless(mq);
	int error;

	if (!handed && !mipc_msg_busy(mq))
		return 0;
	error = mipc_msg_pocket(mq);
	if (error != 0)
		return error;
	error = mipc_msg_steps(mq, handed);
	mipc_pocket_leave(mq);
	return error;
}

static int
read_status(struct mipc_mq *mq, struct msqid_ds *out)
{
	struct mipc_object *object = &mq->head->object;
	uint64_t seq = mipc_seq_begin(object);
	struct mipc_msg_counts counts;

	memset(out, 0, sizeof(*out));
	mipc_control_perm(mq->use.opened, &out->msg_perm);
	mipc_pass_count(mq, &counts);
	out->msg_ctime = (time_t)mipc_peek(&object->ctime);
	out->msg_stime = (time_t)mipc_peek(&mq->head->stime);
	out->msg_rtime = (time_t)mipc_peek(&mq->head->rtime);
	out->msg_lspid = (pid_t)mipc_peek(&mq->head->lspid);
	out->msg_lrpid = (pid_t)mipc_peek(&mq->head->lrpid);
	out->msg_qbytes = (msglen_t)mipc_peek(&mq->head->qbytes);
	out->msg_qnum = (msgqnum_t)counts.messages;
	out->__msg_cbytes = counts.bytes;
	if (object->magic != MIPC_MAGIC_OBJECT)
		return EIO;
	if (mipc_take(&object->id) != mq->use.opened->id)
		return EINVAL;
	return seq % 2 == 0 && mipc_seq_same(object, seq) ? 0 : EBUSY;
}

static int
status(struct mipc_mq *mq, struct msqid_ds *out)
{
	struct mipc_gate gate;
	int error = settle(mq);

	for (int i = 0; error == 0 && i < 100; i++) {
		error = read_status(mq, out);
		if (error != EBUSY)
			return error;
		error = 0;
	}
	/* Somebody died, or sleeps, in IPC_SET: the lock settles it. */
	mipc_gate_enter(&gate);
	if (error == 0)
		error = mipc_ns_lock_object(mq->use.ns, &gate, mq->use.opened);
	if (error == 0) {
		error = read_status(mq, out);
		mipc_object_release(mq->use.opened->head);
	}
	mipc_gate_leave(&gate);
	return error;
}

/* What the file system shows of a queue that we may not open. */
static int
stat_stranger(struct mipc_ns *ns, int id, struct msqid_ds *out)
{
	memset(out, 0, sizeof(*out));
	return mipc_control_stranger(ns, MIPC_MSG, (uint64_t)id,
	    &out->msg_perm);
}

static int
get_status(struct mipc_ns *ns, int id, bool any, struct msqid_ds *buf)
{
	struct mipc_status as_it_is;
	struct msqid_ds out;
	struct mipc_mq mq;
	int error;

	if (ns->lives->refuses != 0) {
		error = mipc_status_stat(ns, MIPC_MSG, (uint64_t)id, any,
		    &as_it_is);
		out = as_it_is.ds.msg;
	} else if ((error = mipc_msg_enter(&mq, ns, id)) == 0) {
		error = status(&mq, &out);
		if (error == 0 && !any)
			error = mipc_use_permit(&mq.use, 4);
		mipc_msg_leave(&mq);
	} else if (error == EACCES && any) {
		error = stat_stranger(ns, id, &out);
	}
	if (error == 0 && buf == NULL)
		error = EFAULT;
	if (error == 0)
		*buf = out;
	return error;
}

/* --- owners ------------------------------------------------------------ */

/* One try to say on a board that the queue is removed. */
static int
try_gone(struct mipc_mq *mq, const struct mipc_line *line)
{
	uint64_t seen = mipc_txn_begin(line->board);

	if (mipc_take(&mq->head->object.id) != mq->use.opened->id ||
	    mipc_line_gone(line))
		return 0;
	return mipc_line_set(line, &line->head->gone, 1, seen);
}

void
mipc_msg_bury(struct mipc_mq *mq)
{
	struct mipc_line lines[2];
	int error = mipc_msg_pocket(mq);

	if (error != 0)
		return;
	mipc_msg_lines(mq, lines);
	for (int i = 0; i < 2; i++)
		do {
			error = try_gone(mq, &lines[i]);
		} while (error == EAGAIN && mipc_use_sound(&mq->use));
	mipc_crash_point("remove: gone");
	mipc_msg_steps(mq, false);
	mipc_pocket_leave(mq);
}

/* [gate] Its name goes, its sleepers are told: as sem_ctl.c. */
static int
take_away(struct mipc_ns *ns, struct mipc_gate *gate, uint64_t id,
    struct mipc_opened *opened)
{
	bool held = opened != NULL && mipc_thread_mine != NULL;
	uint32_t key = 0;
	struct mipc_mq mq;
	int error;

	if (opened != NULL)
		key = (uint32_t)mipc_peek(&opened->head->key);
	if (held) {
		mipc_gate_leave(gate);
		held = mipc_msg_hold(&mq, ns, opened) == 0;
		mipc_gate_enter(gate);
	}
	error = mipc_control_take_name(ns, gate, MIPC_MSG, id, key);
	if (held) {
		mipc_gate_leave(gate);
		if (error == 0)
			mipc_msg_bury(&mq);
		mipc_msg_leave(&mq);
		mipc_gate_enter(gate);
	}
	return error;
}

/* M3: may the caller have a queue of so many bytes? */
static int
check_qbytes(struct mipc_ns *ns, const struct mipc_opened *opened,
    uint64_t qbytes)
{
	uint64_t most = mipc_take(&ns->space->limit[MIPC_MSGMNB]);

	if (qbytes > most && !mipc_cred_has(MIPC_CAP_SYS_RESOURCE))
		return EPERM;
	if (qbytes / opened->msg_layout.page < opened->msg_layout.pages)
		return 0;
	mipc_reason_set("the queue was made with room for %llu bytes",
	    (unsigned long long)(opened->msg_layout.pages *
	    opened->msg_layout.page));
	return ENOMEM;
}

/*
 * Everybody who sleeps there looks again: M3.  So does who has been told
 * before: it may have looked at what was so until now.
 */
static void
tell_all(struct mipc_mq *mq)
{
	struct mipc_line lines[2];
	struct mipc_place *place;
	uint64_t seen;
	int error;

	if (mipc_msg_pocket(mq) != 0)
		return;
	mipc_msg_lines(mq, lines);
	for (int side = 0; side < 2; side++)
		for (uint32_t i = 0; i < mipc_line_count(&lines[side]); i++)
			do {
				seen = mipc_txn_begin(lines[side].board);
				place = mipc_line_place(&lines[side], i);
				error = mipc_line_ended(
				    mipc_line_state(place)) ? 0 :
				    mipc_line_tell(&lines[side], i, seen);
			} while (error == EAGAIN);
	mipc_msg_steps(mq, false);
	mipc_pocket_leave(mq);
}

/* [gate] */
static int
set(struct mipc_ns *ns, struct mipc_gate *gate, struct mipc_opened *opened,
    const struct msqid_ds *ds)
{
	struct mipc_msgqueue *head = (void *)opened->head;
	struct mipc_mq mq;
	int error = check_qbytes(ns, opened, ds->msg_qbytes);

	if (error != 0)
		return error;
	/* The bell is tied on before anything changes. */
	mipc_gate_leave(gate);
	error = mipc_msg_hold(&mq, ns, opened);
	mipc_gate_enter(gate);
	if (error != 0)
		return error;
	error = mipc_control_set(ns, gate, opened, &ds->msg_perm,
	    &head->qbytes, ds->msg_qbytes);
	mipc_gate_leave(gate);
	if (error == 0)
		tell_all(&mq);
	mipc_msg_leave(&mq);
	mipc_gate_enter(gate);
	return error;
}

static int
change(struct mipc_ns *ns, int msqid, int cmd, const struct msqid_ds *buf)
{
	struct mipc_opened *opened = NULL;
	struct mipc_gate gate;
	uint64_t id = (uint64_t)msqid;
	int error, failed;

	if (ns->lives->refuses != 0)
		return ns->lives->refuses;
	mipc_still_pass(ns);
	mipc_gate_enter(&gate);
	error = mipc_control_owned(ns, &gate, MIPC_MSG, id, &opened, &failed);
	if (error == 0 && cmd == IPC_RMID)
		error = take_away(ns, &gate, id, failed == 0 ? opened : NULL);
	else if (error == 0)
		error = failed != 0 ? failed : set(ns, &gate, opened, buf);
	if (failed == 0)	/* before it is forgotten, and so unmapped */
		mipc_ns_unpin(opened);
	if (error == 0 && cmd == IPC_RMID)
		mipc_sweep_removed(ns, &gate, MIPC_MSG, id);
	mipc_gate_leave(&gate);
	return error;
}

/* --- listing ----------------------------------------------------------- */

/* As Linux does with what an int cannot hold. */
static int
as_int(uint64_t value)
{
	return value > INT_MAX ? INT_MAX : (int)value;
}

/* M12: what is in all queues that we may open. */
static void
sum_up(struct mipc_ns *ns, struct msginfo *out)
{
	uint64_t messages = 0, bytes = 0;
	struct mipc_msg_counts counts;
	struct mipc_entry *entry;
	struct mipc_mq mq;
	int top = mipc_ns_highest(ns, MIPC_MSG);

	for (int i = 0; i <= top; i++) {
		entry = mipc_ns_at(ns, MIPC_MSG, (uint64_t)i);
		if (entry == NULL || mipc_msg_enter(&mq, ns,
		    (int)mipc_peek(&entry->id)) != 0)
			continue;
		mipc_pass_count(&mq, &counts);
		mipc_msg_leave(&mq);
		messages += counts.messages;
		bytes += counts.bytes;
	}
	out->msgpool = as_int(mipc_take(
	    &ns->space->census[MIPC_MSG].in_use));
	out->msgmap = as_int(messages);
	out->msgtql = as_int(bytes);
}

static int
info(struct mipc_ns *ns, int cmd, struct msginfo *buf)
{
	mipc_u64 *limit = ns->space->limit;
	struct mipc_gate gate;
	struct msginfo out;

	mipc_gate_enter(&gate);
	mipc_sweep(ns, &gate);
	mipc_gate_leave(&gate);
	memset(&out, 0, sizeof(out));
	out.msgmax = as_int(mipc_take(&limit[MIPC_MSGMAX]));
	out.msgmnb = as_int(mipc_take(&limit[MIPC_MSGMNB]));
	out.msgmni = as_int(mipc_take(&limit[MIPC_MSGMNI]));
	out.msgssz = 16;	/* Linux's constants, whatever the limits are */
	out.msgseg = 0xffff;
	out.msgmap = out.msgtql = 16384;
	out.msgpool = 512000;
	if (cmd == MSG_INFO)
		sum_up(ns, &out);
	*buf = out;
	return mipc_ns_highest(ns, MIPC_MSG);
}

static int
dispatch(struct mipc_ns *ns, int msqid, int cmd, struct msqid_ds *buf,
    int *out)
{
	struct msqid_ds ds;
	int error;

	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		if (buf == NULL)
			return EFAULT;
		*out = info(ns, cmd, (struct msginfo *)(void *)buf);
		return 0;
	case MSG_STAT:
	case MSG_STAT_ANY:
		error = mipc_control_at_index(ns, MIPC_MSG, msqid, &msqid);
		*out = msqid;
		return error != 0 ? error :
		    get_status(ns, msqid, cmd == MSG_STAT_ANY, buf);
	case IPC_STAT:
		return get_status(ns, msqid, false, buf);
	case IPC_SET:
		if (buf == NULL)
			return EFAULT;
		ds = *buf;		/* before any lock: it may fault */
		return change(ns, msqid, cmd, &ds);
	case IPC_RMID:
		return change(ns, msqid, cmd, NULL);
	default:
		return EINVAL;
	}
}

MIPC_PUBLIC int
mipc_msgctl(struct mipc_ns *ns, int msqid, int cmd, struct msqid_ds *buf)
{
	int error, out = 0;

	cmd &= ~MIPC_IPC_64;
	mipc_use_begin();
	mipc_sweep_if_due(ns);
	mipc_cred_look();
	error = msqid < 0 ? EINVAL : dispatch(ns, msqid, cmd, buf, &out);
	if (error == 0)
		return out;
	errno = error;
	return -1;
}
