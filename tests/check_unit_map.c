/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_unit_map.c - mappings and their errors, the SIGBUS of a truncated
 * file, and sleeping on a word.
 */
#include "check_unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bus.h"
#include "futex.h"
#include "view.h"

#define PAGE	((size_t)4096)

static char path[5000];

static int
open_file(size_t size)
{
	int fd;

	snprintf(path, sizeof(path), "%s/file", testing_dir);
	fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	must(fd != -1);
	must_eq(ftruncate(fd, (off_t)size), 0);
	return fd;
}

START_TEST(map_shares_the_file)
{
	int fd = open_file(2 * PAGE);
	struct mipc_view a, b;

	must_eq(mipc_view_fd(fd, 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, &a),
	    0);
	must_eq(mipc_view_fd(fd, 2 * PAGE, PAGE, PROT_READ, &b), 0);
	close(fd);
	must_eq(a.length, 2 * PAGE);
	must_eq(a.uid, geteuid());
	must_eq(a.ino, b.ino);
	strcpy(a.base, "shared");
	must(strcmp(b.base, "shared") == 0);
	mipc_view_close(&a);
	must(a.base == NULL);
	mipc_view_close(&a);	/* again is nothing */
	must(strcmp(b.base, "shared") == 0);
}
END_TEST

START_TEST(map_errors_leave_the_output_alone)
{
	struct mipc_view map = { .size = 4711 };
	int fd = open_file(PAGE), dir, ro;

	must_eq(mipc_view_fd(fd, PAGE, PAGE + 1, PROT_READ, &map), EIO);
	must_eq(mipc_view_fd(-1, PAGE, 0, PROT_READ, &map), EBADF);
	dir = open(testing_dir, O_RDONLY | O_CLOEXEC);
	must_eq(mipc_view_fd(dir, PAGE, 0, PROT_READ, &map), EIO);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	must_eq(mipc_view_fd(ro, PAGE, PAGE, PROT_READ | PROT_WRITE, &map),
	    EACCES);
	must_eq(mipc_view_fd(fd, (size_t)1 << 62, PAGE, PROT_READ, &map),
	    ENOMEM);
	must_eq(map.size, 4711);
	must(map.base == NULL);
	close(fd);
	close(dir);
	close(ro);
}
END_TEST

START_TEST(map_private_memory_is_zeroed)
{
	static const char zero[8192];
	void *memory;

	must_eq(mipc_view_private(2 * PAGE, &memory), 0);
	must(memcmp(memory, zero, 2 * PAGE) == 0);
	memset(memory, 1, 2 * PAGE);
	must_eq(mipc_view_private((size_t)1 << 62, &memory), ENOMEM);
}
END_TEST

START_TEST(bus_a_guarded_page_that_lost_its_file_is_zeros)
{
	int fd = open_file(3 * PAGE), guard;
	struct mipc_view map;
	char *p;

	must_eq(mipc_view_fd(fd, 3 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE,
	    &map), 0);
	guard = mipc_bus_guard(map.base, map.size);
	must(guard >= 0);
	p = map.base;
	memset(p, 1, 3 * PAGE);
	must_eq(ftruncate(fd, (off_t)PAGE), 0);
	must_eq(p[0], 1);
	must_eq(p[PAGE], 0);
	must_eq(p[3 * PAGE - 1], 0);
	p[2 * PAGE] = 5;
	must_eq(p[2 * PAGE], 5);
	mipc_bus_unguard(guard);
	close(fd);
}
END_TEST

static volatile sig_atomic_t foreign;
static struct mipc_view elsewhere;

static void
on_foreign_bus(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	must(info->si_addr == elsewhere.base);
	foreign++;
	must(mmap(elsewhere.base, PAGE, PROT_READ, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_FIXED, -1, 0) == elsewhere.base);
}

START_TEST(bus_foreign_faults_go_to_the_previous_handler)
{
	struct sigaction sa = { .sa_sigaction = on_foreign_bus,
	    .sa_flags = SA_SIGINFO };
	int fd = open_file(PAGE);
	char guarded[1];

	must_eq(sigaction(SIGBUS, &sa, NULL), 0);
	must(mipc_bus_guard(guarded, 1) >= 0);
	must_eq(mipc_view_fd(fd, PAGE, PAGE, PROT_READ, &elsewhere), 0);
	must_eq(ftruncate(fd, 0), 0);
	must_eq(*(volatile char *)elsewhere.base, 0);
	must_eq(foreign, 1);
	close(fd);
}
END_TEST

static void
touch_lost_page(void *arg)
{
	char guarded[1];
	int fd = open_file(PAGE);

	(void)arg;
	signal(SIGBUS, SIG_DFL);	/* a sanitizer's would exit */
	must(mipc_bus_guard(guarded, 1) >= 0);
	must_eq(mipc_view_fd(fd, PAGE, PAGE, PROT_READ, &elsewhere), 0);
	must_eq(ftruncate(fd, 0), 0);
	must(*(volatile char *)elsewhere.base == 1);
}

START_TEST(bus_foreign_faults_without_a_handler_end_the_process)
{
	pid_t pid = spawn(BY_FORK, touch_lost_page, NULL);
	int status;

	must_eq(waitpid(pid, &status, 0), pid);
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}
END_TEST

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

START_TEST(futex_sleep_ends_in_time)
{
	mipc_u32 word = 3;
	double start = seconds();

	mipc_futex_sleep(&word, 4, 1000000 * MIPC_MS);	/* it is not 4 */
	must(seconds() - start < 5);
	start = seconds();
	mipc_futex_sleep(&word, 3, 20 * MIPC_MS);
	must(seconds() - start >= 0.019);
}
END_TEST

static void
sleep_on_stage(void *arg)
{
	(void)arg;
	while (mipc_take(&board->stage) == 0)
		mipc_futex_sleep(&board->stage, 0, 1000000 * MIPC_MS);
}

START_TEST(futex_wakes_other_processes)
{
	pid_t pid[2];

	for (int i = 0; i < 2; i++)
		pid[i] = spawn(BY_FORK, sleep_on_stage, NULL);
	for (int i = 0; i < 2; i++)
		await_sleep(pid[i]);
	mipc_give(&board->stage, 1);
	mipc_futex_wake_all(&board->stage);
	for (int i = 0; i < 2; i++)
		finish(pid[i]);
}
END_TEST

static mipc_u32 mutex;
static long counter;

static void *
count(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		mipc_mutex_lock(&mutex);
		counter++;
		mipc_mutex_unlock(&mutex);
	}
	return arg;
}

START_TEST(futex_mutex_excludes)
{
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		must_eq(pthread_create(&thread[i], NULL, count, NULL), 0);
	for (int i = 0; i < 4; i++)
		must_eq(pthread_join(thread[i], NULL), 0);
	must_eq(counter, 80000);
	must_eq(mutex, 0);
}
END_TEST

void
add_map_tests(TCase *tc)
{
	testing_add(tc, map_shares_the_file);
	testing_add(tc, map_errors_leave_the_output_alone);
	testing_add(tc, map_private_memory_is_zeroed);
	testing_add(tc, bus_a_guarded_page_that_lost_its_file_is_zeros);
	testing_add(tc, bus_foreign_faults_go_to_the_previous_handler);
	testing_add(tc, bus_foreign_faults_without_a_handler_end_the_process);
	testing_add(tc, futex_sleep_ends_in_time);
	testing_add(tc, futex_wakes_other_processes);
	testing_add(tc, futex_mutex_excludes);
}
