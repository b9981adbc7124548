/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcrm - removes objects of a namespace: what the command line asks for.
 *
 * Words behind an option that names an object name more of the kind, as
 * in "-m 1 2 3".
 */
#include "mipcrm.h"

#include "options.h"
#include "parse.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kind whose letter, or capital for its key, an option has. */
static int
kind_of(const struct option_row *row)
{
	return (int)(strchr("mMsSqQ", row->letter) - "mMsSqQ") / 2;
}

static int
by_key(const struct option_row *row)
{
	return row->letter <= 'Z';
}

/* Returns -1, or an exit code after a message. */
static int
parse_named(const struct option_row *row, const char *text,
    struct named *named)
{
	*named = (struct named){ kind_of(row), by_key(row), 0, 0 };
	return named->by_key ?
	    parse_shared_key(row->name, text, &named->key) :
	    parse_id(row->name, text, &named->id);
}

static int
take_named(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;
	struct named named, *more;
	const int code = parse_named(row, text, &named);

	if (code != -1)
		return code;
	more = realloc(cmd->named, (cmd->nnamed + 1) * sizeof(*more));
	if (more == NULL) {
		warn("--%s %s", row->name, text);
		return EXIT_FAILURE;
	}
	cmd->named = more;
	cmd->named[cmd->nnamed++] = named;
	cmd->naming = row;
	return -1;
}

static int
take_word(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	(void)row;
	if (cmd->naming != NULL)
		return take_named(cmd->naming, cmd, text);
	warnx("%s: of what kind? Give -m, -s or -q before an identifier, -M, "
	    "-S or -Q before a key", text);
	return EXIT_USAGE;
}

/* -a=KIND is written as --all=KIND is. */
static int
take_all(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	cmd->naming = NULL;
	if (text == NULL) {
		cmd->all = OF_SHM | OF_SEM | OF_MSG;
		return -1;
	}
	text += *text == '=';
	for (int k = 0; k < NKINDS; k++)
		if (strcmp(text, facilities[k].name) == 0) {
			cmd->all |= 1u << k;
			return -1;
		}
	warnx("--%s=%s: no such kind; there are shm, sem and msg", row->name,
	    text);
	return EXIT_USAGE;
}

static int
take_owner(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	cmd->by_owner = 1;
	if (parse_user(text, &cmd->owner))
		return -1;
	warnx("--%s %s: no such user", row->name, text);
	return EXIT_USAGE;
}

static int
take_age(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	cmd->by_age = 1;
	if (parse_age(text, &cmd->older))
		return -1;
	warnx("--%s %s: not an age: digits, with s, m, h, d or w behind them",
	    row->name, text);
	return EXIT_USAGE;
}

#define SET(field)	OPTION_SET(struct command, field, 1)
#define NAMED		OPTION_CALL(take_named)

static const struct option_row rows[] = {
	{ 'm', "shmem-id", "ID...", "remove segments", NAMED },
	{ 's', "semaphore-id", "ID...", "remove semaphore sets", NAMED },
	{ 'q', "queue-id", "ID...", "remove message queues", NAMED },
	{ 'M', "shmem-key", "KEY...", "remove segments by their keys: "
	    "numbers, 0xHEX, or PATH:PROJ for ftok()'s key of a file", NAMED },
	{ 'S', "semaphore-key", "KEY...", "remove semaphore sets by their "
	    "keys", NAMED },
	{ 'Q', "queue-key", "KEY...", "remove message queues by their keys",
	    NAMED },
	{ 'a', "all", "[KIND]", "remove all, or all of a kind: shm, sem or "
	    "msg", OPTION_CALL(take_all) },
	{ 0, "owner", "USER", "only what belongs to USER",
	    OPTION_CALL(take_owner) },
	{ 0, "older", "AGE", "only what was neither used nor changed for AGE "
	    "seconds; or minutes, hours, days or weeks, with m, h, d or w "
	    "behind them", OPTION_CALL(take_age) },
	{ 0, "orphans", NULL, "only what nobody alive uses: whose creator "
	    "and last users have ended, and which nobody waits in, has "
	    "attached or owes to", SET(orphans) },
	{ 0, "dry-run", NULL, "print what would be removed, and remove "
	    "nothing", SET(dry_run) },
	{ 'v', "verbose", NULL, "print what is removed", SET(verbose) },
	{ 'f', "force", NULL, "it is no failure that nothing is there",
	    SET(force) },
	OPTIONS_COMMON(struct command)
};

static void
print_words(const struct option_row *row)
{
	if (row->letter == 'a')
		for (int k = 0; k < NKINDS; k++)
			printf("%s ", facilities[k].name);
}

static const char *const synopsis[] = {
	"[options] {-m | -s | -q} ID... | {-M | -S | -Q} KEY...",
	"[options] -a[=KIND] | --orphans | --owner USER | --older AGE",
	NULL
};

static const struct option_table options = {
	.program = "mipcrm",
	.synopsis = synopsis,
	.about = "Remove objects of a namespace: those named, or all; "
	    "and of them those that --orphans, --owner and --older leave.",
	.rows = rows,
	.nrows = sizeof(rows) / sizeof(rows[0]),
	.exits = "Exits with 0; with 1 if something cannot be removed or is "
	    "not there, or nothing matched; with 2 for a wrong usage.",
	.failed = EXIT_FAILURE,
	.operand = take_word,
	.words = print_words,
};

/* Refuse what makes no sense.  Returns an exit code, or -1 to go on. */
static int
settle(int argc, char **argv, struct command *cmd)
{
	if (optind < argc)
		warnx("%s: name it before \"--\"", argv[optind]);
	else if (cmd->nnamed > 0 && cmd->all != 0)
		warnx("--all: with it nothing is named");
	else if (cmd->nnamed == 0 && cmd->all == 0 && !cmd->by_owner &&
	    !cmd->by_age && !cmd->orphans)
		warnx("nothing is named");
	else
		return -1;
	return options_refuse(&options);
}

int
main(int argc, char **argv)
{
	struct command cmd = { .dir = NULL };
	struct mipc_ns *ns;
	int code;

	code = options_read(&options, argc, argv, &cmd);
	if (code == -1)
		code = settle(argc, argv, &cmd);
	if (code != -1)
		return code;
	ns = open_existing(&cmd.dir, cmd.dry_run ? MIPC_RDONLY : 0);
	if (ns != NULL)
		return remove_objects(&cmd, ns);
	if (errno == ENOENT && cmd.force)
		return EXIT_SUCCESS;
	if (cmd.dir == NULL)
		warn("the default namespace's name");
	else
		warnx("%s", mipc_reason());
	return EXIT_FAILURE;
}
