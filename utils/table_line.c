/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_line.c - rows as lines for programs.
 *
 * Raw, a blank stands between cells and in none of them, and an empty one is
 * a "-", so that awk counts right.  Exported, a cell is an assignment that a
 * shell may evaluate.  What would spoil that is written as \xHH.
 */
#include "table_line.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>

static bool
spoils_any(unsigned char c)
{
	return c < ' ' || c >= 0x7f || c == '\\';
}

static bool
spoils_raw(unsigned char c)
{
	return spoils_any(c) || c == ' ';
}

static bool
spoils_export(unsigned char c)
{
	return spoils_any(c) || c == '"' || c == '$' || c == '`';
}

/* Who prints a table is alone at it: no lock is taken for each byte. */
static inline void
print_escaped(const char *s, bool (*spoils)(unsigned char))
{
	for (; *s != '\0'; s++)
		if (spoils((unsigned char)*s))
			printf("\\x%02x", (unsigned)(unsigned char)*s);
		else
			putchar_unlocked(*s);
}

static void
print_raw(const char *cell)
{
	if (cell == NULL || *cell == '\0')
		putchar_unlocked('-');
	else
		print_escaped(cell, spoils_raw);
}

/* As libsmartcols has it, but in the case that names have here. */
static void
print_shell_name(const char *name)
{
	char last = '\0';

	if (*name >= '0' && *name <= '9')
		putchar('_');
	for (; *name != '\0'; name++) {
		last = *name;
		putchar(isalnum((unsigned char)last) ? last : '_');
	}
	if (last == '%')
		printf("pct");
}

static void
print_assignment(const char *name, const char *cell, unsigned flags)
{
	if (flags & TABLE_SHELL)
		print_shell_name(name);
	else
		printf("%s", name);
	printf("=\"");
	if (cell != NULL)
		print_escaped(cell, spoils_export);
	putchar('"');
}

void
table_line_head(const struct table_column *const *columns, size_t n,
    unsigned flags)
{
	if ((flags & (TABLE_EXPORT | TABLE_NEWLINE | TABLE_NO_HEADINGS)) != 0)
		return;
	if (flags & TABLE_FOLLOWS)
		putchar('\n');
	for (size_t i = 0; i < n; i++)
		printf("%s%c", columns[i]->name, i + 1 < n ? ' ' : '\n');
}

int
table_line(const struct table_column *const *columns,
    const char *const *cells, size_t n, unsigned flags)
{
	const bool newline = (flags & TABLE_NEWLINE) != 0;

	for (size_t i = 0; i < n; i++) {
		if (newline || (flags & TABLE_EXPORT) != 0)
			print_assignment(columns[i]->name, cells[i], flags);
		else
			print_raw(cells[i]);
		putchar_unlocked(i + 1 < n && !newline ? ' ' : '\n');
	}
	return ferror(stdout) ? -1 : 0;
}
