/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows_preload.c - P and V by libc's names, in a program that runs under the
 * preload module on mipc's side and as it is on the kernel's; and what a
 * trace of these calls adds.
 *
 * The program is this one again, in a process of its own: it takes orders
 * from descriptor 0, as a side does from its driver.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>

#include "locks.h"

enum { TRACED = 500 };		/* P and V a batch: their lines take space */

static const struct sembuf take = { 0, -1, 0 }, give = { 0, 1, 0 };

typedef int operate_function(int id, struct sembuf *, size_t);

static double
down_up(operate_function *operate, int id, uint64_t n)
{
	struct sembuf down = take, up = give;
	const uint64_t start = bench_now();
	unsigned long bad = 0;

	for (uint64_t i = 0; i < n; i++) {
		bad += operate(id, &down, 1) != 0;
		bad += operate(id, &up, 1) != 0;
	}
	return bad != 0 ? -1 : (double)(bench_now() - start) / (double)n;
}

/* Its first answer is 0, or what failed as a negative errno. */
static int
obey(int key, operate_function *operate)
{
	const union semun one = { .val = 1 };
	const int id = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
	double answer = 0;
	uint64_t n;

	if (id == -1 || semctl(id, 0, SETVAL, one) == -1)
		answer = -errno;
	send(STDIN_FILENO, &answer, sizeof(answer), MSG_NOSIGNAL);
	while (recv(STDIN_FILENO, &n, sizeof(n), 0) == sizeof(n)) {
		answer = down_up(operate, id, n);
		send(STDIN_FILENO, &answer, sizeof(answer), MSG_NOSIGNAL);
	}
	return id == -1 || semctl(id, 0, IPC_RMID) == -1;
}

int
bench_preload_child(int key)
{
	return obey(key, semop);
}

/* libc's own syscall(), whatever stands in front of it. */
static long (*call)(long number, ...);

static int
operate_raw(int id, struct sembuf *ops, size_t n)
{
#ifdef SYS_semop
	return (int)call(SYS_semop, (long)id, ops, n);
#else
	return (int)call(SYS_semtimedop_time64, (long)id, ops, n, NULL);
#endif
}

int
bench_raw_child(int key)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	void *found = libc == NULL ? NULL : dlsym(libc, "syscall");
	const double answer = -ENOENT;

	memcpy(&call, &found, sizeof(call));
	if (found != NULL)
		return obey(key, operate_raw);
	send(STDIN_FILENO, &answer, sizeof(answer), MSG_NOSIGNAL);
	return 1;
}

static void
trace_path(const struct bench *b, char *out, size_t size)
{
	snprintf(out, size, "%s/trace", b->place->dir);
}

/* A trace to a file beside the namespace, as mipcrun --trace=FILE asks. */
static int
ask_trace(struct bench *b, char *out, size_t size)
{
	char path[160];
	struct stat st;
	int fd;

	trace_path(b, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1 || fstat(fd, &st) == -1)
		return -1;
	close(fd);
	snprintf(out, size, "MIPC_TRACE=-1:%ju:%ju:%s", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino, path);
	return 0;
}

/* Has the program's first call been traced? */
static int
is_traced(const struct bench *b)
{
	char path[160];
	struct stat st;

	trace_path(b, path, sizeof(path));
	return stat(path, &st) == 0 && st.st_size > 0;
}

/* mipcrun, which is beside this program. */
static void
runner_path(const struct bench *b, char *out, size_t size)
{
	const char *slash = strrchr(b->place->self, '/');

	snprintf(out, size, "%.*s/mipcrun", slash == NULL ? 0 :
	    (int)(slash - b->place->self), b->place->self);
}

/* Run what is spawned with descriptor 0 as its end of b->second. */
static int
spawn(struct bench *b, const char *program, char *const *argv,
    char *const *env)
{
	posix_spawn_file_actions_t fds;
	int error, pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	posix_spawn_file_actions_init(&fds);
	posix_spawn_file_actions_adddup2(&fds, pair[1], STDIN_FILENO);
	error = posix_spawn(&pid, program, &fds, NULL, argv, env);
	posix_spawn_file_actions_destroy(&fds);
	close(pair[1]);
	b->second = pair[0];
	errno = error;
	return error == 0 ? 0 : -1;
}

