/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_wake.c - who is woken, in which order, and that nobody comes in
 * between: clause S5.
 */
#include "check_sem.h"

#include <string.h>

/* ---- queues ---- */

#define QUEUE	6

/*
 * Sleepers, in order of arrival; something is done; then these are served, and
 * the set looks like that, all of it when the call returns.
 */
static const struct queue_row {
	const char *name;
	int before[3];
	struct {
		struct sembuf ops[3];
		size_t nops;
	} sleepers[QUEUE];
	struct sembuf change[3];
	size_t nchange;
	const char *served;		/* letters: a is the oldest */
	int after[3];
} queue_rows[] = {
	{ "one takes it", { 0, 0, 0 }, { { { OP(0, -1, 0) }, 1 } },
	    { OP(0, 1, 0) }, 1, "a", { 0, 0, 0 } },
	{ "not enough", { 0, 0, 0 }, { { { OP(0, -2, 0) }, 1 } },
	    { OP(0, 1, 0) }, 1, "", { 1, 0, 0 } },
	{ "another semaphore", { 0, 0, 0 }, { { { OP(0, -1, 0) }, 1 } },
	    { OP(1, 1, 0) }, 1, "", { 0, 1, 0 } },
	{ "equals: first come", { 0, 0, 0 }, { { { OP(0, -1, 0) }, 1 },
	    { { OP(0, -1, 0) }, 1 }, { { OP(0, -1, 0) }, 1 } },
	    { OP(0, 1, 0) }, 1, "a", { 0, 0, 0 } },
	{ "equals: two of three", { 0, 0, 0 }, { { { OP(0, -1, 0) }, 1 },
	    { { OP(0, -1, 0) }, 1 }, { { OP(0, -1, 0) }, 1 } },
	    { OP(0, 2, 0) }, 1, "ab", { 0, 0, 0 } },
	{ "a small one overtakes", { 0, 0, 0 }, { { { OP(0, -2, 0) }, 1 },
	    { { OP(0, -1, 0) }, 1 } }, { OP(0, 1, 0) }, 1, "b",
	    { 0, 0, 0 } },
	{ "the oldest that can", { 0, 0, 0 }, { { { OP(0, -2, 0) }, 1 },
	    { { OP(0, -1, 0) }, 1 }, { { OP(0, -1, 0) }, 1 } },
	    { OP(0, 2, 0) }, 1, "a", { 0, 0, 0 } },
	{ "as far as it goes", { 0, 0, 0 }, { { { OP(0, -2, 0) }, 1 },
	    { { OP(0, -3, 0) }, 1 }, { { OP(0, -1, 0) }, 1 },
	    { { OP(0, -1, 0) }, 1 } }, { OP(0, 3, 0) }, 1, "ac",
	    { 0, 0, 0 } },
	{ "no reserve for the big", { 0, 0, 0 }, { { { OP(0, -5, 0) }, 1 },
	    { { OP(0, -1, 0) }, 1 } }, { OP(0, 4, 0) }, 1, "b",
	    { 3, 0, 0 } },
	{ "vector and single", { 0, 0, 0 }, { { { OP(0, -1, 0),
	    OP(1, -1, 0) }, 2 }, { { OP(0, -1, 0) }, 1 } },
	    { OP(0, 1, 0) }, 1, "b", { 0, 0, 0 } },
	{ "the vector is older", { 0, 1, 0 }, { { { OP(0, -1, 0),
	    OP(1, -1, 0) }, 2 }, { { OP(0, -1, 0) }, 1 } },
	    { OP(0, 1, 0) }, 1, "a", { 0, 0, 0 } },
	{ "the single is older", { 0, 1, 0 }, { { { OP(0, -1, 0) }, 1 },
	    { { OP(0, -1, 0), OP(1, -1, 0) }, 2 } },
	    { OP(0, 1, 0) }, 1, "a", { 0, 1, 0 } },
	{ "vectors first come", { 0, 2, 0 }, { { { OP(0, -1, 0),
	    OP(1, -1, 0) }, 2 }, { { OP(1, -1, 0), OP(0, -1, 0) }, 2 } },
	    { OP(0, 1, 0) }, 1, "a", { 0, 1, 0 } },
	{ "two semaphores at once", { 0, 0, 0 }, { { { OP(0, -1, 0) }, 1 },
	    { { OP(1, -1, 0) }, 1 }, { { OP(2, -1, 0) }, 1 } },
	    { OP(0, 1, 0), OP(1, 1, 0) }, 2, "ab", { 0, 0, 0 } },
	{ "served one serves on", { 0, 0, 0 }, { { { OP(0, -1, 0),
	    OP(1, 1, 0) }, 2 }, { { OP(1, -1, 0) }, 1 } },
	    { OP(0, 1, 0) }, 1, "ab", { 0, 0, 0 } },
	{ "served one serves an older", { 0, 0, 0 }, { { { OP(1, -1, 0) },
	    1 }, { { OP(0, -1, 0), OP(1, 1, 0) }, 2 } },
	    { OP(0, 1, 0) }, 1, "ab", { 0, 0, 0 } },
	{ "and the older only", { 0, 0, 0 }, { { { OP(1, -1, 0) }, 1 },
	    { { OP(0, -1, 0), OP(1, 1, 0) }, 2 }, { { OP(1, -1, 0) }, 1 } },
	    { OP(0, 1, 0) }, 1, "ab", { 0, 0, 0 } },
	{ "a chain backwards", { 0, 0, 0 }, { { { OP(2, -1, 0) }, 1 },
	    { { OP(1, -1, 0), OP(2, 1, 0) }, 2 },
	    { { OP(0, -1, 0), OP(1, 1, 0) }, 2 } },
	    { OP(0, 1, 0) }, 1, "abc", { 0, 0, 0 } },
	{ "a ring turns once", { 0, 0, 0 }, { { { OP(0, -1, 0),
	    OP(1, 1, 0) }, 2 }, { { OP(1, -1, 0), OP(2, 1, 0) }, 2 },
	    { { OP(2, -1, 0), OP(0, 1, 0) }, 2 } },
	    { OP(0, 1, 0) }, 1, "abc", { 1, 0, 0 } },
	{ "zero is seen", { 1, 0, 0 }, { { { OP(0, 0, 0) }, 1 },
	    { { OP(0, 0, 0) }, 1 } }, { OP(0, -1, 0) }, 1, "ab",
	    { 0, 0, 0 } },
	{ "zero within a vector is not", { 1, 0, 0 }, { { { OP(0, 0, 0) },
	    1 } }, { OP(0, -1, 0), OP(0, 1, 0) }, 2, "", { 1, 0, 0 } },
	{ "growth is no zero", { 1, 0, 0 }, { { { OP(0, 0, 0) }, 1 } },
	    { OP(0, 1, 0) }, 1, "", { 2, 0, 0 } },
	{ "zero tests before changes", { 1, 0, 0 }, { { { OP(0, 0, 0),
	    OP(0, 1, 0) }, 2 }, { { OP(0, 0, 0) }, 1 } },
	    { OP(0, -1, 0) }, 1, "ab", { 1, 0, 0 } },
	{ "zero, then one change", { 1, 0, 0 }, { { { OP(0, 0, 0),
	    OP(0, 1, 0) }, 2 }, { { OP(0, 0, 0), OP(0, 1, 0) }, 2 } },
	    { OP(0, -1, 0) }, 1, "a", { 1, 0, 0 } },
	{ "a served one makes zero", { 0, 1, 0 }, { { { OP(1, 0, 0) }, 1 },
	    { { OP(0, -3, 0), OP(1, -1, 0) }, 2 } },
	    { OP(0, 3, 0) }, 1, "ab", { 0, 0, 0 } },
	{ "taken again to zero", { 1, 0, 0 }, { { { OP(0, 0, 0) }, 1 },
	    { { OP(0, -2, 0) }, 1 } }, { OP(0, 1, 0) }, 1, "ab",
	    { 0, 0, 0 } },
	{ "zero of two", { 1, 1, 0 }, { { { OP(0, 0, 0), OP(1, 0, 0) }, 2 },
	    { { OP(1, 0, 0) }, 1 } }, { OP(1, -1, 0) }, 1, "b",
	    { 1, 0, 0 } },
	{ "both become zero", { 1, 1, 0 }, { { { OP(0, 0, 0),
	    OP(1, 0, 0) }, 2 }, { { OP(1, 0, 0) }, 1 } },
	    { OP(1, -1, 0), OP(0, -1, 0) }, 2, "ab", { 0, 0, 0 } },
	{ "zero served, then a change", { 1, 0, 0 }, { { { OP(0, 0, 0),
	    OP(1, 1, 0) }, 2 }, { { OP(1, -1, 0) }, 1 } },
	    { OP(0, -1, 0) }, 1, "ab", { 0, 0, 0 } },
	{ "a failing retry lets others run", { 0, SEMVMX, 0 },
	    { { { OP(0, -1, 0), OP(1, 1, 0) }, 2 }, { { OP(0, -1, 0) }, 1 } },
	    { OP(0, 1, 0) }, 1, "b", { 0, SEMVMX, 0 } },
	{ "a smaller value can serve", { 3, 0, 0 }, { { { OP(0, 0, 0) }, 1 },
	    { { OP(0, -4, 0) }, 1 } }, { OP(0, -3, 0) }, 1, "a",
	    { 0, 0, 0 } },
	{ "six of one kind", { 0, 0, 0 }, { { { OP(0, -1, 0) }, 1 },
	    { { OP(0, -1, 0) }, 1 }, { { OP(0, -1, 0) }, 1 },
	    { { OP(0, -1, 0) }, 1 }, { { OP(0, -1, 0) }, 1 },
	    { { OP(0, -1, 0) }, 1 } }, { OP(0, 4, 0) }, 1, "abcd",
	    { 0, 0, 0 } },
};

