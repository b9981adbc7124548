/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_end.c - the ways in which a debtor ends, and exec, which is none:
 * clauses S11 and S12.
 */
#include "check_sem.h"

#include <sys/wait.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- ways to end ---- */

static void
end_by_exit(void)
{
	exit(0);
}

static void
end_by_signal(void)
{
	signal(SIGTERM, SIG_DFL);
	raise(SIGTERM);
}

static void
end_by_sigkill(void)
{
	raise(SIGKILL);
}

static void
end_by_execed_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
}

static void
end_by_last_thread(void)
{
	pthread_exit(NULL);
}

static void *
kill_process(void *arg)
{
	raise(SIGKILL);
	return arg;
}

static void
end_by_other_thread(void)
{
	pthread_t thread;

	must_eq(pthread_create(&thread, NULL, kill_process, NULL), 0);
	for (;;)
		pause();
}

static void
end_with_descriptors_closed(void)
{
	must_eq(close_range(0, ~0U, 0), 0);
	_exit(0);
}

static void
die_with_descriptors_closed(void)
{
	must_eq(close_range(0, ~0U, 0), 0);
	raise(SIGKILL);
}

static void
end_as_zombie(void)
{
	_exit(0);
}

static void (*const ends[])(void) = {
	end_by_exit, end_by_signal, end_by_sigkill, end_by_execed_program,
	end_by_last_thread, end_by_other_thread,
	end_with_descriptors_closed, die_with_descriptors_closed,
	end_as_zombie,
};

struct ending {
	int id;
	void (*end)(void);
};

static void
owe_and_end(void *arg)
{
	const struct ending *e = arg;

	add(e->id, 0, -1, SEM_UNDO);
	add(e->id, 1, 5, SEM_UNDO);
	reach(1);
	await(2);
	e->end();
	for (;;)
		pause();
}

static const unsigned short one_zero[2] = { 1, 0 };

START_TEST(S11_however_it_ends_it_pays)
{
	struct ending e = { make_of(2, one_zero), ends[_i] };
	pid_t pid = spawn(BY_FORK, owe_and_end, &e);

	await(1);
	must_be(e.id, 0, 0);
	reach(2);
	must_eq(waitpid(pid, NULL, 0), pid);
	must_be(e.id, 0, 1);
	must_be(e.id, 1, 0);
	must_eq(last_pid(e.id, 0), pid);
}
END_TEST

START_TEST(S11_however_it_ends_a_sleeper_goes_on)
{
	struct ending e = { make_of(2, one_zero), ends[_i] };
	pid_t pid = spawn(BY_FORK, owe_and_end, &e), waiting;

	await(1);
	waiting = sleeper(0, e.id, VECTOR(OP(0, -1, SEM_UNDO), OP(1, 0, 0)));
	await_ncnt(e.id, 0, 1);
	reach(2);
	must_end(0, DONE);	/* before anybody has waited for the dead */
	must_be(e.id, 0, 0);
	must_be(e.id, 1, 0);
	must_eq(waitpid(pid, NULL, 0), pid);
	must_eq(last_pid(e.id, 0), waiting);
	kill_and_reap(waiting);
	must_be(e.id, 0, 1);
}
END_TEST

static void
close_all_and_live(void *arg)
{
	add(*(int *)arg, 0, -1, SEM_UNDO);
	must_eq(close_range(3, ~0U, 0), 0);
	reach(1);
	await(2);
	add(*(int *)arg, 1, 1, SEM_UNDO);
	must_eq(close_range(3, ~0U, 0), 0);
	reach(3);
	await(4);
}

START_TEST(S11_closing_all_descriptors_is_no_end)
{
	int id = make_of(2, one_zero);
	pid_t pid = spawn(BY_FORK, close_all_and_live, &id);

	await(1);
	must_be(id, 0, 0);
	must_error(op(id, 0, -1, IPC_NOWAIT), EAGAIN);
	reach(2);
	await(3);
	must_be(id, 0, 0);
	must_be(id, 1, 1);
	kill_and_reap(pid);
	must_be(id, 0, 1);
	must_be(id, 1, 0);
}
END_TEST

/* ---- exec ---- */

struct image {
	int id;
	const char *role, *dir;
	bool in_thread;
};

static void *
become_image(void *arg)
{
	const struct image *image = arg;
	static char id[20];

	for (int n = image->id, i = 18; i >= 0 && (n > 0 || i == 18); i--) {
		memmove(id + 1, id, 18);
		id[0] = (char)('0' + n % 10);
		n /= 10;
	}
	exec_role(image->role, image->dir, id);
}

static void
owe_and_exec(void *arg)
{
	const struct image *image = arg;
	pthread_t thread;

	add(image->id, 0, -3, SEM_UNDO);
	add(image->id, 1, 1, SEM_UNDO);
	reach(1);
	if (image->in_thread) {
		must_eq(pthread_create(&thread, NULL, become_image, arg), 0);
		pthread_join(thread, NULL);
	}
	become_image(arg);
}

