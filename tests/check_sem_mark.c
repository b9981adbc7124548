/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_mark.c - what a set remembers of who did something and when:
 * clauses S6 and S7.
 */
#include "check_sem.h"

#include <string.h>
#include <unistd.h>

/* ---- who ---- */

static void
play_ops(void *arg)
{
	const struct sleeper *s = arg;
	struct sembuf ops[NVECTOR];

	memcpy(ops, s->ops, sizeof(ops));
	must_eq(ipc->semop(s->id, ops, s->nops), 0);
}

/* Another process performs a vector; returns its pid. */
static pid_t
other_performs(int id, const struct sembuf *ops, size_t nops)
{
	struct sleeper s = { .id = id, .nops = nops };
	pid_t pid;

	memcpy(s.ops, ops, nops * sizeof(*ops));
	pid = spawn(BY_FORK, play_ops, &s);
	finish(pid);
	return pid;
}

START_TEST(S6_every_op_of_a_vector_sets_the_pid)
{
	int id = make_set(4);
	pid_t pid;

	must_eq(last_pid(id, 0), 0);
	pid = other_performs(id, VECTOR(OP(0, 1, 0), OP(1, 0, 0),
	    OP(2, 1, SEM_UNDO)));
	must_eq(last_pid(id, 0), pid);
	must_eq(last_pid(id, 1), pid);		/* of a zero test */
	must_eq(last_pid(id, 2), pid);
	must_eq(last_pid(id, 3), 0);
	add(id, 0, -1, 0);
	must_eq(last_pid(id, 0), getpid());
	must_eq(last_pid(id, 1), pid);
	must_eq(ipc->semop(id, VECTOR(OP(1, 0, 0))), 0);
	must_eq(last_pid(id, 1), getpid());
}
END_TEST

START_TEST(S6_a_failed_vector_sets_no_pid)
{
	int id = make_set(2);
	pid_t pid = other_performs(id, VECTOR(OP(0, 1, 0), OP(1, 1, 0)));

	must_error(ipc->semop(id, VECTOR(OP(0, 1, 0),
	    OP(1, -2, IPC_NOWAIT))), EAGAIN);
	must_error(ipc->semop(id, VECTOR(OP(0, 1, 0), OP(1, SEMVMX, 0))),
	    ERANGE);
	must_error(op(id, 0, 0, IPC_NOWAIT), EAGAIN);
	must_error(op_within_ms(id, 0, -2, 1), EAGAIN);
	must_error(control_val(id, 0, -1), ERANGE);
	must_eq(last_pid(id, 0), pid);
	must_eq(last_pid(id, 1), pid);
}
END_TEST

START_TEST(S6_setval_sets_the_pid_of_that_one)
{
	int id = make_set(2);
	pid_t pid = other_performs(id, VECTOR(OP(0, 1, 0), OP(1, 1, 0)));

	set_value(id, 0, 1);		/* the same value */
	must_eq(last_pid(id, 0), getpid());
	must_eq(last_pid(id, 1), pid);
}
END_TEST

START_TEST(S6_setall_sets_the_pids_of_all)
{
	static const unsigned short values[3] = { 1, 0, 7 };
	int id = make_set(3);

	other_performs(id, VECTOR(OP(0, 1, 0)));
	set_all(id, values);
	for (int i = 0; i < 3; i++)
		must_eq(last_pid(id, i), getpid());
}
END_TEST

START_TEST(S6_a_sleepers_op_bears_the_sleepers_pid)
{
	int id = make_set(2);
	pid_t pid = sleeper(0, id, VECTOR(OP(0, -1, 0), OP(1, 0, 0)));

	await_ncnt(id, 0, 1);
	add(id, 0, 1, 0);
	must_eq(last_pid(id, 0), pid);	/* at once: the waker did it */
	must_eq(last_pid(id, 1), pid);
	must_end(0, DONE);
	end_sleepers(&pid, 1);
}
END_TEST

START_TEST(S6_a_sleepers_op_after_setval_bears_its_pid)
{
	int id = make_set(1);
	pid_t pid = sleeper(0, id, VECTOR(OP(0, -1, 0)));

	await_ncnt(id, 0, 1);
	set_value(id, 0, 5);
	must_be(id, 0, 4);
	must_eq(last_pid(id, 0), pid);
	end_sleepers(&pid, 1);
}
END_TEST

