/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_look.c - what is in a queue and who sleeps there, as
 * mipc_look_messages(), mipc_look_text() and mipc_look_sleepers() have it.
 */
#include "check_msg.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mipc.h"

#define SEEN	700

static struct mipc_look_message seen[SEEN];

static int
look(int id)
{
	int torn = -1, found;

	memset(seen, 0xa5, sizeof(seen));
	found = mipc_look_messages(backend_ns(), id, seen, SEEN, &torn);
	must(found >= 0);
	must_eq(torn, 0);
	return found;
}

static ssize_t
text(int id, int which, void *buf, size_t size)
{
	return mipc_look_text(backend_ns(), id, &seen[which], buf, size);
}

/* ---- messages ---- */

START_TEST(look_messages_tells_type_and_size_in_order)
{
	int id = make_queue();
	char buf[20] = "";

	must_eq(look(id), 0);
	put(id, 3, "three");
	put(id, 1, "one");
	put(id, 2, "");
	put(id, 9, "gone");
	must_take(id, 9, 0, 9, "gone");	/* the others are sorted now */
	put(id, 4, "newest");
	must_eq(look(id), 4);
	must_eq(seen[0].type, 3);
	must_eq(seen[0].size, 5);
	must_eq(seen[1].type, 1);
	must_eq(seen[2].type, 2);
	must_eq(seen[2].size, 0);
	must_eq(seen[3].type, 4);
	must_eq(seen[3].size, 6);
	must_eq(text(id, 0, buf, sizeof(buf)), 5);
	must_eq(memcmp(buf, "three", 6), 0);
	must_eq(text(id, 2, buf, sizeof(buf)), 0);
	must_eq(text(id, 3, buf, 3), 6);
	must_eq(memcmp(buf, "newee", 6), 0);
	must_eq(mipc_look_messages(backend_ns(), id, seen, 1, NULL), 4);
	must_be(id, 4, 14);
	must_take(id, 0, 0, 3, "three");
	must_take(id, 0, 0, 1, "one");
	remove_queue(id);
}
END_TEST

START_TEST(look_text_copies_large_messages_whole)
{
	static char buf[MSGMAX];
	int id = make_queue();

	put_bytes(id, 7, MSGMAX);
	put_bytes(id, 8, 5000);
	must_eq(look(id), 2);
	must_eq(text(id, 0, buf, sizeof(buf)), MSGMAX);
	must_be_filled(buf, MSGMAX, 7);
	must_eq(text(id, 1, buf, sizeof(buf)), 5000);
	must_be_filled(buf, 5000, 8);
	remove_queue(id);
}
END_TEST

/* Received, from the inbox or from the index, and its room is used again. */
START_TEST(look_text_of_a_received_message_is_none)
{
	int id = make_queue();
	char buf[20];

	for (int i = 0; i < 6; i++) {
		put_all(id, "abc");
		if (i % 2 == 1)		/* all go into the index */
			must_find_none(id, 99, 0);
		must_eq(look(id), 3);
		must_take(id, 0, 0, 1, "a");
		put(id, 1, "x");
		must_error(text(id, 0, buf, sizeof(buf)), ENOMSG);
		must_eq(text(id, 1, buf, sizeof(buf)), 1);
		must_eq(buf[0], 'b');
		must_take(id, 3, 0, 3, "c");
		must_error(text(id, 2, buf, sizeof(buf)), ENOMSG);
		must_drain(id, "bx");
		must_error(text(id, 1, buf, sizeof(buf)), ENOMSG);
	}
	remove_queue(id);
}
END_TEST

START_TEST(look_text_finds_what_was_sorted_meanwhile)
{
	int id = make_queue();
	char buf[20];

	put_all(id, "abc");
	must_eq(look(id), 3);
	must_find_none(id, 99, 0);	/* from the inbox into the index */
	for (int i = 0; i < 3; i++) {
		must_eq(text(id, i, buf, sizeof(buf)), 1);
		must_eq(buf[0], 'a' + i);
	}
	must_drain(id, "abc");
	for (int i = 0; i < 3; i++)
		must_error(text(id, i, buf, sizeof(buf)), ENOMSG);
	remove_queue(id);
}
END_TEST

START_TEST(look_text_of_another_queues_message_is_an_error)
{
	struct mipc_look_message none = { .place = { 1, 1 } };
	int id = make_queue();
	char buf[20];

	put(id, 1, "a");
	must_error(mipc_look_text(backend_ns(), id, &none, buf, 20), EINVAL);
	must_eq(look(id), 1);
	remove_queue(id);
	must_error(text(id, 0, buf, 20), EINVAL);
}
END_TEST

START_TEST(look_messages_sees_more_than_the_inbox_holds)
{
	int id = make_queue();

	for (int i = 0; i < 600; i++)
		put(id, i % 7 + 1, "0123456789");
	must_eq(look(id), 600);
	for (int i = 0; i < 600; i++)
		must_eq(seen[i].type, i % 7 + 1);
	remove_queue(id);
}
END_TEST

/* Received, refused and removed: what was sent stays counted. */
START_TEST(look_sent_counts_what_was_ever_sent)
{
	int id = make_queue(), torn;
	struct mipc_look_sent before, sent;
	struct message m;

	must_eq(mipc_look_sent(backend_ns(), id, &before, NULL), 0);
	put(id, 1, "abc");
	put(id, 2, "");
	put(id, 1, "defg");
	must_eq(take(id, &m, 10, 1, 0), 3);
	must_eq(take(id, &m, 10, 2, 0), 0);
	must_error(take(id, &m, 10, 2, IPC_NOWAIT), ENOMSG);
	must_eq(mipc_look_sent(backend_ns(), id, &sent, &torn), 0);
	must_eq(torn, 0);
	must_eq(sent.messages - before.messages, 3);
	must_eq(sent.bytes - before.bytes, 7);
	remove_queue(id);
	must_error(mipc_look_sent(backend_ns(), id, &sent, NULL), EINVAL);
}
END_TEST

