/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_death.c - debtors that are killed: what they owe is paid before
 * anybody is answered, and whoever waits for it goes on.  Clause S11.
 */
#include "check_sem.h"

#include <sys/wait.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static long long
now_ms(void)
{
	struct timespec t;

	must_eq(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void
hold(void *arg)
{
	add(*(int *)arg, 0, -1, SEM_UNDO);
	reach(1);
	await(2);
}

/* ---- nobody slept: settled before it is answered ---- */

static void
look_by_getval(int id)
{
	must_be(id, 0, 1);
}

static void
look_by_getval_of_another(int id)
{
	must_be(id, 2, SEMVMX - 1);
}

static void
look_by_getall(int id)
{
	must_be_3(id, 1, 0, SEMVMX - 1);
}

static void
look_by_zero_test(int id)
{
	must_eq(op(id, 1, 0, IPC_NOWAIT), 0);
}

static void
look_by_taking(int id)
{
	must_eq(op(id, 0, -1, IPC_NOWAIT), 0);
}

static void
look_by_taking_in_no_time(int id)
{
	must_eq(op_within_ms(id, 0, -1, 0), 0);
}

static void
look_by_vector(int id)
{
	must_eq(ipc->semop(id, VECTOR(OP(1, 0, IPC_NOWAIT),
	    OP(0, -1, IPC_NOWAIT | SEM_UNDO))), 0);
}

static void
look_by_adding(int id)
{
	must_eq(op(id, 2, 1, 0), 0);	/* ERANGE unless it is paid */
}

static void
look_by_taking_too_much(int id)
{
	must_error(op(id, 1, -1, IPC_NOWAIT), EAGAIN);
}

static void
look_by_getpid(int id)
{
	must_eq(last_pid(id, 0), board->value[0]);
}

static void
look_by_stat(int id)
{
	must(stat_of(id).sem_otime != 0);
}

static void
look_by_waiting(int id)
{
	must_eq(op(id, 0, -1, 0), 0);
}

static void
look_by_setting_another(int id)
{
	set_value(id, 1, 3);
	must_be_3(id, 1, 3, SEMVMX - 1);
}

static void (*const looks[])(int id) = {
	look_by_getval, look_by_getval_of_another, look_by_getall,
	look_by_zero_test, look_by_taking, look_by_taking_in_no_time,
	look_by_vector, look_by_adding, look_by_taking_too_much,
	look_by_getpid, look_by_stat, look_by_waiting,
	look_by_setting_another,
};

static void
owe_three(void *arg)
{
	must_eq(ipc->semop(*(int *)arg, VECTOR(OP(0, -1, SEM_UNDO),
	    OP(1, 1, SEM_UNDO), OP(2, 1, SEM_UNDO))), 0);
	reach(1);
	await(2);
}

static void
look(void *arg)
{
	looks[board->value[1]](*(int *)arg);
}

START_TEST(S11_the_killed_have_paid_before_anybody_is_answered)
{
	static const unsigned short values[3] = { 1, 0, SEMVMX - 1 };
	int id = make_of(3, values);
	pid_t pid = spawn(BY_FORK, owe_three, &id);

	await(1);
	must_be_3(id, 0, 1, SEMVMX);
	board->value[0] = pid;
	board->value[1] = _i / 2;
	kill_and_reap(pid);
	if (_i % 2 == 0)
		looks[_i / 2](id);
	else		/* somebody who comes only now */
		finish(spawn(BY_FORK, look, &id));
}
END_TEST

/* ---- one after the other ---- */

START_TEST(S11_a_killed_holder_is_followed_at_once)
{
	static const unsigned short one[1] = { 1 };
	long long start = now_ms();
	int id = make_of(1, one);

	for (int i = 0; i < 20; i++) {
		pid_t holder, next;

		board_clear();
		holder = spawn(BY_FORK, hold, &id);
		await(1);
		next = sleeper(0, id, VECTOR(OP(0, -1, SEM_UNDO)));
		await_ncnt(id, 0, 1);
		must_sleep(0);
		kill_and_reap(holder);
		must_end(0, DONE);
		end_sleepers(&next, 1);
		must_be(id, 0, 1);
	}
	/* Who looks once a second only would have taken ten. */
	must(now_ms() - start < 5000);
}
END_TEST

START_TEST(S11_a_chain_of_holders_is_killed)
{
	static const unsigned short one[1] = { 1 };
	int id = make_of(1, one);
	pid_t pid[12];

	for (int i = 0; i < 12; i++) {
		pid[i] = sleeper(i, id, VECTOR(OP(0, -1, SEM_UNDO)));
		if (i == 0)
			must_end(0, DONE);
		else
			await_ncnt(id, 0, i);
	}
	for (int i = 0; i < 12; i++) {
		must_end(i, DONE);
		must_eq(last_pid(id, 0), pid[i]);
		must_eq(ncnt(id, 0), 11 - i);
		kill_and_reap(pid[i]);
	}
	must_be(id, 0, 1);
}
END_TEST

/* The debtor came while the others slept already, and without sleeping. */
START_TEST(S11_a_late_debtor_is_followed_too)
{
	int id = make_set(1);
	pid_t pid[3];

	for (int i = 0; i < 3; i++) {
		pid[i] = sleeper(i, id, VECTOR(OP(0, -1, SEM_UNDO)));
		await_ncnt(id, 0, i + 1);
	}
	add(id, 0, 1, 0);	/* this process owes nothing */
	must_end(0, DONE);
	kill_and_reap(pid[0]);	/* outside any call */
	must_end(1, DONE);
	kill_and_reap(pid[1]);
	must_end(2, DONE);
	kill_and_reap(pid[2]);
	must_be(id, 0, 1);
}
END_TEST

static void
take_other_and_hold(void *arg)
{
	int id = *(int *)arg;

	add(id, 1, 1, 0);
	must_eq(ipc->semop(id, VECTOR(OP(0, -1, SEM_UNDO))), 0);
	reach(1);
	await(2);
}

START_TEST(S11_a_newcomer_that_owes_and_dies_is_followed)
{
	static const unsigned short values[2] = { 1, 0 };
	int id = make_of(2, values);
	pid_t pid[2], newcomer;

	/* They sleep before anybody owes anything. */
	for (int i = 0; i < 2; i++) {
		pid[i] = sleeper(i, id, VECTOR(OP(0, -2, 0),
		    OP(0, 1, SEM_UNDO)));
		await_ncnt(id, 0, i + 1);
	}
	newcomer = spawn(BY_FORK, take_other_and_hold, &id);
	await(1);
	add(id, 0, 1, 0);
	must_eq(ncnt(id, 0), 2);
	kill_and_reap(newcomer);
	must_end(0, DONE);
	must_be(id, 0, 1);
	must_sleep(1);
	kill_and_reap(pid[0]);
	kill_and_reap(pid[1]);
}
END_TEST

START_TEST(S11_holder_and_first_sleeper_die_together)
{
	static const unsigned short one[1] = { 1 };
	int id = make_of(1, one);

	for (int round = 0; round < 15; round++) {
		pid_t pid[4];

		board_clear();
		pid[3] = spawn(BY_FORK, hold, &id);
		await(1);
		for (int i = 0; i < 3; i++) {
			pid[i] = sleeper(i, id, VECTOR(OP(0, -1, SEM_UNDO)));
			await_ncnt(id, 0, i + 1);
		}
		must_eq(kill(pid[3], SIGKILL), 0);
		must_eq(kill(pid[round % 2], SIGKILL), 0);
		must_end(round % 2 == 0 ? 1 : 0, DONE);
		for (int i = 0; i < 4; i++) {
			kill(pid[i], SIGKILL);
			must_eq(waitpid(pid[i], NULL, 0), pid[i]);
		}
		must_be(id, 0, 1);
		must_eq(ncnt(id, 0), 0);
	}
}
END_TEST

#define DEBTORS	140	/* more than one sleep can name */

static void
owe_one(void *arg)
{
	add(*(int *)arg, 0, -1, SEM_UNDO);
	atomic_fetch_add(&board->value[1], 1);
	await(2);
}

START_TEST(S11_the_debts_of_many_are_paid_by_each)
{
	int id = make_set(1);
	pid_t pid[DEBTORS], waiting;

	set_value(id, 0, DEBTORS);
	for (int i = 0; i < DEBTORS; i++)
		pid[i] = spawn(BY_FORK, owe_one, &id);
	await_value(1, DEBTORS);
	must_be(id, 0, 0);
	waiting = sleeper(0, id, VECTOR(OP(0, -1, 0)));
	await_ncnt(id, 0, 1);
	kill_and_reap(pid[DEBTORS - 1]);
	must_end(0, DONE);
	kill_and_reap(waiting);
	for (int i = 0; i < DEBTORS - 1; i++) {
		kill_and_reap(pid[i]);
		if (i % 20 == 0)
			must_be(id, 0, i + 1);
	}
	must_be(id, 0, DEBTORS - 1);
}
END_TEST

/* ---- other pid namespaces, in which all pids are equal ---- */

struct resident {
	int id;
	uint32_t until;		/* the stage at which it ends */
};

static void
hold_as_pid_1(void *arg)
{
	const struct resident *r = arg;

	must_eq(getpid(), 1);
	add(r->id, 0, -1, SEM_UNDO);
	atomic_fetch_add(&board->value[0], 1);
	await(r->until);
}

static void
live_in_container(void *arg)
{
	if (unshare(CLONE_NEWPID) == -1) {
		board->value[1] = -1;
		return;
	}
	finish(spawn(BY_FORK, hold_as_pid_1, arg));
}

START_TEST(S11_debtors_of_equal_pids_are_told_apart)
{
	struct resident r[2] = { { make_set(1), 2 }, { 0, 3 } };
	int id = r[1].id = r[0].id;
	pid_t pid[2], waiting;

	set_value(id, 0, 2);
	for (int i = 0; i < 2; i++)
		pid[i] = spawn(BY_FORK, live_in_container, &r[i]);
	while (board->value[0] < 2) {
		if (board->value[1] != 0)
			testing_skip("needs root, to make pid namespaces");
		await_turn();
	}
	must_be(id, 0, 0);
	waiting = sleeper(2, id, VECTOR(OP(0, -1, 0)));
	await_ncnt(id, 0, 1);
	reach(2);
	must_end(2, DONE);
	finish(pid[0]);
	must_be(id, 0, 0);	/* the other one's is not paid */
	reach(3);
	finish(pid[1]);
	must_be(id, 0, 1);
	end_sleepers(&waiting, 1);
}
END_TEST

void
add_death_clauses(TCase *tc)
{
	testing_add_loop(tc,
	    S11_the_killed_have_paid_before_anybody_is_answered, 0,
	    2 * (int)COUNT(looks));
	testing_add(tc, S11_a_killed_holder_is_followed_at_once);
	testing_add(tc, S11_a_chain_of_holders_is_killed);
	testing_add(tc, S11_a_late_debtor_is_followed_too);
	testing_add(tc, S11_a_newcomer_that_owes_and_dies_is_followed);
	testing_add(tc, S11_holder_and_first_sleeper_die_together);
	testing_add(tc, S11_the_debts_of_many_are_paid_by_each);
	testing_add(tc, S11_debtors_of_equal_pids_are_told_apart);
}
