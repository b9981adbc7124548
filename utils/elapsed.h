/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elapsed.h - how long ago something was.
 */
#ifndef MIPC_ELAPSED_H
#define MIPC_ELAPSED_H

#include <time.h>

static inline void
elapsed_begin(struct timespec *then)
{
	clock_gettime(CLOCK_MONOTONIC, then);
}

/* In seconds. */
static inline double
elapsed(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) +
	    (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

#endif
