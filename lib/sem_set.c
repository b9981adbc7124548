/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_set.c - finding a set, what its callers may do, and its tables.
 *
 * A set that this process has opened is found without a lock, a system call
 * or a shared write: the thread says which object it is about to use, and then
 * looks whether the table still names it (thread.h).
 */
#include "sem.h"

#include <errno.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Bytes of an entry, of tables that grow by whole pages. */
static const size_t entry_bytes[MIPC_T_TABLES] = {
	[MIPC_T_PARTIES] = MIPC_PARTY_BYTES,
	[MIPC_T_DEBTORS] = sizeof(struct mipc_debtor),
	[MIPC_T_SLEEPERS] = sizeof(struct mipc_sleeper),
	[MIPC_T_BLOCKS] = sizeof(struct mipc_debt_block),
};

/* --- finding ----------------------------------------------------------- */

static void
bind(struct mipc_set *set, struct mipc_opened *opened)
{
	set->opened = opened;
	set->head = (struct mipc_semset *)(void *)opened->head;
	set->nsems = (uint32_t)opened->size;
}

/* One that is open here: true, and it stays mapped. */
static bool
enter_open(struct mipc_set *set, uint64_t id)
{
	_Atomic(struct mipc_opened *) *place =
	    &set->ns->opened[MIPC_SEM][id % MIPC_INDEX_MAX];
	struct mipc_opened *opened = mipc_take(place);

	if (opened == NULL)
		return false;
	if (mipc_thread_enter(set->thread, opened, &set->inside)) {
		/* Pairs with the store in take_out(), object.c. */
		if (mipc_take(place) == opened && opened->id == id &&
		    mipc_set_listed(opened)) {
			bind(set, opened);
			return true;
		}
	}
	mipc_thread_leave(set->thread, &set->inside);
	return false;
}

static int
enter_slowly(struct mipc_set *set, uint64_t id)
{
	struct mipc_opened *opened;
	struct mipc_gate gate;
	int error;

	mipc_gate_enter(&gate);
	error = mipc_ns_get(set->ns, MIPC_SEM, id, &opened);
	if (error == 0 && !mipc_set_listed(opened)) {
		mipc_ns_unpin(opened);
		error = EINVAL;
	}
	mipc_gate_leave(&gate);
	if (error != 0)
		return error;
	set->pinned = true;
	mipc_thread_enter(set->thread, opened, &set->inside);
	bind(set, opened);
	return 0;
}

/* What a call in a set begins with. */
static int
begin(struct mipc_set *set, struct mipc_ns *ns)
{
	set->ns = ns;
	set->pinned = false;
	set->thread = mipc_thread();
	return set->thread == NULL ? ENOMEM : 0;
}

MIPC_FLAT int
mipc_set_enter(struct mipc_set *set, struct mipc_ns *ns, int semid)
{
	int error;

	if (semid < 0)
		return EINVAL;
	error = begin(set, ns);
	if (error != 0)
		return error;
	if (!enter_open(set, (uint64_t)semid))
		error = enter_slowly(set, (uint64_t)semid);
	if (error == 0)
		mipc_thread_ring_for(set->thread, &set->head->bell);
	return error;
}

int
mipc_set_hold(struct mipc_set *set, struct mipc_ns *ns,
    struct mipc_opened *opened)
{
	int error;

	error = begin(set, ns);
	if (error != 0)
		return error;
	mipc_thread_enter(set->thread, opened, &set->inside);
	bind(set, opened);
	mipc_thread_ring_for(set->thread, &set->head->bell);
	return 0;
}

void
mipc_set_leave(struct mipc_set *set)
{
	mipc_thread_leave(set->thread, &set->inside);
	if (__builtin_expect(set->pinned, 0))
		mipc_ns_unpin(set->opened);
}

bool
mipc_set_lives(const struct mipc_set *set)
{
	return mipc_take(&set->head->object.id) == set->opened->id &&
	    mipc_set_listed(set->opened);
}

/* --- permission -------------------------------------------------------- */

/*
 * A verdict is kept unless IPC_SET may be under way, which makes a version
 * both before it, under the object's lock, and after it (control.c): a killed
 * one's lock is found taken, a finished one's sequence has changed.
 */
static void
keep_verdict(struct mipc_set *set, uint64_t basis, uint64_t seq,
    unsigned granted)
{
	struct mipc_object *head = set->opened->head;

	atomic_thread_fence(memory_order_acquire);
	if (mipc_take(&head->lock.owner) == 0 && mipc_seq_same(head, seq) &&
	    mipc_set_listed(set->opened))
		mipc_give(&set->opened->verdict, basis | granted);
}

static int
judge(struct mipc_set *set, uint64_t basis, unsigned *granted)
{
	uint64_t seq = mipc_seq_begin(set->opened->head);
	struct mipc_perm perm;
	struct mipc_gate gate;
	int error;

	mipc_gate_enter(&gate);
	error = mipc_ns_perm(set->ns, &gate, set->opened, &perm);
	mipc_gate_leave(&gate);
	if (error != 0)
		return error;
	*granted = (mipc_cred_may(&perm, 0444) ? 4u : 0) |
	    (mipc_cred_may(&perm, 0222) ? 2u : 0);
	keep_verdict(set, basis, seq, *granted);
	return 0;
}

