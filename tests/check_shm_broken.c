/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_broken.c - what can be made wrong of segments.
 */
#include "broken.h"
#include "check_shm.h"

#include <sys/mman.h>
#include <string.h>
#include <unistd.h>

/* Ids that a wrapper remembers, by order of creation. */
struct segment_memory {
	_Atomic unsigned long long shmmni;
	_Atomic int n;
	struct {
		int id;
		_Atomic bool removed;
		key_t key;
		void *first;
	} made[2048];
};
#define ids	((struct segment_memory *)broken_shared)

static int
remembered(int id)
{
	for (int i = 0; i < ids->n; i++)
		if (ids->made[i].id == id)
			return i;
	return -1;
}

static int
get_and_remember(key_t key, size_t size, int flags)
{
	int id = right->shmget(key, size, flags), i;

	if (id != -1 && remembered(id) == -1) {
		i = atomic_fetch_add(&ids->n, 1);
		must(i < 2048);
		ids->made[i].key = key;
		ids->made[i].id = id;
	}
	return id;
}

/* ---- get ---- */

static int
get(key_t key, unsigned long size, int flags)
{
	return right->shmget(key, size, flags);
}

static int
get_in_last_page(key_t key, size_t size, int flags)
{
	int id = right->shmget(key, size, flags);

	if (id == -1 && errno == EINVAL && size > 1)
		id = right->shmget(key, (size - 1) / PAGE * PAGE + 1, flags);
	return id;
}

static int
get_dirty(key_t key, size_t size, int flags)
{
	int id = right->shmget(key, size, flags);
	char *p;

	if (id != -1 && size > PAGE) {
		p = right->shmat(id, NULL, 0);
		p[size - 1] = 1;
		right->shmdt(p);
	}
	return id;
}

/* The lowest free number, as a table without sequences would give. */
static int
real_id(int id)
{
	if (id < 0 || id >= ids->n || ids->made[id].removed)
		return -1;
	return ids->made[id].id;
}

static int
get_reused(key_t key, size_t size, int flags)
{
	int id = right->shmget(key, size, flags), i;

	if (id == -1)
		return -1;
	for (i = 0; i < ids->n; i++)
		if (!ids->made[i].removed && ids->made[i].id == id)
			return i;
	for (i = 0; i < ids->n && !ids->made[i].removed; i++)
		;
	if (i == ids->n)
		ids->n++;
	ids->made[i].id = id;
	ids->made[i].removed = false;
	return i;
}

static int
ctl_reused(int id, int cmd, struct shmid_ds *buf)
{
	int answer = right->shmctl(real_id(id), cmd, buf);

	if (cmd == IPC_RMID && answer == 0)
		ids->made[id].removed = true;
	return answer;
}

static void *
at_reused(int id, const void *addr, int flags)
{
	return right->shmat(real_id(id), addr, flags);
}

/* ---- at, dt ---- */

static void *
at_same_address(int id, const void *addr, int flags)
{
	int i = remembered(id);
	void *p;

	if (i != -1 && ids->made[i].first != NULL && addr == NULL)
		return ids->made[i].first;
	p = right->shmat(id, addr, flags);
	if (i != -1)
		ids->made[i].first = p;
	return p;
}

static void *
at_rounds_up(int id, const void *addr, int flags)
{
	uintptr_t at = (uintptr_t)addr;

	if ((flags & SHM_RND) != 0)
		at = (at + PAGE - 1) & ~(PAGE - 1);
	return right->shmat(id, (void *)at, flags);
}

static void *
at_aligns(int id, const void *addr, int flags)
{
	return right->shmat(id, addr, flags | (addr ? SHM_RND : 0));
}

static void *
at_over_anything(int id, const void *addr, int flags)
{
	return right->shmat(id, addr, flags | (addr ? SHM_REMAP : 0));
}

static void *
at_writable(int id, const void *addr, int flags)
{
	void *p = right->shmat(id, addr, flags & ~SHM_RDONLY);

	if (p == (void *)-1)
		return right->shmat(id, addr, flags);
	if ((flags & SHM_RDONLY) != 0)
		mprotect(p, PAGE, PROT_READ);
	return p;
}

static void *
at_no_exec_check(int id, const void *addr, int flags)
{
	void *p = right->shmat(id, addr, flags);

	return p == (void *)-1 ? right->shmat(id, addr, flags & ~SHM_EXEC) : p;
}

static int
dt_inside(const void *addr)
{
	int answer = right->shmdt(addr);

	return answer == 0 ? 0 : right->shmdt((const char *)addr - PAGE);
}

