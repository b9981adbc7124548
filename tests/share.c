/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share.c - memory and a lock among forked workers, of whom any may be
 * stopped or killed, the one that made it among them.
 *
 *	--kills		only workers that are killed, for a library that is
 *			broken
 */
#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "mipc.h"

enum { WORKERS = 4, TIMES = 2000, KILLS = 150, JOBS = 2000, ROOM = 4 };

static const struct timespec none, little = { .tv_nsec = 30000000 },
    patience = { .tv_sec = 20 };

static struct memory {
	long count;
	/* Equal whenever nobody is inside. */
	volatile long before, after;
	_Atomic long repairs, inside, wrong;
	_Atomic uint32_t ready, go;
	int order[WORKERS], n;
	int job[ROOM], head, tail;
	long sum, sent;
} *m;

static bool
fails(int result, int error)
{
	return result == -1 && errno == error;
}

static void
begin(void)
{
	m = mipc_share(sizeof(*m));
	if (m == NULL)
		harness_die("mipc_share: %s", strerror(errno));
}

static void
drop(void)
{
	if (mipc_share_leave(m) != 0)
		harness_die("mipc_share_leave: %s", strerror(errno));
}

static pid_t
start(void (*body)(int), int arg)
{
	pid_t pid;

	pid = harness_fork();
	if (pid == 0) {
		body(arg);
		_exit(0);
	}
	return pid;
}

static pid_t
start_ready(void (*body)(int), int arg)
{
	uint32_t before = atomic_load(&m->ready);
	pid_t pid = start(body, arg);

	harness_wait(&m->ready, before, 20);
	return pid;
}

static void
be_ready(void)
{
	harness_raise(&m->ready);
}

