/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_map_held.c - the same tests in a program of another word size or libc,
 * which holds the library and is run from outside: see apart.c.
 */
#include "check_map.h"

#include "backend.h"
#include "clauses.h"

const struct backend *ipc;
const struct clauses clauses = { .add = add_map_tests };

/* The directory is whose runs us. */
static const char *
enter(void)
{
	return NULL;
}

static void
nothing(void)
{
}

static const struct backend none = { .name = "none", .enter = enter,
    .leave = nothing, .changed = nothing };

const struct backend *
apart_backend(void)
{
	return &none;
}
