/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_map_lost.c - a file that somebody else makes shorter while it is
 * mapped, and processes killed amidst a change.
 */
#include "check_map.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE	(8 * PAGE)

/* Every way to the bytes at `at`, where the file has none any more. */
static void
must_be_lost(struct mipc_map *map, size_t at)
{
	unsigned long long number = 0;
	char buf[16];

	must_error(mipc_map_get(map, at, at + 8, buf, 8), EIO);
	must_error(mipc_map_set(map, at, at + 8, buf, 8), EIO);
	must_eq(mipc_map_seek(map, (long long)at, SEEK_SET), at);
	must_error(mipc_map_read(map, buf, 8), EIO);
	must_error(mipc_map_read_byte(map), EIO);
	must_error(mipc_map_readline(map, buf, 8), EIO);
	must_error(mipc_map_write(map, buf, 8), EIO);
	must_error(mipc_map_write_byte(map, 1), EIO);
	must_eq(mipc_map_tell(map), at);
	must_error(mipc_map_move(map, 0, at, 8), EIO);
	must_error(mipc_map_move(map, at, 0, 8), EIO);
	must_error(mipc_map_find(map, "none", 4, at, at + 8), EIO);
	must_error(mipc_map_rfind(map, "none", 4, at, at + 8), EIO);
	must_error(mipc_map_load(map, at, 64, &number), EIO);
	must_error(mipc_map_store(map, at, 64, 1), EIO);
	must_error(mipc_map_add(map, at, 64, 1, NULL), EIO);
	must_error(mipc_map_cas(map, at, 64, &number, 1), EIO);
}

static void
lose(void)
{
	char path[PATH_MAX], *all = calloc(1, SIZE);
	struct mipc_map *map, *copy;

	snprintf(path, sizeof(path), "%s", a_file("file", SIZE));
	map = have(mipc_map_open(path, 0, NULL));
	copy = have(mipc_map_open(path, 0, COPY));
	put(copy, 5 * PAGE, "own");
	cut(path, (off_t)(2 * PAGE + 100));
	must_hold(map, 26, "abc");
	must_be_lost(map, 5 * PAGE);
	must_be_lost(map, SIZE - 8);
	must_be_lost(map, 3 * PAGE);
	must_be_lost(copy, 5 * PAGE);
	must_be_lost(map, 2 * PAGE + 104);	/* where no page is lost */
	must_error(mipc_map_set(map, 0, SIZE, all, SIZE), EIO);
	must_error(mipc_map_set(map, 0, 1, mipc_map_at(copy, 5 * PAGE, 1), 1),
	    EFAULT);
	/* It comes back: as it is, and without what was put aside. */
	cut(path, (off_t)SIZE);
	must_eq(mipc_map_seek(map, (long long)(5 * PAGE), SEEK_SET),
	    5 * PAGE);
	must_eq(mipc_map_read_byte(map), 0);
	must_eq(mipc_map_store(map, 5 * PAGE, 64, 7), 0);
	must_hold(have(mipc_map_open(path, 0, READ)), 5 * PAGE, "\7");
	free(all);
}

START_TEST(a_file_cut_off_is_an_error)
{
	lose();
}
END_TEST

START_TEST(a_file_cut_off_is_an_error_without_process_vm)
{
	setenv("MIPC_NO_PROCESS_VM", "1", 1);
	lose();
}
END_TEST

START_TEST(without_a_descriptor_a_lost_page_is_an_error)
{
	const char *path = a_file("file", SIZE);
	struct mipc_map *map = have(mipc_map_open(path, 0,
	    HOW(.options = MIPC_MAP_FORGET)));

	cut(path, 0);
	must_be_lost(map, 0);
	must_be_lost(map, 5 * PAGE);
}
END_TEST

static void *
cut_and_grow(void *path)
{
	while (atomic_load(&board->value[0]) == 0) {
		cut(path, 0);
		cut(path, (off_t)SIZE);
	}
	return NULL;
}

