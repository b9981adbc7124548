/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_id.c - identifiers, indices and listings: clauses G6, G7, G8,
 * G9, G10 and SHM_INFO of H11.
 */
#include "check_shm.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDS_MAX		32768
#define MIN_CYCLE	64	/* indices the kernel cycles through at least */

/* The kernel's way to choose ids, as ipc/util.c and the idr have it. */
struct model {
	bool used[IDS_MAX];
	int in_use, next, last, seq;
};

static int
first_free(const struct model *m, int from, int end)
{
	for (int i = from; i < end; i++)
		if (!m->used[i])
			return i;
	return -1;
}

static int
model_take(struct model *m)
{
	int end = m->in_use * 3 / 2, i;

	if (end < MIN_CYCLE)
		end = MIN_CYCLE;
	if (end > 4096)
		end = 4096;
	i = first_free(m, m->next, end);
	if (i == -1)
		i = first_free(m, 0, end);
	m->next = i + 1;
	if (i <= m->last)
		m->seq++;
	m->last = i;
	m->used[i] = true;
	m->in_use++;
	return m->seq * IDS_MAX + i;
}

static void
model_give(struct model *m, int id)
{
	m->used[id % IDS_MAX] = false;
	m->in_use--;
}

START_TEST(G6_ids_are_the_ones_the_kernel_would_give)
{
	static struct model m = { .last = -1 };
	static int id[200];
	int n = 0;

	srand((unsigned)_i);
	for (int step = 0; step < 500; step++) {
		bool grow = rand() % 100 < (step / 125 % 2 == 0 ? 75 : 30);

		if (n > 0 && (n == 200 || !grow)) {
			int i = rand() % n;

			remove_segment(id[i]);
			model_give(&m, id[i]);
			id[i] = id[--n];
		} else {
			id[n] = make_segment(1);
			must_eq(id[n], model_take(&m));
			n++;
		}
	}
}
END_TEST

START_TEST(G6_an_id_is_sequence_times_32768_plus_index)
{
	int id;

	for (int i = 0; i < MIN_CYCLE; i++) {
		id = make_segment(1);
		must_eq(id, i);
		remove_segment(id);
	}
	id = make_segment(1);
	must_eq(id, IDS_MAX);
	must_eq(stat_of(id).shm_perm.__seq, 1);
	must_eq(make_segment(1), IDS_MAX + 1);
}
END_TEST

START_TEST(G6_a_removed_id_is_not_given_out_again_soon)
{
	static bool seen[8 * IDS_MAX];

	for (int i = 0; i < 300; i++) {
		int id = make_segment(1);

		must(id >= 0 && id < 8 * IDS_MAX && !seen[id]);
		seen[id] = true;
		remove_segment(id);
	}
}
END_TEST

static void
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

START_TEST(G6_unknown_ids_are_EINVAL)
{
	must_not_exist(0);
	must_not_exist(make_segment(1) + 1);
	must_not_exist(IDS_MAX - 1);
	must_not_exist(-1);
	must_not_exist(INT_MIN);
	must_not_exist(INT_MAX);
}
END_TEST

START_TEST(G6_stale_ids_are_EINVAL)
{
	int id = make_segment(1), heir = -1;

	remove_segment(id);
	must_not_exist(id);
	while (heir == -1 || heir % IDS_MAX != id) {
		if (heir != -1)
			remove_segment(heir);
		heir = make_segment(1);
	}
	must_not_exist(id);	/* its index has another owner now */
	must_not_exist(heir + IDS_MAX);
	detach(attach(heir));
}
END_TEST

static void
create_and_remove_one(void *arg)
{
	(void)arg;
	remove_segment(make_segment(1));
}

START_TEST(G6_ids_go_on_across_processes)
{
	int id = make_segment(1);

	finish(spawn(BY_FORK, create_and_remove_one, NULL));
	must_eq(make_segment(1), id + 2);
}
END_TEST

START_TEST(G7_stat_takes_an_index_and_returns_the_id)
{
	struct shmid_ds ds;
	int id = -1;

	for (int i = 0; i < MIN_CYCLE + 5; i++) {
		if (id != -1)
			remove_segment(id);
		id = make_segment(100);
	}
	must(id > IDS_MAX);
	must_eq(ipc->shmctl(id % IDS_MAX, SHM_STAT, &ds), id);
	must_eq(ds.shm_segsz, 100);
	must_eq(ipc->shmctl(id % IDS_MAX, SHM_STAT_ANY, &ds), id);
	must_eq(ds.shm_segsz, 100);
}
END_TEST

