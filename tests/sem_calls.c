/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sem_calls.c - the calls of semaphore sets, made to mipc or to the kernel.
 *
 * The kernel's sets are made in an IPC namespace of their own, which goes
 * with the last process of the test, however it ends.
 */
#include "sem_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ns.h"

static enum store store;
static const char *dir;
static struct mipc_ns *ns;

const char *
store_name(enum store s)
{
	return s == DIRECTORY ? "directory" : s == ANONYMOUS ? "anonymous" :
	    "kernel";
}

bool
sets_make(enum store s, const char *where)
{
	struct mipc_ns *made;

	sets_use(s, where, NULL);
	switch (s) {
	case KERNEL:
		return unshare(CLONE_NEWIPC) == 0;
	case ANONYMOUS:
		ns = mipc_anon(0);
		return ns != NULL;
	default:
		made = mipc_open(where, MIPC_CREAT);
		return made != NULL && mipc_close(made) == 0;
	}
}

void
sets_use(enum store s, const char *where, struct mipc_ns *opened)
{
	store = s;
	dir = where;
	ns = opened;
}

struct mipc_ns *
sets_ns(void)
{
	if (ns == NULL && store == DIRECTORY)
		ns = mipc_open(dir, 0);
	if (ns == NULL && store != KERNEL)
		harness_die("mipc_open: %s", mipc_reason());
	return ns;
}

int
sets_get(key_t key, int nsems, int flags)
{
	return store == KERNEL ? semget(key, nsems, flags) :
	    mipc_semget(sets_ns(), key, nsems, flags);
}

int
sets_op(int id, struct sembuf *op, size_t n)
{
	return store == KERNEL ? semop(id, op, n) :
	    mipc_semop(sets_ns(), id, op, n);
}

int
sets_timed(int id, struct sembuf *op, size_t n, double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };

	if (seconds < 0)
		return sets_op(id, op, n);
	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	return store == KERNEL ? semtimedop(id, op, n, &ts) :
	    mipc_semtimedop(sets_ns(), id, op, n, &ts);
}

int
sets_ctl(int id, int num, int cmd, union sem_arg arg)
{
	return store == KERNEL ? semctl(id, num, cmd, arg) :
	    mipc_semctl(sets_ns(), id, num, cmd, arg);
}

int
sets_ask(int id, int num, int cmd)
{
	return sets_ctl(id, num, cmd, (union sem_arg){ .val = 0 });
}

int
sets_one(int id, int num, int op, int flags)
{
	struct sembuf one = {
		.sem_num = (unsigned short)num,
		.sem_op = (short)op,
		.sem_flg = (short)flags
	};

	return sets_op(id, &one, 1);
}

uint64_t
sets_heartbeats(void)
{
	return store == KERNEL ? 0 : mipc_peek(&sets_ns()->space->heartbeats);
}

bool
sets_sliced(void)
{
	return getenv("MIPC_NO_WAITV") != NULL ||
	    getenv("MIPC_NO_RSEQ") != NULL ||
	    getenv("MIPC_NO_ROBUST") != NULL;
}

bool
sets_await(int id, int num, int cmd, int want, double seconds)
{
	const double end = harness_now() + seconds;
	_Atomic uint32_t never = 0;

	while (sets_ask(id, num, cmd) != want) {
		if (harness_now() > end)
			return false;
		harness_wait(&never, 0, 0.0002);
	}
	return true;
}

/* ---- processes, seen from outside ---- */

/* What the kernel says in a file of the process; false if there is none. */
static bool
read_proc(int pid, const char *file, char text[128])
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = read(fd, text, 127);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

bool
process_lives(int pid)
{
	char text[128], *p;

	return read_proc(pid, "stat", text) &&
	    (p = strrchr(text, ')')) != NULL && p[2] != 'Z' && p[2] != 'X';
}

bool
process_sleeps(int pid)
{
	char text[128], *p;
	long call;

	if (!read_proc(pid, "stat", text) ||
	    (p = strrchr(text, ')')) == NULL || p[2] != 'S' ||
	    !read_proc(pid, "syscall", text))
		return false;
	call = strtol(text, NULL, 10);
	return call == SYS_futex || call == SYS_futex_waitv ||
	    call == SYS_semop || call == SYS_semtimedop ||
	    call == SYS_msgsnd || call == SYS_msgrcv;
}

/* ---- pid namespaces ---- */

static int first_pid_ns = -1;

void
leave_pid_namespace(void)
{
	if (first_pid_ns != -1 && setns(first_pid_ns, CLONE_NEWPID) == -1)
		harness_die("setns: %s", strerror(errno));
}

pid_t
fork_into_pid_namespace(void)
{
	if (first_pid_ns == -1)
		first_pid_ns = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	leave_pid_namespace();
	return first_pid_ns == -1 || unshare(CLONE_NEWPID) == -1 ? -1 : fork();
}

bool
can_make_pid_namespaces(void)
{
	const pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(unshare(CLONE_NEWPID) == 0 ? 0 : 1);
	waitpid(pid, &status, 0);
	return status == 0;
}
