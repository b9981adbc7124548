/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * side.c - one side of one row, in its own process.
 *
 * The driver sends the number of operations of a batch (0: find out how many
 * fill a batch's time) and gets an answer for each.  The end of the socket is
 * the order to clean up and leave.
 */
#include <sys/prctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define MOST	(1UL << 24)	/* operations of a batch */
#define HUNG	30	/* seconds after which an order has no end */

uint64_t
bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Make the row's objects, keys counted from BENCH_FIRST_KEY. */
int
bench_create_all(struct bench *b)
{
	const int flags = IPC_CREAT | IPC_EXCL | 0600 | b->row->flags;

	b->id = calloc(b->count, sizeof(*b->id));
	if (b->id == NULL)
		return -1;
	for (b->made = 0; b->made < b->count; b->made++) {
		const int key = BENCH_FIRST_KEY + (int)b->made;

		b->id[b->made] = b->side->ops->create(b, key, flags);
		if (b->id[b->made] < 0) {
			snprintf(b->note, sizeof(b->note),
			    "create, object %u of %u: %s", b->made + 1,
			    b->count, strerror(errno));
			return -1;
		}
	}
	return 0;
}

/* Detach and remove whatever setup and the runs left. */
void
bench_remove_all(struct bench *b)
{
	const struct bench_ops *ops = b->side->ops;

	if (b->second != -1)
		close(b->second);
	if (b->held != NULL)
		ops->detach(b, b->held);
	for (unsigned i = 0; i < b->attached; i++)
		ops->detach(b, b->at[i]);
	for (unsigned i = 0; i < b->made; i++)
		ops->remove(b, b->id[i]);
	free(b->at);
	free(b->id);
}

/* Open the namespace, and raise its limit if the row needs it. */
static int
open_home(struct bench *b)
{
	const unsigned long long most = 32768;
	char dir[160];

	if (b->side->home == HOME_NONE)
		return 0;
	snprintf(dir, sizeof(dir), "%s/ns", b->place->dir);
	b->ns = b->side->home == HOME_ANON ? mipc_anon(0) :
	    mipc_open(dir, MIPC_CREAT);
	if (b->ns == NULL) {
		snprintf(b->note, sizeof(b->note), "%s: %s",
		    b->side->home == HOME_ANON ? "mipc_anon" : mipc_reason(),
		    strerror(errno));
		return -1;
	}
	/* The promises that the preload module makes too: see mipc.h. */
	mipc_credentials_changed();
	mipc_memory_changed(NULL, 0);
	if (b->count > 4096)
		return mipc_limit(b->ns, "shmmni", NULL, &most);
	return 0;
}

/*
 * How many operations fill a batch: doubled until they nearly do.  The first
 * one is apart, which finds nothing in the caches yet.
 */
static unsigned long
calibrate(struct bench *b, uint64_t batch_ns)
{
	if (b->side->run(b, 1) < 0)
		return 0;
	for (unsigned long n = 1;; n *= 2) {
		const uint64_t start = bench_now();
		uint64_t took;

		if (b->side->run(b, n) < 0)
			return 0;
		took = bench_now() - start;
		if (took >= batch_ns / 2 || n >= MOST)
			return took > batch_ns ? (n + 1) / 2 : n;
	}
}

static void
answer(int sock, struct bench *b, struct bench_answer *a)
{
	if (a->failed && b->note[0] == '\0')
		snprintf(b->note, sizeof(b->note), "%s", strerror(errno));
	a->left_out = b->left_out;
	a->also = b->also;
	memcpy(a->note, b->note, sizeof(a->note));
	if (send(sock, a, sizeof(*a), MSG_NOSIGNAL) != sizeof(*a))
		_exit(1);
}

/* Run what the driver of `sock` orders; returns when it hangs up. */
static void
obey(struct bench *b, int sock)
{
	uint64_t order[2];	/* operations, or 0 and a batch's time */

	while (recv(sock, order, sizeof(order), 0) == sizeof(order)) {
		struct bench_answer a = { .n = order[0] };

		alarm(HUNG);	/* a lost wake ends this side alone */
		if (order[0] == 0 && b->row->once != 0)
			a.n = b->row->once;
		else if (order[0] == 0)
			a.n = calibrate(b, order[1]);
		else
			a.value = b->side->run(b, order[0]);
		alarm(0);
		a.failed = a.n == 0 || a.value < 0;
		answer(sock, b, &a);
		if (a.failed)
			break;
	}
}

/* The whole life of a side's process.  Does not return. */
void
bench_side_main(struct bench *b, int sock)
{
	struct bench_answer a = { .n = 0 };

	b->second = -1;
	b->also = NAN;
	b->random = 88172645463325252ULL;
	if (open_home(b) == -1 || b->side->setup(b) == -1) {
		a.failed = 1;
		answer(sock, b, &a);
	} else {
		answer(sock, b, &a);
		obey(b, sock);
	}
	b->side->teardown(b);
	_exit(0);
}
