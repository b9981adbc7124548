/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_detail.c - all that is known of one object: mipcs --id and --key.
 *
 * A list of one, as of any object, and then a table each of who made it, of
 * what is in it and of who uses it; in JSON they are members of one object.
 * People get no empty tables.
 */
#include "gather.h"
#include "kernel.h"
#include "mipcs.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int row_fn(const struct command *, struct table *, const void *);

/* A table of entries in an array. */
struct part {
	const char *name;
	const struct table_column *columns;
	size_t ncolumns;
	row_fn *add;
	size_t size;			/* bytes of an entry */
};

#define PART(name, columns, add, type) \
	{ name, columns, sizeof(columns) / sizeof((columns)[0]), add, \
	    sizeof(type) }

enum { PART_COLUMNS = 10 };	/* the most of a part */

static int
print_part(const struct command *cmd, const struct part *part,
    const void *entries, size_t n, unsigned flags)
{
	const struct table_column *shown[PART_COLUMNS];
	struct table *t;

	if (n == 0 && !(cmd->table_flags & TABLE_JSON))
		return 0;
	for (size_t i = 0; i < part->ncolumns; i++)
		shown[i] = &part->columns[i];
	t = table_new(part->name, shown, part->ncolumns,
	    (int)(cmd->table_flags | TABLE_FOLLOWS | flags));
	if (t == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (part->add(cmd, t, (const char *)entries +
		    i * part->size) == -1)
			return -1;
	return table_print(t);
}

static const char *
yes(int is)
{
	return is ? "yes" : "no";
}

static void
say_pid(pid_t pid, char cell[static CELL])
{
	cell[0] = '\0';
	if (pid != 0)
		snprintf(cell, CELL, "%d", (int)pid);
}

static void
say_user(uid_t uid, char cell[static NAME_SIZE])
{
	cell[0] = '\0';
	if (uid != (uid_t)-1)
		user_name(uid, cell);
}

/* --- any object -------------------------------------------------------- */

static const struct table_column object_columns[] = {
	{ "cpid", "process that created it", TABLE_NUMBER },
	{ "alive", "whether it is", TABLE_BOOLEAN },
	{ "born", "when it was created", TABLE_TIME },
	{ "used", "bytes that it takes up", TABLE_NUMBER },
	{ "lockpid", "process that holds its lock", TABLE_NUMBER },
	{ "locked", "since when", TABLE_TIME },
	{ "command", "creator's command line", TABLE_TEXT },
};

static int
add_object(const struct command *cmd, struct table *t, const void *entry)
{
	const struct mipc_look_object *o = entry;
	char cpid[CELL], born[CELL], used[CELL], lock[CELL], since[CELL];
	char command[MIPC_COMMAND];
	const char *cells[] = { cpid, yes(o->creator.alive), born, used,
	    lock, since, command };

	say_pid(o->creator.pid, cpid);
	say_time(cmd, o->born, born);
	snprintf(used, CELL, "%llu", o->used);
	say_pid(o->lock.owner.pid, lock);
	say_time(cmd, o->lock.since, since);
	say_command(&o->creator, command);
	return table_add(t, cells);
}

static const struct part object_part = PART("object", object_columns,
    add_object, struct mipc_look_object);

static const struct table_column sleeper_columns[] = {
	{ "pid", "process that sleeps", TABLE_NUMBER },
	{ "user", "its user's name", TABLE_TEXT },
	{ "alive", "whether it is", TABLE_BOOLEAN },
	{ "since", "when it began to sleep", TABLE_TIME },
	{ "for", "what it waits for", TABLE_TEXT },
	{ "command", "its command line", TABLE_TEXT },
};

static int
add_sleeper(const struct command *cmd, struct table *t, const void *entry)
{
	const struct mipc_look_sleeper *s = entry;
	char pid[CELL], user[NAME_SIZE], since[CELL], words[WORDS];
	char command[MIPC_COMMAND];
	const char *cells[] = { pid, user, yes(s->process.alive), since,
	    words, command };

	say_pid(s->process.pid, pid);
	say_user(s->process.uid, user);
	say_time(cmd, s->since, since);
	say_wait(s, words);
	say_command(&s->process, command);
	return table_add(t, cells);
}

static const struct part sleeper_part = PART("sleepers", sleeper_columns,
    add_sleeper, struct mipc_look_sleeper);

/* --- those of a kind --------------------------------------------------- */

static const struct table_column attach_columns[] = {
	{ "pid", "process that has it attached", TABLE_NUMBER },
	{ "user", "its user's name", TABLE_TEXT },
	{ "alive", "whether it is", TABLE_BOOLEAN },
	{ "count", "how many times", TABLE_NUMBER },
	{ "since", "since when", TABLE_TIME },
	{ "command", "its command line", TABLE_TEXT },
};

static int
add_attach(const struct command *cmd, struct table *t, const void *entry)
{
	const struct mipc_look_attach *a = entry;
	char pid[CELL], user[NAME_SIZE], count[CELL], since[CELL];
	char command[MIPC_COMMAND];
	const char *cells[] = { pid, user, yes(a->process.alive), count,
	    since, command };

	say_pid(a->process.pid, pid);
	say_user(a->process.uid, user);
	snprintf(count, CELL, "%llu", a->count);
	say_time(cmd, a->since, since);
	say_command(&a->process, command);
	return table_add(t, cells);
}

static const struct part attach_part = PART("attached", attach_columns,
    add_attach, struct mipc_look_attach);

static const struct table_column debt_columns[] = {
	{ "pid", "process that owes", TABLE_NUMBER },
	{ "user", "its user's name", TABLE_TEXT },
	{ "alive", "whether it is", TABLE_BOOLEAN },
	{ "semnum", "semaphore", TABLE_NUMBER },
	{ "amount", "what is added when it ends", TABLE_NUMBER },
	{ "command", "its command line", TABLE_TEXT },
};

static int
add_debt(const struct command *cmd, struct table *t, const void *entry)
{
	const struct mipc_look_debt *d = entry;
	char pid[CELL], user[NAME_SIZE], semnum[CELL], amount[CELL];
	char command[MIPC_COMMAND];
	const char *cells[] = { pid, user, yes(d->process.alive), semnum,
	    amount, command };

	(void)cmd;
	say_pid(d->process.pid, pid);
	say_user(d->process.uid, user);
	snprintf(semnum, CELL, "%d", d->semnum);
	snprintf(amount, CELL, "%d", d->amount);
	say_command(&d->process, command);
	return table_add(t, cells);
}

static const struct part debt_part = PART("debts", debt_columns, add_debt,
    struct mipc_look_debt);

static const struct table_column message_columns[] = {
	{ "type", "of the message", TABLE_NUMBER },
	{ "size", "bytes of its text", TABLE_NUMBER },
};

static int
add_message(const struct command *cmd, struct table *t, const void *entry)
{
	const struct mipc_look_message *m = entry;
	char type[CELL], size[CELL];
	const char *cells[] = { type, size };

	(void)cmd;
	snprintf(type, CELL, "%ld", m->type);
	snprintf(size, CELL, "%llu", m->size);
	return table_add(t, cells);
}

static const struct part message_part = PART("messages", message_columns,
    add_message, struct mipc_look_message);

/* --- messages by type -------------------------------------------------- */

static const struct table_column type_columns[] = {
	{ "type", "of messages", TABLE_NUMBER },
	{ "messages", "of this type", TABLE_NUMBER },
	{ "bytes", "of their texts", TABLE_NUMBER },
};

static int
add_type(const struct command *cmd, struct table *t, const void *entry)
{
	const struct type *type = entry;
	char number[CELL], messages[CELL], bytes[CELL];
	const char *cells[] = { number, messages, bytes };

	(void)cmd;
	snprintf(number, CELL, "%ld", type->type);
	snprintf(messages, CELL, "%llu", type->messages);
	snprintf(bytes, CELL, "%llu", type->bytes);
	return table_add(t, cells);
}

static const struct part type_part = PART("types", type_columns, add_type,
    struct type);

static int
print_types(const struct command *cmd, struct mipc_ns *ns, int *torn)
{
	size_t n = 0;
	struct type *all = gather_types(ns, cmd->id, &n, torn);
	int error = all == NULL ? -1 :
	    print_part(cmd, &type_part, all, n, TABLE_GOES_ON);

	free(all);
	return error;
}

/* --- one object -------------------------------------------------------- */

/* What a kind has of its own; `torn` as the library says. */
static int
print_attaches(const struct command *cmd, struct mipc_ns *ns, int *torn)
{
	size_t n = 0;
	struct mipc_look_attach *all = gather_attaches(ns, cmd->id, &n, torn);
	int error = all == NULL ? -1 :
	    print_part(cmd, &attach_part, all, n, 0);

	free(all);
	return error;
}

static int
print_sleepers(const struct command *cmd, struct mipc_ns *ns,
    enum mipc_kind kind, int *torn)
{
	size_t n = 0;
	struct mipc_look_sleeper *all = gather_sleepers(ns, kind, cmd->id, &n,
	    torn);
	int error = all == NULL ? -1 :
	    print_part(cmd, &sleeper_part, all, n, 0);

	free(all);
	return error;
}

static int
print_set(const struct command *cmd, struct mipc_ns *ns, int *torn)
{
	struct command middle = *cmd;
	size_t n = 0;
	struct mipc_look_debt *all = gather_debts(ns, cmd->id, &n, torn);
	int error = all == NULL ? -1 : 0;

	middle.table_flags |= TABLE_FOLLOWS | TABLE_GOES_ON;
	if (error == 0)
		error = print_semaphores(&middle, ns) == EXIT_FINE ? 0 : -1;
	if (error == 0)
		error = print_part(cmd, &debt_part, all, n, TABLE_GOES_ON);
	free(all);
	return error == 0 ? print_sleepers(cmd, ns, MIPC_SEM, torn) : error;
}

static int
print_queue(const struct command *cmd, struct mipc_ns *ns, int *torn)
{
	size_t n = 0;
	struct mipc_look_message *all = gather_messages(ns, cmd->id, &n,
	    torn);
	int error = all == NULL ? -1 : 0;

	if (error == 0)
		error = print_part(cmd, &message_part, all, n, TABLE_GOES_ON);
	if (error == 0)
		error = print_types(cmd, ns, torn);
	free(all);
	return error == 0 ? print_sleepers(cmd, ns, MIPC_MSG, torn) : error;
}

static int
print_rest(const struct command *cmd, struct mipc_ns *ns,
    const struct mipc_look_object *o)
{
	int torn = 0, error;

	error = print_part(cmd, &object_part, o, 1, TABLE_GOES_ON);
	if (error == 0)
		error = o->kind == MIPC_SHM ? print_attaches(cmd, ns, &torn) :
		    o->kind == MIPC_SEM ? print_set(cmd, ns, &torn) :
		    print_queue(cmd, ns, &torn);
	if (error == -1)
		warn("%s: %s %d", cmd->dir, facilities[o->kind].one, cmd->id);
	else if (torn)
		warnx("%s: %s %d: it changed while it was read", cmd->dir,
		    facilities[o->kind].one, cmd->id);
	return error == 0 ? EXIT_FINE : EXIT_UNREADABLE;
}

/* The kernel tells only of the semaphores of a set, who may read it. */
static int
print_kernels(const struct command *cmd, const struct choice *choices)
{
	struct command part = *cmd;
	const int more = cmd->kinds == OF_SEM && cmd->output == NULL &&
	    !cmd->list && any_semctl(NULL, cmd->id, 0, GETVAL,
	    (union sem_argument){ .val = 0 }) != -1;
	int code;

	part.table_flags |= more ? TABLE_GOES_ON : 0;
	code = print_objects(&part, choices, NULL);
	part.table_flags = cmd->table_flags | TABLE_FOLLOWS;
	return more && code == EXIT_FINE ? print_semaphores(&part, NULL) :
	    code;
}

int
print_detail(const struct command *cmd, const struct choice *choices,
    struct mipc_ns *ns)
{
	const enum mipc_kind kind = cmd->kinds == OF_SHM ? MIPC_SHM :
	    cmd->kinds == OF_MSG ? MIPC_MSG : MIPC_SEM;
	struct command list = *cmd;
	struct mipc_look_object o;
	int known, code, more;

	if (cmd->kernel)
		return print_kernels(cmd, choices);
	known = cmd->output == NULL && !cmd->list && ns != NULL &&
	    mipc_look_object(ns, kind, cmd->id, &o, NULL) == 0;
	if (known)
		list.table_flags |= TABLE_GOES_ON;
	code = print_objects(&list, choices, ns);
	if (!known)
		return code;
	more = print_rest(cmd, ns, &o);
	return code != EXIT_FINE ? code : more;
}

/* --- by its key -------------------------------------------------------- */

int
find_by_key(struct command *cmd, struct mipc_ns *ns)
{
	const struct facility *all = cmd->kernel ? kernel_facilities :
	    facilities;
	unsigned kind = 0;
	int found = 0, id;

	for (int k = 0; k < NKINDS; k++) {
		if (cmd->kinds != 0 && !(cmd->kinds & 1u << k))
			continue;
		id = all[k].find(ns, cmd->key);
		if (id == -1 && errno == ENOENT)
			continue;
		if (id == -1 || ++found > 1)
			break;
		cmd->id = id;
		kind = 1u << k;
	}
	if (found == 1) {
		cmd->kinds = kind;
		return EXIT_FINE;
	}
	if (found > 1) {
		warnx("--key 0x%08x: objects of several kinds have it; -m, "
		    "-q or -s says which is meant", (unsigned)cmd->key);
		return EXIT_USAGE;
	}
	warn("%s: key 0x%08x", cmd->dir, (unsigned)cmd->key);
	return EXIT_UNREADABLE;
}
