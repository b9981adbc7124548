/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * next.c - the functions behind the interposed ones, and lines on standard
 * error.
 *
 * dlsym(RTLD_NEXT) allocates nothing when it finds the name, and its lock is
 * one that the same thread may take again.  Two threads that look at once
 * store the same value.
 */
#include "preload.h"

#include "sys_call.h"

#include <sys/syscall.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

preload_function *
preload_next(preload_function *_Atomic *slot, const char *name)
{
	union {
		void *object;
		preload_function *function;
	} found;

	found.function = atomic_load_explicit(slot, memory_order_relaxed);
	if (found.function != NULL)
		return found.function;
	found.object = dlsym(RTLD_NEXT, name);
	if (found.object == NULL)
		errno = ENOSYS;
	atomic_store_explicit(slot, found.function, memory_order_relaxed);
	return found.function;
}

/* Add what fits. */
void
preload_add(struct preload_line *line, const char *text)
{
	size_t n = strlen(text);

	if (n > sizeof(line->text) - line->used)
		n = sizeof(line->text) - line->used;
	memcpy(line->text + line->used, text, n);
	line->used += n;
}

void
preload_print(struct preload_line *line)
{
	if (line->used == sizeof(line->text))
		line->used--;
	line->text[line->used++] = '\n';
	sys_call(SYS_write, STDERR_FILENO, (long)line->text, (long)line->used,
	    0, 0, 0);
}
