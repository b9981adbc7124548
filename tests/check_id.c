/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_id.c - identifiers, indices and listings, as far as they are the same
 * of all kinds: clauses G6 to G9.
 */
#include "clauses.h"

#include <limits.h>
#include <stdlib.h>

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

			remove_one(id[i]);
			model_give(&m, id[i]);
			id[i] = id[--n];
		} else {
			id[n] = make_sized(1);
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
		id = make_sized(1);
		must_eq(id, i);
		remove_one(id);
	}
	id = make_sized(1);
	must_eq(id, IDS_MAX);
	must_eq(perm_of(id).__seq, 1);
	must_eq(make_sized(1), IDS_MAX + 1);
}
END_TEST

START_TEST(G6_a_removed_id_is_not_given_out_again_soon)
{
	static bool seen[8 * IDS_MAX];

	for (int i = 0; i < 300; i++) {
		int id = make_sized(1);

		must(id >= 0 && id < 8 * IDS_MAX && !seen[id]);
		seen[id] = true;
		remove_one(id);
	}
}
END_TEST

START_TEST(G6_unknown_ids_are_EINVAL)
{
	kind.must_not_exist(0);
	kind.must_not_exist(make_sized(1) + 1);
	kind.must_not_exist(IDS_MAX - 1);
	kind.must_not_exist(-1);
	kind.must_not_exist(INT_MIN);
	kind.must_not_exist(INT_MAX);
}
END_TEST

START_TEST(G6_stale_ids_are_EINVAL)
{
	int id = make_sized(1), heir = -1;

	must_eq(kind.use(id), 0);
	remove_one(id);
	kind.must_not_exist(id);
	while (heir == -1 || heir % IDS_MAX != id) {
		if (heir != -1)
			remove_one(heir);
		heir = make_sized(1);
	}
	kind.must_not_exist(id);	/* its index has another owner now */
	kind.must_not_exist(heir + IDS_MAX);
	must_eq(kind.use(heir), 0);
}
END_TEST

static void
create_and_remove_one(void *arg)
{
	(void)arg;
	remove_one(make_sized(1));
}

START_TEST(G6_ids_go_on_across_processes)
{
	int id = make_sized(1);

	finish(spawn(BY_FORK, create_and_remove_one, NULL));
	must_eq(make_sized(1), id + 2);
}
END_TEST

static void
wish_for(int id)
{
	unsigned long long before;

	if (ipc->limit(kind.next_id, &before, NULL) == -1)
		testing_skip("this kernel chooses all ids itself");
	set_limit(kind.next_id, (unsigned long long)id);
}

START_TEST(G9_one_id_can_be_wished_for)
{
	unsigned long long left = 0;
	int wished = 7 * IDS_MAX + 1000;

	must_eq(make_sized(1), 0);
	wish_for(wished);
	must_eq(ipc->limit(kind.next_id, &left, NULL), 0);
	must_eq(left, (unsigned long long)wished);
	must_eq(make_sized(1), wished);
	must_eq(kind.use(wished), 0);
	must_eq(ipc->limit(kind.next_id, &left, NULL), 0);
	must_eq(left, ~0ull);
	must_eq(make_sized(1), 1);
}
END_TEST

START_TEST(G9_a_wished_id_whose_index_is_taken_is_the_next_free_one)
{
	make_sized(1);
	make_sized(1);
	wish_for(3 * IDS_MAX);
	must_eq(make_sized(1), 3 * IDS_MAX + 2);
}
END_TEST

START_TEST(G9_a_removed_id_can_be_had_again)
{
	int id = make_sized(1);

	must_eq(kind.use(id), 0);
	remove_one(id);
	kind.must_not_exist(id);
	wish_for(id);
	must_eq(make_sized(1), id);
	must_eq(kind.use(id), 0);
	remove_one(id);
	wish_for(id);
	finish(spawn(BY_FORK, create_and_remove_one, NULL));
	kind.must_not_exist(id);
}
END_TEST

