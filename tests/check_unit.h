/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_unit.h - what the tests of the library's layers share.
 *
 * They look inside: a namespace's store is opened without the layers above
 * it, and its lives follow forks by hooks of the tests' own.
 */
#ifndef CHECK_UNIT_H
#define CHECK_UNIT_H

#include "testing.h"

#include "gate.h"
#include "store.h"

/* The store under test, and its lives. */
extern struct mipc_store *store;

#define lives	(&store->lives)

/* This process's life, begun if need be. */
mipc_life own_life(void);

/* The life a child tells: 64 bits on the board. */
void	tell_life(int where, mipc_life life);
mipc_life told_life(int where);

/* A child: begins its life, tells it as number 0, reach(1), await(2). */
void	live(void *arg);

void	add_call_tests(TCase *tc);
void	add_ckpt_tests(TCase *tc);
void	add_format_tests(TCase *tc);
void	add_life_tests(TCase *tc);
void	add_lock_tests(TCase *tc);
void	add_map_tests(TCase *tc);
void	add_msg_tests(TCase *tc);
void	add_wait_tests(TCase *tc);
void	add_yield_tests(TCase *tc);

#endif
