/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_unit_life.c - the dead are dead and the living alive, at once and
 * whatever they do.
 */
#include "check_unit.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(life_is_begun_once)
{
	mipc_life life = own_life();

	must(own_life() == life);
	must(!mipc_life_dead(lives, life));
	must(MIPC_LIFE_GEN(life) >= 1);
	must(MIPC_LIFE_SLOT(life) >= 1);
}
END_TEST

START_TEST(life_of_nobody_is_dead)
{
	mipc_life life = own_life();

	must(mipc_life_dead(lives, 0));
	must(mipc_life_dead(lives, life + (1ull << 24)));
	must(mipc_life_dead(lives, life + 1000));
	must(mipc_life_dead(lives, life + (5ull << 14)));
	must(mipc_life_dead(lives, ~0ull));
}
END_TEST

START_TEST(life_ends_by_every_end)
{
	pid_t pid = spawn(_i % 2 ? BY_RAW_CLONE : BY_FORK, live, NULL);
	mipc_life life;

	await(1);
	life = told_life(0);
	must(!mipc_life_dead(lives, life));
	own_life();
	must(!mipc_life_dead(lives, life));
	if (_i < 2) {
		kill_and_reap(pid);
	} else {
		reach(2);
		finish(pid);
	}
	must(mipc_life_dead(lives, life));
}
END_TEST

static void
live_then_exec(void *arg)
{
	live(arg);
	execlp("sleep", "sleep", "100", (char *)NULL);
}

START_TEST(life_ends_by_exec)
{
	pid_t pid = spawn(BY_FORK, live_then_exec, NULL);

	await(1);
	must(!mipc_life_dead(lives, told_life(0)));
	reach(2);
	while (!mipc_life_dead(lives, told_life(0)))
		sched_yield();
	must_eq(kill(pid, 0), 0);
	kill_and_reap(pid);
}
END_TEST

static void *
live_in_thread(void *arg)
{
	tell_life(0, own_life());
	reach(1);
	await(2);
	dup2(*(int *)arg, STDOUT_FILENO);
	execlp("sh", "sh", "-c", "echo; exec sleep 100", (char *)NULL);
	_exit(3);
}

static void
live_in_thread_then_exec(void *arg)
{
	pthread_t thread;

	must_eq(pthread_create(&thread, NULL, live_in_thread, arg), 0);
	pthread_join(thread, NULL);
}

/* Its number is another from then on, as the kernel sees it. */
START_TEST(life_of_a_thread_ends_by_exec)
{
	struct mipc_canary canary[2];
	bool marked;
	int said[2];
	char byte;
	pid_t pid;

	must_eq(pipe(said), 0);
	pid = spawn(BY_FORK, live_in_thread_then_exec, &said[1]);
	await(1);
	must_eq(mipc_life_canaries(lives, told_life(0), canary, &marked), 2);
	must(!marked);
	reach(2);
	must_eq(read(said[0], &byte, 1), 1);	/* the new image runs */
	must(mipc_take(canary[0].word) != canary[0].value ||
	    mipc_take(canary[1].word) != canary[1].value);
	while (!mipc_life_dead(lives, told_life(0)))
		sched_yield();
	kill_and_reap(pid);
}
END_TEST

static void *
go_on(void *arg)
{
	(void)arg;
	await_dead_leader(getpid());
	own_life();
	reach(1);
	await(2);
	_exit(0);
}

static void
leave_a_thread(void *arg)
{
	pthread_t thread;

	(void)arg;
	tell_life(0, own_life());
	must_eq(pthread_create(&thread, NULL, go_on, NULL), 0);
	pthread_exit(NULL);
}

START_TEST(life_goes_on_without_the_first_thread)
{
	pid_t pid = spawn(BY_FORK, leave_a_thread, NULL);

	await(1);
	must(!mipc_life_dead(lives, told_life(0)));
	must_eq(waitpid(pid, NULL, WNOHANG), 0);
	reach(2);
	finish(pid);
	must(mipc_life_dead(lives, told_life(0)));
}
END_TEST

