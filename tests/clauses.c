/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clauses.c - calls that must succeed, and the files of a namespace.
 */
#include "clauses.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct who nobody = { .uid = 65534, .gid = 65534 };
const struct who somebody = { .uid = 65533, .gid = 65533 };
const struct who worker = { .uid = 65532, .gid = 65532 };

/* ---- calls that must succeed ---- */

int
make_one(key_t key, int mode)
{
	int id = kind.get(key, kind.size, IPC_CREAT | mode);

	must(id != -1);
	return id;
}

int
make_sized(unsigned long size)
{
	int id = kind.get(IPC_PRIVATE, size, IPC_CREAT | 0600);

	must(id != -1);
	return id;
}

void
remove_one(int id)
{
	must_eq(kind.remove(id), 0);
}

struct ipc_perm
perm_of(int id)
{
	struct sight now;

	must_eq(kind.look(id, IPC_STAT, &now), 0);
	return now.perm;
}

void
set_owner(int id, uid_t uid, gid_t gid, int mode)
{
	struct ipc_perm perm = perm_of(id);

	perm.uid = uid;
	perm.gid = gid;
	perm.mode = (unsigned short)mode;
	must_eq(kind.set(id, &perm), 0);
}

bool
may_limit(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", kind.limits);
	return access(path, W_OK) == 0;
}

void
set_limit(const char *name, unsigned long long to)
{
	if (ipc->limit(name, NULL, &to) == 0)
		return;
	if (backend_has(IS_KERNEL) && !may_limit())
		testing_skip("/proc/sys/kernel is read-only here");
	testing_fail(__FILE__, __LINE__, "limit %s", name);
}

/* ---- files ---- */

const char *
file_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.3900s/%.100s", testing_dir, name);
	return path;
}

const char *
file_of_id(const char *before, int id, const char *after)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%d%s", before, id, after);
	return file_of(name);
}

const char *
file_of_one(int id)
{
	char before[8];

	snprintf(before, sizeof(before), "%.6s.", clauses.name);
	return file_of_id(before, id, "");
}

int
count_files(const char *prefix)
{
	DIR *dir = opendir(testing_dir);
	struct dirent *e;
	int n = 0;

	must(dir != NULL);
	while ((e = readdir(dir)) != NULL)
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return n;
}
