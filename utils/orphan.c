/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * orphan.c - objects that nobody alive uses.
 *
 * Its creator has ended, nobody is attached, sleeps in it or owes it anything,
 * and those who used a set or a queue last live in the namespace no more.  A
 * pid that somebody else has by now counts as alive: what is thought to be an
 * orphan may be removed.
 */
#include "orphan.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "gather.h"
#include "object.h"

int
orphan_begin(struct mipc_ns *ns, struct living *living)
{
	living->all = gather_processes(ns, &living->n);
	return living->all == NULL ? -1 : 0;
}

void
orphan_done(struct living *living)
{
	free(living->all);
}

static bool
lives(const struct living *living, pid_t pid)
{
	for (size_t i = 0; i < living->n; i++)
		if (pid != 0 && living->all[i].pid == pid)
			return true;
	return false;
}

/* What a user begins with, whichever kind of user it is. */
_Static_assert(offsetof(struct mipc_look_attach, process) == 0, "a user");
_Static_assert(offsetof(struct mipc_look_sleeper, process) == 0, "a user");
_Static_assert(offsetof(struct mipc_look_debt, process) == 0, "a user");

/*
 * Is one of `n` users alive, of so many bytes each?  They are freed; -1 with
 * errno if there is none to ask.
 */
static int
any_alive(void *users, size_t n, size_t size)
{
	int alive = 0;

	if (users == NULL)
		return -1;
	for (size_t i = 0; i < n && !alive; i++) {
		const void *user = (const char *)users + i * size;

		alive = ((const struct mipc_look_process *)user)->alive;
	}
	free(users);
	return alive != 0;
}

/* Each of these: 1 somebody uses it, 0 nobody, -1 with errno. */
static int
is_attached(struct mipc_ns *ns, int id)
{
	size_t n = 0;
	int torn;
	struct mipc_look_attach *all = gather_attaches(ns, id, &n, &torn);

	return any_alive(all, n, sizeof(*all));
}

static int
is_slept_in(struct mipc_ns *ns, enum mipc_kind kind, int id)
{
	size_t n = 0;
	int torn;
	struct mipc_look_sleeper *all = gather_sleepers(ns, kind, id, &n,
	    &torn);

	return any_alive(all, n, sizeof(*all));
}

static int
is_owed(struct mipc_ns *ns, int id)
{
	size_t n = 0;
	int torn;
	struct mipc_look_debt *all = gather_debts(ns, id, &n, &torn);

	return any_alive(all, n, sizeof(*all));
}

static int
set_was_used_last(struct mipc_ns *ns, const struct living *living, int id)
{
	struct semid_ds ds;
	int pid;

	if (mipc_semctl(ns, id, 0, IPC_STAT,
	    (union sem_argument){ .buf = &ds }) == -1)
		return -1;
	for (int i = 0; i < (int)ds.sem_nsems; i++) {
		pid = mipc_semctl(ns, id, i, GETPID);
		if (pid == -1)
			return -1;
		if (lives(living, pid))
			return 1;
	}
	return 0;
}

static int
queue_was_used_last(struct mipc_ns *ns, const struct living *living, int id)
{
	struct msqid_ds ds;

	if (mipc_msgctl(ns, id, IPC_STAT, &ds) == -1)
		return -1;
	return lives(living, ds.msg_lspid) || lives(living, ds.msg_lrpid);
}

static int
is_used(struct mipc_ns *ns, const struct living *living,
    enum mipc_kind kind, int id)
{
	int used;

	if (kind == MIPC_SHM)
		return is_attached(ns, id);
	used = is_slept_in(ns, kind, id);
	if (used == 0 && kind == MIPC_SEM)
		used = is_owed(ns, id);
	if (used != 0)
		return used;
	return kind == MIPC_SEM ? set_was_used_last(ns, living, id) :
	    queue_was_used_last(ns, living, id);
}

int
orphan_judge(struct mipc_ns *ns, const struct living *living,
    const struct mipc_look_object *o, char reason[static REASON])
{
	int used = o->creator.alive ? 1 : is_used(ns, living, o->kind, o->id);

	if (used != 0)
		return used == -1 ? -1 : 0;
	snprintf(reason, REASON, "creator %d has ended; %s",
	    (int)o->creator.pid, o->kind == MIPC_SHM ?
	    "nobody has it attached" :
	    "who used it last lives no more, nobody waits in it");
	return 1;
}
