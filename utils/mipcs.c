/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs - lists the objects of a namespace: what the command line asks for.
 */
#include "mipcs.h"
#include "parse.h"
#include "watch.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
print_columns(void)
{
	const char *before = "";

	for (int k = 0; k < NKINDS; k++) {
		printf("\nColumns of %s:\n", kinds[k]->name);
		for (size_t i = 0; i < kinds[k]->ncolumns; i++)
			printf("  %-8s  %s\n",
			    kinds[k]->columns[i].column.name,
			    kinds[k]->columns[i].column.help);
	}
	printf("\nOther names of columns, for --output:\n");
	for (int i = 0; i < OTHER_NAMES; i++) {
		const struct other_name *n = &other_names[i];

		if (strcmp(before, n->other) == 0)
			printf(", %s", n->own);
		else
			printf("%s  %-9s  %s", i == 0 ? "" : "\n", n->other,
			    n->own);
		before = n->other;
	}
	putchar('\n');
}

/* The number of a set or a queue. */
static int
take_id(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	return parse_id(row->name, text, &cmd->id);
}

static int
take_key(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	cmd->by_key = 1;
	return parse_key(row->name, text, &cmd->key);
}

static int
take_peek(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	cmd->view = VIEW_MESSAGES;
	return take_id(row, command, text);
}

/* A number from 1 on. */
static bool
parse_count(const char *text, unsigned long long most,
    unsigned long long *out)
{
	return parse_number(text, out) && *out >= 1 && *out <= most;
}

static int
take_type(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;
	unsigned long long type;

	if (!parse_count(text, LONG_MAX, &type)) {
		warnx("--%s %s: not a type", row->name, text);
		return EXIT_USAGE;
	}
	cmd->by_type = 1;
	cmd->type = (long)type;
	return -1;
}

static int
take_count(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;
	unsigned long long count;

	if (!parse_count(text, LLONG_MAX, &count)) {
		warnx("--%s %s: not a number of messages", row->name, text);
		return EXIT_USAGE;
	}
	cmd->count = (long long)count;
	return -1;
}

static int
take_seconds(const char *option, const char *text, double *seconds)
{
	if (watch_seconds(text, seconds))
		return -1;
	warnx("--%s %s: not a number of seconds, 0.1 to 86400", option, text);
	return EXIT_USAGE;
}

static const char *const time_formats[] = {
	[TIME_OWN] = "", [TIME_SHORT] = "short", [TIME_FULL] = "full",
	[TIME_ISO] = "iso"
};

static int
take_time_format(const struct option_row *row, void *command,
    const char *text)
{
	struct command *cmd = command;

	for (int i = TIME_SHORT; i <= TIME_ISO; i++)
		if (strcmp(text, time_formats[i]) == 0) {
			cmd->time_format = (enum time_format)i;
			cmd->table_flags |= TABLE_WORDED_TIMES;
			return -1;
		}
	warnx("--%s %s: not short, full or iso", row->name, text);
	return EXIT_USAGE;
}

static int
take_watch(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	cmd->watch = 2;
	return text == NULL ? -1 :
	    take_seconds(row->name, text, &cmd->watch);
}

static int
take_events(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	cmd->view = VIEW_EVENTS;
	cmd->events = 0.1;
	return text == NULL ? -1 :
	    take_seconds(row->name, text, &cmd->events);
}

#define SET(field, value)	OPTION_SET(struct command, field, value)
#define ADD(field, bits)	OPTION_ADD(struct command, field, bits)
#define KEEP(field)		OPTION_KEEP(struct command, field)

