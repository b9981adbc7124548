/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_large.c - the longest vectors, the largest sets, the most debts
 * and many sleepers, all at once: clauses S3, S5, S11, S15 and S16.
 */
#include "check_sem.h"

#include <sys/wait.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* 500 operations from semaphore `from` on, each `step` further. */
static void
fill(struct sembuf *ops, int from, int step, int by, int flags)
{
	for (int i = 0; i < SEMOPM; i++)
		ops[i] = (struct sembuf)OP((unsigned short)(from + i * step),
		    (short)by, (short)flags);
}

static int
sum_of(int id)
{
	static unsigned short values[SEMMSL];
	int sum = 0;

	get_all(id, values);
	for (int i = 0; i < SEMMSL; i++)
		sum += values[i];
	return sum;
}

/* ---- debts ---- */

#define OWED	(6 * SEMOPM)	/* of the largest set, every tenth */

static void
owe_everywhere(void *arg)
{
	struct sembuf ops[SEMOPM];

	for (int n = 0; n < OWED; n += SEMOPM) {
		fill(ops, n * 10, 10, n % 1000 == 0 ? 2 : 1, SEM_UNDO);
		must_eq(ipc->semop(*(int *)arg, ops, SEMOPM), 0);
	}
	reach(1);
	await(2);
}

START_TEST(S11_debts_on_thousands_of_semaphores_are_paid)
{
	int id = make_set(SEMMSL);
	pid_t pid = spawn(BY_FORK, owe_everywhere, &id), waiting;

	await(1);
	must_eq(sum_of(id), OWED / 2 * 3);
	waiting = sleeper(0, id, VECTOR(OP((OWED - 1) * 10, 0, 0),
	    OP(0, 0, 0)));
	await_zcnt(id, (OWED - 1) * 10, 1);
	kill_and_reap(pid);
	must_end(0, DONE);
	kill_and_reap(waiting);
	must_eq(sum_of(id), 0);
	must_eq(last_pid(id, 170), pid);
}
END_TEST

START_TEST(S8_setall_voids_thousands_of_debts)
{
	static unsigned short values[SEMMSL];
	int id = make_set(SEMMSL);
	pid_t pid = spawn(BY_FORK, owe_everywhere, &id);

	await(1);
	for (int i = 0; i < SEMMSL; i++)
		values[i] = 3;
	set_all(id, values);
	set_value(id, 50, 0);
	kill_and_reap(pid);
	must_eq(sum_of(id), 3 * SEMMSL - 3);
}
END_TEST

/* ---- vectors that sleep ---- */

struct longest {
	int id, who, from, step, by;
	struct sembuf last;
};

static void
sleep_in_longest(void *arg)
{
	const struct longest *l = arg;
	struct sembuf ops[SEMOPM];
	int answer;

	fill(ops, l->from, l->step, l->by, SEM_UNDO);
	ops[SEMOPM - 1] = l->last;
	answer = ipc->semop(l->id, ops, SEMOPM);
	board->value[l->who] = answer == 0 ? DONE : -errno;
	await(END);
}

START_TEST(S5_a_sleepers_vector_of_500_is_done_by_the_waker)
{
	static const int steps[] = { 0, 1, 60 };
	struct longest l = { .id = make_set(SEMMSL), .from = 10,
	    .step = steps[_i], .by = 1, .last = OP(0, -1, SEM_UNDO) };
	pid_t pid[3];

	for (l.who = 0; l.who < 3; l.who++) {
		pid[l.who] = spawn(BY_FORK, sleep_in_longest, &l);
		await_ncnt(l.id, 0, l.who + 1);
	}
	must_eq(sum_of(l.id), 0);
	add(l.id, 0, 2, 0);
	must_eq(sum_of(l.id), 2 * (SEMOPM - 1));
	must_eq(ncnt(l.id, 0), 1);
	must_end(0, DONE);
	must_end(1, DONE);
	must_sleep(2);
	must_be(l.id, 10, l.step == 0 ? 2 * (SEMOPM - 1) : 2);
	kill_and_reap(pid[0]);		/* and its unit serves the third */
	must_end(2, DONE);
	must_eq(last_pid(l.id, 10), pid[2]);
	must_eq(sum_of(l.id), 2 * (SEMOPM - 1));
	kill_and_reap(pid[1]);
	kill_and_reap(pid[2]);
	must_eq(sum_of(l.id), 2);
	must_be(l.id, 0, 2);
}
END_TEST