static void
must_show(int index, int cmd, int id, unsigned long size)
{
	struct sight now;

	must_eq(kind.look(index, cmd, &now), id);
	must(kind.size == 0 || now.size == size);
	must_eq(now.perm.mode, 0600);
}

START_TEST(G7_stat_takes_an_index_and_returns_the_id)
{
	int id = -1;

	for (int i = 0; i < MIN_CYCLE + 5; i++) {
		if (id != -1)
			remove_one(id);
		id = make_sized(7);
	}
	must(id > IDS_MAX);
	must_show(id % IDS_MAX, kind.stat, id, 7);
	must_show(id % IDS_MAX, kind.stat_any, id, 7);
}
END_TEST

START_TEST(G7_an_empty_index_is_EINVAL)
{
	struct sight now;
	int id = make_sized(1);

	must_error(kind.look(id + 1, kind.stat, &now), EINVAL);
	must_error(kind.look(id + 1, kind.stat_any, &now), EINVAL);
	must_error(kind.look(-1, kind.stat, &now), EINVAL);
	must_error(kind.look(-1, kind.stat_any, &now), EINVAL);
	remove_one(id);
	must_error(kind.look(id, kind.stat, &now), EINVAL);
	must_error(kind.look(id, kind.stat_any, &now), EINVAL);
}
END_TEST

START_TEST(G7_a_walk_over_the_indices_finds_each_once)
{
	struct sight now;
	int id[9], found = 0, top;

	for (int i = 0; i < 9; i++)
		id[i] = make_sized((unsigned long)i + 1);
	for (int i = 0; i < 9; i += 2)
		remove_one(id[i]);
	top = kind.top(kind.info);
	for (int i = 0; i <= top; i++) {
		if (kind.look(i, kind.stat, &now) == -1)
			continue;
		must(kind.size == 0 || now.size == (unsigned long)i + 1);
		must_eq(i % 2, 1);
		found++;
	}
	must_eq(found, 4);
}
END_TEST

START_TEST(G8_info_returns_the_highest_used_index)
{
	int id[4];

	must_eq(kind.top(IPC_INFO), 0);
	must_eq(kind.top(kind.info), 0);
	for (int i = 0; i < 4; i++)
		id[i] = make_sized(1);
	must_eq(kind.top(IPC_INFO), 3);
	must_eq(kind.top(kind.info), 3);
	remove_one(id[1]);
	must_eq(kind.top(IPC_INFO), 3);
	remove_one(id[3]);
	must_eq(kind.top(IPC_INFO), 2);
	must_eq(kind.top(kind.info), 2);
	remove_one(id[0]);
	remove_one(id[2]);
	must_eq(kind.top(kind.info), 0);
	make_sized(1);			/* index 4: it is cyclic */
	must_eq(kind.top(kind.info), 4);
}
END_TEST

void
add_id_model_clauses(TCase *tc)
{
	testing_add_loop(tc, G6_ids_are_the_ones_the_kernel_would_give, 1, 4);
}

void
add_common_id_clauses(TCase *tc)
{
	testing_add(tc, G6_an_id_is_sequence_times_32768_plus_index);
	testing_add(tc, G6_a_removed_id_is_not_given_out_again_soon);
	testing_add(tc, G6_unknown_ids_are_EINVAL);
	testing_add(tc, G6_stale_ids_are_EINVAL);
	testing_add(tc, G6_ids_go_on_across_processes);
	testing_add(tc, G9_one_id_can_be_wished_for);
	testing_add(tc,
	    G9_a_wished_id_whose_index_is_taken_is_the_next_free_one);
	testing_add(tc, G9_a_removed_id_can_be_had_again);
	testing_add(tc, G7_stat_takes_an_index_and_returns_the_id);
	testing_add(tc, G7_an_empty_index_is_EINVAL);
	testing_add(tc, G7_a_walk_over_the_indices_finds_each_once);
	testing_add(tc, G8_info_returns_the_highest_used_index);
}
