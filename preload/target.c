/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * target.c - judge a program before it is executed.
 *
 * The dynamic loader loads the module, so a program that is started without
 * one (statically linked), by another one (another word size or machine) for
 * which no module is installed (sister.c), or by one that ignores LD_PRELOAD
 * because the program gains privileges, would silently use the kernel's IPC.
 * A script is what its #! line names.
 */
#include "target.h"

#include "sister.h"
#include "sys.h"

#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#ifndef O_PATH
#define O_PATH	010000000
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH	0x1000
#endif

enum {
	HEAD_SIZE = 256,	/* bytes of a file that the kernel looks at */
	MAX_SCRIPTS = 5,	/* a script's interpreter may be a script */
	SEGMENTS = 512		/* bytes of program headers read at once */
};

/* The start of a file: text, or a program of either word size. */
union head {
	char text[HEAD_SIZE];
	struct sister_kind kind;
	Elf32_Ehdr elf32;
	Elf64_Ehdr elf64;
};

/* Where its program headers are. */
struct segments {
	uint64_t at;
	size_t size, n;
};

static long
id_of(long number)
{
	return mipc_sys(number, 0, 0, 0, 0, 0, 0);
}

#ifdef SYS_getuid32
#define REAL_UID	((uid_t)id_of(SYS_getuid32))
#define REAL_GID	((gid_t)id_of(SYS_getgid32))
#else
#define REAL_UID	((uid_t)id_of(SYS_getuid))
#define REAL_GID	((gid_t)id_of(SYS_getgid))
#endif

/* A filesystem or a process that lets nothing gain privileges by an exec. */
static bool
gains_nothing(int fd)
{
	struct statfs fs;

	if (mipc_sys(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0) == 1)
		return true;
	return mipc_sys(SYS_fstatfs, fd, (long)&fs, 0, 0, 0, 0) == 0 &&
	    ((unsigned long)fs.f_flags & ST_NOSUID) != 0;
}

static bool
has_capabilities(int fd)
{
	static const char name[] = "security.capability";

	return mipc_sys(SYS_fgetxattr, fd, (long)name, 0, 0, 0, 0) > 0;
}

/*
 * Why the loader would not trust its environment (AT_SECURE), or NULL.  That
 * depends on who executes the file: root gains nothing by set-user-ID root.
 */
static const char *
privilege(int fd, const struct stat *st)
{
	bool set_uid = (st->st_mode & S_ISUID) != 0;
	bool set_gid = (st->st_mode & (S_ISGID | S_IXGRP)) ==
	    (S_ISGID | S_IXGRP);
	uid_t ruid = REAL_UID, euid = mipc_sys_euid();
	gid_t rgid = REAL_GID, egid = mipc_sys_egid();

	if ((set_uid || set_gid) && gains_nothing(fd))
		set_uid = set_gid = false;
	if (set_uid && (st->st_uid != ruid || st->st_uid != euid))
		return "it is set-user-ID";
	if (set_gid && (st->st_gid != rgid || st->st_gid != egid))
		return "it is set-group-ID";
	if ((!set_uid && euid != ruid) || (!set_gid && egid != rgid))
		return "it starts with real and effective ids that differ";
	if (ruid != 0 && has_capabilities(fd) && !gains_nothing(fd))
		return "it has file capabilities";
	return NULL;
}

#define SEGMENTS_OF(elf)						\
	((struct segments){ (elf)->e_phoff, (elf)->e_phentsize,		\
	    (elf)->e_phnum })

static struct segments
segments_of(const union head *head)
{
	if (head->kind.ident[EI_CLASS] == ELFCLASS32)
		return SEGMENTS_OF(&head->elf32);
	return SEGMENTS_OF(&head->elf64);
}

/*
 * True if one of the program headers names a loader.  In either word size a
 * header begins with its type.
 */
static bool
has_loader(int fd, struct segments segments)
{
	char read[SEGMENTS];
	uint32_t type;
	size_t n;

	if (segments.size < sizeof(type) || segments.size > sizeof(read))
		return false;
	for (; segments.n > 0; segments.n -= n) {
		n = sizeof(read) / segments.size;
		if (n > segments.n)
			n = segments.n;
		if (mipc_sys_pread(fd, read, n * segments.size,
		    segments.at) != (ssize_t)(n * segments.size))
			return false;
		for (size_t i = 0; i < n; i++) {
			memcpy(&type, read + i * segments.size, sizeof(type));
			if (type == PT_INTERP)
				return true;
		}
		segments.at += n * segments.size;
	}
	return false;
}

/* The loader may be run as a program, with a program as its argument. */
static bool
is_loader(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;

	return strncmp(name, "ld", 2) == 0 && strstr(name, ".so") != NULL;
}

static const char *
foreign(int fd, const char *path, const union head *head, const char *preloads)
{
	const struct sister_kind *own = sister_own();

	if (!sister_alike(&head->kind, own) &&
	    !sister_serves(preloads, &head->kind))
		return head->kind.ident[EI_CLASS] != own->ident[EI_CLASS] ?
		    "it is of another word size than the module" :
		    "it is for another machine than the module";
	if (has_loader(fd, segments_of(head)))
		return NULL;
	if (head->kind.type == ET_DYN && is_loader(path))
		return NULL;
	return "it is statically linked";
}

