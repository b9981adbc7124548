/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_line.h - a row as a line for programs, with TABLE_RAW, TABLE_EXPORT or
 * TABLE_NEWLINE: the same with libsmartcols and without, whatever its version.
 */
#ifndef MIPC_TABLE_LINE_H
#define MIPC_TABLE_LINE_H

#include "table.h"

#define TABLE_LINES	(TABLE_RAW | TABLE_EXPORT | TABLE_NEWLINE)

/* Print the line of headings, if there is to be one. */
void	table_line_head(const struct table_column *const *, size_t n,
	    unsigned flags);

/* Print a row.  Returns 0, or -1 with errno. */
int	table_line(const struct table_column *const *,
	    const char *const *cells, size_t n, unsigned flags);

#endif
