/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_sleep.c - one thread's sleep for a message, or for room for one: clauses
 * M7-M10.
 *
 * While it sleeps it has no pocket.  What a sender wants to send stands in its
 * place in the line, where whoever makes room sends it; a receiver finds there
 * what it was handed.
 *
 * A handler that ends the sleep of a receiver who has been handed a message
 * keeps it in memory of this process, under the number of the sleep, for the
 * call that it has interrupted; if the handler jumps away, it was received.
 */
#include "msg.h"

#include <errno.h>

#include "crash.h"

static struct mipc_msg_place *
own(const struct mipc_nap *nap)
{
	return (struct mipc_msg_place *)(void *)mipc_line_place(nap->line,
	    nap->index);
}

static struct mipc_mq *
queue_of(const struct mipc_nap *nap)
{
	return ((struct mipc_msg_wait *)nap->arg)->mq;
}

/* --- with a pocket for a moment ---------------------------------------- */

/* Did somebody die in IPC_SET?  Then there may be more room than it seems. */
static bool
set_is_left(struct mipc_mq *mq)
{
	mipc_life owner = mipc_take(&mq->use.opened->head->lock.owner);

	return owner != 0 && mipc_life_dead(mq->use.ns->lives, owner);
}

static void
finish_set(struct mipc_mq *mq)
{
	struct mipc_opened *opened = mq->use.opened;
	struct mipc_gate gate;

	if (!set_is_left(mq))
		return;
	mipc_gate_enter(&gate);
	if (mipc_ns_lock_object(mq->use.ns, &gate, opened) == 0)
		mipc_object_release(opened->head);
	mipc_gate_leave(&gate);
}

/*
 * Those who were handed a message and have not come for it: the bell that
 * their deaths ring may have been rung before we heard it.
 */
static void
list_heirs(struct mipc_nap *nap, bool *dying)
{
	struct mipc_mq *mq = queue_of(nap);
	struct mipc_line lines[2];
	struct mipc_place *place;

	if (MIPC_T_VALUE(mipc_take(&mq->head->handed)) == 0)
		return;
	mipc_msg_lines(mq, lines);
	for (uint32_t i = 0; i < mipc_line_count(&lines[MIPC_TAKING]); i++) {
		place = mipc_line_place(&lines[MIPC_TAKING], i);
		if (mipc_line_state(place) == MIPC_SLEEP_HANDED)
			mipc_life_watch(mq->use.ns->lives,
			    mipc_take(&place->owner), nap->wait, dying);
	}
}

/* Is somebody dying there?  The bell rings before that is known. */
static void
list(struct mipc_nap *nap, bool *dying)
{
	struct mipc_mq *mq = queue_of(nap);
	mipc_life owner = mipc_take(&mq->use.opened->head->lock.owner);
	struct mipc_canary canary[2];
	bool marked = false;

	if (owner != 0)
		mipc_life_canaries(mq->use.ns->lives, owner, canary, &marked);
	*dying |= marked;
	list_heirs(nap, dying);
}

/* Has anybody been handed something since we listed who had? */
static void
list_anew(struct mipc_nap *nap)
{
	struct mipc_msg_wait *wait = nap->arg;
	uint64_t handed = mipc_take(&wait->mq->head->handed);

	if (MIPC_T_VALUE(handed) == 0 || handed == wait->heirs)
		return;
	wait->heirs = handed;
	mipc_nap_list(nap);
}

static int
steps(struct mipc_nap *nap, bool look)
{
	struct mipc_mq *mq = queue_of(nap);
	int error;

	list_anew(nap);
	if (look)
		finish_set(mq);
	else if (!mipc_msg_busy(mq))
		return 0;
	error = mipc_msg_pocket(mq);
	if (error != 0)
		return error;
	error = mipc_msg_steps(mq, look);
	mipc_pocket_leave(mq);
	return error;
}

