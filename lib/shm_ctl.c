/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm_ctl.c - shmctl: clauses G4-G8, H5-H8, H11.
 *
 * IPC_STAT of a segment that is open here takes no lock and makes no system
 * call: the words are read between two equal sequences, and the canaries of
 * those attached are looked at.  Whoever finds somebody dead settles them
 * under the lock first, so that the answer is the kernel's.
 */
#include "shm.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/shm.h>

#include "attach.h"
#include "commands.h"
#include "control.h"
#include "mipc.h"
#include "status.h"
#include "still.h"
#include "sweep.h"

/* What a call is about. */
struct call {
	struct mipc_ns *ns;
	struct mipc_gate gate;
	uint64_t id;
	bool any;		/* SHM_STAT_ANY: without permission */
};

/* --- reading ----------------------------------------------------------- */

/* Every field; EBUSY while they change, EAGAIN if somebody is dead. */
static int
snapshot(struct mipc_ns *ns, struct mipc_opened *opened, struct shmid_ds *out)
{
	struct mipc_segment *segment = mipc_segment_of(opened);
	struct mipc_object *head = &segment->object;
	uint64_t seq = mipc_seq_begin(head);
	bool dead;

	memset(out, 0, sizeof(*out));
	mipc_control_perm(opened, &out->shm_perm);
	out->shm_segsz = opened->size;
	out->shm_atime = (time_t)mipc_peek(&segment->atime);
	out->shm_dtime = (time_t)mipc_peek(&segment->dtime);
	out->shm_ctime = (time_t)mipc_peek(&head->ctime);
	out->shm_cpid = (pid_t)head->cpid;
	out->shm_lpid = (pid_t)mipc_peek(&segment->lpid);
	out->shm_nattch = mipc_segment_count(ns, opened, &dead, NULL);
	if (head->magic != MIPC_MAGIC_OBJECT)
		return EIO;
	if (mipc_take(&head->id) != opened->id)
		return EINVAL;
	if (seq % 2 != 0 || !mipc_seq_same(head, seq))
		return EBUSY;
	return dead ? EAGAIN : 0;
}

/* The usual case; false where the long way is needed. */
static bool
stat_open(const struct call *call, struct shmid_ds *out)
{
	struct mipc_entry *entry;
	struct mipc_opened *opened;
	bool done;

	entry = mipc_ns_entry(call->ns, MIPC_SHM, call->id);
	if (entry == NULL || mipc_take(&entry->state) != MIPC_INDEX_LIVE)
		return false;
	opened = mipc_ns_pin(call->ns, MIPC_SHM, call->id);
	if (opened == NULL)
		return false;
	done = (opened->attaches == 0 || mipc_attach_told()) &&
	    snapshot(call->ns, opened, out) == 0;
	mipc_ns_unpin(opened);
	return done;
}

/* [gate] Settle the dead, then read under the lock. */
static int
stat_locked(struct call *call, struct mipc_opened *opened,
    struct shmid_ds *out)
{
	int error;

	mipc_attach_verify(opened, &call->gate);
	error = mipc_ns_lock_object(call->ns, &call->gate, opened);
	if (error != 0)
		return error;
	if (mipc_peek(&opened->head->state) == MIPC_DESTROYED) {
		error = EINVAL;
	} else {
		mipc_segment_settle(call->ns, opened);
		error = snapshot(call->ns, opened, out);
		if (error == EAGAIN)	/* one more died just now */
			error = 0;
	}
	mipc_object_release(opened->head);
	return error;
}

/* What the file system shows of a segment that we may not open. */
static int
stat_stranger(const struct call *call, struct shmid_ds *out)
{
	struct mipc_perm perm;
	uint64_t size;
	int error;

	error = call->ns->store->ops->glance(call->ns->store, MIPC_SHM,
	    call->id, &perm, &size);
	if (error != 0)
		return EINVAL;
	memset(out, 0, sizeof(*out));
	out->shm_perm.uid = out->shm_perm.cuid = perm.uid;
	out->shm_perm.gid = out->shm_perm.cgid = perm.gid;
	out->shm_perm.mode = (unsigned short)perm.mode;
	out->shm_segsz = (size_t)size;
	return 0;
}

static int
stat_long(struct call *call, struct shmid_ds *out)
{
	struct mipc_opened *opened;
	int error;

	mipc_gate_enter(&call->gate);
	mipc_sweep_one(call->ns, &call->gate, call->id);
	error = mipc_ns_get(call->ns, MIPC_SHM, call->id, &opened);
	if (error == 0) {
		error = mipc_sweep_seems_over(call->ns, opened) ? EINVAL :
		    stat_locked(call, opened, out);
		mipc_ns_unpin(opened);
	} else if (error == EACCES && call->any) {
		error = stat_stranger(call, out);
	}
	mipc_gate_leave(&call->gate);
	return error;
}

