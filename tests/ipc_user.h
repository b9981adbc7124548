/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_user.h - what the files of the program ipc_user share.
 */
#ifndef IPC_USER_H
#define IPC_USER_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Complain, and go on failing. */
static inline bool
expect(bool condition, const char *what)
{
	if (!condition)
		printf("not so: %s (%s)\n", what, strerror(errno));
	return condition;
}

_Noreturn void	die(const char *what);
/* Write a line to a FIFO, and wait until one was written to another. */
void	user_pause(const char *ready, const char *go);

/* Commands of ipc_memory.c, each described there. */
int	user_counted(char **argv);
int	user_memory(char **argv);
int	user_race(char **argv);
int	user_again(char **argv);

/* Command of ipc_cred.c. */
int	user_credentials(char **argv);

/* Commands of ipc_hand.c. */
int	user_hand(char **argv);
int	user_took(char **argv);

/* Commands of ipc_sem.c. */
int	user_sets(char **argv);
int	user_semlimits(char **argv);
int	user_setpointers(char **argv);
int	user_quiet(char **argv);
int	user_undo(char **argv);
int	user_plugin(char **argv);
int	user_island(char **argv);

/* Commands of ipc_msg.c. */
int	user_queues(char **argv);
int	user_msglimits(char **argv);
int	user_msgpointers(char **argv);
int	user_msglarge(char **argv);
int	user_msgquiet(char **argv);

/* Commands of ipc_proc.c. */
int	user_procopens(char **argv);
int	user_procwrites(char **argv);
int	user_procrights(char **argv);
int	user_populate(char **argv);

/* Commands of ipc_fault.c and ipc_wild.c. */
int	user_faults(char **argv);
int	user_wild(char **argv);

/* Command of ipc_number.c. */
int	user_multiplexed(char **argv);

/* Commands of ipc_owner.c and ipc_meet.c. */
int	user_owners(char **argv);
int	user_threads(char **argv);
int	user_meet(char **argv);

/* Commands of ipc_start.c. */
int	user_start(char **argv);
int	user_start_empty(char **argv);
int	user_beside(char **argv);
int	user_begun(char **argv);

/* Command of ipc_able.c. */
int	user_able(char **argv);

/* Commands of ipc_unshare.c. */
int	user_unshares(char **argv);
int	user_owes(char **argv);
int	user_unshares_later(char **argv);

/* Commands of ipc_trace.c. */
int	user_chorus(char **argv);
int	user_taken(char **argv);

#endif
