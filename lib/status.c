/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * status.c - what IPC_STAT tells of an object, read without opening it.
 *
 * To open an object maps its file, which takes longer than to read what it
 * begins with; and a mapping of many is wanted by nobody.  So the head is read
 * into a buffer, and what is there is judged as input.
 *
 * Whoever changes J words has the object's lock and makes the sequence odd;
 * IPC_SET and IPC_RMID also move the version of the namespace's entry, before
 * and after.  A head without an owner, of an even sequence that is the same
 * afterwards, is one state: the lock and the sequence stand before the words
 * that they cover, and the kernel copies forward.  Of a set, whose J words
 * nobody else changes, the version alone is asked, which is a load.
 *
 * The dead are not settled here: they are not counted, and the times are as
 * they left them.
 */
#include "status.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "control.h"
#include "segment.h"

#define READINGS	32
#define ENTRIES		64u	/* of attaches, read at a time */

/* What an object of each kind begins with. */
union head {
	struct mipc_object object;
	struct mipc_segment segment;
	struct mipc_semset set;
	struct mipc_msgqueue queue;
};

static const size_t head_bytes[MIPC_KINDS] = {
	[MIPC_SHM] = sizeof(struct mipc_segment),
	[MIPC_SEM] = sizeof(struct mipc_semset),
	[MIPC_MSG] = sizeof(struct mipc_msgqueue),
};

/* One object that is read. */
struct reading {
	struct mipc_ns *ns;
	enum mipc_kind kind;
	uint64_t id;
	struct mipc_entry *entry;
	struct mipc_source source;
	struct mipc_status *out;
	union head head;	/* has no size of its own: the last */
};

/* --- its head ---------------------------------------------------------- */

static int
read_exactly(const struct reading *r, uint64_t offset, void *buf, size_t size)
{
	ssize_t n = mipc_source_read(&r->source, offset, buf, size);

	return n < 0 ? (int)-n : (size_t)n == size ? 0 : EIO;
}

static int
check_head(const struct reading *r)
{
	const struct mipc_object *object = &r->head.object;
	const struct mipc_semset *set = &r->head.set;

	if (object->magic != MIPC_MAGIC_OBJECT ||
	    object->format != MIPC_FORMAT || object->kind != r->kind ||
	    mipc_peek(&object->id) != r->id ||
	    object->page != mipc_sys_page())
		return EIO;
	if (r->kind == MIPC_SHM && r->head.segment.size == 0)
		return EIO;
	if (r->kind == MIPC_SEM && (set->nsems < 1 ||
	    set->nsems > set->room || set->room > MIPC_SEMMSL_MOST))
		return EIO;
	if (r->kind == MIPC_MSG && r->head.queue.room > MIPC_MSG_BYTES_MOST)
		return EIO;
	return 0;
}

/* Is what was read one state?  `version` is from before. */
static int
is_one_state(const struct reading *r, uint32_t version, bool *same)
{
	const struct mipc_object *object = &r->head.object;
	uint64_t seq = mipc_peek(&object->seq), again;
	int error;

	/* Pairs with the version's change before IPC_SET's first store. */
	atomic_thread_fence(memory_order_acquire);
	*same = seq % 2 == 0 && mipc_peek(&object->lock.owner) == 0 &&
	    mipc_peek(&r->entry->version) == version;
	if (*same && r->kind == MIPC_SEM)
		return 0;
	error = read_exactly(r, offsetof(struct mipc_object, seq), &again,
	    sizeof(again));
	*same = seq % 2 == 0 && again == seq;
	return error;
}

/* --- what is behind it ------------------------------------------------- */

/* How many attaches the living have. */
static int
count_attaches(struct reading *r, uint64_t *total)
{
	struct mipc_segment *segment = &r->head.segment;
	uint64_t n = mipc_peek(&segment->used), at;
	struct mipc_attach entry[ENTRIES];
	uint32_t some;
	mipc_life life;
	int error = 0;

	if (n > mipc_peek(&segment->claimed))
		n = mipc_peek(&segment->claimed);
	if (n > MIPC_ATTACH_MAX)
		n = MIPC_ATTACH_MAX;
	*total = 0;
	for (uint64_t i = 0; i < n && error == 0; i += some) {
		some = n - i < ENTRIES ? (uint32_t)(n - i) : ENTRIES;
		at = sizeof(*segment) + i * sizeof(*entry);
		error = read_exactly(r, at, entry, some * sizeof(*entry));
		for (uint32_t k = 0; k < some && error == 0; k++) {
			life = mipc_peek(&entry[k].life);
			if (life != 0 && !mipc_segment_over(r->ns, life))
				*total += mipc_peek(&entry[k].count);
		}
	}
	return error;
}

