/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits.c - limits of a namespace, as a command line has them.
 */
#include "limits.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool
parse_number(const char *text, unsigned long long *out)
{
	static const char suffixes[] = "KMG";
	unsigned long long value;
	const char *suffix;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	if (*end != '\0') {
		suffix = strchr(suffixes, *end & ~('a' - 'A'));
		if (suffix == NULL || *suffix == '\0' || end[1] != '\0')
			return false;
		for (; suffix >= suffixes; suffix--) {
			if (value > ULLONG_MAX / 1024)
				return false;
			value *= 1024;
		}
	}
	*out = value;
	return true;
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
