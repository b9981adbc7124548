/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_value.c - reading and setting the values of a set: clauses S6-S8.
 *
 * Reading takes no lock: GETVAL is one load, GETALL two readings that agree.
 * What a dead process owes is settled before an answer that it would change.
 */
#include "sem.h"

#include <errno.h>

#define READINGS	64	/* of all values, before they are claimed */

/* --- one semaphore ----------------------------------------------------- */

/* The dead have settled what they owed: it may change the answer. */
int
mipc_value_settle(struct mipc_set *set)
{
	int error;

	if (set->use.ns->lives->refuses != 0)
		return 0;
	if (mipc_peek(&set->head->debtors) == 0 &&
	    MIPC_T_VALUE(mipc_peek(&set->head->line.sleepers)) == 0)
		return 0;
	error = mipc_set_ready(set);
	if (error == 0 && (mipc_line_due(&set->line) || mipc_queue_dead(set)))
		error = mipc_queue_steps(set, true);
	return error;
}

/* A semaphore's word in one state of the set. */
static uint64_t
word_of(struct mipc_set *set, uint32_t num)
{
	uint64_t seen, word = mipc_take(&set->head->sem[num]);

	/* A transaction that was committed and left counts. */
	while ((word & MIPC_SEM_SLOW) != 0 && mipc_set_ready(set) == 0) {
		seen = mipc_txn_begin(&set->board);
		word = mipc_take(&set->head->sem[num]);
		if (mipc_txn_same(&set->board, seen))
			break;
	}
	return word;
}

int
mipc_value_get(struct mipc_set *set, int num, int cmd, int *out)
{
	int error;

	if (num < 0 || (uint32_t)num >= set->nsems)
		return EINVAL;
	error = mipc_value_settle(set);
	if (error != 0)
		return error;
	switch (cmd) {
	case GETVAL:
		*out = (int)MIPC_SEM_VALUE(word_of(set, (uint32_t)num));
		break;
	case GETPID:
		*out = (int)MIPC_SEM_PID(word_of(set, (uint32_t)num));
		break;
	default:
		error = mipc_set_ready(set);
		if (error == 0)
			*out = (int)mipc_queue_count(set, (uint32_t)num,
			    cmd == GETZCNT);
		break;
	}
	return error;
}

/* What a change of values begins with, once they are claimed. */
static int
begin(struct mipc_set *set, uint64_t *seen)
{
	int error;

	*seen = mipc_txn_begin(&set->board);
	if (mipc_line_due(&set->line)) {
		error = mipc_queue_steps(set, false);
		return error == 0 ? EAGAIN : error;
	}
	return mipc_line_gone(&set->line) ? EIDRM : 0;
}

/* The dead owe what they owe to the values that go. */
static int
prepare(struct mipc_set *set)
{
	int error = mipc_set_ready(set);

	if (error == 0 && mipc_queue_dead(set))
		error = mipc_queue_steps(set, true);
	return error;
}

/* Whoever waited for such values is served. */
static int
conclude(struct mipc_set *set, int error)
{
	if (error == 0 && mipc_line_due(&set->line))
		error = mipc_queue_steps(set, false);
	return error;
}

/* S8: the value, and nobody owes anything for it any more. */
static int
try_set_one(struct mipc_set *set, uint32_t num, int value)
{
	struct mipc_semset *head = set->head;
	uint64_t old, seen;
	struct mipc_txn txn;
	int error;

	mipc_plan_claim_one(set, num);
	error = begin(set, &seen);
	if (error != 0)
		return error;
	old = mipc_take(&head->sem[num]);
	if ((old & MIPC_SEM_SLOW) == 0)
		return EAGAIN;
	error = mipc_txn_open(&txn, &set->board,
	    mipc_undo_count(set, num) + 2);
	if (error != 0)
		return error;
	mipc_txn_set(&txn, &head->sem[num], old, mipc_plan_slow(set) |
	    MIPC_SEM_WORD(old, value, set->pid));
	mipc_undo_void(set, num, &txn);
	mipc_queue_record_due(set, &txn);
	mipc_put(&head->changed, mipc_sys_seconds());
	return mipc_txn_finish(&txn, seen);
}

