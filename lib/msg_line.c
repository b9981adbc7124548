/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_line.c - those who sleep in a queue, and the steps that serve them:
 * clauses M7, M8 and M9.
 *
 * Receivers stand in one line and senders in another, each on its own side's
 * board.  What one side does for the other cannot be one transaction with what
 * it did for itself; so whoever has sent looks whether receivers sleep, and
 * whoever has taken, whether senders do.  One who falls asleep enters the line
 * first and looks at the other side's turn afterwards.  So one of them sees the
 * other.
 *
 * While receivers sleep, the inbox is emptied by steps alone, in order: a
 * message is handed to the first who wants it, or goes into the index.  So
 * nothing that a sleeper wants is ever in the index, unless it came back.
 */
#include "msg.h"

#include <errno.h>

#include "crash.h"

static struct mipc_msg_place *
place_at(const struct mipc_line *line, uint32_t index)
{
	return (struct mipc_msg_place *)(void *)mipc_line_place(line, index);
}

static bool
is_dead(const struct mipc_mq *mq, const struct mipc_place *place)
{
	return mipc_life_dead(mq->use.ns->lives, mipc_peek(&place->owner));
}

/* Is one who is passed over dead?  It matters less than of one to be served. */
static bool
is_left(const struct mipc_mq *mq, const struct mipc_place *place)
{
	return mipc_life_left(mq->use.ns->lives, mipc_peek(&place->owner));
}

/* Not one that has been told to look for itself first. */
static bool
is_waiting(const struct mipc_place *place)
{
	return mipc_line_state(place) == MIPC_SLEEP_WAITING;
}

void
mipc_msg_lines(struct mipc_mq *mq, struct mipc_line lines[2])
{
	lines[MIPC_SENDING] = (struct mipc_line){
		.board = &mq->board[MIPC_SENDING],
		.head = &mq->head->senders,
		.places = mipc_msg_table(mq, MIPC_M_SENDERS),
		.stride = sizeof(struct mipc_msg_place),
		.ready = &mq->head->ready[MIPC_M_SENDERS],
	};
	lines[MIPC_TAKING] = (struct mipc_line){
		.board = &mq->board[MIPC_TAKING],
		.head = &mq->head->receivers,
		.places = mipc_msg_table(mq, MIPC_M_RECEIVERS),
		.stride = sizeof(struct mipc_msg_place),
		.ready = &mq->head->ready[MIPC_M_RECEIVERS],
	};
}

/* --- the dead ---------------------------------------------------------- */

/* A receiver who died before it took what it was handed: it goes back. */
static int
put_back(struct mipc_mq *mq, const struct mipc_line *line, uint32_t index,
    uint64_t seen)
{
	struct mipc_msg_place *place = place_at(line, index);
	struct mipc_msgqueue *q = mq->head;
	mipc_life owner = mipc_peek(&place->place.owner);
	uint64_t held = mipc_peek(&place->message);
	uint64_t taken = mipc_peek(&q->taken);
	struct mipc_message *m = mipc_msg_at(mq, MIPC_HELD_REF(held));
	struct mipc_txn txn;
	int error = mipc_txn_open(&txn, line->board, 1);

	if (error != 0)
		return error;
	if (m != NULL) {
		mipc_txn_set(&txn, &q->taken, taken,
		    ((taken >> MIPC_COUNT_BITS) + 1) << MIPC_COUNT_BITS |
		    MIPC_COUNT(taken - mipc_peek(&m->size)));
		error = mipc_index_put_back(mq, &txn, MIPC_HELD_REF(held),
		    MIPC_T_VALUE(mipc_peek(&place->number)));
	}
	if (error != 0)
		return mipc_txn_same(line->board, seen) ? EIO : EAGAIN;
	mipc_txn_set(&txn, &place->message, held, MIPC_HELD_WORD(held, 0, 0));
	mipc_line_record(&txn, &place->place.state, MIPC_SLEEP_IDLE);
	mipc_line_record(&txn, &q->handed,
	    MIPC_T_VALUE(mipc_peek(&q->handed)) - 1);
	mipc_line_record_new(&txn, &line->head->due, 1);
	error = mipc_txn_finish(&txn, seen);
	if (error == 0)
		mipc_line_free_dead(line, index, owner);
	return error;
}

