/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.h - what a command prints, kept as lines to be compared and drawn.
 */
#ifndef MIPC_FRAME_H
#define MIPC_FRAME_H

#include <stddef.h>

struct frame {
	char *text;		/* lines, each ended by a zero */
	char **line;
	size_t n;
};

/*
 * Keep what show() prints to standard output and to standard error.  Returns
 * 0, or -1 with errno.
 */
int	frame_take(struct frame *, int (*show)(void *), void *argument);
void	frame_free(struct frame *);

/* How large the terminal is, in lines and in columns. */
struct frame_size {
	unsigned rows, columns;
};

/*
 * Draw it below a title, cut where the terminal ends; what was not so in
 * `before`, NULL if there was nothing, is in reverse.  Returns as fflush().
 */
int	frame_draw(const struct frame *, const struct frame *before,
	    const char *title, struct frame_size);

#endif
