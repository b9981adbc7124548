/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw_user.c - a program that makes its System V IPC calls by an instruction
 * of its own and knows nothing of mipc: what tests/raw.sh runs.
 *
 * Each command exits with 0 if what it names is so, else it says what is not
 * and exits with 1; with 77 if it cannot be tried here.
 */
#include "raw_user.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { SIZE = 4096, PATIENCE = 60, SKIPPED = 77 };

union argument {
	int val;
	struct semid_ds *buf;
};

void
die(const char *what)
{
	perror(what);
	exit(1);
}

long
raw_set(int value)
{
	long id = RAW(RAW_SEMGET, IPC_PRIVATE, 1, 0600);

	RAW(RAW_SEMCTL, id, 0, SETVAL, value);
	return id;
}

long
raw_value(long id)
{
	return RAW(RAW_SEMCTL, id, 0, GETVAL, 0);
}

long
raw_remove(long id)
{
	return RAW(RAW_SEMCTL, id, 0, IPC_RMID, 0);
}

/* --- calls ------------------------------------------------------------- */

static bool
segments(void)
{
	long id = RAW(RAW_SHMGET, 4730, SIZE, IPC_CREAT | 0600), at;
	struct shmid_ds ds;
	bool good = expect(id >= 0 && id == shmget(4730, 0, 0), "a segment");

	at = RAW(RAW_SHMAT, id, 0, 0);
	good &= expect(at > 0 || at < -4095, "attached");
	if (!good)
		return false;
	*(char *)at = 'x';
	good &= expect(RAW(RAW_SHMCTL, id, IPC_STAT, &ds) == 0 &&
	    ds.shm_nattch == 1 && ds.shm_segsz == SIZE, "IPC_STAT");
	good &= expect(RAW(RAW_SHMCTL, id, IPC_STAT, 8) == -EFAULT,
	    "to nowhere");
	good &= expect(RAW(RAW_SHMDT, at) == 0, "detached");
	good &= expect(RAW(RAW_SHMDT, at) == -EINVAL, "only once");
	good &= expect(RAW(RAW_SHMCTL, id, IPC_RMID, 0) == 0, "removed");
	return good & expect(RAW(RAW_SHMGET, 4730, 0, 0) == -ENOENT, "gone");
}

static bool
sets(void)
{
	long id = RAW(RAW_SEMGET, 4731, 2, IPC_CREAT | 0600);
	struct sembuf up = { 1, 2, 0 }, down = { 1, -8, 0 };
	const struct timespec no_time = { 0, 0 };
	bool good = expect(id >= 0 && id == semget(4731, 0, 0), "a set");

	good &= expect(RAW(RAW_SEMCTL, id, 1, SETVAL, 5) == 0, "SETVAL");
	good &= expect(RAW_OPERATE(id, &up, 1) == 0, "semop");
	good &= expect(RAW(RAW_SEMCTL, id, 1, GETVAL, 0) == 7, "5 + 2");
	good &= expect(RAW_TIMED(id, &down, &no_time) == -EAGAIN, "a time");
	good &= expect(RAW_TIMED(id, &down, (void *)8) == -EFAULT,
	    "a time from nowhere");
	good &= expect(RAW_OPERATE(id, 8, 1) == -EFAULT, "from nowhere");
	good &= expect(RAW(RAW_SEMCTL, id, 0, IPC_STAT, 8) == -EFAULT,
	    "to nowhere");
	good &= expect(raw_remove(id) == 0, "removed");
	return good & expect(RAW(RAW_SEMGET, 4731, 0, 0) == -ENOENT, "gone");
}

static bool
queues(void)
{
	struct { long type; char text[8]; } out = { 3, "abc" }, in;
	long id = RAW(RAW_MSGGET, 4732, IPC_CREAT | 0600);
	struct msqid_ds ds;
	bool good = expect(id >= 0 && id == msgget(4732, 0), "a queue");

	good &= expect(RAW(RAW_MSGSND, id, &out, 3, 0) == 0, "msgsnd");
	good &= expect(RAW(RAW_MSGSND, id, 8, 3, 0) == -EFAULT,
	    "from nowhere");
	good &= expect(RAW(RAW_MSGCTL, id, IPC_STAT, &ds) == 0 &&
	    ds.msg_qnum == 1, "IPC_STAT");
	good &= expect(RAW(RAW_MSGRCV, id, &in, 8, 3, IPC_NOWAIT) == 3 &&
	    in.type == 3 && memcmp(in.text, "abc", 3) == 0, "msgrcv");
	good &= expect(RAW(RAW_MSGRCV, id, &in, 8, 3, IPC_NOWAIT) == -ENOMSG,
	    "no more");
	good &= expect(RAW(RAW_MSGCTL, id, IPC_STAT, 8) == -EFAULT,
	    "to nowhere");
	good &= expect(RAW(RAW_MSGCTL, id, IPC_RMID, 0) == 0, "removed");
	return good & expect(RAW(RAW_MSGGET, 4732, 0) == -ENOENT, "gone");
}

