/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_cells.c - the cells that objects of all kinds have.
 */
#include "mipcs.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void
key_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "0x%08x", (unsigned)o->ds.perm.__key);
}

void
id_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%d", o->id);
}

static void
name_user(uid_t uid, char *cell)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw != NULL)
		snprintf(cell, CELL, "%s", pw->pw_name);
	else
		snprintf(cell, CELL, "%u", (unsigned)uid);
}

static void
name_group(gid_t gid, char *cell)
{
	const struct group *gr = getgrgid(gid);

	if (gr != NULL)
		snprintf(cell, CELL, "%s", gr->gr_name);
	else
		snprintf(cell, CELL, "%u", (unsigned)gid);
}

void
owner_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	name_user(o->ds.perm.uid, cell);
}

void
group_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	name_group(o->ds.perm.gid, cell);
}

void
creator_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	name_user(o->ds.perm.cuid, cell);
}

void
cgroup_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	name_group(o->ds.perm.cgid, cell);
}

void
perms_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	snprintf(cell, CELL, "%03o", (unsigned)o->ds.perm.mode & 0777);
}

/* Why there is nothing in the other cells. */
void
status_cell(const struct command *cmd, const struct object *o, char *cell)
{
	(void)cmd;
	if (o->error != 0)
		snprintf(cell, CELL, "index %d: %.40s", o->index,
		    strerror(o->error));
}

/* A time for people, seconds since 1970 in JSON; never is an empty cell. */
void
time_cell(const struct command *cmd, time_t when, char *cell)
{
	struct tm tm;

	if (when == 0)
		cell[0] = '\0';
	else if (cmd->table_flags & TABLE_JSON)
		snprintf(cell, CELL, "%lld", (long long)when);
	else if (localtime_r(&when, &tm) == NULL ||
	    strftime(cell, CELL, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		cell[0] = '\0';
}

/* Bytes, or for people the largest unit of which there is one. */
void
size_cell(const struct command *cmd, unsigned long long bytes, char *cell)
{
	const char *unit = "BKMGTPE";
	double size = (double)bytes;

	if (!cmd->human || bytes < 1024) {
		snprintf(cell, CELL, "%llu", bytes);
		return;
	}
	for (; size >= 1024 && unit[1] != '\0'; unit++)
		size /= 1024;
	snprintf(cell, CELL, size < 10 ? "%.1f%c" : "%.0f%c", size, *unit);
}
