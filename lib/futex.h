/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex.h - sleeping on a shared word.
 *
 * Depends on: atomic.h, sys.h.
 */
#ifndef MIPC_FUTEX_H
#define MIPC_FUTEX_H

#include "atomic.h"

#define MIPC_MS 1000000ull

/*
 * Sleep while *word == value, `ns` nanoseconds at most.  Returns for any
 * reason or none: the caller looks at its condition again.
 */
void	mipc_futex_sleep(mipc_u32 *word, uint32_t value, uint64_t ns);

/* Wake everyone who sleeps on the word. */
void	mipc_futex_wake_all(mipc_u32 *word);

/* A mutex between threads of one process: 0 free, 1 held, 2 and waited for. */
void	mipc_mutex_lock(mipc_u32 *);
void	mipc_mutex_unlock(mipc_u32 *);
/* The same, signals being blocked while it is held. */
void	mipc_mutex_enter(mipc_u32 *, uint64_t *signals);
void	mipc_mutex_leave(mipc_u32 *, const uint64_t *signals);

#endif
