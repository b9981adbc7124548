/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_queue.c - finding a queue, and where everything is in it.
 */
#include "msg.h"

#include <errno.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* --- layout ------------------------------------------------------------ */

static void
lay(struct mipc_msg_layout *layout, uint64_t *at, uint64_t bytes)
{
	*at = layout->size;
	layout->size = (layout->size + bytes + layout->page - 1) &
	    ~((uint64_t)layout->page - 1);
}

/* Pages take up what the rest leaves, with the words that speak of them. */
void
mipc_msg_lay_out(struct mipc_msg_layout *layout, uint64_t room, uint32_t page)
{
	uint64_t groups, left, at;

	*layout = (struct mipc_msg_layout){ .page = page };
	lay(layout, &at, sizeof(struct mipc_msgqueue));
	lay(layout, &layout->ring, MIPC_RING * sizeof(mipc_u64));
	lay(layout, &layout->table[MIPC_M_POCKETS],
	    MIPC_PARTIES * MIPC_PARTY_BYTES);
	left = room > layout->size ? room - layout->size : 0;
	groups = left / ((uint64_t)MIPC_GROUP_PAGES * page +
	    sizeof(struct mipc_group));
	lay(layout, &layout->table[MIPC_M_GROUPS],
	    groups * sizeof(struct mipc_group));
	left = room > layout->size ? room - layout->size : 0;
	layout->pages = left / page;
	if (layout->pages > groups * MIPC_GROUP_PAGES)
		layout->pages = groups * MIPC_GROUP_PAGES;
	lay(layout, &layout->data, layout->pages * page);
}

static void
lay_board(struct mipc_mq *mq, enum mipc_msg_board which, mipc_u64 *turn,
    mipc_life life)
{
	char *pockets = mipc_msg_table(mq, MIPC_M_POCKETS);
	uint32_t party = (uint32_t)(offsetof(struct mipc_pocket, party) +
	    which * sizeof(struct mipc_party));

	mq->board[which] = (struct mipc_board){
		.base = (char *)mq->head,
		.size = mq->layout.size,
		.turn = turn,
		.small = pockets + party,
		.large = pockets,
		.small_words = MIPC_POCKET_WORDS,
		.record = (uint32_t)sizeof(struct mipc_pocket) - party,
		.lives = mq->ns->lives,
		.self = life,
	};
}

void
mipc_msg_lay_boards(struct mipc_mq *mq, mipc_life life)
{
	lay_board(mq, MIPC_SENDING, &mq->head->send_turn, life);
	lay_board(mq, MIPC_TAKING, &mq->head->take_turn, life);
	lay_board(mq, MIPC_PAGING, &mq->head->room_turn, life);
}

/* --- space ------------------------------------------------------------- */

int
mipc_msg_give_space(struct mipc_mq *mq, uint64_t offset, uint64_t length)
{
	struct mipc_opened *opened = mq->opened;
	struct mipc_gate gate;
	int r;

	if (offset + length > mq->layout.size)
		return EIO;
	r = mipc_sys_advise((char *)mq->head + offset, (size_t)length,
	    MADV_POPULATE_WRITE);
	if (r != -EINVAL)
		return r == 0 ? 0 : ENOMEM;
	mipc_gate_enter(&gate);
	r = mq->ns->store->ops->claim(mq->ns->store, MIPC_MSG, opened->id,
	    &opened->map, offset, length);
	mipc_gate_leave(&gate);
	return r == 0 ? 0 : r == ENOENT ? EIDRM : ENOMEM;
}
