/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipc_map.h - maps of files and of memory: a part of mipc.h, which includes
 * it.
 *
 * A map is a range of a file, of a memfd or of anonymous memory in the address
 * space.  It is used by a pointer, mipc_map_at(), as any memory; or through the
 * functions below, which check each range and fail where a pointer would meet
 * a signal: behind the end, in a map that may not be written, in a page of a
 * file that somebody else has made shorter, and in one for which the disk has
 * no space.  Positions and lengths are bytes from the map's start.
 *
 * Threads: what reads and writes the contents may be called by any number at a
 * time, mipc_map_lock() too.  What changes the map itself (resize, protect,
 * close) and what uses its cursor is for one thread, with no other in a call
 * on the same map.
 *
 * A forked child has the map too, and holds no lock of it.
 *
 * Caveats, first:
 *  - mipc_map_resize() may move a map: pointers into it end there.
 *  - By a pointer a page that a file has lost is SIGBUS.
 *  - A map reads what other processes write as they write it: what several
 *    change at once needs mipc_map_cas() and its kin, or mipc_map_lock().
 *  - The first call of mipc_map_load() and its kin on a file puts a handler for
 *    SIGBUS before the program's, as mipc_open() does, which hands on what is
 *    not its own; nothing else here does.
 *
 * All return -1 (or NULL) on failure and set errno: what is said at each, and
 *	EBADF	the map is closed, or NULL
 *	EIO	the file has become shorter than the map, or a page of it
 *		cannot be read or given space.  Some of what was to be written
 *		may have been
 *	ERANGE	a position or length that reaches behind the map's end
 */
#ifndef MIPC_MAP_H
#define MIPC_MAP_H

#include <sys/types.h>
#include <stddef.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A map, until mipc_map_free(). */
struct mipc_map;

/* What may be done: one of these, or 0 where prot and flags say it. */
#define MIPC_MAP_READ	1	/* read */
#define MIPC_MAP_WRITE	2	/* and write what the file, and all, see */
#define MIPC_MAP_COPY	3	/* and write what this process alone sees */

/* Options. */
#define MIPC_MAP_CREAT	01	/* make the file if it is missing */
#define MIPC_MAP_EXCL	02	/* with MIPC_MAP_CREAT: fail if it exists */
#define MIPC_MAP_TEMPORARY 04	/* remove the file when the map is closed */
#define MIPC_MAP_SPARSE	010	/* what is added takes space when written */
#define MIPC_MAP_FORGET	020	/* keep no descriptor */

/*
 * How to map.  Zeros, or NULL in its place: MIPC_MAP_WRITE, of all of a file
 * from its start, descriptor kept.
 *	access	as above; with it prot and flags must be 0
 *	prot	PROT_READ, PROT_WRITE, PROT_EXEC; 0 with flags is PROT_NONE
 *	flags	of mmap(2): MAP_SHARED, MAP_PRIVATE or MAP_SHARED_VALIDATE, and
 *		with it MAP_32BIT, MAP_ANONYMOUS (mipc_map_anon() alone),
 *		MAP_LOCKED, MAP_NONBLOCK, MAP_NORESERVE, MAP_POPULATE, MAP_STACK
 *		and MAP_SYNC, where the system has them
 *	options	as above
 *	mode	of a file that is made, less the umask; 0 is 0600
 *	offset	in the file, a multiple of mipc_map_granularity()
 */
struct mipc_map_how {
	int access;
	int prot;
	int flags;
	int options;
	mode_t mode;
	unsigned long long offset;
};

