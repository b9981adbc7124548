/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_many.c - many threads and many processes at once, and a process
 * whose first thread has ended.  Clauses H4, H6 and H7 under these.
 */
#include "check_shm.h"

#include <sys/prctl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static void
only_wait(void *arg)
{
	(void)arg;
	await(1);
}

static void *
attach_in_thread(void *arg)
{
	return attach(*(int *)arg);
}

START_TEST(H6_a_threads_attach_is_the_process_s)
{
	int id = make_segment(PAGE);
	pthread_t thread;
	void *p;

	must_eq(pthread_create(&thread, NULL, attach_in_thread, &id), 0);
	must_eq(pthread_join(thread, &p), 0);
	must_eq(attached(id), 1);
	strcpy(p, "still here");
	detach(p);
	must_eq(attached(id), 0);
}
END_TEST

static void *
go_on_without_main(void *arg)
{
	int id = *(int *)arg;
	char *p;

	await(1);
	must_eq(attached(id), 2);
	p = attach(id);
	must_eq(attached(id), 3);
	detach(p);
	remove_segment(make_segment(PAGE));
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
	attach(id);
	must_eq(pthread_create(&thread, NULL, go_on_without_main, &id), 0);
	pthread_exit(NULL);
}

START_TEST(H6_a_process_lives_on_without_its_first_thread)
{
	int id = make_segment(PAGE);
	pid_t pid;

	attach(id);
	pid = spawn(BY_FORK, main_thread_leaves, &id);
	await_dead_leader(pid);
	/* The inherited one and its own: somebody else sees them too. */
	must_eq(attached(id), 3);
	detach(attach(id));
	must_eq(attached(id), 3);
	kill_and_reap(pid);
	must_eq(attached(id), 1);
}
END_TEST

START_TEST(H6_other_threads_go_on_calling_without_the_first)
{
	int id = make_segment(PAGE);
	pid_t pid = spawn(BY_FORK, main_thread_leaves, &id);
	char *p;

	await_dead_leader(pid);
	must_eq(attached(id), 1);
	p = attach(id);
	must_eq(attached(id), 2);
	reach(1);
	await(2);
	must_eq(attached(id), 2);
	detach(p);
	reach(3);
	finish(pid);
	must_eq(attached(id), 0);
}
END_TEST

static void *
fork_in_thread(void *arg)
{
	int id = *(int *)arg;

	for (int i = 0; i < 20; i++) {
		pid_t pid = spawn(BY_FORK, only_wait, NULL);

		detach(attach(id));
		kill_and_reap(pid);
	}
	return NULL;
}

START_TEST(H6_threads_fork_and_attach_at_once)
{
	int id = make_segment(PAGE);
	pthread_t thread[3];
	char *p = attach(id);

	need_exact_forks();
	for (int i = 0; i < 3; i++)
		must_eq(pthread_create(&thread[i], NULL, fork_in_thread, &id),
		    0);
	for (int i = 0; i < 3; i++)
		must_eq(pthread_join(thread[i], NULL), 0);
	must_eq(attached(id), 1);
	detach(p);
	must_eq(attached(id), 0);
}
END_TEST

static void *
hammer(void *arg)
{
	int shared = *(int *)arg;

	for (int i = 0; i < 150; i++) {
		int own = make_segment(PAGE);
		char *p = attach(own);
		long *q = attach(shared);

		p[0] = (char)i;
		must_eq(p[0], (char)i);
		__atomic_fetch_add(q, 1, __ATOMIC_SEQ_CST);
		must_eq(attached(own), 1);
		detach(p);
		remove_segment(own);
		must_be_gone(own);
		detach(q);
	}
	return NULL;
}

START_TEST(H4_threads_call_at_once)
{
	int id = make_segment(PAGE);
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		must_eq(pthread_create(&thread[i], NULL, hammer, &id), 0);
	for (int i = 0; i < 4; i++)
		must_eq(pthread_join(thread[i], NULL), 0);
	must_eq(attached(id), 0);
	must_eq(info().used_ids, 1);
	must_eq(*(long *)attach(id), 600);
}
END_TEST

/* ---- a fork in the middle of another thread's call ---- */

#define FORKS	10

static int fought_over;		/* a segment */
static char *fixed;		/* where it is attached again and again */

static void *
attach_and_detach(void *arg)
{
	for (;;) {
		attach_flags(fought_over, fixed, 0);
		detach(fixed);
	}
	return arg;
}

static void
fight(void *arg)
{
	(void)arg;
	for (;;)
		detach(attach(fought_over));
}

