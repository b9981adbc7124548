/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h - the kernel's System V IPC for the differential tests, whoever
 * stands behind libc's names.
 *
 *	kernel_libc.c	libc's names are the kernel's
 *	kernel_raw.c	they are the preload module's; so the calls are made
 *			by the instruction, and no others get through
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <sys/types.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *__buf;
};

int	kernel_shmget(key_t key, size_t size, int flags);
void	*kernel_shmat(int id, const void *addr, int flags);
int	kernel_shmdt(const void *addr);
int	kernel_shmctl(int id, int cmd, struct shmid_ds *buf);
int	kernel_semget(key_t key, int nsems, int flags);
int	kernel_semtimedop(int id, struct sembuf *ops, size_t nops,
	    const struct timespec *timeout);
int	kernel_semctl(int id, int num, int cmd, union semun arg);
int	kernel_msgget(key_t key, int flags);
int	kernel_msgsnd(int id, const void *message, size_t size, int flags);
ssize_t	kernel_msgrcv(int id, void *message, size_t size, long type,
	    int flags);
int	kernel_msgctl(int id, int cmd, struct msqid_ds *buf);
int	kernel_open(const char *path, int flags);

/* Whether libc's names are somebody else's. */
extern const bool kernel_is_apart;
/* From now on its calls come by this file alone, where they are apart. */
void	kernel_guard(void);

#endif
