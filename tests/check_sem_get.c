/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_get.c - finding and making sets, and their limits: clauses G1,
 * G2, S1 and S16.
 */
#include "check_sem.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

START_TEST(G1_private_key_makes_a_new_set_each_time)
{
	int a = ipc->semget(IPC_PRIVATE, 1, 0600);
	int b = ipc->semget(IPC_PRIVATE, 1, IPC_CREAT | IPC_EXCL | 0600);
	int c = ipc->semget(IPC_PRIVATE, 1, IPC_EXCL | 0600);

	must(a != -1 && b != -1 && c != -1);
	must(a != b && a != c && b != c);
	must_eq(stat_of(a).sem_perm.__key, IPC_PRIVATE);
	add(a, 0, 1, 0);
	must_be(b, 0, 0);
	must_eq(info(SEM_INFO).semusz, 3);
}
END_TEST

/* What semget() says to a key that names a set of three, or none. */
static const struct get_row {
	bool exists;
	int nsems, flags, error;	/* error 0: the set, or a new one */
} get_rows[] = {
	{ true, 3, 0600, 0 },
	{ true, 0, 0, 0 },
	{ true, 1, 0600, 0 },
	{ true, 3, IPC_CREAT | 0600, 0 },
	{ true, 0, IPC_CREAT | 0600, 0 },
	{ true, 3, IPC_EXCL | 0600, 0 },
	{ true, 4, 0600, EINVAL },
	{ true, 4, IPC_CREAT | 0600, EINVAL },
	{ true, -1, 0600, EINVAL },
	{ true, INT_MIN, 0, EINVAL },
	{ true, SEMMSL + 1, 0600, EINVAL },
	{ true, 3, IPC_CREAT | IPC_EXCL | 0600, EEXIST },
	{ true, 0, IPC_CREAT | IPC_EXCL | 0600, EEXIST },
	{ true, 4, IPC_CREAT | IPC_EXCL | 0600, EEXIST },
	{ true, -1, IPC_CREAT | IPC_EXCL | 0600, EINVAL },
	{ true, SEMMSL + 1, IPC_CREAT | IPC_EXCL | 0600, EINVAL },
	{ false, 1, 0600, ENOENT },
	{ false, 0, 0, ENOENT },
	{ false, 1, IPC_EXCL | 0600, ENOENT },
	{ false, -1, 0600, EINVAL },
	{ false, SEMMSL + 1, 0600, EINVAL },
	{ false, 0, IPC_CREAT | 0600, EINVAL },
	{ false, -1, IPC_CREAT | 0600, EINVAL },
	{ false, SEMMSL + 1, IPC_CREAT | 0600, EINVAL },
	{ false, INT_MAX, IPC_CREAT | 0600, EINVAL },
	{ false, 1, IPC_CREAT | 0600, 0 },
	{ false, SEMMSL, IPC_CREAT | IPC_EXCL | 0600, 0 },
};

START_TEST(G2_what_a_key_and_a_size_give)
{
	const struct get_row *row = &get_rows[_i];
	int id = -1;

	if (row->exists)
		id = ipc->semget(KEY, 3, IPC_CREAT | 0600);
	if (row->error != 0) {
		must_error(ipc->semget(KEY, row->nsems, row->flags),
		    row->error);
		must_eq(info(SEM_INFO).semusz, row->exists);
		must_eq(info(SEM_INFO).semaem, row->exists ? 3 : 0);
	} else if (row->exists) {
		must_eq(ipc->semget(KEY, row->nsems, row->flags), id);
		must_eq(stat_of(id).sem_nsems, 3);
	} else {
		id = ipc->semget(KEY, row->nsems, row->flags);
		must(id != -1);
		must_eq(stat_of(id).sem_nsems, row->nsems);
		must_eq(stat_of(id).sem_perm.__key, KEY);
		must_eq(stat_of(id).sem_perm.mode, row->flags & 0777);
	}
}
END_TEST

START_TEST(G2_all_bits_of_a_key_count)
{
	const key_t keys[] = { 1, -1, INT_MIN, INT_MAX, 0x01000000,
	    (key_t)0x80000001 };
	int id[COUNT(keys)];

	for (size_t i = 0; i < COUNT(keys); i++)
		id[i] = ipc->semget(keys[i], 1, IPC_CREAT | IPC_EXCL | 0600);
	for (size_t i = 0; i < COUNT(keys); i++) {
		must(id[i] != -1);
		must_eq(ipc->semget(keys[i], 1, 0), id[i]);
		must_eq(stat_of(id[i]).sem_perm.__key, keys[i]);
	}
}
END_TEST