static int
status_of(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
end(pid_t pid, int sig)
{
	kill(pid, sig);
	waitpid(pid, NULL, sig == SIGSTOP ? WUNTRACED : 0);
}

/* ---- the lock ---- */

static void
count_up(int times)
{
	for (int i = 0; i < times; i++) {
		if (mipc_share_lock(m, NULL) != 0)
			_exit(1);
		m->count++;
		if (mipc_share_unlock(m) != 0)
			_exit(1);
	}
}

static void
test_count(void)
{
	pid_t pid[WORKERS];
	int bad = 0;

	begin();
	for (int i = 0; i < WORKERS; i++)
		pid[i] = start(count_up, TIMES);
	for (int i = 0; i < WORKERS; i++)
		bad += status_of(pid[i]) != 0;
	tap_ok(bad == 0 && m->count == WORKERS * TIMES,
	    "%d workers count to %d together", WORKERS, WORKERS * TIMES);
	drop();
}

static void
hold(int told)
{
	if (mipc_share_lock(m, NULL) != told)
		_exit(1);
	be_ready();
	pause();
}

static void
test_death(void)
{
	pid_t pid;

	begin();
	pid = start_ready(hold, 0);
	tap_ok(mipc_share_holder(m) == pid &&
	    fails(mipc_share_lock(m, &none), ETIMEDOUT) &&
	    fails(mipc_share_lock(m, &little), ETIMEDOUT),
	    "who has the lock is named, and waited for as long as is said");
	end(pid, SIGKILL);
	tap_ok(mipc_share_lock(m, NULL) == 1 &&
	    mipc_share_holder(m) == getpid(),
	    "whoever has the lock next is told of a death");
	tap_ok(mipc_share_unlock(m) == 0 && mipc_share_holder(m) == 0 &&
	    mipc_share_lock(m, NULL) == 0 && mipc_share_unlock(m) == 0,
	    "and nobody afterwards");
	end(start_ready(hold, 0), SIGKILL);
	end(start_ready(hold, 1), SIGKILL);
	tap_ok(mipc_share_lock(m, &little) == 1,
	    "but if he dies, too, the next one is");
	mipc_share_unlock(m);
	drop();
}

static void
test_stopped(void)
{
	pid_t pid;

	begin();
	pid = start_ready(hold, 0);
	end(pid, SIGSTOP);
	tap_ok(fails(mipc_share_lock(m, &little), ETIMEDOUT) &&
	    mipc_share_holder(m) == pid,
	    "one that is stopped can be seen, and waited for within limits");
	end(mipc_share_holder(m), SIGKILL);
	tap_ok(mipc_share_lock(m, NULL) == 1,
	    "if it is killed its lock is recovered");
	mipc_share_unlock(m);
	drop();
}

static void
queue_up(int number)
{
	if (mipc_share_lock(m, NULL) != 0)
		_exit(1);
	m->order[m->n++] = number;
	mipc_share_unlock(m);
}

static int
sleepers(void)
{
	struct mipc_ns *ns = mipc_share_ns(m);
	int id;

	return mipc_look_ids(ns, MIPC_SEM, &id, 1) == 1 ?
	    mipc_semctl(ns, id, 0, GETNCNT) : -1;
}

static void
test_order(void)
{
	pid_t pid[WORKERS];
	int bad = 0;

	begin();
	mipc_share_lock(m, NULL);
	for (int i = 0; i < WORKERS; i++) {
		pid[i] = start(queue_up, i);
		while (sleepers() != i + 1)
			usleep(100);
	}
	mipc_share_unlock(m);
	for (int i = 0; i < WORKERS; i++)
		bad += status_of(pid[i]) != 0 || m->order[i] != i;
	tap_ok(bad == 0, "workers have the lock in the order they came");
	drop();
}

static void
unlock_other(int arg)
{
	(void)arg;
	_exit(fails(mipc_share_unlock(m), EPERM) &&
	    fails(mipc_share_wait(m, NULL), EPERM) ? 0 : 1);
}

static void
test_refused(void)
{
	const struct timespec wrong = { .tv_nsec = -1 };

	begin();
	tap_ok(mipc_share(0) == NULL && errno == EINVAL &&
	    mipc_share_reserve(2, 1) == NULL && errno == EINVAL &&
	    mipc_share(SIZE_MAX) == NULL && errno == ENOMEM,
	    "a size out of range is refused");
	tap_ok(fails(mipc_share_unlock(m), EPERM) &&
	    fails(mipc_share_lock(m, &wrong), EINVAL) &&
	    mipc_share_lock(m, NULL) == 0 &&
	    fails(mipc_share_lock(m, NULL), EDEADLK) &&
	    fails(mipc_share_leave(m), EBUSY) &&
	    fails(mipc_share_wait(m, &wrong), EINVAL) &&
	    status_of(start(unlock_other, 0)) == 0 &&
	    mipc_share_unlock(m) == 0,
	    "what only the holder may do is refused to others");
	drop();
}

/* ---- kills ---- */

/* Change what is only right as a whole. */
static void
change_on(int arg)
{
	int r;

	(void)arg;
	for (;;) {
		r = mipc_share_lock(m, NULL);
		if (r == -1)
			_exit(1);
		m->wrong += atomic_fetch_add(&m->inside, 1) != 0 && r == 0;
		if (r == 1) {
			m->inside = 1;
			m->after = m->before;
			m->repairs++;
		}
		m->wrong += m->before != m->after;
		m->before++;
		for (volatile int i = 0; i < 200; i++)
			continue;
		m->after++;
		m->inside--;
		mipc_share_unlock(m);
	}
}

static bool
test_kills(void)
{
	struct rng rng;
	pid_t pid[WORKERS];
	long changes;

	begin();
	rng_seed(&rng, rng_entropy());
	for (int i = 0; i < WORKERS; i++)
		pid[i] = start(change_on, 0);
	for (int i = 0; i < KILLS; i++) {
		unsigned which = rng_below(&rng, WORKERS);

		changes = m->before;
		while (m->before == changes)
			usleep(rng_below(&rng, 300));
		end(pid[which], SIGKILL);
		pid[which] = start(change_on, 0);
	}
	for (int i = 0; i < WORKERS; i++)
		end(pid[i], SIGKILL);
	changes = m->wrong;
	tap_ok(changes == 0 && m->repairs > 0, "%d workers killed in %ld "
	    "changes: %ld had to be repaired, and nobody saw another half done",
	    KILLS, m->before, m->repairs);
	drop();
	return changes == 0;
}

/* The one that made it is killed with the lock; its children go on. */
static void
make_and_die(int told)
{
	struct memory *outer = m;

	begin();
	for (int i = 0; i < 2; i++) {
		fflush(NULL);
		if (fork() != 0)
			continue;
		if (mipc_share_lock(m, &patience) == 1)
			outer->repairs++;
		m->count++;
		outer->count += m->count == 2;
		mipc_share_unlock(m);
		harness_raise(&outer->ready);
		_exit(0);
	}
	mipc_share_lock(m, NULL);
	while (sleepers() + (int)outer->ready < 2 && told == 0)
		usleep(100);
	raise(SIGKILL);
}

static void
test_creator(void)
{
	begin();
	status_of(start(make_and_die, 0));
	for (uint32_t n; (n = atomic_load(&m->ready)) < 2; )
		harness_wait(&m->ready, n, 20);
	tap_ok(m->count == 1 && m->repairs <= 1,
	    "when the one that made it is killed its children go on");
	drop();
}

/* ---- waiting ---- */

static void
send_jobs(int n)
{
	for (int i = 1; i <= n; i++) {
		mipc_share_lock(m, NULL);
		while (m->head - m->tail == ROOM)
			mipc_share_wait(m, NULL);
		m->job[m->head++ % ROOM] = i;
		mipc_share_notify(m);
		mipc_share_unlock(m);
	}
}

static void
take_jobs(int n)
{
	for (int i = 0; i < n; i++) {
		mipc_share_lock(m, NULL);
		while (m->head == m->tail)
			mipc_share_wait(m, NULL);
		m->sum += m->job[m->tail++ % ROOM];
		mipc_share_notify(m);
		mipc_share_unlock(m);
	}
}

static void
test_jobs(void)
{
	pid_t pid[4];
	int bad = 0;

	begin();
	pid[0] = start(take_jobs, JOBS);
	pid[1] = start(send_jobs, JOBS);
	pid[2] = start(take_jobs, JOBS);
	pid[3] = start(send_jobs, JOBS);
	for (int i = 0; i < 4; i++)
		bad += status_of(pid[i]) != 0;
	tap_ok(bad == 0 && m->sum == (long)JOBS * (JOBS + 1),
	    "%d jobs go through a queue for %d", 2 * JOBS, ROOM);
	drop();
}

static void
test_wait(void)
{
	begin();
	mipc_share_lock(m, NULL);
	tap_ok(fails(mipc_share_wait(m, &little), ETIMEDOUT) &&
	    mipc_share_holder(m) == getpid() && mipc_share_unlock(m) == 0,
	    "a wait ends when it is said to, with the lock");
	drop();
}

/* ---- growing ---- */

static void
grow(int by)
{
	char *bytes = (void *)m;
	size_t size = mipc_share_size(m);

	if (mipc_share_grow(m, size + (size_t)by) != 0)
		_exit(1);
	bytes[size + (size_t)by - 1] = 'x';
}

static void
test_grow(void)
{
	const size_t most = (size_t)1 << 26;
	char *bytes;

	m = mipc_share_reserve(sizeof(*m), most);
	bytes = (void *)m;
	tap_ok(m != NULL && mipc_share_size(m) == sizeof(*m) &&
	    status_of(start(grow, 1 << 20)) == 0 &&
	    mipc_share_size(m) == sizeof(*m) + (1 << 20) &&
	    bytes[mipc_share_size(m) - 1] == 'x' &&
	    mipc_share_grow(m, 1) == 0 &&
	    mipc_share_size(m) > 1 && mipc_share_grow(m, most) == 0 &&
	    fails(mipc_share_grow(m, most + 1), ENOSPC) &&
	    bytes[most - 1] == 0,
	    "what one lets grow is there for all, at the same address");
	drop();
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--kills") == 0) {
		tap_plan(1);
		test_kills();
		return tap_end();
	}
	tap_plan(15);
	test_count();
	test_death();
	test_stopped();
	test_order();
	test_refused();
	test_kills();
	test_creator();
	test_jobs();
	test_wait();
	test_grow();
	return tap_end();
}
