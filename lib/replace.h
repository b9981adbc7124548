/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replace.h - a file replaced whole: on disk there is the old one or the new.
 *
 * Depends on: sys.h.  Locks: none.
 */
#ifndef MIPC_REPLACE_H
#define MIPC_REPLACE_H

#include <limits.h>
#include <stdbool.h>

#include "sys.h"

/*
 * From begin to end: `fd` is the new file, to be written by whoever began.
 */
struct mipc_replace {
	int fd;
	int dir;			/* where the old one is, or is to be */
	int old;			/* it, by O_PATH; -1: there is none */
	struct stat was;		/* it */
	char name[NAME_MAX + 1];
	char temporary[NAME_MAX + 1];
	bool named;			/* the new one is there under it */
	unsigned keep;			/* generations; 0 and 1: the new one */
};
#define MIPC_REPLACE_KEEPS	1000u

/* Symbolic links are followed.  Errors: mipc_publish.h has them. */
int	mipc_replace_begin(struct mipc_replace *, const char *path,
	    unsigned mode);
int	mipc_replace_write(struct mipc_replace *, const void *data,
	    size_t size, uint64_t offset);
/*
 * With an error of 0 the new file is on disk, in place of the old, when this
 * returns 0.  Else the old one is as it was, and the error is returned.
 */
int	mipc_replace_end(struct mipc_replace *, int error);

/*
 * replace_keep.c: under the directory's lock, make room for a newer generation,
 * so that the file that is there has a second name, NAME.1; NAME.1 becomes
 * NAME.2, and so on.  Then, when the new one is in place, remove those beyond.
 */
int	mipc_replace_age(const struct mipc_replace *);
void	mipc_replace_forget(const struct mipc_replace *);

#endif