/* Where nobody can be settled. */
static int
stat_as_it_is(const struct call *call, struct shmid_ds *out)
{
	struct mipc_status status;
	int error = mipc_status_stat(call->ns, MIPC_SHM, call->id, call->any,
	    &status);

	*out = status.ds.shm;
	return error;
}

static int
stat_id(struct call *call, struct shmid_ds *out)
{
	int error = 0;

	if (call->ns->lives->refuses != 0)
		error = stat_as_it_is(call, out);
	else if (!stat_open(call, out))
		error = stat_long(call, out);
	if (error == 0 && !call->any)
		error = mipc_control_may_read(&out->shm_perm) ? 0 : EACCES;
	return error;
}

/* --- listing ----------------------------------------------------------- */

static void
sweep(struct call *call)
{
	mipc_gate_enter(&call->gate);
	mipc_sweep(call->ns, &call->gate);
	mipc_gate_leave(&call->gate);
}

static void
fill_limits(struct mipc_ns *ns, struct shminfo *out)
{
	mipc_u64 *limit = ns->space->limit;

	memset(out, 0, sizeof(*out));
	out->shmmax = (unsigned long)mipc_take(&limit[MIPC_SHMMAX]);
	out->shmmin = 1;
	out->shmmni = (unsigned long)mipc_take(&limit[MIPC_SHMMNI]);
	out->shmseg = out->shmmni;
	out->shmall = (unsigned long)mipc_take(&limit[MIPC_SHMALL]);
}

static void
fill_use(struct mipc_ns *ns, struct shm_info *out)
{
	struct mipc_census *census = &ns->space->census[MIPC_SHM];
	struct mipc_entry *entry;
	uint64_t bytes = 0;

	memset(out, 0, sizeof(*out));
	out->used_ids = (int)mipc_take(&census->in_use);
	out->shm_tot = (unsigned long)mipc_take(&census->pages);
	for (uint64_t i = 0; i <= (uint64_t)mipc_ns_highest(ns, MIPC_SHM); i++)
		if ((entry = mipc_ns_at(ns, MIPC_SHM, i)) != NULL)
			bytes += ns->store->ops->resident(ns->store,
			    mipc_peek(&entry->id));
	out->shm_rss = (unsigned long)(bytes / ns->lives->page);
}

/* --- changing ---------------------------------------------------------- */

static int
remove_segment(struct call *call, struct mipc_opened *opened)
{
	uint32_t key = 0;
	int error;

	if (opened != NULL)
		key = (uint32_t)mipc_peek(&opened->head->key);
	error = mipc_ns_lock(call->ns, &call->gate);
	if (error != 0)
		return error;
	error = mipc_ns_remove(call->ns, MIPC_SHM, call->id, key);
	mipc_ns_unlock(call->ns);
	mipc_sweep_one(call->ns, &call->gate, call->id);
	return error;
}

static void
lock_piece(const struct mipc_piece *piece)
{
	mipc_sys_lock_memory(piece->address, piece->length);
}

static void
unlock_piece(const struct mipc_piece *piece)
{
	mipc_sys_unlock_memory(piece->address, piece->length);
}

/* H8.  The flag is the segment's; pages stay locked where it is attached. */
static int
lock_pages(struct call *call, struct mipc_opened *opened, bool on)
{
	struct mipc_object *head = opened->head;
	uint64_t most = mipc_sys_rlimit(RLIMIT_MEMLOCK), mode;
	struct mipc_change change;
	int error;

	if (on && !mipc_cred_has(MIPC_CAP_IPC_LOCK)) {
		if (most == 0)
			return EPERM;
		if (opened->size > most)
			return ENOMEM;
	}
	error = mipc_ns_lock_object(call->ns, &call->gate, opened);
	if (error != 0)
		return error;
	mode = mipc_peek(&head->mode) & ~(uint64_t)MIPC_MODE_LOCKED;
	mipc_change_begin(&change, head);
	mipc_change_set(&change, &head->mode,
	    on ? mode | MIPC_MODE_LOCKED : mode);
	mipc_change_commit(&change);
	mipc_object_release(head);
	mipc_attach_each(opened, on ? lock_piece : unlock_piece);
	return 0;
}

