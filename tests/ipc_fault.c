/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_fault.c - the command of ipc_user about pointers that lead nowhere: of
 * one argument of one call, what each kind of them comes to, and what it
 * leaves behind.
 */
#include "ipc_user.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

enum { NSEMS = 4, TEXT = 16, INDICES = 32768, TIMES = 2 };

union argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

struct letter {
	long type;
	char text[TEXT];
};

static int shm, sem, msg;

/* --- the calls, of which one argument is at `at` ----------------------- */

#define CALL(name, call)						\
	static long							\
	name(void *at)							\
	{								\
		return call;						\
	}

#define SEMCTL(id, cmd)	semctl(id, 0, cmd, (union argument){ .buf = at })

CALL(shm_stat, shmctl(shm, IPC_STAT, at))
CALL(shm_set, shmctl(shm, IPC_SET, at))
CALL(shm_stat_index, shmctl(shm % INDICES, SHM_STAT, at))
CALL(shm_stat_any, shmctl(shm % INDICES, SHM_STAT_ANY, at))
CALL(shm_limits, shmctl(0, IPC_INFO, at))
CALL(shm_info, shmctl(0, SHM_INFO, at))
CALL(sem_stat, SEMCTL(sem, IPC_STAT))
CALL(sem_set, SEMCTL(sem, IPC_SET))
CALL(sem_stat_index, SEMCTL(sem % INDICES, SEM_STAT))
CALL(sem_stat_any, SEMCTL(sem % INDICES, SEM_STAT_ANY))
CALL(sem_limits, SEMCTL(0, IPC_INFO))
CALL(sem_info, SEMCTL(0, SEM_INFO))
CALL(sem_values, SEMCTL(sem, GETALL))
CALL(sem_set_values, SEMCTL(sem, SETALL))
CALL(operate, semop(sem, at, 1))
CALL(operate_twice, semop(sem, at, 2))
CALL(operate_in_time, semtimedop(sem, at, 1, &(struct timespec){ 0, 0 }))
CALL(wait_in_time, semtimedop(sem, &(struct sembuf){ 1, 1, 0 }, 1, at))
CALL(msg_stat, msgctl(msg, IPC_STAT, at))
CALL(msg_set, msgctl(msg, IPC_SET, at))
CALL(msg_stat_index, msgctl(msg % INDICES, MSG_STAT, at))
CALL(msg_stat_any, msgctl(msg % INDICES, MSG_STAT_ANY, at))
CALL(msg_limits, msgctl(0, IPC_INFO, at))
CALL(msg_info, msgctl(0, MSG_INFO, at))
CALL(put, msgsnd(msg, at, TEXT, IPC_NOWAIT))
CALL(take, msgrcv(msg, at, TEXT, 0, IPC_NOWAIT))
CALL(make_key, ftok(at, 1))

/* --- what is there when all is well ------------------------------------ */

static const struct letter letter = { 3, "letter" };
static struct shmid_ds new_shm;
static struct semid_ds new_sem;
static struct msqid_ds new_msg;
static const struct sembuf ops[2] = { { 2, 1, 0 }, { 3, 2, 0 } };
static const unsigned short values[NSEMS] = { 4, 3, 2, 1 };
static const struct timespec soon = { 0, 1 };

/* What is done with the address; OPTIONAL is read, but for NULL. */
enum { READ, WRITTEN, OPTIONAL };

