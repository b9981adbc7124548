/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipc.h - System V IPC outside the kernel: the public interface.
 *
 * A namespace holds objects: shared memory segments, semaphore sets and
 * message queues.  It is a directory of files that unrelated processes share
 * by its path (mipc_open), or an anonymous region that a process shares with
 * the children it forks afterwards (mipc_anon).  There is no daemon; any
 * process may be killed at any instruction, and the next one that calls
 * finishes or undoes what it left.
 *
 * The calls take libc's own structures and mean what their namesakes mean on
 * Linux; where they differ, mipc(7) has a row that says how and why.
 *
 * Caveats, first:
 *  - A segment lives as long as its namespace's directory, not as long as
 *    the machine is up.
 *  - Everybody who may write an object can spoil that object's contents.
 *  - The caller's credentials are read at every mipc_open, *get and *ctl
 *    call, which costs system calls.  A program that promises to report
 *    every change of its credentials by mipc_credentials_changed() is spared
 *    them: its first call of that function is the promise.
 *
 * All functions may be called by any thread.  They return -1 (or NULL, or
 * (void *)-1) and set errno on failure.  None is a cancellation point.
 */
#ifndef MIPC_H
#define MIPC_H

#include <sys/types.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <stddef.h>
#include <time.h>

#include "mipc_ckpt.h"
#include "mipc_look.h"
#include "mipc_map.h"
#include "mipc_publish.h"
#include "mipc_share.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A namespace opened by this process. */
struct mipc_ns;

/* Flags of mipc_open() and mipc_anon(). */
#define MIPC_CREAT	01	/* make the namespace if it is missing */
#define MIPC_EXCL	02	/* with MIPC_CREAT: fail if it exists */
#define MIPC_SHARED	04	/* with MIPC_CREAT: for all uids, mode 1777 */
#define MIPC_RDONLY	010	/* to read alone, whosever it is */

/*
 * Open the namespace in directory `dir`, made first if MIPC_CREAT is given
 * (mode 0700, or 1777 with MIPC_SHARED or when the caller is root; parents
 * are not made).
 *
 * With MIPC_RDONLY nothing in it is written, and nobody sees the caller there;
 * so is one opened that the caller may only read, or on a filesystem that is
 * mounted so.  Objects can be found, looked at and asked for their status and
 * values, as the dead left them, and segments attached with SHM_RDONLY: that is
 * not counted.  What would change something fails with EROFS, or with EACCES
 * for want of permission to write.
 *
 * Returns a handle for mipc_close(), or NULL with errno, and a sentence that
 * mipc_reason() returns:
 *	EACCES	the directory may not be searched or written
 *	EEXIST	it exists and MIPC_EXCL is given
 *	EINVAL	an unknown flag, MIPC_RDONLY with others, or `dir` is empty
 *	EIO	the namespace file is truncated or damaged
 *	ENOENT	it is missing and MIPC_CREAT is not given, or it is a
 *		directory that holds no namespace and is not empty
 *	ENOMEM	no memory or address space
 *	ENOSPC	no space for the namespace file
 *	ENOTDIR	`dir` is not a directory
 *	EPERM	it belongs to somebody who is neither the caller nor root and
 *		is not of mode 1777, or is writable by others without being
 *		sticky; root may open anybody's
 *	EPROTONOSUPPORT	it was made by another format, or another byte order
 *	EREMOTE	it is on a network filesystem
 */
struct mipc_ns *mipc_open(const char *dir, int flags);

/*
 * Make an anonymous namespace: visible to the caller and to the children it
 * forks from now on, gone with the last of them.  `flags` is 0.
 *
 * Returns a handle, or NULL with errno: EINVAL, EMFILE, ENOMEM, ENOSYS.
 */
struct mipc_ns *mipc_anon(int flags);

/*
 * The namespace that the unprefixed names (libmipc-sysv, the preload module)
 * use: $MIPC_DIR, else /dev/shm/mipc-EUID, else mipc-EUID in $TMPDIR or
 * /tmp; made if missing.  The environment is ignored in a set-user-ID
 * program.  Opened at the first call; never to be closed.
 *
 * Returns the handle, or NULL with errno as mipc_open() sets it.
 */
struct mipc_ns *mipc_default(void);

/*
 * Write the path that mipc_default() would use into `buf` of `size` bytes,
 * terminated.  Nothing is opened or made.
 *
 * Returns 0, or -1 with errno: ERANGE if it does not fit.
 */
int	mipc_default_dir(char *buf, size_t size);

