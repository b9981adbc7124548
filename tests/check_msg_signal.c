/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_signal.c - signals that come while somebody sleeps: clause M10.
 */
#include "check_msg.h"

#include <sys/time.h>
#include <sys/wait.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- sleepers of each kind ---- */

static const struct timespec hour = { 3600, 0 };

static const struct sleeper naps[] = {
	{ .type = 0, .size = 5 },
	{ .type = 3, .size = 5 },
	{ .type = -3, .size = 5, .flags = MSG_NOERROR },
	{ .type = 9, .size = 5, .flags = MSG_EXCEPT },
	{ .type = 3, .size = 1, .letter = 'n', .sends = true },
	{ .type = 3, .size = 0, .letter = 'n', .sends = true },
	/* Where there are such calls. */
	{ .type = 3, .size = 5, .timeout = &hour },
	{ .type = 3, .size = 1, .letter = 'n', .sends = true,
	    .timeout = &hour },
};

#define NNAPS	((int)COUNT(naps))

/* A sleeper in a queue that is empty, or has no room. */
static pid_t
start_nap(int which, int id, void (*before)(void))
{
	struct sleeper s = naps[which];

	if (s.timeout != NULL && ipc->msgtimedsnd == NULL)
		s.timeout = NULL;
	s.id = id;
	s.before = before;
	set_qbytes(id, s.sends ? 0 : MSGMNB);
	return start_sleeper(&s);
}

/* Do what it waits for. */
static void
serve_nap(int which, int id)
{
	if (naps[which].sends) {
		set_qbytes(id, MSGMNB);
		must_end(0, DONE);
		must_eq(take(id, &(struct message){ 0 }, 5, 3, IPC_NOWAIT),
		    naps[which].size);
	} else {
		put(id, 3, "m");
		must_receive(0, 3, 'm');
	}
	must_be(id, 0, 0);
}

/* Nobody sleeps: what comes stays, and nothing came. */
static void
must_be_as_before(int id)
{
	must_be(id, 0, 0);
	set_qbytes(id, MSGMNB);
	must_be(id, 0, 0);
	put(id, 3, "m");
	must_drain(id, "m");
}

START_TEST(M10_a_handler_ends_the_wait_with_EINTR)
{
	int id = make_queue();
	pid_t pid = start_nap(_i % NNAPS, id, handlings[_i / NNAPS]);

	must_eq(kill(pid, SIGUSR1), 0);
	must_end(0, -EINTR);
	must_eq(board->handled, 1);
	must_be_as_before(id);
	end_sleepers();
}
END_TEST

static void
stop_and_continue(pid_t pid)
{
	int status;

	must_eq(kill(pid, SIGSTOP), 0);
	must_eq(waitpid(pid, &status, WUNTRACED), pid);
	must(WIFSTOPPED(status));
	must_eq(kill(pid, SIGCONT), 0);
}

START_TEST(M10_stop_and_continue_do_not_interrupt)
{
	int id = make_queue();
	pid_t pid = start_nap(_i, id, NULL);

	for (int i = 0; i < 5; i++) {
		stop_and_continue(pid);
		must_sleep(0);
	}
	serve_nap(_i, id);
	end_sleepers();
}
END_TEST

START_TEST(M10_what_comes_while_it_is_stopped_is_received_after)
{
	int id = make_queue(), status;
	pid_t pid = start_nap(_i, id, NULL);

	must_eq(kill(pid, SIGSTOP), 0);
	must_eq(waitpid(pid, &status, WUNTRACED), pid);
	if (naps[_i].sends) {
		set_qbytes(id, MSGMNB);
	} else {
		put(id, 3, "m");
		put(id, 3, "n");
		if (backend_has(WITHDRAWS_FIRST))
			must_be(id, 2, 2);
	}
	must_eq(board->value[0], 0);
	must_eq(kill(pid, SIGCONT), 0);
	must_end(0, DONE);
	if (!naps[_i].sends)
		must_receive(0, 3, 'm');
	must_eq(stat_of(id).msg_qnum, 1);
	end_sleepers();
}
END_TEST

/* Signals that run no handler do not matter. */
static void
must_not_interrupt(int which, int id, int sig)
{
	for (int i = 0; i < 5; i++) {
		must_eq(kill(pid_of(0), sig), 0);
		must_sleep(0);
	}
	serve_nap(which, id);
	end_sleepers();
}

START_TEST(M10_an_ignored_signal_does_not_interrupt)
{
	static const int sigs[] = { SIGUSR1, SIGCHLD, SIGWINCH, SIGURG,
	    SIGCONT };
	int id = make_queue(), which = _i % 2 * 4;

	start_nap(which, id, ignore_it);
	must_not_interrupt(which, id, sigs[_i / 2]);
}
END_TEST

