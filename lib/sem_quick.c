/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_quick.c - one operation that is one swap.
 *
 * A set that is open here, a verdict that is known, a semaphore that nobody
 * claims, a value that lets it pass: then nothing is prepared that a swap does
 * not need, since the swap waits for every store made before it.  Nothing is
 * answered here but success; the way in sem_op.c finds out why not.
 */
#include "sem.h"

#include <string.h>

static bool
may_alter(const struct mipc_opened *opened)
{
	uint64_t verdict = mipc_take(&opened->verdict), basis;

	basis = MIPC_VERDICT_BASIS(mipc_take(&opened->head->seq),
	    mipc_cred_stamp());
	return (verdict & ~7ull) == basis && (verdict & 2) != 0;
}

static bool
try_swap(struct mipc_ns *ns, const struct mipc_opened *opened,
    const struct sembuf *op)
{
	struct mipc_semset *head = (struct mipc_semset *)(void *)opened->head;
	uint64_t old = mipc_take(&head->sem[op->sem_num]);
	int32_t value = (int32_t)MIPC_SEM_VALUE(old) + op->sem_op;

	/* The id after the word: an older set's is not ours. */
	if ((old & MIPC_SEM_SLOW) != 0 || value < 0 || value > MIPC_SEMVMX ||
	    mipc_take(&head->object.id) != opened->id)
		return false;
	mipc_sem_note_time(head);
	return mipc_swap_if(&head->sem[op->sem_num], &old,
	    MIPC_SEM_WORD(old, value, mipc_peek(&ns->lives->slot->pid)));
}

bool
mipc_sem_quick(struct mipc_ns *ns, struct mipc_thread *thread, int semid,
    const struct sembuf *one)
{
	struct sembuf op;
	_Atomic(struct mipc_opened *) *place;
	struct mipc_opened *opened;
	struct mipc_inside inside;
	bool done = false;

	memcpy(&op, one, sizeof(op));	/* once, and aligned or not */
	if (semid < 0 || op.sem_op == 0 || (op.sem_flg & SEM_UNDO) != 0 ||
	    mipc_life_now(ns->lives) == 0)
		return false;
	place = &ns->opened[MIPC_SEM][(uint64_t)semid % MIPC_INDEX_MAX];
	opened = mipc_take(place);
	if (opened == NULL)
		return false;
	if (mipc_thread_enter(thread, opened, &inside) &&
	    mipc_take(place) == opened && opened->id == (uint64_t)semid &&
	    op.sem_num < opened->size && mipc_set_listed(ns, opened->id) &&
	    may_alter(opened))
		done = try_swap(ns, opened, &op);
	mipc_thread_leave(thread, &inside);
	return done;
}
