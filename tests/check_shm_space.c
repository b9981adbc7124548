/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_shm_space.c - no space: the error comes at the call, every byte is
 * given back, and what was promised can be written.
 *
 * A small tmpfs of the test's own, mounted in a mount namespace of its own,
 * is full soon and is nobody else's.
 */
#include "check_shm.h"

#include <sys/resource.h>
#include <signal.h>
#include <string.h>

#include "mipc.h"
#include "spoil.h"

#define SIZE_MB	8

static long
free_blocks(void)
{
	return (long)space().f_bavail;
}

static long
free_files(void)
{
	return (long)space().f_favail;
}

START_TEST(space_too_little_is_ENOSPC_and_given_back)
{
	long blocks, files;
	int id;

	move_to_small_filesystem();
	remove_segment(make_segment(PAGE));	/* what the first call takes */
	blocks = free_blocks();
	files = free_files();
	for (int i = 0; i < 5; i++) {
		must_error(ipc->shmget(KEY, 64 << 20, IPC_CREAT | 0600),
		    ENOSPC);
		must_error(ipc->shmget(IPC_PRIVATE, SIZE_MB << 20, 0600),
		    ENOSPC);
		must_eq(free_blocks(), blocks);
		must_eq(free_files(), files);
		must_error(ipc->shmget(KEY, 0, 0), ENOENT);
	}
	must_eq(info().used_ids, 0);
	must_eq(info().shm_tot, 0);
	id = make_segment(4 << 20);
	memset(attach(id), 1, 4 << 20);
}
END_TEST

START_TEST(space_promised_can_be_written_on_a_full_filesystem)
{
	int id[40], n = 0;
	char *p[40];
	long blocks;

	move_to_small_filesystem();
	remove_segment(make_segment(PAGE));
	blocks = free_blocks();
	while ((id[n] = ipc->shmget(IPC_PRIVATE, 1 << 20, 0600)) != -1)
		p[n] = attach(id[n]), n++;
	must_eq(errno, ENOSPC);
	must(n >= 4);
	for (int i = 0; i < n; i++)
		memset(p[i], i + 1, 1 << 20);	/* no SIGBUS */
	for (int i = 0; i < n; i++) {
		must_eq(p[i][(1 << 20) - 1], i + 1);
		remove_segment(id[i]);
		detach(p[i]);
	}
	must_eq(info().used_ids, 0);
	must_eq(free_blocks(), blocks);
}
END_TEST

START_TEST(space_of_files_used_up_is_ENOSPC_and_given_back)
{
	int id[60], n = 0;
	long files;

	move_to_small_filesystem();
	remove_segment(make_segment(1));
	files = free_files();
	while (n < 60 && (id[n] = ipc->shmget(KEY + n, 1,
	    IPC_CREAT | IPC_EXCL | 0600)) != -1)
		n++;
	must(n >= 5 && n < 60);
	must_eq(errno, ENOSPC);
	must_eq(info().used_ids, n);
	for (int i = 0; i < n; i++) {
		must_eq(ipc->shmget(KEY + i, 0, 0), id[i]);
		remove_segment(id[i]);
	}
	must_eq(free_files(), files);
}
END_TEST

START_TEST(space_noreserve_takes_none)
{
	long blocks;
	int id;

	move_to_small_filesystem();
	remove_segment(make_segment(1));
	blocks = free_blocks();
	id = ipc->shmget(IPC_PRIVATE, 64 << 20, SHM_NORESERVE | 0600);
	must(id != -1);
	must(blocks - free_blocks() <= 8);	/* its metadata */
	remove_segment(id);
	must_eq(free_blocks(), blocks);
}
END_TEST

static void
open_another(void *arg)
{
	must(mipc_open(arg, MIPC_CREAT) == NULL);
	must_eq(errno, ENOSPC);
	must(strstr(mipc_reason(), arg) != NULL);
}

START_TEST(space_for_no_namespace_is_ENOSPC_and_leaves_nothing)
{
	static char dir[4096];

	move_to_small_filesystem();
	while (ipc->shmget(IPC_PRIVATE, 64 << 10, 0600) != -1)
		;
	while (ipc->shmget(IPC_PRIVATE, PAGE, 0600) != -1)
		;
	strcpy(dir, file_of("another"));
	finish(spawn(BY_FORK, open_another, dir));
	must_eq(count_files("another"), 0);
}
END_TEST

START_TEST(space_absurdly_large_is_ENOSPC_or_ENOMEM)
{
	size_t size = sizeof(void *) == 8 ? (size_t)1 << 50 : 3u << 30;

	must(ipc->shmget(KEY, size, IPC_CREAT | 0600) == -1);
	must(errno == ENOSPC || errno == ENOMEM);
	must_error(ipc->shmget(KEY, 0, 0), ENOENT);
	must_eq(info().used_ids, 0);
	must_eq(info().shm_tot, 0);
	if (backend_has(HAS_FILES))
		must_eq(count_files("shm.") + count_files("key."), 0);
}
END_TEST

START_TEST(space_beyond_the_file_size_limit_is_an_error)
{
	const struct rlimit small = { 1 << 20, 1 << 20 };

	remove_segment(make_segment(PAGE));	/* what the first call makes */
	must(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	must_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	must(ipc->shmget(KEY, 4 << 20, IPC_CREAT | 0600) == -1);
	must(errno == ENOSPC || errno == ENOMEM || errno == EFBIG);
	must_error(ipc->shmget(KEY, 0, 0), ENOENT);
	must_eq(count_files("shm.") + count_files("key."), 0);
	detach(attach(make_segment(PAGE)));
}
END_TEST

void
add_space_tests(TCase *tc)
{
	testing_add(tc, space_too_little_is_ENOSPC_and_given_back);
	testing_add(tc,
	    space_promised_can_be_written_on_a_full_filesystem);
	testing_add(tc, space_of_files_used_up_is_ENOSPC_and_given_back);
	testing_add(tc, space_noreserve_takes_none);
	testing_add(tc,
	    space_for_no_namespace_is_ENOSPC_and_leaves_nothing);
	testing_add(tc, space_absurdly_large_is_ENOSPC_or_ENOMEM);
	testing_add(tc, space_beyond_the_file_size_limit_is_an_error);
}
