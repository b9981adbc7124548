/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_names.c - what the names in the directory say, against the table.
 */
#include "check_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#define CHAIN	8u		/* links a key may have */

/* --- names ------------------------------------------------------------- */

bool
mipc_check_name(const char *name, struct mipc_name *out)
{
	char own[48];

	for (int kind = 0; kind < MIPC_KINDS; kind++) {
		if (strncmp(name, mipc_dir_kind[kind], 3) != 0 ||
		    name[3] != '.')
			continue;
		out->kind = kind;
		out->id = strtoull(name + 4, NULL, 10);
		mipc_dir_object(kind, out->id, own);
		out->data = false;
		if (out->id <= INT32_MAX && strcmp(name, own) == 0)
			return true;
		strcat(own, ".data");
		out->data = true;
		return kind == MIPC_SHM && out->id <= INT32_MAX &&
		    strcmp(name, own) == 0;
	}
	return false;
}

bool
mipc_check_key_name(const char *name, enum mipc_kind *kind, uint32_t *key,
    uint32_t *n)
{
	char own[48];

	if (strncmp(name, "key.", 4) != 0 || strlen(name) < 8)
		return false;
	for (int i = 0; i < MIPC_KINDS; i++) {
		if (strncmp(name + 4, mipc_dir_kind[i], 3) != 0)
			continue;
		*kind = i;
		*key = 0;
		*n = 0;
		sscanf(name + 7, ".%8x.%1u", key, n);
		snprintf(own, sizeof(own), *n == 0 ? "key.%s.%08x" :
		    "key.%s.%08x.%u", mipc_dir_kind[i], (unsigned)*key,
		    (unsigned)*n);
		return *n < CHAIN && strcmp(name, own) == 0;
	}
	return false;
}

bool
mipc_check_link(struct mipc_checker *c, const char *name,
    enum mipc_kind kind, uint64_t *id)
{
	struct mipc_name named;
	char text[40];
	int n;

	n = mipc_sys_readlink(c->fd, name, text, sizeof(text) - 1);
	if (n < 0)
		return false;
	text[n] = '\0';
	if (!mipc_check_name(text, &named) || named.data ||
	    named.kind != kind)
		return false;
	*id = named.id;
	return true;
}

