/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mend_ns.c - the namespace's own file, from what the directory says.
 *
 * The directory is the truth: an index is an object's whose file is there and
 * says so.  Counters are counted anew.  Only words that are wrong are written,
 * each by itself.
 */
#include "mend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_IDS	((uint64_t)INT32_MAX)
#define MOST_UIDS	((uint64_t)UINT32_MAX + 1)

struct table {
	struct mipc_mender *m;
	struct mipc_space *space;
	int fd;
	uint64_t *file[MIPC_KINDS];	/* of each index: id + 1 */
	uint32_t changed;
};

static void
put(struct table *t, mipc_u64 *word, uint64_t value)
{
	if (mipc_peek(word) == value)
		return;
	mipc_put(word, value);
	t->changed++;
}

static void
put_half(struct table *t, mipc_u32 *word, uint32_t value)
{
	if (mipc_peek(word) == value)
		return;
	mipc_put(word, value);
	t->changed++;
}

/* --- the head ---------------------------------------------------------- */

/* A file of lives whose uid no house has, + 1; 0: there is none. */
static struct table *searching;
static uint64_t found_uid;

static bool
has_house(const struct mipc_space *space, uint64_t house)
{
	for (uint32_t i = 0; i < MIPC_HOUSES; i++)
		if (mipc_peek(&space->house[i]) == house)
			return true;
	return false;
}

static void
look_for_uid(struct mipc_checker *c, const char *name)
{
	unsigned uid;
	char own[40];

	(void)c;
	if (sscanf(name, "life.%u.slots", &uid) != 1)
		return;
	snprintf(own, sizeof(own), "life.%u.slots", uid);
	if (strcmp(name, own) == 0 &&
	    !has_house(searching->space, (uint64_t)uid + 1))
		found_uid = (uint64_t)uid + 1;
}

/* A house that has been lost is that of lives that have none; or nobody's. */
static void
mend_houses(struct table *t)
{
	mipc_u64 *house = t->space->house;
	uint32_t top = 0;
	bool twice;

	for (uint32_t i = 0; i < MIPC_HOUSES; i++) {
		twice = false;
		for (uint32_t j = 0; j < i; j++)
			twice |= mipc_peek(&house[j]) == mipc_peek(&house[i]);
		if (twice || mipc_peek(&house[i]) > MOST_UIDS)
			put(t, &house[i], 0);
		if (mipc_peek(&house[i]) != 0)
			top = i + 1;
	}
	searching = t;
	for (uint32_t i = 0; i < top; i++) {
		if (mipc_peek(&house[i]) != 0)
			continue;
		found_uid = 0;
		mipc_check_each(t->m->c, look_for_uid);
		if (found_uid == 0)
			for (found_uid = MOST_UIDS; has_house(t->space,
			    found_uid);)
				found_uid--;
		put(t, &house[i], found_uid);
	}
}

static void
mend_head(struct table *t)
{
	static struct mipc_space fresh;
	struct mipc_space *space = t->space;
	uint64_t most;

	mipc_space_init(&fresh);
	if (space->magic != fresh.magic ||
	    space->byte_order != fresh.byte_order ||
	    space->format != fresh.format || space->page != fresh.page) {
		space->format = fresh.format;
		space->byte_order = fresh.byte_order;
		space->page = fresh.page;
		mipc_step();
		space->magic = fresh.magic;
		t->changed++;
	}
	for (int i = 0; i < MIPC_LIMITS; i++)
		if (mipc_ns_limit(i, &most) != NULL && most != ~0ul &&
		    mipc_peek(&space->limit[i]) > most)
			put(t, &space->limit[i], mipc_peek(&fresh.limit[i]));
	for (int kind = 0; kind < MIPC_KINDS; kind++)
		if (mipc_peek(&space->wish[kind]) > MOST_IDS + 1)
			put(t, &space->wish[kind], 0);
	mend_houses(t);
}

/* --- the table --------------------------------------------------------- */

static struct table *filling;

