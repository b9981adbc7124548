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

/* What a child finds it may do to set `id`, of one semaphore. */
struct rights {
	int id;
	bool read, alter;
};

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

static void
must_have(void *arg)
{
	const struct rights *r = arg;
	struct semid_ds ds;

	must_read(r->id, r->read);
	must_alter(r->id, r->alter);
	must_eq(control_buf(r->id % IDS_MAX, SEM_STAT_ANY, &ds), r->id);
	/* Whoever may not open it sees its owner and mode alone. */
	must(ds.sem_nsems == 1 || (backend_has(HAS_FILES) && !r->read));
}

static void
check_rights(const struct who *who, int id, bool read, bool alter)
{
	struct rights rights = { id, read, alter };

	finish(spawn_as(who, must_have, &rights));
}

static const int modes[] = { 0600, 0060, 0006, 0400, 0040, 0004, 0200, 0020,
    0002, 0466, 0646, 0664, 0066, 0606, 0660, 0777 };

START_TEST(G3_the_first_matching_class_decides_alone)
{
	static const struct who owner = { .uid = 65534, .gid = 65534,
	    .ngroups = 1, .groups = { 65533 } };
	static const struct who member = { .uid = 65533, .gid = 65533 };
	static const struct who extra = { .uid = 65532, .gid = 65532,
	    .ngroups = 2, .groups = { 65531, 65533 } };
	static const struct who other = { .uid = 65532, .gid = 65532 };
	int mode = modes[_i], id = make_set(1);

	need_root();
	set_owner(id, 65534, 65533, mode);
	check_rights(&owner, id, mode & 0400, mode & 0200);
	check_rights(&member, id, mode & 0040, mode & 0020);
	check_rights(&extra, id, mode & 0040, mode & 0020);
	check_rights(&other, id, mode & 0004, mode & 0002);
}
END_TEST

START_TEST(G3_the_creator_has_the_owners_rights)
{
	struct rights rights;
	int id;

	need_root();
	id = make_set(1);
	set_owner(id, 65534, 65534, 0600);
	rights = (struct rights){ id, true, true };
	/* Root by uid alone: the creator, not the privileged. */
	drop_capabilities();
	must_have(&rights);
}
END_TEST

START_TEST(G3_the_creators_group_is_in_the_group_class)
{
	static const struct who by_gid = { .uid = 65532, .gid = 0 };
	static const struct who by_list = { .uid = 65532, .gid = 65532,
	    .ngroups = 1, .groups = { 0 } };
	int id;

	need_root();
	id = make_set(1);
	set_owner(id, nobody.uid, somebody.gid, 0640);
	check_rights(&by_gid, id, true, false);
	check_rights(&by_list, id, true, false);
	set_owner(id, nobody.uid, somebody.gid, 0606);
	check_rights(&by_gid, id, false, false);
}
END_TEST

static void
get_with_modes(void *arg)
{
	int id = *(int *)arg;

	must_eq(ipc->semget(KEY, 0, 0), id);
	must_eq(ipc->semget(KEY, 0, 0044), id);
	must_eq(ipc->semget(KEY, 0, 0400), id);
	must_eq(ipc->semget(KEY, 0, 0040), id);
	must_error(ipc->semget(KEY, 0, 0600), EACCES);
	must_error(ipc->semget(KEY, 0, 0020), EACCES);
	must_error(ipc->semget(KEY, 0, 0002), EACCES);
	must_error(ipc->semget(KEY, 0, IPC_CREAT | 0001), EACCES);
}

START_TEST(G3_get_folds_its_bits_over_all_classes)
{
	int id = ipc->semget(KEY, 1, IPC_CREAT | 0604);

	need_root();
	finish(spawn_as(&nobody, get_with_modes, &id));
}
END_TEST

static void
get_the_id_only(void *arg)
{
	int id = *(int *)arg;

	must_eq(ipc->semget(KEY, 0, 0), id);
	must_error(ipc->semget(KEY, 0, 0400), EACCES);
	must_error(op(id, 0, 1, 0), EACCES);
}

START_TEST(G3_a_stranger_may_learn_the_id)
{
	int id = ipc->semget(KEY, 1, IPC_CREAT | 0600);

	need_root();
	finish(spawn_as(&nobody, get_the_id_only, &id));
}
END_TEST

