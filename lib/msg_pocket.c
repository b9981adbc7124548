/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_pocket.c - what a thread has in its hands while it is in a queue.
 *
 * A pocket is one thread's for the length of a call.  The room in it stays
 * there for the next call, so that a message usually goes into what was held
 * last, which the cache still has.  Whoever finds that the one who claimed a
 * pocket is dead inherits what is in it; so room is never lost.
 *
 * What is held is nobody else's: it is written without ceremony.  But a swap
 * that somebody is late with may still be aimed at a word in it; so the words
 * that transactions change get counters that they cannot have had.
 */
#include "msg.h"

#include <errno.h>

#include "crash.h"

#define ROOMIER		2u	/* shapes larger than need be that will do */
#define FEW_PAGES	4u	/* that are worth being kept */
#define LEFT		2u	/* places that keep what they have when the
				   others change: each time takes lines from
				   those who do the same */

/* --- shapes ------------------------------------------------------------ */

static uint64_t
part_capacity(const struct mipc_mq *mq, uint32_t shape)
{
	return mq->layout->part[shape] - MIPC_MESSAGE_HEAD;
}

/* Bytes of payload that a page has, as the first or a later one. */
static uint64_t
page_capacity(const struct mipc_mq *mq, bool first)
{
	return mq->layout->page - MIPC_PAGE_LINK -
	    (first ? MIPC_MESSAGE_HEAD : 0);
}

/* Whole pages that a message takes; 0: a part of one is enough. */
static uint64_t
pages_for(const struct mipc_mq *mq, uint64_t size)
{
	uint64_t first = page_capacity(mq, true);
	uint64_t later = page_capacity(mq, false);

	if (size <= part_capacity(mq, MIPC_SHAPES - 1))
		return 0;
	return size <= first ? 1 : 1 + (size - first + later - 1) / later;
}

static uint32_t
shape_for(const struct mipc_mq *mq, uint64_t size)
{
	uint32_t shape = 0;

	while (part_capacity(mq, shape) < size)
		shape++;
	return shape;
}

static uint32_t
form_of_pages(uint32_t pages)
{
	return pages << 8 | mipc_pocket_shape(pages);
}

/* A whole page, or somewhere in one where a part may begin. */
static bool
is_page(const struct mipc_mq *mq, uint32_t ref)
{
	uint64_t offset = (uint64_t)ref * MIPC_UNIT;

	return offset >= mq->layout->data && offset % mq->layout->page == 0 &&
	    offset <= mq->layout->size - mq->layout->page;
}

/* What it cannot hold is another process's nonsense. */
uint64_t
mipc_pocket_held(const struct mipc_mq *mq, uint32_t place)
{
	uint64_t word = mipc_peek(&mq->pocket->held[place]);
	uint32_t ref = MIPC_HELD_REF(word), shape = MIPC_HELD_SHAPE(word);

	if (ref == 0 || (shape > MIPC_SHAPES ? is_page(mq, ref) :
	    shape < MIPC_SHAPES && mipc_msg_at(mq, ref) != NULL &&
	    (uint64_t)ref * MIPC_UNIT <= mq->layout->size -
	    mq->layout->part[shape]))
		return word;
	return 0;
}

bool
mipc_pocket_is_free(const struct mipc_mq *mq, uint32_t place)
{
	return MIPC_HELD_REF(mipc_pocket_held(mq, place)) == 0;
}

/* --- the words of a message -------------------------------------------- */

/* Counters that no word in this place has had, but by chance. */
static void
renew(struct mipc_mq *mq, uint32_t ref)
{
	struct mipc_message *m = mipc_msg_at(mq, ref);
	uint64_t seed = mipc_peek(&mq->head->room_turn) + ref;
	mipc_u64 *word;

	if (m == NULL)
		return;
	for (word = &m->next; word < &m->type; word++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		mipc_put(word, seed >> 32 << 32);
	}
	mipc_put(&m->size, 0);
	mipc_put(&m->form, 0);
}

static mipc_u64 *
link_at(const struct mipc_mq *mq, uint32_t ref)
{
	char *page = (char *)mipc_msg_at(mq, ref);

	return (mipc_u64 *)(void *)(page + mq->layout->page - MIPC_PAGE_LINK);
}

