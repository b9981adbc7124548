/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_msg.c - the clause tests of message queues.
 *
 *	check_msg [--on BACKEND] [PATTERN]	tests whose names match
 *	check_msg --broken NAME [PATTERN]	where one thing is broken
 *	check_msg --list-broken			NAME, and who must see it
 */
#include "check_msg.h"

#include <stdio.h>
#include <string.h>

#define TIME_LIMIT	20	/* seconds a test */
#define BROKEN_LIMIT	3	/* where a hang may be what is broken */

static void
enter(void)
{
	const char *why;

	testing_enter();
	why = ipc->enter();
	if (why != NULL)
		testing_skip("%s", why);
}

static void
leave(void)
{
	ipc->leave();
	testing_leave();
}

static void
enter_kernel(void)
{
	ipc = &kernel_backend;
	enter();
}

static void
enter_dir(void)
{
	ipc = &dir_backend;
	enter();
}

static void
enter_anon(void)
{
	ipc = &anon_backend;
	enter();
}

static const struct {
	const struct backend *backend;
	void (*enter)(void);
} backends[] = {
	{ &kernel_backend, enter_kernel },
	{ &dir_backend, enter_dir },
	{ &anon_backend, enter_anon },
};

static void
add_clauses(TCase *tc)
{
	add_get_clauses(tc);
	add_id_clauses(tc);
	add_class_clauses(tc);
	add_perm_clauses(tc);
	add_send_clauses(tc);
	add_take_clauses(tc);
	add_type_clauses(tc);
	add_set_clauses(tc);
	add_wait_clauses(tc);
	add_end_clauses(tc);
	add_signal_clauses(tc);
	add_handler_clauses(tc);
	add_many_clauses(tc);
	add_large_clauses(tc);
}

static Suite *
make_suite(const char *only)
{
	Suite *suite = suite_create("msg");

	for (size_t i = 0; i < COUNT(backends); i++) {
		const struct backend *b = backends[i].backend;
		TCase *tc;

		if (b->msgget == NULL ||
		    (only != NULL && strcmp(only, b->name) != 0))
			continue;
		tc = tcase_create(b->name);
		tcase_add_checked_fixture(tc, backends[i].enter, leave);
		add_clauses(tc);
		if (b->msgtimedsnd != NULL)
			add_time_tests(tc);
		tcase_set_timeout(tc, TIME_LIMIT);
		suite_add_tcase(suite, tc);
	}
	return suite;
}

static Suite *
make_broken_suite(const char *name)
{
	Suite *suite = suite_create("msg");
	TCase *tc = tcase_create(name);

	ipc = broken_backend(name);
	if (ipc == NULL)
		return NULL;
	tcase_add_checked_fixture(tc, enter, leave);
	add_clauses(tc);
	tcase_set_timeout(tc, BROKEN_LIMIT);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "", *only = NULL;
	Suite *suite;

	if (strcmp(first, "--list-broken") == 0) {
		list_broken();
		return 0;
	}
	if (strcmp(first, "--on") == 0 && argc > 2)
		only = argv[2];
	if (*first == '-') {
		argc -= 2;
		argv += 2;
	}
	if (argc > 1)
		testing_select(argv[1]);
	suite = strcmp(first, "--broken") == 0 && argc > 0 ?
	    make_broken_suite(argv[0]) : make_suite(only);
	if (suite == NULL || argc < 1) {
		fprintf(stderr, "usage: see the head of check_msg.c\n");
		return 99;
	}
	return testing_run(suite);
}