/* Start the row's sleepers, each once the one before it sleeps. */
static int
queue_up(const struct queue_row *row, int id, pid_t *pid)
{
	int n = 0;

	for (; n < QUEUE && row->sleepers[n].nops != 0; n++) {
		pid[n] = sleeper(n, id, row->sleepers[n].ops,
		    row->sleepers[n].nops);
		await_sleepers(id, n + 1);
	}
	return n;
}

static void
must_serve(const struct queue_row *row, int id, int n)
{
	int left = 0;

	for (int i = 0; i < n; i++)
		if (strchr(row->served, 'a' + i) != NULL)
			must_end(i, DONE);
		else if (board->value[i] == DONE)
			testing_fail(__FILE__, __LINE__, "%s: %c was served",
			    row->name, 'a' + i);
		else
			left += board->value[i] != -ERANGE;
	must(sleepers_of(id) <= left);
}

START_TEST(S5_the_waker_serves_these)
{
	const struct queue_row *row = &queue_rows[_i];
	struct sembuf change[3];
	int id = make_set(3), n;
	pid_t pid[QUEUE];

	for (int i = 0; i < 3; i++)
		set_value(id, i, row->before[i]);
	n = queue_up(row, id, pid);
	memcpy(change, row->change, sizeof(change));
	must_eq(ipc->semop(id, change, row->nchange), 0);
	/* At once, whether they have run since or not. */
	must_be_3(id, row->after[0], row->after[1], row->after[2]);
	must_serve(row, id, n);
	must_be_3(id, row->after[0], row->after[1], row->after[2]);
	for (int i = 0; i < n; i++)
		kill_and_reap(pid[i]);
	must_eq(sleepers_of(id), 0);
}
END_TEST

