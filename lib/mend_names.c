/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mend_names.c - names that are wrong, and files of lives.
 *
 * Nothing is deleted: what does not belong there goes to lost+found, under a
 * name that is free there.
 */
#include "mend.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

bool
mipc_mend_path(const struct mipc_mender *m, const char *name,
    char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s/%s", m->dir, name) < PATH_MAX;
}

bool
mipc_mend_lost(struct mipc_mender *m, const char *name, char out[PATH_MAX],
    bool *kept)
{
	char path[PATH_MAX];
	struct stat own, st;

	*kept = false;
	if (!mipc_mend_path(m, MIPC_LOST, path) ||
	    mipc_sys_stat(m->c->fd, name, &own, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	mipc_sys_mkdir(path, 0700);
	for (unsigned n = 0; n < 10000; n++) {
		snprintf(out, PATH_MAX, n == 0 ? MIPC_LOST "/%.255s" :
		    MIPC_LOST "/%.255s.%u", name, n);
		if (mipc_sys_stat(m->c->fd, out, &st,
		    AT_SYMLINK_NOFOLLOW) != 0)
			return true;
		*kept = st.st_ino == own.st_ino && st.st_dev == own.st_dev;
		if (*kept)
			return true;
	}
	return false;
}

bool
mipc_mend_away(struct mipc_mender *m, const char *name)
{
	char to[PATH_MAX];
	bool kept;

	/* Kept already: what is to be moved has two names. */
	if (!mipc_mend_lost(m, name, to, &kept))
		return false;
	if ((kept ? mipc_sys_unlink(m->c->fd, name, 0) :
	    mipc_sys_rename_new(m->c->fd, name, to)) != 0)
		return false;
	mipc_mend_say(m, name, "moved to %s", to);
	return true;
}

void
mipc_mend_give_up(struct mipc_mender *m, enum mipc_kind kind, uint64_t id)
{
	char name[48], data[56];

	mipc_dir_object(kind, id, name);
	snprintf(data, sizeof(data), "%s.data", name);
	if (kind == MIPC_SHM)
		mipc_mend_away(m, data);
	mipc_mend_away(m, name);
}

/* Is it listed by now, as mipc_mend_space() lists what it can? */
void
mipc_mend_unlisted(struct mipc_mender *m, const char *name,
    const struct mipc_name *object)
{
	struct mipc_entry entry;

	mipc_check_entry(m->c, object->kind, object->id % MIPC_INDEX_MAX,
	    &entry);
	if (mipc_peek(&entry.state) == MIPC_INDEX_FREE ||
	    mipc_peek(&entry.id) != object->id)
		mipc_mend_away(m, name);
}

/* --- lives ------------------------------------------------------------- */

/* Slots from the first on that were ever given out, + 1. */
static uint64_t
high_of(struct mipc_mender *m, int fd)
{
	uint64_t high = 1;

	for (uint64_t i = 1; i < MIPC_SLOTS; i++)
		if (mipc_check_word(fd, i * m->c->page +
		    offsetof(struct mipc_slot, gen)) != 0)
			high = i + 1;
	return high;
}

void
mipc_mend_life(struct mipc_mender *m, const char *name)
{
	struct mipc_house_head head = {
		.magic = MIPC_MAGIC_HOUSE,
		.format = MIPC_FORMAT,
	};
	size_t length = strlen(name);
	struct stat st;
	int fd = -1, r;

	if (length > 6 && strcmp(name + length - 6, ".slots") == 0)
		fd = mipc_sys_open(m->c->fd, name, O_RDWR | O_NOFOLLOW |
		    O_NONBLOCK, 0);
	if (fd < 0 || mipc_sys_fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			mipc_sys_close(fd);
		mipc_mend_away(m, name);
		return;
	}
	r = 0;
	if ((uint64_t)st.st_size < (uint64_t)MIPC_SLOTS * m->c->page)
		r = mipc_sys_truncate_fd(fd, (uint64_t)MIPC_SLOTS *
		    m->c->page);
	mipc_put(&head.high, high_of(m, fd));
	if (r == 0)
		r = mipc_sys_reserve_fd(fd, 0, mipc_peek(&head.high) *
		    m->c->page);
	if (r == 0 && mipc_sys_pwrite(fd, &head, sizeof(head), 0) ==
	    sizeof(head))
		mipc_mend_say(m, name, "its head is written anew");
	mipc_sys_close(fd);
}

/* --- keys -------------------------------------------------------------- */

static bool
has_other(struct mipc_mender *m, const char *name, enum mipc_kind kind,
    uint64_t id)
{
	struct mipc_entry entry;
	uint64_t to;

	if (!mipc_check_link(m->c, name, kind, &to) || to == id)
		return false;
	mipc_check_entry(m->c, kind, to % MIPC_INDEX_MAX, &entry);
	return mipc_peek(&entry.state) == MIPC_INDEX_LIVE &&
	    mipc_peek(&entry.id) == to;
}

void
mipc_mend_key(struct mipc_mender *m, enum mipc_kind kind, uint64_t id)
{
	char name[48], object[48];
	uint64_t key, none = 0;
	int fd;

	mipc_dir_object(kind, id, object);
	fd = mipc_sys_open(m->c->fd, object, O_RDWR | O_NOFOLLOW |
	    O_NONBLOCK, 0);
	if (fd < 0)
		return;
	key = mipc_check_word(fd, offsetof(struct mipc_object, key));
	snprintf(name, sizeof(name), "key.%s.%08x", mipc_dir_kind[kind],
	    (unsigned)key);
	if (key == 0 || key > UINT32_MAX || mipc_check_has_key(m->c, kind,
	    (uint32_t)key, id)) {
		;			/* nothing, or not by this way */
	} else if (has_other(m, name, kind, id)) {
		if (mipc_sys_pwrite(fd, &none, sizeof(none),
		    offsetof(struct mipc_object, key)) == sizeof(none))
			mipc_mend_say(m, object, "its key 0x%08x is "
			    "another's: it has none now", (unsigned)key);
	} else {
		mipc_mend_away(m, name);	/* if anything is there */
		if (mipc_sys_symlink(object, m->c->fd, name) == 0)
			mipc_mend_say(m, object, "its key 0x%08x leads to it "
			    "again", (unsigned)key);
	}
	mipc_sys_close(fd);
}