/* One who was handed something, and is dead. */
static bool
find_heirless(const struct mipc_mq *mq, const struct mipc_line *line,
    uint32_t *index)
{
	struct mipc_place *place;

	if (MIPC_T_VALUE(mipc_peek(&mq->head->handed)) == 0)
		return false;
	for (*index = 0; *index < mipc_line_count(line); ++*index) {
		place = mipc_line_place(line, *index);
		if (mipc_line_state(place) == MIPC_SLEEP_HANDED &&
		    is_dead(mq, place))
			return true;
	}
	return false;
}

/* One who died asleep leaves; a sender's message is room for us. */
static int
bury(struct mipc_mq *mq, const struct mipc_line *line, uint32_t index,
    uint64_t seen)
{
	struct mipc_msg_place *place = place_at(line, index);
	mipc_life owner = mipc_peek(&place->place.owner);
	uint64_t held = mipc_peek(&place->message);
	struct mipc_txn txn;
	uint32_t free;
	int error = mipc_line_check(line, index, seen);

	if (error == 0 && MIPC_HELD_REF(held) != 0)
		error = mipc_pocket_free(mq, &free);
	if (error == 0)
		error = mipc_txn_open(&txn, line->board, MIPC_LINE_WORDS + 2);
	if (error != 0)
		return error;
	if (MIPC_HELD_REF(held) != 0) {
		mipc_txn_set(&txn, &place->message, held,
		    MIPC_HELD_WORD(held, 0, 0));
		mipc_pocket_record(mq, &txn, free, MIPC_HELD_REF(held),
		    MIPC_HELD_SHAPE(held));
	}
	mipc_line_record_leave(line, &txn, index, MIPC_SLEEP_IDLE);
	error = mipc_txn_finish(&txn, seen);
	if (error == 0)
		mipc_line_free_dead(line, index, owner);
	return error;
}

/* --- receivers --------------------------------------------------------- */

void
mipc_msg_choice_of(const struct mipc_msg_place *place,
    struct mipc_choice *out)
{
	uint32_t rule = mipc_peek(&place->rule);

	out->rule = rule > MIPC_UP_TO ? MIPC_ANY : rule;
	out->type = mipc_peek(&place->type);
}

/* Hand a message over, or say that it is too long: M7. */
static int
hand_over(struct mipc_mq *mq, const struct mipc_line *line, uint32_t index,
    const struct mipc_found *f, uint64_t seen)
{
	struct mipc_msg_place *place = place_at(line, index);
	struct mipc_message *m = mipc_msg_at(mq, f->ref);
	struct mipc_msgqueue *q = mq->head;
	uint64_t size = mipc_peek(&m->size), old = mipc_peek(&place->message);
	struct mipc_txn txn;
	int error;

	if (size > mipc_peek(&place->size) && mipc_peek(&place->cuts) == 0)
		return mipc_line_fail(line, index, E2BIG, seen);
	error = mipc_txn_open(&txn, line->board, 1);
	if (error != 0)
		return error;
	mipc_line_record(&txn, &place->number, f->number);
	mipc_txn_set(&txn, &place->message, old, MIPC_HELD_WORD(old, f->ref,
	    mipc_peek(&m->form) & 0xff));
	mipc_line_record(&txn, &q->handed,
	    MIPC_T_VALUE(mipc_peek(&q->handed)) + 1);
	mipc_line_record_leave(line, &txn, index, MIPC_SLEEP_HANDED);
	error = mipc_pass_record_taken(mq, &txn, f, size);
	if (error != 0)
		return mipc_txn_same(line->board, seen) ? EIO : EAGAIN;
	mipc_put(&q->lrpid, mipc_peek(&place->place.pid));
	mipc_put(&q->rtime, mipc_sys_seconds());
	error = mipc_txn_finish(&txn, seen);
	if (error == 0)
		mipc_line_wake(line, index);
	return error;
}

/* The first in line who wants this type; a dead one is buried first. */
static uint32_t
who_wants(const struct mipc_mq *mq, const struct mipc_line *line,
    uint64_t type, bool *dead)
{
	uint32_t index = mipc_line_neighbour(line, &line->head->head);
	struct mipc_msg_place *place;
	struct mipc_choice choice;
	bool wants;

	*dead = false;
	for (uint32_t n = 0; index != MIPC_NOBODY && n < MIPC_SLEEPERS; n++) {
		place = place_at(line, index);
		mipc_msg_choice_of(place, &choice);
		wants = is_waiting(&place->place) &&
		    mipc_pass_matches(&choice, type);
		*dead = wants ? is_dead(mq, &place->place) :
		    is_left(mq, &place->place);
		if (*dead || wants)
			return index;
		index = mipc_line_neighbour(line, &place->place.next);
	}
	return MIPC_NOBODY;
}

