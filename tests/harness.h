/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.h - what the test programs with a TAP voice of their own share:
 * lines, seeds, private directories, processes that end or are ended.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <sys/types.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libc.h"

/* ---- TAP: one line a test, comments for what explains it ---- */

void	tap_plan(int tests);
void	tap_ok(bool good, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	tap_skip(const char *why, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	tap_note(const char *fmt, ...)
	    __attribute__((format(printf, 1, 2)));
/* The value of main(): 1 if a line was not ok or the plan was not kept. */
int	tap_end(void);

/* ---- numbers that a seed repeats ---- */

struct rng {
	uint64_t state;
};

void	rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* 0 .. n-1; n > 0 */
unsigned rng_below(struct rng *r, unsigned n);
/* true in `percent` of 100 cases */
bool	rng_chance(struct rng *r, unsigned percent);
/* A seed nobody chose, for a run without --seed. */
uint64_t rng_entropy(void);

/* ---- time, seconds since some start ---- */

double	harness_now(void);

/* ---- a private directory below $MIPC_TEST_DIR or where memory is ---- */

/*
 * Made at the first call; removed with all that is in it when the process
 * that made it ends, by a watcher if it is killed.
 */
const char *harness_dir(void);
/* Remove what is in a directory, and the directory. */
void	harness_remove(const char *dir);
/* How many files there are in it. */
int	harness_files(const char *dir);

/* ---- processes ---- */

/* End this process with its parent. */
void	harness_die_with_parent(void);
/* As fork(2), or ends the process; a child ends with its parent. */
pid_t	harness_fork(void);
/*
 * Sleep while *word is `old`, `seconds` at most.  The word lies in memory
 * that processes share.
 */
void	harness_wait(_Atomic uint32_t *word, uint32_t old, double seconds);
void	harness_wake(_Atomic uint32_t *word);
/* One more, and wake. */
void	harness_raise(_Atomic uint32_t *word);
/* Memory that children share; ends the process if there is none. */
void	*harness_shared(size_t size);
/* Wait for a child; its status, or -1 if it lives after `seconds`. */
int	harness_reap(pid_t pid, double seconds);
/* The value after the option argv[*i], which is passed; ends without one. */
const char *harness_value(int argc, char **argv, int *i);
/* Print a sentence on standard error and end with status 2. */
void	harness_die(const char *fmt, ...)
	    __attribute__((noreturn, format(printf, 1, 2)));

#endif
