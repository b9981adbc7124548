/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_anon.h - what the files of the anonymous store share.
 *
 * Depends on: store.h.
 */
#ifndef MIPC_STORE_ANON_H
#define MIPC_STORE_ANON_H

#include "store.h"

struct anon_store {
	struct mipc_store store;
	struct mipc_region *region;
	char *window, *readable;	/* the region; NULL if it cannot be */
	size_t size;
	int fd;				/* the program may have closed it */
	uint64_t set_pages;		/* of the head of a set */
	uint32_t set_heads;		/* how many sets there is room for */
	uint32_t msg_heads;		/* and queues */
	dev_t dev;
	ino_t ino;
};

static inline struct anon_store *
of(struct mipc_store *store)
{
	return (struct anon_store *)(void *)store;
}

static inline char *
at_page(const struct anon_store *s, uint64_t page)
{
	return s->window + page * s->store.lives.page;
}

/* Objects of a kind that there is room for, and pages of the head of one. */
#if __SIZEOF_POINTER__ == 8
#define MIPC_ANON_HEADS	MIPC_INDEX_MAX
#else
#define MIPC_ANON_HEADS	512u
#endif

static inline uint32_t
mipc_anon_heads(const struct anon_store *s, enum mipc_kind kind)
{
	return kind == MIPC_SEM ? s->set_heads :
	    kind == MIPC_MSG ? s->msg_heads : MIPC_ANON_HEADS;
}

static inline uint64_t
mipc_anon_head_pages(const struct anon_store *s, enum mipc_kind kind)
{
	return kind == MIPC_SEM ? s->set_pages : kind == MIPC_MSG ?
	    s->store.msg_room / s->store.lives.page : MIPC_VIEW_HEAD;
}

/* store_anon.c */
extern const struct mipc_store_ops mipc_anon_ops;
extern const struct mipc_life_store mipc_anon_lives;

/* store_anon_open.c */
void	mipc_anon_shut(struct mipc_store *);

/* store_anon_extents.c: pages for the data of an index, and back. */
int	mipc_anon_allocate(struct anon_store *, mipc_u64 *extent, uint64_t n);
int	mipc_anon_give_back(struct anon_store *, mipc_u64 *extent);

#endif
