/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * still.c - who is asked to keep still waits, for who lives and not for long;
 * and which calls do.
 *
 *	still [--death]
 *
 * What a dead one asked for is taken back by whoever would wait, and by nobody
 * else: so a call that waits is seen without waiting.
 */
#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "mipc.h"
#include "still.h"

enum { BUSY = 3, LONG = 20 };	/* LONG: seconds that nothing takes */

static struct mipc_ns *ns;
static int set, queue, segment;

static void
begin(void)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/ns", harness_dir());
	ns = mipc_open(dir, MIPC_CREAT);
	if (ns == NULL)
		harness_die("%s: %s", dir, mipc_reason());
	set = mipc_semget(ns, IPC_PRIVATE, 2, 0600);
	queue = mipc_msgget(ns, IPC_PRIVATE, 0600);
	segment = mipc_shmget(ns, 4711, 4096, 0600 | IPC_CREAT);
	if (set == -1 || queue == -1 || segment == -1)
		harness_die("objects: %s", strerror(errno));
}

static int
plus(int flags)
{
	struct sembuf op = { .sem_op = 1, .sem_flg = (short)flags };

	return mipc_semop(ns, set, &op, 1);
}

/* --- who asks ---------------------------------------------------------- */

/* A process that asks, and then pauses. */
static pid_t
asker(void)
{
	_Atomic uint32_t *ready = harness_shared(sizeof(*ready));
	struct mipc_still still;
	pid_t pid = harness_fork();

	if (pid == 0) {
		mipc_still_begin(&still, ns);
		mipc_still_ask(&still);
		atomic_store(ready, 1);
		harness_wake(ready);
		for (;;)
			pause();
	}
	harness_wait(ready, 0, LONG);
	return pid;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	harness_reap(pid, LONG);
}

/* Somebody asked, and died of it. */
static bool
ask_and_die(void)
{
	end(asker());
	return mipc_still_asked(ns);
}

static void
test_death(void)
{
	double before;
	bool asked = ask_and_die();

	before = harness_now();
	alarm(LONG / 5);	/* a broken library waits for ever */
	tap_ok(asked && plus(0) == 0 && !mipc_still_asked(ns) &&
	    harness_now() - before < LONG / 2,
	    "what one who was killed asked for keeps nobody");
	alarm(0);
}

static void
test_stopped(void)
{
	pid_t pid = asker();
	double before, first = 0;

	kill(pid, SIGSTOP);
	before = harness_now();
	tap_ok(plus(0) == 0 && !mipc_still_asked(ns) &&
	    (first = harness_now() - before) * 1e9 >= MIPC_STILL_MOST_NS,
	    "who asks and is stopped is waited for, as long as is said");
	tap_ok(first < LONG / 2 && plus(0) == 0, "... and no longer");
	end(pid);
}

/* Is it asked again, after somebody took it back? */
static void
test_again(void)
{
	struct mipc_still still, other;

	mipc_still_begin(&still, ns);
	mipc_still_ask(&still);
	mipc_put(&ns->space->still, 0);
	mipc_still_ask(&still);
	tap_ok(mipc_still_asked(ns), "what was taken back is asked again");
	mipc_still_end(&still);
	tap_ok(!mipc_still_asked(ns), "... and at the end nobody is asked");
	ask_and_die();
	mipc_still_begin(&other, ns);
	mipc_still_ask(&other);
	tap_ok(mipc_peek(&ns->space->still) == other.self,
	    "a dead one's place is taken");
	mipc_still_end(&other);
}

/* --- who waits --------------------------------------------------------- */

static void
add_and_count(_Atomic uint32_t *done)
{
	for (;;) {
		if (plus(0) != 0)
			mipc_semctl(ns, set, 0, SETVAL, 0);
		atomic_fetch_add(done, 1);
		harness_wake(done);
	}
}

/* Each of BUSY may end the call that it is in, and then waits. */
static void
test_calm(void)
{
	_Atomic uint32_t *done = harness_shared(4 * sizeof(*done));
	struct mipc_still still;
	uint32_t before, during;
	pid_t pid[BUSY];

	for (int i = 0; i < BUSY; i++)
		if ((pid[i] = harness_fork()) == 0)
			add_and_count(done);
	for (int i = 0; i < 100; i++)
		harness_wait(done, atomic_load(done), LONG);
	mipc_still_begin(&still, ns);
	mipc_still_ask(&still);
	before = atomic_load(done);
	harness_wait(done + 3, 0, 0.1);		/* none too many, ever */
	during = atomic_load(done) - before;
	mipc_still_end(&still);
	before = atomic_load(done);
	harness_wait(done, before, LONG);
	/* A call that another one's SETVAL follows may end late: two each. */
	tap_ok(during <= 2 * BUSY, "who never pauses waits when asked (%u)",
	    during);
	tap_ok(atomic_load(done) != before, "... and then goes on");
	for (int i = 0; i < BUSY; i++)
		end(pid[i]);
}

