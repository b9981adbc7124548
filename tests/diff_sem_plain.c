/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_plain.c - the side MIPC by libc's names, with the preload module
 * behind them.
 */
#include "diff_sem.h"

#include <stdio.h>

#include "plain.h"

/* semop() where there is no time to it, as programs do. */
static int
user_op(int id, struct sembuf *ops, size_t n, const struct timespec *timeout)
{
	return timeout == NULL ? semop(id, ops, n) :
	    semtimedop(id, ops, n, timeout);
}

static int
user_ctl(int id, int num, int cmd, union semun arg)
{
	return semctl(id, num, cmd, arg);
}

static bool
user_limit(void)
{
	char text[64];

	snprintf(text, sizeof(text), "%d %d %d %d\n", SEMMSL_HERE,
	    SEMMNS_HERE, SEMOPM_HERE, SEMMNI_HERE);
	return diff_write_file("/proc/sys/kernel/sem", text);
}

const struct calls user_calls = {
	semget, user_op, user_ctl, user_limit
};

bool
user_open(const struct world *w, bool create)
{
	return plain_open(w->dir, create);
}

/* The module sees it. */
void
user_changed(void)
{
}

uint64_t
user_heartbeats(void)
{
	return 0;
}
