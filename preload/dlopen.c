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
 * A name space of its own, by dlmopen(), has a libc of its own, which no module
 * can stand in front of but a second one with a second copy of the library,
 * and that would not learn of what the program does through the first: of
 * changes of credentials and memory, of fork and exec.  So it is said that such
 * a library finds the kernel's calls, unless they are trapped (raw.c).
 *
 * libc looks at who calls, for the search path and the namespace of that
 * object.  The real function is therefore jumped to and not called, so that
 * it returns to, and sees, the caller and not us.
 */
#include "preload.h"

#include "raw.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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

static bool
is_trapped(void)
{
	const char *value = getenv(RAW_ENVIRONMENT);

	return value != NULL && strcmp(value, "1") == 0;
}

/* The first is named. */
static void
warn_of(const char *file)
{
	static atomic_flag warned = ATOMIC_FLAG_INIT;
	struct preload_line line = { .used = 0 };

	if (file == NULL || is_trapped() || atomic_flag_test_and_set(&warned))
		return;
	preload_add(&line, "mipc: ");
	preload_add(&line, file);
	preload_add(&line, " will use the kernel's System V IPC: it is loaded "
	    "into a name space of its own");
	preload_print(&line);
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
	if (space == LM_ID_NEWLM)
		warn_of(file);
	JUMP_TO return real(space, file, flags & ~RTLD_DEEPBIND);
}
