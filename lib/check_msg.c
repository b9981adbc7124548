/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg.c - a queue: its room, its inbox, who sleeps in it.
 *
 * Each part of a page that is cut, and each page that is used whole, is free
 * or somebody's: a message's, a pocket's, or of a place in a line.
 */
#include "check_inside.h"

#include "msg_page.h"

/* --- room -------------------------------------------------------------- */

/* Where a reference to a part or a whole page is; false: nowhere. */
static bool
locate(struct mipc_rooms *r, uint32_t ref, struct mipc_page *page,
    uint32_t *part)
{
	uint64_t inside;
	uint32_t state, bytes;

	if (!mipc_page_of(&r->mq, ref, page))
		return false;
	inside = (uint64_t)ref * MIPC_UNIT -
	    mipc_page_offset(&r->mq, page->number);
	state = mipc_page_state_of(page);
	*part = 0;
	if (state == MIPC_PAGE_WHOLE)
		return inside == 0;
	if (state < MIPC_PAGE_CUT || state >= MIPC_PAGE_SPARE)
		return false;
	bytes = r->mq.layout->part[state - MIPC_PAGE_CUT];
	*part = (uint32_t)(inside / bytes);
	return inside % bytes == 0 &&
	    *part < mipc_parts(state - MIPC_PAGE_CUT);
}

bool
mipc_check_mark(struct mipc_rooms *r, uint32_t *bits, uint32_t ref)
{
	struct mipc_page page;
	uint32_t part;

	if (!locate(r, ref, &page, &part) ||
	    (bits[page.number] >> part & 1) != 0)
		return false;
	bits[page.number] |= 1u << part;
	return true;
}

static bool
take_part(struct mipc_rooms *r, uint32_t ref, uint32_t shape,
    const char *whose)
{
	struct mipc_page page;
	uint32_t part;

	if (!locate(r, ref, &page, &part) ||
	    mipc_page_state_of(&page) != MIPC_PAGE_CUT + shape) {
		mipc_check_say(r->c, MIPC_RULE_ROOM, "%s is where there is no "
		    "room of its kind", whose);
		return false;
	}
	if ((MIPC_PAGE_FREE(mipc_peek(page.word)) >> part & 1) != 0) {
		mipc_check_say(r->c, MIPC_RULE_ROOM,
		    "%s is in room that is free", whose);
		return false;
	}
	if (!mipc_check_mark(r, r->taken, ref)) {
		mipc_check_say(r->c, MIPC_RULE_ROOM,
		    "%s is in room that something else is in", whose);
		return false;
	}
	return true;
}

static uint32_t
next_page(struct mipc_rooms *r, const struct mipc_page *page)
{
	const mipc_u64 *link = (const void *)((char *)r->mq.head +
	    mipc_page_offset(&r->mq, page->number + 1) - MIPC_PAGE_LINK);
	uint64_t next = mipc_peek(link);

	return next > UINT32_MAX ? 0 : (uint32_t)next;
}

static bool
take_pages(struct mipc_rooms *r, uint32_t ref, uint64_t n, const char *whose)
{
	struct mipc_page page;
	uint32_t part;

	for (uint64_t i = 0; i < n; i++) {
		if (!locate(r, ref, &page, &part) ||
		    mipc_page_state_of(&page) != MIPC_PAGE_WHOLE ||
		    !mipc_check_mark(r, r->taken, ref)) {
			mipc_check_say(r->c, MIPC_RULE_ROOM, "%s has pages "
			    "that are not its own", whose);
			return false;
		}
		ref = next_page(r, &page);
	}
	return n > 0;
}

bool
mipc_check_take(struct mipc_rooms *r, uint32_t ref, uint32_t shape,
    const char *whose)
{
	struct mipc_message *m = mipc_msg_at(&r->mq, ref);

	if (m == NULL) {
		mipc_check_say(r->c, MIPC_RULE_ROOM, "%s is nowhere", whose);
		return false;
	}
	if (shape < MIPC_SHAPES)
		return take_part(r, ref, shape, whose);
	return take_pages(r, ref, shape == MIPC_MANY_PAGES ?
	    mipc_peek(&m->form) >> 8 : shape - MIPC_SHAPES, whose);
}

