/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_claim.c - whose pocket it is.
 *
 * A call claims one before it touches anything that a queue consists of, and
 * gives it back when it is through.  The anonymous store makes queues where
 * others were: whoever makes one writes its id, and then looks for claims of
 * the living (msg_create.c); whoever claims looks at the id afterwards.  So
 * either the maker sees the claim, and goes elsewhere, or the claimer sees the
 * id, and touches nothing.
 */
#include "msg.h"

#include <errno.h>

#define SPREAD		4u	/* pockets that threads begin at: each
				   process has a first thread */
#define UNBLOCKED	24u	/* from this one on signals are blocked */

/* *from: the dead one's that it was, or 0. */
static bool
claim(struct mipc_mq *mq, uint32_t index, mipc_life *from)
{
	mipc_life self = mq->board[MIPC_SENDING].self;
	uint64_t seen;

	mq->pocket = (struct mipc_pocket *)(void *)
	    ((char *)mipc_msg_table(mq, MIPC_M_POCKETS) +
	    index * MIPC_PARTY_BYTES);
	mq->pocket_index = index;
	*from = seen = mipc_peek(&mq->pocket->claim);
	if (__builtin_expect(seen == 0, 1))
		return mipc_swap_if(&mq->pocket->claim, &seen, self);
	if (seen == self || !mipc_life_left(mq->use.ns->lives, seen))
		return false;
	/* The dead one commits nothing more: finish what it may have. */
	for (int i = 0; i < MIPC_BOARDS; i++)
		mipc_txn_begin(&mq->board[i]);
	return mipc_swap_if(&mq->pocket->claim, &seen, self);
}

/*
 * The last ones are kept with signals blocked, so that no handler keeps one
 * for ever by not coming back.
 */
static int
claim_any(struct mipc_mq *mq, uint32_t n, uint32_t at, mipc_life *from)
{
	uint32_t usual = n < UNBLOCKED ? n : UNBLOCKED;

	for (uint32_t i = 0; i < usual; i++, at++)
		if (claim(mq, at < usual ? at : at - usual, from))
			return 0;
	if (n <= UNBLOCKED)
		return EBUSY;
	mipc_sys_block(&mq->signals);
	mq->blocked = true;
	for (uint32_t i = UNBLOCKED; i < n; i++)
		if (claim(mq, i, from))
			return 0;
	mipc_sys_restore(&mq->signals);
	return EBUSY;
}

/* Give it back to whose it was, with what is in it. */
static void
give_back(struct mipc_mq *mq, mipc_life owner)
{
	for (int i = 0; i < MIPC_BOARDS; i++)
		mq->board[i].mine = 0;
	mipc_give(&mq->pocket->claim, owner);
	if (__builtin_expect(mq->blocked, 0))
		mipc_sys_restore(&mq->signals);
}

/*
 * Is this still the queue that was meant, in whose place no other is made as
 * long as this thread holds something?
 */
static bool
is_this_queue(const struct mipc_mq *mq)
{
	/* After the claim: pairs with make_object() and is_in_use(). */
	mipc_step_swapped();
	return mipc_take(&mq->head->object.id) == mq->use.opened->id;
}

int
mipc_pocket_take(struct mipc_mq *mq)
{
	uint32_t n = mipc_msg_count(mq, MIPC_M_POCKETS, MIPC_PARTIES);
	uint32_t at = (mq->use.thread->number +
	    MIPC_LIFE_SLOT(mq->board[MIPC_SENDING].self)) % SPREAD;
	mipc_life from;
	int error = 0;

	mq->keep = 0;
	mq->blocked = mq->calm = false;
	if (__builtin_expect(at >= n || !claim(mq, at, &from), 0))
		error = claim_any(mq, n, at, &from);
	if (error != 0)
		return error;
	if (__builtin_expect(!is_this_queue(mq), 0)) {
		give_back(mq, from);
		return EIDRM;
	}
	/* Its records are the boards' from now on. */
	for (int i = 0; i < MIPC_BOARDS; i++)
		mq->board[i].mine = mq->pocket_index + 1;
	if (__builtin_expect(from != 0, 0))
		mipc_pocket_inherit(mq);
	return 0;
}

void
mipc_pocket_leave(struct mipc_mq *mq)
{
	give_back(mq, 0);
}
