/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_owner.c - commands of ipc_user about who may do what: every call, and
 * what it asks for; and a child that is root's no more.
 */
#include "ipc_owner.h"

#include "ipc_user.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <grp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { ALL = MAY_READ | MAY_WRITE | OWNS, SKIPPED = 77 };

static const uid_t user = 65534;
static const gid_t group = 54321;

union argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

struct letter {
	long type;
	char text[8];
};

/* --- calls, and what each asks for ------------------------------------- */

static int
get_shm(const struct trio *t, int flags)
{
	return shmget(t->key, 1, flags);
}

static int
attach_by(const struct trio *t, int flags)
{
	char *at = shmat(t->id[SHM], NULL, flags);

	if (at == (void *)-1)
		return -1;
	if ((flags & SHM_RDONLY) == 0)
		at[0] = 'w';
	return shmdt(at);
}

static int
operate(const struct trio *t, short op)
{
	struct sembuf sop = { (unsigned short)(op == 0), op, IPC_NOWAIT };

	return semop(t->id[SEM], &sop, 1);
}

static int
operate_in_time(const struct trio *t, short op)
{
	const struct timespec none = { 0, 0 };
	struct sembuf sop = { (unsigned short)(op == 0), op, 0 };

	return semtimedop(t->id[SEM], &sop, 1, &none);
}

static int
values(const struct trio *t, int cmd)
{
	unsigned short value[2] = { 1, 0 };

	return semctl(t->id[SEM], 0, cmd, cmd == SETVAL ?
	    (union argument){ .val = 1 } : (union argument){ .array = value });
}

static int
post(const struct trio *t, int flags)
{
	const struct letter letter = { 1, "letter" };

	return msgsnd(t->id[MSG], &letter, sizeof(letter.text), flags);
}

static int
take(const struct trio *t, int flags)
{
	struct letter letter;

	return (int)msgrcv(t->id[MSG], &letter, sizeof(letter.text), 0,
	    flags);
}

int
trio_control(const struct trio *t, int kind, int cmd)
{
	struct shmid_ds shm = { .shm_perm.uid = t->uid,
	    .shm_perm.gid = t->gid, .shm_perm.mode = (unsigned short)t->mode };
	struct semid_ds sem = { .sem_perm = shm.shm_perm };
	struct msqid_ds msg = { .msg_perm = shm.shm_perm, .msg_qbytes = 4096 };

	return kind == SHM ? shmctl(t->id[SHM], cmd, &shm) :
	    kind == MSG ? msgctl(t->id[MSG], cmd, &msg) :
	    semctl(t->id[SEM], 0, cmd, (union argument){ .buf = &sem });
}

#define ASKS(name, call)						\
	static int							\
	name(const struct trio *t)					\
	{								\
		return call;						\
	}

ASKS(gets_shm_to_read, get_shm(t, 0444))
ASKS(gets_shm_to_write, get_shm(t, 0222))
ASKS(gets_sem_to_read, semget(t->key, 1, 0444))
ASKS(gets_sem_to_write, semget(t->key, 1, 0222))
ASKS(gets_msg_to_read, msgget(t->key, 0444))
ASKS(gets_msg_to_write, msgget(t->key, 0222))
ASKS(attaches, attach_by(t, 0))
ASKS(attaches_to_read, attach_by(t, SHM_RDONLY))
ASKS(raises, operate(t, 1))
ASKS(waits_for_zero, operate(t, 0))
ASKS(raises_in_time, operate_in_time(t, 1))
ASKS(waits_in_time, operate_in_time(t, 0))
ASKS(gets_value, values(t, GETVAL))
ASKS(gets_pid, values(t, GETPID))
ASKS(gets_all, values(t, GETALL))
ASKS(sets_value, values(t, SETVAL))
ASKS(sets_all, values(t, SETALL))
ASKS(sends, post(t, IPC_NOWAIT))
ASKS(receives, take(t, IPC_NOWAIT))
ASKS(looks_at_shm, trio_control(t, SHM, IPC_STAT))
ASKS(looks_at_sem, trio_control(t, SEM, IPC_STAT))
ASKS(looks_at_msg, trio_control(t, MSG, IPC_STAT))
ASKS(changes_shm, trio_control(t, SHM, IPC_SET))
ASKS(changes_sem, trio_control(t, SEM, IPC_SET))
ASKS(changes_msg, trio_control(t, MSG, IPC_SET))
ASKS(removes_shm, trio_control(t, SHM, IPC_RMID))
ASKS(removes_sem, trio_control(t, SEM, IPC_RMID))
ASKS(removes_msg, trio_control(t, MSG, IPC_RMID))

