/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapping_copy.c - bytes out of a map, into it and within it: get, set, move.
 *
 * Copied by the kernel: see mapping.c for why.
 */
#include "mapping.h"

#include "atomic.h"

#define WINDOW	((size_t)8192)

/* How many were copied before what cannot be. */
static size_t
copy(char *to, const char *from, size_t size)
{
	size_t done = 0;
	ssize_t r;

	while (done < size) {
		r = mipc_sys_copy(to + done, from + done, size - done);
		if (r <= 0)
			break;
		done += (size_t)r;
	}
	return done;
}

/*
 * Whose fault it was that not all was copied.  The caller's end is asked: it
 * does not come and go.
 */
static int
blame(char *to, const char *from)
{
	return copy(to, from, 1) == 1 ? EIO : EFAULT;
}

int
mipc_mapping_read(const struct mipc_map *map, size_t position, void *buf,
    size_t size)
{
	size_t done;
	int error;

	error = mipc_mapping_check(map, position, size, PROT_READ);
	if (error != 0)
		return error;
	done = copy(buf, map->base + position, size);
	if (done < size)
		return blame((char *)buf + done, (char *)buf + done);
	return mipc_mapping_is_cut(map, position + size) ? EIO : 0;
}

int
mipc_mapping_write(const struct mipc_map *map, size_t position,
    const void *buf, size_t size)
{
	size_t done;
	char byte;
	int error;

	error = mipc_mapping_check(map, position, size, PROT_WRITE);
	if (error != 0)
		return error;
	done = copy(map->base + position, buf, size);
	if (done < size)
		return blame(&byte, (const char *)buf + done);
	return mipc_mapping_is_cut(map, position + size) ? EIO : 0;
}

static int
check_slice(const struct mipc_map *map, size_t start, size_t end, size_t size)
{
	if (!mipc_mapping_is_open(map))
		return EBADF;
	return start > end || end - start != size ? EINVAL : 0;
}

MIPC_PUBLIC int
mipc_map_get(const struct mipc_map *map, size_t start, size_t end, void *buf,
    size_t size)
{
	int error;

	error = check_slice(map, start, end, size);
	if (error == 0)
		error = mipc_mapping_read(map, start, buf, size);
	return mipc_mapping_end(error);
}

MIPC_PUBLIC int
mipc_map_set(struct mipc_map *map, size_t start, size_t end, const void *buf,
    size_t size)
{
	int error;

	error = check_slice(map, start, end, size);
	if (error == 0)
		error = mipc_mapping_write(map, start, buf, size);
	return mipc_mapping_end(error);
}

/* In pieces, each read whole before it is written, last first if need be. */
static int
move(struct mipc_map *map, size_t to, size_t from, size_t count)
{
	char window[WINDOW];
	size_t size, at;
	int error = 0;

	for (size_t done = 0; done < count && error == 0; done += size) {
		size = count - done < WINDOW ? count - done : WINDOW;
		at = to < from ? done : count - done - size;
		error = mipc_mapping_read(map, from + at, window, size);
		if (error == 0)
			error = mipc_mapping_write(map, to + at, window, size);
	}
	return error;
}

MIPC_PUBLIC int
mipc_map_move(struct mipc_map *map, size_t to, size_t from, size_t count)
{
	int error;

	error = mipc_mapping_check(map, to, count, PROT_WRITE);
	if (error == 0)
		error = mipc_mapping_check(map, from, count, PROT_READ);
	if (error == 0)
		error = move(map, to, from, count);
	return mipc_mapping_end(error);
}

MIPC_PUBLIC void *
mipc_map_at(const struct mipc_map *map, size_t position, size_t length)
{
	int error = mipc_mapping_check(map, position, length, 0);

	if (error == 0)
		return map->base + position;
	errno = error;
	return NULL;
}
