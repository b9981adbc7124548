/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * preload.h - what the files of the preload module share.
 *
 * The module lives in programs that do not know of it, so it does nothing
 * until it is called: no constructor, no namespace, no descriptor.  Functions
 * it stands in front of are looked up when they are first needed; what runs
 * before an exec allocates nothing and takes no lock of its own, because it
 * may run in a vfork() child or a signal handler.
 */
#ifndef MIPC_PRELOAD_H
#define MIPC_PRELOAD_H

#include "mipc.h"
#include "sys.h"

/* Lines on standard error, put together without malloc or stdio. */
struct preload_line {
	size_t used;
	char text[1024];
};

void	preload_add(struct preload_line *, const char *);
void	preload_print(struct preload_line *);

/*
 * The next definition of a function after the module's, usually libc's;
 * `slot` remembers it.  NULL with errno ENOSYS if there is none.
 */
typedef void preload_function(void);
preload_function *preload_next(preload_function *_Atomic *slot,
	    const char *name);

/* Declare, and then name, the function behind one that is interposed. */
#define PRELOAD_NEXT(name)	static preload_function *_Atomic next_##name
#define NEXT(name)							\
	((__typeof__(&name))preload_next(&next_##name, #name))

/*
 * The namespace of the program, opened at the first call; NULL with errno,
 * and a line on standard error, if it cannot be.
 */
struct mipc_ns *preload_namespace(void);
/* The same, if there has been a call; else NULL. */
struct mipc_ns *preload_opened(void);

/*
 * Promise the library to report every change of credentials and, where they
 * are seen, of memory.
 */
void	preload_promise(void);

/*
 * Whether all of [pointer, pointer + size) can be read, or written, now; size
 * is not 0.  The latter overwrites some of it.
 */
bool	preload_readable(const void *pointer, size_t size);
bool	preload_writable(void *pointer, size_t size);
/* As preload_writable, but it stays as it is, and is remembered. */
bool	preload_fillable(void *pointer, size_t size);
/* From now on it is reported that some memory has gone, or lost its access. */
void	preload_remember_pages(void);
void	preload_forget_pages(void);

/*
 * What libc's syscall() does with a number that is not an IPC call; changes
 * of memory are reported.
 */
enum { PRELOAD_ARGUMENTS = 6 };
long	preload_pass(long number, const long *arguments);

/* unshare(), by name or by number. */
int	preload_unshare(int flags);

/*
 * Whether a program that is executed now inherits a descriptor whose writes
 * set numbers of the namespace (proc_set.c), and must be told.
 */
bool	preload_hands_down(void);
/* An environment that tells, in space for two pointers more than it has. */
char *const *preload_hand_down(char *const envp[], char **space);
size_t	preload_count(char *const envp[]);

/*
 * 0 if the program may be executed, else EACCES: it cannot be preloaded and
 * MIPC_STRICT is 1.  Warns of one that cannot.  `flags` are execveat's.
 */
int	preload_judge(int dirfd, const char *path, int flags,
	    char *const envp[]);

#endif
