/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_ns.c - what mipc.h promises of namespaces and limits, and Linux
 * knows nothing of; on both stores.
 */
#include "check_shm.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mipc.h"

static struct mipc_ns *
open_again(void)
{
	struct mipc_ns *ns = mipc_open(testing_dir, 0);

	if (ns == NULL)
		testing_fail(__FILE__, __LINE__, "%s", mipc_reason());
	return ns;
}

static struct mipc_ns *
open_other(char *dir)
{
	struct mipc_ns *ns;

	snprintf(dir, PATH_MAX, "%.4000s.other", testing_dir);
	ns = mipc_open(dir, MIPC_CREAT);
	if (ns == NULL)
		testing_fail(__FILE__, __LINE__, "%s", mipc_reason());
	return ns;
}

START_TEST(ns_unknown_limits_are_ENOENT)
{
	unsigned long long value = 1;

	must_error(mipc_limit(backend_ns(), "shmfoo", NULL, &value), ENOENT);
	must_error(mipc_limit(backend_ns(), "", &value, NULL), ENOENT);
	must_eq(value, 1);
}
END_TEST

START_TEST(ns_limits_out_of_range_are_EINVAL)
{
	unsigned long long value = 32769, old;

	must_error(mipc_limit(backend_ns(), "shmmni", NULL, &value), EINVAL);
	value = 2;
	must_error(mipc_limit(backend_ns(), "shm_rmid_forced", NULL, &value),
	    EINVAL);
	must_eq(mipc_limit(backend_ns(), "shmmni", &old, NULL), 0);
	must_eq(old, 4096);
	value = 32768;
	must_eq(mipc_limit(backend_ns(), "shmmni", &old, &value), 0);
	must_eq(old, 4096);
	must_eq(mipc_limit(backend_ns(), "shmmni", &old, NULL), 0);
	must_eq(old, 32768);
}
END_TEST

static void
set_a_limit(void *arg)
{
	unsigned long long value = 7;

	(void)arg;
	must_error(mipc_limit(backend_ns(), "shmmni", NULL, &value), EPERM);
	must_eq(mipc_limit(backend_ns(), "shmmni", &value, NULL), 0);
	must_eq(value, 4096);
}

START_TEST(ns_limits_of_others_are_EPERM)
{
	need_root();
	finish(spawn_as(&nobody, set_a_limit, NULL));
}
END_TEST

START_TEST(ns_limits_are_seen_by_all_processes)
{
	unsigned long long value = 0;

	set_limit("shmmni", 9);
	must_eq(mipc_limit(backend_ns(), "shmmni", &value, NULL), 0);
	must_eq(value, 9);
	if (backend_has(HAS_FILES)) {
		must_eq(mipc_limit(open_again(), "shmmni", &value, NULL), 0);
		must_eq(value, 9);
	}
}
END_TEST

START_TEST(ns_close_of_null_is_EINVAL)
{
	must_error(mipc_close(NULL), EINVAL);
}
END_TEST

START_TEST(ns_unknown_flags_are_EINVAL)
{
	must(mipc_anon(1) == NULL && errno == EINVAL);
	must(mipc_open(testing_dir, 64) == NULL && errno == EINVAL);
	must(mipc_open("", MIPC_CREAT) == NULL && errno == EINVAL);
}
END_TEST

START_TEST(ns_others_are_apart)
{
	char dir[PATH_MAX];
	struct mipc_ns *other = backend_has(HAS_FILES) ? open_other(dir) :
	    mipc_anon(0);
	int a = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600), b;
	char *p = attach(a), *q;

	must(other != NULL);
	must_error(mipc_shmget(other, KEY, 0, 0), ENOENT);
	b = mipc_shmget(other, KEY, 2 * PAGE, IPC_CREAT | 0600);
	must_eq(b, 0);
	q = mipc_shmat(other, b, NULL, 0);
	must(q != (void *)-1);
	p[0] = 1;
	must_eq(q[0], 0);
	must_error(mipc_shmdt(other, p), EINVAL);
	must_error(ipc->shmdt(q), EINVAL);
	must_eq(mipc_shmdt(other, q), 0);
	must_eq(attached(a), 1);
	must_eq(mipc_shmctl(other, b, IPC_RMID, NULL), 0);
	must_eq(mipc_close(other), 0);
	if (backend_has(HAS_FILES))
		must_eq(mipc_destroy(dir), 0);
}
END_TEST

static void
close_and_wait(void *arg)
{
	char *p = attach(*(int *)arg);

	ipc->leave();
	p[0] = 4;
	reach(1);
	await(2);
	must_eq(p[0], 5);
}

