/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem.h - the parts of the differential test of semaphore sets.
 *
 * Each worker is a pair of processes, one on each side, of several threads:
 * what sleeps on one side holds up nobody on the other.  A driver makes up
 * operations and gives each, one at a time, to the same thread of both; then
 * it waits until both sides are at rest: everybody who has an order has
 * answered, or is counted as a sleeper by GETNCNT or GETZCNT of a set.  So
 * which operation comes after which is the same on both sides, whatever the
 * scheduler does, and nothing depends on time.  At rest, who has answered
 * what, and what every set shows, must be equal.
 *
 *	diff_run.c		rounds, options, TAP
 *	diff_sem.c		the program, its rounds and its lies
 *	diff_sem_draw.c		which operation comes next
 *	diff_sem_tell.c		how operations and results read
 *	diff_sem_drive.c	steps: give, wait for rest, compare
 *	diff_sem_look.c		what is compared
 *	diff_sem_known.c	what is known to differ
 *	diff_sem_hand.c		births, orders, signals and ends of processes
 *	diff_sem_worker.c	the worker's threads
 *	diff_sem_side.c		the calls of both sides
 *	diff_sem_mipc.c		mipc's, by its own names
 *	diff_sem_plain.c	the same by libc's, through the preload module
 *	diff_sem_model.c	a side without processes: sets
 *	diff_sem_queue.c	a side without processes: vectors and sleepers
 *	diff_sem_shrink.c	a sequence that differs, made short
 */
#ifndef DIFF_SEM_H
#define DIFF_SEM_H

#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

#include "diff_run.h"
#include "kernel.h"

#define WORKERS		6
#define THREADS		2	/* of one worker */
#define VECTOR		12	/* operations; the limit is lower */
#define OBJECTS		14	/* live sets at most */
#define BIG		301	/* semaphores of the largest set */
#define PROBES		7	/* semaphores of a set that are operated on */
#define INDICES		32768	/* an id is sequence * INDICES + index */

/* The limits of both sides, where the kernel's can be set. */
#define SEMMSL_HERE	(BIG - 1)
#define SEMMNS_HERE	700
#define SEMOPM_HERE	9
#define SEMMNI_HERE	9

enum op_kind {
	OP_GET,
	OP_SEMOP,
	OP_CTL,
	OP_SIGNAL,		/* the driver sends it to one who sleeps */
	OP_FORK,
	OP_EXEC,
	OP_EXIT,		/* exit(3) */
	OP_VANISH,		/* _exit(2) */
	OP_KILL,
	OP_SETUID,
	OP_NEW,			/* the driver forks a worker */
	OP_THREAD_END,
	OP_THREAD_NEW,
	OP_KINDS
};

enum timeout {
	TIMEOUT_NONE,		/* semop() */
	TIMEOUT_NULL,
	TIMEOUT_ZERO,
	TIMEOUT_FAR,
	TIMEOUT_NEGATIVE,
	TIMEOUT_ODD,		/* 10^9 nanoseconds */
	TIMEOUTS
};

enum signal_kind {
	SIGNAL_PLAIN,		/* a handler runs */
	SIGNAL_RESTART,		/* one installed with SA_RESTART */
	SIGNAL_CALLS,		/* it makes a call that does not sleep */
	SIGNAL_JUMPS,		/* it leaves by siglongjmp() */
	SIGNAL_IGNORED,
	SIGNAL_STOP,		/* SIGSTOP, then SIGCONT */
	SIGNALS
};

struct op {
	enum op_kind kind;
	int worker, thread;	/* who performs or suffers it */
	int child;		/* OP_FORK, OP_NEW: the slot of the new one */
	int id[SIDES];		/* or an index, the same on both sides */
	int object;		/* which set of the driver's, or -1 */
	key_t key;
	int nsems;		/* OP_GET; else the size of the set */
	int flags;
	int cmd;
	int num;
	int value;		/* SETVAL; SETALL: see side_fill() */
	bool null;		/* a null pointer where one is due */
	unsigned uid, gid, mode;	/* IPC_SET */
	enum timeout timeout;
	enum signal_kind signal;
	unsigned nops;
	struct sembuf ops[VECTOR];	/* OP_SIGNAL: of the handler */
};

