/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dir.h - the directory of a namespace: a descriptor that is proved before it
 * is trusted, and files that appear whole or not at all.
 *
 * Depends on: sys.h, store.h (mipc_reason_set).  Locks: the caller's gate.
 */
#ifndef MIPC_DIR_H
#define MIPC_DIR_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "atomic.h"

/* Where a repair puts what does not belong into a namespace (mend.h). */
#define MIPC_LOST		"lost+found"
#define MIPC_LOST_SCRATCH	".scratch"	/* in there */

struct mipc_dir {
	char path[PATH_MAX];	/* absolute */
	int fd;			/* may have been closed by the program */
	mipc_u64 proved;	/* the visit to the gate that found it right */
	dev_t dev;
	ino_t ino;
	uid_t uid;		/* whose it is */
	bool shared;		/* of mode 1777 */
	bool foreign;		/* anybody's: it is only read */
	bool tmpfile;		/* O_TMPFILE and linking it work here */
};

/*
 * Open the directory, made if flags say so; refuse one that others could
 * tamper with.  Errors as of mipc_open(), with a reason set.
 */
int	mipc_dir_open(const char *path, int flags, struct mipc_dir *out);
void	mipc_dir_close(struct mipc_dir *);

/* Its descriptor, proved to be ours; or a negative errno if it is gone. */
int	mipc_dir_fd(struct mipc_dir *);
/* Was it not ours, and is now?  Then a name may be looked up again. */
bool	mipc_dir_reopened(struct mipc_dir *);

/* Open an existing regular file in it; a descriptor or a negative errno. */
int	mipc_dir_openat(struct mipc_dir *, const char *name, int flags);

/*
 * Begin a file under no name, or under a private one, with exactly this mode;
 * then put it in its place.  place returns EEXIST if somebody was first, and
 * EAGAIN if the whole must be done again, without O_TMPFILE.  Either way the
 * descriptor stays the caller's to close.
 */
struct mipc_file {
	int fd;
	char own[96];		/* its private name, "" none */
};
int	mipc_dir_make(struct mipc_dir *, const char *name, unsigned mode,
	    struct mipc_file *);
int	mipc_dir_place(struct mipc_dir *, const char *name,
	    struct mipc_file *);
/* Close it; one that was not placed is gone. */
void	mipc_dir_drop(struct mipc_dir *, struct mipc_file *);

/*
 * Where files have private names while they are made: remove those whose
 * makers are dead.
 */
void	mipc_dir_sweep(struct mipc_dir *);

/* Empty but for names that begin with a dot? */
bool	mipc_dir_empty(struct mipc_dir *);

/*
 * Remove all files of a namespace, those that a repair has moved among them,
 * then the directory.  ENOTEMPTY: there are others.
 */
int	mipc_dir_remove(struct mipc_dir *);

#endif
