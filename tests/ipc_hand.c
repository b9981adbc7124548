/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_hand.c - commands of ipc_user that pass identifiers of objects without a
 * key to another program, as arguments.
 */
#include "ipc_user.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIZE = 4096, ASKED = 5, ANSWERED = 6, PROGRAM = 8 };

struct letter {
	long type;
	char text[16];
};

/* took SHM SEM MSG: what is asked by a message is answered in the memory. */
int
user_took(char **argv)
{
	int shm = atoi(argv[0]), sem = atoi(argv[1]), msg = atoi(argv[2]);
	struct sembuf told = { 0, 1, 0 };
	char *at = shmat(shm, NULL, 0);
	struct letter letter;
	bool good = expect(at != (void *)-1, "shmat");

	if (!good)
		return 1;
	good &= expect(msgrcv(msg, &letter, sizeof(letter.text), ASKED, 0) ==
	    sizeof(letter.text), "msgrcv");
	memcpy(at, letter.text, sizeof(letter.text));
	letter.type = ANSWERED;
	good &= expect(msgsnd(msg, &letter, sizeof(letter.text), 0) == 0,
	    "msgsnd");
	good &= expect(semop(sem, &told, 1) == 0, "semop");
	return shmdt(at) == 0 && good ? 0 : 1;
}

static bool
answered(int sem, int msg, const char *at, const struct letter *asked)
{
	struct sembuf told = { 0, -1, IPC_NOWAIT };
	struct letter letter;
	bool good = true;

	good &= expect(semop(sem, &told, 1) == 0, "it was told");
	good &= expect(msgrcv(msg, &letter, sizeof(letter.text), ANSWERED,
	    IPC_NOWAIT) == sizeof(letter.text), "it was answered");
	good &= expect(memcmp(letter.text, asked->text,
	    sizeof(letter.text)) == 0, "by what was asked");
	return good & expect(memcmp(at, asked->text, sizeof(asked->text)) ==
	    0, "in memory too");
}

/* hand PROGRAM...: it is run with "took", and has three identifiers. */
int
user_hand(char **argv)
{
	int shm = shmget(IPC_PRIVATE, SIZE, 0600), status;
	int sem = semget(IPC_PRIVATE, 1, 0600);
	int msg = msgget(IPC_PRIVATE, 0600);
	const struct letter asked = { ASKED, "a question" };
	char id[3][12], *args[PROGRAM + 5], *at = shmat(shm, NULL, 0);
	size_t n = 0;
	bool good;
	pid_t pid;

	good = expect(at != (void *)-1 && sem != -1 && msgsnd(msg, &asked,
	    sizeof(asked.text), 0) == 0, "objects");
	for (; argv[n] != NULL && n < PROGRAM; n++)
		args[n] = argv[n];
	args[n++] = (char[]){ "took" };
	snprintf(id[0], sizeof(id[0]), "%d", shm);
	snprintf(id[1], sizeof(id[1]), "%d", sem);
	snprintf(id[2], sizeof(id[2]), "%d", msg);
	for (int i = 0; i < 3; i++)
		args[n++] = id[i];
	args[n] = NULL;
	if (!good || posix_spawn(&pid, args[0], NULL, NULL, args, environ) !=
	    0 || waitpid(pid, &status, 0) != pid)
		die(args[0]);
	good &= expect(status == 0, "it took them");
	good &= answered(sem, msg, at, &asked);
	good &= expect(shmctl(shm, IPC_RMID, NULL) == 0 &&
	    semctl(sem, 0, IPC_RMID) == 0 &&
	    msgctl(msg, IPC_RMID, NULL) == 0, "removed");
	return good ? 0 : 1;
}
