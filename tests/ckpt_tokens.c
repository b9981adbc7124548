/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_tokens.c - checkpoints of a namespace in which processes move tokens
 * from sets to queues and back.
 *
 *	ckpt_tokens DIRECTORY FILE TIMES [busy]
 *
 * Busy are more movers than processors that never pause, among so many objects
 * that there always is one that changes while they are copied.
 *
 * A token is out of an object before it is in the next; so at every moment as
 * many are missing as there are movers, at most, and none is there twice.
 * Says how many checkpoints were wrong.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ckpt.h"
#include "mipc.h"

enum { PAIRS = 8, MOVERS = 2, BURST = 400, PAUSE_NS = 200000 };
enum { BUSY_PAIRS = 1024, BUSY_MOVERS = 4, EACH = 30 };

static int set[BUSY_PAIRS], queue[BUSY_PAIRS];
static int pairs = PAIRS, movers = MOVERS;
static long pause_ns = PAUSE_NS;

static void
die(const char *what)
{
	err(2, "%s: %s", what, mipc_reason());
}

static void
prepare(struct mipc_ns *ns)
{
	struct sembuf first = { .sem_op = EACH };

	for (int i = 0; i < pairs; i++) {
		set[i] = mipc_semget(ns, IPC_PRIVATE, 1, 0600);
		queue[i] = mipc_msgget(ns, IPC_PRIVATE, 0600);
		if (set[i] == -1 || queue[i] == -1 ||
		    mipc_semop(ns, set[i], &first, 1) == -1)
			die("prepare");
	}
}

/* From a set to a queue, or from a queue to a set; what is empty is left. */
static void
move(struct mipc_ns *ns, int from, int to, int out)
{
	struct sembuf take = { .sem_op = -1, .sem_flg = IPC_NOWAIT };
	struct sembuf give = { .sem_op = 1 };
	struct {
		long type;
		char text[8];
	} token = { .type = 1 };

	if (out && mipc_semop(ns, set[from], &take, 1) == 0 &&
	    mipc_msgsnd(ns, queue[to], &token, sizeof(token.text), 0) == -1)
		die("msgsnd");
	if (!out && mipc_msgrcv(ns, queue[from], &token, sizeof(token.text),
	    0, IPC_NOWAIT) >= 0 && mipc_semop(ns, set[to], &give, 1) == -1)
		die("semop");
}

static pid_t
begin_mover(struct mipc_ns *ns, unsigned seed)
{
	const struct timespec pause = { .tv_nsec = pause_ns };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		for (int i = 0; i < BURST; i++) {
			seed = seed * 1103515245 + 12345;
			move(ns, (int)(seed >> 8) & (pairs - 1),
			    (int)(seed >> 16) & (pairs - 1), seed >> 7 & 1);
		}
		if (pause_ns != 0)
			nanosleep(&pause, NULL);	/* it has gaps */
	}
}

/* Tokens in a checkpoint. */
static unsigned long
count(const char *path)
{
	struct mipc_ckpt *c = mipc_ckpt_open(path, NULL);
	const struct mipc_ckpt_object *o;
	unsigned long n = 0;

	if (c == NULL)
		die(path);
	while (c->record.type != MIPC_CKPT_END) {
		if (mipc_ckpt_record(c) != 0)
			die(path);
		o = (const void *)c->payload;
		if (c->record.type == MIPC_CKPT_MESSAGE)
			n++;
		else if (c->record.type == MIPC_CKPT_OBJECT &&
		    o->kind == MIPC_SEM)
			n += MIPC_SEM_VALUE(mipc_ckpt_sems(o)[0]);
	}
	mipc_ckpt_close(c);
	return n;
}

static void
take_all(struct mipc_ns *ns, const char *path, int times)
{
	unsigned long n, tokens = (unsigned long)pairs * EACH;
	int wrong = 0, late = 0;

	for (int i = 0; i < times; i++) {
		if (mipc_checkpoint(ns, path, 1, NULL) == -1) {
			if (errno != EAGAIN)
				die(path);
			late++;
			continue;
		}
		n = count(path);
		if (n > tokens || n + (unsigned long)movers < tokens)
			wrong++;
	}
	printf("%d of %d wrong, %d not made\n", wrong, times, late);
}

int
main(int argc, char **argv)
{
	pid_t mover[BUSY_MOVERS];
	struct mipc_ns *ns;

	if (argc != 4 && (argc != 5 || strcmp(argv[4], "busy") != 0))
		errx(2, "usage: ckpt_tokens DIRECTORY FILE TIMES [busy]");
	if (argc == 5) {
		pairs = BUSY_PAIRS;
		movers = BUSY_MOVERS;
		pause_ns = 0;
	}
	ns = mipc_open(argv[1], MIPC_CREAT);
	if (ns == NULL)
		die(argv[1]);
	prepare(ns);
	for (int i = 0; i < movers; i++)
		mover[i] = begin_mover(ns, (unsigned)i + 1);
	take_all(ns, argv[2], atoi(argv[3]));
	for (int i = 0; i < movers; i++) {
		kill(mover[i], SIGKILL);
		waitpid(mover[i], NULL, 0);
	}
	return 0;
}
