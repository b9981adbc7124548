/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_queue.c - the steps that serve those who sleep in a set: clauses S4, S5
 * and S15.
 *
 * Whoever changes values while somebody sleeps sets `due` in the same
 * transaction, and steps are done first (line.c): so a newcomer cannot take
 * what a sleeper has waited for:
 *
 *	settle		what a dead process owed (undo.c)
 *	bury		a sleeper whose process died leaves the queue
 *	serve		a sleeper's whole vector is performed and it is told;
 *			those that only test for zero first, else oldest first
 *	correct		what a sleeper that stays waits on, for S4
 *	watchman	below
 *	rest		due = 0
 *
 * In a barging namespace nobody is served: the oldest that could run is told,
 * one for each semaphore at a time, and tries again itself.
 *
 * A sleeper sleeps on the canaries of those who owed the set something when it
 * listed them.  Somebody must sleep on every debtor's: the watchman, who listed
 * last.  A transaction that makes a debtor who has not slept, or in which the
 * watchman leaves, sets `watchman` to 0, and then the youngest sleeper is told
 * to list anew.
 */
#include "sem.h"

#include <errno.h>

/* --- records ----------------------------------------------------------- */

void
mipc_queue_record_due(const struct mipc_set *set, struct mipc_txn *txn)
{
	if (mipc_line_sleepers(&set->line) != 0)
		mipc_line_record_new(txn, &set->line.head->due, 1);
}

/* That a sleeper is in the line no more, nor the watchman. */
static void
record_unlink(const struct mipc_set *set, uint32_t index, uint32_t state,
    struct mipc_txn *txn)
{
	mipc_u64 *watchman = &set->head->watchman;

	mipc_line_record_leave(&set->line, txn, index, state);
	if (MIPC_T_VALUE(mipc_peek(watchman)) == index + 1)
		mipc_line_record(txn, watchman, 0);
}

/* Do others stay when one leaves? */
static bool
others_sleep(const struct mipc_set *set)
{
	return mipc_line_sleepers(&set->line) > 1;
}

void
mipc_queue_record_leave(const struct mipc_set *set, uint32_t index,
    uint32_t state, struct mipc_txn *txn)
{
	record_unlink(set, index, state, txn);
	if (others_sleep(set))
		mipc_line_record_new(txn, &set->line.head->due, 1);
}

/* --- handing over ------------------------------------------------------ */

/*
 * Whoever adds to one semaphore performs the oldest sleeper's operation in the
 * same record if it can run then: with a value above 0 nobody who tests for
 * zero comes before it.  If that leaves the value as it was, nobody else can
 * run, and if the watchman stays as well, nothing is due.
 */
static bool
can_take(const struct mipc_set *set, const struct mipc_sleeper *s,
    const struct mipc_touch *t)
{
	struct mipc_op op = mipc_op_unpack(mipc_peek(&s->op[0]));

	return mipc_peek(&s->nops) == 1 && mipc_peek(&s->debtor) == 0 &&
	    op.num == t->num && op.op < 0 && t->value + op.op >= 0 &&
	    !mipc_life_dead(set->use.ns->lives, mipc_peek(&s->place.owner));
}

uint32_t
mipc_queue_heir(const struct mipc_set *set, const struct mipc_plan *plan)
{
	const struct mipc_line *line = &set->line;
	uint32_t index = mipc_line_neighbour(line, &line->head->head);

	if (index == MIPC_NOBODY || plan->nops != 1 || plan->op[0].op <= 0 ||
	    mipc_queue_barges(set) ||
	    !can_take(set, mipc_set_sleeper(set, index), &plan->touch[0]))
		return MIPC_NOBODY;
	return index;
}

void
mipc_queue_record_heir(const struct mipc_set *set, uint32_t index,
    struct mipc_plan *plan, struct mipc_txn *txn)
{
	struct mipc_sleeper *s = mipc_set_sleeper(set, index);
	struct mipc_touch *t = &plan->touch[0];
	uint32_t watchman = MIPC_T_VALUE(mipc_peek(&set->head->watchman));

