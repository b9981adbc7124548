/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcs_list.c - lists of objects, whatever their kind, and tables of numbers.
 *
 * People get a table for each kind of which there is something, JSON has an
 * array for each kind in one object.
 */
#include "kernel.h"
#include "mipcs.h"
#include "survey.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct kind *const kinds[NKINDS] = {
	&kind_shm, &kind_sem, &kind_msg
};

const struct other_name other_names[OTHER_NAMES] = {
	{ "id", "shmid" }, { "id", "semid" }, { "id", "msqid" },
	{ "user", "owner" }, { "cuser", "creator" },
	{ "size", "bytes" }, { "segsz", "bytes" },
	{ "usedbytes", "bytes" }, { "cbytes", "bytes" },
	{ "msgs", "messages" }, { "qnum", "messages" },
	{ "attach", "atime" }, { "detach", "dtime" },
	{ "send", "stime" }, { "recv", "rtime" },
};

static int
is_name(const char *known, const char *name, size_t length)
{
	return strncasecmp(known, name, length) == 0 && known[length] == '\0';
}

static const struct column *
find_own(const struct kind *kind, const char *name, size_t length)
{
	for (size_t i = 0; i < kind->ncolumns; i++)
		if (is_name(kind->columns[i].column.name, name, length))
			return &kind->columns[i];
	return NULL;
}

static const struct column *
find_column(const struct kind *kind, const char *name, size_t length)
{
	const struct column *column = find_own(kind, name, length);

	for (int i = 0; i < OTHER_NAMES && column == NULL; i++)
		if (is_name(other_names[i].other, name, length))
			column = find_own(kind, other_names[i].own,
			    strlen(other_names[i].own));
	return column;
}

/*
 * Choose by --output's list.  Returns what stands at the first name that the
 * kind does not have or that is one too many; NULL if there is none.
 */
static const char *
choose_listed(const struct kind *kind, const char *list,
    struct choice *choice)
{
	while (*list != '\0') {
		const size_t length = strcspn(list, ",");
		const struct column *column = find_column(kind, list, length);

		if (column == NULL || choice->n == COLUMNS) {
			choice->n = 0;
			return list;
		}
		choice->column[choice->n++] = column;
		list += length + (list[length] == ',');
	}
	return NULL;
}

static void
choose_view(const struct kind *kind, unsigned shown, struct choice *choice)
{
	for (size_t i = 0; i < kind->ncolumns; i++)
		if (kind->columns[i].shown & shown)
			choice->column[choice->n++] = &kind->columns[i];
}

/* Nobody has all the columns: name the one that led farthest. */
static int
refuse_list(const char *list, const char *at)
{
	if (at == NULL || *list == '\0')
		fprintf(stderr, "mipcs: --output: it names no column\n");
	else
		fprintf(stderr, "mipcs: --output: %.*s: no such column, or "
		    "too many; --help names them\n", (int)strcspn(at, ","),
		    at);
	return -1;
}

int
choose(struct command *cmd, struct choice choices[static NKINDS])
{
	const unsigned json = cmd->table_flags & TABLE_JSON ? IN_ALL :
	    IN_DEFAULT;
	const unsigned shown = cmd->shown != 0 ? cmd->shown : json;
	const char *farthest = NULL, *at;
	size_t chosen = 0;

	for (int k = 0; k < NKINDS; k++) {
		choices[k].n = 0;
		if (cmd->kinds != 0 ? !(cmd->kinds & 1u << k) :
		    !(kinds[k]->views & shown))
			continue;
		if (cmd->output == NULL) {
			choose_view(kinds[k], shown, &choices[k]);
		} else {
			at = choose_listed(kinds[k], cmd->output, &choices[k]);
			if (at > farthest || farthest == NULL)
				farthest = at;
		}
		chosen += choices[k].n;
	}
	return chosen > 0 ? 0 : refuse_list(cmd->output, farthest);
}

/* --- objects ----------------------------------------------------------- */

struct list {
	struct object *objects;
	size_t n;
	int unreadable;
};

/* One was asked for, and is not there. */
static void
miss(const struct command *cmd, int k, struct list *list)
{
	fprintf(stderr, "mipcs: %s: %s %d: %s\n", cmd->dir, facilities[k].one,
	    cmd->id, strerror(EINVAL));
	list->unreadable++;
}

/* Do chosen columns need a look into each object? */
static int
needs_look(const struct choice *choice)
{
	for (size_t i = 0; i < choice->n; i++)
		if (choice->column[i]->shown == IN_MORE)
			return 1;
	return 0;
}

