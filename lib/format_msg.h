/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format_msg.h - what processes share of a message queue: format 1.
 *
 * Depends on: format_line.h; format.h explains the access keys.
 *
 *	+0		struct mipc_msgqueue
 *	ring		MIPC_RING references: the inbox
 *	pockets		MIPC_PARTIES of them
 *	receivers	places of those who sleep for a message
 *	senders		places of those who sleep for room
 *	map		groups of page words
 *	data		the pages themselves
 *
 * Three boards (txn.h), so that sending, receiving and the care for space
 * share no word: T is followed by the board's letter, TS, TR or TP (pages).
 */
#ifndef MIPC_FORMAT_MSG_H
#define MIPC_FORMAT_MSG_H

#include "format_line.h"

enum mipc_msg_board {
	MIPC_SENDING, MIPC_TAKING, MIPC_PAGING, MIPC_BOARDS
};

/* --- pages ------------------------------------------------------------- */

/*
 * A reference names a place in the queue by its offset in units; 0 is none.
 */
#define MIPC_UNIT		64u

/*
 * A page is cut into equal parts of one shape, is used whole, or is spare.
 *	bits 0-31	parts that are free; of a page on its way out: the
 *			pocket that gives it back, + 1
 *	bits 32-35	enum mipc_page_state: a shape, + 1, where it is cut
 *	bits 36-63	change counter
 */
#define MIPC_SHAPES		6u	/* of parts: see mipc_parts() */
enum mipc_page_state {
	MIPC_PAGE_NONE,			/* it has no space */
	MIPC_PAGE_CUT,			/* .. MIPC_PAGE_CUT + MIPC_SHAPES - 1 */
	MIPC_PAGE_SPARE = MIPC_PAGE_CUT + MIPC_SHAPES,
	MIPC_PAGE_WHOLE,
	MIPC_PAGE_GOING,
};
#define MIPC_PAGE_FREE(word)	((uint32_t)(word))
#define MIPC_PAGE_STATE(word)	((uint32_t)((word) >> 32) & 0xf)
#define MIPC_PAGE_WORD(old, state, free)				\
	((((old) >> 36) + 1) << 36 | (uint64_t)(state) << 32 | (uint32_t)(free))

/*
 * A group of pages.  Hints are bits that say where to look; the page's own
 * word decides, and a search that finds nothing by them looks at all.
 *	cut	A: by shape: it may have a free part
 *	spare	A: it may be spare
 *	space	A: it may have space
 */
#define MIPC_GROUP_PAGES	56u
struct mipc_group {
	mipc_u64 cut[MIPC_SHAPES];
	mipc_u64 spare, space;
	mipc_u64 page[MIPC_GROUP_PAGES];	/* TP */
};

/* Parts in a page of each shape; a part is a multiple of a unit. */
static inline uint32_t
mipc_parts(uint32_t shape)
{
	static const uint8_t parts[MIPC_SHAPES] = { 32, 21, 10, 6, 3, 2 };

	return parts[shape];
}

/* --- messages ---------------------------------------------------------- */

/*
 * A message stands in a part of a page, or in whole pages, each of which ends
 * with the reference of the next.  The first line is its place in the index,
 * and is used only while it is there.
 *	next, prev	TR: its neighbours in the order of arrival
 *	number		TR: its place in that order
 *	same		TR: the next one of its type
 *	last		TR: of the first of a type: the last of it
 *	left, right, bit	TR: a node of the tree of types, which each
 *			message that is the first of its type has room for
 *	the rest	written by whose it is, constant while it is queued
 */
struct mipc_message {
	mipc_u64 next, prev;
	mipc_u64 number;
	mipc_u64 same;
	mipc_u64 last;
	mipc_u64 left, right, bit;
	mipc_u64 type;
	mipc_u32 size;			/* bytes */
	mipc_u32 form;			/* bits 0-7: its shape, as held;
					   8-31: whole pages */
	char data[];
};
#define MIPC_MESSAGE_HEAD	80u
#define MIPC_PAGE_LINK		8u	/* bytes of it, at a page's end */

/* --- pockets ----------------------------------------------------------- */

