/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_look.c - looking at objects of any kind: what is the same of all, and
 * of the namespace.
 */
#include "clauses.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "format_msg.h"
#include "format_sem.h"
#include "mipc.h"
#include "spoil.h"

static enum mipc_kind
kind_here(void)
{
	return clauses.name[1] == 'h' ? MIPC_SHM :
	    clauses.name[1] == 'e' ? MIPC_SEM : MIPC_MSG;
}

static struct mipc_look_object
object(int id)
{
	struct mipc_look_object o;
	int torn = -1;

	memset(&o, 0xa5, sizeof(o));
	must_eq(mipc_look_object(backend_ns(), kind_here(), id, &o, &torn), 0);
	must_eq(torn, 0);
	return o;
}

/* ---- objects ---- */

static void
make_and_wait(void *arg)
{
	(void)arg;
	board->value[0] = make_sized(kind.size);
	reach(1);
	await(2);
}

START_TEST(look_object_keeps_its_creators_command)
{
	time_t before = time(NULL);
	pid_t pid = spawn(BY_FORK, make_and_wait, NULL);
	struct mipc_look_object o;

	await(1);
	o = object((int)board->value[0]);
	must_eq(o.creator.pid, pid);
	must_eq(o.creator.uid, geteuid());
	must_eq(o.creator.alive, 1);
	must(o.creator.life != 0);
	must(strstr(o.creator.command, "check_") != NULL);
	must(o.born >= before - 1 && o.born <= time(NULL));
	kill_and_reap(pid);
	o = object((int)board->value[0]);
	must_eq(o.creator.pid, pid);
	must_eq(o.creator.alive, 0);
	must(strstr(o.creator.command, "check_") != NULL);
	remove_one((int)board->value[0]);
}
END_TEST

START_TEST(look_object_is_what_ipc_stat_says)
{
	int id = make_one(KEY, 0640);
	struct mipc_look_object o = object(id);
	struct ipc_perm perm = perm_of(id);

	must_eq(o.id, id);
	must_eq(o.kind, kind_here());
	must_eq(o.removed, 0);
	must_eq(o.lock.held, 0);
	must_eq(o.perm.__key, KEY);
	must_eq(o.perm.mode, perm.mode);
	must_eq(o.perm.uid, perm.uid);
	must_eq(o.perm.cgid, perm.cgid);
	must(o.used > 0);
	remove_one(id);
}
END_TEST

/* Of a kind's own type, and as bytes. */
union ds {
	struct ipc_perm perm;
	struct shmid_ds shm;
	struct semid_ds sem;
	struct msqid_ds msg;
	char bytes[sizeof(struct shmid_ds) + sizeof(struct msqid_ds)];
};

static int
look_at_status(int id, union ds *ds, struct mipc_look_lock *lock, int *torn)
{
	memset(ds, 0, sizeof(*ds));
	return mipc_look_status(backend_ns(), kind_here(), id, ds, lock, torn);
}

static void
stat_any(int index, union ds *ds)
{
	union { struct semid_ds *buf; } arg = { .buf = &ds->sem };
	int found;

	memset(ds, 0, sizeof(*ds));
	found = kind_here() == MIPC_SHM ?
	    ipc->shmctl(index, SHM_STAT_ANY, &ds->shm) :
	    kind_here() == MIPC_SEM ?
	    mipc_semctl(backend_ns(), index, 0, SEM_STAT_ANY, arg) :
	    ipc->msgctl(index, MSG_STAT_ANY, &ds->msg);
	must(found >= 0);
}

START_TEST(look_status_is_what_stat_any_says)
{
	int id = make_one(KEY, 0640), torn = -1;
	struct mipc_look_lock lock;
	union ds told, seen;

	kind.use(id);
	stat_any(id % 32768, &told);
	must_eq(look_at_status(id, &seen, &lock, &torn), 0);
	must(memcmp(&told, &seen, sizeof(told)) == 0);
	must_eq(seen.perm.__key, KEY);
	must_eq(lock.held, 0);
	must_eq(torn, 0);
	remove_one(id);
	must_error(look_at_status(id, &seen, NULL, NULL), EINVAL);
}
END_TEST

