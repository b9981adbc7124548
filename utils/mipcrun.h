/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcrun.h - what the command line says, and the way a program is started.
 */
#ifndef MIPC_MIPCRUN_H
#define MIPC_MIPCRUN_H

#include "limits.h"
#include "mipc.h"
#include "options.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses of mipcrun's own, as env(1) has them. */
enum {
	EXIT_FAILED = 125,	/* mipcrun itself failed */
	EXIT_NOT_RUN = 126,	/* found, but not executed */
	EXIT_NOT_FOUND = 127
};

struct run {
	const char *dir;	/* NULL: the default namespace */
	int shared;
	int private;
	int strict;
	int raw;		/* trap the calls themselves */
	bool trace;
	const char *trace_file;	/* NULL: standard error */
	struct limits limits;
	char **argv;		/* the program and its arguments */
};

/*
 * Execute the program on the namespace in `dir` (absolute).  Returns an exit
 * status, after a message, if that cannot be done.
 */
int	execute(const struct run *, const char *dir);

/*
 * From now on the kernel sends a signal in place of a System V IPC call, in
 * whatever this process becomes or starts.  False with errno.
 */
bool	raw_begin(void);

/*
 * Run the program on a namespace of its own, that is gone when the program
 * and all it started are gone.  Returns mipcrun's exit status, unless the
 * program died of a signal: so does mipcrun then.
 */
int	run_private(const struct run *);

/*
 * A new private namespace under a name of its own, written to `dir` of
 * `size` bytes.  The caller is alive in it.  NULL after a message.
 */
struct mipc_ns *private_make(char *dir, size_t size);

/* Be alive in a namespace, which takes a call into it. */
bool	private_live_in(struct mipc_ns *);
/* Keep sweeps away from it, for as long as this process is there. */
void	private_hold(const char *dir);

/* Remove the private namespaces of this user that nobody lives in. */
void	private_sweep(void);

#endif
