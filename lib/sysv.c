/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysv.c - libc's names over the default namespace.
 *
 * A program that is linked with libmipc-sysv before libc gets System V IPC
 * from here without a change of its sources.  The preload module compiles
 * this same file, with its own idea of how the namespace is found and of
 * what a pointer may be (preload/names.c).
 *
 * Semaphores and message queues have the names too, so that no program uses
 * the kernel's for the one and mipc's for the other by accident: they fail
 * with ENOSYS.
 */
#include "sys.h"
#include "mipc.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <errno.h>

#ifndef SYSV_NAMESPACE
#define SYSV_NAMESPACE	mipc_default
#define SYSV_SHMCTL	mipc_shmctl
#endif

static int
no_such_facility(void)
{
	errno = ENOSYS;
	return -1;
}

MIPC_PUBLIC key_t
ftok(const char *path, int project)
{
	return mipc_ftok(path, project);
}

MIPC_PUBLIC int
shmget(key_t key, size_t size, int flags)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 : mipc_shmget(ns, key, size, flags);
}

MIPC_PUBLIC void *
shmat(int shmid, const void *addr, int flags)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? (void *)-1 : mipc_shmat(ns, shmid, addr, flags);
}

MIPC_PUBLIC int
shmdt(const void *addr)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 : mipc_shmdt(ns, addr);
}

MIPC_PUBLIC int
shmctl(int shmid, int cmd, struct shmid_ds *buf)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 : SYSV_SHMCTL(ns, shmid, cmd, buf);
}

MIPC_PUBLIC int
semget(key_t key, int nsems, int flags)
{
	(void)key, (void)nsems, (void)flags;
	return no_such_facility();
}

MIPC_PUBLIC int
semop(int semid, struct sembuf *ops, size_t nops)
{
	(void)semid, (void)ops, (void)nops;
	return no_such_facility();
}

MIPC_PUBLIC int
semtimedop(int semid, struct sembuf *ops, size_t nops,
    const struct timespec *timeout)
{
	(void)semid, (void)ops, (void)nops, (void)timeout;
	return no_such_facility();
}

MIPC_PUBLIC int
semctl(int semid, int number, int cmd, ...)
{
	(void)semid, (void)number, (void)cmd;
	return no_such_facility();
}

MIPC_PUBLIC int
msgget(key_t key, int flags)
{
	(void)key, (void)flags;
	return no_such_facility();
}

MIPC_PUBLIC int
msgsnd(int msqid, const void *message, size_t size, int flags)
{
	(void)msqid, (void)message, (void)size, (void)flags;
	return no_such_facility();
}

MIPC_PUBLIC ssize_t
msgrcv(int msqid, void *message, size_t size, long type, int flags)
{
	(void)msqid, (void)message, (void)size, (void)type, (void)flags;
	return no_such_facility();
}

MIPC_PUBLIC int
msgctl(int msqid, int cmd, struct msqid_ds *buf)
{
	(void)msqid, (void)cmd, (void)buf;
	return no_such_facility();
}
