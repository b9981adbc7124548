/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * locks.h - P and V of every side: the kernel's and mipc's semaphores, and
 * what a user might pick instead, all shared between processes.
 *
 * As in calls.h, the loops that are measured are inlined once for each side,
 * with the constant tables below.
 */
#ifndef LOCKS_H
#define LOCKS_H

#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>

#include <linux/futex.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#include "calls.h"

/* semctl()'s last argument; see semctl(2). */
union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

/* The three calls, the kernel's or mipc's.  No timeout: semop(). */
struct bench_sysv {
	int	(*get)(struct bench *, int key, int nsems, int flags);
	int	(*op)(struct bench *, int id, struct sembuf *, size_t n,
		    const struct timespec *timeout);
	int	(*ctl)(struct bench *, int id, int num, int cmd, union semun);
};

/*
 * What can be taken (P, down) and given back (V, up), the `num`th of those
 * that the row has made.  down() and up() return 0 or -1.
 */
struct bench_lock {
	int	(*make)(struct bench *);	/* as the row says */
	void	(*drop)(struct bench *);
	int	(*down)(struct bench *, unsigned num);
	int	(*up)(struct bench *, unsigned num);
	int	(*refuses)(struct bench *, unsigned num);	/* to wait */
};

/* One of a peer, in memory that processes share, on a line of its own. */
union bench_peer {
	sem_t sem;
	pthread_mutex_t mutex;
	int fd;			/* of an eventfd */
	_Atomic uint32_t word;	/* FREE, TAKEN or AWAITED */
	char line[128];
};

static inline int
kernel_get(struct bench *b, int key, int nsems, int flags)
{
	(void)b;
	return semget(key, nsems, flags);
}

static inline int
kernel_op(struct bench *b, int id, struct sembuf *ops, size_t n,
    const struct timespec *timeout)
{
	(void)b;
	return timeout == NULL ? semop(id, ops, n) :
	    semtimedop(id, ops, n, timeout);
}

static inline int
kernel_ctl(struct bench *b, int id, int num, int cmd, union semun arg)
{
	(void)b;
	return semctl(id, num, cmd, arg);
}

static inline int
mipc_get(struct bench *b, int key, int nsems, int flags)
{
	return mipc_semget(b->ns, key, nsems, flags);
}

static inline int
mipc_op(struct bench *b, int id, struct sembuf *ops, size_t n,
    const struct timespec *timeout)
{
	return timeout == NULL ? mipc_semop(b->ns, id, ops, n) :
	    mipc_semtimedop(b->ns, id, ops, n, timeout);
}

static inline int
mipc_ctl(struct bench *b, int id, int num, int cmd, union semun arg)
{
	return mipc_semctl(b->ns, id, num, cmd, arg);
}

static const struct bench_sysv kernel_sysv = {
	kernel_get, kernel_op, kernel_ctl
};

static const struct bench_sysv mipc_sysv = { mipc_get, mipc_op, mipc_ctl };

/* The time that the timed rows allow, never used up. */
static const struct timespec bench_patience = { .tv_sec = 100 };

/* locks.c */
int	bench_make_kernel(struct bench *);
int	bench_make_mipc(struct bench *);
int	bench_make_sem_t(struct bench *);
int	bench_make_mutex(struct bench *);
int	bench_make_robust(struct bench *);
int	bench_make_eventfd(struct bench *);
int	bench_make_futex(struct bench *);
void	bench_drop_kernel(struct bench *);
void	bench_drop_mipc(struct bench *);
void	bench_drop_peers(struct bench *);
int	bench_make_lock(struct bench *);
void	bench_drop_lock(struct bench *);

/* Define the lock `name` of semaphores of `api`. */
#define SYSV_LOCK(api, name, flags, timeout)				\
static inline int							\
name##_change(struct bench *b, unsigned num, short by, short more)	\
{									\
	struct sembuf op = {						\
		.sem_num = (unsigned short)num, .sem_op = by,		\
		.sem_flg = (short)((flags) | more),			\
	};								\
									\
	return api##_op(b, b->id[0], &op, 1, timeout);			\
}									\
static inline int							\
name##_down(struct bench *b, unsigned num)				\
{									\
	return name##_change(b, num, -1, 0);				\
}									\
static inline int							\
name##_up(struct bench *b, unsigned num)				\
{									\
	return name##_change(b, num, 1, 0);				\
}									\
static inline int							\
name##_refuses(struct bench *b, unsigned num)				\
{									\
	return name##_change(b, num, -1, IPC_NOWAIT) == -1 &&		\
	    errno == EAGAIN;						\
}									\
static const struct bench_lock name##_lock = {				\
	bench_make_##api, bench_drop_##api,				\
	name##_down, name##_up, name##_refuses				\
}

SYSV_LOCK(kernel, kernel, 0, NULL);
SYSV_LOCK(mipc, mipc, 0, NULL);
SYSV_LOCK(kernel, kernel_undo, SEM_UNDO, NULL);
SYSV_LOCK(mipc, mipc_undo, SEM_UNDO, NULL);
SYSV_LOCK(kernel, kernel_timed, 0, &bench_patience);
SYSV_LOCK(mipc, mipc_timed, 0, &bench_patience);

static inline int
sem_t_down(struct bench *b, unsigned num)
{
	return sem_wait(&b->peer[num].sem);
}

static inline int
sem_t_up(struct bench *b, unsigned num)
{
	return sem_post(&b->peer[num].sem);
}

static inline int
sem_t_refuses(struct bench *b, unsigned num)
{
	return sem_trywait(&b->peer[num].sem) == -1 && errno == EAGAIN;
}

