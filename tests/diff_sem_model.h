/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_model.h - semaphore sets as the clauses have them, without
 * processes: a third witness, and a side that can be made to lie.
 *
 * It stands where the mailboxes of mipc's workers are: an order is carried
 * out at once, and whoever comes answers at once.
 */
#ifndef DIFF_SEM_MODEL_H
#define DIFF_SEM_MODEL_H

#include "diff_sem.h"

#define TOP	32767		/* SEMVMX and SEMAEM */

/* One who sleeps: an operation of a set, by the worker's thread. */
struct sleeper {
	struct set *set;	/* NULL: nobody sleeps here */
	unsigned long since;	/* the order of arrival */
	struct op op;
	unsigned at;		/* the operation that cannot proceed */
	bool alters;
};

struct set {
	bool used;
	struct semid_ds ds;	/* nsems, times, permissions */
	int id;
	int value[BIG];
	int pid[BIG];
	/* Who may owe something: a debt is what an end of the worker adds. */
	bool debtor[WORKERS];
	int debt[WORKERS][BIG];
};

struct model {
	struct driver *d;
	struct set set[OBJECTS];
	struct sleeper sleeper[WORKERS][THREADS];
	unsigned long clock;	/* arrivals */
	unsigned uid[WORKERS];
	pid_t pid[WORKERS], last_pid;
	int last_index, sequence;
};

extern struct model model;

bool	model_lies(const char *kind);
struct set *model_find(int id);
/* Do the permission bits of flags lack, for this worker? -1: the driver. */
bool	model_forbids(const struct set *s, int worker, int flags);
void	model_answer(int worker, int thread, long value, int error);

/* ---- diff_sem_queue.c ---- */

/* A vector: sleeps, or answers; into *r for the vector of a handler. */
void	queue_semop(const struct op *op, struct result *r);
/* Serve whoever can be: after these operations, or after any change. */
void	queue_serve(struct set *s, const struct op *op);
void	queue_leave(struct sleeper *l, long value, int error);
/* Everybody leaves a set that is removed. */
void	queue_empty(struct set *s);
int	queue_count(const struct set *s, int num, bool zero);
/* The debts of a worker are settled. */
void	queue_settle(int worker);

#endif
