/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wrapping.c - a preload as fakeroot and its like are: it stands in front of
 * libc's names for files and identity, and tells lies there.  To be loaded
 * before mipc's module, or behind it, by tests/preload.sh.
 *
 * While the program is inside an IPC call or one of these names, none of them
 * may be called: the library would believe the lies, or the two call each
 * other for ever.  One that is ends the program with status 99.
 */
#include <sys/shm.h>
#include <sys/stat.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int inside;

static void *
next(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		_exit(98);
	return found;
}

static void
tell(const char *text)
{
	ssize_t (*real)(int, const void *, size_t) = next("write");

	if (real(STDERR_FILENO, text, strlen(text)) == -1)
		_exit(98);
}

static void
check(const char *name)
{
	if (inside == 0)
		return;
	tell(name);
	tell(" was called inside an IPC call\n");
	_exit(99);
}

#define IPC_CALL(type, name, parameters, arguments)			\
	type name parameters						\
	{								\
		__typeof__(&name) real = next(#name);			\
		type result;						\
									\
		inside++;						\
		result = real arguments;				\
		inside--;						\
		return result;						\
	}

#define WRAPPED(type, name, parameters, arguments)			\
	type name parameters						\
	{								\
		__typeof__(&name) real = next(#name);			\
		type result;						\
									\
		check(#name);						\
		inside++;						\
		result = real arguments;				\
		inside--;						\
		return result;						\
	}

/* As an ordinary user seems to be root under fakeroot. */
#define LIE(type, name, value)						\
	type name(void)							\
	{								\
		check(#name);						\
		return value;						\
	}

#define OPEN(name, parameters, arguments)				\
	int name parameters						\
	{								\
		int (*real) parameters = next(#name);			\
		va_list list;						\
		mode_t mode;						\
		int result;						\
									\
		check(#name);						\
		va_start(list, flags);					\
		mode = (flags & O_CREAT) != 0 ?				\
		    va_arg(list, mode_t) : 0;				\
		va_end(list);						\
		inside++;						\
		result = real arguments;				\
		inside--;						\
		return result;						\
	}

IPC_CALL(int, shmget, (key_t key, size_t size, int flags), (key, size, flags))
IPC_CALL(void *, shmat, (int id, const void *at, int flags), (id, at, flags))
IPC_CALL(int, shmdt, (const void *at), (at))
IPC_CALL(int, shmctl, (int id, int cmd, struct shmid_ds *buf), (id, cmd, buf))

LIE(uid_t, getuid, 0)
LIE(uid_t, geteuid, 0)
LIE(gid_t, getgid, 0)
LIE(gid_t, getegid, 0)
LIE(pid_t, getpid, 1)

OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int dir, const char *path, int flags, ...),
    (dir, path, flags, mode))
WRAPPED(int, close, (int fd), (fd))
WRAPPED(int, dup2, (int from, int to), (from, to))
WRAPPED(int, dup3, (int from, int to, int flags), (from, to, flags))
WRAPPED(FILE *, fopen, (const char *path, const char *mode), (path, mode))
WRAPPED(FILE *, fdopen, (int fd, const char *mode), (fd, mode))
WRAPPED(int, fileno, (FILE *stream), (stream))
WRAPPED(int, fflush, (FILE *stream), (stream))
WRAPPED(int, fclose, (FILE *stream), (stream))
WRAPPED(ssize_t, pwrite, (int fd, const void *buf, size_t size, off_t at),
    (fd, buf, size, at))
WRAPPED(ssize_t, read, (int fd, void *buf, size_t size), (fd, buf, size))
WRAPPED(ssize_t, write, (int fd, const void *buf, size_t size),
    (fd, buf, size))
WRAPPED(int, stat, (const char *path, struct stat *st), (path, st))
WRAPPED(int, lstat, (const char *path, struct stat *st), (path, st))
WRAPPED(int, fstat, (int fd, struct stat *st), (fd, st))
WRAPPED(int, fstatat, (int dir, const char *path, struct stat *st, int flags),
    (dir, path, st, flags))
WRAPPED(int, access, (const char *path, int mode), (path, mode))
WRAPPED(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAPPED(int, unlink, (const char *path), (path))
WRAPPED(int, unlinkat, (int dir, const char *path, int flags),
    (dir, path, flags))
WRAPPED(int, rename, (const char *from, const char *to), (from, to))
WRAPPED(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAPPED(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
WRAPPED(ssize_t, readlink, (const char *path, char *buf, size_t size),
    (path, buf, size))
WRAPPED(ssize_t, readlinkat, (int dir, const char *path, char *buf,
    size_t size), (dir, path, buf, size))
