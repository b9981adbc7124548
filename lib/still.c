/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * still.c - asking all of a namespace to keep still for a moment.
 *
 * A word of the namespace holds the life of who asks for it, else 0.  Calls
 * that change sets, queues or names look at it before they begin, and wait
 * while it is there.
 *
 * It is a request and no lock.  Who looked just before it was made still makes
 * its change, once, and waits at its next call; so who asks does not know that
 * nothing changes, but that it soon will not, and has to look at what it has
 * copied as if nobody had been asked (ckpt_cut.c).  Nothing can go wrong then
 * by a request that is lost, taken back or not seen: it costs a copy more.
 * That is why whoever has waited long enough may take it back for all.
 *
 *	asked: life | ... | taken back: 0, wake
 *
 * Who asks may die or be stopped anywhere.  Who waits judges the life as that
 * of a lock's owner, and takes the request of a dead one back; that of a
 * living one, stopped or slow, after MIPC_STILL_MOST_NS.  A wake that was lost
 * with who should have made it costs a slice.  (tests/models/still.pml.)
 */
#include "still.h"

#include "crash.h"
#include "futex.h"
#include "wait.h"

#define SLICE_NS	(10 * MIPC_MS)

static mipc_u32 *
half(struct mipc_ns *ns)
{
	return (mipc_u32 *)(uintptr_t)mipc_wait_half(&ns->space->still);
}

static void
take_back(struct mipc_ns *ns, mipc_life asker)
{
	if (mipc_swap_if(&ns->space->still, &asker, 0))
		mipc_futex_wake_all(half(ns));
}

/* Need nobody wait for it any more? */
static bool
is_over(struct mipc_ns *ns, mipc_life asker, uint64_t end)
{
#ifdef MIPC_BREAK_STILL		/* a test must see what this breaks */
	return ns == NULL && asker == end;
#endif
	return mipc_sys_monotonic_ns() >= end ||
	    mipc_life_dead(ns->lives, asker);
}

void
mipc_still_wait(struct mipc_ns *ns)
{
	uint64_t end = mipc_sys_monotonic_ns() + MIPC_STILL_MOST_NS;
	mipc_u64 *still = &ns->space->still;
	mipc_life asker;

	if (ns->lives->refuses != 0)
		return;		/* it changes nothing */
	while ((asker = mipc_peek(still)) != 0) {
		if (is_over(ns, asker, end)) {
			take_back(ns, asker);
			return;
		}
		mipc_futex_sleep(half(ns), (uint32_t)asker, SLICE_NS);
	}
}

void
mipc_still_begin(struct mipc_still *s, struct mipc_ns *ns)
{
	struct mipc_gate gate;

	*s = (struct mipc_still){ .ns = ns };
	mipc_gate_enter(&gate);
	if (mipc_life_self(ns->lives, &s->self) != 0)
		s->self = 0;	/* then nobody is asked */
	mipc_gate_leave(&gate);
	/* No handler may make this thread wait for itself. */
	mipc_sys_block(&s->signals);
}

void
mipc_still_ask(struct mipc_still *s)
{
	uint64_t seen = mipc_peek(&s->ns->space->still);

	if (s->self == 0 || seen == s->self ||
	    (seen != 0 && !mipc_life_dead(s->ns->lives, seen)))
		return;
	mipc_swap_if(&s->ns->space->still, &seen, s->self);
	mipc_crash_point("still: asked");
}

void
mipc_still_end(struct mipc_still *s)
{
	if (s->self != 0)
		take_back(s->ns, s->self);
	mipc_sys_restore(&s->signals);
}
