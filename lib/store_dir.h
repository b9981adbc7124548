/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_dir.h - what the files of the directory store share.
 *
 * Depends on: store.h, dir.h.
 */
#ifndef MIPC_STORE_DIR_H
#define MIPC_STORE_DIR_H

#include "dir.h"
#include "store.h"

struct dir_store {
	struct mipc_store store;
	struct mipc_dir dir;
	struct mipc_view space;
	bool flock_maps;	/* a flock lives with its mapping */
	int refuses;		/* as lives.refuses */
};

static inline struct dir_store *
of(struct mipc_store *store)
{
	return (struct dir_store *)(void *)store;
}

/* Names of the kinds, and of an object's file. */
extern const char *const mipc_dir_kind[MIPC_KINDS];
void	mipc_dir_object(enum mipc_kind, uint64_t id, char out[32]);
void	mipc_dir_data(uint64_t id, char out[32]);
/* Whoever may read or write the object writes its head; the owner always. */
unsigned mipc_dir_head_mode(unsigned mode);

/* store_dir_keys.c: as in struct mipc_store_ops. */
int	mipc_dir_key_find(struct mipc_store *, enum mipc_kind, uint32_t key,
	    uint64_t *id);
int	mipc_dir_key_set(struct mipc_store *, enum mipc_kind, uint32_t key,
	    uint64_t id);
int	mipc_dir_key_clear(struct mipc_store *, enum mipc_kind, uint32_t key,
	    uint64_t id);
void	mipc_dir_key_permit(struct mipc_store *, enum mipc_kind, uint32_t key,
	    uint64_t id, const struct mipc_perm *);

/* store_dir_open.c: the same. */
int	mipc_dir_look(struct mipc_store *, enum mipc_kind, uint64_t id,
	    bool gated, struct mipc_source *);
int	mipc_dir_look_data(struct mipc_store *, uint64_t id, uint64_t data,
	    uint64_t size, struct mipc_source *);
int	mipc_dir_window(struct mipc_store *, uint64_t id, uint64_t data,
	    size_t size, struct mipc_view *);

extern const struct mipc_life_store mipc_dir_lives;
extern const struct mipc_store_ops mipc_dir_ops;
void	mipc_store_dir_shut(struct mipc_store *);

#endif
