/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_queue.c - for ckpt_cut.c: a queue with its messages, copied, and
 * whether it is still so.
 *
 * It is walked while others send and receive.  What a walk finds counts only
 * if the turns of both its boards are then the same; so whatever is read on
 * the way is input, and leads nowhere but to EAGAIN.
 */
#include "ckpt.h"

#include <errno.h>

#include "look.h"
#include "msg.h"

struct listing {
	struct mipc_heap heap;
	struct mipc_look_message *message;
	uint32_t n;
};

static uint32_t
number_of(const struct mipc_look_message *message)
{
	return (uint32_t)message->place[0];
}

/* One that was handed over and not yet come for stands where it stood. */
static int
insert(struct listing *l, const struct mipc_mq *mq, uint32_t ref,
    uint32_t number)
{
	const struct mipc_message *m = mipc_msg_at(mq, ref);
	uint32_t at = l->n;

	if (m == NULL || (l->n + 1) * sizeof(*l->message) > l->heap.size)
		return EAGAIN;
	for (; at > 0 && (int32_t)(number_of(&l->message[at - 1]) - number) >
	    0; at--)
		l->message[at] = l->message[at - 1];
	l->message[at] = (struct mipc_look_message){
		.size = mipc_peek(&m->size),
		.place = { (uint64_t)ref << 32 | number, 0 },
	};
	l->n++;
	return 0;
}

static int
list_handed(struct listing *l, const struct mipc_mq *mq)
{
	struct mipc_msg_place *place = mipc_msg_table(mq, MIPC_M_RECEIVERS);
	uint32_t n = mipc_msg_count(mq, MIPC_M_RECEIVERS, MIPC_SLEEPERS);
	int error = 0;

	for (uint32_t i = 0; i < n && error == 0; i++, place++)
		if (mipc_line_state(&place->place) == MIPC_SLEEP_HANDED)
			error = insert(l, mq,
			    MIPC_HELD_REF(mipc_peek(&place->message)),
			    MIPC_T_VALUE(mipc_peek(&place->number)));
	return error;
}

/* Every message, in order; with room for all that may have been handed. */
static int
list_messages(struct listing *l, const struct mipc_mq *mq)
{
	uint64_t room = 0;
	int error;

	for (;;) {
		error = mipc_heap_room(&l->heap, (room + MIPC_SLEEPERS + 64) *
		    sizeof(*l->message));
		if (error != 0)
			return error;
		l->message = (void *)l->heap.base;
		room = l->heap.size / sizeof(*l->message) - MIPC_SLEEPERS;
		if (!mipc_look_walk(mq, l->message, (size_t)room, &l->n))
			return EAGAIN;
		if (l->n <= room)
			return list_handed(l, mq);
		room = l->n;
	}
}

static int
copy_message(struct mipc_cut *cut, const struct mipc_mq *mq,
    const struct mipc_look_message *seen)
{
	uint32_t ref = (uint32_t)(seen->place[0] >> 32);
	const struct mipc_message *m = mipc_msg_at(mq, ref);
	uint64_t at, size = seen->size, *to;
	int error;

	if (m == NULL || size > INT32_MAX)
		return EAGAIN;
	error = mipc_cut_add(cut, MIPC_CKPT_MESSAGE, 16 + size, &at);
	if (error != 0)
		return error;
	to = (void *)(mipc_cut_record(cut, at) + 1);
	to[0] = size;
	to[1] = mipc_peek(&m->type);
	return size == 0 ? 0 : mipc_message_read(mq, ref, to + 2, size);
}

static int
copy_messages(struct mipc_cut *cut, const struct mipc_mq *mq,
    struct mipc_cut_object *o)
{
	struct listing l = { .n = 0 };
	uint64_t bytes = 0;
	int error;

	error = list_messages(&l, mq);
	for (uint32_t i = 0; i < l.n && error == 0; i++) {
		error = copy_message(cut, mq, &l.message[i]);
		bytes += l.message[i].size;
	}
	mipc_cut_object(cut, o->at)->size = l.n;
	mipc_cut_object(cut, o->at)->bytes = bytes;
	mipc_heap_free(&l.heap);
	return error;
}

static bool
boards_are_same(const struct mipc_mq *mq, const struct mipc_cut_object *o)
{
	return mipc_txn_same(&mq->board[MIPC_SENDING], o->seen[0]) &&
	    mipc_txn_same(&mq->board[MIPC_TAKING], o->seen[1]);
}

int
mipc_cut_queue(struct mipc_cut *cut, struct mipc_cut_object *o)
{
	struct mipc_ckpt_object *to;
	struct mipc_mq mq;
	int error;

	error = mipc_cut_add(cut, MIPC_CKPT_OBJECT, sizeof(*to), &o->at);
	if (error != 0)
		return error;
	to = mipc_cut_object(cut, o->at);
	mipc_msg_view(&mq, cut->ns, o->opened);
	o->seen[0] = mipc_txn_begin(&mq.board[MIPC_SENDING]);
	o->seen[1] = mipc_txn_begin(&mq.board[MIPC_TAKING]);
	mipc_cut_head(o, to);
	to->most = mipc_peek(&mq.head->qbytes);
	to->time[0] = mipc_peek(&mq.head->stime);
	to->time[1] = mipc_peek(&mq.head->rtime);
	to->pid[0] = mipc_peek(&mq.head->lspid);
	to->pid[1] = mipc_peek(&mq.head->lrpid);
	error = copy_messages(cut, &mq, o);
	/* What cannot be, but is one state, will not be another one soon. */
	return error == EAGAIN && boards_are_same(&mq, o) &&
	    mipc_cut_head_is_same(o) ? EIO : error;
}

bool
mipc_cut_queue_is_same(struct mipc_cut *cut, const struct mipc_cut_object *o)
{
	struct mipc_mq mq;

	mipc_msg_view(&mq, cut->ns, o->opened);
	return boards_are_same(&mq, o) && mipc_cut_head_is_same(o);
}
