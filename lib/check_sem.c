/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem.c - a set: its values, what is owed to it, who sleeps in it.
 */
#include "check_inside.h"

static void
check_values(struct mipc_checker *c, const struct mipc_set *set)
{
	for (uint32_t i = 0; i < set->nsems; i++)
		if (MIPC_SEM_VALUE(mipc_peek(&set->head->sem[i])) >
		    MIPC_SEMVMX)
			mipc_check_say(c, MIPC_RULE_VALUE, "semaphore %u is "
			    "%u, more than %d", (unsigned)i, (unsigned)
			    MIPC_SEM_VALUE(mipc_peek(&set->head->sem[i])),
			    MIPC_SEMVMX);
}

/* --- debts ------------------------------------------------------------- */

/* Each block is in one chain, once. */
static void
check_chain(struct mipc_checker *c, const struct mipc_set *set,
    uint32_t debtor, uint64_t *taken)
{
	uint32_t count = mipc_set_count(set, MIPC_T_BLOCKS), number;
	uint32_t used = MIPC_T_VALUE(mipc_peek(&set->head->blocks));
	struct mipc_debt_block *blocks = mipc_set_table(set, MIPC_T_BLOCKS);
	const mipc_u64 *link = &mipc_set_debtor(set, debtor)->chain;

	while ((number = MIPC_T_VALUE(mipc_peek(link))) != 0) {
		if (number > count || number > used) {
			mipc_check_say(c, MIPC_RULE_CHAIN, "debtor %u's chain "
			    "leads to a block that there is not",
			    (unsigned)debtor);
			return;
		}
		number--;
		if ((taken[number / 64] >> (number % 64) & 1) != 0) {
			mipc_check_say(c, MIPC_RULE_CHAIN, "debtor %u's chain "
			    "leads to a block that is taken already",
			    (unsigned)debtor);
			return;
		}
		taken[number / 64] |= 1ull << (number % 64);
		link = &blocks[number].next;
	}
}

/* Whoever is not there any more has none; at most one for each semaphore. */
static void
check_debts(struct mipc_checker *c, const struct mipc_set *set,
    uint32_t debtor, bool owned)
{
	static uint64_t seen[MIPC_SEMMSL_MOST / 64 + 1];
	struct mipc_debt_walk p = { .block = NULL };
	const mipc_u64 *debt;
	uint64_t word;
	uint32_t num;

	memset(seen, 0, sizeof(seen));
	while ((debt = mipc_undo_next(set, debtor, &p)) != NULL) {
		word = mipc_peek(debt);
		num = MIPC_DEBT_SEM(word);
		if (MIPC_DEBT_ADJ(word) == 0)
			continue;
		if (!owned) {
			mipc_check_say(c, MIPC_RULE_DEBT, "entry %u is "
			    "nobody's, and owes something", (unsigned)debtor);
		} else if (!mipc_undo_counts(set, debtor)) {
			continue;	/* cleared when it is used */
		} else if (num >= set->nsems) {
			mipc_check_say(c, MIPC_RULE_DEBT, "debtor %u owes to "
			    "semaphore %u, of %u", (unsigned)debtor,
			    (unsigned)num, (unsigned)set->nsems);
		} else if ((seen[num / 64] >> (num % 64) & 1) != 0) {
			mipc_check_say(c, MIPC_RULE_DEBT, "debtor %u owes "
			    "twice to semaphore %u", (unsigned)debtor,
			    (unsigned)num);
		} else {
			seen[num / 64] |= 1ull << (num % 64);
		}
	}
}

