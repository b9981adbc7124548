/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_signal.c - signals that come while somebody sleeps, and what
 * their handlers may do: clauses S14 and S17.
 */
#include "check_sem.h"

#include <sys/time.h>
#include <sys/wait.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- what interrupts ---- */

static const struct sembuf take[] = { OP(0, -1, 0) };
static const struct sembuf take_undo[] = { OP(0, -1, SEM_UNDO) };
static const struct sembuf zero[] = { OP(1, 0, 0) };
static const struct sembuf both[] = { OP(1, -1, SEM_UNDO), OP(0, -1, 0) };

static const struct timespec hour = { 3600, 0 };

static const struct {
	const struct sembuf *ops;
	size_t nops;
	const struct timespec *timeout;
} naps[] = {
	{ take, 1, NULL }, { take, 1, &hour }, { take_undo, 1, NULL },
	{ zero, 1, NULL }, { zero, 1, &hour }, { both, 2, NULL },
	{ both, 2, &hour },
};

#define NNAPS	((int)COUNT(naps))

/* A sleeper of the i-th kind, in a set that is 0 1. */
static pid_t
start_nap(int i, int id, void (*before)(void))
{
	struct sleeper s = { .id = id, .nops = naps[i].nops,
	    .timeout = naps[i].timeout, .before = before };
	pid_t pid;

	for (size_t k = 0; k < s.nops; k++)
		s.ops[k] = naps[i].ops[k];
	pid = start_sleeper(&s);
	await_sleepers(id, 1);
	return pid;
}

static const unsigned short zero_one[2] = { 0, 1 };

static void
must_be_as_before(int id)
{
	must_eq(sleepers_of(id), 0);
	must_be(id, 0, 0);
	must_be(id, 1, 1);
	add(id, 0, 1, 0);		/* nobody takes it */
	must_be(id, 0, 1);
}

/* It takes a sequence that begins anew: see MIPC_NO_RSEQ in mipc(7). */
static bool
can_tell_stops(void)
{
	if (backend_has(IS_KERNEL))
		return true;
#if defined(__x86_64__) && __SIZEOF_LONG__ == 8
	return getenv("MIPC_NO_WAITV") == NULL &&
	    getenv("MIPC_NO_RSEQ") == NULL &&
	    getenv("MIPC_NO_ROBUST") == NULL;
#else
	return false;
#endif
}

/* One that runs just before the sleep is seen by marks: see sys_marks.h. */
static bool
handlers_leave_marks(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return true;
#else
	return backend_has(IS_KERNEL);
#endif
}

START_TEST(S14_a_handler_ends_the_wait_with_EINTR)
{
	int id = make_of(2, zero_one);
	pid_t pid = start_nap(_i % NNAPS, id, handlings[_i / NNAPS]);

	if (!handlers_leave_marks())
		await_sleep(pid);
	must_eq(kill(pid, SIGUSR1), 0);
	must_end(0, -EINTR);
	must_eq(board->handled, 1);
	must_be_as_before(id);
	end_sleepers(&pid, 1);
}
END_TEST

START_TEST(S14_stop_and_continue_end_the_wait_with_EINTR)
{
	int id = make_of(2, zero_one), status;
	pid_t pid;

	if (!can_tell_stops())
		testing_skip("%s store: a stop is not told from a sleep "
		    "(mipc(7))", ipc->name);
	pid = start_nap(_i, id, NULL);
	await_sleep(pid);
	must_eq(kill(pid, SIGSTOP), 0);
	must_eq(waitpid(pid, &status, WUNTRACED), pid);
	must(WIFSTOPPED(status));
	must_eq(kill(pid, SIGCONT), 0);
	must_end(0, -EINTR);
	must_be_as_before(id);
	end_sleepers(&pid, 1);
}
END_TEST

/* Signals that run no handler do not matter. */
static void
must_not_interrupt(int id, pid_t pid, int sig)
{
	for (int i = 0; i < 5; i++)
		must_eq(kill(pid, sig), 0);
	must_eq(sleepers_of(id), 1);
	must_eq(ipc->semop(id, VECTOR(OP(0, 1, 0), OP(1, -1, 0))), 0);
	must_be(id, 1, 0);
	must_end(0, DONE);
	must_be(id, 0, 0);
	end_sleepers(&pid, 1);
}

