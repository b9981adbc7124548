/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_publish.c - the values of publications that lie at the beginning of
 * segments, whole and of the moment of the cut.
 *
 *	found | sets and queues copied | read | sets and queues looked at |
 *	copied
 *
 * The checkpoint is a reader as any other (publish.c): from `read` on it has a
 * place in each publication, and writers go round the buffer that it reads.  So
 * the values can be copied when the cut is made, and nobody waits meanwhile but
 * a writer who finds all buffers read.  Where the segment may not be written,
 * or no place is free, seq tells at the end that a writer was faster; then
 * there is another cut.
 *
 * All values that are read were the newest at one moment: after the last of
 * them has been taken each is looked at again.  That moment is between the
 * copies of sets and queues and the looks at them, and so is the cut's.
 *
 * In the checkpoint then stands that value where it stood, and a head that says
 * so and nothing of processes: nobody's lock, no readers and no sleepers.  A
 * segment that becomes a publication after the cut is one there in which
 * nothing is published.  The same is done with a segment's clone.
 *
 * The head is input: one that no writer leaves is bytes as any others.
 */
#include "ckpt.h"

#include <errno.h>

#include "crash.h"
#include "gate.h"
#include "view.h"

#define ROUNDS		100	/* of looks for a moment */

/* --- which there are --------------------------------------------------- */

/* What a head begins with. */
struct constants {
	mipc_u32 magic;
	uint32_t format, buffers, unused;
	uint64_t most, stride;
};
_Static_assert(offsetof(struct constants, stride) ==
    offsetof(struct mipc_publish_head, stride), "the same");

static bool
fits(struct constants *c, uint64_t size)
{
	return mipc_peek(&c->magic) == MIPC_MAGIC_PUBLISH &&
	    mipc_publish_fits(c->format, c->buffers, c->most, c->stride,
	    size);
}

/* Is it one now?  Or an errno. */
static int
ask(const struct mipc_cut *cut, const struct mipc_cut_object *o, bool *is)
{
	struct mipc_source source;
	struct constants c;
	ssize_t n;
	int error;

	*is = false;
	if (o->opened->kind != MIPC_SHM || o->opened->size < MIPC_PUBLISH_DATA)
		return 0;
	error = mipc_cut_source(cut, o, &source);
	if (error != 0)
		return error;
	n = mipc_source_read(&source, 0, &c, sizeof(c));
	mipc_source_close(&source);
	*is = n == sizeof(c) && fits(&c, o->opened->size);
	return n < 0 ? (int)-n : 0;
}

static int
map(struct mipc_ns *ns, struct mipc_ckpt_value *v)
{
	const struct mipc_opened *opened = v->opened;
	struct mipc_gate gate;
	int error;

	mipc_gate_enter(&gate);
	error = ns->store->ops->window(ns->store, opened->id, opened->data,
	    MIPC_PUBLISH_DATA, &v->head);
	mipc_gate_leave(&gate);
	return error;
}

static void
forget(struct mipc_ns *ns, struct mipc_ckpt_value *v)
{
	struct mipc_gate gate;

	mipc_gate_enter(&gate);
	ns->store->ops->close(ns->store, &v->head);
	mipc_gate_leave(&gate);
	mipc_ns_unpin(v->opened);
	mipc_value_free(v);
}

/* EIO: it is none any more. */
static int
use(struct mipc_ns *ns, struct mipc_ckpt_value *v)
{
	int error = map(ns, v);

	if (error != 0)
		return error;
	if (mipc_publish_open(&v->p, v->head.base, (size_t)v->opened->size,
	    (v->head.prot & PROT_WRITE) != 0 ? 0 : MIPC_PUBLISH_READ) == 0)
		return 0;
	return errno;
}

static int
add(struct mipc_cut *cut, struct mipc_opened *opened)
{
	struct mipc_ckpt_values *values = &cut->values;
	struct mipc_ckpt_value *v;
	int error = mipc_heap_room(&values->table, sizeof(*v));

	if (error != 0)
		return error;
	values->value = (void *)values->table.base;
	v = &values->value[values->n];
	*v = (struct mipc_ckpt_value){ .opened = opened };
	mipc_add(&opened->pins, 1);	/* which the cut has, too */
	error = use(cut->ns, v);
	if (error != 0) {
		forget(cut->ns, v);
		return error == EIO ? 0 : error;
	}
	values->n++;
	values->table.used += sizeof(*v);
	return 0;
}

