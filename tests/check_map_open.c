/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_map_open.c - which files and memory are mapped, how, and the end.
 */
#include "check_map.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(open_by_path_maps_the_whole_file)
{
	const char *path = a_file("file", 10000);
	struct mipc_map *map = have(mipc_map_open(path, 0, NULL));

	must_eq(mipc_map_length(map), 10000);
	must_eq(mipc_map_size(map), 10000);
	must_eq(mipc_map_offset(map), 0);
	must_hold(map, 0, "abcdef");
	must_hold(map, 26, "abcdef");
	put(map, 9999, "!");
	must_eq(mipc_map_close(map), 0);
	must_eq(file_size(path), 10000);
	mipc_map_free(map);
	map = have(mipc_map_open(path, 0, READ));
	must_hold(map, 9999, "!");
	mipc_map_free(map);
}
END_TEST

START_TEST(a_descriptor_is_kept_or_not)
{
	int fd = open(a_file("file", 100), O_RDWR | O_CLOEXEC), open_fds;
	struct mipc_map *map;

	must(fd != -1);
	open_fds = open_descriptors();
	map = have(mipc_map_open_fd(fd, 0, NULL));
	must_eq(open_descriptors(), open_fds + 1);
	must(mipc_map_descriptor(map) != fd);
	must(fcntl(mipc_map_descriptor(map), F_GETFD) & FD_CLOEXEC);
	close(fd);
	must_eq(mipc_map_size(map), 100);
	mipc_map_free(map);
	must_eq(open_descriptors(), open_fds - 1);

	map = have(mipc_map_open(in_dir("file"), 0,
	    HOW(.options = MIPC_MAP_FORGET)));
	must_eq(open_descriptors(), open_fds - 1);
	must_error(mipc_map_descriptor(map), EBADF);
	must_error(mipc_map_size(map), EBADF);
	must_error(mipc_map_resize(map, 200), EBADF);
	must_hold(map, 0, "abc");
	mipc_map_free(map);
	must(mipc_map_open_fd(-1, 0, NULL) == NULL && errno == EBADF);
}
END_TEST

START_TEST(access_says_who_sees_what_is_written)
{
	const char *path = a_file("file", 100);
	struct mipc_map *r = have(mipc_map_open(path, 0, READ));
	struct mipc_map *w = have(mipc_map_open(path, 0,
	    HOW(.access = MIPC_MAP_WRITE)));
	struct mipc_map *c = have(mipc_map_open(path, 0, COPY));

	put(c, 0, "own");
	must_hold(r, 0, "abc");
	put(w, 3, "all");
	must_hold(r, 3, "all");
	must_hold(c, 0, "own");
	must_error(mipc_map_set(r, 0, 1, "x", 1), EACCES);
	must_error(mipc_map_write(r, "x", 1), EACCES);
	must_error(mipc_map_write_byte(r, 'x'), EACCES);
	must_error(mipc_map_move(r, 0, 1, 1), EACCES);
	must_error(mipc_map_store(r, 0, 8, 1), EACCES);
	must_hold(r, 0, "abcall");
	mipc_map_free(r);
	mipc_map_free(w);
	mipc_map_free(c);
	must_eq(chmod(path, 0400), 0);
	have(mipc_map_open(path, 0, COPY));
}
END_TEST

static void
must_refuse(const char *path, const struct mipc_map_how *how, int error)
{
	must_error((intptr_t)mipc_map_open(path, 100, how) == 0 ? -1 : 0,
	    error);
}

START_TEST(protection_and_flags_are_mmaps)
{
	const char *path = a_file("file", 100);
	struct mipc_map *map = have(mipc_map_open(path, 0,
	    HOW(.prot = PROT_READ, .flags = MAP_SHARED | MAP_POPULATE)));

	must_error(mipc_map_set(map, 0, 1, "x", 1), EACCES);
	mipc_map_free(map);
	map = have(mipc_map_open(path, 0, HOW(.prot = PROT_READ | PROT_WRITE,
	    .flags = MAP_PRIVATE | MAP_NORESERVE)));
	put(map, 0, "x");
	mipc_map_free(map);
	map = have(mipc_map_open(path, 0, HOW(.prot = PROT_NONE,
	    .flags = MAP_SHARED)));
	must_error(mipc_map_read_byte(map), EACCES);
	mipc_map_free(map);
}
END_TEST

