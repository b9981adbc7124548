/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_sem_cast.c - who takes part in a scene of sets besides the victim.
 *
 * A holder makes the sets and lives on; a debtor owes something, or owed it
 * and is dead; sleepers wait; a helper lets the victim go on, or kills it, as
 * soon as it sleeps.  None of them makes a call while the victim is stepped:
 * it would finish what the victim has begun.  So what the victim does is read
 * from /proc.
 */
#include "kill.h"

#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE	30.0
#define AT_ONCE		0.025	/* who is woken comes back, mostly */
#define LATE		0.3	/* it may have been a heartbeat */
#define SOON		10.0	/* ... on a machine that has more to do */

void
sem_enroll(struct stage *s)
{
	const unsigned n = atomic_fetch_add(&s->cast.pids, 1);

	if (n < sizeof(s->cast.pid) / sizeof(s->cast.pid[0]))
		s->cast.pid[n] = getpid();
}

static void
perform(struct stage *s, const struct sem_vector *v, const char *who)
{
	struct sem_vector mine = *v;

	if (sets_op(s->target, mine.op, mine.n) == -1)
		stage_tell(s, "%s: semop", who);
}

static void
idle(void)
{
	for (;;)
		pause();
}

/* ---- the holder ---- */

static int
count_waiting(const struct stage *s)
{
	int n = 0;

	for (int i = 0; i < SEMS; i++)
		n += sets_ask(s->target, i, GETNCNT) +
		    sets_ask(s->target, i, GETZCNT);
	return n;
}

static void
watch_sleepers(struct stage *s)
{
	_Atomic uint32_t never = 0;

	for (int n = 1; n <= SLEEPERS; n++) {
		if (s->scene->sets->sleeper[n - 1].n == 0)
			return;
		while (count_waiting(s) != n)
			harness_wait(&never, 0, 0.0002);
		atomic_store(&s->cast.asleep, (uint32_t)n);
		harness_wake(&s->cast.asleep);
	}
}

void
sem_hold(struct stage *s)
{
	unsigned short v[SEMS];

	if (!s->anonymous && !s->kernel && !sets_make(DIRECTORY, s->dir))
		stage_tell(s, "set-up: no namespace");
	sem_enroll(s);
	memcpy(v, s->scene->sets->start, sizeof(v));
	s->bystander = sets_get(KEY_BYSTANDER, 1, IPC_CREAT | 0600);
	s->target = sets_get(KEY_TARGET, SEMS, IPC_CREAT | 0600);
	if (s->bystander == -1 || s->target == -1 ||
	    (!s->scene->sets->unused && sets_ctl(s->target, 0, SETALL,
	    (union sem_arg){ .array = v }) == -1) ||
	    sets_one(s->bystander, 0, 1, 0) == -1)
		stage_tell(s, "set-up: the sets");
	atomic_store(&s->ready, 1);
	harness_wake(&s->ready);
	watch_sleepers(s);
	harness_wait(&s->leave, 0, 2 * PATIENCE);
	_exit(0);
}

/* ---- the others ---- */

static void
be_debtor(struct stage *s)
{
	sem_enroll(s);
	perform(s, &s->scene->sets->debtor, "the debtor");
	atomic_store(&s->cast.owes, 1);
	harness_wake(&s->cast.owes);
	idle();
}

static void
sleep_as(struct stage *s, unsigned i)
{
	struct sem_vector v = s->scene->sets->sleeper[i];

	sem_enroll(s);
	s->cast.slept[i].error =
	    sets_op(s->target, v.op, v.n) == 0 ? 0 : errno;
	atomic_store(&s->cast.slept[i].back, 1);
	harness_wake(&s->cast.slept[i].back);
	idle();
}

static void
be_first_sleeper(struct stage *s)
{
	sleep_as(s, 0);
}

static void
be_second_sleeper(struct stage *s)
{
	sleep_as(s, 1);
}

static void
be_helper(struct stage *s)
{
	const struct sem_scene *scene = s->scene->sets;
	_Atomic uint32_t never = 0;
	int victim;

	sem_enroll(s);
	sets_ask(s->bystander, 0, GETVAL);	/* no first call later on */
	harness_wait((_Atomic uint32_t *)&s->cast.victim, 0, PATIENCE);
	victim = atomic_load(&s->cast.victim);
	while (!process_sleeps(victim)) {
		if (!process_lives(victim))
			return;
		harness_wait(&never, 0, 0.0002);
	}
	if (scene->help_by_kill)
		kill(victim, SIGKILL);
	else
		perform(s, &scene->help, "the helper");
	atomic_store(&s->cast.helped, 1);
}

/* ---- from the stage ---- */

static void
await(struct stage *s, _Atomic uint32_t *word, uint32_t want)
{
	const double end = harness_now() + PATIENCE;

	while (atomic_load(word) < want) {
		harness_wait(word, atomic_load(word), 0.1);
		if (atomic_load(&s->told) || harness_now() > end)
			stage_fail("set-up");
	}
}

void
sem_gather(struct stage *s)
{
	static void (*const body[SLEEPERS])(struct stage *) = {
		be_first_sleeper, be_second_sleeper
	};
	const struct sem_scene *scene = s->scene->sets;

	if (scene->debtor.n > 0) {
		s->cast.debtor = stage_start(s, be_debtor);
		await(s, &s->cast.owes, 1);
	}
	if (scene->debtor_is_dead) {
		kill(s->cast.debtor, SIGKILL);
		waitpid(s->cast.debtor, NULL, 0);
		s->cast.debtor = 0;
	}
	for (unsigned i = 0; i < SLEEPERS && scene->sleeper[i].n > 0; i++) {
		s->cast.sleeper[i] = stage_start(s, body[i]);
		await(s, &s->cast.asleep, i + 1);
	}
	if (scene->help.n > 0 || scene->help_by_kill)
		s->cast.helper = stage_start(s, be_helper);
}

unsigned
sem_back(const struct stage *s)
{
	unsigned back = 0;

	for (unsigned i = 0; i < SLEEPERS; i++)
		back |= atomic_load(&s->cast.slept[i].back) << i;
	return back;
}

void
sem_await(struct stage *s)
{
	const double begin = harness_now();
	const double end = begin + (s->patient ? SOON : AT_ONCE);
	const struct sem_end *e = s->scene->sets->end;
	_Atomic uint32_t never = 0;
	unsigned most = 0;

	if (s->cast.helper != 0)
		stage_end(s->cast.helper, "the helper");
	for (unsigned i = 0; i < ENDS_MOST && e[i].is; i++)
		most |= e[i].back;
	while (sem_back(s) != most && harness_now() < end)
		harness_wait(&never, 0, 0.0002);
	s->cast.early = sem_back(s);
	s->cast.late = harness_now() > begin + LATE;
}

static void
end(pid_t pid)
{
	if (pid == 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void
sem_dismiss(struct stage *s)
{
	end(s->cast.debtor);
	for (unsigned i = 0; i < SLEEPERS; i++)
		end(s->cast.sleeper[i]);
}
