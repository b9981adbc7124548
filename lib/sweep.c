/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sweep.c - what nobody came back to finish.
 *
 * When the last attacher of a removed segment was killed, nobody runs; so
 * whoever calls next into the namespace looks.  The namespace's attention map
 * says where; it is empty in a namespace at rest, and then this is one load.
 *
 * A removed segment remembers a witness, a life that was attached when it was
 * last looked at.  While the witness lives the segment is taken to be in use,
 * but for a few a call that are looked at all the same: a process may have
 * unmapped its attach by munmap(2) without telling the library.
 */
#include "sweep.h"

#include <errno.h>

#include "crash.h"

#define LOOKS	16u	/* at segments with a living witness, a call */

/* Files go and the index is free, if it is still this object. */
static void
release(struct mipc_ns *ns, struct mipc_gate *gate, enum mipc_kind kind,
    uint64_t id, enum mipc_index_state state)
{
	struct mipc_entry *entry = &ns->space->entry[kind][id %
	    MIPC_INDEX_MAX];

	if (mipc_ns_lock(ns, gate) != 0)
		return;
	/* The index may be another maker's by now. */
	if (state != MIPC_INDEX_MAKING ||
	    mipc_life_dead(ns->lives, mipc_peek(&entry->life)))
		mipc_ns_release(ns, kind, id, state);
	mipc_ns_unlock(ns);
	mipc_ns_forget(ns, kind, id);
}

/* [object] Is nothing left that maps the segment?  Marks it if so. */
static bool
is_over(struct mipc_ns *ns, struct mipc_opened *opened,
    struct mipc_entry *entry)
{
	mipc_life witness = 0;
	bool dead;

	mipc_segment_mark_removed(opened);
	if (mipc_peek(&opened->head->state) == MIPC_DESTROYED)
		return true;
	mipc_segment_settle(ns, opened);
	mipc_segment_count(ns, opened, &dead, &witness);
	mipc_put(&entry->life, witness);
	/* Never attached: whoever is about to finds it destroyed. */
	if (mipc_peek(&mipc_segment_of(opened)->attached) != 0 &&
	    ns->store->ops->mapped(ns->store, opened->id,
	    opened->kept_fd) != 0)
		return false;
	/*
	 * Where locks do not live with mappings a program may have closed the
	 * descriptor that held one: there the entries must agree.
	 */
	if (!ns->store->maps_tell && witness != 0)
		return false;
	mipc_segment_mark_destroyed(opened);
	return true;
}

static void
look_at_removed(struct mipc_ns *ns, struct mipc_gate *gate, uint64_t id)
{
	struct mipc_entry *entry = mipc_ns_entry(ns, MIPC_SHM, id);
	struct mipc_opened *opened;
	bool over;
	int error;

	if (entry == NULL)
		return;
	error = mipc_ns_get(ns, MIPC_SHM, id, &opened);
	if (error == EINVAL || error == EIO) {
		/* No head that could say anything: the mapping decides. */
		if (ns->store->ops->mapped(ns->store, id, -1) == 0)
			release(ns, gate, MIPC_SHM, id, MIPC_INDEX_DEST);
		return;
	}
	if (error != 0)
		return;
	over = false;
	if (mipc_ns_try_object(ns, opened) == 0) {
		over = is_over(ns, opened, entry);
		mipc_object_release(opened->head);
	}
	mipc_ns_unpin(opened);
	mipc_crash_point("sweep: judged");
	if (over)
		release(ns, gate, MIPC_SHM, id, MIPC_INDEX_DEST);
}

bool
mipc_sweep_seems_over(struct mipc_ns *ns, struct mipc_opened *opened)
{
	struct mipc_entry *entry = mipc_ns_entry(ns, MIPC_SHM, opened->id);
	bool dead;

	if (entry == NULL)
		return true;
	if (mipc_take(&entry->state) != MIPC_INDEX_DEST ||
	    mipc_segment_count(ns, opened, &dead, NULL) != 0)
		return false;
	return mipc_peek(&opened->head->state) == MIPC_DESTROYED ||
	    ns->store->ops->mapped(ns->store, opened->id,
	    opened->kept_fd) != EBUSY;
}

void
mipc_sweep_one(struct mipc_ns *ns, struct mipc_gate *gate, uint64_t id)
{
	struct mipc_entry *entry = mipc_ns_entry(ns, MIPC_SHM, id);

	if (entry != NULL && ns->lives->refuses == 0 &&
	    mipc_take(&entry->state) == MIPC_INDEX_DEST)
		look_at_removed(ns, gate, id);
}

void
mipc_sweep_removed(struct mipc_ns *ns, struct mipc_gate *gate,
    enum mipc_kind kind, uint64_t id)
{
	release(ns, gate, kind, id, MIPC_INDEX_DEST);
}

static void
look(struct mipc_ns *ns, struct mipc_gate *gate, enum mipc_kind kind,
    uint64_t index, uint32_t *looks)
{
	struct mipc_entry *entry = &ns->space->entry[kind][index];
	uint32_t state = mipc_take(&entry->state);
	uint64_t id = mipc_peek(&entry->id);
	mipc_life life = mipc_peek(&entry->life);

	if (state == MIPC_INDEX_MAKING && mipc_life_dead(ns->lives, life)) {
		release(ns, gate, kind, id, MIPC_INDEX_MAKING);
		return;
	}
	if (state == MIPC_INDEX_DEST && kind != MIPC_SHM)
		release(ns, gate, kind, id, MIPC_INDEX_DEST);
	if (state != MIPC_INDEX_DEST || kind != MIPC_SHM)
		return;
	if (life != 0 && !mipc_life_dead(ns->lives, life)) {
		if (*looks == 0)
			return;
		--*looks;
	}
	look_at_removed(ns, gate, id);
}

