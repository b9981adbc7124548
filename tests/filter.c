/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter.c - the system calls of System V IPC, forbidden.
 *
 * A tracer sees every call as well, but slows each program down and changes
 * when what happens; this costs some nanoseconds a call and tells as surely.
 */
#include "filter.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <unistd.h>

#define COUNT(a)	(sizeof(a) / sizeof(*(a)))
#define X32		0x40000000	/* a bit in that ABI's numbers */

static const struct {
	uint32_t arch, first, last;
} forbidden[] = {
#if defined(__x86_64__) || defined(__i386__)
	{ AUDIT_ARCH_X86_64, 29, 31 },		/* shmget shmat shmctl */
	{ AUDIT_ARCH_X86_64, 64, 71 },		/* semget .. msgctl */
	{ AUDIT_ARCH_X86_64, 220, 220 },	/* semtimedop */
	{ AUDIT_ARCH_X86_64, X32 | 29, X32 | 31 },
	{ AUDIT_ARCH_X86_64, X32 | 64, X32 | 71 },
	{ AUDIT_ARCH_X86_64, X32 | 220, X32 | 220 },
	{ AUDIT_ARCH_I386, 117, 117 },		/* ipc */
	{ AUDIT_ARCH_I386, 393, 402 },		/* semget .. msgctl */
	{ AUDIT_ARCH_I386, 420, 420 },		/* semtimedop_time64 */
#elif defined(__aarch64__)
	{ AUDIT_ARCH_AARCH64, 186, 197 },	/* msgget .. shmdt */
	{ AUDIT_ARCH_ARM, 117, 117 },
	{ AUDIT_ARCH_ARM, 298, 308 },
	{ AUDIT_ARCH_ARM, 312, 312 },
	{ AUDIT_ARCH_ARM, 420, 420 },
#else
#error "which system calls are System V IPC here?"
#endif
};

#define LOAD(what)							\
	(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,		\
	    offsetof(struct seccomp_data, what))
#define GO(test, value, yes, no)					\
	(struct sock_filter)BPF_JUMP(BPF_JMP | (test) | BPF_K, (value),	\
	    (yes), (no))
#define END(action)							\
	(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (action))

/* The low half of an argument lies first or second. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SIXTH	args[5]
#else
#error "where is the low half of an argument?"
#endif

static unsigned
write_program(struct sock_filter *to, uint32_t pass)
{
	struct sock_filter *at = to;

	if (pass != 0) {
		*at++ = LOAD(SIXTH);
		*at++ = GO(BPF_JEQ, pass, 0, 1);
		*at++ = END(SECCOMP_RET_ALLOW);
	}
	for (size_t i = 0; i < COUNT(forbidden); i++) {
		*at++ = LOAD(arch);
		*at++ = GO(BPF_JEQ, forbidden[i].arch, 0, 4);
		*at++ = LOAD(nr);
		*at++ = GO(BPF_JGE, forbidden[i].first, 0, 2);
		*at++ = GO(BPF_JGT, forbidden[i].last, 1, 0);
		*at++ = END(SECCOMP_RET_KILL_PROCESS);
	}
	*at++ = END(SECCOMP_RET_ALLOW);
	return (unsigned)(at - to);
}

bool
filter_ipc(uint32_t pass)
{
	struct sock_filter program[3 + 6 * COUNT(forbidden) + 1];
	const struct sock_fprog all = {
		.len = (unsigned short)write_program(program, pass),
		.filter = program
	};
	const struct rlimit no_core = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &no_core) == -1)
		return false;
	/* Who has the privilege keeps set-user-ID programs as they are. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &all) == 0)
		return true;
	return errno == EACCES &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &all) == 0;
}
