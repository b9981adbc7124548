/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_msg.c - the commands of ipc_user about message queues.
 */
#include "ipc_user.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

enum {
	TEXT = 16,		/* bytes of an ordinary message */
	LARGE = 8192		/* of the largest one, by default */
};

struct letter {
	long type;
	char text[TEXT];
};

static bool
fails(long result, int error, const char *what)
{
	return expect(result == -1 && errno == error, what);
}

static bool
set_mode(int id, struct msqid_ds *ds)
{
	bool good = true;

	ds->msg_perm.mode = 0640;
	ds->msg_qbytes = 4321;
	good &= expect(msgctl(id, IPC_SET, ds) == 0, "IPC_SET");
	memset(ds, 0, sizeof(*ds));
	good &= expect(syscall(SYS_msgctl, id, IPC_STAT, ds) == 0 &&
	    (ds->msg_perm.mode & 0777) == 0640 && ds->msg_qbytes == 4321,
	    "it was set");
	return good;
}

/* queues: by system call numbers and by name they are the same. */
int
user_queues(char **argv)
{
	long id = syscall(SYS_msgget, 4713, IPC_CREAT | 0600);
	struct letter one = { 7, "by number" }, two = { 8, "by name" }, got;
	struct msqid_ds ds;
	struct msginfo info;
	bool good = expect(id != -1 && id == msgget(4713, 0), "one id");

	(void)argv;
	if (!good)
		return 1;
	good &= expect(syscall(SYS_msgsnd, id, &one, TEXT, 0) == 0, "msgsnd");
	good &= expect(msgsnd((int)id, &two, TEXT, 0) == 0, "by name");
	good &= expect(syscall(SYS_msgctl, id, IPC_STAT, &ds) == 0 &&
	    ds.msg_qnum == 2 && ds.msg_lspid == syscall(SYS_getpid),
	    "two are there");
	good &= expect(syscall(SYS_msgrcv, id, &got, TEXT, 8, 0) == TEXT &&
	    memcmp(&got, &two, sizeof(got)) == 0, "a type by number");
	good &= expect(msgrcv((int)id, &got, TEXT, 0, 0) == TEXT &&
	    memcmp(&got, &one, sizeof(got)) == 0, "the first by name");
	good &= fails(syscall(SYS_msgrcv, id, &got, TEXT, 0, IPC_NOWAIT),
	    ENOMSG, "none is left");
	good &= set_mode((int)id, &ds);
	good &= expect(msgctl((int)(id % 32768), MSG_STAT, &ds) == id,
	    "MSG_STAT");
	good &= expect(msgctl(0, MSG_INFO, (void *)&info) >= 0 &&
	    info.msgpool >= 1, "MSG_INFO");
	good &= expect(syscall(SYS_msgctl, id, IPC_RMID, 0) == 0, "removed");
	good &= fails(msgget(4713, 0), ENOENT, "gone");
	return good ? 0 : 1;
}

/* msglimits: print MSGMAX, MSGMNB and MSGMNI. */
int
user_msglimits(char **argv)
{
	struct msginfo info;

	(void)argv;
	if (msgctl(0, IPC_INFO, (void *)&info) == -1)
		die("IPC_INFO");
	printf("%d %d %d\n", info.msgmax, info.msgmnb, info.msgmni);
	return 0;
}

/* --- pointers ---------------------------------------------------------- */

/* So many pages, and one behind that cannot be touched. */
static char *
pages(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, (n + 1) * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED ||
	    mprotect(at + n * page, page, PROT_NONE) == -1)
		die("mmap");
	return at;
}

static bool
send_faults(int id, const void *at, size_t size, const char *what)
{
	bool good = fails(msgsnd(id, at, size, 0), EFAULT, what);

	return good & fails(syscall(SYS_msgsnd, id, at, size, 0), EFAULT,
	    what);
}

/* The room in front of `end`, which cannot be touched. */
static struct letter *
before(char *end, size_t size)
{
	return (void *)(end - sizeof(long) - size);
}

