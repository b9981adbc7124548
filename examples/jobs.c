/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jobs.c - a queue of jobs between workers, with room for a few.
 *
 *	cc jobs.c $(pkg-config --cflags --libs mipc)
 *
 * One process makes jobs, and workers do them.  Who finds the queue full or
 * empty waits until somebody has changed it.  A job is taken out only when it
 * is done: one that a worker died over is done by another.
 */
#include <mipc.h>

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS	3
#define JOBS	1000
#define ROOM	8

enum state { FREE, WAITING, TAKEN };

struct queue {
	struct job {
		enum state state;
		int number;
		pid_t by;		/* who has taken it */
	} job[ROOM];
	int closed;
	long done, sum;
};

static struct queue *queue;

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* Each job changes by one store: nothing is ever half done here. */
static void
enter(void)
{
	if (mipc_share_lock(queue, NULL) == -1)
		fail("mipc_share_lock");
}

static void
leave(void)
{
	mipc_share_notify(queue);
	mipc_share_unlock(queue);
}

/* With the lock: wait for a job in one of these states, or for the end. */
static struct job *
await(enum state state)
{
	for (;;) {
		for (int i = 0; i < ROOM; i++)
			if (queue->job[i].state == state)
				return &queue->job[i];
		if (queue->closed && queue->done == JOBS)
			return NULL;
		if (mipc_share_wait(queue, NULL) == -1)
			fail("mipc_share_wait");
	}
}

static void
work(int number)
{
	struct job *job;
	int n;

	for (;;) {
		enter();
		job = await(WAITING);
		if (job == NULL)
			break;
		job->by = getpid();
		job->state = TAKEN;
		n = job->number;
		leave();
		if (number == 0)
			raise(SIGKILL);	/* over its job */
		enter();
		queue->sum += n;
		queue->done++;
		job->state = FREE;
		leave();
	}
	leave();
	_exit(EXIT_SUCCESS);
}

static void
make_jobs(int jobs)
{
	struct job *job;

	for (int i = 1; i <= jobs; i++) {
		enter();
		job = await(FREE);
		job->number = i;
		job->state = WAITING;
		leave();
	}
	enter();
	queue->closed = 1;
	leave();
	_exit(EXIT_SUCCESS);
}

/* A worker has ended: what it had taken waits again. */
static void
give_back(pid_t pid)
{
	enter();
	for (int i = 0; i < ROOM; i++)
		if (queue->job[i].state == TAKEN && queue->job[i].by == pid) {
			queue->job[i].state = WAITING;
			puts("a job that its worker died over waits again");
		}
	leave();
}

static pid_t
start(void (*what)(int), int number)
{
	pid_t pid;

	fflush(stdout);		/* or each child writes it again */
	pid = fork();
	if (pid == -1)
		fail("fork");
	if (pid == 0)
		what(number);
	return pid;
}

int
main(void)
{
	pid_t pid;

	queue = mipc_share(sizeof(*queue));
	if (queue == NULL)
		fail("mipc_share");
	start(make_jobs, JOBS);
	pid = start(work, 0);
	waitpid(pid, NULL, 0);
	give_back(pid);
	for (int i = 1; i <= WORKERS; i++)
		start(work, i);
	while (wait(NULL) != -1)
		continue;
	printf("%ld jobs done, of sum %ld\n", queue->done, queue->sum);
	return EXIT_SUCCESS;
}