/* The page behind this one, checked; 0 none. */
static uint32_t
next_page(const struct mipc_mq *mq, uint32_t ref)
{
	uint64_t next = mipc_peek(link_at(mq, ref));

	return next <= UINT32_MAX && is_page(mq, (uint32_t)next) ?
	    (uint32_t)next : 0;
}

uint32_t
mipc_pocket_shorten(struct mipc_mq *mq, uint32_t ref, uint32_t left)
{
	uint32_t next = left > 0 && is_page(mq, ref) ? next_page(mq, ref) : 0;

	if (next == 0)
		return 0;
	renew(mq, next);
	mipc_put(&mipc_msg_at(mq, next)->form, form_of_pages(left));
	return next;
}

/* Does its payload stand in one piece? */
static bool
in_one_piece(const struct mipc_mq *mq, const struct mipc_message *m,
    uint32_t ref)
{
	return mipc_peek(&m->form) < 1u << 8 || !is_page(mq, ref);
}

/* So much of that as is inside the queue, wherever it begins. */
static uint64_t
piece_bytes(const struct mipc_mq *mq, uint32_t ref, uint64_t size)
{
	uint64_t most = mq->layout->size - ((uint64_t)ref * MIPC_UNIT +
	    MIPC_MESSAGE_HEAD);

	return size < most ? size : most;
}

/*
 * Call a function for each piece of a payload in whole pages.  The references
 * are another process's words: where they end too early, so does the copy.
 */
typedef void piece_use(void *in, char *piece, size_t size);

static int
each_piece(const struct mipc_mq *mq, uint32_t ref, uint64_t size,
    piece_use *use, void *in)
{
	uint64_t done, part = page_capacity(mq, true);

	if (part > size)
		part = size;
	use(in, mipc_msg_at(mq, ref)->data, part);
	for (done = part; done < size; done += part) {
		ref = next_page(mq, ref);
		if (ref == 0)
			return EIO;
		part = page_capacity(mq, false);
		if (part > size - done)
			part = size - done;
		use(in, (char *)mipc_msg_at(mq, ref), part);
	}
	return 0;
}

static void
copy_in(void *in, char *piece, size_t size)
{
	const char **from = in;

	mipc_copy(piece, *from, size);
	*from += size;
}

static void
copy_out(void *in, char *piece, size_t size)
{
	char **to = in;

	mipc_copy(*to, piece, size);
	*to += size;
}

void
mipc_message_fill(const struct mipc_mq *mq, uint32_t place, uint64_t type,
    const void *from, uint32_t size)
{
	uint64_t word = mipc_pocket_held(mq, place);
	uint32_t ref = MIPC_HELD_REF(word), shape = MIPC_HELD_SHAPE(word);
	struct mipc_message *m = mipc_msg_at(mq, ref);

	if (m == NULL)
		return;
	if (shape < MIPC_SHAPES)
		mipc_put(&m->form, shape);
	else if (shape != MIPC_MANY_PAGES)
		mipc_put(&m->form, form_of_pages(shape - MIPC_SHAPES));
	mipc_put(&m->type, type);
	mipc_put(&m->size, size);
	if (__builtin_expect(in_one_piece(mq, m, ref), 1))
		mipc_copy(m->data, from, piece_bytes(mq, ref, size));
	else
		each_piece(mq, ref, size, copy_in, &from);
}

int
mipc_message_read(const struct mipc_mq *mq, uint32_t ref, void *to,
    uint64_t size)
{
	const struct mipc_message *m = mipc_msg_at(mq, ref);
	uint64_t inside = piece_bytes(mq, ref, size);

	if (__builtin_expect(!in_one_piece(mq, m, ref), 0))
		return each_piece(mq, ref, size, copy_out, &to);
	mipc_copy(to, m->data, inside);
	return inside < size ? EIO : 0;
}

/* --- places ------------------------------------------------------------ */

