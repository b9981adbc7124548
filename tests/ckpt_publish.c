/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_publish.c - checkpoints of a namespace with publications in segments,
 * into which writers publish all the time; each version is then said by a
 * semaphore.  One has a large value; of the other two, which are small, one is
 * always published before the other.  In each checkpoint the values are whole
 * and those of the semaphores' moment, whether or not the writers' lock keeps
 * them from publishing, and nobody has that lock there, while the process that
 * took it lives.  A head that is none is copied as it is.
 *
 *	ckpt_publish [--all | --torn | --late]
 *
 * All: every round, and not one of PART.  Torn: by a library that copies the
 * bytes as they come; late: by one that takes the values after the semaphores'
 * moment; these must be seen.
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

enum { WORDS = 1 << 18, ROUNDS = 20, PLAIN = 100, PART = 4, LONG = 20,
    KEY = 4711, ROUND_OF_SEM = 16384, HEADS = 40, HEAD = 8192 };
enum { LARGE, FIRST, SECOND, PUBLICATIONS };	/* keys from KEY + 1 on */
#define OTHER_KEY	(KEY + 1 + PUBLICATIONS)

static struct mipc_ns *ns;
static struct mipc_publication pub[PUBLICATIONS];
static uint32_t *value;
static int set;
static unsigned part = PART;		/* one of so many rounds */
static char file[PATH_MAX], copy[PATH_MAX];

static void
fail(const char *what)
{
	harness_die("%s: %s (%s)", what, strerror(errno), mipc_reason());
}

/* What may be the matter with a copy. */
enum { TORN = 1, LATE = 2, HELD = 4, WRONG = 7, LOOKED = 64 };

static size_t
most_of(int which)
{
	return which == LARGE ? WORDS * sizeof(uint32_t) : sizeof(uint32_t);
}

/* The fewest buffers for the small ones: their writer soon comes round. */
static unsigned
buffers_of(int which)
{
	return which == LARGE ? 3 : 2;
}

static size_t
size_of(int which)
{
	return mipc_publish_size(most_of(which), buffers_of(which));
}

/* The segments' publications, in a namespace that has them. */
static void
use(struct mipc_ns *in, struct mipc_publication p[PUBLICATIONS])
{
	for (int i = 0; i < PUBLICATIONS; i++) {
		int id = mipc_shmget(in, KEY + 1 + i, 0, 0);
		void *memory = mipc_shmat(in, id, NULL, 0);

		if (memory == (void *)-1 || mipc_publish_open(&p[i], memory,
		    size_of(i), 0) != 0)
			fail("publication");
	}
}

static void
say(int sem, uint32_t n)
{
	if (mipc_semctl(ns, set, sem, SETVAL, (int)(n % ROUND_OF_SEM)) == -1)
		fail("semctl");
}

static void
publish_large(uint32_t n)
{
	for (int i = 0; i < WORDS; i++)
		value[i] = n;
	if (mipc_publish(&pub[LARGE], value, most_of(LARGE), NULL) != 0)
		fail("publish");
	say(0, n);
}

static void
publish_small(uint32_t n)
{
	if (mipc_publish(&pub[FIRST], &n, sizeof(n), NULL) != 0 ||
	    mipc_publish(&pub[SECOND], &n, sizeof(n), NULL) != 0)
		fail("publish");
	say(1, n);
}

static void
make_publication(int which)
{
	const size_t size = size_of(which);
	void *memory = mipc_shmat(ns, mipc_shmget(ns, KEY + 1 + which, size,
	    IPC_CREAT | 0600), NULL, 0);

	if (memory == (void *)-1 || mipc_publish_init(memory, size,
	    most_of(which), buffers_of(which)) != 0)
		fail("segment");
}

static void
begin(void)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/ns", harness_dir());
	snprintf(copy, sizeof(copy), "%s/copy", harness_dir());
	snprintf(file, sizeof(file), "%s/checkpoint", harness_dir());
	ns = mipc_open(dir, MIPC_CREAT);
	if (ns == NULL)
		fail(dir);
	value = harness_shared(WORDS * sizeof(uint32_t));
	set = mipc_semget(ns, KEY, 2, IPC_CREAT | 0600);
	if (set == -1)
		fail("set");
	for (int i = 0; i < PUBLICATIONS; i++)
		make_publication(i);
	use(ns, pub);
	publish_large(1);
	publish_small(1);
}

static pid_t
start_writer(void (*publish)(uint32_t))
{
	pid_t pid = harness_fork();

	if (pid == 0) {
		value = harness_shared(most_of(LARGE));
		for (uint32_t n = 2;; n++)
			publish(n);
	}
	return pid;
}

