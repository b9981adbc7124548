/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hint.h - when it is worth looking into a namespace again.
 */
#ifndef MIPC_HINT_H
#define MIPC_HINT_H

#include <time.h>

struct hint {
	int fd;			/* inotify's, or -1 */
	int dir;		/* the directory, or -1 */
	double seconds;		/* the longest without a look */
	struct timespec begun;	/* of the last look */
};

/* Why a wait is over. */
enum hint_end {
	HINT_LOOK,
	HINT_INTERRUPTED,	/* SIGINT */
	HINT_UNREAD,		/* nobody reads standard output any more */
	HINT_GONE		/* the directory is: look once more */
};

/* Begin before the first look; SIGINT is kept for waits from now on. */
void	hint_begin(struct hint *, const char *dir, double seconds);
/* A look begins; wait until the next is due. */
void	hint_looks(struct hint *);
enum hint_end hint_await(struct hint *);
void	hint_end(struct hint *);

#endif