void
mipc_pocket_record(struct mipc_mq *mq, struct mipc_txn *txn, uint32_t place,
    uint32_t ref, uint32_t shape)
{
	mipc_u64 *word = &mq->pocket->held[place];

	/* Before it is: whoever inherits it gives it back as well. */
	if (__builtin_expect(shape > MIPC_SHAPES + FEW_PAGES, 0))
		mipc_msg_chore(mq, MIPC_CHORE_LARGE, true);
	mipc_txn_change(txn, word, MIPC_HELD_WORD(mipc_peek(word), ref,
	    ref == 0 ? 0 : shape));
}

static uint32_t
free_places(const struct mipc_mq *mq)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < MIPC_HELD; i++)
		n += mipc_pocket_is_free(mq, i);
	return n;
}

/* Words of what has just come into free places. */
static void
renew_new(struct mipc_mq *mq, uint32_t before)
{
	for (uint32_t i = 0; i < MIPC_HELD; i++)
		if ((before >> i & 1) != 0)
			renew(mq, MIPC_HELD_REF(mipc_pocket_held(mq, i)));
}

static uint32_t
free_mask(const struct mipc_mq *mq)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < MIPC_HELD; i++)
		if (mipc_pocket_is_free(mq, i))
			mask |= 1u << i;
	return mask;
}

/* The first of these; EIO: where some were made free there is none. */
static int
first_of(uint32_t mask, uint32_t *place)
{
	if (mask == 0)
		return EIO;
	*place = (uint32_t)__builtin_ctz(mask);
	return 0;
}

/* At least so many free places: what is held longest unused goes. */
static int
make_places(struct mipc_mq *mq, uint32_t wanted)
{
	uint32_t n = free_places(mq), places = 0;
	int error = 0;

	while (n < wanted && error == 0) {
		places = 0;
		for (uint32_t i = MIPC_HELD; i-- > 0 && n < wanted;)
			if (i + 1 != mq->keep &&
			    !mipc_pocket_is_free(mq, i)) {
				places |= 1u << i;
				n++;
			}
		error = mipc_pages_give(mq, places);
		n = free_places(mq);
	}
	return error;
}

int
mipc_pocket_free(struct mipc_mq *mq, uint32_t *place)
{
	uint32_t mask;
	int error;

	for (uint32_t i = 0; i < MIPC_HELD; i++)
		if (MIPC_HELD_REF(mipc_peek(&mq->pocket->held[i])) == 0) {
			*place = i;
			return 0;
		}
	mask = free_mask(mq);
	if (mask == 0) {
		error = make_places(mq, MIPC_HELD - LEFT);
		if (error != 0)
			return error;
		mask = free_mask(mq);
	}
	return first_of(mask, place);
}

/* --- room -------------------------------------------------------------- */

uint32_t
mipc_pocket_pages(const struct mipc_mq *mq, uint64_t held)
{
	uint32_t ref = MIPC_HELD_REF(held), shape = MIPC_HELD_SHAPE(held);
	uint32_t pages;

	if (ref == 0 || shape <= MIPC_SHAPES)
		return 0;
	if (shape != MIPC_MANY_PAGES)
		return shape - MIPC_SHAPES;
	pages = mipc_peek(&mipc_msg_at(mq, ref)->form) >> 8;
	return pages < mq->layout->pages ? pages : (uint32_t)mq->layout->pages;
}

static uint64_t
pages_in(const struct mipc_mq *mq, uint32_t place)
{
	return mipc_pocket_pages(mq, mipc_pocket_held(mq, place));
}

/* What holds a message of these pages, and few more. */
static bool
has_pages(const struct mipc_mq *mq, uint32_t place, uint64_t wanted)
{
	uint64_t pages = pages_in(mq, place);

	return pages >= wanted && pages <= wanted + wanted / 4 + 1;
}

static bool
has_part(uint64_t word, uint32_t shape)
{
	uint32_t has = MIPC_HELD_SHAPE(word);

	return MIPC_HELD_REF(word) != 0 && has >= shape &&
	    has < MIPC_SHAPES && has <= shape + ROOMIER;
}

static bool
find(const struct mipc_mq *mq, uint64_t pages, uint32_t shape,
    uint32_t *place)
{
	uint64_t word;

	for (uint32_t i = 0; i < MIPC_HELD; i++) {
		word = mipc_pocket_held(mq, i);
		if (pages == 0 ? has_part(word, shape) :
		    has_pages(mq, i, pages)) {
			*place = i;
			return true;
		}
	}
	return false;
}

