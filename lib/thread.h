/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.h - what the library knows of each thread that calls it: which
 * object it is in, so that nobody unmaps it; whose bell the kernel is to ring
 * when it dies there; and where it sleeps.
 *
 * Depends on: gate.h, sys.h.
 * Locks: none but where [gate] is said.
 */
#ifndef MIPC_THREAD_H
#define MIPC_THREAD_H

#include "atomic.h"
#include "sys.h"

#define MIPC_NESTED	8u	/* calls in calls of handlers, of one thread */
#define MIPC_WITHDRAWN	16u

/*
 * inside	objects it uses; a call within another's handler the next one.
 *		A handler left by siglongjmp(3) leaves its own behind, which
 *		keeps an object mapped and is taken back by no one
 * depth	how many
 * quick	the one that a call of a single swap uses; a handler's puts back
 *		what it found
 * waiter	where it sleeps; serial 0: nowhere
 * holder	who it is in memory without lives (holder.h), 0 not asked
 * withdrawn	what became of sleeps that a handler's call took back, by
 *		serial
 */
struct mipc_thread {
	struct mipc_robust_head *robust;	/* NULL: this libc has none */
	_Atomic(void *) quick;
	_Atomic(void *) inside[MIPC_NESTED];
	uint32_t depth;
	uint32_t number;
	uint64_t holder;
	struct {
		uint64_t serial;
		void *ns, *object;
		void (*withdraw)(struct mipc_thread *);
		uint32_t index, side;
	} waiter;
	uint64_t serials;
	struct {
		uint64_t serial;
		int result;
		void *kept;		/* what it ended with: msg_sleep.c */
		size_t bytes;
	} withdrawn[MIPC_WITHDRAWN];
	struct mipc_sequences sequences;
	mipc_u32 taken;				/* by a living thread */
	struct mipc_thread *next;
};

#define MIPC_FAST_TLS __attribute__((tls_model("initial-exec")))
extern __thread struct mipc_thread *mipc_thread_mine MIPC_FAST_TLS;

/* The calling thread's; NULL without memory. */
struct mipc_thread *mipc_thread_begin(void);
static inline struct mipc_thread *
mipc_thread(void)
{
	struct mipc_thread *thread = mipc_thread_mine;

	return __builtin_expect(thread != NULL, 1) ? thread :
	    mipc_thread_begin();
}

/*
 * Between enter and leave the object is not unmapped, if mipc_thread_enter()
 * says so.  A handler's call nests.
 */
struct mipc_inside {
	uint32_t depth;
	void *pending;
};
/* Each thread must fence itself. */
extern bool mipc_thread_fences MIPC_HIDDEN;

static inline bool
mipc_thread_enter(struct mipc_thread *thread, void *object,
    struct mipc_inside *saved)
{
	uint32_t depth = thread->depth;

	saved->depth = depth;
	saved->pending = thread->robust == NULL ? NULL :
	    thread->robust->pending;
	if (depth >= MIPC_NESTED)
		return false;
	*(volatile uint32_t *)&thread->depth = depth + 1;
	atomic_signal_fence(memory_order_seq_cst);
	mipc_put(&thread->inside[depth], object);
	/* Pairs with the fence in mipc_thread_uses(), for us if it can. */
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(mipc_thread_fences, 0))
		mipc_step();
	return true;
}

/* The same for the time of one swap. */
static inline void *
mipc_thread_quick(struct mipc_thread *thread, void *object)
{
	void *saved = mipc_peek(&thread->quick);

	mipc_put(&thread->quick, object);
	/* As in mipc_thread_enter(). */
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(mipc_thread_fences, 0))
		mipc_step();
	return saved;
}

static inline void
mipc_thread_quick_done(struct mipc_thread *thread, void *saved)
{
	mipc_give(&thread->quick, saved);
}

static inline void
mipc_thread_leave(struct mipc_thread *thread, const struct mipc_inside *saved)
{
	/* Everything done to the object before nobody answers for it. */
	atomic_signal_fence(memory_order_seq_cst);
	if (thread->robust != NULL)
		*(void *volatile *)&thread->robust->pending = saved->pending;
	if (saved->depth < MIPC_NESTED)
		mipc_give(&thread->inside[saved->depth], NULL);
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint32_t *)&thread->depth = saved->depth;
}

/* From here to leave the kernel wakes a sleeper of `bell`, a futex word that
 * is always 0, if the thread dies. */
static inline void
mipc_thread_ring_for(struct mipc_thread *thread, const void *bell)
{
#ifdef MIPC_BREAK_BELL
	(void)thread, (void)bell;	/* a soak must see what this breaks */
#else
	if (thread->robust != NULL)
		*(void *volatile *)&thread->robust->pending =
		    (char *)(uintptr_t)bell - thread->robust->offset;
#endif
	atomic_signal_fence(memory_order_seq_cst);
}

/*
 * A handler's call, or one after a jump out of a handler: the sleep that the
 * thread has not come back from ends.
 */
static inline void
mipc_thread_withdraw(struct mipc_thread *thread)
{
	if (__builtin_expect(thread->waiter.serial != 0, 0))
		thread->waiter.withdraw(thread);
}

/* [gate] Does any thread use this object, which can no longer be found? */
bool	mipc_thread_uses(const void *object);

/* [gate] In a fork's child: the others stayed behind. */
void	mipc_thread_forked(void);

#endif
