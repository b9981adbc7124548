/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_op.c - the calls of semaphore sets.
 */
#include <errno.h>

#include "mipc.h"
#include "sys.h"

static int
absent(void)
{
	errno = ENOSYS;
	return -1;
}

MIPC_PUBLIC int
mipc_semget(struct mipc_ns *ns, key_t key, int nsems, int flags)
{
	(void)ns, (void)key, (void)nsems, (void)flags;
	return absent();
}

MIPC_PUBLIC int
mipc_semtimedop(struct mipc_ns *ns, int semid, struct sembuf *ops,
    size_t nops, const struct timespec *timeout)
{
	(void)ns, (void)semid, (void)ops, (void)nops, (void)timeout;
	return absent();
}

MIPC_PUBLIC int
mipc_semop(struct mipc_ns *ns, int semid, struct sembuf *ops, size_t nops)
{
	return mipc_semtimedop(ns, semid, ops, nops, NULL);
}

MIPC_PUBLIC int
mipc_semctl(struct mipc_ns *ns, int semid, int semnum, int cmd, ...)
{
	(void)ns, (void)semid, (void)semnum, (void)cmd;
	return absent();
}
