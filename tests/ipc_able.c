/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_able.c - the command of ipc_user about credentials beside the ids: root
 * who takes another id for files, or lays capabilities down, in a child that
 * has inherited everything.  It tells what every call then comes to.
 */
#include "ipc_owner.h"

#include "ipc_user.h"

#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int	capset(void *header, const void *data);

static const uid_t user = 65534, stranger = 65533;
static const gid_t group = 54321;

#define BIT(cap)	(UINT64_C(1) << (cap))

/* Of what is effective, all but these; what is permitted stays. */
static int
lay_down(uint64_t caps)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) == -1)
		die("capget");
	data[0].effective = data[0].permitted & ~(uint32_t)caps;
	data[1].effective = data[1].permitted & ~(uint32_t)(caps >> 32);
	return capset(&header, data);
}

static int
nothing(void)
{
	return 0;
}

static int
file_uid(void)
{
	return setfsuid(user) == 0 && setfsuid((uid_t)-1) == (int)user ?
	    0 : -1;
}

static int
file_gid(void)
{
	return setfsgid(group) == 0 && setfsgid((gid_t)-1) == (int)group ?
	    0 : -1;
}

static int
file_ids(void)
{
	return file_gid() == 0 ? file_uid() : -1;
}

static int
file_ids_back(void)
{
	return file_ids() == 0 && setfsuid(0) == (int)user &&
	    setfsgid(0) == (int)group ? 0 : -1;
}

static int
without_ipc_owner(void)
{
	return lay_down(BIT(CAP_IPC_OWNER));
}

static int
without_sys_admin(void)
{
	return lay_down(BIT(CAP_SYS_ADMIN));
}

static int
without_both(void)
{
	return lay_down(BIT(CAP_IPC_OWNER) | BIT(CAP_SYS_ADMIN));
}

static int
without_any(void)
{
	return lay_down(UINT64_MAX);
}

static int
with_all_again(void)
{
	return without_any() == 0 ? lay_down(0) : -1;
}

static int
group_without_any(void)
{
	return file_gid() == 0 ? without_any() : -1;
}

static int
as_user(void)
{
	return setgroups(0, NULL) == 0 && setresgid(group, group, group) ==
	    0 ? setresuid(user, user, user) : -1;
}

/* The user's, but for one capability that is kept. */
static int
as_user_with_ipc_owner(void)
{
	return prctl(PR_SET_KEEPCAPS, 1) == 0 && as_user() == 0 ?
	    lay_down(~BIT(CAP_IPC_OWNER)) : -1;
}

static int
as_user_and_back(void)
{
	return setegid(group) == 0 && seteuid(user) == 0 &&
	    seteuid(0) == 0 ? setegid(0) : -1;
}

static const struct change {
	const char *name;
	int (*make)(void);
} changes[] = {
	{ "nothing", nothing },
	{ "setfsuid", file_uid },
	{ "setfsgid", file_gid },
	{ "setfsgid and setfsuid", file_ids },
	{ "setfsgid and setfsuid, and back", file_ids_back },
	{ "capset without CAP_IPC_OWNER", without_ipc_owner },
	{ "capset without CAP_SYS_ADMIN", without_sys_admin },
	{ "capset without either", without_both },
	{ "capset without any", without_any },
	{ "capset without any, and with all again", with_all_again },
	{ "setfsgid and capset without any", group_without_any },
	{ "setuid", as_user },
	{ "seteuid, and back", as_user_and_back },
	{ "setuid, but with CAP_IPC_OWNER", as_user_with_ipc_owner },
};

/* Whose they are, and what their modes let others do. */
static const struct trio kinds[] = {
	{ .key = 0x6b40, .mode = 0600 },
	{ .key = 0x6b41, .uid = 65534, .gid = 54321, .mode = 0600 },
	{ .key = 0x6b42, .uid = 65533, .gid = 65533, .mode = 0600 },
	{ .key = 0x6b43, .uid = 65533, .gid = 54321, .mode = 0060 },
	{ .key = 0x6b44, .uid = 65533, .gid = 65533, .mode = 0666 },
	{ .key = 0x6b45, .uid = 65533, .gid = 65533, .mode = 0066 },
};

enum { MANY = sizeof(kinds) / sizeof(kinds[0]) };

static struct trio trios[MANY];

static void
make_all(void)
{
	for (int i = 0; i < MANY; i++) {
		trios[i] = kinds[i];
		trio_make(&trios[i]);
	}
}

/* Those that a stranger to the namespace's maker has made. */
static void
make_as_stranger(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setresgid(group, group, group) == -1 ||
		    setresuid(stranger, stranger, stranger) == -1)
			die("setresuid");
		trios[0] = (struct trio){ .key = 0x6b46, .uid = stranger,
		    .gid = group, .mode = 0640 };
		trio_make(&trios[0]);
		_exit(0);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0)
		die("make_as_stranger");
}

static void
tell_all(const struct change *change)
{
	struct trio theirs = { .key = 0x6b46, .uid = stranger, .gid = group,
		.mode = 0640 };

	trio_find(&theirs);
	if (change->make() == -1)
		die(change->name);
	for (int i = 0; i < MANY; i++)
		trio_tell(change->name, &trios[i]);
	trio_tell(change->name, &theirs);
}

/* In a child that is made when everything is there. */
static void
try_change(const struct change *change)
{
	int status;
	pid_t pid;

	make_as_stranger();
	make_all();
	pid = fork();
	if (pid == 0) {
		tell_all(change);
		_exit(0);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0)
		die(change->name);
	for (key_t key = 0x6b40; key <= 0x6b46; key++)
		trio_clear(key);
}

/* able [CHANGE]: with it, what every call comes to; else their names. */
int
user_able(char **argv)
{
	const char *name = argv[0];

	setbuf(stdout, NULL);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (name == NULL) {
			puts(changes[i].name);
		} else if (strcmp(name, changes[i].name) == 0) {
			try_change(&changes[i]);
			return 0;
		}
	return name == NULL ? 0 : 2;
}
