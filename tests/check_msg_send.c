/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_send.c - what may be sent, when a queue is full, and what a call
 * marks: clauses M1, M2 and M11.
 */
#include "check_msg.h"

#include <sys/mman.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* ---- what may be sent ---- */

static const struct send_row {
	long type;
	size_t size;
	int error;		/* 0: it is sent */
} send_rows[] = {
	{ 1, 1, 0 },
	{ 1, 0, 0 },
	{ 1, MSGMAX, 0 },
	{ LONG_MAX, 1, 0 },
	{ LONG_MAX, 0, 0 },
	{ 0, 1, EINVAL },
	{ 0, 0, EINVAL },
	{ -1, 1, EINVAL },
	{ LONG_MIN, 1, EINVAL },
	{ 1, MSGMAX + 1, EINVAL },
	{ 0, MSGMAX + 1, EINVAL },
	{ 1, LONG_MAX, EINVAL },
	{ 1, (size_t)LONG_MAX + 1, EINVAL },
	{ 1, (size_t)-1, EINVAL },
	{ 1, (size_t)UINT_MAX - 1, EINVAL },
};

START_TEST(M1_what_may_be_sent)
{
	const struct send_row *row = &send_rows[_i];
	struct message m = { .type = row->type }, got;
	int id = make_queue();

	if (row->error != 0) {
		must_error(ipc->msgsnd(id, &m, row->size, 0), row->error);
		must_error(ipc->msgsnd(id, &m, row->size, IPC_NOWAIT),
		    row->error);
		must_be(id, 0, 0);
		must_eq(stat_of(id).msg_lspid, 0);
		return;
	}
	fill(m.text, row->size, 5);
	must_eq(ipc->msgsnd(id, &m, row->size, 0), 0);
	must_be(id, 1, row->size);
	must_eq(take(id, &got, MSGMAX, 0, 0), row->size);
	must_eq(got.type, row->type);
	must_be_filled(got.text, row->size, 5);
	must_be(id, 0, 0);
}
END_TEST

START_TEST(M1_flags_that_are_not_its_own_do_not_matter)
{
	int id = make_queue();

	must_eq(try_put_bytes(id, 1, 1, MSG_NOERROR), 0);
	must_eq(try_put_bytes(id, 2, 2, MSG_EXCEPT | MSG_COPY), 0);
	must_eq(try_put_bytes(id, 3, 3, ~IPC_NOWAIT), 0);
	must_be(id, 3, 6);
}
END_TEST

/* All from 0 to MSGMAX, each way; what is around them stays. */
START_TEST(M1_messages_of_all_sizes_arrive_whole)
{
	struct message m, got;
	int id = make_queue();

	for (size_t size = 0; size <= MSGMAX; size++) {
		m.type = (long)size + 1;
		fill(m.text, size, (unsigned)size);
		memset(&got, 0x5a, sizeof(got));
		must_eq(ipc->msgsnd(id, &m, size, IPC_NOWAIT), 0);
		must_eq(take(id, &got, size, 0, IPC_NOWAIT), size);
		must_eq(got.type, size + 1);
		if (memcmp(got.text, m.text, size) != 0)
			must_be_filled(got.text, size, (unsigned)size);
		must_eq(got.text[size], 0x5a);
	}
	must_be(id, 0, 0);
}
END_TEST

START_TEST(M1_messages_of_all_sizes_lie_side_by_side)
{
	struct message got;
	int id = make_queue();
	size_t first = 0, next = 0;

	while (first <= MSGMAX) {
		while (next <= MSGMAX && try_put_bytes(id, (long)next + 1,
		    next, IPC_NOWAIT) == 0)
			next += 1 + next / 40;
		must(first != next);
		for (; first < next; first += 1 + first / 40) {
			must_eq(take(id, &got, MSGMAX, 0, IPC_NOWAIT),
			    first);
			must_eq(got.type, first + 1);
			must_be_filled(got.text, first,
			    (unsigned)first + 1);
		}
		must_be(id, 0, 0);
	}
}
END_TEST

/* The caller may do with its memory what it likes, from the return on. */
START_TEST(M1_a_message_is_what_it_was_when_sent)
{
	struct message m = { .type = 1 };
	int id = make_queue();

	memcpy(m.text, "first", 5);
	must_eq(ipc->msgsnd(id, &m, 5, 0), 0);
	memcpy(m.text, "other", 5);
	m.type = 2;
	must_eq(ipc->msgsnd(id, &m, 5, 0), 0);
	memset(&m, 0xff, sizeof(m));
	must_take(id, 0, 0, 1, "first");
	must_take(id, 0, 0, 2, "other");
}
END_TEST

