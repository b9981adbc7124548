/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_hostile.c - a peer that may write a set and writes nonsense, over
 * and over: it spoils that set and nothing else.  Whoever uses it ends each
 * call, dies of none, and goes on with other sets.
 */
#include "check_sem.h"

#include <unistd.h>

#include "spoil.h"

/* All kinds of calls on the spoilt set; only their end matters. */
static void
use_spoilt(void *arg)
{
	static unsigned short values[SEMMSL];
	union semun all = { .array = values };
	int id = *(int *)arg;
	struct semid_ds ds;

	alarm(15);		/* a call that does not end is a failure */
	for (int i = 0; i < 60; i++) {
		op(id, 0, 1, 0);
		op_within_ms(id, 0, -1, i % 10 == 0 ? 2 : 0);
		op_within_ms(id, 1, -1, i % 10 == 0 ? 2 : 0);
		op(id, 2, 1, SEM_UNDO);
		op(id, 2, -1, SEM_UNDO | IPC_NOWAIT);
		ipc->semop(id, VECTOR(OP(0, 1, SEM_UNDO),
		    OP(1, 0, IPC_NOWAIT), OP(2, -1, IPC_NOWAIT)));
		control(id, 0, GETVAL);
		control(id, 1, GETNCNT);
		control(id, 2, GETZCNT);
		control(id, 0, GETPID);
		control_val(id, 0, 0);
		if (control_buf(id, IPC_STAT, &ds) == 0 &&
		    ds.sem_nsems <= SEMMSL) {
			ipc->semctl(id, 0, GETALL, all);
			control_buf(id, IPC_SET, &ds);
		}
		control_buf(id % IDS_MAX, SEM_STAT, &ds);
	}
	alarm(0);
}

static void
use_spoilt_while_owing(void *arg)
{
	const int *id = arg;

	add(id[1], 0, -1, SEM_UNDO);
	use_spoilt(arg);
	must_be(id[1], 1, 0);
}

static const struct {
	size_t from, to;
} parts[] = {
	{ 0, 0 }, { 0, 256 }, { 64, 512 }, { 512, 2048 }, { 1024, 8192 },
	{ 2048, 0 },
};

START_TEST(hostile_scribbling_spoils_one_set_alone)
{
	struct scribble s = { .seed = (unsigned)_i,
	    .from = parts[_i % (int)COUNT(parts)].from,
	    .to = parts[_i % (int)COUNT(parts)].to };
	int id[2] = { make_set(3), make_set(2) };
	pid_t pid[3];

	set_value(id[1], 0, 3);
	s.id = id[0];
	pid[0] = spawn(BY_FORK, scribble, &s);
	await(1);
	for (int i = 1; i < 3; i++)
		pid[i] = spawn(BY_FORK, use_spoilt_while_owing, id);
	use_spoilt(id);
	for (int i = 1; i < 3; i++)
		finish(pid[i]);
	must_be(id[1], 0, 3);	/* what they owed is paid */
	reach(2);
	finish(pid[0]);
	must_eq(sleepers_of(id[1]), 0);
	add(id[1], 1, 1, SEM_UNDO);
	control(id[0], 0, IPC_RMID);
	remove_set(make_set(5));
}
END_TEST

START_TEST(hostile_sleepers_in_a_scribbled_set_heed_their_time)
{
	static const struct timespec limit = { 0, 100000000 };
	struct scribble s = { .seed = 99 + (unsigned)_i,
	    .from = parts[_i].from, .to = parts[_i].to };
	struct sleeper nap = { .nops = 1, .ops = { OP(0, -1, SEM_UNDO) },
	    .timeout = &limit };
	pid_t pid[4];

	s.id = nap.id = make_set(3);
	for (nap.who = 0; nap.who < 3; nap.who++) {
		pid[nap.who] = start_sleeper(&nap);
		await_sleep(pid[nap.who]);	/* or it is back already */
	}
	pid[3] = spawn(BY_FORK, scribble, &s);
	for (int i = 0; i < 3; i++)
		while (board->value[i] == 0)
			await_turn();
	end_sleepers(pid, 4);
}
END_TEST

START_TEST(hostile_truncation_under_us_kills_nobody)
{
	int id[2] = { make_set(3), make_set(2) };
	pid_t pid[2];

	set_value(id[1], 0, 3);
	pid[0] = spawn(BY_FORK, truncate_and_grow, id);
	await(1);
	pid[1] = spawn(BY_FORK, use_spoilt_while_owing, id);
	use_spoilt(id);
	finish(pid[1]);
	reach(2);
	finish(pid[0]);
	must_be(id[1], 0, 3);
	remove_set(id[1]);
}
END_TEST

void
add_hostile_tests(TCase *tc)
{
	testing_add_loop(tc, hostile_scribbling_spoils_one_set_alone, 0,
	    2 * (int)COUNT(parts));
	testing_add_loop(tc,
	    hostile_sleepers_in_a_scribbled_set_heed_their_time, 0,
	    (int)COUNT(parts));
	testing_add(tc, hostile_truncation_under_us_kills_nobody);
}
