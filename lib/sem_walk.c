/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_walk.c - what is to be done in a set's queue: clauses S4 and S5.
 *
 * A walk along the queue decides from one state of the set, and changes
 * nothing; links and vectors are other processes' words, and are checked.
 */
#include "sem.h"

#include <errno.h>

/* A sleeper's place that holds more of its operations, or NULL. */
static const struct mipc_sleeper_more *
more_at(const struct mipc_set *set, uint32_t number)
{
	if (number == 0 || number > mipc_set_count(set, MIPC_T_SLEEPERS))
		return NULL;
	return (const void *)mipc_set_sleeper(set, number - 1);
}

/* Copy a sleeper's vector, of plan->nops at most; false if it is none. */
static bool
copy_vector(const struct mipc_set *set, uint32_t index, struct mipc_plan *plan)
{
	const struct mipc_sleeper *s = mipc_set_sleeper(set, index);
	const struct mipc_sleeper_more *more;
	uint32_t n = mipc_peek(&s->nops), number = mipc_peek(&s->more);
	uint32_t done = 0, part;

	if (n == 0 || n > plan->nops)
		return false;
	for (; done < n && done < MIPC_SLEEPER_OPS; done++)
		plan->op[done] = mipc_op_unpack(mipc_peek(&s->op[done]));
	while (done < n) {
		more = more_at(set, number);
		if (more == NULL)
			return false;
		for (part = 0; done < n && part < MIPC_MORE_OPS; part++)
			plan->op[done++] = mipc_op_unpack(
			    mipc_peek(&more->op[part]));
		number = mipc_peek(&more->more);
	}
	for (uint32_t i = 0; i < n; i++)
		if (plan->op[i].num >= set->nsems)
			return false;
	plan->nops = n;
	return true;
}

/*
 * S5: who only tests for zero comes before who alters, with one test before
 * with several; among equals the oldest.
 */
enum { ALTERS = 1, TESTS, TESTS_ONE };

static int
rank_of(const struct mipc_plan *plan)
{
	for (uint32_t i = 0; i < plan->nops; i++)
		if (plan->op[i].op != 0)
			return ALTERS;
	return plan->nops == 1 ? TESTS_ONE : TESTS;
}

/* What is to be done about one sleeper that lives; ECANCELED ends the walk. */
static int
judge(struct mipc_set *set, uint32_t index, struct mipc_plan *plan, void *arg)
{
	struct mipc_finding *f = arg;
	struct mipc_sleeper *s = mipc_set_sleeper(set, index);
	int error = mipc_plan_judge(set, plan), rank = rank_of(plan);
	uint32_t blocking;

	if (error == EBUSY) {
		blocking = mipc_plan_blocking(plan);
		if (f->action == MIPC_NOTHING &&
		    MIPC_T_VALUE(mipc_peek(&s->blocking)) != blocking) {
			f->action = MIPC_CORRECT;
			f->sleeper = index;
			f->blocking = blocking;
		}
		return 0;
	}
	if (rank <= f->rank)
		return 0;	/* an older one's turn comes before */
	f->rank = rank;
	f->sleeper = index;
	f->action = error == 0 || error == EXFULL ? MIPC_SERVE : MIPC_FAIL;
	f->error = error == MIPC_NOT_NOW ? EAGAIN : error;
	return rank == TESTS_ONE ? ECANCELED : 0;
}

static struct mipc_op
first_op(const struct mipc_sleeper *s)
{
	return mipc_op_unpack(mipc_peek(&s->op[0]));
}

/* The usual case without its vector: does a sleeper's only operation wait? */
static bool
waits_still(const struct mipc_set *set, const struct mipc_sleeper *s)
{
	struct mipc_op op = first_op(s);
	uint32_t value;

	if (mipc_peek(&s->nops) != 1 || op.num >= set->nsems)
		return false;
	value = MIPC_SEM_VALUE(mipc_take(&set->head->sem[op.num]));
	return op.op == 0 ? value != 0 : (int32_t)value + op.op < 0;
}

