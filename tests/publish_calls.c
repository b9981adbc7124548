/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish_calls.c - what each function of mipc_publish.h does for one process,
 * and what it refuses.
 */
#include "publish.h"

#include <sys/mman.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
fails(long result, int error)
{
	return result == -1 && errno == error;
}

enum { ANSWERS = 1000 };

static const struct timespec none;

void
test_init(void)
{
	struct mipc_publication p;
	char *memory = harness_shared(1 << 20);
	size_t size = mipc_publish_size(100, 3);

	tap_ok(mipc_publish_size(0, 3) == 0 && mipc_publish_size(1, 1) == 0 &&
	    mipc_publish_size(1, 17) == 0 &&
	    mipc_publish_size(SIZE_MAX - 1, 3) == 0 &&
	    mipc_publish_size(SIZE_MAX / 2, 16) == 0 && size > 300,
	    "a size out of range is none");
	tap_ok(fails(mipc_publish_init(memory + 8, size, 100, 3), EINVAL) &&
	    fails(mipc_publish_init(memory, size - 1, 100, 3), EINVAL) &&
	    fails(mipc_publish_init(NULL, size, 100, 3), EINVAL) &&
	    fails(mipc_publish_init(memory, size, 100, 1), EINVAL) &&
	    fails(mipc_publish_init(memory + 64, 1 << 19, 1 << 13, 3), EINVAL),
	    "memory that is not aligned or too small is refused");
	tap_ok(fails(mipc_publish_open(&p, memory, size, 0), EIO) &&
	    fails(mipc_publish_open(&p, memory, 100, 0), EIO) &&
	    fails(mipc_publish_open(&p, memory + 1, size, 0), EINVAL) &&
	    fails(mipc_publish_open(&p, memory, size, 8), EINVAL),
	    "memory that holds no publication is refused");
	tap_ok(mipc_publish_init(memory, size, 100, 3) == 0 &&
	    mipc_publish_open(&p, memory, size, 0) == 0 &&
	    fails(mipc_publish_open(&p, memory, size - 1, 0), EIO),
	    "memory that was made one is opened, whole");
	munmap(memory, 1 << 20);
}

void
test_values(void)
{
	struct mipc_publication *p = make(100, 3);
	struct mipc_reading reading = { 0 };
	char value[100];
	uint64_t version = 0;

	tap_ok(fails(mipc_publish_read(p, value, 100, NULL), ENODATA) &&
	    mipc_publish_look(p, &reading) == NULL && errno == ENODATA &&
	    mipc_publish_version(p) == 0, "there is no value at first");
	tap_ok(mipc_publish(p, "one", 4, NULL) == 0 &&
	    mipc_publish_read(p, value, 100, &version) == 4 &&
	    strcmp(value, "one") == 0 && version == 1 &&
	    mipc_publish(p, "", 0, &none) == 0 &&
	    mipc_publish_read(p, value, 100, &version) == 0 && version == 2,
	    "what is published is read, and its version grows");
	memset(value, 'x', sizeof(value));
	tap_ok(mipc_publish(p, value, 100, &none) == 0 &&
	    fails(mipc_publish_read(p, value, 99, &version), E2BIG) &&
	    version == 3 && fails(mipc_publish(p, value, 101, NULL), EINVAL) &&
	    mipc_publish_version(p) == 3, "one that is too long is refused");
	for (int i = 0; i < 1000; i++)
		mipc_publish(p, &i, sizeof(i), NULL);
	tap_ok(mipc_publish_version(p) == 1003 &&
	    memcmp(mipc_publish_look(p, &reading), &(int){ 999 }, 4) == 0 &&
	    reading.size == 4 && reading.version == 1003 &&
	    mipc_publish_done(p, &reading) == 0, "the newest is looked at");
	drop(p);
}

