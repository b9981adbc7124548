/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_read.c - reading a checkpoint.
 *
 * A file is believed record by record, each after its sum has been found
 * right, and it is read to its end before anything is made of it.  Its sums
 * keep out damage, not forgery: so whatever counts, leads somewhere or has a
 * range is judged as well, by judge(), and no length is used that is longer
 * than the file.
 */
#include "ckpt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gate.h"
#include "mipc.h"

#define TELL_BYTES	(4u << 20)

/* --- bytes ------------------------------------------------------------- */

static int
damaged(const struct mipc_ckpt *c, const char *what)
{
	mipc_reason_set("%s: damaged at byte %llu: %s", c->path,
	    (unsigned long long)c->at, what);
	return EIO;
}

static int
read_bytes(struct mipc_ckpt *c, void *to, uint64_t size)
{
	char *at = to;
	ssize_t n;

	while (size > 0) {
		n = mipc_sys_pread(c->fd, at, (size_t)size, c->at);
		if (n == -EINTR)
			continue;
		if (n < 0) {
			mipc_reason_set("%s: %s", c->path,
			    strerror((int)-n));
			return (int)-n;
		}
		if (n == 0)
			return damaged(c, "it ends here");
		at += n;
		size -= (uint64_t)n;
		c->at += (uint64_t)n;
	}
	return 0;
}

/* --- the head ---------------------------------------------------------- */

static int
foreign(const struct mipc_ckpt *c, const char *what)
{
	mipc_reason_set("%s: %s", c->path, what);
	return EPROTONOSUPPORT;
}

static int
read_head(struct mipc_ckpt *c)
{
	struct mipc_ckpt_head *head = &c->head;
	int error;

	if (c->size < sizeof(*head))
		return foreign(c, "not a checkpoint: too short for one");
	error = read_bytes(c, head, sizeof(*head));
	if (error != 0)
		return error;
	if (memcmp(head->magic, MIPC_CKPT_MAGIC, sizeof(head->magic)) != 0)
		return foreign(c, "not a checkpoint");
	if (head->byte_order != MIPC_BYTE_ORDER)
		return foreign(c, "made on a machine of another byte order");
	if (head->format != MIPC_CKPT_FORMAT && !mipc_ckpt_is_segment(c))
		return foreign(c, "in another format than this library's");
	if (mipc_ckpt_sum(0, head, offsetof(struct mipc_ckpt_head, sum)) !=
	    head->sum)
		return damaged(c, "its head is not what was written");
	c->sum = head->sum;
	c->records = 0;
	return 0;
}

/* --- records ----------------------------------------------------------- */

static const struct mipc_ckpt_object *
object_of(const struct mipc_ckpt *c)
{
	return (const void *)c->payload;
}

static uint64_t
word_of(const struct mipc_ckpt *c, int n)
{
	uint64_t word;

	memcpy(&word, c->payload + 8 * n, 8);
	return word;
}

/* What no namespace has is in no checkpoint of one. */
static bool
object_is_sound(const struct mipc_ckpt *c)
{
	const struct mipc_ckpt_object *o = object_of(c);
	uint64_t more = c->record.length - sizeof(*o);

	if (c->record.length < sizeof(*o) || o->kind >= MIPC_KINDS ||
	    o->id > INT32_MAX || o->key > UINT32_MAX || o->mode > 0777 ||
	    o->command[sizeof(o->command) - 1] != '\0')
		return false;
	if (o->kind != MIPC_SEM)
		return more == 0 && o->size <= INT64_MAX &&
		    (o->size > 0 || o->kind == MIPC_MSG);
	if (o->size < 1 || o->size > MIPC_SEMMSL_MOST || more != o->size * 8)
		return false;
	for (uint64_t i = 0; i < o->size; i++)
		if (mipc_ckpt_sems(o)[i] >> 38 != 0 ||
		    MIPC_SEM_VALUE(mipc_ckpt_sems(o)[i]) > MIPC_SEMVMX)
			return false;
	return true;
}

static bool
is_sound(const struct mipc_ckpt *c)
{
	uint64_t length = c->record.length;

	switch (c->record.type) {
	case MIPC_CKPT_SPACE:
		return length == sizeof(c->space) && c->records == 0;
	case MIPC_CKPT_OBJECT:
		return object_is_sound(c);
	case MIPC_CKPT_MESSAGE:
		return length >= 16 && word_of(c, 0) == length - 16 &&
		    word_of(c, 1) >= 1 && word_of(c, 1) <= INT64_MAX;
	case MIPC_CKPT_DATA:
		return length > 8 && length <= 8 + MIPC_CKPT_CHUNK &&
		    word_of(c, 0) % MIPC_CKPT_CHUNK == 0 &&
		    word_of(c, 0) <= INT64_MAX;
	case MIPC_CKPT_END:
		return length == 8 && word_of(c, 0) == c->records;
	}
	return false;
}

