/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_id.c - identifiers, indices and listings: clauses G6, G7 and G8.
 */
#include "check_msg.h"

#include <limits.h>
#include <string.h>

#define MIN_CYCLE	64	/* indices the kernel cycles through at least */

START_TEST(G6_an_id_is_sequence_times_32768_plus_index)
{
	int id;

	for (int i = 0; i < MIN_CYCLE; i++) {
		id = make_queue();
		must_eq(id, i);
		remove_queue(id);
	}
	id = make_queue();
	must_eq(id, IDS_MAX);
	must_eq(stat_of(id).msg_perm.__seq, 1);
	must_eq(make_queue(), IDS_MAX + 1);
}
END_TEST

START_TEST(G6_ids_of_each_kind_are_counted_apart)
{
	must_eq(make_queue(), 0);
	must_eq(ipc->shmget(IPC_PRIVATE, 1, 0600), 0);
	must_eq(make_queue(), 1);
	must_eq(ipc->semget(IPC_PRIVATE, 1, 0600), 0);
	remove_queue(0);
	must_eq(ipc->shmctl(0, IPC_RMID, NULL), 0);
	must_eq(make_queue(), 2);
	must_eq(ipc->semget(IPC_PRIVATE, 1, 0600), 1);
	must_be(1, 0, 0);
}
END_TEST

START_TEST(G6_a_removed_id_is_not_given_out_again_soon)
{
	static bool seen[8 * IDS_MAX];

	for (int i = 0; i < 300; i++) {
		int id = make_queue();

		must(id >= 0 && id < 8 * IDS_MAX && !seen[id]);
		seen[id] = true;
		remove_queue(id);
	}
}
END_TEST

static void
must_not_exist(int id)
{
	struct msqid_ds ds;
	struct message m;

	memset(&ds, 0, sizeof(ds));
	must_error(control_buf(id, IPC_STAT, &ds), EINVAL);
	must_error(control_buf(id, IPC_SET, &ds), EINVAL);
	must_error(control(id, IPC_RMID), EINVAL);
	must_error(try_put(id, 1, "x"), EINVAL);
	must_error(try_put_bytes(id, 1, 0, 0), EINVAL);
	must_error(take(id, &m, 1, 0, 0), EINVAL);
	must_error(take(id, &m, 1, 0, IPC_NOWAIT), EINVAL);
	must_error(take(id, &m, 1, 0, IPC_NOWAIT | MSG_COPY), EINVAL);
}

START_TEST(G6_unknown_ids_are_EINVAL)
{
	must_not_exist(0);
	must_not_exist(make_queue() + 1);
	must_not_exist(IDS_MAX - 1);
	must_not_exist(-1);
	must_not_exist(INT_MIN);
	must_not_exist(INT_MAX);
}
END_TEST

START_TEST(G6_stale_ids_are_EINVAL)
{
	int id = make_queue(), heir = -1;

	put(id, 1, "x");
	remove_queue(id);
	must_not_exist(id);
	while (heir == -1 || heir % IDS_MAX != id) {
		if (heir != -1)
			remove_queue(heir);
		heir = make_queue();
	}
	must_not_exist(id);	/* its index has another owner now */
	must_not_exist(heir + IDS_MAX);
	put(heir, 1, "y");
	must_drain(heir, "y");
}
END_TEST

static void
knew_the_removed(void *arg)
{
	int id = *(int *)arg;

	put(id, 1, "x");
	must_drain(id, "x");
	reach(1);
	await(2);
	must_not_exist(id);
}

START_TEST(G6_who_used_a_queue_sees_it_removed)
{
	int id = make_queue();
	pid_t pid = spawn(BY_FORK, knew_the_removed, &id);

	await(1);
	remove_queue(id);
	reach(2);
	finish(pid);
}
END_TEST

static void
create_and_remove_one(void *arg)
{
	(void)arg;
	remove_queue(make_queue());
}

START_TEST(G6_ids_go_on_across_processes)
{
	int id = make_queue();

	finish(spawn(BY_FORK, create_and_remove_one, NULL));
	must_eq(make_queue(), id + 2);
}
END_TEST

START_TEST(G7_stat_takes_an_index_and_returns_the_id)
{
	struct msqid_ds ds;
	int id = -1;

	for (int i = 0; i < MIN_CYCLE + 5; i++) {
		if (id != -1)
			remove_queue(id);
		id = make_queue();
	}
	must(id > IDS_MAX);
	put_bytes(id, 1, 77);
	memset(&ds, 0, sizeof(ds));
	must_eq(control_buf(id % IDS_MAX, MSG_STAT, &ds), id);
	must_eq(ds.msg_cbytes, 77);
	must_eq(ds.msg_qnum, 1);
	memset(&ds, 0, sizeof(ds));
	must_eq(control_buf(id % IDS_MAX, MSG_STAT_ANY, &ds), id);
	must_eq(ds.msg_qnum, 1);
	must_eq(ds.msg_cbytes, 77);
	must_eq(ds.msg_qbytes, MSGMNB);
	must_eq(ds.msg_perm.mode, 0600);
}
END_TEST