/*
 * Map `length` bytes of a file, or all from `offset` to its end if that is 0.
 *
 * A file that is missing, with MIPC_MAP_CREAT, appears at its path with its
 * whole length at once.  One that is too short is made longer if the map is
 * shared and may be written, with space for what is mapped; opening never
 * makes one shorter.  With MIPC_MAP_TEMPORARY the file is unlinked by
 * mipc_map_close() in the process that opened it, not where that is killed;
 * and if `path` is a directory, the file has no name in it and is gone with its
 * last user, however that ends.
 *
 * mipc_map_open_fd() maps what a descriptor leads to, of which it keeps a
 * duplicate: the caller's may be closed, and its position is not touched.
 * MIPC_MAP_SPARSE and MIPC_MAP_FORGET are its options.
 *
 * mipc_map_name() is mipc_map_open() for a name in place of a path, with or
 * without a slash before it, that processes of one machine agree on; it is
 * the file of this name that shm_open(3) has, and mipc_map_unlink() removes it.
 *
 * A device that can be mapped is, if `length` is not 0; /dev/zero is anonymous
 * memory.
 *
 * Return a map for mipc_map_free(), or NULL with errno:
 *	EACCES	no permission; or the descriptor is not open for this access
 *	EBADF	no descriptor
 *	EBUSY	somebody else keeps resizing the file (five seconds)
 *	EEXIST	the file exists and MIPC_MAP_EXCL is given
 *	EFBIG	the file may not become so long
 *	EINVAL	an unknown or unfit access, prot, flag or option; access beside
 *		prot or flags; the offset is no multiple of the granularity; a
 *		name that is empty or has a slash in it
 *	ENAMETOOLONG, ENOTDIR, ELOOP, EROFS	of the path
 *	ENODATA	length 0, and nothing there at offset: an empty file
 *	ENODEV	what cannot be mapped: a directory, a pipe, a socket
 *	ENOENT	the file is missing and MIPC_MAP_CREAT not given
 *	ENOMEM	no address space, or memory
 *	ENOSPC, EDQUOT	no space for what is added
 *	ERANGE	the file is too short, and the map is not one that makes it
 *		longer
 *	what mmap(2) says
 */
struct mipc_map *mipc_map_open(const char *path, size_t length,
	    const struct mipc_map_how *how);
struct mipc_map *mipc_map_open_fd(int fd, size_t length,
	    const struct mipc_map_how *how);
struct mipc_map *mipc_map_name(const char *name, size_t length,
	    const struct mipc_map_how *how);

/* 0, or -1 with errno: EINVAL a bad name; what unlink(2) says. */
int	mipc_map_unlink(const char *name);

/*
 * Memory that has no file: of a memfd called `name` in /proc/PID/maps, or
 * anonymous, which is a memfd too if it is shared and its descriptor kept.
 * Forked children share it; mipc_map_send() gives it to others.  A memfd has
 * its space from the start unless MIPC_MAP_SPARSE is given, anonymous memory
 * takes it as it is touched.  MIPC_MAP_SPARSE and MIPC_MAP_FORGET are the
 * options.
 *
 * Return as above: EINVAL also for length 0 or an offset; EMFILE, ENFILE.
 */
struct mipc_map *mipc_map_memfd(const char *name, size_t length,
	    const struct mipc_map_how *how);
struct mipc_map *mipc_map_anon(size_t length, const struct mipc_map_how *how);

/*
 * Give a map to whoever receives it at the other end of a socket of the Unix
 * domain; both have it then.  The receiver says how to map it, but not where:
 * `how->offset` is 0, and the options MIPC_MAP_SPARSE and MIPC_MAP_FORGET.
 * What comes is not trusted: a regular file or a memfd, and as long as it says.
 *
 * 0, or -1 with errno: EBADF the map has kept no descriptor; what sendmsg(2)
 * says.
 * A map, or NULL with errno as of mipc_map_open_fd(); ENODATA the other end is
 * closed; EPROTO what came is no map; what recvmsg(2) says.
 */
int	mipc_map_send(struct mipc_map *map, int socket);
struct mipc_map *mipc_map_receive(int socket, const struct mipc_map_how *how);

/*
 * Let go of the memory, the descriptor, the locks, and of a temporary file its
 * name.  What was written stays written; whether it has reached the disk,
 * mipc_map_flush() tells.  Every other call on the map then fails by EBADF.
 * 0, also if it was closed before.
 */
int	mipc_map_close(struct mipc_map *map);
int	mipc_map_closed(const struct mipc_map *map);	/* 1 or 0 */
/* Close it if it is not, and end the handle.  NULL is nothing. */
void	mipc_map_free(struct mipc_map *map);

