/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_unit_call.c - whole calls that are held up at a named place while
 * others go on.
 */
#include "crash.h"
#include "mipc.h"
#include "ns.h"

#include "check_unit.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY	65534

enum { ASLEEP = 1, ALLOWED, GO_ON };	/* stages */

static struct mipc_ns *ns;
static int id;

static void
open_ns(bool anonymous)
{
	must_eq(chmod(testing_dir, 01777), 0);
	ns = anonymous ? mipc_anon(0) : mipc_open(testing_dir, MIPC_CREAT);
	must(ns != NULL);
	id = mipc_msgget(ns, IPC_PRIVATE, 0600);
	must(id != -1);
}

static void
set_queue(unsigned short mode, unsigned long qbytes)
{
	struct msqid_ds ds;

	must_eq(mipc_msgctl(ns, id, IPC_STAT, &ds), 0);
	ds.msg_perm.mode = mode;
	ds.msg_qbytes = qbytes;
	must_eq(mipc_msgctl(ns, id, IPC_SET, &ds), 0);
}

/* ---- told twice ---- */

static void
rest_when_allowed(const char *place)
{
	if (strcmp(place, "sleep: before") == 0 &&
	    atomic_load(&board->stage) < ASLEEP)
		reach(ASLEEP);
	if (strcmp(place, "sleep: allowed") == 0 &&
	    atomic_load(&board->stage) < ALLOWED) {
		reach(ALLOWED);
		await(GO_ON);
	}
}

static void
become_nobody(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) != 0)
		_exit(1);
}

static bool
can_be_nobody(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		become_nobody();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status == 0;
}

static void
sleep_in_queue(void *sends)
{
	struct { long type; char text[4]; } m = { 2, "xyz" };

	become_nobody();
	mipc_credentials_changed();
	mipc_crash_hook = rest_when_allowed;
	must_error(*(bool *)sends ? mipc_msgsnd(ns, id, &m, 4, 0) :
	    mipc_msgrcv(ns, id, &m, 4, 2, 0), EACCES);
}

/*
 * The right goes after it has been looked at, and before the sleeper has said
 * that it waits again.
 */
START_TEST(M3_who_is_told_again_while_it_looks_looks_again)
{
	struct { long type; char text[4]; } m = { 2, "abc" };
	bool sends = (_i & 1) != 0;
	pid_t pid;

	if (!can_be_nobody())
		testing_skip("only root can try this");
	open_ns((_i & 2) != 0);
	set_queue(0666, 4);
	if (sends)
		must_eq(mipc_msgsnd(ns, id, &m, 4, 0), 0);
	pid = spawn(BY_FORK, sleep_in_queue, &sends);
	await(ASLEEP);
	set_queue(0666, 4);
	await(ALLOWED);
	set_queue(0600, 4);
	reach(GO_ON);
	if (sends)		/* there is room, but not for him */
		must_eq(mipc_msgrcv(ns, id, &m, 4, 2, 0), 4);
	else
		must_eq(mipc_msgsnd(ns, id, &m, 4, 0), 0);
	finish(pid);
	must_eq(mipc_msgrcv(ns, id, &m, 4, 0, IPC_NOWAIT), sends ? -1 : 4);
}
END_TEST

/* ---- handed to one who dies ---- */

/* The first receiver goes to sleep; the second one is about to. */
static uint32_t stage;

static void
tell_before_sleep(const char *place)
{
	if (strcmp(place, "sleep: before") != 0 ||
	    atomic_load(&board->stage) >= stage)
		return;
	reach(stage);
	if (stage == ALLOWED)
		await(GO_ON);
}

static void
receive(void *who)
{
	struct { long type; char text[4]; } m;

	stage = *(uint32_t *)who;
	mipc_crash_hook = tell_before_sleep;
	must_eq(mipc_msgrcv(ns, id, &m, 4, 0, 0), 4);
}

static void
stop(pid_t pid)
{
	int status;

	must_eq(kill(pid, SIGSTOP), 0);
	must_eq(waitpid(pid, &status, WUNTRACED), pid);
	must(WIFSTOPPED(status));
}

/*
 * One is about to fall asleep when another is killed who was handed a message
 * and has not come for it.  The bell rings, and nobody hears it yet.
 */
START_TEST(M7_what_a_dead_one_was_handed_wakes_who_falls_asleep)
{
	struct { long type; char text[4]; } m = { 2, "abc" };
	uint32_t asleep = ASLEEP, allowed = ALLOWED;
	pid_t first, second;

	open_ns(_i == 1);
	first = spawn(BY_FORK, receive, &asleep);
	await(ASLEEP);
	stop(first);
	must_eq(mipc_msgsnd(ns, id, &m, 4, 0), 0);
	must_error(mipc_msgrcv(ns, id, &m, 4, 0, IPC_NOWAIT), ENOMSG);
	second = spawn(BY_FORK, receive, &allowed);
	await(ALLOWED);
	kill_and_reap(first);
	reach(GO_ON);
	finish(second);
	must_eq(mipc_peek(&ns->space->heartbeats), 0);
}
END_TEST

/* ---- a dead sleeper's place ---- */

enum { BURIED = 1, CLAIMED };	/* stages */

static void
rest_while_burying(const char *place)
{
	if (strcmp(place, "line: buried") == 0 &&
	    atomic_load(&board->stage) < BURIED) {
		reach(BURIED);
		await(CLAIMED);
	}
}

