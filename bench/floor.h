/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * floor.h - the least that a message costs: peers that do nothing but what no
 * queue of a kind can do without.
 *
 *	bare ring	between two processors: the lines of a message go from
 *			one cache to the other, and back when its room is used
 *			again; whether it is there is told by a word beside it.
 *			No calls, types, limits or sleeps, and who is killed
 *			leaves it as it is
 *	file+link	a queue that has a name and a key in a directory: a
 *			file and a link to it are made and removed, empty
 */
#ifndef FLOOR_H
#define FLOOR_H

#include <stdbool.h>
#include <string.h>

#include "queues.h"

#define BENCH_LINE	64u	/* bytes of a line of the cache, or more */

/* The number of a batch's last message has this bit. */
#define BENCH_LAST	((uint64_t)1 << 63)

/*
 * Made of zeros.  The receiver looks without a pause, so that it has to be
 * told of a batch's beginning and sleeps between two.
 */
struct bench_ring {
	uint64_t sent;			/* messages */
	uint64_t seen;			/* `taken`, as the sender knows */
	bool goes_on;			/* a batch, as the sender knows */
	_Alignas(2 * BENCH_LINE) uint64_t next;		/* to be taken */
	uint32_t batches;		/* begun, as the receiver knows */
	bool comes_on;
	_Alignas(2 * BENCH_LINE) _Atomic uint64_t taken;
	_Alignas(2 * BENCH_LINE) _Atomic uint32_t begun;	/* batches */
	_Alignas(2 * BENCH_LINE) char slot[2 * BENCH_ROOM + BENCH_TEXT];
};

/* What stands before a text: the number of its message, + 1. */
typedef _Atomic uint64_t bench_mark;

static inline uint64_t
ring_slots(const struct bench *b)
{
	return BENCH_ROOM / b->size;
}

static inline char *
ring_slot(const struct bench *b, struct bench_ring *ring, uint64_t number)
{
	const size_t bytes = (sizeof(bench_mark) + b->size + BENCH_LINE - 1) /
	    BENCH_LINE * BENCH_LINE;

	return ring->slot + number % ring_slots(b) * bytes;
}

static inline int
ring_send(struct bench *b, unsigned num)
{
	struct bench_ring *ring = b->mail->ring[num];
	const uint64_t number = ring->sent++;
	char *slot = ring_slot(b, ring, number);

	if (!ring->goes_on)
		bench_tell(&ring->begun);
	ring->goes_on = (b->mail->out.number & BENCH_LAST) == 0;
	while (number - ring->seen >= ring_slots(b))
		ring->seen = atomic_load(&ring->taken);
	memcpy(slot + sizeof(bench_mark), b->mail->out.text, b->size);
	atomic_store_explicit((bench_mark *)(void *)slot, number + 1,
	    memory_order_release);
	return 0;
}

static inline int
ring_take(struct bench *b, unsigned num, long type)
{
	struct bench_ring *ring = b->mail->ring[num];
	const uint64_t number = ring->next++;
	char *slot = ring_slot(b, ring, number);

	b->mail->in.type = type;
	if (!ring->comes_on)
		bench_await(&ring->begun, ++ring->batches);
	while (atomic_load((bench_mark *)(void *)slot) != number + 1)
		;
	memcpy(b->mail->in.text, slot + sizeof(bench_mark), b->size);
	ring->comes_on = (b->mail->in.number & BENCH_LAST) == 0;
	atomic_store_explicit(&ring->taken, number + 1, memory_order_release);
	return 0;
}

/* floor.c */
int	bench_make_rings(struct bench *);
void	bench_drop_rings(struct bench *);
double	bench_file_and_link(struct bench *, unsigned long n);

static const struct bench_queue ring_queue = {
	bench_make_rings, bench_drop_rings, ring_send, ring_take
};

#endif
