/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak_work.c - a worker of the soak test: random operations on shared sets.
 *
 * It never waits for one thing while it holds another that somebody may wait
 * for without end; what it needs together it takes in one vector.  So whoever
 * waits will go on, unless a wake was lost or units were.
 */
#include "soak.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOST_KEPT	3

static struct worker *me;
static struct rng rng;
static unsigned set;		/* the one worked on */

/* ---- a vector that is built, performed, and undone by its reverse ---- */

struct vector {
	struct sembuf op[8];
	unsigned n;
};

static void
add(struct vector *v, unsigned num, int op, int flags)
{
	v->op[v->n++] = (struct sembuf){
		.sem_num = (unsigned short)num,
		.sem_op = (short)op,
		.sem_flg = (short)flags
	};
}

/* False if it would have had to wait too long; anything else is wrong. */
static bool
perform(struct vector *v, const char *what, double seconds)
{
	atomic_store(&me->doing, what);
	if (sets_timed(board->id[set], v->op, v->n, seconds) == 0) {
		atomic_fetch_add(&me->ops, 1);
		return true;
	}
	if (errno != EAGAIN)
		violate("%s: %s", what, error_name(errno));
	else if (seconds < 0 && (v->op[0].sem_flg & IPC_NOWAIT) == 0)
		violate("%s: EAGAIN without a limit", what);
	return false;
}

static void
take(struct vector *v, const char *what)
{
	perform(v, what, -1);
}

/* Give back all that was taken, in the other order. */
static void
give_back(const struct vector *taken, const char *what)
{
	struct vector v = { .n = 0 };

	for (unsigned i = taken->n; i-- > 0; )
		if (taken->op[i].sem_op != 0)
			add(&v, taken->op[i].sem_num, -taken->op[i].sem_op,
			    taken->op[i].sem_flg & SEM_UNDO);
	take(&v, what);
}

static void
spend_time(void)
{
	for (volatile unsigned n = rng_below(&rng, 500); n > 0; n--)
		;
}

/* ---- locks: nobody else is inside ---- */

static bool
is_doomed(uint64_t who)
{
	return who <= atomic_load(&board->worker[who % WORKERS].doomed);
}

static void
enter(unsigned lock)
{
	const uint64_t before = atomic_exchange(&board->inside[set][lock],
	    me->self);

	if (before != 0 && !is_doomed(before))
		violate("two hold lock %u of set %u", lock, set);
}

static void
leave(unsigned lock)
{
	uint64_t still = me->self;

	if (!atomic_compare_exchange_strong(&board->inside[set][lock], &still,
	    0))
		violate("somebody came into lock %u of set %u", lock, set);
}

static void
use_lock(void)
{
	const unsigned lock = rng_below(&rng, 2);
	struct vector v = { .n = 0 };

	add(&v, LOCK + lock, -1, SEM_UNDO);
	take(&v, "lock");
	enter(LOCK + lock);
	spend_time();
	leave(LOCK + lock);
	give_back(&v, "unlock");
}

static void
use_zero_lock(void)
{
	struct vector v = { .n = 0 };

	add(&v, ZLOCK, 0, 0);
	add(&v, ZLOCK, 1, SEM_UNDO);
	take(&v, "lock by zero");
	enter(ZLOCK);
	spend_time();
	leave(ZLOCK);
	give_back(&v, "unlock by zero");
}

static void
use_all_locks(void)
{
	struct vector v = { .n = 0 };

	add(&v, LOCK, -1, SEM_UNDO);
	add(&v, UNIT + rng_below(&rng, UNIT_END - UNIT), -1, SEM_UNDO);
	add(&v, ZLOCK, 0, 0);
	add(&v, ZLOCK, 1, SEM_UNDO);
	add(&v, LOCK2, -1, SEM_UNDO);
	take(&v, "all locks and a unit");
	for (unsigned i = LOCK; i < LOCKS; i++)
		enter(i);
	spend_time();
	for (unsigned i = LOCK; i < LOCKS; i++)
		leave(i);
	give_back(&v, "all unlocked");
}

/* ---- units ---- */

static void
use_units(void)
{
	const unsigned n = 1 + rng_below(&rng, 3);
	const unsigned from = rng_below(&rng, UNIT_END - UNIT);
	struct vector v = { .n = 0 };

	for (unsigned i = 0; i < n; i++)
		add(&v, UNIT + (from + i) % (UNIT_END - UNIT),
		    -1 - (int)rng_below(&rng, 2), SEM_UNDO);
	take(&v, "units");
	spend_time();
	give_back(&v, "units given back");
}

/*
 * Many at the gate at once would leave it at 0 too rarely for those who wait
 * for that.
 */
