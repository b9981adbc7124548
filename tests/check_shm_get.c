/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_get.c - finding and making segments: clauses G1, G2, H1, H11 and
 * ftok.
 */
#include "check_shm.h"

#include <sys/stat.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

START_TEST(G1_private_key_makes_a_new_segment_each_time)
{
	int a = ipc->shmget(IPC_PRIVATE, 1, 0600);
	int b = ipc->shmget(IPC_PRIVATE, 1, 0600);

	must(a != -1 && b != -1 && a != b);
	must_eq(stat_of(a).shm_perm.__key, IPC_PRIVATE);
	must_eq(info().used_ids, 2);
}
END_TEST

START_TEST(G1_private_key_ignores_creat_and_excl)
{
	must(ipc->shmget(IPC_PRIVATE, 1, IPC_EXCL | 0600) != -1);
	must(ipc->shmget(IPC_PRIVATE, 1, IPC_CREAT | IPC_EXCL | 0600) != -1);
}
END_TEST

START_TEST(G2_missing_key_without_creat_is_ENOENT)
{
	must_error(ipc->shmget(KEY, 1, 0600), ENOENT);
	must_error(ipc->shmget(KEY, 1, IPC_EXCL | 0600), ENOENT);
	must_error(ipc->shmget(KEY, 0, 0), ENOENT);
	must_eq(info().used_ids, 0);
}
END_TEST

START_TEST(G2_existing_key_is_found)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);

	must(id != -1);
	must_eq(ipc->shmget(KEY, PAGE, 0600), id);
	must_eq(ipc->shmget(KEY, PAGE, IPC_CREAT | 0600), id);
	must_eq(ipc->shmget(KEY, PAGE, IPC_EXCL | 0600), id);
	must_eq(ipc->shmget(KEY, 0, 0), id);
	must_eq(stat_of(id).shm_perm.__key, KEY);
	must_eq(info().used_ids, 1);
}
END_TEST

START_TEST(G2_EEXIST_comes_before_size)
{
	must(ipc->shmget(KEY, PAGE, IPC_CREAT | 0600) != -1);
	must_error(ipc->shmget(KEY, PAGE, IPC_CREAT | IPC_EXCL | 0600),
	    EEXIST);
	must_error(ipc->shmget(KEY, 9 * PAGE, IPC_CREAT | IPC_EXCL | 0600),
	    EEXIST);
}
END_TEST

START_TEST(G2_all_bits_of_a_key_count)
{
	const key_t keys[] = { 1, -1, INT_MIN, INT_MAX, 0x01000000,
	    (key_t)0x80000001 };
	int id[6];

	for (int i = 0; i < 6; i++)
		id[i] = ipc->shmget(keys[i], 1, IPC_CREAT | IPC_EXCL | 0600);
	for (int i = 0; i < 6; i++) {
		must(id[i] != -1);
		must_eq(ipc->shmget(keys[i], 1, 0), id[i]);
		must_eq(stat_of(id[i]).shm_perm.__key, keys[i]);
	}
}
END_TEST

START_TEST(G2_over_the_count_limit_is_ENOSPC)
{
	int id;

	set_limit("shmmni", 3);
	for (int i = 0; i < 3; i++)
		id = make_segment(1);
	must_error(ipc->shmget(IPC_PRIVATE, 1, 0600), ENOSPC);
	must_error(ipc->shmget(KEY, 1, IPC_CREAT | 0600), ENOSPC);
	must_error(ipc->shmget(KEY, 1, 0), ENOENT);
	remove_segment(id);
	must(ipc->shmget(KEY, 1, IPC_CREAT | 0600) != -1);
}
END_TEST

START_TEST(G2_a_free_key_can_be_taken_again)
{
	int id = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600), next;

	remove_segment(id);
	must_error(ipc->shmget(KEY, 0, 0), ENOENT);
	next = ipc->shmget(KEY, 2 * PAGE, IPC_CREAT | IPC_EXCL | 0600);
	must(next != -1 && next != id);
	must_eq(stat_of(next).shm_segsz, 2 * PAGE);
}
END_TEST

static void
create_exclusively(void *arg)
{
	int i = *(int *)arg;

	await(1);
	board->value[i] = ipc->shmget(KEY, PAGE,
	    IPC_CREAT | IPC_EXCL | 0600);
	must(board->value[i] != -1 || errno == EEXIST);
	board->value[8 + i] = ipc->shmget(KEY, PAGE, IPC_CREAT | 0600);
}

