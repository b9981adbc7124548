/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replace.c - a file replaced whole.
 *
 *	bytes | owner, attributes, mode | fsync | name beside the old one |
 *	rename over it | fsync of the directory
 *
 * The bytes are on disk before the name can lead to them, and the name is
 * before the call returns.  Until it has a name the new file is nobody's
 * (O_TMPFILE): one who is killed leaves nothing.  From its name to the rename
 * the directory is locked, so there is one such name for a file, and whoever
 * finds it under the lock knows that its maker was killed.  Where files need a
 * name the lock is held from the beginning.
 */
#include "replace.h"

#include <sys/file.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "futex.h"
#include "mipc_publish.h"

#define LINKS		40	/* as the kernel follows */
#define LOCK_TRIES	10000	/* of a millisecond */
#define CHUNK		((size_t)1 << 30)
#define ATTRIBUTES	4096	/* bytes: of names, and of a value */

/* --- where it is ------------------------------------------------------- */

static void
let_go(int *fd)
{
	if (*fd >= 0)
		mipc_sys_close(*fd);
	*fd = -1;
}

/* Enter the directory part of a path; what is left is a name. */
static int
enter(struct mipc_replace *r, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char dir[PATH_MAX];
	int at = r->dir >= 0 ? r->dir : AT_FDCWD, fd;
	size_t length = (size_t)(name - path);

	if (name[0] == '\0' || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return path[0] == '\0' ? ENOENT : EISDIR;
	if (length >= sizeof(dir) || strlen(name) > NAME_MAX)
		return ENAMETOOLONG;
	memcpy(dir, length == 0 ? "." : path, length == 0 ? 1 : length);
	dir[length == 0 ? 1 : length] = '\0';
	fd = mipc_sys_open(at, dir, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return -fd;
	let_go(&r->dir);
	r->dir = fd;
	strcpy(r->name, name);
	return 0;
}

/* Look at what is there under the name; the text of a link. */
static int
look(struct mipc_replace *r, char *text, size_t size)
{
	int n;

	let_go(&r->old);
	text[0] = '\0';
	r->old = mipc_sys_open(r->dir, r->name, O_PATH | O_NOFOLLOW, 0);
	if (r->old == -ENOENT)
		return 0;
	n = r->old < 0 ? r->old : mipc_sys_fstat(r->old, &r->was);
	if (n < 0)
		return -n;
	if (S_ISREG(r->was.st_mode))
		return 0;
	if (!S_ISLNK(r->was.st_mode))
		return S_ISDIR(r->was.st_mode) ? EISDIR : EINVAL;
	n = mipc_sys_readlink(r->old, "", text, size - 1);
	if (n < 0)
		return -n;
	text[n] = '\0';
	return 0;
}

static int
find(struct mipc_replace *r, const char *path)
{
	char text[PATH_MAX];
	int error = enter(r, path);

	for (int i = 0; i < LINKS && error == 0; i++) {
		error = look(r, text, sizeof(text));
		if (error != 0 || text[0] == '\0')
			return error;
		error = enter(r, text);
	}
	return error != 0 ? error : ELOOP;
}

/* --- the new one ------------------------------------------------------- */

/*
 * Nobody keeps the lock while it waits for anything but the disk; one that
 * cannot be had is done without.
 */
static int
lock_directory(struct mipc_replace *r)
{
	mipc_u32 nobody = 0;
	int n = -EAGAIN;

	for (int i = 0; i < LOCK_TRIES && n == -EAGAIN; i++) {
		n = mipc_sys_flock(r->dir, LOCK_EX | LOCK_NB);
		if (n == -EAGAIN)
			mipc_futex_sleep(&nobody, 0, MIPC_MS);
	}
	return n == -EAGAIN ? EBUSY : 0;
}

/* Under the lock: the name is free. */
static int
free_name(struct mipc_replace *r)
{
	int error = lock_directory(r);

	if (error == 0)
		mipc_sys_unlink(r->dir, r->temporary, 0);
	return error;
}

static int
make_file(struct mipc_replace *r, unsigned mode)
{
	int error;

	if (!mipc_sys_forced("MIPC_NO_OTMPFILE")) {
		r->fd = mipc_sys_open(r->dir, ".", O_TMPFILE | O_RDWR, mode);
		if (r->fd >= 0)
			return 0;
		if (r->fd != -EOPNOTSUPP && r->fd != -EISDIR &&
		    r->fd != -EINVAL && r->fd != -ENOENT)
			return -r->fd;
	}
	error = free_name(r);
	if (error != 0)
		return error;
	r->fd = mipc_sys_open(r->dir, r->temporary, O_CREAT | O_EXCL |
	    O_RDWR | O_NOFOLLOW, mode);
	r->named = r->fd >= 0;
	return r->named ? 0 : -r->fd;
}

static void
give_up(struct mipc_replace *r)
{
	if (r->named)
		mipc_sys_unlink(r->dir, r->temporary, 0);
	let_go(&r->fd);
	let_go(&r->old);
	let_go(&r->dir);	/* and the lock */
}

int
mipc_replace_begin(struct mipc_replace *r, const char *path, unsigned mode)
{
	int error;

	*r = (struct mipc_replace){ .fd = -1, .dir = -1, .old = -1 };
	error = find(r, path);
	if (error == 0) {
		snprintf(r->temporary, sizeof(r->temporary), ".%.240s.mipc~",
		    r->name);
		error = make_file(r, r->old >= 0 ? 0600 : mode & 07777);
	}
	if (error != 0)
		give_up(r);
	return error;
}

int
mipc_replace_write(struct mipc_replace *r, const void *data, size_t size,
    uint64_t offset)
{
	ssize_t n;

	for (size_t at = 0; at < size; at += n > 0 ? (size_t)n : 0) {
		n = mipc_sys_pwrite(r->fd, (const char *)data + at,
		    size - at < CHUNK ? size - at : CHUNK, offset + at);
		if (n < 0 && n != -EINTR)
			return (int)-n;
	}
	return 0;
}

/* --- what is kept ------------------------------------------------------ */

/* The owner where that may be; 0: the mode that goes with what it is now. */
static unsigned
keep_owner(struct mipc_replace *r)
{
	const struct stat *was = &r->was;
	unsigned mode = was->st_mode & 07777;
	struct stat is;

	if (mipc_sys_chown_fd_path(r->fd, was->st_uid, was->st_gid) != 0)
		mipc_sys_chown_fd_path(r->fd, (uid_t)-1, was->st_gid);
	if (mipc_sys_fstat(r->fd, &is) != 0 || is.st_uid != was->st_uid ||
	    is.st_gid != was->st_gid)
		mode &= ~(unsigned)(S_ISUID | S_ISGID);
	/* Another group gets no more than everybody. */
	if (is.st_gid != was->st_gid)
		mode &= ~070u | (mode & 07) << 3;
	return mode;
}

/* Those of the system's own that only it may set are not ours to keep. */
static bool
may_be_lost(const char *name, int error)
{
	return error == EOPNOTSUPP || ((error == EPERM || error == EACCES) &&
	    (strncmp(name, "security.", 9) == 0 ||
	    strncmp(name, "trusted.", 8) == 0));
}

static int
keep_attribute(struct mipc_replace *r, const char *old, const char *name)
{
	char value[ATTRIBUTES];
	int n;

	n = mipc_sys_attribute(old, name, value, sizeof(value));
	if (n >= 0)
		n = mipc_sys_set_attribute(r->fd, name, value, (size_t)n);
	return n >= 0 || n == -ENODATA || may_be_lost(name, -n) ? 0 : -n;
}

/* Access control lists are attributes. */
static int
keep_attributes(struct mipc_replace *r)
{
	char old[40], names[ATTRIBUTES];
	int n, error = 0;

	mipc_sys_fd_path(r->old, old);
	n = mipc_sys_attributes(old, names, sizeof(names) - 1);
	if (n == -EOPNOTSUPP || n == -ENOENT)	/* none, or no /proc */
		return 0;
	if (n < 0)
		return -n;
	names[n] = '\0';
	for (const char *name = names; name < names + n && error == 0;
	    name += strlen(name) + 1)
		error = keep_attribute(r, old, name);
	return error;
}

static int
keep(struct mipc_replace *r)
{
	unsigned mode;
	int error;

	if (r->old < 0)
		return 0;
	mode = keep_owner(r);
	error = keep_attributes(r);
	return error != 0 ? error : -mipc_sys_chmod_fd(r->fd, mode);
}

/* --- in place ---------------------------------------------------------- */

static int
name_file(struct mipc_replace *r)
{
	int error;

	if (r->named)
		return 0;
	error = free_name(r);
	if (error == 0)
		error = -mipc_sys_link_fd(r->fd, r->dir, r->temporary);
	r->named = error == 0;
	return error;
}

static int
put_in_place(struct mipc_replace *r)
{
	int error;

	error = r->keep > 1 ? mipc_replace_age(r) : 0;
	if (error == 0)
		error = -mipc_sys_rename(r->dir, r->temporary, r->name);
	if (error != 0)
		return error;
	r->named = false;
	if (r->keep > 1)
		mipc_replace_forget(r);
	mipc_sys_flock(r->dir, LOCK_UN);
#ifndef MIPC_BREAK_DIRECTORY	/* a test must see what this breaks */
	error = -mipc_sys_sync_fd(r->dir);
#endif
	return error;
}

int
mipc_replace_end(struct mipc_replace *r, int error)
{
	if (error == 0)
		error = keep(r);
#ifndef MIPC_BREAK_SYNC
	if (error == 0)
		error = -mipc_sys_sync_fd(r->fd);
#endif
	if (error == 0)
		error = name_file(r);
	if (error == 0)
		error = put_in_place(r);
	give_up(r);
	return error;
}

MIPC_PUBLIC int
mipc_replace_file(const char *path, const void *data, size_t size, mode_t mode)
{
	struct mipc_replace r;
	int error;

	error = path == NULL ? EINVAL : mipc_replace_begin(&r, path, mode);
	if (error == 0)
		error = mipc_replace_end(&r,
		    mipc_replace_write(&r, data, size, 0));
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
