/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_sleep.c - one thread's sleep in a set: clauses S13, S14 and S17.
 *
 * The thread sleeps as in every line (line_sleep.c), also on the canaries of
 * all who owed something, or might, when it listed them.  The transaction in
 * which it enters the line, or lists anew, says that it is the watchman from
 * then on (sem_queue.c).
 */
#include "sem.h"

#include <errno.h>

#include "crash.h"

struct sleep {
	struct mipc_set *set;
	struct mipc_plan *plan;		/* NULL: it only leaves */
	struct mipc_nap nap;
};

static struct mipc_set *
set_of(const struct mipc_nap *nap)
{
	return ((const struct sleep *)nap->arg)->set;
}

static uint32_t
state(const struct sleep *sleep)
{
	return mipc_line_state(mipc_line_place(sleep->nap.line,
	    sleep->nap.index));
}

/* --- while it sleeps --------------------------------------------------- */

static int
steps(struct mipc_nap *nap, bool look)
{
	struct mipc_set *set = set_of(nap);

	return look || mipc_line_due(&set->line) ?
	    mipc_queue_steps(set, look) : 0;
}

/* Right if the turn is the same when it is recorded. */
static void
list(struct mipc_nap *nap, bool *dying)
{
	const struct mipc_set *set = set_of(nap);
	const struct mipc_line *line = &set->line;
	uint32_t index = mipc_line_neighbour(line, &line->head->head);
	struct mipc_sleeper *s;

	mipc_undo_watch(set, nap->wait, dying);
	for (uint32_t n = 0; index != MIPC_NOBODY && n < MIPC_SLEEPERS; n++) {
		s = mipc_set_sleeper(set, index);
		if (mipc_peek(&s->debtor) != 0)
			mipc_life_watch(set->use.ns->lives,
			    mipc_take(&s->place.owner), nap->wait, dying);
		index = mipc_line_neighbour(line, &s->place.next);
	}
}

/* One watches over all debtors; only that one must look at the rest. */
static bool
must_look(struct mipc_nap *nap)
{
	return MIPC_T_VALUE(mipc_peek(&set_of(nap)->head->watchman)) ==
	    nap->index + 1;
}

/* In slices the rest look at the watchman alone, and follow it. */
static bool
missed(struct mipc_nap *nap)
{
	struct mipc_set *set = set_of(nap);
	uint32_t watchman = MIPC_T_VALUE(mipc_peek(&set->head->watchman));
	struct mipc_place *place;

	if (!mipc_wait_sliced() || watchman == 0 ||
	    watchman > mipc_line_count(&set->line) || must_look(nap))
		return mipc_queue_dead(set);
	place = mipc_line_place(&set->line, watchman - 1);
	return mipc_life_dead(set->use.ns->lives, mipc_take(&place->owner));
}

/* A removed set is buried, and we with it, but for a scribbled head. */
static int
check(struct mipc_nap *nap)
{
	struct mipc_set *set = set_of(nap);

	if (!mipc_use_sound(&set->use))
		return EIO;
	if (!mipc_use_lives(&set->use))
		mipc_set_bury(set);
	return 0;
}

static void
wake_told(struct mipc_nap *nap)
{
	mipc_line_wake_told(nap->line);
}

/* --- told to look ------------------------------------------------------ */

/* In a barging namespace who is told tries again itself. */
static int
try_again(struct sleep *sleep)
{
	struct mipc_set *set = sleep->set;
	struct mipc_plan *plan = sleep->plan;
	uint64_t seen = mipc_txn_begin(&set->board);
	struct mipc_txn txn;
	int error;

	if (!mipc_nap_is_mine(&sleep->nap) || mipc_line_ended(state(sleep)))
		return ECANCELED;
	error = mipc_plan_try(set, plan);
	if (error == EBUSY || error == MIPC_NOT_NOW || error == ERANGE)
		return ECANCELED;
	if (error != 0)
		return error;
	error = mipc_txn_open(&txn, &set->board, mipc_plan_words(plan) +
	    MIPC_UNLINK_WORDS + 1);
	if (error != 0)
		return error;
	mipc_plan_record(set, plan, set->pid, &txn);
	mipc_queue_record_leave(set, sleep->nap.index, MIPC_SLEEP_DONE, &txn);
	mipc_put(&set->head->otime, mipc_sys_seconds());
	return mipc_txn_finish(&txn, seen);
}

/*
 * List anew: from then on this is the watchman.  A handler that ended the
 * sleep has committed something, so this is not.
 */
static int
try_list(struct sleep *sleep)
{
	struct mipc_set *set = sleep->set;
	uint64_t seen = mipc_txn_begin(&set->board);
	uint32_t index = sleep->nap.index;
	struct mipc_txn txn;
	int error;

	if (!mipc_nap_is_mine(&sleep->nap) || mipc_line_ended(state(sleep)))
		return ECANCELED;
	mipc_nap_list(&sleep->nap);
	error = mipc_txn_open(&txn, &set->board, 3);
	if (error != 0)
		return error;
	mipc_line_record(&txn, &mipc_line_place(&set->line, index)->state,
	    MIPC_SLEEP_WAITING);
	mipc_line_record(&txn, &set->head->watchman, index + 1);
	if (mipc_queue_barges(set))	/* others may be told now */
		mipc_queue_record_due(set, &txn);
	return mipc_txn_finish(&txn, seen);
}

