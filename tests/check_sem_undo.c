/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_undo.c - what a process owes a set, who owes it, and when it is
 * paid: clauses S10, S11 and S12.
 */
#include "check_sem.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- how much ---- */

/* A process does this on a set of one, then ends. */
static const struct debt_row {
	int before;
	struct sembuf ops[6];	/* ended by one without an effect */
	int last_error;		/* of the last one; the others succeed */
	int meanwhile;		/* what another adds before the end */
	int after;
} debt_rows[] = {
	{ 5, { OP(0, -5, SEM_UNDO) }, 0, 0, 5 },
	{ 5, { OP(0, 2, SEM_UNDO) }, 0, 0, 5 },
	{ 5, { OP(0, -5, 0) }, 0, 0, 0 },
	{ 5, { OP(0, -2, SEM_UNDO), OP(0, -2, 0) }, 0, 0, 3 },
	{ 5, { OP(0, -2, SEM_UNDO), OP(0, 2, SEM_UNDO) }, 0, 0, 5 },
	{ 5, { OP(0, -2, SEM_UNDO), OP(0, 2, 0) }, 0, 0, 7 },
	{ 5, { OP(0, -2, SEM_UNDO), OP(0, 5, SEM_UNDO) }, 0, 0, 5 },
	{ 5, { OP(0, -1, SEM_UNDO), OP(0, -1, SEM_UNDO),
	    OP(0, -1, SEM_UNDO) }, 0, 0, 5 },
	{ 5, { OP(0, -1, SEM_UNDO), OP(0, -9, SEM_UNDO | IPC_NOWAIT) },
	    EAGAIN, 0, 5 },
	{ 5, { OP(0, -1, SEM_UNDO), OP(0, SEMVMX, SEM_UNDO) }, ERANGE, 0,
	    5 },
	/* Clamped at both ends. */
	{ 0, { OP(0, 10, SEM_UNDO) }, 0, -8, 0 },
	{ 0, { OP(0, 10, SEM_UNDO) }, 0, -10, 0 },
	{ 0, { OP(0, SEMVMX, SEM_UNDO) }, 0, -SEMVMX, 0 },
	{ 10, { OP(0, -10, SEM_UNDO) }, 0, SEMVMX, SEMVMX },
	{ 10, { OP(0, -10, SEM_UNDO) }, 0, SEMVMX - 10, SEMVMX },
	{ 10, { OP(0, -10, SEM_UNDO) }, 0, SEMVMX - 11, SEMVMX - 1 },
	/* The range: -32768 .. 32767 to add in the end. */
	{ 0, { OP(0, SEMVMX, SEM_UNDO), OP(0, -SEMVMX, 0),
	    OP(0, 1, SEM_UNDO) }, 0, 0, 0 },
	{ 0, { OP(0, SEMVMX, SEM_UNDO), OP(0, -SEMVMX, 0),
	    OP(0, 2, SEM_UNDO) }, ERANGE, 0, 0 },
	{ 0, { OP(0, SEMVMX, SEM_UNDO), OP(0, -SEMVMX, 0),
	    OP(0, 1, SEM_UNDO), OP(0, 1, SEM_UNDO) }, ERANGE, 0, 0 },
	{ SEMVMX, { OP(0, -SEMVMX, SEM_UNDO), OP(0, 1, 0),
	    OP(0, -1, SEM_UNDO) }, ERANGE, 0, SEMVMX },
	{ SEMVMX, { OP(0, -SEMVMX, SEM_UNDO), OP(0, 1, 0),
	    OP(0, -1, 0) }, 0, 0, SEMVMX },
	{ SEMVMX, { OP(0, -SEMVMX, SEM_UNDO), OP(0, 5, SEM_UNDO),
	    OP(0, -5, SEM_UNDO) }, 0, 0, SEMVMX },
	{ 0, { OP(0, SEMVMX, SEM_UNDO), OP(0, -SEMVMX, SEM_UNDO),
	    OP(0, SEMVMX, SEM_UNDO) }, 0, 0, 0 },
};

