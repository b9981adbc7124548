/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testing.h - what the test programs share: a place of their own on disk,
 * children that report, and the implementations under test behind one table
 * of functions.
 *
 * A test runs in a process of its own (libcheck forks).  The test and its
 * children share the board: a counter of stages they wait for each other on,
 * a few numbers, and room for the first failure.  It is shared memory, since
 * some children close every descriptor, and some never return from fork(2).
 */
#ifndef TESTING_H
#define TESTING_H

#include <sys/types.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libc.h"

/*
 * Assertions for tests and their children alike: the first failure goes to
 * the board with its place, and the process ends.
 */
#define must(cond) \
	((cond) ? (void)0 : testing_fail(__FILE__, __LINE__, "%s", #cond))
#define must_eq(got, want) \
	testing_eq(__FILE__, __LINE__, #got, (long long)(got), \
	    (long long)(want))
#define must_error(call, error) \
	(errno = 0, testing_error(__FILE__, __LINE__, #call, \
	    (intptr_t)(call), (error)))

void	testing_fail(const char *file, int line, const char *fmt, ...)
	    __attribute__((noreturn, format(printf, 3, 4)));
void	testing_eq(const char *file, int line, const char *what,
	    long long got, long long want);
void	testing_error(const char *file, int line, const char *what,
	    intptr_t got, int error);

/* Leave a test as skipped; only from the test's own process. */
#define TESTING_SKIP	"SKIP: "	/* how such a failure begins */
void	testing_skip(const char *fmt, ...)
	    __attribute__((noreturn, format(printf, 1, 2)));

#define NVALUES	64

struct board {
	_Atomic uint32_t stage;		/* raised by reach() only */
	_Atomic uint32_t failed;	/* who set it from 0 writes the text */
	_Atomic uint32_t told;		/* the text is complete */
	_Atomic pid_t group;		/* of the test and its children */
	_Atomic int handled;		/* signals, counted by count_it() */
	char text[500];
	_Atomic long long value[NVALUES]; /* whatever a test agrees on */
};

extern struct board *board;

/* Make it; false if that cannot be. */
bool	testing_make_board(void);
/* The calling process is a test: the board is clear. */
void	testing_begin(void);
void	board_clear(void);

/* Say that stage n is reached; wait until it is. */
void	reach(uint32_t n);
void	await(uint32_t n);
void	await_value(int which, long long least);
/* Let others run, unless one of them has failed: for loops that wait. */
void	await_turn(void);

enum way {
	BY_FORK,
	BY_RAW_CLONE		/* clone(2) behind libc's back */
};

/* Run body(arg) in a child, which then ends by _exit(0). */
pid_t	spawn(enum way way, void (*body)(void *), void *arg);

/* Reap a child that must end well; kill one and reap it. */
void	finish(pid_t pid);
void	kill_and_reap(pid_t pid);

/* Wait until a process's first thread has ended beside others that live. */
void	await_dead_leader(pid_t pid);
/* Wait until it sleeps in the kernel, or has ended. */
void	await_sleep(pid_t pid);

/* How many descriptors the process has open, and a few more always. */
int	open_descriptors(void);

/*
 * Start this very program again in the calling process: main's --role.  It
 * shares the board if it calls testing_join() first.
 */
void	exec_role(const char *role, const char *arg1, const char *arg2)
	    __attribute__((noreturn));
bool	testing_join(void);

/* Ids a child takes on; groups[] are the supplementary ones. */
struct who {
	uid_t uid;
	gid_t gid;
	int ngroups;
	gid_t groups[2];
};

/* Skip the test where its children cannot take other ids, or lacking this. */
void	need_root(void);
void	need_capability(int cap, const char *name);

/* Run body(arg) in a forked child under other ids. */
pid_t	spawn_as(const struct who *who, void (*body)(void *), void *arg);
void	become(const struct who *who);
void	drop_capabilities(void);

/* What the backends differ in, on purpose: a row of mipc(7) each. */
#define COUNTS_PIECES	0x01	/* nattch counts mappings (H5) */
#define COUNTS_CLONES	0x02	/* raw clones count before they call (H6) */
#define FOLLOWS_NEWIPC	0x04	/* CLONE_NEWIPC is a new one (G9) */
#define NAMES_MAPS	0x08	/* segments' names in /proc/PID/maps (H12) */
#define SEES_MAPPINGS	0x10	/* whatever is mapped keeps it alive (H7) */
#define OUTLIVES_EXEC	0x20	/* a program exec'ed can reach it */
#define HAS_FILES	0x40	/* objects are files in testing_dir */
#define GIVES_AWAY	0x80	/* a plain owner can always give away */
#define EXACT_FORKS	0x100	/* a child counts before it runs (H6) */
#define KEEPS_CLONES	0x200	/* a raw clone's mapping keeps it (H7) */
#define WITHDRAWS_FIRST	0x800	/* a handler finds its thread awake (S17) */
#define SENDERS_RACE	0x1000	/* those that room wakes are equals (M8) */
#define IS_KERNEL	0x2000
#define LIMITS_IN_PROC	0x4000	/* are what these files can say */

/* The fourth argument of semctl(), which libc leaves to the program. */
union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

struct backend {
	const char *name;
	unsigned traits;
	const char *(*enter)(void);	/* NULL, or why it cannot be had */
	void (*leave)(void);
	int (*shmget)(key_t, size_t, int);
	void *(*shmat)(int, const void *, int);
	int (*shmdt)(const void *);
	int (*shmctl)(int, int, struct shmid_ds *);
	int (*semget)(key_t, int, int);
	int (*semop)(int, struct sembuf *, size_t);
	int (*semtimedop)(int, struct sembuf *, size_t,
	    const struct timespec *);
	int (*semctl)(int, int, int, union semun);
	int (*msgget)(key_t, int);	/* NULL: it has no queues */
	int (*msgsnd)(int, const void *, size_t, int);
	ssize_t (*msgrcv)(int, void *, size_t, long, int);
	int (*msgctl)(int, int, struct msqid_ds *);
	int (*unshare)(void);		/* debts from what comes later (S12) */
	/* NULL where there is no such call. */
	int (*msgtimedsnd)(int, const void *, size_t, int,
	    const struct timespec *);
	ssize_t (*msgtimedrcv)(int, void *, size_t, long, int,
	    const struct timespec *);
	key_t (*ftok)(const char *, int);
	int (*limit)(const char *, unsigned long long *,
	    const unsigned long long *);
	void (*changed)(void);		/* the process has other ids now */
};

extern const struct backend kernel_backend, dir_backend, anon_backend;
extern const struct backend *ipc;	/* the one in use */

bool	backend_has(unsigned traits);
struct mipc_ns *backend_ns(void);	/* of the mipc backends */
void	backend_reopen(const char *dir);
/* Where a program exec'ed finds the one in use, by backend_rejoin(). */
const char *backend_place(void);
void	backend_rejoin(const char *place);
/*
 * Go on in a new namespace; the test's own process has made no call so far,
 * its children may have.
 */
void	backend_renew(void);

/* The running test's own empty directory, made by testing_enter(). */
extern char testing_dir[PATH_MAX];
void	testing_enter(void);
void	testing_leave(void);
void	remove_tree(const char *dir);

/* Add a test, if the command line's pattern selects it. */
void	testing_add(TCase *tc, const TTest *test);
void	testing_add_loop(TCase *tc, const TTest *test, int from, int to);
void	testing_select(const char *pattern);
/* Print what would be added: "TEST N", N the number of a loop. */
void	testing_list(void);

/*
 * Run a suite: TAP on standard output, one line a test, SKIP lines with
 * their reasons; the directory is removed whatever happened.  Returns
 * main()'s value.
 */
int	testing_run(Suite *suite);
/* What the first test is called, and so on, if not by its function's name. */
extern const char *const *testing_names;

#endif