/*
 * Close a handle: segments stay attached, objects stay.  The handle must not
 * be used afterwards, and not by another thread now.
 *
 * Returns 0, or -1 with errno: EBUSY for the default namespace, EINVAL for
 * NULL.
 */
int	mipc_close(struct mipc_ns *ns);

/*
 * The sentence that says why the last mipc_open(), mipc_default(),
 * mipc_destroy(), or call of mipc_ckpt.h, of this thread failed, naming what,
 * which and why; "" if none did.  Valid until the thread's next such call.
 */
const char *mipc_reason(void);

/*
 * Wait until no process but the caller is alive in a namespace of a
 * directory: every other that made, attached or changed something in it has
 * ended.
 *
 * Returns 0, or -1 with errno: EINTR if a signal handler ran, EINVAL for an
 * anonymous namespace.
 */
int	mipc_await_unused(struct mipc_ns *ns);

/*
 * Remove a namespace with all its objects and its directory, if no process
 * is alive in it; what mipcck(8) has put into its lost+found goes with it.
 * Files that are not a namespace's stay, there too, and keep the directory.
 *
 * Returns 0, or -1 with errno and mipc_reason(): EBUSY if somebody lives in
 * it, ENOTEMPTY if foreign files are there, or as mipc_open().
 */
int	mipc_destroy(const char *dir);

/*
 * Read and set a limit of the namespace.
 *
 *	name	"shmmax" (bytes), "shmall" (pages), "shmmni" (segments, at
 *		most 32768), "shm_rmid_forced" (0 or 1); "semmsl" (semaphores
 *		a set, at most 32000), "semmns" (semaphores in all), "semopm"
 *		(operations a call, at most 500), "semmni" (sets, at most
 *		32768), "barging" (0 or 1: see mipc(7)); "msgmax" (bytes
 *		of a message), "msgmnb" (bytes of a queue that is made from
 *		now on), "msgmni" (queues, at most 32768); "shm_next_id",
 *		"sem_next_id", "msg_next_id" (the identifier that the next
 *		object of the kind is to have; -1 for any)
 *	old	where the limit in force is written; may be NULL
 *	value	the new limit; NULL leaves it
 *
 * Anyone who may write the namespace's directory file may set a limit.
 * Lowering one below what is in use removes nothing.
 *
 * Returns 0, or -1 with errno: EINVAL for a value out of range, ENOENT for an
 * unknown name, EPERM when the caller is neither the namespace's owner nor
 * privileged.
 */
int	mipc_limit(struct mipc_ns *ns, const char *name,
	    unsigned long long *old, const unsigned long long *value);

/*
 * Say that the calling process has changed its user, group or supplementary
 * ids or its capabilities.  From the first call on, the library reads them
 * only after such a call.
 */
void	mipc_credentials_changed(void);

/*
 * Say that the program is about to unmap a range of its memory by munmap(2),
 * or has mapped something else over it by mmap(2) with MAP_FIXED; or moves a
 * range by mremap(2).  Unmapping is told before it is done: afterwards another
 * thread may already have attached something there.  The first call of either
 * is the promise to report all such changes: from then on a part of an attach
 * that went by hand is known at once, and attaching a segment again takes
 * fewer system calls.  A length of 0 makes the promise and reports nothing.
 * The preload module does this.
 */
void	mipc_memory_changed(const void *address, size_t length);
void	mipc_memory_moved(const void *old, size_t length, void *address);

/*
 * Find or make a segment.
 *
 *	key	IPC_PRIVATE (always a new one) or any other value
 *	size	bytes; a new segment is rounded up to pages, zero-filled
 *	flags	IPC_CREAT, IPC_EXCL, SHM_NORESERVE, SHM_HUGETLB (with
 *		SHM_HUGE_2MB, SHM_HUGE_1GB), and nine permission bits
 *
 * Returns the identifier, or -1 with errno:
 *	EACCES	the segment's mode does not grant the bits in flags
 *	EEXIST	it exists, and IPC_CREAT and IPC_EXCL are given
 *	EIO	the namespace's directory is gone, or the segment's files are
 *		damaged
 *	EINVAL	new: size is 0 or above SHMMAX; existing: size is larger than
 *		the segment; SHM_HUGETLB with a size the machine has no pages of
 *	ENOENT	no segment has the key and IPC_CREAT is not given
 *	ENOMEM	no memory, or no huge pages free
 *	ENOSPC	SHMMNI or SHMALL would be exceeded, or the namespace's
 *		filesystem is full (the space of a segment is reserved here,
 *		unless SHM_NORESERVE is given)
 *	EPERM	SHM_HUGETLB without the privilege
 *
 * Source: POSIX.1-2017 shmget(); shmget(2); clauses G1-G3, G6, H1, H9, H11.
 */