bool
mipc_check_has_key(struct mipc_checker *c, enum mipc_kind kind, uint32_t key,
    uint64_t id)
{
	struct stat st;
	char name[48];
	uint64_t to;

	for (uint32_t n = 0; n < CHAIN; n++) {
		snprintf(name, sizeof(name), n == 0 ? "key.%s.%08x" :
		    "key.%s.%08x.%u", mipc_dir_kind[kind], (unsigned)key,
		    (unsigned)n);
		if (mipc_sys_stat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return false;
		if (mipc_check_link(c, name, kind, &to) && to == id)
			return true;
	}
	return false;
}

/* --- each kind of name ------------------------------------------------- */

static void
look_at_file(struct mipc_checker *c, const struct mipc_name *name)
{
	struct mipc_entry entry;

	mipc_check_entry(c, name->kind, name->id % MIPC_INDEX_MAX, &entry);
	if (mipc_peek(&entry.state) == MIPC_INDEX_FREE ||
	    mipc_peek(&entry.id) != name->id)
		mipc_check_say(c, MIPC_RULE_NAME, "a file of an object that "
		    "the namespace does not list");
}

/* The key that an object's head says it has; 0 none, or it cannot be read. */
static uint64_t
key_of(struct mipc_checker *c, enum mipc_kind kind, uint64_t id)
{
	uint64_t key = 0;
	char name[32];
	int fd;

	mipc_dir_object(kind, id, name);
	fd = mipc_sys_open(c->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0)
		return 0;
	key = mipc_check_word(fd, offsetof(struct mipc_object, key));
	mipc_sys_close(fd);
	return key;
}

/*
 * A link that leads nowhere counts as absent.  In a sticky directory one may
 * stay that only its owner could take away; root could, and gives its links
 * away with the object.
 */
static void
look_at_key(struct mipc_checker *c, const char *name, enum mipc_kind kind,
    uint32_t key)
{
	struct mipc_entry entry;
	struct stat st;
	uint64_t id;
	uint32_t state;

	if (mipc_sys_stat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (!S_ISLNK(st.st_mode) || !mipc_check_link(c, name, kind, &id)) {
		mipc_check_say(c, MIPC_RULE_KEY,
		    "a key that leads to nothing that could be an object");
		return;
	}
	mipc_check_entry(c, kind, id % MIPC_INDEX_MAX, &entry);
	state = mipc_peek(&entry.state);
	if (mipc_peek(&entry.id) != id || (state != MIPC_INDEX_LIVE &&
	    state != MIPC_INDEX_MAKING)) {
		mipc_check_say(c, (c->dir.st_mode & S_ISVTX) != 0 &&
		    st.st_uid != 0 ? MIPC_RULE_NOTE : MIPC_RULE_KEY,
		    "a key of %s.%llu, which is gone", mipc_dir_kind[kind],
		    (unsigned long long)id);
		return;
	}
	if (state == MIPC_INDEX_LIVE && key_of(c, kind, id) != key)
		mipc_check_say(c, MIPC_RULE_KEY, "a key of %s.%llu, which has "
		    "another", mipc_dir_kind[kind], (unsigned long long)id);
}

static bool
has_house(struct mipc_checker *c, uint64_t uid)
{
	for (uint32_t i = 0; i < MIPC_HOUSES; i++)
		if (mipc_peek(&c->space->house[i]) == uid + 1)
			return true;
	return false;
}

/* The head of a file of lives, and its size. */
static void
look_at_slots(struct mipc_checker *c, const char *name)
{
	struct mipc_house_head head;
	struct stat st;
	int fd = mipc_check_open(c, name, &st);

	if (fd < 0)
		return;
	mipc_check_bytes(fd, 0, &head, sizeof(head));
	mipc_sys_close(fd);
	if ((uint64_t)st.st_size < (uint64_t)MIPC_SLOTS * c->page)
		mipc_check_say(c, MIPC_RULE_LIFE, "truncated: it has no room "
		    "for every slot");
	if (head.magic != MIPC_MAGIC_HOUSE || head.format != MIPC_FORMAT)
		mipc_check_say(c, MIPC_RULE_LIFE,
		    "not a file of lives of this format");
	else if (mipc_peek(&head.high) < 1 ||
	    mipc_peek(&head.high) > MIPC_SLOTS)
		mipc_check_say(c, MIPC_RULE_LIFE, "%llu slots are in use, of "
		    "%u that there can be",
		    (unsigned long long)mipc_peek(&head.high), MIPC_SLOTS);
}

static void
look_at_life(struct mipc_checker *c, const char *name)
{
	static const char *const suffix[] = { "slots", "run", "exec" };
	unsigned long uid = strtoul(name + 5, NULL, 10);
	struct stat st;
	char own[40];

	for (int i = 0; i < 3; i++) {
		snprintf(own, sizeof(own), "life.%lu.%s", uid, suffix[i]);
		if (strcmp(name, own) != 0)
			continue;
		if (mipc_sys_stat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return;
		if (!S_ISREG(st.st_mode))
			mipc_check_say(c, MIPC_RULE_LIFE,
			    "not a regular file");
		else if (!has_house(c, uid))
			mipc_check_say(c, MIPC_RULE_LIFE, "lives of uid %lu, "
			    "who has no house", uid);
		else if (i == 0)
			look_at_slots(c, name);
		return;
	}
	mipc_check_say(c, MIPC_RULE_NAME, "no file of a namespace");
}

/* A change of owner or mode that is under way, or whose maker died. */
static void
look_at_change(struct mipc_checker *c, const char *name)
{
	struct mipc_entry entry;
	struct mipc_name object;
	unsigned word[5];
	char text[80];
	int n = mipc_sys_readlink(c->fd, name, text, sizeof(text) - 1);

	if (n == -ENOENT)
		return;
	text[n < 0 ? 0 : n] = '\0';
	if (!mipc_check_name(name + 4, &object) || object.data ||
	    sscanf(text, "%u %u %u %u %o", &word[0], &word[1], &word[2],
	    &word[3], &word[4]) != 5) {
		mipc_check_say(c, MIPC_RULE_NAME, "no change of an object");
		return;
	}
	mipc_check_entry(c, object.kind, object.id % MIPC_INDEX_MAX, &entry);
	if (mipc_peek(&entry.state) == MIPC_INDEX_FREE ||
	    mipc_peek(&entry.id) != object.id)
		mipc_check_say(c, MIPC_RULE_NAME,
		    "a change of an object that is gone");
	else if (!c->lived_in)
		mipc_check_say(c, MIPC_RULE_NOTE, "a change of owner or mode "
		    "that its maker left: whoever locks the object ends it");
}

static bool
is_dotted(const char *name)
{
	static const char *const prefix[] = { ".namespace", ".life.", ".shm.",
	    ".sem.", ".msg.", ".key.", ".set.", ".probe." };

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (strncmp(name, prefix[i], strlen(prefix[i])) == 0)
			return true;
	return false;
}

static void
look_at_name(struct mipc_checker *c, const void *arg)
{
	const char *name = arg;
	struct mipc_name object;
	enum mipc_kind kind;
	struct stat st;
	uint32_t key, n;

	if (mipc_sys_stat(c->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;			/* gone meanwhile */
	if (mipc_check_name(name, &object))
		look_at_file(c, &object);
	else if (mipc_check_key_name(name, &kind, &key, &n))
		look_at_key(c, name, kind, key);
	else if (strncmp(name, "life.", 5) == 0)
		look_at_life(c, name);
	else if (strncmp(name, "set.", 4) == 0)
		look_at_change(c, name);
	else if (is_dotted(name))
		mipc_check_say(c, MIPC_RULE_NOTE,
		    "being made, or left by who died making it");
	else if (strcmp(name, "namespace") != 0 &&
	    !(strcmp(name, "lost+found") == 0 && S_ISDIR(st.st_mode)))
		mipc_check_say(c, MIPC_RULE_NAME, "no file of a namespace");
}

/* --- all of them ------------------------------------------------------- */

struct dent {			/* struct linux_dirent64 */
	uint64_t ino;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

int
mipc_check_each(struct mipc_checker *c,
    void (*each)(struct mipc_checker *, const char *name))
{
	_Alignas(uint64_t) char buf[4096];
	const struct dent *d;
	int fd, n;

	fd = mipc_sys_open(c->fd, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return -fd;
	while ((n = mipc_sys_dents(fd, buf, sizeof(buf))) > 0)
		for (int at = 0; at < n; at += d->length) {
			d = (const struct dent *)(const void *)(buf + at);
			if (strcmp(d->name, ".") != 0 &&
			    strcmp(d->name, "..") != 0)
				each(c, d->name);
		}
	mipc_sys_close(fd);
	return -n;
}

static void
check_one(struct mipc_checker *c, const char *name)
{
	char shown[300];
	size_t i;

	for (i = 0; name[i] != '\0' && i < sizeof(shown) - 1; i++)
		shown[i] = name[i] < ' ' || name[i] == 127 ? '?' : name[i];
	shown[i] = '\0';
	mipc_check_subject(c, shown, look_at_name, name);
}

void
mipc_check_names(struct mipc_checker *c)
{
	mipc_check_each(c, check_one);
}