	record_unlink(set, index, MIPC_SLEEP_DONE, txn);
	t->value += mipc_op_unpack(mipc_peek(&s->op[0])).op;
	mipc_plan_record(set, plan, mipc_peek(&s->place.pid), txn);
	if (others_sleep(set) && (watchman == 0 || watchman == index + 1 ||
	    t->value != (int32_t)MIPC_SEM_VALUE(t->old)))
		mipc_queue_record_due(set, txn);
}

/* --- steps ------------------------------------------------------------- */

/*
 * Each returns 0 if it was done, EAGAIN if somebody was faster, or what keeps
 * it from being done.
 */

int
mipc_queue_leave(struct mipc_set *set, uint32_t index, uint32_t state,
    uint64_t seen)
{
	struct mipc_txn txn;
	int error = mipc_line_check(&set->line, index, seen);

	if (error == 0)		/* else links lead in a circle */
		error = mipc_txn_open(&txn, &set->board,
		    MIPC_UNLINK_WORDS + 1);
	if (error != 0)
		return error;
	mipc_queue_record_leave(set, index, state, &txn);
	return mipc_txn_finish(&txn, seen);
}

/* Its place is free once nothing leads there. */
static int
bury(struct mipc_set *set, uint32_t index, uint64_t seen)
{
	mipc_life dead = mipc_peek(&mipc_line_place(&set->line, index)->owner);
	int error = mipc_queue_leave(set, index, MIPC_SLEEP_IDLE, seen);

	if (error == 0)
		mipc_line_free_dead(&set->line, index, dead);
	return error;
}

static int
fail(struct mipc_set *set, uint32_t index, int why, uint64_t seen)
{
	int error = mipc_queue_leave(set, index, MIPC_ENDED(why), seen);

	if (error == 0)
		mipc_line_wake(&set->line, index);
	return error;
}

/* S5: perform its whole vector, and tell it. */
static int
serve_plan(struct mipc_set *set, uint32_t index, struct mipc_plan *plan,
    void *arg)
{
	uint64_t seen = *(const uint64_t *)arg;
	const struct mipc_place *place = mipc_line_place(&set->line, index);
	struct mipc_txn txn;
	int error;

	error = mipc_plan_try(set, plan);
	if (error == EBUSY || error == MIPC_NOT_NOW || error == ERANGE)
		return EAGAIN;	/* not what was found: somebody was faster */
	if (error != 0)
		return error;
	error = mipc_txn_open(&txn, &set->board, mipc_plan_words(plan) +
	    MIPC_UNLINK_WORDS + 1);
	if (error != 0)
		return error;
	mipc_plan_record(set, plan, mipc_peek(&place->pid), &txn);
	mipc_queue_record_leave(set, index, MIPC_SLEEP_DONE, &txn);
	mipc_put(&set->head->otime, mipc_sys_seconds());
	error = mipc_txn_finish(&txn, seen);
	if (error == 0)
		mipc_line_wake(&set->line, index);
	return error;
}

static int
serve(struct mipc_set *set, uint32_t index, uint64_t seen)
{
	if (mipc_queue_barges(set))
		return mipc_line_tell(&set->line, index, seen);
	return mipc_queue_use_vector(set, index, serve_plan, &seen);
}

/* Nothing can be served: is there a watchman, and is nothing due? */
static int
rest(struct mipc_set *set, const struct mipc_finding *f, uint64_t seen)
{
#ifdef MIPC_BREAK_WATCHMAN
	(void)f;	/* a test must see what this breaks */
#else
	if (f->last != 0 && !f->told &&
	    MIPC_T_VALUE(mipc_peek(&set->head->watchman)) == 0)
		return mipc_line_tell(&set->line, f->last - 1, seen);
#endif
	return mipc_line_rest(&set->line, seen);
}

/*
 * A process that has ended does not sleep any more, though its address space
 * may not be gone yet; what it owed must not serve it.
 */
