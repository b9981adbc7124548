/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * undo.c - what processes owe a set: SEM_UNDO, clauses S8, S10-S12.
 *
 * One entry a process, with the first debts in it and more in a chain of
 * blocks that stays with the entry.  A debt changes in the same transaction as
 * the value it is for.  Debts count while the entry's era is the set's: SETALL
 * begins a new era, and settling a dead process gives its entry era 0; what
 * stands in an entry that does not count is cleared afterwards.
 *
 * Nobody runs when a process is killed; whoever looks at the set next finds
 * its life gone and settles it, in one transaction a process (S11).
 */
#include "sem.h"

#include <errno.h>

#include "crash.h"

#define CLEARED_AT_ONCE	20u

/* --- going through the debts of an entry ------------------------------- */

static struct mipc_debt_block *
block_at(const struct mipc_set *set, uint32_t number)
{
	if (number == 0 || number > mipc_set_count(set, MIPC_T_BLOCKS))
		return NULL;
	return (struct mipc_debt_block *)mipc_set_table(set, MIPC_T_BLOCKS) +
	    (number - 1);
}

mipc_u64 *
mipc_undo_next(const struct mipc_set *set, uint32_t debtor,
    struct mipc_debt_walk *p)
{
	struct mipc_debtor *entry = mipc_set_debtor(set, debtor);
	uint64_t link;

	p->number++;
	if (p->block == NULL && p->at < MIPC_DEBTS)
		return &entry->debt[p->at++];
	if (p->block != NULL && p->at < MIPC_BLOCK_DEBTS)
		return &p->block->debt[p->at++];
	link = mipc_peek(p->block == NULL ? &entry->chain : &p->block->next);
	p->block = block_at(set, MIPC_T_VALUE(link));
	if (p->block == NULL || p->blocks++ > MIPC_DEBT_BLOCKS)
		return NULL;
	p->at = 1;
	return &p->block->debt[0];
}

uint64_t
mipc_undo_entries(const struct mipc_set *set)
{
	uint64_t high = mipc_take(&set->head->debtors);
	uint32_t count = mipc_set_count(set, MIPC_T_DEBTORS);

	return high > count ? count : high;
}

static bool
owes(const struct mipc_set *set, uint32_t debtor)
{
	struct mipc_debt_walk p = { .block = NULL };
	mipc_u64 *debt;

	while ((debt = mipc_undo_next(set, debtor, &p)) != NULL)
		if (MIPC_DEBT_ADJ(mipc_peek(debt)) != 0)
			return true;
	return false;
}

bool
mipc_undo_stale(const struct mipc_set *set, uint32_t debtor)
{
	return !mipc_undo_counts(set, debtor) && owes(set, debtor);
}

/* Beyond the entry itself, where place `at` - 1 is free unless that is 0. */
static mipc_u64 *
place_in_chain(const struct mipc_set *set, uint32_t debtor, uint32_t num,
    uint32_t *used, uint32_t at)
{
	struct mipc_debt_walk p = { .at = MIPC_DEBTS, .number = MIPC_DEBTS };
	mipc_u64 *debt, *free = at == 0 ? NULL :
	    &mipc_set_debtor(set, debtor)->debt[at - 1];
	uint64_t word;

	while ((debt = mipc_undo_next(set, debtor, &p)) != NULL) {
		word = mipc_peek(debt);
		if (MIPC_DEBT_ADJ(word) != 0) {
			if (MIPC_DEBT_SEM(word) == num)
				return debt;
		} else if (free == NULL && p.number > *used) {
			free = debt;
			at = p.number;
		}
	}
	if (free != NULL)
		*used = at;
	return free;
}

mipc_u64 *
mipc_undo_place(const struct mipc_set *set, uint32_t debtor, uint32_t num,
    uint32_t *used)
{
	struct mipc_debtor *entry = mipc_set_debtor(set, debtor);
	uint32_t at = 0, first = *used;
	uint64_t word;

	for (uint32_t i = 0; i < MIPC_DEBTS; i++) {	/* the usual case */
		word = mipc_peek(&entry->debt[i]);
		if (MIPC_DEBT_ADJ(word) == 0) {
			if (at == 0 && i >= first)
				at = i + 1;
		} else if (MIPC_DEBT_SEM(word) == num) {
			return &entry->debt[i];
		}
	}
	if (MIPC_T_VALUE(mipc_peek(&entry->chain)) != 0)
		return place_in_chain(set, debtor, num, used, at);
	if (at == 0)
		return NULL;
	*used = at;
	return &entry->debt[at - 1];
}

/* --- the table of blocks ----------------------------------------------- */

