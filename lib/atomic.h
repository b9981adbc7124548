/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atomic.h - every memory-order decision, under a handful of names.
 *
 * Words that processes share are of the types below and are touched only
 * through these names:
 *
 *	mipc_peek	load, no order: a hint, or a word we own
 *	mipc_take	load that sees what the giver stored before mipc_give
 *	mipc_put	store, no order: a word we own
 *	mipc_give	store that makes all earlier stores visible first
 *	mipc_swap_if	compare and swap, both orders; true if it was done
 *	mipc_add	add, both orders; the value before
 *	mipc_copy	bytes, no order: others may read them, or be late with
 *			a swap there, and find out that they must not
 *	mipc_step	full fence for the compiler and the processor: what a
 *			killed process leaves is a prefix of its stores, in
 *			the order the steps enforce
 *	mipc_step_swapped	the same where this thread has just swapped
 */
#ifndef MIPC_ATOMIC_H
#define MIPC_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SANITIZE_THREAD__)
#define MIPC_WATCHED
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MIPC_WATCHED
#endif
#endif

/* A variable of the library that is read at every operation. */
#define MIPC_HIDDEN __attribute__((visibility("hidden")))

/* A function into which what it calls is inlined, where that is in sight. */
#define MIPC_FLAT __attribute__((flatten))

typedef _Atomic uint32_t mipc_u32;
typedef _Atomic uint64_t mipc_u64;

#define mipc_peek(p)	atomic_load_explicit((p), memory_order_relaxed)
#define mipc_take(p)	atomic_load_explicit((p), memory_order_acquire)
#define mipc_put(p, v)	atomic_store_explicit((p), (v), memory_order_relaxed)
#define mipc_give(p, v)	atomic_store_explicit((p), (v), memory_order_release)
#define mipc_add(p, v)	atomic_fetch_add_explicit((p), (v), \
			    memory_order_acq_rel)
#define mipc_step()	atomic_thread_fence(memory_order_seq_cst)

/* On these processors a swap, done or not, is a full fence by itself. */
#if defined(__x86_64__) || defined(__i386__)
#define mipc_step_swapped() atomic_signal_fence(memory_order_seq_cst)
#else
#define mipc_step_swapped() mipc_step()
#endif

#define mipc_swap_if(p, expected, v)					\
	atomic_compare_exchange_strong_explicit((p), (expected), (v),	\
	    memory_order_acq_rel, memory_order_acquire)

static inline void
mipc_copy(void *to, const void *from, size_t size)
{
#ifdef MIPC_WATCHED		/* the thread sanitizer knows no other way */
	for (size_t i = 0; i < size; i++)
		__atomic_store_n((char *)to + i, __atomic_load_n(
		    (const char *)from + i, __ATOMIC_RELAXED),
		    __ATOMIC_RELAXED);
#else
	memcpy(to, from, size);
#endif
}

#endif
