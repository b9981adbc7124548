/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_kill.c - from the SIGKILL of a process that holds a semaphore with
 * SEM_UNDO until the one who waits for it has it.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "crowd.h"

#define KILLS	5	/* of a batch; its value is the middle one */

/*
 * The one who waits.  `begun` says that it will ask now, `woken` when it got
 * what it asked for.
 */
static void
wait_in_line(struct bench *b, unsigned self)
{
	const struct bench_lock *lock = b->side->lock;
	struct bench_crowd *c = b->crowd;

	(void)self;
	for (uint32_t batch = 1;; batch++) {
		bench_await(&c->order, batch);
		bench_tell(&c->begun);
		if (lock->down(b, 0) != 0)
			return;
		c->woken = bench_now();
		if (lock->up(b, 0) != 0)
			return;
		bench_tell(&c->finished);
	}
}

/* The one who is killed.  `ready` says that it holds the semaphore. */
static void
hold(struct bench *b, unsigned self)
{
	(void)self;
	if (b->side->lock->down(b, 0) != 0)
		return;
	bench_tell(&b->crowd->ready);
	for (;;)
		pause();
}

static int
set_up(struct bench *b)
{
	return bench_crowd_make(b, wait_in_line);
}

/* Does a process sleep?  Only what its system call waits for can wake it. */
static int
sleeps(pid_t pid)
{
	char path[32], stat[256];
	const char *state;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	len = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (len <= 0)
		return -1;
	stat[len] = '\0';
	state = strrchr(stat, ')');
	if (state == NULL || state[1] != ' ' || strchr("ZX", state[2]))
		return -1;
	return state[2] == 'S';
}

/* Wait until the one who has been told to ask is asleep. */
static int
await_asleep(struct bench *b, uint32_t batch)
{
	const pid_t pid = b->crowd->member[0].pid;
	int asleep;

	bench_await(&b->crowd->begun, batch);
	while ((asleep = sleeps(pid)) == 0)
		sched_yield();
	return asleep == 1 ? 0 : -1;
}

static double
kill_one(struct bench *b)
{
	struct bench_crowd *c = b->crowd;
	const uint32_t batch = atomic_load(&c->order) + 1;
	const pid_t pid = bench_crowd_fork(b, hold, 0);
	uint64_t start;
	int asleep;

	if (pid == -1)
		return -1;
	bench_await(&c->ready, batch);
	bench_tell(&c->order);
	asleep = await_asleep(b, batch);
	start = bench_now();
	if (bench_end(pid) == -1 || asleep == -1)
		return -1;
	bench_await(&c->finished, batch);
	if (c->woken < start) {
		snprintf(b->note, sizeof(b->note), "it had it all the time");
		return -1;
	}
	return (double)(c->woken - start);
}

static int
by_value(const void *x, const void *y)
{
	const double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static double
kill_some(struct bench *b, unsigned long n)
{
	double took[KILLS];

	(void)n;
	for (int i = 0; i < KILLS; i++) {
		took[i] = kill_one(b);
		if (took[i] < 0)
			return -1;
	}
	qsort(took, KILLS, sizeof(*took), by_value);
	return took[KILLS / 2];
}

#define SIDE(side_name, side_home, l, run_fn)				\
	{								\
		.name = side_name, .home = side_home,			\
		.lock = &l##_lock, .setup = set_up, .run = run_fn,	\
		.teardown = bench_crowd_drop,				\
	}

const struct bench_row bench_rows_kill[] = {
	{
		.name = "sem kill wake", .unit = "ns", .count = 1,
		.nsems = 1, .value = 1, .procs = 1, .once = KILLS,
		.target = 0.8,
		.side = {
			UNDO_SIDES(SIDE, kill_some),
			SIDE("robust mutex", HOME_NONE, robust, kill_some),
		},
	},
	{ .name = NULL }
};
