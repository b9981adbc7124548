/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backend.c - the implementations the clause tests run on, and the ids a
 * test's children take.
 *
 * The kernel is the oracle: the same tests pass on it, so they test what a
 * program may rely on and not what mipc happens to do.  It runs in an IPC
 * namespace of the test's own, which goes with the test's processes.
 */
#include "testing.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mipc.h"

const struct backend *ipc;

static bool one_uid;		/* in a user namespace that maps only us */

/* ---- the kernel ---- */

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd != -1) {
		n = write(fd, text, strlen(text));
		close(fd);
	}
	return n == (ssize_t)strlen(text);
}

/* Root in a user namespace of its own, where plain users may have one. */
static bool
unshare_as_user(void)
{
	char map[40];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWIPC) == -1)
		return false;
	one_uid = true;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!write_file("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_file("/proc/self/setgroups", "deny") &&
	    write_file("/proc/self/gid_map", map);
}

static const char *
kernel_enter(void)
{
	int id;

	if (unshare(CLONE_NEWIPC) == -1 && !unshare_as_user())
		return "no IPC namespace of its own (unshare)";
	id = shmget(IPC_PRIVATE, 1, 0600);
	if (id == -1)
		return "the kernel has no System V shared memory";
	must_eq(shmctl(id, IPC_RMID, NULL), 0);
	/* A second namespace, so that a test sees the first id of one. */
	return unshare(CLONE_NEWIPC) == -1 ?
	    "no IPC namespace of its own (unshare)" : NULL;
}

static void
nothing(void)
{
}

/* Which of the numbers in /proc/sys/kernel/sem; -1 for another file. */
static int
number_of(const char *name)
{
	static const char *in_sem[] = { "semmsl", "semmns", "semopm",
	    "semmni" };

	for (int i = 0; i < 4; i++)
		if (strcmp(in_sem[i], name) == 0)
			return i;
	return -1;
}

/* These sysctls are the reader's IPC namespace's own. */
static int
kernel_limit(const char *name, unsigned long long *old,
    const unsigned long long *value)
{
	unsigned long long numbers[4] = { 0 };
	int which = number_of(name), n = 0;
	char path[64], text[100];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s",
	    which == -1 ? name : "sem");
	f = fopen(path, "re");
	while (f != NULL && n < 4 && fscanf(f, "%llu", &numbers[n]) == 1)
		n++;
	if (f != NULL)
		fclose(f);
	if (n <= which || n == 0)
		return -1;
	if (which == -1)
		which = 0;
	if (old != NULL)
		*old = numbers[which];
	if (value == NULL)
		return 0;
	numbers[which] = *value;
	snprintf(text, sizeof(text), n == 1 ? "%llu" :
	    "%llu %llu %llu %llu", numbers[0], numbers[1], numbers[2],
	    numbers[3]);
	return write_file(path, text) ? 0 : -1;
}

static int
kernel_semctl(int id, int num, int cmd, union semun arg)
{
	return semctl(id, num, cmd, arg);
}

/* Not libc's, before which the address sanitizer looks at the whole text. */
static int
kernel_msgsnd(int id, const void *message, size_t size, int flags)
{
#ifdef SYS_msgsnd
	return (int)syscall(SYS_msgsnd, id, message, size, flags);
#else
	return msgsnd(id, message, size, flags);
#endif
}

const struct backend kernel_backend = {
	.name = "kernel",
	.traits = COUNTS_PIECES | COUNTS_CLONES | FOLLOWS_NEWIPC |
	    NAMES_MAPS | SEES_MAPPINGS | OUTLIVES_EXEC | GIVES_AWAY |
	    EXACT_FORKS | KEEPS_CLONES | FOLLOWS_UNSHARE | WITHDRAWS_FIRST |
	    SENDERS_RACE,
	.enter = kernel_enter,
	.leave = nothing,
	.shmget = shmget,
	.shmat = shmat,
	.shmdt = shmdt,
	.shmctl = shmctl,
	.semget = semget,
	.semop = semop,
	.semtimedop = semtimedop,
	.semctl = kernel_semctl,
	.msgget = msgget,
	.msgsnd = kernel_msgsnd,
	.msgrcv = msgrcv,
	.msgctl = msgctl,
	.ftok = ftok,
	.limit = kernel_limit,
	.changed = nothing,
};

/* ---- mipc ---- */

static struct mipc_ns *ns;

static int
get(key_t key, size_t size, int flags)
{
	return mipc_shmget(ns, key, size, flags);
}

static void *
attach(int id, const void *addr, int flags)
{
	return mipc_shmat(ns, id, addr, flags);
}

static int
detach(const void *addr)
{
	return mipc_shmdt(ns, addr);
}

static int
control(int id, int cmd, struct shmid_ds *buf)
{
	return mipc_shmctl(ns, id, cmd, buf);
}

static int
get_set(key_t key, int nsems, int flags)
{
	return mipc_semget(ns, key, nsems, flags);
}

static int
operate(int id, struct sembuf *ops, size_t nops)
{
	return mipc_semop(ns, id, ops, nops);
}

static int
operate_in_time(int id, struct sembuf *ops, size_t nops,
    const struct timespec *timeout)
{
	return mipc_semtimedop(ns, id, ops, nops, timeout);
}

static int
control_set(int id, int num, int cmd, union semun arg)
{
	return mipc_semctl(ns, id, num, cmd, arg);
}

