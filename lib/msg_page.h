/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_page.h - a page of a queue, its word and the hints that lead to it.
 *
 * Depends on: msg.h.
 */
#ifndef MIPC_MSG_PAGE_H
#define MIPC_MSG_PAGE_H

#include "msg.h"

static inline struct mipc_group *
mipc_page_group(const struct mipc_mq *mq, uint64_t number)
{
	return (struct mipc_group *)mipc_msg_table(mq, MIPC_M_GROUPS) +
	    number;
}

static inline uint64_t
mipc_page_groups_most(const struct mipc_mq *mq)
{
	return (mq->layout->pages + MIPC_GROUP_PAGES - 1) / MIPC_GROUP_PAGES;
}

/* Groups that have space. */
static inline uint32_t
mipc_page_groups(const struct mipc_mq *mq)
{
	return mipc_msg_count(mq, MIPC_M_GROUPS,
	    (uint32_t)mipc_page_groups_most(mq));
}

/* A page: its group, its number there, and its number in all. */
struct mipc_page {
	struct mipc_group *group;
	uint32_t at;
	uint64_t number;
	mipc_u64 *word;
};

static inline void
mipc_page_at(const struct mipc_mq *mq, uint64_t number, struct mipc_page *out)
{
	out->group = mipc_page_group(mq, number / MIPC_GROUP_PAGES);
	out->at = (uint32_t)(number % MIPC_GROUP_PAGES);
	out->number = number;
	out->word = &out->group->page[out->at];
}

static inline uint32_t
mipc_page_state_of(const struct mipc_page *page)
{
	return MIPC_PAGE_STATE(mipc_peek(page->word));
}

/* The page that a reference is in; false: it is in none. */
static inline bool
mipc_page_of(const struct mipc_mq *mq, uint32_t ref, struct mipc_page *out)
{
	uint64_t offset = (uint64_t)ref * MIPC_UNIT, number;

	if (offset < mq->layout->data)
		return false;
	number = (offset - mq->layout->data) / mq->layout->page;
	if (number >= (uint64_t)mipc_page_groups(mq) * MIPC_GROUP_PAGES ||
	    number >= mq->layout->pages)
		return false;
	mipc_page_at(mq, number, out);
	return true;
}

static inline uint64_t
mipc_page_offset(const struct mipc_mq *mq, uint64_t number)
{
	return mq->layout->data + number * mq->layout->page;
}

/* What names a part of a page. */
static inline uint32_t
mipc_page_ref(const struct mipc_mq *mq, const struct mipc_page *page,
    uint32_t part_bytes, uint32_t part)
{
	return (uint32_t)((mipc_page_offset(mq, page->number) +
	    (uint64_t)part * part_bytes) / MIPC_UNIT);
}

/* A hint is set or cleared; the page's own word decides. */
static inline void
mipc_page_hint(mipc_u64 *bits, uint32_t at, bool on)
{
	uint64_t bit = 1ull << at;

	if (((mipc_peek(bits) & bit) != 0) == on)
		return;
	if (on)
		atomic_fetch_or(bits, bit);
	else
		atomic_fetch_and(bits, ~bit);
}

/* The hint that finds pages of this state. */
static inline mipc_u64 *
mipc_page_bits(struct mipc_group *group, uint32_t state)
{
	return state == MIPC_PAGE_SPARE ? &group->spare :
	    &group->cut[state - MIPC_PAGE_CUT];
}

/* Record what a page is from now on. */
static inline void
mipc_page_record(struct mipc_txn *txn, const struct mipc_page *page,
    uint32_t state, uint32_t free)
{
	uint64_t old = mipc_peek(page->word);

	mipc_txn_change(txn, page->word, MIPC_PAGE_WORD(old, state, free));
}

/* Record that there are so many more spare pages. */
static inline void
mipc_page_record_spares(const struct mipc_mq *mq, struct mipc_txn *txn,
    int more)
{
	mipc_u64 *word = &mq->head->spares;
	uint64_t old = mipc_peek(word);

	mipc_txn_change(txn, word, MIPC_T_NEXT(old,
	    MIPC_T_VALUE(mipc_txn_value(txn, word)) + (uint32_t)more));
}

/* Begin a transaction on the board of pages. */
static inline uint64_t
mipc_page_begin(struct mipc_mq *mq, struct mipc_txn *txn)
{
	uint64_t seen = mipc_txn_begin(&mq->board[MIPC_PAGING]);

	mipc_txn_take(txn, &mq->board[MIPC_PAGING], mq->pocket_index);
	return seen;
}

/* Pages that have no space get some, and are spare: 0, ENOMEM. */
int	mipc_page_more(struct mipc_mq *);

#endif
