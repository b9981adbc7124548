/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_pass.c - the transactions that send a message and take one: clauses M2,
 * M4 and M5.
 *
 * A message that is sent goes into the inbox, a ring of references that the
 * senders' board fills and the receivers' empties, always at its end and its
 * beginning.  A receiver who wants another one than the first moves those
 * before it into the index.  So while nobody chooses and nobody sleeps, the
 * two sides have in common nothing but the ring and the message.
 *
 *	messages in the queue	tail - head + indexed
 *	their bytes		sent - taken
 *
 * Senders keep what they last saw of the receivers' counts.  Those only grow,
 * so what was seen allows too little and never too much; but for a message
 * that went back to where it stood, which may exceed the limit for a moment.
 */
#include "msg.h"

#include <errno.h>
#include <limits.h>

#include "crash.h"

/* --- the inbox --------------------------------------------------------- */

static mipc_u64 *
slot_at(const struct mipc_mq *mq, uint64_t number)
{
	return (mipc_u64 *)(void *)((char *)mq->head + mq->layout->ring) +
	    number % MIPC_RING;
}

/* A slot changes once a round, so its counter says which message it has. */
static bool
has_message(uint64_t slot, uint64_t number)
{
	return slot >> 32 == (uint32_t)(number / MIPC_RING + 1);
}

uint32_t
mipc_pass_glimpse(const struct mipc_mq *mq, uint64_t number)
{
	uint64_t slot = mipc_take(slot_at(mq, number));

	return has_message(slot, number) ? MIPC_T_VALUE(slot) : 0;
}

/* The message of this number, 0 if it has not been sent. */
static uint32_t
inbox_at(struct mipc_mq *mq, uint64_t number)
{
	uint32_t ref = mipc_pass_glimpse(mq, number);

	if (ref != 0)
		return ref;
	/* It may have been sent by one who has not got so far. */
	mipc_txn_begin(&mq->board[MIPC_SENDING]);
	return mipc_pass_glimpse(mq, number);
}

uint32_t
mipc_pass_first(struct mipc_mq *mq)
{
	return inbox_at(mq, mipc_take(&mq->head->head));
}

/* --- counts ------------------------------------------------------------ */

/* What the receivers have done, as it is at one moment. */
struct taken {
	uint64_t head, messages, bytes;
};

static void
look_at_taken(const struct mipc_mq *mq, struct taken *out)
{
	const struct mipc_board *board = &mq->board[MIPC_TAKING];
	struct mipc_msgqueue *q = mq->head;
	uint64_t seen;

	do {
		seen = mipc_txn_begin(board);
		out->head = mipc_peek(&q->head);
		out->messages = out->head -
		    MIPC_T_VALUE(mipc_peek(&q->indexed));
		out->bytes = MIPC_COUNT(mipc_peek(&q->taken));
	} while (!mipc_txn_same(board, seen));
}

static uint64_t
bytes_between(uint64_t sent, uint64_t taken)
{
	return MIPC_COUNT(sent - taken);
}

void
mipc_pass_count(const struct mipc_mq *mq, struct mipc_msg_counts *out)
{
	const struct mipc_board *board = &mq->board[MIPC_SENDING];
	struct taken taken;
	uint64_t seen;

	do {
		seen = mipc_txn_begin(board);
		look_at_taken(mq, &taken);
		out->messages = mipc_peek(&mq->head->tail) - taken.messages;
		out->bytes = bytes_between(mipc_peek(&mq->head->sent),
		    taken.bytes);
	} while (!mipc_txn_same(board, seen));
}

/* M2: is there room for one of this size, by these counts? */
static bool
has_room(const struct mipc_mq *mq, uint64_t size, uint64_t messages,
    uint64_t bytes)
{
	uint64_t most = mipc_peek(&mq->head->qbytes), held, count;

	count = mipc_peek(&mq->head->tail) - messages;
	held = bytes_between(mipc_peek(&mq->head->sent), bytes);
	return count < most && held <= most && size <= most - held;
}

int
mipc_pass_judge(struct mipc_mq *mq, uint64_t size)
{
	struct mipc_msgqueue *q = mq->head;
	uint64_t tail = mipc_peek(&q->tail);
	struct taken taken;

	if (tail - mipc_peek(&q->seen_head) < MIPC_RING &&
	    has_room(mq, size, mipc_peek(&q->seen_taken),
	    mipc_peek(&q->seen_bytes)))
		return 0;
	look_at_taken(mq, &taken);
	mipc_put(&q->seen_head, taken.head);
	mipc_put(&q->seen_taken, taken.messages);
	mipc_put(&q->seen_bytes, taken.bytes);
	if (!has_room(mq, size, taken.messages, taken.bytes))
		return EBUSY;
	return tail - taken.head < MIPC_RING ? 0 : ENOSPC;
}

