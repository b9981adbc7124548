/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * get.h - find an object by its key, or make it: what shmget and semget share.
 * Functions of a maker are called inside the gate.
 *
 * Depends on: ns.h.
 */
#ifndef MIPC_GET_H
#define MIPC_GET_H

#include <sys/types.h>

#include "ns.h"

struct mipc_wish;

/*
 * How objects of a kind are made.
 *	most, total	limits of their number, and of the sum of their weights
 *	weigh	may there be one like this, and what does it count for?
 *	make	make its files under an id that is reserved, and adopt it;
 *		EAGAIN: another index is wanted
 */
struct mipc_maker {
	enum mipc_kind kind;
	enum mipc_limit most, total;
	int (*weigh)(struct mipc_ns *, const struct mipc_wish *,
	    uint64_t *weight);
	int (*make)(struct mipc_ns *, const struct mipc_wish *, uint64_t id);
};

/*
 * What a *get() asks for.  size: bytes or semaphores, which an existing object
 * must have.
 */
struct mipc_wish {
	const struct mipc_maker *maker;
	key_t key;
	size_t size;
	int flags;
};

/* The identifier, or -1 with errno: clauses G1-G3. */
int	mipc_get(struct mipc_ns *, const struct mipc_wish *);

/* [gate] Fill what every new object's head says; the magic comes last. */
void	mipc_get_head(struct mipc_ns *, struct mipc_object *,
	    const struct mipc_wish *, uint64_t id);

#endif