int
mipc_ckpt_record(struct mipc_ckpt *c)
{
	uint64_t padded, left, sum;
	int error;

	left = c->size - c->at;
	if (left < sizeof(c->record))
		return damaged(c, "it ends here");
	error = read_bytes(c, &c->record, sizeof(c->record));
	if (error != 0)
		return error;
	left -= sizeof(c->record);
	padded = mipc_ckpt_padded(c->record.length);
	if (c->record.length > left || padded + sizeof(sum) > left)
		return damaged(c, "it ends here, or a length is wrong");
	c->heap.used = 0;
	error = mipc_heap_room(&c->heap, padded + sizeof(sum));
	if (error != 0)
		return error;
	c->payload = c->heap.base;
	error = read_bytes(c, c->payload, padded + sizeof(sum));
	if (error != 0)
		return error;
	memcpy(&sum, c->payload + padded, sizeof(sum));
	c->sum = mipc_ckpt_sum(c->sum, &c->record, sizeof(c->record));
	c->sum = mipc_ckpt_sum(c->sum, c->payload, padded);
	if (c->sum != sum)
		return damaged(c, "its sum is not what was written");
	if (!is_sound(c))
		return damaged(c, "this is in no checkpoint");
	c->records++;
	return 0;
}

/* --- the whole --------------------------------------------------------- */

int
mipc_ckpt_begin(struct mipc_ckpt *c)
{
	int error;

	c->at = 0;
	c->ahead = false;
	error = read_head(c);
	if (error == 0)
		error = mipc_ckpt_record(c);
	if (error == 0 && c->record.type != MIPC_CKPT_SPACE)
		error = damaged(c, "its namespace is missing");
	if (error == 0)
		memcpy(&c->space, c->payload, sizeof(c->space));
	return error;
}

/* What belongs to an object stands behind it, and is all there. */
struct judged {
	uint64_t objects, count, bytes;
	struct mipc_ckpt_object last;
};

static bool
is_complete(const struct judged *j)
{
	return j->objects == 0 || j->last.kind != MIPC_MSG ||
	    (j->count == j->last.size && j->bytes == j->last.bytes);
}

static int
judge(struct mipc_ckpt *c, struct judged *j)
{
	uint64_t first = word_of(c, 0), kind = j->last.kind;

	switch (c->record.type) {
	case MIPC_CKPT_OBJECT:
		if (!is_complete(j))
			return damaged(c, "messages are missing");
		memcpy(&j->last, c->payload, sizeof(j->last));
		if (mipc_ckpt_is_segment(c) && j->last.kind != MIPC_SHM)
			return damaged(c, "it is to be of a segment");
		j->objects++;
		j->count = j->bytes = 0;
		return 0;
	case MIPC_CKPT_MESSAGE:
		j->count++;
		j->bytes += first;
		return j->objects > 0 && kind == MIPC_MSG ? 0 :
		    damaged(c, "a message of no queue");
	case MIPC_CKPT_DATA:
		return j->objects > 0 && kind == MIPC_SHM &&
		    first < j->last.size && c->record.length - 8 <=
		    j->last.size - first ? 0 :
		    damaged(c, "bytes of no segment");
	}
	if (c->record.type != MIPC_CKPT_END || !is_complete(j) ||
	    j->objects != c->space.objects || c->at != c->size ||
	    (mipc_ckpt_is_segment(c) && j->objects != 1))
		return damaged(c, "its end is not where it should be");
	return 0;
}

static int
read_through(struct mipc_ckpt *c, const struct mipc_progress *progress)
{
	struct judged j = { .objects = 0 };
	uint64_t told = 0;
	int error;

	error = mipc_ckpt_begin(c);
	while (error == 0 && c->record.type != MIPC_CKPT_END) {
		error = mipc_ckpt_record(c);
		if (error == 0)
			error = judge(c, &j);
		if (progress != NULL && progress->tell != NULL &&
		    (c->at - told > TELL_BYTES ||
		    c->record.type == MIPC_CKPT_END)) {
			told = c->at;
			progress->tell(progress->arg, c->at, c->size);
		}
	}
	return error != 0 ? error : mipc_ckpt_begin(c);
}

