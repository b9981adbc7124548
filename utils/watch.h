/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch.h - what a command prints, again and again.
 */
#ifndef MIPC_WATCH_H
#define MIPC_WATCH_H

#include <stdbool.h>

struct watch {
	const char *title;
	double seconds;		/* between two looks */
	bool plain;		/* print, even on a terminal */
	int (*show)(void *);	/* prints; returns an exit code */
	void *argument;
};

/* Seconds, from a tenth to a day.  False: they are none. */
bool	watch_seconds(const char *text, double *seconds);

/*
 * Do so until q or ^C.  On a terminal it is drawn in place, and the terminal
 * is left as it was; else what is printed follows what was before, behind an
 * empty line.  Returns 0; or -1 with errno if nothing can be printed any more.
 */
int	watch(const struct watch *);

#endif