START_TEST(M1_a_message_at_the_end_of_memory_is_read_no_further)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	int id = make_queue();

	must(p != MAP_FAILED);
	must_eq(munmap(p + page, page), 0);
	for (size_t size = 0; size < 200; size += 8) {
		struct message *m = (void *)(p + page - size - sizeof(long));

		m->type = 1;
		fill(m->text, size, 3);
		must_eq(ipc->msgsnd(id, m, size, IPC_NOWAIT), 0);
		memset(m, 0, size + sizeof(long));
		must_eq(take(id, m, size, 0, IPC_NOWAIT), size);
		must_eq(m->type, 1);
		must_be_filled(m->text, size, 3);
	}
}
END_TEST

/* ---- when a queue is full ---- */

static const struct full_row {
	unsigned long qbytes;
	size_t sizes[6];	/* of the first messages; up to SIZE_MAX */
	size_t size;		/* of one more: is there room? */
	bool room;
} full_rows[] = {
	{ 100, { SIZE_MAX }, 100, true },
	{ 100, { SIZE_MAX }, 101, false },
	{ 100, { 50, SIZE_MAX }, 50, true },
	{ 100, { 50, SIZE_MAX }, 51, false },
	{ 100, { 100, SIZE_MAX }, 1, false },
	{ 100, { 100, SIZE_MAX }, 0, true },
	{ 100, { 1, 98, SIZE_MAX }, 1, true },
	{ 100, { 1, 98, SIZE_MAX }, 2, false },
	/* So many messages as bytes at most, even empty ones. */
	{ 3, { 0, 0, SIZE_MAX }, 0, true },
	{ 3, { 0, 0, 0, SIZE_MAX }, 0, false },
	{ 3, { 0, 0, 0, SIZE_MAX }, 1, false },
	{ 3, { 1, 1, 1, SIZE_MAX }, 0, false },
	{ 3, { 3, SIZE_MAX }, 0, true },
	{ 3, { 3, 0, SIZE_MAX }, 0, true },
	{ 3, { 3, 0, 0, SIZE_MAX }, 0, false },
	{ 1, { SIZE_MAX }, 0, true },
	{ 1, { SIZE_MAX }, 1, true },
	{ 1, { 0, SIZE_MAX }, 1, false },
	{ 1, { 0, SIZE_MAX }, 0, false },
	{ 0, { SIZE_MAX }, 0, false },
	{ 0, { SIZE_MAX }, 1, false },
	{ MSGMNB, { MSGMAX, SIZE_MAX }, MSGMAX, true },
	{ MSGMNB, { MSGMAX, MSGMAX, SIZE_MAX }, 1, false },
	{ MSGMNB, { MSGMAX, MSGMAX, SIZE_MAX }, 0, true },
};

START_TEST(M2_when_a_queue_is_full)
{
	const struct full_row *row = &full_rows[_i];
	int id = make_queue();
	size_t sum = 0, n = 0;

	set_qbytes(id, row->qbytes);
	for (; row->sizes[n] != SIZE_MAX; n++) {
		put_bytes(id, 1, row->sizes[n]);
		sum += row->sizes[n];
	}
	if (row->room) {
		put_bytes(id, 1, row->size);
		must_be(id, n + 1, sum + row->size);
		return;
	}
	must_error(try_put_bytes(id, 1, row->size, IPC_NOWAIT), EAGAIN);
	must_be(id, n, sum);
	sender(0, id, 2, 'x', row->size);
	must_sleep(0);
	must_be(id, n, sum);
	kill_sleeper(0);
	must_be(id, n, sum);
}
END_TEST

START_TEST(M2_empty_messages_are_bounded_by_their_number)
{
	int id = make_queue(), n = 0;
	struct message m;

	while (try_put_bytes(id, 1 + n, 0, IPC_NOWAIT) == 0)
		n++;
	must_eq(errno, EAGAIN);
	must_eq(n, MSGMNB);
	must_be(id, MSGMNB, 0);
	must_take(id, 5000, 0, 5000, "");
	put_bytes(id, 7, 0);
	must_error(try_put_bytes(id, 1, 0, IPC_NOWAIT), EAGAIN);
	for (; n > 0; n--)
		must_eq(take(id, &m, 0, 0, IPC_NOWAIT), 0);
	must_eq(m.type, 7);
	must_be(id, 0, 0);
}
END_TEST

START_TEST(M2_many_small_messages_fill_it_to_the_byte)
{
	int id = make_queue();

	for (int i = 0; i < MSGMNB; i++)
		put(id, 1 + i % 9, "x");
	must_be(id, MSGMNB, MSGMNB);
	must_error(try_put(id, 1, "x"), EAGAIN);
	must_error(try_put(id, 1, ""), EAGAIN);
	for (int i = 0; i < MSGMNB; i++)
		must_take(id, 0, 0, 1 + i % 9, "x");
	must_be(id, 0, 0);
}
END_TEST

START_TEST(M2_each_queue_has_its_own_room)
{
	int a = make_queue(), b = make_queue();

	put_bytes(a, 1, MSGMAX);
	put_bytes(a, 1, MSGMAX);
	must_error(try_put(a, 1, "x"), EAGAIN);
	put_bytes(b, 1, MSGMAX);
	put_bytes(b, 1, MSGMAX);
	must_be(b, 2, MSGMNB);
}
END_TEST

