/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format_sem.h - a semaphore set.
 *
 * Depends on: format.h, which explains the access keys; format_line.h.
 */
#ifndef MIPC_FORMAT_SEM_H
#define MIPC_FORMAT_SEM_H

#include "format.h"
#include "format_line.h"

/*
 * A semaphore: T once SLOW is set, else also changed by CAS alone.
 *	bits 0-15	value, 0 .. 32767
 *	bits 16-37	pid of the last process to change it
 *	bit 38		SLOW: only transactions change the word
 *	bits 39-63	change counter
 */
#define MIPC_SEM_VALUE(word)	((uint32_t)(word) & 0xffff)
#define MIPC_SEM_PID(word)	((uint32_t)((word) >> 16) & 0x3fffff)
#define MIPC_SEM_SLOW		(1ULL << 38)
#define MIPC_SEM_COUNT(word)	((word) >> 39)
#define MIPC_SEM_BY(pid)	((uint64_t)((pid) & 0x3fffff) << 16)
#define MIPC_SEM_NEXT(old, by, value)					\
	((MIPC_SEM_COUNT(old) + 1) << 39 | (by) | (uint64_t)(value))
#define MIPC_SEM_WORD(old, value, pid)					\
	MIPC_SEM_NEXT(old, MIPC_SEM_BY(pid), value)

/*
 * What one process owes a set: SEM_UNDO.
 *	owner	A: the life that owes, by CAS; 0 free.  Freed, all debts 0
 *	era	T: debts count only if this is the set's era
 *	pid	O: of the process, for sempid when it is settled
 *	chain	T: first block of more debts, + 1; stays with the entry
 *	debt	T: bits 0-15 semaphore, 16-31 adjustment (signed), counter
 */
#define MIPC_DEBTS		4u
struct mipc_debtor {
	mipc_u64 owner;
	mipc_u64 era;
	mipc_u64 pid;
	mipc_u64 chain;
	mipc_u64 debt[MIPC_DEBTS];
};
#define MIPC_BLOCK_DEBTS	31u
struct mipc_debt_block {
	mipc_u64 next;				/* T: block + 1, 0 none */
	mipc_u64 debt[MIPC_BLOCK_DEBTS];	/* T */
};
#define MIPC_DEBT_SEM(word)	((uint32_t)(word) & 0xffff)
#define MIPC_DEBT_ADJ(word)	((int)(int16_t)((word) >> 16))
#define MIPC_DEBT_VALUE(sem, adj)					\
	((uint32_t)(sem) | (uint32_t)(uint16_t)(int16_t)(adj) << 16)

#define MIPC_DEBTORS		4096u
#define MIPC_DEBT_BLOCKS	4096u

/* One operation of a vector, as libc's struct sembuf on every machine. */
struct mipc_op {
	uint16_t num;
	int16_t op;
	uint16_t flags;
};

/* The same in one word, for others to read while it may change. */
static inline uint64_t
mipc_op_pack(struct mipc_op op)
{
	return (uint64_t)op.num | (uint64_t)(uint16_t)op.op << 16 |
	    (uint64_t)op.flags << 32;
}

static inline struct mipc_op
mipc_op_unpack(uint64_t word)
{
	return (struct mipc_op){ .num = (uint16_t)word,
	    .op = (int16_t)(uint16_t)(word >> 16),
	    .flags = (uint16_t)(word >> 32) };
}

/*
 * One thread that sleeps in a set.
 *	blocking	T: semaphore it waits on, 1 << 16 if for zero
 *	the rest as in mipc_place
 */
#define MIPC_SLEEPER_OPS	22u
struct mipc_sleeper {
	struct mipc_place place;
	mipc_u64 blocking;
	mipc_u32 debtor;		/* entry for its debts, + 1 */
	mipc_u32 nops;
	mipc_u32 more;			/* sleeper that holds more ops, + 1 */
	mipc_u32 pad;
	mipc_u64 op[MIPC_SLEEPER_OPS];	/* as mipc_op_pack() makes them */
};
/* A sleeper's place that holds more operations of another. */
#define MIPC_MORE_OPS		29u
struct mipc_sleeper_more {
	mipc_u64 owner;
	mipc_u64 state;			/* as above: its counter must not go */
	mipc_u32 more;
	uint32_t pad;
	mipc_u64 op[MIPC_MORE_OPS];
};