/* Wait again, but for one whose place is not as it was: it looks again. */
static int
try_stay(struct mipc_nap *nap, bool barred, uint64_t was)
{
	struct mipc_msg_place *place = own(nap);
	uint64_t seen = mipc_txn_begin(nap->line->board);
	struct mipc_txn txn;
	int error;

	if (!mipc_nap_is_mine(nap) ||
	    mipc_line_ended(mipc_line_state(&place->place)) ||
	    mipc_peek(&place->place.state) != was)
		return 0;
	error = mipc_txn_open(&txn, nap->line->board, 3);
	if (error != 0)
		return error;
	mipc_line_record_new(&txn, &place->barred, barred);
	mipc_line_record(&txn, &place->place.state, MIPC_SLEEP_WAITING);
	/* What came meanwhile was not for one who was to look. */
	mipc_line_record_new(&txn, &nap->line->head->due, 1);
	return mipc_txn_finish(&txn, seen);
}

/* IPC_SET: is it still allowed?  M3; a sender hears of it once it fits. */
static int
told(struct mipc_nap *nap)
{
	struct mipc_msg_wait *wait = nap->arg;
	struct mipc_mq *mq = wait->mq;
	bool taking = wait->side == MIPC_TAKING, barred;
	/* Before the right is looked at: pairs with tell_all() of IPC_SET. */
	uint64_t was = mipc_take(&own(nap)->place.state);
	int error = mipc_use_permit(&mq->use, taking ? 4 : 2);

	if (error != 0 &&
	    (taking || mipc_pass_judge(mq, wait->size) != EBUSY))
		return error;
	mipc_crash_point("sleep: allowed");
	barred = error == EACCES;
	mipc_nap_list(nap);
	error = mipc_msg_pocket(mq);
	if (error != 0)
		return error;
	do {
		error = try_stay(nap, barred, was);
	} while (error == EAGAIN);
	mipc_pocket_leave(mq);
	return error;
}

/*
 * Where no bell can ring, nobody else tells what the dead have left.  What is
 * merely to be done is found after each slice anyway.
 */
static bool
missed(struct mipc_nap *nap)
{
	struct mipc_mq *mq = queue_of(nap);

	return (!mipc_wait_sliced() && mipc_msg_busy(mq)) ||
	    set_is_left(mq) || mipc_msg_heirless(mq);
}

static int
check(struct mipc_nap *nap)
{
	struct mipc_mq *mq = queue_of(nap);

	if (!mipc_use_sound(&mq->use))
		return EIO;
	if (!mipc_use_lives(&mq->use))
		mipc_msg_bury(mq);
	return 0;
}

static void
wake_told(struct mipc_nap *nap)
{
	struct mipc_line lines[2];

	mipc_msg_lines(queue_of(nap), lines);
	mipc_line_wake_told(&lines[MIPC_SENDING]);
	mipc_line_wake_told(&lines[MIPC_TAKING]);
}

/* --- leaving ----------------------------------------------------------- */

static void
record_pick_up(struct mipc_mq *mq, struct mipc_txn *txn,
    struct mipc_msg_place *place, uint32_t free)
{
	uint64_t held = mipc_peek(&place->message);

	if (MIPC_HELD_REF(held) == 0)
		return;
	mipc_txn_set(txn, &place->message, held, MIPC_HELD_WORD(held, 0, 0));
	mipc_pocket_record(mq, txn, free, MIPC_HELD_REF(held),
	    MIPC_HELD_SHAPE(held));
}

/*
 * Out of the line, if it is not too late, and what stands in the place is in
 * the pocket: *result what the sleep ended with.
 */
static int
try_leave(struct mipc_nap *nap, int why, uint32_t free, int *result)
{
	struct mipc_mq *mq = queue_of(nap);
	struct mipc_msg_place *place = own(nap);
	uint64_t seen = mipc_txn_begin(nap->line->board);
	uint32_t state = mipc_line_state(&place->place);
	struct mipc_txn txn;
	int error;

	*result = state == MIPC_SLEEP_HANDED ? 0 :
	    state == MIPC_SLEEP_IDLE ? EIDRM :	/* another queue's by now */
	    mipc_line_ended(state) ? (int)(state >> 8) : why;
	if (mipc_line_ended(state) &&
	    MIPC_HELD_REF(mipc_peek(&place->message)) == 0)
		return 0;
	error = mipc_txn_open(&txn, nap->line->board, 1);
	if (error != 0)
		return error;
	record_pick_up(mq, &txn, place, free);
	if (mipc_line_ended(state))
		mipc_line_record(&txn, &place->place.state,
		    MIPC_ENDED(*result));
	else
		mipc_line_record_leave(nap->line, &txn, nap->index,
		    MIPC_ENDED(why));
	if (state == MIPC_SLEEP_HANDED)
		mipc_line_record(&txn, &mq->head->handed,
		    MIPC_T_VALUE(mipc_peek(&mq->head->handed)) - 1);
	return mipc_txn_finish(&txn, seen);
}

