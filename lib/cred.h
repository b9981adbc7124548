/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cred.h - who calls, and what that permits.
 *
 * Depends on: atomic.h, sys.h.  Locks: none; every function may be called by
 * any thread at any time.
 */
#ifndef MIPC_CRED_H
#define MIPC_CRED_H

#include <sys/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

/* What decides about an object: clauses G3 and G4. */
struct mipc_perm {
	uid_t uid, cuid;
	gid_t gid, cgid;
	unsigned mode;
};

enum mipc_privilege {			/* capability numbers of Linux */
	MIPC_CAP_IPC_LOCK = 14,
	MIPC_CAP_IPC_OWNER = 15,
	MIPC_CAP_SYS_ADMIN = 21,
	MIPC_CAP_SYS_RESOURCE = 24,
};

/* The caller's credentials have changed; from now on changes are told. */
void	mipc_cred_changed(void);

/*
 * A number that changes with the caller's credentials: at once where changes
 * are told; else only when somebody looks, which takes system calls.  Its low
 * four bits are MIPC_CRED_STAMPED.
 */
#define MIPC_CRED_STAMPED	8u
extern mipc_u32 mipc_cred_state MIPC_HIDDEN;
static inline uint32_t
mipc_cred_stamp(void)
{
	return mipc_peek(&mipc_cred_state);
}
void	mipc_cred_look(void);

uid_t	mipc_cred_uid(void);
gid_t	mipc_cred_gid(void);
bool	mipc_cred_has(enum mipc_privilege);

/*
 * G3: may the caller do all of `bits` (any of the nine, folded over the
 * three classes)?
 */
bool	mipc_cred_may(const struct mipc_perm *, unsigned bits);

/* G4: may the caller change or remove it? */
bool	mipc_cred_owns(const struct mipc_perm *);

#endif
