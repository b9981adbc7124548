/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_broken.c - a right implementation with one thing made wrong.
 *
 * A clause test that cannot fail proves nothing.  Each row wraps a call and
 * names the clause whose tests must see it: clauses_catch.sh runs them.
 *
 * The wrapped one is the kernel where it can be had, else mipc's anonymous
 * store.  What a wrapper remembers lies on shared memory: children wrap too.
 */
#include "check_shm.h"

#include <sys/mman.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct backend *right;

/* Ids that a wrapper remembers, by order of creation. */
static struct memory {
	_Atomic int n;
	_Atomic unsigned long long shmmni;
	struct {
		int id;
		_Atomic bool removed;
		key_t key;
		void *first;
	} made[2048];
} *memory;

static int
remembered(int id)
{
	for (int i = 0; i < memory->n; i++)
		if (memory->made[i].id == id)
			return i;
	return -1;
}

static int
get_and_remember(key_t key, size_t size, int flags)
{
	int id = right->shmget(key, size, flags), i;

	if (id != -1 && remembered(id) == -1) {
		i = atomic_fetch_add(&memory->n, 1);
		must(i < 2048);
		memory->made[i].key = key;
		memory->made[i].id = id;
	}
	return id;
}

/* ---- get ---- */

static int
get_private_once(key_t key, size_t size, int flags)
{
	if (key == IPC_PRIVATE && memory->n > 0)
		return memory->made[0].id;
	return get_and_remember(key, size, flags);
}

static int
get_size_before_excl(key_t key, size_t size, int flags)
{
	int id = right->shmget(key, size, flags), error = errno;

	if (id == -1 && error == EEXIST &&
	    right->shmget(key, size, 0) == -1)
		return -1;
	errno = error;
	return id;
}

