/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait.h - sleeping on several shared words at once.
 *
 * Depends on: sys.h, atomic.h.  Locks: none may be held.
 */
#ifndef MIPC_WAIT_H
#define MIPC_WAIT_H

#include "atomic.h"
#include "sys.h"

#define MIPC_WAIT_WORDS	128u		/* what FUTEX_WAITV takes */
#define MIPC_FOREVER	UINT64_MAX

/* What to sleep on; the first word is the sleeper's own. */
struct mipc_wait {
	uint32_t count;
	bool partial;		/* something could not be named: slices */
	bool stops;		/* a stop of the process ends it as well */
	bool guarded;		/* between slices signals are blocked */
	uint64_t signals;	/* the mask of before, if it is */
	mipc_u32 *asleep;	/* set to 1 as late as can be */
	struct mipc_futex_waitv word[MIPC_WAIT_WORDS];
};

/* Before the first use; and after the last sleep. */
void	mipc_wait_init(struct mipc_wait *);
void	mipc_wait_end(struct mipc_wait *);
void	mipc_wait_begin(struct mipc_wait *, mipc_u32 *asleep);
void	mipc_wait_add(struct mipc_wait *, const mipc_u32 *word,
	    uint32_t value);

/*
 * Sleep until a word is woken, until one has not the value named for it, or
 * until `deadline` (monotonic nanoseconds).
 *
 * Returns 0 and which; EAGAIN: a word has changed, or a slice is over;
 * ETIMEDOUT; EINTR: a signal handler ran, or with `stops` the process was
 * stopped and goes on, where that can be told.
 */
int	mipc_wait_sleep(struct mipc_wait *, uint64_t deadline,
	    uint32_t *which);

/* Is this a length of time? */
static inline bool
mipc_wait_is_length(const struct timespec *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

/*
 * The deadline of a time to wait, from now: NULL is for ever, none at all is
 * 0.  False: it is not a length of time.
 */
bool	mipc_wait_deadline(const struct timespec *, uint64_t *deadline);

/* Is each sleep cut into slices here, and no bell heard? */
bool	mipc_wait_sliced(void);

/* Wake whoever sleeps on a word. */
void	mipc_wait_wake(const mipc_u32 *word);

/* The futex half of a T word (format.h). */
static inline const mipc_u32 *
mipc_wait_half(const mipc_u64 *word)
{
	const mipc_u32 *half = (const mipc_u32 *)(const void *)word;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	half++;
#endif
	return half;
}

#endif
