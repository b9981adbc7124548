/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm.c - the clause tests of shared memory.
 *
 *	check_shm [--on BACKEND] [PATTERN]	tests whose names match
 *	check_shm --broken NAME [PATTERN]	where one thing is broken
 *	check_shm --list-broken			NAME, and who must see it
 *	check_shm --role ROLE ARG ARG		a program that a test execs
 */
#include "check_shm.h"

#include <sys/mman.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct who nobody = { .uid = 65534, .gid = 65534 };
const struct who somebody = { .uid = 65533, .gid = 65533 };
const struct who worker = { .uid = 65532, .gid = 65532 };

int
make_mode(int mode)
{
	int id = ipc->shmget(IPC_PRIVATE, PAGE, IPC_CREAT | mode);

	must(id != -1);
	return id;
}

int
make_segment(size_t size)
{
	int id = ipc->shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);

	must(id != -1);
	return id;
}

void *
attach_flags(int id, const void *addr, int flags)
{
	void *p = ipc->shmat(id, addr, flags);

	must(p != (void *)-1);
	return p;
}

void *
attach(int id)
{
	return attach_flags(id, NULL, 0);
}

void
detach(const void *addr)
{
	must_eq(ipc->shmdt(addr), 0);
}

void
remove_segment(int id)
{
	must_eq(ipc->shmctl(id, IPC_RMID, NULL), 0);
}

struct shmid_ds
stat_of(int id)
{
	struct shmid_ds ds;

	memset(&ds, 0xa5, sizeof(ds));
	must_eq(ipc->shmctl(id, IPC_STAT, &ds), 0);
	return ds;
}

struct shm_info
info(void)
{
	struct shm_info answer;

	must(ipc->shmctl(0, SHM_INFO, (struct shmid_ds *)&answer) != -1);
	return answer;
}

long
attached(int id)
{
	return (long)stat_of(id).shm_nattch;
}

void
set_limit(const char *name, unsigned long long value)
{
	if (ipc->limit(name, NULL, &value) == 0)
		return;
	if (backend_has(FOLLOWS_NEWIPC) &&
	    access("/proc/sys/kernel/shmmax", W_OK) == -1)
		testing_skip("/proc/sys/kernel is read-only here");
	testing_fail(__FILE__, __LINE__, "limit %s", name);
}

void
set_owner(int id, uid_t uid, gid_t gid, int mode)
{
	struct shmid_ds ds = stat_of(id);

	ds.shm_perm.uid = uid;
	ds.shm_perm.gid = gid;
	ds.shm_perm.mode = (unsigned short)mode;
	must_eq(ipc->shmctl(id, IPC_SET, &ds), 0);
}

void
need_exact_forks(void)
{
	if (!backend_has(EXACT_FORKS))
		testing_skip("%s store: process locks count a fork's child "
		    "when it runs (mipc(7))", ipc->name);
}

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

bool
has_files(int id)
{
	return backend_has(HAS_FILES) &&
	    (access(file_of_id("shm.", id, ""), F_OK) == 0 ||
	    access(file_of_id("shm.", id, ".data"), F_OK) == 0);
}

void
must_be_gone(int id)
{
	struct shmid_ds ds;

	must_error(ipc->shmctl(id, IPC_STAT, &ds), EINVAL);
	must_error((intptr_t)ipc->shmat(id, NULL, 0), EINVAL);
	must(!has_files(id));
}

/*
 * Far below where the kernel puts what has no address: else a mapping that
 * mipc makes for itself could come in between.
 */
void *
free_range(size_t size)
{
	static uintptr_t next = sizeof(void *) == 8 ?
	    (uintptr_t)(1ull << 45) : 0x20000000;
	void *p = mmap((void *)next, size, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	must(p == (void *)next);
	must_eq(munmap(p, size), 0);
	next += 16 * PAGE + size;
	return p;
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

static void
add_clauses(TCase *tc)
{
	add_get_clauses(tc);
	add_id_clauses(tc);
	add_at_clauses(tc);
	add_piece_clauses(tc);
	add_perm_clauses(tc);
	add_life_clauses(tc);
	add_gone_clauses(tc);
	add_safe_clauses(tc);
	add_many_clauses(tc);
	tcase_set_timeout(tc, 20);
}

static bool
wanted(const char *only, const char *name)
{
	return only == NULL || strcmp(only, name) == 0;
}

static Suite *
make_suite(const char *only)
{
	Suite *suite = suite_create("shm");
	TCase *tc[3] = { tcase_create("kernel"), tcase_create("directory"),
	    tcase_create("anonymous") };

	tcase_add_checked_fixture(tc[0], enter_kernel, leave);
	tcase_add_checked_fixture(tc[1], enter_dir, leave);
	tcase_add_checked_fixture(tc[2], enter_anon, leave);
	for (int i = 0; i < 3; i++)
		add_clauses(tc[i]);
	add_ns_tests(tc[1]);
	add_ns_tests(tc[2]);
	add_anon_tests(tc[2]);
	add_dir_tests(tc[1]);
	add_fault_tests(tc[1]);
	add_space_tests(tc[1]);
	add_hostile_tests(tc[1]);
	if (wanted(only, "kernel"))
		suite_add_tcase(suite, tc[0]);
	if (wanted(only, "directory"))
		suite_add_tcase(suite, tc[1]);
	if (wanted(only, "anonymous"))
		suite_add_tcase(suite, tc[2]);
	return suite;
}

static Suite *
make_broken_suite(const char *name)
{
	Suite *suite = suite_create("shm");
	TCase *tc = tcase_create(name);

	ipc = broken_backend(name);
	if (ipc == NULL)
		return NULL;
	tcase_add_checked_fixture(tc, enter, leave);
	add_clauses(tc);
	suite_add_tcase(suite, tc);
	return suite;
}

/* ---- programs that tests exec ---- */

/* Say that this program runs, and wait. */
static int
wait_for_end_of_input(void)
{
	char c = 'r';

	if (write(STDOUT_FILENO, &c, 1) != 1)
		return 1;
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}

/* Attach segment `id` of the namespace in `dir` first. */
static int
role_attach(const char *dir, const char *id)
{
	void *p;

	ipc = strcmp(dir, "-") == 0 ? &kernel_backend : &dir_backend;
	if (ipc == &dir_backend)
		backend_reopen(dir);
	p = ipc->shmat(atoi(id), NULL, 0);
	return p == (void *)-1 ? 1 : wait_for_end_of_input();
}

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

static int
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

static int
play(const char *role, const char *arg1, const char *arg2)
{
	if (strcmp(role, "attach") == 0)
		return role_attach(arg1, arg2);
	if (strcmp(role, "wait") != 0)
		return role_fresh(role, arg1, arg2);
	return wait_for_end_of_input();
}

int
main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "", *only = NULL;
	Suite *suite;

	if (strcmp(first, "--role") == 0 && argc == 5)
		return play(argv[2], argv[3], argv[4]);
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
		fprintf(stderr, "usage: see the head of check_shm.c\n");
		return 99;
	}
	return testing_run(suite);
}