static const unsigned short fives[2] = { 5, 5 };

START_TEST(S12_exec_keeps_debts)
{
	struct image image = { make_of(2, fives), "linger", "-", _i == 1 };
	pid_t pid = spawn(BY_FORK, owe_and_exec, &image);

	await(2);		/* the new image runs */
	must_be(image.id, 0, 2);
	must_be(image.id, 1, 6);
	must_error(op(image.id, 0, -3, IPC_NOWAIT), EAGAIN);
	if (_i == 1) {
		kill_and_reap(pid);
	} else {
		reach(3);
		finish(pid);
	}
	must_be(image.id, 0, 5);
	must_be(image.id, 1, 5);
}
END_TEST

START_TEST(S12_a_sleeper_goes_on_when_the_new_image_ends)
{
	struct image image = { make_of(2, fives), "linger", "-", false };
	pid_t pid = spawn(BY_FORK, owe_and_exec, &image), waiting;

	await(1);
	waiting = sleeper(0, image.id, VECTOR(OP(0, -5, 0)));
	await(2);
	await_ncnt(image.id, 0, 1);
	must_sleep(0);
	kill_and_reap(pid);
	must_end(0, DONE);
	end_sleepers(&waiting, 1);
	must_be(image.id, 0, 0);
	must_be(image.id, 1, 5);
}
END_TEST

START_TEST(S12_the_new_image_goes_on_with_its_debts)
{
	struct image image = { make_of(2, fives), "go-on", backend_place(),
	    false };
	pid_t pid;

	if (!backend_has(OUTLIVES_EXEC))
		testing_skip("%s store: what is exec'ed cannot reach it "
		    "(mipc(7))", ipc->name);
	pid = spawn(BY_FORK, owe_and_exec, &image);
	await(2);
	must_be(image.id, 0, 4);
	must_be(image.id, 1, 5);
	reach(3);
	finish(pid);
	must_be(image.id, 0, 5);
	must_be(image.id, 1, 5);
}
END_TEST

static void
only_owe(void *arg)
{
	add(*(int *)arg, 1, -1, SEM_UNDO);
	board->value[0] = 1;
	await_value(1, 1);
}

/* Another debtor of its old uid died meanwhile, and it looked. */
static void
owe_drop_and_exec(void *arg)
{
	const struct image *image = arg;
	int id = image->id;
	pid_t pid = spawn(BY_FORK, only_owe, &id);

	await_value(0, 1);
	add(id, 0, -3, SEM_UNDO);
	become(&worker);
	board->value[1] = 1;
	finish(pid);
	must_be(id, 1, 5);
	must_be(id, 0, 2);
	become_image(arg);
}

START_TEST(S12_exec_keeps_debts_of_one_that_took_other_ids)
{
	struct image image = { make_of(2, fives), "linger", "-", false };
	pid_t pid;

	need_root();
	set_owner(image.id, 0, 0, 0666);
	pid = spawn(BY_FORK, owe_drop_and_exec, &image);
	await(2);
	must_be(image.id, 0, 2);
	reach(3);
	finish(pid);
	must_be(image.id, 0, 5);
}
END_TEST

static void *
sleep_in_thread(void *arg)
{
	op(*(int *)arg, 0, -9, SEM_UNDO);
	must(false);
	return NULL;
}

static void
exec_beside_a_sleeper(void *arg)
{
	const struct image *image = arg;
	static int id;
	pthread_t thread;

	id = image->id;
	must_eq(pthread_create(&thread, NULL, sleep_in_thread, &id), 0);
	await_ncnt(id, 0, 1);
	become_image(arg);
}

START_TEST(S12_exec_withdraws_what_slept)
{
	struct image image = { make_of(2, fives), "linger", "-", false };
	pid_t pid = spawn(BY_FORK, exec_beside_a_sleeper, &image);

	await(2);
	must_eq(ncnt(image.id, 0), 0);
	add(image.id, 0, 4, 0);
	must_be(image.id, 0, 9);
	reach(3);
	finish(pid);
	must_be(image.id, 0, 9);
}
END_TEST

void
add_end_clauses(TCase *tc)
{
	testing_add_loop(tc, S11_however_it_ends_it_pays, 0,
	    (int)COUNT(ends));
	testing_add_loop(tc, S11_however_it_ends_a_sleeper_goes_on, 0,
	    (int)COUNT(ends));
	testing_add(tc, S11_closing_all_descriptors_is_no_end);
	testing_add_loop(tc, S12_exec_keeps_debts, 0, 2);
	testing_add(tc, S12_exec_keeps_debts_of_one_that_took_other_ids);
	testing_add(tc, S12_a_sleeper_goes_on_when_the_new_image_ends);
	testing_add(tc, S12_the_new_image_goes_on_with_its_debts);
	testing_add(tc, S12_exec_withdraws_what_slept);
}
