/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share_save.c - what forked workers share, saved while they change it, and
 * memory made of that.
 *
 *	--changes	only workers who change what is saved, for a library
 *			that is broken
 *	--make PATH	write such a file, for others to read
 */
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "mipc.h"

enum { WORKERS = 3, SAVES = 200, WORDS = 64, APART = 700, VALUES = 50,
    VALUE = 30000, SIZE = 20001, MOST = 1 << 20 };

static const struct timespec none, little = { .tv_nsec = 30000000 };

static char path[PATH_MAX], older[PATH_MAX + 8], oldest[PATH_MAX + 8];
/* What tests and their children say to each other. */
static struct {
	_Atomic uint32_t ready;
	_Atomic bool stop;
} *said;

static bool
fails(int result, int error)
{
	return result == -1 && errno == error && mipc_reason()[0] != '\0';
}

static bool
no_memory(const char *file, size_t most, int error)
{
	return mipc_share_load(file, most) == NULL && errno == error &&
	    mipc_reason()[0] != '\0';
}

static void *
reserve(size_t size, size_t most)
{
	void *share = mipc_share_reserve(size, most);

	if (share == NULL)
		harness_die("mipc_share_reserve: %s", strerror(errno));
	unlink(path);
	unlink(older);
	unlink(oldest);
	return share;
}

static void
drop(void *share)
{
	if (mipc_share_leave(share) != 0)
		harness_die("mipc_share_leave: %s", strerror(errno));
}

static bool
is_there(const char *file)
{
	return access(file, F_OK) == 0;
}

static pid_t
start(void (*body)(void *), void *arg)
{
	uint32_t before = atomic_load(&said->ready);
	pid_t pid = harness_fork();

	if (pid == 0) {
		body(arg);
		_exit(0);
	}
	harness_wait(&said->ready, before, 20);
	return pid;
}

