/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_op.c - what a vector of operations does when nobody has to wait,
 * and what is asked in which order: clauses S2, S3 and S13.
 */
#include "check_sem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the order of the checks ---- */

#define NSEMS	3
#define NO_SET	12345		/* an id that names nothing */
#define ANY	0		/* the id of a set of three */

enum limit { FOREVER, AT_ONCE, NEGATIVE, TOO_MANY_NS, NEGATIVE_NS };

static const struct timespec limits[] = {
	[AT_ONCE] = { 0, 0 },
	[NEGATIVE] = { -1, 0 },
	[TOO_MANY_NS] = { 0, 1000000000 },
	[NEGATIVE_NS] = { 1, -1 },
};

static const struct check_row {
	int id;
	size_t nops;
	enum limit limit;
	struct sembuf op;	/* all of them alike */
	bool null;		/* no ops are given */
	int error;
} check_rows[] = {
	{ ANY, 0, FOREVER, OP(0, 1, 0), false, EINVAL },
	{ ANY, 0, AT_ONCE, OP(0, 1, 0), false, EINVAL },
	{ ANY, 0, FOREVER, OP(0, 1, 0), true, EINVAL },
	{ NO_SET, 0, FOREVER, OP(0, 1, 0), false, EINVAL },
	{ ANY, SEMOPM + 1, FOREVER, OP(0, 1, 0), false, E2BIG },
	{ ANY, SEMOPM + 1, NEGATIVE, OP(0, 1, 0), false, E2BIG },
	{ ANY, SEMOPM + 1, FOREVER, OP(9, 1, 0), false, E2BIG },
	{ ANY, SEMOPM + 1, FOREVER, OP(0, 1, 0), true, E2BIG },
	{ ANY, INT_MAX, FOREVER, OP(0, 1, 0), false, E2BIG },
	{ NO_SET, SEMOPM + 1, FOREVER, OP(0, 1, 0), false, E2BIG },
	{ -1, SEMOPM + 1, FOREVER, OP(0, 1, 0), false, E2BIG },
	{ ANY, 1, FOREVER, OP(0, 1, 0), true, EFAULT },
	{ NO_SET, 1, FOREVER, OP(0, 1, 0), true, EFAULT },
	{ -1, 1, FOREVER, OP(0, 1, 0), true, EFAULT },
	{ ANY, 1, NEGATIVE, OP(0, 1, 0), true, EFAULT },
	{ ANY, 1, NEGATIVE, OP(0, 1, 0), false, EINVAL },
	{ ANY, 1, TOO_MANY_NS, OP(0, 1, 0), false, EINVAL },
	{ ANY, 1, NEGATIVE_NS, OP(0, 1, 0), false, EINVAL },
	{ ANY, 1, NEGATIVE, OP(0, -1, IPC_NOWAIT), false, EINVAL },
	{ ANY, 1, NEGATIVE, OP(3, 1, 0), false, EINVAL },
	{ NO_SET, 1, FOREVER, OP(0, 1, 0), false, EINVAL },
	{ NO_SET, 1, FOREVER, OP(9, 1, 0), false, EINVAL },
	{ NO_SET, 1, AT_ONCE, OP(0, -1, 0), false, EINVAL },
	{ -1, 1, FOREVER, OP(0, 1, 0), false, EINVAL },
	{ ANY, 1, FOREVER, OP(3, 1, 0), false, EFBIG },
	{ ANY, 1, FOREVER, OP(3, 0, 0), false, EFBIG },
	{ ANY, 1, FOREVER, OP(3, -1, IPC_NOWAIT), false, EFBIG },
	{ ANY, 1, FOREVER, OP(65535, -1, SEM_UNDO), false, EFBIG },
	{ ANY, 1, AT_ONCE, OP(0x7fff, -1, 0), false, EFBIG },
	{ ANY, SEMOPM, FOREVER, OP(3, 1, 0), false, EFBIG },
	{ ANY, 1, FOREVER, OP(0, -1, IPC_NOWAIT), false, EAGAIN },
	{ ANY, 1, AT_ONCE, OP(0, -1, 0), false, EAGAIN },
	{ ANY, 1, FOREVER, OP(0, -32768, IPC_NOWAIT), false, EAGAIN },
};

