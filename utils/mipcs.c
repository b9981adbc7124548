/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs - lists the objects of a namespace.
 *
 * One array describes the columns: it fills the table, chooses what a view
 * shows, checks --output and prints itself under --help.
 */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mipc.h"
#include "table.h"

#define CELL	64		/* bytes of a cell's text, with its end */

enum exit_code {
	EXIT_FINE = 0,
	EXIT_UNREADABLE = 1,	/* the namespace, or an object in it */
	EXIT_USAGE = 2
};

enum view {
	VIEW_SEGMENTS,
	VIEW_LIMITS,
	VIEW_SUMMARY
};

struct command {
	const char *dir;	/* NULL: the default */
	const char *output;	/* names of columns, separated by commas */
	enum view view;
	int table_flags;
	int human;
};

/* A segment as it is shown; `error` says why the rest is not known. */
struct segment {
	int index;
	int id;
	int error;
	struct shmid_ds ds;
};

typedef void cell_fn(const struct command *, const struct segment *, char *);

static void
key_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "0x%08x", (unsigned)s->ds.shm_perm.__key);
}

static void
id_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%d", s->id);
}

static void
user_cell(uid_t uid, char *cell)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw != NULL)
		snprintf(cell, CELL, "%s", pw->pw_name);
	else
		snprintf(cell, CELL, "%u", (unsigned)uid);
}

static void
group_cell(gid_t gid, char *cell)
{
	const struct group *gr = getgrgid(gid);

	if (gr != NULL)
		snprintf(cell, CELL, "%s", gr->gr_name);
	else
		snprintf(cell, CELL, "%u", (unsigned)gid);
}

static void
owner_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	(void)cmd;
	user_cell(s->ds.shm_perm.uid, cell);
}

static void
owner_group_cell(const struct command *cmd, const struct segment *s,
    char *cell)
{
	(void)cmd;
	group_cell(s->ds.shm_perm.gid, cell);
}

static void
creator_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	(void)cmd;
	user_cell(s->ds.shm_perm.cuid, cell);
}

static void
creator_group_cell(const struct command *cmd, const struct segment *s,
    char *cell)
{
	(void)cmd;
	group_cell(s->ds.shm_perm.cgid, cell);
}

static void
perms_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%03o", (unsigned)s->ds.shm_perm.mode & 0777);
}

static void
bytes_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	const char *unit = "BKMGTPE";
	double size = (double)s->ds.shm_segsz;

	if (!cmd->human || s->ds.shm_segsz < 1024) {
		snprintf(cell, CELL, "%zu", s->ds.shm_segsz);
		return;
	}
	for (; size >= 1024 && unit[1] != '\0'; unit++)
		size /= 1024;
	snprintf(cell, CELL, size < 10 ? "%.1f%c" : "%.0f%c", size, *unit);
}

static void
nattch_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%lu", (unsigned long)s->ds.shm_nattch);
}

static void
cpid_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%d", (int)s->ds.shm_cpid);
}

static void
lpid_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%d", (int)s->ds.shm_lpid);
}

/* A time for people, seconds since 1970 in JSON; never is an empty cell. */
static void
time_cell(const struct command *cmd, time_t when, char *cell)
{
	struct tm tm;

	if (when == 0)
		cell[0] = '\0';
	else if (cmd->table_flags & TABLE_JSON)
		snprintf(cell, CELL, "%lld", (long long)when);
	else if (localtime_r(&when, &tm) == NULL ||
	    strftime(cell, CELL, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		cell[0] = '\0';
}

static void
atime_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	time_cell(cmd, s->ds.shm_atime, cell);
}

static void
dtime_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	time_cell(cmd, s->ds.shm_dtime, cell);
}

static void
ctime_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	time_cell(cmd, s->ds.shm_ctime, cell);
}

static void
status_cell(const struct command *cmd, const struct segment *s, char *cell)
{
	const unsigned mode = s->ds.shm_perm.mode;
	const char *dest = mode & SHM_DEST ? "dest" : "";
	const char *locked = mode & SHM_LOCKED ? "locked" : "";

	(void)cmd;
	if (s->error != 0)
		snprintf(cell, CELL, "index %d: %.40s", s->index,
		    strerror(s->error));
	else
		snprintf(cell, CELL, "%s%s%s", dest,
		    *dest && *locked ? "," : "", locked);
}

