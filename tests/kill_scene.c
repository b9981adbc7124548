/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_scene.c - the operations in which somebody is killed.
 *
 * In each scene a holder, who lives on, has made two segments: the bystander,
 * which it keeps attached, and the target.  The victim has opened the
 * namespace and called into it before (it has a life), unless that is what
 * the scene is about.  Where the namespace itself is made, the holder comes
 * after the kill and is the first to find what is left.
 */
#include "kill.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE	60.0	/* a stage that was killed tells nobody */

static struct mipc_ns *ns;
static char *at;

void
stage_tell(struct stage *s, const char *fmt, ...)
{
	const int error = errno;
	uint32_t nobody = 0;
	va_list ap;

	if (atomic_compare_exchange_strong(&s->told, &nobody, 1)) {
		int n;

		va_start(ap, fmt);
		n = vsnprintf(s->text, sizeof(s->text), fmt, ap);
		va_end(ap);
		if (n > 0 && (size_t)n < sizeof(s->text))
			snprintf(s->text + n, sizeof(s->text) - (size_t)n,
			    " (%s)", error_name(error));
	}
	_exit(1);
}

unsigned char
scene_pattern(size_t i)
{
	return (unsigned char)(i * 7 + i / 4096 + 1);
}

void
scene_open(struct stage *s)
{
	ns = s->anonymous ? s->ns : mipc_open(s->dir, 0);
	if (ns == NULL)
		stage_tell(s, "mipc_open: %s", mipc_reason());
	s->ns = s->anonymous ? s->ns : ns;
}

/* ---- the holder ---- */

static int
make(struct stage *s, key_t key, bool keep)
{
	const int id = mipc_shmget(ns, key, TARGET_BYTES, IPC_CREAT | 0600);
	unsigned char *p = id == -1 ? (void *)-1 : mipc_shmat(ns, id, NULL, 0);

	if (p == (void *)-1)
		stage_tell(s, "set-up: key %#x", (unsigned)key);
	for (size_t i = 0; i < TARGET_BYTES; i++)
		p[i] = scene_pattern(i);
	if (!keep && mipc_shmdt(ns, p) == -1)
		stage_tell(s, "set-up: shmdt");
	return id;
}

/* Make the segments, then live until told to go. */
void
scene_hold(struct stage *s)
{
	ns = s->anonymous ? s->ns : mipc_open(s->dir, MIPC_CREAT);
	if (ns == NULL)
		stage_tell(s, "set-up: %s", mipc_reason());
	s->bystander = make(s, KEY_BYSTANDER, true);
	s->target = make(s, KEY_TARGET, (s->scene->flags & HELD) != 0);
	atomic_store(&s->ready, 1);
	harness_wake(&s->ready);
	harness_wait(&s->leave, 0, PATIENCE);
	_exit(0);
}

/* ---- before ---- */

static void
nothing(struct stage *s)
{
	(void)s;
}

static void
have_called(struct stage *s)
{
	scene_open(s);
	if (mipc_shmget(ns, KEY_BYSTANDER, 0, 0) != s->bystander)
		stage_tell(s, "before: shmget");
}

static void
have_attached(struct stage *s)
{
	have_called(s);
	at = mipc_shmat(ns, s->target, NULL, 0);
	if (at == (void *)-1)
		stage_tell(s, "before: shmat");
}

static void
have_attached_twice(struct stage *s)
{
	have_attached(s);
	have_attached(s);
}

static void
have_attached_removed(struct stage *s)
{
	have_attached(s);
	if (mipc_shmctl(ns, s->target, IPC_RMID, NULL) == -1)
		stage_tell(s, "before: IPC_RMID");
}

/* ---- the operations ---- */

static void
open_and_call(struct stage *s)
{
	scene_open(s);
	if (mipc_shmget(ns, KEY_TARGET, 0, 0) != s->target)
		stage_tell(s, "shmget");
}

static void
make_and_create(struct stage *s)
{
	ns = mipc_open(s->dir, MIPC_CREAT);
	if (ns == NULL)
		stage_tell(s, "mipc_open: %s", mipc_reason());
	if (mipc_shmget(ns, KEY_NEW, NEW_BYTES, IPC_CREAT | NEW_MODE) == -1)
		stage_tell(s, "shmget in a new namespace");
}

static void
create(struct stage *s)
{
	if (mipc_shmget(ns, KEY_NEW, NEW_BYTES, IPC_CREAT | IPC_EXCL |
	    NEW_MODE) == -1)
		stage_tell(s, "shmget of a new key");
}