/* Tables of a set that are given space as they are used. */
enum mipc_sem_table {
	MIPC_T_PARTIES,
	MIPC_T_LARGE,
	MIPC_T_DEBTORS,
	MIPC_T_BLOCKS,
	MIPC_T_SLEEPERS,
	MIPC_T_TABLES,
};

#define MIPC_SEMMSL_MOST	32000u
#define MIPC_SEMOPM_MOST	500u
#define MIPC_SEMVMX		32767

struct mipc_semset {
	struct mipc_object object;
	uint64_t nsems;				/* C */
	uint64_t room;				/* C: nsems of the layout */
	mipc_u64 changed;			/* A: SETVAL, SETALL; seconds */
	mipc_u64 ready[MIPC_T_TABLES];		/* A: entries with space */
	uint64_t spare[8];
	/* A line of the cache that only deaths touch. */
	mipc_u64 bell;				/* C: 0, a futex word */
	uint64_t pad[7];
	mipc_u64 turn;				/* A: number << 8 | party + 1;
						   low half a futex word */
	struct mipc_line_head line;		/* T */
	mipc_u64 watchman;			/* T: who listed last, + 1 */
	mipc_u64 era;				/* T: see mipc_debtor */
	mipc_u64 debtors;			/* A: no entry beyond is used */
	mipc_u64 lent;				/* A: 1: a debt was below 0 */
	mipc_u64 blocks;			/* T: blocks handed out */
	uint64_t pad2[5];
	/* One swap touches one line of the cache, in a small set. */
	mipc_u64 otime;				/* A: seconds */
	mipc_u64 sem[];				/* nsems of them */
};

/* Where a set's tables begin, bytes; each on a page of its own. */
struct mipc_sem_layout {
	uint64_t table[MIPC_T_TABLES];
	uint64_t size;
	uint32_t large_words;		/* of a large record */
};

static inline uint64_t
mipc_sem_table(struct mipc_sem_layout *layout, enum mipc_sem_table table,
    uint64_t bytes, uint64_t page)
{
	layout->table[table] = layout->size;
	layout->size = (layout->size + bytes + page - 1) & ~(page - 1);
	return bytes;
}

/* A large record holds every semaphore, or a vector with its debts. */
static inline void
mipc_sem_lay_out(struct mipc_sem_layout *layout, uint32_t nsems, uint64_t page)
{
	uint64_t words = (nsems > MIPC_DEBTORS ? nsems : MIPC_DEBTORS) +
	    2 * MIPC_SEMOPM_MOST + 64, bytes;

	bytes = sizeof(struct mipc_party) +
	    words * sizeof(struct mipc_entry_word);
	layout->large_words = (uint32_t)words;
	layout->size = (sizeof(struct mipc_semset) +
	    nsems * sizeof(mipc_u64) + page - 1) & ~(page - 1);
	mipc_sem_table(layout, MIPC_T_PARTIES,
	    MIPC_PARTIES * MIPC_PARTY_BYTES, page);
	mipc_sem_table(layout, MIPC_T_DEBTORS,
	    MIPC_DEBTORS * sizeof(struct mipc_debtor), page);
	mipc_sem_table(layout, MIPC_T_SLEEPERS,
	    MIPC_SLEEPERS * sizeof(struct mipc_sleeper), page);
	mipc_sem_table(layout, MIPC_T_BLOCKS,
	    MIPC_DEBT_BLOCKS * sizeof(struct mipc_debt_block), page);
	mipc_sem_table(layout, MIPC_T_LARGE,
	    MIPC_LARGE_PARTIES * ((bytes + 63) & ~63ull), page);
}
#define MIPC_SEM_BYTES_MOST	((uint64_t)16 << 20)

_Static_assert(sizeof(struct mipc_debtor) == 64, "format 2");
_Static_assert(sizeof(struct mipc_debt_block) == 256, "format 2");
_Static_assert(sizeof(struct mipc_sleeper) == 256, "format 2");
_Static_assert(sizeof(struct mipc_sleeper_more) <= 256, "format 2");
_Static_assert(offsetof(struct mipc_semset, bell) == 896, "format 2");
_Static_assert(offsetof(struct mipc_semset, turn) == 960, "format 2");
_Static_assert(sizeof(struct mipc_semset) == 1096, "format 2");

#endif
