/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_gone.c - when a removed segment goes: with its last mapping,
 * however that was held and however it went, at the latest at the next call
 * of anyone.  Clauses H7 and H10.
 */
#include "check_shm.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <string.h>
#include <unistd.h>

static void
only_wait(void *arg)
{
	(void)arg;
	reach(1);
	await(99);
}

START_TEST(H7_removed_unattached_is_gone_at_once)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);

	remove_segment(id);
	must_be_gone(id);
	must_error(ipc->shmctl(id, IPC_RMID, NULL), EINVAL);
	must_error(ipc->shmget(KEY, 0, 0), ENOENT);
	must_eq(info().used_ids, 0);
	must_eq(info().shm_tot, 0);
}
END_TEST

START_TEST(H7_removed_while_attached_lives_on)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);
	char *p = attach(id), *q;
	struct shmid_ds ds;

	strcpy(p, "alive");
	remove_segment(id);
	ds = stat_of(id);
	must_eq(ds.shm_perm.mode, 01600);
	must_eq(ds.shm_perm.__key, IPC_PRIVATE);
	must_eq(ds.shm_nattch, 1);
	must_error(ipc->shmget(KEY, 0, 0), ENOENT);
	q = attach(id);
	must(strcmp(q, "alive") == 0);
	must_eq(attached(id), 2);
	remove_segment(id);	/* again, and it succeeds */
	detach(p);
	must(strcmp(q, "alive") == 0);
	must_eq(attached(id), 1);
	detach(q);
	must_be_gone(id);
}
END_TEST

START_TEST(H7_the_key_of_a_removed_one_is_free)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600), next;
	char *p = attach(id), *q;

	remove_segment(id);
	next = ipc->shmget(KEY, PAGE, IPC_CREAT | IPC_EXCL | 0600);
	must(next != -1 && next != id);
	q = attach(next);
	p[0] = 1;
	must_eq(q[0], 0);
	detach(p);
	must_be_gone(id);
	must_eq(ipc->shmget(KEY, 0, 0), next);
	must_eq(attached(next), 1);
}
END_TEST

START_TEST(H7_a_removed_one_still_counts_for_the_limits)
{
	int id = make_segment(PAGE);
	char *p = attach(id);

	set_limit("shmmni", 1);
	remove_segment(id);
	must_error(ipc->shmget(IPC_PRIVATE, 1, 0600), ENOSPC);
	must_eq(info().used_ids, 1);
	detach(p);
	make_segment(1);
}
END_TEST

START_TEST(H7_set_and_lock_work_on_a_removed_one)
{
	int id = make_segment(PAGE);
	char *p = attach(id);

	remove_segment(id);
	set_owner(id, geteuid(), getegid(), 0640);
	must_eq(stat_of(id).shm_perm.mode, 01640);
	must_eq(ipc->shmctl(id, SHM_LOCK, NULL), 0);
	must_eq(stat_of(id).shm_perm.mode, 03640);
	detach(p);
	must_be_gone(id);
}
END_TEST

START_TEST(H7_it_is_listed_until_it_goes)
{
	int id = make_segment(PAGE);
	char *p = attach(id);
	struct shmid_ds ds;

	remove_segment(id);
	must_eq(ipc->shmctl(id, SHM_STAT, &ds), id);
	must_eq(ds.shm_perm.mode, 01600);
	detach(p);
	must_error(ipc->shmctl(id, SHM_STAT, &ds), EINVAL);
	must_eq(info().used_ids, 0);
}
END_TEST

START_TEST(H7_an_inherited_attach_keeps_it)
{
	int id = make_segment(PAGE);
	char *p = attach(id);
	pid_t pid = spawn(BY_FORK, only_wait, NULL);

	await(1);
	p[0] = 7;
	remove_segment(id);
	detach(p);
	must_eq(attached(id), 1);
	must_eq(*(char *)attach_flags(id, p, 0), 7);
	detach(p);
	kill_and_reap(pid);
	must_be_gone(id);
}
END_TEST

/* ---- whose call takes away what a killed process left ---- */

static void
hold_removed(void *arg)
{
	int id = make_segment(PAGE);

	(void)arg;
	attach(id);
	remove_segment(id);
	board->value[0] = id;
	reach(1);
	await(99);
}

enum call { CALL_STAT, CALL_ATTACH, CALL_CREATE, CALL_FIND, CALL_REMOVE,
    CALL_ATTACH_OTHER, CALL_INFO, CALL_LIST, CALL_FORK, CALLS };

static void
any_call(enum call call, int id, int other)
{
	struct shmid_ds ds;

	if (call == CALL_STAT)
		must_error(ipc->shmctl(id, IPC_STAT, &ds), EINVAL);
	else if (call == CALL_ATTACH)
		must_error((intptr_t)ipc->shmat(id, NULL, 0), EINVAL);
	else if (call == CALL_CREATE)
		make_segment(1);
	else if (call == CALL_FIND)
		must_eq(ipc->shmget(KEY, 0, 0), other);
	else if (call == CALL_REMOVE)
		remove_segment(other);
	else if (call == CALL_ATTACH_OTHER)
		attach(other);
	else if (call == CALL_INFO)
		info();
	else if (call == CALL_LIST)
		must_error(ipc->shmctl(id, SHM_STAT, &ds), EINVAL);
	else
		kill_and_reap(spawn(BY_FORK, only_wait, NULL));
}

