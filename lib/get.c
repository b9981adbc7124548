/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * get.c - find an object by its key, or make it: clauses G1-G3.
 *
 * A key that was looked up once is answered from this process's table of
 * verdicts (keys.c).  Else the store is asked, and what a later call needs to
 * know is learnt.
 *
 * To make an object an id is reserved, the files are made whole under it, and
 * only then does the namespace say that it exists.  Killed before, the maker
 * leaves an index that is MAKING, which the sweep clears.
 */
#include "get.h"

#include <errno.h>
#include <string.h>
#include <sys/ipc.h>

#include "still.h"
#include "sweep.h"

#define TRIES	1000	/* lost races for one key; more is damage */

/* --- what there is ----------------------------------------------------- */

/* G2: the order of the questions about an object that exists. */
static int
judge(const struct mipc_known *known, size_t size, int flags)
{
	if ((flags & IPC_CREAT) != 0 && (flags & IPC_EXCL) != 0)
		return EEXIST;
	if (size > known->size)
		return EINVAL;
	if (!mipc_cred_may(&known->perm, (unsigned)flags & 0777))
		return EACCES;
	return 0;
}

/* A file that an operator took away: so is the key that led to it. */
static void
clear_away(struct mipc_ns *ns, struct mipc_gate *gate,
    const struct mipc_known *known)
{
	if (mipc_ns_lock(ns, gate) != 0)
		return;
	if (mipc_ns_remove(ns, known->kind, known->id, known->key) == 0)
		mipc_ns_release(ns, known->kind, known->id, MIPC_INDEX_DEST);
	mipc_ns_unlock(ns);
}

/* Read what later calls need to know; keep it if it is all one state. */
static int
learn(struct mipc_ns *ns, struct mipc_gate *gate, struct mipc_known *known)
{
	struct mipc_entry *entry = mipc_ns_entry(ns, known->kind, known->id);
	struct mipc_opened *opened;
	int error;

	if (entry == NULL)
		return EAGAIN;
	known->version = mipc_take(&entry->version);
	error = mipc_ns_get(ns, known->kind, known->id, &opened);
	if (error == EACCES)	/* one that only may be named */
		return ns->store->ops->glance(ns->store, known->kind, known->id,
		    &known->perm, &known->size);
	if (error == EINVAL) {
		if (mipc_ns_entry(ns, known->kind, known->id) != NULL)
			clear_away(ns, gate, known);
		return EAGAIN;
	}
	if (error != 0)
		return error;
	known->size = opened->size;
	error = mipc_ns_perm(ns, gate, opened, &known->perm);
	/* A key that was made to lead to another object. */
	if (error == 0 && mipc_peek(&opened->head->key) != known->key &&
	    mipc_ns_entry(ns, known->kind, known->id) == entry &&
	    mipc_take(&entry->state) == MIPC_INDEX_LIVE)
		error = EIO;
	mipc_ns_unpin(opened);
	if (error == 0)
		mipc_keys_learn(ns, known);
	/* The head is another's, or none: this one went meanwhile. */
	return (error == EINVAL || error == EIO) &&
	    mipc_ns_entry(ns, known->kind, known->id) == NULL ? EAGAIN : error;
}

/* --- making ------------------------------------------------------------ */

/* An id, under the lock, where the sum is at hand. */
static int
reserve(struct mipc_ns *ns, struct mipc_gate *gate,
    const struct mipc_maker *maker, uint64_t weight, uint64_t *id)
{
	mipc_u64 *limit = ns->space->limit;
	uint64_t total;
	int error;

	error = mipc_ns_lock(ns, gate);
	if (error != 0)
		return error;
	total = mipc_peek(&ns->space->census[maker->kind].pages);
	if (total + weight < total ||
	    total + weight > mipc_take(&limit[maker->total]))
		error = ENOSPC;
	else
		error = mipc_ns_reserve(ns, maker->kind,
		    mipc_take(&limit[maker->most]), weight, id);
	mipc_ns_unlock(ns);
	return error;
}

