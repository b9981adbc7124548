/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_broken_call.c - semop() and semctl() with one thing made wrong.
 */
#include "check_sem_broken.h"

#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NOPS	(SEMOPM + 1)

/* ---- op ---- */

static int
call(int id, struct sembuf *ops, size_t nops, const struct timespec *limit)
{
	return limit == NULL ? right->semop(id, ops, nops) :
	    right->semtimedop(id, ops, nops, limit);
}

/* The same vector with flags taken and given. */
static int
call_flagged(int id, const struct sembuf *ops, size_t nops,
    const struct timespec *limit, short keep, short give)
{
	struct sembuf copy[NOPS];

	if (ops == NULL || nops > NOPS)
		return right->semop(id, NULL, nops);
	for (size_t i = 0; i < nops; i++) {
		memcpy(&copy[i], &ops[i], sizeof(*copy));
		copy[i].sem_flg = (short)((copy[i].sem_flg & keep) | give);
	}
	return call(id, copy, nops, limit);
}

static bool
any_flag(const struct sembuf *ops, size_t nops, int flag)
{
	for (size_t i = 0; ops != NULL && i < nops && nops < NOPS; i++)
		if ((ops[i].sem_flg & flag) != 0)
			return true;
	return false;
}

static bool
only_zero_tests(const struct sembuf *ops, size_t nops)
{
	for (size_t i = 0; i < nops; i++)
		if (ops[i].sem_op != 0)
			return false;
	return true;
}

int
op_any_timeout(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	static const struct timespec none;

	if (limit != NULL && (limit->tv_sec < 0 || limit->tv_nsec < 0 ||
	    limit->tv_nsec > 999999999))
		limit = &none;
	return call(id, ops, nops, limit);
}

int
op_other_error(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	return (int)other_error(call(id, ops, nops, limit));
}

int
op_adds_first(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	struct sembuf sorted[NOPS];
	size_t n = 0;

	if (ops == NULL || nops > NOPS)
		return call(id, ops, nops, limit);
	for (size_t i = 0; i < nops; i++)
		if (ops[i].sem_op > 0)
			sorted[n++] = ops[i];
	for (size_t i = 0; i < nops; i++)
		if (ops[i].sem_op <= 0)
			sorted[n++] = ops[i];
	return call(id, sorted, n, limit);
}

int
op_piecewise(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	if (nops < 2 || nops > SEMOPM)
		return call(id, ops, nops, limit);
	for (size_t i = 0; i < nops; i++)
		if (call(id, ops + i, 1, limit) == -1)
			return -1;
	return 0;
}

int
op_any_nowait(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	return call_flagged(id, ops, nops, limit, -1,
	    any_flag(ops, nops, IPC_NOWAIT) ? IPC_NOWAIT : 0);
}

int
op_forgets_undo(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	return call_flagged(id, ops, nops, limit, ~SEM_UNDO, 0);
}

int
op_without_range(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	int answer = call(id, ops, nops, limit);

	if (answer == -1 && errno == ERANGE)
		return call_flagged(id, ops, nops, limit, ~SEM_UNDO, 0);
	return answer;
}

int
op_with_debts_of_threads(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	static _Thread_local bool apart;

	if (!apart && gettid() != getpid())
		must_eq(unshare(CLONE_SYSVSEM), 0);
	apart = true;
	return call(id, ops, nops, limit);
}

int
op_in_half_the_time(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	struct timespec half;

	if (limit == NULL || limit->tv_nsec < 2000000)
		return call(id, ops, nops, limit);
	half.tv_sec = limit->tv_sec / 2;
	half.tv_nsec = limit->tv_nsec / 2;
	return call(id, ops, nops, &half);
}

/* For long enough to see it, that is. */
int
op_restarts(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	static const struct timespec a_while = { 0, 100000000 };
	int answer = call(id, ops, nops, limit);

	if (answer == -1 && errno == EINTR)
		return call(id, ops, nops, &a_while);
	return answer;
}

int
op_counts_itself(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	int answer;

	broken_memory->inside++;
	answer = call(id, ops, nops, limit);
	broken_memory->inside--;
	return answer;
}

int
op_zero_test_unmarked(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	bool keep = only_zero_tests(ops, nops);
	struct semid_ds ds = { .sem_otime = 0 };
	int answer;

	right->semctl(id, 0, IPC_STAT, (union semun){ .buf = &ds });
	answer = call(id, ops, nops, limit);
	if (answer == 0)
		broken_memory->otime[id % BROKEN_SETS] = keep ?
		    ds.sem_otime + 1 : 0;
	return answer;
}

int
op_zero_test_unsigned(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	union semun none = { .val = 0 };
	int answer;

	for (size_t i = 0; i < nops && nops < 8; i++)
		broken_memory->pid[ops[i].sem_num % 8] =
		    ops[i].sem_op != 0 ? 0 : 1 +
		    right->semctl(id, ops[i].sem_num, GETPID, none);
	answer = call(id, ops, nops, limit);
	return answer;
}

/* Where the counts of a vector that cannot proceed are kept here. */
static _Atomic int *
waits_on(int id, const struct sembuf *ops, size_t nops)
{
	union semun none = { .val = 0 };

	for (size_t i = 0; i < nops; i++) {
		int v = right->semctl(id, ops[i].sem_num, GETVAL, none);

		if (ops[i].sem_op < 0 ? v < -ops[i].sem_op :
		    ops[i].sem_op == 0 && v != 0)
			return &broken_memory->waiting[ops[i].sem_op == 0]
			    [ops[i].sem_num % 8];
	}
	return &broken_memory->waiting[0][0];
}

