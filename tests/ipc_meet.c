/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc_meet.c - two users in one namespace at once: "meet one" and "meet
 * other" are started by different users, find each other by a key, and go on
 * in step.
 */
#include "ipc_owner.h"

#include "ipc_user.h"

#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { ONE, OTHER, BOTH };

enum {
	KEYS = 0x6b20,		/* each has so many from here on */
	EACH = 16,
	TOGETHER = 0x6b10,	/* of what they have in common */
	ROUNDS = 300
};

/* Semaphores of the set that they have in common; the first two are of each */
enum { STEP, BALL = STEP + BOTH, LOCK = BALL + BOTH, SEMAPHORES };

static const gid_t group = 54321;	/* both are in it */

/* What each makes: whose group it is, and what the other one then may. */
static const struct mode {
	int mode;
	bool common;		/* of the group that both are in */
	int mine, theirs;
} modes[] = {
	{ 0600, false, MAY_READ | MAY_WRITE, 0 },
	{ 0644, false, MAY_READ | MAY_WRITE, MAY_READ },
	{ 0622, false, MAY_READ | MAY_WRITE, MAY_WRITE },
	{ 0666, false, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE },
	{ 0640, true, MAY_READ | MAY_WRITE, MAY_READ },
	{ 0660, true, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE },
	{ 0606, true, MAY_READ | MAY_WRITE, 0 },
	{ 0066, false, 0, MAY_READ | MAY_WRITE },
};

enum { MODES = sizeof(modes) / sizeof(modes[0]), OPEN = 3 };

static int me;
static int set;			/* in common */
static struct trio trios[BOTH][MODES];

static void
operate(int number, short op, short flags)
{
	struct sembuf sop = { (unsigned short)number, op, flags };

	if (semop(set, &sop, 1) == -1)
		die("semop");
}

/* Both come here before either goes on. */
static void
meet(void)
{
	operate(STEP + me, 1, 0);
	operate(STEP + !me, -1, 0);
}

static void
await_value(int number, int cmd, int value)
{
	while (semctl(set, number, cmd) != value)
		sched_yield();
}

static void
make_own(void)
{
	for (int i = 0; i < MODES; i++) {
		trios[me][i] = (struct trio){ .key = KEYS + me * EACH + i,
		    .uid = geteuid(), .gid = modes[i].common ? group :
		    getegid(), .mode = modes[i].mode };
		trio_make(&trios[me][i]);
	}
}

/* The set comes last: who finds it finds the rest. */
static void
find_each_other(void)
{
	if (me == ONE) {
		set = semget(TOGETHER, SEMAPHORES, IPC_CREAT | 0666);
		if (set == -1)
			die("semget");
		operate(LOCK, 1, 0);
	}
	while (me == OTHER && (set = semget(TOGETHER, 0, 0)) == -1)
		sched_yield();
	meet();
}

static void
find_others(void)
{
	for (int i = 0; i < MODES; i++) {
		struct trio *t = &trios[!me][i];

		*t = (struct trio){ .key = KEYS + !me * EACH + i,
		    .mode = modes[i].mode };
		trio_find(t);
	}
}

static bool
all_granted(void)
{
	bool good = true;

	for (int i = 0; i < MODES; i++) {
		good &= trio_grants(&trios[me][i], modes[i].mine | OWNS);
		good &= trio_grants(&trios[!me][i], modes[i].theirs);
	}
	return good;
}

/* One shuts what was open, and the other has used; then it is open again. */
static bool
shut_and_opened(void)
{
	bool good = true;

	for (int round = 0; round < 4; round++) {
		struct trio *t = &trios[ONE][OPEN];
		int mode = round % 2 == 0 ? 0600 : 0666;

		t->mode = mode;
		for (int kind = 0; me == ONE && kind < KINDS; kind++)
			good &= expect(trio_control(t, kind, IPC_SET) == 0,
			    "IPC_SET");
		meet();
		if (me == OTHER)
			good &= trio_grants(t, mode == 0600 ? 0 :
			    MAY_READ | MAY_WRITE);
		meet();
	}
	return good;
}

