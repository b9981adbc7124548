/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_at.c - attaching: clauses H2, H3, H8, H9 and H12.
 */
#include "check_shm.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

START_TEST(H2_null_lets_the_kernel_choose)
{
	int id = make_segment(3 * PAGE);
	char *p = attach(id);

	must_eq((uintptr_t)p % PAGE, 0);
	must_eq(attached(id), 1);
	memset(p, 1, 3 * PAGE);
}
END_TEST

START_TEST(H2_attach_and_detach_leave_their_times_and_pid)
{
	int id = make_segment(1);
	time_t before = time(NULL);
	void *p = attach(id);
	struct shmid_ds ds = stat_of(id);

	must(ds.shm_atime >= before && ds.shm_atime <= time(NULL));
	must_eq(ds.shm_dtime, 0);
	must_eq(ds.shm_lpid, getpid());
	detach(p);
	ds = stat_of(id);
	must(ds.shm_dtime >= before && ds.shm_dtime <= time(NULL));
	must_eq(ds.shm_lpid, getpid());
	must_eq(ds.shm_cpid, getpid());
}
END_TEST

/* Times are whole seconds: each of them is seen to move to the next. */
START_TEST(H2_each_time_moves_with_its_event_alone)
{
	int id = make_segment(1);
	time_t made = stat_of(id).shm_ctime, now;
	struct shmid_ds ds;
	void *p;

	while ((now = time(NULL)) <= made)
		sched_yield();
	p = attach(id);
	ds = stat_of(id);
	must(ds.shm_atime >= now && ds.shm_dtime == 0);
	must_eq(ds.shm_ctime, made);
	detach(p);
	ds = stat_of(id);
	must(ds.shm_dtime >= now);
	must_eq(ds.shm_ctime, made);
	set_owner(id, geteuid(), getegid(), 0640);
	must(stat_of(id).shm_ctime >= now);
}
END_TEST

START_TEST(H2_a_free_address_may_be_asked_for)
{
	int id = make_segment(2 * PAGE);
	char *at = free_range(2 * PAGE);

	must(ipc->shmat(id, at, 0) == at);
	at[2 * PAGE - 1] = 1;
	detach(at);
}
END_TEST

START_TEST(H2_an_unaligned_address_is_EINVAL)
{
	int id = make_segment(PAGE);
	char *at = free_range(2 * PAGE);

	must_error((intptr_t)ipc->shmat(id, at + 1, 0), EINVAL);
	must_error((intptr_t)ipc->shmat(id, at + 2048, 0), EINVAL);
	must_error((intptr_t)ipc->shmat(id, at + 1, SHM_REMAP), EINVAL);
	must_eq(attached(id), 0);
}
END_TEST

START_TEST(H2_rnd_rounds_down)
{
	int id = make_segment(PAGE);
	char *at = free_range(3 * PAGE);

	must(ipc->shmat(id, at + PAGE + 1, SHM_RND) == at + PAGE);
	detach(at + PAGE);
	must(ipc->shmat(id, at + 2 * PAGE - 1, SHM_RND) == at + PAGE);
	detach(at + PAGE);
	must(ipc->shmat(id, at + 2 * PAGE, SHM_RND) == at + 2 * PAGE);
}
END_TEST

START_TEST(H2_a_range_in_use_is_EINVAL_and_untouched)
{
	int id = make_segment(2 * PAGE);
	char *at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at != MAP_FAILED);
	memset(at, 7, 3 * PAGE);
	must_eq(munmap(at, PAGE), 0);
	must_error((intptr_t)ipc->shmat(id, at + PAGE, 0), EINVAL);
	must_error((intptr_t)ipc->shmat(id, at, 0), EINVAL);
	must_eq(at[PAGE], 7);
	must_eq(at[3 * PAGE - 1], 7);
	must_eq(attached(id), 0);
}
END_TEST

