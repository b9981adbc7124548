/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * neighbours.c - processes that write next to each other, without locks, into
 * one mapping: bytes, words, and records of an odd length, each of its owner
 * alone.  Nothing that anybody wrote is lost, though processors move whole
 * lines of 64 bytes between them.
 *
 *	--stores N	in all (default 100,000,000)
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

enum { WRITERS = 8, EACH = 64 };	/* things of one kind of a writer's */

struct record {
	unsigned char serial[3];
	uint32_t value;
	unsigned char sum;
} __attribute__((packed));

static struct memory {
	_Atomic uint32_t go;
	uint32_t word[EACH * WRITERS];
	unsigned char byte[EACH * WRITERS];
	struct record record[EACH * WRITERS];
} *memory;

static uint64_t stores = 100000000;

static uint32_t
value_of(unsigned writer, unsigned i, uint64_t round)
{
	return (uint32_t)(round * 2654435761u + writer * 40503u + i);
}

static struct record
record_of(uint32_t x)
{
	struct record r = { .serial = { (unsigned char)x,
	    (unsigned char)(x >> 8), (unsigned char)(x >> 16) }, .value = x };

	r.sum = (unsigned char)(r.serial[0] ^ r.serial[1] ^ r.serial[2]);
	return r;
}

/* What a writer finds of what it wrote a moment ago; 0: all of it. */
static unsigned
look(unsigned writer, unsigned i, uint32_t x)
{
	const unsigned at = i * WRITERS + writer;
	const struct record r = record_of(x);

	return (*(volatile unsigned char *)&memory->byte[at] !=
	    (unsigned char)x) +
	    (*(volatile uint32_t *)&memory->word[at] != x) +
	    (memcmp(&memory->record[at], &r, sizeof(r)) != 0);
}

static void
store(unsigned writer, unsigned i, uint32_t x)
{
	const unsigned at = i * WRITERS + writer;

#ifdef BREAK_NEIGHBOURS		/* the byte, by way of the word around it */
	volatile uint32_t *word = (uint32_t *)(void *)
	    &memory->byte[at & ~3u];
	const unsigned shift = at % 4 * 8;

	*word = (*word & ~(0xffu << shift)) | (x & 0xff) << shift;
#else
	*(volatile unsigned char *)&memory->byte[at] = (unsigned char)x;
#endif
	*(volatile uint32_t *)&memory->word[at] = x;
	*(volatile struct record *)&memory->record[at] = record_of(x);
}

/* Its exit status: did it lose anything? */
static void
write_on(unsigned writer, uint64_t rounds)
{
	unsigned lost = 0;

	harness_wait(&memory->go, 0, 60);
	for (uint64_t round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < EACH; i++)
			store(writer, i, value_of(writer, i, round));
		for (unsigned i = 0; i < EACH; i++)
			lost += look(writer, i, value_of(writer, i, round));
	}
	_exit(lost != 0);
}

static unsigned
what_is_lost(uint64_t rounds)
{
	unsigned lost = 0;

	for (unsigned writer = 0; writer < WRITERS; writer++)
		for (unsigned i = 0; i < EACH; i++)
			lost += look(writer, i,
			    value_of(writer, i, rounds - 1));
	return lost;
}

int
main(int argc, char **argv)
{
	uint64_t rounds;
	unsigned bad = 0;
	pid_t pid[WRITERS];
	int status;

	if (argc > 2 && strcmp(argv[1], "--stores") == 0)
		stores = strtoull(argv[2], NULL, 0);
	rounds = stores / (3 * EACH * WRITERS) + 1;
	memory = harness_shared(sizeof(*memory));
	tap_plan(1);
	for (unsigned i = 0; i < WRITERS; i++) {
		fflush(NULL);
		pid[i] = fork();
		if (pid[i] == -1)
			harness_die("fork: %s", strerror(errno));
		if (pid[i] == 0) {
			harness_die_with_parent();
			write_on(i, rounds);
		}
	}
	atomic_store(&memory->go, 1);
	harness_wake(&memory->go);
	for (unsigned i = 0; i < WRITERS; i++)
		bad += waitpid(pid[i], &status, 0) != pid[i] || status != 0;
	tap_ok(bad == 0 && what_is_lost(rounds) == 0, "%u processes, side by "
	    "side in one mapping, stored %llu times: nothing is lost",
	    WRITERS, (unsigned long long)(rounds * 3 * EACH * WRITERS));
	return tap_end();
}
