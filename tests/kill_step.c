/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_step.c - kill a process inside each operation, wherever it matters.
 *
 * The state of a namespace is files, locks, mappings and shared memory, and
 * the kernel itself lets go of much of it when a process dies.  So nothing is
 * simulated: the victim is brought to an instruction by ptrace, gets a real
 * SIGKILL there, and fresh processes judge what is left.  Killing at each of
 * thousands of instructions would take minutes an operation; but only those
 * can leave something new behind which an outsider could tell from the one
 * before (see kill_watch.c), a hundred or so.  A recording run finds them.
 * That this shortcut leaves nothing out is what --every shows: it kills at
 * each single instruction, and a verdict that changes where no state did ends
 * the program with a status of its own.  From some kills a second victim is
 * brought to some place in the recovery and killed there; with --states from
 * one of them, on one store, to each that matters.
 *
 *	--seed N	repeat a run
 *	--samples N	kills in each scene, of those that matter (default 10;
 *			of sets and queues a third, and what does not make or
 *			remove one on one store; of the scenes of queues a
 *			sixth)
 *	--parts N	one of so many scenes, drawn by the seed, and no proof
 *			that broken libraries are seen; so many seeds, each
 *			two after the one before, have all scenes
 *	--proof		only the last lines
 *	--states	all of those that matter
 *	--every		each single instruction
 *	--scene NAME	only this one; --list names them
 *	--store NAME	only "directory" or "anonymous"
 *	--until-failure	end at the first one
 *	--kernel	the kernel's own sets and queues: a test of the judges
 *
 * The last lines prove that the test sees what it is for: the same program
 * linked with a library that omits its redo record, with one that omits its
 * intent, with one that leaves the transactions of others as they are, and
 * with one that publishes them in the wrong order, must fail; with --states
 * also that the first fails at no other instructions than at those that the
 * shortcut finds.
 */
#include "kill.h"

#include <sys/wait.h>
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOLD		3	/* failures of a scene that are told in full */
#define EXTRA		4	/* sampled from all instructions, with more */
#define TWICE		2	/* first kills after which recovery is killed */
#define TWICE_EACH	3	/* kills in each of these */
#define SHARE_OF_SETS	3	/* of all that: one part of so many */

#define PART_OF_QUEUES	6	/* one of so many scenes of them */

#define COPIED		512	/* of so many states in a copy one is used */

#define MISSED		4	/* exit status: the shortcut is none */

enum which { SAMPLE, STATES, EVERY };

static struct {
	enum which which;
	unsigned samples, parts;
	const char *scene, *store;
	bool until_failure, kernel, proof;
	uint64_t seed;
	struct rng rng;
} option = { .samples = 10, .parts = 1 };

static struct track *track, *second_track;
static unsigned missed;		/* of all scenes: see struct tally */
static _Atomic uint32_t *recovery_calls;	/* shared, as the track is */

/* What became of one scene on one store. */
struct tally {
	unsigned kills, twice, failures, drifts;
	unsigned missed;	/* verdicts that the shortcut would not give */
};

/* ---- one kill ---- */

static enum store
store_of(bool anonymous)
{
	return option.kernel ? KERNEL : anonymous ? ANONYMOUS : DIRECTORY;
}

extern const char __ehdr_start[];	/* where this program is loaded */

static void
tell(const struct attempt *a, const struct outcome *o)
{
	const struct point *p = a->first, *q = a->second;
	const uint64_t base = (uintptr_t)__ehdr_start;

	tap_note("%s, %s: killed after call %u + %u, program + %#llx%s: %s",
	    a->scene->name, store_name(store_of(a->anonymous)),
	    p->calls, p->steps, (unsigned long long)(p->where - base),
	    q != NULL ? ", and again" : "", o->text);
	if (q != NULL)
		tap_note("  in the recovery after call %u + %u, program + "
		    "%#llx", q->calls, q->steps,
		    (unsigned long long)(q->where - base));
}

static void
begin(struct attempt *a, struct outcome *o)
{
	if (a->record != NULL)
		a->record->n = 0;
	if (a->record_second != NULL)
		a->record_second->n = 0;
	stage_try(a, o);
}

/* What was slow only is tried again with patience. */
static void
try_patiently(struct attempt *a, struct outcome *o)
{
	begin(a, o);
	if (o->good || !o->slow)
		return;
	a->patient = true;
	begin(a, o);
	a->patient = false;
}

