/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ns.h - a namespace: which objects there are, by id and by key, and this
 * process's cache of those it has opened.
 *
 * Depends on: store.h, gate.h, lock.h.
 * Locks: [gate] expects the caller inside the gate, [ns] with the namespace
 * lock too, [object] with the object's.  Order: gate, namespace, object.
 */
#ifndef MIPC_NS_H
#define MIPC_NS_H

#include "cred.h"
#include "format_msg.h"
#include "format_sem.h"
#include "gate.h"
#include "lock.h"
#include "store.h"
#include "txn.h"

/*
 * An object this process has opened.  Nodes are never given back to the
 * system, so a stale pointer may be pinned, looked at again and dropped.
 *	pins	A: who keeps it from being unmapped
 *	the rest changes inside the gate
 *
 * An operation on one of many sets looks at the first line of the cache alone.
 */
struct mipc_opened {
	_Alignas(64) uint64_t id;
	struct mipc_object *head;
	uint64_t size;			/* checked copy: bytes of a segment,
					   semaphores of a set */
	mipc_u64 verdict;		/* A: a set's; see sem_set.c */
	mipc_u64 debtor_life;		/* A: whose entry `debtor` is */
	mipc_u32 debtor;		/* A: + 1; a hint */
	mipc_u32 patience;		/* A: see patience.h */
	mipc_u32 pins;
	mipc_u32 yields;		/* A: the same */
	enum mipc_kind kind;
	struct mipc_entry *listed;	/* its index's, in the namespace */
	uint64_t data;			/* checked copy, of a segment */
	struct mipc_sem_layout layout;	/* a set's: constant */
	struct mipc_msg_layout msg_layout;	/* a queue's */
	struct mipc_site site[MIPC_BOARDS];	/* the same */
	struct mipc_view map;
	/* A segment's attaches by this process. */
	uint32_t attaches;
	uint32_t entry;			/* of the segment, if attaches > 0 */
	uint32_t child_entry;		/* prepared for a fork's child, + 1 */
	int kept_fd;
	struct mipc_opened *next, **link;	/* attached ones; free ones */
};

struct mipc_keys;

struct mipc_ns {
	struct mipc_store *store;
	struct mipc_space *space;
	struct mipc_lives *lives;
	_Atomic(struct mipc_opened *) *opened[MIPC_KINDS];
	struct mipc_keys *keys;
	struct mipc_opened *free, *retired, *attached;
	uint32_t cached;		/* objects in `opened` */
	uint32_t handles;		/* given out by mipc_open() */
	uint32_t passed;		/* indices that could not be used, since
					   an object was made */
	struct mipc_ns *next;
};

/* --- ns.c: the table of indices ---------------------------------------- */

/*
 * [gate] Take the namespace lock, finishing what a dead owner left.  Leaves
 * and enters the gate again while it waits, or says EBUSY if `gate` is NULL.
 * 0, or why there is no life.
 */
int	mipc_ns_lock(struct mipc_ns *, struct mipc_gate *);
void	mipc_ns_unlock(struct mipc_ns *);

/* [ns] Count what a kind's counters count, anew. */
void	mipc_ns_recount(struct mipc_ns *, enum mipc_kind);
/*
 * [ns] Reserve an id for an object that counts for `pages`.  ENOSPC when
 * `most` are in use.
 */
int	mipc_ns_reserve(struct mipc_ns *, enum mipc_kind, uint64_t most,
	    uint64_t pages, uint64_t *id);
/*
 * [ns] Make the object visible, under its key if that is not 0.  EEXIST: a
 * living object has the key.
 */
int	mipc_ns_commit(struct mipc_ns *, enum mipc_kind, uint64_t id,
	    uint32_t key);
/* [ns] Take a key away and say that the object is removed. */
int	mipc_ns_remove(struct mipc_ns *, enum mipc_kind, uint64_t id,
	    uint32_t key);
/*
 * [ns] Remove what is left of an object whose index is in this state, and
 * free the index.  Another state, or another object: nothing.
 */
