/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_take.c - what receiving leaves and cuts off, and looking without
 * taking: clauses M5 and M6.
 */
#include "check_msg.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define COPY	(MSG_COPY | IPC_NOWAIT)

/* ---- a message and a buffer ---- */

static const struct take_row {
	size_t size, room;
	int flags;
	long got;		/* bytes, or the negative errno */
} take_rows[] = {
	{ 10, 10, 0, 10 },
	{ 10, 11, 0, 10 },
	{ 10, MSGMAX, 0, 10 },
	{ 10, 9, 0, -E2BIG },
	{ 10, 0, 0, -E2BIG },
	{ 10, 9, MSG_NOERROR, 9 },
	{ 10, 1, MSG_NOERROR, 1 },
	{ 10, 0, MSG_NOERROR, 0 },
	{ 10, 10, MSG_NOERROR, 10 },
	{ 10, 50, MSG_NOERROR, 10 },
	{ 0, 0, 0, 0 },
	{ 0, 5, 0, 0 },
	{ 0, 0, MSG_NOERROR, 0 },
	{ 1, 0, 0, -E2BIG },
	{ 1, 0, MSG_NOERROR, 0 },
	{ MSGMAX, MSGMAX, 0, MSGMAX },
	{ MSGMAX, MSGMAX - 1, 0, -E2BIG },
	{ MSGMAX, MSGMAX - 1, MSG_NOERROR, MSGMAX - 1 },
	{ MSGMAX, 4096, MSG_NOERROR, 4096 },
	{ 10, LONG_MAX, 0, 10 },
	{ 10, (size_t)LONG_MAX + 1, 0, -EINVAL },
	{ 10, (size_t)-1, 0, -EINVAL },
	{ 10, (size_t)-1, MSG_NOERROR, -EINVAL },
};

START_TEST(M5_a_message_fits_is_cut_or_stays)
{
	const struct take_row *row = &take_rows[_i];
	struct message m;
	int id = make_queue();

	memset(&m, 0x5a, sizeof(m));
	put_bytes(id, 7, row->size);
	put(id, 8, "next");
	if (row->got < 0) {
		must_error(take(id, &m, row->room, 0, row->flags),
		    (int)-row->got);
		must_error(take(id, &m, row->room, 7, row->flags |
		    IPC_NOWAIT), (int)-row->got);
		must_error(take(id, &m, row->room, -7, row->flags),
		    (int)-row->got);
		must_eq(m.text[0], 0x5a);
		must_be(id, 2, row->size + 4);
		must_eq(take(id, &m, MSGMAX, 0, 0), row->size);
		must_be_filled(m.text, row->size, 7);
	} else {
		must_eq(take(id, &m, row->room, 0, row->flags), row->got);
		must_eq(m.type, 7);
		must_be_filled(m.text, (size_t)row->got, 7);
		must_eq(m.text[row->got], 0x5a);
	}
	must_be(id, 1, 4);		/* the rest of it is gone */
	must_take(id, 0, 0, 8, "next");
}
END_TEST

START_TEST(M5_nothing_there_is_ENOMSG)
{
	struct message m = { .type = 5, .text = "untouched" };
	int id = make_queue();

	must_error(take(id, &m, 1, 0, IPC_NOWAIT), ENOMSG);
	must_error(take(id, &m, 0, 0, IPC_NOWAIT), ENOMSG);
	must_error(take(id, &m, 1, 0, IPC_NOWAIT | MSG_NOERROR), ENOMSG);
	must_error(take(id, &m, 1, 1, IPC_NOWAIT), ENOMSG);
	must_error(take(id, &m, 1, -9, IPC_NOWAIT), ENOMSG);
	must_error(take(id, &m, 1, 9, IPC_NOWAIT | MSG_EXCEPT), ENOMSG);
	must_error(take(id, &m, (size_t)-1, 9, IPC_NOWAIT), EINVAL);
	must_eq(m.type, 5);
	must(strcmp(m.text, "untouched") == 0);
}
END_TEST

