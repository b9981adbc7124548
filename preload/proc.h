/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc.h - the files below /proc that show and set what System V IPC has:
 * what they are called, what stands in them, and what is written to them.
 *
 * Depends on: preload.h.
 */
#ifndef MIPC_PROC_H
#define MIPC_PROC_H

#include "preload.h"

enum { PROC_NUMBERS = 4 };

struct proc_file {
	const char *path;
	/* A table of objects; else numbers, by their names in mipc_limit(). */
	void (*show)(struct mipc_ns *, int fd);
	const char *number[PROC_NUMBERS];
	bool wide;			/* unsigned long, else int */
};

/* The files; the last has no path. */
extern const struct proc_file proc_files[];

/* Write what stands in the file to a descriptor, from its beginning on. */
void	proc_show(struct mipc_ns *, const struct proc_file *, int fd);

/* Memory that is named like the file; a descriptor or a negative errno. */
int	proc_make(const struct proc_file *);
/*
 * The file that a descriptor was opened as, if it can be written; else NULL.
 */
const struct proc_file *proc_of(int fd);

/* Between these a thread's own calls are not looked at; they nest. */
bool	proc_enter(void);
void	proc_leave(bool outer);

/* From now on some descriptor may be one whose writes count. */
void	proc_watch(void);
/* Nothing has been written through this one yet. */
void	proc_mark_clean(int fd);

#endif
