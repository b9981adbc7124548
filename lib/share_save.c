/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share_save.c - what forked workers share, in a checkpoint, and made of one.
 *
 *	lock | copied into private memory | unlock | written to a file
 *
 * The checkpoint is of one segment, as ckpt.c writes and ckpt_read.c reads it;
 * only that its bytes are in the copy, and in no namespace.  Who waits for the
 * lock waits for the copy and for no disk.
 *
 * A publication at the beginning of the memory has writers who need not take
 * the lock: its value is read as any reader does, while the lock is held.
 */
#include <errno.h>
#include <string.h>

#include "ckpt.h"
#include "gate.h"
#include "life.h"
#include "mipc.h"
#include "mipc_share.h"

#define ROUNDS		100	/* to read a value that writers take away */

/* --- the copy ---------------------------------------------------------- */

struct save {
	size_t size;
	char *copy;
	struct mipc_opened opened;	/* the segment, as a cut has them */
	struct mipc_cut_object object;
	struct mipc_ckpt_value value;
	struct mipc_cut cut;
};

static size_t
piece(uint64_t size, uint64_t at)
{
	const size_t page = mipc_sys_page();

	return size - at < page ? (size_t)(size - at) : page;
}

/* Into memory that is 0, and has none where it stays so. */
static void
copy_bytes(char *to, const char *from, size_t size)
{
	size_t n;

	for (size_t at = 0; at < size; at += n) {
		n = piece(size, at);
		if (!mipc_ckpt_is_zero(from + at, n))
			mipc_copy(to + at, from + at, n);
	}
}

/* Of a buffer that is read. */
static int
copy_buffer(struct mipc_ckpt_value *v, const void *from)
{
	int error;

	v->size = v->reading.size;
	error = mipc_value_room(v, v->size);
	if (error == 0 && v->size > 0)
		mipc_copy(v->bytes, from, v->size);
	return error;
}

/* EAGAIN: writers took away every buffer that was read. */
static int
copy_value(struct mipc_ckpt_value *v)
{
	const void *from;
	int error = EAGAIN, whole;

	for (int i = 0; i < ROUNDS && error == EAGAIN; i++) {
		from = mipc_publish_look(&v->p, &v->reading);
		if (from == NULL) {
			v->state = errno == EIO ? MIPC_VALUE_DAMAGED :
			    MIPC_VALUE_NONE;
			return errno == EIO || errno == ENODATA ? 0 : errno;
		}
		error = copy_buffer(v, from);
		whole = mipc_publish_done(&v->p, &v->reading);
		if (error == 0 && whole != 0)
			error = errno;
	}
	v->state = MIPC_VALUE_COPIED;
	return error;
}

/* [share's lock] */
static int
copy(struct save *s, void *share)
{
	void *memory;
	int error;

	s->size = mipc_share_size(share);
	error = mipc_view_private(s->size, &memory);
	if (error != 0)
		return error;
	s->copy = memory;
	copy_bytes(s->copy, share, s->size);
	if (mipc_publish_open(&s->value.p, share, s->size, 0) == 0) {
		s->object.value = &s->value;
		return copy_value(&s->value);
	}
	return errno == EIO ? 0 : errno;	/* EIO: it is none */
}

/* 0; an errno; or -1: the last holder died, and the lock is the caller's. */
static int
take(struct save *s, void *share, const struct timespec *timeout)
{
	int error, locked;

#ifdef MIPC_BREAK_SAVE
	(void)timeout;		/* a test must see what this breaks */
	return copy(s, share);
#endif
	locked = mipc_share_lock(share, timeout);
	if (locked == 1)
		return -1;
	error = locked == 0 ? 0 : errno;
	if (error == EDEADLK)
		return copy(s, share);
	if (error != 0) {
		mipc_reason_set("the lock: %s", strerror(error));
		return error;
	}
	error = copy(s, share);
	if (mipc_share_unlock(share) != 0 && error == 0)
		error = errno;
	return error;
}

/* --- the checkpoint ---------------------------------------------------- */

static int
put_space(struct save *s)
{
	const struct mipc_space *space = s->cut.ns->space;
	struct mipc_ckpt_space *to;
	uint64_t at;
	int error;

	error = mipc_cut_add(&s->cut, MIPC_CKPT_SPACE, sizeof(*to), &at);
	if (error != 0)
		return error;
	to = (void *)(mipc_cut_record(&s->cut, at) + 1);
	to->uid = mipc_sys_euid();
	to->born = space->born;
	to->objects = 1;
	for (int i = 0; i < MIPC_LIMITS; i++)
		to->limit[i] = mipc_peek(&space->limit[i]);
	return 0;
}

