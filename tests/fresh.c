/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fresh.c - programs that a fault test execs: they know of the namespace what
 * its directory says, and nothing else.
 */
#include "clauses.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct fresh {
	const char *role;
	char ids[40];
};

static void
exec_fresh(void *arg)
{
	const struct fresh *fresh = arg;

	exec_role(fresh->role, testing_dir, fresh->ids);
}

void
run_fresh(const char *role, int id, int other)
{
	struct fresh fresh = { .role = role };

	snprintf(fresh.ids, sizeof(fresh.ids), "%d %d", id, other);
	finish(spawn(BY_FORK, exec_fresh, &fresh));
}

int
play_fresh(const char *role, const char *dir, const char *ids)
{
	char *end;
	long id = strtol(ids, &end, 10);

	if (!testing_join())
		return 3;
	ipc = &dir_backend;
	snprintf(testing_dir, PATH_MAX, "%s", dir);
	return play_fault(role, (int)id, atoi(end)) ? 0 : 2;
}