static void
check_debtors(struct mipc_checker *c, const struct mipc_set *set)
{
	uint64_t taken[MIPC_DEBT_BLOCKS / 64] = { 0 };
	uint64_t high = mipc_peek(&set->head->debtors);
	uint32_t count = mipc_set_count(set, MIPC_T_DEBTORS);
	struct mipc_debtor *entry;
	mipc_life owner;

	if (high > count)
		mipc_check_say(c, MIPC_RULE_DEBT, "%llu debtors, and room for "
		    "%u", (unsigned long long)high, (unsigned)count);
	if (MIPC_T_VALUE(mipc_peek(&set->head->blocks)) >
	    mipc_set_count(set, MIPC_T_BLOCKS))
		mipc_check_say(c, MIPC_RULE_CHAIN, "more blocks of debts are "
		    "handed out than there are");
	for (uint32_t i = 0; i < count; i++) {
		entry = mipc_set_debtor(set, i);
		owner = mipc_peek(&entry->owner);
		check_chain(c, set, i, taken);
		check_debts(c, set, i, owner != 0);
		if (owner == 0)
			continue;
		if (i >= high)
			mipc_check_say(c, MIPC_RULE_DEBT, "a debtor stands "
			    "behind the end of the table");
		else if (!mipc_check_life(c, owner))
			mipc_check_say(c, MIPC_RULE_DEBT, "debtor %u never "
			    "lived", (unsigned)i);
		else if (mipc_life_gone(&c->lives, owner))
			mipc_check_say(c, MIPC_RULE_NOTE, "process %llu died "
			    "owing: whoever looks settles it",
			    (unsigned long long)mipc_peek(&entry->pid));
	}
}

/* --- sleepers ---------------------------------------------------------- */

static void
check_vectors(struct mipc_checker *c, const struct mipc_set *set)
{
	uint32_t count = mipc_set_count(set, MIPC_T_SLEEPERS);
	struct mipc_sleeper *s;

	for (uint32_t i = 0; i < count; i++) {
		s = mipc_set_sleeper(set, i);
		if (mipc_line_ended(mipc_line_state(&s->place)))
			continue;
		if (mipc_peek(&s->nops) == 0 ||
		    mipc_peek(&s->nops) > MIPC_SEMOPM_MOST ||
		    mipc_peek(&s->more) > count)
			mipc_check_say(c, MIPC_RULE_LINE, "sleepers: place %u "
			    "has %u operations, which there cannot be",
			    (unsigned)i, (unsigned)mipc_peek(&s->nops));
		if (mipc_peek(&s->debtor) >
		    mipc_set_count(set, MIPC_T_DEBTORS))
			mipc_check_say(c, MIPC_RULE_LINE, "sleepers: place %u "
			    "owes by an entry that there is not",
			    (unsigned)i);
	}
}

/* --- all of it --------------------------------------------------------- */

static void
check_ready(struct mipc_checker *c, const struct mipc_set *set)
{
	uint64_t ready;

	for (int t = 0; t < MIPC_T_TABLES; t++) {
		ready = mipc_peek(&set->head->ready[t]);
		if (ready > mipc_set_most(t))
			mipc_check_say(c, MIPC_RULE_SET, "table %d has room "
			    "for %llu entries, of %u that there can be", t,
			    (unsigned long long)ready,
			    (unsigned)mipc_set_most(t));
	}
	if (mipc_peek(&set->head->bell) != 0)
		mipc_check_say(c, MIPC_RULE_SET, "its bell has been written");
}

bool
mipc_check_set(struct mipc_checker *c, struct mipc_copy *copy,
    struct mipc_opened *opened)
{
	struct mipc_semset *head = (void *)copy->base;
	struct mipc_set set;

	if (head->nsems < 1 || head->nsems > head->room ||
	    head->room > MIPC_SEMMSL_MOST) {
		mipc_check_say(c, MIPC_RULE_SET, "%llu semaphores, and room "
		    "for %llu", (unsigned long long)head->nsems,
		    (unsigned long long)head->room);
		return false;
	}
	mipc_sem_lay_out(&opened->layout, (uint32_t)head->room, c->page);
	if (opened->layout.size > copy->size) {
		mipc_check_say(c, MIPC_RULE_FILE, "%llu bytes of %llu: "
		    "truncated", (unsigned long long)copy->size,
		    (unsigned long long)opened->layout.size);
		return false;
	}
	opened->size = head->nsems;
	mipc_set_view(&set, &c->ns, opened);
	check_ready(c, &set);
	mipc_check_board(c, &set.board, mipc_set_count(&set, MIPC_T_PARTIES),
	    mipc_set_count(&set, MIPC_T_LARGE));
	check_values(c, &set);
	check_debtors(c, &set);
	mipc_check_line(c, &set.line, "sleepers", true);
	check_vectors(c, &set);
	return true;
}
