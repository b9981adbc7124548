/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_get.c - finding and making queues, what they show, and limits:
 * clauses G1, G2, M11 and M12.
 */
#include "check_msg.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

START_TEST(G1_private_key_makes_a_new_queue_each_time)
{
	int a = ipc->msgget(IPC_PRIVATE, 0600);
	int b = ipc->msgget(IPC_PRIVATE, IPC_CREAT | IPC_EXCL | 0600);
	int c = ipc->msgget(IPC_PRIVATE, IPC_EXCL | 0600);

	must(a != -1 && b != -1 && c != -1);
	must(a != b && a != c && b != c);
	must_eq(stat_of(a).msg_perm.__key, IPC_PRIVATE);
	put(a, 1, "a");
	must_be(b, 0, 0);
	must_eq(info(MSG_INFO).msgpool, 3);
}
END_TEST

/* What msgget() says to a key that names a queue, or none. */
static const struct get_row {
	bool exists;
	int flags, error;	/* error 0: the queue, or a new one */
} get_rows[] = {
	{ true, 0600, 0 },
	{ true, 0, 0 },
	{ true, IPC_CREAT | 0600, 0 },
	{ true, IPC_CREAT, 0 },
	{ true, IPC_EXCL | 0600, 0 },
	{ true, IPC_NOWAIT | 0600, 0 },
	{ true, IPC_CREAT | IPC_EXCL | 0600, EEXIST },
	{ true, IPC_CREAT | IPC_EXCL, EEXIST },
	{ false, 0600, ENOENT },
	{ false, 0, ENOENT },
	{ false, IPC_EXCL | 0600, ENOENT },
	{ false, IPC_CREAT | 0640, 0 },
	{ false, IPC_CREAT | IPC_EXCL | 0600, 0 },
	{ false, IPC_CREAT, 0 },
	{ false, IPC_CREAT | 0777, 0 },
};

START_TEST(G2_what_a_key_gives)
{
	const struct get_row *row = &get_rows[_i];
	int id = -1;

	if (row->exists)
		id = ipc->msgget(KEY, IPC_CREAT | 0600);
	if (row->error != 0) {
		must_error(ipc->msgget(KEY, row->flags), row->error);
		must_eq(info(MSG_INFO).msgpool, row->exists);
	} else if (row->exists) {
		must_eq(ipc->msgget(KEY, row->flags), id);
		must_eq(stat_of(id).msg_perm.mode, 0600);
	} else {
		struct msqid_ds ds;

		id = ipc->msgget(KEY, row->flags);
		must(id != -1);
		must_eq(control_buf(id % IDS_MAX, MSG_STAT_ANY, &ds), id);
		must_eq(ds.msg_perm.__key, KEY);
		must_eq(ds.msg_perm.mode, row->flags & 0777);
	}
}
END_TEST

START_TEST(G2_all_bits_of_a_key_count)
{
	const key_t keys[] = { 1, -1, INT_MIN, INT_MAX, 0x01000000,
	    (key_t)0x80000001 };
	int id[COUNT(keys)];

	for (size_t i = 0; i < COUNT(keys); i++)
		id[i] = ipc->msgget(keys[i], IPC_CREAT | IPC_EXCL | 0600);
	for (size_t i = 0; i < COUNT(keys); i++) {
		must(id[i] != -1);
		must_eq(ipc->msgget(keys[i], 0), id[i]);
		must_eq(stat_of(id[i]).msg_perm.__key, keys[i]);
	}
}
END_TEST

START_TEST(G2_keys_of_each_kind_are_apart)
{
	int shm = ipc->shmget(KEY, 1, IPC_CREAT | 0600);
	int sem = ipc->semget(KEY, 1, IPC_CREAT | 0600), id;

	must(shm != -1 && sem != -1);
	must_error(ipc->msgget(KEY, 0600), ENOENT);
	id = ipc->msgget(KEY, IPC_CREAT | IPC_EXCL | 0600);
	must(id != -1);
	must_eq(ipc->shmctl(shm, IPC_RMID, NULL), 0);
	must_eq(ipc->semctl(sem, 0, IPC_RMID, (union semun){ .val = 0 }), 0);
	must_eq(ipc->msgget(KEY, 0), id);
	put(id, 1, "x");
	remove_queue(id);
	must_error(ipc->msgget(KEY, 0), ENOENT);
}
END_TEST

START_TEST(G2_a_free_key_can_be_taken_again)
{
	int id = ipc->msgget(KEY, IPC_CREAT | 0600), next;

	put_all(id, "abc");
	remove_queue(id);
	must_be_gone(id);
	must_error(ipc->msgget(KEY, 0), ENOENT);
	next = ipc->msgget(KEY, IPC_CREAT | IPC_EXCL | 0600);
	must(next != -1 && next != id);
	must_drain(next, "");
}
END_TEST

