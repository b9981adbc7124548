/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapping.c - the maps that programs make by mipc_map.h: what all that works
 * on one needs.
 *
 * How an access is an error and never a signal.  A check of the file's length
 * before the access would be right until somebody shortens the file in
 * between, so there is none: what can be copied is copied by the kernel
 * (mipc_sys_copy), which finds each page or says that it cannot.  On the file's
 * last page, where nothing faults, the length is looked at after the copy: who
 * shortened the file before is seen then.  A number that is changed at once
 * (mapping_atomic.c) must be touched by the processor itself; that access is
 * left by a jump out of the library's handler for SIGBUS (bus.h).  Measured on
 * a busy machine of two cores, a get of 64 bytes takes 3.3 us and of 8 KiB 3.7
 * us; by a pipe, 64 bytes take 11 us; a load 0.5 to 0.9 us, all but 12 ns of it
 * for the file's length.  Who wants memcpy(3)'s speed has mipc_map_at().
 *
 * How a file's length changes.  fallocate(2) makes a file longer and never
 * shorter, in whatever order two do it; so that is how files grow, sparse ones
 * too, by their last byte alone.  Where a filesystem cannot, zeros are written,
 * and where a map shrinks, the file is truncated: both are done under a lock of
 * one byte far behind any data, so that those who use this library do it one
 * after another.  Killed anywhere, the file is longer than a map, at worst.
 */
#include "mapping.h"

#include <string.h>

#include "wait.h"

#define LENGTH_BYTE	((uint64_t)INT64_MAX - 1)
#define SOON_NS		50000ull	/* first look again, ns */
#define LATE_NS		5000000ull	/* and every later one at most */

int
mipc_mapping_check(const struct mipc_map *map, size_t position, size_t length,
    int prot)
{
	if (!mipc_mapping_is_open(map))
		return EBADF;
	if ((map->prot & prot) != prot)
		return EACCES;
	if (position > map->length || length > map->length - position)
		return ERANGE;
	return 0;
}

size_t
mipc_mapping_rest(const struct mipc_map *map, size_t position, size_t length)
{
	if (length != MIPC_MAP_END || !mipc_mapping_is_open(map) ||
	    position > map->length)
		return length;
	return map->length - position;
}

int
mipc_mapping_new(const char *path, struct mipc_map **out)
{
	size_t length = strlen(path) + 1;
	struct mipc_map *map;
	void *memory;
	int r;

	r = mipc_sys_map(NULL, sizeof(*map) + length, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, &memory);
	if (r != 0)
		return -r;
	map = memory;
	map->fd = map->lock_fd = -1;
	map->bytes = sizeof(*map) + length;
	memcpy(map->path, path, length);
	*out = map;
	return 0;
}

void
mipc_mapping_drop(struct mipc_map *map)
{
	mipc_sys_unmap(map, map->bytes);
}

int
mipc_mapping_look(const struct mipc_map *map, struct stat *st)
{
	if (map->fd == -1 || mipc_sys_fstat(map->fd, st) != 0 ||
	    st->st_dev != map->dev || st->st_ino != map->ino)
		return EBADF;
	return 0;
}

bool
mipc_mapping_is_cut(const struct mipc_map *map, size_t end)
{
	struct stat st;

	return map->regular && mipc_mapping_look(map, &st) == 0 &&
	    (uint64_t)st.st_size < map->offset + end;
}

static int
lock_error(int r)
{
	switch (-r) {
	case EBADF:		/* not open for that kind of lock */
		return EACCES;
	case EACCES:
		return EAGAIN;
	case EINVAL:		/* the kernel knows none of open files */
	case EOPNOTSUPP:
	case ENOSYS:
		return ENOLCK;
	}
	return -r;
}

/* Sleep, without a handler's having run. */
static bool
sleep_ns(uint64_t ns)
{
	static const mipc_u32 nobodys;
	struct timespec t = { .tv_sec = 0, .tv_nsec = (long)ns };

	return mipc_sys_futex_wait(&nobodys, 0, &t) != -EINTR;
}

/*
 * The kernel can wait for such a lock for ever, but not for a time; a signal
 * would end the wait, and the library sends none.
 */
int
mipc_mapping_take(int fd, short type, uint64_t start, uint64_t length,
    uint64_t deadline)
{
	uint64_t now, ns = SOON_NS;
	bool forever = deadline == MIPC_FOREVER;
	int r;

	for (;;) {
		r = mipc_sys_lock_range(fd, type, start, length, forever);
		if (r == 0 || lock_error(r) != EAGAIN || deadline == 0)
			break;
		now = mipc_sys_monotonic_ns();
		if (now >= deadline)
			break;
		if (!sleep_ns(deadline - now < ns ? deadline - now : ns))
			return EINTR;
		ns = ns * 2 < LATE_NS ? ns * 2 : LATE_NS;
	}
	return r == 0 ? 0 : lock_error(r);
}

int
mipc_mapping_hold_length(int fd)
{
	int error;

	do
		error = mipc_mapping_take(fd, F_WRLCK, LENGTH_BYTE, 1,
		    mipc_sys_monotonic_ns() + MIPC_RESIZE_NS);
	while (error == EINTR);
	return error == EAGAIN ? EBUSY : 0;	/* else there are no locks */
}

void
mipc_mapping_leave_length(int fd)
{
	mipc_sys_lock_range(fd, F_UNLCK, LENGTH_BYTE, 1, false);
}

int
mipc_mapping_lengthen(int fd, uint64_t start, uint64_t end, bool sparse)
{
	struct stat st;
	uint64_t signals;
	int r;

	r = mipc_sys_fstat(fd, &st);
	if (r != 0 || (uint64_t)st.st_size >= end)
		return -r;
	if (start < (uint64_t)st.st_size)
		start = (uint64_t)st.st_size;
	if (sparse)
		start = end - 1;
	mipc_sys_block(&signals);	/* SIGXFSZ is ours to take back */
	r = mipc_sys_reserve_fd(fd, start, end - start);
	mipc_sys_restore(&signals);
	return -r;
}
