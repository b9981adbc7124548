/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * whole_array.c - the question that this library began with: one process
 * replaces a large array of 32-bit words, 888 by 9999 and back, while another
 * reads all of it over and over.  Can it see both?
 *
 *	--words N	of the array (default 100,000)
 *	--rounds N	replacements (default 1,000)
 *
 * By plain assignment it does; published, never.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "mipc.h"

enum { OLD = 888, NEW = 9999, PLAIN_ROUNDS = 100000 };

static struct {
	size_t words, rounds;
} option = { .words = 100000, .rounds = 1000 };

static struct board {
	_Atomic uint32_t ready, stop;
	_Atomic uint64_t reads, mixed, overtaken;
} *board;

static void
fill(uint32_t *at, uint32_t x)
{
	for (size_t i = 0; i < option.words; i++)
		((volatile uint32_t *)at)[i] = x;
}

/* Is any word another than the first?  Each is loaded once. */
static bool
is_mixed(const uint32_t *at)
{
	const volatile uint32_t *word = at;
	const uint32_t first = word[0];
	uint32_t other = 0;

	for (size_t i = 1; i < option.words; i++)
		other |= word[i] ^ first;
	return other != 0;
}

static void
count(bool mixed)
{
	atomic_fetch_add(&board->mixed, mixed);
	atomic_fetch_add(&board->reads, 1);
}

static bool
goes_on(void)
{
	if (atomic_exchange(&board->ready, 1) == 0)
		harness_wake(&board->ready);
	return atomic_load(&board->stop) == 0;
}

static pid_t
start(void (*body)(void *), void *arg)
{
	pid_t pid;

	memset(board, 0, sizeof(*board));
	pid = harness_fork();
	if (pid == 0) {
		body(arg);
		_exit(0);
	}
	harness_wait(&board->ready, 0, 60);
	return pid;
}

/* ---- plain assignment ---- */

static void
read_plain(void *array)
{
	while (goes_on())
		count(is_mixed(array));
}

static void
test_plain(void)
{
	size_t bytes = option.words * sizeof(uint32_t);
	uint32_t *array = harness_shared(bytes);
	pid_t pid;

	fill(array, OLD);
	pid = start(read_plain, array);
	for (size_t i = 0; i < PLAIN_ROUNDS && (i < option.rounds / 10 ||
	    atomic_load(&board->mixed) == 0); i++)
		fill(array, i % 2 == 0 ? NEW : OLD);
	atomic_store(&board->stop, 1);
	waitpid(pid, NULL, 0);
	tap_ok(board->mixed > 0, "%zu words assigned: %llu of %llu reads saw "
	    "%d beside %d", option.words, (unsigned long long)board->mixed,
	    (unsigned long long)board->reads, OLD, NEW);
	munmap(array, bytes);
}

/* ---- published ---- */

static void
read_published(void *publication)
{
	struct mipc_reading reading = { 0 };
	const uint32_t *array;
	bool mixed;

	while (goes_on()) {
		array = mipc_publish_look(publication, &reading);
		if (array == NULL)
			harness_die("look: %s", strerror(errno));
		mixed = is_mixed(array) ||
		    array[0] != (reading.version % 2 == 0 ? NEW : OLD);
		if (mipc_publish_done(publication, &reading) == 0)
			count(mixed);
		else
			atomic_fetch_add(&board->overtaken, 1);
	}
}

static void
replace(struct mipc_publication *p, uint32_t x)
{
	uint32_t *array = mipc_publish_begin(p, NULL);

	if (array == NULL)
		harness_die("begin: %s", strerror(errno));
	fill(array, x);
	mipc_publish_commit(p, option.words * sizeof(uint32_t));
}

static void
test_published(void)
{
	size_t most = option.words * sizeof(uint32_t);
	size_t size = mipc_publish_size(most, 3);
	void *memory = harness_shared(size);
	struct mipc_publication p;
	double began;
	pid_t pid;

	if (mipc_publish_init(memory, size, most, 3) != 0 ||
	    mipc_publish_open(&p, memory, size, 0) != 0)
		harness_die("no publication: %s", strerror(errno));
	replace(&p, OLD);
	began = harness_now();
	pid = start(read_published, &p);
	for (size_t i = 0; i < option.rounds || board->reads == 0; i++)
		replace(&p, i % 2 == 0 ? NEW : OLD);
	atomic_store(&board->stop, 1);
	waitpid(pid, NULL, 0);
	tap_ok(board->mixed == 0 && board->reads > 0, "%zu words published "
	    "%zu times in %.1f s: 0 of %llu reads saw both", option.words,
	    option.rounds, harness_now() - began,
	    (unsigned long long)board->reads);
	tap_ok(board->overtaken == 0, "no read had to be repeated");
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		size_t *to = strcmp(argv[i], "--words") == 0 ? &option.words :
		    strcmp(argv[i], "--rounds") == 0 ? &option.rounds : NULL;

		if (to == NULL)
			harness_die("%s: unknown option", argv[i]);
		*to = strtoul(harness_value(argc, argv, &i), NULL, 0);
	}
	board = harness_shared(sizeof(*board));
	tap_plan(3);
	test_plain();
	test_published();
	return tap_end();
}
