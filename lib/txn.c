/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * txn.c - words that change together, without a lock.
 *
 * An object has one word, the turn: the number of the last transaction that
 * was committed, and the party that holds its record.
 *
 *	record written | turn: n, none or done -> n+1, party | each word:
 *	old -> new | done = n+1
 *
 * The middle store is the commit.  Before it nothing has happened; after it
 * whoever comes next finishes the record before doing anything else.  So it
 * does not matter whether the committer goes on, is killed, stopped, or left
 * by a handler with siglongjmp(3): nobody waits for it.
 *
 * Invariants.  A T word changes only from the old to the new of a committed
 * record, and every value it has had differs from the one before by its
 * change counter; so a swap that comes late or again finds another word and
 * does nothing.  A record is rewritten only after its transaction is done:
 * its owner stores `done` before it writes the next; a helper looks at `done`
 * and then at the turn after reading an entry and before the swap.
 * (tests/models/txn.pml.)
 *
 * A party whose claimer died is claimed again; if the turn still names it, its
 * record is finished first.
 */
#include "txn.h"

#include <errno.h>

#include "crash.h"

#define NUMBER(turn)	((turn) >> 8)
#define PARTY(turn)	((uint32_t)(turn) & 0xff)	/* + 1; 0 none */

#define SPREAD		4u	/* parties that threads begin at */

static struct mipc_party *
party_at(const struct mipc_board *board, uint32_t index)
{
	const struct mipc_site *site = board->site;
	char *at;

	if (index < MIPC_PARTIES)
		at = site->small + index * MIPC_PARTY_BYTES;
	else
		at = site->large + (index - MIPC_PARTIES) *
		    mipc_txn_large_bytes(site->large_words);
	return (struct mipc_party *)(void *)at;
}

/* Of all there can be: somebody may have made more since we looked. */
static bool
exists(uint32_t index)
{
	return index < MIPC_PARTIES + MIPC_LARGE_PARTIES;
}

static uint64_t
words_of(const struct mipc_board *board, uint32_t index)
{
	return index < MIPC_PARTIES ? board->site->small_words :
	    board->site->large_words;
}

static struct mipc_entry_word *
record_of(const struct mipc_board *board, uint32_t index)
{
	uint32_t at = index < MIPC_PARTIES ? board->site->record :
	    sizeof(struct mipc_party);

	return (void *)((char *)party_at(board, index) + at);
}

/* Swap one word; the offset is another process's, and so input. */
static void
swap(char *base, uint64_t size, uint64_t offset, uint64_t old, uint64_t new)
{
	if (offset % 8 == 0 && offset <= size - 8)
		mipc_swap_if((mipc_u64 *)(void *)(base + offset), &old, new);
	mipc_crash_point("txn: word");
}

/* Is this turn's transaction committed and not known to be applied? */
static bool
pending(const struct mipc_board *board, uint64_t turn)
{
	uint32_t index = PARTY(turn) - 1;

#ifdef MIPC_BREAK_TXN
	return false;		/* a harness must see what this breaks */
#endif
	return PARTY(turn) != 0 && exists(index) &&
	    mipc_take(&party_at(board, index)->done) != NUMBER(turn);
}

/* Finish what somebody has committed. */
static void
help(const struct mipc_board *board, uint64_t turn)
{
	const struct mipc_site *site = board->site;
	uint32_t index = PARTY(turn) - 1;
	struct mipc_party *party = party_at(board, index);
	struct mipc_entry_word *word = record_of(board, index);
	uint64_t count = mipc_peek(&party->count), offset, old, new;
	uint64_t seen = turn;

	if (count > words_of(board, index))
		count = words_of(board, index);
	for (uint64_t i = 0; i < count; i++) {
		offset = mipc_peek(&word[i].offset);
		old = mipc_peek(&word[i].old);
		new = mipc_peek(&word[i].new);
		/*
		 * Still this record?  Pairs with the owner's store of done.
		 * The turn last: a party that was done and used again would
		 * look pending to a stale one.
		 */
		atomic_thread_fence(memory_order_acquire);
		if (!pending(board, turn) ||
		    mipc_take(board->site->turn) != turn)
			return;
		swap(site->base, site->size, offset, old, new);
	}
	/* Still the same, so `count` was this record's too. */
	if (pending(board, turn))
		mipc_swap_if(board->site->turn, &seen, NUMBER(turn) << 8);
}

uint64_t
mipc_txn_begin(const struct mipc_board *board)
{
	uint64_t turn;

	while (pending(board, turn = mipc_take(board->site->turn))) {
		if (board->site->lives->refuses != 0)
			break;		/* it is somebody else's to finish */
		help(board, turn);
	}
	return turn;
}

bool
mipc_txn_look(const struct mipc_board *board, uint64_t *seen)
{
	*seen = mipc_take(board->site->turn);
	return !pending(board, *seen);
}

