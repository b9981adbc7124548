/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_cut.c - sets and queues as all of them are at one moment.
 *
 * Nothing here is locked.  Everything is copied, and then looked at again:
 * every commit changes the turn of its board, a swap of one semaphore the
 * change counter in its word, a change of owner or mode the object's sequence,
 * and making or removing an object the namespace's entry.
 *
 *	copies	c1 c2 c3 | looks l1 l2 l3
 *
 * If no look finds a change since its copy, then at the bar all was as it was
 * copied: what was copied before the bar has not changed until a look after
 * it.  That nothing changed and changed back holds for turns and sequences,
 * whose numbers do not come again.  A semaphore's counter of 25 bits comes
 * again after 33 million swaps, which no machine does in SWAPS_NS: sets that
 * took longer from the first copy to the last look are copied again.
 *
 * Which published values are the newest (ckpt_publish.c) is read at the bar.
 * They are copied afterwards: writers leave them to this reader as to others.
 *
 * Where others change things all the time no copy would ever be quick enough.
 * So, after TRIES in which nobody waits, all are asked to keep still (still.c).
 * Each thread that was in a call then ends that, and the others wait; so within
 * as many changes as there are threads a copy is right.  That it is right is
 * found by the same looks: who does not see the request, or has waited long
 * enough, spoils a copy and no checkpoint.
 *
 * Of one segment all that is the same, with that segment as the only object.
 */
#include "ckpt.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "crash.h"
#include "gate.h"
#include "look.h"
#include "sem.h"
#include "still.h"
#include "store_dir.h"

#define SWAPS_NS	100000000u	/* 3 ns for each of 2^25 swaps */
#define TRIES		4		/* before all are asked to wait */
#define TRYING_NS	2000000000u
#define OVERTAKEN	10		/* by writers, however long it takes */

static const char *const one[MIPC_KINDS] = { "segment", "set", "queue" };

/* --- records ----------------------------------------------------------- */

int
mipc_cut_add(struct mipc_cut *cut, enum mipc_ckpt_type type, uint64_t length,
    uint64_t *at)
{
	uint64_t whole = sizeof(struct mipc_ckpt_record) +
	    mipc_ckpt_padded(length);
	struct mipc_ckpt_record *record;
	int error = mipc_heap_room(&cut->heap, whole);

	if (error != 0)
		return error;
	*at = cut->heap.used;
	record = mipc_cut_record(cut, *at);
	memset(record, 0, (size_t)whole);
	record->type = type;
	record->length = length;
	cut->heap.used += (size_t)whole;
	return 0;
}

/* --- the namespace ----------------------------------------------------- */

/* Of everything that making, removing and permitting objects changes. */
static uint64_t
sum_of_names(struct mipc_ns *ns)
{
	struct mipc_entry *entry;
	uint64_t sum = 0, n, word[3];

	for (int kind = 0; kind < MIPC_KINDS; kind++) {
		n = mipc_take(&ns->space->census[kind].claimed);
		for (uint64_t i = 0; i < n && i < MIPC_INDEX_MAX; i++) {
			entry = &ns->space->entry[kind][i];
			word[0] = mipc_take(&entry->state);
			word[1] = mipc_take(&entry->version);
			word[2] = mipc_take(&entry->id);
			sum = mipc_ckpt_sum(sum, word, sizeof(word));
		}
		sum = mipc_ckpt_sum(sum, &n, sizeof(n));
	}
	return sum;
}

static int
copy_space(struct mipc_cut *cut)
{
	const struct mipc_space *space = cut->ns->space;
	struct mipc_store *store = cut->ns->store;
	struct mipc_ckpt_space *to;
	uint64_t at;
	int error;

	error = mipc_cut_add(cut, MIPC_CKPT_SPACE, sizeof(*to), &at);
	if (error != 0)
		return error;
	to = (void *)(mipc_cut_record(cut, at) + 1);
	to->uid = space->uid;
	to->born = space->born;
	to->shared = !store->anonymous && of(store)->dir.shared;
	to->objects = cut->objects;
	for (int i = 0; i < MIPC_LIMITS; i++)
		to->limit[i] = mipc_peek(&space->limit[i]);
	for (int kind = 0; kind < MIPC_KINDS; kind++) {
		const struct mipc_census *census = &space->census[kind];

		to->wish[kind] = mipc_peek(&space->wish[kind]);
		to->census[kind].cursor = mipc_peek(&census->cursor);
		to->census[kind].last = mipc_peek(&census->last);
		to->census[kind].sequence = mipc_peek(&census->sequence);
	}
	return 0;
}