int	mipc_shmget(struct mipc_ns *ns, key_t key, size_t size, int flags);

/*
 * Attach a segment.
 *
 *	addr	NULL lets the kernel choose; else a multiple of the page size,
 *		or any address with SHM_RND, which rounds it down
 *	flags	SHM_RDONLY, SHM_RND, SHM_REMAP (replace what is mapped at
 *		addr), SHM_EXEC
 *
 * Returns the address, or (void *)-1 with errno:
 *	EACCES	the mode does not grant what flags ask: r, r+w, and x for
 *		SHM_EXEC
 *	EIDRM	the segment vanished during the call
 *	EINVAL	no such segment; addr is not aligned, or in use without
 *		SHM_REMAP; SHM_REMAP without addr
 *	EIO	the segment's files are damaged
 *	ENOMEM	no address space or memory
 *
 * Source: POSIX.1-2017 shmat(); shmat(2); clauses H2-H7.
 */
void	*mipc_shmat(struct mipc_ns *ns, int shmid, const void *addr, int flags);

/*
 * Detach the segment attached at exactly `addr`; all pieces of that attach
 * go, whatever munmap(2) or mprotect(2) did to it, and nothing that the
 * program has mapped over it since by mmap(2) is looked after.
 *
 * Returns 0, or -1 with errno EINVAL: no segment of `ns` is attached there.
 *
 * Source: POSIX.1-2017 shmdt(); shmdt(2); clause H4.
 */
int	mipc_shmdt(struct mipc_ns *ns, const void *addr);

/*
 * Control a segment: IPC_STAT, IPC_SET, IPC_RMID, SHM_LOCK, SHM_UNLOCK; and
 * IPC_INFO (buf is a struct shminfo *), SHM_INFO (struct shm_info *),
 * SHM_STAT and SHM_STAT_ANY (shmid is an index).
 *
 * Returns 0; for IPC_INFO and SHM_INFO the highest index in use; for SHM_STAT
 * and SHM_STAT_ANY the identifier; or -1 with errno:
 *	EACCES	IPC_STAT, SHM_STAT: no read permission
 *	EFAULT	buf is NULL (under the preload module: not accessible)
 *	EINVAL	no such segment, index or command
 *	EIO	the segment's files are damaged
 *	ENOMEM	SHM_LOCK: beyond RLIMIT_MEMLOCK
 *	EPERM	IPC_SET, IPC_RMID, SHM_LOCK, SHM_UNLOCK: the caller is neither
 *		owner, creator nor privileged; IPC_SET: a uid or gid that the
 *		filesystem does not let the caller give it to
 *
 * Source: POSIX.1-2017 shmctl(); shmctl(2); clauses G4-G8, H5-H11.
 */
int	mipc_shmctl(struct mipc_ns *ns, int shmid, int cmd,
	    struct shmid_ds *buf);

/*
 * Find or make a set of semaphores; those of a new one are 0.
 *
 *	key	IPC_PRIVATE (always a new one) or any other value
 *	nsems	1 .. SEMMSL; 0 .. the number there are, if the set exists
 *	flags	IPC_CREAT, IPC_EXCL, and nine permission bits
 *
 * Returns the identifier, or -1 with errno:
 *	EACCES	the set's mode does not grant the bits in flags
 *	EEXIST	it exists, and IPC_CREAT and IPC_EXCL are given
 *	EINVAL	new: nsems is not in 1 .. SEMMSL; existing: nsems is negative
 *		or larger than the set
 *	EIO	the namespace's directory is gone, or the set's file is damaged
 *	ENOENT	no set has the key and IPC_CREAT is not given
 *	ENOMEM	no memory
 *	ENOSPC	SEMMNI or SEMMNS would be exceeded, or the namespace's
 *		filesystem is full
 *
 * Source: POSIX.1-2017 semget(); semget(2); clauses G1-G3, G6, S1, S16.
 */
int	mipc_semget(struct mipc_ns *ns, key_t key, int nsems, int flags);

