/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm.c - shmget, shmat and shmdt over the layers below: clauses G1-G3, H1-H4.
 */
#include "shm.h"

#include <errno.h>
#include <sys/shm.h>

#include "attach.h"
#include "crash.h"
#include "futex.h"
#include "mipc.h"
#include "sweep.h"

#define TRIES	1000	/* lost races for a segment's lock; more is damage */

static int
answer(int error, int value)
{
	if (error == 0)
		return value;
	errno = error;
	return -1;
}

/* --- shmget ------------------------------------------------------------ */

MIPC_PUBLIC int
mipc_shmget(struct mipc_ns *ns, key_t key, size_t size, int flags)
{
	struct mipc_wish wish = { &mipc_shm_maker, key, size, flags };

	return mipc_get(ns, &wish);
}

/* --- shmat ------------------------------------------------------------- */

/* H2: what the address and the flags mean together. */
static int
place(const void *address, int flags, struct mipc_mapping *m)
{
	uintptr_t at = (uintptr_t)address;
	uintptr_t low = (uintptr_t)SHMLBA - 1;

	if (at != 0 && (at & low) != 0) {
		if ((flags & SHM_RND) == 0)
			return EINVAL;
		at &= ~low;
		if (at == 0)
			return EINVAL;
	}
	if (at == 0 && (flags & SHM_REMAP) != 0)
		return EINVAL;
	m->address = (void *)at;
	m->replace = (flags & SHM_REMAP) != 0;
	m->writable = (flags & SHM_RDONLY) == 0;
	m->executable = (flags & SHM_EXEC) != 0;
	return 0;
}

/* H3: may the caller attach it so? */
static int
permitted(struct mipc_ns *ns, struct mipc_gate *gate,
    struct mipc_opened *opened, const struct mipc_mapping *m)
{
	unsigned bits = m->writable ? 0600 : 0400;
	struct mipc_perm perm;
	int error;

	error = mipc_ns_perm(ns, gate, opened, &perm);
	if (error != 0)
		return error;
	if (m->executable)
		bits |= 0100;
	return mipc_cred_may(&perm, bits) ? 0 : EACCES;
}

/* Count the attach; EINVAL if the segment went before its mapping came. */
static int
count_attach(struct mipc_ns *ns, struct mipc_gate *gate,
    struct mipc_opened *opened)
{
	struct mipc_segment *segment = mipc_segment_of(opened);
	struct mipc_attacher who = { .index = opened->entry };
	int error;

	error = mipc_ns_lock_object(ns, gate, opened);
	if (error != 0)
		return error;
	if (mipc_peek(&opened->head->state) == MIPC_DESTROYED) {
		error = EINVAL;
	} else {
		who.life = mipc_peek(&ns->lives->self);
		who.pid = mipc_peek(&ns->lives->slot->pid);
		/* A fork's child that could not be counted is so now. */
		who.known = opened->attaches > 0 &&
		    opened->entry < mipc_peek(&segment->claimed) &&
		    opened->entry < MIPC_ATTACH_MAX && mipc_peek(
		    &segment->entry[opened->entry].life) == who.life;
		error = mipc_segment_enter(ns, opened, &who,
		    who.known ? 1 : opened->attaches + 1);
		if (error == 0)
			opened->entry = who.index;
	}
	mipc_object_release(opened->head);
	return error == ENOSPC ? ENOMEM : error;
}

/* Whoever looks for mappings holds it for a moment, or was stopped then. */
static int
map_patiently(struct mipc_ns *ns, struct mipc_gate *gate,
    struct mipc_mapping *m)
{
	static mipc_u32 nobody_wakes;
	int error = EBUSY;

	for (int i = 0; i < TRIES && error == EBUSY; i++) {
		error = ns->store->ops->map(ns->store, m);
		if (error == EBUSY) {
			mipc_gate_leave(gate);
			mipc_futex_sleep(&nobody_wakes, 0, MIPC_MS);
			mipc_gate_enter(gate);
		}
	}
	return error == EBUSY ? EIO : error;
}

/* Past the end of what 64 bits address, which Linux tells from what is full. */
static bool
wraps(const struct mipc_mapping *m)
{
	uint64_t start = (uintptr_t)m->address;

	return start + m->size < start;
}

static int
map_it(struct mipc_ns *ns, struct mipc_gate *gate, struct mipc_opened *opened,
    struct mipc_mapping *m)
{
	const struct mipc_piece *like;
	int error;

	m->id = opened->id;
	m->size = opened->size;
	m->data = opened->data;
	m->kept_fd = opened->kept_fd;
	if (m->address != NULL && !m->replace && wraps(m))
		return EINVAL;
	like = m->address != NULL ? NULL :
	    mipc_attach_like(opened, m->writable, m->executable);
	m->again = like == NULL ? NULL : like->address;
	error = map_patiently(ns, gate, m);
	if (error == ENOMEM && m->address == NULL && mipc_ns_evict(ns) > 0)
		error = map_patiently(ns, gate, m);
	if (error != ENOENT && error != ELOOP && error != ENXIO &&
	    error != EIO)
		return error;
	/* Its data is gone, or something else: removed meanwhile, or damage. */
	return mipc_peek(&opened->head->state) == MIPC_DESTROYED ||
	    mipc_ns_entry(ns, MIPC_SHM, opened->id) == NULL ? EINVAL : EIO;
}

