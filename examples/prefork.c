/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prefork.c - workers that share a table of counters, one of whom is killed
 * while he changes it.
 *
 *	cc prefork.c $(pkg-config --cflags --libs mipc)
 *
 * Each worker adds one request at a time to its own row and to the sum of all,
 * under the lock: the sum is right whenever nobody is inside.  One is killed
 * there, between the two.  The next one to have the lock is told, makes the
 * sum anew, and goes on.
 *
 * A table that is to outlive all of them, and the machine, is saved now and
 * then by mipc_share_save(table, "table.saved", 2, NULL), which waits for the
 * lock as any worker does, so that the sum is right in every such file; if it
 * returns 1 a worker was killed inside: sum_of(), and save again.  The next
 * start begins with mipc_share_load("table.saved", sizeof(*table)).
 */
#include <mipc.h>

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS		4
#define REQUESTS	1000

struct table {
	long served[WORKERS];
	long sum;
	long repairs;
};

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static long
sum_of(const struct table *table)
{
	long sum = 0;

	for (int i = 0; i < WORKERS; i++)
		sum += table->served[i];
	return sum;
}

static void
enter(struct table *table)
{
	switch (mipc_share_lock(table, NULL)) {
	case -1:
		fail("mipc_share_lock");
		break;
	case 1:			/* who was here before died here */
		table->sum = sum_of(table);
		table->repairs++;
	}
}

static void
work(struct table *table, int number)
{
	for (int i = 1; i <= REQUESTS; i++) {
		enter(table);
		table->served[number]++;
		if (number == 0 && i == REQUESTS / 2)
			raise(SIGKILL);
		table->sum++;
		mipc_share_unlock(table);
	}
	_exit(EXIT_SUCCESS);
}

int
main(void)
{
	struct table *table = mipc_share(sizeof(*table));

	if (table == NULL)
		fail("mipc_share");
	for (int i = 0; i < WORKERS; i++)
		switch (fork()) {
		case -1:
			fail("fork");
			break;
		case 0:
			work(table, i);
		}
	while (wait(NULL) != -1)
		continue;
	enter(table);
	for (int i = 0; i < WORKERS; i++)
		printf("worker %d served %ld\n", i, table->served[i]);
	printf("%ld in all, %ld repair\n", table->sum, table->repairs);
	mipc_share_unlock(table);
	return EXIT_SUCCESS;
}
