/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testing.c - the ground the test programs stand on: assertions, the board,
 * children, and which tests are wanted.
 */
#include "testing.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <dirent.h>
#include <fnmatch.h>
#include <ftw.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BOARD_FD	"MIPC_TEST_BOARD"

struct board *board;
char testing_dir[PATH_MAX];

static const char *selected;
static bool listing;
static pid_t test_pid;

/* ---- assertions ---- */

static void
tell(const char *text)
{
	uint32_t nobody = 0;

	if (atomic_compare_exchange_strong(&board->failed, &nobody, 1)) {
		snprintf(board->text, sizeof(board->text), "%s", text);
		atomic_store(&board->told, 1);
	}
}

static void
raise_told(void)
{
	while (atomic_load(&board->told) == 0)
		;		/* the teller is between two statements */
	ck_abort_msg("%s", board->text);
}

void
testing_fail(const char *file, int line, const char *fmt, ...)
{
	char text[400];
	int error = errno, at;
	va_list ap;

	at = snprintf(text, sizeof(text), "%s:%d: ", file, line);
	va_start(ap, fmt);
	at += vsnprintf(text + at, sizeof(text) - (size_t)at, fmt, ap);
	va_end(ap);
	if (at > 0 && (size_t)at < sizeof(text))
		snprintf(text + at, sizeof(text) - (size_t)at,
		    " (errno %s)", error_name(error));
	tell(text);
	if (getpid() == test_pid)
		raise_told();
	_exit(99);
}

void
testing_eq(const char *file, int line, const char *what, long long got,
    long long want)
{
	if (got != want)
		testing_fail(file, line, "%s is %lld, not %lld", what, got,
		    want);
}

void
testing_error(const char *file, int line, const char *what, intptr_t got,
    int error)
{
	if (got != -1)
		testing_fail(file, line, "%s gave %lld, not %s", what,
		    (long long)got, error_name(error));
	if (errno != error)
		testing_fail(file, line, "%s fails, but not by %s", what,
		    error_name(error));
}

void
testing_skip(const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ck_abort_msg(TESTING_SKIP "%s", text);
	abort();		/* not reached: libcheck left the process */
}

/* ---- the board ---- */

bool
testing_make_board(void)
{
	int fd = memfd_create("board", 0);	/* programs exec'ed find it */
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	return fd != -1 && ftruncate(fd, sizeof(*board)) == 0 &&
	    setenv(BOARD_FD, number, 1) == 0 && testing_join();
}

void
testing_begin(void)
{
	test_pid = getpid();
	board_clear();
	board->group = getpgrp();
}

bool
testing_join(void)
{
	const char *fd = getenv(BOARD_FD);

	if (fd == NULL)
		return false;
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
	    MAP_SHARED, atoi(fd), 0);
	return board != MAP_FAILED;
}

void
board_clear(void)
{
	pid_t group = board->group;

	memset(board, 0, sizeof(*board));
	board->group = group;
}

void
reach(uint32_t n)
{
	uint32_t seen = atomic_load(&board->stage);

	while (seen < n &&
	    !atomic_compare_exchange_weak(&board->stage, &seen, n))
		;		/* never back: others may be further on */
	syscall(SYS_futex, &board->stage, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void
leave_if_failed(void)
{
	if (atomic_load(&board->failed) == 0)
		return;
	if (getpid() == test_pid)
		raise_told();
	_exit(98);
}

void
await_turn(void)
{
	leave_if_failed();
	sched_yield();
}

void
await_value(int which, long long least)
{
	while (atomic_load(&board->value[which]) < least)
		await_turn();
}

/*
 * The slices end a wait for somebody who has failed meanwhile; a wait for
 * somebody who just died is ended by libcheck's time limit.
 */
void
await(uint32_t n)
{
	const struct timespec slice = { .tv_nsec = 50 * 1000 * 1000 };
	uint32_t seen;

	while ((seen = atomic_load(&board->stage)) < n) {
		leave_if_failed();
		syscall(SYS_futex, &board->stage, FUTEX_WAIT, seen, &slice,
		    NULL, 0);
	}
}

/* ---- children ---- */

pid_t
spawn(enum way way, void (*body)(void *), void *arg)
{
	pid_t pid;

	if (way == BY_FORK)
		pid = fork();
	else
		pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	must(pid != -1);
	if (pid != 0)
		return pid;
	body(arg);
	_exit(0);
}

void
finish(pid_t pid)
{
	int status;

	must_eq(waitpid(pid, &status, 0), pid);
	if (atomic_load(&board->failed) != 0 && getpid() == test_pid)
		raise_told();
	must_eq(status, 0);
}

void
kill_and_reap(pid_t pid)
{
	int status;

	must(pid > 0);
	must_eq(kill(pid, SIGKILL), 0);
	must_eq(waitpid(pid, &status, 0), pid);
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static char
state_of(const char *path)
{
	char state = 0;
	FILE *f = fopen(path, "re");

	if (f != NULL) {
		if (fscanf(f, "%*d %*s %c", &state) != 1)
			state = 0;
		fclose(f);
	}
	return state;
}

/*
 * Wait until the process's first thread is a zombie beside a live one.  No
 * join: after a raw clone(2) nobody clears the first thread's tid.
 */
void
await_dead_leader(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, pid);
	while (state_of(path) != 'Z')
		sched_yield();
}

void
await_sleep(pid_t pid)
{
	char path[64], state;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		sched_yield();
		state = state_of(path);
	} while (state != 'S' && state != 'Z');
}

void
exec_role(const char *role, const char *arg1, const char *arg2)
{
	execl("/proc/self/exe", "role", "--role", role, arg1, arg2,
	    (char *)NULL);
	testing_fail(__FILE__, __LINE__, "exec of role %s", role);
}

/* ---- files ---- */

int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	must(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static int
remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void
remove_tree(const char *dir)
{
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- which tests ---- */

void
testing_select(const char *pattern)
{
	selected = pattern;
}

void
testing_list(void)
{
	listing = true;
}

void
testing_add_loop(TCase *tc, const TTest *test, int from, int to)
{
	if (selected != NULL && fnmatch(selected, test->name, 0) != 0)
		return;
	if (!listing)
		tcase_add_loop_test(tc, test, from, to);
	for (int i = from; listing && i < to; i++)
		printf("%s %d\n", test->name, i);
}

void
testing_add(TCase *tc, const TTest *test)
{
	testing_add_loop(tc, test, 0, 1);
}
