/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_fault.c - damaged queues and no space: a clear error each time,
 * for the queue that is damaged and for nothing else; nobody hangs or dies,
 * and a queue that finds no space goes on once there is some.
 */
#include "check_msg.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "format_msg.h"

#define MIB	(1UL << 20)

/* ---- damage ---- */

static const struct timespec soon = { 0, 5000000 };

static void
try_all_calls(void *arg)
{
	struct message m = { .type = 1 };
	struct msqid_ds ds;
	int id = *(int *)arg;

	for (long type = 1; type < 4; type++)
		try_put_bytes(id, type, 700 * (size_t)type, IPC_NOWAIT);
	for (long number = 0; number < 3; number++)
		take(id, &m, MSGMAX, number, MSG_COPY | IPC_NOWAIT);
	take(id, &m, 10, 0, IPC_NOWAIT);
	take(id, &m, 10, 2, IPC_NOWAIT | MSG_NOERROR);
	take(id, &m, MSGMAX, -3, IPC_NOWAIT);
	take(id, &m, MSGMAX, 1, IPC_NOWAIT | MSG_EXCEPT);
	ipc->msgtimedrcv(id, &m, MSGMAX, 99, 0, &soon);
	if (control_buf(id, IPC_STAT, &ds) == 0) {
		ds.msg_qbytes = 10;
		control_buf(id, IPC_SET, &ds);
	}
	ipc->msgtimedsnd(id, &m, 100, 0, &soon);
	control_buf(id % IDS_MAX, MSG_STAT, &ds);
	top(MSG_INFO);
	ipc->msgget(KEY, 0);
	take(id, &m, MSGMAX, 0, IPC_NOWAIT);
	control(id, IPC_RMID);
}

/* Some messages in the index, some in the inbox. */
static int
make_used(void)
{
	int id = make_queue();

	put_all(id, "abcdefgh");
	put_bytes(id, 4, 3000);
	must_take(id, 3, 0, 3, "c");
	put_all(id, "ijk");
	return id;
}

static int
make_other(void)
{
	int id = make_one(KEY, 0600);

	put(id, 7, "fine");
	return id;
}

static void
use_other(void *arg)
{
	int id = *(int *)arg;
	struct message m;

	put(id, 8, "x");
	put(id, 9, "y");
	must_take(id, 9, 0, 9, "y");
	must_take(id, 7, MSG_EXCEPT, 8, "x");
	must_take(id, 0, MSG_COPY, 7, "fine");
	must_error(ipc->msgtimedrcv(id, &m, MSGMAX, 8, 0, &soon), EAGAIN);
	must_be(id, 1, 4);
}

static void
must_be_damaged(int id, bool absent)
{
	struct msqid_ds ds;
	struct message m;

	must_be_refused(try_put(id, 1, "x"), absent);
	must_be_refused(take(id, &m, MSGMAX, 0, IPC_NOWAIT), absent);
	must_be_refused(take(id, &m, MSGMAX, 0, 0), absent);
	must_be_refused(control_buf(id, IPC_STAT, &ds), absent);
}

/* A queue's file is a hole almost everywhere: where something is. */
static off_t
anywhere(unsigned number, off_t size)
{
	struct mipc_msg_layout l;
	uint64_t part[] = { 0, 0, 0, 0, 0, 0, 0 };

	mipc_msg_lay_out(&l, (uint64_t)size,
	    (uint32_t)sysconf(_SC_PAGESIZE));
	part[1] = l.ring;
	part[2] = l.data;
	memcpy(part + 3, l.table, sizeof(l.table));
	return (off_t)part[number % COUNT(part)] + rand() % 1400;
}

const struct faults faults = {
	make_other, use_other, make_used, try_all_calls, must_be_damaged,
	anywhere
};

START_TEST(fault_sleepers_in_a_damaged_queue_can_be_ended)
{
	static const struct timespec limit = { 1, 500000000 };
	struct sleeper s = { .type = 99, .size = 10, .timeout = &limit };
	int other = make_other();

	s.id = make_queue();
	set_qbytes(s.id, 5);
	for (s.who = 0; s.who < 4; s.who++) {
		s.sends = s.who % 2 == 1;
		start_sleeper(&s);
	}
	damage(file_of_one(s.id), (enum damage)_i);
	finish(spawn(BY_FORK, try_all_calls, &s.id));
	for (int who = 0; who < 2; who++)
		kill_sleeper(who);
	for (int who = 2; who < 4; who++)
		while (board->value[who] == 0)
			await_turn();
	end_sleepers();
	use_other(&other);
}
END_TEST

/* ---- heads that are not this queue's ---- */

