/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.h - libcheck's names for what a test is, in programs that cannot be
 * linked with libcheck: those of another word size, or libc.
 *
 * Such a program does not run its tests: it lists them, and it is one of them
 * when it is told to be.  Who runs them is driven.c, by libcheck.
 */
#ifndef APART_CHECK_H
#define APART_CHECK_H

typedef struct {
	const char *name;
	void (*fn)(int);
} TTest;

typedef struct TCase TCase;
typedef struct Suite Suite;

#define START_TEST(test)						\
	static void test##_fn(int _i __attribute__((unused)));		\
	static const TTest test##_ttest = { #test, test##_fn };		\
	static const TTest *test = &test##_ttest;			\
									\
	static void							\
	test##_fn(int _i __attribute__((unused)))
#define END_TEST

/* Add a test for each number from .. to - 1, its _i. */
void	tcase_add_loop_test(TCase *, const TTest *, int from, int to);

/* The test has failed, and says why. */
void	ck_abort_msg(const char *, ...)
	    __attribute__((noreturn, format(printf, 1, 2)));

#endif
