/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sister.h - the module for programs of another word size or machine, which
 * a name with $LIB in it leads their loader to; for target.c and mipcrun.
 *
 * What target.h says of malloc and libc's functions holds here as well.
 */
#ifndef MIPC_SISTER_H
#define MIPC_SISTER_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In any path of the module. */
#define SISTER_MODULE	"mipc-preload"

/* What the loader takes LD_PRELOAD's names apart at. */
#define SISTER_SEPARATORS	" :"

/* The start of an ELF file, which is the same in both word sizes. */
struct sister_kind {
	unsigned char ident[EI_NIDENT];
	uint16_t type, machine;
};

/* Whether both are of one word size, byte order and machine. */
bool	sister_alike(const struct sister_kind *, const struct sister_kind *);

/* What this code itself is. */
const struct sister_kind *sister_own(void);

/*
 * What the loader of this program makes of `name`.  False if that does not
 * fit, or if $LIB is in it and configure could not tell what it stands for.
 */
bool	sister_expand(const char *name, char *out, size_t size);

/* Whether `name` leads to a module that is not of our kind. */
bool	sister_exists(const char *name);

/*
 * Whether each module that a list as in LD_PRELOAD names is there for a
 * program of this kind, by $LIB; false if it names none.
 */
bool	sister_serves(const char *list, const struct sister_kind *);

#endif
