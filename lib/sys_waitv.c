/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_waitv.c - FUTEX_WAITV, told apart from itself: the kernel restarts it
 * silently after a handler with SA_RESTART, but semop() must say EINTR.
 *
 * So it is issued from a restartable sequence, of which it is the end.  To
 * restart it the kernel goes back to it, and the sequence aborts.  It leaves
 * its own address in rcx: zero there in the abort path means that the call
 * never began, anything else that a signal came.  A call whose time ran out
 * while a signal came, before the process got to run, is not restarted: there
 * too it is asked whether a handler ran, or an alarm of whole seconds would be
 * lost in a sleep of such.  The sequence begins right behind the store that
 * announces it, or the kernel would take that back in between; marks which are
 * looked at inside tell of a handler before it.
 * A thread has one rseq area: libc's, else one that is registered here.
 * Elsewhere than on x86-64, and where the program came first with an area of
 * its own, the caller sleeps in slices on one word, of which the kernel says
 * EINTR (wait.c).
 */
#include "sys.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "sys_call.h"
#include "sys_inside.h"
#include "sys_marks.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#if defined(__x86_64__) && __SIZEOF_LONG__ == 8 && \
    !defined(__SANITIZE_THREAD__)

/* glibc 2.35 and later; absent in others. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

#define SIGNATURE	0x53053053	/* before the abort path */
#define UNREGISTER	1
#define AREA_SIZE	sizeof(struct mipc_sequences)

/* The area of a thread whose libc knows of none. */
static __thread struct mipc_sequences *mine
    __attribute__((tls_model("initial-exec")));

static bool
libc_has_area(void)
{
	return &__rseq_offset != NULL && &__rseq_size != NULL;
}

void
mipc_sys_sequences_begin(struct mipc_sequences *area)
{
	if (!libc_has_area() && !mipc_sys_forced("MIPC_NO_RSEQ") &&
	    sys_call(SYS_rseq, (long)area, AREA_SIZE, 0, SIGNATURE, 0,
	    0) == 0)
		mine = area;
}

void
mipc_sys_sequences_end(struct mipc_sequences *area)
{
	if (mine != area)
		return;
	mine = NULL;
	sys_call(SYS_rseq, (long)area, AREA_SIZE, UNREGISTER, SIGNATURE, 0,
	    0);
}

/* The calling thread's, or NULL. */
static struct mipc_sequences *
sequences(void)
{
	if (!libc_has_area())
		return mine;
	return __rseq_size == 0 ? NULL :
	    (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/*
 * The call's result; -EINTR, also where a handler ran after `asleep` was
 * told and before the call began; -ERESTART: stopped and continued.  Where it
 * has not begun for another reason it is tried again, with the same marks.
 */
static long
do_waitv(const struct mipc_futex_waitv *words, unsigned n,
    const int64_t *deadline, uint32_t *asleep)
{
	uint64_t *area = &sequences()->section;
	register long r10 __asm__("r10") = (long)deadline;
	register long r8 __asm__("r8") = CLOCK_MONOTONIC;
	long result = SYS_futex_waitv;
	uintptr_t goes_on;	/* where it does, after a handler */

	__asm__ volatile(
	    ".pushsection __rseq_cs, \"aw\"\n\t"
	    ".balign 32\n"
	    "3:\n\t"
	    ".long 0, 0\n\t"
	    ".quad 1f, 2f - 1f, 4f\n\t"
	    ".popsection\n\t"
	    ".pushsection __rseq_failure, \"ax\"\n\t"
	    ".byte 0x0f, 0xb9, 0x3d\n\t"
	    ".long %c[signature]\n"
	    "4:\n\t"
	    "movl %[call], %%eax\n\t"
	    "testq %%rcx, %%rcx\n\t"
	    "jz 8f\n\t"
	    "movq $-85, %%rax\n\t"		/* -ERESTART */
	    "leaq 4b(%%rip), %[goes_on]\n\t"
	    MIPC_MARKS(MIPC_MARK_TEST)
	    "jmp 5f\n\t"
	    ".popsection\n\t"
	    MIPC_MARKS(MIPC_MARK_SET)
	    "movl $1, %[asleep]\n"
	    "8:\n\t"
	    "leaq 3b(%%rip), %%r11\n\t"
	    "xorl %%ecx, %%ecx\n\t"
	    "movq %%r11, %[area]\n"
	    "1:\n\t"
	    MIPC_MARKS(MIPC_MARK_TEST)
	    "cmpq $-4, %%rax\n\t"
	    "je 5f\n\t"
	    "syscall\n"
	    "2:\n\t"
	    "cmpq $-110, %%rax\n\t"		/* -ETIMEDOUT */
	    "jne 5f\n\t"
	    "leaq 2b(%%rip), %[goes_on]\n\t"
	    MIPC_MARKS(MIPC_MARK_TEST)
	    "5:\n\t"
	    "movq $0, %[area]\n\t"
	    : "+a"(result), [area]"=m"(*area), [asleep]"=m"(*asleep),
	      [goes_on]"=&r"(goes_on)
	    : "D"(words), "S"((long)n), "d"(0L), "r"(r10), "r"(r8),
	      MIPC_MARK, [signature]"i"(SIGNATURE),
	      [call]"i"(SYS_futex_waitv)
	    : "rcx", "r11", "memory", "cc");
	return (result == -ERESTART || result == -ETIMEDOUT) &&
	    mipc_sys_ran_elsewhere(goes_on, goes_on) ? -EINTR : result;
}

#else

void
mipc_sys_sequences_begin(struct mipc_sequences *area)
{
	(void)area;
}

void
mipc_sys_sequences_end(struct mipc_sequences *area)
{
	(void)area;
}

static const struct mipc_sequences *
sequences(void)
{
	return NULL;
}

static long
do_waitv(const struct mipc_futex_waitv *words, unsigned n,
    const int64_t *deadline, uint32_t *asleep)
{
	__atomic_store_n(asleep, 1, __ATOMIC_RELEASE);
	return sys_call(SYS_futex_waitv, (long)words, n, 0, (long)deadline,
	    CLOCK_MONOTONIC, 0);
}

#endif

int
mipc_sys_waitv(const struct mipc_futex_waitv *words, unsigned n,
    const struct timespec *deadline, uint32_t *asleep)
{
	int64_t when[2];		/* 64 bits each on every machine */

	if (deadline != NULL) {
		when[0] = deadline->tv_sec;
		when[1] = deadline->tv_nsec;
	}
	return (int)do_waitv(words, n, deadline == NULL ? NULL : when, asleep);
}

bool
mipc_sys_waitv_tells(void)
{
	return sequences() != NULL;
}

bool
mipc_sys_has_waitv(void)
{
	struct mipc_futex_waitv none = { .flags = 0 };

	if (mipc_sys_forced("MIPC_NO_RSEQ") ||
	    mipc_sys_forced("MIPC_NO_WAITV"))
		return false;
	/* No word at all is EINVAL where the call exists. */
	return sys_call(SYS_futex_waitv, (long)&none, 0, 0, 0, 0, 0) !=
	    -ENOSYS;
}