START_TEST(H7_any_call_finds_what_a_killed_process_left)
{
	int other = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600), id;
	pid_t pid = spawn(BY_FORK, hold_removed, NULL);

	await(1);
	id = (int)board->value[0];
	must_eq(attached(id), 1);
	kill_and_reap(pid);
	any_call((enum call)_i, id, other);
	must(!has_files(id));
	must_be_gone(id);
}
END_TEST

static void
remove_and_wait(void *arg)
{
	remove_segment(*(int *)arg);
	reach(2);
	await(99);
}

START_TEST(H7_the_remover_may_die_before_the_attached)
{
	int id = make_segment(PAGE);
	pid_t holder, remover;
	char *p = attach(id);

	holder = spawn(BY_FORK, only_wait, NULL);
	await(1);
	remover = spawn(BY_FORK, remove_and_wait, &id);
	await(2);
	kill_and_reap(remover);
	must_eq(attached(id), 2);
	detach(p);
	must_eq(stat_of(id).shm_perm.mode, 01600);
	must_eq(attached(id), 1);
	kill_and_reap(holder);
	must_be_gone(id);
}
END_TEST

/* ---- mappings that no call of ours made or took away ---- */

static void
need(unsigned trait)
{
	if (!backend_has(trait))
		testing_skip("%s store: sees only what calls (mipc(7))",
		    ipc->name);
}

START_TEST(H7_munmap_by_hand_lets_it_go)
{
	int id = make_segment(2 * PAGE);
	char *p = attach(id);

	need(SEES_MAPPINGS);
	remove_segment(id);
	must_eq(munmap(p, PAGE), 0);
	must_eq(stat_of(id).shm_perm.mode, 01600);
	p[PAGE] = 1;
	must_eq(munmap(p + PAGE, PAGE), 0);
	must_be_gone(id);
}
END_TEST

START_TEST(H7_munmap_then_rmid_is_gone_at_once)
{
	int id = make_segment(PAGE);

	need(SEES_MAPPINGS);
	must_eq(munmap(attach(id), PAGE), 0);
	remove_segment(id);
	must_be_gone(id);
}
END_TEST

START_TEST(H7_mprotect_of_a_part_changes_nothing)
{
	int id = make_segment(3 * PAGE);
	char *p = attach(id);

	must_eq(mprotect(p + PAGE, PAGE, PROT_READ), 0);
	must_eq(mprotect(p, PAGE, PROT_NONE), 0);
	remove_segment(id);
	must_eq(stat_of(id).shm_perm.mode, 01600);
	p[2 * PAGE] = 1;
	detach(p);
	must_be_gone(id);
}
END_TEST

START_TEST(H7_a_mapping_moved_by_mremap_keeps_it)
{
	int id = make_segment(2 * PAGE);
	char *p = attach(id), *to = free_range(2 * PAGE), *q;

	need(KEEPS_CLONES);	/* what nobody told of is no attach */
	p[PAGE] = 8;
	must(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    to) == to);
	remove_segment(id);
	must_eq(stat_of(id).shm_perm.mode, 01600);
	q = attach(id);
	must_eq(q[PAGE] + to[PAGE], 16);
	detach(q);
	must_eq(stat_of(id).shm_perm.mode, 01600);
	to[0] = 1;
	if (!backend_has(SEES_MAPPINGS))
		return;
	must_eq(munmap(to, 2 * PAGE), 0);
	must_be_gone(id);
}
END_TEST

START_TEST(H7_remap_over_the_last_attach_lets_it_go)
{
	int a = make_segment(PAGE), b = make_segment(PAGE);
	char *p = attach(a);

	remove_segment(a);
	attach_flags(b, p, SHM_REMAP);
	must_be_gone(a);
	must_eq(attached(b), 1);
}
END_TEST

START_TEST(H7_a_foreign_mapping_over_the_last_attach_lets_it_go)
{
	int id = make_segment(PAGE);
	char *p = attach(id);

	need(SEES_MAPPINGS);
	remove_segment(id);
	must(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	    -1, 0) == p);
	must_be_gone(id);
}
END_TEST

static void
hold_mapping(void *arg)
{
	volatile char *p = arg;

	reach(1);
	await(3);
	p[1] = p[0];
	reach(4);
	await(99);
}

static void
leave_a_raw_clone(void *arg)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);
	char *p = attach(id);

	(void)arg;
	p[0] = 9;
	board->value[0] = id;
	board->value[1] = spawn(BY_RAW_CLONE, hold_mapping, p);
	await(1);
	remove_segment(id);
	reach(2);
	await(99);
}

