/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_exec.c - what the preload module adds to a program that makes no IPC
 * call at all, and to one that makes a single one.
 *
 * The kernel's side runs the program as it is, mipc's side with the module.
 */
#include <sys/wait.h>

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

#define TRUE_PROGRAM	"/bin/true"

/* Run a program to its end; 0 if it exits with 0. */
static int
spawn_and_wait(const char *path, char *const argv[], char *const env[])
{
	pid_t pid;
	int status, error;

	error = posix_spawn(&pid, path, NULL, NULL, argv, env);
	if (error != 0) {
		errno = error;
		return -1;
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (status == 0)
		return 0;
	errno = ECHILD;
	return -1;
}

static double
spawn_times(struct bench *b, unsigned long n, const char *path, char *arg)
{
	char preload[560] = "MIPC_UNUSED=", dir[160];
	char name[] = "mipc-bench";
	char *const argv[] = { name, arg, NULL };
	char *env[] = { dir, preload, NULL };
	uint64_t start;

	snprintf(dir, sizeof(dir), "MIPC_DIR=%s/ns", b->place->dir);
	if (b->side->home == HOME_DIR)
		snprintf(preload, sizeof(preload), "LD_PRELOAD=%s",
		    b->place->module);
	start = bench_now();
	for (unsigned long i = 0; i < n; i++)
		if (spawn_and_wait(path, argv, env) == -1) {
			snprintf(b->note, sizeof(b->note), "%s: %s", path,
			    errno == ECHILD ? "it failed" : strerror(errno));
			return -1;
		}
	return (double)(bench_now() - start) / (double)n;
}

static double
run_true(struct bench *b, unsigned long n)
{
	return spawn_times(b, n, TRUE_PROGRAM, NULL);
}

static double
run_one_call(struct bench *b, unsigned long n)
{
	char arg[] = "--one-shmget";

	return spawn_times(b, n, b->place->self, arg);
}

/* The segment that the program asks for, and the module it needs. */
static int
set_up_exec(struct bench *b)
{
	if (b->side->home == HOME_DIR && b->place->module[0] == '\0') {
		snprintf(b->note, sizeof(b->note),
		    "left out: no preload module: set MIPC_PRELOAD");
		b->left_out = 1;
		return -1;
	}
	return bench_create_all(b);
}

#define EXEC_ROW(row_name, run_fn)					\
	{								\
		.name = "exec " row_name, .unit = "ns",			\
		.size = 4 * KIB, .count = 1,				\
		.side = {						\
			{						\
				.name = "kernel", .home = HOME_NONE,	\
				.ops = &bench_kernel_ops,		\
				.setup = set_up_exec, .run = run_fn,	\
				.teardown = bench_remove_all,		\
			},						\
			{						\
				.name = "mipc", .home = HOME_DIR,	\
				.ops = &bench_mipc_ops,			\
				.setup = set_up_exec, .run = run_fn,	\
				.teardown = bench_remove_all,		\
			},						\
		},							\
	}

const struct bench_row bench_rows_exec[] = {
	EXEC_ROW("/bin/true", run_true),
	EXEC_ROW("first call", run_one_call),
	{ .name = NULL }
};
