/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backend_held.c - what programs test that hold the library themselves and are
 * run from outside: the store that the environment names.
 */
#include "backend.h"

#include <sys/stat.h>
#include <stdlib.h>
#include <string.h>

const struct backend *
apart_backend(void)
{
	const char *on = getenv("MIPC_TEST_ON");

	return on != NULL && strcmp(on, anon_backend.name) == 0 ?
	    &anon_backend : &dir_backend;
}

/* The directory is whose runs us; one of its name is as good to a test. */
void
testing_enter(void)
{
	must_eq(mkdir(testing_dir, 0755), 0);
}

void
testing_leave(void)
{
	remove_tree(testing_dir);
}
