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

/* What --help says of the argument. */
#define LIMITS_HELP \
	"set a limit: shmmax, shmall, shmmni, shm_rmid_forced, semmsl, " \
	"semmns, semopm, semmni, barging, msgmax, msgmnb, msgmni; K, M and " \
	"G multiply by 1024"

/*
 * Add what --limit says; set them all.  Both return -1 to go on; or after a
 * message EXIT_USAGE, if there is no such limit or the value is none for it,
 * or else `failed`, the command's exit code.
 */
int	limits_add(struct limits *, const char *text, int failed);
int	limits_set(const struct limits *, struct mipc_ns *, int failed);

#endif
