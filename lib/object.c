/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.c - the objects this process has opened.
 *
 * Opening happens once; afterwards an operation finds the mapping by index
 * without a lock: it pins the node, then looks again whether the table still
 * names it.  Whoever takes a node out of the table looks at the pins after
 * that, so one of the two sees the other.
 */
#include "ns.h"

#include <errno.h>

#include "crash.h"
#include "thread.h"

#define CACHED_MOST	16384u	/* a quarter of the maps Linux allows */
#define NODES		128u	/* made at a time */

struct mipc_opened *
mipc_ns_pin(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id)
{
	_Atomic(struct mipc_opened *) *place =
	    &ns->opened[kind][id % MIPC_INDEX_MAX];
	struct mipc_opened *opened = mipc_take(place);

	if (opened == NULL)
		return NULL;
	atomic_fetch_add(&opened->pins, 1);
	/* Pairs with the store and load in take_out(). */
	if (atomic_load(place) == opened && opened->id == id)
		return opened;
	mipc_ns_unpin(opened);
	return NULL;
}

void
mipc_ns_unpin(struct mipc_opened *opened)
{
	mipc_add(&opened->pins, -1u);
}

/* Does anybody still use a node that is no longer in the table? */
static bool
in_use(const struct mipc_opened *opened)
{
	return atomic_load(&opened->pins) != 0 ||
	    (opened->kind != MIPC_SHM && mipc_thread_uses(opened));
}

static void
retire(struct mipc_ns *ns, struct mipc_opened *opened)
{
	ns->store->ops->close(ns->store, &opened->map);
	opened->head = NULL;
	opened->next = ns->free;
	ns->free = opened;
}

/* Unmap what was taken out while somebody had it pinned. */
static void
retire_late(struct mipc_ns *ns)
{
	struct mipc_opened **link = &ns->retired, *opened;

	while ((opened = *link) != NULL) {
		if (in_use(opened)) {
			link = &opened->next;
			continue;
		}
		*link = opened->next;
		retire(ns, opened);
	}
}

static void
take_out(struct mipc_ns *ns, struct mipc_opened *opened)
{
	atomic_store(&ns->opened[opened->kind][opened->id % MIPC_INDEX_MAX],
	    NULL);
	ns->cached--;
	retire_late(ns);
	if (!in_use(opened)) {
		retire(ns, opened);
		return;
	}
	opened->next = ns->retired;
	ns->retired = opened;
}

void
mipc_ns_forget(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id)
{
	struct mipc_opened *opened;

	opened = mipc_peek(&ns->opened[kind][id % MIPC_INDEX_MAX]);
	if (opened != NULL && opened->id == id && opened->attaches == 0)
		take_out(ns, opened);
}

uint32_t
mipc_ns_evict(struct mipc_ns *ns)
{
	struct mipc_opened *opened;
	uint32_t gone = 0;

	for (int kind = 0; kind < MIPC_KINDS; kind++)
		for (uint32_t i = 0; i < MIPC_INDEX_MAX; i++) {
			opened = mipc_peek(&ns->opened[kind][i]);
			if (opened == NULL || opened->attaches != 0 ||
			    mipc_peek(&opened->pins) != 0)
				continue;
			take_out(ns, opened);
			gone++;
		}
	return gone;
}

static struct mipc_opened *
new_node(struct mipc_ns *ns)
{
	struct mipc_opened *opened;
	void *memory;

	if (ns->free == NULL) {
		if (mipc_view_private(NODES * sizeof(*opened), &memory) != 0)
			return NULL;
		opened = memory;
		for (uint32_t i = 0; i < NODES; i++) {
			opened[i].next = ns->free;
			ns->free = &opened[i];
		}
	}
	opened = ns->free;
	ns->free = opened->next;
	return opened;
}