START_TEST(M2_room_comes_back_whatever_is_taken)
{
	struct message m;
	int id = make_queue();

	for (long i = 0; i < 3000; i++) {
		size_t size = (size_t)(i * 37 % 3000);

		while (try_put_bytes(id, i + 1, size, IPC_NOWAIT) == -1) {
			must_eq(errno, EAGAIN);
			must(take(id, &m, MSGMAX, i % 3 == 0 ? 0 : -i,
			    IPC_NOWAIT) != -1);
			must_be_filled(m.text, (size_t)((m.type - 1) * 37 %
			    3000), (unsigned)m.type);
		}
	}
	while (take(id, &m, MSGMAX, 0, IPC_NOWAIT) != -1)
		;
	must_be(id, 0, 0);
	put_bytes(id, 1, MSGMAX);
	put_bytes(id, 1, MSGMAX);
}
END_TEST

/* ---- what a call marks ---- */

static void
put_in_child(void *arg)
{
	put(*(int *)arg, 1, "x");
}

static void
take_in_child(void *arg)
{
	must_take(*(int *)arg, 0, 0, 1, "x");
}

START_TEST(M11_who_sent_and_received_last)
{
	int id = make_queue();
	pid_t pid;

	put(id, 1, "x");
	must_eq(stat_of(id).msg_lspid, getpid());
	must_eq(stat_of(id).msg_lrpid, 0);
	pid = spawn(BY_FORK, put_in_child, &id);
	finish(pid);
	must_eq(stat_of(id).msg_lspid, pid);
	must_eq(stat_of(id).msg_lrpid, 0);
	pid = spawn(BY_FORK, take_in_child, &id);
	finish(pid);
	must_eq(stat_of(id).msg_lrpid, pid);
	must_take(id, 1, 0, 1, "x");
	must_eq(stat_of(id).msg_lrpid, getpid());
}
END_TEST

/* A second after the creation; then what each call marks. */
START_TEST(M11_what_marks_which_time)
{
	int id = make_queue();
	struct msqid_ds ds = stat_of(id), now;
	struct message m;
	time_t later = await_next_second();

	put(id, 1, "x");
	now = stat_of(id);
	must(now.msg_stime >= later && now.msg_stime <= time(NULL));
	must_eq(now.msg_rtime, 0);
	must_eq(now.msg_ctime, ds.msg_ctime);
	/* What fails marks nothing. */
	must_find_none(id, 5, 0);
	must_error(take(id, &m, 0, 0, IPC_NOWAIT), E2BIG);
	must_eq(stat_of(id).msg_rtime, 0);
	must_eq(stat_of(id).msg_lrpid, 0);
	must_take(id, 0, 0, 1, "x");
	now = stat_of(id);
	must(now.msg_rtime >= later && now.msg_rtime <= time(NULL));
	must_eq(now.msg_ctime, ds.msg_ctime);
	set_qbytes(id, 5);
	must(stat_of(id).msg_ctime >= later);
	must_eq(stat_of(id).msg_stime, now.msg_stime);
}
END_TEST

START_TEST(M11_a_send_in_vain_marks_nothing)
{
	int id = make_queue();

	set_qbytes(id, 1);
	must_error(try_put(id, 1, "xx"), EAGAIN);
	must_error(try_put(id, 0, "x"), EINVAL);
	must_eq(stat_of(id).msg_lspid, 0);
	must_eq(stat_of(id).msg_stime, 0);
	sender(0, id, 1, 'x', 2);
	must_eq(stat_of(id).msg_lspid, 0);
	must_eq(stat_of(id).msg_stime, 0);
	kill_sleeper(0);
	must_eq(stat_of(id).msg_lspid, 0);
}
END_TEST

void
add_send_clauses(TCase *tc)
{
	testing_add_loop(tc, M1_what_may_be_sent, 0,
	    (int)COUNT(send_rows));
	testing_add(tc, M1_flags_that_are_not_its_own_do_not_matter);
	testing_add(tc, M1_messages_of_all_sizes_arrive_whole);
	testing_add(tc, M1_messages_of_all_sizes_lie_side_by_side);
	testing_add(tc, M1_a_message_is_what_it_was_when_sent);
	testing_add(tc,
	    M1_a_message_at_the_end_of_memory_is_read_no_further);
	testing_add_loop(tc, M2_when_a_queue_is_full, 0,
	    (int)COUNT(full_rows));
	testing_add(tc, M2_empty_messages_are_bounded_by_their_number);
	testing_add(tc, M2_many_small_messages_fill_it_to_the_byte);
	testing_add(tc, M2_each_queue_has_its_own_room);
	testing_add(tc, M2_room_comes_back_whatever_is_taken);
	testing_add(tc, M11_who_sent_and_received_last);
	testing_add(tc, M11_what_marks_which_time);
	testing_add(tc, M11_a_send_in_vain_marks_nothing);
}
