/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_line.c - rows as lines for programs.
 *
 * Raw, a blank stands between cells and in none of them, and an empty one is
 * a "-", so that awk counts right.  Exported, a cell is an assignment that a
 * shell may evaluate.  What would spoil that is written as \xHH.
 */
#include "table_line.h"

#include <stdio.h>
#include <string.h>

static void
print_escaped(const char *s, const char *spoilers)
{
	for (; *s != '\0'; s++) {
		const unsigned char c = (unsigned char)*s;

		if (c < ' ' || c >= 0x7f || strchr(spoilers, c) != NULL)
			printf("\\x%02x", (unsigned)c);
		else
			putchar(c);
	}
}

static void
print_raw(const char *cell)
{
	if (cell == NULL || *cell == '\0')
		putchar('-');
	else
		print_escaped(cell, " \\");
}

void
table_line_head(const struct table_column *const *columns, size_t n,
    unsigned flags)
{
	if ((flags & TABLE_EXPORT) || (flags & TABLE_NO_HEADINGS))
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
	for (size_t i = 0; i < n; i++) {
		if (flags & TABLE_EXPORT) {
			printf("%s=\"", columns[i]->name);
			if (cells[i] != NULL)
				print_escaped(cells[i], "\"\\$`");
			putchar('"');
		} else {
			print_raw(cells[i]);
		}
		putchar(i + 1 < n ? ' ' : '\n');
	}
	return ferror(stdout) ? -1 : 0;
}
