/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt.h - what the files of checkpoints share.
 *
 * Depends on: format_ckpt.h, publish.h, ns.h.  Locks: none may be held.
 *
 *	ckpt_heap.c	memory
 *	ckpt_publish.c	published values, whole and of one moment
 *	ckpt_queue.c	queues, and
 *	ckpt_cut.c	sets and all the rest as they are at that moment
 *	ckpt_clone.c	segments as each is at one moment
 *	ckpt.c		writing one
 *	ckpt_read.c	reading one
 *	restore.c	a namespace made of one
 *	share_save.c	what forked workers share, written and read
 */
#ifndef MIPC_CKPT_INSIDE_H
#define MIPC_CKPT_INSIDE_H

#include <limits.h>
#include <string.h>

#include "format_ckpt.h"
#include "mipc_ckpt.h"
#include "ns.h"
#include "publish.h"

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

/* --- ckpt_cut.c, ckpt_queue.c ------------------------------------------ */

struct mipc_cut_object {
	struct mipc_opened *opened;	/* pinned */
	uint64_t at;			/* its record in the heap */
	uint64_t end;			/* where what belongs to it ends */
	uint64_t seq, seen[2];		/* when it was copied */
	const struct mipc_ckpt_value *value;	/* NULL: none */
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
	const char *memory;		/* of that, if no object has it */
	struct mipc_heap heap, table;
	struct mipc_cut_object *object;	/* in `table` */
	uint32_t objects;
	uint64_t names;			/* a sum of the namespace's entries */
	struct mipc_ckpt_values {
		struct mipc_heap table;
		struct mipc_ckpt_value *value;	/* there, as the objects */
		uint32_t n;
		uint64_t of;		/* a sum of the segments */
	} values;
};
/*
 * As mipc_checkpoint(), or mipc_checkpoint_segment() unless that is NULL, with
 * a reason.  To be freed also after an error.
 */
int	mipc_cut_make(struct mipc_cut *, struct mipc_ns *, const int *segment);
void	mipc_cut_free(struct mipc_cut *);

/* A record behind the others, of zeros; *at is where it begins. */
int	mipc_cut_add(struct mipc_cut *, enum mipc_ckpt_type, uint64_t length,
	    uint64_t *at);
/* What objects of all kinds have; their sequence says whether it is so. */
void	mipc_cut_head(struct mipc_cut_object *, struct mipc_ckpt_object *to);
bool	mipc_cut_head_is_same(const struct mipc_cut_object *);
/* A queue with its messages: EAGAIN, it changed; and later, is it the same? */
int	mipc_cut_queue(struct mipc_cut *, struct mipc_cut_object *);
bool	mipc_cut_queue_is_same(struct mipc_cut *,
	    const struct mipc_cut_object *);
/* A segment's bytes, for mipc_source_close(). */
int	mipc_cut_source(const struct mipc_cut *,
	    const struct mipc_cut_object *, struct mipc_source *);

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

/* --- ckpt_publish.c ---------------------------------------------------- */

/* A publication at the beginning of a segment, and its value. */
struct mipc_ckpt_value {
	struct mipc_opened *opened;	/* the segment, pinned */
	struct mipc_view head;		/* mapped */
	struct mipc_publication p;
	struct mipc_reading reading;
	enum {
		MIPC_VALUE_NONE,	/* nothing is published there */
		MIPC_VALUE_DAMAGED,	/* no value, as it is */
		MIPC_VALUE_READ,	/* being read */
		MIPC_VALUE_COPIED	/* `size` bytes */
	} state;
	size_t size, room;		/* of `bytes` */
	char *bytes;
};

/*
 * Find the publications in the segments of a cut; cheap if these are the same
 * as the last time.  Then read the newest value of each, all newest at one
 * moment of the call: EAGAIN, there was none.
 */
int	mipc_values_find(struct mipc_cut *);
int	mipc_values_read(struct mipc_cut *);
/* Read no more. */
void	mipc_values_leave(struct mipc_cut *);
/*
 * Copy what is read, and read no more: EAGAIN, writers took a value away; or
 * a segment became a publication.  Then each object has its value.
 */
int	mipc_values_copy(struct mipc_cut *);
void	mipc_values_free(struct mipc_cut *);

/* Memory for the bytes of a value: 0 or ENOMEM. */
int	mipc_value_room(struct mipc_ckpt_value *, size_t size);
void	mipc_value_free(struct mipc_ckpt_value *);

/*
 * In place of what a copy of a segment of `whole` bytes has, in `size` bytes
 * from `at` on; NULL: of one that was no publication then.
 */
void	mipc_value_put(const struct mipc_ckpt_value *, uint64_t whole,
	    char *to, uint64_t at, size_t size);

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

/* --- ckpt.c ------------------------------------------------------------ */

/* Of a cut, as mipc_checkpoint() does, with its errors of files. */
int	mipc_ckpt_write(struct mipc_cut *, const char *path, unsigned keep,
	    const struct mipc_progress *);
/* Can so many generations be kept?  Or EINVAL, with a reason. */
int	mipc_ckpt_keeps(unsigned keep);

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
