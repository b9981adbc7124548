/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish.h - what publish.c, publish_read.c and publish_write.c share.
 *
 * Depends on: format_publish.h, holder.h.
 */
#ifndef MIPC_PUBLISH_INSIDE_H
#define MIPC_PUBLISH_INSIDE_H

#include <errno.h>

#include "format_publish.h"
#include "holder.h"

#define MIPC_PATIENCE_MS	1000u	/* of a writer, for a running reader */
#define MIPC_PATIENCE_MOST	60000u

static inline struct mipc_publish_head *
mipc_publish_head(const struct mipc_publication *p)
{
	return p->memory;
}

static inline char *
mipc_publish_data(const struct mipc_publication *p, uint32_t buffer)
{
	return (char *)p->memory + MIPC_PUBLISH_DATA + buffer * p->stride;
}

/* The public edge: 0, or -1 with errno. */
static inline int
mipc_publish_end(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/* What is left until a deadline, `most` nanoseconds at most; 0: it passed. */
uint64_t mipc_publish_left(uint64_t deadline, uint64_t most);

#endif
