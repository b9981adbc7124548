/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs - lists the objects of a namespace: what the command line asks for.
 */
#include "mipcs.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
print_help(void)
{
	printf("Usage: mipcs [options]\n"
	    "List what is in a namespace.\n"
	    "\n"
	    "      --dir DIR     the namespace in DIR; else $MIPC_DIR, else "
	    "the user's own\n"
	    "  -m, --shmems      shared memory segments\n"
	    "  -q, --queues      message queues\n"
	    "  -s, --semaphores  semaphore sets; without -m, -q, -s: all\n"
	    "  -i, --id ID       the semaphores of the set ID; with -q the "
	    "queue ID alone\n"
	    "  -c, --creator     show owners and creators\n"
	    "  -p, --pid         show processes (not of sets)\n"
	    "  -t, --time        show times\n"
	    "  -o, --output LIST show these columns, separated by commas\n"
	    "  -l, --limits      the limits of the namespace instead\n"
	    "  -u, --summary     a summary instead\n"
	    "  -b, --bytes       sizes in bytes (the default)\n"
	    "      --human       sizes in K, M, G\n"
	    "  -J, --json        JSON, all columns unless some are chosen\n"
	    "      --noheadings  no line of headings\n"
	    "  -h, --help        print this\n"
	    "  -V, --version     print the version\n");
	for (int k = 0; k < NKINDS; k++) {
		printf("\nColumns of %s:\n", kinds[k]->name);
		for (size_t i = 0; i < kinds[k]->ncolumns; i++)
			printf("  %-8s  %s\n",
			    kinds[k]->columns[i].column.name,
			    kinds[k]->columns[i].column.help);
	}
	printf("\nExits with 0; with 1 if the namespace or an object cannot "
	    "be read; with 2 for\na wrong usage.\n");
}

/* The number of a set or a queue; -1 after a message. */
static int
parse_id(const char *text, struct command *cmd)
{
	char *end;
	long id;

	errno = 0;
	id = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || id < 0 ||
	    id != (int)id) {
		fprintf(stderr, "mipcs: --id: %s: not an identifier\n", text);
		return -1;
	}
	cmd->id = (int)id;
	return 0;
}

/* Read the command line.  Returns an exit code, or -1 to go on. */
static int
read_options(int argc, char **argv, struct command *cmd)
{
	static const struct option longs[] = {
		{ "bytes", no_argument, NULL, 'b' },
		{ "creator", no_argument, NULL, 'c' },
		{ "dir", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "human", no_argument, NULL, 'H' },
		{ "id", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'J' },
		{ "limits", no_argument, NULL, 'l' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "pid", no_argument, NULL, 'p' },
		{ "queues", no_argument, NULL, 'q' },
		{ "semaphores", no_argument, NULL, 's' },
		{ "shmems", no_argument, NULL, 'm' },
		{ "summary", no_argument, NULL, 'u' },
		{ "time", no_argument, NULL, 't' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "bchi:Jlmo:pqstuV", longs, NULL)) !=
	    -1) {
		switch (c) {
		case 'b': cmd->human = 0; break;
		case 'c': cmd->shown = IN_CREATORS; break;
		case 'd': cmd->dir = optarg; break;
		case 'H': cmd->human = 1; break;
		case 'J': cmd->table_flags |= TABLE_JSON; break;
		case 'l': cmd->view = VIEW_LIMITS; break;
		case 'm': cmd->kinds |= OF_SHM; break;
		case 'n': cmd->table_flags |= TABLE_NO_HEADINGS; break;
		case 'o': cmd->output = optarg; break;
		case 'p': cmd->shown = IN_PIDS; break;
		case 'q': cmd->kinds |= OF_MSG; break;
		case 's': cmd->kinds |= OF_SEM; break;
		case 't': cmd->shown = IN_TIMES; break;
		case 'u': cmd->view = VIEW_SUMMARY; break;
		case 'i':
			if (parse_id(optarg, cmd) == -1)
				return EXIT_USAGE;
			break;
		case 'h':
			print_help();
			return EXIT_FINE;
		case 'V':
			printf("mipcs (%s) %s\n", PACKAGE_NAME,
			    PACKAGE_VERSION);
			return EXIT_FINE;
		default:
			return EXIT_USAGE;
		}
	}
	return -1;
}

/* What --id shows: a queue is a list of one. */
static int
settle_one(struct command *cmd)
{
	if (cmd->view != VIEW_OBJECTS)
		return -1;
	if (cmd->kinds == OF_MSG) {
		if (cmd->shown == 0)
			cmd->shown = IN_ALL;
		return 0;
	}
	cmd->view = VIEW_SEMAPHORES;
	return (cmd->kinds & ~(unsigned)OF_SEM) == 0 &&
	    cmd->output == NULL ? 0 : -1;
}

/* Refuse what makes no sense.  Returns an exit code, or -1 to go on. */
static int
settle(int argc, char **argv, struct command *cmd)
{
	if (optind < argc) {
		fprintf(stderr, "mipcs: %s: not an option; a namespace is "
		    "named by --dir\n", argv[optind]);
		return EXIT_USAGE;
	}
	if (cmd->id != -1 && settle_one(cmd) == -1) {
		fprintf(stderr, "mipcs: --id: it names a set, and shows all "
		    "of it; with -q a queue\n");
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
	static char path[4096];
	const int named = cmd->dir != NULL;

	if (!named && mipc_default_dir(path, sizeof(path)) == -1) {
		fprintf(stderr, "mipcs: the default namespace's name: %s\n",
		    strerror(errno));
		return -1;
	}
	if (!named)
		cmd->dir = path;
	*ns = mipc_open(cmd->dir, 0);
	if (*ns != NULL)
		return 0;
	if (!named && errno == ENOENT && cmd->view == VIEW_OBJECTS) {
		fprintf(stderr, "mipcs: %s: no namespace there yet\n",
		    cmd->dir);
		return 0;
	}
	fprintf(stderr, "mipcs: %s\n", mipc_reason());
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
	case VIEW_SEMAPHORES:
		return print_semaphores(cmd, ns);
	case VIEW_OBJECTS:
		break;
	}
	return print_objects(cmd, choices, ns);
}

int
main(int argc, char **argv)
{
	struct command cmd = { .view = VIEW_OBJECTS, .id = -1 };
	struct choice choices[NKINDS];
	struct mipc_ns *ns = NULL;
	int code;

	code = read_options(argc, argv, &cmd);
	if (code == -1)
		code = settle(argc, argv, &cmd);
	if (code != -1)
		return code;
	if (choose(&cmd, choices) == -1)
		return EXIT_USAGE;
	if (open_namespace(&cmd, &ns) == -1)
		return EXIT_UNREADABLE;
	code = print(&cmd, choices, ns);
	if (ns != NULL)
		mipc_close(ns);
	return code;
}
