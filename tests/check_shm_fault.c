/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_fault.c - a directory that is no namespace or not ours, damaged
 * files, no space: a clear error each time, for what is damaged and for
 * nothing else, and nothing touched.
 */
#include "check_shm.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "mipc.h"
#include "spoil.h"

/* ---- opening ---- */

/* A number that changes with any name, mode, owner, size or byte in `dir`. */
static uint64_t
fingerprint(const char *dir)
{
	uint64_t sum = 0;
	struct dirent **e;
	struct stat st;
	int n = scandir(dir, &e, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[PATH_MAX], bytes[256];
		ssize_t got = 0;
		int fd;

		snprintf(path, sizeof(path), "%.3800s/%s", dir, e[i]->d_name);
		if (strcmp(e[i]->d_name, "..") != 0 && lstat(path, &st) == 0)
			sum = sum * 31 + st.st_mode + st.st_uid * 7 +
			    (uint64_t)st.st_size * 3 + st.st_ino;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd != -1 && S_ISREG(st.st_mode))
			got = read(fd, bytes, sizeof(bytes));
		for (ssize_t k = 0; k < got; k++)
			sum = sum * 131 + (unsigned char)bytes[k];
		if (fd != -1)
			close(fd);
		free(e[i]);
	}
	if (n >= 0)
		free(e);
	return sum;
}

/* The directory must be refused by this errno, named, and left as it was. */
static void
must_refuse(const char *dir, int flags, int error)
{
	uint64_t before = fingerprint(dir);

	errno = 0;
	if (mipc_open(dir, flags) != NULL)
		testing_fail(__FILE__, __LINE__, "%s was opened, want %s",
		    dir, error_name(error));
	if (errno != error)
		testing_fail(__FILE__, __LINE__, "%s: want %s; reason: %s",
		    dir, error_name(error), mipc_reason());
	must(strstr(mipc_reason(), dir) != NULL);
	must(fingerprint(dir) == before);
}

static const char *
new_dir(mode_t mode)
{
	const char *dir = file_of("d");

	must_eq(mkdir(dir, 0700), 0);
	must_eq(chmod(dir, mode), 0);
	return dir;
}

START_TEST(fault_a_missing_directory_is_ENOENT)
{
	must_refuse(file_of("missing"), 0, ENOENT);
	must_refuse(file_of("missing/below"), MIPC_CREAT, ENOENT);
}
END_TEST

START_TEST(fault_what_is_no_directory_is_ENOTDIR)
{
	must_refuse(file_of("namespace"), 0, ENOTDIR);
	must_refuse(file_of("namespace"), MIPC_CREAT, ENOTDIR);
	must_refuse("/dev/null", MIPC_CREAT, ENOTDIR);
}
END_TEST

START_TEST(fault_an_existing_one_is_EEXIST_with_excl)
{
	must_refuse(testing_dir, MIPC_CREAT | MIPC_EXCL, EEXIST);
}
END_TEST

START_TEST(fault_a_directory_of_other_things_is_ENOENT)
{
	const char *dir = new_dir(0700);
	int fd = open(file_of("d/diary"), O_CREAT | O_WRONLY | O_CLOEXEC,
	    0600);

	must(fd != -1 && write(fd, "dear", 4) == 4 && close(fd) == 0);
	must_refuse(dir = file_of("d"), 0, ENOENT);
	must_refuse(dir, MIPC_CREAT, ENOENT);
}
END_TEST

START_TEST(fault_writable_by_others_without_sticky_is_EPERM)
{
	const char *dir = new_dir(0777);

	must_refuse(dir, MIPC_CREAT, EPERM);
	must_eq(chmod(dir, 0702), 0);
	must_refuse(dir, MIPC_CREAT, EPERM);
}
END_TEST

static void
refused_with_EPERM(void *arg)
{
	must_refuse(arg, 0, EPERM);
	must_refuse(arg, MIPC_CREAT, EPERM);
}

START_TEST(fault_another_users_directory_is_EPERM)
{
	const char *dir;

	need_root();
	dir = new_dir(0755);
	must_eq(chown(dir, somebody.uid, somebody.gid), 0);
	finish(spawn_as(&nobody, refused_with_EPERM, (void *)(uintptr_t)dir));
}
END_TEST

