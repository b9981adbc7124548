/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysv.c - libc's names over the default namespace.
 *
 * A program that is linked with libmipc-sysv before libc gets System V IPC
 * from here without a change of its sources.  The preload module compiles
 * this same file, with its own idea of how the namespace is found and of
 * what a pointer may be (preload/names.c).
 */
#include "sys.h"
#include "commands.h"
#include "mipc.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <errno.h>
#include <stdarg.h>

#ifndef SYSV_NAMESPACE
/* semctl()'s fourth argument, which no header declares. */
union sysv_argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *__buf;
};

#define SYSV_NAMESPACE	mipc_default
#define SYSV_SHMGET	mipc_shmget
#define SYSV_SHMAT	mipc_shmat
#define SYSV_SHMDT	mipc_shmdt
#define SYSV_SHMCTL	mipc_shmctl
#define SYSV_SEMGET	mipc_semget
#define SYSV_SEMOP	mipc_semop
#define SYSV_SEMTIMEDOP	mipc_semtimedop
#define SYSV_SEMCTL	mipc_semctl
#define SYSV_MSGGET	mipc_msgget
#define SYSV_MSGSND	mipc_msgsnd
#define SYSV_MSGRCV	mipc_msgrcv
#define SYSV_MSGCTL	mipc_msgctl
#define SYSV_READABLE(pointer, size)	((pointer) != NULL)
#define SYSV_WRITABLE(pointer, size)	((pointer) != NULL)
#endif

MIPC_PUBLIC key_t
ftok(const char *path, int project)
{
	return mipc_ftok(path, project);
}

MIPC_PUBLIC int
shmget(key_t key, size_t size, int flags)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 : SYSV_SHMGET(ns, key, size, flags);
}

MIPC_PUBLIC void *
shmat(int shmid, const void *addr, int flags)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? (void *)-1 : SYSV_SHMAT(ns, shmid, addr, flags);
}

MIPC_PUBLIC int
shmdt(const void *addr)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 : SYSV_SHMDT(ns, addr);
}

MIPC_PUBLIC int
shmctl(int shmid, int cmd, struct shmid_ds *buf)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 : SYSV_SHMCTL(ns, shmid, cmd, buf);
}

MIPC_PUBLIC int
semget(key_t key, int nsems, int flags)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 : SYSV_SEMGET(ns, key, nsems, flags);
}

MIPC_PUBLIC int
semtimedop(int semid, struct sembuf *ops, size_t nops,
    const struct timespec *timeout)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 : SYSV_SEMTIMEDOP(ns, semid, ops, nops, timeout);
}

MIPC_PUBLIC int
semop(int semid, struct sembuf *ops, size_t nops)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 : SYSV_SEMOP(ns, semid, ops, nops);
}

/* A program need not pass an argument that a command does not have. */
static bool
has_argument(int cmd)
{
	switch (cmd) {
	case IPC_STAT:
	case IPC_SET:
	case IPC_INFO:
	case SEM_STAT:
	case SEM_STAT_ANY:
	case SEM_INFO:
	case GETALL:
	case SETALL:
	case SETVAL:
		return true;
	}
	return false;
}

static int
control(int semid, int number, int cmd, union sysv_argument argument)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 :
	    SYSV_SEMCTL(ns, semid, number, cmd, argument);
}

MIPC_PUBLIC int
semctl(int semid, int number, int cmd, ...)
{
	union sysv_argument argument = { .buf = NULL };
	va_list list;

	if (has_argument(cmd)) {
		va_start(list, cmd);
		argument = va_arg(list, union sysv_argument);
		va_end(list);
	}
	return control(semid, number, cmd, argument);
}

MIPC_PUBLIC int
msgget(key_t key, int flags)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 : SYSV_MSGGET(ns, key, flags);
}

MIPC_PUBLIC int
msgsnd(int msqid, const void *message, size_t size, int flags)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 :
	    SYSV_MSGSND(ns, msqid, message, size, flags);
}

MIPC_PUBLIC ssize_t
msgrcv(int msqid, void *message, size_t size, long type, int flags)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 :
	    SYSV_MSGRCV(ns, msqid, message, size, type, flags);
}

MIPC_PUBLIC int
msgctl(int msqid, int cmd, struct msqid_ds *buf)
{
	struct mipc_ns *ns = SYSV_NAMESPACE();

	return ns == NULL ? -1 : SYSV_MSGCTL(ns, msqid, cmd, buf);
}

#if defined(__TIMESIZE) && __TIMESIZE == 32 && !defined(__USE_TIME_BITS64)

/*
 * The names behind shmctl(), semtimedop(), semctl() and msgctl() in a program
 * that is compiled with times of 64 bits for a machine whose own have 32.
 * glibc's structures of that kind are in no header that can be included here.
 */
struct timespec64 {
	int64_t seconds;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	int32_t unused;
	int32_t nanoseconds;
#else
	int32_t nanoseconds;
	int32_t unused;
#endif
};

struct shmid64_ds {
	struct ipc_perm perm;
	size_t segsz;
	int64_t atime, dtime, ctime;
	pid_t cpid, lpid;
	shmatt_t nattch;
	unsigned long reserved[2];
};

struct semid64_ds {
	struct ipc_perm perm;
	int64_t otime;
	int64_t ctime;
	unsigned long nsems;
	unsigned long reserved[2];
};

struct msqid64_ds {
	struct ipc_perm perm;
	int64_t stime, rtime, ctime;
	unsigned long cbytes;
	msgqnum_t qnum;
	msglen_t qbytes;
	pid_t lspid, lrpid;
	unsigned long reserved[2];
};