static int
put_segment(struct save *s)
{
	struct mipc_ckpt_object *to;
	int error;

	error = mipc_cut_add(&s->cut, MIPC_CKPT_OBJECT, sizeof(*to),
	    &s->object.at);
	if (error != 0)
		return error;
	to = mipc_cut_object(&s->cut, s->object.at);
	to->kind = MIPC_SHM;
	to->mode = 0600;
	to->uid = to->cuid = mipc_sys_euid();
	to->gid = to->cgid = mipc_sys_egid();
	to->cpid = (uint64_t)mipc_sys_pid();
	to->ctime = to->born = mipc_sys_seconds();
	to->size = s->size;
	memcpy(to->command, mipc_life_command(), sizeof(to->command) - 1);
	s->object.end = s->cut.heap.used;
	return 0;
}

/* Of the copy alone: nothing here is in a namespace, nor pinned. */
static int
put(struct save *s, const char *path, unsigned keep)
{
	static const int id = 0;
	int error;

	s->opened.kind = MIPC_SHM;
	s->opened.size = s->size;
	s->object.opened = &s->opened;
	s->cut.segment = &id;
	s->cut.memory = s->copy;
	s->cut.object = &s->object;
	s->cut.objects = 1;
	error = put_space(s);
	if (error == 0)
		error = put_segment(s);
	return error != 0 ? error : mipc_ckpt_write(&s->cut, path, keep, NULL);
}

static int
save(struct save *s, void *share, const char *path, unsigned keep,
    const struct timespec *timeout)
{
	int error = mipc_ckpt_keeps(keep);

	if (error != 0)
		return error;
	s->cut.ns = mipc_share_ns(share);
	error = take(s, share, timeout);
	if (error == 0)
		error = put(s, path, keep);
	mipc_heap_free(&s->cut.heap);
	mipc_value_free(&s->value);
	if (s->copy != NULL)
		mipc_view_free(s->copy, s->size);
	return error;
}

MIPC_PUBLIC int
mipc_share_save(void *share, const char *path, unsigned keep,
    const struct timespec *timeout)
{
	struct save s;
	int error;

	memset(&s, 0, sizeof(s));
	mipc_reason_set("%s", "");
	mipc_gate_check();
	error = save(&s, share, path, keep, timeout);
	if (error == 0)
		return 0;
	if (error == -1) {
		mipc_reason_set("the last one that had the lock died with it");
		return 1;
	}
	if (mipc_reason_text()[0] == '\0')
		mipc_reason_set("the memory: %s", strerror(error));
	errno = error;
	return -1;
}

/* --- back -------------------------------------------------------------- */

/* It was whole a moment ago. */
static int
changed(const struct mipc_ckpt *c)
{
	mipc_reason_set("%s: it was changed while it was read", c->path);
	return EIO;
}

static int
fill(struct mipc_ckpt *c, char *share, uint64_t size)
{
	const uint64_t *word;
	uint64_t length;
	int error;

	while ((error = mipc_ckpt_record(c)) == 0 &&
	    c->record.type == MIPC_CKPT_DATA) {
		word = (void *)c->payload;
		length = c->record.length - sizeof(*word);
		if (word[0] > size || length > size - word[0])
			return changed(c);
		copy_bytes(share + word[0], (const char *)(word + 1),
		    (size_t)length);
	}
	return error == 0 && c->record.type != MIPC_CKPT_END ? changed(c) :
	    error;
}

static int
make(struct mipc_ckpt *c, uint64_t size, size_t most, void **out)
{
	void *share;
	int error;

	if (size > most) {
		mipc_reason_set("%s: it has %llu bytes, above the most",
		    c->path, (unsigned long long)size);
		return EINVAL;
	}
	share = mipc_share_reserve((size_t)size, most);
	if (share == NULL) {
		error = errno;
		mipc_reason_set("memory of %zu bytes: %s", most,
		    strerror(error));
		return error;
	}
	error = fill(c, share, size);
	if (error == 0)
		*out = share;
	else
		mipc_share_leave(share);
	return error;
}

static int
load(struct mipc_ckpt *c, size_t most, void **out)
{
	const struct mipc_ckpt_object *o;
	int error;

	if (!mipc_ckpt_is_segment(c)) {
		mipc_reason_set("%s: it is of a namespace, not of one segment",
		    c->path);
		return EINVAL;
	}
	error = mipc_ckpt_record(c);
	if (error != 0)
		return error;
	o = (void *)c->payload;
	if (c->record.type != MIPC_CKPT_OBJECT || o->kind != MIPC_SHM)
		return changed(c);
	return make(c, o->size, most, out);
}

MIPC_PUBLIC void *
mipc_share_load(const char *path, size_t most)
{
	struct mipc_ckpt *c;
	void *share = NULL;
	int error;

	mipc_gate_check();
	c = mipc_ckpt_open(path, NULL);
	if (c == NULL)
		return NULL;
	error = load(c, most, &share);
	mipc_ckpt_close(c);
	if (error != 0)
		errno = error;
	return share;
}
