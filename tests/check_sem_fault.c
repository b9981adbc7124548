/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_sem_fault.c - damaged files and no space: a clear error each time,
 * for the set that is damaged and for nothing else; nobody hangs or dies.
 */
#include "check_sem.h"

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "mipc.h"

/* ---- damage ---- */

/* Every call on the set, whatever it answers: they end, all of them. */
static void
try_all_calls(void *arg)
{
	unsigned short values[8] = { 0 };
	union semun all = { .array = values };
	struct semid_ds ds;
	int id = *(int *)arg;

	alarm(8);		/* a loop over damage is a failure */
	op(id, 0, 1, 0);
	op(id, 1, 1, SEM_UNDO);
	op_within_ms(id, 0, -1, 5);
	ipc->semop(id, VECTOR(OP(1, -1, IPC_NOWAIT | SEM_UNDO),
	    OP(0, 1, SEM_UNDO)));
	op_within_ms(id, 2, -1, 5);
	for (int cmd = GETPID; cmd <= GETZCNT; cmd++)
		if (cmd != GETALL)
			control(id, 0, cmd);
	if (control_buf(id, IPC_STAT, &ds) == 0) {
		if (ds.sem_nsems <= COUNT(values)) {
			ipc->semctl(id, 0, GETALL, all);
			memset(values, 0, sizeof(values));
			ipc->semctl(id, 0, SETALL, all);
		}
		control_buf(id, IPC_SET, &ds);
	}
	control_val(id, 0, 1);
	control_buf(id % IDS_MAX, SEM_STAT, &ds);
	control_buf(0, SEM_INFO, &ds);
	ipc->semget(KEY, 0, 0);
	control(id, 0, IPC_RMID);
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

#define CUT_TO	700	/* within the head */

enum damage { CUT_ALL, CUT, ZEROS, ONES, NOISE, ABSENT, FIFO, DAMAGES };

/* Write `size` bytes into a file of the namespace. */
static void
patch(const char *path, off_t at, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd != -1);
	must_eq(pwrite(fd, bytes, size, at), (ssize_t)size);
	close(fd);
}

static void
damage(const char *path, enum damage how)
{
	static unsigned char bytes[4096];
	struct stat st;

	must_eq(stat(path, &st), 0);
	memset(bytes, how == ONES ? 0xff : 0, sizeof(bytes));
	for (size_t i = 0; how == NOISE && i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)rand();
	if (how == CUT_ALL || how == CUT)
		must_eq(truncate(path, how == CUT_ALL ? 0 : CUT_TO), 0);
	else if (how == ABSENT || how == FIFO)
		must_eq(unlink(path), 0);
	else
		patch(path, 0, bytes, st.st_size < 4096 ?
		    (size_t)st.st_size : 4096);
	if (how == FIFO)
		must_eq(mkfifo(path, 0600), 0);
}

/* Another set is as usual: for this process, and for a new one. */
static void
use_other(void *arg)
{
	int id = *(int *)arg;

	alarm(8);
	must_eq(ipc->semget(KEY, 0, 0), id);
	must_be(id, 0, 7);
	add(id, 0, 1, SEM_UNDO);
	must_eq(ipc->semop(id, VECTOR(OP(0, -1, SEM_UNDO), OP(1, 1, 0),
	    OP(1, -1, 0))), 0);
	must_error(op_within_ms(id, 1, -1, 2), EAGAIN);
	remove_set(make_set(3));
}

static void
open_and_use_other(int id, int other)
{
	(void)id;
	backend_reopen(testing_dir);
	use_other(&other);
}

static void
must_be_damaged(int answer, bool absent)
{
	must_eq(answer, -1);
	must(errno == EIO || (absent && errno == EINVAL));
}

static void
see_damage(int id, int other)
{
	bool absent = board->value[0] == ABSENT;
	struct semid_ds ds;

	(void)other;
	alarm(8);
	backend_reopen(testing_dir);
	must_be_damaged(op(id, 0, 1, 0), absent);
	must_be_damaged(op(id, 0, -1, SEM_UNDO), absent);
	must_be_damaged(control(id, 0, GETVAL), absent);
	must_be_damaged(control_val(id, 0, 1), absent);
	must_be_damaged(control_buf(id, IPC_STAT, &ds), absent);
}