static int
get_permission_before_size(key_t key, size_t size, int flags)
{
	int id = right->shmget(key, size, flags);

	if (id == -1 && errno == EINVAL &&
	    right->shmget(key, 0, flags) == -1 && errno == EACCES)
		return -1;
	if (id == -1)
		errno = EINVAL;
	return id;
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
get_asks_nothing(key_t key, size_t size, int flags)
{
	int id = right->shmget(key, size, flags), error = errno;

	if (id == -1 && error == EACCES)
		return right->shmget(key, size, flags & ~0777);
	errno = error;
	return id;
}

static int
get_low_key(key_t key, size_t size, int flags)
{
	return right->shmget(key & 0xffffff, size, flags);
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

static int
get_no_limit(key_t key, size_t size, int flags)
{
	int id = right->shmget(key, size, flags);

	if (id == -1 && errno == ENOSPC)
		errno = ENOMEM;
	return id;
}

/* The lowest free number, as a table without sequences would give. */
static int
real_id(int id)
{
	if (id < 0 || id >= memory->n || memory->made[id].removed)
		return -1;
	return memory->made[id].id;
}

static int
get_reused(key_t key, size_t size, int flags)
{
	int id = right->shmget(key, size, flags), i;

	if (id == -1)
		return -1;
	for (i = 0; i < memory->n; i++)
		if (!memory->made[i].removed && memory->made[i].id == id)
			return i;
	for (i = 0; i < memory->n && !memory->made[i].removed; i++)
		;
	if (i == memory->n)
		memory->n++;
	memory->made[i].id = id;
	memory->made[i].removed = false;
	return i;
}

static int
ctl_reused(int id, int cmd, struct shmid_ds *buf)
{
	int answer = right->shmctl(real_id(id), cmd, buf);

	if (cmd == IPC_RMID && answer == 0)
		memory->made[id].removed = true;
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

	if (i != -1 && memory->made[i].first != NULL && addr == NULL)
		return memory->made[i].first;
	p = right->shmat(id, addr, flags);
	if (i != -1)
		memory->made[i].first = p;
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

	if (i != -1 && memory->made[i].removed) {
		errno = EINVAL;
		return -1;
	}
	if (i != -1 && cmd == IPC_RMID)
		memory->made[i].removed = true;
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
ctl_perm_is_eacces(int id, int cmd, struct shmid_ds *buf)
{
	int answer = right->shmctl(id, cmd, buf);

	if (answer == -1 && errno == EPERM)
		errno = EACCES;
	return answer;
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
		memory->shmmni = *value;
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
	if (cmd == IPC_INFO && memory->shmmni != 0)
		((struct shminfo *)(void *)buf)->shmmni =
		    (unsigned long)memory->shmmni;
}

static void (*alter)(int cmd, struct shmid_ds *buf);

static int
ctl_altered(int id, int cmd, struct shmid_ds *buf)
{
	int answer = right->shmctl(id, cmd, buf);

	if (answer != -1 && buf != NULL)
		alter(cmd, buf);
	return answer;
}

/* ---- the table ---- */

#define BREAK(n, c, ...)	{ .name = (n), .clause = (c), __VA_ARGS__ }

static const struct breakage {
	const char *name, *clause;	/* clause: a pattern of test names */
	struct backend with;		/* what is set replaces, or toggles */
	void (*alter)(int cmd, struct shmid_ds *buf);	/* if not NULL */
} breakages[] = {
	BREAK("private-once", "G1_*", .with.shmget = get_private_once),
	BREAK("size-before-excl", "G2_*", .with.shmget = get_size_before_excl),
	BREAK("permission-before-size", "G2_*",
	    .with.shmget = get_permission_before_size),
	BREAK("get-asks-nothing", "G3_*", .with.shmget = get_asks_nothing),
	BREAK("low-key", "G2_*", .with.shmget = get_low_key),
	BREAK("no-enospc", "G2_*", .with.shmget = get_no_limit),
	BREAK("stat-for-all", "G3_*", .with.shmctl = ctl_stats_for_all),
	BREAK("eperm-is-eacces", "G4_*", .with.shmctl = ctl_perm_is_eacces),
	BREAK("set-changes-creator", "G5_*", .alter = other_creator),
	BREAK("ids-reused", "G6_*", .with.shmget = get_reused,
	    .with.shmat = at_reused, .with.shmctl = ctl_reused),
	BREAK("stale-ids-live", "G6_*", .with.shmctl = ctl_any_index),
	BREAK("index-for-id", "G7_*", .with.shmctl = ctl_index_only),
	BREAK("top-is-a-count", "G8_*", .with.shmctl = ctl_counts_for_top),
	BREAK("limits-for-all", "G9_*", .with.limit = limit_for_all,
	    .alter = limits_for_all),
	BREAK("whole-pages", "G10_*", .alter = bytes_for_pages),
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
	BREAK("one-more", "H5_*", .alter = one_more),
	BREAK("one-more-after-fork", "H6_*", .alter = one_more),
	BREAK("caller-is-last", "H6_*", .alter = caller_is_last),
	BREAK("no-times", "H6_*", .alter = no_times),
	BREAK("removed-at-once", "H7_*", .with.shmget = get_and_remember,
	    .with.shmctl = ctl_removes_at_once),
	BREAK("never-removed", "H7_*", .with.shmctl = ctl_never_removes),
	BREAK("removed-keeps-key", "H7_*", .alter = keeps_key),
	BREAK("no-dest-flag", "H7_*", .alter = no_dest),
	BREAK("lock-without-flag", "H8_*", .with.shmctl = ctl_no_lock_flag),
	BREAK("noreserve-reserves", "H9_*", .with.shmget = get_reserves),
	BREAK("forced-does-nothing", "H10_*", .with.limit = limit_forgets),
	BREAK("small-limits", "H11_*", .alter = small_limits),
	BREAK("bytes-for-pages", "H11_*", .alter = bytes_for_pages),
	BREAK("other-names", "H12_*", .with.traits = NAMES_MAPS),
	BREAK("ftok-without-device", "ftok_*",
	    .with.ftok = ftok_without_device),
};

#undef BREAK

#define NBREAKAGES	(sizeof(breakages) / sizeof(*breakages))

void
list_broken(void)
{
	for (size_t i = 0; i < NBREAKAGES; i++)
		printf("%s %s\n", breakages[i].name, breakages[i].clause);
}

static const char *
enter_broken(void)
{
	memory->n = 0;
	memset(memory->made, 0, sizeof(memory->made));
	return right->enter();
}

static void
replace(struct backend *b, const struct backend *with)
{
	if (with->shmget != NULL)
		b->shmget = with->shmget;
	if (with->shmat != NULL)
		b->shmat = with->shmat;
	if (with->shmdt != NULL)
		b->shmdt = with->shmdt;
	if (with->shmctl != NULL)
		b->shmctl = with->shmctl;
	if (with->ftok != NULL)
		b->ftok = with->ftok;
	if (with->limit != NULL)
		b->limit = with->limit;
	b->traits ^= with->traits;
	b->enter = enter_broken;
}

const struct backend *
broken_backend(const char *name)
{
	static struct backend broken;

	memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	right = right_backend();
	for (size_t i = 0; i < NBREAKAGES; i++) {
		if (strcmp(breakages[i].name, name) != 0)
			continue;
		broken = *right;
		broken.name = name;
		replace(&broken, &breakages[i].with);
		alter = breakages[i].alter;
		if (alter != NULL)
			broken.shmctl = ctl_altered;
		return memory == MAP_FAILED ? NULL : &broken;
	}
	return NULL;
}
