/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_old.c - the structures that the control calls had before IPC_64, which
 * ipc(2) still takes: ids, modes and counts of 16 bits.  What does not fit is
 * told as the kernel tells it: an id is 65534, a number the largest there is.
 *
 * Commands without such a structure are the same in both forms.
 */
#include "preload.h"

#include "commands.h"
#include "ipc.h"

#ifdef HAS_IPC_CALL

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

enum { NO_SUCH_ID = 65534 };

struct old_perm {
	int32_t key;
	uint16_t uid, gid, cuid, cgid, mode, seq;
};

struct old_segment {
	struct old_perm perm;
	int32_t segsz, atime, dtime, ctime;
	uint16_t cpid, lpid, nattch, unused;
	uint32_t pointer[2];
};

struct old_limits {
	int32_t shmmax, shmmin, shmmni, shmseg, shmall;
};

struct old_set {
	struct old_perm perm;
	int32_t otime, ctime;
	uint32_t pointer[4];
	uint16_t nsems;
};

struct old_queue {
	struct old_perm perm;
	uint32_t pointer[2];
	int32_t stime, rtime, ctime;
	uint32_t long_cbytes, long_qbytes;
	uint16_t cbytes, qnum, qbytes, lspid, lrpid;
};

_Static_assert(sizeof(struct old_segment) == 48, "the kernel's");
_Static_assert(sizeof(struct old_set) == 44, "the kernel's");
_Static_assert(sizeof(struct old_queue) == 56, "the kernel's");

static uint16_t
narrow_id(unsigned id)
{
	return id > UINT16_MAX ? NO_SUCH_ID : (uint16_t)id;
}

static uint16_t
narrow(unsigned long number)
{
	return number > UINT16_MAX ? UINT16_MAX : (uint16_t)number;
}

static int32_t
narrow_int(unsigned long number)
{
	return number > INT_MAX ? INT_MAX : (int32_t)number;
}

static struct old_perm
old_perm(const struct ipc_perm *perm)
{
	return (struct old_perm){ .key = perm->__key,
	    .uid = narrow_id(perm->uid), .gid = narrow_id(perm->gid),
	    .cuid = narrow_id(perm->cuid), .cgid = narrow_id(perm->cgid),
	    .mode = (uint16_t)perm->mode, .seq = perm->__seq };
}

/* What IPC_SET reads. */
static void
new_perm(struct ipc_perm *perm, const struct old_perm *old)
{
	perm->uid = old->uid;
	perm->gid = old->gid;
	perm->mode = old->mode;
}

static int
bad_address(void)
{
	errno = EFAULT;
	return -1;
}

/* Write what a command tells; `result` is what it returns. */
static int
tell(void *buf, const void *told, size_t size, int result)
{
	if (!preload_writable(buf, size))
		return bad_address();
	memcpy(buf, told, size);
	return result;
}

/* --- segments ---------------------------------------------------------- */

static int
tell_segment(int id, int cmd, void *buf)
{
	struct old_segment old;
	struct shmid_ds ds;
	int result = shmctl(id, cmd, &ds);

	if (result == -1)
		return -1;
	memset(&old, 0, sizeof(old));
	old.perm = old_perm(&ds.shm_perm);
	old.segsz = narrow_int(ds.shm_segsz);
	old.atime = (int32_t)ds.shm_atime;
	old.dtime = (int32_t)ds.shm_dtime;
	old.ctime = (int32_t)ds.shm_ctime;
	old.cpid = (uint16_t)ds.shm_cpid;
	old.lpid = (uint16_t)ds.shm_lpid;
	old.nattch = (uint16_t)ds.shm_nattch;
	return tell(buf, &old, sizeof(old), result);
}

