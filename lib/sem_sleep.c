/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_sleep.c - one thread's sleep in a set: clauses S13, S14 and S17.
 *
 * The thread enters the queue by a transaction in which it is still right
 * that its vector must wait, and sleeps on, in this order,
 *
 *	its own word	until it is told
 *	the bell	which the kernel rings when a thread dies in the set
 *	the turn	nobody wakes on it; but whoever is not yet asleep when
 *			something is committed does not fall asleep
 *	canaries	of all who owed something, or might, when it listed
 *
 * The order matters: the kernel compares one word after the other, and a
 * maker of steps who dies between must be seen by a later one.  Woken by
 * anything but its own word it does what is due and passes on what others were
 * told, since it may have swallowed a wake that was meant for them.
 *
 * A signal handler runs while its thread is still queued.  The handler's first
 * call ends that sleep, and frees the place in the queue; so does the
 * thread's next call if the handler jumped away.  Whoever swaps the serial
 * number of the sleep to 0 frees the place.
 */
#include "sem.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "crash.h"
#include "sweep.h"

#define HEARTBEAT_NS	1000000000ull
#define POLL_FIRST_NS	5000ull		/* while somebody is dying */
#define POLL_YIELD_NS	100000ull	/* less than a timer's slack */
#define POLL_MOST_NS	10000000ull
#define RESTLESS	8u		/* commits that kept it from sleeping */
#define TURN_AT		2u		/* of the turn among the words */

struct sleep {
	struct mipc_set *set;
	struct mipc_plan *plan;
	struct mipc_wait *wait;
	uint32_t index;
	uint64_t serial;
	uint64_t poll_ns;		/* 0: nobody is dying */
	uint32_t restless;
	bool partial;			/* not everybody could be listed */
	bool list;			/* a new list is wanted */
};

static struct mipc_sleeper *
own(const struct sleep *sleep)
{
	return mipc_set_sleeper(sleep->set, sleep->index);
}

static uint32_t
state(const struct sleep *sleep)
{
	return MIPC_T_VALUE(mipc_take(&own(sleep)->state));
}

/* Performed, failed, or (idle) the set is another's by now. */
static int
result_of(uint32_t state)
{
	return (state & 0xff) == MIPC_SLEEP_DONE ? (int)(state >> 8) : EIDRM;
}

/* --- listing ----------------------------------------------------------- */

/* Name what to sleep on; right if the turn is the same when it is recorded. */
static void
list(struct sleep *sleep)
{
	const struct mipc_set *set = sleep->set;
	struct mipc_semset *head = set->head;
	uint32_t index = mipc_queue_neighbour(set, &head->head);
	bool dying = mipc_sweep_names_left(set->use.ns);
	struct mipc_sleeper *s;

	mipc_wait_begin(sleep->wait, &own(sleep)->asleep);
	mipc_wait_add(sleep->wait, mipc_wait_half(&own(sleep)->state),
	    MIPC_SLEEP_WAITING);
	mipc_wait_add(sleep->wait, mipc_wait_half(&head->bell), 0);
	mipc_wait_add(sleep->wait, mipc_wait_half(&head->turn), 0);
	mipc_undo_watch(set, sleep->wait, &dying);
	for (uint32_t n = 0; index != UINT32_MAX && n < MIPC_SLEEPERS; n++) {
		s = mipc_set_sleeper(set, index);
		if (mipc_peek(&s->debtor) != 0)
			mipc_life_watch(set->use.ns->lives,
			    mipc_take(&s->owner), sleep->wait, &dying);
		index = mipc_queue_neighbour(set, &s->next);
	}
	sleep->partial = sleep->wait->partial;
	if (!dying)
		sleep->poll_ns = 0;
	else if (sleep->poll_ns == 0)
		sleep->poll_ns = POLL_FIRST_NS;
}

static bool
is_mine(const struct sleep *sleep)
{
	return *(volatile uint64_t *)&sleep->set->use.thread->waiter.serial ==
	    sleep->serial;
}

