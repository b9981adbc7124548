/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_object.c - an object, by what the namespace says of it.
 *
 * Of one that is being made or has been removed the files may be there or not.
 */
#include "check_inside.h"

#include <errno.h>
#include <stdio.h>

#include "acl.h"

void
mipc_check_lock(struct mipc_checker *c, const struct mipc_lock *lock)
{
	mipc_life owner = mipc_peek(&lock->owner);

	if (owner == 0)
		return;
	if (!mipc_check_life(c, owner))
		mipc_check_say(c, MIPC_RULE_LOCK,
		    "its lock is held by who never lived");
	else if (mipc_check_dead(c, owner))
		mipc_check_say(c, MIPC_RULE_NOTE, "its lock is held by who "
		    "died: the next to take it goes on");
}

static void
check_redo(struct mipc_checker *c, const struct mipc_object *head,
    uint64_t size)
{
	uint64_t count = mipc_peek(&head->redo.count), offset;

	if (count > MIPC_REDO_WORDS)
		mipc_check_say(c, MIPC_RULE_REDO, "a redo record of %llu "
		    "words", (unsigned long long)count);
	for (uint64_t i = 0; i < count && i < MIPC_REDO_WORDS; i++) {
		offset = mipc_peek(&head->redo.word[i].offset);
		if (offset % 8 != 0 || offset < offsetof(struct mipc_object,
		    state) || offset >= size || size - offset < 8)
			mipc_check_say(c, MIPC_RULE_REDO, "a redo record of "
			    "a word outside of it");
	}
	if (mipc_peek(&head->lock.owner) != 0)
		return;
	if (count != 0)
		mipc_check_say(c, MIPC_RULE_REDO,
		    "a redo record stands, and nobody has the lock");
	else if (mipc_peek(&head->seq) % 2 != 0)
		mipc_check_say(c, MIPC_RULE_REDO,
		    "it is changing, and nobody has the lock");
}

/* A record that somebody left is applied to the copy, as it will be. */
static void
apply_redo(struct mipc_object *head, uint64_t size)
{
	uint64_t count = mipc_peek(&head->redo.count), offset;

	for (uint64_t i = 0; i < count && i < MIPC_REDO_WORDS; i++) {
		offset = mipc_peek(&head->redo.word[i].offset);
		if (offset % 8 == 0 && offset < size && size - offset >= 8)
			memcpy((char *)head + offset,
			    &head->redo.word[i].value, 8);
	}
}

static void
check_words(struct mipc_checker *c, const struct mipc_object *head)
{
	if (mipc_peek(&head->state) < MIPC_ALIVE ||
	    mipc_peek(&head->state) > MIPC_DESTROYED)
		mipc_check_say(c, MIPC_RULE_HEAD, "state %llu is none",
		    (unsigned long long)mipc_peek(&head->state));
	if (mipc_peek(&head->key) > UINT32_MAX)
		mipc_check_say(c, MIPC_RULE_HEAD, "its key is none");
	if ((mipc_peek(&head->mode) &
	    ~(uint64_t)(0777 | 01000 | 02000)) != 0)
		mipc_check_say(c, MIPC_RULE_HEAD, "mode %llo is none",
		    (unsigned long long)mipc_peek(&head->mode));
	if (mipc_peek(&head->uid) > UINT32_MAX ||
	    mipc_peek(&head->gid) > UINT32_MAX || head->cuid > UINT32_MAX ||
	    head->cgid > UINT32_MAX)
		mipc_check_say(c, MIPC_RULE_HEAD,
		    "its owner or creator is nobody");
	if (mipc_peek(&head->unsettled) > 1)
		mipc_check_say(c, MIPC_RULE_HEAD,
		    "its owner is neither settled nor not");
	if (memchr(head->command, '\0', sizeof(head->command)) == NULL)
		mipc_check_say(c, MIPC_RULE_HEAD,
		    "its creator's command line has no end");
}

bool
mipc_check_head(struct mipc_checker *c, struct mipc_copy *copy,
    enum mipc_kind kind, uint64_t id)
{
	struct mipc_object *head = (void *)copy->base;

