/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h - the kernel's own objects, by the calls that those of a namespace
 * are asked by: a namespace of NULL is the kernel.
 */
#ifndef MIPC_KERNEL_H
#define MIPC_KERNEL_H

#include "object.h"

/* As mipc_shmctl() and its like. */
int	any_shmctl(struct mipc_ns *, int id, int cmd, struct shmid_ds *);
int	any_semctl(struct mipc_ns *, int id, int num, int cmd,
	    union sem_argument);
int	any_msgctl(struct mipc_ns *, int id, int cmd, struct msqid_ds *);

/* All but remove(), which is NULL. */
extern const struct facility kernel_facilities[NKINDS];

/*
 * What else is known of a segment of the kernel's: what it takes up, and what
 * process has the number of its creator.  Returns 0, or -1 without memory.
 */
int	kernel_look(struct object *);

#endif