START_TEST(ns_closing_a_handle_leaves_what_is_attached)
{
	int id = make_segment(PAGE);
	char *p = attach(id);
	pid_t pid = spawn(BY_FORK, close_and_wait, &id);

	await(1);
	must_eq(p[0], 4);
	must_eq(attached(id), 3);	/* two of them the child's */
	p[0] = 5;
	reach(2);
	finish(pid);
	must_eq(attached(id), 1);
}
END_TEST

/* ---- what a program tells of its memory ---- */

START_TEST(ns_a_told_munmap_is_known_at_once)
{
	int id = make_segment(3 * PAGE);
	char *p = attach(id);

	must_eq(munmap(p + PAGE, PAGE), 0);
	mipc_memory_changed(p + PAGE, PAGE);
	must_eq(attached(id), 1);
	must_eq(munmap(p, PAGE), 0);
	mipc_memory_changed(p, PAGE);
	must_eq(attached(id), 1);
	remove_segment(id);
	p[2 * PAGE] = 1;
	must_eq(munmap(p + 2 * PAGE, PAGE), 0);
	mipc_memory_changed(p + 2 * PAGE, PAGE);
	must_be_gone(id);
	must_error(ipc->shmdt(p), EINVAL);
}
END_TEST

START_TEST(ns_a_told_mapping_over_an_attach_is_left_alone)
{
	int id = make_segment(2 * PAGE);
	char *p = attach(id);

	must(mmap(p, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	mipc_memory_changed(p, PAGE);
	p[0] = 6;
	detach(p);		/* what is left of it */
	must_eq(p[0], 6);
	must_eq(attached(id), 0);
}
END_TEST

START_TEST(ns_a_told_move_is_detached_where_it_is)
{
	int id = make_segment(2 * PAGE);
	char *p = attach(id), *to = free_range(2 * PAGE);

	p[PAGE] = 8;
	must(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    to) == to);
	mipc_memory_moved(p, 2 * PAGE, to);
	must_eq(attached(id), 1);
	must_error(ipc->shmdt(p), EINVAL);
	must_eq(to[PAGE], 8);
	remove_segment(id);
	must_eq(attached(id), 1);
	detach(to);
	must_be_gone(id);
}
END_TEST

START_TEST(ns_attaches_after_the_promise_are_as_before_it)
{
	int id = make_segment(2 * PAGE);
	char *p[3], *ro[3], *last;

	mipc_memory_changed(NULL, 0);
	for (int i = 0; i < 3; i++) {
		p[i] = attach(id);
		ro[i] = attach_flags(id, NULL, SHM_RDONLY);
		p[i][i] = (char)(i + 1);
		must_error(mprotect(ro[i], PAGE, PROT_READ | PROT_WRITE),
		    EACCES);
	}
	must_eq(attached(id), 6);
	must_eq(ro[0][0] + ro[1][1] + ro[2][2], 6);
	must_eq(mprotect(p[0], PAGE, PROT_READ), 0);
	last = attach(id);
	last[2 * PAGE - 1] = 9;	/* not read-only like the first */
	must_eq(ro[0][2 * PAGE - 1], 9);
	for (int i = 0; i < 3; i++) {
		detach(p[i]);
		detach(ro[i]);
	}
	must_eq(attached(id), 1);
}
END_TEST

START_TEST(ns_two_handles_are_one_namespace)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);
	struct mipc_ns *again = open_again();
	char *p = attach(id), *q;
	struct shmid_ds ds;

	must_eq(mipc_shmget(again, KEY, 0, 0), id);
	q = mipc_shmat(again, id, NULL, 0);
	must(q != (void *)-1);
	p[0] = 3;
	must_eq(q[0], 3);
	must_eq(mipc_shmctl(again, id, IPC_STAT, &ds), 0);
	must_eq(ds.shm_nattch, 2);
	must_eq(attached(id), 2);
	must_eq(mipc_shmctl(again, id, IPC_RMID, NULL), 0);
	must_eq(stat_of(id).shm_perm.mode, 01600);
	must_eq(mipc_shmdt(again, q), 0);
	detach(p);
	must_be_gone(id);
	must_eq(mipc_close(again), 0);
}
END_TEST

START_TEST(ns_objects_outlive_the_handle)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);

	strcpy(attach(id), "on file");
	ipc->leave();
	backend_reopen(testing_dir);
	must_eq(ipc->shmget(KEY, 0, 0), id);
	must(strcmp(attach(id), "on file") == 0);
}
END_TEST

START_TEST(ns_anonymous_ones_end_with_their_processes)
{
	for (int i = 0; i < 200; i++) {
		struct mipc_ns *ns = mipc_anon(0);

		must(ns != NULL);
		must_eq(mipc_shmget(ns, KEY, PAGE, IPC_CREAT | 0600), 0);
		must_eq(mipc_close(ns), 0);
	}
}
END_TEST

