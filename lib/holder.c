/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * holder.c - who holds a word, and does it live?
 *
 * The memory may be anybody's, of processes that share nothing else: there is
 * no table of lives in it.  Two ways tell that a holder died.
 *
 * The kernel: while a thread holds the word, it is named as the pending one of
 * the thread's list of robust futexes.  Whatever the thread dies of, the
 * kernel then replaces its id in the word, in one step, by FUTEX_OWNER_DIED.
 * No list leads through shared memory, where others could bend it; a word is
 * named only around the time that it is held, so that the death of one who
 * waits, and has the same number elsewhere, marks nothing.
 *
 * The system: the thread of that number is gone, or is a zombie, or is another
 * that began later.  That is asked only of numbers that mean the same to both.
 */
#include "holder.h"

#include "wait.h"

#define ID_MASK		0x3fffffffu
#define DIED		0x40000000u
#define NUMBERING	0xffffu
#define BEGAN		0xfffu

static uint64_t
word_of(uint32_t id, uint32_t numbering, uint64_t began)
{
	return (uint64_t)id | (uint64_t)(numbering & NUMBERING) << 32 |
	    (began & BEGAN) << 48;
}

uint64_t
mipc_holder_self(struct mipc_thread *thread)
{
	uint64_t began;
	pid_t id;
	char state;

	if (__builtin_expect(thread == NULL, 0))
		return 0;
	if (__builtin_expect(thread->holder == 0, 0)) {
		id = mipc_sys_tid();
		mipc_sys_thread(id, &state, &began);
		thread->holder = word_of((uint32_t)id, state == 0 ? 0 :
		    mipc_sys_numbering(), began);
	}
	return thread->holder;
}

bool
mipc_holder_marked(uint64_t word)
{
	return (word & DIED) != 0;
}

static bool
is_comparable(uint64_t a, uint64_t b)
{
	return (a >> 32 & NUMBERING) != 0 &&
	    (a >> 32 & NUMBERING) == (b >> 32 & NUMBERING);
}

enum mipc_holds
mipc_holder_look(struct mipc_thread *thread, uint64_t word)
{
	uint64_t began;
	char state;

	if (mipc_holder_marked(word))
		return MIPC_HOLDS_NO_MORE;
	if (!is_comparable(word, mipc_holder_self(thread)))
		return MIPC_HOLDS;
	if (!mipc_sys_thread((pid_t)(word & ID_MASK), &state, &began))
		return MIPC_HOLDS_NO_MORE;
	if (state == 0)
		return MIPC_HOLDS;	/* hidden from us, but there */
	if (state == 'Z' || state == 'X' || (began & BEGAN) !=
	    (word >> 48 & BEGAN))
		return MIPC_HOLDS_NO_MORE;
	return state == 'T' || state == 't' ? MIPC_HOLDS_STOPPED : MIPC_HOLDS;
}

static void *
pending_for(const struct mipc_thread *thread, const mipc_u64 *word)
{
	return (char *)(uintptr_t)mipc_wait_half(word) -
	    thread->robust->offset;
}

void
mipc_holder_mark(struct mipc_thread *thread, const mipc_u64 *word)
{
	if (thread->robust != NULL && thread->robust->pending == NULL)
		*(void *volatile *)&thread->robust->pending =
		    pending_for(thread, word);
	atomic_signal_fence(memory_order_seq_cst);
}

void
mipc_holder_unmark(struct mipc_thread *thread, const mipc_u64 *word)
{
	atomic_signal_fence(memory_order_seq_cst);
	if (thread->robust != NULL &&
	    thread->robust->pending == pending_for(thread, word))
		*(void *volatile *)&thread->robust->pending = NULL;
}
