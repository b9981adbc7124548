/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_plan.c - what a vector of operations would do to a set: clauses S3, S6
 * and S10.
 *
 * Operations are tried in array order on running values; the first one that
 * cannot proceed decides.  Nothing is changed here: the outcome is a list of
 * the semaphores touched, with their words as they were seen, which is right
 * if the turn is still the same when it is committed.
 */
#include "sem.h"

#include <errno.h>

/* The touch of a semaphore: the one there is, or a new one. */
static struct mipc_touch *
touch(const struct mipc_set *set, struct mipc_plan *plan, uint32_t num,
    uint32_t *highest)
{
	struct mipc_touch *new = &plan->touch[plan->count];

	if (plan->count > 0 && num <= *highest)
		for (uint32_t i = 0; i < plan->count; i++)
			if (plan->touch[i].num == num)
				return &plan->touch[i];
	if (num > *highest)
		*highest = num;
	plan->count++;
	new->num = num;
	new->old = mipc_take(&set->head->sem[num]);
	new->value = (int32_t)MIPC_SEM_VALUE(new->old);
	new->debt = NULL;
	new->debt_old = 0;
	new->adjust = 0;
	return new;
}

/* The first operation that owes: ERANGE, EXFULL. */
static int
begin_owing(const struct mipc_set *set, struct mipc_plan *plan)
{
	/* A sleeper's is another process's word. */
	if (plan->debtor - 1 >= mipc_set_count(set, MIPC_T_DEBTORS))
		return ERANGE;
	plan->undoes = true;
	plan->counts = mipc_undo_counts(set, plan->debtor - 1);
	return !plan->counts && mipc_undo_stale(set, plan->debtor - 1) ?
	    EXFULL : 0;
}

/* S10: what the process would owe then; ERANGE, EXFULL. */
static int
owe(const struct mipc_set *set, struct mipc_plan *plan, struct mipc_touch *t,
    int op)
{
	int error = plan->undoes ? 0 : begin_owing(set, plan);

	if (error != 0)
		return error;
	if (t->debt == NULL) {
		t->debt = mipc_undo_place(set, plan->debtor - 1, t->num,
		    &plan->debts_used);
		if (t->debt == NULL)
			return EXFULL;
		t->debt_old = mipc_take(t->debt);
		if (plan->counts && MIPC_DEBT_SEM(t->debt_old) == t->num)
			t->adjust = MIPC_DEBT_ADJ(t->debt_old);
	}
	t->adjust -= op;
	if (t->adjust < 0 && mipc_peek(&set->head->lent) == 0)
		mipc_put(&set->head->lent, 1);
	return t->adjust < INT16_MIN || t->adjust > INT16_MAX ? ERANGE : 0;
}

int
mipc_plan_judge(const struct mipc_set *set, struct mipc_plan *plan)
{
	uint32_t highest = 0;
	int error;

	plan->count = 0;
	plan->debts_used = 0;
	plan->undoes = false;
	for (uint32_t i = 0; i < plan->nops; i++) {
		const struct mipc_op *op = &plan->op[i];
		struct mipc_touch *t = touch(set, plan, op->num, &highest);

		if ((op->op == 0 && t->value != 0) || t->value + op->op < 0) {
			plan->blocking = i;
			return (op->flags & IPC_NOWAIT) != 0 ? MIPC_NOT_NOW :
			    EBUSY;
		}
		t->value += op->op;
		if (t->value > MIPC_SEMVMX)
			return ERANGE;
		if ((op->flags & SEM_UNDO) == 0 || op->op == 0)
			continue;
		error = owe(set, plan, t, op->op);
		if (error != 0)
			return error;
	}
	return 0;
}

uint32_t
mipc_plan_words(const struct mipc_plan *plan)
{
	return plan->count * (plan->undoes ? 2 : 1) + 1;
}

uint64_t
mipc_plan_slow(const struct mipc_set *set)
{
	return mipc_peek(&set->head->debtors) != 0 ||
	    MIPC_T_VALUE(mipc_peek(&set->head->line.sleepers)) != 0 ?
	    MIPC_SEM_SLOW : 0;
}

void
mipc_plan_record(const struct mipc_set *set, const struct mipc_plan *plan,
    uint32_t pid, struct mipc_txn *txn)
{
	/* A plain single operation leaves a quiet set to the fast way. */
	uint64_t slow = plan->undoes || plan->nops > 1 ? MIPC_SEM_SLOW :
	    mipc_plan_slow(set);
	mipc_u64 *era;

	for (uint32_t i = 0; i < plan->count; i++) {
		const struct mipc_touch *t = &plan->touch[i];

		mipc_txn_set(txn, &set->head->sem[t->num], t->old,
		    MIPC_SEM_WORD(t->old, t->value, pid) | slow);
		if (t->debt != NULL)
			mipc_txn_set(txn, t->debt, t->debt_old,
			    MIPC_T_NEXT(t->debt_old,
			    MIPC_DEBT_VALUE(t->num, t->adjust)));
	}
	if (plan->undoes && !plan->counts) {
		era = &mipc_set_debtor(set, plan->debtor - 1)->era;
		mipc_line_record(txn, era,
		    MIPC_T_VALUE(mipc_peek(&set->head->era)));
	}
}

uint64_t
mipc_plan_claim_one(const struct mipc_set *set, uint32_t num)
{
	mipc_u64 *word = &set->head->sem[num];
	uint64_t old = mipc_take(word), new;

	while ((old & MIPC_SEM_SLOW) == 0) {
		new = MIPC_SEM_SLOW | MIPC_SEM_WORD(old, MIPC_SEM_VALUE(old),
		    MIPC_SEM_PID(old));
		if (mipc_swap_if(word, &old, new))
			return new;
	}
	return old;
}

void
mipc_plan_claim(const struct mipc_set *set, const struct mipc_plan *plan)
{
	for (uint32_t i = 0; i < plan->nops; i++)
		if ((mipc_peek(&set->head->sem[plan->op[i].num]) &
		    MIPC_SEM_SLOW) == 0)
			mipc_plan_claim_one(set, plan->op[i].num);
}

MIPC_FLAT int
mipc_plan_try(struct mipc_set *set, struct mipc_plan *plan)
{
	int error;

	mipc_plan_claim(set, plan);
	error = mipc_plan_judge(set, plan);
	if (error != EXFULL)
		return error;
	error = mipc_undo_grow(set, plan->debtor - 1, plan->nops);
	return error == 0 ? EAGAIN : error;
}
