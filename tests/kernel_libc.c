/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_libc.c - the kernel's calls by libc's names.
 */
#include "kernel.h"

#include <fcntl.h>

const bool kernel_is_apart = false;

void
kernel_guard(void)
{
}

int
kernel_shmget(key_t key, size_t size, int flags)
{
	return shmget(key, size, flags);
}

void *
kernel_shmat(int id, const void *addr, int flags)
{
	return shmat(id, addr, flags);
}

int
kernel_shmdt(const void *addr)
{
	return shmdt(addr);
}

int
kernel_shmctl(int id, int cmd, struct shmid_ds *buf)
{
	return shmctl(id, cmd, buf);
}

int
kernel_semget(key_t key, int nsems, int flags)
{
	return semget(key, nsems, flags);
}

int
kernel_semtimedop(int id, struct sembuf *ops, size_t nops,
    const struct timespec *timeout)
{
	return semtimedop(id, ops, nops, timeout);
}

int
kernel_semctl(int id, int num, int cmd, union semun arg)
{
	return semctl(id, num, cmd, arg);
}

int
kernel_msgget(key_t key, int flags)
{
	return msgget(key, flags);
}

int
kernel_msgsnd(int id, const void *message, size_t size, int flags)
{
	return msgsnd(id, message, size, flags);
}

ssize_t
kernel_msgrcv(int id, void *message, size_t size, long type, int flags)
{
	return msgrcv(id, message, size, type, flags);
}

int
kernel_msgctl(int id, int cmd, struct msqid_ds *buf)
{
	return msgctl(id, cmd, buf);
}

int
kernel_open(const char *path, int flags)
{
	return open(path, flags);
}
