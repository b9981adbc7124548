/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apart.c - the program around clause tests that libcheck runs from outside.
 *
 *	PROGRAM --list [PATTERN]	the tests whose names match: "TEST N"
 *	PROGRAM --test TEST N DIR	be that test; DIR is its own and empty.
 *					Exits with 0, or with 1 having said
 *					why on standard output
 *	PROGRAM --role ROLE ARG ARG	a program that a test execs
 */
#include "backend.h"
#include "clauses.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct TCase {
	const char *name;	/* of the test that is wanted */
	int number;		/* its _i */
	const TTest *found;
};

void
tcase_add_loop_test(TCase *tc, const TTest *test, int from, int to)
{
	if (tc->number >= from && tc->number < to &&
	    strcmp(tc->name, test->name) == 0)
		tc->found = test;
}

void
ck_abort_msg(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

static int
be(const TCase *wanted, const char *dir)
{
	if (wanted->found == NULL || !testing_make_board()) {
		printf("there is no such test, or no memory\n");
		return 2;
	}
	testing_begin();
	snprintf(testing_dir, PATH_MAX, "%s", dir);
	ipc = apart_backend();
	must(ipc->enter() == NULL);
	wanted->found->fn(wanted->number);
	ipc->leave();
	return 0;
}

int
main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "";
	TCase tc = { 0 };

	if (strcmp(first, "--role") == 0 && argc == 5 && clauses.play != NULL)
		return clauses.play(argv[2], argv[3], argv[4]);
	if (strcmp(first, "--list") == 0) {
		if (argc > 2)
			testing_select(argv[2]);
		testing_list();
		clauses.add(&tc);
		return 0;
	}
	if (strcmp(first, "--test") != 0 || argc != 5) {
		fprintf(stderr, "usage: see the head of apart.c\n");
		return 99;
	}
	tc.name = argv[2];
	tc.number = atoi(argv[3]);
	clauses.add(&tc);
	return be(&tc, argv[4]);
}
