/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_fault.c - damaged sets, handles that come and go, and no space: a
 * clear error each time, for the set that is damaged and for nothing else;
 * nobody hangs or dies.
 */
#include "check_sem.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "mipc.h"

/* ---- damage ---- */

static void
try_all_calls(void *arg)
{
	unsigned short values[8] = { 0 };
	union semun all = { .array = values };
	struct semid_ds ds;
	int id = *(int *)arg;

	op(id, 0, 1, 0);
	op(id, 1, 1, SEM_UNDO);
	op_within_ms(id, 0, -1, 5);
	ipc->semop(id, VECTOR(OP(1, -1, IPC_NOWAIT | SEM_UNDO),
	    OP(0, 1, SEM_UNDO)));
	op_within_ms(id, 2, -1, 5);
	for (int cmd = GETPID; cmd <= GETZCNT; cmd++)
		if (cmd != GETALL)
			control(id, 0, cmd);
	if (control_buf(id, IPC_STAT, &ds) == 0) {
		if (ds.sem_nsems <= COUNT(values)) {
			ipc->semctl(id, 0, GETALL, all);
			memset(values, 0, sizeof(values));
			ipc->semctl(id, 0, SETALL, all);
		}
		control_buf(id, IPC_SET, &ds);
	}
	control_val(id, 0, 1);
	control_buf(id % IDS_MAX, SEM_STAT, &ds);
	control_buf(0, SEM_INFO, &ds);
	ipc->semget(KEY, 0, 0);
	control(id, 0, IPC_RMID);
}

static int
make_owed(void)
{
	int id = make_set(3);

	add(id, 0, 3, SEM_UNDO);
	return id;
}

static int
make_other(void)
{
	int id = ipc->semget(KEY, 2, IPC_CREAT | 0600);

	must(id != -1);
	set_value(id, 0, 7);
	return id;
}

static void
use_other(void *arg)
{
	int id = *(int *)arg;

	must_be(id, 0, 7);
	add(id, 0, 1, SEM_UNDO);
	must_eq(ipc->semop(id, VECTOR(OP(0, -1, SEM_UNDO), OP(1, 1, 0),
	    OP(1, -1, 0))), 0);
	must_error(op_within_ms(id, 1, -1, 2), EAGAIN);
}

static void
must_be_damaged(int id, bool absent)
{
	struct semid_ds ds;

	must_be_refused(op(id, 0, 1, 0), absent);
	must_be_refused(op(id, 0, -1, SEM_UNDO), absent);
	must_be_refused(control(id, 0, GETVAL), absent);
	must_be_refused(control_val(id, 0, 1), absent);
	must_be_refused(control_buf(id, IPC_STAT, &ds), absent);
}

static off_t
anywhere(unsigned number, off_t size)
{
	return rand() % (number % 2 ? 1024 : (int)size);
}

const struct faults faults = {
	make_other, use_other, make_owed, try_all_calls, must_be_damaged,
	anywhere
};

START_TEST(fault_sleepers_in_a_damaged_set_can_be_ended)
{
	static const struct timespec limit = { 1, 500000000 };
	struct sleeper s = { .nops = 1, .ops = { OP(0, -1, SEM_UNDO) },
	    .timeout = &limit };
	int id = make_set(3), other = make_other();
	pid_t pid[2];

	s.id = id;
	for (s.who = 0; s.who < 2; s.who++) {
		pid[s.who] = start_sleeper(&s);
		await_ncnt(id, 0, s.who + 1);
	}
	damage(file_of_one(id), (enum damage)_i);
	alarm(8);
	finish(spawn(BY_FORK, try_all_calls, &id));
	kill_and_reap(pid[0]);
	while (board->value[1] == 0)
		await_turn();
	must(board->value[1] < 0 || board->value[1] == DONE);
	end_sleepers(pid + 1, 1);
	use_other(&other);
}
END_TEST

/* ---- handles ---- */

/* Handles are closed and opened, the last one too: it owes all the same. */
static void
close_while_owing(void *arg)
{
	const int *id = arg;

	add(id[0], 0, -1, SEM_UNDO);
	if (board->value[0] != 0)
		must_eq(mipc_close(backend_ns()), 0);
	reach(1);
	await(2);
	backend_reopen(testing_dir);
	add(id[0], 0, -1, SEM_UNDO);
	must_be(id[0], 0, 5);
	backend_reopen(testing_dir);
	add(id[0], 0, -1, SEM_UNDO);
	must_eq(mipc_close(backend_ns()), 0);
	reach(3);
	await(4);
}

START_TEST(handles_do_not_matter_to_debts)
{
	int id = make_other();
	pid_t pid;

	board->value[0] = _i / 2;
	pid = spawn(BY_FORK, close_while_owing, &id);
	await(1);
	must_be(id, 0, 6);
	must_error(op(id, 0, -7, IPC_NOWAIT), EAGAIN);
	reach(2);
	await(3);
	must_be(id, 0, 4);
	if (_i % 2 == 0)
		kill(pid, SIGKILL);
	reach(4);
	must_eq(waitpid(pid, NULL, 0), pid);
	must_be(id, 0, 7);
}
END_TEST

