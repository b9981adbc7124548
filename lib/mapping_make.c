/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapping_make.c - which file a map is of: by path, by name, by descriptor, a
 * memfd, or none.
 *
 * A file that is made appears at its path when it has its length: it is made
 * without a name and linked into place, or under a private one and renamed,
 * never over another; who finds that somebody was first opens that one's.
 */
#include "mapping.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"

#define SHM	"/dev/shm"

struct place {
	char path[PATH_MAX];	/* absolute */
	char dir[PATH_MAX];	/* of the file */
	char own[PATH_MAX];	/* its private name, "" none */
};

/* A map, or NULL with errno. */
static struct mipc_map *
end(int error, struct mipc_map *map)
{
	if (error == 0)
		return map;
	errno = error;
	return NULL;
}

static int
find_place(const char *path, struct place *place)
{
	int length, n = 0;

	place->own[0] = '\0';
	if (path == NULL || path[0] == '\0')
		return ENOENT;
	if (path[0] != '/') {
		n = mipc_sys_getcwd(place->path, sizeof(place->path));
		if (n < 0)
			return -n;
		place->path[n - 1] = '/';	/* in place of the terminator */
	}
	length = snprintf(place->path + n, sizeof(place->path) - (size_t)n,
	    "%s", path);
	if ((size_t)n + (size_t)length >= sizeof(place->path))
		return ENAMETOOLONG;
	memcpy(place->dir, place->path, sizeof(place->dir));
	strrchr(place->dir, '/')[1] = '\0';
	return 0;
}

/* A file without a name in a directory, or with one of its own. */
static int
make_nameless(const char *dir, mode_t mode, char own[PATH_MAX])
{
	static mipc_u32 serial;
	int r = -EOPNOTSUPP;

	own[0] = '\0';
	if (!mipc_sys_forced("MIPC_NO_OTMPFILE"))
		r = mipc_sys_open(AT_FDCWD, dir, O_TMPFILE | O_RDWR, mode);
	if (r != -EOPNOTSUPP && r != -EISDIR && r != -EINVAL)
		return r;
	do {
		if (snprintf(own, PATH_MAX, "%s/.mipc-%d-%u-%llu", dir,
		    mipc_sys_pid(), (unsigned)mipc_add(&serial, 1),
		    (unsigned long long)mipc_sys_monotonic_ns()) >= PATH_MAX)
			return -ENAMETOOLONG;
		r = mipc_sys_open(AT_FDCWD, own, O_CREAT | O_EXCL | O_RDWR |
		    O_NOFOLLOW, mode);
	} while (r == -EEXIST);
	if (r < 0)
		own[0] = '\0';
	return r;
}

/* One with its whole length, at its path: a descriptor, or -EEXIST. */
static int
make_whole(struct place *place, const struct mipc_mapping_plan *plan)
{
	int fd, r;

	if (plan->length == 0)
		return -ENODATA;
	if (!mipc_mapping_grows(plan))
		return -EINVAL;
	fd = make_nameless(place->dir, plan->mode, place->own);
	if (fd < 0)
		return fd;
	r = -mipc_mapping_lengthen(fd, plan->offset,
	    plan->offset + plan->length,
	    (plan->options & MIPC_MAP_SPARSE) != 0);
	if (r == 0)
		r = place->own[0] == '\0' ?
		    mipc_sys_link_fd(fd, AT_FDCWD, place->path) :
		    mipc_sys_rename_new(AT_FDCWD, place->own, place->path);
	if (r == 0)
		return fd;
	if (place->own[0] != '\0')
		mipc_sys_unlink(AT_FDCWD, place->own, 0);
	mipc_sys_close(fd);
	return r;
}

static int
open_existing(const struct place *place, const struct mipc_mapping_plan *plan,
    int flags)
{
	/* O_NONBLOCK: a pipe without a writer is refused, not waited for. */
	return mipc_sys_open(AT_FDCWD, place->path, flags | O_NONBLOCK |
	    (mipc_mapping_grows(plan) ? O_RDWR : O_RDONLY), 0);
}

/* A descriptor, or a negative errno; *made if there was no such file. */
static int
open_or_make(struct place *place, const struct mipc_mapping_plan *plan,
    int flags, bool *made)
{
	bool creat = (plan->options & MIPC_MAP_CREAT) != 0;
	bool excl = (plan->options & MIPC_MAP_EXCL) != 0;
	int r = -ENOENT;

	*made = false;
	for (;;) {
		if (!excl)
			r = open_existing(place, plan, flags);
		if (r != -ENOENT || !creat)
			return r;
		r = make_whole(place, plan);
		*made = r >= 0;
		if (r != -EEXIST || excl)
			return r;
	}
}

/* In a directory, for as long as it is used: -ENOTDIR if it is none. */
static int
open_in(struct place *place, const struct mipc_mapping_plan *plan)
{
	struct stat st;
	int r;

	r = mipc_sys_stat(AT_FDCWD, place->path, &st, 0);
	if (r != 0 || !S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (plan->length == 0)
		return -ENODATA;
	r = make_nameless(place->path, plan->mode, place->own);
	if (r >= 0 && place->own[0] != '\0')
		mipc_sys_unlink(AT_FDCWD, place->own, 0);
	return r;
}

static int
open_path(const char *path, const struct mipc_mapping_plan *plan, int flags,
    struct mipc_map **out)
{
	bool temporary = (plan->options & MIPC_MAP_TEMPORARY) != 0;
	bool made = false, named = temporary;
	struct place place;
	int error, fd = -ENOTDIR;

	error = find_place(path, &place);
	if (error != 0)
		return error;
	if (temporary)
		fd = open_in(&place, plan);
	if (fd == -ENOTDIR)
		fd = open_or_make(&place, plan, flags, &made);
	else
		named = false;
	if (fd < 0)
		return fd == -ENXIO ? ENODEV : -fd;
	error = mipc_mapping_make(fd, plan, named ? place.path : "", out);
	if (error != 0 && made)
		mipc_sys_unlink(AT_FDCWD, place.path, 0);
	return error;
}

#define FILE_OPTIONS (MIPC_MAP_CREAT | MIPC_MAP_EXCL | MIPC_MAP_TEMPORARY | \
	MIPC_MAP_SPARSE | MIPC_MAP_FORGET)
