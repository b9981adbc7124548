/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acl.h - give a file of an object to whom the object belongs.
 *
 * Depends on: cred.h, sys.h.  Locks: none.
 */
#ifndef MIPC_ACL_H
#define MIPC_ACL_H

#include "cred.h"

/*
 * Owner, group and mode of the file `name`, as far as the kernel lets the
 * caller; an access control list for the rest.  Returns 0, EPERM where the
 * filesystem has no lists and one would be needed, or what the kernel said.
 */
int	mipc_acl_permit(int dirfd, const char *name, const struct mipc_perm *,
	    unsigned mode);

/*
 * The same the other way round, and the size in bytes: what a file tells of
 * its object to one who may not open it.  A second owner or group is told as
 * the creator's.  Returns 0 or an errno.
 */
int	mipc_acl_read(int dirfd, const char *name, struct mipc_perm *,
	    uint64_t *size);

#endif
