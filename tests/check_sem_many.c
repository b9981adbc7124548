/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_many.c - many processes and threads at once, some of them killed:
 * nothing is lost, doubled or held by two.  Clauses S3, S5, S11 and G2 under
 * these.
 */
#include "check_sem.h"

#include <sys/wait.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS	4
#define ROUNDS	400

/* ---- a mutex ---- */

static const unsigned short one[1] = { 1 };

/* Nobody else may come between the two halves. */
static void
work_inside(void)
{
	long long seen = board->value[0];

	must_eq(board->value[1], 0);
	board->value[1] = getpid();
	board->value[0] = seen + 1;
	must_eq(board->value[1], getpid());
	board->value[1] = 0;
}

static void
work_under_lock(void *arg)
{
	int id = *(int *)arg;

	for (int i = 0; i < ROUNDS; i++) {
		int flags = i % 3 == 0 ? 0 : SEM_UNDO;

		if (i % 4 == 0)
			must_eq(ipc->semop(id, VECTOR(OP(0, -1, SEM_UNDO),
			    OP(0, 0, 0))), 0);
		else
			add(id, 0, -1, i % 4 == 0 ? SEM_UNDO : flags);
		work_inside();
		add(id, 0, 1, i % 4 == 0 ? SEM_UNDO : flags);
	}
}

