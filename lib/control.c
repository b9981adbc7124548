/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.c - owners and permissions of objects: clauses G4, G5 and G7.
 */
#include "control.h"

#include <errno.h>
#include <string.h>

#include "sweep.h"

int
mipc_control_owner(struct mipc_ns *ns, struct mipc_gate *gate,
    struct mipc_opened *opened, enum mipc_kind kind, uint64_t id, int failed)
{
	struct mipc_perm perm;
	uint64_t size;
	int error;

	if (failed == 0)
		error = mipc_ns_perm(ns, gate, opened, &perm);
	else if (failed == EIO || failed == EACCES)
		error = ns->store->ops->glance(ns->store, kind, id, &perm,
		    &size);
	else
		return failed;
	if (error != 0)
		return error;
	return mipc_cred_owns(&perm) ? 0 : EPERM;
}

int
mipc_control_owned(struct mipc_ns *ns, struct mipc_gate *gate,
    enum mipc_kind kind, uint64_t id, struct mipc_opened **opened,
    int *failed)
{
	*failed = mipc_ns_get(ns, kind, id, opened);
	if (*failed == 0 && mipc_take(&mipc_ns_entry_of(ns, kind, id)->
	    state) != MIPC_INDEX_LIVE) {
		mipc_ns_unpin(*opened);
		*failed = EINVAL;
	}
	return mipc_control_owner(ns, gate, *opened, kind, id, *failed);
}

int
mipc_control_take_name(struct mipc_ns *ns, struct mipc_gate *gate,
    enum mipc_kind kind, uint64_t id, uint32_t key)
{
	int error = mipc_ns_lock(ns, gate);

	if (error != 0)
		return error;
	error = mipc_ns_remove(ns, kind, id, key);
	mipc_ns_unlock(ns);
	return error;
}

int
mipc_control_at_index(struct mipc_ns *ns, enum mipc_kind kind, int index,
    int *id)
{
	struct mipc_entry *entry;
	struct mipc_gate gate;

	mipc_gate_enter(&gate);
	mipc_sweep(ns, &gate);
	mipc_gate_leave(&gate);
	entry = index < 0 ? NULL : mipc_ns_at(ns, kind, (uint64_t)index);
	if (entry == NULL || mipc_take(&entry->state) != MIPC_INDEX_LIVE)
		return EINVAL;
	*id = (int)mipc_peek(&entry->id);
	return 0;
}

int
mipc_control_stranger(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id,
    struct ipc_perm *out)
{
	struct mipc_perm perm;
	struct mipc_gate gate;
	uint64_t size;
	int error;

	mipc_gate_enter(&gate);
	error = ns->store->ops->glance(ns->store, kind, id, &perm, &size);
	mipc_gate_leave(&gate);
	if (error != 0)
		return EINVAL;
	out->uid = out->cuid = perm.uid;
	out->gid = out->cgid = perm.gid;
	out->mode = (unsigned short)perm.mode;
	return 0;
}

/* What IPC_SET changes besides owner and mode. */
struct more {
	mipc_u64 *word;			/* NULL: nothing */
	uint64_t value, old;
};

/* [object] Uid, gid, mode and ctime. */
static int
change_perm(struct mipc_ns *ns, struct mipc_opened *opened,
    const uint64_t new[3], uint64_t when, struct more *more)
{
	struct mipc_object *head = opened->head;
	uint64_t old[3] = { mipc_peek(&head->uid), mipc_peek(&head->gid),
	    mipc_peek(&head->mode) };
	uint64_t ctime = mipc_peek(&head->ctime);
	struct mipc_change change;
	int error;

	mipc_change_begin(&change, head);
	mipc_change_set(&change, &head->uid, new[0]);
	mipc_change_set(&change, &head->gid, new[1]);
	mipc_change_set(&change, &head->mode, new[2]);
	mipc_change_set(&change, &head->ctime, when);
	mipc_change_set(&change, &head->unsettled, 1);
	if (more->word != NULL) {
		more->old = mipc_peek(more->word);
		mipc_change_set(&change, more->word, more->value);
	}
	mipc_change_commit(&change);
	error = mipc_ns_settle_perm(ns, opened);
	if (error == 0)
		return 0;
	mipc_change_begin(&change, head);
	mipc_change_set(&change, &head->uid, old[0]);
	mipc_change_set(&change, &head->gid, old[1]);
	mipc_change_set(&change, &head->mode, old[2]);
	mipc_change_set(&change, &head->ctime, ctime);
	if (more->word != NULL)
		mipc_change_set(&change, more->word, more->old);
	mipc_change_commit(&change);
	mipc_ns_settle_perm(ns, opened);
	return error;
}

int
mipc_control_set(struct mipc_ns *ns, struct mipc_gate *gate,
    struct mipc_opened *opened, const struct ipc_perm *in, mipc_u64 *word,
    uint64_t value)
{
	struct more more = { .word = word, .value = value };
	struct mipc_object *head = opened->head;
	struct mipc_entry *entry;
	uint64_t new[3];
	int error;

	if (in->uid == (uid_t)-1 || in->gid == (gid_t)-1)
		return EINVAL;
	error = mipc_ns_lock_object(ns, gate, opened);
	if (error != 0)
		return error;
	new[0] = in->uid;
	new[1] = in->gid;
	new[2] = (mipc_peek(&head->mode) & ~0777ull) | (in->mode & 0777u);
	/* Before and after: no verdict of the old state outlives a kill. */
	entry = mipc_ns_entry(ns, opened->kind, opened->id);
	if (entry != NULL)
		mipc_add(&entry->version, 1);
	error = change_perm(ns, opened, new, mipc_sys_seconds(), &more);
	mipc_object_release(head);
	if (entry != NULL)
		mipc_add(&entry->version, 1);
	return error;
}

bool
mipc_control_may_read(const struct ipc_perm *in)
{
	struct mipc_perm perm = {
		.uid = in->uid, .cuid = in->cuid,
		.gid = in->gid, .cgid = in->cgid,
		.mode = in->mode,
	};

	return mipc_cred_may(&perm, 0444);
}

void
mipc_control_perm(const struct mipc_opened *opened, struct ipc_perm *out)
{
	struct mipc_object *head = opened->head;

	memset(out, 0, sizeof(*out));
	out->__key = (key_t)mipc_peek(&head->key);
	out->uid = (uid_t)mipc_peek(&head->uid);
	out->gid = (gid_t)mipc_peek(&head->gid);
	out->cuid = (uid_t)head->cuid;
	out->cgid = (gid_t)head->cgid;
	out->mode = (unsigned short)mipc_peek(&head->mode);
	out->__seq = (unsigned short)(opened->id / MIPC_INDEX_MAX);
}
