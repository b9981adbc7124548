/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_handler.c - what a handler may do while its thread sleeps in a
 * call or is inside one: clause S17, for queues.
 */
#include "check_msg.h"

#include <sys/time.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t the_queue, ticks, last_tick;
static sigjmp_buf way_out;

/* ---- while its thread sleeps until a message comes ---- */

static void
put_in_handler(int sig)
{
	(void)sig;
	put(the_queue, 1, "h");		/* the sleeper is withdrawn already */
	must_be(the_queue, 1, 1);
}

static void
put_and_take_in_handler(int sig)
{
	(void)sig;
	must_find_none(the_queue, 0, 0);
	put(the_queue, 1, "a");
	put(the_queue, 2, "h");
	must_take(the_queue, 1, 0, 1, "a");
}

static void
sleep_in_handler(int sig)
{
	struct message m;

	(void)sig;
	board->value[FREE] = 1;
	must_eq(take(the_queue, &m, 9, 7, 0), 1);
	put(the_queue, 1, "h");
}

static void
only_look_in_handler(int sig)
{
	(void)sig;
	reach(1);
	await(2);
}

static void
remove_in_handler(int sig)
{
	(void)sig;
	remove_queue(the_queue);
}

static const struct {
	void (*handler)(int);
	bool helped;		/* the parent sends what it waits for */
} handlers[] = {
	{ put_in_handler, false },
	{ put_and_take_in_handler, false },
	{ sleep_in_handler, true },
};

static void
set_handler(void)
{
	on_signal(SIGUSR1, handlers[board->value[FREE + 1]].handler,
	    board->value[FREE + 2] != 0 ? SA_RESTART : 0);
}

START_TEST(S17_a_handler_may_call_while_its_thread_sleeps)
{
	int which = _i / 2, id = make_queue();
	struct sleeper s = { .id = id, .size = 5, .before = set_handler };
	pid_t pid;

	the_queue = id;
	board->value[FREE + 1] = which;
	board->value[FREE + 2] = _i % 2;
	pid = start_sleeper(&s);
	must_eq(kill(pid, SIGUSR1), 0);
	if (handlers[which].helped) {
		await_value(FREE, 1);
		await_sleep(pid);
		put(id, 7, "x");
	}
	must_end(0, -EINTR);
	must_drain(id, "h");
	end_sleepers();
}
END_TEST

/* ---- while its thread sleeps until there is room ---- */

static void
make_room_in_handler(int sig)
{
	(void)sig;
	must_take(the_queue, 1, 0, 1, "x");
	must_be(the_queue, 0, 0);	/* the sleeper is withdrawn already */
}

static void
set_room_handler(void)
{
	on_signal(SIGUSR1, make_room_in_handler, SA_RESTART);
}

START_TEST(S17_a_handler_may_make_room_while_its_thread_sleeps)
{
	int id = make_queue();
	struct sleeper s = { .id = id, .sends = true, .type = 2,
	    .size = 1, .letter = 'y', .before = set_room_handler };

	the_queue = id;
	set_qbytes(id, 1);
	put(id, 1, "x");
	must_eq(kill(start_sleeper(&s), SIGUSR1), 0);
	must_end(0, -EINTR);
	must_be(id, 0, 0);
	put(id, 3, "z");
	must_drain(id, "z");
	end_sleepers();
}
END_TEST

static void
set_looking_handler(void)
{
	on_signal(SIGUSR1, only_look_in_handler, 0);
}

/* Where it is withdrawn by its next call only, it may be served till then. */
START_TEST(S17_what_comes_while_a_handler_runs_is_not_lost)
{
	int id = make_queue();
	struct sleeper s = { .id = id, .size = 5,
	    .before = set_looking_handler };
	bool served;

	must_eq(kill(start_sleeper(&s), SIGUSR1), 0);
	await(1);
	put(id, 1, "x");
	served = stat_of(id).msg_qnum == 0;
	must(!served || !backend_has(WITHDRAWS_FIRST));
	reach(2);
	must_end(0, served ? DONE : -EINTR);
	must_drain(id, served ? "" : "x");
	end_sleepers();
}
END_TEST

