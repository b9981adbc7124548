/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_dir_open.c - opening a namespace of a directory, or making it.
 *
 * The filesystem is asked what it can do each time, not believed to be what
 * it was when the namespace was made: directories are copied and moved.
 */
#include "store_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "bus.h"
#include "mipc.h"

/* Beyond everything else that is locked: where the probe locks a byte. */
#define PROBE_AT	(1ull << 40)

/* The namespace file: its head has space, entries get theirs when used. */
static int
fill_space(int fd)
{
	struct mipc_view map;
	size_t head = offsetof(struct mipc_space, entry);
	int error;

	error = -mipc_sys_reserve_fd(fd, 0, head);
	if (error == 0)
		error = -mipc_sys_truncate_fd(fd, sizeof(struct mipc_space));
	if (error == 0)
		error = mipc_view_fd(fd, head, head, PROT_READ | PROT_WRITE,
		    &map);
	if (error != 0)
		return error;
	mipc_space_init(map.base);
	mipc_view_close(&map);
	return 0;
}

static int
make_space(struct dir_store *s)
{
	struct mipc_file file;
	int error;

	do {
		error = mipc_dir_make(&s->dir, "namespace",
		    s->dir.shared ? 0666 : 0600, &file);
		if (error != 0)
			return error;
		error = fill_space(file.fd);
		if (error == 0)
			error = mipc_dir_place(&s->dir, "namespace", &file);
		mipc_dir_drop(&s->dir, &file);
	} while (error == EAGAIN);
	return error;
}

/* Where nothing can be written, or shall be: `why` is what a change gets. */
static int
open_to_read(struct dir_store *s, int why)
{
	int fd = mipc_dir_openat(&s->dir, "namespace", O_RDONLY);

	s->refuses = why;
	return fd;
}

/* The namespace file's descriptor, the file made if it may be. */
static int
open_space(struct dir_store *s, int flags)
{
	bool made = false;
	int error, fd;

	if ((flags & MIPC_RDONLY) != 0)
		return open_to_read(s, EROFS);
	for (;;) {
		fd = mipc_dir_openat(&s->dir, "namespace", O_RDWR);
		if (fd == -EROFS || fd == -EACCES)
			return open_to_read(s, -fd);
		if (fd >= 0 && !made && (flags & MIPC_CREAT) != 0 &&
		    (flags & MIPC_EXCL) != 0) {
			mipc_sys_close(fd);
			return -EEXIST;
		}
		if (fd != -ENOENT || (flags & MIPC_CREAT) == 0)
			return fd;
		if (!mipc_dir_empty(&s->dir) &&
		    mipc_sys_stat(s->dir.fd, "namespace", &(struct stat){ 0 },
		    AT_SYMLINK_NOFOLLOW) != 0)
			return -ENOENT;
		error = make_space(s);
		if (error != 0 && error != EEXIST)
			return -error;
		made = error == 0;
	}
}

/*
 * Which locks are there, and do they live with their mapping?  `fd` is about
 * to be mapped and closed.  Returns the byte locked, 0 for none.
 */
static uint64_t
lock_probe(struct dir_store *s, int fd)
{
	uint64_t byte = PROBE_AT + (uint64_t)mipc_sys_pid();
	int r = -EINVAL;

	s->store.lives.owned_by = MIPC_OWNED_BY_FILE;
	if (!mipc_sys_forced("MIPC_NO_OFD"))
		for (int i = 0; i < 1000; i++, byte += 1ull << 32) {
			r = mipc_sys_lock(fd, MIPC_OWNED_BY_FILE, byte, false);
			if (r != -EAGAIN && r != -EACCES)
				break;
		}
	if (r == 0)
		return byte;
	s->store.lives.owned_by = MIPC_OWNED_BY_PROCESS;
	return 0;
}