/* Enter the queue at its end: EBUSY, the vector need not wait. */
static int
try_join(struct sleep *sleep)
{
	struct mipc_set *set = sleep->set;
	struct mipc_semset *head = set->head;
	uint64_t seen = mipc_txn_begin(&set->board);
	struct mipc_sleeper *s = own(sleep);
	uint32_t last = mipc_queue_neighbour(set, &head->tail);
	struct mipc_txn txn;
	int error;

	if (!is_mine(sleep))
		return ECANCELED;
	if (mipc_queue_due(set) || MIPC_T_VALUE(mipc_peek(&head->gone)) != 0)
		return EBUSY;
	/* After the turn was read: else somebody may give them back. */
	mipc_plan_claim(set, sleep->plan);
	if (mipc_plan_judge(set, sleep->plan) != EBUSY || mipc_queue_dead(set))
		return EBUSY;
	list(sleep);
	error = mipc_txn_open(&txn, &set->board, 9);
	if (error != 0)
		return error == EBUSY ? EALREADY : error;
	mipc_queue_record_set(&txn, &s->state, MIPC_SLEEP_WAITING);
	mipc_queue_record_set(&txn, &s->blocking,
	    mipc_plan_blocking(sleep->plan));
	mipc_queue_record_set(&txn, &s->prev,
	    MIPC_T_VALUE(mipc_peek(&head->tail)));
	mipc_queue_record_set(&txn, &s->next, 0);
	mipc_queue_record_set(&txn, last == UINT32_MAX ? &head->head :
	    &mipc_set_sleeper(set, last)->next, sleep->index + 1);
	mipc_queue_record_set(&txn, &head->tail, sleep->index + 1);
	mipc_queue_record_set(&txn, &head->sleepers,
	    MIPC_T_VALUE(mipc_peek(&head->sleepers)) + 1);
	mipc_queue_record_set(&txn, &head->watchman, sleep->index + 1);
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
	struct mipc_txn txn;
	int error;

	if (!is_mine(sleep) || mipc_sleep_ended(state(sleep)))
		return ECANCELED;
	list(sleep);
	error = mipc_txn_open(&txn, &set->board, 3);
	if (error != 0)
		return error;
	mipc_queue_record_set(&txn, &own(sleep)->state, MIPC_SLEEP_WAITING);
	mipc_queue_record_set(&txn, &set->head->watchman, sleep->index + 1);
	if (mipc_queue_barges(set))	/* others may be told now */
		mipc_queue_record_due(set, &txn);
	return mipc_txn_finish(&txn, seen);
}

/* --- leaving ----------------------------------------------------------- */

/* Leave the queue, if it was not too late: what the sleep ended with. */
static int
try_leave(struct mipc_set *set, uint32_t index, int why, int *result)
{
	uint64_t seen = mipc_txn_begin(&set->board);
	struct mipc_sleeper *s = mipc_set_sleeper(set, index);
	uint32_t now = MIPC_T_VALUE(mipc_take(&s->state));

	if (mipc_sleep_ended(now)) {
		*result = result_of(now);
		return 0;
	}
	*result = why;
	return mipc_queue_leave(set, index, MIPC_SLEEP_DONE_AS(why), seen);
}

static int
leave(struct mipc_set *set, uint32_t index, int why)
{
	int error, result = why;

	do {
		error = try_leave(set, index, why, &result);
	} while (mipc_set_again(set, &error));
	if (error == 0 && mipc_queue_due(set))
		mipc_queue_steps(set, false);
	return error == 0 ? result : error;
}

static bool
end_sleep(struct mipc_thread *thread, uint64_t serial)
{
	return serial != 0 && __atomic_compare_exchange_n(
	    &thread->waiter.serial, &serial, 0, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST);
}

void
mipc_sleep_withdraw(struct mipc_thread *thread)
{
	uint64_t serial = thread->waiter.serial;
	struct mipc_opened *opened = thread->waiter.object;
	uint32_t index = thread->waiter.index;
	struct mipc_set set = {
		.use = { .ns = thread->waiter.ns, .opened = opened,
		    .thread = thread },
	};
	uint64_t signals;
	int result;

	mipc_sys_block(&signals);	/* no handler leaves it half done */
	if (end_sleep(thread, serial)) {
		set.head = (struct mipc_semset *)(void *)opened->head;
		set.nsems = (uint32_t)opened->size;
		if (mipc_set_ready(&set) == 0) {
			result = leave(&set, index, EINTR);
			mipc_place_free(&set, index);
			thread->withdrawn[serial % MIPC_WITHDRAWN].result =
			    result;
			thread->withdrawn[serial % MIPC_WITHDRAWN].serial =
			    serial;
		}
	}
	mipc_sys_restore(&signals);
}

/* It was ended by a handler's call: with what? */
static int
withdrawn(const struct mipc_thread *thread, uint64_t serial)
{
	if (thread->withdrawn[serial % MIPC_WITHDRAWN].serial != serial)
		return EINTR;
	return thread->withdrawn[serial % MIPC_WITHDRAWN].result;
}

/* --- sleeping ---------------------------------------------------------- */

/*
 * Has a canary that was listed died?  The kernel wakes one who sleeps on it;
 * others do in sets of their own, and are woken here.
 */
