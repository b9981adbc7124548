/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs.h - what the files of mipcs share.
 *
 * Each kind of object (mipcs_shm.c, mipcs_sem.c, mipcs_msg.c) is described by
 * a struct kind, whose one array of columns fills the table, chooses what a
 * view shows, checks --output and prints itself under --help.  mipcs_list.c
 * does that for whatever kind it is.
 */
#ifndef MIPC_MIPCS_H
#define MIPC_MIPCS_H

#include "mipc.h"
#include "object.h"
#include "options.h"
#include "table.h"

#define CELL	MIPC_COMMAND	/* bytes of a cell's text, with its end */

enum exit_code {
	EXIT_FINE = 0,
	EXIT_UNREADABLE = 1,	/* the namespace, or an object in it */
	EXIT_DEADLOCK = 3
};

enum view {
	VIEW_OBJECTS,
	VIEW_LIMITS,
	VIEW_SUMMARY,
	VIEW_DETAIL,		/* of one object */
	VIEW_WAITS,
	VIEW_ORPHANS,
	VIEW_EVENTS,
	VIEW_METRICS,
	VIEW_MESSAGES		/* of one queue */
};

/* The lists of objects that show a column unless --output says otherwise. */
enum shown {
	IN_DEFAULT = 01,
	IN_CREATORS = 02,
	IN_PIDS = 04,
	IN_TIMES = 010,
	IN_ALL = 017,
	IN_MORE = 020,		/* what each object is looked into for */
	IN_NUMBERS = 040,	/* numbers of users, and the like */
	IN_EVERYTHING = 077
};

enum { COLUMNS = 40 };		/* the most of a kind */

enum time_format {
	TIME_OWN,		/* seconds for programs, else year to second */
	TIME_SHORT,		/* an hour of today, else a day */
	TIME_FULL,		/* as date(1) */
	TIME_ISO
};

struct command {
	const char *dir;	/* NULL: the default */
	int kernel;		/* in place of a namespace, which is NULL */
	const char *output;	/* names of columns, separated by commas */
	enum view view;
	unsigned shown;		/* 0: not said */
	unsigned kinds;		/* a bit each that was asked for; 0: none was */
	int id;			/* of the one object that is shown, or -1 */
	int by_key;		/* and it is to be found by `key` */
	key_t key;
	unsigned table_flags;
	int human;
	enum time_format time_format;
	double events;		/* the same of --events */
	double watch;		/* seconds between two looks; 0: one look */
	int list;		/* of the one object, its row alone */
	int dot;		/* for Graphviz */
	int by_type;		/* messages of `type` alone */
	long type;
	long long count;	/* of messages; -1 all */
};

struct column;
typedef void cell_fn(const struct command *, const struct object *,
	    const struct column *, char *);

struct column {
	struct table_column column;
	unsigned shown;
	cell_fn *fill;
	size_t at;		/* where the object has what it shows */
};

