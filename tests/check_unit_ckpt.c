/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_unit_ckpt.c - checkpoints while something is published at a named
 * place of theirs.
 *
 * A writer publishes a number into the first publication, then into the
 * second, and then says it by a semaphore.  So a checkpoint of one moment has
 * first >= second >= semaphore, and no two of them are further than one apart.
 */
#include "crash.h"
#include "mipc.h"

#include "check_unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FIRST, SECOND, N, KEY = 4711, BUFFERS = 3 };

static const struct {
	const char *place;
	int times;			/* how often it is published there */
	bool absent;			/* nothing is a publication before */
	bool unsaid;			/* not by the semaphore */
} moment[] = {
	{ "cut: found", 1, false, false },
	{ "cut: found", 1, true, false },
	{ "values: one is read", 1, false, false },
	{ "values: one is read", 1, false, true },
	{ "values: read", 1, false, false },
	{ "values: to be copied", 1, false, false },
	{ "values: to be copied", 2 * BUFFERS, false, false },
	{ "values: to be copied", 1, true, false },
};

static struct mipc_ns *ns;
static struct mipc_publication pub[N];
static void *memory[N];
static int set, now;			/* which moment */
static uint32_t number;

static size_t
size(void)
{
	return mipc_publish_size(sizeof(number), BUFFERS);
}

static void
make_publications(void)
{
	for (int i = 0; i < N; i++) {
		must_eq(mipc_publish_init(memory[i], size(), sizeof(number),
		    BUFFERS), 0);
		must_eq(mipc_publish_open(&pub[i], memory[i], size(), 0), 0);
	}
}

static void
publish(void)
{
	number++;
	for (int i = 0; i < N; i++)
		must_eq(mipc_publish(&pub[i], &number, sizeof(number),
		    &(struct timespec){ 0 }), 0);
	if (!moment[now].unsaid || number == 1)
		must_eq(mipc_semctl(ns, set, 0, SETVAL, (int)number), 0);
}

static void
make_objects(void)
{
	ns = mipc_open(testing_dir, MIPC_CREAT);
	must(ns != NULL);
	set = mipc_semget(ns, KEY, 1, IPC_CREAT | 0600);
	must(set != -1);
	for (int i = 0; i < N; i++) {
		memory[i] = mipc_shmat(ns, mipc_shmget(ns, KEY + i, size(),
		    IPC_CREAT | 0600), NULL, 0);
		must(memory[i] != (void *)-1);
	}
}

static void
publish_at(const char *place)
{
	if (strcmp(place, moment[now].place) != 0)
		return;
	mipc_crash_hook = NULL;
	if (moment[now].absent)
		make_publications();
	for (int i = 0; i < moment[now].times; i++)
		publish();
}

/* 0: it is none, or has no value. */
static uint32_t
number_in(struct mipc_ns *there, int which)
{
	struct mipc_publication p;
	uint32_t value = 0;
	void *at = mipc_shmat(there, mipc_shmget(there, KEY + which, 0, 0),
	    NULL, 0);

	must(at != (void *)-1);
	if (mipc_publish_open(&p, at, size(), 0) != 0)
		return 0;
	if (mipc_publish_read(&p, &value, sizeof(value), NULL) == -1)
		must_eq(errno, ENODATA);
	return value;
}

START_TEST(a_checkpoint_has_what_was_published_at_its_moment)
{
	char file[PATH_MAX], copy[PATH_MAX];
	struct mipc_ns *there;
	uint32_t first, second, said;

	snprintf(file, sizeof(file), "%.4000s.checkpoint", testing_dir);
	snprintf(copy, sizeof(copy), "%.4000s.copy", testing_dir);
	now = _i;
	make_objects();
	if (!moment[now].absent) {
		make_publications();
		publish();
	}
	mipc_crash_hook = publish_at;
	must_eq(mipc_checkpoint(ns, file, 1, NULL), 0);
	must(mipc_crash_hook == NULL);
	must_eq(mipc_restore(file, copy, NULL), 0);
	there = mipc_open(copy, 0);
	must(there != NULL);
	first = number_in(there, FIRST);
	second = number_in(there, SECOND);
	said = (uint32_t)mipc_semctl(there, mipc_semget(there, KEY, 1, 0), 0,
	    GETVAL);
	must(first >= second && second >= said && first <= said + 1);
	unlink(file);
	remove_tree(copy);
}
END_TEST

void
add_ckpt_tests(TCase *tc)
{
	testing_add_loop(tc,
	    a_checkpoint_has_what_was_published_at_its_moment, 0,
	    sizeof(moment) / sizeof(moment[0]));
}
