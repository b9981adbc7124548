/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_op.c - msgsnd and msgrcv: clauses M1-M10.
 *
 * What is to be sent is copied into room that the thread holds before anything
 * is decided, and what was taken is copied out of it after; so no other
 * process waits for a copy, and a message is in the queue whole or not at all.
 */
#include "msg.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/msg.h>

#include "commands.h"
#include "crash.h"
#include "mipc.h"
#include "still.h"

/* --- common ------------------------------------------------------------ */

/* As struct msgbuf is: a type, and then the text. */
#define TEXT	sizeof(long)

static int
begin(struct mipc_mq *mq, struct mipc_ns *ns, int id, unsigned asked)
{
	int error;

	mipc_use_begin();
	error = mipc_msg_enter(mq, ns, id);
	if (error != 0)
		return error;
	error = mipc_use_permit(&mq->use, asked);
	if (error == 0)
		error = mipc_msg_pocket(mq);
	if (error != 0)
		mipc_msg_leave(mq);
	return error;
}

/* While somebody sleeps, no handler between a change and its steps. */
static void
block(struct mipc_mq *mq, bool wanted, uint64_t *signals)
{
	if (wanted && !mq->blocked) {
		mipc_sys_block(signals);
		mq->calm = true;
	}
}

static void
restore(struct mipc_mq *mq, uint64_t *signals)
{
	if (mq->calm) {
		mq->calm = false;
		mipc_sys_restore(signals);
	}
}

static bool
anybody(const struct mipc_line_head *line)
{
	return MIPC_T_VALUE(mipc_take(&line->sleepers)) != 0;
}

/* What is due comes first. */
static int
settle(struct mipc_mq *mq)
{
	struct mipc_msgqueue *q = mq->head;
	int error = 0;

	if (anybody(&q->receivers) || anybody(&q->senders)) {
		if (mipc_msg_busy(mq))
			error = mipc_msg_steps(mq, false);
	}
	if (error == 0 && MIPC_T_VALUE(mipc_peek(&q->handed)) != 0 &&
	    mipc_msg_heirless(mq))
		error = mipc_msg_steps(mq, true);
	return error;
}

/* Is a try to be made again? */
static bool
again(struct mipc_mq *mq, int *error)
{
	if (*error == MIPC_STEPS_FIRST) {
		*error = mipc_msg_steps(mq, false);
		return *error == 0;
	}
	if (*error == EAGAIN && !mipc_use_sound(&mq->use))
		*error = EIO;
	return *error == EAGAIN;
}

/* --- sending ----------------------------------------------------------- */

struct sending {
	struct mipc_mq mq;
	uint64_t size, deadline;
	uint32_t place;
};

static int
try_send(struct sending *s)
{
	struct mipc_msgqueue *q = s->mq.head;
	bool wake = anybody(&q->receivers);
	uint64_t signals;
	int error;

	block(&s->mq, wake, &signals);
	error = mipc_pass_try_send(&s->mq, s->place, s->size);
	if (error == 0) {
		mipc_crash_point("send: committed");
		mipc_put(&q->lspid, s->mq.pid);
		mipc_put(&q->stime, mipc_sys_seconds());
		/* After the commit: pairs with the nap's look at the turn. */
		mipc_step_swapped();
		if (anybody(&q->receivers))
			error = mipc_msg_steps(&s->mq, false);
	}
	restore(&s->mq, &signals);
	return error;
}

static bool
has_room(void *arg)
{
	struct sending *s = arg;

	return mipc_pass_judge(&s->mq, s->size) != EBUSY;
}

/* Until there is room; the pocket is given back. */
static int
wait_for_room(struct sending *s)
{
	struct mipc_msg_wait wait = { .mq = &s->mq, .side = MIPC_SENDING,
	    .held = s->place, .size = s->size };

	return mipc_msg_sleep(&wait, s->deadline);
}

