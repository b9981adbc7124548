/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seats.c - a counted resource that survives the death of who uses it.
 *
 *	cc seats.c $(pkg-config --libs mipc-sysv)	mipc's semaphores
 *	cc seats.c					the kernel's
 *
 * Two seats, three workers.  Who takes a seat asks for SEM_UNDO: the seat is
 * free again when its process has ended, however it ended, and nobody has to
 * clean up after it.
 */
#define _XOPEN_SOURCE 700
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SEATS	2

/* semctl()'s fourth argument, which every program declares for itself. */
union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* Returns -1 if that would mean to wait and `flags` has IPC_NOWAIT. */
static int
take_seat(int seats, int flags)
{
	struct sembuf take = { .sem_op = -1 };

	take.sem_flg = (short)(SEM_UNDO | flags);
	if (semop(seats, &take, 1) == 0)
		return 0;
	if (errno != EAGAIN)
		fail("semop");
	return -1;
}

/* A worker; says by a byte in the pipe that it has its seat. */
static pid_t
start_worker(int seats, int told, int stays)
{
	pid_t pid = fork();

	if (pid == -1)
		fail("fork");
	if (pid > 0)
		return pid;
	take_seat(seats, 0);
	if (write(told, "", 1) != 1)
		fail("write");
	while (stays)
		pause();
	_exit(EXIT_SUCCESS);
}

static void
await_worker(int tell)
{
	char byte;

	if (read(tell, &byte, 1) != 1)
		fail("read");
}

int
main(void)
{
	const int seats = semget(IPC_PRIVATE, 1, 0600);
	pid_t worker[SEATS + 1];
	int told[2];

	if (seats == -1 ||
	    semctl(seats, 0, SETVAL, (union semun){ .val = SEATS }) == -1)
		fail("semget");
	if (pipe(told) == -1)
		fail("pipe");
	for (int i = 0; i < SEATS; i++)
		worker[i] = start_worker(seats, told[1], 1);
	for (int i = 0; i < SEATS; i++)
		await_worker(told[0]);
	if (take_seat(seats, IPC_NOWAIT) == -1)
		puts("all seats are taken");

	worker[SEATS] = start_worker(seats, told[1], 0);
	kill(worker[0], SIGKILL);
	await_worker(told[0]);
	puts("one worker was killed, and another has its seat");

	kill(worker[1], SIGKILL);
	for (int i = 0; i <= SEATS; i++)
		waitpid(worker[i], NULL, 0);
	printf("%d seats are free\n", semctl(seats, 0, GETVAL));
	if (semctl(seats, 0, IPC_RMID) == -1)
		fail("semctl");
	return EXIT_SUCCESS;
}
