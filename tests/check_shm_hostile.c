/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_hostile.c - what a peer that may write the namespace or an object
 * can do beyond that object: nothing.  And a program whose own fork handlers
 * call the library.
 */
#include "check_shm.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "format.h"

/* Bytes of a file of the namespace, as a peer sees them. */
static void *
map_file(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *p;

	must(fd != -1);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED);
	must_eq(close(fd), 0);
	return p;
}

START_TEST(hostile_a_head_cannot_change_the_mode_of_another_file)
{
	int id = make_segment(PAGE);
	struct mipc_object *head = map_file(file_of_id("shm.", id, ""), PAGE);
	char victim[PATH_MAX];
	const char *data;
	struct stat st;

	snprintf(victim, sizeof(victim), "%s", file_of("victim"));
	must_eq(close(open(victim, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	data = file_of_id("shm.", id, ".data");
	must_eq(unlink(data), 0);
	must_eq(symlink(victim, data), 0);
	mipc_put(&head->mode, 0666);
	mipc_put(&head->unsettled, 1);
	mipc_put(&head->seq, 1);
	must((intptr_t)ipc->shmat(id, NULL, 0) == -1);
	ipc->shmctl(id, SHM_LOCK, NULL);
	must_eq(stat(victim, &st), 0);
	must_eq(st.st_mode & 07777, 0600);
	ipc->shmctl(id, IPC_RMID, NULL);
	must_eq(unlink(victim), 0);
}
END_TEST

START_TEST(hostile_a_head_cannot_open_the_data_to_others)
{
	int id = make_segment(PAGE);
	struct mipc_object *head = map_file(file_of_id("shm.", id, ""), PAGE);
	struct stat st;

	mipc_put(&head->mode, 0666);
	mipc_put(&head->unsettled, 1);
	detach(attach(id));
	must_eq(stat(file_of_id("shm.", id, ".data"), &st), 0);
	must_eq(st.st_mode & 0777, 0600);
	must_eq(stat_of(id).shm_perm.mode & 0777, 0600);
}
END_TEST

START_TEST(hostile_a_lock_on_the_data_is_an_error_in_time)
{
	int id = make_segment(PAGE);
	int fd = open(file_of_id("shm.", id, ".data"), O_RDONLY | O_CLOEXEC);

	must(fd != -1);
	must_eq(flock(fd, LOCK_EX), 0);
	alarm(8);
	must((intptr_t)ipc->shmat(id, NULL, 0) == -1);
	alarm(0);
	must_eq(close(fd), 0);
	detach(attach(id));
}
END_TEST

START_TEST(hostile_counters_do_not_lead_out_of_the_tables)
{
	struct mipc_space *space = map_file(file_of("namespace"),
	    sizeof(*space));
	int id;

	make_segment(PAGE);
	mipc_put(&space->census[MIPC_SHM].top, 1ull << 40);
	mipc_put(&space->census[MIPC_SHM].sequence, 1ull << 40);
	id = make_segment(PAGE);
	must(id >= 0);
	detach(attach(id));
	remove_segment(id);
	must_be_gone(id);
}
END_TEST

/* ---- fork handlers of the program's own ---- */

static int used;

static void
attach_and_detach(void)
{
	void *p = ipc->shmat(used, NULL, 0);

	if (p != (void *)-1)
		ipc->shmdt(p);
}

/*
 * In a program of its own, whose handlers are registered before the library's
 * and so run inside them.  `which` of the three calls the library.
 */
void
play_handlers(int id, int which)
{
	pid_t pid;

	used = id;
	alarm(8);
	must_eq(pthread_atfork(which == 0 ? attach_and_detach : NULL,
	    which == 1 ? attach_and_detach : NULL,
	    which == 2 ? attach_and_detach : NULL), 0);
	backend_reopen(testing_dir);
	attach(id);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	must_eq(attached(id), 2);
	kill_and_reap(pid);
	must_eq(attached(id), 1);
}

START_TEST(fork_handlers_may_call_the_library)
{
	int id = make_segment(PAGE);

	run_fresh("handlers", id, _i);
	must_eq(attached(id), 0);
}
END_TEST

void
add_hostile_tests(TCase *tc)
{
	testing_add(tc,
	    hostile_a_head_cannot_change_the_mode_of_another_file);
	testing_add(tc, hostile_a_head_cannot_open_the_data_to_others);
	testing_add(tc, hostile_a_lock_on_the_data_is_an_error_in_time);
	testing_add(tc, hostile_counters_do_not_lead_out_of_the_tables);
	testing_add_loop(tc, fork_handlers_may_call_the_library, 0, 3);
}
