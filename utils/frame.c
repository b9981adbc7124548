/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.c - what a command prints, kept as lines to be compared and drawn.
 *
 * A line is compared with the one that told of the same thing before, wherever
 * it stood: that of as many empty lines above, one for each table, and of the
 * same two first words, a key and an identifier.  So an object that comes or
 * goes marks itself and not all that stand below it.  Of the same thing the
 * words are marked that are not what they were.
 */
#include "frame.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REVERSE		"\033[7m"
#define PLAIN		"\033[m"
#define TO_HOME		"\033[H"
#define CLEAR_LINE	"\033[K"
#define CLEAR_BELOW	"\033[J"

/* --- taking ------------------------------------------------------------ */

static int
cut_lines(struct frame *f, size_t size)
{
	char *at = f->text, *end = f->text + size;

	f->n = 0;
	for (size_t i = 0; i < size; i++)
		f->n += f->text[i] == '\n';
	f->line = calloc(f->n + 1, sizeof(*f->line));
	if (f->line == NULL)
		return -1;
	for (size_t i = 0; i < f->n; i++) {
		f->line[i] = at;
		at = memchr(at, '\n', (size_t)(end - at));
		*at++ = '\0';
	}
	return 0;
}

static int
read_all(struct frame *f, int fd)
{
	const off_t size = lseek(fd, 0, SEEK_END);
	size_t got = 0;
	ssize_t n;

	f->line = NULL;
	f->text = size == -1 ? NULL : malloc((size_t)size + 1);
	if (f->text == NULL)
		return -1;
	while (got < (size_t)size) {
		n = pread(fd, f->text + got, (size_t)size - got, (off_t)got);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (cut_lines(f, got) == 0)
		return 0;
	frame_free(f);
	return -1;
}

int
frame_take(struct frame *f, int (*show)(void *), void *argument)
{
	const int to = memfd_create("frame", MFD_CLOEXEC);
	const int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
	int error = -1;

	if (to == -1 || out == -1 || err == -1 || fflush(stdout) == EOF ||
	    dup2(to, STDOUT_FILENO) == -1 || dup2(to, STDERR_FILENO) == -1)
		goto out;
	show(argument);
	fflush(stdout);
	error = read_all(f, to);
out:
	if (out != -1) {
		dup2(out, STDOUT_FILENO);
		close(out);
	}
	if (err != -1) {
		dup2(err, STDERR_FILENO);
		close(err);
	}
	if (to != -1)
		close(to);
	return error;
}

void
frame_free(struct frame *f)
{
	free(f->line);
	free(f->text);
	*f = (struct frame){ .n = 0 };
}

/* --- comparing --------------------------------------------------------- */

/* The next word: where it ends; *word is its begin, or the line's end. */
static const char *
next_word(const char *at, const char **word)
{
	at += strspn(at, " \t");
	*word = at;
	return at + strcspn(at, " \t");
}

static bool
same_words(const char *a, const char *b, int n)
{
	const char *one, *other;

	for (int i = 0; i < n; i++) {
		a = next_word(a, &one);
		b = next_word(b, &other);
		if (a - one != b - other ||
		    memcmp(one, other, (size_t)(a - one)) != 0)
			return false;
	}
	return true;
}

/* What told of the same, of table `table`; NULL: nothing did. */
static const char *
line_before(const struct frame *before, const char *line, size_t table)
{
	size_t t = 0;

	for (size_t i = 0; i < before->n; i++) {
		t += before->line[i][0] == '\0';
		if (t == table && same_words(line, before->line[i], 2))
			return before->line[i];
	}
	return NULL;
}

/* --- drawing ----------------------------------------------------------- */

/*
 * Characters up to `end`, while there is room for them; one of several bytes
 * takes the room of one.  A terminal that is told something else by a name
 * would do it: other control characters are question marks.
 */
static void
put(const char *from, const char *end, unsigned *room)
{
	for (; from < end; from++) {
		const unsigned char c = (unsigned char)*from;

		if ((c & 0xc0) != 0x80) {
			if (*room == 0)
				return;
			(*room)--;
		}
		putchar(c < ' ' || c == 0x7f ? (c == '\t' ? ' ' : '?') : c);
	}
}

/* A line, each word of it in reverse that is not as in `old`. */
static void
put_line(const char *line, const char *old, unsigned room)
{
	const char *at = line, *word, *end, *was = old, *old_word;

	while (*at != '\0' && room > 0) {
		bool marked = old == NULL;

		end = next_word(at, &word);
		put(at, word, &room);
		if (!marked) {
			was = next_word(was, &old_word);
			marked = was - old_word != end - word ||
			    memcmp(word, old_word, (size_t)(end - word)) != 0;
		}
		if (marked && end > word)
			fputs(REVERSE, stdout);
		put(word, end, &room);
		if (marked && end > word)
			fputs(PLAIN, stdout);
		at = end;
	}
	fputs(CLEAR_LINE, stdout);
}

int
frame_draw(const struct frame *f, const struct frame *before,
    const char *title, struct frame_size size)
{
	const size_t room = size.rows > 2 ? size.rows - 2 : 0;
	const bool cut = f->n > room;
	const size_t shown = cut ? (room > 0 ? room - 1 : 0) : f->n;
	unsigned columns = size.columns;
	size_t table = 0;
	char more[64];

	fputs(TO_HOME, stdout);
	put(title, title + strlen(title), &columns);
	fputs(CLEAR_LINE "\r\n" CLEAR_LINE, stdout);
	for (size_t i = 0; i < shown; i++) {
		const char *line = f->line[i];

		table += line[0] == '\0';
		fputs("\r\n", stdout);
		put_line(line, before == NULL ? line :
		    line_before(before, line, table), size.columns);
	}
	if (cut && room > 0) {
		snprintf(more, sizeof(more), "... and %zu lines more",
		    f->n - shown);
		fputs("\r\n", stdout);
		put_line(more, more, size.columns);
	}
	fputs(CLEAR_BELOW, stdout);
	return fflush(stdout);
}
