/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt.c - writing a checkpoint.
 *
 * First the cut (ckpt_cut.c), which is in memory; then, where that can be had,
 * clones of the segments (ckpt_clone.c); then the file, a stream from its
 * beginning to its end, in which each segment's bytes are read when it is
 * their turn.  Nothing is on disk before the call, and nothing of it has a
 * name before all of it is there (replace.c).
 *
 * In place of what a segment has of a publication stands the value that it had
 * at the cut (ckpt_publish.c).
 */
#include "ckpt.h"

#include <errno.h>
#include <string.h>

#include "mipc.h"
#include "replace.h"

#define BUFFER		(256u * 1024)
#define TELL_BYTES	(4u << 20)	/* between two reports */

struct writer {
	struct mipc_replace file;
	struct mipc_clones clones;
	uint64_t at;			/* bytes written to it */
	char *buffer;			/* BUFFER bytes, of which `used` wait */
	size_t used;
	uint64_t records, sum, told, done, all;
	const struct mipc_progress *progress;
};

/* --- the stream -------------------------------------------------------- */

static int
flush(struct writer *w)
{
	int error = mipc_replace_write(&w->file, w->buffer, w->used, w->at);

	w->at += w->used;
	w->used = 0;
	return error;
}

static int
put(struct writer *w, const void *bytes, size_t size)
{
	const char *from = bytes;
	size_t now;
	int error = 0;

	while (size > 0 && error == 0) {
		now = size < BUFFER - w->used ? size : BUFFER - w->used;
		memcpy(w->buffer + w->used, from, now);
		w->used += now;
		from += now;
		size -= now;
		if (w->used == BUFFER)
			error = flush(w);
	}
	return error;
}

/* A record that stands in memory with its padding, and its sum. */
static int
put_record(struct writer *w, const struct mipc_ckpt_record *record)
{
	size_t size = sizeof(*record) +
	    (size_t)mipc_ckpt_padded(record->length);
	int error;

	w->sum = mipc_ckpt_sum(w->sum, record, size);
	w->records++;
	error = put(w, record, size);
	return error != 0 ? error : put(w, &w->sum, sizeof(w->sum));
}

static void
tell(struct writer *w, uint64_t bytes, bool end)
{
	w->done += bytes;
	if (w->progress == NULL || w->progress->tell == NULL ||
	    (!end && w->done - w->told < TELL_BYTES))
		return;
	w->told = w->done;
	w->progress->tell(w->progress->arg, w->done, w->all);
}

/* --- what is in it ----------------------------------------------------- */

static int
put_head(struct writer *w, const struct mipc_cut *cut)
{
	struct mipc_ckpt_head head = {
		.format = cut->segment != NULL ? MIPC_CKPT_SEGMENT :
		    MIPC_CKPT_FORMAT,
		.byte_order = MIPC_BYTE_ORDER,
		.word = sizeof(long),
		.page = (uint32_t)mipc_sys_page(),
		.taken = mipc_sys_seconds(),
		.stamp = mipc_sys_monotonic_ns(),
	};

	memcpy(head.magic, MIPC_CKPT_MAGIC, sizeof(head.magic));
	head.sum = mipc_ckpt_sum(0, &head,
	    offsetof(struct mipc_ckpt_head, sum));
	w->sum = head.sum;
	return put(w, &head, sizeof(head));
}

static int
put_end(struct writer *w)
{
	struct {
		struct mipc_ckpt_record record;
		uint64_t records;
	} end = { { .type = MIPC_CKPT_END, .length = 8 }, w->records };

	return put_record(w, &end.record);
}

/* A piece of a segment's bytes, in a record. */
struct chunk {
	struct mipc_ckpt_record record;
	uint64_t offset;
	char bytes[MIPC_CKPT_CHUNK];
};

/* Of a segment's bytes, which begin at `base` of its source. */
struct copy {
	struct mipc_source source;
	uint64_t base, size;
	struct chunk *chunk;
	const struct mipc_ckpt_value *value;
};

static int
put_chunk(struct writer *w, struct copy *c, uint64_t at)
{
	struct chunk *chunk = c->chunk;
	size_t size = c->size - at < sizeof(chunk->bytes) ?
	    (size_t)(c->size - at) : sizeof(chunk->bytes);
	ssize_t n;

	n = mipc_source_read(&c->source, c->base + at, chunk->bytes, size);
	if (n < 0)
		return (int)-n;
	if ((size_t)n != size)
		return EIO;		/* it was truncated */
	mipc_value_put(c->value, c->size, chunk->bytes, at, size);
	if (mipc_ckpt_is_zero(chunk->bytes, size))
		return 0;
	memset(chunk->bytes + size, 0, mipc_ckpt_padded(size) - size);
	chunk->offset = at;
	chunk->record.type = MIPC_CKPT_DATA;
	chunk->record.length = sizeof(chunk->offset) + size;
	return put_record(w, &chunk->record);
}

/* Where the next chunk begins that is not all in a hole. */
static uint64_t
next_chunk(const struct copy *c, uint64_t at)
{
	uint64_t data = mipc_source_data(&c->source, c->base + at);

	if (data == UINT64_MAX || data - c->base >= c->size)
		return c->size;
	return (data - c->base) / MIPC_CKPT_CHUNK * MIPC_CKPT_CHUNK;
}

/* A file that somebody has cut off has no data behind its end, either. */
static bool
is_cut(const struct copy *c)
{
	char last;

	return mipc_source_read(&c->source, c->base + c->size - 1, &last,
	    1) != 1;
}

