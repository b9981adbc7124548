/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_wait.c - sleeping until it can be done, in vain, or until the set
 * is removed: clauses S4, S13 and S15.
 */
#include "check_sem.h"

#include <limits.h>
#include <string.h>
#include <time.h>

/* ---- what counts where ---- */

struct counts {
	int ncnt[3], zcnt[3];
};

static void
must_count(int id, const struct counts *c)
{
	for (int i = 0; i < 3; i++) {
		must_eq(ncnt(id, i), c->ncnt[i]);
		must_eq(zcnt(id, i), c->zcnt[i]);
	}
}

/* A sleeper; then something is done, and it sleeps on something else. */
static const struct count_row {
	unsigned short before[3];
	struct sembuf ops[3];
	size_t nops;
	struct counts first;
	struct sembuf change;
	struct counts then;
} count_rows[] = {
	{ { 0, 0, 0 }, { OP(1, -1, 0) }, 1, { .ncnt = { 0, 1, 0 } },
	    OP(0, 1, 0), { .ncnt = { 0, 1, 0 } } },
	{ { 0, 0, 0 }, { OP(1, -3, 0) }, 1, { .ncnt = { 0, 1, 0 } },
	    OP(1, 2, 0), { .ncnt = { 0, 1, 0 } } },
	{ { 0, 0, 2 }, { OP(2, 0, 0) }, 1, { .zcnt = { 0, 0, 1 } },
	    OP(2, -1, 0), { .zcnt = { 0, 0, 1 } } },
	/* The first that cannot proceed counts, and it moves. */
	{ { 0, 0, 0 }, { OP(0, -1, 0), OP(1, -1, 0) }, 2,
	    { .ncnt = { 1, 0, 0 } }, OP(0, 1, 0), { .ncnt = { 0, 1, 0 } } },
	{ { 0, 0, 0 }, { OP(0, -1, 0), OP(1, -1, 0) }, 2,
	    { .ncnt = { 1, 0, 0 } }, OP(1, 1, 0), { .ncnt = { 1, 0, 0 } } },
	{ { 1, 0, 0 }, { OP(0, -1, 0), OP(1, -1, 0) }, 2,
	    { .ncnt = { 0, 1, 0 } }, OP(0, -1, 0), { .ncnt = { 1, 0, 0 } } },
	{ { 0, 1, 0 }, { OP(0, -1, 0), OP(1, 0, 0) }, 2,
	    { .ncnt = { 1, 0, 0 } }, OP(0, 1, 0), { .zcnt = { 0, 1, 0 } } },
	{ { 0, 1, 0 }, { OP(1, 0, 0), OP(0, -1, 0) }, 2,
	    { .zcnt = { 0, 1, 0 } }, OP(1, -1, 0), { .ncnt = { 1, 0, 0 } } },
	{ { 1, 1, 0 }, { OP(0, 0, 0), OP(1, 0, 0) }, 2,
	    { .zcnt = { 1, 0, 0 } }, OP(0, -1, 0), { .zcnt = { 0, 1, 0 } } },
	{ { 0, 0, 0 }, { OP(0, 1, 0), OP(0, 0, 0) }, 2,
	    { .zcnt = { 1, 0, 0 } }, OP(1, 1, 0), { .zcnt = { 1, 0, 0 } } },
	{ { 0, 0, 0 }, { OP(2, 1, 0), OP(2, -2, 0) }, 2,
	    { .ncnt = { 0, 0, 1 } }, OP(0, 1, 0), { .ncnt = { 0, 0, 1 } } },
	{ { 0, 0, 0 }, { OP(0, -1, 0), OP(0, -1, 0), OP(2, -1, 0) }, 3,
	    { .ncnt = { 1, 0, 0 } }, OP(0, 2, 0), { .ncnt = { 0, 0, 1 } } },
	{ { 0, 0, 0 }, { OP(1, -1, SEM_UNDO), OP(2, -1, SEM_UNDO) }, 2,
	    { .ncnt = { 0, 1, 0 } }, OP(1, 1, SEM_UNDO),
	    { .ncnt = { 0, 0, 1 } } },
	{ { 0, 0, 0 }, { OP(0, -1, 0), OP(1, -1, 0), OP(2, 1, 0) }, 3,
	    { .ncnt = { 1, 0, 0 } }, OP(0, 5, 0), { .ncnt = { 0, 1, 0 } } },
};

