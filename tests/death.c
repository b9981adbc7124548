/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * death.c - processes are killed while all of them work, for some seconds.
 *
 * Workers create, attach, check, detach, remove and fork at random; a driver
 * kills one after the other and starts others.  Each worker keeps, in memory
 * of the test's own, how often it has attached what.  Now and then all who
 * live are asked to pause: then nobody is inside a call, and nattch of each
 * segment must be the sum of those counts.  Who holds a segment must find its
 * stamp in its own mapping, and the same memory through a second attach, also
 * when the segment has been removed.
 *
 *	--seed N	the same choices again (not the same interleaving)
 *	--seconds N	for each store (default 2)
 *	--store NAME	only "directory" or "anonymous"
 *
 * Who is alive is what /proc says of the test's process group: a process
 * killed inside fork may leave a child that nobody has been told of.
 */
#include "death.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS		6
#define PACE		0.002	/* seconds between kills */
#define QUIET_EVERY	60	/* kills between two pauses */
#define PATIENCE	30.0

struct board *board;
struct mipc_ns *ns;

/* ---- who is alive ---- */

/* Is this pid of our group, and no zombie? */
static bool
is_of_group(int pid, int group)
{
	char path[64], text[256], *p, state;
	int fd, pgrp;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	p = strrchr(text, ')');
	return p != NULL && sscanf(p, ") %c %*d %d", &state, &pgrp) == 2 &&
	    state != 'Z' && state != 'X' && pgrp == group;
}

/* The pids of all workers, known to a slot or not. */
static int
list_alive(int pids[SLOTS])
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int n = 0;

	if (proc == NULL)
		fail("/proc");
	while ((e = readdir(proc)) != NULL && n < SLOTS) {
		const int pid = atoi(e->d_name);

		if (isdigit((unsigned char)e->d_name[0]) &&
		    pid != board->driver && is_of_group(pid, board->driver))
			pids[n++] = pid;
	}
	closedir(proc);
	return n;
}

static struct slot *
slot_of(int pid)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (atomic_load(&board->slot[i].state) == SLOT_TAKEN &&
		    atomic_load(&board->slot[i].pid) == pid)
			return &board->slot[i];
	return NULL;
}

static bool
is_listed(int pid, const int *pids, int n)
{
	for (int i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* Give back the slots of the dead; only while all others pause. */
static void
free_slots(const int *pids, int n)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = &board->slot[i];
		const int pid = atomic_load(&s->pid);

		if (pid != 0 && is_listed(pid, pids, n))
			continue;
		atomic_store(&s->pid, 0);
		atomic_store(&s->state, SLOT_FREE);
	}
}

/* ---- the driver ---- */

static void
start_worker(void)
{
	struct slot *s = take_slot();
	pid_t pid;

	if (s == NULL)
		return;
	for (unsigned i = 0; i < HOLD; i++)
		s->held[i].id = -1;
	pid = fork();
	if (pid == -1)
		fail("fork");
	if (pid == 0) {
		harness_die_with_parent();
		atomic_store(&s->pid, getpid());
		work(s);
	}
}

/* Does a process that has been told to pause, or anybody, still run? */
static bool
runs(uint32_t pause, int pids[SLOTS], int *n)
{
	int now[SLOTS];

	*n = list_alive(pids);
	for (int i = 0; i < *n; i++) {
		struct slot *s = slot_of(pids[i]);

		if (s == NULL)
			return true;	/* just forked: about to say so */
		if (atomic_load(&s->parked) != pause) {
			harness_wait(&s->parked, atomic_load(&s->parked),
			    0.01);
			return true;
		}
	}
	/* One may have forked behind our back, and paused then. */
	return list_alive(now) != *n ||
	    memcmp(now, pids, (size_t)*n * sizeof(*pids)) != 0;
}

static unsigned long
count_held(int id, const int *pids, int n)
{
	unsigned long sum = 0;

	for (int i = 0; i < n; i++) {
		const struct slot *s = slot_of(pids[i]);

		for (unsigned k = 0; k < HOLD; k++)
			sum += s->held[k].id == id;
	}
	return sum;
}