bool
mipc_txn_same(const struct mipc_board *board, uint64_t seen)
{
	atomic_thread_fence(memory_order_acquire);
	return mipc_peek(board->site->turn) == seen;
}

void
mipc_txn_take(struct mipc_txn *txn, const struct mipc_board *board,
    uint32_t index)
{
	txn->board = board;
	txn->index = index;
	txn->party = party_at(board, index);
	txn->word = record_of(board, index);
	txn->count = 0;
	txn->most = (uint32_t)words_of(board, index);
	txn->blocked = false;
}

/* Take a party that is free, or whose claimer is dead. */
static bool
claim(const struct mipc_board *board, uint32_t index)
{
	struct mipc_party *party = party_at(board, index);
	uint64_t seen = mipc_peek(&party->claim);

	if (seen == 0)
		return mipc_swap_if(&party->claim, &seen, board->self);
	if (seen == board->self || !mipc_life_left(board->site->lives, seen))
		return false;
	/* The dead one commits nothing more: finish what it may have. */
	mipc_txn_begin(board);
	return mipc_swap_if(&party->claim, &seen, board->self);
}

/* Threads begin at different ones, which have space first. */
static bool
take_party(struct mipc_txn *txn, uint32_t first, uint32_t n)
{
	uint32_t at = txn->board->thread % SPREAD;

	for (uint32_t i = 0; i < n; i++, at++) {
		if (at >= n)
			at = 0;
		if (claim(txn->board, first + at)) {
			mipc_txn_take(txn, txn->board, first + at);
			return true;
		}
	}
	return false;
}

/*
 * The few large records are held with signals blocked, so that no handler
 * keeps one for ever by not coming back.
 */
MIPC_FLAT int
mipc_txn_open(struct mipc_txn *txn, const struct mipc_board *board,
    uint64_t words)
{
	uint64_t signals;

	txn->board = board;
	if (board->mine != 0) {
		mipc_txn_take(txn, board, board->mine - 1);
		return words <= txn->most ? 0 : ENOSPC;
	}
	if (words <= board->site->small_words &&
	    take_party(txn, 0, board->site->smalls))
		return 0;
	if (words > board->site->large_words)
		return ENOSPC;
	mipc_sys_block(&signals);
	if (take_party(txn, MIPC_PARTIES, board->site->larges)) {
		txn->signals = signals;
		txn->blocked = true;
		return 0;
	}
	mipc_sys_restore(&signals);
	return EBUSY;
}

/* The word's entry in the record, or NULL. */
static struct mipc_entry_word *
recorded(const struct mipc_txn *txn, const mipc_u64 *word)
{
	uint64_t offset = (uint64_t)((const char *)word -
	    txn->board->site->base);

	for (uint32_t i = 0; i < txn->count; i++)
		if (mipc_peek(&txn->word[i].offset) == offset)
			return &txn->word[i];
	return NULL;
}

uint64_t
mipc_txn_value(const struct mipc_txn *txn, const mipc_u64 *word)
{
	struct mipc_entry_word *entry = recorded(txn, word);

	return entry == NULL ? mipc_peek(word) : mipc_peek(&entry->new);
}

void
mipc_txn_change(struct mipc_txn *txn, mipc_u64 *word, uint64_t new)
{
	struct mipc_entry_word *entry = recorded(txn, word);

	if (entry == NULL)
		mipc_txn_set(txn, word, mipc_peek(word), new);
	else
		mipc_put(&entry->new, new);
}

static void
apply(struct mipc_txn *txn)
{
	struct mipc_entry_word *word = txn->word, *end = word + txn->count;
	uint64_t size = txn->board->site->size;
	char *base = txn->board->site->base;

	for (; word < end; word++)
		swap(base, size, mipc_peek(&word->offset),
		    mipc_peek(&word->old), mipc_peek(&word->new));
}

static bool
commit(struct mipc_txn *txn, uint64_t seen)
{
	uint64_t number = NUMBER(seen) + 1;

	mipc_put(&txn->party->count, txn->count);
	mipc_crash_point("txn: recorded");
	/* Releases the record to whoever helps. */
	if (!mipc_swap_if(txn->board->site->turn, &seen,
	    number << 8 | (txn->index + 1)))
		return false;
	mipc_crash_point("txn: committed");
#ifdef MIPC_BREAK_ORDER
	mipc_give(&txn->party->done, number);	/* said before it is so */
	mipc_step();
#endif
	apply(txn);
	/* After every word: pairs with mipc_take in pending(). */
	mipc_give(&txn->party->done, number);
	mipc_crash_point("txn: done");
	return true;
}

void
mipc_txn_close(struct mipc_txn *txn)
{
	mipc_give(&txn->party->claim, 0);
	if (txn->blocked)
		mipc_sys_restore(&txn->signals);
}

MIPC_FLAT int
mipc_txn_finish(struct mipc_txn *txn, uint64_t seen)
{
	bool done = commit(txn, seen);

	mipc_txn_close(txn);
	return done ? 0 : EAGAIN;
}
