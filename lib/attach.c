/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach.c - this process's table of attached addresses.
 *
 * One array in the order of addresses, changed inside the gate.  It says what
 * the segments' own entries cannot: where.  Each segment's entry for this
 * process carries the number of rows that the table has for it.
 *
 * Fork: before it, the child gets a life and an entry in every segment that
 * is attached, so it is counted before fork() returns to its parent; the
 * child then takes them over.  A child that was made behind our back does
 * both at its first call.
 */
#include "attach.h"

#include <errno.h>
#include <string.h>

#include "crash.h"
#include "sweep.h"

#define SPARE	64u		/* rows that one call may need, and threads */

static struct mipc_piece *table;	/* by address */
static size_t count, room;
static uint64_t serials;
static struct mipc_ns **namespaces;	/* linked by ns->next */
static mipc_u32 told;			/* munmap and mmap are reported */
static _Atomic(char *) lowest, highest;	/* all rows lie in between */

int
mipc_attach_reserve(void)
{
	size_t more = room == 0 ? 128 : room * 2;
	void *memory;
	int error;

	if (count + SPARE < room)
		return 0;
	error = mipc_map_private(more * sizeof(*table), &memory);
	if (error != 0)
		return error;
	if (count > 0)
		memcpy(memory, table, count * sizeof(*table));
	if (table != NULL)
		mipc_sys_unmap(table, room * sizeof(*table));
	table = memory;
	room = more;
	return 0;
}

/* The first row that begins at or after an address. */
static size_t
lower_bound(const char *address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
insert(const struct mipc_piece *row)
{
	size_t at = lower_bound(row->address);

	memmove(table + at + 1, table + at, (count - at) * sizeof(*table));
	table[at] = *row;
	count++;
}

static void
erase(size_t at)
{
	memmove(table + at, table + at + 1, (--count - at) * sizeof(*table));
}

static bool
has_pieces(uint64_t serial)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].serial == serial)
			return true;
	return false;
}

/* --- counting ---------------------------------------------------------- */

static void
chain(struct mipc_ns *ns, struct mipc_opened *opened)
{
	opened->next = ns->attached;
	opened->link = &ns->attached;
	if (opened->next != NULL)
		opened->next->link = &opened->next;
	ns->attached = opened;
}

static void
unchain(struct mipc_opened *opened)
{
	*opened->link = opened->next;
	if (opened->next != NULL)
		opened->next->link = opened->link;
}

/* One attach less in the segment's own entry, and what follows from it. */
static void
uncount(struct mipc_ns *ns, struct mipc_opened *opened,
    struct mipc_gate *gate)
{
	struct mipc_mapping kept = { .data = opened->data };
	struct mipc_attacher who = { .pid = (uint64_t)mipc_sys_pid(),
	    .known = true };

	if (mipc_ns_lock_object(ns, gate, opened) == 0) {
		who.index = opened->entry;
		who.life = mipc_peek(&ns->lives->self);
		mipc_segment_leave(opened, &who);
		mipc_object_release(opened->head);
	}
	if (--opened->attaches == 0) {
		unchain(opened);
		kept.kept_fd = opened->kept_fd;
		opened->kept_fd = -1;
		ns->store->ops->unmap(ns->store, &kept);
		if (mipc_take(&ns->space->limit[MIPC_SHM_RMID_FORCED]) != 0)
			mipc_sweep(ns, gate);
		else
			mipc_sweep_one(ns, gate, opened->id);
	}
	mipc_ns_unpin(opened);
}

/* --- rows -------------------------------------------------------------- */

/*
 * Cut [from, to) out of every row.  An attach that loses its last piece is
 * counted less; that may leave the gate, so the search begins anew.
 */
static void
cut(char *from, char *to, struct mipc_gate *gate)
{
	struct mipc_piece row, right;

	for (size_t i = 0; i < count && table[i].address < to; i++) {
		row = table[i];
		if (row.address + row.length <= from)
			continue;
		table[i].whole = false;
		right = table[i];
		if (row.address < from)
			table[i].length = (size_t)(from - row.address);
		else
			erase(i--);
		if (row.address + row.length > to) {
			right.length = (size_t)(row.address + row.length - to);
			right.address = to;
			insert(&right);
		}
		if (!has_pieces(row.serial)) {
			uncount(row.ns, row.opened, gate);
			i = (size_t)-1;
		}
	}
}

void
mipc_attach_add(const struct mipc_piece *piece, struct mipc_gate *gate)
{
	struct mipc_piece row = *piece;
	char *end = row.address + row.length;

	/* Counted first: what is cut out below may be the same segment's. */
	if (row.opened->attaches++ == 0)
		chain(row.ns, row.opened);
	cut(row.address, end, gate);
	row.base = row.address;
	row.serial = ++serials;
	row.whole = true;
	if (count == 0 || row.address < mipc_peek(&lowest))
		mipc_put(&lowest, row.address);
	if (end > mipc_peek(&highest))
		mipc_put(&highest, end);
	insert(&row);
}

const struct mipc_piece *
mipc_attach_find(const struct mipc_ns *ns, const void *address)
{
	for (size_t i = lower_bound(address); i < count; i++)
		if (table[i].base == address && table[i].ns == ns)
			return &table[i];
	return NULL;
}

