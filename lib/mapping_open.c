/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapping_open.c - from what a caller asks for to a map, and its end.
 */
#include "mapping.h"

#include <string.h>

#define PROTECTIONS	(PROT_READ | PROT_WRITE | PROT_EXEC)

/* All of mmap(2)'s that mean something here; others are refused. */
static const int known_flags = MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS |
    MAP_NORESERVE
#ifdef MAP_SHARED_VALIDATE
    | MAP_SHARED_VALIDATE
#endif
#ifdef MAP_32BIT
    | MAP_32BIT
#endif
#ifdef MAP_LOCKED
    | MAP_LOCKED
#endif
#ifdef MAP_NONBLOCK
    | MAP_NONBLOCK
#endif
#ifdef MAP_POPULATE
    | MAP_POPULATE
#endif
#ifdef MAP_STACK
    | MAP_STACK
#endif
#ifdef MAP_SYNC
    | MAP_SYNC
#endif
    ;

static int
plan_access(const struct mipc_map_how *how, struct mipc_mapping_plan *plan)
{
	if (how->prot != 0 || (how->flags & ~MAP_ANONYMOUS) != 0)
		return EINVAL;
	plan->prot = how->access == MIPC_MAP_READ ? PROT_READ :
	    PROT_READ | PROT_WRITE;
	switch (how->access) {
	case MIPC_MAP_COPY:
		plan->flags = MAP_PRIVATE;
		return 0;
	case MIPC_MAP_READ:
	case MIPC_MAP_WRITE:
		plan->flags = MAP_SHARED;
		return 0;
	}
	return EINVAL;
}

static int
plan_flags(const struct mipc_map_how *how, struct mipc_mapping_plan *plan)
{
	int kind = how->flags & (MAP_SHARED | MAP_PRIVATE);

	if ((how->prot & ~PROTECTIONS) != 0 ||
	    (how->flags & ~known_flags) != 0 || kind == 0)
		return EINVAL;
#ifdef MAP_SHARED_VALIDATE
	if (kind != MAP_SHARED && kind != MAP_PRIVATE &&
	    kind != MAP_SHARED_VALIDATE)
		return EINVAL;
#endif
	plan->prot = how->prot;
	plan->flags = how->flags & ~MAP_ANONYMOUS;
	return 0;
}

int
mipc_mapping_plan(const struct mipc_map_how *how, size_t length, int options,
    struct mipc_mapping_plan *plan)
{
	static const struct mipc_map_how usual = { .access = MIPC_MAP_WRITE };
	int error;

	memset(plan, 0, sizeof(*plan));
	if (how == NULL || (how->access == 0 && how->prot == 0 &&
	    how->flags == 0))
		error = plan_access(&usual, plan);
	else if (how->access != 0)
		error = plan_access(how, plan);
	else
		error = plan_flags(how, plan);
	if (how == NULL)
		how = &usual;
	if (error != 0 || (how->options & ~options) != 0 ||
	    (how->options & (MIPC_MAP_CREAT | MIPC_MAP_EXCL)) ==
	    MIPC_MAP_EXCL || how->offset % mipc_sys_page() != 0)
		return EINVAL;
	if (how->offset > INT64_MAX)
		return ERANGE;
	if (length > PTRDIFF_MAX || length > INT64_MAX - how->offset)
		return ENOMEM;
	plan->options = how->options;
	plan->mode = how->mode != 0 ? how->mode : 0600;
	plan->offset = how->offset;
	plan->length = length;
	plan->shared = (plan->flags & MAP_SHARED) != 0;
	return 0;
}

