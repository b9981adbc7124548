/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg.h - what the files of message queues share.
 *
 * Depends on: format_msg.h, line.h, txn.h, use.h.
 * Locks: none, and none is needed: queues change by transactions (txn.h), of
 * senders, of receivers and of those who care for pages.
 *
 *	msg_queue.c	finding a queue
 *	msg_space.c	pages get space, and give it back
 *	msg_pages.c	room moves between pages and pockets
 *	msg_pocket.c	what a thread holds while it is in a queue
 *	msg_claim.c	whose that is
 *	msg_index.c	messages in order and by type
 *	msg_pass.c	the transactions that send and take a message
 */
#ifndef MIPC_MSG_H
#define MIPC_MSG_H

#include <sys/types.h>

#include "format_msg.h"
#include "line.h"
#include "txn.h"
#include "use.h"

/* A queue that a call is in. */
struct mipc_mq {
	struct mipc_use use;
	struct mipc_msgqueue *head;
	const struct mipc_msg_layout *layout;
	struct mipc_board board[MIPC_BOARDS];
	struct mipc_pocket *pocket;	/* once mipc_pocket_take() */
	uint32_t pocket_index;
	uint32_t keep;			/* a place there that must not be
					   given away, + 1; 0 none */
	uint32_t pid;
	bool blocked;			/* signals, as long as it is kept */
	bool calm;			/* signals, for what is being done */
	uint64_t signals;
};

static inline void *
mipc_msg_table(const struct mipc_mq *mq, enum mipc_msg_table table)
{
	return (char *)mq->head + mq->layout->table[table];
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
	if (ref < mq->layout->first_ref)
		return NULL;
#ifndef MIPC_BREAK_BOUND	/* a test must see what this breaks */
	if (ref > mq->layout->last_ref)
		return NULL;
#endif
	return (struct mipc_message *)(void *)((char *)mq->head +
	    (uint64_t)ref * MIPC_UNIT);
}

/* With a pocket: a chore begins, or is done. */
static inline void
mipc_msg_chore(struct mipc_mq *mq, enum mipc_chore chore, bool begins)
{
	uint64_t chores = mipc_peek(&mq->pocket->chores);

	mipc_give(&mq->pocket->chores, begins ? chores | chore :
	    chores & ~(uint64_t)chore);
}

/* --- msg_queue.c ------------------------------------------------------- */

/* The queue, kept mapped until leave.  Errors as mipc_use_enter(). */
int	mipc_msg_enter(struct mipc_mq *, struct mipc_ns *, int id);
/* The same for one that is open, pinned by the caller; it may be removed. */
int	mipc_msg_hold(struct mipc_mq *, struct mipc_ns *,
	    struct mipc_opened *);
/* The same to look at alone: without a life. */
void	mipc_msg_view(struct mipc_mq *, struct mipc_ns *,
	    struct mipc_opened *);
void	mipc_msg_leave(struct mipc_mq *);
/* A pocket for this call, whatever it takes; mipc_pocket_leave() ends it. */
int	mipc_msg_pocket(struct mipc_mq *);
/* One more page of a table; ENOMEM if there can be none. */
int	mipc_msg_grow(struct mipc_mq *, enum mipc_msg_table);

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
#define MIPC_SPARES_KEPT	64u	/* spare pages that a queue keeps */
/* Give the system what a queue that is empty does not need. */
void	mipc_pages_trim(struct mipc_mq *);
/* Finish that for one who was killed at it; the pocket is ours now. */
void	mipc_pages_inherit(struct mipc_mq *);

/* --- msg_claim.c ------------------------------------------------------- */

/*
 * A pocket for this call; EBUSY: all are taken by the living; EIDRM: another
 * queue is in this one's place.
 */
int	mipc_pocket_take(struct mipc_mq *);
void	mipc_pocket_leave(struct mipc_mq *);

/* --- msg_pocket.c ------------------------------------------------------ */

/* What was held by one who was killed is ours, and so is its work. */
void	mipc_pocket_inherit(struct mipc_mq *);
/* The place that holds room for a message of `size` bytes: ENOMEM. */
int	mipc_pocket_room(struct mipc_mq *, uint64_t size, uint32_t *place);
/* A place that holds nothing. */
int	mipc_pocket_free(struct mipc_mq *, uint32_t *place);
/* Give large things back, if any are held: nobody will look for them here. */
void	mipc_pocket_tidy(struct mipc_mq *);
/* The word of a place, checked; 0: it holds nothing. */
uint64_t mipc_pocket_held(const struct mipc_mq *, uint32_t place);
bool	mipc_pocket_is_free(const struct mipc_mq *, uint32_t place);
/* Whole pages of what is held so; 0: none, or a part of one. */
uint32_t mipc_pocket_pages(const struct mipc_mq *, uint64_t held);
/* The shape of so many whole pages. */
static inline uint32_t
mipc_pocket_shape(uint64_t pages)
{
	return pages > MIPC_MANY_PAGES - MIPC_SHAPES - 1 ? MIPC_MANY_PAGES :
	    MIPC_SHAPES + (uint32_t)pages;
}
/* What is left of a chain without its first page; 0 nothing. */
uint32_t mipc_pocket_shorten(struct mipc_mq *, uint32_t ref, uint32_t left);
/* Record what a place holds from now on; ref 0: nothing. */
void	mipc_pocket_record(struct mipc_mq *, struct mipc_txn *,
	    uint32_t place, uint32_t ref, uint32_t shape);
/*
 * Write a message into what a place holds, and read one: EIO where its pages
 * end too early.
 */
