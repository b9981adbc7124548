/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem.h - what the files of semaphore sets share.
 *
 * Depends on: format_sem.h, line.h, txn.h, use.h.
 * Locks: none, and none is needed: sets change by transactions (txn.h) and
 * by single swaps.  Functions marked [gate] expect the caller inside it.
 *
 *	sem_set.c	finding a set and its tables
 *	sem_plan.c	what a vector of operations would do
 *	undo.c		what processes owe a set
 *	sem_walk.c	what is to be done for those who sleep
 *	sem_queue.c	the steps that do it
 *	sem_place.c	a sleeper's place
 *	sem_sleep.c	one thread's sleep
 *	sem_quick.c	one operation that is one swap
 *	sem_op.c	semop
 *	sem_value.c	reading and setting values
 *	sem_pay.c	debts that are paid early
 *	sem_create.c	semget
 *	sem_ctl.c	semctl
 */
#ifndef MIPC_SEM_H
#define MIPC_SEM_H

#include <sys/types.h>
#include <sys/sem.h>

#include "format_sem.h"
#include "line.h"
#include "txn.h"
#include "use.h"

/* A set that a call is in. */
struct mipc_set {
	struct mipc_use use;
	struct mipc_semset *head;
	struct mipc_site site;
	struct mipc_board board;	/* once mipc_set_ready() */
	struct mipc_line line;		/* as the board */
	uint32_t nsems;
	uint32_t pid;
};

/* --- sem_set.c --------------------------------------------------------- */

/* The set, kept mapped until leave.  Errors as mipc_use_enter(). */
int	mipc_set_enter(struct mipc_set *, struct mipc_ns *, int semid);
/*
 * The same for one that is open, pinned by the caller; it may be removed.
 * Inside the gate only if the thread is known.
 */
int	mipc_set_hold(struct mipc_set *, struct mipc_ns *,
	    struct mipc_opened *);
/* The same to look at alone, by a thread that is known: without a life. */
void	mipc_set_view(struct mipc_set *, struct mipc_ns *,
	    struct mipc_opened *);
static inline void
mipc_set_leave(struct mipc_set *set)
{
	mipc_use_leave(&set->use);
}
/* Everything a transaction needs: a life, a party's space. */
int	mipc_set_ready(struct mipc_set *);
/*
 * Is a try to be made again?  EAGAIN: somebody was faster; EBUSY: no record
 * was free, and there are more now, or a moment has passed.
 */
bool	mipc_set_again_closely(struct mipc_set *, int *error);
static inline bool
mipc_set_again(struct mipc_set *set, int *error)
{
	return (*error != 0 || !mipc_use_sound(&set->use)) &&
	    mipc_set_again_closely(set, error);
}
/* One more page of a table; ENOMEM if there can be none. */
int	mipc_set_grow(struct mipc_set *, enum mipc_sem_table);
/* Entries that a table can have. */
static inline uint32_t
mipc_set_most(enum mipc_sem_table table)
{
	static const uint32_t most[MIPC_T_TABLES] = {
		[MIPC_T_PARTIES] = MIPC_PARTIES,
		[MIPC_T_LARGE] = MIPC_LARGE_PARTIES,
		[MIPC_T_DEBTORS] = MIPC_DEBTORS,
		[MIPC_T_BLOCKS] = MIPC_DEBT_BLOCKS,
		[MIPC_T_SLEEPERS] = MIPC_SLEEPERS,
	};

	return most[table];
}
/* Those that have space. */
static inline uint32_t
mipc_set_count(const struct mipc_set *set, enum mipc_sem_table table)
{
	uint64_t ready = mipc_take(&set->head->ready[table]);

	return ready > mipc_set_most(table) ? mipc_set_most(table) :
	    (uint32_t)ready;
}

static inline void *
mipc_set_table(const struct mipc_set *set, enum mipc_sem_table table)
{
	return (char *)set->head + set->use.opened->layout.table[table];
}

static inline struct mipc_debtor *
mipc_set_debtor(const struct mipc_set *set, uint32_t index)
{
	return (struct mipc_debtor *)mipc_set_table(set, MIPC_T_DEBTORS) +
	    index;
}

static inline struct mipc_sleeper *
mipc_set_sleeper(const struct mipc_set *set, uint32_t index)
{
	return (struct mipc_sleeper *)mipc_set_table(set, MIPC_T_SLEEPERS) +
	    index;
}

/* Write a set that has just been given its place: all values 0. */
void	mipc_set_renew(struct mipc_semset *, const struct mipc_sem_layout *);
/* It is removed: is there nobody who would have to be told? */
bool	mipc_set_quiet(struct mipc_set *);
/* Somebody removed it: everybody who sleeps there is told. */
void	mipc_set_bury(struct mipc_set *);

/* An operation that would wait has IPC_NOWAIT; EAGAIN is a lost race. */
#define MIPC_NOT_NOW	ENODATA

