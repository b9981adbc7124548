/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_smartcols.c - table.h by libsmartcols.
 */
#include <libsmartcols.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table_line.h"

struct table {
	const struct table_column *const *columns;
	struct libscols_table *scols;
	size_t n;
	unsigned flags;
};

static int
add_column(struct libscols_table *scols, const struct table_column *c,
    unsigned flags)
{
	/* One of its own booleans cannot be null: ours are bare words. */
	static const int json[] = {
		[TABLE_TEXT] = SCOLS_JSON_STRING,
		[TABLE_NUMBER] = SCOLS_JSON_NUMBER,
		[TABLE_BOOLEAN] = SCOLS_JSON_NUMBER,
		[TABLE_TIME] = SCOLS_JSON_NUMBER,
	};
	const bool words = c->type == TABLE_TIME &&
	    (flags & TABLE_WORDED_TIMES) != 0;
	struct libscols_column *column = scols_table_new_column(scols, c->name,
	    0, c->type == TABLE_NUMBER || c->type == TABLE_TIME ?
	    SCOLS_FL_RIGHT : 0);

	return column == NULL ? -1 :
	    scols_column_set_json_type(column, words ? SCOLS_JSON_STRING :
	    json[c->type]);
}

struct table *
table_new(const char *name, const struct table_column *const *columns,
    size_t n, unsigned flags)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->columns = columns;
	t->n = n;
	t->flags = flags;
	if (flags & TABLE_LINES) {
		table_line_head(columns, n, flags);
		return t;
	}
	scols_init_debug(0);
	t->scols = scols_new_table();
	if (t->scols == NULL)
		goto out;
	scols_table_set_name(t->scols, name);
	scols_table_enable_json(t->scols, (flags & TABLE_JSON) != 0);
	scols_table_enable_noheadings(t->scols,
	    (flags & TABLE_NO_HEADINGS) != 0);
	for (size_t i = 0; i < n; i++)
		if (add_column(t->scols, columns[i], flags) != 0)
			goto out;
	return t;
out:
	scols_unref_table(t->scols);
	free(t);
	errno = ENOMEM;
	return NULL;
}

/* A cell as it is handed over. */
static const char *
cell_of(const struct table *t, size_t i, const char *cell)
{
	if (!(t->flags & TABLE_JSON) || t->columns[i]->type != TABLE_BOOLEAN)
		return cell;
	return cell[0] == 'y' ? "true" : "false";
}

int
table_add(struct table *t, const char *const *cells)
{
	struct libscols_line *line;

	if (t->flags & TABLE_LINES)
		return table_line(t->columns, cells, t->n, t->flags);
	line = scols_table_new_line(t->scols, NULL);
	if (line == NULL) {
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < t->n; i++) {
		if (cells[i] == NULL || cells[i][0] == '\0')
			continue;
		if (scols_line_set_data(line, i,
		    cell_of(t, i, cells[i])) != 0) {
			errno = ENOMEM;
			return -1;
		}
	}
	return 0;
}

/* An object of one table, without the brace that another table shares. */
static int
print_part(const struct table *t)
{
	char *text, *from, *end;
	int error = scols_print_table_to_string(t->scols, &text);

	if (error != 0)
		return error;
	from = text;
	end = text + strlen(text);
	if (t->flags & TABLE_FOLLOWS) {
		from = strchr(text, '{');
		*from = ',';
	}
	if (t->flags & TABLE_GOES_ON) {
		end = strrchr(text, ']') + 1;
		*end = '\0';
	}
	error = fputs(from, stdout) == EOF ? -EIO : 0;
	if (!(t->flags & TABLE_GOES_ON) && end[-1] != '\n')
		putchar('\n');
	free(text);
	return error;
}

int
table_print(struct table *t)
{
	int error;

	if (t->flags & TABLE_LINES) {
		free(t);
		return fflush(stdout) == EOF ? -1 : 0;
	}
	if ((t->flags & (TABLE_JSON | TABLE_FOLLOWS)) == TABLE_FOLLOWS &&
	    (t->flags & TABLE_NO_HEADINGS) == 0)
		putchar('\n');
	if ((t->flags & TABLE_JSON) != 0 &&
	    (t->flags & (TABLE_FOLLOWS | TABLE_GOES_ON)) != 0)
		error = print_part(t);
	else
		error = scols_print_table(t->scols);
	scols_unref_table(t->scols);
	free(t);
	if (error == 0)
		return 0;
	errno = error < 0 ? -error : EIO;
	return -1;
}
