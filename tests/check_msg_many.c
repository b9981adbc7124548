/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_many.c - many processes and threads at once, some of them killed:
 * each message arrives whole and once.  Clauses M1, M4, M7 and M8 under these.
 */
#include "check_msg.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SENDERS	4
#define ROUNDS	500
#define MARKS	8192		/* messages of one sender, most */
#define STOP	99		/* the type of a message that ends a receiver */

/* What senders and receivers note, on shared memory. */
struct book {
	int id;
	int style;		/* of the receivers */
	bool unordered;		/* one may go back to where it stood */
	_Atomic int next[SENDERS];
	_Atomic unsigned char sent[SENDERS][MARKS];
	_Atomic unsigned char got[SENDERS][MARKS];
};

static struct book *book;

static struct book *
open_book(int id, int style)
{
	book = mmap(NULL, sizeof(*book), PROT_READ | PROT_WRITE, MAP_SHARED |
	    MAP_ANONYMOUS, -1, 0);
	must(book != MAP_FAILED);
	book->id = id;
	book->style = style;
	return book;
}

struct letter {
	int sender, number;
};

/* Sizes from that of a letter to some thousand bytes, told by the number. */
static size_t
size_of(const struct letter *l)
{
	size_t spread = l->number % 11 == 0 ? 4000 : 90;

	return sizeof(*l) + (size_t)(l->number * 131 + l->sender) % spread;
}

static void
send_letter(int sender, int number)
{
	struct letter l = { sender, number };
	struct message m = { .type = 1 + sender };
	size_t size = size_of(&l);

	memcpy(m.text, &l, sizeof(l));
	fill(m.text + sizeof(l), size - sizeof(l), (unsigned)number);
	must_eq(ipc->msgsnd(book->id, &m, size, 0), 0);
}

static void
note_letter(const struct message *m, ssize_t size, int *last)
{
	struct letter l;

	must(size >= (ssize_t)sizeof(l));
	memcpy(&l, m->text, sizeof(l));
	must(l.sender >= 0 && l.sender < SENDERS);
	must(l.number >= 0 && l.number < MARKS);
	must_eq(m->type, 1 + l.sender);
	must_eq(size, size_of(&l));
	must_be_filled(m->text + sizeof(l), (size_t)size - sizeof(l),
	    (unsigned)l.number);
	must_eq(atomic_fetch_add(&book->got[l.sender][l.number], 1), 0);
	/* Of one sender they come in order, to each receiver. */
	must(last[l.sender] < l.number || book->unordered);
	last[l.sender] = l.number;
}

/* How a receiver asks: any; one sender's; lowest; all but one. */
static ssize_t
ask_for_letter(struct message *m, int style, int n)
{
	static const long kinds[] = { 0, 0, -STOP, STOP };

	if (style % 4 == 1)
		return take(book->id, m, MSGMAX, 1 + n % SENDERS,
		    IPC_NOWAIT);
	return take(book->id, m, MSGMAX, kinds[style % 4],
	    style % 4 == 3 ? MSG_EXCEPT | IPC_NOWAIT : 0);
}

static void
receive_letters(int style)
{
	int last[SENDERS] = { -1, -1, -1, -1 };
	struct message m;

	for (int n = 0;; n++) {
		ssize_t size = ask_for_letter(&m, style, n);

		if (size == -1) {
			must_eq(errno, ENOMSG);
			if (style % 2 && board->value[FREE + 3] != 0)
				return;
			await_turn();
		} else if (m.type == STOP) {
			return;
		} else {
			note_letter(&m, size, last);
		}
	}
}

static void
send_rounds(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		send_letter(*(int *)arg, i);
	atomic_fetch_add(&board->value[FREE + 2], 1);
}

static void
receive_all_rounds(void *arg)
{
	receive_letters(*(int *)arg);
}

/* The lot is there: those who wait blocked are told to go home. */
static void
stop_receivers(int blocked)
{
	await_value(FREE + 2, SENDERS);
	while (stat_of(book->id).msg_qnum != 0)
		await_turn();
	for (int i = 0; i < blocked; i++)
		must_eq(try_put_bytes(book->id, STOP, 0, 0), 0);
	board->value[FREE + 3] = 1;
}

static void
must_have_all_letters(void)
{
	for (int s = 0; s < SENDERS; s++)
		for (int i = 0; i < ROUNDS; i++)
			if (book->got[s][i] != 1)
				testing_fail(__FILE__, __LINE__, "letter %d "
				    "of %d was received %d times", i, s,
				    book->got[s][i]);
}