#define CALL(name, needs)	{ #name, name, needs, false }
#define END(name)		{ #name, name, OWNS, true }

static const struct call {
	const char *name;
	int (*make)(const struct trio *);
	int needs;
	bool ends;		/* not to be tried by who may */
} calls[] = {
	CALL(gets_shm_to_read, MAY_READ),
	CALL(gets_shm_to_write, MAY_WRITE),
	CALL(gets_sem_to_read, MAY_READ),
	CALL(gets_sem_to_write, MAY_WRITE),
	CALL(gets_msg_to_read, MAY_READ),
	CALL(gets_msg_to_write, MAY_WRITE),
	CALL(attaches, MAY_READ | MAY_WRITE),
	CALL(attaches_to_read, MAY_READ),
	CALL(raises, MAY_WRITE),
	CALL(waits_for_zero, MAY_READ),
	CALL(raises_in_time, MAY_WRITE),
	CALL(waits_in_time, MAY_READ),
	CALL(gets_value, MAY_READ),
	CALL(gets_pid, MAY_READ),
	CALL(gets_all, MAY_READ),
	CALL(sets_value, MAY_WRITE),
	CALL(sets_all, MAY_WRITE),
	CALL(sends, MAY_WRITE),
	CALL(receives, MAY_READ),
	CALL(looks_at_shm, MAY_READ),
	CALL(looks_at_sem, MAY_READ),
	CALL(looks_at_msg, MAY_READ),
	CALL(changes_shm, OWNS),
	CALL(changes_sem, OWNS),
	CALL(changes_msg, OWNS),
	END(removes_shm),
	END(removes_sem),
	END(removes_msg),
};

/* What is allowed may find nothing there, or no room. */
static bool
is_right(const struct call *call, const struct trio *t, int rights)
{
	bool may = (call->needs & ~rights) == 0;
	int result;

	if (may && call->ends)
		return true;
	errno = 0;
	result = call->make(t);
	if (may ? result != -1 || errno == ENOMSG || errno == EAGAIN :
	    result == -1 && errno == (call->needs == OWNS ? EPERM : EACCES))
		return true;
	printf("%s, key %x, mode %o, uid %u: %d (%s), and it may%s\n",
	    call->name, (unsigned)t->key, (unsigned)t->mode,
	    (unsigned)t->uid, result, strerror(errno), may ? "" : " not");
	return false;
}

bool
trio_grants(const struct trio *t, int rights)
{
	bool good = true;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		good &= is_right(&calls[i], t, rights);
	return good;
}

void
trio_tell(const char *who, const struct trio *t)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		errno = 0;
		printf("%s, key %x, %s: %s\n", who, (unsigned)t->key,
		    calls[i].name, calls[i].make(t) != -1 ? "done" :
		    strerror(errno));
	}
}

/* --- objects ----------------------------------------------------------- */

/* Made for whoever calls, and then given away. */
void
trio_make(struct trio *t)
{
	const int flags = IPC_CREAT | IPC_EXCL | 0600;

	t->id[SHM] = shmget(t->key, 4096, flags);
	t->id[SEM] = semget(t->key, 2, flags);
	t->id[MSG] = msgget(t->key, flags);
	for (int kind = 0; kind < KINDS; kind++)
		if (t->id[kind] == -1 || trio_control(t, kind, IPC_SET) == -1)
			die("trio_make");
}

void
trio_remove(const struct trio *t)
{
	for (int kind = 0; kind < KINDS; kind++)
		if (trio_control(t, kind, IPC_RMID) == -1)
			die("IPC_RMID");
}

void
trio_find(struct trio *t)
{
	t->id[SHM] = shmget(t->key, 0, 0);
	t->id[SEM] = semget(t->key, 0, 0);
	t->id[MSG] = msgget(t->key, 0);
	for (int kind = 0; kind < KINDS; kind++)
		if (t->id[kind] == -1)
			die("trio_find");
}

void
trio_clear(key_t key)
{
	shmctl(shmget(key, 0, 0), IPC_RMID, NULL);
	semctl(semget(key, 0, 0), 0, IPC_RMID);
	msgctl(msgget(key, 0), IPC_RMID, NULL);
}

/* --- root's child ------------------------------------------------------ */

#define IDS_32(name)	SYS_##name
#ifdef SYS_setresuid32
#undef IDS_32
#define IDS_32(name)	SYS_##name##32
#endif