START_TEST(S6_an_undo_bears_the_pid_of_the_dead)
{
	int id = make_set(2);
	pid_t pid;

	pid = other_performs(id, VECTOR(OP(0, 5, SEM_UNDO), OP(1, 1, 0)));
	must_be(id, 0, 0);
	must_eq(last_pid(id, 0), pid);
	must_eq(last_pid(id, 1), pid);
}
END_TEST

static void
owe_and_wait(void *arg)
{
	add(*(int *)arg, 0, -3, SEM_UNDO);
	reach(1);
	await(2);
}

START_TEST(S6_an_undo_bears_it_also_after_others_ops)
{
	static const unsigned short values[1] = { 9 };
	int id = make_of(1, values);
	pid_t pid = spawn(BY_FORK, owe_and_wait, &id);

	await(1);
	must_eq(last_pid(id, 0), pid);
	add(id, 0, 1, 0);
	must_eq(last_pid(id, 0), getpid());
	kill_and_reap(pid);
	must_be(id, 0, 10);
	must_eq(last_pid(id, 0), pid);
}
END_TEST

static void
only_touch(void *arg)
{
	add(*(int *)arg, 0, 1, SEM_UNDO);
}

START_TEST(S6_the_pid_of_the_dead_stays_whoever_comes)
{
	int id = make_set(2), other = make_set(1);
	pid_t pid = other_performs(id, VECTOR(OP(0, 1, 0)));
	pid_t owed = other_performs(id, VECTOR(OP(1, 1, SEM_UNDO)));

	for (int i = 0; i < 300; i++)
		finish(spawn(BY_FORK, only_touch, &other));
	must_eq(last_pid(id, 0), pid);
	must_eq(last_pid(id, 1), owed);
	must_be(id, 0, 1);
	must_be(id, 1, 0);
}
END_TEST

START_TEST(S6_GETPID_of_many_processes_names_each)
{
	pid_t pid[100];
	int id = make_set(100);

	for (int i = 0; i < 100; i++)
		pid[i] = other_performs(id, VECTOR(OP((unsigned short)i, 1,
		    0)));
	for (int i = 0; i < 100; i++)
		must_eq(last_pid(id, i), pid[i]);
}
END_TEST

/* ---- when ---- */

static void
do_nothing(int id)
{
	(void)id;
}

static void
do_add(int id)
{
	add(id, 0, 1, 0);
}

static void
do_take(int id)
{
	add(id, 1, -1, SEM_UNDO);
}

static void
do_zero_test(int id)
{
	add(id, 0, 0, 0);
}

static void
do_vector(int id)
{
	must_eq(ipc->semop(id, VECTOR(OP(0, 1, 0), OP(0, -1, 0),
	    OP(2, 1, SEM_UNDO))), 0);
}

static void
do_fail(int id)
{
	must_error(op(id, 0, -1, IPC_NOWAIT), EAGAIN);
	must_error(op(id, 1, SEMVMX, 0), ERANGE);
	must_error(op_within_ms(id, 0, -1, 1), EAGAIN);
	must_error(op(id, 3, 1, 0), EFBIG);
	must_error(control_val(id, 0, -1), ERANGE);
}

static void
do_set_value(int id)
{
	set_value(id, 0, 3);
}

static void
do_set_all(int id)
{
	static const unsigned short values[3] = { 1, 1, 1 };

	set_all(id, values);
}

static void
do_set(int id)
{
	struct semid_ds ds = stat_of(id);

	must_eq(control_buf(id, IPC_SET, &ds), 0);
}

static void
do_look(int id)
{
	unsigned short values[3];
	struct semid_ds ds;

	get_all(id, values);
	must_be(id, 0, values[0]);
	ncnt(id, 0);
	zcnt(id, 0);
	last_pid(id, 0);
	must_eq(control_buf(id % IDS_MAX, SEM_STAT, &ds), id);
	must_eq(control_buf(id % IDS_MAX, SEM_STAT_ANY, &ds), id);
}

