/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_perm.c - who may do what: clauses G2 (order), G3, G4, G5, G7, S2
 * and S9, as other uids.  Root made the namespace, as a server that drops its
 * privileges afterwards does.
 */
#include "check_sem.h"

#include <linux/capability.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A call that must succeed if `may`, else fail by EACCES. */
#define may_be(call, may) \
	((may) ? must((call) != -1) : must_error((call), EACCES))

static void
must_read(int id, bool may)
{
	static const int reading[] = { GETVAL, GETPID, GETNCNT, GETZCNT };
	unsigned short values[1];
	struct semid_ds ds;

	for (size_t i = 0; i < COUNT(reading); i++)
		may_be(control(id, 0, reading[i]), may);
	may_be(ipc->semctl(id, 0, GETALL,
	    (union semun){ .array = values }), may);
	may_be(control_buf(id, IPC_STAT, &ds), may);
	may_be(control_buf(id % IDS_MAX, SEM_STAT, &ds), may);
	may_be(ipc->semop(id, VECTOR(OP(0, 0, IPC_NOWAIT))), may);
}

static void
must_alter(int id, bool may)
{
	unsigned short values[1] = { 0 };

	may_be(control_val(id, 0, 0), may);
	may_be(ipc->semctl(id, 0, SETALL,
	    (union semun){ .array = values }), may);
	may_be(op(id, 0, 1, 0), may);
	may_be(op(id, 0, -1, SEM_UNDO), may);
	may_be(op(id, 0, 1, SEM_UNDO), may);
	/* A vector with both needs the right to alter alone. */
	may_be(ipc->semop(id, VECTOR(OP(0, -1, 0), OP(0, 0, 0))), may);
}

void
must_have_rights(void *arg)
{
	const struct rights *r = arg;
	struct semid_ds ds;

	must_read(r->id, r->read);
	must_alter(r->id, r->write);
	must_eq(control_buf(r->id % IDS_MAX, SEM_STAT_ANY, &ds), r->id);
	/* Whoever may not open it sees its owner and mode alone. */
	must(ds.sem_nsems == 1 || (backend_has(HAS_FILES) && !r->read));
}

START_TEST(G3_the_first_matching_class_decides_alone)
{
	need_root();
	must_decide_by_class(modes[_i]);
}
END_TEST

