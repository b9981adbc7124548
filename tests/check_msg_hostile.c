/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg_hostile.c - a peer that may write a queue and writes nonsense: it
 * spoils that queue and nothing else.  Whoever uses it ends each call, dies of
 * none, and goes on with other queues.
 *
 * Once by chance, while others use the queue; and once word by word: whatever
 * stands in one alone, each kind of call ends.  Two other queues are made
 * before and after, so that their mappings lie on either side; not one of
 * their bytes may change.
 */
#include "check_msg.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format_msg.h"
#include "spoil.h"

/* ---- parts of a queue ---- */

struct part {
	size_t from, to;
};

#define PARTS	8

static size_t page_size;

/* What is in use of a queue of so many bytes, in its parts. */
static void
find_parts(size_t size, struct part *part)
{
	struct mipc_msg_layout l;
	size_t page;

	page_size = page = (size_t)sysconf(_SC_PAGESIZE);
	mipc_msg_lay_out(&l, size, (uint32_t)page);
	part[0] = (struct part){ 0, sizeof(struct mipc_object) };
	part[1] = (struct part){ part[0].to, sizeof(struct mipc_msgqueue) };
	part[2] = (struct part){ l.ring, l.ring + 512 };
	part[3] = (struct part){ l.table[MIPC_M_POCKETS],
	    l.table[MIPC_M_POCKETS] + MIPC_PARTY_BYTES };
	part[4] = (struct part){ l.table[MIPC_M_RECEIVERS],
	    l.table[MIPC_M_RECEIVERS] + 512 };
	part[5] = (struct part){ l.table[MIPC_M_SENDERS],
	    l.table[MIPC_M_SENDERS] + 512 };
	part[6] = (struct part){ l.table[MIPC_M_GROUPS],
	    l.table[MIPC_M_GROUPS] + 512 };
	part[7] = (struct part){ l.data, l.data + 16 * page };
}

/* ---- those who use it ---- */

static const struct timespec moment = { 0, 1000 }, short_while = { 0, 2000000 };

static void
send_some(int id, const struct timespec *limit)
{
	struct message m = { .type = 2 };

	try_put_bytes(id, 1, 0, IPC_NOWAIT);
	for (long type = 1; type < 4; type++) {
		try_put_bytes(id, type, (size_t)type * 40, IPC_NOWAIT);
		try_put_bytes(id, type, (size_t)type * 2700, IPC_NOWAIT);
	}
	ipc->msgtimedsnd(id, &m, 3000, 0, limit);
}

static void
receive_some(int id, const struct timespec *limit)
{
	struct message m;

	for (long number = 0; number < 4; number++)
		take(id, &m, MSGMAX, number, MSG_COPY | IPC_NOWAIT);
	take(id, &m, 10, 0, IPC_NOWAIT);
	take(id, &m, 10, 2, IPC_NOWAIT | MSG_NOERROR);
	take(id, &m, MSGMAX, 3, IPC_NOWAIT);
	take(id, &m, MSGMAX, 3, IPC_NOWAIT);
	take(id, &m, MSGMAX, -2, IPC_NOWAIT);
	take(id, &m, MSGMAX, 1, IPC_NOWAIT | MSG_EXCEPT);
	ipc->msgtimedrcv(id, &m, MSGMAX, 99, 0, limit);
	for (int i = 0; i < 3; i++)
		take(id, &m, MSGMAX, 0, IPC_NOWAIT);
}

static void
control_some(int id)
{
	struct msqid_ds ds;

	if (control_buf(id, IPC_STAT, &ds) == 0) {
		ds.msg_qbytes = MSGMNB;
		control_buf(id, IPC_SET, &ds);
	}
	control_buf(id % IDS_MAX, MSG_STAT, &ds);
}

static void
use_others(const int *id)
{
	for (int i = 1; i < 3; i++) {
		put(id[i], 5, "x");
		must_take(id[i], 7, MSG_EXCEPT, 5, "x");
		must_take(id[i], 0, MSG_COPY, 7, "fine");
	}
}

