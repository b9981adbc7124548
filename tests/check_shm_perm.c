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

void
must_have_rights(void *arg)
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

START_TEST(G3_the_first_matching_class_decides_alone)
{
	need_root();
	for (int i = 0; i < NMODES; i++)
		must_decide_by_class(modes[i]);
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
	add_common_perm_clauses(tc);
	testing_add(tc, G3_the_first_matching_class_decides_alone);
	testing_add(tc, G3_others_see_a_change_at_once);
	testing_add(tc, G3_the_privileged_may_all);
	testing_add(tc,
	    G3_a_worker_that_dropped_to_another_uid_has_what_it_was_given);
	testing_add(tc, G3_an_attach_made_before_the_drop_stays);
	testing_add(tc, G5_set_copies_uid_gid_mode_and_nothing_else);
	testing_add(tc, H3_exec_needs_x);
}
