/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill_judge.c - what a fresh process finds after a kill.
 *
 * The first judge comes while the holder, and who survived a fork, still
 * live: the operation has happened or it has not, nothing in between, and the
 * namespace works.  The second comes when all are gone: everything can be
 * removed, and then nothing is left.
 */
#include "kill.h"

#include <sys/stat.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE	15	/* seconds until a call counts as hung */
#define MOST		16	/* segments that a try can have */

struct list {
	int n;
	int id[MOST];
	struct shmid_ds ds[MOST];
};

#define must(s, cond, ...)						\
	do {								\
		if (!(cond))						\
			stage_tell((s), __VA_ARGS__);			\
	} while (0)

static unsigned long
pages(size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page;
}

/* All segments by index; the counters must say the same. */
static void
list(struct stage *s, struct list *l)
{
	struct shm_info info;
	unsigned long total = 0;
	int top, last = 0;

	l->n = 0;
	top = mipc_shmctl(s->ns, 0, SHM_INFO, (struct shmid_ds *)&info);
	must(s, top != -1, "SHM_INFO");
	for (int i = 0; i <= top && l->n < MOST; i++) {
		l->id[l->n] = mipc_shmctl(s->ns, i, SHM_STAT, &l->ds[l->n]);
		if (l->id[l->n] == -1)
			continue;
		total += pages(l->ds[l->n].shm_segsz);
		last = i;
		l->n++;
	}
	/* A look may be what takes a removed one away: count after it. */
	top = mipc_shmctl(s->ns, 0, SHM_INFO, (struct shmid_ds *)&info);
	must(s, info.used_ids == l->n, "%d segments listed, %d counted",
	    l->n, info.used_ids);
	must(s, info.shm_tot == total, "%lu pages listed, %lu counted",
	    total, info.shm_tot);
	must(s, top == last, "highest index %d, SHM_INFO says %d", last, top);
}

static bool
stat_segment(struct stage *s, int id, struct shmid_ds *ds)
{
	if (mipc_shmctl(s->ns, id, IPC_STAT, ds) == 0)
		return true;
	must(s, errno == EINVAL, "IPC_STAT of %d", id);
	return false;
}

/*
 * No more may be counted than there are; at once, but for an address space
 * that goes a moment later because somebody on the machine looks at it
 * through /proc, and for what await_unborn() says.
 */
static void
must_count(struct stage *s, int id, unsigned long want)
{
	const double end = harness_now() + 4;
	_Atomic uint32_t never = 0;
	struct shmid_ds ds;

	must(s, stat_segment(s, id, &ds), "segment %d is gone", id);
	while (ds.shm_nattch > want && harness_now() < end &&
	    stat_segment(s, id, &ds))
		harness_wait(&never, 0, 0.02);
	must(s, ds.shm_nattch == want, "segment %d: nattch %lu, not %lu", id,
	    (unsigned long)ds.shm_nattch, want);
}

/* Attach, look, detach; `others` have it attached too. */
static void
must_hold(struct stage *s, int id, size_t size, bool patterned,
    unsigned long others)
{
	unsigned char *p = mipc_shmat(s->ns, id, NULL, 0);

	must(s, p != (void *)-1, "shmat of %d", id);
	must_count(s, id, others + 1);
	for (size_t i = 0; i < size; i++)
		must(s, p[i] == (patterned ? scene_pattern(i) : 0),
		    "segment %d: byte %zu is wrong", id, i);
	must(s, mipc_shmdt(s->ns, p) == 0, "shmdt of %d", id);
}

/* A whole segment, alive, that its key leads to. */
static void
must_be_whole(struct stage *s, int id, key_t key, unsigned long others)
{
	must(s, mipc_shmget(s->ns, key, 0, 0) == id, "key %#x leads to %d, not "
	    "%d", (unsigned)key, mipc_shmget(s->ns, key, 0, 0), id);
	must_count(s, id, others);
	must_hold(s, id, TARGET_BYTES, true, others);
	must_count(s, id, others);
}

static void
must_be_no_key(struct stage *s, key_t key)
{
	must(s, mipc_shmget(s->ns, key, 0, 0) == -1 && errno == ENOENT,
	    "key %#x is still there", (unsigned)key);
}

/* ---- it still works ---- */

