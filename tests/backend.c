/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backend.c - the implementations the clause tests run on.
 *
 * The kernel is the oracle: the same tests pass on it, so they test what a
 * program may rely on and not what mipc happens to do.  It runs in an IPC
 * namespace of the test's own, which goes with the test's processes.
 */
#include "backend.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mipc.h"

/* ---- the kernel ---- */

/* Root in a user namespace of its own, where plain users may have one. */
static bool
unshare_as_user(void)
{
	char map[40];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWIPC) == -1)
		return false;
	ids_are_one = true;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!backend_write_file("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return backend_write_file("/proc/self/setgroups", "deny") &&
	    backend_write_file("/proc/self/gid_map", map);
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
	    EXACT_FORKS | KEEPS_CLONES | WITHDRAWS_FIRST | SENDERS_RACE |
	    IS_KERNEL | LIMITS_IN_PROC,
	.enter = kernel_enter,
	LIBC_CALLS,
	.msgsnd = kernel_msgsnd
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
pay(void)
{
	return mipc_semundo(ns);
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

/* The kernel's is inherited, whatever the program. */
void
backend_rejoin(const char *place)
{
	ipc = strcmp(place, "-") == 0 ? &kernel_backend : &dir_backend;
	if (ipc == &dir_backend)
		backend_reopen(place);
}

const char *
backend_place(void)
{
	return backend_has(HAS_FILES) ? testing_dir : "-";
}

void
backend_renew(void)
{
	if (ipc == &kernel_backend) {
		must_eq(unshare(CLONE_NEWIPC), 0);
		return;
	}
	ipc->leave();
	testing_leave();
	testing_enter();
	must(ipc->enter() == NULL);
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
	.unshare = pay,							\
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
