/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_time.c - waiting no longer than a time, which the kernel does not
 * offer: as semtimedop() does, clause S13.
 */
#include "check_msg.h"

#include <limits.h>

static const struct timespec none = { 0, 0 }, hour = { 3600, 0 };

static int
timed_put(int id, size_t size, int flags, const struct timespec *limit)
{
	struct message m = { .type = 1 };

	return ipc->msgtimedsnd(id, &m, size, flags, limit);
}

static ssize_t
timed_take(int id, long type, int flags, const struct timespec *limit)
{
	struct message m;

	return ipc->msgtimedrcv(id, &m, MSGMAX, type, flags, limit);
}

static const long waits_ns[] = { 1, 1000, 50000, 3000000, 40000000 };

START_TEST(timed_waits_in_vain_take_their_time_and_end_with_EAGAIN)
{
	const struct timespec limit = { 0, waits_ns[_i] };
	int id = make_queue();
	long long start = now_ns();

	must_error(timed_take(id, 0, 0, &limit), EAGAIN);
	must(now_ns() - start >= waits_ns[_i]);
	set_qbytes(id, 0);
	start = now_ns();
	must_error(timed_put(id, 0, 0, &limit), EAGAIN);
	must(now_ns() - start >= waits_ns[_i]);
	must(now_ns() - start < 5000000000LL);
	must_eq(limit.tv_nsec, waits_ns[_i]);
	/* Nobody is left asleep. */
	set_qbytes(id, MSGMNB);
	must_be(id, 0, 0);
	put(id, 1, "x");
	must_be(id, 1, 1);
}
END_TEST

START_TEST(timed_calls_that_need_not_wait_ignore_the_time)
{
	int id = make_queue();

	must_eq(timed_put(id, 5, 0, &none), 0);
	must_eq(timed_put(id, 6, 0, &hour), 0);
	must_eq(timed_put(id, 7, 0, NULL), 0);
	must_eq(timed_take(id, 1, 0, &none), 5);
	must_eq(timed_take(id, 0, 0, &hour), 6);
	must_eq(timed_take(id, -1, 0, NULL), 7);
	must_error(timed_take(id, 0, 0, &none), EAGAIN);
	must_error(timed_take(id, 0, IPC_NOWAIT, &hour), ENOMSG);
	set_qbytes(id, 0);
	must_error(timed_put(id, 0, 0, &none), EAGAIN);
	must_error(timed_put(id, 0, IPC_NOWAIT, &hour), EAGAIN);
}
END_TEST

static const struct timespec invalid[] = { { -1, 0 }, { 0, -1 },
    { 0, 1000000000 }, { 1, LONG_MAX }, { -1, 999999999 }, { 5, LONG_MIN } };

START_TEST(timed_calls_refuse_an_invalid_time_even_if_nothing_blocks)
{
	const struct timespec *limit = &invalid[_i];
	int id = make_queue();

	put(id, 1, "x");
	must_error(timed_put(id, 1, 0, limit), EINVAL);
	must_error(timed_take(id, 0, 0, limit), EINVAL);
	must_error(timed_put(id, 1, IPC_NOWAIT, limit), EINVAL);
	must_error(timed_take(id, 0, IPC_NOWAIT, limit), EINVAL);
	must_drain(id, "x");
}
END_TEST

START_TEST(timed_calls_say_what_the_others_say)
{
	int id = make_queue();
	struct message m = { .type = 0 };

	must_error(timed_put(id, MSGMAX + 1, 0, &hour), EINVAL);
	must_error(ipc->msgtimedsnd(id, &m, 1, 0, &hour), EINVAL);
	must_error(timed_take(id, 1, MSG_COPY, &hour), EINVAL);
	put(id, 1, "long");
	must_error(ipc->msgtimedrcv(id, &m, 1, 0, 0, &hour), E2BIG);
	must_eq(ipc->msgtimedrcv(id, &m, 1, 0, MSG_NOERROR, &hour), 1);
	must_be(id, 0, 0);
	remove_queue(id);
	must_error(timed_put(id, 1, 0, &hour), EINVAL);
	must_error(timed_take(id, 1, 0, &hour), EINVAL);
}
END_TEST

