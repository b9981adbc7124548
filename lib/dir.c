/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dir.c - the directory of a namespace.
 *
 * Names resolve against a descriptor kept from the start, so that chdir(2),
 * chroot(2) and renames do not matter.  A program may close it, and may then
 * get the same number for something of its own: before names are changed the
 * descriptor is proved by device and inode, once in each visit to the gate,
 * for no code of the program's runs in this thread meanwhile; where files are
 * only opened, the caller proves the file instead, and a failure leads to the
 * proof here.
 */
#include "dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "cred.h"
#include "gate.h"
#include "mipc.h"
#include "store.h"
#include "sys.h"

static int
open_directory(const char *path)
{
	return mipc_sys_open(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
}

/* The path from the root, so that it can be opened again from anywhere. */
static int
make_absolute(const char *path, char out[PATH_MAX])
{
	long n = 0;
	size_t length = strlen(path);

	if (path[0] != '/') {
		n = mipc_sys_getcwd(out, PATH_MAX);
		if (n < 0)
			return (int)-n;
		out[n - 1] = '/';	/* in place of the terminator */
	}
	if ((size_t)n + length >= PATH_MAX)
		return ENAMETOOLONG;
	memcpy(out + n, path, length + 1);
	return 0;
}

/* May we trust whoever can change this directory? */
static int
judge(const struct mipc_dir *dir, const struct stat *st, int flags)
{
	uid_t euid = mipc_sys_euid();
	bool sticky = (st->st_mode & S_ISVTX) != 0;
	const char *what;

	if (dir->foreign)
		return 0;
	if ((st->st_mode & (S_IWOTH | S_IWGRP)) != 0 && !sticky) {
		mipc_reason_set("%s: writable by others without being sticky",
		    dir->path);
		return EPERM;
	}
	if (st->st_uid != euid && st->st_uid != 0 &&
	    ((flags & MIPC_OWN) != 0 ||
	    (euid != 0 && !(sticky && (st->st_mode & S_IWOTH) != 0)))) {
		mipc_reason_set("%s: belongs to uid %u, not to the caller",
		    dir->path, (unsigned)st->st_uid);
		return EPERM;
	}
	if (mipc_sys_remote(dir->fd, &what)) {
		mipc_reason_set("%s: on a network filesystem (%s)", dir->path,
		    what);
		return EREMOTE;
	}
	return 0;
}

/* Make it with the mode asked for, whatever the umask. */
static int
make_directory(struct mipc_dir *dir, int flags)
{
	bool shared = (flags & MIPC_SHARED) != 0 || mipc_sys_euid() == 0;
	int r;

	r = mipc_sys_mkdir(dir->path, 0700);
	if (r == 0 && shared)
		r = mipc_sys_chmod(AT_FDCWD, dir->path, 01777);
	if (r == 0 || r == -EEXIST)
		r = open_directory(dir->path);
	return r;
}

int
mipc_dir_open(const char *path, int flags, struct mipc_dir *out)
{
	struct stat st;
	int error, fd;

	error = make_absolute(path, out->path);
	if (error != 0)
		return error;
	fd = open_directory(out->path);
	if (fd == -ENOENT && (flags & MIPC_CREAT) != 0)
		fd = make_directory(out, flags);
	if (fd < 0) {
		mipc_reason_set("%s: %s", out->path, strerror(-fd));
		return -fd;
	}
	out->fd = fd;
	out->foreign = (flags & MIPC_RDONLY) != 0;
	error = -mipc_sys_fstat(fd, &st);
	if (error == 0)
		error = judge(out, &st, flags);
	if (error != 0) {
		mipc_sys_close(fd);
		return error;
	}
	out->fd = mipc_sys_move_high(fd);
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	out->uid = st.st_uid;
	out->shared = (st.st_mode & S_IWOTH) != 0;
	out->tmpfile = !mipc_sys_forced("MIPC_NO_OTMPFILE");
	return 0;
}

static bool
is_ours(const struct mipc_dir *dir, int fd)
{
	struct stat st;

	return fd >= 0 && mipc_sys_fstat(fd, &st) == 0 &&
	    st.st_dev == dir->dev && st.st_ino == dir->ino;
}

void
mipc_dir_close(struct mipc_dir *dir)
{
	if (is_ours(dir, dir->fd))
		mipc_sys_close(dir->fd);
	dir->fd = -1;
}

/* Has this visit to the gate proved it?  Outside there is none. */
static bool
is_proved(const struct mipc_dir *dir)
{
	uint64_t visit = mipc_peek(&mipc_gate_visit);

	return visit % 2 != 0 && mipc_peek(&dir->proved) == visit;
}

/* Prove it, or open it again; *reopened says which. */
static int
prove(struct mipc_dir *dir, bool *reopened)
{
	uint64_t visit = mipc_peek(&mipc_gate_visit);
	int fd;

	*reopened = false;
	if (is_proved(dir))
		return dir->fd;
	if (!is_ours(dir, dir->fd)) {
		fd = open_directory(dir->path);
		if (fd < 0)
			return fd;
		if (!is_ours(dir, fd)) {
			mipc_sys_close(fd);
			return -ENOENT;
		}
		dir->fd = mipc_sys_move_high(fd);
		*reopened = true;
	}
	mipc_put(&dir->proved, visit);
	return dir->fd;
}

int
mipc_dir_fd(struct mipc_dir *dir)
{
	bool reopened;

	return prove(dir, &reopened);
}

bool
mipc_dir_reopened(struct mipc_dir *dir)
{
	bool reopened;

	return prove(dir, &reopened) >= 0 && reopened;
}

int
mipc_dir_openat(struct mipc_dir *dir, const char *name, int flags)
{
	int fd;

	flags |= O_NOFOLLOW | O_NONBLOCK;	/* it may be a FIFO */
	fd = mipc_sys_open(dir->fd, name, flags, 0);
	if (fd != -EBADF && fd != -ENOTDIR && fd != -ENOENT)
		return fd;
	if (!mipc_dir_reopened(dir))
		return fd;
	return mipc_sys_open(dir->fd, name, flags, 0);
}

/* Does this answer mean that there is no O_TMPFILE here? */
static bool
no_tmpfile(int r)
{
	return r == -EOPNOTSUPP || r == -EISDIR || r == -EINVAL ||
	    r == -ENOENT;
}

/* Does the directory still have a name? */
static bool
is_linked(const struct mipc_dir *dir)
{
	struct stat st;

	return mipc_sys_fstat(dir->fd, &st) == 0 && st.st_nlink != 0;
}

int
mipc_dir_make(struct mipc_dir *dir, const char *name, unsigned mode,
    struct mipc_file *file)
{
	int r;

	file->own[0] = '\0';
	file->fd = -EOPNOTSUPP;
	if ((r = mipc_dir_fd(dir)) < 0)
		return -r;
	if (dir->tmpfile) {
		file->fd = mipc_sys_open(dir->fd, ".", O_RDWR | O_TMPFILE,
		    mode);
		if (file->fd == -EPERM && !is_linked(dir))
			return ENOENT;	/* ext4, of a removed directory */
		if (no_tmpfile(file->fd))
			dir->tmpfile = false;
	}
	if (!dir->tmpfile) {
		snprintf(file->own, sizeof(file->own), ".%s.%x.%llx", name,
		    (unsigned)mipc_sys_tid(),
		    (unsigned long long)mipc_sys_monotonic_ns());
		file->fd = mipc_sys_open(dir->fd, file->own,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
	}
	if (file->fd < 0)
		return -file->fd;
	/* While this lock is held its maker lives: see mipc_dir_sweep(). */
	if (file->own[0] != '\0')
		mipc_sys_flock(file->fd, LOCK_EX | LOCK_NB);
	r = 0;
	if ((mode & 077) != 0)		/* the umask may have taken some */
		r = mipc_sys_chmod_fd(file->fd, mode);
	if (r < 0)
		mipc_dir_drop(dir, file);
	return -r;
}

int
mipc_dir_place(struct mipc_dir *dir, const char *name, struct mipc_file *file)
{
	int r;

	if (file->own[0] == '\0') {
		r = mipc_sys_link_fd(file->fd, dir->fd, name);
		if (r == 0 || r == -EEXIST || r == -ENOSPC)
			return -r;
		dir->tmpfile = false;	/* no /proc, and not permitted */
		return EAGAIN;
	}
	r = mipc_sys_rename_new(dir->fd, file->own, name);
	if (r == 0)
		file->own[0] = '\0';
	return r == -ENOENT ? EAGAIN : -r;	/* swept before it was locked */
}

void
mipc_dir_drop(struct mipc_dir *dir, struct mipc_file *file)
{
	if (file->own[0] != '\0')
		mipc_sys_unlink(dir->fd, file->own, 0);
	if (file->fd >= 0)
		mipc_sys_close(file->fd);
	file->fd = -1;
	file->own[0] = '\0';
}

/* --- the whole of it --------------------------------------------------- */

struct entry {			/* struct linux_dirent64 */
	uint64_t ino;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

/*
 * Call `each` for every name but . and .. in the directory that a descriptor
 * stands for, until it says stop.
 */
static int
list_at(int at, bool (*each)(void *, const char *), void *arg)
{
	_Alignas(uint64_t) char buf[4096];
	const struct entry *e;
	bool go_on = true;
	int fd, n;

	fd = mipc_sys_open(at, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return -fd;
	while (go_on && (n = mipc_sys_dents(fd, buf, sizeof(buf))) > 0)
		for (int i = 0; i < n && go_on; i += e->length) {
			e = (const struct entry *)(const void *)(buf + i);
			if (strcmp(e->name, ".") != 0 &&
			    strcmp(e->name, "..") != 0)
				go_on = each(arg, e->name);
		}
	mipc_sys_close(fd);
	return go_on ? 0 : ENOTEMPTY;
}

static int
list(struct mipc_dir *dir, bool (*each)(void *, const char *), void *arg)
{
	int fd = mipc_dir_fd(dir);

	return fd < 0 ? -fd : list_at(fd, each, arg);
}

static bool
is_dotted(void *arg, const char *name)
{
	(void)arg;
	return name[0] == '.';
}

bool
mipc_dir_empty(struct mipc_dir *dir)
{
	return list(dir, is_dotted, NULL) == 0;
}

/* A name that a namespace gives its files, finished or not. */
static bool
is_known(const char *name)
{
	static const char *const prefix[] = { "namespace", "life.", "shm.",
	    "sem.", "msg.", "key.", "set.", "probe." };

	if (name[0] == '.')
		name++;
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (strncmp(name, prefix[i], strlen(prefix[i])) == 0)
			return true;
	return false;
}

static bool
unlink_left(void *arg, const char *name)
{
	struct mipc_dir *dir = arg;
	int fd;

	if (name[0] != '.' || !is_known(name))
		return true;
	fd = mipc_dir_openat(dir, name, O_RDONLY);
	if (fd < 0)
		return true;
	if (mipc_sys_flock(fd, LOCK_EX | LOCK_NB) == 0)
		mipc_sys_unlink(dir->fd, name, 0);
	mipc_sys_close(fd);
	return true;
}

void
mipc_dir_sweep(struct mipc_dir *dir)
{
	if (!dir->tmpfile)
		list(dir, unlink_left, dir);
}

static bool
unlink_known(void *arg, const char *name)
{
	const int *at = arg;

	if (is_known(name) && strcmp(name, "namespace") != 0)
		mipc_sys_unlink(*at, name, 0);
	return true;
}

/* Twice: getdents may have passed over something meanwhile. */
static int
unlink_all_known(int at)
{
	int error = list_at(at, unlink_known, &at);

	return error != 0 ? error : list_at(at, unlink_known, &at);
}

/*
 * A directory that a repair made in the namespace's: what it put there goes,
 * and the directory, unless something else is in it.  One that is a symbolic
 * link is somebody else's.
 */
static void
remove_made(int at, const char *name)
{
	int fd = mipc_sys_open(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
	    0);

	if (fd < 0)
		return;
	if (strcmp(name, MIPC_LOST) == 0)
		remove_made(fd, MIPC_LOST_SCRATCH);
	unlink_all_known(fd);
	mipc_sys_unlink(fd, "namespace", 0);
	mipc_sys_close(fd);
	mipc_sys_unlink(at, name, AT_REMOVEDIR);
}

int
mipc_dir_remove(struct mipc_dir *dir)
{
	int at, error;

	at = mipc_dir_fd(dir);
	error = at < 0 ? -at : unlink_all_known(at);
	if (error != 0)
		return error;
	remove_made(at, MIPC_LOST);
	error = -mipc_sys_unlink(at, "namespace", 0);
	if (error != 0 && error != ENOENT)
		return error;
	return -mipc_sys_unlink(AT_FDCWD, dir->path, AT_REMOVEDIR);
}
