/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backend.h - what backends are made of.
 */
#ifndef BACKEND_H
#define BACKEND_H

#include "testing.h"

#include <sched.h>

/* What stands in /proc/sys/kernel is the caller's IPC namespace's own. */
int	libc_limit(const char *name, unsigned long long *old,
	    const unsigned long long *value);
int	libc_semctl(int id, int num, int cmd, union semun arg);

int	libc_unshare(void);

bool	backend_write_file(const char *path, const char *text);
void	backend_nothing(void);

/* What programs have that know nothing of mipc. */
extern const struct backend plain_backend;

/* What a program tests that libcheck runs from outside: see apart.c. */
const struct backend *apart_backend(void);

/* All but msgsnd(). */
#define LIBC_CALLS \
	.leave = backend_nothing, \
	.shmget = shmget, \
	.shmat = shmat, \
	.shmdt = shmdt, \
	.shmctl = shmctl, \
	.semget = semget, \
	.semop = semop, \
	.semtimedop = semtimedop, \
	.semctl = libc_semctl, \
	.msgget = msgget, \
	.msgrcv = msgrcv, \
	.msgctl = msgctl, \
	.unshare = libc_unshare, \
	.ftok = ftok, \
	.limit = libc_limit, \
	.changed = backend_nothing

/* In a user namespace that maps only us: there are no other ids. */
extern bool ids_are_one;

#endif
