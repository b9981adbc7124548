/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_dir_keys.c - keys of the directory store: symbolic links.
 *
 * key.shm.<key> leads to shm.<id>.  In a sticky directory a link may be left
 * that leads to a removed object, and that only its owner may take away; it
 * counts as absent, and the key goes on at key.shm.<key>.1 and so forth.  A
 * link is never taken away while the next one stands, so the first name that
 * is missing ends the search.
 */
#include "store_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CHAIN	8u	/* links a key may have */

static void
key_name(enum mipc_kind kind, uint32_t key, uint32_t n, char out[40])
{
	if (n == 0)
		snprintf(out, 40, "key.%s.%08x", mipc_dir_kind[kind],
		    (unsigned)key);
	else
		snprintf(out, 40, "key.%s.%08x.%u", mipc_dir_kind[kind],
		    (unsigned)key, (unsigned)n);
}

/* The id that a link leads to; EIO if its text is none of ours. */
static int
read_link(struct dir_store *s, enum mipc_kind kind, const char *name,
    uint64_t *id)
{
	unsigned long long value = 0;
	size_t prefix = strlen(mipc_dir_kind[kind]);
	char text[32], strict[32];
	int n;

	n = mipc_sys_readlink(s->dir.fd, name, text, sizeof(text) - 1);
	if (n < 0 && n != -EINVAL && mipc_dir_reopened(&s->dir))
		n = mipc_sys_readlink(s->dir.fd, name, text, sizeof(text) - 1);
	if (n < 0)		/* EINVAL: it is not a link */
		return n == -EINVAL ? EIO : -n;
	text[n] = '\0';
	if (strncmp(text, mipc_dir_kind[kind], prefix) != 0 ||
	    sscanf(text + prefix, ".%10llu", &value) != 1 ||
	    value > INT32_MAX)
		return EIO;
	mipc_dir_object(kind, value, strict);
	if (strcmp(text, strict) != 0)
		return EIO;
	*id = value;
	return 0;
}

/* Does this id stand for an object that may be found by key? */
static bool
is_live(const struct dir_store *s, enum mipc_kind kind, uint64_t id)
{
	struct mipc_space *space = s->store.space;
	struct mipc_entry *entry = &space->entry[kind][id % MIPC_INDEX_MAX];
	uint32_t state;

	if (id % MIPC_INDEX_MAX >= mipc_take(&space->census[kind].claimed))
		return false;
	state = mipc_take(&entry->state);
	return (state == MIPC_INDEX_LIVE || state == MIPC_INDEX_MAKING) &&
	    mipc_peek(&entry->id) == id;
}

int
mipc_dir_key_find(struct mipc_store *store, enum mipc_kind kind, uint32_t key,
    uint64_t *id)
{
	struct dir_store *s = of(store);
	char name[40];
	int error = ENOENT;

	for (uint32_t n = 0; n < CHAIN; n++) {
		key_name(kind, key, n, name);
		error = read_link(s, kind, name, id);
		if (error == 0 && is_live(s, kind, *id))
			return 0;
		if (error == ENOENT)
			break;
	}
	return error == 0 || error == EIO ? ENOENT : error;
}

/* Put a new link in the place of a dead one, in one step. */
static int
replace(struct dir_store *s, const char *text, const char *name)
{
	char own[64];
	int r;

	snprintf(own, sizeof(own), ".%s.%x", name, (unsigned)mipc_sys_tid());
	mipc_sys_unlink(s->dir.fd, own, 0);
	r = mipc_sys_symlink(text, s->dir.fd, own);
	if (r < 0)
		return -r;
	r = mipc_sys_rename(s->dir.fd, own, name);
	if (r < 0)
		mipc_sys_unlink(s->dir.fd, own, 0);
	return -r;
}

int
mipc_dir_key_set(struct mipc_store *store, enum mipc_kind kind, uint32_t key,
    uint64_t id)
{
	struct dir_store *s = of(store);
	char name[40], text[32];
	uint64_t other;
	int error = EEXIST, r;

	if ((r = mipc_dir_fd(&s->dir)) < 0)
		return -r;
	mipc_dir_object(kind, id, text);
	for (uint32_t n = 0; n < CHAIN; n++) {
		key_name(kind, key, n, name);
		error = -mipc_sys_symlink(text, s->dir.fd, name);
		if (error != EEXIST)
			break;
		if (read_link(s, kind, name, &other) == 0 &&
		    is_live(s, kind, other))
			break;
		error = replace(s, text, name);
		if (error != EPERM && error != EACCES)
			break;
	}
	return error;
}

int
mipc_dir_key_clear(struct mipc_store *store, enum mipc_kind kind,
    uint32_t key, uint64_t id)
{
	struct dir_store *s = of(store);
	char name[40], next[40];
	uint64_t named;
	int error, r;

	if ((r = mipc_dir_fd(&s->dir)) < 0)
		return -r;
	for (uint32_t n = 0; n < CHAIN; n++) {
		key_name(kind, key, n, name);
		error = read_link(s, kind, name, &named);
		if (error == ENOENT)
			break;
		if (error != 0 || named != id)
			continue;
		key_name(kind, key, n + 1, next);
		if (read_link(s, kind, next, &named) == ENOENT)
			return -mipc_sys_unlink(s->dir.fd, name, 0);
		break;		/* it stays, as a step to the next */
	}
	return 0;
}

void
mipc_dir_key_permit(struct mipc_store *store, enum mipc_kind kind,
    uint32_t key, uint64_t id, const struct mipc_perm *perm)
{
	struct dir_store *s = of(store);
	uint64_t named;
	char name[40];
	int error;

	for (uint32_t n = 0; n < CHAIN; n++) {
		key_name(kind, key, n, name);
		error = read_link(s, kind, name, &named);
		if (error == ENOENT)
			break;
		if (error == 0 && named == id)
			mipc_sys_chown_link(s->dir.fd, name, perm->uid,
			    perm->gid);
	}
}
