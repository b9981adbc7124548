/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bus.h - a shared file truncated under us is an error, not a SIGBUS.
 *
 * Depends on: atomic.h, sys.h.  Locks: none.
 */
#ifndef MIPC_BUS_H
#define MIPC_BUS_H

#include <stddef.h>

/*
 * Between guard and unguard, a page of [base, base + size) that has lost its
 * file reads as zeros, which no header is.  Where no entry is left the range
 * stays unguarded, and guard returns -1.  [gate]
 */
int	mipc_bus_guard(void *base, size_t size);
void	mipc_bus_unguard(int guard);

#endif
