/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm.h - what the files of the segments' calls share.
 *
 * Depends on: get.h.
 */
#ifndef MIPC_SHM_H
#define MIPC_SHM_H

#include <sys/types.h>

#include "get.h"

#define MIPC_MODE_DEST		01000u	/* SHM_DEST */
#define MIPC_MODE_LOCKED	02000u	/* SHM_LOCKED */

extern const struct mipc_maker mipc_shm_maker;

/* May a new segment have huge pages?  0, EINVAL, EPERM, ENOMEM. */
int	mipc_shm_huge(int flags);

#endif
