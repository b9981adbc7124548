/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_end.c - the ends of queues, and of those who sleep in them: clause
 * M9, and M7 and M8 under deaths.
 */
#include "check_msg.h"

#include <sys/wait.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* ---- removal ---- */

START_TEST(M9_removal_wakes_all_with_EIDRM)
{
	int id = make_queue(), other = make_queue();

	set_qbytes(id, 3);
	receiver(0, id, 7);
	receiver(1, id, -5);
	receiver_of(2, id, 9, 0, MSG_NOERROR);
	put(id, 20, "xyz");
	receiver_of(3, id, 20, 0, MSG_EXCEPT);
	sender(4, id, 1, 'x', 1);
	sender(5, id, 30, 'x', 3);
	sender(6, id, 30, 'x', MSGMAX);
	receiver(7, other, 0);
	remove_queue(id);
	must_be_gone(id);
	for (int i = 0; i < 7; i++)
		must_end(i, -EIDRM);
	must_sleep(7);
	put(other, 1, "x");
	must_receive(7, 1, 'x');
	must_eq(info(MSG_INFO).msgmap, 0);
	must_eq(info(MSG_INFO).msgtql, 0);
	end_sleepers();
}
END_TEST

static void
send_until_removed(void *arg)
{
	int id = *(int *)arg;
	long n = 1;

	while (try_put_bytes(id, 1 + n % 5, (size_t)n % 500, 0) == 0)
		if (n++ == 200)
			atomic_fetch_add(&board->value[0], 1);
	must(errno == EIDRM || errno == EINVAL);
	must_error(try_put(id, 1, "x"), EINVAL);
}

static void
receive_until_removed(void *arg)
{
	int id = *(int *)arg;
	struct message m;
	long n = 1;

	while (take(id, &m, MSGMAX, n % 3 ? 0 : -9, 0) != -1)
		if (n++ == 200)
			atomic_fetch_add(&board->value[0], 1);
	must(errno == EIDRM || errno == EINVAL);
	must_error(take(id, &m, MSGMAX, 0, 0), EINVAL);
}

START_TEST(M9_who_is_amid_calls_gets_EIDRM_or_EINVAL)
{
	int id = make_queue();
	pid_t pid[4];

	for (int i = 0; i < 4; i++)
		pid[i] = spawn(BY_FORK, i % 2 ? send_until_removed :
		    receive_until_removed, &id);
	await_value(0, 3);
	remove_queue(id);
	for (int i = 0; i < 4; i++)
		finish(pid[i]);
	must_be_gone(id);
	must_eq(info(MSG_INFO).msgpool, 0);
	must_eq(info(MSG_INFO).msgmap, 0);
	must_eq(info(MSG_INFO).msgtql, 0);
}
END_TEST

static void
remove_at_once(void *arg)
{
	await(1);
	if (control(*(int *)arg, IPC_RMID) == 0)
		atomic_fetch_add(&board->value[FREE], 1);
	else
		must(errno == EINVAL || errno == EIDRM);
}

START_TEST(M9_one_of_many_removers_succeeds)
{
	int id = make_queue();
	pid_t pid[4];

	receiver(0, id, 0);
	for (int i = 0; i < 4; i++)
		pid[i] = spawn(BY_FORK, remove_at_once, &id);
	reach(1);
	for (int i = 0; i < 4; i++)
		finish(pid[i]);
	must_eq(board->value[FREE], 1);
	must_end(0, -EIDRM);
	must_eq(info(MSG_INFO).msgpool, 0);
	end_sleepers();
}
END_TEST

START_TEST(M9_what_was_handed_over_before_is_received)
{
	int id;

	for (int i = 0; i < 100; i++) {
		id = make_queue();
		receiver(0, id, 0);
		put(id, 1, "x");
		remove_queue(id);
		must_receive(0, 1, 'x');
		kill_sleeper(0);
	}
}
END_TEST

START_TEST(M9_a_full_queue_goes_with_its_messages)
{
	for (int i = 0; i < 200; i++) {
		int id = make_queue();

		put_bytes(id, 1, MSGMAX);
		for (int k = 0; k < 100; k++)
			put_bytes(id, 2, (size_t)k / 2);
		remove_queue(id);
	}
	must_eq(info(MSG_INFO).msgmap, 0);
	must_eq(info(MSG_INFO).msgtql, 0);
}
END_TEST

/* ---- deaths ---- */

START_TEST(M7_a_receiver_killed_in_its_sleep_takes_nothing)
{
	int id = make_queue();

	for (int i = 0; i < 5; i++)
		receiver(i, id, 0);
	kill_sleeper(0);
	kill_sleeper(2);
	kill_sleeper(4);
	put_all(id, "abc");
	must_receive(1, 1, 'a');
	must_receive(3, 2, 'b');
	must_be(id, 1, 1);
	must_drain(id, "c");
	end_sleepers();
}
END_TEST

