/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format_publish.h - what a publication is in memory; publish.c says how it
 * works.
 *
 *	0	the head
 *	8192	buffer 0, `stride` bytes
 *		buffer 1 ...
 *
 * Access keys as in format.h: C constant once the magic is there; L under the
 * lock; A atomic.
 */
#ifndef MIPC_FORMAT_PUBLISH_H
#define MIPC_FORMAT_PUBLISH_H

#include <stddef.h>

#include "format.h"
#include "mipc_publish.h"

#define MIPC_MAGIC_PUBLISH	0x6d697062u
#define MIPC_PUBLISH_FORMAT	1u
#define MIPC_PUBLISH_DATA	8192u
#define MIPC_PUBLISH_ALIGN	64u

/* The newest value: version and buffer.  0: none. */
#define MIPC_LATEST(version, buffer)	((version) << 8 | (buffer))
#define MIPC_LATEST_VERSION(latest)	((latest) >> 8)
#define MIPC_LATEST_BUFFER(latest)	((uint32_t)(latest) & 0xff)

/*
 * A buffer.
 *	seq	L, read by all: twice the version that is in it; odd: a writer
 *		has it, or died with it
 *	size	L, read by all: bytes of its value
 */
struct mipc_publish_buffer {
	mipc_u64 seq, size;
};

/*
 * A place for a reader.
 *	pin	A: its holder.h word, the tag being the buffer; 0 free.  Put in
 *		by a reader, taken out by it or by a writer who takes its
 *		buffer away
 *	patience	A: ms that a writer waits before it does, if it runs
 */
struct mipc_publish_reader {
	mipc_u64 pin;
	mipc_u32 patience;
	uint32_t unused[13];
};

/*
 *	latest	A: changed by the holder of the lock, read by all; its half is
 *		what those sleep on who wait for a version
 *	sleepers	A: somebody sleeps there; set by sleepers, cleared by
 *		the writer before it wakes
 *	writers	A: a writer waits for readers; set by it, cleared by a reader
 *		before it wakes
 *	left	A: futex word of that, grows at each wake
 *	lock	its owner is a holder.h word
 */
struct mipc_publish_head {
	mipc_u32 magic;			/* C */
	uint32_t format, buffers;	/* C */
	uint32_t unused;
	uint64_t most, stride;		/* C: bytes */
	uint64_t unused_too[4];
	mipc_u64 latest;
	mipc_u32 sleepers, writers, left;
	uint32_t pad[11];
	struct mipc_lock lock;
	uint64_t pad_too[5];
	struct mipc_publish_buffer buffer[MIPC_PUBLISH_BUFFERS];
	struct mipc_publish_reader reader[MIPC_PUBLISH_READERS];
};

_Static_assert(offsetof(struct mipc_publish_head, latest) == 64, "format 1");
_Static_assert(offsetof(struct mipc_publish_head, lock) == 128, "format 1");
_Static_assert(offsetof(struct mipc_publish_head, buffer) == 192, "format 1");
_Static_assert(offsetof(struct mipc_publish_head, reader) == 448, "format 1");
_Static_assert(sizeof(struct mipc_publish_reader) == 64, "format 1");
_Static_assert(sizeof(struct mipc_publish_head) <= MIPC_PUBLISH_DATA,
    "format 1");

/* Are a head's constants, copied, those of a publication of `length` bytes? */
static inline bool
mipc_publish_fits(uint32_t format, uint32_t buffers, uint64_t most,
    uint64_t stride, uint64_t length)
{
	return length >= MIPC_PUBLISH_DATA && format == MIPC_PUBLISH_FORMAT &&
	    buffers >= 2 && buffers <= MIPC_PUBLISH_BUFFERS && most != 0 &&
	    most <= stride && stride % MIPC_PUBLISH_ALIGN == 0 &&
	    stride <= (length - MIPC_PUBLISH_DATA) / buffers;
}

#endif