static const struct row {
	const char *name;
	long (*call)(void *at);
	size_t size;
	int use;
	const void *content;	/* of what is read */
} rows[] = {
	{ "shmctl IPC_STAT", shm_stat, sizeof(new_shm), WRITTEN, NULL },
	{ "shmctl IPC_SET", shm_set, sizeof(new_shm), READ, &new_shm },
	{ "shmctl SHM_STAT", shm_stat_index, sizeof(new_shm), WRITTEN, NULL },
	{ "shmctl SHM_STAT_ANY", shm_stat_any, sizeof(new_shm), WRITTEN,
	    NULL },
	{ "shmctl IPC_INFO", shm_limits, sizeof(struct shminfo), WRITTEN,
	    NULL },
	{ "shmctl SHM_INFO", shm_info, sizeof(struct shm_info), WRITTEN,
	    NULL },
	{ "semctl IPC_STAT", sem_stat, sizeof(new_sem), WRITTEN, NULL },
	{ "semctl IPC_SET", sem_set, sizeof(new_sem), READ, &new_sem },
	{ "semctl SEM_STAT", sem_stat_index, sizeof(new_sem), WRITTEN, NULL },
	{ "semctl SEM_STAT_ANY", sem_stat_any, sizeof(new_sem), WRITTEN,
	    NULL },
	{ "semctl IPC_INFO", sem_limits, sizeof(struct seminfo), WRITTEN,
	    NULL },
	{ "semctl SEM_INFO", sem_info, sizeof(struct seminfo), WRITTEN, NULL },
	{ "semctl GETALL", sem_values, sizeof(values), WRITTEN, NULL },
	{ "semctl SETALL", sem_set_values, sizeof(values), READ, values },
	{ "semop operations", operate, sizeof(ops[0]), READ, ops },
	{ "semop two operations", operate_twice, sizeof(ops), READ, ops },
	{ "semtimedop operations", operate_in_time, sizeof(ops[0]), READ,
	    ops },
	{ "semtimedop timeout", wait_in_time, sizeof(soon), OPTIONAL, &soon },
	{ "msgctl IPC_STAT", msg_stat, sizeof(new_msg), WRITTEN, NULL },
	{ "msgctl IPC_SET", msg_set, sizeof(new_msg), READ, &new_msg },
	{ "msgctl MSG_STAT", msg_stat_index, sizeof(new_msg), WRITTEN, NULL },
	{ "msgctl MSG_STAT_ANY", msg_stat_any, sizeof(new_msg), WRITTEN,
	    NULL },
	{ "msgctl IPC_INFO", msg_limits, sizeof(struct msginfo), WRITTEN,
	    NULL },
	{ "msgctl MSG_INFO", msg_info, sizeof(struct msginfo), WRITTEN, NULL },
	{ "msgsnd message", put, sizeof(letter), READ, &letter },
	{ "msgrcv message", take, sizeof(letter), WRITTEN, NULL },
	{ "ftok path", make_key, sizeof("/proc"), READ, "/proc" },
};

/* --- addresses, good and bad ------------------------------------------- */

static size_t page;

/* The end of a page, behind which nothing is, or nothing that may be used. */
static char *
end_of_page(int protection)
{
	char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || (protection == -1 ?
	    munmap(at + page, page) : mprotect(at + page, page,
	    protection)) == -1)
		die("end_of_page");
	return at + page;
}

/* As much of what is read as there is room for before the end. */
static void *
before(char *end, const struct row *row, size_t n)
{
	if (row->content != NULL)
		memcpy(end - n, row->content, n);
	return end - n;
}

static void *
in_page(const struct row *row, int protection)
{
	char *end = end_of_page(-1);
	void *at = before(end, row, row->size);

	if (mprotect(end - page, page, protection) == -1)
		die("mprotect");
	return at;
}

static void *
nowhere(const struct row *row)
{
	(void)row;
	return NULL;
}

static void *
first_page(const struct row *row)
{
	(void)row;
	return (void *)8;
}

/* An address that is the kernel's. */
static void *
last_page(const struct row *row)
{
	return (void *)(UINTPTR_MAX - row->size - 7);
}

static void *
wrapping(const struct row *row)
{
	(void)row;
	return (void *)UINTPTR_MAX;
}

static void *
unmapped(const struct row *row)
{
	(void)row;
	return end_of_page(-1);
}

static void *
forbidden(const struct row *row)
{
	return in_page(row, PROT_NONE);
}

static void *
last_byte_of_page(const struct row *row)
{
	return before(end_of_page(-1), row, 1);
}

static void *
half_there(const struct row *row)
{
	return before(end_of_page(-1), row, row->size / 2);
}

static void *
half_allowed(const struct row *row)
{
	return before(end_of_page(PROT_NONE), row, row->size / 2);
}

static void *
all_but_a_byte(const struct row *row)
{
	return before(end_of_page(-1), row, row->size - 1);
}

static void *
read_only(const struct row *row)
{
	return in_page(row, PROT_READ);
}

static void *
half_read_only(const struct row *row)
{
	return before(end_of_page(PROT_READ), row, row->size / 2);
}

static void *
whole(const struct row *row)
{
	return before(end_of_page(-1), row, row->size);
}

static const struct address {
	const char *name;
	void *(*make)(const struct row *);
	bool only_written;	/* to be tried */
	bool good;
} addresses[] = {
	{ "NULL", nowhere, false, false },
	{ "the first page", first_page, false, false },
	{ "the last page", last_page, false, false },
	{ "around the end", wrapping, false, false },
	{ "unmapped", unmapped, false, false },
	{ "PROT_NONE", forbidden, false, false },
	{ "its first byte is the last of a page", last_byte_of_page, false,
	    false },
	{ "half of it is there", half_there, false, false },
	{ "half of it is PROT_NONE", half_allowed, false, false },
	{ "its last byte is not there", all_but_a_byte, false, false },
	{ "read-only", read_only, true, false },
	{ "half of it is read-only", half_read_only, true, false },
	{ "all of it is there", whole, false, true },
};