/* The views that show a column unless --output says otherwise. */
enum shown {
	IN_DEFAULT = 01,
	IN_CREATORS = 02,
	IN_PIDS = 04,
	IN_TIMES = 010
};

#define IN_ALL	(IN_DEFAULT | IN_CREATORS | IN_PIDS | IN_TIMES)

static const struct {
	struct table_column column;
	unsigned shown;
	cell_fn *fill;
} columns[] = {
	{ { "key", "key, in hexadecimal", 0 }, IN_DEFAULT, key_cell },
	{ { "shmid", "identifier", 1 }, IN_ALL, id_cell },
	{ { "owner", "owner's name", 0 }, IN_ALL, owner_cell },
	{ { "group", "owner's group", 0 }, IN_CREATORS, owner_group_cell },
	{ { "creator", "creator's name", 0 }, IN_CREATORS, creator_cell },
	{ { "cgroup", "creator's group", 0 }, IN_CREATORS,
	    creator_group_cell },
	{ { "perms", "permissions, in octal", 0 }, IN_DEFAULT | IN_CREATORS,
	    perms_cell },
	{ { "bytes", "size", 1 }, IN_DEFAULT, bytes_cell },
	{ { "nattch", "number of attaches", 1 }, IN_DEFAULT, nattch_cell },
	{ { "cpid", "process that created it", 1 }, IN_PIDS, cpid_cell },
	{ { "lpid", "process that attached or detached last", 1 }, IN_PIDS,
	    lpid_cell },
	{ { "atime", "when it was attached last", 1 }, IN_TIMES, atime_cell },
	{ { "dtime", "when it was detached last", 1 }, IN_TIMES, dtime_cell },
	{ { "ctime", "when it was created or changed last", 1 }, IN_TIMES,
	    ctime_cell },
	{ { "status", "dest: removed and still attached; locked; or why the "
	    "segment cannot be read", 0 }, IN_ALL, status_cell },
};

#define NCOLUMNS	(sizeof(columns) / sizeof(columns[0]))

/* The chosen columns, in order: what the table shows, and how to fill it. */
struct choice {
	const struct table_column *column[NCOLUMNS];
	cell_fn *fill[NCOLUMNS];
	size_t n;
};

static void
choose(struct choice *choice, size_t i)
{
	choice->column[choice->n] = &columns[i].column;
	choice->fill[choice->n] = columns[i].fill;
	choice->n++;
}

/* Choose by --output's list.  Names the first unknown one. */
static int
choose_listed(struct choice *choice, const char *list)
{
	while (*list != '\0') {
		const size_t len = strcspn(list, ",");
		size_t i;

		for (i = 0; i < NCOLUMNS; i++)
			if (strncmp(columns[i].column.name, list, len) == 0 &&
			    columns[i].column.name[len] == '\0')
				break;
		if (i == NCOLUMNS || choice->n == NCOLUMNS) {
			fprintf(stderr, "mipcs: --output: %.*s: %s\n",
			    (int)len, list, i == NCOLUMNS ?
			    "no such column; --help names them" :
			    "too many columns");
			return -1;
		}
		choose(choice, i);
		list += len + (list[len] == ',');
	}
	if (choice->n == 0)
		fprintf(stderr, "mipcs: --output: it names no column\n");
	return choice->n > 0 ? 0 : -1;
}

static void
choose_view(struct choice *choice, unsigned shown)
{
	for (size_t i = 0; i < NCOLUMNS; i++)
		if (columns[i].shown & shown)
			choose(choice, i);
}

static int
add_segment(struct table *t, const struct command *cmd,
    const struct choice *choice, const struct segment *s)
{
	char text[NCOLUMNS][CELL];
	const char *cells[NCOLUMNS];

	for (size_t i = 0; i < choice->n; i++) {
		text[i][0] = '\0';
		if (s->error == 0 || choice->fill[i] == status_cell)
			choice->fill[i](cmd, s, text[i]);
		cells[i] = text[i];
	}
	return table_add(t, cells);
}

