/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_life.c - who counts as attached through fork(2), vfork(2), raw
 * clone(2), exec(2) and every way to die: clause H6.
 */
#include "check_shm.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* ---- the ways to end ---- */

enum end { END_EXIT, END__EXIT, END_KILL, END_SEGV, END_ABORT, END_EXEC,
    END_THREAD, ENDS };

static void *
exit_without_leader(void *arg)
{
	(void)arg;
	await_dead_leader(getpid());
	_exit(0);
}

/* By a signal: raise() may ask libc, which has not noticed a raw clone. */
static void
end_by_signal(int sig)
{
	signal(sig, SIG_DFL);
	kill(getpid(), sig);
}

static void
end_by(enum end end)
{
	pthread_t other;

	switch (end) {
	case END_EXIT:
		exit(0);
	case END_KILL:
		end_by_signal(SIGKILL);
		break;
	case END_SEGV:
		end_by_signal(SIGSEGV);
		break;
	case END_ABORT:
		end_by_signal(SIGABRT);
		break;
	case END_EXEC:
		execlp("true", "true", (char *)NULL);
		break;
	case END_THREAD:
		must_eq(pthread_create(&other, NULL, exit_without_leader,
		    NULL), 0);
		pthread_exit(NULL);
	default:
		break;
	}
	_exit(0);
}

struct ending {
	int id;
	enum end end;
	void *inherited;
};

static void
attach_and_end(void *arg)
{
	struct ending *ending = arg;

	if (ending->inherited == NULL)
		attach(ending->id);
	attach_flags(ending->id, NULL, SHM_RDONLY);
	reach(1);
	await(2);
	end_by(ending->end);
}

START_TEST(H6_every_end_detaches)
{
	struct ending ending = { make_segment(PAGE), (enum end)_i, NULL };
	time_t before = time(NULL);
	struct shmid_ds ds;
	pid_t pid = spawn(BY_FORK, attach_and_end, &ending);

	await(1);
	must_eq(attached(ending.id), 2);
	reach(2);
	must_eq(waitpid(pid, NULL, 0), pid);
	ds = stat_of(ending.id);
	must_eq(ds.shm_nattch, 0);
	must_eq(ds.shm_lpid, pid);
	must(ds.shm_dtime >= before && ds.shm_dtime <= time(NULL));
}
END_TEST

START_TEST(H6_every_end_detaches_what_was_inherited)
{
	struct ending ending = { make_segment(PAGE), (enum end)_i, NULL };
	pid_t pid;

	ending.inherited = attach(ending.id);
	pid = spawn(BY_FORK, attach_and_end, &ending);
	await(1);
	must_eq(attached(ending.id), 3);
	reach(2);
	must_eq(waitpid(pid, NULL, 0), pid);
	must_eq(attached(ending.id), 1);
}
END_TEST

START_TEST(H6_every_end_of_a_raw_clone_detaches)
{
	struct ending ending = { make_segment(PAGE), (enum end)_i, NULL };
	pid_t pid;

	ending.inherited = attach(ending.id);
	pid = spawn(BY_RAW_CLONE, attach_and_end, &ending);
	await(1);
	must_eq(attached(ending.id), 3);
	reach(2);
	must_eq(waitpid(pid, NULL, 0), pid);
	must_eq(attached(ending.id), 1);
}
END_TEST

/* ---- fork ---- */

static void
only_wait(void *arg)
{
	(void)arg;
	await(1);
}

START_TEST(H6_fork_counts_before_it_returns)
{
	int id = make_segment(PAGE);

	need_exact_forks();
	attach(id);
	for (int i = 0; i < 30; i++) {
		pid_t pid = spawn(BY_FORK, only_wait, NULL);

		must_eq(attached(id), 2);
		kill_and_reap(pid);
		must_eq(attached(id), 1);
	}
}
END_TEST

START_TEST(H6_fork_counts_every_attach)
{
	int a = make_segment(PAGE), b = make_segment(PAGE);
	pid_t pid[3];

	need_exact_forks();
	for (int i = 0; i < 20; i++)
		attach(a);
	attach_flags(b, NULL, SHM_RDONLY);
	for (int i = 0; i < 3; i++)
		pid[i] = spawn(BY_FORK, only_wait, NULL);
	must_eq(attached(a), 80);
	must_eq(attached(b), 4);
	kill_and_reap(pid[1]);
	must_eq(attached(a), 60);
	reach(1);
	finish(pid[0]);
	finish(pid[2]);
	must_eq(attached(a), 20);
	must_eq(attached(b), 1);
}
END_TEST

static void
detach_inherited(void *arg)
{
	detach(arg);
	must_error(ipc->shmdt(arg), EINVAL);
	reach(1);
	await(2);
}

