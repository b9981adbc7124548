/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_start.c - commands of ipc_user that start a program in each way that
 * libc has beside fork(): what it and its parent then have of each other.
 */
#include "ipc_user.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIZE = 4096, KEY = 0x6b60, COMMAND = 4096 };

struct letter {
	long type;
	int pid;
};

/* --- ways -------------------------------------------------------------- */

static int
ended(pid_t pid)
{
	int status;

	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int
by_vfork(char **argv)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execve(argv[0], argv, environ);
		_exit(errno);
	}
	return ended(pid);
}

static int
by_spawn(bool along_path, char **argv)
{
	pid_t pid;
	int error = (along_path ? posix_spawnp : posix_spawn)(&pid, argv[0],
	    NULL, NULL, argv, environ);

	return error != 0 ? error : ended(pid);
}

static int
by_posix_spawn(char **argv)
{
	return by_spawn(false, argv);
}

static int
by_posix_spawnp(char **argv)
{
	return by_spawn(true, argv);
}

/* For a shell; no argument has a quote in it. */
static char *
joined(char **argv)
{
	static char command[COMMAND];
	size_t n = 0;

	for (; *argv != NULL; argv++) {
		n += (size_t)snprintf(command + n, sizeof(command) - n,
		    "'%s' ", *argv);
		if (n >= sizeof(command))
			die("command");
	}
	return command;
}

static int
by_system(char **argv)
{
	int status = system(joined(argv));

	if (status == -1)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int
by_popen(char **argv)
{
	FILE *pipe = popen(joined(argv), "w");
	int status;

	if (pipe == NULL)
		return errno;
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static const struct way {
	const char *name;
	int (*start)(char **argv);
} ways[] = {
	{ "vfork", by_vfork },
	{ "posix_spawn", by_posix_spawn },
	{ "posix_spawnp", by_posix_spawnp },
	{ "system", by_system },
	{ "popen", by_popen },
};

static int
start_by(const char *name, char **argv)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, name) == 0)
			return ways[i].start(argv);
	die(name);
}

/* start WAY TIMES PROGRAM...: exits as it does, or with the errno. */
int
user_start(char **argv)
{
	int status = 0;

	fflush(stdout);
	for (int n = atoi(argv[1]); n > 0; n--)
		status = start_by(argv[0], argv + 2);
	return status;
}

/* start-empty WAY TIMES PROGRAM...: it has an empty environment. */
int
user_start_empty(char **argv)
{
	static char *none[] = { NULL };

	environ = none;
	return user_start(argv);
}

/* --- what parent and child have of each other -------------------------- */

/* The semaphores: each one's own debt, and what is done by both. */
enum { PARENTS, CHILDS, TOGETHER, SEMAPHORES };

static int
operate(int set, unsigned short number, short op, short flags)
{
	struct sembuf sop = { number, op, flags };

	return semop(set, &sop, 1);
}

static unsigned long
attached(int id)
{
	struct shmid_ds ds;

	if (shmctl(id, IPC_STAT, &ds) == -1)
		die("IPC_STAT");
	return (unsigned long)ds.shm_nattch;
}

/* begun: the child of "beside"; it leaves an attach and a debt. */
int
user_begun(char **argv)
{
	int shm = shmget(KEY, 0, 0), set = semget(KEY, 0, 0);
	int queue = msgget(KEY, 0);
	struct letter letter;
	char *at = shmat(shm, NULL, 0);
	bool good = expect(at != (void *)-1, "attached");

	(void)argv;
	if (!good)
		return 1;
	good &= expect(attached(shm) == 2, "both attach it");
	good &= expect(strcmp(at, "by the parent") == 0, "the memory");
	good &= expect(semctl(set, PARENTS, GETVAL) == 0, "its debt stands");
	good &= expect(operate(set, CHILDS, 5, SEM_UNDO) == 0, "a debt");
	good &= expect(operate(set, TOGETHER, 1, 0) == 0, "raised");
	good &= expect(msgrcv(queue, &letter, sizeof(int), 1, IPC_NOWAIT) ==
	    sizeof(int), "the message");
	letter = (struct letter){ 2, getpid() };
	good &= expect(msgsnd(queue, &letter, sizeof(int), 0) == 0, "msgsnd");
	snprintf(at, SIZE, "by the child");
	return good ? 0 : 1;
}

static bool
goes_beside(const char *way, char *at, int shm, int set, int queue)
{
	struct letter letter = { 1, getpid() };
	struct shmid_ds ds;
	char path[COMMAND / 2], begun[] = "begun";
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	bool good = true;

	path[n > 0 ? n : 0] = '\0';
	snprintf(at, SIZE, "by the parent");
	good &= expect(msgsnd(queue, &letter, sizeof(int), 0) == 0, "msgsnd");
	good &= expect(start_by(way, (char *[]){ path, begun, NULL }) == 0,
	    way);
	good &= expect(strcmp(at, "by the child") == 0, "the memory is one");
	good &= expect(attached(shm) == 1, "the child's attach has gone");
	good &= expect(semctl(set, PARENTS, GETVAL) == 0, "our debt stands");
	good &= expect(semctl(set, CHILDS, GETVAL) == 0, "its is paid");
	good &= expect(operate(set, TOGETHER, -1, IPC_NOWAIT) == 0, "raised");
	good &= expect(msgrcv(queue, &letter, sizeof(int), 2, IPC_NOWAIT) ==
	    sizeof(int) && letter.pid != getpid(), "another's message");
	good &= expect(shmctl(shm, IPC_STAT, &ds) == 0 &&
	    ds.shm_lpid == letter.pid && ds.shm_cpid == getpid(),
	    "who was there last");
	return good;
}

/* beside WAY: a program that is started so shares all, and leaves ours. */
int
user_beside(char **argv)
{
	int shm = shmget(KEY, SIZE, IPC_CREAT | IPC_EXCL | 0600);
	int set = semget(KEY, SEMAPHORES, IPC_CREAT | IPC_EXCL | 0600);
	int queue = msgget(KEY, IPC_CREAT | IPC_EXCL | 0600);
	char *at = shmat(shm, NULL, 0);
	bool good = true;

	if (at == (void *)-1 || operate(set, PARENTS, 1, 0) == -1 ||
	    operate(set, PARENTS, -1, SEM_UNDO) == -1)
		die("beside");
	for (int i = 0; i < 3; i++)
		good &= goes_beside(argv[0], at, shm, set, queue);
	good &= expect(shmctl(shm, IPC_RMID, NULL) == 0 &&
	    semctl(set, 0, IPC_RMID) == 0 &&
	    msgctl(queue, IPC_RMID, NULL) == 0, "removed");
	return good ? 0 : 1;
}
