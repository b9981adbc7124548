/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_wait.c - who sleeps until a message or room comes, and who is
 * served: clauses M7 and M8.
 */
#include "check_msg.h"

#include <string.h>
#include <unistd.h>

/* ---- receivers ---- */

#define QUEUE	5

/*
 * Receivers, in order of arrival; messages are sent; then these have got them,
 * by E the error E2BIG, by . nothing; and these are left in the queue.
 */
static const struct hand_row {
	const char *name;
	struct {
		long type;
		size_t size;	/* 0 ends them */
		int flags;
	} receivers[QUEUE];
	struct {
		long type;
		const char *text;
	} messages[4];
	const char *got;	/* first letters, by receiver */
	const char *left;
} hand_rows[] = {
	{ "one takes it", { { 0, 9, 0 } }, { { 1, "a" } }, "a", "" },
	{ "equals: first come", { { 0, 9, 0 }, { 0, 9, 0 }, { 0, 9, 0 } },
	    { { 1, "a" }, { 1, "b" } }, "ab.", "" },
	{ "another type", { { 2, 9, 0 } }, { { 1, "a" } }, ".", "a" },
	{ "the first that matches", { { 2, 9, 0 }, { 1, 9, 0 },
	    { 1, 9, 0 } }, { { 1, "a" } }, ".a.", "" },
	{ "any comes before equal", { { 0, 9, 0 }, { 1, 9, 0 } },
	    { { 1, "a" } }, "a.", "" },
	{ "equal comes before any", { { 1, 9, 0 }, { 0, 9, 0 } },
	    { { 1, "a" } }, "a.", "" },
	{ "up to a type", { { -2, 9, 0 }, { 3, 9, 0 } },
	    { { 3, "a" }, { 3, "b" }, { 2, "c" } }, "ca", "b" },
	{ "up to, not the nearest", { { -9, 9, 0 }, { -3, 9, 0 } },
	    { { 3, "a" } }, "a.", "" },
	{ "all but one", { { 1, 9, MSG_EXCEPT }, { 0, 9, 0 } },
	    { { 1, "a" }, { 1, "b" }, { 2, "c" } }, "ca", "b" },
	{ "each its own", { { 3, 9, 0 }, { 2, 9, 0 }, { 1, 9, 0 } },
	    { { 1, "a" }, { 2, "b" }, { 3, "c" } }, "cba", "" },
	{ "two of one", { { 1, 9, 0 }, { 1, 9, 0 } },
	    { { 1, "a" }, { 2, "b" }, { 1, "c" } }, "ac", "b" },
	{ "too small a buffer", { { 0, 1, 0 } }, { { 1, "aa" } }, "E",
	    "a" },
	{ "it goes to the next", { { 0, 1, 0 }, { 0, 9, 0 } },
	    { { 1, "aa" } }, "Ea", "" },
	{ "and the next", { { 0, 1, 0 }, { 1, 1, 0 }, { -1, 1, 0 },
	    { 2, 9, MSG_EXCEPT }, { 0, 9, 0 } }, { { 1, "aa" } }, "EEEa.",
	    "" },
	{ "too small for all", { { 0, 1, 0 }, { 0, 2, 0 }, { 0, 1, 0 } },
	    { { 1, "aaa" } }, "EEE", "a" },
	{ "who does not match is let be", { { 2, 1, 0 }, { 0, 1, 0 } },
	    { { 1, "aa" } }, ".E", "a" },
	{ "behind one that takes it", { { 0, 9, 0 }, { 0, 1, 0 } },
	    { { 1, "aa" } }, "a.", "" },
	{ "small, and a small one", { { 0, 1, 0 } }, { { 1, "a" } }, "a",
	    "" },
	{ "cut off", { { 0, 1, MSG_NOERROR } }, { { 1, "aaaa" } }, "a",
	    "" },
	{ "cut off before the next", { { 0, 1, MSG_NOERROR }, { 0, 9, 0 } },
	    { { 1, "aaaa" }, { 1, "bbbb" } }, "ab", "" },
	{ "empty", { { 0, 1, 0 }, { 0, 9, 0 } }, { { 1, "" } }, "-.", "" },
	{ "five of one kind", { { 1, 9, 0 }, { 1, 9, 0 }, { 1, 9, 0 },
	    { 1, 9, 0 }, { 1, 9, 0 } }, { { 1, "a" }, { 1, "b" },
	    { 1, "c" }, { 1, "d" } }, "abcd.", "" },
};