int
mipc_set_permit_closely(struct mipc_set *set, unsigned asked)
{
	uint64_t basis = mipc_set_basis(set->opened);
	uint64_t verdict = mipc_take(&set->opened->verdict);
	unsigned granted = (unsigned)verdict & 7;
	int error = 0;

	if ((verdict & ~7ull) != basis)
		error = judge(set, basis, &granted);
	if (error != 0)
		return error;
	return (asked & ~granted) == 0 ? 0 : EACCES;
}

/* --- tables ------------------------------------------------------------ */

static uint32_t
per_page(const struct mipc_set *set, enum mipc_sem_table table)
{
	return table == MIPC_T_LARGE ? 1 :
	    (uint32_t)(set->ns->lives->page / entry_bytes[table]);
}

/* Give bytes of the set space: an error, where touching them is a signal. */
static int
give_space(struct mipc_set *set, uint64_t offset, uint64_t length)
{
	uint64_t page = set->ns->lives->page, low = offset & ~(page - 1);
	struct mipc_gate gate;
	int r;

	if (offset + length > set->opened->map.size)
		return EIO;
	r = mipc_sys_advise((char *)set->head + low,
	    (offset + length - low + page - 1) & ~(page - 1),
	    MADV_POPULATE_WRITE);
	if (r != -EINVAL)
		return r == 0 ? 0 : ENOMEM;
	mipc_gate_enter(&gate);
	r = set->ns->store->ops->claim(set->ns->store, MIPC_SEM,
	    set->opened->id, &set->opened->map, low, offset + length - low);
	mipc_gate_leave(&gate);
	return r == 0 ? 0 : r == ENOENT ? EIDRM : ENOMEM;
}

int
mipc_set_grow(struct mipc_set *set, enum mipc_sem_table table)
{
	uint64_t ready = mipc_set_count(set, table), offset, length;
	uint32_t more = per_page(set, table);
	int error;

	if (ready >= mipc_set_most(table))
		return ENOMEM;
	offset = set->opened->layout.table[table];
	if (table == MIPC_T_LARGE) {
		length = mipc_txn_large_bytes(set->opened->layout.large_words);
		offset += ready * length;
	} else {
		length = set->ns->lives->page;
		offset += ready / more * length;
	}
	error = give_space(set, offset, length);
	if (error == 0)		/* whoever else grew it gave the same space */
		mipc_swap_if(&set->head->ready[table], &ready, ready + more);
	return error;
}

static void
lay_board(struct mipc_set *set, mipc_life life)
{
	set->board = (struct mipc_board){
		.base = (char *)set->head,
		.size = set->opened->layout.size,
		.turn = &set->head->turn,
		.small = mipc_set_table(set, MIPC_T_PARTIES),
		.large = mipc_set_table(set, MIPC_T_LARGE),
		.smalls = mipc_set_count(set, MIPC_T_PARTIES),
		.larges = mipc_set_count(set, MIPC_T_LARGE),
		.small_words = MIPC_PARTY_WORDS,
		.large_words = set->opened->layout.large_words,
		.record = sizeof(struct mipc_party),
		.lives = set->ns->lives,
		.self = life,
		.thread = set->thread->number + MIPC_LIFE_SLOT(life),
	};
}

MIPC_FLAT int
mipc_set_ready(struct mipc_set *set)
{
	struct mipc_lives *lives = set->ns->lives;
	mipc_life life = mipc_life_now(lives);
	struct mipc_gate gate;
	int error = 0;

	if (__builtin_expect(life == 0, 0)) {
		mipc_gate_enter(&gate);
		error = mipc_life_self(lives, &life);
		mipc_gate_leave(&gate);
	}
	if (error == 0 && mipc_set_count(set, MIPC_T_PARTIES) == 0)
		error = mipc_set_grow(set, MIPC_T_PARTIES);
	if (error != 0)
		return error == ENOENT ? EIDRM : error;
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
	if (!mipc_set_sound(set))
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
		clear(&sleeper[i].state);
		mipc_wait_wake(mipc_wait_half(&sleeper[i].state));
	}
}

/*
 * Change counters go on where an older set's ended: whoever is late with a
 * swap meant for that one finds another word.
 */
void
mipc_set_renew(struct mipc_semset *head, const struct mipc_sem_layout *layout)
{
	mipc_u64 *word[] = { &head->due, &head->sleepers, &head->head,
	    &head->tail, &head->watchman, &head->gone };

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

	if (mipc_take(&set->head->object.id) != set->opened->id ||
	    MIPC_T_VALUE(mipc_peek(&set->head->gone)) != 0)
		return 0;
	error = mipc_txn_open(&txn, &set->board, 2);
	if (error != 0)
		return error;
	mipc_queue_record_set(&txn, &set->head->gone, 1);
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