/*
 * What a thread has in its hands while it is in a queue: room that it has
 * taken and not sent, or received and not given back, and its records.  The
 * room stays in the pocket, for whoever takes it next.
 *	claim	A: the life that has it, by CAS; 0 free
 *	chores	A, by the holder: what it, or whoever inherits it, may have to
 *		do: enum mipc_chore
 *	held	TS, TR, TP, by the holder alone: see MIPC_HELD
 */
#define MIPC_HELD		14u
enum mipc_chore {
	MIPC_CHORE_GOING = 1,	/* pages are being given back */
	MIPC_CHORE_LARGE = 2,	/* something large may be held */
};
struct mipc_pocket {
	mipc_u64 claim;
	mipc_u64 chores;
	mipc_u64 held[MIPC_HELD];
	struct mipc_party party[3];
	struct mipc_entry_word word[];
};
#define MIPC_POCKET_WORDS						\
	((uint32_t)((MIPC_PARTY_BYTES - sizeof(struct mipc_pocket)) /	\
	sizeof(struct mipc_entry_word)))

/*
 * Something held.
 *	bits 0-31	reference; 0: nothing
 *	bits 32-39	shape; MIPC_SHAPES + n: n whole pages, or
 *			MIPC_MANY_PAGES
 *	bits 40-63	change counter
 */
#define MIPC_MANY_PAGES		255u
#define MIPC_HELD_REF(word)	((uint32_t)(word))
#define MIPC_HELD_SHAPE(word)	((uint32_t)((word) >> 32) & 0xff)
#define MIPC_HELD_WORD(old, ref, shape)					\
	((((old) >> 40) + 1) << 40 | (uint64_t)(shape) << 32 | (uint32_t)(ref))

/* --- the queue --------------------------------------------------------- */

enum mipc_msg_table {
	MIPC_M_POCKETS,
	MIPC_M_RECEIVERS,
	MIPC_M_SENDERS,
	MIPC_M_GROUPS,
	MIPC_M_TABLES,
};

/*
 * Counts of messages and bytes only grow, so they need no change counter; a
 * message that goes back to where it stood counts down the receivers', in
 * the upper 16 bits of which such events are counted.
 */
#define MIPC_COUNT_BITS		48
#define MIPC_COUNT(word)	((word) & ((1ULL << MIPC_COUNT_BITS) - 1))

#define MIPC_RING		512u	/* messages in the inbox */

#define MIPC_MSG_BYTES_MOST	((uint64_t)1 << 38)	/* of a queue */

struct mipc_msgqueue {
	struct mipc_object object;
	uint64_t room;				/* C: bytes of all of it */
	mipc_u64 qbytes;			/* J */
	mipc_u64 ready[MIPC_M_TABLES];		/* A: entries with space */
	uint64_t spare[2];
	mipc_u64 bell;				/* C: 0, a futex word */
	uint64_t pad[7];

	/* The senders' board. */
	mipc_u64 send_turn;
	mipc_u64 tail;				/* TS: messages ever sent */
	mipc_u64 sent;				/* TS: their bytes */
	mipc_u64 seen_head;			/* A: what a sender saw of the
						   receivers', or older */
	mipc_u64 seen_taken, seen_bytes;	/* A */
	mipc_u64 lspid, stime;			/* A */

	/* The receivers' board. */
	mipc_u64 take_turn;
	mipc_u64 head;				/* TR: messages ever taken out
						   of the inbox */
	mipc_u64 indexed;			/* TR: that wait in the index */
	mipc_u64 taken;				/* TR: bytes ever received */
	mipc_u64 lrpid, rtime;			/* A */
	mipc_u64 pad_take[2];
	mipc_u64 first, last;			/* TR: in order of arrival */
	mipc_u64 root;				/* TR: tree of types */
	mipc_u64 cursor;			/* TR: all before it are of the
						   first one's type */
	mipc_u64 handed;			/* TR: places with a message */
	mipc_u64 pad_index[3];

	/* The board of pages. */
	mipc_u64 room_turn;
	mipc_u64 spares;			/* TP: spare pages */
	mipc_u64 where[MIPC_SHAPES];		/* A: group looked at last */

	/* Each on a line of the cache. */
	struct mipc_line_head receivers;	/* TR */
	uint64_t pad_receivers[3];
	struct mipc_line_head senders;		/* TS */
	uint64_t pad_senders[3];
};

