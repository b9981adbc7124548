/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patience.c - looking a while before sleeping: between two processors that
 * is far cheaper than a sleep.
 */
#include "patience.h"

#include "sys.h"

#define BUDGET	32000u	/* ns before a sleep: about what one costs */
#define LOOKS	8	/* between looks at the clock */
#define PROBE	1024u	/* sleeps between probes of it */

static void
pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/* Nanoseconds to look for; 0 none. */
static uint32_t
budget(mipc_u32 *kept, uint32_t *spent)
{
	*spent = mipc_peek(kept);
	if (*spent < BUDGET)
		return BUDGET - *spent;
	mipc_put(kept, *spent + 1);
	if (*spent < BUDGET + PROBE)
		return 0;
	*spent = BUDGET - BUDGET / 8;
	return BUDGET;
}

bool
mipc_patience(mipc_u32 *kept, bool (*is_there)(void *), void *arg)
{
	uint32_t spent, most;
	uint64_t start;

	if (mipc_sys_processors() < 2)
		return false;
	most = budget(kept, &spent);
	if (most == 0)
		return false;
	start = mipc_sys_monotonic_ns();
	do {
		for (int i = 0; i < LOOKS; i++) {
			if (is_there(arg)) {
				mipc_put(kept, 0);
				return true;
			}
			pause_briefly();
		}
	} while (mipc_sys_monotonic_ns() - start < most);
	mipc_put(kept, spent + BUDGET / 8);
	return false;
}