static void
raise_gate(void)
{
	struct vector v = { .n = 0 };

	add(&v, GATE, 1, SEM_UNDO);
	take(&v, "raise");
	spend_time();
	give_back(&v, "lower");
}

static void
await_gate(void)
{
	struct vector v = { .n = 0 };

	add(&v, GATE, 0, 0);
	if (rng_chance(&rng, 30))
		add(&v, UNIT, -1, SEM_UNDO);
	take(&v, "await the gate");
	if (v.n > 1)
		give_back(&v, "gate's unit given back");
}

/* Keep some units over rounds and pauses. */
static void
keep(void)
{
	const unsigned which = rng_below(&rng, KEPT_END - KEPT);
	int *kept = &me->kept[set][which];
	struct vector v = { .n = 0 };

	if (*kept > 0 && rng_chance(&rng, 50)) {
		add(&v, KEPT + which, *kept, SEM_UNDO);
		take(&v, "kept given back");
		*kept = 0;
		return;
	}
	if (*kept >= MOST_KEPT)
		return;
	add(&v, KEPT + which, -1, SEM_UNDO);
	if (rng_chance(&rng, 50))
		v.op[0].sem_flg |= IPC_NOWAIT;
	*kept += perform(&v, "keep", 0.002);
}

/* ---- without SEM_UNDO ---- */

static void
use_plain(void)
{
	const uint64_t was = atomic_load(&me->plain[set]);
	const int op = rng_chance(&rng, 50) || ACCOUNT_DONE(was) > 20 ? -1 : 1;
	struct vector v = { .n = 0 };
	bool done;

	add(&v, PLAIN + rng_below(&rng, PLAIN_END - PLAIN), op, 0);
	if (rng_chance(&rng, 70))
		v.op[0].sem_flg = IPC_NOWAIT;
	atomic_store(&me->plain[set], ACCOUNT(ACCOUNT_DONE(was), op));
	done = perform(&v, "plain", 0.001);
	atomic_store(&me->plain[set],
	    ACCOUNT(ACCOUNT_DONE(was) + (done ? op : 0), 0));
}

static void
move_plain(void)
{
	const unsigned from = rng_below(&rng, PLAIN_END - PLAIN);
	const unsigned to = (from + 1) % (PLAIN_END - PLAIN);
	struct vector v = { .n = 0 };

	add(&v, PLAIN + from, -1, IPC_NOWAIT);
	add(&v, PLAIN + to, 1, IPC_NOWAIT);
	perform(&v, "move", -1);
}

/* ---- a look ---- */

static void
look(void)
{
	static const int bound[NSEMS] = {
		[LOCK] = 1, [LOCK2] = 1, [ZLOCK] = 1, [GATE] = (int)WORKERS,
		[UNIT] = UNITS, [UNIT + 1] = UNITS, [UNIT + 2] = UNITS,
		[KEPT] = UNITS, [KEPT + 1] = UNITS,
		[PLAIN] = SHRT_MAX, [PLAIN + 1] = SHRT_MAX
		/* no mail here */
	};
	const unsigned num = rng_below(&rng, NSEMS);
	static const int cmd[] = { GETVAL, GETNCNT, GETZCNT };
	const unsigned what = rng_below(&rng, 3);
	const int got = sets_ask(board->id[set], (int)num, cmd[what]);

	if (got < 0 || got > (what == 0 ? bound[num] : (int)WORKERS))
		violate("semaphore %u: %s is %d", num, what == 0 ? "its value" :
		    what == 1 ? "semncnt" : "semzcnt", got);
	atomic_fetch_add(&me->ops, 1);
}

/* ---- the whole ---- */

void
park(struct worker *w)
{
	const uint32_t pause = atomic_load(&board->pause);

	if (pause % 2 == 0)
		return;
	atomic_store(&w->parked, pause);
	harness_wake(&w->parked);
	while (atomic_load(&board->pause) == pause)
		harness_wait(&board->pause, pause, 1);
}

static const struct {
	unsigned weight;
	void (*act)(void);
} acts[] = {
	{ 20, use_lock }, { 10, use_zero_lock }, { 6, use_all_locks },
	{ 20, use_units }, { 5, raise_gate }, { 8, await_gate },
	{ 12, keep }, { 8, use_plain }, { 6, move_plain }, { 5, look },
};

void
work(struct worker *slot)
{
	me = slot;
	rng_seed(&rng, board->seed * 1000003 + me->self);
	for (;;) {
		unsigned what = rng_below(&rng, 100), i = 0;

		park(me);
		set = rng_chance(&rng, 80) ? 0 : 1 + rng_below(&rng, SETS - 1);
		atomic_store(&me->set, (int)set);
		while (what >= acts[i].weight)
			what -= acts[i++].weight;
		acts[i].act();
		atomic_fetch_add(&me->rounds, 1);
	}
}