struct ball {
	long type;
	int times;
};

/* Through a semaphore, a message and memory each, by turns. */
static bool
played(int *count)
{
	int queue = trios[ONE][OPEN].id[MSG];
	struct ball ball = { .times = 0 };
	bool good = true;

	for (int i = 0; i < ROUNDS && good; i++) {
		if (me == OTHER || i > 0) {
			operate(BALL + me, -1, 0);
			good &= expect(msgrcv(queue, &ball, sizeof(int),
			    2 + me, 0) == sizeof(int), "msgrcv");
		}
		good &= expect(ball.times == *count, "the same count");
		ball.times = ++*count;
		ball.type = 2 + !me;
		good &= expect(msgsnd(queue, &ball, sizeof(int), 0) == 0,
		    "msgsnd");
		operate(BALL + !me, 1, 0);
	}
	meet();
	return good & expect(*count == 2 * ROUNDS, "all rounds");
}

static unsigned long
attached(void)
{
	struct shmid_ds ds;

	if (shmctl(trios[ONE][OPEN].id[SHM], IPC_STAT, &ds) == -1)
		die("IPC_STAT");
	return ds.shm_nattch;
}

/* A child of ours that has the lock, and inherits an attach, is killed. */
static bool
killed_with_lock(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		operate(LOCK, -1, SEM_UNDO);
		for (;;)
			pause();
	}
	await_value(LOCK, GETNCNT, 1);
	if (pid == -1 || kill(pid, SIGKILL) == -1 ||
	    waitpid(pid, &status, 0) != pid)
		die("kill");
	return true;
}

static bool
heir_to_lock(void)
{
	bool good;

	await_value(LOCK, GETVAL, 0);
	good = expect(attached() == 3, "it is attached");
	operate(LOCK, -1, 0);
	good &= expect(attached() == 2, "and is no more");
	operate(LOCK, 1, 0);
	return good;
}

static bool
share(void)
{
	int *count = shmat(trios[ONE][OPEN].id[SHM], NULL, 0);
	bool good;

	if (count == (void *)-1)
		die("shmat");
	if (me == ONE)
		*count = 0;
	/* Nothing but what is sent now. */
	while (me == ONE && msgrcv(trios[ONE][OPEN].id[MSG],
	    &(struct { long type; char text[64]; }){ 0 }, 64, 0,
	    IPC_NOWAIT | MSG_NOERROR) != -1)
		continue;
	meet();
	good = expect(attached() == 2, "both are attached");
	meet();
	good &= played(count);
	for (int victim = ONE; victim < BOTH && good; victim++) {
		good &= me == victim ? killed_with_lock() : heir_to_lock();
		meet();
	}
	return good & expect(shmdt(count) == 0, "shmdt");
}

/*
 * meet one|other [READY GO]: all of that, as one of two users.  With the last
 * two, FIFOs, READY is written to when all is made, and it goes on when GO was.
 */
int
user_meet(char **argv)
{
	bool good;

	me = strcmp(argv[0], "one") == 0 ? ONE : OTHER;
	make_own();
	find_each_other();
	find_others();
	good = all_granted();
	meet();
	good &= shut_and_opened();
	meet();
	good &= share();
	if (argv[1] != NULL)
		user_pause(argv[1], argv[2]);
	meet();			/* what is looked at stays until then */
	for (int i = 0; i < MODES; i++)
		trio_remove(&trios[me][i]);
	operate(STEP + me, 1, 0);
	if (me == ONE) {
		operate(STEP + OTHER, -1, 0);
		good &= expect(semctl(set, 0, IPC_RMID) == 0, "IPC_RMID");
	}
	return good ? 0 : 1;
}
