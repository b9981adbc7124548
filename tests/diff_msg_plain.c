/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_msg_plain.c - the side MIPC by libc's names, with the preload module
 * behind them.
 *
 * Who sleeps in a queue sleeps in a system call of its own, which /proc names.
 * Where that may not be read, that it sleeps at all has to do.
 */
#include "diff_msg.h"

#include <sys/syscall.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plain.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv	449	/* on all machines */
#endif

static bool
user_limit(const char *name, unsigned value)
{
	return plain_limit(name, value);
}

const struct calls user_calls = {
	msgget, msgsnd, msgrcv, msgctl, user_limit
};

bool
user_open(const struct world *w)
{
	return plain_open(w->dir, true);
}

/* The module sees it. */
void
user_changed(void)
{
}

/*
 * Where several words can be waited on, and a signal then be told, nobody
 * sleeps in a queue by another call; see MIPC_NO_RSEQ in mipc(7).
 */
static bool
sleeps_on_several(void)
{
#ifdef __x86_64__
	return syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) == -1 &&
	    errno != ENOSYS;
#else
	return false;
#endif
}

bool
user_waits(const struct actor *a)
{
	char path[64], text[16] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)a->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return true;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n <= 0 || atoi(text) == SYS_futex_waitv ||
	    (atoi(text) == SYS_futex && !sleeps_on_several());
}

uint64_t
user_heartbeats(void)
{
	return 0;
}
