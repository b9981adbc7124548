/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_ns.c - the namespace of the side MIPC.
 */
#include "diff_ns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mipc.h"
#include "ns.h"

struct mipc_ns *diff_ns;

bool
ns_open(enum store store, const char *dir, bool create)
{
	if (store == STORE_ANON)
		diff_ns = mipc_anon(0);
	else
		diff_ns = mipc_open(dir, create ? MIPC_CREAT | MIPC_SHARED : 0);
	if (diff_ns == NULL)
		tap_note("no namespace: %s (%s)", strerror(errno),
		    store == STORE_ANON ? "mipc_anon" : mipc_reason());
	return diff_ns != NULL;
}

/* Where sleepers look now and then by design, a heartbeat may find much. */
static bool
is_sliced(void)
{
	return getenv("MIPC_NO_WAITV") != NULL ||
	    getenv("MIPC_NO_RSEQ") != NULL ||
	    getenv("MIPC_NO_ROBUST") != NULL;
}

uint64_t
ns_heartbeats(void)
{
	return diff_ns == NULL || is_sliced() ? 0 :
	    mipc_peek(&diff_ns->space->heartbeats);
}