/* How long a map of this file is, which is made long enough. */
static int
settle_length(int fd, const struct stat *st, struct mipc_mapping_plan *plan)
{
	uint64_t size = (uint64_t)st->st_size, end;
	int error;

	if (!S_ISREG(st->st_mode))
		return plan->length == 0 ? ENODATA : 0;
	if (plan->length == 0) {
		if (size <= plan->offset)
			return ENODATA;
		if (size - plan->offset > PTRDIFF_MAX)
			return ENOMEM;
		plan->length = (size_t)(size - plan->offset);
	}
	end = plan->offset + plan->length;
	if (size >= end)
		return 0;
	if (!mipc_mapping_grows(plan))
		return ERANGE;
	error = mipc_mapping_hold_length(fd);
	if (error != 0)
		return error;
	error = mipc_mapping_lengthen(fd, plan->offset, end,
	    (plan->options & MIPC_MAP_SPARSE) != 0);
	mipc_mapping_leave_length(fd);
	return error == EBADF || error == EINVAL ? EACCES : error;
}

static int
map_file(struct mipc_map *map, int fd, struct mipc_mapping_plan *plan)
{
	struct stat st;
	int error;

	error = -mipc_sys_fstat(fd, &st);
	if (error == 0 && S_ISDIR(st.st_mode))
		error = ENODEV;
	if (error == 0)
		error = settle_length(fd, &st, plan);
	if (error != 0)
		return error;
	map->regular = S_ISREG(st.st_mode);
	map->dev = st.st_dev;
	map->ino = st.st_ino;
	return 0;
}

/* [the descriptor is ours] */
static int
make(struct mipc_map *map, int fd, struct mipc_mapping_plan *plan)
{
	void *base;
	int error = 0, flags = plan->flags;

	if (fd != -1)
		error = map_file(map, fd, plan);
	else
		flags |= MAP_ANONYMOUS;
	if (error == 0)
		error = -mipc_sys_map(NULL, plan->length, plan->prot, flags,
		    fd, plan->offset, &base);
	if (error != 0)
		return error;
	map->base = base;
	map->length = plan->length;
	map->offset = plan->offset;
	map->prot = plan->prot;
	map->options = plan->options;
	map->shared = plan->shared;
	map->steady = fd == -1;
	map->opener = mipc_sys_pid();
	return 0;
}

int
mipc_mapping_make(int fd, const struct mipc_mapping_plan *asked,
    const char *path, struct mipc_map **out)
{
	struct mipc_mapping_plan plan = *asked;
	struct mipc_map *map;
	int error;

	error = mipc_mapping_new(path, &map);
	if (error == 0) {
		error = make(map, fd, &plan);
		if (error != 0)
			mipc_mapping_drop(map);
	}
	if (error == 0 && fd != -1 && (plan.options & MIPC_MAP_FORGET) == 0)
		map->fd = mipc_sys_move_high(fd);
	else if (fd != -1)
		mipc_sys_close(fd);
	if (error == 0)
		*out = map;
	return error;
}

/* The name, unless it is another file's by now. */
static void
remove_name(const struct mipc_map *map)
{
	struct stat st;

	if (map->path[0] != '\0' && map->opener == mipc_sys_pid() &&
	    mipc_sys_stat(AT_FDCWD, map->path, &st, AT_SYMLINK_NOFOLLOW) == 0
	    && st.st_dev == map->dev && st.st_ino == map->ino)
		mipc_sys_unlink(AT_FDCWD, map->path, 0);
}

MIPC_PUBLIC int
mipc_map_close(struct mipc_map *map)
{
	struct stat st;

	if (map == NULL)
		return mipc_mapping_end(EBADF);
	if (map->base == NULL)
		return 0;
	remove_name(map);
	mipc_mapping_unlock_all(map);
	mipc_sys_unmap(map->base, map->length);
	map->base = NULL;
	if (mipc_mapping_look(map, &st) == 0)
		mipc_sys_close(map->fd);
	map->fd = -1;
	return 0;
}

MIPC_PUBLIC int
mipc_map_closed(const struct mipc_map *map)
{
	return !mipc_mapping_is_open(map);
}

MIPC_PUBLIC void
mipc_map_free(struct mipc_map *map)
{
	if (map == NULL)
		return;
	mipc_map_close(map);
	mipc_mapping_drop(map);
}
