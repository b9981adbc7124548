/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_queue.c - finding a queue, and what a call in it needs.
 *
 * Where everything is in a queue is reckoned once, when it is opened
 * (mipc_ns_lay_queue).
 */
#include "msg.h"

#include <errno.h>

#include "crash.h"

/* Bytes of an entry, of tables that grow by whole pages. */
static const struct {
	size_t bytes;
	uint32_t most;
} tables[MIPC_M_TABLES] = {
	[MIPC_M_POCKETS] = { MIPC_PARTY_BYTES, MIPC_PARTIES },
	[MIPC_M_RECEIVERS] = { sizeof(struct mipc_msg_place), MIPC_SLEEPERS },
	[MIPC_M_SENDERS] = { sizeof(struct mipc_msg_place), MIPC_SLEEPERS },
};

/* One more page of a table; ENOMEM if there can be none. */
int
mipc_msg_grow(struct mipc_mq *mq, enum mipc_msg_table table)
{
	uint64_t ready = mipc_msg_count(mq, table, tables[table].most);
	uint64_t page = mq->layout->page, bytes = tables[table].bytes;
	int error;

	if (ready >= tables[table].most)
		return ENOMEM;
	error = mipc_use_give_space(&mq->use, mq->layout->table[table] +
	    ready * bytes, page);
	if (error == 0)		/* whoever else grew it gave the same space */
		mipc_swap_if(&mq->head->ready[table], &ready,
		    ready + page / bytes);
	return error;
}

static void
lay(struct mipc_mq *mq, mipc_life life)
{
	mq->head = (struct mipc_msgqueue *)(void *)mq->use.opened->head;
	mq->layout = &mq->use.opened->msg_layout;
	for (int i = 0; i < MIPC_BOARDS; i++)
		mq->board[i] = (struct mipc_board){
		    .site = &mq->use.opened->site[i], .self = life };
}

void
mipc_msg_view(struct mipc_mq *mq, struct mipc_ns *ns,
    struct mipc_opened *opened)
{
	*mq = (struct mipc_mq){ .use = { .ns = ns, .opened = opened } };
	lay(mq, 0);
}

/* What transactions need: a life, a pocket's space. */
static int
prepare(struct mipc_mq *mq)
{
	mipc_life life;
	int error;

	lay(mq, 0);
	mipc_thread_ring_for(mq->use.thread, &mq->head->bell);
	mq->pid = 0;
	if (mq->use.ns->lives->refuses != 0)
		return 0;		/* to read alone */
	error = mipc_use_life(&mq->use, &life);
	if (error != 0)
		return error;
	mq->pid = (uint32_t)mipc_peek(&mq->use.ns->lives->slot->pid);
	lay(mq, life);
	return 0;
}

int
mipc_msg_enter(struct mipc_mq *mq, struct mipc_ns *ns, int id)
{
	int error = mipc_use_enter(&mq->use, ns, MIPC_MSG, id);

	if (error != 0)
		return error;
	error = prepare(mq);
	if (error != 0)
		mipc_use_leave(&mq->use);
	return error;
}

int
mipc_msg_hold(struct mipc_mq *mq, struct mipc_ns *ns,
    struct mipc_opened *opened)
{
	int error = mipc_use_hold(&mq->use, ns, opened);

	if (error != 0)
		return error;
	error = prepare(mq);
	if (error != 0)
		mipc_use_leave(&mq->use);
	return error;
}

void
mipc_msg_leave(struct mipc_mq *mq)
{
	mipc_use_leave(&mq->use);
}

/* All pockets are taken: make more, or wait a moment. */
static int
wait_for_pocket(struct mipc_mq *mq)
{
	static mipc_u32 nobody_wakes;
	struct timespec moment = { .tv_nsec = 1000000 };
	int error = mipc_msg_grow(mq, MIPC_M_POCKETS);

	if (error == ENOMEM && mipc_msg_count(mq, MIPC_M_POCKETS,
	    MIPC_PARTIES) == MIPC_PARTIES)
		error = mipc_sys_futex_wait(&nobody_wakes, 0, &moment) ==
		    -ENOSYS ? ENOSYS : 0;
	if (error == 0 && !mipc_use_sound(&mq->use))
		error = EIO;
	return error;
}

int
mipc_msg_pocket(struct mipc_mq *mq)
{
	int error;

	mipc_crash_point("queue: found");
	while ((error = mipc_pocket_take(mq)) == EBUSY) {
		error = wait_for_pocket(mq);
		if (error != 0)
			break;
	}
	return error;
}
