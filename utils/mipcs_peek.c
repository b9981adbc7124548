/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_peek.c - messages of a queue, which stay in it: mipcs --peek.
 *
 * As hex and text, like hexdump -C; or raw, one after the other; or for
 * programs a row each, in which what is no text is hex alone.
 */
#include "gather.h"
#include "mipcs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 16 };		/* bytes of a line */

static void
print_line(const unsigned char *text, size_t at, size_t n)
{
	printf("  %08zx ", at);
	for (size_t i = 0; i < LINE; i++) {
		if (i == LINE / 2)
			putchar(' ');
		if (i < n)
			printf(" %02x", text[at + i]);
		else
			printf("   ");
	}
	printf("  |");
	for (size_t i = 0; i < n; i++)
		putchar(text[at + i] < ' ' || text[at + i] > '~' ? '.' :
		    text[at + i]);
	printf("|\n");
}

static const struct table_column columns[] = {
	{ "type", "of the message", TABLE_NUMBER },
	{ "size", "bytes of its text", TABLE_NUMBER },
	{ "text", "if it is one", TABLE_TEXT },
	{ "hex", "its bytes", TABLE_TEXT },
};

enum { NCOLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* For programs: whose strings are of characters, while bytes may be any. */
static bool
is_text(const unsigned char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] > '~' || (text[i] < ' ' && text[i] != '\n' &&
		    text[i] != '\t' && text[i] != '\r'))
			return false;
	return true;
}

/* `text` has a byte of room behind it. */
static int
add_row(struct table *t, const struct mipc_look_message *m,
    unsigned char *text, size_t size)
{
	char type[CELL], bytes[CELL], *hex = malloc(2 * size + 1);
	const char *cells[NCOLUMNS] = { type, bytes, NULL, hex };
	int error;

	if (hex == NULL)
		return -1;
	snprintf(type, CELL, "%ld", m->type);
	snprintf(bytes, CELL, "%zu", size);
	hex[0] = '\0';
	for (size_t i = 0; i < size; i++)
		sprintf(hex + 2 * i, "%02x", text[i]);
	text[size] = '\0';
	if (is_text(text, size))
		cells[2] = (const char *)text;
	error = table_add(t, cells);
	free(hex);
	return error;
}

static int
print_text(const struct command *cmd, struct table *t,
    const struct mipc_look_message *m, unsigned char *text, size_t size)
{
	if (t != NULL)
		return add_row(t, m, text, size);
	if (cmd->table_flags & TABLE_RAW) {
		fwrite(text, 1, size, stdout);
		return 0;
	}
	printf("type %ld, %zu byte%s\n", m->type, size, size == 1 ? "" : "s");
	for (size_t at = 0; at < size; at += LINE)
		print_line(text, at, size - at < LINE ? size - at : LINE);
	return 0;
}

/* 0 shown, or taken meanwhile; -1 with errno. */
static int
peek(const struct command *cmd, struct mipc_ns *ns, struct table *t,
    const struct mipc_look_message *m)
{
	unsigned char *text = NULL;
	ssize_t size;
	int error = 0;

	errno = ENOMEM;
	if (m->size < SIZE_MAX / 2)
		text = malloc((size_t)m->size + 1);
	if (text == NULL)
		return -1;
	size = mipc_look_text(ns, cmd->id, m, text, (size_t)m->size);
	if (size >= 0)
		error = print_text(cmd, t, m, text, (size_t)size < m->size ?
		    (size_t)size : (size_t)m->size);
	else if (errno != ENOMSG)
		error = -1;
	free(text);
	return error;
}

static int
peek_all(const struct command *cmd, struct mipc_ns *ns, struct table *t)
{
	size_t n = 0;
	long long left = cmd->count;
	int torn, error;
	struct mipc_look_message *all = gather_messages(ns, cmd->id, &n,
	    &torn);

	error = all == NULL ? -1 : 0;
	for (size_t i = 0; i < n && error == 0 && left != 0; i++) {
		if (cmd->by_type && all[i].type != cmd->type)
			continue;
		error = peek(cmd, ns, t, &all[i]);
		left -= left > 0;
	}
	free(all);
	return error;
}

int
print_messages(const struct command *cmd, struct mipc_ns *ns)
{
	const struct table_column *shown[NCOLUMNS];
	struct table *t = NULL;
	int error = 0;

	for (size_t i = 0; i < NCOLUMNS; i++)
		shown[i] = &columns[i];
	if (cmd->table_flags & (TABLE_JSON | TABLE_EXPORT |
	    TABLE_NEWLINE)) {
		t = table_new("messages", shown, NCOLUMNS, cmd->table_flags);
		error = t == NULL ? -1 : 0;
	}
	if (error == 0)
		error = peek_all(cmd, ns, t);
	if (error == 0 && t != NULL)
		error = table_print(t);
	if (error == 0 && (fflush(stdout) == EOF || ferror(stdout)))
		error = -1;
	if (error == 0)
		return EXIT_FINE;
	fprintf(stderr, "mipcs: %s: queue %d: %s\n", cmd->dir, cmd->id,
	    strerror(errno));
	return EXIT_UNREADABLE;
}