/* All kinds of calls on the spoilt one; only their end matters. */
static void
use_spoilt(void *arg)
{
	const int *id = arg;

	alarm(15);		/* a call that does not end is a failure */
	for (int i = 0; i < 40; i++) {
		send_some(id[0], i % 10 == 0 ? &short_while : &moment);
		receive_some(id[0], i % 10 == 5 ? &short_while : &moment);
		control_some(id[0]);
		if (i % 4 == 0)
			use_others(id);
	}
	alarm(0);
}

/* id[0] between two others, which hold a message each. */
static void
make_three(int *id)
{
	id[1] = make_queue();
	id[0] = make_queue();
	id[2] = make_queue();
	put(id[1], 7, "fine");
	put(id[2], 7, "fine");
	use_others(id);
}

/* ---- by chance ---- */

static void
scribbled(struct scribble *s, int i)
{
	struct part part[PARTS];
	size_t size;
	void *file = map_file_of(s->id, &size);

	must_eq(munmap(file, size), 0);
	find_parts(size, part);
	s->seed = (unsigned)i;
	s->from = part[i % PARTS].from;
	s->to = part[i % PARTS].to;
}

START_TEST(hostile_scribbling_spoils_one_queue_alone)
{
	struct scribble s;
	pid_t pid[3];
	int id[3];

	make_three(id);
	s.id = id[0];
	scribbled(&s, _i);
	pid[0] = spawn(BY_FORK, scribble, &s);
	await(1);
	for (int i = 1; i < 3; i++)
		pid[i] = spawn(BY_FORK, use_spoilt, id);
	use_spoilt(id);
	for (int i = 1; i < 3; i++)
		finish(pid[i]);
	reach(2);
	finish(pid[0]);
	must_drain(id[1], "f");
	must_drain(id[2], "f");
	control(id[0], IPC_RMID);
	remove_queue(make_queue());
}
END_TEST

START_TEST(hostile_sleepers_in_a_scribbled_queue_heed_their_time)
{
	static const struct timespec limit = { 0, 100000000 };
	struct sleeper nap = { .type = 9, .size = 50, .timeout = &limit };
	struct scribble s;
	pid_t pid;

	s.id = nap.id = make_queue();
	set_qbytes(s.id, 10);
	put(s.id, 1, "full");
	for (nap.who = 0; nap.who < 4; nap.who++) {
		nap.sends = nap.who % 2 == 1;
		start_sleeper(&nap);
	}
	scribbled(&s, _i);
	pid = spawn(BY_FORK, scribble, &s);
	for (int who = 0; who < 4; who++)
		while (board->value[who] == 0)
			await_turn();
	reach(2);
	finish(pid);
	end_sleepers();
}
END_TEST

START_TEST(hostile_truncation_under_us_kills_nobody)
{
	pid_t pid[2];
	int id[3];

	make_three(id);
	pid[0] = spawn(BY_FORK, truncate_and_grow, id);
	await(1);
	pid[1] = spawn(BY_FORK, use_spoilt, id);
	use_spoilt(id);
	finish(pid[1]);
	reach(2);
	finish(pid[0]);
	must_drain(id[1], "f");
	must_drain(id[2], "f");
}
END_TEST

/* ---- word by word ---- */

#define VALUES	16

/* What stands in a word's place: often with the counter that it has. */
static uint64_t
wrong_value(uint64_t old, int which, size_t size, size_t data)
{
	uint64_t high = old >> 32 << 32, ref = data / MIPC_UNIT;
	uint64_t page = page_size / MIPC_UNIT;
	const uint64_t values[VALUES] = {
		0, ~0ull, old + 1, old - 1, old ^ 1ull << 32, high,
		high | 1, high | 2, high | ref, high | (ref + page),
		high | ref << 1, high | (ref << 1 | 1), high | 0xffffffff,
		high | (size / MIPC_UNIT - 1), (ref + page) | 255ull << 32,
		0x7fffffff80000000ull,
	};

	return values[which];
}

struct sweep {
	int id[3], part;
	unsigned char *file, *copy;
	size_t size;
	struct part parts[PARTS];
};

enum { WORD = FREE, VALUE, CASES };