/* Add all segments; counts those that cannot be read. */
static int
add_segments(struct table *t, const struct command *cmd,
    const struct choice *choice, struct mipc_ns *ns)
{
	struct shm_info info;
	int unreadable = 0;
	const int highest = mipc_shmctl(ns, 0, SHM_INFO,
	    (struct shmid_ds *)&info);

	if (highest == -1) {
		fprintf(stderr, "mipcs: %s: SHM_INFO: %s\n", cmd->dir,
		    strerror(errno));
		return 1;
	}
	for (int i = 0; i <= highest; i++) {
		struct segment s = { .index = i };

		s.id = mipc_shmctl(ns, i, SHM_STAT_ANY, &s.ds);
		if (s.id == -1 && (errno == EINVAL || errno == EIDRM))
			continue;	/* none there, or it went just now */
		if (s.id == -1) {
			s.error = errno;
			fprintf(stderr, "mipcs: %s: segment of index %d: %s\n",
			    cmd->dir, i, strerror(s.error));
			unreadable++;
		}
		if (add_segment(t, cmd, choice, &s) == -1)
			return -1;
	}
	return unreadable;
}

static int
print_segments(const struct command *cmd, const struct choice *choice,
    struct mipc_ns *ns)
{
	struct table *t = table_new("segments", choice->column, choice->n,
	    cmd->table_flags);
	int unreadable = -1;

	if (t != NULL)
		unreadable = ns == NULL ? 0 : add_segments(t, cmd, choice, ns);
	if (unreadable == -1 || table_print(t) == -1) {
		fprintf(stderr, "mipcs: the table: %s\n", strerror(errno));
		return EXIT_UNREADABLE;
	}
	return unreadable > 0 ? EXIT_UNREADABLE : EXIT_FINE;
}

/* A table of names and numbers. */
struct fact {
	const char *name;
	unsigned long long value;
	const char *help;
};

static int
print_facts(const struct command *cmd, const char *name,
    const struct fact *facts, size_t n)
{
	static const struct table_column fact_columns[] = {
		{ "name", "", 0 }, { "value", "", 1 }, { "meaning", "", 0 }
	};
	const struct table_column *const shown[] = {
		&fact_columns[0], &fact_columns[1], &fact_columns[2]
	};
	struct table *t = table_new(name, shown, 3, cmd->table_flags);
	int error = t == NULL ? -1 : 0;

	for (size_t i = 0; i < n && error == 0; i++) {
		char value[CELL];
		const char *cells[] = { facts[i].name, value, facts[i].help };

		snprintf(value, sizeof(value), "%llu", facts[i].value);
		error = table_add(t, cells);
	}
	if (error == 0 && table_print(t) == 0)
		return EXIT_FINE;
	fprintf(stderr, "mipcs: the table: %s\n", strerror(errno));
	return EXIT_UNREADABLE;
}

static int
print_limits(const struct command *cmd, struct mipc_ns *ns)
{
	struct shminfo info;

	if (mipc_shmctl(ns, 0, IPC_INFO, (struct shmid_ds *)&info) == -1) {
		fprintf(stderr, "mipcs: %s: IPC_INFO: %s\n", cmd->dir,
		    strerror(errno));
		return EXIT_UNREADABLE;
	}
	const struct fact facts[] = {
		{ "shmmni", info.shmmni, "most segments" },
		{ "shmmax", info.shmmax, "most bytes of a segment" },
		{ "shmall", info.shmall, "most pages of all segments" },
		{ "shmmin", info.shmmin, "least bytes of a segment" },
	};

	return print_facts(cmd, "limits", facts,
	    sizeof(facts) / sizeof(facts[0]));
}

static int
print_summary(const struct command *cmd, struct mipc_ns *ns)
{
	struct shm_info info;

	if (mipc_shmctl(ns, 0, SHM_INFO, (struct shmid_ds *)&info) == -1) {
		fprintf(stderr, "mipcs: %s: SHM_INFO: %s\n", cmd->dir,
		    strerror(errno));
		return EXIT_UNREADABLE;
	}
	const struct fact facts[] = {
		{ "segments", (unsigned long long)info.used_ids, "in use" },
		{ "pages", info.shm_tot, "of all segments" },
		{ "resident", info.shm_rss, "pages in memory" },
		{ "swapped", info.shm_swp, "pages in swap space" },
	};

	return print_facts(cmd, "summary", facts,
	    sizeof(facts) / sizeof(facts[0]));
}

