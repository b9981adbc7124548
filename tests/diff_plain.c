/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_plain.c - the side MIPC by libc's names, with the preload module
 * behind them.
 */
#include "diff.h"

#include "plain.h"

const struct calls user_calls = {
	shmget, shmat, shmdt, shmctl, plain_limit
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