/* Bytes of text that a message of this form can have. */
static uint64_t
capacity(struct mipc_rooms *r, uint32_t form)
{
	uint64_t page = r->mq.layout->page - MIPC_PAGE_LINK;

	if ((form & 0xff) < MIPC_SHAPES)
		return r->mq.layout->part[form & 0xff] - MIPC_MESSAGE_HEAD;
	return (form >> 8) * page - MIPC_MESSAGE_HEAD;
}

struct mipc_message *
mipc_check_message(struct mipc_rooms *r, uint32_t ref)
{
	struct mipc_message *m = mipc_msg_at(&r->mq, ref);
	uint32_t form;

	if (m == NULL)
		return NULL;
	form = mipc_peek(&m->form);
	if (!mipc_check_take(r, ref, form & 0xff, "a message"))
		return NULL;
	if (mipc_peek(&m->size) > capacity(r, form) ||
	    mipc_peek(&m->type) == 0 || mipc_peek(&m->type) > INT64_MAX) {
		mipc_check_say(r->c, MIPC_RULE_ROOM, "a message of %u bytes "
		    "and type %llu, which there cannot be",
		    (unsigned)mipc_peek(&m->size),
		    (unsigned long long)mipc_peek(&m->type));
		return NULL;
	}
	r->bytes += mipc_peek(&m->size);
	r->messages++;
	return m;
}

/* --- who else has some ------------------------------------------------- */

static void
check_pockets(struct mipc_rooms *r)
{
	uint32_t n = mipc_msg_count(&r->mq, MIPC_M_POCKETS, MIPC_PARTIES);
	struct mipc_pocket *pocket;
	uint64_t held;

	for (uint32_t i = 0; i < n; i++) {
		pocket = (void *)((char *)mipc_msg_table(&r->mq,
		    MIPC_M_POCKETS) + i * MIPC_PARTY_BYTES);
		if (mipc_peek(&pocket->claim) != 0 &&
		    !mipc_check_life(r->c, mipc_peek(&pocket->claim)))
			mipc_check_say(r->c, MIPC_RULE_TXN, "a pocket is held "
			    "by who never lived");
		for (uint32_t h = 0; h < MIPC_HELD; h++) {
			held = mipc_peek(&pocket->held[h]);
			if (MIPC_HELD_REF(held) != 0)
				mipc_check_take(r, MIPC_HELD_REF(held),
				    MIPC_HELD_SHAPE(held), "a pocket's");
		}
	}
}

static void
check_places(struct mipc_rooms *r, const struct mipc_line *line)
{
	uint32_t handed = 0;
	struct mipc_msg_place *place;
	uint64_t held;

	for (uint32_t i = 0; i < mipc_line_count(line); i++) {
		place = (void *)mipc_line_place(line, i);
		held = mipc_peek(&place->message);
		handed += mipc_line_state(&place->place) ==
		    MIPC_SLEEP_HANDED;
		if (MIPC_HELD_REF(held) != 0)
			mipc_check_take(r, MIPC_HELD_REF(held),
			    MIPC_HELD_SHAPE(held), "what a sleeper has");
	}
	if (line->head == &r->mq.head->receivers &&
	    MIPC_T_VALUE(mipc_peek(&r->mq.head->handed)) != handed)
		mipc_check_say(r->c, MIPC_RULE_QUEUE, "%u receivers were "
		    "handed a message, and %u have one", (unsigned)
		    MIPC_T_VALUE(mipc_peek(&r->mq.head->handed)),
		    (unsigned)handed);
}

/* --- the inbox --------------------------------------------------------- */

