/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_calls.h - the calls of semaphore sets, made to mipc or to the kernel.
 *
 * The crash tests are programs about sets in general: what they say of mipc
 * must hold of the kernel as well, and with --kernel they ask it.  That is
 * how the tests themselves are tested.
 */
#ifndef SEM_CALLS_H
#define SEM_CALLS_H

#include "harness.h"
#include "mipc.h"

enum store { DIRECTORY, ANONYMOUS, KERNEL };

const char *store_name(enum store);

/*
 * Make a namespace for this process and those it forks; false with errno.
 * Of a directory: `dir` is made, and nothing is opened, so that everybody's
 * first call is that of a fresh process.
 */
bool	sets_make(enum store, const char *dir);
/* Remember another namespace, which somebody has made: mipc's or NULL. */
void	sets_use(enum store, const char *dir, struct mipc_ns *);
/* Open it if need be, or end this process. */
struct mipc_ns *sets_ns(void);

union sem_arg {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

int	sets_get(key_t, int nsems, int flags);
int	sets_op(int id, struct sembuf *, size_t n);
/* The longest wait is given in seconds; below 0 there is none. */
int	sets_timed(int id, struct sembuf *, size_t n, double seconds);
int	sets_ctl(int id, int num, int cmd, union sem_arg);
/* A command without an argument. */
int	sets_ask(int id, int num, int cmd);
/* One operation. */
int	sets_one(int id, int num, int op, int flags);

/* What the library's heartbeat has found in the namespace. */
uint64_t sets_heartbeats(void);

/*
 * Do sleepers look now and then, because a fallback is forced by which nobody
 * could wake them?
 */
bool	sets_sliced(void);

/* Wait until a count (GETNCNT, GETZCNT, GETVAL) is `want`. */
bool	sets_await(int id, int num, int cmd, int want, double seconds);

/* Has it not ended? */
bool	process_lives(int pid);
/* Asleep, neither stopped nor running, in a call that awaits others? */
bool	process_sleeps(int pid);

/* A child that is the first process of a pid namespace; -1 with errno. */
pid_t	fork_into_pid_namespace(void);
/* The next child is an ordinary one again. */
void	leave_pid_namespace(void);
bool	can_make_pid_namespaces(void);

#endif
