/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clauses.h - what the clause tests of each kind of object share: the program
 * around them, and the clauses that are the same of all kinds.
 *
 * A program tests one kind.  It defines `kind`, by which the shared clauses
 * make the calls, and `clauses`, of which the suite is made.
 */
#ifndef CLAUSES_H
#define CLAUSES_H

#include "testing.h"

#include <time.h>

#define KEY	0x4d495043
#define IDS_MAX	32768
#define COUNT(a)	(sizeof(a) / sizeof(*(a)))

extern const struct who nobody, somebody, worker;

/* What a child finds it may do to object `id`. */
struct rights {
	int id;
	bool read, write;
};

/* What is the same in the status of all kinds. */
struct sight {
	struct ipc_perm perm;
	time_t ctime;
	unsigned long size;		/* where a kind has one */
};

/* Calls of a kind, with the kernel's return values and errno. */
struct kind {
	const char *limits;		/* in /proc/sys/kernel */
	const char *next_id;		/* the same, of one id */
	unsigned long size;		/* of no matter; 0: it has none */
	int stat, stat_any, info;	/* the kind's own commands */
	int (*get)(key_t key, unsigned long size, int flags);
	int (*look)(int id, int cmd, struct sight *now);
	int (*set)(int id, const struct ipc_perm *perm);
	int (*remove)(int id);
	int (*top)(int cmd);		/* of IPC_INFO, info */
	/* Needs the right to write, and leaves all as it was. */
	int (*use)(int id);
	int (*read)(int id);		/* needs no more than to read */
	void (*must_have)(void *rights);	/* no less and no more */
	/* What else is its owner's: it fails by this error, or by none. */
	void (*must_be_owners)(int id, int error);
	void (*must_not_exist)(int id);	/* to any call */
	void (*must_be_gone)(int id);	/* nor any file of it */
	void (*must_be_none)(void);	/* there is no object at all */
	/* Gone for all from its removal on, though only its file's owner may
	 * unlink that; else once such a one calls. */
	bool goes_at_once;
};
extern const struct kind kind;

struct clauses {
	const char *name;
	int limit, broken_limit;	/* seconds a test may take */
	void (*add)(TCase *tc);		/* on every backend */
	/* A program that a test execs, by its role; -1: there is none. */
	int (*play)(const char *role, const char *arg1, const char *arg2);
	/* Whether a backend has this kind at all; NULL: each has. */
	bool (*has)(const struct backend *);
};
extern const struct clauses clauses;

/* Beside the clauses: what mipc promises, and the kernel knows nothing of. */
struct extras {
	void (*add_dir)(TCase *tc);
	void (*add_anon)(TCase *tc);
};
extern const struct extras extras;

/* Calls that must succeed. */
int	make_one(key_t key, int mode);
int	make_sized(unsigned long size);
void	remove_one(int id);
struct ipc_perm perm_of(int id);
void	set_owner(int id, uid_t uid, gid_t gid, int mode);
void	set_limit(const char *name, unsigned long long value);
bool	may_limit(void);	/* the kernel's, here */

/* The file NAME of the namespace, for the directory store. */
const char *file_of(const char *name);
const char *file_of_id(const char *before, int id, const char *after);
/* That of an object of the kind under test; of a segment its metadata. */
const char *file_of_one(int id);
/* How many files of the namespace have a name that starts like this. */
int	count_files(const char *prefix);

/*
 * Run a role of a fault test in a program of its own, which knows of the
 * namespace what the directory says and nothing else.
 */
void	run_fresh(const char *role, int id, int other);
bool	play_fault(const char *role, int id, int other);
int	play_fresh(const char *role, const char *dir, const char *ids);

/* ---- handle.c: signals that come while a process sleeps ---- */

void	on_signal(int sig, void (*handler)(int), int flags);
/* A handler: the board has how often it was called. */
void	count_it(int sig);

/* How a process takes SIGUSR1; all of handlings[] end its sleep. */
#define HANDLINGS	3
extern void (*const handlings[HANDLINGS])(void);
void	handle_plainly(void);
void	ignore_it(void);
void	block_it(void);

/* A right implementation behind a wrapper that breaks one clause. */
const struct backend *broken_backend(const char *name);	/* NULL: unknown */
void	list_broken(void);
/* The one to wrap: the kernel where it can be had, else the anonymous one. */
const struct backend *right_backend(void);

/* ---- check_id.c: identifiers, indices and listings ---- */

void	add_common_id_clauses(TCase *tc);
/* Ids are the kernel's: the same kinds of calls give the same ones. */
void	add_id_model_clauses(TCase *tc);

/* ---- check_look.c: looking at objects, and at the namespace ---- */

void	add_common_look_tests(TCase *tc);	/* both stores of mipc */
void	add_spoilt_look_tests(TCase *tc);	/* the directory store */

/* ---- check_perm.c: who may do what ---- */

void	add_common_perm_clauses(TCase *tc);
/* Somebody has these rights. */
void	check_rights(const struct who *who, int id, bool read, bool write);
/* Each class has the rights that a mode gives it, and no others. */
void	must_decide_by_class(int mode);
#define NMODES	16
extern const int modes[NMODES];

#endif