static void *
stay(void *arg)
{
	(void)arg;
	await(3);
	_exit(0);
}

/* A child: its first thread ends while process value[1] sleeps on its word. */
static void
leave_while_watched(void *arg)
{
	pthread_t thread;

	(void)arg;
	tell_life(0, own_life());
	must_eq(pthread_create(&thread, NULL, stay, NULL), 0);
	reach(1);
	await(2);
	await_sleep((pid_t)board->value[1]);
	pthread_exit(NULL);
}

START_TEST(life_wakes_its_watchers_when_its_thread_ends)
{
	pid_t pid = spawn(BY_FORK, leave_while_watched, NULL);
	struct mipc_canary canary[2];
	bool marked;

	await(1);
	must_eq(mipc_life_canaries(lives, told_life(0), canary, &marked), 1);
	board->value[1] = getpid();
	reach(2);
	while (mipc_take(canary[0].word) == canary[0].value)
		mipc_sys_futex_wait(canary[0].word, canary[0].value, NULL);
	must((mipc_take(canary[0].word) & MIPC_CANARY_DIED) != 0);
	must(!mipc_life_dead(lives, told_life(0)));
	reach(3);
	finish(pid);
}
END_TEST

/* Told by the kernel's word, not by locks that it lets go later. */
START_TEST(life_of_one_thread_is_seen_to_end)
{
	pid_t pid = spawn(BY_FORK, leave_a_thread, NULL);
	siginfo_t info;

	await(1);
	must(!mipc_sys_exiting(getpid()));
	must(!mipc_sys_exiting(pid));	/* its first thread is */
	reach(2);
	must_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	must(mipc_sys_exiting(pid) || access("/proc/self/stat", R_OK) != 0);
	finish(pid);
	must(!mipc_sys_exiting(pid));
}
END_TEST

static void
live_without_descriptors(void *arg)
{
	tell_life(0, own_life());
	must_eq(close_range(3, ~0U, 0), 0);
	live(arg);
}

START_TEST(life_goes_on_without_descriptors)
{
	pid_t pid = spawn(BY_FORK, live_without_descriptors, NULL);

	await(1);
	must(!mipc_life_dead(lives, told_life(0)));
	kill_and_reap(pid);
	must(mipc_life_dead(lives, told_life(0)));
}
END_TEST

START_TEST(life_of_a_forks_child_is_its_own)
{
	mipc_life mine = own_life(), childs;
	pid_t pid = spawn(BY_FORK, live, NULL);

	await(1);
	childs = told_life(0);
	must(childs != 0 && childs != mine);
	must(!mipc_life_dead(lives, childs));
	kill_and_reap(pid);
	must(mipc_life_dead(lives, childs));
	must(!mipc_life_dead(lives, mine));
	must(own_life() == mine);
}
END_TEST

static void
outlive_the_parent(void *arg)
{
	(void)arg;
	tell_life(1, own_life());
	reach(1);
	await(2);
}

static void
have_an_orphan(void *arg)
{
	(void)arg;
	tell_life(0, own_life());
	board->value[2] = spawn(BY_FORK, outlive_the_parent, NULL);
	await(1);
	raise(SIGKILL);
}

START_TEST(life_of_a_child_outlives_its_parents)
{
	pid_t pid;

	must_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = spawn(BY_FORK, have_an_orphan, NULL);
	must_eq(waitpid(pid, NULL, 0), pid);
	must(mipc_life_dead(lives, told_life(0)));
	must(!mipc_life_dead(lives, told_life(1)));
	kill_and_reap((pid_t)board->value[2]);
	must(mipc_life_dead(lives, told_life(1)));
}
END_TEST