START_TEST(S14_an_ignored_signal_does_not_interrupt)
{
	static const unsigned short values[2] = { 0, 1 };
	static const int sigs[] = { SIGUSR1, SIGCHLD, SIGWINCH, SIGURG,
	    SIGCONT };
	int id = make_of(2, values);
	pid_t pid = start_nap(0, id, ignore_it);

	must_not_interrupt(id, pid, sigs[_i]);
}
END_TEST

START_TEST(S14_a_blocked_signal_does_not_interrupt)
{
	int id = make_of(2, zero_one);

	must_not_interrupt(id, start_nap(0, id, block_it), SIGUSR1);
	must_eq(board->handled, 0);
}
END_TEST

static void *
sleep_in_thread(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	reach(1);
	board->value[0] = op(*(int *)arg, 0, -1, 0) == 0 ? DONE : -errno;
	return NULL;
}

static void
one_thread_of_two(void *arg)
{
	pthread_t thread;

	on_signal(SIGUSR1, count_it, 0);
	must_eq(pthread_create(&thread, NULL, sleep_in_thread, arg), 0);
	await(1);
	await_ncnt(*(int *)arg, 0, 1);
	must_eq(kill(getpid(), SIGUSR1), 0);
	must_eq(board->handled, 1);	/* here, and at once */
	reach(2);
	must_eq(pthread_join(thread, NULL), 0);
}

START_TEST(S14_another_threads_handler_does_not_interrupt)
{
	int id = make_set(1);
	pid_t pid = spawn(BY_FORK, one_thread_of_two, &id);

	await(2);
	must_eq(ncnt(id, 0), 1);
	add(id, 0, 1, 0);
	finish(pid);
	must_eq(board->value[0], DONE);
}
END_TEST

static volatile sig_atomic_t inside, ran_inside, ran;

static void
note(int sig)
{
	(void)sig;
	ran++;
	ran_inside += inside;
}

static void
start_timer(long us, long again_us)
{
	const struct itimerval it = { { 0, again_us }, { 0, us } };

	must_eq(setitimer(ITIMER_REAL, &it, NULL), 0);
}

START_TEST(S14_no_signal_is_lost_and_none_is_imagined)
{
	static const struct timespec limit = { 20, 0 };
	int id = make_set(2);

	on_signal(SIGALRM, note, _i == 0 ? SA_RESTART : 0);
	start_timer(100, 170);
	for (int i = 0; i < 400; i++) {
		int before = ran_inside, answer;

		inside = 1;
		answer = i % 3 == 0 ? op(id, 0, -1, SEM_UNDO) :
		    i % 3 == 1 ? ipc->semop(id, VECTOR(OP(0, 1, 0),
		    OP(1, -1, 0))) :
		    ipc->semtimedop(id, VECTOR(OP(1, -1, 0)), &limit);
		inside = 0;
		must_eq(answer, -1);
		must_eq(errno, EINTR);
		must(ran_inside > before);
	}
	start_timer(0, 0);
	must_eq(ncnt(id, 0) + ncnt(id, 1), 0);
	must_be(id, 0, 0);
}
END_TEST

START_TEST(S14_who_need_not_sleep_is_not_interrupted)
{
	int id = make_set(1);

	on_signal(SIGALRM, note, 0);
	start_timer(50, 50);
	for (int i = 0; ran < 100 || i < 1000; i++) {
		add(id, 0, 1, i % 2 ? SEM_UNDO : 0);
		add(id, 0, 0 - 1, i % 2 ? SEM_UNDO : 0);
		must_eq(ipc->semop(id, VECTOR(OP(0, 2, 0), OP(0, -2, 0))),
		    0);
		must_error(op(id, 0, -1, IPC_NOWAIT), EAGAIN);
	}
	start_timer(0, 0);
	must_be(id, 0, 0);
}
END_TEST

/* ---- what a handler may do ---- */