/* It exists from here on; or what was made of it goes. */
static int
settle(struct mipc_ns *ns, struct mipc_gate *gate,
    const struct mipc_wish *wish, uint64_t id, int error)
{
	enum mipc_kind kind = wish->maker->kind;

	if (mipc_ns_lock(ns, gate) != 0)
		return EIO;
	if (error == 0)
		error = mipc_ns_commit(ns, kind, id, (uint32_t)wish->key);
	if (error != 0)
		mipc_ns_release(ns, kind, id, MIPC_INDEX_MAKING);
	mipc_ns_unlock(ns);
	if (error != 0)
		mipc_ns_forget(ns, kind, id);
	return error;
}

/*
 * EEXIST: somebody took the key meanwhile; EAGAIN: the index is of no use yet.
 */
static int
create(struct mipc_ns *ns, struct mipc_gate *gate,
    const struct mipc_wish *wish, uint64_t *id)
{
	const struct mipc_maker *maker = wish->maker;
	uint64_t weight;
	int error;

	error = maker->weigh(ns, wish, &weight);
	if (error == 0)
		error = ns->lives->refuses;
	if (error != 0)
		return error;
	mipc_sweep(ns, gate);
	error = reserve(ns, gate, maker, weight, id);
	if (error != 0)		/* ENOENT: the directory is gone */
		return error == ENOENT ? EIO : error;
	error = maker->make(ns, wish, *id);
	if (error == ENOMEM && mipc_ns_evict(ns) > 0)
		error = maker->make(ns, wish, *id);
	ns->passed = error == EAGAIN ? ns->passed + 1 : 0;
	return settle(ns, gate, wish, *id, error == ENOENT ? EIO : error);
}

/* --- getting ----------------------------------------------------------- */

/* One try at a key; EAGAIN when somebody was faster. */
static int
get_once(struct mipc_ns *ns, struct mipc_gate *gate,
    const struct mipc_wish *wish, uint64_t *id)
{
	struct mipc_known known = { .kind = wish->maker->kind,
	    .key = (uint32_t)wish->key };
	int error = ENOENT;

	if (wish->key != IPC_PRIVATE)
		error = mipc_ns_find(ns, known.kind, known.key, &known.id);
	if (error == ENOENT) {
		if (wish->key != IPC_PRIVATE &&
		    (wish->flags & IPC_CREAT) == 0)
			return ENOENT;
		error = create(ns, gate, wish, id);
		return error == EEXIST ? EAGAIN : error;
	}
	if (error == 0)
		error = learn(ns, gate, &known);
	if (error == 0)
		error = judge(&known, wish->size, wish->flags);
	*id = known.id;
	return error;
}

int
mipc_get(struct mipc_ns *ns, const struct mipc_wish *wish)
{
	struct mipc_known known;
	struct mipc_gate gate;
	uint64_t id = 0;
	int error = EAGAIN;

	mipc_gate_check();
	mipc_sweep_if_due(ns);
	mipc_cred_look();
	if (wish->key != IPC_PRIVATE && mipc_keys_find(ns, wish->maker->kind,
	    (uint32_t)wish->key, &known)) {
		id = known.id;
		error = judge(&known, wish->size, wish->flags);
	} else {
		mipc_still_pass(ns);
		mipc_gate_enter(&gate);
		for (int i = 0; i < TRIES && error == EAGAIN; i++)
			error = get_once(ns, &gate, wish, &id);
		mipc_gate_leave(&gate);
	}
	if (error == 0)
		return (int)id;
	errno = error == EAGAIN ? EIO : error;
	return -1;
}

void
mipc_get_head(struct mipc_ns *ns, struct mipc_object *head,
    const struct mipc_wish *wish, uint64_t id)
{
	head->format = MIPC_FORMAT;
	head->kind = wish->maker->kind;
	head->page = (uint32_t)ns->lives->page;
	mipc_put(&head->id, id);
	mipc_put(&head->state, MIPC_ALIVE);
	mipc_put(&head->key, (uint32_t)wish->key);
	mipc_put(&head->mode, (uint64_t)wish->flags & 0777);
	head->cuid = mipc_cred_uid();
	head->cgid = mipc_cred_gid();
	mipc_put(&head->uid, head->cuid);
	mipc_put(&head->gid, head->cgid);
	head->born = mipc_sys_seconds();
	mipc_put(&head->ctime, head->born);
	head->cpid = mipc_peek(&ns->lives->slot->pid);
	head->creator = mipc_peek(&ns->lives->self);
	memcpy(head->command, mipc_life_command(), MIPC_COMMAND);
	head->magic = MIPC_MAGIC_OBJECT;
}