static int
dt_keeps(const void *addr)
{
	(void)addr;
	return 0;
}

/* ---- ctl ---- */

static int
ctl_removes_at_once(int id, int cmd, struct shmid_ds *buf)
{
	int i = remembered(id);

	if (i != -1 && ids->made[i].removed) {
		errno = EINVAL;
		return -1;
	}
	if (i != -1 && cmd == IPC_RMID)
		ids->made[i].removed = true;
	return right->shmctl(id, cmd, buf);
}

static int
ctl_never_removes(int id, int cmd, struct shmid_ds *buf)
{
	if (cmd == IPC_RMID)
		return 0;
	return right->shmctl(id, cmd, buf);
}

static int
ctl_index_only(int id, int cmd, struct shmid_ds *buf)
{
	int answer = right->shmctl(id, cmd, buf);

	if (answer != -1 && (cmd == SHM_STAT || cmd == SHM_STAT_ANY))
		answer %= 32768;
	return answer;
}

static int
ctl_any_index(int id, int cmd, struct shmid_ds *buf)
{
	if (cmd == IPC_STAT)
		return right->shmctl(id % 32768, SHM_STAT, buf) == -1 ? -1 : 0;
	return right->shmctl(id, cmd, buf);
}

static int
ctl_counts_for_top(int id, int cmd, struct shmid_ds *buf)
{
	int answer = right->shmctl(id, cmd, buf);

	if (answer != -1 && (cmd == IPC_INFO || cmd == SHM_INFO))
		answer++;
	return answer;
}

static int
ctl_stats_for_all(int id, int cmd, struct shmid_ds *buf)
{
	int answer = right->shmctl(id, cmd, buf);

	if (answer == -1 && errno == EACCES)
		return right->shmctl(id % 32768, SHM_STAT_ANY, buf) == -1 ?
		    -1 : cmd == SHM_STAT ? id : 0;
	return answer;
}

static int
ctl_other_error(int id, int cmd, struct shmid_ds *buf)
{
	return (int)other_error(right->shmctl(id, cmd, buf));
}

static int
ctl_no_lock_flag(int id, int cmd, struct shmid_ds *buf)
{
	if (cmd == SHM_LOCK || cmd == SHM_UNLOCK)
		return 0;
	return right->shmctl(id, cmd, buf);
}

static key_t
ftok_without_device(const char *path, int project)
{
	key_t key = right->ftok(path, project);

	return key == -1 ? -1 : key & (key_t)0xff00ffff;
}

static int
get_reserves(key_t key, size_t size, int flags)
{
	if ((flags & SHM_NORESERVE) != 0 && size > (size_t)1 << 30) {
		errno = ENOMEM;
		return -1;
	}
	return right->shmget(key, size, flags);
}

/* One set of limits for all namespaces. */
static int
limit_for_all(const char *name, unsigned long long *old,
    const unsigned long long *value)
{
	if (value != NULL && strcmp(name, "shmmni") == 0)
		ids->shmmni = *value;
	return right->limit(name, old, value);
}

static int
limit_forgets(const char *name, unsigned long long *old,
    const unsigned long long *value)
{
	(void)value;
	return right->limit(name, old, NULL);
}

/* ---- what a successful ctl answers ---- */

static bool
is_stat(int cmd)
{
	return cmd == IPC_STAT || cmd == SHM_STAT || cmd == SHM_STAT_ANY;
}

static void
one_more(int cmd, struct shmid_ds *buf)
{
	if (is_stat(cmd))
		buf->shm_nattch++;
}

static void
caller_is_last(int cmd, struct shmid_ds *buf)
{
	if (is_stat(cmd) && buf->shm_lpid != 0)
		buf->shm_lpid = getpid();
}

static void
no_times(int cmd, struct shmid_ds *buf)
{
	if (is_stat(cmd))
		buf->shm_dtime = buf->shm_atime = 0;
}

static void
keeps_key(int cmd, struct shmid_ds *buf)
{
	if (is_stat(cmd) && (buf->shm_perm.mode & SHM_DEST) != 0)
		buf->shm_perm.__key = KEY;
}

static void
no_dest(int cmd, struct shmid_ds *buf)
{
	if (is_stat(cmd))
		buf->shm_perm.mode &= 0777;
}

static void
other_creator(int cmd, struct shmid_ds *buf)
{
	if (is_stat(cmd))
		buf->shm_perm.cuid = buf->shm_perm.uid + 1;
}