static bool
try(struct attempt *a, struct tally *t)
{
	struct outcome o;

	try_patiently(a, &o);
	t->kills += a->second == NULL;
	t->twice += a->second != NULL;
	t->drifts += o.drifted;
	if (!o.good && t->failures++ < TOLD)
		tell(a, &o);
	return o.good;
}

static bool
is_enough(const struct tally *t)
{
	return option.until_failure && t->failures > 0;
}

/* ---- which kills ---- */

/* Both stores are much the same: what takes long is done on this one. */
static bool
is_drawn_anonymous(const struct scene *scene)
{
	uint64_t sum = option.seed;

	for (const char *p = scene->name; *p != '\0'; p++)
		sum += (unsigned char)*p;
	return sum % 2 == 1;
}

static unsigned
count_changes(const struct track *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++)
		n += t->point[i].changed;
	return n;
}

/* Draw `want` of the points that matter, each with the same chance. */
static bool
is_drawn(const struct point *p, unsigned *want, unsigned *left)
{
	bool drawn;

	if (option.which == EVERY)
		return true;
	if (!p->changed)
		return false;
	drawn = option.which == STATES ||
	    rng_below(&option.rng, *left) < *want;
	(*left)--;
	*want -= drawn && *want > 0;
	return drawn;
}

static bool
is_of_segments(const struct scene *scene)
{
	return scene->sets == NULL && scene->queues == NULL;
}

/* There are many scenes of sets and queues: samples of each are fewer. */
static unsigned
share(const struct attempt *a, unsigned n)
{
	return is_of_segments(a->scene) ? n : (n - 1) / SHARE_OF_SETS + 1;
}

static void
kill_once(struct attempt *a, struct tally *t)
{
	unsigned want = share(a, option.samples), left = count_changes(track);
	bool good = true, before = true;

	for (unsigned i = 0; i < track->n && !is_enough(t); i++) {
		a->first = &track->point[i];
		if (!is_drawn(a->first, &want, &left))
			continue;
		before = good;
		good = try(a, t);
		/* Where nothing has changed, nothing else may be left. */
		t->missed += option.which == EVERY && !a->first->changed &&
		    good != before;
	}
	for (unsigned i = 0; i < share(a, EXTRA) && !is_enough(t); i++) {
		a->first = &track->point[rng_below(&option.rng, track->n)];
		try(a, t);
	}
}

/* A place in the recovery; most shared state changes near a system call. */
static void
draw_place(struct point *q, uint32_t calls)
{
	*q = (struct point){ .calls = rng_below(&option.rng, calls + 1) };
	if (rng_chance(&option.rng, 60))
		q->steps = rng_below(&option.rng,
		    2u << rng_below(&option.rng, 8));
}

/* Kill in the recovery from one kill. */
static void
kill_recovery(struct attempt *a, struct tally *t)
{
	struct point q;
	struct outcome o;

	a->count = recovery_calls;
	try_patiently(a, &o);
	a->count = NULL;
	if (!o.good && t->failures++ < TOLD)
		tell(a, &o);
	for (unsigned i = 0; i < share(a, TWICE_EACH) && !is_enough(t); i++) {
		draw_place(&q, atomic_load(recovery_calls));
		a->second = &q;
		try(a, t);
		a->second = NULL;
	}
}

/*
 * In the midst of an instruction that copies, one state differs from the next
 * in a byte more of what nobody reads yet: a few of them are enough.
 */
static void
thin_out(struct track *t)
{
	struct point *p = t->point;

	for (unsigned i = 1; i + 1 < t->n && option.which != EVERY; i++)
		if (p[i].where != 0 && p[i].where == p[i - 1].where &&
		    p[i].where == p[i + 1].where && i % COPIED != 0)
			p[i].changed = false;
}

/* Recoveries are long in queues: a run has a quarter of their states. */
static bool
is_of_this_run(const struct scene *scene)
{
	return scene->queues == NULL || option.scene != NULL ||
	    rng_below(&option.rng, 4) == 0;
}

/* The same at every state that the recovery goes through. */
static void
kill_whole_recovery(struct attempt *a, struct tally *t)
{
	struct outcome o;

	a->record_second = second_track;
	try_patiently(a, &o);
	a->record_second = NULL;
	thin_out(second_track);
	if (!o.good && t->failures++ < TOLD)
		tell(a, &o);
	for (unsigned i = 0; i < second_track->n && !is_enough(t); i++) {
		a->second = &second_track->point[i];
		if (a->second->changed && is_of_this_run(a->scene))
			try(a, t);
		a->second = NULL;
	}
}

