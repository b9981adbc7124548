/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach.h - this process's table of attached addresses.
 *
 * Depends on: segment.h, sweep.h.  Locks: [gate] throughout, but for
 * mipc_attach_unmapped().
 */
#ifndef MIPC_ATTACH_H
#define MIPC_ATTACH_H

#include "segment.h"

/*
 * A piece of an attach: all of it, until part is unmapped or mapped over.
 * Pieces of one attach share its serial number.
 */
struct mipc_piece {
	char *address;
	size_t length;			/* bytes, whole pages */
	char *base;			/* what shmat() returned */
	uint64_t serial;
	struct mipc_ns *ns;
	struct mipc_opened *opened;	/* pinned, once an attach */
	bool writable, executable, whole;
};

/* Room for what one call may add, so that it cannot fail half way. */
int	mipc_attach_reserve(void);
/* Enter an attach; what it lies over (and replaced) is cut out of others. */
void	mipc_attach_add(const struct mipc_piece *, bool replaced,
	    struct mipc_gate *);
/* A whole attach of the same segment and access to duplicate, or NULL. */
const struct mipc_piece *mipc_attach_like(const struct mipc_opened *,
	    bool writable, bool executable);
/* Unmap all pieces of the attach that begins here; false if there is none. */
bool	mipc_attach_remove(const struct mipc_ns *, const void *address,
	    struct mipc_gate *);
/* Call `each` for the pieces of one segment. */
void	mipc_attach_each(const struct mipc_opened *,
	    void (*each)(const struct mipc_piece *));
/* Forget those of a segment that the program has unmapped itself. */
void	mipc_attach_verify(const struct mipc_opened *, struct mipc_gate *);

/*
 * The program has unmapped, or mapped over, this range itself.  Any thread,
 * outside the gate; cheap where nothing is attached.  The first call promises
 * that all such changes are told.
 */
void	mipc_attach_unmapped(const void *address, size_t length);
/* The same: it has moved this range elsewhere by mremap(2). */
void	mipc_attach_moved(const void *old, size_t length, void *new);
/* Has that promise been made? */
bool	mipc_attach_told(void);

extern const struct mipc_fork_hooks mipc_attach_hooks;
/* Where the namespaces that a fork concerns are linked. */
void	mipc_attach_follow(struct mipc_ns **);

#endif