static bool
sends_fault(int id, char *end)
{
	struct letter *whole = before(end, TEXT), got;
	struct letter *cut = (void *)(end - sizeof(long) - TEXT / 2);
	bool good = true;

	good &= send_faults(id, NULL, TEXT, "NULL");
	good &= send_faults(id, (void *)8, TEXT, "8");
	good &= send_faults(id, (void *)-1, TEXT, "-1");
	good &= send_faults(id, end, TEXT, "behind the end");
	good &= send_faults(id, end - sizeof(long) / 2, 0, "half a type");
	cut->type = 5;
	good &= send_faults(id, cut, TEXT, "half a text");
	good &= fails(msgsnd(id, cut, LARGE + 1, 0), EINVAL,
	    "too long comes before half a text");
	good &= fails(msgsnd(id, cut, SIZE_MAX, 0), EINVAL, "SIZE_MAX");
	good &= fails(msgsnd(-1, cut, TEXT, 0), EINVAL, "so does no queue");
	good &= send_faults(-1, end, TEXT, "no type comes before that");
	cut->type = 0;
	good &= fails(msgsnd(id, cut, TEXT, 0), EINVAL, "and a bad type");
	memcpy(whole, &(struct letter){ 3, "whole" }, sizeof(*whole));
	good &= expect(msgsnd(id, whole, TEXT, 0) == 0, "the last whole one");
	good &= expect(msgrcv(id, &got, TEXT, 0, IPC_NOWAIT) == TEXT &&
	    memcmp(&got, whole, sizeof(got)) == 0, "it alone was sent");
	return good;
}

static bool
post(int id, long type)
{
	struct letter letter = { type, "text" };

	return expect(msgsnd(id, &letter, TEXT, 0) == 0, "msgsnd");
}

/* As by the kernel: a message that cannot be told is taken all the same. */
static bool
receive_faults(int id, void *at, size_t size, const char *what)
{
	struct letter got;
	bool good = post(id, 1) && post(id, 2) && post(id, 3);

	good &= fails(msgrcv(id, at, size, 1, 0), EFAULT, what);
	good &= fails(syscall(SYS_msgrcv, id, at, size, 2, 0), EFAULT, what);
	return good & expect(msgrcv(id, &got, TEXT, 0, IPC_NOWAIT) == TEXT &&
	    got.type == 3, "both are taken");
}

static bool
receives_fault(int id, char *end)
{
	struct letter *whole = before(end, TEXT), *cut = before(end, TEXT / 2);
	bool good = true;

	good &= receive_faults(id, NULL, TEXT, "NULL");
	good &= receive_faults(id, (void *)8, TEXT, "8");
	good &= receive_faults(id, (void *)-1, TEXT, "-1");
	good &= receive_faults(id, end, TEXT, "behind the end");
	good &= receive_faults(id, cut, TEXT, "half there");
	good &= receive_faults(id, cut, SSIZE_MAX, "half there, of very much");
	good &= fails(msgrcv(id, NULL, TEXT, 0, IPC_NOWAIT), ENOMSG,
	    "no message comes first");
	good &= fails(msgrcv(-1, NULL, TEXT, 0, 0), EINVAL, "and no queue");
	good &= fails(msgrcv(id, NULL, SIZE_MAX, 0, 0), EINVAL, "SIZE_MAX");
	good &= post(id, 4) && expect(msgrcv(id, whole, TEXT, 0, 0) == TEXT &&
	    whole->type == 4, "the last whole one");
	good &= post(id, 5) && expect(msgrcv(id, whole, LARGE, 0, 0) == TEXT &&
	    whole->type == 5, "room that is not there is not used");
	good &= post(id, 6) && expect(msgrcv(id, whole, SSIZE_MAX, 0, 0) ==
	    TEXT && whole->type == 6, "however much");
	good &= post(id, 7) && fails(msgrcv(id, before(end, 1), TEXT / 2, 0,
	    0), E2BIG, "what is too long stays");
	good &= expect(msgrcv(id, before(end, 3), 3, 0, MSG_NOERROR) == 3,
	    "and is cut off");
	return good;
}

