/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_death_stage.c - the actors of the test of deaths.
 *
 * Every actor is a fresh process.  The one that directs makes no call between
 * a death and what must follow from it: it would settle the dead itself.
 */
#include "sem_death.h"

#include <sys/wait.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
must(bool good, const char *fmt, ...)
{
	const int error = errno;
	va_list ap;
	int n;

	if (good)
		return;
	va_start(ap, fmt);
	n = vsnprintf(play->text, sizeof(play->text), fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(play->text))
		snprintf(play->text + n, sizeof(play->text) - (size_t)n,
		    " (%s)", error_name(error));
	_exit(1);
}

void
begin(int units)
{
	must(sets_make(play->store, play->dir), "no namespace");
	play->id = sets_get(IPC_PRIVATE, 1, 0600);
	must(play->id != -1, "semget");
	must(sets_ctl(play->id, 0, SETVAL, (union sem_arg){ .val = units }) ==
	    0, "SETVAL");
}

/* ---- an actor ---- */

static void
be_another_image(enum order how)
{
	execl("/proc/self/exe", "sem_death", "--exec",
	    how == EXEC_AND_CALL ? play->dir : "", NULL);
	_exit(3);
}

static void
obey(struct actor *a)
{
	switch (atomic_load(&a->order)) {
	case GIVE:
		a->error = sets_one(play->id, 0, a->number, SEM_UNDO) == 0 ?
		    0 : errno;
		break;
	case CLOSE:
		close_range(0, ~0u, 0);
		break;
	case EXIT:
		exit(0);
	case EXEC_CLOSED:
		close_range(3, ~0u, 0);
		/* FALLTHROUGH */
	case EXEC:
	case EXEC_AND_CALL:
		be_another_image(atomic_load(&a->order));
	}
	atomic_store(&a->order, NONE);
	atomic_store(&a->obeyed, 1);
	harness_wake(&a->obeyed);
}

static void	*act(void *arg) __attribute__((noreturn));

static void *
act(void *arg)
{
	struct actor *a = arg;

	a->error = sets_one(play->id, 0, -a->units, a->flags) == 0 ? 0 : errno;
	a->when = harness_now();
	atomic_store(&a->has, 1);
	harness_wake(&a->has);
	for (;;) {
		harness_wait(&a->order, NONE, 3600);
		obey(a);
	}
}

static void
act_in_thread(struct actor *a)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, act, a) != 0)
		_exit(2);
	pthread_join(thread, NULL);
}

static void
start_with(unsigned who, int units, int flags)
{
	struct actor *a = &play->actor[who];
	pid_t pid;

	memset(a, 0, sizeof(*a));
	a->units = units;
	a->flags = flags;
	pid = play->apart ? fork_into_pid_namespace() : fork();
	if (pid == 0) {
		harness_die_with_parent();
		if (play->apart && getpid() != 1)
			_exit(2);
		sets_use(play->store, play->dir,
		    play->store == ANONYMOUS ? sets_ns() : NULL);
		if (play->in_threads)
			act_in_thread(a);
		act(a);
	}
	must(pid != -1, "fork");
	a->pid = pid;
}

void
start(unsigned who, int units)
{
	start_with(who, units, SEM_UNDO);
}

void
start_plain(unsigned who, int units)
{
	start_with(who, units, 0);
}

/* ---- the director ---- */

bool
has(unsigned who)
{
	return atomic_load(&play->actor[who].has) != 0;
}

void
await_has(unsigned who)
{
	struct actor *a = &play->actor[who];

	harness_wait(&a->has, 0, HANG);
	must(has(who), "actor %u never gets its units", who);
	must(a->error == 0, "actor %u: semop says %s", who,
	    error_name(a->error));
}

void
await_waiting(int n)
{
	const int cmd = play->for_zero ? GETZCNT : GETNCNT;

	if (sets_await(play->id, 0, cmd, n, HANG))
		return;
	for (unsigned i = 0; i < ACTORS; i++)
		must(play->actor[i].error == 0, "actor %u: semop says %s", i,
		    error_name(play->actor[i].error));
	must(false, "%d wait, not %d, and the value is %d",
	    sets_ask(play->id, 0, cmd), n,
	    sets_ask(play->id, 0, GETVAL));
}

void
order(unsigned who, enum order what, int number)
{
	struct actor *a = &play->actor[who];

	a->number = number;
	atomic_store(&a->obeyed, 0);
	atomic_store(&a->order, what);
	harness_wake(&a->order);
	if (what != CLOSE && what != GIVE)
		return;
	harness_wait(&a->obeyed, 0, HANG);
	must(atomic_load(&a->obeyed) != 0, "actor %u does not obey", who);
	must(a->error == 0, "actor %u: semop says %s", who,
	    error_name(a->error));
}

double
slay(unsigned who)
{
	const double now = harness_now();

	kill(play->actor[who].pid, SIGKILL);
	return now;
}

void
must_go_on(unsigned who, double since)
{
	double took;

	await_has(who);
	took = play->actor[who].when - since;
	if (took > play->worst)
		play->worst = took;
	play->turns++;
	play->late += took > play->limit;
}

void
dismiss(unsigned who)
{
	if (play->actor[who].pid == 0)
		return;
	kill(play->actor[who].pid, SIGKILL);
	waitpid(play->actor[who].pid, NULL, 0);
	play->actor[who].pid = 0;
}

unsigned
await_one_of(unsigned from, unsigned n)
{
	const double end = harness_now() + HANG;
	_Atomic uint32_t never = 0;

	for (;;) {
		for (unsigned i = from; i < from + n; i++)
			if (play->actor[i].pid != 0 && has(i))
				return i;
		must(harness_now() < end, "none of %u gets its units", n);
		harness_wait(&never, 0, 0.0001);
	}
}

/* ---- another image ---- */

/* argv: --exec DIRECTORY; an empty one is not opened. */
int
exec_main(char **argv)
{
	if (argv[2][0] != '\0') {
		struct mipc_ns *ns = mipc_open(argv[2], 0);
		int id = -1;

		if (ns != NULL)
			id = mipc_semget(ns, IPC_PRIVATE, 1, 0600);
		if (id == -1 || mipc_semctl(ns, id, 0, IPC_RMID) == -1)
			return 2;
	}
	if (write(STDOUT_FILENO, "", 1) != 1)
		return 2;
	for (;;)
		pause();
}