void
mipc_pass_tidy(struct mipc_mq *mq)
{
	struct mipc_msg_counts counts;

	mipc_pocket_tidy(mq);
	if (MIPC_T_VALUE(mipc_peek(&mq->head->spares)) <= MIPC_SPARES_KEPT)
		return;
	mipc_pass_count(mq, &counts);
	if (counts.messages == 0)
		mipc_pages_trim(mq);
}

/* --- sending ----------------------------------------------------------- */

void
mipc_pass_record_sent(struct mipc_mq *mq, struct mipc_txn *txn, uint32_t ref,
    uint64_t size)
{
	struct mipc_msgqueue *q = mq->head;
	uint64_t tail = mipc_peek(&q->tail), sent = mipc_peek(&q->sent);
	mipc_u64 *slot = slot_at(mq, tail);
	uint64_t old = mipc_peek(slot);

	mipc_txn_set(txn, slot, old, MIPC_T_NEXT(old, ref));
	mipc_txn_set(txn, &q->tail, tail, tail + 1);
	if (size > 0)
		mipc_txn_set(txn, &q->sent, sent, sent + size);
}

/* Was it removed, or is there another queue in its place? */
static bool
is_gone(const struct mipc_mq *mq, const struct mipc_line_head *line)
{
	return MIPC_T_VALUE(mipc_peek(&line->gone)) != 0 ||
	    mipc_take(&mq->head->object.id) != mq->use.opened->id;
}

int
mipc_pass_make_room(struct mipc_mq *mq)
{
	const struct mipc_board *board = &mq->board[MIPC_TAKING];
	uint64_t seen = mipc_txn_begin(board);
	uint64_t head = mipc_peek(&mq->head->head);

	if (mipc_take(&mq->head->tail) - head < MIPC_RING)
		return EAGAIN;
	if (inbox_at(mq, head) == 0)	/* it says that it is full */
		return mipc_txn_same(board, seen) ? EIO : EAGAIN;
	return mipc_pass_drain(mq, MIPC_RING / 2);
}

int
mipc_pass_try_send(struct mipc_mq *mq, uint32_t place, uint64_t size)
{
	struct mipc_board *board = &mq->board[MIPC_SENDING];
	uint32_t ref = MIPC_HELD_REF(mipc_peek(&mq->pocket->held[place]));
	uint64_t seen = mipc_txn_begin(board);
	struct mipc_txn txn;
	int error;

	if (is_gone(mq, &mq->head->senders))
		return EIDRM;
	if (mipc_msg_at(mq, ref) == NULL)
		return EIO;
	error = mipc_pass_judge(mq, size);
	if (error == ENOSPC)
		return mipc_pass_make_room(mq);
	if (error != 0)
		return mipc_txn_same(board, seen) ? error : EAGAIN;
	mipc_txn_take(&txn, board, mq->pocket_index);
	mipc_pocket_record(mq, &txn, place, 0, 0);
	mipc_pass_record_sent(mq, &txn, ref, size);
	return mipc_txn_finish(&txn, seen);
}

/* --- into the index ---------------------------------------------------- */

/* While receivers sleep, only steps empty the inbox (msg_line.c). */
static bool
anybody_sleeps(const struct mipc_mq *mq)
{
	return MIPC_T_VALUE(mipc_peek(&mq->head->receivers.sleepers)) != 0;
}

int
mipc_pass_drain_one(struct mipc_mq *mq, uint64_t seen)
{
	struct mipc_board *board = &mq->board[MIPC_TAKING];
	uint64_t head = mipc_peek(&mq->head->head);
	uint32_t ref = inbox_at(mq, head);
	struct mipc_txn txn;
	int error;

	if (ref == 0)
		return mipc_txn_same(board, seen) ? ECANCELED : EAGAIN;
	mipc_txn_take(&txn, board, mq->pocket_index);
	mipc_txn_set(&txn, &mq->head->head, head, head + 1);
	error = mipc_index_add(mq, &txn, ref, (uint32_t)head);
	if (error == 0)
		return mipc_txn_finish(&txn, seen);
	return mipc_txn_same(board, seen) ? EIO : EAGAIN;
}

int
mipc_pass_drain(struct mipc_mq *mq, uint32_t most)
{
	int error = 0;

	while (most > 0 && (error == 0 || error == EAGAIN)) {
		uint64_t seen = mipc_txn_begin(&mq->board[MIPC_TAKING]);

		if (anybody_sleeps(mq))
			return MIPC_STEPS_FIRST;
		error = mipc_pass_drain_one(mq, seen);
		most -= error == 0;
	}
	return error == 0 || error == ECANCELED ? EAGAIN : error;
}

/* --- choosing ---------------------------------------------------------- */

bool
mipc_pass_matches(const struct mipc_choice *choice, uint64_t type)
{
	switch (choice->rule) {
	case MIPC_EQUAL:
		return type == choice->type;
	case MIPC_EXCEPT:
		return type != choice->type;
	case MIPC_UP_TO:
		return type <= choice->type;
	default:
		return true;
	}
}