static bool
canary_died(const struct mipc_wait *wait)
{
	bool died = false;

	for (uint32_t i = TURN_AT + 1; i < wait->count; i++) {
		const mipc_u32 *word =
		    (const mipc_u32 *)(uintptr_t)wait->word[i].address;

		if (mipc_take(word) == (uint32_t)wait->word[i].value)
			continue;
		mipc_wait_wake(word);
		died = true;
	}
	return died;
}

/* What somebody's death leaves to be done, and wakes it left undone. */
static int
look(struct sleep *sleep)
{
	int error;

	mipc_sweep_if_due(sleep->set->use.ns);	/* or in the midst of RMID */
	canary_died(sleep->wait);
	error = mipc_queue_steps(sleep->set, true);
	mipc_queue_wake_told(sleep->set);
	sleep->list = true;
	return error;
}

/*
 * A heartbeat: has something been missed?  Not if the one who told us is
 * about to wake us, nor if we are late ourselves.
 */
static void
heartbeat(struct sleep *sleep, uint64_t when)
{
	struct mipc_set *set = sleep->set;
	uint32_t woken = mipc_peek(&own(sleep)->woken), never = 0;
	struct timespec moment = { .tv_nsec = 20000000 };
	bool told = state(sleep) != MIPC_SLEEP_WAITING;
	bool dead = mipc_queue_dead(set);

	if ((!told && !dead) ||
	    mipc_sys_monotonic_ns() > when + 1000000)
		return;
	if (told) {
		mipc_sys_futex_wait(&never, 0, &moment);
		if (mipc_peek(&own(sleep)->woken) != woken)
			return;
	}
	mipc_add(&set->use.ns->space->heartbeats, 1);
}

/* Until when to sleep at most, and why: true if for a heartbeat. */
static bool
until(struct sleep *sleep, uint64_t deadline, uint64_t *end)
{
	uint64_t now = mipc_sys_monotonic_ns();

	*end = deadline;
	if (now >= deadline)
		return false;
	if (sleep->poll_ns != 0) {
		if (deadline - now > sleep->poll_ns)
			*end = now + sleep->poll_ns;
		if (sleep->poll_ns < POLL_MOST_NS)
			sleep->poll_ns += sleep->poll_ns / 4;
		return false;
	}
	if (sleep->restless >= RESTLESS && deadline - now > POLL_MOST_NS) {
		*end = now + POLL_MOST_NS;
		return false;
	}
#ifndef MIPC_BREAK_BELL
	if (deadline - now > HEARTBEAT_NS) {
		*end = now + HEARTBEAT_NS;
		return true;
	}
#endif
	return false;
}

/* The word of the turn, or, if it never rests, none. */
static void
name_turn(struct sleep *sleep, uint64_t seen)
{
	struct mipc_futex_waitv *word = &sleep->wait->word[TURN_AT];

	if (sleep->restless < RESTLESS)
		*word = (struct mipc_futex_waitv){ .value = (uint32_t)seen,
		    .address = (uintptr_t)mipc_wait_half(
		    &sleep->set->head->turn), .flags = word->flags };
	else
		*word = sleep->wait->word[TURN_AT - 1];
}

/* Sleep once; what it was woken by is dealt with.  EINTR, EAGAIN. */
static int
nap(struct sleep *sleep, uint64_t deadline, uint64_t seen)
{
	uint64_t end;
	bool beat = until(sleep, deadline, &end);
	uint32_t which;
	int r;

	if (sleep->poll_ns != 0 && sleep->poll_ns < POLL_YIELD_NS) {
		sched_yield();
		return look(sleep);
	}
	name_turn(sleep, seen);
	/* One watches over all debtors; only that one must look at the rest. */
	sleep->wait->partial = sleep->partial && MIPC_T_VALUE(mipc_peek(
	    &sleep->set->head->watchman)) == sleep->index + 1;
	mipc_crash_point("sleep: before");
	r = mipc_wait_sleep(sleep->wait, end, &which);
	if (r == 0 && which != 0 && !is_mine(sleep))
		return look(sleep);	/* the wake was meant for others */
	if (!is_mine(sleep) || r == EINTR)
		return r == EINTR ? EINTR : 0;
	if (r == 0 && which == 0) {
		sleep->restless = 0;
		return 0;
	}
	if (r == 0)
		return look(sleep);
	if (r == ETIMEDOUT) {
		if (beat)
			heartbeat(sleep, end);
		if (end == deadline && mipc_sys_monotonic_ns() >= deadline)
			return EAGAIN;
		sleep->restless = 0;
		return look(sleep);
	}
	/* A slice, or something changed before we slept. */
	if (canary_died(sleep->wait) || mipc_queue_dead(sleep->set) ||
	    mipc_sweep_names_left(sleep->set->use.ns))
		return look(sleep);
	if (sleep->wait->partial || mipc_peek(&sleep->set->head->turn) == seen)
		sleep->restless = 0;
	else
		sleep->restless++;
	return 0;
}

