/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.c - lines, seeds, directories and processes of the test programs
 * that speak TAP themselves.
 *
 * The private directory outlives no one: a watcher process holds the reading
 * end of a pipe whose writing end only its owner has, so that the end of the
 * owner, however it comes, is the order to remove it.
 */
#include "harness.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- TAP ---- */

static int planned, done, failed;

void
tap_plan(int tests)
{
	planned = tests;
	printf("1..%d\n", tests);
	fflush(stdout);
}

static void
tap_line(const char *verdict, const char *fmt, va_list ap, const char *why)
{
	printf("%s %d - ", verdict, ++done);
	vprintf(fmt, ap);
	if (why != NULL)
		printf(" # SKIP %s", why);
	putchar('\n');
	fflush(stdout);
}

void
tap_ok(bool good, const char *fmt, ...)
{
	va_list ap;

	failed += !good;
	va_start(ap, fmt);
	tap_line(good ? "ok" : "not ok", fmt, ap, NULL);
	va_end(ap);
}

void
tap_skip(const char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line("ok", fmt, ap, why);
	va_end(ap);
}

void
tap_note(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

int
tap_end(void)
{
	return failed != 0 || done != planned;
}

/* ---- numbers: splitmix64 ---- */

void
rng_seed(struct rng *r, uint64_t seed)
{
	r->state = seed;
}

uint64_t
rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

unsigned
rng_below(struct rng *r, unsigned n)
{
	return (unsigned)((rng_next(r) >> 32) * n >> 32);
}

bool
rng_chance(struct rng *r, unsigned percent)
{
	return rng_below(r, 100) < percent;
}

uint64_t
rng_entropy(void)
{
	uint32_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint32_t)getpid();
	return seed;
}

double
harness_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- the directory ---- */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
harness_remove(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int
harness_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	if (d == NULL)
		harness_die("%s: %s", dir, strerror(errno));
	while ((e = readdir(d)) != NULL)
		n += strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

/* Wait in a process of its own for the end of its parent, then clean. */
static void
watch(const char *dir)
{
	int end[2];
	char byte;
	pid_t pid;

	if (pipe2(end, O_CLOEXEC) == -1)
		harness_die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid == -1)
		harness_die("fork: %s", strerror(errno));
	if (pid != 0) {
		close(end[0]);
		return;		/* end[1] stays open as long as we live */
	}
	setsid();		/* what a terminal kills is not us */
	close(end[1]);
	close(STDOUT_FILENO);	/* whoever reads our lines need not wait */
	while (read(end[0], &byte, 1) == -1 && errno == EINTR)
		;
	harness_remove(dir);
	_exit(0);
}

static bool
is_writable_dir(const char *dir)
{
	return dir != NULL && access(dir, W_OK | X_OK) == 0;
}

const char *
harness_dir(void)
{
	static char dir[PATH_MAX];
	const char *base = getenv("MIPC_TEST_DIR");

	if (dir[0] != '\0')
		return dir;
	if (base == NULL)
		base = is_writable_dir("/dev/shm") ? "/dev/shm" :
		    getenv("TMPDIR");
	if (base == NULL)
		base = "/tmp";
	snprintf(dir, sizeof(dir), "%s/mipc-test.XXXXXX", base);
	if (mkdtemp(dir) == NULL)
		harness_die("%s: %s", dir, strerror(errno));
	chmod(dir, 0711);	/* for the tests that drop to another uid */
	watch(dir);
	return dir;
}

/* ---- processes ---- */

void
harness_die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

pid_t
harness_fork(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == -1)
		harness_die("fork: %s", strerror(errno));
	if (pid == 0)
		harness_die_with_parent();
	return pid;
}

void
harness_wait(_Atomic uint32_t *word, uint32_t old, double seconds)
{
	const double end = harness_now() + seconds;

	while (atomic_load(word) == old) {
		double left = end - harness_now();
		struct timespec ts = { .tv_sec = (time_t)left };

		if (left <= 0)
			return;
		ts.tv_nsec = (long)((left - (double)ts.tv_sec) * 1e9);
		syscall(SYS_futex, word, FUTEX_WAIT, old, &ts, NULL, 0);
	}
}

void
harness_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void
harness_raise(_Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	harness_wake(word);
}

void *
harness_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		harness_die("mmap: %s", strerror(errno));
	return p;
}

int
harness_reap(pid_t pid, double seconds)
{
	struct pollfd end = { .fd = -1, .events = POLLIN };
	int status = -1;

	end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (end.fd == -1)
		harness_die("pidfd_open: %s", strerror(errno));
	if (poll(&end, 1, (int)(seconds * 1000)) == 1 &&
	    waitpid(pid, &status, 0) != pid)
		status = -1;
	close(end.fd);
	return status;
}

const char *
harness_value(int argc, char **argv, int *i)
{
	if (*i + 1 >= argc)
		harness_die("%s: it needs a value", argv[*i]);
	return argv[++*i];
}

void
harness_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	fflush(stdout);
	_exit(2);
}