START_TEST(G2_one_of_many_creators_wins)
{
	int winners = 0, id;
	pid_t pid[8];

	for (int i = 0; i < 8; i++)
		pid[i] = spawn(BY_FORK, create_exclusively, &i);
	reach(1);
	for (int i = 0; i < 8; i++)
		finish(pid[i]);
	id = ipc->shmget(KEY, 0, 0);
	must(id != -1);
	for (int i = 0; i < 8; i++) {
		winners += board->value[i] == id;
		must_eq(board->value[8 + i], id);
	}
	must_eq(winners, 1);
	must_eq(info().used_ids, 1);
}
END_TEST

START_TEST(H1_size_of_a_new_segment_is_checked)
{
	set_limit("shmmax", 3 * PAGE);
	must_error(ipc->shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	must_error(ipc->shmget(KEY, 0, IPC_CREAT | 0600), EINVAL);
	must_error(ipc->shmget(KEY, 3 * PAGE + 1, IPC_CREAT | 0600), EINVAL);
	must_error(ipc->shmget(KEY, SIZE_MAX, IPC_CREAT | 0600), EINVAL);
	must_error(ipc->shmget(KEY, 0, 0), ENOENT);
	must(ipc->shmget(KEY, 3 * PAGE, IPC_CREAT | 0600) != -1);
}
END_TEST

START_TEST(H1_no_wrap_at_the_largest_sizes)
{
	must_error(ipc->shmget(IPC_PRIVATE, SIZE_MAX, 0600), EINVAL);
	must_error(ipc->shmget(IPC_PRIVATE, SIZE_MAX - 1, 0600), EINVAL);
	must_error(ipc->shmget(IPC_PRIVATE, SIZE_MAX - PAGE, 0600), EINVAL);
	must_eq(info().used_ids, 0);
}
END_TEST

START_TEST(H1_over_shmall_is_ENOSPC)
{
	int id;

	set_limit("shmall", 4);
	id = make_segment(3 * PAGE - 5);
	must_error(ipc->shmget(IPC_PRIVATE, PAGE + 1, 0600), ENOSPC);
	must(ipc->shmget(IPC_PRIVATE, PAGE, 0600) != -1);
	must_error(ipc->shmget(IPC_PRIVATE, 1, 0600), ENOSPC);
	remove_segment(id);
	must(ipc->shmget(IPC_PRIVATE, 3 * PAGE, 0600) != -1);
	must_eq(info().shm_tot, 4);
}
END_TEST

START_TEST(H1_existing_may_be_asked_for_less)
{
	int id = ipc->shmget(KEY, PAGE + 100, IPC_CREAT | 0600);

	must_eq(ipc->shmget(KEY, 0, 0), id);
	must_eq(ipc->shmget(KEY, 1, 0), id);
	must_eq(ipc->shmget(KEY, PAGE + 100, 0), id);
	must_eq(stat_of(id).shm_segsz, PAGE + 100);
}
END_TEST

START_TEST(H1_existing_asked_for_more_is_EINVAL_even_in_the_last_page)
{
	must(ipc->shmget(KEY, PAGE + 100, IPC_CREAT | 0600) != -1);
	must_error(ipc->shmget(KEY, PAGE + 101, 0), EINVAL);
	must_error(ipc->shmget(KEY, 2 * PAGE, IPC_CREAT | 0600), EINVAL);
	must_error(ipc->shmget(KEY, SIZE_MAX, 0), EINVAL);
}
END_TEST

START_TEST(H1_mapping_is_whole_pages_of_zeros)
{
	static const char zero[2 * 4096];
	int id = make_segment(PAGE + 1);
	char *p = attach(id);

	must_eq(stat_of(id).shm_segsz, PAGE + 1);
	must(memcmp(p, zero, 2 * PAGE) == 0);
	p[2 * PAGE - 1] = 1;
}
END_TEST

START_TEST(H1_memory_of_a_removed_segment_comes_back_zeroed)
{
	for (int round = 0; round < 4; round++) {
		int id = make_segment(8 * PAGE);
		char *p = attach(id);

		for (size_t i = 0; i < 8 * PAGE; i++)
			must(p[i] == 0);
		memset(p, 0xff, 8 * PAGE);
		remove_segment(id);
		detach(p);
	}
}
END_TEST

/* However the store goes round through its space. */
START_TEST(H1_large_segments_come_back_zeroed)
{
	size_t size = sizeof(void *) == 8 ? (size_t)4 << 30 : 16 << 20;

	for (int round = 0; round < 40; round++) {
		int id = ipc->shmget(IPC_PRIVATE, size,
		    SHM_NORESERVE | 0600);
		char *p = attach(id);

		must_eq(p[0] + p[size - 1], 0);
		p[0] = p[size - 1] = 1;
		remove_segment(id);
		detach(p);
	}
}
END_TEST

START_TEST(H1_a_new_segment_says_who_made_it)
{
	time_t before = time(NULL);
	int id = ipc->shmget(KEY, 77, IPC_CREAT | 0640);
	struct shmid_ds ds = stat_of(id);

	must_eq(ds.shm_perm.__key, KEY);
	must_eq(ds.shm_perm.uid, geteuid());
	must_eq(ds.shm_perm.cuid, geteuid());
	must_eq(ds.shm_perm.gid, getegid());
	must_eq(ds.shm_perm.cgid, getegid());
	must_eq(ds.shm_perm.mode, 0640);
	must_eq(ds.shm_perm.__seq, id / 32768);
	must_eq(ds.shm_segsz, 77);
	must_eq(ds.shm_cpid, getpid());
	must_eq(ds.shm_lpid, 0);
	must_eq(ds.shm_nattch, 0);
	must_eq(ds.shm_atime, 0);
	must_eq(ds.shm_dtime, 0);
	must(ds.shm_ctime >= before && ds.shm_ctime <= time(NULL));
}
END_TEST

static void
answer_by_key(void *arg)
{
	int id = ipc->shmget(KEY, 0, 0);
	char *p;

	(void)arg;
	must(id != -1);
	p = attach(id);
	must(strcmp(p, "question") == 0);
	strcpy(p + PAGE, "answer");
}

START_TEST(H1_processes_exchange_data_by_key)
{
	char *p = attach(ipc->shmget(KEY, 2 * PAGE, IPC_CREAT | 0600));

	strcpy(p, "question");
	finish(spawn(BY_FORK, answer_by_key, NULL));
	must(strcmp(p + PAGE, "answer") == 0);
}
END_TEST

static void
create_by_key(void *arg)
{
	(void)arg;
	strcpy(attach(ipc->shmget(KEY, PAGE, IPC_CREAT | 0600)), "left");
}

START_TEST(H1_a_segment_outlives_its_creator)
{
	finish(spawn(BY_FORK, create_by_key, NULL));
	must(strcmp(attach(ipc->shmget(KEY, 0, 0)), "left") == 0);
}
END_TEST

START_TEST(H11_limits_are_the_kernels)
{
	struct shminfo limits;

	must_eq(ipc->shmctl(0, IPC_INFO, (struct shmid_ds *)&limits), 0);
	must(limits.shmmax == ULONG_MAX - (1UL << 24));
	must(limits.shmall == ULONG_MAX - (1UL << 24));
	must_eq(limits.shmmin, 1);
	must_eq(limits.shmmni, 4096);
	must_eq(limits.shmseg, 4096);
}
END_TEST

START_TEST(H11_limits_can_be_set)
{
	unsigned long long old;
	struct shminfo limits;
	int id = make_segment(4 * PAGE);

	set_limit("shmmax", 2 * PAGE);
	set_limit("shmmni", 17);
	set_limit("shmall", 1000);
	must_eq(ipc->shmctl(0, IPC_INFO, (struct shmid_ds *)&limits), 0);
	must_eq(limits.shmmax, 2 * PAGE);
	must_eq(limits.shmmni, 17);
	must_eq(limits.shmall, 1000);
	must_eq(ipc->limit("shmmax", &old, NULL), 0);
	must_eq(old, 2 * PAGE);
	must_eq(stat_of(id).shm_segsz, 4 * PAGE);
	detach(attach(id));
}
END_TEST

START_TEST(H11_lowering_a_limit_removes_nothing)
{
	int a = make_segment(PAGE), b = make_segment(PAGE);

	set_limit("shmmni", 1);
	set_limit("shmall", 1);
	detach(attach(a));
	detach(attach(b));
	must_eq(info().used_ids, 2);
	must_error(ipc->shmget(IPC_PRIVATE, 1, 0600), ENOSPC);
}
END_TEST

static key_t
key_of(const char *path, int project)
{
	struct stat st;

	must_eq(stat(path, &st), 0);
	return (key_t)((st.st_ino & 0xffff) | (st.st_dev & 0xff) << 16 |
	    (unsigned)(project & 0xff) << 24);
}

START_TEST(ftok_is_the_formula_of_libc)
{
	const char *paths[] = { "/", "/proc/self/exe", "/dev/null",
	    testing_dir };
	const int projects[] = { 0, 1, 'a', 255, 256, -1 };

	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 6; j++) {
			key_t key = ipc->ftok(paths[i], projects[j]);

			must_eq(key, key_of(paths[i], projects[j]));
			must_eq(key, ftok(paths[i], projects[j]));
		}
	}
}
END_TEST

