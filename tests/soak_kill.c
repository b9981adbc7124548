/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak_kill.c - processes that work on semaphore sets, or on message queues,
 * are killed at random, singly and in groups, for some seconds.
 *
 * Before anybody new is born after a kill, each survivor must finish one more
 * round within two seconds: a newcomer would settle what the dead have left
 * and hide a wake that was lost.  Now and then all pause; then the values are
 * those of the start less what the living hold.  Semaphores are used as
 * locks, and who finds one of the living inside says so.  In one place those
 * who give are killed and those who take sleep until somebody gives.  Of queues
 * soak_msg.h tells more.
 *
 *	--seed N	the same choices again (not the same interleaving)
 *	--seconds N	for each place (default 0.6)
 *	--store NAME	only "directory" or "anonymous"
 *	--pids-equal	only the one where each process is the first of a pid
 *			namespace of its own
 *	--barging	only the one where newcomers may overtake sleepers
 *	--givers	only the one with givers and takers
 *	--queues, --queues-at-rest
 *			only the ones with message queues
 *	--kernel, --kernel-givers, --kernel-queues, --kernel-queues-at-rest
 *			the kernel's own sets and queues: a test of the test
 *	--until-failure	end at the first one, and try no other place
 *
 * The exit status is 3 if processes hung and nothing else was wrong: so must
 * end the same program linked with a library that has neither bell nor
 * heartbeat (but where a fallback is forced by which sleepers look now and
 * then).
 */
#include "soak.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACE		1500u	/* microseconds between kills, at most */
#define PAUSE_EVERY	16u	/* groups killed between two pauses */
#define MOST_HANGS	5u
#define HUNG		3	/* exit status */

struct board *board;
static struct posts *posts;

static struct {
	double seconds;
	bool until_failure;
} option = { .seconds = 0.6 };

/* ---- births and deaths ---- */

static pid_t
fork_process(bool apart)
{
	pid_t pid;

	if (!apart && board->pid_namespaces)
		leave_pid_namespace();
	fflush(stdout);
	pid = apart ? fork_into_pid_namespace() : fork();
	if (pid == -1)
		harness_die("fork: %s", strerror(errno));
	if (pid == 0)
		harness_die_with_parent();
	return pid;
}

void
start_worker(struct worker *w)
{
	pid_t pid;

	w->self += WORKERS;
	atomic_store(&w->parked, 0);
	pid = fork_process(board->pid_namespaces);
	if (pid != 0) {
		w->pid = pid;
		return;
	}
	if (board->pid_namespaces && getpid() != 1)
		violate("the pid is %d, not 1", getpid());
	board->play->work(w);
	_exit(1);
}

static void
start_workers(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		if (board->worker[i].pid == 0)
			start_worker(&board->worker[i]);
}

void
doom(struct worker *w)
{
	atomic_store(&w->doomed, w->self);
	kill(w->pid, SIGKILL);
}

void
finish(struct worker *w)
{
	waitpid(w->pid, NULL, 0);
	w->pid = 0;
	board->ops += atomic_exchange(&w->ops, 0);
	board->kills++;
	board->play->bury(w);
}

static bool
is_needed(const struct worker *w)
{
	return board->play->needed != NULL && board->play->needed(w);
}

static void
kill_group(unsigned n, struct rng *r)
{
	struct worker *group[WORKERS], *w;
	unsigned k = 0;

	for (unsigned tries = 0; tries < n; tries++) {
		w = &board->worker[rng_below(r, WORKERS)];
		if (w->pid != 0 && atomic_load(&w->doomed) != w->self &&
		    !is_needed(w)) {
			doom(w);
			group[k++] = w;
		}
	}
	while (k > 0)
		finish(group[--k]);
	board->groups++;
}

void
kill_all(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		if (board->worker[i].pid != 0)
			doom(&board->worker[i]);
	for (unsigned i = 0; i < WORKERS; i++)
		if (board->worker[i].pid != 0)
			finish(&board->worker[i]);
}

bool
in_process(void (*body)(void), double seconds)
{
	const pid_t pid = fork_process(false);
	int status;

	if (pid == 0) {
		body();
		_exit(0);
	}
	status = harness_reap(pid, seconds);
	if (status != -1)
		return status == 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return false;
}

/* ---- what the living must do ---- */

/* Nobody ends but by us. */
void
must_live(const struct worker *w)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOHANG | WNOWAIT) !=
	    0 || info.si_pid == 0)
		return;
	violate("a worker ended by itself in \"%s\": %s %d",
	    atomic_load(&w->doing),
	    info.si_code == CLD_EXITED ? "status" : "signal",
	    info.si_status);
}

bool
has_stopped(void)
{
	return atomic_load(&board->violations) > 0 ||
	    board->hangs >= (option.until_failure ? 1u : MOST_HANGS);
}

void
hang(const char *what)
{
	tap_note("hang: after %u groups killed, %s", board->groups, what);
	board->hangs++;
	in_process(board->play->describe, 10);
	kill_all();
}

