/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.h - where a namespace's objects live: the one interface over a
 * directory of files (store_dir.c) and over an anonymous region
 * (store_anon.c).
 *
 * Depends on: format.h, cred.h, life.h, view.h.
 * Locks: every operation expects the caller inside the gate, but for
 * `reserve`; those marked [ns] under the namespace lock as well, [object]
 * under the object's.  All return 0 or a positive errno.
 */
#ifndef MIPC_STORE_H
#define MIPC_STORE_H

#include "cred.h"
#include "format_msg.h"
#include "format_sem.h"
#include "life.h"
#include "view.h"

struct mipc_store;

/* An object about to be made; its id is reserved. */
struct mipc_draft {
	enum mipc_kind kind;
	uint64_t id;
	unsigned mode;			/* nine bits */
	uint64_t size;			/* of the data, bytes; of a set: all */
	uint64_t head;			/* bytes from its start to claim now */
	bool reserve;			/* claim its space now */
	uint64_t data;			/* out of make_data: see format.h */
};

/* How a segment is to be mapped, and how it was. */
struct mipc_mapping {
	uint64_t id;
	uint64_t size, data;		/* the segment's */
	void *address;			/* in: where, or NULL; out: where */
	bool replace;			/* whatever is there (SHM_REMAP) */
	bool writable, executable;
	void *again;			/* a whole attach of the same access */
	int kept_fd;			/* in, out: holds the lock where no
					   mapping can; -1 none */
};

/* An object's bytes for whoever reads them and no more. */
struct mipc_source {
	const char *base;		/* of memory that is there, or NULL */
	uint64_t size;			/* of that */
	int fd;
};

struct mipc_store_ops {
	/* An object's bytes of data, then what it begins with, mapped. */
	int (*make_data)(struct mipc_store *, struct mipc_draft *);
	int (*make_object)(struct mipc_store *, const struct mipc_draft *,
	    const void *head, size_t size, struct mipc_view *);
	/* Everything that bears this id; what is not there is no error. */
	int (*unmake)(struct mipc_store *, enum mipc_kind, uint64_t id);
	/* Map an object's head, writable. */
	int (*open)(struct mipc_store *, enum mipc_kind, uint64_t id,
	    struct mipc_view *);
	void (*close)(struct mipc_store *, struct mipc_view *);
	/*
	 * To read an object's bytes, for mipc_source_close().  Outside the
	 * gate, unless a directory that was closed is to be opened again.
	 */
	int (*look)(struct mipc_store *, enum mipc_kind, uint64_t id,
	    bool gated, struct mipc_source *);
	/* The same for a segment's data, of so many bytes at `data`. */
	int (*look_data)(struct mipc_store *, uint64_t id, uint64_t data,
	    uint64_t size, struct mipc_source *);
	/*
	 * Map the first `size` bytes of that, for `close`: writable if the
	 * caller may write it, as view->prot says.
	 */
	int (*window)(struct mipc_store *, uint64_t id, uint64_t data,
	    size_t size, struct mipc_view *);
	/* Give bytes of a mapped head space. */
	int (*claim)(struct mipc_store *, enum mipc_kind, uint64_t id,
	    struct mipc_view *, uint64_t offset, uint64_t length);
	/* Give bytes of the namespace's head space. */
	int (*claim_space)(struct mipc_store *, uint64_t offset,
	    uint64_t length);
	/* What is known of an object that may not be opened. */
	int (*glance)(struct mipc_store *, enum mipc_kind, uint64_t id,
	    struct mipc_perm *, uint64_t *size);
	/* Bytes of a segment that have been given memory or space. */
	uint64_t (*resident)(struct mipc_store *, uint64_t id);
	/* The same of an object of any kind, with what it begins with. */
	uint64_t (*used)(struct mipc_store *, enum mipc_kind, uint64_t id);
	/* Make the files' owners and modes those of the object. */
	int (*permit)(struct mipc_store *, enum mipc_kind, uint64_t id,
	    uint64_t key, const struct mipc_perm *);
	/* That is finished; or it was begun by somebody who may, and died. */
	void (*permit_done)(struct mipc_store *, enum mipc_kind, uint64_t id);
	int (*permit_begun)(struct mipc_store *, enum mipc_kind, uint64_t id,
	    struct mipc_perm *);
	/* Keys.  set [ns]: EEXIST; clear [ns]: only if it names this id. */
	int (*key_find)(struct mipc_store *, enum mipc_kind, uint32_t key,
	    uint64_t *id);
	int (*key_set)(struct mipc_store *, enum mipc_kind, uint32_t key,
	    uint64_t id);
	int (*key_clear)(struct mipc_store *, enum mipc_kind, uint32_t key,
	    uint64_t id);
	/*
	 * Segments.  map: EBUSY while somebody asks whether it is mapped.
	 * mapped: 0 nobody maps it, EBUSY somebody does.
	 */
	int (*map)(struct mipc_store *, struct mipc_mapping *);
	void (*unmap)(struct mipc_store *, struct mipc_mapping *);
	int (*mapped)(struct mipc_store *, uint64_t id, int kept_fd);
	/* Remove the whole namespace; nobody lives in it.  [ns] */
	int (*destroy)(struct mipc_store *);
	void (*shut)(struct mipc_store *);
};

/* What both stores begin with. */
struct mipc_store {
	const struct mipc_store_ops *ops;
	struct mipc_space *space;
	struct mipc_lives lives;
	bool anonymous;
	size_t head_bytes;	/* address space of a segment's head */
	uint32_t set_room;	/* semaphores a set's layout has room for; 0
				   as many as it has */
	uint64_t msg_room;	/* bytes of a queue's place; 0 as many as it
				   needs */
	bool maps_tell;		/* `mapped` alone knows whether any is left */
};

/* Fill a new namespace's head. */
void	mipc_space_init(struct mipc_space *);
/* Is this one ours to use?  0, EIO, or EPROTONOSUPPORT with *why. */
int	mipc_space_check(const struct mipc_space *, const char **why);

/* Bytes of an object, fewer at its end; or a negative errno. */
ssize_t	mipc_source_read(const struct mipc_source *, uint64_t offset,
	    void *buf, size_t size);
/* The first byte from an offset on that may not be 0; UINT64_MAX: none is. */
uint64_t mipc_source_data(const struct mipc_source *, uint64_t offset);
void	mipc_source_close(struct mipc_source *);

/* A sentence for mipc_reason(). */
void	mipc_reason_set(const char *format, ...)
	    __attribute__((format(printf, 1, 2)));
const char *mipc_reason_text(void);

/*
 * The two stores.  dir: flags are mipc_open()'s, and MIPC_OWN: the directory
 * must be the caller's own.
 */
#define MIPC_OWN	0100
int	mipc_store_dir(const char *dir, int flags, struct mipc_store **out);
int	mipc_store_anon(struct mipc_store **out);
/* Are they the same directory? */
bool	mipc_store_same(const struct mipc_store *, const struct mipc_store *);
void	mipc_store_close(struct mipc_store *);

#endif
