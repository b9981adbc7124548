/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipc_ckpt.h - checkpoints of a namespace: a part of mipc.h, which includes
 * it.
 *
 * A checkpoint is one file that holds a namespace: its limits, its segments
 * with their bytes, its sets with their values, its queues with their
 * messages, under their identifiers and keys, with their owners, creators,
 * modes and times.  It is on disk exactly when mipc_checkpoint() returns, and
 * the one that was there stays until then, whole.
 *
 * A checkpoint of one segment, which mipc_checkpoint_segment() writes, is such
 * a file with that segment and no other object.
 *
 * Sets and queues are those of one moment.  They are copied and then looked at
 * again, and if none of them has changed since it was copied there was a moment
 * at which all of it was so.  Else that is done again.  Nobody is held up by
 * that; but where it has failed four times others who call semop(), msgsnd()
 * and msgrcv(), or make, change or remove objects, are asked to wait until
 * there is a copy: for a quarter of a second at a time, or for as long as one
 * copy takes, and no call for more than half a second.  If whoever takes the
 * checkpoint is killed, nobody waits for it; if it is stopped, those who wait
 * go on after that half second, and all others with them.
 *
 * Segments are copied after that moment, while those who have them attached may
 * go on to write: each as it is at one moment, where the namespace's filesystem
 * lets files share their blocks (xfs, btrfs) and has space; page by page
 * elsewhere.  The checkpoint says of each which it was.
 *
 * A value that is published into a segment (mipc_publish.h), if the publication
 * begins where the segment does, is whole in every checkpoint, and of the
 * moment that sets and queues are of: it was the newest then, of all such
 * publications at once.  With it there is nobody's lock, no readers and no
 * sleepers, so that who publishes in the restored namespace waits for nobody.
 * The checkpoint reads it as any reader, so it delays no writer who has three
 * buffers; and it needs as much memory meanwhile as all those values have.
 * Where the caller may not write the segment, or 64 readers are there, a writer
 * who never pauses may overtake it; all is tried again then, for two seconds
 * and ten times at least.  A segment that becomes a publication after that
 * moment is one without a value there.  Bytes that are no publication are
 * copied as they are.
 *
 * A publication that begins elsewhere in a segment may be a mixture in a
 * checkpoint, and its lock is that process's still in a restored namespace, as
 * far as it lives: writers there wait until it has ended.  Who wants it whole
 * keeps its writers away, by mipc_publish_begin() before mipc_checkpoint() and
 * mipc_publish_abort() after it.  The same goes for any memory of segments, by
 * whatever lock those who write it take; but a semaphore that is such a lock is
 * in the checkpoint as taken.
 *
 * A segment shares its blocks only while the checkpoint is written.  There was
 * space for whatever is stored into it meanwhile; but if somebody else fills
 * the disk in that time, a store may meet SIGBUS, as with SHM_NORESERVE.
 *
 * What belongs to processes is not in a checkpoint: attaches, sleepers and
 * what the living owe by SEM_UNDO.  Semaphores are as they were, so what a
 * process held by SEM_UNDO stays held.  A message that was handed to a
 * sleeping receiver who had not come for it yet is in its queue, where it
 * stood.  Segments that were removed and are still attached are left out.
 *
 * Memory of mipc_share() is in no namespace.  mipc_share_save() writes it as a
 * checkpoint of one segment, as it is under its lock.
 */
#ifndef MIPC_CKPT_H
#define MIPC_CKPT_H

#include <sys/types.h>
#include <sys/ipc.h>
#include <stddef.h>
#include <time.h>

#include "mipc_look.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How a segment's bytes came into a checkpoint: page by page, so that of what
 * was stored meanwhile some may be there and some not; or by a reflink, as all
 * of them were at one moment.
 */
enum mipc_copied {
	MIPC_BY_PAGES,
	MIPC_BY_REFLINK
};

/*
 * Who is told how far it is, each NULL or
 *	tell	`done` of `all` bytes, now and then and at the end
 *	copied	by mipc_checkpoint() and mipc_checkpoint_segment(): a segment
 *		is in it, and how it was copied
 */
struct mipc_progress {
	void (*tell)(void *arg, unsigned long long done,
	    unsigned long long all);
	void *arg;
	void (*copied)(void *arg, int shmid, enum mipc_copied how);
};

/*
 * Write a checkpoint of a namespace to the file `path`.
 *
 *	keep	how many generations there may be, 1 to 1000: the file that
 *		was there becomes PATH.1, that PATH.2, and so on; those beyond
 *		go.  With 1 it is replaced
 *	progress	may be NULL
 *
 * A file that was there gives the new one its permissions; else they are 0600.
 * Of two processes that write one file at a time the last one's stays.
 *
 * Returns 0, or -1 with errno and mipc_reason():
 *	EACCES	an object may not be read by the caller, or the directory of
 *		the file not be written
 *	EAGAIN	sets and queues changed whenever they were looked at, for two
 *		seconds: to copy them takes longer than others wait; or
 *		writers overtook every copy of a published value
 *	EBUSY	others write files of this directory, for ten seconds
 *	EINVAL	keep; or the path is none of a file
 *	EIO	an object's file is damaged, or the disk
 *	EMFILE, ENOMEM	no descriptor, no memory
 *	ENOSPC	no space for it, or what write(2) and fsync(2) say
 * Until it returns 0 the file that was there is the checkpoint; if the disk
 * fails in the last step, either may be.
 */
