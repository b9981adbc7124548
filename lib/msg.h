/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg.h - what the files of message queues share.
 *
 * Depends on: format_msg.h, ns.h, txn.h, thread.h.
 * Locks: none, and none is needed: queues change by transactions (txn.h), of
 * senders, of receivers and of those who care for pages.
 *
 *	msg_queue.c	finding a queue
 *	msg_space.c	pages get space, and give it back
 *	msg_pages.c	room moves between pages and pockets
 *	msg_pocket.c	what a thread holds while it is in a queue
 *	msg_index.c	messages in order and by type
 *	msg_pass.c	the transactions that send and take a message
 */
#ifndef MIPC_MSG_H
#define MIPC_MSG_H

#include <sys/types.h>

#include "format_msg.h"
#include "ns.h"
#include "thread.h"
#include "txn.h"

enum mipc_msg_board {
	MIPC_SENDING, MIPC_TAKING, MIPC_PAGING, MIPC_BOARDS
};

/* A queue that a call is in. */
struct mipc_mq {
	struct mipc_ns *ns;
	struct mipc_opened *opened;
	struct mipc_msgqueue *head;
	struct mipc_thread *thread;
	struct mipc_inside inside;
	struct mipc_msg_layout layout;
	struct mipc_board board[MIPC_BOARDS];
	struct mipc_pocket *pocket;	/* once mipc_pocket_take() */
	uint32_t pocket_index;
	uint32_t pid;
	bool pinned;
	bool blocked;			/* the pocket is kept so */
	uint64_t signals;
};

static inline void *
mipc_msg_table(const struct mipc_mq *mq, enum mipc_msg_table table)
{
	return (char *)mq->head + mq->layout.table[table];
}

/* Entries of a table that have space, of those that there can be. */
static inline uint32_t
mipc_msg_count(const struct mipc_mq *mq, enum mipc_msg_table table,
    uint32_t most)
{
	uint64_t ready = mipc_take(&mq->head->ready[table]);

	return ready > most ? most : (uint32_t)ready;
}

/* The message that a reference names; NULL if it can be none. */
static inline struct mipc_message *
mipc_msg_at(const struct mipc_mq *mq, uint32_t ref)
{
	uint64_t offset = (uint64_t)ref * MIPC_UNIT;

	if (offset < mq->layout.data ||
	    offset > mq->layout.size - MIPC_MESSAGE_HEAD)
		return NULL;
	return (struct mipc_message *)(void *)((char *)mq->head + offset);
}

static inline struct mipc_board *
mipc_msg_board(struct mipc_mq *mq, enum mipc_msg_board which)
{
	return &mq->board[which];
}

/* Where everything is in a queue of `room` bytes. */
void	mipc_msg_lay_out(struct mipc_msg_layout *, uint64_t room,
	    uint32_t page);
/* What transactions need, for this life. */
void	mipc_msg_lay_boards(struct mipc_mq *, mipc_life);
/* Give bytes space: ENOMEM, where touching them would be a signal. */
int	mipc_msg_give_space(struct mipc_mq *, uint64_t offset,
	    uint64_t length);

/* --- msg_pages.c, msg_space.c ------------------------------------------ */

/*
 * Take parts of a page of this shape, as many as places are free, or at most
 * `most`, into free places of the pocket.  ENOMEM.
 */
int	mipc_pages_cut(struct mipc_mq *, uint32_t shape, uint32_t most);
/* The same for whole pages. */
int	mipc_pages_take(struct mipc_mq *, uint32_t most);
/* Give what some places hold back; of several pages as many as fit. */
int	mipc_pages_give(struct mipc_mq *, uint32_t places);
/* Give the system what a queue that is empty does not need. */
void	mipc_pages_trim(struct mipc_mq *);
/* Finish that for one who was killed at it; the pocket is ours now. */
void	mipc_pages_inherit(struct mipc_mq *);

