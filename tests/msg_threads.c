/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msg_threads.c - threads in place of processes on one queue: senders of short
 * and long messages, receivers that choose in every way there is, some that
 * sleep and some that do not, copies made meanwhile.  What is sent arrives
 * once and whole.  Under the thread sanitizer (sanitizers.sh) every access to
 * the inbox, the index, the pockets, the pages and the lines of sleepers is
 * watched.
 */
#include "mipc.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "commands.h"

enum { SENDERS = 3, RECEIVERS = 4, EACH = 1500, TYPES = 3, LONGEST = 6000 };

struct letter {
	long type;
	unsigned char text[LONGEST];
};

static struct mipc_ns *ns;
static int queue;
static mipc_u32 got[SENDERS][EACH];	/* how often each has arrived */
static mipc_u32 left;			/* that have not */
/* Plain: a letter's way alone orders what is noted with it. */
static unsigned note[SENDERS][EACH];
static bool patient;			/* receivers sleep */

static void
die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- what is sent ------------------------------------------------------ */

static size_t
size_of(unsigned number)
{
	return 8 + (number % 50 == 0 ? number * 7 % (LONGEST - 8) :
	    number % 200);
}

static unsigned char
byte_of(unsigned who, unsigned number, size_t at)
{
	return (unsigned char)(who * 83 + number * 7 + at);
}

static void
fill(struct letter *l, unsigned who, unsigned number)
{
	memcpy(l->text, &who, 4);
	memcpy(l->text + 4, &number, 4);
	for (size_t i = 8; i < size_of(number); i++)
		l->text[i] = byte_of(who, number, i);
	l->type = 1 + (long)(number % TYPES);
}

/* Whose it is, if it is whole. */
static void
read_letter(const struct letter *l, size_t size, unsigned *who,
    unsigned *number)
{
	memcpy(who, l->text, 4);
	memcpy(number, l->text + 4, 4);
	if (size < 8 || *who >= SENDERS || *number >= EACH ||
	    size != size_of(*number) ||
	    l->type != 1 + (long)(*number % TYPES))
		die("a letter that nobody sent");
	for (size_t i = 8; i < size; i++)
		if (l->text[i] != byte_of(*who, *number, i))
			die("a letter of two");
}

/* --- threads ----------------------------------------------------------- */

static void *
send_all(void *arg)
{
	unsigned who = *(const unsigned *)arg;
	struct letter l;

	for (unsigned number = 0; number < EACH; number++) {
		fill(&l, who, number);
		note[who][number] = number + 1;
		if (mipc_msgsnd(ns, queue, &l, size_of(number), 0) != 0)
			die("msgsnd");
	}
	return NULL;
}

static const struct {
	long type;
	int flags;
} choices[RECEIVERS] = {
	{ 0, 0 }, { -TYPES, 0 }, { 2, MSG_EXCEPT }, { 2, 0 },
};

static void *
receive(void *arg)
{
	static const struct timespec a_while = { 0, 3000000 };
	unsigned me = *(const unsigned *)arg, who, number;
	struct letter l;
	ssize_t size;

	while (mipc_take(&left) > 0) {
		size = mipc_msgtimedrcv(ns, queue, &l, sizeof(l.text),
		    choices[me].type, choices[me].flags |
		    (patient ? 0 : IPC_NOWAIT), &a_while);
		if (size == -1 && (errno == ENOMSG || errno == EAGAIN)) {
			sched_yield();
			continue;
		}
		if (size == -1)
			die("msgrcv");
		read_letter(&l, (size_t)size, &who, &number);
		if (note[who][number] != number + 1)
			die("a letter that came before it was sent");
		note[who][number] = 0;
		mipc_add(&got[who][number], 1);
		mipc_add(&left, -1u);
	}
	return NULL;
}

/* Copies, and questions. */
static void *
look(void *arg)
{
	struct msqid_ds ds;
	unsigned who, number;
	struct letter l;
	ssize_t size;

	while (mipc_take(&left) > 0) {
		size = mipc_msgrcv(ns, queue, &l, sizeof(l.text), 1,
		    MSG_COPY | IPC_NOWAIT);
		if (size == -1 && errno != ENOMSG)
			die("MSG_COPY");
		if (size != -1)
			read_letter(&l, (size_t)size, &who, &number);
		if (mipc_msgctl(ns, queue, IPC_STAT, &ds) != 0)
			die("IPC_STAT");
		sched_yield();
	}
	return arg;
}

/* --- a run ------------------------------------------------------------- */

static bool
each_once(void)
{
	struct msqid_ds ds;

	for (int i = 0; i < SENDERS; i++)
		for (int k = 0; k < EACH; k++)
			if (mipc_peek(&got[i][k]) != 1)
				return false;
	return mipc_msgctl(ns, queue, IPC_STAT, &ds) == 0 &&
	    ds.msg_qnum == 0;
}

static void
start(pthread_t *thread, void *(*body)(void *), unsigned *number)
{
	if (pthread_create(thread, NULL, body, number) != 0)
		die("pthread_create");
}

static bool
run(bool sleep)
{
	pthread_t thread[SENDERS + RECEIVERS + 1];
	unsigned number[RECEIVERS];
	bool good;

	patient = sleep;
	for (int i = 0; i < SENDERS; i++)
		for (int k = 0; k < EACH; k++)
			mipc_put(&got[i][k], 0);
	mipc_put(&left, SENDERS * EACH);
	queue = mipc_msgget(ns, IPC_PRIVATE, 0600);
	if (queue == -1)
		die("msgget");
	for (unsigned i = 0; i < RECEIVERS; i++) {
		number[i] = i;
		start(&thread[i], receive, &number[i]);
	}
	for (int i = 0; i < SENDERS; i++)
		start(&thread[RECEIVERS + i], send_all, &number[i]);
	start(&thread[RECEIVERS + SENDERS], look, NULL);
	for (int i = 0; i < RECEIVERS + SENDERS + 1; i++)
		pthread_join(thread[i], NULL);
	good = each_once();
	mipc_msgctl(ns, queue, IPC_RMID, NULL);
	return good;
}

int
main(void)
{
	static const char *const how[] = { "looking", "asleep" };
	bool failed = false;

	puts("1..2");
	ns = mipc_anon(0);
	if (ns == NULL)
		die("mipc_anon");
	for (int i = 0; i < 2; i++) {
		bool good = run(i == 1);

		failed |= !good;
		printf("%sok %d - %d letters arrive once, receivers %s\n",
		    good ? "" : "not ", i + 1, SENDERS * EACH, how[i]);
	}
	return failed;
}