START_TEST(S2_the_checks_come_in_this_order)
{
	const struct check_row *row = &check_rows[_i];
	struct sembuf ops[SEMOPM + 1];
	int set = make_set(NSEMS), id = row->id == ANY ? set : row->id;
	struct sembuf *given = row->null ? NULL : ops;

	for (int i = 0; i <= SEMOPM; i++)
		ops[i] = row->op;
	if (row->limit == FOREVER)
		must_error(ipc->semop(id, given, row->nops), row->error);
	must_error(ipc->semtimedop(id, given, row->nops,
	    row->limit == FOREVER ? NULL : &limits[row->limit]), row->error);
	must_be_3(set, 0, 0, 0);
	must_eq(last_pid(set, 0), 0);
	must_eq(stat_of(set).sem_otime, 0);
}
END_TEST

START_TEST(S2_one_wrong_number_anywhere_is_EFBIG)
{
	struct sembuf ops[SEMOPM];
	int id = make_set(NSEMS);

	for (int i = 0; i < SEMOPM; i++)
		ops[i] = (struct sembuf)OP(0, i == 0 ? -1 : 1, IPC_NOWAIT);
	for (int at = 0; at < SEMOPM; at += 83) {
		ops[at].sem_num = NSEMS;
		must_error(ipc->semop(id, ops, SEMOPM), EFBIG);
		ops[at].sem_num = 0;
	}
	must_be_3(id, 0, 0, 0);
}
END_TEST

/* ---- vectors ---- */

#define WAITS	-1	/* it would sleep; with no time to, EAGAIN */
#define UNDO	SEM_UNDO
#define NOW	IPC_NOWAIT