static void
kill_twice(struct attempt *a, struct tally *t)
{
	const unsigned changes = count_changes(track);
	unsigned want = option.which == SAMPLE ? share(a, TWICE) :
	    share(a, changes / 4 + 1);
	const unsigned whole = 1 + rng_below(&option.rng, want);
	unsigned left = changes;

	for (unsigned i = 0; i < track->n && !is_enough(t); i++) {
		const struct point *p = &track->point[i];

		if (!p->changed || rng_below(&option.rng, left--) >= want)
			continue;
		a->first = p;
		if (want-- == whole && option.which != SAMPLE &&
		    a->anonymous == is_drawn_anonymous(a->scene))
			kill_whole_recovery(a, t);
		else
			kill_recovery(a, t);
	}
}

/* ---- a scene ---- */

static bool
record(struct attempt *a)
{
	struct outcome o;

	a->record = track;
	try_patiently(a, &o);
	a->record = NULL;
	thin_out(track);
	if (!o.good)
		tap_note("%s, whole and then killed: %s", a->scene->name,
		    o.text);
	return o.good;
}

static bool
test_scene(const struct scene *scene, bool anonymous)
{
	const char *store = store_name(store_of(anonymous));
	struct attempt a = {
		.scene = scene, .anonymous = anonymous,
		.kernel = option.kernel
	};
	struct tally t = { 0 };

	if (!record(&a)) {
		tap_ok(false, "%s: %s can be stepped", store, scene->name);
		return false;
	}
	kill_once(&a, &t);
	kill_twice(&a, &t);
	tap_ok(t.failures == 0 && t.missed == 0, "%s: %s: %u kills and %u in "
	    "recoveries, of %u states in %u instructions", store, scene->name,
	    t.kills, t.twice, count_changes(track), track->n);
	if (t.failures > 0)
		tap_note("%u of these failed", t.failures);
	missed += t.missed;
	if (t.missed > 0)
		tap_note("%u verdicts changed where no state did", t.missed);
	if (t.drifts > 0)
		tap_note("%u were not where they had been recorded", t.drifts);
	return t.failures == 0;
}

static bool
is_wanted(const char *only, const char *name)
{
	return only == NULL || strcmp(only, name) == 0;
}

/* Samples of a scene that hardly touches the store are of one store. */
static bool
is_other_sample(const struct scene *scene, bool anonymous)
{
	return option.which == SAMPLE && !option.kernel &&
	    option.scene == NULL && option.store == NULL &&
	    !is_of_segments(scene) && (scene->flags & STORES) == 0 &&
	    anonymous != is_drawn_anonymous(scene);
}

/* Its place among those of its kind. */
static uint64_t
number_of(const struct scene *scene)
{
	return (uint64_t)(scene - (scene->queues != NULL ? msg_scenes :
	    scene->sets != NULL ? sem_scenes : shm_scenes));
}

/*
 * One part of the scenes; samples are of still fewer of queues, of which
 * there are very many.
 */
static bool
is_left_out(const struct scene *scene)
{
	const bool few = option.which == SAMPLE && option.store == NULL &&
	    scene->queues != NULL;
	const unsigned parts = option.parts * (few ? PART_OF_QUEUES : 1);

	return !option.kernel && option.scene == NULL &&
	    (number_of(scene) + option.seed / 2) % parts != 0;
}

static bool
is_chosen(const struct scene *scene, bool anonymous)
{
	if (option.proof)
		return false;
	if (option.kernel && (anonymous || is_of_segments(scene) ||
	    (scene->flags & TIMED) != 0))
		return false;
	if (is_left_out(scene) || is_other_sample(scene, anonymous))
		return false;
	return is_wanted(option.scene, scene->name) &&
	    is_wanted(option.store, store_name(store_of(anonymous))) &&
	    !(anonymous && (scene->flags & MAKES) != 0);
}

static unsigned
count_scenes(void)
{
	return nshm_scenes + nsem_scenes + nmsg_scenes;
}

static const struct scene *
scene_at(unsigned i)
{
	if (i < nshm_scenes)
		return &shm_scenes[i];
	i -= nshm_scenes;
	return i < nsem_scenes ? &sem_scenes[i] : &msg_scenes[i - nsem_scenes];
}

/* ---- the proof ---- */

/*
 * The exit status of a sister program, which is to find a failure at some
 * state, or all failures there are: 1 is what it must be.
 */
