/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_set.c - finding a set, and its tables.
 */
#include "sem.h"

#include <errno.h>

/* Bytes of an entry, of tables that grow by whole pages. */
static const size_t entry_bytes[MIPC_T_TABLES] = {
	[MIPC_T_PARTIES] = MIPC_PARTY_BYTES,
	[MIPC_T_DEBTORS] = sizeof(struct mipc_debtor),
	[MIPC_T_SLEEPERS] = sizeof(struct mipc_sleeper),
	[MIPC_T_BLOCKS] = sizeof(struct mipc_debt_block),
};

/* --- finding ----------------------------------------------------------- */

static void
bind(struct mipc_set *set)
{
	set->head = (struct mipc_semset *)(void *)set->use.opened->head;
	set->nsems = (uint32_t)set->use.opened->size;
	mipc_thread_ring_for(set->use.thread, &set->head->bell);
}

int
mipc_set_enter(struct mipc_set *set, struct mipc_ns *ns, int semid)
{
	int error = mipc_use_enter(&set->use, ns, MIPC_SEM, semid);

	if (error == 0)
		bind(set);
	return error;
}

int
mipc_set_hold(struct mipc_set *set, struct mipc_ns *ns,
    struct mipc_opened *opened)
{
	int error = mipc_use_hold(&set->use, ns, opened);

	if (error == 0)
		bind(set);
	return error;
}

/* --- tables ------------------------------------------------------------ */

static uint32_t
per_page(const struct mipc_set *set, enum mipc_sem_table table)
{
	return table == MIPC_T_LARGE ? 1 :
	    (uint32_t)(set->use.ns->lives->page / entry_bytes[table]);
}

int
mipc_set_grow(struct mipc_set *set, enum mipc_sem_table table)
{
	uint64_t ready = mipc_set_count(set, table), offset, length;
	const struct mipc_sem_layout *layout = &set->use.opened->layout;
	uint32_t more = per_page(set, table);
	int error;

	if (ready >= mipc_set_most(table))
		return ENOMEM;
	offset = layout->table[table];
	if (table == MIPC_T_LARGE) {
		length = mipc_txn_large_bytes(layout->large_words);
		offset += ready * length;
	} else {
		length = set->use.ns->lives->page;
		offset += ready / more * length;
	}
	error = mipc_use_give_space(&set->use, offset, length);
	if (error == 0)		/* whoever else grew it gave the same space */
		mipc_swap_if(&set->head->ready[table], &ready, ready + more);
	return error;
}

static void
lay_board(struct mipc_set *set, mipc_life life)
{
	set->site = (struct mipc_site){
		.base = (char *)set->head,
		.size = set->use.opened->layout.size,
		.turn = &set->head->turn,
		.small = mipc_set_table(set, MIPC_T_PARTIES),
		.large = mipc_set_table(set, MIPC_T_LARGE),
		.smalls = mipc_set_count(set, MIPC_T_PARTIES),
		.larges = mipc_set_count(set, MIPC_T_LARGE),
		.small_words = MIPC_PARTY_WORDS,
		.large_words = set->use.opened->layout.large_words,
		.record = sizeof(struct mipc_party),
		.lives = set->use.ns->lives,
	};
	set->board = (struct mipc_board){
		.site = &set->site,
		.self = life,
		.thread = set->use.thread->number + MIPC_LIFE_SLOT(life),
	};
	set->line = (struct mipc_line){
		.board = &set->board,
		.head = &set->head->line,
		.places = mipc_set_table(set, MIPC_T_SLEEPERS),
		.stride = sizeof(struct mipc_sleeper),
		.ready = &set->head->ready[MIPC_T_SLEEPERS],
	};
}

void
mipc_set_view(struct mipc_set *set, struct mipc_ns *ns,
    struct mipc_opened *opened)
{
	*set = (struct mipc_set){
		.use = { .ns = ns, .opened = opened,
		    .thread = mipc_thread_mine },
		.head = (struct mipc_semset *)(void *)opened->head,
		.nsems = (uint32_t)opened->size,
	};
	lay_board(set, 0);
}

MIPC_FLAT int
mipc_set_ready(struct mipc_set *set)
{
	struct mipc_lives *lives = set->use.ns->lives;
	mipc_life life = mipc_life_now(lives);
	int error = 0;

	if (__builtin_expect(life == 0, 0) && lives->refuses != 0) {
		set->pid = 0;		/* to read, as the dead left it */
		lay_board(set, 0);
		return 0;
	}
	if (__builtin_expect(life == 0, 0))
		error = mipc_use_life(&set->use, &life);
	if (error == 0 && mipc_set_count(set, MIPC_T_PARTIES) == 0)
		error = mipc_set_grow(set, MIPC_T_PARTIES);
	if (error != 0)
		return error;
	set->pid = (uint32_t)mipc_peek(&lives->slot->pid);
	lay_board(set, life);
	return 0;
}