#define MEMORY_OPTIONS (MIPC_MAP_SPARSE | MIPC_MAP_FORGET)

static bool
says_anonymous(const struct mipc_map_how *how)
{
	return how != NULL && (how->flags & MAP_ANONYMOUS) != 0;
}

/* Of a file: flags that ask for none are refused. */
static int
plan_file(const struct mipc_map_how *how, size_t length,
    struct mipc_mapping_plan *plan)
{
	return says_anonymous(how) ? EINVAL :
	    mipc_mapping_plan(how, length, FILE_OPTIONS, plan);
}

MIPC_PUBLIC struct mipc_map *
mipc_map_open(const char *path, size_t length, const struct mipc_map_how *how)
{
	struct mipc_mapping_plan plan;
	struct mipc_map *map = NULL;
	int error = plan_file(how, length, &plan);

	if (error == 0)
		error = open_path(path, &plan, 0, &map);
	return end(error, map);
}

/* A name's file: in the directory that shm_open(3) has, or for other files. */
static int
name_path(const char *name, char path[PATH_MAX])
{
	struct stat st;
	const char *dir = SHM;

	if (name == NULL)
		return EINVAL;
	if (name[0] == '/')
		name++;
	if (name[0] == '\0' || strchr(name, '/') != NULL ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return EINVAL;
	if (mipc_sys_stat(AT_FDCWD, SHM, &st, 0) != 0) {
		dir = getenv("TMPDIR");
		if (dir == NULL || dir[0] != '/')
			dir = "/tmp";
	}
	if (strlen(name) > NAME_MAX || snprintf(path, PATH_MAX, "%s/%s", dir,
	    name) >= PATH_MAX)
		return ENAMETOOLONG;
	return 0;
}

MIPC_PUBLIC struct mipc_map *
mipc_map_name(const char *name, size_t length, const struct mipc_map_how *how)
{
	char path[PATH_MAX];
	struct mipc_mapping_plan plan;
	struct mipc_map *map = NULL;
	int error = plan_file(how, length, &plan);

	if (error == 0)
		error = name_path(name, path);
	if (error == 0)
		error = open_path(path, &plan, O_NOFOLLOW, &map);
	return end(error, map);
}

MIPC_PUBLIC int
mipc_map_unlink(const char *name)
{
	char path[PATH_MAX];
	int error;

	error = name_path(name, path);
	if (error == 0)
		error = -mipc_sys_unlink(AT_FDCWD, path, 0);
	return mipc_mapping_end(error);
}

MIPC_PUBLIC struct mipc_map *
mipc_map_open_fd(int fd, size_t length, const struct mipc_map_how *how)
{
	struct mipc_mapping_plan plan;
	struct mipc_map *map = NULL;
	int error = EINVAL;

	if (!says_anonymous(how))
		error = mipc_mapping_plan(how, length, MEMORY_OPTIONS, &plan);
	if (error != 0)
		return end(error, NULL);
	fd = mipc_sys_dup_above(fd, 0);
	if (fd < 0)
		return end(-fd, NULL);
	error = mipc_mapping_make(fd, &plan, "", &map);
	return end(error, map);
}

static int
plan_memory(const struct mipc_map_how *how, size_t length,
    struct mipc_mapping_plan *plan)
{
	int error = mipc_mapping_plan(how, length, MEMORY_OPTIONS, plan);

	if (error == 0 && (length == 0 || plan->offset != 0))
		error = EINVAL;
	return error;
}

/* Its length is given to it here: a map for reading alone has one too. */
static int
make_memfd(const char *name, const struct mipc_mapping_plan *plan,
    struct mipc_map **out)
{
	int error, fd;

	fd = mipc_sys_memfd(name);
	if (fd < 0)
		return -fd;
	error = mipc_mapping_lengthen(fd, 0, plan->length,
	    (plan->options & MIPC_MAP_SPARSE) != 0);
	if (error != 0) {
		mipc_sys_close(fd);
		return error;
	}
	return mipc_mapping_make(fd, plan, "", out);
}

MIPC_PUBLIC struct mipc_map *
mipc_map_memfd(const char *name, size_t length,
    const struct mipc_map_how *how)
{
	struct mipc_mapping_plan plan;
	struct mipc_map *map = NULL;
	int error = EINVAL;

	if (!says_anonymous(how))
		error = plan_memory(how, length, &plan);
	if (error == 0)
		error = make_memfd(name, &plan, &map);
	return end(error, map);
}

MIPC_PUBLIC struct mipc_map *
mipc_map_anon(size_t length, const struct mipc_map_how *how)
{
	struct mipc_mapping_plan plan;
	struct mipc_map *map = NULL;
	int error;

	error = plan_memory(how, length, &plan);
	if (error != 0)
		return end(error, NULL);
	if (!plan.shared || (plan.options & MIPC_MAP_FORGET) != 0) {
		error = mipc_mapping_make(-1, &plan, "", &map);
	} else {
		plan.options |= MIPC_MAP_SPARSE;
		error = make_memfd("mipc-anon", &plan, &map);
	}
	return end(error, map);
}
