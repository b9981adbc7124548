/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gather.h - all that the library tells of an object, however much it is.
 *
 * Each returns an array for free() with its length in *n, and whether it is of
 * several moments in *torn; or NULL with errno.
 */
#ifndef MIPC_GATHER_H
#define MIPC_GATHER_H

#include "mipc.h"

#include <stddef.h>

int	*gather_ids(struct mipc_ns *, enum mipc_kind, size_t *n);
struct mipc_look_process *gather_processes(struct mipc_ns *, size_t *n);
struct mipc_look_sleeper *gather_sleepers(struct mipc_ns *, enum mipc_kind,
	    int id, size_t *n, int *torn);
struct mipc_look_debt *gather_debts(struct mipc_ns *, int semid, size_t *n,
	    int *torn);
struct mipc_look_attach *gather_attaches(struct mipc_ns *, int shmid,
	    size_t *n, int *torn);
struct mipc_look_message *gather_messages(struct mipc_ns *, int msqid,
	    size_t *n, int *torn);

/* The messages of a type, in all; the lowest type first. */
struct type {
	long type;
	unsigned long long messages, bytes;
};
struct type *gather_types(struct mipc_ns *, int msqid, size_t *n, int *torn);

/* What a sleeper waits for, in words; and a command line that can be shown. */
enum { WORDS = 64 };
void	say_wait(const struct mipc_look_sleeper *, char words[static WORDS]);
void	say_command(const struct mipc_look_process *,
	    char line[static MIPC_COMMAND]);

#endif
