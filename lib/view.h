/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view.h - one mapping of a file of a namespace.
 *
 * Depends on: sys.h, bus.h.  Locks: inside the gate, but for
 * mipc_view_place().
 */
#ifndef MIPC_VIEW_H
#define MIPC_VIEW_H

#include <stdbool.h>
#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

struct mipc_view {
	void *base;
	size_t size;		/* bytes of address space */
	uint64_t length;	/* of the file when it was mapped, bytes */
	uid_t uid;		/* of the file then */
	ino_t ino;
	int prot;
	int guard;		/* of bus.h, -1 none */
};

/*
 * Map the first `size` bytes of address space of the file open at `fd`, which
 * must be a regular file of at least `least` bytes.  The descriptor may be
 * closed afterwards.
 *
 * Returns 0 or: EIO not regular or shorter than `least`; ENOMEM; what mmap(2)
 * says.
 */
int	mipc_view_fd(int fd, size_t size, uint64_t least, int prot,
	    struct mipc_view *out);
void	mipc_view_close(struct mipc_view *);

/*
 * Memory of this process alone, zero-filled: no malloc(3), which a signal
 * handler's caller may be inside of.  Give it back by mipc_view_free().
 */
int	mipc_view_private(size_t size, void **out);
void	mipc_view_free(void *, size_t size);

/*
 * A place for a lasting mapping of the library's own, to be mapped over with
 * MAP_FIXED: `*flags` gains it.  NULL, and no flag, where none is left.
 */
void	*mipc_view_place(size_t size, int *flags);

/*
 * The same for the head of an object, guarded (bus.h); out->prot says how.
 */
int	mipc_view_head(int fd, size_t size, uint64_t least,
	    struct mipc_view *out);
/* The same of any file, to be closed soon: it takes no lasting place. */
int	mipc_view_passing(int fd, size_t size, uint64_t least,
	    struct mipc_view *out);
/* And of all of a file, of `most` bytes at most. */
int	mipc_view_whole(int fd, uint64_t least, uint64_t most,
	    struct mipc_view *out);

#endif
