/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_number.c - the commands of ipc_user about ipc(2), the one number that
 * stands for all calls on machines of 32 bits.  Run without the module they
 * show that the kernel answers so.
 */
#include "ipc_user.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <stdint.h>
#include <unistd.h>

#ifndef SYS_ipc

enum { SKIPPED = 77 };

int
user_multiplexed(char **argv)
{
	(void)argv;
	return SKIPPED;
}

#else

enum {
	SEMOP = 1, SEMGET, SEMCTL, SEMTIMEDOP,
	MSGSND = 11, MSGRCV, MSGGET, MSGCTL,
	SHMAT = 21, SHMDT, SHMGET, SHMCTL,
	WIDE = 0x100,
	SIZE = 4096
};

/* The structures of before IPC_64. */
struct old_perm {
	int32_t key;
	uint16_t uid, gid, cuid, cgid, mode, seq;
};

struct old_segment {
	struct old_perm perm;
	int32_t segsz, times[3];
	uint16_t cpid, lpid, nattch, unused;
	uint32_t pointer[2];
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
	int32_t times[3];
	uint32_t long_cbytes, long_qbytes;
	uint16_t cbytes, qnum, qbytes, lspid, lrpid;
};

static bool
fails(long result, int error, const char *what)
{
	return expect(result == -1 && errno == error, what);
}

#define VERSION(call, version)	((call) | (version) << 16)

static bool
old_segments(long id)
{
	struct old_segment old;
	int32_t limits[5];
	bool good;

	good = expect(syscall(SYS_ipc, SHMCTL, id, IPC_STAT, 0, &old) == 0 &&
	    old.segsz == SIZE && old.nattch == 1 &&
	    old.cpid == (uint16_t)getpid() && old.perm.key == 4720 &&
	    old.perm.mode == 0600, "an old IPC_STAT");
	old.perm.mode = 0640;
	good &= expect(syscall(SYS_ipc, SHMCTL, id, IPC_SET, 0, &old) == 0,
	    "an old IPC_SET");
	good &= expect(syscall(SYS_ipc, SHMCTL, 0, IPC_INFO, 0, limits) >= 0 &&
	    limits[0] == INT32_MAX && limits[1] == 1, "an old IPC_INFO");
	good &= fails(syscall(SYS_ipc, SHMCTL, id, IPC_STAT, 0, 8), EFAULT,
	    "an old one to nowhere");
	return good & fails(syscall(SYS_ipc, SHMCTL, id, IPC_SET, 0, 8),
	    EFAULT, "an old one from nowhere");
}

static bool
segments(void)
{
	long id = syscall(SYS_ipc, SHMGET, 4720, SIZE, IPC_CREAT | 0600);
	struct shmid_ds ds;
	uintptr_t at = 0;
	bool good = expect(id != -1 && id == shmget(4720, 0, 0), "one id");

	good &= expect(syscall(SYS_ipc, SHMAT, id, 0, &at, NULL) == 0 &&
	    at != 0, "shmat stores the address");
	if (!good)
		return false;
	*(char *)at = 'x';
	good &= old_segments(id);
	good &= expect(syscall(SYS_ipc, SHMCTL, id, IPC_STAT | WIDE, 0, &ds) ==
	    0 && ds.shm_segsz == SIZE && ds.shm_perm.mode == 0640,
	    "a wide IPC_STAT");
	good &= fails(syscall(SYS_ipc, VERSION(SHMAT, 1), id, 0, &at, NULL),
	    EINVAL, "version 1 of shmat");
	good &= expect(syscall(SYS_ipc, SHMDT, 0, 0, 0, at) == 0, "shmdt");
	good &= fails(syscall(SYS_ipc, SHMAT, id, 0, 8, NULL), EFAULT,
	    "an address to nowhere");
	good &= expect(syscall(SYS_ipc, SHMCTL, id, IPC_RMID, 0, 0) == 0,
	    "removed");
	return good & fails(shmget(4720, 0, 0), ENOENT, "gone");
}

static bool
old_sets(long id)
{
	struct old_set old;
	void *argument = &old;
	bool good;

	good = expect(syscall(SYS_ipc, SEMCTL, id, 0, IPC_STAT, &argument) ==
	    0 && old.nsems == 3 && old.perm.mode == 0600, "an old IPC_STAT");
	old.perm.mode = 0640;
	good &= expect(syscall(SYS_ipc, SEMCTL, id, 0, IPC_SET, &argument) ==
	    0, "an old IPC_SET");
	argument = (void *)8;
	good &= fails(syscall(SYS_ipc, SEMCTL, id, 0, IPC_STAT, &argument),
	    EFAULT, "an old one to nowhere");
	good &= fails(syscall(SYS_ipc, SEMCTL, id, 0, IPC_STAT, 8), EFAULT,
	    "an argument from nowhere");
	return good & fails(syscall(SYS_ipc, SEMCTL, id, 0, IPC_STAT, 0),
	    EINVAL, "no argument");
}