START_TEST(S17_room_that_comes_while_a_handler_runs_is_not_lost)
{
	int id = make_queue();
	struct sleeper s = { .id = id, .sends = true, .type = 2,
	    .size = 1, .letter = 'y', .before = set_looking_handler };
	bool served;

	set_qbytes(id, 1);
	put(id, 1, "x");
	must_eq(kill(start_sleeper(&s), SIGUSR1), 0);
	await(1);
	must_take(id, 1, 0, 1, "x");
	served = stat_of(id).msg_qnum == 1;
	must(!served || !backend_has(WITHDRAWS_FIRST));
	reach(2);
	must_end(0, served ? DONE : -EINTR);
	must_drain(id, served ? "y" : "");
	end_sleepers();
}
END_TEST

static void
sleep_and_remove(void *arg)
{
	struct message m;

	the_queue = *(int *)arg;
	on_signal(SIGUSR1, remove_in_handler, 0);
	board->value[FREE] = 1;
	must_eq(take(the_queue, &m, 9, 0, 0), -1);
	must_eq(errno, EINTR);
	must_be_gone(the_queue);
}

START_TEST(S17_a_handler_may_remove_the_queue)
{
	int id = make_queue();
	pid_t pid = spawn(BY_FORK, sleep_and_remove, &id);

	await_value(FREE, 1);
	await_sleep(pid);
	receiver(0, id, 0);
	must_eq(kill(pid, SIGUSR1), 0);
	finish(pid);
	must_end(0, -EIDRM);
	end_sleepers();
}
END_TEST

static pid_t forked;

static void
fork_in_handler(int sig)
{
	(void)sig;
	forked = fork();
	must(forked != -1);
}

/* Both go on behind the call that the handler interrupted. */
static void
sleep_and_fork(void *arg)
{
	struct message m;

	the_queue = *(int *)arg;
	on_signal(SIGUSR1, fork_in_handler, 0);
	board->value[FREE] = 1;
	must_eq(take(the_queue, &m, 9, 5, 0), -1);
	must_eq(errno, EINTR);
	put(the_queue, 2, "x");
	if (forked == 0)
		_exit(0);
	finish(forked);
	reach(1);
	await(2);
}

START_TEST(S17_a_handler_may_fork)
{
	int id = make_queue();
	pid_t pid = spawn(BY_FORK, sleep_and_fork, &id);

	await_value(FREE, 1);
	await_sleep(pid);
	must_eq(kill(pid, SIGUSR1), 0);
	await(1);
	put(id, 5, "y");
	must_drain(id, "xxy");
	reach(2);
	finish(pid);
}
END_TEST

/* ---- jumps ---- */

static void
jump_out(int sig)
{
	(void)sig;
	ticks++;
	siglongjmp(way_out, 1);
}

static void
start_timer(long us)
{
	const struct itimerval it = { { 0, 0 }, { 0, us } };

	must_eq(setitimer(ITIMER_REAL, &it, NULL), 0);
}

/* Jumps out of its sleep; calls nothing more before stage 2. */
static void
sleep_and_jump(void *arg)
{
	const struct sleeper *s = arg;
	struct message m = { .type = s->type };

	on_signal(SIGUSR1, jump_out, 0);
	if (sigsetjmp(way_out, 1) == 0) {
		board->value[FREE] = 1;
		if (s->sends)
			ipc->msgsnd(s->id, &m, s->size, 0);
		else
			take(s->id, &m, s->size, s->type, 0);
		must(false);
	}
	reach(1);
	await(2);
	must_eq(stat_of(s->id).msg_qnum, board->value[FREE + 1]);
	must_find_none(s->id, 99, 0);
	put(s->id, 50, "j");
	reach(3);
	await(4);
}

static pid_t
start_jumper(struct sleeper *s)
{
	pid_t pid = spawn(BY_FORK, sleep_and_jump, s);

	await_value(FREE, 1);
	await_sleep(pid);
	must_eq(kill(pid, SIGUSR1), 0);
	await(1);
	return pid;
}

