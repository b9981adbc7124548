/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutate.h - what the files of mutate share: a namespace in which there is
 * something of everything, as a copy that nobody uses.
 */
#ifndef MUTATE_H
#define MUTATE_H

#include "harness.h"

/*
 * Make the namespace `dir`: segments with attaches, a set with debts and
 * sleepers, queues with messages in order and in the index, with who waits for
 * one and for room.  `copy` is what it was then; `dir` is left to the dead.
 * Returns 0, or -1 with errno.
 */
int	mutate_scene(const char *dir, const char *copy);

/* The commands' main(), under other names. */
int	mipcs_main(int argc, char **argv);
int	mipcrm_main(int argc, char **argv);
int	mipcck_main(int argc, char **argv);

#endif
