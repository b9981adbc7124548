/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw.c - the module mipc-raw.so: the answer to SIGSYS, which mipcrun --raw
 * has the kernel send in place of a System V IPC call.
 *
 * Whatever the program's instruction was, the call is made again by libc's
 * syscall(), which mipc-preload.so stands in front of: the table of calls is
 * there.  What it answers is put where the program expects the kernel's.
 *
 * The call is made inside the handler, which blocks nothing: what the program
 * had blocked is blocked, other signals get through and end a sleep, and
 * their handlers may make such calls, or leave by siglongjmp().  If SIGSYS
 * were blocked, or not ours, the kernel would kill the program at its next
 * call, so libc's functions that could bring this about are stood in front of
 * (raw_signals.c), and the filter leaves the action as it is.
 *
 * A program that looks after its stacks itself may be about to run out of the
 * one that it calls on, and has another for signals, so that is taken.  Of
 * those that are too small for us nothing but the kernel's frame is used: the
 * call is made where the program was, without the other stack, since a signal
 * would begin at its top, where the frame is.
 */
#include "raw.h"

#include "raw_signals.h"
#include "sys.h"
#include "sys_call.h"

#include <sys/syscall.h>
#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef SYS_SECCOMP
#define SYS_SECCOMP	1
#endif

enum {
	MASK_SIZE = _NSIG / 8,		/* bytes of the kernel's */
	STACK_NEEDED = 28 << 10,	/* bytes; most calls take 9 KiB */
	RED_ZONE = 256			/* more than any machine's */
};

struct raw_call {
	long number;
	long a[6];
	long result;			/* or a negative error number */
};

/* --- machines ---------------------------------------------------------- */

#if defined(__x86_64__) && __SIZEOF_LONG__ == 8

#define NATIVE		AUDIT_ARCH_X86_64
#define IS_FOREIGN(n)	(((n) & 0x40000000) != 0)	/* x32 */
#define STACK_OF(m)	((uintptr_t)(m)->gregs[REG_RSP])
#define CAN_CHANGE_STACK

static void
read_arguments(const mcontext_t *m, long *a)
{
	a[0] = (long)m->gregs[REG_RDI];
	a[1] = (long)m->gregs[REG_RSI];
	a[2] = (long)m->gregs[REG_RDX];
	a[3] = (long)m->gregs[REG_R10];
	a[4] = (long)m->gregs[REG_R8];
	a[5] = (long)m->gregs[REG_R9];
}

static void
write_result(mcontext_t *m, long result)
{
	m->gregs[REG_RAX] = result;
}

/* The kernel wants to be told; debuggers know a frame by this very code. */
void	raw_restorer(void) __attribute__((visibility("hidden")));
__asm__(".text\n\t.type raw_restorer, @function\n"
    "raw_restorer:\n\tmov $15, %rax\n\tsyscall\n"
    "\t.size raw_restorer, . - raw_restorer");
#define RESTORER	raw_restorer
#define RESTORER_FLAG	0x04000000ul

void	raw_call_on(void (*)(void *), void *, uintptr_t stack)
	    __attribute__((visibility("hidden")));
__asm__(".text\n\t.type raw_call_on, @function\n"
    "raw_call_on:\n\tpush %rbp\n\tmov %rsp, %rbp\n\tmov %rdi, %rax\n"
    "\tmov %rsi, %rdi\n\tmov %rdx, %rsp\n\tcall *%rax\n\tleave\n\tret\n"
    "\t.size raw_call_on, . - raw_call_on");

#elif defined(__i386__)

#define NATIVE		AUDIT_ARCH_I386
#define IS_FOREIGN(n)	0
#define STACK_OF(m)	((uintptr_t)(m)->gregs[REG_ESP])
#define CAN_CHANGE_STACK

static void
read_arguments(const mcontext_t *m, long *a)
{
	a[0] = m->gregs[REG_EBX];
	a[1] = m->gregs[REG_ECX];
	a[2] = m->gregs[REG_EDX];
	a[3] = m->gregs[REG_ESI];
	a[4] = m->gregs[REG_EDI];
	a[5] = m->gregs[REG_EBP];
}

static void
write_result(mcontext_t *m, long result)
{
	m->gregs[REG_EAX] = result;
}

#define RESTORER	NULL		/* the kernel has one */
#define RESTORER_FLAG	0ul

void	raw_call_on(void (*)(void *), void *, uintptr_t stack)
	    __attribute__((visibility("hidden")));
__asm__(".text\n\t.type raw_call_on, @function\n"
    "raw_call_on:\n\tpush %ebp\n\tmov %esp, %ebp\n\tmov 8(%ebp), %eax\n"
    "\tmov 12(%ebp), %ecx\n\tmov 16(%ebp), %esp\n\tsub $12, %esp\n"
    "\tpush %ecx\n\tcall *%eax\n\tleave\n\tret\n"
    "\t.size raw_call_on, . - raw_call_on");

#elif defined(__aarch64__)

#define NATIVE		AUDIT_ARCH_AARCH64
#define IS_FOREIGN(n)	0

