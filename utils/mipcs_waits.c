/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_waits.c - who waits for whom: mipcs --waits.
 *
 * Each thread that sleeps waits for every process that holds what it sleeps
 * for.  Of a semaphore that is to grow these are the ones that have taken from
 * it with SEM_UNDO and so will give back, of one that is to become 0 the ones
 * that have added.  Who will send a message, or take one, nobody can know: such
 * a sleeper has no holder.  A wait is part of a deadlock if it leads back to
 * the one who waits.
 */
#include "gather.h"
#include "mipcs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* That a process waits for another; holder.life 0: nobody known. */
struct wait {
	struct mipc_look_process who, holder;
	enum mipc_kind kind;
	int id;
	char what[WORDS];
	int amount;			/* that the holder has */
	time_t since;
	bool cycle, seen;
};

struct waits {
	struct wait *all;
	size_t n;
	int unreadable;
};

/* --- gathering --------------------------------------------------------- */

static int
add_wait(struct waits *waits, const struct wait *wait)
{
	struct wait *more;

	if ((waits->n & (waits->n - 1)) == 0) {	/* full at powers of 2 */
		more = realloc(waits->all,
		    (waits->n == 0 ? 1 : 2 * waits->n) * sizeof(*more));
		if (more == NULL)
			return -1;
		waits->all = more;
	}
	waits->all[waits->n++] = *wait;
	return 0;
}

/* Will its end give the sleeper what it waits for, or a part of it? */
static bool
holds(const struct mipc_look_debt *debt, const struct mipc_look_sleeper *s)
{
	if (debt->semnum != s->semnum)
		return false;
	return s->waits == MIPC_WAITS_VALUE ? debt->amount > 0 :
	    s->waits == MIPC_WAITS_ZERO && debt->amount < 0;
}

static int
add_sleeper(struct waits *waits, const struct mipc_look_sleeper *s,
    struct wait wait, const struct mipc_look_debt *debts, size_t ndebts)
{
	int error = 0;
	bool held = false;

	wait.who = s->process;
	wait.since = s->since;
	say_wait(s, wait.what);
	for (size_t i = 0; i < ndebts && error == 0; i++) {
		if (!holds(&debts[i], s))
			continue;
		held = true;
		wait.holder = debts[i].process;
		wait.amount = debts[i].amount;
		error = add_wait(waits, &wait);
	}
	return held ? error : add_wait(waits, &wait);
}

/* A lock that somebody holds: who waits for it cannot be seen. */
static int
add_lock(struct waits *waits, const struct mipc_look_lock *lock,
    struct wait wait, const char *what)
{
	if (!lock->held)
		return 0;
	wait.holder = lock->owner;
	wait.since = lock->since;
	snprintf(wait.what, WORDS, "%s", what);
	return add_wait(waits, &wait);
}

/* One object; 1 if it cannot be read. */
static int
add_object(struct waits *waits, struct mipc_ns *ns, enum mipc_kind kind,
    int id)
{
	struct wait wait = { .kind = kind, .id = id };
	struct mipc_look_sleeper *sleepers = NULL;
	struct mipc_look_debt *debts = NULL;
	size_t nsleepers = 0, ndebts = 0;
	struct mipc_look_object o;
	int error, torn;

	if (mipc_look_object(ns, kind, id, &o, NULL) == -1)
		return 1;
	error = add_lock(waits, &o.lock, wait, "lock");
	if (kind != MIPC_SHM)
		sleepers = gather_sleepers(ns, kind, id, &nsleepers, &torn);
	if (kind == MIPC_SEM && nsleepers > 0)
		debts = gather_debts(ns, id, &ndebts, &torn);
	if ((kind != MIPC_SHM && sleepers == NULL) ||
	    (kind == MIPC_SEM && nsleepers > 0 && debts == NULL))
		error = error == 0 ? 1 : error;
	for (size_t i = 0; i < nsleepers && error == 0; i++)
		if (sleepers[i].process.alive)	/* the dead wait no more */
			error = add_sleeper(waits, &sleepers[i], wait, debts,
			    ndebts);
	free(debts);
	free(sleepers);
	return error;
}

