/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spoil.c - objects that are spoilt under those who use them.
 */
#include "spoil.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- files ------------------------------------------------------------- */

void
patch(const char *path, off_t at, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd != -1);
	must_eq(pwrite(fd, bytes, size, at), (ssize_t)size);
	close(fd);
}

void
damage(const char *path, enum damage how)
{
	static unsigned char bytes[4096];
	struct stat st;

	must_eq(stat(path, &st), 0);
	memset(bytes, how == ONES ? 0xff : 0, sizeof(bytes));
	for (size_t i = 0; how == NOISE && i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)rand();
	if (how == CUT_ALL || how == CUT)
		must_eq(truncate(path, how == CUT_ALL ? 0 : CUT_TO), 0);
	else if (how == ABSENT || how == FIFO)
		must_eq(unlink(path), 0);
	else
		patch(path, 0, bytes, st.st_size < 4096 ?
		    (size_t)st.st_size : 4096);
	if (how == FIFO)
		must_eq(mkfifo(path, 0600), 0);
}

/* --- a peer ------------------------------------------------------------ */

uint64_t
any_word(uint64_t old)
{
	switch (rand() % 8) {
	case 0:
		return 0;
	case 1:
		return ~0ull;
	case 2:
		return old + (uint64_t)(rand() % 3) - 1;
	case 3:
		return old ^ 1ull << (rand() % 64);
	case 4:
		return (uint64_t)rand() % 600;
	case 5:
		return 1ull << (rand() % 64);
	case 6:
		return 0x7fffffff80000000ull;
	default:
		return (uint64_t)rand() << 32 ^ (uint64_t)rand();
	}
}

static void *
map_path(const char *path, size_t *size)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	void *p;

	must(fd != -1);
	must_eq(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	p = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED);
	must_eq(close(fd), 0);
	return p;
}

void *
map_file_of(int id, size_t *size)
{
	return map_path(file_of_one(id), size);
}

void *
map_named(const char *name, size_t *size)
{
	return map_path(file_of(name), size);
}

void
scribble(void *arg)
{
	const struct scribble *s = arg;
	_Atomic uint64_t *word;
	size_t size, to;

	word = map_file_of(s->id, &size);
	to = s->to == 0 || s->to > size ? size : s->to;
	srand(s->seed);
	reach(1);
	while (board->stage < 2) {
		size_t i = (s->from + (size_t)rand() % (to - s->from)) / 8;

		word[i] = any_word(word[i]);
		for (int pause = rand() % 200; pause > 0; pause--)
			atomic_signal_fence(memory_order_seq_cst);
	}
}

void
truncate_and_grow(void *arg)
{
	const char *path = file_of_one(*(int *)arg);
	struct stat st;

	must_eq(stat(path, &st), 0);
	reach(1);
	while (board->stage < 2) {
		must_eq(truncate(path, 0), 0);
		must_eq(truncate(path, st.st_size), 0);
	}
}

/* --- space ------------------------------------------------------------- */

void
move_to_small_filesystem(void)
{
	ipc->leave();
	if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL,
	    MS_REC | MS_PRIVATE, NULL) == -1 || mount("none", testing_dir,
	    "tmpfs", 0, "size=8m,nr_inodes=40") == -1)
		testing_skip("mounting is not allowed here");
	must(ipc->enter() == NULL);
}

struct statvfs
space(void)
{
	struct statvfs st;

	must_eq(statvfs(testing_dir, &st), 0);
	return st;
}

int
fill_space(void)
{
	int n = 0;

	while (ipc->shmget(IPC_PRIVATE, 256 << 10, 0600) != -1)
		n++;
	while (ipc->shmget(IPC_PRIVATE, 4096, 0600) != -1)
		n++;
	return n;
}