START_TEST(ftok_fails_as_stat_does)
{
	char loop[PATH_MAX + 8], name[300];

	memset(name, 'x', 299);
	name[299] = '\0';
	snprintf(loop, sizeof(loop), "%s/loop", testing_dir);
	must_eq(symlink(loop, loop), 0);
	must_error(ipc->ftok("/no/such/file", 1), ENOENT);
	must_error(ipc->ftok("", 1), ENOENT);
	must_error(ipc->ftok("/dev/null/x", 1), ENOTDIR);
	must_error(ipc->ftok(loop, 1), ELOOP);
	must_error(ipc->ftok(name, 1), ENAMETOOLONG);
	must_eq(unlink(loop), 0);
}
END_TEST

static void
ftok_in_a_closed_directory(void *arg)
{
	must_error(ipc->ftok(arg, 1), EACCES);
}

START_TEST(ftok_without_search_permission_is_EACCES)
{
	char dir[PATH_MAX + 16], file[PATH_MAX + 32];
	int fd;

	need_root();
	snprintf(dir, sizeof(dir), "%s/closed", testing_dir);
	snprintf(file, sizeof(file), "%s/file", dir);
	must_eq(mkdir(dir, 0700), 0);
	fd = open(file, O_CREAT | O_WRONLY, 0600);
	must(fd != -1);
	close(fd);
	finish(spawn_as(&nobody, ftok_in_a_closed_directory, file));
	remove_tree(dir);
}
END_TEST

