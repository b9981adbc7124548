/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_queue.c - who sleeps in a set, and the steps that serve them: clauses
 * S4, S5 and S15.
 *
 * Whoever changes values while somebody sleeps sets `due` in the same
 * transaction.  While it is set, steps are done before anything else, by
 * whoever comes: one transaction each, decided from one state of the set,
 * until none is left to do.  So hand-over needs no lock, and a newcomer cannot
 * take what a sleeper has waited for:
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
 * The maker of a step wakes the sleeper it told.  If it is killed in between
 * the kernel rings the set's bell, and whoever that wakes does what is due and
 * wakes all who have been told something.
 *
 * A sleeper sleeps on the canaries of those who owed the set something when it
 * listed them.  Somebody must sleep on every debtor's: the watchman, who listed
 * last.  A transaction that makes a debtor who has not slept, or in which the
 * watchman leaves, sets `watchman` to 0, and then the youngest sleeper is told
 * to list anew.
 */
#include "sem.h"

#include <errno.h>

#include "crash.h"

/* --- records ----------------------------------------------------------- */

void
mipc_queue_record_set(struct mipc_txn *txn, mipc_u64 *word, uint32_t value)
{
	uint64_t old = mipc_peek(word);

	mipc_txn_set(txn, word, old, MIPC_T_NEXT(old, value));
}

static bool
anybody(const struct mipc_set *set)
{
	return MIPC_T_VALUE(mipc_peek(&set->head->sleepers)) != 0;
}

static void
record_if_new(struct mipc_txn *txn, mipc_u64 *word, uint32_t value)
{
	if (MIPC_T_VALUE(mipc_peek(word)) != value)
		mipc_queue_record_set(txn, word, value);
}

void
mipc_queue_record_due(const struct mipc_set *set, struct mipc_txn *txn)
{
	if (anybody(set))
		record_if_new(txn, &set->head->due, 1);
}

/* That a sleeper is queued no more; how many still are. */
static uint32_t
record_unlink(const struct mipc_set *set, uint32_t index, uint32_t state,
    struct mipc_txn *txn)
{
	struct mipc_sleeper *s = mipc_set_sleeper(set, index);
	struct mipc_semset *head = set->head;
	uint32_t next = mipc_queue_neighbour(set, &s->next);
	uint32_t prev = mipc_queue_neighbour(set, &s->prev);
	uint32_t count = MIPC_T_VALUE(mipc_peek(&head->sleepers));

	count -= count != 0;
	mipc_queue_record_set(txn, &s->state, state);
	mipc_queue_record_set(txn, prev == UINT32_MAX ? &head->head :
	    &mipc_set_sleeper(set, prev)->next,
	    MIPC_T_VALUE(mipc_peek(&s->next)));
	mipc_queue_record_set(txn, next == UINT32_MAX ? &head->tail :
	    &mipc_set_sleeper(set, next)->prev,
	    MIPC_T_VALUE(mipc_peek(&s->prev)));
	mipc_queue_record_set(txn, &head->sleepers, count);
	if (MIPC_T_VALUE(mipc_peek(&head->watchman)) == index + 1)
		mipc_queue_record_set(txn, &head->watchman, 0);
	return count;
}

/* Nothing is due where nobody sleeps. */
void
mipc_queue_record_leave(const struct mipc_set *set, uint32_t index,
    uint32_t state, struct mipc_txn *txn)
{
	uint32_t left = record_unlink(set, index, state, txn);

	record_if_new(txn, &set->head->due, left != 0);
}

static void
wake(struct mipc_sleeper *s)
{
	mipc_crash_point("queue: told");
	mipc_wait_wake(mipc_wait_half(&s->state));
	mipc_add(&s->woken, 1);
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
	    !mipc_life_dead(set->use.ns->lives, mipc_peek(&s->owner));
}

uint32_t
mipc_queue_heir(const struct mipc_set *set, const struct mipc_plan *plan)
{
	uint32_t index = mipc_queue_neighbour(set, &set->head->head);

	if (index == UINT32_MAX || plan->nops != 1 || plan->op[0].op <= 0 ||
	    mipc_queue_barges(set) ||
	    !can_take(set, mipc_set_sleeper(set, index), &plan->touch[0]))
		return UINT32_MAX;
	return index;
}