static void
copy_parts(struct sweep *s, bool back)
{
	const struct part *p = s->parts;
	size_t n = 0;

	for (int i = 0; i < PARTS; n += p[i].to - p[i].from, i++)
		if (back)
			memcpy(s->file + p[i].from, s->copy + n,
			    p[i].to - p[i].from);
		else
			memcpy(s->copy + n, s->file + p[i].from,
			    p[i].to - p[i].from);
}

static void
sweep_part(void *arg)
{
	struct sweep *s = arg;
	const struct part *part = &s->parts[s->part];

	for (size_t at = part->from; at < part->to; at += 8)
		for (int v = 0; v < VALUES; v++) {
			uint64_t *word = (void *)(s->file + at);

			copy_parts(s, true);
			if (at >= s->parts[PARTS - 1].from && *word == 0)
				break;
			*word = wrong_value(*word, v, s->size,
			    s->parts[PARTS - 1].from);
			board->value[WORD] = (long long)at;
			board->value[VALUE] = (long long)*word;
			board->value[CASES]++;
			send_some(s->id[0], &moment);
			receive_some(s->id[0], &moment);
			control_some(s->id[0]);
		}
}

/* Until it ends well; no call may take longer than some seconds. */
static void
watch(pid_t pid)
{
	long long since = now_ns(), last = 0;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		await_turn();
		if (board->value[CASES] != last) {
			last = board->value[CASES];
			since = now_ns();
		}
		if (now_ns() - since < 8000000000LL)
			continue;
		kill_and_reap(pid);
		testing_fail(__FILE__, __LINE__, "it hangs: %llx at %lld",
		    board->value[VALUE], board->value[WORD]);
	}
	if (status != 0)
		testing_fail(__FILE__, __LINE__, "it ends by %d: %llx at %lld",
		    WTERMSIG(status), board->value[VALUE], board->value[WORD]);
}

/*
 * Messages in the index and in the inbox, and who died asleep.  Their text is
 * zeros, so that what is not is theirs to whom the queue belongs.
 */
static void
use_all_parts(int id)
{
	struct message large = { .type = 4 };

	for (int i = 0; i < 2; i++) {
		put_all(id, "abcdef");
		must_eq(ipc->msgsnd(id, &large, 5000, IPC_NOWAIT), 0);
		must_take(id, 3, 0, 3, "c");
		put_all(id, "gh");
	}
	receiver(0, id, 99);
	receiver(1, id, 98);
	set_qbytes(id, 100);
	sender(2, id, 5, '\0', 50);
	sender(3, id, 6, '\0', 5000);
	for (int i = 0; i < 4; i++)
		kill_sleeper(i);
}

START_TEST(hostile_no_word_of_a_queue_hangs_or_kills)
{
	struct sweep s = { .part = _i };
	unsigned char *other[3], *was[3];
	size_t head;

	make_three(s.id);
	use_all_parts(s.id[0]);
	s.file = map_file_of(s.id[0], &s.size);
	find_parts(s.size, s.parts);
	head = s.parts[PARTS - 1].to;
	s.copy = malloc(head);
	must(s.copy != NULL);
	copy_parts(&s, false);
	for (int i = 1; i < 3; i++) {
		other[i] = map_file_of(s.id[i], &s.size);
		was[i] = malloc(head);
		must(was[i] != NULL);
		memcpy(was[i], other[i], head);
	}
	watch(spawn(BY_FORK, sweep_part, &s));
	must(board->value[CASES] >= 100);
	for (int i = 1; i < 3; i++) {
		must(memcmp(was[i], other[i], head) == 0);
		free(was[i]);
	}
	free(s.copy);
	use_others(s.id);
}
END_TEST

void
add_hostile_tests(TCase *tc)
{
	testing_add_loop(tc, hostile_no_word_of_a_queue_hangs_or_kills, 0,
	    PARTS);
	testing_add_loop(tc, hostile_scribbling_spoils_one_queue_alone, 0,
	    2 * PARTS);
	testing_add_loop(tc,
	    hostile_sleepers_in_a_scribbled_queue_heed_their_time, 0, PARTS);
	testing_add(tc, hostile_truncation_under_us_kills_nobody);
}
