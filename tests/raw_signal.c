/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw_signal.c - the commands of raw_user about signals and their stacks.
 */
#include "raw_user.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

static atomic_int handled;		/* times that a handler ran */

static void
count(int signal)
{
	(void)signal;
	atomic_fetch_add(&handled, 1);
}

static void
count_with_info(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (signal == SIGSYS && info->si_pid == getpid())
		atomic_fetch_add(&handled, 10);
}

static bool
is_served(const char *what)
{
	long id = raw_set(7);
	bool good = expect(id >= 0 && raw_value(id) == 7, what);

	return good & (raw_remove(id) == 0);
}

/* --- the program's own SIGSYS ------------------------------------------ */

/* Sent by itself, not by the kernel: it is the program's. */
static bool
reaches_it(int so_far, const char *what)
{
	bool good = expect(raise(SIGSYS) == 0 &&
	    atomic_load(&handled) == so_far, what);

	return good & is_served(what);
}

/* By an instruction of its own an action changes nothing. */
static bool
action_by_number(void)
{
	const long by_default[8] = { 0 };

	bool good = expect(RAW(SYS_rt_sigaction, SIGSYS, by_default, 0, 8) ==
	    0, "an action by number");

	return good & is_served("... changes nothing");
}

/* handlers: a program has a handler for SIGSYS of its own. */
int
raw_handlers(void)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO }, old;
	bool good;

	action.sa_sigaction = count_with_info;
	good = expect(sigaction(SIGSYS, NULL, &old) == 0 &&
	    old.sa_handler == SIG_DFL, "the default at first");
	good &= expect(signal(SIGSYS, count) == SIG_DFL, "signal");
	good &= reaches_it(1, "signal's handler");
	good &= expect(sigaction(SIGSYS, &action, &old) == 0 &&
	    old.sa_handler == count, "sigaction");
	good &= reaches_it(11, "sigaction's handler");
	good &= action_by_number();
	good &= reaches_it(21, "... which is there still");
	action.sa_flags |= (int)SA_RESETHAND;
	good &= expect(sigaction(SIGSYS, &action, NULL) == 0, "a single time");
	good &= reaches_it(31, "the single time");
	good &= expect(sigaction(SIGSYS, NULL, &old) == 0 &&
	    old.sa_handler == SIG_DFL, "the default again");
	good &= expect(signal(SIGSYS, SIG_IGN) == SIG_DFL, "ignored");
	good &= reaches_it(31, "nobody");
	return good ? 0 : 1;
}

/* ends: by a SIGSYS that it sent itself, although it makes calls. */
int
raw_ends(void)
{
	if (is_served("before"))
		raise(SIGSYS);
	return 1;
}

/* --- masks ------------------------------------------------------------- */

static atomic_int served;

static void
call_in_handler(int signal)
{
	(void)signal;
	if (is_served("in a handler"))
		atomic_fetch_add(&served, 1);
}

/* Each function that waits with another mask, for a signal that is there. */
static bool
waits_unblocked(void)
{
	struct sigaction action = { .sa_handler = call_in_handler };
	sigset_t all_but;

	sigfillset(&action.sa_mask);
	sigfillset(&all_but);
	sigdelset(&all_but, SIGUSR1);
	if (sigaction(SIGUSR1, &action, NULL) != 0)
		die("sigaction");
	raise(SIGUSR1);
	sigsuspend(&all_but);
	raise(SIGUSR1);
	ppoll(NULL, 0, NULL, &all_but);
	raise(SIGUSR1);
	pselect(0, NULL, NULL, NULL, NULL, &all_but);
	return expect(atomic_load(&served) == 3, "a handler in each");
}

/* unblocked: whoever blocks all signals is served all the same. */
int
raw_unblocked(void)
{
	sigset_t all, found;
	bool good;

	sigfillset(&all);
	good = expect(sigprocmask(SIG_SETMASK, &all, NULL) == 0,
	    "sigprocmask");
	good &= is_served("after sigprocmask");
	good &= expect(pthread_sigmask(SIG_BLOCK, &all, &found) == 0 &&
	    sigismember(&found, SIGUSR1) && sigismember(&found, SIGTERM),
	    "pthread_sigmask");
	good &= is_served("after pthread_sigmask");
	good &= waits_unblocked();
	return good ? 0 : 1;
}

/* --- sleeps ------------------------------------------------------------ */

static long sleeper_set;
static pthread_t sleeper;
static atomic_bool awake;

/* Until it is awake: a signal just before the sleep need not end it. */
static void *
disturb(void *arg)
{
	(void)arg;
	while (!atomic_load(&awake)) {
		if (RAW(RAW_SEMCTL, sleeper_set, 0, GETNCNT, 0) == 1)
			pthread_kill(sleeper, SIGUSR1);
		sched_yield();
	}
	return NULL;
}

/* The mask is the program's and what the action adds. */
static bool
has_its_mask(void)
{
	sigset_t mask;

	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	return expect(sigismember(&mask, SIGUSR1) == 1 &&
	    sigismember(&mask, SIGUSR2) == 1 &&
	    sigismember(&mask, SIGHUP) == 1 &&
	    sigismember(&mask, SIGTERM) == 0 &&
	    sigismember(&mask, SIGCHLD) == 0, "a handler's mask");
}