/* By --raw, which is mipcrun's to begin. */
static int
start_raw(struct bench *b, int key)
{
	char runner[560], option[] = "--raw-child", arg[16], ns[160];
	char raw[] = "--raw", dir[] = "--dir", end[] = "--";
	char module[560], self[sizeof(b->place->self)];
	char *const argv[] = { runner, raw, dir, ns, end, self, option, arg,
		NULL };
	char *const env[] = { module, NULL };
	const int is_mipc = b->side->home == HOME_DIR;

	runner_path(b, runner, sizeof(runner));
	snprintf(arg, sizeof(arg), "%d", key);
	snprintf(ns, sizeof(ns), "%s/ns", b->place->dir);
	snprintf(self, sizeof(self), "%s", b->place->self);
	snprintf(module, sizeof(module), "MIPC_PRELOAD=%s", b->place->module);
	return spawn(b, is_mipc ? runner : self, is_mipc ? argv : argv + 5,
	    env);
}

static int
start(struct bench *b, int key)
{
	char self[] = "mipc-bench", option[] = "--preload-child", arg[16];
	char preload[560] = "MIPC_UNUSED=", dir[160], trace[240] = "MIPC_=";
	char *const argv[] = { self, option, arg, NULL };
	char *const env[] = { dir, preload, trace, NULL };

	if (b->row->raw)
		return start_raw(b, key);
	snprintf(arg, sizeof(arg), "%d", key);
	snprintf(dir, sizeof(dir), "MIPC_DIR=%s/ns", b->place->dir);
	if (b->side->home == HOME_DIR)
		snprintf(preload, sizeof(preload), "LD_PRELOAD=%s",
		    b->place->module);
	if (b->row->traced && ask_trace(b, trace, sizeof(trace)) == -1)
		return -1;
	return spawn(b, b->place->self, argv, env);
}

static int
leave_out(struct bench *b, const char *why)
{
	snprintf(b->note, sizeof(b->note), "left out: %s", why);
	b->left_out = 1;
	return -1;
}

/* The kernel must not know the set that the module has made. */
static int
set_up(struct bench *b)
{
	const int is_mipc = b->side->home == HOME_DIR;
	const int key = BENCH_FIRST_KEY + is_mipc;
	char runner[560];
	double answer;

	runner_path(b, runner, sizeof(runner));
	if (is_mipc && b->place->module[0] == '\0')
		return leave_out(b, "no preload module: set MIPC_PRELOAD");
	if (is_mipc && b->row->raw && access(runner, X_OK) == -1)
		return leave_out(b, "no mipcrun beside this program");
	if (start(b, key) == -1 ||
	    recv(b->second, &answer, sizeof(answer), 0) != sizeof(answer))
		return -1;
	if (answer == -ENOSYS && !is_mipc)
		return leave_out(b, strerror(ENOSYS));
	if (answer == -ENOENT && b->row->raw)
		return leave_out(b, "no libc of that name to call by");
	if (answer < 0) {
		snprintf(b->note, sizeof(b->note), "semget: %s",
		    strerror((int)-answer));
		return -1;
	}
	if (is_mipc && semget(key, 0, 0) != -1) {
		snprintf(b->note, sizeof(b->note),
		    "the module does not take semget");
		return -1;
	}
	if (b->row->traced && !is_traced(b)) {
		snprintf(b->note, sizeof(b->note), "nothing is traced");
		return -1;
	}
	return 0;
}

static double
run(struct bench *b, unsigned long n)
{
	const uint64_t order = n;
	double answer;

	if (send(b->second, &order, sizeof(order), MSG_NOSIGNAL) == -1 ||
	    recv(b->second, &answer, sizeof(answer), 0) != sizeof(answer))
		return -1;
	return answer;
}

static void
end(struct bench *b)
{
	if (b->second != -1)
		close(b->second);
	while (wait(NULL) == -1 && errno == EINTR)
		continue;
}

#define SIDE(side_name, side_home)					\
	{								\
		.name = side_name, .home = side_home,			\
		.setup = set_up, .run = run, .teardown = end,		\
	}

const struct bench_row bench_rows_preload[] = {
	{
		.name = "sem P+V preload", .unit = "ns", .count = 1,
		.nsems = 1, .target = 10,
		.side = {
			SIDE("kernel", HOME_NONE),
			SIDE("mipc", HOME_DIR),
		},
	},
	{
		.name = "sem P+V traced", .unit = "ns", .count = 1,
		.nsems = 1, .traced = 1, .once = TRACED,
		.side = { SIDE("mipc", HOME_DIR) },
	},
	{
		.name = "sem P+V raw", .unit = "ns", .count = 1,
		.nsems = 1, .raw = 1,
		.side = {
			SIDE("kernel", HOME_NONE),
			SIDE("mipc", HOME_DIR),
		},
	},
	{ .name = NULL }
};
