/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec.c - the exec functions: a program that the module cannot be loaded
 * into is named on standard error, once, and with MIPC_STRICT=1 is not
 * executed: EACCES, which exec functions document, which shells turn into
 * status 126, and which makes none of them try the file as a script.
 *
 * "Once" is once for each program and process that executes it (a vfork()
 * child counts as its parent).
 *
 * Everything here may run in a vfork() child.  What posix_spawn() does
 * before its exec (a change of directory, of ids) is not followed.
 */
#include "preload.h"

#include "raw.h"
#include "sister.h"
#include "target.h"

#include <alloca.h>
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH	0x1000
#endif

#define SYSTEM_PRELOADS	"/etc/ld.so.preload"
#define NOT_IN_ENVIRON	"its environment names no module in LD_PRELOAD"

enum { REMEMBERED = 64 };

/* The programs that were warned of; of any more the warning is repeated. */
static _Atomic uint64_t warned[REMEMBERED];

static bool
warned_before(const struct target *target)
{
	uint64_t file = (target->inode * 0x9e3779b97f4a7c15u ^
	    target->device) | 1, found;

	for (unsigned i = 0; i < REMEMBERED; i++) {
		found = 0;
		if (atomic_compare_exchange_strong(&warned[i], &found, file))
			return false;
		if (found == file)
			return true;
	}
	return false;
}

/* Whether this program was started with "name=1" in its environment. */
static bool
was_set(const char *name)
{
	char setting[32] = "", text[512];
	size_t matched = 0;
	bool alike = true, found = false;
	uint64_t at = 0;
	ssize_t n;
	int fd;

	strncat(setting, name, sizeof(setting) - sizeof("=1"));
	strcat(setting, "=1");
	fd = mipc_sys_open(AT_FDCWD, "/proc/self/environ", O_RDONLY, 0);
	while (fd >= 0 && !found &&
	    (n = mipc_sys_pread(fd, text, sizeof(text), at)) > 0) {
		for (ssize_t i = 0; i < n && !found; i++) {
			alike = alike && text[i] == setting[matched++];
			found = alike && text[i] == '\0';
			if (text[i] == '\0') {
				alike = true;
				matched = 0;
			}
		}
		at += (uint64_t)n;
	}
	if (fd >= 0)
		mipc_sys_close(fd);
	return found;
}

/* Who clears the environment, as env -i does, is held to it all the same. */
static bool
is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? strcmp(value, "1") == 0 : was_set(name);
}

/* Of a program that will be executed all the same. */
static const char *
prospect(void)
{
	return is_set(RAW_ENVIRONMENT) ?
	    " will be killed at its first System V IPC call: " :
	    " will use the kernel's System V IPC: ";
}

/* A path, or for fexecve() that of the descriptor. */
static void
add_name(struct preload_line *line, int fd, const char *path)
{
	char link[TARGET_DESCRIPTOR_PATH], name[512];
	int size;

	if (*path != '\0') {
		preload_add(line, path);
		return;
	}
	target_descriptor_path((unsigned)fd, link);
	size = mipc_sys_readlink(AT_FDCWD, link, name, sizeof(name) - 1);
	name[size < 0 ? 0 : size] = '\0';
	preload_add(line, size < 0 ? "a program" : name);
}

static void
warn(int dirfd, const char *path, const struct target *target, bool strict)
{
	struct preload_line line = { .used = 0 };

	if (warned_before(target))
		return;
	preload_add(&line, "mipc: ");
	add_name(&line, dirfd, path);
	preload_add(&line, strict ? " is not executed: " :
	    prospect());
	if (target->through[0] != '\0') {
		preload_add(&line, "of its interpreter ");
		preload_add(&line, target->through);
		preload_add(&line, ", ");
	}
	preload_add(&line, target->why);
	preload_print(&line);
}

/*
 * The list, written to `text` of `size` bytes, by which every program of the
 * machine is preloaded with the module; or NULL.
 */
static const char *
preloads_of_system(char *text, size_t size)
{
	int fd = mipc_sys_open(AT_FDCWD, SYSTEM_PRELOADS, O_RDONLY, 0);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = mipc_sys_pread(fd, text, size - 1, 0);
	mipc_sys_close(fd);
	if (n < 0)
		return NULL;
	text[n] = '\0';
	return strstr(text, SISTER_MODULE) != NULL ? text : NULL;
}

/* The list with the module in it that a program will run with, or NULL. */
static const char *
preloads_of(char *const envp[], char *text, size_t size)
{
	static const char name[] = "LD_PRELOAD=";
	const size_t length = sizeof(name) - 1;

	for (; envp != NULL && *envp != NULL; envp++)
		if (strncmp(*envp, name, length) == 0 &&
		    strstr(*envp, SISTER_MODULE) != NULL)
			return *envp + length;
	return preloads_of_system(text, size);
}