static void
live_until_told(void *arg)
{
	(void)arg;
	make_segment(PAGE);
	reach(1);
	await(2);
}

static void
await_the_last(void *arg)
{
	(void)arg;
	must_eq(mipc_await_unused(backend_ns()), 0);
	must_eq(atomic_load(&board->stage), 2);
	board->value[0] = 1;
}

START_TEST(ns_await_unused_returns_when_the_last_has_ended)
{
	pid_t living = spawn(BY_FORK, live_until_told, NULL), waiting;

	await(1);
	waiting = spawn(BY_FORK, await_the_last, NULL);
	await_sleep(waiting);
	must_eq(waitpid(waiting, NULL, WNOHANG), 0);
	reach(2);
	finish(living);
	finish(waiting);
	must_eq(board->value[0], 1);
}
END_TEST

START_TEST(ns_await_unused_of_an_anonymous_one_is_EINVAL)
{
	must_error(mipc_await_unused(backend_ns()), EINVAL);
}
END_TEST

START_TEST(ns_destroy_refuses_while_somebody_lives)
{
	pid_t pid = spawn(BY_FORK, live_until_told, NULL);

	await(1);
	must_error(mipc_destroy(testing_dir), EBUSY);
	must(strstr(mipc_reason(), testing_dir) != NULL);
	must_eq(count_files("namespace"), 1);
	reach(2);
	finish(pid);
	must_eq(mipc_destroy(testing_dir), 0);
	must_error(access(testing_dir, F_OK), ENOENT);
}
END_TEST

static void
leave_segments(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++)
		make_segment(PAGE);
	must(ipc->shmget(KEY, PAGE, IPC_CREAT | 0600) != -1);
}

