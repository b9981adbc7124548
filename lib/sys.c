/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys.c - system calls of Linux about memory, identity, signals and futexes, by
 * the kernel's own entry (sys_call.h), and what little libc is asked for: the
 * time of day through its vDSO, the page size, the environment.
 */
#include "sys.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "atomic.h"
#include "sys_call.h"
#include "sys_inside.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* Of /proc/PID/stat. */
#define FIELD_FLAGS	9
#define FIELD_THREADS	20
#define FIELD_BEGAN	22
#define FLAG_EXITING	4u	/* PF_EXITING; canaries are marked later */

long
mipc_sys(long number, long a, long b, long c, long d, long e, long f)
{
	return sys_call(number, a, b, c, d, e, f);
}

int
mipc_sys_map(void *at, size_t length, int prot, int flags, int fd,
    uint64_t offset, void **out)
{
	long r;

	r = DIRECT(mipc_sys(SYS_mmap, (long)at, (long)length, prot, flags, fd,
	    (long)offset), (long)mmap(at, length, prot, flags, fd,
	    (off_t)offset));
	if (r < 0 && r > -4096)
		return (int)r;
	*out = (void *)r;
	return 0;
}

int
mipc_sys_unmap(void *at, size_t length)
{
	return (int)S2(SYS_munmap, at, length);
}

/* Map the same shared pages once more: at `at`, or where the kernel likes. */
int
mipc_sys_duplicate(void *from, size_t length, void *at, void **out)
{
	int flags = MREMAP_MAYMOVE | (at != NULL ? MREMAP_FIXED : 0);
	long r;

	r = S5(SYS_mremap, from, 0, length, flags, at);
	if (r < 0 && r > -4096)
		return (int)r;
	*out = (void *)r;
	return 0;
}

/* Move a mapping onto `to`, in place of what is there. */
int
mipc_sys_move(void *from, size_t length, void *to)
{
	long r;

	r = S5(SYS_mremap, from, length, length,
	    MREMAP_MAYMOVE | MREMAP_FIXED, to);
	return r < 0 && r > -4096 ? (int)r : 0;
}

int
mipc_sys_advise(void *at, size_t length, int advice)
{
	return (int)S3(SYS_madvise, at, length, advice);
}

int
mipc_sys_protect(void *at, size_t length, int prot)
{
	return (int)S3(SYS_mprotect, at, length, prot);
}

int
mipc_sys_lock_memory(void *at, size_t length)
{
	return (int)S2(SYS_mlock, at, length);
}

int
mipc_sys_unlock_memory(void *at, size_t length)
{
	return (int)S2(SYS_munlock, at, length);
}

int
mipc_sys_resident(void *at, size_t length, unsigned char *vector)
{
	return (int)S3(SYS_mincore, at, length, vector);
}

/* Where the first calls of these names had ids of 16 bits. */
#ifdef SYS_geteuid32
#define WIDE(name)	name##32
#else
#define WIDE(name)	name
#endif

uid_t
mipc_sys_euid(void)
{
	return (uid_t)S0(WIDE(SYS_geteuid));
}

gid_t
mipc_sys_egid(void)
{
	return (gid_t)S0(WIDE(SYS_getegid));
}

/* Asked by setting what cannot be set. */
gid_t
mipc_sys_fsgid(void)
{
	return (gid_t)S1(WIDE(SYS_setfsgid), -1);
}

int
mipc_sys_groups(int size, gid_t *groups)
{
	return (int)S2(WIDE(SYS_getgroups), size, groups);
}

uint64_t
mipc_sys_capabilities(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof(data));
	if (S2(SYS_capget, &head, data) != 0)
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

pid_t
mipc_sys_pid(void)
{
	return (pid_t)S0(SYS_getpid);
}

pid_t
mipc_sys_tid(void)
{
	return (pid_t)S0(SYS_gettid);
}

int
mipc_sys_kill(pid_t pid, int signal)
{
	return (int)S2(SYS_kill, pid, signal);
}

