/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.h - every structure that processes share: format 2.
 *
 * All of it is fixed-width and free of pointers, so that 32- and 64-bit
 * processes agree.  What is written by another process is input: lengths,
 * indices and offsets are loaded once, checked, then used.
 *
 * Access keys, one per field:
 *	C  constant once the structure is published
 *	L  read and written under the structure's lock
 *	J  written under the lock and only through the redo record; read
 *	   without it between two equal even values of `seq`
 *	A  atomic, read and written without the lock
 *	O  written by the owner of the slot alone, read by everyone
 *	T  changed by transactions alone (txn.h), each with a change counter
 *
 *   namespace file / start of the anonymous region
 *	+0		struct mipc_space
 *	SPACE_BYTES	(anonymous only: keys, slots, page map, extents)
 *   life.<house>.slots: page 0 struct mipc_house_head, page n slot n
 *   shm.<id>: struct mipc_segment, then its attach entries
 *   sem.<id>: struct mipc_semset, then its tables (sem.h has the layout)
 */
#ifndef MIPC_FORMAT_H
#define MIPC_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"

#define MIPC_MAGIC_SPACE	0x6d697053u	/* never 0: a hole is invalid */
#define MIPC_MAGIC_OBJECT	0x6d69704fu
#define MIPC_MAGIC_HOUSE	0x6d697048u
#define MIPC_FORMAT		2u
#define MIPC_BYTE_ORDER		0x01020304u

/*
 * A life: one address space that called into the namespace.  Never 0.
 *	bits 0-13	slot within the house
 *	bits 14-23	house: the uid whose life file holds the slot
 *	bits 24-63	generation of the slot, at least 1
 */
typedef uint64_t mipc_life;
#define MIPC_SLOTS		16384u
#define MIPC_HOUSES		1024u
#define MIPC_LIFE(house, slot, gen)					\
	((uint64_t)(gen) << 24 | (uint64_t)(house) << 14 | (slot))
#define MIPC_LIFE_SLOT(life)	((uint32_t)(life) & 0x3fff)
#define MIPC_LIFE_HOUSE(life)	((uint32_t)((life) >> 14) & 0x3ff)
#define MIPC_LIFE_GEN(life)	((life) >> 24)
#define MIPC_GEN_MAX		((1ULL << 40) - 1)

#define MIPC_COMMAND		256u	/* bytes of a command line kept */

/*
 * A lock that a successor takes over from the dead.
 *	owner	A: the life that holds it, 0 when free; by CAS
 *	waiters	A: somebody sleeps on `wake`; set by the sleeper, cleared by
 *		the waker before it wakes
 *	wake	A: futex word, grows at each wake
 *	since	L: when it was taken, seconds; a display
 */
struct mipc_lock {
	mipc_u64 owner;
	mipc_u32 waiters;
	mipc_u32 wake;
	mipc_u64 since;
};

/*
 * The redo record of an object.
 *
 * Invariant: count is 0 whenever the lock is free.  While it is held, count
 * == k > 0 means that word[0..k) is complete and the next holder of the lock
 * writes it again; count == 0 means the object is consistent as it stands.
 */
#define MIPC_REDO_WORDS		16u
struct mipc_redo {
	mipc_u64 count;				/* L */
	struct {
		mipc_u64 offset;	/* L: into the object, 8-aligned */
		mipc_u64 value;		/* L */
	} word[MIPC_REDO_WORDS];
};

enum mipc_kind { MIPC_SHM, MIPC_SEM, MIPC_MSG, MIPC_KINDS };

/* What is left of an object's life, in mipc_object.state. */
enum mipc_state {
	MIPC_ALIVE = 1,
	MIPC_REMOVED,		/* IPC_RMID; its key is free */
	MIPC_DESTROYED,		/* its files are going or gone */
};

/* What every object begins with. */
struct mipc_object {
	uint32_t magic;				/* C: written last */
	uint32_t format;			/* C */
	uint32_t kind;				/* C: enum mipc_kind */
	uint32_t page;				/* C: page size, bytes */
	mipc_u64 id;				/* C: but see store_anon.c */
	struct mipc_lock lock;
	mipc_u64 seq;				/* A: odd: J words change */
	struct mipc_redo redo;
	mipc_u64 state;				/* J: enum mipc_state */
	mipc_u64 key;				/* J: 0 once removed */
	mipc_u64 mode;				/* J: with SHM_DEST, _LOCKED */
	mipc_u64 uid;				/* J */
	mipc_u64 gid;				/* J */
	mipc_u64 ctime;				/* J: seconds */
	uint64_t cuid;				/* C */
	uint64_t cgid;				/* C */
	uint64_t cpid;				/* C: creator's, a display */
	uint64_t creator;			/* C: the life that made it */
	uint64_t born;				/* C: seconds */
	mipc_u64 unsettled;			/* J: 1 while the files' owners
						   and modes must follow */
	uint64_t spare[12];
	char command[MIPC_COMMAND];		/* C: creator's command line */
};