static int
get_queue(key_t key, int flags)
{
	return mipc_msgget(ns, key, flags);
}

static int
send_to(int id, const void *message, size_t size, int flags)
{
	return mipc_msgsnd(ns, id, message, size, flags);
}

static ssize_t
receive(int id, void *message, size_t size, long type, int flags)
{
	return mipc_msgrcv(ns, id, message, size, type, flags);
}

static int
send_in_time(int id, const void *message, size_t size, int flags,
    const struct timespec *timeout)
{
	return mipc_msgtimedsnd(ns, id, message, size, flags, timeout);
}

static ssize_t
receive_in_time(int id, void *message, size_t size, long type, int flags,
    const struct timespec *timeout)
{
	return mipc_msgtimedrcv(ns, id, message, size, type, flags, timeout);
}

static int
control_queue(int id, int cmd, struct msqid_ds *buf)
{
	return mipc_msgctl(ns, id, cmd, buf);
}

static int
limit(const char *name, unsigned long long *old,
    const unsigned long long *value)
{
	return mipc_limit(ns, name, old, value);
}

static const char *
dir_enter(void)
{
	/* It exists and is empty, as one that mktemp -d made for the user. */
	if (geteuid() == 0)
		must_eq(chmod(testing_dir, 01777), 0);
	ns = mipc_open(testing_dir, MIPC_CREAT);
	if (ns == NULL)
		testing_fail(__FILE__, __LINE__, "mipc_open: %s",
		    mipc_reason());
	return NULL;
}

static const char *
anon_enter(void)
{
	ns = mipc_anon(0);
	must(ns != NULL);
	return NULL;
}

static void
mipc_leave(void)
{
	must_eq(mipc_close(ns), 0);
}

void
backend_reopen(const char *dir)
{
	ns = mipc_open(dir, 0);
	if (ns == NULL)
		testing_fail(__FILE__, __LINE__, "mipc_open: %s",
		    mipc_reason());
}

struct mipc_ns *
backend_ns(void)
{
	return ns;
}

#define MIPC_CALLS \
	.leave = mipc_leave, \
	.shmget = get, \
	.shmat = attach, \
	.shmdt = detach, \
	.shmctl = control, \
	.semget = get_set, \
	.semop = operate, \
	.semtimedop = operate_in_time, \
	.semctl = control_set,						\
	.msgget = get_queue,						\
	.msgsnd = send_to,						\
	.msgrcv = receive,						\
	.msgctl = control_queue,					\
	.msgtimedsnd = send_in_time,					\
	.msgtimedrcv = receive_in_time, \
	.ftok = mipc_ftok, \
	.limit = limit, \
	.changed = mipc_credentials_changed

const struct backend dir_backend = {
	.name = "directory",
	.traits = SEES_MAPPINGS | OUTLIVES_EXEC | HAS_FILES | EXACT_FORKS |
	    KEEPS_CLONES,
	.enter = dir_enter,
	MIPC_CALLS
};

const struct backend anon_backend = {
	.name = "anonymous",
	.traits = GIVES_AWAY | EXACT_FORKS,
	.enter = anon_enter,
	MIPC_CALLS
};

static bool
forced(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && strcmp(value, "1") == 0;
}

/*
 * Whether a lock lives with its mapping here; where it does not, the
 * directory store sees only what still holds its descriptors.
 */
static bool
locks_live_with_mappings(void)
{
	struct statfs fs;

	if (forced("MIPC_NO_MAPLOCK"))
		return false;
	return statfs(testing_dir, &fs) == -1 ||
	    fs.f_type != OVERLAYFS_SUPER_MAGIC;
}

bool
backend_has(unsigned traits)
{
	if ((traits & SEES_MAPPINGS) != 0 &&
	    (ipc->traits & HAS_FILES) != 0 && !locks_live_with_mappings())
		return false;
	/* A lock of the process's cannot be held for a child. */
	if ((traits & EXACT_FORKS) != 0 && ipc != &kernel_backend &&
	    forced("MIPC_NO_OFD"))
		return false;
	return (ipc->traits & traits) == traits;
}

/* ---- ids ---- */

void
become(const struct who *who)
{
	must_eq(setgroups((size_t)who->ngroups, who->groups), 0);
	must_eq(setresgid(who->gid, who->gid, who->gid), 0);
	must_eq(setresuid(who->uid, who->uid, who->uid), 0);
	ipc->changed();
}

static bool
has_capability(int cap)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	must_eq(syscall(SYS_capget, &header, data), 0);
	return (data[cap / 32].effective >> (cap % 32) & 1) != 0;
}

void
need_capability(int cap, const char *name)
{
	if (!has_capability(cap))
		testing_skip("needs %s", name);
}

void
need_root(void)
{
	if (geteuid() != 0 || one_uid || !has_capability(CAP_SETUID))
		testing_skip("needs root, to take other ids");
}

struct errand {
	const struct who *who;
	void (*body)(void *);
	void *arg;
};

static void
run_errand(void *arg)
{
	const struct errand *errand = arg;

	become(errand->who);
	errand->body(errand->arg);
}

pid_t
spawn_as(const struct who *who, void (*body)(void *), void *arg)
{
	struct errand errand = { who, body, arg };

	return spawn(BY_FORK, run_errand, &errand);
}

void
drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };

	must_eq(syscall(SYS_capset, &header, data), 0);
	ipc->changed();
}
