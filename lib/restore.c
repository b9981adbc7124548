/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restore.c - a namespace made of a checkpoint.
 *
 * It is made by the library's own calls, in a directory beside the one it is
 * to be, so that nothing here knows how objects are laid out but for what no
 * call sets: identifiers are wished for, pids, times and creators are written
 * into heads that nobody else has opened.  Then it is put on disk, and one
 * rename puts it in its place.
 *
 *	read all | .NAME.restore: make, fill, sync | rename | sync
 *
 * Over a namespace that is there the rename is an exchange, under that one's
 * lock and after nobody was found alive in it; so whoever opens it has all of
 * the old or all of the new.  What was replaced is removed when the exchange is
 * on disk, and no earlier: until then the disk may still have it in its place.
 * What a killed restorer leaves is .NAME.restore, either unfinished or what was
 * replaced; the next one puts the directory on disk, and removes it.
 *
 * A checkpoint of one segment replaces nothing: what else is there would go.
 */
#include "ckpt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "control.h"
#include "gate.h"
#include "mipc.h"
#include "store_dir.h"

static const char *const one[MIPC_KINDS] = { "segment", "set", "queue" };

struct restorer {
	struct mipc_ckpt *ckpt;
	struct mipc_ns *ns;		/* the one that is made */
	int parent;			/* directory of both names */
	char name[NAME_MAX + 1];	/* where it is to be */
	char aside[NAME_MAX + 1];	/* where it is made */
	char path[PATH_MAX];		/* to the latter */
	struct mipc_opened *opened;	/* its head, pinned */
	char *bytes;			/* of a segment, attached */
	struct mipc_ckpt_object now;	/* the object that is made */
	bool kept;			/* what has the other name stays */
};

/* --- objects ----------------------------------------------------------- */

static int
refuse(const struct mipc_ckpt_object *o, int error)
{
	mipc_reason_set("%s %d: %s%s", one[o->kind], (int)o->id,
	    strerror(error), error == EPERM ?
	    ": it belongs to another user" : "");
	return error;
}

/* Limits that let everything be made; a queue's room goes by the two. */
static void
widen(struct mipc_ns *ns, const struct mipc_ckpt_space *from,
    const struct mipc_ckpt_object *o)
{
	mipc_u64 *limit = ns->space->limit;
	uint64_t bytes = from->limit[MIPC_MSGMNB];

	for (uint64_t n = 0; n < 3; n++) {
		const uint64_t least[3] = { o->most, o->bytes, o->size };

		if (o->kind == MIPC_MSG && bytes < least[n])
			bytes = least[n];
	}
	mipc_put(&limit[MIPC_MSGMNB], bytes);
	mipc_put(&limit[MIPC_MSGMAX], from->limit[MIPC_MSGMAX]);
	mipc_put(&limit[MIPC_SHMMAX], ~0ul);
	mipc_put(&limit[MIPC_SHMALL], ~0ul);
	mipc_put(&limit[MIPC_SHM_RMID_FORCED], 0);
	mipc_put(&limit[MIPC_SEMMSL], MIPC_SEMMSL_MOST);
	mipc_put(&limit[MIPC_SEMMNS], INT32_MAX);
	mipc_put(&limit[MIPC_SHMMNI], MIPC_INDEX_MAX);
	mipc_put(&limit[MIPC_SEMMNI], MIPC_INDEX_MAX);
	mipc_put(&limit[MIPC_MSGMNI], MIPC_INDEX_MAX);
}

static int
make(struct mipc_ns *ns, const struct mipc_ckpt_object *o)
{
	const int flags = IPC_CREAT | IPC_EXCL | 0600;
	const key_t key = (key_t)(uint32_t)o->key;

	if (o->kind == MIPC_SEM)
		return mipc_semget(ns, key, (int)o->size, flags);
	if (o->kind == MIPC_MSG)
		return mipc_msgget(ns, key, flags);
	if (o->size > SIZE_MAX) {
		errno = ENOMEM;
		return -1;
	}
	return mipc_shmget(ns, key, (size_t)o->size, flags |
	    ((o->flags & MIPC_SEGMENT_NORESERVE) != 0 ? SHM_NORESERVE : 0));
}

static void
fill_set(struct restorer *r)
{
	const struct mipc_ckpt_object *o = (void *)r->ckpt->payload;
	struct mipc_semset *set = (void *)r->opened->head;
	const uint64_t *sem = mipc_ckpt_sems(o);

	for (uint64_t i = 0; i < o->size; i++)
		mipc_put(&set->sem[i], MIPC_SEM_WORD(mipc_peek(&set->sem[i]),
		    MIPC_SEM_VALUE(sem[i]), sem[i] >> 16));
}

