/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_extra.c - the tests of shared memory beside the clauses.
 */
#include "check_shm.h"

static void
add_dir(TCase *tc)
{
	add_ns_tests(tc);
	add_dir_tests(tc);
	add_fault_tests(tc);
	add_space_tests(tc);
	add_hostile_tests(tc);
	add_look_tests(tc);
	add_spoilt_look_tests(tc);
}

static void
add_anon(TCase *tc)
{
	add_ns_tests(tc);
	add_anon_tests(tc);
	add_look_tests(tc);
}

const struct extras extras = { add_dir, add_anon };