static int
run_sister(const char *name, bool all, const char *store, const char *scene)
{
	char self[PATH_MAX], path[2 * PATH_MAX], seed[32];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;
	pid_t pid;

	if (n <= 0)
		return -1;
	self[n] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dirname(self), name);
	snprintf(seed, sizeof(seed), "%llu",
	    (unsigned long long)rng_next(&option.rng));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		harness_die_with_parent();
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(2);
		execl(path, name, "--store", store, "--scene", scene,
		    "--seed", seed, all ? "--every" : "--states",
		    all ? NULL : "--until-failure", NULL);
		_exit(2);
	}
	status = harness_reap(pid, 600);
	if (status == -1) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_proof(void)
{
	tap_ok(run_sister("kill_step_broken_redo", false, "directory",
	    "set") == 1, "a library without its redo record is seen to fail");
	tap_ok(run_sister("kill_step_broken_intent", false, "directory",
	    "remove") == 1, "a library without its intent is seen to fail");
	tap_ok(run_sister("kill_step_broken_txn", false, "directory",
	    "semop, vector") == 1, "a library that finishes nobody's "
	    "transaction is seen to fail");
	tap_ok(run_sister("kill_step_broken_order", false, "directory",
	    "semop, vector") == 1, "a library that publishes in the wrong "
	    "order is seen to fail");
	tap_ok(run_sister("kill_step_broken_txn", false, "anonymous",
	    "msgrcv of a type") == 1, "a library that finishes nobody's "
	    "transaction is seen to fail with queues");
	tap_ok(run_sister("kill_step_broken_order", false, "anonymous",
	    "msgrcv of a type") == 1, "a library that publishes in the wrong "
	    "order is seen to fail with queues");
	if (option.which == STATES)
		tap_ok(run_sister("kill_step_broken_redo", true, "anonymous",
		    "set") == 1, "kills at every instruction find what kills "
		    "at every state find");
}

/* ---- the program ---- */

static int
run(bool proof)
{
	const unsigned nscenes = count_scenes();
	unsigned chosen = 0;

	for (unsigned i = 0; i < nscenes; i++)
		for (int k = 0; k < 2; k++)
			chosen += is_chosen(scene_at(i), k == 1);
	if (proof)
		chosen += option.which == STATES ? 7 : 6;
	tap_plan((int)chosen);
	for (int k = 0; k < 2; k++)
		for (unsigned i = 0; i < nscenes; i++)
			if (is_chosen(scene_at(i), k == 1) &&
			    !test_scene(scene_at(i), k == 1) &&
			    option.until_failure)
				return 1;
	if (proof)
		test_proof();
	return missed > 0 ? MISSED : tap_end();
}

static int
list(void)
{
	for (unsigned i = 0; i < count_scenes(); i++)
		puts(scene_at(i)->name);
	return 0;
}

/* An option with a value. */
static void
set_option(const char *name, const char *value)
{
	if (strcmp(name, "--seed") == 0)
		option.seed = strtoull(value, NULL, 0);
	else if (strcmp(name, "--samples") == 0)
		option.samples = (unsigned)strtoul(value, NULL, 0);
	else if (strcmp(name, "--parts") == 0)
		option.parts = (unsigned)strtoul(value, NULL, 0);
	else if (strcmp(name, "--scene") == 0)
		option.scene = value;
	else if (strcmp(name, "--store") == 0)
		option.store = value;
	else
		harness_die("%s: unknown option", name);
	if (option.parts == 0)
		harness_die("--parts: it is one of none");
}

int
main(int argc, char **argv)
{
	option.seed = rng_entropy();
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];

		if (strcmp(name, "--list") == 0)
			return list();
		if (strcmp(name, "--states") == 0)
			option.which = STATES;
		else if (strcmp(name, "--every") == 0)
			option.which = EVERY;
		else if (strcmp(name, "--until-failure") == 0)
			option.until_failure = true;
		else if (strcmp(name, "--kernel") == 0)
			option.kernel = true;
		else if (strcmp(name, "--proof") == 0)
			option.proof = true;
		else
			set_option(name, harness_value(argc, argv, &i));
	}
	if (!trace_available()) {
		puts("1..0 # SKIP no single step on this machine");
		return 0;
	}
	harness_dir();
	rng_seed(&option.rng, option.seed);
	track = harness_shared(sizeof(*track));
	second_track = harness_shared(sizeof(*second_track));
	recovery_calls = harness_shared(sizeof(*recovery_calls));
	watch_ignore(track);
	watch_ignore(second_track);
	watch_ignore(recovery_calls);
	tap_note("--seed %llu", (unsigned long long)option.seed);
	return run(option.scene == NULL && option.store == NULL &&
	    option.parts == 1 && !option.kernel);
}
