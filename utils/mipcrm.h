/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcrm.h - what mipcrm is asked to remove, and its removal.
 */
#ifndef MIPC_MIPCRM_H
#define MIPC_MIPCRM_H

#include "object.h"

#include <stddef.h>

/* An object that was named. */
struct named {
	int kind;		/* of facilities[] */
	int by_key;
	key_t key;
	int id;
};

struct command {
	const char *dir;	/* NULL: the default */
	unsigned all;		/* kinds of -a */
	struct named *named;
	size_t nnamed;
	const struct option_row *naming;	/* what words name; or NULL */
	int by_owner;
	uid_t owner;
	int by_age;
	long long older;	/* seconds */
	int orphans;
	int dry_run;
	int verbose;
	int force;
};

/*
 * Remove what the command says, with messages.  Returns 0, or 1 if something
 * could not be removed or nothing was there to be.
 */
int	remove_objects(const struct command *, struct mipc_ns *);

#endif
