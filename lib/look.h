/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look.h - what the functions that only look at an object share.
 *
 * Depends on: ns.h.  Locks: none, but the gate for the moment in which an
 * object is opened.
 *
 *	look.c		objects of any kind, and the namespace
 *	look_shm.c	who has a segment attached
 *	look_sem.c	who sleeps in a set, and who owes it something
 *	look_msg.c	who sleeps in a queue, and what is in it
 */
#ifndef MIPC_LOOK_INSIDE_H
#define MIPC_LOOK_INSIDE_H

#include "line.h"
#include "mipc.h"
#include "ns.h"

/* An object that is looked at: it stays mapped until leave. */
struct mipc_look {
	struct mipc_ns *ns;
	struct mipc_opened *opened;
};

/* EACCES, EINVAL, EIO, ENOMEM, EMFILE; -1 with errno is the caller's. */
int	mipc_look_enter(struct mipc_look *, struct mipc_ns *, enum mipc_kind,
	    int id);
void	mipc_look_leave(struct mipc_look *);

/*
 * One reading of an object: how many there are of what is looked for; *same:
 * nothing changed meanwhile.  It is made again until that is so, but not for
 * ever.
 */
typedef uint32_t mipc_look_read(void *arg, bool *same);
uint32_t mipc_look_until_same(mipc_look_read *, void *arg, int *torn);

/*
 * Call a function for each place in a line, in order; false: the line is none,
 * but ends.
 */
typedef void mipc_look_place(struct mipc_place *, uint32_t index, void *arg);
bool	mipc_look_line(const struct mipc_line *, mipc_look_place *, void *arg);

/*
 * Whoever is named by a life, and the pid that is used where nothing else is
 * known.  By `gone` as mipc_life_show().
 */
void	mipc_look_who(struct mipc_ns *, struct mipc_look_process *, bool gone);

/* The result of a public function: `found`, or -1 with errno. */
int	mipc_look_result(int error, uint64_t found);

/* In look_sem.c and look_msg.c. */
int	mipc_look_set_sleepers(struct mipc_look *,
	    struct mipc_look_sleeper *, size_t n, int *torn);
int	mipc_look_queue_sleepers(struct mipc_look *,
	    struct mipc_look_sleeper *, size_t n, int *torn);

/*
 * The messages of a queue, in their order, as one reading; false: it leads
 * nowhere, and so is none.  *found counts them all, `n` are written.
 */
struct mipc_mq;
bool	mipc_look_walk(const struct mipc_mq *, struct mipc_look_message *out,
	    size_t n, uint32_t *found);

#endif
