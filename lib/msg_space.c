/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_space.c - pages of a queue get space from the system and give it back.
 *
 * A queue that is empty keeps a few spare pages.  To give one back: it is
 * marked as going, with the pocket that does it; its space goes; it is marked
 * as having none.  Nobody else touches a page that is going, and whoever
 * inherits the pocket of a dead one goes on.
 */
#include "msg_page.h"

#include <errno.h>

#include "crash.h"

#define AT_ONCE		16u	/* pages given space in one system call */

/* --- more space -------------------------------------------------------- */

static int
grow_map(struct mipc_mq *mq)
{
	uint64_t ready = mipc_page_groups(mq), most = mipc_page_groups_most(mq);
	uint64_t more = mq->layout->page / sizeof(struct mipc_group);
	int error;

	if (ready >= most)
		return ENOMEM;
	error = mipc_use_give_space(&mq->use, mq->layout->table[MIPC_M_GROUPS] +
	    ready * sizeof(struct mipc_group), mq->layout->page);
	if (error == 0)		/* whoever else grew it gave the same */
		mipc_swap_if(&mq->head->ready[MIPC_M_GROUPS], &ready,
		    ready + more);
	return error;
}

/* Some pages in a row that have no space, of one group. */
static uint32_t
find_none(const struct mipc_mq *mq, struct mipc_page *first)
{
	uint32_t n = mipc_page_groups(mq), at, count;
	uint64_t left, number;

	for (uint32_t g = 0; g < n; g++) {
		left = ~mipc_take(&mipc_page_group(mq, g)->space) &
		    ((1ull << MIPC_GROUP_PAGES) - 1);
		for (; left != 0; left &= left - 1) {
			at = (uint32_t)__builtin_ctzll(left);
			number = (uint64_t)g * MIPC_GROUP_PAGES + at;
			if (number >= mq->layout->pages)
				return 0;
			mipc_page_at(mq, number, first);
			if (mipc_page_state_of(first) != MIPC_PAGE_NONE) {
				mipc_page_hint(&first->group->space, at, true);
				continue;
			}
			for (count = 1; count < AT_ONCE &&
			    (left >> (at + count) & 1) != 0 &&
			    number + count < mq->layout->pages; count++)
				;
			return count;
		}
	}
	return 0;
}

/* They have space now: so say, of those that nobody was faster with. */
static int
make_spare(struct mipc_mq *mq, const struct mipc_page *first, uint32_t count)
{
	struct mipc_txn txn;
	uint64_t seen = mipc_page_begin(mq, &txn);
	struct mipc_page page;
	int error;

	for (uint32_t i = 0; i < count; i++) {
		mipc_page_at(mq, first->number + i, &page);
		if (mipc_page_state_of(&page) != MIPC_PAGE_NONE)
			continue;
		mipc_page_record(&txn, &page, MIPC_PAGE_SPARE, 0);
		mipc_page_record_spares(mq, &txn, 1);
	}
	error = mipc_txn_finish(&txn, seen);
	for (uint32_t i = 0; error == 0 && i < count; i++) {
		mipc_page_hint(&first->group->space, first->at + i, true);
		mipc_page_hint(&first->group->spare, first->at + i, true);
	}
	return error == EAGAIN ? 0 : error;
}

int
mipc_page_more(struct mipc_mq *mq)
{
	struct mipc_page first;
	uint32_t count;
	int error;

	while ((count = find_none(mq, &first)) == 0) {
		error = grow_map(mq);
		if (error != 0)
			return error;
	}
	error = mipc_use_give_space(&mq->use,
	    mipc_page_offset(mq, first.number),
	    (uint64_t)count * mq->layout->page);
	if (error != 0 && count > 1) {	/* a disk that is almost full */
		count = 1;
		error = mipc_use_give_space(&mq->use,
		    mipc_page_offset(mq, first.number), mq->layout->page);
	}
	mipc_crash_point("pages: space");
	return error == 0 ? make_spare(mq, &first, count) : error;
}

/* --- back to the system ------------------------------------------------ */

/* Mark pages of a group as going, those that are spare, at most so many. */
static uint32_t
mark_going(struct mipc_mq *mq, uint64_t group, uint32_t most,
    uint64_t *marked)
{
	struct mipc_txn txn;
	uint64_t seen = mipc_page_begin(mq, &txn), bits = 0;
	struct mipc_page page;
	uint32_t n = 0;

	for (uint32_t at = MIPC_GROUP_PAGES; at-- > 0 && n < most;) {
		mipc_page_at(mq, group * MIPC_GROUP_PAGES + at, &page);
		if (page.number >= mq->layout->pages ||
		    mipc_page_state_of(&page) != MIPC_PAGE_SPARE)
			continue;
		mipc_page_record(&txn, &page, MIPC_PAGE_GOING,
		    mq->pocket_index + 1);
		mipc_page_record_spares(mq, &txn, -1);
		bits |= 1ull << at;
		n++;
	}
	*marked = bits;
	return mipc_txn_finish(&txn, seen) == 0 ? n : 0;
}

