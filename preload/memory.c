/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c - munmap(), mmap(), mremap() and mprotect(), so that the library
 * knows of attaches that a program unmaps, maps over or moves by hand, and
 * the module of pages that cannot be read any more.
 *
 * They are called before anything is initialised, inside allocators, in
 * signal handlers and in vfork() children, so they look nothing up: they are
 * system calls, as the same ones by number are.  From the first IPC call on
 * they report what they do; until then the library is not entered.
 *
 * A report must not come when the memory is already free: another thread may
 * have attached there, and its attach would be taken for what went.
 *
 * Where the library has no door of its own to the kernel (sys_call.h), its
 * own calls would come through here: there nothing is promised, nor reported.
 */
#include "preload.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif

#if (defined(__x86_64__) || defined(__aarch64__)) && __SIZEOF_LONG__ == 8

/* No memory lies across it; beyond it only what was asked to lie there. */
#ifdef __x86_64__
#define USER_END	(1ul << 47)
#else
#define USER_END	(1ul << 48)
#endif

static atomic_bool promised;

void
preload_promise(void)
{
	mipc_credentials_changed();
	/* Before any attach: who unmaps one knows of it, hence of this. */
	atomic_store_explicit(&promised, true, memory_order_relaxed);
	mipc_memory_changed(NULL, 0);
	preload_remember_pages();
}