START_TEST(H6_a_child_detaches_for_itself)
{
	int id = make_segment(PAGE);
	char *p = attach(id);
	pid_t pid = spawn(BY_FORK, detach_inherited, p);

	await(1);
	must_eq(attached(id), 1);
	p[0] = 1;
	reach(2);
	finish(pid);
	must_eq(attached(id), 1);
	detach(p);
	must_eq(attached(id), 0);
}
END_TEST

static void
say_and_wait(void *arg)
{
	(void)arg;
	reach(1);
	await(2);
}

START_TEST(H6_a_parent_detaches_for_itself)
{
	int id = make_segment(PAGE);
	char *p = attach(id);
	pid_t pid = spawn(BY_FORK, say_and_wait, NULL);

	await(1);
	detach(p);
	must_eq(attached(id), 1);
	must_eq(stat_of(id).shm_lpid, getpid());
	kill_and_reap(pid);
	must_eq(attached(id), 0);
	must_eq(stat_of(id).shm_lpid, pid);
}
END_TEST

static void
have_a_child(void *arg)
{
	board->value[0] = spawn(BY_FORK, only_wait, NULL);
	must_eq(attached(*(int *)arg), 3);
	reach(1);	/* which lets the grandchild go as well */
}

static void
have_an_orphan(void *arg)
{
	board->value[0] = spawn(BY_FORK, say_and_wait, NULL);
	await(1);
	must_eq(attached(*(int *)arg), 3);
}

START_TEST(H6_an_orphan_stays_attached)
{
	int id = make_segment(PAGE);

	must_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	attach(id);
	finish(spawn(BY_FORK, have_an_orphan, &id));
	must_eq(attached(id), 2);
	kill_and_reap((pid_t)board->value[0]);
	must_eq(attached(id), 1);
}
END_TEST

START_TEST(H6_generations_come_and_go)
{
	int id = make_segment(PAGE);

	must_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	attach(id);
	for (int i = 0; i < 10; i++) {
		board_clear();
		finish(spawn(BY_FORK, have_a_child, &id));
		finish((pid_t)board->value[0]);
		must_eq(attached(id), 1);
	}
}
END_TEST

static void
count_and_wait(void *arg)
{
	(void)arg;
	atomic_fetch_add(&board->value[0], 1);
	await(1);
}

static void
attach_more(void *arg)
{
	int id = *(int *)arg;

	for (int i = 0; i < 40; i++) {
		char *p = attach(id);
		pid_t pid = spawn(BY_FORK, i % 2 == 0 ? only_wait :
		    count_and_wait, NULL);

		detach(p);
		if (i % 2 == 0)
			kill_and_reap(pid);
	}
}

START_TEST(H6_many_forks_at_once_lose_no_count)
{
	int id = make_segment(PAGE);
	pid_t pid[4];

	need_exact_forks();
	must_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	attach(id);
	for (int i = 0; i < 4; i++)
		pid[i] = spawn(BY_FORK, attach_more, &id);
	for (int i = 0; i < 4; i++)
		finish(pid[i]);
	await_value(0, 4 * 20);
	/* 20 children of each are left: an inherited attach, and one more. */
	must_eq(attached(id), 1 + 4 * 20 * 2);
	reach(1);
	while (wait(NULL) > 0)
		;
	must_eq(attached(id), 1);
}
END_TEST

/* ---- raw clone ---- */

static void
call_when_told(void *arg)
{
	await(1);
	stat_of(*(int *)arg);
	reach(2);
	await(3);
}

START_TEST(H6_a_raw_clone_counts_from_its_first_call)
{
	int id = make_segment(PAGE);
	pid_t pid;

	attach(id);
	pid = spawn(BY_RAW_CLONE, call_when_told, &id);
	must_eq(attached(id), backend_has(COUNTS_CLONES) ? 2 : 1);
	reach(1);
	await(2);
	must_eq(attached(id), 2);
	kill_and_reap(pid);
	must_eq(attached(id), 1);
}
END_TEST

START_TEST(H6_a_raw_clone_that_never_calls_takes_nothing_away)
{
	int id = make_segment(PAGE);
	char *p = attach(id);

	kill_and_reap(spawn(BY_RAW_CLONE, only_wait, NULL));
	must_eq(attached(id), 1);
	p[0] = 1;
	detach(p);
	must_eq(attached(id), 0);
}
END_TEST

/* ---- exec and vfork ---- */

/* A program that runs when this returns, until `to` is closed. */
static pid_t
start_waiting_program(int *to, bool by_vfork)
{
	int in[2], out[2];
	pid_t pid;
	char c;

	must_eq(pipe2(in, O_CLOEXEC), 0);
	must_eq(pipe2(out, O_CLOEXEC), 0);
	pid = by_vfork ? vfork() : fork();
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl("/proc/self/exe", "role", "--role", "wait", "", "",
		    (char *)NULL);
		_exit(97);
	}
	must(pid != -1);
	close(in[0]);
	close(out[1]);
	must_eq(read(out[0], &c, 1), 1);
	close(out[0]);
	*to = in[1];
	return pid;
}