/* Of each style alone, and then of all together; in little room too. */
static const struct {
	int style[3], blocked;
	unsigned long qbytes;
} crowds[] = {
	{ { 0, 0, 0 }, 3, MSGMNB },
	{ { 2, 2, 2 }, 3, MSGMNB },
	{ { 1, 1, 1 }, 0, MSGMNB },
	{ { 0, 2, 0 }, 3, 4200 },
	{ { 0, 1, 3 }, 1, MSGMNB },
	{ { 1, 3, 1 }, 0, 4200 },
};

START_TEST(M7_each_message_arrives_once)
{
	pid_t from[SENDERS], to[3];

	open_book(make_queue(), 0);
	set_qbytes(book->id, crowds[_i].qbytes);
	for (int i = 0; i < 3; i++) {
		int style = crowds[_i].style[i];

		to[i] = spawn(BY_FORK, receive_all_rounds, &style);
	}
	for (int i = 0; i < SENDERS; i++)
		from[i] = spawn(i % 2 ? BY_RAW_CLONE : BY_FORK, send_rounds,
		    &i);
	stop_receivers(crowds[_i].blocked);
	for (int i = 0; i < SENDERS; i++)
		finish(from[i]);
	for (int i = 0; i < 3; i++)
		finish(to[i]);
	must_have_all_letters();
	must_be(book->id, 0, 0);
}
END_TEST

static void *
send_in_thread(void *arg)
{
	send_rounds(arg);
	return NULL;
}

static void *
receive_in_thread(void *arg)
{
	receive_letters(*(int *)arg);
	return NULL;
}

START_TEST(M7_each_message_arrives_once_among_threads)
{
	static int number[SENDERS] = { 0, 1, 2, 3 }, style[2] = { 0, 2 };
	pthread_t from[SENDERS], to[2];

	open_book(make_queue(), 0);
	for (int i = 0; i < 2; i++)
		must_eq(pthread_create(&to[i], NULL, receive_in_thread,
		    &style[i]), 0);
	for (int i = 0; i < SENDERS; i++)
		must_eq(pthread_create(&from[i], NULL, send_in_thread,
		    &number[i]), 0);
	stop_receivers(2);
	for (int i = 0; i < SENDERS; i++)
		must_eq(pthread_join(from[i], NULL), 0);
	for (int i = 0; i < 2; i++)
		must_eq(pthread_join(to[i], NULL), 0);
	must_have_all_letters();
	must_be(book->id, 0, 0);
}
END_TEST

/* ---- questions and answers over one queue ---- */

#define QUESTIONS	300

static void
answer_questions(void *arg)
{
	int id = *(int *)arg;
	struct message m;

	for (;;) {
		ssize_t size = take(id, &m, MSGMAX, 1, 0);
		pid_t who;

		must(size >= (ssize_t)sizeof(who));
		memcpy(&who, m.text, sizeof(who));
		if (who == 0)
			return;
		m.type = who;
		must_eq(ipc->msgsnd(id, &m, (size_t)size, 0), 0);
	}
}

static void
ask_questions(void *arg)
{
	int id = *(int *)arg;
	struct message m;
	pid_t self = getpid();

	for (int i = 0; i < QUESTIONS; i++) {
		m.type = 1;
		memcpy(m.text, &self, sizeof(self));
		memcpy(m.text + sizeof(self), &i, sizeof(i));
		must_eq(ipc->msgsnd(id, &m, sizeof(self) + sizeof(i), 0), 0);
		must_eq(take(id, &m, MSGMAX, self, 0), 8);
		must_eq(m.type, self);
		must(memcmp(m.text, &self, sizeof(self)) == 0);
		must(memcmp(m.text + sizeof(self), &i, sizeof(i)) == 0);
	}
}

START_TEST(M4_each_gets_the_answer_to_its_own_question)
{
	static const pid_t nobody_asks;
	struct message stop = { .type = 1 };
	int id = make_queue();
	pid_t from[3], to[2];

	for (int i = 0; i < 2; i++)
		to[i] = spawn(BY_FORK, answer_questions, &id);
	for (int i = 0; i < 3; i++)
		from[i] = spawn(BY_FORK, ask_questions, &id);
	for (int i = 0; i < 3; i++)
		finish(from[i]);
	memcpy(stop.text, &nobody_asks, sizeof(nobody_asks));
	for (int i = 0; i < 2; i++)
		must_eq(ipc->msgsnd(id, &stop, sizeof(pid_t), 0), 0);
	for (int i = 0; i < 2; i++)
		finish(to[i]);
	must_be(id, 0, 0);
}
END_TEST