START_TEST(M8_a_sender_killed_in_its_sleep_sends_nothing)
{
	int id = make_queue();

	set_qbytes(id, 1);
	put(id, 1, "0");
	for (int i = 0; i < 5; i++)
		sender(i, id, 2, (char)('a' + i), 1);
	kill_sleeper(0);
	kill_sleeper(2);
	kill_sleeper(4);
	must_take(id, 0, 0, 1, "0");
	while (board->value[1] + board->value[3] == 0)
		await_turn();
	must_be(id, 1, 1);
	must_eq(take(id, &(struct message){ 0 }, 1, 0, 0), 1);
	must_end(1, DONE);
	must_end(3, DONE);
	must_eq(take(id, &(struct message){ 0 }, 1, 0, IPC_NOWAIT), 1);
	must_be(id, 0, 0);
	end_sleepers();
}
END_TEST

/* Killed with the message in hand, or on its way to it: once, or never. */
START_TEST(M7_kills_of_those_served_lose_one_message_at_most)
{
	for (int round = 0; round < 60; round++) {
		int id = make_queue(), got = 0;
		struct message m;
		pid_t pid[3];

		for (int i = 0; i < 3; i++)
			pid[i] = receiver(i, id, 0);
		put(id, 1, "x");
		must_eq(kill(pid[0], SIGKILL), 0);
		put(id, 2, "y");
		put(id, 3, "z");
		put(id, 4, "w");
		must_eq(waitpid(pid[0], NULL, 0), pid[0]);
		must_end(1, DONE);
		must_end(2, DONE);
		for (int i = 0; i < 3; i++)
			got |= board->value[i] != DONE ? 0 :
			    1 << board->value[GOT_TYPE + i];
		while (take(id, &m, 9, 0, IPC_NOWAIT) != -1) {
			must((got >> m.type & 1) == 0);
			got |= 1 << m.type;
		}
		/* All but the first must be somewhere, and all but once. */
		must_eq(got & ~2, 1 << 2 | 1 << 3 | 1 << 4);
		kill_and_reap(pid[1]);
		kill_and_reap(pid[2]);
		remove_queue(id);
	}
}
END_TEST

START_TEST(M8_kills_of_those_with_room_lose_no_room)
{
	for (int round = 0; round < 40; round++) {
		int id = make_queue(), n = 0;
		struct message m;
		pid_t pid[4];

		set_qbytes(id, 8);
		put(id, 9, "01234567");
		for (int i = 0; i < 4; i++)
			pid[i] = sender(i, id, 1 + i, (char)('a' + i), 8);
		must_take(id, 9, 0, 9, "01234567");
		must_eq(kill(pid[round % 4], SIGKILL), 0);
		must_eq(waitpid(pid[round % 4], NULL, 0), pid[round % 4]);
		/* Those that live send, all of them. */
		while (n < 3) {
			must_eq(take(id, &m, 8, 0, 0), 8);
			must_eq(m.text[7], 'a' + (char)m.type - 1);
			n += m.type != 1 + round % 4;
		}
		for (int i = 0; i < 4; i++)
			if (i != round % 4)
				must_end(i, DONE);
		if (take(id, &m, 8, 0, IPC_NOWAIT) != -1)
			must_eq(m.type, 1 + round % 4);
		must_be(id, 0, 0);
		for (int i = 0; i < 4; i++)
			if (i != round % 4)
				kill_and_reap(pid[i]);
		remove_queue(id);
	}
}
END_TEST

static void
leave_one(void *arg)
{
	put(*(int *)arg, 1, "left behind");
}

START_TEST(M9_messages_outlive_who_sent_them)
{
	int id = make_queue();

	finish(spawn(BY_FORK, leave_one, &id));
	must_take(id, 0, 0, 1, "left behind");
}
END_TEST

START_TEST(M9_messages_outlive_all_processes_that_knew_them)
{
	int id = make_queue();
	pid_t pid = spawn(BY_RAW_CLONE, leave_one, &id);

	finish(pid);
	pid = receiver(0, id, 2);
	kill_sleeper(0);
	must_eq(stat_of(id).msg_qnum, 1);
	must_take(id, 0, 0, 1, "left behind");
}
END_TEST

void
add_end_clauses(TCase *tc)
{
	testing_add(tc, M9_removal_wakes_all_with_EIDRM);
	testing_add(tc, M9_who_is_amid_calls_gets_EIDRM_or_EINVAL);
	testing_add(tc, M9_one_of_many_removers_succeeds);
	testing_add(tc, M9_what_was_handed_over_before_is_received);
	testing_add(tc, M9_a_full_queue_goes_with_its_messages);
	testing_add(tc, M7_a_receiver_killed_in_its_sleep_takes_nothing);
	testing_add(tc, M8_a_sender_killed_in_its_sleep_sends_nothing);
	testing_add(tc, M7_kills_of_those_served_lose_one_message_at_most);
	testing_add(tc, M8_kills_of_those_with_room_lose_no_room);
	testing_add(tc, M9_messages_outlive_who_sent_them);
	testing_add(tc, M9_messages_outlive_all_processes_that_knew_them);
}
