/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.c - findings about a namespace, and what makes them.
 */
#include "check_inside.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus.h"

#define READINGS	4	/* that must agree, where others live */
#define TORN_MOST	40	/* readings that are of no one moment */

/* A mutant leaves one rule out, which a test must see. */
static bool
is_left_out(enum mipc_rule rule)
{
#ifdef MIPC_BREAK_CHECK
	const char *which = getenv("MIPC_BREAK_CHECK");

	return which != NULL && atoi(which) == (int)rule && rule != 0;
#else
	(void)rule;
	return false;
#endif
}

void
mipc_check_say(struct mipc_checker *c, enum mipc_rule rule,
    const char *format, ...)
{
	struct mipc_said *said = &c->now.said[c->now.n];
	va_list args;

	if (c->now.n == MIPC_SAID_MOST || is_left_out(rule))
		return;
	said->rule = rule;
	said->copied = rule == MIPC_RULE_NOTE && strstr(format,
	    "a repair makes it") != NULL;
	snprintf(said->where, sizeof(said->where), "%s", c->where);
	va_start(args, format);
	vsnprintf(said->what, sizeof(said->what), format, args);
	va_end(args);
	/* A damaged object may say the same of each of its parts. */
	for (uint32_t i = 0; i < c->now.n; i++)
		if (strcmp(c->now.said[i].what, said->what) == 0)
			return;
	c->now.n++;
}

static bool
is_said(const struct mipc_said_list *list, const struct mipc_said *said)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (strcmp(list->said[i].what, said->what) == 0)
			return true;
	return false;
}

/* Only what was said this time, too. */
static void
keep_common(struct mipc_checker *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->kept.n; i++)
		if (is_said(&c->now, &c->kept.said[i]))
			c->kept.said[n++] = c->kept.said[i];
	c->kept.n = n;
}

static void
pause_for(long ns)
{
	static mipc_u32 nobody_wakes;
	struct timespec moment = { .tv_nsec = ns };

	mipc_sys_futex_wait(&nobody_wakes, 0, &moment);
}

/* One reading of one moment, if one can be had. */
static void
read_once(struct mipc_checker *c, mipc_check_look *look, const void *arg)
{
	for (int i = 0; i < TORN_MOST; i++) {
		c->now.n = 0;
		c->torn = false;
		look(c, arg);
		if (!c->torn)
			return;
		pause_for(i < TORN_MOST / 2 ? 1000 : 1000000);
	}
	mipc_check_say(c, MIPC_RULE_NOTE,
	    "in use all the time: what changes together is not checked");
}

void
mipc_check_subject(struct mipc_checker *c, const char *where,
    mipc_check_look *look, const void *arg)
{
	struct mipc_said_list first;

	c->where = where;
	read_once(c, look, arg);
	first = c->kept;
	c->kept = c->now;
	c->now = first;
	for (int i = 1; i < READINGS && c->kept.n > 0 && c->lived_in; i++) {
		pause_for(3000000);
		mipc_check_refresh(c);
		read_once(c, look, arg);
		keep_common(c);
	}
	for (uint32_t i = 0; i < c->kept.n; i++)
		c->tell(c->arg, &c->kept.said[i]);
}

/* --- all of it --------------------------------------------------------- */

int
mipc_check_begin(struct mipc_checker *c, const char *dir)
{
	void *memory;
	int error;

	mipc_gate_check();
	if (mipc_thread() == NULL)
		return ENOMEM;
	c->fd = mipc_sys_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	c->page = (uint32_t)mipc_sys_page();
	if (c->fd < 0) {
		mipc_reason_set("%s: %s", dir, strerror(-c->fd));
		return -c->fd;
	}
	error = -mipc_sys_fstat(c->fd, &c->dir);
	if (error == 0)
		error = mipc_view_private(offsetof(struct mipc_space, entry),
		    &memory);
	if (error == 0) {
		c->space = memory;
		error = mipc_view_private(2 * MIPC_SAID_MOST *
		    sizeof(struct mipc_said), &memory);
	}
	if (error == 0) {
		c->now.said = memory;
		c->kept.said = c->now.said + MIPC_SAID_MOST;
	}
	if (error == 0 && mipc_sys_stat(c->fd, "namespace", &(struct stat){ 0 },
	    AT_SYMLINK_NOFOLLOW) != 0)
		error = ENOENT;
	if (error != 0)
		mipc_reason_set("%s: %s", dir, error == ENOENT ?
		    "holds no namespace" : strerror(error));
	return error;
}

void
mipc_check_all(struct mipc_checker *c)
{
	mipc_check_refresh(c);
	mipc_check_lives(c);
	c->lived_in = !c->alone && mipc_check_lived_in(c);
	mipc_check_space(c);
	if (!c->usable)
		return;
	mipc_check_names(c);
	mipc_check_objects(c);
}

static void
drop_windows(struct mipc_checker *c)
{
	for (uint32_t i = 0; i < c->guards; i++)
		mipc_bus_unguard(c->guard[i]);
	for (uint32_t i = 0; i < MIPC_HOUSES; i++)
		if (c->lives.window[i] != NULL)
			mipc_view_free(c->lives.window[i],
			    (size_t)MIPC_SLOTS * c->page);
}

void
mipc_check_end(struct mipc_checker *c)
{
	drop_windows(c);
	if (c->space != NULL)
		mipc_view_free(c->space, offsetof(struct mipc_space, entry));
	if (c->kept.said != NULL)
		mipc_view_free(c->kept.said < c->now.said ? c->kept.said :
		    c->now.said, 2 * MIPC_SAID_MOST *
		    sizeof(struct mipc_said));
	if (c->fd >= 0)
		mipc_sys_close(c->fd);
}