void
mipc_queue_record_heir(const struct mipc_set *set, uint32_t index,
    struct mipc_plan *plan, struct mipc_txn *txn)
{
	struct mipc_sleeper *s = mipc_set_sleeper(set, index);
	struct mipc_touch *t = &plan->touch[0];
	uint32_t watchman = MIPC_T_VALUE(mipc_peek(&set->head->watchman));
	uint32_t left = record_unlink(set, index, MIPC_SLEEP_DONE, txn);

	t->value += mipc_op_unpack(mipc_peek(&s->op[0])).op;
	mipc_plan_record(set, plan, mipc_peek(&s->pid), txn);
	if (left != 0 && (watchman == 0 || watchman == index + 1 ||
	    t->value != (int32_t)MIPC_SEM_VALUE(t->old)))
		mipc_queue_record_due(set, txn);
}

void
mipc_queue_wake(const struct mipc_set *set, uint32_t index)
{
	wake(mipc_set_sleeper(set, index));
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
	int error;

	error = mipc_txn_open(&txn, &set->board, MIPC_UNLINK_WORDS + 1);
	if (error != 0)
		return error;
	mipc_queue_record_leave(set, index, state, &txn);
	return mipc_txn_finish(&txn, seen);
}

/* Its place is free once nothing leads there. */
static int
bury(struct mipc_set *set, uint32_t index, uint64_t seen)
{
	struct mipc_sleeper *s = mipc_set_sleeper(set, index);
	uint64_t owner = mipc_peek(&s->owner);
	int error = mipc_queue_leave(set, index, MIPC_SLEEP_IDLE, seen);

	if (error == 0 && owner != 0)
		mipc_swap_if(&s->owner, &owner, 0);
	return error;
}

static int
fail(struct mipc_set *set, uint32_t index, int why, uint64_t seen)
{
	int error = mipc_queue_leave(set, index, MIPC_SLEEP_DONE_AS(why), seen);

	if (error == 0)
		wake(mipc_set_sleeper(set, index));
	return error;
}

static int
set_word(struct mipc_set *set, mipc_u64 *word, uint32_t value, uint64_t seen)
{
	struct mipc_txn txn;
	int error;

	error = mipc_txn_open(&txn, &set->board, 1);
	if (error != 0)
		return error;
	mipc_queue_record_set(&txn, word, value);
	return mipc_txn_finish(&txn, seen);
}

/* Tell a sleeper to look for itself. */
static int
tell(struct mipc_set *set, uint32_t index, uint64_t seen)
{
	struct mipc_sleeper *s = mipc_set_sleeper(set, index);
	int error = set_word(set, &s->state, MIPC_SLEEP_LOOK, seen);

	if (error == 0)
		wake(s);
	return error;
}

/* S5: perform its whole vector, and tell it. */
static int
serve_plan(struct mipc_set *set, uint32_t index, struct mipc_plan *plan,
    void *arg)
{
	uint64_t seen = *(const uint64_t *)arg;
	struct mipc_sleeper *s = mipc_set_sleeper(set, index);
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
	mipc_plan_record(set, plan, mipc_peek(&s->pid), &txn);
	mipc_queue_record_leave(set, index, MIPC_SLEEP_DONE, &txn);
	mipc_put(&set->head->otime, mipc_sys_seconds());
	error = mipc_txn_finish(&txn, seen);
	if (error == 0)
		wake(s);
	return error;
}

static int
serve(struct mipc_set *set, uint32_t index, uint64_t seen)
{
	if (mipc_queue_barges(set))
		return tell(set, index, seen);
	return mipc_queue_use_vector(set, index, serve_plan, &seen);
}

/* Nothing can be served: is there a watchman, and is nothing due? */
static int
rest(struct mipc_set *set, const struct mipc_finding *f, uint64_t seen)
{
	int error;

#ifdef MIPC_BREAK_WATCHMAN
	(void)f;	/* a test must see what this breaks */
#else
	if (f->last != 0 && !f->told &&
	    MIPC_T_VALUE(mipc_peek(&set->head->watchman)) == 0)
		return tell(set, f->last - 1, seen);
#endif
	if (mipc_queue_due(set)) {
		error = set_word(set, &set->head->due, 0, seen);
		return error == 0 ? ECANCELED : error;
	}
	return mipc_txn_same(&set->board, seen) ? ECANCELED : EAGAIN;
}

