/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testing_run.c - the tests run by libcheck, each in a directory of its own.
 *
 * The program forks: the child is libcheck's runner, the parent reads its
 * TAP lines, turns the failures that testing_skip() raised into SKIP lines
 * and removes the directory in the end, however the runner came to its own.
 */
#include "testing.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const *testing_names;

static char base[PATH_MAX - 64];	/* what the program owns on disk */
static volatile sig_atomic_t runner;

/* ---- a place on disk ---- */

static void
make_base(void)
{
	const char *in = getenv("MIPC_TEST_DIR");

	if (in == NULL)
		in = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(base, sizeof(base), "%s/mipc-check-XXXXXX", in);
	if (mkdtemp(base) == NULL || chmod(base, 0755) == -1) {
		perror(base);
		exit(99);
	}
}

void
testing_enter(void)
{
	testing_begin();
	snprintf(testing_dir, sizeof(testing_dir), "%s/XXXXXX", base);
	must(mkdtemp(testing_dir) != NULL);
	must_eq(chmod(testing_dir, 0755), 0);
}

void
testing_leave(void)
{
	remove_tree(testing_dir);
}

/* ---- running ---- */

/*
 * libcheck writes "ok N - file:case:test: message".  Print the case and the
 * test, then the message of a failure, or the reason of a skip.  Returns
 * whether the line is a failure.
 */
static bool
print_line(char *line)
{
	static char last[200];
	static int turn;
	char *name = strstr(line, " - "), *message = NULL, *skip;
	bool failed = strncmp(line, "not ok", 6) == 0;
	const int number = atoi(line + (failed ? 7 : 3));
	const char *shown;

	line[strcspn(line, "\n")] = '\0';
	if (name != NULL)
		name = strchr(name, ':');
	if (name != NULL)
		message = strstr(name + 1, ": ");
	if (message == NULL) {
		printf("%s\n", line);
		return failed;
	}
	*message = '\0';
	skip = strstr(message + 2, TESTING_SKIP);
	shown = testing_names == NULL ? name + 1 : testing_names[number - 1];
	turn = strcmp(last, shown) == 0 ? turn + 1 : 1;
	snprintf(last, sizeof(last), "%s", shown);
	printf("%s %d - %s", failed && skip == NULL ? "not ok" : "ok", number,
	    shown);
	if (turn > 1)
		printf(" %d", turn);	/* of a loop test */
	if (skip != NULL)
		printf(" # SKIP %s\n", skip + strlen(TESTING_SKIP));
	else if (failed)
		printf(": %s\n", message + 2);
	else
		printf("\n");
	return failed && skip == NULL;
}

static bool
print_lines(int fd)
{
	FILE *in = fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;
	bool failed = false;

	while (in != NULL && getline(&line, &size, in) != -1) {
		failed |= print_line(line);
		fflush(stdout);
	}
	free(line);
	if (in != NULL)
		fclose(in);
	return failed || in == NULL;
}

/* libcheck passes it on to the test, which may have signals blocked. */
static void
forward(int sig)
{
	pid_t group = board->group;

	kill((pid_t)runner, sig);
	if (group > 0)
		killpg(group, SIGKILL);
}

static pid_t
start_runner(Suite *suite, int out[2])
{
	pid_t pid = fork();
	SRunner *sr = srunner_create(suite);

	if (pid != 0) {
		srunner_free(sr);	/* and the suite with it */
		return pid;
	}
	setpgid(0, 0);		/* libcheck signals its whole group */
	dup2(out[1], STDOUT_FILENO);
	close(out[0]);
	close(out[1]);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);	/* children may flush it */
	srunner_set_fork_status(sr, CK_FORK);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	srunner_free(sr);
	exit(0);
}

int
testing_run(Suite *suite)
{
	struct sigaction sa = {
		.sa_handler = forward,
		.sa_flags = SA_RESTART,
	};
	int out[2], status;
	bool failed;

	if (!testing_make_board() || pipe(out) == -1)
		return 99;
	make_base();
	runner = start_runner(suite, out);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);	/* the directory must go all the same */
	close(out[1]);
	failed = runner == -1 || print_lines(out[0]);
	if (runner != -1)
		waitpid((pid_t)runner, &status, 0);
	remove_tree(base);
	return failed || runner == -1 || status != 0;
}
