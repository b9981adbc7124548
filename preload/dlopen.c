/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dlopen.c - dlopen() without RTLD_DEEPBIND.
 *
 * A library that is loaded with it looks for names in itself and what it
 * needs first, so that its IPC calls would find libc's functions before ours:
 * PHP's extensions and some servers' modules are loaded like that.  Programs
 * use it to keep a library's own names apart, which other names than these do
 * not need here any more than with any other preload.
 *
 * libc looks at who calls, for the search path and the namespace of that
 * object.  The real function is therefore jumped to and not called, so that
 * it returns to, and sees, the caller and not us.
 */
#include "preload.h"

#include <dlfcn.h>
#include <stdatomic.h>

#ifndef RTLD_DEEPBIND
#define RTLD_DEEPBIND	0
#endif

#if defined(__clang__) && defined(__has_attribute)
#if __has_attribute(musttail)
#define JUMP_TO		__attribute__((musttail))
#endif
#elif defined(__GNUC__)
#define JUMPS		__attribute__((optimize("O2")))
#endif
#ifndef JUMP_TO
#define JUMP_TO
#endif
#ifndef JUMPS
#define JUMPS
#endif

PRELOAD_NEXT(dlopen);
PRELOAD_NEXT(dlmopen);

static void *
no_dlopen(const char *file, int flags)
{
	(void)file;
	(void)flags;
	return NULL;
}

static void *
no_dlmopen(Lmid_t space, const char *file, int flags)
{
	(void)space;
	(void)file;
	(void)flags;
	return NULL;
}

MIPC_PUBLIC JUMPS void *
dlopen(const char *file, int flags)
{
	__typeof__(&dlopen) real = NEXT(dlopen);

	if (real == NULL)
		real = no_dlopen;
	JUMP_TO return real(file, flags & ~RTLD_DEEPBIND);
}

MIPC_PUBLIC JUMPS void *
dlmopen(Lmid_t space, const char *file, int flags)
{
	__typeof__(&dlmopen) real = NEXT(dlmopen);

	if (real == NULL)
		real = no_dlmopen;
	JUMP_TO return real(space, file, flags & ~RTLD_DEEPBIND);
}
