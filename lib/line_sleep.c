/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line_sleep.c - one thread's sleep in a line: clauses S13, S14, S17 and M10.
 *
 * The thread enters the line by a transaction in which it is still right that
 * it must wait, and sleeps on, in this order,
 *
 *	its own word	until it is told
 *	the bell	which the kernel rings when a thread dies in the object
 *	the turns	nobody wakes on them; but whoever is not yet asleep when
 *			something is committed does not fall asleep
 *	more words	that the object names
 *
 * The order matters: the kernel compares one word after the other, and a
 * maker of steps who dies between must be seen by a later one.  Woken by
 * anything but its own word it does what is due and passes on what others were
 * told, since it may have swallowed a wake that was meant for them.
 *
 * A signal handler runs while its thread is still in the line.  The handler's
 * first call ends that sleep, and frees the place; so does the thread's next
 * call if the handler jumped away.  Whoever swaps the serial number of the
 * sleep to 0 frees the place.
 */
#include "line.h"

#include <errno.h>
#include <sched.h>

#include "crash.h"
#include "sweep.h"

#define HEARTBEAT_NS	1000000000ull
#define POLL_FIRST_NS	5000ull		/* while somebody is dying */
#define POLL_YIELD_NS	100000ull	/* less than a timer's slack */
#define POLL_MOST_NS	10000000ull
#define RESTLESS	8u		/* commits that kept it from sleeping */
#define TURNS_AT	2u		/* of the turns among the words */

static struct mipc_place *
own(const struct mipc_nap *nap)
{
	return mipc_line_place(nap->line, nap->index);
}

static uint32_t
state(const struct mipc_nap *nap)
{
	return mipc_line_state(own(nap));
}

/* --- begin and end ----------------------------------------------------- */

bool
mipc_nap_is_mine(const struct mipc_nap *nap)
{
	return *(volatile uint64_t *)&nap->thread->waiter.serial ==
	    nap->serial;
}

void
mipc_nap_begin(struct mipc_nap *nap, void (*withdraw)(struct mipc_thread *),
    void *object)
{
	struct mipc_thread *thread = nap->thread;

	nap->serial = ++thread->serials;
	thread->waiter.ns = nap->ns;
	thread->waiter.object = object;
	thread->waiter.index = nap->index;
	thread->waiter.withdraw = withdraw;
	*(volatile uint64_t *)&thread->waiter.serial = nap->serial;
}

static bool
end_sleep(struct mipc_thread *thread, uint64_t serial)
{
	return serial != 0 && __atomic_compare_exchange_n(
	    &thread->waiter.serial, &serial, 0, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST);
}

bool
mipc_nap_cancel(struct mipc_nap *nap)
{
	return end_sleep(nap->thread, nap->serial);
}

