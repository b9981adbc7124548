/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * broken.h - a right implementation with one thing made wrong.
 *
 * A clause test that cannot fail proves nothing.  Each row of a kind's table
 * wraps calls and names the tests that must see it: clauses_catch.sh runs
 * them.  The wrapped one is the kernel where it can be had, else mipc's
 * anonymous store.
 */
#ifndef BROKEN_H
#define BROKEN_H

#include "clauses.h"

typedef int broken_get(key_t key, unsigned long size, int flags);

struct breakage {
	const char *name, *clause;	/* clause: a pattern of test names */
	struct backend with;		/* what is set replaces, or toggles */
	broken_get *get;		/* the same for the kind's get */
	/* Changes what a successful ctl answers. */
	void (*alter_shm)(int cmd, struct shmid_ds *buf);
	void (*alter_sem)(int id, int cmd, union semun arg);
	void (*alter_msg)(int cmd, struct msqid_ds *buf);
	int was, is;			/* one errno for another */
};

/* A row; what it does not name is not there. */
#define BREAK(n, c, ...)	{ .name = (n), .clause = (c), __VA_ARGS__ }

/* Of the kind under test. */
extern const struct broken_kind {
	const struct breakage *rows;
	size_t n;
	broken_get *get;		/* the right one's */
	size_t memory;			/* bytes that wrappers remember in, */
	size_t lasting;			/* of which so many outlast a test */
} broken_kind;

extern const struct backend *right;	/* what is wrapped */
extern const struct breakage *breakage;	/* the one that is tried */
extern void *broken_shared;		/* that memory: children wrap too */

/* What a call gave, with another errno if it is the one of the row. */
long	other_error(long answer);

/* What any kind's get may do wrong. */
broken_get get_private_once, get_size_before_excl,
    get_permission_before_size, get_asks_nothing, get_low_key, get_no_limit;

#endif
