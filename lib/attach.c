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
#include "thread.h"

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
	error = mipc_view_private(more * sizeof(*table), &memory);
	if (error != 0)
		return error;
	if (count > 0)
		memcpy(memory, table, count * sizeof(*table));
	if (table != NULL)
		mipc_view_free(table, room * sizeof(*table));
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

/* All rows lie between `lowest` and `highest`, which never come closer. */
static void
widen(const struct mipc_piece *row)
{
	char *low = mipc_peek(&lowest), *end = row->address + row->length;

	if (low == NULL || row->address < low)
		mipc_put(&lowest, row->address);
	if (end > mipc_peek(&highest))
		mipc_put(&highest, end);
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

/*
 * Lock a segment to count one attach less.  False: the gate was left to wait,
 * and what was known of the table is void.  A segment that cannot be locked
 * is damaged; its attach is given up all the same.
 */
static bool
lock_now(struct mipc_ns *ns, struct mipc_opened *opened,
    struct mipc_gate *gate, bool *locked)
{
	int error = mipc_ns_try_object(ns, opened);

	*locked = error == 0;
	if (error != EBUSY)
		return true;
	mipc_gate_leave(gate);
	mipc_lock_sleep(&opened->head->lock);
	mipc_gate_enter(gate);
	return false;
}

/* One attach less in the segment's entry; and in ours, in the same breath. */
static void
uncount(struct mipc_ns *ns, struct mipc_opened *opened, bool locked)
{
	struct mipc_attacher who = { .known = true, .index = opened->entry };

	if (locked) {
		who.life = mipc_peek(&ns->lives->self);
		who.pid = mipc_peek(&ns->lives->slot->pid);
		mipc_segment_leave(opened, &who);
		mipc_object_release(opened->head);
	}
	if (--opened->attaches == 0)
		unchain(opened);
}

/* What follows once its pages are unmapped. */
static void
after(struct mipc_ns *ns, struct mipc_opened *opened, struct mipc_gate *gate)
{
	struct mipc_mapping kept = { .data = opened->data,
	    .kept_fd = opened->kept_fd };

	if (opened->attaches == 0) {
		opened->kept_fd = -1;
		ns->store->ops->unmap(ns->store, &kept);
		mipc_sweep_one(ns, gate, opened->id);
	}
	mipc_ns_unpin(opened);
}

/* --- rows -------------------------------------------------------------- */

/* How many pieces an attach has. */
static size_t
pieces(uint64_t serial)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += table[i].serial == serial;
	return n;
}

/* Cut [from, to) out of one row that it touches but does not cover. */
static void
trim(size_t i, char *from, char *to)
{
	struct mipc_piece right = table[i];
	char *end = right.address + right.length;

	table[i].whole = right.whole = false;
	if (right.address < from)
		table[i].length = (size_t)(from - right.address);
	else
		erase(i);
	if (end > to) {
		right.length = (size_t)(end - to);
		right.address = to;
		insert(&right);
	}
}

/*
 * Cut [from, to) out of every row.  An attach that loses its last piece is
 * counted less; that may leave the gate, so the search begins anew.
 *
 * Not `certain`: the kernel put something where a row says that an attach is,
 * so the program has unmapped it, or moved it.  Where only the entries know
 * who maps a segment, it stays counted: better kept too long than lost.
 */
static void
cut(char *from, char *to, bool certain, struct mipc_gate *gate)
{
	struct mipc_piece row;
	bool locked;

	for (size_t i = 0; i < count && table[i].address < to; i++) {
		row = table[i];
		if (row.address + row.length <= from)
			continue;
		if (row.address < from || row.address + row.length > to ||
		    pieces(row.serial) > 1) {
			trim(i, from, to);
		} else if (!certain && !row.ns->store->maps_tell) {
			erase(i);
		} else if (lock_now(row.ns, row.opened, gate, &locked)) {
			erase(i);
			uncount(row.ns, row.opened, locked);
			after(row.ns, row.opened, gate);
		}
		i = (size_t)-1;
	}
}

void
mipc_attach_add(const struct mipc_piece *piece, bool replaced,
    struct mipc_gate *gate)
{
	struct mipc_piece row = *piece;

	/* Counted first: what is cut out below may be the same segment's. */
	if (row.opened->attaches++ == 0)
		chain(row.ns, row.opened);
	cut(row.address, row.address + row.length, replaced ||
	    mipc_peek(&told) != 0, gate);
	mipc_attach_reserve();		/* threads may have used it up */
	row.base = row.address;
	row.serial = ++serials;
	row.whole = true;
	widen(&row);
	insert(&row);
}

/* A piece of the attach that shmdt(address) means, or NULL. */
static const struct mipc_piece *
find(const struct mipc_ns *ns, const void *address)
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