/* --- sem_op.c ---------------------------------------------------------- */

/* semtimedop, whatever it takes; -1 with errno. */
int	mipc_sem_closely(struct mipc_ns *, int semid, struct sembuf *,
	    size_t nops, const struct timespec *timeout);
/* Say that an operation was done now: at most a second late. */
static inline void
mipc_sem_note_time(struct mipc_semset *head)
{
	uint64_t now = mipc_sys_seconds();

	if (mipc_peek(&head->otime) != now)
		mipc_put(&head->otime, now);
}

/* --- sem_plan.c -------------------------------------------------------- */

/* One semaphore that a vector touches, and the debt for it. */
struct mipc_touch {
	uint64_t old;			/* the semaphore's word */
	mipc_u64 *debt;			/* NULL: no SEM_UNDO */
	uint64_t debt_old;
	int32_t value, adjust;		/* after the vector */
	uint32_t num;
};
struct mipc_plan {
	struct mipc_op *op;
	uint32_t nops;
	uint32_t debtor;		/* entry for SEM_UNDO, + 1 */
	uint32_t debts_used;		/* places given to new debts so far */
	uint32_t blocking;		/* operation that cannot proceed */
	uint32_t count;			/* of touches */
	bool undoes;			/* some operation has SEM_UNDO */
	bool counts;			/* the debtor's debts, if it does */
	struct mipc_touch *touch;	/* nops of them */
};

/*
 * What the vector would do to what the set is now: 0 it can be done; EBUSY it
 * must wait for `blocking`; MIPC_NOT_NOW; ERANGE; EXFULL: the debtor's table
 * must grow first.
 */
int	mipc_plan_judge(const struct mipc_set *, struct mipc_plan *);
/* Words that doing it takes, besides those of the queue. */
uint32_t mipc_plan_words(const struct mipc_plan *);
void	mipc_plan_record(const struct mipc_set *, const struct mipc_plan *,
	    uint32_t pid, struct mipc_txn *);
/* From here on only transactions change this semaphore; its word. */
uint64_t mipc_plan_claim_one(const struct mipc_set *, uint32_t num);
/* The same for all of the vector. */
void	mipc_plan_claim(const struct mipc_set *, const struct mipc_plan *);
/* Must semaphores stay claimed?  MIPC_SEM_SLOW, or 0 in a quiet set. */
uint64_t mipc_plan_slow(const struct mipc_set *);
/* Claim, judge, and make room for debts: EAGAIN if that was wanting. */
int	mipc_plan_try(struct mipc_set *, struct mipc_plan *);
/* What a sleeper's `blocking` says of the operation that cannot proceed. */
static inline uint32_t
mipc_plan_blocking(const struct mipc_plan *plan)
{
	const struct mipc_op *op = &plan->op[plan->blocking];

	return op->num | (op->op == 0 ? 1u << 16 : 0);
}

/* --- undo.c ------------------------------------------------------------ */

/* This process's entry, made and cleaned if need be: *out is index + 1. */
int	mipc_undo_entry(struct mipc_set *, uint32_t *out);
/* The place of a debt: the one there is, or a free one from *used on. */
mipc_u64 *mipc_undo_place(const struct mipc_set *, uint32_t debtor,
	    uint32_t num, uint32_t *used);
/* Room for so many more. */
int	mipc_undo_grow(struct mipc_set *, uint32_t debtor, uint32_t debts);
/* Do the debts of this entry count? */
static inline bool
mipc_undo_counts(const struct mipc_set *set, uint32_t debtor)
{
	return MIPC_T_VALUE(mipc_take(&mipc_set_debtor(set, debtor)->era)) ==
	    MIPC_T_VALUE(mipc_take(&set->head->era));
}
/* Do debts stand in it that do not?  They must go before new ones come. */
bool	mipc_undo_stale(const struct mipc_set *, uint32_t debtor);
/* Set all debts of an entry that do not count to 0. */
int	mipc_undo_clean(struct mipc_set *, uint32_t debtor);
/* The first dead process that has an entry; false if none. */
bool	mipc_undo_dead(const struct mipc_set *, uint32_t *debtor,
	    mipc_life *gone);
/* Apply what it owes, and free its entry. */
int	mipc_undo_settle(struct mipc_set *, uint32_t debtor, mipc_life gone);
/* The same for all that this process owes, which keeps its entries. */
int	mipc_undo_pay(struct mipc_set *);
/* Entries that may be looked at. */
uint64_t mipc_undo_entries(const struct mipc_set *);
/* The next debt of an entry, from a walk that is zero at first; NULL. */
struct mipc_debt_walk {
	struct mipc_debt_block *block;	/* NULL: in the entry itself */
	uint32_t at, number, blocks;
};
mipc_u64 *mipc_undo_next(const struct mipc_set *, uint32_t debtor,
	    struct mipc_debt_walk *);
