/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_orphans.c - objects that nobody alive uses, each with the reason why
 * it is thought so: mipcs --orphans.
 */
#include "gather.h"
#include "mipcs.h"
#include "orphan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct table_column columns[] = {
	{ "kind", "segment, set or queue", TABLE_TEXT },
	{ "id", "identifier", TABLE_NUMBER },
	{ "key", "key, in hexadecimal", TABLE_TEXT },
	{ "owner", "owner's name", TABLE_TEXT },
	{ "used", "bytes that it takes up", TABLE_NUMBER },
	{ "age", "seconds since it was made", TABLE_NUMBER },
	{ "cpid", "process that created it", TABLE_NUMBER },
	{ "command", "its command line", TABLE_TEXT },
	{ "reason", "why nobody is thought to use it", TABLE_TEXT },
};

enum { NCOLUMNS = sizeof(columns) / sizeof(columns[0]) };

static int
add_row(struct table *t, const struct mipc_look_object *o, const char *reason)
{
	char id[CELL], key[CELL], owner[NAME_SIZE], used[CELL], age[CELL];
	char pid[CELL], command[MIPC_COMMAND];
	const char *cells[NCOLUMNS] = { facilities[o->kind].one, id, key,
	    owner, used, age, pid, command, reason };

	snprintf(id, CELL, "%d", o->id);
	snprintf(key, CELL, "0x%08x", (unsigned)o->perm.__key);
	user_name(o->perm.uid, owner);
	snprintf(used, CELL, "%llu", o->used);
	snprintf(age, CELL, "%lld", (long long)(time(NULL) - o->born));
	snprintf(pid, CELL, "%d", (int)o->creator.pid);
	say_command(&o->creator, command);
	return table_add(t, cells);
}

struct search {
	const struct command *cmd;
	struct mipc_ns *ns;
	struct living living;
	struct table *table;
	int unreadable;
};

static int
look_at(struct search *s, enum mipc_kind kind, int id)
{
	struct mipc_look_object o;
	char reason[REASON];
	int found = mipc_look_object(s->ns, kind, id, &o, NULL);

	if (found == 0)
		found = orphan_judge(s->ns, &s->living, &o, reason);
	if (found == 1)
		return add_row(s->table, &o, reason);
	if (found == -1 && errno != EINVAL) {	/* else it went just now */
		fprintf(stderr, "mipcs: %s: %s %d: %s\n", s->cmd->dir,
		    facilities[kind].one, id, strerror(errno));
		s->unreadable++;
	}
	return 0;
}

static int
look_at_kind(struct search *s, enum mipc_kind kind)
{
	size_t n = 0;
	int *ids = gather_ids(s->ns, kind, &n), error = ids == NULL ? -1 : 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = look_at(s, kind, ids[i]);
	free(ids);
	return error;
}

int
print_orphans(const struct command *cmd, struct mipc_ns *ns)
{
	const struct table_column *shown[NCOLUMNS];
	struct search s = { .cmd = cmd, .ns = ns };
	int error;

	for (size_t i = 0; i < NCOLUMNS; i++)
		shown[i] = &columns[i];
	error = orphan_begin(ns, &s.living);
	if (error == 0)
		s.table = table_new("orphans", shown, NCOLUMNS,
		    (int)cmd->table_flags);
	if (s.table == NULL)
		error = -1;
	for (int k = 0; k < NKINDS && error == 0; k++)
		if (cmd->kinds == 0 || (cmd->kinds & 1u << k) != 0)
			error = look_at_kind(&s, (enum mipc_kind)k);
	if (error == 0)
		error = table_print(s.table);
	if (error == -1)
		fprintf(stderr, "mipcs: %s: orphans: %s\n", cmd->dir,
		    strerror(errno));
	orphan_done(&s.living);
	return error == -1 || s.unreadable > 0 ? EXIT_UNREADABLE : EXIT_FINE;
}
