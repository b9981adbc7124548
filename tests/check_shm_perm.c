/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_perm.c - who may do what: clauses G2 (order), G3, G4, G5, G7 and
 * H3, as other uids.  Root made the namespace, as a server that drops its
 * privileges afterwards does.
 */
#include "check_shm.h"

#include <linux/capability.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What a child finds it may do to segment `id`. */
struct rights {
	int id;
	bool read, write;
};

static void
must_have(void *arg)
{
	const struct rights *r = arg;
	struct shmid_ds ds;
	bool both = r->read && r->write;

	must_eq(ipc->shmctl(r->id, IPC_STAT, &ds) == 0, r->read);
	must(r->read || errno == EACCES);
	must_eq(ipc->shmctl(r->id % 32768, SHM_STAT, &ds), r->read ?
	    r->id : -1);
	must(r->read || errno == EACCES);
	must_eq(ipc->shmat(r->id, NULL, SHM_RDONLY) != (void *)-1, r->read);
	must(r->read || errno == EACCES);
	must_eq(ipc->shmat(r->id, NULL, 0) != (void *)-1, both);
	must(both || errno == EACCES);
	must_eq(ipc->shmctl(r->id % 32768, SHM_STAT_ANY, &ds), r->id);
}

static void
check_rights(const struct who *who, int id, bool read, bool write)
{
	struct rights rights = { id, read, write };

	finish(spawn_as(who, must_have, &rights));
}

START_TEST(G3_the_first_matching_class_decides_alone)
{
	static const struct who owner = { .uid = 65534, .gid = 65534,
	    .ngroups = 1, .groups = { 65533 } };
	static const struct who member = { .uid = 65533, .gid = 65533 };
	static const struct who extra = { .uid = 65532, .gid = 65532,
	    .ngroups = 2, .groups = { 65531, 65533 } };
	static const struct who other = { .uid = 65532, .gid = 65532 };
	static const int modes[] = { 0600, 0060, 0006, 0400, 0040, 0004,
	    0200, 0020, 0002, 0466, 0646, 0664, 0066, 0606, 0660, 0777 };

	need_root();
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		int mode = modes[i], id = make_mode(0600);

		set_owner(id, 65534, 65533, mode);
		check_rights(&owner, id, mode & 0400, mode & 0200);
		check_rights(&member, id, mode & 0040, mode & 0020);
		check_rights(&extra, id, mode & 0040, mode & 0020);
		check_rights(&other, id, mode & 0004, mode & 0002);
		remove_segment(id);
	}
}
END_TEST

START_TEST(G3_the_creator_has_the_owners_rights)
{
	struct rights rights;
	int id;

	need_root();
	id = make_mode(0600);
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
	id = make_mode(0600);
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

	must_eq(ipc->shmget(KEY, 0, 0), id);
	must_eq(ipc->shmget(KEY, 0, 0044), id);
	must_eq(ipc->shmget(KEY, 0, 0400), id);
	must_eq(ipc->shmget(KEY, 0, 0040), id);
	must_error(ipc->shmget(KEY, 0, 0600), EACCES);
	must_error(ipc->shmget(KEY, 0, 0020), EACCES);
	must_error(ipc->shmget(KEY, 0, 0002), EACCES);
	must_error(ipc->shmget(KEY, 0, IPC_CREAT | 0001), EACCES);
}

START_TEST(G3_get_folds_its_bits_over_all_classes)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0604);

	need_root();
	finish(spawn_as(&nobody, get_with_modes, &id));
}
END_TEST

static void
get_the_id_only(void *arg)
{
	int id = *(int *)arg;

	must_eq(ipc->shmget(KEY, 0, 0), id);
	must_error(ipc->shmget(KEY, 0, 0400), EACCES);
	must_error((intptr_t)ipc->shmat(id, NULL, SHM_RDONLY), EACCES);
}

START_TEST(G3_a_stranger_may_learn_the_id)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);

	need_root();
	finish(spawn_as(&nobody, get_the_id_only, &id));
}
END_TEST