static int
by_setuid(void)
{
	return setgroups(0, NULL) == 0 && setgid(group) == 0 ?
	    setuid(user) : -1;
}

static int
by_setresuid(void)
{
	return setgroups(0, NULL) == 0 && setresgid(group, group, group) ==
	    0 ? setresuid(user, user, user) : -1;
}

static int
by_setreuid(void)
{
	return setgroups(0, NULL) == 0 && setregid(group, group) == 0 ?
	    setreuid(user, user) : -1;
}

static int
by_seteuid(void)
{
	return setgroups(0, NULL) == 0 && setegid(group) == 0 ?
	    seteuid(user) : -1;
}

static int
by_number(void)
{
	return syscall(IDS_32(setgroups), 0, NULL) == 0 &&
	    syscall(IDS_32(setgid), group) == 0 ?
	    (int)syscall(IDS_32(setuid), user) : -1;
}

static int
by_number_of_three(void)
{
	return syscall(IDS_32(setgroups), 0, NULL) == 0 &&
	    syscall(IDS_32(setresgid), group, group, group) == 0 ?
	    (int)syscall(IDS_32(setresuid), user, user, user) : -1;
}

static const struct drop {
	const char *name;
	int (*drop)(void);
} drops[] = {
	{ "setuid", by_setuid },
	{ "setresuid", by_setresuid },
	{ "setreuid", by_setreuid },
	{ "seteuid", by_seteuid },
	{ "SYS_setuid", by_number },
	{ "SYS_setresuid", by_number_of_three },
};

/* Root's own, and what is the user's. */
static struct trio kept = { .key = 0x6b01, .mode = 0600 };
static struct trio given = { .key = 0x6b02, .uid = 65534, .gid = 54321,
	.mode = 0600 };

/* The memory that was attached stays; nothing that is asked for anew is. */
static bool
is_dropped(char *attached)
{
	bool good = trio_grants(&given, ALL);

	good &= trio_grants(&kept, 0);
	attached[0]++;
	return good & trio_grants(&given, ALL);
}

static bool
drops_in_child(const struct drop *drop, char *attached)
{
	char before = attached[0];
	int status;
	bool one;
	pid_t pid = fork();

	if (pid == 0) {
		if (drop->drop() == -1)
			die(drop->name);
		_exit(is_dropped(attached) ? 0 : (fflush(stdout), 1));
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		die("fork");
	if (status != 0)
		printf("by %s\n", drop->name);
	one = expect(attached[0] == before + 1, "the memory is one");
	/* Which writes there, too. */
	return trio_grants(&kept, ALL) && status == 0 && one;
}

static char *
begin_as_root(void)
{
	char *attached;

	setbuf(stdout, NULL);
	trio_make(&kept);
	trio_make(&given);
	attached = shmat(kept.id[SHM], NULL, 0);
	if (attached == (void *)-1)
		die("shmat");
	return attached;
}

/* owners: root's child that drops uses what it was given, and no more. */
int
user_owners(char **argv)
{
	bool good = true;
	char *attached;

	(void)argv;
	if (geteuid() != 0)
		return SKIPPED;
	attached = begin_as_root();
	good &= trio_grants(&kept, ALL);
	good &= trio_grants(&given, ALL);
	attached[0] = 0;
	for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]); i++) {
		good &= drops_in_child(&drops[i], attached);
		attached[0] = 0;
	}
	trio_remove(&kept);
	trio_remove(&given);
	return good ? 0 : 1;
}

/* --- threads ----------------------------------------------------------- */

static pthread_barrier_t barrier;

static void *
is_root_and_then_not(void *arg)
{
	bool *good = arg;

	*good = trio_grants(&kept, ALL);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	*good &= trio_grants(&kept, 0);
	*good &= trio_grants(&given, ALL);
	return NULL;
}

/* In a child, which does not remove what it must not. */
static bool
all_threads_drop(void)
{
	bool good = false;
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	if (pthread_create(&thread, NULL, is_root_and_then_not, &good) != 0)
		die("pthread_create");
	pthread_barrier_wait(&barrier);
	if (by_setuid() == -1)
		die("setuid");
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	return good & trio_grants(&kept, 0);
}

/* threads: when one drops by libc's function, all have. */
int
user_threads(char **argv)
{
	int status;
	pid_t pid;

	(void)argv;
	if (geteuid() != 0)
		return SKIPPED;
	begin_as_root();
	pid = fork();
	if (pid == 0)
		_exit(all_threads_drop() ? 0 : 1);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		die("fork");
	trio_remove(&kept);
	trio_remove(&given);
	return status == 0 ? 0 : 1;
}
