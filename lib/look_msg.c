/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look_msg.c - who sleeps in a queue and what for, and what is in it.
 *
 * Messages stand in the index, the older ones, and in the inbox.  One that was
 * seen is known again by its number in the order of arrival: while it is in
 * the inbox the ring names it, and from when it is in the index on its own
 * word does, whose counter grows when it leaves.
 */
#include "look.h"

#include <errno.h>
#include <limits.h>

#include "commands.h"
#include "msg.h"

struct gathering {
	struct mipc_mq mq;
	union {
		struct mipc_look_sleeper *sleeper;
		struct mipc_look_message *message;
	} out;
	size_t n;
	uint32_t found;
	enum mipc_msg_board side;
};

/* Begin and end a reading of both sides. */
static bool
begin(const struct mipc_mq *mq, uint64_t seen[2])
{
	bool sending = mipc_txn_look(&mq->board[MIPC_SENDING], &seen[0]);

	return mipc_txn_look(&mq->board[MIPC_TAKING], &seen[1]) && sending;
}

static bool
end(const struct mipc_mq *mq, const uint64_t seen[2])
{
	return mipc_txn_same(&mq->board[MIPC_SENDING], seen[0]) &&
	    mipc_txn_same(&mq->board[MIPC_TAKING], seen[1]);
}

/* --- sleepers ---------------------------------------------------------- */

static long
as_type(uint64_t type)
{
	return type > LONG_MAX ? LONG_MAX : (long)type;
}

/* As msgrcv() would have been called. */
static void
note_choice(const struct mipc_msg_place *place, struct mipc_look_sleeper *out)
{
	struct mipc_choice choice;

	mipc_msg_choice_of(place, &choice);
	out->waits = MIPC_WAITS_MESSAGE;
	out->type = choice.rule == MIPC_ANY ? 0 : as_type(choice.type);
	if (choice.rule == MIPC_UP_TO)
		out->type = -out->type;
	if (choice.rule == MIPC_EXCEPT)
		out->flags |= MSG_EXCEPT;
	if (mipc_peek(&place->cuts) != 0)
		out->flags |= MSG_NOERROR;
}

/* What is to be sent stands ready in room that the sleeper holds. */
static void
note_sent(const struct mipc_mq *mq, const struct mipc_msg_place *place,
    struct mipc_look_sleeper *out)
{
	const struct mipc_message *m = mipc_msg_at(mq,
	    MIPC_HELD_REF(mipc_peek(&place->message)));

	out->waits = MIPC_WAITS_ROOM;
	out->type = m == NULL ? 0 : as_type(mipc_peek(&m->type));
}

static void
note_sleeper(struct mipc_place *at, uint32_t index, void *arg)
{
	const struct mipc_msg_place *place = (void *)at;
	struct gathering *g = arg;
	struct mipc_look_sleeper *out;

	(void)index;
	if (g->found++ >= g->n)
		return;
	out = &g->out.sleeper[g->found - 1];
	*out = (struct mipc_look_sleeper){
		.process = {
			.life = mipc_take(&at->owner),
			.pid = (pid_t)mipc_peek(&at->pid),
		},
		.since = (time_t)mipc_peek(&at->since),
		.nops = 1,
		.size = mipc_peek(&place->size),
	};
	if (g->side == MIPC_TAKING)
		note_choice(place, out);
	else
		note_sent(&g->mq, place, out);
}

static uint32_t
read_sleepers(void *arg, bool *same)
{
	struct gathering *g = arg;
	struct mipc_line lines[2];
	uint64_t seen[2];

	*same = begin(&g->mq, seen);
	g->found = 0;
	mipc_msg_lines(&g->mq, lines);
	for (g->side = MIPC_SENDING; g->side <= MIPC_TAKING; g->side++)
		*same &= mipc_look_line(&lines[g->side], note_sleeper, g);
	*same = *same && end(&g->mq, seen);
	return g->found;
}

int
mipc_look_queue_sleepers(struct mipc_look *look,
    struct mipc_look_sleeper *out, size_t n, int *torn)
{
	struct gathering g = { .out.sleeper = out, .n = n };