/* calls: each of the twelve, and what they answer to bad pointers. */
static int
calls(void)
{
	bool good;

	errno = ERANGE;
	good = RAW(RAW_SHMGET, 4730, 0, 0) == -ENOENT;
	good = expect(good && errno == ERANGE, "errno stays as it was");
	good &= segments();
	good &= sets();
	good &= queues();
	return good ? 0 : 1;
}

/* foreign: by the numbers of programs of 32 bits there is no IPC. */
static int
foreign(void)
{
#if defined(__x86_64__) && __SIZEOF_LONG__ == 8
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "0"(20L) : "memory");
	if (result != getpid())
		return SKIPPED;
	__asm__ volatile("int $0x80" : "=a"(result)
	    : "0"(393L), "b"(0L), "c"(1L), "d"(0600L) : "memory");
	return expect(result == -ENOSYS, "semget by its 32-bit number") ?
	    0 : 1;
#else
	return SKIPPED;
#endif
}

/* --- processes --------------------------------------------------------- */

static bool
ends_well(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void *
count_in_thread(void *id)
{
	struct sembuf up = { 0, 1, 0 };

	RAW_OPERATE(*(long *)id, &up, 1);
	return NULL;
}

static void
count_in_child(long id)
{
	struct sembuf up = { 0, 1, 0 };

	_exit(RAW_OPERATE(id, &up, 1) == 0 ? 0 : 1);
}

/* A child that the C library knows nothing of. */
static pid_t
fork_raw(void)
{
	return (pid_t)RAW(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* processes: threads and children of each kind are served. */
static int
processes(void)
{
	long id = raw_set(0);
	pthread_t thread;
	bool good;
	pid_t pid;

	good = expect(pthread_create(&thread, NULL, count_in_thread, &id) ==
	    0 && pthread_join(thread, NULL) == 0 && raw_value(id) == 1,
	    "a thread");
	pid = fork();
	if (pid == 0)
		count_in_child(id);
	good &= expect(ends_well(pid) && raw_value(id) == 2, "fork");
	pid = vfork();
	if (pid == 0)
		count_in_child(id);
	good &= expect(ends_well(pid) && raw_value(id) == 3, "vfork");
	pid = fork_raw();
	if (pid == 0)
		count_in_child(id);
	good &= expect(ends_well(pid) && raw_value(id) == 4, "clone");
	return (good & (raw_remove(id) == 0)) ? 0 : 1;
}

static const char *self;

/* unshares: a debt is paid when the process says so. */
static int
unshares(void)
{
	struct sembuf down = { 0, -2, SEM_UNDO };
	long id = raw_set(5);
	bool good = expect(RAW_OPERATE(id, &down, 1) == 0, "a debt");

	good &= expect(RAW(SYS_unshare, CLONE_SYSVSEM) == 0, "unshare");
	good &= expect(raw_value(id) == 5, "paid");
	good &= expect(RAW(SYS_unshare, CLONE_SYSVSEM | 1) == -EINVAL,
	    "a flag that there is not");
	return (good & (raw_remove(id) == 0)) ? 0 : 1;
}

/* executes: so is the program that one executes. */
static int
executes(void)
{
	execl(self, self, "calls", NULL);
	return 1;
}

/* leaks: makes a segment, and exits with 0. */
static int
leaks(void)
{
	return RAW(RAW_SHMGET, 4733, SIZE, IPC_CREAT | 0600) >= 0 ? 0 : 1;
}

/* operates: so many operations, to be measured. */
static int
operates(void)
{
	struct sembuf up = { 0, 1, 0 }, down = { 0, -1, 0 };
	long id = raw_set(0);

	for (int i = 0; i < 100000; i++)
		if (RAW_OPERATE(id, &up, 1) != 0 ||
		    RAW_OPERATE(id, &down, 1) != 0)
			return 1;
	return raw_remove(id) == 0 ? 0 : 1;
}

static const struct command {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "calls", calls },
	{ "foreign", foreign },
	{ "processes", processes },
	{ "unshares", unshares },
	{ "executes", executes },
	{ "leaks", leaks },
	{ "operates", operates },
	{ "handlers", raw_handlers },
	{ "unblocked", raw_unblocked },
	{ "interrupted", raw_interrupted },
	{ "stacks", raw_stacks },
	{ "ends", raw_ends },
};

int
main(int argc, char **argv)
{
	alarm(PATIENCE);
	self = argv[0];
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc == 2 && strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run();
	fprintf(stderr, "usage: %s COMMAND\n", argv[0]);
	return 2;
}
