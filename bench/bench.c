/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipc-bench - what System V IPC costs: the kernel's, mipc's, and that of
 * what a user might pick instead.
 */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum exit_code {
	EXIT_ALL_MEASURED = 0,
	EXIT_SOME_NOT = 1,	/* mipc's side of a row failed */
	EXIT_USAGE = 2
};

static const struct bench_row *const tables[] = {
	bench_rows_get, bench_rows_create, bench_rows_attach,
	bench_rows_touch, bench_rows_fork, bench_rows_memory,
	bench_rows_exec, bench_rows_sem, bench_rows_sem_ctl,
	bench_rows_pair, bench_rows_contend, bench_rows_kill,
	bench_rows_preload, bench_rows_msg, bench_rows_msg_pair
};

#define NTABLES	(sizeof(tables) / sizeof(tables[0]))

static const struct bench_options at_ease = {
	.rounds = 51, .batch_ns = 2000000, .row_ns = 4000000000
};
static const struct bench_options in_haste = {
	.quick = 1, .rounds = 11, .batch_ns = 500000, .row_ns = 150000000
};

static void
print_help(void)
{
	printf("Usage: mipc-bench [--quick] [--json] [--row NAME]...\n"
	    "       mipc-bench --list\n"
	    "Compare the kernel's System V IPC, mipc and their alternatives.\n"
	    "\n"
	    "  --row NAME  only the row NAME, or those that match a glob\n"
	    "  --list      print the names of the rows\n"
	    "  --quick     all in less than 35 seconds, less exactly\n"
	    "  --json      an array of objects instead of a table\n"
	    "  --help      print this\n"
	    "  --version   print the version\n"
	    "\n"
	    "Exits with 0, with 1 if mipc's side of a row failed, with 2 for "
	    "a wrong usage.\n"
	    "MIPC_PRELOAD names the preload module, if it is not beside this "
	    "program.\n");
}

/* Is the row chosen: is there no pattern, or does one match? */
static int
is_chosen(const struct bench_row *row, char **pattern, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(pattern[i], row->name) == 0 ||
		    fnmatch(pattern[i], row->name, 0) == 0)
			return 1;
	return n == 0;
}

static unsigned
count_chosen(char **pattern, int n)
{
	unsigned count = 0;

	for (size_t t = 0; t < NTABLES; t++)
		for (const struct bench_row *r = tables[t]; r->name; r++)
			count += (unsigned)is_chosen(r, pattern, n);
	return count;
}

static void
list_rows(char **pattern, int n)
{
	for (size_t t = 0; t < NTABLES; t++)
		for (const struct bench_row *r = tables[t]; r->name; r++)
			if (is_chosen(r, pattern, n))
				printf("%s\n", r->name);
}

/* Did mipc's side of the row give no value, though it could have? */
static int
mipc_failed(const struct bench_result *r)
{
	for (int i = 0; i < BENCH_SIDES && r->row->side[i].name; i++)
		if (strcmp(r->row->side[i].name, "mipc") == 0)
			return isnan(r->value[i]) && !r->left_out[i];
	return 0;
}

/* End as the signal would have ended us, now that all is cleaned up. */
static void
die_of(int sig)
{
	sigset_t all;

	fflush(NULL);
	signal(sig, SIG_DFL);
	raise(sig);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
}

/* Measure the chosen rows; ends the program if a signal stopped it. */
static int
run_rows(const struct bench_options *opt, char **pattern, int n)
{
	struct bench_place place;
	struct bench_result result;
	int code = EXIT_ALL_MEASURED, sig = 0;

	if (bench_place_make(&place) == -1) {
		fprintf(stderr, "mipc-bench: a directory of its own in "
		    "/dev/shm, $TMPDIR or /tmp: %s\n", strerror(errno));
		return EXIT_SOME_NOT;
	}
	bench_report_begin(opt);
	for (size_t t = 0; t < NTABLES; t++)
		for (const struct bench_row *r = tables[t]; r->name; r++) {
			if (sig != 0 || !is_chosen(r, pattern, n))
				continue;
			sig = bench_measure(r, opt, &place, &result);
			if (sig != 0)
				continue;
			bench_report_row(opt, &result);
			if (mipc_failed(&result))
				code = EXIT_SOME_NOT;
		}
	if (sig == 0)
		bench_report_end(opt);
	bench_place_remove(&place);
	if (sig != 0)
		die_of(sig);
	return code;
}

/* The `exec first call` row's program: one call, and out. */
static int
one_shmget(void)
{
	return shmget(BENCH_FIRST_KEY, 0, 0) == -1;
}

/* What the command line asks for. */
struct command {
	struct bench_options opt;
	char **pattern;		/* room for argc of them */
	int n;
	int list;
};

/* Read the command line.  Returns an exit code, or -1 to go on. */
static int
read_options(int argc, char **argv, struct command *cmd)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ "one-shmget", no_argument, NULL, '1' },
		{ "preload-child", required_argument, NULL, 'c' },
		{ "quick", no_argument, NULL, 'q' },
		{ "raw-child", required_argument, NULL, 'w' },
		{ "row", required_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int c, json = 0;

	while ((c = getopt_long(argc, argv, "hjlqr:V", longs, NULL)) != -1) {
		switch (c) {
		case 'h':
			print_help();
			return EXIT_ALL_MEASURED;
		case 'V':
			printf("mipc-bench (%s) %s\n", PACKAGE_NAME,
			    PACKAGE_VERSION);
			return EXIT_ALL_MEASURED;
		case '1':
			return one_shmget();
		case 'c':
			return bench_preload_child(atoi(optarg));
		case 'w':
			return bench_raw_child(atoi(optarg));
		case 'j':
			json = 1;
			break;
		case 'l':
			cmd->list = 1;
			break;
		case 'q':
			cmd->opt = in_haste;
			break;
		case 'r':
			cmd->pattern[cmd->n++] = optarg;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	cmd->opt.json = json;
	return -1;
}

/* Is what the command line names there?  Returns an exit code, or -1. */
static int
check_command(int argc, char **argv, const struct command *cmd)
{
	if (optind < argc) {
		fprintf(stderr, "mipc-bench: %s: not an option; rows are "
		    "chosen by --row\n", argv[optind]);
		return EXIT_USAGE;
	}
	for (int i = 0; i < cmd->n; i++)
		if (count_chosen(&cmd->pattern[i], 1) == 0) {
			fprintf(stderr, "mipc-bench: %s: no such row; --list "
			    "names them\n", cmd->pattern[i]);
			return EXIT_USAGE;
		}
	return -1;
}

int
main(int argc, char **argv)
{
	struct command cmd = { .opt = at_ease };
	int code;

	cmd.pattern = calloc((size_t)argc, sizeof(*cmd.pattern));
	if (cmd.pattern == NULL)
		return EXIT_SOME_NOT;
	code = read_options(argc, argv, &cmd);
	if (code == -1)
		code = check_command(argc, argv, &cmd);
	if (code == -1 && cmd.list) {
		list_rows(cmd.pattern, cmd.n);
		code = EXIT_ALL_MEASURED;
	} else if (code == -1) {
		code = run_rows(&cmd.opt, cmd.pattern, cmd.n);
	}
	free(cmd.pattern);
	return code;
}
