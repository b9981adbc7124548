/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line.c - places of those who sleep in an object, and the list of them.
 *
 * Whoever makes something that a sleeper waits for sets `due` in the same
 * transaction, or else looks whether anybody sleeps after it.  While it is
 * set, steps are done before anything else, by whoever comes: one transaction
 * each, decided from one state, until none is left to do.  So hand-over needs
 * no lock.
 *
 * The maker of a step wakes the sleeper it told.  If it is killed in between
 * the kernel rings the object's bell, and whoever that wakes does what is due
 * and wakes all who have been told something.
 */
#include "line.h"

#include <errno.h>

#include "crash.h"

uint32_t
mipc_line_neighbour(const struct mipc_line *line, const mipc_u64 *link)
{
	uint32_t index = MIPC_T_VALUE(mipc_peek(link)) - 1;

	return index < mipc_line_count(line) ? index : MIPC_NOBODY;
}

/* --- places ------------------------------------------------------------ */

/* One that is free, or a dead process's that is not in the line. */
static bool
claim(const struct mipc_line *line, struct mipc_place *place)
{
	uint64_t owner = mipc_take(&place->owner);
	uint32_t state = mipc_line_state(place) & 0xff;

	if (state != MIPC_SLEEP_IDLE && state != MIPC_SLEEP_DONE)
		return false;
	if (owner != 0 && !mipc_life_left(line->board->site->lives, owner))
		return false;
	return mipc_swap_if(&place->owner, &owner, line->board->self);
}

bool
mipc_line_take_place(const struct mipc_line *line, uint32_t *index)
{
	struct mipc_place *place;

	for (uint32_t i = 0; i < mipc_line_count(line); i++) {
		place = mipc_line_place(line, i);
		if (!claim(line, place))
			continue;
		mipc_put(&place->woken, 0);
		mipc_put(&place->asleep, 0);
		mipc_put(&place->since, mipc_sys_seconds());
		*index = i;
		return true;
	}
	return false;
}

void
mipc_line_free_place(const struct mipc_line *line, uint32_t index)
{
	mipc_give(&mipc_line_place(line, index)->owner, 0);
}

void
mipc_line_free_dead(const struct mipc_line *line, uint32_t index,
    mipc_life dead)
{
	uint64_t owner = dead;

	mipc_crash_point("line: buried");
	if (owner != 0)
		mipc_swap_if(&mipc_line_place(line, index)->owner, &owner, 0);
}

uint32_t
mipc_line_dead(const struct mipc_line *line)
{
	uint32_t index = mipc_line_neighbour(line, &line->head->head);
	struct mipc_place *place;

	for (uint32_t n = 0; index != MIPC_NOBODY && n < MIPC_SLEEPERS; n++) {
		place = mipc_line_place(line, index);
		if (mipc_life_dead(line->board->site->lives,
		    mipc_take(&place->owner)))
			return index;
		index = mipc_line_neighbour(line, &place->next);
	}
	return MIPC_NOBODY;
}

/* --- records ----------------------------------------------------------- */

void
mipc_line_record(struct mipc_txn *txn, mipc_u64 *word, uint32_t value)
{
	uint64_t old = mipc_peek(word);

	mipc_txn_set(txn, word, old, MIPC_T_NEXT(old, value));
}

void
mipc_line_record_new(struct mipc_txn *txn, mipc_u64 *word, uint32_t value)
{
	if (MIPC_T_VALUE(mipc_peek(word)) != value)
		mipc_line_record(txn, word, value);
}

void
mipc_line_record_join(const struct mipc_line *line, struct mipc_txn *txn,
    uint32_t index)
{
	struct mipc_place *place = mipc_line_place(line, index);
	struct mipc_line_head *head = line->head;
	uint32_t last = mipc_line_neighbour(line, &head->tail);

	mipc_line_record(txn, &place->state, MIPC_SLEEP_WAITING);
	mipc_line_record(txn, &place->prev,
	    MIPC_T_VALUE(mipc_peek(&head->tail)));
	mipc_line_record(txn, &place->next, 0);
	mipc_line_record(txn, last == MIPC_NOBODY ? &head->head :
	    &mipc_line_place(line, last)->next, index + 1);
	mipc_line_record(txn, &head->tail, index + 1);
	mipc_line_record(txn, &head->sleepers,
	    MIPC_T_VALUE(mipc_peek(&head->sleepers)) + 1);
}

