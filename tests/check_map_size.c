/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_map_size.c - resize, flush, advise, protect.
 */
#include "check_map.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

START_TEST(resize_takes_the_file_with_it)
{
	const char *path = a_file("file", 5000);
	struct mipc_map *map = have(mipc_map_open(path, 0, NULL));

	must_eq(mipc_map_seek(map, 0, SEEK_END), 5000);
	must_eq(mipc_map_resize(map, 3000000), 0);
	must_eq(mipc_map_length(map), 3000000);
	must_eq(mipc_map_size(map), 3000000);
	must_eq(file_size(path), 3000000);
	must(file_blocks(path) >= 3000000 / 512);
	must_eq(mipc_map_tell(map), 5000);
	must_hold(map, 4990, "yzabcdefgh");
	put(map, 2999990, "at the end");
	must_eq(mipc_map_resize(map, 10), 0);
	must_eq(file_size(path), 10);
	must_eq(mipc_map_tell(map), 10);
	must_hold(map, 0, "abcdefghij");
	must_error(mipc_map_set(map, 10, 11, "x", 1), ERANGE);
	must_error(mipc_map_resize(map, 0), EINVAL);
	must_eq(mipc_map_resize(map, 20), 0);
	must_eq(mipc_map_seek(map, 10, SEEK_SET), 10);
	must_eq(mipc_map_read_byte(map), 0);
	mipc_map_free(map);
}
END_TEST

START_TEST(resize_is_refused_with_a_reason)
{
	const char *path = a_file("file", 5000);
	struct mipc_map *map = have(mipc_map_open(path, 0, READ));

	must_error(mipc_map_resize(map, 6000), EACCES);
	mipc_map_free(map);
	map = have(mipc_map_open(path, 0, COPY));
	must_error(mipc_map_resize(map, 6000), EPERM);
	must_error(mipc_map_resize(map, 10), EPERM);
	mipc_map_free(map);
	map = have(mipc_map_open(path, 0, HOW(.options = MIPC_MAP_FORGET)));
	must_error(mipc_map_resize(map, 6000), EBADF);
	mipc_map_free(map);
	map = have(mipc_map_open(path, 0, NULL));
	must_error(mipc_map_resize(map, (size_t)-1), EFBIG);
	must_eq(mipc_map_length(map), 5000);
	must_eq(file_size(path), 5000);
	/* Its descriptor is something else's by now. */
	must(dup2(open(testing_dir, O_RDONLY),
	    mipc_map_descriptor(map)) != -1);
	must_error(mipc_map_resize(map, 10), EBADF);
	must_error(mipc_map_size(map), EBADF);
	must_error(mipc_map_lock(map, 0, 1, MIPC_MAP_SHARED, NULL), EBADF);
	must_eq(file_size(path), 5000);
}
END_TEST

START_TEST(what_is_behind_the_map_is_not_cut_off)
{
	const char *path = a_file("file", 10 * PAGE);
	struct mipc_map *map = have(mipc_map_open(path, 2 * PAGE,
	    HOW(.offset = PAGE)));

	must_eq(mipc_map_resize(map, PAGE), 0);
	must(file_size(path) == (off_t)(10 * PAGE));
	must_eq(mipc_map_resize(map, 5 * PAGE), 0);
	must(file_size(path) == (off_t)(10 * PAGE));
	must_eq(mipc_map_resize(map, 12 * PAGE), 0);
	must(file_size(path) == (off_t)(13 * PAGE));
	must_eq(mipc_map_resize(map, 7), 0);
	must(file_size(path) == (off_t)(PAGE + 7));
}
END_TEST

static struct mipc_map *held;

static void
see_it(void *unused)
{
	char byte;

	(void)unused;
	must_eq(mipc_map_length(held), 5000);
	must_error(mipc_map_get(held, 100, 101, &byte, 1), EIO);
	must_eq(mipc_map_get(held, 9, 10, &byte, 1), 0);
}

START_TEST(other_maps_of_a_resized_file_keep_their_length)
{
	const char *path = a_file("file", 5000);
	struct mipc_map *map = have(mipc_map_open(path, 0, NULL));
	char byte;

	held = have(mipc_map_open(path, 0, NULL));
	must_eq(mipc_map_resize(map, 10000), 0);
	must_eq(mipc_map_length(held), 5000);
	must_error(mipc_map_get(held, 5000, 5001, &byte, 1), ERANGE);
	must_eq(mipc_map_size(held), 10000);
	must_eq(mipc_map_resize(held, 10000), 0);
	put(map, 9999, "!");
	must_hold(held, 9999, "!");
	must_eq(mipc_map_resize(held, 5000), 0);
	must_error(mipc_map_get(map, 9999, 10000, &byte, 1), EIO);
	must_error(mipc_map_get(map, 5000, 5001, &byte, 1), EIO);
	must_hold(map, 4999, "h");
	must_eq(mipc_map_resize(map, 100), 0);
	finish(spawn(BY_FORK, see_it, NULL));
	must_eq(mipc_map_resize(held, 6000), 0);
	must_eq(mipc_map_get(held, 100, 101, &byte, 1), 0);
	must_eq(byte, 0);
}
END_TEST

