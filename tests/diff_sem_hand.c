/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_hand.c - births, orders, signals and ends of the processes of one
 * side.
 *
 * A birth is over when all threads are there, an end when the process has
 * given back everything, as its pidfd tells, or when the thread has left
 * /proc.
 */
#include "diff_sem.h"

#include <sys/syscall.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HANG	20.0		/* seconds until something is given up */

static struct actor *
actor_of(struct driver *d, int side, const struct op *op)
{
	return &d->world->worker[side][op->worker].actor[op->thread];
}

static void
order(struct driver *d, int side, const struct op *op)
{
	struct actor *a = actor_of(d, side, op);

	a->op = *op;
	a->nested.kind = OP_KINDS;
	atomic_store(&a->order, 1);
	harness_wake(&a->order);
}

bool
hand_is_over(const struct driver *d, int side, int worker, int ms)
{
	struct pollfd end = {
		.fd = d->pidfd[side][worker], .events = POLLIN
	};

	return poll(&end, 1, ms) == 1;
}

/* ---- births ---- */

static void
expect_birth(struct driver *d, int side, int worker)
{
	struct worker *w = &d->world->worker[side][worker];

	for (int t = 0; t < THREADS; t++) {
		atomic_store(&w->actor[t].tid, 0);
		atomic_store(&w->actor[t].order, 0);
		atomic_store(&w->actor[t].answer, 0);
	}
}

static bool
await_thread(struct driver *d, int side, int worker, int thread)
{
	struct actor *a = &d->world->worker[side][worker].actor[thread];
	_Atomic uint32_t *bell = &d->world->bell[side];
	const double start = harness_now();

	for (;;) {
		const uint32_t rung = atomic_load(bell);

		if (atomic_load(&a->tid) != 0)
			return true;
		if (harness_now() - start > HANG)
			return drive_differ(d, "thread %d.%d is not born",
			    worker, thread);
		harness_wait(bell, rung, 0.1);
	}
}

static bool
await_birth(struct driver *d, int side, int worker)
{
	const struct worker *w = &d->world->worker[side][worker];
	int fd;

	for (int t = 0; t < THREADS; t++)
		if (!await_thread(d, side, worker, t))
			return false;
	fd = (int)syscall(SYS_pidfd_open, w->pid, 0);
	if (fd == -1)
		return drive_differ(d, "worker %d died at its birth", worker);
	if (d->pidfd[side][worker] != -1)	/* exec: the same process */
		close(d->pidfd[side][worker]);
	d->pidfd[side][worker] = fd;
	return true;
}

static bool
bear(struct driver *d, int side, int child)
{
	pid_t pid;

	expect_birth(d, side, child);
	fflush(stdout);
	pid = fork();
	if (pid == -1)
		harness_die("fork: %s", strerror(errno));
	if (pid == 0)
		worker_main(d->world, side, child);
	return await_birth(d, side, child);
}

/* ---- ends ---- */

static bool
await_end(struct driver *d, int side, int worker)
{
	if (!hand_is_over(d, side, worker, (int)(HANG * 1000)))
		return drive_differ(d, "worker %d does not end", worker);
	close(d->pidfd[side][worker]);
	d->pidfd[side][worker] = -1;
	/* All are reaped at once: by a parent that ignores it, or by us. */
	while (kill(d->world->worker[side][worker].pid, 0) == 0)
		sched_yield();
	d->world->worker[side][worker].pid = 0;
	return true;
}

/* The state of a thread: a letter of proc(5), or 0 when it is gone. */
static char
state_of(pid_t pid, int tid)
{
	char path[64], text[256];
	const char *paren;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	paren = strrchr(text, ')');
	return paren != NULL && paren[1] == ' ' ? paren[2] : 0;
}

static bool
await_state(struct driver *d, pid_t pid, int tid, const char *wanted)
{
	const double start = harness_now();
	char state;

	while ((state = state_of(pid, tid)) != 0 &&
	    strchr(wanted, state) == NULL) {
		if (harness_now() - start > HANG)
			return drive_differ(d, "thread %d is in state %c, not "
			    "%s", tid, state, wanted);
		sched_yield();
	}
	return true;
}

/* Only a first thread stays to be seen, as a zombie, while others live. */
static bool
end_thread(struct driver *d, int side, const struct op *op)
{
	const struct worker *w = &d->world->worker[side][op->worker];
	const int tid = atomic_load(&actor_of(d, side, op)->tid);

	order(d, side, op);
	for (int t = 0; t < THREADS; t++)
		if (t != op->thread && d->member[op->worker].thread[t])
			return await_state(d, w->pid, tid, "ZX");
	return await_end(d, side, op->worker);
}