/* Nothing is due where nobody sleeps. */
void
mipc_line_record_leave(const struct mipc_line *line, struct mipc_txn *txn,
    uint32_t index, uint32_t state)
{
	struct mipc_place *place = mipc_line_place(line, index);
	struct mipc_line_head *head = line->head;
	uint32_t next = mipc_line_neighbour(line, &place->next);
	uint32_t prev = mipc_line_neighbour(line, &place->prev);
	uint32_t count = MIPC_T_VALUE(mipc_peek(&head->sleepers));

	count -= count != 0;
	mipc_line_record(txn, &place->state, state);
	mipc_line_record(txn, prev == MIPC_NOBODY ? &head->head :
	    &mipc_line_place(line, prev)->next,
	    MIPC_T_VALUE(mipc_peek(&place->next)));
	mipc_line_record(txn, next == MIPC_NOBODY ? &head->tail :
	    &mipc_line_place(line, next)->prev,
	    MIPC_T_VALUE(mipc_peek(&place->prev)));
	mipc_line_record(txn, &head->sleepers, count);
	if (count == 0)
		mipc_line_record_new(txn, &head->due, 0);
}

/* --- steps ------------------------------------------------------------- */

void
mipc_line_wake(const struct mipc_line *line, uint32_t index)
{
	struct mipc_place *place = mipc_line_place(line, index);

	mipc_crash_point("line: told");
	mipc_wait_wake(mipc_wait_half(&place->state));
	mipc_add(&place->woken, 1);
}

void
mipc_line_wake_told(const struct mipc_line *line)
{
	for (uint32_t i = 0; i < mipc_line_count(line); i++) {
		struct mipc_place *place = mipc_line_place(line, i);

		/* Told in whatever way its object has: it does not wait. */
		if (mipc_take(&place->owner) != 0 &&
		    mipc_line_state(place) != MIPC_SLEEP_WAITING)
			mipc_wait_wake(mipc_wait_half(&place->state));
	}
}

int
mipc_line_check(const struct mipc_line *line, uint32_t index, uint64_t seen)
{
	if (!mipc_line_ended(mipc_line_state(mipc_line_place(line, index))))
		return 0;
	return mipc_txn_same(line->board, seen) ? EIO : EAGAIN;
}

int
mipc_line_leave(const struct mipc_line *line, uint32_t index, uint32_t state,
    uint64_t seen)
{
	struct mipc_txn txn;
	int error = mipc_line_check(line, index, seen);

	if (error == 0)
		error = mipc_txn_open(&txn, line->board, MIPC_LINE_WORDS);
	if (error != 0)
		return error;
	mipc_line_record_leave(line, &txn, index, state);
	return mipc_txn_finish(&txn, seen);
}

int
mipc_line_fail(const struct mipc_line *line, uint32_t index, int why,
    uint64_t seen)
{
	int error = mipc_line_leave(line, index, MIPC_ENDED(why), seen);

	if (error == 0)
		mipc_line_wake(line, index);
	return error;
}

int
mipc_line_set(const struct mipc_line *line, mipc_u64 *word, uint32_t value,
    uint64_t seen)
{
	struct mipc_txn txn;
	int error = mipc_txn_open(&txn, line->board, 1);

	if (error != 0)
		return error;
	mipc_line_record(&txn, word, value);
	return mipc_txn_finish(&txn, seen);
}

int
mipc_line_tell(const struct mipc_line *line, uint32_t index, uint64_t seen)
{
	int error = mipc_line_set(line, &mipc_line_place(line, index)->state,
	    MIPC_SLEEP_LOOK, seen);

	if (error == 0)
		mipc_line_wake(line, index);
	return error;
}

int
mipc_line_rest(const struct mipc_line *line, uint64_t seen)
{
	int error;

	if (mipc_line_due(line)) {
		error = mipc_line_set(line, &line->head->due, 0, seen);
		return error == 0 ? ECANCELED : error;
	}
	return mipc_txn_same(line->board, seen) ? ECANCELED : EAGAIN;
}

int
mipc_line_dissolve(const struct mipc_line *line, uint64_t seen)
{
	uint32_t index = mipc_line_neighbour(line, &line->head->head);

	return index == MIPC_NOBODY ? mipc_line_rest(line, seen) :
	    mipc_line_fail(line, index, EIDRM, seen);
}
