/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_safe.c - what a program does around the calls must not matter:
 * closing every descriptor, calling from signal handlers and jumping out of
 * them.  Clauses H1-H7 under these.
 */
#include "check_shm.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- descriptors ---- */

#define OWN_FDS	60	/* descriptor numbers the program takes */

/* One of every call, on a segment of its own and on `id`. */
static void
round_of_calls(int id)
{
	int own = make_segment(PAGE), key;
	char *p = attach(own), *q = attach_flags(id, NULL, SHM_RDONLY);

	p[0] = 1;
	must_eq(attached(own), 1);
	key = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);
	must(key != -1);
	must_eq(ipc->shmget(KEY, 0, 0), key);
	set_owner(own, geteuid(), getegid(), 0640);
	must(info().used_ids >= 2);
	detach(q);
	remove_segment(own);
	must_eq(stat_of(own).shm_perm.mode, 01640);
	detach(p);
	must_be_gone(own);
}

static void
close_all_and_call(void *arg)
{
	int id = *(int *)arg;
	char *p = attach(id);

	must_eq(close_range(3, ~0U, 0), 0);
	p[0]++;
	for (int i = 0; i < 3; i++) {
		round_of_calls(id);
		must_eq(close_range(3, ~0U, 0), 0);
	}
	reach(1);
	await(2);
}

START_TEST(H4_calls_go_on_after_all_descriptors_are_closed)
{
	int id = make_segment(PAGE);
	char *p = attach(id);
	pid_t pid = spawn(BY_FORK, close_all_and_call, &id);

	await(1);
	must_eq(attached(id), 3);
	must_eq(p[0], 1);
	reach(2);
	finish(pid);
	must_eq(attached(id), 1);
}
END_TEST

static void
close_all_and_fork(void *arg)
{
	int id = *(int *)arg;
	pid_t pid;

	attach(id);
	must_eq(close_range(3, ~0U, 0), 0);
	pid = spawn(BY_FORK, close_all_and_call, &id);
	await(1);
	must_eq(attached(id), 3);
	kill_and_reap(pid);
	must_eq(attached(id), 1);
	reach(2);
	await(99);
}

START_TEST(H6_a_child_of_one_that_closed_all_counts_and_ends)
{
	int id = make_segment(PAGE);
	pid_t pid = spawn(BY_FORK, close_all_and_fork, &id);

	await(2);
	must_eq(attached(id), 1);
	kill_and_reap(pid);
	must_eq(attached(id), 0);
	remove_segment(id);
	must_be_gone(id);
}
END_TEST

static void
close_all_before_the_first_call(void *arg)
{
	must_eq(close_range(0, ~0U, 0), 0);
	round_of_calls(*(int *)arg);
}

START_TEST(H4_the_first_call_may_come_after_all_descriptors_are_closed)
{
	int id = make_segment(PAGE);

	finish(spawn(BY_FORK, close_all_before_the_first_call, &id));
	must_eq(attached(id), 0);
}
END_TEST

/* The program's own files, on the numbers below OWN_FDS. */
static void
open_own_files(struct stat *st)
{
	char path[] = "/dev/shm/mipc-own-XXXXXX";
	int fd;

	if (access("/dev/shm", W_OK) == -1)
		memcpy(path, "/tmp/mipc-own-own-XXXXXX", sizeof(path));
	fd = mkostemp(path, O_CLOEXEC);
	must(fd != -1);
	must_eq(unlink(path), 0);
	for (int i = 0; i < OWN_FDS; i++) {
		if (i != fd)
			must_eq(dup3(fd, i, i % 2 ? O_CLOEXEC : 0), i);
		must_eq(fstat(i, &st[i]), 0);
	}
	must_eq(write(fd, "own", 3), 3);
}

static void
must_be_intact(const struct stat *st)
{
	struct flock lock = { .l_type = F_WRLCK };
	struct stat now;

	for (int i = 0; i < OWN_FDS; i++) {
		must_eq(fstat(i, &now), 0);
		must(now.st_ino == st[i].st_ino && now.st_dev == st[i].st_dev);
		must_eq(now.st_size, 3);
		must_eq(lseek(i, 0, SEEK_CUR), 3);
		must_eq(fcntl(i, F_GETFL) & O_ACCMODE, O_RDWR);
	}
	must_eq(fcntl(5, F_OFD_GETLK, &lock), 0);
	must_eq(lock.l_type, F_UNLCK);
}