void	mipc_message_fill(const struct mipc_mq *, uint32_t place,
	    uint64_t type, const void *from, uint32_t size);
int	mipc_message_read(const struct mipc_mq *, uint32_t ref, void *to,
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

/* --- msg_line.c -------------------------------------------------------- */

/* The lines of senders and of receivers, by their boards' numbers. */
void	mipc_msg_lines(struct mipc_mq *, struct mipc_line lines[2]);
/* Would steps do anything? */
bool	mipc_msg_busy(struct mipc_mq *);
/* Has somebody died who was handed a message? */
bool	mipc_msg_heirless(struct mipc_mq *);
bool	mipc_msg_sender_fits(struct mipc_mq *, const struct mipc_line *);
/*
 * With a pocket: do what is due, until nothing is; with `look`, also what the
 * dead have left.  0, or EIO, ENOMEM.
 */
int	mipc_msg_steps(struct mipc_mq *, bool look);
/* What a sleeping receiver wants. */
void	mipc_msg_choice_of(const struct mipc_msg_place *,
	    struct mipc_choice *);

/* --- msg_sleep.c ------------------------------------------------------- */

/*
 * A call that sleeps.
 *	side	MIPC_SENDING or MIPC_TAKING
 *	held	the place in the pocket that holds what is to be sent
 *	choice, size, cuts	what is wanted; of a sender the size alone
 *	got	a message that was handed over is in the pocket, for the
 *		length of this call: 0, or why it cannot be kept
 */
struct mipc_msg_wait {
	struct mipc_mq *mq;
	struct mipc_nap nap;
	uint32_t side, held;
	struct mipc_choice choice;
	uint64_t size;
	uint64_t heirs;			/* `handed` when words were named */
	bool cuts;
	int (*got)(struct mipc_msg_wait *, uint32_t ref);
};

/*
 * Sleep, and give the pocket back before: what it ended with; EAGAIN at the
 * deadline.  EBUSY: it can be tried at once, and the pocket is kept.
 */
int	mipc_msg_sleep(struct mipc_msg_wait *, uint64_t deadline);
/* Was it a handler's call that got the message?  Copy it. */
bool	mipc_msg_kept(struct mipc_msg_wait *,
	    void (*copy)(struct mipc_msg_wait *, uint64_t type,
	    const char *data, uint64_t size));

/* --- msg_remove.c ------------------------------------------------------ */

/* The queue is removed: tell everybody who sleeps there. */
void	mipc_msg_bury(struct mipc_mq *);

/* --- msg_pass.c -------------------------------------------------------- */

/* Receivers sleep, and what is in the inbox may be theirs. */
#define MIPC_STEPS_FIRST EINPROGRESS

struct mipc_msg_counts {
	uint64_t messages, bytes;
};
/* What is in the queue, at one moment. */
void	mipc_pass_count(const struct mipc_mq *, struct mipc_msg_counts *);
/*
 * Give back what nobody will want to find: large things in the pocket, and
 * pages that the queue does not need while it is empty.
 */
void	mipc_pass_tidy(struct mipc_mq *);
/* The message of this number in the inbox, as it stands; 0 none. */
uint32_t mipc_pass_glimpse(const struct mipc_mq *, uint64_t number);
/* The first message in the inbox; 0 none. */
uint32_t mipc_pass_first(struct mipc_mq *);
/* Is there room for one of this size?  0, EBUSY; ENOSPC: but for the ring. */
int	mipc_pass_judge(struct mipc_mq *, uint64_t size);
/* Record that a message is behind all others in the inbox. */
void	mipc_pass_record_sent(struct mipc_mq *, struct mipc_txn *,
	    uint32_t ref, uint64_t size);
/* What is to be taken: a message, and where it stands. */
struct mipc_found {
	uint32_t ref;			/* 0: none */
	uint32_t number;		/* in the order of arrival */
	uint32_t passed;		/* see mipc_index_find() */
	bool in_inbox;
	bool drain;			/* the inbox must be looked through */
};
/* Record that it is in the queue no more. */
int	mipc_pass_record_taken(struct mipc_mq *, struct mipc_txn *,
	    const struct mipc_found *, uint64_t size);
/* Is this a type that was asked for? */
bool	mipc_pass_matches(const struct mipc_choice *, uint64_t type);
/*
 * One try to send what a place holds: EBUSY, the queue is full; EAGAIN, try
 * again; MIPC_STEPS_FIRST; EIDRM; EIO.
 */
int	mipc_pass_try_send(struct mipc_mq *, uint32_t place, uint64_t size);
/*
 * One try to take a message of `room` bytes at most into a place that holds
 * nothing: EBUSY, there is none; E2BIG; EAGAIN; MIPC_STEPS_FIRST; EIDRM; EIO.
 */
int	mipc_pass_try_take(struct mipc_mq *, const struct mipc_choice *,
	    uint64_t room, uint32_t place, uint64_t *size);
/* Is there nothing to be taken?  0; EBUSY, there is; or as drain. */
int	mipc_pass_look(struct mipc_mq *, const struct mipc_choice *);
/*
 * Move so many messages from the inbox to the index: EAGAIN, MIPC_STEPS_FIRST,
 * EIO.
 */
int	mipc_pass_drain(struct mipc_mq *, uint32_t most);
/* The inbox is full: the same, of half of it. */
int	mipc_pass_make_room(struct mipc_mq *);
/* The first, if nobody wants it: 0, EAGAIN, EIO; ECANCELED, there is none. */
int	mipc_pass_drain_one(struct mipc_mq *, uint64_t seen);

#endif
