/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * holder.h - a thread that holds a word of memory that has no table of lives.
 *
 * Depends on: atomic.h, sys.h, thread.h, wait.h.  Locks: none.
 */
#ifndef MIPC_HOLDER_H
#define MIPC_HOLDER_H

#include "atomic.h"
#include "thread.h"

/*
 * A word that says who holds something, 0 nobody:
 *
 *	bits 0 .. 29	the thread's id: a robust futex, as the kernel has them
 *	30, 31		the kernel's: FUTEX_OWNER_DIED, FUTEX_WAITERS
 *	32 .. 47	which numbers threads have there, 0 not known
 *	48 .. 59	when the thread began, in ticks
 *	60 .. 63	the user's
 */
#define MIPC_HOLDER_TAG(tag)	((uint64_t)(tag) << 60)
#define MIPC_HOLDER_TAG_OF(word)	((uint32_t)((word) >> 60))

/* The calling thread's, of tag 0; 0 without memory. */
uint64_t mipc_holder_self(struct mipc_thread *);

enum mipc_holds { MIPC_HOLDS, MIPC_HOLDS_STOPPED, MIPC_HOLDS_NO_MORE };

/* Has the kernel marked it?  No system call. */
bool	mipc_holder_marked(uint64_t word);
/* What is the matter with a holder?  Some system calls. */
enum mipc_holds mipc_holder_look(struct mipc_thread *, uint64_t word);

/*
 * From mark to unmark the kernel marks the word if the calling thread dies,
 * and its number is in it.  One word at a time: another that is named
 * meanwhile is left to mipc_holder_look().
 */
void	mipc_holder_mark(struct mipc_thread *, const mipc_u64 *word);
void	mipc_holder_unmark(struct mipc_thread *, const mipc_u64 *word);

#endif