/* ---- kills ---- */

#define KILLS		60
#define PER_KILL	100

/* Each number once, whoever sends under this name after it is killed. */
static void
send_until_killed(void *arg)
{
	int sender = *(int *)arg;

	for (;;) {
		int number = atomic_fetch_add(&book->next[sender], 1);

		must(number < MARKS);
		/* Not further ahead than there are numbers for. */
		while (number > PER_KILL * board->value[FREE + 1])
			await_turn();
		send_letter(sender, number);
		book->sent[sender][number] = 1;
	}
}

static void
receive_until_killed(void *arg)
{
	int last[SENDERS] = { -1, -1, -1, -1 };
	struct message m;

	for (int n = 0;; n++) {
		ssize_t size = take(book->id, &m, MSGMAX,
		    *(int *)arg % 2 ? 0 : -STOP, 0);

		must(size != -1);
		note_letter(&m, size, last);
		atomic_fetch_add(&board->value[FREE], 1);
	}
}

static pid_t
start_part(int part)
{
	int number = part / 2;

	return spawn(BY_FORK, part % 2 ? send_until_killed :
	    receive_until_killed, &number);
}

/* What is left in the queue, then: lost, doubled, or never sent? */
static void
must_have_lost(int most)
{
	int last[SENDERS] = { -1, -1, -1, -1 }, lost = 0;
	struct message m;
	ssize_t size;

	while ((size = take(book->id, &m, MSGMAX, 0, IPC_NOWAIT)) != -1)
		note_letter(&m, size, last);
	must_eq(errno, ENOMSG);
	must_be(book->id, 0, 0);
	for (int s = 0; s < SENDERS; s++)
		for (int i = 0; i < MARKS; i++)
			lost += book->sent[s][i] != 0 &&
			    book->got[s][i] == 0;
	if (lost > most)
		testing_fail(__FILE__, __LINE__,
		    "%d were lost, and %d receivers killed", lost, most);
}

START_TEST(M7_kills_at_any_moment_lose_and_double_nothing)
{
	int receivers_killed = 0;
	pid_t pid[6];

	open_book(make_queue(), 0);
	book->unordered = true;	/* handed to one who was killed */
	if (_i == 1)
		set_qbytes(book->id, 4200);	/* senders sleep most */
	for (int i = 0; i < 6; i++)
		pid[i] = start_part(i);
	for (int i = 0; i < KILLS; i++) {
		long long seen = board->value[FREE];
		int part = i * 5 % 6;

		board->value[FREE + 1]++;	/* there is more to come */
		await_value(FREE, seen + 1 + i % 7);
		kill_and_reap(pid[part]);
		receivers_killed += part % 2 == 0;
		pid[part] = start_part(part);
	}
	for (int i = 0; i < 6; i++)	/* the senders first */
		kill_and_reap(pid[(2 * i + 1) % 7]);
	must_have_lost(receivers_killed + 3);
}
END_TEST

/* ---- what a program does around the calls ---- */

static void
round_of_calls(int id)
{
	int own = ipc->msgget(IPC_PRIVATE, 0600), key;

	must(own != -1);
	put_all(own, "abc");
	must_take(own, -2, 0, 1, "a");
	must_take(own, 1, MSG_COPY, 3, "c");
	set_owner(own, geteuid(), getegid(), 0640);
	key = ipc->msgget(KEY, IPC_CREAT | 0600);
	must(key != -1);
	must_eq(ipc->msgget(KEY, 0), key);
	put_bytes(id, 1, 3000);
	must_eq(take(id, &(struct message){ 0 }, MSGMAX, 1, IPC_NOWAIT),
	    3000);
	must_drain(own, "bc");
	must(info(MSG_INFO).msgpool >= 2);
	remove_queue(own);
	must_be_gone(own);
}

static void
close_all_and_call(void *arg)
{
	int id = *(int *)arg;
	struct message m;

	put(id, 1, "x");
	must_drain(id, "x");
	must_eq(close_range(3, ~0U, 0), 0);
	for (int i = 0; i < 3; i++) {
		round_of_calls(id);
		must_eq(close_range(3, ~0U, 0), 0);
	}
	board->value[FREE] = 1;
	must_eq(take(id, &m, 9, 5, 0), 1);
}

START_TEST(M7_calls_go_on_after_all_descriptors_are_closed)
{
	int id = make_queue();
	pid_t pid = spawn(BY_FORK, close_all_and_call, &id);

	await_value(FREE, 1);
	await_sleep(pid);
	put(id, 5, "x");
	finish(pid);
	must_be(id, 0, 0);
}
END_TEST

