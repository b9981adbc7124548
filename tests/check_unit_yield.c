/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_unit_yield.c - letting others run before a sleep.
 */
#include "check_unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "patience.h"
#include "sys.h"

#if defined(__x86_64__) && __SIZEOF_LONG__ == 8 && \
    !defined(__SANITIZE_THREAD__)
#define TELLS	true		/* see sys_waitv.c */
#else
#define TELLS	false
#endif

static volatile sig_atomic_t handled;

static void
count(int sig)
{
	(void)sig;
	handled++;
}

/* A signal every 100 us, or none any more. */
static void
set_timer(bool on)
{
	struct itimerval t = { .it_value = { .tv_usec = on ? 100 : 0 } };

	t.it_interval = t.it_value;
	must_eq(setitimer(ITIMER_REAL, &t, NULL), 0);
}

static void
handle(int sig, int flags)
{
	struct sigaction act = { .sa_handler = count, .sa_flags = flags };

	must_eq(sigaction(sig, &act, NULL), 0);
}

/* A sanitizer brings one. */
static void
have_no_signal_stack(void)
{
	const stack_t none = { .ss_flags = SS_DISABLE };

	must_eq(sigaltstack(&none, NULL), 0);
}

/* Never that a handler ran if none did; and now and then that one did. */
START_TEST(a_yield_tells_that_a_handler_ran)
{
	int told = 0, before, r;

	have_no_signal_stack();
	handle(SIGALRM, _i == 0 ? 0 : SA_RESTART);
	set_timer(true);
	while (told < (TELLS ? 20 : 0)) {
		before = handled;
		r = mipc_sys_yield();
		must(r == 0 || r == -EINTR);
		must(r == 0 || handled != before);
		told += r == -EINTR;
	}
	set_timer(false);
}
END_TEST

START_TEST(no_yield_where_handlers_have_a_stack_of_their_own)
{
	stack_t stack = { .ss_size = 1 << 16 };

	stack.ss_sp = malloc(stack.ss_size);
	must_eq(sigaltstack(&stack, NULL), 0);
	must_eq(mipc_sys_yield(), -ENOSYS);
	stack.ss_flags = SS_DISABLE;
	must_eq(sigaltstack(&stack, NULL), 0);
	free(stack.ss_sp);
}
END_TEST

struct looks {
	unsigned n;
	bool found;
};

static bool
look(void *arg)
{
	struct looks *looks = arg;

	looks->n++;
	return looks->found;
}

START_TEST(who_yields_in_vain_leaves_it_but_for_a_probe)
{
	struct looks looks = { .found = false };
	mipc_u32 kept = 0;
	unsigned most = 20, calls;

	for (calls = 0; calls < 100; calls++)
		must_eq(mipc_patience_yield(&kept, look, &looks), EAGAIN);
	must(looks.n > 0 && looks.n < most);
	most = looks.n;
	for (calls = 0; looks.n == most && calls < 10000; calls++)
		must_eq(mipc_patience_yield(&kept, look, &looks), EAGAIN);
	must(calls > 100);
	must_eq(looks.n, most + 1);
	must_eq(mipc_patience_yield(&kept, look, &looks), EAGAIN);
	must_eq(looks.n, most + 1);
}
END_TEST

void
add_yield_tests(TCase *tc)
{
	testing_add_loop(tc, a_yield_tells_that_a_handler_ran, 0, 2);
	testing_add(tc, no_yield_where_handlers_have_a_stack_of_their_own);
	testing_add(tc, who_yields_in_vain_leaves_it_but_for_a_probe);
}
