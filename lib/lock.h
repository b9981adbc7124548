/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.h - a lock a successor takes over from the dead, and the redo record
 * that makes a change of many words one.
 *
 * Depends on: format.h, futex.h, life.h.
 * Locks: the caller is inside the gate for try and unlock, outside for sleep.
 */
#ifndef MIPC_LOCK_H
#define MIPC_LOCK_H

#include "format.h"
#include "life.h"

/*
 * Take the lock if it is free or its owner is dead.  Returns 0; EOWNERDEAD,
 * taken from the dead: what they left must be finished first; or EBUSY.
 */
int	mipc_lock_try(struct mipc_lock *, struct mipc_lives *, mipc_life self);
void	mipc_lock_release(struct mipc_lock *);

/* Wait until trying again is worth it, 10 ms at most. */
void	mipc_lock_sleep(struct mipc_lock *);

/*
 * The same for an object's lock; the redo record of a dead owner is finished
 * before it returns 0.  `size` is how much of the object is mapped.  Errors:
 * EBUSY; EIO: the bytes are not those of an object.
 */
int	mipc_object_try(struct mipc_object *, uint64_t size,
	    struct mipc_lives *, mipc_life self);
void	mipc_object_release(struct mipc_object *);

/*
 * Under the object's lock: name words and their new values, then make all of
 * them real at once.  At most MIPC_REDO_WORDS in one change.
 */
struct mipc_change {
	struct mipc_object *object;
	uint32_t count;
	struct {		/* ours: what is shared may be tampered with */
		mipc_u64 *at;
		uint64_t value;
	} word[MIPC_REDO_WORDS];
};
void	mipc_change_begin(struct mipc_change *, struct mipc_object *);
void	mipc_change_set(struct mipc_change *, mipc_u64 *word, uint64_t value);
void	mipc_change_commit(struct mipc_change *);

/*
 * Reading J words without the lock: take the sequence, read, and ask whether
 * what was read is one state.  mipc_seq_begin returns an odd number while
 * somebody changes it (or died changing it: then the lock's way settles it).
 */
uint64_t mipc_seq_begin(struct mipc_object *);
bool	mipc_seq_same(struct mipc_object *, uint64_t seq);

#endif