static bool
sets(void)
{
	long id = syscall(SYS_ipc, SEMGET, 4721, 3, IPC_CREAT | 0600);
	struct sembuf up = { 1, 2, 0 }, down = { 1, -10, 0 };
	long value = 5, none = 0, no_time[2] = { 0, 0 };
	struct semid_ds ds;
	void *argument = &ds;
	bool good = expect(id != -1 && id == semget(4721, 0, 0), "one id");

	good &= expect(syscall(SYS_ipc, SEMCTL, id, 1, SETVAL, &value) == 0,
	    "SETVAL");
	good &= expect(syscall(SYS_ipc, SEMOP, id, 1, 0, &up) == 0, "semop");
	good &= expect(syscall(SYS_ipc, SEMTIMEDOP, id, 1, 0, &up, NULL) == 0,
	    "semtimedop");
	good &= fails(syscall(SYS_ipc, SEMTIMEDOP, id, 1, 0, &down, no_time),
	    EAGAIN, "a time");
	good &= fails(syscall(SYS_ipc, SEMTIMEDOP, id, 1, 0, &down, 8),
	    EFAULT, "a time from nowhere");
	good &= expect(syscall(SYS_ipc, SEMCTL, id, 1, GETVAL | WIDE, &none) ==
	    9 && semctl((int)id, 1, GETVAL) == 9, "5 + 2 + 2");
	good &= old_sets(id);
	good &= expect(syscall(SYS_ipc, SEMCTL, id, 0, IPC_STAT | WIDE,
	    &argument) == 0 && ds.sem_nsems == 3 &&
	    ds.sem_perm.mode == 0640, "a wide IPC_STAT");
	good &= expect(syscall(SYS_ipc, SEMCTL, id, 0, IPC_RMID, &none) == 0,
	    "removed");
	return good & fails(semget(4721, 0, 0), ENOENT, "gone");
}

static bool
old_queues(long id)
{
	struct old_queue old;
	bool good;

	good = expect(syscall(SYS_ipc, MSGCTL, id, IPC_STAT, 0, &old) == 0 &&
	    old.qnum == 3 && old.cbytes == 9 && old.qbytes == 16384 &&
	    old.lspid == (uint16_t)getpid(),
	    "an old IPC_STAT");
	old.qbytes = 8000;
	good &= expect(syscall(SYS_ipc, MSGCTL, id, IPC_SET, 0, &old) == 0,
	    "an old IPC_SET");
	return good & fails(syscall(SYS_ipc, MSGCTL, id, IPC_STAT, 0, 8),
	    EFAULT, "an old one to nowhere");
}

struct message {
	long type;
	char text[8];
};

/* Each version takes the message's place and type from elsewhere. */
static bool
receives(long id)
{
	struct message message = { .type = 0 };
	struct { void *message; long type; } packed = { &message, 7 };
	bool good;

	good = expect(syscall(SYS_ipc, MSGRCV, id, 8, IPC_NOWAIT, &packed) ==
	    3 && message.type == 7, "version 0");
	good &= expect(syscall(SYS_ipc, VERSION(MSGRCV, 1), id, 8, IPC_NOWAIT,
	    &message, 6) == 3 && message.type == 6, "version 1");
	good &= fails(syscall(SYS_ipc, MSGRCV, id, 8, IPC_NOWAIT, NULL),
	    EINVAL, "nothing to take from");
	good &= fails(syscall(SYS_ipc, MSGRCV, id, 8, IPC_NOWAIT, 8),
	    EFAULT, "nowhere to take from");
	return good & fails(syscall(SYS_ipc, VERSION(MSGRCV, 1), id, 8,
	    IPC_NOWAIT, 8, 5), EFAULT, "nowhere to write");
}

static bool
queues(void)
{
	long id = syscall(SYS_ipc, MSGGET, 4722, IPC_CREAT | 0600);
	struct message message = { .text = "abc" };
	struct msqid_ds ds;
	bool good = expect(id != -1 && id == msgget(4722, 0), "one id");

	for (message.type = 5; message.type <= 7; message.type++)
		good &= expect(syscall(SYS_ipc, MSGSND, id, 3, IPC_NOWAIT,
		    &message) == 0, "msgsnd");
	good &= old_queues(id);
	good &= receives(id);
	good &= expect(syscall(SYS_ipc, MSGCTL, id, IPC_STAT | WIDE, 0, &ds) ==
	    0 && ds.msg_qbytes == 8000, "a wide IPC_STAT");
	good &= expect(syscall(SYS_ipc, MSGCTL, id, IPC_RMID, 0, 0) == 0,
	    "removed");
	return good & fails(msgget(4722, 0), ENOENT, "gone");
}

/* A time of 64 bits, which has a number of its own. */
static bool
long_times(void)
{
	int id = semget(IPC_PRIVATE, 1, 0600);
	struct sembuf down = { 0, -1, 0 };
	int64_t no_time[2] = { 0, 0 }, wrong[2] = { 0, 1000000000 };
	bool good;

	good = fails(syscall(SYS_semtimedop_time64, id, &down, 1, no_time),
	    EAGAIN, "a long time");
	good &= fails(syscall(SYS_semtimedop_time64, id, &down, 1, wrong),
	    EINVAL, "a wrong one");
	good &= fails(syscall(SYS_semtimedop_time64, id, &down, 1, 8),
	    EFAULT, "one from nowhere");
	return good & expect(semctl(id, 0, IPC_RMID) == 0, "removed");
}

/* multiplexed: by one number and by names the calls are the same. */
int
user_multiplexed(char **argv)
{
	bool good = segments();

	(void)argv;
	good &= sets();
	good &= queues();
	good &= long_times();
	good &= fails(syscall(SYS_ipc, 5, 0, 0, 0, 0, 0), ENOSYS, "call 5");
	good &= fails(syscall(SYS_ipc, 25, 0, 0, 0, 0, 0), ENOSYS, "call 25");
	return good ? 0 : 1;
}

#endif