/* --- what is there ----------------------------------------------------- */

/* Nothing that a dead process left may be seen in a copy. */
static int
settle(struct mipc_ns *ns, enum mipc_kind kind, struct mipc_opened *opened)
{
	struct mipc_perm perm;
	struct mipc_gate gate;
	struct mipc_set set;
	int error;

	mipc_gate_enter(&gate);
	error = mipc_ns_perm(ns, &gate, opened, &perm);
	mipc_gate_leave(&gate);
	if (error != 0 || kind != MIPC_SEM)
		return error;
	error = mipc_set_enter(&set, ns, (int)opened->id);
	if (error != 0)
		return error;
	error = mipc_value_settle(&set);
	mipc_set_leave(&set);
	return error;
}

static int
enter(struct mipc_cut *cut, enum mipc_kind kind, uint64_t id)
{
	struct mipc_cut_object *object;
	struct mipc_look look;
	int error;

	error = mipc_heap_room(&cut->table, sizeof(*object));
	if (error == 0)
		error = mipc_look_enter(&look, cut->ns, kind, (int)id);
	if (error == 0) {
		cut->object = (void *)cut->table.base;
		cut->table.used += sizeof(*object);
		object = &cut->object[cut->objects++];
		*object = (struct mipc_cut_object){ .opened = look.opened };
		error = settle(cut->ns, kind, look.opened);
	}
	if (error == EINVAL || error == EIDRM)
		return EAGAIN;		/* it went meanwhile */
	if (error != 0)
		mipc_reason_set("%s %d: %s", one[kind], (int)id,
		    error == EIO ? "its file is damaged" : strerror(error));
	return error;
}

/* All living objects, opened. */
static int
list(struct mipc_cut *cut)
{
	struct mipc_ns *ns = cut->ns;
	struct mipc_entry *entry;
	int error = 0;

	for (int kind = 0; kind < MIPC_KINDS; kind++)
		for (int i = 0; error == 0 && i <= mipc_ns_highest(ns, kind);
		    i++) {
			entry = mipc_ns_at(ns, kind, (uint64_t)i);
			if (entry != NULL && mipc_take(&entry->state) ==
			    MIPC_INDEX_LIVE)
				error = enter(cut, kind,
				    mipc_peek(&entry->id) & INT32_MAX);
		}
	return error;
}

/* The segment alone that is asked for. */
static int
list_segment(struct mipc_cut *cut)
{
	const uint64_t id = (uint64_t)*cut->segment;
	struct mipc_entry *entry = mipc_ns_entry(cut->ns, MIPC_SHM, id);

	if (entry != NULL && mipc_take(&entry->state) == MIPC_INDEX_LIVE)
		return enter(cut, MIPC_SHM, id);
	mipc_reason_set("segment %d: %s", *cut->segment, entry != NULL ?
	    "it was removed" : "there is none");
	return entry != NULL ? EIDRM : EINVAL;
}

/* --- copies ------------------------------------------------------------ */

void
mipc_cut_head(struct mipc_cut_object *o, struct mipc_ckpt_object *to)
{
	struct mipc_object *head = o->opened->head;

	o->seq = mipc_seq_begin(head);
	to->kind = o->opened->kind;
	to->id = o->opened->id;
	to->key = mipc_peek(&head->key);
	to->mode = mipc_peek(&head->mode) & 0777;
	to->uid = mipc_peek(&head->uid);
	to->gid = mipc_peek(&head->gid);
	to->ctime = mipc_peek(&head->ctime);
	to->cuid = head->cuid;
	to->cgid = head->cgid;
	to->cpid = head->cpid;
	to->born = head->born;
	memcpy(to->command, head->command, sizeof(to->command) - 1);
}

bool
mipc_cut_head_is_same(const struct mipc_cut_object *o)
{
	return o->seq % 2 == 0 && mipc_seq_same(o->opened->head, o->seq);
}