static bool
is_set(const struct mipc_semset *set, const struct mipc_view *map)
{
	struct mipc_sem_layout layout;
	uint64_t nsems = set->nsems, room = set->room;

	if (nsems < 1 || nsems > room || room > MIPC_SEMMSL_MOST)
		return false;
	mipc_sem_lay_out(&layout, (uint32_t)room, mipc_sys_page());
	return layout.size <= map->size && layout.size <= map->length;
}

static bool
is_queue(const struct mipc_msgqueue *queue, const struct mipc_view *map)
{
	struct mipc_msg_layout layout;
	uint64_t room = queue->room;

	if (room > map->size || room > map->length)
		return false;
	mipc_msg_lay_out(&layout, room, (uint32_t)mipc_sys_page());
	return layout.size <= room && layout.pages > 0;
}

/* Is this the head of that object, and does what it says fit the machine? */
static int
check_head(const struct mipc_view *map, enum mipc_kind kind, uint64_t id)
{
	struct mipc_object *head = map->base;
	const struct mipc_segment *segment = map->base;

	if (head->magic != MIPC_MAGIC_OBJECT || head->format != MIPC_FORMAT ||
	    head->kind != kind || mipc_peek(&head->id) != id ||
	    head->page != mipc_sys_page())
		return EIO;
	if (kind == MIPC_SHM && (segment->size == 0 ||
	    segment->size > SIZE_MAX - head->page))
		return EIO;
	if (kind == MIPC_SEM && !is_set(map->base, map))
		return EIO;
	if (kind == MIPC_MSG && !is_queue(map->base, map))
		return EIO;
	return 0;
}

static int
open_map(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id,
    struct mipc_view *map)
{
	int error;

	if (ns->cached >= CACHED_MOST)
		mipc_ns_evict(ns);
	error = ns->store->ops->open(ns->store, kind, id, map);
	if (error == ENOMEM && mipc_ns_evict(ns) > 0)
		error = ns->store->ops->open(ns->store, kind, id, map);
	if (error != 0)
		return error == ENOENT ? EINVAL : error == ELOOP ? EIO : error;
	error = check_head(map, kind, id);
	if (error != 0)
		ns->store->ops->close(ns->store, map);
	return error;
}

/* Copies of what was checked; a peer may change it now. */
static void
adopt_set(struct mipc_opened *opened, const struct mipc_semset *set)
{
	uint64_t nsems = set->nsems, room = set->room;

	if (room > MIPC_SEMMSL_MOST)
		room = MIPC_SEMMSL_MOST;
	opened->size = nsems > room ? room : nsems;
	mipc_sem_lay_out(&opened->layout, (uint32_t)room, mipc_sys_page());
	if (opened->layout.size > opened->map.size) {
		opened->size = 1;	/* changed since it was checked */
		mipc_sem_lay_out(&opened->layout, 1, mipc_sys_page());
	}
	mipc_put(&opened->verdict, 0);
	mipc_put(&opened->debtor_life, 0);
	mipc_put(&opened->debtor, 0);
	mipc_put(&opened->patience, 0);
	mipc_put(&opened->yields, 0);
}

/* A board's records stand in the pockets, beside those of the others. */
static void
lay_site(struct mipc_ns *ns, struct mipc_opened *opened,
    enum mipc_msg_board which, mipc_u64 *turn)
{
	const struct mipc_msg_layout *layout = &opened->msg_layout;
	char *base = (char *)opened->head;
	char *pockets = base + layout->table[MIPC_M_POCKETS];
	uint32_t party = (uint32_t)(offsetof(struct mipc_pocket, party) +
	    which * sizeof(struct mipc_party));

	opened->site[which] = (struct mipc_site){
		.base = base,
		.size = layout->size,
		.turn = turn,
		.small = pockets + party,
		.large = pockets,
		.small_words = MIPC_POCKET_WORDS,
		.record = (uint32_t)sizeof(struct mipc_pocket) - party,
		.lives = ns->lives,
	};
}

