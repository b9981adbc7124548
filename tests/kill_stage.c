/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_stage.c - one kill, from an empty namespace to the verdict.
 *
 * Each try has a process (the stage), a directory and descendants of its own.
 * The stage traces the victims.  It makes no mipc call itself until the end,
 * so that what it forks as a judge is fresh; an anonymous namespace is the
 * exception, since somebody must make it before the others are forked.
 */
#include "kill.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE	30.0

static struct stage *s;
static const struct attempt *a;
static struct outcome *o;

void
stage_fail(const char *what)
{
	snprintf(o->text, sizeof(o->text), "%.100s%s%.250s", what,
	    atomic_load(&s->told) ? ": " : "", s->text);
	_exit(1);
}

pid_t
stage_start(struct stage *stage, void (*body)(struct stage *))
{
	const pid_t pid = fork();

	if (pid == -1)
		harness_die("fork: %s", strerror(errno));
	if (pid == 0) {
		harness_die_with_parent();
		body(stage);
		_exit(0);
	}
	return pid;
}

void
stage_end(pid_t pid, const char *what)
{
	const int status = harness_reap(pid, PATIENCE);
	char text[100];

	if (status == 0)
		return;
	if (status == -1)
		snprintf(text, sizeof(text), "%s does not end", what);
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "%s: %s", what,
		    strsignal(WTERMSIG(status)));
	else
		snprintf(text, sizeof(text), "%s", what);
	stage_fail(text);
}

/* ---- the victim ---- */

/* Who takes part besides the victim, and who judges. */
static const struct company {
	void (*hold)(struct stage *);
	void (*gather)(struct stage *);		/* NULL: there is nobody */
	void (*await)(struct stage *);
	void (*dismiss)(struct stage *);
	void (*judge_while_held)(struct stage *);
	void (*judge_when_alone)(struct stage *);
	const struct scene *recovery;
} of_segments = {
	.hold = scene_hold,
	.judge_while_held = judge_while_held,
	.judge_when_alone = judge_when_alone,
	.recovery = &shm_recovery
}, of_sets = {
	sem_hold, sem_gather, sem_await, sem_dismiss, sem_judge_while_held,
	sem_judge_when_alone, &sem_recovery
}, of_queues = {
	msg_hold, msg_gather, msg_await, msg_dismiss, msg_judge_while_held,
	msg_judge_when_alone, &msg_recovery
};

static const struct company *
company(void)
{
	return s->scene->queues != NULL ? &of_queues :
	    s->scene->sets != NULL ? &of_sets : &of_segments;
}

static void
be_stepped(struct stage *stage, const struct scene *scene)
{
	scene->before(stage);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	kill(getpid(), SIGSTOP);
	scene->act(stage);
	kill(getpid(), SIGSTOP);
}

static void
first_victim(struct stage *stage)
{
	be_stepped(stage, stage->scene);
}

static void
second_victim(struct stage *stage)
{
	be_stepped(stage, company()->recovery);
}

static void
slay(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	while (waitpid(pid, &status, __WALL) == pid && !WIFSIGNALED(status) &&
	    !WIFEXITED(status))
		;
}

/* Bring the victim to its point, or step it through all; kill it there. */
static pid_t
kill_first(void)
{
	pid_t pid = stage_start(s, first_victim), born = 0;

	trace_begin(pid);
	if (s->scene->flags & KILL_CHILD) {
		born = pid;
		pid = trace_into_child(pid);
	}
	if (a->record != NULL && !trace_record(pid, a->record,
	    (s->scene->flags & ENDS) != 0, &born))
		stage_fail("the operation came to a bad end");
	if (a->first != NULL && !trace_to(pid, a->first, &born, &o->drifted))
		o->drifted = true;	/* its end is as good a place */
	slay(pid);
	return born;
}

/* Another one, in the recovery from that. */
static void
kill_second(void)
{
	const pid_t pid = stage_start(s, second_victim);
	pid_t born = 0;

	trace_begin(pid);
	if (a->count != NULL)
		atomic_store(a->count, trace_calls(pid));
	else if (a->record_second != NULL)
		trace_record(pid, a->record_second, false, &born);
	else
		trace_to(pid, a->second, &born, &o->drifted);
	slay(pid);
}