/* The newest that is there. */
static int
open_newest(struct mipc_ckpt *c, const char *path)
{
	struct stat st;
	int r;

	snprintf(c->path, sizeof(c->path), "%s", path);
	c->fd = mipc_sys_open(AT_FDCWD, c->path, O_RDONLY | O_NONBLOCK, 0);
	if (c->fd == -ENOENT && strlen(path) < sizeof(c->path) - 2) {
		snprintf(c->path, sizeof(c->path), "%.*s.1",
		    (int)sizeof(c->path) - 3, path);
		c->fd = mipc_sys_open(AT_FDCWD, c->path,
		    O_RDONLY | O_NONBLOCK, 0);
	}
	if (c->fd < 0) {
		mipc_reason_set("%s: %s", path, strerror(-c->fd));
		return -c->fd;
	}
	r = mipc_sys_fstat(c->fd, &st);
	if (r < 0)
		return -r;
	if (!S_ISREG(st.st_mode))
		return foreign(c, "not a checkpoint: not a file");
	c->size = (uint64_t)st.st_size;
	return 0;
}

MIPC_PUBLIC struct mipc_ckpt *
mipc_ckpt_open(const char *path, const struct mipc_progress *progress)
{
	struct mipc_ckpt *c;
	void *memory;
	int error;

	mipc_reason_set("%s", "");
	error = mipc_view_private(sizeof(*c), &memory);
	if (error == 0) {
		c = memory;
		error = open_newest(c, path);
		if (error == 0)
			error = read_through(c, progress);
		if (error == 0)
			return c;
		mipc_ckpt_close(c);
	}
	if (mipc_reason_text()[0] == '\0')
		mipc_reason_set("%s: %s", path, strerror(error));
	errno = error;
	return NULL;
}

MIPC_PUBLIC void
mipc_ckpt_close(struct mipc_ckpt *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		mipc_sys_close(c->fd);
	mipc_heap_free(&c->heap);
	mipc_view_free(c, sizeof(*c));
}

MIPC_PUBLIC void
mipc_ckpt_about(const struct mipc_ckpt *c, struct mipc_ckpt_about *out)
{
	*out = (struct mipc_ckpt_about){
		.taken = (time_t)c->head.taken,
		.objects = c->space.objects,
		.uid = (uid_t)c->space.uid,
		.bytes = c->size,
		.segment = mipc_ckpt_is_segment(c),
	};
}

/* --- one object after another ------------------------------------------ */

static void
note(const struct mipc_ckpt_object *o, struct mipc_ckpt_part *out)
{
	*out = (struct mipc_ckpt_part){
		.kind = (enum mipc_kind)o->kind,
		.id = (int)o->id,
		.size = o->kind == MIPC_MSG ? o->bytes : o->size,
		.count = o->kind == MIPC_MSG ? o->size : 0,
		.most = o->most,
		.ctime = (time_t)o->ctime,
		.cpid = (pid_t)o->cpid,
		.copied = o->kind == MIPC_SHM &&
		    (o->flags & MIPC_CKPT_REFLINK) != 0 ?
		    MIPC_BY_REFLINK : MIPC_BY_PAGES,
		.perm = {
			.__key = (key_t)o->key,
			.uid = (uid_t)o->uid,
			.gid = (gid_t)o->gid,
			.cuid = (uid_t)o->cuid,
			.cgid = (gid_t)o->cgid,
			.mode = (unsigned short)o->mode,
		},
	};
	memcpy(out->command, o->command, sizeof(out->command));
	if (o->kind == MIPC_SEM)
		out->sum = mipc_ckpt_sum(0, mipc_ckpt_sems(o), o->size * 8);
}

MIPC_PUBLIC int
mipc_ckpt_next(struct mipc_ckpt *c, struct mipc_ckpt_part *out)
{
	int error = 0;

	if (!c->ahead && c->record.type != MIPC_CKPT_END)
		error = mipc_ckpt_record(c);
	c->ahead = false;
	if (error == 0 && c->record.type == MIPC_CKPT_END)
		return 0;
	if (error == 0 && c->record.type != MIPC_CKPT_OBJECT)
		error = damaged(c, "it was changed");
	if (error == 0)
		note(object_of(c), out);
	while (error == 0) {
		error = mipc_ckpt_record(c);
		if (error != 0 || c->record.type == MIPC_CKPT_OBJECT ||
		    c->record.type == MIPC_CKPT_END)
			break;
		out->sum = mipc_ckpt_sum(out->sum, c->payload,
		    mipc_ckpt_padded(c->record.length));
	}
	c->ahead = error == 0;
	if (error == 0)
		return 1;
	errno = error;
	return -1;
}
