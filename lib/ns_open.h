/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ns_open.h - what a part that needs no namespace needs all the same.
 *
 * Depends on: attach.h.  Locks: none.
 */
#ifndef MIPC_NS_OPEN_H
#define MIPC_NS_OPEN_H

/* From here on a fork's child knows that it is one.  Cheap when repeated. */
void	mipc_ns_prepare(void);

#endif
