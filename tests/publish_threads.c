/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish_threads.c - threads in place of processes on one publication: those
 * that write, in place and not, those that copy and those that look.  Under
 * the thread sanitizer (sanitizers.sh) every access is watched, also of the
 * values, which are plain bytes.
 */
#include "mipc.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 64, ROUNDS = 3000, WRITERS = 2, READERS = 3 };

static struct mipc_publication pub;
static atomic_int stop, mixed, reads;

static void
die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
fill(unsigned *value, unsigned x)
{
	for (int i = 0; i < WORDS; i++)
		value[i] = x;
}

static void *
write_on(void *arg)
{
	unsigned value[WORDS], *place;

	for (unsigned i = 0; i < ROUNDS || reads == 0; i++) {
		if (i % 2 == 0) {
			fill(value, i);
			if (mipc_publish(&pub, value, sizeof(value), NULL) != 0)
				die("publish");
			continue;
		}
		place = mipc_publish_begin(&pub, NULL);
		if (place == NULL)
			die("begin");
		fill(place, i);
		if (mipc_publish_commit(&pub, sizeof(value)) != 0)
			die("commit");
	}
	return arg;
}

static void
count(const unsigned *value)
{
	for (int i = 1; i < WORDS; i++)
		mixed += value[i] != value[0];
	reads++;
}

static void *
copy_on(void *arg)
{
	unsigned value[WORDS];

	while (!stop)
		if (mipc_publish_read(&pub, value, sizeof(value), NULL) > 0)
			count(value);
	return arg;
}

static void *
look_on(void *arg)
{
	struct mipc_reading reading = { 0 };
	const unsigned *value;

	while (!stop) {
		value = mipc_publish_look(&pub, &reading);
		if (value == NULL)
			continue;
		count(value);
		mipc_publish_done(&pub, &reading);
	}
	return arg;
}

int
main(void)
{
	const size_t most = WORDS * sizeof(unsigned);
	const size_t size = mipc_publish_size(most, READERS + 2);
	pthread_t thread[WRITERS + READERS];
	void *memory = aligned_alloc(4096, (size + 4095) / 4096 * 4096);

	if (mipc_publish_init(memory, size, most, READERS + 2) != 0 ||
	    mipc_publish_open(&pub, memory, size, 0) != 0)
		die("no publication");
	puts("1..1");
	for (int i = 0; i < WRITERS + READERS; i++)
		if (pthread_create(&thread[i], NULL, i < WRITERS ? write_on :
		    i % 2 == 0 ? copy_on : look_on, NULL) != 0)
			die("pthread_create");
	for (int i = 0; i < WRITERS + READERS; i++) {
		stop = i >= WRITERS;
		pthread_join(thread[i], NULL);
	}
	printf("%s 1 - threads that read see %d mixtures\n",
	    mixed == 0 ? "ok" : "not ok", mixed);
	return mixed != 0;
}
