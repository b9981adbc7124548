/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_run.h - what the differential tests share: the two sides, IPC
 * namespaces of their own, rounds of random operations, options, TAP.
 *
 * A round is one sequence of operations or several, each in a process of its
 * own with new namespaces; a lie is a round in which one side misbehaves on
 * purpose, and which must end at a difference.
 */
#ifndef DIFF_RUN_H
#define DIFF_RUN_H

#include "harness.h"

enum { KERNEL, MIPC, SIDES };

/* What stands on the side called MIPC. */
enum store {
	STORE_DIR,
	STORE_ANON,
	STORE_KERNEL,		/* the kernel again, in another IPC namespace */
	STORE_MODEL		/* what the clauses say, without processes */
};

#define NOBODY		65534	/* the uid and gid of unprivileged workers */

struct config {
	const char *name;
	enum store store;
	bool forced;		/* shm_rmid_forced */
	unsigned observe;	/* look at everything each so many steps */
	unsigned ops;		/* in the table of rounds: percent */
	unsigned stretch;	/* operations a sequence at most; 0: any */
	uint64_t seed;
	const char *broken;	/* how the side MIPC misbehaves, or NULL */
	bool hasty;		/* wait but a moment for what must come */
	const struct spans *skip;	/* steps left out; or NULL */
};

/* Steps first[i] .. last[i]. */
#define SPANS	400
struct spans {
	unsigned n;
	unsigned first[SPANS], last[SPANS];
};

/* What this process and machine allow; found out once. */
struct diff_can {
	bool oracle;		/* an IPC namespace of our own with SysV IPC */
	bool admin;		/* by privilege, so also a second one */
	bool uids;		/* children can become somebody else */
};
extern struct diff_can can;

struct lie {
	const char *kind;
	enum store store;
};

/* How a sequence ended: its exit status. */
enum {
	SEQUENCE_EQUAL = 0,
	SEQUENCE_DIFFERS = 1,
	SEQUENCE_TROUBLE = 2,
	SEQUENCE_PARTED = 5	/* a known difference, no way on */
};

/*
 * One differential test.  In a program that knows nothing of mipc there are
 * only the rounds on a directory, and the lies that processes tell.
 */
struct diff_test {
	const struct config *rounds;
	size_t nrounds;
	const struct lie *lies;
	size_t nlies;
	unsigned ops;		/* in all rounds, unless --ops says */
	unsigned lie_ops;	/* within which a lie must be seen */
	/* In a child, in an IPC namespace of its own: is the kernel's there? */
	bool (*oracle)(void);
	/* In a child: the sequence; *steps is how many operations were made. */
	int (*sequence)(const struct config *, unsigned number,
	    unsigned *steps);
	/* After a sequence, number `round` of the table, that differs. */
	void (*bad)(const struct config *, size_t round);
	/* After a round, or a lie; may be NULL. */
	void (*done)(const struct config *);
	void (*note)(void);	/* print the known differences */
};

int	diff_main(int argc, char **argv, const struct diff_test *test);

/* The exit status of one sequence in a child; silent: it prints nothing. */
int	diff_sequence(const struct config *c, bool silent);
/* How many steps the last sequence made. */
unsigned diff_steps(void);

/* Enter an IPC namespace of our own; false if that cannot be. */
bool	diff_enter_namespace(void);
/* Enter two, one after the other; descriptors of both, in the first. */
void	diff_enter_two(int namespace[SIDES]);
bool	diff_write_file(const char *path, const char *text);
/* The kernel's own file, whoever shows another by open(). */
bool	diff_write_kernel(const char *path, const char *text);
/* Memory with a descriptor, that survives exec through it. */
void	*diff_memory(size_t size, int *fd);

#endif
