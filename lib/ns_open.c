/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ns_open.c - handles of namespaces: open, close, the default one, limits,
 * the end.
 *
 * A process knows a namespace once, however often and by whatever path it is
 * opened; the same directory gives the same handle again.
 */
#include "ns_open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "gate.h"
#include "mipc.h"
#include "ns.h"

static struct mipc_ns *all;		/* [gate] linked by `next` */
static _Atomic(struct mipc_ns *) standard;

static struct mipc_ns *
fail(int error)
{
	errno = error;
	return NULL;
}

void
mipc_ns_prepare(void)
{
	mipc_gate_prepare(&mipc_attach_hooks);
	mipc_attach_follow(&all);
}

/* --- opening ----------------------------------------------------------- */

/* What a handle is made of; the big tables are touched as they are used. */
static int
wrap(struct mipc_store *store, struct mipc_ns **out)
{
	size_t table = MIPC_INDEX_MAX * sizeof(_Atomic(struct mipc_opened *));
	struct mipc_ns *ns;
	void *memory, *tables, *keys;
	int error;

	error = mipc_view_private(sizeof(*ns), &memory);
	if (error != 0)
		return error;
	error = mipc_view_private(table * MIPC_KINDS, &tables);
	if (error == 0) {
		error = mipc_view_private(mipc_keys_bytes(), &keys);
		if (error != 0)
			mipc_view_free(tables, table * MIPC_KINDS);
	}
	if (error != 0) {
		mipc_view_free(memory, sizeof(*ns));
		return error;
	}
	ns = memory;
	ns->store = store;
	ns->space = store->space;
	ns->lives = &store->lives;
	for (int kind = 0; kind < MIPC_KINDS; kind++)
		ns->opened[kind] = (void *)((char *)tables +
		    table * (size_t)kind);
	ns->keys = keys;
	*out = ns;
	return 0;
}

/* [gate] The handle of a store that has just been opened. */
static int
adopt(struct mipc_store *store, struct mipc_ns **out)
{
	struct mipc_ns *ns;
	int error;

	for (ns = all; ns != NULL; ns = ns->next)
		if (mipc_store_same(ns->store, store))
			break;
	if (ns != NULL) {
		mipc_store_close(store);
	} else {
		error = wrap(store, &ns);
		if (error != 0) {
			mipc_store_close(store);
			return error;
		}
		ns->next = all;
		all = ns;
	}
	ns->handles++;
	*out = ns;
	return 0;
}

static struct mipc_ns *
open_with(const char *dir, int flags)
{
	struct mipc_store *store;
	struct mipc_gate gate;
	struct mipc_ns *ns;
	int error;

	mipc_reason_set("%s", "");
	mipc_ns_prepare();
	mipc_gate_enter(&gate);
	error = mipc_store_dir(dir, flags, &store);
	if (error == 0)
		error = adopt(store, &ns);
	mipc_gate_leave(&gate);
	if (error == 0)
		return ns;
	if (mipc_reason_text()[0] == '\0')
		mipc_reason_set("%s: %s", dir, strerror(error));
	return fail(error);
}

MIPC_PUBLIC struct mipc_ns *
mipc_open(const char *dir, int flags)
{
	if (dir == NULL || dir[0] == '\0' ||
	    (flags != MIPC_RDONLY &&
	    (flags & ~(MIPC_CREAT | MIPC_EXCL | MIPC_SHARED)) != 0)) {
		mipc_reason_set("%s", dir == NULL || dir[0] == '\0' ?
		    "no directory is given" : "flags that mean nothing");
		return fail(EINVAL);
	}
	return open_with(dir, flags);
}

MIPC_PUBLIC struct mipc_ns *
mipc_anon(int flags)
{
	struct mipc_store *store;
	struct mipc_gate gate;
	struct mipc_ns *ns;
	int error;

	if (flags != 0)
		return fail(EINVAL);
	mipc_ns_prepare();
	mipc_gate_enter(&gate);
	error = mipc_store_anon(&store);
	if (error == 0)
		error = adopt(store, &ns);
	mipc_gate_leave(&gate);
	return error == 0 ? ns : fail(error);
}

/* --- the default ------------------------------------------------------- */