/* The link at the end of an entry's chain. */
static mipc_u64 *
last_link(const struct mipc_set *set, uint32_t debtor)
{
	mipc_u64 *link = &mipc_set_debtor(set, debtor)->chain;
	struct mipc_debt_block *block;

	for (uint32_t i = 0; i < MIPC_DEBT_BLOCKS; i++) {
		block = block_at(set, MIPC_T_VALUE(mipc_peek(link)));
		if (block == NULL)
			break;
		link = &block->next;
	}
	return link;
}

static int
try_grow(struct mipc_set *set, uint32_t debtor)
{
	uint64_t seen = mipc_txn_begin(&set->board);
	uint32_t used = MIPC_T_VALUE(mipc_take(&set->head->blocks));
	struct mipc_txn txn;
	int error;

	if (used >= mipc_set_count(set, MIPC_T_BLOCKS)) {
		error = mipc_set_grow(set, MIPC_T_BLOCKS);
		return error == 0 ? EAGAIN : error;
	}
	error = mipc_txn_open(&txn, &set->board, 2);
	if (error != 0)
		return error;
	mipc_line_record(&txn, &set->head->blocks, used + 1);
	mipc_line_record(&txn, last_link(set, debtor), used + 1);
	mipc_txn_finish(&txn, seen);	/* if others were faster, theirs may
					   do: the caller looks again */
	return 0;
}

int
mipc_undo_grow(struct mipc_set *set, uint32_t debtor, uint32_t debts)
{
	int error = 0;

	/* What does not count may only stand in the way. */
	if (mipc_undo_stale(set, debtor))
		return mipc_undo_clean(set, debtor);
	for (uint32_t n = 0; error == 0 && n < debts; n += MIPC_BLOCK_DEBTS)
		do {
			error = try_grow(set, debtor);
		} while (mipc_set_again(set, &error));
	return error;
}

/* --- this process's entry ---------------------------------------------- */

/* A part of it; 0 when nothing is left, or it counts. */
static int
clean_some(struct mipc_set *set, uint32_t debtor)
{
	uint64_t seen = mipc_txn_begin(&set->board), word;
	struct mipc_debt_walk p = { .block = NULL };
	struct mipc_txn txn;
	mipc_u64 *debt;
	int error;

	if (mipc_undo_counts(set, debtor) || !owes(set, debtor))
		return mipc_txn_same(&set->board, seen) ? 0 : EAGAIN;
	error = mipc_txn_open(&txn, &set->board, CLEARED_AT_ONCE);
	if (error != 0)
		return error;
	while (txn.count < CLEARED_AT_ONCE &&
	    (debt = mipc_undo_next(set, debtor, &p)) != NULL) {
		word = mipc_peek(debt);
		if (MIPC_DEBT_ADJ(word) != 0)
			mipc_txn_set(&txn, debt, word, MIPC_T_NEXT(word, 0));
	}
	mipc_txn_finish(&txn, seen);
	return EAGAIN;		/* done, or somebody was faster: look again */
}

int
mipc_undo_clean(struct mipc_set *set, uint32_t debtor)
{
	int error;

	do {
		error = clean_some(set, debtor);
	} while (mipc_set_again(set, &error));
	return error;
}

/* Is this entry the calling process's, perhaps from before it ran exec? */
static bool
is_ours(struct mipc_set *set, struct mipc_debtor *entry)
{
	uint64_t owner = mipc_take(&entry->owner);

	if (owner == set->board.self)
		return true;
	return owner != 0 && mipc_peek(&entry->pid) == set->pid &&
	    mipc_life_was_ours(set->use.ns->lives, owner) &&
	    mipc_swap_if(&entry->owner, &owner, set->board.self);
}

/* Free an entry whose owner is gone; false if it is not. */
static bool
free_left(struct mipc_set *set, uint32_t index)
{
	uint64_t owner = mipc_take(&mipc_set_debtor(set, index)->owner);

	return owner != 0 && mipc_life_gone(set->use.ns->lives, owner) &&
	    mipc_undo_settle(set, index, owner) == 0;
}

/* A free entry, settled free if it must be; those in use end at *high. */
static int
find_free(struct mipc_set *set, uint32_t *out)
{
	uint64_t high = mipc_undo_entries(set);

	for (uint32_t i = 0; i < high; i++)
		if (mipc_peek(&mipc_set_debtor(set, i)->owner) == 0) {
			*out = i;
			return 0;
		}
	for (uint32_t i = 0; i < high; i++)
		if (free_left(set, i)) {
			*out = i;
			return 0;
		}
	*out = (uint32_t)high;
	return high < mipc_set_count(set, MIPC_T_DEBTORS) ? 0 :
	    mipc_set_grow(set, MIPC_T_DEBTORS);
}

