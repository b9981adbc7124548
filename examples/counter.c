/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counter.c - counts how often it was run, in a shared memory segment.
 *
 *	cc counter.c $(pkg-config --libs mipc-sysv)	mipc's segments
 *	cc counter.c					the kernel's
 *
 * It is written for System V IPC and knows nothing of mipc: only what it is
 * linked with differs.  The argument is a file to make the key from.
 */
#define _XOPEN_SOURCE 700
#include <sys/ipc.h>
#include <sys/shm.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

int
main(int argc, char **argv)
{
	const key_t key = ftok(argc > 1 ? argv[1] : "/", 'c');
	atomic_long *count;
	int id;

	if (key == -1)
		fail("ftok");
	id = shmget(key, sizeof(*count), IPC_CREAT | 0600);
	if (id == -1)
		fail("shmget");
	count = shmat(id, NULL, 0);	/* new segments are all zeros */
	if (count == (void *)-1)
		fail("shmat");
	printf("%ld\n", atomic_fetch_add(count, 1) + 1);
	if (shmdt(count) == -1)
		fail("shmdt");
	return EXIT_SUCCESS;
}
