/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * handle.c - the ways in which a process that sleeps may take SIGUSR1.
 */
#include "clauses.h"

#include <signal.h>
#include <stdlib.h>

void
on_signal(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	must_eq(sigaction(sig, &sa, NULL), 0);
}

void
count_it(int sig)
{
	(void)sig;
	atomic_fetch_add(&board->handled, 1);
}

void
handle_plainly(void)
{
	on_signal(SIGUSR1, count_it, 0);
}

static void
handle_with_restart(void)
{
	on_signal(SIGUSR1, count_it, SA_RESTART);
}

static void
handle_on_own_stack(void)
{
	static char stack[1 << 16];
	const stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };

	must_eq(sigaltstack(&ss, NULL), 0);
	on_signal(SIGUSR1, count_it, SA_RESTART | SA_ONSTACK | SA_RESETHAND);
}

void (*const handlings[HANDLINGS])(void) = { handle_plainly,
    handle_with_restart, handle_on_own_stack };

void
ignore_it(void)
{
	signal(SIGUSR1, SIG_IGN);
}

void
block_it(void)
{
	sigset_t set;

	on_signal(SIGUSR1, count_it, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}
