/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_sem_scene.c - the operations on sets in which somebody is killed.
 *
 * A scene is mostly data: the values at the start, what the others have done,
 * what the victim does, and each way in which it may come out.  The victim has
 * called into the namespace before, but not touched the target.
 */
#include "kill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define A		0
#define B		1
#define C		2
#define U		SEM_UNDO
#define TIMEOUT		0.02
#define NEW_SEMS	3

/* ---- before ---- */

/* The last thing before it is stepped. */
static void
nothing(struct stage *s)
{
	sem_enroll(s);
	atomic_store(&s->cast.victim, getpid());
	harness_wake((_Atomic uint32_t *)&s->cast.victim);
}

static void
have_called(struct stage *s)
{
	struct sem_vector v = s->scene->sets->before;

	if (sets_ask(s->bystander, 0, GETVAL) != 1)
		stage_tell(s, "before: GETVAL");
	if (v.n > 0 && sets_op(s->target, v.op, v.n) == -1)
		stage_tell(s, "before: semop");
	nothing(s);
}

/* ---- the operations ---- */

static void
perform(struct stage *s)
{
	struct sem_vector v = s->scene->sets->act;

	if (sets_op(s->target, v.op, v.n) == -1)
		stage_tell(s, "semop");
}

static void
perform_timed(struct stage *s)
{
	struct sem_vector v = s->scene->sets->act;

	if (sets_timed(s->target, v.op, v.n, TIMEOUT) != -1 ||
	    errno != EAGAIN)
		stage_tell(s, "semtimedop");
}

static void
set_one(struct stage *s)
{
	const int val = s->scene->sets->act.op[0].sem_op;

	if (sets_ctl(s->target, A, SETVAL, (union sem_arg){ .val = val }) ==
	    -1)
		stage_tell(s, "SETVAL");
}

static void
set_all(struct stage *s)
{
	unsigned short v[SEMS] = { 7, 8, 9, 1 };

	if (sets_ctl(s->target, 0, SETALL, (union sem_arg){ .array = v }) ==
	    -1)
		stage_tell(s, "SETALL");
}

static void
remove_target(struct stage *s)
{
	if (sets_ask(s->target, 0, IPC_RMID) == -1)
		stage_tell(s, "IPC_RMID");
}

static void
leave(struct stage *s)
{
	(void)s;
	exit(0);
}

static void
look_at_value(struct stage *s)
{
	if (sets_ask(s->target, A, GETVAL) != s->scene->sets->start[A])
		stage_tell(s, "GETVAL before the dead were settled");
}

static void
create(struct stage *s)
{
	if (sets_get(KEY_NEW, NEW_SEMS, IPC_CREAT | IPC_EXCL | NEW_MODE) ==
	    -1)
		stage_tell(s, "semget of a new key");
}

/* Everything that may meet what somebody left; nothing of it stays. */
static void
look_after(struct stage *s)
{
	struct sembuf both[] = { { SPARE, 1, U }, { SPARE, -1, U } };
	unsigned short v[SEMS];
	struct semid_ds ds;
	int id;

	sem_enroll(s);
	sets_get(KEY_TARGET, 0, 0);
	sets_ctl(s->target, 0, GETALL, (union sem_arg){ .array = v });
	sets_ask(s->target, A, GETVAL);
	sets_ask(s->target, A, GETNCNT);
	sets_ctl(s->target, 0, IPC_STAT, (union sem_arg){ .buf = &ds });
	sets_op(s->target, both, 2);
	if (sets_one(s->target, SPARE, 1, U) == 0)
		sets_one(s->target, SPARE, -1, U);
	sets_one(s->target, SPARE, -10, IPC_NOWAIT);
	id = sets_get(IPC_PRIVATE, 1, 0600);
	if (id == -1 || sets_ask(id, 0, IPC_RMID) == -1)
		stage_tell(s, "create and remove after a kill");
}

/* ---- scenes ---- */

#define SCENE static const struct sem_scene

