/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_fault.c - damaged files of sets and queues: a clear error each time,
 * for the object that is damaged and for nothing else; nobody hangs or dies.
 */
#include "fault.h"

#include <sys/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mipc.h"

#define HANG	8	/* seconds: a loop over damage is a failure */

void
must_be_refused(long answer, bool absent)
{
	must_eq(answer, -1);
	must(errno == EIO || (absent && errno == EINVAL));
}

static void
try_all(void *id)
{
	alarm(HANG);
	faults.try_all(id);
}

static void
use_other(void *id)
{
	alarm(HANG);
	must_eq(kind.get(KEY, 0, 0), *(int *)id);
	faults.use_other(id);
	kind.remove(make_sized(kind.size));
}

/* --- roles of programs that know the directory alone ------------------- */

static void
open_and_try(int id, int other)
{
	struct mipc_ns *ns = mipc_open(testing_dir, 0);

	(void)other;
	if (ns != NULL) {
		backend_reopen(testing_dir);
		try_all(&id);
	}
}

static void
open_and_use_other(int id, int other)
{
	(void)id;
	backend_reopen(testing_dir);
	use_other(&other);
}

static void
see_damage(int id, int other)
{
	(void)other;
	alarm(HANG);
	backend_reopen(testing_dir);
	faults.must_be_damaged(id, board->value[0] == ABSENT);
}

static void
look_up(int id, int other)
{
	(void)other;
	alarm(HANG);
	backend_reopen(testing_dir);
	id = kind.get(KEY, 0, 0);
	must(id == -1 && (errno == ENOENT || errno == EIO));
	id = kind.get(KEY, kind.size, IPC_CREAT | 0600);
	if (id != -1)
		must_eq(kind.use(id), 0);
}

bool
play_fault(const char *role, int id, int other)
{
	static const struct {
		const char *role;
		void (*play)(int id, int other);
	} roles[] = {
		{ "look-up", look_up },
		{ "see-damage", see_damage },
		{ "try", open_and_try },
		{ "use-other", open_and_use_other },
	};

	for (size_t i = 0; i < COUNT(roles); i++)
		if (strcmp(role, roles[i].role) == 0) {
			roles[i].play(id, other);
			return true;
		}
	return false;
}

/* --- tests ------------------------------------------------------------- */

START_TEST(fault_a_damaged_one_is_an_error_for_itself_alone)
{
	int id = faults.make(), other = faults.make_other();

	board->value[0] = _i;
	damage(file_of_one(id), (enum damage)_i);
	run_fresh("see-damage", id, 0);
	finish(spawn(BY_FORK, try_all, &id));
	run_fresh("try", id, 0);
	run_fresh("use-other", id, other);
	try_all(&id);
	use_other(&other);
}
END_TEST

START_TEST(fault_a_key_that_leads_nowhere_is_nothing)
{
	static const char *texts[] = { "77", "", "-1", "9999999999999999999",
	    "0 ", "0" };
	static const char *others[] = { "/etc/passwd", "shm.0", "x" };
	char name[40], text[40];
	const char *link;

	kind.remove(make_sized(kind.size));
	must(ipc->shmget(KEY, 1, IPC_CREAT | 0600) != -1);
	make_one(KEY, 0600);
	snprintf(name, sizeof(name), "key.%.6s.%08x", clauses.name, KEY);
	if (count_files(name) == 0)
		snprintf(name, sizeof(name), "key.%.6s.%x", clauses.name,
		    KEY);
	if (_i < (int)COUNT(texts))
		snprintf(text, sizeof(text), "%.6s.%s", clauses.name,
		    texts[_i]);
	else
		snprintf(text, sizeof(text), "%s",
		    others[_i - (int)COUNT(texts)]);
	link = file_of(name);
	must_eq(unlink(link), 0);
	must_eq(symlink(text, link), 0);
	run_fresh("look-up", 0, 0);
	must(kind.top(kind.info) >= 0);
}
END_TEST

/* Whatever file is damaged however: the calls end, and end no process. */
START_TEST(fault_no_damage_hangs_or_kills)
{
	static const char *lives[] = { ".slots", ".run", ".exec" };
	const char *file;
	int id = faults.make(), which = _i / DAMAGES;

	srand((unsigned)_i);
	file = which == 0 ? file_of("namespace") : which == 1 ?
	    file_of_one(id) : file_of_id("life.", (int)geteuid(),
	    lives[which - 2]);
	if (access(file, F_OK) == -1)
		exit(0);	/* this store has no such file */
	damage(file, (enum damage)(_i % DAMAGES));
	finish(spawn(BY_FORK, try_all, &id));
	run_fresh("try", id, 0);
	try_all(&id);
	exit(0);	/* closing is no part of the promise */
}
END_TEST

START_TEST(fault_flipped_bytes_hang_or_kill_nobody)
{
	int id = faults.make(), other = faults.make_other();
	char path[PATH_MAX];
	struct stat st;

	srand((unsigned)_i);
	snprintf(path, sizeof(path), "%s", file_of_one(id));
	must_eq(stat(path, &st), 0);
	for (unsigned i = 0; i < 24; i++) {
		unsigned char byte = (unsigned char)rand();

		patch(path, faults.anywhere(i, st.st_size), &byte, 1);
	}
	finish(spawn(BY_FORK, try_all, &id));
	run_fresh("try", id, 0);
	try_all(&id);
	use_other(&other);
	kind.remove(id);
}
END_TEST

START_TEST(fault_the_directory_removed_under_us_is_an_error)
{
	int id = faults.make_other();

	remove_tree(testing_dir);
	must(kind.get(KEY + 1, kind.size, IPC_CREAT | 0600) == -1);
	must(errno == ENOENT || errno == EIO);
	try_all(&id);
	must_eq(mkdir(testing_dir, 0700), 0);
}
END_TEST

void
add_common_fault_tests(TCase *tc)
{
	testing_add_loop(tc, fault_a_damaged_one_is_an_error_for_itself_alone,
	    0, DAMAGES);
	testing_add_loop(tc, fault_a_key_that_leads_nowhere_is_nothing, 0, 9);
	testing_add_loop(tc, fault_no_damage_hangs_or_kills, 0, 5 * DAMAGES);
	testing_add_loop(tc, fault_flipped_bytes_hang_or_kill_nobody, 1, 25);
	testing_add(tc, fault_the_directory_removed_under_us_is_an_error);
}