int
preload_judge(int dirfd, const char *path, int flags, char *const envp[])
{
	char text[1024];
	const char *preloads = preloads_of(envp, text, sizeof(text));
	struct target target;
	bool strict;

	switch (target_judge(dirfd, path, flags, preloads, &target)) {
	case TARGET_UNKNOWN:
		return 0;
	case TARGET_GOOD:
		if (preloads != NULL)
			return 0;
		target.why = NOT_IN_ENVIRON;
		break;
	case TARGET_BARRED:
	case TARGET_DOUBTFUL:
		break;
	}
	strict = is_set("MIPC_STRICT");
	warn(dirfd, path, &target, strict);
	return strict ? EACCES : 0;
}

/* The same for a name that is looked for along $PATH. */
static int
judge_name(const char *name, char *const envp[])
{
	char path[PATH_MAX];

	if (!target_find(name, path, sizeof(path)))
		return 0;
	return preload_judge(AT_FDCWD, path, 0, envp);
}

/* The environment for the program, with what it must be told. */
#define TOLD(envp)							\
	(!preload_hands_down() ? envp : preload_hand_down(envp,		\
	alloca((preload_count(envp) + 2) * sizeof(char *))))

static int
refused(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

PRELOAD_NEXT(execve);
PRELOAD_NEXT(execvpe);
PRELOAD_NEXT(execveat);
PRELOAD_NEXT(fexecve);
PRELOAD_NEXT(posix_spawn);
PRELOAD_NEXT(posix_spawnp);

MIPC_PUBLIC int
execve(const char *path, char *const argv[], char *const envp[])
{
	__typeof__(&execve) real = NEXT(execve);

	if (real == NULL || refused(preload_judge(AT_FDCWD, path, 0, envp)))
		return -1;
	return real(path, argv, TOLD(envp));
}

MIPC_PUBLIC int
execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

MIPC_PUBLIC int
execvpe(const char *name, char *const argv[], char *const envp[])
{
	__typeof__(&execvpe) real = NEXT(execvpe);

	if (real == NULL || refused(judge_name(name, envp)))
		return -1;
	return real(name, argv, TOLD(envp));
}

MIPC_PUBLIC int
execvp(const char *name, char *const argv[])
{
	return execvpe(name, argv, environ);
}

MIPC_PUBLIC int
fexecve(int fd, char *const argv[], char *const envp[])
{
	__typeof__(&fexecve) real = NEXT(fexecve);

	if (real == NULL ||
	    refused(preload_judge(fd, "", AT_EMPTY_PATH, envp)))
		return -1;
	return real(fd, argv, TOLD(envp));
}

/* Under another name here: not every libc's header declares it. */
int	preload_execveat(int dirfd, const char *path, char *const argv[],
	    char *const envp[], int flags) __asm__("execveat");

MIPC_PUBLIC int
preload_execveat(int dirfd, const char *path, char *const argv[],
    char *const envp[], int flags)
{
	__typeof__(&preload_execveat) real =
	    (__typeof__(&preload_execveat))preload_next(&next_execveat,
	    "execveat");

	if (real == NULL || refused(preload_judge(dirfd, path, flags, envp)))
		return -1;
	return real(dirfd, path, argv, TOLD(envp), flags);
}

/* The list functions copy their arguments to the stack, as libc's do. */
static size_t
count(va_list list)
{
	size_t n = 1;
	va_list copy;

	va_copy(copy, list);
	while (va_arg(copy, const char *) != NULL)
		n++;
	va_end(copy);
	return n;
}

static void
collect(const char *first, va_list *list, char **argv)
{
	*argv = (char *)(uintptr_t)first;
	while (*argv != NULL)
		*++argv = va_arg(*list, char *);
}

/* A list without any argument ends at its first. */
#define ARGUMENTS(first, list)						\
	alloca((first == NULL ? 1 : count(list) + 1) * sizeof(char *))

MIPC_PUBLIC int
execl(const char *path, const char *first, ...)
{
	char **argv;
	va_list list;

	va_start(list, first);
	argv = ARGUMENTS(first, list);
	collect(first, &list, argv);
	va_end(list);
	return execve(path, argv, environ);
}

MIPC_PUBLIC int
execlp(const char *name, const char *first, ...)
{
	char **argv;
	va_list list;

	va_start(list, first);
	argv = ARGUMENTS(first, list);
	collect(first, &list, argv);
	va_end(list);
	return execvpe(name, argv, environ);
}

MIPC_PUBLIC int
execle(const char *path, const char *first, ...)
{
	char **argv, **envp;
	va_list list;

	va_start(list, first);
	argv = ARGUMENTS(first, list);
	collect(first, &list, argv);
	envp = va_arg(list, char **);
	va_end(list);
	return execve(path, argv, envp);
}

MIPC_PUBLIC int
posix_spawn(pid_t *pid, const char *path,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	__typeof__(&posix_spawn) real = NEXT(posix_spawn);
	int error = real == NULL ? ENOSYS :
	    preload_judge(AT_FDCWD, path, 0, envp);

	return error != 0 ? error :
	    real(pid, path, actions, attr, argv, TOLD(envp));
}

MIPC_PUBLIC int
posix_spawnp(pid_t *pid, const char *name,
    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const envp[])
{
	__typeof__(&posix_spawnp) real = NEXT(posix_spawnp);
	int error = real == NULL ? ENOSYS : judge_name(name, envp);

	return error != 0 ? error :
	    real(pid, name, actions, attr, argv, TOLD(envp));
}