START_TEST(what_is_unknown_or_contradicts_is_refused)
{
	const char *path = a_file("file", 100);
	const int prot = PROT_READ;

	must_refuse(path, HOW(.access = 4), EINVAL);
	must_refuse(path, HOW(.access = -1), EINVAL);
	must_refuse(path, HOW(.access = MIPC_MAP_READ, .prot = prot), EINVAL);
	must_refuse(path, HOW(.access = MIPC_MAP_READ, .flags = MAP_SHARED),
	    EINVAL);
	must_refuse(path, HOW(.prot = prot), EINVAL);
	must_refuse(path, HOW(.prot = prot, .flags = MAP_POPULATE), EINVAL);
	must_refuse(path, HOW(.prot = 0x800, .flags = MAP_SHARED), EINVAL);
	must_refuse(path, HOW(.prot = prot, .flags = MAP_SHARED | MAP_FIXED),
	    EINVAL);
	must_refuse(path, HOW(.prot = prot,
	    .flags = MAP_SHARED | MAP_ANONYMOUS), EINVAL);
	for (int bit = 0; bit < 31; bit++)
		if (mipc_map_open(path, 100, HOW(.options = 1 << bit |
		    (bit == 1 ? MIPC_MAP_CREAT : 0))) == NULL)
			must_eq(errno, bit == 1 ? EEXIST : EINVAL);
		else
			must(bit < 5);
	must_refuse(a_file("file", 100), HOW(.options = MIPC_MAP_EXCL),
	    EINVAL);
	must_refuse("", NULL, ENOENT);
	must_refuse(in_dir("none"), NULL, ENOENT);
	must_refuse(testing_dir, READ, ENODEV);
}
END_TEST

/* Every flag bit that the kernel may have: taken or EINVAL, never ignored. */
START_TEST(each_unknown_flag_is_refused)
{
	const char *path = a_file("file", 100);
	const int known = MAP_NORESERVE | MAP_POPULATE | MAP_LOCKED |
	    MAP_NONBLOCK | MAP_STACK
#ifdef MAP_32BIT
	    | MAP_32BIT
#endif
#ifdef MAP_SYNC
	    | MAP_SYNC
#endif
	    ;
	struct mipc_map *map;

	for (int bit = 2; bit < 31; bit++) {
		map = mipc_map_open(path, 0, HOW(.prot = PROT_READ,
		    .flags = MAP_SHARED | 1 << bit));
		must(map == NULL ? errno != 0 : (known & 1 << bit) != 0);
		if (map == NULL && (known & 1 << bit) == 0)
			must_eq(errno, EINVAL);
		mipc_map_free(map);
	}
}
END_TEST

START_TEST(an_offset_is_a_multiple_of_the_granularity)
{
	const char *path = a_file("file", 3 * PAGE);
	struct mipc_map *map;

	map = have(mipc_map_open(path, 0, HOW(.offset = PAGE)));
	must_eq(mipc_map_length(map), 2 * PAGE);
	must_eq(mipc_map_offset(map), PAGE);
	put(map, 0, "here");
	mipc_map_free(map);
	map = have(mipc_map_open(path, 0, NULL));
	must_hold(map, PAGE, "here");
	must_refuse(path, HOW(.offset = 1), EINVAL);
	must_refuse(path, HOW(.offset = PAGE / 2), EINVAL);
	must(mipc_map_open(path, 0, HOW(.offset = 3 * PAGE)) == NULL);
	must_eq(errno, ENODATA);
}
END_TEST

