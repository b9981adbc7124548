/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unshare.c - unshare(), which ends a share in more than ours.
 *
 * With CLONE_SYSVSEM, and with CLONE_NEWIPC that implies it, a process of one
 * thread pays what it owes semaphores at once.  One of several threads shares
 * its debts among them, and the kernel takes the share of the one that calls:
 * that is not followed, they are paid when the process ends.  A vfork() child
 * has no debts of its own.  What a program owes from before it was executed is
 * paid if it has made a call since: for others no namespace is opened.
 *
 * The kernel itself is not told of CLONE_SYSVSEM, of which it has nothing to
 * pay; what it says of CLONE_VM, which changes nothing, is whether there
 * are other threads or a vfork() parent.
 *
 * Entering a user namespace changes capabilities, so that is reported as the
 * functions in credentials.c are.
 */
#include "preload.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

PRELOAD_NEXT(unshare);

int
preload_unshare(int flags)
{
	__typeof__(&unshare) real = NEXT(unshare);
	int result = real == NULL ? -1 : real(flags & ~CLONE_SYSVSEM);
	int error = errno;
	struct mipc_ns *ns;

	mipc_credentials_changed();
	if (result == 0 && (flags & (CLONE_SYSVSEM | CLONE_NEWIPC)) != 0 &&
	    real(CLONE_VM) == 0) {
		ns = preload_opened();
		if (ns != NULL)
			mipc_semundo(ns);
	}
	errno = error;
	return result;
}

MIPC_PUBLIC int
unshare(int flags)
{
	return preload_unshare(flags);
}
