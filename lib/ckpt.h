/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt.h - what the files of checkpoints share.
 *
 * Depends on: format_ckpt.h, ns.h.  Locks: none may be held.
 *
 *	ckpt_heap.c	memory
 *	ckpt_cut.c	sets and queues as they are at one moment
 *	ckpt_clone.c	segments as each is at one moment
 *	ckpt_publish.c	published values, whole (ckpt_publish.h)
 *	ckpt.c		writing one
 *	ckpt_read.c	reading one
 *	restore.c	a namespace made of one
 */
#ifndef MIPC_CKPT_INSIDE_H
#define MIPC_CKPT_INSIDE_H

#include <limits.h>
#include <string.h>

#include "format_ckpt.h"
#include "mipc_ckpt.h"
#include "ns.h"

static inline bool
mipc_ckpt_is_zero(const char *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* --- ckpt_heap.c ------------------------------------------------------- */

/* Memory that grows: records with what is in them, without their sums. */
struct mipc_heap {
	char *base;
	size_t used, size;
};
void	mipc_heap_free(struct mipc_heap *);
/* Room for so many bytes more behind `used`: 0 or ENOMEM. */
int	mipc_heap_room(struct mipc_heap *, uint64_t more);

/* --- ckpt_cut.c -------------------------------------------------------- */

struct mipc_cut_object {
	struct mipc_opened *opened;	/* pinned */
	uint64_t at;			/* its record in the heap */
	uint64_t end;			/* where what belongs to it ends */
	uint64_t seq, seen[2];		/* when it was copied */
	bool cloned;			/* its bytes: */
	uint64_t clone;			/* where they are among the clones */
};

/*
 * All of a namespace but the bytes of segments.  The records stand in the
 * heap, the space's first, then the objects' in their order.
 */
struct mipc_cut {
	struct mipc_ns *ns;
	const int *segment;		/* NULL: all objects; or this alone */
	struct mipc_heap heap, table;
	struct mipc_cut_object *object;	/* in `table` */
	uint32_t objects;
	uint64_t names;			/* a sum of the namespace's entries */
};
/*
 * As mipc_checkpoint(), or mipc_checkpoint_segment() unless that is NULL, with
 * a reason.  To be freed also after an error.
 */
int	mipc_cut_make(struct mipc_cut *, struct mipc_ns *, const int *segment);
void	mipc_cut_free(struct mipc_cut *);

static inline struct mipc_ckpt_record *
mipc_cut_record(const struct mipc_cut *cut, uint64_t at)
{
	return (struct mipc_ckpt_record *)(void *)(cut->heap.base + at);
}

static inline struct mipc_ckpt_object *
mipc_cut_object(const struct mipc_cut *cut, uint64_t at)
{
	return (struct mipc_ckpt_object *)(mipc_cut_record(cut, at) + 1);
}

/* --- ckpt_clone.c ------------------------------------------------------ */

/* A file whose blocks are those of the segments; -1: there is none. */
struct mipc_clones {
	int fd;
	uint64_t end;
};
/*
 * What takes time comes first: 0, also where nothing can be cloned, or EIO
 * from a disk.  `checkpoint` is the file that the bytes are to be copied to.
 * Then the clones themselves are made.
 */
int	mipc_clones_prepare(struct mipc_clones *, const struct mipc_cut *,
	    int checkpoint);
void	mipc_clones_make(struct mipc_clones *, struct mipc_cut *);
/* A segment's bytes, from `clone` on, cloned or not; gone with the clones. */
int	mipc_clones_open(const struct mipc_clones *, const struct mipc_cut *,
	    const struct mipc_cut_object *, struct mipc_source *);
void	mipc_clones_close(const struct mipc_cut_object *,
	    struct mipc_source *);
void	mipc_clones_free(struct mipc_clones *);

/* --- ckpt_read.c ------------------------------------------------------- */

struct mipc_ckpt {
	int fd;
	uint64_t at;			/* where the next record stands */
	uint64_t size;			/* of the file */
	uint64_t records, sum;		/* before `at` */
	struct mipc_ckpt_head head;
	struct mipc_ckpt_space space;
	struct mipc_ckpt_record record;	/* the one that was read last */
	char *payload;			/* what is in it, in `heap` */
	struct mipc_heap heap;
	bool ahead;			/* it is still to be used */
	char path[PATH_MAX];
};

static inline bool
mipc_ckpt_is_segment(const struct mipc_ckpt *c)
{
	return c->head.format == MIPC_CKPT_SEGMENT;
}

/* Whole from its beginning; or the errors of mipc_ckpt_open(). */
int	mipc_ckpt_begin(struct mipc_ckpt *);
/* The next record, checked: its `payload` has `length` bytes and padding. */
int	mipc_ckpt_record(struct mipc_ckpt *);

#endif