static void
note_file(struct mipc_checker *c, const char *name)
{
	struct mipc_name object;

	(void)c;
	if (mipc_check_name(name, &object) && !object.data)
		filling->file[object.kind][object.id % MIPC_INDEX_MAX] =
		    object.id + 1;
}

/* What the file of an object says of itself; false: nothing. */
static bool
read_head(struct table *t, enum mipc_kind kind, uint64_t id,
    union mipc_any_head *out)
{
	struct stat st;
	char name[48];
	int fd;

	mipc_dir_object(kind, id, name);
	fd = mipc_sys_open(t->m->c->fd, name, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK, 0);
	if (fd < 0)
		return false;
	memset(out, 0, sizeof(*out));
	if (mipc_sys_fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		mipc_check_bytes(fd, 0, out, sizeof(*out));
	mipc_sys_close(fd);
	return out->object.magic == MIPC_MAGIC_OBJECT;
}

static bool
is_file(struct table *t, enum mipc_kind kind, uint64_t id)
{
	struct stat st;
	char name[48];

	mipc_dir_object(kind, id, name);
	return mipc_sys_stat(t->m->c->fd, name, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/* Can it be what the head says of its weight? */
static bool
tells_weight(const struct table *t, enum mipc_kind kind,
    const union mipc_any_head *head)
{
	if (kind == MIPC_SHM)
		return head->segment.pages == (head->segment.size +
		    t->m->c->page - 1) / t->m->c->page;
	return kind != MIPC_SEM || (head->set.nsems <= head->set.room &&
	    head->set.room <= MIPC_SEMMSL_MOST);
}

static void
weigh(struct table *t, enum mipc_kind kind, struct mipc_entry *entry,
    const union mipc_any_head *head)
{
	uint64_t weight = mipc_check_weight(kind, head);

	if (entry->pages == weight || !tells_weight(t, kind, head))
		return;
	entry->pages = weight;
	t->changed++;
}

static void
mend_entry(struct table *t, enum mipc_kind kind, uint64_t i)
{
	struct mipc_entry *entry = &t->space->entry[kind][i];
	uint64_t id = mipc_peek(&entry->id), file = t->file[kind][i];
	uint32_t state = mipc_peek(&entry->state);
	union mipc_any_head head;
	bool sound = state <= MIPC_INDEX_DEST &&
	    (state == MIPC_INDEX_FREE ||
	    (id <= MOST_IDS && id % MIPC_INDEX_MAX == i));

	if (sound && state == MIPC_INDEX_FREE && file == 0)
		return;
	if (sound && (state == MIPC_INDEX_MAKING || state == MIPC_INDEX_DEST ||
	    (state == MIPC_INDEX_LIVE && is_file(t, kind, id)))) {
		if (state == MIPC_INDEX_LIVE && read_head(t, kind, id, &head))
			weigh(t, kind, entry, &head);
		return;
	}
	if (file != 0 && read_head(t, kind, file - 1, &head) &&
	    mipc_peek(&head.object.id) == file - 1 &&
	    head.object.kind == (uint32_t)kind &&
	    mipc_peek(&head.object.state) == MIPC_ALIVE) {
		put(t, &entry->id, file - 1);
		entry->pages = 0;
		weigh(t, kind, entry, &head);
		mipc_put(&entry->life, 0);
		put_half(t, &entry->state, MIPC_INDEX_LIVE);
		return;
	}
	put_half(t, &entry->state, MIPC_INDEX_FREE);
}

/* How many entries have space; where that is not told, all that are used. */
static uint64_t
claimed_of(struct table *t, enum mipc_kind kind)
{
	uint64_t claimed = mipc_peek(&t->space->census[kind].claimed);
	uint64_t wanted = 0;
	bool told = claimed <= MIPC_INDEX_MAX && claimed % 128 == 0;

	for (uint64_t i = 0; i < MIPC_INDEX_MAX; i++) {
		uint32_t state = mipc_peek(&t->space->entry[kind][i].state);
		uint64_t id = mipc_peek(&t->space->entry[kind][i].id);

		if (t->file[kind][i] != 0 || (!told && state != 0 &&
		    state <= MIPC_INDEX_DEST && id % MIPC_INDEX_MAX == i))
			wanted = (i + 128) / 128 * 128;
	}
	return told && claimed >= wanted ? claimed : wanted;
}

static void
mend_table(struct table *t, enum mipc_kind kind)
{
	struct mipc_census *census = &t->space->census[kind];
	uint64_t claimed = claimed_of(t, kind);

	if (mipc_sys_reserve_fd(t->fd, (uint64_t)((char *)
	    t->space->entry[kind] - (char *)t->space),
	    claimed * sizeof(struct mipc_entry) + 1) < 0)
		return;
	put(t, &census->claimed, claimed);
	for (uint64_t i = 0; i < claimed; i++)
		mend_entry(t, kind, i);
	if (mipc_peek(&census->cursor) > MIPC_INDEX_MAX)
		put(t, &census->cursor, 0);
	if (mipc_peek(&census->last) > MIPC_INDEX_MAX)
		put(t, &census->last, 0);
}

/* An intent says what was about to be: the library does it, or nobody can. */
static void
mend_intent(struct table *t)
{
	struct mipc_intent *intent = &t->space->intent;
	mipc_life owner = mipc_peek(&t->space->lock.owner);

	if (owner != 0 && !mipc_check_life(t->m->c, owner)) {
		put(t, &intent->op, MIPC_NO_INTENT);
		put(t, &t->space->lock.owner, 0);
	}
	if (mipc_peek(&t->space->lock.owner) == 0 ||
	    mipc_peek(&intent->op) > MIPC_REMOVE ||
	    mipc_peek(&intent->kind) >= MIPC_KINDS ||
	    mipc_peek(&intent->id) > MOST_IDS)
		put(t, &intent->op, MIPC_NO_INTENT);
}

static void
mend_all(struct table *t)
{
	struct mipc_ns ns = { .space = t->space };
	struct mipc_census before;

	filling = t;
	mipc_check_each(t->m->c, note_file);
	mend_head(t);
	mend_intent(t);
	for (enum mipc_kind kind = MIPC_SHM; kind <= MIPC_MSG; kind++) {
		mend_table(t, kind);
		before = t->space->census[kind];
		mipc_ns_recount(&ns, kind);
		t->changed += memcmp(&before, &t->space->census[kind],
		    sizeof(before)) != 0;
	}
	if (t->changed != 0)
		mipc_mend_say(t->m, "namespace", "%u of its words are as the "
		    "directory says", (unsigned)t->changed);
}

void
mipc_mend_space(struct mipc_mender *m)
{
	size_t bytes = MIPC_KINDS * MIPC_INDEX_MAX * sizeof(uint64_t);
	struct table t = { .m = m };
	struct mipc_view view;
	struct stat st;
	void *memory;

	t.fd = mipc_sys_open(m->c->fd, "namespace", O_RDWR | O_NOFOLLOW |
	    O_NONBLOCK, 0);
	if (t.fd < 0)
		return;
	if (mipc_sys_fstat(t.fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size < sizeof(struct mipc_space) &&
	    mipc_sys_truncate_fd(t.fd, sizeof(struct mipc_space)) == 0)
		t.changed++;
	if (mipc_sys_reserve_fd(t.fd, 0, offsetof(struct mipc_space,
	    entry)) == 0 && mipc_view_private(bytes, &memory) == 0) {
		for (int kind = 0; kind < MIPC_KINDS; kind++)
			t.file[kind] = (uint64_t *)memory +
			    kind * MIPC_INDEX_MAX;
		if (mipc_view_fd(t.fd, sizeof(struct mipc_space),
		    sizeof(struct mipc_space), PROT_READ | PROT_WRITE,
		    &view) == 0) {
			t.space = view.base;
			mend_all(&t);
			mipc_view_close(&view);
		}
		mipc_view_free(memory, bytes);
	}
	mipc_sys_close(t.fd);
}
