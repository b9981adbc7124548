/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_safe.c - what a program does around the calls must not matter:
 * handlers that call while their own thread is inside, jumps out of them,
 * closed descriptors, and bounds of the caller's memory.  Clauses S3, S11 and
 * S17 under these.
 */
#include "check_sem.h"

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- handlers at a high rate ---- */

#define TOKENS	12
#define NSEMS	4
#define TICKS	1500

static const unsigned short threes[NSEMS] = { 3, 3, 3, 3 };

static volatile sig_atomic_t the_set, ticks, last_tick;
static sigjmp_buf way_out;

/* Once: a handler that takes longer than its timer would let nobody run. */
static void
set_tick(void)
{
	const struct itimerval soon = { { 0, 0 }, { 0, 20 + ticks % 50 } };

	must_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
}

/* Move a token, if there is one; whatever happens none is lost. */
static void
move_token(int id, unsigned n)
{
	unsigned short from = n % NSEMS, to = (from + 1 + n / 7 % 3) % NSEMS;
	short flags = n % 3 == 0 ? SEM_UNDO : 0;
	struct sembuf ops[4] = {
		{ from, -1, (short)(flags | IPC_NOWAIT) },
		{ to, 1, flags },
		{ to, 2, flags },
		{ to, -2, flags },
	};

	if (ipc->semop(id, ops, n % 5 == 0 ? 4 : 2) == -1)
		must_eq(errno, EAGAIN);
}

/* One semaphore alone, with and without debts: always given back. */
static void
touch(int id, unsigned n)
{
	int flags = n % 2 == 0 ? SEM_UNDO : 0;

	add(id, (int)(n % NSEMS), 1, flags);
	add(id, (int)(n % NSEMS), -1, flags | IPC_NOWAIT);
}

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
call_in_handler(int sig)
{
	int saved = errno;

	(void)sig;
	move_token(the_set, (unsigned)ticks);
	if (ticks % 4 == 0)
		move_token(the_set, (unsigned)ticks * 3 + 1);
	if (ticks % 9 == 0)
		must(value(the_set, 0) <= TOKENS + 2);
	if (++ticks < last_tick)
		set_tick();
	errno = saved;
}

static void
call_amid_handlers(void *arg)
{
	the_set = *(int *)arg;
	last_tick = TICKS;
	on_signal(SIGALRM, call_in_handler, SA_RESTART);
	set_tick();
	for (unsigned n = 0; ticks < TICKS; n++)
		move_token(the_set, n);
	must_eq(tokens(the_set), TOKENS);
	reach(1);
	await(2);
}

START_TEST(S17_a_handler_may_call_while_its_thread_is_inside)
{
	int id = make_of(NSEMS, threes);
	pid_t pid = spawn(BY_FORK, call_amid_handlers, &id);

	await(1);
	must_eq(tokens(id), TOKENS);
	must_eq(sleepers_of(id), 0);
	move_token(id, 1);
	reach(2);
	finish(pid);
}
END_TEST

/* Debts alone, so that in the end everything is as in the beginning. */
static void
owe_in_handler(int sig)
{
	(void)sig;
	must_eq(ipc->semop(the_set, VECTOR(OP(0, 1, SEM_UNDO),
	    OP(1, 2, SEM_UNDO))), 0);
	if (++ticks < last_tick)
		set_tick();
}

static void
owe_amid_handlers(void *arg)
{
	int n = 0;

	the_set = *(int *)arg;
	last_tick = TICKS / 2;
	on_signal(SIGALRM, owe_in_handler, 0);
	set_tick();
	for (; ticks < last_tick; n++)
		touch(the_set, (unsigned)n);
	must_be(the_set, 0, 3 + ticks);
	must_be(the_set, 1, 3 + 2 * ticks);
	reach(1);
	await(2);
}

START_TEST(S17_what_a_handler_owes_is_paid_with_the_rest)
{
	int id = make_of(NSEMS, threes);
	pid_t pid = spawn(BY_FORK, owe_amid_handlers, &id);

	await(1);
	must_be(id, 1, 3 + TICKS);
	kill_and_reap(pid);
	for (int i = 0; i < NSEMS; i++)
		must_be(id, i, 3);
}
END_TEST

