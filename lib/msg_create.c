/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_create.c - msgget: clauses G1, G2 and M12.
 *
 * A queue's file is a hole but for its beginning: it is as large as the queue
 * may ever become, so that it is mapped once and never moved.
 */
#include "msg.h"

#include <errno.h>
#include <string.h>

#include "crash.h"
#include "get.h"
#include "mipc.h"

#define ROOM_LEAST	((uint64_t)16 << 20)
#define ROOM_SMALL	((uint64_t)1 << 30)	/* of bytes, each a message */
#define ROOM_MOST	((uint64_t)1 << (sizeof(void *) == 8 ? 37 : 26))

/*
 * Room for as many messages as the limits let a queue have: a message of one
 * byte takes 128.  A queue of very many bytes has room for large ones.
 */
static uint64_t
room_for(struct mipc_ns *ns)
{
	uint64_t bytes = mipc_take(&ns->space->limit[MIPC_MSGMNB]);
	uint64_t size = mipc_take(&ns->space->limit[MIPC_MSGMAX]), room;

	if (ns->store->msg_room != 0)
		return ns->store->msg_room;
	if (bytes < size)
		bytes = size;
	if (bytes > ROOM_MOST / 4)
		return ROOM_MOST;
	room = bytes < ROOM_SMALL / 128 ? bytes * 128 : ROOM_SMALL;
	return ROOM_LEAST + (room > bytes * 4 ? room : bytes * 4);
}

static void
clear(mipc_u64 *word)
{
	mipc_put(word, MIPC_T_NEXT(mipc_peek(word), 0));
}

/* What an older queue in the same place left. */
static void
renew_table(struct mipc_msg_place *place, uint64_t n)
{
	for (uint64_t i = 0; i < n && i < MIPC_SLEEPERS; i++) {
		clear(&place[i].place.state);
		mipc_put(&place[i].message, MIPC_HELD_WORD(
		    mipc_peek(&place[i].message), 0, 0));
		mipc_wait_wake(mipc_wait_half(&place[i].place.state));
	}
}

static void
renew_pages(struct mipc_msgqueue *head, const struct mipc_msg_layout *layout)
{
	struct mipc_group *group = (void *)((char *)head +
	    layout->table[MIPC_M_GROUPS]);
	uint64_t n = mipc_peek(&head->ready[MIPC_M_GROUPS]);

	for (uint64_t i = 0; i < n && i * MIPC_GROUP_PAGES < layout->pages;
	    i++, group++) {
		memset(group, 0, offsetof(struct mipc_group, page));
		for (uint32_t p = 0; p < MIPC_GROUP_PAGES; p++)
			mipc_put(&group->page[p], MIPC_PAGE_WORD(
			    mipc_peek(&group->page[p]), MIPC_PAGE_NONE, 0));
	}
}

/* --- pockets ----------------------------------------------------------- */

static struct mipc_pocket *
pocket_at(struct mipc_msgqueue *head, const struct mipc_msg_layout *layout,
    uint64_t index)
{
	return (void *)((char *)head + layout->table[MIPC_M_POCKETS] +
	    index * MIPC_PARTY_BYTES);
}

static uint64_t
pockets(const struct mipc_msgqueue *head)
{
	uint64_t n = mipc_peek(&head->ready[MIPC_M_POCKETS]);

	return n < MIPC_PARTIES ? n : MIPC_PARTIES;
}

/*
 * Is somebody who lives still in a call in an older queue in the same place?
 * It may be about to write into what it holds.  The id is written already, so
 * that whoever claims a pocket from now on gives it back untouched.
 */
static bool
is_in_use(struct mipc_ns *ns, struct mipc_msgqueue *head,
    const struct mipc_msg_layout *layout)
{
	uint64_t claim;

	for (uint64_t i = 0; i < pockets(head); i++) {
		claim = mipc_take(&pocket_at(head, layout, i)->claim);
		if (claim != 0 && !mipc_life_dead(ns->lives, claim))
			return true;
	}
	return false;
}

/* Those of the dead, and what is in all. */
static void
renew_pockets(struct mipc_ns *ns, struct mipc_msgqueue *head,
    const struct mipc_msg_layout *layout)
{
	struct mipc_pocket *pocket;
	uint64_t claim;

	for (uint64_t i = 0; i < pockets(head); i++) {
		pocket = pocket_at(head, layout, i);
		for (uint32_t h = 0; h < MIPC_HELD; h++)
			mipc_put(&pocket->held[h], MIPC_HELD_WORD(
			    mipc_peek(&pocket->held[h]), 0, 0));
		claim = mipc_take(&pocket->claim);
		if (claim != 0 && mipc_life_dead(ns->lives, claim))
			mipc_swap_if(&pocket->claim, &claim, 0);
	}
}

