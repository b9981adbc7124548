/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_users.c - cells that tell of all who use an object, or of all that is
 * in it: what System V has no column for.
 *
 * A cell has room for a number of them; if there are more it ends with dots,
 * and mipcs --id has them all.  One that may not be read is empty.
 */
#include "gather.h"
#include "mipcs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Add words to a cell, behind a comma; 0: it is full, and says so. */
__attribute__((format(printf, 2, 3)))
static int
append(char *cell, const char *format, ...)
{
	static const char dots[] = ",...";
	const size_t used = strlen(cell), most = CELL - sizeof(dots);
	const size_t at = used + (used > 0);
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = at >= most ? -1 :
	    vsnprintf(cell + at, most - at, format, arguments);
	va_end(arguments);
	if (n >= 0 && (size_t)n < most - at) {
		if (used > 0)
			cell[used] = ',';
		return 1;
	}
	memcpy(cell + used, dots, sizeof(dots));
	return 0;
}

/* Those that were killed stay until somebody settles what they left. */
static const char *
dead(const struct mipc_look_process *p)
{
	return p->alive ? "" : "(dead)";
}

void
attached_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	size_t n = 0;
	int torn;
	struct mipc_look_attach *all = gather_attaches(o->ns, o->id, &n,
	    &torn);

	(void)cmd;
	(void)column;
	for (size_t i = 0; i < n; i++) {
		const struct mipc_look_process *p = &all[i].process;

		if (!(all[i].count == 1 ?
		    append(cell, "%d%s", (int)p->pid, dead(p)) :
		    append(cell, "%d%s*%llu", (int)p->pid, dead(p),
		    all[i].count)))
			break;
	}
	free(all);
}

void
undo_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	size_t n = 0;
	int torn;
	struct mipc_look_debt *all = gather_debts(o->ns, o->id, &n, &torn);

	(void)cmd;
	(void)column;
	for (size_t i = 0; i < n; i++)
		if (!append(cell, "%d%s:%d:%+d", (int)all[i].process.pid,
		    dead(&all[i].process), all[i].semnum, all[i].amount))
			break;
	free(all);
}

void
sleepers_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	size_t n = 0;
	int torn;
	struct mipc_look_sleeper *all = gather_sleepers(o->ns, o->kind, o->id,
	    &n, &torn);
	char since[CELL], words[WORDS];

	(void)column;
	for (size_t i = 0; i < n; i++) {
		say_wait(&all[i], words);
		say_time(cmd, all[i].since, since);
		if (!append(cell, "%d%s %s since %s",
		    (int)all[i].process.pid, dead(&all[i].process), words,
		    since))
			break;
	}
	free(all);
}

/* Does anybody sleep for this? */
static int
has_sleeper(const struct object *o, enum mipc_look_wait waits)
{
	size_t n = 0;
	int torn, found = 0;
	struct mipc_look_sleeper *all = o->look == NULL ? NULL :
	    gather_sleepers(o->ns, o->kind, o->id, &n, &torn);

	for (size_t i = 0; i < n && !found; i++)
		found = all[i].process.alive && all[i].waits == waits;
	free(all);
	return found;
}

/*
 * As System V's ipcs: S if somebody waits to send, D for a removed segment,
 * R if somebody waits to receive; then read and write, in a set alter, of
 * owner, group and others.
 */
void
mode_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	const unsigned mode = o->ds.perm.mode;
	const char change = o->kind == MIPC_SEM ? 'a' : 'w';
	char *c = cell;

	(void)cmd;
	(void)column;
	*c++ = o->kind == MIPC_SHM && (mode & SHM_DEST) ? 'D' :
	    o->kind == MIPC_MSG && has_sleeper(o, MIPC_WAITS_ROOM) ? 'S' :
	    '-';
	*c++ = o->kind == MIPC_MSG && has_sleeper(o, MIPC_WAITS_MESSAGE) ?
	    'R' : '-';
	for (unsigned bit = 0400; bit != 0; bit >>= 3) {
		*c++ = mode & bit ? 'r' : '-';
		*c++ = mode & bit >> 1 ? change : '-';
		*c++ = '-';
	}
	*c = '\0';
}

void
types_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	size_t n = 0;
	int torn;
	struct type *all = gather_types(o->ns, o->id, &n, &torn);

	(void)cmd;
	(void)column;
	for (size_t i = 0; i < n; i++)
		if (!append(cell, "%ld:%llu", all[i].type, all[i].messages))
			break;
	free(all);
}
