/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stop_amidst.c - a process that stops amidst a change.
 *
 *	stop_amidst DIR CALL PLACE [N]
 *
 * Makes a segment, a set and a queue in the namespace, prints their numbers
 * and its own, and then stops at a place of the library (crash.h) in a call:
 * shmctl, semctl or msgctl set an owner, semop is one of several operations,
 * msgsnd sends, and semget makes a set.  With N it stops when it is there the
 * Nth time.  Whoever ends it kills it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"
#include "mipc.h"

union argument {
	struct semid_ds *buf;
};

static const char *place;
static int passes = 1;
static struct mipc_ns *ns;
static int segment, set, queue;

static void
stop_at(const char *reached)
{
	if (strcmp(reached, place) != 0 || --passes != 0)
		return;
	puts("stopped");
	fflush(stdout);
	raise(SIGSTOP);
}

static int
set_segment(void)
{
	struct shmid_ds ds;

	return mipc_shmctl(ns, segment, IPC_STAT, &ds) == -1 ? -1 :
	    mipc_shmctl(ns, segment, IPC_SET, &ds);
}

static int
set_set(void)
{
	struct semid_ds ds;
	union argument arg = { .buf = &ds };

	return mipc_semctl(ns, set, 0, IPC_STAT, arg) == -1 ? -1 :
	    mipc_semctl(ns, set, 0, IPC_SET, arg);
}

static int
set_queue(void)
{
	struct msqid_ds ds;

	return mipc_msgctl(ns, queue, IPC_STAT, &ds) == -1 ? -1 :
	    mipc_msgctl(ns, queue, IPC_SET, &ds);
}

static int
operate(void)
{
	struct sembuf ops[] = { { 0, 1, SEM_UNDO }, { 1, 1, 0 } };

	return mipc_semop(ns, set, ops, 2);
}

static int
send_one(void)
{
	struct { long type; char text[4]; } letter = { 1, "abc" };

	return mipc_msgsnd(ns, queue, &letter, sizeof(letter.text), 0);
}

static int
make_set(void)
{
	return mipc_semget(ns, 0x5700, 1, IPC_CREAT | 0600);
}

static const struct {
	const char *name;
	int (*call)(void);
} calls[] = {
	{ "shmctl", set_segment },
	{ "semctl", set_set },
	{ "msgctl", set_queue },
	{ "semop", operate },
	{ "msgsnd", send_one },
	{ "semget", make_set },
};

int
main(int argc, char **argv)
{
	if (argc != 4 && argc != 5)
		return 2;
	if (argc == 5)
		passes = atoi(argv[4]);
	ns = mipc_open(argv[1], MIPC_CREAT);
	if (ns == NULL)
		return 1;
	segment = mipc_shmget(ns, IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	set = mipc_semget(ns, IPC_PRIVATE, 2, IPC_CREAT | 0600);
	queue = mipc_msgget(ns, IPC_PRIVATE, IPC_CREAT | 0600);
	if (segment == -1 || set == -1 || queue == -1)
		return 1;
	printf("%d %d %d %d\n", (int)getpid(), segment, set, queue);
	place = argv[3];
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, argv[2]) == 0) {
			mipc_crash_hook = stop_at;
			return calls[i].call() == -1;
		}
	return 2;
}
