/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backend_plain.c - the one backend of programs that know nothing of mipc:
 * libc's names, with the preload module behind them.
 *
 * The module opens the namespace that the environment names at the first call
 * of a process; testing_dir is the same.
 */
#include "backend.h"

#include <sys/stat.h>

static const char *
plain_enter(void)
{
	return NULL;
}

const struct backend plain_backend = {
	.name = "preload",
	.traits = SEES_MAPPINGS | OUTLIVES_EXEC | HAS_FILES | EXACT_FORKS |
	    KEEPS_CLONES | LIMITS_IN_PROC,
	.enter = plain_enter,
	LIBC_CALLS,
	.msgsnd = msgsnd
};

const struct backend *
apart_backend(void)
{
	return &plain_backend;
}

/* What is exec'ed inherits the environment, and the module with it. */
void
backend_rejoin(const char *place)
{
	(void)place;
	ipc = &plain_backend;
}

const char *
backend_place(void)
{
	return testing_dir;
}

/* In its place: this process has made no call yet. */
void
backend_renew(void)
{
	remove_tree(testing_dir);
	must_eq(mkdir(testing_dir, 0755), 0);
	must_eq(chmod(testing_dir, 01777), 0);
}