static void
take_all_numbers(void *arg)
{
	static struct stat st[OWN_FDS];
	int id = *(int *)arg;
	pid_t pid;

	attach(id);
	must_eq(close_range(0, ~0U, 0), 0);
	open_own_files(st);
	for (int i = 0; i < 3; i++) {
		round_of_calls(id);
		must_be_intact(st);
	}
	pid = spawn(BY_FORK, close_all_before_the_first_call, &id);
	finish(pid);
	must_be_intact(st);
	/* Whatever the library opened meanwhile goes, and the files stay. */
	must_eq(close_range(OWN_FDS, ~0U, 0), 0);
	round_of_calls(id);
	must_be_intact(st);
}

START_TEST(H4_no_descriptor_number_of_the_program_is_touched)
{
	int id = make_segment(PAGE);

	finish(spawn(BY_FORK, take_all_numbers, &id));
	must_eq(attached(id), 0);
}
END_TEST

START_TEST(H4_calls_leave_no_descriptor_behind)
{
	int id = make_segment(PAGE), before;

	round_of_calls(id);
	before = open_descriptors();
	for (int i = 0; i < 50; i++)
		round_of_calls(id);
	must_eq(open_descriptors(), before);
	detach(attach(id));
	must_eq(open_descriptors(), before);
}
END_TEST

static void
call_without_standard_streams(void *arg)
{
	struct stat st;

	must_eq(close_range(0, 2, 0), 0);
	round_of_calls(*(int *)arg);
	for (int i = 0; i < 3; i++)
		must_error(fstat(i, &st), EBADF);
}

START_TEST(H4_the_standard_streams_are_not_taken)
{
	int id = make_segment(PAGE);

	finish(spawn(BY_FORK, call_without_standard_streams, &id));
}
END_TEST

/* ---- signal handlers ---- */

#define HANDLERS	400

static volatile sig_atomic_t handled, handler_id;

/* Once: a handler that takes longer than its timer would let nobody run. */
static void
tick(void)
{
	const struct itimerval soon = { { 0, 0 }, { 0, 150 } };

	must_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
}

static void
call_in_handler(int sig)
{
	int saved = errno, id;
	char *p;

	(void)sig;
	p = attach(handler_id);
	p[0]++;
	stat_of(handler_id);
	detach(p);
	id = make_segment(PAGE);
	remove_segment(id);
	if (++handled < HANDLERS)
		tick();
	errno = saved;
}

START_TEST(H4_handlers_may_call_while_their_thread_is_inside)
{
	struct sigaction sa = { .sa_handler = call_in_handler,
	    .sa_flags = SA_RESTART };
	int id = make_segment(PAGE), other = make_segment(PAGE), own;

	handler_id = id;
	must_eq(sigaction(SIGALRM, &sa, NULL), 0);
	tick();
	while (handled < HANDLERS) {
		char *p = attach(id), *q = attach(other);

		own = make_segment(PAGE);
		must(attached(id) == 1);
		remove_segment(own);
		detach(p);
		must_eq(attached(other), 1);
		detach(q);
	}
	must_eq(attached(id), 0);
	must_eq(attached(other), 0);
	must_eq(info().used_ids, 2);
	must(*(char *)attach(id) == (char)handled);
}
END_TEST

static sigjmp_buf out_of_handler;

static void
leave_handler(int sig)
{
	(void)sig;
	handled++;
	siglongjmp(out_of_handler, 1);
}

START_TEST(H4_a_handler_may_jump_out_of_a_call)
{
	struct sigaction sa = { .sa_handler = leave_handler };
	const struct itimerval soon = { { 0, 0 }, { 0, 90 } };
	int id = make_segment(PAGE);
	volatile int jumps = 0;

	must_eq(sigaction(SIGALRM, &sa, NULL), 0);
	for (; jumps < 200; jumps++) {
		if (sigsetjmp(out_of_handler, 1) != 0)
			continue;
		must_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
		for (;;)
			stat_of(id);
	}
	must_eq(handled, 200);
	/* Nothing is left locked: others and this process go on. */
	finish(spawn(BY_FORK, close_all_before_the_first_call, &id));
	round_of_calls(id);
	must_eq(attached(id), 0);
}
END_TEST

void
add_safe_clauses(TCase *tc)
{
	testing_add(tc, H4_calls_go_on_after_all_descriptors_are_closed);
	testing_add(tc,
	    H4_the_first_call_may_come_after_all_descriptors_are_closed);
	testing_add(tc, H4_no_descriptor_number_of_the_program_is_touched);
	testing_add(tc, H4_calls_leave_no_descriptor_behind);
	testing_add(tc, H4_the_standard_streams_are_not_taken);
	testing_add(tc, H4_handlers_may_call_while_their_thread_is_inside);
	testing_add(tc, H4_a_handler_may_jump_out_of_a_call);
	testing_add(tc, H6_a_child_of_one_that_closed_all_counts_and_ends);
}
