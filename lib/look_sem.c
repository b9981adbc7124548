/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look_sem.c - who sleeps in a set and what for, and who owes it something.
 */
#include "look.h"

#include <errno.h>

#include "sem.h"

/* --- sleepers ---------------------------------------------------------- */

struct gathering {
	struct mipc_set set;
	union {
		struct mipc_look_sleeper *sleeper;
		struct mipc_look_debt *debt;
	} out;
	size_t n;
	uint32_t found;
};

/* The operation that is said to be blocked; without one, the first. */
static int
note_op(struct mipc_set *set, uint32_t index, struct mipc_plan *plan,
    void *arg)
{
	struct mipc_look_sleeper *out = arg;
	uint64_t blocking = mipc_peek(&mipc_set_sleeper(set, index)->blocking);

	for (plan->blocking = 0; plan->blocking < plan->nops; plan->blocking++)
		if (mipc_plan_blocking(plan) == MIPC_T_VALUE(blocking))
			break;
	if (plan->blocking == plan->nops)
		plan->blocking = 0;
	out->semnum = plan->op[plan->blocking].num;
	out->op = plan->op[plan->blocking].op;
	out->flags = plan->op[plan->blocking].flags;
	out->nops = plan->nops;
	out->waits = out->op == 0 ? MIPC_WAITS_ZERO : MIPC_WAITS_VALUE;
	return 0;
}

static void
note_sleeper(struct mipc_place *place, uint32_t index, void *arg)
{
	struct gathering *g = arg;
	struct mipc_look_sleeper *out;

	if (g->found++ >= g->n)
		return;
	out = &g->out.sleeper[g->found - 1];
	*out = (struct mipc_look_sleeper){
		.process = {
			.life = mipc_take(&place->owner),
			.pid = (pid_t)mipc_peek(&place->pid),
		},
		.since = (time_t)mipc_peek(&place->since),
	};
	mipc_queue_use_vector(&g->set, index, note_op, out);
}

static uint32_t
read_sleepers(void *arg, bool *same)
{
	struct gathering *g = arg;
	uint64_t seen;

	*same = mipc_txn_look(&g->set.board, &seen);
	g->found = 0;
	*same &= mipc_look_line(&g->set.line, note_sleeper, g);
	*same = *same && mipc_txn_same(&g->set.board, seen);
	return g->found;
}

int
mipc_look_set_sleepers(struct mipc_look *look, struct mipc_look_sleeper *out,
    size_t n, int *torn)
{
	struct gathering g = { .out.sleeper = out, .n = n };

	mipc_set_view(&g.set, look->ns, look->opened);
	mipc_look_until_same(read_sleepers, &g, torn);
	for (uint32_t i = 0; i < g.found && i < n; i++)
		mipc_look_who(look->ns, &out[i].process, false);
	return mipc_look_result(0, g.found);
}

/* --- debts ------------------------------------------------------------- */

/* Places for debts that there can be in all: what is more is a circle. */
#define PLACES	((uint64_t)MIPC_DEBTORS * MIPC_DEBTS +			\
	(uint64_t)MIPC_DEBT_BLOCKS * MIPC_BLOCK_DEBTS)

static void
note_debt(struct gathering *g, uint32_t debtor, uint64_t owner, uint64_t word)
{
	const struct mipc_debtor *entry = mipc_set_debtor(&g->set, debtor);

	if (MIPC_DEBT_ADJ(word) == 0 || MIPC_DEBT_SEM(word) >= g->set.nsems)
		return;
	if (g->found++ >= g->n)
		return;
	g->out.debt[g->found - 1] = (struct mipc_look_debt){
		.process = {
			.life = owner,
			.pid = (pid_t)mipc_peek(&entry->pid),
		},
		.semnum = (int)MIPC_DEBT_SEM(word),
		.amount = MIPC_DEBT_ADJ(word),
	};
}

static uint32_t
read_debts(void *arg, bool *same)
{
	struct gathering *g = arg;
	uint64_t places = 0, owner, seen;
	const mipc_u64 *debt;

	*same = mipc_txn_look(&g->set.board, &seen);
	g->found = 0;
	for (uint32_t i = 0; i < mipc_undo_entries(&g->set); i++) {
		struct mipc_debt_walk walk = { .block = NULL };

		owner = mipc_take(&mipc_set_debtor(&g->set, i)->owner);
		if (owner == 0 || !mipc_undo_counts(&g->set, i))
			continue;
		while (places++ < PLACES &&
		    (debt = mipc_undo_next(&g->set, i, &walk)) != NULL)
			note_debt(g, i, owner, mipc_peek(debt));
	}
	*same = *same && places < PLACES &&
	    mipc_txn_same(&g->set.board, seen);
	return g->found;
}

MIPC_PUBLIC int
mipc_look_debts(struct mipc_ns *ns, int semid, struct mipc_look_debt *out,
    size_t n, int *torn)
{
	struct gathering g = { .out.debt = out, .n = n };
	struct mipc_look look;
	int error;

	error = mipc_look_enter(&look, ns, MIPC_SEM, semid);
	if (error != 0)
		return mipc_look_result(error, 0);
	mipc_set_view(&g.set, ns, look.opened);
	mipc_look_until_same(read_debts, &g, torn);
	for (uint32_t i = 0; i < g.found && i < n; i++)
		mipc_look_who(ns, &out[i].process, true);
	mipc_look_leave(&look);
	return mipc_look_result(0, g.found);
}
