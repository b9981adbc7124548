/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libc.h - what the tests use of libc that some have no name for.
 */
#ifndef LIBC_H
#define LIBC_H

#include <sys/msg.h>
#include <sys/syscall.h>
#include <string.h>
#include <unistd.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* What is told of an errno: its name, or what else libc has. */
static inline const char *
error_name(int error)
{
#ifdef HAVE_STRERRORNAME_NP
	const char *name = strerrorname_np(error);

	return name != NULL ? name : "?";
#else
	return error == 0 ? "0" : strerror(error);
#endif
}

#ifndef HAVE_CLOSE_RANGE
static inline int
close_range(unsigned first, unsigned last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}
#endif

#endif
