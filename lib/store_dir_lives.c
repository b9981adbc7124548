/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_dir_lives.c - the files of lives: life.<uid>.slots, .run and .exec.
 *
 * Of mode 0644 and owned by the uid: others read the slots and ask the locks,
 * and nobody else can declare its processes dead or alive.  In a directory that
 * somebody copied they are that one's, who could do as much by their names.
 */
#include "store_dir.h"

#include <errno.h>
#include <stdio.h>

#include "bus.h"

static const char *const life_suffix[] = { "slots", "run", "exec", "exec" };

static void
life_name(uid_t uid, enum mipc_life_file file, char out[40])
{
	snprintf(out, 40, "life.%u.%s", (unsigned)uid, life_suffix[file]);
}

/* The first page of the slots, and holes for the rest. */
static int
fill_slots(const struct dir_store *s, int fd)
{
	struct mipc_house_head head = {
		.magic = MIPC_MAGIC_HOUSE,
		.format = MIPC_FORMAT,
		.high = 1,
	};
	size_t page = s->store.lives.page;
	ssize_t n;
	int r;

	r = mipc_sys_reserve_fd(fd, 0, page);
	if (r < 0)
		return -r;
	n = mipc_sys_pwrite(fd, &head, sizeof(head), 0);
	if (n != (ssize_t)sizeof(head))
		return n < 0 ? (int)-n : ENOSPC;
	return -mipc_sys_truncate_fd(fd, (uint64_t)MIPC_SLOTS * page);
}

static int
make_life_file(struct dir_store *s, const char *name, bool slots)
{
	struct mipc_file file;
	int error;

	error = mipc_dir_make(&s->dir, name, 0644, &file);
	if (error != 0)
		return error;
	if (slots)
		error = fill_slots(s, file.fd);
	else
		error = -mipc_sys_reserve_fd(file.fd, 0, 1);
	if (error == 0)
		error = mipc_dir_place(&s->dir, name, &file);
	mipc_dir_drop(&s->dir, &file);
	return error;
}

static int
open_life(void *where, uid_t uid, enum mipc_life_file file, bool make)
{
	struct dir_store *s = where;
	struct stat st;
	char name[40];
	int error, fd;

	life_name(uid, file, name);
	if (file == MIPC_LIFE_EXEC_NAME)
		return mipc_dir_openat(&s->dir, name, O_PATH);
	/* The lock of a process wants a descriptor that may write. */
	fd = mipc_dir_openat(&s->dir, name, make ||
	    (file == MIPC_LIFE_EXEC && uid == mipc_sys_euid() &&
	    s->store.lives.refuses == 0) ?
	    O_RDWR : O_RDONLY);
	while (fd == -ENOENT && make) {
		error = make_life_file(s, name, file == MIPC_LIFE_SLOTS);
		if (error != 0 && error != EEXIST && error != EAGAIN)
			return -error;
		fd = mipc_dir_openat(&s->dir, name, O_RDWR);
		if (error == 0 && fd == -ENOENT)
			break;
	}
	if (fd < 0)
		return fd;
	if (mipc_sys_fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (st.st_uid != uid && st.st_uid != s->dir.uid)) {
		mipc_sys_close(fd);
		return -EIO;
	}
	return fd;
}

static int
map_slots(void *where, uid_t uid, void **out)
{
	struct dir_store *s = where;
	size_t size = (size_t)MIPC_SLOTS * s->store.lives.page;
	const struct mipc_house_head *head;
	struct mipc_view map;
	int error, fd;

	fd = open_life(where, uid, MIPC_LIFE_SLOTS,
	    s->store.lives.refuses == 0 && uid == mipc_sys_euid());
	if (fd < 0)
		return -fd;
	error = mipc_view_fd(fd, size, size, PROT_READ, &map);
	mipc_sys_close(fd);
	if (error != 0)
		return error;
	head = map.base;
	if (head->magic != MIPC_MAGIC_HOUSE || head->format != MIPC_FORMAT) {
		mipc_view_close(&map);
		return EIO;
	}
	mipc_bus_guard(map.base, map.size);
	*out = map.base;
	return 0;
}

const struct mipc_life_store mipc_dir_lives = {
	.open = open_life,
	.map_slots = map_slots,
};
