/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_pay.c - what a process owes is undone before it ends: clause S12.
 *
 * The process gives up its debts as a dead one's are settled, set by set, but
 * keeps its entries: one of its own calls may be about to use them.  A set
 * that it has not opened may hold debts from before it ran exec.
 */
#include "sem.h"

#include <errno.h>

#include "mipc.h"

/* Whoever waited for what comes back is served. */
static int
pay_in(struct mipc_set *set)
{
	int error;

	if (mipc_peek(&set->head->debtors) == 0)
		return 0;
	error = mipc_set_ready(set);
	if (error == 0)
		error = mipc_undo_pay(set);
	if (error == 0 && mipc_line_due(&set->line))
		error = mipc_queue_steps(set, true);
	return error;
}

/* One that is gone meanwhile, or not ours to open, holds no debts of ours. */
static int
pay_at(struct mipc_ns *ns, int index)
{
	struct mipc_entry *entry = mipc_ns_at(ns, MIPC_SEM, (uint64_t)index);
	struct mipc_set set;
	int error;

	if (entry == NULL || mipc_take(&entry->state) != MIPC_INDEX_LIVE)
		return 0;
	error = mipc_set_enter(&set, ns, (int)mipc_peek(&entry->id));
	if (error != 0)
		return error == EINVAL || error == EACCES ? 0 : error;
	error = pay_in(&set);
	mipc_set_leave(&set);
	return error == EIDRM ? 0 : error;
}

MIPC_PUBLIC int
mipc_semundo(struct mipc_ns *ns)
{
	int failed = 0, error, last;

	mipc_use_begin();
	if (ns->lives->refuses != 0)
		return 0;		/* it owes nothing there */
	last = mipc_ns_highest(ns, MIPC_SEM);
	for (int i = 0; i <= last; i++) {
		error = pay_at(ns, i);
		if (error != 0)
			failed = error;
	}
	if (failed == 0)
		return 0;
	errno = failed;
	return -1;
}
