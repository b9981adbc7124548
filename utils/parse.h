/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h - what stands on command lines: numbers, identifiers, keys, times.
 *
 * The first are false, with nothing written, for a text that is none; the
 * others take the argument of an option, whose name they are told, and return
 * -1, or an exit code after a message.
 */
#ifndef MIPC_PARSE_H
#define MIPC_PARSE_H

#include <stdbool.h>
#include <sys/types.h>

/* Digits with K, M or G behind them, powers of 1024. */
bool	parse_number(const char *text, unsigned long long *out);

/* Nine bits, in octal. */
bool	parse_mode(const char *text, int *out);

/* Digits with s (or nothing), m, h, d or w behind them: seconds. */
bool	parse_age(const char *text, long long *out);

/* A user's name or number. */
bool	parse_user(const char *text, uid_t *out);

/* The number of an object. */
int	parse_id(const char *option, const char *text, int *out);

/*
 * A key: a number in C's notation; or PATH:PROJ, ftok(3)'s key of a file, where
 * PROJ is a number or else one character.
 */
int	parse_key(const char *option, const char *text, key_t *out);
/* The same of an object that is to be found: IPC_PRIVATE is nobody's. */
int	parse_shared_key(const char *option, const char *text, key_t *out);

#endif