/*
 * One process's attaches of one segment.
 *	life	J: whose; 0 is a free entry
 *	count	J: number of attaches, at least 1
 *	pid	J: a display, and shm_lpid once the process is found dead
 *	since	J: first attach, seconds
 */
struct mipc_attach {
	mipc_u64 life;
	mipc_u64 count;
	mipc_u64 pid;
	mipc_u64 since;
};

#define MIPC_SEGMENT_NORESERVE	1u
#define MIPC_SEGMENT_HUGE	2u
#define MIPC_ATTACH_MAX		MIPC_SLOTS

struct mipc_segment {
	struct mipc_object object;
	uint64_t size;				/* C: bytes, as asked for */
	uint64_t pages;				/* C: pages it counts for */
	uint64_t flags;				/* C: MIPC_SEGMENT_* */
	uint64_t data;				/* C: inode of the data file, or
						   offset in the region */
	mipc_u64 atime;				/* J: seconds */
	mipc_u64 dtime;				/* J: seconds */
	mipc_u64 lpid;				/* J */
	mipc_u64 attached;			/* J: 1 once ever attached */
	mipc_u64 used;				/* J: none beyond is taken */
	mipc_u64 claimed;			/* L: entries that have space */
	uint64_t spare[6];
	struct mipc_attach entry[];		/* up to MIPC_ATTACH_MAX */
};

_Static_assert(sizeof(struct mipc_lock) == 24, "format 2");
_Static_assert(sizeof(struct mipc_object) == 768, "format 2");
_Static_assert(offsetof(struct mipc_object, state) == 320, "format 2");
_Static_assert(offsetof(struct mipc_segment, entry) == 896, "format 2");

/*
 * A transaction: words that change together (txn.c).
 *
 * The record of the one that was committed last, and of others that are being
 * written; a thread holds one while it writes, commits and applies.
 *	claim	A: the life that holds it, by CAS; 0 free
 *	done	A: number of its last transaction that has been applied
 *	the rest is written by the holder, and read by whoever helps
 */
struct mipc_party {
	mipc_u64 claim;
	mipc_u64 done;
	mipc_u64 count;
	uint64_t spare;
};
struct mipc_entry_word {
	mipc_u64 offset;	/* into the object, 8-aligned */
	mipc_u64 old, new;
};

#define MIPC_PARTIES		32u	/* small records */
#define MIPC_PARTY_BYTES	1024u	/* of each, or of what it is in */
#define MIPC_PARTY_WORDS						\
	((uint32_t)((MIPC_PARTY_BYTES - sizeof(struct mipc_party)) /	\
	sizeof(struct mipc_entry_word)))
#define MIPC_LARGE_PARTIES	3u

/*
 * T words but a semaphore's own: a value below, a change counter above.
 */
#define MIPC_T_VALUE(word)	((uint32_t)(word))
#define MIPC_T_NEXT(word, value)					\
	((((word) >> 32) + 1) << 32 | (uint32_t)(value))

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
 * One thread that sleeps in a set's queue.
 *	owner	A: its life, by CAS; 0 free.  The owner of a live one frees it
 *	state	T: enum mipc_sleep below, errno << 8; the low half is the futex
 *		word it sleeps on
 *	next, prev	T: neighbours in the queue, + 1; 0 none
 *	blocking	T: semaphore it waits on, 1 << 16 if for zero
 *	woken	A: counts the wakes that followed a change of state
 *	asleep	A: 1 once a signal would end the sleep; only then it is counted
 *		by GETNCNT and GETZCNT
 *	the rest O: written before it is queued, and constant while it is
 */