START_TEST(G3_the_privileged_may_all)
{
	int id;

	need_capability(CAP_IPC_OWNER, "CAP_IPC_OWNER");
	need_capability(CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE");
	id = make_mode(0);
	attach(id);
	attach_flags(id, NULL, SHM_RDONLY);
	attach_flags(id, NULL, SHM_EXEC);
	must_eq(stat_of(id).shm_perm.mode, 0);
}
END_TEST

static void
look_twice(void *arg)
{
	int id = *(int *)arg;

	for (int i = 0; i < 3; i++) {
		must_eq(ipc->shmget(KEY, 0, 0440), id);
		detach(attach_flags(id, NULL, SHM_RDONLY));
	}
	reach(1);
	await(2);
	must_error(ipc->shmget(KEY, 0, 0440), EACCES);
	must_error((intptr_t)ipc->shmat(id, NULL, SHM_RDONLY), EACCES);
	reach(3);
	await(4);
	must_error(ipc->shmget(KEY, 0, 0440), ENOENT);
	must_error((intptr_t)ipc->shmat(id, NULL, SHM_RDONLY), EINVAL);
}

START_TEST(G3_others_see_a_change_at_once)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0644);
	pid_t pid;

	need_root();
	pid = spawn_as(&nobody, look_twice, &id);
	await(1);
	set_owner(id, 0, 0, 0600);
	reach(2);
	await(3);
	remove_segment(id);
	reach(4);
	finish(pid);
}
END_TEST

static void
owner_of_mode_zero(void *arg)
{
	int id = make_mode(0);
	struct shmid_ds ds;

	(void)arg;
	must_error((intptr_t)ipc->shmat(id, NULL, 0), EACCES);
	must_error((intptr_t)ipc->shmat(id, NULL, SHM_RDONLY), EACCES);
	must_error(ipc->shmctl(id, IPC_STAT, &ds), EACCES);
	must_eq(ipc->shmctl(id, SHM_LOCK, NULL), 0);
	must_eq(ipc->shmctl(id, SHM_UNLOCK, NULL), 0);
	memset(&ds, 0, sizeof(ds));
	ds.shm_perm.uid = geteuid();
	ds.shm_perm.gid = getegid();
	ds.shm_perm.mode = 0600;
	must_eq(ipc->shmctl(id, IPC_SET, &ds), 0);
	detach(attach(id));
	ds.shm_perm.mode = 0;
	must_eq(ipc->shmctl(id, IPC_SET, &ds), 0);
	remove_segment(id);
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
	struct shmid_ds ds = stat_of(id);

	must_error(ipc->shmctl(id, IPC_SET, &ds), EPERM);
	must_error(ipc->shmctl(id, IPC_RMID, NULL), EPERM);
	must_error(ipc->shmctl(id, SHM_LOCK, NULL), EPERM);
	must_error(ipc->shmctl(id, SHM_UNLOCK, NULL), EPERM);
	attach(id);
}

START_TEST(G4_a_stranger_with_all_modes_gets_EPERM)
{
	int id = make_mode(0777);
	struct shmid_ds before = stat_of(id), after;

	need_root();
	finish(spawn_as(&nobody, change_without_right, &id));
	after = stat_of(id);
	must_eq(after.shm_perm.mode, before.shm_perm.mode);
	must_eq(after.shm_perm.uid, before.shm_perm.uid);
	must_eq(after.shm_ctime, before.shm_ctime);
}
END_TEST

static void
remove_it(void *arg)
{
	remove_segment(*(int *)arg);
}

START_TEST(G4_the_new_owner_may_remove)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);

	need_root();
	set_owner(id, nobody.uid, nobody.gid, 0600);
	finish(spawn_as(&nobody, remove_it, &id));
	must_error(ipc->shmget(KEY, 0, 0), ENOENT);
	must_be_gone(id);
}
END_TEST

static void
make_and_leave(void *arg)
{
	(void)arg;
	board->value[0] = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);
	must(board->value[0] != -1);
}

START_TEST(G4_root_may_change_and_remove_anybodys)
{
	int id;

	need_root();
	need_capability(CAP_SYS_ADMIN, "CAP_SYS_ADMIN");
	finish(spawn_as(&nobody, make_and_leave, NULL));
	id = (int)board->value[0];
	must_eq(stat_of(id).shm_perm.uid, nobody.uid);
	set_owner(id, somebody.uid, somebody.gid, 0640);
	must_eq(stat_of(id).shm_perm.uid, somebody.uid);
	must_eq(stat_of(id).shm_perm.cuid, nobody.uid);
	remove_segment(id);
	must_be_gone(id);
}
END_TEST

static void
change_as_creator(void *arg)
{
	int id = *(int *)arg;
	struct shmid_ds ds = stat_of(id);

	ds.shm_perm.mode = 0660;
	if (ipc->shmctl(id, IPC_SET, &ds) == -1) {
		must_eq(errno, EPERM);
		must(!backend_has(GIVES_AWAY));
	}
	remove_segment(id);
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
	must_error(ipc->shmget(KEY, 0, 0), ENOENT);
	must_eq(info().used_ids, 0);
	must_be_gone(id);
}
END_TEST

