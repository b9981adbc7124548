/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_set.c - how many bytes a queue holds, and what IPC_SET means to
 * those who sleep: clause M3.
 */
#include "check_msg.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* ---- how many bytes ---- */

START_TEST(M3_lowering_and_raising_to_MSGMNB_is_free)
{
	int id = make_queue();

	drop_capabilities();
	set_qbytes(id, 5);
	must_error(try_put(id, 1, "sixsix"), EAGAIN);
	put(id, 1, "five5");
	set_qbytes(id, MSGMNB);
	put_bytes(id, 1, MSGMAX);
	set_qbytes(id, 0);
	must_error(try_put(id, 1, ""), EAGAIN);
	set_qbytes(id, 1);
	set_qbytes(id, MSGMNB);
}
END_TEST

static const unsigned long too_many[] = { MSGMNB + 1, 2 * MSGMNB, INT_MAX,
    LONG_MAX, ULONG_MAX };

START_TEST(M3_more_than_MSGMNB_is_EPERM)
{
	int id = make_queue();
	struct msqid_ds before = stat_of(id), ds = before, after;

	drop_capabilities();
	ds.msg_qbytes = too_many[_i];
	ds.msg_perm.mode = 0666;
	must_error(control_buf(id, IPC_SET, &ds), EPERM);
	after = stat_of(id);
	must_eq(after.msg_qbytes, MSGMNB);
	must_eq(after.msg_perm.mode, 0600);
	must_eq(after.msg_ctime, before.msg_ctime);
}
END_TEST

START_TEST(M3_the_limit_of_the_moment_counts)
{
	int id = make_queue();

	set_limit("msgmnb", 2 * MSGMNB);
	drop_capabilities();
	set_qbytes(id, 2 * MSGMNB);
	must_error(try_qbytes(id, 2 * MSGMNB + 1), EPERM);
	for (int i = 0; i < 4; i++)
		put_bytes(id, 1, MSGMAX);
	must_error(try_put(id, 1, "x"), EAGAIN);
	must_be(id, 4, 2 * MSGMNB);
}
END_TEST

START_TEST(M3_what_is_above_a_lowered_limit_stays)
{
	int id = make_queue();

	set_limit("msgmnb", 100);
	drop_capabilities();
	must_eq(stat_of(id).msg_qbytes, MSGMNB);
	put_bytes(id, 1, 200);
	must_error(try_qbytes(id, 101), EPERM);
	must_error(try_qbytes(id, MSGMNB), EPERM);
	set_qbytes(id, 100);
}
END_TEST

START_TEST(M3_what_is_there_stays_when_room_shrinks)
{
	int id = make_queue();

	put(id, 1, "aaaaaaaa");
	put(id, 2, "bbbbbbbb");
	put(id, 3, "cccccccc");
	set_qbytes(id, 9);
	must_be(id, 3, 24);
	must_error(try_put(id, 4, ""), EAGAIN);
	must_take(id, 0, 0, 1, "aaaaaaaa");
	must_error(try_put(id, 4, ""), EAGAIN);
	must_take(id, 0, 0, 2, "bbbbbbbb");
	must_error(try_put(id, 4, "xx"), EAGAIN);
	put(id, 4, "x");
	must_drain(id, "cx");
}
END_TEST

/* ---- sleepers ---- */

static void
change_nothing(int id)
{
	struct msqid_ds ds = stat_of(id);

	must_eq(control_buf(id, IPC_SET, &ds), 0);
}

START_TEST(M3_who_still_waits_sleeps_on)
{
	int id = make_queue(), full = make_queue();

	set_qbytes(full, 0);
	receiver(0, id, 1);
	receiver(1, id, -5);
	sender(2, full, 1, 'x', 1);
	for (int i = 0; i < 5; i++) {
		change_nothing(id);
		change_nothing(full);
	}
	for (int i = 0; i < 3; i++)
		must_sleep(i);
	put(id, 1, "a");
	put(id, 1, "a");
	must_receive(0, 1, 'a');
	must_receive(1, 1, 'a');
	set_qbytes(full, 1);
	must_end(2, DONE);
	must_take(full, 0, 0, 1, "x");
	end_sleepers();
}
END_TEST

START_TEST(M3_a_sender_goes_on_when_there_is_room)
{
	int id = make_queue();

	set_qbytes(id, 4);
	put(id, 1, "full");
	sender(0, id, 2, 'x', 3);
	set_qbytes(id, 6);
	must_sleep(0);
	set_qbytes(id, 7);
	must_end(0, DONE);
	must_be(id, 2, 7);
	must_eq(stat_of(id).msg_lspid, pid_of(0));
	must_drain(id, "fx");
	end_sleepers();
}
END_TEST

START_TEST(M3_all_senders_that_fit_go_on)
{
	int id = make_queue();

	set_qbytes(id, 0);
	sender(0, id, 1, 'a', 10);
	sender(1, id, 2, 'b', 200);
	sender(2, id, 3, 'c', 20);
	sender(3, id, 4, 'd', 0);
	set_qbytes(id, 40);
	must_end(0, DONE);
	must_end(2, DONE);
	must_end(3, DONE);
	must_sleep(1);
	must_be(id, 3, 30);
	must_take(id, 1, 0, 1, "aaaaaaaaaa");
	must_take(id, 4, 0, 4, "");
	must_sleep(1);
	set_qbytes(id, 220);
	must_end(1, DONE);
	must_drain(id, "cb");
	end_sleepers();
}
END_TEST

