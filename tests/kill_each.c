/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_each.c - a short operation that is killed at each single instruction.
 */
#include "kill_each.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "victim.h"

#define ENOUGH	3	/* failures */

/* All instructions, of a victim that nothing happens to. */
static void
record(struct kill_each *k, struct track *t)
{
	pid_t born = 0, pid;

	k->make();
	pid = victim_start(k->operate);
	if (!trace_record(pid, t, false, &born))
		harness_die("it cannot be stepped");
	victim_end(pid);
	k->steps = t->n;
}

static const char *
kill_at(const struct kill_each *k, const struct point *p)
{
	pid_t born = 0, pid;
	bool drifted = false;

	k->make();
	pid = victim_start(k->operate);
	trace_to(pid, p, &born, &drifted);
	victim_end(pid);
	return k->judge();
}

static bool
is_due(const struct kill_each *k, const struct track *t, unsigned i)
{
	return (i + (unsigned)getpid()) % k->part == 0 ||
	    t->point[i].calls + k->calls > t->point[t->n - 1].calls;
}

static void
try_each(struct kill_each *k, const struct track *t)
{
	const unsigned enough = k->broken ? 1 : ENOUGH;
	const char *what;

	for (unsigned i = 0; i < t->n && k->bad < enough; i++) {
		what = is_due(k, t, i) ? kill_at(k, &t->point[i]) : NULL;
		if (what == NULL)
			continue;
		tap_note("killed after call %u + %u: %s", t->point[i].calls,
		    t->point[i].steps, what);
		k->bad++;
	}
}

bool
kill_each(struct kill_each *k, int argc, char **argv)
{
	struct track *t = harness_shared(sizeof(*t));

	k->part = 1;
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--broken") == 0)
			k->broken = true;
		else if (strcmp(argv[i], "--part") == 0)
			k->part = (unsigned)atoi(harness_value(argc, argv,
			    &i));
	if (!trace_available() || k->part == 0) {
		puts("1..0 # SKIP no single step on this machine");
		return false;
	}
	watch_ignore(t);
	record(k, t);
	try_each(k, t);
	return true;
}
