/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_look.c - who sleeps in a set and who owes it something, as
 * mipc_look_sleepers() and mipc_look_debts() have it.
 */
#include "check_sem.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mipc.h"

#define MOST	64

/* ---- sleepers ---- */

static int
look(int id, struct mipc_look_sleeper *out, size_t n)
{
	int torn = -1, found;

	memset(out, 0xa5, n * sizeof(*out));
	found = mipc_look_sleepers(backend_ns(), MIPC_SEM, id, out, n, &torn);
	must(found >= 0);
	must_eq(torn, 0);
	return found;
}

START_TEST(look_sleepers_tells_what_each_waits_for_in_order)
{
	struct mipc_look_sleeper s[MOST];
	int id = make_of(3, (unsigned short[]){ 0, 5, 1 });
	pid_t pid[3];

	must_eq(look(id, s, MOST), 0);
	pid[0] = sleeper(0, id, VECTOR(OP(0, -2, SEM_UNDO)));
	await_ncnt(id, 0, 1);
	pid[1] = sleeper(1, id, VECTOR(OP(1, 0, 0)));
	await_zcnt(id, 1, 1);
	pid[2] = sleeper(2, id, VECTOR(OP(2, -1, 0), OP(1, -9, 0),
	    OP(0, 1, 0)));
	await_ncnt(id, 1, 1);
	must_eq(look(id, s, MOST), 3);
	for (int i = 0; i < 3; i++) {
		must_eq(s[i].process.pid, pid[i]);
		must_eq(s[i].process.alive, 1);
		must_eq(s[i].process.uid, geteuid());
		must(strstr(s[i].process.command, "check_sem") != NULL);
		must(s[i].since > 0 && s[i].since <= time(NULL));
	}
	must_eq(s[0].waits, MIPC_WAITS_VALUE);
	must_eq(s[0].semnum, 0);
	must_eq(s[0].op, -2);
	must_eq(s[0].flags, SEM_UNDO);
	must_eq(s[0].nops, 1);
	must_eq(s[1].waits, MIPC_WAITS_ZERO);
	must_eq(s[1].semnum, 1);
	must_eq(s[1].op, 0);
	must_eq(s[2].waits, MIPC_WAITS_VALUE);
	must_eq(s[2].semnum, 1);
	must_eq(s[2].op, -9);
	must_eq(s[2].nops, 3);
	must_eq(look(id, s, 1), 3);
	remove_set(id);
	end_sleepers(pid, 3);
}
END_TEST

/* Vectors that do not fit into a sleeper's place. */
START_TEST(look_sleepers_finds_the_operation_in_a_long_vector)
{
	struct mipc_look_sleeper s[MOST];
	struct sembuf ops[100];
	int id = make_set(100);
	pid_t pid = 0;

	for (int i = 0; i < 100; i++)
		ops[i] = (struct sembuf){ .sem_num = (unsigned short)i,
		    .sem_op = i == 90 ? -3 : 1 };
	pid = fork();
	must(pid != -1);
	if (pid == 0) {
		must_error(ipc->semop(id, ops, 100), EIDRM);
		_exit(0);
	}
	await_ncnt(id, 90, 1);
	must_eq(look(id, s, MOST), 1);
	must_eq(s[0].semnum, 90);
	must_eq(s[0].op, -3);
	must_eq(s[0].nops, 100);
	remove_set(id);
	finish(pid);
}
END_TEST

START_TEST(look_sleepers_shows_the_dead_and_buries_nobody)
{
	struct mipc_look_sleeper s[MOST];
	int id = make_set(1);
	pid_t pid = sleeper(0, id, VECTOR(OP(0, -1, 0)));

	await_ncnt(id, 0, 1);
	kill_and_reap(pid);
	for (int i = 0; i < 2; i++) {
		must_eq(look(id, s, MOST), 1);
		must_eq(s[0].process.pid, pid);
		must_eq(s[0].process.alive, 0);
	}
	must_eq(ncnt(id, 0), 0);	/* this does */
	must_eq(look(id, s, MOST), 0);
	remove_set(id);
}
END_TEST

/* ---- debts ---- */

static int
look_at_debts(int id, struct mipc_look_debt *out, size_t n)
{
	int torn = -1, found;

	memset(out, 0xa5, n * sizeof(*out));
	found = mipc_look_debts(backend_ns(), id, out, n, &torn);
	must(found >= 0);
	must_eq(torn, 0);
	return found;
}

#define OWED	40		/* more than an entry has room for */

