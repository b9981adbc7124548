/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mipcrm_remove.c - the objects that are to be removed, and their end.
 *
 * Others use the namespace meanwhile: what went by itself was nothing to
 * remove, unless it was named.
 */
#include "mipcrm.h"
#include "orphan.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
	const struct command *cmd;
	struct mipc_ns *ns;
	time_t now;
	struct living living;	/* if orphans are meant */
	unsigned long matched;
	int failed;
};

/* When it was used or changed last. */
static time_t
last_use(const struct facility *facility, const struct object *o)
{
	time_t times[3] = { 0 }, last;

	switch (facility - facilities) {
	case 0:
		times[0] = o->ds.shm.shm_ctime;
		times[1] = o->ds.shm.shm_atime;
		times[2] = o->ds.shm.shm_dtime;
		break;
	case 1:
		times[0] = o->ds.sem.sem_ctime;
		times[1] = o->ds.sem.sem_otime;
		break;
	case 2:
		times[0] = o->ds.msg.msg_ctime;
		times[1] = o->ds.msg.msg_stime;
		times[2] = o->ds.msg.msg_rtime;
		break;
	}
	last = times[0];
	for (int i = 1; i < 3; i++)
		if (times[i] > last)
			last = times[i];
	return last;
}

/* True if --owner and --older leave it. */
static int
is_meant(const struct work *w, const struct facility *facility,
    const struct object *o)
{
	const struct command *cmd = w->cmd;

	if (cmd->by_owner && o->ds.perm.uid != cmd->owner)
		return 0;
	return !cmd->by_age ||
	    w->now - last_use(facility, o) >= cmd->older;
}

/* `why`: "", or why it is thought an orphan. */
static void
tell(const struct work *w, const struct facility *facility,
    const struct object *o, const char *why)
{
	char owner[NAME_SIZE];

	if (!w->cmd->dry_run && !w->cmd->verbose)
		return;
	printf("%s %s %d", w->cmd->dry_run ? "would remove" : "removed",
	    facility->one, o->id);
	if (o->error == 0) {
		user_name(o->ds.perm.uid, owner);
		printf(", key 0x%08x, of owner %s",
		    (unsigned)o->ds.perm.__key, owner);
	}
	printf("%s%s\n", *why != '\0' ? ": " : "", why);
}

static void
fail(struct work *w, const struct facility *facility, int id)
{
	warn("%s: %s %d", w->cmd->dir, facility->one, id);
	w->failed = 1;
}

static int
judge(const struct work *w, enum mipc_kind kind, int id,
    char why[static REASON])
{
	struct mipc_look_object seen;

	if (mipc_look_object(w->ns, kind, id, &seen, NULL) == -1)
		return -1;
	return orphan_judge(w->ns, &w->living, &seen, why);
}

/*
 * Remove one that was named or matched, if --orphans lets it.  What may not
 * be read is nobody's orphan that the caller could remove.
 */
static void
end(struct work *w, const struct facility *facility, const struct object *o)
{
	char why[REASON] = "";
	int meant = 1;

	if (w->cmd->orphans)
		meant = judge(w, (enum mipc_kind)(facility - facilities),
		    o->id, why);
	if (meant == 1 && !w->cmd->dry_run)
		meant = facility->remove(w->ns, o->id) == -1 ? -1 : 1;
	if (meant == 1) {
		w->matched++;
		tell(w, facility, o, why);
	} else if (meant == -1 && errno != EINVAL && errno != EIDRM &&
	    !(w->cmd->orphans && errno == EACCES)) {
		fail(w, facility, o->id);
	}
}

/* What was named is not there, which -f forgives. */
static void
miss(struct work *w, const struct named *named)
{
	const char *one = facilities[named->kind].one;

	if (w->cmd->force)
		return;
	if (named->by_key)
		warnx("%s: no %s has key 0x%08x", w->cmd->dir, one,
		    (unsigned)named->key);
	else
		warnx("%s: there is no %s %d", w->cmd->dir, one, named->id);
	w->failed = 1;
}

/* One that cannot be read is removed if it need not be looked at. */
static void
remove_named(struct work *w, const struct named *named)
{
	const struct facility *facility = &facilities[named->kind];
	struct object o = { .id = named->id };

	if (named->by_key)
		o.id = facility->find(w->ns, named->key);
	if (o.id == -1 && errno != ENOENT) {
		warn("%s: the %s of key 0x%08x", w->cmd->dir, facility->one,
		    (unsigned)named->key);
		w->failed = 1;
	} else if (o.id == -1) {
		miss(w, named);
	} else if (object_stat(w->ns, facility, o.id, &o) == 0) {
		if (is_meant(w, facility, &o))
			end(w, facility, &o);
	} else if (errno == EINVAL || errno == EIDRM) {
		miss(w, named);
	} else if (w->cmd->by_owner || w->cmd->by_age || w->cmd->orphans) {
		fail(w, facility, o.id);
	} else {
		o.error = errno;
		end(w, facility, &o);
	}
}

/* A segment that was removed lives on while it is attached. */
static int
is_removed(const struct facility *facility, const struct object *o)
{
	return facility == &facilities[0] &&
	    (o->ds.perm.mode & SHM_DEST) != 0;
}

static void
remove_kind(struct work *w, const struct facility *facility)
{
	const int highest = facility->highest(w->ns);

	if (highest == -1) {
		warn("%s: the highest %s", w->cmd->dir, facility->one);
		w->failed = 1;
	}
	for (int i = 0; i <= highest; i++) {
		struct object o = { .index = i };

		o.id = facility->stat(w->ns, i, &o);
		if (o.id == -1 && errno != EINVAL && errno != EIDRM) {
			warn("%s: %s of index %d", w->cmd->dir,
			    facility->one, i);
			w->failed = 1;
		}
		if (o.id != -1 && !is_removed(facility, &o) &&
		    is_meant(w, facility, &o))
			end(w, facility, &o);
	}
}

int
remove_objects(const struct command *cmd, struct mipc_ns *ns)
{
	struct work w = { .cmd = cmd, .ns = ns, .now = time(NULL) };

	if (cmd->orphans && orphan_begin(ns, &w.living) == -1) {
		warn("%s: its processes", cmd->dir);
		return 1;
	}
	for (size_t i = 0; i < cmd->nnamed; i++)
		remove_named(&w, &cmd->named[i]);
	for (int k = 0; k < NKINDS && cmd->nnamed == 0; k++)
		if (cmd->all == 0 || cmd->all & 1u << k)
			remove_kind(&w, &facilities[k]);
	if (cmd->orphans)
		orphan_done(&w.living);
	if (w.matched == 0 && !w.failed && !cmd->force) {
		warnx("%s: nothing matched", cmd->dir);
		w.failed = 1;
	}
	if (fflush(stdout) == EOF) {
		warn("standard output");
		w.failed = 1;
	}
	return w.failed;
}