/* Locks are only asked there, and a lock of ours is not to be seen. */
static void
assume_locks(struct dir_store *s, int fd)
{
	struct mipc_lives *lives = &s->store.lives;

	lives->refuses = s->refuses;
	lives->owned_by = !mipc_sys_forced("MIPC_NO_OFD") &&
	    mipc_sys_locked(fd, MIPC_OWNED_BY_FILE, PROBE_AT, 1, NULL) >= 0 ?
	    MIPC_OWNED_BY_FILE : MIPC_OWNED_BY_PROCESS;
	lives->lock_maps = s->flock_maps = true;
}

/* The same question to flock, on a file of our own. */
static bool
flock_survives(struct dir_store *s)
{
	struct mipc_file file;
	struct mipc_view map;
	bool survives = false;
	char path[40];
	int other;

	if (mipc_dir_make(&s->dir, "probe", 0600, &file) != 0)
		return false;
	mipc_sys_fd_path(file.fd, path);
	other = mipc_sys_open(AT_FDCWD, path, O_RDONLY, 0);
	if (other >= 0 && mipc_sys_reserve_fd(file.fd, 0, 1) == 0 &&
	    mipc_sys_flock(file.fd, LOCK_SH) == 0 &&
	    mipc_view_fd(file.fd, s->store.lives.page, 1, PROT_NONE,
	    &map) == 0) {
		mipc_dir_drop(&s->dir, &file);
		survives = mipc_sys_flock(other, LOCK_EX | LOCK_NB) != 0;
		mipc_view_close(&map);
	} else {
		mipc_dir_drop(&s->dir, &file);
	}
	if (other >= 0)
		mipc_sys_close(other);
	return survives;
}

/* After the namespace is mapped and its descriptor closed. */
static void
read_probe(struct dir_store *s, uint64_t byte)
{
	struct mipc_lives *lives = &s->store.lives;
	bool forced = mipc_sys_forced("MIPC_NO_MAPLOCK");
	int fd;

	if (byte == 0) {
		lives->lock_maps = false;
		s->flock_maps = !forced && flock_survives(s);
		return;
	}
	fd = mipc_dir_openat(&s->dir, "namespace", O_RDONLY);
	lives->lock_maps = !forced && fd >= 0 &&
	    mipc_sys_locked(fd, lives->owned_by, byte, 1, NULL) == 1;
	s->flock_maps = lives->lock_maps;
	if (fd >= 0)
		mipc_sys_close(fd);
}

static int
map_space(struct dir_store *s, int fd)
{
	const char *why = "truncated or damaged";
	int error;

	error = mipc_view_fd(fd, sizeof(struct mipc_space),
	    sizeof(struct mipc_space), s->refuses != 0 ? PROT_READ :
	    PROT_READ | PROT_WRITE, &s->space);
	if (error == 0) {
		error = mipc_space_check(s->space.base, &why);
		if (error == 0 && !s->dir.foreign && s->space.uid != 0 &&
		    s->space.uid != s->dir.uid &&
		    s->space.uid != mipc_sys_euid()) {
			why = "belongs to somebody else";
			error = EPERM;
		}
		if (error != 0)
			mipc_view_close(&s->space);
	}
	if (error != 0)
		mipc_reason_set("%s/namespace: %s", s->dir.path, why);
	return error;
}

static int
open_whole(struct dir_store *s, int flags)
{
	uint64_t byte = 0;
	int error, fd;

	fd = open_space(s, flags);
	if (fd < 0) {
		mipc_reason_set("%s: %s", s->dir.path, fd != -ENOENT ?
		    strerror(-fd) : (flags & MIPC_CREAT) != 0 ?
		    "holds no namespace and is not empty" :
		    "holds no namespace");
		return -fd;
	}
	mipc_lives_init(&s->store.lives, &mipc_dir_lives, s, NULL);
	if (s->refuses != 0)
		assume_locks(s, fd);
	else
		byte = lock_probe(s, fd);
	error = map_space(s, fd);
	mipc_sys_close(fd);
	if (error != 0)
		return error;
	s->store.space = s->space.base;
	s->store.lives.houses = s->store.space->house;
	s->space.guard = mipc_bus_guard(s->space.base, s->space.size);
	if (s->refuses == 0) {
		read_probe(s, byte);
		mipc_dir_sweep(&s->dir);
	}
	s->store.maps_tell = s->flock_maps;
	return 0;
}