/* --- msg_pocket.c ------------------------------------------------------ */

/* A pocket for this call; EBUSY: all are taken by the living. */
int	mipc_pocket_take(struct mipc_mq *);
void	mipc_pocket_leave(struct mipc_mq *);
/* The place that holds room for a message of `size` bytes: ENOMEM. */
int	mipc_pocket_room(struct mipc_mq *, uint64_t size, uint32_t *place);
/* A place that holds nothing. */
int	mipc_pocket_free(struct mipc_mq *, uint32_t *place);
/* Give large things back that nobody will want to find here. */
void	mipc_pocket_tidy(struct mipc_mq *);
/* Whole pages of what a place holds; 0: none, or a part of one. */
uint32_t mipc_pocket_pages(const struct mipc_mq *, uint32_t place);
/* The shape of so many whole pages. */
uint32_t mipc_pocket_shape(uint64_t pages);
/* What is left of a chain without its first page; 0 nothing. */
uint32_t mipc_pocket_shorten(struct mipc_mq *, uint32_t ref, uint32_t left);
/* Record what a place holds from now on; ref 0: nothing. */
void	mipc_pocket_record(struct mipc_mq *, struct mipc_txn *,
	    uint32_t place, uint32_t ref, uint32_t shape);
/* Write a message into what a place holds, and read one. */
void	mipc_message_fill(const struct mipc_mq *, uint32_t place,
	    uint64_t type, const void *from, uint32_t size);
void	mipc_message_read(const struct mipc_mq *, uint32_t ref, void *to,
	    uint64_t size);

/* --- msg_index.c ------------------------------------------------------- */

/* Which message a receiver wants: clause M4. */
struct mipc_choice {
	enum { MIPC_ANY, MIPC_EQUAL, MIPC_EXCEPT, MIPC_UP_TO } rule;
	uint64_t type;
};

/* Record that a message is in the index, behind all others. */
int	mipc_index_add(const struct mipc_mq *, struct mipc_txn *,
	    uint32_t ref, uint32_t number);
/* The same for one that goes back to where it stood. */
int	mipc_index_put_back(const struct mipc_mq *, struct mipc_txn *,
	    uint32_t ref, uint32_t number);
/* Record that it is not; it is the first of its type. */
int	mipc_index_remove(const struct mipc_mq *, struct mipc_txn *,
	    uint32_t ref);
/*
 * The message to be taken, or 0.  *passed: 0, or where the search for one that
 * is not of the first one's type should begin from now on.
 */
uint32_t mipc_index_find(const struct mipc_mq *, const struct mipc_choice *,
	    uint32_t *passed);
/* The one that `number` others stand before, or 0. */
uint32_t mipc_index_at(const struct mipc_mq *, uint64_t number);

/* --- msg_pass.c -------------------------------------------------------- */

struct mipc_msg_counts {
	uint64_t messages, bytes;
};
/* What is in the queue, at one moment. */
void	mipc_pass_count(const struct mipc_mq *, struct mipc_msg_counts *);
/* Does any message wait in the inbox? */
bool	mipc_pass_waits(struct mipc_mq *);
/* Is this a type that was asked for? */
bool	mipc_pass_matches(const struct mipc_choice *, uint64_t type);
/*
 * One try to send what a place holds: EBUSY, the queue is full; EAGAIN, try
 * again; EIO.
 */
int	mipc_pass_try_send(struct mipc_mq *, uint32_t place, uint64_t size);
/*
 * One try to take a message of `room` bytes at most into a place that holds
 * nothing: EBUSY, there is none; E2BIG; EAGAIN; EIO.
 */
int	mipc_pass_try_take(struct mipc_mq *, const struct mipc_choice *,
	    uint64_t room, uint32_t place, uint64_t *size);
/* Move so many messages from the inbox to the index: EAGAIN, or EIO. */
int	mipc_pass_drain(struct mipc_mq *, uint32_t most);

#endif