#define JUMPED	(-2)		/* the value of a call left by siglongjmp() */

struct result {
	long value;
	int error;		/* 0 or an errno */
	uint64_t digest;	/* of GETALL's values */
	union {
		struct semid_ds ds;
		struct seminfo info;
	} u;
};

/* A thread of a worker on one side. */
struct actor {
	_Atomic uint32_t order;		/* driver: 1, actor: 0 */
	_Atomic uint32_t answer;	/* actor: 1, driver: 0 */
	_Atomic int tid;		/* actor, once it is there */
	struct op op, nested;
	struct result result, nested_result;
};

struct worker {
	pid_t pid;
	struct actor actor[THREADS];
};

/* What driver and workers share. */
struct world {
	pid_t driver;
	enum store store;
	int fd;				/* of this very memory, across exec */
	int namespace[SIDES];		/* STORE_KERNEL: /proc/self/ns/ipc */
	char broken[32];		/* how the side MIPC misbehaves */
	char dir[PATH_MAX];
	_Atomic uint32_t bell[SIDES];	/* + 1 at each answer and birth */
	struct worker worker[SIDES][WORKERS];
};

/* ---- diff_sem_side.c ---- */

struct calls {
	int (*get)(key_t, int, int);
	int (*op)(int, struct sembuf *, size_t, const struct timespec *);
	int (*ctl)(int, int, int, union semun);
	/* Set all four limits; false if that cannot be. */
	bool (*limit)(void);
};

extern const struct calls *side_calls[SIDES];

extern const struct calls user_calls;

/* mipc's: diff_sem_mipc.c or diff_sem_plain.c. */
bool	user_open(const struct world *w, bool create);
void	user_changed(void);	/* of credentials */
/* How many wakes mipc has lost, and found by a heartbeat; 0 if unknown. */
uint64_t user_heartbeats(void);

/* Open both sides; false, having said why, if it cannot be. */
bool	side_open(struct world *w, bool create);
/* As a process of this side from its birth on. */
void	side_settle(const struct world *w, int side);
/* Perform an operation of the calling thread on its side. */
void	side_run(const struct world *w, int side, const struct op *op,
	    struct result *r);
/* A call that changes nothing. */
void	side_look(int side, const struct op *op);
/* The values of SETALL. */
void	side_fill(const struct op *op, unsigned short *values);
uint64_t side_digest(const unsigned short *values, int n);

/* ---- diff_sem_worker.c ---- */

/* The worker's first thread, being forked. */
void	worker_main(struct world *w, int side, int self)
	    __attribute__((noreturn));
/* The program started again by exec: its arguments. */
void	worker_reborn(const char *fd, const char *side, const char *self)
	    __attribute__((noreturn));

/* ---- the driver ---- */

struct object {
	bool live;
	int id[SIDES];
	int nsems;
	unsigned uid, cuid;	/* owner and creator */
	bool wild;		/* large numbers are drawn for it */
	int value[PROBES];	/* in the kernel, when last looked at */
	struct semid_ds seen[SIDES];	/* when last looked at */
	long slack[2];		/* seconds that the sides may differ by */
	bool user[WORKERS];	/* who has given it a vector with SEM_UNDO */
	bool left;		/* such a one has ended: the kernel's otime */
	double looked;
};

/* What the driver knows of a worker, on both sides alike. */
struct member {
	bool alive;
	bool thread[THREADS];	/* there is one */
	unsigned uid;
	bool owed;		/* since it began or ran exec, as root */
	bool dropped;		/* its user, before it owed anything */
	struct op asked[THREADS];	/* the last order of each */
};

/* The pids of one process on both sides. */
struct life {
	pid_t pid[SIDES];
};

#define STALE	8		/* ids of removed sets still tried */
#define HISTORY	20
#define LIVES	4096

