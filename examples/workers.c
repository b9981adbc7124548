/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * workers.c - workers that share memory with the process that forked them.
 *
 *	cc workers.c $(pkg-config --cflags --libs mipc)
 *
 * The namespace is anonymous: nothing appears in any directory, nothing is
 * left behind, however the processes end.  Give a directory as an argument,
 * and a namespace there is used instead: then unrelated processes can find
 * the segment by its key, and it stays until it is removed.
 */
#include <mipc.h>

#include <sys/wait.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS	4
#define KEY	42

/* What the workers share: each writes its own element. */
struct result {
	pid_t pid;
	long sum;
};

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* A worker attaches by key, as an unrelated process would. */
static void
work(struct mipc_ns *ns, int number)
{
	int id = mipc_shmget(ns, KEY, 0, 0600);
	struct result *results;

	if (id == -1)
		fail("worker: mipc_shmget");
	results = mipc_shmat(ns, id, NULL, 0);
	if (results == (void *)-1)
		fail("worker: mipc_shmat");
	for (long i = 1; i <= 1000; i++)
		results[number].sum += i * (number + 1);
	results[number].pid = getpid();
	exit(EXIT_SUCCESS);	/* which detaches */
}

static int
start_and_wait(struct mipc_ns *ns)
{
	int status, failed = 0;

	fflush(stdout);		/* or each worker writes it again */
	for (int i = 0; i < WORKERS; i++)
		switch (fork()) {
		case -1:
			fail("fork");
			break;
		case 0:
			work(ns, i);
		}
	while (wait(&status) != -1)
		failed += status != 0;
	return failed;
}

int
main(int argc, char **argv)
{
	struct mipc_ns *ns;
	struct result *results;
	int id, failed;

	ns = argc > 1 ? mipc_open(argv[1], MIPC_CREAT) : mipc_anon(0);
	if (ns == NULL) {
		fprintf(stderr, "workers: %s\n", mipc_reason());
		fail(argc > 1 ? argv[1] : "mipc_anon");
	}
	id = mipc_shmget(ns, KEY, WORKERS * sizeof(*results),
	    IPC_CREAT | IPC_EXCL | 0600);
	if (id == -1)
		fail("mipc_shmget");
	results = mipc_shmat(ns, id, NULL, 0);
	if (results == (void *)-1)
		fail("mipc_shmat");
	failed = start_and_wait(ns);
	for (int i = 0; i < WORKERS; i++)
		printf("worker %d: %ld\n", i, results[i].sum);

	/* Removed now, it goes with the last process that has it attached. */
	if (mipc_shmctl(ns, id, IPC_RMID, NULL) == -1)
		fail("mipc_shmctl");
	mipc_shmdt(ns, results);
	mipc_close(ns);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