static int
leave(struct mipc_nap *nap, int why)
{
	struct mipc_msg_wait *wait = nap->arg;
	struct mipc_mq *mq = wait->mq;
	uint32_t free;
	int error, result = why;

	error = mipc_msg_pocket(mq);
	if (error == EIDRM)	/* it is not in another queue's line */
		mipc_line_free_place(nap->line, nap->index);
	if (error != 0)
		return error;
	error = mipc_pocket_free(mq, &free);
	if (error == 0)
		do {
			error = try_leave(nap, why, free, &result);
		} while (error == EAGAIN && mipc_use_sound(&mq->use));
	mipc_crash_point("sleep: left");
	if (error == 0 && result == 0 && wait->side == MIPC_TAKING)
		result = wait->got(wait, MIPC_HELD_REF(mipc_peek(
		    &mq->pocket->held[free])));
	mipc_line_free_place(nap->line, nap->index);
	if (error == 0 && result != 0)
		mipc_pass_tidy(mq);
	if (error == 0 && mipc_msg_busy(mq))
		mipc_msg_steps(mq, false);
	mipc_pocket_leave(mq);
	return error == 0 ? result : error;
}

static const struct mipc_nap_ops ops = {
	.steps = steps,
	.told = told,
	.list = list,
	.missed = missed,
	.check = check,
	.leave = leave,
	.wake_told = wake_told,
};

/* --- a handler's call -------------------------------------------------- */

struct kept {
	uint64_t type, size;
	char data[];
};

/* Keep a message for the call that a handler has interrupted. */
static int
keep(struct mipc_msg_wait *wait, uint32_t ref)
{
	struct mipc_message *m = mipc_msg_at(wait->mq, ref);
	struct mipc_thread *thread = wait->nap.thread;
	uint32_t at = (uint32_t)(wait->nap.serial % MIPC_WITHDRAWN);
	uint64_t size = m == NULL ? 0 : mipc_peek(&m->size);
	struct kept *kept;
	void *memory;
	int error;

	if (m == NULL || size > wait->mq->layout->size)
		return EIO;
	error = mipc_view_private(sizeof(*kept) + size, &memory);
	if (error != 0)
		return error;
	kept = memory;
	kept->type = mipc_peek(&m->type);
	kept->size = size;
	error = mipc_message_read(wait->mq, ref, kept->data, size);
	if (error != 0) {
		mipc_view_free(memory, sizeof(*kept) + size);
		return error;
	}
	/* Of a call that never came back for it. */
	if (thread->withdrawn[at].kept != NULL)
		mipc_view_free(thread->withdrawn[at].kept,
		    thread->withdrawn[at].bytes);
	thread->withdrawn[at].kept = memory;
	thread->withdrawn[at].bytes = sizeof(*kept) + size;
	return 0;
}

bool
mipc_msg_kept(struct mipc_msg_wait *wait, void (*copy)(struct mipc_msg_wait *,
    uint64_t type, const char *data, uint64_t size))
{
	struct mipc_thread *thread = wait->nap.thread;
	uint32_t at = (uint32_t)(wait->nap.serial % MIPC_WITHDRAWN);
	struct kept *kept = thread->withdrawn[at].kept;

	if (kept == NULL || thread->withdrawn[at].serial != wait->nap.serial)
		return false;
	copy(wait, kept->type, kept->data, kept->size);
	mipc_view_free(kept, thread->withdrawn[at].bytes);
	thread->withdrawn[at].kept = NULL;
	return true;
}

static void
withdraw(struct mipc_thread *thread)
{
	struct mipc_msg_wait wait = { .got = keep };
	struct mipc_line lines[2];
	struct mipc_mq mq;

	if (mipc_msg_hold(&mq, thread->waiter.ns, thread->waiter.object) != 0)
		return;
	mipc_msg_lines(&mq, lines);
	wait.mq = &mq;
	wait.side = thread->waiter.side & 1;
	wait.nap = (struct mipc_nap){ .ops = &ops, .arg = &wait,
	    .line = &lines[wait.side],
	    .ns = thread->waiter.ns, .thread = thread,
	    .serial = thread->waiter.serial };
	mipc_nap_withdraw(&wait.nap);
	mipc_msg_leave(&mq);
}

