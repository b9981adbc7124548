/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish.c - publications among processes: nobody sees a mixture, nobody
 * starves, and nobody waits for the dead or for long for the stopped.
 */
#include "publish.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 4096, ROUNDS = 3000 };

struct mipc_publication *
make(size_t most, unsigned buffers)
{
	size_t size = mipc_publish_size(most, buffers);
	void *memory = harness_shared(size);
	struct mipc_publication *p = malloc(sizeof(*p));

	if (p == NULL || mipc_publish_init(memory, size, most, buffers) != 0 ||
	    mipc_publish_open(p, memory, size, 0) != 0)
		harness_die("no publication: %s", strerror(errno));
	return p;
}

void
drop(struct mipc_publication *p)
{
	munmap(p->memory, mipc_publish_size(p->most, p->buffers));
	free(p);
}

/* What all processes of a test see beside the publication. */
static struct board {
	_Atomic uint32_t ready, stop;
	_Atomic uint64_t torn, reads, backward;
} *board;

static struct mipc_publication *pub;
static uint32_t rounds;		/* of a writer */

static pid_t
start(void (*body)(void))
{
	pid_t pid;

	pid = harness_fork();
	if (pid > 0)
		return pid;
	body();
	_exit(0);
}

/* Start it, and wait until it says that it is where it should be. */
static pid_t
start_ready(void (*body)(void))
{
	uint32_t before = atomic_load(&board->ready);
	pid_t pid = start(body);

	harness_wait(&board->ready, before, 20);
	return pid;
}

static void
be_ready(void)
{
	harness_raise(&board->ready);
}

static void
finish(pid_t pid, int sig)
{
	if (sig != 0)
		kill(pid, sig);
	waitpid(pid, NULL, 0);
}

static void
stop(pid_t pid)
{
	int status;

	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
}

static void
begin(size_t most, unsigned buffers)
{
	pub = make(most, buffers);
	memset(board, 0, sizeof(*board));
}

static void
publish_words(uint32_t x)
{
	uint32_t value[WORDS];

	for (int i = 0; i < WORDS; i++)
		value[i] = x;
	if (mipc_publish(pub, value, sizeof(value), NULL) != 0)
		harness_die("publish: %s", strerror(errno));
}

/* ---- no mixture ---- */

static void
read_on(void)
{
	uint32_t value[WORDS];
	uint64_t version, last = 0;

	be_ready();
	while (atomic_load(&board->stop) == 0) {
		if (mipc_publish_read(pub, value, sizeof(value), &version) !=
		    sizeof(value))
			continue;
		for (int i = 1; i < WORDS; i++)
			if (value[i] != value[0]) {
				atomic_fetch_add(&board->torn, 1);
				break;
			}
		board->backward += version < last;
		last = version;
		atomic_fetch_add(&board->reads, 1);
	}
}

static void
look_on(void)
{
	struct mipc_reading reading = { 0 };
	const uint32_t *value;
	int mixed;

	be_ready();
	while (atomic_load(&board->stop) == 0) {
		value = mipc_publish_look(pub, &reading);
		if (value == NULL)
			continue;
		mixed = 0;
		for (int i = 1; i < WORDS; i++)
			mixed |= value[i] != value[0];
		if (mipc_publish_done(pub, &reading) != 0)
			continue;
		atomic_fetch_add(&board->torn, mixed);
		atomic_fetch_add(&board->reads, 1);
	}
}

static void
write_on(void)
{
	be_ready();
	for (uint32_t i = 0; i < rounds; i++)
		publish_words(i * 2 + (uint32_t)getpid() % 2);
}

static void
test_mixture(unsigned buffers, uint32_t each)
{
	pid_t pid[6];

	rounds = each;
	begin(WORDS * sizeof(uint32_t), buffers);
	pid[0] = start_ready(read_on);
	pid[1] = start_ready(read_on);
	pid[2] = start_ready(look_on);
	pid[3] = start_ready(look_on);
	pid[4] = start_ready(write_on);
	pid[5] = start_ready(write_on);
	finish(pid[4], 0);
	finish(pid[5], 0);
	while (atomic_load(&board->reads) == 0)
		usleep(100);		/* on a machine with much to do */
	atomic_store(&board->stop, 1);
	for (int i = 0; i < 4; i++)
		finish(pid[i], 0);
	tap_ok(board->torn == 0 && board->backward == 0 && board->reads > 0 &&
	    mipc_publish_version(pub) == 2 * each,
	    "%u buffers: no mixture in %llu reads of %u versions", buffers,
	    (unsigned long long)board->reads, 2 * each);
	drop(pub);
}

