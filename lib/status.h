/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * status.h - what IPC_STAT tells of an object, read without opening it: for
 * lists of many, and for namespaces that may only be read.
 *
 * Depends on: ns.h.  Locks: none; not in the gate.
 */
#ifndef MIPC_STATUS_H
#define MIPC_STATUS_H

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "ns.h"

/*
 *	owner	who has the object's lock, 0 nobody; since when
 *	torn	somebody changed it each time that it was read, or died or was
 *		stopped amidst a change
 *	hidden	it may not be opened: the file system shows owner and mode,
 *		and a segment's size
 */
struct mipc_status {
	union {
		struct ipc_perm perm;	/* is the first of each */
		struct shmid_ds shm;
		struct semid_ds sem;
		struct msqid_ds msg;
	} ds;
	mipc_life owner;
	uint64_t since;
	bool torn, hidden;
};

/*
 * 0, or: EINVAL there is no such object, or it is removed and nobody uses it;
 * ENOENT it is listed, and its file is missing; EIO damaged; EMFILE.
 */
int	mipc_status_read(struct mipc_ns *, enum mipc_kind, uint64_t id,
	    struct mipc_status *);

/* As IPC_STAT, or *_STAT_ANY: EACCES without permission; ENOENT is EINVAL. */
int	mipc_status_stat(struct mipc_ns *, enum mipc_kind, uint64_t id,
	    bool any, struct mipc_status *);

#endif