void
mipc_ns_lay_queue(struct mipc_ns *ns, struct mipc_opened *opened,
    uint64_t room)
{
	struct mipc_msgqueue *queue = (void *)opened->head;

	mipc_msg_lay_out(&opened->msg_layout, room,
	    (uint32_t)mipc_sys_page());
	lay_site(ns, opened, MIPC_SENDING, &queue->send_turn);
	lay_site(ns, opened, MIPC_TAKING, &queue->take_turn);
	lay_site(ns, opened, MIPC_PAGING, &queue->room_turn);
}

static void
adopt_queue(struct mipc_ns *ns, struct mipc_opened *opened,
    const struct mipc_msgqueue *queue)
{
	uint64_t room = queue->room;

	if (room > opened->map.size)
		room = opened->map.size;	/* changed since checked */
	mipc_ns_lay_queue(ns, opened, room);
	mipc_put(&opened->verdict, 0);
	mipc_put(&opened->patience, 0);
	mipc_put(&opened->yields, 0);
}

/* [gate] Enter a mapped head into the table, pinned once. */
int
mipc_ns_adopt(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id,
    struct mipc_view *map, struct mipc_opened **out)
{
	_Atomic(struct mipc_opened *) *place =
	    &ns->opened[kind][id % MIPC_INDEX_MAX];
	struct mipc_segment *segment = map->base;
	struct mipc_opened *opened = mipc_peek(place);

	if (opened != NULL && opened->attaches == 0)
		take_out(ns, opened);	/* an older object's */
	opened = new_node(ns);
	if (opened == NULL) {
		ns->store->ops->close(ns->store, map);
		return ENOMEM;
	}
	opened->kind = kind;
	opened->id = id;
	opened->listed = mipc_ns_entry_of(ns, kind, id);
	opened->map = *map;
	opened->head = map->base;
	opened->kept_fd = -1;
	opened->entry = opened->attaches = opened->child_entry = 0;
	opened->size = kind == MIPC_SHM ? segment->size : 0;
	opened->data = kind == MIPC_SHM ? segment->data : 0;
	if (kind == MIPC_SEM)
		adopt_set(opened, map->base);
	else if (kind == MIPC_MSG)
		adopt_queue(ns, opened, map->base);
	mipc_add(&opened->pins, 1);
	mipc_give(place, opened);
	ns->cached++;
	*out = opened;
	return 0;
}

/* Removed, and nobody is known to use it: one we may not open is gone. */
static bool
seems_over(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id)
{
	struct mipc_entry *entry = mipc_ns_entry(ns, kind, id);
	mipc_life witness;

	if (entry == NULL)
		return true;
	witness = mipc_peek(&entry->life);
	return mipc_take(&entry->state) == MIPC_INDEX_DEST &&
	    (witness == 0 || mipc_life_dead(ns->lives, witness));
}

int
mipc_ns_get(struct mipc_ns *ns, enum mipc_kind kind, uint64_t id,
    struct mipc_opened **out)
{
	struct mipc_view map;
	int error;

	if (mipc_ns_entry(ns, kind, id) == NULL) {
		mipc_ns_forget(ns, kind, id);
		return EINVAL;
	}
	*out = mipc_ns_pin(ns, kind, id);
	if (*out != NULL)
		return 0;
	error = open_map(ns, kind, id, &map);
	if ((error == EACCES && seems_over(ns, kind, id)) ||
	    (error == EIO && mipc_ns_entry(ns, kind, id) == NULL))
		error = EINVAL;
	if (error != 0)
		return error;
	return mipc_ns_adopt(ns, kind, id, &map, out);
}

/* One state of what decides about access; EBUSY while it changes. */
static int
read_perm(struct mipc_opened *opened, struct mipc_perm *out)
{
	struct mipc_object *head = opened->head;
	uint64_t seq = mipc_seq_begin(head);

	out->uid = (uid_t)mipc_peek(&head->uid);
	out->gid = (gid_t)mipc_peek(&head->gid);
	out->cuid = (uid_t)head->cuid;
	out->cgid = (gid_t)head->cgid;
	out->mode = (unsigned)mipc_peek(&head->mode);
	if (head->magic != MIPC_MAGIC_OBJECT)
		return EIO;
	if (mipc_take(&head->id) != opened->id)
		return EINVAL;
	return seq % 2 == 0 && mipc_seq_same(head, seq) ? 0 : EBUSY;
}

