/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_publish.c - checkpoints of a namespace with a publication in a segment,
 * into which a writer publishes all the time; each version is then said by a
 * semaphore.  The value is whole in each, and nobody has its lock there, while
 * the process that took it lives.  Who holds the writers' lock, and so keeps
 * them from publishing, has the semaphore of the same moment.  A head that is
 * none is copied as it is.
 *
 *	ckpt_publish [--broken]
 *
 * Broken: by a library that copies the bytes as they come; this must be seen.
 */
#include <sys/shm.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "atomic.h"
#include "harness.h"
#include "mipc.h"

enum { WORDS = 1 << 18, ROUNDS = 20, PLAIN = 200, LONG = 20, KEY = 4711,
    ROUND_OF_SEM = 16384, HEADS = 40, HEAD = 8192 };

static struct mipc_ns *ns;
static struct mipc_publication pub;
static uint32_t *value;
static int set;
static char file[PATH_MAX], copy[PATH_MAX];

static void
fail(const char *what)
{
	harness_die("%s: %s (%s)", what, strerror(errno), mipc_reason());
}

/* What may be the matter with a copy. */
enum { TORN = 1, HELD = 2, LOOKED = 64 };

/* The segment's publication, in a namespace that has it. */
static void
use(struct mipc_ns *in, struct mipc_publication *p)
{
	size_t size = mipc_publish_size(WORDS * sizeof(uint32_t), 3);
	int id = mipc_shmget(in, KEY, 0, 0);
	void *memory = mipc_shmat(in, id, NULL, 0);

	if (memory == (void *)-1 || mipc_publish_open(p, memory, size, 0) != 0)
		fail("publication");
}

static void
publish(uint32_t n)
{
	for (int i = 0; i < WORDS; i++)
		value[i] = n;
	if (mipc_publish(&pub, value, WORDS * sizeof(uint32_t), NULL) != 0 ||
	    mipc_semctl(ns, set, 0, SETVAL, (int)(n % ROUND_OF_SEM)) == -1)
		fail("publish");
}

static void
begin(void)
{
	size_t size = mipc_publish_size(WORDS * sizeof(uint32_t), 3);
	char dir[PATH_MAX];
	void *memory;

	snprintf(dir, sizeof(dir), "%s/ns", harness_dir());
	snprintf(copy, sizeof(copy), "%s/copy", harness_dir());
	snprintf(file, sizeof(file), "%s/checkpoint", harness_dir());
	ns = mipc_open(dir, MIPC_CREAT);
	if (ns == NULL)
		fail(dir);
	value = harness_shared(WORDS * sizeof(uint32_t));
	set = mipc_semget(ns, KEY, 1, IPC_CREAT | 0600);
	memory = mipc_shmat(ns, mipc_shmget(ns, KEY, size, IPC_CREAT | 0600),
	    NULL, 0);
	if (set == -1 || memory == (void *)-1 || mipc_publish_init(memory,
	    size, WORDS * sizeof(uint32_t), 3) != 0)
		fail("objects");
	use(ns, &pub);
	publish(1);
}

static pid_t
start_writer(void)
{
	pid_t pid = harness_fork();

	if (pid == 0)
		for (uint32_t n = 2;; n++)
			publish(n);
	return pid;
}

/* Is what was published whole in a copy of the namespace, and as it says? */
static int
look(bool locked)
{
	struct mipc_publication p;
	struct mipc_ns *other;
	uint64_t version;
	uint32_t n, said;
	bool whole, held;

	if (mipc_restore(file, copy, NULL) != 0)
		fail("restore");
	other = mipc_open(copy, 0);
	if (other == NULL)
		fail(copy);
	use(other, &p);
	whole = mipc_publish_read(&p, value, WORDS * sizeof(uint32_t),
	    &version) == WORDS * sizeof(uint32_t);
	n = value[0];
	for (int i = 0; i < WORDS; i++)
		whole = whole && value[i] == n;
	said = (uint32_t)mipc_semctl(other, mipc_semget(other, KEY, 1, 0), 0,
	    GETVAL);
	whole = whole && n == version;
	if (locked)
		whole = whole && (said == n % ROUND_OF_SEM ||
		    said == (n - 1) % ROUND_OF_SEM);
	held = mipc_publish(&p, value, 1, &(struct timespec){ 1, 0 }) != 0 ||
	    mipc_publish_version(&p) != version + 1;
	mipc_shmdt(other, p.memory);
	mipc_close(other);
	return (whole ? 0 : TORN) | (held ? HELD : 0);
}

/* In a process of its own, which ends with all that it has of the copy. */
static int
look_there(bool locked)
{
	pid_t pid = harness_fork();
	int status;

	if (pid == 0) {
		value = harness_shared(WORDS * sizeof(uint32_t));
		_exit(LOOKED | look(locked));
	}
	status = harness_reap(pid, LONG);
	harness_remove(copy);
	if ((status & ~(3 << 8)) != LOOKED << 8)
		harness_die("status %d", status);
	return status >> 8 & 3;
}

