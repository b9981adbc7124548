/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * segment.c - who has a segment attached, as the segment itself says.
 *
 * One entry a life, with the number of its attaches.  An entry never moves
 * while its life goes on, so a process finds its own by index.  What the dead
 * left is settled by whoever looks: nattch, dtime and lpid are then what the
 * kernel's would be, but that dtime is the time they were found.
 */
#include "segment.h"

#include <errno.h>
#include <sys/shm.h>

uint64_t
mipc_segment_first_page(size_t page)
{
	return (page - sizeof(struct mipc_segment)) /
	    sizeof(struct mipc_attach);
}

/* Two loads, the smaller of the two. */
uint64_t
mipc_segment_entries(const struct mipc_opened *opened)
{
	const struct mipc_segment *segment = mipc_segment_of(opened);
	uint64_t used = mipc_take(&segment->used);
	uint64_t claimed = mipc_take(&segment->claimed);
	uint64_t most = (opened->map.size - sizeof(*segment)) /
	    sizeof(struct mipc_attach);

	if (used > claimed)
		used = claimed;
	return used > most ? most : used;
}

/*
 * Who is in exit uses no memory any more, though it may take the kernel time
 * to take it down: whoever has got the semaphore of such a one already must
 * not find its attaches, which the kernel ends first.
 */
bool
mipc_segment_over(struct mipc_ns *ns, mipc_life life)
{
	return mipc_life_dead(ns->lives, life) ||
	    mipc_life_gone(ns->lives, life);
}

uint64_t
mipc_segment_count(struct mipc_ns *ns, struct mipc_opened *opened, bool *dead,
    mipc_life *witness)
{
	struct mipc_segment *segment = mipc_segment_of(opened);
	uint64_t n = mipc_segment_entries(opened), total = 0;
	mipc_life life;

	*dead = false;
	for (uint64_t i = 0; i < n; i++) {
		life = mipc_take(&segment->entry[i].life);
		if (life == 0)
			continue;
		if (mipc_segment_over(ns, life)) {
			*dead = true;
			continue;
		}
		total += mipc_peek(&segment->entry[i].count);
		if (witness != NULL)
			*witness = life;
	}
	return total;
}

/* The table's end after entry `index` is freed. */
static uint64_t
end_without(const struct mipc_segment *segment, uint64_t index)
{
	uint64_t used = mipc_peek(&segment->used);

	if (index + 1 != used)
		return used;
	while (used > 0 && (used - 1 == index ||
	    mipc_peek(&segment->entry[used - 1].life) == 0))
		used--;
	return used;
}

/* A pid of 0 is nobody's: who was there last stays so. */
static void
free_entry(struct mipc_opened *opened, uint64_t index, uint64_t pid)
{
	struct mipc_segment *segment = mipc_segment_of(opened);
	struct mipc_attach *entry = &segment->entry[index];
	struct mipc_change change;

	mipc_change_begin(&change, opened->head);
	mipc_change_set(&change, &entry->life, 0);
	mipc_change_set(&change, &entry->count, 0);
	mipc_change_set(&change, &segment->used, end_without(segment, index));
	mipc_change_set(&change, &segment->dtime, mipc_sys_seconds());
	if (pid != 0)
		mipc_change_set(&change, &segment->lpid, pid);
	mipc_change_commit(&change);
}

/*
 * Whose entry this is; a fork's child never wrote its pid there.  0 if it
 * cannot be told: the child ended before it said it, or its slot is another's.
 */
static uint64_t
pid_of(struct mipc_ns *ns, const struct mipc_segment *segment, uint64_t i)
{
	uint64_t pid = mipc_peek(&segment->entry[i].pid);

	return pid != 0 ? pid : mipc_life_pid(ns->lives,
	    mipc_peek(&segment->entry[i].life));
}

void
mipc_segment_settle(struct mipc_ns *ns, struct mipc_opened *opened)
{
	struct mipc_segment *segment = mipc_segment_of(opened);
	mipc_life life;

	for (uint64_t i = mipc_segment_entries(opened); i-- > 0; ) {
		life = mipc_peek(&segment->entry[i].life);
		if (life != 0 && mipc_life_dead(ns->lives, life))
			free_entry(opened, i, pid_of(ns, segment, i));
	}
}

/* The first free entry, or the first beyond those in use. */
static uint64_t
first_free(const struct mipc_segment *segment,
    const struct mipc_opened *opened)
{
	uint64_t n = mipc_segment_entries(opened), i;

	for (i = 0; i < n; i++)
		if (mipc_peek(&segment->entry[i].life) == 0)
			break;
	return i;
}

/*
 * A free entry, given space if it never had any.  Before the table grows the
 * dead make room: who forks and forks need not be looked at by anybody.
 */
