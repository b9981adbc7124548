/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapping_size.c - how long a map and its file are, and what is said of its
 * pages: flush, advise, protect.
 */
#include "mapping.h"

MIPC_PUBLIC size_t
mipc_map_granularity(void)
{
	return mipc_sys_page();
}

MIPC_PUBLIC size_t
mipc_map_length(const struct mipc_map *map)
{
	return mipc_mapping_is_open(map) ? map->length : 0;
}

MIPC_PUBLIC unsigned long long
mipc_map_offset(const struct mipc_map *map)
{
	return mipc_mapping_is_open(map) ? map->offset : 0;
}

MIPC_PUBLIC int
mipc_map_descriptor(const struct mipc_map *map)
{
	if (!mipc_mapping_is_open(map) || map->fd == -1)
		return mipc_mapping_end(EBADF);
	return map->fd;
}

MIPC_PUBLIC long long
mipc_map_size(const struct mipc_map *map)
{
	struct stat st;
	int error = 0;

	if (mipc_mapping_is_open(map) && map->fd == -1 && map->steady)
		return (long long)map->length;
	error = mipc_mapping_is_open(map) ? mipc_mapping_look(map, &st) :
	    EBADF;
	return error == 0 ? (long long)st.st_size : mipc_mapping_end(error);
}

/* Can it be resized at all? */
static int
judge(const struct mipc_map *map, size_t length, struct stat *st)
{
	if (!mipc_mapping_is_open(map))
		return EBADF;
	if (length == 0)
		return EINVAL;
	if (length > PTRDIFF_MAX || map->offset > (uint64_t)INT64_MAX - length)
		return EFBIG;
	if (map->fd == -1)
		return map->steady ? ENOTSUP : EBADF;
	if (!map->regular)
		return ENOTSUP;
	if (!map->shared)
		return EPERM;
	if ((map->prot & PROT_WRITE) == 0)
		return EACCES;
	return mipc_mapping_look(map, st);
}

static int
remap(struct mipc_map *map, size_t length)
{
	void *base;
	int r;

	r = mipc_sys_resize(map->base, map->length, length, &base);
	if (r != 0)
		return -r;
	map->base = base;
	map->length = length;
	if (map->position > length)
		map->position = length;
	return 0;
}

/* A file that the map grew in vain goes back, if it is as that left it. */
static void
take_back(const struct mipc_map *map, const struct stat *before, uint64_t end)
{
	struct stat st;

	if (mipc_mapping_look(map, &st) == 0 &&
	    before->st_size < st.st_size && (uint64_t)st.st_size == end)
		mipc_sys_truncate_fd(map->fd, (uint64_t)before->st_size);
}

/* The file first when it grows, last when it shrinks. */
static int
resize(struct mipc_map *map, const struct stat *st, size_t length)
{
	uint64_t old_end = map->offset + map->length;
	uint64_t end = map->offset + length;
	int error;

	error = mipc_mapping_lengthen(map->fd, map->offset, end,
	    (map->options & MIPC_MAP_SPARSE) != 0);
	if (error != 0)
		return error;
	error = remap(map, length);
	if (error != 0)
		take_back(map, st, end);
	else if ((uint64_t)st->st_size > end &&
	    (uint64_t)st->st_size <= old_end)
		error = -mipc_sys_truncate_fd(map->fd, end);
	return error;
}

MIPC_PUBLIC int
mipc_map_resize(struct mipc_map *map, size_t length)
{
	struct stat st;
	int error;

	error = judge(map, length, &st);
	if (error == 0)
		error = mipc_mapping_hold_length(map->fd);
	if (error != 0)
		return mipc_mapping_end(error);
	error = mipc_mapping_look(map, &st);	/* under the lock */
	if (error == 0)
		error = resize(map, &st, length);
	mipc_mapping_leave_length(map->fd);
	return mipc_mapping_end(error);
}

MIPC_PUBLIC int
mipc_map_flush(struct mipc_map *map, size_t position, size_t length)
{
	size_t before;
	int error;

	length = mipc_mapping_rest(map, position, length);
	error = mipc_mapping_check(map, position, length, 0);
	if (error != 0 || length == 0 || !map->shared)
		return mipc_mapping_end(error);
	before = position & (mipc_sys_page() - 1);
	return mipc_mapping_end(-mipc_sys_flush(map->base + position - before,
	    length + before));
}

MIPC_PUBLIC int
mipc_map_advise(struct mipc_map *map, size_t position, size_t length,
    int advice)
{
	int error;

	length = mipc_mapping_rest(map, position, length);
	error = mipc_mapping_check(map, position, length, 0);
	if (error == 0)
		error = -mipc_sys_advise(map->base + position, length, advice);
	return mipc_mapping_end(error);
}

MIPC_PUBLIC int
mipc_map_protect(struct mipc_map *map, int prot)
{
	int error = EBADF;

	if ((prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)) != 0)
		return mipc_mapping_end(EINVAL);
	if (mipc_mapping_is_open(map))
		error = -mipc_sys_protect(map->base, map->length, prot);
	if (error == 0)
		map->prot = prot;
	return mipc_mapping_end(error);
}
