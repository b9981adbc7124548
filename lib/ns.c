/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ns.c - which objects there are.
 *
 * An index goes FREE -> MAKING -> LIVE -> DEST -> FREE.  MAKING and DEST
 * stand in the attention map: someone who died may have left them, and the
 * sweep (sweep.c) looks at them.
 *
 *	create	reserve (MAKING), make the files, then under the lock: intent,
 *		key, LIVE.  The key is the commit; of a private object, LIVE.
 *	remove	under the lock: intent, key, DEST.  The files go when nothing
 *		maps them.
 *
 * Whoever takes the lock from the dead finishes their intent and counts the
 * census anew; so between intents the counters need no care.
 */
#include "ns.h"

#include <errno.h>

#include "crash.h"

#define SEQUENCES	(INT32_MAX / MIPC_INDEX_MAX + 1)

static struct mipc_entry *
entry_of(struct mipc_ns *ns, enum mipc_kind kind, uint64_t index)
{
	return &ns->space->entry[kind][index];
}

static void
attend(struct mipc_ns *ns, enum mipc_kind kind, uint64_t index, bool on)
{
	mipc_u64 *word = &ns->space->attention[kind][index / 64];
	struct mipc_census *census = &ns->space->census[kind];
	uint64_t bits = mipc_peek(word), bit = 1ull << (index % 64);

	if (((bits & bit) != 0) == on)
		return;
	mipc_put(word, bits ^ bit);
	mipc_put(&census->attention,
	    mipc_peek(&census->attention) + (on ? 1 : -1ull));
}

/*
 * Does an index of this state count as an object?  A removed segment does
 * while it is attached.  A removed set or queue is gone, though its file may
 * stay: the sticky bit keeps it for its owner when its creator removed it.
 */
static bool
counts(enum mipc_kind kind, uint32_t state)
{
	return state != MIPC_INDEX_FREE &&
	    (kind == MIPC_SHM || state != MIPC_INDEX_DEST);
}

static void
count(struct mipc_ns *ns, enum mipc_kind kind, uint64_t pages, bool more)
{
	struct mipc_census *census = &ns->space->census[kind];

	mipc_put(&census->in_use,
	    mipc_peek(&census->in_use) + (more ? 1 : -1ull));
	mipc_put(&census->pages,
	    mipc_peek(&census->pages) + (more ? pages : -pages));
}

/* --- recovery ---------------------------------------------------------- */

void
mipc_ns_recount(struct mipc_ns *ns, enum mipc_kind kind)
{
	struct mipc_census *census = &ns->space->census[kind];
	uint64_t claimed = mipc_peek(&census->claimed), in_use = 0, pages = 0;
	uint64_t top = 0, attention = 0;

	for (uint64_t i = 0; i < MIPC_ATTENTION; i++)
		mipc_put(&ns->space->attention[kind][i], 0);
	for (uint64_t i = 0; i < claimed && i < MIPC_INDEX_MAX; i++) {
		struct mipc_entry *entry = entry_of(ns, kind, i);
		uint32_t state = mipc_peek(&entry->state);

		if (state == MIPC_INDEX_FREE)
			continue;
		if (counts(kind, state)) {
			in_use++;
			pages += entry->pages;
		}
		top = i + 1;
		if (state != MIPC_INDEX_LIVE) {
			attention++;
			mipc_add(&ns->space->attention[kind][i / 64],
			    1ull << (i % 64));
		}
	}
	mipc_put(&census->in_use, in_use);
	mipc_put(&census->pages, pages);
	mipc_put(&census->top, top);
	mipc_put(&census->attention, attention);
}

static void
clear_intent(struct mipc_ns *ns)
{
	mipc_step();	/* everything it speaks of before it goes */
	mipc_give(&ns->space->intent.op, MIPC_NO_INTENT);
}