static const struct option_row rows[] = {
	{ 'm', "shmems", NULL, "shared memory segments", ADD(kinds, OF_SHM) },
	{ 'q', "queues", NULL, "message queues", ADD(kinds, OF_MSG) },
	{ 's', "semaphores", NULL, "semaphore sets; without -m, -q, -s: all",
	    ADD(kinds, OF_SEM) },
	{ 'i', "id", "ID", "all that is known of the set ID; with -m or -q "
	    "of that segment or queue", OPTION_CALL(take_id) },
	{ 0, "key", "KEY", "the same of what has the key: a number, 0xHEX "
	    "or PATH:PROJ", OPTION_CALL(take_key) },
	{ 0, "list", NULL, "with --id and --key: its row of the list alone",
	    SET(list, 1) },
	{ 'c', "creator", NULL, "add owners' groups and creators",
	    ADD(shown, IN_DEFAULT | IN_CREATORS) },
	{ 'p', "pid", NULL, "add processes (not of sets)",
	    ADD(shown, IN_DEFAULT | IN_PIDS) },
	{ 't', "time", NULL, "add times", ADD(shown, IN_DEFAULT | IN_TIMES) },
	{ 'o', "outstanding", NULL, "what is in use, which the table has as "
	    "it is: attaches, messages", ADD(shown, IN_DEFAULT) },
	{ 'a', "all", NULL, "all columns",
	    ADD(shown, IN_EVERYTHING) },
	{ 0, "output", "COLUMN,...", "show these columns, in this order",
	    KEEP(output) },
	{ 'l', "limits", NULL, "the limits of the namespace instead",
	    SET(view, VIEW_LIMITS) },
	{ 'u', "summary", NULL, "a summary instead",
	    SET(view, VIEW_SUMMARY) },
	{ 0, "waits", NULL, "who waits for whom instead, and deadlocks",
	    SET(view, VIEW_WAITS) },
	{ 0, "dot", NULL, "with --waits: for Graphviz", SET(dot, 1) },
	{ 0, "orphans", NULL, "what nobody alive uses instead, and why it is "
	    "thought so", SET(view, VIEW_ORPHANS) },
	{ 0, "peek", "ID", "the messages of the queue ID instead, as hex and "
	    "text; they stay", OPTION_CALL(take_peek) },
	{ 0, "type", "TYPE", "with --peek: those of this type",
	    OPTION_CALL(take_type) },
	{ 0, "count", "N", "with --peek: the first N of them",
	    OPTION_CALL(take_count) },
	{ 0, "watch", "[SECONDS]", "show it again each 2 seconds, or as many, "
	    "in place on a terminal, what changed in reverse; q quits",
	    OPTION_CALL(take_watch) },
	{ 0, "events", "[SECONDS]", "what happens instead, while it does, as "
	    "lines of JSON; what is not told is looked for each tenth of a "
	    "second, or as said", OPTION_CALL(take_events) },
	{ 0, "openmetrics", NULL, "what a collector of metrics reads instead",
	    SET(view, VIEW_METRICS) },
	{ 0, "kernel", NULL, "the kernel's own objects, in lists, --id, -l "
	    "and -u", SET(kernel, 1) },
	{ 'b', "bytes", NULL, "sizes in bytes (the default)", SET(human, 0) },
	{ 0, "human", NULL, "sizes in K, M, G", SET(human, 1) },
	{ 'J', "json", NULL, "JSON, all columns unless some are chosen",
	    ADD(table_flags, TABLE_JSON) },
	{ 'r', "raw", NULL, "cells separated by a blank, not "
	    "aligned; with --peek the bytes and nothing else",
	    ADD(table_flags, TABLE_RAW) },
	{ 0, "export", NULL, "COLUMN=\"value\" for each cell",
	    ADD(table_flags, TABLE_EXPORT) },
	{ 'n', "newline", NULL, "the same, each in a line of its own",
	    ADD(table_flags, TABLE_NEWLINE) },
	{ 'y', "shell", NULL, "with --export and --newline: COLUMN is what a "
	    "shell's variable may be called", ADD(table_flags, TABLE_SHELL) },
	{ 0, "time-format", "TYPE", "times short, full or iso",
	    OPTION_CALL(take_time_format) },
	{ 0, "numeric-perms", NULL, "permissions in octal (as always)",
	    ADD(shown, 0) },
	{ 0, "noheadings", NULL, "no line of headings",
	    ADD(table_flags, TABLE_NO_HEADINGS) },
	OPTIONS_COMMON(struct command)
};