/* --- what is told ------------------------------------------------------ */

static void
make_objects(void)
{
	shm = shmget(IPC_PRIVATE, 4096, 0600);
	sem = semget(IPC_PRIVATE, NSEMS, 0600);
	msg = msgget(IPC_PRIVATE, 0600);
	if (shm == -1 || sem == -1 || msg == -1 ||
	    shmctl(shm, IPC_STAT, &new_shm) == -1 ||
	    semctl(sem, 0, IPC_STAT, (union argument){ .buf = &new_sem }) ==
	    -1 || msgctl(msg, IPC_STAT, &new_msg) == -1)
		die("objects");
	new_shm.shm_perm.mode = 0640;
	new_sem.sem_perm.mode = 0604;
	new_msg.msg_perm.mode = 0644;
}

/* As many messages as calls: one that cannot be told is taken all the same. */
static void
fill_queue(void)
{
	struct letter got;

	while (msgrcv(msg, &got, TEXT, 0, IPC_NOWAIT) != -1)
		continue;
	for (int i = 0; i < TIMES; i++)
		if (msgsnd(msg, &letter, TEXT, 0) == -1)
			die("msgsnd");
}

static void
remove_objects(void)
{
	if (shmctl(shm, IPC_RMID, NULL) == -1 ||
	    semctl(sem, 0, IPC_RMID) == -1 ||
	    msgctl(msg, IPC_RMID, NULL) == -1)
		die("IPC_RMID");
}

static void
tell_state(void)
{
	unsigned short value[NSEMS];
	struct shmid_ds a;
	struct semid_ds b;
	struct msqid_ds c;

	if (shmctl(shm, IPC_STAT, &a) == -1 ||
	    semctl(sem, 0, IPC_STAT, (union argument){ .buf = &b }) == -1 ||
	    semctl(sem, 0, GETALL, (union argument){ .array = value }) ==
	    -1 || msgctl(msg, IPC_STAT, &c) == -1)
		die("state");
	printf("; segment %o, %ld attached; set %o, %u %u %u %u, by %d%s; "
	    "queue %o, %lu, %lu bytes, by %d %d%s%s\n",
	    a.shm_perm.mode & 0777u, (long)a.shm_nattch,
	    b.sem_perm.mode & 0777u, value[0], value[1], value[2], value[3],
	    semctl(sem, 2, GETPID) == getpid(), b.sem_otime ? ", used" : "",
	    c.msg_perm.mode & 0777u, (unsigned long)c.msg_qnum,
	    (unsigned long)c.msg_cbytes, c.msg_lspid == getpid(),
	    c.msg_lrpid == getpid(), c.msg_stime ? ", sent" : "",
	    c.msg_rtime ? ", received" : "");
}

static const char *
told(long result)
{
	return result != -1 ? "done" : errno == EFAULT ? "EFAULT" :
	    strerror(errno);
}

static bool
is_right(const struct row *row, const struct address *address, void *at,
    long result)
{
	if (address->good || (row->use == OPTIONAL && at == NULL))
		return result != -1;
	return result == -1 && errno == EFAULT;
}

/* Twice: what is remembered of an address must not mislead. */
static bool
try_address(const struct row *row, const struct address *address)
{
	bool good = true;
	void *at;

	fill_queue();
	at = address->make(row);
	for (int i = 0; i < TIMES; i++) {
		const long result = row->call(at);

		good &= is_right(row, address, at, result);
		printf("%s, %s: %s", row->name, address->name, told(result));
		tell_state();
	}
	return good;
}

/* The bad ones again, after the good: it may be remembered, too. */
static bool
try_all(const struct row *row)
{
	const size_t n = sizeof(addresses) / sizeof(addresses[0]);
	bool good = true;

	make_objects();
	for (size_t i = 0; i < 2 * n; i++)
		if (row->use == WRITTEN || !addresses[i % n].only_written)
			good &= try_address(row, &addresses[i % n]);
	remove_objects();
	return good;
}

/* faults [NAME]: by name, all that a bad argument comes to; else the names. */
int
user_faults(char **argv)
{
	const char *name = argv[0];

	page = (size_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (name == NULL)
			puts(rows[i].name);
		else if (strcmp(rows[i].name, name) == 0)
			return try_all(&rows[i]) ? 0 : 1;
	return name == NULL ? 0 : 2;
}
