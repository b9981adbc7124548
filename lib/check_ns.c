/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_ns.c - the namespace's own file: its head, the table of indices, and
 * the counters of both.
 *
 * All of it changes under the namespace's lock.  Two readings that are equal,
 * with the lock free in both, are one state: nothing here returns to what it
 * was, for versions and identifiers grow.
 */
#include "check_inside.h"

#include <errno.h>
#include <stdio.h>

#define MOST_IDS	((uint64_t)INT32_MAX)

static const char *const kinds[MIPC_KINDS] = { "segments", "sets", "queues" };

/* --- the head ---------------------------------------------------------- */

static void
check_head(struct mipc_checker *c, const void *arg)
{
	const char *why = "damaged";
	struct stat st;
	int fd = mipc_check_open(c, "namespace", &st);

	(void)arg;
	if (fd < 0)
		return;
	mipc_sys_close(fd);
	if ((uint64_t)st.st_size < sizeof(struct mipc_space))
		mipc_check_say(c, MIPC_RULE_SPACE, "%llu bytes of %llu: "
		    "truncated", (unsigned long long)st.st_size,
		    (unsigned long long)sizeof(struct mipc_space));
	if (mipc_space_check(c->space, &why) != 0)
		mipc_check_say(c, MIPC_RULE_SPACE, "%s", why);
	else
		c->usable = true;
}

static void
check_limits(struct mipc_checker *c, const void *arg)
{
	uint64_t value, most;
	const char *name;

	(void)arg;
	for (int i = 0; i < MIPC_LIMITS; i++) {
		name = mipc_ns_limit(i, &most);
		value = mipc_peek(&c->space->limit[i]);
		if (name != NULL && value > most && most != ~0ul)
			mipc_check_say(c, MIPC_RULE_LIMIT, "limit %s is %llu, "
			    "more than %llu", name, (unsigned long long)value,
			    (unsigned long long)most);
	}
	for (int kind = 0; kind < MIPC_KINDS; kind++)
		if (mipc_peek(&c->space->wish[kind]) > MOST_IDS + 1)
			mipc_check_say(c, MIPC_RULE_LIMIT, "%s: the next "
			    "identifier that is wished for is none",
			    kinds[kind]);
}

/* Houses are taken from the first on and never given up. */
static void
check_houses(struct mipc_checker *c, const void *arg)
{
	bool ended = false;
	uint64_t uid;

	(void)arg;
	for (uint32_t i = 0; i < MIPC_HOUSES; i++) {
		uid = mipc_peek(&c->space->house[i]);
		if (uid == 0) {
			ended = true;
			continue;
		}
		if (ended)
			mipc_check_say(c, MIPC_RULE_HOUSE, "house %u stands "
			    "behind one that nobody has", (unsigned)i);
		if (uid > (uint64_t)UINT32_MAX + 1)
			mipc_check_say(c, MIPC_RULE_HOUSE,
			    "house %u is of no uid", (unsigned)i);
		for (uint32_t j = 0; j < i; j++)
			if (mipc_peek(&c->space->house[j]) == uid)
				mipc_check_say(c, MIPC_RULE_HOUSE, "uid %llu "
				    "has two houses",
				    (unsigned long long)uid - 1);
	}
}

/* --- one state of all -------------------------------------------------- */