START_TEST(M3_a_receiver_that_may_no_more_gets_EACCES)
{
	int id = make_mode(0666);

	need_root();
	start_sleeper(&(struct sleeper){ .who = 0, .id = id, .type = 1,
	    .size = 9, .as = &nobody });
	start_sleeper(&(struct sleeper){ .who = 1, .id = id, .type = -9,
	    .size = 9, .as = &somebody });
	receiver(2, id, 1);
	set_owner(id, 0, 0, 0664);
	for (int i = 0; i < 3; i++)
		must_sleep(i);
	set_owner(id, 0, somebody.gid, 0660);
	must_end(0, -EACCES);
	must_sleep(1);
	must_sleep(2);
	set_owner(id, nobody.uid, 0, 0600);
	must_end(1, -EACCES);
	must_sleep(2);			/* the creator, and root */
	put(id, 1, "x");
	must_receive(2, 1, 'x');
	end_sleepers();
}
END_TEST

START_TEST(M3_a_sender_that_may_no_more_gets_EACCES)
{
	int id = make_mode(0666);
	struct msqid_ds ds;

	need_root();
	set_qbytes(id, 0);
	start_sleeper(&(struct sleeper){ .who = 0, .id = id, .sends = true,
	    .type = 1, .letter = 'n', .size = 9, .as = &nobody });
	sender(1, id, 2, 'r', 9);
	/* Room comes and the right goes at the same time. */
	ds = stat_of(id);
	ds.msg_qbytes = MSGMNB;
	ds.msg_perm.mode = 0664;
	must_eq(control_buf(id, IPC_SET, &ds), 0);
	must_end(0, -EACCES);
	must_end(1, DONE);
	must_drain(id, "r");
	end_sleepers();
}
END_TEST

START_TEST(M3_a_sender_that_may_no_more_learns_it_when_there_is_room)
{
	int id = make_mode(0666);
	struct message m;

	need_root();
	set_qbytes(id, 10);
	put_bytes(id, 1, 10);
	for (int i = 0; i < 2; i++)
		start_sleeper(&(struct sleeper){ .who = i, .id = id,
		    .sends = true, .type = 1, .letter = 'n', .size = 5,
		    .as = i == 0 ? &nobody : &somebody });
	set_owner(id, 0, somebody.gid, 0660);
	must_sleep(0);
	must_eq(take(id, &m, 10, 0, IPC_NOWAIT), 10);
	must_end(0, -EACCES);
	must_end(1, DONE);
	must_drain(id, "n");
	end_sleepers();
}
END_TEST

START_TEST(M3_a_sender_has_its_right_again_when_there_is_room)
{
	int id = make_mode(0666);
	struct message m;

	need_root();
	set_qbytes(id, 10);
	put_bytes(id, 1, 10);
	start_sleeper(&(struct sleeper){ .who = 0, .id = id, .sends = true,
	    .type = 1, .letter = 'n', .size = 5, .as = &nobody });
	set_owner(id, 0, 0, 0660);
	must_sleep(0);
	set_owner(id, 0, 0, 0666);
	must_sleep(0);
	must_eq(take(id, &m, 10, 0, IPC_NOWAIT), 10);
	must_end(0, DONE);
	must_drain(id, "n");
	end_sleepers();
}
END_TEST

START_TEST(M3_a_right_gained_serves_who_asks_again)
{
	int id = make_mode(0600);

	need_root();
	start_sleeper(&(struct sleeper){ .who = 0, .id = id, .type = 1,
	    .size = 9, .as = &nobody });
	must_end(0, -EACCES);
	set_owner(id, 0, 0, 0606);
	start_sleeper(&(struct sleeper){ .who = 1, .id = id, .type = 1,
	    .size = 9, .as = &nobody });
	must_sleep(1);
	put(id, 1, "x");
	must_receive(1, 1, 'x');
	end_sleepers();
}
END_TEST

START_TEST(M3_an_IPC_SET_that_fails_wakes_nobody)
{
	int id = make_queue();
	struct msqid_ds ds;

	set_qbytes(id, 0);
	receiver(0, id, 1);
	sender(1, id, 2, 'x', 1);
	ds = stat_of(id);
	ds.msg_qbytes = 100;
	ds.msg_perm.uid = (uid_t)-1;
	must_error(control_buf(id, IPC_SET, &ds), EINVAL);
	must_sleep(0);
	must_sleep(1);
	must_eq(stat_of(id).msg_qbytes, 0);
	kill_sleeper(0);
	kill_sleeper(1);
}
END_TEST

void
add_set_clauses(TCase *tc)
{
	testing_add(tc, M3_lowering_and_raising_to_MSGMNB_is_free);
	testing_add_loop(tc, M3_more_than_MSGMNB_is_EPERM, 0,
	    (int)COUNT(too_many));
	testing_add(tc, M3_the_limit_of_the_moment_counts);
	testing_add(tc, M3_what_is_above_a_lowered_limit_stays);
	testing_add(tc, M3_what_is_there_stays_when_room_shrinks);
	testing_add(tc, M3_who_still_waits_sleeps_on);
	testing_add(tc, M3_a_sender_goes_on_when_there_is_room);
	testing_add(tc, M3_all_senders_that_fit_go_on);
	testing_add(tc, M3_a_receiver_that_may_no_more_gets_EACCES);
	testing_add(tc, M3_a_sender_that_may_no_more_gets_EACCES);
	testing_add(tc,
	    M3_a_sender_that_may_no_more_learns_it_when_there_is_room);
	testing_add(tc, M3_a_sender_has_its_right_again_when_there_is_room);
	testing_add(tc, M3_a_right_gained_serves_who_asks_again);
	testing_add(tc, M3_an_IPC_SET_that_fails_wakes_nobody);
}
