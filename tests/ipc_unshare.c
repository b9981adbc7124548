/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_unshare.c - the commands of ipc_user about unshare(CLONE_SYSVSEM), which
 * pays what the process owes.  Run without the module they show that the
 * kernel does so.
 */
#include "ipc_user.h"

#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

static int set;

/* Owe one of five. */
static bool
owe(void)
{
	struct sembuf down = { 0, -1, SEM_UNDO };

	return expect(semctl(set, 0, SETVAL, 5) == 0 &&
	    semop(set, &down, 1) == 0, "a debt");
}

static bool
has(int value, const char *what)
{
	return expect(semctl(set, 0, GETVAL) == value, what);
}

static void *
unshare_in_thread(void *arg)
{
	(void)arg;
	return unshare(CLONE_SYSVSEM) == 0 ? NULL : arg;
}

/* What a thread that has just ended shares it lets go of a moment later. */
static void
await_payment(void)
{
	while (semctl(set, 0, GETVAL) != 5 && unshare(CLONE_SYSVSEM) == 0)
		sched_yield();
}

static bool
of_several_threads(void)
{
	bool good = owe();
	pthread_t thread;
	void *result;

	good &= expect(pthread_create(&thread, NULL, unshare_in_thread,
	    &set) == 0 && pthread_join(thread, &result) == 0 &&
	    result == NULL, "a thread");
	return good & has(4, "what it shares with others stays owed");
}

static bool
of_vfork_child(void)
{
	bool good = owe();
	pid_t pid = vfork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_SYSVSEM) == 0 ? 0 : 1);
	good &= expect(waitpid(pid, &status, 0) == pid && status == 0,
	    "a child");
	return good & has(4, "its parent's debts are not a vfork child's");
}

/* unshares: by whom and how debts are paid early, and by whom not. */
int
user_unshares(char **argv)
{
	bool good;

	(void)argv;
	set = semget(IPC_PRIVATE, 1, 0600);
	good = owe();
	errno = ERANGE;
	good &= expect(unshare(CLONE_SYSVSEM) == 0 && errno == ERANGE,
	    "by name");
	good &= has(5, "paid");
	good &= owe();
	good &= expect(syscall(SYS_unshare, CLONE_SYSVSEM) == 0, "by number");
	good &= has(5, "paid by number");
	good &= owe();
	good &= expect(unshare(CLONE_FILES | CLONE_FS) == 0,
	    "of other things");
	good &= has(4, "still owed");
	good &= expect(unshare(CLONE_SYSVSEM | 1) == -1 && errno == EINVAL,
	    "a flag that there is not");
	good &= has(4, "owed after a failure");
	good &= of_vfork_child();
	good &= of_several_threads();
	await_payment();
	good &= expect(semctl(set, 0, IPC_RMID) == 0, "removed");
	return good ? 0 : 1;
}

/* owes PROGRAM: owe something, and execute PROGRAM unshares_later ID. */
int
user_owes(char **argv)
{
	char id[16];

	set = semget(IPC_PRIVATE, 1, 0600);
	if (!owe())
		return 1;
	snprintf(id, sizeof(id), "%d", set);
	execl(argv[0], argv[0], "unshares_later", id, NULL);
	return 1;
}

/* unshares_later ID: what was owed before exec is paid. */
int
user_unshares_later(char **argv)
{
	bool good;

	set = atoi(argv[0]);
	good = has(4, "owed since before");
	good &= expect(unshare(CLONE_SYSVSEM) == 0, "unshare");
	good &= has(5, "paid");
	good &= expect(semctl(set, 0, IPC_RMID) == 0, "removed");
	return good ? 0 : 1;
}