/* The library's door is an instruction (sys_call.h), not this function. */
static long
ask_kernel(long number, const long *a)
{
	return mipc_sys(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* It answers an error by its negative number. */
static bool
is_error(long result)
{
	return result < 0 && result >= -4095;
}

static unsigned long
whole_pages(unsigned long length)
{
	unsigned long page = mipc_sys_page();

	return (length + page - 1) & ~(page - 1);
}

/* What the kernel would refuse is not reported. */
static void
report_change(unsigned long address, unsigned long length)
{
	unsigned long end = address < USER_END ? USER_END : ULONG_MAX;

	if ((address & (mipc_sys_page() - 1)) == 0 && length > 0 &&
	    length < end - address)
		mipc_memory_changed((void *)address, whole_pages(length));
}

/*
 * Reported before it is done: afterwards another thread may attach where the
 * memory was.  What else may fail, for want of room to split a mapping,
 * concerns no whole one.
 */
static long
unmap(const long *a)
{
	report_change((unsigned long)a[0], (unsigned long)a[1]);
	return ask_kernel(SYS_munmap, a);
}

/* Reported when it is done: it may fail for many reasons. */
static long
map(const long *a)
{
	long result = ask_kernel(SYS_mmap, a);

	if (!is_error(result) && (a[3] & MAP_FIXED) != 0 &&
	    (a[3] & MAP_FIXED_NOREPLACE) == 0)
		report_change((unsigned long)result, (unsigned long)a[1]);
	return result;
}

/*
 * The arguments of mremap() are: old address, old length, new length, flags,
 * new address.  The kernel unmaps the tail first, whatever follows.
 */
static void
report_tail(const long *a, unsigned long old, unsigned long new)
{
	if (new > 0 && new < old)
		report_change((unsigned long)a[0] + new, old - new);
}

/*
 * Move to an address that nobody else can get, reported before the old one
 * can be anybody else's; and taken back if it fails.
 */
static long
remap_to(const long *a, unsigned long length)
{
	void *from = (void *)a[0], *to = (void *)a[4];
	long result;

	mipc_memory_moved(from, length, to);
	result = ask_kernel(SYS_mremap, a);
	if (is_error(result))
		mipc_memory_moved(to, length, from);
	return result;
}

/* The address is the program's choice; what is there is replaced. */
static long
remap_fixed(const long *a)
{
	unsigned long from = (unsigned long)a[0], to = (unsigned long)a[4];
	unsigned long old = whole_pages((unsigned long)a[1]);
	unsigned long new = whole_pages((unsigned long)a[2]);

	if ((a[3] & MREMAP_MAYMOVE) == 0 ||
	    (from < to + new && to < from + old))
		return ask_kernel(SYS_mremap, a);	/* it refuses */
	report_tail(a, old, new);
	report_change(to, new);
	/* One that is copied (old is 0) stays; the copy is nobody's. */
	if ((a[3] & MREMAP_DONTUNMAP) != 0)
		return ask_kernel(SYS_mremap, a);
	return remap_to(a, old < new ? old : new);
}

/*
 * One that grows and cannot where it is goes to a place that is kept for it.
 * If there is none, or it does not suit (huge pages), the kernel chooses: the
 * report comes late, and an attach that another thread gets in between at the
 * old address would be taken for this one.
 */
static long
remap_away(const long *a)
{
	unsigned long old = whole_pages((unsigned long)a[1]);
	const long place[PRELOAD_ARGUMENTS] = { 0, a[2], PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1 };
	long to = ask_kernel(SYS_mmap, place), result;

	if (!is_error(to)) {
		const long fixed[PRELOAD_ARGUMENTS] = { a[0], a[1], a[2],
		    MREMAP_MAYMOVE | MREMAP_FIXED, to };
		const long unused[PRELOAD_ARGUMENTS] = { to, a[2] };

		result = remap_to(fixed, old);
		if (!is_error(result))
			return result;
		ask_kernel(SYS_munmap, unused);
	}
	result = ask_kernel(SYS_mremap, a);
	if (!is_error(result) && result != a[0])
		mipc_memory_moved((void *)a[0], old, (void *)result);
	return result;
}

static long
remap(const long *a)
{
	unsigned long old = whole_pages((unsigned long)a[1]);
	unsigned long new = whole_pages((unsigned long)a[2]);
	const long here[PRELOAD_ARGUMENTS] = { a[0], a[1], a[2], 0 };
	long result;

	if ((a[3] & MREMAP_FIXED) != 0)
		return remap_fixed(a);
	report_tail(a, old, new);
	if (a[3] != MREMAP_MAYMOVE || old == 0 || new <= old)
		return ask_kernel(SYS_mremap, a);
	result = ask_kernel(SYS_mremap, here);
	return result == -ENOMEM ? remap_away(a) : result;
}

static long
change(long number, const long *a)
{
	switch (number) {
	case SYS_munmap:
		return unmap(a);
	case SYS_mmap:
		return map(a);
	case SYS_mremap:
		return remap(a);
	}
	return ask_kernel(number, a);
}

/* True if memory that could be read cannot be afterwards. */
static bool
takes_away(long number, const long *a)
{
	switch (number) {
	case SYS_mmap:
		return (a[3] & MAP_FIXED) != 0;
	case SYS_munmap:
	case SYS_mremap:
	case SYS_mprotect:
	case SYS_pkey_mprotect:
	case SYS_brk:
		return true;
	}
	return false;
}

static long
ask_reporting(long number, const long *a)
{
	long result = change(number, a);

	if (takes_away(number, a))
		preload_forget_pages();
	return result;
}

long
preload_pass(long number, const long *a)
{
	long result;

	if (atomic_load_explicit(&promised, memory_order_relaxed))
		result = ask_reporting(number, a);
	else
		result = ask_kernel(number, a);
	if (is_error(result)) {
		errno = (int)-result;
		return -1;
	}
	return result;
}

MIPC_PUBLIC int
munmap(void *address, size_t length)
{
	long a[PRELOAD_ARGUMENTS] = { (long)address, (long)length };

	return (int)preload_pass(SYS_munmap, a);
}

MIPC_PUBLIC void *
mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
	long a[PRELOAD_ARGUMENTS] = { (long)address, (long)length, prot,
	    flags, fd, offset };

	return (void *)preload_pass(SYS_mmap, a);
}

/* Offsets have 64 bits in both; one name does not call the other. */
extern __typeof__(mmap) mmap64 MIPC_PUBLIC __attribute__((alias("mmap")));

MIPC_PUBLIC void *
mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
	long a[PRELOAD_ARGUMENTS] = { (long)old, (long)old_length, (long)length,
	    flags };
	va_list list;

	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0) {
		va_start(list, flags);
		a[4] = (long)va_arg(list, void *);
		va_end(list);
	}
	return (void *)preload_pass(SYS_mremap, a);
}

MIPC_PUBLIC int
mprotect(void *address, size_t length, int prot)
{
	long a[PRELOAD_ARGUMENTS] = { (long)address, (long)length, prot };

	return (int)preload_pass(SYS_mprotect, a);
}

#else

PRELOAD_NEXT(syscall);

void
preload_promise(void)
{
	mipc_credentials_changed();
}

long
preload_pass(long number, const long *a)
{
	long (*real)(long, ...) = NEXT(syscall);

	return real == NULL ? -1 :
	    real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#endif
