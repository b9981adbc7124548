/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options.h - the options of a command, in one table.
 *
 * A row says how an option is written, what it does and what --help says of
 * it; the command line is read by the table, and nothing else lists options.
 * What most options do is to set a field of the command, a structure of the
 * caller's; the others have a function.
 */
#ifndef MIPC_OPTIONS_H
#define MIPC_OPTIONS_H

#include <stddef.h>

enum {
	EXIT_USAGE = 2,		/* of every command */
	OPTIONS_MOST = 64	/* rows of a table */
};

struct option_row;

/* Returns -1, or an exit code after a message. */
typedef int option_take(const struct option_row *, void *command,
	    const char *argument);

enum option_effect {
	OPTION_SETS,		/* the int becomes the value */
	OPTION_ADDS,		/* the unsigned gets the value's bits */
	OPTION_KEEPS,		/* the const char * becomes the argument */
	OPTION_CALLS,		/* take() */
	OPTION_HELPS,
	OPTION_COMPLETES,
	OPTION_TELLS_VERSION
};

struct option_row {
	int letter;		/* of the short form; 0: there is none */
	const char *name;	/* of the long form */
	const char *argument;	/* as --help calls it, in brackets if it may be
				   left out; NULL: there is none */
	const char *help;	/* broken into lines where it must be */
	enum option_effect effect;
	size_t at;		/* where the command has the field */
	int value;
	option_take *take;
};

struct option_table {
	const char *program;
	/* What may stand behind its name, a line each, the last NULL. */
	const char *const *synopsis;
	const char *about;	/* a sentence or more */
	const struct option_row *rows;
	size_t nrows;
	void (*more)(void);	/* prints more help; may be NULL */
	const char *exits;	/* with what, and when */
	int failed;		/* the code of a failure */
	/* Takes what is no option, at its place; NULL: it is left, last. */
	option_take *operand;
	int runs;		/* a command line stands behind the options */
	/* Prints words that a row's argument may be, those that a name of
	   options_bash.c's says nothing of; may be NULL. */
	void (*words)(const struct option_row *);
};

/* The end of a row: what the option does. */
#define OPTION_AT(type, of, field) \
	offsetof(of, field) + 0 * sizeof(struct { _Static_assert( \
	    sizeof(type) == sizeof(((of *)0)->field), #field); int unused; })
#define OPTION_SET(of, field, value) \
	OPTION_SETS, OPTION_AT(int, of, field), value, NULL
#define OPTION_ADD(of, field, bits) \
	OPTION_ADDS, OPTION_AT(unsigned, of, field), bits, NULL
#define OPTION_KEEP(of, field) \
	OPTION_KEEPS, OPTION_AT(const char *, of, field), 0, NULL
#define OPTION_CALL(take)	OPTION_CALLS, 0, 0, take

/* The rows that every command has; `dir` is a field of its structure. */
#define OPTIONS_COMMON(of) \
	{ 0, "dir", "DIR", "the namespace in DIR; else $MIPC_DIR, else the " \
	    "user's own", OPTION_KEEP(of, dir) }, \
	{ 0, "completion", NULL, "print what completes this command in " \
	    "bash", OPTION_COMPLETES, 0, 0, NULL }, \
	{ 'h', "help", NULL, "print this", OPTION_HELPS, 0, 0, NULL }, \
	{ 'V', "version", NULL, "print the version", \
	    OPTION_TELLS_VERSION, 0, 0, NULL }

/*
 * Read a command line.  Returns -1 to go on, with optind at the first word
 * that is no option; or an exit code: after a message, or after --help and
 * --version were done.
 */
int	options_read(const struct option_table *, int argc, char **argv,
	    void *command);

/* Print what completes the command in bash. */
void	options_print_bash(const struct option_table *);

/* Refuse a command line, after a message.  Returns EXIT_USAGE. */
int	options_refuse(const struct option_table *);

#endif
