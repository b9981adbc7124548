/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_trace.c - commands of ipc_user for what a trace of its calls must bear.
 */
#include "ipc_user.h"

#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { PROCESSES = 3, THREADS = 2 };

static int set;
static int rounds;

static void
call_once_more(int sig)
{
	const int error = errno;

	(void)sig;
	semctl(set, 0, GETPID);
	errno = error;
}

static void *
call(void *arg)
{
	for (int i = 0; i < rounds; i++)
		if (semctl(set, 0, GETVAL) != 0)
			die("GETVAL");
	return arg;
}

static void
call_in_threads(void)
{
	const struct itimerval often = { { 0, 500 }, { 0, 500 } };
	struct sigaction action = { .sa_handler = call_once_more };
	pthread_t thread[THREADS];

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, call, NULL) != 0)
			die("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	exit(0);
}

/*
 * chorus TIMES: several processes of several threads ask for a value so often
 * each, and for something else in signal handlers.  Prints how often in all.
 */
int
user_chorus(char **argv)
{
	int status, good = 1;

	rounds = atoi(argv[0]);
	set = semget(IPC_PRIVATE, 1, 0600);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			call_in_threads();
	for (int i = 0; i < PROCESSES; i++)
		if (wait(&status) == -1 || status != 0)
			good = 0;
	printf("%d\n", PROCESSES * THREADS * rounds);
	return good && semctl(set, 0, IPC_RMID) == 0 ? 0 : 1;
}

/*
 * taken FILE: every descriptor but the first three is closed, then all that
 * may be are open on the file, which must stay empty while calls are made.
 */
int
user_taken(char **argv)
{
	const struct rlimit few = { 1100, 1100 };
	const int most = 1100;
	int fd, id;

	if (setrlimit(RLIMIT_NOFILE, &few) == -1)
		die("setrlimit");
	for (fd = 3; fd < most; fd++)
		close(fd);
	fd = open(argv[0], O_RDWR | O_CREAT | O_TRUNC, 0600);
	while (dup(fd) != -1)
		continue;
	for (int i = most - 20; i < most; i++)
		close(i);		/* the calls need some */
	id = semget(IPC_PRIVATE, 1, 0600);
	return expect(id != -1 && semctl(id, 0, IPC_RMID) == 0, "semget") &&
	    expect(lseek(fd, 0, SEEK_END) == 0, "nothing is written to it") ?
	    0 : 1;
}