START_TEST(S5_setval_serves_as_semop_does)
{
	int id = make_set(1);
	pid_t pid[5];

	for (int i = 0; i < 4; i++) {
		pid[i] = i == 0 ? sleeper(i, id, VECTOR(OP(0, -5, 0))) :
		    i == 1 ? sleeper(i, id, VECTOR(OP(0, -2, 0))) :
		    sleeper(i, id, VECTOR(OP(0, -1, 0)));
		await_ncnt(id, 0, i + 1);
	}
	set_value(id, 0, 3);
	must_be(id, 0, 0);
	must_eq(ncnt(id, 0), 2);
	must_end(1, DONE);
	must_end(2, DONE);
	set_value(id, 0, 1);
	must_end(3, DONE);
	set_value(id, 0, 4);
	must_be(id, 0, 4);
	pid[4] = sleeper(4, id, VECTOR(OP(0, 0, 0)));
	await_zcnt(id, 0, 1);
	set_value(id, 0, 0);
	must_end(4, DONE);
	must_sleep(0);
	set_value(id, 0, 5);
	must_end(0, DONE);
	end_sleepers(pid, 5);
}
END_TEST

START_TEST(S5_setall_serves_all_over_the_set)
{
	static const unsigned short before[3] = { 0, 1, 0 };
	static const unsigned short after[3] = { 2, 0, 0 };
	int id = make_of(3, before);
	pid_t pid[4];

	pid[0] = sleeper(0, id, VECTOR(OP(0, -1, 0), OP(2, 1, 0)));
	await_sleepers(id, 1);
	pid[1] = sleeper(1, id, VECTOR(OP(1, 0, 0)));
	await_sleepers(id, 2);
	pid[2] = sleeper(2, id, VECTOR(OP(2, -1, 0)));
	await_sleepers(id, 3);
	pid[3] = sleeper(3, id, VECTOR(OP(0, -2, 0)));
	await_sleepers(id, 4);
	set_all(id, after);
	must_be_3(id, 1, 0, 0);
	must_eq(ncnt(id, 0), 1);
	for (int i = 0; i < 3; i++)
		must_end(i, DONE);
	must_sleep(3);
	add(id, 0, 1, 0);
	end_sleepers(pid, 4);
}
END_TEST