struct debt {
	int id;
	const struct debt_row *row;
};

static void
run_up_debts(void *arg)
{
	const struct debt *d = arg;
	const struct sembuf *ops = d->row->ops;
	struct sembuf now;

	for (int i = 0; i < 6 && ops[i].sem_op != 0; i++) {
		now = ops[i];
		if (i < 5 && ops[i + 1].sem_op == 0 && d->row->last_error)
			must_error(ipc->semop(d->id, &now, 1),
			    d->row->last_error);
		else
			must_eq(ipc->semop(d->id, &now, 1), 0);
	}
	reach(1);
	await(2);
}

START_TEST(S10_what_is_owed_is_paid_at_the_end)
{
	struct debt debt = { make_set(1), &debt_rows[_i] };
	pid_t pid;

	set_value(debt.id, 0, debt.row->before);
	pid = spawn(BY_FORK, run_up_debts, &debt);
	await(1);
	if (debt.row->meanwhile != 0)
		add(debt.id, 0, debt.row->meanwhile, 0);
	reach(2);
	finish(pid);
	must_be(debt.id, 0, debt.row->after);
}
END_TEST

static void
overdraw_in_vectors(void *arg)
{
	int id = *(int *)arg;

	add(id, 0, SEMVMX, SEM_UNDO);
	add(id, 0, -SEMVMX, 0);
	/* One op out of range spoils the vector, before or after. */
	must_error(ipc->semop(id, VECTOR(OP(1, 1, SEM_UNDO),
	    OP(0, 2, SEM_UNDO))), ERANGE);
	must_error(ipc->semop(id, VECTOR(OP(0, 2, SEM_UNDO),
	    OP(1, -1, 0))), ERANGE);
	must_error(ipc->semop(id, VECTOR(OP(0, 2, SEM_UNDO),
	    OP(0, -2, SEM_UNDO))), ERANGE);
	must_error(ipc->semop(id, VECTOR(OP(1, -1, IPC_NOWAIT),
	    OP(0, 2, SEM_UNDO))), EAGAIN);
	/* Without SEM_UNDO nothing is counted. */
	must_eq(ipc->semop(id, VECTOR(OP(0, 2, 0), OP(1, 1, SEM_UNDO))), 0);
	add(id, 0, -2, 0);
}

START_TEST(S10_the_range_is_kept_within_a_vector)
{
	int id = make_set(2);

	finish(spawn(BY_FORK, overdraw_in_vectors, &id));
	must_be(id, 0, 0);
	must_be(id, 1, 0);
}
END_TEST

static void
owe_on_many(void *arg)
{
	const int *id = arg;

	for (int i = 0; i < 40; i++)
		must_eq(ipc->semop(id[i], VECTOR(OP(1, 3, SEM_UNDO),
		    OP(0, -1, SEM_UNDO))), 0);
	reach(1);
	await(2);
}

START_TEST(S11_what_is_owed_to_many_sets_is_paid_to_each)
{
	static const unsigned short values[2] = { 5, 5 };
	int id[40];
	pid_t pid;

	for (int i = 0; i < 40; i++)
		id[i] = make_of(2, values);
	pid = spawn(BY_FORK, owe_on_many, id);
	await(1);
	must_be(id[39], 0, 4);
	remove_set(id[7]);
	set_value(id[8], 0, 1);
	reach(2);
	finish(pid);
	for (int i = 0; i < 40; i++) {
		if (i == 7)
			continue;
		must_be(id[i], 0, i == 8 ? 1 : 5);
		must_be(id[i], 1, 5);
	}
}
END_TEST