static uint32_t
ghost(const struct mipc_set *set, mipc_life gone)
{
	const struct mipc_line *line = &set->line;
	uint32_t index = mipc_line_neighbour(line, &line->head->head);
	struct mipc_place *place;
	mipc_life owner;

	for (uint32_t n = 0; index != MIPC_NOBODY && n < MIPC_SLEEPERS; n++) {
		place = mipc_line_place(line, index);
		owner = mipc_take(&place->owner);
		if (owner == gone || mipc_life_gone(set->use.ns->lives, owner))
			return index;
		index = mipc_line_neighbour(line, &place->next);
	}
	return MIPC_NOBODY;
}

static int
settle(struct mipc_set *set, uint32_t debtor, mipc_life gone, uint64_t seen)
{
	uint32_t index = ghost(set, gone);

	return index == MIPC_NOBODY ? mipc_undo_settle(set, debtor, gone) :
	    bury(set, index, seen);
}

/* One step; ECANCELED: there was none. */
static int
step(struct mipc_set *set, bool look)
{
	uint64_t seen = mipc_txn_begin(&set->board);
	struct mipc_finding f;
	uint32_t debtor;
	mipc_life gone;

	if (mipc_line_gone(&set->line))
		return mipc_line_dissolve(&set->line, seen);
	if (look && mipc_undo_dead(set, &debtor, &gone))
		return settle(set, debtor, gone, seen);
	mipc_queue_walk(set, look, &f);
	if (!mipc_txn_same(&set->board, seen))
		return EAGAIN;
	switch (f.action) {
	case MIPC_BURY:
		return bury(set, f.sleeper, seen);
	case MIPC_SERVE:
		return serve(set, f.sleeper, seen);
	case MIPC_FAIL:
		return fail(set, f.sleeper, f.error, seen);
	case MIPC_CORRECT:
		return mipc_line_set(&set->line, &mipc_set_sleeper(set,
		    f.sleeper)->blocking, f.blocking, seen);
	case MIPC_NOTHING:
		break;
	}
	return rest(set, &f, seen);
}

int
mipc_queue_steps_blocked(struct mipc_set *set, bool look)
{
	int error;

	do {
		error = step(set, look);
		if (error == 0)
			error = EAGAIN;
	} while (mipc_set_again(set, &error));
	return error == ECANCELED ? 0 : error;
}

int
mipc_queue_steps(struct mipc_set *set, bool look)
{
	uint64_t signals;
	int error;

	mipc_sys_block(&signals);
	error = mipc_queue_steps_blocked(set, look);
	mipc_sys_restore(&signals);
	return error;
}

/* --- questions --------------------------------------------------------- */

bool
mipc_queue_dead(const struct mipc_set *set)
{
	uint32_t debtor;
	mipc_life gone;

	if (mipc_take(&set->head->debtors) != 0 &&
	    mipc_undo_dead(set, &debtor, &gone))
		return true;
	return mipc_line_dead(&set->line) != MIPC_NOBODY;
}

/* S4. */
uint32_t
mipc_queue_count(const struct mipc_set *set, uint32_t num, bool zero)
{
	uint32_t wanted = num | (zero ? 1u << 16 : 0), count, index;
	const struct mipc_line *line = &set->line;
	struct mipc_sleeper *s;
	uint64_t seen;

	do {
		seen = mipc_txn_begin(&set->board);
		index = mipc_line_neighbour(line, &line->head->head);
		count = 0;
		for (uint32_t n = 0; index != MIPC_NOBODY && n < MIPC_SLEEPERS;
		    n++) {
			s = mipc_set_sleeper(set, index);
			count += mipc_peek(&s->place.asleep) != 0 &&
			    MIPC_T_VALUE(mipc_peek(&s->blocking)) == wanted;
			index = mipc_line_neighbour(line, &s->place.next);
		}
	} while (!mipc_txn_same(&set->board, seen));
	return count;
}