/* Of one moment: is the large value there, and the semaphore that says it? */
static int
look_at_large(struct mipc_publication *p, uint32_t said)
{
	uint64_t version;
	bool whole = mipc_publish_read(p, value, most_of(LARGE), &version) ==
	    (ssize_t)most_of(LARGE);

	for (int i = 0; i < WORDS; i++)
		whole = whole && value[i] == (uint32_t)version;
	return (whole ? 0 : TORN) | (said == version % ROUND_OF_SEM ||
	    said == (version - 1) % ROUND_OF_SEM ? 0 : LATE);
}

/* The first, the second, and then the semaphore. */
static int
look_at_small(struct mipc_publication *p, uint32_t said)
{
	uint64_t version[PUBLICATIONS];
	bool whole = true, now, before;
	uint32_t n = 0;

	for (int i = FIRST; i <= SECOND; i++)
		whole = whole && mipc_publish_read(&p[i], &n, sizeof(n),
		    &version[i]) == sizeof(n) && n == (uint32_t)version[i];
	now = said == version[SECOND] % ROUND_OF_SEM;
	before = said == (version[SECOND] - 1) % ROUND_OF_SEM;
	return (whole ? 0 : TORN) |
	    ((version[FIRST] == version[SECOND] && (now || before)) ||
	    (version[FIRST] == version[SECOND] + 1 && now) ? 0 : LATE);
}

/* Can somebody publish? */
static int
look_at_lock(struct mipc_publication *p)
{
	const uint64_t version = mipc_publish_version(p);

	return mipc_publish(p, value, 1, &(struct timespec){ 1, 0 }) != 0 ||
	    mipc_publish_version(p) != version + 1 ? HELD : 0;
}

static int
look(void)
{
	struct mipc_publication p[PUBLICATIONS];
	struct mipc_ns *other;
	int there, wrong;

	if (mipc_restore(file, copy, NULL) != 0)
		fail("restore");
	other = mipc_open(copy, 0);
	if (other == NULL)
		fail(copy);
	use(other, p);
	there = mipc_semget(other, KEY, 2, 0);
	wrong = look_at_large(&p[LARGE],
	    (uint32_t)mipc_semctl(other, there, 0, GETVAL));
	wrong |= look_at_small(p,
	    (uint32_t)mipc_semctl(other, there, 1, GETVAL));
	for (int i = 0; i < PUBLICATIONS; i++) {
		wrong |= look_at_lock(&p[i]);
		mipc_shmdt(other, p[i].memory);
	}
	mipc_close(other);
	return wrong;
}

/* In a process of its own, which ends with all that it has of the copy. */
static int
look_there(void)
{
	pid_t pid = harness_fork();
	int status;

	if (pid == 0) {
		value = harness_shared(WORDS * sizeof(uint32_t));
		_exit(LOOKED | look());
	}
	status = harness_reap(pid, LONG);
	harness_remove(copy);
	if ((status & ~(WRONG << 8)) != LOOKED << 8)
		harness_die("status %d", status);
	return status >> 8 & WRONG;
}

/* Looked at while this process lives, and has the lock still. */
static int
take(bool locked)
{
	int wrong;

	if (locked && mipc_publish_begin(&pub[LARGE], NULL) == NULL)
		fail("begin");
	if (mipc_checkpoint(ns, file, 1, NULL) != 0)
		fail("checkpoint");
	wrong = look_there();
	if (locked && mipc_publish_abort(&pub[LARGE]) != 0)
		fail("abort");
	return wrong;
}

/* How many of at most so many checkpoints were not whole. */
static int
count_bad(bool locked, unsigned rounds)
{
	int bad = 0;

	for (unsigned n = 0; n < rounds; n++)
		bad += take(locked) != 0;
	return bad;
}

/* With a place of every reader's taken by this process. */
static int
count_bad_unplaced(void)
{
	struct mipc_reading reading[MIPC_PUBLISH_READERS] = { { 0 } };
	int bad;

	for (int i = 0; i < MIPC_PUBLISH_READERS; i++)
		if (mipc_publish_look(&pub[LARGE], &reading[i]) == NULL)
			fail("look");
	bad = count_bad(false, ROUNDS / part);
	for (int i = 0; i < MIPC_PUBLISH_READERS; i++)
		mipc_publish_done(&pub[LARGE], &reading[i]);
	return bad;
}

/* --- a segment that becomes a publication ------------------------------- */