/* What shows a field: the function is for fields of that type. */
#define FIELD(type, fill, field) \
	fill, offsetof(struct object, ds.field) + 0 * sizeof(struct { \
	    _Static_assert(sizeof(type) == \
	    sizeof(((struct object *)0)->ds.field), #field); int unused; })

/* The columns that objects of all kinds begin with. */
#define COMMON_COLUMNS(id) \
	{ { "key", "key, in hexadecimal", 0 }, IN_DEFAULT, key_cell, 0 }, \
	{ { id, "identifier", 1 }, IN_ALL, id_cell, 0 }, \
	{ { "owner", "owner's name", 0 }, IN_ALL, \
	    FIELD(uid_t, user_cell, perm.uid) }, \
	{ { "group", "owner's group", 0 }, IN_CREATORS, \
	    FIELD(gid_t, group_cell, perm.gid) }, \
	{ { "creator", "creator's name", 0 }, IN_CREATORS, \
	    FIELD(uid_t, user_cell, perm.cuid) }, \
	{ { "cgroup", "creator's group", 0 }, IN_CREATORS, \
	    FIELD(gid_t, group_cell, perm.cgid) }, \
	{ { "perms", "permissions, in octal", 0 }, \
	    IN_DEFAULT | IN_CREATORS, perms_cell, 0 }

/* Those that they end with; most need a look into each. */
#define MORE_COLUMNS(letter) \
	{ { "t", "its kind: " letter, TABLE_TEXT }, IN_NUMBERS, kind_cell, \
	    0 }, \
	{ { "uid", "owner's number", TABLE_NUMBER }, IN_NUMBERS, \
	    FIELD(uid_t, number_cell, perm.uid) }, \
	{ { "gid", "number of owner's group", TABLE_NUMBER }, IN_NUMBERS, \
	    FIELD(gid_t, number_cell, perm.gid) }, \
	{ { "cuid", "creator's number", TABLE_NUMBER }, IN_NUMBERS, \
	    FIELD(uid_t, number_cell, perm.cuid) }, \
	{ { "cgid", "number of creator's group", TABLE_NUMBER }, \
	    IN_NUMBERS, FIELD(gid_t, number_cell, perm.cgid) }, \
	{ { "mode", "permissions in letters, as System V has them", \
	    TABLE_TEXT }, IN_MORE, mode_cell, 0 }, \
	{ { "lockpid", "process that holds its lock", TABLE_NUMBER }, \
	    IN_MORE, lockpid_cell, 0 }, \
	{ { "locked", "since when", TABLE_TIME }, IN_MORE, locked_cell, \
	    0 }, \
	{ { "born", "when it was created", TABLE_TIME }, IN_MORE, \
	    born_cell, 0 }, \
	{ { "used", "bytes of disk or memory that it takes up", \
	    TABLE_NUMBER }, IN_MORE, used_cell, 0 }, \
	{ { "alive", "whether its creator is: yes or no", TABLE_BOOLEAN }, \
	    IN_MORE, alive_cell, 0 }, \
	{ { "command", "its creator's command line", TABLE_TEXT }, IN_MORE, \
	    command_cell, 0 }

/* A row of a table of numbers. */
struct fact {
	const char *name;
	unsigned long long value;
	const char *help;
	int use;	/* a limit's: 1 + the place of it in the summary */
	unsigned long long used;
};

#define FACT(n, v, h)		{ .name = n, .value = v, .help = h }
#define LIMIT(n, v, h, u)	{ .name = n, .value = v, .help = h, .use = u }

enum { FACTS = 16 };		/* the most of all kinds */

struct kind {
	const char *name;	/* of its table in JSON */
	unsigned views;		/* the lists that it is part of by default */
	const struct column *columns;
	size_t ncolumns;
	/* Put facts there; how many, or -1 with errno. */
	int (*limits)(struct mipc_ns *, struct fact *);
	int (*summary)(struct mipc_ns *, struct fact *);
};

/* What others call a column, in whatever case. */
struct other_name {
	const char *other, *own;
};

enum { OTHER_NAMES = 15 };
extern const struct other_name other_names[OTHER_NAMES];

extern const struct kind kind_shm;
extern const struct kind kind_sem;
extern const struct kind kind_msg;
extern const struct kind *const kinds[NKINDS];

/* The chosen columns, in order. */
struct choice {
	const struct column *column[COLUMNS];
	size_t n;
};

/* A time, in the format that was chosen; never is an empty cell. */
void	say_time(const struct command *, time_t, char cell[static CELL]);

/* A number of a list, in decimal. */
void	say_count(unsigned long long, char cell[static CELL]);

/* What fills cells: those of all kinds, and fields. */
cell_fn	key_cell, id_cell, perms_cell, status_cell;
cell_fn	born_cell, used_cell, alive_cell, command_cell, creator_cell;
cell_fn	user_cell, group_cell, pid_cell, count_cell, time_cell, size_cell;
cell_fn	kind_cell, number_cell, mode_cell, lockpid_cell, locked_cell;
cell_fn	attached_cell, undo_cell, sleepers_cell, types_cell;

/*
 * Choose the columns of each kind; one that has none is not listed.  Returns
 * 0, or -1 after a message.
 */
int	choose(struct command *, struct choice choices[static NKINDS]);

/* Print what the command asks for; `ns` may be NULL.  An exit code. */
int	print_objects(const struct command *, const struct choice *,
	    struct mipc_ns *);
int	print_facts(const struct command *, struct mipc_ns *);
/* The values of all semaphores of a set at one instant, for free(); or NULL. */
unsigned short *all_values(struct mipc_ns *, int id, int *n);
int	print_semaphores(const struct command *, struct mipc_ns *);
int	print_detail(const struct command *, const struct choice *,
	    struct mipc_ns *);
/* The object with the key: its id and kind.  An exit code. */
int	find_by_key(struct command *, struct mipc_ns *);
int	print_orphans(const struct command *, struct mipc_ns *);
int	print_messages(const struct command *, struct mipc_ns *);
int	print_metrics(const struct command *, struct mipc_ns *);
int	print_events(const struct command *, struct mipc_ns *);
int	print_waits(const struct command *, struct mipc_ns *);

#endif