/* On every seventh of a large set. */
static void
owe_widely(void *arg)
{
	struct sembuf ops[SEMOPM];

	for (int i = 0; i < SEMOPM; i++)
		ops[i] = (struct sembuf)OP((unsigned short)(i * 7), -1,
		    SEM_UNDO);
	must_eq(ipc->semop(*(int *)arg, ops, SEMOPM), 0);
	reach(1);
	await(2);
}

START_TEST(S11_what_is_owed_to_many_semaphores_is_paid_to_each)
{
	static unsigned short values[SEMOPM * 7];
	int id = make_set(SEMOPM * 7);
	pid_t pid;

	for (int i = 0; i < SEMOPM * 7; i++)
		values[i] = (unsigned short)(1 + i % 3);
	set_all(id, values);
	pid = spawn(BY_FORK, owe_widely, &id);
	await(1);
	get_all(id, values);
	for (int i = 0; i < SEMOPM * 7; i++)
		must_eq(values[i], 1 + i % 3 - (i % 7 == 0));
	kill_and_reap(pid);
	get_all(id, values);
	for (int i = 0; i < SEMOPM * 7; i++)
		must_eq(values[i], 1 + i % 3);
}
END_TEST

static void
take_both_and_end(void *arg)
{
	must_eq(ipc->semop(*(int *)arg, VECTOR(OP(0, -1, SEM_UNDO),
	    OP(1, -1, SEM_UNDO), OP(2, 1, SEM_UNDO))), 0);
}

START_TEST(S11_the_debts_of_one_set_are_paid_at_once)
{
	static const unsigned short values[3] = { 1, 1, 0 };
	unsigned short v[3];
	int id = make_of(3, values), status;

	for (int i = 0; i < 100; i++) {
		pid_t pid = spawn(BY_FORK, take_both_and_end, &id);

		do {
			get_all(id, v);
			must_eq(v[0], v[1]);
			must_eq(v[0] + v[2], 1);
		} while (waitpid(pid, &status, WNOHANG) == 0);
		must_eq(status, 0);
		must_be_3(id, 1, 1, 0);
	}
}
END_TEST

START_TEST(S11_paying_serves_whoever_waits)
{
	static const unsigned short values[3] = { 3, 0, 0 };
	struct debt_row row = { .ops = { OP(0, -3, SEM_UNDO),
	    OP(1, 2, SEM_UNDO) } };
	struct debt debt = { make_of(3, values), &row };
	int id = debt.id;
	pid_t debtor = spawn(BY_FORK, run_up_debts, &debt), pid[4];

	await(1);
	pid[0] = sleeper(0, id, VECTOR(OP(0, -4, 0)));
	await_sleepers(id, 1);
	pid[1] = sleeper(1, id, VECTOR(OP(0, -2, 0)));
	await_sleepers(id, 2);
	pid[2] = sleeper(2, id, VECTOR(OP(1, 0, 0), OP(2, 1, 0)));
	await_sleepers(id, 3);
	pid[3] = sleeper(3, id, VECTOR(OP(2, -1, 0)));
	await_sleepers(id, 4);
	reach(2);
	finish(debtor);
	must_be_3(id, 1, 0, 0);
	for (int i = 1; i < 4; i++)
		must_end(i, DONE);
	must_eq(ncnt(id, 0), 1);
	add(id, 0, 3, 0);
	end_sleepers(pid, 4);
}
END_TEST

START_TEST(S11_a_sleepers_debt_is_the_sleepers)
{
	int id = make_set(2);
	pid_t pid = sleeper(0, id, VECTOR(OP(0, -2, SEM_UNDO),
	    OP(1, 1, SEM_UNDO)));

	await_ncnt(id, 0, 1);
	add(id, 0, 2, 0);
	must_end(0, DONE);
	must_be(id, 1, 1);
	kill_and_reap(pid);
	must_be(id, 0, 2);
	must_be(id, 1, 0);
}
END_TEST

