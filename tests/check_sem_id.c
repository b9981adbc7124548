/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_id.c - identifiers, indices and listings: clauses G6, G7 and G8.
 */
#include "check_sem.h"

#include <string.h>

START_TEST(G6_ids_of_sets_and_segments_are_counted_apart)
{
	must_eq(make_set(1), 0);
	must_eq(ipc->shmget(IPC_PRIVATE, 1, 0600), 0);
	must_eq(make_set(1), 1);
	must_eq(ipc->shmget(IPC_PRIVATE, 1, 0600), 1);
	remove_set(0);
	must_eq(ipc->shmctl(0, IPC_RMID, NULL), 0);
	must_eq(make_set(1), 2);
	must_eq(stat_of(1).sem_nsems, 1);
}
END_TEST

void
must_not_exist(int id)
{
	unsigned short values[1] = { 0 };
	struct semid_ds ds;

	memset(&ds, 0, sizeof(ds));
	must_error(control_buf(id, IPC_STAT, &ds), EINVAL);
	must_error(control_buf(id, IPC_SET, &ds), EINVAL);
	must_error(control(id, 0, IPC_RMID), EINVAL);
	must_error(control(id, 0, GETVAL), EINVAL);
	must_error(control(id, 0, GETPID), EINVAL);
	must_error(control(id, 0, GETNCNT), EINVAL);
	must_error(control(id, 0, GETZCNT), EINVAL);
	must_error(control_val(id, 0, 1), EINVAL);
	must_error(ipc->semctl(id, 0, GETALL,
	    (union semun){ .array = values }), EINVAL);
	must_error(ipc->semctl(id, 0, SETALL,
	    (union semun){ .array = values }), EINVAL);
	must_error(op(id, 0, 1, 0), EINVAL);
	must_error(op(id, 0, -1, SEM_UNDO), EINVAL);
	must_error(op_within_ms(id, 0, -1, 1000), EINVAL);
}

static void
knew_the_removed(void *arg)
{
	int id = *(int *)arg;

	add(id, 0, 1, 0);
	add(id, 0, -1, SEM_UNDO);
	reach(1);
	await(2);
	must_not_exist(id);
}

START_TEST(G6_who_used_a_set_sees_it_removed)
{
	int id = make_set(1);
	pid_t pid = spawn(BY_FORK, knew_the_removed, &id);

	await(1);
	remove_set(id);
	reach(2);
	finish(pid);
}
END_TEST

START_TEST(G8_info_takes_any_id_but_a_negative_one)
{
	struct seminfo answer;
	union semun arg = { .info = &answer };

	must_eq(ipc->semctl(12345, 99, IPC_INFO, arg), 0);
	must_eq(ipc->semctl(12345, 99, SEM_INFO, arg), 0);
	must_error(ipc->semctl(-1, 0, IPC_INFO, arg), EINVAL);
	must_error(ipc->semctl(-1, 0, SEM_INFO, arg), EINVAL);
}
END_TEST

START_TEST(G8_unknown_commands_are_EINVAL)
{
	static const int commands[] = { 9999, -1, 4, 10, 21, 0x7fffffff };
	int id = make_set(1);

	for (size_t i = 0; i < COUNT(commands); i++)
		must_error(control(id, 0, commands[i]), EINVAL);
}
END_TEST

void
add_id_clauses(TCase *tc)
{
	add_common_id_clauses(tc);
	testing_add(tc, G6_ids_of_sets_and_segments_are_counted_apart);
	testing_add(tc, G6_who_used_a_set_sees_it_removed);
	testing_add(tc, G8_info_takes_any_id_but_a_negative_one);
	testing_add(tc, G8_unknown_commands_are_EINVAL);
}
