/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plain.h - mipc's side of a program that knows nothing of mipc.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include <stdbool.h>

/*
 * Use the namespace in a directory, made if that is wanted.  The preload
 * module opens it at this process's first call, which comes later.
 */
bool	plain_open(const char *dir, bool create);
/* Set a limit of it, by its file in /proc/sys/kernel. */
bool	plain_limit(const char *name, unsigned long value);

#endif