START_TEST(M5_too_long_does_not_look_further)
{
	struct message m;
	int id = make_queue();

	put(id, 1, "long");
	put(id, 1, "s");
	put(id, 2, "t");
	must_error(take(id, &m, 1, 0, IPC_NOWAIT), E2BIG);
	must_error(take(id, &m, 1, 1, IPC_NOWAIT), E2BIG);
	must_error(take(id, &m, 1, -5, IPC_NOWAIT), E2BIG);
	must_error(take(id, &m, 1, 2, IPC_NOWAIT | MSG_EXCEPT), E2BIG);
	must_eq(take(id, &m, 1, 2, IPC_NOWAIT), 1);
	must_drain(id, "ls");
}
END_TEST

START_TEST(M5_every_room_cuts_where_it_ends)
{
	static const size_t rooms[] = { 0, 1, 7, 8, 9, 63, 64, 65, 1000,
	    4039, 4040, 4048, 4049, 4095, 4096, 4097, 5000, 8143, 8144, 8145,
	    8191 };
	struct message m;
	int id = make_queue();

	for (size_t i = 0; i < COUNT(rooms); i++) {
		memset(&m, 0x5a, sizeof(m));
		put_bytes(id, 3, MSGMAX);
		must_eq(take(id, &m, rooms[i], 3, MSG_NOERROR), rooms[i]);
		must_be_filled(m.text, rooms[i], 3);
		must_eq(m.text[rooms[i]], 0x5a);
		must_eq(m.text[rooms[i] + 1], 0x5a);
		must_be(id, 0, 0);
	}
}
END_TEST

/* ---- looking ---- */

START_TEST(M6_copy_takes_an_index)
{
	int id = make_queue();

	put(id, 30, "a");
	put(id, 20, "bb");
	put(id, 10, "ccc");
	for (int round = 0; round < 2; round++) {
		must_take(id, 0, COPY, 30, "a");
		must_take(id, 2, COPY, 10, "ccc");
		must_take(id, 1, COPY, 20, "bb");
	}
	must_be(id, 3, 6);
	must_take(id, 20, 0, 20, "bb");
	must_take(id, 0, COPY, 30, "a");
	must_take(id, 1, COPY, 10, "ccc");
	must_find_none(id, 2, COPY);
	must_drain(id, "ac");
	must_find_none(id, 0, COPY);
}
END_TEST

static const struct copy_row {
	long index;
	size_t room;
	int flags;
	long got;
} copy_rows[] = {
	{ 0, 10, COPY, 4 },
	{ 0, 4, COPY, 4 },
	{ 1, 0, COPY, 0 },
	{ 2, MSGMAX, COPY, 10 },
	{ 0, 3, COPY, -E2BIG },
	{ 0, 0, COPY, -E2BIG },
	{ 2, 9, COPY, -E2BIG },
	{ 0, 4, COPY | MSG_NOERROR, 4 },
	{ 0, 9, COPY | MSG_NOERROR, 4 },
	{ 1, 0, COPY | MSG_NOERROR, 0 },
	{ 0, 3, COPY | MSG_NOERROR, -EINVAL },
	{ 2, 0, COPY | MSG_NOERROR, -EINVAL },
	{ 3, 9, COPY, -ENOMSG },
	{ 3, 0, COPY | MSG_NOERROR, -ENOMSG },
	{ LONG_MAX, 9, COPY, -ENOMSG },
	{ -1, 9, COPY, -ENOMSG },
	{ LONG_MIN, 9, COPY, -ENOMSG },
	{ 0, 9, MSG_COPY, -EINVAL },
	{ 7, 9, MSG_COPY, -EINVAL },
	{ 0, 9, COPY | MSG_EXCEPT, -EINVAL },
	{ 5, 9, MSG_COPY | MSG_EXCEPT, -EINVAL },
	{ 0, (size_t)-1, COPY, -EINVAL },
};

