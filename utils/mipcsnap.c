/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcsnap - checkpoints of a namespace: written, read, compared, restored.
 */
#include "mipcsnap.h"

#include "elapsed.h"
#include "options.h"
#include "parse.h"
#include "table.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CELL = MIPC_COMMAND, KEEP_MOST = 1000 };

/* --- progress ---------------------------------------------------------- */

/* On a terminal, of what takes longer than a second. */
struct meter {
	const char *what;
	struct timespec began;
	bool shown;
};

static void
show(void *arg, unsigned long long done, unsigned long long all)
{
	struct meter *meter = arg;
	const double percent = all == 0 ? 100 :
	    100.0 * (double)done / (double)all;

	if (!meter->shown && elapsed(&meter->began) < 1)
		return;
	meter->shown = true;
	fprintf(stderr, "\r%s: %3.0f %% of %llu MiB\033[K", meter->what,
	    percent < 100 ? percent : 100, all >> 20);
	if (done >= all)
		fprintf(stderr, "\r\033[K");
}

/* Its address; what nobody would see is not shown. */
static struct mipc_progress *
begin_meter(struct meter *meter, const char *what,
    struct mipc_progress *progress)
{
	*meter = (struct meter){ .what = what };
	*progress = (struct mipc_progress){ .tell = show, .arg = meter };
	elapsed_begin(&meter->began);
	if (!isatty(STDERR_FILENO))
		progress->tell = NULL;
	return progress;
}

/* --- checkpoints ------------------------------------------------------- */

int
fail(void)
{
	warnx("%s", mipc_reason());
	return EXIT_FAILURE;
}

static struct mipc_ckpt *
open_checkpoint(const char *path)
{
	struct mipc_progress progress;
	struct meter meter;
	struct mipc_ckpt *ckpt;

	ckpt = mipc_ckpt_open(path, begin_meter(&meter, "reading",
	    &progress));
	if (ckpt == NULL)
		fail();
	return ckpt;
}

int
read_parts(const char *path, struct parts *out)
{
	struct mipc_ckpt *ckpt = open_checkpoint(path);
	struct mipc_ckpt_about about;
	int more = 1;

	if (ckpt == NULL)
		return EXIT_FAILURE;
	mipc_ckpt_about(ckpt, &about);
	*out = (struct parts){ .segment = about.segment };
	out->part = calloc((size_t)about.objects + 1, sizeof(*out->part));
	if (out->part == NULL)
		err(EXIT_FAILURE, "%s", path);
	while (out->n < about.objects && more == 1) {
		more = mipc_ckpt_next(ckpt, &out->part[out->n]);
		out->n += more == 1;
	}
	mipc_ckpt_close(ckpt);
	if (more != -1)
		return -1;
	free(out->part);
	*out = (struct parts){ .n = 0 };
	return fail();
}

static const char *const ways[] = {
	[MIPC_BY_PAGES] = "page by page", [MIPC_BY_REFLINK] = "reflink"
};

static void
say_copied(void *arg, int shmid, enum mipc_copied how)
{
	(void)arg;
	printf("segment %d: %s\n", shmid, ways[how]);
}

int
save_to(struct mipc_ns *ns, const int *segment, const char *path,
    unsigned keep, int say)
{
	struct mipc_progress progress;
	struct meter meter;

	begin_meter(&meter, "saving", &progress);
	if (say)
		progress.copied = say_copied;
	return segment == NULL ? mipc_checkpoint(ns, path, keep, &progress) :
	    mipc_checkpoint_segment(ns, *segment, path, keep, &progress);
}

/* --- save, restore, verify --------------------------------------------- */

/* The segment of a key; an exit code after a message, or -1 to go on. */
static int
find_segment(struct mipc_ns *ns, struct command *cmd)
{
	cmd->segment = facilities[MIPC_SHM].find(ns, cmd->key);
	if (cmd->segment != -1)
		return -1;
	if (errno == ENOENT)
		warnx("%s: no segment has key 0x%08x", cmd->dir,
		    (unsigned)cmd->key);
	else
		warn("%s: the segment of key 0x%08x", cmd->dir,
		    (unsigned)cmd->key);
	return EXIT_FAILURE;
}

static int
save(struct command *cmd)
{
	struct mipc_ns *ns = open_existing(&cmd->dir, 0);
	int code = -1;

	if (ns == NULL)
		return fail();
	if (cmd->naming == BY_KEY)
		code = find_segment(ns, cmd);
	if (code != -1)
		return code;
	return save_to(ns, cmd->naming != 0 ? &cmd->segment : NULL,
	    cmd->word[1], cmd->keep == 0 ? 1 : cmd->keep, 1) == 0 ?
	    EXIT_SUCCESS : fail();
}

