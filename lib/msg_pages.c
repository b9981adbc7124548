/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_pages.c - room moves between the pages of a queue and a pocket.
 *
 * A page has no space, is spare, is cut into parts of one shape, or is used
 * whole; one word says so.  Room moves by transactions on the board of pages,
 * so that it is always a page's or a pocket's.  A page whose parts are all
 * free again is spare.
 */
#include "msg_page.h"

#include <errno.h>

#define TAKEN_AT_ONCE	12u	/* parts or pages, in one transaction */

/* --- finding ----------------------------------------------------------- */

static void
hint(const struct mipc_page *page, uint32_t state, bool on)
{
	mipc_page_hint(mipc_page_bits(page->group, state), page->at, on);
}

/* Is it in this state, and of use? */
static bool
fits(uint64_t word, uint32_t state)
{
	return MIPC_PAGE_STATE(word) == state &&
	    (state == MIPC_PAGE_SPARE || MIPC_PAGE_FREE(word) != 0);
}

/* A page of the group that a hint knows; hints that were wrong go. */
static bool
find_hinted(const struct mipc_mq *mq, uint64_t number, uint32_t state,
    struct mipc_page *out)
{
	struct mipc_group *group = mipc_page_group(mq, number);
	mipc_u64 *bits = mipc_page_bits(group, state);
	uint64_t left = mipc_take(bits);

	for (; left != 0; left &= left - 1) {
		uint32_t at = (uint32_t)__builtin_ctzll(left);

		if (at >= MIPC_GROUP_PAGES)
			continue;
		mipc_page_at(mq, number * MIPC_GROUP_PAGES + at, out);
		if (fits(mipc_take(out->word), state))
			return true;
		mipc_page_hint(bits, at, false);
		/* It may have become right before the hint went. */
		if (fits(mipc_take(out->word), state))
			mipc_page_hint(bits, at, true);
	}
	return false;
}

/* The same by looking at all. */
static bool
find_slowly(const struct mipc_mq *mq, uint32_t state, struct mipc_page *out)
{
	uint64_t most = (uint64_t)mipc_page_groups(mq) * MIPC_GROUP_PAGES;

	for (uint64_t i = 0; i < most && i < mq->layout->pages; i++) {
		mipc_page_at(mq, i, out);
		if (fits(mipc_take(out->word), state)) {
			hint(out, state, true);
			return true;
		}
	}
	return false;
}

static bool
find(const struct mipc_mq *mq, uint32_t state, struct mipc_page *out)
{
	mipc_u64 *where = state == MIPC_PAGE_SPARE ? NULL :
	    &mq->head->where[state - MIPC_PAGE_CUT];
	uint32_t n = mipc_page_groups(mq), first, number;

	first = where == NULL || n == 0 ? 0 :
	    (uint32_t)(mipc_peek(where) % n);
	for (uint32_t i = 0; i < n; i++) {
		number = first + i < n ? first + i : first + i - n;
		if (!find_hinted(mq, number, state, out))
			continue;
		if (where != NULL && number != first)
			mipc_put(where, number);
		return true;
	}
	return false;
}

/* A page of this state, or a spare one, or one that is made so. */
static int
provide(struct mipc_mq *mq, uint32_t state, struct mipc_page *out)
{
	int error;

	if (find(mq, state, out) || find(mq, MIPC_PAGE_SPARE, out))
		return 0;
	error = mipc_page_more(mq);
	if (error == 0)
		return EAGAIN;
	return find_slowly(mq, state, out) ||
	    find_slowly(mq, MIPC_PAGE_SPARE, out) ? 0 : error;
}

/* --- into the pocket --------------------------------------------------- */

/* Parts of a page into free places: how many, of `most`. */
static uint32_t
record_cut(struct mipc_mq *mq, struct mipc_txn *txn,
    const struct mipc_page *page, uint32_t shape, uint32_t most,
    uint32_t *place)
{
	uint32_t bytes = mq->layout->part[shape], n = 0, free;
	uint32_t state = MIPC_PAGE_CUT + shape;
	uint64_t word = mipc_take(page->word);

	free = MIPC_PAGE_FREE(word);
	if (MIPC_PAGE_STATE(word) == MIPC_PAGE_SPARE) {
		free = (uint32_t)((1ull << mipc_parts(shape)) - 1);
		mipc_page_record_spares(mq, txn, -1);
	} else if (!fits(word, state)) {
		return 0;
	}
	for (; *place < MIPC_HELD && n < most && free != 0; ++*place) {
		if (!mipc_pocket_is_free(mq, *place))
			continue;
		mipc_pocket_record(mq, txn, *place, mipc_page_ref(mq, page,
		    bytes, (uint32_t)__builtin_ctz(free)), shape);
		free &= free - 1;
		n++;
	}
	mipc_page_record(txn, page, state, free);
	return n;
}

static int
try_cut(struct mipc_mq *mq, uint32_t shape, uint32_t most)
{
	uint32_t state = MIPC_PAGE_CUT + shape, place = 0, taken = 0, n = 0;
	struct mipc_txn txn;
	struct mipc_page page[TAKEN_AT_ONCE];
	uint64_t seen = mipc_page_begin(mq, &txn), number;
	int error = provide(mq, state, &page[0]);

	if (error != 0)
		return error;
	/* Its neighbours too, where they have some. */
	number = page[0].number;
	for (uint32_t left = TAKEN_AT_ONCE; left-- > 0 && taken < most &&
	    number < mq->layout->pages; number++) {
		uint32_t more;

		mipc_page_at(mq, number, &page[n]);
		if (page[n].group != page[0].group)
			break;
		more = record_cut(mq, &txn, &page[n], shape, most - taken,
		    &place);
		taken += more;
		n += more != 0;
	}
	if (taken == 0)
		return EAGAIN;
	error = mipc_txn_finish(&txn, seen);
	for (uint32_t i = 0; error == 0 && i < n; i++)
		hint(&page[i], state, fits(mipc_take(page[i].word), state));
	return error;
}

