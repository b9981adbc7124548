/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format_ckpt.h - the file of a checkpoint: checkpoint formats 1 and 2.
 *
 * Fixed-width and free of pointers, as what is shared is (format.h); but it is
 * no image of that, so that a namespace of another format can be made of it.
 *
 *	struct mipc_ckpt_head
 *	records		SPACE, then OBJECT and what belongs to it, again and
 *			again, then END
 *
 * A record is struct mipc_ckpt_record, `length` bytes padded with zeros to a
 * multiple of 8, and a sum of all that, which begins with the sum of the
 * record before; so records that were cut off, exchanged or taken from another
 * file are seen as well as changed bytes.
 *
 * Format 1 is of a namespace.  Format 2 is the same of one segment, the only
 * object in it; who knows format 1 alone would put it in the place of a whole
 * namespace, and so is not to take it for one.
 */
#ifndef MIPC_FORMAT_CKPT_H
#define MIPC_FORMAT_CKPT_H

#include <stdint.h>

#include "format.h"

#define MIPC_CKPT_MAGIC		"mipcsnap"
#define MIPC_CKPT_FORMAT	1u
#define MIPC_CKPT_SEGMENT	2u

struct mipc_ckpt_head {
	char magic[8];
	uint32_t format;		/* one of the two */
	uint32_t byte_order;		/* MIPC_BYTE_ORDER */
	uint32_t word;			/* bytes of the writer's long */
	uint32_t page;			/* bytes of its pages */
	uint64_t taken;			/* when: seconds */
	uint64_t stamp;			/* of this file: ns of some clock */
	uint64_t sum;			/* of all before: the records' first */
};

enum mipc_ckpt_type {
	MIPC_CKPT_SPACE = 1,
	MIPC_CKPT_OBJECT,	/* struct mipc_ckpt_object; of a set: its
				   semaphores, as mipc_ckpt_sem() makes them */
	MIPC_CKPT_MESSAGE,	/* in the order of the queue: bytes of text,
				   type, text */
	MIPC_CKPT_DATA,		/* of a segment: offset, bytes; what is in no
				   such record is 0 */
	MIPC_CKPT_END,		/* how many records were before */
};

struct mipc_ckpt_record {
	uint32_t type;			/* enum mipc_ckpt_type */
	uint32_t zero;
	uint64_t length;		/* bytes */
};

/* The namespace; all as in struct mipc_space. */
struct mipc_ckpt_space {
	uint64_t uid, born;
	uint64_t shared;		/* 1: its directory is for all uids */
	uint64_t limit[MIPC_LIMITS];
	uint64_t wish[MIPC_KINDS];
	struct {
		uint64_t cursor, last, sequence;
	} census[MIPC_KINDS];
	uint64_t objects;
};

/*
 * An object; as in struct mipc_object and in those of its kind.
 *	size	bytes of a segment, semaphores of a set, messages of a queue
 *	bytes	of a queue: of the text of all messages
 *	most	of a queue: qbytes
 *	flags	of a segment: MIPC_SEGMENT_NORESERVE, MIPC_CKPT_REFLINK
 *	time	shm: attached, detached; sem: operated, set; msg: sent,
 *		received
 *	pid	shm: last operation; msg: last sender, last receiver
 */
struct mipc_ckpt_object {
	uint64_t kind, id, key, mode, uid, gid, cuid, cgid, cpid, ctime, born;
	uint64_t size, bytes, most, flags;
	uint64_t time[2], pid[2];
	char command[MIPC_COMMAND];
};

#define MIPC_CKPT_REFLINK	0x10000u	/* bytes of one moment */
#define MIPC_CKPT_CHUNK		65536u	/* bytes of a segment in a record */

_Static_assert(sizeof(struct mipc_ckpt_head) == 48, "checkpoint format 1");
_Static_assert(sizeof(struct mipc_ckpt_record) == 16, "checkpoint format 1");
_Static_assert(sizeof(struct mipc_ckpt_space) == 256, "checkpoint format 1");
_Static_assert(sizeof(struct mipc_ckpt_object) == 408, "checkpoint format 1");

/* The semaphores behind a set's. */
static inline uint64_t *
mipc_ckpt_sems(const struct mipc_ckpt_object *set)
{
	return (uint64_t *)(uintptr_t)(set + 1);
}

static inline uint64_t
mipc_ckpt_sem(uint32_t value, uint32_t pid)
{
	return (uint64_t)pid << 16 | value;
}

static inline uint64_t
mipc_ckpt_padded(uint64_t length)
{
	return (length + 7) & ~(uint64_t)7;
}

/*
 * A sum goes on over words.  Each step is one-to-one in the word and in the
 * sum so far, so that a single word that differs always shows.
 */
static inline uint64_t
mipc_ckpt_sum(uint64_t sum, const void *bytes, uint64_t length)
{
	const char *at = bytes;
	uint64_t word;

	for (uint64_t i = 0; i < length; i += 8) {
		memcpy(&word, at + i, 8);
		sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
		sum = (sum << 29 | sum >> 35) + 0xd1b54a32d192ed03u;
	}
	return sum;
}

#endif
