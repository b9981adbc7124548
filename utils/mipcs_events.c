/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_events.c - what happens in a namespace, while it does: mipcs --events.
 *
 * Nothing in a namespace tells others what its users do, and nobody is to be
 * slower because somebody looks on.  So the namespace is looked at again and
 * again, and what differs from the look before has happened meanwhile.  Each
 * look is a sorted list of things that are so: that a process lives, that an
 * object is there, that a process has it attached, that one sleeps in it.
 * What came and went between two looks is not seen; hint.c says when they are.
 */
#include "gather.h"
#include "hint.h"
#include "json.h"
#include "mipcs.h"
#include "survey.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum what { PROCESS, OBJECT, ATTACH, SLEEPER };

/* What is so; one is another if all but `process` and `count` are equal. */
struct thing {
	enum what what;
	enum mipc_kind kind;
	int id;
	unsigned long long life;
	time_t since;			/* a sleeper's */
	char words[WORDS];		/* for what it sleeps */
	key_t key;			/* an object's */
	unsigned long long count;	/* of attaches */
	struct mipc_look_process process;
};

struct things {
	struct thing *all;
	size_t n;
};

/* --- looking ----------------------------------------------------------- */

static int
add(struct things *t, const struct thing *thing)
{
	struct thing *more;

	if ((t->n & (t->n - 1)) == 0) {		/* full at powers of 2 */
		more = realloc(t->all,
		    (t->n == 0 ? 1 : 2 * t->n) * sizeof(*more));
		if (more == NULL)
			return -1;
		t->all = more;
	}
	t->all[t->n++] = *thing;
	return 0;
}

/* That a process does something; not one that has ended. */
static int
add_user(struct things *t, struct thing thing,
    const struct mipc_look_process *p)
{
	if (!p->alive)
		return 0;
	thing.life = p->life;
	thing.process = *p;
	return add(t, &thing);
}

static int
add_attaches(struct things *t, struct mipc_ns *ns, struct thing thing)
{
	size_t n = 0;
	int torn, error = 0;
	struct mipc_look_attach *all = gather_attaches(ns, thing.id, &n,
	    &torn);

	thing.what = ATTACH;
	for (size_t i = 0; i < n && error == 0; i++) {
		thing.count = all[i].count;
		error = add_user(t, thing, &all[i].process);
	}
	free(all);
	return error;
}

static int
add_sleepers(struct things *t, struct mipc_ns *ns, struct thing thing)
{
	size_t n = 0;
	int torn, error = 0;
	struct mipc_look_sleeper *all = gather_sleepers(ns, thing.kind,
	    thing.id, &n, &torn);

	thing.what = SLEEPER;
	for (size_t i = 0; i < n && error == 0; i++) {
		thing.since = all[i].since;
		memset(thing.words, 0, sizeof(thing.words));
		say_wait(&all[i], thing.words);
		error = add_user(t, thing, &all[i].process);
	}
	free(all);
	return error;
}

/* A segment that was removed is there no more, but may be attached. */
static int
add_object(struct things *t, struct mipc_ns *ns, const struct object *o)
{
	struct thing thing = { .what = OBJECT, .kind = o->kind, .id = o->id,
	    .key = o->ds.perm.__key };
	const bool removed = o->kind == MIPC_SHM && o->error == 0 &&
	    (o->ds.perm.mode & SHM_DEST) != 0;

	if (!removed && add(t, &thing) == -1)
		return -1;
	thing.key = 0;
	return o->kind == MIPC_SHM ? add_attaches(t, ns, thing) :
	    add_sleepers(t, ns, thing);
}

static int
add_kind(struct things *t, struct mipc_ns *ns, enum mipc_kind kind)
{
	size_t n = 0;
	struct object *all = survey(ns, kind, &n);
	int error = all == NULL ? -1 : 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = add_object(t, ns, &all[i]);
	free(all);
	return error;
}

static int
add_processes(struct things *t, struct mipc_ns *ns)
{
	size_t n = 0;
	struct mipc_look_process *all = gather_processes(ns, &n);
	int error = all == NULL ? -1 : 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = add_user(t, (struct thing){ .what = PROCESS },
		    &all[i]);
	free(all);
	return error;
}

#define ORDER(a, b)	(((a) > (b)) - ((a) < (b)))

static int
compare(const void *first, const void *second)
{
	const struct thing *a = first, *b = second;
	int order = ORDER(a->what, b->what);

	if (order == 0)
		order = ORDER(a->kind, b->kind);
	if (order == 0)
		order = ORDER(a->id, b->id);
	if (order == 0)
		order = ORDER(a->life, b->life);
	if (order == 0)
		order = ORDER(a->since, b->since);
	return order != 0 ? order : strcmp(a->words, b->words);
}

