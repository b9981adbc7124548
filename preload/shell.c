/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shell.c - system() and popen(): libc starts the shell without a function
 * that could be interposed.  The shell's own execs are judged in the shell,
 * if the module is in it: if not, nobody would tell.
 */
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SHELL	"/bin/sh"

PRELOAD_NEXT(system);
PRELOAD_NEXT(popen);

static bool
may_start(void)
{
	int error = preload_judge(AT_FDCWD, SHELL, 0, environ);

	if (error != 0)
		errno = error;
	return error == 0;
}

/* Without a command nothing is started. */
MIPC_PUBLIC int
system(const char *command)
{
	__typeof__(&system) real = NEXT(system);

	if (real == NULL || (command != NULL && !may_start()))
		return -1;
	return real(command);
}

MIPC_PUBLIC FILE *
popen(const char *command, const char *mode)
{
	__typeof__(&popen) real = NEXT(popen);

	return real == NULL || !may_start() ? NULL : real(command, mode);
}