int
mipc_store_dir(const char *dir, int flags, struct mipc_store **out)
{
	struct dir_store *s;
	void *memory;
	int error;

	error = mipc_view_private(sizeof(*s), &memory);
	if (error != 0)
		return error;
	s = memory;
	s->store.ops = &mipc_dir_ops;
	s->store.head_bytes = sizeof(struct mipc_segment) +
	    MIPC_ATTACH_MAX * sizeof(struct mipc_attach);
	error = mipc_dir_open(dir, flags, &s->dir);
	if (error == 0) {
		error = open_whole(s, flags);
		if (error != 0)
			mipc_dir_close(&s->dir);
	}
	if (error != 0) {
		mipc_view_free(memory, sizeof(*s));
		return error;
	}
	*out = &s->store;
	return 0;
}

int
mipc_dir_look(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    bool gated, struct mipc_source *out)
{
	struct dir_store *s = of(store);
	char name[32];
	int fd;

	mipc_dir_object(kind, id, name);
	fd = gated ? mipc_dir_openat(&s->dir, name, O_RDONLY) :
	    mipc_sys_open(s->dir.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
	    0);
	if (fd < 0)
		return -fd;
	*out = (struct mipc_source){ .fd = fd };
	return 0;
}

int
mipc_dir_look_data(struct mipc_store *store, uint64_t id, uint64_t data,
    uint64_t size, struct mipc_source *out)
{
	struct stat st;
	char name[32];
	int fd, r;

	(void)size;
	mipc_dir_data(id, name);
	fd = mipc_dir_openat(&of(store)->dir, name, O_RDONLY);
	if (fd < 0)
		return -fd;
	r = mipc_sys_fstat(fd, &st);
	if (r == 0 && (!S_ISREG(st.st_mode) || st.st_ino != data))
		r = -EIO;
	if (r < 0)
		mipc_sys_close(fd);
	else
		*out = (struct mipc_source){ .fd = fd };
	return -r;
}

int
mipc_dir_window(struct mipc_store *store, uint64_t id, uint64_t data,
    size_t size, struct mipc_view *out)
{
	struct mipc_dir *dir = &of(store)->dir;
	struct mipc_view view = { .prot = PROT_READ | PROT_WRITE };
	char name[32];
	int fd, error;

	mipc_dir_data(id, name);
	fd = mipc_dir_openat(dir, name, O_RDWR);
	if (fd == -EACCES || fd == -EROFS) {
		view.prot = PROT_READ;
		fd = mipc_dir_openat(dir, name, O_RDONLY);
	}
	if (fd < 0)
		return -fd;
	error = mipc_view_passing(fd, size, size, &view);
	mipc_sys_close(fd);
	if (error == 0 && view.ino != data) {
		mipc_view_close(&view);
		error = EIO;
	}
	if (error == 0)
		*out = view;
	return error;
}

bool
mipc_store_same(const struct mipc_store *a, const struct mipc_store *b)
{
	const struct dir_store *x = (const void *)a, *y = (const void *)b;

	return !a->anonymous && !b->anonymous && x->refuses == y->refuses &&
	    x->dir.dev == y->dir.dev &&
	    x->dir.ino == y->dir.ino && x->space.ino == y->space.ino;
}

void
mipc_store_dir_shut(struct mipc_store *store)
{
	struct dir_store *s = of(store);

	mipc_view_close(&s->space);
	for (uint32_t i = 0; i < MIPC_HOUSES; i++)
		if (store->lives.window[i] != NULL)
			mipc_view_free(store->lives.window[i],
			    (size_t)MIPC_SLOTS * store->lives.page);
	mipc_dir_close(&s->dir);
	mipc_view_free(s, sizeof(*s));
}