static volatile sig_atomic_t the_set;

static void
give_in_handler(int sig)
{
	(void)sig;
	must_eq(ncnt(the_set, 0), 0);	/* it is withdrawn already */
	add(the_set, 0, 1, 0);
}

static void
take_and_give_in_handler(int sig)
{
	(void)sig;
	must_eq(op(the_set, 0, -1, IPC_NOWAIT), -1);
	must_eq(errno, EAGAIN);
	add(the_set, 0, 3, SEM_UNDO);
	must_eq(ipc->semop(the_set, VECTOR(OP(0, -3, SEM_UNDO),
	    OP(0, 0, 0), OP(0, 1, 0))), 0);
}

static void
sleep_in_handler(int sig)
{
	(void)sig;
	reach(1);
	must_eq(op(the_set, 1, -1, 0), 0);
	add(the_set, 0, 1, 0);
}

static void
wait_in_vain_in_handler(int sig)
{
	(void)sig;
	must_eq(op_within_ms(the_set, 0, -1, 3), -1);
	must_eq(errno, EAGAIN);
	add(the_set, 0, 1, 0);
}

/* The handler itself waits for what somebody else gives meanwhile. */
static void
only_look_in_handler(int sig)
{
	(void)sig;
	reach(1);
	await(2);
}

static const struct {
	void (*handler)(int);
	bool helped;		/* the parent gives semaphore 1 at stage 1 */
} handlers[] = {
	{ give_in_handler, false },
	{ take_and_give_in_handler, false },
	{ sleep_in_handler, true },
	{ wait_in_vain_in_handler, false },
};

static void
set_handler(void)
{
	on_signal(SIGUSR1, handlers[board->value[20]].handler,
	    board->value[21] != 0 ? SA_RESTART : 0);
}

START_TEST(S17_a_handler_may_call_while_its_thread_sleeps)
{
	struct sleeper s = { .nops = 1 + (size_t)(_i % 2),
	    .ops = { OP(0, -1, 0), OP(0, 0, 0) }, .before = set_handler };
	int which = _i / 2;
	pid_t pid;

	the_set = s.id = make_set(2);
	board->value[20] = which;
	board->value[21] = _i % 2;
	pid = start_sleeper(&s);
	await_ncnt(s.id, 0, 1);
	must_eq(kill(pid, SIGUSR1), 0);
	if (handlers[which].helped) {
		await(1);
		add(s.id, 1, 1, 0);
	}
	must_end(0, -EINTR);
	must_be(s.id, 0, 1);
	must_eq(sleepers_of(s.id), 0);
	end_sleepers(&pid, 1);
	must_be(s.id, 0, 1);
}
END_TEST

static void
set_looking_handler(void)
{
	on_signal(SIGUSR1, only_look_in_handler, 0);
}

/* Where it is withdrawn by its next call only, it may be served till then. */
static bool
was_served_meanwhile(int id)
{
	if (backend_has(WITHDRAWS_FIRST))
		must_be(id, 0, 1);
	return value(id, 0) == 0;
}

START_TEST(S17_what_comes_while_a_handler_runs_is_not_lost)
{
	struct sleeper s = { .nops = 1, .ops = { OP(0, -1, 0) },
	    .before = set_looking_handler };
	bool served;
	pid_t pid;

	s.id = make_set(1);
	pid = start_sleeper(&s);
	await_ncnt(s.id, 0, 1);
	must_eq(kill(pid, SIGUSR1), 0);
	await(1);
	if (backend_has(WITHDRAWS_FIRST))
		must_eq(ncnt(s.id, 0), 0);
	add(s.id, 0, 1, 0);
	served = was_served_meanwhile(s.id);
	reach(2);
	must_end(0, served ? DONE : -EINTR);
	must_be(s.id, 0, !served);
	must_eq(ncnt(s.id, 0), 0);
	end_sleepers(&pid, 1);
}
END_TEST

static sigjmp_buf way_out;

static void
jump_out(int sig)
{
	(void)sig;
	siglongjmp(way_out, 1);
}

