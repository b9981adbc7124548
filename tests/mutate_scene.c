/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutate_scene.c - a namespace in which there is something of everything.
 */
#include "mutate.h"

#include <sys/wait.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "mipc.h"

enum { SLEEPERS = 4, LETTERS = 40, SEMAPHORES = 6 };

union argument {
	int val;
};

struct letter {
	long type;
	char text[4000];
};

static struct mipc_ns *ns;
static int segment, set, queue, full, empty;
static pid_t children[SLEEPERS];

static int
send_letter(int id, long type, size_t size, int flags)
{
	static struct letter letter;

	letter.type = type;
	return mipc_msgsnd(ns, id, &letter, size, flags);
}

/* What each sleeps for; it is killed there. */
static void
sleep_in(int which)
{
	struct sembuf owe = { 1, 3, SEM_UNDO };
	struct sembuf ops[] = { { 0, -1, 0 }, { 2, -5, SEM_UNDO } };
	static struct letter letter;

	alarm(60);
	mipc_shmat(ns, segment, NULL, 0);
	mipc_semop(ns, set, &owe, 1);
	switch (which) {
	case 0:
		mipc_semop(ns, set, ops, 2);
		break;
	case 1:
		ops[0].sem_op = 0;
		mipc_semop(ns, set, ops, 1);
		break;
	case 2:
		mipc_msgrcv(ns, empty, &letter, 100, -7, MSG_NOERROR);
		break;
	default:
		send_letter(full, 3, 3000, 0);
		break;
	}
	_exit(1);
}

static int
sleeping(enum mipc_kind kind, int id)
{
	return mipc_look_sleepers(ns, kind, id, NULL, 0, NULL);
}

/* In the index: one that is not the first has been taken. */
static int
fill_queue(void)
{
	static struct letter letter;

	for (int i = 0; i < LETTERS; i++)
		if (send_letter(queue, 1 + i % 9, (size_t)i * 17,
		    IPC_NOWAIT) == -1)
			return -1;
	return mipc_msgrcv(ns, queue, &letter, sizeof(letter.text), 5,
	    IPC_NOWAIT) == -1 || send_letter(queue, 77, 10, IPC_NOWAIT) ==
	    -1 ? -1 : 0;
}

static int
make(void)
{
	segment = mipc_shmget(ns, 0x11, 10000, IPC_CREAT | 0644);
	set = mipc_semget(ns, 0x12, SEMAPHORES, IPC_CREAT | 0640);
	queue = mipc_msgget(ns, 0x13, IPC_CREAT | 0600);
	full = mipc_msgget(ns, 0x14, IPC_CREAT | 0600);
	empty = mipc_msgget(ns, IPC_PRIVATE, IPC_CREAT | 0600);
	if (segment == -1 || set == -1 || queue == -1 || full == -1 ||
	    empty == -1 || fill_queue() == -1)
		return -1;
	for (int i = 0; i < 4; i++)
		mipc_semget(ns, IPC_PRIVATE, 1 + i * 100, IPC_CREAT | 0600);
	mipc_semctl(ns, set, 0, SETVAL, (union argument){ .val = 2 });
	while (send_letter(full, 2, 3900, IPC_NOWAIT) == 0)
		;
	return errno == EAGAIN ? 0 : -1;
}

static int
copy_directory(const char *from, const char *to)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execlp("cp", "cp", "-a", "--sparse=always", from, to,
		    (char *)NULL);
		_exit(127);
	}
	return pid != -1 && waitpid(pid, &status, 0) == pid &&
	    status == 0 ? 0 : -1;
}

int
mutate_scene(const char *dir, const char *copy)
{
	int error;

	ns = mipc_open(dir, MIPC_CREAT);
	if (ns == NULL || make() == -1)
		return -1;
	for (int i = 0; i < SLEEPERS; i++) {
		children[i] = fork();
		if (children[i] == 0)
			sleep_in(i);
	}
	while (sleeping(MIPC_SEM, set) != 2 || sleeping(MIPC_MSG, full) != 1 ||
	    sleeping(MIPC_MSG, empty) != 1)
		sched_yield();
	error = copy_directory(dir, copy);
	for (int i = 0; i < SLEEPERS; i++)
		kill(children[i], SIGKILL);
	while (wait(NULL) != -1)
		;
	mipc_close(ns);
	return error;
}
