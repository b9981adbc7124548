/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * victim.h - a child that is to be stepped (kill.h) and killed.
 */
#ifndef VICTIM_H
#define VICTIM_H

#include <sys/types.h>

/* One that stops before `body`, and after it. */
pid_t	victim_start(void (*body)(void));
void	victim_end(pid_t pid);

#endif