static void
must_have_got(const struct hand_row *row)
{
	for (int i = 0; row->got[i] != '\0'; i++) {
		if (row->got[i] == '.') {
			must_sleep(i);
			continue;
		}
		must_end(i, row->got[i] == 'E' ? -E2BIG : DONE);
		if (row->got[i] != 'E' &&
		    board->value[GOT_LETTER + i] != row->got[i])
			testing_fail(__FILE__, __LINE__,
			    "%s: %d has got %c", row->name, i,
			    (int)board->value[GOT_LETTER + i]);
	}
}

START_TEST(M7_a_message_goes_to_the_first_that_matches)
{
	const struct hand_row *row = &hand_rows[_i];
	int id = make_queue();

	for (int i = 0; i < QUEUE && row->receivers[i].size != 0; i++)
		receiver_of(i, id, row->receivers[i].type,
		    row->receivers[i].size, row->receivers[i].flags);
	for (int i = 0; i < 4 && row->messages[i].type != 0; i++)
		put(id, row->messages[i].type, row->messages[i].text);
	/* At once, whether they have run since or not. */
	must_eq(stat_of(id).msg_qnum, strlen(row->left));
	must_have_got(row);
	must_drain(id, row->left);
	for (int i = 0; row->got[i] != '\0'; i++)
		if (row->got[i] == '.')
			kill_sleeper(i);
	end_sleepers();
}
END_TEST

START_TEST(M7_a_newcomer_cannot_take_what_was_handed_over)
{
	int id = make_queue();

	for (int i = 0; i < 300; i++) {
		receiver(0, id, i % 2 ? 0 : 1);
		put(id, 1, "x");
		must_find_none(id, 0, 0);
		must_be(id, 0, 0);
		must_receive(0, 1, 'x');
		kill_sleeper(0);
	}
}
END_TEST

START_TEST(M7_who_receives_is_marked_though_he_has_not_run)
{
	int id = make_queue();
	time_t now = time(NULL);
	pid_t pid = receiver(0, id, 0);
	struct msqid_ds ds;

	must_eq(stat_of(id).msg_lrpid, 0);
	put(id, 1, "x");
	ds = stat_of(id);
	must_eq(ds.msg_lrpid, pid);
	must_eq(ds.msg_lspid, getpid());
	must(ds.msg_rtime >= now && ds.msg_stime >= now);
	must_receive(0, 1, 'x');
	end_sleepers();
	must_eq(stat_of(id).msg_lrpid, pid);
}
END_TEST

START_TEST(M7_who_gets_E2BIG_is_not_marked)
{
	int id = make_queue();

	receiver_of(0, id, 0, 1, 0);
	put(id, 1, "xx");
	must_end(0, -E2BIG);
	must_eq(stat_of(id).msg_lrpid, 0);
	must_eq(stat_of(id).msg_rtime, 0);
	must_be(id, 1, 2);
	end_sleepers();
}
END_TEST

/* It would never count in the queue; it has to wait for room all the same. */
START_TEST(M7_a_full_queue_holds_up_what_somebody_waits_for)
{
	int id = make_queue();
	struct message m;

	put_bytes(id, 1, MSGMAX);
	put_bytes(id, 1, MSGMAX);
	receiver(0, id, 2);
	must_error(try_put(id, 2, "x"), EAGAIN);
	sender(1, id, 2, 'y', 1);
	must_sleep(0);
	must_sleep(1);
	must_eq(take(id, &m, MSGMAX, 1, IPC_NOWAIT), MSGMAX);
	must_receive(0, 2, 'y');
	must_end(1, DONE);
	must_be(id, 1, MSGMAX);
	end_sleepers();
}
END_TEST