/* Their space goes, a run of neighbours at a time; false if it cannot. */
static bool
drop_space(struct mipc_mq *mq, uint64_t group, uint64_t bits)
{
	uint32_t at = 0, n;

	while (bits >> at != 0) {
		at += (uint32_t)__builtin_ctzll(bits >> at);
		for (n = 1; (bits >> at >> n & 1) != 0; n++)
			;
		if (mipc_sys_advise((char *)mq->head + mipc_page_offset(mq,
		    group * MIPC_GROUP_PAGES + at),
		    (size_t)n * mq->layout->page, MADV_REMOVE) != 0)
			return false;
		at += n;
	}
	return true;
}

static void
mark_gone(struct mipc_mq *mq, uint64_t group, uint64_t bits, bool gone)
{
	struct mipc_group *g = mipc_page_group(mq, group);
	uint64_t seen, left;
	struct mipc_txn txn;
	struct mipc_page page;

	do {
		seen = mipc_page_begin(mq, &txn);
		for (left = bits; left != 0; left &= left - 1) {
			mipc_page_at(mq, group * MIPC_GROUP_PAGES +
			    (uint64_t)__builtin_ctzll(left), &page);
			mipc_page_record(&txn, &page, gone ? MIPC_PAGE_NONE :
			    MIPC_PAGE_SPARE, 0);
			if (!gone)
				mipc_page_record_spares(mq, &txn, 1);
		}
	} while (mipc_txn_finish(&txn, seen) == EAGAIN);
	for (left = bits; left != 0; left &= left - 1)
		mipc_page_hint(gone ? &g->space : &g->spare,
		    (uint32_t)__builtin_ctzll(left), !gone);
}

static bool
give_group_back(struct mipc_mq *mq, uint64_t group, uint32_t most)
{
	uint64_t bits;
	bool gone;

	if (mark_going(mq, group, most < AT_ONCE ? most : AT_ONCE, &bits) == 0)
		return false;
	mipc_crash_point("pages: going");
	gone = drop_space(mq, group, bits);
	mipc_crash_point("pages: dropped");
	mark_gone(mq, group, bits, gone);
	return gone;
}

void
mipc_pages_trim(struct mipc_mq *mq)
{
	uint32_t spares = MIPC_T_VALUE(mipc_peek(&mq->head->spares));

	if (spares <= MIPC_SPARES_KEPT)
		return;
	mipc_msg_chore(mq, MIPC_CHORE_GOING, true);
	mipc_step();
	for (uint64_t group = mipc_page_groups(mq);
	    group-- > 0 && spares > MIPC_SPARES_KEPT / 2;) {
		while (mipc_take(&mipc_page_group(mq, group)->spare) != 0 &&
		    spares > MIPC_SPARES_KEPT / 2 &&
		    give_group_back(mq, group, spares - MIPC_SPARES_KEPT / 2))
			spares = MIPC_T_VALUE(mipc_peek(&mq->head->spares));
	}
	mipc_msg_chore(mq, MIPC_CHORE_GOING, false);
}

void
mipc_pages_inherit(struct mipc_mq *mq)
{
	uint64_t bits, word, n = mipc_page_groups(mq);
	struct mipc_page page;

	if ((mipc_peek(&mq->pocket->chores) & MIPC_CHORE_GOING) == 0)
		return;
	for (uint64_t group = 0; group < n; group++) {
		bits = 0;
		for (uint32_t at = 0; at < MIPC_GROUP_PAGES; at++) {
			mipc_page_at(mq, group * MIPC_GROUP_PAGES + at, &page);
			word = mipc_take(page.word);
			if (page.number < mq->layout->pages &&
			    MIPC_PAGE_STATE(word) == MIPC_PAGE_GOING &&
			    MIPC_PAGE_FREE(word) == mq->pocket_index + 1)
				bits |= 1ull << at;
		}
		if (bits != 0)
			mark_gone(mq, group, bits,
			    drop_space(mq, group, bits));
	}
	mipc_msg_chore(mq, MIPC_CHORE_GOING, false);
}
