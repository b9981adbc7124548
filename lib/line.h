/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line.h - those who sleep in an object, in the order they came.
 *
 * Depends on: format_line.h, txn.h, wait.h, thread.h, ns.h.
 * Locks: none.  A line changes by transactions of its board.
 *
 *	line.c		places, and the line as a list
 *	line_sleep.c	one thread's sleep
 */
#ifndef MIPC_LINE_H
#define MIPC_LINE_H

#include "format_line.h"
#include "ns.h"
#include "thread.h"
#include "txn.h"
#include "wait.h"

struct mipc_line {
	const struct mipc_board *board;
	struct mipc_line_head *head;
	char *places;
	uint32_t stride;		/* bytes from place to place */
	const mipc_u64 *ready;		/* places that have space; it grows */
};

#define MIPC_NOBODY	UINT32_MAX

static inline uint32_t
mipc_line_count(const struct mipc_line *line)
{
	uint64_t ready = mipc_take(line->ready);

	return ready > MIPC_SLEEPERS ? MIPC_SLEEPERS : (uint32_t)ready;
}

static inline struct mipc_place *
mipc_line_place(const struct mipc_line *line, uint32_t index)
{
	return (struct mipc_place *)(void *)(line->places +
	    (size_t)index * line->stride);
}

static inline uint32_t
mipc_line_sleepers(const struct mipc_line *line)
{
	return MIPC_T_VALUE(mipc_take(&line->head->sleepers));
}

static inline bool
mipc_line_due(const struct mipc_line *line)
{
	return MIPC_T_VALUE(mipc_take(&line->head->due)) != 0;
}

static inline bool
mipc_line_gone(const struct mipc_line *line)
{
	return MIPC_T_VALUE(mipc_take(&line->head->gone)) != 0;
}

static inline uint32_t
mipc_line_state(const struct mipc_place *place)
{
	return MIPC_T_VALUE(mipc_take(&place->state));
}

/* What ends a sleep: 0, or an errno. */
#define MIPC_ENDED(error)	(MIPC_SLEEP_DONE | (uint32_t)(error) << 8)
static inline bool
mipc_line_ended(uint32_t state)
{
	return (state & 0xff) != MIPC_SLEEP_WAITING &&
	    (state & 0xff) != MIPC_SLEEP_LOOK;
}

/* A neighbour, or a line's end, as its link says; MIPC_NOBODY. */
uint32_t mipc_line_neighbour(const struct mipc_line *, const mipc_u64 *link);

/* --- places ------------------------------------------------------------ */

/* A free place, claimed for the board's life; false: none has space. */
bool	mipc_line_take_place(const struct mipc_line *, uint32_t *index);
void	mipc_line_free_place(const struct mipc_line *, uint32_t index);
/* The place of one who was dead when it left the line; it may be another's. */
void	mipc_line_free_dead(const struct mipc_line *, uint32_t index,
	    mipc_life dead);
/* The first who died asleep, or MIPC_NOBODY. */
uint32_t mipc_line_dead(const struct mipc_line *);

/* --- records ----------------------------------------------------------- */

/* A T word gets a value. */
void	mipc_line_record(struct mipc_txn *, mipc_u64 *word, uint32_t value);
/* The same if it has another. */
void	mipc_line_record_new(struct mipc_txn *, mipc_u64 *word,
	    uint32_t value);
/* Words that entering or leaving takes. */
#define MIPC_LINE_WORDS	8u
/* A place stands at the end of the line, and waits. */
void	mipc_line_record_join(const struct mipc_line *, struct mipc_txn *,
	    uint32_t index);
/* It is in the line no more, and has this state. */
void	mipc_line_record_leave(const struct mipc_line *, struct mipc_txn *,
	    uint32_t index, uint32_t state);

/* --- steps that every line has; each 0, EAGAIN, or as mipc_txn_open() --- */

/* Nobody stands in a line whose sleep has ended: EIO, it is a circle. */
int	mipc_line_check(const struct mipc_line *, uint32_t index,
	    uint64_t seen);
