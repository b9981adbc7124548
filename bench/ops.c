/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops.c - the six functions of each side as tables: the kernel's and mipc's
 * from calls.h, and those of what a user might pick instead.
 *
 * A key of shm_open() is a name with the key in it, and the id is the key.
 * The id of a memfd is its descriptor.  Anonymous memory has neither: its
 * only operation is to be attached.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "calls.h"

const struct bench_ops bench_kernel_ops = {
	kernel_create, kernel_find, kernel_attach,
	kernel_detach, kernel_stat, kernel_remove
};

const struct bench_ops bench_mipc_ops = {
	mipc_create, mipc_find, mipc_attach,
	mipc_detach, mipc_stat, mipc_remove
};

static void *
map_and_close(struct bench *b, int fd)
{
	void *at = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);

	close(fd);
	return at;
}

static int
unmap(struct bench *b, void *addr)
{
	return munmap(addr, b->size);
}

static int
name_open(struct bench *b, int key, int flags)
{
	char name[64];

	snprintf(name, sizeof(name), "/%s.%x", b->place->peer, (unsigned)key);
	return shm_open(name, flags, 0600);
}

static int
name_create(struct bench *b, int key, int flags)
{
	int fd = name_open(b, key, O_RDWR | O_CREAT | O_EXCL);

	(void)flags;
	if (fd == -1)
		return -1;
	if (ftruncate(fd, (off_t)b->size) == -1) {
		close(fd);
		return -1;
	}
	close(fd);
	return key;
}

static int
name_find(struct bench *b, int key)
{
	int fd = name_open(b, key, O_RDWR);

	return fd == -1 ? -1 : close(fd);
}

static void *
name_attach(struct bench *b, int key)
{
	int fd = name_open(b, key, O_RDWR);

	return fd == -1 ? MAP_FAILED : map_and_close(b, fd);
}

static int
name_stat(struct bench *b, int key)
{
	struct stat st;
	int error, fd = name_open(b, key, O_RDWR);

	if (fd == -1)
		return -1;
	error = fstat(fd, &st);
	close(fd);
	return error;
}

static int
name_remove(struct bench *b, int key)
{
	char name[64];

	snprintf(name, sizeof(name), "/%s.%x", b->place->peer, (unsigned)key);
	return shm_unlink(name);
}

const struct bench_ops bench_shm_open_ops = {
	name_create, name_find, name_attach,
	unmap, name_stat, name_remove
};

static int
memfd_make(struct bench *b, int key, int flags)
{
	int fd = memfd_create("mipc-bench", MFD_CLOEXEC);

	(void)key;
	(void)flags;
	if (fd == -1)
		return -1;
	if (ftruncate(fd, (off_t)b->size) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static void *
memfd_attach(struct bench *b, int fd)
{
	return mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static int
memfd_stat(struct bench *b, int fd)
{
	struct stat st;

	(void)b;
	return fstat(fd, &st);
}

static int
memfd_remove(struct bench *b, int fd)
{
	(void)b;
	return close(fd);
}

static int
cannot_find(struct bench *b, int key)
{
	(void)b;
	(void)key;
	errno = ENOSYS;
	return -1;
}

const struct bench_ops bench_memfd_ops = {
	memfd_make, cannot_find, memfd_attach,
	unmap, memfd_stat, memfd_remove
};

static int
anonymous_create(struct bench *b, int key, int flags)
{
	(void)b;
	(void)key;
	(void)flags;
	return 0;
}

static void *
anonymous_attach(struct bench *b, int id)
{
	(void)id;
	return mmap(NULL, b->size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static int
anonymous_remove(struct bench *b, int id)
{
	(void)b;
	return id;
}

const struct bench_ops bench_anonymous_ops = {
	anonymous_create, cannot_find, anonymous_attach,
	unmap, cannot_find, anonymous_remove
};