static void
create_exclusively(void *arg)
{
	int i = *(int *)arg;

	await(1);
	board->value[i] = ipc->msgget(KEY, IPC_CREAT | IPC_EXCL | 0600);
	must(board->value[i] != -1 || errno == EEXIST);
	board->value[8 + i] = ipc->msgget(KEY, IPC_CREAT | 0600);
	put((int)board->value[8 + i], 1 + i, "x");
}

START_TEST(G2_one_of_many_creators_wins)
{
	int winners = 0, id;
	pid_t pid[8];

	for (int i = 0; i < 8; i++)
		pid[i] = spawn(BY_FORK, create_exclusively, &i);
	reach(1);
	for (int i = 0; i < 8; i++)
		finish(pid[i]);
	id = ipc->msgget(KEY, 0);
	for (int i = 0; i < 8; i++) {
		winners += board->value[i] != -1;
		must_eq(board->value[8 + i], id);
		must_take(id, 1 + i, 0, 1 + i, "x");
	}
	must_eq(winners, 1);
	must_eq(info(MSG_INFO).msgpool, 1);
}
END_TEST

static void
fight_for_the_key(void *arg)
{
	(void)arg;
	for (int i = 0; i < 120; i++) {
		int id = ipc->msgget(KEY, IPC_CREAT | 0600);
		struct message m;

		must(id != -1);
		if (try_put(id, 1, "x") == -1)
			must(errno == EINVAL || errno == EIDRM ||
			    errno == EAGAIN);
		if (i % 2 && take(id, &m, 1, 0, IPC_NOWAIT) == -1)
			must(errno == EINVAL || errno == EIDRM ||
			    errno == ENOMSG);
		if (i % 3 && control(id, IPC_RMID) == -1)
			must(errno == EINVAL || errno == EIDRM);
	}
}

START_TEST(G2_one_key_is_created_and_removed_by_many)
{
	pid_t pid[4];
	int id;

	for (int i = 0; i < 4; i++)
		pid[i] = spawn(BY_FORK, fight_for_the_key, NULL);
	for (int i = 0; i < 4; i++)
		finish(pid[i]);
	id = ipc->msgget(KEY, 0);
	if (id != -1)
		remove_queue(id);
	must_eq(info(MSG_INFO).msgpool, 0);
	must_eq(info(MSG_INFO).msgmap, 0);
	must_eq(info(MSG_INFO).msgtql, 0);
}
END_TEST

START_TEST(M11_a_new_queue_is_empty_and_says_so)
{
	int id = make_mode(0640);
	struct msqid_ds ds = stat_of(id);

	must_eq(ds.msg_qnum, 0);
	must_eq(ds.msg_cbytes, 0);
	must_eq(ds.msg_qbytes, MSGMNB);
	must_eq(ds.msg_lspid, 0);
	must_eq(ds.msg_lrpid, 0);
	must_eq(ds.msg_stime, 0);
	must_eq(ds.msg_rtime, 0);
	must(ds.msg_ctime <= time(NULL) && ds.msg_ctime + 60 > time(NULL));
	must_eq(ds.msg_perm.uid, geteuid());
	must_eq(ds.msg_perm.cuid, geteuid());
	must_eq(ds.msg_perm.gid, getegid());
	must_eq(ds.msg_perm.cgid, getegid());
	must_eq(ds.msg_perm.mode, 0640);
	must_find_none(id, 0, 0);
}
END_TEST

/* ---- limits ---- */

START_TEST(M12_limits_are_reported)
{
	struct msginfo limits = info(IPC_INFO);

	must_eq(limits.msgmax, MSGMAX);
	must_eq(limits.msgmnb, MSGMNB);
	must_eq(limits.msgmni, MSGMNI);
	must_eq(limits.msgpool, 512000);
	must_eq(limits.msgmap, 16384);
	must_eq(limits.msgssz, 16);
	must_eq(limits.msgtql, 16384);
	must_eq(limits.msgseg, 65535);
}
END_TEST

static void
must_count(int queues, int messages, int bytes)
{
	struct msginfo used = info(MSG_INFO);

	must_eq(used.msgpool, queues);
	must_eq(used.msgmap, messages);
	must_eq(used.msgtql, bytes);
}

START_TEST(M12_msg_info_counts_queues_messages_and_bytes)
{
	int a = make_queue(), b = make_queue(), c = make_queue();

	must_count(3, 0, 0);
	put_bytes(a, 1, 100);
	put_bytes(a, 2, 0);
	put_bytes(b, 1, 4000);
	must_count(3, 3, 4100);
	must_eq(info(MSG_INFO).msgmax, MSGMAX);
	must_eq(info(MSG_INFO).msgmnb, MSGMNB);
	must_eq(info(MSG_INFO).msgmni, MSGMNI);
	must_eq(info(MSG_INFO).msgssz, 16);
	must_eq(info(MSG_INFO).msgseg, 65535);
	must_eq(info(IPC_INFO).msgpool, 512000);
	remove_queue(b);
	must_count(2, 2, 100);
	must_take(a, 2, 0, 2, "");
	must_count(2, 1, 100);
	remove_queue(c);
	remove_queue(a);
	must_count(0, 0, 0);
}
END_TEST