static const struct vector_row {
	int before[3];
	struct sembuf ops[4];
	size_t nops;
	int error;
	int after[3];
} vector_rows[] = {
	{ { 0, 0, 0 }, { OP(0, 1, 0) }, 1, 0, { 1, 0, 0 } },
	{ { 5, 0, 0 }, { OP(0, -5, 0) }, 1, 0, { 0, 0, 0 } },
	{ { 0, 0, 0 }, { OP(2, SEMVMX, 0) }, 1, 0, { 0, 0, SEMVMX } },
	{ { 0, 0, 0 }, { OP(1, 0, 0) }, 1, 0, { 0, 0, 0 } },
	{ { 4, 0, 0 }, { OP(0, -5, 0) }, 1, WAITS, { 4, 0, 0 } },
	{ { 0, 0, 1 }, { OP(2, 0, 0) }, 1, WAITS, { 0, 0, 1 } },
	{ { 0, 0, 1 }, { OP(2, 0, NOW) }, 1, EAGAIN, { 0, 0, 1 } },
	{ { 0, 0, 1 }, { OP(2, -2, NOW) }, 1, EAGAIN, { 0, 0, 1 } },
	/* Running values, in array order. */
	{ { 0, 0, 0 }, { OP(0, 1, 0), OP(0, -1, 0) }, 2, 0, { 0, 0, 0 } },
	{ { 0, 0, 0 }, { OP(0, -1, 0), OP(0, 1, 0) }, 2, WAITS, { 0, 0, 0 } },
	{ { 1, 0, 0 }, { OP(0, -1, 0), OP(0, 0, 0), OP(0, 1, 0) }, 3, 0,
	    { 1, 0, 0 } },
	{ { 0, 0, 0 }, { OP(0, 0, 0), OP(0, 1, 0) }, 2, 0, { 1, 0, 0 } },
	{ { 0, 0, 0 }, { OP(0, 1, 0), OP(0, 0, 0) }, 2, WAITS, { 0, 0, 0 } },
	{ { 2, 0, 0 }, { OP(0, -1, 0), OP(0, -1, 0), OP(0, 0, 0),
	    OP(0, 7, 0) }, 4, 0, { 7, 0, 0 } },
	{ { 1, 0, 0 }, { OP(0, -1, 0), OP(0, -1, 0) }, 2, WAITS,
	    { 1, 0, 0 } },
	/* All or nothing. */
	{ { 1, 0, 0 }, { OP(0, -1, 0), OP(1, 3, 0), OP(2, -1, NOW) }, 3,
	    EAGAIN, { 1, 0, 0 } },
	{ { 1, 0, 0 }, { OP(0, -1, 0), OP(1, 3, 0), OP(2, -1, 0) }, 3,
	    WAITS, { 1, 0, 0 } },
	{ { 1, 0, 9 }, { OP(0, -1, 0), OP(1, 3, 0), OP(2, -1, 0) }, 3, 0,
	    { 0, 3, 8 } },
	{ { 1, 0, 9 }, { OP(2, 1, 0), OP(1, 1, 0), OP(0, 1, 0),
	    OP(1, -2, NOW) }, 4, EAGAIN, { 1, 0, 9 } },
	/* The first that cannot proceed decides. */
	{ { 0, 0, 0 }, { OP(0, -1, NOW), OP(1, -1, 0) }, 2, EAGAIN,
	    { 0, 0, 0 } },
	{ { 0, 0, 0 }, { OP(0, -1, 0), OP(1, -1, NOW) }, 2, WAITS,
	    { 0, 0, 0 } },
	{ { 1, 0, 0 }, { OP(0, -1, NOW), OP(1, -1, 0) }, 2, WAITS,
	    { 1, 0, 0 } },
	{ { 1, 0, 0 }, { OP(0, -1, 0), OP(1, -1, NOW) }, 2, EAGAIN,
	    { 1, 0, 0 } },
	/* Too large at once, too. */
	{ { 1, 0, 0 }, { OP(0, SEMVMX, 0) }, 1, ERANGE, { 1, 0, 0 } },
	{ { 1, 0, 0 }, { OP(0, SEMVMX, NOW) }, 1, ERANGE, { 1, 0, 0 } },
	{ { SEMVMX, 0, 0 }, { OP(0, 1, 0) }, 1, ERANGE, { SEMVMX, 0, 0 } },
	{ { SEMVMX, 0, 0 }, { OP(0, 1, 0), OP(1, -1, 0) }, 2, ERANGE,
	    { SEMVMX, 0, 0 } },
	{ { SEMVMX, 0, 0 }, { OP(0, 1, 0), OP(1, -1, NOW) }, 2, ERANGE,
	    { SEMVMX, 0, 0 } },
	{ { SEMVMX, 0, 0 }, { OP(1, -1, NOW), OP(0, 1, 0) }, 2, EAGAIN,
	    { SEMVMX, 0, 0 } },
	{ { SEMVMX, 0, 0 }, { OP(1, -1, 0), OP(0, 1, 0) }, 2, WAITS,
	    { SEMVMX, 0, 0 } },
	{ { SEMVMX, 2, 0 }, { OP(1, -1, 0), OP(0, 1, 0) }, 2, ERANGE,
	    { SEMVMX, 2, 0 } },
	{ { SEMVMX, 0, 0 }, { OP(0, -1, 0), OP(0, 1, 0) }, 2, 0,
	    { SEMVMX, 0, 0 } },
	{ { SEMVMX, 0, 0 }, { OP(0, 1, 0), OP(0, -1, 0) }, 2, ERANGE,
	    { SEMVMX, 0, 0 } },
	{ { 0, 0, 0 }, { OP(0, SEMVMX, 0), OP(0, 1, 0) }, 2, ERANGE,
	    { 0, 0, 0 } },
	{ { 0, 0, 0 }, { OP(0, SEMVMX, UNDO), OP(0, -SEMVMX, UNDO),
	    OP(1, 1, UNDO) }, 3, 0, { 0, 1, 0 } },
	/* SEM_UNDO changes nothing of this. */
	{ { 1, 0, 0 }, { OP(0, -1, UNDO), OP(1, 3, UNDO),
	    OP(2, -1, NOW | UNDO) }, 3, EAGAIN, { 1, 0, 0 } },
	{ { 1, 0, 0 }, { OP(0, -1, UNDO), OP(0, 0, UNDO), OP(2, 1, 0) }, 3, 0,
	    { 0, 0, 1 } },
	{ { 0, 0, 0 }, { OP(0, -1, UNDO), OP(0, 1, UNDO) }, 2, WAITS,
	    { 0, 0, 0 } },
	{ { SEMVMX, 0, 0 }, { OP(1, 1, UNDO), OP(0, 1, UNDO) }, 2, ERANGE,
	    { SEMVMX, 0, 0 } },
};

