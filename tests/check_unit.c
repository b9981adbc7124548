/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_unit.c - the layers of the library one by one, on both stores.
 *
 *	check_unit [PATTERN]		tests whose names match
 */
#include "check_unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mipc.h"

struct mipc_store *store;

/* testing.c's children take ids through it; no call is made on it here. */
static void
nothing(void)
{
}

static const struct backend none = { .name = "none", .changed = nothing };
const struct backend *ipc = &none;

static void
before_fork(void)
{
	if (store != NULL && mipc_peek(&lives->self) != 0)
		mipc_life_beget(lives);
}

static void
in_parent(void)
{
	if (store != NULL && mipc_peek(&lives->self) != 0)
		mipc_life_parent(lives);
}

static void
in_child(bool prepared)
{
	if (store != NULL)
		mipc_life_child(lives, prepared);
}

mipc_life
own_life(void)
{
	struct mipc_gate gate;
	mipc_life life = 0;

	mipc_gate_enter(&gate);
	must_eq(mipc_life_self(lives, &life), 0);
	mipc_gate_leave(&gate);
	must(life != 0);
	return life;
}

void
tell_life(int where, mipc_life life)
{
	atomic_store(&board->value[where], (long long)life);
}

mipc_life
told_life(int where)
{
	return (mipc_life)atomic_load(&board->value[where]);
}

void
live(void *arg)
{
	(void)arg;
	tell_life(0, own_life());
	reach(1);
	await(2);
}

static void
enter(void)
{
	static const struct mipc_fork_hooks hooks = { before_fork, in_parent,
	    in_child };

	testing_enter();
	mipc_gate_prepare(&hooks);
}

static void
enter_dir(void)
{
	enter();
	must_eq(mipc_store_dir(testing_dir, MIPC_CREAT, &store), 0);
}

static void
enter_anon(void)
{
	enter();
	must_eq(mipc_store_anon(&store), 0);
}

static void
leave(void)
{
	struct mipc_gate gate;

	mipc_gate_enter(&gate);
	mipc_life_end(lives);
	mipc_store_close(store);
	store = NULL;
	mipc_gate_leave(&gate);
	testing_leave();
}

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("unit");
	TCase *dir = tcase_create("directory");
	TCase *anon = tcase_create("anonymous");
	TCase *alone = tcase_create("alone");

	if (argc > 1)
		testing_select(argv[1]);
	tcase_add_checked_fixture(alone, testing_enter, testing_leave);
	tcase_add_checked_fixture(dir, enter_dir, leave);
	tcase_add_checked_fixture(anon, enter_anon, leave);
	add_call_tests(alone);
	add_ckpt_tests(alone);
	add_format_tests(alone);
	add_map_tests(alone);
	add_wait_tests(alone);
	add_yield_tests(alone);
	add_life_tests(dir);
	add_life_tests(anon);
	add_lock_tests(dir);
	add_lock_tests(anon);
	add_msg_tests(anon);
	tcase_set_timeout(alone, 20);
	tcase_set_timeout(dir, 20);
	tcase_set_timeout(anon, 20);
	suite_add_tcase(suite, alone);
	suite_add_tcase(suite, dir);
	suite_add_tcase(suite, anon);
	return testing_run(suite);
}