bool
mipc_set_again_closely(struct mipc_set *set, int *error)
{
	static mipc_u32 nobody_wakes;
	struct timespec moment = { .tv_nsec = 1000000 };

	if (*error == ENOSPC)
		*error = ENOMEM;
	if (!mipc_use_sound(&set->use))
		*error = EIO;
	if (*error != EBUSY)
		return *error == EAGAIN;
	if (mipc_set_count(set, MIPC_T_LARGE) < MIPC_LARGE_PARTIES)
		*error = mipc_set_grow(set, MIPC_T_LARGE);
	else if (mipc_set_count(set, MIPC_T_PARTIES) < MIPC_PARTIES)
		*error = mipc_set_grow(set, MIPC_T_PARTIES);
	else
		*error = mipc_sys_futex_wait(&nobody_wakes, 0, &moment) ==
		    -ENOSYS ? ENOSYS : 0;
	lay_board(set, set->board.self);
	return *error == 0;
}

/* --- beginning and end ------------------------------------------------- */

static void
clear(mipc_u64 *word)
{
	mipc_put(word, MIPC_T_NEXT(mipc_peek(word), 0));
}

/* What an older set in the same place left in its tables. */
static void
renew_tables(struct mipc_semset *head, const struct mipc_sem_layout *layout)
{
	struct mipc_debtor *debtor =
	    (void *)((char *)head + layout->table[MIPC_T_DEBTORS]);
	struct mipc_debt_block *block =
	    (void *)((char *)head + layout->table[MIPC_T_BLOCKS]);
	struct mipc_sleeper *sleeper =
	    (void *)((char *)head + layout->table[MIPC_T_SLEEPERS]);

	for (uint64_t i = 0; i < mipc_peek(&head->ready[MIPC_T_DEBTORS]); i++) {
		mipc_put(&debtor[i].owner, 0);
		clear(&debtor[i].era);
		for (uint32_t d = 0; d < MIPC_DEBTS; d++)
			clear(&debtor[i].debt[d]);
	}
	for (uint64_t i = 0; i < mipc_peek(&head->ready[MIPC_T_BLOCKS]); i++)
		for (uint32_t d = 0; d < MIPC_BLOCK_DEBTS; d++)
			clear(&block[i].debt[d]);
	/* Who still sleeps there finds another id, and frees its place. */
	for (uint64_t i = 0;
	    i < mipc_peek(&head->ready[MIPC_T_SLEEPERS]); i++) {
		clear(&sleeper[i].place.state);
		mipc_wait_wake(mipc_wait_half(&sleeper[i].place.state));
	}
}

/*
 * Change counters go on where an older set's ended: whoever is late with a
 * swap meant for that one finds another word.
 */
void
mipc_set_renew(struct mipc_semset *head, const struct mipc_sem_layout *layout)
{
	struct mipc_line_head *line = &head->line;
	mipc_u64 *word[] = { &line->due, &line->sleepers, &line->head,
	    &line->tail, &line->gone, &head->watchman };

	mipc_put(&head->turn, ((mipc_peek(&head->turn) >> 8) + 1) << 8);
	mipc_step();
	mipc_put(&head->bell, 0);
	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		clear(word[i]);
	mipc_put(&head->era, MIPC_T_NEXT(mipc_peek(&head->era), 1));
	for (uint64_t i = 0; i < head->nsems; i++)
		mipc_put(&head->sem[i], MIPC_SEM_WORD(
		    mipc_peek(&head->sem[i]), 0, 0));
	renew_tables(head, layout);
	mipc_put(&head->debtors, 0);
	mipc_put(&head->lent, 0);
}

/* One try to say that it is removed. */
static int
try_bury(struct mipc_set *set)
{
	uint64_t seen = mipc_txn_begin(&set->board);
	struct mipc_txn txn;
	int error;

	if (mipc_take(&set->head->object.id) != set->use.opened->id ||
	    mipc_line_gone(&set->line))
		return 0;
	error = mipc_txn_open(&txn, &set->board, 2);
	if (error != 0)
		return error;
	mipc_line_record(&txn, &set->line.head->gone, 1);
	mipc_queue_record_due(set, &txn);
	return mipc_txn_finish(&txn, seen);
}

/*
 * Without room for transactions nobody sleeps there, and nobody owes anything.
 * Whoever makes room later does so by a swap after this one, and so sees that
 * the namespace does not list the set before it sleeps.
 */
bool
mipc_set_quiet(struct mipc_set *set)
{
	uint64_t none = 0;

	return mipc_swap_if(&set->head->ready[MIPC_T_PARTIES], &none, 0);
}

void
mipc_set_bury(struct mipc_set *set)
{
	int error = mipc_set_ready(set);

	if (error != 0)
		return;
	do {
		error = try_bury(set);
	} while (mipc_set_again(set, &error));
	if (error == 0)
		mipc_queue_steps(set, false);
}