/* --- falling asleep ---------------------------------------------------- */

static void
fill_place(struct mipc_msg_wait *wait)
{
	struct mipc_msg_place *place = own(&wait->nap);

	mipc_put(&place->place.pid, wait->mq->pid);
	mipc_put(&place->type, wait->choice.type);
	mipc_put(&place->rule, (uint32_t)wait->choice.rule);
	mipc_put(&place->size, wait->size);
	mipc_put(&place->cuts, wait->cuts);
}

/* Is there still nothing to be had?  EBUSY: there is something. */
static int
judge(struct mipc_msg_wait *wait)
{
	struct mipc_mq *mq = wait->mq;

	if (mipc_line_gone(wait->nap.line))
		return EBUSY;
	if (wait->side == MIPC_TAKING)
		return mipc_pass_look(mq, &wait->choice);
	return mipc_pass_judge(mq, wait->size) == EBUSY ? 0 : EBUSY;
}

/* Enter the line; what a sender wants to send goes into its place. */
static int
try_join(struct mipc_msg_wait *wait)
{
	const struct mipc_line *line = wait->nap.line;
	uint64_t seen = mipc_txn_begin(line->board), held, old;
	struct mipc_msg_place *place = own(&wait->nap);
	struct mipc_txn txn;
	int error = judge(wait);

	if (error != 0)
		return error;
	if (!mipc_nap_is_mine(&wait->nap))
		return ECANCELED;
	error = mipc_txn_open(&txn, line->board, MIPC_LINE_WORDS + 3);
	if (error != 0)
		return error;
	mipc_line_record_new(&txn, &place->barred, 0);
	if (wait->side == MIPC_SENDING) {
		held = mipc_peek(&wait->mq->pocket->held[wait->held]);
		old = mipc_peek(&place->message);
		mipc_txn_set(&txn, &place->message, old, MIPC_HELD_WORD(old,
		    MIPC_HELD_REF(held), MIPC_HELD_SHAPE(held)));
		mipc_pocket_record(wait->mq, &txn, wait->held, 0, 0);
	}
	mipc_line_record_join(line, &txn, wait->nap.index);
	return mipc_txn_finish(&txn, seen);
}

/* A place, and everything in it that others need. */
static int
prepare(struct mipc_msg_wait *wait, struct mipc_line lines[2])
{
	struct mipc_mq *mq = wait->mq;
	struct mipc_nap *nap = &wait->nap;
	int error;

	mipc_msg_lines(mq, lines);
	*nap = (struct mipc_nap){ .ops = &ops, .arg = wait,
	    .line = &lines[wait->side], .other = &mq->board[1 - wait->side],
	    .bell = &mq->head->bell, .ns = mq->use.ns,
	    .thread = mq->use.thread };
	while (!mipc_line_take_place(nap->line, &nap->index)) {
		error = mipc_msg_grow(mq, wait->side == MIPC_SENDING ?
		    MIPC_M_SENDERS : MIPC_M_RECEIVERS);
		if (error != 0)
			return error;
		mipc_msg_lines(mq, lines);
	}
	fill_place(wait);
	nap->thread->waiter.side = wait->side;
	mipc_nap_begin(nap, withdraw, mq->use.opened);
	return 0;
}

int
mipc_msg_sleep(struct mipc_msg_wait *wait, uint64_t deadline)
{
	struct mipc_line lines[2];
	struct mipc_wait words;
	int error = prepare(wait, lines);

	if (error != 0) {
		mipc_pocket_leave(wait->mq);
		return error;
	}
	do {
		error = try_join(wait);
	} while (error == EAGAIN);
	if (error != 0 && mipc_nap_cancel(&wait->nap))
		mipc_line_free_place(wait->nap.line, wait->nap.index);
	if (error == ECANCELED || error == MIPC_STEPS_FIRST)
		error = EBUSY;
	if (error == EBUSY)
		return EBUSY;
	mipc_pocket_leave(wait->mq);
	if (error != 0)
		return error;
	mipc_crash_point("sleep: joined");
	mipc_wait_init(&words);
	wait->nap.wait = &words;
	mipc_nap_list(&wait->nap);
	return mipc_nap(&wait->nap, deadline);
}