START_TEST(S15_long_vectors_that_sleep_are_told_of_removal)
{
	struct longest l = { .id = make_set(SEMMSL), .step = 1, .by = 1,
	    .last = OP(600, -1, 0) };
	pid_t pid[6];

	for (l.who = 0; l.who < 6; l.who++) {
		pid[l.who] = spawn(BY_FORK, sleep_in_longest, &l);
		await_ncnt(l.id, 600, l.who + 1);
	}
	kill_and_reap(pid[2]);
	must_eq(ncnt(l.id, 600), 5);
	remove_set(l.id);
	for (int i = 0; i < 6; i++)
		if (i != 2)
			must_end(i, -EIDRM);
	pid[2] = pid[5];
	end_sleepers(pid, 5);
	must_be_gone(l.id);
}
END_TEST

/* ---- many sleepers ---- */

#define CROWD	200

static void
sleep_in_crowd(void *arg)
{
	add(*(int *)arg, 0, -1, 0);
	atomic_fetch_add(&board->value[1], 1);
}

START_TEST(S5_a_crowd_of_200_sleeps_and_goes)
{
	int id = make_set(2);
	pid_t pid[CROWD];

	for (int i = 0; i < CROWD; i++)
		pid[i] = spawn(BY_FORK, sleep_in_crowd, &id);
	await_ncnt(id, 0, CROWD);
	for (int i = 0; i < 20; i++)
		kill_and_reap(pid[i * 7]);
	must_eq(ncnt(id, 0), CROWD - 20);
	add(id, 0, CROWD, 0);
	must_be(id, 0, 20);
	must_eq(ncnt(id, 0), 0);
	await_value(1, CROWD - 20);
	for (int i = 0; i < CROWD; i++)
		if (i % 7 != 0 || i >= 140)
			finish(pid[i]);
	must_be(id, 0, 20);
}
END_TEST

/* ---- a namespace that lets newcomers overtake ---- */

static const unsigned short one[1] = { 1 };

static void
lock_often(void *arg)
{
	int id = *(int *)arg;

	for (int i = 0; i < 300; i++) {
		long long seen;

		add(id, 0, -1, i % 2 ? SEM_UNDO : 0);
		seen = board->value[0];
		await_turn();
		board->value[0] = seen + 1;
		add(id, 0, 1, i % 2 ? SEM_UNDO : 0);
	}
}

START_TEST(barging_keeps_out_all_but_one_all_the_same)
{
	const unsigned long long yes = 1;
	int id = make_of(1, one);
	pid_t pid[4];

	must_eq(ipc->limit("barging", NULL, &yes), 0);
	for (int i = 0; i < 4; i++)
		pid[i] = spawn(BY_FORK, lock_often, &id);
	for (int i = 0; i < 4; i++)
		finish(pid[i]);
	must_eq(board->value[0], 4 * 300);
	must_be(id, 0, 1);
	must_eq(ncnt(id, 0), 0);
}
END_TEST

START_TEST(barging_wakes_whom_a_death_lets_run)
{
	const unsigned long long yes = 1;
	int id = make_of(1, one);
	pid_t pid[6];

	must_eq(ipc->limit("barging", NULL, &yes), 0);
	for (int i = 0; i < 6; i++) {
		pid[i] = sleeper(i, id, VECTOR(OP(0, -1, SEM_UNDO)));
		if (i == 0)
			must_end(0, DONE);
		else
			await_ncnt(id, 0, i);
	}
	/* Whoever has it is killed, until nobody is left. */
	for (int n = 0; n < 6; n++) {
		int holder = -1;

		while (holder == -1) {
			for (int i = 0; i < 6; i++)
				if (pid[i] != 0 && board->value[i] == DONE)
					holder = i;
			await_turn();
		}
		must_be(id, 0, 0);
		kill_and_reap(pid[holder]);
		pid[holder] = 0;
	}
	must_be(id, 0, 1);
}
END_TEST

void
add_large_clauses(TCase *tc)
{
	testing_add(tc, S11_debts_on_thousands_of_semaphores_are_paid);
	testing_add(tc, S8_setall_voids_thousands_of_debts);
	testing_add_loop(tc, S5_a_sleepers_vector_of_500_is_done_by_the_waker,
	    0, 3);
	testing_add(tc, S15_long_vectors_that_sleep_are_told_of_removal);
	testing_add(tc, S5_a_crowd_of_200_sleeps_and_goes);
}

void
add_barging_tests(TCase *tc)
{
	testing_add(tc, barging_keeps_out_all_but_one_all_the_same);
	testing_add(tc, barging_wakes_whom_a_death_lets_run);
}
