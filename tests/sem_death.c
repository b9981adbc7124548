/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_death.c - who waits for a semaphore goes on when its holder dies.
 *
 * In each scene processes hold units with SEM_UNDO and wait for them; some are
 * killed, and the others must go on: within 100 ms, and not by the heartbeat,
 * whose finds are counted and must be none.  A scene that was only late is
 * played again, since the machine may have had something else to do.
 *
 *	--seed N	the same choices again
 *	--store NAME	only "directory" or "anonymous"
 *	--scene NAME	only this one; --list names them
 *	--kernel	the kernel's own sets: a test of the test
 *
 * The last line proves that the test sees what it is for: the same program
 * linked with a library whose watchman is left out must fail.  Where sleepers
 * look every 50 ms, by a fallback that is forced, there is nothing to see.
 */
#include "sem_death.h"

#include <sys/wait.h>
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES		3
#define LIMIT		0.100
#define LIMIT_SLICED	0.250	/* where a sleeper looks every 50 ms */
#define LIMIT_SLOWLY	2.500

struct play *play;

static struct {
	const char *store, *scene;
	bool kernel;
	uint64_t seed;
} option;

static double
limit_of(const struct scene *s)
{
	return (s->flags & SLOWLY) != 0 ? LIMIT_SLOWLY :
	    sets_sliced() ? LIMIT_SLICED : LIMIT;
}

/* ---- one scene ---- */

static void
perform(const struct scene *s)
{
	s->play();
	must((s->flags & SLOWLY) != 0 || sets_heartbeats() == 0,
	    "the heartbeat had to find %llu",
	    (unsigned long long)sets_heartbeats());
	for (unsigned i = 0; i < ACTORS; i++)
		dismiss(i);
	must(sets_ask(play->id, 0, IPC_RMID) == 0, "IPC_RMID");
	_exit(0);
}

static bool
play_once(const struct scene *s, enum store store)
{
	static unsigned number;
	int status;
	pid_t pid;

	memset(play, 0, sizeof(*play));
	play->store = store;
	play->limit = limit_of(s);
	rng_seed(&play->rng, option.seed + number);
	snprintf(play->dir, sizeof(play->dir), "%.4000s/d%u", harness_dir(),
	    number++);
	pid = harness_fork();
	if (pid == 0) {
		perform(s);
	}
	status = harness_reap(pid, 120);
	if (status == -1) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (status != 0 && play->text[0] == '\0')
		snprintf(play->text, sizeof(play->text), "status %#x", status);
	if (status == 0 && store == DIRECTORY &&
	    mipc_destroy(play->dir) == -1)
		snprintf(play->text, sizeof(play->text), "it cannot be "
		    "destroyed: %s", mipc_reason());
	return play->text[0] == '\0';
}

/* One in fifty may be: the machine has other things to do. */
static bool
is_late(void)
{
	return play->late > play->turns / 50;
}

static void
test_scene(const struct scene *s, enum store store)
{
	bool good = false;

	for (unsigned i = 0; i < TRIES; i++) {
		good = play_once(s, store);
		if (!good || !is_late())
			break;
	}
	tap_ok(good && !is_late(), "%s: %s: %.1f ms", store_name(store),
	    s->name, play->worst * 1e3);
	if (!good)
		tap_note("%s", play->text);
	if (play->late > 0)
		tap_note("%u of %u later than %.0f ms", play->late,
		    play->turns, play->limit * 1e3);
}

/* ---- the proof ---- */

static void
test_proof(void)
{
	char self[PATH_MAX], path[2 * PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;
	pid_t pid;

	self[n > 0 ? n : 0] = '\0';
	snprintf(path, sizeof(path), "%s/sem_death_broken_watchman",
	    dirname(self));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		harness_die_with_parent();
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(2);
		execl(path, "sem_death_broken_watchman", "--store",
		    "directory", "--scene", "late debtor that never slept",
		    NULL);
		_exit(2);
	}
	status = harness_reap(pid, 120);
	if (status == -1) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	tap_ok(status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 1,
	    "a library without its watchman is seen to fail");
}

/* ---- the program ---- */

static bool
is_chosen(const struct scene *s, enum store store)
{
	if (option.scene != NULL && strcmp(option.scene, s->name) != 0)
		return false;
	if (option.kernel != (store == KERNEL) ||
	    ((s->flags & KNOWN_PLACE) != 0 && store != DIRECTORY))
		return false;
	return option.store == NULL ||
	    strcmp(option.store, store_name(store)) == 0;
}

static void
run_scene(const struct scene *s, enum store store, bool pids)
{
	if ((s->flags & PIDS_EQUAL) != 0 && !pids)
		tap_skip("only root can try this", "%s: %s",
		    store_name(store), s->name);
	else
		test_scene(s, store);
}

static int
run(void)
{
	const bool pids = can_make_pid_namespaces();
	const bool proof = option.store == NULL && option.scene == NULL &&
	    !option.kernel && !sets_sliced();
	int chosen = proof;

	for (enum store k = DIRECTORY; k <= KERNEL; k++)
		for (unsigned i = 0; i < nscenes; i++)
			chosen += is_chosen(&scenes[i], k);
	tap_plan(chosen);
	for (enum store k = DIRECTORY; k <= KERNEL; k++)
		for (unsigned i = 0; i < nscenes; i++)
			if (is_chosen(&scenes[i], k))
				run_scene(&scenes[i], k, pids);
	if (proof)
		test_proof();
	return tap_end();
}

static int
list(void)
{
	for (unsigned i = 0; i < nscenes; i++)
		puts(scenes[i].name);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--exec") == 0)
		return exec_main(argv);
	option.seed = rng_entropy();
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];

		if (strcmp(name, "--list") == 0)
			return list();
		if (strcmp(name, "--kernel") == 0)
			option.kernel = true;
		else if (strcmp(name, "--seed") == 0)
			option.seed = strtoull(harness_value(argc, argv, &i),
			    NULL, 0);
		else if (strcmp(name, "--store") == 0)
			option.store = harness_value(argc, argv, &i);
		else if (strcmp(name, "--scene") == 0)
			option.scene = harness_value(argc, argv, &i);
		else
			harness_die("%s: unknown option", name);
	}
	harness_dir();
	play = harness_shared(sizeof(*play));
	tap_note("--seed %llu", (unsigned long long)option.seed);
	return run();
}