/* A ring of three: the first that is received is sent again. */
static void
go_round(void *arg)
{
	int id = *(int *)arg;
	struct message m;

	reach(1);
	while (board->stage < 2) {
		must_eq(take(id, &m, 10, 0, 0), 1);
		put(id, m.type, (char[]){ m.text[0], '\0' });
	}
}

START_TEST(look_messages_is_one_state_or_says_that_it_is_not)
{
	int id = make_queue(), whole = 0;
	char buf[10];
	pid_t pid;

	put_all(id, "abc");
	pid = spawn(BY_FORK, go_round, &id);
	await(1);
	while (whole < 100) {
		int torn, n = mipc_look_messages(backend_ns(), id, seen, SEEN,
		    &torn);

		must(n >= 0);
		if (torn)
			continue;
		must(n == 2 || n == 3);
		for (int i = 1; i < n; i++)
			must_eq(seen[i].type, seen[i - 1].type % 3 + 1);
		if (text(id, n - 1, buf, sizeof(buf)) == 1)
			must_eq(buf[0], 'a' + seen[n - 1].type - 1);
		whole++;
	}
	reach(2);
	finish(pid);
	remove_queue(id);
}
END_TEST

/* ---- sleepers ---- */

static int
look_at_sleepers(int id, struct mipc_look_sleeper *out)
{
	int torn = -1, found;

	found = mipc_look_sleepers(backend_ns(), MIPC_MSG, id, out, MOST,
	    &torn);
	must(found >= 0);
	must_eq(torn, 0);
	return found;
}

static const struct wanted {
	long type;
	size_t size;
	int flags;
} wanted[] = {
	{ 0, 10, 0 }, { 5, 20, 0 }, { -3, 30, MSG_NOERROR },
	{ 7, 40, MSG_EXCEPT },
};

START_TEST(look_sleepers_tells_what_receivers_want_in_order)
{
	struct mipc_look_sleeper s[MOST];
	int id = make_queue();

	must_eq(look_at_sleepers(id, s), 0);
	for (int i = 0; i < (int)COUNT(wanted); i++)
		receiver_of(i, id, wanted[i].type, wanted[i].size,
		    wanted[i].flags);
	must_eq(look_at_sleepers(id, s), (long)COUNT(wanted));
	for (int i = 0; i < (int)COUNT(wanted); i++) {
		must_eq(s[i].process.pid, pid_of(i));
		must_eq(s[i].process.alive, 1);
		must(s[i].since > 0 && s[i].since <= time(NULL));
		must_eq(s[i].waits, MIPC_WAITS_MESSAGE);
		must_eq(s[i].type, wanted[i].type);
		must_eq(s[i].size, wanted[i].size);
		must_eq(s[i].flags, wanted[i].flags);
	}
	remove_queue(id);
	end_sleepers();
}
END_TEST

START_TEST(look_sleepers_tells_what_senders_want_to_send)
{
	struct mipc_look_sleeper s[MOST];
	int id = make_queue();

	set_qbytes(id, 100);
	put_bytes(id, 1, 90);
	sender(0, id, 4, 'x', 50);
	sender(1, id, 2, 'y', 70);
	must_eq(look_at_sleepers(id, s), 2);
	for (int i = 0; i < 2; i++) {
		must_eq(s[i].process.pid, pid_of(i));
		must_eq(s[i].waits, MIPC_WAITS_ROOM);
		must_eq(s[i].type, i == 0 ? 4 : 2);
		must_eq(s[i].size, i == 0 ? 50 : 70);
	}
	must_eq(look(id), 1);
	remove_queue(id);
	end_sleepers();
}
END_TEST

/* Nobody else sleeps there, whom the kernel would tell. */
START_TEST(look_sleepers_shows_the_dead_and_buries_nobody)
{
	struct mipc_look_sleeper s[MOST];
	int id = make_queue();
	pid_t pid = receiver(0, id, 3);

	kill_sleeper(0);
	for (int i = 0; i < 2; i++) {
		must_eq(look_at_sleepers(id, s), 1);
		must_eq(s[0].process.pid, pid);
		must_eq(s[0].process.alive, 0);
	}
	put(id, 3, "x");		/* this does */
	must_eq(look_at_sleepers(id, s), 0);
	remove_queue(id);
}
END_TEST

void
add_look_tests(TCase *tc)
{
	add_common_look_tests(tc);
	testing_add(tc, look_messages_tells_type_and_size_in_order);
	testing_add(tc, look_text_copies_large_messages_whole);
	testing_add(tc, look_text_of_a_received_message_is_none);
	testing_add(tc, look_text_finds_what_was_sorted_meanwhile);
	testing_add(tc, look_text_of_another_queues_message_is_an_error);
	testing_add(tc, look_messages_sees_more_than_the_inbox_holds);
	testing_add(tc, look_sent_counts_what_was_ever_sent);
	testing_add(tc, look_messages_is_one_state_or_says_that_it_is_not);
	testing_add(tc, look_sleepers_tells_what_receivers_want_in_order);
	testing_add(tc, look_sleepers_tells_what_senders_want_to_send);
	testing_add(tc, look_sleepers_shows_the_dead_and_buries_nobody);
}
