/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_still.c - who asks a namespace to keep still is killed at each single
 * instruction of that (kill_each.h); who comes next is kept by nobody, and a
 * checkpoint is made at once.
 *
 * Broken: the library does not ask whether who asked is alive.
 */
#include "kill_each.h"

#include <sys/wait.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mipc.h"
#include "still.h"

enum { LIMIT = 2,		/* seconds, of what takes none */
    CALLS = 9 };		/* from the first of them it is asked */

static struct mipc_ns *ns;
static char file[PATH_MAX];
static int set;
static unsigned asked;		/* killed while it was */

/* Each time anew, so that each victim goes the same way. */
static void
make(void)
{
	char dir[PATH_MAX];

	if (ns != NULL)
		mipc_close(ns);
	snprintf(dir, sizeof(dir), "%s/ns", harness_dir());
	snprintf(file, sizeof(file), "%s/checkpoint", harness_dir());
	if (ns != NULL)
		harness_remove(dir);
	ns = mipc_open(dir, MIPC_CREAT);
	if (ns == NULL)
		harness_die("%s: %s", dir, mipc_reason());
	set = mipc_semget(ns, IPC_PRIVATE, 1, 0600);
	if (set == -1)
		harness_die("no set: %s", strerror(errno));
}

static void
ask(void)
{
	struct mipc_still still;

	mipc_still_begin(&still, ns);
	mipc_still_ask(&still);
	mipc_still_ask(&still);
	mipc_still_end(&still);
}

/* In a process of its own: one that waits for ever is ended. */
static int
go_on(void)
{
	struct sembuf op = { .sem_op = 1 };
	pid_t pid = harness_fork();
	int status;

	if (pid == 0)
		_exit(mipc_semop(ns, set, &op, 1) != 0 ||
		    mipc_still_asked(ns) ||
		    mipc_semctl(ns, set, 0, SETVAL, 0) != 0 ||
		    mipc_checkpoint(ns, file, 1, NULL) != 0);
	status = harness_reap(pid, LIMIT);
	if (status == -1) {
		kill(pid, SIGKILL);
		harness_reap(pid, LIMIT);
		mipc_put(&ns->space->still, 0);
	}
	return status;
}

static const char *
judge(void)
{
	asked += mipc_still_asked(ns);
	return go_on() == 0 ? NULL : "the next one does not go on";
}

int
main(int argc, char **argv)
{
	struct kill_each k = { .make = make, .operate = ask, .judge = judge,
	    .calls = CALLS };

	if (!kill_each(&k, argc, argv))
		return 0;
	tap_plan(1);
	if (k.broken)
		tap_ok(k.bad > 0, "a kill is seen to keep the next one "
		    "waiting");
	else
		tap_ok(k.bad == 0 && asked > 0, "killed at one of %u of %u "
		    "instructions, %u after it was asked, it keeps nobody",
		    k.part, k.steps, asked);
	return tap_end();
}