SCENE simple = {
	.start = { 3, 0, 0, 1 },
	.act = { 1, { { A, -1, 0 } } },
	.end = {
		{ .value = { 3, 0, 0, 1 }, .is = true },
		{ .value = { 2, 0, 0, 1 }, .is = true },
	}
};
SCENE zero = {
	.start = { 0, 0, 0, 1 },
	.act = { 1, { { A, 0, 0 } } },
	.end = { { .value = { 0, 0, 0, 1 }, .is = true } }
};
SCENE vector = {
	.start = { 3, 0, 5, 1 },
	.act = { 3, { { A, -1, 0 }, { B, 2, 0 }, { C, -5, 0 } } },
	.end = {
		{ .value = { 3, 0, 5, 1 }, .is = true },
		{ .value = { 2, 2, 0, 1 }, .is = true },
	}
};
SCENE undo = {
	.start = { 3, 0, 0, 1 },
	.act = { 1, { { A, -1, U } } },
	.end = { { .value = { 3, 0, 0, 1 }, .is = true } }
};
SCENE vector_undo = {
	.start = { 3, 0, 5, 1 },
	.act = { 3, { { A, -1, U }, { B, 2, 0 }, { C, -2, U } } },
	.end = {
		{ .value = { 3, 0, 5, 1 }, .is = true },
		{ .value = { 3, 2, 5, 1 }, .is = true },
	}
};
SCENE more_undo = {
	.start = { 3, 0, 5, 1 },
	.before = { 1, { { A, -1, U } } },
	.act = { 2, { { A, -1, U }, { C, -2, U } } },
	.end = { { .value = { 3, 0, 5, 1 }, .is = true } }
};
SCENE granted = {
	.start = { 0, 0, 0, 1 },
	.act = { 1, { { A, -1, 0 } } },
	.help = { 1, { { A, 1, 0 } } },
	.end = {
		{ .value = { 0, 0, 0, 1 }, .is = true },
		{ .value = { 1, 0, 0, 1 }, .when = IF_HELPED, .is = true },
	}
};
SCENE granted_undo = {
	.start = { 0, 0, 0, 1 },
	.act = { 1, { { A, -1, U } } },
	.help = { 1, { { A, 1, 0 } } },
	.end = {
		{ .value = { 0, 0, 0, 1 }, .when = UNLESS_HELPED, .is = true },
		{ .value = { 1, 0, 0, 1 }, .when = IF_HELPED, .is = true },
	}
};
SCENE granted_zero = {
	.start = { 1, 0, 0, 1 },
	.act = { 1, { { A, 0, 0 } } },
	.help = { 1, { { A, -1, 0 } } },
	.end = {
		{ .value = { 1, 0, 0, 1 }, .when = UNLESS_HELPED, .is = true },
		{ .value = { 0, 0, 0, 1 }, .when = IF_HELPED, .is = true },
	}
};
SCENE granted_vector = {
	.start = { 0, 2, 0, 1 },
	.act = { 2, { { B, -1, U }, { A, -1, U } } },
	.help = { 1, { { A, 1, 0 } } },
	.end = {
		{ .value = { 0, 2, 0, 1 }, .when = UNLESS_HELPED, .is = true },
		{ .value = { 1, 2, 0, 1 }, .when = IF_HELPED, .is = true },
	}
};
SCENE killed_asleep = {
	.start = { 0, 0, 0, 1 },
	.act = { 1, { { A, -1, U } } },
	.help_by_kill = true,
	.end = { { .value = { 0, 0, 0, 1 }, .is = true } }
};
SCENE killed_last = {
	.start = { 1, 0, 0, 1 },
	.debtor = { 1, { { A, -1, U } } },
	.sleeper = { { 1, { { A, -1, U } } } },
	.act = { 1, { { A, -1, U } } },
	.help_by_kill = true,
	.end = {
		{ .value = { 0, 0, 0, 1 }, .owed = { 1 }, .is = true },
	}
};
SCENE grants = {
	.start = { 0, 0, 0, 1 },
	.sleeper = { { 1, { { A, -1, 0 } } } },
	.act = { 1, { { A, 1, 0 } } },
	.end = {
		{ .value = { 0, 0, 0, 1 }, .is = true },
		{ .value = { 0, 0, 0, 1 }, .back = 1, .is = true },
	}
};
SCENE grants_first = {
	.start = { 0, 0, 0, 1 },
	.sleeper = { { 1, { { A, -1, U } } }, { 1, { { A, -1, U } } } },
	.act = { 1, { { A, 1, 0 } } },
	.end = {
		{ .value = { 0, 0, 0, 1 }, .is = true },
		{ .value = { 0, 0, 0, 1 }, .back = 1, .is = true },
	}
};
SCENE grants_chain = {
	.start = { 0, 0, 0, 1 },
	.sleeper = {
		{ 2, { { A, -1, 0 }, { B, 1, 0 } } },
		{ 1, { { B, -1, U } } },
	},
	.act = { 1, { { A, 1, 0 } } },
	.end = {
		{ .value = { 0, 0, 0, 1 }, .is = true },
		{ .value = { 0, 0, 0, 1 }, .back = 3, .is = true },
	}
};
SCENE grants_half = {
	.start = { 0, 0, 0, 1 },
	.sleeper = { { 2, { { A, -1, 0 }, { B, -1, 0 } } } },
	.act = { 1, { { A, 1, 0 } } },
	.end = {
		{ .value = { 0, 0, 0, 1 }, .is = true },
		{ .value = { 1, 0, 0, 1 }, .at = { 1 }, .is = true },
	}
};
SCENE lets_go = {
	.start = { 1, 0, 0, 1 },
	.sleeper = {
		{ 1, { { A, 0, 0 } } },
		{ 2, { { A, 0, 0 }, { B, 1, 0 } } },
	},
	.act = { 1, { { A, -1, 0 } } },
	.end = {
		{ .value = { 1, 0, 0, 1 }, .is = true },
		{ .value = { 0, 1, 0, 1 }, .back = 3, .is = true },
	}
};
/* What the victim had taken comes back by its death: to a sleeper. */
SCENE frees = {
	.start = { 1, 0, 0, 1 },
	.sleeper = { { 2, { { A, -1, 0 }, { B, -1, 0 } } } },
	.before = { 1, { { A, -1, U } } },
	.act = { 1, { { B, 1, 0 } } },
	.end = {
		{ .value = { 1, 0, 0, 1 }, .at = { 1 }, .is = true },
		{ .value = { 0, 0, 0, 1 }, .back = 1, .is = true },
	}
};
SCENE set_value = {
	.start = { 2, 0, 0, 1 },
	.debtor = { 1, { { A, -1, U } } },
	.act = { 0, { { A, 5, 0 } } },
	.end = {
		{ .value = { 1, 0, 0, 1 }, .owed = { 1 }, .is = true },
		{ .value = { 5, 0, 0, 1 }, .is = true },
	}
};
SCENE set_value_grants = {
	.start = { 2, 0, 0, 1 },
	.debtor = { 1, { { A, -1, U } } },
	.sleeper = { { 1, { { A, -3, U } } } },
	.act = { 0, { { A, 5, 0 } } },
	.end = {
		{ .value = { 1, 0, 0, 1 }, .owed = { 1 }, .is = true },
		{ .value = { 2, 0, 0, 1 }, .back = 1, .is = true },
	}
};
SCENE set_all_values = {
	.start = { 2, 2, 2, 1 },
	.debtor = { 2, { { A, -1, U }, { B, -2, U } } },
	.end = {
		{ .value = { 1, 0, 2, 1 }, .owed = { 1, 2 }, .is = true },
		{ .value = { 7, 8, 9, 1 }, .is = true },
	}
};
SCENE removal = {
	.start = { 1, 0, 0, 1 },
	.debtor = { 1, { { A, -1, U } } },
	.end = {
		{ .value = { 0, 0, 0, 1 }, .owed = { 1 }, .is = true },
		{ .removed = true, .is = true },
	}
};
SCENE removal_unused = {
	.unused = true,
	.end = {
		{ .is = true },
		{ .removed = true, .is = true },
	}
};
SCENE removal_asleep = {
	.start = { 0, 1, 0, 1 },
	.sleeper = { { 1, { { A, -1, U } } }, { 1, { { B, 0, 0 } } } },
	.end = {
		{ .value = { 0, 1, 0, 1 }, .is = true },
		{ .removed = true, .back = 3, .is = true },
	}
};
SCENE exit_with_debts = {
	.start = { 3, 1, 0, 1 },
	.before = { 2, { { A, -1, U }, { B, 2, U } } },
	.end = { { .value = { 3, 1, 0, 1 }, .is = true } }
};
SCENE reaping = {
	.start = { 1, 1, 0, 1 },
	.debtor = { 2, { { A, -1, U }, { B, -1, U } } },
	.debtor_is_dead = true,
	.act = { 1, { { A, -1, IPC_NOWAIT } } },
	.end = {
		{ .value = { 1, 1, 0, 1 }, .is = true },
		{ .value = { 0, 1, 0, 1 }, .is = true },
	}
};
SCENE timeout = {
	.start = { 0, 1, 0, 1 },
	.act = { 2, { { B, -1, U }, { A, -1, U } } },
	.end = { { .value = { 0, 1, 0, 1 }, .is = true } }
};
SCENE timeout_last = {
	.start = { 1, 0, 0, 1 },
	.debtor = { 1, { { A, -1, U } } },
	.sleeper = { { 1, { { A, -1, U } } } },
	.act = { 1, { { A, -1, U } } },
	.end = {
		{ .value = { 0, 0, 0, 1 }, .owed = { 1 }, .is = true },
	}
};
SCENE creation = {
	.start = { 0, 0, 0, 1 },
	.creates = true,
	.end = { { .value = { 0, 0, 0, 1 }, .is = true } }
};
SCENE quiet = {		/* for whoever comes after a kill */
	.start = { 0, 0, 0, 1 },
};

