/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.c - what stands on command lines.
 *
 * Everything begins with a digit: what strtoull() lets pass before one, and
 * makes of a minus, is no number here.
 */
#include "parse.h"

#include "mipc.h"
#include "options.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

/* Digits, and where they end; false if there are none or too many. */
static bool
take_digits(const char *text, int base, unsigned long long *out, char **end)
{
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoull(text, end, base);
	return errno == 0;
}

static bool
take_all(const char *text, int base, unsigned long long most,
    unsigned long long *out)
{
	char *end;

	return take_digits(text, base, out, &end) && *end == '\0' &&
	    *out <= most;
}

bool
parse_number(const char *text, unsigned long long *out)
{
	static const char suffixes[] = "KMG";
	unsigned long long value;
	const char *suffix;
	char *end;

	if (!take_digits(text, 10, &value, &end))
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
parse_id(const char *option, const char *text, int *out)
{
	unsigned long long value;

	if (take_all(text, 10, INT_MAX, &value)) {
		*out = (int)value;
		return -1;
	}
	warnx("--%s %s: not an identifier", option, text);
	return EXIT_USAGE;
}

bool
parse_mode(const char *text, int *out)
{
	unsigned long long value;

	if (!take_all(text, 8, 0777, &value))
		return false;
	*out = (int)value;
	return true;
}

bool
parse_age(const char *text, long long *out)
{
	static const struct {
		char name;
		int seconds;
	} units[] = {
		{ '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 },
		{ 'd', 86400 }, { 'w', 7 * 86400 }
	};
	unsigned long long value;
	char *end;

	if (!take_digits(text, 10, &value, &end) || value > INT_MAX)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*end == units[i].name && (*end == '\0' || end[1] == '\0'))
		{
			*out = (long long)value * units[i].seconds;
			return true;
		}
	return false;
}

bool
parse_user(const char *text, uid_t *out)
{
	const struct passwd *pw = getpwnam(text);
	unsigned long long value;

	if (pw != NULL) {
		*out = pw->pw_uid;
		return true;
	}
	if (!take_all(text, 10, (uid_t)-1 - 1ull, &value))
		return false;
	*out = (uid_t)value;
	return true;
}

/* ftok(3)'s project; it takes the low eight bits. */
static bool
parse_project(const char *text, int *out)
{
	unsigned long long value;

	if (take_all(text, 0, UCHAR_MAX, &value))
		*out = (int)value;
	else if (text[0] != '\0' && text[1] == '\0')
		*out = (unsigned char)text[0];
	else
		return false;
	return true;
}

/*
 * Returns 0, or EINVAL if it is neither a number nor a path and a project, or
 * why the file has no key.  A path may have colons, a project has none.
 */
static int
make_key(const char *text, key_t *out)
{
	const bool minus = *text == '-';
	const char *colon = strrchr(text, ':');
	unsigned long long value;
	int project, error = 0;
	char *path;
	key_t key;

	if (take_all(text + minus, 0, minus ? 1ull + INT_MAX : UINT_MAX,
	    &value)) {
		*out = (key_t)(minus ? 0 - (unsigned)value : (unsigned)value);
		return 0;
	}
	if (colon == NULL || colon == text ||
	    !parse_project(colon + 1, &project))
		return EINVAL;
	path = strndup(text, (size_t)(colon - text));
	if (path == NULL)
		return ENOMEM;
	key = mipc_ftok(path, project);
	if (key == -1)
		error = errno;
	else
		*out = key;
	free(path);
	return error;
}

int
parse_key(const char *option, const char *text, key_t *out)
{
	const int error = make_key(text, out);

	if (error == 0)
		return -1;
	if (error == EINVAL) {
		warnx("--%s %s: not a number, 0xHEX or PATH:PROJ", option,
		    text);
		return EXIT_USAGE;
	}
	warnx("--%s %s: the file's key: %s", option, text, strerror(error));
	return EXIT_FAILURE;
}

int
parse_shared_key(const char *option, const char *text, key_t *out)
{
	const int code = parse_key(option, text, out);

	if (code != -1 || *out != IPC_PRIVATE)
		return code;
	warnx("--%s %s: what is private has no key", option, text);
	return EXIT_USAGE;
}