START_TEST(offsets_beyond_4_gib)
{
	const unsigned long long far = 5ull << 30;
	const char *path = a_file("file", 10);
	struct mipc_map *map;
	char byte;
	int fd;

	map = have(mipc_map_open(path, PAGE, HOW(.offset = far)));
	must(file_size(path) == (off_t)(far + PAGE));
	must(mipc_map_size(map) == (long long)(far + PAGE));
	put(map, 7, "x");
	must_eq(mipc_map_resize(map, 2 * PAGE), 0);
	must_eq(mipc_map_lock(map, 0, PAGE, MIPC_MAP_EXCLUSIVE, NULL), 0);
	mipc_map_free(map);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must_eq(pread(fd, &byte, 1, (off_t)(far + 7)), 1);
	must_eq(byte, 'x');
	must(file_size(path) == (off_t)(far + 2 * PAGE));
	close(fd);
}
END_TEST

START_TEST(a_new_file_has_its_length_and_space)
{
	const char *path = in_dir("new");
	struct mipc_map *map;
	struct stat st;

	umask(027);
	map = have(mipc_map_open(path, 100000, HOW(.options = MIPC_MAP_CREAT,
	    .mode = 0666)));
	must_eq(file_size(path), 100000);
	must(file_blocks(path) >= 100000 / 512);
	must_eq(stat(path, &st), 0);
	must_eq(st.st_mode & 07777, 0640);
	put(map, 0, "kept");
	mipc_map_free(map);
	map = have(mipc_map_open(path, 10, CREAT));
	must_hold(map, 0, "kept");
	must_eq(file_size(path), 100000);
	mipc_map_free(map);
	must_refuse(path, HOW(.options = MIPC_MAP_CREAT | MIPC_MAP_EXCL),
	    EEXIST);
	must(mipc_map_open(in_dir("empty"), 0, CREAT) == NULL);
	must_eq(errno, ENODATA);
	must(!exists(in_dir("empty")));
}
END_TEST

START_TEST(a_short_file_grows_with_space_and_keeps_what_it_has)
{
	const char *path = a_file("file", 5000);
	struct mipc_map *map = have(mipc_map_open(path, 50000, NULL));

	must_eq(file_size(path), 50000);
	must(file_blocks(path) >= 50000 / 512);
	must_hold(map, 4990, "yzabcdefgh");
	must_eq(mipc_map_load(map, 49992, 64, &(unsigned long long){ 1 }), 0);
	mipc_map_free(map);
	must(mipc_map_open(path, 50001, READ) == NULL && errno == ERANGE);
	must(mipc_map_open(path, 50001, COPY) == NULL && errno == ERANGE);
	must_eq(file_size(path), 50000);
}
END_TEST

START_TEST(without_space_there_is_an_error_and_no_signal)
{
	const char *path = a_file("file", 100);
	struct rlimit small = { 50000, 50000 };
	struct mipc_map *map = have(mipc_map_open(path, 0, NULL));

	must_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	must(mipc_map_open(path, 100000, NULL) == NULL && errno == EFBIG);
	must(mipc_map_open(in_dir("new"), 100000, CREAT) == NULL);
	must_eq(errno, EFBIG);
	must(!exists(in_dir("new")));
	must_error(mipc_map_resize(map, 100000), EFBIG);
	must_eq(mipc_map_length(map), 100);
	must_eq(file_size(path), 100);
}
END_TEST

START_TEST(a_sparse_file_takes_space_as_it_is_written)
{
	const char *path = in_dir("sparse");
	struct mipc_map *map = have(mipc_map_open(path, 16 << 20,
	    HOW(.options = MIPC_MAP_CREAT | MIPC_MAP_SPARSE)));
	long blocks = file_blocks(path);

	must_eq(file_size(path), 16 << 20);
	must(blocks <= 128);
	put(map, 8 << 20, "written");
	must(file_blocks(path) > blocks);
	must_eq(mipc_map_resize(map, 32 << 20), 0);
	must(file_blocks(path) <= 256);
	mipc_map_free(map);
}
END_TEST