/* In memory that all have nothing is hidden. */
static void
must_be_seen(void *arg)
{
	union ds ds;
	int hidden = look_at_status(*(int *)arg, &ds, NULL, NULL);

	must(hidden == 0 || hidden == 1);
	must_eq(ds.perm.uid, 0);
	must_eq(ds.perm.mode, 0600);
	must_eq(ds.perm.__key, hidden ? 0 : KEY);
}

START_TEST(look_status_needs_no_permission)
{
	int id;

	need_root();
	id = make_one(KEY, 0600);
	finish(spawn_as(&nobody, must_be_seen, &id));
	remove_one(id);
}
END_TEST

/* Each kind's own things, of an object of that kind. */
static int
look_inside(int id)
{
	struct mipc_ns *ns = backend_ns();

	switch (kind_here()) {
	case MIPC_SHM:
		return mipc_look_attached(ns, id, NULL, 0, NULL);
	case MIPC_SEM:
		return mipc_look_debts(ns, id, NULL, 0, NULL);
	default:
		return mipc_look_messages(ns, id, NULL, 0, NULL);
	}
}

static int
look_at_object(int id)
{
	struct mipc_look_object o;

	return mipc_look_object(backend_ns(), kind_here(), id, &o, NULL);
}

static void
must_be_refused(void *arg)
{
	const int *id = arg;

	must_error(look_at_object(id[0]), EACCES);
	must_error(look_inside(id[0]), EACCES);
	must_eq(look_at_object(id[1]), 0);
	must_eq(look_inside(id[1]), 0);
}

START_TEST(look_needs_permission_to_read)
{
	int id[2];
	pid_t pid;

	need_root();
	id[0] = make_one(KEY, 0622);
	id[1] = make_one(KEY + 1, 0604);
	pid = spawn_as(&nobody, must_be_refused, id);
	finish(pid);
	remove_one(id[0]);
	remove_one(id[1]);
}
END_TEST

START_TEST(look_at_what_is_not_there_is_an_error)
{
	struct mipc_look_sleeper sleeper;
	int id = make_one(KEY, 0600);

	must_error(look_at_object(-1), EINVAL);
	must_error(look_at_object(id + 1), EINVAL);
	must_error(mipc_look_object(backend_ns(), (enum mipc_kind)3, id,
	    NULL, NULL), EINVAL);
	must_error(mipc_look_ids(backend_ns(), (enum mipc_kind)-1, NULL, 0),
	    EINVAL);
	if (kind_here() == MIPC_SHM)
		must_error(mipc_look_sleepers(backend_ns(), MIPC_SHM, id,
		    &sleeper, 1, NULL), EINVAL);
	remove_one(id);
	must_error(look_at_object(id), EINVAL);
	must_error(look_inside(id), EINVAL);
}
END_TEST

START_TEST(look_ids_tells_every_object)
{
	int id[3], seen[3] = { -1, -1, -1 };

	must_eq(mipc_look_ids(backend_ns(), kind_here(), NULL, 0), 0);
	for (int i = 0; i < 3; i++)
		id[i] = make_one(KEY + i, 0600);
	must_eq(mipc_look_ids(backend_ns(), kind_here(), seen, 2), 3);
	must_eq(seen[0], id[0]);
	must_eq(seen[1], id[1]);
	must_eq(seen[2], -1);
	remove_one(id[0]);
	must_eq(mipc_look_ids(backend_ns(), kind_here(), seen, 3), 2);
	must_eq(seen[0], id[1]);
	must_eq(seen[1], id[2]);
	remove_one(id[1]);
	remove_one(id[2]);
}
END_TEST

/* ---- the namespace ---- */

static bool
lives(pid_t pid, struct mipc_look_process *out)
{
	struct mipc_look_process seen[8];
	int n = mipc_look_processes(backend_ns(), seen, COUNT(seen));

	must(n >= 0 && n <= (int)COUNT(seen));
	for (int i = 0; i < n; i++)
		if (seen[i].pid == pid) {
			*out = seen[i];
			return true;
		}
	return false;
}

