/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc_open.c - the functions that open files: who opens one below /proc
 * that shows System V IPC gets one that shows the namespace.
 *
 * That is memory (memfd_create) with the kernel's text in it, filled when it
 * is opened.  Every name goes to the next function first, and ours then takes
 * the place of the descriptor that came of it: so a bad pointer is the
 * kernel's to refuse, a relative path its to follow, and other names cost a
 * comparison.  Where the kernel has no such file, or does not let the caller
 * write it, ours is there all the same: the namespace says who may.
 *
 * Not seen are descriptors that are opened without these names: by a system
 * call, by posix_spawn()'s actions, by the C library for itself.
 */
#include "proc.h"

#include <sys/syscall.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The names as the linker knows them: headers may give them others. */
#define NAMED(name)	__asm__(#name) MIPC_PUBLIC

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Does the descriptor lead to the file? */
static bool
leads_to(int fd, const char *file)
{
	char link[40], path[PATH_MAX];
	int n;

	if (fd < 0)
		return false;
	mipc_sys_fd_path(fd, link);
	n = mipc_sys_readlink(AT_FDCWD, link, path, sizeof(path));
	return n > 0 && (size_t)n == strlen(file) &&
	    memcmp(path, file, (size_t)n) == 0;
}

static const struct proc_file *
find(const char *path, int fd)
{
	const char *name = last_part(path);
	const struct proc_file *file;

	if (*name != 's' && *name != 'm')
		return NULL;
	for (file = proc_files; file->path != NULL; file++)
		if (strcmp(name, last_part(file->path)) == 0 &&
		    (strcmp(path, file->path) == 0 ||
		    leads_to(fd, file->path)))
			return file;
	return NULL;
}

/*
 * Whether the caller may set numbers, asked by one that is out of range: the
 * right comes first.
 */
static bool
may_set(struct mipc_ns *ns)
{
	const unsigned long long never = 2;

	mipc_limit(ns, "shm_rmid_forced", NULL, &never);
	return errno != EPERM;
}

/*
 * Of ours in memory: a descriptor of this access, the lowest that is free, or
 * `fd` if that is open.
 */
static int
open_again(int memory, int fd, int flags)
{
	char path[40];
	int again;

	mipc_sys_fd_path(memory, path);
	flags &= O_ACCMODE | O_CLOEXEC;
	again = mipc_sys_open(AT_FDCWD, path, flags, 0);
	if (again < 0 || fd < 0)
		return again;
	fd = (int)mipc_sys(SYS_dup3, again, fd, flags & O_CLOEXEC, 0, 0, 0);
	mipc_sys_close(again);
	return fd;
}

static int
answer(struct mipc_ns *ns, const struct proc_file *file, int fd, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;
	int memory;

	if (writes && !may_set(ns))
		return -EACCES;
	memory = proc_make(file);
	if (memory < 0)
		return memory;
	if ((flags & O_ACCMODE) != O_WRONLY)
		proc_show(ns, file, memory);
	if (writes) {
		proc_mark_clean(memory);
		proc_watch();
	}
	fd = open_again(memory, fd, flags);
	mipc_sys_close(memory);
	return fd;
}

/*
 * What to give to who opened `path` and would have got `fd`, or -1 with
 * errno: that, another descriptor in its place, or a negative errno.
 */
