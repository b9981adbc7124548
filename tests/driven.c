/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * driven.c - the clause tests of a program that knows nothing of mipc, run by
 * libcheck from outside: see apart.c.
 *
 *	driven [--mipcrun FILE | --bare | --on STORE] PROGRAM [PATTERN]
 *
 * Each test is a process of PROGRAM of its own, preloaded by mipcrun on a new
 * namespace.  None of its System V IPC calls reaches the kernel: it would die.
 * --bare is without mipcrun, to see that; --on is for a PROGRAM that holds the
 * library, and uses this store of it.
 */
#include "testing.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filter.h"

#define TIME_LIMIT	60	/* seconds a test */
#define TESTS		2000
#define NAME		120	/* bytes */

static const char *mipcrun = "./mipcrun", *program, *on = "preload";
static char test[TESTS][NAME];		/* "TEST N" */
static const char *name[TESTS];		/* "preload:TEST", or the store's */
static int ntests;

/* ---- what there is ---- */

static void
add_test(const char *line)
{
	char *shown;

	if (ntests == TESTS)
		testing_fail(__FILE__, __LINE__, "more than %d tests", TESTS);
	snprintf(test[ntests], NAME, "%s", line);
	if (asprintf(&shown, "%s:%.*s", on, (int)strcspn(line, " "), line) ==
	    -1)
		exit(99);
	name[ntests++] = shown;
}

/* What PROGRAM lists. */
static bool
list_tests(const char *pattern)
{
	char *line = NULL, *command;
	size_t size = 0;
	FILE *list;

	if (asprintf(&command, "'%s' --list '%s'", program, pattern) == -1)
		return false;
	list = popen(command, "re");
	free(command);
	while (list != NULL && getline(&line, &size, list) != -1) {
		line[strcspn(line, "\n")] = '\0';
		add_test(line);
	}
	free(line);
	return list != NULL && pclose(list) == 0 && ntests > 0;
}

/* ---- one test ---- */

static void
become_test(char *which, int said)
{
	char *number = strchr(which, ' ');
	char *argv[] = { (char *)mipcrun, "--dir", testing_dir, "--",
	    (char *)program, "--test", which, number + 1, testing_dir, NULL };
	char **start = mipcrun == NULL ? argv + 4 : argv;

	*number = '\0';
	dup2(said, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	if (filter_ipc(0))
		execv(start[0], start);
	perror(start[0]);
	_exit(98);
}

/* The last line that it said. */
static const char *
last_line(int said, char *text, size_t size)
{
	ssize_t n = pread(said, text, size - 1, 0);
	char *last;

	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n > 0 ? n : 0] = '\0';
	last = strrchr(text, '\n');
	return last == NULL ? text : last + 1;
}

/* As mktemp -d would make it for a user, and for root's programs. */
static void
enter(void)
{
	testing_enter();
	must_eq(chmod(testing_dir, geteuid() == 0 ? 01777 : 0700), 0);
}

START_TEST(run_it)
{
	int said = memfd_create("said", MFD_CLOEXEC), status;
	pid_t pid = fork();
	char text[4000];

	must(said != -1 && pid != -1);
	if (pid == 0)
		become_test(test[_i], said);
	must_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		ck_abort_msg("it was killed by %s: %s",
		    sigabbrev_np(WTERMSIG(status)),
		    last_line(said, text, sizeof(text)));
	if (status != 0)
		ck_abort_msg("%s", last_line(said, text, sizeof(text)));
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *suite = suite_create("driven");
	TCase *tc = tcase_create(on);

	tcase_add_checked_fixture(tc, enter, testing_leave);
	tcase_set_timeout(tc, TIME_LIMIT);
	tcase_add_loop_test(tc, run_it, 0, ntests);
	suite_add_tcase(suite, tc);
	return suite;
}

static void
use_store(const char *store)
{
	mipcrun = NULL;
	on = store;
	setenv("MIPC_TEST_ON", on, 1);
}

int
main(int argc, char **argv)
{
	for (; argc > 1 && *argv[1] == '-'; argc--, argv++)
		if (strcmp(argv[1], "--bare") == 0)
			mipcrun = NULL;
		else if (strcmp(argv[1], "--mipcrun") == 0 && argc-- > 2)
			mipcrun = *(++argv + 1);
		else if (strcmp(argv[1], "--on") == 0 && argc-- > 2)
			use_store(*(++argv + 1));
	program = argc > 1 ? argv[1] : NULL;
	if (program == NULL || !list_tests(argc > 2 ? argv[2] : "*")) {
		fprintf(stderr, "usage: see the head of driven.c\n");
		return 99;
	}
	testing_names = name;
	return testing_run(make_suite());
}