static void
print_words(const struct option_row *row)
{
	for (int i = TIME_SHORT; i <= TIME_ISO; i++)
		if (strcmp(row->name, "time-format") == 0)
			printf("%s ", time_formats[i]);
	if (strcmp(row->name, "output") != 0)
		return;
	for (int k = 0; k < NKINDS; k++) {
		const struct column *column = kinds[k]->columns;

		for (size_t i = 0; i < kinds[k]->ncolumns; i++)
			printf("%s ", column[i].column.name);
	}
}

static const char *const synopsis[] = { "[options]", NULL };

static const struct option_table options = {
	.program = "mipcs",
	.synopsis = synopsis,
	.about = "List what is in a namespace.",
	.rows = rows,
	.nrows = sizeof(rows) / sizeof(rows[0]),
	.more = print_columns,
	.exits = "Exits with 0; with 1 if the namespace or an object cannot "
	    "be read; with 2 for a wrong usage; with 3 if --waits finds a "
	    "deadlock.",
	.failed = EXIT_UNREADABLE,
	.words = print_words,
};

static int
has_several(unsigned bits)
{
	return (bits & (bits - 1)) != 0;
}

/* --id and --key: one object, of one kind; -1: it is not said which. */
static int
settle_one(struct command *cmd)
{
	if (cmd->view != VIEW_OBJECTS)
		return -1;
	if (cmd->kinds == 0 && !cmd->by_key)
		cmd->kinds = OF_SEM;
	if (has_several(cmd->kinds))
		return -1;
	cmd->view = VIEW_DETAIL;
	if (cmd->shown == 0)
		cmd->shown = IN_ALL;
	return 0;
}

/* A word behind the options: --watch's seconds. */
static int
settle_word(int argc, char **argv, struct command *cmd)
{
	if (optind == argc)
		return -1;
	if (cmd->watch != 0 && optind == argc - 1)
		return take_seconds("watch", argv[optind], &cmd->watch);
	warnx("%s: not an option; a namespace is named by --dir",
	    argv[optind]);
	return EXIT_USAGE;
}

/* Refuse what makes no sense.  Returns an exit code, or -1 to go on. */
static int
settle(struct command *cmd)
{
	if ((cmd->by_key || (cmd->id != -1 && cmd->view != VIEW_MESSAGES)) &&
	    settle_one(cmd) == -1) {
		warnx("--id, --key: one object, of one of -m, -q and -s; "
		    "without these a set");
		return EXIT_USAGE;
	}
	if (cmd->dot && (cmd->view != VIEW_WAITS ||
	    (cmd->table_flags & TABLE_FOR_PROGRAMS))) {
		fprintf(stderr, "mipcs: --dot: it is a form of --waits\n");
		return EXIT_USAGE;
	}
	if (cmd->view != VIEW_MESSAGES &&
	    (cmd->by_type || cmd->count != -1)) {
		warnx("--type and --count say what to --peek at");
		return EXIT_USAGE;
	}
	if (has_several(cmd->table_flags & TABLE_FOR_PROGRAMS)) {
		warnx("give one of --json, --raw, --export and --newline");
		return EXIT_USAGE;
	}
	if (cmd->kernel && (cmd->dir != NULL || cmd->view >= VIEW_WAITS)) {
		warnx("--kernel: it has no directory, and tells only of what "
		    "is in lists, --id, -l and -u");
		return EXIT_USAGE;
	}
	if (cmd->view == VIEW_EVENTS && (cmd->watch != 0 ||
	    (cmd->table_flags & (TABLE_RAW | TABLE_EXPORT |
	    TABLE_NEWLINE)))) {
		warnx("--events: lines of JSON, while it happens");
		return EXIT_USAGE;
	}
	if (cmd->view == VIEW_METRICS &&
	    (cmd->table_flags & TABLE_FOR_PROGRAMS)) {
		warnx("--openmetrics: it is a form of its own");
		return EXIT_USAGE;
	}
	/* In JSON sizes are numbers, and numbers have no suffix. */
	if (cmd->table_flags & TABLE_JSON)
		cmd->human = 0;
	return -1;
}

