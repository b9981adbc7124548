/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h - a line for each call, as strace(1) writes it.
 *
 * Depends on: preload.h.
 */
#ifndef MIPC_TRACE_H
#define MIPC_TRACE_H

#include "preload.h"

#include <sys/sem.h>
#include <stdatomic.h>

enum trace_state { TRACE_NOT_ASKED, TRACE_OFF, TRACE_ON };

/* A: asked for at the first call; off again when nobody reads. */
extern atomic_int trace_state __attribute__((visibility("hidden")));

bool	trace_ask(void);

static inline bool
trace_is_on(void)
{
	int state = atomic_load_explicit(&trace_state, memory_order_relaxed);

	return state == TRACE_ON || (state == TRACE_NOT_ASKED && trace_ask());
}

/* --- lines ------------------------------------------------------------- */

enum { TRACE_LINE = 2048 };	/* bytes; what is longer is cut off */

struct trace_line {
	size_t used;
	char text[TRACE_LINE];
};

/* A word of a set, or of a choice. */
struct trace_word {
	long value;
	const char *name;
};

/* Begin with the thread and the call's name. */
void	trace_begin(struct trace_line *, const char *call);
void	trace_text(struct trace_line *, const char *);
void	trace_number(struct trace_line *, long long);
void	trace_unsigned(struct trace_line *, unsigned long long);
void	trace_hex(struct trace_line *, unsigned long long);
void	trace_pointer(struct trace_line *, const volatile void *);
/* Permissions, as C writes a number of base 8 with three digits or more. */
void	trace_mode(struct trace_line *, unsigned);
/* "A|B|rest", or "0"; words end with one that has no name. */
void	trace_flags(struct trace_line *, long, const struct trace_word *);
/* One of the words, or its number. */
void	trace_choice(struct trace_line *, long, const struct trace_word *,
	    const char *unknown);
/* The start of so many bytes, quoted. */
void	trace_bytes(struct trace_line *, const char *, size_t);
/* End with the result, and with errno if it is -1; and write it. */
void	trace_end(struct trace_line *, long result);
void	trace_end_pointer(struct trace_line *, const void *result);

/* --- calls, which have returned this; errno stays as it is ------------- */

void	trace_shmget(key_t, size_t, int flags, int result);
void	trace_shmat(int id, const void *, int flags, const void *result);
void	trace_shmdt(const void *, int result);
void	trace_shmctl(int id, int cmd, const void *, int result);
void	trace_semget(key_t, int nsems, int flags, int result);
void	trace_semop(int id, const struct sembuf *, size_t nops, int result);
void	trace_semtimedop(int id, const struct sembuf *, size_t nops,
	    const struct timespec *, int result);
/* `argument` is the pointer or the value that was given, if any was. */
void	trace_semctl(int id, int number, int cmd, const void *argument,
	    int result);
void	trace_msgget(key_t, int flags, int result);
void	trace_msgsnd(int id, const void *, size_t, int flags, int result);
struct trace_receipt {
	const void *message;
	size_t size;
	long type;
	int flags;
};
void	trace_msgrcv(int id, const struct trace_receipt *, ssize_t result);
void	trace_msgctl(int id, int cmd, const void *, int result);

#endif