START_TEST(S11_who_waited_in_vain_owes_nothing)
{
	static const struct timespec limit = { 0, 2000000 };
	struct sleeper s = { .nops = 2, .ops = { OP(0, 1, SEM_UNDO),
	    OP(1, -1, SEM_UNDO) }, .timeout = &limit };
	pid_t pid;

	s.id = make_set(2);
	pid = start_sleeper(&s);
	must_end(0, -EAGAIN);
	add(s.id, 0, 5, 0);
	end_sleepers(&pid, 1);
	must_be(s.id, 0, 5);
	must_be(s.id, 1, 0);
}
END_TEST

/* ---- whose ---- */

static void
do_and_end(void *arg)
{
	add(*(int *)arg, 0, -1, SEM_UNDO);
}

static void
fork_and_end(void *arg)
{
	int id = *(int *)arg;
	enum way way = board->value[0] == 0 ? BY_FORK : BY_RAW_CLONE;
	pid_t pid;

	add(id, 0, -3, SEM_UNDO);
	pid = spawn(way, do_and_end, arg);
	finish(pid);
	must_be(id, 0, 7);	/* the child's own is paid, no more */
	reach(1);
	await(2);
}

START_TEST(S12_a_child_does_not_inherit_debts)
{
	int id = make_set(1);
	pid_t pid;

	board->value[0] = _i;
	set_value(id, 0, 10);
	pid = spawn(BY_FORK, fork_and_end, &id);
	await(1);
	must_be(id, 0, 7);
	reach(2);
	finish(pid);
	must_be(id, 0, 10);
}
END_TEST

static void
only_wait(void *arg)
{
	(void)arg;
	reach(1);
	await(2);
}

static void
leave_a_child(void *arg)
{
	add(*(int *)arg, 0, -1, SEM_UNDO);
	board->value[0] = spawn(BY_FORK, only_wait, NULL);
	await(1);
}

START_TEST(S12_a_child_that_lives_on_keeps_no_debt_open)
{
	int id = make_set(1);
	pid_t pid;

	set_value(id, 0, 1);
	pid = spawn(BY_FORK, leave_a_child, &id);
	finish(pid);
	must_be(id, 0, 1);
	reach(2);
}
END_TEST

static void *
take_in_thread(void *arg)
{
	add(*(int *)arg, 0, -2, SEM_UNDO);
	return NULL;
}

static void *
give_in_thread(void *arg)
{
	add(*(int *)arg, 0, 1, SEM_UNDO);
	return NULL;
}

/* The first thread goes on before the other has ended for the kernel. */
static void
join_wholly(pthread_t thread)
{
	struct stat st;

	must_eq(pthread_join(thread, NULL), 0);
	for (;;) {
		must_eq(stat("/proc/self/task", &st), 0);
		if (st.st_nlink <= 3)
			break;
		await_turn();
	}
}

static void
use_threads(void *arg)
{
	int id = *(int *)arg;
	pthread_t thread;

	must_eq(pthread_create(&thread, NULL, take_in_thread, arg), 0);
	join_wholly(thread);
	must_be(id, 0, 8);	/* its end pays nothing */
	must_eq(pthread_create(&thread, NULL, give_in_thread, arg), 0);
	join_wholly(thread);
	must_be(id, 0, 9);
	add(id, 0, 1, SEM_UNDO);
	must_be(id, 0, 10);
	reach(1);
	await(2);
}

START_TEST(S12_threads_owe_together)
{
	int id = make_set(1);
	pid_t pid;

	set_value(id, 0, 10);
	pid = spawn(BY_FORK, use_threads, &id);
	await(1);
	add(id, 0, -10, 0);
	reach(2);
	finish(pid);
	must_be(id, 0, 0);	/* they had given back all */
}
END_TEST

static void *
go_on_without_main(void *arg)
{
	int id = *(int *)arg;

	await(1);
	add(id, 0, -1, SEM_UNDO);
	reach(2);
	await(3);
	_exit(0);
}

