/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_cells.c - the cells of tables of objects, by what a cell shows.
 */
#include "gather.h"
#include "mipcs.h"

#include <stdio.h>
#include <stdlib.h>
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

/*
 * Digits, at least so many, as printf() has them.  Lists of many
 * consist of them, and a format that is read for each takes longer than all
 * else that is done for a cell.
 */
static void
say_digits(unsigned long long n, unsigned base, int least, char *cell)
{
	char digits[24];
	int at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n > 0 || (int)sizeof(digits) - at < least);
	memcpy(cell, digits + at, sizeof(digits) - (size_t)at);
	cell[sizeof(digits) - (size_t)at] = '\0';
}

void
say_count(unsigned long long n, char cell[static CELL])
{
	say_digits(n, 10, 1, cell);
}

static void
say_int(int n, char *cell)
{
	if (n < 0)
		*cell++ = '-';
	say_digits((unsigned long long)llabs(n), 10, 1, cell);
}

void
key_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	memcpy(cell, "0x", 2);
	say_digits((unsigned)o->ds.perm.__key, 16, 8, cell + 2);
}

void
id_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	say_int(o->id, cell);
}

void
perms_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	say_digits((unsigned)o->ds.perm.mode & 0777, 8, 3, cell);
}

void
kind_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	static const char letters[] = "msq";

	PLAIN;
	snprintf(cell, CELL, "%c", letters[o->kind]);
}

/* Of a user or a group. */
void
number_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	unsigned number;

	_Static_assert(sizeof(uid_t) == sizeof(number), "a number");
	_Static_assert(sizeof(gid_t) == sizeof(number), "a number");
	(void)cmd;
	take_field(o, column, &number, sizeof(number));
	snprintf(cell, CELL, "%u", number);
}

/* Why there is nothing in the other cells, or who changes it. */
void
status_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	const size_t n = strlen(cell);
	const char *comma = n > 0 ? "," : "";

	PLAIN;
	if (o->error != 0)
		snprintf(cell, CELL, "index %d: %.40s", o->index,
		    strerror(o->error));
	else if (o->held != 0)
		snprintf(cell + n, CELL - n, "%sheld by %d for %lld s", comma,
		    (int)o->holder, (long long)(time(NULL) - o->held));
	else if (o->changing)
		snprintf(cell + n, CELL - n, "%schanging", comma);
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
	say_int(pid, cell);
}

void
count_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	unsigned long count;

	(void)cmd;
	take_field(o, column, &count, sizeof(count));
	say_count(count, cell);
}

/* As lsipc(1): the hour of today, the day of this year, else its year too. */
static const char *
short_format(const struct tm *tm)
{
	const time_t now = time(NULL);
	struct tm today;

	if (localtime_r(&now, &today) == NULL || tm->tm_year != today.tm_year)
		return "%Y-%b%d";
	return tm->tm_yday == today.tm_yday ? "%H:%M" : "%b%d";
}

static const char *
time_format(enum time_format format, const struct tm *tm)
{
	switch (format) {
	case TIME_SHORT:
		return short_format(tm);
	case TIME_FULL:
		return "%a %b %e %H:%M:%S %Y";
	case TIME_ISO:
		return "%Y-%m-%dT%H:%M:%S%z";
	case TIME_OWN:
		break;
	}
	return "%Y-%m-%d %H:%M:%S";
}

/* A colon in the zone, which strftime() leaves out. */
static void
part_zone(char cell[static CELL])
{
	const size_t n = strlen(cell);

	if (n < 5 || n + 1 >= CELL)
		return;
	memmove(cell + n - 1, cell + n - 2, 3);
	cell[n - 2] = ':';
}

void
say_time(const struct command *cmd, time_t when, char cell[static CELL])
{
	struct tm tm;

	cell[0] = '\0';
	if (when == 0)
		return;
	if (cmd->time_format == TIME_OWN &&
	    (cmd->table_flags & TABLE_FOR_PROGRAMS) != 0)
		snprintf(cell, CELL, "%lld", (long long)when);
	else if (localtime_r(&when, &tm) == NULL || strftime(cell, CELL,
	    time_format(cmd->time_format, &tm), &tm) == 0)
		cell[0] = '\0';
	else if (cmd->time_format == TIME_ISO)
		part_zone(cell);
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
	if (o->look != NULL && o->look->creator.pid != 0)
		snprintf(cell, CELL, "%s",
		    o->look->creator.alive ? "yes" : "no");
}

void
creator_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	if (o->look != NULL && o->look->creator.pid != 0)
		snprintf(cell, CELL, "%d", (int)o->look->creator.pid);
}

void
lockpid_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	if (o->look != NULL && o->look->lock.owner.pid != 0)
		snprintf(cell, CELL, "%d", (int)o->look->lock.owner.pid);
}

void
locked_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	(void)column;
	if (o->look != NULL)
		say_time(cmd, o->look->lock.since, cell);
}

void
command_cell(const struct command *cmd, const struct object *o,
    const struct column *column, char *cell)
{
	PLAIN;
	if (o->look != NULL)
		say_command(&o->look->creator, cell);
}
