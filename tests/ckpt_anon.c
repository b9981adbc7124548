/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ckpt_anon.c - checkpoints of anonymous namespaces, and of one that has been
 * restored from one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "mipc.h"

enum { SIZE = 150001, SEMS = 3, KEY = 7, PARTS = 8, TEXT = 3000 };

static char first[PATH_MAX], second[PATH_MAX], dir[PATH_MAX];

struct letter {
	long type;
	char text[TEXT];
};

struct ids {
	int segment, set, queue;
};

/* Identifiers that others had before. */
static struct ids
make(struct mipc_ns *ns)
{
	struct ids id;

	for (int i = 0; i < 2; i++) {
		id.segment = mipc_shmget(ns, KEY, SIZE, IPC_CREAT | 0640);
		id.set = mipc_semget(ns, KEY, SEMS, IPC_CREAT | 0600);
		id.queue = mipc_msgget(ns, KEY, IPC_CREAT | 0600);
		if (id.segment == -1 || id.set == -1 || id.queue == -1)
			harness_die("no objects: %s", strerror(errno));
		if (i == 1)
			break;
		mipc_shmctl(ns, id.segment, IPC_RMID, NULL);
		mipc_semctl(ns, id.set, 0, IPC_RMID);
		mipc_msgctl(ns, id.queue, IPC_RMID, NULL);
	}
	return id;
}

static void
fill(struct mipc_ns *ns, const struct ids *id)
{
	static struct letter letter;
	struct sembuf up = { .sem_num = 1, .sem_op = 5 };
	char *bytes = mipc_shmat(ns, id->segment, NULL, 0);

	if (bytes == (void *)-1)
		harness_die("shmat: %s", strerror(errno));
	memset(bytes + 70000, 'b', 10);
	bytes[SIZE - 1] = 'e';
	mipc_shmdt(ns, bytes);
	if (mipc_semop(ns, id->set, &up, 1) != 0)
		harness_die("semop: %s", strerror(errno));
	memset(letter.text, 't', sizeof(letter.text));
	for (letter.type = 1; letter.type <= 3; letter.type++)
		if (mipc_msgsnd(ns, id->queue, &letter,
		    (size_t)letter.type * 1000, 0) != 0)
			harness_die("msgsnd: %s", strerror(errno));
}

static bool
has_bytes(struct mipc_ns *ns, int segment)
{
	char *bytes = mipc_shmat(ns, segment, NULL, SHM_RDONLY);
	size_t found = 0;

	if (bytes == (void *)-1)
		return false;
	for (size_t i = 0; i < SIZE; i++)
		found += bytes[i] != 0;
	found = found == 11 && bytes[70000] == 'b' && bytes[70009] == 'b' &&
	    bytes[SIZE - 1] == 'e';
	mipc_shmdt(ns, bytes);
	return found != 0;
}

static bool
has_messages(struct mipc_ns *ns, int queue)
{
	static struct letter letter;

	for (long type = 1; type <= 3; type++)
		if (mipc_msgrcv(ns, queue, &letter, TEXT, 0, IPC_NOWAIT) !=
		    type * 1000 || letter.type != type ||
		    letter.text[type * 1000 - 1] != 't')
			return false;
	return mipc_msgrcv(ns, queue, &letter, TEXT, 0, IPC_NOWAIT) == -1 &&
	    errno == ENOMSG;
}

/* What a checkpoint holds; how many objects. */
static int
read_parts(const char *path, struct mipc_ckpt_part *part)
{
	struct mipc_ckpt *c = mipc_ckpt_open(path, NULL);
	int n = 0;

	if (c == NULL)
		harness_die("%s", mipc_reason());
	while (n < PARTS && mipc_ckpt_next(c, &part[n]) == 1)
		n++;
	mipc_ckpt_close(c);
	return n;
}

static bool
are_same(void)
{
	struct mipc_ckpt_part a[PARTS], b[PARTS];
	int n = read_parts(first, a);
	bool same = n == 3 && read_parts(second, b) == n;

	for (int i = 0; i < n && same; i++)
		same = a[i].kind == b[i].kind && a[i].id == b[i].id &&
		    a[i].size == b[i].size && a[i].count == b[i].count &&
		    a[i].most == b[i].most && a[i].sum == b[i].sum &&
		    a[i].perm.mode == b[i].perm.mode &&
		    a[i].perm.__key == b[i].perm.__key &&
		    a[i].copied == MIPC_BY_PAGES;
	return same;
}

static void
save(struct mipc_ns *ns, const char *path, const char *what)
{
	const int r = mipc_checkpoint(ns, path, 1, NULL);

	tap_ok(r == 0, "a checkpoint of %s", what);
	if (r != 0)
		harness_die("%s", mipc_reason());
}

/* A child has it, too, as one that was forked has. */
static void
save_in_child(struct mipc_ns *ns)
{
	pid_t pid = harness_fork();

	if (pid == 0)
		_exit(mipc_checkpoint(ns, first, 1, NULL) != 0);
	tap_ok(harness_reap(pid, 60) == 0, "a checkpoint by a forked child");
}

int
main(void)
{
	struct mipc_ns *ns = mipc_anon(0);
	struct ids id;

	if (ns == NULL)
		harness_die("mipc_anon: %s", mipc_reason());
	snprintf(first, sizeof(first), "%.900s/first", harness_dir());
	snprintf(second, sizeof(second), "%.900s/second", harness_dir());
	snprintf(dir, sizeof(dir), "%.900s/ns", harness_dir());
	tap_plan(8);
	save(ns, first, "an empty anonymous namespace");
	id = make(ns);
	fill(ns, &id);
	save(ns, first, "an anonymous namespace");
	save_in_child(ns);
	mipc_close(ns);
	tap_ok(mipc_restore(first, dir, NULL) == 0, "it is restored into a "
	    "directory");
	ns = mipc_open(dir, 0);
	if (ns == NULL)
		harness_die("%s", mipc_reason());
	save(ns, second, "that");
	tap_ok(are_same(), "... has the same objects and bytes");
	tap_ok(mipc_shmget(ns, KEY, 0, 0) == id.segment &&
	    mipc_semget(ns, KEY, 0, 0) == id.set &&
	    mipc_msgget(ns, KEY, 0) == id.queue, "keys lead to the same ids");
	tap_ok(has_bytes(ns, id.segment) && has_messages(ns, id.queue) &&
	    mipc_semctl(ns, id.set, 1, GETVAL) == 5 &&
	    mipc_semctl(ns, id.set, 0, GETVAL) == 0,
	    "bytes, values and messages are as they were");
	mipc_close(ns);
	return tap_end();
}
