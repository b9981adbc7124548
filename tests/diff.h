/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff.h - the parts of the differential test.
 *
 * A driver makes up operations and gives each, one at a time, to one of
 * several worker processes.  The worker performs it twice, on the kernel's
 * System V IPC and on mipc, and hands both results back; so a fork, an exit
 * or a kill of the worker meets both sides alike.  After each operation the
 * driver itself looks at every segment on both sides.  Whatever differs and
 * is not on the list of known differences is the end of the run.
 *
 *	diff_run.c	rounds, options, TAP
 *	diff_shm.c	the program, and its rounds
 *	diff_op.c	which operation comes next; its description
 *	diff_model.c	what is compared
 *	diff_known.c	what is known to differ
 *	diff_drive.c	orders, answers, births and deaths of workers
 *	diff_worker.c	the worker: its orders, forks and ends
 *	diff_side.c	the calls of both sides, one operation on one side
 *	diff_mipc.c	mipc's, by its own names
 *	diff_plain.c	the same by libc's names, through the preload module
 */
#ifndef DIFF_H
#define DIFF_H

#include <sys/ipc.h>
#include <sys/shm.h>

#include "diff_run.h"

#define WORKERS		8
#define ATTACHES	10	/* of one worker */
#define AREAS		4	/* address ranges for shmat with an address */
#define AREA_BYTES	(2UL << 20)
#define INDICES		32768	/* an id is sequence * INDICES + index */
#define OBJECTS		40	/* live segments at most; the limit is lower */

enum op_kind {
	OP_GET,
	OP_AT,
	OP_DT,
	OP_CTL,
	OP_WRITE,
	OP_READ,
	OP_MPROTECT,
	OP_FORK,
	OP_EXEC,
	OP_EXIT,		/* exit(3) */
	OP_VANISH,		/* _exit(2) */
	OP_KILL,
	OP_SETUID,
	OP_NEW,			/* the driver forks a worker */
	OP_KINDS
};

enum place {
	PLACE_ANY,		/* addr NULL */
	PLACE_FREE,		/* an area with nothing mapped */
	PLACE_BUSY,		/* an area that is reserved: in use */
	PLACE_ODD,		/* unaligned */
	PLACE_ROUND,		/* unaligned, with SHM_RND, nothing mapped */
	PLACE_REPLACE,		/* SHM_REMAP over a reserved area or attach */
	PLACE_REPLACE_ANY,	/* SHM_REMAP without an address */
	PLACE_ROUND_ZERO,	/* SHM_REMAP over address 1, SHM_RND */
	PLACES
};

struct op {
	enum op_kind kind;
	int worker;
	int child;		/* OP_FORK, OP_NEW: the slot of the new one */
	bool thread;		/* in a thread that ends afterwards */
	bool privileged;	/* the worker is not NOBODY */
	int id[SIDES];		/* or an index, the same on both sides */
	key_t key;
	size_t size;
	int flags;
	int cmd;
	unsigned uid, gid, mode;	/* IPC_SET */
	enum place place;
	int area;
	int slot;		/* which attach of the worker */
	long shift;		/* OP_DT: off the base; OP_WRITE: where */
	size_t length;
	unsigned char byte;
};

struct result {
	long value;
	int error;		/* 0 or an errno */
	union {
		struct shmid_ds ds;
		struct shminfo limits;
		struct shm_info info;
	} u;
};

struct attach {
	bool used;
	bool readonly;
	int area;		/* -1: wherever the kernel chose */
	int id[SIDES];
	size_t size;		/* bytes, as the segment has */
	char *base[SIDES];
};

struct worker {
	_Atomic uint32_t order;		/* driver: 1, worker: 0 */
	_Atomic uint32_t answer;	/* worker: 1, driver: 0 */
	bool alive;			/* driver */
	pid_t pid;
	unsigned uid;			/* driver */
	struct op op;
	struct result result[SIDES];
	struct attach attach[ATTACHES];
};

/* What driver and workers share. */
struct world {
	pid_t driver;
	enum store store;
	bool areas;			/* the address ranges can be had */
	int fd;				/* of this very memory, across exec */
	int namespace[SIDES];		/* STORE_KERNEL: /proc/self/ns/ipc */
	char dir[PATH_MAX];
	struct worker worker[WORKERS];
};

/* ---- diff_side.c ---- */

struct calls {
	int (*get)(key_t, size_t, int);
	void *(*at)(int, const void *, int);
	int (*dt)(const void *);
	int (*ctl)(int, int, struct shmid_ds *);
	/* Set a limit by its name; false if that cannot be. */
	bool (*limit)(const char *, unsigned long);
};

extern const struct calls *side_calls[SIDES];

extern const struct calls user_calls;

/* mipc's: diff_mipc.c or diff_plain.c. */
bool	user_open(const struct world *w, bool create);
void	user_changed(void);	/* of credentials */

/* Open both sides; false, having said why, if it cannot be. */
bool	side_open(struct world *w, bool create);
/* Reserve the address ranges; false if they cannot be had. */
bool	side_reserve(struct world *w);
/* Perform one operation on one side. */
void	side_run(struct world *w, struct worker *me, const struct op *op,
	    int side, struct result *r);
/* IPC_STAT and its sisters, as any process may look. */
void	side_control(int side, int id, const struct op *op, struct result *r);

/* ---- diff_worker.c ---- */

void	worker_main(struct world *w, int self) __attribute__((noreturn));
/* The program started again by exec: its arguments are fd and slot. */
void	worker_reborn(const char *fd, const char *self)
	    __attribute__((noreturn));

/* ---- the driver ---- */

struct object {
	bool live;
	int id[SIDES];
	size_t size;
	struct shmid_ds seen[SIDES];	/* when last looked at */
	long slack[3];		/* seconds the sides may differ by: model */
	long long parted;	/* the kernel's lpid when mipc's was another */
};

#define STALE	8		/* ids of removed segments still tried */
#define HISTORY	20

struct driver {
	struct world *world;
	const struct config *config;
	struct rng rng;
	unsigned step;
	bool uids;		/* workers can become NOBODY */
	bool execs;		/* an exec'ed program may map memory x */
	struct object object[OBJECTS];
	int nobject;		/* slots of object[] in use or used */
	int stale[STALE][SIDES];
	unsigned nstale;
	int pidfd[WORKERS];
	unsigned count[OP_KINDS];
	bool killed;		/* some worker was killed */
	bool parted;		/* by a known difference: no way on */
	double looked;		/* when everything was last looked at */
	unsigned unseen;	/* operations since then */
	unsigned ends;		/* workers that ended or exec'ed since then */
	struct op past[HISTORY];
	struct result past_result[HISTORY][SIDES];
};

/* diff_drive.c */
bool	drive(struct driver *d);	/* the whole round; true if equal */

/* diff_op.c */
void	op_choose(struct driver *d, struct op *op);
void	op_describe(const struct op *op, char *text, size_t size);
void	op_describe_result(const struct op *op, const struct result *r,
	    char *text, size_t size);

/* diff_known.c */
bool	known_excuses(struct driver *d, const struct op *op,
	    const struct result *r);
void	known_note(void);

/* diff_model.c; each returns false at a difference, having told it */
bool	model_compare(struct driver *d, const struct op *op,
	    struct result r[SIDES]);
bool	model_observe(struct driver *d);
void	model_spoil(struct driver *d, const struct op *op, struct result *r);
/* Tell a difference with what led to it; returns false. */
bool	model_differ(struct driver *d, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
struct object *model_find(struct driver *d, int side, int id);

#endif
