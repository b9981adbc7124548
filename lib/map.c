/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.c - mappings, made only of what fstat(2) says is there.
 *
 * A mapping may be longer than its file: the address space is taken once and
 * never moves, and whoever uses bytes beyond the length knows by the object's
 * own fields that they have been given space.
 */
#include "map.h"

#include <errno.h>

#include "sys.h"

int
mipc_map_fd(int fd, size_t size, uint64_t least, int prot,
    struct mipc_map *out)
{
	struct mipc_map map = { .size = size, .guard = -1 };
	struct stat st;
	int r;

	r = mipc_sys_fstat(fd, &st);
	if (r < 0)
		return -r;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < least)
		return EIO;
	map.length = (uint64_t)st.st_size;
	map.uid = st.st_uid;
	map.ino = st.st_ino;
	r = mipc_sys_map(NULL, size, prot, MAP_SHARED | MAP_NORESERVE, fd, 0,
	    &map.base);
	if (r < 0)
		return -r;
	*out = map;
	return 0;
}

void
mipc_map_close(struct mipc_map *map)
{
	if (map->base != NULL)
		mipc_sys_unmap(map->base, map->size);
	map->base = NULL;
}

int
mipc_map_private(size_t size, void **out)
{
	return -mipc_sys_map(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, out);
}
