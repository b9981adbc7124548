/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem.c - the clause tests of semaphore sets: which, and how the shared
 * ones make their calls.
 */
#include "check_sem.h"

#include <stdlib.h>
#include <string.h>

#define TIME_LIMIT	20	/* seconds a test */
#define BROKEN_LIMIT	3	/* where a hang may be what is broken */

static void
add_clauses(TCase *tc)
{
	add_get_clauses(tc);
	add_id_clauses(tc);
	add_perm_clauses(tc);
	add_op_clauses(tc);
	add_mark_clauses(tc);
	add_ctl_clauses(tc);
	add_wait_clauses(tc);
	add_wake_clauses(tc);
	add_undo_clauses(tc);
	add_end_clauses(tc);
	add_death_clauses(tc);
	add_signal_clauses(tc);
	add_safe_clauses(tc);
	add_many_clauses(tc);
	add_large_clauses(tc);
}

/* ---- programs that tests exec ---- */

/* One that knows nothing of the set it owes something. */
static int
role_linger(void)
{
	if (!testing_join())
		return 3;
	reach(2);
	await(3);
	return 0;
}

/* One that goes on with the set: gives back what the old image took. */
static int
role_go_on(const char *dir, const char *id)
{
	if (!testing_join())
		return 3;
	backend_rejoin(dir);
	add(atoi(id), 0, 2, SEM_UNDO);
	add(atoi(id), 1, -1, SEM_UNDO);
	reach(2);
	await(3);
	return 0;
}

static int
play(const char *role, const char *arg1, const char *arg2)
{
	if (strcmp(role, "linger") == 0)
		return role_linger();
	return strcmp(role, "go-on") == 0 ? role_go_on(arg1, arg2) : -1;
}

/* ---- the calls of the shared clauses ---- */

static int
get(key_t key, unsigned long size, int flags)
{
	return ipc->semget(key, (int)size, flags);
}

static int
look(int id, int cmd, struct sight *now)
{
	struct semid_ds ds = { 0 };
	const int answer = control_buf(id, cmd, &ds);

	*now = (struct sight){ ds.sem_perm, ds.sem_ctime, ds.sem_nsems };
	return answer;
}

static int
set(int id, const struct ipc_perm *perm)
{
	struct semid_ds ds = { .sem_perm = *perm };

	return control_buf(id, IPC_SET, &ds);
}

static int
remove_it(int id)
{
	return control(id, 0, IPC_RMID);
}

static int
top(int cmd)
{
	struct seminfo answer;

	return ipc->semctl(0, 0, cmd, (union semun){ .info = &answer });
}

static int
use(int id)
{
	return op(id, 0, 1, 0) == -1 ? -1 : op(id, 0, -1, 0);
}

static int
read_it(int id)
{
	return control(id, 0, GETVAL) == -1 ? -1 : 0;
}

static void
nothing_else(int id, int error)
{
	(void)id;
	(void)error;
}

static void
must_be_none(void)
{
	must_eq(info(SEM_INFO).semusz, 0);
	must_eq(info(SEM_INFO).semaem, 0);
	must_eq(ipc->semctl(0, 0, SEM_INFO, (union semun){
	    .info = &(struct seminfo){ 0 } }), 0);
}

const struct kind kind = {
	"sem", "sem_next_id", 1, SEM_STAT, SEM_STAT_ANY, SEM_INFO, get, look,
	set, remove_it,
	top, use, read_it, must_have_rights, nothing_else, must_not_exist,
	must_be_gone, must_be_none, true
};

const struct clauses clauses = {
	"sem", TIME_LIMIT, BROKEN_LIMIT, add_clauses, play, NULL
};
