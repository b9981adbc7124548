/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * txn.h - transactions: words of an object that change together, without a
 * lock.
 *
 * Depends on: format.h, life.h.
 * Locks: none.  Any thread, at any time, also in a signal handler.
 *
 *	again:
 *		seen = mipc_txn_begin(board);
 *		... read T words, decide ...
 *		if (mipc_txn_open(&txn, board, words) != 0) ...
 *		mipc_txn_set(&txn, word, old, new); ...
 *		if (mipc_txn_finish(&txn, seen) == EAGAIN)
 *			goto again;
 */
#ifndef MIPC_TXN_H
#define MIPC_TXN_H

#include "format.h"
#include "life.h"

/* Where an object keeps what transactions need: the same for all callers. */
struct mipc_site {
	char *base;			/* the object, `size` bytes of it */
	uint64_t size;
	mipc_u64 *turn;
	char *small, *large;		/* parties of either kind */
	uint32_t smalls, larges;	/* that have space */
	uint32_t small_words, large_words;
	uint32_t record;		/* of a small one: bytes to its words */
	struct mipc_lives *lives;
};

/* The same for one call. */
struct mipc_board {
	const struct mipc_site *site;
	mipc_life self;
	uint32_t thread;		/* where the search for one begins */
	uint32_t mine;			/* party that needs no claim, + 1 */
};

struct mipc_txn {
	const struct mipc_board *board;
	struct mipc_party *party;
	struct mipc_entry_word *word;
	uint32_t index, count, most;
	bool blocked;
	uint64_t signals;
};

/* Bytes of a party that can record so many words. */
static inline uint64_t
mipc_txn_large_bytes(uint32_t words)
{
	return (sizeof(struct mipc_party) +
	    words * sizeof(struct mipc_entry_word) + 63) & ~63ull;
}

/* The turn, after what was committed last has been finished. */
uint64_t mipc_txn_begin(const struct mipc_board *);
/* Has nothing been committed since?  What was read in between is one state. */
bool	mipc_txn_same(const struct mipc_board *, uint64_t seen);

/*
 * The turn, for who changes nothing: false while what was committed last is
 * not known to be applied, so that what is read is no state.
 */
bool	mipc_txn_look(const struct mipc_board *, uint64_t *seen);

/*
 * A record for `words` words at most.  EBUSY: every party is taken by a
 * living process; ENOSPC: more words than any can record.
 */
int	mipc_txn_open(struct mipc_txn *, const struct mipc_board *,
	    uint64_t words);
/* The same with a small record that is the caller's by other means. */
void	mipc_txn_take(struct mipc_txn *, const struct mipc_board *,
	    uint32_t index);
static inline void
mipc_txn_set(struct mipc_txn *txn, mipc_u64 *word, uint64_t old, uint64_t new)
{
	struct mipc_entry_word *entry = &txn->word[txn->count];

	if (txn->count >= txn->most)
		return;		/* the caller counted wrong: never written */
	mipc_put(&entry->offset,
	    (uint64_t)((char *)word - txn->board->site->base));
	mipc_put(&entry->old, old);
	mipc_put(&entry->new, new);
	txn->count++;
}
/* A word as it will be, whether it is recorded or not. */
uint64_t mipc_txn_value(const struct mipc_txn *, const mipc_u64 *word);
/* The same as set, for one that may be recorded already. */
void	mipc_txn_change(struct mipc_txn *, mipc_u64 *word, uint64_t new);
/*
 * Commit it and give the record back: all or none; EAGAIN, none, if something
 * else was committed since `seen`.
 */
int	mipc_txn_finish(struct mipc_txn *, uint64_t seen);
/* Give the record back unused. */
void	mipc_txn_close(struct mipc_txn *);

#endif