/* Nobody serves anybody: who comes looks, again and again. */
int
op_barges(int id, struct sembuf *ops, size_t nops,
    const struct timespec *limit)
{
	static const struct timespec at_once;
	_Atomic int *waiting = NULL;
	int answer, error;

	if (limit != NULL || any_flag(ops, nops, IPC_NOWAIT))
		return call(id, ops, nops, limit);
	do {
		answer = right->semtimedop(id, ops, nops, &at_once);
		error = errno;
		if (answer == -1 && error == EAGAIN) {
			if (waiting == NULL)
				(*(waiting = waits_on(id, ops, nops)))++;
			sched_yield();
		}
	} while (answer == -1 && error == EAGAIN);
	if (waiting != NULL)
		--*waiting;
	errno = error;
	return answer;
}

/* ---- ctl ---- */

int
ctl_any_index(int id, int num, int cmd, union semun arg)
{
	int answer = right->semctl(id, num, cmd, arg), live;
	struct semid_ds ds;

	if (answer != -1 || errno != EINVAL || id < 0 || cmd == SEM_STAT)
		return answer;
	live = right->semctl(id % IDS_MAX, 0, SEM_STAT,
	    (union semun){ .buf = &ds });
	return live == -1 ? -1 : right->semctl(live, num, cmd, arg);
}

int
ctl_other_error(int id, int num, int cmd, union semun arg)
{
	return (int)other_error(right->semctl(id, num, cmd, arg));
}

int
ctl_index_only(int id, int num, int cmd, union semun arg)
{
	int answer = right->semctl(id, num, cmd, arg);

	if (answer != -1 && (cmd == SEM_STAT || cmd == SEM_STAT_ANY))
		answer %= IDS_MAX;
	return answer;
}

int
ctl_counts_for_top(int id, int num, int cmd, union semun arg)
{
	int answer = right->semctl(id, num, cmd, arg);

	if (answer != -1 && (cmd == IPC_INFO || cmd == SEM_INFO))
		answer++;
	return answer;
}

int
ctl_reads_for_all(int id, int num, int cmd, union semun arg)
{
	int answer = right->semctl(id, num, cmd, arg);

	if (answer == -1 && errno == EACCES && cmd == GETVAL)
		return 0;
	return answer;
}

/* A sleeper counts wherever it sleeps. */
int
ctl_counts_all(int id, int num, int cmd, union semun arg)
{
	int answer = right->semctl(id, num, cmd, arg);

	if (answer == -1 || cmd != GETNCNT)
		return answer;
	answer = 0;
	for (int i = 0; i < 3; i++) {
		int n = right->semctl(id, i, cmd, arg);

		answer += n == -1 ? 0 : n;
	}
	return answer;
}

int
ctl_zero_tests_too(int id, int num, int cmd, union semun arg)
{
	int answer = right->semctl(id, num, cmd, arg);

	if (answer != -1 && cmd == GETNCNT)
		answer += right->semctl(id, num, GETZCNT, arg);
	return answer;
}

int
ctl_counts_bargers(int id, int num, int cmd, union semun arg)
{
	if (cmd == GETNCNT || cmd == GETZCNT)
		return broken_memory->waiting[cmd == GETZCNT][num % 8];
	return right->semctl(id, num, cmd, arg);
}

int
ctl_counts_calls(int id, int num, int cmd, union semun arg)
{
	if (cmd == GETNCNT)
		return num == 0 ? broken_memory->inside : 0;
	return right->semctl(id, num, cmd, arg);
}

int
ctl_caller_is_last(int id, int num, int cmd, union semun arg)
{
	int answer = right->semctl(id, num, cmd, arg);

	return cmd == GETPID && answer > 0 ? getpid() : answer;
}

int
ctl_kept_pid(int id, int num, int cmd, union semun arg)
{
	if (cmd == GETPID && num < 8 && broken_memory->pid[num] != 0)
		return broken_memory->pid[num] - 1;
	return right->semctl(id, num, cmd, arg);
}

/* As a semop() would set it: what is owed stays owed. */
int
ctl_setval_keeps_debts(int id, int num, int cmd, union semun arg)
{
	struct sembuf one = { .sem_num = (unsigned short)num };
	int now;

	if (cmd != SETVAL || arg.val < 0 || arg.val > SEMVMX)
		return right->semctl(id, num, cmd, arg);
	now = right->semctl(id, num, GETVAL, arg);
	if (now == -1)
		return -1;
	one.sem_op = (short)(arg.val - now);
	return one.sem_op == 0 ? 0 : right->semop(id, &one, 1);
}

int
ctl_setall_one_by_one(int id, int num, int cmd, union semun arg)
{
	struct semid_ds ds;

	if (cmd != SETALL || arg.array == NULL || right->semctl(id, 0,
	    IPC_STAT, (union semun){ .buf = &ds }) == -1)
		return right->semctl(id, num, cmd, arg);
	for (int i = 0; i < (int)ds.sem_nsems; i++)
		if (right->semctl(id, i, SETVAL,
		    (union semun){ .val = arg.array[i] }) == -1)
			return -1;
	return 0;
}

int
ctl_id_before_value(int id, int num, int cmd, union semun arg)
{
	struct semid_ds ds;

	if (cmd == SETVAL && right->semctl(id, 0, IPC_STAT,
	    (union semun){ .buf = &ds }) == -1)
		return -1;
	return right->semctl(id, num, cmd, arg);
}