static void *
other_segment(struct mipc_ns *in, size_t size)
{
	void *memory = mipc_shmat(in, mipc_shmget(in, OTHER_KEY, size,
	    size > 0 ? IPC_CREAT | 0600 : 0), NULL, 0);

	if (memory == (void *)-1)
		fail("segment");
	return memory;
}

/* All that a program does that starts over and over. */
static void
come_and_go(uint32_t n)
{
	mipc_u32 *memory = other_segment(ns, size_of(LARGE));
	struct mipc_publication p;

	if (mipc_publish_init(memory, size_of(LARGE), most_of(LARGE), 3) != 0 ||
	    mipc_publish_open(&p, memory, size_of(LARGE), 0) != 0)
		fail("init");
	memset(value, (int)n, most_of(LARGE));
	for (int i = 0; i < 3; i++)
		if (mipc_publish(&p, value, most_of(LARGE), NULL) != 0)
			fail("publish");
	mipc_give(memory, 0);
	mipc_shmdt(ns, memory);
}

/* There it is none, or one without a value, or with a whole one. */
static bool
is_one_or_none(struct mipc_ns *in)
{
	struct mipc_publication p;
	bool good = true;

	if (mipc_publish_open(&p, other_segment(in, 0), size_of(LARGE), 0) ==
	    0) {
		ssize_t n = mipc_publish_read(&p, value, most_of(LARGE), NULL);

		good = n == -1 ? errno == ENODATA :
		    n == (ssize_t)most_of(LARGE) &&
		    memcmp(value, (char *)value + 1, (size_t)n - 1) == 0;
		good = good && look_at_lock(&p) == 0;
	}
	return good;
}

static bool
newcomers_are_whole(void)
{
	void *memory = other_segment(ns, size_of(LARGE));
	pid_t writer = start_writer(come_and_go);
	bool good = mipc_shmdt(ns, memory) == 0;

	for (unsigned i = 0; i < ROUNDS / part && good; i++) {
		struct mipc_ns *other;

		if (mipc_checkpoint(ns, file, 1, NULL) != 0 ||
		    mipc_restore(file, copy, NULL) != 0)
			fail("checkpoint");
		other = mipc_open(copy, 0);
		good = other != NULL && is_one_or_none(other);
		mipc_close(other);
		harness_remove(copy);
	}
	kill(writer, SIGKILL);
	harness_reap(writer, LONG);
	return good;
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
	there = mipc_shmat(other, mipc_shmget(other, OTHER_KEY, 0, 0), NULL, 0);
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
	void *memory = mipc_shmat(ns, mipc_shmget(ns, OTHER_KEY, size,
	    IPC_CREAT | 0600), NULL, 0);
	bool same = true;

	if (memory == (void *)-1)
		fail("segment");
	for (unsigned i = 0; i < HEADS / part && same; i++) {
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
	mipc_u64 *latest = (mipc_u64 *)mipc_shmat(ns, mipc_shmget(ns, OTHER_KEY,
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
must_be_right(void)
{
	const unsigned some = ROUNDS / part, more = PLAIN / part;

	tap_ok(count_bad(true, some) == 0, "with a writers' lock each of %u "
	    "has the values whole, and of the sets' moment", some);
	tap_ok(count_bad(false, more) == 0, "without it each of %u has",
	    more);
	tap_ok(count_bad_unplaced() == 0, "with no place for a reader each of "
	    "%u has", some);
	tap_ok(newcomers_are_whole(), "a segment that becomes a publication "
	    "is one, or none");
	tap_ok(damaged_is_copied(), "what is no head is copied as it is");
	tap_ok(overtaken_ends(), "one that never stands still ends");
}

static bool
is_seen(int what)
{
	int n = 0;

	while (n < PLAIN && (take(false) & what) == 0)
		n++;
	tap_note("seen after %d", n);
	return n < PLAIN;
}

int
main(int argc, char **argv)
{
	const char *option = argc > 1 ? argv[1] : "";
	pid_t writer[2];

	if (strcmp(option, "--all") == 0)
		part = 1;
	begin();
	writer[0] = start_writer(publish_large);
	writer[1] = start_writer(publish_small);
	if (strcmp(option, "--torn") == 0) {
		tap_plan(2);
		tap_ok((take(true) & HELD) != 0, "a lock that is copied is "
		    "seen");
		tap_ok(is_seen(TORN), "a mixture is seen");
	} else if (strcmp(option, "--late") == 0) {
		tap_plan(1);
		tap_ok(is_seen(LATE), "a value of another moment is seen");
	} else {
		tap_plan(6);
		must_be_right();
	}
	for (int i = 0; i < 2; i++) {
		kill(writer[i], SIGKILL);
		harness_reap(writer[i], LONG);
	}
	return tap_end();
}
