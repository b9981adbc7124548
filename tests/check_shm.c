/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm.c - the clause tests of shared memory: what they share, and how
 * those of all kinds make their calls.
 */
#include "check_shm.h"

#include <sys/mman.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIME_LIMIT	20	/* seconds a test */

int
make_mode(int mode)
{
	int id = ipc->shmget(IPC_PRIVATE, PAGE, IPC_CREAT | mode);

	must(id != -1);
	return id;
}

int
make_segment(size_t size)
{
	int id = ipc->shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);

	must(id != -1);
	return id;
}

void *
attach_flags(int id, const void *addr, int flags)
{
	void *p = ipc->shmat(id, addr, flags);

	must(p != (void *)-1);
	return p;
}

void *
attach(int id)
{
	return attach_flags(id, NULL, 0);
}

void
detach(const void *addr)
{
	must_eq(ipc->shmdt(addr), 0);
}

void
remove_segment(int id)
{
	must_eq(ipc->shmctl(id, IPC_RMID, NULL), 0);
}

struct shmid_ds
stat_of(int id)
{
	struct shmid_ds ds;

	memset(&ds, 0xa5, sizeof(ds));
	must_eq(ipc->shmctl(id, IPC_STAT, &ds), 0);
	return ds;
}

struct shm_info
info(void)
{
	struct shm_info answer;

	must(ipc->shmctl(0, SHM_INFO, (struct shmid_ds *)&answer) != -1);
	return answer;
}

long
attached(int id)
{
	return (long)stat_of(id).shm_nattch;
}

void
need_exact_forks(void)
{
	if (!backend_has(EXACT_FORKS))
		testing_skip("%s store: process locks count a fork's child "
		    "when it runs (mipc(7))", ipc->name);
}

bool
has_files(int id)
{
	return backend_has(HAS_FILES) &&
	    (access(file_of_id("shm.", id, ""), F_OK) == 0 ||
	    access(file_of_id("shm.", id, ".data"), F_OK) == 0);
}

void
must_be_gone(int id)
{
	struct shmid_ds ds;

	must_error(ipc->shmctl(id, IPC_STAT, &ds), EINVAL);
	must_error((intptr_t)ipc->shmat(id, NULL, 0), EINVAL);
	must(!has_files(id));
}

/*
 * Far below where the kernel puts what has no address: else a mapping that
 * mipc makes for itself could come in between.
 */
void *
free_range(size_t size)
{
	static uintptr_t next = sizeof(void *) == 8 ?
	    (uintptr_t)(1ull << 45) : 0x20000000;
	void *p = mmap((void *)next, size, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	must(p == (void *)next);
	must_eq(munmap(p, size), 0);
	next += 16 * PAGE + size;
	return p;
}

/* ---- the suite ---- */

static void
add_clauses(TCase *tc)
{
	add_get_clauses(tc);
	add_id_clauses(tc);
	add_at_clauses(tc);
	add_piece_clauses(tc);
	add_perm_clauses(tc);
	add_life_clauses(tc);
	add_gone_clauses(tc);
	add_safe_clauses(tc);
	add_many_clauses(tc);
}

/* ---- programs that tests exec ---- */

/* Say that this program runs, and wait. */
static int
wait_for_end_of_input(void)
{
	char c = 'r';

	if (write(STDOUT_FILENO, &c, 1) != 1)
		return 1;
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}

/* Attach segment `id` of the namespace in `dir` first. */
static int
role_attach(const char *dir, const char *id)
{
	void *p;

	backend_rejoin(dir);
	p = ipc->shmat(atoi(id), NULL, 0);
	return p == (void *)-1 ? 1 : wait_for_end_of_input();
}

static int
play(const char *role, const char *arg1, const char *arg2)
{
	if (strcmp(role, "attach") == 0)
		return role_attach(arg1, arg2);
	return strcmp(role, "wait") == 0 ? wait_for_end_of_input() : -1;
}

/* ---- the calls of the shared clauses ---- */

static int
get(key_t key, unsigned long size, int flags)
{
	return ipc->shmget(key, size, flags);
}

static int
look(int id, int cmd, struct sight *now)
{
	struct shmid_ds ds = { 0 };
	const int answer = ipc->shmctl(id, cmd, &ds);

	*now = (struct sight){ ds.shm_perm, ds.shm_ctime, ds.shm_segsz };
	return answer;
}

static int
set(int id, const struct ipc_perm *perm)
{
	struct shmid_ds ds = { .shm_perm = *perm };

	return ipc->shmctl(id, IPC_SET, &ds);
}

static int
remove_it(int id)
{
	return ipc->shmctl(id, IPC_RMID, NULL);
}

static int
top(int cmd)
{
	union {
		struct shminfo limits;
		struct shm_info info;
		struct shmid_ds ds;
	} answer;

	return ipc->shmctl(0, cmd, &answer.ds);
}

static int
attach_and_detach(int id, int flags)
{
	void *p = ipc->shmat(id, NULL, flags);

	return p == (void *)-1 ? -1 : ipc->shmdt(p);
}

static int
use(int id)
{
	return attach_and_detach(id, 0);
}

static int
read_it(int id)
{
	return attach_and_detach(id, SHM_RDONLY);
}

static void
must_be_owners(int id, int error)
{
	if (error == 0) {
		must_eq(ipc->shmctl(id, SHM_LOCK, NULL), 0);
		must_eq(ipc->shmctl(id, SHM_UNLOCK, NULL), 0);
	} else {
		must_error(ipc->shmctl(id, SHM_LOCK, NULL), error);
		must_error(ipc->shmctl(id, SHM_UNLOCK, NULL), error);
	}
}

static void
must_be_none(void)
{
	must_eq(info().used_ids, 0);
}

const struct kind kind = {
	"shmmax", "shm_next_id", PAGE, SHM_STAT, SHM_STAT_ANY, SHM_INFO,
	get, look, set,
	remove_it, top, use, read_it, must_have_rights, must_be_owners,
	must_not_exist, must_be_gone, must_be_none, false
};

const struct clauses clauses = {
	"shm", TIME_LIMIT, TIME_LIMIT, add_clauses, play, NULL
};