static void
print_help(void)
{
	printf("Usage: mipcs [options]\n"
	    "List the shared memory segments of a namespace.\n"
	    "\n"
	    "      --dir DIR     the namespace in DIR; else $MIPC_DIR, else "
	    "the user's own\n"
	    "  -m, --shmems      shared memory (there is nothing else yet)\n"
	    "  -c, --creator     show owners and creators\n"
	    "  -p, --pid         show processes\n"
	    "  -t, --time        show times\n"
	    "  -o, --output LIST show these columns, separated by commas\n"
	    "  -l, --limits      the limits of the namespace instead\n"
	    "  -u, --summary     a summary instead\n"
	    "  -b, --bytes       sizes in bytes (the default)\n"
	    "      --human       sizes in K, M, G\n"
	    "  -J, --json        JSON, all columns unless some are chosen\n"
	    "      --noheadings  no line of headings\n"
	    "  -h, --help        print this\n"
	    "  -V, --version     print the version\n"
	    "\n"
	    "Columns:\n");
	for (size_t i = 0; i < NCOLUMNS; i++)
		printf("  %-8s  %s\n", columns[i].column.name,
		    columns[i].column.help);
	printf("\nExits with 0; with 1 if the namespace or a segment cannot be "
	    "read; with 2 for a\nwrong usage.\n");
}

/* Read the command line.  Returns an exit code, or -1 to go on. */
static int
read_options(int argc, char **argv, struct command *cmd, unsigned *shown)
{
	static const struct option longs[] = {
		{ "bytes", no_argument, NULL, 'b' },
		{ "creator", no_argument, NULL, 'c' },
		{ "dir", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "human", no_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'J' },
		{ "limits", no_argument, NULL, 'l' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "pid", no_argument, NULL, 'p' },
		{ "shmems", no_argument, NULL, 'm' },
		{ "summary", no_argument, NULL, 'u' },
		{ "time", no_argument, NULL, 't' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "bchJlmo:ptuV", longs, NULL)) !=
	    -1) {
		switch (c) {
		case 'b': cmd->human = 0; break;
		case 'c': *shown = IN_CREATORS; break;
		case 'd': cmd->dir = optarg; break;
		case 'H': cmd->human = 1; break;
		case 'J': cmd->table_flags |= TABLE_JSON; break;
		case 'l': cmd->view = VIEW_LIMITS; break;
		case 'm': cmd->view = VIEW_SEGMENTS; break;
		case 'n': cmd->table_flags |= TABLE_NO_HEADINGS; break;
		case 'o': cmd->output = optarg; break;
		case 'p': *shown = IN_PIDS; break;
		case 't': *shown = IN_TIMES; break;
		case 'u': cmd->view = VIEW_SUMMARY; break;
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

/* Make the choice of columns, and refuse what makes no sense. */
static int
settle(int argc, char **argv, struct command *cmd, unsigned shown,
    struct choice *choice)
{
	if (optind < argc) {
		fprintf(stderr, "mipcs: %s: not an option; a namespace is "
		    "named by --dir\n", argv[optind]);
		return EXIT_USAGE;
	}
	if (cmd->output != NULL) {
		if (choose_listed(choice, cmd->output) == -1)
			return EXIT_USAGE;
	} else if (shown == 0 && (cmd->table_flags & TABLE_JSON)) {
		choose_view(choice, IN_ALL);
	} else {
		choose_view(choice, shown != 0 ? shown : IN_DEFAULT);
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
	if (!named && errno == ENOENT && cmd->view == VIEW_SEGMENTS) {
		fprintf(stderr, "mipcs: %s: no namespace there yet\n",
		    cmd->dir);
		return 0;
	}
	fprintf(stderr, "mipcs: %s\n", mipc_reason());
	return -1;
}

int
main(int argc, char **argv)
{
	struct command cmd = { .view = VIEW_SEGMENTS };
	struct choice choice = { .n = 0 };
	struct mipc_ns *ns = NULL;
	unsigned shown = 0;
	int code;

	code = read_options(argc, argv, &cmd, &shown);
	if (code == -1)
		code = settle(argc, argv, &cmd, shown, &choice);
	if (code != -1)
		return code;
	if (open_namespace(&cmd, &ns) == -1)
		return EXIT_UNREADABLE;
	if (cmd.view == VIEW_LIMITS)
		code = print_limits(&cmd, ns);
	else if (cmd.view == VIEW_SUMMARY)
		code = print_summary(&cmd, ns);
	else
		code = print_segments(&cmd, &choice, ns);
	if (ns != NULL)
		mipc_close(ns);
	return code;
}