const struct mipc_piece *
mipc_attach_like(const struct mipc_opened *opened, bool writable,
    bool executable)
{
	if (opened->attaches == 0 || mipc_peek(&told) == 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (table[i].opened == opened && table[i].whole &&
		    table[i].writable == writable &&
		    table[i].executable == executable)
			return &table[i];
	return NULL;
}

void
mipc_attach_remove(const struct mipc_piece *piece, struct mipc_gate *gate)
{
	struct mipc_piece gone = *piece;

	for (size_t i = 0; i < count; i++)
		if (table[i].serial == gone.serial) {
			mipc_sys_unmap(table[i].address, table[i].length);
			erase(i--);
		}
	mipc_crash_point("attach: unmapped");
	uncount(gone.ns, gone.opened, gate);
}

void
mipc_attach_each(const struct mipc_opened *opened,
    void (*each)(const struct mipc_piece *))
{
	for (size_t i = 0; i < count; i++)
		if (table[i].opened == opened)
			each(&table[i]);
}

/* Is no page of the piece mapped any more, by anything? */
static bool
all_unmapped(const struct mipc_piece *row)
{
	size_t page = mipc_sys_page();
	unsigned char resident;

	for (size_t at = 0; at < row->length; at += page)
		if (mipc_sys_resident(row->address + at, page, &resident) !=
		    -ENOMEM)
			return false;
	return true;
}

void
mipc_attach_verify(const struct mipc_opened *opened, struct mipc_gate *gate)
{
	if (opened->attaches == 0 || mipc_peek(&told) != 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (table[i].opened == opened && all_unmapped(&table[i])) {
			cut(table[i].address,
			    table[i].address + table[i].length, gate);
			i = (size_t)-1;
		}
}

bool
mipc_attach_told(void)
{
	return mipc_peek(&told) != 0;
}

void
mipc_attach_unmapped(const void *address, size_t length)
{
	char *from = (char *)(uintptr_t)address, *to = from + length;
	struct mipc_gate gate;

	if (mipc_peek(&told) == 0)
		mipc_put(&told, 1);
	if (length == 0 || to <= mipc_peek(&lowest) ||
	    from >= mipc_peek(&highest))
		return;
	mipc_gate_enter(&gate);
	if (mipc_attach_reserve() == 0)
		cut(from, to, &gate);
	mipc_gate_leave(&gate);
}

/* --- fork -------------------------------------------------------------- */

void
mipc_attach_follow(struct mipc_ns **list)
{
	namespaces = list;
}

/* Lock for a moment; an owner that stays for 100 ms costs the child a count. */
static int
lock_soon(struct mipc_ns *ns, struct mipc_opened *opened)
{
	int error = EBUSY;

	for (int i = 0; i < 10 && error == EBUSY; i++) {
		error = mipc_ns_try_object(ns, opened);
		if (error == EBUSY)
			mipc_lock_sleep(&opened->head->lock);
	}
	return error;
}

/* Enter all attaches of the process into one segment for another life. */
static bool
count_for(struct mipc_ns *ns, struct mipc_opened *opened, mipc_life life,
    uint64_t pid, uint32_t *index)
{
	struct mipc_attacher who = { .life = life, .pid = pid };
	int error;

	error = lock_soon(ns, opened);
	if (error != 0)
		return false;
	error = mipc_segment_enter(ns, opened, &who, opened->attaches);
	mipc_object_release(opened->head);
	*index = who.index;
	return error == 0;
}

static void
before_fork(void)
{
	struct mipc_opened *opened;
	struct mipc_ns *ns;
	uint32_t index;

	for (ns = *namespaces; ns != NULL; ns = ns->next) {
		if (ns->attached == NULL || mipc_life_beget(ns->lives) != 0)
			continue;
		for (opened = ns->attached; opened != NULL;
		    opened = opened->next)
			opened->child_entry = count_for(ns, opened,
			    ns->lives->birth.life, 0, &index) ? index + 1 : 0;
	}
	mipc_crash_point("attach: child counted");
}

static void
after_fork(void)
{
	for (struct mipc_ns *ns = *namespaces; ns != NULL; ns = ns->next)
		mipc_life_parent(ns->lives);
}

/* What the parent could not count, the child counts itself. */
static void
take_over(struct mipc_ns *ns, bool prepared)
{
	struct mipc_opened *opened;
	uint64_t pid = (uint64_t)mipc_sys_pid();
	mipc_life self;

	if (ns->attached == NULL || mipc_life_self(ns->lives, &self) != 0)
		return;
	for (opened = ns->attached; opened != NULL; opened = opened->next) {
		if (prepared && opened->child_entry != 0) {
			opened->entry = opened->child_entry - 1;
			mipc_put(&mipc_segment_of(opened)->
			    entry[opened->entry].pid, pid);
		} else {
			count_for(ns, opened, self, pid, &opened->entry);
		}
		opened->child_entry = 0;
	}
}

static void
in_child(bool prepared)
{
	bool born;

	for (struct mipc_ns *ns = *namespaces; ns != NULL; ns = ns->next) {
		mipc_life_child(ns->lives, prepared);
		born = prepared && mipc_peek(&ns->lives->self) != 0;
		take_over(ns, born);
	}
}

const struct mipc_fork_hooks mipc_attach_hooks = {
	.before = before_fork,
	.parent = after_fork,
	.child = in_child,
};
