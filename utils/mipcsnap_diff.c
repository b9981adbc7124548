/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcsnap_diff.c - what differs between two checkpoints, or a checkpoint and a
 * namespace.
 */
#include "mipcsnap.h"

#include <sys/stat.h>
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
same_access(const struct ipc_perm *a, const struct ipc_perm *b)
{
	return a->uid == b->uid && a->gid == b->gid && a->cuid == b->cuid &&
	    a->cgid == b->cgid && a->mode == b->mode;
}

/* What differs in an object that is in both: words for each. */
static unsigned
compare(const struct mipc_ckpt_part *a, const struct mipc_ckpt_part *b)
{
	static const char *const contents[NKINDS] = {
		[MIPC_SHM] = "bytes", [MIPC_SEM] = "values",
		[MIPC_MSG] = "messages"
	};
	const struct {
		const char *what;
		bool differs;
	} parts[] = {
		{ "key", a->perm.__key != b->perm.__key },
		{ "owner or mode", !same_access(&a->perm, &b->perm) },
		{ "size", a->kind == MIPC_MSG ? a->most != b->most :
		    a->size != b->size },
		{ contents[a->kind], a->sum != b->sum },
	};
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].differs)
			continue;
		printf("%s %d: another %s\n", facilities[a->kind].one, a->id,
		    parts[i].what);
		n++;
	}
	return n;
}

static const struct mipc_ckpt_part *
find(const struct parts *parts, const struct mipc_ckpt_part *wanted)
{
	for (size_t i = 0; i < parts->n; i++)
		if (parts->part[i].kind == wanted->kind &&
		    parts->part[i].id == wanted->id)
			return &parts->part[i];
	return NULL;
}

static unsigned
only_in(const struct parts *in, const struct parts *other, const char *name)
{
	unsigned n = 0;

	for (size_t i = 0; i < in->n; i++) {
		if (find(other, &in->part[i]) != NULL)
			continue;
		printf("%s %d: only in %s\n",
		    facilities[in->part[i].kind].one, in->part[i].id, name);
		n++;
	}
	return n;
}

/*
 * A namespace is compared by a checkpoint of it that is made for that; or of
 * one segment, which may not be there.
 */
static int
read_namespace(const char *dir, const int *segment, struct parts *out)
{
	const char *base = getenv("TMPDIR");
	struct mipc_ns *ns;
	char path[4096];
	int code, fd;

	ns = open_existing(&dir, 0);
	if (ns == NULL)
		return fail();
	snprintf(path, sizeof(path), "%s/mipcsnap.XXXXXX",
	    base != NULL && base[0] != '\0' ? base : "/tmp");
	fd = mkstemp(path);
	if (fd == -1)
		err(EXIT_FAILURE, "%s", path);
	close(fd);
	if (save_to(ns, segment, path, 1, 0) == 0)
		code = read_parts(path, out);
	else if (segment != NULL && (errno == EINVAL || errno == EIDRM))
		code = -1;
	else
		code = fail();
	unlink(path);
	return code;
}

/* Of a namespace's objects that segment alone is compared. */
static void
keep_segment(struct parts *parts, int segment)
{
	size_t n = 0;

	for (size_t i = 0; i < parts->n; i++)
		if (parts->part[i].kind == MIPC_SHM &&
		    parts->part[i].id == segment)
			parts->part[n++] = parts->part[i];
	parts->n = n;
}

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Files first: one of a segment says what is looked at of the other. */
static int
read_both(const char *const *name, struct parts *side)
{
	const bool in_use[2] = { is_directory(name[0]), is_directory(name[1]) };
	const int *segment = NULL;
	int code = -1;

	for (int i = 0; i < 2 && code == -1; i++) {
		if (!in_use[i])
			code = read_parts(name[i], &side[i]);
		if (side[i].segment && side[i].n == 1)
			segment = &side[i].part[0].id;
	}
	for (int i = 0; i < 2 && code == -1; i++) {
		if (in_use[i])
			code = read_namespace(name[i], segment, &side[i]);
		else if (segment != NULL && !side[i].segment)
			keep_segment(&side[i], *segment);
	}
	return code;
}

static unsigned
compare_all(const struct parts *a, const struct parts *b)
{
	const struct mipc_ckpt_part *other;
	unsigned n = 0;

	for (size_t i = 0; i < a->n; i++) {
		other = find(b, &a->part[i]);
		if (other != NULL)
			n += compare(&a->part[i], other);
	}
	return n;
}

int
diff(struct command *cmd)
{
	const char *const *name = cmd->word + 1;
	struct parts side[2] = { { .n = 0 }, { .n = 0 } };
	unsigned n;
	int code;

	code = read_both(name, side);
	if (code == -1) {
		n = only_in(&side[0], &side[1], name[0]) +
		    only_in(&side[1], &side[0], name[1]) +
		    compare_all(&side[0], &side[1]);
		code = n == 0 ? EXIT_SUCCESS : EXIT_DIFFERENT;
	}
	free(side[0].part);
	free(side[1].part);
	return code;
}