static int
make_other(void)
{
	int id = ipc->semget(KEY, 2, IPC_CREAT | 0600);

	must(id != -1);
	set_value(id, 0, 7);
	return id;
}

START_TEST(fault_a_damaged_set_is_an_error_for_that_set_alone)
{
	int id[2] = { make_set(3), make_other() };

	board->value[0] = _i;
	add(id[0], 0, 3, SEM_UNDO);
	damage(file_of_set(id[0]), (enum damage)_i);
	run_fresh("see-damage", id[0], 0);
	finish(spawn(BY_FORK, try_all_calls, &id[0]));
	run_fresh("try", id[0], 0);
	run_fresh("use-other", id[0], id[1]);
	try_all_calls(&id[0]);
	use_other(&id[1]);
}
END_TEST

START_TEST(fault_sleepers_in_a_damaged_set_can_be_ended)
{
	static const struct timespec limit = { 1, 500000000 };
	struct sleeper s = { .nops = 1, .ops = { OP(0, -1, SEM_UNDO) },
	    .timeout = &limit };
	int id = make_set(3), other = make_other();
	pid_t pid[2];

	s.id = id;
	for (s.who = 0; s.who < 2; s.who++) {
		pid[s.who] = start_sleeper(&s);
		await_ncnt(id, 0, s.who + 1);
	}
	damage(file_of_set(id), (enum damage)_i);
	finish(spawn(BY_FORK, try_all_calls, &id));
	kill_and_reap(pid[0]);
	while (board->value[1] == 0)
		await_turn();
	must(board->value[1] < 0 || board->value[1] == DONE);
	end_sleepers(pid + 1, 1);
	use_other(&other);
}
END_TEST

static void
look_up(int id, int other)
{
	(void)other;
	alarm(8);
	backend_reopen(testing_dir);
	id = ipc->semget(KEY, 0, 0);
	must(id == -1 && (errno == ENOENT || errno == EIO));
	id = ipc->semget(KEY, 1, IPC_CREAT | 0600);
	if (id != -1)
		add(id, 0, 1, 0);
}

START_TEST(fault_a_key_that_leads_nowhere_is_no_set)
{
	static const char *texts[] = { "sem.77", "sem.", "sem.-1",
	    "sem.9999999999999999999", "/etc/passwd", "shm.0", "x",
	    "sem.0 ", "sem.0" };
	char name[40];
	const char *link;

	make_set(1);
	must(ipc->shmget(KEY, 1, IPC_CREAT | 0600) != -1);
	must(ipc->semget(KEY, 1, IPC_CREAT | 0600) != -1);
	snprintf(name, sizeof(name), "key.sem.%08x", KEY);
	if (count_files(name) == 0)
		snprintf(name, sizeof(name), "key.sem.%x", KEY);
	link = file_of(name);
	must_eq(unlink(link), 0);
	must_eq(symlink(texts[_i], link), 0);
	run_fresh("look-up", 0, 0);
	must(info(SEM_INFO).semusz >= 2);
}
END_TEST

/* Whatever file is damaged however: the calls end, and end no process. */
START_TEST(fault_no_damage_hangs_or_kills)
{
	static const char *files[] = { "namespace", "sem.0", "life.%d.slots",
	    "life.%d.run", "life.%d.exec" };
	int id = ipc->semget(KEY, 3, IPC_CREAT | 0600);
	char name[40];

	srand((unsigned)_i);
	must_eq(id, 0);
	add(id, 0, 2, SEM_UNDO);
	snprintf(name, sizeof(name), files[_i / DAMAGES], (int)geteuid());
	if (access(file_of(name), F_OK) == -1)
		exit(0);	/* this store has no such file */
	damage(file_of(name), (enum damage)(_i % DAMAGES));
	finish(spawn(BY_FORK, try_all_calls, &id));
	run_fresh("try", id, 0);
	try_all_calls(&id);
	exit(0);	/* closing is no part of the promise */
}
END_TEST