static int
add_kind(const struct command *cmd, struct waits *waits, struct mipc_ns *ns,
    enum mipc_kind kind)
{
	size_t n = 0;
	int *ids = gather_ids(ns, kind, &n), error = ids == NULL ? -1 : 0;

	for (size_t i = 0; i < n && error != -1; i++) {
		error = add_object(waits, ns, kind, ids[i]);
		if (error != 1 || errno == EINVAL)
			continue;	/* fine, or it went just now */
		fprintf(stderr, "mipcs: %s: %s %d: %s\n", cmd->dir,
		    facilities[kind].one, ids[i], strerror(errno));
		waits->unreadable++;
	}
	free(ids);
	return error == -1 ? -1 : 0;
}

/* --- cycles ------------------------------------------------------------ */

static bool
is_edge(const struct wait *w)
{
	return w->who.life != 0 && w->holder.life != 0 && w->who.alive &&
	    w->holder.alive;
}

/* Does somebody, by waits that lead on from here, wait for this one? */
static bool
leads_to(struct waits *waits, unsigned long long from,
    unsigned long long to)
{
	size_t *next = malloc((waits->n + 1) * sizeof(*next)), n = 0;
	bool found = from == to;

	for (size_t i = 0; i < waits->n; i++)
		waits->all[i].seen = false;
	while (next != NULL && !found) {
		for (size_t i = 0; i < waits->n && !found; i++) {
			struct wait *w = &waits->all[i];

			if (w->seen || !is_edge(w) || w->who.life != from)
				continue;
			w->seen = true;
			found = w->holder.life == to;
			next[n++] = i;
		}
		if (n == 0)
			break;
		from = waits->all[next[--n]].holder.life;
	}
	free(next);
	return found;
}

static size_t
mark_cycles(struct waits *waits)
{
	size_t n = 0;

	for (size_t i = 0; i < waits->n; i++) {
		struct wait *w = &waits->all[i];

		w->cycle = is_edge(w) &&
		    leads_to(waits, w->holder.life, w->who.life);
		n += w->cycle;
	}
	return n;
}

/* --- for people and programs ------------------------------------------- */

static const struct table_column columns[] = {
	{ "pid", "process that waits", TABLE_NUMBER },
	{ "command", "its command line", TABLE_TEXT },
	{ "kind", "segment, set or queue; namespace", TABLE_TEXT },
	{ "id", "identifier of the object", TABLE_NUMBER },
	{ "for", "what it waits for; lock: of the object", TABLE_TEXT },
	{ "seconds", "since when", TABLE_NUMBER },
	{ "holder", "process that holds it", TABLE_NUMBER },
	{ "amount", "how much, by SEM_UNDO", TABLE_NUMBER },
	{ "alive", "whether the holder is", TABLE_BOOLEAN },
	{ "holdercommand", "its command line", TABLE_TEXT },
	{ "cycle", "part of a deadlock", TABLE_BOOLEAN },
};

enum { NCOLUMNS = sizeof(columns) / sizeof(columns[0]) };

static void
say_pid(const struct mipc_look_process *p, char *cell)
{
	cell[0] = '\0';
	if (p->pid != 0)
		snprintf(cell, CELL, "%d", (int)p->pid);
}

static int
add_row(struct table *t, const struct wait *w, time_t now)
{
	char pid[CELL], id[CELL] = "", seconds[CELL], holder[CELL];
	char amount[CELL] = "", command[MIPC_COMMAND], other[MIPC_COMMAND];
	const char *cells[NCOLUMNS] = { pid, command,
	    w->id == -1 ? "namespace" : facilities[w->kind].one, id,
	    w->what, seconds, holder, amount,
	    w->holder.life == 0 ? "" : w->holder.alive ? "yes" : "no",
	    other, w->cycle ? "yes" : "no" };

	say_pid(&w->who, pid);
	say_pid(&w->holder, holder);
	say_command(&w->who, command);
	say_command(&w->holder, other);
	snprintf(seconds, CELL, "%lld", (long long)(now - w->since));
	if (w->id != -1)
		snprintf(id, CELL, "%d", w->id);
	if (w->amount != 0)
		snprintf(amount, CELL, "%d", w->amount);
	return table_add(t, cells);
}

