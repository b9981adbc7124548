/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys.c - verdicts about keys, kept by this process.
 *
 * A key that was looked up once is known with everything the answer to a
 * later *get depends on, as long as the index it leads to has the version it
 * had then.  So the usual shmget() is one look here and one at the entry.
 *
 * One line of the processor's cache a verdict, in a table that is searched
 * over a few neighbours.  Readers need no lock: a verdict is whole if its
 * sequence is even and the same before and after.
 */
#include "ns.h"

#define SLOTS		131072u
#define NEIGHBOURS	8u

struct slot {
	mipc_u32 seq;			/* odd while it changes; 0 unused */
	mipc_u32 key, version, mode;
	mipc_u32 uid, cuid, gid, cgid;
	mipc_u64 id, size;
	mipc_u32 kind;
	uint32_t pad[3];
};
_Static_assert(sizeof(struct slot) == 64, "one cache line");

static struct slot *
home(struct mipc_ns *ns, enum mipc_kind kind, uint32_t key)
{
	return (struct slot *)(void *)ns->keys +
	    ((key * 2654435769u >> 15) ^ (uint32_t)kind * 0x5555) % SLOTS;
}

static struct slot *
neighbour(struct mipc_ns *ns, struct slot *slot, uint32_t n)
{
	struct slot *base = (struct slot *)(void *)ns->keys;

	return base + ((uint32_t)(slot - base) + n) % SLOTS;
}

/* Copy a verdict; false if it changed meanwhile. */
static bool
copy(struct slot *slot, struct mipc_known *out)
{
	uint32_t seq = mipc_take(&slot->seq);

	if (seq == 0 || seq % 2 != 0)
		return false;
	out->kind = (enum mipc_kind)mipc_peek(&slot->kind);
	out->key = mipc_peek(&slot->key);
	out->version = mipc_peek(&slot->version);
	out->id = mipc_peek(&slot->id);
	out->size = mipc_peek(&slot->size);
	out->perm.mode = mipc_peek(&slot->mode);
	out->perm.uid = mipc_peek(&slot->uid);
	out->perm.cuid = mipc_peek(&slot->cuid);
	out->perm.gid = mipc_peek(&slot->gid);
	out->perm.cgid = mipc_peek(&slot->cgid);
	atomic_thread_fence(memory_order_acquire);
	return mipc_peek(&slot->seq) == seq;
}

static bool
still_true(struct mipc_ns *ns, const struct mipc_known *known)
{
	struct mipc_entry *entry;

	entry = &ns->space->entry[known->kind][known->id % MIPC_INDEX_MAX];
	return mipc_take(&entry->state) == MIPC_INDEX_LIVE &&
	    mipc_peek(&entry->version) == known->version &&
	    mipc_peek(&entry->id) == known->id;
}

bool
mipc_keys_find(struct mipc_ns *ns, enum mipc_kind kind, uint32_t key,
    struct mipc_known *out)
{
	struct slot *first = home(ns, kind, key), *slot;

	for (uint32_t n = 0; n < NEIGHBOURS; n++) {
		slot = neighbour(ns, first, n);
		if (mipc_peek(&slot->key) == key && copy(slot, out) &&
		    out->key == key && out->kind == kind)
			return still_true(ns, out);
		if (mipc_peek(&slot->seq) == 0)
			return false;
	}
	return false;
}

/* Where a key's verdict stands or may stand. */
static struct slot *
place(struct mipc_ns *ns, enum mipc_kind kind, uint32_t key)
{
	struct slot *first = home(ns, kind, key), *slot, *stale = NULL;
	struct mipc_known known;

	for (uint32_t n = 0; n < NEIGHBOURS; n++) {
		slot = neighbour(ns, first, n);
		if (mipc_peek(&slot->seq) == 0)
			return stale != NULL ? stale : slot;
		if (mipc_peek(&slot->key) == key &&
		    mipc_peek(&slot->kind) == (uint32_t)kind)
			return slot;
		if (stale == NULL && copy(slot, &known) &&
		    !still_true(ns, &known))
			stale = slot;
	}
	return stale != NULL ? stale : neighbour(ns, first, key % NEIGHBOURS);
}

void
mipc_keys_learn(struct mipc_ns *ns, const struct mipc_known *known)
{
	struct slot *slot = place(ns, known->kind, known->key);
	uint32_t seq = mipc_peek(&slot->seq);

	mipc_put(&slot->seq, seq + 1);
	mipc_step();		/* odd before the first new word */
	mipc_put(&slot->kind, known->kind);
	mipc_put(&slot->key, known->key);
	mipc_put(&slot->version, known->version);
	mipc_put(&slot->id, known->id);
	mipc_put(&slot->size, known->size);
	mipc_put(&slot->mode, known->perm.mode);
	mipc_put(&slot->uid, known->perm.uid);
	mipc_put(&slot->cuid, known->perm.cuid);
	mipc_put(&slot->gid, known->perm.gid);
	mipc_put(&slot->cgid, known->perm.cgid);
	mipc_give(&slot->seq, seq + 2 == 0 ? 2 : seq + 2);
}

size_t
mipc_keys_bytes(void)
{
	return SLOTS * sizeof(struct slot);
}
