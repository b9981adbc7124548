/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_read.c - files, entries and lives, as they are on the disk.
 *
 * Everything is read by pread(2), so that a file that shrinks meanwhile reads
 * as zeros; but for the slots of lives, which the library's own rules read
 * from a guarded mapping (bus.h).  Nothing is written: no lock is taken but
 * the probe's, a flock on the namespace's own file for a moment.
 */
#include "check_inside.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bus.h"
#include "life_inside.h"

#define CHUNK	((uint64_t)1 << 20)

void
mipc_check_bytes(int fd, uint64_t at, void *to, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = mipc_sys_pread(fd, (char *)to + done, size - done,
		    at + done);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	memset((char *)to + done, 0, size - done);
}

int
mipc_check_open(struct mipc_checker *c, const char *name, struct stat *st)
{
	int fd;

	fd = mipc_sys_open(c->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0) {
		mipc_check_say(c, MIPC_RULE_FILE, "%s", fd == -ENOENT ?
		    "the file is missing" : fd == -ELOOP ?
		    "a symbolic link in place of a file" : strerror(-fd));
		return -1;
	}
	if (mipc_sys_fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	mipc_check_say(c, MIPC_RULE_FILE, "not a regular file");
	mipc_sys_close(fd);
	return -1;
}

/* Data from `at` on: where it begins and ends; false: there is no more. */
static bool
find_data(int fd, uint64_t size, uint64_t *at, uint64_t *end)
{
	off_t data = lseek(fd, (off_t)*at, SEEK_DATA), hole;

	if (data == -1) {
		if (errno == ENXIO)
			return false;
		*end = size;		/* it knows of no holes */
		return *at < size;
	}
	hole = lseek(fd, data, SEEK_HOLE);
	*at = (uint64_t)data;
	*end = hole == -1 || (uint64_t)hole > size ? size : (uint64_t)hole;
	return *at < *end;
}

bool
mipc_check_copy(struct mipc_copy *copy, uint64_t most)
{
	uint64_t at = 0, end;
	void *memory;

	copy->size = (uint64_t)copy->st.st_size;
	if (copy->size > most)
		copy->size = most;
	if (copy->size > SIZE_MAX / 2 || mipc_sys_map(NULL,
	    (size_t)copy->size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &memory) < 0)
		return false;
	copy->base = memory;
	while (find_data(copy->fd, copy->size, &at, &end)) {
		if (end - at > CHUNK)
			end = at + CHUNK;
		mipc_check_bytes(copy->fd, at, copy->base + at,
		    (size_t)(end - at));
		at = end;
	}
	return true;
}

void
mipc_check_drop(struct mipc_copy *copy)
{
	if (copy->base != NULL)
		mipc_sys_unmap(copy->base, (size_t)copy->size);
	copy->base = NULL;
}

/* --- the namespace ----------------------------------------------------- */

void
mipc_check_refresh(struct mipc_checker *c)
{
	int fd = mipc_sys_open(c->fd, "namespace",
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

	if (fd < 0)
		return;
	mipc_check_bytes(fd, 0, c->space, offsetof(struct mipc_space, entry));
	mipc_sys_close(fd);
}

void
mipc_check_entry(struct mipc_checker *c, int kind, uint64_t index,
    struct mipc_entry *out)
{
	int fd = mipc_sys_open(c->fd, "namespace",
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return;
	if (index < mipc_check_word(fd, offsetof(struct mipc_space, census) +
	    (size_t)kind * sizeof(struct mipc_census) +
	    offsetof(struct mipc_census, claimed)))
		mipc_check_bytes(fd, offsetof(struct mipc_space, entry) +
		    ((size_t)kind * MIPC_INDEX_MAX + index) * sizeof(*out),
		    out, sizeof(*out));
	mipc_sys_close(fd);
}

/* --- lives ------------------------------------------------------------- */

static int
open_life(void *where, uid_t uid, enum mipc_life_file file, bool make)
{
	static const char *const suffix[] = { "slots", "run", "exec", "exec" };
	struct mipc_checker *c = where;
	char name[40];

	(void)make;
	snprintf(name, sizeof(name), "life.%u.%s", (unsigned)uid,
	    suffix[file]);
	return mipc_sys_open(c->fd, name, O_NOFOLLOW | O_NONBLOCK |
	    (file == MIPC_LIFE_EXEC_NAME ? O_PATH : O_RDONLY), 0);
}

static int
map_slots(void *where, uid_t uid, void **out)
{
	struct mipc_checker *c = where;
	size_t size = (size_t)MIPC_SLOTS * c->page;
	struct mipc_view map;
	int error, fd;

	fd = open_life(where, uid, MIPC_LIFE_SLOTS, false);
	if (fd < 0)
		return -fd;
	error = mipc_view_fd(fd, size, size, PROT_READ, &map);
	mipc_sys_close(fd);
	if (error != 0)
		return ENOENT;		/* told of elsewhere */
	if (c->guards < MIPC_HOUSES)
		c->guard[c->guards++] = mipc_bus_guard(map.base, map.size);
	*out = map.base;
	return 0;
}

static const struct mipc_life_store life_store = {
	.open = open_life,
	.map_slots = map_slots,
};

/* Does a lock live with its mapping here?  See store_dir_open.c. */
static bool
locks_map(struct mipc_checker *c)
{
	struct mipc_view map;
	int fd, other;
	bool survives;

	if (mipc_sys_forced("MIPC_NO_MAPLOCK"))
		return false;
	fd = mipc_sys_open(c->fd, "namespace", O_RDONLY | O_NOFOLLOW, 0);
	other = mipc_sys_open(c->fd, "namespace", O_RDONLY | O_NOFOLLOW, 0);
	survives = fd >= 0 && other >= 0 &&
	    mipc_sys_flock(fd, LOCK_SH | LOCK_NB) == 0 &&
	    mipc_view_fd(fd, c->page, 1, PROT_NONE, &map) == 0;
	if (fd >= 0)
		mipc_sys_close(fd);
	if (survives) {
		survives = mipc_sys_flock(other, LOCK_EX | LOCK_NB) != 0;
		mipc_view_close(&map);
	}
	if (other >= 0)
		mipc_sys_close(other);
	return survives;
}

void
mipc_check_lives(struct mipc_checker *c)
{
	bool by_file = !mipc_sys_forced("MIPC_NO_OFD") &&
	    mipc_sys_locked(c->fd, MIPC_OWNED_BY_FILE, 0, 1, NULL) != -EINVAL;

	mipc_lives_init(&c->lives, &life_store, c, c->space->house);
	c->lives.owned_by = by_file ? MIPC_OWNED_BY_FILE :
	    MIPC_OWNED_BY_PROCESS;
	c->lives.lock_maps = locks_map(c);
	c->ns.lives = &c->lives;
	c->ns.space = c->space;
}

bool
mipc_check_life(struct mipc_checker *c, mipc_life life)
{
	uint32_t number = MIPC_LIFE_SLOT(life);
	struct mipc_slot *slot;
	char *base;
	int error;

	if (number == 0 || MIPC_LIFE_GEN(life) == 0 ||
	    mipc_take(&c->space->house[MIPC_LIFE_HOUSE(life)]) == 0)
		return false;
	base = mipc_life_window(&c->lives, MIPC_LIFE_HOUSE(life), &error);
	if (base == NULL)
		return true;		/* it cannot be told */
	slot = mipc_life_slot(&c->lives, base, number);
	return mipc_take(&slot->gen) >= MIPC_LIFE_GEN(life);
}

bool
mipc_check_dead(struct mipc_checker *c, mipc_life life)
{
	return c->alone || mipc_life_dead(&c->lives, life);
}

bool
mipc_check_lived_in(struct mipc_checker *c)
{
	uint64_t uid;
	int fd, r;

	for (uint32_t i = 0; i < MIPC_HOUSES; i++) {
		uid = mipc_take(&c->space->house[i]);
		if (uid == 0)
			continue;
		fd = open_life(c, (uid_t)(uid - 1), MIPC_LIFE_RUN, false);
		if (fd < 0)
			continue;
		r = mipc_sys_locked(fd, c->lives.owned_by, 1, MIPC_SLOTS - 1,
		    NULL);
		mipc_sys_close(fd);
		if (r != 0)
			return true;
	}
	return mipc_life_show_all(&c->lives, NULL, 0) > 0;
}