/* Wait until all of them have done `what`. */
static bool
all_have(bool (*done)(const struct worker *, uint64_t), const uint64_t *since)
{
	const double end = harness_now() + PATIENCE;
	_Atomic uint32_t never = 0;

	for (unsigned i = 0; i < WORKERS; ) {
		const struct worker *w = &board->worker[i];

		if (w->pid == 0 || done(w, since[i])) {
			i++;
			continue;
		}
		must_live(w);
		if (harness_now() > end || has_stopped())
			return false;
		if (board->pause % 2 != 0 && board->play->kicks)
			kill(w->pid, SIGUSR1);
		harness_wait(&never, 0, 0.0001);
	}
	return true;
}

static bool
went_on(const struct worker *w, uint64_t since)
{
	return atomic_load(&w->rounds) > since;
}

static bool
pauses(const struct worker *w, uint64_t since)
{
	return atomic_load(&w->parked) == (uint32_t)since;
}

static void
look_for_progress(void)
{
	uint64_t since[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++)
		since[i] = atomic_load(&board->worker[i].rounds);
	if (!all_have(went_on, since) && !has_stopped())
		hang("a survivor does not go on");
}

static void
pause_and_compare(void)
{
	const uint32_t pause = atomic_fetch_add(&board->pause, 1) + 1;
	uint64_t since[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++)
		since[i] = pause;
	if (!all_have(pauses, since) && !has_stopped())
		hang("a worker does not come to its pause");
	if (!has_stopped() && !in_process(board->play->compare, 30))
		violate("the comparison did not end well");
	board->pauses++;
	atomic_fetch_add(&board->pause, 1);
	harness_wake(&board->pause);
}

/* ---- one place ---- */

static unsigned
group_size(struct rng *r)
{
	return rng_chance(r, 40) ? 1 : 1 + rng_below(r, WORKERS - 1);
}

void
drive_workers(double stop, struct rng *r)
{
	_Atomic uint32_t never = 0;

	while ((harness_now() < stop || board->pauses == 0) &&
	    !has_stopped()) {
		start_workers();
		harness_wait(&never, 0, rng_below(r, PACE) / 1e6);
		kill_group(group_size(r), r);
		look_for_progress();
		if (board->groups % PAUSE_EVERY == 0 && !has_stopped())
			pause_and_compare();
	}
	kill_all();
	if (!has_stopped() && !in_process(board->play->compare, 30))
		violate("the last comparison did not end well");
}

static void
drive(void)
{
	const double stop = harness_now() + option.seconds;
	struct rng r;

	rng_seed(&r, board->seed);
	for (unsigned i = 0; i < WORKERS; i++)
		board->worker[i].self = i;
	board->play->drive(stop, &r);
}

static void
begin(void)
{
	if (!sets_make(board->store, board->dir))
		harness_die("no namespace: %s", strerror(errno));
	if (!in_process(board->play->make, 30))
		harness_die("no objects");
	drive();
	_exit(0);
}

#define WANTED		1u
#define PIDS		2u
#define BARGING		4u

static struct place {
	const char *name, *what;
	const struct play *play;
	enum store store;
	unsigned flags;
} place[] = {
	{ "directory", "", &sets_play, DIRECTORY, WANTED },
	{ "anonymous", "", &sets_play, ANONYMOUS, WANTED },
	{ "--pids-equal", ", all pids equal", &sets_play, DIRECTORY,
	    PIDS | WANTED },
	{ "--barging", ", barging", &sets_play, ANONYMOUS, BARGING | WANTED },
	{ "--givers", ", givers", &mail_play, DIRECTORY, WANTED },
	{ "--queues", ", queues", &posts_play, DIRECTORY, WANTED },
	{ "--queues", ", queues", &posts_play, ANONYMOUS, WANTED },
	{ "--queues-at-rest", ", queues at rest", &posts_rest_play, DIRECTORY,
	    WANTED },
	{ "--queues-at-rest", ", queues at rest", &posts_rest_play, ANONYMOUS,
	    WANTED },
	{ "--kernel", "", &sets_play, KERNEL, 0 },
	{ "--kernel-givers", ", givers", &mail_play, KERNEL, 0 },
	{ "--kernel-queues", ", queues", &posts_play, KERNEL, 0 },
	{ "--kernel-queues-at-rest", ", queues at rest", &posts_rest_play,
	    KERNEL, 0 },
};
#define PLACES	(sizeof(place) / sizeof(place[0]))