START_TEST(M10_a_blocked_signal_does_not_interrupt)
{
	int id = make_queue();

	start_nap(_i * 4, id, block_it);
	must_not_interrupt(_i * 4, id, SIGUSR1);
	must_eq(board->handled, 0);
}
END_TEST

static void *
sleep_in_thread(void *arg)
{
	struct message m;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	board->value[FREE + 1] = gettid();
	must_eq(take(*(int *)arg, &m, 9, 0, 0), 1);
	must_eq(m.type, 5);
	return NULL;
}

static void
one_thread_of_two(void *arg)
{
	pthread_t thread;

	on_signal(SIGUSR1, count_it, 0);
	must_eq(pthread_create(&thread, NULL, sleep_in_thread, arg), 0);
	await_value(FREE + 1, 1);
	await_sleep((pid_t)board->value[FREE + 1]);
	must_eq(kill(getpid(), SIGUSR1), 0);
	must_eq(board->handled, 1);	/* here, and at once */
	await_sleep((pid_t)board->value[FREE + 1]);
	reach(1);
	must_eq(pthread_join(thread, NULL), 0);
}

START_TEST(M10_another_threads_handler_does_not_interrupt)
{
	int id = make_queue();
	pid_t pid = spawn(BY_FORK, one_thread_of_two, &id);

	await(1);
	put(id, 5, "x");
	finish(pid);
	must_be(id, 0, 0);
}
END_TEST

/* ---- timers ---- */

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

START_TEST(M10_no_signal_is_lost_and_none_is_imagined)
{
	int id = make_queue(), full = make_queue();
	struct message m = { .type = 1 };

	set_qbytes(full, 0);
	on_signal(SIGALRM, note, _i == 0 ? SA_RESTART : 0);
	start_timer(100, 170);
	for (int i = 0; i < 400; i++) {
		int before = ran_inside;
		ssize_t answer;

		inside = 1;
		answer = i % 3 == 0 ? take(id, &m, 9, 0, 0) :
		    i % 3 == 1 ? take(id, &m, 9, -5, MSG_NOERROR) :
		    ipc->msgsnd(full, &m, 1, 0);
		inside = 0;
		must_eq(answer, -1);
		must_eq(errno, EINTR);
		must(ran_inside > before);
	}
	start_timer(0, 0);
	must_be(id, 0, 0);
	must_be(full, 0, 0);
	put(id, 1, "x");
	must_drain(id, "x");
}
END_TEST

START_TEST(M10_who_need_not_sleep_is_not_interrupted)
{
	int id = make_queue();
	struct message m;

	on_signal(SIGALRM, note, 0);
	start_timer(50, 50);
	for (int i = 0; ran < 100 || i < 1000; i++) {
		must_eq(try_put_bytes(id, 1 + i % 3, (size_t)i % 100, 0), 0);
		must_eq(take(id, &m, MSGMAX, i % 2 ? 0 : -3, 0), i % 100);
		must_find_none(id, 0, 0);
	}
	start_timer(0, 0);
	must_be(id, 0, 0);
}
END_TEST

/* A message and a signal at the same moment: it is received, or stays. */
START_TEST(M10_a_signal_beside_a_message_loses_nothing)
{
	for (int i = 0; i < 120; i++) {
		int id = make_queue();
		struct sleeper s = { .id = id, .size = 5,
		    .before = handle_plainly };
		pid_t pid = start_sleeper(&s);

		if (i % 2 == 0)
			must_eq(kill(pid, SIGUSR1), 0);
		put(id, 1, "x");
		if (i % 2 == 1)
			must_eq(kill(pid, SIGUSR1), 0);
		while (board->value[0] == 0)
			await_turn();
		if (board->value[0] == DONE) {
			must_drain(id, "");
		} else {
			must_end(0, -EINTR);
			must_eq(i % 2, 0);
			must_drain(id, "x");
		}
		kill_sleeper(0);
		remove_queue(id);
	}
}
END_TEST

void
add_signal_clauses(TCase *tc)
{
	testing_add_loop(tc, M10_a_handler_ends_the_wait_with_EINTR, 0,
	    NNAPS * HANDLINGS);
	testing_add_loop(tc, M10_stop_and_continue_do_not_interrupt, 0,
	    NNAPS);
	testing_add_loop(tc,
	    M10_what_comes_while_it_is_stopped_is_received_after, 0, NNAPS);
	testing_add_loop(tc, M10_an_ignored_signal_does_not_interrupt, 0,
	    10);
	testing_add_loop(tc, M10_a_blocked_signal_does_not_interrupt, 0, 2);
	testing_add(tc, M10_another_threads_handler_does_not_interrupt);
	testing_add_loop(tc, M10_no_signal_is_lost_and_none_is_imagined, 0,
	    2);
	testing_add(tc, M10_who_need_not_sleep_is_not_interrupted);
	testing_add(tc, M10_a_signal_beside_a_message_loses_nothing);
}