static int
find_entry(struct mipc_ns *ns, struct mipc_opened *opened, uint32_t *out)
{
	struct mipc_segment *segment = mipc_segment_of(opened);
	uint64_t more = ns->lives->page / sizeof(struct mipc_attach), offset;
	uint64_t i = first_free(segment, opened);
	int error;

	if (i > 0 && i >= mipc_peek(&segment->used)) {
		mipc_segment_settle(ns, opened);
		i = first_free(segment, opened);
	}
	if (i >= MIPC_ATTACH_MAX)
		return ENOSPC;
	if (i >= mipc_peek(&segment->claimed)) {
		offset = sizeof(*segment) + i * sizeof(struct mipc_attach);
		error = ns->store->ops->claim(ns->store, MIPC_SHM, opened->id,
		    &opened->map, offset, ns->lives->page);
		if (error != 0)
			return error;
		mipc_give(&segment->claimed, i + more);
	}
	*out = (uint32_t)i;
	return 0;
}

int
mipc_segment_enter(struct mipc_ns *ns, struct mipc_opened *opened,
    struct mipc_attacher *who, uint64_t n)
{
	struct mipc_segment *segment = mipc_segment_of(opened);
	uint64_t now = mipc_sys_seconds();
	struct mipc_attach *entry;
	struct mipc_change change;
	int error;

	if (!who->known) {
		error = find_entry(ns, opened, &who->index);
		if (error != 0)
			return error;
	}
	entry = &segment->entry[who->index];
	mipc_change_begin(&change, opened->head);
	if (!who->known) {
		mipc_change_set(&change, &entry->life, who->life);
		mipc_change_set(&change, &entry->count, n);
		mipc_change_set(&change, &entry->pid, who->pid);
		mipc_change_set(&change, &entry->since, now);
		if (who->index >= mipc_peek(&segment->used))
			mipc_change_set(&change, &segment->used,
			    who->index + 1u);
	} else {
		mipc_change_set(&change, &entry->count,
		    mipc_peek(&entry->count) + n);
	}
	mipc_change_set(&change, &segment->attached, 1);
	mipc_change_set(&change, &segment->atime, now);
	mipc_change_set(&change, &segment->lpid, who->pid);
	mipc_change_commit(&change);
	who->known = true;
	return 0;
}

/*
 * Invariant: an entry counts from the store of its life on, which comes last;
 * what stands in a free entry, and a table that ends later than it must, mean
 * nothing.  The times may be those of a fork that never came.
 */
int
mipc_segment_inherit(struct mipc_ns *ns, struct mipc_opened *opened,
    struct mipc_attacher *who, uint64_t n)
{
	struct mipc_segment *segment = mipc_segment_of(opened);
	uint64_t now = mipc_sys_seconds();
	struct mipc_attach *entry;
	int error;

	error = find_entry(ns, opened, &who->index);
	if (error != 0)
		return error;
	entry = &segment->entry[who->index];
	mipc_put(&entry->count, n);
	mipc_put(&entry->pid, 0);	/* its slot knows, see pid_of() */
	mipc_put(&entry->since, now);
	mipc_put(&segment->atime, now);
	mipc_put(&segment->lpid, who->pid);
	if (who->index >= mipc_peek(&segment->used))
		mipc_put(&segment->used, who->index + 1u);
	mipc_step();
	mipc_give(&entry->life, who->life);
	return 0;
}

void
mipc_segment_leave(struct mipc_opened *opened,
    const struct mipc_attacher *who)
{
	struct mipc_segment *segment = mipc_segment_of(opened);
	struct mipc_attach *entry = &segment->entry[who->index];
	struct mipc_change change;

	if (who->index >= mipc_segment_entries(opened) ||
	    mipc_peek(&entry->life) != who->life)
		return;		/* never counted, or spoilt by a peer */
	if (mipc_peek(&entry->count) <= 1) {
		free_entry(opened, who->index, who->pid);
		return;
	}
	mipc_change_begin(&change, opened->head);
	mipc_change_set(&change, &entry->count, mipc_peek(&entry->count) - 1);
	mipc_change_set(&change, &segment->dtime, mipc_sys_seconds());
	mipc_change_set(&change, &segment->lpid, who->pid);
	mipc_change_commit(&change);
}

void
mipc_segment_mark_removed(struct mipc_opened *opened)
{
	struct mipc_object *head = opened->head;
	struct mipc_change change;

	if (mipc_peek(&head->state) != MIPC_ALIVE)
		return;
	mipc_change_begin(&change, head);
	mipc_change_set(&change, &head->state, MIPC_REMOVED);
	mipc_change_set(&change, &head->key, 0);
	mipc_change_set(&change, &head->mode,
	    mipc_peek(&head->mode) | SHM_DEST);
	mipc_change_commit(&change);
}

void
mipc_segment_mark_destroyed(struct mipc_opened *opened)
{
	struct mipc_change change;

	mipc_change_begin(&change, opened->head);
	mipc_change_set(&change, &opened->head->state, MIPC_DESTROYED);
	mipc_change_commit(&change);
}