static int
tell_limits(int id, void *buf)
{
	struct shminfo info;
	struct old_limits old;
	int result = shmctl(id, IPC_INFO, (struct shmid_ds *)(void *)&info);

	if (result == -1)
		return -1;
	old = (struct old_limits){ .shmmax = narrow_int(info.shmmax),
	    .shmmin = (int32_t)info.shmmin, .shmmni = (int32_t)info.shmmni,
	    .shmseg = (int32_t)info.shmseg, .shmall = (int32_t)info.shmall };
	return tell(buf, &old, sizeof(old), result);
}

static int
set_segment(int id, const struct old_segment *buf)
{
	struct shmid_ds ds;

	memset(&ds, 0, sizeof(ds));
	if (!preload_readable(buf, sizeof(*buf)))
		return bad_address();
	new_perm(&ds.shm_perm, &buf->perm);
	return shmctl(id, IPC_SET, &ds);
}

int
ipc_old_shmctl(int id, int cmd, void *buf)
{
	switch (cmd) {
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return tell_segment(id, cmd, buf);
	case IPC_INFO:
		return tell_limits(id, buf);
	case IPC_SET:
		return set_segment(id, buf);
	}
	return shmctl(id, cmd, buf);
}

/* --- sets -------------------------------------------------------------- */

static int
tell_set(int id, int cmd, void *buf)
{
	struct old_set old;
	struct semid_ds ds;
	int result = semctl(id, 0, cmd, &ds);

	if (result == -1)
		return -1;
	memset(&old, 0, sizeof(old));
	old.perm = old_perm(&ds.sem_perm);
	old.otime = (int32_t)ds.sem_otime;
	old.ctime = (int32_t)ds.sem_ctime;
	old.nsems = (uint16_t)ds.sem_nsems;
	return tell(buf, &old, sizeof(old), result);
}

static int
set_set(int id, const struct old_set *buf)
{
	struct semid_ds ds;

	memset(&ds, 0, sizeof(ds));
	if (!preload_readable(buf, sizeof(*buf)))
		return bad_address();
	new_perm(&ds.sem_perm, &buf->perm);
	return semctl(id, 0, IPC_SET, &ds);
}

int
ipc_old_semctl(int id, int number, int cmd, long argument)
{
	switch (cmd) {
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return tell_set(id, cmd, (void *)argument);
	case IPC_SET:
		return set_set(id, (const struct old_set *)argument);
	}
	return semctl(id, number, cmd, (void *)argument);
}

/* --- queues ------------------------------------------------------------ */

static int
tell_queue(int id, int cmd, void *buf)
{
	struct old_queue old;
	struct msqid_ds ds;
	int result = msgctl(id, cmd, &ds);

	if (result == -1)
		return -1;
	memset(&old, 0, sizeof(old));
	old.perm = old_perm(&ds.msg_perm);
	old.stime = (int32_t)ds.msg_stime;
	old.rtime = (int32_t)ds.msg_rtime;
	old.ctime = (int32_t)ds.msg_ctime;
	old.cbytes = narrow(ds.__msg_cbytes);
	old.long_cbytes = ds.__msg_cbytes;
	old.qnum = narrow(ds.msg_qnum);
	old.qbytes = narrow(ds.msg_qbytes);
	old.long_qbytes = ds.msg_qbytes;
	old.lspid = (uint16_t)ds.msg_lspid;
	old.lrpid = (uint16_t)ds.msg_lrpid;
	return tell(buf, &old, sizeof(old), result);
}

static int
set_queue(int id, const struct old_queue *buf)
{
	struct msqid_ds ds;

	memset(&ds, 0, sizeof(ds));
	if (!preload_readable(buf, sizeof(*buf)))
		return bad_address();
	new_perm(&ds.msg_perm, &buf->perm);
	ds.msg_qbytes = buf->qbytes != 0 ? buf->qbytes : buf->long_qbytes;
	return msgctl(id, IPC_SET, &ds);
}

int
ipc_old_msgctl(int id, int cmd, void *buf)
{
	switch (cmd) {
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return tell_queue(id, cmd, buf);
	case IPC_SET:
		return set_queue(id, buf);
	}
	return msgctl(id, cmd, buf);
}

#endif
