/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * survey.c - all objects of a kind, as a list shows them.
 *
 * Each costs a few system calls, which the kernel can do for several threads
 * at a time; where there are many objects, and processors, they share them.
 */
#include "survey.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gather.h"

enum {
	WORKERS = 4,		/* at most */
	WORTH = 1024		/* objects for which a thread is worth it */
};

int
survey_one(struct mipc_ns *ns, enum mipc_kind kind, int id, struct object *o)
{
	struct mipc_look_lock lock;

	memset(o, 0, sizeof(*o));
	o->kind = kind;
	o->id = id;
	o->ns = ns;
	o->index = id % OBJECT_INDEXES;
	if (mipc_look_status(ns, kind, id, &o->ds, &lock, &o->changing) ==
	    -1) {
		o->error = errno;
		return o->error == EINVAL ? -1 : 0;
	}
	if (lock.held) {
		o->holder = lock.owner.pid;
		o->held = lock.since;
	}
	return 0;
}

static int
add(struct object **all, size_t n, const struct object *o)
{
	struct object *more;

	if ((n & (n - 1)) == 0) {	/* full at powers of 2 */
		more = realloc(*all, (n == 0 ? 1 : 2 * n) * sizeof(*more));
		if (more == NULL)
			return -1;
		*all = more;
	}
	(*all)[n] = *o;
	return 0;
}

struct object *
survey_calls(const struct facility *facility, enum mipc_kind kind, size_t *n)
{
	const int highest = facility->highest(NULL);
	struct object *all = highest == -1 ? NULL : malloc(sizeof(*all));

	*n = 0;
	for (int i = 0; i <= highest && all != NULL; i++) {
		struct object o = { .kind = kind, .index = i };

		o.id = facility->stat(NULL, i, &o);
		if (o.id == -1 && (errno == EINVAL || errno == EIDRM))
			continue;	/* none there, or it went just now */
		o.error = o.id == -1 ? errno : 0;
		if (add(&all, *n, &o) == -1) {
			free(all);
			return NULL;
		}
		++*n;
	}
	return all;
}

/* A share of them, as one thread's. */
struct share {
	struct mipc_ns *ns;
	enum mipc_kind kind;
	const int *ids;
	struct object *objects;
	size_t n;
	pthread_t thread;
	int begun;
};

static void *
read_share(void *arg)
{
	struct share *share = arg;

	for (size_t i = 0; i < share->n; i++)
		survey_one(share->ns, share->kind, share->ids[i],
		    &share->objects[i]);
	return NULL;
}

/* How many threads are worth it, this one among them. */
static size_t
workers_for(size_t n)
{
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t workers = n / WORTH + 1;

	if (processors > 0 && workers > (size_t)processors)
		workers = (size_t)processors;
	return workers > WORKERS ? WORKERS : workers;
}

/* Without a thread, its share is done here. */
static void
read_all(const struct share *whole)
{
	const size_t workers = workers_for(whole->n);
	struct share share[WORKERS];
	size_t at = 0;

	for (size_t i = 0; i < workers; i++) {
		share[i] = *whole;
		share[i].ids += at;
		share[i].objects += at;
		share[i].n = i + 1 < workers ? whole->n / workers :
		    whole->n - at;
		at += share[i].n;
		share[i].begun = i + 1 < workers && pthread_create(
		    &share[i].thread, NULL, read_share, &share[i]) == 0;
		if (!share[i].begun)
			read_share(&share[i]);
	}
	for (size_t i = 0; i < workers; i++)
		if (share[i].begun)
			pthread_join(share[i].thread, NULL);
}

struct object *
survey(struct mipc_ns *ns, enum mipc_kind kind, size_t *n)
{
	struct share whole = { .ns = ns, .kind = kind };
	size_t kept = 0;
	int *ids = gather_ids(ns, kind, &whole.n);

	if (ids == NULL)
		return NULL;
	whole.ids = ids;
	whole.objects = malloc((whole.n + 1) * sizeof(*whole.objects));
	if (whole.objects != NULL)
		read_all(&whole);
	free(ids);
	if (whole.objects == NULL)
		return NULL;
	/* What is gone went just now. */
	for (size_t i = 0; i < whole.n; i++)
		if (whole.objects[i].error != EINVAL)
			whole.objects[kept++] = whole.objects[i];
	*n = kept;
	return whole.objects;
}