static void
call_and_return(int signal)
{
	if (has_its_mask())
		atomic_fetch_add(&handled, 1);
	call_in_handler(signal);
}

static sigjmp_buf out;

static void
jump_out(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

static long
sleep_disturbed(void)
{
	struct sembuf down = { 0, -1, 0 };
	pthread_t other;
	volatile long result = -EDOM;

	atomic_store(&awake, false);
	if (pthread_create(&other, NULL, disturb, NULL) != 0)
		die("pthread_create");
	if (sigsetjmp(out, 1) == 0)
		result = RAW_OPERATE(sleeper_set, &down, 1);
	atomic_store(&awake, true);
	pthread_join(other, NULL);
	return result;
}

static void
handle(void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler,
	    .sa_flags = flags };

	sigaddset(&action.sa_mask, SIGUSR2);
	if (sigaction(SIGUSR1, &action, NULL) != 0)
		die("sigaction");
}

static bool
usr1_is_free(void)
{
	sigset_t mask;

	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	return sigismember(&mask, SIGUSR1) == 0;
}

/* interrupted: a signal ends a sleep as it ends the kernel's. */
int
raw_interrupted(void)
{
	struct sembuf up = { 0, 1, 0 };
	sigset_t hang_up;
	bool good;

	sigemptyset(&hang_up);
	sigaddset(&hang_up, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &hang_up, NULL);
	sleeper = pthread_self();
	sleeper_set = raw_set(0);
	handle(call_and_return, SA_RESTART);
	good = expect(sleep_disturbed() == -EINTR, "EINTR");
	good &= expect(atomic_load(&handled) > 0 &&
	    atomic_load(&served) == atomic_load(&handled), "handlers call");
	handle(jump_out, 0);
	good &= expect(sleep_disturbed() == -EDOM, "a handler jumps out");
	good &= expect(usr1_is_free(), "the mask is what it was");
	good &= expect(RAW_OPERATE(sleeper_set, &up, 1) == 0 &&
	    raw_value(sleeper_set) == 1, "nobody takes what comes later");
	return (good & (raw_remove(sleeper_set) == 0)) ? 0 : 1;
}

/* --- stacks ------------------------------------------------------------ */

enum { SMALL = 16 << 10, LARGE = 64 << 10, TINY = 4096 };

/* With nothing mapped below it. */
static char *
make_stack(size_t size)
{
	char *at = mmap(NULL, size + 65536, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || mprotect(at + 65536, size,
	    PROT_READ | PROT_WRITE) != 0)
		die("mmap");
	return at + 65536;
}

static void
use_for_signals(char *stack, size_t size)
{
	const stack_t own = { .ss_sp = stack, .ss_size = size };

	if (sigaltstack(&own, NULL) != 0)
		die("sigaltstack");
}

static bool
is_used_for_signals(const char *stack)
{
	stack_t now;

	return sigaltstack(NULL, &now) == 0 && now.ss_sp == stack &&
	    now.ss_flags == 0;
}

static ucontext_t main_context, tiny_context;
static long from_tiny;

static void
call_on_tiny(void)
{
	from_tiny = RAW(RAW_SHMGET, IPC_PRIVATE, 4096, 0600);
}

/* A stack that not even a signal's frame fits on, as a goroutine's. */
static bool
calls_on_tiny(void)
{
	char *stack = make_stack(TINY);

	getcontext(&tiny_context);
	tiny_context.uc_stack.ss_sp = stack;
	tiny_context.uc_stack.ss_size = TINY;
	tiny_context.uc_link = &main_context;
	makecontext(&tiny_context, call_on_tiny, 0);
	swapcontext(&main_context, &tiny_context);
	return expect(from_tiny >= 0 &&
	    RAW(RAW_SHMCTL, from_tiny, IPC_RMID, 0) == 0, "on a tiny stack");
}

/* What takes more than there is, and a handler that would lie across it. */
static bool
calls_on_small(void)
{
	static struct sembuf many[500];
	long id = raw_set(0);
	bool good;

	for (int i = 0; i < 500; i++)
		many[i].sem_op = 1;
	good = expect(RAW_OPERATE(id, many, 500) == 0 && raw_value(id) == 500,
	    "many operations");
	good &= raw_remove(id) == 0;
	sleeper = pthread_self();
	sleeper_set = raw_set(0);
	handle(call_in_handler, SA_ONSTACK);
	good &= expect(sleep_disturbed() == -EINTR, "a handler on it");
	return good & (raw_remove(sleeper_set) == 0);
}

/* stacks: of the program's stacks the one that is large enough is used. */
int
raw_stacks(void)
{
	char *stack = make_stack(LARGE);
	bool good;

	use_for_signals(stack, LARGE);
	good = calls_on_tiny();
	good &= is_served("a large signal stack");
	stack = make_stack(SMALL);
	use_for_signals(stack, SMALL);
	good &= calls_on_small();
	good &= expect(is_used_for_signals(stack), "the stack is in use again");
	return good ? 0 : 1;
}
