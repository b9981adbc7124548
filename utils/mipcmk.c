/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcmk - makes an object of a namespace, and prints its identifier.
 *
 * What it makes is new: a key that is taken is an error, which says by what.
 */
#include "limits.h"
#include "object.h"
#include "options.h"
#include "parse.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct command {
	const char *dir;	/* NULL: the default */
	unsigned kinds;		/* a bit each that was asked for */
	unsigned long long size;	/* bytes of a segment */
	int nsems;
	key_t key;
	int mode;
	struct limits limits;
};

/* --- the command line -------------------------------------------------- */

static int
take_shm(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	cmd->kinds |= OF_SHM;
	if (parse_number(text, &cmd->size) && cmd->size > 0 &&
	    cmd->size <= SIZE_MAX)
		return -1;
	warnx("--%s %s: not a size: digits, with K, M, G or nothing behind "
	    "them", row->name, text);
	return EXIT_USAGE;
}

static int
take_sem(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;
	unsigned long long n;

	cmd->kinds |= OF_SEM;
	if (parse_number(text, &n) && n > 0 && n <= INT_MAX) {
		cmd->nsems = (int)n;
		return -1;
	}
	warnx("--%s %s: not a number of semaphores", row->name, text);
	return EXIT_USAGE;
}

static int
take_key(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	return parse_key(row->name, text, &cmd->key);
}

static int
take_mode(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	if (parse_mode(text, &cmd->mode))
		return -1;
	warnx("--%s %s: not permissions in octal, 0 to 777", row->name, text);
	return EXIT_USAGE;
}

static int
take_limit(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	(void)row;
	return limits_add(&cmd->limits, text, EXIT_FAILURE);
}

static const struct option_row rows[] = {
	{ 'm', "shmem", "SIZE", "a segment of SIZE bytes; K, M and G "
	    "multiply by 1024", OPTION_CALL(take_shm) },
	{ 's', "semaphores", "N", "a set of N semaphores",
	    OPTION_CALL(take_sem) },
	{ 'q', "queue", NULL, "a message queue",
	    OPTION_ADD(struct command, kinds, OF_MSG) },
	{ 'k', "key", "KEY", "its key: a number, 0xHEX, or PATH:PROJ for "
	    "ftok()'s key of a file; without one it has none, and is known "
	    "by its identifier", OPTION_CALL(take_key) },
	{ 'p', "mode", "MODE", "its permissions, in octal; else 644",
	    OPTION_CALL(take_mode) },
	{ 0, "limit", "NAME=VALUE", LIMITS_HELP, OPTION_CALL(take_limit) },
	OPTIONS_COMMON(struct command)
};

static const char *const synopsis[] = {
	"[options] -m SIZE | -s N | -q",
	"[--dir DIR] --limit NAME=VALUE...",
	NULL
};

static const struct option_table options = {
	.program = "mipcmk",
	.synopsis = synopsis,
	.about = "Make a segment, a set of semaphores or a message queue, and "
	    "print its identifier. A namespace that is missing is made.",
	.rows = rows,
	.nrows = sizeof(rows) / sizeof(rows[0]),
	.exits = "Exits with 0; with 1 if it cannot be made, or the key is "
	    "taken; with 2 for a wrong usage.",
	.failed = EXIT_FAILURE,
	.words = limits_words,
};

/* Refuse what makes no sense.  Returns an exit code, or -1 to go on. */
static int
settle(int argc, char **argv, const struct command *cmd)
{
	if (optind < argc)
		warnx("%s: not an option", argv[optind]);
	else if (cmd->kinds & (cmd->kinds - 1))
		warnx("one object is made: give one of -m, -s and -q");
	else if (cmd->kinds == 0 && cmd->key != IPC_PRIVATE)
		warnx("--key: of what? Give one of -m, -s and -q");
	else if (cmd->kinds == 0 && cmd->limits.n == 0)
		warnx("nothing to make: give one of -m, -s and -q");
	else
		return -1;
	return options_refuse(&options);
}

/* --- making ------------------------------------------------------------ */

/* Say what has the key.  It may be gone meanwhile. */
static void
tell_taken(const struct command *cmd, const struct facility *facility,
    struct mipc_ns *ns)
{
	char owner[NAME_SIZE], creator[NAME_SIZE], process[40] = "";
	const int id = facility->find(ns, cmd->key);
	struct object o;

	if (id == -1 || object_stat(ns, facility, id, &o) == -1) {
		warnx("key 0x%08x is taken by a %s: %s",
		    (unsigned)cmd->key, facility->one, strerror(errno));
		return;
	}
	user_name(o.ds.perm.uid, owner);
	user_name(o.ds.perm.cuid, creator);
	if (cmd->kinds == OF_SHM)
		snprintf(process, sizeof(process), " in process %d",
		    (int)o.ds.shm.shm_cpid);
	warnx("key 0x%08x is taken by %s %d, of owner %s, created by %s%s",
	    (unsigned)cmd->key, facility->one, id, owner, creator, process);
}

static int
make(const struct command *cmd, struct mipc_ns *ns)
{
	const int flags = IPC_CREAT | IPC_EXCL | cmd->mode;

	switch (cmd->kinds) {
	case OF_SHM:
		return mipc_shmget(ns, cmd->key, (size_t)cmd->size, flags);
	case OF_SEM:
		return mipc_semget(ns, cmd->key, cmd->nsems, flags);
	}
	return mipc_msgget(ns, cmd->key, flags);
}

/* What could not be made, and why; errno says it in few words. */
static void
tell_failure(const struct command *cmd, const struct facility *facility)
{
	const char *why = strerror(errno);
	char size[60] = "";

	if (errno == EINVAL)
		why = "it is outside the limits, which mipcs --limits shows";
	else if (errno == ENOSPC)
		why = "a limit is reached (mipcs --limits), or the "
		    "filesystem is full";
	if (cmd->kinds == OF_SHM)
		snprintf(size, sizeof(size), " of %llu bytes", cmd->size);
	else if (cmd->kinds == OF_SEM)
		snprintf(size, sizeof(size), " of %d semaphores", cmd->nsems);
	warnx("a new %s%s: %s", facility->one, size, why);
}

static int
make_and_tell(const struct command *cmd, struct mipc_ns *ns)
{
	const struct facility *facility = facilities;
	const int id = make(cmd, ns);

	while (!(cmd->kinds & 1u << (facility - facilities)))
		facility++;
	if (id == -1 && errno == EEXIST)
		tell_taken(cmd, facility, ns);
	else if (id == -1)
		tell_failure(cmd, facility);
	if (id == -1)
		return EXIT_FAILURE;
	if (printf("%d\n", id) > 0 && fflush(stdout) == 0)
		return EXIT_SUCCESS;
	warn("%s %d is made, but standard output", facility->one, id);
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	struct command cmd = { .key = IPC_PRIVATE, .mode = 0644 };
	struct mipc_ns *ns;
	int code;

	code = options_read(&options, argc, argv, &cmd);
	if (code == -1)
		code = settle(argc, argv, &cmd);
	if (code != -1)
		return code;
	ns = cmd.dir == NULL ? mipc_default() : mipc_open(cmd.dir, MIPC_CREAT);
	if (ns == NULL) {
		warnx("%s", mipc_reason());
		return EXIT_FAILURE;
	}
	code = limits_set(&cmd.limits, ns, EXIT_FAILURE);
	if (code != -1)
		return code;
	return cmd.kinds == 0 ? EXIT_SUCCESS : make_and_tell(&cmd, ns);
}
