/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replace_disk.c - mipc_replace_file() when it is killed at each of its system
 * calls, and when the power fails after each; then also where generations are
 * kept, as of checkpoints.
 *
 *	--broken	the library leaves out an fsync: a loss of power that
 *			spoils the file must be found
 */
#include "kill.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"
#include "mipc.h"
#include "replace.h"
#include "victim.h"

enum { OLD_SIZE = 9000, NEW_SIZE = 13000 };

static char dir[PATH_MAX], path[PATH_MAX + 16];
static unsigned char old[OLD_SIZE], new[NEW_SIZE];

static void
write_old(void)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0640);

	if (fd == -1 || write(fd, old, sizeof(old)) != sizeof(old))
		harness_die("%s: %s", path, strerror(errno));
	close(fd);
}

static void
replace(void *arg)
{
	(void)arg;
	if (mipc_replace_file(path, new, sizeof(new), 0600) != 0)
		_exit(1);
}

/* ---- loss of power ---- */

static const char *
judge_image(const struct disk_image *image, bool ended, void *arg)
{
	size_t size;
	const unsigned char *at = disk_file(image, "file", &size);

	(void)arg;
	if (at == NULL)
		return "there is no file";
	if (size == sizeof(new) && memcmp(at, new, size) == 0)
		return NULL;
	if (ended)
		return "it has returned, and there is not the new file";
	if (size == sizeof(old) && memcmp(at, old, size) == 0)
		return NULL;
	return "there is neither the old file nor the new";
}

static void
test_power(bool broken)
{
	const struct disk_test t = { .dir = dir, .body = replace,
	    .judge = judge_image, .seed = 7 };
	struct disk_result r;

	write_old();
	disk_try(&t, &r);
	if (broken)
		tap_ok(r.bad > 0, "without an fsync %u of %u images are bad: "
		    "%s", r.bad, r.images, r.what);
	else
		tap_ok(r.bad == 0 && r.entries >= 5, "power lost after any of "
		    "%u calls: each of %u images of %u changes is the old file "
		    "or the new", r.calls, r.images, r.entries);
	if (!broken && r.bad > 0)
		tap_note("%u are bad: %s", r.bad, r.what);
}

/* ---- loss of power where generations are kept ---- */

/* Contents by age: the new one, and those that were there. */
enum { NEW, OLD, OLDER, OLDEST, WHOLE };

static const size_t size_of[WHOLE] = { NEW_SIZE, OLD_SIZE, 5000, 8192 };

static void
fill(unsigned char *bytes, int age)
{
	memset(bytes, "noxy"[age], size_of[age]);
}

static void
write_generations(void)
{
	static unsigned char bytes[NEW_SIZE];
	char name[PATH_MAX + 32];

	for (int age = OLD; age < WHOLE; age++) {
		fill(bytes, age);
		snprintf(name, sizeof(name), age == OLD ? "%s" : "%s.%d", path,
		    age - OLD);
		if (mipc_replace_file(name, bytes, size_of[age], 0600) != 0)
			harness_die("%s: %s", name, strerror(errno));
	}
}

static void
replace_keeping(void *arg)
{
	struct mipc_replace r;

	(void)arg;
	if (mipc_replace_begin(&r, path, 0600) != 0)
		_exit(1);
	r.keep = 3;
	if (mipc_replace_end(&r, mipc_replace_write(&r, new, sizeof(new),
	    0)) != 0)
		_exit(1);
}

/* Which one a file of an image is; -1 there is none, WHOLE it is neither. */
static int
age_of(const struct disk_image *image, const char *name)
{
	static unsigned char bytes[NEW_SIZE];
	const unsigned char *at;
	size_t size;

	at = disk_file(image, name, &size);
	if (at == NULL)
		return -1;
	for (int age = NEW; age < WHOLE; age++) {
		fill(bytes, age);
		if (size == size_of[age] && memcmp(at, bytes, size) == 0)
			return age;
	}
	return WHOLE;
}