/* It sleeps, as long as it is let. */
static void
must_wait(int id, const struct vector_row *row)
{
	pid_t pid = sleeper(0, id, row->ops, row->nops);

	while (sleepers_of(id) == 0) {
		must_sleep(0);
		await_turn();
	}
	kill_and_reap(pid);
}

START_TEST(S3_a_vector_does_all_or_nothing_in_array_order)
{
	/* Where it should not wait, it may not hang either. */
	static const struct timespec at_once, a_while = { 0, 200000000 };
	struct vector_row row = vector_rows[_i];
	int id = make_set(3), answer;

	for (int i = 0; i < 3; i++)
		set_value(id, i, row.before[i]);
	answer = row.error == EAGAIN ? ipc->semop(id, row.ops, row.nops) :
	    ipc->semtimedop(id, row.ops, row.nops, row.error == WAITS ?
	    &at_once : &a_while);
	must_eq(answer, row.error == 0 ? 0 : -1);
	if (row.error != 0)
		must_eq(errno, row.error == WAITS ? EAGAIN : row.error);
	must(row.error == 0 || stat_of(id).sem_otime == 0);
	if (row.error == WAITS)
		must_wait(id, &row);
	must_be_3(id, row.after[0], row.after[1], row.after[2]);
	must_eq(ncnt(id, 0) + ncnt(id, 1) + ncnt(id, 2), 0);
	must_eq(zcnt(id, 0) + zcnt(id, 1) + zcnt(id, 2), 0);
}
END_TEST

START_TEST(S3_the_callers_vector_is_only_read)
{
	static const struct sembuf ops[2] = { OP(0, 3, 0),
	    OP(0, -1, SEM_UNDO) };
	static const struct timespec second = { 1, 0 };
	int id = make_set(1);
	void *p = (void *)(uintptr_t)ops;	/* in read-only memory */

	must_eq(ipc->semop(id, p, 2), 0);
	must_eq(ipc->semtimedop(id, p, 2, &second), 0);
	must_be(id, 0, 4);
}
END_TEST

/* ---- long vectors ---- */

START_TEST(S3_a_vector_of_500_on_one_semaphore)
{
	struct sembuf ops[SEMOPM];
	int id = make_set(2);

	for (int i = 0; i < SEMOPM; i++)
		ops[i] = (struct sembuf)OP(0, 1, 0);
	must_eq(ipc->semop(id, ops, SEMOPM), 0);
	must_be(id, 0, SEMOPM);
	for (int i = 0; i < SEMOPM; i++)
		ops[i].sem_op = i % 2 == 0 ? -400 : 400;
	must_eq(ipc->semop(id, ops, SEMOPM), 0);
	must_be(id, 0, SEMOPM);
	ops[SEMOPM - 1] = (struct sembuf)OP(1, -1, IPC_NOWAIT);
	must_error(ipc->semop(id, ops, SEMOPM), EAGAIN);
	must_be(id, 0, SEMOPM);
	ops[SEMOPM - 1] = (struct sembuf)OP(0, SEMVMX, 0);
	must_error(ipc->semop(id, ops, SEMOPM), ERANGE);
	must_be(id, 0, SEMOPM);
}
END_TEST

/* In the largest set there is, by these steps. */
static void
spread(struct sembuf *ops, int step, int by, int flags)
{
	for (int i = 0; i < SEMOPM; i++)
		ops[i] = (struct sembuf)OP((unsigned short)(SEMMSL - 1 -
		    i * step), (short)by, (short)flags);
}