static bool
is_directory(const char *path)
{
	struct stat st;

	return mipc_sys_stat(AT_FDCWD, path, &st, 0) == 0 &&
	    S_ISDIR(st.st_mode);
}

MIPC_PUBLIC int
mipc_default_dir(char *buf, size_t size)
{
	const char *dir = secure_getenv("MIPC_DIR"), *base = "/dev/shm";
	int n;

	if (dir != NULL && dir[0] != '\0') {
		n = snprintf(buf, size, "%s", dir);
	} else {
		if (!is_directory(base))
			base = secure_getenv("TMPDIR");
		if (base == NULL || base[0] == '\0')
			base = "/tmp";
		n = snprintf(buf, size, "%s/mipc-%u", base,
		    (unsigned)mipc_sys_euid());
	}
	if (n >= 0 && (size_t)n < size)
		return 0;
	errno = ERANGE;
	return -1;
}

MIPC_PUBLIC struct mipc_ns *
mipc_default(void)
{
	struct mipc_ns *ns = mipc_take(&standard), *none = NULL;
	const char *chosen;
	char dir[4096];

	if (ns != NULL)
		return ns;
	if (mipc_default_dir(dir, sizeof(dir)) != 0)
		return NULL;
	/* A directory that was named may be shared; our own must be ours. */
	chosen = secure_getenv("MIPC_DIR");
	ns = open_with(dir, chosen != NULL && chosen[0] != '\0' ?
	    MIPC_CREAT : MIPC_CREAT | MIPC_OWN);
	if (ns != NULL && !mipc_swap_if(&standard, &none, ns))
		ns = none;		/* another thread was first */
	return ns;
}

MIPC_PUBLIC const char *
mipc_reason(void)
{
	return mipc_reason_text();
}

MIPC_PUBLIC void
mipc_credentials_changed(void)
{
	mipc_cred_changed();
}

/* --- closing ----------------------------------------------------------- */

/* [gate] Nobody here uses it any more. */
static void
dissolve(struct mipc_ns *ns)
{
	size_t table = MIPC_INDEX_MAX * sizeof(_Atomic(struct mipc_opened *));
	struct mipc_ns **link = &all;

	while (*link != ns)
		link = &(*link)->next;
	*link = ns->next;
	mipc_ns_evict(ns);
	mipc_life_end(ns->lives);
	mipc_store_close(ns->store);
	mipc_view_free((void *)ns->opened[0], table * MIPC_KINDS);
	mipc_view_free(ns->keys, mipc_keys_bytes());
	mipc_view_free(ns, sizeof(*ns));
}

MIPC_PUBLIC int
mipc_close(struct mipc_ns *ns)
{
	struct mipc_gate gate;
	int error = 0;

	if (ns == NULL || ns == mipc_take(&standard)) {
		errno = ns == NULL ? EINVAL : EBUSY;
		return -1;
	}
	mipc_gate_check();
	mipc_gate_enter(&gate);
	if (ns->handles == 0)
		error = EINVAL;
	else if (--ns->handles == 0 && ns->attached == NULL &&
	    !mipc_life_is_kept(ns->lives))
		dissolve(ns);
	mipc_gate_leave(&gate);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/* --- the end ----------------------------------------------------------- */

MIPC_PUBLIC int
mipc_await_unused(struct mipc_ns *ns)
{
	int error;

	error = ns->store->anonymous ? EINVAL :
	    mipc_life_others(ns->lives, true);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/* [gate] Under the lock nobody begins anything; so who is alive stays out. */
static int
destroy(struct mipc_ns *ns, struct mipc_gate *gate)
{
	int error;

	error = mipc_ns_lock(ns, gate);
	if (error != 0)
		return error;
	error = mipc_life_others(ns->lives, false);
	if (error == 0)
		error = ns->store->ops->destroy(ns->store);
	if (error == 0)
		mipc_life_let_go(ns->lives);
	mipc_ns_unlock(ns);
	return error;
}

MIPC_PUBLIC int
mipc_destroy(const char *dir)
{
	struct mipc_gate gate;
	struct mipc_ns *ns;
	int error;

	ns = mipc_open(dir, 0);
	if (ns == NULL)
		return -1;
	mipc_gate_enter(&gate);
	error = ns->attached != NULL ? EBUSY : destroy(ns, &gate);
	mipc_gate_leave(&gate);
	if (error != 0)
		mipc_reason_set("%s: %s", dir, error == EBUSY ?
		    "in use by a process" : error == ENOTEMPTY ?
		    "holds files that are not a namespace's" :
		    strerror(error));
	mipc_close(ns);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/* --- limits ------------------------------------------------------------ */

static const struct {
	const char *name;
	enum mipc_limit which;
	uint64_t most;
} limits[] = {
	{ "shmmax", MIPC_SHMMAX, ~0ul },
	{ "shmall", MIPC_SHMALL, ~0ul },
	{ "shmmni", MIPC_SHMMNI, MIPC_INDEX_MAX },
	{ "shm_rmid_forced", MIPC_SHM_RMID_FORCED, 1 },
	{ "semmsl", MIPC_SEMMSL, MIPC_SEMMSL_MOST },
	{ "semmns", MIPC_SEMMNS, INT32_MAX },
	{ "semopm", MIPC_SEMOPM, MIPC_SEMOPM_MOST },
	{ "semmni", MIPC_SEMMNI, MIPC_INDEX_MAX },
	{ "barging", MIPC_BARGING, 1 },
	{ "msgmax", MIPC_MSGMAX, INT32_MAX },
	{ "msgmnb", MIPC_MSGMNB, (uint64_t)1 << 40 },
	{ "msgmni", MIPC_MSGMNI, MIPC_INDEX_MAX },
};

const char *
mipc_ns_limit(enum mipc_limit which, uint64_t *most)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].which == which) {
			*most = limits[i].most;
			return limits[i].name;
		}
	return NULL;
}