/* Whoever survives a fork says so once it is back in its own code. */
static void
await_survivor(pid_t born)
{
	if (born == 0)
		return;
	harness_wait(&s->survivor, 0, PATIENCE);
	if (atomic_load(&s->survivor) != (uint32_t)born)
		stage_fail("who survived the fork does not go on");
}

/* A survivor need not be a child of ours: its pidfd tells. */
static void
await_end(pid_t pid)
{
	struct pollfd end = { .events = POLLIN };

	end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (end.fd == -1)
		return;		/* ended and reaped by init */
	if (poll(&end, 1, (int)(PATIENCE * 1000)) != 1)
		stage_fail("the survivor does not end");
	close(end.fd);
	waitpid(pid, NULL, WNOHANG);
}

/* ---- the whole ---- */

static pid_t
set_up(void)
{
	const pid_t holder = stage_start(s, company()->hold);

	while (atomic_load(&s->ready) == 0) {
		harness_wait(&s->ready, 0, 0.1);
		if (atomic_load(&s->told))
			stage_fail("set-up");
	}
	if (company()->gather != NULL)
		company()->gather(s);
	return holder;
}

/* Make what must be there before anybody is forked. */
static void
make_namespace(void)
{
	const enum store store = s->kernel ? KERNEL :
	    s->anonymous ? ANONYMOUS : DIRECTORY;

	if (store != DIRECTORY && !sets_make(store, s->dir))
		stage_fail("no namespace");
	if (store == DIRECTORY)
		sets_use(store, s->dir, NULL);
	else if (store == ANONYMOUS)
		s->ns = sets_ns();
}

/* Two judges: while others live, and when they are gone. */
static void
judge(pid_t holder, pid_t born)
{
	stage_end(stage_start(s, company()->judge_while_held),
	    "with others alive");
	atomic_store(&s->leave, 1);
	harness_wake(&s->leave);
	stage_end(holder, "the holder");
	if (company()->dismiss != NULL)
		company()->dismiss(s);
	if (born != 0)
		await_end(born);
	stage_end(stage_start(s, company()->judge_when_alone), "alone");
	if (!judge_is_swept(s))
		stage_fail("the namespace cannot be destroyed");
}

/*
 * Tracer and tracee take turns: on one processor a step is three times as
 * fast as between two.
 */
static void
stay_here(void)
{
	const int cpu = sched_getcpu();
	cpu_set_t here;

	CPU_ZERO(&here);
	if (cpu >= 0 && cpu < CPU_SETSIZE) {
		CPU_SET((size_t)cpu, &here);
		sched_setaffinity(0, sizeof(here), &here);
	}
}

static void
play(void)
{
	pid_t holder = 0, born;

	stay_here();
	make_namespace();
	if ((s->scene->flags & MAKES) == 0)
		holder = set_up();
	born = kill_first();
	await_survivor(born);
	if ((s->scene->flags & MAKES) != 0)
		holder = set_up();
	if (company()->await != NULL)
		company()->await(s);
	if (a->second != NULL || a->count != NULL ||
	    a->record_second != NULL) {
		s->twice = true;
		kill_second();
	}
	if (atomic_load(&s->told))
		stage_fail("the victim");
	judge(holder, born);
	_exit(0);
}

void
stage_try(const struct attempt *attempt, struct outcome *out)
{
	static unsigned number;
	int status;
	pid_t pid;

	if (s == NULL) {
		s = harness_shared(sizeof(*s));
		o = harness_shared(sizeof(*o));
		watch_ignore(s);
		watch_ignore(o);
	}
	memset(s, 0, sizeof(*s));
	memset(o, 0, sizeof(*o));
	a = attempt;
	s->scene = a->scene;
	s->anonymous = a->anonymous;
	s->kernel = a->kernel;
	s->patient = a->patient;
	snprintf(s->dir, sizeof(s->dir), "%.4000s/k%u", harness_dir(),
	    number++);
	fflush(stdout);
	pid = fork();
	if (pid == -1)
		harness_die("fork: %s", strerror(errno));
	if (pid == 0) {
		harness_die_with_parent();
		play();
	}
	status = harness_reap(pid, 4 * PATIENCE);
	*out = *o;
	out->good = status == 0;
	out->slow = s->cast.slow || s->post.slow;
	if (!out->good && out->text[0] == '\0')
		snprintf(out->text, sizeof(out->text), "the test itself ended "
		    "with status %#x", status);
	if (!out->good)
		harness_remove(s->dir);
}
