/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * life_inside.h - what life.c, life_exec.c, life_look.c and birth.c share.
 *
 * Depends on: life.h.
 */
#ifndef MIPC_LIFE_INSIDE_H
#define MIPC_LIFE_INSIDE_H

#include "life.h"

static inline struct mipc_slot *
mipc_life_slot(const struct mipc_lives *lives, char *base, uint32_t slot)
{
	return (struct mipc_slot *)(void *)(base + slot * lives->page);
}

/* Where a life stands in the tables of 256. */
static inline size_t
mipc_life_place(mipc_life life)
{
	return (life ^ life >> 14 ^ life >> 24) % 256;
}

/* Words for those without a life, and those whose life has no canary. */
extern mipc_u32 mipc_life_none, mipc_life_mute;

/* The slots of a house, readable; NULL with *error. */
char	*mipc_life_window(struct mipc_lives *, uint32_t house, int *error);

/* The slot of a life that may still be going on, or NULL: it is over. */
struct mipc_slot *mipc_life_find(struct mipc_lives *, mipc_life,
	    bool *unknown);

/* Is the canary armed, and not marked by the kernel? */
bool	mipc_life_canary(const struct mipc_lives *, struct mipc_slot *);

/* Has its canary been marked, and not been asked after in this second? */
bool	mipc_life_marked(struct mipc_lives *, mipc_life);

/* A fork's child that has not yet taken its own lock. */
bool	mipc_life_in_birth(const struct mipc_lives *, struct mipc_slot *);

/* [gate] In a fork's child: what its parent owes is not its own. */
void	mipc_life_exec_child(struct mipc_lives *);
/* [gate] The namespace is closed: what is still owed is settled. */
void	mipc_life_exec_end(struct mipc_lives *);

/* A descriptor for asking a house's .run file, and giving it back. */
int	mipc_life_run(struct mipc_lives *, uint32_t house);
void	mipc_life_run_done(struct mipc_lives *, int fd);

#endif
