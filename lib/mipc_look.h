/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipc_look.h - looking into a namespace: a part of mipc.h, which includes it.
 *
 * What System V's calls do not tell: who uses an object, who sleeps in it, who
 * owes it something, and what is in it.
 *
 * These functions take no lock, wait for nobody, begin no life and change
 * nothing in the namespace; so a process that is stopped or dies in the midst
 * of a change holds none of them up, and is shown as it stands.  Any thread
 * may call them.
 *
 * Where an array is asked for, the number of all there are is returned and the
 * first `n` are written; `out` may be NULL if n is 0.  The answer is of one
 * moment, and 0 is written to *torn, unless somebody changed the object each
 * time that it was read, or died or was stopped amidst a change: then 1 is
 * written, and each entry was so at some time.  `torn` may be NULL.
 *
 * All return -1 on failure with errno:
 *	EACCES	no permission to read, as IPC_STAT needs it
 *	EINVAL	no such object, or none of a kind that has what is asked for
 *	EIO	the object's file is damaged
 *	ENOMEM	no memory
 *	EMFILE	no descriptor
 */
#ifndef MIPC_LOOK_H
#define MIPC_LOOK_H

#include <sys/types.h>
#include <sys/ipc.h>
#include <stddef.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mipc_ns;

enum mipc_kind { MIPC_SHM, MIPC_SEM, MIPC_MSG };

#define MIPC_COMMAND	256	/* bytes of a command line, with its end */

/*
 * A process, as the namespace knows it.
 *	life	names it: equal in all answers about it, unlike that of any
 *		process before or after; 0 unknown
 *	pid	in its own pid namespace; 0 unknown
 *	uid	effective, when it first called; (uid_t)-1 unknown
 *	alive	1, or 0: it has ended
 *	since	when it first called into the namespace; 0 unknown
 *	command	its command line then, words separated by blanks
 */
struct mipc_look_process {
	unsigned long long life;
	pid_t pid;
	uid_t uid;
	int alive;
	time_t since;
	char command[MIPC_COMMAND];
};

/*
 * Who holds a lock, or whom it was taken by that died with it; held 0: nobody
 * does.
 */
struct mipc_look_lock {
	int held;
	time_t since;			/* when it was taken */
	struct mipc_look_process owner;
};

/*
 * An object of any kind.
 *	removed	1: a segment that goes with its last attach
 *	born	when it was made
 *	used	bytes of disk or memory that it takes up now
 *	creator	who made it; its command line is kept after its death
 *	lock	of its owner and mode, and of a segment's attaches
 */
struct mipc_look_object {
	int id;
	enum mipc_kind kind;
	int removed;
	struct ipc_perm perm;
	time_t born;
	unsigned long long used;
	struct mipc_look_process creator;
	struct mipc_look_lock lock;
};

int	mipc_look_object(struct mipc_ns *ns, enum mipc_kind kind, int id,
	    struct mipc_look_object *out, int *torn);

/*
 * What *_STAT_ANY tells of an object, read without opening it: for lists of
 * many.  The dead are not settled, so that times are as they left them, but
 * their attaches do not count.  `ds` is where a struct shmid_ds, semid_ds or
 * msqid_ds goes; `lock`, who has the object's lock, may be NULL.
 *
 * Returns 0; or 1, it may not be opened, and its owner, its mode and a
 * segment's size are all that can be told.  Never EACCES.  Besides the errors
 * above:
 *	ENOENT	it is listed, but its file is missing
 */
int	mipc_look_status(struct mipc_ns *ns, enum mipc_kind kind, int id,
	    void *ds, struct mipc_look_lock *lock, int *torn);

/*
 * The identifiers of a kind, lowest index first: also of objects that the
 * caller may not read, and of removed segments.  Never EACCES.
 */
int	mipc_look_ids(struct mipc_ns *ns, enum mipc_kind kind, int *out,
	    size_t n);

/* Who lives in the namespace.  Never EACCES. */
int	mipc_look_processes(struct mipc_ns *ns, struct mipc_look_process *out,
	    size_t n);

/* The lock under which objects are made and removed.  Never EACCES. */
int	mipc_look_lock(struct mipc_ns *ns, struct mipc_look_lock *out);

/* A process that has a segment attached: how many times, since when. */
struct mipc_look_attach {
	struct mipc_look_process process;
	unsigned long long count;
	time_t since;
};

int	mipc_look_attached(struct mipc_ns *ns, int shmid,
	    struct mipc_look_attach *out, size_t n, int *torn);

