/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_id.c - identifiers, indices and listings: clauses G6, G7, G8,
 * G9, G10 and SHM_INFO of H11.
 */
#include "check_shm.h"

#include <sched.h>
#include <string.h>
#include <time.h>

void
must_not_exist(int id)
{
	struct shmid_ds ds;

	must_error(ipc->shmctl(id, IPC_STAT, &ds), EINVAL);
	must_error(ipc->shmctl(id, IPC_RMID, NULL), EINVAL);
	must_error(ipc->shmctl(id, SHM_LOCK, NULL), EINVAL);
	must_error((intptr_t)ipc->shmat(id, NULL, 0), EINVAL);
	memset(&ds, 0, sizeof(ds));
	must_error(ipc->shmctl(id, IPC_SET, &ds), EINVAL);
}

START_TEST(G9_newipc_is_a_new_namespace_for_the_kernel_only)
{
	int id = make_segment(1);

	if (unshare(CLONE_NEWIPC) == -1)
		testing_skip("no IPC namespace of its own (unshare)");
	if (backend_has(FOLLOWS_NEWIPC))
		must_not_exist(id);
	else
		detach(attach(id));
}
END_TEST

static void
set_the_limit(void *arg)
{
	(void)arg;
	set_limit("shmmni", 5);
}

START_TEST(G9_limits_belong_to_the_namespace)
{
	struct shminfo limits;

	finish(spawn(BY_FORK, set_the_limit, NULL));
	backend_renew();
	must_eq(ipc->shmctl(0, IPC_INFO, (struct shmid_ds *)&limits), 0);
	must_eq(limits.shmmni, 4096);
}
END_TEST

START_TEST(G10_sizes_and_times_are_whole)
{
	struct shmid_ds ds;
	size_t size = sizeof(void *) == 8 ? (size_t)5 << 30 : (size_t)1 << 20;
	int id = ipc->shmget(IPC_PRIVATE, size, SHM_NORESERVE | 0600);

	must(id != -1);
	ds = stat_of(id);
	must(ds.shm_segsz == size);
	must(ds.shm_ctime <= time(NULL) && ds.shm_ctime + 60 > time(NULL));
	must_eq(info().shm_tot, size / PAGE);
}
END_TEST

START_TEST(G10_unknown_commands_are_EINVAL)
{
	struct shmid_ds ds;
	int id = make_segment(1);

	must_error(ipc->shmctl(id, 9999, &ds), EINVAL);
	must_error(ipc->shmctl(id, -1, &ds), EINVAL);
	must_error(ipc->shmctl(id, 4, &ds), EINVAL);
	must_error(ipc->shmctl(id, 10, &ds), EINVAL);
}
END_TEST

START_TEST(H11_a_null_buffer_is_EFAULT)
{
	int id = make_segment(1);

	must_error(ipc->shmctl(id, IPC_STAT, NULL), EFAULT);
	must_error(ipc->shmctl(id, IPC_SET, NULL), EFAULT);
	must_error(ipc->shmctl(id, SHM_STAT, NULL), EFAULT);
	must_error(ipc->shmctl(0, IPC_INFO, NULL), EFAULT);
	must_error(ipc->shmctl(0, SHM_INFO, NULL), EFAULT);
}
END_TEST

START_TEST(H11_shm_info_counts_segments_and_pages)
{
	struct shm_info now;
	int a = make_segment(1), b = make_segment(5 * PAGE + 1);
	char *p;

	now = info();
	must_eq(now.used_ids, 2);
	must_eq(now.shm_tot, 7);
	p = attach(b);
	memset(p, 1, 4 * PAGE);
	must(info().shm_rss >= 4);
	remove_segment(b);
	must_eq(info().shm_tot, 7);	/* it is still attached */
	detach(p);
	must_eq(info().shm_tot, 1);
	must_eq(info().used_ids, 1);
	remove_segment(a);
	must_eq(info().used_ids, 0);
	must_eq(info().shm_tot, 0);
}
END_TEST

void
add_id_clauses(TCase *tc)
{
	add_common_id_clauses(tc);
	add_id_model_clauses(tc);
	testing_add(tc, G9_newipc_is_a_new_namespace_for_the_kernel_only);
	testing_add(tc, G9_limits_belong_to_the_namespace);
	testing_add(tc, G10_sizes_and_times_are_whole);
	testing_add(tc, G10_unknown_commands_are_EINVAL);
	testing_add(tc, H11_a_null_buffer_is_EFAULT);
	testing_add(tc, H11_shm_info_counts_segments_and_pages);
}