	mipc_msg_view(&g.mq, look->ns, look->opened);
	mipc_look_until_same(read_sleepers, &g, torn);
	for (uint32_t i = 0; i < g.found && i < n; i++)
		mipc_look_who(look->ns, &out[i].process, false);
	return mipc_look_result(0, g.found);
}

/* --- messages ---------------------------------------------------------- */

/* Its word once it is in the index; 0 where that cannot be told apart. */
static uint64_t
word_to_be(const struct mipc_message *m, uint32_t number)
{
	uint64_t word = mipc_peek(&m->number);

	return MIPC_T_VALUE(word) == number ? 0 : MIPC_T_NEXT(word, number);
}

static void
note_message(struct gathering *g, uint32_t ref, uint32_t number,
    uint64_t word)
{
	const struct mipc_message *m = mipc_msg_at(&g->mq, ref);

	if (g->found++ >= g->n)
		return;
	g->out.message[g->found - 1] = (struct mipc_look_message){
		.type = as_type(mipc_peek(&m->type)),
		.size = mipc_peek(&m->size),
		.place = { (uint64_t)ref << 32 | number, word },
	};
}

/*
 * A walk along the list in the index.  A step back to where a mark stands,
 * which is set anew after twice as many steps each time, shows a circle.
 */
struct walk {
	uint32_t ref, mark, steps, until;
	const struct mipc_message *m;	/* NULL at the end, and amiss */
};

static void
look_at(const struct mipc_mq *mq, struct walk *w, uint32_t ref)
{
	w->ref = ref;
	w->m = ref == w->mark ? NULL : mipc_msg_at(mq, ref);
}

static void
walk_from_first(const struct mipc_mq *mq, struct walk *w)
{
	*w = (struct walk){ .until = 1 };
	look_at(mq, w, MIPC_T_VALUE(mipc_peek(&mq->head->first)));
}

static void
walk_on(const struct mipc_mq *mq, struct walk *w)
{
	if (++w->steps == w->until) {
		w->mark = w->ref;
		w->until *= 2;
	}
	look_at(mq, w, MIPC_T_VALUE(mipc_peek(&w->m->next)));
}

static bool
walk_index(struct gathering *g)
{
	struct walk w;
	uint64_t word;

	walk_from_first(&g->mq, &w);
	for (; w.m != NULL; walk_on(&g->mq, &w)) {
		word = mipc_peek(&w.m->number);
		note_message(g, w.ref, MIPC_T_VALUE(word), word);
	}
	return w.ref == 0;
}

static bool
walk_inbox(struct gathering *g)
{
	uint64_t number = mipc_take(&g->mq.head->head);
	uint64_t tail = mipc_take(&g->mq.head->tail);
	const struct mipc_message *m;
	uint32_t ref;

	if (tail - number > MIPC_RING)
		return false;
	for (; number != tail; number++) {
		ref = mipc_pass_glimpse(&g->mq, number);
		m = mipc_msg_at(&g->mq, ref);
		if (m == NULL)
			return false;
		note_message(g, ref, (uint32_t)number,
		    word_to_be(m, (uint32_t)number));
	}
	return true;
}

static bool
walk(struct gathering *g)
{
	bool sound;

	g->found = 0;
	sound = walk_index(g);
	return walk_inbox(g) && sound;
}

static uint32_t
read_messages(void *arg, bool *same)
{
	struct gathering *g = arg;
	uint64_t seen[2];

	*same = begin(&g->mq, seen);
	*same &= walk(g);
	*same = *same && end(&g->mq, seen);
	return g->found;
}

bool
mipc_look_walk(const struct mipc_mq *mq, struct mipc_look_message *out,
    size_t n, uint32_t *found)
{
	struct gathering g = { .mq = *mq, .out.message = out, .n = n };
	bool sound = walk(&g);

	*found = g.found;
	return sound;
}

MIPC_PUBLIC int
mipc_look_messages(struct mipc_ns *ns, int msqid,
    struct mipc_look_message *out, size_t n, int *torn)
{
	struct gathering g = { .out.message = out, .n = n };
	struct mipc_look look;
	int error;