START_TEST(H2_remap_replaces_what_is_there)
{
	int id = make_segment(PAGE + 1);
	char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(at != MAP_FAILED);
	memset(at, 7, 4 * PAGE);
	must(ipc->shmat(id, at + PAGE, SHM_REMAP) == at + PAGE);
	must_eq(at[PAGE - 1], 7);
	must_eq(at[PAGE], 0);
	must_eq(at[3 * PAGE - 1], 0);
	must_eq(at[3 * PAGE], 7);
	must_eq(attached(id), 1);
	detach(at + PAGE);
	must_eq(attached(id), 0);
}
END_TEST

START_TEST(H2_remap_without_an_address_is_EINVAL)
{
	int id = make_segment(1);

	must_error((intptr_t)ipc->shmat(id, NULL, SHM_REMAP), EINVAL);
	must_error((intptr_t)ipc->shmat(id, (void *)1, SHM_REMAP | SHM_RND),
	    EINVAL);
	must_error((intptr_t)ipc->shmat(id, NULL, SHM_REMAP | SHM_RND),
	    EINVAL);
}
END_TEST

START_TEST(H2_an_address_beyond_the_end_is_refused)
{
	int id = make_segment(1);
	void *at = (void *)(UINTPTR_MAX - PAGE + 1);

	must(ipc->shmat(id, at, 0) == (void *)-1);
	must(errno == EINVAL || errno == ENOMEM);
	must_eq(attached(id), 0);
}
END_TEST

static rlim_t
address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	must(f != NULL && fscanf(f, "%lu", &pages) == 1);
	fclose(f);
	return pages * PAGE;
}

START_TEST(H2_no_address_space_is_ENOMEM_and_counts_nothing)
{
	int id = ipc->shmget(IPC_PRIVATE, (size_t)1 << 30,
	    SHM_NORESERVE | 0600);
	struct rlimit small;

	must(id != -1);
	small.rlim_cur = small.rlim_max = address_space() + (64 << 20);
	must_eq(setrlimit(RLIMIT_AS, &small), 0);
	must_error((intptr_t)ipc->shmat(id, NULL, 0), ENOMEM);
	must_eq(attached(id), 0);
}
END_TEST

/* How a store or a load at `arg` ends: run as a child. */
static void
write_there(void *arg)
{
	signal(SIGSEGV, SIG_DFL);	/* a sanitizer's would exit */
	*(volatile char *)arg = 1;
}