/* What came back may be what somebody sleeps for. */
static int
serve_from_index(struct mipc_mq *mq, const struct mipc_line *line,
    uint64_t seen)
{
	uint32_t index = mipc_line_neighbour(line, &line->head->head);
	struct mipc_found f = { .in_inbox = false };
	struct mipc_msg_place *place;
	struct mipc_choice choice;
	struct mipc_message *m;

	for (uint32_t n = 0; index != MIPC_NOBODY && n < MIPC_SLEEPERS; n++) {
		place = place_at(line, index);
		mipc_msg_choice_of(place, &choice);
		f.ref = is_waiting(&place->place) ?
		    mipc_index_find(mq, &choice, &f.passed) : 0;
		m = mipc_msg_at(mq, f.ref);
		if (m != NULL ? is_dead(mq, &place->place) :
		    is_left(mq, &place->place))
			return bury(mq, line, index, seen);
		if (m != NULL) {
			f.number = MIPC_T_VALUE(mipc_peek(&m->number));
			return hand_over(mq, line, index, &f, seen);
		}
		index = mipc_line_neighbour(line, &place->place.next);
	}
	return mipc_line_rest(line, seen);
}

/* One step for receivers; ECANCELED: there was none. */
static int
step_receivers(struct mipc_mq *mq, const struct mipc_line *line, bool look)
{
	uint64_t seen = mipc_txn_begin(line->board);
	struct mipc_found f = { .in_inbox = true };
	struct mipc_message *m;
	uint32_t index;
	bool dead;
	int error;

	if (mipc_line_gone(line))
		return mipc_line_dissolve(line, seen);
	if (look && find_heirless(mq, line, &index))
		return put_back(mq, line, index, seen);
	if (mipc_line_sleepers(line) == 0)
		return mipc_line_rest(line, seen);
	index = look ? mipc_line_dead(line) : MIPC_NOBODY;
	if (index != MIPC_NOBODY)
		return bury(mq, line, index, seen);
	if (mipc_line_due(line)) {
		error = serve_from_index(mq, line, seen);
		return error == ECANCELED ? EAGAIN : error;
	}
	f.number = (uint32_t)mipc_peek(&mq->head->head);
	f.ref = mipc_pass_first(mq);
	m = mipc_msg_at(mq, f.ref);
	if (m == NULL && f.ref != 0)
		return mipc_txn_same(line->board, seen) ? EIO : EAGAIN;
	if (m == NULL)
		return mipc_line_rest(line, seen);
	index = who_wants(mq, line, mipc_peek(&m->type), &dead);
	if (dead)
		return bury(mq, line, index, seen);
	return index == MIPC_NOBODY ? mipc_pass_drain_one(mq, seen) :
	    hand_over(mq, line, index, &f, seen);
}

/* --- senders ----------------------------------------------------------- */

/* What a sleeper wants to send goes into the inbox. */
static int
send_for(struct mipc_mq *mq, const struct mipc_line *line, uint32_t index,
    uint64_t seen)
{
	struct mipc_msg_place *place = place_at(line, index);
	uint64_t held = mipc_peek(&place->message);
	struct mipc_txn txn;
	int error;

	if (mipc_msg_at(mq, MIPC_HELD_REF(held)) == NULL)
		return mipc_line_fail(line, index, EIO, seen);
	error = mipc_txn_open(&txn, line->board, 1);
	if (error != 0)
		return error;
	mipc_pass_record_sent(mq, &txn, MIPC_HELD_REF(held),
	    mipc_peek(&place->size));
	mipc_txn_set(&txn, &place->message, held, MIPC_HELD_WORD(held, 0, 0));
	mipc_line_record_leave(line, &txn, index, MIPC_SLEEP_DONE);
	mipc_put(&mq->head->lspid, mipc_peek(&place->place.pid));
	mipc_put(&mq->head->stime, mipc_sys_seconds());
	error = mipc_txn_finish(&txn, seen);
	if (error == 0)
		mipc_line_wake(line, index);
	return error;
}

