/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc.h - the forms of the calls that only machines of 32 bits have.
 *
 * Depends on: libc's names as the module defines them.
 */
#ifndef MIPC_PRELOAD_IPC_H
#define MIPC_PRELOAD_IPC_H

#include <sys/syscall.h>

/* Elsewhere its arguments stand in other places, or there is none. */
#if defined(SYS_ipc) && defined(__i386__)
#define HAS_IPC_CALL	1
#endif

/*
 * What the system call ipc() does: its number stands for all twelve calls,
 * and `a` is its six arguments.  The result, or -1 with errno.
 */
long	ipc_call(const long *a);

/*
 * The control calls with structures of before IPC_64, whose ids have 16
 * bits.
 */
int	ipc_old_shmctl(int id, int cmd, void *buf);
int	ipc_old_semctl(int id, int number, int cmd, long argument);
int	ipc_old_msgctl(int id, int cmd, void *buf);

#endif