/* --- which calls ------------------------------------------------------- */

static struct {
	long type;
	char text[8];
} letter = { .type = 1 };

static int add(void) { return plus(0); }
static int owe(void) { return plus(SEM_UNDO); }

static int
add_both(void)
{
	struct sembuf op[2] = { { .sem_op = 1 },
	    { .sem_num = 1, .sem_op = 1 } };

	return mipc_semop(ns, set, op, 2);
}

static int
add_timed(void)
{
	const struct timespec t = { .tv_sec = LONG };
	struct sembuf op = { .sem_op = 1 };

	return mipc_semtimedop(ns, set, &op, 1, &t);
}

static int set_value(void) { return mipc_semctl(ns, set, 0, SETVAL, 1); }

static int
set_all(void)
{
	unsigned short value[2] = { 1, 1 };

	return mipc_semctl(ns, set, 0, SETALL, value);
}

static int
set_mode(void)
{
	struct semid_ds ds;

	mipc_semctl(ns, set, 0, IPC_STAT, &ds);
	return mipc_semctl(ns, set, 0, IPC_SET, &ds);
}

static int
send_one(void)
{
	return mipc_msgsnd(ns, queue, &letter, sizeof(letter.text), 0);
}

static int
take_one(void)
{
	return (int)mipc_msgrcv(ns, queue, &letter, sizeof(letter.text), 0, 0);
}

static int
set_queue(void)
{
	struct msqid_ds ds;

	mipc_msgctl(ns, queue, IPC_STAT, &ds);
	return mipc_msgctl(ns, queue, IPC_SET, &ds);
}

static int made;
static int make(void)
{
	return made = mipc_semget(ns, IPC_PRIVATE, 1, 0600);
}

static int drop(void) { return mipc_semctl(ns, made, 0, IPC_RMID); }
static int drop_queue(void) { return mipc_msgctl(ns, queue, IPC_RMID, NULL); }

static int
drop_segment(void)
{
	return mipc_shmctl(ns, segment, IPC_RMID, NULL);
}

static int value(void) { return mipc_semctl(ns, set, 0, GETVAL); }
static int find(void) { return mipc_shmget(ns, 4711, 0, 0); }

static int
stat_queue(void)
{
	struct msqid_ds ds;

	return mipc_msgctl(ns, queue, IPC_STAT, &ds);
}

static const struct {
	const char *name;
	int (*call)(void);
	bool waits;
} call[] = {
	{ "semop", add, true },
	{ "semop with SEM_UNDO", owe, true },
	{ "semop of two", add_both, true },
	{ "semtimedop", add_timed, true },
	{ "SETVAL", set_value, true },
	{ "SETALL", set_all, true },
	{ "IPC_SET of a set", set_mode, true },
	{ "msgsnd", send_one, true },
	{ "msgrcv", take_one, true },
	{ "IPC_SET of a queue", set_queue, true },
	{ "semget that makes one", make, true },
	{ "IPC_RMID of a set", drop, true },
	{ "GETVAL", value, false },
	{ "IPC_STAT of a queue", stat_queue, false },
	{ "shmget that finds one", find, false },
	{ "IPC_RMID of a queue", drop_queue, true },
	{ "IPC_RMID of a segment", drop_segment, true },
};

enum { CALLS = sizeof(call) / sizeof(call[0]) };

static void
test_calls(void)
{
	find();			/* what is known needs no look */
	for (int i = 0; i < CALLS; i++) {
		bool asked = ask_and_die();
		int r = call[i].call();

		tap_ok(asked && r >= 0 && mipc_still_asked(ns) !=
		    call[i].waits, "%s %s", call[i].name,
		    call[i].waits ? "waits" : "does not wait");
	}
	plus(0);
}

int
main(int argc, char **argv)
{
	begin();
	if (argc > 1 && strcmp(argv[1], "--death") == 0) {
		tap_plan(1);
		test_death();
		return tap_end();
	}
	tap_plan(8 + CALLS);
	test_death();
	test_stopped();
	test_again();
	test_calm();
	test_calls();
	return tap_end();
}