START_TEST(S4_a_sleeper_counts_at_the_op_it_waits_on)
{
	const struct count_row *row = &count_rows[_i];
	struct sembuf change = row->change;
	int id = make_of(3, row->before);
	static const struct counts none;
	pid_t pid = sleeper(0, id, row->ops, row->nops);

	await_sleepers(id, 1);
	must_count(id, &row->first);
	must_eq(ipc->semop(id, &change, 1), 0);
	must_count(id, &row->then);
	must_sleep(0);
	/* Nothing of it is done before all of it is. */
	must_be(id, change.sem_num, row->before[change.sem_num] +
	    change.sem_op);
	kill_and_reap(pid);
	must_count(id, &none);
}
END_TEST

START_TEST(S4_all_sleepers_count)
{
	static const unsigned short values[2] = { 0, 1 };
	int id = make_of(2, values);
	pid_t pid[9];

	for (int i = 0; i < 9; i++)
		pid[i] = i < 5 ? sleeper(i, id, VECTOR(OP(0, -1, 0))) :
		    i < 7 ? sleeper(i, id, VECTOR(OP(0, -2, 0))) :
		    sleeper(i, id, VECTOR(OP(1, 0, 0)));
	await_ncnt(id, 0, 7);
	await_zcnt(id, 1, 2);
	must_eq(zcnt(id, 0), 0);
	must_eq(ncnt(id, 1), 0);
	for (int i = 0; i < 3; i++)
		add(id, 0, 1, 0);	/* in any order of arrival */
	must_eq(ncnt(id, 0), 4);
	kill_and_reap(pid[8]);
	must_eq(zcnt(id, 1), 1);
	add(id, 1, -1, 0);
	must_eq(zcnt(id, 1), 0);
	add(id, 0, 6, 0);
	must_be(id, 0, 0);
	must_eq(ncnt(id, 0), 0);
	end_sleepers(pid, 8);
}
END_TEST

START_TEST(S4_what_does_not_sleep_does_not_count)
{
	int id = make_set(2);

	must_error(op(id, 0, -1, IPC_NOWAIT), EAGAIN);
	must_error(op_within_ms(id, 0, -1, 0), EAGAIN);
	must_error(op_within_ms(id, 0, -1, 2), EAGAIN);
	must_eq(ncnt(id, 0), 0);
	add(id, 0, 1, 0);
	must_error(op(id, 0, 0, IPC_NOWAIT), EAGAIN);
	must_error(op_within_ms(id, 0, 0, 2), EAGAIN);
	must_eq(zcnt(id, 0), 0);
	must_be(id, 0, 1);
}
END_TEST

START_TEST(S4_a_retry_that_overflows_ends_with_ERANGE)
{
	static const unsigned short values[2] = { 0, SEMVMX };
	int id = make_of(2, values);
	pid_t pid = sleeper(0, id, VECTOR(OP(0, -1, 0), OP(1, 1, 0)));

	await_ncnt(id, 0, 1);
	add(id, 0, 1, 0);
	must_end(0, -ERANGE);
	must_be(id, 0, 1);
	must_be(id, 1, SEMVMX);
	must_eq(ncnt(id, 0), 0);
	end_sleepers(&pid, 1);
}
END_TEST

START_TEST(S4_a_retry_that_meets_a_nowait_ends_with_EAGAIN)
{
	int id = make_set(2);
	pid_t pid = sleeper(0, id, VECTOR(OP(0, -1, 0),
	    OP(1, -1, IPC_NOWAIT)));

	await_ncnt(id, 0, 1);
	add(id, 0, 1, 0);
	must_end(0, -EAGAIN);
	must_be(id, 0, 1);
	must_eq(ncnt(id, 0) + ncnt(id, 1), 0);
	end_sleepers(&pid, 1);
}
END_TEST

START_TEST(S4_a_sleeper_that_is_killed_counts_no_more)
{
	static const unsigned short values[2] = { 0, 1 };
	int id = make_of(2, values);
	pid_t pid[4];

	for (int i = 0; i < 4; i++)
		pid[i] = i % 2 ? sleeper(i, id, VECTOR(OP(0, -1, SEM_UNDO))) :
		    sleeper(i, id, VECTOR(OP(1, 0, 0)));
	await_ncnt(id, 0, 2);
	await_zcnt(id, 1, 2);
	kill_and_reap(pid[1]);
	must_eq(ncnt(id, 0), 1);
	kill_and_reap(pid[2]);
	must_eq(zcnt(id, 1), 1);
	add(id, 0, 1, 0);		/* for the one left */
	must_end(3, DONE);
	must_be(id, 0, 0);
	add(id, 0, 1, 0);		/* for nobody */
	must_be(id, 0, 1);
	kill_and_reap(pid[0]);
	kill_and_reap(pid[3]);
}
END_TEST