static void
be_ready(void)
{
	harness_raise(&said->ready);
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Is there as much as in `bytes`, with room to grow? */
static bool
loads(const char *file, const char *bytes, size_t size)
{
	char *share = mipc_share_load(file, MOST);
	bool good;

	if (share == NULL)
		return false;
	good = mipc_share_size(share) == size &&
	    memcmp(share, bytes, size) == 0 && mipc_share_holder(share) == 0 &&
	    mipc_share_grow(share, MOST) == 0 && share[size] == 0 &&
	    share[MOST - 1] == 0 && mipc_share_grow(share, MOST + 1) == -1;
	drop(share);
	return good;
}

/* ---- what comes back ---- */

static char *
make(void)
{
	char *share = reserve(SIZE, MOST);

	share[0] = 'b';
	memset(share + 9000, 'm', 100);
	share[SIZE - 1] = 'e';
	return share;
}

/* As any other can be. */
static bool
is_used(void)
{
	char *share = mipc_share_load(path, SIZE);
	bool good;

	if (share == NULL)
		return false;
	good = mipc_share_lock(share, &none) == 0 &&
	    mipc_share_holder(share) == getpid() &&
	    mipc_share_unlock(share) == 0 && mipc_share_holder(share) == 0 &&
	    mipc_share_save(share, path, 1, &none) == 0;
	drop(share);
	return good;
}

static void
test_same(void)
{
	char *share = make();
	struct stat st;

	tap_ok(mipc_share_save(share, path, 1, NULL) == 0 &&
	    mipc_share_holder(share) == 0 && loads(path, share, SIZE) &&
	    is_used() && loads(path, share, SIZE) && stat(path, &st) == 0 &&
	    (st.st_mode & 0777) == 0600,
	    "what is saved comes back, with a lock that nobody has");
	mipc_share_grow(share, 3 * SIZE);
	share[3 * SIZE - 1] = 'g';
	tap_ok(mipc_share_save(share, path, 1, NULL) == 0 &&
	    loads(path, share, 3 * SIZE), "so does what has grown");
	mipc_share_grow(share, MOST);
	tap_ok(mipc_share_save(share, path, 1, NULL) == 0 &&
	    stat(path, &st) == 0 && st.st_size < 4 * 65536 + 2000,
	    "what is 0 takes no room in the file");
	drop(share);
}

static void
test_generations(void)
{
	char *share = make();
	char was[2][SIZE];
	bool good = true;

	for (int i = 0; i < 4; i++) {
		memcpy(was[i % 2], share, SIZE);
		share[1] = (char)i;
		good &= mipc_share_save(share, path, 2, NULL) == 0;
	}
	tap_ok(good && loads(path, share, SIZE) &&
	    loads(older, was[1], SIZE) && !is_there(oldest),
	    "as many generations are kept as is said");
	drop(share);
}

/* ---- the lock ---- */

static void
hold(void *share)
{
	if (mipc_share_lock(share, NULL) != 0)
		_exit(1);
	be_ready();
	pause();
}

static void
test_timeouts(void)
{
	const struct timespec wrong = { .tv_nsec = -1 };
	char *share = make();
	pid_t pid = start(hold, share);

	tap_ok(fails(mipc_share_save(share, path, 1, &none), ETIMEDOUT) &&
	    fails(mipc_share_save(share, path, 1, &little), ETIMEDOUT) &&
	    fails(mipc_share_save(share, path, 1, &wrong), EINVAL) &&
	    fails(mipc_share_save(share, path, 0, &none), EINVAL) &&
	    fails(mipc_share_save(share, path, 1001, &none), EINVAL) &&
	    !is_there(path), "the lock is waited for as long as is said");
	end(pid);
	drop(share);
}

static void
test_held(void)
{
	char *share = make();

	mipc_share_lock(share, NULL);
	tap_ok(mipc_share_save(share, path, 1, &none) == 0 &&
	    mipc_share_holder(share) == getpid() &&
	    loads(path, share, SIZE) &&
	    fails(mipc_share_save(share, "/none/file", 1, &none), ENOENT) &&
	    mipc_share_holder(share) == getpid() &&
	    mipc_share_unlock(share) == 0 &&
	    fails(mipc_share_save(share, "/none/file", 1, &none), ENOENT) &&
	    mipc_share_holder(share) == 0,
	    "who has the lock saves with it and keeps it");
	drop(share);
}

static void
test_death(void)
{
	char *share = make();
	char was[SIZE];

	memcpy(was, share, SIZE);
	mipc_share_save(share, path, 2, NULL);
	share[5] = 'h';
	end(start(hold, share));
	tap_ok(mipc_share_save(share, path, 2, NULL) == 1 &&
	    mipc_reason()[0] != '\0' &&
	    mipc_share_holder(share) == getpid() && loads(path, was, SIZE) &&
	    !is_there(older),
	    "after a death nothing is written, and the lock is the caller's");
	share[5] = 'r';
	tap_ok(mipc_share_save(share, path, 2, &none) == 0 &&
	    mipc_share_holder(share) == getpid() &&
	    loads(path, share, SIZE) && loads(older, was, SIZE) &&
	    mipc_share_unlock(share) == 0 &&
	    mipc_share_lock(share, &none) == 0 &&
	    mipc_share_unlock(share) == 0,
	    "who has repaired it saves it with that lock");
	drop(share);
}

/* ---- while it is changed ---- */

/* Words far from each other, equal whenever nobody is inside. */
static void
change_on(void *share)
{
	volatile uint64_t *word = share;

	be_ready();
	while (!said->stop) {
		if (mipc_share_lock(share, NULL) != 0)
			_exit(1);
		for (int i = 0; i < WORDS; i++)
			word[i * APART]++;
		if (mipc_share_unlock(share) != 0)
			_exit(1);
	}
}

/* What is loaded: its first word, or UINT64_MAX if they differ. */
static uint64_t
look(void)
{
	uint64_t *word = mipc_share_load(path, SIZE * APART), first;

	if (word == NULL)
		return UINT64_MAX;
	first = word[0];
	for (int i = 1; i < WORDS; i++)
		if (word[i * APART] != first)
			first = UINT64_MAX;
	drop(word);
	return first;
}

static void
test_changes(void)
{
	uint64_t *share = reserve(WORDS * APART * 8, WORDS * APART * 8);
	uint64_t found, last = 0;
	unsigned bad = 0, more = 0;
	pid_t pid[WORKERS];
	int status, ended = 0;

	for (int i = 0; i < WORKERS; i++)
		pid[i] = start(change_on, share);
	for (int i = 0; i < SAVES; i++) {
		if (mipc_share_save(share, path, 1, NULL) != 0)
			harness_die("mipc_share_save: %s", mipc_reason());
		found = look();
		if (found == UINT64_MAX || found < last) {
			bad++;
			continue;
		}
		more += found > last;
		last = found;
	}
	said->stop = true;
	for (int i = 0; i < WORKERS; i++) {
		waitpid(pid[i], &status, 0);
		ended += status == 0;
	}
	tap_ok(bad == 0 && more > SAVES / 4 && ended == WORKERS,
	    "%d saves during %llu changes by %d workers: %u found more of "
	    "them, and %u a mixture", SAVES, (unsigned long long)share[0],
	    WORKERS, more, bad);
	said->stop = false;
	drop(share);
}

/* Without the lock: a publication has writers of its own. */
static void
publish_on(void *share)
{
	static char value[VALUE];
	struct mipc_publication p;

	if (mipc_publish_open(&p, share, mipc_share_size(share), 0) != 0)
		_exit(1);
	for (int i = 0; !said->stop; i++) {
		memset(value, 'a' + i % 26, sizeof(value));
		if (mipc_publish(&p, value, sizeof(value), NULL) != 0)
			_exit(1);
		if (i == 0)
			be_ready();
	}
}

/* 0 or what is wrong. */
static int
read_published(size_t size, uint64_t *version)
{
	static char value[VALUE];
	struct mipc_publication p;
	void *share = mipc_share_load(path, size);
	int bad = 0;

	if (share == NULL)
		return 1;
	if (mipc_publish_open(&p, share, size, 0) != 0 ||
	    mipc_publish_read(&p, value, VALUE, version) != VALUE ||
	    memcmp(value, value + 1, VALUE - 1) != 0)
		bad = 1;
	else if (mipc_publish(&p, "x", 1, &none) != 0)
		bad = 1;
	drop(share);
	return bad;
}

static void
test_published(void)
{
	const size_t size = mipc_publish_size(VALUE, 3);
	uint64_t version = 0, last = 0;
	int bad = 0, more = 0, status;
	void *share = reserve(size, size);
	struct mipc_publication p;
	pid_t pid;

	if (mipc_publish_init(share, size, VALUE, 3) != 0)
		harness_die("mipc_publish_init: %s", strerror(errno));
	if (mipc_publish_open(&p, share, size, MIPC_PUBLISH_READ) != 0)
		harness_die("mipc_publish_open: %s", strerror(errno));
	pid = start(publish_on, share);
	for (int i = 0; i < VALUES; i++) {
		mipc_publish_wait(&p, last, NULL);
		bad += mipc_share_save(share, path, 1, NULL) != 0 ||
		    read_published(size, &version) != 0;
		more += version > last;
		last = version;
	}
	said->stop = true;
	waitpid(pid, &status, 0);
	tap_ok(bad == 0 && status == 0 && more == VALUES, "a value that is "
	    "published without the lock, version %llu at last, is whole and "
	    "new each of %d times", (unsigned long long)last, VALUES);
	said->stop = false;
	drop(share);
}

/* ---- what is refused ---- */

static size_t
get(char *to, size_t room)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, to, room);

	close(fd);
	if (n <= 0)
		harness_die("%s: %s", path, strerror(errno));
	return (size_t)n;
}

