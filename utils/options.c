/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options.c - a command line read by a table, and its --help.
 *
 * getopt_long() gets both forms of an option from its row and answers with
 * the row's number, or with the letter for the short form.
 */
#include "options.h"

#include <assert.h>
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum {
	OPERAND = 1,		/* getopt_long()'s answer, asked for by "-" */
	ROW = 256,		/* and ours: that and the row's number */
	WIDTH = 79,		/* of --help */
	INDENT = 26		/* of an option's help */
};

/* --- --help ------------------------------------------------------------ */

/* Print text from a column on, broken between words at the width. */
static void
print_wrapped(const char *text, int column, int indent)
{
	while (*text != '\0') {
		const int n = (int)strcspn(text, " ");

		if (column > indent && column + 1 + n > WIDTH) {
			printf("\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			column += printf(" ");
		}
		column += printf("%.*s", n, text);
		text += n + (text[n] == ' ');
	}
	putchar('\n');
}

static void
print_row(const struct option_row *row)
{
	const char *argument = row->argument;
	int column = 0;

	column += row->letter != 0 ? printf("  -%c", row->letter) :
	    printf("    ");
	column += printf("%s--%s", row->letter != 0 ? ", " : "  ", row->name);
	if (argument != NULL && *argument == '[')
		column += printf("[=%s", argument + 1);
	else if (argument != NULL)
		column += printf(" %s", argument);
	if (column + 2 > INDENT) {
		putchar('\n');
		column = 0;
	}
	printf("%*s", INDENT - column, "");
	print_wrapped(row->help, INDENT, INDENT);
}

static void
print_synopsis(const struct option_table *t, FILE *to)
{
	for (size_t i = 0; t->synopsis[i] != NULL; i++)
		fprintf(to, "%s %s %s\n", i == 0 ? "Usage:" : "      ",
		    t->program, t->synopsis[i]);
}

static void
print_help(const struct option_table *t)
{
	print_synopsis(t, stdout);
	print_wrapped(t->about, 0, 0);
	putchar('\n');
	for (size_t i = 0; i < t->nrows; i++)
		print_row(&t->rows[i]);
	if (t->more != NULL)
		t->more();
	putchar('\n');
	print_wrapped(t->exits, 0, 0);
}

/* --- reading ----------------------------------------------------------- */

/* The forms of all rows, as getopt_long() wants them. */
struct forms {
	struct option longs[OPTIONS_MOST + 1];
	char shorts[3 * OPTIONS_MOST + 2];	/* "-a::b:c" */
};

static int
argument_of(const struct option_row *row)
{
	if (row->argument == NULL)
		return no_argument;
	return row->argument[0] == '[' ? optional_argument :
	    required_argument;
}

static void
make_forms(const struct option_table *t, struct forms *forms)
{
	struct option *next = forms->longs;
	char *s = forms->shorts;

	assert(t->nrows <= OPTIONS_MOST);
	*s++ = t->operand != NULL ? '-' : '+';
	for (size_t i = 0; i < t->nrows; i++) {
		const struct option_row *row = &t->rows[i];
		const int argument = argument_of(row);

		*next++ = (struct option){ row->name, argument, NULL,
		    ROW + (int)i };
		if (row->letter != 0) {
			*s++ = (char)row->letter;
			for (int k = 0; k < argument; k++)
				*s++ = ':';
		}
	}
	*next = (struct option){ 0 };
	*s = '\0';
}

static const struct option_row *
find_row(const struct option_table *t, int answer)
{
	for (size_t i = 0; i < t->nrows; i++)
		if (answer == ROW + (int)i || answer == t->rows[i].letter)
			return &t->rows[i];
	return NULL;
}

/* --help and --version are done if all of it was written. */
static int
finish(const struct option_table *t)
{
	if (fflush(stdout) == 0)
		return 0;
	warn("standard output");
	return t->failed;
}

static int
apply(const struct option_table *t, const struct option_row *row,
    void *command)
{
	void *field = (char *)command + row->at;

	switch (row->effect) {
	case OPTION_SETS:
		*(int *)field = row->value;
		break;
	case OPTION_ADDS:
		*(unsigned *)field |= (unsigned)row->value;
		break;
	case OPTION_KEEPS:
		*(const char **)field = optarg;
		break;
	case OPTION_CALLS:
		return row->take(row, command, optarg);
	case OPTION_HELPS:
		print_help(t);
		return finish(t);
	case OPTION_COMPLETES:
		options_print_bash(t);
		return finish(t);
	case OPTION_TELLS_VERSION:
		printf("%s (%s) %s\n", t->program, PACKAGE_NAME,
		    PACKAGE_VERSION);
		return finish(t);
	}
	return -1;
}

int
options_refuse(const struct option_table *t)
{
	print_synopsis(t, stderr);
	fprintf(stderr, "'%s --help' tells more.\n", t->program);
	return EXIT_USAGE;
}

int
options_read(const struct option_table *t, int argc, char **argv,
    void *command)
{
	int code = -1, answer;
	struct forms forms;

	make_forms(t, &forms);
	while (code == -1 && (answer = getopt_long(argc, argv, forms.shorts,
	    forms.longs, NULL)) != -1) {
		const struct option_row *row = find_row(t, answer);

		if (answer == OPERAND)
			code = t->operand(NULL, command, optarg);
		else if (row != NULL)
			code = apply(t, row, command);
		else
			code = options_refuse(t);
	}
	return code;
}
