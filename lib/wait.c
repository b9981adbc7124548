/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait.c - sleeping on several shared words at once.
 *
 * FUTEX_WAITV where the kernel has it, libc lets us tell EINTR (sys_waitv.c)
 * and bells ring when a thread dies.  Elsewhere a slice at a time on the first
 * word alone: whoever sleeps looks at the rest between slices.  Where more
 * words matter than the call can take it is a slice at a time, too.
 */
#include "wait.h"

#include <errno.h>
#include <limits.h>

#define FUTEX_32	2u
#define SLICE_NS	20000000ull	/* 50 ms are promised */

/* 0 not asked, 1 there is the call, and bells ring, 2 not. */
static mipc_u32 waitv;

static bool
tells(void)
{
	uint32_t known = mipc_peek(&waitv);

	if (known == 0) {
		known = mipc_sys_has_waitv() &&
		    !mipc_sys_forced("MIPC_NO_ROBUST") &&
		    mipc_sys_robust_list() != NULL ? 1 : 2;
		mipc_put(&waitv, known);
	}
	return known == 1 && mipc_sys_waitv_tells();
}

bool
mipc_wait_sliced(void)
{
	return !tells();
}

void
mipc_wait_init(struct mipc_wait *wait)
{
	wait->guarded = false;
}

void
mipc_wait_end(struct mipc_wait *wait)
{
	if (wait->guarded)
		mipc_sys_restore(&wait->signals);
	wait->guarded = false;
}

void
mipc_wait_begin(struct mipc_wait *wait, mipc_u32 *asleep)
{
	wait->asleep = asleep;
	wait->count = 0;
	wait->partial = false;
	wait->stops = true;
}

void
mipc_wait_add(struct mipc_wait *wait, const mipc_u32 *word, uint32_t value)
{
	if (wait->count == MIPC_WAIT_WORDS) {
		wait->partial = true;
		return;
	}
	wait->word[wait->count++] = (struct mipc_futex_waitv){
		.value = value,
		.address = (uintptr_t)word,
		.flags = FUTEX_32,
	};
}

static struct timespec
in_time(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000u),
	    .tv_nsec = (long)(ns % 1000000000u) };
}

/*
 * The first word alone, for `ns` at most.  A handler that ran between slices
 * would not be noticed: signals stay blocked until mipc_wait_end().
 */
static int
sleep_one(struct mipc_wait *wait, uint64_t ns)
{
	struct timespec t = in_time(ns);
	const void *word = (const void *)(uintptr_t)wait->word[0].address;

	if (!wait->guarded)
		mipc_sys_block(&wait->signals);
	wait->guarded = true;
	mipc_give(wait->asleep, 1);
	return mipc_sys_wait_open(word, (uint32_t)wait->word[0].value, &t,
	    &wait->signals);
}

int
mipc_wait_sleep(struct mipc_wait *wait, uint64_t deadline,
    uint32_t *which)
{
	uint64_t now = mipc_sys_monotonic_ns(), end = deadline;
	struct timespec t;
	int r;

	*which = 0;
	if (now >= deadline)
		return ETIMEDOUT;
	if ((wait->partial || !tells()) && end - now > SLICE_NS)
		end = now + SLICE_NS;
	t = in_time(end);
	/*
	 * Whoever counts sleepers, to send a signal then, counts this one
	 * from when every handler ends its sleep.
	 */
	if (tells()) {
		r = mipc_sys_waitv(wait->word, wait->count,
		    end == MIPC_FOREVER ? NULL : &t,
		    (uint32_t *)(uintptr_t)wait->asleep);
	} else {
		r = sleep_one(wait, end - now);
	}
	if (r == -EINTR || (r == -ERESTART && wait->stops))
		return EINTR;
	if (r == -ETIMEDOUT && end == deadline)
		return ETIMEDOUT;
	if (r < 0)
		return EAGAIN;
	*which = (uint32_t)r;
	return 0;
}

bool
mipc_wait_deadline(const struct timespec *wait, uint64_t *deadline)
{
	*deadline = MIPC_FOREVER;
	if (wait == NULL)
		return true;
	if (!mipc_wait_is_length(wait))
		return false;
	if (wait->tv_sec == 0 && wait->tv_nsec == 0)
		*deadline = 0;
	else if ((uint64_t)wait->tv_sec < INT64_MAX / 1000000000u - 1)
		*deadline = mipc_sys_monotonic_ns() +
		    (uint64_t)wait->tv_sec * 1000000000u +
		    (uint64_t)wait->tv_nsec;
	return true;
}

void
mipc_wait_wake(const mipc_u32 *word)
{
	mipc_sys_futex_wake(word, INT_MAX);
}
