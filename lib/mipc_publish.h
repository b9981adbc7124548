/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipc_publish.h - values that nobody sees half replaced: in memory that
 * processes share, and in files.  Included by mipc.h.
 *
 * A publication is a piece of shared memory (a segment, a mapping of a file,
 * mipc_share(3)'s) that holds one value of a fixed greatest size.  A writer
 * replaces it whole; a reader has the old value or the new one, never a
 * mixture, and neither locks the other out.  Each value has a version, one
 * more than the last.
 *
 * There are several buffers.  A reader keeps the one that it reads, and
 * writers use another; with three of them one slow reader never delays a
 * writer, nor a writer that never pauses a reader.  A writer waits only if
 * every other buffer is being read.  Then the death of a reader frees its
 * buffer at once; one that is stopped keeps it for a few hundredths of a
 * second, and one that runs for a second: then it is taken from it, it finds
 * that out at the end and reads again, and its next attempt is given twice the
 * time.
 *
 * Writers take turns.  One that is killed at any instruction leaves the old
 * value, or the new one, and the next goes on.
 *
 * Everybody who may write the memory can spoil the value, and nothing else.
 * Where the machine's processes have different numbers in different
 * containers, and a writer dies in one that has called other libraries with
 * robust mutexes meanwhile, those in others cannot tell: they wait for as long
 * as they say.
 */
#ifndef MIPC_PUBLISH_H
#define MIPC_PUBLISH_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MIPC_PUBLISH_BUFFERS	16	/* at most; at least 2 */
#define MIPC_PUBLISH_READERS	64	/* at once, of all processes */

/*
 * A publication as this process has it: what mipc_publish_open() fills.  It
 * needs not be closed; a fork's child may go on using it.  Its fields are the
 * library's.
 */
struct mipc_publication {
	void *memory;
	size_t most, stride;
	uint32_t buffers;
	int flags;
	uint32_t writing;	/* the buffer that is being filled */
	uint32_t kept[3];
};

/* The flag of mipc_publish_open(): the memory may be read only. */
#define MIPC_PUBLISH_READ	1

/*
 * Bytes of memory for a publication of values of `most` bytes at most, in
 * `buffers` buffers, 2 .. 16: three are right for few readers, and readers + 2
 * let no reader ever delay a writer.  0: that is out of range.
 */
size_t	mipc_publish_size(size_t most, unsigned buffers);

/*
 * Make memory a publication that holds no value yet, before others use it:
 * whatever was in it is lost.
 *
 *	memory	writable, shared; its address is a multiple of 64 bytes, of
 *		the page size if values may be of a page or more
 *	length	of it in bytes, mipc_publish_size() or more
 *
 * Returns 0, or -1 with errno:
 *	EINVAL	memory is not aligned, length is too small, most is 0, or
 *		buffers is out of range
 */
int	mipc_publish_init(void *memory, size_t length, size_t most,
	    unsigned buffers);

/*
 * Use a publication.
 *
 *	flags	0, or MIPC_PUBLISH_READ: nothing is written into the memory.
 *		Such a reader keeps no buffer: a writer may overtake it, it
 *		reads again then, and a writer that never pauses may starve it
 *
 * Returns 0, or -1 with errno:
 *	EINVAL	an unknown flag, or memory is not aligned
 *	EIO	it holds no publication, or a damaged one, or one that is
 *		larger than length
 *	ENOMEM	no memory
 */
int	mipc_publish_open(struct mipc_publication *, void *memory,
	    size_t length, int flags);

/*
 * Replace the value: `size` bytes from `value`.
 *
 *	timeout	longest wait for other writers, and for readers, seconds and
 *		nanoseconds; NULL waits for ever, {0, 0} does not wait
 *
 * Returns 0, or -1 with errno:
 *	EDEADLK	the calling thread is between begin and commit
 *	EINVAL	size is above the most, or timeout is malformed
 *	EROFS	the publication was opened with MIPC_PUBLISH_READ
 *	ETIMEDOUT	the timeout passed; the old value stands
 */
int	mipc_publish(struct mipc_publication *, const void *value, size_t size,
	    const struct timespec *timeout);

/*
 * The same without a copy: begin returns the buffer to be filled, `most` bytes
 * in which there is whatever an earlier value left, and other writers wait
 * until the same thread commits, or aborts and leaves the old value.
 *
 * begin returns NULL with errno as mipc_publish(); commit and abort return 0,
 * or -1 with errno:
 *	EINVAL	size is above the most; nothing is done
 *	EPERM	the calling thread has not begun
 */
void	*mipc_publish_begin(struct mipc_publication *,
	    const struct timespec *timeout);
int	mipc_publish_commit(struct mipc_publication *, size_t size);
int	mipc_publish_abort(struct mipc_publication *);

/*
 * Copy the newest value.
 *
 *	value	room for `room` bytes
 *	version	where its version is written, 1 of the first; may be NULL
 *
 * Returns its size in bytes, or -1 with errno:
 *	E2BIG	it is larger than room; nothing is copied, *version is set
 *	EAGAIN	writers overtook a reader that keeps no buffer, for a second
 *	EIO	the memory is damaged
 *	ENODATA	nothing has been published yet
 */
ssize_t	mipc_publish_read(struct mipc_publication *, void *value, size_t room,
	    uint64_t *version);

/*
 * Look at the newest value where it is, without a copy.  `reading` is zeroed
 * before its first use; mipc_publish_done() says whether the value stayed
 * whole until then.  A thread may look at several, and ends each.
 *
 * look returns the value, reading->size bytes of version reading->version, or
 * NULL with errno as mipc_publish_read().  done returns 0, or -1 with errno:
 *	EAGAIN	the buffer was taken away: what was seen may be a mixture.
 *		Look again with the same reading, which then keeps it longer
 */
struct mipc_reading {
	uint64_t version;
	size_t size;
	uint64_t holder;	/* the rest is the library's */
	uint32_t buffer, place;
	uint32_t patience, kept;
};
const void *mipc_publish_look(struct mipc_publication *,
	    struct mipc_reading *);
int	mipc_publish_done(struct mipc_publication *, struct mipc_reading *);

/* The newest version, 0: nothing has been published yet. */
uint64_t mipc_publish_version(const struct mipc_publication *);

/*
 * Wait for a version above `version`.
 *
 *	timeout	as for mipc_publish()
 *
 * Returns 0, or -1 with errno:
 *	EINTR	a signal handler ran while waiting
 *	EINVAL	timeout is malformed
 *	ETIMEDOUT	the timeout passed
 */
int	mipc_publish_wait(struct mipc_publication *, uint64_t version,
	    const struct timespec *timeout);

/*
 * Replace a file whole: who opens it has the old bytes or the new, and after
 * a loss of power there are the old ones or, once this has returned, the new.
 *
 *	path	a regular file, or the name of a new one; a symbolic link is
 *		followed, and what it leads to is replaced
 *	mode	of a new file, less the umask.  One that is there passes on
 *		its mode, its extended attributes with their access control
 *		lists and, as far as the caller may give files away, its owner
 *		and group: if not, setuid and setgid bits go, and another
 *		group gets no more than everybody
 *
 * Processes that have the old file open or mapped keep the old one.  The
 * directory must be readable and writable; its lock (flock(2)) is held for a
 * moment.  A process that is killed at that moment leaves the new file as
 * ".NAME.mipc~" beside the old, which the next call removes.
 *
 * Returns 0, or -1 with errno, and the old file as it was:
 *	EACCES, EPERM	the directory may not be read or written
 *	EBUSY	somebody has held the lock of the directory for 10 s
 *	EINVAL	path is NULL, or neither a regular file nor a link to one
 *	EIO	the disk failed; if it was the directory's fsync(2) the new
 *		file is in place, though not on disk for certain
 *	EISDIR	path is a directory
 *	ELOOP	too many symbolic links
 *	ENAMETOOLONG, ENOENT, ENOTDIR	the path
 *	ENOSPC, EDQUOT, EFBIG	no room for the new file
 *	ERANGE	an attribute of more than 4096 bytes
 *	EROFS	the filesystem is read only
 */
int	mipc_replace_file(const char *path, const void *data, size_t size,
	    mode_t mode);

#ifdef __cplusplus
}
#endif

#endif