static int
look(const struct command *cmd, struct mipc_ns *ns, struct things *t)
{
	int error = add_processes(t, ns);

	for (int k = 0; k < NKINDS && error == 0; k++)
		if (cmd->kinds == 0 || (cmd->kinds & 1u << k) != 0)
			error = add_kind(t, ns, (enum mipc_kind)k);
	if (error == 0 && t->n > 0)
		qsort(t->all, t->n, sizeof(*t->all), compare);
	return error;
}

/* --- telling ----------------------------------------------------------- */

static void
begin_line(const char *event)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	printf("{\"time\": %lld.%03ld, \"event\": \"%s\"",
	    (long long)now.tv_sec, now.tv_nsec / 1000000, event);
}

static void
print_process(const struct mipc_look_process *p)
{
	char command[MIPC_COMMAND];

	say_command(p, command);
	printf(", \"pid\": %d, \"command\": ", (int)p->pid);
	json_string(command);
}

static void
print_event(const char *event, const struct thing *t)
{
	begin_line(event);
	if (t->what != PROCESS)
		printf(", \"kind\": \"%s\", \"id\": %d",
		    facilities[t->kind].one, t->id);
	if (t->what == OBJECT)
		printf(", \"key\": \"0x%08x\"", (unsigned)t->key);
	if (t->what == ATTACH)
		printf(", \"count\": %llu", t->count);
	if (t->what == SLEEPER) {
		printf(", \"since\": %lld, \"for\": ", (long long)t->since);
		json_string(t->words);
	}
	if (t->what != OBJECT)
		print_process(&t->process);
	printf("}\n");
}

/*
 * Of one sort of things tell those of `a` that are not in `b`; and of attaches
 * those that are more here.
 */
static void
tell(const char *event, enum what what, const struct things *a,
    const struct things *b, bool ended)
{
	size_t j = 0;

	for (size_t i = 0; i < a->n; i++) {
		const struct thing *one = &a->all[i];
		int order = -1;

		while (j < b->n && (order = compare(one, &b->all[j])) > 0)
			j++;
		if (j == b->n)
			order = -1;
		if (one->what == what && order < 0) {
			struct thing gone = *one;

			gone.count = ended ? 0 : one->count;
			print_event(event, &gone);
		} else if (one->what == what && what == ATTACH &&
		    one->count > b->all[j].count) {
			print_event(event, ended ? &b->all[j] : one);
		}
		j += order == 0;
	}
}

static void
tell_all(const struct things *old, const struct things *now)
{
	tell("death", PROCESS, old, now, true);
	tell("wake", SLEEPER, old, now, true);
	tell("detach", ATTACH, old, now, true);
	tell("remove", OBJECT, old, now, true);
	tell("create", OBJECT, now, old, false);
	tell("attach", ATTACH, now, old, false);
	tell("block", SLEEPER, now, old, false);
}

/* --- on and on --------------------------------------------------------- */

/* One look, and what has happened since the one before. */
static int
step(const struct command *cmd, struct mipc_ns *ns, struct things *old,
    bool first)
{
	struct things now = { .n = 0 };

	if (look(cmd, ns, &now) == -1) {
		free(now.all);
		return -1;
	}
	if (first) {
		begin_line("begin");
		printf(", \"dir\": ");
		json_string(cmd->dir);
		printf("}\n");
	} else {
		tell_all(old, &now);
	}
	free(old->all);
	*old = now;
	return fflush(stdout) == EOF || ferror(stdout) ? -1 : 0;
}

int
print_events(const struct command *cmd, struct mipc_ns *ns)
{
	struct things things = { .n = 0 };
	enum hint_end end = HINT_LOOK;
	struct hint hint;
	int error = 0;

	hint_begin(&hint, cmd->dir, cmd->events);
	for (bool first = true; error == 0 && end == HINT_LOOK;
	    first = false) {
		hint_looks(&hint);
		error = step(cmd, ns, &things, first);
		if (error == 0)
			end = hint_await(&hint);
	}
	if (end == HINT_GONE)
		step(cmd, ns, &things, false);
	if (error == -1)
		warn("%s: events", cmd->dir);
	free(things.all);
	hint_end(&hint);
	if (end == HINT_UNREAD)
		raise(SIGPIPE);		/* as if something had been written */
	return error == 0 ? EXIT_FINE : EXIT_UNREADABLE;
}