static int
copy_segment(struct mipc_cut *cut, struct mipc_cut_object *o)
{
	struct mipc_segment *segment = (void *)o->opened->head;
	struct mipc_ckpt_object *to;
	int error;

	error = mipc_cut_add(cut, MIPC_CKPT_OBJECT, sizeof(*to), &o->at);
	if (error != 0)
		return error;
	to = mipc_cut_object(cut, o->at);
	mipc_cut_head(o, to);
	to->size = o->opened->size;
	to->flags = segment->flags & MIPC_SEGMENT_NORESERVE;
	to->time[0] = mipc_peek(&segment->atime);
	to->time[1] = mipc_peek(&segment->dtime);
	to->pid[0] = mipc_peek(&segment->lpid);
	return mipc_cut_head_is_same(o) ? 0 : EAGAIN;
}

static int
copy_set(struct mipc_cut *cut, struct mipc_cut_object *o)
{
	struct mipc_ckpt_object *to;
	struct mipc_set set;
	int error;

	error = mipc_cut_add(cut, MIPC_CKPT_OBJECT, sizeof(*to) +
	    o->opened->size * 8, &o->at);
	if (error != 0)
		return error;
	to = mipc_cut_object(cut, o->at);
	mipc_set_view(&set, cut->ns, o->opened);
	o->seen[0] = mipc_txn_begin(&set.board);
	mipc_cut_head(o, to);
	to->size = set.nsems;
	to->time[0] = mipc_peek(&set.head->otime);
	to->time[1] = mipc_peek(&set.head->changed);
	for (uint32_t i = 0; i < set.nsems; i++)
		mipc_ckpt_sems(to)[i] = mipc_take(&set.head->sem[i]);
	return 0;
}

/* --- looks ------------------------------------------------------------- */

static bool
set_is_same(struct mipc_cut *cut, const struct mipc_cut_object *o)
{
	const struct mipc_ckpt_object *copy = mipc_cut_object(cut, o->at);
	struct mipc_set set;

	mipc_set_view(&set, cut->ns, o->opened);
	for (uint32_t i = 0; i < set.nsems; i++)
		if (mipc_take(&set.head->sem[i]) != mipc_ckpt_sems(copy)[i])
			return false;
	return mipc_txn_same(&set.board, o->seen[0]) &&
	    mipc_cut_head_is_same(o);
}

/* What a semaphore's word says to others than its set. */
static void
strip(struct mipc_ckpt_object *copy)
{
	uint64_t *sem = mipc_ckpt_sems(copy);

	for (uint64_t i = 0; i < copy->size; i++)
		sem[i] = mipc_ckpt_sem(MIPC_SEM_VALUE(sem[i]),
		    MIPC_SEM_PID(sem[i]));
}

/* --- a cut ------------------------------------------------------------- */

typedef int cut_copy(struct mipc_cut *, struct mipc_cut_object *);

static int
copy_all(struct mipc_cut *cut, enum mipc_kind kind, cut_copy *copy)
{
	struct mipc_cut_object *o;
	int error = 0;

	for (uint32_t i = 0; i < cut->objects && error == 0; i++) {
		o = &cut->object[i];
		if (o->opened->kind != kind)
			continue;
		error = copy(cut, o);
		o->end = cut->heap.used;
		if (error == EIO)
			mipc_reason_set("%s %d: its file is damaged",
			    one[kind], (int)o->opened->id);
	}
	return error;
}

typedef bool cut_look(struct mipc_cut *, const struct mipc_cut_object *);

static bool
are_same(struct mipc_cut *cut, enum mipc_kind kind, cut_look *is_same)
{
#ifdef MIPC_BREAK_CUT
	return true;		/* a test must see what this breaks */
#endif
	for (uint32_t i = 0; i < cut->objects; i++)
		if (cut->object[i].opened->kind == kind &&
		    !is_same(cut, &cut->object[i]))
			return false;
	return true;
}