static int
put_chunks(struct writer *w, struct copy *c)
{
	uint64_t next;
	int error = 0;

	for (uint64_t at = 0; at < c->size && error == 0; at = next) {
		next = next_chunk(c, at);
		if (next == at) {
			error = put_chunk(w, c, at);
			next += c->size - at < MIPC_CKPT_CHUNK ?
			    c->size - at : MIPC_CKPT_CHUNK;
		}
		tell(w, next - at, false);
	}
	return error == 0 && is_cut(c) ? EIO : error;
}

static int
put_bytes(struct writer *w, const struct mipc_cut *cut,
    const struct mipc_cut_object *o)
{
	struct copy c = { .base = o->clone, .size = o->opened->size,
	    .value = o->value };
	void *memory;
	int error;

	error = mipc_view_private(sizeof(*c.chunk), &memory);
	if (error != 0)
		return error;
	c.chunk = memory;
	error = mipc_clones_open(&w->clones, cut, o, &c.source);
	if (error == 0) {
		error = put_chunks(w, &c);
		mipc_clones_close(o, &c.source);
	}
	mipc_view_free(memory, sizeof(*c.chunk));
	return error;
}

static int
put_segment(struct writer *w, const struct mipc_cut *cut,
    const struct mipc_cut_object *o)
{
	const struct mipc_progress *progress = w->progress;
	int error = put_bytes(w, cut, o);

	if (error != 0)
		mipc_reason_set("segment %d: %s", (int)o->opened->id,
		    strerror(error));
	else if (progress != NULL && progress->copied != NULL)
		progress->copied(progress->arg, (int)o->opened->id,
		    o->cloned ? MIPC_BY_REFLINK : MIPC_BY_PAGES);
	return error;
}

static int
put_object(struct writer *w, const struct mipc_cut *cut,
    const struct mipc_cut_object *o)
{
	const struct mipc_ckpt_record *record;
	uint64_t at = o->at;
	int error = 0;

	for (; at < o->end && error == 0; at += sizeof(*record) +
	    mipc_ckpt_padded(record->length)) {
		record = mipc_cut_record(cut, at);
		error = put_record(w, record);
	}
	tell(w, o->end - o->at, false);
	if (error == 0 && o->opened->kind == MIPC_SHM)
		error = put_segment(w, cut, o);
	return error;
}

static int
put_all(struct writer *w, const struct mipc_cut *cut)
{
	int error;

	w->all = cut->heap.used;
	for (uint32_t i = 0; i < cut->objects; i++)
		if (cut->object[i].opened->kind == MIPC_SHM)
			w->all += cut->object[i].opened->size;
	error = put_head(w, cut);
	if (error == 0)
		error = put_record(w, mipc_cut_record(cut, 0));
	for (uint32_t i = 0; i < cut->objects && error == 0; i++)
		error = put_object(w, cut, &cut->object[i]);
	if (error == 0)
		error = put_end(w);
	return error != 0 ? error : flush(w);
}

/* --- the file ---------------------------------------------------------- */

static int
copy_all(struct writer *w, struct mipc_cut *cut)
{
	int error = mipc_clones_prepare(&w->clones, cut, w->file.fd);

	if (error != 0)
		return error;
	mipc_clones_make(&w->clones, cut);
	error = put_all(w, cut);
	mipc_clones_free(&w->clones);
	return error;
}

static int
write_file(struct writer *w, struct mipc_cut *cut, const char *path,
    unsigned keep)
{
	int error;

	error = mipc_replace_begin(&w->file, path, 0600);
	if (error == 0) {
		w->file.keep = keep;
		error = mipc_replace_end(&w->file, copy_all(w, cut));
	}
	if (error == EBUSY)
		mipc_reason_set("%s: other processes write there", path);
	else if (error != 0 && mipc_reason_text()[0] == '\0')
		mipc_reason_set("%s: %s", path, strerror(error));
	if (error == 0) {
		w->done = w->all;
		tell(w, 0, true);
	}
	return error;
}

int
mipc_ckpt_write(struct mipc_cut *cut, const char *path, unsigned keep,
    const struct mipc_progress *progress)
{
	struct writer w = { .progress = progress };
	void *memory;
	int error;

	error = mipc_view_private(BUFFER, &memory);
	if (error != 0)
		return error;
	w.buffer = memory;
	error = write_file(&w, cut, path, keep);
	mipc_view_free(memory, BUFFER);
	return error;
}

int
mipc_ckpt_keeps(unsigned keep)
{
	if (keep >= 1 && keep <= MIPC_REPLACE_KEEPS)
		return 0;
	mipc_reason_set("%u generations: 1 to %u can be kept", keep,
	    MIPC_REPLACE_KEEPS);
	return EINVAL;
}

static int
make(struct mipc_ns *ns, const int *segment, const char *path, unsigned keep,
    const struct mipc_progress *progress)
{
	struct mipc_cut cut;
	int error;

	error = mipc_cut_make(&cut, ns, segment);
	if (error == 0)
		error = mipc_ckpt_write(&cut, path, keep, progress);
	mipc_cut_free(&cut);
	return error;
}

/* Of a namespace, or of a segment of it: at the public edge. */
static int
checkpoint(struct mipc_ns *ns, const int *segment, const char *path,
    unsigned keep, const struct mipc_progress *progress)
{
	int error;

	mipc_reason_set("%s", "");
	mipc_gate_check();
	error = mipc_ckpt_keeps(keep);
	if (error == 0)
		error = make(ns, segment, path, keep, progress);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

MIPC_PUBLIC int
mipc_checkpoint(struct mipc_ns *ns, const char *path, unsigned keep,
    const struct mipc_progress *progress)
{
	return checkpoint(ns, NULL, path, keep, progress);
}

MIPC_PUBLIC int
mipc_checkpoint_segment(struct mipc_ns *ns, int shmid, const char *path,
    unsigned keep, const struct mipc_progress *progress)
{
	return checkpoint(ns, &shmid, path, keep, progress);
}
