/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * commands.h - commands and flags that Linux has and not every libc's headers.
 */
#ifndef MIPC_COMMANDS_H
#define MIPC_COMMANDS_H

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY	15
#endif
#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY	20
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY	13
#endif
#ifndef MSG_EXCEPT
#define MSG_EXCEPT	020000
#endif
#ifndef MSG_COPY
#define MSG_COPY	040000
#endif

#endif
