/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backend_libc.c - what a backend has of libc, and what the one in use does.
 */
#include "backend.h"

#include <sys/vfs.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct backend *ipc;

/* ---- calls ---- */

void
backend_nothing(void)
{
}

int
libc_unshare(void)
{
	return unshare(CLONE_SYSVSEM);
}

bool
backend_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd != -1) {
		n = write(fd, text, strlen(text));
		close(fd);
	}
	return n == (ssize_t)strlen(text);
}

/* Which of the numbers in /proc/sys/kernel/sem; -1 for another file. */
static int
number_of(const char *name)
{
	static const char *in_sem[] = { "semmsl", "semmns", "semopm",
	    "semmni" };

	for (int i = 0; i < 4; i++)
		if (strcmp(in_sem[i], name) == 0)
			return i;
	return -1;
}

/* These sysctls are the reader's IPC namespace's own. */
int
libc_limit(const char *name, unsigned long long *old,
    const unsigned long long *value)
{
	unsigned long long numbers[4] = { 0 };
	int which = number_of(name), n = 0;
	char path[64], text[100];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s",
	    which == -1 ? name : "sem");
	f = fopen(path, "re");
	while (f != NULL && n < 4 && fscanf(f, "%llu", &numbers[n]) == 1)
		n++;
	if (f != NULL)
		fclose(f);
	if (n <= which || n == 0)
		return -1;
	if (which == -1)
		which = 0;
	if (old != NULL)
		*old = numbers[which];
	if (value == NULL)
		return 0;
	numbers[which] = *value;
	snprintf(text, sizeof(text), n == 1 ? "%llu" :
	    "%llu %llu %llu %llu", numbers[0], numbers[1], numbers[2],
	    numbers[3]);
	return backend_write_file(path, text) ? 0 : -1;
}

int
libc_semctl(int id, int num, int cmd, union semun arg)
{
	return semctl(id, num, cmd, arg);
}

/* ---- traits ---- */

static bool
forced(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && strcmp(value, "1") == 0;
}

/*
 * Whether a lock lives with its mapping here; where it does not, the
 * directory store sees only what still holds its descriptors.
 */
static bool
locks_live_with_mappings(void)
{
	struct statfs fs;

	if (forced("MIPC_NO_MAPLOCK"))
		return false;
	return statfs(testing_dir, &fs) == -1 ||
	    fs.f_type != OVERLAYFS_SUPER_MAGIC;
}

bool
backend_has(unsigned traits)
{
	if ((traits & SEES_MAPPINGS) != 0 &&
	    (ipc->traits & HAS_FILES) != 0 && !locks_live_with_mappings())
		return false;
	/* A lock of the process's cannot be held for a child. */
	if ((traits & EXACT_FORKS) != 0 && (ipc->traits & IS_KERNEL) == 0 &&
	    forced("MIPC_NO_OFD"))
		return false;
	return (ipc->traits & traits) == traits;
}
