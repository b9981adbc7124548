/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapping_cursor.c - a map read and written as a file is, at a position that
 * moves.
 */
#include "mapping.h"

#include <stdio.h>

/* What a call that takes as much as there is gets of `size` bytes. */
static size_t
within(const struct mipc_map *map, size_t size)
{
	size_t rest = map->length - map->position;

	return size < rest ? size : rest;
}

static ssize_t
take(struct mipc_map *map, void *buf, size_t size)
{
	int error = mipc_mapping_read(map, map->position, buf, size);

	if (error != 0)
		return mipc_mapping_end(error);
	map->position += size;
	return (ssize_t)size;
}

MIPC_PUBLIC ssize_t
mipc_map_read(struct mipc_map *map, void *buf, size_t size)
{
	if (!mipc_mapping_is_open(map))
		return mipc_mapping_end(EBADF);
	return take(map, buf, within(map, size));
}

MIPC_PUBLIC int
mipc_map_read_byte(struct mipc_map *map)
{
	unsigned char byte;
	ssize_t n;

	n = mipc_map_read(map, &byte, 1);
	if (n == 1)
		return byte;
	return n == 0 ? mipc_mapping_end(ENODATA) : -1;
}

MIPC_PUBLIC ssize_t
mipc_map_readline(struct mipc_map *map, void *buf, size_t size)
{
	size_t at;
	int error;

	if (!mipc_mapping_is_open(map))
		return mipc_mapping_end(EBADF);
	size = within(map, size);
	error = mipc_mapping_find(map, "\n", 1, map->position,
	    map->position + size, &at);
	if (error == 0)
		size = at + 1 - map->position;
	else if (error != ENOENT)
		return mipc_mapping_end(error);
	return take(map, buf, size);
}

MIPC_PUBLIC ssize_t
mipc_map_write(struct mipc_map *map, const void *buf, size_t size)
{
	int error = EBADF;

	if (mipc_mapping_is_open(map))
		error = mipc_mapping_write(map, map->position, buf, size);
	if (error != 0)
		return mipc_mapping_end(error);
	map->position += size;
	return (ssize_t)size;
}

MIPC_PUBLIC int
mipc_map_write_byte(struct mipc_map *map, unsigned char byte)
{
	return mipc_map_write(map, &byte, 1) == 1 ? 0 : -1;
}

MIPC_PUBLIC ssize_t
mipc_map_seek(struct mipc_map *map, long long offset, int whence)
{
	long long from;

	if (!mipc_mapping_is_open(map))
		return mipc_mapping_end(EBADF);
	if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
		return mipc_mapping_end(EINVAL);
	from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ?
	    (long long)map->position : (long long)map->length;
	if (offset < -from || offset > (long long)map->length - from)
		return mipc_mapping_end(ERANGE);
	map->position = (size_t)(from + offset);
	return (ssize_t)map->position;
}

MIPC_PUBLIC ssize_t
mipc_map_tell(const struct mipc_map *map)
{
	if (!mipc_mapping_is_open(map))
		return mipc_mapping_end(EBADF);
	return (ssize_t)map->position;
}
