/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcsnap.h - what mipcsnap is asked for, and what is in a checkpoint.
 */
#ifndef MIPC_MIPCSNAP_H
#define MIPC_MIPCSNAP_H

#include "object.h"

#include <stddef.h>

enum { EXIT_DIFFERENT = 3, WORDS = 3 };

/* How the one segment to be saved is named, bits. */
enum { BY_ID = 01, BY_KEY = 02 };

struct command {
	const char *dir;	/* NULL: the default */
	int json;
	unsigned keep;		/* generations; 0: not said */
	int naming;		/* 0: the whole namespace */
	int segment;
	key_t key;
	const char *word[WORDS];	/* what to do, and with what */
	int words;
};

/* All objects of a checkpoint; `segment`: it is of one. */
struct parts {
	struct mipc_ckpt_part *part;
	size_t n;
	int segment;
};

/* Say why the library failed.  Returns an exit code. */
int	fail(void);

/* Returns -1, or an exit code after a message, with nothing to free. */
int	read_parts(const char *path, struct parts *out);

/*
 * Write a checkpoint, of that segment or, for NULL, of all; `say`: print how
 * segments were copied.  Returns 0, or -1 with errno.
 */
int	save_to(struct mipc_ns *, const int *segment, const char *path,
	    unsigned keep, int say);

/* The action.  Returns an exit code. */
int	diff(struct command *);

#endif