START_TEST(G7_an_empty_index_is_EINVAL)
{
	struct msqid_ds ds;
	int id = make_queue();

	must_error(control_buf(id + 1, MSG_STAT, &ds), EINVAL);
	must_error(control_buf(id + 1, MSG_STAT_ANY, &ds), EINVAL);
	must_error(control_buf(-1, MSG_STAT, &ds), EINVAL);
	must_error(control_buf(-1, MSG_STAT_ANY, &ds), EINVAL);
	remove_queue(id);
	must_error(control_buf(id, MSG_STAT, &ds), EINVAL);
	must_error(control_buf(id, MSG_STAT_ANY, &ds), EINVAL);
}
END_TEST

START_TEST(G7_a_walk_over_the_indices_finds_each_once)
{
	struct msqid_ds ds;
	int id[9], found = 0, last;

	for (int i = 0; i < 9; i++) {
		id[i] = make_queue();
		put_bytes(id[i], 1, (size_t)i);
	}
	for (int i = 0; i < 9; i += 2)
		remove_queue(id[i]);
	last = top(MSG_INFO);
	for (int i = 0; i <= last; i++) {
		if (control_buf(i, MSG_STAT, &ds) == -1)
			continue;
		must_eq(ds.msg_cbytes, i);
		must_eq(i % 2, 1);
		found++;
	}
	must_eq(found, 4);
}
END_TEST

START_TEST(G8_info_returns_the_highest_used_index)
{
	int id[4];

	must_eq(top(IPC_INFO), 0);
	must_eq(top(MSG_INFO), 0);
	for (int i = 0; i < 4; i++)
		id[i] = make_queue();
	must_eq(top(IPC_INFO), 3);
	must_eq(top(MSG_INFO), 3);
	remove_queue(id[1]);
	must_eq(top(IPC_INFO), 3);
	remove_queue(id[3]);
	must_eq(top(IPC_INFO), 2);
	must_eq(top(MSG_INFO), 2);
	remove_queue(id[0]);
	remove_queue(id[2]);
	must_eq(top(MSG_INFO), 0);
	make_queue();			/* index 4: it is cyclic */
	must_eq(top(MSG_INFO), 4);
}
END_TEST

START_TEST(G8_info_takes_any_id_but_a_negative_one)
{
	union {
		struct msqid_ds ds;
		struct msginfo info;
	} room;

	must_eq(control_buf(12345, IPC_INFO, &room.ds), 0);
	must_eq(control_buf(12345, MSG_INFO, &room.ds), 0);
	must_error(control_buf(-1, IPC_INFO, &room.ds), EINVAL);
	must_error(control_buf(-1, MSG_INFO, &room.ds), EINVAL);
}
END_TEST

START_TEST(G8_unknown_commands_are_EINVAL)
{
	static const int commands[] = { 9999, -1, 4, 10, 14, 18, 21,
	    0x7fffffff };
	int id = make_queue();
	struct msqid_ds ds;

	for (size_t i = 0; i < COUNT(commands); i++) {
		must_error(control(id, commands[i]), EINVAL);
		must_error(control_buf(id, commands[i], &ds), EINVAL);
	}
}
END_TEST

void
add_id_clauses(TCase *tc)
{
	testing_add(tc, G6_an_id_is_sequence_times_32768_plus_index);
	testing_add(tc, G6_ids_of_each_kind_are_counted_apart);
	testing_add(tc, G6_a_removed_id_is_not_given_out_again_soon);
	testing_add(tc, G6_unknown_ids_are_EINVAL);
	testing_add(tc, G6_stale_ids_are_EINVAL);
	testing_add(tc, G6_who_used_a_queue_sees_it_removed);
	testing_add(tc, G6_ids_go_on_across_processes);
	testing_add(tc, G7_stat_takes_an_index_and_returns_the_id);
	testing_add(tc, G7_an_empty_index_is_EINVAL);
	testing_add(tc, G7_a_walk_over_the_indices_finds_each_once);
	testing_add(tc, G8_info_returns_the_highest_used_index);
	testing_add(tc, G8_info_takes_any_id_but_a_negative_one);
	testing_add(tc, G8_unknown_commands_are_EINVAL);
}