	if (copy->size < c->page) {
		mipc_check_say(c, MIPC_RULE_FILE, "%llu bytes: truncated",
		    (unsigned long long)copy->size);
		return false;
	}
	if (head->magic != MIPC_MAGIC_OBJECT) {
		mipc_check_say(c, MIPC_RULE_HEAD, "not an object's file");
		return false;
	}
	if (head->format != MIPC_FORMAT || head->page != c->page)
		mipc_check_say(c, MIPC_RULE_HEAD, "of format %u and pages of "
		    "%u bytes, not %u and %u", (unsigned)head->format,
		    (unsigned)head->page, MIPC_FORMAT, (unsigned)c->page);
	if (head->kind != (uint32_t)kind || mipc_peek(&head->id) != id)
		mipc_check_say(c, MIPC_RULE_HEAD, "it says that it is %s.%llu",
		    head->kind < MIPC_KINDS ? mipc_dir_kind[head->kind] : "?",
		    (unsigned long long)mipc_peek(&head->id));
	mipc_check_lock(c, &head->lock);
	check_redo(c, head, copy->size);
	apply_redo(head, copy->size);
	check_words(c, head);
	return head->format == MIPC_FORMAT && head->page == c->page;
}

/* --- one state --------------------------------------------------------- */

/* What tells whether somebody changed the object: see check_inside.h. */
struct signature {
	uint64_t word[3 + 2 * MIPC_BOARDS];
};

/* A turn, and whether its record has been applied. */
static void
sign_board(int fd, uint64_t turn_at, uint64_t parties, uint64_t large,
    uint64_t out[2])
{
	uint64_t turn = mipc_check_word(fd, turn_at), index = turn & 0xff;

	out[0] = turn;
	out[1] = 0;
	if (index == 0 || index > MIPC_PARTIES + MIPC_LARGE_PARTIES)
		return;
	index--;
	out[1] = mipc_check_word(fd, (index < MIPC_PARTIES ?
	    parties + index * MIPC_PARTY_BYTES :
	    parties + (index - MIPC_PARTIES) * large) +
	    offsetof(struct mipc_party, done));
}

static void
sign_set(int fd, uint32_t page, struct signature *s)
{
	uint64_t room = mipc_check_word(fd, offsetof(struct mipc_semset, room));
	struct mipc_sem_layout layout;

	mipc_sem_lay_out(&layout, (uint32_t)(room > MIPC_SEMMSL_MOST ? 1 :
	    room), page);
	sign_board(fd, offsetof(struct mipc_semset, turn),
	    layout.table[MIPC_T_PARTIES], 0, &s->word[3]);
	/* A large one: the same place in the other table. */
	if ((s->word[3] & 0xff) > MIPC_PARTIES)
		s->word[4] = mipc_check_word(fd, layout.table[MIPC_T_LARGE] +
		    ((s->word[3] & 0xff) - 1 - MIPC_PARTIES) *
		    mipc_txn_large_bytes(layout.large_words) +
		    offsetof(struct mipc_party, done));
}

static void
sign_queue(int fd, uint32_t page, struct signature *s)
{
	static const size_t turn[MIPC_BOARDS] = {
		offsetof(struct mipc_msgqueue, send_turn),
		offsetof(struct mipc_msgqueue, take_turn),
		offsetof(struct mipc_msgqueue, room_turn),
	};
	struct mipc_msg_layout layout;

	mipc_msg_lay_out(&layout, 0, page);
	for (size_t i = 0; i < MIPC_BOARDS; i++)
		sign_board(fd, turn[i], layout.table[MIPC_M_POCKETS] +
		    offsetof(struct mipc_pocket, party) +
		    i * sizeof(struct mipc_party), 0, &s->word[3 + 2 * i]);
}

static void
sign(struct mipc_checker *c, int fd, enum mipc_kind kind, struct signature *s)
{
	memset(s, 0, sizeof(*s));
	s->word[0] = mipc_check_word(fd, offsetof(struct mipc_object, seq));
	s->word[1] = mipc_check_word(fd, offsetof(struct mipc_object,
	    lock.owner));
	s->word[2] = mipc_check_word(fd, offsetof(struct mipc_object,
	    redo.count));
	if (kind == MIPC_SEM)
		sign_set(fd, c->page, s);
	else if (kind == MIPC_MSG)
		sign_queue(fd, c->page, s);
}