/* A process that outlives the driver, however that ends, by a moment. */
void
hand_watch(const struct driver *d)
{
	struct pollfd end = { .events = POLLIN };
	const pid_t driver = getpid();

	fflush(stdout);
	if (fork() != 0)
		return;
	setsid();
	close(STDOUT_FILENO);
	end.fd = (int)syscall(SYS_pidfd_open, driver, 0);
	while (end.fd != -1 && poll(&end, 1, -1) != 1)
		;
	/* The model's pids are nobody's. */
	for (int side = 0; side < SIDES; side++)
		for (int w = 0; w < WORKERS; w++)
			if (d->hand[side] == &hand_processes &&
			    d->world->worker[side][w].pid > 0)
				kill(d->world->worker[side][w].pid, SIGKILL);
	_exit(0);
}

/* ---- signals ---- */

/*
 * In mipc a signal counts from when the sleeper is in the kernel, which is a
 * moment after it is counted: see diff_sem_known.c.
 */
static bool
await_sleep(struct driver *d, int side, const struct op *op)
{
	const struct worker *w = &d->world->worker[side][op->worker];

	if (side == KERNEL || d->config->store == STORE_KERNEL)
		return true;
	for (int t = 0; t < THREADS; t++)
		if (d->out[side][op->worker][t] &&
		    (op->kind == OP_SIGNAL || t != op->thread) &&
		    !await_state(d, w->pid, atomic_load(&w->actor[t].tid),
		    "S"))
			return false;
	return true;
}

/* Stopped as a whole, and then sent on. */
static bool
stop(struct driver *d, int side, int worker)
{
	const struct worker *w = &d->world->worker[side][worker];

	kill(w->pid, SIGSTOP);
	for (int t = 0; t < THREADS; t++)
		if (d->member[worker].thread[t] &&
		    !await_state(d, w->pid, atomic_load(&w->actor[t].tid),
		    "T"))
			return false;
	kill(w->pid, SIGCONT);
	return true;
}

static bool
send_signal(struct driver *d, int side, const struct op *op)
{
	static const int number[SIGNALS] = {
		[SIGNAL_PLAIN] = SIGUSR1, [SIGNAL_RESTART] = SIGUSR2,
		[SIGNAL_CALLS] = SIGUSR2, [SIGNAL_JUMPS] = SIGUSR1,
		[SIGNAL_IGNORED] = SIGWINCH
	};
	struct actor *a = actor_of(d, side, op);

	if (!await_sleep(d, side, op))
		return false;
	if (op->signal == SIGNAL_STOP)
		return stop(d, side, op->worker);
	a->nested = *op;
	memset(&a->nested_result, 0, sizeof(a->nested_result));
	syscall(SYS_tgkill, d->world->worker[side][op->worker].pid,
	    atomic_load(&a->tid), number[op->signal]);
	return true;
}

void
hand_remind(const struct driver *d, int worker, int thread)
{
	const struct worker *w = &d->world->worker[MIPC][worker];

	syscall(SYS_tgkill, w->pid, atomic_load(&w->actor[thread].tid),
	    SIGUSR1);
}

/* ---- all of it ---- */

static bool
give(struct driver *d, int side, const struct op *op)
{
	switch (op->kind) {
	case OP_SIGNAL:
		return send_signal(d, side, op);
	case OP_FORK:
		expect_birth(d, side, op->child);
		order(d, side, op);
		return await_birth(d, side, op->child);
	case OP_EXEC:
		expect_birth(d, side, op->worker);
		order(d, side, op);
		return await_birth(d, side, op->worker);
	case OP_EXIT:
	case OP_VANISH:
		order(d, side, op);
		return await_end(d, side, op->worker);
	case OP_KILL:
		kill(d->world->worker[side][op->worker].pid, SIGKILL);
		return await_end(d, side, op->worker);
	case OP_THREAD_END:
		return end_thread(d, side, op);
	case OP_THREAD_NEW:
		atomic_store(&d->world->worker[side][op->worker].actor[
		    op->child].tid, 0);
		order(d, side, op);
		return await_thread(d, side, op->worker, op->child);
	case OP_SETUID:		/* which libc does by signals of its own */
		if (!await_sleep(d, side, op))
			return false;
		/* FALLTHROUGH */
	default:
		order(d, side, op);
		return true;
	}
}

static int
ctl(int side, int id, int num, int cmd, union semun arg)
{
	return side_calls[side]->ctl(id, num, cmd, arg);
}

const struct hand hand_processes = { bear, give, ctl };
