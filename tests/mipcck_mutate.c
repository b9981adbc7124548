/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcck_mutate.c - random bytes over any file of a namespace: the check ends,
 * and after a repair nothing is wrong and the namespace can be used.
 *
 * mipcck_mutate DIR WORK SEED TIMES: the namespace in DIR, which nobody uses,
 * is copied to WORK, broken there and repaired, so many times.  A seed and a
 * number say what was done.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mipc.h"

#define FILES	64

static uint64_t state;
static struct { char name[64]; off_t size; } file[FILES];
static int files;
static char text[64][400];		/* of findings */
static int texts;

static uint64_t
random_word(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* --- copies ------------------------------------------------------------ */

static void
copy_data(int from, int to, off_t size)
{
	static char buf[65536];
	off_t at = 0, end;
	ssize_t n;

	if (ftruncate(to, size) != 0)
		err(2, "ftruncate");
	while ((at = lseek(from, at, SEEK_DATA)) != -1) {
		end = lseek(from, at, SEEK_HOLE);
		for (; at < end; at += n) {
			n = end - at < (off_t)sizeof(buf) ? end - at :
			    (off_t)sizeof(buf);
			n = pread(from, buf, (size_t)n, at);
			if (n <= 0 || pwrite(to, buf, (size_t)n, at) != n)
				err(2, "copy");
		}
	}
}

static void
copy_one(int from, int to, const char *name)
{
	char link[200];
	struct stat st;
	ssize_t n;
	int in, out;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		err(2, "%s", name);
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(from, name, link, sizeof(link) - 1);
		link[n < 0 ? 0 : n] = '\0';
		if (symlinkat(link, to, name) != 0)
			err(2, "%s", name);
		return;
	}
	in = openat(from, name, O_RDONLY);
	out = openat(to, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (in < 0 || out < 0 || fchmod(out, st.st_mode & 0777) != 0)
		err(2, "%s", name);
	copy_data(in, out, st.st_size);
	if (files < FILES && st.st_size > 0) {
		snprintf(file[files].name, sizeof(file[files].name), "%s",
		    name);
		file[files++].size = st.st_size;
	}
	close(in);
	close(out);
}

static void
copy_all(const char *dir, const char *work)
{
	int from = open(dir, O_RDONLY | O_DIRECTORY), to;
	struct dirent *e;
	DIR *d;

	files = 0;
	if (mkdir(work, 0700) != 0 ||
	    (to = open(work, O_RDONLY | O_DIRECTORY)) < 0)
		err(2, "%s", work);
	d = fdopendir(from);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			copy_one(from, to, e->d_name);
	closedir(d);
	close(to);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void
remove_all(const char *work)
{
	if (nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 &&
	    errno != ENOENT)
		err(2, "%s", work);
}

/* --- mutations --------------------------------------------------------- */

/* Somewhere in a file, where it has data. */
static off_t
place(int fd, off_t size)
{
	off_t at = (off_t)(random_word() % (uint64_t)size), data;

	if (random_word() % 3 == 0)
		at %= 2048;		/* what is said first */
	data = lseek(fd, at, SEEK_DATA);
	if (data == -1)
		data = lseek(fd, 0, SEEK_DATA);
	if (data > at)
		data += (off_t)(random_word() % 4096);
	return data < 0 || data >= size ? 0 : data;
}

static uint64_t
value(void)
{
	static const uint64_t some[] = { 0, 1, 2, 3, 0xff, 0xffff, 0x7fffffff,
	    0xffffffff, UINT64_MAX, 1ull << 63, 4096, 1ull << 32 };

	return random_word() % 2 == 0 ? random_word() :
	    some[random_word() % (sizeof(some) / sizeof(some[0]))];
}

static void
mutate(const char *work)
{
	uint64_t n = 1 + random_word() % 4, word;
	char path[600];
	size_t bytes;
	off_t at;
	int fd, f;

	while (n-- > 0) {
		f = (int)(random_word() % (uint64_t)files);
		snprintf(path, sizeof(path), "%s/%s", work, file[f].name);
		fd = open(path, O_RDWR);
		if (fd < 0)
			err(2, "%s", path);
		if (random_word() % 50 == 0) {
			if (ftruncate(fd, (off_t)(random_word() %
			    (uint64_t)file[f].size)) != 0)
				err(2, "%s", path);
		} else {
			at = place(fd, file[f].size);
			word = value();
			bytes = random_word() % 3 == 0 ? 1 : 8;
			if (bytes == 8)
				at &= ~(off_t)7;
			if (pwrite(fd, &word, bytes, at) < 0)
				err(2, "%s", path);
		}
		close(fd);
	}
}

/* --- what must be so --------------------------------------------------- */

static void
note(void *arg, const struct mipc_check_finding *f)
{
	(void)arg;
	if (texts < 64)
		snprintf(text[texts++], sizeof(text[0]), "%d %s: %s",
		    (int)f->weight, f->where, f->what);
}

static int
fail(uint64_t seed, unsigned long n, const char *what)
{
	printf("seed %llu, number %lu: %s\n", (unsigned long long)seed, n,
	    what);
	for (int i = 0; i < texts; i++)
		printf("    %s\n", text[i]);
	return 1;
}

/* A limit is what anybody set it to, also one that leaves no room. */
static bool
has_room(struct mipc_ns *ns)
{
	static const char *const names[] = { "semmni", "semmsl", "semmns" };
	const unsigned long long usual = 32000;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (mipc_limit(ns, names[i], NULL, &usual) != 0)
			return false;
	return true;
}

/* It can be opened, and everything in it be used or said to be damaged. */
static bool
is_usable(const char *work)
{
	struct mipc_ns *ns = mipc_open(work, 0);
	int id;

	if (ns == NULL || !has_room(ns))
		return false;
	id = mipc_semget(ns, IPC_PRIVATE, 1, IPC_CREAT | 0600);
	if (id < 0 || mipc_semctl(ns, id, 0, IPC_RMID) != 0)
		return false;
	id = mipc_msgget(ns, 7, 0);
	if (id >= 0 && mipc_msgrcv(ns, id, text, 8192, 0, IPC_NOWAIT) < 0 &&
	    errno != ENOMSG && errno != E2BIG)
		return false;
	return mipc_close(ns) == 0;
}

int
main(int argc, char **argv)
{
	uint64_t seed;
	int first;

	if (argc != 5)
		errx(2, "usage: mipcck_mutate DIR WORK SEED TIMES");
	seed = strtoull(argv[3], NULL, 10);
	for (unsigned long n = 0; n < strtoul(argv[4], NULL, 10); n++) {
		state = (seed * 1000003 + n + 1) * 0x9e3779b97f4a7c15u;
		texts = 0;
		remove_all(argv[2]);
		copy_all(argv[1], argv[2]);
		mutate(argv[2]);
		alarm(20);
		first = mipc_check(argv[2], 0, note, NULL);
		if (first != 0 && first != MIPC_CHECK_DAMAGED)
			return fail(seed, n, "the check fails");
		first = mipc_check(argv[2], MIPC_CHECK_REPAIR, note, NULL);
		if (first != 0 && first != MIPC_CHECK_REPAIRED)
			return fail(seed, n, "it is not repaired");
		if (mipc_check(argv[2], 0, note, NULL) != 0)
			return fail(seed, n, "it is repaired and damaged");
		if (!is_usable(argv[2]))
			return fail(seed, n, strerror(errno));
	}
	remove_all(argv[2]);
	return 0;
}
