/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_ctl.c - reading and setting values: clauses S8 and S9, and what
 * bad arguments give.
 */
#include "check_sem.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* ---- arguments ---- */

#define NO_SET	12345
#define ANY	0		/* the id of a set of three */

static const struct setval_row {
	int id, num, val, error;
} setval_rows[] = {
	{ ANY, 0, 0, 0 },
	{ ANY, 2, SEMVMX, 0 },
	{ ANY, 0, SEMVMX + 1, ERANGE },
	{ ANY, 0, -1, ERANGE },
	{ ANY, 0, INT_MAX, ERANGE },
	{ ANY, 0, INT_MIN, ERANGE },
	{ ANY, 0, 65536, ERANGE },
	{ ANY, 3, 0, EINVAL },
	{ ANY, -1, 0, EINVAL },
	{ ANY, INT_MAX, 0, EINVAL },
	{ ANY, INT_MIN, 0, EINVAL },
	{ ANY, 65536, 0, EINVAL },
	{ ANY, 3, -1, ERANGE },
	{ NO_SET, 0, 0, EINVAL },
	{ NO_SET, 0, -1, ERANGE },
	{ NO_SET, 9, SEMVMX + 1, ERANGE },
	{ -1, 0, 0, EINVAL },
	{ -1, 0, -1, EINVAL },
};

START_TEST(S8_setval_checks_in_this_order)
{
	static const unsigned short values[3] = { 5, 6, 7 };
	const struct setval_row *row = &setval_rows[_i];
	int set = make_of(3, values), id = row->id == ANY ? set : row->id;

	if (row->error == 0) {
		must_eq(control_val(id, row->num, row->val), 0);
		must_be(id, row->num, row->val);
		must_be(id, 1, 6);
	} else {
		must_error(control_val(id, row->num, row->val), row->error);
		must_be_3(set, 5, 6, 7);
	}
}
END_TEST

START_TEST(S8_setall_checks_all_before_it_changes_any)
{
	static const unsigned short before[3] = { 5, 6, 7 };
	static unsigned short values[5][3] = {
		{ 1, 2, 32768 }, { 32768, 2, 3 }, { 1, 65535, 3 },
		{ 0, 0, 40000 }, { 65535, 65535, 65535 },
	};
	int id = make_of(3, before);
	struct semid_ds then = stat_of(id);

	must_error(ipc->semctl(id, 0, SETALL,
	    (union semun){ .array = values[_i] }), ERANGE);
	must_be_3(id, 5, 6, 7);
	must_eq(stat_of(id).sem_ctime, then.sem_ctime);
}
END_TEST

START_TEST(S8_setall_and_getall_of_32000)
{
	static unsigned short values[SEMMSL + 1], back[SEMMSL + 1];
	int id = make_set(SEMMSL);

	for (int i = 0; i < SEMMSL; i++)
		values[i] = (unsigned short)(i * 7 % (SEMVMX + 1));
	values[SEMMSL] = back[SEMMSL] = 60000;	/* beyond: not touched */
	set_all(id, values);
	get_all(id, back);
	must(memcmp(values, back, sizeof(back)) == 0);
	values[SEMMSL - 1] = SEMVMX + 1;
	values[0] = 1;
	must_error(ipc->semctl(id, 0, SETALL,
	    (union semun){ .array = values }), ERANGE);
	must_be(id, 0, 0);
	must_eq(last_pid(id, SEMMSL - 1), getpid());
}
END_TEST

START_TEST(S8_setall_ignores_the_number)
{
	unsigned short values[2] = { 3, 4 };
	union semun arg = { .array = values };
	int id = make_set(2);

	must_eq(ipc->semctl(id, 99, SETALL, arg), 0);
	values[0] = 0;
	must_eq(ipc->semctl(id, -5, GETALL, arg), 0);
	must_eq(values[0], 3);
}
END_TEST

