/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate.h - one thread of the process at a time changes what the library
 * keeps privately, with signals blocked; and no fork falls in between.
 *
 * Depends on: futex.h, sys.h.
 * Locks: the gate is the outermost lock.  Shared locks (the namespace's, an
 * object's) are only tried while it is held; who must wait for one leaves
 * the gate first, so that a stopped process elsewhere never blocks this one's
 * threads, handlers or forks.
 */
#ifndef MIPC_GATE_H
#define MIPC_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

struct mipc_gate {
	uint64_t signals;	/* the caller's mask */
	bool nested;		/* by the thread that is forking */
};

void	mipc_gate_enter(struct mipc_gate *);
void	mipc_gate_leave(struct mipc_gate *);
/*
 * Odd while a thread is inside, and never the same twice: what was found
 * during a visit still holds if the program alone could have changed it.
 */
extern mipc_u64 mipc_gate_visit;

/*
 * What happens around a fork.  `before` and the other two run inside the
 * gate.  `child` is told whether `before` ran in the parent: not so for a
 * child made by a raw system call, which is noticed at its first call.
 */
struct mipc_fork_hooks {
	void (*before)(void);
	void (*parent)(void);
	void (*child)(bool prepared);
};

/* Once, before anything that a child must do without is made. */
void	mipc_gate_prepare(const struct mipc_fork_hooks *);

/*
 * To be called at every public entry: a child that was forked behind the
 * library's back becomes a process of its own here.
 */
/* What a fork's child may find 0. */
extern mipc_u32 *mipc_gate_mark MIPC_HIDDEN;
void	mipc_gate_check_closely(void);
static inline bool
mipc_gate_is_fine(void)
{
	return __builtin_expect(mipc_peek(mipc_gate_mark) != 0, 1);
}

static inline void
mipc_gate_check(void)
{
	if (!mipc_gate_is_fine())
		mipc_gate_check_closely();
}

#endif
