/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_cred.c - the command of ipc_user about changes of who asks.
 */
#include "ipc_user.h"

#include <sys/fsuid.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <unistd.h>

int	capset(void *header, const void *data);

enum { SIZE = 4096, SKIPPED = 77 };

static const uid_t U = 65534;	/* some other user and group */
static const gid_t G = 54321;

/* The capability to ignore modes, dropped or not; all others stay. */
static int
drop_ipc_owner(long by_number)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) == -1)
		die("capget");
	data[0].effective &= ~(1u << CAP_IPC_OWNER);
	return (int)(by_number ? syscall(SYS_capset, &header, data) :
	    capset(&header, data));
}

static int
become_fsuid(long by_number)
{
	int before = by_number ? (int)syscall(SYS_setfsuid, U) : setfsuid(U);

	return before == 0 && setfsuid((uid_t)-1) == (int)U ? 0 : -1;
}

#define CHANGE(name, call, ...)						\
	static int							\
	set_##name(long by_number)					\
	{								\
		return by_number ? (int)syscall(__VA_ARGS__) : (call);	\
	}

CHANGE(uid, setuid(U), SYS_setuid, U)
CHANGE(reuid, setreuid(0, U), SYS_setreuid, 0, U)
CHANGE(resuid, setresuid(0, U, 0), SYS_setresuid, 0, U, 0)
CHANGE(euid, seteuid(U), SYS_setresuid, -1, U, -1)
CHANGE(gid, setgid(G), SYS_setgid, G)
CHANGE(regid, setregid(0, G), SYS_setregid, 0, G)
CHANGE(resgid, setresgid(0, G, 0), SYS_setresgid, 0, G, 0)
CHANGE(egid, setegid(G), SYS_setresgid, -1, G, -1)
CHANGE(groups, setgroups(1, &G), SYS_setgroups, 1, &G)
CHANGE(init, initgroups("root", G), SYS_setgroups, 1, &G)

/* What shmget() finds before and after a change of who asks. */
static const struct change {
	const char *name;
	int (*make)(long by_number);
	int mode;		/* of the segment of U and G */
	bool drop_first;	/* of CAP_IPC_OWNER */
	bool before, after;	/* may it be read? */
} changes[] = {
	{ "setuid", set_uid, 0600, true, false, true },
	{ "setreuid", set_reuid, 0600, true, false, true },
	{ "setresuid", set_resuid, 0600, true, false, true },
	{ "seteuid", set_euid, 0600, true, false, true },
	{ "setgid", set_gid, 0060, true, false, true },
	{ "setregid", set_regid, 0060, true, false, true },
	{ "setresgid", set_resgid, 0060, true, false, true },
	{ "setegid", set_egid, 0060, true, false, true },
	{ "setgroups", set_groups, 0060, true, false, true },
	{ "initgroups", set_init, 0060, true, false, true },
	{ "capset", drop_ipc_owner, 0600, false, true, false },
	{ "setfsuid", become_fsuid, 0600, true, false, false },
};

/* Make the segment that a change is tried on, as its owner. */
static int
make_segment(key_t key, int mode)
{
	int id;

	if (setegid(G) == -1 || seteuid(U) == -1)
		die("seteuid");
	id = shmget(key, SIZE, IPC_CREAT | IPC_EXCL | mode);
	if (seteuid(0) == -1 || setegid(0) == -1)
		die("seteuid");
	return id;
}

#define MAY_READ(key)	(shmget(key, 0, 0444) != -1)

static bool
is_noticed(const struct change *change, long by_number)
{
	key_t key = 5000;
	int id = make_segment(key, change->mode);
	bool good = expect(id != -1, "a segment");

	if (change->drop_first && drop_ipc_owner(0) == -1)
		die("capset");
	good &= expect(MAY_READ(key) == change->before, "before");
	good &= expect(change->make(by_number) == 0, "the change");
	good &= expect(MAY_READ(key) == change->after, "after");
	return good;
}

/* In a process of its own; the segment goes whatever happened. */
static bool
try_change(const struct change *change, long by_number)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(is_noticed(change, by_number) ?
		    0 : (fflush(stdout), 1));
	if (pid == -1 || waitpid(pid, &status, 0) != pid ||
	    shmctl(shmget(5000, 0, 0), IPC_RMID, NULL) == -1)
		die("child");
	if (status != 0)
		printf("%s %s is not noticed\n", change->name,
		    by_number ? "by number" : "by name");
	return status == 0;
}

/* credentials: every change of them counts at the next call. */
int
user_credentials(char **argv)
{
	bool good = true;

	(void)argv;
	if (geteuid() != 0)
		return SKIPPED;
	setbuf(stdout, NULL);
	if (setgroups(0, NULL) == -1)
		die("setgroups");
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		good &= try_change(&changes[i], 0);
		good &= try_change(&changes[i], 1);
	}
	return good ? 0 : 1;
}