/* Whenever it happens: before the access, amidst, behind. */
START_TEST(no_race_with_who_cuts_it_off_is_a_signal)
{
	unsigned long long number, lost = 0, there = 0;
	char path[PATH_MAX], *buf = malloc(SIZE);
	struct mipc_map *map;
	pthread_t thread;

	snprintf(path, sizeof(path), "%s", a_file("file", SIZE));
	map = have(mipc_map_open(path, 0, NULL));
	must_eq(pthread_create(&thread, NULL, cut_and_grow, path), 0);
	for (int i = 0; i < 100000 && (lost < 500 || there < 50); i++) {
		errno = 0;
		if (mipc_map_get(map, 0, SIZE, buf, SIZE) == 0 &&
		    mipc_map_set(map, 0, SIZE, buf, SIZE) == 0 &&
		    mipc_map_add(map, 3 * PAGE, 64, 1, NULL) == 0 &&
		    mipc_map_load(map, 5 * PAGE, 32, &number) == 0) {
			there++;
			continue;
		}
		must_eq(errno, EIO);
		lost++;
		for (int k = 0; k < 100; k++)
			if (mipc_map_add(map, 3 * PAGE, 64, 1, NULL) != 0)
				must_eq(errno, EIO);
	}
	atomic_store(&board->value[0], 1);
	pthread_join(thread, NULL);
	free(buf);
	must(lost > 0);
}
END_TEST

static sigjmp_buf out;
static volatile sig_atomic_t mine;

static void
on_bus(int sig)
{
	(void)sig;
	mine++;
	siglongjmp(out, 1);
}

/* By a pointer it is the program's signal, and goes to its handler. */
START_TEST(the_programs_own_sigbus_stays_its)
{
	struct sigaction action = { .sa_handler = on_bus }, now;
	const char *path = a_file("file", SIZE);
	struct mipc_map *map;
	volatile char *p;

	sigaction(SIGBUS, &action, NULL);
	map = have(mipc_map_open(path, 0, NULL));
	p = mipc_map_at(map, 0, SIZE);
	put(map, 0, "x");
	must_eq(mipc_map_find(map, "x", 1, 0, MIPC_MAP_END), 0);
	must_eq(sigaction(SIGBUS, NULL, &now), 0);
	must(now.sa_handler == on_bus);	/* nothing of ours so far */
	must_eq(mipc_map_store(map, 8, 64, 1), 0);
	cut(path, 0);
	must_be_lost(map, PAGE);
	must_eq(mine, 0);
	if (sigsetjmp(out, 1) == 0)
		p[PAGE] = 1;
	must_eq(mine, 1);
	must_be_lost(map, PAGE);
	must_eq(mine, 1);
}
END_TEST

START_TEST(a_hole_without_space_is_no_signal)
{
	struct mipc_map *map = have(mipc_map_open(a_file("file", 10), 10,
	    READ));

	/* Writing where a page is read-only comes to the same in the kernel. */
	must_eq(mprotect(mipc_map_at(map, 0, 0), PAGE, PROT_NONE), 0);
	must_error(mipc_map_read_byte(map), EIO);
}
END_TEST

static void
change_for_ever(void *path)
{
	struct mipc_map *map;

	reach(1);
	for (;;) {
		map = have(mipc_map_open(path, 3 * PAGE, CREAT));
		must_eq(mipc_map_resize(map, 20 * PAGE), 0);
		must_eq(mipc_map_lock(map, 0, PAGE, MIPC_MAP_EXCLUSIVE,
		    NULL), 0);
		must_eq(mipc_map_store(map, 0, 64, 1), 0);
		must_eq(mipc_map_resize(map, PAGE), 0);
		mipc_map_free(map);
		must_eq(unlink(path), 0);
	}
}

START_TEST(killed_anywhere_the_next_goes_on)
{
	static const struct timespec at_once;
	char path[PATH_MAX];
	struct mipc_map *map;
	struct timespec pause = { 0, 0 };
	pid_t pid;

	snprintf(path, sizeof(path), "%s", in_dir("killed"));
	for (int i = 0; i < 100; i++) {
		board_clear();
		pid = spawn(BY_FORK, change_for_ever, path);
		await(1);
		pause.tv_nsec = rand() % 500000;	/* anywhere */
		nanosleep(&pause, NULL);
		kill_and_reap(pid);
		map = have(mipc_map_open(path, PAGE, CREAT));
		must(file_size(path) >= (off_t)PAGE);
		must_eq(mipc_map_lock(map, 0, PAGE, MIPC_MAP_EXCLUSIVE,
		    &at_once), 0);
		must_eq(mipc_map_resize(map, 2 * PAGE), 0);
		mipc_map_free(map);
		must_eq(unlink(path), 0);
	}
}
END_TEST

void
add_map_lost_tests(TCase *tc)
{
	testing_add(tc, a_file_cut_off_is_an_error);
	testing_add(tc, a_file_cut_off_is_an_error_without_process_vm);
	testing_add(tc, without_a_descriptor_a_lost_page_is_an_error);
	testing_add(tc, no_race_with_who_cuts_it_off_is_a_signal);
	testing_add(tc, the_programs_own_sigbus_stays_its);
	testing_add(tc, a_hole_without_space_is_no_signal);
	testing_add(tc, killed_anywhere_the_next_goes_on);
}
