/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publisher.c - a large array that is replaced while others read it.
 *
 *	cc publisher.c $(pkg-config --cflags --libs mipc)
 *
 * One process writes 888 into every word, then 9999, and so on, in turns, into
 * a plain array and as a publication; readers look at all of it, over and
 * over, and count how often they saw both.  Of the plain array they do.
 */
#include <mipc.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS	100000
#define ROUNDS	1000
#define READERS	2

struct counts {
	atomic_long reads, torn, torn_plain;
	atomic_int stop;
};

static struct counts *counts;
static volatile unsigned *plain;
static struct mipc_publication values;

static void
fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int
is_torn(const volatile unsigned *word)
{
	unsigned first = word[0], other = 0;

	for (int i = 1; i < WORDS; i++)
		other |= word[i] ^ first;
	return other != 0;
}

static void
read_on(void)
{
	struct mipc_reading reading = { 0 };
	const unsigned *array;
	int torn;

	while (!counts->stop) {
		counts->torn_plain += is_torn(plain);
		array = mipc_publish_look(&values, &reading);
		if (array == NULL)
			continue;	/* nothing is published yet */
		torn = is_torn(array);
		if (mipc_publish_done(&values, &reading) == 0) {
			counts->torn += torn;
			counts->reads++;
		}
	}
	_exit(EXIT_SUCCESS);
}

static void
write_once(unsigned x)
{
	unsigned *array = mipc_publish_begin(&values, NULL);

	if (array == NULL)
		fail("mipc_publish_begin");
	for (int i = 0; i < WORDS; i++)
		array[i] = x;
	mipc_publish_commit(&values, WORDS * sizeof(*array));
	for (int i = 0; i < WORDS; i++)
		plain[i] = x;
}

/* All of this could as well be in a file that unrelated processes map. */
static void
make(void)
{
	size_t most = WORDS * sizeof(unsigned);
	size_t size = mipc_publish_size(most, READERS + 2);
	void *memory = mipc_share(size);

	counts = mipc_share(sizeof(*counts));
	plain = mipc_share(most);
	if (memory == NULL || counts == NULL || plain == NULL)
		fail("mipc_share");
	if (mipc_publish_init(memory, size, most, READERS + 2) == -1 ||
	    mipc_publish_open(&values, memory, size, 0) == -1)
		fail("mipc_publish_open");
}

int
main(void)
{
	int round = 0;

	make();
	for (int i = 0; i < READERS; i++)
		switch (fork()) {
		case -1:
			fail("fork");
			break;
		case 0:
			read_on();
		}
	while (round < ROUNDS || !counts->reads || !counts->torn_plain)
		write_once(round++ % 2 ? 888 : 9999);
	counts->stop = 1;
	while (wait(NULL) != -1)
		continue;
	printf("plain: %s\n", counts->torn_plain ? "torn reads" : "none torn");
	printf("published: %ld torn reads\n", (long)counts->torn);
	return EXIT_SUCCESS;
}