void
mipc_values_free(struct mipc_cut *cut)
{
	mipc_values_leave(cut);
	while (cut->values.n > 0)
		forget(cut->ns, &cut->values.value[--cut->values.n]);
	mipc_heap_free(&cut->values.table);
	cut->values.of = 0;
}

/* Of which segments there are. */
static uint64_t
sum_of_segments(const struct mipc_cut *cut)
{
	uint64_t sum = 1, word[2];

	for (uint32_t i = 0; i < cut->objects; i++) {
		struct mipc_opened *opened = cut->object[i].opened;

		if (opened->kind != MIPC_SHM)
			continue;
		word[0] = opened->id;
		word[1] = (uintptr_t)opened;
		sum = mipc_ckpt_sum(sum, word, sizeof(word));
	}
	return sum;
}

int
mipc_values_find(struct mipc_cut *cut)
{
	uint64_t of = sum_of_segments(cut);
	int error = 0;
	bool is;

	if (of == cut->values.of)
		return 0;
	mipc_values_free(cut);
	for (uint32_t i = 0; i < cut->objects && error == 0; i++) {
		struct mipc_opened *opened = cut->object[i].opened;

		error = ask(cut, &cut->object[i], &is);
		if (error == 0 && is)
			error = add(cut, opened);
		if (error == ENOENT)
			return EAGAIN;	/* it went meanwhile */
		if (error != 0)
			mipc_reason_set("segment %d: %s", (int)opened->id,
			    strerror(error));
	}
	if (error == 0)
		cut->values.of = of;
	return error;
}

/* --- all newest at one moment ------------------------------------------ */

static int
read_one(struct mipc_ckpt_value *v)
{
	if (mipc_publish_look(&v->p, &v->reading) != NULL)
		v->state = MIPC_VALUE_READ;
	else if (errno == ENODATA)
		v->state = MIPC_VALUE_NONE;
	else if (errno == EIO)
		v->state = MIPC_VALUE_DAMAGED;
	else
		return errno;
	return 0;
}

/* EAGAIN: it may be a mixture. */
static int
leave(struct mipc_ckpt_value *v)
{
	if (v->state != MIPC_VALUE_READ)
		return 0;
	v->state = MIPC_VALUE_NONE;
	return mipc_publish_done(&v->p, &v->reading) == 0 ? 0 : errno;
}

static bool
is_newest(const struct mipc_ckpt_value *v)
{
	return v->state == MIPC_VALUE_DAMAGED || mipc_publish_version(&v->p) ==
	    (v->state == MIPC_VALUE_READ ? v->reading.version : 0);
}

/* The newest again, of those that are not; were all? */
static int
read_again(struct mipc_ckpt_values *values, bool *all)
{
	struct mipc_ckpt_value *v;
	int error = 0;

	*all = true;
	for (uint32_t i = 0; i < values->n && error == 0; i++) {
		v = &values->value[i];
		if (is_newest(v))
			continue;
		*all = false;
		leave(v);
		error = read_one(v);
	}
	return error;
}

static int
read_all(struct mipc_ckpt_values *values)
{
	int error = 0;
	bool all;

	for (uint32_t i = 0; i < values->n && error == 0; i++) {
		error = read_one(&values->value[i]);
		mipc_crash_point("values: one is read");
	}
	for (int i = 0; i < ROUNDS && error == 0; i++) {
		error = read_again(values, &all);
		if (error == 0 && all) {
			mipc_crash_point("values: read");
			return 0;
		}
	}
	return error != 0 ? error : EAGAIN;
}

int
mipc_values_read(struct mipc_cut *cut)
{
#ifdef MIPC_BREAK_MOMENT
	return 0;		/* a test must see what this breaks */
#endif
	return read_all(&cut->values);
}

void
mipc_values_leave(struct mipc_cut *cut)
{
	for (uint32_t i = 0; i < cut->values.n; i++)
		leave(&cut->values.value[i]);
}

/* --- copies ------------------------------------------------------------ */

void
mipc_value_free(struct mipc_ckpt_value *v)
{
	if (v->room > 0)
		mipc_view_free(v->bytes, v->room);
	v->room = 0;
}

int
mipc_value_room(struct mipc_ckpt_value *v, size_t size)
{
	void *memory;
	int error;

	if (size <= v->room)
		return 0;
	mipc_value_free(v);
	error = mipc_view_private(size, &memory);
	if (error != 0)
		return error;
	v->bytes = memory;
	v->room = size;
	return 0;
}

