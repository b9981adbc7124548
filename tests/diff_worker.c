/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_worker.c - a process that does what the driver says, on both sides.
 *
 * A worker is forked by the driver or by another worker; then it waits for
 * its first order without a call, so that what the driver sees of a new
 * child is what fork alone has left.
 */
#include "diff.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATIENCE	1.0	/* seconds between looks at the driver */

struct both {
	struct world *world;
	struct worker *me;
};

static void *
run_both(void *arg)
{
	const struct both *b = arg;

	for (int side = 0; side < SIDES; side++)
		side_run(b->world, b->me, &b->me->op, side,
		    &b->me->result[side]);
	return NULL;
}

static void
run(struct world *w, struct worker *me)
{
	struct both b = { w, me };
	pthread_t thread;

	if (!me->op.thread) {
		run_both(&b);
		return;
	}
	if (pthread_create(&thread, NULL, run_both, &b) != 0)
		harness_die("no thread");
	pthread_join(thread, NULL);
}

static void
answer(struct worker *me)
{
	atomic_store(&me->answer, 1);
	harness_wake(&me->answer);
}

static void
await_order(struct world *w, struct worker *me)
{
	while (atomic_load(&me->order) == 0) {
		harness_wait(&me->order, 0, PATIENCE);
		if (kill(w->driver, 0) == -1 && errno == ESRCH)
			_exit(3);
	}
}

/* The child goes on as a worker of its own; the parent answers. */
static int
fork_worker(struct world *w, struct worker *me, int self)
{
	const int child = me->op.child;
	const pid_t pid = fork();

	if (pid == 0) {
		w->worker[child].pid = getpid();
		answer(&w->worker[child]);
		return child;
	}
	memset(me->result, 0, sizeof(me->result));
	if (pid == -1)
		me->result[KERNEL].error = me->result[MIPC].error = errno;
	answer(me);
	return self;
}

static void
exec_self(struct world *w, int self)
{
	char fd[16], slot[16];

	snprintf(fd, sizeof(fd), "%d", w->fd);
	snprintf(slot, sizeof(slot), "%d", self);
	execl("/proc/self/exe", "diff_shm", "--worker", fd, slot, NULL);
	harness_die("exec: %s", strerror(errno));
}

/* What ends or changes the process; true if the order was such a one. */
static bool
change(struct world *w, struct worker *me, int *self)
{
	switch (me->op.kind) {
	case OP_FORK:
		*self = fork_worker(w, me, *self);
		return true;
	case OP_EXEC:
		exec_self(w, *self);
		return true;
	case OP_EXIT:
		exit(0);
	case OP_VANISH:
		_exit(0);
	default:
		return false;
	}
}

void
worker_main(struct world *w, int self)
{
	for (;;) {
		struct worker *me = &w->worker[self];

		await_order(w, me);
		atomic_store(&me->order, 0);
		if (change(w, me, &self))
			continue;
		run(w, me);
		answer(me);
	}
}

void
worker_reborn(const char *fd, const char *self)
{
	struct world *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
	    MAP_SHARED, atoi(fd), 0);
	struct worker *me;

	if (w == MAP_FAILED)
		harness_die("mmap: %s", strerror(errno));
	me = &w->worker[atoi(self)];
	if (w->areas && !side_reserve(w))
		harness_die("address ranges are taken after exec");
	memset(me->result, 0, sizeof(me->result));
	answer(me);
	await_order(w, me);	/* what exec alone leaves is looked at first */
	if (!side_open(w, false))
		harness_die("the namespace cannot be opened after exec");
	worker_main(w, atoi(self));
}