static void
owe_much(void *arg)
{
	for (int i = 0; i < OWED; i++)
		add(*(int *)arg, i, i % 2 == 0 ? 3 : -1, SEM_UNDO);
	reach(1);
	await(2);
}

static void
must_owe_much(const struct mipc_look_debt *d, pid_t pid, int alive)
{
	bool seen[OWED] = { false };

	for (int i = 0; i < OWED; i++) {
		must_eq(d[i].process.pid, pid);
		must_eq(d[i].process.alive, alive);
		must(d[i].semnum >= 0 && d[i].semnum < OWED);
		must_eq(d[i].amount, d[i].semnum % 2 == 0 ? -3 : 1);
		must(!seen[d[i].semnum]);
		seen[d[i].semnum] = true;
	}
}

static int
make_ones(int n)
{
	unsigned short values[OWED + 1];

	for (int i = 0; i < n; i++)
		values[i] = 1;
	return make_of(n, values);
}

START_TEST(look_debts_tells_who_owes_what)
{
	struct mipc_look_debt d[MOST];
	int id = make_ones(OWED + 1);
	pid_t pid;

	must_eq(look_at_debts(id, d, MOST), 0);
	add(id, OWED, -1, SEM_UNDO);
	must_eq(look_at_debts(id, d, MOST), 1);
	must_eq(d[0].process.pid, getpid());
	must_eq(d[0].semnum, OWED);
	must_eq(d[0].amount, 1);
	add(id, OWED, 1, SEM_UNDO);
	must_eq(look_at_debts(id, d, MOST), 0);
	pid = spawn(BY_FORK, owe_much, &id);
	await(1);
	must_eq(look_at_debts(id, d, MOST), OWED);
	must_owe_much(d, pid, 1);
	must_eq(look_at_debts(id, d, 3), OWED);
	set_value(id, 4, 1);		/* S8: that is forgiven */
	must_eq(look_at_debts(id, d, MOST), OWED - 1);
	reach(2);
	finish(pid);
	remove_set(id);
}
END_TEST

START_TEST(look_debts_shows_the_dead_and_settles_nothing)
{
	struct mipc_look_debt d[MOST];
	int id = make_ones(OWED);
	pid_t pid = spawn(BY_FORK, owe_much, &id);

	await(1);
	kill_and_reap(pid);
	for (int i = 0; i < 2; i++) {
		must_eq(look_at_debts(id, d, MOST), OWED);
		must_owe_much(d, pid, 0);
	}
	must_be(id, 1, 1);		/* this does */
	must_eq(look_at_debts(id, d, MOST), 0);
	remove_set(id);
}
END_TEST

/* Moves one from one semaphore to the other and back, as one change each. */
static void
swing(void *arg)
{
	int id = *(int *)arg;

	reach(1);
	while (board->stage < 2) {
		must_eq(ipc->semop(id, VECTOR(OP(0, -1, SEM_UNDO),
		    OP(1, 1, SEM_UNDO))), 0);
		must_eq(ipc->semop(id, VECTOR(OP(0, 1, SEM_UNDO),
		    OP(1, -1, SEM_UNDO))), 0);
	}
}

START_TEST(look_debts_is_one_state_or_says_that_it_is_not)
{
	struct mipc_look_debt d[MOST];
	int id = make_of(2, (unsigned short[]){ 1, 0 });
	pid_t pid = spawn(BY_FORK, swing, &id);
	int owed = 0, nothing = 0;

	await(1);
	while (owed < 50 || nothing < 50) {
		int torn, n = mipc_look_debts(backend_ns(), id, d, MOST,
		    &torn);

		must(n >= 0);
		if (torn)
			continue;
		must(n == 0 || n == 2);
		must(n == 0 || d[0].amount == -d[1].amount);
		owed += n == 2;
		nothing += n == 0;
	}
	reach(2);
	finish(pid);
	remove_set(id);
}
END_TEST

void
add_look_tests(TCase *tc)
{
	add_common_look_tests(tc);
	testing_add(tc, look_sleepers_tells_what_each_waits_for_in_order);
	testing_add(tc, look_sleepers_finds_the_operation_in_a_long_vector);
	testing_add(tc, look_sleepers_shows_the_dead_and_buries_nobody);
	testing_add(tc, look_debts_tells_who_owes_what);
	testing_add(tc, look_debts_shows_the_dead_and_settles_nothing);
	testing_add(tc, look_debts_is_one_state_or_says_that_it_is_not);
}