static int
told(struct mipc_nap *nap)
{
	struct sleep *sleep = nap->arg;
	int error = ECANCELED;

	if (mipc_queue_barges(sleep->set))
		do {
			error = try_again(sleep);
		} while (mipc_set_again(sleep->set, &error));
	if (error == ECANCELED)
		do {
			error = try_list(sleep);
		} while (mipc_set_again(sleep->set, &error));
	return error == ECANCELED ? 0 : error;
}

/* --- leaving ----------------------------------------------------------- */

/* Performed, failed, or (idle) the set is another's by now. */
static int
result_of(uint32_t state)
{
	return (state & 0xff) == MIPC_SLEEP_DONE ? (int)(state >> 8) : EIDRM;
}

/* Leave the line, if it was not too late: what the sleep ended with. */
static int
try_leave(struct sleep *sleep, int why, int *result)
{
	uint64_t seen = mipc_txn_begin(&sleep->set->board);
	uint32_t now = state(sleep);

	if (mipc_line_ended(now)) {
		*result = result_of(now);
		return 0;
	}
	*result = why;
	return mipc_queue_leave(sleep->set, sleep->nap.index, MIPC_ENDED(why),
	    seen);
}

static int
leave(struct mipc_nap *nap, int why)
{
	struct sleep *sleep = nap->arg;
	struct mipc_set *set = sleep->set;
	int error, result = why;

	do {
		error = try_leave(sleep, why, &result);
	} while (mipc_set_again(set, &error));
	if (error == 0 && mipc_line_due(&set->line))
		mipc_queue_steps(set, false);
	mipc_place_free(set, nap->index);
	return error == 0 ? result : error;
}

/* --- the sleep --------------------------------------------------------- */

static const struct mipc_nap_ops ops = {
	.steps = steps,
	.told = told,
	.list = list,
	.must_look = must_look,
	.missed = missed,
	.check = check,
	.leave = leave,
	.wake_told = wake_told,
};

static void
prepare(struct sleep *sleep)
{
	struct mipc_set *set = sleep->set;

	sleep->nap = (struct mipc_nap){ .ops = &ops, .arg = sleep,
	    .line = &set->line, .bell = &set->head->bell, .ns = set->use.ns,
	    .thread = set->use.thread, .stops = true };
}

/* A handler's call, or one after a jump out of it: the sleep it left ends. */
static void
withdraw(struct mipc_thread *thread)
{
	struct mipc_set set;
	struct sleep sleep = { .set = &set };

	if (mipc_set_hold(&set, thread->waiter.ns, thread->waiter.object) != 0)
		return;
	if (mipc_set_ready(&set) == 0) {
		prepare(&sleep);
		mipc_nap_withdraw(&sleep.nap);
	}
	mipc_set_leave(&set);
}

/* Enter the line: EBUSY, the vector need not wait. */
static int
try_join(struct sleep *sleep)
{
	struct mipc_set *set = sleep->set;
	uint64_t seen = mipc_txn_begin(&set->board);
	uint32_t index = sleep->nap.index;
	struct mipc_txn txn;
	int error;

	if (!mipc_nap_is_mine(&sleep->nap))
		return ECANCELED;
	if (mipc_line_due(&set->line) || mipc_line_gone(&set->line))
		return EBUSY;
	/* After the turn was read: else somebody may give them back. */
	mipc_plan_claim(set, sleep->plan);
	if (mipc_plan_judge(set, sleep->plan) != EBUSY)
		return EBUSY;
	/* In slices it is the watchman, and soon looks. */
	if (!mipc_wait_sliced() && mipc_queue_dead(set))
		return EBUSY;
	mipc_nap_list(&sleep->nap);
	error = mipc_txn_open(&txn, &set->board, MIPC_LINE_WORDS + 2);
	if (error != 0)
		return error == EBUSY ? EALREADY : error;
	mipc_line_record(&txn, &mipc_set_sleeper(set, index)->blocking,
	    mipc_plan_blocking(sleep->plan));
	mipc_line_record_join(&set->line, &txn, index);
	mipc_line_record(&txn, &set->head->watchman, index + 1);
	return mipc_txn_finish(&txn, seen);
}

static int
join(struct sleep *sleep)
{
	int error;

	do {
		error = try_join(sleep);
		if (error == EBUSY)
			return EBUSY;
		if (error == EALREADY)
			error = EBUSY;
	} while (mipc_set_again(sleep->set, &error));
	mipc_crash_point("sleep: joined");
	return error;
}

/* Once the sleep has begun, whoever ends it frees the place. */
int
mipc_sleep(struct mipc_set *set, struct mipc_plan *plan, uint64_t deadline)
{
	struct sleep sleep = { .set = set, .plan = plan };
	struct mipc_wait wait;
	int error;

	prepare(&sleep);
	error = mipc_place_take(set, &sleep.nap.index);
	if (error != 0)
		return error;
	error = mipc_place_fill(set, sleep.nap.index, plan);
	mipc_wait_init(&wait);
	sleep.nap.wait = &wait;
	mipc_nap_begin(&sleep.nap, withdraw, set->use.opened);
	if (error == 0)
		error = join(&sleep);
	if (error == 0)
		return mipc_nap(&sleep.nap, deadline);
	if (mipc_nap_cancel(&sleep.nap))
		mipc_place_free(set, sleep.nap.index);
	return error == ECANCELED ? EBUSY : error;
}