static void
send_for_nobody(void *arg)
{
	struct { long type; char text[4]; } m = { 1, "abc" };

	(void)arg;
	mipc_crash_hook = rest_while_burying;
	must_eq(mipc_msgsnd(ns, id, &m, 4, 0), 0);
}

static void
count_sleeper(const char *place)
{
	if (strcmp(place, "sleep: before") != 0)
		return;
	mipc_crash_hook = NULL;
	atomic_fetch_add(&board->value[0], 1);
}

static void
take_type(void *type)
{
	struct { long type; char text[4]; } m;

	mipc_crash_hook = count_sleeper;
	must_eq(mipc_msgrcv(ns, id, &m, 4, *(long *)type, 0), 4);
}

/* The one who buries it is held up before it frees the place. */
START_TEST(M7_who_claims_a_dead_sleepers_place_keeps_it)
{
	struct { long type; char text[4]; } m = { 2, "abc" };
	pid_t dead, undertaker, taker[2];

	open_ns(_i != 0);
	dead = spawn(BY_FORK, take_type, &(long){ 2 });
	await_value(0, 1);
	kill_and_reap(dead);
	undertaker = spawn(BY_FORK, send_for_nobody, NULL);
	await(BURIED);
	taker[0] = spawn(BY_FORK, take_type, &(long){ 2 });
	await_value(0, 2);
	reach(CLAIMED);
	finish(undertaker);
	taker[1] = spawn(BY_FORK, take_type, &(long){ 3 });
	await_value(0, 3);
	must_eq(mipc_msgsnd(ns, id, &m, 4, 0), 0);
	must_error(mipc_msgrcv(ns, id, &m, 4, 2, IPC_NOWAIT), ENOMSG);
	m.type = 3;
	must_eq(mipc_msgsnd(ns, id, &m, 4, 0), 0);
	finish(taker[0]);
	finish(taker[1]);
}
END_TEST

/* ---- still inside a queue that is no more ---- */

enum { INSIDE = 1, REPLACED };	/* stages */

#define INDICES	32768		/* of a kind: an id is index and sequence */

static const char *rest_at;

/* From then on it changes nothing: no other place is passed. */
static void
pass_none(const char *place)
{
	must_eq(strcmp(place, ""), 0);
}

static void
rest_once(const char *place)
{
	if (strcmp(place, rest_at) != 0)
		return;
	mipc_crash_hook = NULL;
	reach(INSIDE);
	await(REPLACED);
	if (strcmp(rest_at, "queue: found") == 0)
		mipc_crash_hook = pass_none;
}

static void
send_to_the_removed(void *arg)
{
	struct { long type; char text[4]; } m = { 1, "abc" };

	(void)arg;
	mipc_crash_hook = rest_once;
	must_error(mipc_msgsnd(ns, id, &m, 4, 0), EIDRM);
}

/* The queue goes; is one of the next so many made in its place? */
static bool
is_replaced(int removed, int *by)
{
	for (int i = 0; i < 200; i++) {
		*by = mipc_msgget(ns, IPC_PRIVATE, 0600);
		must(*by != -1);
		if (*by % INDICES == removed % INDICES)
			return true;
		must_eq(mipc_msgctl(ns, *by, IPC_RMID, NULL), 0);
	}
	return false;
}

/* It holds room there, and is about to write into it. */
START_TEST(G6_no_queue_is_made_where_somebody_is_inside_a_removed_one)
{
	pid_t pid;
	int by;

	open_ns(true);
	rest_at = "pages: space";
	pid = spawn(BY_FORK, send_to_the_removed, NULL);
	await(INSIDE);
	must_eq(mipc_msgctl(ns, id, IPC_RMID, NULL), 0);
	must(!is_replaced(id, &by));
	reach(REPLACED);
	finish(pid);
	must(is_replaced(id, &by));
}
END_TEST

/* It has found the queue, and holds nothing there: it comes too late. */
START_TEST(G6_who_comes_late_to_a_removed_queue_leaves_the_next_alone)
{
	struct { long type; char text[4]; } m = { 1, "abc" };
	pid_t pid;
	int by;

	open_ns(true);
	rest_at = "queue: found";
	pid = spawn(BY_FORK, send_to_the_removed, NULL);
	await(INSIDE);
	must_eq(mipc_msgctl(ns, id, IPC_RMID, NULL), 0);
	must(is_replaced(id, &by));
	reach(REPLACED);
	finish(pid);
	must_error(mipc_msgrcv(ns, by, &m, 4, 0, IPC_NOWAIT), ENOMSG);
	must_eq(mipc_msgsnd(ns, by, &m, 4, 0), 0);
	must_eq(mipc_msgrcv(ns, by, &m, 4, 0, 0), 4);
}
END_TEST

void
add_call_tests(TCase *tc)
{
	testing_add(tc,
	    G6_no_queue_is_made_where_somebody_is_inside_a_removed_one);
	testing_add(tc,
	    G6_who_comes_late_to_a_removed_queue_leaves_the_next_alone);
	testing_add_loop(tc, M7_who_claims_a_dead_sleepers_place_keeps_it,
	    0, 2);
	testing_add_loop(tc,
	    M3_who_is_told_again_while_it_looks_looks_again, 0, 4);
	testing_add_loop(tc,
	    M7_what_a_dead_one_was_handed_wakes_who_falls_asleep, 0, 2);
}