START_TEST(S9_get_commands_want_a_number_of_the_set)
{
	static const int commands[] = { GETVAL, GETPID, GETNCNT, GETZCNT };
	static const int bad[] = { -1, 3, 65536, INT_MAX, INT_MIN };
	int id = make_set(3);

	for (size_t i = 0; i < COUNT(bad); i++)
		must_error(control(id, bad[i], commands[_i]), EINVAL);
	for (int i = 0; i < 3; i++)
		must_eq(control(id, i, commands[_i]), 0);
}
END_TEST

static const struct null_row {
	int cmd, error, error_without_set;
} null_rows[] = {
	{ IPC_STAT, EFAULT, EINVAL },
	{ IPC_SET, EFAULT, EFAULT },
	{ SEM_STAT, EFAULT, EINVAL },
	{ SEM_STAT_ANY, EFAULT, EINVAL },
	{ GETALL, EFAULT, EINVAL },
	{ SETALL, EFAULT, EINVAL },
	{ IPC_INFO, EFAULT, EFAULT },
	{ SEM_INFO, EFAULT, EFAULT },
};

START_TEST(S9_a_null_pointer_is_EFAULT)
{
	const struct null_row *row = &null_rows[_i];
	static const unsigned short values[2] = { 1, 2 };
	int id = make_of(2, values);

	must_error(control_buf(id, row->cmd, NULL), row->error);
	must_error(control_buf(NO_SET, row->cmd, NULL),
	    row->error_without_set);
	must_be(id, 0, 1);
	must_be(id, 1, 2);
	must_eq(stat_of(id).sem_perm.uid, geteuid());
}
END_TEST

START_TEST(S9_setval_0_is_no_pointer)
{
	int id = make_set(1);

	add(id, 0, 1, 0);
	must_eq(ipc->semctl(id, 0, SETVAL, (union semun){ .array = NULL }),
	    0);
	must_be(id, 0, 0);
}
END_TEST

START_TEST(S9_rmid_takes_any_number_and_argument)
{
	int id = make_set(1);

	must_eq(control(id, 77, IPC_RMID), 0);
	must_be_gone(id);
	id = make_set(1);
	must_eq(control(id, -1, IPC_RMID), 0);
	must_be_gone(id);
}
END_TEST

/* ---- setting voids debts ---- */

/* Owes so much for each semaphore of a set of three; then dies. */
struct debtor {
	int id, debt[3];
	int again;		/* owes this for semaphore 0 at stage 2 */
	uint32_t ready;
};

static void
owe(void *arg)
{
	const struct debtor *d = arg;

	for (int i = 0; i < 3; i++)
		if (d->debt[i] != 0)
			add(d->id, i, -d->debt[i], SEM_UNDO);
	reach(d->ready);
	await(5);
	if (d->again != 0)
		add(d->id, 0, -d->again, SEM_UNDO);
	atomic_fetch_add(&board->value[0], 1);
	await(6);
}

static void
start_debtors(pid_t *pid, int id, int again)
{
	struct debtor a = { id, { 1, 2, 3 }, again, 1 };
	struct debtor b = { id, { 3, -2, 0 }, 0, 2 };

	pid[0] = spawn(BY_FORK, owe, &a);
	await(1);
	pid[1] = spawn(BY_FORK, owe, &b);
	await(2);
}

static void
let_debtors_die(const pid_t *pid)
{
	reach(5);
	await_value(0, 2);
	kill_and_reap(pid[0]);
	reach(6);
	finish(pid[1]);
}

static const unsigned short tens[3] = { 10, 10, 10 };

START_TEST(S8_debts_are_paid_where_nobody_set)
{
	int id = make_of(3, tens);
	pid_t pid[2];

	start_debtors(pid, id, 0);
	must_be_3(id, 6, 10, 7);
	let_debtors_die(pid);
	must_be_3(id, 10, 10, 10);
}
END_TEST

