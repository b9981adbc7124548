/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * still.h - asking all of a namespace to keep still for a moment.
 *
 * Depends on: ns.h.  Locks: none may be held.
 */
#ifndef MIPC_STILL_H
#define MIPC_STILL_H

#include "ns.h"

#define MIPC_STILL_MOST_NS	500000000u	/* that anybody waits */
#define MIPC_STILL_ASKED_NS	250000000u	/* that who asks goes on */

/*
 * For calls that change something, before they are in any object: while
 * somebody who is alive asks for it, wait, MIPC_STILL_MOST_NS at most.
 */
void	mipc_still_wait(struct mipc_ns *) __attribute__((cold));
static inline bool
mipc_still_asked(struct mipc_ns *ns)
{
	return __builtin_expect(mipc_peek(&ns->space->still) != 0, 0);
}

static inline void
mipc_still_pass(struct mipc_ns *ns)
{
	if (mipc_still_asked(ns))
		mipc_still_wait(ns);
}

/* One who asks.  Signals are blocked from begin to end. */
struct mipc_still {
	struct mipc_ns *ns;
	mipc_life self;
	uint64_t signals;
};
void	mipc_still_begin(struct mipc_still *, struct mipc_ns *);
/* Ask, if nobody who is alive does; again, if it was taken back. */
void	mipc_still_ask(struct mipc_still *);
void	mipc_still_end(struct mipc_still *);

#endif