START_TEST(look_processes_tells_the_living)
{
	int id = make_one(KEY, 0600);	/* a life of our own */
	struct mipc_look_process seen;
	pid_t pid;

	must(lives(getpid(), &seen));
	pid = spawn(BY_FORK, make_and_wait, NULL);
	await(1);
	must(lives(pid, &seen));
	must_eq(seen.alive, 1);
	must_eq(seen.uid, geteuid());
	must(seen.since > 0 && seen.since <= time(NULL));
	must(strstr(seen.command, "check_") != NULL);
	kill_and_reap(pid);
	must(!lives(pid, &seen));
	remove_one(id);
	remove_one((int)board->value[0]);
}
END_TEST

START_TEST(look_lock_is_nobodys_at_rest)
{
	struct mipc_look_lock lock;
	int id = make_one(KEY, 0600);

	must_eq(mipc_look_lock(backend_ns(), &lock), 0);
	must_eq(lock.held, 0);
	remove_one(id);
}
END_TEST

void
add_common_look_tests(TCase *tc)
{
	testing_add(tc, look_object_keeps_its_creators_command);
	testing_add(tc, look_object_is_what_ipc_stat_says);
	testing_add(tc, look_status_is_what_stat_any_says);
	testing_add(tc, look_status_needs_no_permission);
	testing_add(tc, look_needs_permission_to_read);
	testing_add(tc, look_at_what_is_not_there_is_an_error);
	testing_add(tc, look_ids_tells_every_object);
	testing_add(tc, look_processes_tells_the_living);
	testing_add(tc, look_lock_is_nobodys_at_rest);
}

/* ---- what is locked, or spoilt ---- */

/* The lock is a living child's, and then a dead one's; nobody waits. */
static void
must_show(struct mipc_lock *lock, const struct mipc_look_process *child,
    int alive, struct mipc_look_lock (*look)(int), int id)
{
	struct mipc_look_lock seen;

	mipc_put(&lock->owner, child->life);
	mipc_put(&lock->since, 1234567);
	alarm(5);
	seen = look(id);
	alarm(0);
	must_eq(seen.held, 1);
	must_eq(seen.since, 1234567);
	must_eq(seen.owner.pid, child->pid);
	must_eq(seen.owner.alive, alive);
	mipc_put(&lock->owner, 0);
}

static struct mipc_look_lock
of_object(int id)
{
	look_inside(id);
	return object(id).lock;
}

static struct mipc_look_lock
of_status(int id)
{
	struct mipc_look_lock lock;
	union ds ds;

	must_eq(look_at_status(id, &ds, &lock, NULL), 0);
	must_eq(ds.perm.__key, KEY);
	return lock;
}

static struct mipc_look_lock
of_namespace(int id)
{
	struct mipc_look_lock lock;

	(void)id;
	must_eq(mipc_look_lock(backend_ns(), &lock), 0);
	return lock;
}

START_TEST(look_shows_who_holds_a_lock_and_waits_for_none)
{
	int id = make_one(KEY, 0600);
	pid_t pid = spawn(BY_FORK, make_and_wait, NULL);
	struct mipc_look_process child;
	struct mipc_object *head;
	struct mipc_space *space;
	size_t size;

	await(1);
	must(lives(pid, &child));
	head = map_file_of(id, &size);
	space = map_named("namespace", &size);
	must_show(&head->lock, &child, 1, of_object, id);
	must_show(&head->lock, &child, 1, of_status, id);
	must_show(&space->lock, &child, 1, of_namespace, id);
	kill_and_reap(pid);
	must_show(&head->lock, &child, 0, of_object, id);
	must_show(&space->lock, &child, 0, of_namespace, id);
	remove_one(id);
}
END_TEST

/* Whose state never rests is told, and said to be torn. */
START_TEST(look_says_that_a_change_was_left_halfway)
{
	int id = make_one(KEY, 0600), torn = -1;
	struct mipc_look_object o;
	struct mipc_object *head;
	union ds ds;
	size_t size;

	head = map_file_of(id, &size);
	mipc_put(&head->seq, mipc_peek(&head->seq) | 1);
	must_eq(mipc_look_object(backend_ns(), kind_here(), id, &o, &torn), 0);
	must_eq(torn, 1);
	must_eq(o.perm.__key, KEY);
	torn = -1;
	must_eq(look_at_status(id, &ds, NULL, &torn), 0);
	must_eq(torn, 1);
	must_eq(ds.perm.__key, KEY);
	must_eq(mipc_peek(&head->seq) & 1, 1);
	remove_one(id);
}
END_TEST

