/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_msg.h - the parts of the differential test of message queues.
 *
 * Each worker is a pair of processes, one on each side: what sleeps on one
 * side holds up nobody on the other.  A driver makes up operations and gives
 * each, one at a time, to the same worker of both; then it waits until both
 * sides are at rest: everybody who has an order has answered, or sleeps.  No
 * call tells who sleeps in a queue, so the state of the process does, once it
 * has taken its order; of mipc's, their place in the queue as well.  So which
 * operation comes after which is the same on both sides, whatever the
 * scheduler does.  At rest, who has answered what, and what every queue shows
 * and holds, must be equal.
 *
 * Where the kernel leaves an order to chance, nothing is drawn: those whom
 * room or IPC_SET wakes together run in any order.  A queue has one blocked
 * sender at most, and IPC_SET meets one sleeper at most.
 *
 *	diff_run.c		rounds, options, TAP
 *	diff_msg.c		the program, its rounds and its lies
 *	diff_msg_draw.c		which operation comes next
 *	diff_msg_drive.c	steps: give, wait for rest, compare
 *	diff_msg_look.c		what is compared, and how it reads
 *	diff_msg_worker.c	the workers, and the calls of both sides
 *	diff_msg_mipc.c		mipc's, by its own names
 *	diff_msg_plain.c	the same by libc's, through the preload module
 *	diff_msg_model.c	a side without processes
 */
#ifndef DIFF_MSG_H
#define DIFF_MSG_H

#include <sys/ipc.h>
#include <sys/msg.h>

#include "diff_run.h"

#define WORKERS		8
#define STRANGERS	3	/* the last of them, who are not root */
#define OBJECTS		8	/* live queues at most */
#define ROOM		64	/* bytes of a message here at most */
#define INDICES		32768	/* an id is sequence * INDICES + index */

/* The limits of both sides, where the kernel's can be set. */
#define MSGMAX_HERE	40
#define MSGMNB_HERE	60
#define MSGMNI_HERE	6

enum op_kind {
	OP_GET,
	OP_SND,
	OP_RCV,
	OP_CTL,
	OP_SIGNAL,		/* the driver sends it to one who sleeps */
	OP_KILL,
	OP_NEW,			/* the driver forks a worker */
	OP_KINDS
};

enum signal_kind {
	SIGNAL_PLAIN,		/* a handler runs */
	SIGNAL_RESTART,		/* one installed with SA_RESTART */
	SIGNAL_IGNORED,
	SIGNAL_STOP,		/* SIGSTOP, then SIGCONT */
	SIGNALS
};

struct op {
	enum op_kind kind;
	int worker;		/* who performs or suffers it */
	int id;			/* or an index */
	key_t key;
	int flags;
	int cmd;
	long type;
	size_t size;
	unsigned seed;		/* of the bytes of a message */
	unsigned uid, mode;	/* IPC_SET */
	unsigned long qbytes;
	enum signal_kind signal;
};

struct letter {
	long type;
	char text[ROOM];
};

struct result {
	long value;
	int error;		/* 0 or an errno */
	struct letter letter;	/* what was received */
	union {
		struct msqid_ds ds;
		struct msginfo info;
	} u;
};

/* A worker on one side. */
struct actor {
	pid_t pid;
	_Atomic uint32_t order;		/* driver: 1, actor: 0 */
	_Atomic uint32_t answer;	/* actor: 1, driver: 0 */
	struct op op;
	struct result result;
};

/* What driver and workers share. */
struct world {
	pid_t driver;
	enum store store;
	int namespace[SIDES];		/* STORE_KERNEL: /proc/self/ns/ipc */
	char broken[32];		/* how the side MIPC misbehaves */
	char dir[PATH_MAX];
	_Atomic uint32_t bell[SIDES];	/* + 1 at each answer */
	struct actor actor[SIDES][WORKERS];
};

/* The pids of one process on both sides. */
struct life {
	pid_t pid[SIDES];
};

#define STALE	8		/* ids of removed queues still tried */
#define HISTORY	20
#define LIVES	4096

struct driver {
	struct world *world;
	const struct config *config;
	struct rng rng;		/* of this step */
	unsigned step, made;	/* steps; operations, without the skipped */
	int id[OBJECTS];	/* live queues; -1: none here */
	int stale[STALE];
	unsigned nstale;
	bool alive[WORKERS];
	struct op asked[WORKERS];		/* the last order of each */
	bool out[SIDES][WORKERS];	/* has an order, no answer */
	bool came[SIDES][WORKERS];	/* answered in this step */
	struct life life[LIVES];
	unsigned nlife;
	unsigned count[OP_KINDS];
	unsigned slept, woken;	/* told in a comment */
	unsigned reminded;	/* signals that had to be repeated */
	char past[HISTORY][400];
};

/* diff_msg_drive.c */
bool	drive(struct driver *d);	/* the whole sequence; true if equal */
bool	drive_differ(struct driver *d, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* diff_msg_draw.c */
void	draw(struct driver *d, struct op *op);
/* Those who sleep in a queue, until a message comes or until there is room. */
unsigned draw_sleepers(const struct driver *d, int id, enum op_kind kind);

/* diff_msg_look.c; each returns false at a difference, having told it */
bool	look_results(struct driver *d);
bool	look_everywhere(struct driver *d);
void	look_tell(struct driver *d, const struct op *op);

/* diff_msg_worker.c */
void	worker_main(struct world *w, int side, int self)
	    __attribute__((noreturn));
/* Perform a call; as the driver on its side, or as a worker. */
void	side_run(const struct world *w, int side, const struct op *op,
	    struct result *r);
/* Make mipc's namespace; false, having said why, if it cannot be. */
bool	side_open(struct world *w);
bool	side_limit(const struct world *w, int side);
/* Does mipc, on its side, count this one among those who sleep? */
bool	side_waits(const struct world *w, int side, const struct actor *a);
unsigned side_uid(int worker);	/* whom a worker runs as; -1: the driver */
void	side_fill(char *text, size_t size, unsigned seed);

/* mipc's: diff_msg_mipc.c or diff_msg_plain.c. */
struct calls {
	int (*get)(key_t, int);
	int (*snd)(int, const void *, size_t, int);
	ssize_t (*rcv)(int, void *, size_t, long, int);
	int (*ctl)(int, int, struct msqid_ds *);
	bool (*limit)(const char *, unsigned);
};

extern const struct calls user_calls;

bool	user_open(const struct world *w);
void	user_changed(void);	/* of credentials */
/* Does it count this one among those who sleep? */
bool	user_waits(const struct actor *a);
/* How many wakes mipc has lost, and found by a heartbeat; 0 if unknown. */
uint64_t user_heartbeats(void);

/* diff_msg_model.c: what stands for the workers of the side MIPC */
void	model_open(struct world *w);
void	model_run(const struct op *op, struct result *r);	/* as root */
void	model_give(const struct op *op);
void	model_bear(int worker);

#endif
