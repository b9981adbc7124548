/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_id.c - identifiers, indices and listings of queues: clauses G6, G7
 * and G8, beside those of all kinds.
 */
#include "check_msg.h"

#include <string.h>

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

void
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

START_TEST(G7_stat_shows_what_is_queued)
{
	static const int commands[] = { IPC_STAT, MSG_STAT, MSG_STAT_ANY };
	int id = make_queue();
	struct msqid_ds ds;

	put_bytes(id, 1, 77);
	for (size_t i = 0; i < COUNT(commands); i++) {
		memset(&ds, 0, sizeof(ds));
		must(control_buf(id, commands[i], &ds) != -1);
		must_eq(ds.msg_qnum, 1);
		must_eq(ds.msg_cbytes, 77);
		must_eq(ds.msg_qbytes, MSGMNB);
	}
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
	add_common_id_clauses(tc);
	testing_add(tc, G7_stat_shows_what_is_queued);
	testing_add(tc, G6_ids_of_each_kind_are_counted_apart);
	testing_add(tc, G6_who_used_a_queue_sees_it_removed);
	testing_add(tc, G8_info_takes_any_id_but_a_negative_one);
	testing_add(tc, G8_unknown_commands_are_EINVAL);
}
