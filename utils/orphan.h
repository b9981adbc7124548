/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * orphan.h - objects that nobody alive uses.
 */
#ifndef MIPC_ORPHAN_H
#define MIPC_ORPHAN_H

#include "mipc.h"

#include <stddef.h>

/* Who lives in a namespace. */
struct living {
	struct mipc_look_process *all;
	size_t n;
};

/* Returns 0, or -1 with errno; for orphan_done(). */
int	orphan_begin(struct mipc_ns *, struct living *);
void	orphan_done(struct living *);

/*
 * Is an object thought to be one, and why?  Returns 1 with the reason; 0: no;
 * or -1 with errno, as mipc_look_object().
 */
enum { REASON = 128 };
int	orphan_judge(struct mipc_ns *, const struct living *,
	    const struct mipc_look_object *, char reason[static REASON]);

#endif
