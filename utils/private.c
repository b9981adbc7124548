/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * private.c - the directories of private namespaces.
 *
 * Their names say whose they are, so that what was left behind when a
 * program and its guardian were both killed is found and removed by the next
 * mipcrun.  For an instant nobody lives in a namespace that is new, and a
 * sweep may take it for dead; its maker sees that, and makes another.  Who
 * will live there holds a lock on the directory, which sweeps share.
 */
#include "mipcrun.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX	"mipc-private-"

enum { MAX_TRIES = 100 };

static const char *
base_directory(void)
{
	const char *tmp = getenv("TMPDIR");

	if (access("/dev/shm", W_OK | X_OK) == 0)
		return "/dev/shm";
	return tmp != NULL && *tmp == '/' ? tmp : "/tmp";
}

/* As all names of this user begin. */
static void
begin_name(char *name, size_t size)
{
	snprintf(name, size, PREFIX "%lu-", (unsigned long)geteuid());
}

static void
random_name(char *path, size_t size)
{
	char name[64];
	uint32_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(number))
		number = (uint32_t)time(NULL) * 65537u ^ (uint32_t)getpid();
	begin_name(name, sizeof(name));
	snprintf(path, size, "%s/%s%08x", base_directory(), name, number);
}

bool
private_live_in(struct mipc_ns *ns)
{
	struct shmid_ds usage;

	_Static_assert(sizeof(usage) >= sizeof(struct shm_info), "buffer");
	return mipc_shmctl(ns, 0, SHM_INFO, &usage) != -1;
}

/*
 * True if the new namespace is ours to stay.  Making a segment takes the
 * namespace's lock, and mipc_destroy() keeps that while it looks for lives
 * and removes the files: a sweep that has not seen ours is over when the
 * segment is made, and then the path leads elsewhere.
 */
static bool
stays(struct mipc_ns *ns, const char *dir)
{
	int id = mipc_shmget(ns, IPC_PRIVATE, 1, 0600), error = errno;
	struct mipc_ns *again = mipc_open(dir, 0);

	if (again != NULL)
		mipc_close(again);
	if (id != -1)
		mipc_shmctl(ns, id, IPC_RMID, NULL);
	if (again == ns && id == -1)
		warnx("%s: %s", dir, strerror(error));
	errno = again == ns ? error : ENOENT;
	return again == ns && id != -1;
}

struct mipc_ns *
private_make(char *dir, size_t size)
{
	struct mipc_ns *ns;

	for (int i = 0; i < MAX_TRIES; i++) {
		random_name(dir, size);
		ns = mipc_open(dir, MIPC_CREAT | MIPC_EXCL);
		if (ns == NULL && errno != EEXIST && errno != ENOENT)
			break;
		if (ns != NULL && stays(ns, dir))
			return ns;
		if (ns != NULL && errno != ENOENT) {
			mipc_destroy(dir);
			return NULL;
		}
		if (ns != NULL)
			mipc_close(ns);
	}
	warnx("%s", mipc_reason());
	return NULL;
}

static bool
begins_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

void
private_hold(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* A sweep that has begun finds somebody alive, and ends. */
	while (fd != -1 && flock(fd, LOCK_EX) == -1 && errno == EINTR)
		continue;
}

/* What is no namespace yet is an empty directory. */
static void
remove_dead(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0 &&
	    mipc_destroy(path) == -1 && errno == ENOENT)
		rmdir(path);
	close(fd);
}

void
private_sweep(void)
{
	const char *base = base_directory();
	char start[64], path[4096];
	DIR *dir = opendir(base);

	if (dir == NULL)
		return;
	begin_name(start, sizeof(start));
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (begins_with(entry->d_name, start) &&
		    snprintf(path, sizeof(path), "%s/%s", base,
		    entry->d_name) < (int)sizeof(path))
			remove_dead(path);
	closedir(dir);
}