/* Is a board's last transaction committed, and not known to be applied? */
static int
is_pending(const struct reading *r, enum mipc_msg_board which, uint64_t turn,
    bool *out)
{
	struct mipc_msg_layout layout;
	uint32_t party = (uint32_t)turn & 0xff;
	uint64_t done, at;
	int error;

	*out = false;
	if (party == 0 || party > MIPC_PARTIES)
		return 0;
	mipc_msg_lay_out(&layout, r->head.queue.room,
	    (uint32_t)mipc_sys_page());
	at = layout.table[MIPC_M_POCKETS] +
	    (party - 1) * (uint64_t)MIPC_PARTY_BYTES +
	    offsetof(struct mipc_pocket, party) +
	    which * sizeof(struct mipc_party) +
	    offsetof(struct mipc_party, done);
	error = read_exactly(r, at, &done, sizeof(done));
	*out = error == 0 && done != turn >> 8;
	return error;
}

/* Do the counts that were read belong together? */
static int
counts_agree(const struct reading *r, bool *same)
{
	const struct mipc_msgqueue *queue = &r->head.queue;
	uint64_t turn[2] = { mipc_peek(&queue->send_turn),
	    mipc_peek(&queue->take_turn) }, again[2];
	bool pending = false, other = false;
	int error;

	error = is_pending(r, MIPC_SENDING, turn[0], &pending);
	if (error == 0)
		error = is_pending(r, MIPC_TAKING, turn[1], &other);
	if (error == 0)
		error = read_exactly(r, offsetof(struct mipc_msgqueue,
		    send_turn), &again[0], sizeof(again[0]));
	if (error == 0)
		error = read_exactly(r, offsetof(struct mipc_msgqueue,
		    take_turn), &again[1], sizeof(again[1]));
	*same = error == 0 && !pending && !other && again[0] == turn[0] &&
	    again[1] == turn[1];
	return error;
}

/* --- the answer -------------------------------------------------------- */

static void
fill_perm(const struct reading *r, struct ipc_perm *out)
{
	const struct mipc_opened opened = {
		.head = (struct mipc_object *)(uintptr_t)&r->head.object,
		.id = r->id,
	};

	mipc_control_perm(&opened, out);
}

static int
fill_segment(struct reading *r, struct shmid_ds *out)
{
	struct mipc_segment *segment = &r->head.segment;
	uint64_t attaches;
	int error = count_attaches(r, &attaches);

	if (error != 0)
		return error;
	out->shm_segsz = (size_t)segment->size;
	out->shm_atime = (time_t)mipc_peek(&segment->atime);
	out->shm_dtime = (time_t)mipc_peek(&segment->dtime);
	out->shm_ctime = (time_t)mipc_peek(&segment->object.ctime);
	out->shm_cpid = (pid_t)segment->object.cpid;
	out->shm_lpid = (pid_t)mipc_peek(&segment->lpid);
	out->shm_nattch = (shmatt_t)attaches;
	return 0;
}

static void
fill_set(const struct reading *r, struct semid_ds *out)
{
	const struct mipc_semset *set = &r->head.set;
	uint64_t ctime = mipc_peek(&set->object.ctime);
	uint64_t changed = mipc_peek(&set->changed);

	out->sem_ctime = (time_t)(changed > ctime ? changed : ctime);
	out->sem_otime = (time_t)mipc_peek(&set->otime);
	out->sem_nsems = (unsigned short)set->nsems;
}

static void
fill_queue(const struct reading *r, struct msqid_ds *out)
{
	const struct mipc_msgqueue *queue = &r->head.queue;
	uint64_t head = mipc_peek(&queue->head);

	out->msg_ctime = (time_t)mipc_peek(&queue->object.ctime);
	out->msg_stime = (time_t)mipc_peek(&queue->stime);
	out->msg_rtime = (time_t)mipc_peek(&queue->rtime);
	out->msg_lspid = (pid_t)mipc_peek(&queue->lspid);
	out->msg_lrpid = (pid_t)mipc_peek(&queue->lrpid);
	out->msg_qbytes = (msglen_t)mipc_peek(&queue->qbytes);
	out->msg_qnum = (msgqnum_t)(mipc_peek(&queue->tail) - head +
	    MIPC_T_VALUE(mipc_peek(&queue->indexed)));
	out->__msg_cbytes = (unsigned long)MIPC_COUNT(mipc_peek(&queue->sent) -
	    MIPC_COUNT(mipc_peek(&queue->taken)));
}