/* Finish what a dead owner of the lock was doing to names. */
static void
finish_intent(struct mipc_ns *ns)
{
	struct mipc_intent *intent = &ns->space->intent;
	uint64_t op = mipc_take(&intent->op), id = mipc_peek(&intent->id);
	uint64_t kind = mipc_peek(&intent->kind), named;
	uint32_t key = (uint32_t)mipc_peek(&intent->key);
	struct mipc_entry *entry;

	if (op == MIPC_NO_INTENT || kind >= MIPC_KINDS || id > INT32_MAX)
		return clear_intent(ns);
	entry = entry_of(ns, kind, id % MIPC_INDEX_MAX);
	if (mipc_peek(&entry->id) != id)
		return clear_intent(ns);
	if (op == MIPC_CREATE && ns->store->ops->key_find(ns->store, kind, key,
	    &named) == 0 && named == id)
		mipc_give(&entry->state, MIPC_INDEX_LIVE);
	if (op == MIPC_REMOVE && mipc_peek(&entry->state) != MIPC_INDEX_FREE) {
		ns->store->ops->key_clear(ns->store, kind, key, id);
		mipc_put(&entry->life, 0);
		mipc_give(&entry->state, MIPC_INDEX_DEST);
		mipc_add(&entry->version, 1);
	}
	clear_intent(ns);
}

int
mipc_ns_lock(struct mipc_ns *ns, struct mipc_gate *gate)
{
	mipc_life self;
	int error;

	for (;;) {
		error = mipc_life_self(ns->lives, &self);
		if (error != 0)
			return error;
		error = mipc_lock_try(&ns->space->lock, ns->lives, self);
		if (error != EBUSY)
			break;
		if (gate == NULL)
			return EBUSY;
		mipc_gate_leave(gate);
		mipc_lock_sleep(&ns->space->lock);
		mipc_gate_enter(gate);
	}
	if (error == EOWNERDEAD) {
		finish_intent(ns);
		for (int kind = 0; kind < MIPC_KINDS; kind++)
			mipc_ns_recount(ns, kind);
	}
	return 0;
}

void
mipc_ns_unlock(struct mipc_ns *ns)
{
	mipc_lock_release(&ns->space->lock);
}

/* --- indices ----------------------------------------------------------- */

/* The first free index in [from, to), or `to`. */
static uint64_t
first_free(struct mipc_ns *ns, enum mipc_kind kind, uint64_t from, uint64_t to)
{
	uint64_t claimed = mipc_peek(&ns->space->census[kind].claimed);

	for (uint64_t i = from; i < to; i++)
		if (i >= claimed || mipc_peek(&entry_of(ns, kind, i)->state) ==
		    MIPC_INDEX_FREE)
			return i;
	return to;
}

/*
 * G6, as Linux does it: cyclic, within half as many again as are in use, and
 * as many more as had to be passed over.
 */
static uint64_t
choose(struct mipc_ns *ns, enum mipc_kind kind)
{
	struct mipc_census *census = &ns->space->census[kind];
	uint64_t most = mipc_peek(&census->in_use) * 3 / 2;
	uint64_t cursor = mipc_peek(&census->cursor), index;

	if (most < 64)
		most = 64;
	most += ns->passed;
	if (most > MIPC_INDEX_MAX)
		most = MIPC_INDEX_MAX;
	index = cursor < most ? first_free(ns, kind, cursor, most) : most;
	if (index == most)
		index = first_free(ns, kind, 0, most);
	return index < most ? index : MIPC_INDEX_MAX;
}

/*
 * As choose(), but for who has wished for an id, which is a wish for one
 * object: its index, or the next free one, and its sequence.
 */
static uint64_t
choose_wished(struct mipc_ns *ns, enum mipc_kind kind, uint64_t *wish)
{
	mipc_u64 *word = &ns->space->wish[kind];

	*wish = mipc_take(word);
	if (*wish == 0 || *wish > SEQUENCES * (uint64_t)MIPC_INDEX_MAX ||
	    !mipc_swap_if(word, wish, 0)) {
		*wish = 0;
		return choose(ns, kind);
	}
	return first_free(ns, kind, (*wish - 1) % MIPC_INDEX_MAX,
	    MIPC_INDEX_MAX);
}

