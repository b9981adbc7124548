/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_map.c - maps of files and memory, mipc_map.h.
 *
 *	check_map [PATTERN]		tests whose names match
 */
#include "check_map.h"

#include <string.h>

static void
nothing(void)
{
}

static const struct backend none = { .name = "none", .changed = nothing };
const struct backend *ipc = &none;

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("map");
	TCase *tc = tcase_create("map");

	if (argc > 1)
		testing_select(argv[1]);
	tcase_add_checked_fixture(tc, testing_enter, testing_leave);
	tcase_set_timeout(tc, 60);
	add_map_tests(tc);
	suite_add_tcase(suite, tc);
	return testing_run(suite);
}
