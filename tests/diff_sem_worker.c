/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_worker.c - a process that does what the driver says, on one side.
 *
 * Each of its threads has a mailbox of its own.  Who is new waits for its
 * first order without a call, so that what the driver sees then is what fork
 * or exec alone has left.
 */
#include "diff_sem.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE	1.0	/* seconds between looks at the driver */

/* This process; a thread is given its number. */
static struct world *world;
static int side, self;
static bool reopen;		/* exec'ed: the namespace is still closed */
static pthread_once_t opened;

/* This thread. */
static _Thread_local struct actor *me;
static _Thread_local sigjmp_buf start;

static void
ring(void)
{
	atomic_fetch_add(&world->bell[side], 1);
	harness_wake(&world->bell[side]);
}

static void
answer(void)
{
	atomic_store(&me->answer, 1);
	ring();
}

/* ---- signals: only ever sent to one who sleeps in an operation ---- */

static void
handle(int sig)
{
	const int error = errno;

	(void)sig;
	if (me == NULL || me->nested.kind != OP_SIGNAL)
		return;
	me->nested.kind = OP_KINDS;	/* a second signal does nothing */
	if (me->nested.signal == SIGNAL_CALLS)
		side_run(world, side, &me->nested, &me->nested_result);
	else if (me->nested.signal == SIGNAL_JUMPS)
		siglongjmp(start, 1);
	errno = error;
}

static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = handle };

	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &action, NULL);
}

/* ---- threads ---- */

static void	serve(int thread) __attribute__((noreturn));

static void *
thread_main(void *arg)
{
	serve((int)(intptr_t)arg);
}

static void
begin_thread(int thread)
{
	pthread_attr_t attr;
	pthread_t id;

	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstacksize(&attr, 256 << 10) != 0 ||
	    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) != 0 ||
	    pthread_create(&id, &attr, thread_main, (void *)(intptr_t)thread)
	    != 0)
		harness_die("no thread");
	pthread_attr_destroy(&attr);
}

/* The first thread of a process becomes thread 0 and begins the others. */
static void
live(struct world *w, int which, int slot)
{
	static const pthread_once_t again = PTHREAD_ONCE_INIT;

	world = w;
	side = which;
	self = slot;
	opened = again;
	w->worker[side][self].pid = getpid();
	catch_signals();
	for (int t = 1; t < THREADS; t++)
		begin_thread(t);
	serve(0);
}

void
worker_main(struct world *w, int which, int slot)
{
	side_settle(w, which);
	live(w, which, slot);
	abort();
}

/* ---- orders ---- */

static void
await_order(void)
{
	while (atomic_load(&me->order) == 0) {
		harness_wait(&me->order, 0, PATIENCE);
		if (kill(world->driver, 0) == -1 && errno == ESRCH)
			_exit(3);
	}
	atomic_store(&me->order, 0);
}

static void
fork_self(void)
{
	const int child = me->op.child;
	const pid_t pid = fork();

	if (pid == 0)
		live(world, side, child);
	memset(&me->result, 0, sizeof(me->result));
	if (pid == -1)
		me->result.error = errno;
	answer();
}

static void
exec_self(void)
{
	char fd[16], which[16], slot[16];

	snprintf(fd, sizeof(fd), "%d", world->fd);
	snprintf(which, sizeof(which), "%d", side);
	snprintf(slot, sizeof(slot), "%d", self);
	/* Not /proc/self, whose first thread may have ended. */
	execl("/proc/thread-self/exe", "diff_sem", "--worker", fd, which,
	    slot, NULL);
	harness_die("exec: %s", strerror(errno));
}

static void
open_again(void)
{
	if (!side_open(world, false))
		harness_die("the namespace cannot be opened after exec");
}

static void
perform(void)
{
	if (reopen)
		pthread_once(&opened, open_again);
	if (sigsetjmp(start, 1) == 0) {
		side_run(world, side, &me->op, &me->result);
	} else {
		side_look(side, &me->op);	/* see diff_sem_known.c */
		memset(&me->result, 0, sizeof(me->result));
		me->result.value = JUMPED;
	}
	answer();
}

static void
obey(void)
{
	switch (me->op.kind) {
	case OP_FORK:
		fork_self();
		break;
	case OP_EXEC:
		exec_self();
		break;
	case OP_EXIT:
		exit(0);
	case OP_VANISH:
		_exit(0);
	case OP_THREAD_END:
		pthread_exit(NULL);
	case OP_THREAD_NEW:
		begin_thread(me->op.child);
		memset(&me->result, 0, sizeof(me->result));
		answer();
		break;
	default:
		perform();
		break;
	}
}

static void
serve(int thread)
{
	me = &world->worker[side][self].actor[thread];
	atomic_store(&me->tid, (int)syscall(SYS_gettid));
	ring();
	for (;;) {
		await_order();
		obey();
	}
}

void
worker_reborn(const char *fd, const char *which, const char *slot)
{
	struct world *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
	    MAP_SHARED, atoi(fd), 0);

	if (w == MAP_FAILED)
		harness_die("mmap: %s", strerror(errno));
	reopen = atoi(which) == MIPC;
	live(w, atoi(which), atoi(slot));
	abort();
}
