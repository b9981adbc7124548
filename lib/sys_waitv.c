/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_waitv.c - FUTEX_WAITV, told apart from itself: the kernel restarts it
 * silently after a handler with SA_RESTART, but semop() must say EINTR.
 *
 * So it is issued from a restartable sequence of one instruction, the system
 * call itself.  To restart it the kernel goes back to that instruction, and
 * the sequence aborts.  The instruction leaves its own address in rcx: zero
 * there in the abort path means that the call never began, anything else
 * that a signal came.  A call whose time ran out while a signal came, before
 * the process got to run, is not restarted: there too it is asked whether a
 * handler ran, or an alarm of whole seconds would be lost in a sleep of such.
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
 * Did a handler run, or was the process only stopped and continued?  The
 * kernel saves the processor's state on the stack before a handler runs, close
 * below what leaf functions may use; so marks are left there that it writes
 * over.  On a signal stack of the program's it leaves the address where the
 * program goes on.
 */
#define MARK	0xa5c3965a69a5c396ull
#define SET(at)	"movq %[mark], " #at "(%%rsp)\n\t"
#define TEST(at)							\
	"cmpq %[mark], " #at "(%%rsp)\n\t"				\
	"je 7f\n\t"							\
	"movq $-4, %%rax\n"		/* -EINTR */			\
	"7:\n\t"
#define MARKS(what)							\
	what(-136) what(-144) what(-152) what(-160) what(-168)		\
	what(-176) what(-184) what(-192) what(-200) what(-208)
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

static bool
ran_elsewhere(uint64_t first, uint64_t last)
{
	struct mipc_stack stack;
	volatile uint64_t *word;
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

/*
 * One try: the call's result; -EINTR, -ERESTART: stopped and continued; or
 * 1 << 20: it never began.
 */
static long
try_waitv(const struct mipc_futex_waitv *words, unsigned n,
    const int64_t *deadline)
{
	uint64_t *area = &sequences()->section;
	register long r10 __asm__("r10") = (long)deadline;
	register long r8 __asm__("r8") = CLOCK_MONOTONIC;
	long result = SYS_futex_waitv;
	uint64_t goes_on;	/* where it does, after a handler */

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
	    "movq $-85, %%rax\n\t"		/* -ERESTART */
	    "testq %%rcx, %%rcx\n\t"
	    "jnz 6f\n\t"
	    "movq $1048576, %%rax\n\t"
	    "jmp 5f\n"
	    "6:\n\t"
	    "leaq 4b(%%rip), %[goes_on]\n\t"
	    MARKS(TEST)
	    "jmp 5f\n\t"
	    ".popsection\n\t"
	    MARKS(SET)
	    "leaq 3b(%%rip), %%rcx\n\t"
	    "movq %%rcx, %[area]\n\t"
	    "xorl %%ecx, %%ecx\n"
	    "1:\n\t"
	    "syscall\n"
	    "2:\n\t"
	    "cmpq $-110, %%rax\n\t"		/* -ETIMEDOUT */
	    "jne 5f\n\t"
	    "leaq 2b(%%rip), %[goes_on]\n\t"
	    MARKS(TEST)
	    "5:\n\t"
	    "movq $0, %[area]\n\t"
	    : "+a"(result), [area]"=m"(*area),
	      [goes_on]"=&r"(goes_on)
	    : "D"(words), "S"((long)n), "d"(0L), "r"(r10), "r"(r8),
	      [mark]"r"(MARK), [signature]"i"(SIGNATURE)
	    : "rcx", "r11", "memory", "cc");
	return (result == -ERESTART || result == -ETIMEDOUT) &&
	    ran_elsewhere(goes_on, goes_on) ? -EINTR : result;
}

/*
 * One word alone, in slices: between them signals are blocked, and are open
 * from before the call until after it; so whatever handler runs runs here.
 */
struct slice {
	const uint64_t *open, *closed;
	const void *word;
	uint64_t value;
	const struct timespec *time;
	long result;
	uint64_t first, last;
};
#define SET_MASK(at)							\
	"movl $14, %%eax\n\t"			/* rt_sigprocmask */	\
	"movl $2, %%edi\n\t"			/* SIG_SETMASK */	\
	"movq " #at "(%[slice]), %%rsi\n\t"				\
	"xorl %%edx, %%edx\n\t"					\
	"movl $8, %%r10d\n\t"						\
	"syscall\n\t"

static long
try_slice(struct slice *slice)
{
	_Static_assert(offsetof(struct slice, last) == 56, "as below");

	__asm__ volatile(
	    MARKS(SET)
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
	    MARKS(TEST)
	    "movq %%rax, 40(%[slice])\n\t"
	    :
	    : [slice]"b"(slice), [mark]"r"(MARK)
	    : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
	      "memory", "cc");
	return slice->result != -EINTR &&
	    ran_elsewhere(slice->first, slice->last) ? -EINTR :
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
	    MARKS(SET)
	    "syscall\n\t"
	    MARKS(TEST)
	    : "+a"(result)
	    : [mark]"r"(MARK)
	    : "rcx", "r11", "memory", "cc");
	return (int)result;
}

#else

struct slice {
	const uint64_t *open, *closed;
	const void *word;
	uint64_t value;
	const struct timespec *time;
};

int
mipc_sys_yield(void)
{
	return -ENOSYS;
}

/* A handler that runs between the calls is not seen. */
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
try_waitv(const struct mipc_futex_waitv *words, unsigned n,
    const int64_t *deadline)
{
	return sys_call(SYS_futex_waitv, (long)words, n, 0, (long)deadline,
	    CLOCK_MONOTONIC, 0);
}

#endif

int
mipc_sys_waitv(const struct mipc_futex_waitv *words, unsigned n,
    const struct timespec *deadline)
{
	int64_t when[2];		/* 64 bits each on every machine */
	long r;

	if (deadline != NULL) {
		when[0] = deadline->tv_sec;
		when[1] = deadline->tv_nsec;
	}
	do {
		r = try_waitv(words, n, deadline == NULL ? NULL : when);
	} while (r == 1 << 20);
	return (int)r;
}

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