static void
test_place(const struct place *p, uint64_t seed)
{
	const char *store = store_name(p->store);
	static unsigned number;
	bool good;

	memset(board, 0, sizeof(*board));
	board->posts = posts;
	board->play = p->play;
	board->store = p->store;
	board->pid_namespaces = (p->flags & PIDS) != 0;
	board->barging = (p->flags & BARGING) != 0;
	board->seed = seed;
	snprintf(board->dir, sizeof(board->dir), "%.4000s/soak%u",
	    harness_dir(), number++);
	if (!in_process(begin, option.seconds + 90))
		violate("the driver did not end well");
	good = board->hangs == 0 && atomic_load(&board->violations) == 0 &&
	    board->heartbeats == 0;
	tap_ok(good, "%s%s: %u kills in %u groups, %llu operations, %u pauses; "
	    "%u hangs %u violations, %llu found by heartbeat",
	    store, p->what, board->kills, board->groups,
	    (unsigned long long)board->ops, board->pauses, board->hangs,
	    atomic_load(&board->violations),
	    (unsigned long long)board->heartbeats);
	if (atomic_load(&board->told))
		tap_note("%s", board->text);
	if (board->play->sum_up != NULL)
		board->play->sum_up();
	if (p->store == DIRECTORY && good)
		tap_ok(mipc_destroy(board->dir) == 0, "%s%s: nothing keeps it "
		    "from being destroyed", store, p->what);
	else if (p->store == DIRECTORY)
		tap_ok(good, "%s%s: left as it is", store, p->what);
}

/*
 * ---- the proof ----
 *
 * Sister programs linger where a kill matters (soak_late.c): one with the
 * library as it is finds nothing, the broken ones fail within seconds.
 */
#define PROOF_LIMIT	150		/* seconds */
#define BROKEN_TIME	"60"		/* seconds, if nothing is seen */

/* The exit status of a sister program in one place. */
static int
run_sister(const char *name, const char *seconds, const char *place_name,
    uint64_t seed)
{
	char self[PATH_MAX], path[2 * PATH_MAX], number[32];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;
	pid_t pid;

	self[n > 0 ? n : 0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dirname(self), name);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)seed);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		harness_die_with_parent();
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(2);
		execl(path, name, "--seconds", seconds, "--seed", number,
		    "--until-failure", place_name, NULL);
		_exit(2);
	}
	status = harness_reap(pid, PROOF_LIMIT);
	if (status == -1) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define PROOFS	5

static void
test_proof(uint64_t seed)
{
	int status;

	tap_ok(run_sister("soak_late", "1", "--givers", seed) == 0,
	    "a library that takes its time loses nothing");
	tap_ok(run_sister("soak_late", "1", "--queues-at-rest", seed) == 0,
	    "a library that takes its time loses no message");
	tap_ok(run_sister("soak_broken_bell", BROKEN_TIME, "--givers", seed) ==
	    HUNG, "a library without its bell is seen to hang");
	tap_ok(run_sister("soak_broken_bell", BROKEN_TIME, "--queues-at-rest",
	    seed) == HUNG,
	    "a library without its bell is seen to hang with queues");
	status = run_sister("soak_broken_txn", BROKEN_TIME, "--queues", seed);
	tap_ok(status == 1 || status == HUNG, "a library that finishes "
	    "nobody's transaction is seen to lose messages, or to hang");
}

/* ---- the program ---- */

/* Some places only: this one. */
static void
want(const char *name, bool *all)
{
	bool known = false;

	for (unsigned i = 0; i < PLACES; i++) {
		const bool it = strcmp(place[i].name, name) == 0;

		if (*all)
			place[i].flags &= ~WANTED;
		if (it)
			place[i].flags |= WANTED;
		known |= it;
	}
	*all = false;
	if (!known)
		harness_die("%s: unknown option", name);
}

static int
run(uint64_t seed, bool all)
{
	const bool pids = can_make_pid_namespaces();
	unsigned hangs = 0, violations = 0;
	const bool proof = all && !sets_sliced();
	int tests = proof ? PROOFS : 0, status;

	for (unsigned i = 0; i < PLACES; i++)
		if ((place[i].flags & WANTED) != 0)
			tests += place[i].store == DIRECTORY &&
			    (pids || (place[i].flags & PIDS) == 0) ? 2 : 1;
	tap_plan(tests);
	for (unsigned i = 0; i < PLACES; i++) {
		if ((place[i].flags & WANTED) == 0)
			continue;
		if (option.until_failure && hangs + violations > 0)
			break;
		if ((place[i].flags & PIDS) != 0 && !pids) {
			tap_skip("only root can try this", "%s%s",
			    store_name(place[i].store), place[i].what);
			continue;
		}
		test_place(&place[i], seed);
		hangs += board->hangs;
		violations += atomic_load(&board->violations);
	}
	if (proof)
		test_proof(seed);
	status = tap_end();
	return hangs > 0 && violations == 0 ? HUNG : status;
}

int
main(int argc, char **argv)
{
	uint64_t seed = rng_entropy();
	bool all = true;

	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];

		if (strcmp(name, "--until-failure") == 0)
			option.until_failure = true;
		else if (strcmp(name, "--seed") == 0)
			seed = strtoull(harness_value(argc, argv, &i), NULL,
			    0);
		else if (strcmp(name, "--seconds") == 0)
			option.seconds = strtod(harness_value(argc, argv, &i),
			    NULL);
		else if (strcmp(name, "--store") == 0)
			want(harness_value(argc, argv, &i), &all);
		else
			want(name, &all);
	}
	harness_dir();
	board = harness_shared(sizeof(*board));
	posts = posts_memory();
	tap_note("--seed %llu --seconds %g", (unsigned long long)seed,
	    option.seconds);
	return run(seed, all);
}