/*
 * H10: is this living segment one that nobody uses or will use?  A creator
 * that has run exec lives on as a process; its pid can only keep a segment
 * too long.
 */
static bool
is_orphan(struct mipc_ns *ns, struct mipc_opened *opened)
{
	struct mipc_object *head = opened->head;
	bool dead;

	if (mipc_segment_count(ns, opened, &dead, NULL) != 0)
		return false;
	return mipc_peek(&mipc_segment_of(opened)->attached) != 0 ||
	    (mipc_life_dead(ns->lives, head->creator) &&
	    mipc_sys_ended((pid_t)head->cpid));
}

/* With shm_rmid_forced: remove every segment that is left to itself. */
static void
remove_orphans(struct mipc_ns *ns, struct mipc_gate *gate)
{
	uint64_t top = (uint64_t)mipc_ns_highest(ns, MIPC_SHM) + 1, id;
	struct mipc_opened *opened;
	struct mipc_entry *entry;
	bool orphan;

	for (uint64_t i = 0; i < top; i++) {
		entry = mipc_ns_at(ns, MIPC_SHM, i);
		if (entry == NULL)
			continue;
		id = mipc_peek(&entry->id);
		if (mipc_ns_get(ns, MIPC_SHM, id, &opened) != 0)
			continue;
		orphan = is_orphan(ns, opened);
		if (orphan && mipc_ns_lock(ns, gate) == 0) {
			orphan = is_orphan(ns, opened);
			if (orphan)
				mipc_ns_remove(ns, MIPC_SHM, id, (uint32_t)
				    mipc_peek(&opened->head->key));
			mipc_ns_unlock(ns);
		}
		mipc_ns_unpin(opened);
		if (orphan)
			mipc_sweep_one(ns, gate, id);
	}
}

/* Words of a kind's attention map that may have bits. */
static uint64_t
attention_words(const struct mipc_ns *ns, int kind)
{
	uint64_t words;

	if (mipc_take(&ns->space->census[kind].attention) == 0)
		return 0;
	words = (mipc_take(&ns->space->census[kind].top) + 63) / 64;
	return words > MIPC_ATTENTION ? MIPC_ATTENTION : words;
}

static bool
forced(const struct mipc_ns *ns)
{
	return mipc_take(&ns->space->limit[MIPC_SHM_RMID_FORCED]) != 0;
}

/* Did somebody die with the namespace's lock? */
static bool
lock_is_left(struct mipc_ns *ns)
{
	mipc_life owner = mipc_take(&ns->space->lock.owner);

	return owner != 0 && mipc_life_dead(ns->lives, owner);
}

bool
mipc_sweep_names_left(struct mipc_ns *ns)
{
	mipc_life owner = mipc_take(&ns->space->lock.owner);
	struct mipc_canary canary[2];
	bool marked;

	if (owner == 0)
		return false;
	if (mipc_life_canaries(ns->lives, owner, canary, &marked) == 0)
		return mipc_life_dead(ns->lives, owner);
	return marked;
}

void
mipc_sweep(struct mipc_ns *ns, struct mipc_gate *gate)
{
	static mipc_u32 turn;
	uint32_t looks = LOOKS;
	uint64_t bits, words, w;

	if (ns->lives->refuses != 0)
		return;
	if (lock_is_left(ns) && mipc_ns_lock(ns, gate) == 0)
		mipc_ns_unlock(ns);	/* taking it finished the rest */
	if (forced(ns))
		remove_orphans(ns, gate);
	for (int kind = 0; kind < MIPC_KINDS; kind++) {
		words = attention_words(ns, kind);
		/* Begin elsewhere each time, so that looks go round. */
		for (uint64_t n = 0; n < words; n++) {
			w = (mipc_peek(&turn) + n) % words;
			bits = mipc_take(&ns->space->attention[kind][w]);
			for (; bits != 0; bits &= bits - 1)
				look(ns, gate, kind, w * 64 +
				    (uint64_t)__builtin_ctzll(bits), &looks);
		}
		if (words > 0)
			mipc_add(&turn, 1);
	}
}

/* Is a maker dead, or nobody known who still uses a removed one? */
static bool
is_due(struct mipc_ns *ns, int kind, uint64_t index)
{
	struct mipc_entry *entry = &ns->space->entry[kind][index];
	uint32_t state = mipc_take(&entry->state);
	mipc_life life = mipc_peek(&entry->life);

	return (state == MIPC_INDEX_MAKING || state == MIPC_INDEX_DEST) &&
	    (life == 0 || mipc_life_dead(ns->lives, life));
}

static bool
anything_due(struct mipc_ns *ns)
{
	uint64_t bits, words;

	if (forced(ns) || lock_is_left(ns))
		return true;
	for (int kind = 0; kind < MIPC_KINDS; kind++) {
		words = attention_words(ns, kind);
		for (uint64_t w = 0; w < words; w++) {
			bits = mipc_take(&ns->space->attention[kind][w]);
			for (; bits != 0; bits &= bits - 1)
				if (is_due(ns, kind, w * 64 + (uint64_t)
				    __builtin_ctzll(bits)))
					return true;
		}
	}
	return false;
}

void
mipc_sweep_if_due(struct mipc_ns *ns)
{
	struct mipc_gate gate;

	if (ns->lives->refuses != 0 || !anything_due(ns))
		return;
	mipc_gate_enter(&gate);
	mipc_sweep(ns, &gate);
	mipc_gate_leave(&gate);
}