static void
refused_with_EACCES(void *arg)
{
	char below[PATH_MAX];

	must_refuse(arg, 0, EACCES);
	snprintf(below, sizeof(below), "%.4000s/below", (char *)arg);
	must_refuse(below, MIPC_CREAT, EACCES);
}

START_TEST(fault_a_closed_directory_is_EACCES)
{
	const char *dir;

	need_root();
	dir = new_dir(0700);
	finish(spawn_as(&nobody, refused_with_EACCES, (void *)(uintptr_t)dir));
}
END_TEST

START_TEST(fault_another_format_is_EPROTONOSUPPORT)
{
	const uint32_t format = MIPC_FORMAT + 1, order = 0x04030201;
	const uint32_t right = MIPC_BYTE_ORDER;
	const char *file = file_of("namespace");

	make_segment(PAGE);
	patch(file, offsetof(struct mipc_space, byte_order), &order, 4);
	must_refuse(testing_dir, 0, EPROTONOSUPPORT);
	must_refuse(testing_dir, MIPC_CREAT, EPROTONOSUPPORT);
	patch(file, offsetof(struct mipc_space, byte_order), &right, 4);
	patch(file, offsetof(struct mipc_space, format), &format, 4);
	must_refuse(testing_dir, 0, EPROTONOSUPPORT);
	must_error(mipc_destroy(testing_dir), EPROTONOSUPPORT);
	must_eq(count_files("shm."), 2);
}
END_TEST

START_TEST(fault_a_damaged_namespace_is_EIO)
{
	static const off_t sizes[] = { 0, 3, 100, 4096, 100000 };
	const char *file = file_of("namespace");
	const uint32_t zero = 0;

	patch(file, offsetof(struct mipc_space, magic), &zero, 4);
	must_refuse(testing_dir, 0, EIO);
	must_refuse(testing_dir, MIPC_CREAT, EIO);
	ipc->leave();
	for (int i = 4; i >= 0; i--) {
		must_eq(truncate(file, sizes[i]), 0);
		must_refuse(testing_dir, MIPC_CREAT, EIO);
	}
	exit(0);	/* the handle is closed already */
}
END_TEST

/* ---- damage under a namespace in use ---- */

/* How a child ends that goes through all calls, whatever they answer. */
static void
try_all_calls(void *arg)
{
	int id = *(int *)arg, own;
	struct shmid_ds ds;
	void *p;

	alarm(8);	/* a loop over damage is a failure */
	p = ipc->shmat(id, NULL, 0);
	if (p != (void *)-1)
		ipc->shmdt(p);
	if (ipc->shmctl(id, IPC_STAT, &ds) == 0)
		ipc->shmctl(id, IPC_SET, &ds);
	ipc->shmctl(id % 32768, SHM_STAT, &ds);
	ipc->shmget(KEY, 0, 0);
	own = ipc->shmget(KEY + 1, PAGE, IPC_CREAT | 0600);
	if (own != -1) {
		p = ipc->shmat(own, NULL, 0);
		ipc->shmctl(own, IPC_RMID, NULL);
		if (p != (void *)-1)
			ipc->shmdt(p);
	}
	ipc->shmctl(0, SHM_INFO, &ds);
	ipc->shmctl(id, IPC_RMID, NULL);
}

static void
open_and_try(int id, int other)
{
	struct mipc_ns *ns = mipc_open(testing_dir, 0);

	(void)other;
	alarm(8);
	if (ns != NULL) {
		backend_reopen(testing_dir);
		try_all_calls(&id);
	}
}

/* Another object is as usual: for this process, and for a new one. */
static void
use_other(void *arg)
{
	int id = *(int *)arg;
	char *p;

	alarm(8);
	p = attach(id);
	must(strcmp(p, "fine") == 0);
	must_eq(attached(id), 1);
	detach(p);
	remove_segment(make_segment(PAGE));
	must_eq(ipc->shmget(KEY, 0, 0), id);
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
	bool absent = board->value[0] == ABSENT;
	struct shmid_ds ds;

	(void)other;
	alarm(8);
	backend_reopen(testing_dir);
	must((intptr_t)ipc->shmat(id, NULL, 0) == -1);
	must(errno == EIO || (absent && errno == EINVAL));
	must(ipc->shmctl(id, IPC_STAT, &ds) == -1);
	must(errno == EIO || (absent && errno == EINVAL));
}

