/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * private.c - the directories of private namespaces.
 *
 * Their names say whose they are, so that what was left behind when a
 * program and its guardian were both killed is found and removed by the next
 * one.  Nobody lives in a namespace that is just being made; so it is made
 * under another name, which is left alone for a minute.
 */
#include "mipcrun.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MADE	"mipc-private-"
#define MAKING	"mipc-new-"

enum { MAKING_SECONDS = 60, MAX_TRIES = 100 };

static const char *
base_directory(void)
{
	const char *tmp = getenv("TMPDIR");

	if (access("/dev/shm", W_OK | X_OK) == 0)
		return "/dev/shm";
	return tmp != NULL && *tmp == '/' ? tmp : "/tmp";
}

/* Write prefix and uid, as all names of this user begin. */
static void
begin_name(char *name, size_t size, const char *prefix)
{
	snprintf(name, size, "%s%lu-", prefix, (unsigned long)geteuid());
}

static void
random_name(char *path, size_t size, const char *prefix)
{
	char name[64];
	uint32_t number;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(number))
		number = (uint32_t)time(NULL) * 65537u ^ (uint32_t)getpid();
	begin_name(name, sizeof(name), prefix);
	snprintf(path, size, "%s/%s%08x", base_directory(), name, number);
}

bool
private_live_in(struct mipc_ns *ns)
{
	struct shmid_ds usage;

	_Static_assert(sizeof(usage) >= sizeof(struct shm_info), "buffer");
	return mipc_shmctl(ns, 0, SHM_INFO, &usage) != -1;
}

/* Give it its name; false with errno. */
static bool
settle(const char *from, char *dir, size_t size)
{
	for (int i = 0; i < MAX_TRIES; i++) {
		random_name(dir, size, MADE);
		if (rename(from, dir) == 0)
			return true;
		if (errno != EEXIST && errno != ENOTEMPTY)
			break;
	}
	return false;
}

struct mipc_ns *
private_make(char *dir, size_t size)
{
	struct mipc_ns *ns = NULL;
	char making[4096];

	for (int i = 0; i < MAX_TRIES && ns == NULL; i++) {
		random_name(making, sizeof(making), MAKING);
		ns = mipc_open(making, MIPC_CREAT | MIPC_EXCL);
		if (ns == NULL && errno != EEXIST)
			break;
	}
	if (ns == NULL) {
		complain("%s", mipc_reason());
		return NULL;
	}
	if (!private_live_in(ns) || !settle(making, dir, size)) {
		complain("%s: %s", making, strerror(errno));
		mipc_destroy(making);
		return NULL;
	}
	/* Again, so that the handle knows the name it has now. */
	ns = mipc_open(dir, 0);
	if (ns == NULL || !private_live_in(ns)) {
		complain("%s: %s", dir, ns == NULL ? mipc_reason() :
		    strerror(errno));
		mipc_destroy(dir);
		return NULL;
	}
	return ns;
}

static bool
begins_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static bool
is_fresh(const char *path)
{
	struct stat st;

	return lstat(path, &st) == -1 ||
	    st.st_mtime > time(NULL) - MAKING_SECONDS;
}

/* What is no namespace yet is an empty directory, or not ours to remove. */
static void
remove_dead(const char *path)
{
	if (mipc_destroy(path) == -1 && errno == ENOENT)
		rmdir(path);
}

void
private_sweep(void)
{
	const char *base = base_directory();
	char made[64], making[64], path[4096];
	DIR *dir = opendir(base);

	if (dir == NULL)
		return;
	begin_name(made, sizeof(made), MADE);
	begin_name(making, sizeof(making), MAKING);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (snprintf(path, sizeof(path), "%s/%s", base,
		    entry->d_name) >= (int)sizeof(path))
			continue;
		if (begins_with(entry->d_name, made) ||
		    (begins_with(entry->d_name, making) && !is_fresh(path)))
			remove_dead(path);
	}
	closedir(dir);
}