static const char *
judge_generations(const struct disk_image *image, bool ended, void *arg)
{
	const int age[4] = { age_of(image, "file"), age_of(image, "file.1"),
	    age_of(image, "file.2"), age_of(image, "file.3") };

	(void)arg;
	if (age[0] != NEW && age[0] != OLD)
		return "there is neither the old file nor the new";
	for (int i = 1; i < 4; i++)
		if (age[i] == WHOLE)
			return "a generation is not whole";
	if (!ended)
		return NULL;
	if (age[0] != NEW || age[1] != OLD || age[2] != OLDER || age[3] != -1)
		return "it has returned, and there are not the last three";
	return NULL;
}

static void
remove_generations(void)
{
	char name[PATH_MAX + 32];

	for (int i = 1; i < 4; i++) {
		snprintf(name, sizeof(name), "%s.%d", path, i);
		unlink(name);
	}
}

static void
test_generations(void)
{
	const struct disk_test t = { .dir = dir, .body = replace_keeping,
	    .judge = judge_generations, .seed = 8 };
	struct disk_result r;

	write_generations();
	disk_try(&t, &r);
	tap_ok(r.bad == 0 && r.entries >= 8, "with three generations kept: "
	    "each of %u images of %u changes in %u calls is the old file or "
	    "the new", r.images, r.entries, r.calls);
	if (r.bad > 0)
		tap_note("%u are bad: %s", r.bad, r.what);
	remove_generations();
}

/* ---- kills ---- */

static bool
holds(const unsigned char *bytes, size_t size)
{
	static unsigned char found[NEW_SIZE + 1];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, found, sizeof(found));

	close(fd);
	return n == (ssize_t)size && memcmp(found, bytes, size) == 0;
}

static void
replace_it(void)
{
	replace(NULL);
}

/* What is wrong when it is killed after so many calls; *left: files. */
static const char *
kill_after(uint32_t calls, int *left)
{
	const struct point p = { .calls = calls };
	bool drifted = false;
	pid_t born = 0, pid;

	write_old();
	pid = victim_start(replace_it);
	trace_to(pid, &p, &born, &drifted);
	victim_end(pid);
	*left = harness_files(dir);
	if (!holds(old, sizeof(old)) && !holds(new, sizeof(new)))
		return "there is neither the old file nor the new";
	if (mipc_replace_file(path, new, sizeof(new), 0600) != 0)
		return "the next call fails";
	if (!holds(new, sizeof(new)) || harness_files(dir) != 1)
		return "the next call leaves something";
	return NULL;
}

static void
test_kills(void)
{
	uint32_t calls;
	unsigned bad = 0, leaves = 0;
	const char *what;
	pid_t pid;
	int left;

	write_old();
	pid = victim_start(replace_it);
	calls = trace_calls(pid);
	victim_end(pid);
	for (uint32_t i = 0; i <= calls; i++) {
		what = kill_after(i, &left);
		leaves += left > 1;
		if (what != NULL && bad++ == 0)
			tap_note("killed after call %u: %s", i, what);
	}
	tap_ok(bad == 0 && calls > 5, "killed after each of %u calls it leaves "
	    "the old file or the new; %u times its name beside it, which the "
	    "next call removes", calls, leaves);
}

int
main(int argc, char **argv)
{
	const bool broken = argc > 1 && strcmp(argv[1], "--broken") == 0;

	if (!trace_available()) {
		puts("1..0 # SKIP no single step on this machine");
		return 0;
	}
	memset(old, 'o', sizeof(old));
	memset(new, 'n', sizeof(new));
	snprintf(dir, sizeof(dir), "%s/replace", harness_dir());
	if (mkdir(dir, 0700) != 0)
		harness_die("%s: %s", dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/file", dir);
	tap_plan(broken ? 1 : 3);
	test_power(broken);
	if (!broken) {
		test_generations();
		test_kills();
	}
	return tap_end();
}
