/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.c - libc's IPC names in the module: those of libmipc-sysv, with two
 * differences.
 *
 * The namespace is opened at the first call, with the promises that every
 * change of credentials (credentials.c) and of memory (memory.c) is
 * reported.  A program knows nothing of namespaces, so why one
 * cannot be opened is said on standard error, once.
 *
 * Pointers that lead nowhere are EFAULT, as from the kernel (pages.c).  Small
 * structures of the control calls are copied: the library never touches the
 * program's.  semop(), semctl() with an array and msgsnd() get the program's
 * memory if it is there, else NULL, so that it is the library that says which
 * of several errors comes first.
 *
 * msgrcv() may be told of more room than there is: the kernel touches only
 * what the message fills, and finds out when the message is taken.  Where all
 * of the room is there the library writes into it; else, and where more comes
 * than is remembered, the message goes through memory of ours.
 */
#include "trace.h"

#include "commands.h"

#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

enum {
	DIRECT_MOST = 6 << 12,	/* bytes of room, in pages that are known */
	MOST_OPERATIONS = 500,	/* the library reads no more of them */
	INDEX_MAX = 32768	/* an identifier's rest by it is an index */
};

static struct mipc_ns *_Atomic default_ns;
static atomic_flag complained = ATOMIC_FLAG_INIT;

static void
complain(void)
{
	struct preload_line line = { .used = 0 };

	if (atomic_flag_test_and_set(&complained))
		return;
	preload_add(&line, "mipc: no System V IPC for this program: ");
	preload_add(&line, mipc_reason());
	preload_print(&line);
}

struct mipc_ns *
preload_opened(void)
{
	return atomic_load_explicit(&default_ns, memory_order_acquire);
}

struct mipc_ns *
preload_namespace(void)
{
	struct mipc_ns *ns = preload_opened();
	int error;

	if (ns != NULL)
		return ns;
	preload_promise();
	ns = mipc_default();
	if (ns != NULL) {
		/* Pairs with the load above, in another thread. */
		atomic_store_explicit(&default_ns, ns, memory_order_release);
		return ns;
	}
	error = errno;
	complain();
	errno = error;
	return NULL;
}

/* What shmctl() writes into the caller's buffer, in bytes. */
static size_t
size_written(int cmd)
{
	switch (cmd) {
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return sizeof(struct shmid_ds);
	case IPC_INFO:
		return sizeof(struct shminfo);
	case SHM_INFO:
		return sizeof(struct shm_info);
	}
	return 0;
}

static int
bad_address(void)
{
	errno = EFAULT;
	return -1;
}

static int
checked_shmctl(struct mipc_ns *ns, int shmid, int cmd, struct shmid_ds *buf)
{
	union {
		struct shmid_ds ds;
		struct shminfo limits;
		struct shm_info usage;
	} copy;
	size_t size = size_written(cmd);
	int result;

	if (cmd == IPC_SET && shmid >= 0) {
		if (!preload_readable(buf, sizeof(copy.ds)))
			return bad_address();
		copy.ds = *buf;
	}
	result = mipc_shmctl(ns, shmid, cmd, &copy.ds);
	if (result == -1 || size == 0)
		return result;
	if (!preload_writable(buf, size))
		return bad_address();
	memcpy(buf, &copy, size);
	return result;
}

static void *
watched_shmat(struct mipc_ns *ns, int shmid, const void *addr, int flags)
{
	void *at = mipc_shmat(ns, shmid, addr, flags);

	if ((flags & SHM_REMAP) != 0)
		preload_forget_pages();
	return at;
}

static int
watched_shmdt(struct mipc_ns *ns, const void *addr)
{
	int result = mipc_shmdt(ns, addr);

	preload_forget_pages();
	return result;
}

/* The kernel reads the timeout before it looks at anything else. */
static int
checked_semtimedop(struct mipc_ns *ns, int semid, struct sembuf *ops,
    size_t nops, const struct timespec *timeout)
{
	if (timeout != NULL && !preload_readable(timeout, sizeof(*timeout)))
		return bad_address();
	if (nops > 0 && nops <= MOST_OPERATIONS &&
	    !preload_readable(ops, nops * sizeof(*ops)))
		ops = NULL;
	return mipc_semtimedop(ns, semid, ops, nops, timeout);
}

/* The kernel reads the type first, and the text when it knows of no error. */
static int
checked_msgsnd(struct mipc_ns *ns, int msqid, const void *message, size_t size,
    int flags)
{
	long type;

	if (preload_readable(message, sizeof(type) + size))
		return mipc_msgsnd(ns, msqid, message, size, flags);
	if (!preload_readable(message, sizeof(type)))
		return bad_address();
	memcpy(&type, message, sizeof(type));
	return mipc_msgsnd(ns, msqid, type < 1 ? &type : NULL, size, flags);
}

/*
 * Whether the program has `length` bytes at `message`, where ours may lie: in
 * a hole of its memory, which then looks as if it could be written.
 */