void
test_in_place(void)
{
	struct mipc_publication *p = make(100, 3);
	char value[100], *place;

	mipc_publish(p, "old", 4, NULL);
	place = mipc_publish_begin(p, NULL);
	tap_ok(place != NULL && mipc_publish_begin(p, NULL) == NULL &&
	    errno == EDEADLK && fails(mipc_publish(p, "x", 1, NULL), EDEADLK),
	    "a thread that has begun does not wait for itself");
	strcpy(place, "new");
	tap_ok(mipc_publish_read(p, value, 100, NULL) == 4 &&
	    strcmp(value, "old") == 0, "what is begun is not seen");
	tap_ok(fails(mipc_publish_commit(p, 101), EINVAL) &&
	    mipc_publish_commit(p, 4) == 0 &&
	    mipc_publish_read(p, value, 100, NULL) == 4 &&
	    strcmp(value, "new") == 0, "what is committed is");
	tap_ok(fails(mipc_publish_commit(p, 4), EPERM) &&
	    fails(mipc_publish_abort(p), EPERM),
	    "who has not begun neither commits nor aborts");
	place = mipc_publish_begin(p, NULL);
	strcpy(place, "bad");
	tap_ok(mipc_publish_abort(p) == 0 &&
	    mipc_publish_read(p, value, 100, NULL) == 4 &&
	    strcmp(value, "new") == 0 && mipc_publish_version(p) == 2,
	    "what is aborted never was");
	drop(p);
}

void
test_read_only(void)
{
	struct mipc_publication *p = make(100, 3), q;
	size_t size = mipc_publish_size(100, 3);
	char value[100];
	struct mipc_reading reading = { 0 };

	mipc_publish(p, "one", 4, NULL);
	mprotect(p->memory, size, PROT_READ);
	tap_ok(mipc_publish_open(&q, p->memory, size, MIPC_PUBLISH_READ) == 0 &&
	    mipc_publish_read(&q, value, 100, NULL) == 4 &&
	    mipc_publish_look(&q, &reading) != NULL &&
	    mipc_publish_done(&q, &reading) == 0 &&
	    fails(mipc_publish_wait(&q, 1, &none), ETIMEDOUT) &&
	    fails(mipc_publish(&q, "x", 1, NULL), EROFS),
	    "memory that may not be written is read");
	mprotect(p->memory, size, PROT_READ | PROT_WRITE);
	mipc_publish_look(&q, &reading);
	for (int i = 0; i < 3; i++)
		mipc_publish(p, "two", 4, NULL);
	tap_ok(fails(mipc_publish_done(&q, &reading), EAGAIN),
	    "a reader that keeps no buffer finds out that it was overtaken");
	drop(p);
}

/* Whatever the bytes are: an answer, in time, and nobody dies of it. */
void
test_hostile(void)
{
	const struct timespec short_time = { .tv_nsec = 1000000 };
	struct mipc_publication *p = make(1000, 3), q;
	size_t size = mipc_publish_size(1000, 3);
	unsigned char *bytes = p->memory, whole[8192];
	struct mipc_reading reading = { 0 };
	char value[1000];
	struct rng rng;
	int answers = 0;

	rng_seed(&rng, 7);
	mipc_publish(p, "one", 4, NULL);
	memcpy(whole, bytes, sizeof(whole));
	for (int i = 0; i < ANSWERS; i++) {
		for (unsigned n = rng_below(&rng, 8); n > 0; n--)
			bytes[rng_below(&rng, rng_chance(&rng, 80) ? 448 :
			    8192)] = (unsigned char)rng_next(&rng);
		mipc_publish_read(p, value, sizeof(value), NULL);
		if (mipc_publish_look(p, &reading) != NULL)
			mipc_publish_done(p, &reading);
		mipc_publish(p, "two", 4, &short_time);
		mipc_publish_wait(p, 5, &none);
		answers += mipc_publish_open(&q, bytes, size, 0) != 0 ||
		    (q.most >= 1 && q.stride >= q.most && q.stride *
		    q.buffers + 8192 <= size);
		if (rng_chance(&rng, 10))
			memcpy(bytes, whole, sizeof(whole));
	}
	tap_ok(answers == ANSWERS, "whatever the bytes are there is an answer");
	drop(p);
}