START_TEST(G7_an_empty_index_is_EINVAL)
{
	struct shmid_ds ds;
	int id = make_segment(1);

	must_error(ipc->shmctl(id + 1, SHM_STAT, &ds), EINVAL);
	must_error(ipc->shmctl(id + 1, SHM_STAT_ANY, &ds), EINVAL);
	must_error(ipc->shmctl(-1, SHM_STAT, &ds), EINVAL);
	remove_segment(id);
	must_error(ipc->shmctl(id, SHM_STAT, &ds), EINVAL);
	must_error(ipc->shmctl(id, SHM_STAT_ANY, &ds), EINVAL);
}
END_TEST

START_TEST(G7_a_walk_over_the_indices_finds_each_once)
{
	struct shmid_ds ds;
	int id[9], found = 0, top;

	for (int i = 0; i < 9; i++)
		id[i] = make_segment((size_t)i + 1);
	for (int i = 0; i < 9; i += 2)
		remove_segment(id[i]);
	top = ipc->shmctl(0, SHM_INFO, &ds);
	for (int i = 0; i <= top; i++) {
		if (ipc->shmctl(i, SHM_STAT, &ds) == -1)
			continue;
		must_eq(ds.shm_segsz, i + 1);
		must_eq(i % 2, 1);
		found++;
	}
	must_eq(found, 4);
}
END_TEST

static int
top(int cmd)
{
	union {
		struct shminfo limits;
		struct shm_info info;
		struct shmid_ds ds;
	} answer;

	return ipc->shmctl(0, cmd, &answer.ds);
}

START_TEST(G8_info_returns_the_highest_used_index)
{
	int id[4];

	must_eq(top(IPC_INFO), 0);
	must_eq(top(SHM_INFO), 0);
	for (int i = 0; i < 4; i++)
		id[i] = make_segment(1);
	must_eq(top(IPC_INFO), 3);
	must_eq(top(SHM_INFO), 3);
	remove_segment(id[1]);
	must_eq(top(IPC_INFO), 3);
	remove_segment(id[3]);
	must_eq(top(IPC_INFO), 2);
	must_eq(top(SHM_INFO), 2);
	remove_segment(id[0]);
	remove_segment(id[2]);
	must_eq(top(SHM_INFO), 0);
	make_segment(1);		/* index 4: it is cyclic */
	must_eq(top(SHM_INFO), 4);
}
END_TEST

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

START_TEST(G9_limits_belong_to_the_namespace)
{
	struct shminfo limits;

	set_limit("shmmni", 5);
	if (backend_has(FOLLOWS_NEWIPC)) {
		must_eq(unshare(CLONE_NEWIPC), 0);
	} else {
		ipc->leave();
		testing_leave();
		testing_enter();
		must(ipc->enter() == NULL);
	}
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
	testing_add_loop(tc, G6_ids_are_the_ones_the_kernel_would_give, 1, 4);
	testing_add(tc, G6_an_id_is_sequence_times_32768_plus_index);
	testing_add(tc, G6_a_removed_id_is_not_given_out_again_soon);
	testing_add(tc, G6_unknown_ids_are_EINVAL);
	testing_add(tc, G6_stale_ids_are_EINVAL);
	testing_add(tc, G6_ids_go_on_across_processes);
	testing_add(tc, G7_stat_takes_an_index_and_returns_the_id);
	testing_add(tc, G7_an_empty_index_is_EINVAL);
	testing_add(tc, G7_a_walk_over_the_indices_finds_each_once);
	testing_add(tc, G8_info_returns_the_highest_used_index);
	testing_add(tc, G9_newipc_is_a_new_namespace_for_the_kernel_only);
	testing_add(tc, G9_limits_belong_to_the_namespace);
	testing_add(tc, G10_sizes_and_times_are_whole);
	testing_add(tc, G10_unknown_commands_are_EINVAL);
	testing_add(tc, H11_a_null_buffer_is_EFAULT);
	testing_add(tc, H11_shm_info_counts_segments_and_pages);
}