START_TEST(S3_only_one_holds_a_semaphore_of_one)
{
	int id = make_of(1, one);
	pid_t pid[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		pid[i] = spawn(i % 2 ? BY_RAW_CLONE : BY_FORK,
		    work_under_lock, &id);
	for (int i = 0; i < WORKERS; i++)
		finish(pid[i]);
	must_eq(board->value[0], WORKERS * ROUNDS);
	must_be(id, 0, 1);
	must_eq(ncnt(id, 0), 0);
}
END_TEST

static int shared_by_threads;
static long long under_threads;

static void *
work_in_thread(void *arg)
{
	int id = shared_by_threads;

	for (int i = 0; i < ROUNDS; i++) {
		add(id, 0, -1, SEM_UNDO);
		under_threads++;
		add(id, 0, 1, SEM_UNDO);
	}
	return arg;
}

START_TEST(S3_threads_are_kept_apart_too)
{
	pthread_t thread[WORKERS];

	shared_by_threads = make_of(1, one);
	for (int i = 0; i < WORKERS; i++)
		must_eq(pthread_create(&thread[i], NULL, work_in_thread,
		    NULL), 0);
	for (int i = 0; i < WORKERS; i++)
		must_eq(pthread_join(thread[i], NULL), 0);
	must_eq(under_threads, WORKERS * ROUNDS);
	must_be(shared_by_threads, 0, 1);
	must_eq(ncnt(shared_by_threads, 0), 0);
}
END_TEST

/* ---- tokens ---- */

#define NSEMS	5
#define EACH	4

static const unsigned short fours[NSEMS] = { EACH, EACH, EACH, EACH, EACH };

static int
tokens(int id)
{
	unsigned short v[NSEMS];
	int sum = 0;

	get_all(id, v);
	for (int i = 0; i < NSEMS; i++)
		sum += v[i];
	return sum;
}

static void
move_tokens(int id, int rounds)
{
	static const struct timespec limit = { 0, 300000 };

	for (int i = 0; i < rounds; i++) {
		unsigned short from = (unsigned short)(rand() % NSEMS);
		unsigned short to = (unsigned short)(rand() % NSEMS);
		short n = (short)(1 + rand() % 3);
		short flags = rand() % 2 ? SEM_UNDO : 0;
		struct sembuf ops[2] = {
			{ from, (short)-n, flags },
			{ to, n, flags },
		};

		if (ipc->semtimedop(id, ops, 2, &limit) == -1)
			must_eq(errno, EAGAIN);
	}
}

static void
move_some_tokens(void *arg)
{
	srand((unsigned)getpid());
	move_tokens(*(int *)arg, ROUNDS);
	atomic_fetch_add(&board->value[0], 1);
	await(1);		/* debts are paid only as far as it goes */
}

START_TEST(S3_tokens_moved_by_many_are_all_there)
{
	int id = make_of(NSEMS, fours);
	pid_t pid[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		pid[i] = spawn(BY_FORK, move_some_tokens, &id);
	while (board->value[0] < WORKERS) {
		must_eq(tokens(id), NSEMS * EACH);
		await_turn();
	}
	must_eq(tokens(id), NSEMS * EACH);
	must_eq(sleepers_of(id), 0);
	reach(1);
	for (int i = 0; i < WORKERS; i++)
		finish(pid[i]);
}
END_TEST

/* ---- a bounded buffer, and a barrier ---- */

#define ITEMS	300

static void
produce(void *arg)
{
	int id = *(int *)arg;

	for (int i = 0; i < ITEMS; i++)
		must_eq(ipc->semop(id, VECTOR(OP(0, -1, 0), OP(1, 1, 0))),
		    0);
}

static void
consume(void *arg)
{
	int id = *(int *)arg;

	for (int i = 0; i < ITEMS; i++) {
		add(id, 1, -1, 0);
		add(id, 0, 1, 0);
	}
}

START_TEST(S5_a_bounded_buffer_runs_through)
{
	static const unsigned short values[2] = { 3, 0 };
	int id = make_of(2, values);
	pid_t pid[4];

	for (int i = 0; i < 4; i++)
		pid[i] = spawn(BY_FORK, i % 2 ? produce : consume, &id);
	for (int i = 0; i < 4; i++)
		finish(pid[i]);
	must_be(id, 0, 3);
	must_be(id, 1, 0);
	must_eq(sleepers_of(id), 0);
}
END_TEST

#define MEETINGS	60

/* All come, and nobody goes on before all have come. */
static void
meet(void *arg)
{
	int id = *(int *)arg;

	for (int i = 0; i < MEETINGS; i++) {
		unsigned short gate = (unsigned short)(i % 3);
		unsigned short next = (unsigned short)((i + 1) % 3);

		atomic_fetch_add(&board->value[2], 1);
		/* Who comes to one gate helps to set the next one. */
		must_eq(ipc->semop(id, VECTOR(OP(gate, -1, 0),
		    OP(next, 1, 0))), 0);
		add(id, gate, 0, 0);
		must(board->value[2] >= (i + 1) * WORKERS);
		must(board->value[2] <= (i + 2) * WORKERS);
	}
}

START_TEST(S5_a_barrier_of_zero_tests_holds)
{
	static const unsigned short values[3] = { WORKERS, 0, 0 };
	int id = make_of(3, values);
	pid_t pid[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		pid[i] = spawn(BY_FORK, meet, &id);
	for (int i = 0; i < WORKERS; i++)
		finish(pid[i]);
	must_eq(board->value[2], MEETINGS * WORKERS);
	must_eq(sleepers_of(id), 0);
}
END_TEST

/* ---- kills ---- */

/* Whatever a process moved it owes, so that its death moves it back. */
static void
owe_until_killed(void *arg)
{
	int id = *(int *)arg;

	reach(1);
	for (;;) {
		unsigned short from = (unsigned short)(rand() % NSEMS);
		struct sembuf there[2] = { { from, -1, SEM_UNDO },
		    { (unsigned short)((from + 1) % NSEMS), 1, SEM_UNDO } };
		struct sembuf back[2] = { { there[1].sem_num, -1, SEM_UNDO },
		    { from, 1, SEM_UNDO } };

		must_eq(ipc->semop(id, there, 2), 0);
		must_eq(ipc->semop(id, back, 2), 0);
		add(id, from, -1, SEM_UNDO);
		add(id, from, 1, SEM_UNDO);
	}
}

START_TEST(S11_kills_at_any_moment_lose_nothing)
{
	int id = make_of(NSEMS, fours);

	for (int i = 0; i < 40; i++) {
		pid_t pid[2];

		board_clear();
		srand((unsigned)i);
		for (int k = 0; k < 2; k++)
			pid[k] = spawn(BY_FORK, owe_until_killed, &id);
		await(1);
		for (int k = 0; k < i; k++)
			value(id, k % NSEMS);
		kill_and_reap(pid[0]);
		if (i % 3 == 0)
			tokens(id);
		kill_and_reap(pid[1]);
		for (int k = 0; k < NSEMS; k++)
			must_be(id, k, EACH);
		must_eq(sleepers_of(id), 0);
	}
}
END_TEST

static void
lock_until_killed(void *arg)
{
	int id = *(int *)arg;

	for (;;) {
		add(id, 0, -1, SEM_UNDO);
		must_eq(value(id, 0), 0);
		atomic_fetch_add(&board->value[3], 1);
		add(id, 0, 1, SEM_UNDO);
	}
}

START_TEST(S11_who_wait_go_on_whoever_is_killed)
{
	int id = make_of(1, one);
	pid_t pid[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		pid[i] = spawn(BY_FORK, lock_until_killed, &id);
	for (int i = 0; i < 80; i++) {
		await_value(3, board->value[3] + 1 + i % 5);
		kill_and_reap(pid[i % WORKERS]);
		pid[i % WORKERS] = spawn(BY_FORK, lock_until_killed, &id);
	}
	for (int i = 0; i < WORKERS; i++)
		kill_and_reap(pid[i]);
	must_be(id, 0, 1);
	must_eq(ncnt(id, 0), 0);
}
END_TEST

static void
die_in_queue(void *arg)
{
	int id = *(int *)arg;

	atomic_fetch_add(&board->value[4], 1);
	op(id, 0, -1, SEM_UNDO);
	await(9);
}

START_TEST(S5_kills_in_the_queue_lose_no_unit)
{
	for (int round = 0; round < 15; round++) {
		int id = make_set(1);
		pid_t pid[8];

		board_clear();
		for (int i = 0; i < 8; i++)
			pid[i] = spawn(BY_FORK, die_in_queue, &id);
		await_ncnt(id, 0, 8);
		must_eq(kill(pid[round % 8], SIGKILL), 0);
		add(id, 0, 1, 0);
		must_eq(kill(pid[(round + 1) % 8], SIGKILL), 0);
		add(id, 0, 1, 0);
		for (int i = 0; i < 8; i++) {
			kill(pid[i], SIGKILL);
			must_eq(waitpid(pid[i], NULL, 0), pid[i]);
		}
		must_be(id, 0, 2);
		must_eq(ncnt(id, 0), 0);
		remove_set(id);
	}
}
END_TEST

/* ---- removal ---- */

#define REMOVALS	200

enum { ROUND, SET, ENDED };	/* values on the board */

static void
take_from_each(void *arg)
{
	(void)arg;
	for (int round = 1; round <= REMOVALS; round++) {
		await_value(ROUND, round);
		must_eq(op((int)atomic_load(&board->value[SET]), 0, -1, 0),
		    -1);
		must(errno == EIDRM || errno == EINVAL);
		atomic_fetch_add(&board->value[ENDED], 1);
	}
}

/* A set that nobody has used is removed without a word to anybody. */
START_TEST(S15_who_is_about_to_sleep_in_a_new_set_sees_it_removed)
{
	pid_t pid[2];

	for (int i = 0; i < 2; i++)
		pid[i] = spawn(BY_FORK, take_from_each, NULL);
	for (int round = 1; round <= REMOVALS; round++) {
		int id = make_set(1);

		atomic_store(&board->value[SET], id);
		atomic_store(&board->value[ROUND], round);
		for (volatile int i = 0; i < round * 500; i++)
			;		/* each time a little later */
		if (round % 8 == 0)
			await_ncnt(id, 0, 2);
		remove_set(id);
		await_value(ENDED, 2 * round);
	}
	for (int i = 0; i < 2; i++)
		finish(pid[i]);
}
END_TEST

/* ---- one key ---- */

static void
fight_for_the_key(void *arg)
{
	(void)arg;
	for (int i = 0; i < 120; i++) {
		int id = ipc->semget(KEY, 2, IPC_CREAT | 0600);

		must(id != -1);
		if (op(id, 0, 1, i % 2 ? SEM_UNDO : 0) == -1)
			must(errno == EINVAL || errno == EIDRM);
		if (op(id, 1, 0, IPC_NOWAIT) == -1)
			must(errno == EINVAL || errno == EIDRM);
		if (control(id, 0, IPC_RMID) == -1)
			must(errno == EINVAL || errno == EIDRM);
	}
}

START_TEST(G2_one_key_is_created_and_removed_by_many)
{
	pid_t pid[WORKERS];
	int id;

	for (int i = 0; i < WORKERS; i++)
		pid[i] = spawn(BY_FORK, fight_for_the_key, NULL);
	for (int i = 0; i < WORKERS; i++)
		finish(pid[i]);
	id = ipc->semget(KEY, 0, 0);
	if (id != -1)
		remove_set(id);
	must_eq(info(SEM_INFO).semusz, 0);
	must_eq(info(SEM_INFO).semaem, 0);
	if (backend_has(HAS_FILES))
		must_eq(count_files("sem.") + count_files("key."), 0);
}
END_TEST

void
add_many_clauses(TCase *tc)
{
	testing_add(tc, S3_only_one_holds_a_semaphore_of_one);
	testing_add(tc, S3_threads_are_kept_apart_too);
	testing_add(tc, S3_tokens_moved_by_many_are_all_there);
	testing_add(tc, S5_a_bounded_buffer_runs_through);
	testing_add(tc, S5_a_barrier_of_zero_tests_holds);
	testing_add(tc, S11_kills_at_any_moment_lose_nothing);
	testing_add(tc, S11_who_wait_go_on_whoever_is_killed);
	testing_add(tc, S5_kills_in_the_queue_lose_no_unit);
	testing_add(tc,
	    S15_who_is_about_to_sleep_in_a_new_set_sees_it_removed);
	testing_add(tc, G2_one_key_is_created_and_removed_by_many);
}
