/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * credentials.c - every way a program changes who it is, so that the library
 * need not ask the kernel at each call.
 *
 * Each function calls the real one and then reports, also after a failure,
 * which costs one reading too many and cannot be wrong.  Entering a user
 * namespace changes capabilities, hence setns(), and unshare() (unshare.c).
 * A program that changes its ids by its own system call instruction is not
 * seen.
 */
#include "preload.h"

#include <sys/fsuid.h>
#include <grp.h>
#include <sched.h>
#include <unistd.h>

int	capset(void *header, const void *data);	/* libc has no header for it */

#define REPORTING(name, parameters, arguments)				\
	PRELOAD_NEXT(name);						\
									\
	MIPC_PUBLIC int							\
	name parameters							\
	{								\
		__typeof__(&name) real = NEXT(name);			\
		int result = real == NULL ? -1 : real arguments;	\
									\
		mipc_credentials_changed();				\
		return result;						\
	}

REPORTING(setuid, (uid_t uid), (uid))
REPORTING(setgid, (gid_t gid), (gid))
REPORTING(seteuid, (uid_t euid), (euid))
REPORTING(setegid, (gid_t egid), (egid))
REPORTING(setreuid, (uid_t ruid, uid_t euid), (ruid, euid))
REPORTING(setregid, (gid_t rgid, gid_t egid), (rgid, egid))
REPORTING(setresuid, (uid_t ruid, uid_t euid, uid_t suid), (ruid, euid, suid))
REPORTING(setresgid, (gid_t rgid, gid_t egid, gid_t sgid), (rgid, egid, sgid))
REPORTING(setfsuid, (uid_t uid), (uid))
REPORTING(setfsgid, (gid_t gid), (gid))
REPORTING(setgroups, (size_t size, const gid_t *list), (size, list))
REPORTING(initgroups, (const char *user, gid_t group), (user, group))
REPORTING(capset, (void *header, const void *data), (header, data))
REPORTING(setns, (int fd, int type), (fd, type))