/*
 * Open the namespace.  Nobody made the default one yet: then it is empty,
 * *ns is NULL, and a note says so; a directory that was named must be there.
 */
static int
open_namespace(struct command *cmd, struct mipc_ns **ns)
{
	const int named = cmd->dir != NULL;

	if (cmd->kernel) {
		cmd->dir = "the kernel";
		return 0;
	}
	*ns = open_existing(&cmd->dir, MIPC_RDONLY);
	if (*ns != NULL)
		return 0;
	if (!named && errno == ENOENT && cmd->view == VIEW_OBJECTS) {
		warnx("%s: no namespace there yet", cmd->dir);
		return 0;
	}
	if (cmd->dir == NULL)
		warn("the default namespace's name");
	else
		warnx("%s", mipc_reason());
	return -1;
}

static int
print(const struct command *cmd, const struct choice *choices,
    struct mipc_ns *ns)
{
	switch (cmd->view) {
	case VIEW_LIMITS:
	case VIEW_SUMMARY:
		return print_facts(cmd, ns);
	case VIEW_DETAIL:
		return print_detail(cmd, choices, ns);
	case VIEW_WAITS:
		return print_waits(cmd, ns);
	case VIEW_ORPHANS:
		return print_orphans(cmd, ns);
	case VIEW_METRICS:
		return print_metrics(cmd, ns);
	case VIEW_EVENTS:
		return print_events(cmd, ns);
	case VIEW_MESSAGES:
		return print_messages(cmd, ns);
	case VIEW_OBJECTS:
		break;
	}
	return print_objects(cmd, choices, ns);
}

/* What is shown, once or again and again. */
struct look {
	struct command *cmd;
	const struct choice *choices;
	struct mipc_ns *ns;
};

/* Somebody may have made the default namespace meanwhile. */
static int
look(void *argument)
{
	struct look *l = argument;

	if (l->ns == NULL && !l->cmd->kernel)
		l->ns = mipc_open(l->cmd->dir, 0);
	return print(l->cmd, l->choices, l->ns);
}

static int
look_again(struct look *l)
{
	const struct watch w = {
		.title = l->cmd->dir, .seconds = l->cmd->watch,
		.plain = (l->cmd->table_flags & TABLE_FOR_PROGRAMS) != 0,
		.show = look, .argument = l
	};

	if (watch(&w) == 0)
		return EXIT_FINE;
	warn("standard output");
	return EXIT_UNREADABLE;
}

int
main(int argc, char **argv)
{
	struct command cmd = { .view = VIEW_OBJECTS, .id = -1,
	    .count = -1 };
	struct choice choices[NKINDS];
	struct look l = { .cmd = &cmd, .choices = choices };
	int code;

	code = options_read(&options, argc, argv, &cmd);
	if (code == -1)
		code = settle_word(argc, argv, &cmd);
	if (code == -1)
		code = settle(&cmd);
	if (code != -1)
		return code;
	if (choose(&cmd, choices) == -1)
		return EXIT_USAGE;
	if (open_namespace(&cmd, &l.ns) == -1)
		return EXIT_UNREADABLE;
	code = cmd.by_key ? find_by_key(&cmd, l.ns) : EXIT_FINE;
	/* Again: it may have been found which kind is meant. */
	if (code == EXIT_FINE && cmd.by_key &&
	    choose(&cmd, choices) == -1)
		code = EXIT_USAGE;
	if (code == EXIT_FINE)
		code = cmd.watch != 0 ? look_again(&l) : look(&l);
	if (l.ns != NULL)
		mipc_close(l.ns);
	return code;
}
