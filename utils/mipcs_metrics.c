/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_metrics.c - what is in a namespace for a collector of metrics: mipcs
 * --openmetrics, the text format of OpenMetrics 1.0.
 *
 * A table says what families there are, and of what they have samples; the
 * format wants the samples of a family together.  Of a queue it is counted what
 * was ever sent; all else are gauges, which say how it is now.  What may not be
 * read has no sample.
 */
#include "gather.h"
#include "mipcs.h"
#include "survey.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

/* All objects of a kind. */
struct all {
	struct object *object;
	size_t n;
};

struct scene {
	struct mipc_ns *ns;
	struct all of[NKINDS];
};

/* A family's number for an object; -1: there is none. */
typedef double number_fn(const struct object *);
struct family;
typedef void samples_fn(const struct scene *, const struct family *);

struct family {
	const char *name, *unit, *help;
	samples_fn *print;
	enum mipc_kind kind;		/* of a number for each object */
	number_fn *number;
	int counts;			/* it is a counter: it only grows */
};

/* --- the format -------------------------------------------------------- */

/* In a label or a help; ASCII alone, since names may be any bytes. */
static void
print_escaped(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\' || *s == '"')
			printf("\\%c", *s);
		else if (*s == '\n')
			printf("\\n");
		else
			putchar(*s >= ' ' && *s <= '~' ? *s : '?');
	}
}

static void
print_label(const char *before, const char *name, const char *value)
{
	printf("%s%s=\"", before, name);
	print_escaped(value);
	putchar('"');
}

static void
print_head(const struct family *f)
{
	printf("# TYPE %s %s\n", f->name, f->counts ? "counter" : "gauge");
	if (f->unit != NULL)
		printf("# UNIT %s %s\n", f->name, f->unit);
	printf("# HELP %s %s\n", f->name, f->help);
}

/* Behind the name: what object it is of. */
static void
print_object(const struct object *o)
{
	char text[NAME_SIZE];

	snprintf(text, sizeof(text), "%d", o->id);
	print_label("{", "id", text);
	snprintf(text, sizeof(text), "0x%08x", (unsigned)o->ds.perm.__key);
	print_label(",", "key", text);
	user_name(o->ds.perm.uid, text);
	print_label(",", "owner", text);
}

/* --- samples ----------------------------------------------------------- */

static void
each_object(const struct scene *s, const struct family *f)
{
	const struct all *all = &s->of[f->kind];

	for (size_t i = 0; i < all->n; i++) {
		const struct object *o = &all->object[i];
		const double number = o->error != 0 ? -1 : f->number(o);

		if (number < 0)
			continue;
		printf("%s%s", f->name, f->counts ? "_total" : "");
		print_object(o);
		printf("} %.17g\n", number);
	}
}

static void
objects(const struct scene *s, const struct family *f)
{
	for (int k = 0; k < NKINDS; k++)
		if (s->of[k].object != NULL)
			printf("%s{kind=\"%s\"} %zu\n", f->name,
			    facilities[k].one, s->of[k].n);
}

static void
unreadable(const struct scene *s, const struct family *f)
{
	for (int k = 0; k < NKINDS; k++) {
		size_t n = 0;

		for (size_t i = 0; i < s->of[k].n; i++)
			n += s->of[k].object[i].error != 0;
		if (s->of[k].object != NULL)
			printf("%s{kind=\"%s\"} %zu\n", f->name,
			    facilities[k].one, n);
	}
}

static void
limits(const struct scene *s, const struct family *f)
{
	struct fact facts[FACTS];

	for (int k = 0; k < NKINDS; k++) {
		const int n = s->of[k].object == NULL ? 0 :
		    kinds[k]->limits(s->ns, facts);

		for (int i = 0; i < n; i++) {
			printf("%s", f->name);
			print_label("{", "name", facts[i].name);
			printf("} %llu\n", facts[i].value);
		}
	}
}

static void
processes(const struct scene *s, const struct family *f)
{
	size_t n = 0;
	struct mipc_look_process *all = gather_processes(s->ns, &n);

	if (all != NULL)
		printf("%s %zu\n", f->name, n);
	free(all);
}

/* Each semaphore of those sets that may be read. */
static void
values(const struct scene *s, const struct family *f)
{
	const struct all *all = &s->of[MIPC_SEM];

	for (size_t i = 0; i < all->n; i++) {
		const struct object *o = &all->object[i];
		int n;
		unsigned short *value = o->error != 0 ? NULL :
		    all_values(s->ns, o->id, &n);

		for (int k = 0; value != NULL && k < n; k++) {
			printf("%s", f->name);
			print_object(o);
			printf(",semnum=\"%d\"} %hu\n", k, value[k]);
		}
		free(value);
	}
}

static double
segment_bytes(const struct object *o)
{
	return (double)o->ds.shm.shm_segsz;
}

static double
segment_attaches(const struct object *o)
{
	return (double)o->ds.shm.shm_nattch;
}

static double
set_semaphores(const struct object *o)
{
	return (double)o->ds.sem.sem_nsems;
}

static double
queue_messages(const struct object *o)
{
	return (double)o->ds.msg.msg_qnum;
}

