/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak_msg_check.c - what must be so of the queues in the soak test while
 * nobody is at work: soak_msg.h.
 */
#include "soak_msg.h"

#include <errno.h>
#include <string.h>
#include <sys/msg.h>
#include <unistd.h>

#include "commands.h"

#define SOON	0.02	/* a death that somebody else may not know of yet */
#define LATE	1.0

struct posts *
posts_memory(void)
{
	return harness_shared(sizeof(struct posts));
}

/* ---- making and burying ---- */

static void
make_queue(unsigned q, unsigned long qbytes)
{
	struct msqid_ds ds;

	board->id[q] = board->store == KERNEL ? msgget(IPC_PRIVATE, 0600) :
	    mipc_msgget(sets_ns(), IPC_PRIVATE, 0600);
	if (board->id[q] == -1 || posts_ctl(q, IPC_STAT, &ds) != 0)
		harness_die("msgget: %s", strerror(errno));
	ds.msg_qbytes = qbytes;
	if (posts_ctl(q, IPC_SET, &ds) != 0)
		harness_die("IPC_SET: %s", strerror(errno));
	board->posts->qbytes[q] = qbytes;
}

/* One that is full of small messages, and one for large ones. */
static void
make_queues(void)
{
	const unsigned long long most = TEXT_MOST;

	memset(board->posts, 0, sizeof(*board->posts));
	board->posts->most = board->store == KERNEL ? KERNEL_MOST : TEXT_MOST;
	if (board->store != KERNEL &&
	    mipc_limit(sets_ns(), "msgmax", NULL, &most) == -1)
		harness_die("msgmax: %s", strerror(errno));
	make_queue(0, 700);
	make_queue(1, 16384);
}

static void
bury_poster(struct worker *w)
{
	const unsigned q = QUEUE_OF(w);
	const uint64_t a = atomic_exchange(&w->plain[q], 0);

	board->plain[q] += ACCOUNT_DONE(a);
	board->most[q] += ACCOUNT_NOW(a);
	if (atomic_exchange(&w->receiving, 0) != 0) {
		board->posts->excused[q]++;
		board->posts->recent[q]++;
	}
	atomic_store(&w->sending, 0);
}

/* ---- whom to spare ---- */

/* Another one that does what this one does for its queue lives on. */
static bool
is_needed(const struct worker *w)
{
	const struct worker *other = w + (PART_OF(w) % 2 == 0 ? 1 : -1) *
	    (int)QUEUES;

	return PART_OF(w) != CHOOSER && (other->pid == 0 ||
	    atomic_load(&other->doomed) == other->self);
}

/* Either all who send are to sleep, or all who receive. */
static uint32_t
rest_side(struct rng *r)
{
	const bool senders = rng_chance(r, 50);
	uint32_t bits = 0;

	for (unsigned i = 0; i < WORKERS; i++)
		if (is_sender(&board->worker[i]) == senders)
			bits |= 1u << i;
	return bits;
}

/* ---- what is there ---- */

/* What somebody found in a queue, one message after the other. */
struct found {
	uint64_t number[WORKERS][ENTRIES];	/* by place; 0: none there */
	uint64_t last[WORKERS];
	unsigned messages, empty, bytes;
};
static struct found found;
static struct post post;

static void
note(unsigned q, uint32_t size)
{
	const struct stamp *s = &post.stamp;

	found.messages++;
	found.bytes += size;
	found.empty += size == 0;
	if (!posts_whole(q, &post, size) || size == 0)
		return;
	if (s->number <= found.last[s->slot])
		violate("queue %u: message %llu stands behind %llu", q,
		    (unsigned long long)s->number,
		    (unsigned long long)found.last[s->slot]);
	found.last[s->slot] = s->number;
	found.number[s->slot][s->number % ENTRIES] = s->number;
}

static void
look_through(unsigned q)
{
	struct msqid_ds ds;
	uint32_t size;
	int error;

	memset(&found, 0, sizeof(found));
	error = posts_ctl(q, IPC_STAT, &ds);
	for (long i = 0; error == 0; i++) {
		size = TEXT_MOST;
		error = posts_take(q, &post, &size, i, MSG_COPY | IPC_NOWAIT,
		    -1);
		if (error == 0)
			note(q, size);
	}
	if (error != ENOMSG)
		violate("IPC_STAT or MSG_COPY: %s", error_name(error));
	else if (ds.msg_qnum != found.messages ||
	    ds.__msg_cbytes != found.bytes ||
	    ds.msg_qbytes != board->posts->qbytes[q])
		violate("queue %u: %lu messages and %lu bytes of %lu by "
		    "IPC_STAT, but there are %u and %u", q,
		    (unsigned long)ds.msg_qnum, (unsigned long)ds.__msg_cbytes,
		    (unsigned long)ds.msg_qbytes, found.messages, found.bytes);
}

/* ---- what should be ---- */

/*
 * A number whose story has not ended: has its message been lost?  Of one that
 * is over, nothing may come any more.
 */