START_TEST(S8_setval_voids_everybodys_debts_of_that_one)
{
	int id = make_of(3, tens);
	pid_t pid[2];

	start_debtors(pid, id, 0);
	set_value(id, 0, 20);
	let_debtors_die(pid);
	must_be_3(id, 20, 10, 10);
}
END_TEST

START_TEST(S8_setval_to_the_value_it_has_voids_too)
{
	int id = make_of(3, tens);
	pid_t pid[2];

	start_debtors(pid, id, 0);
	set_value(id, 2, 7);
	let_debtors_die(pid);
	must_be_3(id, 10, 10, 7);
}
END_TEST

START_TEST(S8_setall_voids_all_debts_of_everybody)
{
	static const unsigned short values[3] = { 20, 30, 40 };
	int id = make_of(3, tens);
	pid_t pid[2];

	start_debtors(pid, id, 0);
	set_all(id, values);
	let_debtors_die(pid);
	must_be_3(id, 20, 30, 40);
}
END_TEST

START_TEST(S8_a_failed_set_voids_nothing)
{
	static unsigned short wrong[3] = { 1, 1, 32768 };
	int id = make_of(3, tens);
	pid_t pid[2];

	start_debtors(pid, id, 0);
	must_error(control_val(id, 0, -1), ERANGE);
	must_error(control_val(id, 3, 1), EINVAL);
	must_error(ipc->semctl(id, 0, SETALL,
	    (union semun){ .array = wrong }), ERANGE);
	let_debtors_die(pid);
	must_be_3(id, 10, 10, 10);
}
END_TEST

START_TEST(S8_new_debts_count_after_setval)
{
	int id = make_of(3, tens);
	pid_t pid[2];

	start_debtors(pid, id, 4);
	set_value(id, 0, 20);
	reach(5);
	await_value(0, 2);
	must_be_3(id, 16, 10, 7);
	let_debtors_die(pid);
	must_be_3(id, 20, 10, 10);
}
END_TEST

START_TEST(S8_ones_own_debts_are_voided_too)
{
	int id = make_of(3, tens);
	struct debtor d = { id, { 0, 0, 0 }, 0, 1 };
	pid_t pid;

	add(id, 0, SEMVMX - 10, SEM_UNDO);
	set_value(id, 0, 0);
	add(id, 0, SEMVMX, SEM_UNDO);	/* the range begins anew */
	set_value(id, 0, 10);
	pid = spawn(BY_FORK, owe, &d);
	await(1);
	reach(5);
	reach(6);
	finish(pid);
	must_be_3(id, 10, 10, 10);
}
END_TEST

void
add_ctl_clauses(TCase *tc)
{
	testing_add_loop(tc, S8_setval_checks_in_this_order, 0,
	    (int)COUNT(setval_rows));
	testing_add_loop(tc, S8_setall_checks_all_before_it_changes_any, 0,
	    5);
	testing_add(tc, S8_setall_and_getall_of_32000);
	testing_add(tc, S8_setall_ignores_the_number);
	testing_add_loop(tc, S9_get_commands_want_a_number_of_the_set, 0, 4);
	testing_add_loop(tc, S9_a_null_pointer_is_EFAULT, 0,
	    (int)COUNT(null_rows));
	testing_add(tc, S9_setval_0_is_no_pointer);
	testing_add(tc, S9_rmid_takes_any_number_and_argument);
	testing_add(tc, S8_debts_are_paid_where_nobody_set);
	testing_add(tc, S8_setval_voids_everybodys_debts_of_that_one);
	testing_add(tc, S8_setval_to_the_value_it_has_voids_too);
	testing_add(tc, S8_setall_voids_all_debts_of_everybody);
	testing_add(tc, S8_a_failed_set_voids_nothing);
	testing_add(tc, S8_new_debts_count_after_setval);
	testing_add(tc, S8_ones_own_debts_are_voided_too);
}
