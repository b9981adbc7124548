/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.c - owners and permissions of objects: clauses G4, G5 and G7.
 */
#include "control.h"

#include <errno.h>
#include <string.h>

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

/* [object] Uid, gid, mode and ctime. */
static int
change_perm(struct mipc_ns *ns, struct mipc_opened *opened,
    const uint64_t new[3], uint64_t when)
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
	mipc_change_commit(&change);
	error = mipc_ns_settle_perm(ns, opened);
	if (error == 0)
		return 0;
	mipc_change_begin(&change, head);
	mipc_change_set(&change, &head->uid, old[0]);
	mipc_change_set(&change, &head->gid, old[1]);
	mipc_change_set(&change, &head->mode, old[2]);
	mipc_change_set(&change, &head->ctime, ctime);
	mipc_change_commit(&change);
	mipc_ns_settle_perm(ns, opened);
	return error;
}

int
mipc_control_set(struct mipc_ns *ns, struct mipc_gate *gate,
    struct mipc_opened *opened, const struct ipc_perm *in)
{
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
	error = change_perm(ns, opened, new, mipc_sys_seconds());
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