/* Nobody who ever called is alive when somebody looks. */
START_TEST(H7_a_raw_clone_that_never_calls_keeps_it)
{
	pid_t pid;
	char *p;
	int id;

	need(KEEPS_CLONES);
	must_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = spawn(BY_FORK, leave_a_raw_clone, NULL);
	await(2);
	kill_and_reap(pid);
	id = (int)board->value[0];
	make_segment(1);
	info();
	p = attach(id);
	must_eq(stat_of(id).shm_perm.mode, 01600);
	reach(3);
	await(4);
	must_eq(p[1], 9);
	detach(p);
	info();
	must_eq(stat_of(id).shm_perm.mode, 01600);
	kill_and_reap((pid_t)board->value[1]);
	must_be_gone(id);
}
END_TEST

START_TEST(H7_a_raw_clone_keeps_what_its_parent_detaches)
{
	int id = make_segment(PAGE);
	char *p = attach(id);
	pid_t pid;

	need(KEEPS_CLONES);
	p[0] = 5;
	pid = spawn(BY_RAW_CLONE, hold_mapping, p);
	await(1);
	remove_segment(id);
	detach(p);
	must_eq(stat_of(id).shm_perm.mode, 01600);
	reach(3);
	await(4);
	p = attach(id);
	must_eq(p[1], 5);
	detach(p);
	kill_and_reap(pid);
	must_be_gone(id);
}
END_TEST

/* ---- shm_rmid_forced ---- */

START_TEST(H10_forced_goes_at_the_last_detach)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);
	char *p = attach(id), *q = attach(id);

	set_limit("shm_rmid_forced", 1);
	detach(p);
	must_eq(attached(id), 1);
	must_eq(ipc->shmget(KEY, 0, 0), id);
	detach(q);
	must_be_gone(id);
	must_error(ipc->shmget(KEY, 0, 0), ENOENT);
}
END_TEST

static void
create_and_exit(void *arg)
{
	(void)arg;
	board->value[0] = make_segment(PAGE);
}

START_TEST(H10_forced_sweeps_at_the_creators_exit)
{
	int mine = make_segment(PAGE);

	set_limit("shm_rmid_forced", 1);
	finish(spawn(BY_FORK, create_and_exit, NULL));
	must_be_gone((int)board->value[0]);
	must_eq(attached(mine), 0);	/* whose creator lives */
}
END_TEST

static void
create_and_wait(void *arg)
{
	(void)arg;
	board->value[0] = make_segment(PAGE);
	reach(1);
	await(2);
}

START_TEST(H10_an_attached_one_outlives_its_creator)
{
	pid_t pid;
	char *p;
	int id;

	set_limit("shm_rmid_forced", 1);
	pid = spawn(BY_FORK, create_and_wait, NULL);
	await(1);
	id = (int)board->value[0];
	p = attach(id);
	reach(2);
	finish(pid);
	must_eq(attached(id), 1);
	p[0] = 1;
	detach(p);
	must_be_gone(id);
}
END_TEST

START_TEST(H10_setting_it_sweeps_orphans)
{
	int mine = make_segment(PAGE), id;

	finish(spawn(BY_FORK, create_and_exit, NULL));
	id = (int)board->value[0];
	must_eq(attached(id), 0);
	set_limit("shm_rmid_forced", 1);
	must_be_gone(id);
	must_eq(attached(mine), 0);
}
END_TEST

START_TEST(H10_it_is_off_by_default)
{
	unsigned long long value = 7;

	must_eq(ipc->limit("shm_rmid_forced", &value, NULL), 0);
	must_eq(value, 0);
}
END_TEST

void
add_gone_clauses(TCase *tc)
{
	testing_add(tc, H7_removed_unattached_is_gone_at_once);
	testing_add(tc, H7_removed_while_attached_lives_on);
	testing_add(tc, H7_the_key_of_a_removed_one_is_free);
	testing_add(tc, H7_a_removed_one_still_counts_for_the_limits);
	testing_add(tc, H7_set_and_lock_work_on_a_removed_one);
	testing_add(tc, H7_it_is_listed_until_it_goes);
	testing_add(tc, H7_an_inherited_attach_keeps_it);
	testing_add_loop(tc, H7_any_call_finds_what_a_killed_process_left, 0,
	    CALLS);
	testing_add(tc, H7_the_remover_may_die_before_the_attached);
	testing_add(tc, H7_munmap_by_hand_lets_it_go);
	testing_add(tc, H7_munmap_then_rmid_is_gone_at_once);
	testing_add(tc, H7_mprotect_of_a_part_changes_nothing);
	testing_add(tc, H7_a_mapping_moved_by_mremap_keeps_it);
	testing_add(tc, H7_remap_over_the_last_attach_lets_it_go);
	testing_add(tc,
	    H7_a_foreign_mapping_over_the_last_attach_lets_it_go);
	testing_add(tc, H7_a_raw_clone_that_never_calls_keeps_it);
	testing_add(tc, H7_a_raw_clone_keeps_what_its_parent_detaches);
	testing_add(tc, H10_it_is_off_by_default);
	testing_add(tc, H10_forced_goes_at_the_last_detach);
	testing_add(tc, H10_forced_sweeps_at_the_creators_exit);
	testing_add(tc, H10_an_attached_one_outlives_its_creator);
	testing_add(tc, H10_setting_it_sweeps_orphans);
}