const struct scene sem_scenes[] = {
	{ "semop", 0, have_called, perform, &simple, NULL },
	{ "semop waiting for zero", 0, have_called, perform, &zero, NULL },
	{ "semop, vector", 0, have_called, perform, &vector, NULL },
	{ "semop, SEM_UNDO", 0, have_called, perform, &undo, NULL },
	{ "semop, vector, SEM_UNDO", 0, have_called, perform,
	    &vector_undo, NULL },
	{ "semop, more SEM_UNDO", 0, have_called, perform, &more_undo, NULL },
	{ "semop blocked, then granted", 0, have_called, perform,
	    &granted, NULL },
	{ "semop blocked, then granted, SEM_UNDO", 0, have_called, perform,
	    &granted_undo, NULL },
	{ "semop blocked for zero, then granted", 0, have_called, perform,
	    &granted_zero, NULL },
	{ "semop, vector, blocked, then granted", 0, have_called, perform,
	    &granted_vector, NULL },
	{ "semop killed asleep", ENDS, have_called, perform,
	    &killed_asleep, NULL },
	{ "semop killed asleep behind another", ENDS, have_called, perform,
	    &killed_last, NULL },
	{ "semop granting another", 0, have_called, perform, &grants, NULL },
	{ "semop granting the first of two", 0, have_called, perform,
	    &grants_first, NULL },
	{ "semop granting one, who grants another", 0, have_called, perform,
	    &grants_chain, NULL },
	{ "semop granting half a vector", 0, have_called, perform,
	    &grants_half, NULL },
	{ "semop letting two go at zero", 0, have_called, perform,
	    &lets_go, NULL },
	{ "semop of a debtor, whose death grants", 0, have_called, perform,
	    &frees, NULL },
	{ "SETVAL clearing a debt", 0, have_called, set_one, &set_value, NULL },
	{ "SETVAL clearing a debt, granting", 0, have_called, set_one,
	    &set_value_grants, NULL },
	{ "SETALL clearing debts", 0, have_called, set_all,
	    &set_all_values, NULL },
	{ "removal of a set", STORES, have_called, remove_target,
	    &removal, NULL },
	{ "removal of an unused set", STORES, have_called, remove_target,
	    &removal_unused, NULL },
	{ "removal of a set with sleepers", STORES, have_called,
	    remove_target, &removal_asleep, NULL },
	{ "exit with debts", ENDS, have_called, leave, &exit_with_debts, NULL },
	{ "first semop", FIRST_CALL | STORES, nothing, perform, &simple, NULL },
	{ "first semop, SEM_UNDO", FIRST_CALL | STORES, nothing, perform,
	    &vector_undo, NULL },
	{ "semop reaping a dead debtor", 0, have_called, perform,
	    &reaping, NULL },
	{ "GETVAL reaping a dead debtor", 0, have_called, look_at_value,
	    &reaping, NULL },
	{ "semtimedop that ends", 0, have_called, perform_timed,
	    &timeout, NULL },
	{ "semtimedop that ends behind another", 0, have_called,
	    perform_timed, &timeout_last, NULL },
	{ "semget with a key", STORES, have_called, create, &creation, NULL },
};
const unsigned nsem_scenes = sizeof(sem_scenes) / sizeof(sem_scenes[0]);

const struct scene sem_recovery = {
	"recovery", FIRST_CALL, nothing, look_after, &quiet, NULL
};