/* Jumps out of its sleep; calls nothing more before stage 2. */
static void
sleep_and_jump(void *arg)
{
	int id = *(int *)arg;

	on_signal(SIGUSR1, jump_out, 0);
	if (sigsetjmp(way_out, 1) == 0) {
		ipc->semop(id, VECTOR(OP(1, 1, 0), OP(0, -1, SEM_UNDO)));
		must(false);
	}
	reach(1);
	await(2);
	must_eq(ncnt(id, 0), 0);
	must_be(id, 0, (int)board->value[0]);
	must_error(op_within_ms(id, 0, -9, 1), EAGAIN);
	add(id, 1, 1, 0);
	reach(3);
	await(4);
}

static pid_t
start_jumper(int *id)
{
	pid_t pid = spawn(BY_FORK, sleep_and_jump, id);

	await_ncnt(*id, 0, 1);
	must_eq(kill(pid, SIGUSR1), 0);
	await(1);
	return pid;
}

START_TEST(S17_a_jump_out_of_a_sleep_leaves_no_sleeper)
{
	int id = make_set(2);
	pid_t pid = start_jumper(&id);

	reach(2);
	await(3);		/* that thread has called since */
	must_eq(ncnt(id, 0), 0);
	add(id, 0, 1, 0);
	must_be(id, 0, 1);
	must_be(id, 1, 1);
	reach(4);
	finish(pid);
	must_be(id, 0, 1);
	must_be(id, 1, 1);
}
END_TEST

START_TEST(S17_what_comes_before_the_next_call_is_not_lost)
{
	int id = make_set(2);
	pid_t pid = start_jumper(&id);
	bool served;

	if (backend_has(WITHDRAWS_FIRST))
		must_eq(ncnt(id, 0), 0);
	add(id, 0, 1, 0);
	served = was_served_meanwhile(id);
	must_be(id, 1, served);		/* all of it, or nothing */
	board->value[0] = !served;
	reach(2);
	await(3);
	must_eq(ncnt(id, 0), 0);
	reach(4);
	finish(pid);
	must_be(id, 0, 1);		/* it owed what it was given */
	must_be(id, 1, 1 + served);
}
END_TEST

START_TEST(S17_jumps_by_the_hundred_leave_nothing)
{
	int id = make_set(2);
	volatile int jumps = 0;

	on_signal(SIGALRM, jump_out, 0);
	for (; jumps < 200; jumps++) {
		if (sigsetjmp(way_out, 1) != 0)
			continue;
		start_timer(60 + jumps, 0);
		ipc->semop(id, VECTOR(OP(1, 1, SEM_UNDO), OP(0, -1, 0)));
		must(false);
	}
	must_eq(sleepers_of(id), 0);
	add(id, 0, 1, 0);
	must_be(id, 0, 1);
	must_be(id, 1, 0);
}
END_TEST

void
add_signal_clauses(TCase *tc)
{
	testing_add_loop(tc, S14_a_handler_ends_the_wait_with_EINTR, 0,
	    NNAPS * HANDLINGS);
	testing_add_loop(tc,
	    S14_stop_and_continue_end_the_wait_with_EINTR, 0, NNAPS);
	testing_add_loop(tc, S14_an_ignored_signal_does_not_interrupt, 0, 5);
	testing_add(tc, S14_a_blocked_signal_does_not_interrupt);
	testing_add(tc, S14_another_threads_handler_does_not_interrupt);
	testing_add_loop(tc, S14_no_signal_is_lost_and_none_is_imagined, 0,
	    2);
	testing_add(tc, S14_who_need_not_sleep_is_not_interrupted);
	testing_add_loop(tc, S17_a_handler_may_call_while_its_thread_sleeps,
	    0, 2 * (int)COUNT(handlers));
	testing_add(tc, S17_what_comes_while_a_handler_runs_is_not_lost);
	testing_add(tc, S17_a_jump_out_of_a_sleep_leaves_no_sleeper);
	testing_add(tc, S17_what_comes_before_the_next_call_is_not_lost);
	testing_add(tc, S17_jumps_by_the_hundred_leave_nothing);
}