static void
resize_much(void *path)
{
	struct mipc_map *map;

	for (int i = 0; i < 300; i++) {
		map = have(mipc_map_open(path, 3 * PAGE, NULL));
		must_eq(mipc_map_resize(map, (size_t)(i % 7 + 1) * 5000), 0);
		mipc_map_free(map);
		map = have(mipc_map_open(path, 0, NULL));
		mipc_map_free(map);
	}
}

START_TEST(opening_beside_resizing)
{
	char path[PATH_MAX];
	pid_t pid;

	snprintf(path, sizeof(path), "%s", a_file("file", 1));
	pid = spawn(BY_FORK, resize_much, path);
	resize_much(path);
	finish(pid);
}
END_TEST

/* From now on this system call fails so. */
static void
inject(int number, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
		    SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	must_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	must_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(flush_writes_a_range_and_says_if_it_failed)
{
	const char *path = a_file("file", 100000);
	struct mipc_map *map = have(mipc_map_open(path, 0, NULL));
	struct mipc_map *copy = have(mipc_map_open(path, 0, COPY));

	put(map, 50000, "flushed");
	must_eq(mipc_map_flush(map, 0, MIPC_MAP_END), 0);
	must_eq(mipc_map_flush(map, 50000, 7), 0);
	must_eq(mipc_map_flush(map, 99999, MIPC_MAP_END), 0);
	must_eq(mipc_map_flush(map, 100000, 0), 0);
	must_error(mipc_map_flush(map, 99999, 2), ERANGE);
	must_error(mipc_map_flush(map, 100001, MIPC_MAP_END), ERANGE);
	inject(SYS_msync, EIO);
	must_error(mipc_map_flush(map, 0, MIPC_MAP_END), EIO);
	must_error(mipc_map_flush(map, 50000, 7), EIO);
	must_eq(mipc_map_flush(copy, 0, MIPC_MAP_END), 0);
}
END_TEST

START_TEST(advise_is_the_kernels)
{
	struct mipc_map *map = have(mipc_map_open(a_file("file", 3 * PAGE), 0,
	    COPY));

	must_eq(mipc_map_advise(map, 0, MIPC_MAP_END, MADV_SEQUENTIAL), 0);
	put(map, 0, "own");
	put(map, PAGE, "own");
	must_eq(mipc_map_advise(map, PAGE, MIPC_MAP_END, MADV_DONTNEED), 0);
	must_hold(map, 0, "own");
	must_hold(map, 26, "abc");
	must_eq(mipc_map_advise(map, 0, PAGE, MADV_DONTNEED), 0);
	must_hold(map, 0, "abc");
	must_error(mipc_map_advise(map, 1, PAGE, MADV_NORMAL), EINVAL);
	must_error(mipc_map_advise(map, 0, PAGE, 4711), EINVAL);
	must_error(mipc_map_advise(map, 0, 3 * PAGE + 1, MADV_NORMAL),
	    ERANGE);
}
END_TEST

START_TEST(protect_changes_what_may_be_done)
{
	const char *path = a_file("file", 100);
	struct mipc_map *map = have(mipc_map_open(path, 0, NULL));
	struct mipc_map *read;

	must_eq(mipc_map_protect(map, PROT_READ), 0);
	must_error(mipc_map_set(map, 0, 1, "x", 1), EACCES);
	must_error(mipc_map_store(map, 0, 8, 1), EACCES);
	must_error(mipc_map_resize(map, 10), EACCES);
	must_eq(mipc_map_protect(map, PROT_NONE), 0);
	must_error(mipc_map_read_byte(map), EACCES);
	must_error(mipc_map_find(map, "a", 1, 0, 1), EACCES);
	must_eq(mipc_map_protect(map, PROT_READ | PROT_WRITE), 0);
	put(map, 0, "x");
	must_error(mipc_map_protect(map, 0x100), EINVAL);
	read = have(mipc_map_open(path, 0, READ));
	must_error(mipc_map_protect(read, PROT_READ | PROT_WRITE), EACCES);
	must_error(mipc_map_set(read, 0, 1, "x", 1), EACCES);
}
END_TEST

void
add_map_size_tests(TCase *tc)
{
	testing_add(tc, resize_takes_the_file_with_it);
	testing_add(tc, resize_is_refused_with_a_reason);
	testing_add(tc, what_is_behind_the_map_is_not_cut_off);
	testing_add(tc, other_maps_of_a_resized_file_keep_their_length);
	testing_add(tc, opening_beside_resizing);
	testing_add(tc, flush_writes_a_range_and_says_if_it_failed);
	testing_add(tc, advise_is_the_kernels);
	testing_add(tc, protect_changes_what_may_be_done);
}
