/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h - a table that the utilities print, as text for people or as JSON.
 *
 * table_smartcols.c has it by libsmartcols, table_plain.c without; the build
 * chooses one.
 */
#ifndef MIPC_TABLE_H
#define MIPC_TABLE_H

#include <stddef.h>

struct table;

/* What cells hold: numbers are aligned right, and bare in JSON. */
enum table_type {
	TABLE_TEXT,
	TABLE_NUMBER,
	TABLE_BOOLEAN,		/* "yes" or "no"; true or false in JSON */
	TABLE_TIME		/* a number, but for TABLE_WORDED_TIMES */
};

struct table_column {
	const char *name;	/* heading, in lower case, and name in JSON */
	const char *help;	/* what it holds, for --help */
	enum table_type type;
};

/* How to print. */
#define TABLE_JSON		01
#define TABLE_NO_HEADINGS	02
#define TABLE_RAW		020	/* one blank between cells */
#define TABLE_EXPORT		040	/* name="cell" */
#define TABLE_NEWLINE		0100	/* the same, each in a line */
#define TABLE_FOR_PROGRAMS						\
	(TABLE_JSON | TABLE_RAW | TABLE_EXPORT | TABLE_NEWLINE)
/* Names that a shell's variables may have, in TABLE_EXPORT and _NEWLINE. */
#define TABLE_SHELL		0200
#define TABLE_WORDED_TIMES	0400	/* times are words, in JSON too */
/* In one JSON object with the table before it, or with the one behind it. */
#define TABLE_FOLLOWS		04
#define TABLE_GOES_ON		010

/*
 * A table of `n` columns, `name` in JSON; the columns must outlive it.
 * NULL with errno if there is no memory.
 */
struct table *table_new(const char *name,
	    const struct table_column *const *columns, size_t n,
	    unsigned flags);

/*
 * Add a row of n cells, which are copied; "" or NULL is an empty cell, null
 * in JSON.  Returns 0, or -1 with errno.
 */
int	table_add(struct table *, const char *const *cells);

/* Print to standard output and free.  Returns 0, or -1 with errno. */
int	table_print(struct table *);

#endif