/* In the queue, or why not; the pocket is given back. */
static int
send_it(struct sending *s)
{
	int error;

	for (;;) {
		error = settle(&s->mq);
		if (error == 0)
			do {
				error = try_send(s);
			} while (again(&s->mq, &error));
		if (error != EBUSY)
			break;
		error = EAGAIN;
		if (s->deadline == 0)
			break;
		error = mipc_use_look(&s->mq.use, has_room, s);
		if (error == 0)
			continue;
		if (error == EINTR)
			break;
		error = wait_for_room(s);
		if (error != EBUSY)
			return error;
	}
	if (error != 0)
		mipc_pass_tidy(&s->mq);
	mipc_pocket_leave(&s->mq);
	return error;
}

static int
send_letter(struct mipc_ns *ns, int id, const char *letter, uint64_t size,
    uint64_t deadline)
{
	struct sending s;	/* large: each call sets what it needs */
	long type;
	int error;

	memcpy(&type, letter, sizeof(type));	/* aligned or not */
	if (type < 1)
		return EINVAL;
	error = begin(&s.mq, ns, id, 2);
	if (error != 0)
		return error;
	s.size = size;
	s.deadline = deadline;
	error = mipc_pocket_room(&s.mq, size, &s.place);
	if (error == 0) {
		mipc_message_fill(&s.mq, s.place, (uint64_t)type,
		    letter + TEXT, (uint32_t)size);
		s.mq.keep = s.place + 1;
		mipc_crash_point("send: filled");
		error = send_it(&s);
	} else {		/* a part of it may have been found */
		mipc_pocket_tidy(&s.mq);
		mipc_pages_trim(&s.mq);
		mipc_pocket_leave(&s.mq);
	}
	mipc_msg_leave(&s.mq);
	return error;
}