int
mipc_value_set(struct mipc_set *set, int num, int value)
{
	int error;

	if (num < 0 || (uint32_t)num >= set->nsems)
		return EINVAL;
	error = prepare(set);
	if (error != 0)
		return error;
	do {
		error = try_set_one(set, (uint32_t)num, value);
	} while (mipc_set_again(set, &error));
	return conclude(set, error);
}

/* --- all of them ------------------------------------------------------- */

/*
 * Two readings that agree are one state.  A change makes a word larger, since
 * it counts above everything else in it; so no change can hide another's.
 */
static uint64_t
copy_values(const mipc_u64 *sem, uint32_t n, unsigned short *out)
{
	uint64_t sum = 0, word;

	for (uint32_t i = 0; i < n; i++) {
		word = mipc_peek(&sem[i]);
		out[i] = (unsigned short)MIPC_SEM_VALUE(word);
		sum += word;
	}
	return sum;
}

static uint64_t
sum_of(const mipc_u64 *sem, uint32_t n)
{
	uint64_t sum = 0, odd = 0;
	uint32_t i = 0;

	for (; i + 4 <= n; i += 4) {	/* two loads at a time */
		sum += mipc_peek(&sem[i]);
		odd += mipc_peek(&sem[i + 1]);
		sum += mipc_peek(&sem[i + 2]);
		odd += mipc_peek(&sem[i + 3]);
	}
	for (; i < n; i++)
		sum += mipc_peek(&sem[i]);
	return sum + odd;
}

/* The fence keeps the second reading behind the first. */
static bool
read_all(struct mipc_set *set, unsigned short *out)
{
	uint64_t seen = mipc_txn_begin(&set->board), sum;

	sum = copy_values(set->head->sem, set->nsems, out);
	atomic_thread_fence(memory_order_acquire);
	return sum == sum_of(set->head->sem, set->nsems) &&
	    mipc_txn_same(&set->board, seen);
}

int
mipc_value_get_all(struct mipc_set *set, unsigned short *out)
{
	int error = mipc_value_settle(set);

	if (error == 0)
		error = mipc_set_ready(set);
	if (error != 0)
		return error;
	for (int i = 0; !read_all(set, out); i++)
		if (i >= READINGS && set->use.ns->lives->refuses != 0)
			return EAGAIN;
		else if (i >= READINGS)
			for (uint32_t n = 0; n < set->nsems; n++)
				mipc_plan_claim_one(set, n);
	return 0;
}

static int
try_set_all(struct mipc_set *set, const unsigned short *value)
{
	struct mipc_semset *head = set->head;
	uint32_t era = MIPC_T_VALUE(mipc_peek(&head->era)) + 1;
	uint64_t old, seen;
	struct mipc_txn txn;
	bool claimed = true;
	int error;

	for (uint32_t i = 0; i < set->nsems; i++)
		mipc_plan_claim_one(set, i);
	error = begin(set, &seen);
	if (error != 0)
		return error;
	error = mipc_txn_open(&txn, &set->board, set->nsems + 2);
	if (error != 0)
		return error;
	for (uint32_t i = 0; i < set->nsems; i++) {
		old = mipc_take(&head->sem[i]);
		claimed = claimed && (old & MIPC_SEM_SLOW) != 0;
		mipc_txn_set(&txn, &head->sem[i], old, mipc_plan_slow(set) |
		    MIPC_SEM_WORD(old, value[i], set->pid));
	}
	mipc_line_record(&txn, &head->era, era == 0 ? 1 : era);
	mipc_queue_record_due(set, &txn);
	mipc_put(&head->changed, mipc_sys_seconds());
	if (claimed)
		return mipc_txn_finish(&txn, seen);
	mipc_txn_close(&txn);
	return EAGAIN;
}

int
mipc_value_set_all(struct mipc_set *set, const unsigned short *value)
{
	int error;

	for (uint32_t i = 0; i < set->nsems; i++)
		if (value[i] > MIPC_SEMVMX)
			return ERANGE;
	error = prepare(set);
	while (error == 0) {
		error = try_set_all(set, value);
		if (error == 0)
			break;
		if (mipc_set_again(set, &error))
			error = 0;
	}
	return conclude(set, error);
}
