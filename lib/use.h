/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * use.h - an object that a call is in, and what its caller may do there.
 *
 * Depends on: ns.h, thread.h.
 * Locks: none may be held.
 */
#ifndef MIPC_USE_H
#define MIPC_USE_H

#include "ns.h"
#include "thread.h"

struct mipc_use {
	struct mipc_ns *ns;
	struct mipc_opened *opened;
	struct mipc_thread *thread;
	struct mipc_inside inside;
	bool pinned;			/* counted, not by the thread's word */
};

/*
 * What a call begins with that may sleep, or that others sleep for: a sleep
 * that the thread has not come back from ends.
 */
void	mipc_use_begin(void);

/*
 * The object, kept mapped until leave.  EINVAL: there is none; EACCES, EIO,
 * ENOMEM, EMFILE.
 */
int	mipc_use_enter(struct mipc_use *, struct mipc_ns *, enum mipc_kind,
	    int id);
/* The same for one that is open, pinned by the caller; it may be removed. */
int	mipc_use_hold(struct mipc_use *, struct mipc_ns *,
	    struct mipc_opened *);
void	mipc_use_leave(struct mipc_use *);

/* Does the namespace still say that this is a living object? */
static inline bool
mipc_use_listed(const struct mipc_opened *opened)
{
	const struct mipc_entry *entry = opened->listed;

	return mipc_peek(&entry->id) == opened->id &&
	    mipc_take(&entry->state) == MIPC_INDEX_LIVE;
}

/* Is it still the object of this id, and not removed? */
static inline bool
mipc_use_lives(const struct mipc_use *use)
{
	return mipc_take(&use->opened->head->id) == use->opened->id &&
	    mipc_use_listed(use->opened);
}

/* Is it still an object at all, or has somebody written over it? */
static inline bool
mipc_use_sound(const struct mipc_use *use)
{
	return use->opened->head->magic == MIPC_MAGIC_OBJECT;
}

/*
 * A verdict is what the caller may do, with everything it depends on: the
 * version of the object's entry in the namespace and the caller's credentials.
 *	bits 0-2 granted; 3-31 credentials, never 0; 32-63 version
 * It is that object's alone, since a later one there has a later version.
 */
static inline uint64_t
mipc_use_basis(const struct mipc_opened *opened)
{
	return (uint64_t)mipc_take(&opened->listed->version) << 32 |
	    mipc_cred_stamp();
}

/* May the caller do this: 4 reads, 2 alters?  0 or EACCES, EINVAL. */
int	mipc_use_permit_closely(struct mipc_use *, unsigned asked);
static inline int
mipc_use_permit(struct mipc_use *use, unsigned asked)
{
	uint64_t verdict = mipc_take(&use->opened->verdict);

	return (verdict & ~7ull) == mipc_use_basis(use->opened) &&
	    (asked & ~verdict) == 0 ? 0 : mipc_use_permit_closely(use, asked);
}

/* Before a sleep, for as long as one costs: 0, it is there; EAGAIN, EINTR. */
int	mipc_use_look(struct mipc_use *, bool (*is_there)(void *), void *arg);

/* This process's life, begun if need be. */
int	mipc_use_life(struct mipc_use *, mipc_life *);

/* Give bytes of the object space: an error, where touching is a signal. */
int	mipc_use_give_space(struct mipc_use *, uint64_t offset,
	    uint64_t length);

#endif