/*
 * Perform `nops` semaphore operations as one: all of them or none.
 *
 *	ops	1 .. SEMOPM operations; applied in array order
 *	timeout	longest wait, seconds and nanoseconds, measured from the call
 *		on CLOCK_MONOTONIC; NULL waits for ever, {0, 0} does not wait
 *
 * Returns 0, or -1 with errno:
 *	E2BIG	nops > SEMOPM
 *	EACCES	the caller may not alter (or, for zero tests alone, read) the
 *		set
 *	EAGAIN	it would have to wait and the operation that would has
 *		IPC_NOWAIT, or the timeout passed
 *	EFAULT	ops is NULL (under the preload module: ops or timeout is not
 *		readable)
 *	EFBIG	a sem_num is outside the set
 *	EIDRM	the set was removed meanwhile
 *	EINTR	a signal handler ran while waiting; nothing was applied
 *	EINVAL	no such set, nops == 0, or timeout is negative or malformed
 *	EIO	the set's file is damaged
 *	ENOMEM	no memory; SEM_UNDO: the set's table of debts is full
 *	ERANGE	a value would pass 32767, or an undo value leave
 *		-32768 .. 32767
 *
 * Source: POSIX.1-2017 semop(); semop(2); clauses S2-S7, S10-S15, S17.
 */
int	mipc_semtimedop(struct mipc_ns *ns, int semid, struct sembuf *ops,
	    size_t nops, const struct timespec *timeout);
int	mipc_semop(struct mipc_ns *ns, int semid, struct sembuf *ops,
	    size_t nops);

/*
 * Undo now what the calling process owes by SEM_UNDO in all sets of the
 * namespace, as its end would; what it does afterwards counts anew.  Linux
 * does so when a process of one thread calls unshare(2) with CLONE_SYSVSEM,
 * and the preload module calls this then.
 *
 * Returns 0, or -1 with errno, when all other sets have been seen to:
 *	EIO	a set's file is damaged
 *	ENOMEM	no memory
 *
 * Source: unshare(2); clauses S11, S12.
 */
int	mipc_semundo(struct mipc_ns *ns);

/*
 * Control a set or one of its semaphores.  The fourth argument is a union
 * semun (semctl(2)) where the command has one:
 *
 *	IPC_STAT, IPC_SET			buf
 *	SEM_STAT, SEM_STAT_ANY (semid is an index)	buf
 *	IPC_INFO, SEM_INFO			__buf, a struct seminfo *
 *	GETALL, SETALL				array of the set's size
 *	SETVAL					val
 *	IPC_RMID, GETVAL, GETPID, GETNCNT, GETZCNT	none
 *
 * Returns the value, pid or count for the four GET commands; for IPC_INFO and
 * SEM_INFO the highest index in use; for SEM_STAT and SEM_STAT_ANY the
 * identifier; else 0; or -1 with errno:
 *	EACCES	no read permission, or for SETVAL and SETALL no write
 *		permission
 *	EFAULT	the pointer is NULL (under the preload module: not accessible)
 *	EIDRM	the set was removed meanwhile
 *	EINVAL	no such set, index, semaphore or command
 *	EIO	the set's file is damaged
 *	EPERM	IPC_SET, IPC_RMID: the caller is neither owner, creator nor
 *		privileged; IPC_SET: as for mipc_shmctl()
 *	ERANGE	SETVAL, SETALL: a value outside 0 .. 32767
 *
 * Source: POSIX.1-2017 semctl(); semctl(2); clauses G4-G8, S6-S9, S15, S16.
 */
int	mipc_semctl(struct mipc_ns *ns, int semid, int semnum, int cmd, ...);

/* --- message queues ---------------------------------------------------- */

/*
 * Get the identifier of the queue with a key, or make one.
 *
 *	key	IPC_PRIVATE makes a new queue
 *	flags	IPC_CREAT, IPC_EXCL and nine bits of mode
 *
 * Returns the identifier, or -1 with errno:
 *	EACCES	it exists and its mode does not grant what flags ask
 *	EEXIST	IPC_CREAT and IPC_EXCL, and it exists
 *	EIO	the namespace or the queue's file is damaged
 *	ENOENT	it does not exist and IPC_CREAT is not given
 *	ENOMEM	no memory or address space
 *	ENOSPC	no space, or the limit "msgmni" is reached
 *
 * Source: POSIX.1-2017 msgget(); msgget(2); clauses G1-G3.
 */
int	mipc_msgget(struct mipc_ns *ns, key_t key, int flags);

