/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_threads.c - threads in place of processes on one set of semaphores: in
 * pairs and alone, with and without SEM_UNDO, handed over and barging.  A
 * thread inside a semaphore of value 1 is alone there.  Under the thread
 * sanitizer (sanitizers.sh) every access of the transactions, of the queue and
 * of the sleepers is watched.
 */
#include "mipc.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 6, ROUNDS = 3000, LOCKS = 4 };

static struct mipc_ns *ns;
static int set;
static int inside[LOCKS];	/* plain: the semaphores alone guard it */

static void
die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Take (-1) or give back (1) one or two semaphores, in ascending order. */
static void
change(const int *which, size_t n, int by, int flags)
{
	struct sembuf op[2];

	for (size_t i = 0; i < n; i++)
		op[i] = (struct sembuf){ .sem_num = (unsigned short)which[i],
		    .sem_op = (short)by, .sem_flg = (short)flags };
	if (mipc_semop(ns, set, op, n) != 0)
		die("semop");
}

static void
be_inside(const int *which, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (inside[which[i]]++ != 0)
			die("two are inside");
	for (size_t i = 0; i < n; i++)
		inside[which[i]]--;
}

static void *
work(void *arg)
{
	unsigned random = *(unsigned *)arg;

	for (int i = 0; i < ROUNDS; i++) {
		int which[2], flags;
		size_t n;

		random = random * 1103515245 + 12345;
		which[0] = (int)(random >> 16) % (LOCKS - 1);
		which[1] = LOCKS - 1;
		flags = (random >> 20 & 1) != 0 ? SEM_UNDO : 0;
		n = (random >> 24) % 4 == 0 ? 2 : 1;
		change(which, n, -1, flags);
		be_inside(which, n);
		change(which, n, 1, flags);
	}
	return NULL;
}

static int
all_are_free(void)
{
	for (int i = 0; i < LOCKS; i++)
		if (mipc_semctl(ns, set, i, GETVAL) != 1 ||
		    mipc_semctl(ns, set, i, GETNCNT) != 0)
			return 0;
	return 1;
}

static int
run(unsigned long long barging)
{
	pthread_t thread[THREADS];
	unsigned seed[THREADS];
	int i, good;

	if (mipc_limit(ns, "barging", NULL, &barging) != 0)
		die("mipc_limit");
	set = mipc_semget(ns, IPC_PRIVATE, LOCKS, 0600);
	if (set == -1)
		die("semget");
	for (i = 0; i < LOCKS; i++)
		change(&i, 1, 1, 0);
	for (i = 0; i < THREADS; i++) {
		seed[i] = (unsigned)i * 7919 + 1;
		if (pthread_create(&thread[i], NULL, work, &seed[i]) != 0)
			die("pthread_create");
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	good = all_are_free();
	mipc_semctl(ns, set, 0, IPC_RMID);
	return good;
}

int
main(void)
{
	static const char *const how[] = { "handed over", "barging" };
	int failed = 0;

	puts("1..2");
	ns = mipc_anon(0);
	if (ns == NULL)
		die("mipc_anon");
	for (int i = 0; i < 2; i++) {
		int good = run((unsigned)i);

		failed |= !good;
		printf("%sok %d - %d threads exclude each other, %s\n",
		    good ? "" : "not ", i + 1, THREADS, how[i]);
	}
	return failed;
}