/* Sets last and first: for them the time counts. */
static int
copy_and_look(struct mipc_cut *cut)
{
	uint64_t began;
	int error;

	error = copy_space(cut);
	if (error == 0)
		error = copy_all(cut, MIPC_SHM, copy_segment);
	if (error == 0)
		error = copy_all(cut, MIPC_MSG, mipc_cut_queue);
	began = mipc_sys_monotonic_ns();
	if (error == 0)
		error = copy_all(cut, MIPC_SEM, copy_set);
	if (error == 0)
		error = mipc_values_read(cut);
	if (error != 0)
		return error;
	atomic_thread_fence(memory_order_acquire);
	if (!are_same(cut, MIPC_SEM, set_is_same) ||
	    mipc_sys_monotonic_ns() - began > SWAPS_NS ||
	    !are_same(cut, MIPC_MSG, mipc_cut_queue_is_same) ||
	    sum_of_names(cut->ns) != cut->names)
		return EAGAIN;
	for (uint32_t i = 0; i < cut->objects; i++)
		if (cut->object[i].opened->kind == MIPC_SEM)
			strip(mipc_cut_object(cut, cut->object[i].at));
	return 0;
}

int
mipc_cut_source(const struct mipc_cut *cut, const struct mipc_cut_object *o,
    struct mipc_source *out)
{
	struct mipc_store *store = cut->ns->store;
	struct mipc_gate gate;
	int error;

	if (cut->memory != NULL) {
		*out = (struct mipc_source){ .base = cut->memory,
		    .size = o->opened->size, .fd = -1 };
		return 0;
	}
	mipc_gate_enter(&gate);
	error = store->ops->look_data(store, o->opened->id, o->opened->data,
	    o->opened->size, out);
	mipc_gate_leave(&gate);
	return error;
}

/* Forget what was copied, and what was opened for it. */
static void
let_go(struct mipc_cut *cut)
{
	for (uint32_t i = 0; i < cut->objects; i++)
		mipc_ns_unpin(cut->object[i].opened);
	cut->objects = 0;
	cut->heap.used = cut->table.used = 0;
}

static int
try(struct mipc_cut *cut)
{
	int error;

	let_go(cut);
	cut->names = sum_of_names(cut->ns);
	error = cut->segment != NULL ? list_segment(cut) : list(cut);
	if (error == 0)
		error = mipc_values_find(cut);
	mipc_crash_point("cut: found");
	if (error == 0)
		error = copy_and_look(cut);
	if (error != 0)
		mipc_values_leave(cut);
	return error;
}

/* For who may go on to change things; or for a while nobody begins to. */
static int
try_often(struct mipc_cut *cut)
{
	int error = EAGAIN;

	for (int i = 0; i < TRIES && error == EAGAIN; i++)
		error = try(cut);
	return error;
}

static int
try_still(struct mipc_cut *cut)
{
	uint64_t end = mipc_sys_monotonic_ns() + MIPC_STILL_ASKED_NS;
	struct mipc_still still;
	int error;

	mipc_still_begin(&still, cut->ns);
	do {
		mipc_still_ask(&still);
		error = try(cut);
		if (error == EAGAIN)
			sched_yield();	/* to who changes it */
	} while (error == EAGAIN && mipc_sys_monotonic_ns() < end);
	mipc_still_end(&still);
	return error;
}

/* All of one moment: and then what of it needs no haste. */
static int
try_all(struct mipc_cut *cut, bool *overtaken)
{
	int error = try_often(cut);

	if (error == EAGAIN)
		error = try_still(cut);
	*overtaken = error == 0;
	if (error == 0)
		error = mipc_values_copy(cut);
	return error;
}

int
mipc_cut_make(struct mipc_cut *cut, struct mipc_ns *ns, const int *segment)
{
	uint64_t end = mipc_sys_monotonic_ns() + TRYING_NS;
	bool overtaken;
	int error, n = 0;

	*cut = (struct mipc_cut){ .ns = ns, .segment = segment };
	do {
		error = try_all(cut, &overtaken);
		n += overtaken;
	} while (error == EAGAIN && (mipc_sys_monotonic_ns() < end ||
	    (overtaken && n < OVERTAKEN)));
	if (error == EAGAIN)
		mipc_reason_set(overtaken ? "writers overtook every copy of a "
		    "published value" : "the sets and queues were never the "
		    "same for as long as it takes to copy them");
	else if (error != 0 && mipc_reason_text()[0] == '\0')
		mipc_reason_set("the namespace: %s", strerror(error));
	return error;
}

void
mipc_cut_free(struct mipc_cut *cut)
{
	let_go(cut);
	mipc_values_free(cut);
	mipc_heap_free(&cut->heap);
	mipc_heap_free(&cut->table);
}