START_TEST(S17_a_jump_out_of_a_sleep_leaves_no_receiver)
{
	struct sleeper s = { .size = 9 };
	pid_t pid;

	s.id = make_queue();
	pid = start_jumper(&s);
	reach(2);
	await(3);		/* that thread has called since */
	must_drain(s.id, "j");
	put(s.id, 1, "x");
	must_be(s.id, 1, 1);
	reach(4);
	finish(pid);
	must_drain(s.id, "x");
}
END_TEST

START_TEST(S17_a_jump_out_of_a_sleep_leaves_no_sender)
{
	struct sleeper s = { .size = 9, .sends = true, .type = 9 };
	pid_t pid;

	s.id = make_queue();
	set_qbytes(s.id, 9);
	put(s.id, 1, "0");
	board->value[FREE + 1] = 1;
	pid = start_jumper(&s);
	reach(2);
	await(3);
	must_take(s.id, 1, 0, 1, "0");
	must_take(s.id, 50, 0, 50, "j");
	must_be(s.id, 0, 0);
	put(s.id, 1, "123456789");
	reach(4);
	finish(pid);
	must_drain(s.id, "1");
}
END_TEST

START_TEST(S17_what_comes_before_the_next_call_is_not_lost)
{
	struct sleeper s = { .size = 9 };
	bool served;
	pid_t pid;

	s.id = make_queue();
	pid = start_jumper(&s);
	put(s.id, 1, "x");
	served = stat_of(s.id).msg_qnum == 0;
	must(!served || !backend_has(WITHDRAWS_FIRST));
	put(s.id, 2, "y");
	must_eq(stat_of(s.id).msg_qnum, 2 - served);
	board->value[FREE + 1] = 2 - served;
	reach(2);
	await(3);
	reach(4);
	finish(pid);
	must_drain(s.id, served ? "yj" : "xyj");
}
END_TEST

START_TEST(S17_jumps_by_the_hundred_leave_nothing)
{
	int id = make_queue(), full = make_queue();
	volatile int jumps = 0;
	struct message m = { .type = 1 };

	set_qbytes(full, 0);
	on_signal(SIGALRM, jump_out, 0);
	for (; jumps < 200; jumps++) {
		if (sigsetjmp(way_out, 1) != 0)
			continue;
		start_timer(60 + jumps);
		if (jumps % 2 == 0)
			take(id, &m, 9, 0, 0);
		else
			ipc->msgsnd(full, &m, 1, 0);
		must(false);
	}
	set_qbytes(full, MSGMNB);
	must_be(full, 0, 0);
	put(id, 1, "x");
	must_drain(id, "x");
	put(full, 1, "y");
	must_drain(full, "y");
}
END_TEST

/* ---- handlers at a high rate ---- */

/* Once: a handler that takes longer than its timer would let nobody run. */
static void
set_tick(void)
{
	start_timer(20 + ticks % 50);
}

/* Messages of all tokens, whatever is done with them: none is lost. */
#define TOKENS	12

/* Take one and send it on, maybe larger; a full queue is none. */
static void
move_token(int id, unsigned n)
{
	struct message m = { .type = 0 };
	long ask = n % 3 == 0 ? 0 : n % 3 == 1 ? -20 : (long)(n % TOKENS) + 1;
	ssize_t size = take(id, &m, MSGMAX, ask, IPC_NOWAIT);

	if (size == -1) {
		must_eq(errno, ENOMSG);
		return;
	}
	must(m.type >= 1 && m.type <= TOKENS);
	must_be_filled(m.text, (size_t)size, (unsigned)m.type);
	must_eq(try_put_bytes(id, m.type, n * 7 % 600, 0), 0);
}

static unsigned
must_have_all_tokens(int id)
{
	unsigned seen = 0;
	struct message m;

	while (take(id, &m, MSGMAX, 0, IPC_NOWAIT) != -1) {
		must((seen >> m.type & 1) == 0);
		seen |= 1U << m.type;
	}
	must_eq(seen, (1U << (TOKENS + 1)) - 2);
	return seen;
}