MIPC_PUBLIC int
mipc_msgtimedsnd(struct mipc_ns *ns, int msqid, const void *msgp, size_t size,
    int flags, const struct timespec *timeout)
{
	uint64_t deadline = MIPC_FOREVER;
	int error = 0;

	if (size > mipc_peek(&ns->space->limit[MIPC_MSGMAX]) ||
	    size > UINT32_MAX || msqid < 0 ||
	    !mipc_wait_deadline(timeout, &deadline))
		error = EINVAL;
	else if (msgp == NULL)
		error = EFAULT;
	else
		error = ns->lives->refuses;
	if ((flags & IPC_NOWAIT) != 0)
		deadline = 0;
	if (error == 0) {
		mipc_still_pass(ns);
		error = send_letter(ns, msqid, msgp, size, deadline);
	}
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

MIPC_PUBLIC int
mipc_msgsnd(struct mipc_ns *ns, int msqid, const void *msgp, size_t size,
    int flags)
{
	return mipc_msgtimedsnd(ns, msqid, msgp, size, flags, NULL);
}

/* --- receiving --------------------------------------------------------- */

struct receiving {
	struct mipc_msg_wait wait;
	struct mipc_mq mq;
	char *letter;
	uint64_t room, got, deadline;
	bool delivered;
};

static void
write_type(struct receiving *r, uint64_t type)
{
	long value = (long)type;

	memcpy(r->letter, &value, sizeof(value));
}

static void
deliver(struct mipc_msg_wait *wait, uint64_t type, const char *data,
    uint64_t size)
{
	struct receiving *r = (struct receiving *)(void *)wait;

	r->got = size < r->room ? size : r->room;
	write_type(r, type);
	memcpy(r->letter + TEXT, data, r->got);
	r->delivered = true;
}

/* The message is in the pocket: copy it, and keep the room. */
static int
deliver_held(struct mipc_msg_wait *wait, uint32_t ref)
{
	struct receiving *r = (struct receiving *)(void *)wait;
	struct mipc_message *m = mipc_msg_at(&r->mq, ref);
	uint64_t size;
	int error;

	if (m == NULL)
		return EIO;
	size = mipc_peek(&m->size);
	r->got = size < r->room ? size : r->room;
	write_type(r, mipc_peek(&m->type));
	error = mipc_message_read(&r->mq, ref, r->letter + TEXT, r->got);
	r->delivered = true;
	mipc_pass_tidy(&r->mq);
	return error;
}

static int
try_take(struct receiving *r)
{
	struct mipc_msgqueue *q = r->mq.head;
	bool wake = anybody(&q->senders);
	uint64_t signals, size;
	uint32_t place;
	int error = mipc_pocket_free(&r->mq, &place);

	if (error != 0)
		return error;
	r->mq.keep = place + 1;
	block(&r->mq, wake, &signals);
	error = mipc_pass_try_take(&r->mq, &r->wait.choice,
	    r->wait.cuts ? UINT64_MAX : r->room, place, &size);
	if (error == 0) {
		mipc_crash_point("receive: committed");
		mipc_put(&q->lrpid, r->mq.pid);
		mipc_put(&q->rtime, mipc_sys_seconds());
		/* After the commit: pairs with the nap's look at the turn. */
		mipc_step_swapped();
		if (anybody(&q->senders))
			mipc_msg_steps(&r->mq, false);
	}
	restore(&r->mq, &signals);
	if (error == 0)
		error = deliver_held(&r->wait, MIPC_HELD_REF(
		    mipc_peek(&r->mq.pocket->held[place])));
	r->mq.keep = 0;
	return error;
}

/*
 * What a sender has not finished is found by the next try.  A look that went
 * so far would take from the sender, at every message, what it writes next.
 */
static bool
has_message(void *arg)
{
	struct receiving *r = arg;

	return mipc_pass_glimpse(&r->mq, mipc_take(&r->mq.head->head)) != 0;
}

/* Look a while; *vain: there is still none. */
static int
look_for_message(struct receiving *r, bool *vain)
{
	int error = mipc_use_look(&r->mq.use, has_message, r);

	*vain = error == EAGAIN;
	return *vain ? 0 : error;
}

/* Would a try most likely find nothing, where it may wait? */
static bool
seems_empty(struct receiving *r)
{
	return r->deadline != 0 && !has_message(r) &&
	    MIPC_T_VALUE(mipc_peek(&r->mq.head->indexed)) == 0;
}

/* Until there is a message; the pocket is given back. */
static int
wait_for_message(struct receiving *r)
{
	int error;

	r->wait.mq = &r->mq;
	r->wait.side = MIPC_TAKING;
	r->wait.size = r->room;
	r->wait.got = deliver_held;
	error = mipc_msg_sleep(&r->wait, r->deadline);
	if (error == 0 && !r->delivered &&
	    !mipc_msg_kept(&r->wait, deliver))
		error = EINTR;
	return error;
}

/* Taken, or why not; the pocket is given back. */
static int
receive_it(struct receiving *r)
{
	bool vain = false;
	int error;

	for (;;) {
		error = settle(&r->mq);
		if (error == 0 && !vain && seems_empty(r))
			error = look_for_message(r, &vain);
		if (error == 0)
			do {
				error = try_take(r);
			} while (again(&r->mq, &error));
		if (error != EBUSY)
			break;
		error = ENOMSG;
		if (r->deadline == 0)
			break;
		error = vain ? 0 : look_for_message(r, &vain);
		if (error != 0)
			break;
		if (!vain)
			continue;
		error = wait_for_message(r);
		if (error != EBUSY)
			return error;
		vain = false;
	}
	mipc_pocket_leave(&r->mq);
	return error;
}

/* M4. */
static void
choose(struct mipc_choice *choice, long type, int flags)
{
	choice->rule = type == 0 ? MIPC_ANY : type < 0 ? MIPC_UP_TO :
	    (flags & MSG_EXCEPT) != 0 ? MIPC_EXCEPT : MIPC_EQUAL;
	choice->type = type == LONG_MIN ? LONG_MAX :
	    (uint64_t)(type < 0 ? -type : type);
}

/* --- MSG_COPY ---------------------------------------------------------- */

/* M6: one try; the message stays. */
static int
try_copy(struct receiving *r, uint64_t number)
{
	const struct mipc_board *board = &r->mq.board[MIPC_TAKING];
	uint64_t seen = mipc_txn_begin(board), mark, size;
	struct mipc_message *m;
	uint32_t ref;
	int error;

	if (mipc_pass_first(&r->mq) != 0)
		return mipc_pass_drain(&r->mq, MIPC_RING);
	ref = mipc_index_at(&r->mq, number);
	m = mipc_msg_at(&r->mq, ref);
	if (m == NULL)
		return mipc_txn_same(board, seen) ? ENOMSG : EAGAIN;
	mark = mipc_take(&m->number);
	size = mipc_peek(&m->size);
	if (!mipc_txn_same(board, seen))
		return EAGAIN;
	if (size > r->room)
		return r->wait.cuts ? EINVAL : E2BIG;
	r->got = size;
	write_type(r, mipc_peek(&m->type));
	error = mipc_message_read(&r->mq, ref, r->letter + TEXT, size);
	/* It is the same if it was not taken meanwhile. */
	atomic_thread_fence(memory_order_acquire);
	return mipc_peek(&m->number) == mark ? error : EAGAIN;
}

static int
copy_it(struct receiving *r, long number)
{
	int error = settle(&r->mq);

	if (error == 0 && number < 0)
		error = ENOMSG;
	if (error == 0)
		do {
			error = try_copy(r, (uint64_t)number);
		} while (again(&r->mq, &error));
	mipc_pocket_leave(&r->mq);
	return error;
}

/* --- the call ---------------------------------------------------------- */

static int
receive_letter(struct receiving *r, struct mipc_ns *ns, int id, long type,
    int flags)
{
	int error = begin(&r->mq, ns, id, 4);

	if (error != 0)
		return error;
	r->wait.cuts = (flags & MSG_NOERROR) != 0;
	choose(&r->wait.choice, type, flags);
	error = (flags & MSG_COPY) != 0 ? copy_it(r, type) : receive_it(r);
	mipc_msg_leave(&r->mq);
	return error;
}

MIPC_PUBLIC ssize_t
mipc_msgtimedrcv(struct mipc_ns *ns, int msqid, void *msgp, size_t size,
    long type, int flags, const struct timespec *timeout)
{
	struct receiving r;	/* large: each call sets what it needs */
	int error = 0;

	r.letter = msgp;
	r.room = size;
	r.deadline = MIPC_FOREVER;
	r.delivered = false;

	if (msqid < 0 || size > SSIZE_MAX ||
	    ((flags & MSG_COPY) != 0 && ((flags & MSG_EXCEPT) != 0 ||
	    (flags & IPC_NOWAIT) == 0)) ||
	    !mipc_wait_deadline(timeout, &r.deadline))
		error = EINVAL;
	else if (msgp == NULL)
		error = EFAULT;
	else
		error = ns->lives->refuses;
	if ((flags & IPC_NOWAIT) != 0)
		r.deadline = 0;
	if (error == 0) {
		mipc_still_pass(ns);
		error = receive_letter(&r, ns, msqid, type, flags);
	}
	if (error == 0)
		return (ssize_t)r.got;
	/* A time that is over is not a queue that is empty. */
	errno = error == ENOMSG && (flags & IPC_NOWAIT) == 0 ? EAGAIN : error;
	return -1;
}

MIPC_PUBLIC ssize_t
mipc_msgrcv(struct mipc_ns *ns, int msqid, void *msgp, size_t size, long type,
    int flags)
{
	return mipc_msgtimedrcv(ns, msqid, msgp, size, type, flags, NULL);
}
