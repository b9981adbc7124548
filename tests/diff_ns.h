/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_ns.h - mipc's side of a program that knows mipc: its namespace.
 */
#ifndef DIFF_NS_H
#define DIFF_NS_H

#include "diff_run.h"

extern struct mipc_ns *diff_ns;

/* False, having said why, if it cannot be opened. */
bool	ns_open(enum store store, const char *dir, bool create);
/* How many wakes have been lost, and found by a heartbeat. */
uint64_t ns_heartbeats(void);

#endif