START_TEST(M7_the_whole_message_is_handed_over)
{
	int id = make_queue();
	static const size_t sizes[] = { 0, 1, 8, 100, 4040, 4096, MSGMAX };

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct message m = { .type = 77 };

		receiver(0, id, 77);
		memset(m.text, 'q', sizes[i]);
		must_eq(ipc->msgsnd(id, &m, sizes[i], 0), 0);
		must_receive(0, 77, sizes[i] == 0 ? '-' : 'q');
		must_eq(board->value[GOT_SIZE], sizes[i]);
		kill_sleeper(0);
	}
}
END_TEST

/* ---- senders ---- */

static int
make_full(void)
{
	int id = make_queue();

	set_qbytes(id, 10);
	put(id, 1, "0123456789");
	return id;
}

START_TEST(M8_room_lets_a_sender_go_on)
{
	int id = make_full();
	pid_t pid = sender(0, id, 2, 'x', 10);

	must_be(id, 1, 10);
	must_take(id, 1, 0, 1, "0123456789");
	must_end(0, DONE);
	must_be(id, 1, 10);
	must_eq(stat_of(id).msg_lspid, pid);
	must_drain(id, "x");
	end_sleepers();
}
END_TEST

/* Each time there is room for one of them only. */
START_TEST(M8_a_small_one_overtakes_a_large_one)
{
	int id = make_queue();

	set_qbytes(id, 10);
	put(id, 1, "1234");
	put(id, 2, "567");
	put(id, 3, "890");
	sender(0, id, 4, 'a', 9);
	sender(1, id, 5, 'b', 4);
	sender(2, id, 6, 'c', 8);
	must_take(id, 3, 0, 3, "890");
	for (int i = 0; i < 3; i++)
		must_sleep(i);
	must_take(id, 1, 0, 1, "1234");
	must_end(1, DONE);		/* 7 were free */
	must_be(id, 2, 7);
	must_take(id, 5, 0, 5, "bbbb");
	must_sleep(0);
	must_sleep(2);
	put(id, 7, "zz");
	must_take(id, 2, 0, 2, "567");
	must_end(2, DONE);		/* 8 were free */
	must_sleep(0);
	must_take(id, 6, 0, 6, "cccccccc");
	must_sleep(0);
	must_take(id, 7, 0, 7, "zz");
	must_end(0, DONE);
	must_drain(id, "a");
	end_sleepers();
}
END_TEST

START_TEST(M8_all_that_fit_go_on_together)
{
	int id = make_full();

	for (int i = 0; i < 5; i++)
		sender(i, id, 2, (char)('a' + i), 2);
	must_take(id, 0, 0, 1, "0123456789");
	for (int i = 0; i < 5; i++)
		must_end(i, DONE);
	must_be(id, 5, 10);
	if (!backend_has(SENDERS_RACE))
		must_drain(id, "abcde");
	end_sleepers();
}
END_TEST

START_TEST(M8_senders_are_served_in_order)
{
	int id = make_full();
	bool seen[6] = { false };

	for (int i = 0; i < 6; i++)
		sender(i, id, 2, (char)('a' + i), 10);
	must_take(id, 0, 0, 1, "0123456789");
	for (int i = 0; i < 6; i++) {
		struct message m;

		must_eq(take(id, &m, 10, 0, 0), 10);
		must(m.text[0] >= 'a' && m.text[0] <= 'f');
		must(!seen[m.text[0] - 'a']);
		seen[m.text[0] - 'a'] = true;
		/* Equals that room wakes race on the kernel. */
		must(backend_has(SENDERS_RACE) || m.text[0] == 'a' + i);
		must_end(m.text[0] - 'a', DONE);
	}
	must_be(id, 0, 0);
	end_sleepers();
}
END_TEST