int	mipc_checkpoint(struct mipc_ns *ns, const char *path, unsigned keep,
	    const struct mipc_progress *progress);

/*
 * Write a checkpoint of one segment, as mipc_checkpoint() does of all: with
 * its identifier, key, owner, creator, mode and times, and the namespace's
 * limits.  Nothing of other objects is read.
 *
 *	shmid	identifier of the segment, which the caller may read
 *
 * Returns 0, or -1 with errno and mipc_reason():
 *	EACCES	the segment may not be read by the caller, or the directory of
 *		the file not be written
 *	EAGAIN	objects were made, changed and removed all the time, for two
 *		seconds; or writers overtook every copy of a published value
 *	EBUSY	others write files of this directory, for ten seconds
 *	EIDRM	the segment was removed, and is still attached
 *	EINVAL	there is no such segment; keep; or the path is none of a file
 *	EIO	the segment's file is damaged, or the disk
 *	EMFILE, ENOMEM	no descriptor, no memory
 *	ENOSPC	no space for it, or what write(2) and fsync(2) say
 */
int	mipc_checkpoint_segment(struct mipc_ns *ns, int shmid,
	    const char *path, unsigned keep,
	    const struct mipc_progress *progress);

/*
 * Make the namespace of a checkpoint, in the directory `dir`: one that is
 * missing, or a namespace in which no process is alive, which is replaced.
 * It is made beside it, in a directory of the same parent, and takes its
 * place when it is complete and on disk; until then what was there is
 * untouched.  Identifiers are the same.  Objects of other owners than the
 * caller only root can restore.
 *
 * Of a checkpoint of one segment it makes a namespace with that segment alone,
 * where nothing is; a namespace that is there is not replaced by it.
 *
 * Returns 0, or -1 with errno and mipc_reason():
 *	EBUSY	a process is alive in the namespace that is there, or another
 *		restores into it
 *	EEXIST	the checkpoint is of one segment, and the directory is there
 *	EIO	the checkpoint is damaged or truncated; or the disk: if it
 *		fails in the last step what was there is in place again, but
 *		after a loss of power either may be, whole
 *	ENOENT	there is no such file
 *	ENOSPC	no space
 *	ENOTEMPTY	the directory holds other files than a namespace's
 *	EPERM	an object belongs to somebody else
 *	EPROTONOSUPPORT	it is no checkpoint, or one of another format or byte
 *		order; or the filesystem cannot exchange two directories
 *	and those of mipc_open()
 */
int	mipc_restore(const char *path, const char *dir,
	    const struct mipc_progress *progress);

/* --- reading one ------------------------------------------------------- */

/* A checkpoint that is open, and has been found whole. */
struct mipc_ckpt;

/*
 * Open a checkpoint and read all of it, whatever it is: it is damaged or
 * whole.  If PATH is missing PATH.1 is taken, for on filesystems without hard
 * links there is a moment at which only that is there.
 *
 * Returns it, for mipc_ckpt_close(), or NULL with errno and mipc_reason(), as
 * mipc_restore().
 */
struct mipc_ckpt *mipc_ckpt_open(const char *path,
	    const struct mipc_progress *progress);
void	mipc_ckpt_close(struct mipc_ckpt *);

/*
 * What it is: when it was taken, how many objects it has, the namespace's
 * owner, and bytes of the file; `segment` is 1 if it is of one segment, its
 * only object, and 0 if it is of a namespace.
 */
struct mipc_ckpt_about {
	time_t taken;
	unsigned long long objects;
	uid_t uid;
	unsigned long long bytes;
	int segment;
};
void	mipc_ckpt_about(const struct mipc_ckpt *, struct mipc_ckpt_about *);

/*
 * An object of it.
 *	size	bytes of a segment, semaphores of a set, bytes of text in a
 *		queue
 *	count	messages of a queue
 *	most	bytes of text that a queue may have
 *	sum	of bytes, values or messages: if it differs, they differ
 *	copied	of a segment: how
 *	cpid, command	who made it
 */
struct mipc_ckpt_part {
	enum mipc_kind kind;
	int id;
	struct ipc_perm perm;
	unsigned long long size, count, most, sum;
	time_t ctime;
	pid_t cpid;
	char command[MIPC_COMMAND];
	enum mipc_copied copied;
};
/*
 * The next object: segments, then sets, then queues, lowest index first.
 * Returns 1; 0 at the end; -1 with errno and mipc_reason() as
 * mipc_ckpt_open(), if the file was changed meanwhile.
 */
int	mipc_ckpt_next(struct mipc_ckpt *, struct mipc_ckpt_part *);

#ifdef __cplusplus
}
#endif

#endif