/* What an offset must be a multiple of: a page, in bytes. */
size_t	mipc_map_granularity(void);
/* Of the map, in bytes; 0 of one that is closed. */
size_t	mipc_map_length(const struct mipc_map *map);
/* Its offset in the file, 0 of one that is closed. */
unsigned long long mipc_map_offset(const struct mipc_map *map);
/* The descriptor it has kept, which stays its own; or -1 with EBADF. */
int	mipc_map_descriptor(const struct mipc_map *map);
/*
 * Of the file, now, whatever the map's length: EBADF if the map has kept no
 * descriptor, and the length of anonymous memory without one.
 */
long long mipc_map_size(const struct mipc_map *map);

/*
 * A pointer to `length` bytes at `position`; NULL with errno.  It is good until
 * the map is closed or resized.
 */
void	*mipc_map_at(const struct mipc_map *map, size_t position,
	    size_t length);

#define MIPC_MAP_END ((size_t)-1)	/* as an end: the map's */

/*
 * Copy the bytes from `start` to before `end` out of the map or into it; the
 * buffer's size must be just that.
 *
 * 0, or -1 with errno: EACCES the map may not be read, or written; EFAULT the
 * buffer is not readable, or writable; EINVAL start > end, or `size` is
 * another; ERANGE.
 */
int	mipc_map_get(const struct mipc_map *map, size_t start, size_t end,
	    void *buf, size_t size);
int	mipc_map_set(struct mipc_map *map, size_t start, size_t end,
	    const void *buf, size_t size);

/*
 * Copy `count` bytes within the map; the ranges may overlap.  Errors as of
 * mipc_map_set().
 */
int	mipc_map_move(struct mipc_map *map, size_t to, size_t from,
	    size_t count);

/*
 * The position of the first, or last, place in [start, end) where the `size`
 * bytes stand whole; no bytes stand at every place.  What lies behind the map's
 * end is cut off.  Each byte of the map is looked at a bounded number of times,
 * whatever is sought.
 *
 * -1 with errno: ENOENT they stand nowhere; EACCES.
 */
ssize_t	mipc_map_find(const struct mipc_map *map, const void *what,
	    size_t size, size_t start, size_t end);
ssize_t	mipc_map_rfind(const struct mipc_map *map, const void *what,
	    size_t size, size_t start, size_t end);

/*
 * The cursor: at 0 first, at the map's length at most.
 *
 * read		at most `size` bytes: how many, 0 at the end
 * read_byte	its value; ENODATA at the end
 * readline	as read, but no further than the next newline, which is read
 * write	all `size` bytes, or ERANGE and none if they do not fit
 * write_byte	0; ERANGE at the end
 * seek		whence is SEEK_SET, SEEK_CUR or SEEK_END: the new position;
 *		EINVAL another whence; ERANGE a position that is none, and the
 *		cursor stays
 *
 * Each moves it by what it read or wrote.  Errors as of mipc_map_get() and
 * mipc_map_set().
 */
ssize_t	mipc_map_read(struct mipc_map *map, void *buf, size_t size);
int	mipc_map_read_byte(struct mipc_map *map);
ssize_t	mipc_map_readline(struct mipc_map *map, void *buf, size_t size);
ssize_t	mipc_map_write(struct mipc_map *map, const void *buf, size_t size);
int	mipc_map_write_byte(struct mipc_map *map, unsigned char byte);
ssize_t	mipc_map_seek(struct mipc_map *map, long long offset, int whence);
ssize_t	mipc_map_tell(const struct mipc_map *map);

/*
 * Make the map `length` bytes long, and its file just long enough: a file that
 * goes on behind the map is not shortened.  What is added is zeros with space
 * on the disk, unless the map is MIPC_MAP_SPARSE.  A cursor behind the new end
 * is put there.
 *
 * Other maps of the file keep their length, in this process and in others.
 * When it grows they see nothing of it until they are resized too; of what is
 * cut off, calls on them say EIO.
 *
 * 0, or -1 with errno, and nothing is changed:
 *	EACCES	the map is for reading
 *	EBADF	it has kept no descriptor, or that is another file's by now
 *	EBUSY	somebody else keeps resizing the file (five seconds)
 *	EFBIG, ENOSPC, EDQUOT	the file may not become so long
 *	EINVAL	length 0
 *	ENOMEM	no address space
 *	ENOTSUP	a device, or memory that has no file
 *	EPERM	it is a private map, of which the file knows nothing; or the
 *		file is sealed
 */