	error = mipc_look_enter(&look, ns, MIPC_MSG, msqid);
	if (error != 0)
		return mipc_look_result(error, 0);
	mipc_msg_view(&g.mq, ns, look.opened);
	mipc_look_until_same(read_messages, &g, torn);
	mipc_look_leave(&look);
	return mipc_look_result(0, g.found);
}

/* --- what went through ------------------------------------------------- */

struct counting {
	struct mipc_mq mq;
	struct mipc_look_sent sent;
};

/* Both change in one transaction of the senders'. */
static uint32_t
read_sent(void *arg, bool *same)
{
	struct counting *c = arg;
	uint64_t seen;

	*same = mipc_txn_look(&c->mq.board[MIPC_SENDING], &seen);
	c->sent.messages = mipc_peek(&c->mq.head->tail);
	c->sent.bytes = MIPC_COUNT(mipc_peek(&c->mq.head->sent));
	*same = *same && mipc_txn_same(&c->mq.board[MIPC_SENDING], seen);
	return 0;
}

MIPC_PUBLIC int
mipc_look_sent(struct mipc_ns *ns, int msqid, struct mipc_look_sent *out,
    int *torn)
{
	struct counting c;
	struct mipc_look look;
	int error;

	error = mipc_look_enter(&look, ns, MIPC_MSG, msqid);
	if (error != 0)
		return mipc_look_result(error, 0);
	mipc_msg_view(&c.mq, ns, look.opened);
	mipc_look_until_same(read_sent, &c, torn);
	mipc_look_leave(&look);
	*out = c.sent;
	return 0;
}

/* --- the text of one --------------------------------------------------- */

/* Is it in the index?  No other message ever has its number. */
static bool
is_indexed(const struct mipc_mq *mq, uint32_t ref, uint32_t number)
{
	struct walk w;

	walk_from_first(mq, &w);
	while (w.m != NULL && w.ref != ref)
		walk_on(mq, &w);
	return w.m != NULL && MIPC_T_VALUE(mipc_peek(&w.m->number)) == number;
}

/* Is it in the queue, and nowhere else since it was seen? */
static bool
is_there(const struct mipc_mq *mq, const struct mipc_look_message *seen)
{
	uint32_t ref = (uint32_t)(seen->place[0] >> 32);
	uint64_t head = mipc_take(&mq->head->head), number;
	int32_t behind = (int32_t)((uint32_t)seen->place[0] - (uint32_t)head);

	number = head + (uint64_t)(int64_t)behind;
	if (behind >= 0)
		return number < mipc_take(&mq->head->tail) &&
		    mipc_pass_glimpse(mq, number) == ref;
	if (seen->place[1] == 0)
		return is_indexed(mq, ref, (uint32_t)seen->place[0]);
	return mipc_peek(&mipc_msg_at(mq, ref)->number) == seen->place[1];
}

static int
copy_text(const struct mipc_mq *mq, const struct mipc_look_message *seen,
    void *buf, size_t room, uint64_t *size)
{
	uint32_t ref = (uint32_t)(seen->place[0] >> 32);
	int error = 0;

	if (mipc_msg_at(mq, ref) == NULL)
		return EINVAL;
	if (!is_there(mq, seen))
		return ENOMSG;
	*size = mipc_peek(&mipc_msg_at(mq, ref)->size);
	if (room > *size)
		room = (size_t)*size;
	if (room > 0)
		error = mipc_message_read(mq, ref, buf, room);
	/* Whoever writes there next has taken it out before. */
	atomic_thread_fence(memory_order_acquire);
	return is_there(mq, seen) ? error : ENOMSG;
}

MIPC_PUBLIC ssize_t
mipc_look_text(struct mipc_ns *ns, int msqid,
    const struct mipc_look_message *message, void *buf, size_t size)
{
	struct mipc_look look;
	struct mipc_mq mq;
	uint64_t found = 0;
	int error;

	error = mipc_look_enter(&look, ns, MIPC_MSG, msqid);
	if (error == 0) {
		mipc_msg_view(&mq, ns, look.opened);
		error = copy_text(&mq, message, buf, size, &found);
		mipc_look_leave(&look);
	}
	return mipc_look_result(error, found);
}