START_TEST(an_empty_file_is_a_clear_error)
{
	const char *path = a_file("file", 0);

	must(mipc_map_open(path, 0, NULL) == NULL && errno == ENODATA);
	must(mipc_map_open(path, 0, READ) == NULL && errno == ENODATA);
	have(mipc_map_open(path, 10, NULL));
}
END_TEST

START_TEST(dev_zero_is_anonymous_memory)
{
	struct mipc_map *map, *shared;

	must(mipc_map_open("/dev/zero", 0, NULL) == NULL && errno == ENODATA);
	map = have(mipc_map_open("/dev/zero", 10000, COPY));
	must_eq(mipc_map_read_byte(map), 0);
	put(map, 9990, "anonymous");
	must_hold(map, 9990, "anonymous");
	must_error(mipc_map_resize(map, 20000), ENOTSUP);
	shared = have(mipc_map_open("/dev/zero", 10000, NULL));
	must_eq(mipc_map_read_byte(shared), 0);
	mipc_map_free(map);
	mipc_map_free(shared);
}
END_TEST

START_TEST(anonymous_memory_and_a_memfd)
{
	struct mipc_map *anon = have(mipc_map_anon(10000, NULL));
	struct mipc_map *own = have(mipc_map_anon(10000, COPY));
	struct mipc_map *forgot = have(mipc_map_anon(10000,
	    HOW(.options = MIPC_MAP_FORGET)));
	struct mipc_map *memfd = have(mipc_map_memfd("my name", 10000, NULL));
	char link[100], path[50];

	must_eq(mipc_map_read_byte(anon), 0);
	must(mipc_map_descriptor(anon) >= 0);
	must_error(mipc_map_descriptor(own), EBADF);
	must_error(mipc_map_descriptor(forgot), EBADF);
	must_eq(mipc_map_size(own), 10000);
	must_eq(mipc_map_resize(anon, 20000), 0);
	must_error(mipc_map_resize(own, 20000), ENOTSUP);
	must_error(mipc_map_resize(forgot, 20000), ENOTSUP);
	snprintf(path, sizeof(path), "/proc/self/fd/%d",
	    mipc_map_descriptor(memfd));
	memset(link, 0, sizeof(link));
	must(readlink(path, link, sizeof(link) - 1) > 0);
	must(strstr(link, "my name") != NULL);
	must_eq(mipc_map_resize(memfd, 20000), 0);
	must(mipc_map_anon(0, NULL) == NULL && errno == EINVAL);
	must(mipc_map_anon(PAGE, HOW(.offset = PAGE)) == NULL);
	must_eq(errno, EINVAL);
	must(mipc_map_anon(PAGE, HOW(.options = MIPC_MAP_CREAT)) == NULL);
	must_eq(errno, EINVAL);
}
END_TEST

static struct mipc_map *inherited;

static void
write_and_end(void *text)
{
	put(inherited, 0, text);
}

START_TEST(forked_children_share_anonymous_memory)
{
	inherited = have(mipc_map_anon(100, NULL));
	finish(spawn(BY_FORK, write_and_end, "kept"));
	must_hold(inherited, 0, "kept");
	inherited = have(mipc_map_anon(100, HOW(.options = MIPC_MAP_FORGET)));
	finish(spawn(BY_FORK, write_and_end, "none"));
	must_hold(inherited, 0, "none");
	inherited = have(mipc_map_anon(100, COPY));
	finish(spawn(BY_FORK, write_and_end, "own"));
	must_eq(mipc_map_read_byte(inherited), 0);
}
END_TEST

static char name[50];

static void
remove_name(void)
{
	mipc_map_unlink(name);
}