#define HEAD(type, field, is) \
	{ offsetof(type, field), sizeof(((type *)0)->field), is }
static const struct {
	size_t at, size;
	uint64_t is;
} wrong[] = {
	HEAD(struct mipc_object, magic, 0x12345678),
	HEAD(struct mipc_object, format, MIPC_FORMAT + 1),
	HEAD(struct mipc_object, kind, MIPC_SEM),
	HEAD(struct mipc_object, id, 4711),
	HEAD(struct mipc_object, page, 512),
	HEAD(struct mipc_msgqueue, room, 0),
	HEAD(struct mipc_msgqueue, room, 4096),
	HEAD(struct mipc_msgqueue, room, 1ull << 40),
	HEAD(struct mipc_msgqueue, room, ~0ull),
};

START_TEST(fault_another_version_kind_or_size_is_EIO)
{
	int id = make_used(), other = make_other();
	uint64_t is = wrong[_i].is;	/* of little-endian machines too */

	patch(file_of_one(id), (off_t)wrong[_i].at, &is, wrong[_i].size);
	run_fresh("see-damage", id, 0);
	run_fresh("try", id, 0);
	run_fresh("use-other", id, other);
	use_other(&other);
}
END_TEST

START_TEST(fault_a_file_shorter_than_its_head_says_is_EIO)
{
	static const off_t less[] = { 1, 4096, 1 << 20, 16 << 20 };
	int id = make_used(), other = make_other();
	struct stat st;

	must_eq(stat(file_of_one(id), &st), 0);
	must(st.st_size > less[_i]);
	must_eq(truncate(file_of_one(id), st.st_size - less[_i]), 0);
	run_fresh("see-damage", id, 0);
	run_fresh("try", id, 0);
	run_fresh("use-other", id, other);
}
END_TEST

static void
make_public(void *arg)
{
	int id = make_mode(0666);

	(void)arg;
	put(id, 1, "x");
	board->value[FREE] = id;
}

static void
must_be_closed(void *arg)
{
	int id = *(int *)arg;
	struct message m;

	must_error(try_put(id, 1, "x"), EACCES);
	must_error(take(id, &m, MSGMAX, 0, IPC_NOWAIT), EACCES);
}

START_TEST(fault_a_file_that_may_not_be_opened_is_EACCES)
{
	int id;

	need_root();
	must_eq(chmod(testing_dir, 01777), 0);
	finish(spawn(BY_FORK, make_public, NULL));
	id = (int)board->value[FREE];
	must_eq(chmod(file_of_one(id), 0), 0);
	finish(spawn_as(&somebody, must_be_closed, &id));
	must_drain(id, "x");
}
END_TEST

/* ---- no space ---- */

static void
make_roomy(void)
{
	set_limit("msgmnb", 64 * MIB);
}

/* Messages of this size until there is no room: how many. */
static long
send_until_full(int id, size_t size)
{
	long n = 0;

	while (try_put_bytes(id, 1 + n, size, IPC_NOWAIT) == 0)
		n++;
	must_eq(errno, ENOMEM);
	return n;
}

static void
must_receive_all(int id, long first, long last, size_t size)
{
	struct message m;

	for (long i = first; i < last; i++) {
		must_eq(take(id, &m, MSGMAX, 0, IPC_NOWAIT), size);
		must_eq(m.type, 1 + i);
		must_be_filled(m.text, size, (unsigned)m.type);
	}
}

START_TEST(space_used_up_is_ENOMEM_and_nothing_is_lost)
{
	static const size_t sizes[] = { 0, 1, 500, 3000, 5000, MSGMAX };
	size_t size = sizes[_i];
	struct msqid_ds ds;
	struct message m;
	long n, more;
	int id;

	move_to_small_filesystem();
	make_roomy();
	id = make_queue();
	n = send_until_full(id, size);
	must(n > 100);
	ds = stat_of(id);
	must_eq(ds.msg_qnum, n);
	must_eq(ds.msg_cbytes, (unsigned long)n * size);
	must_eq(ds.msg_lspid, getpid());
	/* On the full disk: every way of receiving, and sending again. */
	must_eq(take(id, &m, MSGMAX, n - 1, MSG_COPY | IPC_NOWAIT), size);
	must_eq(m.type, n);
	must_receive_all(id, 0, n / 2, size);
	more = send_until_full(id, size);
	must(more >= n / 2 - 8 && more <= n);
	must_eq(take(id, &m, MSGMAX, n, IPC_NOWAIT), size);
	must_receive_all(id, n / 2, n - 1, size);
	must_receive_all(id, 0, more, size);
	must_be(id, 0, 0);
	remove_queue(id);
}
END_TEST