int
mipc_pages_cut(struct mipc_mq *mq, uint32_t shape, uint32_t most)
{
	int error;

	do {
		error = try_cut(mq, shape,
		    most < TAKEN_AT_ONCE ? most : TAKEN_AT_ONCE);
	} while (error == EAGAIN);
	return error;
}

static int
try_take(struct mipc_mq *mq, uint32_t most)
{
	struct mipc_txn txn;
	struct mipc_page page;
	uint64_t seen = mipc_page_begin(mq, &txn);
	int error = provide(mq, MIPC_PAGE_SPARE, &page);
	uint32_t place = 0, taken = 0;

	if (error != 0)
		return error;
	/* Its neighbours too, where they are spare. */
	for (uint64_t number = page.number; taken < most &&
	    page.at + (number - page.number) < MIPC_GROUP_PAGES &&
	    number < mq->layout->pages; number++) {
		struct mipc_page next;

		while (place < MIPC_HELD && !mipc_pocket_is_free(mq, place))
			place++;
		if (place == MIPC_HELD)
			break;
		mipc_page_at(mq, number, &next);
		if (mipc_page_state_of(&next) != MIPC_PAGE_SPARE)
			break;
		mipc_page_record(&txn, &next, MIPC_PAGE_WHOLE, 0);
		mipc_page_record_spares(mq, &txn, -1);
		mipc_pocket_record(mq, &txn, place++,
		    mipc_page_ref(mq, &next, 0, 0), MIPC_SHAPES + 1);
		taken++;
	}
	if (taken != 0)
		return mipc_txn_finish(&txn, seen);
	return place == MIPC_HELD ? EIO : EAGAIN;
}

int
mipc_pages_take(struct mipc_mq *mq, uint32_t most)
{
	int error;

	do {
		error = try_take(mq, most < TAKEN_AT_ONCE ? most :
		    TAKEN_AT_ONCE);
	} while (error == EAGAIN);
	return error;
}

/* --- and back ---------------------------------------------------------- */

/* One part: its page may be spare then. */
static void
record_part(const struct mipc_mq *mq, struct mipc_txn *txn,
    const struct mipc_page *page, uint32_t ref, uint32_t shape)
{
	uint32_t bytes = mq->layout->part[shape], free;
	uint64_t inside = (uint64_t)ref * MIPC_UNIT -
	    mipc_page_offset(mq, page->number);

	if (inside / bytes >= mipc_parts(shape))
		return;
	free = MIPC_PAGE_FREE(mipc_txn_value(txn, page->word)) |
	    1u << (inside / bytes);
	if (free != (uint32_t)((1ull << mipc_parts(shape)) - 1)) {
		mipc_page_record(txn, page, MIPC_PAGE_CUT + shape, free);
		return;
	}
	mipc_page_record(txn, page, MIPC_PAGE_SPARE, 0);
	mipc_page_record_spares(mq, txn, 1);
}

/* What a place holds: how many pages it concerns, of `most`. */
static uint32_t
record_given(struct mipc_mq *mq, struct mipc_txn *txn, uint32_t place,
    struct mipc_page *page, uint32_t most)
{
	uint64_t held = mipc_pocket_held(mq, place);
	uint32_t ref = MIPC_HELD_REF(held), shape = MIPC_HELD_SHAPE(held);
	uint32_t left = mipc_pocket_pages(mq, held), n = 0;

	if (ref != 0 && shape < MIPC_SHAPES && mipc_page_of(mq, ref, page)) {
		record_part(mq, txn, page, ref, shape);
		mipc_pocket_record(mq, txn, place, 0, 0);
		return 1;
	}
	while (left > 0 && n < most && mipc_page_of(mq, ref, &page[n])) {
		mipc_page_record(txn, &page[n++], MIPC_PAGE_SPARE, 0);
		mipc_page_record_spares(mq, txn, 1);
		ref = mipc_pocket_shorten(mq, ref, --left);
	}
	mipc_pocket_record(mq, txn, place, n == 0 ? 0 : ref,
	    mipc_pocket_shape(left));
	return n;
}

static int
try_give(struct mipc_mq *mq, uint32_t places)
{
	struct mipc_txn txn;
	uint64_t seen = mipc_page_begin(mq, &txn);
	struct mipc_page page[TAKEN_AT_ONCE];
	uint32_t n = 0, state;
	int error;

	for (uint32_t place = 0; place < MIPC_HELD && n < TAKEN_AT_ONCE;
	    place++)
		if ((places >> place & 1) != 0)
			n += record_given(mq, &txn, place, &page[n],
			    TAKEN_AT_ONCE - n);
	error = mipc_txn_finish(&txn, seen);
	for (uint32_t i = 0; error == 0 && i < n; i++) {
		state = mipc_page_state_of(&page[i]);
		if (state == MIPC_PAGE_SPARE || (state >= MIPC_PAGE_CUT &&
		    state < MIPC_PAGE_SPARE))
			hint(&page[i], state, true);
	}
	return error;
}

int
mipc_pages_give(struct mipc_mq *mq, uint32_t places)
{
	int error;

	do {
		error = try_give(mq, places);
	} while (error == EAGAIN);
	return error;
}
