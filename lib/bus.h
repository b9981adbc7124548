/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bus.h - a shared file truncated under us is an error, not a SIGBUS.
 *
 * Depends on: atomic.h, sys.h.  Locks: none.
 */
#ifndef MIPC_BUS_H
#define MIPC_BUS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Between guard and unguard, a page of [base, base + size) that has lost its
 * file reads as zeros, which no header is.  Where no entry is left the range
 * stays unguarded, and guard returns -1.  [gate]
 */
int	mipc_bus_guard(void *base, size_t size);
void	mipc_bus_unguard(int guard);

/*
 * For memory that is not the library's, where nothing is put in the place of
 * what is gone: run access(arg), which touches only [at, at + size), and say
 * whether it came to its end.  mipc_bus_ready() once before.  [gate]
 */
bool	mipc_bus_ready(void);
bool	mipc_bus_try(const void *at, size_t size, void (*access)(void *),
	    void *arg);

#endif
