/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure.c - runs the sides of a row in turn and takes the medians.
 *
 * In each round every side runs one batch, and the side that begins moves on
 * by one from round to round.  A round's ratio compares two batches that ran
 * within a few milliseconds of each other; its quartiles over the rounds say
 * how far to believe the result.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define MOST_ROUNDS	101
#define LEAST_ROUNDS	3

/* A side's process, as its driver sees it. */
struct worker {
	pid_t pid;		/* 0: not running */
	int sock;
	unsigned long n;
	double value[MOST_ROUNDS];
};

static volatile sig_atomic_t stopped;

static void
stop(int sig)
{
	stopped = sig;
}

/*
 * Signals are blocked but in ppoll(), so none is missed between a look at
 * `stopped` and the wait.
 */
static void
catch_signals(void)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	struct sigaction sa = { .sa_handler = stop };
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		sigaddset(&block, wanted[i]);
		sigaction(wanted[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &block, NULL);
}

/* Wait for a worker's answer.  -1: it is gone, or a signal came. */
static int
take_answer(struct worker *w, struct bench_answer *a)
{
	struct pollfd p = { .fd = w->sock, .events = POLLIN };
	sigset_t none;

	sigemptyset(&none);
	while (stopped == 0) {
		if (ppoll(&p, 1, NULL, &none) == -1)
			continue;
		if (recv(w->sock, a, sizeof(*a), 0) != sizeof(*a))
			return -1;
		return a->failed ? -1 : 0;
	}
	return -1;
}

/* End a worker that is to go, or is gone; say why in `note`. */
static void
end_worker(struct worker *w, int with_force, char *note)
{
	int status;

	if (w->pid == 0)
		return;
	if (with_force)
		kill(w->pid, SIGKILL);
	close(w->sock);
	while (waitpid(w->pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (!with_force && WIFSIGNALED(status) && note[0] == '\0')
		snprintf(note, BENCH_NOTE, "killed by signal %d",
		    WTERMSIG(status));
	w->pid = 0;
}

/* Ask a worker for a batch.  The side is out if it fails. */
static int
ask(struct worker *w, const uint64_t order[2], struct bench_answer *a,
    char *note)
{
	if (w->pid == 0)
		return -1;
	memset(a, 0, sizeof(*a));
	if (order != NULL)
		send(w->sock, order, 2 * sizeof(*order), MSG_NOSIGNAL);
	if (take_answer(w, a) == 0)
		return 0;
	memcpy(note, a->note, BENCH_NOTE);
	end_worker(w, stopped != 0, note);
	return -1;
}

/*
 * Start the process of the side that `b` describes as worker `i`.  It must
 * not keep the sockets of those before it, or their end would go unnoticed.
 */
static int
start_worker(struct worker *all, int i, struct bench *b)
{
	struct worker *w = &all[i];
	const pid_t driver = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	fflush(NULL);
	w->pid = fork();
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != driver)
			_exit(1);
		close(pair[0]);
		for (int k = 0; k < i; k++)
			if (all[k].pid != 0)
				close(all[k].sock);
		bench_side_main(b, pair[1]);
	}
	close(pair[1]);
	w->sock = pair[0];
	if (w->pid == -1) {
		w->pid = 0;
		close(pair[0]);
		return -1;
	}
	return 0;
}

static void
start_sides(struct worker *w, struct bench *b,
    const struct bench_options *opt, struct bench_result *r)
{
	for (int i = 0; i < BENCH_SIDES && b->row->side[i].name; i++) {
		uint64_t order[2] = { 0, opt->batch_ns };
		struct bench_answer a;
		const int is_kernel = strcmp(b->row->side[i].name, "kernel")
		    == 0;

		b->side = &b->row->side[i];
		if (is_kernel && b->place->kernel[0] != '\0') {
			memcpy(r->note[i], b->place->kernel, BENCH_NOTE);
			continue;
		}
		if (start_worker(w, i, b) == -1) {
			snprintf(r->note[i], BENCH_NOTE, "fork: %s",
			    strerror(errno));
			continue;
		}
		if (ask(&w[i], NULL, &a, r->note[i]) == 0 &&
		    ask(&w[i], order, &a, r->note[i]) == 0)
			w[i].n = a.n;
		r->left_out[i] = a.left_out;
	}
}

static void
run_round(struct worker *w, unsigned round, struct bench_result *r)
{
	for (unsigned k = 0; k < BENCH_SIDES; k++) {
		const unsigned i = (k + round) % BENCH_SIDES;
		const uint64_t order[2] = { w[i].n, 0 };
		struct bench_answer a;

		if (ask(&w[i], order, &a, r->note[i]) == 0) {
			w[i].value[round] = a.value;
			r->also[i] = a.also;
		}
	}
}

static int
by_value(const void *x, const void *y)
{
	const double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static struct bench_spread
spread_of(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return (struct bench_spread){
		.low = v[n / 4],
		.middle = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2,
		.high = v[n - 1 - n / 4],
	};
}

static int
side_index(const struct bench_row *row, const char *name)
{
	for (int i = 0; i < BENCH_SIDES && row->side[i].name; i++)
		if (strcmp(row->side[i].name, name) == 0)
			return i;
	return -1;
}

/*
 * Medians, the ratio of the medians, and the spread of the rounds' ratios; a
 * round in which mipc's side saw nothing taken has none.
 */
static void
reckon(struct worker *w, unsigned rounds, struct bench_result *r)
{
	const int k = side_index(r->row, "kernel");
	const int m = side_index(r->row, "mipc");
	double ratio[MOST_ROUNDS];
	unsigned n = 0;

	for (unsigned i = 0; i < rounds; i++)
		if (k >= 0 && m >= 0 && w[m].value[i] > 0)
			ratio[n++] = w[k].value[i] / w[m].value[i];
	for (int i = 0; i < BENCH_SIDES; i++)
		if (w[i].pid != 0 && rounds > 0)
			r->value[i] = spread_of(w[i].value, rounds).middle;
	if (k < 0 || m < 0 || isnan(r->value[k]) || isnan(r->value[m]) ||
	    n == 0 || r->value[m] <= 0)
		return;
	r->ratio = r->value[k] / r->value[m];
	r->spread = spread_of(ratio, n);
}

int
bench_measure(const struct bench_row *row, const struct bench_options *opt,
    const struct bench_place *place, struct bench_result *r)
{
	static struct worker w[BENCH_SIDES];
	struct bench b = {
		.row = row, .place = place, .batch_ns = opt->batch_ns,
	};
	unsigned round, rounds = opt->rounds;
	uint64_t start;

	if (row->rounds != 0 && row->rounds < rounds)
		rounds = row->rounds;
	catch_signals();
	memset(w, 0, sizeof(w));
	memset(r, 0, sizeof(*r));
	r->row = row;
	r->ratio = NAN;
	for (int i = 0; i < BENCH_SIDES; i++)
		r->value[i] = r->also[i] = NAN;
	bench_fit(row, opt, place, &b);
	memcpy(r->note[BENCH_SIDES], b.note, BENCH_NOTE);
	b.note[0] = '\0';
	start_sides(w, &b, opt, r);
	start = bench_now();
	for (round = 0; round < rounds && stopped == 0; round++) {
		if (round >= LEAST_ROUNDS && bench_now() - start > opt->row_ns)
			break;
		run_round(w, round, r);
	}
	reckon(w, round, r);
	for (int i = 0; i < BENCH_SIDES; i++)
		end_worker(&w[i], stopped != 0, r->note[i]);
	bench_place_sweep(place);
	return (int)stopped;
}