static uint64_t
place_of(const struct mipc_ckpt_value *v)
{
	return MIPC_PUBLISH_DATA + v->reading.buffer * (uint64_t)v->p.stride;
}

static int
copy_bytes(const struct mipc_cut *cut, const struct mipc_cut_object *o,
    struct mipc_ckpt_value *v)
{
	struct mipc_source source;
	ssize_t n;
	int error = mipc_value_room(v, v->size);

	if (error == 0)
		error = mipc_cut_source(cut, o, &source);
	if (error != 0)
		return error;
	n = mipc_source_read(&source, place_of(v), v->bytes, v->size);
	mipc_source_close(&source);
	if (n < 0)
		return (int)-n;
	return (size_t)n == v->size ? 0 : EIO;	/* it was truncated */
}

static int
copy(struct mipc_cut *cut, const struct mipc_cut_object *o,
    struct mipc_ckpt_value *v)
{
	int error = 0, whole;

	if (v->state != MIPC_VALUE_READ)
		return 0;
	v->size = v->reading.size;
	if (v->size > 0)
		error = copy_bytes(cut, o, v);
	whole = leave(v);
	if (error != 0) {
		mipc_reason_set("segment %d: %s", (int)o->opened->id,
		    strerror(error));
		return error;
	}
	v->state = MIPC_VALUE_COPIED;
	return whole;
}

/* Of what was none before the moment: is it none still? */
static int
must_be_none(struct mipc_cut *cut, const struct mipc_cut_object *o)
{
	bool is;
	int error = ask(cut, o, &is);

	if (error == ENOENT)
		return 0;
	if (error != 0 || !is)
		return error;
	cut->values.of = 0;	/* to be found */
	return EAGAIN;
}

int
mipc_values_copy(struct mipc_cut *cut)
{
	struct mipc_ckpt_value *v = cut->values.value;
	struct mipc_ckpt_value *end = v + cut->values.n;
	struct mipc_cut_object *o;
	int error = 0;

	mipc_crash_point("values: to be copied");
#ifdef MIPC_BREAK_MOMENT
	for (int i = 0; i < 1000 && error == 0; i++) {
		mipc_values_leave(cut);
		error = read_all(&cut->values);
	}
#endif
	for (uint32_t i = 0; i < cut->objects && error == 0; i++) {
		o = &cut->object[i];
		if (v < end && v->opened == o->opened) {
			o->value = v;
			error = copy(cut, o, v++);
		} else {
			error = must_be_none(cut, o);
		}
	}
	mipc_values_leave(cut);
	return error;
}

/* --- in the checkpoint ------------------------------------------------- */

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

static void
make_head(const struct constants *c, struct mipc_publish_head *out)
{
	memset(out, 0, sizeof(*out));
	mipc_put(&out->magic, MIPC_MAGIC_PUBLISH);
	out->format = MIPC_PUBLISH_FORMAT;
	out->buffers = c->buffers;
	out->most = c->most;
	out->stride = c->stride;
}

/* One in which nothing is published, if it looks like one. */
static void
put_none(uint64_t whole, char *to, uint64_t at, size_t size)
{
	struct mipc_publish_head head;
	struct constants c;

	if (at != 0 || size < sizeof(head))
		return;
	memcpy(&c, to, sizeof(c));
	if (!fits(&c, whole))
		return;
	make_head(&c, &head);
	memcpy(to, &head, sizeof(head));
}

void
mipc_value_put(const struct mipc_ckpt_value *v, uint64_t whole, char *to,
    uint64_t at, size_t size)
{
	struct mipc_publish_head head;

#ifdef MIPC_BREAK_VALUE
	return;		/* a test must see what this breaks */
#endif
	if (v == NULL)
		put_none(whole, to, at, size);
	if (v == NULL || v->state == MIPC_VALUE_DAMAGED)
		return;
	make_head(&(struct constants){ .buffers = v->p.buffers,
	    .most = v->p.most, .stride = v->p.stride }, &head);
	if (v->state == MIPC_VALUE_COPIED) {
		mipc_put(&head.latest, MIPC_LATEST(v->reading.version,
		    v->reading.buffer));
		mipc_put(&head.buffer[v->reading.buffer].seq,
		    2 * v->reading.version);
		mipc_put(&head.buffer[v->reading.buffer].size, v->size);
		lay(to, at, size, v->bytes, place_of(v), v->size);
	}
	lay(to, at, size, &head, 0, sizeof(head));
}