void
add_get_clauses(TCase *tc)
{
	testing_add(tc, G1_private_key_makes_a_new_segment_each_time);
	testing_add(tc, G1_private_key_ignores_creat_and_excl);
	testing_add(tc, G2_missing_key_without_creat_is_ENOENT);
	testing_add(tc, G2_existing_key_is_found);
	testing_add(tc, G2_EEXIST_comes_before_size);
	testing_add(tc, G2_all_bits_of_a_key_count);
	testing_add(tc, G2_over_the_count_limit_is_ENOSPC);
	testing_add(tc, G2_a_free_key_can_be_taken_again);
	testing_add(tc, G2_one_of_many_creators_wins);
	testing_add(tc, H1_size_of_a_new_segment_is_checked);
	testing_add(tc, H1_no_wrap_at_the_largest_sizes);
	testing_add(tc, H1_over_shmall_is_ENOSPC);
	testing_add(tc, H1_existing_may_be_asked_for_less);
	testing_add(tc,
	    H1_existing_asked_for_more_is_EINVAL_even_in_the_last_page);
	testing_add(tc, H1_mapping_is_whole_pages_of_zeros);
	testing_add(tc, H1_memory_of_a_removed_segment_comes_back_zeroed);
	testing_add(tc, H1_large_segments_come_back_zeroed);
	testing_add(tc, H1_a_new_segment_says_who_made_it);
	testing_add(tc, H1_processes_exchange_data_by_key);
	testing_add(tc, H1_a_segment_outlives_its_creator);
	testing_add(tc, H11_limits_are_the_kernels);
	testing_add(tc, H11_limits_can_be_set);
	testing_add(tc, H11_lowering_a_limit_removes_nothing);
	testing_add(tc, ftok_is_the_formula_of_libc);
	testing_add(tc, ftok_fails_as_stat_does);
	testing_add(tc, ftok_without_search_permission_is_EACCES);
}