/* It leaves, as a transaction of its own. */
int	mipc_line_leave(const struct mipc_line *, uint32_t index,
	    uint32_t state, uint64_t seen);
/* The same, and it is woken: its sleep ends with `why`. */
int	mipc_line_fail(const struct mipc_line *, uint32_t index, int why,
	    uint64_t seen);
/* It is told to look for itself. */
int	mipc_line_tell(const struct mipc_line *, uint32_t index,
	    uint64_t seen);
/* One T word of the board. */
int	mipc_line_set(const struct mipc_line *, mipc_u64 *word,
	    uint32_t value, uint64_t seen);
/* Everybody leaves with EIDRM, one at a time; ECANCELED: nobody is left. */
int	mipc_line_dissolve(const struct mipc_line *, uint64_t seen);
/* Nothing can be done: nothing is due.  ECANCELED: so it is. */
int	mipc_line_rest(const struct mipc_line *, uint64_t seen);

/* Wake one who was told something. */
void	mipc_line_wake(const struct mipc_line *, uint32_t index);
/* Wake all who were. */
void	mipc_line_wake_told(const struct mipc_line *);

/* --- line_sleep.c ------------------------------------------------------ */

struct mipc_nap;

/*
 * What a sleep needs from the object it is in.
 *	steps	do what is due, and with `look` what the dead have left: 0, or
 *		why the sleep ends
 *	told	it was told to look: 0, it waits again; or why the sleep ends
 *	list	name further words to sleep on; *dying if somebody is, but is
 *		not quite dead.  NULL: there are none
 *	must_look	not all could be named: is it this one who must look
 *		now and then?  NULL: it is
 *	missed	is there something to be done that nobody does?
 *	check	is the object what it was?  If it was removed, see that all
 *		who sleep there are told.  EIO
 *	leave	leave the line if it is not too late: what the sleep ended
 *		with, 0 or `why`, and free the place
 */
struct mipc_nap_ops {
	int (*steps)(struct mipc_nap *, bool look);
	int (*told)(struct mipc_nap *);
	void (*list)(struct mipc_nap *, bool *dying);
	bool (*must_look)(struct mipc_nap *);
	bool (*missed)(struct mipc_nap *);
	int (*check)(struct mipc_nap *);
	int (*leave)(struct mipc_nap *, int why);
	void (*wake_told)(struct mipc_nap *);
};

/*
 * A thread that sleeps in a line.
 *	other	a board whose changes matter as well, or NULL
 *	list	a new list of words is wanted
 */
struct mipc_nap {
	const struct mipc_nap_ops *ops;
	void *arg;
	const struct mipc_line *line;
	const struct mipc_board *other;
	const mipc_u64 *bell;
	struct mipc_ns *ns;
	struct mipc_thread *thread;
	struct mipc_wait *wait;
	uint64_t serial;
	uint64_t poll_ns;		/* 0: nobody is dying */
	uint32_t index;
	uint32_t restless;
	bool partial;			/* not everybody could be listed */
	bool list;
	bool stops;			/* a stop of the process ends it */
};

/*
 * From here on a call by one of the thread's handlers ends the sleep:
 * `withdraw` is called with the thread (mipc_thread_withdraw).
 */
void	mipc_nap_begin(struct mipc_nap *, void (*withdraw)(
	    struct mipc_thread *), void *object);
/* Is it still this sleep's place, or has a handler's call ended it? */
bool	mipc_nap_is_mine(const struct mipc_nap *);
/* Name what to sleep on. */
void	mipc_nap_list(struct mipc_nap *);
/*
 * Sleep until somebody says that it is over, or until the deadline: what it
 * ended with; EAGAIN at the deadline.
 */
int	mipc_nap(struct mipc_nap *, uint64_t deadline);
/*
 * It did not come to that: true, the sleep has ended now, and its place is to
 * be freed.
 */
bool	mipc_nap_cancel(struct mipc_nap *);
/* For `withdraw`: end the sleep that the thread has begun. */
void	mipc_nap_withdraw(struct mipc_nap *);

#endif