static void
read_arguments(const mcontext_t *m, long *a)
{
	for (int i = 0; i < 6; i++)
		a[i] = (long)m->regs[i];
}

static void
write_result(mcontext_t *m, long result)
{
	m->regs[0] = (unsigned long long)result;
}

#define RESTORER	NULL
#define RESTORER_FLAG	0ul

#else

/* Nothing is trapped here (raw.h). */
#define NATIVE		0
#define IS_FOREIGN(n)	1
#define RESTORER	NULL
#define RESTORER_FLAG	0ul

static void
read_arguments(const mcontext_t *m, long *a)
{
	(void)m;
	(void)a;
}

static void
write_result(mcontext_t *m, long result)
{
	(void)m;
	(void)result;
}

#endif

/* --- stacks ------------------------------------------------------------ */

static void
make_call(void *arg)
{
	struct raw_call *call = arg;
	const long *a = call->a;

	call->result = syscall(call->number, a[0], a[1], a[2], a[3], a[4],
	    a[5]);
	if (call->result == -1)
		call->result = -errno;
}

#ifdef CAN_CHANGE_STACK

static bool
lies_in(uintptr_t at, const stack_t *stack)
{
	return (stack->ss_flags & SS_DISABLE) == 0 &&
	    at - (uintptr_t)stack->ss_sp < stack->ss_size;
}

/* A signal stack on which we are and have too little space for a call? */
static bool
is_short(const ucontext_t *context)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	return lies_in(here, &context->uc_stack) &&
	    !lies_in(STACK_OF(&context->uc_mcontext), &context->uc_stack) &&
	    here - (uintptr_t)context->uc_stack.ss_sp < STACK_NEEDED;
}

/* On the program's stack.  The context that comes back has the other one. */
static void
call_without_signal_stack(void *call)
{
	const stack_t none = { .ss_flags = SS_DISABLE };

	sigaltstack(&none, NULL);
	make_call(call);
}

static void
call_somewhere(struct raw_call *call, const ucontext_t *context)
{
	uintptr_t stack = STACK_OF(&context->uc_mcontext) - RED_ZONE;

	if (is_short(context))
		raw_call_on(call_without_signal_stack, call,
		    stack & ~(uintptr_t)15);
	else
		make_call(call);
}

#else

static void
call_somewhere(struct raw_call *call, const ucontext_t *context)
{
	(void)context;
	make_call(call);
}

#endif

/* --- the signal -------------------------------------------------------- */

/* Not ours is one that was sent, or that is of the program's own filter. */
static bool
is_ours(const siginfo_t *info)
{
	return info->si_code == SYS_SECCOMP && info->si_errno == RAW_MARK;
}

static void
on_sigsys(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	struct raw_call call = { .number = info->si_syscall,
	    .result = -ENOSYS };
	int error = errno;

	if (!is_ours(info)) {
		raw_forward(signal, info, context);
		errno = error;
		return;
	}
	/* Numbers that the program's own libc would not use are refused. */
	if (info->si_arch == NATIVE && !IS_FOREIGN(call.number)) {
		read_arguments(&uc->uc_mcontext, call.a);
		call_somewhere(&call, uc);
	}
	write_result(&uc->uc_mcontext, call.result);
	errno = error;
}

/* The kernel's structure. */
struct action {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static long
set_action(const struct action *action)
{
	return sys_call(SYS_rt_sigaction, SIGSYS, (long)action, 0, MASK_SIZE,
	    RAW_PERMIT, 0);
}

void
raw_end_by_signal(void)
{
	const struct action by_default = { .handler = NULL };

	set_action(&by_default);
	sys_call(SYS_tgkill, getpid(), (long)sys_call(SYS_gettid, 0, 0, 0, 0,
	    0, 0), SIGSYS, 0, 0, 0);
}

/* Libc itself has not begun, and getenv() knows nothing yet. */
static bool
is_asked(char *const envp[])
{
	for (; envp != NULL && *envp != NULL; envp++)
		if (strcmp(*envp, RAW_ENVIRONMENT "=1") == 0)
			return true;
	return false;
}

#ifdef __GLIBC__
#define BEGIN_ARGUMENTS	int argc, char **argv, char **envp
#else
#define BEGIN_ARGUMENTS	void
#endif

/* Before any other library begins; the mask may be inherited. */
static __attribute__((constructor)) void
begin(BEGIN_ARGUMENTS)
{
#ifdef __GLIBC__
	char *const *variables = envp;
#else
	char *const *variables = environ;
#endif
	const struct action action = { .handler = on_sigsys,
	    .flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK | RESTORER_FLAG,
	    .restorer = RESTORER };
	const uint64_t mask = (uint64_t)1 << (SIGSYS - 1);

#ifdef __GLIBC__
	(void)argc;
	(void)argv;
#endif
	if (!is_asked(variables))
		return;
	raw_signals_begin();
	set_action(&action);
	sys_call(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&mask, 0, MASK_SIZE,
	    0, 0);
}