/* Name the canaries of all debtors; *dying if one has died, but not quite. */
void	mipc_undo_watch(const struct mipc_set *, struct mipc_wait *,
	    bool *dying);
/* Record that nobody owes anything for `num`. */
uint32_t mipc_undo_count(const struct mipc_set *, uint32_t num);
void	mipc_undo_void(const struct mipc_set *, uint32_t num,
	    struct mipc_txn *);

/* --- sem_walk.c -------------------------------------------------------- */

#define MIPC_FEW_OPS	8u		/* that fit on a small stack */

/* What a walk along the queue found to be done first. */
enum mipc_action {
	MIPC_NOTHING,
	MIPC_BURY,
	MIPC_SERVE,
	MIPC_FAIL,
	MIPC_CORRECT,
};
struct mipc_finding {
	enum mipc_action action;
	int rank;			/* of the vector: see sem_walk.c */
	uint32_t sleeper;		/* index */
	int error;			/* why, if MIPC_FAIL */
	uint32_t blocking;		/* if MIPC_CORRECT */
	bool told;			/* somebody is to look already */
	uint64_t told_about;		/* hashed semaphores they wait on */
	uint32_t last;			/* the youngest, + 1 */
};
/* Right if the turn is the same afterwards. */
void	mipc_queue_walk(struct mipc_set *, bool look,
	    struct mipc_finding *);
/*
 * Call a function with a copy of a sleeper's vector, whatever its size: what
 * it returned; EAGAIN if there is none.
 */
typedef int mipc_vector_use(struct mipc_set *, uint32_t sleeper,
	    struct mipc_plan *, void *arg);
int	mipc_queue_use_vector(struct mipc_set *, uint32_t sleeper,
	    mipc_vector_use *, void *arg);
/* Does whoever comes take what others wait for? */
bool	mipc_queue_barges(const struct mipc_set *);

/* --- sem_queue.c ------------------------------------------------------- */

/*
 * Do what is due, until nothing is: serve who can be served, tell a sleeper
 * to be the watchman.  With `look`, the dead are found and settled first, also
 * where nothing is due.
 */
int	mipc_queue_steps(struct mipc_set *, bool look);
/*
 * The same for who has blocked signals already: between a commit and its wake
 * no handler may jump away, or wait for what the sleeper would do.
 */
int	mipc_queue_steps_blocked(struct mipc_set *, bool look);
/* Is anybody dead whose debts or whose sleep have not been settled? */
bool	mipc_queue_dead(const struct mipc_set *);

/* Record that a sleeper is in the line no more, and has this state. */
#define MIPC_UNLINK_WORDS	6u
void	mipc_queue_record_leave(const struct mipc_set *, uint32_t sleeper,
	    uint32_t state, struct mipc_txn *);
/* The same as a transaction of its own: 0, EAGAIN, or as mipc_txn_open(). */
int	mipc_queue_leave(struct mipc_set *, uint32_t sleeper, uint32_t state,
	    uint64_t seen);
/*
 * The oldest sleeper, if what the plan adds lets it run: its index, or
 * MIPC_NOBODY.  The plan, recorded with the sleeper's operation performed after
 * it; the sleeper is to be woken, and steps are done as far as they are due.
 */
uint32_t mipc_queue_heir(const struct mipc_set *, const struct mipc_plan *);
void	mipc_queue_record_heir(const struct mipc_set *, uint32_t sleeper,
	    struct mipc_plan *, struct mipc_txn *);
/* Record `due` = 1 if somebody sleeps. */
void	mipc_queue_record_due(const struct mipc_set *, struct mipc_txn *);
/* How many sleep on this semaphore for a value, or for zero. */
uint32_t mipc_queue_count(const struct mipc_set *, uint32_t num, bool zero);

/* --- sem_place.c ------------------------------------------------------- */

/* A free place; ENOMEM. */
int	mipc_place_take(struct mipc_set *, uint32_t *out);
/* Write what others need to perform the vector. */
int	mipc_place_fill(struct mipc_set *, uint32_t index,
	    const struct mipc_plan *);
void	mipc_place_free(struct mipc_set *, uint32_t index);

/* --- sem_sleep.c ------------------------------------------------------- */

/*
 * Sleep until somebody has performed the vector: 0 or its errno; EINTR,
 * EAGAIN at the deadline; EBUSY: it can be tried at once.
 */
int	mipc_sleep(struct mipc_set *, struct mipc_plan *, uint64_t deadline);

/* --- sem_value.c ------------------------------------------------------- */

/* What the dead owed, where it would change an answer. */
int	mipc_value_settle(struct mipc_set *);
/* GETVAL, GETPID, GETNCNT, GETZCNT. */
int	mipc_value_get(struct mipc_set *, int num, int cmd, int *out);
int	mipc_value_set(struct mipc_set *, int num, int value);
int	mipc_value_get_all(struct mipc_set *, unsigned short *out);
int	mipc_value_set_all(struct mipc_set *, const unsigned short *);

#endif