START_TEST(G5_set_copies_uid_gid_mode_and_nothing_else)
{
	int id = ipc->shmget(KEY, 100, IPC_CREAT | 0600);
	struct shmid_ds ds = stat_of(id), now;

	ds.shm_perm.mode = (unsigned short)(0xf000 | 0641);
	ds.shm_perm.cuid = ds.shm_perm.cgid = 4711;
	ds.shm_perm.__key = KEY + 1;
	ds.shm_perm.__seq = 99;
	ds.shm_segsz = 5000;
	ds.shm_cpid = ds.shm_lpid = 1;
	ds.shm_nattch = 7;
	ds.shm_atime = ds.shm_dtime = ds.shm_ctime = 1;
	must_eq(ipc->shmctl(id, IPC_SET, &ds), 0);
	now = stat_of(id);
	must_eq(now.shm_perm.mode, 0641);
	must_eq(now.shm_perm.cuid, geteuid());
	must_eq(now.shm_perm.cgid, getegid());
	must_eq(now.shm_perm.__key, KEY);
	must_eq(now.shm_perm.__seq, 0);
	must_eq(now.shm_segsz, 100);
	must_eq(now.shm_cpid, getpid());
	must_eq(now.shm_lpid, 0);
	must_eq(now.shm_nattch, 0);
	must(now.shm_atime == 0 && now.shm_dtime == 0);
	must(now.shm_ctime + 60 > time(NULL));
	must_eq(ipc->shmget(KEY, 0, 0), id);
}
END_TEST

START_TEST(G5_set_gives_to_uid_and_gid)
{
	int id = make_mode(0600);
	struct shmid_ds ds;

	need_root();
	check_rights(&nobody, id, false, false);
	set_owner(id, nobody.uid, nobody.gid, 0600);
	ds = stat_of(id);
	must_eq(ds.shm_perm.uid, nobody.uid);
	must_eq(ds.shm_perm.gid, nobody.gid);
	must(ds.shm_perm.cuid == 0 && ds.shm_perm.cgid == 0);
	check_rights(&nobody, id, true, true);
	check_rights(&somebody, id, false, false);
	set_owner(id, 0, somebody.gid, 0640);
	check_rights(&nobody, id, false, false);
	check_rights(&somebody, id, true, false);
}
END_TEST

START_TEST(G5_an_impossible_uid_is_EINVAL)
{
	int id = make_mode(0600);
	struct shmid_ds ds = stat_of(id);

	ds.shm_perm.uid = (uid_t)-1;
	must_error(ipc->shmctl(id, IPC_SET, &ds), EINVAL);
	ds.shm_perm.uid = geteuid();
	ds.shm_perm.gid = (gid_t)-1;
	must_error(ipc->shmctl(id, IPC_SET, &ds), EINVAL);
	must_eq(stat_of(id).shm_perm.uid, geteuid());
}
END_TEST

static void
give_away(void *arg)
{
	int id = make_mode(0600);
	struct shmid_ds ds = stat_of(id);

	(void)arg;
	ds.shm_perm.uid = somebody.uid;
	if (ipc->shmctl(id, IPC_SET, &ds) == -1) {
		must_eq(errno, EPERM);
		must(!backend_has(GIVES_AWAY));
		must_eq(stat_of(id).shm_perm.uid, nobody.uid);
		id = -1;
	} else {
		must_eq(stat_of(id).shm_perm.uid, somebody.uid);
		detach(attach(id));	/* as its creator */
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
	must_error(ipc->shmget(KEY, 2 * PAGE, 0600), EINVAL);
	must_error(ipc->shmget(KEY, PAGE, 0600), EACCES);
	must_error(ipc->shmget(KEY, 2 * PAGE, IPC_CREAT | IPC_EXCL | 0600),
	    EEXIST);
}

START_TEST(G2_size_comes_before_permission)
{
	need_root();
	must(ipc->shmget(KEY, PAGE, IPC_CREAT | 0600) != -1);
	finish(spawn_as(&nobody, ask_too_much, NULL));
}
END_TEST

static void
attach_exec(void *arg)
{
	const int *id = arg;

	must_error((intptr_t)ipc->shmat(id[0], NULL, SHM_EXEC), EACCES);
	must_error((intptr_t)ipc->shmat(id[0], NULL, SHM_EXEC | SHM_RDONLY),
	    EACCES);
	attach_flags(id[1], NULL, SHM_EXEC);
	attach_flags(id[2], NULL, SHM_EXEC | SHM_RDONLY);
	must_error((intptr_t)ipc->shmat(id[2], NULL, SHM_EXEC), EACCES);
	must_eq(attached(id[0]), 0);
}

START_TEST(H3_exec_needs_x)
{
	int id[3] = { make_mode(0666), make_mode(0607), make_mode(0605) };

	need_root();
	finish(spawn_as(&nobody, attach_exec, id));
}
END_TEST

static void
change_by_euid(void *arg)
{
	int id = *(int *)arg;

	/* No promise was made, so the library looks by itself. */
	must_eq(seteuid(nobody.uid), 0);
	must_error((intptr_t)ipc->shmat(id, NULL, 0), EACCES);
	must_error(ipc->shmctl(id, IPC_RMID, NULL), EPERM);
	must_eq(seteuid(0), 0);
	detach(attach(id));
	must_eq(seteuid(nobody.uid), 0);
	must_error(ipc->shmget(KEY, 0, 0400), EACCES);
	must_eq(stat_of(make_mode(0600)).shm_perm.cuid, nobody.uid);
}

START_TEST(G3_the_effective_uid_of_the_moment_counts)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);

	need_root();
	finish(spawn(BY_FORK, change_by_euid, &id));
}
END_TEST

