/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * survey.h - all objects of a kind, as a list shows them.
 */
#ifndef MIPC_SURVEY_H
#define MIPC_SURVEY_H

#include "object.h"

/*
 * All objects of a kind in a namespace, lowest index first, for free(); what
 * cannot be read is among them, and its `error` says why.  NULL with errno if
 * there is no memory.
 */
struct object *survey(struct mipc_ns *, enum mipc_kind, size_t *n);

/* The same by a facility's calls, of what is no namespace's. */
struct object *survey_calls(const struct facility *, enum mipc_kind,
	    size_t *n);

/* One object; -1 with errno: EINVAL, there is none. */
int	survey_one(struct mipc_ns *, enum mipc_kind, int id, struct object *);

#endif
