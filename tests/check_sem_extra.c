/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_extra.c - the tests of semaphore sets beside the clauses.
 */
#include "check_sem.h"

static void
add_both(TCase *tc)
{
	add_barging_tests(tc);
	add_look_tests(tc);
}

static void
add_dir(TCase *tc)
{
	add_both(tc);
	add_fault_tests(tc);
	add_hostile_tests(tc);
	add_spoilt_look_tests(tc);
}

const struct extras extras = { add_dir, add_both };
