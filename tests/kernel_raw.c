/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_raw.c - the kernel's calls by the instruction that makes them, from
 * programs whose libc names are the preload module's.
 *
 * None of them has a sixth argument: ours carry a mark there, by which the
 * filter knows them.  Whoever else in the process gets as far as the kernel
 * with one of these calls dies of it.
 */
#include "kernel.h"

#include <sys/syscall.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "filter.h"
#include "harness.h"

#define MARK	0x4d495043

#if defined(__x86_64__) && __SIZEOF_LONG__ == 8

static long
enter(long number, const long a[5])
{
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = MARK;
	long result;

	__asm__ volatile("syscall" : "=a"(result)
	    : "0"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
	    "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

#elif defined(__i386__)

/* The sixth argument's register is the frame pointer. */
static long
enter(long number, const long a[5])
{
	long result;

	__asm__ volatile(
	    "push %%ebp\n\t"
	    "push %%ebx\n\t"
	    "mov 0(%%edi), %%ebx\n\t"
	    "mov 4(%%edi), %%ecx\n\t"
	    "mov 8(%%edi), %%edx\n\t"
	    "mov 12(%%edi), %%esi\n\t"
	    "mov 16(%%edi), %%edi\n\t"
	    "mov %[mark], %%ebp\n\t"
	    "int $0x80\n\t"
	    "pop %%ebx\n\t"
	    "pop %%ebp"
	    : "=a"(result), "+D"(a)
	    : "0"(number), [mark] "i"(MARK)
	    : "ecx", "edx", "esi", "memory");
	return result;
}

#elif defined(__aarch64__)

static long
enter(long number, const long a[5])
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a[0];
	register long x1 __asm__("x1") = a[1];
	register long x2 __asm__("x2") = a[2];
	register long x3 __asm__("x3") = a[3];
	register long x4 __asm__("x4") = a[4];
	register long x5 __asm__("x5") = MARK;

	__asm__ volatile("svc 0" : "+r"(x0)
	    : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
	    : "memory");
	return x0;
}

#else
#error "which instruction enters the kernel here?"
#endif

static long
call(long number, long a, long b, long c, const long last[2])
{
	const long arguments[5] = { a, b, c, last == NULL ? 0 : last[0],
	    last == NULL ? 0 : last[1] };
	const long result = enter(number, arguments);

	if (result >= 0 || result < -4095)
		return result;
	errno = (int)-result;
	return -1;
}

const bool kernel_is_apart = true;

void
kernel_guard(void)
{
	if (!filter_ipc(MARK))
		harness_die("no filter of system calls: %s", strerror(errno));
}

int
kernel_shmget(key_t key, size_t size, int flags)
{
	return (int)call(SYS_shmget, key, (long)size, flags, NULL);
}

void *
kernel_shmat(int id, const void *addr, int flags)
{
	return (void *)call(SYS_shmat, id, (long)addr, flags, NULL);
}

int
kernel_shmdt(const void *addr)
{
	return (int)call(SYS_shmdt, (long)addr, 0, 0, NULL);
}

int
kernel_shmctl(int id, int cmd, struct shmid_ds *buf)
{
	return (int)call(SYS_shmctl, id, cmd, (long)buf, NULL);
}

int
kernel_semget(key_t key, int nsems, int flags)
{
	return (int)call(SYS_semget, key, nsems, flags, NULL);
}

/* Machines of 32 bits have but the call with times of 64. */
int
kernel_semtimedop(int id, struct sembuf *ops, size_t nops,
    const struct timespec *timeout)
{
#ifdef SYS_semtimedop
	const long last[2] = { (long)timeout, 0 };

	return (int)call(SYS_semtimedop, id, (long)ops, (long)nops, last);
#else
	int64_t wide[2] = { 0, 0 };
	const long last[2] = { timeout == NULL ? 0 : (long)wide, 0 };

	if (timeout != NULL) {
		wide[0] = timeout->tv_sec;
		wide[1] = timeout->tv_nsec;
	}
	return (int)call(SYS_semtimedop_time64, id, (long)ops, (long)nops,
	    last);
#endif
}

int
kernel_semctl(int id, int num, int cmd, union semun arg)
{
	const long last[2] = { cmd == SETVAL ? arg.val : (long)arg.buf, 0 };

	return (int)call(SYS_semctl, id, num, cmd, last);
}

int
kernel_msgget(key_t key, int flags)
{
	return (int)call(SYS_msgget, key, flags, 0, NULL);
}

int
kernel_msgsnd(int id, const void *message, size_t size, int flags)
{
	const long last[2] = { flags, 0 };

	return (int)call(SYS_msgsnd, id, (long)message, (long)size, last);
}

ssize_t
kernel_msgrcv(int id, void *message, size_t size, long type, int flags)
{
	const long last[2] = { type, flags };

	return call(SYS_msgrcv, id, (long)message, (long)size, last);
}

int
kernel_msgctl(int id, int cmd, struct msqid_ds *buf)
{
	return (int)call(SYS_msgctl, id, cmd, (long)buf, NULL);
}

int
kernel_open(const char *path, int flags)
{
	return (int)call(SYS_openat, AT_FDCWD, (long)path, flags, NULL);
}