/* While it is filled, a queue takes whatever it held. */
static void
open_queue_wide(struct restorer *r)
{
	struct mipc_msgqueue *q = (void *)r->opened->head;

	mipc_put(&q->qbytes, MIPC_MSG_BYTES_MOST);
	mipc_put(&r->ns->space->limit[MIPC_MSGMAX], INT32_MAX);
}

static int
begin_object(struct restorer *r)
{
	struct mipc_ckpt_object *o = &r->now;
	struct mipc_gate gate;
	int error, id;

	memcpy(o, r->ckpt->payload, sizeof(*o));
	widen(r->ns, &r->ckpt->space, o);
	mipc_put(&r->ns->space->wish[o->kind], o->id + 1);
	id = make(r->ns, o);
	if (id == -1)
		return refuse(o, errno);
	if ((uint64_t)id != o->id)
		return refuse(o, EEXIST);	/* twice in the file */
	mipc_gate_enter(&gate);
	error = mipc_ns_get(r->ns, (enum mipc_kind)o->kind, o->id,
	    &r->opened);
	mipc_gate_leave(&gate);
	if (error != 0)
		return refuse(o, error);
	if (o->kind == MIPC_SEM)
		fill_set(r);
	else if (o->kind == MIPC_MSG)
		open_queue_wide(r);
	return 0;
}

/* What no call sets; last, for setting the owner writes some of it. */
static void
write_head(const struct restorer *r)
{
	const struct mipc_ckpt_object *o = &r->now;
	struct mipc_object *head = r->opened->head;
	struct mipc_segment *segment = (void *)head;
	struct mipc_msgqueue *q = (void *)head;
	struct mipc_semset *set = (void *)head;

	head->cuid = o->cuid;
	head->cgid = o->cgid;
	head->cpid = o->cpid;
	head->born = o->born;
	memcpy(head->command, o->command, sizeof(head->command));
	mipc_put(&head->ctime, o->ctime);
	if (o->kind == MIPC_SHM) {
		mipc_put(&segment->atime, o->time[0]);
		mipc_put(&segment->dtime, o->time[1]);
		mipc_put(&segment->lpid, o->pid[0]);
	} else if (o->kind == MIPC_SEM) {
		mipc_put(&set->otime, o->time[0]);
		mipc_put(&set->changed, o->time[1]);
	} else {
		mipc_put(&q->qbytes, o->most);
		mipc_put(&q->stime, o->time[0]);
		mipc_put(&q->rtime, o->time[1]);
		mipc_put(&q->lspid, o->pid[0]);
		mipc_put(&q->lrpid, o->pid[1]);
	}
}

static int
end_object(struct restorer *r)
{
	const struct ipc_perm perm = {
		.uid = (uid_t)r->now.uid,
		.gid = (gid_t)r->now.gid,
		.mode = (unsigned short)r->now.mode,
	};
	struct mipc_gate gate;
	int error;

	if (r->opened == NULL)
		return 0;
	if (r->bytes != NULL)
		mipc_shmdt(r->ns, r->bytes);
	r->bytes = NULL;
	mipc_cred_look();
	mipc_gate_enter(&gate);
	error = mipc_control_set(r->ns, &gate, r->opened, &perm, NULL, 0);
	mipc_gate_leave(&gate);
	if (error == 0 && r->now.cuid != mipc_sys_euid() &&
	    mipc_sys_euid() != 0)
		error = EPERM;
	if (error == 0)
		write_head(r);
	mipc_ns_unpin(r->opened);
	r->opened = NULL;
	return error == 0 ? 0 : refuse(&r->now, error);
}

static int
send(struct restorer *r)
{
	const uint64_t *word = (void *)r->ckpt->payload;
	char *text = r->ckpt->payload + 16;
	long type = (long)word[1];
	const size_t size = (size_t)word[0];

	if ((uint64_t)type != word[1])
		return refuse(&r->now, EOVERFLOW);
	memcpy(text - sizeof(type), &type, sizeof(type));
	if (mipc_msgsnd(r->ns, (int)r->now.id, text - sizeof(type), size,
	    IPC_NOWAIT) == 0)
		return 0;
	return refuse(&r->now, errno);
}

