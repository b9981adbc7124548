/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replace_keep.c - earlier generations of a file that is replaced.
 *
 * Invariant: NAME is at every moment the old file or the new one.  What is to
 * be NAME.1 gets that as a second name, while it still has the first; only
 * where the filesystem has no hard links there is a moment without NAME, in
 * which NAME.1 is the newest.
 */
#include "replace.h"

#include <errno.h>
#include <stdio.h>

enum { LONGER = NAME_MAX + 12 };

static void
generation(const struct mipc_replace *r, unsigned n, char out[LONGER])
{
	snprintf(out, LONGER, n == 0 ? "%s" : "%s.%u", r->name, n);
}

/* Has a generation's name been given to the file that has NAME? */
static bool
is_done(const struct mipc_replace *r, const char *older)
{
	struct stat st;

	return mipc_sys_stat(r->dir, older, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == r->was.st_dev && st.st_ino == r->was.st_ino;
}

int
mipc_replace_age(const struct mipc_replace *r)
{
	char newer[LONGER], older[LONGER];
	int n;

	generation(r, 1, older);
	if (r->old < 0 || is_done(r, older))	/* by one who was killed */
		return 0;
	for (unsigned i = r->keep - 1; i > 1; i--) {
		generation(r, i - 1, newer);
		generation(r, i, older);
		n = mipc_sys_rename(r->dir, newer, older);
		if (n < 0 && n != -ENOENT)
			return -n;
	}
	generation(r, 1, older);
	mipc_sys_unlink(r->dir, older, 0);
	n = mipc_sys_link(r->dir, r->name, older);
	if (n == -EPERM || n == -EOPNOTSUPP || n == -EMLINK)
		n = mipc_sys_rename(r->dir, r->name, older);
	return n == -ENOENT ? 0 : -n;
}

void
mipc_replace_forget(const struct mipc_replace *r)
{
	char name[LONGER];

	for (unsigned i = r->keep; i < MIPC_REPLACE_KEEPS; i++) {
		generation(r, i, name);
		if (mipc_sys_unlink(r->dir, name, 0) != 0)
			return;
	}
}