static void
check_ring(struct mipc_rooms *r)
{
	struct mipc_msgqueue *q = r->mq.head;
	uint64_t head = mipc_peek(&q->head), tail = mipc_peek(&q->tail);
	uint32_t ref;

	if (tail - head > MIPC_RING) {
		mipc_check_say(r->c, MIPC_RULE_RING, "%llu messages have been "
		    "sent, and %llu taken out of the inbox",
		    (unsigned long long)tail, (unsigned long long)head);
		return;
	}
	if (mipc_peek(&q->seen_head) > head)
		mipc_check_say(r->c, MIPC_RULE_RING, "senders have seen more "
		    "messages taken than were");
	for (; head != tail; head++) {
		ref = mipc_pass_glimpse(&r->mq, head);
		if (ref == 0)
			mipc_check_say(r->c, MIPC_RULE_RING, "message %llu is "
			    "not in the inbox", (unsigned long long)head);
		else if (mipc_check_message(r, ref) == NULL)
			mipc_check_say(r->c, MIPC_RULE_RING, "message %llu "
			    "in the inbox is none", (unsigned long long)head);
	}
}

/* --- pages ------------------------------------------------------------- */

static void
check_going(struct mipc_rooms *r, uint64_t word)
{
	uint32_t n = mipc_msg_count(&r->mq, MIPC_M_POCKETS, MIPC_PARTIES);
	uint32_t pocket = MIPC_PAGE_FREE(word);

	if (pocket == 0 || pocket > n)
		mipc_check_say(r->c, MIPC_RULE_PAGE, "a page is given back by "
		    "a pocket that there is not");
}

/* Whose is what is not free? */
static void
check_page(struct mipc_rooms *r, const struct mipc_page *page,
    uint32_t *spares)
{
	uint64_t word = mipc_peek(page->word);
	uint32_t state = MIPC_PAGE_STATE(word), free = MIPC_PAGE_FREE(word);
	uint32_t all = 1, taken = r->taken[page->number];

	if (state == MIPC_PAGE_SPARE)
		++*spares;
	else if (state == MIPC_PAGE_GOING)
		check_going(r, word);
	else if (state > MIPC_PAGE_GOING)
		mipc_check_say(r->c, MIPC_RULE_PAGE, "page %llu is in state "
		    "%u, which there is not",
		    (unsigned long long)page->number, (unsigned)state);
	if (state == MIPC_PAGE_WHOLE)
		free = 0;
	else if (state >= MIPC_PAGE_CUT && state < MIPC_PAGE_SPARE)
		all = (uint32_t)((1ull << mipc_parts(state -
		    MIPC_PAGE_CUT)) - 1);
	else
		return;
	if ((free & ~all) != 0)
		mipc_check_say(r->c, MIPC_RULE_PAGE, "page %llu has free "
		    "parts that there are not",
		    (unsigned long long)page->number);
	if ((all & ~free & ~taken) != 0)
		mipc_check_say(r->c, MIPC_RULE_PAGE,
		    "room that nobody has is not free either");
}

static void
check_pages(struct mipc_rooms *r)
{
	uint64_t n = (uint64_t)mipc_page_groups(&r->mq) * MIPC_GROUP_PAGES;
	uint32_t spares = 0;
	struct mipc_page page;

	for (uint64_t i = 0; i < n && i < r->mq.layout->pages; i++) {
		mipc_page_at(&r->mq, i, &page);
		check_page(r, &page, &spares);
	}
	if (MIPC_T_VALUE(mipc_peek(&r->mq.head->spares)) != spares)
		mipc_check_say(r->c, MIPC_RULE_PAGE, "%u pages are spare, "
		    "and it counts %u", (unsigned)spares, (unsigned)
		    MIPC_T_VALUE(mipc_peek(&r->mq.head->spares)));
}

/* --- all of it --------------------------------------------------------- */