static bool
close_number(struct worker *w, unsigned entry, bool over)
{
	const unsigned slot = (unsigned)(w - board->worker);
	_Atomic uint64_t *state = &board->posts->state[slot][entry];
	const uint64_t s = atomic_load(state), number = NUMBER(s);
	const bool there = found.number[slot][entry] != 0;

	if (there && (found.number[slot][entry] != number ||
	    (s & BEGUN) == 0 || (s & GOT) != 0)) {
		violate("a message is there that was not sent, or was "
		    "received");
		return false;
	}
	if (there && number == atomic_load(&w->sending))
		board->posts->served = true;
	if (there || (s & BEGUN) == 0 || (s & (SENT | GOT)) == (SENT | GOT) ||
	    number == atomic_load(&w->sending))
		return false;
	if (over)
		atomic_store(state, STATE(number, 0));
	return (s & SENT) != 0;
}

static unsigned
count_lost(unsigned q, bool over)
{
	unsigned lost = 0;

	for (unsigned i = q; i < WORKERS; i += QUEUES)
		for (unsigned e = 0; is_sender(&board->worker[i]) &&
		    e < ENTRIES; e++)
			lost += close_number(&board->worker[i], e, over);
	return lost;
}

/* Of those without text: how many too few; there must not be too many. */
static unsigned
count_lost_empty(unsigned q, bool over)
{
	int living = 0, sending = 0, want, there = (int)found.empty;

	for (unsigned i = q; i < WORKERS; i += QUEUES) {
		const uint64_t a = atomic_load(&board->worker[i].plain[q]);

		living += ACCOUNT_DONE(a);
		sending += ACCOUNT_NOW(a);
	}
	want = board->plain[q] + living;
	if (there > want + board->most[q])
		board->posts->served = true;
	if (there > want + board->most[q] + sending)
		violate("queue %u: %d messages without text, not %d ... +%d",
		    q, there, want, board->most[q]);
	if (over) {
		board->plain[q] = there - living;
		board->most[q] = 0;
	}
	return there < want ? (unsigned)(want - there) : 0;
}

static unsigned
count_all_lost(unsigned q, bool over)
{
	look_through(q);
	return count_lost(q, over) + count_lost_empty(q, over);
}

static bool
is_excused(unsigned q, unsigned lost)
{
	const struct posts *p = board->posts;

	return lost <= p->recent[q] &&
	    p->lost[q] + lost + p->late[q] <= p->excused[q];
}

/* Does one of the living have what was handed to it, and sleep on? */
static bool
somebody_receives(unsigned q)
{
	for (unsigned i = q; i < WORKERS; i += QUEUES)
		if (atomic_load(&board->worker[i].receiving) != 0)
			return true;
	return false;
}

/*
 * Somebody on the machine may look at a dead one through /proc: then it is not
 * known for dead, and what it was handed has not come back.
 */
static void
settle(unsigned q)
{
	const double start = harness_now();
	struct posts *p = board->posts;
	_Atomic uint32_t never = 0;
	unsigned lost;

	for (;;) {
		lost = count_all_lost(q, false);
		if (lost == 0 || harness_now() > start +
		    (is_excused(q, lost) ? SOON : LATE))
			break;
		harness_wait(&never, 0, 0.002);
	}
	p->too_many |= !is_excused(q, lost);
	if (somebody_receives(q))
		return;
	p->lost[q] += count_all_lost(q, true);
	p->recent[q] = 0;
}

static void
settle_all(void)
{
	board->posts->served = false;
	for (unsigned q = 0; q < QUEUES; q++)
		settle(q);
	board->heartbeats = sets_heartbeats();
}

static void
compare_posts(void)
{
	settle_all();
	if (board->posts->too_many)
		violate("more messages are lost, or out of order, than "
		    "receivers were killed");
}

/*
 * One who was handed a message and sleeps on has it in its hands; one whose
 * message was put into the queue for it and sleeps on still sends it.
 */
static const char *
judge_rest_of_posts(void)
{
	return board->posts->too_many ?
	    "a receiver sleeps on although it was served" :
	    board->posts->served ?
	    "a sender sleeps on although its message is in the queue" : NULL;
}

/* ---- for the report ---- */

static void
describe_posts(void)
{
	struct msqid_ds ds;

	describe_workers();
	for (unsigned q = 0; q < QUEUES; q++)
		if (posts_ctl(q, IPC_STAT, &ds) == 0)
			tap_note("queue %u: %lu messages, %lu bytes of %lu", q,
			    (unsigned long)ds.msg_qnum,
			    (unsigned long)ds.__msg_cbytes,
			    (unsigned long)ds.msg_qbytes);
}

static void
sum_up(void)
{
	const struct posts *p = board->posts;

	for (unsigned q = 0; q < QUEUES; q++)
		tap_note("queue %u: %llu messages sent, %llu receivers killed "
		    "in their calls; %llu messages went with them, %llu came "
		    "late", q, (unsigned long long)atomic_load(&p->sent[q]),
		    (unsigned long long)p->excused[q],
		    (unsigned long long)p->lost[q],
		    (unsigned long long)atomic_load(&p->late[q]));
}

const struct play posts_play = {
	.make = make_queues,
	.compare = compare_posts,
	.describe = describe_posts,
	.sum_up = sum_up,
	.work = posts_work,
	.drive = drive_workers,
	.bury = bury_poster,
	.needed = is_needed,
	.kicks = true,
};

const struct play posts_rest_play = {
	.make = make_queues,
	.look = settle_all,
	.describe = describe_posts,
	.sum_up = sum_up,
	.work = posts_work,
	.drive = drive_rest,
	.bury = bury_poster,
	.rest = rest_side,
	.judge_rest = judge_rest_of_posts,
};
