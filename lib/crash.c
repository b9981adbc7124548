/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crash.c - the hook that a test sets; empty in a release build.
 */
#include "crash.h"

#ifdef MIPC_CRASH_POINTS
void (*mipc_crash_hook)(const char *place);
#else
typedef int mipc_crash_nothing;		/* ISO C wants a declaration */
#endif
