/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patience.c - looking a while before sleeping: between two processors that
 * is far cheaper than a sleep.
 *
 * On one processor it is never there before others have run.  If they are
 * about to provide it they can be let run without a sleep, and need not wake
 * anybody then; but who yields to one who has other things to do waits for a
 * slice of his, where a sleeper that is woken would run at once.
 */
#include "patience.h"

#include <errno.h>

#include "sys.h"

#define BUDGET	32000u	/* ns before a sleep: about what one costs */
#define LOOKS	8	/* between looks at the clock */
#define PROBE	1024u	/* sleeps between probes of it */
#define IN_VAIN	4u	/* yields, and then it is left */
#define LONG_NS	50000u	/* a yield by which somebody else ran */

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

/* Is it worth a try? */
static bool
may_yield(mipc_u32 *kept)
{
	uint32_t vain = mipc_peek(kept);

	if (vain < IN_VAIN)
		return true;
	mipc_put(kept, vain < IN_VAIN + PROBE ? vain + 1 : IN_VAIN - 1);
	return false;
}

int
mipc_patience_yield(mipc_u32 *kept, bool (*is_there)(void *), void *arg)
{
	uint64_t start;
	bool there;
	int r;

	if (!may_yield(kept))
		return EAGAIN;
	start = mipc_sys_monotonic_ns();
	r = mipc_sys_yield();
	there = r != -EINTR && is_there(arg);
	if (mipc_sys_monotonic_ns() - start > LONG_NS)
		mipc_put(kept, IN_VAIN);	/* as long as many sleeps */
	else
		mipc_put(kept, there ? 0 : mipc_peek(kept) + 1);
	return r == -EINTR ? EINTR : there ? 0 : EAGAIN;
}
