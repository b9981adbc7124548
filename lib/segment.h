/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * segment.h - who has a segment attached, as the segment itself says.
 *
 * Depends on: ns.h.
 * Locks: [object] expects the caller inside the gate with the segment locked.
 */
#ifndef MIPC_SEGMENT_H
#define MIPC_SEGMENT_H

#include "ns.h"

static inline struct mipc_segment *
mipc_segment_of(const struct mipc_opened *opened)
{
	return (struct mipc_segment *)(void *)opened->head;
}

/* Entries that stand in the first page of a segment's file. */
uint64_t mipc_segment_first_page(size_t page);

/* How many entries may be looked at. */
uint64_t mipc_segment_entries(const struct mipc_opened *);

/* Does an attach of this life count no more? */
bool	mipc_segment_over(struct mipc_ns *, mipc_life);

/*
 * How many attaches living processes have.  *dead: some entry belongs to a
 * dead one, to be settled under the lock.  *witness, if asked: one that lives.
 */
uint64_t mipc_segment_count(struct mipc_ns *, struct mipc_opened *,
	    bool *dead, mipc_life *witness);

/* [object] Remove the entries of the dead: H6. */
void	mipc_segment_settle(struct mipc_ns *, struct mipc_opened *);

/*
 * [object] Count `n` more attaches for a life, whose entry is *index if it has
 * one (*known).  `pid` did it.  ENOSPC when the table cannot grow.
 */
struct mipc_attacher {
	mipc_life life;
	uint64_t pid;
	uint32_t index;
	bool known;
};
int	mipc_segment_enter(struct mipc_ns *, struct mipc_opened *,
	    struct mipc_attacher *, uint64_t n);

/*
 * [object] Enter `n` attaches of a fork's child: one store makes them real,
 * so that a fork with many attaches stays fast.
 */
int	mipc_segment_inherit(struct mipc_ns *, struct mipc_opened *,
	    struct mipc_attacher *, uint64_t n);

/* [object] Count one attach less; the last one frees the entry. */
void	mipc_segment_leave(struct mipc_opened *, const struct mipc_attacher *);

/* [object] Say so in the segment: removed, key gone, SHM_DEST (H7). */
void	mipc_segment_mark_removed(struct mipc_opened *);

/* [object] Say so: its files go now. */
void	mipc_segment_mark_destroyed(struct mipc_opened *);

#endif