/* IPC_SET, IPC_RMID, SHM_LOCK, SHM_UNLOCK. */
static int
change(struct call *call, int cmd, const struct shmid_ds *buf)
{
	struct mipc_opened *opened = NULL;
	int error, failed;

	if (call->ns->lives->refuses != 0)
		return call->ns->lives->refuses;
	mipc_still_pass(call->ns);
	mipc_gate_enter(&call->gate);
	mipc_sweep_one(call->ns, &call->gate, call->id);
	failed = mipc_ns_get(call->ns, MIPC_SHM, call->id, &opened);
	if (failed == 0 && mipc_sweep_seems_over(call->ns, opened)) {
		mipc_ns_unpin(opened);
		failed = EINVAL;
	}
	if ((cmd == SHM_LOCK || cmd == SHM_UNLOCK) && failed == 0 &&
	    mipc_cred_has(MIPC_CAP_IPC_LOCK))
		error = 0;
	else
		error = mipc_control_owner(call->ns, &call->gate, opened,
		    MIPC_SHM, call->id, failed);
	if (error == 0 && failed != 0 && cmd != IPC_RMID)
		error = failed;
	if (error == 0 && cmd == IPC_RMID)
		error = remove_segment(call, opened);
	else if (error == 0 && cmd == IPC_SET)
		error = mipc_control_set(call->ns, &call->gate, opened,
		    &buf->shm_perm, NULL, 0);
	else if (error == 0)
		error = lock_pages(call, opened, cmd == SHM_LOCK);
	if (failed == 0)
		mipc_ns_unpin(opened);
	mipc_gate_leave(&call->gate);
	return error;
}

/* --- the call ---------------------------------------------------------- */

/* The id at an index, or EINVAL. */
static int
at_index(struct call *call, int index)
{
	struct mipc_entry *entry;

	sweep(call);
	entry = index < 0 ? NULL :
	    mipc_ns_at(call->ns, MIPC_SHM, (uint64_t)index);
	if (entry == NULL)
		return EINVAL;
	call->id = mipc_peek(&entry->id);
	return 0;
}

static int
info(struct call *call, int cmd, void *buf)
{
	struct shminfo limits;
	struct shm_info use;

	mipc_gate_enter(&call->gate);
	mipc_sweep(call->ns, &call->gate);
	fill_limits(call->ns, &limits);
	if (cmd == SHM_INFO)
		fill_use(call->ns, &use);
	mipc_gate_leave(&call->gate);
	if (cmd == IPC_INFO)
		memcpy(buf, &limits, sizeof(limits));
	else
		memcpy(buf, &use, sizeof(use));
	return mipc_ns_highest(call->ns, MIPC_SHM);
}

static int
dispatch(struct call *call, int shmid, int cmd, struct shmid_ds *buf)
{
	struct shmid_ds ds;
	int error = 0;

	if (cmd == SHM_STAT || cmd == SHM_STAT_ANY)
		error = at_index(call, shmid);
	else if (shmid < 0)
		error = EINVAL;
	if (error != 0)
		return error;
	if (cmd == IPC_SET || cmd == IPC_RMID || cmd == SHM_LOCK ||
	    cmd == SHM_UNLOCK) {
		if (cmd == IPC_SET)
			ds = *buf;	/* before any lock: it may fault */
		return change(call, cmd, &ds);
	}
	error = stat_id(call, &ds);
	if (error == 0)
		*buf = ds;
	return error;
}

/* Commands that take a buffer, and those there are. */
static int
check_command(int cmd, const void *buf)
{
	switch (cmd) {
	case IPC_RMID:
	case SHM_LOCK:
	case SHM_UNLOCK:
		return 0;
	case IPC_STAT:
	case IPC_SET:
	case IPC_INFO:
	case SHM_INFO:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return buf == NULL ? EFAULT : 0;
	default:
		return EINVAL;
	}
}

MIPC_PUBLIC int
mipc_shmctl(struct mipc_ns *ns, int shmid, int cmd, struct shmid_ds *buf)
{
	struct call call = { .ns = ns, .id = (uint64_t)shmid };
	int error;

	mipc_gate_check();
	mipc_sweep_if_due(ns);
	mipc_cred_look();
	cmd &= ~MIPC_IPC_64;
	error = shmid < 0 && cmd != IPC_INFO && cmd != SHM_INFO ? EINVAL :
	    check_command(cmd, buf);
	if (error == 0 && (cmd == IPC_INFO || cmd == SHM_INFO))
		return info(&call, cmd, buf);
	call.any = cmd == SHM_STAT_ANY;
	if (error == 0)
		error = dispatch(&call, shmid, cmd, buf);
	if (error != 0) {
		errno = error;
		return -1;
	}
	return cmd == SHM_STAT || cmd == SHM_STAT_ANY ? (int)call.id : 0;
}