static void
work_and_wait(void *arg)
{
	int id = *(int *)arg;
	char *p = attach(id);

	strcpy(p, "worked");
	reach(2);
	await(3);
}

static void
work_in_a_child(void *arg)
{
	const int *id = arg;
	char *p = attach(id[0]);
	pid_t child;

	must_eq(attached(id[0]), 1);
	child = spawn(BY_FORK, work_and_wait, arg);
	await(2);
	/* The parent's, the one the child inherited, and its own. */
	must_eq(attached(id[0]), 3);
	kill_and_reap(child);
	must_eq(attached(id[0]), 1);
	must(strcmp(p, "worked") == 0);
	must_error((intptr_t)ipc->shmat(id[1], NULL, 0), EACCES);
	must_error((intptr_t)ipc->shmat(id[1], NULL, SHM_RDONLY), EACCES);
	must_error((intptr_t)ipc->shmat(id[2], NULL, 0), EACCES);
	attach_flags(id[2], NULL, SHM_RDONLY);
	reach(4);
	await(5);
}

START_TEST(G3_a_worker_that_dropped_to_another_uid_has_what_it_was_given)
{
	int id[3] = { make_mode(0600), make_mode(0600), make_mode(0644) };
	pid_t pid;

	need_root();
	set_owner(id[0], worker.uid, worker.gid, 0600);
	pid = spawn_as(&worker, work_in_a_child, id);
	await(4);
	must_eq(attached(id[0]), 1);
	must_eq(attached(id[1]), 0);
	must_eq(attached(id[2]), 1);
	kill_and_reap(pid);
	must_eq(attached(id[0]), 0);
	must_eq(attached(id[2]), 0);
	must(strcmp(attach(id[0]), "worked") == 0);
}
END_TEST

static void
drop_with_an_attach(void *arg)
{
	int id = *(int *)arg;
	char *p = attach(id);

	become(&worker);
	p[0] = 1;
	must_error((intptr_t)ipc->shmat(id, NULL, 0), EACCES);
	reach(1);
	await(2);
	detach(p);
}

START_TEST(G3_an_attach_made_before_the_drop_stays)
{
	int id = make_mode(0600);
	pid_t pid;

	need_root();
	pid = spawn(BY_FORK, drop_with_an_attach, &id);
	await(1);
	must_eq(attached(id), 1);
	reach(2);
	finish(pid);
	must_eq(attached(id), 0);
}
END_TEST

void
add_perm_clauses(TCase *tc)
{
	testing_add(tc, G3_the_first_matching_class_decides_alone);
	testing_add(tc, G3_the_creator_has_the_owners_rights);
	testing_add(tc, G3_the_creators_group_is_in_the_group_class);
	testing_add(tc, G3_get_folds_its_bits_over_all_classes);
	testing_add(tc, G3_a_stranger_may_learn_the_id);
	testing_add(tc, G3_others_see_a_change_at_once);
	testing_add(tc, G3_the_privileged_may_all);
	testing_add(tc, G3_the_effective_uid_of_the_moment_counts);
	testing_add(tc,
	    G3_a_worker_that_dropped_to_another_uid_has_what_it_was_given);
	testing_add(tc, G3_an_attach_made_before_the_drop_stays);
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
	testing_add(tc, H3_exec_needs_x);
}
