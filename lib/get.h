/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * get.h - find an object by its key, or make it: what shmget and semget share.
 *
 * Depends on: ns.h.
 */
#ifndef MIPC_GET_H
#define MIPC_GET_H

#include <sys/types.h>

#include "ns.h"

/*
 * What a *get() asks for.  size: bytes or semaphores, which an existing object
 * must have.  create: [gate] make one; EEXIST: somebody took the key.
 */
struct mipc_wish {
	enum mipc_kind kind;
	key_t key;
	size_t size;
	int flags;
	int (*create)(struct mipc_ns *, struct mipc_gate *,
	    const struct mipc_wish *, uint64_t *id);
};

/* The identifier, or -1 with errno: clauses G1-G3. */
int	mipc_get(struct mipc_ns *, const struct mipc_wish *);

/* [gate] Fill what every new object's head says; the magic comes last. */
void	mipc_get_head(struct mipc_ns *, struct mipc_object *,
	    const struct mipc_wish *, uint64_t id);

#endif
