/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_plain.c - table.h with nothing but libc: cells separated by tabs.
 * Rows go out as they come, so nothing is kept but the columns.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "table_line.h"

struct table {
	const char *name;
	const struct table_column *const *columns;
	size_t n;
	size_t rows;
	unsigned flags;
};

struct table *
table_new(const char *name, const struct table_column *const *columns,
    size_t n, unsigned flags)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	*t = (struct table){
		.name = name, .columns = columns, .n = n, .flags = flags
	};
	if (flags & TABLE_LINES)
		table_line_head(columns, n, flags);
	else if (flags & TABLE_JSON)
		printf("%s\n   \"%s\": [", flags & TABLE_FOLLOWS ? "," : "{",
		    name);
	else if ((flags & TABLE_NO_HEADINGS) == 0) {
		if (flags & TABLE_FOLLOWS)
			putchar('\n');
		for (size_t i = 0; i < n; i++)
			printf("%s%c", columns[i]->name,
			    i + 1 < n ? '\t' : '\n');
	}
	return t;
}

static void
print_value(enum table_type type, const char *cell, unsigned flags)
{
	switch (type) {
	case TABLE_TEXT:
		json_string(cell);
		break;
	case TABLE_TIME:
		if (flags & TABLE_WORDED_TIMES)
			json_string(cell);
		else
			printf("%s", cell);
		break;
	case TABLE_NUMBER:
		printf("%s", cell);
		break;
	case TABLE_BOOLEAN:
		printf(cell[0] == 'y' ? "true" : "false");
		break;
	}
}

static void
print_object(const struct table *t, const char *const *cells)
{
	printf("%s\n      {", t->rows > 0 ? "," : "");
	for (size_t i = 0; i < t->n; i++) {
		printf("%s\n         \"%s\": ", i > 0 ? "," : "",
		    t->columns[i]->name);
		if (cells[i] == NULL || cells[i][0] == '\0')
			printf("null");
		else
			print_value(t->columns[i]->type, cells[i],
			    t->flags);
	}
	printf("\n      }");
}

int
table_add(struct table *t, const char *const *cells)
{
	if (t->flags & TABLE_LINES)
		return table_line(t->columns, cells, t->n, t->flags);
	if (t->flags & TABLE_JSON)
		print_object(t, cells);
	else
		for (size_t i = 0; i < t->n; i++)
			printf("%s%c", cells[i] != NULL ? cells[i] : "",
			    i + 1 < t->n ? '\t' : '\n');
	t->rows++;
	return ferror(stdout) ? -1 : 0;
}

int
table_print(struct table *t)
{
	if (t->flags & TABLE_JSON)
		printf("%s%s", t->rows > 0 ? "\n   ]" : "]",
		    t->flags & TABLE_GOES_ON ? "" : "\n}\n");
	free(t);
	return fflush(stdout) == EOF ? -1 : 0;
}