/* What came along is detached, whatever the other thread was doing. */
static void
detach_all(void *arg)
{
	if (ipc->shmdt(fixed) == -1)
		must_eq(errno, EINVAL);
	board->value[*(int *)arg] = getpid();
	atomic_fetch_add(&board->value[FORKS], 1);
	await(1);
}

static void
fork_beside_a_thread(void *arg)
{
	pthread_t thread;

	(void)arg;
	must_eq(pthread_create(&thread, NULL, attach_and_detach, NULL), 0);
	for (int i = 0; i < FORKS; i++)
		spawn(BY_FORK, detach_all, &i);
	await(1);
}

START_TEST(H6_a_fork_amid_a_detach_counts_what_came_along)
{
	pid_t parent, rival;

	must_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	fought_over = make_segment(PAGE);
	fixed = free_range(PAGE);
	for (int round = 0; round < 12; round++) {
		board_clear();
		rival = spawn(BY_FORK, fight, NULL);
		parent = spawn(BY_FORK, fork_beside_a_thread, NULL);
		await_value(FORKS, FORKS);
		kill_and_reap(parent);
		kill_and_reap(rival);
		must_eq(attached(fought_over), 0);
		for (int i = 0; i < FORKS; i++)
			kill_and_reap((pid_t)board->value[i]);
	}
}
END_TEST

static void
hammer_as_process(void *arg)
{
	hammer(arg);
}

START_TEST(H4_processes_call_at_once)
{
	int id = make_segment(PAGE);
	pid_t pid[4];

	for (int i = 0; i < 4; i++)
		pid[i] = spawn(i % 2 ? BY_RAW_CLONE : BY_FORK,
		    hammer_as_process, &id);
	for (int i = 0; i < 4; i++)
		finish(pid[i]);
	must_eq(attached(id), 0);
	must_eq(info().used_ids, 1);
	must_eq(*(long *)attach(id), 600);
}
END_TEST

/* All fight for one key, which exists now and then. */
static void
fight_for_the_key(void *arg)
{
	int id;
	char *p;

	(void)arg;
	for (int i = 0; i < 150; i++) {
		id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);
		must(id != -1);
		p = ipc->shmat(id, NULL, 0);
		if (p == (void *)-1) {
			must(errno == EINVAL || errno == EIDRM);
			continue;
		}
		if (ipc->shmctl(id, IPC_RMID, NULL) == -1)
			must(errno == EINVAL || errno == EIDRM);
		p[0]++;
		detach(p);
	}
}

START_TEST(H7_one_key_is_created_and_removed_by_many)
{
	pid_t pid[4];
	int id;

	for (int i = 0; i < 4; i++)
		pid[i] = spawn(BY_FORK, fight_for_the_key, NULL);
	for (int i = 0; i < 4; i++)
		finish(pid[i]);
	id = ipc->shmget(KEY, 0, 0);
	if (id != -1)
		remove_segment(id);
	must_eq(info().used_ids, 0);
	must_eq(info().shm_tot, 0);
	if (backend_has(HAS_FILES))
		must_eq(count_files("shm.") + count_files("key."), 0);
}
END_TEST

static void
attach_until_killed(void *arg)
{
	int id = *(int *)arg;

	reach(1);
	for (;;) {
		char *p = attach(id);

		remove_segment(make_segment(PAGE));
		detach(p);
	}
}

START_TEST(H6_kills_at_any_moment_leave_exact_counts)
{
	int id = make_segment(PAGE);

	for (int i = 0; i < 40; i++) {
		pid_t pid;

		board_clear();
		pid = spawn(BY_FORK, attach_until_killed, &id);
		await(1);
		for (int k = 0; k < i; k++)
			info();
		kill_and_reap(pid);
		must_eq(attached(id), 0);
		must_eq(info().shm_tot, info().used_ids);
	}
	detach(attach(id));
	must_eq(attached(id), 0);
	remove_segment(id);
	must_be_gone(id);
}
END_TEST

void
add_many_clauses(TCase *tc)
{
	testing_add(tc, H6_a_threads_attach_is_the_process_s);
	testing_add(tc, H6_a_process_lives_on_without_its_first_thread);
	testing_add(tc, H6_other_threads_go_on_calling_without_the_first);
	testing_add(tc, H6_threads_fork_and_attach_at_once);
	testing_add(tc, H6_a_fork_amid_a_detach_counts_what_came_along);
	testing_add(tc, H4_threads_call_at_once);
	testing_add(tc, H4_processes_call_at_once);
	testing_add(tc, H6_kills_at_any_moment_leave_exact_counts);
	testing_add(tc, H7_one_key_is_created_and_removed_by_many);
}