bool
mipc_attach_remove(const struct mipc_ns *ns, const void *address,
    struct mipc_gate *gate)
{
	const struct mipc_piece *piece;
	struct mipc_piece gone;
	bool locked;

	do {
		piece = find(ns, address);
		if (piece == NULL)
			return false;
		gone = *piece;
	} while (!lock_now(gone.ns, gone.opened, gate, &locked));
	uncount(gone.ns, gone.opened, locked);
	mipc_crash_point("attach: uncounted");
	for (size_t i = 0; i < count; i++)
		if (table[i].serial == gone.serial) {
			mipc_sys_unmap(table[i].address, table[i].length);
			erase(i--);
		}
	mipc_crash_point("attach: unmapped");
	after(gone.ns, gone.opened, gate);
	return true;
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
	/* A move by mremap(2) looks the same; so only where locks tell. */
	if (opened->attaches == 0 || mipc_peek(&told) != 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (table[i].ns->store->maps_tell &&
		    table[i].opened == opened && all_unmapped(&table[i])) {
			cut(table[i].address,
			    table[i].address + table[i].length, true, gate);
			i = (size_t)-1;
		}
}

bool
mipc_attach_told(void)
{
	return mipc_peek(&told) != 0;
}

/* May any row lie in [from, to)?  Makes the promise, too. */
static bool
concerned(const char *from, const char *to)
{
	if (mipc_peek(&told) == 0)
		mipc_put(&told, 1);
	return from < to && to > mipc_peek(&lowest) &&
	    from < mipc_peek(&highest);
}

void
mipc_attach_unmapped(const void *address, size_t length)
{
	char *from = (char *)(uintptr_t)address;
	struct mipc_gate gate;

	if (!concerned(from, from + length))
		return;
	mipc_gate_enter(&gate);
	if (mipc_attach_reserve() == 0)
		cut(from, from + length, true, &gate);
	mipc_gate_leave(&gate);
}

/* Make a piece that an address lies within two. */
static void
split(char *at)
{
	struct mipc_piece right;

	for (size_t i = 0; i < count; i++) {
		right = table[i];
		if (right.address >= at || right.address + right.length <= at)
			continue;
		right.length = (size_t)(right.address + right.length - at);
		right.address = at;
		right.whole = table[i].whole = false;
		table[i].length -= right.length;
		insert(&right);
		return;
	}
}

/* Take out one row in [from, to); false if there is none. */
static bool
take_row(const char *from, const char *to, struct mipc_piece *out)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].address >= from &&
		    table[i].address + table[i].length <= to) {
			*out = table[i];
			erase(i);
			return true;
		}
	return false;
}

void
mipc_attach_moved(const void *old, size_t length, void *new)
{
	char *from = (char *)(uintptr_t)old, *to = from + length, *at = new;
	struct mipc_piece moved[SPARE];
	struct mipc_gate gate;
	size_t n = 0;

	if (!concerned(from, to))
		return;
	mipc_gate_enter(&gate);
	if (mipc_attach_reserve() == 0) {
		split(from);
		split(to);
	}
	while (n < SPARE && take_row(from, to, &moved[n]))
		n++;
	while (n-- > 0) {
		moved[n].address = at + (moved[n].address - from);
		moved[n].base = at + (moved[n].base - from);
		moved[n].whole = false;
		widen(&moved[n]);
		insert(&moved[n]);
	}
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
    uint32_t *index)
{
	struct mipc_attacher who = { .life = life,
	    .pid = (uint64_t)mipc_sys_pid() };
	int error;

	error = lock_soon(ns, opened);
	if (error != 0)
		return false;
	error = mipc_segment_inherit(ns, opened, &who, opened->attaches);
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

	/* Nothing here waits for long: a fork must come back. */
	for (ns = *namespaces; ns != NULL; ns = ns->next)
		mipc_sweep(ns, NULL);
	for (ns = *namespaces; ns != NULL; ns = ns->next) {
		if (ns->attached == NULL || mipc_life_beget(ns->lives) != 0)
			continue;
		for (opened = ns->attached; opened != NULL;
		    opened = opened->next)
			opened->child_entry = count_for(ns, opened,
			    ns->lives->birth.life, &index) ? index + 1 : 0;
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
	mipc_life self;

	if (ns->attached == NULL)
		return;
	if (mipc_life_self(ns->lives, &self) != 0) {
		for (opened = ns->attached; opened != NULL;
		    opened = opened->next)
			opened->entry = UINT32_MAX;
		return;
	}
	for (opened = ns->attached; opened != NULL; opened = opened->next) {
		if (prepared && opened->child_entry != 0)
			opened->entry = opened->child_entry - 1;
		else if (!count_for(ns, opened, self, &opened->entry))
			opened->entry = UINT32_MAX;	/* at its next attach */
		opened->child_entry = 0;
	}
}

static void
in_child(bool prepared)
{
	bool born;

	mipc_thread_forked();
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
