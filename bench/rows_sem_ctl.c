/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_sem_ctl.c - what a semaphore is asked and told beside P and V; being
 * refused; and a set's whole life.
 */
#include <sys/eventfd.h>

#include <fcntl.h>

#include "locks.h"

#define SEVEN	7	/* what the semaphores of these rows hold */
#define MANY	1000

static double
per_operation(unsigned long n, uint64_t start, unsigned long bad)
{
	const uint64_t took = bench_now() - start;

	return bad == 0 ? (double)took / (double)n : -1;
}

ALWAYS_INLINE double
refused(struct bench *b, unsigned long n, const struct bench_lock *lock)
{
	const uint64_t start = bench_now();
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++)
		bad += !lock->refuses(b, 0);
	if (bad != 0)
		snprintf(b->note, sizeof(b->note), "it was not refused");
	return per_operation(n, start, bad);
}

ALWAYS_INLINE double
getval(struct bench *b, unsigned long n, const struct bench_sysv *sysv)
{
	const union semun none = { .val = 0 };
	const uint64_t start = bench_now();
	const int id = b->id[0];
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++)
		bad += sysv->ctl(b, id, 0, GETVAL, none) != SEVEN;
	return per_operation(n, start, bad);
}

static double
sem_t_getval(struct bench *b, unsigned long n)
{
	const uint64_t start = bench_now();
	unsigned long bad = 0;
	int value;

	for (unsigned long i = 0; i < n; i++)
		bad += sem_getvalue(&b->peer[0].sem, &value) != 0 ||
		    value != SEVEN;
	return per_operation(n, start, bad);
}

ALWAYS_INLINE double
setval(struct bench *b, unsigned long n, const struct bench_sysv *sysv)
{
	const uint64_t start = bench_now();
	const int id = b->id[0];
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++) {
		const union semun arg = { .val = (int)(i & SEVEN) };

		bad += sysv->ctl(b, id, 0, SETVAL, arg) != 0;
	}
	return per_operation(n, start, bad);
}

ALWAYS_INLINE double
getall(struct bench *b, unsigned long n, const struct bench_sysv *sysv)
{
	unsigned short value[MANY];
	const union semun arg = { .array = value };
	const uint64_t start = bench_now();
	const int id = b->id[0];
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++) {
		value[0] = value[MANY - 1] = 0;
		bad += sysv->ctl(b, id, 0, GETALL, arg) != 0 ||
		    value[0] != SEVEN || value[MANY - 1] != SEVEN;
	}
	return per_operation(n, start, bad);
}

ALWAYS_INLINE double
ipc_stat(struct bench *b, unsigned long n, const struct bench_sysv *sysv)
{
	struct semid_ds ds = { .sem_nsems = 0 };
	const union semun arg = { .buf = &ds };
	const uint64_t start = bench_now();
	const int id = b->id[0];
	unsigned long bad = 0;

	for (unsigned long i = 0; i < n; i++)
		bad += sysv->ctl(b, id, 0, IPC_STAT, arg) != 0 ||
		    ds.sem_nsems != 1;
	return per_operation(n, start, bad);
}

ALWAYS_INLINE double
create_remove(struct bench *b, unsigned long n, const struct bench_sysv *sysv)
{
	const union semun none = { .val = 0 };
	const uint64_t start = bench_now();
	unsigned long bad = 0;

	/* Beside the one that setup made. */
	for (unsigned long i = 0; i < n && bad == 0; i++) {
		const int id = sysv->get(b, BENCH_FIRST_KEY + 1, 1,
		    IPC_CREAT | IPC_EXCL | 0600);

		bad += id == -1 || sysv->ctl(b, id, 0, IPC_RMID, none) != 0;
	}
	return per_operation(n, start, bad);
}

static double
sem_t_create_remove(struct bench *b, unsigned long n)
{
	const uint64_t start = bench_now();
	unsigned long bad = 0;
	char name[64];

	snprintf(name, sizeof(name), "/%s.sem", b->place->peer);
	for (unsigned long i = 0; i < n && bad == 0; i++) {
		sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 0);

		bad += sem == SEM_FAILED || sem_close(sem) != 0 ||
		    sem_unlink(name) != 0;
	}
	return per_operation(n, start, bad);
}

static double
eventfd_create_remove(struct bench *b, unsigned long n)
{
	const uint64_t start = bench_now();
	unsigned long bad = 0;

	(void)b;
	for (unsigned long i = 0; i < n; i++) {
		const int fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);

		bad += fd == -1 || close(fd) != 0;
	}
	return per_operation(n, start, bad);
}

LOCK_LOOPS(refused)
SYSV_LOOPS(getval)
SYSV_LOOPS(setval)
SYSV_LOOPS(getall)
SYSV_LOOPS(ipc_stat)
SYSV_LOOPS(create_remove)

#define CTL_ROW(row_name, row_nsems, row_value, row_target)		\
	.name = "sem " row_name, .unit = "ns", .count = 1,		\
	.nsems = row_nsems, .value = row_value, .target = row_target

const struct bench_row bench_rows_sem_ctl[] = {
	{
		CTL_ROW("GETVAL", 1, SEVEN, 12),
		.side = {
			SYSV_SIDES(LOCK_SIDE, getval),
			LOCK_SIDE("sem_t", HOME_NONE, sem_t, getval),
		},
	},
	{
		CTL_ROW("IPC_NOWAIT failing", 1, 0, 8),
		.side = {
			SYSV_SIDES(LOCK_SIDE, refused),
			SEMAPHORE_SIDES(LOCK_SIDE, refused),
			MUTEX_SIDES(LOCK_SIDE, refused),
		},
	},
	{
		CTL_ROW("IPC_STAT", 1, SEVEN, 5),
		.side = { SYSV_SIDES(LOCK_SIDE, ipc_stat) },
	},
	{
		CTL_ROW("GETALL of 1000", MANY, SEVEN, 0.7),
		.side = { SYSV_SIDES(LOCK_SIDE, getall) },
	},
	{
		CTL_ROW("SETVAL", 1, SEVEN, 0),
		.side = { SYSV_SIDES(LOCK_SIDE, setval) },
	},
	{
		CTL_ROW("create+remove", 1, 0, 0.25),
		.side = {
			SYSV_SIDES(LOCK_SIDE, create_remove),
			LOCK_SIDE("sem_open", HOME_NONE, sem_t, create_remove),
			LOCK_SIDE("eventfd", HOME_NONE, eventfd,
			    create_remove),
		},
	},
	{ .name = NULL }
};
