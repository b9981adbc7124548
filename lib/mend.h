/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mend.h - what the files share that repair a namespace.
 *
 * Depends on: check_inside.h.
 * Locks: everything but mipc_mend_live() expects that nobody lives in the
 * namespace and nobody can begin to: whoever mends holds the run lock of every
 * slot of every house, which is the proof of the one and keeps the other out.
 *
 *	mend.c		who lives here, and what is to be done in which order
 *	mend_names.c	names and files of lives
 *	mend_perm.c	permissions, of objects and of their files
 *	mend_ns.c	the namespace's own file, from what the directory says
 *	mend_object.c	an object is made anew from what is sound of it
 *	mend_queue.c	the messages that can be read of a queue
 *
 * Invariant: a step is one system call that makes the namespace better by
 * itself, so whoever repairs may be killed anywhere; who repairs next finds
 * less to do, and comes to the same end.
 */
#ifndef MIPC_MEND_H
#define MIPC_MEND_H

#include "check_inside.h"
#include "dir.h"
#include "mipc.h"
#include "sweep.h"

#define MIPC_SCRATCH	MIPC_LOST "/" MIPC_LOST_SCRATCH

struct mipc_mender {
	struct mipc_checker *c;
	const char *dir;
	void (*tell)(void *arg, const struct mipc_check_finding *);
	void *arg;
	uint32_t done;			/* steps */
	bool failed;			/* it could be made, but not now */
};

/* Say what was done to a file. */
void	mipc_mend_say(struct mipc_mender *, const char *where,
	    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* --- mend_names.c ------------------------------------------------------ */

/* `dir`/name; false if that is too long. */
bool	mipc_mend_path(const struct mipc_mender *, const char *name,
	    char out[PATH_MAX]);
/* Where a file goes that is moved or kept; false: nowhere. */
bool	mipc_mend_lost(struct mipc_mender *, const char *name,
	    char out[PATH_MAX], bool *kept);
/* Move it there. */
bool	mipc_mend_away(struct mipc_mender *, const char *name);
/* A file of an object that is not listed, when it has been tried to be. */
void	mipc_mend_unlisted(struct mipc_mender *, const char *name,
	    const struct mipc_name *);
/* An object that nothing can be made of: all its files. */
void	mipc_mend_give_up(struct mipc_mender *, enum mipc_kind, uint64_t id);
void	mipc_mend_life(struct mipc_mender *, const char *name);
/* The object's key leads to it again, or it has none. */
void	mipc_mend_key(struct mipc_mender *, enum mipc_kind, uint64_t id);

/* --- mend_perm.c ------------------------------------------------------- */

/* What the files of an object allow is what it allows. */
void	mipc_mend_perm(struct mipc_mender *, enum mipc_kind, uint64_t id);
/* The new file has the old one's list of who may do what, if it has one. */
bool	mipc_mend_list(struct mipc_mender *, const char *old, int new_fd);

/* --- mend_ns.c --------------------------------------------------------- */

void	mipc_mend_space(struct mipc_mender *);

/* --- mend_object.c, mend_queue.c --------------------------------------- */

/* Make it anew; one that cannot be is given up. */
void	mipc_mend_object(struct mipc_mender *, enum mipc_kind, uint64_t id,
	    uint64_t rules);
/* The namespace in which objects are made anew; and its end. */
struct mipc_ns *mipc_mend_scratch(struct mipc_mender *);
void	mipc_mend_clear(struct mipc_mender *);
/* A queue with the messages of another; its id, or -1. */
int	mipc_mend_queue(struct mipc_mender *, struct mipc_copy *,
	    struct mipc_ns *scratch);

#endif