static uint64_t
type_of(const struct mipc_mq *mq, uint32_t ref)
{
	struct mipc_message *m = mipc_msg_at(mq, ref);

	return m == NULL ? 0 : mipc_peek(&m->type);
}

/*
 * The lowest of all: the inbox counts as well, where it has several.  If there
 * is none the inbox is emptied, so that it tells when another one has come.
 */
static void
choose_lowest(struct mipc_mq *mq, const struct mipc_choice *choice,
    uint64_t head, uint32_t first, struct mipc_found *f)
{
	uint64_t type = type_of(mq, first);

	if (inbox_at(mq, head + 1) != 0) {
		f->drain = f->ref == 0 || type_of(mq, f->ref) > 1;
		return;
	}
	if (mipc_pass_matches(choice, type) &&
	    (f->ref == 0 || type < type_of(mq, f->ref))) {
		f->ref = first;
		f->in_inbox = true;
	} else if (f->ref == 0) {
		f->drain = true;
	}
}

static void
choose(struct mipc_mq *mq, const struct mipc_choice *choice,
    struct mipc_found *f)
{
	uint64_t head = mipc_peek(&mq->head->head);
	uint32_t first;

	*f = (struct mipc_found){ .ref = 0 };
	if (MIPC_T_VALUE(mipc_peek(&mq->head->indexed)) != 0)
		f->ref = mipc_index_find(mq, choice, &f->passed);
	if (f->ref != 0 && choice->rule != MIPC_UP_TO)
		return;
	first = inbox_at(mq, head);
	if (first == 0)
		return;
	if (choice->rule == MIPC_UP_TO) {
		choose_lowest(mq, choice, head, first, f);
	} else if (mipc_pass_matches(choice, type_of(mq, first))) {
		f->ref = first;
		f->in_inbox = true;
	} else {
		f->drain = true;
	}
}

/* --- taking ------------------------------------------------------------ */

int
mipc_pass_record_taken(struct mipc_mq *mq, struct mipc_txn *txn,
    const struct mipc_found *f, uint64_t size)
{
	struct mipc_msgqueue *q = mq->head;
	uint64_t head = mipc_peek(&q->head), taken = mipc_peek(&q->taken);

	if (size > 0)
		mipc_txn_set(txn, &q->taken, taken, taken + size);
	if (f->in_inbox) {
		mipc_txn_set(txn, &q->head, head, head + 1);
		return 0;
	}
	return mipc_index_remove(mq, txn, f->ref);
}

/* Remember how far others have been looked at in vain. */
static void
note_passed(struct mipc_mq *mq, uint32_t passed, uint64_t seen)
{
	mipc_u64 *cursor = &mq->head->cursor;
	struct mipc_txn txn;
	uint64_t old = mipc_peek(cursor);

	mipc_txn_take(&txn, &mq->board[MIPC_TAKING], mq->pocket_index);
	mipc_txn_set(&txn, cursor, old, MIPC_T_NEXT(old, passed));
	mipc_txn_finish(&txn, seen);
}

int
mipc_pass_try_take(struct mipc_mq *mq, const struct mipc_choice *choice,
    uint64_t room, uint32_t place, uint64_t *size)
{
	struct mipc_board *board = &mq->board[MIPC_TAKING];
	uint64_t seen = mipc_txn_begin(board);
	struct mipc_message *m;
	struct mipc_txn txn;
	struct mipc_found f;
	int error;

	if (is_gone(mq, &mq->head->receivers))
		return EIDRM;
	choose(mq, choice, &f);
	m = mipc_msg_at(mq, f.ref);
	if (f.passed != 0) {
		note_passed(mq, f.passed, seen);
		return EAGAIN;
	}
	if ((f.drain || f.in_inbox) && anybody_sleeps(mq))
		return mipc_txn_same(board, seen) ? MIPC_STEPS_FIRST : EAGAIN;
	if (f.drain)
		return mipc_pass_drain(mq, MIPC_RING);
	if (m == NULL)
		return !mipc_txn_same(board, seen) ? EAGAIN :
		    f.ref != 0 ? EIO : EBUSY;
	*size = mipc_peek(&m->size);
	if (*size > room)
		return mipc_txn_same(board, seen) ? E2BIG : EAGAIN;
	mipc_txn_take(&txn, board, mq->pocket_index);
	mipc_pocket_record(mq, &txn, place, f.ref,
	    mipc_peek(&m->form) & 0xff);
	error = mipc_pass_record_taken(mq, &txn, &f, *size);
	if (error == 0)
		return mipc_txn_finish(&txn, seen);
	return mipc_txn_same(board, seen) ? EIO : EAGAIN;
}

int
mipc_pass_look(struct mipc_mq *mq, const struct mipc_choice *choice)
{
	struct mipc_found f;

	choose(mq, choice, &f);
	if (f.drain)
		return mipc_pass_drain(mq, MIPC_RING);
	return f.ref == 0 ? 0 : EBUSY;
}