/* Give the entry's page space, before anything in it is promised. */
static int
claim(struct mipc_ns *ns, enum mipc_kind kind, uint64_t index)
{
	struct mipc_census *census = &ns->space->census[kind];
	uint64_t claimed = mipc_peek(&census->claimed), more = 128;
	int error;

	while (index >= claimed) {
		error = ns->store->ops->claim_space(ns->store,
		    (uint64_t)((char *)entry_of(ns, kind, claimed) -
		    (char *)ns->space), more * sizeof(struct mipc_entry));
		if (error != 0)
			return error;
		claimed += more;
		mipc_give(&census->claimed, claimed);
	}
	return 0;
}

/* G6: the sequence grows when the index does not advance. */
static uint64_t
next_id(struct mipc_census *census, uint64_t index)
{
	uint64_t sequence = mipc_peek(&census->sequence) % SEQUENCES;

	if (index + 1 <= mipc_peek(&census->last))
		sequence = (sequence + 1) % SEQUENCES;
	mipc_put(&census->sequence, sequence);
	mipc_put(&census->last, index + 1);
	mipc_put(&census->cursor, index + 1);
	return sequence * MIPC_INDEX_MAX + index;
}

int
mipc_ns_reserve(struct mipc_ns *ns, enum mipc_kind kind, uint64_t most,
    uint64_t pages, uint64_t *id)
{
	struct mipc_census *census = &ns->space->census[kind];
	struct mipc_entry *entry;
	uint64_t index, wish;
	int error;

	if (mipc_peek(&census->in_use) >= most)
		return ENOSPC;
	index = choose_wished(ns, kind, &wish);
	if (index >= MIPC_INDEX_MAX)
		return ENOSPC;
	error = claim(ns, kind, index);
	if (error != 0)
		return error;
	*id = wish == 0 ? next_id(census, index) :
	    (wish - 1) / MIPC_INDEX_MAX * MIPC_INDEX_MAX + index;
	entry = entry_of(ns, kind, index);
	mipc_put(&entry->id, *id);
	mipc_put(&entry->life, mipc_peek(&ns->lives->self));
	entry->pages = pages;
	mipc_add(&entry->version, 1);
	mipc_give(&entry->state, MIPC_INDEX_MAKING);
	mipc_crash_point("ns: reserved");
	attend(ns, kind, index, true);
	count(ns, kind, pages, true);
	if (mipc_peek(&census->top) <= index)
		mipc_put(&census->top, index + 1);
	return 0;
}

static void
write_intent(struct mipc_ns *ns, enum mipc_intent_op op, enum mipc_kind kind,
    uint64_t id, uint32_t key)
{
	struct mipc_intent *intent = &ns->space->intent;

#ifdef MIPC_BREAK_INTENT
	return;		/* a harness must see what this breaks */
#endif
	mipc_put(&intent->kind, kind);
	mipc_put(&intent->id, id);
	mipc_put(&intent->key, key);
	mipc_give(&intent->op, op);	/* complete before it counts */
	mipc_step();			/* and written before any name is */
	mipc_crash_point("ns: intent");
}

/* Give the key to this id; a key that leads nowhere is taken over. */
static int
set_key(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id, uint32_t key)
{
	const struct mipc_store_ops *ops = ns->store->ops;
	uint64_t other = 0;
	int error;

	error = ops->key_set(ns->store, kind, key, id);
	if (error != EEXIST)
		return error;
	if (mipc_ns_find(ns, kind, key, &other) == 0)
		return EEXIST;
	if (ops->key_find(ns->store, kind, key, &other) == 0) {
		error = ops->key_clear(ns->store, kind, key, other);
		if (error != 0)
			return error;
	}
	return ops->key_set(ns->store, kind, key, id);
}

int
mipc_ns_commit(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id,
    uint32_t key)
{
	uint64_t index = id % MIPC_INDEX_MAX;
	struct mipc_entry *entry = entry_of(ns, kind, index);
	int error = 0;

	if (mipc_peek(&entry->id) != id ||
	    mipc_peek(&entry->state) != MIPC_INDEX_MAKING)
		return EIO;
	if (key != 0) {
		write_intent(ns, MIPC_CREATE, kind, id, key);
		error = set_key(ns, kind, id, key);
		mipc_crash_point("ns: key set");
	}
	if (error == 0) {
		mipc_give(&entry->state, MIPC_INDEX_LIVE);
		attend(ns, kind, index, false);
	}
	if (key != 0)
		clear_intent(ns);
	return error;
}

