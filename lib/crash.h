/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crash.h - named places where a test may kill the process.
 *
 * In a build with MIPC_CRASH_POINTS the test sets mipc_crash_hook and is
 * called with the name of each place passed; elsewhere there is nothing.
 */
#ifndef MIPC_CRASH_H
#define MIPC_CRASH_H

#ifdef MIPC_CRASH_POINTS
extern void (*mipc_crash_hook)(const char *place);
#include <stddef.h>

#define mipc_crash_point(place) do {					\
	if (mipc_crash_hook != NULL)					\
		mipc_crash_hook(place);					\
} while (0)
#else
#define mipc_crash_point(place) do { } while (0)
#endif

#endif