static void
small_limits(int cmd, struct shmid_ds *buf)
{
	if (cmd == IPC_INFO)
		((struct shminfo *)(void *)buf)->shmmni = 128;
}

static void
bytes_for_pages(int cmd, struct shmid_ds *buf)
{
	if (cmd == SHM_INFO)
		((struct shm_info *)(void *)buf)->shm_tot *= PAGE;
}

static void
limits_for_all(int cmd, struct shmid_ds *buf)
{
	if (cmd == IPC_INFO && ids->shmmni != 0)
		((struct shminfo *)(void *)buf)->shmmni =
		    (unsigned long)ids->shmmni;
}

/* ---- the table ---- */

static const struct breakage breakages[] = {
	BREAK("private-once", "G1_*", .get = get_private_once),
	BREAK("size-before-excl", "G2_*", .get = get_size_before_excl),
	BREAK("permission-before-size", "G2_*",
	    .get = get_permission_before_size),
	BREAK("get-asks-nothing", "G3_*", .get = get_asks_nothing),
	BREAK("low-key", "G2_*", .get = get_low_key),
	BREAK("no-enospc", "G2_*", .get = get_no_limit),
	BREAK("stat-for-all", "G3_*", .with.shmctl = ctl_stats_for_all),
	BREAK("eperm-is-eacces", "G4_*", .with.shmctl = ctl_other_error,
	    .was = EPERM, .is = EACCES),
	BREAK("set-changes-creator", "G5_*", .alter_shm = other_creator),
	BREAK("ids-reused", "G6_*", .with.shmget = get_reused,
	    .with.shmat = at_reused, .with.shmctl = ctl_reused),
	BREAK("stale-ids-live", "G6_*", .with.shmctl = ctl_any_index),
	BREAK("index-for-id", "G7_*", .with.shmctl = ctl_index_only),
	BREAK("top-is-a-count", "G8_*", .with.shmctl = ctl_counts_for_top),
	BREAK("limits-for-all", "G9_*", .with.limit = limit_for_all,
	    .alter_shm = limits_for_all),
	BREAK("whole-pages", "G10_*", .alter_shm = bytes_for_pages),
	BREAK("inside-last-page", "H1_*", .with.shmget = get_in_last_page),
	BREAK("dirty-memory", "H1_*", .with.shmget = get_dirty),
	BREAK("rounds-up", "H2_*", .with.shmat = at_rounds_up),
	BREAK("aligns-silently", "H2_*", .with.shmat = at_aligns),
	BREAK("maps-over-anything", "H2_*", .with.shmat = at_over_anything),
	BREAK("reader-may-write", "H3_*", .with.shmat = at_writable),
	BREAK("exec-without-x", "H3_*", .with.shmat = at_no_exec_check),
	BREAK("same-address", "H4_*", .with.shmget = get_and_remember,
	    .with.shmat = at_same_address),
	BREAK("detach-inside", "H4_*", .with.shmdt = dt_inside),
	BREAK("detach-keeps", "H4_*", .with.shmdt = dt_keeps),
	BREAK("one-more", "H5_*", .alter_shm = one_more),
	BREAK("one-more-after-fork", "H6_*", .alter_shm = one_more),
	BREAK("caller-is-last", "H6_*", .alter_shm = caller_is_last),
	BREAK("no-times", "H6_*", .alter_shm = no_times),
	BREAK("removed-at-once", "H7_*", .with.shmget = get_and_remember,
	    .with.shmctl = ctl_removes_at_once),
	BREAK("never-removed", "H7_*", .with.shmctl = ctl_never_removes),
	BREAK("removed-keeps-key", "H7_*", .alter_shm = keeps_key),
	BREAK("no-dest-flag", "H7_*", .alter_shm = no_dest),
	BREAK("lock-without-flag", "H8_*", .with.shmctl = ctl_no_lock_flag),
	BREAK("noreserve-reserves", "H9_*", .with.shmget = get_reserves),
	BREAK("forced-does-nothing", "H10_*", .with.limit = limit_forgets),
	BREAK("small-limits", "H11_*", .alter_shm = small_limits),
	BREAK("bytes-for-pages", "H11_*", .alter_shm = bytes_for_pages),
	BREAK("other-names", "H12_*", .with.traits = NAMES_MAPS),
	BREAK("ftok-without-device", "ftok_*",
	    .with.ftok = ftok_without_device),
};

const struct broken_kind broken_kind = {
	.rows = breakages,
	.n = COUNT(breakages),
	.get = get,
	.memory = sizeof(struct segment_memory),
	.lasting = offsetof(struct segment_memory, n),
};