/* In a barging namespace who is told tries again itself. */
static int
try_again(struct sleep *sleep)
{
	struct mipc_set *set = sleep->set;
	struct mipc_plan *plan = sleep->plan;
	uint64_t seen = mipc_txn_begin(&set->board);
	struct mipc_txn txn;
	int error;

	if (!is_mine(sleep) || mipc_sleep_ended(state(sleep)))
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
	mipc_queue_record_leave(set, sleep->index, MIPC_SLEEP_DONE, &txn);
	mipc_put(&set->head->otime, mipc_sys_seconds());
	return mipc_txn_finish(&txn, seen);
}

/* Everything to be done before sleeping (again): EALREADY, not yet. */
static int
settle_down(struct sleep *sleep, uint64_t *seen)
{
	struct mipc_set *set = sleep->set;
	uint32_t now;
	int error;

	*seen = mipc_txn_begin(&set->board);
	if (mipc_queue_due(set)) {
		error = mipc_queue_steps(set, false);
		return error == 0 ? EALREADY : error;
	}
	now = state(sleep);
	if (mipc_sleep_ended(now) || !is_mine(sleep))
		return 0;
	if (now == MIPC_SLEEP_LOOK || sleep->list) {
		error = ECANCELED;
		if (mipc_queue_barges(set))
			do {
				error = try_again(sleep);
			} while (mipc_set_again(set, &error));
		if (error == ECANCELED)
			do {
				error = try_list(sleep);
			} while (mipc_set_again(set, &error));
		if (error == 0)
			sleep->list = false;
		return error == 0 || error == ECANCELED ? EALREADY : error;
	}
	return mipc_txn_same(&set->board, *seen) ? 0 : EALREADY;
}

/*
 * The sleep is over, by `why` if nobody has ended it.  A handler that jumped
 * away from between would leave it in the queue, and nobody to take it out.
 */
static int
finish(struct sleep *sleep, int why)
{
	bool queued = !mipc_sleep_ended(state(sleep));
	uint64_t signals;
	int error;

	if (queued)
		mipc_sys_block(&signals);
	if (end_sleep(sleep->set->use.thread, sleep->serial)) {
		error = leave(sleep->set, sleep->index, why);
		mipc_place_free(sleep->set, sleep->index);
	} else {
		error = withdrawn(sleep->set->use.thread, sleep->serial);
	}
	if (queued)
		mipc_sys_restore(&signals);
	return error;
}

static int
sleep_on(struct sleep *sleep, uint64_t deadline)
{
	uint64_t seen;
	int error = 0;

	while (error == 0 || error == EALREADY) {
		error = settle_down(sleep, &seen);
		if (error == EALREADY)
			continue;
		if (!is_mine(sleep))
			break;
		if (mipc_sleep_ended(state(sleep)))
			break;
		if (!mipc_use_sound(&sleep->set->use))
			error = EIO;
		else if (!mipc_use_lives(&sleep->set->use))
			mipc_set_bury(sleep->set);	/* and us, but for a
							   scribbled head */
		if (error == 0)
			error = nap(sleep, deadline, seen);
	}
	error = finish(sleep, error);
	mipc_wait_end(sleep->wait);
	return error;
}

/* In the queue; or EBUSY, there is no need to. */
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

/* From the first store on, whoever ends the sleep frees the place. */
int
mipc_sleep(struct mipc_set *set, struct mipc_plan *plan, uint64_t deadline)
{
	struct mipc_thread *thread = set->use.thread;
	struct mipc_wait wait;
	struct sleep sleep = { .set = set, .plan = plan, .wait = &wait };
	int error;

	mipc_wait_init(&wait);
	error = mipc_place_take(set, &sleep.index);
	if (error != 0)
		return error;
	error = mipc_place_fill(set, sleep.index, plan);
	sleep.serial = ++thread->serials;
	thread->waiter.ns = set->use.ns;
	thread->waiter.object = set->use.opened;
	thread->waiter.withdraw = mipc_sleep_withdraw;
	thread->waiter.index = sleep.index;
	*(volatile uint64_t *)&thread->waiter.serial = sleep.serial;
	if (error == 0)
		error = join(&sleep);
	if (error == 0)
		return sleep_on(&sleep, deadline);
	if (end_sleep(thread, sleep.serial))
		mipc_place_free(set, sleep.index);
	return error == ECANCELED ? EBUSY : error;
}