/* The whole file but for entries that never had space; 0 bytes: none. */
static struct mipc_space *
copy_space(struct mipc_checker *c, size_t *size)
{
	struct mipc_space *space;
	void *memory;
	int fd = mipc_sys_open(c->fd, "namespace",
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	uint64_t claimed;

	*size = sizeof(*space);
	if (fd < 0 || mipc_view_private(*size, &memory) != 0) {
		if (fd >= 0)
			mipc_sys_close(fd);
		return NULL;
	}
	space = memory;
	mipc_check_bytes(fd, 0, space, offsetof(struct mipc_space, entry));
	for (int kind = 0; kind < MIPC_KINDS; kind++) {
		claimed = mipc_peek(&space->census[kind].claimed);
		if (claimed > MIPC_INDEX_MAX)
			claimed = MIPC_INDEX_MAX;
		mipc_check_bytes(fd, (uint64_t)((char *)space->entry[kind] -
		    (char *)space), space->entry[kind],
		    (size_t)claimed * sizeof(struct mipc_entry));
	}
	mipc_sys_close(fd);
	return space;
}

/* But for words that change without the lock. */
static bool
is_same(const struct mipc_space *a, const struct mipc_space *b)
{
	return memcmp(&a->intent, &b->intent, sizeof(a->intent)) == 0 &&
	    memcmp(a->census, b->census, sizeof(a->census)) == 0 &&
	    memcmp(a->attention, b->attention, sizeof(a->attention)) == 0 &&
	    memcmp(a->entry, b->entry, sizeof(a->entry)) == 0 &&
	    mipc_peek(&a->lock.owner) == mipc_peek(&b->lock.owner);
}

static struct mipc_space *
one_state(struct mipc_checker *c, size_t *size)
{
	struct mipc_space *one = copy_space(c, size), *other;
	bool same = false;

	for (int i = 0; i < 16 && one != NULL && !same; i++) {
		other = c->lived_in ? copy_space(c, size) : NULL;
		same = other == NULL || is_same(one, other);
		if (other != NULL) {
			mipc_view_free(one, *size);
			one = other;
		}
	}
	c->torn = !same;
	return one;
}

/* --- the table and its counters ---------------------------------------- */

static void
check_table(struct mipc_checker *c, struct mipc_space *space, int kind,
    struct mipc_census *right)
{
	uint64_t claimed = mipc_peek(&space->census[kind].claimed), id;
	struct mipc_entry *entry;
	uint32_t state;

	memset(right, 0, sizeof(*right));
	for (uint64_t i = 0; i < claimed && i < MIPC_INDEX_MAX; i++) {
		entry = &space->entry[kind][i];
		state = mipc_peek(&entry->state);
		id = mipc_peek(&entry->id);
		if (state == MIPC_INDEX_FREE)
			continue;
		if (state > MIPC_INDEX_DEST)
			mipc_check_say(c, MIPC_RULE_ENTRY, "%s: index %llu is "
			    "in state %u, which there is not", kinds[kind],
			    (unsigned long long)i, (unsigned)state);
		else if (id > MOST_IDS || id % MIPC_INDEX_MAX != i)
			mipc_check_say(c, MIPC_RULE_ENTRY, "%s: index %llu "
			    "has identifier %llu", kinds[kind],
			    (unsigned long long)i, (unsigned long long)id);
		mipc_put(&right->top, i + 1);
		if (kind == MIPC_SHM || state != MIPC_INDEX_DEST) {
			mipc_add(&right->in_use, 1);
			mipc_add(&right->pages, entry->pages);
		}
		if (state != MIPC_INDEX_LIVE)
			mipc_add(&right->attention, 1);
	}
}

static void
check_attention(struct mipc_checker *c, struct mipc_space *space, int kind)
{
	uint64_t claimed = mipc_peek(&space->census[kind].claimed);
	bool set, wanted;

	for (uint64_t i = 0; i < MIPC_INDEX_MAX; i++) {
		uint32_t state = i < claimed ?
		    mipc_peek(&space->entry[kind][i].state) : MIPC_INDEX_FREE;

		wanted = state != MIPC_INDEX_FREE && state != MIPC_INDEX_LIVE;
		set = (mipc_peek(&space->attention[kind][i / 64]) >>
		    (i % 64) & 1) != 0;
		if (set != wanted)
			mipc_check_say(c, MIPC_RULE_COUNT, "%s: index %llu is "
			    "%s in the map of what is to be looked at",
			    kinds[kind], (unsigned long long)i,
			    set ? "without reason" : "missing");
	}
}

static void
compare(struct mipc_checker *c, int kind, const char *what, mipc_u64 *has,
    mipc_u64 *should)
{
	if (mipc_peek(has) != mipc_peek(should))
		mipc_check_say(c, MIPC_RULE_COUNT, "%s: %s is %llu, and %llu "
		    "by the table", kinds[kind], what,
		    (unsigned long long)mipc_peek(has),
		    (unsigned long long)mipc_peek(should));
}

static void
check_census(struct mipc_checker *c, struct mipc_space *space, int kind,
    struct mipc_census *right)
{
	struct mipc_census *has = &space->census[kind];

	compare(c, kind, "objects", &has->in_use, &right->in_use);
	compare(c, kind, "pages", &has->pages, &right->pages);
	compare(c, kind, "end of the table", &has->top, &right->top);
	compare(c, kind, "to be looked at", &has->attention,
	    &right->attention);
	check_attention(c, space, kind);
	if (mipc_peek(&has->cursor) > MIPC_INDEX_MAX ||
	    mipc_peek(&has->last) > MIPC_INDEX_MAX)
		mipc_check_say(c, MIPC_RULE_COUNT, "%s: the search begins "
		    "outside of the table", kinds[kind]);
}

/* What the lock's holder is about to do, or died doing. */
static void
check_intent(struct mipc_checker *c, struct mipc_space *space)
{
	uint64_t op = mipc_peek(&space->intent.op);
	uint64_t kind = mipc_peek(&space->intent.kind);
	uint64_t owner = mipc_peek(&space->lock.owner);

	if (op == MIPC_NO_INTENT)
		return;
	if (op > MIPC_REMOVE || kind >= MIPC_KINDS ||
	    mipc_peek(&space->intent.id) > MOST_IDS)
		mipc_check_say(c, MIPC_RULE_INTENT, "the intent says nothing "
		    "that could be done");
	else if (owner == 0)
		mipc_check_say(c, MIPC_RULE_INTENT, "an intent to %s %s.%llu "
		    "stands, and nobody has the lock", op == MIPC_CREATE ?
		    "make" : "remove", mipc_dir_kind[kind],
		    (unsigned long long)mipc_peek(&space->intent.id));
	else if (mipc_check_dead(c, owner))
		mipc_check_say(c, MIPC_RULE_NOTE, "who died was about to %s "
		    "%s.%llu: the next to change a name finishes it",
		    op == MIPC_CREATE ? "make" : "remove",
		    mipc_dir_kind[kind],
		    (unsigned long long)mipc_peek(&space->intent.id));
}

static void
check_state(struct mipc_checker *c, const void *arg)
{
	struct mipc_space *space;
	struct mipc_census right;
	size_t size;

	(void)arg;
	space = one_state(c, &size);
	if (space == NULL)
		return;
	mipc_check_lock(c, &space->lock);
	check_intent(c, space);
	for (int kind = 0; kind < MIPC_KINDS; kind++) {
		uint64_t claimed = mipc_peek(&space->census[kind].claimed);

		if (claimed > MIPC_INDEX_MAX || claimed % 128 != 0)
			mipc_check_say(c, MIPC_RULE_COUNT, "%s: space for "
			    "%llu indices is none that there can be",
			    kinds[kind], (unsigned long long)claimed);
		check_table(c, space, kind, &right);
		/* A holder's are under way; a dead one's are counted anew. */
		if (mipc_peek(&space->lock.owner) == 0)
			check_census(c, space, kind, &right);
	}
	mipc_view_free(space, size);
}

void
mipc_check_space(struct mipc_checker *c)
{
	mipc_check_subject(c, "namespace", check_head, NULL);
	if (!c->usable)
		return;
	mipc_check_subject(c, "namespace", check_limits, NULL);
	mipc_check_subject(c, "namespace", check_houses, NULL);
	mipc_check_subject(c, "namespace", check_state, NULL);
}