void
mipc_nap_withdraw(struct mipc_nap *nap)
{
	struct mipc_thread *thread = nap->thread;
	uint64_t serial = thread->waiter.serial, signals;
	uint32_t slot = (uint32_t)(serial % MIPC_WITHDRAWN);

	mipc_sys_block(&signals);	/* no handler leaves it half done */
	nap->index = thread->waiter.index;
	if (end_sleep(thread, serial)) {
		thread->withdrawn[slot].result = nap->ops->leave(nap, EINTR);
		thread->withdrawn[slot].serial = serial;
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

/*
 * The sleep is over, by `why` if nobody has ended it.  A handler that jumped
 * away from between would leave it in the line, and nobody to take it out.
 */
static int
finish(struct mipc_nap *nap, int why)
{
	bool queued = !mipc_line_ended(state(nap));
	uint64_t signals;
	int error;

	if (queued)
		mipc_sys_block(&signals);
	if (end_sleep(nap->thread, nap->serial))
		error = nap->ops->leave(nap, why);
	else
		error = withdrawn(nap->thread, nap->serial);
	if (queued)
		mipc_sys_restore(&signals);
	return error;
}

/* --- what to sleep on -------------------------------------------------- */

/* Words after the turns. */
static uint32_t
more_at(const struct mipc_nap *nap)
{
	return TURNS_AT + (nap->other == NULL ? 1 : 2);
}

void
mipc_nap_list(struct mipc_nap *nap)
{
	bool dying = mipc_sweep_names_left(nap->ns);

	mipc_wait_begin(nap->wait, &own(nap)->asleep);
	nap->wait->stops = nap->stops;
	mipc_wait_add(nap->wait, mipc_wait_half(&own(nap)->state),
	    MIPC_SLEEP_WAITING);
	mipc_wait_add(nap->wait, mipc_wait_half(nap->bell), 0);
	while (nap->wait->count < more_at(nap))	/* named when it sleeps */
		mipc_wait_add(nap->wait, mipc_wait_half(nap->bell), 0);
	if (nap->ops->list != NULL)
		nap->ops->list(nap, &dying);
	nap->partial = nap->wait->partial;
	if (!dying)
		nap->poll_ns = 0;
	else if (nap->poll_ns == 0)
		nap->poll_ns = POLL_FIRST_NS;
}

/* A turn, or, if it never rests, the bell once more. */
static void
name_turn(struct mipc_nap *nap, uint32_t at, const struct mipc_board *board,
    uint64_t seen)
{
	struct mipc_futex_waitv *word = &nap->wait->word[at];

	*word = nap->wait->word[TURNS_AT - 1];
	if (nap->restless >= RESTLESS)
		return;
	word->value = (uint32_t)seen;
	word->address = (uintptr_t)mipc_wait_half(board->site->turn);
}

/*
 * Has a word that the object named changed?  The kernel wakes one who sleeps on
 * it; others do in objects of their own, and are woken here.
 */
static bool
word_changed(const struct mipc_nap *nap)
{
	const struct mipc_wait *wait = nap->wait;
	bool changed = false;

	for (uint32_t i = more_at(nap); i < wait->count; i++) {
		const mipc_u32 *word =
		    (const mipc_u32 *)(uintptr_t)wait->word[i].address;

		if (mipc_take(word) == (uint32_t)wait->word[i].value)
			continue;
		mipc_wait_wake(word);
		changed = true;
	}
	return changed;
}

/* --- turns ------------------------------------------------------------- */

/* What the boards' turns were when there was nothing to be had. */
struct seen {
	uint64_t own, other;
};

static void
see(const struct mipc_nap *nap, struct seen *seen)
{
	seen->own = mipc_txn_begin(nap->line->board);
	seen->other = nap->other == NULL ? 0 : mipc_txn_begin(nap->other);
}

static bool
same(const struct mipc_nap *nap, const struct seen *seen)
{
	return mipc_txn_same(nap->line->board, seen->own) &&
	    (nap->other == NULL || mipc_txn_same(nap->other, seen->other));
}

/* --- looking ----------------------------------------------------------- */

/* What somebody's death leaves to be done, and wakes it left undone. */
static int
look(struct mipc_nap *nap)
{
	int error;

	mipc_sweep_if_due(nap->ns);	/* or in the midst of a removal */
	word_changed(nap);
	error = nap->ops->steps(nap, true);
	nap->ops->wake_told(nap);
	nap->list = true;
	return error;
}

/*
 * A heartbeat: has something been missed?  Not if the one who told us is
 * about to wake us, or about to do what is to be done, nor if we are late
 * ourselves.
 */
static void
heartbeat(struct mipc_nap *nap, uint64_t when)
{
	uint32_t woken = mipc_peek(&own(nap)->woken), never = 0;
	struct timespec moment = { .tv_nsec = 20000000 };
	struct seen seen;

	see(nap, &seen);
	if ((state(nap) == MIPC_SLEEP_WAITING && !nap->ops->missed(nap)) ||
	    mipc_sys_monotonic_ns() > when + 1000000)
		return;
	mipc_sys_futex_wait(&never, 0, &moment);
	if (mipc_peek(&own(nap)->woken) == woken && same(nap, &seen))
		mipc_add(&nap->ns->space->heartbeats, 1);
}

/* Until when to sleep at most, and why: true if for a heartbeat. */
static bool
until(struct mipc_nap *nap, uint64_t deadline, uint64_t *end)
{
	uint64_t now = mipc_sys_monotonic_ns();

	*end = deadline;
	if (now >= deadline)
		return false;
	if (nap->poll_ns != 0) {
		if (deadline - now > nap->poll_ns)
			*end = now + nap->poll_ns;
		if (nap->poll_ns < POLL_MOST_NS)
			nap->poll_ns += nap->poll_ns / 4;
		return false;
	}
	if (nap->restless >= RESTLESS && deadline - now > POLL_MOST_NS) {
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

/* --- sleeping ---------------------------------------------------------- */

/* Now and then, not only when woken? */
static bool
must_look(struct mipc_nap *nap)
{
	return nap->partial &&
	    (nap->ops->must_look == NULL || nap->ops->must_look(nap));
}

/* Something woke it: EAGAIN at the deadline, else 0 or as steps. */
static int
woken(struct mipc_nap *nap, uint32_t which)
{
	if (which != 0)
		return look(nap);
	nap->restless = 0;
	return 0;
}

/* Sleep once; what it was woken by is dealt with.  EINTR, EAGAIN. */
static int
sleep_once(struct mipc_nap *nap, uint64_t deadline, const struct seen *seen)
{
	uint64_t end;
	bool beat = until(nap, deadline, &end);
	uint32_t which;
	int r;

	if (nap->poll_ns != 0 && nap->poll_ns < POLL_YIELD_NS) {
		sched_yield();
		return look(nap);
	}
	name_turn(nap, TURNS_AT, nap->line->board, seen->own);
	if (nap->other != NULL)
		name_turn(nap, TURNS_AT + 1, nap->other, seen->other);
	nap->wait->partial = must_look(nap);
	mipc_crash_point("sleep: before");
	r = mipc_wait_sleep(nap->wait, end, &which);
	if (!mipc_nap_is_mine(nap))	/* the wake was meant for others */
		return r == EINTR ? EINTR :
		    r == 0 && which != 0 ? look(nap) : 0;
	if (r == 0)
		return woken(nap, which);
	if (r == ETIMEDOUT) {
		if (beat)
			heartbeat(nap, end);
		if (end == deadline && mipc_sys_monotonic_ns() >= deadline)
			return EAGAIN;
		nap->restless = 0;
		return look(nap);
	}
	if (r == EINTR)
		return EINTR;
	/* A slice, or something changed before we slept. */
	if (word_changed(nap) || nap->ops->missed(nap) ||
	    mipc_sweep_names_left(nap->ns))
		return look(nap);
	nap->restless = nap->wait->partial || mipc_wait_sliced() ||
	    same(nap, seen) ? 0 : nap->restless + 1;
	return 0;
}

/* Everything to be done before sleeping (again): EALREADY, not yet. */
static int
settle_down(struct mipc_nap *nap, struct seen *seen)
{
	uint32_t now;
	int error;

	see(nap, seen);
	error = nap->ops->steps(nap, false);
	if (error != 0)
		return error;
	now = state(nap);
	if (mipc_line_ended(now) || !mipc_nap_is_mine(nap))
		return 0;
	if (now == MIPC_SLEEP_LOOK || nap->list) {
		/* A removed one first: who asks for rights there gives up. */
		error = nap->ops->check(nap);
		if (error == 0 && !mipc_line_ended(state(nap)))
			error = nap->ops->told(nap);
		if (error == 0)
			nap->list = false;
		return error == 0 ? EALREADY : error;
	}
	return same(nap, seen) ? 0 : EALREADY;
}

int
mipc_nap(struct mipc_nap *nap, uint64_t deadline)
{
	struct seen seen;
	int error = 0;

	while (error == 0 || error == EALREADY) {
		error = settle_down(nap, &seen);
		if (error == EALREADY)
			continue;
		if (!mipc_nap_is_mine(nap))
			break;
		if (mipc_line_ended(state(nap)))
			break;
		if (error == 0)
			error = nap->ops->check(nap);
		if (error == 0)
			error = sleep_once(nap, deadline, &seen);
	}
	error = finish(nap, error);
	mipc_wait_end(nap->wait);
	return error;
}
