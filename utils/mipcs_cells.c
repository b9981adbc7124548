/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_cells.c - the cells of tables of objects, by what a cell shows.
 */
#include "gather.h"
#include "mipcs.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Those that need neither the command nor the column. */
#define PLAIN \
	(void)cmd; \
	(void)column

static void
take_field(const struct object *o, const struct column *column, void *to,
    size_t size)
{
	memcpy(to, (const char *)o + column->at, size);
}

void
key_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	snprintf(cell, CELL, "0x%08x", (unsigned)o->ds.perm.__key);
}

void
id_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	snprintf(cell, CELL, "%d", o->id);
}

void
perms_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	snprintf(cell, CELL, "%03o", (unsigned)o->ds.perm.mode & 0777);
}

/* Why there is nothing in the other cells. */
void
status_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	if (o->error != 0)
		snprintf(cell, CELL, "index %d: %.40s", o->index,
		    strerror(o->error));
}

void
user_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	uid_t uid;

	(void)cmd;
	take_field(o, column, &uid, sizeof(uid));
	user_name(uid, cell);
}

void
group_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	gid_t gid;

	(void)cmd;
	take_field(o, column, &gid, sizeof(gid));
	group_name(gid, cell);
}

void
pid_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	pid_t pid;

	(void)cmd;
	take_field(o, column, &pid, sizeof(pid));
	snprintf(cell, CELL, "%d", (int)pid);
}

void
count_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	unsigned long count;

	(void)cmd;
	take_field(o, column, &count, sizeof(count));
	snprintf(cell, CELL, "%lu", count);
}

/* A time for people, seconds since 1970 else; never is an empty cell. */
void
say_time(const struct command *cmd, time_t when, char cell[static CELL])
{
	struct tm tm;

	if (when == 0)
		cell[0] = '\0';
	else if (cmd->table_flags & TABLE_FOR_PROGRAMS)
		snprintf(cell, CELL, "%lld", (long long)when);
	else if (localtime_r(&when, &tm) == NULL ||
	    strftime(cell, CELL, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		cell[0] = '\0';
}

void
time_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	time_t when;

	take_field(o, column, &when, sizeof(when));
	say_time(cmd, when, cell);
}

/* Bytes, or for people the largest unit of which there is one. */
static void
say_size(const struct command *cmd, unsigned long long bytes, char *cell)
{
	const char *unit = "BKMGTPE";
	double size;

	if (!cmd->human || bytes < 1024) {
		snprintf(cell, CELL, "%llu", bytes);
		return;
	}
	for (size = (double)bytes; size >= 1024 && unit[1] != '\0'; unit++)
		size /= 1024;
	snprintf(cell, CELL, size < 10 ? "%.1f%c" : "%.0f%c", size, *unit);
}

void
size_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	unsigned long bytes;

	take_field(o, column, &bytes, sizeof(bytes));
	say_size(cmd, bytes, cell);
}

/* --- of a look into it ------------------------------------------------- */

void
born_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	(void)column;
	if (o->look != NULL)
		say_time(cmd, o->look->born, cell);
}

void
used_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	(void)column;
	if (o->look != NULL)
		say_size(cmd, o->look->used, cell);
}

void
alive_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	if (o->look != NULL)
		snprintf(cell, CELL, "%s",
		    o->look->creator.alive ? "yes" : "no");
}

void
creator_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	if (o->look != NULL)
		snprintf(cell, CELL, "%d", (int)o->look->creator.pid);
}

void
command_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	if (o->look != NULL)
		say_command(&o->look->creator, cell);
}