static int
opened(int fd, const char *path, int flags)
{
	const int passed = fd == -1 ? -errno : fd;
	const struct proc_file *file;
	struct mipc_ns *ns;
	bool outer;
	int given;

	if (passed == -EFAULT || (flags & (O_PATH | O_DIRECTORY)) != 0 ||
	    (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return passed;
	file = find(path, fd);
	if (file == NULL ||
	    (file->show != NULL && (flags & O_ACCMODE) != O_RDONLY))
		return passed;
	ns = preload_namespace();
	if (ns == NULL)
		return passed;
	outer = proc_enter();
	given = answer(ns, file, fd, flags);
	proc_leave(outer);
	return given == -ENOSYS ? passed : given;
}

/* The same, as open() says it. */
static int
opened_fd(int fd, const char *path, int flags)
{
	const int error = errno;
	int given = opened(fd, path, flags);

	errno = error;
	if (given >= 0)
		return given;
	if (fd >= 0)
		mipc_sys_close(fd);
	errno = -given;
	return -1;
}

/* --- descriptors ------------------------------------------------------- */

#define HAS_MODE(flags)							\
	(((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE)

#define OPEN(name)							\
	int	proc_##name(const char *, int, ...) NAMED(name);	\
	PRELOAD_NEXT(name);						\
									\
	int								\
	proc_##name(const char *path, int flags, ...)			\
	{								\
		__typeof__(&proc_##name) real =				\
		    (__typeof__(real))preload_next(&next_##name, #name); \
		mode_t mode = 0;					\
		va_list list;						\
									\
		if (real == NULL)					\
			return -1;					\
		va_start(list, flags);					\
		if (HAS_MODE(flags))					\
			mode = va_arg(list, mode_t);			\
		va_end(list);						\
		return opened_fd(real(path, flags, mode), path, flags);	\
	}

#define OPENAT(name)							\
	int	proc_##name(int, const char *, int, ...) NAMED(name);	\
	PRELOAD_NEXT(name);						\
									\
	int								\
	proc_##name(int dir, const char *path, int flags, ...)		\
	{								\
		__typeof__(&proc_##name) real =				\
		    (__typeof__(real))preload_next(&next_##name, #name); \
		mode_t mode = 0;					\
		va_list list;						\
									\
		if (real == NULL)					\
			return -1;					\
		va_start(list, flags);					\
		if (HAS_MODE(flags))					\
			mode = va_arg(list, mode_t);			\
		va_end(list);						\
		return opened_fd(real(dir, path, flags, mode), path,	\
		    flags);						\
	}

/* Those that a program calls that was compiled with checks. */
#define OPEN_CHECKED(name, parameters, arguments)			\
	int	proc_##name parameters NAMED(name);			\
	PRELOAD_NEXT(name);						\
									\
	int								\
	proc_##name parameters						\
	{								\
		__typeof__(&proc_##name) real =				\
		    (__typeof__(real))preload_next(&next_##name, #name); \
									\
		return real == NULL ? -1 :				\
		    opened_fd(real arguments, path, flags);		\
	}

#define CREAT(name)							\
	int	proc_##name(const char *, mode_t) NAMED(name);		\
	PRELOAD_NEXT(name);						\
									\
	int								\
	proc_##name(const char *path, mode_t mode)			\
	{								\
		__typeof__(&proc_##name) real =				\
		    (__typeof__(real))preload_next(&next_##name, #name); \
									\
		return real == NULL ? -1 :				\
		    opened_fd(real(path, mode), path, O_WRONLY);	\
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
OPEN_CHECKED(__open_2, (const char *path, int flags), (path, flags))
OPEN_CHECKED(__open64_2, (const char *path, int flags), (path, flags))
OPEN_CHECKED(__openat_2, (int dir, const char *path, int flags),
    (dir, path, flags))
OPEN_CHECKED(__openat64_2, (int dir, const char *path, int flags),
    (dir, path, flags))
CREAT(creat)
CREAT(creat64)

/* --- streams ----------------------------------------------------------- */

PRELOAD_NEXT(fdopen);
PRELOAD_NEXT(fclose);
PRELOAD_NEXT(fileno);

static int
flags_of(const char *mode)
{
	int flags = *mode == 'r' ? O_RDONLY : O_WRONLY;

	if (strchr(mode, '+') != NULL)
		flags = O_RDWR;
	if (strchr(mode, 'x') != NULL)
		flags |= O_CREAT | O_EXCL;
	return strchr(mode, 'e') != NULL ? flags | O_CLOEXEC : flags;
}

/* A stream that has read nothing yet does not see what comes beneath it. */
static FILE *
opened_stream(FILE *stream, const char *path, const char *mode)
{
	const int error = errno;
	int fd = stream == NULL ? -1 : NEXT(fileno)(stream), given;

	given = opened(fd, path, flags_of(mode));
	errno = error;
	if (given < 0 && stream != NULL)
		NEXT(fclose)(stream);
	if (given < 0) {
		errno = -given;
		return NULL;
	}
	return stream != NULL ? stream : NEXT(fdopen)(given, mode);
}

#define FOPEN(name)							\
	FILE	*proc_##name(const char *, const char *) NAMED(name);	\
	PRELOAD_NEXT(name);						\
									\
	FILE *								\
	proc_##name(const char *path, const char *mode)			\
	{								\
		__typeof__(&proc_##name) real =				\
		    (__typeof__(real))preload_next(&next_##name, #name); \
									\
		return real == NULL ? NULL :				\
		    opened_stream(real(path, mode), path, mode);	\
	}

/* Without a path it only changes the mode; without a stream all is over. */
#define FREOPEN(name)							\
	FILE	*proc_##name(const char *, const char *, FILE *)	\
		    NAMED(name);					\
	PRELOAD_NEXT(name);						\
									\
	FILE *								\
	proc_##name(const char *path, const char *mode, FILE *stream)	\
	{								\
		__typeof__(&proc_##name) real =				\
		    (__typeof__(real))preload_next(&next_##name, #name); \
									\
		if (real == NULL)					\
			return NULL;					\
		stream = real(path, mode, stream);			\
		return path == NULL || stream == NULL ? stream :	\
		    opened_stream(stream, path, mode);			\
	}

FOPEN(fopen)
FOPEN(fopen64)
FREOPEN(freopen)
FREOPEN(freopen64)