/* What is 0 is so already, and may be in a page that has no memory. */
static int
fill_segment(struct restorer *r)
{
	const uint64_t *word = (void *)r->ckpt->payload;
	const uint64_t size = r->ckpt->record.length - 8;
	const size_t page = mipc_sys_page();
	const char *from = (const void *)(word + 1);
	void *address;
	size_t n;

	if (r->bytes == NULL) {
		address = mipc_shmat(r->ns, (int)r->now.id, NULL, 0);
		if (address == (void *)-1)
			return refuse(&r->now, errno);
		r->bytes = address;
	}
	for (uint64_t at = 0; at < size; at += n) {
		n = size - at < page ? (size_t)(size - at) : page;
		if (!mipc_ckpt_is_zero(from + at, n))
			memcpy(r->bytes + word[0] + at, from + at, n);
	}
	return 0;
}

static int
take_record(struct restorer *r)
{
	int error;

	switch (r->ckpt->record.type) {
	case MIPC_CKPT_MESSAGE:
		return send(r);
	case MIPC_CKPT_DATA:
		return fill_segment(r);
	}
	error = end_object(r);
	if (error == 0 && r->ckpt->record.type == MIPC_CKPT_OBJECT)
		error = begin_object(r);
	return error;
}

/* --- the namespace ----------------------------------------------------- */

/* Objects that are made from now on get the identifiers they would have. */
static void
write_space(struct mipc_ns *ns, const struct mipc_ckpt_space *from)
{
	struct mipc_space *space = ns->space;

	space->born = from->born;
	for (int i = 0; i < MIPC_LIMITS; i++)
		mipc_put(&space->limit[i], from->limit[i]);
	for (int kind = 0; kind < MIPC_KINDS; kind++) {
		struct mipc_census *census = &space->census[kind];

		mipc_put(&space->wish[kind], from->wish[kind]);
		mipc_put(&census->cursor, from->census[kind].cursor);
		mipc_put(&census->last, from->census[kind].last);
		mipc_put(&census->sequence, from->census[kind].sequence);
	}
}

static int
fill(struct restorer *r)
{
	int error = 0;

	while (error == 0 && r->ckpt->record.type != MIPC_CKPT_END) {
		error = mipc_ckpt_record(r->ckpt);
		if (error == 0)
			error = take_record(r);
	}
	if (r->bytes != NULL)
		mipc_shmdt(r->ns, r->bytes);
	if (r->opened != NULL)
		mipc_ns_unpin(r->opened);
	if (error == 0)
		write_space(r->ns, &r->ckpt->space);
	return error;
}

/* The directory is on disk; or an error, with a reason. */
static int
sync_names(const struct restorer *r)
{
	int error = -mipc_sys_sync_fd(r->parent);

	if (error != 0)
		mipc_reason_set("the directory of %s cannot be put on disk: "
		    "%s", r->name, strerror(error));
	return error;
}

/*
 * Remove what has the name in which we build: 0 also if there is nothing.  It
 * may be what was replaced by one who was killed, and on disk not yet be.
 */
static int
clear_aside(struct restorer *r)
{
	struct stat st;
	int error = 0;

	if (mipc_sys_stat(r->parent, r->aside, &st, AT_SYMLINK_NOFOLLOW) ==
	    -ENOENT)
		return 0;
	error = sync_names(r);
	if (error != 0)
		return error;
	if (mipc_destroy(r->path) == 0)
		return 0;
	if (errno != ENOENT)
		error = errno;
	if (error == EBUSY)
		mipc_reason_set("%s: another process restores it", r->name);
	else if (error == 0)
		mipc_sys_unlink(r->parent, r->aside, AT_REMOVEDIR);
	return error;
}

static int
build(struct restorer *r)
{
	const int shared = r->ckpt->space.shared ? MIPC_SHARED : 0;
	int error;

	error = clear_aside(r);
	if (error != 0)
		return error;
	r->ns = mipc_open(r->path, MIPC_CREAT | MIPC_EXCL | shared);
	if (r->ns == NULL)
		return errno;
	error = fill(r);
	if (error == 0)		/* of its files, and of their names */
		error = -mipc_sys_sync_all(r->parent);
	return error;
}

/* --- in its place ------------------------------------------------------ */

/*
 * Exchange the two, on disk.  If that fails either may have the name there, so
 * both stay; here the old one has it again.
 */
static int
swap(struct restorer *r)
{
	int error = -mipc_sys_rename_exchange(r->parent, r->aside, r->name);

	if (error == EINVAL || error == ENOSYS) {
		mipc_reason_set("%s: this filesystem cannot exchange "
		    "directories: remove it first", r->name);
		return EPROTONOSUPPORT;
	}
	if (error != 0)
		return error;
	error = sync_names(r);
	if (error != 0) {
		mipc_sys_rename_exchange(r->parent, r->aside, r->name);
		r->kept = true;
	}
	return error;
}