/* One that may not be read stays unknown.  -1 without memory. */
static int
look_into(struct object *o)
{
	struct mipc_look_object look;

	if (o->ns == NULL)
		return kernel_look(o);
	if (o->error != 0 ||
	    mipc_look_object(o->ns, o->kind, o->id, &look, NULL) == -1)
		return 0;
	o->look = malloc(sizeof(look));
	if (o->look == NULL)
		return -1;
	*o->look = look;
	return 0;
}

/* The kernel's of a kind; -1 with errno. */
static int
collect_kernel(const struct command *cmd, int k, struct list *list)
{
	size_t kept = 0;

	list->objects = survey_calls(&kernel_facilities[k],
	    (enum mipc_kind)k, &list->n);
	if (list->objects == NULL)
		return -1;
	/* One that cannot be read may be the one. */
	for (size_t i = 0; i < list->n; i++)
		if (cmd->id == -1 || list->objects[i].id == -1 ||
		    list->objects[i].id == cmd->id)
			list->objects[kept++] = list->objects[i];
	list->n = kept;
	return 0;
}

/* Those of a namespace, or the one that is shown; -1 without memory. */
static int
collect_named(const struct command *cmd, int k, struct mipc_ns *ns,
    struct list *list)
{
	if (cmd->id == -1) {
		list->objects = survey(ns, (enum mipc_kind)k, &list->n);
		return list->objects == NULL ? -1 : 0;
	}
	list->objects = malloc(sizeof(*list->objects));
	if (list->objects == NULL)
		return -1;
	list->n = survey_one(ns, (enum mipc_kind)k, cmd->id,
	    list->objects) == 0;
	return 0;
}

/* All objects of a kind, or the one that is shown; -1 without memory. */
static int
collect(const struct command *cmd, const struct choice *choices, int k,
    struct mipc_ns *ns, struct list *list)
{
	const int look = needs_look(&choices[k]);

	if (ns == NULL && !cmd->kernel)
		return 0;
	if ((cmd->kernel ? collect_kernel(cmd, k, list) :
	    collect_named(cmd, k, ns, list)) == -1)
		return -1;
	if (cmd->id != -1 && list->n == 0)
		miss(cmd, k, list);
	for (size_t i = 0; i < list->n; i++) {
		struct object *o = &list->objects[i];

		if (o->error != 0) {
			fprintf(stderr, "mipcs: %s: %s of index %d: %s\n",
			    cmd->dir, facilities[k].one, o->index,
			    strerror(o->error));
			list->unreadable++;
		}
		if (look && look_into(o) == -1)
			return -1;
	}
	return 0;
}

static int
add_row(struct table *t, const struct command *cmd,
    const struct choice *choice, const struct object *o)
{
	char text[COLUMNS][CELL];
	const char *cells[COLUMNS];

	for (size_t i = 0; i < choice->n; i++) {
		const struct column *column = choice->column[i];

		text[i][0] = '\0';
		if (o->error == 0 || column->fill == id_cell ||
		    strcmp(column->column.name, "status") == 0)
			column->fill(cmd, o, column, text[i]);
		cells[i] = text[i];
	}
	return table_add(t, cells);
}

static int
print_list(const struct command *cmd, const struct kind *kind,
    const struct choice *choice, const struct list *list, unsigned flags)
{
	const struct table_column *shown[COLUMNS];
	struct table *t;

	for (size_t i = 0; i < choice->n; i++)
		shown[i] = &choice->column[i]->column;
	t = table_new(kind->name, shown, choice->n, flags);
	if (t == NULL)
		return -1;
	for (size_t i = 0; i < list->n; i++)
		if (add_row(t, cmd, choice, &list->objects[i]) == -1)
			return -1;
	return table_print(t);
}

/*
 * True if a kind has a table: always if it was asked for, in JSON, or if it
 * is the first of those that could have one and all are empty.
 */
static int
has_table(const struct command *cmd, const struct choice *choices,
    const struct list *lists, int k)
{
	if (choices[k].n == 0)
		return 0;
	if (lists[k].n > 0 || cmd->kinds != 0 ||
	    (cmd->table_flags & TABLE_JSON))
		return 1;
	for (int i = 0; i < NKINDS; i++)
		if (choices[i].n > 0 && (i < k || lists[i].n > 0))
			return 0;
	return 1;
}

static int
print_lists(const struct command *cmd, const struct choice *choices,
    const struct list *lists)
{
	int shown[NKINDS], last = 0, first = 1;

	for (int k = 0; k < NKINDS; k++) {
		shown[k] = has_table(cmd, choices, lists, k);
		if (shown[k])
			last = k;
	}
	for (int k = 0; k < NKINDS; k++) {
		if (!shown[k])
			continue;
		if (print_list(cmd, kinds[k], &choices[k], &lists[k],
		    cmd->table_flags | (first ? 0 : TABLE_FOLLOWS) |
		    (k < last ? TABLE_GOES_ON : 0)) == -1)
			return -1;
		first = 0;
	}
	return 0;
}