START_TEST(fault_flipped_bytes_hang_or_kill_nobody)
{
	char path[PATH_MAX];
	struct stat st;
	int id[2] = { make_set(3), make_other() };
	pid_t pid;

	srand((unsigned)_i);
	add(id[0], 0, 2, SEM_UNDO);
	pid = sleeper(0, id[0], VECTOR(OP(1, -1, SEM_UNDO), OP(2, 1, 0)));
	await_ncnt(id[0], 1, 1);
	snprintf(path, sizeof(path), "%s", file_of_set(id[0]));
	must_eq(stat(path, &st), 0);
	for (int i = 0; i < 24; i++) {
		unsigned char byte = (unsigned char)rand();

		patch(path, rand() % (i % 2 ? 1024 : (int)st.st_size), &byte,
		    1);
	}
	finish(spawn(BY_FORK, try_all_calls, &id[0]));
	run_fresh("try", id[0], 0);
	try_all_calls(&id[0]);
	kill_and_reap(pid);
	use_other(&id[1]);
}
END_TEST

START_TEST(fault_the_directory_removed_under_us_is_an_error)
{
	int id = make_other();

	remove_tree(testing_dir);
	must(ipc->semget(KEY + 1, 1, IPC_CREAT | 0600) == -1);
	must(errno == ENOENT || errno == EIO);
	try_all_calls(&id);
	must_eq(mkdir(testing_dir, 0700), 0);
}
END_TEST

/* ---- handles ---- */

/* Handles are closed and opened, the last one too: it owes all the same. */
static void
close_while_owing(void *arg)
{
	const int *id = arg;

	add(id[0], 0, -1, SEM_UNDO);
	if (board->value[0] != 0)
		must_eq(mipc_close(backend_ns()), 0);
	reach(1);
	await(2);
	backend_reopen(testing_dir);
	add(id[0], 0, -1, SEM_UNDO);
	must_be(id[0], 0, 5);
	backend_reopen(testing_dir);
	add(id[0], 0, -1, SEM_UNDO);
	must_eq(mipc_close(backend_ns()), 0);
	reach(3);
	await(4);
}

START_TEST(handles_do_not_matter_to_debts)
{
	int id = make_other();
	pid_t pid;

	board->value[0] = _i / 2;
	pid = spawn(BY_FORK, close_while_owing, &id);
	await(1);
	must_be(id, 0, 6);
	must_error(op(id, 0, -7, IPC_NOWAIT), EAGAIN);
	reach(2);
	await(3);
	must_be(id, 0, 4);
	if (_i % 2 == 0)
		kill(pid, SIGKILL);
	reach(4);
	must_eq(waitpid(pid, NULL, 0), pid);
	must_be(id, 0, 7);
}
END_TEST

static void
owe_and_destroy(void *arg)
{
	char dir[PATH_MAX + 8];

	(void)arg;
	snprintf(dir, sizeof(dir), "%s/own", testing_dir);
	for (int i = 0; i < 3; i++) {
		struct mipc_ns *ns = mipc_open(dir, MIPC_CREAT);
		struct sembuf give = OP(0, 1, SEM_UNDO);
		int id;

		must(ns != NULL);
		id = mipc_semget(ns, KEY, 1, IPC_CREAT | IPC_EXCL | 0600);
		must(id != -1);
		must_eq(mipc_semop(ns, id, &give, 1), 0);
		must_eq(mipc_close(ns), 0);
		must_eq(mipc_destroy(dir), 0);
	}
}

START_TEST(a_debtor_may_destroy_and_begin_anew)
{
	finish(spawn(BY_FORK, owe_and_destroy, NULL));
}
END_TEST

/* ---- no space ---- */

/* Go on in a namespace on a filesystem of 8 MiB and 40 files. */
static void
move_to_small_filesystem(void)
{
	ipc->leave();
	if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL,
	    MS_REC | MS_PRIVATE, NULL) == -1 || mount("none", testing_dir,
	    "tmpfs", 0, "size=8m,nr_inodes=40") == -1)
		testing_skip("mounting is not allowed here");
	must(ipc->enter() == NULL);
}

static struct statvfs
space(void)
{
	struct statvfs st;

	must_eq(statvfs(testing_dir, &st), 0);
	return st;
}