static const struct mark_row {
	void (*act)(int id);
	bool otime, ctime;
} mark_rows[] = {
	{ do_nothing, false, false },
	{ do_add, true, false },
	{ do_take, true, false },
	{ do_zero_test, true, false },
	{ do_vector, true, false },
	{ do_fail, false, false },
	{ do_set_value, false, true },
	{ do_set_all, false, true },
	{ do_set, false, true },
	{ do_look, false, false },
	{ do_nothing, true, false },	/* but a debtor of it dies */
};

static void
owe_on_word(void *arg)
{
	add(*(int *)arg, 1, -1, SEM_UNDO);
	reach(1);
	await(2);
}

/* All rows at once, since it takes until the clock shows another second. */
START_TEST(S7_what_sets_otime_and_ctime)
{
	static const unsigned short values[3] = { 0, 2, 0 };
	int id[COUNT(mark_rows)];
	struct semid_ds then[COUNT(mark_rows)], now;
	int last = (int)COUNT(mark_rows) - 1;
	pid_t pid;

	for (int i = 0; i <= last; i++)
		id[i] = make_of(3, values);
	pid = spawn(BY_FORK, owe_on_word, &id[last]);
	await(1);
	for (int i = 0; i <= last; i++)
		then[i] = stat_of(id[i]);
	await_next_second();
	for (int i = 0; i <= last; i++)
		mark_rows[i].act(id[i]);
	kill_and_reap(pid);
	for (int i = 0; i <= last; i++) {
		now = stat_of(id[i]);
		must_eq(now.sem_otime > then[i].sem_otime,
		    mark_rows[i].otime);
		must_eq(now.sem_ctime > then[i].sem_ctime,
		    mark_rows[i].ctime);
	}
}
END_TEST

START_TEST(S7_waiting_in_vain_sets_nothing_and_being_served_does)
{
	static const struct timespec short_time = { 0, 1000000 };
	struct semid_ds then;
	int id = make_set(2), other = make_set(1);
	pid_t pid = sleeper(0, id, VECTOR(OP(0, -1, 0)));

	await_ncnt(id, 0, 1);
	must_eq(stat_of(id).sem_otime, 0);
	then = stat_of(id);
	must_error(ipc->semtimedop(other, VECTOR(OP(0, -1, 0)), &short_time),
	    EAGAIN);
	must_eq(stat_of(other).sem_otime, 0);
	set_value(id, 0, 1);
	/* The operation that SETVAL let through counts as one. */
	must(stat_of(id).sem_otime >= then.sem_ctime);
	end_sleepers(&pid, 1);
}
END_TEST

START_TEST(S7_times_are_the_clocks)
{
	time_t before = time(NULL);
	int id = make_set(2);
	struct semid_ds ds;

	add(id, 0, 1, 0);
	add(id, 1, 1, 0);
	ds = stat_of(id);
	must(ds.sem_ctime >= before - 1 && ds.sem_ctime <= time(NULL));
	must(ds.sem_otime >= before - 1 && ds.sem_otime <= time(NULL));
	must(ds.sem_otime >= ds.sem_ctime - 1);
}
END_TEST

void
add_mark_clauses(TCase *tc)
{
	testing_add(tc, S6_every_op_of_a_vector_sets_the_pid);
	testing_add(tc, S6_a_failed_vector_sets_no_pid);
	testing_add(tc, S6_setval_sets_the_pid_of_that_one);
	testing_add(tc, S6_setall_sets_the_pids_of_all);
	testing_add(tc, S6_a_sleepers_op_bears_the_sleepers_pid);
	testing_add(tc, S6_a_sleepers_op_after_setval_bears_its_pid);
	testing_add(tc, S6_an_undo_bears_the_pid_of_the_dead);
	testing_add(tc, S6_an_undo_bears_it_also_after_others_ops);
	testing_add(tc, S6_the_pid_of_the_dead_stays_whoever_comes);
	testing_add(tc, S6_GETPID_of_many_processes_names_each);
	testing_add(tc, S7_what_sets_otime_and_ctime);
	testing_add(tc, S7_waiting_in_vain_sets_nothing_and_being_served_does);
	testing_add(tc, S7_times_are_the_clocks);
}