START_TEST(S3_a_vector_of_500_on_500_semaphores)
{
	static unsigned short values[SEMMSL];
	static const int steps[] = { 1, 7, 63, 64 };
	struct sembuf ops[SEMOPM];
	int id = make_set(SEMMSL), sum = 0, step = steps[_i];

	spread(ops, step, 2, 0);
	must_eq(ipc->semop(id, ops, SEMOPM), 0);
	spread(ops, step, -1, SEM_UNDO);
	must_eq(ipc->semop(id, ops, SEMOPM), 0);
	spread(ops, step, -1, SEM_UNDO);
	ops[SEMOPM - 1].sem_op = -2;
	ops[SEMOPM - 1].sem_flg |= IPC_NOWAIT;
	must_error(ipc->semop(id, ops, SEMOPM), EAGAIN);
	get_all(id, values);
	for (int i = 0; i < SEMMSL; i++)
		sum += values[i];
	must_eq(sum, SEMOPM);
	for (int i = 0; i < SEMOPM; i++) {
		must_eq(values[ops[i].sem_num], 1);
		must_eq(last_pid(id, ops[i].sem_num), getpid());
	}
}
END_TEST

/* ---- any vector, against a model ---- */

struct model {
	int value[3], debt[3];
};

/* What a vector does: 0, ERANGE, EAGAIN or WAITS. */
static int
model_perform(struct model *m, const struct sembuf *ops, size_t nops)
{
	struct model now = *m;

	for (size_t i = 0; i < nops; i++) {
		int *v = &now.value[ops[i].sem_num], by = ops[i].sem_op;
		int *debt = &now.debt[ops[i].sem_num];

		if (by == 0 ? *v != 0 : *v + by < 0)
			return (ops[i].sem_flg & IPC_NOWAIT) != 0 ? EAGAIN :
			    WAITS;
		*v += by;
		if ((ops[i].sem_flg & SEM_UNDO) != 0)
			*debt -= by;
		if (*v > SEMVMX || *debt < -32768 || *debt > SEMVMX)
			return ERANGE;
	}
	*m = now;
	return 0;
}

static struct sembuf
any_op(void)
{
	static const short by[] = { 1, 1, 2, -1, -1, -2, 0, 0, 5, -5, 20000,
	    -20000, SEMVMX, -SEMVMX };
	static const short flags[] = { 0, IPC_NOWAIT, SEM_UNDO,
	    SEM_UNDO | IPC_NOWAIT };

	return (struct sembuf){
		.sem_num = (unsigned short)(rand() % 3),
		.sem_op = by[rand() % (int)COUNT(by)],
		.sem_flg = flags[rand() % 4],
	};
}

static void
play_random_vectors(void *arg)
{
	static const struct timespec at_once;
	struct model m = { { 0 }, { 0 } };
	int id = *(int *)arg;

	for (int step = 0; step < 2000; step++) {
		size_t nops = 1 + (size_t)rand() % 5;
		struct sembuf ops[5];
		int wanted, answer;

		for (size_t i = 0; i < nops; i++)
			ops[i] = any_op();
		wanted = model_perform(&m, ops, nops);
		answer = ipc->semtimedop(id, ops, nops, &at_once) == 0 ? 0 :
		    errno;
		must_eq(answer, wanted == WAITS ? EAGAIN : wanted);
		must_be_3(id, m.value[0], m.value[1], m.value[2]);
	}
	for (int i = 0; i < 3; i++) {
		int end = m.value[i] + m.debt[i];

		board->value[i] = end < 0 ? 0 : end > SEMVMX ? SEMVMX : end;
	}
}

START_TEST(S3_random_vectors_do_what_the_model_says)
{
	int id = make_set(3);

	srand((unsigned)_i);
	finish(spawn(BY_FORK, play_random_vectors, &id));
	must_be_3(id, (int)board->value[0], (int)board->value[1],
	    (int)board->value[2]);
}
END_TEST

void
add_op_clauses(TCase *tc)
{
	testing_add_loop(tc, S2_the_checks_come_in_this_order, 0,
	    (int)COUNT(check_rows));
	testing_add(tc, S2_one_wrong_number_anywhere_is_EFBIG);
	testing_add_loop(tc, S3_a_vector_does_all_or_nothing_in_array_order,
	    0, (int)COUNT(vector_rows));
	testing_add(tc, S3_the_callers_vector_is_only_read);
	testing_add(tc, S3_a_vector_of_500_on_one_semaphore);
	testing_add_loop(tc, S3_a_vector_of_500_on_500_semaphores, 0, 4);
	testing_add_loop(tc, S3_random_vectors_do_what_the_model_says, 1, 7);
}