struct driver {
	struct world *world;
	const struct config *config;
	const struct hand *hand[SIDES];
	struct rng rng;		/* of this step */
	unsigned step, made;	/* steps; operations, without the skipped */
	enum op_kind kind;	/* of the last one */
	bool uids;		/* workers can become NOBODY */
	bool execs;		/* a program exec'ed finds the namespace */
	struct object object[OBJECTS];
	int nobject;		/* slots of object[] in use or used */
	int stale[STALE][SIDES];
	unsigned nstale;
	struct member member[WORKERS];
	int pidfd[SIDES][WORKERS];
	bool out[SIDES][WORKERS][THREADS];	/* has an order, no answer */
	bool came[SIDES][WORKERS][THREADS];	/* answered in this step */
	bool must[WORKERS][THREADS];	/* a signal wakes it, in the kernel */
	struct life life[LIVES];
	unsigned nlife;
	unsigned count[OP_KINDS];
	unsigned slept, woken;	/* told in a comment */
	unsigned ends;		/* processes that ended since the last look */
	unsigned again;		/* looks that had to be repeated */
	unsigned reminded;	/* signals that had to be repeated */
	double slowest;		/* wait for one whom the kernel had woken */
	char past[HISTORY][900];
};

/* How one side is handled: by processes, or by the model. */
struct hand {
	/* Fork a worker from the driver; true when it is there. */
	bool (*bear)(struct driver *, int side, int child);
	/* Give op to its thread; what it begets or ends has done so then. */
	bool (*give)(struct driver *, int side, const struct op *);
	int (*ctl)(int side, int id, int num, int cmd, union semun);
};

extern const struct hand hand_processes, hand_model;

/* What a difference is known by, while it is shrunk. */
struct ending {
	const char *fmt;	/* of the sentence that told it */
	enum op_kind kind;	/* of the last operation */
};

extern struct ending *ending;	/* of the last sequence; shared */

/* diff_sem_drive.c */
bool	drive(struct driver *d);	/* the whole sequence; true if equal */
bool	drive_is_out(const struct driver *d, int side, int worker);
bool	drive_differ(struct driver *d, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* diff_sem_hand.c */
/* See that no worker outlives the driver. */
void	hand_watch(const struct driver *d);
/* Interrupt a thread of mipc's side once more. */
void	hand_remind(const struct driver *d, int worker, int thread);
bool	hand_is_over(const struct driver *d, int side, int worker, int ms);

/* diff_sem_draw.c */
void	draw(struct driver *d, struct op *op);
/* The `i`th semaphore of a set that is operated on and looked at. */
int	draw_probe(int nsems, int i);
int	draw_probes(int nsems);

/* diff_sem_tell.c */
void	tell_op(const struct op *op, char *text, size_t size);
void	tell_result(const struct result *r, char *text, size_t size);
/* The step just made, with who was woken, into the history. */
void	tell_step(struct driver *d, const struct op *op);

/* diff_sem_look.c; each returns false at a difference, having told it */
bool	look_results(struct driver *d, const struct op *op);
bool	look_everywhere(struct driver *d, const struct op *op);
/* Sleepers where the sides count others, as words. */
void	look_counts(struct driver *d, char *text, size_t size);
/* GETNCNT and GETZCNT of all that somebody may sleep on; -1: no such set. */
int	look_sleepers(struct driver *d, int side, int object);

/* diff_sem_known.c */
/* Worker `worker` has made this operation, or ended with it. */
void	known_note_user(struct driver *d, const struct op *op);
void	known_note_end(struct driver *d, int worker);
void	known_note_done(struct driver *d, const struct op *op);
/* Might what this one owes be undone by exec? */
bool	known_pays_at_exec(const struct driver *d, int worker);
bool	known_excuses_otime(const struct driver *d,
	    const struct object *o, long long kernel, long long mipc);
bool	known_excuses(struct driver *d, const struct op *op,
	    const struct result *k, const struct result *m);
void	known_note(void);

/* diff_sem_model.c */
void	model_open(struct driver *d);

/* diff_sem_shrink.c */
/* Number `round` of the rounds, which has this share of all operations. */
void	shrink(const struct config *c, size_t round, unsigned share);

#endif
