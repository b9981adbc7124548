/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_peek.c - messages of a queue, which stay in it: mipcs --peek.
 *
 * As hex and text, like hexdump -C; or raw, one after the other.
 */
#include "gather.h"
#include "mipcs.h"

#include <errno.h>
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

static void
print_text(const struct command *cmd, const struct mipc_look_message *m,
    const unsigned char *text, size_t size)
{
	if (cmd->table_flags & TABLE_RAW) {
		fwrite(text, 1, size, stdout);
		return;
	}
	printf("type %ld, %zu byte%s\n", m->type, size, size == 1 ? "" : "s");
	for (size_t at = 0; at < size; at += LINE)
		print_line(text, at, size - at < LINE ? size - at : LINE);
}

/* 0 shown, or taken meanwhile; -1 with errno. */
static int
peek(const struct command *cmd, struct mipc_ns *ns,
    const struct mipc_look_message *m)
{
	unsigned char *text = NULL;
	ssize_t size;

	errno = ENOMEM;
	if (m->size < SIZE_MAX)
		text = malloc((size_t)m->size + 1);
	if (text == NULL)
		return -1;
	size = mipc_look_text(ns, cmd->id, m, text, (size_t)m->size);
	if (size >= 0)
		print_text(cmd, m, text, (size_t)size < m->size ?
		    (size_t)size : (size_t)m->size);
	free(text);
	return size == -1 && errno != ENOMSG ? -1 : 0;
}

int
print_messages(const struct command *cmd, struct mipc_ns *ns)
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
		error = peek(cmd, ns, &all[i]);
		left -= left > 0;
	}
	if (error == 0 && (fflush(stdout) == EOF || ferror(stdout)))
		error = -1;
	if (error == -1)
		fprintf(stderr, "mipcs: %s: queue %d: %s\n", cmd->dir,
		    cmd->id, strerror(errno));
	free(all);
	return error == -1 ? EXIT_UNREADABLE : EXIT_FINE;
}