START_TEST(a_name_is_a_string_to_create_open_and_unlink)
{
	char path[100];
	struct mipc_map *a, *b;

	snprintf(name, sizeof(name), "/mipc-check-%d", (int)getpid());
	atexit(remove_name);
	must(mipc_map_name(name, 0, NULL) == NULL && errno == ENOENT);
	a = have(mipc_map_name(name, 1000, HOW(.options = MIPC_MAP_CREAT |
	    MIPC_MAP_EXCL)));
	must(mipc_map_name(name, 1000, HOW(.options = MIPC_MAP_CREAT |
	    MIPC_MAP_EXCL)) == NULL && errno == EEXIST);
	b = have(mipc_map_name(name + 1, 0, READ));
	must_eq(mipc_map_length(b), 1000);
	put(a, 0, "named");
	must_hold(b, 0, "named");
	snprintf(path, sizeof(path), "/dev/shm%s", name);
	if (access("/dev/shm", F_OK) == 0)
		must_eq(file_size(path), 1000);
	must_eq(mipc_map_unlink(name), 0);
	must_error(mipc_map_unlink(name), ENOENT);
	must_hold(b, 0, "named");
	must(mipc_map_name("a/b", 1, CREAT) == NULL && errno == EINVAL);
	must(mipc_map_name("", 1, CREAT) == NULL && errno == EINVAL);
	must(mipc_map_name("/", 1, CREAT) == NULL && errno == EINVAL);
	must(mipc_map_name("..", 1, CREAT) == NULL && errno == EINVAL);
}
END_TEST

#define TEMPORARY HOW(.options = MIPC_MAP_CREAT | MIPC_MAP_TEMPORARY)

static void
close_it(void *unused)
{
	(void)unused;
	mipc_map_free(inherited);
}

START_TEST(a_temporary_file_goes_when_it_is_closed)
{
	const char *path = in_dir("temporary");
	struct mipc_map *map;
	int n;

	inherited = have(mipc_map_open(path, 100, TEMPORARY));
	must(exists(path));
	finish(spawn(BY_FORK, close_it, NULL));
	must(exists(path));		/* it was not the child's */
	must_eq(mipc_map_close(inherited), 0);
	must(!exists(path));
	map = have(mipc_map_open(path, 100, TEMPORARY));
	must_eq(unlink(path), 0);
	a_file("temporary", 5);		/* another's */
	mipc_map_free(map);
	must(exists(path));
	must_eq(chdir(testing_dir), 0);
	map = have(mipc_map_open("relative", 100, TEMPORARY));
	must(exists(in_dir("relative")));
	must_eq(chdir("/"), 0);
	mipc_map_free(map);
	must(!exists(in_dir("relative")));
	n = open_descriptors();
	map = have(mipc_map_open(testing_dir, 100, TEMPORARY));
	must_eq(open_descriptors(), n + 1);
	put(map, 0, "nameless");
	mipc_map_free(map);
	must_eq(unlink(path), 0);
	must_eq(rmdir(testing_dir), 0);	/* there was nothing in it */
	must_eq(mkdir(testing_dir, 0755), 0);
}
END_TEST

