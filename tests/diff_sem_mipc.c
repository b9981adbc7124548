/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_mipc.c - the side MIPC by the calls of mipc.h.
 */
#include "diff_sem.h"

#include "diff_ns.h"
#include "mipc.h"

static int
user_get(key_t key, int nsems, int flags)
{
	return mipc_semget(diff_ns, key, nsems, flags);
}

static int
user_op(int id, struct sembuf *ops, size_t n, const struct timespec *timeout)
{
	return mipc_semtimedop(diff_ns, id, ops, n, timeout);
}

static int
user_ctl(int id, int num, int cmd, union semun arg)
{
	return mipc_semctl(diff_ns, id, num, cmd, arg);
}

static bool
user_limit(void)
{
	static const struct {
		const char *name;
		unsigned long long value;
	} limits[] = {
		{ "semmsl", SEMMSL_HERE }, { "semmns", SEMMNS_HERE },
		{ "semopm", SEMOPM_HERE }, { "semmni", SEMMNI_HERE }
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (mipc_limit(diff_ns, limits[i].name, NULL,
		    &limits[i].value) == -1)
			return false;
	return true;
}

const struct calls user_calls = {
	user_get, user_op, user_ctl, user_limit
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

uint64_t
user_heartbeats(void)
{
	return ns_heartbeats();
}
