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
 *   sem.<id>: format_sem.h; msg.<id>: format_msg.h
 */
#ifndef MIPC_FORMAT_H
#define MIPC_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "mipc.h"

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

#define MIPC_KINDS		3	/* of enum mipc_kind */

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

_Static_assert(MIPC_PARTY_WORDS == 41, "format 2");

/*
 * T words but a semaphore's own: a value below, a change counter above.
 */
#define MIPC_T_VALUE(word)	((uint32_t)(word))
#define MIPC_T_NEXT(word, value)					\
	((((word) >> 32) + 1) << 32 | (uint32_t)(value))

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
	mipc_u64 still;				/* A: the life that asks all to
						   keep still, 0 none: see
						   still.c */
	uint64_t spare[23];
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
 *	heads		MIPC_VIEW_HEAD pages for each index of each kind
 *	data		extents of segments
 *
 * Heads have a place of their own for ever, so that a stale pointer to one
 * never points into somebody's data.
 */
#define MIPC_VIEW_HEAD	32u
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