/* [object] Owners and modes of the files, as the head has them. */
int
mipc_ns_settle_perm(struct mipc_ns *ns, struct mipc_opened *opened)
{
	struct mipc_object *head = opened->head;
	struct mipc_change change;
	struct mipc_perm perm;
	int error;

	if (read_perm(opened, &perm) != 0)
		return EIO;
	error = ns->store->ops->permit(ns->store, opened->kind, opened->id,
	    mipc_peek(&head->key), &perm);
	if (error != 0)
		return error;
	mipc_change_begin(&change, head);
	mipc_change_set(&change, &head->unsettled, 0);
	mipc_change_commit(&change);
	ns->store->ops->permit_done(ns->store, opened->kind, opened->id);
	return 0;
}

/*
 * [object] Somebody died in IPC_SET: what they had begun is finished, else
 * what the files say goes.  Nothing that the head says is done to a file
 * here, for whoever may read the object may write its head.
 */
static void
mend_perm(struct mipc_ns *ns, struct mipc_opened *opened)
{
	const struct mipc_store_ops *ops = ns->store->ops;
	struct mipc_object *head = opened->head;
	struct mipc_change change;
	struct mipc_perm perm;
	uint64_t size;
	bool known;

	known = ops->permit_begun(ns->store, opened->kind, opened->id,
	    &perm) == 0;
	if (known && ops->permit(ns->store, opened->kind, opened->id,
	    mipc_peek(&head->key), &perm) != 0)
		return;		/* for somebody who may */
	known = known || ops->glance(ns->store, opened->kind, opened->id,
	    &perm, &size) == 0;
	mipc_change_begin(&change, head);
	if (known) {
		mipc_change_set(&change, &head->uid, perm.uid);
		mipc_change_set(&change, &head->gid, perm.gid);
		mipc_change_set(&change, &head->mode,
		    (mipc_peek(&head->mode) & ~0777ull) | perm.mode);
	}
	mipc_change_set(&change, &head->unsettled, 0);
	mipc_change_commit(&change);
	ops->permit_done(ns->store, opened->kind, opened->id);
}

int
mipc_ns_try_object(struct mipc_ns *ns, struct mipc_opened *opened)
{
	mipc_life self;
	int error;

	error = mipc_life_self(ns->lives, &self);
	if (error == 0)
		error = mipc_object_try(opened->head, opened->map.size,
		    ns->lives, self);
	if (error == 0 && mipc_peek(&opened->head->id) != opened->id) {
		mipc_object_release(opened->head);	/* a later one's */
		return EINVAL;
	}
	if (error == 0 && mipc_peek(&opened->head->unsettled) != 0)
		mend_perm(ns, opened);
	return error;
}

int
mipc_ns_lock_object(struct mipc_ns *ns, struct mipc_gate *gate,
    struct mipc_opened *opened)
{
	int error;

	while ((error = mipc_ns_try_object(ns, opened)) == EBUSY) {
		mipc_gate_leave(gate);
		mipc_lock_sleep(&opened->head->lock);
		mipc_gate_enter(gate);
	}
	return error;
}

int
mipc_ns_perm(struct mipc_ns *ns, struct mipc_gate *gate,
    struct mipc_opened *opened, struct mipc_perm *out)
{
	int error;

	for (int i = 0; i < 100; i++) {
		error = read_perm(opened, out);
		if (error != EBUSY)
			return error;
	}
	if (ns->lives->refuses != 0)
		return 0;		/* as it stands */
	/* Somebody died, or sleeps, in the middle: the lock settles it. */
	error = mipc_ns_lock_object(ns, gate, opened);
	if (error != 0)
		return error;
	error = read_perm(opened, out);
	mipc_object_release(opened->head);
	return error;
}
