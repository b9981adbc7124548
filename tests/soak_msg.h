/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak_msg.h - message queues in the soak test.
 *
 * Two queues, which are soon full.  Each has senders, drainers, who take
 * whatever comes, and a chooser, who wants something else each time.  As long
 * as a sender and a drainer live everybody goes on, so one of each is spared;
 * but where those who live are to come to rest all senders are killed at once,
 * or all receivers.
 *
 * A message bears a number of its sender's, and what is in it follows from
 * that.  An account in shared memory says of each number what has become of
 * it: its call has begun, has returned, it was received.  So one that comes
 * twice, comes though its call failed, or comes damaged, is seen by who
 * receives it.  When all pause somebody looks at what is in the queues:
 * together with what was received that must be all that was sent, but for at
 * most one message in the hands of each receiver that was killed during its
 * call.  Of messages without text, which bear no number, this is so of their
 * sum.
 *
 * What one sender sent stands in that order in the queue, and is received in
 * it, type by type; but what comes back from a killed receiver may come late.
 */
#ifndef SOAK_MSG_H
#define SOAK_MSG_H

#include "soak.h"

#define QUEUES		SETS
#define TYPES		3	/* 1 .. TYPES; of those without text: */
#define NO_TEXT		(TYPES + 1)
#define NO_TYPE		99	/* nobody sends it */
#define TEXT_MOST	12000u
#define KERNEL_MOST	8192u

/* What every worker with a number is, in its queue. */
enum part { SENDER, SENDER2, DRAINER, DRAINER2, CHOOSER };
#define QUEUE_OF(w)	((unsigned)((w) - board->worker) % QUEUES)
#define PART_OF(w)	((enum part)((unsigned)((w) - board->worker) / QUEUES))
_Static_assert(WORKERS == QUEUES * (CHOOSER + 1), "one of each part");

static inline bool
is_sender(const struct worker *w)
{
	return PART_OF(w) <= SENDER2;
}

/* The beginning of a text; the words behind it follow from it. */
struct stamp {
	uint64_t number;		/* of its sender's place */
	uint32_t slot;			/* whose place that is */
	uint32_t queue, size;		/* bytes, with the stamp */
	uint32_t check;			/* of the above and the type */
};

struct post {
	long type;
	union {
		struct stamp stamp;
		uint64_t word[TEXT_MOST / 8];
		char text[TEXT_MOST];
	};
};

/*
 * The account: what has become of a number.  Each place in it serves one
 * number after another, when the one before has been sent and received.
 */
#define BEGUN	1u
#define SENT	2u			/* the call has returned 0 */
#define GOT	4u
#define STATE(number, flags)	((number) << 3 | (flags))
#define NUMBER(state)		((state) >> 3)
#define ENTRIES		512u

struct posts {
	uint32_t most;			/* bytes of a text */
	unsigned long qbytes[QUEUES];
	_Atomic uint64_t last[WORKERS];	/* number given */
	_Atomic uint64_t state[WORKERS][ENTRIES];
	_Atomic uint64_t sent[QUEUES];
	_Atomic uint64_t late[QUEUES];	/* out of order */
	uint64_t lost[QUEUES];
	uint64_t excused[QUEUES];	/* receivers killed in their calls */
	uint64_t recent[QUEUES];	/* of these, since `lost` was counted */
	bool too_many;			/* lost or late */
	bool served;			/* who is still sending what is there */
};

static inline _Atomic uint64_t *
state_of(const struct worker *sender, uint64_t number)
{
	return &board->posts->state[sender - board->worker][number % ENTRIES];
}

/* ---- calls: 0 or an errno ---- */

int	posts_send(unsigned queue, const struct post *, uint32_t size,
	    int flags, double seconds);
/* *size: bytes that there is room for, then those received. */
int	posts_take(unsigned queue, struct post *, uint32_t *size, long type,
	    int flags, double seconds);
int	posts_ctl(unsigned queue, int cmd, void *buf);

/* ---- messages ---- */

/* Is it somebody's, and whole, up to `size` bytes?  If not it is told. */
bool	posts_stamped(unsigned queue, const struct post *, uint32_t size);
bool	posts_whole(unsigned queue, const struct post *, uint32_t size);

/* soak_msg.c: be a worker. */
void	posts_work(struct worker *);

#endif
