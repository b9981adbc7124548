/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff_sem_shrink.c - a sequence that ends at a difference, made short.
 *
 * The numbers of a step do not depend on the steps before it, so any steps
 * can be left out: first half of them, then quarters, down to single ones, as
 * long as a difference remains that is told in the same way.
 */
#include "diff_sem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST	20.0		/* seconds */
#define MOST	100000		/* steps */

static bool left_out[MOST];

/* false: more spans than a command line should have */
static bool
spans_of(const bool *out, unsigned n, struct spans *s)
{
	s->n = 0;
	for (unsigned i = 0; i < n; i++) {
		if (!out[i])
			continue;
		if (i == 0 || !out[i - 1]) {
			if (s->n == SPANS)
				return false;
			s->first[s->n++] = i;
		}
		s->last[s->n - 1] = i;
	}
	return true;
}

/* What to type to see the same sequence again. */
static void
print_command(const char *what, const struct config *c, size_t round,
    unsigned share, const struct spans *s)
{
	char list[SPANS * 12] = "";
	size_t n = 0;

	for (unsigned i = 0; s != NULL && i < s->n; i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n,
		    s->first[i] == s->last[i] ? "%s%u" : "%s%u-%u",
		    i == 0 ? " --skip " : ",", s->first[i], s->last[i]);
	tap_note("%s: %s --round '%s' --seed %llu --ops %u%s", what,
	    kernel_is_apart ? "./mipcrun --private tests/plain_diff_sem" :
	    "tests/diff_sem", c->name, (unsigned long long)c->seed - round,
	    (c->ops * 100 + share - 1) / share, list);
}

static bool
still_differs(struct config *c, const struct ending *wanted)
{
	struct spans s;

	if (!spans_of(left_out, c->ops, &s))
		return false;
	c->skip = &s;
	return diff_sequence(c, true) == SEQUENCE_DIFFERS &&
	    ending->fmt == wanted->fmt && ending->kind == wanted->kind;
}

/* Leave out the steps of one chunk, if the difference stays. */
static void
try_without(struct config *c, unsigned first, unsigned n,
    const struct ending *wanted)
{
	bool was[MOST];

	memcpy(was, left_out, sizeof(was));
	for (unsigned i = first; i < first + n && i < c->ops; i++)
		left_out[i] = true;
	if (memcmp(was, left_out, sizeof(was)) == 0)
		return;
	if (still_differs(c, wanted))
		c->ops = diff_steps();	/* no later than there */
	else
		memcpy(left_out, was, sizeof(was));
}

void
shrink(const struct config *failed, size_t round, unsigned share)
{
	const double end = harness_now() + LONGEST;
	struct config c = *failed;
	struct ending wanted;
	struct spans s;

	c.ops = diff_steps();
	print_command("again", &c, round, share, c.skip);
	if (c.ops > MOST || c.skip != NULL)
		return;
	c.hasty = true;
	if (diff_sequence(&c, true) != SEQUENCE_DIFFERS) {
		tap_note("made again, it does not differ");
		return;
	}
	wanted = *ending;
	memset(left_out, 0, sizeof(left_out));
	for (unsigned n = c.ops / 2; n > 0; n /= 2)
		for (unsigned i = 0; i < c.ops && harness_now() < end; i += n)
			try_without(&c, i, n, &wanted);
	spans_of(left_out, c.ops, &s);
	c.skip = &s;
	diff_sequence(&c, false);
	print_command("shorter", &c, round, share, &s);
}
