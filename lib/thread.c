/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.c - the threads that call the library.
 *
 * A record a thread, found through one word of thread-local storage and
 * linked for whoever unmaps objects.  Entering an object is a plain store: the
 * one who unmaps makes all threads of the process fence (membarrier), which is
 * rare and may be dear.  Where the kernel has no such call each thread fences
 * itself at every call.
 */
#include "thread.h"

#include <pthread.h>

#include "gate.h"
#include "view.h"

__thread struct mipc_thread *mipc_thread_mine MIPC_FAST_TLS;
bool mipc_thread_fences = true;

static _Atomic(struct mipc_thread *) all;
static mipc_u32 threads;
static pthread_key_t key;
static bool have_key;

static void
clear(struct mipc_thread *thread)
{
	thread->waiter.serial = 0;
	mipc_put(&thread->quick, NULL);
	for (uint32_t i = 0; i < MIPC_NESTED; i++)
		mipc_put(&thread->inside[i], NULL);
	thread->depth = 0;
	thread->holder = 0;
}

/* The thread ends; a call of a later destructor takes a record anew. */
static void
end(void *memory)
{
	struct mipc_thread *thread = memory;

	mipc_thread_mine = NULL;
	mipc_sys_sequences_end(&thread->sequences);
	clear(thread);
	mipc_give(&thread->taken, 0);
}

/* [gate] A record that is nobody's, or a new one. */
static struct mipc_thread *
take(void)
{
	struct mipc_thread *thread;
	void *memory;

	for (thread = mipc_take(&all); thread != NULL; thread = thread->next)
		if (mipc_take(&thread->taken) == 0)
			return thread;
	if (mipc_view_private(sizeof(*thread), &memory) != 0)
		return NULL;
	thread = memory;
	thread->number = mipc_add(&threads, 1);
	thread->next = mipc_peek(&all);
	mipc_give(&all, thread);
	return thread;
}

/* [gate] The calling thread's, for the kernel to ring by. */
static struct mipc_robust_head *
robust_list(void)
{
	return mipc_sys_forced("MIPC_NO_ROBUST") ? NULL :
	    mipc_sys_robust_begin();
}

struct mipc_thread *
mipc_thread_begin(void)
{
	struct mipc_thread *thread;
	struct mipc_gate gate;

	mipc_gate_enter(&gate);
	if (!have_key) {
		have_key = pthread_key_create(&key, end) == 0;
		mipc_thread_fences = mipc_sys_may_fence_all() != 0;
	}
	thread = mipc_thread_mine;
	if (thread == NULL)
		thread = take();
	if (thread != NULL) {
		thread->robust = robust_list();
		mipc_sys_sequences_begin(&thread->sequences);
		clear(thread);
		mipc_give(&thread->taken, 1);
		mipc_thread_mine = thread;
		if (have_key)
			pthread_setspecific(key, thread);
	}
	mipc_gate_leave(&gate);
	return thread;
}

/*
 * [gate] Is there another thread that has called the library?  Who begins to
 * comes through the gate; who has ended cleared its record before it gave it
 * back.
 */
static bool
has_others(void)
{
	struct mipc_thread *thread;

	for (thread = mipc_take(&all); thread != NULL; thread = thread->next)
		if (thread != mipc_thread_mine &&
		    mipc_take(&thread->taken) != 0)
			return true;
	return false;
}

bool
mipc_thread_uses(const void *object)
{
	struct mipc_thread *thread;

	if (mipc_thread_fences || !has_others())
		mipc_step();
	else if (mipc_sys_fence_all() != 0)
		return true;	/* kept for ever rather than in danger */
	for (thread = mipc_take(&all); thread != NULL; thread = thread->next) {
		if (mipc_peek(&thread->quick) == object)
			return true;
		for (uint32_t i = 0; i < MIPC_NESTED; i++)
			if (mipc_peek(&thread->inside[i]) == object)
				return true;
	}
	return false;
}

void
mipc_thread_forked(void)
{
	struct mipc_thread *thread;

	for (thread = mipc_peek(&all); thread != NULL; thread = thread->next) {
		if (thread == mipc_thread_mine) {
			thread->waiter.serial = 0;	/* the parent's */
			thread->holder = 0;
			/* The kernel forgot it; not every libc tells again. */
			thread->robust = robust_list();
			continue;
		}
		clear(thread);
		mipc_put(&thread->taken, 0);
	}
}
