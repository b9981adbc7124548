/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem.c - the clause tests of semaphore sets.
 *
 *	check_sem [--on BACKEND] [PATTERN]	tests whose names match
 *	check_sem --broken NAME [PATTERN]	where one thing is broken
 *	check_sem --list-broken			NAME, and who must see it
 *	check_sem --role ROLE ARG ARG		a program that a test execs
 */
#include "check_sem.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void
add_clauses(TCase *tc)
{
	add_get_clauses(tc);
	add_id_clauses(tc);
	add_perm_clauses(tc);
	add_op_clauses(tc);
	add_mark_clauses(tc);
	add_ctl_clauses(tc);
	add_wait_clauses(tc);
	add_wake_clauses(tc);
	add_undo_clauses(tc);
	add_end_clauses(tc);
	add_death_clauses(tc);
	add_signal_clauses(tc);
	add_safe_clauses(tc);
	add_many_clauses(tc);
	add_large_clauses(tc);
	tcase_set_timeout(tc, TIME_LIMIT);
}

static bool
wanted(const char *only, const char *name)
{
	return only == NULL || strcmp(only, name) == 0;
}

static Suite *
make_suite(const char *only)
{
	Suite *suite = suite_create("sem");
	TCase *tc[3] = { tcase_create("kernel"), tcase_create("directory"),
	    tcase_create("anonymous") };

	tcase_add_checked_fixture(tc[0], enter_kernel, leave);
	tcase_add_checked_fixture(tc[1], enter_dir, leave);
	tcase_add_checked_fixture(tc[2], enter_anon, leave);
	for (int i = 0; i < 3; i++)
		add_clauses(tc[i]);
	add_barging_tests(tc[1]);
	add_barging_tests(tc[2]);
	add_fault_tests(tc[1]);
	add_hostile_tests(tc[1]);
	if (wanted(only, "kernel"))
		suite_add_tcase(suite, tc[0]);
	if (wanted(only, "directory"))
		suite_add_tcase(suite, tc[1]);
	if (wanted(only, "anonymous"))
		suite_add_tcase(suite, tc[2]);
	return suite;
}

static Suite *
make_broken_suite(const char *name)
{
	Suite *suite = suite_create("sem");
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

/* ---- programs that tests exec ---- */

/* One that knows nothing of the set it owes something. */
static int
role_linger(void)
{
	if (!testing_join())
		return 3;
	reach(2);
	await(3);
	return 0;
}

/* One that goes on with the set: gives back what the old image took. */
static int
role_go_on(const char *dir, const char *id)
{
	if (!testing_join())
		return 3;
	ipc = strcmp(dir, "-") == 0 ? &kernel_backend : &dir_backend;
	if (ipc == &dir_backend)
		backend_reopen(dir);
	add(atoi(id), 0, 2, SEM_UNDO);
	add(atoi(id), 1, -1, SEM_UNDO);
	reach(2);
	await(3);
	return 0;
}

struct fresh {
	const char *role;
	char ids[40];
};

static void
exec_fresh(void *arg)
{
	const struct fresh *fresh = arg;

	exec_role(fresh->role, testing_dir, fresh->ids);
}

void
run_fresh(const char *role, int id, int other)
{
	struct fresh fresh = { .role = role };

	snprintf(fresh.ids, sizeof(fresh.ids), "%d %d", id, other);
	finish(spawn(BY_FORK, exec_fresh, &fresh));
}

static int
role_fresh(const char *role, const char *dir, const char *ids)
{
	char *end;
	long id = strtol(ids, &end, 10);

	if (!testing_join())
		return 3;
	ipc = &dir_backend;
	snprintf(testing_dir, PATH_MAX, "%s", dir);
	return play_fault(role, (int)id, atoi(end)) ? 0 : 2;
}

static int
play(const char *role, const char *arg1, const char *arg2)
{
	if (strcmp(role, "linger") == 0)
		return role_linger();
	if (strcmp(role, "go-on") == 0)
		return role_go_on(arg1, arg2);
	return role_fresh(role, arg1, arg2);
}

int
main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "", *only = NULL;
	Suite *suite;

	if (strcmp(first, "--role") == 0 && argc == 5)
		return play(argv[2], argv[3], argv[4]);
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
	suite = strcmp(first, "--broken") == 0 ?
	    make_broken_suite(argv[0]) : make_suite(only);
	if (suite == NULL || argc < 1) {
		fprintf(stderr, "usage: see the head of check_sem.c\n");
		return 99;
	}
	return testing_run(suite);
}