static int
use(struct mipc_set *set, uint32_t index, struct mipc_plan *plan,
    mipc_vector_use *with, void *arg)
{
	plan->debtor = mipc_peek(&mipc_set_sleeper(set, index)->debtor);
	if (!copy_vector(set, index, plan))
		return EAGAIN;
	return with(set, index, plan, arg);
}

static __attribute__((noinline)) int
use_many(struct mipc_set *set, uint32_t index, mipc_vector_use *with,
    void *arg)
{
	struct mipc_touch touch[MIPC_SEMOPM_MOST];
	struct mipc_op op[MIPC_SEMOPM_MOST];
	struct mipc_plan plan = { .op = op, .nops = MIPC_SEMOPM_MOST,
	    .touch = touch };

	return use(set, index, &plan, with, arg);
}

int
mipc_queue_use_vector(struct mipc_set *set, uint32_t index,
    mipc_vector_use *with, void *arg)
{
	struct mipc_touch touch[MIPC_FEW_OPS];
	struct mipc_op op[MIPC_FEW_OPS];
	struct mipc_plan plan = { .op = op, .nops = MIPC_FEW_OPS,
	    .touch = touch };

	if (mipc_peek(&mipc_set_sleeper(set, index)->nops) > MIPC_FEW_OPS)
		return use_many(set, index, with, arg);
	return use(set, index, &plan, with, arg);
}

/* Is the debtor that it names its own?  It is input. */
static bool
names_debtor(const struct mipc_set *set, const struct mipc_sleeper *s)
{
	uint32_t debtor = mipc_peek(&s->debtor);

	return debtor == 0 ||
	    (debtor <= mipc_set_count(set, MIPC_T_DEBTORS) &&
	    mipc_take(&mipc_set_debtor(set, debtor - 1)->owner) ==
	    mipc_peek(&s->place.owner));
}

bool
mipc_queue_barges(const struct mipc_set *set)
{
	return mipc_peek(&set->use.ns->space->limit[MIPC_BARGING]) != 0;
}

/* It matters, or it is one that is passed over for now. */
static bool
is_dead(const struct mipc_set *set, const struct mipc_sleeper *s, bool matters)
{
	struct mipc_lives *lives = set->use.ns->lives;
	mipc_life owner = mipc_peek(&s->place.owner);

	return matters ? mipc_life_dead(lives, owner) :
	    mipc_life_left(lives, owner);
}

/*
 * Walk along the queue; what was found is right if the turn is the same
 * afterwards.
 */
void
mipc_queue_walk(struct mipc_set *set, bool look, struct mipc_finding *f)
{
	const struct mipc_line *line = &set->line;
	uint32_t index = mipc_line_neighbour(line, &line->head->head);
	struct mipc_sleeper *s;
	bool barges = mipc_queue_barges(set), waits;
	uint64_t about;

	*f = (struct mipc_finding){ .action = MIPC_NOTHING };
	for (uint32_t n = 0; index != MIPC_NOBODY && n < MIPC_SLEEPERS;
	    n++, index = mipc_line_neighbour(line, &s->place.next)) {
		s = mipc_set_sleeper(set, index);
		f->last = index + 1;
		about = 1ull << (MIPC_T_VALUE(mipc_peek(&s->blocking)) % 64);
		if (mipc_line_state(&s->place) == MIPC_SLEEP_LOOK) {
			f->told = true;
			f->told_about |= about;
		}
		if (f->rank > 0 && mipc_peek(&s->nops) == 1 &&
		    first_op(s).op != 0)
			continue;	/* it cannot come first */
		waits = waits_still(set, s);
		if (is_dead(set, s, look || !waits) || !names_debtor(set, s)) {
			f->action = MIPC_BURY;
			f->sleeper = index;
			return;
		}
		if (waits || (barges && (f->told_about & about) != 0))
			continue;
		if (mipc_queue_use_vector(set, index, judge, f) == ECANCELED)
			return;
	}
}