static void
owe_and_destroy(void *arg)
{
	char dir[PATH_MAX + 8];

	(void)arg;
	snprintf(dir, sizeof(dir), "%s/own", testing_dir);
	for (int i = 0; i < 3; i++) {
		struct mipc_ns *ns = mipc_open(dir, MIPC_CREAT);
		struct sembuf give = OP(0, 1, SEM_UNDO);
		int id;

		must(ns != NULL);
		id = mipc_semget(ns, KEY, 1, IPC_CREAT | IPC_EXCL | 0600);
		must(id != -1);
		must_eq(mipc_semop(ns, id, &give, 1), 0);
		must_eq(mipc_close(ns), 0);
		must_eq(mipc_destroy(dir), 0);
	}
}

START_TEST(a_debtor_may_destroy_and_begin_anew)
{
	finish(spawn(BY_FORK, owe_and_destroy, NULL));
}
END_TEST

/* ---- no space ---- */

START_TEST(space_used_up_is_ENOSPC_and_given_back)
{
	static const int sizes[] = { 1, SEMMSL };
	struct statvfs before;
	int id[100], n = 0;

	move_to_small_filesystem();
	remove_set(make_set(sizes[_i]));	/* what the first call takes */
	before = space();
	while (n < 100 && (id[n] = ipc->semget(KEY + n, sizes[_i],
	    IPC_CREAT | IPC_EXCL | 0600)) != -1)
		n++;
	must(n >= 3 && n < 100);
	must_eq(errno, ENOSPC);
	must_error(ipc->semget(KEY + n, 0, 0), ENOENT);
	must_eq(info(SEM_INFO).semusz, n);
	must_eq(info(SEM_INFO).semaem, n * sizes[_i]);
	for (int i = 0; i < n; i++) {
		must_eq(ipc->semget(KEY + i, 0, 0), id[i]);
		remove_set(id[i]);
	}
	must_eq(space().f_bavail, before.f_bavail);
	must_eq(space().f_favail, before.f_favail);
}
END_TEST

static void
owe_on_full_disk(void *arg)
{
	int id = *(int *)arg;
	struct sembuf ops[SEMOPM];

	for (int i = 0; i < SEMOPM; i++)
		ops[i] = (struct sembuf)OP((unsigned short)(i * 60), 1,
		    SEM_UNDO);
	if (ipc->semop(id, ops, SEMOPM) == -1) {
		must(errno == ENOSPC || errno == ENOMEM);
		must_be(id, 0, 0);
	} else {
		must_be(id, 0, 1);
	}
	add(id, 1, 1, 0);
	reach(1);
	await(2);
}

START_TEST(space_promised_to_a_set_is_there_on_a_full_filesystem)
{
	pid_t pid[2];
	int id;

	move_to_small_filesystem();
	id = make_set(SEMMSL);
	must(fill_space() > 0);
	pid[0] = spawn(BY_FORK, owe_on_full_disk, &id);	/* no SIGBUS */
	pid[1] = sleeper(5, id, VECTOR(OP(2, -1, 0)));
	await(1);
	await_ncnt(id, 2, 1);
	add(id, 2, 1, 0);
	must_end(5, DONE);
	kill_and_reap(pid[0]);
	kill_and_reap(pid[1]);
	must_be(id, 0, 0);
	must_be(id, 1, 1);
	remove_set(id);
}
END_TEST

START_TEST(space_beyond_the_file_size_limit_is_an_error)
{
	const struct rlimit small = { 64 << 10, 64 << 10 };

	remove_set(make_set(1));	/* what the first call makes */
	must(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	must_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	must(ipc->semget(KEY, SEMMSL, IPC_CREAT | 0600) == -1);
	must(errno == ENOSPC || errno == ENOMEM || errno == EFBIG);
	must_error(ipc->semget(KEY, 0, 0), ENOENT);
	must_eq(count_files("sem.") + count_files("key."), 0);
	must_eq(info(SEM_INFO).semaem, 0);
}
END_TEST

void
add_fault_tests(TCase *tc)
{
	add_common_fault_tests(tc);
	testing_add_loop(tc, fault_sleepers_in_a_damaged_set_can_be_ended, 0,
	    DAMAGES);
	testing_add_loop(tc, handles_do_not_matter_to_debts, 0, 4);
	testing_add(tc, a_debtor_may_destroy_and_begin_anew);
	testing_add_loop(tc, space_used_up_is_ENOSPC_and_given_back, 0, 2);
	testing_add(tc,
	    space_promised_to_a_set_is_there_on_a_full_filesystem);
	testing_add(tc, space_beyond_the_file_size_limit_is_an_error);
}