/* What a thread sleeps for. */
enum mipc_look_wait {
	MIPC_WAITS_VALUE,	/* a semaphore to grow */
	MIPC_WAITS_ZERO,	/* a semaphore to become 0 */
	MIPC_WAITS_MESSAGE,
	MIPC_WAITS_ROOM		/* for a message that it sends */
};

/*
 * A thread that sleeps in a set or a queue, in the order they came.
 *	since	when its call began to sleep
 *	semnum, op	the semaphore, and what is to be added to it: of the
 *		operation that cannot proceed
 *	nops	operations of the call
 *	type	as mipc_msgrcv() was given it, or of what is sent
 *	size	bytes of text, at most, or of what is sent
 *	flags	of the operation, or of mipc_msgrcv(): IPC_NOWAIT, SEM_UNDO,
 *		MSG_EXCEPT, MSG_NOERROR
 */
struct mipc_look_sleeper {
	struct mipc_look_process process;
	time_t since;
	enum mipc_look_wait waits;
	int semnum, op;
	unsigned nops;
	long type;
	unsigned long long size;
	int flags;
};

int	mipc_look_sleepers(struct mipc_ns *ns, enum mipc_kind kind, int id,
	    struct mipc_look_sleeper *out, size_t n, int *torn);

/*
 * What a process owes a set by SEM_UNDO: `amount` is added to the semaphore
 * when it ends.
 */
struct mipc_look_debt {
	struct mipc_look_process process;
	int semnum;
	int amount;
};

int	mipc_look_debts(struct mipc_ns *ns, int semid,
	    struct mipc_look_debt *out, size_t n, int *torn);

/* A message of a queue, in the order in which they were sent. */
struct mipc_look_message {
	long type;
	unsigned long long size;	/* bytes of text */
	unsigned long long place[2];	/* for mipc_look_text() */
};

int	mipc_look_messages(struct mipc_ns *ns, int msqid,
	    struct mipc_look_message *out, size_t n, int *torn);

/*
 * What was ever sent to a queue: how many messages, and how many bytes their
 * texts had.  Neither ever shrinks while the queue exists; what is not in the
 * queue any more has been received.  In an anonymous namespace the numbers go
 * on from those of a queue that was removed, so that only differences tell.
 * Returns 0, or -1 with errno as above.
 */
struct mipc_look_sent {
	unsigned long long messages, bytes;
};

int	mipc_look_sent(struct mipc_ns *ns, int msqid,
	    struct mipc_look_sent *out, int *torn);

/*
 * Copy at most `size` bytes of the text of a message that was seen; it stays
 * in the queue.  Returns the bytes of its text, perhaps more than `size`; or
 * -1 with errno as above, or ENOMSG: it has been received.
 */
ssize_t	mipc_look_text(struct mipc_ns *ns, int msqid,
	    const struct mipc_look_message *message, void *buf, size_t size);

/*
 * Checking a namespace: every file of it, against every rule that its format
 * has.  What it finds is told one by one.
 *	weight	a note is no damage: what the dead have left, and whoever
 *		comes next will finish
 *	where	the file
 *	what	what is wrong with it, or what was done to it
 */
enum mipc_check_weight {
	MIPC_CHECK_NOTE,
	MIPC_CHECK_DAMAGE,
	MIPC_CHECK_MENDED
};
struct mipc_check_finding {
	enum mipc_check_weight weight;
	const char *where, *what;
};
enum mipc_check_result {		/* as fsck(8) exits */
	MIPC_CHECK_CLEAN = 0,
	MIPC_CHECK_REPAIRED = 1,
	MIPC_CHECK_DAMAGED = 4
};
#define MIPC_CHECK_REPAIR	1	/* flags */

/*
 * Check the namespace in `dir`, which may be a copy, or on a filesystem that
 * is mounted read-only: without MIPC_CHECK_REPAIR nothing is written.  Where
 * programs use the namespace, only what stays as it is is told.
 *
 * With MIPC_CHECK_REPAIR, what can be derived is mended, and what cannot is
 * moved to `dir`/lost+found; nothing is deleted.  While processes live in the
 * namespace, only what the library does for the dead anyhow is done.
 *
 * The caller must not use the namespace itself, nor call from two threads.
 * Returns an enum mipc_check_result; or -1 with errno, for which
 * mipc_reason() has a sentence:
 *	EACCES	no permission to read the directory
 *	EINVAL	flags there are not
 *	ENOENT	there is no such directory, or no namespace in it
 *	ENOMEM	no memory
 *	EMFILE	no descriptor
 */
int	mipc_check(const char *dir, int flags,
	    void (*tell)(void *arg, const struct mipc_check_finding *),
	    void *arg);

#ifdef __cplusplus
}
#endif

#endif
