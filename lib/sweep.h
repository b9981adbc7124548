/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sweep.h - what nobody came back to finish.
 *
 * Depends on: segment.h.
 */
#ifndef MIPC_SWEEP_H
#define MIPC_SWEEP_H

#include "segment.h"

/*
 * [gate] Look at everything that needs attention: half-made objects of dead
 * makers go, and so do removed segments that nothing maps any more.  Never
 * waits for an object's lock; nor for the namespace's if `gate` is NULL.
 */
void	mipc_sweep(struct mipc_ns *, struct mipc_gate *);

/*
 * Any thread, outside the gate: sweep if a look that costs no system call
 * finds something to do.  At every call into the namespace.
 */
void	mipc_sweep_if_due(struct mipc_ns *);

/*
 * Any thread, no system call if its owner has a canary: does somebody die
 * who was changing names, perhaps removing what the caller sleeps on?  Bells
 * ring before the lock can be taken over.
 */
bool	mipc_sweep_names_left(struct mipc_ns *);

/*
 * [gate] The same for one removed segment, pinned by the caller, whatever its
 * witness says.
 */
void	mipc_sweep_one(struct mipc_ns *, struct mipc_gate *, uint64_t id);

/* [gate] Clear away a removed set or queue: its mappings do not matter. */
void	mipc_sweep_removed(struct mipc_ns *, struct mipc_gate *,
	    enum mipc_kind, uint64_t id);

/*
 * [gate] Is this removed segment one that nobody known uses, and that the
 * caller may only not clear away?  Its owner, or root, will; for the caller it
 * is gone.
 */
bool	mipc_sweep_seems_over(struct mipc_ns *, struct mipc_opened *);

#endif