START_TEST(life_slots_are_used_again_with_a_new_generation)
{
	mipc_life seen[60];
	bool again = false;

	own_life();
	for (int i = 0; i < 60; i++) {
		pid_t pid;

		board_clear();
		pid = spawn(BY_FORK, live, NULL);
		await(1);
		seen[i] = told_life(0);
		must(!mipc_life_dead(lives, seen[i]));
		kill_and_reap(pid);
		for (int j = 0; j < i; j++) {
			must(seen[j] != seen[i]);
			must(mipc_life_dead(lives, seen[j]));
			if (MIPC_LIFE_SLOT(seen[j]) !=
			    MIPC_LIFE_SLOT(seen[i]))
				continue;
			must(MIPC_LIFE_GEN(seen[i]) >
			    MIPC_LIFE_GEN(seen[j]));
			again = true;
		}
	}
	must(again);		/* a slot a death would use up the table */
}
END_TEST

static void
live_with_fifty(void *arg)
{
	static pid_t pid[50];

	(void)arg;
	for (int i = 0; i < 50; i++)
		pid[i] = spawn(BY_FORK, live, NULL);
	for (int i = 0; i < 50; i++)
		finish(pid[i]);
}

START_TEST(life_many_at_once_have_slots_of_their_own)
{
	pid_t pid[2];

	own_life();
	for (int i = 0; i < 2; i++)
		pid[i] = spawn(BY_FORK, live_with_fifty, NULL);
	await(1);
	must_eq(mipc_life_others(lives, false), EBUSY);
	reach(2);
	for (int i = 0; i < 2; i++)
		finish(pid[i]);
	must_eq(mipc_life_others(lives, false), 0);
}
END_TEST

START_TEST(life_others_are_found_and_awaited)
{
	pid_t pid;

	must_eq(mipc_life_others(lives, false), 0);
	own_life();
	must_eq(mipc_life_others(lives, false), 0);
	must_eq(mipc_life_others(lives, true), 0);
	pid = spawn(BY_FORK, live, NULL);
	await(1);
	must_eq(mipc_life_others(lives, false), EBUSY);
	reach(2);
	must_eq(mipc_life_others(lives, true), 0);
	finish(pid);
}
END_TEST

START_TEST(life_can_be_ended_and_begun_anew)
{
	mipc_life first = own_life(), second;
	struct mipc_gate gate;

	mipc_gate_enter(&gate);
	mipc_life_end(lives);
	mipc_gate_leave(&gate);
	must(mipc_life_dead(lives, first));
	second = own_life();
	must(second != first);
	must(!mipc_life_dead(lives, second));
	must(mipc_life_dead(lives, first));
}
END_TEST

START_TEST(life_command_is_this_programs)
{
	must(strstr(mipc_life_command(), program_invocation_short_name) !=
	    NULL);
	must(strlen(mipc_life_command()) < MIPC_COMMAND);
}
END_TEST

void
add_life_tests(TCase *tc)
{
	testing_add(tc, life_is_begun_once);
	testing_add(tc, life_of_nobody_is_dead);
	testing_add_loop(tc, life_ends_by_every_end, 0, 4);
	testing_add(tc, life_ends_by_exec);
	testing_add(tc, life_of_a_thread_ends_by_exec);
	testing_add(tc, life_goes_on_without_the_first_thread);
	testing_add(tc, life_wakes_its_watchers_when_its_thread_ends);
	testing_add(tc, life_of_one_thread_is_seen_to_end);
	testing_add(tc, life_goes_on_without_descriptors);
	testing_add(tc, life_of_a_forks_child_is_its_own);
	testing_add(tc, life_of_a_child_outlives_its_parents);
	testing_add(tc, life_slots_are_used_again_with_a_new_generation);
	testing_add(tc, life_many_at_once_have_slots_of_their_own);
	testing_add(tc, life_others_are_found_and_awaited);
	testing_add(tc, life_can_be_ended_and_begun_anew);
	testing_add(tc, life_command_is_this_programs);
}