START_TEST(G3_the_privileged_may_all)
{
	struct rights rights;

	need_capability(CAP_IPC_OWNER, "CAP_IPC_OWNER");
	need_capability(CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE");
	rights = (struct rights){ make_mode(1, 0), true, true };
	must_have(&rights);
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
change_by_euid(void *arg)
{
	int id = *(int *)arg;

	/* No promise was made, so the library looks by itself. */
	must_eq(seteuid(nobody.uid), 0);
	must_error(control(id, 0, GETVAL), EACCES);
	must_error(control(id, 0, IPC_RMID), EPERM);
	must_error(ipc->semget(KEY, 0, 0400), EACCES);
	must_error(op(id, 0, 1, 0), EACCES);
	must_eq(seteuid(0), 0);
	must_be(id, 0, 0);
	add(id, 0, 1, 0);
	must_eq(seteuid(nobody.uid), 0);
	must_eq(stat_of(make_set(1)).sem_perm.cuid, nobody.uid);
}

START_TEST(G3_the_effective_uid_of_the_moment_counts)
{
	int id = ipc->semget(KEY, 1, IPC_CREAT | 0600);

	need_root();
	finish(spawn(BY_FORK, change_by_euid, &id));
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

static void
owner_of_mode_zero(void *arg)
{
	struct rights none = { make_mode(1, 0), false, false };
	struct semid_ds ds;
	int id = none.id;

	(void)arg;
	must_have(&none);
	memset(&ds, 0, sizeof(ds));
	ds.sem_perm.uid = geteuid();
	ds.sem_perm.gid = getegid();
	ds.sem_perm.mode = 0600;
	must_eq(control_buf(id, IPC_SET, &ds), 0);
	add(id, 0, 1, 0);
	ds.sem_perm.mode = 0;
	must_eq(control_buf(id, IPC_SET, &ds), 0);
	remove_set(id);
}

START_TEST(G4_mode_plays_no_part_for_the_owner)
{
	need_root();
	if (geteuid() == 0) {
		finish(spawn_as(&nobody, owner_of_mode_zero, NULL));
	} else {
		drop_capabilities();
		owner_of_mode_zero(NULL);
	}
}
END_TEST

static void
change_without_right(void *arg)
{
	int id = *(int *)arg;
	struct semid_ds ds = stat_of(id);

	must_error(control_buf(id, IPC_SET, &ds), EPERM);
	must_error(control(id, 0, IPC_RMID), EPERM);
	add(id, 0, 1, 0);
}

START_TEST(G4_a_stranger_with_all_modes_gets_EPERM)
{
	int id = make_mode(1, 0777);
	struct semid_ds before = stat_of(id), after;

	need_root();
	finish(spawn_as(&nobody, change_without_right, &id));
	after = stat_of(id);
	must_eq(after.sem_perm.mode, before.sem_perm.mode);
	must_eq(after.sem_perm.uid, before.sem_perm.uid);
	must_eq(after.sem_ctime, before.sem_ctime);
	must_be(id, 0, 1);
}
END_TEST

static void
remove_it(void *arg)
{
	remove_set(*(int *)arg);
}

START_TEST(G4_the_new_owner_may_remove)
{
	int id = ipc->semget(KEY, 1, IPC_CREAT | 0600);

	need_root();
	set_owner(id, nobody.uid, nobody.gid, 0600);
	finish(spawn_as(&nobody, remove_it, &id));
	must_error(ipc->semget(KEY, 0, 0), ENOENT);
	must_be_gone(id);
	must_eq(info(SEM_INFO).semusz, 0);
}
END_TEST

static void
make_and_leave(void *arg)
{
	(void)arg;
	board->value[0] = ipc->semget(KEY, 1, IPC_CREAT | 0600);
	must(board->value[0] != -1);
}

START_TEST(G4_root_may_change_and_remove_anybodys)
{
	int id;

	need_root();
	need_capability(CAP_SYS_ADMIN, "CAP_SYS_ADMIN");
	finish(spawn_as(&nobody, make_and_leave, NULL));
	id = (int)board->value[0];
	must_eq(stat_of(id).sem_perm.uid, nobody.uid);
	set_owner(id, somebody.uid, somebody.gid, 0640);
	must_eq(stat_of(id).sem_perm.uid, somebody.uid);
	must_eq(stat_of(id).sem_perm.cuid, nobody.uid);
	remove_set(id);
	must_be_gone(id);
}
END_TEST

static void
change_as_creator(void *arg)
{
	int id = *(int *)arg;
	struct semid_ds ds = stat_of(id);

	ds.sem_perm.mode = 0660;
	if (control_buf(id, IPC_SET, &ds) == -1) {
		must_eq(errno, EPERM);
		must(!backend_has(GIVES_AWAY));
	}
	remove_set(id);
	/* Whoever's the file is: gone. */
	must_eq(info(SEM_INFO).semusz, 0);
	must_eq(info(SEM_INFO).semaem, 0);
	must_eq(ipc->semctl(0, 0, SEM_INFO, (union semun){
	    .info = &(struct seminfo){ 0 } }), 0);
}

START_TEST(G4_the_creator_may_remove_what_was_given_away)
{
	int id;

	need_root();
	need_capability(CAP_SYS_ADMIN, "CAP_SYS_ADMIN");
	finish(spawn_as(&nobody, make_and_leave, NULL));
	id = (int)board->value[0];
	set_owner(id, somebody.uid, somebody.gid, 0600);
	finish(spawn_as(&nobody, change_as_creator, &id));
	must_error(ipc->semget(KEY, 0, 0), ENOENT);
	must_eq(info(SEM_INFO).semusz, 0);
	must_be_gone(id);
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

START_TEST(G5_set_gives_to_uid_and_gid)
{
	int id = make_set(1);
	struct semid_ds ds;

	need_root();
	check_rights(&nobody, id, false, false);
	set_owner(id, nobody.uid, nobody.gid, 0600);
	ds = stat_of(id);
	must_eq(ds.sem_perm.uid, nobody.uid);
	must_eq(ds.sem_perm.gid, nobody.gid);
	must(ds.sem_perm.cuid == 0 && ds.sem_perm.cgid == 0);
	check_rights(&nobody, id, true, true);
	check_rights(&somebody, id, false, false);
	set_owner(id, 0, somebody.gid, 0640);
	check_rights(&nobody, id, false, false);
	check_rights(&somebody, id, true, false);
}
END_TEST

START_TEST(G5_an_impossible_uid_is_EINVAL)
{
	int id = make_set(1);
	struct semid_ds ds = stat_of(id);

	ds.sem_perm.uid = (uid_t)-1;
	must_error(control_buf(id, IPC_SET, &ds), EINVAL);
	ds.sem_perm.uid = geteuid();
	ds.sem_perm.gid = (gid_t)-1;
	must_error(control_buf(id, IPC_SET, &ds), EINVAL);
	must_eq(stat_of(id).sem_perm.uid, geteuid());
}
END_TEST

static void
give_away(void *arg)
{
	int id = make_set(1);
	struct semid_ds ds = stat_of(id);

	(void)arg;
	ds.sem_perm.uid = somebody.uid;
	if (control_buf(id, IPC_SET, &ds) == -1) {
		must_eq(errno, EPERM);
		must(!backend_has(GIVES_AWAY));
		must_eq(stat_of(id).sem_perm.uid, nobody.uid);
		id = -1;
	} else {
		must_eq(stat_of(id).sem_perm.uid, somebody.uid);
		add(id, 0, 1, 0);	/* as its creator */
		add(id, 0, -1, 0);
	}
	board->value[0] = id;
}

START_TEST(G5_a_plain_owner_gives_away_or_gets_EPERM)
{
	need_root();
	finish(spawn_as(&nobody, give_away, NULL));
	if (board->value[0] != -1) {
		check_rights(&somebody, (int)board->value[0], true, true);
		check_rights(&worker, (int)board->value[0], false, false);
	}
}
END_TEST

static void
ask_too_much(void *arg)
{
	(void)arg;
	must_error(ipc->semget(KEY, 4, 0600), EINVAL);
	must_error(ipc->semget(KEY, 3, 0600), EACCES);
	must_error(ipc->semget(KEY, 4, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
}

START_TEST(G2_size_comes_before_permission)
{
	need_root();
	must(ipc->semget(KEY, 3, IPC_CREAT | 0600) != -1);
	finish(spawn_as(&nobody, ask_too_much, NULL));
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
	testing_add_loop(tc, G3_the_first_matching_class_decides_alone, 0,
	    (int)COUNT(modes));
	testing_add(tc, G3_the_creator_has_the_owners_rights);
	testing_add(tc, G3_the_creators_group_is_in_the_group_class);
	testing_add(tc, G3_get_folds_its_bits_over_all_classes);
	testing_add(tc, G3_a_stranger_may_learn_the_id);
	testing_add(tc, G3_the_privileged_may_all);
	testing_add(tc, G3_others_see_a_change_at_once);
	testing_add(tc, G3_the_effective_uid_of_the_moment_counts);
	testing_add(tc, G3_a_sleeper_keeps_the_right_it_had);
	testing_add(tc, G4_mode_plays_no_part_for_the_owner);
	testing_add(tc, G4_a_stranger_with_all_modes_gets_EPERM);
	testing_add(tc, G4_the_new_owner_may_remove);
	testing_add(tc, G4_root_may_change_and_remove_anybodys);
	testing_add(tc, G4_the_creator_may_remove_what_was_given_away);
	testing_add(tc, G5_set_copies_uid_gid_mode_and_nothing_else);
	testing_add(tc, G5_set_gives_to_uid_and_gid);
	testing_add(tc, G5_an_impossible_uid_is_EINVAL);
	testing_add(tc, G5_a_plain_owner_gives_away_or_gets_EPERM);
	testing_add(tc, G2_size_comes_before_permission);
	testing_add(tc, S2_what_is_asked_before_permission);
	testing_add_loop(tc, S9_reading_and_altering_are_separate_rights, 0,
	    6);
}