START_TEST(fault_damaged_metadata_is_an_error_for_that_segment_alone)
{
	int id[2] = { make_segment(PAGE),
	    ipc->shmget(KEY, PAGE, IPC_CREAT | 0600) };
	char *p = attach(id[0]), *q = attach(id[1]);

	strcpy(q, "fine");
	detach(q);
	board->value[0] = _i;
	damage(file_of_id("shm.", id[0], ""), (enum damage)_i);
	p[0] = 1;		/* the data is another file */
	run_fresh("see-damage", id[0], 0);
	finish(spawn(BY_FORK, try_all_calls, &id[0]));
	run_fresh("try", id[0], 0);
	run_fresh("use-other", id[0], id[1]);
	ipc->shmdt(p);
	use_other(&id[1]);
}
END_TEST

static void
attach_fails(int id, int other)
{
	(void)other;
	alarm(8);
	backend_reopen(testing_dir);
	must_error((intptr_t)ipc->shmat(id, NULL, 0), EIO);
}

START_TEST(fault_damaged_data_is_EIO_at_attach)
{
	static const enum damage ways[] = { CUT_ALL, CUT, ABSENT, FIFO };
	int id[2] = { make_segment(2 * PAGE),
	    ipc->shmget(KEY, PAGE, IPC_CREAT | 0600) };
	char *q = attach(id[1]);

	strcpy(q, "fine");
	detach(q);
	damage(file_of_id("shm.", id[0], ".data"), ways[_i]);
	run_fresh("attach-fails", id[0], 0);
	run_fresh("try", id[0], 0);
	use_other(&id[1]);
	run_fresh("use-other", id[0], id[1]);
}
END_TEST

START_TEST(fault_a_link_in_the_place_of_data_is_not_followed)
{
	int id = make_segment(PAGE);
	char victim[PATH_MAX], bytes[8];
	const char *data;
	int fd;

	snprintf(victim, sizeof(victim), "%s", file_of("victim"));
	fd = open(victim, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	must(fd != -1 && write(fd, "precious", 8) == 8);
	must_eq(ftruncate(fd, (off_t)PAGE), 0);
	data = file_of_id("shm.", id, ".data");
	must_eq(unlink(data), 0);
	must_eq(symlink(victim, data), 0);
	run_fresh("attach-fails", id, 0);
	run_fresh("try", id, 0);
	must_eq(pread(fd, bytes, 8, 0), 8);
	must(memcmp(bytes, "precious", 8) == 0);
	must_eq(close(fd), 0);
}
END_TEST

static void
look_up(int id, int other)
{
	(void)other;
	alarm(8);
	backend_reopen(testing_dir);
	id = ipc->shmget(KEY, 0, 0);
	must(id == -1 && (errno == ENOENT || errno == EIO));
	id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);
	if (id != -1)
		detach(attach(id));
}

START_TEST(fault_a_key_that_leads_nowhere_is_no_segment)
{
	static const char *texts[] = { "shm.77", "shm.", "shm.-1",
	    "shm.9999999999999999999", "/etc/passwd", "sem.0", "x", "shm.0 " };
	char name[40];
	const char *link;

	make_segment(PAGE);
	must(ipc->shmget(KEY, PAGE, IPC_CREAT | 0600) != -1);
	snprintf(name, sizeof(name), "key.shm.%08x", KEY);
	if (count_files(name) == 0)
		snprintf(name, sizeof(name), "key.shm.%x", KEY);
	link = file_of(name);
	must_eq(unlink(link), 0);
	must_eq(symlink(texts[_i], link), 0);
	run_fresh("look-up", 0, 0);
	must_eq(info().used_ids >= 2, 1);
}
END_TEST

