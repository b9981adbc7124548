/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits.h - a command's --limit NAME=VALUE.
 */
#ifndef MIPC_LIMITS_H
#define MIPC_LIMITS_H

#include "mipc.h"
#include "options.h"

#include <stddef.h>

struct limit {
	const char *name;
	unsigned long long value;
};

struct limits {
	struct limit *at;
	size_t n;
};

#define LIMITS_NAMES(between) \
	"shmmax" between "shmall" between "shmmni" between \
	"shm_rmid_forced" between "semmsl" between "semmns" between \
	"semopm" between "semmni" between "barging" between "msgmax" \
	between "msgmnb" between "msgmni"

/* What --help says of the argument. */
#define LIMITS_HELP \
	"set a limit: " LIMITS_NAMES(", ") "; K, M and G multiply by 1024"

/* Words that complete an option of limits in a shell. */
void	limits_words(const struct option_row *);

/*
 * Add what --limit says; set them all.  Both return -1 to go on; or after a
 * message EXIT_USAGE, if there is no such limit or the value is none for it,
 * or else `failed`, the command's exit code.
 */
int	limits_add(struct limits *, const char *text, int failed);
int	limits_set(const struct limits *, struct mipc_ns *, int failed);

#endif
