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

/* Calls until the next one that yields. */
static unsigned
calls_between(mipc_u32 *kept, struct looks *looks)
{
	unsigned before = looks->n, calls = 0;

	while (looks->n == before && calls < 10000) {
		must_eq(mipc_patience_yield(kept, look, looks), EAGAIN);
		calls++;
	}
	return calls;
}

START_TEST(who_yields_in_vain_leaves_it_but_for_a_probe)
{
	struct looks looks = { .found = false };
	unsigned last = 1, now, steady = 0;
	mipc_u32 kept = 0;

	while (steady < 3 && looks.n < 30) {
		now = calls_between(&kept, &looks);
		must(now >= last && now <= 1025);
		if (last == 1)
			must(now <= 17);
		steady = now == last && now > 1 ? steady + 1 : 0;
		last = now;
	}
	must_eq(last, 1025);
}
END_TEST

/* It may take long by chance, once or twice. */
START_TEST(a_yield_that_was_worth_it_is_made_each_time)
{
	struct looks looks = { .found = false };
	unsigned calls = 0;
	mipc_u32 kept = 0;

	while (looks.n < 6)
		calls_between(&kept, &looks);
	looks.found = true;
	for (looks.n = 0; calls < 100000 && looks.n < 100; calls++)
		mipc_patience_yield(&kept, look, &looks);
	must(calls < 50000);
}
END_TEST

void
add_yield_tests(TCase *tc)
{
	testing_add_loop(tc, a_yield_tells_that_a_handler_ran, 0, 2);
	testing_add(tc, no_yield_where_handlers_have_a_stack_of_their_own);
	testing_add(tc, who_yields_in_vain_leaves_it_but_for_a_probe);
	testing_add(tc, a_yield_that_was_worth_it_is_made_each_time);
}
