/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_death_scene.c - who dies when, and who must go on then.
 */
#include "sem_death.h"

#include <sys/wait.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define TRIALS		200
#define CHAINS		20

/* ---- one holds, one waits ---- */

static void
hold_and_wait(void)
{
	begin(1);
	start(0, 1);
	await_has(0);
	start(1, 1);
	await_waiting(1);
}

static void
killed(void)
{
	hold_and_wait();
	must_go_on(1, slay(0));
}

static void
killed_after_closing(void)
{
	begin(1);
	start(0, 1);
	await_has(0);
	order(0, CLOSE, 0);
	start(1, 1);
	await_waiting(1);
	must_go_on(1, slay(0));
}

static void
closing_while_one_waits(void)
{
	hold_and_wait();
	order(0, CLOSE, 0);
	must(!has(1), "closing all descriptors has freed it");
	must_go_on(1, slay(0));
}

static void
exits(void)
{
	double since;

	hold_and_wait();
	since = harness_now();
	order(0, EXIT, 0);
	must_go_on(1, since);
}

/* The dead is settled before anybody is answered. */
static void
nobody_waits(void)
{
	begin(1);
	start(0, 1);
	await_has(0);
	slay(0);
	waitpid(play->actor[0].pid, NULL, 0);
	must(sets_one(play->id, 0, -1, IPC_NOWAIT) == 0,
	    "a dead one's unit is not there");
	must(sets_ask(play->id, 0, GETVAL) == 0, "GETVAL is not 0");
}

static void
all_in_namespaces(void)
{
	play->apart = true;
	begin(2);
	start(0, 1);
	start(2, 1);		/* a holder that lives on, of the same pid */
	await_has(0);
	await_has(2);
	start(1, 1);
	leave_pid_namespace();
	await_waiting(1);
	must_go_on(1, slay(0));
	must(sets_ask(play->id, 0, GETVAL) == 0, "the living lost its unit");
}

/* ---- whoever is woken is killed, too ---- */

/*
 * Where the sleepers run only when nobody else does, and so does the
 * director, one that is woken does not come to run before it is killed.
 */
static void
keep_to_processor(pid_t pid, int which)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	sched_getaffinity(0, sizeof(all), &all);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET((size_t)i, &all) && which-- == 0)
			CPU_SET((size_t)i, &one);
	sched_setaffinity(pid, sizeof(one), &one);	/* if there is one */
}

static void
let_wait(pid_t pid)
{
	const struct sched_param none = { 0 };

	keep_to_processor(pid, 0);
	sched_setscheduler(pid, SCHED_IDLE, &none);
}

static void
await_zombie(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
	    0 && info.si_pid == 0)
		;	/* without giving up the processor */
}

/* Actor 0 holds, 1 .. 3 wait, all but one of these die with it. */
static void
one_survives(unsigned survivor, bool held_back)
{
	double since;

	start(0, play->for_zero ? -1 : 1);
	await_has(0);
	for (unsigned i = 1; i <= 3; i++) {
		if (play->for_zero)
			start_plain(i, 0);
		else
			start(i, 1);
		await_waiting((int)i);
	}
	for (unsigned i = 1; held_back && i <= 3; i++)
		if (i != survivor)
			let_wait(play->actor[i].pid);
	if (held_back)
		keep_to_processor(play->actor[0].pid, 1);
	since = slay(0);
	if (held_back)
		await_zombie(play->actor[0].pid);
	for (unsigned i = 1; i <= 3; i++) {
		for (volatile unsigned n = rng_below(&play->rng, 20000);
		    !held_back && n > 0; n--)
			;
		if (i != survivor)
			slay(i);
	}
	must_go_on(survivor, since);
	for (unsigned i = 0; i <= 3; i++)
		dismiss(i);
}

static void
try_often(void)
{
	cpu_set_t mine;
	bool several;

	sched_getaffinity(0, sizeof(mine), &mine);
	several = CPU_COUNT(&mine) > 1;
	for (unsigned i = 0; i < TRIALS; i++) {
		const bool held_back = several && i % 2 == 0;

		if (held_back)
			keep_to_processor(0, 0);
		one_survives(1 + rng_below(&play->rng, 3), held_back);
		sched_setaffinity(0, sizeof(mine), &mine);
	}
}

static void
woken_is_killed(void)
{
	begin(1);
	try_often();
}

/* Who waits for zero will owe nothing, so no other sleeper watches it. */
static void
woken_at_zero_is_killed(void)
{
	begin(0);
	play->for_zero = true;
	try_often();
}

/* ---- debtors that come after the sleeper has looked ---- */

