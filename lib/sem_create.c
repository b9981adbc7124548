/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_create.c - semget: clauses S1 and S16.
 *
 * As with a segment an id is reserved, the file is made whole under it, and
 * only then does the namespace say that the set exists.  Its tables are holes
 * in the file until they are used; the semaphores have space from the start.
 */
#include "sem.h"

#include <errno.h>
#include <string.h>

#include "crash.h"
#include "get.h"
#include "mipc.h"
#include "sweep.h"

/* An id, under the lock; a set counts for its semaphores. */
static int
reserve_id(struct mipc_ns *ns, struct mipc_gate *gate, uint64_t nsems,
    uint64_t *id)
{
	uint64_t total;
	int error;

	error = mipc_ns_lock(ns, gate);
	if (error != 0)
		return error;
	total = mipc_peek(&ns->space->census[MIPC_SEM].pages);
	if (total + nsems > mipc_take(&ns->space->limit[MIPC_SEMMNS]))
		error = ENOSPC;
	else
		error = mipc_ns_reserve(ns, MIPC_SEM,
		    mipc_take(&ns->space->limit[MIPC_SEMMNI]), nsems, id);
	mipc_ns_unlock(ns);
	return error;
}

/* The head's constant part; what transactions change is renewed in place. */
static int
make_set(struct mipc_ns *ns, const struct mipc_wish *wish, uint64_t id)
{
	uint32_t room = ns->store->set_room;
	struct mipc_sem_layout layout;
	struct mipc_semset head;
	struct mipc_opened *opened;
	struct mipc_draft draft = {
		.kind = MIPC_SEM,
		.id = id,
		.mode = (unsigned)wish->flags & 0777,
	};
	struct mipc_map map;
	int error;

	if (room == 0)
		room = (uint32_t)wish->size;
	mipc_sem_lay_out(&layout, room, ns->lives->page);
	draft.size = layout.size;
	draft.head = sizeof(head) + wish->size * sizeof(head.sem[0]);
	memset(&head, 0, sizeof(head));
	head.nsems = wish->size;
	head.room = room;
	mipc_get_head(ns, &head.object, wish, id);
	error = ns->store->ops->make_object(ns->store, &draft, &head,
	    offsetof(struct mipc_semset, ready), &map);
	if (error != 0)
		return error == ENOENT ? EIO : error;
	mipc_crash_point("create: set");
	mipc_set_renew(map.base, &layout);
	mipc_crash_point("create: renewed");
	error = mipc_ns_adopt(ns, MIPC_SEM, id, &map, &opened);
	if (error == 0)
		mipc_ns_unpin(opened);
	return error;
}

int
mipc_sem_create(struct mipc_ns *ns, struct mipc_gate *gate,
    const struct mipc_wish *wish, uint64_t *id)
{
	int error;

	if (wish->size == 0)
		return EINVAL;
	mipc_sweep(ns, gate);
	error = reserve_id(ns, gate, wish->size, id);
	if (error != 0)
		return error == ENOENT ? EIO : error;
	error = make_set(ns, wish, *id);
	if (mipc_ns_lock(ns, gate) != 0)
		return EIO;
	if (error == 0)
		error = mipc_ns_commit(ns, MIPC_SEM, *id,
		    (uint32_t)wish->key);
	if (error != 0)
		mipc_ns_release(ns, MIPC_SEM, *id, MIPC_INDEX_MAKING);
	mipc_ns_unlock(ns);
	if (error != 0)
		mipc_ns_forget(ns, MIPC_SEM, *id);
	return error;
}

MIPC_PUBLIC int
mipc_semget(struct mipc_ns *ns, key_t key, int nsems, int flags)
{
	struct mipc_wish wish = { MIPC_SEM, key, (size_t)nsems, flags,
	    mipc_sem_create };

	if (nsems < 0 ||
	    (uint64_t)nsems > mipc_take(&ns->space->limit[MIPC_SEMMSL])) {
		errno = EINVAL;
		return -1;
	}
	return mipc_get(ns, &wish);
}