/* ---- slow, stopped and dead readers ---- */

/* Looks until it is told to be done, and ends with what it found. */
static void
look_long(void)
{
	struct mipc_reading reading = { 0 };
	const uint32_t *value = mipc_publish_look(pub, &reading);
	uint32_t first = value[0];
	bool mixed = false;

	be_ready();
	harness_wait(&board->stop, 0, 60);
	for (int i = 0; i < WORDS; i++)
		mixed |= value[i] != first;
	if (mipc_publish_done(pub, &reading) != 0)
		_exit(2);
	_exit(mixed ? 3 : 0);
}

/* How each of two readers of different versions ended, in any order. */
static int
status_of(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
end_looks(void)
{
	atomic_store(&board->stop, 1);
	harness_wake(&board->stop);
}

static void
test_slow(void)
{
	pid_t a;

	begin(WORDS * sizeof(uint32_t), 3);
	publish_words(0);
	a = start_ready(look_long);
	for (uint32_t i = 1; i <= ROUNDS; i++)
		publish_words(i);
	end_looks();
	tap_ok(status_of(a) == 0, "a reader that is slower than %u publishes "
	    "has its version", ROUNDS);
	drop(pub);
}

/* Two readers of different versions. */
static void
begin_looks(pid_t *a, pid_t *b)
{
	begin(WORDS * sizeof(uint32_t), 3);
	publish_words(0);
	*a = start_ready(look_long);
	publish_words(1);
	*b = start_ready(look_long);
}

static void
test_two_slow(void)
{
	const struct timespec at_once = { .tv_nsec = 300000000 };
	pid_t a, b;
	int r;

	begin_looks(&a, &b);
	publish_words(2);
	r = mipc_publish(pub, "x", 1, &at_once);
	tap_ok(r == -1 && errno == ETIMEDOUT, "a writer waits where every "
	    "other buffer is being read");
	end_looks();
	tap_ok(status_of(a) == 0 && status_of(b) == 0 &&
	    mipc_publish(pub, "x", 1, NULL) == 0,
	    "both readers have their versions, and the writer goes on");
	drop(pub);
}

static double
time_of(uint32_t n)
{
	double began = harness_now();

	for (uint32_t i = 0; i < n; i++)
		publish_words(i);
	return harness_now() - began;
}

static void
test_stopped(void)
{
	pid_t a, b;
	double took;

	begin_looks(&a, &b);
	stop(a);
	stop(b);
	took = time_of(100);
	tap_ok(took < 5, "two that are stopped while they look cost 100 "
	    "publishes %.3f s", took);
	end_looks();
	kill(a, SIGCONT);
	kill(b, SIGCONT);
	a = status_of(a);
	b = status_of(b);
	tap_ok((a == 0 || a == 2) && (b == 0 || b == 2) && a + b > 0,
	    "when they go on, who has seen a mixture knows");
	drop(pub);
}

static void
test_running(void)
{
	pid_t a, b;
	double took;

	begin_looks(&a, &b);
	took = time_of(100);
	tap_ok(took > 0.9 && took < 20, "two that look for ever cost 100 "
	    "publishes %.3f s", took);
	finish(a, SIGKILL);
	finish(b, SIGKILL);
	drop(pub);
}

static void
test_killed_reader(void)
{
	double took;

	begin(WORDS * sizeof(uint32_t), 2);
	publish_words(0);
	for (uint32_t i = 0; i < 100; i++) {
		finish(start_ready(look_long), SIGKILL);
		publish_words(i);
	}
	took = time_of(100);
	tap_ok(took < 0.9, "100 that were killed while they looked cost "
	    "nobody anything: %.3f s", took);
	drop(pub);
}

/* ---- writers that are stopped, or die ---- */

static void
write_half(void)
{
	uint32_t *value = mipc_publish_begin(pub, NULL);

	for (int i = 0; i < WORDS / 2; i++)
		value[i] = 9999;
	be_ready();
	pause();
}

static bool
is_whole(uint32_t x)
{
	uint32_t value[WORDS];

	if (mipc_publish_read(pub, value, sizeof(value), NULL) !=
	    sizeof(value))
		return false;
	for (int i = 0; i < WORDS; i++)
		if (value[i] != x)
			return false;
	return true;
}

static void
test_writers(void)
{
	const struct timespec little = { .tv_nsec = 50000000 };
	pid_t a;
	double took;
	int r;

	begin(WORDS * sizeof(uint32_t), 3);
	publish_words(888);
	a = start_ready(write_half);
	stop(a);
	r = mipc_publish(pub, "x", 1, &little);
	tap_ok(r == -1 && errno == ETIMEDOUT && is_whole(888),
	    "a writer that is stopped is waited for, as long as is said");
	finish(a, SIGKILL);
	took = time_of(1);
	tap_ok(took < 2 && is_whole(0), "one that was killed keeps nobody");
	for (uint32_t i = 0; i < 50; i++) {
		finish(start_ready(write_half), SIGKILL);
		publish_words(i);
	}
	tap_ok(is_whole(49) && mipc_publish_version(pub) == 52,
	    "nor do many");
	drop(pub);
}

/* A thread's id is used again by another: nobody takes it for the first. */
static void
write_and_end(void)
{
	mipc_publish_begin(pub, NULL);
	_exit(0);
}

static void
test_exit(void)
{
	begin(WORDS * sizeof(uint32_t), 3);
	finish(start(write_and_end), 0);
	tap_ok(time_of(1) < 2 && is_whole(0),
	    "one that just ends keeps nobody");
	drop(pub);
}

static void
write_in_child(void)
{
	const struct timespec little = { .tv_nsec = 20000000 };

	/* The parent has begun: that is not this process. */
	if (mipc_publish_commit(pub, 4) != -1 || errno != EPERM ||
	    mipc_publish(pub, "x", 1, &little) != -1 || errno != ETIMEDOUT)
		_exit(1);
}

static void
test_fork(void)
{
	int status;

	begin(WORDS * sizeof(uint32_t), 3);
	publish_words(1);
	mipc_publish_begin(pub, NULL);
	status = status_of(start(write_in_child));
	tap_ok(status == 0 && mipc_publish_abort(pub) == 0 && is_whole(1),
	    "a fork's child has not begun what its parent has");
	drop(pub);
}

/* ---- waiting ---- */

static void
wait_next(void)
{
	be_ready();
	_exit(mipc_publish_wait(pub, 1, NULL) == 0 &&
	    mipc_publish_version(pub) == 2 ? 0 : 1);
}

static void
nothing(int sig)
{
	(void)sig;
}

static void
wait_signal(void)
{
	const struct sigaction action = { .sa_handler = nothing };
	int r;

	sigaction(SIGUSR1, &action, NULL);
	be_ready();
	r = mipc_publish_wait(pub, 1, NULL);
	_exit(r == -1 && errno == EINTR ? 0 : 1);
}

static void
test_wait(void)
{
	const struct timespec little = { .tv_nsec = 20000000 };
	const struct timespec wrong = { .tv_nsec = 1000000000 };
	pid_t a;
	int status = 0;

	begin(WORDS * sizeof(uint32_t), 3);
	publish_words(0);
	tap_ok(mipc_publish_wait(pub, 0, NULL) == 0 &&
	    mipc_publish_wait(pub, 1, &little) == -1 && errno == ETIMEDOUT &&
	    mipc_publish_wait(pub, 1, &wrong) == -1 && errno == EINVAL,
	    "a version is waited for as long as is said");
	a = start_ready(wait_signal);
	while (waitpid(a, &status, WNOHANG) == 0)
		kill(a, SIGUSR1);
	tap_ok(status == 0, "a handler ends the wait");
	a = start_ready(wait_next);
	publish_words(1);
	tap_ok(status_of(a) == 0, "the next version ends the wait");
	drop(pub);
}

/* --mixture: only that. */
int
main(int argc, char **argv)
{
	board = harness_shared(sizeof(*board));
	if (argc > 1 && strcmp(argv[1], "--mixture") == 0) {
		tap_plan(1);
		test_mixture(3, ROUNDS);
		return tap_end();
	}
	tap_plan(CALLS + 17);
	test_init();
	test_values();
	test_in_place();
	test_read_only();
	test_hostile();
	test_mixture(3, ROUNDS);
	test_mixture(2, ROUNDS / 10);
	test_slow();
	test_two_slow();
	test_stopped();
	test_running();
	test_killed_reader();
	test_writers();
	test_exit();
	test_fork();
	test_wait();
	return tap_end();
}