#define MOST	3000
static union {
	struct mipc_look_attach attach[MOST];
	struct mipc_look_debt debt[MOST];
	struct mipc_look_sleeper sleeper[MOST];
	struct mipc_look_message message[MOST];
} seen;

static void
look_at_messages(int id)
{
	static char text[70000];
	int n = mipc_look_messages(backend_ns(), id, seen.message, MOST, NULL);

	for (int i = 0; i < n && i < MOST; i += 1 + n / 20)
		mipc_look_text(backend_ns(), id, &seen.message[i], text,
		    sizeof(text));
}

static void
look_at_all(int id)
{
	struct mipc_ns *ns = backend_ns();
	struct mipc_look_object o;
	union ds ds;

	for (int k = 0; k < 3; k++) {
		mipc_look_object(ns, (enum mipc_kind)k, id, &o, NULL);
		mipc_look_status(ns, (enum mipc_kind)k, id, &ds, NULL, NULL);
		mipc_look_sleepers(ns, (enum mipc_kind)k, id, seen.sleeper,
		    MOST, NULL);
	}
	mipc_look_attached(ns, id, seen.attach, MOST, NULL);
	mipc_look_debts(ns, id, seen.debt, MOST, NULL);
	look_at_messages(id);
}

static const struct {
	size_t from, to;
} parts[] = {
	{ 0, 0 }, { 0, 768 }, { 64, 1400 }, { 768, 8192 }, { 4096, 65536 },
	{ 16384, 0 },
};

/* What there is to be spoilt. */
static void
fill_in(int id)
{
	if (kind_here() == MIPC_SEM || kind_here() == MIPC_MSG)
		kind.use(id);
	else
		must((intptr_t)ipc->shmat(id, NULL, 0) != -1);
	for (long type = 1; kind_here() == MIPC_MSG && type < 9; type++) {
		struct { long type; char text[3000]; } m = { .type = type };

		must_eq(ipc->msgsnd(id, &m, (size_t)type * 100, 0), 0);
	}
	if (kind_here() == MIPC_SEM)
		must_eq(ipc->semop(id, (struct sembuf[]){
		    { .sem_op = 1, .sem_flg = SEM_UNDO } }, 1), 0);
}

START_TEST(look_at_what_is_scribbled_over_ends)
{
	/* A segment's own file may be of one page. */
	const size_t most = kind_here() == MIPC_SHM ? 1024 : SIZE_MAX;
	struct scribble s = { .seed = (unsigned)_i + 7,
	    .from = parts[_i].from % most, .to = parts[_i].to };
	int other = make_one(KEY, 0600);
	pid_t pid;

	s.id = make_one(KEY + 1, 0600);
	fill_in(s.id);
	pid = spawn(BY_FORK, scribble, &s);
	await(1);
	alarm(15);
	for (int i = 0; i < 60; i++)
		look_at_all(s.id);
	alarm(0);
	must_eq(look_inside(other), 0);
	reach(2);
	finish(pid);
	must_eq(object(other).perm.__key, KEY);
}
END_TEST

START_TEST(look_at_what_is_truncated_kills_nobody)
{
	int id = make_one(KEY, 0600);
	pid_t pid;

	fill_in(id);
	pid = spawn(BY_FORK, truncate_and_grow, &id);
	await(1);
	alarm(15);
	for (int i = 0; i < 200; i++)
		look_at_all(id);
	alarm(0);
	reach(2);
	finish(pid);
}
END_TEST

void
add_spoilt_look_tests(TCase *tc)
{
	testing_add(tc, look_shows_who_holds_a_lock_and_waits_for_none);
	testing_add(tc, look_says_that_a_change_was_left_halfway);
	testing_add_loop(tc, look_at_what_is_scribbled_over_ends, 0,
	    (int)COUNT(parts));
	testing_add(tc, look_at_what_is_truncated_kills_nobody);
}