/* --- an object --------------------------------------------------------- */

struct subject {
	enum mipc_kind kind;
	uint64_t index;
};

/* Is the namespace's lock's holder about to do something to it? */
static bool
is_intended(struct mipc_checker *c, enum mipc_kind kind, uint64_t id)
{
	mipc_check_refresh(c);
	return mipc_peek(&c->space->lock.owner) != 0 &&
	    mipc_peek(&c->space->intent.op) != MIPC_NO_INTENT &&
	    mipc_peek(&c->space->intent.kind) == (uint64_t)kind &&
	    mipc_peek(&c->space->intent.id) == id;
}

/* What the table and the key say of one that is alive. */
static void
check_live(struct mipc_checker *c, const struct mipc_object *head,
    enum mipc_kind kind, uint64_t id)
{
	uint64_t key = mipc_peek(&head->key);

	if (mipc_peek(&head->state) != MIPC_ALIVE)
		mipc_check_say(c, MIPC_RULE_HEAD, "it says that it has been "
		    "removed, and the namespace lists it");
	if (key != 0 && key <= UINT32_MAX && !mipc_check_has_key(c, kind,
	    (uint32_t)key, id) && !is_intended(c, kind, id))
		mipc_check_say(c, MIPC_RULE_KEY,
		    "nothing leads from its key 0x%08x to it", (unsigned)key);
}

/*
 * The modes of its files are what the kernel goes by, its own what the library
 * does.  IPC_SET changes both, one behind the other, under its lock; of one
 * that died in it `unsettled` tells.
 */
static void
check_perm(struct mipc_checker *c, const struct mipc_object *head,
    enum mipc_kind kind, uint64_t id)
{
	unsigned mode = (unsigned)mipc_peek(&head->mode) & 0777, wanted;
	struct mipc_perm file;
	uint64_t size;
	char name[32];

	if (mipc_peek(&head->unsettled) != 0 ||
	    mipc_peek(&head->lock.owner) != 0)
		return;
	wanted = mipc_dir_head_mode(mode);
	mipc_dir_object(kind, id, name);
	if (mipc_acl_read(c->fd, name, &file, &size) == 0 &&
	    file.mode != wanted)
		mipc_check_say(c, MIPC_RULE_PERM, "its file has mode %03o, "
		    "and %03o is due to permissions of %03o", file.mode,
		    wanted, mode);
	mipc_dir_data(id, name);
	if (kind == MIPC_SHM && mipc_acl_read(c->fd, name, &file,
	    &size) == 0 && file.mode != mode)
		mipc_check_say(c, MIPC_RULE_PERM, "its data has mode %03o, "
		    "and its permissions are %03o", file.mode, mode);
}

uint64_t
mipc_check_weight(enum mipc_kind kind, const union mipc_any_head *head)
{
	return kind == MIPC_SHM ? head->segment.pages :
	    kind == MIPC_SEM ? head->set.nsems : 0;
}

static void
check_inside(struct mipc_checker *c, struct mipc_copy *copy,
    const struct mipc_entry *entry, enum mipc_kind kind)
{
	uint64_t id = mipc_peek(&entry->id);
	struct mipc_opened opened = {
		.kind = kind,
		.id = id,
		.head = (void *)copy->base,
		.kept_fd = -1,
	};

	opened.map.base = copy->base;
	opened.map.size = (size_t)copy->size;
	opened.map.length = copy->size;
	if (kind == MIPC_SHM)
		mipc_check_segment(c, copy, id);
	else if (kind == MIPC_SEM)
		mipc_check_set(c, copy, &opened);
	else
		mipc_check_queue(c, copy, &opened);
	if (copy->size >= sizeof(union mipc_any_head) &&
	    mipc_check_weight(kind, (void *)copy->base) != entry->pages)
		mipc_check_say(c, MIPC_RULE_ENTRY,
		    "the namespace counts %llu %s for it",
		    (unsigned long long)entry->pages, kind == MIPC_SEM ?
		    "semaphores" : "pages");
}