/* What is not filled stays as it is, and so does all when nothing comes. */
static bool
rest_stays(int id)
{
	char *at = pages(3), *same = pages(3);
	size_t size = 3 * (size_t)sysconf(_SC_PAGESIZE);
	size_t filled = sizeof(struct letter);
	bool good = true;

	memset(at, 'x', size);
	memset(same, 'x', size);
	good &= fails(msgrcv(id, at, size - sizeof(long), 0, IPC_NOWAIT),
	    ENOMSG, "nothing comes");
	good &= expect(memcmp(at, same, size) == 0, "nothing is changed");
	good &= post(id, 1);
	good &= expect(msgrcv(id, at, size - sizeof(long), 0, 0) == TEXT,
	    "a short one comes");
	good &= expect(memcmp(at + filled, same + filled, size - filled) == 0,
	    "nothing behind it is changed");
	return good;
}

/* What could be used once and cannot be any more. */
static bool
memory_goes(int id)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct letter *at = (void *)pages(1);
	bool good = true;

	for (int i = 0; i < 3; i++) {
		at->type = 1;
		good &= expect(msgsnd(id, at, TEXT, 0) == 0, "msgsnd");
		good &= expect(msgrcv(id, at, TEXT, 0, 0) == TEXT, "msgrcv");
	}
	mprotect(at, page, PROT_READ);
	good &= expect(msgsnd(id, at, TEXT, 0) == 0, "msgsnd, read-only");
	good &= fails(msgrcv(id, at, TEXT, 0, 0), EFAULT, "read-only");
	good &= receive_faults(id, at, TEXT, "still");
	mprotect(at, page, PROT_NONE);
	good &= send_faults(id, at, TEXT, "mprotect");
	mprotect(at, page, PROT_READ | PROT_WRITE);
	good &= expect(msgsnd(id, at, TEXT, 0) == 0 &&
	    msgrcv(id, at, TEXT, 0, 0) == TEXT, "there again");
	munmap(at, page);
	good &= send_faults(id, at, TEXT, "munmap");
	return good & receive_faults(id, at, TEXT, "munmap");
}

/* From and to memory of more pages than are remembered. */
static bool
large_pass(int id)
{
	size_t size = 40 * (size_t)sysconf(_SC_PAGESIZE);
	struct letter *from = (void *)pages(40), *to = (void *)pages(40);
	bool good = true;

	memset(from, 'l', size);
	good &= expect(msgsnd(id, from, LARGE, 0) == 0, "a large one");
	good &= expect(msgrcv(id, to, size - sizeof(long), 0, 0) == LARGE &&
	    memcmp(from, to, sizeof(long) + LARGE) == 0, "it comes");
	good &= fails(msgrcv(id, to, size - sizeof(long), 0, IPC_NOWAIT),
	    ENOMSG, "once");
	return good;
}

static bool
ctl_faults(int id, int cmd, void *buf, const char *what)
{
	bool good = fails(msgctl(id, cmd, buf), EFAULT, what);

	return good & fails(syscall(SYS_msgctl, id, cmd, buf), EFAULT, what);
}

static bool
structures_fault(int id, char *end)
{
	struct msqid_ds *ds = (void *)(end - sizeof(*ds));
	const int told[] = { IPC_STAT, IPC_SET };
	bool good = true;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		good &= ctl_faults(id, told[i], NULL, "NULL");
		good &= ctl_faults(id, told[i], (void *)-1, "-1");
		good &= ctl_faults(id, told[i], end - 40, "half there");
		good &= expect(msgctl(id, told[i], ds) == 0, "at the end");
	}
	good &= ctl_faults(id % 32768, MSG_STAT, end - 40, "MSG_STAT");
	good &= ctl_faults(id % 32768, MSG_STAT_ANY, NULL, "MSG_STAT_ANY");
	good &= ctl_faults(0, IPC_INFO, end - 8, "IPC_INFO");
	good &= ctl_faults(0, MSG_INFO, end - 8, "MSG_INFO");
	good &= fails(msgctl(-1, IPC_SET, (void *)8), EINVAL,
	    "no such queue comes first");
	good &= fails(msgctl(id, 4711, (void *)8), EINVAL,
	    "no such command");
	return good;
}