START_TEST(ns_destroy_takes_all_and_nothing_foreign)
{
	const char *foreign;

	finish(spawn(BY_FORK, leave_segments, NULL));
	must_eq(count_files("shm."), 12);
	foreign = file_of("foreign");
	must(close(open(foreign, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	must_error(mipc_destroy(testing_dir), ENOTEMPTY);
	must_eq(access(foreign, F_OK), 0);
	must_eq(count_files("shm.") + count_files("namespace"), 0);
}
END_TEST

static void
leave(const char *name)
{
	must(close(open(file_of(name), O_CREAT | O_WRONLY | O_CLOEXEC,
	    0600)) == 0);
}

START_TEST(ns_destroy_takes_what_a_repair_has_put_aside)
{
	finish(spawn(BY_FORK, leave_segments, NULL));
	must(mkdir(file_of("lost+found"), 0700) == 0);
	leave("lost+found/sem.7.1");
	leave("lost+found/key.shm.00000007");
	must(mkdir(file_of("lost+found/.scratch"), 0700) == 0);
	leave("lost+found/.scratch/namespace");
	leave("lost+found/.scratch/msg.1");
	must_eq(mipc_destroy(testing_dir), 0);
	must_error(access(testing_dir, F_OK), ENOENT);
}
END_TEST

START_TEST(ns_destroy_leaves_what_is_foreign_among_it)
{
	finish(spawn(BY_FORK, leave_segments, NULL));
	must(mkdir(file_of("lost+found"), 0700) == 0);
	leave("lost+found/sem.7");
	leave("lost+found/letter");
	must_error(mipc_destroy(testing_dir), ENOTEMPTY);
	must_eq(access(file_of("lost+found/letter"), F_OK), 0);
	must_error(access(file_of("lost+found/sem.7"), F_OK), ENOENT);
}
END_TEST

START_TEST(ns_destroy_does_not_follow_a_link)
{
	finish(spawn(BY_FORK, leave_segments, NULL));
	must(mkdir(file_of("elsewhere"), 0700) == 0);
	leave("elsewhere/sem.7");
	must(symlink("elsewhere", file_of("lost+found")) == 0);
	must_error(mipc_destroy(testing_dir), ENOTEMPTY);
	must_eq(access(file_of("elsewhere/sem.7"), F_OK), 0);
}
END_TEST

START_TEST(ns_destroy_removes_an_empty_directory)
{
	finish(spawn(BY_FORK, leave_segments, NULL));
	must_eq(mipc_destroy(testing_dir), 0);
	must_error(access(testing_dir, F_OK), ENOENT);
}
END_TEST

START_TEST(ns_the_default_one_is_where_the_environment_says)
{
	char dir[PATH_MAX], want[PATH_MAX];
	struct mipc_ns *ns;

	snprintf(want, sizeof(want), "%.4000s.default", testing_dir);
	must_eq(setenv("MIPC_DIR", want, 1), 0);
	must_eq(mipc_default_dir(dir, sizeof(dir)), 0);
	must(strcmp(dir, want) == 0);
	must_error(mipc_default_dir(dir, strlen(want)), ERANGE);
	must_error(access(want, F_OK), ENOENT);
	ns = mipc_default();
	must(ns != NULL && mipc_default() == ns);
	must_eq(mipc_shmget(ns, KEY, PAGE, IPC_CREAT | 0600), 0);
	must_error(mipc_close(ns), EBUSY);
	must_eq(mipc_shmctl(ns, 0, IPC_RMID, NULL), 0);
	remove_tree(want);
}
END_TEST

START_TEST(ns_the_default_one_has_a_place_by_uid)
{
	char dir[PATH_MAX], want[64];

	must_eq(unsetenv("MIPC_DIR"), 0);
	must_eq(mipc_default_dir(dir, sizeof(dir)), 0);
	if (access("/dev/shm", W_OK | X_OK) == 0) {
		snprintf(want, sizeof(want), "/dev/shm/mipc-%u", geteuid());
		must(strcmp(dir, want) == 0);
	} else {
		snprintf(want, sizeof(want), "/mipc-%u", geteuid());
		must(strstr(dir, want) != NULL);
	}
}
END_TEST

START_TEST(ns_modes_are_as_promised)
{
	char dir[PATH_MAX];
	struct stat st;
	struct mipc_ns *ns;

	snprintf(dir, sizeof(dir), "%.4000s.mode", testing_dir);
	umask(0);
	ns = mipc_open(dir, MIPC_CREAT);
	must(ns != NULL);
	must_eq(stat(dir, &st), 0);
	must_eq(st.st_mode & 07777, geteuid() == 0 ? 01777 : 0700);
	must_eq(mipc_close(ns), 0);
	must_eq(mipc_destroy(dir), 0);
	umask(077);
	ns = mipc_open(dir, MIPC_CREAT | MIPC_SHARED);
	must(ns != NULL);
	must_eq(stat(dir, &st), 0);
	must_eq(st.st_mode & 07777, 01777);
	must_eq(mipc_close(ns), 0);
	must_eq(mipc_destroy(dir), 0);
}
END_TEST

START_TEST(ns_data_files_have_the_segments_mode)
{
	int id = make_mode(0640);
	struct stat st;

	must_eq(stat(file_of_id("shm.", id, ".data"), &st), 0);
	must_eq(st.st_mode & 07777, 0640);
	set_owner(id, geteuid(), getegid(), 0604);
	must_eq(stat(file_of_id("shm.", id, ".data"), &st), 0);
	must_eq(st.st_mode & 07777, 0604);
}
END_TEST

void
add_ns_tests(TCase *tc)
{
	testing_add(tc, ns_unknown_limits_are_ENOENT);
	testing_add(tc, ns_limits_out_of_range_are_EINVAL);
	testing_add(tc, ns_limits_of_others_are_EPERM);
	testing_add(tc, ns_limits_are_seen_by_all_processes);
	testing_add(tc, ns_close_of_null_is_EINVAL);
	testing_add(tc, ns_unknown_flags_are_EINVAL);
	testing_add(tc, ns_others_are_apart);
	testing_add(tc, ns_closing_a_handle_leaves_what_is_attached);
	testing_add(tc, ns_a_told_munmap_is_known_at_once);
	testing_add(tc, ns_a_told_mapping_over_an_attach_is_left_alone);
	testing_add(tc, ns_a_told_move_is_detached_where_it_is);
	testing_add(tc, ns_attaches_after_the_promise_are_as_before_it);
}

void
add_anon_tests(TCase *tc)
{
	testing_add(tc, ns_anonymous_ones_end_with_their_processes);
	testing_add(tc, ns_await_unused_of_an_anonymous_one_is_EINVAL);
}

void
add_dir_tests(TCase *tc)
{
	testing_add(tc, ns_two_handles_are_one_namespace);
	testing_add(tc, ns_objects_outlive_the_handle);
	testing_add(tc, ns_await_unused_returns_when_the_last_has_ended);
	testing_add(tc, ns_destroy_refuses_while_somebody_lives);
	testing_add(tc, ns_destroy_takes_all_and_nothing_foreign);
	testing_add(tc, ns_destroy_takes_what_a_repair_has_put_aside);
	testing_add(tc, ns_destroy_leaves_what_is_foreign_among_it);
	testing_add(tc, ns_destroy_does_not_follow_a_link);
	testing_add(tc, ns_destroy_removes_an_empty_directory);
	testing_add(tc, ns_the_default_one_is_where_the_environment_says);
	testing_add(tc, ns_the_default_one_has_a_place_by_uid);
	testing_add(tc, ns_modes_are_as_promised);
	testing_add(tc, ns_data_files_have_the_segments_mode);
}