static void
call_in_handler(int sig)
{
	int saved = errno;

	(void)sig;
	move_token(the_queue, (unsigned)ticks);
	if (ticks % 4 == 0)
		move_token(the_queue, (unsigned)ticks * 3 + 1);
	if (++ticks < last_tick)
		set_tick();
	errno = saved;
}

static void
call_amid_handlers(void *arg)
{
	the_queue = *(int *)arg;
	last_tick = 1500;
	on_signal(SIGALRM, call_in_handler, SA_RESTART);
	set_tick();
	for (unsigned n = 0; ticks < last_tick; n++)
		move_token(the_queue, n);
	reach(1);
	await(2);
}

static int
make_tokens(void)
{
	int id = make_queue();

	for (long i = 1; i <= TOKENS; i++)
		put_bytes(id, i, 50);
	return id;
}

START_TEST(S17_a_handler_may_call_while_its_thread_is_inside)
{
	int id = make_tokens();
	pid_t pid = spawn(BY_FORK, call_amid_handlers, &id);

	await(1);
	must_have_all_tokens(id);
	reach(2);
	finish(pid);
}
END_TEST

/* What was taken when it jumped is gone; nothing is there twice or torn. */
static void
jump_out_of_calls(void *arg)
{
	static volatile unsigned n;
	int id = *(int *)arg;

	last_tick = 600;
	on_signal(SIGALRM, jump_out, 0);
	sigsetjmp(way_out, 1);
	if (ticks < last_tick)
		set_tick();
	for (; ticks < last_tick; n++) {
		struct message m;

		if (try_put_bytes(id, 1 + n % 5, n * 7 % 600,
		    IPC_NOWAIT) == -1)
			must_eq(errno, EAGAIN);
		if (take(id, &m, MSGMAX, n % 2 ? 0 : -3, IPC_NOWAIT) == -1)
			must_eq(errno, ENOMSG);
	}
	reach(1);
	await(2);		/* alive, and calls nothing any more */
}

START_TEST(S17_after_jumps_out_of_calls_others_get_through)
{
	int id = make_queue();
	pid_t pid = spawn(BY_FORK, jump_out_of_calls, &id);
	unsigned long bytes = 0, n = 0;
	struct msqid_ds ds;
	struct message m;
	ssize_t size;

	await(1);
	ds = stat_of(id);
	while ((size = take(id, &m, MSGMAX, 0, IPC_NOWAIT)) != -1) {
		must_be_filled(m.text, (size_t)size, (unsigned)m.type);
		bytes += (unsigned long)size;
		n++;
	}
	must_eq(ds.msg_qnum, n);
	must_eq(ds.msg_cbytes, bytes);
	must_be(id, 0, 0);
	put_bytes(id, 1, MSGMAX);
	put_bytes(id, 1, MSGMAX);
	reach(2);
	finish(pid);
	must_be(id, 2, MSGMNB);
}
END_TEST

void
add_handler_clauses(TCase *tc)
{
	testing_add_loop(tc, S17_a_handler_may_call_while_its_thread_sleeps,
	    0, 2 * (int)COUNT(handlers));
	testing_add(tc, S17_a_handler_may_make_room_while_its_thread_sleeps);
	testing_add(tc, S17_what_comes_while_a_handler_runs_is_not_lost);
	testing_add(tc, S17_room_that_comes_while_a_handler_runs_is_not_lost);
	testing_add(tc, S17_a_handler_may_remove_the_queue);
	testing_add(tc, S17_a_handler_may_fork);
	testing_add(tc, S17_a_jump_out_of_a_sleep_leaves_no_receiver);
	testing_add(tc, S17_a_jump_out_of_a_sleep_leaves_no_sender);
	testing_add(tc, S17_what_comes_before_the_next_call_is_not_lost);
	testing_add(tc, S17_jumps_by_the_hundred_leave_nothing);
	testing_add(tc, S17_a_handler_may_call_while_its_thread_is_inside);
	testing_add(tc, S17_after_jumps_out_of_calls_others_get_through);
}
