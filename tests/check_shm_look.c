/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_look.c - who has a segment attached, as mipc_look_attached() has
 * it.
 */
#include "check_shm.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mipc.h"

#define MOST	8

static int
look(int id, struct mipc_look_attach *out, size_t n)
{
	int torn = -1, found;

	memset(out, 0xa5, MOST * sizeof(*out));
	found = mipc_look_attached(backend_ns(), id, out, n, &torn);
	must(found >= 0);
	must_eq(torn, 0);
	return found;
}

static const struct mipc_look_attach *
of(const struct mipc_look_attach *seen, int n, pid_t pid)
{
	for (int i = 0; i < n; i++)
		if (seen[i].process.pid == pid)
			return &seen[i];
	testing_fail(__FILE__, __LINE__, "nothing of %d", (int)pid);
}

static void
attach_twice(void *arg)
{
	attach(*(int *)arg);
	attach(*(int *)arg);
	reach(1);
	await(2);
}

START_TEST(look_attached_names_each_process_and_counts)
{
	struct mipc_look_attach seen[MOST];
	const struct mipc_look_attach *child;
	int id = make_segment(PAGE);
	void *p;
	pid_t pid;

	need_exact_forks();
	must_eq(look(id, seen, MOST), 0);
	p = attach(id);
	pid = spawn(BY_FORK, attach_twice, &id);
	await(1);
	must_eq(look(id, seen, MOST), 2);
	must_eq(of(seen, 2, getpid())->count, 1);
	child = of(seen, 2, pid);
	must_eq(child->count, 3);
	must_eq(child->process.alive, 1);
	must_eq(child->process.uid, geteuid());
	must(strstr(child->process.command, "check_shm") != NULL);
	must(child->since > 0 && child->since <= time(NULL));
	reach(2);
	finish(pid);
	detach(p);
	remove_segment(id);
}
END_TEST

START_TEST(look_attached_shows_the_dead_and_settles_nothing)
{
	struct mipc_look_attach seen[MOST];
	int id = make_segment(PAGE);
	pid_t pid = spawn(BY_FORK, attach_twice, &id);

	await(1);
	kill_and_reap(pid);
	for (int i = 0; i < 2; i++) {
		must_eq(look(id, seen, MOST), 1);
		must_eq(seen[0].process.pid, pid);
		must_eq(seen[0].process.alive, 0);
		must_eq(seen[0].count, 2);
	}
	must_eq(attached(id), 0);	/* this does */
	must_eq(look(id, seen, MOST), 0);
	remove_segment(id);
}
END_TEST

START_TEST(look_attached_writes_no_more_than_there_is_room_for)
{
	struct mipc_look_attach seen[MOST], before;
	int id = make_segment(PAGE);
	void *p = attach(id);
	pid_t pid = spawn(BY_FORK, attach_twice, &id);

	await(1);
	must_eq(look(id, seen, 1), 2);
	memset(&before, 0xa5, sizeof(before));
	must_eq(memcmp(&seen[1], &before, sizeof(before)), 0);
	must_eq(mipc_look_attached(backend_ns(), id, NULL, 0, NULL), 2);
	reach(2);
	finish(pid);
	detach(p);
	remove_segment(id);
}
END_TEST

START_TEST(look_attached_of_a_removed_segment_names_who_keeps_it)
{
	struct mipc_look_attach seen[MOST];
	struct mipc_look_object o;
	int id = make_segment(PAGE);
	void *p = attach(id);

	remove_segment(id);
	must_eq(look(id, seen, MOST), 1);
	must_eq(seen[0].process.pid, getpid());
	must_eq(mipc_look_object(backend_ns(), MIPC_SHM, id, &o, NULL), 0);
	must_eq(o.removed, 1);
	must_eq(mipc_look_ids(backend_ns(), MIPC_SHM, NULL, 0), 1);
	detach(p);
	must_error(mipc_look_attached(backend_ns(), id, seen, 1, NULL),
	    EINVAL);
	must_eq(mipc_look_ids(backend_ns(), MIPC_SHM, NULL, 0), 0);
}
END_TEST

void
add_look_tests(TCase *tc)
{
	add_common_look_tests(tc);
	testing_add(tc, look_attached_names_each_process_and_counts);
	testing_add(tc, look_attached_shows_the_dead_and_settles_nothing);
	testing_add(tc,
	    look_attached_writes_no_more_than_there_is_room_for);
	testing_add(tc,
	    look_attached_of_a_removed_segment_names_who_keeps_it);
}