int
print_objects(const struct command *cmd, const struct choice *choices,
    struct mipc_ns *ns)
{
	struct list lists[NKINDS] = { { .n = 0 } };
	int error = 0, unreadable = 0;

	for (int k = 0; k < NKINDS && error == 0; k++)
		if (choices[k].n > 0) {
			error = collect(cmd, choices, k, ns, &lists[k]);
			unreadable += lists[k].unreadable;
		}
	if (error == 0)
		error = print_lists(cmd, choices, lists);
	if (error == -1)
		fprintf(stderr, "mipcs: the table: %s\n", strerror(errno));
	for (int k = 0; k < NKINDS; k++) {
		for (size_t i = 0; i < lists[k].n; i++)
			free(lists[k].objects[i].look);
		free(lists[k].objects);
	}
	return error == -1 || unreadable > 0 ? EXIT_UNREADABLE : EXIT_FINE;
}

/* --- numbers ----------------------------------------------------------- */

/* The limits of a kind, with what its summary counts against them. */
static int
limits_and_use(const struct kind *kind, struct mipc_ns *ns,
    struct fact *facts)
{
	struct fact uses[FACTS];
	const int n = kind->limits(ns, facts);

	if (n == -1 || kind->summary(ns, uses) == -1)
		return -1;
	for (int i = 0; i < n; i++)
		if (facts[i].use > 0)
			facts[i].used = uses[facts[i].use - 1].value;
	return n;
}

/* Those of the kinds asked for; how many, or -1 after a message. */
static int
collect_facts(const struct command *cmd, struct mipc_ns *ns,
    struct fact *facts)
{
	int n = 0, more;

	for (int k = 0; k < NKINDS; k++) {
		if (cmd->kinds != 0 && !(cmd->kinds & 1u << k))
			continue;
		more = cmd->view == VIEW_LIMITS ?
		    limits_and_use(kinds[k], ns, facts + n) :
		    kinds[k]->summary(ns, facts + n);
		if (more == -1) {
			fprintf(stderr, "mipcs: %s: the %s: %s\n", cmd->dir,
			    kinds[k]->name, strerror(errno));
			return -1;
		}
		n += more;
	}
	return n;
}

enum { NAME, VALUE, USED, PERCENT, MEANING, FACT_COLUMNS };

static const struct table_column fact_columns[FACT_COLUMNS] = {
	[NAME] = { "name", "", TABLE_TEXT },
	[VALUE] = { "value", "", TABLE_NUMBER },
	[USED] = { "used", "", TABLE_NUMBER },
	[PERCENT] = { "use%", "", TABLE_NUMBER },
	[MEANING] = { "meaning", "", TABLE_TEXT },
};

/* A limit of 0 is used up by nothing. */
static int
add_fact(struct table *t, const struct fact *fact, int limits)
{
	char value[CELL], used[CELL] = "", percent[CELL] = "";
	const char *const cells[] = { fact->name, value, used, percent,
	    fact->help };
	const char *const bare[] = { fact->name, value, fact->help };

	snprintf(value, CELL, "%llu", fact->value);
	if (fact->use != 0) {
		snprintf(used, CELL, "%llu", fact->used);
		snprintf(percent, CELL, "%.1f", fact->value == 0 ? 100. :
		    100. * (double)fact->used / (double)fact->value);
	}
	return table_add(t, limits ? cells : bare);
}

int
print_facts(const struct command *cmd, struct mipc_ns *ns)
{
	static const struct table_column *const all[] = {
		&fact_columns[NAME], &fact_columns[VALUE],
		&fact_columns[USED], &fact_columns[PERCENT],
		&fact_columns[MEANING]
	}, *const bare[] = {
		&fact_columns[NAME], &fact_columns[VALUE],
		&fact_columns[MEANING]
	};
	const int limits = cmd->view == VIEW_LIMITS;
	struct fact facts[FACTS] = { { .name = NULL } };
	int n = collect_facts(cmd, ns, facts), error;
	struct table *t;

	if (n == -1)
		return EXIT_UNREADABLE;
	t = limits ? table_new("limits", all, 5, cmd->table_flags) :
	    table_new("summary", bare, 3, cmd->table_flags);
	error = t == NULL ? -1 : 0;
	for (int i = 0; i < n && error == 0; i++)
		error = add_fact(t, &facts[i], limits);
	if (error == 0 && table_print(t) == 0)
		return EXIT_FINE;
	warn("the table");
	return EXIT_UNREADABLE;
}
