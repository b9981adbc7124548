/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sister.c - find the module for programs of another word size or machine.
 *
 * The loader reads $LIB in a name as the directory that its libraries are in
 * ("lib/x86_64-linux-gnu", "lib64", "lib32"), so that one name leads each
 * program to the module it can load.  What another loader makes of it cannot
 * be asked; but there are few such names, and a build puts its module where
 * its own loader looks (configure.ac).  So the module for a program is the one
 * of its kind under one of those names.
 */
#include "sister.h"

#include "sys.h"

#include <link.h>
#include <limits.h>
#include <string.h>

#define LIB	"$LIB"

/* In the name of each module that a program may be preloaded with. */
#define ANY_MODULE	"mipc-"

#ifndef LOADER_LIB
#define LOADER_LIB	NULL
#endif

static const char *const libs[] = { LOADER_LIBS };

/* The header of the file that holds this code. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

_Static_assert(offsetof(ElfW(Ehdr), e_machine) ==
    offsetof(struct sister_kind, machine), "the same in both word sizes");

bool
sister_alike(const struct sister_kind *a, const struct sister_kind *b)
{
	return a->ident[EI_CLASS] == b->ident[EI_CLASS] &&
	    a->ident[EI_DATA] == b->ident[EI_DATA] &&
	    a->machine == b->machine;
}

const struct sister_kind *
sister_own(void)
{
	return (const struct sister_kind *)(const void *)&__ehdr_start;
}

/* `name` of that length, with `lib` in place of its first $LIB. */
static bool
expand(const char *name, size_t length, const char *lib, char *out,
    size_t size)
{
	const char *at = memmem(name, length, LIB, strlen(LIB));
	size_t before = at == NULL ? length : (size_t)(at - name);
	size_t n = at == NULL || lib == NULL ? 0 : strlen(lib);
	size_t after = at == NULL ? 0 : length - before - strlen(LIB);

	if ((at != NULL && lib == NULL) || before + n + after >= size)
		return false;
	memcpy(out, name, before);
	if (at != NULL) {
		memcpy(out + before, lib, n);
		memcpy(out + before + n, at + strlen(LIB), after);
	}
	out[before + n + after] = '\0';
	return true;
}

bool
sister_expand(const char *name, char *out, size_t size)
{
	return expand(name, strlen(name), LOADER_LIB, out, size);
}

static bool
read_kind(const char *path, struct sister_kind *out)
{
	int fd = mipc_sys_open(AT_FDCWD, path, O_RDONLY, 0);
	ssize_t n;

	if (fd < 0)
		return false;
	n = mipc_sys_pread(fd, out, sizeof(*out), 0);
	mipc_sys_close(fd);
	return n == (ssize_t)sizeof(*out) &&
	    memcmp(out->ident, ELFMAG, SELFMAG) == 0;
}

/* Whether a name leads, by $LIB, to a file that is `like`, or is not. */
static bool
leads_to(const char *name, size_t length, const struct sister_kind *kind,
    bool like)
{
	char path[PATH_MAX];
	struct sister_kind found;

	if (memmem(name, length, LIB, strlen(LIB)) == NULL)
		return false;
	for (size_t i = 0; i < sizeof(libs) / sizeof(libs[0]); i++)
		if (expand(name, length, libs[i], path, sizeof(path)) &&
		    read_kind(path, &found) &&
		    sister_alike(&found, kind) == like)
			return true;
	return false;
}

bool
sister_exists(const char *name)
{
	return leads_to(name, strlen(name), sister_own(), false);
}

bool
sister_serves(const char *list, const struct sister_kind *kind)
{
	bool named = false;
	size_t n;

	for (; list != NULL && *list != '\0'; list += n + (list[n] != '\0')) {
		n = strcspn(list, SISTER_SEPARATORS);
		if (memmem(list, n, ANY_MODULE, strlen(ANY_MODULE)) == NULL)
			continue;
		if (!leads_to(list, n, kind, true))
			return false;
		named |= memmem(list, n, SISTER_MODULE,
		    strlen(SISTER_MODULE)) != NULL;
	}
	return named;
}
