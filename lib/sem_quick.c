/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_quick.c - one operation that is one swap.
 *
 * A set that is open here, a verdict that is known, a semaphore that nobody
 * claims, a value that lets it pass: then nothing is prepared that a swap does
 * not need, since the swap waits for every store made before it.  Nothing is
 * answered here but success; the way in sem_op.c finds out why not.
 *
 * What cannot change under the call is looked at first; then the semaphore's
 * word, and after it whether the namespace still has the living set there that
 * the verdict was about.  So the word was that set's: what a later one in the
 * same place writes has another change counter, and the swap fails.
 */
#include "sem.h"

#include <string.h>

#include "mipc.h"
#include "still.h"

/* A verdict lets it pass if it is of now and grants altering. */
static inline bool
may_alter(const struct mipc_opened *opened)
{
	return ((mipc_take(&opened->verdict) ^ mipc_use_basis(opened)) &
	    ~5ull) == 2 &&
	    mipc_take(&opened->listed->state) == MIPC_INDEX_LIVE;
}

static inline bool
try_swap(const struct mipc_opened *opened, struct mipc_op op, uint64_t by,
    uint64_t now)
{
	struct mipc_semset *head = (struct mipc_semset *)(void *)opened->head;
	mipc_u64 *word = &head->sem[op.num];
	uint64_t old = mipc_take(word);
	uint32_t value = MIPC_SEM_VALUE(old) + (uint32_t)(int32_t)op.op;

	if ((old & MIPC_SEM_SLOW) != 0 || value > MIPC_SEMVMX ||
	    !may_alter(opened))
		return false;
	if (mipc_peek(&head->otime) != now)
		mipc_put(&head->otime, now);
	return mipc_swap_if(word, &old, MIPC_SEM_NEXT(old, by, value));
}

/* May this thread try at all? */
static inline bool
is_calm(const struct mipc_thread *thread, struct mipc_lives *lives)
{
	return mipc_gate_is_fine() && thread != NULL &&
	    thread->waiter.serial == 0 && mipc_life_armed(lives);
}

static inline bool
try_quickly(struct mipc_ns *ns, int semid, const struct sembuf *one,
    uint64_t now)
{
	_Atomic(struct mipc_opened *) *place;
	struct mipc_thread *thread = mipc_thread_mine;
	struct mipc_opened *opened;
	struct mipc_op op;
	void *saved;
	bool done;

	if (!is_calm(thread, ns->lives) || mipc_still_asked(ns))
		return false;
	/* Each once, and aligned or not. */
	memcpy(&op.num, &one->sem_num, sizeof(op.num));
	memcpy(&op.op, &one->sem_op, sizeof(op.op));
	place = &ns->opened[MIPC_SEM][(uint32_t)semid % MIPC_INDEX_MAX];
	opened = mipc_take(place);
	if (opened == NULL || op.op == 0)
		return false;
	saved = mipc_thread_quick(thread, opened);
	/* Pairs with the store in take_out(), object.c. */
	done = mipc_take(place) == opened &&
	    (uint32_t)opened->id == (uint32_t)semid &&
	    op.num < opened->size &&
	    try_swap(opened, op, mipc_peek(&ns->lives->by), now);
	mipc_thread_quick_done(thread, saved);
	return done;
}

/* The time first: afterwards nothing need be kept over a call. */
static MIPC_FLAT __attribute__((noinline)) int
operate(struct mipc_ns *ns, int semid, struct sembuf *one)
{
	if (try_quickly(ns, semid, one, mipc_sys_seconds()))
		return 0;
	return mipc_sem_closely(ns, semid, one, 1, NULL);
}

/* One operation that owes nothing? */
static inline bool
is_plain(const struct sembuf *ops, size_t nops)
{
	short flags;

	if (nops != 1 || ops == NULL)
		return false;
	memcpy(&flags, &ops->sem_flg, sizeof(flags));
	return (flags & SEM_UNDO) == 0;
}

MIPC_PUBLIC int
mipc_semop(struct mipc_ns *ns, int semid, struct sembuf *ops, size_t nops)
{
	return is_plain(ops, nops) ? operate(ns, semid, ops) :
	    mipc_sem_closely(ns, semid, ops, nops, NULL);
}

MIPC_PUBLIC MIPC_FLAT int
mipc_semtimedop(struct mipc_ns *ns, int semid, struct sembuf *ops,
    size_t nops, const struct timespec *timeout)
{
	if (is_plain(ops, nops) &&
	    (timeout == NULL || mipc_wait_is_length(timeout)) &&
	    try_quickly(ns, semid, ops, mipc_sys_seconds()))
		return 0;
	return mipc_sem_closely(ns, semid, ops, nops, timeout);
}
