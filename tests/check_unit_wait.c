/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_unit_wait.c - a sleep that a signal comes to as its time runs out, or
 * as it begins.
 *
 * To be late the sleeper may run only when nobody else wants its processor, and
 * this process wants it from before the signal is sent until the time is over.
 */
#include "check_unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "futex.h"
#include "sys.h"
#include "thread.h"
#include "wait.h"

enum { TIMES = 5, FIRST_DELAY_MS = 10 };

enum handling { PLAINLY, RESTARTING, ON_OWN_STACK, HANDLINGS };

struct sleep {
	enum handling handling;
	uint64_t deadline;
};

static void
count(int sig)
{
	(void)sig;
	atomic_fetch_add(&board->handled, 1);
}

static void
handle(enum handling handling)
{
	const stack_t stack = { .ss_sp = malloc(1 << 16),
	    .ss_size = 1 << 16 };
	struct sigaction act = { .sa_handler = count };

	if (handling != PLAINLY)
		act.sa_flags = SA_RESTART;
	if (handling == ON_OWN_STACK) {
		act.sa_flags |= SA_ONSTACK;
		must_eq(sigaltstack(&stack, NULL), 0);
	}
	must_eq(sigaction(SIGUSR1, &act, NULL), 0);
}

static void
sleep_behind_others(void *arg)
{
	const struct sleep *sleep = arg;
	const struct sched_param none = { .sched_priority = 0 };
	mipc_u32 word = 0;
	uint32_t asleep;
	struct mipc_futex_waitv on = { .address = (uintptr_t)&word,
	    .flags = 2 };		/* of 32 bits */
	const struct timespec end = {
		.tv_sec = (time_t)(sleep->deadline / 1000000000u),
		.tv_nsec = (long)(sleep->deadline % 1000000000u),
	};

	handle(sleep->handling);
	must_eq(sched_setscheduler(0, SCHED_IDLE, &none), 0);
	reach(1);
	board->value[0] = mipc_sys_waitv(&on, 1, &end, &asleep);
}

static void
stay_on_one_processor(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	must_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* False where the signal may have come later than the end. */
static bool
signal_before_end(enum handling handling, uint64_t delay_ns)
{
	struct sleep sleep = { handling, mipc_sys_monotonic_ns() + delay_ns };
	pid_t pid = spawn(BY_FORK, sleep_behind_others, &sleep);
	bool before;

	await(1);
	await_sleep(pid);
	must_eq(kill(pid, SIGUSR1), 0);
	before = mipc_sys_monotonic_ns() < sleep.deadline;
	while (mipc_sys_monotonic_ns() < sleep.deadline + MIPC_MS)
		continue;
	finish(pid);
	if (before)
		must_eq(board->value[0], -EINTR);
	board_clear();
	return before;
}

START_TEST(a_signal_that_comes_as_a_sleep_times_out_is_told)
{
	uint64_t delay_ns = FIRST_DELAY_MS * MIPC_MS;

	must(mipc_thread() != NULL);	/* with what libc has not for it */
	if (!mipc_sys_waitv_tells())
		testing_skip("no FUTEX_WAITV that tells of signals");
	stay_on_one_processor();
	for (int times = 0; times < TIMES; times++)
		if (!signal_before_end((enum handling)_i, delay_ns)) {
			delay_ns *= 2;
			times--;
		}
}
END_TEST

#ifdef __x86_64__

enum { STEPS = 28 };

/* Whether it counts as asleep: value[1], of which this is the lower half. */
static mipc_u32 *
asleep(void)
{
	return (mipc_u32 *)(void *)&board->value[1];
}

static void
sleep_traced(void *arg)
{
	struct mipc_wait wait;
	uint64_t deadline;
	mipc_u32 word = 0;
	uint32_t which;

	handle(*(enum handling *)arg);
	must(mipc_thread() != NULL);
	mipc_wait_init(&wait);
	mipc_wait_begin(&wait, asleep());
	mipc_wait_add(&wait, &word, 0);
	must_eq(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
	raise(SIGSTOP);
	deadline = mipc_sys_monotonic_ns() + 20000 * MIPC_MS;
	do {
		board->value[0] = mipc_wait_sleep(&wait, deadline, &which);
	} while (board->value[0] == EAGAIN);
	mipc_wait_end(&wait);
}

static void
await_stop(pid_t pid)
{
	int status;

	must_eq(waitpid(pid, &status, 0), pid);
	must(WIFSTOPPED(status));
}

/* Is the next instruction one that may sleep? */
static bool
is_about_to_sleep(pid_t pid)
{
	struct user_regs_struct regs;

	must_eq(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
	return (ptrace(PTRACE_PEEKTEXT, pid, regs.rip, NULL) & 0xffff) ==
	    0x050f && (regs.rax == 202 || regs.rax == 449);
}

static void
step(pid_t pid)
{
	must_eq(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
	await_stop(pid);
}

/* A handler that runs so many instructions after it counted as asleep. */
static void
signal_after(enum handling handling, int steps)
{
	pid_t pid = spawn(BY_FORK, sleep_traced, &handling);

	await_stop(pid);
	while (mipc_peek(asleep()) == 0)
		step(pid);
	while (steps-- > 0 && !is_about_to_sleep(pid))
		step(pid);
	must_eq(ptrace(PTRACE_DETACH, pid, NULL, SIGUSR1), 0);
	finish(pid);
	must_eq(board->handled, 1);
	must_eq(board->value[0], EINTR);
	board_clear();
}

/* On a stack of its own it leaves no marks. */
START_TEST(a_signal_that_comes_as_a_sleep_begins_ends_it)
{
	for (int steps = 0; steps < STEPS; steps++)
		signal_after((enum handling)_i, steps);
}
END_TEST

#endif

void
add_wait_tests(TCase *tc)
{
#ifdef __x86_64__
	testing_add_loop(tc, a_signal_that_comes_as_a_sleep_begins_ends_it, 0,
	    ON_OWN_STACK);
#endif
	testing_add_loop(tc,
	    a_signal_that_comes_as_a_sleep_times_out_is_told, 0, HANDLINGS);
}