static void
main_thread_leaves(void *arg)
{
	static int id;
	pthread_t thread;

	id = *(int *)arg;
	add(id, 0, -1, SEM_UNDO);
	must_eq(pthread_create(&thread, NULL, go_on_without_main, &id), 0);
	pthread_exit(NULL);
}

START_TEST(S12_the_last_threads_end_pays)
{
	int id = make_set(1);
	pid_t pid;

	set_value(id, 0, 5);
	pid = spawn(BY_FORK, main_thread_leaves, &id);
	await_dead_leader(pid);
	must_be(id, 0, 4);
	reach(1);
	await(2);
	must_be(id, 0, 3);
	reach(3);
	finish(pid);
	must_be(id, 0, 5);
}
END_TEST

static void
unshare_early(void *arg)
{
	int id = *(int *)arg;

	add(id, 0, -1, SEM_UNDO);
	add(id, 1, 2, SEM_UNDO);
	must_eq(ipc->unshare(), 0);
	must_be(id, 0, 5);
	must_be(id, 1, 0);
	add(id, 0, -2, SEM_UNDO);
	must_be(id, 0, 3);
}

START_TEST(S12_unshare_pays_early)
{
	int id = make_set(2);

	set_value(id, 0, 5);
	finish(spawn(BY_FORK, unshare_early, &id));
	must_be(id, 0, 5);
}
END_TEST

static void
unshare_when_told(void *arg)
{
	add(*(int *)arg, 0, 3, SEM_UNDO);
	reach(1);
	await(2);
	must_eq(ipc->unshare(), 0);
	await(3);
}

START_TEST(S12_unshare_serves_who_waits)
{
	int id = make_set(1);
	pid_t pid = spawn(BY_FORK, unshare_when_told, &id), waits;

	await(1);
	waits = sleeper(0, id, VECTOR(OP(0, 0, 0)));
	await_sleepers(id, 1);
	reach(2);
	end_sleepers(&waits, 1);
	reach(3);
	finish(pid);
}
END_TEST

START_TEST(S12_removal_throws_debts_away)
{
	struct debt_row row = { .ops = { OP(0, 4, SEM_UNDO) } };
	struct debt debt = { make_set(1), &row };
	pid_t pid = spawn(BY_FORK, run_up_debts, &debt);
	int heir = -1;

	await(1);
	remove_set(debt.id);
	while (heir == -1 || heir % IDS_MAX != debt.id) {
		if (heir != -1)
			remove_set(heir);
		heir = make_set(1);
	}
	add(heir, 0, 9, 0);
	reach(2);
	finish(pid);
	must_be(heir, 0, 9);	/* the index is another set's now */
}
END_TEST

void
add_undo_clauses(TCase *tc)
{
	testing_add_loop(tc, S10_what_is_owed_is_paid_at_the_end, 0,
	    (int)COUNT(debt_rows));
	testing_add(tc, S10_the_range_is_kept_within_a_vector);
	testing_add(tc, S11_what_is_owed_to_many_sets_is_paid_to_each);
	testing_add(tc, S11_what_is_owed_to_many_semaphores_is_paid_to_each);
	testing_add(tc, S11_the_debts_of_one_set_are_paid_at_once);
	testing_add(tc, S11_paying_serves_whoever_waits);
	testing_add(tc, S11_a_sleepers_debt_is_the_sleepers);
	testing_add(tc, S11_who_waited_in_vain_owes_nothing);
	testing_add_loop(tc, S12_a_child_does_not_inherit_debts, 0, 2);
	testing_add(tc, S12_a_child_that_lives_on_keeps_no_debt_open);
	testing_add(tc, S12_threads_owe_together);
	testing_add(tc, S12_the_last_threads_end_pays);
	testing_add(tc, S12_unshare_pays_early);
	testing_add(tc, S12_unshare_serves_who_waits);
	testing_add(tc, S12_removal_throws_debts_away);
}
