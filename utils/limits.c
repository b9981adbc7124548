/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits.c - limits of a namespace, as a command line has them.
 */
#include "limits.h"
#include "parse.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
limits_words(const struct option_row *row)
{
	if (strcmp(row->name, "limit") == 0)
		printf("%s", LIMITS_NAMES("= ") "=");
}

int
limits_add(struct limits *limits, const char *text, int failed)
{
	const size_t length = strcspn(text, "=");
	struct limit *more, *limit;

	if (text[length] == '\0' || length == 0) {
		warnx("--limit %s: not NAME=VALUE", text);
		return EXIT_USAGE;
	}
	more = realloc(limits->at, (limits->n + 1) * sizeof(*more));
	if (more == NULL)
		goto no_memory;
	limits->at = more;
	limit = &more[limits->n];
	limit->name = strndup(text, length);
	if (limit->name == NULL)
		goto no_memory;
	limits->n++;
	text += length + 1;
	if (parse_number(text, &limit->value))
		return -1;
	warnx("--limit %s: '%s' is no number with K, M, G or nothing behind "
	    "it", limit->name, text);
	return EXIT_USAGE;
no_memory:
	warn("--limit %s", text);
	return failed;
}

int
limits_set(const struct limits *limits, struct mipc_ns *ns, int failed)
{
	for (size_t i = 0; i < limits->n; i++) {
		const struct limit *limit = &limits->at[i];

		if (mipc_limit(ns, limit->name, NULL, &limit->value) == 0)
			continue;
		switch (errno) {
		case ENOENT:
			warnx("--limit %s: there is no such limit",
			    limit->name);
			return EXIT_USAGE;
		case EINVAL:
			warnx("--limit %s: %llu is out of its range",
			    limit->name, limit->value);
			return EXIT_USAGE;
		}
		warn("--limit %s", limit->name);
		return failed;
	}
	return -1;
}