/* [gate] The entry that is ours already, or this one, if it is still free. */
static bool
take_entry(struct mipc_set *set, uint32_t free, uint32_t *out)
{
	uint64_t high = mipc_take(&set->head->debtors), owner = 0;
	struct mipc_debtor *entry;

	for (*out = 0; *out < mipc_undo_entries(set); ++*out)
		if (is_ours(set, mipc_set_debtor(set, *out)))
			return true;
	*out = free;
	entry = mipc_set_debtor(set, free);
	/* In sight before it is anybody's, so that nobody overlooks it. */
	while (high <= free && !mipc_swap_if(&set->head->debtors, &high,
	    free + 1u))
		;
	if (!mipc_swap_if(&entry->owner, &owner, set->board.self))
		return false;
	mipc_crash_point("undo: entered");
	mipc_give(&entry->pid, set->pid);
	return true;
}

/* One thread of the process at a time; space is made outside the gate. */
static int
enter(struct mipc_set *set, uint32_t *out)
{
	struct mipc_opened *opened = set->use.opened;
	struct mipc_gate gate;
	bool taken = false;
	uint32_t free;
	int error = 0;

	while (error == 0 && !taken) {
		error = find_free(set, &free);
		if (error != 0)
			break;
		mipc_gate_enter(&gate);
		mipc_life_keep(set->use.ns->lives);
		taken = take_entry(set, free, out);
		if (taken) {
			mipc_put(&opened->debtor, *out + 1);
			mipc_give(&opened->debtor_life, set->board.self);
		}
		mipc_gate_leave(&gate);
	}
	return error;
}

int
mipc_undo_entry(struct mipc_set *set, uint32_t *out)
{
	struct mipc_opened *opened = set->use.opened;
	uint32_t index = mipc_peek(&opened->debtor) - 1;
	int error = 0;

	if (mipc_take(&opened->debtor_life) != set->board.self ||
	    index >= mipc_set_count(set, MIPC_T_DEBTORS) ||
	    mipc_take(&mipc_set_debtor(set, index)->owner) !=
	    set->board.self)
		error = enter(set, &index);
	if (error == 0 && !mipc_undo_counts(set, index))
		error = mipc_undo_clean(set, index);
	*out = index + 1;
	return error == ENOSPC ? ENOMEM : error;
}

/* --- the dead ---------------------------------------------------------- */

/*
 * Also one that owes nothing any more: as with the kernel, its end is an
 * operation on the set (sem_otime).
 */
bool
mipc_undo_dead(const struct mipc_set *set, uint32_t *debtor, mipc_life *gone)
{
	uint64_t owner;

	for (uint32_t i = 0; i < mipc_undo_entries(set); i++) {
		owner = mipc_take(&mipc_set_debtor(set, i)->owner);
		if (owner == 0 || owner == set->board.self ||
		    !mipc_life_gone(set->use.ns->lives, owner))
			continue;
		*debtor = i;
		*gone = owner;
		return true;
	}
	return false;
}

static int32_t
clamp(int32_t value)
{
	return value < 0 ? 0 : value > MIPC_SEMVMX ? MIPC_SEMVMX : value;
}

/* How many semaphores an entry owes something. */
static uint32_t
debts_of(const struct mipc_set *set, uint32_t debtor)
{
	struct mipc_debt_walk p = { .block = NULL };
	uint32_t n = 0;
	mipc_u64 *debt;

	while ((debt = mipc_undo_next(set, debtor, &p)) != NULL)
		n += MIPC_DEBT_ADJ(mipc_peek(debt)) != 0;
	return n;
}

/* Record what one debt does; false if its semaphore must be claimed first. */
static bool
record_debt(const struct mipc_set *set, uint64_t word, uint32_t pid,
    struct mipc_txn *txn)
{
	uint32_t num = MIPC_DEBT_SEM(word);
	uint64_t old;

	if (MIPC_DEBT_ADJ(word) == 0 || num >= set->nsems)
		return true;
	old = mipc_take(&set->head->sem[num]);
	if ((old & MIPC_SEM_SLOW) == 0) {
		mipc_plan_claim_one(set, num);
		return false;
	}
	mipc_txn_set(txn, &set->head->sem[num], old, MIPC_SEM_SLOW |
	    MIPC_SEM_WORD(old, clamp((int32_t)MIPC_SEM_VALUE(old) +
	    MIPC_DEBT_ADJ(word)), pid));
	return true;
}