START_TEST(G2_a_key_of_a_segment_is_another)
{
	int id = ipc->shmget(KEY, 1, IPC_CREAT | 0600), set;

	must(id != -1);
	must_error(ipc->semget(KEY, 1, 0600), ENOENT);
	set = ipc->semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0600);
	must(set != -1);
	must_eq(ipc->shmctl(id, IPC_RMID, NULL), 0);
	must_eq(ipc->semget(KEY, 1, 0), set);
	remove_set(set);
	must_error(ipc->semget(KEY, 1, 0), ENOENT);
}
END_TEST

START_TEST(G2_a_free_key_can_be_taken_again)
{
	int id = ipc->semget(KEY, 1, IPC_CREAT | 0600), next;

	add(id, 0, 7, 0);
	remove_set(id);
	must_be_gone(id);
	must_error(ipc->semget(KEY, 0, 0), ENOENT);
	next = ipc->semget(KEY, 2, IPC_CREAT | IPC_EXCL | 0600);
	must(next != -1 && next != id);
	must_eq(stat_of(next).sem_nsems, 2);
	must_be(next, 0, 0);
}
END_TEST

static void
create_exclusively(void *arg)
{
	int i = *(int *)arg;

	await(1);
	board->value[i] = ipc->semget(KEY, 2, IPC_CREAT | IPC_EXCL | 0600);
	must(board->value[i] != -1 || errno == EEXIST);
	board->value[8 + i] = ipc->semget(KEY, 2, IPC_CREAT | 0600);
	add((int)board->value[8 + i], 1, 1, 0);
}

START_TEST(G2_one_of_many_creators_wins)
{
	int winners = 0, id;
	pid_t pid[8];

	for (int i = 0; i < 8; i++)
		pid[i] = spawn(BY_FORK, create_exclusively, &i);
	reach(1);
	for (int i = 0; i < 8; i++)
		finish(pid[i]);
	id = ipc->semget(KEY, 0, 0);
	for (int i = 0; i < 8; i++) {
		winners += board->value[i] != -1;
		must_eq(board->value[8 + i], id);
	}
	must_eq(winners, 1);
	must_be(id, 1, 8);
	must_eq(info(SEM_INFO).semusz, 1);
}
END_TEST

START_TEST(S1_a_new_set_is_all_zero)
{
	static const int sizes[] = { 1, 2, 3, 17, 1000, SEMMSL };
	static unsigned short values[SEMMSL];
	int n = sizes[_i], id = make_set(n);
	struct semid_ds ds = stat_of(id);

	memset(values, 0xff, sizeof(values));
	get_all(id, values);
	for (int i = 0; i < n; i++)
		must_eq(values[i], 0);
	must_be(id, 0, 0);
	must_be(id, n - 1, 0);
	must_eq(last_pid(id, 0), 0);
	must_eq(last_pid(id, n - 1), 0);
	must_eq(ncnt(id, n - 1), 0);
	must_eq(zcnt(id, n - 1), 0);
	must_eq(ds.sem_nsems, n);
	must_eq(ds.sem_otime, 0);
	must(ds.sem_ctime <= time(NULL) && ds.sem_ctime + 60 > time(NULL));
	must_eq(ds.sem_perm.uid, geteuid());
	must_eq(ds.sem_perm.cuid, geteuid());
	must_eq(ds.sem_perm.gid, getegid());
	must_eq(ds.sem_perm.cgid, getegid());
	must_eq(ds.sem_perm.mode, 0600);
	must_error(op(id, n, 1, 0), EFBIG);
}
END_TEST

START_TEST(S1_the_memory_of_a_removed_set_shows_nothing)
{
	static unsigned short values[500];
	int id;

	for (int i = 0; i < 500; i++)
		values[i] = 12345;
	for (int i = 0; i < 10; i++)
		remove_set(make_of(500, values));
	id = make_set(500);
	get_all(id, values);
	for (int i = 0; i < 500; i++) {
		must_eq(values[i], 0);
		must_eq(last_pid(id, i), 0);
	}
}
END_TEST

START_TEST(S16_limits_are_reported)
{
	struct seminfo limits = info(IPC_INFO);

	must_eq(limits.semmsl, SEMMSL);
	must_eq(limits.semmns, 1024000000);
	must_eq(limits.semopm, SEMOPM);
	must_eq(limits.semmni, SEMMNI);
	must_eq(limits.semvmx, SEMVMX);
	must_eq(limits.semaem, SEMVMX);
	must_eq(limits.semusz, 20);
	must_eq(limits.semume, 500);
	must_eq(limits.semmnu, 1024000000);
	must_eq(limits.semmap, 1024000000);
}
END_TEST

START_TEST(S16_sem_info_counts_sets_and_semaphores)
{
	int id[3] = { make_set(1), make_set(100), make_set(7) };

	must_eq(info(SEM_INFO).semusz, 3);
	must_eq(info(SEM_INFO).semaem, 108);
	must_eq(info(SEM_INFO).semmsl, SEMMSL);
	must_eq(info(SEM_INFO).semvmx, SEMVMX);
	must_eq(info(IPC_INFO).semusz, 20);
	remove_set(id[1]);
	must_eq(info(SEM_INFO).semusz, 2);
	must_eq(info(SEM_INFO).semaem, 8);
	remove_set(id[0]);
	remove_set(id[2]);
	must_eq(info(SEM_INFO).semusz, 0);
	must_eq(info(SEM_INFO).semaem, 0);
}
END_TEST

