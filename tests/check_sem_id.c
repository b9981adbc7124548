/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_id.c - identifiers, indices and listings: clauses G6, G7 and G8.
 */
#include "check_sem.h"

#include <limits.h>
#include <string.h>

#define MIN_CYCLE	64	/* indices the kernel cycles through at least */

START_TEST(G6_an_id_is_sequence_times_32768_plus_index)
{
	int id;

	for (int i = 0; i < MIN_CYCLE; i++) {
		id = make_set(1);
		must_eq(id, i);
		remove_set(id);
	}
	id = make_set(1);
	must_eq(id, IDS_MAX);
	must_eq(stat_of(id).sem_perm.__seq, 1);
	must_eq(make_set(1), IDS_MAX + 1);
}
END_TEST

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

START_TEST(G6_a_removed_id_is_not_given_out_again_soon)
{
	static bool seen[8 * IDS_MAX];

	for (int i = 0; i < 300; i++) {
		int id = make_set(1);

		must(id >= 0 && id < 8 * IDS_MAX && !seen[id]);
		seen[id] = true;
		remove_set(id);
	}
}
END_TEST

static void
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

START_TEST(G6_unknown_ids_are_EINVAL)
{
	must_not_exist(0);
	must_not_exist(make_set(1) + 1);
	must_not_exist(IDS_MAX - 1);
	must_not_exist(-1);
	must_not_exist(INT_MIN);
	must_not_exist(INT_MAX);
}
END_TEST

START_TEST(G6_stale_ids_are_EINVAL)
{
	int id = make_set(1), heir = -1;

	add(id, 0, 1, 0);
	remove_set(id);
	must_not_exist(id);
	while (heir == -1 || heir % IDS_MAX != id) {
		if (heir != -1)
			remove_set(heir);
		heir = make_set(1);
	}
	must_not_exist(id);	/* its index has another owner now */
	must_not_exist(heir + IDS_MAX);
	add(heir, 0, 1, 0);
	must_be(heir, 0, 1);
}
END_TEST

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

static void
create_and_remove_one(void *arg)
{
	(void)arg;
	remove_set(make_set(1));
}

START_TEST(G6_ids_go_on_across_processes)
{
	int id = make_set(1);

	finish(spawn(BY_FORK, create_and_remove_one, NULL));
	must_eq(make_set(1), id + 2);
}
END_TEST

START_TEST(G7_stat_takes_an_index_and_returns_the_id)
{
	struct semid_ds ds;
	int id = -1;

	for (int i = 0; i < MIN_CYCLE + 5; i++) {
		if (id != -1)
			remove_set(id);
		id = make_set(7);
	}
	must(id > IDS_MAX);
	must_eq(control_buf(id % IDS_MAX, SEM_STAT, &ds), id);
	must_eq(ds.sem_nsems, 7);
	memset(&ds, 0, sizeof(ds));
	must_eq(control_buf(id % IDS_MAX, SEM_STAT_ANY, &ds), id);
	must_eq(ds.sem_nsems, 7);
	must_eq(ds.sem_perm.mode, 0600);
}
END_TEST

START_TEST(G7_an_empty_index_is_EINVAL)
{
	struct semid_ds ds;
	int id = make_set(1);

	must_error(control_buf(id + 1, SEM_STAT, &ds), EINVAL);
	must_error(control_buf(id + 1, SEM_STAT_ANY, &ds), EINVAL);
	must_error(control_buf(-1, SEM_STAT, &ds), EINVAL);
	must_error(control_buf(-1, SEM_STAT_ANY, &ds), EINVAL);
	remove_set(id);
	must_error(control_buf(id, SEM_STAT, &ds), EINVAL);
	must_error(control_buf(id, SEM_STAT_ANY, &ds), EINVAL);
}
END_TEST

START_TEST(G7_a_walk_over_the_indices_finds_each_once)
{
	struct semid_ds ds;
	int id[9], found = 0, top;

	for (int i = 0; i < 9; i++)
		id[i] = make_set(i + 1);
	for (int i = 0; i < 9; i += 2)
		remove_set(id[i]);
	top = control_buf(0, SEM_INFO, &ds);
	for (int i = 0; i <= top; i++) {
		if (control_buf(i, SEM_STAT, &ds) == -1)
			continue;
		must_eq(ds.sem_nsems, i + 1);
		must_eq(i % 2, 1);
		found++;
	}
	must_eq(found, 4);
}
END_TEST

static int
top(int cmd)
{
	struct seminfo answer;

	return ipc->semctl(0, 0, cmd, (union semun){ .info = &answer });
}

START_TEST(G8_info_returns_the_highest_used_index)
{
	int id[4];

	must_eq(top(IPC_INFO), 0);
	must_eq(top(SEM_INFO), 0);
	for (int i = 0; i < 4; i++)
		id[i] = make_set(1);
	must_eq(top(IPC_INFO), 3);
	must_eq(top(SEM_INFO), 3);
	remove_set(id[1]);
	must_eq(top(IPC_INFO), 3);
	remove_set(id[3]);
	must_eq(top(IPC_INFO), 2);
	must_eq(top(SEM_INFO), 2);
	remove_set(id[0]);
	remove_set(id[2]);
	must_eq(top(SEM_INFO), 0);
	make_set(1);			/* index 4: it is cyclic */
	must_eq(top(SEM_INFO), 4);
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
	testing_add(tc, G6_an_id_is_sequence_times_32768_plus_index);
	testing_add(tc, G6_ids_of_sets_and_segments_are_counted_apart);
	testing_add(tc, G6_a_removed_id_is_not_given_out_again_soon);
	testing_add(tc, G6_unknown_ids_are_EINVAL);
	testing_add(tc, G6_stale_ids_are_EINVAL);
	testing_add(tc, G6_who_used_a_set_sees_it_removed);
	testing_add(tc, G6_ids_go_on_across_processes);
	testing_add(tc, G7_stat_takes_an_index_and_returns_the_id);
	testing_add(tc, G7_an_empty_index_is_EINVAL);
	testing_add(tc, G7_a_walk_over_the_indices_finds_each_once);
	testing_add(tc, G8_info_returns_the_highest_used_index);
	testing_add(tc, G8_info_takes_any_id_but_a_negative_one);
	testing_add(tc, G8_unknown_commands_are_EINVAL);
}
