/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex.c - sleeping on a shared word, and the mutex of one process.
 *
 * Every sleep between processes is bounded: whoever was to wake us may have
 * been killed between its store and its wake.
 */
#include "futex.h"

#include <limits.h>

#include "sys.h"

void
mipc_futex_sleep(mipc_u32 *word, uint32_t value, uint64_t ns)
{
	struct timespec t = {
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};

	mipc_sys_futex_wait(word, value, &t);
}

void
mipc_futex_wake_all(mipc_u32 *word)
{
	mipc_sys_futex_wake(word, INT_MAX);
}

void
mipc_mutex_lock(mipc_u32 *mutex)
{
	uint32_t seen = 0;

	if (mipc_swap_if(mutex, &seen, 1))
		return;
	while (atomic_exchange(mutex, 2) != 0)
		mipc_sys_futex_wait(mutex, 2, NULL);
}

void
mipc_mutex_unlock(mipc_u32 *mutex)
{
	if (atomic_exchange(mutex, 0) == 2)
		mipc_sys_futex_wake(mutex, 1);
}

void
mipc_mutex_enter(mipc_u32 *mutex, uint64_t *signals)
{
	mipc_sys_block(signals);
	mipc_mutex_lock(mutex);
}

void
mipc_mutex_leave(mipc_u32 *mutex, const uint64_t *signals)
{
	mipc_mutex_unlock(mutex);
	mipc_sys_restore(signals);
}