int	sysv_shmctl64(int, int, void *) __asm__("__shmctl64");
int	sysv_semtimedop64(int, struct sembuf *, size_t,
	    const struct timespec64 *) __asm__("__semtimedop64");
int	sysv_semctl64(int, int, int, ...) __asm__("__semctl64");
int	sysv_msgctl64(int, int, void *) __asm__("__msgctl64");

static int
bad_pointer(void)
{
	errno = EFAULT;
	return -1;
}

static int
tell_wide_segment(int shmid, int cmd, struct shmid64_ds *out)
{
	struct shmid_ds ds;
	int result = shmctl(shmid, cmd, &ds);

	if (result == -1)
		return -1;
	if (!SYSV_WRITABLE(out, sizeof(*out)))
		return bad_pointer();
	*out = (struct shmid64_ds){ .perm = ds.shm_perm,
	    .segsz = ds.shm_segsz, .atime = (uint32_t)ds.shm_atime,
	    .dtime = (uint32_t)ds.shm_dtime, .ctime = (uint32_t)ds.shm_ctime,
	    .cpid = ds.shm_cpid, .lpid = ds.shm_lpid,
	    .nattch = ds.shm_nattch };
	return result;
}

/* What IPC_SET reads is in the permissions, and what others fill is alike. */
MIPC_PUBLIC int
sysv_shmctl64(int shmid, int cmd, void *buf)
{
	struct shmid_ds ds = { .shm_segsz = 0 };

	switch (cmd) {
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return tell_wide_segment(shmid, cmd, buf);
	case IPC_SET:
		if (shmid < 0)
			break;
		if (!SYSV_READABLE(buf, sizeof(struct shmid64_ds)))
			return bad_pointer();
		ds.shm_perm = *(const struct ipc_perm *)buf;
		return shmctl(shmid, cmd, &ds);
	}
	return shmctl(shmid, cmd, buf);
}

/* No program waits for longer than INT32_MAX seconds. */
MIPC_PUBLIC int
sysv_semtimedop64(int semid, struct sembuf *ops, size_t nops,
    const struct timespec64 *timeout)
{
	struct timespec narrow;

	if (timeout == NULL)
		return semop(semid, ops, nops);
	if (!SYSV_READABLE(timeout, sizeof(*timeout)))
		return bad_pointer();
	narrow.tv_nsec = timeout->nanoseconds;
	narrow.tv_sec = timeout->seconds < 0 ? -1 :
	    timeout->seconds > INT32_MAX ? INT32_MAX :
	    (time_t)timeout->seconds;
	return semtimedop(semid, ops, nops, &narrow);
}

static int
tell_wide(int semid, int cmd, struct semid64_ds *out)
{
	struct semid_ds ds;
	int result = control(semid, 0, cmd,
	    (union sysv_argument){ .buf = &ds });

	if (result == -1)
		return -1;
	if (!SYSV_WRITABLE(out, sizeof(*out)))
		return bad_pointer();
	*out = (struct semid64_ds){ .perm = ds.sem_perm,
	    .otime = (uint32_t)ds.sem_otime, .ctime = (uint32_t)ds.sem_ctime,
	    .nsems = ds.sem_nsems };
	return result;
}

/* Of what IPC_SET reads, all is in the permissions, which come first. */
MIPC_PUBLIC int
sysv_semctl64(int semid, int number, int cmd, ...)
{
	union sysv_argument argument = { .buf = NULL };
	struct semid_ds ds = { .sem_nsems = 0 };
	va_list list;

	if (has_argument(cmd)) {
		va_start(list, cmd);
		argument = va_arg(list, union sysv_argument);
		va_end(list);
	}
	switch (cmd) {
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return tell_wide(semid, cmd, (struct semid64_ds *)argument.buf);
	case IPC_SET:
		if (semid < 0)
			break;
		if (!SYSV_READABLE(argument.buf, sizeof(struct semid64_ds)))
			return bad_pointer();
		ds.sem_perm = argument.buf->sem_perm;
		argument.buf = &ds;
		break;
	}
	return control(semid, number, cmd, argument);
}

static int
tell_wide_queue(int msqid, int cmd, struct msqid64_ds *out)
{
	struct msqid_ds ds;
	int result = msgctl(msqid, cmd, &ds);

	if (result == -1)
		return -1;
	if (!SYSV_WRITABLE(out, sizeof(*out)))
		return bad_pointer();
	*out = (struct msqid64_ds){ .perm = ds.msg_perm,
	    .stime = (uint32_t)ds.msg_stime, .rtime = (uint32_t)ds.msg_rtime,
	    .ctime = (uint32_t)ds.msg_ctime, .cbytes = ds.__msg_cbytes,
	    .qnum = ds.msg_qnum, .qbytes = ds.msg_qbytes,
	    .lspid = ds.msg_lspid, .lrpid = ds.msg_lrpid };
	return result;
}

MIPC_PUBLIC int
sysv_msgctl64(int msqid, int cmd, void *buf)
{
	struct msqid64_ds *wide = buf;
	struct msqid_ds ds = { .msg_qnum = 0 };

	switch (cmd) {
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return tell_wide_queue(msqid, cmd, wide);
	case IPC_SET:
		if (msqid < 0)
			break;
		if (!SYSV_READABLE(wide, sizeof(*wide)))
			return bad_pointer();
		ds.msg_perm = wide->perm;
		ds.msg_qbytes = wide->qbytes;
		return msgctl(msqid, cmd, &ds);
	}
	return msgctl(msqid, cmd, buf);
}

#endif
