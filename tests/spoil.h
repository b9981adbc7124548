/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spoil.h - objects that are spoilt under those who use them: damaged files,
 * a peer that writes nonsense, a disk that is full.  For the directory store.
 */
#ifndef SPOIL_H
#define SPOIL_H

#include "clauses.h"

#include <sys/statvfs.h>
#include <limits.h>

/* --- files ------------------------------------------------------------- */

#define CUT_TO	700	/* within any object's head, and a page of data */

enum damage { CUT_ALL, CUT, ZEROS, ONES, NOISE, ABSENT, FIFO, DAMAGES };

/* Write `size` bytes into a file of the namespace. */
void	patch(const char *path, off_t at, const void *bytes, size_t size);
void	damage(const char *path, enum damage how);

/* --- a peer ------------------------------------------------------------ */

/* All of it, for writing; *size the file's.  By a file's name, the same. */
void	*map_file_of(int id, size_t *size);
void	*map_named(const char *name, size_t *size);
/* What a confused or hostile writer would put in a word's place. */
uint64_t any_word(uint64_t old);

/*
 * A child's body: write words into some bytes of an object's file, over and
 * over, from stage 1 until stage 2 is reached.
 */
struct scribble {
	int id;
	unsigned seed;
	size_t from, to;	/* to 0: all of it */
};
void	scribble(void *scribble);
/* The same: its file becomes empty and large again, over and over. */
void	truncate_and_grow(void *id);

/* --- space ------------------------------------------------------------- */

/* Go on in a namespace on a filesystem of 8 MiB and 40 files. */
void	move_to_small_filesystem(void);
struct statvfs space(void);
/* Fill what is left of it with segments; how many these were. */
int	fill_space(void);

#endif
