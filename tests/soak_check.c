/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soak_check.c - what must be so in the soak test while everybody pauses.
 *
 * A fresh process looks.  Whoever pauses holds nothing but what it keeps, and
 * the dead hold nothing: their units have come back.  What they did without
 * SEM_UNDO stays, and is known but for the one operation each died in.
 */
#include "soak.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
violate(const char *fmt, ...)
{
	uint32_t nobody = 0;
	va_list ap;

	atomic_fetch_add(&board->violations, 1);
	if (!atomic_compare_exchange_strong(&board->told, &nobody, 1))
		return;
	va_start(ap, fmt);
	vsnprintf(board->text, sizeof(board->text), fmt, ap);
	va_end(ap);
}

static void
start_values(unsigned short v[NSEMS])
{
	memset(v, 0, NSEMS * sizeof(*v));
	v[LOCK] = v[LOCK2] = 1;
	for (unsigned i = UNIT; i < UNIT_END; i++)
		v[i] = UNITS;
	for (unsigned i = KEPT; i < KEPT_END; i++)
		v[i] = UNITS;
	for (unsigned i = PLAIN; i < PLAIN_END; i++)
		v[i] = PLAINS;
}

/* In a process of its own: the driver does not open the namespace. */
void
make_sets(void)
{
	const unsigned long long yes = 1;
	unsigned short v[NSEMS];

	if (board->barging &&
	    mipc_limit(sets_ns(), "barging", NULL, &yes) == -1)
		harness_die("barging: %s", strerror(errno));
	start_values(v);
	for (unsigned i = 0; i < SETS; i++) {
		board->id[i] = sets_get(IPC_PRIVATE, NSEMS, 0600);
		if (board->id[i] == -1)
			harness_die("semget: %s", strerror(errno));
		if (sets_ctl(board->id[i], 0, SETALL,
		    (union sem_arg){ .array = v }) == -1)
			harness_die("SETALL: %s", strerror(errno));
		board->plain[i] = (PLAIN_END - PLAIN) * PLAINS;
	}
}

void
bury(struct worker *w)
{
	for (unsigned i = 0; i < SETS; i++) {
		const uint64_t a = atomic_load(&w->plain[i]);
		const int now = ACCOUNT_NOW(a);

		board->plain[i] += ACCOUNT_DONE(a);
		*(now < 0 ? &board->least[i] : &board->most[i]) += now;
		atomic_store(&w->plain[i], 0);
	}
	memset(w->kept, 0, sizeof(w->kept));
}

/* ---- the comparison ---- */

static void
expected(unsigned set, int v[NSEMS])
{
	unsigned short start[NSEMS];

	start_values(start);
	for (unsigned i = 0; i < NSEMS; i++)
		v[i] = start[i];
	for (unsigned w = 0; w < WORKERS; w++)
		for (unsigned k = KEPT; k < KEPT_END; k++)
			v[k] -= board->worker[w].kept[set][k - KEPT];
}

static bool
are_expected(const unsigned short got[NSEMS], const int want[NSEMS],
    unsigned *where)
{
	for (*where = 0; *where < PLAIN; (*where)++)
		if (got[*where] != want[*where])
			return false;
	return true;
}

static void
compare_plain(unsigned set, const unsigned short got[NSEMS])
{
	int sum = 0, living = 0;

	for (unsigned i = PLAIN; i < PLAIN_END; i++)
		sum += got[i];
	for (unsigned w = 0; w < WORKERS; w++)
		living += ACCOUNT_DONE(atomic_load(
		    &board->worker[w].plain[set]));
	if (sum < board->plain[set] + living + board->least[set] ||
	    sum > board->plain[set] + living + board->most[set])
		violate("set %u: %d plain units, not %d (%d ... +%d)", set,
		    sum, board->plain[set] + living, board->least[set],
		    board->most[set]);
	board->plain[set] = sum - living;
	board->least[set] = board->most[set] = 0;
}

static void
compare_set(unsigned set)
{
	/* Somebody on the machine may look at a dead one through /proc. */
	const double end = harness_now() + 1;
	_Atomic uint32_t never = 0;
	unsigned short got[NSEMS];
	int want[NSEMS];
	unsigned i;

	expected(set, want);
	for (;;) {
		if (sets_ctl(board->id[set], 0, GETALL,
		    (union sem_arg){ .array = got }) == -1) {
			violate("GETALL: %s", error_name(errno));
			return;
		}
		if (are_expected(got, want, &i) || harness_now() > end)
			break;
		harness_wait(&never, 0, 0.02);
	}
	if (i < PLAIN)
		violate("set %u, semaphore %u: %d, not %d", set, i, got[i],
		    want[i]);
	compare_plain(set, got);
	for (unsigned k = 0; k < NSEMS; k++)
		if (sets_ask(board->id[set], (int)k, GETNCNT) != 0 ||
		    sets_ask(board->id[set], (int)k, GETZCNT) != 0)
			violate("set %u, semaphore %u: somebody waits, but "
			    "all pause", set, k);
}

static void
compare(void)
{
	for (unsigned i = 0; i < SETS; i++)
		compare_set(i);
	board->heartbeats = sets_heartbeats();
}

/* ---- for the report ---- */

void
describe_workers(void)
{
	for (unsigned w = 0; w < WORKERS; w++)
		if (board->worker[w].pid != 0)
			tap_note("worker %u, pid %d: \"%s\" on set %d", w,
			    board->worker[w].pid,
			    atomic_load(&board->worker[w].doing),
			    atomic_load(&board->worker[w].set));
}

void
describe(void)
{
	describe_workers();
	for (unsigned i = 0; i < SETS; i++)
		for (int k = 0; k < NSEMS; k++)
			tap_note("set %u semaphore %d: value %d, ncnt %d, "
			    "zcnt %d, pid %d, inside %llu", i, k,
			    sets_ask(board->id[i], k, GETVAL),
			    sets_ask(board->id[i], k, GETNCNT),
			    sets_ask(board->id[i], k, GETZCNT),
			    sets_ask(board->id[i], k, GETPID), k < LOCKS ?
			    (unsigned long long)atomic_load(
			    &board->inside[i][k]) : 0);
}

const struct play sets_play = {
	.make = make_sets,
	.compare = compare,
	.describe = describe,
	.work = work,
	.drive = drive_workers,
	.bury = bury,
};