static void
check_ready(struct mipc_checker *c, const struct mipc_mq *mq)
{
	static const uint32_t most[] = { MIPC_PARTIES, MIPC_SLEEPERS,
	    MIPC_SLEEPERS };
	uint64_t ready;

	for (int t = 0; t < MIPC_M_GROUPS; t++) {
		ready = mipc_peek(&mq->head->ready[t]);
		if (ready > most[t] || (t == MIPC_M_POCKETS && ready == 0))
			mipc_check_say(c, MIPC_RULE_QUEUE, "table %d has room "
			    "for %llu entries, of %u that there can be", t,
			    (unsigned long long)ready, (unsigned)most[t]);
	}
	ready = mipc_peek(&mq->head->ready[MIPC_M_GROUPS]);
	/* They are made by whole pages. */
	if (ready > mipc_page_groups_most(mq) +
	    mq->layout->page / sizeof(struct mipc_group))
		mipc_check_say(c, MIPC_RULE_QUEUE, "it has a map of %llu "
		    "groups of pages, of %llu", (unsigned long long)ready,
		    (unsigned long long)mipc_page_groups_most(mq));
	if (mipc_peek(&mq->head->bell) != 0)
		mipc_check_say(c, MIPC_RULE_QUEUE,
		    "its bell has been written");
	if (mipc_peek(&mq->head->qbytes) > (uint64_t)1 << 40)
		mipc_check_say(c, MIPC_RULE_QUEUE, "it may have %llu bytes",
		    (unsigned long long)mipc_peek(&mq->head->qbytes));
}

static void
check_room(struct mipc_rooms *r)
{
	struct mipc_msgqueue *q = r->mq.head;
	struct mipc_line lines[2];
	uint64_t bytes;

	mipc_check_index(r);
	check_ring(r);
	bytes = MIPC_COUNT(mipc_peek(&q->sent) - mipc_peek(&q->taken));
	if (bytes != r->bytes)
		mipc_check_say(r->c, MIPC_RULE_BYTES, "%llu bytes are in it, "
		    "and it counts %llu", (unsigned long long)r->bytes,
		    (unsigned long long)bytes);
	check_pockets(r);
	mipc_msg_lines(&r->mq, lines);
	mipc_check_line(r->c, &lines[MIPC_SENDING], "senders", true);
	mipc_check_line(r->c, &lines[MIPC_TAKING], "receivers", true);
	check_places(r, &lines[MIPC_SENDING]);
	check_places(r, &lines[MIPC_TAKING]);
	check_pages(r);
}

static bool
lay(struct mipc_checker *c, struct mipc_copy *copy,
    struct mipc_opened *opened)
{
	struct mipc_msgqueue *head = (void *)copy->base;
	uint64_t room = head->room;
	struct mipc_msg_layout *layout = &opened->msg_layout;

	if (room > copy->size) {
		mipc_check_say(c, MIPC_RULE_FILE, "%llu bytes of %llu: "
		    "truncated", (unsigned long long)copy->size,
		    (unsigned long long)room);
		return false;
	}
	mipc_ns_lay_queue(&c->ns, opened, room);
	if (layout->size <= room && layout->pages > 0)
		return true;
	mipc_check_say(c, MIPC_RULE_QUEUE, "%llu bytes: too few for a queue",
	    (unsigned long long)room);
	return false;
}

bool
mipc_check_queue(struct mipc_checker *c, struct mipc_copy *copy,
    struct mipc_opened *opened)
{
	struct mipc_rooms r = { .c = c };
	uint32_t pockets;
	size_t each;
	void *memory;

	if (!lay(c, copy, opened))
		return false;
	mipc_msg_view(&r.mq, &c->ns, opened);
	check_ready(c, &r.mq);
	pockets = mipc_msg_count(&r.mq, MIPC_M_POCKETS, MIPC_PARTIES);
	for (int i = 0; i < MIPC_BOARDS; i++)
		mipc_check_board(c, &r.mq.board[i], pockets, 0);
	each = (size_t)r.mq.layout->pages;
	if (mipc_view_private(4 * each * sizeof(uint32_t), &memory) != 0)
		return false;
	r.taken = memory;
	r.listed = r.taken + each;
	r.leaf = r.listed + each;
	r.node = r.leaf + each;
	check_room(&r);
	mipc_view_free(memory, 4 * each * sizeof(uint32_t));
	return true;
}