static void
create_private(struct stage *s)
{
	if (mipc_shmget(ns, IPC_PRIVATE, NEW_BYTES, NEW_MODE) == -1)
		stage_tell(s, "shmget of IPC_PRIVATE");
}

static void
attach(struct stage *s)
{
	if (mipc_shmat(ns, s->target, NULL, 0) == (void *)-1)
		stage_tell(s, "shmat");
}

static void
detach(struct stage *s)
{
	if (mipc_shmdt(ns, at) == -1)
		stage_tell(s, "shmdt");
}

static void
remove_target(struct stage *s)
{
	if (mipc_shmctl(ns, s->target, IPC_RMID, NULL) == -1)
		stage_tell(s, "IPC_RMID");
}

static void
set_target(struct stage *s)
{
	struct shmid_ds ds = { .shm_perm.mode = SET_MODE };

	ds.shm_perm.uid = geteuid() == 0 ? SET_ID : geteuid();
	ds.shm_perm.gid = geteuid() == 0 ? SET_ID : getegid();
	if (mipc_shmctl(ns, s->target, IPC_SET, &ds) == -1)
		stage_tell(s, "IPC_SET");
}

static void
live_on(struct stage *s)
{
	atomic_store(&s->survivor, (uint32_t)getpid());
	harness_wake(&s->survivor);
	harness_wait(&s->leave, 0, PATIENCE);
	_exit(0);
}

static void
fork_killed_parent(struct stage *s)
{
	const pid_t pid = fork();

	if (pid == -1)
		stage_tell(s, "fork");
	if (pid == 0)
		live_on(s);
}

/* The child's first call belongs to what it is killed in. */
static void
fork_killed_child(struct stage *s)
{
	const pid_t pid = fork();

	if (pid == -1)
		stage_tell(s, "fork");
	if (pid != 0)
		live_on(s);
	if (mipc_shmget(ns, KEY_TARGET, 0, 0) != s->target)
		stage_tell(s, "shmget in a forked child");
}

/* Everything that may meet what somebody left. */
static void
look_after(struct stage *s)
{
	struct shmid_ds ds;
	struct shm_info info;
	int id;

	scene_open(s);
	mipc_shmget(ns, KEY_TARGET, 0, 0);
	mipc_shmctl(ns, s->target, IPC_STAT, &ds);
	if (mipc_shmctl(ns, 0, SHM_INFO, (struct shmid_ds *)&info) == -1)
		stage_tell(s, "SHM_INFO after a kill");
	id = mipc_shmget(ns, IPC_PRIVATE, 1, 0600);
	if (id == -1 || mipc_shmctl(ns, id, IPC_RMID, NULL) == -1)
		stage_tell(s, "create and remove after a kill");
}

const struct scene shm_scenes[] = {
	{ "first call", FIRST_CALL, nothing, open_and_call, NULL, NULL },
	{ "make the namespace", MAKES | CREATES_KEY, nothing,
	    make_and_create, NULL, NULL },
	{ "create with a key", CREATES_KEY, have_called, create, NULL, NULL },
	{ "create without a key", CREATES_PRIVATE, have_called,
	    create_private, NULL, NULL },
	{ "first attach", 0, have_called, attach, NULL, NULL },
	{ "second attach", 0, have_attached, attach, NULL, NULL },
	{ "attach where others are", HELD, have_called, attach, NULL, NULL },
	{ "detach", 0, have_attached, detach, NULL, NULL },
	{ "detach one of two", 0, have_attached_twice, detach, NULL, NULL },
	{ "last detach of a removed one", REMOVED, have_attached_removed,
	    detach, NULL, NULL },
	{ "remove", REMOVES, have_called, remove_target, NULL, NULL },
	{ "remove what others have attached", REMOVES | HELD, have_called,
	    remove_target, NULL, NULL },
	{ "remove what the victim has attached", REMOVES, have_attached,
	    remove_target, NULL, NULL },
	{ "set", SETS, have_called, set_target, NULL, NULL },
	{ "fork, the parent killed", KILL_PARENT, have_attached,
	    fork_killed_parent, NULL, NULL },
	{ "fork, the child killed", KILL_CHILD, have_attached,
	    fork_killed_child, NULL, NULL },
};
const unsigned nshm_scenes = sizeof(shm_scenes) / sizeof(shm_scenes[0]);

const struct scene shm_recovery = {
	"recovery", FIRST_CALL, nothing, look_after, NULL, NULL
};