START_TEST(space_used_up_is_ENOSPC_and_given_back)
{
	static const int sizes[] = { 1, SEMMSL };
	struct statvfs before;
	int id[100], n = 0;

	move_to_small_filesystem();
	remove_set(make_set(sizes[_i]));	/* what the first call takes */
	before = space();
	while (n < 100 && (id[n] = ipc->semget(KEY + n, sizes[_i],
	    IPC_CREAT | IPC_EXCL | 0600)) != -1)
		n++;
	must(n >= 3 && n < 100);
	must_eq(errno, ENOSPC);
	must_error(ipc->semget(KEY + n, 0, 0), ENOENT);
	must_eq(info(SEM_INFO).semusz, n);
	must_eq(info(SEM_INFO).semaem, n * sizes[_i]);
	for (int i = 0; i < n; i++) {
		must_eq(ipc->semget(KEY + i, 0, 0), id[i]);
		remove_set(id[i]);
	}
	must_eq(space().f_bavail, before.f_bavail);
	must_eq(space().f_favail, before.f_favail);
}
END_TEST

static void
owe_on_full_disk(void *arg)
{
	int id = *(int *)arg;
	struct sembuf ops[SEMOPM];

	for (int i = 0; i < SEMOPM; i++)
		ops[i] = (struct sembuf)OP((unsigned short)(i * 60), 1,
		    SEM_UNDO);
	if (ipc->semop(id, ops, SEMOPM) == -1) {
		must(errno == ENOSPC || errno == ENOMEM);
		must_be(id, 0, 0);
	} else {
		must_be(id, 0, 1);
	}
	add(id, 1, 1, 0);
	reach(1);
	await(2);
}

START_TEST(space_promised_to_a_set_is_there_on_a_full_filesystem)
{
	int id, n = 0;
	pid_t pid[2];

	move_to_small_filesystem();
	id = make_set(SEMMSL);
	while (ipc->shmget(IPC_PRIVATE, 256 << 10, 0600) != -1)
		n++;
	while (ipc->shmget(IPC_PRIVATE, 4096, 0600) != -1)
		n++;
	must(n > 0);
	pid[0] = spawn(BY_FORK, owe_on_full_disk, &id);	/* no SIGBUS */
	pid[1] = sleeper(5, id, VECTOR(OP(2, -1, 0)));
	await(1);
	await_ncnt(id, 2, 1);
	add(id, 2, 1, 0);
	must_end(5, DONE);
	kill_and_reap(pid[0]);
	kill_and_reap(pid[1]);
	must_be(id, 0, 0);
	must_be(id, 1, 1);
	remove_set(id);
}
END_TEST

START_TEST(space_beyond_the_file_size_limit_is_an_error)
{
	const struct rlimit small = { 64 << 10, 64 << 10 };

	remove_set(make_set(1));	/* what the first call makes */
	must(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	must_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	must(ipc->semget(KEY, SEMMSL, IPC_CREAT | 0600) == -1);
	must(errno == ENOSPC || errno == ENOMEM || errno == EFBIG);
	must_error(ipc->semget(KEY, 0, 0), ENOENT);
	must_eq(count_files("sem.") + count_files("key."), 0);
	must_eq(info(SEM_INFO).semaem, 0);
}
END_TEST

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

void
add_fault_tests(TCase *tc)
{
	testing_add_loop(tc,
	    fault_a_damaged_set_is_an_error_for_that_set_alone, 0, DAMAGES);
	testing_add_loop(tc, fault_sleepers_in_a_damaged_set_can_be_ended, 0,
	    DAMAGES);
	testing_add_loop(tc, fault_a_key_that_leads_nowhere_is_no_set, 0, 9);
	testing_add_loop(tc, fault_no_damage_hangs_or_kills, 0, 5 * DAMAGES);
	testing_add_loop(tc, fault_flipped_bytes_hang_or_kill_nobody, 1, 25);
	testing_add(tc, fault_the_directory_removed_under_us_is_an_error);
	testing_add_loop(tc, handles_do_not_matter_to_debts, 0, 4);
	testing_add(tc, a_debtor_may_destroy_and_begin_anew);
	testing_add_loop(tc, space_used_up_is_ENOSPC_and_given_back, 0, 2);
	testing_add(tc,
	    space_promised_to_a_set_is_there_on_a_full_filesystem);
	testing_add(tc, space_beyond_the_file_size_limit_is_an_error);
}
