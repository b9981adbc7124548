/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_create.c - semget: clauses S1 and S16.
 *
 * A set is one file.  Its tables are holes in it until they are used; the
 * semaphores have space from the start.
 */
#include "sem.h"

#include <errno.h>
#include <string.h>

#include "crash.h"
#include "get.h"
#include "mipc.h"

/* A set counts for its semaphores. */
static int
weigh(struct mipc_ns *ns, const struct mipc_wish *wish, uint64_t *weight)
{
	(void)ns;
	*weight = wish->size;
	return wish->size == 0 ? EINVAL : 0;
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
	struct mipc_view map;
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
		return error;
	mipc_crash_point("create: set");
	mipc_set_renew(map.base, &layout);
	mipc_crash_point("create: renewed");
	error = mipc_ns_adopt(ns, MIPC_SEM, id, &map, &opened);
	if (error == 0)
		mipc_ns_unpin(opened);
	return error;
}

static const struct mipc_maker maker = {
	.kind = MIPC_SEM,
	.most = MIPC_SEMMNI,
	.total = MIPC_SEMMNS,
	.weigh = weigh,
	.make = make_set,
};

MIPC_PUBLIC int
mipc_semget(struct mipc_ns *ns, key_t key, int nsems, int flags)
{
	struct mipc_wish wish = { &maker, key, (size_t)nsems, flags };

	if (nsems < 0 ||
	    (uint64_t)nsems > mipc_take(&ns->space->limit[MIPC_SEMMSL])) {
		errno = EINVAL;
		return -1;
	}
	return mipc_get(ns, &wish);
}
