/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clauses_main.c - the program around the clause tests of one kind of object.
 *
 *	PROGRAM [--on BACKEND] [PATTERN]	tests whose names match; "mipc"
 *						is both of its backends
 *	PROGRAM --list				all of the directory store's
 *	PROGRAM --broken NAME [PATTERN]		where one thing is broken
 *	PROGRAM --list-broken			NAME, and who must see it
 *	PROGRAM --role ROLE ARG ARG		a program that a test execs
 */
#include "clauses.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static bool
has_kind(const struct backend *b)
{
	return clauses.has == NULL || clauses.has(b);
}

static bool
is_wanted(const struct backend *b, const char *only)
{
	if (only != NULL && strcmp(only, "mipc") == 0)
		return b != &kernel_backend;
	return only == NULL || strcmp(only, b->name) == 0;
}

static void
add_case(Suite *suite, const struct backend *b, const char *only,
    void (*begin)(void), void (*more)(TCase *))
{
	TCase *tc;

	if (!has_kind(b) || !is_wanted(b, only))
		return;
	tc = tcase_create(b->name);
	tcase_add_checked_fixture(tc, begin, leave);
	clauses.add(tc);
	tcase_set_timeout(tc, clauses.limit);
	if (more != NULL)
		more(tc);
	suite_add_tcase(suite, tc);
}

static Suite *
make_suite(const char *only)
{
	Suite *suite = suite_create(clauses.name);

	add_case(suite, &kernel_backend, only, enter_kernel, NULL);
	add_case(suite, &dir_backend, only, enter_dir, extras.add_dir);
	add_case(suite, &anon_backend, only, enter_anon, extras.add_anon);
	return suite;
}

static Suite *
make_broken_suite(const char *name)
{
	Suite *suite = suite_create(clauses.name);
	TCase *tc = tcase_create(name);

	ipc = broken_backend(name);
	if (ipc == NULL)
		return NULL;
	tcase_add_checked_fixture(tc, enter, leave);
	clauses.add(tc);
	tcase_set_timeout(tc, clauses.broken_limit);
	suite_add_tcase(suite, tc);
	return suite;
}

/* With limits that may be written, unlike in many a container. */
const struct backend *
right_backend(void)
{
	pid_t pid;
	int status;

	if (!has_kind(&anon_backend))
		return &kernel_backend;
	pid = fork();
	if (pid == 0)
		_exit(kernel_backend.enter() != NULL || !may_limit());
	return pid != -1 && waitpid(pid, &status, 0) == pid && status == 0 ?
	    &kernel_backend : &anon_backend;
}

/* A program that a test execs. */
static int
play(char **arg)
{
	const int status = clauses.play == NULL ? -1 :
	    clauses.play(arg[0], arg[1], arg[2]);

	return status != -1 ? status : play_fresh(arg[0], arg[1], arg[2]);
}

int
main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "", *only = NULL;
	Suite *suite;

	if (strcmp(first, "--role") == 0 && argc == 5)
		return play(argv + 2);
	if (strcmp(first, "--list-broken") == 0) {
		list_broken();
		return 0;
	}
	if (strcmp(first, "--list") == 0) {
		testing_list();
		clauses.add(NULL);
		extras.add_dir(NULL);
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
	suite = strcmp(first, "--broken") == 0 ?
	    make_broken_suite(argv[0]) : make_suite(only);
	if (suite == NULL || argc < 1) {
		fprintf(stderr, "usage: see the head of clauses_main.c\n");
		return 99;
	}
	return testing_run(suite);
}