static void
must_work(struct stage *s, key_t key)
{
	int id = mipc_shmget(s->ns, key, NEW_BYTES, IPC_CREAT | NEW_MODE);
	char *p;

	must(s, id != -1, "shmget after the kill");
	p = mipc_shmat(s->ns, id, NULL, 0);
	must(s, p != (void *)-1, "shmat after the kill");
	p[0] = 1;
	must(s, mipc_shmctl(s->ns, id, IPC_RMID, NULL) == 0,
	    "IPC_RMID after the kill");
	must(s, mipc_shmdt(s->ns, p) == 0, "shmdt after the kill");
	must(s, mipc_shmctl(s->ns, id, IPC_STAT, &(struct shmid_ds){ 0 }) ==
	    -1 && errno == EINVAL, "removed and detached, but still there");
	must_be_no_key(s, key);
}

/* ---- the target ---- */

/* The data file says the same as the metadata, so the kernel does too. */
static void
must_agree_with_file(struct stage *s, const struct shmid_ds *ds)
{
	char path[PATH_MAX + 64];
	struct stat st;

	if (s->anonymous)
		return;
	snprintf(path, sizeof(path), "%s/shm.%d.data", s->dir, s->target);
	must(s, stat(path, &st) == 0, "%s", path);
	/* The group's bits may be those of an access list. */
	must(s, (st.st_mode & 0707) == (ds->shm_perm.mode & 0707) &&
	    st.st_uid == ds->shm_perm.uid && st.st_gid == ds->shm_perm.gid,
	    "the data file has mode %o uid %u gid %u, the segment %o %u %u",
	    st.st_mode & 0777, st.st_uid, st.st_gid, ds->shm_perm.mode,
	    ds->shm_perm.uid, ds->shm_perm.gid);
}

static void
judge_modes(struct stage *s, const struct shmid_ds *ds)
{
	const unsigned id = geteuid() == 0 ? SET_ID : geteuid();
	const bool old = ds->shm_perm.mode == 0600 &&
	    ds->shm_perm.uid == geteuid() && ds->shm_perm.gid == getegid();
	const bool new = ds->shm_perm.mode == SET_MODE &&
	    ds->shm_perm.uid == id;

	must(s, old || ((s->scene->flags & SETS) != 0 && new),
	    "the target has mode %o uid %u gid %u", ds->shm_perm.mode,
	    ds->shm_perm.uid, ds->shm_perm.gid);
	must_agree_with_file(s, ds);
}

static void
judge_target(struct stage *s)
{
	const unsigned flags = s->scene->flags;
	const bool unkeyed = mipc_shmget(s->ns, KEY_TARGET, 0, 0) == -1;
	const unsigned long others = ((flags & HELD) != 0 ? 1UL : 0UL) +
	    (atomic_load(&s->survivor) != 0 ? 1UL : 0UL);
	struct shmid_ds ds;

	must(s, !unkeyed || ((flags & (REMOVES | REMOVED)) != 0 &&
	    errno == ENOENT), "the target's key is gone");
	/*
	 * What was begun may be finished by whoever comes next: by the first
	 * call that takes the namespace's lock.
	 */
	must_work(s, KEY_OTHER);
	must(s, !unkeyed || mipc_shmget(s->ns, KEY_TARGET, 0, 0) == -1,
	    "the target's key has come back");
	if (!stat_segment(s, s->target, &ds)) {
		must(s, (flags & (REMOVES | REMOVED)) != 0 && others == 0,
		    "the target is gone");
		must_be_no_key(s, KEY_TARGET);
		return;
	}
	if ((ds.shm_perm.mode & SHM_DEST) == 0) {
		must(s, (flags & REMOVED) == 0, "the target is alive again");
		must_be_whole(s, s->target, KEY_TARGET, others);
		judge_modes(s, &ds);
		return;
	}
	must(s, (flags & REMOVES) != 0 && others > 0, "a removed target that "
	    "nobody has attached is still there");
	must(s, ds.shm_perm.__key == IPC_PRIVATE, "removed, but has a key");
	must_be_no_key(s, KEY_TARGET);
	must_hold(s, s->target, TARGET_BYTES, true, others);
	must_count(s, s->target, others);
}

