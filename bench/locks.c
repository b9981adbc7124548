/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * locks.c - making what locks.h takes and gives back, and removing it.
 *
 * A row's `value` is what each semaphore holds at first; a lock is free at 1
 * and taken at 0.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <stdlib.h>
#include <string.h>

#include "locks.h"

/* Say what failed, or that the kernel has no semaphores at all. */
static int
refused(struct bench *b, const char *call)
{
	b->left_out = errno == ENOSYS && b->side->home == HOME_NONE;
	snprintf(b->note, sizeof(b->note), "%s%s, set %u of %u: %s",
	    b->left_out ? "left out: " : "", call, b->made + 1, b->count,
	    strerror(errno));
	return -1;
}

static int
make_set(struct bench *b, const struct bench_sysv *sysv)
{
	const int nsems = (int)b->row->nsems;
	const int id = sysv->get(b, BENCH_FIRST_KEY + (int)b->made, nsems,
	    IPC_CREAT | IPC_EXCL | 0600);

	if (id == -1)
		return refused(b, "semget");
	b->id[b->made++] = id;
	for (int i = 0; i < nsems && b->row->value != 0; i++)
		if (sysv->ctl(b, id, i, SETVAL,
		    (union semun){ .val = b->row->value }) == -1)
			return refused(b, "SETVAL");
	return 0;
}

static int
make_sets(struct bench *b, const struct bench_sysv *sysv)
{
	b->id = calloc(b->count, sizeof(*b->id));
	if (b->id == NULL)
		return -1;
	while (b->made < b->count)
		if (make_set(b, sysv) == -1)
			return -1;
	return 0;
}

static void
drop_sets(struct bench *b, const struct bench_sysv *sysv)
{
	for (unsigned i = 0; i < b->made; i++)
		sysv->ctl(b, b->id[i], 0, IPC_RMID, (union semun){ .val = 0 });
	free(b->id);
}

int
bench_make_kernel(struct bench *b)
{
	return make_sets(b, &kernel_sysv);
}

int
bench_make_mipc(struct bench *b)
{
	const unsigned long long on = 1;

	if (b->row->barging &&
	    mipc_limit(b->ns, "barging", NULL, &on) == -1) {
		snprintf(b->note, sizeof(b->note), "limit barging: %s",
		    strerror(errno));
		return -1;
	}
	return make_sets(b, &mipc_sysv);
}

void
bench_drop_kernel(struct bench *b)
{
	drop_sets(b, &kernel_sysv);
}

void
bench_drop_mipc(struct bench *b)
{
	drop_sets(b, &mipc_sysv);
}

static int
make_peers(struct bench *b, int (*make)(union bench_peer *, int value))
{
	const size_t size = b->row->nsems * sizeof(*b->peer);
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -1;
	b->peer = at;
	for (unsigned i = 0; i < b->row->nsems; i++)
		if (make(&b->peer[i], b->row->value) == -1)
			return -1;
	return 0;
}

/* The process ends after this, and its descriptors with it. */
void
bench_drop_peers(struct bench *b)
{
	if (b->peer != NULL)
		munmap(b->peer, b->row->nsems * sizeof(*b->peer));
}

static int
make_sem_t(union bench_peer *p, int value)
{
	return sem_init(&p->sem, 1, (unsigned)value);
}

int
bench_make_sem_t(struct bench *b)
{
	return make_peers(b, make_sem_t);
}

static int
make_mutex_of(union bench_peer *p, int value, int robust)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, robust);
	errno = pthread_mutex_init(&p->mutex, &attr);
	if (errno == 0 && value == 0)
		errno = pthread_mutex_lock(&p->mutex);
	return -(errno != 0);
}

static int
make_mutex(union bench_peer *p, int value)
{
	return make_mutex_of(p, value, PTHREAD_MUTEX_STALLED);
}

static int
make_robust(union bench_peer *p, int value)
{
	return make_mutex_of(p, value, PTHREAD_MUTEX_ROBUST);
}

int
bench_make_mutex(struct bench *b)
{
	return make_peers(b, make_mutex);
}

int
bench_make_robust(struct bench *b)
{
	return make_peers(b, make_robust);
}

static int
make_eventfd(union bench_peer *p, int value)
{
	p->fd = eventfd((unsigned)value, EFD_CLOEXEC | EFD_SEMAPHORE);
	return -(p->fd == -1);
}

static int
make_nonblocking(union bench_peer *p, int value)
{
	p->fd = eventfd((unsigned)value,
	    EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK);
	return -(p->fd == -1);
}

/* Who is alone with it must not wait; nobody would wake him. */
int
bench_make_eventfd(struct bench *b)
{
	return make_peers(b, b->row->procs == 0 ? make_nonblocking :
	    make_eventfd);
}

static int
make_futex(union bench_peer *p, int value)
{
	atomic_init(&p->word, value == 0 ? TAKEN : FREE);
	return 0;
}

int
bench_make_futex(struct bench *b)
{
	return make_peers(b, make_futex);
}

/* As a side's setup and teardown. */
int
bench_make_lock(struct bench *b)
{
	return b->side->lock->make(b);
}

void
bench_drop_lock(struct bench *b)
{
	b->side->lock->drop(b);
}
