/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_calls.c - the calls of sets as the tests make them, and children
 * that sleep in one.
 */
#include "check_sem.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* ---- calls that may fail ---- */

int
control(int id, int num, int cmd)
{
	return ipc->semctl(id, num, cmd, (union semun){ .val = 0 });
}

int
control_buf(int id, int cmd, struct semid_ds *buf)
{
	return ipc->semctl(id, 0, cmd, (union semun){ .buf = buf });
}

int
control_val(int id, int num, int val)
{
	return ipc->semctl(id, num, SETVAL, (union semun){ .val = val });
}

int
op(int id, int num, int by, int flags)
{
	struct sembuf one = {
		.sem_num = (unsigned short)num,
		.sem_op = (short)by,
		.sem_flg = (short)flags,
	};

	return ipc->semop(id, &one, 1);
}

int
op_within_ms(int id, int num, int by, long ms)
{
	const struct timespec limit = { ms / 1000, ms % 1000 * 1000000 };
	struct sembuf one = {
		.sem_num = (unsigned short)num,
		.sem_op = (short)by,
	};

	return ipc->semtimedop(id, &one, 1, &limit);
}

/* ---- calls that must succeed ---- */

int
make_mode(int nsems, int mode)
{
	int id = ipc->semget(IPC_PRIVATE, nsems, IPC_CREAT | mode);

	must(id != -1);
	return id;
}

int
make_set(int nsems)
{
	return make_mode(nsems, 0600);
}

int
make_of(int nsems, const unsigned short *values)
{
	int id = make_set(nsems);

	set_all(id, values);
	return id;
}

void
remove_set(int id)
{
	must_eq(control(id, 0, IPC_RMID), 0);
}

void
set_value(int id, int num, int to)
{
	must_eq(control_val(id, num, to), 0);
}

void
set_all(int id, const unsigned short *values)
{
	union semun arg = { .array = (void *)(uintptr_t)values };

	must_eq(ipc->semctl(id, 0, SETALL, arg), 0);
}

void
get_all(int id, unsigned short *values)
{
	must_eq(ipc->semctl(id, 0, GETALL,
	    (union semun){ .array = values }), 0);
}

static int
get(int id, int num, int cmd)
{
	int answer = control(id, num, cmd);

	must(answer != -1);
	return answer;
}

int
value(int id, int num)
{
	return get(id, num, GETVAL);
}

pid_t
last_pid(int id, int num)
{
	return get(id, num, GETPID);
}

int
ncnt(int id, int num)
{
	return get(id, num, GETNCNT);
}

int
zcnt(int id, int num)
{
	return get(id, num, GETZCNT);
}

void
add(int id, int num, int by, int flags)
{
	must_eq(op(id, num, by, flags), 0);
}

struct semid_ds
stat_of(int id)
{
	struct semid_ds ds;

	memset(&ds, 0xa5, sizeof(ds));
	must_eq(control_buf(id, IPC_STAT, &ds), 0);
	return ds;
}

struct seminfo
info(int cmd)
{
	struct seminfo answer;

	memset(&answer, 0xa5, sizeof(answer));
	must(ipc->semctl(0, 0, cmd, (union semun){ .info = &answer }) != -1);
	return answer;
}

void
must_be(int id, int num, int wanted)
{
	must_eq(value(id, num), wanted);
}

void
must_be_3(int id, int a, int b, int c)
{
	unsigned short v[3];

	get_all(id, v);
	if (v[0] != a || v[1] != b || v[2] != c)
		testing_fail(__FILE__, __LINE__,
		    "the set is %d %d %d, not %d %d %d", v[0], v[1], v[2],
		    a, b, c);
}

void
must_be_gone(int id)
{
	struct semid_ds ds;

	must_error(control_buf(id, IPC_STAT, &ds), EINVAL);
	must_error(op(id, 0, 1, 0), EINVAL);
	must_error(control(id, 0, GETVAL), EINVAL);
	must(!backend_has(HAS_FILES) ||
	    access(file_of_one(id), F_OK) == -1);
}

/* ---- waiting for others ---- */

void
await_ncnt(int id, int num, int n)
{
	while (ncnt(id, num) != n)
		await_turn();
}

void
await_zcnt(int id, int num, int n)
{
	while (zcnt(id, num) != n)
		await_turn();
}

int
sleepers_of(int id)
{
	int nsems = (int)stat_of(id).sem_nsems, n = 0;

	for (int i = 0; i < nsems; i++)
		n += ncnt(id, i) + zcnt(id, i);
	return n;
}

void
await_sleepers(int id, int n)
{
	while (sleepers_of(id) != n)
		await_turn();
}

time_t
await_next_second(void)
{
	const struct timespec slice = { .tv_nsec = 5000000 };
	time_t then = time(NULL);

	while (time(NULL) == then)
		nanosleep(&slice, NULL);
	return time(NULL);
}

static void
sleep_in_semop(void *arg)
{
	struct sleeper *s = arg;
	int answer;

	if (s->before != NULL)
		s->before();
	answer = s->timeout == NULL ? ipc->semop(s->id, s->ops, s->nops) :
	    ipc->semtimedop(s->id, s->ops, s->nops, s->timeout);
	board->value[s->who] = answer == 0 ? DONE : -errno;
	await(END);
}

pid_t
start_sleeper(const struct sleeper *s)
{
	struct sleeper copy = *s;

	return spawn(BY_FORK, sleep_in_semop, &copy);
}

pid_t
sleeper(int who, int id, const struct sembuf *ops, size_t nops)
{
	struct sleeper s = { .who = who, .id = id, .nops = nops };

	must(nops <= NVECTOR);
	memcpy(s.ops, ops, nops * sizeof(*ops));
	return start_sleeper(&s);
}

void
must_end(int who, long long result)
{
	while (board->value[who] == 0)
		await_turn();
	if (board->value[who] != result)
		testing_fail(__FILE__, __LINE__,
		    "sleeper %d ends with %lld, not %lld", who,
		    board->value[who], result);
}

void
must_sleep(int who)
{
	if (board->value[who] != 0)
		testing_fail(__FILE__, __LINE__,
		    "sleeper %d ended with %lld", who, board->value[who]);
}

void
end_sleepers(const pid_t *pid, int n)
{
	reach(END);
	for (int i = 0; i < n; i++)
		finish(pid[i]);
}