START_TEST(G3_the_privileged_may_all)
{
	struct rights rights;

	need_capability(CAP_IPC_OWNER, "CAP_IPC_OWNER");
	need_capability(CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE");
	rights = (struct rights){ make_mode(1, 0), true, true };
	must_have_rights(&rights);
	must_eq(stat_of(rights.id).sem_perm.mode, 0);
}
END_TEST

static void
look_twice(void *arg)
{
	int id = *(int *)arg;

	for (int i = 0; i < 3; i++) {
		add(id, 0, 1, 0);
		must_eq(ipc->semget(KEY, 0, 0660), id);
	}
	reach(1);
	await(2);
	must_error(ipc->semget(KEY, 0, 0220), EACCES);
	must_error(op(id, 0, 1, 0), EACCES);
	must_be(id, 0, 3);
	reach(3);
	await(4);
	must_error(op(id, 0, 0, IPC_NOWAIT), EACCES);
	must_error(control(id, 0, GETVAL), EACCES);
	reach(5);
	await(6);
	must_error(op(id, 0, 1, 0), EINVAL);
}

START_TEST(G3_others_see_a_change_at_once)
{
	int id = ipc->semget(KEY, 1, IPC_CREAT | 0666);
	pid_t pid;

	need_root();
	pid = spawn_as(&nobody, look_twice, &id);
	await(1);
	set_owner(id, 0, 0, 0644);
	reach(2);
	await(3);
	set_owner(id, 0, 0, 0600);
	reach(4);
	await(5);
	remove_set(id);
	reach(6);
	finish(pid);
}
END_TEST

static void
sleep_as_nobody(void *arg)
{
	int id = *(int *)arg;

	board->value[0] = op(id, 0, -1, 0) == 0 ? DONE : -errno;
	must_error(op(id, 0, -1, 0), EACCES);
}

START_TEST(G3_a_sleeper_keeps_the_right_it_had)
{
	int id = make_mode(1, 0666);
	pid_t pid;

	need_root();
	pid = spawn_as(&nobody, sleep_as_nobody, &id);
	await_ncnt(id, 0, 1);
	set_owner(id, 0, 0, 0600);
	must_eq(ncnt(id, 0), 1);
	must_sleep(0);
	add(id, 0, 1, 0);
	must_end(0, DONE);
	finish(pid);
}
END_TEST

START_TEST(G5_set_copies_uid_gid_mode_and_nothing_else)
{
	int id = ipc->semget(KEY, 3, IPC_CREAT | 0600);
	struct semid_ds ds = stat_of(id), now;

	ds.sem_perm.mode = (unsigned short)(0xf000 | 0641);
	ds.sem_perm.cuid = ds.sem_perm.cgid = 4711;
	ds.sem_perm.__key = KEY + 1;
	ds.sem_perm.__seq = 99;
	ds.sem_nsems = 5000;
	ds.sem_otime = ds.sem_ctime = 1;
	must_eq(control_buf(id, IPC_SET, &ds), 0);
	now = stat_of(id);
	must_eq(now.sem_perm.mode, 0641);
	must_eq(now.sem_perm.cuid, geteuid());
	must_eq(now.sem_perm.cgid, getegid());
	must_eq(now.sem_perm.__key, KEY);
	must_eq(now.sem_perm.__seq, 0);
	must_eq(now.sem_nsems, 3);
	must_eq(now.sem_otime, 0);
	must(now.sem_ctime + 60 > time(NULL));
	must_eq(ipc->semget(KEY, 0, 0), id);
}
END_TEST

static void
ask_wrongly(void *arg)
{
	int id = *(int *)arg;
	unsigned short values[3] = { 40000, 0, 0 };
	union semun all = { .array = values };

	/* A number outside the set is told to everybody ... */
	must_error(op(id, 3, 1, 0), EFBIG);
	must_error(control_val(id, 3, 0), EINVAL);
	must_error(control_val(id, 0, SEMVMX + 1), ERANGE);
	must_error(ipc->semop(id, VECTOR(OP(0, 1, 0), OP(9, 0, 0))), EFBIG);
	/* ... and only who may read or alter hears of the rest. */
	must_error(control(id, 3, GETVAL), EACCES);
	must_error(control(id, 3, GETPID), EACCES);
	must_error(ipc->semctl(id, 0, SETALL, all), EACCES);
	must_error(op(id, 0, -1, IPC_NOWAIT), EACCES);
	must_error(op(id, 0, SEMVMX, SEM_UNDO), EACCES);
	must_error(control(id, 0, IPC_RMID), EPERM);
}

START_TEST(S2_what_is_asked_before_permission)
{
	int id = make_set(3);

	need_root();
	finish(spawn_as(&nobody, ask_wrongly, &id));
}
END_TEST

START_TEST(S9_reading_and_altering_are_separate_rights)
{
	static const struct {
		int mode;
		bool read, alter;
	} rows[] = {
		{ 0666, true, true }, { 0664, true, false },
		{ 0662, false, true }, { 0660, false, false },
		{ 0661, false, false }, { 0663, false, true },
	};

	need_root();
	check_rights(&nobody, make_mode(1, rows[_i].mode), rows[_i].read,
	    rows[_i].alter);
}
END_TEST

void
add_perm_clauses(TCase *tc)
{
	add_common_perm_clauses(tc);
	testing_add_loop(tc, G3_the_first_matching_class_decides_alone, 0,
	    NMODES);
	testing_add(tc, G3_the_privileged_may_all);
	testing_add(tc, G3_others_see_a_change_at_once);
	testing_add(tc, G3_a_sleeper_keeps_the_right_it_had);
	testing_add(tc, G5_set_copies_uid_gid_mode_and_nothing_else);
	testing_add(tc, S2_what_is_asked_before_permission);
	testing_add_loop(tc, S9_reading_and_altering_are_separate_rights, 0,
	    6);
}