static int
restore(struct command *cmd)
{
	struct mipc_progress progress;
	struct meter meter;
	char dir[4096];

	if (cmd->dir == NULL && mipc_default_dir(dir, sizeof(dir)) == -1)
		err(EXIT_FAILURE, "the default namespace");
	return mipc_restore(cmd->word[1], cmd->dir != NULL ? cmd->dir : dir,
	    begin_meter(&meter, "reading", &progress)) == 0 ? EXIT_SUCCESS :
	    fail();
}

static void
when(time_t time, char text[CELL])
{
	struct tm tm;

	if (localtime_r(&time, &tm) == NULL ||
	    strftime(text, CELL, "%Y-%m-%dT%H:%M:%S%z", &tm) == 0)
		snprintf(text, CELL, "%lld", (long long)time);
}

static int
verify(struct command *cmd)
{
	struct mipc_ckpt *ckpt = open_checkpoint(cmd->word[1]);
	struct mipc_ckpt_about about;
	char taken[CELL];

	if (ckpt == NULL)
		return EXIT_FAILURE;
	mipc_ckpt_about(ckpt, &about);
	mipc_ckpt_close(ckpt);
	when(about.taken, taken);
	printf("%s: whole: ", cmd->word[1]);
	if (about.segment)
		printf("of one segment");
	else
		printf("%llu object%s", about.objects,
		    about.objects == 1 ? "" : "s");
	printf(", %llu bytes, taken %s\n", about.bytes, taken);
	return EXIT_SUCCESS;
}

/* --- list -------------------------------------------------------------- */

static const struct table_column columns[] = {
	{ "kind", "segment, set or queue", TABLE_TEXT },
	{ "id", "identifier", TABLE_NUMBER },
	{ "key", "0x00000000: none", TABLE_TEXT },
	{ "perms", "in octal", TABLE_TEXT },
	{ "owner", "user", TABLE_TEXT },
	{ "group", "of it", TABLE_TEXT },
	{ "size", "bytes, or semaphores", TABLE_NUMBER },
	{ "messages", "of a queue", TABLE_NUMBER },
	{ "ctime", "when it was made or changed", TABLE_TEXT },
	{ "cpid", "process that made it", TABLE_NUMBER },
	{ "command", "of that process", TABLE_TEXT },
	{ "alone", "the checkpoint is of this segment, and of no namespace",
	    TABLE_BOOLEAN },
	{ "copied", "of a segment: reflink, or page by page", TABLE_TEXT },
};

enum { NCOLUMNS = sizeof(columns) / sizeof(columns[0]) };

static int
add_row(struct table *table, const struct mipc_ckpt_part *part, int alone)
{
	char text[NCOLUMNS][CELL] = { "" };
	const char *cells[NCOLUMNS];

	for (size_t i = 0; i < NCOLUMNS; i++)
		cells[i] = text[i];
	cells[0] = facilities[part->kind].one;
	snprintf(text[1], CELL, "%d", part->id);
	snprintf(text[2], CELL, "0x%08x", (unsigned)part->perm.__key);
	snprintf(text[3], CELL, "%03o", (unsigned)part->perm.mode);
	user_name(part->perm.uid, text[4]);
	group_name(part->perm.gid, text[5]);
	snprintf(text[6], CELL, "%llu", part->size);
	if (part->kind == MIPC_MSG)
		snprintf(text[7], CELL, "%llu", part->count);
	when(part->ctime, text[8]);
	snprintf(text[9], CELL, "%d", (int)part->cpid);
	cells[10] = part->command;
	cells[11] = alone ? "yes" : "no";
	if (part->kind == MIPC_SHM)
		cells[12] = ways[part->copied];
	return table_add(table, cells);
}

static int
list(struct command *cmd)
{
	const struct table_column *chosen[NCOLUMNS];
	struct table *table;
	struct parts parts;
	int code, r = 0;

	code = read_parts(cmd->word[1], &parts);
	if (code != -1)
		return code;
	for (size_t i = 0; i < NCOLUMNS; i++)
		chosen[i] = &columns[i];
	table = table_new("objects", chosen, NCOLUMNS,
	    cmd->json ? TABLE_JSON : 0);
	if (table == NULL)
		err(EXIT_FAILURE, "the table");
	for (size_t i = 0; i < parts.n && r == 0; i++)
		r = add_row(table, &parts.part[i], parts.segment);
	if (r == 0)
		r = table_print(table);
	free(parts.part);
	if (r == 0)
		return EXIT_SUCCESS;
	warn("standard output");
	return EXIT_FAILURE;
}