/*
 * Send a message: a long, at least 1, which is its type, and then `size` bytes
 * of text.  If the queue is full wait until there is room.
 *
 *	size	bytes, 0 .. the limit "msgmax"
 *	flags	IPC_NOWAIT
 *	timeout	longest wait, as for mipc_semtimedop()
 *
 * Returns 0, or -1 with errno:
 *	EACCES	the caller may not write to the queue
 *	EAGAIN	it is full and IPC_NOWAIT is given, or the timeout passed
 *	EFAULT	msgp is NULL (under the preload module: not readable)
 *	EIDRM	the queue was removed meanwhile
 *	EINTR	a signal handler ran while waiting; nothing was sent
 *	EINVAL	no such queue, a type below 1, size above the limit, or
 *		timeout is negative or malformed
 *	EIO	the queue's file is damaged
 *	ENOMEM	no memory or space for the message; the queue works on
 *
 * Source: POSIX.1-2017 msgsnd(); msgop(2); clauses M1, M2, M7-M11.
 */
int	mipc_msgsnd(struct mipc_ns *ns, int msqid, const void *msgp,
	    size_t size, int flags);
int	mipc_msgtimedsnd(struct mipc_ns *ns, int msqid, const void *msgp,
	    size_t size, int flags, const struct timespec *timeout);

/*
 * Receive a message: its type, a long, and its text, of at most `size` bytes.
 *
 *	type	0 the first; above 0 the first of this type, or with MSG_EXCEPT
 *		the first of another; below 0 the first of the lowest type
 *		that is not above -type; with MSG_COPY how many messages stand
 *		before the one to be copied
 *	flags	IPC_NOWAIT, MSG_EXCEPT, MSG_COPY (with IPC_NOWAIT: the message
 *		stays in the queue); MSG_NOERROR: cut off what is too long
 *	timeout	longest wait, as for mipc_semtimedop()
 *
 * Returns the bytes of text, or -1 with errno:
 *	E2BIG	the text is longer than size; the message stays
 *	EACCES	the caller may not read from the queue
 *	EAGAIN	the timeout passed
 *	EFAULT	msgp is NULL (under the preload module: not writable)
 *	EIDRM	the queue was removed meanwhile
 *	EINTR	a signal handler ran while waiting; nothing was taken
 *	EINVAL	no such queue, size above SSIZE_MAX, MSG_COPY without
 *		IPC_NOWAIT or with MSG_EXCEPT, or timeout is malformed
 *	EIO	the queue's file is damaged
 *	ENOMEM	no memory
 *	ENOMSG	no such message, and IPC_NOWAIT is given
 *
 * Source: POSIX.1-2017 msgrcv(); msgop(2); clauses M4-M11.
 */
ssize_t	mipc_msgrcv(struct mipc_ns *ns, int msqid, void *msgp, size_t size,
	    long type, int flags);
ssize_t	mipc_msgtimedrcv(struct mipc_ns *ns, int msqid, void *msgp,
	    size_t size, long type, int flags,
	    const struct timespec *timeout);

/*
 * Control a queue:
 *
 *	IPC_STAT, MSG_STAT, MSG_STAT_ANY (msqid is an index)	read *buf
 *	IPC_SET		owner, mode and msg_qbytes from *buf
 *	IPC_RMID	remove it; buf is not used
 *	IPC_INFO, MSG_INFO	buf is a struct msginfo *
 *
 * Returns 0; for IPC_INFO and MSG_INFO the highest index in use; for MSG_STAT
 * and MSG_STAT_ANY the identifier; or -1 with errno:
 *	EACCES	IPC_STAT, MSG_STAT: no read permission
 *	EFAULT	buf is NULL (under the preload module: not accessible)
 *	EINVAL	no such queue, index or command
 *	EIO	the queue's file is damaged
 *	ENOMEM	IPC_SET: msg_qbytes is more than the queue was made for
 *	EPERM	IPC_SET, IPC_RMID: the caller is neither owner, creator nor
 *		privileged; msg_qbytes is above the limit "msgmnb" and the
 *		caller has no CAP_SYS_RESOURCE; as for mipc_shmctl()
 *
 * Source: POSIX.1-2017 msgctl(); msgctl(2); clauses G4-G8, M3, M9, M11, M12.
 */
int	mipc_msgctl(struct mipc_ns *ns, int msqid, int cmd,
	    struct msqid_ds *buf);

/*
 * The key of a file and a project number, by glibc's formula, so that both
 * sides agree.  Returns -1 with the errno of stat(2) if there is no file.
 *
 * Source: POSIX.1-2017 ftok(); semantics, section 5.
 */
key_t	mipc_ftok(const char *path, int project);

#ifdef __cplusplus
}
#endif

#endif