START_TEST(closed_is_closed)
{
	const int n = open_descriptors();
	struct mipc_map *map = have(mipc_map_open(a_file("file", 100), 0,
	    NULL));
	char byte;

	must_eq(mipc_map_closed(map), 0);
	must_eq(mipc_map_lock(map, 0, 1, MIPC_MAP_SHARED, NULL), 0);
	must_eq(mipc_map_close(map), 0);
	must_eq(mipc_map_closed(map), 1);
	must_eq(mipc_map_close(map), 0);
	must_eq(open_descriptors(), n);
	must_eq(mipc_map_length(map), 0);
	must_error(mipc_map_get(map, 0, 1, &byte, 1), EBADF);
	must_error(mipc_map_set(map, 0, 1, &byte, 1), EBADF);
	must_error(mipc_map_find(map, "a", 1, 0, 1), EBADF);
	must_error(mipc_map_rfind(map, "a", 1, 0, 1), EBADF);
	must_error(mipc_map_read(map, &byte, 1), EBADF);
	must_error(mipc_map_readline(map, &byte, 1), EBADF);
	must_error(mipc_map_write(map, &byte, 1), EBADF);
	must_error(mipc_map_seek(map, 0, SEEK_SET), EBADF);
	must_error(mipc_map_tell(map), EBADF);
	must_error(mipc_map_size(map), EBADF);
	must_error(mipc_map_resize(map, 1), EBADF);
	must_error(mipc_map_flush(map, 0, MIPC_MAP_END), EBADF);
	must_error(mipc_map_advise(map, 0, MIPC_MAP_END, MADV_NORMAL), EBADF);
	must_error(mipc_map_protect(map, PROT_READ), EBADF);
	must_error(mipc_map_lock(map, 0, 1, MIPC_MAP_SHARED, NULL), EBADF);
	must_error(mipc_map_unlock(map, 0, 1), EBADF);
	must_error(mipc_map_store(map, 0, 8, 1), EBADF);
	must_error(mipc_map_send(map, 0), EBADF);
	must(mipc_map_at(map, 0, 0) == NULL && errno == EBADF);
	mipc_map_free(map);
	mipc_map_free(NULL);
	must_eq(mipc_map_closed(NULL), 1);
}
END_TEST

/* Makers and openers by the same path: nobody finds it without its length. */
static void
make_and_look(void *unused)
{
	struct mipc_map *map;

	(void)unused;
	for (int i = 0; i < 200; i++) {
		map = mipc_map_open(in_dir("raced"), 5000, CREAT);
		must(map != NULL);
		mipc_map_free(map);
		map = mipc_map_open(in_dir("raced"), 0, READ);
		if (map == NULL)
			must_eq(errno, ENOENT);
		else
			must(mipc_map_length(map) == 5000);
		mipc_map_free(map);
		unlink(in_dir("raced"));
	}
}

START_TEST(a_file_appears_whole)
{
	pid_t pid[3];

	for (int i = 0; i < 3; i++)
		pid[i] = spawn(BY_FORK, make_and_look, NULL);
	for (int i = 0; i < 3; i++)
		finish(pid[i]);
}
END_TEST

START_TEST(a_file_appears_whole_without_nameless_ones)
{
	setenv("MIPC_NO_OTMPFILE", "1", 1);
	make_and_look(NULL);
	a_new_file_has_its_length_and_space->fn(0);
	mipc_map_free(have(mipc_map_open(testing_dir, 10, TEMPORARY)));
}
END_TEST

void
add_map_open_tests(TCase *tc)
{
	testing_add(tc, open_by_path_maps_the_whole_file);
	testing_add(tc, a_descriptor_is_kept_or_not);
	testing_add(tc, access_says_who_sees_what_is_written);
	testing_add(tc, protection_and_flags_are_mmaps);
	testing_add(tc, what_is_unknown_or_contradicts_is_refused);
	testing_add(tc, each_unknown_flag_is_refused);
	testing_add(tc, an_offset_is_a_multiple_of_the_granularity);
	testing_add(tc, offsets_beyond_4_gib);
	testing_add(tc, a_new_file_has_its_length_and_space);
	testing_add(tc,
	    a_short_file_grows_with_space_and_keeps_what_it_has);
	testing_add(tc, without_space_there_is_an_error_and_no_signal);
	testing_add(tc, a_sparse_file_takes_space_as_it_is_written);
	testing_add(tc, an_empty_file_is_a_clear_error);
	testing_add(tc, dev_zero_is_anonymous_memory);
	testing_add(tc, anonymous_memory_and_a_memfd);
	testing_add(tc, forked_children_share_anonymous_memory);
	testing_add(tc, a_name_is_a_string_to_create_open_and_unlink);
	testing_add(tc, a_temporary_file_goes_when_it_is_closed);
	testing_add(tc, closed_is_closed);
	testing_add(tc, a_file_appears_whole);
	testing_add(tc, a_file_appears_whole_without_nameless_ones);
}