START_TEST(M6_what_copy_gives_and_leaves)
{
	const struct copy_row *row = &copy_rows[_i];
	struct message m;
	int id = make_queue();
	struct msqid_ds before, after;

	put(id, 11, "four");
	put(id, 12, "");
	put(id, 13, "fourandsix");
	must_take(id, 11, 0, 11, "four");
	put(id, 11, "four");
	put(id, 12, "");
	put(id, 13, "fourandsix");
	must_take(id, 12, 0, 12, "");
	must_take(id, 13, 0, 13, "fourandsix");
	before = stat_of(id);
	memset(&m, 0x5a, sizeof(m));
	if (row->got < 0)
		must_error(take(id, &m, row->room, row->index, row->flags),
		    (int)-row->got);
	else {
		must_eq(take(id, &m, row->room, row->index, row->flags),
		    row->got);
		must_eq(m.type, 11 + row->index);
		must_eq(m.text[row->got], 0x5a);
		must(memcmp(m.text, "fourandsix", (size_t)row->got) == 0);
	}
	after = stat_of(id);
	must(memcmp(&before, &after, sizeof(before)) == 0);
	must_drain(id, "f-f");
}
END_TEST

static void
copy_in_child(void *arg)
{
	must_take(*(int *)arg, 0, COPY, 1, "x");
}

START_TEST(M6_copy_leaves_who_and_when_alone)
{
	int id = make_queue();
	struct msqid_ds before, after;

	put(id, 9, "y");
	must_take(id, 0, 0, 9, "y");
	put(id, 1, "x");
	before = stat_of(id);
	await_next_second();
	finish(spawn(BY_FORK, copy_in_child, &id));
	after = stat_of(id);
	must_eq(after.msg_lrpid, getpid());
	must_eq(after.msg_rtime, before.msg_rtime);
	must_eq(after.msg_ctime, before.msg_ctime);
	must_eq(after.msg_qnum, 1);
}
END_TEST

START_TEST(M6_copy_walks_over_hundreds)
{
	struct message m;
	int id = make_queue();

	for (long i = 0; i < 900; i++)
		put_bytes(id, 1 + i * 7 % 900, (size_t)i % 30);
	for (long i = 899; i >= 0; i--) {
		must_eq(take(id, &m, MSGMAX, i, COPY), i % 30);
		must_eq(m.type, 1 + i * 7 % 900);
		must_be_filled(m.text, (size_t)i % 30, (unsigned)m.type);
	}
	must_eq(stat_of(id).msg_qnum, 900);
}
END_TEST

START_TEST(M6_copy_gives_no_room)
{
	int id = make_queue();
	struct message m;

	put_bytes(id, 1, MSGMAX);
	put_bytes(id, 2, MSGMAX);
	sender(0, id, 3, 'x', 1);
	must_eq(take(id, &m, MSGMAX, 0, COPY), MSGMAX);
	must_error(try_put(id, 1, "x"), EAGAIN);
	must_sleep(0);
	must_eq(take(id, &m, MSGMAX, 1, 0), MSGMAX);
	must_end(0, DONE);
	end_sleepers();
}
END_TEST

void
add_take_clauses(TCase *tc)
{
	testing_add_loop(tc, M5_a_message_fits_is_cut_or_stays, 0,
	    (int)COUNT(take_rows));
	testing_add(tc, M5_nothing_there_is_ENOMSG);
	testing_add(tc, M5_too_long_does_not_look_further);
	testing_add(tc, M5_every_room_cuts_where_it_ends);
	testing_add(tc, M6_copy_takes_an_index);
	testing_add_loop(tc, M6_what_copy_gives_and_leaves, 0,
	    (int)COUNT(copy_rows));
	testing_add(tc, M6_copy_leaves_who_and_when_alone);
	testing_add(tc, M6_copy_walks_over_hundreds);
	testing_add(tc, M6_copy_gives_no_room);
}