START_TEST(M8_a_newcomer_that_fits_goes_first)
{
	int id = make_queue();

	set_qbytes(id, 10);
	put(id, 1, "12345");
	sender(0, id, 2, 'x', 6);
	put(id, 3, "67");
	must_sleep(0);
	put(id, 3, "890");
	must_error(try_put(id, 3, "1"), EAGAIN);
	must_take(id, 1, 0, 1, "12345");
	must_sleep(0);
	put(id, 1, "a");
	must_take(id, 3, 0, 3, "67");
	must_end(0, DONE);
	must_drain(id, "8ax");
	end_sleepers();
}
END_TEST

START_TEST(M8_a_sender_larger_than_the_queue_waits_for_more)
{
	int id = make_queue();

	set_qbytes(id, 10);
	sender(0, id, 1, 'x', 11);
	put(id, 1, "a");
	must_take(id, 1, 0, 1, "a");
	must_sleep(0);
	set_qbytes(id, 11);
	must_end(0, DONE);
	must_be(id, 1, 11);
	end_sleepers();
}
END_TEST

START_TEST(M8_empty_messages_wait_for_their_number)
{
	int id = make_queue();

	set_qbytes(id, 2);
	put(id, 1, "");
	put(id, 2, "");
	sender(0, id, 3, 'x', 0);
	sender(1, id, 4, 'x', 1);
	must_take(id, 1, 0, 1, "");
	while (board->value[0] + board->value[1] == 0)
		await_turn();
	must_eq(board->value[0] + board->value[1], DONE);
	must_take(id, 2, 0, 2, "");
	must_end(0, DONE);
	must_end(1, DONE);
	must_eq(stat_of(id).msg_qnum, 2);
	end_sleepers();
}
END_TEST

/* A sender that room wakes hands over as any other does. */
START_TEST(M8_a_sender_served_serves_a_receiver)
{
	int id = make_full();
	pid_t pid = receiver(0, id, 7);

	sender(1, id, 7, 'x', 4);
	must_take(id, 0, 0, 1, "0123456789");
	must_receive(0, 7, 'x');
	must_end(1, DONE);
	must_be(id, 0, 0);
	must_eq(stat_of(id).msg_lrpid, pid);
	must_eq(stat_of(id).msg_lspid, pid_of(1));
	end_sleepers();
}
END_TEST

START_TEST(M8_who_cannot_fit_beside_others_goes_in_the_end)
{
	int id = make_full(), taken = 0;
	struct message m;

	for (int i = 0; i < 8; i++)
		sender(i, id, 2, (char)('a' + i), i % 2 ? 10 : 3);
	while (taken < 9) {
		must(take(id, &m, 10, 0, 0) != -1);
		taken++;
	}
	for (int i = 0; i < 8; i++)
		must_end(i, DONE);
	must_be(id, 0, 0);
	end_sleepers();
}
END_TEST

void
add_wait_clauses(TCase *tc)
{
	testing_add_loop(tc, M7_a_message_goes_to_the_first_that_matches, 0,
	    (int)COUNT(hand_rows));
	testing_add(tc, M7_a_newcomer_cannot_take_what_was_handed_over);
	testing_add(tc, M7_who_receives_is_marked_though_he_has_not_run);
	testing_add(tc, M7_who_gets_E2BIG_is_not_marked);
	testing_add(tc, M7_a_full_queue_holds_up_what_somebody_waits_for);
	testing_add(tc, M7_the_whole_message_is_handed_over);
	testing_add(tc, M8_room_lets_a_sender_go_on);
	testing_add(tc, M8_a_small_one_overtakes_a_large_one);
	testing_add(tc, M8_all_that_fit_go_on_together);
	testing_add(tc, M8_senders_are_served_in_order);
	testing_add(tc, M8_a_newcomer_that_fits_goes_first);
	testing_add(tc, M8_a_sender_larger_than_the_queue_waits_for_more);
	testing_add(tc, M8_empty_messages_wait_for_their_number);
	testing_add(tc, M8_a_sender_served_serves_a_receiver);
	testing_add(tc, M8_who_cannot_fit_beside_others_goes_in_the_end);
}
