/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls.h - the kernel's calls and mipc's behind the same six functions.
 *
 * A call of mipc takes a few nanoseconds; a call through a pointer would be
 * seen in the result.  So the loops that are measured are inlined once for
 * each side with these constant tables, and the compiler calls directly.
 */
#ifndef CALLS_H
#define CALLS_H

#include <sys/ipc.h>
#include <sys/shm.h>

#include "bench.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The upper half of the state is the number. */
static inline uint32_t
bench_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}

/* Define kernel_VERB and mipc_VERB from the inline loop VERB. */
#define BENCH_BOTH(verb)						\
static double								\
kernel_##verb(struct bench *b, unsigned long n)				\
{									\
	return verb(b, n, &kernel_calls);				\
}									\
static double								\
mipc_##verb(struct bench *b, unsigned long n)				\
{									\
	return verb(b, n, &mipc_calls);					\
}									\
static double								\
peer_##verb(struct bench *b, unsigned long n)				\
{									\
	return verb(b, n, b->side->ops);				\
}

static inline int
kernel_create(struct bench *b, int key, int flags)
{
	return shmget(key, b->size, flags);
}

static inline int
kernel_find(struct bench *b, int key)
{
	(void)b;
	return shmget(key, 0, 0);
}

static inline void *
kernel_attach(struct bench *b, int id)
{
	(void)b;
	return shmat(id, NULL, 0);
}

static inline int
kernel_detach(struct bench *b, void *addr)
{
	(void)b;
	return shmdt(addr);
}

static inline int
kernel_stat(struct bench *b, int id)
{
	struct shmid_ds ds;

	(void)b;
	return shmctl(id, IPC_STAT, &ds);
}

static inline int
kernel_remove(struct bench *b, int id)
{
	(void)b;
	return shmctl(id, IPC_RMID, NULL);
}

static inline int
mipc_create(struct bench *b, int key, int flags)
{
	return mipc_shmget(b->ns, key, b->size, flags);
}

static inline int
mipc_find(struct bench *b, int key)
{
	return mipc_shmget(b->ns, key, 0, 0);
}

static inline void *
mipc_attach(struct bench *b, int id)
{
	return mipc_shmat(b->ns, id, NULL, 0);
}

static inline int
mipc_detach(struct bench *b, void *addr)
{
	return mipc_shmdt(b->ns, addr);
}

static inline int
mipc_stat(struct bench *b, int id)
{
	struct shmid_ds ds;

	return mipc_shmctl(b->ns, id, IPC_STAT, &ds);
}

static inline int
mipc_remove(struct bench *b, int id)
{
	return mipc_shmctl(b->ns, id, IPC_RMID, NULL);
}

static const struct bench_ops kernel_calls = {
	kernel_create, kernel_find, kernel_attach,
	kernel_detach, kernel_stat, kernel_remove
};

static const struct bench_ops mipc_calls = {
	mipc_create, mipc_find, mipc_attach,
	mipc_detach, mipc_stat, mipc_remove
};

#endif
