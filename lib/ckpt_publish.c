/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_publish.c - the value of a publication that lies at the beginning of a
 * segment, whole.
 *
 * It is copied into memory as a reader copies it that has no place (publish.c):
 * the segment need not be writable, and nobody waits.  What the buffer's seq
 * says before and after tells whether a writer came round to it meanwhile; if
 * so, the newest then is copied.
 *
 *	latest | seq | size | bytes | seq, twice
 *
 * The source is read by read(2) where it is a file, which promises no whole
 * words.  The seq goes from 2 * version by one bit to odd, and that comes
 * before the first new byte; so what could be read wrongly is a later step,
 * half done, and the second reading begins after it.  A torn `latest` leads to
 * no buffer whose seq is the same.
 *
 * In the checkpoint then stands that value where it stood, and a head that says
 * so and nothing of processes: nobody's lock, no readers and no sleepers.  The
 * same is done with a segment's clone, which holds still.
 *
 * The head is input: one that no writer leaves is bytes as any others.
 */
#include "ckpt_publish.h"

#include <errno.h>

#include "view.h"

#define TRYING_NS	2000000000u
#define TRIES		32u		/* however long they take */

struct reader {
	const struct mipc_source *source;
	uint64_t base;
	uint64_t latest, seen;		/* now, and at the last try */
};

/* What is read later is at least as new. */
static int
take(const struct reader *r, uint64_t at, void *to, size_t size)
{
	ssize_t n = mipc_source_read(r->source, r->base + at, to, size);

	atomic_thread_fence(memory_order_acquire);
	if (n < 0)
		return (int)-n;
	return (size_t)n == size ? 0 : EIO;
}

static int
take_word(const struct reader *r, uint64_t at, uint64_t *out)
{
	return take(r, at, out, sizeof(*out));
}

/* EAGAIN: it is not so, or not so any more. */
static int
expect(const struct reader *r, uint64_t at, uint64_t seq)
{
	uint64_t now;
	int error = take_word(r, at, &now);

	return error == 0 && now != seq ? EAGAIN : error;
}

static int
room(struct mipc_ckpt_value *v, size_t size)
{
	void *memory;
	int error;

	if (size <= v->room)
		return 0;
	mipc_ckpt_value_free(v);
	error = mipc_view_private(size, &memory);
	if (error != 0)
		return error;
	v->bytes = memory;
	v->room = size;
	return 0;
}

/* The value that a buffer has, as long as its seq is this. */
static int
take_buffer(struct mipc_ckpt_value *v, const struct reader *r,
    uint32_t buffer, uint64_t seq)
{
	uint64_t at = offsetof(struct mipc_publish_head, buffer) +
	    buffer * sizeof(struct mipc_publish_buffer), size;
	int error = expect(r, at, seq);

	if (error == 0)
		error = take_word(r, at +
		    offsetof(struct mipc_publish_buffer, size), &size);
	if (error == 0 && size > v->most)
		error = EAGAIN;
	if (error == 0)
		error = room(v, (size_t)size);
	if (error != 0)
		return error;
	v->size = (size_t)size;
	v->at = MIPC_PUBLISH_DATA + buffer * v->head.stride;
	if (size > 0)
		error = take(r, v->at, v->bytes, v->size);
	if (error == 0)
		error = expect(r, at, seq);
	return error != 0 ? error : expect(r, at, seq);
}

/* EAGAIN: a writer was faster, or it is damaged. */
static int
try(struct mipc_ckpt_value *v, struct reader *r)
{
	uint64_t seq;
	uint32_t buffer;
	int error;

	error = take_word(r, offsetof(struct mipc_publish_head, latest),
	    &r->latest);
	if (error != 0 || r->latest == 0)
		return error;
	buffer = MIPC_LATEST_BUFFER(r->latest);
	seq = 2 * MIPC_LATEST_VERSION(r->latest);
	if (buffer >= v->head.buffers)
		return EAGAIN;
	error = take_buffer(v, r, buffer, seq);
	if (error != 0)
		return error;
	mipc_put(&v->head.latest, r->latest);
	mipc_put(&v->head.buffer[buffer].seq, seq);
	mipc_put(&v->head.buffer[buffer].size, v->size);
	return 0;
}

/* ENODATA: nobody changes it, and it is no value. */
static int
try_often(struct mipc_ckpt_value *v, struct reader *r)
{
	uint64_t end = mipc_sys_monotonic_ns() + TRYING_NS;
	int error;

	for (uint32_t i = 0;; i++) {
		error = try(v, r);
		if (error != EAGAIN)
			return error;
		if (i > 0 && r->latest == r->seen)
			return ENODATA;
		if (i >= TRIES && mipc_sys_monotonic_ns() >= end)
			return EAGAIN;
		r->seen = r->latest;
	}
}

int
mipc_ckpt_value_take(struct mipc_ckpt_value *v,
    const struct mipc_source *source, uint64_t base, uint64_t size)
{
	struct reader r = { .source = source, .base = base };
	struct mipc_publish_head head;
	int error;

	*v = (struct mipc_ckpt_value){ .is = false };
	if (size < MIPC_PUBLISH_DATA)
		return 0;
	error = take(&r, 0, &head, sizeof(head));
	if (error != 0 || mipc_peek(&head.magic) != MIPC_MAGIC_PUBLISH ||
	    !mipc_publish_fits(head.format, head.buffers, head.most,
	    head.stride, size))
		return error;
	v->most = head.most;
	mipc_put(&v->head.magic, MIPC_MAGIC_PUBLISH);
	v->head.format = head.format;
	v->head.buffers = head.buffers;
	v->head.most = head.most;
	v->head.stride = head.stride;
	error = try_often(v, &r);
	v->is = error == 0;
	if (error != 0)
		mipc_ckpt_value_free(v);
	return error == ENODATA ? 0 : error;
}

/* Of `length` bytes from `where` on, those that belong from `at` on. */
static void
lay(char *to, uint64_t at, size_t size, const void *what, uint64_t where,
    size_t length)
{
	uint64_t from = at > where ? at : where;
	uint64_t end = at + size < where + length ? at + size :
	    where + length;

	if (from < end)
		memcpy(to + (from - at), (const char *)what + (from - where),
		    (size_t)(end - from));
}

void
mipc_ckpt_value_put(const struct mipc_ckpt_value *v, char *to, uint64_t at,
    size_t size)
{
#ifdef MIPC_BREAK_VALUE
	return;		/* a test must see what this breaks */
#endif
	if (!v->is)
		return;
	lay(to, at, size, &v->head, 0, sizeof(v->head));
	if (v->size > 0)
		lay(to, at, size, v->bytes, v->at, v->size);
}

void
mipc_ckpt_value_free(struct mipc_ckpt_value *v)
{
	if (v->room > 0)
		mipc_view_free(v->bytes, v->room);
	v->bytes = NULL;
	v->room = 0;
}