int	mipc_ns_release(struct mipc_ns *, enum mipc_kind, uint64_t id,
	    enum mipc_index_state);

/* The index's entry if it holds this id, LIVE or DEST; else NULL. */
struct mipc_entry *mipc_ns_entry(struct mipc_ns *, enum mipc_kind,
	    uint64_t id);
/* The entry of an id's index, whatever it holds. */
static inline struct mipc_entry *
mipc_ns_entry_of(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id)
{
	return &ns->space->entry[kind][id % MIPC_INDEX_MAX];
}
/* What is at an index, LIVE or DEST; else NULL. */
struct mipc_entry *mipc_ns_at(struct mipc_ns *, enum mipc_kind,
	    uint64_t index);
/* Highest index in use, 0 when none is. */
int	mipc_ns_highest(struct mipc_ns *, enum mipc_kind);

/* [gate] The object that has this key: 0 or ENOENT. */
int	mipc_ns_find(struct mipc_ns *, enum mipc_kind, uint32_t key,
	    uint64_t *id);

/* --- ns_open.c: limits ------------------------------------------------- */

/* The name of a limit and how much it may be; NULL: there is none. */
const char *mipc_ns_limit(enum mipc_limit, uint64_t *most);

/* --- object.c: opened objects ------------------------------------------ */

/* Any thread: the object if it is open here, pinned; else NULL. */
struct mipc_opened *mipc_ns_pin(struct mipc_ns *, enum mipc_kind,
	    uint64_t id);
void	mipc_ns_unpin(struct mipc_opened *);

/*
 * [gate] The object, opened if need be, pinned.  EINVAL: no such object;
 * EACCES; EIO: damaged; ENOMEM, EMFILE.
 */
int	mipc_ns_get(struct mipc_ns *, enum mipc_kind, uint64_t id,
	    struct mipc_opened **);
/* [gate] The same for a head that has just been made and mapped. */
int	mipc_ns_adopt(struct mipc_ns *, enum mipc_kind, uint64_t id,
	    struct mipc_view *, struct mipc_opened **);
/* Where everything is in an opened queue, of so many bytes. */
void	mipc_ns_lay_queue(struct mipc_ns *, struct mipc_opened *,
	    uint64_t room);
/* [gate] Forget an opened object, unmapped as soon as nobody pins it. */
void	mipc_ns_forget(struct mipc_ns *, enum mipc_kind, uint64_t id);
/* [gate] Unmap objects that are not in use; how many went. */
uint32_t mipc_ns_evict(struct mipc_ns *);

/*
 * [gate] Lock an object, leaving and entering the gate while it waits.  0, or
 * EIO, or why there is no life.
 */
int	mipc_ns_lock_object(struct mipc_ns *, struct mipc_gate *,
	    struct mipc_opened *);
/* The same, but EBUSY in place of waiting. */
int	mipc_ns_try_object(struct mipc_ns *, struct mipc_opened *);

/* [object] Make the files' owners and modes those that the head says. */
int	mipc_ns_settle_perm(struct mipc_ns *, struct mipc_opened *);

/* [gate] What decides about access, read as one; or as lock_object. */
int	mipc_ns_perm(struct mipc_ns *, struct mipc_gate *,
	    struct mipc_opened *, struct mipc_perm *);

/* --- keys.c: verdicts about keys, kept by this process ----------------- */

struct mipc_known {
	enum mipc_kind kind;
	uint32_t key;
	uint32_t version;		/* of the entry when this was read */
	uint64_t id;
	uint64_t size;			/* as mipc_opened's */
	struct mipc_perm perm;
};
/* Any thread: what is known and still true about a key. */
bool	mipc_keys_find(struct mipc_ns *, enum mipc_kind, uint32_t key,
	    struct mipc_known *);
/* [gate] */
void	mipc_keys_learn(struct mipc_ns *, const struct mipc_known *);
/* Size of the table that ns->keys points to, zero-filled at first. */
size_t	mipc_keys_bytes(void);

#endif