/* What a small file under a directory says, as a string. */
static const char *
text_of(int dirfd, const char *path, char *text, size_t size)
{
	int fd = mipc_sys_open(dirfd, path, O_RDONLY | O_CLOEXEC, 0);
	ssize_t n = 0;

	if (fd >= 0) {
		n = mipc_sys_read(fd, text, size - 1);
		mipc_sys_close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return text;
}

bool
mipc_sys_ended(pid_t pid)
{
	char path[32], text[256], *name_end;

	if (mipc_sys_kill(pid, 0) == -ESRCH)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	text_of(AT_FDCWD, path, text, sizeof(text));
	name_end = strrchr(text, ')');
	return name_end != NULL && name_end[1] == ' ' &&
	    (name_end[2] == 'Z' || name_end[2] == 'X');
}

/* A process's pid as a mounted /proc has it, which may count otherwise. */
static int
pid_in(int proc, int process)
{
	char path[48], text[512];
	const char *line;

	snprintf(path, sizeof(path), "thread-self/fdinfo/%d", process);
	line = strstr(text_of(proc, path, text, sizeof(text)), "\nPid:");
	return line == NULL ? -1 : atoi(line + 5);
}

/* A number in a line of /proc/PID/stat, by its number in proc_pid_stat(5). */
static unsigned long
field_of(const char *stat, int field)
{
	const char *at = strrchr(stat, ')');	/* ends the second */

	for (; at != NULL && field > 2; field--)
		at = strchr(at + 1, ' ');
	return at == NULL ? 0 : strtoul(at + 1, NULL, 10);
}

bool
mipc_sys_thread(pid_t tid, char *state, uint64_t *began)
{
	char path[32], text[512], *name_end;

	*state = 0;
	*began = 0;
	if (S2(SYS_tkill, tid, 0) == -ESRCH)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	text_of(AT_FDCWD, path, text, sizeof(text));
	name_end = strrchr(text, ')');
	if (name_end == NULL || name_end[1] != ' ')
		return true;
	*state = name_end[2];
	*began = field_of(text, FIELD_BEGAN);
	return true;
}

uint32_t
mipc_sys_numbering(void)
{
	struct stat pids, times;
	char text[16];
	int n;

	n = mipc_sys_readlink(AT_FDCWD, "/proc/self", text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	if (atoi(text) != mipc_sys_pid() ||
	    mipc_sys_stat(AT_FDCWD, "/proc/self/ns/pid", &pids, 0) != 0)
		return 0;
	/* Of another clock the same tick has another number. */
	if (mipc_sys_stat(AT_FDCWD, "/proc/self/ns/time", &times, 0) != 0)
		times.st_ino = 0;
	return (uint32_t)pids.st_ino + 31 * (uint32_t)times.st_ino;
}

bool
mipc_sys_exiting(pid_t pid)
{
	char path[32], text[512];
	int proc, process, there = -1;

	process = (int)S2(SYS_pidfd_open, pid, 0);
	if (process < 0)
		return false;
	proc = mipc_sys_open(AT_FDCWD, "/proc", O_PATH | O_CLOEXEC, 0);
	if (proc >= 0)
		there = pid_in(proc, process);
	snprintf(path, sizeof(path), "%d/stat", there);
	text[0] = '\0';
	if (there > 0)
		text_of(proc, path, text, sizeof(text));
	mipc_sys_close(process);
	if (proc >= 0)
		mipc_sys_close(proc);
	return field_of(text, FIELD_THREADS) == 1 &&
	    (field_of(text, FIELD_FLAGS) & FLAG_EXITING) != 0;
}

uint64_t
mipc_sys_rlimit(int resource)
{
	struct rlimit limit;

	if (DIRECT(S4(SYS_prlimit64, 0, resource, 0, &limit),
	    getrlimit(resource, &limit)) != 0)
		return UINT64_MAX;
	return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

/*
 * Of the machine: 1, or 2 for more.  What this process may use does not
 * tell where those are that it waits for.
 */
int
mipc_sys_processors(void)
{
	static mipc_u32 known;	/* each finds the same */
	uint32_t found = mipc_peek(&known);
	char text[16];
	ssize_t n;
	int fd;

	if (found != 0)
		return (int)found;
	fd = mipc_sys_open(AT_FDCWD, "/sys/devices/system/cpu/online",
	    O_RDONLY | O_CLOEXEC, 0);
	n = fd < 0 ? 0 : mipc_sys_read(fd, text, sizeof(text));
	if (fd >= 0)
		mipc_sys_close(fd);
	found = n == 2 ? 1 : 2;		/* "0\n" */
	mipc_put(&known, found);
	return (int)found;
}

/*
 * SIGSEGV, SIGBUS and their like stay deliverable: they are answers to what
 * the library itself touches, and blocking them would kill the process.
 */
void
mipc_sys_block(uint64_t *saved)
{
	static const uint64_t all = ~(1ULL << (SIGSEGV - 1) |
	    1ULL << (SIGBUS - 1) | 1ULL << (SIGFPE - 1) |
	    1ULL << (SIGILL - 1) | 1ULL << (SIGTRAP - 1) |
	    1ULL << (SIGSYS - 1));

	S4(SYS_rt_sigprocmask, SIG_SETMASK, &all, saved, 8);
}

void
mipc_sys_restore(const uint64_t *saved)
{
	S4(SYS_rt_sigprocmask, SIG_SETMASK, saved, NULL, 8);
}

/* Is nothing done about it?  The kernel's record begins with the handler. */
static bool
is_ignored(int signal)
{
	uintptr_t record[8] = { 0 };

	return S4(SYS_rt_sigaction, signal, NULL, record, 8) == 0 &&
	    (record[0] == (uintptr_t)SIG_DFL ||
	    record[0] == (uintptr_t)SIG_IGN);
}

void
mipc_sys_admit_ignored(const uint64_t *saved)
{
	static const int by_default[] = { SIGCHLD, SIGCONT, SIGURG, SIGWINCH };
	uint64_t admitted = 0;

	for (size_t i = 0; i < sizeof(by_default) / sizeof(by_default[0]); i++)
		if (is_ignored(by_default[i]))
			admitted |= 1ULL << (by_default[i] - 1);
	admitted &= ~*saved;
	S4(SYS_rt_sigprocmask, SIG_UNBLOCK, &admitted, NULL, 8);
}

int
mipc_sys_futex_wait(const void *word, uint32_t value,
    const struct timespec *relative)
{
	return (int)DIRECT(mipc_sys(SYS_futex, (long)word, FUTEX_WAIT, value,
	    (long)relative, 0, 0),
	    syscall(SYS_futex, word, FUTEX_WAIT, value, relative, 0, 0));
}

int
mipc_sys_futex_wake(const void *word, int count)
{
	return (int)S3(SYS_futex, word, FUTEX_WAKE, count);
}

struct mipc_robust_head *
mipc_sys_robust_list(void)
{
	struct mipc_robust_head *head = NULL;
	size_t size = 0;

	if (S3(SYS_get_robust_list, 0, &head, &size) != 0 ||
	    size != sizeof(*head))
		return NULL;
	return head;
}

static void
lock_robustly(const pthread_mutexattr_t *robust)
{
	pthread_mutex_t mutex;

	if (pthread_mutex_init(&mutex, robust) != 0)
		return;
	if (pthread_mutex_lock(&mutex) == 0)
		pthread_mutex_unlock(&mutex);
	pthread_mutex_destroy(&mutex);
}

/*
 * Some libcs (musl) tell the kernel of a thread's list at its first robust
 * lock.  A list of our own in its place would go when the program takes one.
 */
struct mipc_robust_head *
mipc_sys_robust_begin(void)
{
	struct mipc_robust_head *head = mipc_sys_robust_list();
	pthread_mutexattr_t robust;

	if (head != NULL || pthread_mutexattr_init(&robust) != 0)
		return head;
	if (pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST) == 0 &&
	    pthread_mutexattr_setpshared(&robust,
	    PTHREAD_PROCESS_SHARED) == 0)
		lock_robustly(&robust);
	pthread_mutexattr_destroy(&robust);
	return mipc_sys_robust_list();
}

#ifndef SYS_membarrier
#define SYS_membarrier -1
#endif

enum { FENCE_ALL = 1 << 3, MAY_FENCE_ALL = 1 << 4 };	/* private expedited */

int
mipc_sys_may_fence_all(void)
{
	return (int)S3(SYS_membarrier, MAY_FENCE_ALL, 0, 0);
}

int
mipc_sys_fence_all(void)
{
	return (int)S3(SYS_membarrier, FENCE_ALL, 0, 0);
}

uint64_t
mipc_sys_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

size_t
mipc_sys_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

bool
mipc_sys_forced(const char *name)
{
	const char *value = secure_getenv(name);

	return value != NULL && strcmp(value, "1") == 0;
}
