/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testing.c - the ground the test programs stand on.
 *
 * The program forks: the child is libcheck's runner, the parent reads its
 * TAP lines, turns the failures that testing_skip() raised into SKIP lines
 * and removes the directory in the end, however the runner came to its own.
 */
#include "testing.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

#define SKIP_MARK	"SKIP: "
#define BOARD_FD	"MIPC_TEST_BOARD"

struct board *board;
char testing_dir[PATH_MAX];

static char base[PATH_MAX - 64];	/* what the program owns on disk */
static const char *selected;
static pid_t test_pid;
static volatile sig_atomic_t runner;

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
		    " (errno %s)", strerrorname_np(error) != NULL ?
		    strerrorname_np(error) : "0");
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
		    (long long)got, strerrorname_np(error));
	if (errno != error)
		testing_fail(file, line, "%s fails, but not by %s", what,
		    strerrorname_np(error));
}

void
testing_skip(const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ck_abort_msg(SKIP_MARK "%s", text);
	abort();		/* not reached: libcheck left the process */
}

/* ---- the board ---- */

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

/* ---- a place on disk ---- */

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

static void
make_base(void)
{
	const char *in = getenv("MIPC_TEST_DIR");

	if (in == NULL)
		in = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(base, sizeof(base), "%s/mipc-check-XXXXXX", in);
	if (mkdtemp(base) == NULL || chmod(base, 0755) == -1) {
		perror(base);
		exit(99);
	}
}

void
testing_enter(void)
{
	test_pid = getpid();
	board_clear();
	board->group = test_pid;	/* libcheck made it the leader */
	snprintf(testing_dir, sizeof(testing_dir), "%s/XXXXXX", base);
	must(mkdtemp(testing_dir) != NULL);
	must_eq(chmod(testing_dir, 0755), 0);
}

void
testing_leave(void)
{
	remove_tree(testing_dir);
}

/* ---- running ---- */

void
testing_select(const char *pattern)
{
	selected = pattern;
}

void
testing_add_loop(TCase *tc, const TTest *test, int from, int to)
{
	if (selected == NULL || fnmatch(selected, test->name, 0) == 0)
		tcase_add_loop_test(tc, test, from, to);
}

void
testing_add(TCase *tc, const TTest *test)
{
	testing_add_loop(tc, test, 0, 1);
}

/*
 * libcheck writes "ok N - file:case:test: message".  Print the case and the
 * test, then the message of a failure, or the reason of a skip.  Returns
 * whether the line is a failure.
 */
static bool
print_line(char *line)
{
	static char last[200];
	static int turn;
	char *name = strstr(line, " - "), *message = NULL, *skip;
	bool failed = strncmp(line, "not ok", 6) == 0;

	line[strcspn(line, "\n")] = '\0';
	if (name != NULL)
		name = strchr(name, ':');
	if (name != NULL)
		message = strstr(name + 1, ": ");
	if (message == NULL) {
		printf("%s\n", line);
		return failed;
	}
	*message = '\0';
	skip = strstr(message + 2, SKIP_MARK);
	turn = strcmp(last, name + 1) == 0 ? turn + 1 : 1;
	snprintf(last, sizeof(last), "%s", name + 1);
	printf("%s %d - %s", failed && skip == NULL ? "not ok" : "ok",
	    atoi(line + (failed ? 7 : 3)), name + 1);
	if (turn > 1)
		printf(" %d", turn);	/* of a loop test */
	if (skip != NULL)
		printf(" # SKIP %s\n", skip + strlen(SKIP_MARK));
	else if (failed)
		printf(": %s\n", message + 2);
	else
		printf("\n");
	return failed && skip == NULL;
}

static bool
print_lines(int fd)
{
	FILE *in = fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;
	bool failed = false;

	while (in != NULL && getline(&line, &size, in) != -1) {
		failed |= print_line(line);
		fflush(stdout);
	}
	free(line);
	if (in != NULL)
		fclose(in);
	return failed || in == NULL;
}

/* libcheck passes it on to the test, which may have signals blocked. */
static void
forward(int sig)
{
	pid_t group = board->group;

	kill((pid_t)runner, sig);
	if (group > 0)
		killpg(group, SIGKILL);
}

static pid_t
start_runner(Suite *suite, int out[2])
{
	pid_t pid = fork();
	SRunner *sr = srunner_create(suite);

	if (pid != 0) {
		srunner_free(sr);	/* and the suite with it */
		return pid;
	}
	setpgid(0, 0);		/* libcheck signals its whole group */
	dup2(out[1], STDOUT_FILENO);
	close(out[0]);
	close(out[1]);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);	/* children may flush it */
	srunner_set_fork_status(sr, CK_FORK);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	srunner_free(sr);
	exit(0);
}

int
testing_run(Suite *suite)
{
	struct sigaction sa = {
		.sa_handler = forward,
		.sa_flags = SA_RESTART,
	};
	int out[2], status;
	char number[16];
	bool failed;
	int fd = memfd_create("board", 0);	/* programs exec'ed find it */

	snprintf(number, sizeof(number), "%d", fd);
	if (fd == -1 || ftruncate(fd, sizeof(*board)) == -1 ||
	    setenv(BOARD_FD, number, 1) == -1 || !testing_join() ||
	    pipe(out) == -1)
		return 99;
	make_base();
	runner = start_runner(suite, out);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);	/* the directory must go all the same */
	close(out[1]);
	failed = runner == -1 || print_lines(out[0]);
	if (runner != -1)
		waitpid((pid_t)runner, &status, 0);
	remove_tree(base);
	return failed || runner == -1 || status != 0;
}
