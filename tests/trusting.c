/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trusting.c - in place of the module's pages.c: every pointer is taken to be
 * good.  A test of bad ones must see that (left_out.sh).
 */
#include <stdbool.h>
#include <stddef.h>

bool	preload_readable(const void *, size_t);
bool	preload_writable(void *, size_t);
bool	preload_fillable(void *, size_t);
void	preload_remember_pages(void);
void	preload_forget_pages(void);

bool
preload_readable(const void *pointer, size_t size)
{
	return pointer != NULL || size > 0;
}

bool
preload_writable(void *pointer, size_t size)
{
	return pointer != NULL || size > 0;
}

bool
preload_fillable(void *pointer, size_t size)
{
	return pointer != NULL || size > 0;
}

void
preload_remember_pages(void)
{
}

void
preload_forget_pages(void)
{
}