/* msgpointers: what leads nowhere is EFAULT, and nothing else is touched. */
int
user_msgpointers(char **argv)
{
	int id = msgget(IPC_PRIVATE, 0600);
	char *end = pages(1) + sysconf(_SC_PAGESIZE);
	bool good = expect(id != -1, "a queue");

	(void)argv;
	if (!good)
		return 1;
	good &= sends_fault(id, end);
	good &= receives_fault(id, end);
	good &= rest_stays(id);
	good &= memory_goes(id);
	good &= large_pass(id);
	good &= structures_fault(id, end);
	good &= expect(msgctl(id, IPC_RMID, (void *)8) == 0, "removed");
	return good ? 0 : 1;
}

/* So much can be received, by these flags, in a room of `size` bytes. */
static bool
comes(int id, char *at, size_t size, int flags, ssize_t most)
{
	bool good = expect(msgrcv(id, at, size, 0, flags) == most, "msgrcv");

	for (ssize_t i = 0; i < most; i++)
		good = good && at[sizeof(long) + (size_t)i] == (char)(i / 999);
	return expect(good, "the text") && expect(at[sizeof(long) +
	    (size_t)most] == 'x', "nothing behind it");
}

static char *
clean(char *at, size_t size)
{
	return memset(at, 'x', size);
}

/* msglarge: messages of more pages than are remembered. */
int
user_msglarge(char **argv)
{
	enum { LONG = 100000, SIZE = 150000 };
	int id = msgget(IPC_PRIVATE, 0600);
	char *from = pages(40), *to = pages(40);
	const size_t room = SIZE - sizeof(long);
	bool good = expect(id != -1, "a queue");

	(void)argv;
	memcpy(from, &(long){ 1 }, sizeof(long));
	for (size_t i = 0; i < LONG; i++)
		from[sizeof(long) + i] = (char)(i / 999);
	for (int i = 0; i < 5 && good; i++)
		good &= expect(msgsnd(id, from, LONG, 0) == 0, "msgsnd");
	if (!good)
		return 1;
	good &= comes(id, clean(to, SIZE), room, 0, LONG);
	good &= comes(id, clean(to, SIZE), LONG, IPC_NOWAIT, LONG);
	good &= comes(id, clean(to, SIZE), room, MSG_NOERROR, LONG);
	good &= fails(msgrcv(id, to, LONG - 1, 0, 0), E2BIG, "too long");
	good &= comes(id, clean(to, SIZE), LONG - 1, MSG_NOERROR, LONG - 1);
	good &= comes(id, clean(to, SIZE), 5000, MSG_NOERROR, 5000);
	good &= fails(msgrcv(id, to, room, 0, IPC_NOWAIT), ENOMSG, "none");
	return msgctl(id, IPC_RMID, NULL) == 0 && good ? 0 : 1;
}

/*
 * msgquiet: between umask(0123) and umask(0321), messages that nobody waits
 * for, from and to several kinds of memory that were used before.
 */
int
user_msgquiet(char **argv)
{
	static char fixed[sizeof(long) + LARGE];
	struct letter local = { 1, "local" };
	char *mapped = pages(3);
	char *const places[] = { (char *)&local, fixed, mapped };
	const size_t sizes[] = { TEXT, LARGE, LARGE };
	int id = msgget(IPC_PRIVATE, 0600);
	bool good = expect(id != -1, "a queue");

	(void)argv;
	memcpy(fixed, &local, sizeof(local));
	memcpy(mapped, &local, sizeof(local));
	for (int i = 0; i < 300 && good; i++) {
		if (i == 12)
			umask(0123);
		good &= expect(msgsnd(id, places[i % 3], sizes[i % 3], 0) ==
		    0, "msgsnd");
		good &= expect(msgrcv(id, places[i % 3], sizes[i % 3], 0,
		    0) == (ssize_t)sizes[i % 3], "msgrcv");
	}
	umask(0321);
	msgctl(id, IPC_RMID, NULL);
	return good ? 0 : 1;
}
