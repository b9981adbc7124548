/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipc_share.h - memory that a process shares with all the children it forks,
 * and a lock that survives whoever holds it.  Included by mipc.h.
 *
 *	struct table *table = mipc_share(sizeof(*table));
 *
 *	if (fork() == 0) {
 *		if (mipc_share_lock(table, NULL) == 1)
 *			repair(table);
 *		table->count++;
 *		mipc_share_unlock(table);
 *		_exit(0);
 *	}
 *
 * There is nothing to name, to remove or to clean up: all of it is gone with
 * the last process that has it, however that ends.  No process is needed that
 * made it.  A program that is executed does not have it any more.
 *
 * `share` is everywhere what mipc_share() returned, which is the same address
 * in every child.
 */
#ifndef MIPC_SHARE_H
#define MIPC_SHARE_H

#include <sys/types.h>
#include <stddef.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mipc_ns;

/*
 * Memory of `size` bytes, all zeros, page-aligned, shared with the children
 * forked from now on.  It takes what is touched of it.
 *
 * mipc_share_reserve() keeps room to grow in place, up to `most` bytes.
 *
 * Returns the memory, or NULL with errno:
 *	EINVAL	size is 0, or above most
 *	EMFILE	no descriptor is left
 *	ENOMEM	no memory or address space
 *	ENOSYS	the kernel has no memfd_create(2)
 */
void	*mipc_share(size_t size);
void	*mipc_share_reserve(size_t size, size_t most);

/* How many bytes of it there are now, for all. */
size_t	mipc_share_size(const void *share);

/*
 * Let there be `size` bytes at least, from now on, for all processes and at the
 * same address; they are zeros.  There never are less.  Any process, any time.
 *
 * Returns 0, or -1 with errno ENOSPC: that is more than was reserved.
 */
int	mipc_share_grow(void *share, size_t size);

/*
 * Take the lock.  Processes, and threads of one, have it in the order in which
 * they came.  If whoever has it dies, the next one in the line has it at once.
 *
 *	timeout	longest wait, seconds and nanoseconds, measured from the call;
 *		NULL waits for ever, {0, 0} does not wait
 *
 * Returns 0; 1: the lock is the caller's, but the last one that had it died
 * before it gave it back, so what the lock guards may be half changed; or -1
 * with errno:
 *	EDEADLK	the calling thread has it
 *	EINTR	a signal handler ran while waiting
 *	EINVAL	timeout is negative or malformed
 *	EIO	the shared bytes behind it are damaged
 *	ENOMEM	no memory
 *	ETIMEDOUT	the timeout passed
 */
int	mipc_share_lock(void *share, const struct timespec *timeout);

/*
 * Give it back.  A thread may do so for another of its process.
 *
 * Returns 0, or -1 with errno: EPERM if the process does not have it, or as
 * for mipc_share_lock().
 */
int	mipc_share_unlock(void *share);

/*
 * The process that has the lock, by its pid; 0 nobody.  One that is stopped
 * shows here; if it is killed, the lock goes to the next.  -1 with errno EIO.
 */
pid_t	mipc_share_holder(const void *share);

/*
 * With the lock: give it back, wait for a mipc_share_notify(), and take it
 * again.  What is waited for must be looked at again then: others may have
 * been quicker.
 *
 * Returns as mipc_share_lock().  After ETIMEDOUT and EINTR, too, the caller has
 * the lock, which may take longer than the timeout; but if the last one died 1
 * is returned.  EPERM: the process does not have it.
 */
int	mipc_share_wait(void *share, const struct timespec *timeout);

/* Wake all who wait; with or without the lock.  One that is killed here may
 * leave them to wake by themselves, a tenth of a second later. */
void	mipc_share_notify(void *share);

/*
 * The anonymous namespace (mipc_anon()) that the lock is in: for semaphores,
 * queues and segments of the same processes.  It is not to be closed.
 */
struct mipc_ns *mipc_share_ns(const void *share);

/*
 * Write the memory, as it is under the lock, to the file PATH: a checkpoint of
 * one segment (mipc_ckpt.h), which mipcsnap(1) lists, verifies, compares and
 * restores.  The lock is taken, as by mipc_share_lock(), for as long as it
 * takes to copy the memory, and given back before anything is written; a thread
 * that has it already keeps it.  The copy needs memory for the pages that are
 * not 0; one that nobody has touched yet gets its own, for it is read.  PATH,
 * and that it is replaced whole: as with mipc_checkpoint().
 *
 *	keep	generations: the file that was there becomes PATH.1, that
 *		PATH.2, and so on; 1 keeps only the new one, 1000 at most
 *	timeout	longest wait for the lock, as of mipc_share_lock()
 *
 * A value that is published at the beginning of the memory (mipc_publish.h) is
 * whole and the newest one, with nobody's lock, also if its writers do without
 * this lock.
 *
 * Returns 0; 1: the last one that had the lock died before it gave it back.
 * Nothing is written then, and the lock is the caller's, as after 1 from
 * mipc_share_lock(): it repairs the memory, may call this again, which saves
 * under the lock it has, and gives the lock back.  Or -1 with errno and
 * mipc_reason(), the file as it was, and the lock as before:
 *	EAGAIN	writers overtook every copy of a published value
 *	EINTR, EIO, ETIMEDOUT	as mipc_share_lock()
 *	EINVAL	keep; the timeout is malformed; or the path is none of a file
 *	EACCES, EBUSY, EIO, EMFILE, ENOMEM, ENOSPC	as
 *		mipc_checkpoint_segment()
 */
int	mipc_share_save(void *share, const char *path, unsigned keep,
	    const struct timespec *timeout);

/*
 * Memory and a lock as mipc_share_reserve() makes them, with what a checkpoint
 * of one segment holds, whoever wrote that: as many bytes, with room for
 * `most`.  Nobody has the lock.  The checkpoint is read to its end, and found
 * whole, before there is any memory.
 *
 * Returns the memory, or NULL with errno and mipc_reason():
 *	EACCES	the file may not be read
 *	EINVAL	it is of a namespace, or has more than `most` bytes
 *	EIO	it is damaged or truncated; or the disk
 *	ENOENT	there is no such file
 *	EPROTONOSUPPORT	it is no checkpoint, or one of another format or byte
 *		order
 *	EMFILE, ENOMEM, ENOSYS	as mipc_share()
 */
void	*mipc_share_load(const char *path, size_t most);

/*
 * Give the memory up in this process alone, which must not have the lock.
 * There is no need to, before it ends.
 *
 * Returns 0, or -1 with errno EBUSY: the process has the lock.
 */
int	mipc_share_leave(void *share);

#ifdef __cplusplus
}
#endif

#endif