/* S15: everybody leaves, the oldest first. */
static int
dissolve(struct mipc_set *set, uint64_t seen)
{
	uint32_t index = mipc_queue_neighbour(set, &set->head->head);
	struct mipc_finding nobody = { .last = 0 };

	if (index == UINT32_MAX)
		return rest(set, &nobody, seen);
	return fail(set, index, EIDRM, seen);
}

/*
 * A process that has ended does not sleep any more, though its address space
 * may not be gone yet; what it owed must not serve it.
 */
static uint32_t
ghost(const struct mipc_set *set, mipc_life gone)
{
	uint32_t index = mipc_queue_neighbour(set, &set->head->head);
	struct mipc_sleeper *s;
	mipc_life owner;

	for (uint32_t n = 0; index != UINT32_MAX && n < MIPC_SLEEPERS; n++) {
		s = mipc_set_sleeper(set, index);
		owner = mipc_take(&s->owner);
		if (owner == gone || mipc_life_gone(set->use.ns->lives, owner))
			return index;
		index = mipc_queue_neighbour(set, &s->next);
	}
	return UINT32_MAX;
}

static int
settle(struct mipc_set *set, uint32_t debtor, mipc_life gone, uint64_t seen)
{
	uint32_t index = ghost(set, gone);

	return index == UINT32_MAX ? mipc_undo_settle(set, debtor, gone) :
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

	if (MIPC_T_VALUE(mipc_peek(&set->head->gone)) != 0)
		return dissolve(set, seen);
	if (look && mipc_undo_dead(set, &debtor, &gone))
		return settle(set, debtor, gone, seen);
	mipc_queue_walk(set, &f);
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
		return set_word(set, &mipc_set_sleeper(set, f.sleeper)->
		    blocking, f.blocking, seen);
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

void
mipc_queue_wake_told(const struct mipc_set *set)
{
	uint32_t n = mipc_set_count(set, MIPC_T_SLEEPERS), state;

	for (uint32_t i = 0; i < n; i++) {
		struct mipc_sleeper *s = mipc_set_sleeper(set, i);

		if (mipc_take(&s->owner) == 0)
			continue;
		state = MIPC_T_VALUE(mipc_take(&s->state)) & 0xff;
		if (state == MIPC_SLEEP_DONE || state == MIPC_SLEEP_LOOK)
			mipc_wait_wake(mipc_wait_half(&s->state));
	}
}

/* --- questions --------------------------------------------------------- */

bool
mipc_queue_dead(const struct mipc_set *set)
{
	uint32_t index, debtor;
	struct mipc_sleeper *s;
	mipc_life gone;

	if (mipc_take(&set->head->debtors) != 0 &&
	    mipc_undo_dead(set, &debtor, &gone))
		return true;
	index = mipc_queue_neighbour(set, &set->head->head);
	for (uint32_t n = 0; index != UINT32_MAX && n < MIPC_SLEEPERS; n++) {
		s = mipc_set_sleeper(set, index);
		if (mipc_life_dead(set->use.ns->lives, mipc_take(&s->owner)))
			return true;
		index = mipc_queue_neighbour(set, &s->next);
	}
	return false;
}

/* S4. */
uint32_t
mipc_queue_count(const struct mipc_set *set, uint32_t num, bool zero)
{
	uint32_t wanted = num | (zero ? 1u << 16 : 0), count, index;
	struct mipc_sleeper *s;
	uint64_t seen;

	do {
		seen = mipc_txn_begin(&set->board);
		index = mipc_queue_neighbour(set, &set->head->head);
		count = 0;
		for (uint32_t n = 0; index != UINT32_MAX && n < MIPC_SLEEPERS;
		    n++) {
			s = mipc_set_sleeper(set, index);
			count += mipc_peek(&s->asleep) != 0 &&
			    MIPC_T_VALUE(mipc_peek(&s->blocking)) == wanted;
			index = mipc_queue_neighbour(set, &s->next);
		}
	} while (!mipc_txn_same(&set->board, seen));
	return count;
}