/* Which id the next object shall have: G9.  Kept + 1; 0 is none. */
static const char *const wishes[MIPC_KINDS] = {
	[MIPC_SHM] = "shm_next_id",
	[MIPC_SEM] = "sem_next_id",
	[MIPC_MSG] = "msg_next_id",
};

/* A number of the namespace that its owner may set. */
struct setting {
	uint64_t most;			/* of the word */
	uint64_t more;			/* the word is by that larger */
	mipc_u64 *word;
};

static bool
find_setting(struct mipc_ns *ns, const char *name, struct setting *out)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (strcmp(name, limits[i].name) == 0) {
			*out = (struct setting){ limits[i].most, 0,
			    &ns->space->limit[limits[i].which] };
			return true;
		}
	for (int kind = 0; kind < MIPC_KINDS; kind++)
		if (strcmp(name, wishes[kind]) == 0) {
			*out = (struct setting){ (uint64_t)INT32_MAX + 1, 1,
			    &ns->space->wish[kind] };
			return true;
		}
	return false;
}

static int
set(struct mipc_ns *ns, const struct setting *setting,
    unsigned long long value)
{
	struct mipc_perm owner = { .uid = (uid_t)ns->space->uid,
	    .cuid = (uid_t)ns->space->uid };

	if (ns->lives->refuses != 0)
		return ns->lives->refuses;
	if (!mipc_cred_owns(&owner))
		return EPERM;
	if (value + setting->more > setting->most)
		return EINVAL;
	mipc_give(setting->word, value + setting->more);
	return 0;
}

MIPC_PUBLIC int
mipc_limit(struct mipc_ns *ns, const char *name, unsigned long long *old,
    const unsigned long long *value)
{
	struct setting setting;
	unsigned long long before;
	int error = 0;

	if (!find_setting(ns, name, &setting)) {
		errno = ENOENT;
		return -1;
	}
	before = mipc_take(setting.word) - setting.more;
	if (value != NULL)
		error = set(ns, &setting, *value);
	if (error != 0) {
		errno = error;
		return -1;
	}
	if (old != NULL)
		*old = before;
	return 0;
}

/* --- ftok -------------------------------------------------------------- */

/* glibc's formula, of what the kernel says about the file. */
MIPC_PUBLIC key_t
mipc_ftok(const char *path, int project)
{
	struct stat st;
	int r;

	r = mipc_sys_stat(AT_FDCWD, path, &st, 0);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	return (key_t)(((uint32_t)st.st_ino & 0xffff) |
	    ((uint32_t)st.st_dev & 0xff) << 16 |
	    ((uint32_t)project & 0xff) << 24);
}