static int
print_table(const struct command *cmd, const struct waits *waits)
{
	const struct table_column *shown[NCOLUMNS];
	const time_t now = time(NULL);
	struct table *t;

	for (size_t i = 0; i < NCOLUMNS; i++)
		shown[i] = &columns[i];
	t = table_new("waits", shown, NCOLUMNS, cmd->table_flags);
	if (t == NULL)
		return -1;
	for (size_t i = 0; i < waits->n; i++)
		if (add_row(t, &waits->all[i], now) == -1)
			return -1;
	return table_print(t);
}

/* --- for Graphviz ------------------------------------------------------ */

static void
print_process(const struct mipc_look_process *p)
{
	char command[MIPC_COMMAND];

	if (p->life == 0)
		return;
	say_command(p, command);
	printf("\tp%llu [label=\"%d", p->life, (int)p->pid);
	if (command[0] != '\0')
		printf("\\n");
	for (const char *c = command; *c != '\0'; c++)
		printf(*c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	printf("\"%s];\n", p->alive ? "" : ", style=dashed");
}

/* The node between: the semaphore, or the queue, or the lock. */
static void
print_what(const struct wait *w)
{
	printf("\"%s", w->id == -1 ? "namespace" : facilities[w->kind].one);
	if (w->id != -1)
		printf(" %d", w->id);
	printf("\\n%.*s\"", (int)strcspn(w->what, ":"), w->what);
}

static int
print_dot(const struct waits *waits)
{
	const time_t now = time(NULL);

	printf("digraph waits {\n\tnode [shape=box];\n");
	for (size_t i = 0; i < waits->n; i++) {
		const struct wait *w = &waits->all[i];
		const char *color = w->cycle ? ", color=red" : "";

		print_process(&w->who);
		print_process(&w->holder);
		printf("\t");
		print_what(w);
		printf(" [shape=ellipse];\n");
		if (w->who.life != 0) {
			printf("\tp%llu -> ", w->who.life);
			print_what(w);
			printf(" [label=\"%s, %lld s\"%s];\n", w->what,
			    (long long)(now - w->since), color);
		}
		if (w->holder.life == 0)
			continue;
		printf("\t");
		print_what(w);
		printf(" -> p%llu [label=\"%d\"%s];\n", w->holder.life,
		    w->amount, color);
	}
	printf("}\n");
	return fflush(stdout) == EOF ? -1 : 0;
}

int
print_waits(const struct command *cmd, struct mipc_ns *ns)
{
	struct waits waits = { .n = 0 };
	struct mipc_look_lock lock;
	size_t deadlocked = 0;
	int error = 0;

	for (int k = 0; k < NKINDS && error == 0; k++)
		if (cmd->kinds == 0 || (cmd->kinds & 1u << k) != 0)
			error = add_kind(cmd, &waits, ns, (enum mipc_kind)k);
	if (error == 0 && mipc_look_lock(ns, &lock) == 0)
		error = add_lock(&waits, &lock, (struct wait){ .id = -1 },
		    "lock");
	if (error == 0) {
		deadlocked = mark_cycles(&waits);
		error = cmd->dot ? print_dot(&waits) :
		    print_table(cmd, &waits);
	}
	if (error == -1)
		fprintf(stderr, "mipcs: %s: who waits: %s\n", cmd->dir,
		    strerror(errno));
	free(waits.all);
	if (error == -1)
		return EXIT_UNREADABLE;
	return deadlocked > 0 ? EXIT_DEADLOCK : waits.unreadable > 0 ?
	    EXIT_UNREADABLE : EXIT_FINE;
}
