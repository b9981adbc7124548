/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.h - the fault tests that are the same of sets and of queues.
 */
#ifndef FAULT_H
#define FAULT_H

#include "spoil.h"

/* How a kind's objects are used in these tests; ids by pointer: a child's. */
struct faults {
	/* One with something in it, KEY's; and is it as that made it? */
	int (*make_other)(void);
	void (*use_other)(void *id);
	/* One that is to be damaged, in use. */
	int (*make)(void);
	/* Every call on it, whatever it answers: they end, all of them. */
	void (*try_all)(void *id);
	/* Calls that must all fail, by EIO; by EINVAL too if `absent`. */
	void (*must_be_damaged)(int id, bool absent);
	/* Somewhere in its file, by a number: where something is written. */
	off_t (*anywhere)(unsigned number, off_t size);
};
extern const struct faults faults;

/* An answer -1, by EIO, or by EINVAL if `absent`. */
void	must_be_refused(long answer, bool absent);

void	add_common_fault_tests(TCase *tc);

#endif
