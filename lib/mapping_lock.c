/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapping_lock.c - locks on ranges of a map's file.
 *
 * They are the kernel's locks of open files (F_OFD_SETLK): a map of an
 * arbitrary file has no place to write who holds what, and these end with
 * their holder however it ends.  Locks of a process would too, but go whenever
 * the process closes any descriptor of that file.
 *
 * An open file is shared with forked children, and with whoever the descriptor
 * was received from; a lock of it would outlive its holder, and exclude none of
 * them.  So a map that locks opens its file once more, for itself, by /proc,
 * and a child closes what its parent opened so before anything else.  Anonymous
 * memory that is shared is a memfd, and the same goes for it.
 */
#include "mapping.h"

#include <pthread.h>

#include "futex.h"
#include "wait.h"

/* The maps that have such a file.  Signals are blocked where it is held. */
static mipc_u32 mutex;
static struct mipc_map *locked;		/* [mutex] */
static uint64_t fork_signals;		/* of the thread that forks */

static void
before_fork(void)
{
	uint64_t signals;

	mipc_mutex_enter(&mutex, &signals);
	fork_signals = signals;
}

static void
after_fork(void)
{
	uint64_t signals = fork_signals;

	mipc_mutex_leave(&mutex, &signals);
}

static void
in_child(void)
{
	uint64_t signals = fork_signals;

	for (; locked != NULL; locked = locked->next) {
		mipc_sys_close(locked->lock_fd);
		locked->lock_fd = -1;
	}
	mipc_put(&mutex, 1);		/* those who waited stayed behind */
	mipc_mutex_leave(&mutex, &signals);
}

/* [mutex] */
static void
forget(struct mipc_map *map)
{
	struct mipc_map **at = &locked;

	while (*at != NULL && *at != map)
		at = &(*at)->next;
	if (*at != NULL)
		*at = map->next;
	mipc_sys_close(map->lock_fd);
	map->lock_fd = -1;
}

/* Another open file of the same; for reading alone if need be. */
static int
open_again(int fd)
{
	char path[40];
	int r;

	mipc_sys_fd_path(fd, path);
	r = mipc_sys_open(AT_FDCWD, path, O_RDWR | O_NONBLOCK, 0);
	if (r < 0)
		r = mipc_sys_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);
	return mipc_sys_move_high(r);
}

/* [mutex] */
static int
begin(struct mipc_map *map)
{
	static bool prepared;

	if (map->lock_fd != -1 && map->locker != mipc_sys_pid())
		forget(map);		/* a raw clone's, of its parent */
	if (map->lock_fd != -1)
		return 0;
	if (!prepared && pthread_atfork(before_fork, after_fork,
	    in_child) != 0)
		return ENOMEM;
	prepared = true;
	map->lock_fd = open_again(map->fd);
	if (map->lock_fd < 0) {
		map->lock_fd = -1;
		return ENOLCK;
	}
	map->locker = mipc_sys_pid();
	map->next = locked;
	locked = map;
	return 0;
}

static int
prepare(struct mipc_map *map, size_t position, size_t length)
{
	struct stat st;
	uint64_t signals;
	int error;

	error = mipc_mapping_check(map, position, length, 0);
	if (error == 0 && length == 0)
		error = EINVAL;
	if (error == 0)
		error = mipc_mapping_look(map, &st);
	if (error != 0)
		return error;
	mipc_mutex_enter(&mutex, &signals);
	error = begin(map);
	mipc_mutex_leave(&mutex, &signals);
	return error;
}

void
mipc_mapping_unlock_all(struct mipc_map *map)
{
	uint64_t signals;

	mipc_mutex_enter(&mutex, &signals);
	if (map->lock_fd != -1)
		forget(map);
	mipc_mutex_leave(&mutex, &signals);
}

MIPC_PUBLIC int
mipc_map_lock(struct mipc_map *map, size_t position, size_t length, int kind,
    const struct timespec *timeout)
{
	uint64_t deadline;
	int error;

	length = mipc_mapping_rest(map, position, length);
	if ((kind != MIPC_MAP_SHARED && kind != MIPC_MAP_EXCLUSIVE) ||
	    !mipc_wait_deadline(timeout, &deadline))
		return mipc_mapping_end(EINVAL);
	error = prepare(map, position, length);
	if (error == 0)
		error = mipc_mapping_take(map->lock_fd,
		    kind == MIPC_MAP_SHARED ? F_RDLCK : F_WRLCK,
		    map->offset + position, length, deadline);
	return mipc_mapping_end(error);
}

MIPC_PUBLIC int
mipc_map_unlock(struct mipc_map *map, size_t position, size_t length)
{
	int error;

	length = mipc_mapping_rest(map, position, length);
	error = prepare(map, position, length);
	if (error == 0)
		error = mipc_mapping_take(map->lock_fd, F_UNLCK,
		    map->offset + position, length, 0);
	return mipc_mapping_end(error);
}