/*
 * Single pages that are held become the beginning of what `place` holds.  A
 * page that is held alone is one page, whatever was written into it.
 */
static int
try_join_pages(struct mipc_mq *mq, uint32_t place)
{
	uint64_t seen = mipc_txn_begin(&mq->board[MIPC_PAGING]);
	uint64_t held = mipc_pocket_held(mq, place);
	uint32_t first = MIPC_HELD_REF(held);
	uint32_t pages = mipc_pocket_pages(mq, held);
	struct mipc_txn txn;

	mipc_txn_take(&txn, &mq->board[MIPC_PAGING], mq->pocket_index);
	for (uint32_t i = 0; i < MIPC_HELD; i++) {
		uint64_t word = mipc_pocket_held(mq, i);

		if (i == place || MIPC_HELD_REF(word) == 0 ||
		    MIPC_HELD_SHAPE(word) != MIPC_SHAPES + 1)
			continue;
		mipc_put(link_at(mq, MIPC_HELD_REF(word)), first);
		first = MIPC_HELD_REF(word);
		mipc_put(&mipc_msg_at(mq, first)->form,
		    form_of_pages(++pages));
		mipc_pocket_record(mq, &txn, i, 0, 0);
	}
	if (txn.count == 0)
		return 0;
	mipc_pocket_record(mq, &txn, place, first, mipc_pocket_shape(pages));
	mipc_crash_point("pocket: linked");
	return mipc_txn_finish(&txn, seen);
}

/* A chain of whole pages, in a place of its own. */
static int
build(struct mipc_mq *mq, uint64_t wanted, uint32_t *place)
{
	uint64_t has;
	uint32_t mask;
	int error;

	error = make_places(mq, MIPC_HELD / 2);
	if (error == 0)
		error = first_of(free_mask(mq), place);
	if (error != 0)
		return error;
	while ((has = pages_in(mq, *place)) < wanted) {
		mask = free_mask(mq);
		error = mipc_pages_take(mq, (uint32_t)(wanted - has));
		if (error != 0)
			return error;
		renew_new(mq, mask);
		do {
			error = try_join_pages(mq, *place);
		} while (error == EAGAIN);
		if (error != 0)
			return error;
	}
	return 0;
}

/* Some parts, of which one is for now. */
static int
cut(struct mipc_mq *mq, uint32_t shape, uint32_t *place)
{
	uint32_t mask, n;
	int error;

	error = make_places(mq, 1);
	if (error != 0)
		return error;
	mask = free_mask(mq);
	n = free_places(mq);
	error = mipc_pages_cut(mq, shape, n > LEFT ? n - LEFT : 1);
	if (error != 0)
		return error;
	renew_new(mq, mask);
	return first_of(mask, place);
}

int
mipc_pocket_room(struct mipc_mq *mq, uint64_t size, uint32_t *place)
{
	uint64_t pages = pages_for(mq, size);
	uint32_t shape = pages == 0 ? shape_for(mq, size) : 0;

	if (__builtin_expect(find(mq, pages, shape, place), 1))
		return 0;
	return pages == 0 ? cut(mq, shape, place) : build(mq, pages, place);
}

void
mipc_pocket_tidy(struct mipc_mq *mq)
{
	if (__builtin_expect((mipc_peek(&mq->pocket->chores) &
	    MIPC_CHORE_LARGE) == 0, 1))
		return;
	for (uint32_t i = 0; i < MIPC_HELD; i++)
		while (pages_in(mq, i) > FEW_PAGES)
			if (mipc_pages_give(mq, 1u << i) != 0)
				return;
	mipc_msg_chore(mq, MIPC_CHORE_LARGE, false);
}

/* --- from the dead ----------------------------------------------------- */

void
mipc_pocket_inherit(struct mipc_mq *mq)
{
	uint64_t held;

	mipc_pages_inherit(mq);
	for (uint32_t i = 0; i < MIPC_HELD; i++) {
		held = mipc_pocket_held(mq, i);
		if (MIPC_HELD_SHAPE(held) < MIPC_SHAPES)
			renew(mq, MIPC_HELD_REF(held));
	}
}