static int
signal_of(void (*body)(void *), void *arg)
{
	int status;
	pid_t pid = spawn(BY_FORK, body, arg);

	must_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(H3_a_readers_write_is_SIGSEGV)
{
	int id = make_segment(PAGE);
	char *rw = attach(id), *ro = attach_flags(id, NULL, SHM_RDONLY);

	rw[5] = 42;
	must_eq(ro[5], 42);
	must_eq(signal_of(write_there, ro), SIGSEGV);
	must_eq(signal_of(write_there, rw), 0);
}
END_TEST

START_TEST(H3_a_readers_attach_cannot_be_made_writable)
{
	int id = make_segment(2 * PAGE);
	char *p = attach_flags(id, NULL, SHM_RDONLY);

	must_error(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	must_error(mprotect(p + PAGE, PAGE, PROT_WRITE), EACCES);
	must_eq(mprotect(p, PAGE, PROT_NONE), 0);
	must_eq(mprotect(p, PAGE, PROT_READ), 0);
	must_eq(p[0], 0);
	must_error(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
}
END_TEST

START_TEST(H3_a_readers_attach_stays_one_beside_a_writers)
{
	int id = make_segment(PAGE);
	char *rw = attach(id);
	char *ro = attach_flags(id, NULL, SHM_RDONLY);
	char *again = attach_flags(id, NULL, SHM_RDONLY);
	char *more = attach(id);

	must_error(mprotect(ro, PAGE, PROT_READ | PROT_WRITE), EACCES);
	must_error(mprotect(again, PAGE, PROT_READ | PROT_WRITE), EACCES);
	more[1] = 3;
	must_eq(rw[1] + ro[1] + again[1], 9);
	must_eq(attached(id), 4);
}
END_TEST

START_TEST(H3_a_writers_attach_may_be_protected_and_opened_again)
{
	char *p = attach(make_segment(PAGE));

	must_eq(mprotect(p, PAGE, PROT_READ), 0);
	must_eq(signal_of(write_there, p), SIGSEGV);
	must_eq(mprotect(p, PAGE, PROT_READ | PROT_WRITE), 0);
	p[0] = 1;
}
END_TEST

/* The permissions /proc/self/maps shows for the mapping at `at`. */
static void
protection_of(const void *at, char perms[5])
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	void *start;

	must(maps != NULL);
	perms[0] = '\0';
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%p-%*p %4s", &start, perms) == 2 &&
		    start == at)
			break;
	fclose(maps);
}

START_TEST(H3_flags_become_protections)
{
	int id = make_mode(0700);
	char perms[5];

	protection_of(attach_flags(id, NULL, 0), perms);
	must(strcmp(perms, "rw-s") == 0);
	protection_of(attach_flags(id, NULL, SHM_RDONLY), perms);
	must(strcmp(perms, "r--s") == 0);
	protection_of(attach_flags(id, NULL, SHM_EXEC), perms);
	must(strcmp(perms, "rwxs") == 0);
	protection_of(attach_flags(id, NULL, SHM_EXEC | SHM_RDONLY), perms);
	must(strcmp(perms, "r-xs") == 0);
}
END_TEST

START_TEST(H3_a_fork_child_keeps_the_protections)
{
	char *ro = attach_flags(make_segment(PAGE), NULL, SHM_RDONLY);

	must_eq(signal_of(write_there, ro), SIGSEGV);
	must_eq(ro[0], 0);
}
END_TEST

START_TEST(H8_lock_sets_the_flag_and_unlock_clears_it)
{
	int id = make_segment(PAGE);

	must_eq(ipc->shmctl(id, SHM_LOCK, NULL), 0);
	must_eq(stat_of(id).shm_perm.mode, 02600);
	must_eq(ipc->shmctl(id, SHM_LOCK, NULL), 0);
	must_eq(stat_of(id).shm_perm.mode, 02600);
	detach(attach(id));
	must_eq(ipc->shmctl(id, SHM_UNLOCK, NULL), 0);
	must_eq(stat_of(id).shm_perm.mode, 0600);
	must_eq(ipc->shmctl(id, SHM_UNLOCK, NULL), 0);
	must_eq(stat_of(id).shm_perm.mode, 0600);
}
END_TEST

START_TEST(H8_set_keeps_the_lock_flag)
{
	int id = make_segment(PAGE);

	must_eq(ipc->shmctl(id, SHM_LOCK, NULL), 0);
	set_owner(id, geteuid(), getegid(), 0640);
	must_eq(stat_of(id).shm_perm.mode, 02640);
	set_owner(id, geteuid(), getegid(), 07777);
	must_eq(stat_of(id).shm_perm.mode, 02777);
}
END_TEST

static void
lock_without_memory(void *arg)
{
	const struct rlimit none = { 0, 0 };
	int id = *(int *)arg, own;

	must_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	own = make_mode(0600);
	must_error(ipc->shmctl(own, SHM_LOCK, NULL), EPERM);
	must_eq(ipc->shmctl(own, SHM_UNLOCK, NULL), 0);
	must_eq(stat_of(own).shm_perm.mode, 0600);
	must_error(ipc->shmctl(id, SHM_LOCK, NULL), EPERM);
	remove_segment(own);
}

START_TEST(H8_lock_needs_memlock)
{
	int id = make_mode(0666);

	need_root();
	finish(spawn_as(&nobody, lock_without_memory, &id));
}
END_TEST

static void
lock_too_much(void *arg)
{
	const struct rlimit page = { PAGE, PAGE };
	int id;

	(void)arg;
	must_eq(setrlimit(RLIMIT_MEMLOCK, &page), 0);
	id = ipc->shmget(IPC_PRIVATE, 64 * PAGE, 0600);
	must_error(ipc->shmctl(id, SHM_LOCK, NULL), ENOMEM);
	must_eq(stat_of(id).shm_perm.mode, 0600);
	remove_segment(id);
}

START_TEST(H8_lock_beyond_memlock_is_ENOMEM)
{
	need_root();
	finish(spawn_as(&nobody, lock_too_much, NULL));
}
END_TEST

START_TEST(H9_noreserve_promises_no_memory)
{
	size_t size = sizeof(void *) == 8 ? (size_t)4 << 30 : 64 << 20;
	int id = ipc->shmget(IPC_PRIVATE, size, SHM_NORESERVE | 0600);
	char *p;

	must(id != -1);
	p = attach(id);
	p[0] = 1;
	p[size - 1] = 2;
	must(info().shm_rss < 1000);
}
END_TEST

START_TEST(H9_huge_pages_work_or_fail_clearly)
{
	size_t size = (size_t)2 << 20;
	int id = ipc->shmget(KEY, size, IPC_CREAT | SHM_HUGETLB | 0600);

	if (id == -1) {
		must(errno == ENOMEM || errno == EPERM || errno == EINVAL ||
		    errno == ENOSYS);
		must_error(ipc->shmget(KEY, 0, 0), ENOENT);
		must_eq(info().used_ids, 0);
	} else {
		memset(attach(id), 1, size);
		must_eq(stat_of(id).shm_segsz, size);
	}
}
END_TEST

START_TEST(H9_an_unknown_huge_page_size_is_an_error)
{
	must(ipc->shmget(IPC_PRIVATE, (size_t)2 << 20,
	    SHM_HUGETLB | 13 << 26 | 0600) == -1);
	must(errno == EINVAL || errno == EPERM || errno == ENOMEM ||
	    errno == ENOSYS);
	must_eq(info().used_ids, 0);
}
END_TEST

START_TEST(H12_only_the_kernels_maps_have_names)
{
	char want[40], line[512];
	bool found = false;
	FILE *maps;

	attach(ipc->shmget(KEY, PAGE, IPC_CREAT | 0600));
	snprintf(want, sizeof(want), "/SYSV%08x", KEY);
	maps = fopen("/proc/self/maps", "re");
	must(maps != NULL);
	while (fgets(line, sizeof(line), maps) != NULL)
		found |= strstr(line, want) != NULL;
	fclose(maps);
	must_eq(found, backend_has(NAMES_MAPS));
}
END_TEST

void
add_at_clauses(TCase *tc)
{
	testing_add(tc, H2_null_lets_the_kernel_choose);
	testing_add(tc, H2_attach_and_detach_leave_their_times_and_pid);
	testing_add(tc, H2_each_time_moves_with_its_event_alone);
	testing_add(tc, H2_a_free_address_may_be_asked_for);
	testing_add(tc, H2_an_unaligned_address_is_EINVAL);
	testing_add(tc, H2_rnd_rounds_down);
	testing_add(tc, H2_a_range_in_use_is_EINVAL_and_untouched);
	testing_add(tc, H2_remap_replaces_what_is_there);
	testing_add(tc, H2_remap_without_an_address_is_EINVAL);
	testing_add(tc, H2_an_address_beyond_the_end_is_refused);
	testing_add(tc, H2_no_address_space_is_ENOMEM_and_counts_nothing);
	testing_add(tc, H3_a_readers_write_is_SIGSEGV);
	testing_add(tc, H3_a_readers_attach_cannot_be_made_writable);
	testing_add(tc, H3_a_readers_attach_stays_one_beside_a_writers);
	testing_add(tc, H3_a_writers_attach_may_be_protected_and_opened_again);
	testing_add(tc, H3_flags_become_protections);
	testing_add(tc, H3_a_fork_child_keeps_the_protections);
	testing_add(tc, H8_lock_sets_the_flag_and_unlock_clears_it);
	testing_add(tc, H8_set_keeps_the_lock_flag);
	testing_add(tc, H8_lock_needs_memlock);
	testing_add(tc, H8_lock_beyond_memlock_is_ENOMEM);
	testing_add(tc, H9_noreserve_promises_no_memory);
	testing_add(tc, H9_huge_pages_work_or_fail_clearly);
	testing_add(tc, H9_an_unknown_huge_page_size_is_an_error);
	testing_add(tc, H12_only_the_kernels_maps_have_names);
}
