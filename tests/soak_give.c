/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak_give.c - givers, who are killed, and takers, who sleep.
 *
 * Whoever gives without SEM_UNDO owes nothing, so no sleeper watches it: if it
 * is killed after it has given and before it has woken who can go on, only
 * the bell tells.  All givers are killed at once.  When the takers have come
 * to rest, somebody looks at the values, and so does what was left to be done:
 * a taker that goes on then had slept although it could run.  One that sleeps
 * on and is not counted among those who wait was served, and not told.
 *
 * The driver does the same with queues.
 */
#include "soak.h"

#include <errno.h>
#include <string.h>

#define PACE		1500u	/* microseconds between kills, at most */
#define AT_REST		0.001	/* seconds: asleep, and still so */
#define AT_REST_SLICED	0.120

#define TAKERS		(WORKERS / 2)

static struct rng rng;

/* Add to the mail or take from it: all or none. */
static bool
pass(struct worker *me, int each, bool both)
{
	const unsigned num = MAIL + rng_below(&rng, MAIL_END - MAIL);
	const unsigned other = MAIL + (MAIL_END - 1 - num);
	struct sembuf op[] = {
		{ (unsigned short)num, (short)each, 0 },
		{ (unsigned short)other, (short)each, 0 },
	};
	const int32_t done = ACCOUNT_DONE(atomic_load(&me->plain[0]));
	const int sum = both ? 2 * each : each;

	atomic_store(&me->plain[0], ACCOUNT(done, sum));
	if (sets_op(board->id[0], op, both ? 2 : 1) == -1) {
		violate("semop: %s", error_name(errno));
		return false;
	}
	atomic_store(&me->plain[0], ACCOUNT(done + sum, 0));
	atomic_fetch_add(&me->ops, 1);
	atomic_fetch_add(&me->rounds, 1);
	return true;
}

static void
give_or_take(struct worker *me)
{
	const bool taker = me < board->worker + TAKERS;
	_Atomic uint32_t never = 0;

	rng_seed(&rng, board->seed * 1000003 + me->self);
	atomic_store(&me->doing, taker ? "take" : "give");
	while (pass(me, (taker ? -1 : 1) * (1 + (int)rng_below(&rng, 2)),
	    rng_chance(&rng, 30)))
		if (!taker && rng_chance(&rng, 50))
			harness_wait(&never, 0, 0.00002);
}

static void
make_mail(void)
{
	make_sets();
	board->plain[0] = 0;
}

static uint32_t
rest_takers(struct rng *r)
{
	(void)r;
	return (1u << TAKERS) - 1;
}

static void
look(void)
{
	board->mail = board->waiting = 0;
	for (int i = MAIL; i < MAIL_END; i++) {
		board->mail += sets_ask(board->id[0], i, GETVAL);
		board->waiting += sets_ask(board->id[0], i, GETNCNT);
	}
	board->heartbeats = sets_heartbeats();
}

static void
compare_mail(void)
{
	int sum = board->plain[0];

	for (unsigned i = 0; i < TAKERS; i++)
		sum += ACCOUNT_DONE(atomic_load(&board->worker[i].plain[0]));
	if (board->mail < sum + board->least[0] ||
	    board->mail > sum + board->most[0])
		violate("%d units of mail, not %d (%d ... +%d)", board->mail,
		    sum, board->least[0], board->most[0]);
	board->plain[0] += board->mail - sum;
	board->least[0] = board->most[0] = 0;
}

/* All who are there wait. */
static const char *
judge_mail(void)
{
	int takers = 0;

	for (unsigned i = 0; i < TAKERS; i++)
		takers += board->worker[i].pid != 0;
	if (board->waiting < takers)
		return "a taker sleeps on although it was served";
	compare_mail();
	return NULL;
}

const struct play mail_play = {
	.make = make_mail,
	.look = look,
	.describe = describe,
	.work = give_or_take,
	.drive = drive_rest,
	.bury = bury,
	.rest = rest_takers,
	.judge_rest = judge_mail,
};

/* ---- the driver ---- */

static bool
rests(const struct worker *w)
{
	return (board->resting >> (w - board->worker) & 1) != 0;
}

static uint64_t
count_rounds(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < WORKERS; i++)
		if (rests(&board->worker[i]))
			sum += atomic_load(&board->worker[i].rounds);
	return sum;
}

static bool
all_sleep(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		if (board->worker[i].pid != 0 &&
		    !process_sleeps(board->worker[i].pid)) {
			must_live(&board->worker[i]);
			return false;
		}
	return true;
}

/* How many rounds had been made when nobody made any more. */
static bool
await_rest(uint64_t *rounds)
{
	const double stop = harness_now() + PATIENCE;
	const double rest = sets_sliced() ? AT_REST_SLICED : AT_REST;
	_Atomic uint32_t never = 0;

	do {
		*rounds = count_rounds();
		if (all_sleep()) {
			harness_wait(&never, 0, rest);
			if (all_sleep() && count_rounds() == *rounds)
				return true;
		}
		harness_wait(&never, 0, 0.0001);
	} while (harness_now() < stop && !has_stopped());
	return false;
}

/* All but those who are to rest, and now and then one of these. */
static void
kill_others(struct rng *r)
{
	struct worker *w = board->worker;
	const unsigned one = rng_chance(r, 20) ? rng_below(r, WORKERS) :
	    WORKERS;

	for (unsigned i = 0; i < WORKERS; i++)
		if (!rests(&w[i]) || i == one)
			doom(&w[i]);
	for (unsigned i = 0; i < WORKERS; i++)
		if (!rests(&w[i]) || i == one)
			finish(&w[i]);
	board->groups++;
}

/*
 * What the look says is wrong counts if all slept on; else it was those whom
 * it woke that it saw moving.
 */
static void
look_at_rest(void)
{
	uint64_t before, after;
	const char *what;
	unsigned had, wrong;
	bool looked;

	if (!await_rest(&before)) {
		if (!has_stopped())
			hang("they do not come to rest");
		return;
	}
	had = atomic_load(&board->violations);
	looked = in_process(board->play->look, 30);
	wrong = atomic_exchange(&board->violations, had) - had;
	if (!looked || !await_rest(&after))
		violate("the look did not end well");
	else if (before != after)
		hang("somebody slept until somebody looked");
	else if (atomic_fetch_add(&board->violations, wrong) + wrong == 0 &&
	    (what = board->play->judge_rest()) != NULL)
		hang(what);
	board->pauses++;
}

void
drive_rest(double stop, struct rng *r)
{
	_Atomic uint32_t never = 0;

	while ((harness_now() < stop || board->pauses == 0) &&
	    !has_stopped()) {
		board->resting = board->play->rest(r);
		for (unsigned i = 0; i < WORKERS; i++)
			if (board->worker[i].pid == 0)
				start_worker(&board->worker[i]);
		harness_wait(&never, 0, rng_below(r, PACE) / 1e6);
		kill_others(r);
		look_at_rest();
	}
	kill_all();
}