/*
 * Change counters go on where an older queue's ended: whoever is late with a
 * swap meant for that one finds another word.
 */
static void
renew(struct mipc_ns *ns, struct mipc_msgqueue *head,
    const struct mipc_msg_layout *layout)
{
	mipc_u64 *turn[] = { &head->send_turn, &head->take_turn,
	    &head->room_turn };
	mipc_u64 *word[] = { &head->indexed, &head->first, &head->last,
	    &head->root, &head->cursor, &head->handed, &head->spares,
	    &head->receivers.due, &head->receivers.sleepers,
	    &head->receivers.head, &head->receivers.tail,
	    &head->receivers.gone, &head->senders.due,
	    &head->senders.sleepers, &head->senders.head,
	    &head->senders.tail, &head->senders.gone };
	mipc_u64 *note[] = { &head->bell, &head->lspid, &head->lrpid,
	    &head->stime, &head->rtime };
	char *base = (char *)head;

	for (size_t i = 0; i < sizeof(turn) / sizeof(turn[0]); i++)
		mipc_put(turn[i], ((mipc_peek(turn[i]) >> 8) + 1) << 8);
	mipc_step();
	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		clear(word[i]);
	for (size_t i = 0; i < sizeof(note) / sizeof(note[0]); i++)
		mipc_put(note[i], 0);
	mipc_put(&head->head, mipc_peek(&head->tail));
	mipc_put(&head->taken, ((mipc_peek(&head->taken) >> MIPC_COUNT_BITS) +
	    1) << MIPC_COUNT_BITS | MIPC_COUNT(mipc_peek(&head->sent)));
	mipc_put(&head->seen_head, mipc_peek(&head->tail));
	mipc_put(&head->seen_taken, mipc_peek(&head->tail));
	mipc_put(&head->seen_bytes, MIPC_COUNT(mipc_peek(&head->sent)));
	renew_table((void *)(base + layout->table[MIPC_M_RECEIVERS]),
	    mipc_peek(&head->ready[MIPC_M_RECEIVERS]));
	renew_table((void *)(base + layout->table[MIPC_M_SENDERS]),
	    mipc_peek(&head->ready[MIPC_M_SENDERS]));
	renew_pages(head, layout);
	renew_pockets(ns, head, layout);
}

static int
weigh(struct mipc_ns *ns, const struct mipc_wish *wish, uint64_t *weight)
{
	(void)ns, (void)wish;
	*weight = 0;
	return 0;
}

/* The head's constant part; what transactions change is renewed in place. */
static int
make_queue(struct mipc_ns *ns, const struct mipc_wish *wish, uint64_t id)
{
	struct mipc_msg_layout layout;
	struct mipc_msgqueue head, *made;
	struct mipc_opened *opened;
	struct mipc_draft draft = {
		.kind = MIPC_MSG,
		.id = id,
		.mode = (unsigned)wish->flags & 0777,
	};
	struct mipc_view map;
	int error;

	mipc_msg_lay_out(&layout, room_for(ns), (uint32_t)ns->lives->page);
	draft.size = layout.size;
	draft.head = layout.table[MIPC_M_POCKETS] + layout.page;
	memset(&head, 0, sizeof(head));
	head.room = layout.size;
	mipc_put(&head.qbytes, mipc_take(&ns->space->limit[MIPC_MSGMNB]));
	mipc_get_head(ns, &head.object, wish, id);
	error = ns->store->ops->make_object(ns->store, &draft, &head,
	    offsetof(struct mipc_msgqueue, ready), &map);
	if (error != 0)
		return error;
	made = map.base;
	if (is_in_use(ns, made, &layout)) {
		ns->store->ops->close(ns->store, &map);
		return EAGAIN;
	}
	mipc_crash_point("create: queue");
	renew(ns, made, &layout);
	if (mipc_peek(&made->ready[MIPC_M_POCKETS]) == 0)
		mipc_put(&made->ready[MIPC_M_POCKETS],
		    layout.page / MIPC_PARTY_BYTES);
	mipc_crash_point("create: renewed");
	error = mipc_ns_adopt(ns, MIPC_MSG, id, &map, &opened);
	if (error == 0)
		mipc_ns_unpin(opened);
	return error;
}

static const struct mipc_maker maker = {
	.kind = MIPC_MSG,
	.most = MIPC_MSGMNI,
	.total = MIPC_MSGMNI,
	.weigh = weigh,
	.make = make_queue,
};

MIPC_PUBLIC int
mipc_msgget(struct mipc_ns *ns, key_t key, int flags)
{
	struct mipc_wish wish = { &maker, key, 0, flags };

	return mipc_get(ns, &wish);
}
