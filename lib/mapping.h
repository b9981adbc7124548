/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapping.h - what the functions of mipc_map.h share.
 *
 * Depends on: mipc_map.h, sys.h.  Locks: none, but where a function says so:
 * a map is changed by one thread at a time, its user sees to that.
 */
#ifndef MIPC_MAPPING_H
#define MIPC_MAPPING_H

#include <errno.h>
#include <stdbool.h>

#include "mipc_map.h"
#include "sys.h"

/* For as long as it may take until somebody else has resized a file. */
#define MIPC_RESIZE_NS	5000000000ull

struct mipc_map {
	char *base;		/* NULL: closed */
	size_t length;
	uint64_t offset;	/* in the file */
	int fd;			/* -1 none is kept */
	dev_t dev;		/* what it leads to, to know it again */
	ino_t ino;
	int prot;
	int options;
	bool shared;		/* what is written, others see */
	bool regular;		/* of a file that has a length */
	bool steady;		/* its pages cannot be taken away */
	size_t position;	/* of the cursor */
	int lock_fd;		/* an open file of its own, or -1 */
	pid_t locker;		/* whose it is */
	struct mipc_map *next;	/* of those that have one [list of locks] */
	pid_t opener;
	size_t bytes;		/* of this record */
	char path[];		/* absolute; "" there is nothing to unlink */
};

/* The public edge. */
static inline int
mipc_mapping_end(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

static inline bool
mipc_mapping_is_open(const struct mipc_map *map)
{
	return map != NULL && map->base != NULL;
}

/* Is there such a range, to be used so (PROT_READ, PROT_WRITE, or 0)? */
int	mipc_mapping_check(const struct mipc_map *, size_t position,
	    size_t length, int prot);

/* A length up to the end, if it is MIPC_MAP_END. */
size_t	mipc_mapping_rest(const struct mipc_map *, size_t position,
	    size_t length);

/* A record with room for a path; what it maps is not there yet. */
int	mipc_mapping_new(const char *path, struct mipc_map **out);
void	mipc_mapping_drop(struct mipc_map *);

/* What its file is now: EBADF if its descriptor is none, or another file's. */
int	mipc_mapping_look(const struct mipc_map *, struct stat *);

/* Has it been cut off before this end of what was accessed? */
bool	mipc_mapping_is_cut(const struct mipc_map *, size_t end);

/*
 * Lock a range of a file by its open file until a deadline (wait.h), which is
 * met by looking again and again.  Errors as of mipc_map_lock().
 */
int	mipc_mapping_take(int fd, short type, uint64_t start, uint64_t length,
	    uint64_t deadline);

/*
 * While a file's length is changed: 0 or EBUSY.  Of two that resize by one
 * open file, as a fork's child has it, neither sees the other.
 */
int	mipc_mapping_hold_length(int fd);
void	mipc_mapping_leave_length(int fd);
/*
 * Make the file at least `end` bytes long, with space from `start` on.  Never
 * shortens it.
 */
int	mipc_mapping_lengthen(int fd, uint64_t start, uint64_t end,
	    bool sparse);

/* Copy out of the map or into it; checked as mipc_mapping_check() does. */
int	mipc_mapping_read(const struct mipc_map *, size_t position, void *,
	    size_t);
int	mipc_mapping_write(const struct mipc_map *, size_t position,
	    const void *, size_t);

/* The first place in a range that is one, or ENOENT. */
int	mipc_mapping_find(const struct mipc_map *, const void *what,
	    size_t size, size_t start, size_t end, size_t *out);

/* Its locks end. */
void	mipc_mapping_unlock_all(struct mipc_map *);

/*
 * What a caller asks for, understood; `options` are those that there are.
 */
struct mipc_mapping_plan {
	int prot;
	int flags;		/* of mmap(2) */
	int options;
	mode_t mode;
	uint64_t offset;
	size_t length;
	bool shared;
};
int	mipc_mapping_plan(const struct mipc_map_how *, size_t length,
	    int options, struct mipc_mapping_plan *);
/* Does a file that is too short become longer for it? */
static inline bool
mipc_mapping_grows(const struct mipc_mapping_plan *plan)
{
	return plan->shared && (plan->prot & PROT_WRITE) != 0;
}
/*
 * Map it.  The descriptor becomes the map's, or is closed, whatever happens;
 * -1 is anonymous.  `path` is what to unlink at the end, "" nothing.
 */
int	mipc_mapping_make(int fd, const struct mipc_mapping_plan *,
	    const char *path, struct mipc_map **out);

#endif