/*
 * Look at an index again until no more attaches are counted than there are.
 * A dead process's address space, and so the proof of its life, goes a moment
 * later if somebody on the machine looks at it through /proc just then; and
 * without locks that a child inherits, one whose parent was killed, too, may
 * be counted for two seconds: mipc(7).
 */
static int
settle(int id, int index, unsigned long want, struct shmid_ds *ds)
{
	const double end = harness_now() + 4;
	_Atomic uint32_t never = 0;

	while (id != -1 && ds->shm_nattch > want && harness_now() < end) {
		harness_wait(&never, 0, 0.05);
		id = mipc_shmctl(ns, index, SHM_STAT, ds);
	}
	return id;
}

/* Nobody is inside a call: what mipc counts is what the workers hold. */
static void
compare_counts(const int *pids, int n)
{
	struct shm_info info;
	int top = mipc_shmctl(ns, 0, SHM_INFO, (struct shmid_ds *)&info);
	unsigned long found = 0, held = 0;

	for (int i = 0; i <= top; i++) {
		struct shmid_ds ds;
		int id = mipc_shmctl(ns, i, SHM_STAT, &ds);
		const unsigned long want = count_held(id, pids, n);

		id = settle(id, i, want, &ds);
		if (id == -1)
			continue;
		if (ds.shm_nattch != want)
			fail("segment %d: nattch %lu, but %lu attaches", id,
			    (unsigned long)ds.shm_nattch, want);
		if ((ds.shm_perm.mode & SHM_DEST) != 0 && want == 0)
			fail("segment %d is removed and nobody's", id);
		found += want;
	}
	for (int i = 0; i < n; i++)
		for (unsigned k = 0; k < HOLD; k++)
			held += slot_of(pids[i])->held[k].id != -1;
	if (found != held)
		fail("%lu attaches, %lu in segments that exist", held, found);
}

static void
pause_and_compare(void)
{
	const uint32_t pause = atomic_fetch_add(&board->pause, 1) + 1;
	const double start = harness_now();
	int pids[SLOTS], n;

	while (runs(pause, pids, &n))
		if (atomic_load(&board->told) ||
		    harness_now() - start > PATIENCE)
			fail("a worker hangs");
	free_slots(pids, n);
	compare_counts(pids, n);
	atomic_fetch_add(&board->pause, 1);
	harness_wake(&board->pause);
}

static void
kill_one(struct rng *r)
{
	int pids[SLOTS];
	const int n = list_alive(pids);

	if (n > 0)
		kill(pids[rng_below(r, (unsigned)n)], SIGKILL);
	for (int i = n; i < WORKERS; i++)
		start_worker();
	/* A population that forks faster than one is killed. */
	for (int i = 2 * WORKERS; i < n; i++)
		kill(pids[i], SIGKILL);
}

static void
kill_everybody(void)
{
	int pids[SLOTS], n;

	while ((n = list_alive(pids)) > 0)
		for (int i = 0; i < n; i++)
			kill(pids[i], SIGKILL);
}

/* Remove all that is left; then there is nothing. */
static void
empty(void)
{
	struct shm_info info;
	int top = mipc_shmctl(ns, 0, SHM_INFO, (struct shmid_ds *)&info);

	for (int i = 0; i <= top; i++) {
		struct shmid_ds ds;
		int id = mipc_shmctl(ns, i, SHM_STAT, &ds);

		id = settle(id, i, 0, &ds);
		if (id == -1)
			continue;
		if (ds.shm_nattch != 0)
			fail("segment %d: nattch %lu, but all are dead", id,
			    (unsigned long)ds.shm_nattch);
		if (mipc_shmctl(ns, id, IPC_RMID, NULL) == -1)
			fail("IPC_RMID of %d at the end", id);
	}
	if (mipc_shmctl(ns, 0, SHM_INFO, (struct shmid_ds *)&info) == -1 ||
	    info.used_ids != 0 || info.shm_tot != 0)
		fail("%d segments of %lu pages are left", info.used_ids,
		    info.shm_tot);
}

/* Fresh: it has never called into the namespace. */
static void
judge(void)
{
	alarm((unsigned)PATIENCE);
	if (ns == NULL)
		ns = mipc_open(board->dir, 0);
	if (ns == NULL)
		fail("mipc_open: %s", mipc_reason());
	empty();
	_exit(0);
}