enum mipc_sleep {
	MIPC_SLEEP_IDLE,	/* not queued */
	MIPC_SLEEP_WAITING,
	MIPC_SLEEP_LOOK,	/* it is to look, and to list anew */
	MIPC_SLEEP_DONE,	/* performed, or failed; not queued */
};
#define MIPC_SLEEPER_OPS	22u
struct mipc_sleeper {
	mipc_u64 owner;
	mipc_u64 state;
	mipc_u64 next, prev;
	mipc_u64 blocking;
	mipc_u32 woken;
	mipc_u32 pid;
	mipc_u64 since;			/* seconds */
	mipc_u32 debtor;		/* entry for its debts, + 1 */
	mipc_u32 nops;
	mipc_u32 more;			/* sleeper that holds more ops, + 1 */
	mipc_u32 asleep;
	mipc_u64 op[MIPC_SLEEPER_OPS];	/* as mipc_op_pack() makes them */
	uint64_t spare;
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
#define MIPC_SLEEPERS		4096u

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
	mipc_u64 due;				/* T: 1: steps are to be done */
	mipc_u64 sleepers;			/* T: how many are queued */
	mipc_u64 head, tail;			/* T: the queue, + 1 */
	mipc_u64 watchman;			/* T: who listed last, + 1 */
	mipc_u64 gone;				/* T: 1: removed */
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

_Static_assert(MIPC_PARTY_WORDS == 41, "format 2");
_Static_assert(sizeof(struct mipc_debtor) == 64, "format 2");
_Static_assert(sizeof(struct mipc_debt_block) == 256, "format 2");
_Static_assert(sizeof(struct mipc_sleeper) == 256, "format 2");
_Static_assert(sizeof(struct mipc_sleeper_more) <= 256, "format 2");
_Static_assert(offsetof(struct mipc_semset, bell) == 896, "format 2");
_Static_assert(offsetof(struct mipc_semset, turn) == 960, "format 2");
_Static_assert(sizeof(struct mipc_semset) == 1096, "format 2");

/* What an index of a namespace holds, in mipc_entry.state. */
enum mipc_index_state {
	MIPC_INDEX_FREE,
	MIPC_INDEX_MAKING,	/* files may exist; visible to nobody */
	MIPC_INDEX_LIVE,
	MIPC_INDEX_DEST,	/* removed, goes when nothing maps it */
};

/*
 * One index of one kind.  A cache of what the directory says, kept exact by
 * the namespace lock and its intent; a file that an operator took away is
 * found missing when it is opened.
 *	state	A: enum mipc_index_state, changed under the namespace lock
 *	version	A: grows at every change of the object that a cached verdict
 *		about it may depend on (IPC_SET, IPC_RMID)
 *	id	A: as state
 *	life	A: MAKING: the maker; LIVE: the creator; DEST: one that was
 *		attached when last looked at, 0 if none is known
 *	pages	L: what it counts for in the kind's `pages`
 */
struct mipc_entry {
	mipc_u32 state;
	mipc_u32 version;
	mipc_u64 id;
	mipc_u64 life;
	uint64_t pages;
};

#define MIPC_INDEX_MAX	32768u	/* ids are sequence * 32768 + index */
#define MIPC_ATTENTION	(MIPC_INDEX_MAX / 64)

/* The counters of a kind: hints that recovery counts anew. */
struct mipc_census {
	mipc_u64 cursor;	/* L: where the next search begins */
	mipc_u64 last;		/* L: index given out last, + 1 */
	mipc_u64 sequence;	/* L */
	mipc_u64 in_use;	/* L: objects: see counts() in ns.c */
	mipc_u64 pages;		/* L: the sum of their pages */
	mipc_u64 top;		/* L: highest index that is not FREE, + 1 */
	mipc_u64 attention;	/* L: indices MAKING or DEST */
	mipc_u64 claimed;	/* L: indices whose entries have space */
};

enum mipc_limit {
	MIPC_SHMMAX,
	MIPC_SHMALL,
	MIPC_SHMMNI,
	MIPC_SHM_RMID_FORCED,
	MIPC_SEMMSL,
	MIPC_SEMMNS,
	MIPC_SEMOPM,
	MIPC_SEMMNI,
	MIPC_BARGING,
	MIPC_MSGMAX,
	MIPC_MSGMNB,
	MIPC_MSGMNI,
	MIPC_LIMITS = 16,
};

enum mipc_intent_op { MIPC_NO_INTENT, MIPC_CREATE, MIPC_REMOVE };

/*
 * What the holder of the namespace lock is doing to names; `op` is written
 * last and cleared first, so a record with an op is complete.
 */
struct mipc_intent {
	mipc_u64 op;		/* L: enum mipc_intent_op */
	mipc_u64 kind;		/* L */
	mipc_u64 id;		/* L */
	mipc_u64 key;		/* L */
};

struct mipc_space {
	uint32_t magic;				/* C: written last */
	uint32_t format;			/* C */
	uint32_t byte_order;			/* C */
	uint32_t page;				/* C: page size, bytes */
	uint64_t uid;				/* C: who made it */
	uint64_t born;				/* C: seconds */
	mipc_u64 limit[MIPC_LIMITS];		/* A */
	struct mipc_lock lock;
	struct mipc_intent intent;
	uint64_t region;			/* C: bytes, anonymous only */
	mipc_u64 heartbeats;			/* A: wakes that were lost and
						   found by a heartbeat */
	mipc_u64 wish[MIPC_KINDS];		/* A: the id the next object
						   shall have, + 1; 0 any */
	uint64_t spare[24];
	struct mipc_census census[MIPC_KINDS];
	mipc_u64 house[MIPC_HOUSES];		/* A: uid + 1, by CAS; 0 free */
	mipc_u64 attention[MIPC_KINDS][MIPC_ATTENTION];	/* L: bit set */
	struct mipc_entry entry[MIPC_KINDS][MIPC_INDEX_MAX];
};

#define MIPC_SPACE_PAGES(page)						\
	((sizeof(struct mipc_space) + (page) - 1) / (page))
_Static_assert(offsetof(struct mipc_space, census) == 448, "format 2");
_Static_assert(sizeof(struct mipc_entry) == 32, "format 2");

/*
 * An anonymous namespace: one region, addressed by pages.
 *
 *	struct mipc_space
 *	struct mipc_region
 *	lives		MIPC_SLOTS pages: head of the house, then slots
 *	page map	a bit for each page of the region, set if taken
 *	heads		MIPC_REGION_HEAD pages for each index of each kind
 *	data		extents of segments
 *
 * Heads have a place of their own for ever, so that a stale pointer to one
 * never points into somebody's data.
 */
#define MIPC_REGION_HEAD	32u
#define MIPC_REGION_KEYS	65536u	/* twice the indices */

struct mipc_region {
	struct mipc_lock lock;		/* covers page map and extents */
	uint64_t pages;			/* C: of the whole region */
	uint64_t lives, map, heads, data;	/* C: page numbers */
	mipc_u64 cursor;		/* L: where the next search begins */
	/*
	 * L: data of each index: first page << 32 | pages; 0 none.
	 */
	mipc_u64 extent[MIPC_KINDS][MIPC_INDEX_MAX];
	/*
	 * A, changed under the namespace lock: key << 32 | id + 1; 0 never
	 * used, ~0 used and free again.  Open addressing; nothing moves.
	 */
	mipc_u64 key[MIPC_KINDS][MIPC_REGION_KEYS];
};

/*
 * The first page of a file of lives.
 *	high	A: slots 1 .. high-1 have been used and have space
 *	cursor	A: slot given out last
 */
struct mipc_house_head {
	uint32_t magic;				/* C: written last */
	uint32_t format;			/* C */
	mipc_u64 high;
	mipc_u64 cursor;
};

/*
 * One life, in a page of its own.  Written only by whoever holds the lock on
 * the slot's byte of the house's .run file: the owner, or the parent that
 * prepares a fork.
 *	gen	O: grows when the slot is given out; a life of another gen is
 *		over
 *	born	A: MIPC_BORN once the process itself has taken over (a fork's
 *		child has not yet), by CAS against a parent that gives it up
 *	canary	O: where the canary word stands in this page, bytes; 0 none
 *	moult	O: where a second one stands, of a thread that is not the
 *		first of its process, for its exec; 0 none.  Written before
 *		the canary word
 */
enum mipc_birth_state { MIPC_UNBORN, MIPC_BORN, MIPC_GIVEN_UP };

struct mipc_slot {
	mipc_u64 gen;
	mipc_u64 born;
	mipc_u64 canary;
	mipc_u64 pid;				/* O: a display */
	mipc_u64 uid;				/* O: a display */
	mipc_u64 since;				/* O: seconds */
	mipc_u64 parent;			/* O: who forked it, or 0 */
	mipc_u64 waits;				/* O: id it sleeps on, + 1 */
	mipc_u64 waits_since;			/* O: seconds */
	mipc_u64 moult;
	uint64_t spare[6];
	char command[MIPC_COMMAND];		/* O */
};

_Static_assert(sizeof(struct mipc_slot) == 384, "format 2");

#endif
