/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patience.h - looking a while, or letting others run, before sleeping.
 *
 * Depends on: sys.h, atomic.h.  Locks: none may be held.
 */
#ifndef MIPC_PATIENCE_H
#define MIPC_PATIENCE_H

#include "atomic.h"

/*
 * Look whether there is something, for about as long as a sleep costs: true
 * if there is.  What that is worth is kept in *kept, 0 at first, for an
 * object: success restores the whole budget, failure takes an eighth, and
 * when none is left one in many sleeps tries it all.
 */
bool	mipc_patience(mipc_u32 *kept, bool (*is_there)(void *), void *arg);

/*
 * Let others have this processor for once, and look then: 0, it is there;
 * EAGAIN; EINTR, a handler ran.  As above, in *kept, for as long as that is
 * quicker than a sleep.
 */
int	mipc_patience_yield(mipc_u32 *kept, bool (*is_there)(void *),
	    void *arg);

#endif