static const struct timespec long_limits[] = {
	{ 3600, 0 },
	{ 1000000000, 999999999 },
	{ sizeof(time_t) == 8 ? LONG_MAX : INT_MAX, 999999999 },
	{ sizeof(time_t) == 8 ? LONG_MAX / 1000000000 : INT_MAX, 0 },
};

START_TEST(timed_calls_wait_for_a_long_time)
{
	struct sleeper s = { .size = 5, .type = 1,
	    .timeout = &long_limits[_i] };

	s.id = make_queue();
	start_sleeper(&s);
	must_sleep(0);
	put(s.id, 1, "x");
	must_receive(0, 1, 'x');
	set_qbytes(s.id, 1);
	put(s.id, 1, "y");
	s.who = 1;
	s.sends = true;
	s.letter = 'z';
	s.size = 1;
	start_sleeper(&s);
	must_sleep(1);
	must_take(s.id, 1, 0, 1, "y");
	must_end(1, DONE);
	must_drain(s.id, "z");
	end_sleepers();
}
END_TEST

START_TEST(timed_waits_end_with_EIDRM_at_removal)
{
	struct sleeper s = { .size = 5, .type = 1, .timeout = &hour };

	s.id = make_queue();
	set_qbytes(s.id, 0);
	start_sleeper(&s);
	s.who = 1;
	s.sends = true;
	start_sleeper(&s);
	must_sleep(0);
	must_sleep(1);
	remove_queue(s.id);
	must_end(0, -EIDRM);
	must_end(1, -EIDRM);
	end_sleepers();
}
END_TEST

/* What wakes it in vain does not renew the time. */
START_TEST(timed_waits_are_not_renewed_by_what_is_not_theirs)
{
	static const struct timespec limit = { 0, 150000000 };
	struct sleeper s = { .size = 5, .type = 1, .timeout = &limit };
	long long start = now_ns();

	s.id = make_queue();
	start_sleeper(&s);
	while (board->value[0] == 0) {
		put(s.id, 2, "x");
		must_take(s.id, 2, 0, 2, "x");
		set_qbytes(s.id, MSGMNB);
		await_turn();
	}
	must_end(0, -EAGAIN);
	must(now_ns() - start < 5000000000LL);
	end_sleepers();
}
END_TEST

/* Time and message come together again and again: never both, or neither. */
START_TEST(timed_receives_lose_no_message_when_time_is_over)
{
	static const struct timespec soon = { 0, 200000 };
	struct message m;
	int id = make_queue(), ends = 0;

	for (int i = 0; i < 150; i++) {
		struct sleeper s = { .id = id, .size = 5, .timeout = &soon };

		start_sleeper(&s);
		put(id, 1, "x");
		while (board->value[0] == 0)
			await_turn();
		if (board->value[0] == DONE) {
			must_find_none(id, 0, 0);
		} else {
			must_end(0, -EAGAIN);
			must_eq(take(id, &m, 5, 0, IPC_NOWAIT), 1);
			ends++;
		}
		kill_sleeper(0);
	}
	must(ends <= 150);
	must_be(id, 0, 0);
}
END_TEST

void
add_time_tests(TCase *tc)
{
	testing_add_loop(tc,
	    timed_waits_in_vain_take_their_time_and_end_with_EAGAIN, 0,
	    (int)COUNT(waits_ns));
	testing_add(tc, timed_calls_that_need_not_wait_ignore_the_time);
	testing_add_loop(tc,
	    timed_calls_refuse_an_invalid_time_even_if_nothing_blocks, 0,
	    (int)COUNT(invalid));
	testing_add(tc, timed_calls_say_what_the_others_say);
	testing_add_loop(tc, timed_calls_wait_for_a_long_time, 0,
	    (int)COUNT(long_limits));
	testing_add(tc, timed_waits_end_with_EIDRM_at_removal);
	testing_add(tc, timed_waits_are_not_renewed_by_what_is_not_theirs);
	testing_add(tc, timed_receives_lose_no_message_when_time_is_over);
}
