/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak_late.c - the library takes its time at its crash points.
 *
 * Where a thing is done and not yet told, or begun and not yet finished, a
 * kill matters; there all linger, so that most kills come just there.  This
 * stands for lib/crash.c in a sister of soak_kill.
 */
#include "crash.h"
#include "harness.h"

#include <string.h>

#define LATE	20e-6		/* seconds */

static void
linger(const char *place)
{
	double end;

	if (strncmp(place, "txn: ", 5) != 0 &&
	    strcmp(place, "line: told") != 0 &&
	    strcmp(place, "send: committed") != 0 &&
	    strcmp(place, "receive: committed") != 0)
		return;
	end = harness_now() + LATE;
	while (harness_now() < end)
		continue;
}

void (*mipc_crash_hook)(const char *place) = linger;
