/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_known.c - what is known to differ, each with the condition under which
 * it is excused: rows of mipc(7).
 */
#include "diff.h"

#include <errno.h>

static bool
is_stranger(struct driver *d, const struct op *op, const struct result *r)
{
	const struct shmid_ds *k = &r[KERNEL].u.ds, *m = &r[MIPC].u.ds;

	(void)d;
	return op->kind == OP_CTL && op->cmd == SHM_STAT_ANY &&
	    !op->privileged && m->shm_cpid == 0 &&
	    k->shm_segsz == m->shm_segsz &&
	    k->shm_perm.uid == m->shm_perm.uid &&
	    k->shm_perm.gid == m->shm_perm.gid &&
	    (k->shm_perm.mode & 0777) == (m->shm_perm.mode & 0777);
}

static bool
is_left_to_owner(struct driver *d, const struct op *op,
    const struct result *r)
{
	(void)d;
	return op->kind == OP_CTL && op->cmd == SHM_INFO && !op->privileged &&
	    r[MIPC].value >= r[KERNEL].value &&
	    r[MIPC].u.info.used_ids > r[KERNEL].u.info.used_ids;
}

/* Has a segment gone in the kernel that was there at the last look? */
static bool
is_one_gone(struct driver *d)
{
	const struct op op = { .kind = OP_CTL, .cmd = IPC_STAT };
	struct result r;

	for (int i = 0; i < d->nobject; i++) {
		if (!d->object[i].live)
			continue;
		side_control(KERNEL, d->object[i].id[KERNEL], &op, &r);
		if (r.error == EINVAL)
			return true;
	}
	return false;
}

static bool
is_crowded(struct driver *d, const struct op *op, const struct result *r)
{
	return op->kind == OP_GET && !op->privileged &&
	    r[KERNEL].error == 0 && r[MIPC].error == ENOSPC && is_one_gone(d);
}

static bool
is_buried(struct driver *d, const struct op *op, const struct result *r)
{
	return op->kind == OP_CTL && !op->privileged &&
	    r[KERNEL].error == EINVAL && r[MIPC].error == EPERM &&
	    is_one_gone(d);
}

/* A stranger knows of one process that used it; that one has ended. */
static bool
is_without_witness(struct driver *d, const struct op *op,
    const struct result *r)
{
	const bool by_index = op->kind == OP_CTL &&
	    (op->cmd == SHM_STAT || op->cmd == SHM_STAT_ANY);
	const struct op look = { .kind = OP_CTL,
	    .cmd = by_index ? SHM_STAT : IPC_STAT };
	struct result now;

	(void)d;
	if ((op->kind != OP_AT && op->kind != OP_CTL) || op->privileged ||
	    (r[KERNEL].error != EACCES && r[KERNEL].error != EPERM) ||
	    r[MIPC].error != EINVAL)
		return false;
	side_control(KERNEL, op->id[KERNEL], &look, &now);
	return now.error == 0 && (now.u.ds.shm_perm.mode & SHM_DEST) != 0;
}

/*
 * Where `excuses` is NULL, no such operation is made up;
 * else it says of a pair of results that differ whether this row is the
 * reason.  Where the states have parted the sequence ends, and the round goes
 * on with another in a new namespace.
 */
static const struct known {
	const char *what;
	bool (*excuses)(struct driver *, const struct op *,
	    const struct result *);
	bool parts;		/* the sides' states differ from then on */
} known[] = {
	{ "shm_rmid_forced: a kernel lets a shmat that fails destroy a segment "
	    "never attached", NULL, false },
	{ "SHM_STAT_ANY of a segment that the caller may not open shows size, "
	    "owner and mode alone", is_stranger, false },
	{ "shm_lpid where several ended, or one ended and others called, "
	    "before anybody looked: see compare_lpid()", NULL, false },
	{ "a removed segment whose last user may not unlink its files is "
	    "counted until its owner or root calls", is_left_to_owner,
	    false },
	{ "and its pages count for the limits as long", is_crowded, true },
	{ "and changing it may say EPERM for EINVAL as long", is_buried,
	    false },
	{ "a removed segment may be EINVAL for EACCES or EPERM to those who "
	    "may not open it", is_without_witness, false },
	{ "an unprivileged owner may be unable to give a segment away", NULL,
	    false },
	{ "a creator that is not its owner any more may be unable to change a "
	    "segment's mode", NULL, false },
	{ "nattch counts attaches, not mappings: SHM_REMAP over part of one, "
	    "munmap and mprotect of part of one", NULL, false },
	{ "munmap of a whole attach is seen by the segment's life, not by "
	    "nattch", NULL, false },
	{ "a raw clone counts from its first call", NULL, false },
	{ "an address that SHM_RND makes 0: a kernel may give root page 0",
	    NULL, false },
	{ "SHM_INFO: pages resident and swapped are not compared", NULL,
	    false },
	{ "no space: ENOSPC at shmget, where a kernel may say ENOMEM", NULL,
	    false },
	{ "an anonymous namespace ends at exec", NULL, false },
};

bool
known_excuses(struct driver *d, const struct op *op, const struct result *r)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].excuses != NULL &&
		    known[i].excuses(d, op, r)) {
			d->parted |= known[i].parts;
			return true;
		}
	return false;
}

void
known_note(void)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		tap_note("known difference, %s: %s", known[i].excuses != NULL ?
		    "excused" : "not drawn", known[i].what);
}