static void
read_object(struct mipc_checker *c, struct mipc_copy *copy,
    const struct mipc_entry *entry, enum mipc_kind kind)
{
	struct signature before, after;
	bool copied;

	sign(c, copy->fd, kind, &before);
	copied = mipc_check_copy(copy, kind == MIPC_SEM ?
	    MIPC_SEM_BYTES_MOST : MIPC_MSG_BYTES_MOST);
	sign(c, copy->fd, kind, &after);
	c->torn = memcmp(&before, &after, sizeof(before)) != 0;
	if (!copied)
		mipc_check_say(c, MIPC_RULE_NOTE,
		    "no memory for %llu bytes of it: it is not checked",
		    (unsigned long long)copy->size);
	if (!copied || c->torn)
		return;
	if (mipc_check_head(c, copy, kind, mipc_peek(&entry->id))) {
		check_live(c, (void *)copy->base, kind,
		    mipc_peek(&entry->id));
		check_perm(c, (void *)copy->base, kind,
		    mipc_peek(&entry->id));
		check_inside(c, copy, entry, kind);
	}
}

static void
look_at_object(struct mipc_checker *c, const void *arg)
{
	const struct subject *s = arg;
	struct mipc_copy copy = { .base = NULL };
	struct mipc_entry entry, again;
	char name[32];

	mipc_check_entry(c, s->kind, s->index, &entry);
	if (mipc_peek(&entry.state) != MIPC_INDEX_LIVE ||
	    mipc_peek(&entry.id) % MIPC_INDEX_MAX != s->index)
		return;
	mipc_dir_object(s->kind, mipc_peek(&entry.id), name);
	if (strcmp(name, c->where) != 0)
		return;			/* another one's by now */
	copy.fd = mipc_check_open(c, name, &copy.st);
	if (copy.fd >= 0) {
		read_object(c, &copy, &entry, s->kind);
		mipc_check_drop(&copy);
		mipc_sys_close(copy.fd);
	}
	mipc_check_entry(c, s->kind, s->index, &again);
	if (memcmp(&entry, &again, sizeof(entry)) != 0)
		c->now.n = 0;		/* removed meanwhile */
}

/* Who died making it, or using it last, leaves it to the next who looks. */
static void
look_at_rest(struct mipc_checker *c, const void *arg)
{
	const struct subject *s = arg;
	struct mipc_entry entry;
	uint32_t state;

	mipc_check_entry(c, s->kind, s->index, &entry);
	state = mipc_peek(&entry.state);
	if (state == MIPC_INDEX_MAKING &&
	    mipc_check_dead(c, mipc_peek(&entry.life)))
		mipc_check_say(c, MIPC_RULE_NOTE, "who was making it died: "
		    "whoever comes next clears it away");
	else if (state == MIPC_INDEX_DEST)
		mipc_check_say(c, MIPC_RULE_NOTE, "removed: it goes when "
		    "nobody uses it");
}

static void
look_at_entry(struct mipc_checker *c, const struct subject *s,
    const struct mipc_entry *entry)
{
	uint32_t state = mipc_peek(&entry->state);
	char name[32];

	if (state == MIPC_INDEX_FREE)
		return;
	mipc_dir_object(s->kind, mipc_peek(&entry->id), name);
	mipc_check_subject(c, name, state == MIPC_INDEX_LIVE ?
	    look_at_object : look_at_rest, s);
}

/* Entries are read a page at a time; each that is used again by itself. */
void
mipc_check_objects(struct mipc_checker *c)
{
	struct mipc_entry entry[128];
	struct subject s;
	uint64_t claimed;
	int fd = mipc_sys_open(c->fd, "namespace",
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

	for (s.kind = MIPC_SHM; fd >= 0 && s.kind <= MIPC_MSG; s.kind++) {
		claimed = mipc_peek(&c->space->census[s.kind].claimed);
		for (s.index = 0; s.index < claimed &&
		    s.index < MIPC_INDEX_MAX; s.index++) {
			if (s.index % 128 == 0)
				mipc_check_bytes(fd, offsetof(struct mipc_space,
				    entry) + (s.kind * (uint64_t)MIPC_INDEX_MAX
				    + s.index) * sizeof(entry[0]), entry,
				    sizeof(entry));
			look_at_entry(c, &s, &entry[s.index % 128]);
		}
	}
	if (fd >= 0)
		mipc_sys_close(fd);
}