/* Whatever file is damaged however: the calls end, and end no process. */
START_TEST(fault_no_damage_hangs_or_kills)
{
	static const char *lives[] = { ".slots", ".run" };
	static const char *files[] = { "namespace", "shm.0", "shm.0.data" };
	int which = _i / DAMAGES;
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);

	srand((unsigned)_i);
	must_eq(id, 0);
	detach(attach(id));
	damage(which < 3 ? file_of(files[which]) :
	    file_of_id("life.", (int)geteuid(), lives[which - 3]),
	    (enum damage)(_i % DAMAGES));
	finish(spawn(BY_FORK, try_all_calls, &id));
	run_fresh("try", id, 0);
	try_all_calls(&id);
	exit(0);	/* closing is no part of the promise */
}
END_TEST

START_TEST(fault_flipped_bytes_hang_or_kill_nobody)
{
	char path[PATH_MAX];
	int id[2];

	srand((unsigned)_i);
	id[1] = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);
	id[0] = make_segment(PAGE);
	strcpy(attach(id[1]), "fine");
	ipc->shmdt(attach(id[0]));
	snprintf(path, sizeof(path), "%s", file_of_id("shm.", id[0], ""));
	for (int i = 0; i < 12; i++) {
		unsigned char byte = (unsigned char)rand();

		patch(path, rand() % (int)offsetof(struct mipc_segment,
		    entry[2]), &byte, 1);
	}
	finish(spawn(BY_FORK, try_all_calls, &id[0]));
	run_fresh("try", id[0], 0);
	try_all_calls(&id[0]);
	must(strcmp(attach(id[1]), "fine") == 0);
	must_eq(ipc->shmget(KEY, 0, 0), id[1]);
}
END_TEST

START_TEST(fault_the_directory_removed_under_us_is_an_error)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);
	char *p = attach(id);

	remove_tree(testing_dir);
	p[0] = 1;
	must(ipc->shmget(KEY + 1, PAGE, IPC_CREAT | 0600) == -1);
	must(errno == ENOENT || errno == EIO);
	try_all_calls(&id);
	must_eq(p[0], 1);
	must_eq(ipc->shmdt(p), 0);
	must_eq(mkdir(testing_dir, 0700), 0);
}
END_TEST

bool
play_fault(const char *role, int id, int other)
{
	static const struct {
		const char *role;
		void (*play)(int id, int other);
	} roles[] = {
		{ "attach-fails", attach_fails },
		{ "handlers", play_handlers },
		{ "look-up", look_up },
		{ "see-damage", see_damage },
		{ "try", open_and_try },
		{ "use-other", open_and_use_other },
	};

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		if (strcmp(role, roles[i].role) == 0) {
			roles[i].play(id, other);
			return true;
		}
	return false;
}

void
add_fault_tests(TCase *tc)
{
	testing_add(tc, fault_a_missing_directory_is_ENOENT);
	testing_add(tc, fault_what_is_no_directory_is_ENOTDIR);
	testing_add(tc, fault_an_existing_one_is_EEXIST_with_excl);
	testing_add(tc, fault_a_directory_of_other_things_is_ENOENT);
	testing_add(tc, fault_writable_by_others_without_sticky_is_EPERM);
	testing_add(tc, fault_another_users_directory_is_EPERM);
	testing_add(tc, fault_a_closed_directory_is_EACCES);
	testing_add(tc, fault_another_format_is_EPROTONOSUPPORT);
	testing_add(tc, fault_a_damaged_namespace_is_EIO);
	testing_add_loop(tc,
	    fault_damaged_metadata_is_an_error_for_that_segment_alone, 0,
	    DAMAGES);
	testing_add_loop(tc, fault_damaged_data_is_EIO_at_attach, 0, 4);
	testing_add(tc, fault_a_link_in_the_place_of_data_is_not_followed);
	testing_add_loop(tc, fault_a_key_that_leads_nowhere_is_no_segment, 0,
	    8);
	testing_add_loop(tc, fault_no_damage_hangs_or_kills, 0, 5 * DAMAGES);
	testing_add_loop(tc, fault_flipped_bytes_hang_or_kill_nobody, 1, 25);
	testing_add(tc, fault_the_directory_removed_under_us_is_an_error);
}
