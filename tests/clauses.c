/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clauses.c - the program around the clause tests of one kind of object.
 *
 *	PROGRAM [--on BACKEND] [PATTERN]	tests whose names match; "mipc"
 *						is both of its backends
 *	PROGRAM --broken NAME [PATTERN]		where one thing is broken
 *	PROGRAM --list-broken			NAME, and who must see it
 *	PROGRAM --role ROLE ARG ARG		a program that a test execs
 */
#include "clauses.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const struct who nobody = { .uid = 65534, .gid = 65534 };
const struct who somebody = { .uid = 65533, .gid = 65533 };
const struct who worker = { .uid = 65532, .gid = 65532 };

/* ---- calls that must succeed ---- */

int
make_one(key_t key, int mode)
{
	int id = kind.get(key, kind.size, IPC_CREAT | mode);

	must(id != -1);
	return id;
}

int
make_sized(unsigned long size)
{
	int id = kind.get(IPC_PRIVATE, size, IPC_CREAT | 0600);

	must(id != -1);
	return id;
}

void
remove_one(int id)
{
	must_eq(kind.remove(id), 0);
}

struct ipc_perm
perm_of(int id)
{
	struct sight now;

	must_eq(kind.look(id, IPC_STAT, &now), 0);
	return now.perm;
}

void
set_owner(int id, uid_t uid, gid_t gid, int mode)
{
	struct ipc_perm perm = perm_of(id);

	perm.uid = uid;
	perm.gid = gid;
	perm.mode = (unsigned short)mode;
	must_eq(kind.set(id, &perm), 0);
}

static bool
may_limit(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", kind.limits);
	return access(path, W_OK) == 0;
}

void
set_limit(const char *name, unsigned long long to)
{
	if (ipc->limit(name, NULL, &to) == 0)
		return;
	if (backend_has(FOLLOWS_NEWIPC) && !may_limit())
		testing_skip("/proc/sys/kernel is read-only here");
	testing_fail(__FILE__, __LINE__, "limit %s", name);
}

/* ---- files ---- */

const char *
file_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.3900s/%.100s", testing_dir, name);
	return path;
}

const char *
file_of_id(const char *before, int id, const char *after)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%d%s", before, id, after);
	return file_of(name);
}

const char *
file_of_one(int id)
{
	char before[8];

	snprintf(before, sizeof(before), "%.6s.", clauses.name);
	return file_of_id(before, id, "");
}

int
count_files(const char *prefix)
{
	DIR *dir = opendir(testing_dir);
	struct dirent *e;
	int n = 0;

	must(dir != NULL);
	while ((e = readdir(dir)) != NULL)
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return n;
}

/* ---- the suite ---- */

static void
enter(void)
{
	const char *why;

	testing_enter();
	why = ipc->enter();
	if (why != NULL)
		testing_skip("%s", why);
}

static void
leave(void)
{
	ipc->leave();
	testing_leave();
}

static void
enter_kernel(void)
{
	ipc = &kernel_backend;
	enter();
}

static void
enter_dir(void)
{
	ipc = &dir_backend;
	enter();
}

static void
enter_anon(void)
{
	ipc = &anon_backend;
	enter();
}

static bool
has_kind(const struct backend *b)
{
	return clauses.has == NULL || clauses.has(b);
}

static bool
is_wanted(const struct backend *b, const char *only)
{
	if (only != NULL && strcmp(only, "mipc") == 0)
		return b != &kernel_backend;
	return only == NULL || strcmp(only, b->name) == 0;
}

static void
add_case(Suite *suite, const struct backend *b, const char *only,
    void (*begin)(void), void (*more)(TCase *))
{
	TCase *tc;

	if (!has_kind(b) || !is_wanted(b, only))
		return;
	tc = tcase_create(b->name);
	tcase_add_checked_fixture(tc, begin, leave);
	clauses.add(tc);
	tcase_set_timeout(tc, clauses.limit);
	if (more != NULL)
		more(tc);
	suite_add_tcase(suite, tc);
}

static Suite *
make_suite(const char *only)
{
	Suite *suite = suite_create(clauses.name);

	add_case(suite, &kernel_backend, only, enter_kernel, NULL);
	add_case(suite, &dir_backend, only, enter_dir, clauses.add_dir);
	add_case(suite, &anon_backend, only, enter_anon, clauses.add_anon);
	return suite;
}

static Suite *
make_broken_suite(const char *name)
{
	Suite *suite = suite_create(clauses.name);
	TCase *tc = tcase_create(name);

	ipc = broken_backend(name);
	if (ipc == NULL)
		return NULL;
	tcase_add_checked_fixture(tc, enter, leave);
	clauses.add(tc);
	tcase_set_timeout(tc, clauses.broken_limit);
	suite_add_tcase(suite, tc);
	return suite;
}

/* With limits that may be written, unlike in many a container. */
const struct backend *
right_backend(void)
{
	pid_t pid;
	int status;

	if (!has_kind(&anon_backend))
		return &kernel_backend;
	pid = fork();
	if (pid == 0)
		_exit(kernel_backend.enter() != NULL || !may_limit());
	return pid != -1 && waitpid(pid, &status, 0) == pid && status == 0 ?
	    &kernel_backend : &anon_backend;
}

/* ---- programs that tests exec ---- */

struct fresh {
	const char *role;
	char ids[40];
};

static void
exec_fresh(void *arg)
{
	const struct fresh *fresh = arg;

	exec_role(fresh->role, testing_dir, fresh->ids);
}

void
run_fresh(const char *role, int id, int other)
{
	struct fresh fresh = { .role = role };

	snprintf(fresh.ids, sizeof(fresh.ids), "%d %d", id, other);
	finish(spawn(BY_FORK, exec_fresh, &fresh));
}

int
role_fresh(const char *role, const char *dir, const char *ids)
{
	char *end;
	long id = strtol(ids, &end, 10);

	if (!testing_join())
		return 3;
	ipc = &dir_backend;
	snprintf(testing_dir, PATH_MAX, "%s", dir);
	return play_fault(role, (int)id, atoi(end)) ? 0 : 2;
}

int
main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "", *only = NULL;
	Suite *suite;

	if (strcmp(first, "--role") == 0 && argc == 5)
		return clauses.play(argv[2], argv[3], argv[4]);
	if (strcmp(first, "--list-broken") == 0) {
		list_broken();
		return 0;
	}
	if (strcmp(first, "--on") == 0 && argc > 2)
		only = argv[2];
	if (*first == '-') {
		argc -= 2;
		argv += 2;
	}
	if (argc > 1)
		testing_select(argv[1]);
	suite = strcmp(first, "--broken") == 0 ?
	    make_broken_suite(argv[0]) : make_suite(only);
	if (suite == NULL || argc < 1) {
		fprintf(stderr, "usage: see the head of clauses.c\n");
		return 99;
	}
	return testing_run(suite);
}