START_TEST(S5_a_newcomer_cannot_steal)
{
	int id = make_set(1);
	pid_t pid;

	for (int i = 0; i < 50; i++) {
		board_clear();
		pid = sleeper(0, id, VECTOR(OP(0, -1, 0)));
		await_ncnt(id, 0, 1);
		add(id, 0, 1, 0);
		must_error(op(id, 0, -1, IPC_NOWAIT), EAGAIN);
		must_eq(ncnt(id, 0), 0);
		must_end(0, DONE);
		must_be(id, 0, 0);
		end_sleepers(&pid, 1);
	}
}
END_TEST

START_TEST(S5_a_newcomer_that_fits_need_not_queue)
{
	static const unsigned short values[2] = { 1, 0 };
	int id = make_of(2, values);
	pid_t pid = sleeper(0, id, VECTOR(OP(0, -2, 0)));

	await_ncnt(id, 0, 1);
	must_eq(op(id, 0, -1, IPC_NOWAIT), 0);
	must_eq(ncnt(id, 0), 1);
	add(id, 0, 1, 0);
	must_eq(op(id, 0, 0, IPC_NOWAIT), -1);
	add(id, 0, 1, 0);
	must_end(0, DONE);
	must_be(id, 0, 0);
	end_sleepers(&pid, 1);
}
END_TEST

START_TEST(S5_a_withdrawn_one_does_not_block_the_rest)
{
	int id = make_set(1);
	pid_t pid[3];

	for (int i = 0; i < 3; i++) {
		pid[i] = sleeper(i, id, VECTOR(OP(0, -1, 0)));
		await_ncnt(id, 0, i + 1);
	}
	kill_and_reap(pid[0]);
	add(id, 0, 1, 0);
	must_end(1, DONE);
	must_eq(ncnt(id, 0), 1);
	must_be(id, 0, 0);
	add(id, 0, 1, 0);
	must_end(2, DONE);
	end_sleepers(pid + 1, 2);
}
END_TEST

/* ---- many ---- */

#define CROWD	60

START_TEST(S5_a_crowd_is_served_one_by_one_in_order)
{
	int id = make_set(2);
	pid_t pid[CROWD];

	for (int i = 0; i < CROWD; i++) {
		pid[i] = sleeper(i, id, VECTOR(OP(0, -1, 0), OP(1, 1, 0)));
		await_ncnt(id, 0, i + 1);
	}
	for (int i = 0; i < CROWD / 2; i++) {
		add(id, 0, 1, 0);
		must_be(id, 1, i + 1);
		must_eq(last_pid(id, 1), pid[i]);
		must_end(i, DONE);
	}
	add(id, 0, CROWD, 0);
	must_be(id, 0, CROWD / 2);
	must_be(id, 1, CROWD);
	must_eq(ncnt(id, 0), 0);
	end_sleepers(pid, CROWD);
}
END_TEST

/* Two that need each other: each served by what the other does. */
static void
play_ball(void *arg)
{
	const int *ball = arg;

	for (int i = 0; i < 400; i++) {
		add(ball[0], ball[1], -1, 0);
		add(ball[0], 1 - ball[1], 1, 0);
	}
}

START_TEST(S5_a_ball_goes_to_and_fro)
{
	int ball[2][2] = { { make_set(2), 0 }, { 0, 1 } };
	pid_t pid[2];

	ball[1][0] = ball[0][0];
	for (int i = 0; i < 2; i++)
		pid[i] = spawn(BY_FORK, play_ball, ball[i]);
	add(ball[0][0], 0, 1, 0);
	for (int i = 0; i < 2; i++)
		finish(pid[i]);
	must_be(ball[0][0], 0, 1);
	must_be(ball[0][0], 1, 0);
}
END_TEST

void
add_wake_clauses(TCase *tc)
{
	testing_add_loop(tc, S5_the_waker_serves_these, 0,
	    (int)COUNT(queue_rows));
	testing_add(tc, S5_setval_serves_as_semop_does);
	testing_add(tc, S5_setall_serves_all_over_the_set);
	testing_add(tc, S5_a_newcomer_cannot_steal);
	testing_add(tc, S5_a_newcomer_that_fits_need_not_queue);
	testing_add(tc, S5_a_withdrawn_one_does_not_block_the_rest);
	testing_add(tc, S5_a_crowd_is_served_one_by_one_in_order);
	testing_add(tc, S5_a_ball_goes_to_and_fro);
}