/* ---- time ---- */

static long long
now_ns(void)
{
	struct timespec t;

	must_eq(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static const long waits_ns[] = { 1, 1000, 50000, 3000000, 40000000 };

START_TEST(S13_a_wait_in_vain_takes_its_time_and_ends_with_EAGAIN)
{
	const struct timespec limit = { 0, waits_ns[_i] };
	int id = make_set(1);
	long long start = now_ns();

	must_error(ipc->semtimedop(id, VECTOR(OP(0, -1, 0)), &limit),
	    EAGAIN);
	must(now_ns() - start >= waits_ns[_i]);
	must(now_ns() - start < 5000000000LL);
	must_eq(limit.tv_nsec, waits_ns[_i]);
	must_eq(ncnt(id, 0), 0);
	add(id, 0, 1, 0);
	must_error(ipc->semtimedop(id, VECTOR(OP(0, 0, SEM_UNDO)), &limit),
	    EAGAIN);
	must_eq(zcnt(id, 0), 0);
	must_be(id, 0, 1);		/* nobody takes it */
}
END_TEST

START_TEST(S13_what_need_not_wait_ignores_the_time)
{
	static const struct timespec limit = { 0, 0 }, hour = { 3600, 0 };
	int id = make_set(1);

	must_eq(ipc->semtimedop(id, VECTOR(OP(0, 2, 0)), &limit), 0);
	must_eq(ipc->semtimedop(id, VECTOR(OP(0, -1, 0)), &limit), 0);
	must_eq(ipc->semtimedop(id, VECTOR(OP(0, -1, SEM_UNDO)), &hour), 0);
	must_eq(ipc->semtimedop(id, VECTOR(OP(0, 0, 0)), &limit), 0);
	must_eq(ipc->semtimedop(id, VECTOR(OP(0, 1, 0)), NULL), 0);
	must_error(ipc->semtimedop(id, VECTOR(OP(0, -2, IPC_NOWAIT)), &hour),
	    EAGAIN);
}
END_TEST

static const struct timespec long_limits[] = {
	{ 3600, 0 },
	{ 1000000000, 999999999 },
	{ sizeof(time_t) == 8 ? LONG_MAX : INT_MAX, 999999999 },
	{ sizeof(time_t) == 8 ? LONG_MAX / 1000000000 : INT_MAX, 0 },
};

START_TEST(S13_a_long_time_is_waited)
{
	struct sleeper s = { .nops = 1, .ops = { OP(0, -1, 0) },
	    .timeout = &long_limits[_i] };
	pid_t pid;

	s.id = make_set(1);
	pid = start_sleeper(&s);
	await_ncnt(s.id, 0, 1);
	add(s.id, 0, 1, 0);
	must_end(0, DONE);
	must_be(s.id, 0, 0);
	end_sleepers(&pid, 1);
}
END_TEST

START_TEST(S13_the_time_is_not_renewed_by_what_is_not_enough)
{
	static const struct timespec limit = { 0, 150000000 };
	struct sleeper s = { .nops = 1, .ops = { OP(0, -SEMVMX, 0) },
	    .timeout = &limit };
	long long start = now_ns();
	pid_t pid;
	int n = 0;

	s.id = make_set(1);
	pid = start_sleeper(&s);
	while (board->value[0] == 0 && n < SEMVMX - 1) {
		add(s.id, 0, 1, 0);
		n++;
		await_turn();
	}
	must_end(0, -EAGAIN);
	must(now_ns() - start < 5000000000LL);
	must_be(s.id, 0, n);
	end_sleepers(&pid, 1);
}
END_TEST

START_TEST(S13_many_with_times_end_each_at_its_own)
{
	static const struct timespec limit[3] = { { 0, 1000000 },
	    { 0, 20000000 }, { 3600, 0 } };
	struct sleeper s = { .nops = 1, .ops = { OP(0, -1, 0) } };
	pid_t pid[3];

	s.id = make_set(1);
	for (int i = 2; i >= 0; i--) {
		s.who = i;
		s.timeout = &limit[i];
		pid[i] = start_sleeper(&s);
	}
	must_end(0, -EAGAIN);
	must_end(1, -EAGAIN);
	await_ncnt(s.id, 0, 1);
	must_sleep(2);
	add(s.id, 0, 1, 0);
	must_end(2, DONE);
	must_be(s.id, 0, 0);
	end_sleepers(pid, 3);
}
END_TEST

/* ---- removal ---- */

START_TEST(S15_removal_wakes_all_with_EIDRM)
{
	static const unsigned short values[3] = { 0, 1, 0 };
	static const struct timespec hour = { 3600, 0 };
	struct sleeper s = { .who = 4, .nops = 1, .ops = { OP(2, -1, 0) },
	    .timeout = &hour };
	int id = make_of(3, values), other = make_set(1);
	pid_t pid[6];

	pid[0] = sleeper(0, id, VECTOR(OP(0, -1, 0)));
	pid[1] = sleeper(1, id, VECTOR(OP(1, 0, 0)));
	pid[2] = sleeper(2, id, VECTOR(OP(2, 1, 0), OP(0, -1, SEM_UNDO)));
	pid[3] = sleeper(3, id, VECTOR(OP(1, 0, SEM_UNDO), OP(0, 0, 0)));
	pid[5] = sleeper(5, other, VECTOR(OP(0, -1, 0)));
	s.id = id;
	pid[4] = start_sleeper(&s);
	await_sleepers(id, 5);
	await_ncnt(other, 0, 1);
	remove_set(id);
	must_be_gone(id);
	for (int i = 0; i < 5; i++)
		must_end(i, -EIDRM);
	must_eq(ncnt(other, 0), 1);
	must_sleep(5);
	add(other, 0, 1, 0);
	must_end(5, DONE);
	end_sleepers(pid, 6);
}
END_TEST

static void
use_until_removed(void *arg)
{
	int id = *(int *)arg, n = 0;

	for (;; n++) {
		if (op(id, 0, 1, n % 2 ? SEM_UNDO : 0) == -1 ||
		    op(id, 0, -1, n % 2 ? SEM_UNDO : 0) == -1 ||
		    ipc->semop(id, VECTOR(OP(1, -1, 0), OP(1, 1, 0),
		    OP(0, 1, 0), OP(0, -1, 0))) == -1)
			break;
		if (n == 50)
			atomic_fetch_add(&board->value[0], 1);
	}
	must(errno == EIDRM || errno == EINVAL);
	must_error(op(id, 0, 1, 0), EINVAL);
}

START_TEST(S15_who_is_amid_calls_gets_EIDRM_or_EINVAL)
{
	static const unsigned short values[2] = { 0, 1 };
	int id = make_of(2, values);
	pid_t pid[3];

	for (int i = 0; i < 3; i++)
		pid[i] = spawn(BY_FORK, use_until_removed, &id);
	await_value(0, 3);
	remove_set(id);
	for (int i = 0; i < 3; i++)
		finish(pid[i]);
	must_be_gone(id);
	must_eq(info(SEM_INFO).semusz, 0);
}
END_TEST

START_TEST(S15_one_of_many_removers_succeeds)
{
	int id = make_set(1);
	pid_t pid = sleeper(0, id, VECTOR(OP(0, -1, 0)));

	await_ncnt(id, 0, 1);
	remove_set(id);
	must_error(control(id, 0, IPC_RMID), EINVAL);
	must_end(0, -EIDRM);
	end_sleepers(&pid, 1);
	must_eq(info(SEM_INFO).semusz, 0);
	must_eq(info(SEM_INFO).semaem, 0);
}
END_TEST

void
add_wait_clauses(TCase *tc)
{
	testing_add_loop(tc, S4_a_sleeper_counts_at_the_op_it_waits_on, 0,
	    (int)COUNT(count_rows));
	testing_add(tc, S4_all_sleepers_count);
	testing_add(tc, S4_what_does_not_sleep_does_not_count);
	testing_add(tc, S4_a_retry_that_overflows_ends_with_ERANGE);
	testing_add(tc, S4_a_retry_that_meets_a_nowait_ends_with_EAGAIN);
	testing_add(tc, S4_a_sleeper_that_is_killed_counts_no_more);
	testing_add_loop(tc,
	    S13_a_wait_in_vain_takes_its_time_and_ends_with_EAGAIN, 0,
	    (int)COUNT(waits_ns));
	testing_add(tc, S13_what_need_not_wait_ignores_the_time);
	testing_add_loop(tc, S13_a_long_time_is_waited, 0,
	    (int)COUNT(long_limits));
	testing_add(tc, S13_the_time_is_not_renewed_by_what_is_not_enough);
	testing_add(tc, S13_many_with_times_end_each_at_its_own);
	testing_add(tc, S15_removal_wakes_all_with_EIDRM);
	testing_add(tc, S15_who_is_amid_calls_gets_EIDRM_or_EINVAL);
	testing_add(tc, S15_one_of_many_removers_succeeds);
}