/* One step for senders; ECANCELED: there was none. */
static int
step_senders(struct mipc_mq *mq, const struct mipc_line *line)
{
	uint64_t seen = mipc_txn_begin(line->board);
	uint32_t index = mipc_line_neighbour(line, &line->head->head);
	struct mipc_msg_place *place;
	int error;

	if (mipc_line_gone(line))
		return mipc_line_dissolve(line, seen);
	for (uint32_t n = 0; index != MIPC_NOBODY && n < MIPC_SLEEPERS; n++) {
		place = place_at(line, index);
		error = is_waiting(&place->place) ?
		    mipc_pass_judge(mq, mipc_peek(&place->size)) : EBUSY;
		if (error != EBUSY ? is_dead(mq, &place->place) :
		    is_left(mq, &place->place))
			return bury(mq, line, index, seen);
		if (error == 0 && MIPC_T_VALUE(mipc_peek(&place->barred)) != 0)
			return mipc_line_fail(line, index, EACCES, seen);
		if (error == 0)
			return send_for(mq, line, index, seen);
		if (error == ENOSPC)	/* of the ring alone */
			return mipc_pass_make_room(mq);
		index = mipc_line_neighbour(line, &place->place.next);
	}
	return mipc_line_rest(line, seen);
}

/* --- both -------------------------------------------------------------- */

bool
mipc_msg_busy(struct mipc_mq *mq)
{
	struct mipc_line lines[2];

	bool gone;

	mipc_msg_lines(mq, lines);
	gone = mipc_line_gone(&lines[MIPC_SENDING]) ||
	    mipc_line_gone(&lines[MIPC_TAKING]);
	if (mipc_line_sleepers(&lines[MIPC_TAKING]) != 0 && (gone ||
	    mipc_line_due(&lines[MIPC_TAKING]) || mipc_pass_first(mq) != 0))
		return true;
	if (mipc_line_sleepers(&lines[MIPC_SENDING]) == 0)
		return false;
	return gone || mipc_msg_sender_fits(mq, &lines[MIPC_SENDING]);
}

bool
mipc_msg_heirless(struct mipc_mq *mq)
{
	struct mipc_line lines[2];
	uint32_t index;

	mipc_msg_lines(mq, lines);
	return find_heirless(mq, &lines[MIPC_TAKING], &index);
}

/* Would a step for senders do anything? */
bool
mipc_msg_sender_fits(struct mipc_mq *mq, const struct mipc_line *line)
{
	uint32_t index = mipc_line_neighbour(line, &line->head->head);
	struct mipc_msg_place *place;

	for (uint32_t n = 0; index != MIPC_NOBODY && n < MIPC_SLEEPERS; n++) {
		place = place_at(line, index);
		if (is_waiting(&place->place) &&
		    mipc_pass_judge(mq, mipc_peek(&place->size)) != EBUSY)
			return true;
		index = mipc_line_neighbour(line, &place->place.next);
	}
	return false;
}

/* Who said that the queue is removed may have said it on one board only. */
static int
step_gone(const struct mipc_line lines[2])
{
	uint64_t seen;

	for (int i = 0; i < 2; i++) {
		seen = mipc_txn_begin(lines[i].board);
		if (!mipc_line_gone(&lines[i]) && mipc_line_gone(&lines[1 - i]))
			return mipc_line_set(&lines[i], &lines[i].head->gone,
			    1, seen);
	}
	return ECANCELED;
}

/* Steps until there are none; a pocket is held, and signals are blocked. */
static int
do_steps(struct mipc_mq *mq, bool look)
{
	struct mipc_line lines[2];
	int error;

	do {
		mipc_msg_lines(mq, lines);
		error = step_gone(lines);
		if (error == ECANCELED)
			error = step_receivers(mq, &lines[MIPC_TAKING], look);
		if (error == ECANCELED)
			error = step_senders(mq, &lines[MIPC_SENDING]);
		if (!mipc_use_sound(&mq->use))
			return EIO;
	} while (error == 0 || error == EAGAIN || error == MIPC_STEPS_FIRST);
	return error == ECANCELED ? 0 : error;
}

int
mipc_msg_steps(struct mipc_mq *mq, bool look)
{
	uint64_t signals;
	int error;

	if (mq->blocked || mq->calm)
		return do_steps(mq, look);
	mipc_sys_block(&signals);
	error = do_steps(mq, look);
	mipc_sys_restore(&signals);
	return error;
}