static void
put(const char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, bytes, size) != (ssize_t)size)
		harness_die("%s: %s", path, strerror(errno));
	close(fd);
}

static bool
is_refused(void)
{
	return no_memory(path, MOST, EIO) ||
	    no_memory(path, MOST, EPROTONOSUPPORT);
}

static void
test_damage(void)
{
	static char bytes[10000];
	char *share = reserve(100, 100);
	unsigned bad = 0, cut = 0;
	size_t size;

	memset(share, 's', 100);
	mipc_share_save(share, path, 1, NULL);
	size = get(bytes, sizeof(bytes));
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 16;
		put(bytes, size);
		bad += !is_refused();
		bytes[i] ^= 16;
		put(bytes, i);
		cut += !is_refused();
	}
	put(bytes, size);
	tap_ok(bad == 0 && size > 800 && loads(path, share, 100),
	    "with any of %zu bytes changed it is refused", size);
	tap_ok(cut == 0, "and cut off before any of them");
	drop(share);
}

static void
test_refused(void)
{
	char *share = make();

	mipc_share_save(share, path, 1, NULL);
	tap_ok(no_memory(path, SIZE - 1, EINVAL) &&
	    strstr(mipc_reason(), "above the most") != NULL &&
	    no_memory(path, 0, EINVAL) && no_memory(older, MOST, ENOENT) &&
	    no_memory("/", MOST, EPROTONOSUPPORT) &&
	    no_memory(path, SIZE_MAX, ENOMEM),
	    "too little room, too much, and what is not there are refused");
	mipc_checkpoint(mipc_share_ns(share), path, 1, NULL);
	tap_ok(no_memory(path, MOST, EINVAL),
	    "so is the checkpoint of a namespace");
	drop(share);
}

static void
test_segment(void)
{
	char *share = make(), *bytes;
	struct mipc_ns *ns = mipc_share_ns(share);
	int id = mipc_shmget(ns, IPC_PRIVATE, SIZE, 0600);

	bytes = mipc_shmat(ns, id, NULL, 0);
	if (bytes == (void *)-1)
		harness_die("mipc_shmat: %s", strerror(errno));
	memcpy(bytes, share, SIZE);
	tap_ok(mipc_checkpoint_segment(ns, id, path, 1, NULL) == 0 &&
	    loads(path, share, SIZE), "that of any segment is not");
	mipc_shmdt(ns, bytes);
	drop(share);
}

int
main(int argc, char **argv)
{
	const bool changes = argc > 1 && strcmp(argv[1], "--changes") == 0;

	if (argc > 2 && strcmp(argv[1], "--make") == 0)
		return mipc_share_save(make(), argv[2], 1, NULL);
	said = harness_shared(sizeof(*said));
	snprintf(path, sizeof(path), "%s/saved", harness_dir());
	snprintf(older, sizeof(older), "%s.1", path);
	snprintf(oldest, sizeof(oldest), "%s.2", path);
	tap_plan(changes ? 1 : 15);
	test_changes();
	if (changes)
		return tap_end();
	test_same();
	test_generations();
	test_timeouts();
	test_held();
	test_death();
	test_published();
	test_damage();
	test_refused();
	test_segment();
	return tap_end();
}