int	mipc_map_resize(struct mipc_map *map, size_t length);

/*
 * Write `length` bytes at `position`, and what else is on their pages, to disk:
 * there when the call returns.  MIPC_MAP_END is up to the end.  Of a map that
 * changes no file it does nothing.
 *
 * 0, or -1 with errno: EIO, ENOSPC, EDQUOT what could not be written; EINVAL
 * memory whose pages are locked, as msync(2) says.
 */
int	mipc_map_flush(struct mipc_map *map, size_t position, size_t length);

/*
 * Say how a range will be used, by an advice of madvise(2), MADV_ALL, as that
 * has it.  `position` is a multiple of the granularity, or EINVAL.
 */
int	mipc_map_advise(struct mipc_map *map, size_t position, size_t length,
	    int advice);

/*
 * Let all of the map be used by this `prot` from now on.  0, or -1 with errno:
 * EACCES the file is not open for that; EINVAL unknown bits.
 */
int	mipc_map_protect(struct mipc_map *map, int prot);

/* How mipc_map_lock() locks. */
#define MIPC_MAP_SHARED		1	/* beside others that share */
#define MIPC_MAP_EXCLUSIVE	2	/* alone */

/*
 * Lock a range against other maps of the file that are locked, wherever they
 * are; nobody is kept from using what is locked.  A lock is a map's: in one
 * process two maps exclude each other, and the threads of one map have it
 * together.  To lock again what the map has locked changes how.  The range is
 * of the file, and locks of two maps meet there; MIPC_MAP_END is a length up to
 * the map's end.
 *
 * A lock ends by mipc_map_unlock(), which may be of a part, by
 * mipc_map_close(), and when the process ends, however that happens: a forked
 * child holds none.
 * (One made by a raw clone(2) does until its first call of these two.)
 *
 *	timeout	longest wait, measured on CLOCK_MONOTONIC; NULL waits for ever,
 *		in the order that they came; {0, 0} does not wait.  Who waits
 *		for a time looks again and again, at first after 50 us, at
 *		last every 5 ms, and may be overtaken
 *
 * 0, or -1 with errno:
 *	EACCES	to lock exclusively, the caller must be able to write the file
 *	EAGAIN	it would have to wait, or waited for so long
 *	EBADF	the map has kept no descriptor, or that is another file's by now
 *	EINTR	a signal handler ran while waiting
 *	EINVAL	no such kind, or no such length of time; length 0
 *	ENOLCK	locks of this kind are not to be had: no /proc, or a filesystem
 *		without them
 */
int	mipc_map_lock(struct mipc_map *map, size_t position, size_t length,
	    int kind, const struct timespec *timeout);
int	mipc_map_unlock(struct mipc_map *map, size_t position, size_t length);

/*
 * One number of 8, 16, 32 or 64 `bits` in the machine's byte order, at once:
 * who reads it has what it was or what it is.  All are ordered as they are
 * called (sequentially consistent), also with other processes' atomic
 * operations on it by pointers.
 *
 * load		into *out
 * store	the value
 * add		the value to it, what is too much is cut off; what it was
 *		before into *before, if that is not NULL
 * cas		if it is *expected, then make it `value` and return 1; else
 *		write what it is to *expected and return 0
 *
 * -1 with errno: EACCES; EINVAL the position is no multiple of the number's
 * size, no such number of bits, or a value that they cannot hold.
 */
int	mipc_map_load(const struct mipc_map *map, size_t position, int bits,
	    unsigned long long *out);
int	mipc_map_store(struct mipc_map *map, size_t position, int bits,
	    unsigned long long value);
int	mipc_map_add(struct mipc_map *map, size_t position, int bits,
	    unsigned long long value, unsigned long long *before);
int	mipc_map_cas(struct mipc_map *map, size_t position, int bits,
	    unsigned long long *expected, unsigned long long value);

#ifdef __cplusplus
}
#endif

#endif
