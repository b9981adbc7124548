/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cred.c - who calls, and what that permits.
 *
 * Credentials are the kernel's of the moment.  Asking costs system calls, so
 * a caller that reports every change (the preload module, or a program by
 * mipc_credentials_changed) has its answers kept until the next report; for
 * anyone else they are asked each time.  Supplementary groups are asked only
 * when nothing else decides.
 */
#include "cred.h"

#include <errno.h>
#include <stddef.h>

#include "atomic.h"
#include "view.h"
#include "sys.h"

#define PROMISED	16u	/* every change is told */
#define CHANGE		32u

/* Grows at every change that was told; before that, at every one seen. */
mipc_u32 mipc_cred_state = MIPC_CRED_STAMPED;

/* The ids and capabilities that belong to state `fresh`. */
static mipc_u64 ids, capabilities, fsgid;
static mipc_u32 fresh;

static bool
promised(void)
{
	return (mipc_peek(&mipc_cred_state) & PROMISED) != 0;
}

void
mipc_cred_changed(void)
{
	uint32_t state = mipc_peek(&mipc_cred_state);

	while (!mipc_swap_if(&mipc_cred_state, &state,
	    (state | PROMISED) + CHANGE))
		;
}

/* True if what is kept is what the kernel would say. */
static bool
kept(void)
{
	uint32_t now = mipc_peek(&mipc_cred_state);

	return (now & PROMISED) != 0 && mipc_take(&fresh) == now;
}

static void
refresh(void)
{
	uint32_t now = mipc_take(&mipc_cred_state);

	mipc_put(&ids, (uint64_t)mipc_sys_euid() << 32 | mipc_sys_egid());
	mipc_put(&capabilities, mipc_sys_capabilities());
	mipc_put(&fsgid, mipc_sys_fsgid());
	mipc_give(&fresh, now);		/* pairs with mipc_take in kept() */
}

/* What was seen when somebody last looked. */
static mipc_u64 seen_ids, seen_capabilities;

void
mipc_cred_look(void)
{
	uint64_t who, can;

	if (promised())
		return;
	who = (uint64_t)mipc_sys_euid() << 32 | mipc_sys_egid();
	can = mipc_sys_capabilities();
	if (who == mipc_peek(&seen_ids) &&
	    can == mipc_peek(&seen_capabilities))
		return;
	mipc_put(&seen_ids, who);
	mipc_put(&seen_capabilities, can);
	mipc_add(&mipc_cred_state, CHANGE);
}

uid_t
mipc_cred_uid(void)
{
	if (!promised())
		return mipc_sys_euid();
	if (!kept())
		refresh();
	return (uid_t)(mipc_peek(&ids) >> 32);
}

gid_t
mipc_cred_gid(void)
{
	if (!promised())
		return mipc_sys_egid();
	if (!kept())
		refresh();
	return (gid_t)mipc_peek(&ids);
}

bool
mipc_cred_has(enum mipc_privilege privilege)
{
	uint64_t all;

	if (!promised()) {
		all = mipc_sys_capabilities();
	} else {
		if (!kept())
			refresh();
		all = mipc_peek(&capabilities);
	}
	return (all >> privilege & 1) != 0;
}

/* Look through `n` supplementary groups in memory of our own. */
static bool
among(int n, const struct mipc_perm *perm)
{
	size_t size = (size_t)n * sizeof(gid_t);
	bool found = false;
	void *memory;
	gid_t *groups;

	if (mipc_view_private(size, &memory) != 0)
		return false;
	groups = memory;
	n = mipc_sys_groups(n, groups);
	for (int i = 0; i < n && !found; i++)
		found = groups[i] == perm->gid || groups[i] == perm->cgid;
	mipc_view_free(memory, size);
	return found;
}

/* The kernel asks the gid for files, which follows the effective one. */
static gid_t
file_gid(void)
{
	if (!promised())
		return mipc_sys_fsgid();
	if (!kept())
		refresh();
	return (gid_t)mipc_peek(&fsgid);
}

static bool
in_group(const struct mipc_perm *perm)
{
	gid_t gid = file_gid(), few[64];
	int n;

	if (gid == perm->gid || gid == perm->cgid)
		return true;
	n = mipc_sys_groups(64, few);
	if (n == -EINVAL)
		return among(mipc_sys_groups(0, NULL), perm);
	for (int i = 0; i < n; i++)
		if (few[i] == perm->gid || few[i] == perm->cgid)
			return true;
	return false;
}

bool
mipc_cred_may(const struct mipc_perm *perm, unsigned bits)
{
	unsigned asked = (bits >> 6 | bits >> 3 | bits) & 7, granted;
	uid_t uid;

	if (asked == 0)
		return true;
	uid = mipc_cred_uid();
	granted = perm->mode & 0777;
	if (uid == perm->uid || uid == perm->cuid)
		granted >>= 6;
	else if (((granted >> 3 ^ granted) & asked) != 0 && in_group(perm))
		granted >>= 3;		/* asked only where it matters */
	if ((asked & ~granted & 7) == 0)
		return true;
	return mipc_cred_has(MIPC_CAP_IPC_OWNER);
}

bool
mipc_cred_owns(const struct mipc_perm *perm)
{
	uid_t uid = mipc_cred_uid();

	return uid == perm->uid || uid == perm->cuid ||
	    mipc_cred_has(MIPC_CAP_SYS_ADMIN);
}