/* The name on a #! line, "" if there is none. */
static void
copy_interpreter(const char *head, size_t size, char *out)
{
	size_t from = 2, n;

	while (from < size && (head[from] == ' ' || head[from] == '\t'))
		from++;
	for (n = 0; from + n < size; n++)
		if (memchr(" \t\n", head[from + n], 4) != NULL)
			break;
	memcpy(out, head + from, n);
	out[n] = '\0';
}

/* Judge an open file; GOOD with `through` changed means: look at that. */
static enum target_verdict
judge_file(int fd, const char *path, const char *preloads,
    const struct stat *st, struct target *out)
{
	union head head;
	ssize_t size = mipc_sys_pread(fd, &head, sizeof(head), 0);

	if (size >= 2 && memcmp(head.text, "#!", 2) == 0) {
		copy_interpreter(head.text, (size_t)size, out->through);
		return TARGET_GOOD;
	}
	out->why = privilege(fd, st);
	if (size < 0) {
		if (out->why != NULL)
			return TARGET_BARRED;
		out->why = "it cannot be read to see what it is";
		return TARGET_DOUBTFUL;
	}
	if (size < (ssize_t)sizeof(head.elf64) ||
	    memcmp(head.kind.ident, ELFMAG, SELFMAG) != 0)
		return TARGET_UNKNOWN;
	if (out->why == NULL)
		out->why = foreign(fd, path, &head, preloads);
	return out->why == NULL ? TARGET_GOOD : TARGET_BARRED;
}

void
target_descriptor_path(unsigned fd, char path[static TARGET_DESCRIPTOR_PATH])
{
	static const char start[] = "/proc/self/fd/";
	char digits[12];
	size_t n = sizeof(digits);

	digits[--n] = '\0';
	do {
		digits[--n] = (char)('0' + fd % 10);
		fd /= 10;
	} while (fd > 0);
	memcpy(path, start, sizeof(start) - 1);
	memcpy(path + sizeof(start) - 1, digits + n, sizeof(digits) - n);
}

/* A descriptor, without the right to read if there is no other. */
static int
open_target(int dirfd, const char *path, int flags)
{
	char by_number[TARGET_DESCRIPTOR_PATH];
	int fd;

	if ((flags & AT_EMPTY_PATH) != 0 && path != NULL && *path == '\0' &&
	    dirfd >= 0) {
		target_descriptor_path((unsigned)dirfd, by_number);
		path = by_number;
		dirfd = AT_FDCWD;
	}
	fd = mipc_sys_open(dirfd, path, O_RDONLY | O_NONBLOCK, 0);
	return fd != -EACCES ? fd : mipc_sys_open(dirfd, path, O_PATH, 0);
}

static enum target_verdict
judge_one(int dirfd, const char *path, int flags, const char *preloads,
    struct target *out)
{
	enum target_verdict verdict = TARGET_UNKNOWN;
	int fd = open_target(dirfd, path, flags);
	struct stat st;

	out->through[0] = '\0';
	if (fd < 0)
		return TARGET_UNKNOWN;
	if (mipc_sys_fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0) {
		out->device = st.st_dev;
		out->inode = st.st_ino;
		verdict = judge_file(fd, path, preloads, &st, out);
	}
	mipc_sys_close(fd);
	return verdict;
}

enum target_verdict
target_judge(int dirfd, const char *path, int flags, const char *preloads,
    struct target *out)
{
	enum target_verdict verdict = judge_one(dirfd, path, flags, preloads,
	    out);
	char interpreter[sizeof(out->through)];

	for (int i = 0; i < MAX_SCRIPTS && verdict == TARGET_GOOD &&
	    out->through[0] != '\0'; i++) {
		memcpy(interpreter, out->through, sizeof(interpreter));
		verdict = judge_one(AT_FDCWD, interpreter, 0, preloads, out);
		if (verdict != TARGET_GOOD)
			memcpy(out->through, interpreter, sizeof(interpreter));
	}
	return verdict;
}

static bool
is_executable(const char *path)
{
	struct stat st;

	return mipc_sys_stat(AT_FDCWD, path, &st, 0) == 0 &&
	    S_ISREG(st.st_mode) && mipc_sys(SYS_faccessat, AT_FDCWD,
	    (long)path, 1, 0, 0, 0) == 0;
}

/* "dir/name"; an empty directory of a PATH is the current one. */
static bool
join(const char *dir, size_t length, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	if (length + 1 + n + 1 > size)
		return false;
	memcpy(out, dir, length);
	if (length > 0)
		out[length++] = '/';
	memcpy(out + length, name, n + 1);
	return true;
}

bool
target_find(const char *name, char *path, size_t size)
{
	const char *dirs = getenv("PATH");

	if (strchr(name, '/') != NULL)
		return join("", 0, name, path, size);
	if (dirs == NULL)
		dirs = "/bin:/usr/bin";		/* as execvp() does */
	for (size_t n; *name != '\0'; dirs += n + 1) {
		n = strcspn(dirs, ":");
		if (join(dirs, n, name, path, size) && is_executable(path))
			return true;
		if (dirs[n] == '\0')
			break;
	}
	path[0] = '\0';
	return false;
}