static inline int
mutex_down(struct bench *b, unsigned num)
{
	return -(pthread_mutex_lock(&b->peer[num].mutex) != 0);
}

static inline int
mutex_up(struct bench *b, unsigned num)
{
	return -(pthread_mutex_unlock(&b->peer[num].mutex) != 0);
}

static inline int
mutex_refuses(struct bench *b, unsigned num)
{
	return pthread_mutex_trylock(&b->peer[num].mutex) == EBUSY;
}

static inline int
robust_down(struct bench *b, unsigned num)
{
	int error = pthread_mutex_lock(&b->peer[num].mutex);

	if (error == EOWNERDEAD)
		error = pthread_mutex_consistent(&b->peer[num].mutex);
	return -(error != 0);
}

static inline int
eventfd_down(struct bench *b, unsigned num)
{
	uint64_t one;

	return -(read(b->peer[num].fd, &one, sizeof(one)) != sizeof(one));
}

static inline int
eventfd_up(struct bench *b, unsigned num)
{
	const uint64_t one = 1;

	return -(write(b->peer[num].fd, &one, sizeof(one)) != sizeof(one));
}

static inline int
eventfd_refuses(struct bench *b, unsigned num)
{
	return eventfd_down(b, num) == -1 && errno == EAGAIN;
}

static inline long
futex(_Atomic uint32_t *word, int what, uint32_t value)
{
	return syscall(SYS_futex, word, what, value, NULL, NULL, 0);
}

/* The raw lock: nobody owns it, so another process may give it back. */
enum { FREE = 0, TAKEN = 1, AWAITED = 2 };

static inline int
futex_down(struct bench *b, unsigned num)
{
	_Atomic uint32_t *word = &b->peer[num].word;
	uint32_t seen = FREE;

	if (atomic_compare_exchange_strong(word, &seen, TAKEN))
		return 0;
	while (atomic_exchange(word, AWAITED) != FREE)
		if (futex(word, FUTEX_WAIT, AWAITED) == -1 &&
		    errno != EAGAIN && errno != EINTR)
			return -1;
	return 0;
}

static inline int
futex_up(struct bench *b, unsigned num)
{
	_Atomic uint32_t *word = &b->peer[num].word;

	if (atomic_exchange(word, FREE) == AWAITED)
		return futex(word, FUTEX_WAKE, 1) == -1 ? -1 : 0;
	return 0;
}

static inline int
futex_refuses(struct bench *b, unsigned num)
{
	uint32_t seen = FREE;

	return !atomic_compare_exchange_strong(&b->peer[num].word, &seen,
	    TAKEN);
}

static const struct bench_lock sem_t_lock = {
	bench_make_sem_t, bench_drop_peers,
	sem_t_down, sem_t_up, sem_t_refuses
};

static const struct bench_lock mutex_lock = {
	bench_make_mutex, bench_drop_peers,
	mutex_down, mutex_up, mutex_refuses
};

static const struct bench_lock robust_lock = {
	bench_make_robust, bench_drop_peers,
	robust_down, mutex_up, mutex_refuses
};

static const struct bench_lock eventfd_lock = {
	bench_make_eventfd, bench_drop_peers,
	eventfd_down, eventfd_up, eventfd_refuses
};

static const struct bench_lock futex_lock = {
	bench_make_futex, bench_drop_peers,
	futex_down, futex_up, futex_refuses
};

/* Define NAME_VERB from the inline loop VERB(b, n, table): see calls.h. */
#define LOOP(name, verb, table)						\
static double								\
name##_##verb(struct bench *b, unsigned long n)				\
{									\
	return verb(b, n, &table);					\
}

#define SYSV_LOOPS(verb)						\
	LOOP(kernel, verb, kernel_sysv)					\
	LOOP(mipc, verb, mipc_sysv)

#define LOCK_LOOPS(verb)						\
	LOOP(kernel, verb, kernel_lock)					\
	LOOP(mipc, verb, mipc_lock)					\
	LOOP(sem_t, verb, sem_t_lock)					\
	LOOP(mutex, verb, mutex_lock)					\
	LOOP(robust, verb, robust_lock)					\
	LOOP(eventfd, verb, eventfd_lock)				\
	LOOP(futex, verb, futex_lock)

/* The sides of a row: side(name, home, lock, ...) for each of them. */
#define SYSV_SIDES(side, ...)						\
	side("kernel", HOME_NONE, kernel, __VA_ARGS__),			\
	side("mipc", HOME_DIR, mipc, __VA_ARGS__),			\
	side("mipc anon", HOME_ANON, mipc, __VA_ARGS__)

#define UNDO_SIDES(side, ...)						\
	side("kernel", HOME_NONE, kernel_undo, __VA_ARGS__),		\
	side("mipc", HOME_DIR, mipc_undo, __VA_ARGS__),			\
	side("mipc anon", HOME_ANON, mipc_undo, __VA_ARGS__)

#define MUTEX_SIDES(side, ...)						\
	side("mutex", HOME_NONE, mutex, __VA_ARGS__),			\
	side("robust mutex", HOME_NONE, robust, __VA_ARGS__)

#define SEMAPHORE_SIDES(side, ...)					\
	side("sem_t", HOME_NONE, sem_t, __VA_ARGS__),			\
	side("eventfd", HOME_NONE, eventfd, __VA_ARGS__),		\
	side("futex", HOME_NONE, futex, __VA_ARGS__)

/* A side of a row that needs no process but its own. */
#define LOCK_SIDE(side_name, side_home, l, verb)			\
	{								\
		.name = side_name, .home = side_home,			\
		.lock = &l##_lock, .setup = bench_make_lock,		\
		.run = l##_##verb, .teardown = bench_drop_lock,		\
	}

#endif