static bool
is_theirs(void *message, size_t length, const char *ours, size_t room)
{
	const char *start = message;

	return (start + length <= ours || start >= ours + room) &&
	    preload_writable(message, length);
}

/* The message is taken even if there is no memory for it, as by the kernel. */
static ssize_t
receive_apart(struct mipc_ns *ns, int msqid, void *message, size_t size,
    long type, int flags)
{
	size_t room = size < INT_MAX ? size : INT_MAX, length;
	void *copy;
	ssize_t got;

	/* It is the library that says which error comes first. */
	if (size > SSIZE_MAX || mipc_sys_map(NULL, sizeof(long) + room,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE, -1, 0, &copy) < 0)
		return mipc_msgrcv(ns, msqid, NULL, size, type, flags);
	got = mipc_msgrcv(ns, msqid, copy, room, type, flags);
	if (got >= 0) {
		length = sizeof(long) + (size_t)got;
		if (is_theirs(message, length, copy, sizeof(long) + room))
			memcpy(message, copy, length);
		else
			got = bad_address();
	}
	mipc_sys_unmap(copy, sizeof(long) + room);
	return got;
}

/* Into the start of a large room, if there is a message that it holds. */
static bool
received_small(struct mipc_ns *ns, int msqid, void *message, long type,
    int flags, ssize_t *got)
{
	int try = (flags | IPC_NOWAIT) & ~MSG_NOERROR;

	*got = mipc_msgrcv(ns, msqid, message, DIRECT_MOST, type, try);
	return *got != -1 || (errno != E2BIG &&
	    (errno != ENOMSG || (flags & IPC_NOWAIT) != 0));
}

static ssize_t
checked_msgrcv(struct mipc_ns *ns, int msqid, void *message, size_t size,
    long type, int flags)
{
	size_t known = size < DIRECT_MOST ? size : DIRECT_MOST;
	ssize_t got;

	if (preload_fillable(message, sizeof(long) + known)) {
		if (size <= DIRECT_MOST)
			return mipc_msgrcv(ns, msqid, message, size, type,
			    flags);
		if (size <= SSIZE_MAX && (flags & MSG_COPY) == 0 &&
		    received_small(ns, msqid, message, type, flags, &got))
			return got;
	}
	return receive_apart(ns, msqid, message, size, type, flags);
}

static int
checked_msgctl(struct mipc_ns *ns, int msqid, int cmd, struct msqid_ds *buf)
{
	union {
		struct msqid_ds ds;
		struct msginfo info;
	} copy;
	bool tells_info = cmd == IPC_INFO || cmd == MSG_INFO;
	bool tells = tells_info || cmd == IPC_STAT || cmd == MSG_STAT ||
	    cmd == MSG_STAT_ANY;
	size_t size = tells_info ? sizeof(copy.info) : sizeof(copy.ds);
	int result;

	if (cmd == IPC_SET && msqid >= 0) {
		if (!preload_readable(buf, sizeof(copy.ds)))
			return bad_address();
		copy.ds = *buf;
	}
	result = mipc_msgctl(ns, msqid, cmd, &copy.ds);
	if (result == -1 || !tells)
		return result;
	if (!preload_writable(buf, size))
		return bad_address();
	memcpy(buf, &copy, size);
	return result;
}

/* semctl()'s fourth argument, which no header declares. */
union sysv_argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *__buf;
};

static int checked_semctl(struct mipc_ns *, int semid, int number, int cmd,
	    union sysv_argument);

static const void *
pointer_of(int cmd, union sysv_argument argument)
{
	return cmd == SETVAL ? (void *)(uintptr_t)(unsigned)argument.val :
	    argument.buf;
}

static int
checked_semop(struct mipc_ns *ns, int semid, struct sembuf *ops, size_t nops)
{
	return checked_semtimedop(ns, semid, ops, nops, NULL);
}

/* Each call with its line in a trace, if there is one. */
#define TRACED(type, name, call, parameters, arguments, shown)		\
	static type							\
	traced_##name parameters					\
	{								\
		type result = call arguments;				\
									\
		if (trace_is_on())					\
			trace_##name shown;				\
		return result;						\
	}

TRACED(int, shmget, mipc_shmget, (struct mipc_ns *ns, key_t key, size_t size,
    int flags), (ns, key, size, flags), (key, size, flags, result))
TRACED(void *, shmat, watched_shmat, (struct mipc_ns *ns, int shmid,
    const void *addr, int flags), (ns, shmid, addr, flags),
    (shmid, addr, flags, result))
TRACED(int, shmdt, watched_shmdt, (struct mipc_ns *ns, const void *addr),
    (ns, addr), (addr, result))
TRACED(int, shmctl, checked_shmctl, (struct mipc_ns *ns, int shmid, int cmd,
    struct shmid_ds *buf), (ns, shmid, cmd, buf), (shmid, cmd, buf, result))
TRACED(int, semget, mipc_semget, (struct mipc_ns *ns, key_t key, int nsems,
    int flags), (ns, key, nsems, flags), (key, nsems, flags, result))