int
mipc_ns_remove(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id,
    uint32_t key)
{
	struct mipc_entry *entry = mipc_ns_entry(ns, kind, id);
	int error = 0;

	if (entry == NULL)
		return EINVAL;
	if (mipc_peek(&entry->state) == MIPC_INDEX_DEST)	/* H7 */
		return kind == MIPC_SHM ? 0 : EINVAL;
	write_intent(ns, MIPC_REMOVE, kind, id, key);
	if (key != 0)
		error = ns->store->ops->key_clear(ns->store, kind, key, id);
	/*
	 * A key that the sticky bit keeps leads to a removed object from now
	 * on, and so counts as absent.
	 */
	if (error == EPERM || error == EACCES)
		error = 0;
	mipc_crash_point("ns: key cleared");
	if (error == 0) {
		mipc_put(&entry->life, 0);
		mipc_give(&entry->state, MIPC_INDEX_DEST);
		mipc_add(&entry->version, 1);
		attend(ns, kind, id % MIPC_INDEX_MAX, true);
		if (!counts(kind, MIPC_INDEX_DEST))
			count(ns, kind, entry->pages, false);
	}
	clear_intent(ns);
	return error;
}

int
mipc_ns_release(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id,
    enum mipc_index_state state)
{
	struct mipc_census *census = &ns->space->census[kind];
	uint64_t index = id % MIPC_INDEX_MAX, top;
	struct mipc_entry *entry = entry_of(ns, kind, index);
	int error;

	if (mipc_peek(&entry->id) != id || mipc_peek(&entry->state) != state)
		return 0;
	error = ns->store->ops->unmake(ns->store, kind, id);
	if (error != 0)
		return error;
	mipc_crash_point("ns: unmade");
	mipc_add(&entry->version, 1);
	mipc_give(&entry->state, MIPC_INDEX_FREE);
	attend(ns, kind, index, false);
	if (counts(kind, state))
		count(ns, kind, entry->pages, false);
	top = mipc_peek(&census->top);
	if (top > MIPC_INDEX_MAX)
		top = MIPC_INDEX_MAX;
	while (top > 0 && mipc_peek(&entry_of(ns, kind, top - 1)->state) ==
	    MIPC_INDEX_FREE)
		top--;
	mipc_put(&census->top, top);
	return 0;
}

/* --- looking ----------------------------------------------------------- */

struct mipc_entry *
mipc_ns_at(struct mipc_ns *ns, enum mipc_kind kind, uint64_t index)
{
	struct mipc_entry *entry;
	uint32_t state;

	if (index >= MIPC_INDEX_MAX ||
	    index >= mipc_take(&ns->space->census[kind].claimed))
		return NULL;
	entry = entry_of(ns, kind, index);
	state = mipc_take(&entry->state);
	return state == MIPC_INDEX_LIVE || state == MIPC_INDEX_DEST ? entry :
	    NULL;
}

struct mipc_entry *
mipc_ns_entry(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id)
{
	struct mipc_entry *entry;

	if (id > INT32_MAX)
		return NULL;
	entry = mipc_ns_at(ns, kind, id % MIPC_INDEX_MAX);
	return entry != NULL && mipc_peek(&entry->id) == id ? entry : NULL;
}

int
mipc_ns_highest(struct mipc_ns *ns, enum mipc_kind kind)
{
	uint64_t top = mipc_take(&ns->space->census[kind].top);

	if (top > MIPC_INDEX_MAX)
		return 0;
	while (top > 0 && !counts(kind,
	    mipc_take(&entry_of(ns, kind, top - 1)->state)))
		top--;
	return top == 0 ? 0 : (int)top - 1;
}

int
mipc_ns_find(struct mipc_ns *ns, enum mipc_kind kind, uint32_t key,
    uint64_t *id)
{
	struct mipc_entry *entry;
	uint64_t found;
	int error;

	error = ns->store->ops->key_find(ns->store, kind, key, &found);
	if (error != 0)
		return error;
	entry = mipc_ns_entry(ns, kind, found);
	if (entry == NULL || mipc_take(&entry->state) != MIPC_INDEX_LIVE)
		return ENOENT;
	*id = found;
	return 0;
}
