/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pages.c - whether the program's pointers lead anywhere, so that the calls
 * can answer EFAULT as the kernel does.
 *
 * The kernel is asked by the cheapest calls that make it touch memory.  To
 * read: rt_sigprocmask looks at a mask of eight bytes before it looks at
 * `how`.  To write: it tells the mask there is, where eight bytes are to be
 * written anyway; else FUTEX_WAKE_OP, three times as slow, adds 0 to a word.
 *
 * But a system call (140 ns) costs more than a whole semop() or msgrcv(), so
 * a page that could be read, or written, is remembered, by each thread for
 * itself, until the program takes any memory away (memory.c, shmdt): all are
 * forgotten then, since that is rare and slower than to ask again.  The page
 * of the stack that we run on is never asked about.
 *
 * Changes of memory that are not seen (libc's own, as when free() returns a
 * large block to the kernel, and those by a program's own system call
 * instruction) are not followed: an address that went in this way after it
 * was an argument of such a call is a fault and not EFAULT the next time.  A
 * program that passes memory it has not is the only one to see it; a handler
 * of SIGSEGV could tell even that, and would be seen by every program.
 */
#include "preload.h"

#include <sys/syscall.h>
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>

enum {
	PAGE_BITS = 12,		/* no machine has smaller pages */
	MASK_SIZE = _NSIG / 8,	/* bytes of the kernel's signal mask */
	REMEMBERED = 8,		/* pages, of each kind */
	COUNT_MASK = (1 << PAGE_BITS) - 1
};

/* How often memory was taken away.  While it is 0 nobody tells us. */
static atomic_ulong changes;

enum kind {
	TO_READ,
	TO_WRITE,
	KINDS
};

/*
 * The pages that could be read, or written, since `count` changes, each with
 * the low bits of that count: what a signal handler ran into the middle of is
 * not taken for an answer of a later time.
 */
static __thread struct {
	atomic_ulong count;
	_Atomic uintptr_t page[KINDS][REMEMBERED];
	unsigned next;		/* to be replaced; any will do */
} known __attribute__((tls_model("initial-exec")));

void
preload_remember_pages(void)
{
	unsigned long never = 0;

	atomic_compare_exchange_strong(&changes, &never, 1);
}

void
preload_forget_pages(void)
{
	/*
	 * Counted after the change, and looked at before a page is touched:
	 * one that was touched earlier carries an older count.
	 */
	if (atomic_load_explicit(&changes, memory_order_relaxed) != 0)
		atomic_fetch_add_explicit(&changes, 1, memory_order_acq_rel);
}

static bool
can_read(uintptr_t page)
{
	return mipc_sys(SYS_rt_sigprocmask, -1,
	    (long)(page << PAGE_BITS), 0, MASK_SIZE, 0, 0) != -EFAULT;
}

/* Overwrites MASK_SIZE bytes. */
static bool
can_overwrite(uintptr_t at)
{
	return mipc_sys(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)at, MASK_SIZE,
	    0, 0) != -EFAULT;
}

/* Leaves the page as it is.  Wakes nobody: who waits, waits elsewhere. */
static bool
can_write(uintptr_t page)
{
	static uint32_t word;

	return mipc_sys(SYS_futex, (long)&word,
	    FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0,
	    (long)(page << PAGE_BITS),
	    FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)) != -EFAULT;
}

/* Forget what was found before the last change. */
static void
bring_up_to(unsigned long count)
{
	if (atomic_load_explicit(&known.count, memory_order_relaxed) == count)
		return;
	for (unsigned i = 0; i < KINDS * REMEMBERED; i++)
		atomic_store_explicit(&known.page[i / REMEMBERED]
		    [i % REMEMBERED], 0, memory_order_relaxed);
	atomic_store_explicit(&known.count, count, memory_order_relaxed);
}

static bool
is_good(enum kind kind, uintptr_t page)
{
	_Atomic uintptr_t *pages = known.page[kind];
	unsigned long count = atomic_load_explicit(&changes,
	    memory_order_acquire);
	uintptr_t entry = page << PAGE_BITS | (count & COUNT_MASK);

	/* Nobody's, and its address would say that there is no mask. */
	if (page == 0)
		return false;
	bring_up_to(count);
	for (unsigned i = 0; i < REMEMBERED; i++)
		if (atomic_load_explicit(&pages[i], memory_order_relaxed) ==
		    entry)
			return true;
	if (!(kind == TO_READ ? can_read(page) : can_write(page)))
		return false;
	if (count != 0)
		atomic_store_explicit(&pages[known.next++ % REMEMBERED],
		    entry, memory_order_relaxed);
	return true;
}

static uintptr_t
page_of(const volatile void *pointer)
{
	return (uintptr_t)pointer >> PAGE_BITS;
}

/* A page of the stack of whoever asks. */
#define OWN_PAGE	page_of(__builtin_frame_address(0))

static bool
all_good(enum kind kind, const void *pointer, size_t size)
{
	uintptr_t page = page_of(pointer);
	uintptr_t last = page_of((const char *)pointer + size - 1);

	if (last < page)
		return false;
	for (; page <= last; page++)
		if (page != OWN_PAGE && !is_good(kind, page))
			return false;
	return true;
}

bool
preload_readable(const void *pointer, size_t size)
{
	return all_good(TO_READ, pointer, size);
}

bool
preload_fillable(void *pointer, size_t size)
{
	return all_good(TO_WRITE, pointer, size);
}

/* Where in [at, at + size) to overwrite something, to try this page of it. */
static uintptr_t
place_in(uintptr_t page, uintptr_t at, size_t size)
{
	uintptr_t start = page << PAGE_BITS, latest = at + size - MASK_SIZE;

	if (start < at)
		start = at;
	return start < latest ? start : latest;
}

bool
preload_writable(void *pointer, size_t size)
{
	uintptr_t at = (uintptr_t)pointer;
	uintptr_t page = page_of(pointer);
	uintptr_t last = page_of((const char *)pointer + size - 1);

	if (page == 0 || last < page)
		return false;
	for (; page <= last; page++)
		if (page != OWN_PAGE && !(size >= MASK_SIZE ?
		    can_overwrite(place_in(page, at, size)) :
		    can_write(page)))
			return false;
	return true;
}
