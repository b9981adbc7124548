/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_slice.c - a short sleep on one word, and a yield, that tell of whatever
 * handler ran in them.
 *
 * Between slices signals are blocked, and are open from before the call until
 * after it; so whatever handler runs runs here, and is seen by its marks
 * (sys_marks.h).  Where there are none, one that runs between the calls is not.
 */
#include "sys.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "sys_call.h"
#include "sys_inside.h"
#include "sys_marks.h"

/* What the asm below reads and writes, by its place. */
struct slice {
	const uint64_t *open, *closed;
	const void *word;
	unsigned long value;
	const struct timespec *time;
	long result;
	uintptr_t first, last;		/* where a handler goes back to */
};

#if MIPC_HAS_MARKS

#define FRAME	16384u		/* bytes of a signal stack to look at */

struct mipc_stack {
	char *base;
	int flags;
	size_t size;
};

static int
ask_for_stack(struct mipc_stack *stack)
{
	return (int)sys_call(SYS_sigaltstack, 0, (long)stack, 0, 0, 0, 0);
}

bool
mipc_sys_ran_elsewhere(uintptr_t first, uintptr_t last)
{
	struct mipc_stack stack;
	volatile uintptr_t *word;
	size_t n;

	if (ask_for_stack(&stack) != 0 || stack.flags != 0)
		return false;
	n = (stack.size < FRAME ? stack.size : FRAME) / sizeof(*word);
	word = (void *)(stack.base + stack.size - n * sizeof(*word));
	for (size_t i = 0; i < n; i++)
		if (word[i] >= first && word[i] <= last) {
			word[i] = 0;
			return true;
		}
	return false;
}

_Static_assert(offsetof(struct slice, last) == 7 * sizeof(long),
    "as below");

#if defined(__x86_64__)

#define SET_MASK(at)							\
	"movl $14, %%eax\n\t"			/* rt_sigprocmask */	\
	"movl $2, %%edi\n\t"			/* SIG_SETMASK */	\
	"movq " #at "(%[slice]), %%rsi\n\t"				\
	"xorl %%edx, %%edx\n\t"					\
	"movl $8, %%r10d\n\t"						\
	"syscall\n\t"

static void
sleep_a_slice(struct slice *slice)
{
	__asm__ volatile(
	    MIPC_MARKS(MIPC_MARK_SET)
	    "leaq 1f(%%rip), %%rax\n\t"
	    "movq %%rax, 48(%[slice])\n\t"
	    "leaq 2f(%%rip), %%rax\n\t"
	    "movq %%rax, 56(%[slice])\n"
	    "1:\n\t"
	    SET_MASK(0)
	    "movl $202, %%eax\n\t"		/* futex */
	    "movq 16(%[slice]), %%rdi\n\t"
	    "xorl %%esi, %%esi\n\t"		/* FUTEX_WAIT */
	    "movq 24(%[slice]), %%rdx\n\t"
	    "movq 32(%[slice]), %%r10\n\t"
	    "syscall\n\t"
	    "movq %%rax, 40(%[slice])\n\t"
	    SET_MASK(8)
	    "2:\n\t"
	    "movq 40(%[slice]), %%rax\n\t"
	    MIPC_MARKS(MIPC_MARK_TEST)
	    "movq %%rax, 40(%[slice])\n\t"
	    :
	    : [slice]"b"(slice), MIPC_MARK
	    : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
	      "memory", "cc");
}

#define YIELD		"syscall\n\t"
#define YIELD_CHANGES	"rcx", "r11",

#else

#define SET_MASK(at)							\
	"movl $175, %%eax\n\t"			/* rt_sigprocmask */	\
	"movl $2, %%ebx\n\t"			/* SIG_SETMASK */	\
	"movl " #at "(%[slice]), %%ecx\n\t"				\
	"xorl %%edx, %%edx\n\t"					\
	"movl $8, %%esi\n\t"						\
	"int $0x80\n\t"

static void
sleep_a_slice(struct slice *slice)
{
	__asm__ volatile(
	    "call 3f\n"
	    "3:\n\t"
	    "popl %%eax\n\t"
	    "leal 1f - 3b(%%eax), %%ecx\n\t"
	    "movl %%ecx, 24(%[slice])\n\t"
	    "leal 2f - 3b(%%eax), %%ecx\n\t"
	    "movl %%ecx, 28(%[slice])\n\t"
	    MIPC_MARKS(MIPC_MARK_SET)
	    "1:\n\t"
	    SET_MASK(0)
	    "movl $240, %%eax\n\t"		/* futex */
	    "movl 8(%[slice]), %%ebx\n\t"
	    "xorl %%ecx, %%ecx\n\t"		/* FUTEX_WAIT */
	    "movl 12(%[slice]), %%edx\n\t"
	    "movl 16(%[slice]), %%esi\n\t"
	    "int $0x80\n\t"
	    "movl %%eax, 20(%[slice])\n\t"
	    SET_MASK(4)
	    "2:\n\t"
	    "movl 20(%[slice]), %%eax\n\t"
	    MIPC_MARKS(MIPC_MARK_TEST)
	    "movl %%eax, 20(%[slice])\n\t"
	    :
	    : [slice]"D"(slice), MIPC_MARK
	    : "eax", "ebx", "ecx", "edx", "esi", "memory", "cc");
}

#define YIELD		"int $0x80\n\t"
#define YIELD_CHANGES

#endif

static long
try_slice(struct slice *slice)
{
	sleep_a_slice(slice);
	return slice->result != -EINTR &&
	    mipc_sys_ran_elsewhere(slice->first, slice->last) ? -EINTR :
	    slice->result;
}

/* Only where every handler runs on this stack. */
int
mipc_sys_yield(void)
{
	struct mipc_stack stack;
	long result = SYS_sched_yield;

	if (ask_for_stack(&stack) != 0 || stack.flags != SS_DISABLE)
		return -ENOSYS;
	__asm__ volatile(
	    MIPC_MARKS(MIPC_MARK_SET)
	    YIELD
	    MIPC_MARKS(MIPC_MARK_TEST)
	    : "+a"(result)
	    : MIPC_MARK
	    : YIELD_CHANGES "memory", "cc");
	return (int)result;
}

#else

int
mipc_sys_yield(void)
{
	return -ENOSYS;
}

static long
try_slice(struct slice *slice)
{
	long result;

	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)slice->open, 0, 8, 0,
	    0);
	result = mipc_sys_futex_wait(slice->word, (uint32_t)slice->value,
	    slice->time);
	sys_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)slice->closed, 0, 8,
	    0, 0);
	return result;
}

#endif

int
mipc_sys_wait_open(const void *word, uint32_t value,
    const struct timespec *relative, const uint64_t *open)
{
	uint64_t closed;
	struct slice slice = { .open = open, .closed = &closed, .word = word,
	    .value = value, .time = relative };

	sys_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)&closed, 8, 0, 0);
	return (int)try_slice(&slice);
}
