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
#define PROBE	1024u	/* sleeps between probes of it, at most */
#define IN_VAIN	4u	/* yields, and then sleeps come between */
#define FIRST	16u	/* of these; twice as many after each in vain */
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

/*
 * Sleeps until the next yield; and how many were left out before, of which
 * less than IN_VAIN are none, but yields in vain.
 */
#define REST(kept)	((kept) & 0xffffu)
#define LEFT_OUT(kept)	((kept) >> 16)
#define KEPT(left_out, rest)	((left_out) << 16 | (rest))

/* Is it worth a try? */
static bool
may_yield(mipc_u32 *kept)
{
	uint32_t now = mipc_peek(kept);

	if (REST(now) == 0)
		return true;
	mipc_put(kept, now - 1);
	return false;
}

/* One that was long is as bad as several. */
static uint32_t
after_one_in_vain(uint32_t kept, bool was_long)
{
	uint32_t n = LEFT_OUT(kept);

	if (n + 1 < IN_VAIN && !was_long)
		return KEPT(n + 1, 0);
	n = n < FIRST ? FIRST : 2 * n;
	if (n > PROBE)
		n = PROBE;
	return KEPT(n, n);
}

int
mipc_patience_yield(mipc_u32 *kept, bool (*is_there)(void *), void *arg)
{
	uint64_t start;
	bool there, was_long;
	int r;

	if (!may_yield(kept))
		return EAGAIN;
	start = mipc_sys_monotonic_ns();
	r = mipc_sys_yield();
	there = r != -EINTR && is_there(arg);
	was_long = mipc_sys_monotonic_ns() - start > LONG_NS;
	mipc_put(kept, there && !was_long ? 0 :
	    after_one_in_vain(mipc_peek(kept), was_long));
	return r == -EINTR ? EINTR : there ? 0 : EAGAIN;
}