START_TEST(M7_calls_leave_no_descriptor_behind)
{
	int id = make_queue(), before;

	round_of_calls(id);
	before = open_descriptors();
	for (int i = 0; i < 50; i++)
		round_of_calls(id);
	must_eq(open_descriptors(), before);
}
END_TEST

static void *
sleep_in_thread(void *arg)
{
	struct message m;

	board->value[FREE] = gettid();
	must_eq(take(*(int *)arg, &m, 9, 5, 0), 1);
	return NULL;
}

static void
use_once(void *arg)
{
	put(*(int *)arg, 1, "x");
	must_take(*(int *)arg, 1, 0, 1, "x");
}

static void
fork_beside_sleeper(void *arg)
{
	pthread_t thread;

	must_eq(pthread_create(&thread, NULL, sleep_in_thread, arg), 0);
	await_value(FREE, 1);
	await_sleep((pid_t)board->value[FREE]);
	for (int i = 0; i < 10; i++)
		finish(spawn(i % 2 ? BY_RAW_CLONE : BY_FORK, use_once, arg));
	reach(1);
	must_eq(pthread_join(thread, NULL), 0);
}

START_TEST(M7_a_fork_beside_a_sleeping_thread_leaves_it_asleep)
{
	int id = make_queue();
	pid_t pid = spawn(BY_FORK, fork_beside_sleeper, &id);

	await(1);
	put(id, 5, "x");
	must_be(id, 0, 0);
	put(id, 5, "y");
	finish(pid);
	must_drain(id, "y");
}
END_TEST

/* ---- many sleepers ---- */

#define CROWD	200

static void
sleep_in_crowd(void *arg)
{
	struct message m;

	must_eq(take(*(int *)arg, &m, 9, 0, 0), 1);
	atomic_fetch_add(&board->value[FREE], 1);
}

static void
send_in_crowd(void *arg)
{
	must_eq(try_put_bytes(*(int *)arg, 1, 100, 0), 0);
	atomic_fetch_add(&board->value[FREE], 1);
}

START_TEST(M7_a_crowd_of_200_sleeps_and_goes)
{
	int id = make_queue();
	pid_t pid[CROWD];

	for (int i = 0; i < CROWD; i++)
		pid[i] = spawn(BY_FORK, sleep_in_crowd, &id);
	for (int i = 0; i < CROWD; i++)
		await_sleep(pid[i]);
	for (int i = 0; i < 20; i++)
		kill_and_reap(pid[i * 7]);
	for (int i = 0; i < CROWD; i++)
		put(id, 1, "x");
	await_value(FREE, CROWD - 20);
	for (int i = 0; i < CROWD; i++)
		if (i % 7 != 0 || i >= 140)
			finish(pid[i]);
	must_be(id, 20, 20);
}
END_TEST

START_TEST(M8_a_crowd_of_200_senders_sleeps_and_goes)
{
	int id = make_queue();
	struct message m;
	pid_t pid[CROWD];

	set_qbytes(id, 0);
	for (int i = 0; i < CROWD; i++)
		pid[i] = spawn(BY_FORK, send_in_crowd, &id);
	for (int i = 0; i < CROWD; i++)
		await_sleep(pid[i]);
	for (int i = 0; i < 20; i++)
		kill_and_reap(pid[i * 7]);
	must_be(id, 0, 0);
	set_qbytes(id, 300);
	for (int i = 0; i < CROWD - 20; i++)
		must_eq(take(id, &m, 100, 0, 0), 100);
	await_value(FREE, CROWD - 20);
	for (int i = 0; i < CROWD; i++)
		if (i % 7 != 0 || i >= 140)
			finish(pid[i]);
	must_be(id, 0, 0);
}
END_TEST

void
add_many_clauses(TCase *tc)
{
	testing_add_loop(tc, M7_each_message_arrives_once, 0,
	    (int)COUNT(crowds));
	testing_add(tc, M7_each_message_arrives_once_among_threads);
	testing_add(tc, M4_each_gets_the_answer_to_its_own_question);
	testing_add_loop(tc, M7_kills_at_any_moment_lose_and_double_nothing,
	    0, 2);
	testing_add(tc, M7_calls_go_on_after_all_descriptors_are_closed);
	testing_add(tc, M7_calls_leave_no_descriptor_behind);
	testing_add(tc,
	    M7_a_fork_beside_a_sleeping_thread_leaves_it_asleep);
	testing_add(tc, M7_a_crowd_of_200_sleeps_and_goes);
	testing_add(tc, M8_a_crowd_of_200_senders_sleeps_and_goes);
}
