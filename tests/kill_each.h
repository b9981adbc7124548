/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_each.h - a short operation that is killed at each single instruction,
 * by ptrace and a real SIGKILL.
 */
#ifndef KILL_EACH_H
#define KILL_EACH_H

#include "kill.h"

struct kill_each {
	void (*make)(void);		/* what is there before, each time */
	void (*operate)(void);		/* by the victim */
	const char *(*judge)(void);	/* what is wrong after it, or NULL */
	unsigned calls;			/* as many last ones with all that is
					   between, whatever part is tried */
	/* What came out. */
	unsigned part, steps, bad;
	bool broken;
};

/*
 *	--part N	only at one of so many instructions, others each time
 *	--broken	the library is: until the first kill that shows it
 *
 * False where there is no single step, which has been said then.
 */
bool	kill_each(struct kill_each *, int argc, char **argv);

#endif
