/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control.h - what shmctl and semctl share: owners and permissions.
 *
 * Depends on: ns.h.  Locks: [gate] throughout, but for may_read.
 */
#ifndef MIPC_CONTROL_H
#define MIPC_CONTROL_H

#include <sys/ipc.h>

#include "ns.h"

#define MIPC_IPC_64	0x100	/* G10: a flag of commands, ignored */

/*
 * G4: does the caller own it?  `failed` is why it could not be opened, 0 if
 * it was; then what its file says decides.  0, EPERM, or `failed`.
 */
int	mipc_control_owner(struct mipc_ns *, struct mipc_gate *,
	    struct mipc_opened *, enum mipc_kind, uint64_t id, int failed);
/*
 * The object, pinned, if it can be opened: *failed 0; and whether it is the
 * caller's: 0, EPERM, or why that cannot be told.
 */
int	mipc_control_owned(struct mipc_ns *, struct mipc_gate *,
	    enum mipc_kind, uint64_t id, struct mipc_opened **, int *failed);
/*
 * G5: new owner and mode in the head, then in the files; or neither.  With
 * them a J word of the object gets a value, if it is not NULL.
 */
int	mipc_control_set(struct mipc_ns *, struct mipc_gate *,
	    struct mipc_opened *, const struct ipc_perm *, mipc_u64 *word,
	    uint64_t value);
/* The key goes, and the namespace says that the object is removed. */
int	mipc_control_take_name(struct mipc_ns *, struct mipc_gate *,
	    enum mipc_kind, uint64_t id, uint32_t key);
/* Not in the gate: the id at an index, EINVAL. */
int	mipc_control_at_index(struct mipc_ns *, enum mipc_kind, int index,
	    int *id);
/* Not in the gate: what the files show of one that may not be opened. */
int	mipc_control_stranger(struct mipc_ns *, enum mipc_kind, uint64_t id,
	    struct ipc_perm *);
/* G7. */
bool	mipc_control_may_read(const struct ipc_perm *);
/* What IPC_STAT says of an object's permissions; read between sequences. */
void	mipc_control_perm(const struct mipc_opened *, struct ipc_perm *);

#endif