static void
drive(double seconds, bool anonymous)
{
	struct rng r;
	unsigned kills = 0, quiet = 0;
	_Atomic uint32_t never = 0;

	setpgid(0, 0);
	board->driver = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
	ns = anonymous ? mipc_anon(0) : mipc_open(board->dir, MIPC_CREAT);
	if (ns == NULL)
		fail("no namespace: %s", mipc_reason());
	rng_seed(&r, board->seed);
	/* On a busy machine it takes longer until something was compared. */
	for (const double end = harness_now() + seconds; (quiet == 0 ||
	    harness_now() < end) && !atomic_load(&board->told); kills++) {
		kill_one(&r);
		harness_wait(&never, 0, PACE);	/* let them work */
		if (kills % QUIET_EVERY == QUIET_EVERY - 1) {
			pause_and_compare();
			quiet++;
		}
	}
	kill_everybody();
	tap_note("%s: %u kills, %llu forks, %llu checks, %u pauses",
	    board->store, kills, (unsigned long long)atomic_load(&board->forks),
	    (unsigned long long)atomic_load(&board->checks), quiet);
	if (atomic_load(&board->told))
		_exit(1);
	if (quiet == 0 || atomic_load(&board->checks) == 0)
		fail("nothing was compared: more seconds are needed");
	if (anonymous)
		judge();
	_exit(0);
}

/* ---- the program ---- */

static int
run_in_child(void (*body)(double, bool), double seconds, bool anonymous)
{
	pid_t pid;
	int status;

	pid = harness_fork();
	if (pid == 0) {
		body(seconds, anonymous);
		_exit(0);
	}
	status = harness_reap(pid, seconds + 3 * PATIENCE);
	if (status != 0 && !atomic_load(&board->told))
		snprintf(board->text, sizeof(board->text), "status %#x",
		    status);
	return status;
}

static void
judge_directory(double seconds, bool anonymous)
{
	(void)seconds;
	(void)anonymous;
	judge();
}

static void
test_store(bool anonymous, uint64_t seed, double seconds)
{
	int status;

	memset(board, 0, sizeof(*board));
	board->seed = seed;
	board->store = anonymous ? "anonymous" : "directory";
	snprintf(board->dir, sizeof(board->dir), "%.4000s/death",
	    harness_dir());
	for (unsigned i = 0; i < CELLS; i++)
		atomic_store(&board->cell[i], -1);
	status = run_in_child(drive, seconds, anonymous);
	if (status != 0)
		tap_note("%s", board->text);
	tap_ok(status == 0, "%s: counts are exact and what is mapped lives, "
	    "under kills", board->store);
	if (anonymous)
		return;
	if (status == 0)
		status = run_in_child(judge_directory, 0, false);
	if (status != 0)
		tap_note("%s", board->text);
	tap_ok(status == 0, "%s: a fresh process finds it whole and empties "
	    "it", board->store);
	tap_ok(mipc_destroy(board->dir) == 0, "%s: nothing keeps it from being "
	    "destroyed", board->store);
}

int
main(int argc, char **argv)
{
	uint64_t seed = rng_entropy();
	const char *only = NULL;
	double seconds = 2;

	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];
		const char *value = harness_value(argc, argv, &i);

		if (strcmp(name, "--seed") == 0)
			seed = strtoull(value, NULL, 0);
		else if (strcmp(name, "--seconds") == 0)
			seconds = strtod(value, NULL);
		else if (strcmp(name, "--store") == 0)
			only = value;
		else
			harness_die("%s: unknown option", name);
	}
	harness_dir();
	board = harness_shared(sizeof(*board));
	tap_plan(only == NULL ? 4 : strcmp(only, "directory") == 0 ? 3 : 1);
	tap_note("--seed %llu --seconds %g", (unsigned long long)seed,
	    seconds);
	if (only == NULL || strcmp(only, "directory") == 0)
		test_store(false, seed, seconds);
	if (only == NULL || strcmp(only, "anonymous") == 0)
		test_store(true, seed, seconds);
	return tap_end();
}