static void
call_and_jump(int sig)
{
	(void)sig;
	ticks++;
	if (ticks % 2 == 0)
		move_token(the_set, (unsigned)ticks);
	siglongjmp(way_out, 1);
}

static void
jump_out_of_calls(void *arg)
{
	static volatile unsigned n;

	the_set = *(int *)arg;
	last_tick = 600;
	on_signal(SIGALRM, call_and_jump, 0);
	sigsetjmp(way_out, 1);
	if (ticks < last_tick)
		set_tick();
	while (ticks < last_tick)
		move_token(the_set, n++);
	reach(1);
	await(2);		/* alive, and calls nothing any more */
	must_eq(tokens(the_set), TOKENS);
	reach(3);
	await(4);
}

static long long
now_ms(void)
{
	struct timespec t;

	must_eq(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

START_TEST(S17_after_jumps_out_of_calls_others_get_through)
{
	int id = make_of(NSEMS, threes);
	pid_t pid = spawn(BY_FORK, jump_out_of_calls, &id);
	long long start;

	await(1);
	start = now_ms();
	must_eq(tokens(id), TOKENS);
	for (unsigned n = 0; n < 20; n++)
		move_token(id, n);
	add(id, 0, 1, SEM_UNDO);
	must_eq(op_within_ms(id, 0, -1, 1000), 0);
	must_eq(sleepers_of(id), 0);
	must_eq(tokens(id), TOKENS);
	must(now_ms() - start < 1000);
	reach(2);
	await(3);
	kill_and_reap(pid);
	must(now_ms() - start < 15000);
}
END_TEST

static void
only_jump(int sig)
{
	(void)sig;
	ticks++;
	siglongjmp(way_out, 1);
}

static void
jump_out_of_pairs(void *arg)
{
	int id = *(int *)arg;

	last_tick = 400;
	on_signal(SIGALRM, only_jump, 0);
	sigsetjmp(way_out, 1);
	if (ticks < last_tick)
		set_tick();
	while (ticks < last_tick) {
		must_eq(ipc->semop(id, VECTOR(OP(0, 1, SEM_UNDO),
		    OP(1, 1, SEM_UNDO), OP(2, 1, SEM_UNDO))), 0);
		must_eq(ipc->semop(id, VECTOR(OP(2, -1, SEM_UNDO),
		    OP(1, -1, SEM_UNDO), OP(0, -1, SEM_UNDO))), 0);
	}
	reach(1);
	await(2);
}

START_TEST(S17_a_vector_left_by_a_jump_is_all_or_nothing)
{
	int id = make_set(3), left;
	pid_t pid = spawn(BY_FORK, jump_out_of_pairs, &id);

	await(1);
	left = value(id, 0);	/* of those that were left amid a pair */
	must(left <= 400);
	must_be_3(id, left, left, left);
	kill_and_reap(pid);
	must_be_3(id, 0, 0, 0);
}
END_TEST

/* ---- handlers that do more ---- */

static pid_t forked;

static void
fork_in_handler(int sig)
{
	(void)sig;
	forked = fork();
	must(forked != -1);
}

static void
remove_in_handler(int sig)
{
	(void)sig;
	remove_set(the_set);
}

/* Both go on behind the call that the handler interrupted. */
static void
sleep_and_fork(void *arg)
{
	the_set = *(int *)arg;
	on_signal(SIGUSR1, fork_in_handler, 0);
	must_eq(ipc->semop(the_set, VECTOR(OP(1, 1, SEM_UNDO),
	    OP(0, -1, SEM_UNDO))), -1);
	must_eq(errno, EINTR);
	if (forked != 0 || backend_has(WITHDRAWS_FIRST))
		must_eq(ncnt(the_set, 0), 0);
	add(the_set, 2, 1, 0);
	if (forked == 0)
		_exit(0);
	finish(forked);
	reach(1);
	await(2);
}

START_TEST(S17_a_handler_may_fork)
{
	int id = make_set(3);
	pid_t pid = spawn(BY_FORK, sleep_and_fork, &id);

	await_ncnt(id, 0, 1);
	must_eq(kill(pid, SIGUSR1), 0);
	await(1);
	must_be_3(id, 0, 0, 2);
	add(id, 0, 1, 0);
	must_be_3(id, 1, 0, 2);
	reach(2);
	finish(pid);
	must_be_3(id, 1, 0, 2);
}
END_TEST

static void
sleep_and_remove(void *arg)
{
	the_set = *(int *)arg;
	on_signal(SIGUSR1, remove_in_handler, 0);
	must_eq(op(the_set, 0, -1, SEM_UNDO), -1);
	must_eq(errno, EINTR);
	must_be_gone(the_set);
}

START_TEST(S17_a_handler_may_remove_the_set)
{
	int id = make_set(1);
	pid_t pid = spawn(BY_FORK, sleep_and_remove, &id), other;

	await_ncnt(id, 0, 1);
	other = sleeper(0, id, VECTOR(OP(0, -1, SEM_UNDO)));
	await_ncnt(id, 0, 2);
	must_eq(kill(pid, SIGUSR1), 0);
	finish(pid);
	must_end(0, -EIDRM);
	end_sleepers(&other, 1);
}
END_TEST

static void *
sleep_in_thread(void *arg)
{
	board->value[1] = op(*(int *)arg, 0, -1, SEM_UNDO) == 0 ? DONE :
	    -errno;
	return NULL;
}

static void
use_once(void *arg)
{
	add(*(int *)arg, 1, 1, SEM_UNDO);
	must_eq(ncnt(*(int *)arg, 0), 1);
}

static void
fork_beside_sleeper(void *arg)
{
	int id = *(int *)arg;
	pthread_t thread;

	must_eq(pthread_create(&thread, NULL, sleep_in_thread, arg), 0);
	await_ncnt(id, 0, 1);
	for (int i = 0; i < 10; i++) {
		finish(spawn(i % 2 ? BY_RAW_CLONE : BY_FORK, use_once, arg));
		must_eq(ncnt(id, 0), 1);
	}
	reach(1);
	must_eq(pthread_join(thread, NULL), 0);
	must_eq(board->value[1], DONE);
	await(2);
}

START_TEST(S17_a_fork_beside_a_sleeping_thread_leaves_it_asleep)
{
	int id = make_set(2);
	pid_t pid = spawn(BY_FORK, fork_beside_sleeper, &id);

	await(1);
	must_eq(ncnt(id, 0), 1);
	add(id, 0, 1, 0);
	must_be(id, 0, 0);
	await_value(1, DONE);
	must_be(id, 1, 0);
	reach(2);
	finish(pid);
	must_be(id, 0, 1);
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

static void
await_child(void)
{
	siginfo_t info;

	if (ends_within_fork)
		must_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
}

/* Before the library's own handlers are: they run inside its critical part. */
static __attribute__((constructor)) void
watch_forks(void)
{
	pthread_atfork(NULL, await_child, end_child);
}

static void
never(void *arg)
{
	(void)arg;
	must(false);
}

static void
fork_what_ends_at_once(void *arg)
{
	pthread_t thread;

	must_eq(pthread_create(&thread, NULL, sleep_in_thread, arg), 0);
	await_ncnt(*(int *)arg, 0, 1);
	for (int i = 0; i < 10; i++) {
		ends_within_fork = true;
		finish(spawn(BY_FORK, never, NULL));
		ends_within_fork = false;
		must_eq(ncnt(*(int *)arg, 0), 1);
	}
	add(*(int *)arg, 0, 1, 0);
	must_eq(pthread_join(thread, NULL), 0);
	must_eq(board->value[1], DONE);
}

START_TEST(S17_a_child_that_ends_within_fork_leaves_a_thread_asleep)
{
	int id = make_set(1);

	finish(spawn(BY_FORK, fork_what_ends_at_once, &id));
}
END_TEST

/* ---- descriptors ---- */

static void
round_of_calls(int id)
{
	int own = ipc->semget(IPC_PRIVATE, 3, 0600), key;

	must(own != -1);
	add(own, 0, 2, SEM_UNDO);
	must_eq(ipc->semop(own, VECTOR(OP(0, -1, SEM_UNDO),
	    OP(1, 1, SEM_UNDO))), 0);
	must_error(op_within_ms(own, 2, -1, 1), EAGAIN);
	key = ipc->semget(KEY, 1, IPC_CREAT | 0600);
	must(key != -1);
	must_eq(ipc->semget(KEY, 0, 0), key);
	add(id, 0, 1, 0);
	add(id, 0, -1, 0);
	set_owner(own, geteuid(), getegid(), 0640);
	must_be_3(own, 1, 1, 0);
	must(info(SEM_INFO).semusz >= 2);
	remove_set(own);
	must_be_gone(own);
}

static void
close_all_and_call(void *arg)
{
	int id = *(int *)arg;

	add(id, 0, 1, 0);
	must_eq(close_range(3, ~0U, 0), 0);
	for (int i = 0; i < 3; i++) {
		round_of_calls(id);
		must_eq(close_range(3, ~0U, 0), 0);
	}
	must_eq(op(id, 1, -1, SEM_UNDO), 0);
}

START_TEST(S11_calls_go_on_after_all_descriptors_are_closed)
{
	static const unsigned short values[2] = { 0, 0 };
	int id = make_of(2, values);
	pid_t pid = spawn(BY_FORK, close_all_and_call, &id);

	await_ncnt(id, 1, 1);
	must_be(id, 0, 1);
	add(id, 1, 1, 0);
	finish(pid);
	must_be(id, 1, 1);
}
END_TEST

START_TEST(S11_calls_leave_no_descriptor_behind)
{
	int id = make_set(1), before;

	round_of_calls(id);
	before = open_descriptors();
	for (int i = 0; i < 50; i++)
		round_of_calls(id);
	must_eq(open_descriptors(), before);
}
END_TEST

/* ---- the caller's memory ---- */

START_TEST(S3_a_vector_at_the_end_of_memory_is_read_no_further)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	int id = make_set(100);
	struct sembuf *ops;
	unsigned short *values;

	must(p != MAP_FAILED);
	must_eq(munmap(p + page, page), 0);
	for (size_t n = 1; n <= 70; n++) {
		ops = (struct sembuf *)(void *)(p + page) - n;
		for (size_t i = 0; i < n; i++)
			ops[i] = (struct sembuf)OP((unsigned short)i, 1, 0);
		must_eq(ipc->semop(id, ops, n), 0);
	}
	values = (unsigned short *)(void *)(p + page) - 100;
	get_all(id, values);
	must_eq(values[0], 70);
	must_eq(values[69], 1);
	set_all(id, values);
	must_be(id, 0, 70);
}
END_TEST

START_TEST(S3_an_unaligned_vector_is_as_good)
{
	char bytes[2 * sizeof(struct sembuf) + 1];
	struct sembuf ops[2] = { OP(0, 3, 0), OP(0, -1, SEM_UNDO) };
	void *p = bytes + 1;
	int id = make_set(1);

	memcpy(p, ops, sizeof(ops));
	must_eq(ipc->semop(id, p, 2), 0);
	must_be(id, 0, 2);
}
END_TEST

void
add_safe_clauses(TCase *tc)
{
	testing_add(tc, S17_a_handler_may_call_while_its_thread_is_inside);
	testing_add(tc, S17_what_a_handler_owes_is_paid_with_the_rest);
	testing_add(tc, S17_after_jumps_out_of_calls_others_get_through);
	testing_add(tc, S17_a_vector_left_by_a_jump_is_all_or_nothing);
	testing_add(tc, S17_a_handler_may_fork);
	testing_add(tc, S17_a_handler_may_remove_the_set);
	testing_add(tc,
	    S17_a_fork_beside_a_sleeping_thread_leaves_it_asleep);
	testing_add(tc,
	    S17_a_child_that_ends_within_fork_leaves_a_thread_asleep);
	testing_add(tc, S11_calls_go_on_after_all_descriptors_are_closed);
	testing_add(tc, S11_calls_leave_no_descriptor_behind);
	testing_add(tc, S3_a_vector_at_the_end_of_memory_is_read_no_further);
	testing_add(tc, S3_an_unaligned_vector_is_as_good);
}