/*
 * One who sleeps for a message, or for room for one.
 *	message	TR, TS: what has been handed to a receiver, or what a sender
 *		wants to send; as held
 *	number	TR: where it stood
 *	the rest as in mipc_place
 */
#define MIPC_SLEEP_HANDED	4u	/* over, and there is a message */
struct mipc_msg_place {
	struct mipc_place place;
	mipc_u64 message;
	mipc_u64 number;
	mipc_u64 type;
	mipc_u64 size;			/* at most, or of what is to be sent */
	mipc_u32 rule;			/* see struct mipc_choice */
	mipc_u32 cuts;			/* 1: what is too long is cut off */
	mipc_u64 barred;		/* T: 1: it may send no more */
	mipc_u64 pad[3];
};

_Static_assert(sizeof(struct mipc_group) == 512, "format 1");
_Static_assert(offsetof(struct mipc_message, data) == MIPC_MESSAGE_HEAD,
    "format 1");
_Static_assert(sizeof(struct mipc_msg_place) == 128, "format 1");
_Static_assert(MIPC_POCKET_WORDS >= 33, "format 1");
_Static_assert(offsetof(struct mipc_msgqueue, bell) == 832, "format 1");
_Static_assert(offsetof(struct mipc_msgqueue, send_turn) == 896, "format 1");
_Static_assert(offsetof(struct mipc_msgqueue, room_turn) == 1088, "format 1");

/* Where the parts of a queue begin, bytes; each on a page of its own. */
struct mipc_msg_layout {
	uint64_t ring, table[MIPC_M_TABLES], data, size;
	uint64_t pages;			/* of data */
	uint32_t first_ref, last_ref;	/* that a message can have */
	uint32_t page;			/* bytes */
	uint32_t part[MIPC_SHAPES];	/* bytes of a part of each shape */
};

static inline void
mipc_msg_lay(struct mipc_msg_layout *layout, uint64_t *at, uint64_t bytes)
{
	*at = layout->size;
	layout->size = (layout->size + bytes + layout->page - 1) &
	    ~((uint64_t)layout->page - 1);
}

/* Pages take up what the rest leaves, with the words that speak of them. */
static inline void
mipc_msg_lay_out(struct mipc_msg_layout *layout, uint64_t room, uint32_t page)
{
	uint64_t groups, left, at;

	*layout = (struct mipc_msg_layout){ .page = page };
	for (uint32_t shape = 0; shape < MIPC_SHAPES; shape++)
		layout->part[shape] = page / mipc_parts(shape) &
		    ~(MIPC_UNIT - 1);
	mipc_msg_lay(layout, &at, sizeof(struct mipc_msgqueue));
	mipc_msg_lay(layout, &layout->ring, MIPC_RING * sizeof(mipc_u64));
	mipc_msg_lay(layout, &layout->table[MIPC_M_POCKETS],
	    MIPC_PARTIES * MIPC_PARTY_BYTES);
	mipc_msg_lay(layout, &layout->table[MIPC_M_RECEIVERS],
	    MIPC_SLEEPERS * sizeof(struct mipc_msg_place));
	mipc_msg_lay(layout, &layout->table[MIPC_M_SENDERS],
	    MIPC_SLEEPERS * sizeof(struct mipc_msg_place));
	left = room > layout->size ? room - layout->size : 0;
	groups = left / ((uint64_t)MIPC_GROUP_PAGES * page +
	    sizeof(struct mipc_group));
	mipc_msg_lay(layout, &layout->table[MIPC_M_GROUPS],
	    groups * sizeof(struct mipc_group));
	left = room > layout->size ? room - layout->size : 0;
	layout->pages = left / page;
	if (layout->pages > groups * MIPC_GROUP_PAGES)
		layout->pages = groups * MIPC_GROUP_PAGES;
	mipc_msg_lay(layout, &layout->data, layout->pages * page);
	layout->first_ref = (uint32_t)(layout->data / MIPC_UNIT);
	at = (layout->size - MIPC_MESSAGE_HEAD) / MIPC_UNIT;
	layout->last_ref = at < UINT32_MAX ? (uint32_t)at : UINT32_MAX;
}

#endif
