/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_unit_lock.c - a lock passes from the dead to the living, and what
 * they left half done is all or nothing.
 */
#include "check_unit.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash.h"
#include "lock.h"

#define WORDS	MIPC_REDO_WORDS

/* An object whose words change together, shared with children. */
static struct thing {
	struct mipc_object object;
	mipc_u64 word[WORDS];
	mipc_u64 behind;	/* no part of the object's mapped size */
} *thing;

static void
make_thing(void)
{
	thing = mmap(NULL, sizeof(*thing), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(thing != MAP_FAILED);
	thing->object.magic = MIPC_MAGIC_OBJECT;
	for (uint64_t i = 0; i < WORDS; i++)
		thing->word[i] = i;
	thing->behind = 77;
}

static int
try_object(mipc_life life)
{
	struct mipc_gate gate;
	int error;

	mipc_gate_enter(&gate);
	error = mipc_object_try(&thing->object,
	    offsetof(struct thing, behind), lives, life);
	mipc_gate_leave(&gate);
	return error;
}

static int
try_lock(mipc_life life)
{
	struct mipc_gate gate;
	int error;

	mipc_gate_enter(&gate);
	error = mipc_lock_try(&thing->object.lock, lives, life);
	mipc_gate_leave(&gate);
	return error;
}

static void
hold(void *arg)
{
	(void)arg;
	must_eq(try_lock(own_life()), 0);
	reach(1);
	await(2);
	mipc_lock_release(&thing->object.lock);
	reach(3);
	await(4);
}

START_TEST(lock_is_held_by_one)
{
	mipc_life life = own_life();
	pid_t pid;

	make_thing();
	pid = spawn(BY_FORK, hold, NULL);
	await(1);
	must_eq(try_lock(life), EBUSY);
	must_eq(try_object(life), EBUSY);
	reach(2);
	await(3);
	must_eq(try_lock(life), 0);
	mipc_lock_release(&thing->object.lock);
	must_eq(try_object(life), 0);
	mipc_object_release(&thing->object);
	reach(4);
	finish(pid);
}
END_TEST

START_TEST(lock_of_the_dead_is_taken_over)
{
	mipc_life life = own_life();
	pid_t pid;

	make_thing();
	pid = spawn(_i ? BY_RAW_CLONE : BY_FORK, hold, NULL);
	await(1);
	must_eq(try_lock(life), EBUSY);
	kill_and_reap(pid);
	must_eq(try_lock(life), EOWNERDEAD);
	mipc_lock_release(&thing->object.lock);
	must_eq(try_lock(life), 0);
}
END_TEST

static void
add_often(void *arg)
{
	mipc_life life = own_life();

	(void)arg;
	for (int i = 0; i < 2000; i++) {
		while (try_lock(life) != 0)
			mipc_lock_sleep(&thing->object.lock);
		mipc_put(&thing->word[0], mipc_peek(&thing->word[0]) + 1);
		mipc_lock_release(&thing->object.lock);
	}
}

START_TEST(lock_excludes_and_wakes)
{
	pid_t pid[4];

	make_thing();
	for (int i = 0; i < 4; i++)
		pid[i] = spawn(BY_FORK, add_often, NULL);
	for (int i = 0; i < 4; i++)
		finish(pid[i]);
	must_eq(thing->word[0], 8000);
	must_eq(thing->object.lock.owner, 0);
}
END_TEST

static void
add_until_killed(void *arg)
{
	mipc_life life = own_life();

	(void)arg;
	reach(1);
	for (;;) {
		while (try_lock(life) == EBUSY)
			mipc_lock_sleep(&thing->object.lock);
		mipc_put(&thing->word[0], mipc_peek(&thing->word[0]) + 1);
		mipc_lock_release(&thing->object.lock);
	}
}

START_TEST(lock_survives_kills_under_contention)
{
	mipc_life life = own_life();

	make_thing();
	for (int i = 0; i < 40; i++) {
		pid_t pid[2];
		int error;

		board_clear();
		for (int k = 0; k < 2; k++)
			pid[k] = spawn(BY_FORK, add_until_killed, NULL);
		await(1);
		for (int k = 0; k < 2; k++)
			kill_and_reap(pid[k]);
		error = try_lock(life);
		must(error == 0 || error == EOWNERDEAD);
		mipc_lock_release(&thing->object.lock);
	}
}
END_TEST

/* ---- the redo record ---- */

static int places, die_at;

static void
count_place(const char *place)
{
	(void)place;
	if (++places == die_at)
		raise(SIGKILL);
}

static void
change_all(void *arg)
{
	struct mipc_change change;

	die_at = *(int *)arg;
	must_eq(try_object(own_life()), 0);
	places = 0;
	mipc_crash_hook = count_place;
	mipc_change_begin(&change, &thing->object);
	for (int i = 0; i < (int)WORDS; i++)
		mipc_change_set(&change, &thing->word[i], 100 + (uint64_t)i);
	mipc_change_commit(&change);
	mipc_crash_hook = NULL;
	board->value[0] = places;
	mipc_object_release(&thing->object);
}

static void
must_be_all_or_nothing(void)
{
	uint64_t base = thing->word[0];

	must(base == 0 || base == 100);
	for (uint64_t i = 0; i < WORDS; i++)
		must_eq(thing->word[i], base + i);
	must_eq(thing->behind, 77);
	must_eq(mipc_take(&thing->object.redo.count), 0);
	must_eq(mipc_take(&thing->object.seq) % 2, 0);
}

START_TEST(redo_killed_at_each_place_leaves_all_or_nothing)
{
	int never = 0, at, status, old = 0, new = 0;
	mipc_life life = own_life();
	uint64_t seq;
	pid_t pid;

	make_thing();
	finish(spawn(BY_FORK, change_all, &never));
	must(board->value[0] >= 4);
	for (at = 1; at <= board->value[0]; at++) {
		make_thing();
		seq = mipc_seq_begin(&thing->object);
		pid = spawn(BY_FORK, change_all, &at);
		must_eq(waitpid(pid, &status, 0), pid);
		must(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		must_eq(try_object(life), 0);
		must_be_all_or_nothing();
		old += thing->word[0] == 0;
		new += thing->word[0] == 100;
		must(thing->word[0] == 0 ||
		    !mipc_seq_same(&thing->object, seq));
		mipc_object_release(&thing->object);
	}
	must(old > 0 && new > 0);
}
END_TEST

static void
recover_and_die(void *arg)
{
	die_at = *(int *)arg;
	own_life();
	places = 0;
	mipc_crash_hook = count_place;
	try_object(own_life());
	mipc_crash_hook = NULL;
	mipc_object_release(&thing->object);
}

START_TEST(redo_killed_while_recovering_is_recovered)
{
	mipc_life life = own_life();
	int armed = 2, at, status;
	pid_t pid;

	for (at = 1; at < 12; at++) {
		make_thing();
		pid = spawn(BY_FORK, change_all, &armed);
		must_eq(waitpid(pid, &status, 0), pid);
		must(WIFSIGNALED(status));
		must(mipc_take(&thing->object.redo.count) != 0);
		pid = spawn(BY_FORK, recover_and_die, &at);
		must_eq(waitpid(pid, &status, 0), pid);
		must(WIFSIGNALED(status));
		must_eq(try_object(life), 0);
		must_be_all_or_nothing();
		must_eq(thing->word[0], 100);
		mipc_object_release(&thing->object);
	}
}
END_TEST

START_TEST(redo_writes_only_inside_the_object)
{
	static const uint64_t offsets[] = { offsetof(struct thing, behind),
	    offsetof(struct thing, behind) - 4, 1ull << 40, ~0ull,
	    ~0ull - 7 };
	mipc_life life = own_life();

	for (int i = 0; i < 5; i++) {
		make_thing();
		thing->object.redo.word[0].offset = offsets[i];
		thing->object.redo.word[0].value = 1;
		thing->object.redo.count = 1;
		must_eq(try_object(life), 0);
		must_be_all_or_nothing();
		mipc_object_release(&thing->object);
	}
	make_thing();
	thing->object.redo.count = ~0ull;
	must_eq(try_object(life), 0);
	must_eq(thing->behind, 77);
	must_eq(mipc_take(&thing->object.redo.count), 0);
}
END_TEST

START_TEST(object_without_its_magic_is_EIO)
{
	mipc_life life = own_life();

	make_thing();
	thing->object.magic = 0;
	must_eq(try_object(life), EIO);
	thing->object.magic = MIPC_MAGIC_SPACE;
	must_eq(try_object(life), EIO);
	must_eq(thing->object.lock.owner, 0);
}
END_TEST

START_TEST(object_locked_by_nonsense_is_freed)
{
	static const uint64_t nonsense[] = { 1, 1ull << 24, ~0ull,
	    MIPC_LIFE(1023, 16383, 5) };
	mipc_life life = own_life();

	for (int i = 0; i < 4; i++) {
		make_thing();
		thing->object.lock.owner = nonsense[i];
		must_eq(try_object(life), 0);
		mipc_object_release(&thing->object);
	}
}
END_TEST

void
add_lock_tests(TCase *tc)
{
	testing_add(tc, lock_is_held_by_one);
	testing_add_loop(tc, lock_of_the_dead_is_taken_over, 0, 2);
	testing_add(tc, lock_excludes_and_wakes);
	testing_add(tc, lock_survives_kills_under_contention);
	testing_add(tc, redo_killed_at_each_place_leaves_all_or_nothing);
	testing_add(tc, redo_killed_while_recovering_is_recovered);
	testing_add(tc, redo_writes_only_inside_the_object);
	testing_add(tc, object_without_its_magic_is_EIO);
	testing_add(tc, object_locked_by_nonsense_is_freed);
}