/* Looked at while this process lives, and has the lock still. */
static int
take(bool locked)
{
	int wrong;

	if (locked && mipc_publish_begin(&pub, NULL) == NULL)
		fail("begin");
	if (mipc_checkpoint(ns, file, 1, NULL) != 0)
		fail("checkpoint");
	wrong = look_there(locked);
	if (locked && mipc_publish_abort(&pub) != 0)
		fail("abort");
	return wrong;
}

/* How many of at most so many checkpoints were not whole. */
static int
count_bad(bool locked, int rounds)
{
	int bad = 0;

	for (int n = 0; n < rounds; n++)
		bad += take(locked) != 0;
	return bad;
}

/* --- heads that are none ------------------------------------------------ */

/* Is the other segment in the checkpoint as it is? */
static bool
is_copied(const char *bytes, size_t size)
{
	struct mipc_ns *other;
	char *there;
	bool same;

	if (mipc_checkpoint(ns, file, 1, NULL) != 0 ||
	    mipc_restore(file, copy, NULL) != 0)
		fail("checkpoint");
	other = mipc_open(copy, 0);
	if (other == NULL)
		fail(copy);
	there = mipc_shmat(other, mipc_shmget(other, KEY + 1, 0, 0), NULL, 0);
	same = there != (void *)-1 && memcmp(there, bytes, size) == 0;
	mipc_shmdt(other, there);
	mipc_close(other);
	harness_remove(copy);
	return same;
}

/* Bytes behind the constants by chance, or all of them but the magic. */
static void
spoil(unsigned char *bytes, unsigned round)
{
	size_t from = round % 2 == 0 ? 4 : 64;
	uint32_t x = round + 1;

	for (size_t i = from; i < HEAD; i++) {
		x = x * 1664525u + 1013904223u;
		bytes[i] = (unsigned char)(x >> 24);
	}
	bytes[64] = (unsigned char)(round % 4 == 1 ? 0 : 200);
}

static bool
damaged_is_copied(void)
{
	size_t size = mipc_publish_size(4096, 3);
	void *memory = mipc_shmat(ns, mipc_shmget(ns, KEY + 1, size,
	    IPC_CREAT | 0600), NULL, 0);
	bool same = true;

	if (memory == (void *)-1)
		fail("segment");
	for (unsigned i = 0; i < HEADS && same; i++) {
		if (mipc_publish_init(memory, size, 4096, 3) != 0)
			fail("init");
		spoil(memory, i);
		same = is_copied(memory, size);
	}
	return same;
}

/* One that says another version whenever it is looked at. */
static bool
overtaken_ends(void)
{
	mipc_u64 *latest = (mipc_u64 *)mipc_shmat(ns, mipc_shmget(ns, KEY + 1,
	    0, 0), NULL, 0) + 8;
	pid_t pid;
	int r;

	if (mipc_publish_init(latest - 8, mipc_publish_size(4096, 3), 4096,
	    3) != 0)
		fail("init");
	pid = harness_fork();
	if (pid == 0)
		for (;;)
			mipc_add(latest, 256);
	while (mipc_take(latest) == 0)
		sched_yield();
	r = mipc_checkpoint(ns, file, 1, NULL);
	if (r != 0)
		tap_note("%s", mipc_reason());
	r = r == 0 || errno == EAGAIN;
	kill(pid, SIGKILL);
	harness_reap(pid, LONG);
	return r;
}

/* --- all of it ---------------------------------------------------------- */

static void
must_be_whole(void)
{
	tap_ok(count_bad(true, ROUNDS) == 0, "with the writers' lock each of "
	    "%d has the value whole, and its semaphore", ROUNDS);
	tap_ok(count_bad(false, PLAIN) == 0, "without it each of %d has it "
	    "whole", PLAIN);
	tap_ok(damaged_is_copied(), "what is no head is copied as it is");
	tap_ok(overtaken_ends(), "one that never stands still ends");
}

static void
must_be_seen(void)
{
	int n = 0;

	tap_ok((take(true) & HELD) != 0, "a lock that is copied is seen");
	while (n < PLAIN && (take(false) & TORN) == 0)
		n++;
	tap_ok(n < PLAIN, "a mixture is seen, after %d", n);
}

int
main(int argc, char **argv)
{
	bool broken = argc > 1 && strcmp(argv[1], "--broken") == 0;
	pid_t writer;

	begin();
	tap_plan(broken ? 2 : 4);
	writer = start_writer();
	if (broken)
		must_be_seen();
	else
		must_be_whole();
	kill(writer, SIGKILL);
	harness_reap(writer, LONG);
	return tap_end();
}