/* Undo a mapping that could not be counted. */
static void
unmap_it(struct mipc_ns *ns, struct mipc_gate *gate,
    struct mipc_opened *opened, struct mipc_mapping *m)
{
	if (m->kept_fd == opened->kept_fd)
		m->kept_fd = -1;
	ns->store->ops->unmap(ns->store, m);
	mipc_sweep_one(ns, gate, opened->id);
}

static void
advise(struct mipc_opened *opened, const struct mipc_piece *piece)
{
	if ((mipc_segment_of(opened)->flags & MIPC_SEGMENT_HUGE) != 0)
		mipc_sys_advise(piece->address, piece->length, MADV_HUGEPAGE);
	if ((mipc_peek(&opened->head->mode) & MIPC_MODE_LOCKED) != 0)
		mipc_sys_lock_memory(piece->address, piece->length);
}

/*
 * H10: on Linux an attach that fails for want of room counts as the last
 * detach.
 */
static void
note_failure(struct mipc_ns *ns, struct mipc_opened *opened)
{
	struct mipc_change change;

	if (mipc_take(&ns->space->limit[MIPC_SHM_RMID_FORCED]) == 0 ||
	    mipc_ns_try_object(ns, opened) != 0)
		return;
	mipc_change_begin(&change, opened->head);
	mipc_change_set(&change, &mipc_segment_of(opened)->attached, 1);
	mipc_change_commit(&change);
	mipc_object_release(opened->head);
}

/* One descriptor a segment holds the lock; another thread may be first. */
static void
keep(struct mipc_ns *ns, struct mipc_opened *opened,
    const struct mipc_mapping *m)
{
	struct mipc_mapping second = { .data = m->data,
	    .kept_fd = m->kept_fd };

	if (opened->kept_fd < 0)
		opened->kept_fd = m->kept_fd;
	else if (m->kept_fd != opened->kept_fd)
		ns->store->ops->unmap(ns->store, &second);
}

/* With the object pinned; the pin becomes the attach's on success. */
static int
attach(struct mipc_ns *ns, struct mipc_gate *gate, struct mipc_opened *opened,
    struct mipc_mapping *m)
{
	size_t page = ns->lives->page;
	struct mipc_piece piece = { .ns = ns, .opened = opened,
	    .writable = m->writable, .executable = m->executable };
	const int refuses = ns->lives->refuses;
	mipc_life self;
	int error;

	error = mipc_sweep_seems_over(ns, opened) ? EINVAL :
	    permitted(ns, gate, opened, m);
	if (error == 0 && refuses != 0 && m->writable)
		error = refuses;
	if (error == 0 && refuses == 0)
		error = mipc_life_self(ns->lives, &self);
	if (error == 0)
		error = mipc_attach_reserve();
	if (error != 0)
		return error;
	error = map_it(ns, gate, opened, m);
	if (error != 0) {
		note_failure(ns, opened);
		return error;
	}
	mipc_crash_point("shm: mapped");
	if (refuses == 0)
		error = count_attach(ns, gate, opened);
	if (error != 0) {
		unmap_it(ns, gate, opened, m);
		return error;
	}
	keep(ns, opened, m);
	piece.address = m->address;
	piece.length = (opened->size + page - 1) & ~(page - 1);
	advise(opened, &piece);
	mipc_attach_add(&piece, m->replace, gate);
	return 0;
}

MIPC_PUBLIC void *
mipc_shmat(struct mipc_ns *ns, int shmid, const void *addr, int flags)
{
	struct mipc_mapping m = { .kept_fd = -1 };
	struct mipc_opened *opened;
	struct mipc_gate gate;
	int error;

	mipc_gate_check();
	error = shmid < 0 ? EINVAL : place(addr, flags, &m);
	if (error == 0) {
		mipc_gate_enter(&gate);
		mipc_sweep(ns, &gate);
		error = mipc_ns_get(ns, MIPC_SHM, (uint64_t)shmid, &opened);
		if (error == 0) {
			error = attach(ns, &gate, opened, &m);
			if (error != 0)
				mipc_ns_unpin(opened);
		}
		mipc_gate_leave(&gate);
	}
	if (error != 0) {
		errno = error;
		return (void *)-1;
	}
	return m.address;
}

MIPC_PUBLIC void
mipc_memory_changed(const void *address, size_t length)
{
	mipc_attach_unmapped(address, length);
}

MIPC_PUBLIC void
mipc_memory_moved(const void *old, size_t length, void *address)
{
	mipc_attach_moved(old, length, address);
}

MIPC_PUBLIC int
mipc_shmdt(struct mipc_ns *ns, const void *addr)
{
	struct mipc_gate gate;
	bool found;

	mipc_gate_check();
	mipc_sweep_if_due(ns);
	mipc_gate_enter(&gate);
	found = mipc_attach_remove(ns, addr, &gate);
	mipc_gate_leave(&gate);
	/* H10: what the last detach leaves may go now. */
	mipc_sweep_if_due(ns);
	return answer(found ? 0 : EINVAL, 0);
}
