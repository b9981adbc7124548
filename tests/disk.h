/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.h - what a program does to the files of one directory, and everything
 * that may be left of it when the power fails.
 *
 * A child is traced from system call to system call; after each the directory
 * and the files it has open are looked at, and what has changed is an entry of
 * a log: a block of bytes, a length, names.  What changes names in one call is
 * one entry.  fsync(2) makes the earlier entries of its file durable, and of
 * its directory the earlier names; POSIX promises no more.  After any call the
 * power may fail: then all durable entries are there, and of the others any
 * may be.
 */
#ifndef TEST_DISK_H
#define TEST_DISK_H

#include "harness.h"

#define DISK_BLOCK	4096

/* What is left: the files by name. */
struct disk_image;
/* A file's bytes, or NULL: there is none of this name. */
const unsigned char *disk_file(const struct disk_image *, const char *name,
	    size_t *size);

/*
 * Run `body` in a child, on a directory, and then call `judge` for each image
 * that may be left, with whether the body had come to its end by then.  It
 * says what is wrong, or NULL.
 */
struct disk_test {
	const char *dir;
	void (*body)(void *);
	const char *(*judge)(const struct disk_image *, bool ended, void *);
	void *arg;
	uint64_t seed;		/* where there are too many images for all */
};

struct disk_result {
	unsigned calls, entries, images, bad;
	const char *what;	/* of the first bad one */
};
void	disk_try(const struct disk_test *, struct disk_result *);

#endif
