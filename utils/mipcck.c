/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcck - checks a namespace, and repairs it if asked: as fsck(8) does a
 * filesystem.
 */
#include "mipc.h"
#include "options.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	EXIT_OPERATION = 8	/* as fsck(8)'s */
};

struct command {
	const char *dir;	/* NULL: the default */
	unsigned repair, dry, verbose;

};

static const struct option_row rows[] = {
	{ 'r', "repair", NULL, "mend what can be derived, and move what "
	    "cannot to lost+found below the namespace; nothing is deleted",
	    OPTION_ADD(struct command, repair, 1) },
	{ 'n', "dry-run", NULL, "change nothing, which is the default",
	    OPTION_ADD(struct command, dry, 1) },
	{ 'v', "verbose", NULL, "tell also what the dead have left and the "
	    "library will finish, and what was done",
	    OPTION_ADD(struct command, verbose, 1) },
	OPTIONS_COMMON(struct command)
};

static const char *const synopsis[] = {
	"[options]",
	NULL
};

static const struct option_table options = {
	.program = "mipcck",
	.synopsis = synopsis,
	.about = "Check every file of a namespace, and print a line for each "
	    "finding. It may be in use, a copy, or on a filesystem mounted "
	    "read-only.",
	.rows = rows,
	.nrows = sizeof(rows) / sizeof(rows[0]),
	.exits = "Exits with 0 if nothing is wrong; with 1 if all that was is "
	    "repaired; with 4 if something is; with 2 for a wrong usage; "
	    "with 8 if it cannot be checked.",
	.failed = EXIT_OPERATION,
};

static void
tell(void *arg, const struct mipc_check_finding *finding)
{
	static const char *const label[] = {
		[MIPC_CHECK_NOTE] = "note: ",
		[MIPC_CHECK_DAMAGE] = "",
		[MIPC_CHECK_MENDED] = "repaired: ",
	};
	struct command *cmd = arg;

	if (finding->weight == MIPC_CHECK_NOTE && !cmd->verbose)
		return;
	printf("%s: %s%s\n", finding->where, label[finding->weight],
	    finding->what);
}

static int
check(struct command *cmd, const char *dir)
{
	return mipc_check(dir, cmd->repair ? MIPC_CHECK_REPAIR : 0, tell, cmd);
}

int
main(int argc, char **argv)
{
	struct command cmd = { .dir = NULL };
	char standard[4096];
	int code = -1;

	code = options_read(&options, argc, argv, &cmd);
	if (code != -1)
		return code;
	if (optind < argc || (cmd.repair && cmd.dry)) {
		if (optind < argc)
			warnx("%s: not an option", argv[optind]);
		else
			warnx("--repair changes something, and --dry-run "
			    "nothing");
		return options_refuse(&options);
	}
	if (cmd.dir != NULL)
		code = check(&cmd, cmd.dir);
	else if (mipc_default_dir(standard, sizeof(standard)) == 0)
		code = check(&cmd, standard);
	if (code == -1) {
		warnx("%s", mipc_reason());
		return EXIT_OPERATION;
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	warn("standard output");
	return EXIT_OPERATION;
}