/* --- the command line -------------------------------------------------- */

static const struct {
	const char *name;
	int operands;
	int (*run)(struct command *);
} actions[] = {
	{ "save", 1, save },
	{ "restore", 1, restore },
	{ "list", 1, list },
	{ "verify", 1, verify },
	{ "diff", 2, diff },
};

static int
take_id(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	cmd->naming |= BY_ID;
	return parse_id(row->name, text, &cmd->segment);
}

static int
take_key(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	cmd->naming |= BY_KEY;
	return parse_shared_key(row->name, text, &cmd->key);
}

static int
take_keep(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;
	unsigned long long n;

	if (parse_number(text, &n) && n >= 1 && n <= KEEP_MOST) {
		cmd->keep = (unsigned)n;
		return -1;
	}
	warnx("--%s %s: not a number of generations, 1 to %d", row->name,
	    text, KEEP_MOST);
	return EXIT_USAGE;
}

static int
take_word(const struct option_row *row, void *command, const char *text)
{
	struct command *cmd = command;

	(void)row;
	if (cmd->words < WORDS) {
		cmd->word[cmd->words++] = text;
		return -1;
	}
	warnx("%s: one too many", text);
	return EXIT_USAGE;
}

static const struct option_row rows[] = {
	{ 'm', "segment", "ID", "with save: a checkpoint of that segment "
	    "alone", OPTION_CALL(take_id) },
	{ 'M', "key", "KEY", "the same by its key: a number, 0xHEX, or "
	    "PATH:PROJ for ftok()'s key of a file", OPTION_CALL(take_key) },
	{ 0, "keep", "N", "with save: keep N generations, the one there is "
	    "as CHECKPOINT.1, the one before as CHECKPOINT.2; else 1",
	    OPTION_CALL(take_keep) },
	{ 'J', "json", NULL, "with list: JSON",
	    OPTION_SET(struct command, json, 1) },
	OPTIONS_COMMON(struct command)
};

static const char *const synopsis[] = {
	"[--dir DIR] save CHECKPOINT [--keep N] [-m ID | -M KEY]",
	"[--dir DIR] restore CHECKPOINT",
	"list CHECKPOINT [--json]",
	"verify CHECKPOINT",
	"diff CHECKPOINT|NAMESPACE CHECKPOINT|NAMESPACE",
	NULL
};

static const struct option_table options = {
	.program = "mipcsnap",
	.synopsis = synopsis,
	.about = "Write a namespace, or a segment of it, to a checkpoint, a "
	    "file that is replaced whole; make a namespace of one, new or in "
	    "place of one that nobody uses; list, verify and compare them.",
	.rows = rows,
	.nrows = sizeof(rows) / sizeof(rows[0]),
	.exits = "Exits with 0; with 1 if it fails, or a checkpoint is "
	    "damaged; with 2 for a wrong usage; diff with 3 if they differ.",
	.failed = EXIT_FAILURE,
	.operand = take_word,
};

/* Refuse what makes no sense.  Returns an exit code, or -1 to go on. */
static int
settle(const struct command *cmd)
{
	if (cmd->words == 0)
		warnx("nothing to do: give save, restore, list, verify or "
		    "diff");
	else if (cmd->naming != 0 && strcmp(cmd->word[0], "save") != 0)
		warnx("%s: a segment is named for save alone", cmd->word[0]);
	else if (cmd->naming == (BY_ID | BY_KEY))
		warnx("one segment is saved: give one of --segment and --key");
	else
		return -1;
	return options_refuse(&options);
}

int
main(int argc, char **argv)
{
	struct command cmd = { .dir = NULL };
	int code;

	code = options_read(&options, argc, argv, &cmd);
	if (code == -1)
		code = settle(&cmd);
	if (code != -1)
		return code;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(cmd.word[0], actions[i].name) != 0)
			continue;
		if (cmd.words - 1 == actions[i].operands)
			return actions[i].run(&cmd);
		warnx("%s: %d operand%s wanted", actions[i].name,
		    actions[i].operands, actions[i].operands == 1 ? " is" :
		    "s are");
		return options_refuse(&options);
	}
	warnx("%s: not something to do", cmd.word[0]);
	return options_refuse(&options);
}