START_TEST(S16_a_lower_SEMMSL_is_obeyed)
{
	int id = ipc->semget(KEY, 10, IPC_CREAT | 0600);

	set_limit("semmsl", 5);
	must_eq(info(IPC_INFO).semmsl, 5);
	must_error(ipc->semget(IPC_PRIVATE, 6, 0600), EINVAL);
	must(ipc->semget(IPC_PRIVATE, 5, 0600) != -1);
	must_error(ipc->semget(KEY, 8, 0), EINVAL);
	must_eq(ipc->semget(KEY, 5, 0), id);
	add(id, 9, 1, 0);		/* what is there is not touched */
	must_be(id, 9, 1);
}
END_TEST

START_TEST(S16_SEMMNS_bounds_all_sets_together)
{
	int id;

	set_limit("semmns", 10);
	must_eq(info(IPC_INFO).semmns, 10);
	must_error(ipc->semget(IPC_PRIVATE, 11, 0600), ENOSPC);
	id = make_set(6);
	must_error(ipc->semget(KEY, 5, IPC_CREAT | 0600), ENOSPC);
	must_error(ipc->semget(KEY, 0, 0), ENOENT);
	make_set(4);
	must_error(ipc->semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	must_error(ipc->semget(IPC_PRIVATE, 0, 0600), EINVAL);
	remove_set(id);
	make_set(6);
	must_eq(info(SEM_INFO).semaem, 10);
}
END_TEST

START_TEST(S16_SEMMNI_bounds_the_number_of_sets)
{
	int id = -1;

	set_limit("semmni", 3);
	must_eq(info(IPC_INFO).semmni, 3);
	for (int i = 0; i < 3; i++)
		id = make_set(1);
	must_error(ipc->semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	must_error(ipc->semget(KEY, 1, IPC_CREAT | 0600), ENOSPC);
	must_error(ipc->semget(KEY, 1, 0), ENOENT);
	remove_set(id);
	must(ipc->semget(KEY, 1, IPC_CREAT | 0600) != -1);
}
END_TEST

START_TEST(S16_SEMOPM_bounds_a_vector)
{
	struct sembuf ops[SEMOPM + 1] = { OP(0, 1, 0) };
	int id = make_set(1);

	set_limit("semopm", 3);
	must_eq(info(IPC_INFO).semopm, 3);
	for (int i = 0; i < 4; i++)
		ops[i] = ops[0];
	must_error(ipc->semop(id, ops, 4), E2BIG);
	must_eq(ipc->semop(id, ops, 3), 0);
	must_be(id, 0, 3);
}
END_TEST

START_TEST(S16_sets_by_the_hundred)
{
	int id[600];

	for (int i = 0; i < 600; i++) {
		id[i] = ipc->semget(KEY + i, 1 + i % 3, IPC_CREAT | 0600);
		must(id[i] != -1);
		add(id[i], i % 3, i + 1, 0);
	}
	must_eq(info(SEM_INFO).semusz, 600);
	for (int i = 599; i >= 0; i--) {
		must_eq(ipc->semget(KEY + i, 0, 0), id[i]);
		must_be(id[i], i % 3, i + 1);
		remove_set(id[i]);
	}
	must_eq(info(SEM_INFO).semusz, 0);
}
END_TEST

void
add_get_clauses(TCase *tc)
{
	testing_add(tc, G1_private_key_makes_a_new_set_each_time);
	testing_add_loop(tc, G2_what_a_key_and_a_size_give, 0,
	    (int)COUNT(get_rows));
	testing_add(tc, G2_all_bits_of_a_key_count);
	testing_add(tc, G2_a_key_of_a_segment_is_another);
	testing_add(tc, G2_a_free_key_can_be_taken_again);
	testing_add(tc, G2_one_of_many_creators_wins);
	testing_add_loop(tc, S1_a_new_set_is_all_zero, 0, 6);
	testing_add(tc, S1_the_memory_of_a_removed_set_shows_nothing);
	testing_add(tc, S16_limits_are_reported);
	testing_add(tc, S16_sem_info_counts_sets_and_semaphores);
	testing_add(tc, S16_a_lower_SEMMSL_is_obeyed);
	testing_add(tc, S16_SEMMNS_bounds_all_sets_together);
	testing_add(tc, S16_SEMMNI_bounds_the_number_of_sets);
	testing_add(tc, S16_SEMOPM_bounds_a_vector);
	testing_add(tc, S16_sets_by_the_hundred);
}
