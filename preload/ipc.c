/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc.c - ipc(2), the one system call that was all of System V IPC on
 * machines of 32 bits, and still is to programs that call it by number.
 *
 * The low half of its first argument says which call is meant, the high half
 * which version of its arguments: msgrcv() has one more than there was space
 * for, so version 0 takes two of them from a structure.  shmat() stores the
 * address where its third argument says, and semctl() takes its fourth from
 * where the pointer leads.  The control commands tell by IPC_64 whether they
 * mean the structures of today or the old ones (ipc_old.c).
 */
#include "preload.h"

#include "ipc.h"

#ifdef HAS_IPC_CALL

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <errno.h>

/* The kernel's names, from headers that exclude libc's. */
enum {
	CALL_SEMOP = 1, CALL_SEMGET, CALL_SEMCTL, CALL_SEMTIMEDOP,
	CALL_MSGSND = 11, CALL_MSGRCV, CALL_MSGGET, CALL_MSGCTL,
	CALL_SHMAT = 21, CALL_SHMDT, CALL_SHMGET, CALL_SHMCTL,
	WIDE = 0x100,			/* IPC_64, in a command */
	WITHOUT_STORING = 1		/* a version of shmat() */
};

struct ipc_arguments {
	unsigned version;
	int first, second;
	long third;
	void *pointer;
	long fifth;
};

static long
fail(int error)
{
	errno = error;
	return -1;
}

static long
attach(const struct ipc_arguments *a)
{
	uintptr_t *where = (uintptr_t *)a->third;
	void *at;

	if (a->version == WITHOUT_STORING)
		return fail(EINVAL);
	at = shmat(a->first, a->pointer, a->second);
	if (at == (void *)-1)
		return -1;
	/* It stays attached, as to the kernel's. */
	if (!preload_writable(where, sizeof(*where)))
		return fail(EFAULT);
	*where = (uintptr_t)at;
	return 0;
}

/* What version 0 of msgrcv() takes from memory. */
struct packed {
	void *message;
	long type;
};

static long
receive(const struct ipc_arguments *a)
{
	struct packed packed = { a->pointer, a->fifth };

	if (a->first < 0 || a->second < 0 ||
	    (a->version == 0 && a->pointer == NULL))
		return fail(EINVAL);
	if (a->version == 0) {
		if (!preload_readable(a->pointer, sizeof(packed)))
			return fail(EFAULT);
		packed = *(const struct packed *)a->pointer;
	}
	return msgrcv(a->first, packed.message, (size_t)a->second,
	    packed.type, (int)a->third);
}

static long
control_set(const struct ipc_arguments *a)
{
	int cmd = (int)a->third;
	long argument;

	if (a->pointer == NULL)
		return fail(EINVAL);
	if (!preload_readable(a->pointer, sizeof(argument)))
		return fail(EFAULT);
	argument = *(const long *)a->pointer;
	if ((cmd & WIDE) == 0)
		return ipc_old_semctl(a->first, a->second, cmd, argument);
	return semctl(a->first, a->second, cmd & ~WIDE, (void *)argument);
}

static long
control_segment(const struct ipc_arguments *a)
{
	if ((a->second & WIDE) == 0)
		return ipc_old_shmctl(a->first, a->second, a->pointer);
	return shmctl(a->first, a->second & ~WIDE, a->pointer);
}

static long
control_queue(const struct ipc_arguments *a)
{
	if ((a->second & WIDE) == 0)
		return ipc_old_msgctl(a->first, a->second, a->pointer);
	return msgctl(a->first, a->second & ~WIDE, a->pointer);
}

static long
call_segments(unsigned call, const struct ipc_arguments *a)
{
	switch (call) {
	case CALL_SHMAT:
		return attach(a);
	case CALL_SHMDT:
		return shmdt(a->pointer);
	case CALL_SHMGET:
		return shmget(a->first, (size_t)a->second, (int)a->third);
	case CALL_SHMCTL:
		return control_segment(a);
	}
	return fail(ENOSYS);
}

static long
call_sets(unsigned call, const struct ipc_arguments *a)
{
	switch (call) {
	case CALL_SEMOP:
		return semop(a->first, a->pointer, (unsigned)a->second);
	case CALL_SEMTIMEDOP:
		return semtimedop(a->first, a->pointer, (unsigned)a->second,
		    (const struct timespec *)a->fifth);
	case CALL_SEMGET:
		return semget(a->first, a->second, (int)a->third);
	case CALL_SEMCTL:
		return control_set(a);
	}
	return fail(ENOSYS);
}

static long
call_queues(unsigned call, const struct ipc_arguments *a)
{
	switch (call) {
	case CALL_MSGSND:
		return msgsnd(a->first, a->pointer, (size_t)a->second,
		    (int)a->third);
	case CALL_MSGRCV:
		return receive(a);
	case CALL_MSGGET:
		return msgget(a->first, a->second);
	case CALL_MSGCTL:
		return control_queue(a);
	}
	return fail(ENOSYS);
}

long
ipc_call(const long *a)
{
	unsigned call = (unsigned)a[0] & 0xffff;
	struct ipc_arguments arguments = {
		.version = (unsigned)a[0] >> 16,
		.first = (int)a[1],
		.second = (int)a[2],
		.third = a[3],
		.pointer = (void *)a[4],
		.fifth = a[5],
	};

	if (call < CALL_MSGSND)
		return call_sets(call, &arguments);
	if (call < CALL_SHMAT)
		return call_queues(call, &arguments);
	return call_segments(call, &arguments);
}

#endif