START_TEST(H6_exec_detaches)
{
	int id = make_segment(PAGE), to;
	pid_t pid;

	attach(id);
	pid = start_waiting_program(&to, _i);
	must_eq(attached(id), 1);
	close(to);
	finish(pid);
	must_eq(attached(id), 1);
}
END_TEST

START_TEST(H6_a_vfork_child_counts_as_its_parent)
{
	int id = make_segment(PAGE);
	pid_t pid;

	attach(id);
	for (int i = 0; i < 5; i++) {
		pid = vfork();
		if (pid == 0) {
			board->value[0] = attached(id);
			_exit(0);
		}
		finish(pid);
		must_eq(board->value[0], 1);
		must_eq(attached(id), 1);
	}
}
END_TEST

START_TEST(H6_posix_spawn_and_system_change_nothing)
{
	char name[] = "true", *const argv[] = { name, NULL };
	int id = make_segment(PAGE);
	char *p = attach(id);
	pid_t pid;

	must_eq(posix_spawnp(&pid, "true", NULL, NULL, argv, environ), 0);
	finish(pid);
	must_eq(attached(id), 1);
	must_eq(system("true"), 0);
	must_eq(attached(id), 1);
	p[0] = 1;
}
END_TEST

static void
attach_then_exec(void *arg)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", *(int *)arg);
	attach(*(int *)arg);
	dup2((int)board->value[0], STDIN_FILENO);
	dup2((int)board->value[1], STDOUT_FILENO);
	exec_role("attach", backend_place(), id);
}

START_TEST(H6_a_program_attaches_anew_after_exec)
{
	int id = make_segment(PAGE), in[2], out[2];
	pid_t pid;
	char c;

	if (!backend_has(OUTLIVES_EXEC))
		testing_skip("anonymous store: exec leaves it (mipc(7))");
	must_eq(pipe2(in, O_CLOEXEC), 0);
	must_eq(pipe2(out, O_CLOEXEC), 0);
	board->value[0] = in[0];
	board->value[1] = out[1];
	pid = spawn(BY_FORK, attach_then_exec, &id);
	close(out[1]);
	must_eq(read(out[0], &c, 1), 1);
	must_eq(attached(id), 1);
	must_eq(stat_of(id).shm_lpid, pid);
	kill_and_reap(pid);
	must_eq(attached(id), 0);
}
END_TEST

/* ---- a child that ends before fork() has returned ---- */

static bool ends_within_fork;

static void
end_child(void)
{
	if (ends_within_fork)
		_exit(0);
}

/* Before the library's own handlers are: no child has said its pid by then. */
static __attribute__((constructor)) void
watch_forks(void)
{
	pthread_atfork(NULL, NULL, end_child);
}

static void
never(void *arg)
{
	(void)arg;
	must(false);
}

START_TEST(H6_the_last_pid_is_somebodys_though_a_child_ends_within_fork)
{
	int id = make_segment(PAGE);
	struct shmid_ds ds;
	pid_t pid;

	attach(id);
	ends_within_fork = true;
	pid = spawn(BY_FORK, never, NULL);
	ends_within_fork = false;
	must_eq(waitpid(pid, NULL, 0), pid);
	ds = stat_of(id);
	must_eq(ds.shm_nattch, 1);
	must(ds.shm_lpid == pid || ds.shm_lpid == getpid());
}
END_TEST

void
add_life_clauses(TCase *tc)
{
	testing_add_loop(tc, H6_every_end_detaches, 0, ENDS);
	testing_add_loop(tc, H6_every_end_detaches_what_was_inherited, 0,
	    ENDS);
	testing_add_loop(tc, H6_every_end_of_a_raw_clone_detaches, 0, ENDS);
	testing_add(tc, H6_fork_counts_before_it_returns);
	testing_add(tc, H6_fork_counts_every_attach);
	testing_add(tc, H6_a_child_detaches_for_itself);
	testing_add(tc, H6_a_parent_detaches_for_itself);
	testing_add(tc, H6_an_orphan_stays_attached);
	testing_add(tc, H6_generations_come_and_go);
	testing_add(tc, H6_many_forks_at_once_lose_no_count);
	testing_add(tc, H6_a_raw_clone_counts_from_its_first_call);
	testing_add(tc, H6_a_raw_clone_that_never_calls_takes_nothing_away);
	testing_add(tc,
	    H6_the_last_pid_is_somebodys_though_a_child_ends_within_fork);
	testing_add_loop(tc, H6_exec_detaches, 0, 2);
	testing_add(tc, H6_a_vfork_child_counts_as_its_parent);
	testing_add(tc, H6_posix_spawn_and_system_change_nothing);
	testing_add(tc, H6_a_program_attaches_anew_after_exec);
}
