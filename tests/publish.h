/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish.h - what the files of tests/publish share.
 */
#ifndef TEST_PUBLISH_H
#define TEST_PUBLISH_H

#include "harness.h"
#include "mipc.h"

/* A publication in memory of its own, shared with children. */
struct mipc_publication *make(size_t most, unsigned buffers);
void	drop(struct mipc_publication *p);

/* publish_calls.c */
#define CALLS	16
void	test_init(void);
void	test_values(void);
void	test_in_place(void);
void	test_read_only(void);
void	test_hostile(void);

#endif