/* A holds, two wait; A gives; the new owner is killed while it idles. */
static void
late_debtor(void)
{
	unsigned owner;

	begin(1);
	start(0, 1);
	await_has(0);
	start(1, 1);
	await_waiting(1);
	start(2, 1);
	await_waiting(2);
	order(0, GIVE, 1);
	owner = await_one_of(1, 2);
	await_waiting(1);
	must_go_on(3 - owner, slay(owner));
}

/* The late debtor has never slept. */
static void
late_debtor_awake(void)
{
	begin(2);
	start(0, 2);
	await_has(0);
	start(1, 2);
	await_waiting(1);
	order(0, GIVE, 1);
	start(2, 1);
	await_has(2);
	order(0, GIVE, 1);
	must(!has(1), "it goes on with one unit too few");
	must_go_on(1, slay(2));
}

/* One owner after the other is killed, and some that wait as well. */
static void
chain(void)
{
	const unsigned n = ACTORS - 1;
	unsigned left = n, owner;
	double since;

	start(0, 1);
	await_has(0);
	for (unsigned i = 1; i <= n; i++) {
		start(i, 1);
		await_waiting((int)i);
	}
	order(0, GIVE, 1);
	since = harness_now();
	for (; left > 0; left--) {
		owner = await_one_of(1, n);
		must_go_on(owner, since);
		if (left > 3 && rng_chance(&play->rng, 30)) {
			unsigned other = 1 + rng_below(&play->rng, n);

			if (other != owner && play->actor[other].pid != 0) {
				dismiss(other);
				left--;
			}
		}
		await_waiting((int)left - 1);
		since = slay(owner);
		waitpid(play->actor[owner].pid, NULL, 0);
		play->actor[owner].pid = 0;
	}
	dismiss(0);
}

static void
chains(void)
{
	begin(1);
	for (unsigned i = 0; i < CHAINS; i++)
		chain();
}

/* ---- another image keeps what its process owes ---- */

/* One holds, one waits; where an image of the holder says that it runs. */
static int
hold_before_exec(void)
{
	int said[2];

	begin(1);
	must(pipe(said) == 0 && dup2(said[1], STDOUT_FILENO) != -1, "pipe");
	close(said[1]);
	start(0, 1);
	close(STDOUT_FILENO);
	await_has(0);
	start(1, 1);
	await_waiting(1);
	return said[0];
}

static void
keep_over_exec(enum order how)
{
	const int said = hold_before_exec();
	char byte;

	order(0, how, 0);
	must(read(said, &byte, 1) == 1, "the new image does not come up");
	must(sets_timed(play->id, &(struct sembuf){ 0, -1, 0 }, 1, 0.3) == -1
	    && errno == EAGAIN, "exec gave the unit away");
	must(sets_ask(play->id, 0, GETVAL) == 0, "exec gave the unit back");
	must(!has(1), "exec freed who waits");
	must_go_on(1, slay(0));
}

static void
exec_that_calls(void)
{
	keep_over_exec(EXEC_AND_CALL);
}

static void
exec_that_never_calls(void)
{
	keep_over_exec(EXEC);
}

/* The kernel keeps the debts even then: mipc(7). */
static void
thread_runs_exec(void)
{
	double since;

	if (play->store == KERNEL)
		return;
	play->in_threads = true;
	hold_before_exec();
	since = harness_now();
	order(0, EXEC_CLOSED, 0);
	must_go_on(1, since);
}

const struct scene scenes[] = {
	{ "a holder is killed", 0, killed },
	{ "a holder exits", 0, exits },
	{ "a holder that closed all descriptors is killed", 0,
	    killed_after_closing },
	{ "a holder closes all descriptors and is killed", 0,
	    closing_while_one_waits },
	{ "a holder is killed while nobody waits", 0, nobody_waits },
	{ "a holder is killed where all pids are equal", PIDS_EQUAL,
	    all_in_namespaces },
	{ "whoever is woken is killed, too", 0, woken_is_killed },
	{ "whoever is woken at zero is killed, too", 0,
	    woken_at_zero_is_killed },
	{ "late debtor", 0, late_debtor },
	{ "late debtor that never slept", 0, late_debtor_awake },
	{ "owner after owner is killed", 0, chains },
	{ "a holder is killed in a new image that calls", KNOWN_PLACE,
	    exec_that_calls },
	{ "a holder is killed in a new image", SLOWLY,
	    exec_that_never_calls },
	{ "a holder's thread closes all descriptors and runs exec", 0,
	    thread_runs_exec },
};
const unsigned nscenes = sizeof(scenes) / sizeof(scenes[0]);
