/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw_user.h - system calls by the program's own instruction, and what the
 * files of the program raw_user share.
 */
#ifndef RAW_USER_H
#define RAW_USER_H

#include "ipc_user.h"

#include <sys/syscall.h>
#include <signal.h>
#include <unistd.h>

/* Six arguments or fewer; the answer is a negative errno if it fails. */
static inline long
raw_call(const long *a)
{
#if defined(__x86_64__) && __SIZEOF_LONG__ == 8
	register long r10 __asm__("r10") = a[4];
	register long r8 __asm__("r8") = a[5];
	register long r9 __asm__("r9") = a[6];
	long result;

	__asm__ volatile("syscall" : "=a"(result)
	    : "0"(a[0]), "D"(a[1]), "S"(a[2]), "d"(a[3]), "r"(r10), "r"(r8),
	    "r"(r9) : "rcx", "r11", "memory");
	return result;
#elif defined(__i386__)
	long result;

	/* The sixth takes the register of the frame. */
	__asm__ volatile("push %%ebp\n\tpush %%ebx\n\tmov 24(%%eax), %%ebp\n"
	    "\tmov 4(%%eax), %%ebx\n\tmov (%%eax), %%eax\n\tint $0x80\n"
	    "\tpop %%ebx\n\tpop %%ebp" : "=a"(result)
	    : "0"(a), "c"(a[2]), "d"(a[3]), "S"(a[4]), "D"(a[5]) : "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = a[0];
	register long x0 __asm__("x0") = a[1];
	register long x1 __asm__("x1") = a[2];
	register long x2 __asm__("x2") = a[3];
	register long x3 __asm__("x3") = a[4];
	register long x4 __asm__("x4") = a[5];
	register long x5 __asm__("x5") = a[6];

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2),
	    "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
#else
	(void)a;
	return -ENOSYS;
#endif
}

#define RAW_7(n, a, b, c, d, e, f, ...)					\
	raw_call((const long[]){ (long)(n), (long)(a), (long)(b), (long)(c), \
	    (long)(d), (long)(e), (long)(f) })
#define RAW(...)	RAW_7(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

#define RAW_SHMGET	SYS_shmget
#define RAW_SHMAT	SYS_shmat
#define RAW_SHMDT	SYS_shmdt
#define RAW_SHMCTL	SYS_shmctl
#define RAW_SEMGET	SYS_semget
#define RAW_SEMCTL	SYS_semctl
#define RAW_MSGGET	SYS_msgget
#define RAW_MSGSND	SYS_msgsnd
#define RAW_MSGRCV	SYS_msgrcv
#define RAW_MSGCTL	SYS_msgctl

/* Machines of 32 bits have these by ipc() alone, or with another time. */
#ifdef SYS_semop
#define RAW_OPERATE(id, ops, n)	RAW(SYS_semop, id, ops, n)
#define RAW_TIMED(id, op, time)	RAW(SYS_semtimedop, id, op, 1, time)
#else
#define RAW_OPERATE(id, ops, n)	RAW(SYS_ipc, 1, id, n, 0, ops)
#define RAW_TIMED(id, op, time)	RAW(SYS_ipc, 4, id, 1, 0, op, time)
#endif

/* A set of one semaphore. */
long	raw_set(int value);
long	raw_value(long id);
long	raw_remove(long id);

/* Commands of raw_signal.c, each described there. */
int	raw_handlers(void);
int	raw_unblocked(void);
int	raw_interrupted(void);
int	raw_stacks(void);
int	raw_ends(void);

#endif