START_TEST(M12_a_message_handed_over_is_counted_nowhere)
{
	int id = make_queue();

	receiver(0, id, 0);
	put(id, 1, "abc");
	must_count(1, 0, 0);
	must_receive(0, 1, 'a');
	must_count(1, 0, 0);
	end_sleepers();
}
END_TEST

START_TEST(M12_MSGMNI_bounds_the_number_of_queues)
{
	int id = -1;

	set_limit("msgmni", 3);
	must_eq(info(IPC_INFO).msgmni, 3);
	must_eq(info(IPC_INFO).msgpool, 512000);
	for (int i = 0; i < 3; i++)
		id = make_queue();
	must_error(ipc->msgget(IPC_PRIVATE, 0600), ENOSPC);
	must_error(ipc->msgget(KEY, IPC_CREAT | 0600), ENOSPC);
	must_error(ipc->msgget(KEY, 0), ENOENT);
	remove_queue(id);
	id = ipc->msgget(KEY, IPC_CREAT | 0600);
	must(id != -1);
	must_eq(ipc->msgget(KEY, IPC_CREAT | 0600), id);
}
END_TEST

START_TEST(M12_MSGMNB_is_what_new_queues_hold)
{
	int old = make_queue(), id;

	set_limit("msgmnb", 100);
	must_eq(info(IPC_INFO).msgmnb, 100);
	id = make_queue();
	must_eq(stat_of(old).msg_qbytes, MSGMNB);
	must_eq(stat_of(id).msg_qbytes, 100);
	put_bytes(id, 1, 100);
	must_error(try_put(id, 1, "x"), EAGAIN);
	put_bytes(old, 1, 200);
}
END_TEST

/* The kernel's file has no such limits. */
START_TEST(M12_what_an_int_cannot_hold_is_INT_MAX)
{
	static const unsigned long long most[] = { INT_MAX, INT_MAX + 1ull,
	    UINT_MAX, 1ull << 32, 1ull << 40 };

	for (size_t i = 0; i < (backend_has(LIMITS_IN_PROC) ? 1 :
	    COUNT(most)); i++) {
		set_limit("msgmnb", most[i]);
		must_eq(info(IPC_INFO).msgmnb, INT_MAX);
		must_eq(info(MSG_INFO).msgmnb, INT_MAX);
	}
}
END_TEST

START_TEST(M12_MSGMAX_bounds_a_message)
{
	int id = make_queue();

	put_bytes(id, 1, 200);
	set_limit("msgmax", 100);
	must_eq(info(IPC_INFO).msgmax, 100);
	put_bytes(id, 2, 100);
	must_error(try_put_bytes(id, 3, 101, 0), EINVAL);
	must_be(id, 2, 300);		/* what is there is not touched */
	set_limit("msgmax", 150);
	put_bytes(id, 3, 150);
}
END_TEST

START_TEST(M12_queues_by_the_hundred)
{
	int id[600];

	for (int i = 0; i < 600; i++) {
		id[i] = ipc->msgget(KEY + i, IPC_CREAT | 0600);
		must(id[i] != -1);
		put_bytes(id[i], 1 + i, (size_t)i);
	}
	must_count(600, 600, 600 * 599 / 2);
	for (int i = 599; i >= 0; i--) {
		must_eq(ipc->msgget(KEY + i, 0), id[i]);
		must_be(id[i], 1, (unsigned long)i);
		remove_queue(id[i]);
	}
	must_count(0, 0, 0);
}
END_TEST

void
add_get_clauses(TCase *tc)
{
	testing_add(tc, G1_private_key_makes_a_new_queue_each_time);
	testing_add_loop(tc, G2_what_a_key_gives, 0, (int)COUNT(get_rows));
	testing_add(tc, G2_all_bits_of_a_key_count);
	testing_add(tc, G2_keys_of_each_kind_are_apart);
	testing_add(tc, G2_a_free_key_can_be_taken_again);
	testing_add(tc, G2_one_of_many_creators_wins);
	testing_add(tc, G2_one_key_is_created_and_removed_by_many);
	testing_add(tc, M11_a_new_queue_is_empty_and_says_so);
	testing_add(tc, M12_limits_are_reported);
	testing_add(tc, M12_msg_info_counts_queues_messages_and_bytes);
	testing_add(tc, M12_a_message_handed_over_is_counted_nowhere);
	testing_add(tc, M12_MSGMNI_bounds_the_number_of_queues);
	testing_add(tc, M12_MSGMNB_is_what_new_queues_hold);
	testing_add(tc, M12_what_an_int_cannot_hold_is_INT_MAX);
	testing_add(tc, M12_MSGMAX_bounds_a_message);
	testing_add(tc, M12_queues_by_the_hundred);
}
