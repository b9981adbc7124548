/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mend_queue.c - the messages that can be read of a queue, in their order,
 * into another.
 *
 * Those in the index come from its list, from its beginning as far as it leads
 * and else from its end; those in the inbox from the ring.  Whatever does not
 * lead to a message is passed over: the old file is kept.
 */
#include "mend.h"

#include <errno.h>

struct gathered {
	struct mipc_mq mq;
	uint64_t *seen;			/* a bit for each unit */
	uint32_t *ref;			/* in order */
	uint32_t n, most;
	uint64_t bytes, largest;
};

static uint64_t
capacity(const struct gathered *g, uint32_t form)
{
	uint64_t pages = form >> 8;

	if ((form & 0xff) < MIPC_SHAPES)
		return g->mq.layout->part[form & 0xff] - MIPC_MESSAGE_HEAD;
	if (pages == 0 || pages > g->mq.layout->pages)
		return 0;
	return pages * (g->mq.layout->page - MIPC_PAGE_LINK) -
	    MIPC_MESSAGE_HEAD;
}

/* Note a message; false: it is none, or known. */
static bool
gather(struct gathered *g, uint32_t ref)
{
	struct mipc_message *m = mipc_msg_at(&g->mq, ref);

	if (m == NULL || g->n == g->most ||
	    (g->seen[ref / 64] >> (ref % 64) & 1) != 0 ||
	    mipc_peek(&m->type) == 0 || mipc_peek(&m->type) > INT64_MAX ||
	    mipc_peek(&m->size) > capacity(g, mipc_peek(&m->form)))
		return false;
	g->seen[ref / 64] |= 1ull << (ref % 64);
	g->ref[g->n++] = ref;
	g->bytes += mipc_peek(&m->size);
	if (mipc_peek(&m->size) > g->largest)
		g->largest = mipc_peek(&m->size);
	return true;
}

static void
gather_index(struct gathered *g)
{
	struct mipc_msgqueue *q = g->mq.head;
	uint32_t ref = MIPC_T_VALUE(mipc_peek(&q->first)), middle, last;

	if (MIPC_T_VALUE(mipc_peek(&q->indexed)) == 0 && ref == 0)
		return;
	while (ref != 0 && gather(g, ref))
		ref = MIPC_T_VALUE(mipc_peek(&mipc_msg_at(&g->mq, ref)->next));
	middle = g->n;
	if (ref == 0)
		return;
	ref = MIPC_T_VALUE(mipc_peek(&q->last));
	while (ref != 0 && gather(g, ref))
		ref = MIPC_T_VALUE(mipc_peek(&mipc_msg_at(&g->mq, ref)->prev));
	for (last = g->n; middle + 1 < last; middle++) {
		ref = g->ref[middle];
		g->ref[middle] = g->ref[--last];
		g->ref[last] = ref;
	}
}

/* One who was handed it is dead: it is the first, or nearly. */
static void
gather_handed(struct gathered *g)
{
	struct mipc_line lines[2];
	struct mipc_msg_place *place;

	mipc_msg_lines(&g->mq, lines);
	for (uint32_t i = 0; i < mipc_line_count(&lines[MIPC_TAKING]); i++) {
		place = (void *)mipc_line_place(&lines[MIPC_TAKING], i);
		if (mipc_line_state(&place->place) == MIPC_SLEEP_HANDED)
			gather(g, MIPC_HELD_REF(mipc_peek(&place->message)));
	}
}

static void
gather_inbox(struct gathered *g)
{
	uint64_t head = mipc_peek(&g->mq.head->head);
	uint64_t tail = mipc_peek(&g->mq.head->tail);

	if (tail - head > MIPC_RING)
		return;
	for (; head != tail; head++)
		gather(g, mipc_pass_glimpse(&g->mq, head));
}

/* --- into another ------------------------------------------------------ */

/* Limits under which all of it fits. */
static void
set_limits(struct mipc_mender *m, const struct gathered *g,
    struct mipc_ns *scratch)
{
	unsigned long long most = mipc_peek(
	    &m->c->space->limit[MIPC_MSGMNB]), size = mipc_peek(
	    &m->c->space->limit[MIPC_MSGMAX]);

	if (most < g->bytes)
		most = g->bytes;
	if (most < g->n)
		most = g->n;
	if (size < g->largest)
		size = g->largest;
	mipc_limit(scratch, "msgmax", NULL, &size);
	mipc_limit(scratch, "msgmnb", NULL, &most);
}

struct text {
	long type;
	char bytes[];
};

static bool
send_all(const struct gathered *g, struct mipc_ns *scratch, int id)
{
	size_t room = sizeof(struct text) + (size_t)g->largest;
	struct mipc_message *message;
	struct text *text;
	void *memory;
	bool sent = true;

	if (mipc_view_private(room, &memory) != 0)
		return false;
	text = memory;
	for (uint32_t i = 0; sent && i < g->n; i++) {
		message = mipc_msg_at(&g->mq, g->ref[i]);
		text->type = (long)mipc_peek(&message->type);
		if (mipc_peek(&message->type) > (uint64_t)LONG_MAX ||
		    mipc_message_read(&g->mq, g->ref[i], text->bytes,
		    mipc_peek(&message->size)) != 0)
			continue;
		sent = mipc_msgsnd(scratch, id, text,
		    mipc_peek(&message->size), IPC_NOWAIT) == 0;
	}
	mipc_view_free(memory, room);
	return sent;
}

static int
make(struct mipc_mender *m, struct gathered *g, struct mipc_ns *scratch)
{
	int id;

	gather_handed(g);
	gather_index(g);
	gather_inbox(g);
	set_limits(m, g, scratch);
	id = mipc_msgget(scratch, IPC_PRIVATE, IPC_CREAT | 0600);
	if (id >= 0 && send_all(g, scratch, id))
		return id;
	m->failed = true;
	return -1;
}

/* The file is as long as the queue says that it is. */
static bool
lay(struct mipc_mender *m, struct mipc_opened *opened, uint64_t room,
    uint64_t size)
{
	if (room > size)
		return false;
	mipc_ns_lay_queue(&m->c->ns, opened, room);
	return opened->msg_layout.size <= room &&
	    opened->msg_layout.pages > 0;
}

int
mipc_mend_queue(struct mipc_mender *m, struct mipc_copy *copy,
    struct mipc_ns *scratch)
{
	struct mipc_msgqueue *head = (void *)copy->base;
	struct mipc_opened opened = { .kind = MIPC_MSG,
	    .head = (void *)copy->base };
	struct gathered g = { .n = 0 };
	size_t bits, refs;
	void *memory;
	int id = -1;

	opened.map.size = (size_t)copy->size;
	if (!lay(m, &opened, head->room, copy->size) &&
	    !lay(m, &opened, copy->size, copy->size))
		return -1;
	mipc_msg_view(&g.mq, &m->c->ns, &opened);
	g.most = (uint32_t)(opened.msg_layout.pages * 32);
	bits = (size_t)(copy->size / MIPC_UNIT / 64 + 1) * sizeof(uint64_t);
	refs = (size_t)g.most * sizeof(uint32_t);
	if (mipc_view_private(bits + refs, &memory) != 0)
		return -1;
	g.seen = memory;
	g.ref = (uint32_t *)(void *)((char *)memory + bits);
	id = make(m, &g, scratch);
	mipc_view_free(memory, bits + refs);
	return id;
}
