/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak_msg.c - a worker of the soak test at a queue: soak_msg.h.
 *
 * The account is written before and after each call, a word at a time, so
 * that a kill leaves it true: what has begun may have happened.
 */
#include "soak_msg.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/msg.h>

#include "commands.h"

static struct worker *me;
static unsigned queue;
static struct rng rng;
static struct post post;

/* The last number received of each sender, by type. */
static uint64_t last_got[WORKERS][TYPES];

/* ---- calls ---- */

static struct timespec
time_of(double seconds)
{
	return (struct timespec){ .tv_sec = (time_t)seconds,
	    .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
}

/* The kernel has no timed calls: there it does not wait. */
int
posts_send(unsigned q, const struct post *p, uint32_t size, int flags,
    double seconds)
{
	const struct timespec limit = time_of(seconds);
	int r;

	if (board->store == KERNEL)
		r = msgsnd(board->id[q], p, size,
		    seconds < 0 ? flags : flags | IPC_NOWAIT);
	else if (seconds < 0)
		r = mipc_msgsnd(sets_ns(), board->id[q], p, size, flags);
	else
		r = mipc_msgtimedsnd(sets_ns(), board->id[q], p, size, flags,
		    &limit);
	return r == 0 ? 0 : errno;
}

int
posts_take(unsigned q, struct post *p, uint32_t *size, long type, int flags,
    double seconds)
{
	const struct timespec limit = time_of(seconds);
	ssize_t n;

	if (board->store == KERNEL)
		n = msgrcv(board->id[q], p, *size, type,
		    seconds < 0 ? flags : flags | IPC_NOWAIT);
	else if (seconds < 0)
		n = mipc_msgrcv(sets_ns(), board->id[q], p, *size, type,
		    flags);
	else
		n = mipc_msgtimedrcv(sets_ns(), board->id[q], p, *size, type,
		    flags, &limit);
	if (n == -1)
		return errno;
	*size = (uint32_t)n;
	return 0;
}

int
posts_ctl(unsigned q, int cmd, void *buf)
{
	const int r = board->store == KERNEL ?
	    msgctl(board->id[q], cmd, buf) :
	    mipc_msgctl(sets_ns(), board->id[q], cmd, buf);

	return r == -1 ? errno : 0;
}

/* ---- what is in a message ---- */

static uint64_t
next_word(uint64_t word)
{
	return word * 6364136223846793005u + 1442695040888963407u;
}

static uint32_t
check_of(const struct stamp *s, long type)
{
	return (uint32_t)(next_word(next_word(next_word(s->number + s->slot) ^
	    ((uint64_t)s->queue << 32 | s->size)) ^ (uint64_t)type) >> 32);
}

static uint64_t
first_word(const struct stamp *s)
{
	return s->number << 32 ^ s->check;
}

static void
fill(long type, uint64_t number, uint32_t size)
{
	uint64_t word;

	post.type = type;
	post.stamp = (struct stamp){ .number = number, .queue = queue,
	    .slot = (uint32_t)(me - board->worker), .size = size };
	post.stamp.check = check_of(&post.stamp, type);
	word = first_word(&post.stamp);
	for (uint32_t i = sizeof(post.stamp) / 8; i * 8 < size; i++)
		post.word[i] = word = next_word(word);
}

bool
posts_stamped(unsigned q, const struct post *p, uint32_t size)
{
	const struct stamp *s = &p->stamp;

	if (p->type == NO_TEXT && size == 0)
		return true;
	if (size >= sizeof(*s) && s->slot < WORKERS && s->queue == q &&
	    s->size >= size && s->check == check_of(s, p->type))
		return true;
	violate("a message of type %ld and %u bytes comes from nowhere",
	    p->type, size);
	return false;
}

bool
posts_whole(unsigned q, const struct post *p, uint32_t size)
{
	const struct stamp *s = &p->stamp;
	uint64_t word = first_word(s);

	if (!posts_stamped(q, p, size))
		return false;
	for (uint32_t i = sizeof(*s) / 8; i * 8 < size; i++) {
		word = next_word(word);
		if (memcmp(&p->word[i], &word,
		    size - i * 8 < 8 ? size - i * 8 : 8) != 0) {
			violate("a message of %u bytes is damaged at %u",
			    s->size, i * 8);
			return false;
		}
	}
	return true;
}

/* ---- sending ---- */

/* A number whose place is free; 0 if most are in use. */
static uint64_t
begin_number(void)
{
	_Atomic uint64_t *last = &board->posts->last[me - board->worker];
	uint64_t number, was;

	for (int i = 0; i < 8; i++) {
		number = atomic_fetch_add(last, 1) + 1;
		was = atomic_load(state_of(me, number)) & (BEGUN | SENT | GOT);
		if (was != 0 && was != (BEGUN | SENT | GOT))
			continue;
		atomic_store(&me->sending, number);
		atomic_store(state_of(me, number), STATE(number, BEGUN));
		return number;
	}
	return 0;
}

static void
end_number(uint64_t number, bool sent)
{
	_Atomic uint64_t *state = state_of(me, number);

	if (sent) {
		atomic_fetch_or(state, SENT);
		atomic_fetch_add(&board->posts->sent[queue], 1);
	} else if (atomic_exchange(state, STATE(number, 0)) !=
	    STATE(number, BEGUN)) {
		violate("a message was received that was not sent");
	}
	atomic_store(&me->sending, 0);
}

/* How the call may end that has neither sent nor received anything. */
static void
must_be_legal(int error, int nothing, int flags, double seconds)
{
	const bool waits = (flags & IPC_NOWAIT) == 0 && seconds < 0;

	if (error == 0)
		atomic_fetch_add(&me->ops, 1);
	else if (error == EINTR ? atomic_load(&board->pause) == 0 :
	    waits || error != nothing)
		violate("%s: %s", atomic_load(&me->doing),
		    error_name(error));
}

static void
send_empty(int flags, double seconds)
{
	const int32_t done = ACCOUNT_DONE(atomic_load(&me->plain[queue]));
	int error;

	post.type = NO_TEXT;
	atomic_store(&me->plain[queue], ACCOUNT(done, 1));
	error = posts_send(queue, &post, 0, flags, seconds);
	atomic_store(&me->plain[queue], ACCOUNT(done + (error == 0), 0));
	must_be_legal(error, EAGAIN, flags, seconds);
}

static uint32_t
draw_size(void)
{
	const unsigned long qbytes = board->posts->qbytes[queue];
	const uint32_t least = (uint32_t)sizeof(struct stamp);
	const uint32_t more = (board->posts->most < qbytes ?
	    board->posts->most : (uint32_t)qbytes) - least;
	const unsigned what = rng_below(&rng, 100);

	return least + rng_below(&rng, what < 70 ? 120 :
	    what < 85 && more > 2000 ? 2000 : more);
}

static void
send_one(int flags, double seconds)
{
	const uint32_t size = draw_size();
	const uint64_t number = rng_chance(&rng, 10) ? 0 : begin_number();
	int error;

	if (number == 0) {
		send_empty(flags, seconds);
		return;
	}
	fill(1 + (long)rng_below(&rng, TYPES), number, size);
	error = posts_send(queue, &post, size, flags, seconds);
	end_number(number, error == 0);
	must_be_legal(error, EAGAIN, flags, seconds);
}

static void
send_some(void)
{
	const unsigned how = board->resting != 0 ? 0 : rng_below(&rng, 100);

	atomic_store(&me->doing, "send");
	send_one(how >= 90 ? IPC_NOWAIT : 0,
	    how >= 75 && how < 90 ? rng_below(&rng, 1000) / 1e6 : -1);
}

/* ---- receiving ---- */

/* It must be its first time, and not before an older one. */
static void
account(const struct stamp *s, long type)
{
	const struct worker *sender = &board->worker[s->slot];
	_Atomic uint64_t *state = state_of(sender, s->number);
	const uint64_t was = atomic_fetch_or(state, GOT);
	uint64_t *last = &last_got[s->slot][type - 1];

	if (NUMBER(was) != s->number || (was & BEGUN) == 0)
		violate("a message was not sent, or received long ago");
	else if ((was & GOT) != 0)
		violate("a message was received twice");
	if (s->number < *last)
		atomic_fetch_add(&board->posts->late[queue], 1);
	else
		*last = s->number;
}

static bool
is_wanted(long type, long got, int flags)
{
	return type == 0 ? true :
	    type < 0 ? type == LONG_MIN || got <= -type :
	    (flags & MSG_EXCEPT) != 0 ? got != type : got == type;
}

static void
account_empty(void)
{
	const int32_t done = ACCOUNT_DONE(atomic_load(&me->plain[queue]));

	atomic_store(&me->plain[queue], ACCOUNT(done - 1, 0));
}

static void
look_at(uint32_t room, uint32_t size, long type, int flags)
{
	if (!is_wanted(type, post.type, flags))
		violate("type %ld for one who wanted %ld", post.type, type);
	posts_whole(queue, &post, size);
	if (size != 0 && size != post.stamp.size && size != room)
		violate("%u bytes of a message of %u", size, post.stamp.size);
}

static int
take(uint32_t room, long type, int flags, double seconds)
{
	uint32_t size = room;
	int error;

	atomic_store(&me->receiving, 1);
	error = posts_take(queue, &post, &size, type, flags, seconds);
	if (error == 0 && size == 0)
		account_empty();
	else if (error == 0 && posts_stamped(queue, &post, size))
		account(&post.stamp, post.type);
	atomic_store(&me->receiving, 0);
	if (error == 0)
		look_at(room, size, type, flags);
	return error;
}

/* Whatever there is, in one of the ways to say so. */
static void
drain(void)
{
	static const struct {
		long type;
		int flags;
	} all[] = {
		{ 0, 0 }, { 0, 0 }, { 0, MSG_EXCEPT }, { -NO_TYPE, 0 },
		{ LONG_MIN, 0 }, { NO_TYPE, MSG_EXCEPT }
	};
	const unsigned how = rng_below(&rng, sizeof(all) / sizeof(all[0]));

	atomic_store(&me->doing, "drain");
	must_be_legal(take(TEXT_MOST, all[how].type, all[how].flags, -1),
	    ENOMSG, 0, -1);
}

/* ---- choosing ---- */

static void
choose(void)
{
	const long type = 1 + (long)rng_below(&rng, NO_TEXT);
	const unsigned how = rng_below(&rng, 3);
	const unsigned waits = board->resting != 0 ? 0 : rng_below(&rng, 3);
	const double seconds = waits == 1 ? rng_below(&rng, 1000) / 1e6 : -1;
	const int flags = (how == 1 ? MSG_EXCEPT : 0) |
	    (waits == 2 ? IPC_NOWAIT : 0);

	atomic_store(&me->doing, "choose");
	must_be_legal(take(TEXT_MOST, how == 2 ? -type : type, flags, seconds),
	    waits == 1 && board->store != KERNEL ? EAGAIN : ENOMSG, flags,
	    seconds);
}

/* A room that is too small: cut off, or left where it is. */
static void
take_short(void)
{
	const int flags = IPC_NOWAIT | (rng_chance(&rng, 50) ? MSG_NOERROR : 0);
	const uint32_t room = (uint32_t)sizeof(struct stamp) +
	    rng_below(&rng, 500);
	int error;

	atomic_store(&me->doing, "take a part");
	error = take(room, 1 + (long)rng_below(&rng, NO_TEXT), flags, -1);
	must_be_legal(error == E2BIG && (flags & MSG_NOERROR) == 0 ? ENOMSG :
	    error, ENOMSG, flags, -1);
}

static void
copy(void)
{
	uint32_t size = TEXT_MOST;
	const long index = (long)rng_below(&rng, 8);
	int error;

	atomic_store(&me->doing, "copy");
	error = posts_take(queue, &post, &size, index,
	    MSG_COPY | IPC_NOWAIT, -1);
	if (error == 0)
		posts_whole(queue, &post, size);
	must_be_legal(error, ENOMSG, IPC_NOWAIT, -1);
}

/* Nothing changes by it, but all who sleep there look again. */
static void
set_same(void)
{
	struct msqid_ds ds;
	int error;

	atomic_store(&me->doing, "IPC_STAT and IPC_SET");
	error = posts_ctl(queue, IPC_STAT, &ds);
	if (error == 0 && ds.msg_qbytes != board->posts->qbytes[queue])
		violate("a queue has %lu bytes", (unsigned long)ds.msg_qbytes);
	if (error == 0)
		error = posts_ctl(queue, IPC_SET, &ds);
	must_be_legal(error, 0, 0, -1);
}

static void
choose_some(void)
{
	const unsigned what = board->resting != 0 ? 0 : rng_below(&rng, 100);

	if (what < 70)
		choose();
	else if (what < 80)
		take_short();
	else if (what < 95)
		copy();
	else
		set_same();
}

/* ---- the whole ---- */

static void
nothing(int sig)
{
	(void)sig;
}

/*
 * So that one side or the other is the faster one for a while.  A sender
 * rests now and then: who wants to send much gets no room as long as others
 * send a little all the time.
 */
static void
spend_time(void)
{
	static unsigned most, burst;
	_Atomic uint32_t never = 0;

	if (board->resting != 0)
		return;
	if (rng_chance(&rng, 1))
		most = rng_chance(&rng, 50) ? 0 : 10000;
	for (volatile unsigned n = most == 0 ? 0 : rng_below(&rng, most);
	    n > 0; n--)
		;
	if (!is_sender(me) || burst-- > 0)
		return;
	burst = rng_below(&rng, 64);
	harness_wait(&never, 0, rng_below(&rng, 500) / 1e6);
}

void
posts_work(struct worker *slot)
{
	const struct sigaction act = { .sa_handler = nothing };

	me = slot;
	queue = QUEUE_OF(me);
	atomic_store(&me->set, (int)queue);
	rng_seed(&rng, board->seed * 1000003 + me->self);
	sigaction(SIGUSR1, &act, NULL);
	for (;;) {
		park(me);
		if (is_sender(me))
			send_some();
		else if (PART_OF(me) == CHOOSER)
			choose_some();
		else
			drain();
		atomic_fetch_add(&me->rounds, 1);
		spend_time();
	}
}
