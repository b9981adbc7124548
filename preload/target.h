/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * target.h - whether the preload module can be loaded into a program; for
 * the module's exec functions and for mipcrun.
 *
 * Reads the file and nothing else; no malloc, no libc function that another
 * preload may wrap, so that a vfork() child may ask.
 */
#ifndef MIPC_TARGET_H
#define MIPC_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum target_verdict {
	TARGET_UNKNOWN,		/* nothing the kernel would run, or no ELF */
	TARGET_GOOD,
	TARGET_BARRED,		/* the module cannot be loaded */
	TARGET_DOUBTFUL		/* it cannot be read */
};

struct target {
	const char *why;	/* barred, doubtful: "it is ..." */
	char through[256];	/* the interpreter of a script it is about */
	uint64_t device, inode;	/* of the file that was judged */
};

/*
 * Judge the file that execveat(dirfd, path, ..., flags) would run; of a
 * script, its interpreter.  `preloads` is the LD_PRELOAD that it would run
 * with, or NULL.
 */
enum target_verdict target_judge(int dirfd, const char *path, int flags,
	    const char *preloads, struct target *);

enum { TARGET_DESCRIPTOR_PATH = 32 };

/* The path that leads to what a descriptor is open on. */
void	target_descriptor_path(unsigned fd,
	    char path[static TARGET_DESCRIPTOR_PATH]);

/*
 * Find what execvp(name) would run, along $PATH.  False, with `path` empty,
 * if there is nothing or it does not fit.
 */
bool	target_find(const char *name, char *path, size_t size);

#endif
