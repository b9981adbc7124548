/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscall.c - libc's syscall(): programs and libraries that make their IPC
 * calls by number get the same answers as by name; so do changes of
 * credentials and of memory, and execs.  Every other number goes straight to
 * the kernel.
 */
#include "preload.h"

#include "ipc.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#ifdef SYS_semtimedop_time64
#if __TIMESIZE == 32
#define WIDE_SEMTIMEDOP	"__semtimedop64"	/* of sysv.c */
#else
#define WIDE_SEMTIMEDOP	"semtimedop"
#endif
int	semtimedop_time64(int, struct sembuf *, size_t, const void *)
	    __asm__(WIDE_SEMTIMEDOP);
#endif

static bool
changes_credentials(long number)
{
	switch (number) {
	case SYS_setuid:
	case SYS_setgid:
	case SYS_setreuid:
	case SYS_setregid:
	case SYS_setresuid:
	case SYS_setresgid:
	case SYS_setfsuid:
	case SYS_setfsgid:
	case SYS_setgroups:
	case SYS_capset:
	case SYS_setns:
#ifdef SYS_setuid32
	case SYS_setuid32:
	case SYS_setgid32:
	case SYS_setreuid32:
	case SYS_setregid32:
	case SYS_setresuid32:
	case SYS_setresgid32:
	case SYS_setfsuid32:
	case SYS_setfsgid32:
	case SYS_setgroups32:
#endif
		return true;
	}
	return false;
}

/* True, with the answer, if `number` is a call of shared memory. */
static bool
answer_shm(long number, const long *a, long *out)
{
	switch (number) {
#ifdef SYS_shmget
	case SYS_shmget:
		*out = shmget((key_t)a[0], (size_t)a[1], (int)a[2]);
		return true;
	case SYS_shmat:
		*out = (long)shmat((int)a[0], (const void *)a[1], (int)a[2]);
		return true;
	case SYS_shmdt:
		*out = shmdt((const void *)a[0]);
		return true;
	case SYS_shmctl:
		*out = shmctl((int)a[0], (int)a[1], (struct shmid_ds *)a[2]);
		return true;
#endif
	}
	return false;
}

static bool
answer_sem(long number, const long *a, long *out)
{
	union {
		int val;
		void *pointer;
	} argument = { .pointer = (void *)a[3] };

	switch (number) {
#ifdef SYS_semget
	case SYS_semget:
		*out = semget((key_t)a[0], (int)a[1], (int)a[2]);
		return true;
	case SYS_semctl:
		*out = semctl((int)a[0], (int)a[1], (int)a[2], argument);
		return true;
#endif
#ifdef SYS_semop
	case SYS_semop:
		*out = semop((int)a[0], (struct sembuf *)a[1],
		    (unsigned)a[2]);
		return true;
#endif
#ifdef SYS_semtimedop
	case SYS_semtimedop:
		*out = semtimedop((int)a[0], (struct sembuf *)a[1],
		    (unsigned)a[2], (const struct timespec *)a[3]);
		return true;
#endif
	}
	return false;
}

static bool
answer_msg(long number, const long *a, long *out)
{
	void *buf = (void *)a[1];

	switch (number) {
#ifdef SYS_msgget
	case SYS_msgget:
		*out = msgget((key_t)a[0], (int)a[1]);
		return true;
	case SYS_msgsnd:
		*out = msgsnd((int)a[0], buf, (size_t)a[2], (int)a[3]);
		return true;
	case SYS_msgrcv:
		*out = msgrcv((int)a[0], buf, (size_t)a[2], a[3], (int)a[4]);
		return true;
	case SYS_msgctl:
		*out = msgctl((int)a[0], (int)a[1], (struct msqid_ds *)a[2]);
		return true;
#endif
	}
	return false;
}

/* The forms that only machines of 32 bits have. */
static bool
answer_narrow(long number, const long *a, long *out)
{
	switch (number) {
#ifdef HAS_IPC_CALL
	case SYS_ipc:
		*out = ipc_call(a);
		return true;
#elif defined(SYS_ipc)
	case SYS_ipc:			/* kept from the kernel */
		errno = ENOSYS;
		*out = -1;
		return true;
#endif
#ifdef SYS_semtimedop_time64
	case SYS_semtimedop_time64:
		*out = semtimedop_time64((int)a[0], (struct sembuf *)a[1],
		    (unsigned)a[2], (const void *)a[3]);
		return true;
#endif
	}
	(void)a;
	(void)out;
	return false;
}

/* True, with the answer, if `number` is an IPC call. */
static bool
answer_ipc(long number, const long *a, long *out)
{
	return answer_shm(number, a, out) || answer_sem(number, a, out) ||
	    answer_msg(number, a, out) || answer_narrow(number, a, out);
}

/* The environment as the program is to have it. */
static long
pass_exec(long number, const long *a, unsigned envp)
{
	char *const *told = (char *const *)a[envp];
	long with[PRELOAD_ARGUMENTS];

	memcpy(with, a, sizeof(with));
	if (preload_hands_down())
		with[envp] = (long)preload_hand_down(told,
		    alloca((preload_count(told) + 2) * sizeof(char *)));
	return preload_pass(number, with);
}

/* As exec.c does, for which the kernel is asked in the end. */
static long
execute(long number, const long *a)
{
	bool at = number == SYS_execveat;
	unsigned path = at ? 1 : 0, envp = path + 2;
	int error = preload_judge(at ? (int)a[0] : AT_FDCWD,
	    (const char *)a[path], at ? (int)a[4] : 0,
	    (char *const *)a[envp]);

	if (error == 0)
		return pass_exec(number, a, envp);
	errno = error;
	return -1;
}

/* Arguments that were not given are read too, as libc's own does. */
MIPC_PUBLIC long
syscall(long number, ...)
{
	long a[PRELOAD_ARGUMENTS], result;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < PRELOAD_ARGUMENTS; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (answer_ipc(number, a, &result))
		return result;
	if (number == SYS_unshare)
		return preload_unshare((int)a[0]);
	if (number == SYS_execve || number == SYS_execveat)
		return execute(number, a);
	result = preload_pass(number, a);
	if (changes_credentials(number))
		mipc_credentials_changed();
	return result;
}
