/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_mipc.c - the side MIPC by the calls of mipc.h.
 */
#include "diff.h"

#include "diff_ns.h"
#include "mipc.h"

static int
user_get(key_t key, size_t size, int flags)
{
	return mipc_shmget(diff_ns, key, size, flags);
}

static void *
user_at(int id, const void *addr, int flags)
{
	return mipc_shmat(diff_ns, id, addr, flags);
}

static int
user_dt(const void *addr)
{
	return mipc_shmdt(diff_ns, addr);
}

static int
user_ctl(int id, int cmd, struct shmid_ds *ds)
{
	return mipc_shmctl(diff_ns, id, cmd, ds);
}

static bool
user_limit(const char *name, unsigned long value)
{
	const unsigned long long wide = value;

	return mipc_limit(diff_ns, name, NULL, &wide) == 0;
}

const struct calls user_calls = {
	user_get, user_at, user_dt, user_ctl, user_limit
};

bool
user_open(const struct world *w, bool create)
{
	return ns_open(w->store, w->dir, create);
}

void
user_changed(void)
{
	mipc_credentials_changed();
}
