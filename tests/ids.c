/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ids.c - the ids that a test's children take.
 */
#include "backend.h"

#include <sys/syscall.h>
#include <grp.h>
#include <linux/capability.h>
#include <unistd.h>

bool ids_are_one;

void
become(const struct who *who)
{
	must_eq(setgroups((size_t)who->ngroups, who->groups), 0);
	must_eq(setresgid(who->gid, who->gid, who->gid), 0);
	must_eq(setresuid(who->uid, who->uid, who->uid), 0);
	ipc->changed();
}

static bool
has_capability(int cap)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	must_eq(syscall(SYS_capget, &header, data), 0);
	return (data[cap / 32].effective >> (cap % 32) & 1) != 0;
}

void
need_capability(int cap, const char *name)
{
	if (!has_capability(cap))
		testing_skip("needs %s", name);
}

void
need_root(void)
{
	if (geteuid() != 0 || ids_are_one || !has_capability(CAP_SETUID))
		testing_skip("needs root, to take other ids");
}

struct errand {
	const struct who *who;
	void (*body)(void *);
	void *arg;
};

static void
run_errand(void *arg)
{
	const struct errand *errand = arg;

	become(errand->who);
	errand->body(errand->arg);
}

pid_t
spawn_as(const struct who *who, void (*body)(void *), void *arg)
{
	struct errand errand = { who, body, arg };

	return spawn(BY_FORK, run_errand, &errand);
}

void
drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };

	must_eq(syscall(SYS_capset, &header, data), 0);
	ipc->changed();
}
