/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_map_tools.c - files and maps for the tests of mipc_map.h.
 */
#include "check_map.h"

#include <sys/stat.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *
in_dir(const char *name)
{
	static char path[4][PATH_MAX + 100];
	static unsigned turn;
	char *out = path[turn++ % 4];

	snprintf(out, sizeof(path[0]), "%s/%s", testing_dir, name);
	return out;
}

const char *
a_file(const char *name, size_t size)
{
	const char *path = in_dir(name);
	FILE *file = fopen(path, "w");

	must(file != NULL);
	for (size_t i = 0; i < size; i++)
		putc('a' + (int)(i % 26), file);
	must_eq(fclose(file), 0);
	return path;
}

static struct stat
look(const char *path)
{
	struct stat st;

	must_eq(stat(path, &st), 0);
	return st;
}

off_t
file_size(const char *path)
{
	return look(path).st_size;
}

long
file_blocks(const char *path)
{
	return (long)look(path).st_blocks;
}

bool
exists(const char *path)
{
	return access(path, F_OK) == 0;
}

void
cut(const char *path, off_t size)
{
	must_eq(truncate(path, size), 0);
}

struct mipc_map *
have(struct mipc_map *map)
{
	if (map == NULL)
		testing_fail(__FILE__, __LINE__, "no map: %s",
		    strerror(errno));
	return map;
}

void
must_hold(struct mipc_map *map, size_t at, const char *text)
{
	char buf[100];
	size_t n = strlen(text);

	must(n < sizeof(buf));
	must_eq(mipc_map_get(map, at, at + n, buf, n), 0);
	must(memcmp(buf, text, n) == 0);
}

void
put(struct mipc_map *map, size_t at, const char *text)
{
	must_eq(mipc_map_set(map, at, at + strlen(text), text,
	    strlen(text)), 0);
}

void
add_map_tests(TCase *tc)
{
	add_map_open_tests(tc);
	add_map_use_tests(tc);
	add_map_size_tests(tc);
	add_map_share_tests(tc);
	add_map_lost_tests(tc);
}