/* One reading of everything; *same: it is one state. */
static int
read_once(struct reading *r, bool *same)
{
	uint32_t version = mipc_take(&r->entry->version);
	struct mipc_status *out = r->out;
	bool agree = true;
	int error;

	error = read_exactly(r, 0, &r->head, head_bytes[r->kind]);
	if (error == 0)
		error = check_head(r);
	if (error != 0)
		return error;
	memset(&out->ds, 0, sizeof(out->ds));
	fill_perm(r, &out->ds.perm);
	out->owner = mipc_peek(&r->head.object.lock.owner);
	out->since = mipc_peek(&r->head.object.lock.since);
	if (r->kind == MIPC_SHM)
		error = fill_segment(r, &out->ds.shm);
	else if (r->kind == MIPC_SEM)
		fill_set(r, &out->ds.sem);
	else
		fill_queue(r, &out->ds.msg);
	if (error == 0 && r->kind == MIPC_MSG)
		error = counts_agree(r, &agree);
	if (error == 0)
		error = is_one_state(r, version, same);
	*same = *same && agree;
	return error;
}

static int
read_until_same(struct reading *r)
{
	bool same = false;
	int error = 0;

	for (int i = 0; i < READINGS && !same && error == 0; i++) {
		if (i > 0)
			sched_yield();
		error = read_once(r, &same);
	}
	r->out->torn = !same;
	return error;
}

/* What the file system shows of one that may not be opened. */
static int
read_hidden(struct reading *r)
{
	struct mipc_perm perm;
	struct mipc_gate gate;
	uint64_t size;
	int error;

	mipc_gate_enter(&gate);
	error = r->ns->store->ops->glance(r->ns->store, r->kind, r->id, &perm,
	    &size);
	mipc_gate_leave(&gate);
	if (error != 0)
		return error;
	r->out->hidden = true;
	r->out->ds.perm.uid = r->out->ds.perm.cuid = perm.uid;
	r->out->ds.perm.gid = r->out->ds.perm.cgid = perm.gid;
	r->out->ds.perm.mode = (unsigned short)perm.mode;
	if (r->kind == MIPC_SHM)
		r->out->ds.shm.shm_segsz = (size_t)size;
	return 0;
}

/* The gate is for a directory that the program has closed. */
static int
begin(struct reading *r)
{
	struct mipc_store *store = r->ns->store;
	struct mipc_gate gate;
	int error;

	error = store->ops->look(store, r->kind, r->id, false, &r->source);
	if (error == 0 || error == EACCES || error == EMFILE ||
	    error == ENFILE)
		return error;
	mipc_gate_enter(&gate);
	error = store->ops->look(store, r->kind, r->id, true, &r->source);
	mipc_gate_leave(&gate);
	return error == ELOOP || error == ENXIO ? EIO : error;
}

/* It is removed, and nobody alive has it attached. */
static bool
is_left(const struct reading *r)
{
	return mipc_take(&r->entry->state) == MIPC_INDEX_DEST &&
	    (r->kind != MIPC_SHM || r->out->hidden ||
	    r->out->ds.shm.shm_nattch == 0);
}

int
mipc_status_read(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id,
    struct mipc_status *out)
{
	struct reading r = { .ns = ns, .kind = kind, .id = id, .out = out,
	    .entry = mipc_ns_entry(ns, kind, id) };
	int error;

	memset(out, 0, sizeof(*out));
	if (r.entry == NULL)
		return EINVAL;
	error = begin(&r);
	if (error == 0) {
		error = read_until_same(&r);
		mipc_source_close(&r.source);
	} else if (error == EACCES) {
		error = read_hidden(&r);
	}
	/* It went meanwhile, or its files are going. */
	if (mipc_ns_entry(ns, kind, id) == NULL || is_left(&r))
		return EINVAL;
	return error;
}

int
mipc_status_stat(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id,
    bool any, struct mipc_status *out)
{
	int error = mipc_status_read(ns, kind, id, out);

	if (error == 0 && !any && (out->hidden ||
	    !mipc_control_may_read(&out->ds.perm)))
		error = EACCES;
	return error == ENOENT ? EINVAL : error;
}
