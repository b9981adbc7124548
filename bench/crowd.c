/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crowd.c - makes a side's other processes and ends them.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <sched.h>
#include <signal.h>

#include "queues.h"

/* The processors that we may use. */
unsigned
bench_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == -1)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

/* Stay on the `nth` of them, counted around; to be called once. */
void
bench_pin(unsigned nth)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all) == -1)
		return;
	nth %= (unsigned)CPU_COUNT(&all);
	CPU_ZERO(&one);
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all) && nth-- == 0)
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* Add 1 to a word and wake all who wait for it to grow. */
void
bench_tell(_Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	futex(word, FUTEX_WAKE, INT32_MAX);
}

/* Wait until the word has reached a value. */
void
bench_await(_Atomic uint32_t *word, uint32_t value)
{
	uint32_t seen;

	while ((int32_t)((seen = atomic_load(word)) - value) < 0)
		futex(word, FUTEX_WAIT, seen);
}

pid_t
bench_crowd_fork(struct bench *b, bench_part *part, unsigned self)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		part(b, self);
	_exit(0);
}

/* Kill a process and wait for its end. */
int
bench_end(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) == -1)
		if (errno != EINTR)
			return -1;
	return 0;
}

static int
make_shared(struct bench *b)
{
	return b->side->queue != NULL ? b->side->queue->make(b) :
	    b->side->lock->make(b);
}

static void
drop_shared(struct bench *b)
{
	if (b->side->queue != NULL)
		b->side->queue->drop(b);
	else
		b->side->lock->drop(b);
}

/* Make what the row wants: its objects, and processes that do `part`. */
int
bench_crowd_make(struct bench *b, bench_part *part)
{
	void *at = mmap(NULL, sizeof(*b->crowd), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return -1;
	b->crowd = at;
	if (make_shared(b) == -1)
		return -1;
	for (unsigned i = 0; i < b->row->procs; i++) {
		const pid_t pid = bench_crowd_fork(b, part, i);

		if (pid == -1)
			return -1;
		b->crowd->member[i].pid = pid;
	}
	return 0;
}

void
bench_crowd_drop(struct bench *b)
{
	if (b->crowd == NULL)
		return;
	for (unsigned i = 0; i < b->row->procs; i++)
		if (b->crowd->member[i].pid != 0)
			bench_end(b->crowd->member[i].pid);
	drop_shared(b);
	munmap(b->crowd, sizeof(*b->crowd));
}