/* One try at all debts of an entry: EAGAIN when somebody was faster. */
static int
settle_once(struct mipc_set *set, uint32_t debtor, uint64_t seen)
{
	struct mipc_debtor *entry = mipc_set_debtor(set, debtor);
	uint32_t pid = (uint32_t)mipc_peek(&entry->pid);
	struct mipc_debt_walk p = { .block = NULL };
	struct mipc_txn txn;
	bool whole = true;
	mipc_u64 *debt;
	int error;

	error = mipc_txn_open(&txn, &set->board, debts_of(set, debtor) + 3);
	if (error != 0)
		return error;
	while (whole && (debt = mipc_undo_next(set, debtor, &p)) != NULL)
		whole = record_debt(set, mipc_peek(debt), pid, &txn);
	mipc_line_record(&txn, &entry->era, 0);
	mipc_queue_record_due(set, &txn);
	if (whole)
		return mipc_txn_finish(&txn, seen);
	mipc_txn_close(&txn);
	return EAGAIN;
}

/*
 * `owner` is who was found gone: whoever finds the entry freed meanwhile, or
 * a living process's, has no work.
 */
static int
try_settle(struct mipc_set *set, uint32_t debtor, uint64_t owner)
{
	uint64_t seen = mipc_txn_begin(&set->board);

	if (owner == 0 ||
	    mipc_take(&mipc_set_debtor(set, debtor)->owner) != owner)
		return ECANCELED;
	if (mipc_undo_counts(set, debtor) && owes(set, debtor))
		return settle_once(set, debtor, seen);
	return mipc_txn_same(&set->board, seen) ? 0 : EAGAIN;
}

int
mipc_undo_settle(struct mipc_set *set, uint32_t debtor, mipc_life owner)
{
	struct mipc_debtor *entry = mipc_set_debtor(set, debtor);
	int error;

	do {
		error = try_settle(set, debtor, owner);
	} while (mipc_set_again(set, &error));
	if (error == ECANCELED)
		return 0;
	mipc_put(&set->head->otime, mipc_sys_seconds());
	if (error == 0)
		error = mipc_undo_clean(set, debtor);
	mipc_crash_point("undo: settled");
	if (error == 0 && owner != set->board.self)
		mipc_swap_if(&entry->owner, &owner, 0);
	return error;
}

/* --- the living -------------------------------------------------------- */

/* Does this process owe this?  What it owed before exec is its, too. */
static bool
is_our_debt(struct mipc_set *set, uint32_t debtor)
{
	struct mipc_debtor *entry = mipc_set_debtor(set, debtor);
	struct mipc_gate gate;
	bool ours;

	if (mipc_peek(&entry->pid) != set->pid ||
	    !mipc_undo_counts(set, debtor) || !owes(set, debtor))
		return false;
	mipc_gate_enter(&gate);
	mipc_life_keep(set->use.ns->lives);
	ours = is_ours(set, entry);
	mipc_gate_leave(&gate);
	return ours;
}

int
mipc_undo_pay(struct mipc_set *set)
{
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < mipc_undo_entries(set); i++)
		if (is_our_debt(set, i))
			error = mipc_undo_settle(set, i, set->board.self);
	return error;
}

/* --- watching ---------------------------------------------------------- */

void
mipc_undo_watch(const struct mipc_set *set, struct mipc_wait *wait,
    bool *dying)
{
	uint64_t owner;

	for (uint32_t i = 0; i < mipc_undo_entries(set); i++) {
		owner = mipc_take(&mipc_set_debtor(set, i)->owner);
		if (owner != 0 && mipc_undo_counts(set, i) && owes(set, i))
			mipc_life_watch(set->use.ns->lives, owner, wait,
			    dying);
	}
}

/* --- SETVAL ------------------------------------------------------------ */

/* The debt that an entry has for a semaphore, or NULL. */
static mipc_u64 *
debt_for(const struct mipc_set *set, uint32_t debtor, uint32_t num)
{
	struct mipc_debt_walk p = { .block = NULL };
	mipc_u64 *debt;
	uint64_t word;

	if (!mipc_undo_counts(set, debtor))
		return NULL;
	while ((debt = mipc_undo_next(set, debtor, &p)) != NULL) {
		word = mipc_peek(debt);
		if (MIPC_DEBT_ADJ(word) != 0 && MIPC_DEBT_SEM(word) == num)
			return debt;
	}
	return NULL;
}

uint32_t
mipc_undo_count(const struct mipc_set *set, uint32_t num)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < mipc_undo_entries(set); i++)
		n += debt_for(set, i, num) != NULL;
	return n;
}

void
mipc_undo_void(const struct mipc_set *set, uint32_t num, struct mipc_txn *txn)
{
	mipc_u64 *debt;

	for (uint32_t i = 0; i < mipc_undo_entries(set); i++) {
		debt = debt_for(set, i, num);
		if (debt != NULL)
			mipc_line_record(txn, debt, 0);
	}
}
