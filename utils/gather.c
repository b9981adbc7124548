/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gather.c - all that the library tells of an object, however much it is.
 *
 * How much there is may have grown when there is room for it: then it is asked
 * again, with twice as much.
 */
#include "gather.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is asked for, and of what. */
struct question {
	struct mipc_ns *ns;
	enum mipc_kind kind;
	int id;
	size_t size;			/* bytes of an entry */
	int (*ask)(const struct question *, void *out, size_t n, int *torn);
};

static void *
gather(const struct question *q, size_t *n, int *torn)
{
	size_t room = 16;
	void *all = NULL, *more;
	int found;

	errno = ENOSYS;			/* the kernel tells none of it */
	while (q->ns != NULL) {
		more = realloc(all, room * q->size);
		if (more == NULL)
			break;
		all = more;
		found = q->ask(q, all, room, torn);
		if (found == -1)
			break;
		*n = (size_t)found;
		if (*n <= room)
			return all;
		room = 2 * *n;
	}
	free(all);
	return NULL;
}

static int
ask_ids(const struct question *q, void *out, size_t n, int *torn)
{
	*torn = 0;
	return mipc_look_ids(q->ns, q->kind, out, n);
}

int *
gather_ids(struct mipc_ns *ns, enum mipc_kind kind, size_t *n)
{
	int torn;

	return gather(&(struct question){ ns, kind, 0, sizeof(int), ask_ids },
	    n, &torn);
}

static int
ask_processes(const struct question *q, void *out, size_t n, int *torn)
{
	*torn = 0;
	return mipc_look_processes(q->ns, out, n);
}

struct mipc_look_process *
gather_processes(struct mipc_ns *ns, size_t *n)
{
	int torn;

	return gather(&(struct question){ ns, MIPC_SHM, 0,
	    sizeof(struct mipc_look_process), ask_processes }, n, &torn);
}

static int
ask_sleepers(const struct question *q, void *out, size_t n, int *torn)
{
	return mipc_look_sleepers(q->ns, q->kind, q->id, out, n, torn);
}

struct mipc_look_sleeper *
gather_sleepers(struct mipc_ns *ns, enum mipc_kind kind, int id, size_t *n,
    int *torn)
{
	return gather(&(struct question){ ns, kind, id,
	    sizeof(struct mipc_look_sleeper), ask_sleepers }, n, torn);
}

static int
ask_debts(const struct question *q, void *out, size_t n, int *torn)
{
	return mipc_look_debts(q->ns, q->id, out, n, torn);
}

struct mipc_look_debt *
gather_debts(struct mipc_ns *ns, int semid, size_t *n, int *torn)
{
	return gather(&(struct question){ ns, MIPC_SEM, semid,
	    sizeof(struct mipc_look_debt), ask_debts }, n, torn);
}

static int
ask_attaches(const struct question *q, void *out, size_t n, int *torn)
{
	return mipc_look_attached(q->ns, q->id, out, n, torn);
}

struct mipc_look_attach *
gather_attaches(struct mipc_ns *ns, int shmid, size_t *n, int *torn)
{
	return gather(&(struct question){ ns, MIPC_SHM, shmid,
	    sizeof(struct mipc_look_attach), ask_attaches }, n, torn);
}

static int
ask_messages(const struct question *q, void *out, size_t n, int *torn)
{
	return mipc_look_messages(q->ns, q->id, out, n, torn);
}

struct mipc_look_message *
gather_messages(struct mipc_ns *ns, int msqid, size_t *n, int *torn)
{
	return gather(&(struct question){ ns, MIPC_MSG, msqid,
	    sizeof(struct mipc_look_message), ask_messages }, n, torn);
}

static int
by_type(const void *a, const void *b)
{
	const long one = ((const struct mipc_look_message *)a)->type;
	const long other = ((const struct mipc_look_message *)b)->type;

	return (one > other) - (one < other);
}

struct type *
gather_types(struct mipc_ns *ns, int msqid, size_t *n, int *torn)
{
	size_t nall = 0;
	struct mipc_look_message *all = gather_messages(ns, msqid, &nall,
	    torn);
	struct type *types = all == NULL ? NULL :
	    malloc((nall + 1) * sizeof(*types));

	if (types == NULL)
		goto out;
	*n = 0;
	qsort(all, nall, sizeof(*all), by_type);
	for (size_t i = 0; i < nall; i++) {
		if (i == 0 || all[i].type != all[i - 1].type)
			types[(*n)++] = (struct type){ .type = all[i].type };
		types[*n - 1].messages++;
		types[*n - 1].bytes += all[i].size;
	}
out:
	free(all);
	return types;
}

/* --- words ------------------------------------------------------------- */

static void
say_message(const struct mipc_look_sleeper *s, char words[static WORDS])
{
	if (s->type == 0)
		snprintf(words, WORDS, "any message");
	else if (s->type < 0)
		snprintf(words, WORDS, "a message of type 1 to %ld", -s->type);
	else
		snprintf(words, WORDS, "a message of %stype %ld",
		    s->flags & MSG_EXCEPT ? "any but " : "", s->type);
}

void
say_wait(const struct mipc_look_sleeper *s, char words[static WORDS])
{
	switch (s->waits) {
	case MIPC_WAITS_VALUE:
		snprintf(words, WORDS, "semaphore %d: %+d", s->semnum, s->op);
		break;
	case MIPC_WAITS_ZERO:
		snprintf(words, WORDS, "semaphore %d: zero", s->semnum);
		break;
	case MIPC_WAITS_MESSAGE:
		say_message(s, words);
		break;
	case MIPC_WAITS_ROOM:
		snprintf(words, WORDS, "room for %llu bytes", s->size);
		break;
	}
}

/* Whoever may write there may write anything. */
void
say_command(const struct mipc_look_process *p,
    char line[static MIPC_COMMAND])
{
	size_t n = strnlen(p->command, MIPC_COMMAND - 1);

	for (size_t i = 0; i < n; i++)
		line[i] = p->command[i] < ' ' || p->command[i] > '~' ? '?' :
		    p->command[i];
	line[n] = '\0';
}