/*
 * Without locks that a child inherits, one killed before it runs may be
 * counted for two seconds: mipc(7).
 */
static void
await_unborn(struct stage *s)
{
	const double end = harness_now() + 4;
	_Atomic uint32_t never = 0;
	struct shmid_ds ds;

	if ((s->scene->flags & KILL_CHILD) == 0 ||
	    getenv("MIPC_NO_OFD") == NULL)
		return;
	while (stat_segment(s, s->target, &ds) && ds.shm_nattch > 1 &&
	    harness_now() < end)
		harness_wait(&never, 0, 0.05);
}

/* ---- a new segment: whole or not there at all ---- */

static void
judge_new(struct stage *s, int id, const struct shmid_ds *ds)
{
	const bool keyed = (s->scene->flags & CREATES_KEY) != 0;

	must(s, keyed || (s->scene->flags & CREATES_PRIVATE) != 0,
	    "segment %d comes from nowhere", id);
	must(s, ds->shm_segsz == NEW_BYTES && ds->shm_perm.mode == NEW_MODE &&
	    ds->shm_nattch == 0 && ds->shm_perm.__key ==
	    (keyed ? KEY_NEW : IPC_PRIVATE), "the new segment is not whole: "
	    "size %zu mode %o key %#x", ds->shm_segsz, ds->shm_perm.mode,
	    (unsigned)ds->shm_perm.__key);
	if (keyed)
		must(s, mipc_shmget(s->ns, KEY_NEW, 0, 0) == id,
		    "the new segment's key leads elsewhere");
	must_hold(s, id, NEW_BYTES, false, 0);
}

/* What a second victim may have made: see look_after(). */
static bool
is_recovery_s(const struct stage *s, const struct shmid_ds *ds)
{
	return s->twice && ds->shm_segsz == 1 && ds->shm_nattch == 0 &&
	    ds->shm_perm.mode == 0600 && ds->shm_perm.__key == IPC_PRIVATE;
}

static void
judge_others(struct stage *s, const struct list *l)
{
	int new = 0;

	for (int i = 0; i < l->n; i++) {
		if (l->id[i] == s->target || l->id[i] == s->bystander ||
		    is_recovery_s(s, &l->ds[i]))
			continue;
		judge_new(s, l->id[i], &l->ds[i]);
		new++;
	}
	must(s, new <= 1, "%d new segments", new);
	if (new == 0)
		must_be_no_key(s, KEY_NEW);
}

void
judge_while_held(struct stage *s)
{
	struct list l;

	alarm(PATIENCE);	/* a lock that nobody gives back */
	scene_open(s);
	await_unborn(s);
	list(s, &l);
	judge_target(s);
	must_be_whole(s, s->bystander, KEY_BYSTANDER, 1);
	list(s, &l);
	judge_others(s, &l);
	must_work(s, KEY_NEW);
	list(s, &l);
	_exit(0);
}

/* ---- nothing is left ---- */

void
judge_must_be_swept(struct stage *s)
{
	DIR *dir = opendir(s->dir);
	struct dirent *e;

	must(s, dir != NULL, "%s", s->dir);
	while ((e = readdir(dir)) != NULL)
		must(s, strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    strcmp(e->d_name, "namespace") == 0 ||
		    strncmp(e->d_name, "life.", 5) == 0, "%s is left",
		    e->d_name);
	closedir(dir);
}

void
judge_when_alone(struct stage *s)
{
	struct list l;

	alarm(PATIENCE);
	scene_open(s);
	list(s, &l);
	for (int i = 0; i < l.n; i++) {
		must_count(s, l.id[i], 0);
		must(s, (l.ds[i].shm_perm.mode & SHM_DEST) == 0,
		    "segment %d is removed and alone", l.id[i]);
		must(s, mipc_shmctl(s->ns, l.id[i], IPC_RMID, NULL) == 0,
		    "IPC_RMID of %d", l.id[i]);
	}
	list(s, &l);
	must(s, l.n == 0, "%d segments cannot be removed", l.n);
	if (!s->anonymous)
		judge_must_be_swept(s);
	_exit(0);
}

bool
judge_is_swept(const struct stage *s)
{
	return s->anonymous || s->kernel || (mipc_destroy(s->dir) == 0 &&
	    access(s->dir, F_OK) == -1);
}