/*
 * [gate] Under the lock nobody begins a life there.  What is removed then is
 * by its descriptor the old one, whose directory has our other name now.
 */
static int
exchange(struct restorer *r, struct mipc_ns *old, struct mipc_gate *gate)
{
	int error;

	error = mipc_ns_lock(old, gate);
	if (error != 0)
		return error;
	error = mipc_life_others(old->lives, false);
	if (error == 0)
		error = swap(r);
	if (error == 0) {
		old->store->ops->destroy(old->store);
		mipc_life_let_go(old->lives);
		mipc_sys_unlink(r->parent, r->aside, AT_REMOVEDIR);
	}
	mipc_ns_unlock(old);
	return error;
}

static int
replace(struct restorer *r, const char *dir)
{
	struct mipc_gate gate;
	struct mipc_ns *old;
	int error;

	old = mipc_open(dir, 0);
	if (old == NULL)
		return errno;
	mipc_gate_enter(&gate);
	error = old->attached != NULL ? EBUSY : exchange(r, old, &gate);
	mipc_gate_leave(&gate);
	mipc_close(old);
	if (error == EBUSY)
		mipc_reason_set("%s: in use by a process", dir);
	return error;
}

/* It is there, and is more than the checkpoint has. */
static int
leave(const char *dir)
{
	mipc_reason_set("%s: is there, and the checkpoint is of one segment: "
	    "everything else in it would be lost", dir);
	return EEXIST;
}

static int
place(struct restorer *r, const char *dir)
{
	int error;

	error = -mipc_sys_rename_new(r->parent, r->aside, r->name);
	if (error == EEXIST && mipc_ckpt_is_segment(r->ckpt))
		return leave(dir);
	if (error == EEXIST)
		return replace(r, dir);
	return error != 0 ? error : sync_names(r);
}

/* --- names ------------------------------------------------------------- */

/* The directory's parent, opened, and the names in it. */
static int
find_place(struct restorer *r, const char *dir)
{
	char parent[PATH_MAX];
	size_t end = strlen(dir), begin;

	while (end > 1 && dir[end - 1] == '/')
		end--;
	for (begin = end; begin > 0 && dir[begin - 1] != '/'; )
		begin--;
	if (end == begin || end - begin > NAME_MAX - 10 ||
	    begin + NAME_MAX + 2 >= sizeof(parent))
		return EINVAL;
	snprintf(r->name, sizeof(r->name), "%.*s", (int)(end - begin),
	    dir + begin);
	if (strcmp(r->name, ".") == 0 || strcmp(r->name, "..") == 0)
		return EINVAL;
	snprintf(r->aside, sizeof(r->aside), ".%.*s.restore", NAME_MAX - 10,
	    r->name);
	snprintf(parent, sizeof(parent), "%.*s", begin == 0 ? 1 : (int)begin,
	    begin == 0 ? "." : dir);
	snprintf(r->path, sizeof(r->path), "%.*s/%s", PATH_MAX - NAME_MAX - 2,
	    parent, r->aside);
	r->parent = mipc_sys_open(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY,
	    0);
	return r->parent < 0 ? -r->parent : 0;
}

static int
restore(struct restorer *r, const char *dir)
{
	char why[512];
	struct stat st;
	int error;

	error = find_place(r, dir);
	if (error != 0) {
		mipc_reason_set("%s: %s", dir, strerror(error));
		return error;
	}
	if (mipc_ckpt_is_segment(r->ckpt) && mipc_sys_stat(r->parent,
	    r->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		error = leave(dir);
	if (error == 0)
		error = build(r);
	if (error == 0)
		error = place(r, dir);
	if (error != 0 && mipc_reason_text()[0] == '\0')
		mipc_reason_set("%s: %s", dir, strerror(error));
	snprintf(why, sizeof(why), "%s", mipc_reason_text());
	if (r->ns != NULL) {
		mipc_close(r->ns);
		if (error != 0 && !r->kept)
			mipc_destroy(r->path);
	}
	mipc_reason_set("%s", why);
	mipc_sys_close(r->parent);
	return error;
}

MIPC_PUBLIC int
mipc_restore(const char *path, const char *dir,
    const struct mipc_progress *progress)
{
	struct restorer r;
	int error;

	memset(&r, 0, sizeof(r));
	mipc_gate_check();
	r.ckpt = mipc_ckpt_open(path, progress);
	if (r.ckpt == NULL)
		return -1;
	error = restore(&r, dir);
	mipc_ckpt_close(r.ckpt);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