START_TEST(space_that_comes_back_is_used)
{
	unsigned long segments[40];
	int id, n = 0, seg;
	long sent;

	move_to_small_filesystem();
	make_roomy();
	id = make_queue();
	while ((seg = ipc->shmget(IPC_PRIVATE, MIB, 0600)) != -1)
		segments[n++] = (unsigned long)seg;
	must(n > 2);
	fill_space();
	sent = send_until_full(id, 4000);
	must_eq(ipc->shmctl((int)segments[0], IPC_RMID, NULL), 0);
	for (long i = sent; i < sent + 100; i++)
		put_bytes(id, 1 + i, 4000);
	must_receive_all(id, 0, sent + 100, 4000);
	must_be(id, 0, 0);
}
END_TEST

/* Others wait where there is no space: they are served all the same. */
START_TEST(space_used_up_hangs_no_sleeper)
{
	struct message m;
	int id, full;

	move_to_small_filesystem();
	id = make_queue();
	full = make_queue();
	set_qbytes(full, 10);
	put_bytes(full, 1, 10);
	receiver(0, id, 0);
	sender(1, full, 2, 's', 5);
	fill_space();
	receiver(2, id, 0);
	sender(3, full, 3, 't', 5);
	put(id, 5, "a");
	must_receive(0, 5, 'a');
	put(id, 6, "b");
	must_receive(2, 6, 'b');
	must_eq(take(full, &m, 10, 0, IPC_NOWAIT), 10);
	must_end(1, DONE);
	must_end(3, DONE);
	must_drain(full, "st");
	end_sleepers();
}
END_TEST

START_TEST(space_for_no_queue_is_ENOSPC_and_given_back)
{
	struct statvfs before;
	int id[60], n = 0;

	move_to_small_filesystem();
	remove_queue(make_queue());	/* what the first call takes */
	before = space();
	while (n < 60 && (id[n] = ipc->msgget(KEY + n, IPC_CREAT | IPC_EXCL |
	    0600)) != -1)
		n++;
	must(n >= 3 && n < 60);
	must_eq(errno, ENOSPC);
	must_error(ipc->msgget(KEY + n, 0), ENOENT);
	must_eq(info(MSG_INFO).msgpool, n);
	for (int i = 0; i < n; i++) {
		must_eq(ipc->msgget(KEY + i, 0), id[i]);
		remove_queue(id[i]);
	}
	must_eq(space().f_bavail, before.f_bavail);
	must_eq(space().f_favail, before.f_favail);
}
END_TEST

START_TEST(space_beyond_the_file_size_limit_is_an_error)
{
	const struct rlimit small = { MIB, MIB };

	remove_queue(make_queue());	/* what the first call makes */
	must(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	must_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	must(ipc->msgget(KEY, IPC_CREAT | 0600) == -1);
	must(errno == ENOSPC || errno == ENOMEM || errno == EFBIG);
	must_error(ipc->msgget(KEY, 0), ENOENT);
	must_eq(count_files("msg.") + count_files("key."), 0);
	must_eq(info(MSG_INFO).msgpool, 0);
}
END_TEST

/* The limit binds whoever makes a queue, not who fills one. */
START_TEST(space_beyond_the_file_size_limit_is_there_in_a_queue)
{
	const struct rlimit small = { 4096, 4096 };
	int id = make_queue();

	must_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	put_bytes(id, 1, MSGMAX);
	put_bytes(id, 2, MSGMAX);
	must_receive_all(id, 0, 2, MSGMAX);
}
END_TEST

void
add_fault_tests(TCase *tc)
{
	add_common_fault_tests(tc);
	testing_add_loop(tc, fault_sleepers_in_a_damaged_queue_can_be_ended,
	    0, DAMAGES);
	testing_add_loop(tc, fault_another_version_kind_or_size_is_EIO, 0,
	    (int)COUNT(wrong));
	testing_add_loop(tc, fault_a_file_shorter_than_its_head_says_is_EIO,
	    0, 4);
	testing_add(tc, fault_a_file_that_may_not_be_opened_is_EACCES);
	testing_add_loop(tc, space_used_up_is_ENOMEM_and_nothing_is_lost, 0,
	    6);
	testing_add(tc, space_that_comes_back_is_used);
	testing_add(tc, space_used_up_hangs_no_sleeper);
	testing_add(tc, space_for_no_queue_is_ENOSPC_and_given_back);
	testing_add(tc, space_beyond_the_file_size_limit_is_an_error);
	testing_add(tc,
	    space_beyond_the_file_size_limit_is_there_in_a_queue);
}