static double
queue_bytes(const struct object *o)
{
	return (double)o->ds.msg.__msg_cbytes;
}

static double
queue_most(const struct object *o)
{
	return (double)o->ds.msg.msg_qbytes;
}

static double
messages_sent(const struct object *o)
{
	struct mipc_look_sent sent;

	return mipc_look_sent(o->ns, o->id, &sent, NULL) == -1 ? -1 :
	    (double)sent.messages;
}

static double
bytes_sent(const struct object *o)
{
	struct mipc_look_sent sent;

	return mipc_look_sent(o->ns, o->id, &sent, NULL) == -1 ? -1 :
	    (double)sent.bytes;
}

static double
sleepers(const struct object *o)
{
	size_t n = 0;
	int torn, alive = 0;
	struct mipc_look_sleeper *all = gather_sleepers(o->ns, o->kind, o->id,
	    &n, &torn);

	for (size_t i = 0; i < n; i++)
		alive += all[i].process.alive != 0;
	free(all);
	return all == NULL ? -1 : alive;
}

static double
used(const struct object *o)
{
	struct mipc_look_object look;

	return mipc_look_object(o->ns, o->kind, o->id, &look, NULL) == -1 ?
	    -1 : (double)look.used;
}

#define OF_EACH(kind, number)	each_object, kind, number, 0
#define COUNTED(kind, number)	each_object, kind, number, 1
#define OF_ALL(print)		print, MIPC_SHM, NULL, 0

static const struct family families[] = {
	{ "mipc_objects", NULL, "Objects in the namespace.",
	    OF_ALL(objects) },
	{ "mipc_unreadable_objects", NULL, "Objects that cannot be read.",
	    OF_ALL(unreadable) },
	{ "mipc_processes", NULL, "Processes that live in the namespace.",
	    OF_ALL(processes) },
	{ "mipc_limit", NULL, "Limits of the namespace, by name.",
	    OF_ALL(limits) },
	{ "mipc_segment_size_bytes", "bytes", "Size of a segment.",
	    OF_EACH(MIPC_SHM, segment_bytes) },
	{ "mipc_segment_used_bytes", "bytes",
	    "Disk or memory that a segment takes up.",
	    OF_EACH(MIPC_SHM, used) },
	{ "mipc_segment_attaches", NULL, "Attaches of a segment.",
	    OF_EACH(MIPC_SHM, segment_attaches) },
	{ "mipc_set_semaphores", NULL, "Semaphores of a set.",
	    OF_EACH(MIPC_SEM, set_semaphores) },
	{ "mipc_set_used_bytes", "bytes",
	    "Disk or memory that a set takes up.",
	    OF_EACH(MIPC_SEM, used) },
	{ "mipc_set_sleepers", NULL, "Threads that sleep in a set.",
	    OF_EACH(MIPC_SEM, sleepers) },
	{ "mipc_semaphore_value", NULL, "Value of a semaphore.",
	    OF_ALL(values) },
	{ "mipc_queue_messages", NULL, "Messages in a queue.",
	    OF_EACH(MIPC_MSG, queue_messages) },
	{ "mipc_queue_size_bytes", "bytes",
	    "Texts of the messages in a queue.",
	    OF_EACH(MIPC_MSG, queue_bytes) },
	{ "mipc_queue_limit_bytes", "bytes", "Texts that a queue may hold.",
	    OF_EACH(MIPC_MSG, queue_most) },
	{ "mipc_queue_used_bytes", "bytes",
	    "Disk or memory that a queue takes up.",
	    OF_EACH(MIPC_MSG, used) },
	{ "mipc_queue_sent_messages", NULL,
	    "Messages that were ever sent to a queue.",
	    COUNTED(MIPC_MSG, messages_sent) },
	{ "mipc_queue_sent_bytes", "bytes",
	    "Texts of the messages that were ever sent to a queue.",
	    COUNTED(MIPC_MSG, bytes_sent) },
	{ "mipc_queue_sleepers", NULL, "Threads that sleep in a queue.",
	    OF_EACH(MIPC_MSG, sleepers) },
};

enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

/* A family of objects of a kind that was not asked for has no samples. */
int
print_metrics(const struct command *cmd, struct mipc_ns *ns)
{
	struct scene s = { .ns = ns };
	int error = 0;

	for (int k = 0; k < NKINDS && error == 0; k++) {
		if (cmd->kinds != 0 && !(cmd->kinds & 1u << k))
			continue;
		s.of[k].object = survey(ns, (enum mipc_kind)k, &s.of[k].n);
		error = s.of[k].object == NULL ? -1 : 0;
	}
	for (int i = 0; i < FAMILIES && error == 0; i++) {
		print_head(&families[i]);
		families[i].print(&s, &families[i]);
	}
	if (error == 0)
		printf("# EOF\n");
	if (error == 0 && (fflush(stdout) == EOF || ferror(stdout)))
		error = -1;
	if (error == -1)
		warn("%s: metrics", cmd->dir);
	for (int k = 0; k < NKINDS; k++)
		free(s.of[k].object);
	return error == 0 ? EXIT_FINE : EXIT_UNREADABLE;
}