TRACED(int, semop, checked_semop, (struct mipc_ns *ns, int semid,
    struct sembuf *ops, size_t nops), (ns, semid, ops, nops),
    (semid, ops, nops, result))
TRACED(int, semtimedop, checked_semtimedop, (struct mipc_ns *ns, int semid,
    struct sembuf *ops, size_t nops, const struct timespec *timeout),
    (ns, semid, ops, nops, timeout), (semid, ops, nops, timeout, result))
TRACED(int, semctl, checked_semctl, (struct mipc_ns *ns, int semid,
    int number, int cmd, union sysv_argument argument),
    (ns, semid, number, cmd, argument),
    (semid, number, cmd, pointer_of(cmd, argument), result))
TRACED(int, msgget, mipc_msgget, (struct mipc_ns *ns, key_t key, int flags),
    (ns, key, flags), (key, flags, result))
TRACED(int, msgsnd, checked_msgsnd, (struct mipc_ns *ns, int msqid,
    const void *message, size_t size, int flags),
    (ns, msqid, message, size, flags), (msqid, message, size, flags, result))
TRACED(ssize_t, msgrcv, checked_msgrcv, (struct mipc_ns *ns, int msqid,
    void *message, size_t size, long kind, int flags),
    (ns, msqid, message, size, kind, flags),
    (msqid, &(struct trace_receipt){ message, size, kind, flags }, result))
TRACED(int, msgctl, checked_msgctl, (struct mipc_ns *ns, int msqid, int cmd,
    struct msqid_ds *buf), (ns, msqid, cmd, buf), (msqid, cmd, buf, result))

#define SYSV_NAMESPACE	preload_namespace
#define SYSV_SHMGET	traced_shmget
#define SYSV_SHMAT	traced_shmat
#define SYSV_SHMDT	traced_shmdt
#define SYSV_SHMCTL	traced_shmctl
#define SYSV_SEMGET	traced_semget
#define SYSV_SEMOP	traced_semop
#define SYSV_SEMTIMEDOP	traced_semtimedop
#define SYSV_SEMCTL	traced_semctl
#define SYSV_MSGGET	traced_msgget
#define SYSV_MSGSND	traced_msgsnd
#define SYSV_MSGRCV	traced_msgrcv
#define SYSV_MSGCTL	traced_msgctl
#define SYSV_READABLE	preload_readable
#define SYSV_WRITABLE	preload_writable
#include "sysv.c"

static int
set_perm(struct mipc_ns *ns, int semid, const struct semid_ds *buf)
{
	struct semid_ds copy;

	if (semid >= 0 && !preload_readable(buf, sizeof(copy)))
		return bad_address();
	if (semid >= 0)
		copy = *buf;
	return mipc_semctl(ns, semid, 0, IPC_SET,
	    (union sysv_argument){ .buf = &copy });
}

/* IPC_STAT and its like, which write a semid_ds or a seminfo. */
static int
tell(struct mipc_ns *ns, int semid, int cmd, void *out)
{
	union {
		struct semid_ds ds;
		struct seminfo info;
	} copy;
	size_t size = cmd == IPC_INFO || cmd == SEM_INFO ?
	    sizeof(copy.info) : sizeof(copy.ds);
	int result = mipc_semctl(ns, semid, 0, cmd,
	    (union sysv_argument){ .buf = &copy.ds });

	if (result == -1)
		return -1;
	if (!preload_writable(out, size))
		return bad_address();
	memcpy(out, &copy, size);
	return result;
}

/*
 * How many semaphores a set has; 0 if it cannot be told.  The second way is
 * slow, and for somebody who may set all values and not read them.
 */
static size_t
count_of(struct mipc_ns *ns, int semid, int cmd)
{
	struct semid_ds ds;
	union sysv_argument argument = { .buf = &ds };

	if (mipc_semctl(ns, semid, 0, IPC_STAT, argument) == 0)
		return ds.sem_nsems;
	if (cmd == SETALL && semid >= 0 && mipc_semctl(ns, semid % INDEX_MAX,
	    0, SEM_STAT_ANY, argument) == semid)
		return ds.sem_nsems;
	return 0;
}

static int
all_values(struct mipc_ns *ns, int semid, int cmd, unsigned short *array)
{
	size_t size = count_of(ns, semid, cmd) * sizeof(*array);

	if (size > 0 && !(cmd == GETALL ? preload_writable(array, size) :
	    preload_readable(array, size)))
		array = NULL;
	return mipc_semctl(ns, semid, 0, cmd,
	    (union sysv_argument){ .array = array });
}

static int
checked_semctl(struct mipc_ns *ns, int semid, int number, int cmd,
    union sysv_argument argument)
{
	switch (cmd) {
	case IPC_SET:
		return set_perm(ns, semid, argument.buf);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
	case IPC_INFO:
	case SEM_INFO:
		return tell(ns, semid, cmd, argument.buf);
	case GETALL:
	case SETALL:
		return all_values(ns, semid, cmd, argument.array);
	}
	return mipc_semctl(ns, semid, number, cmd, argument);
}
