/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boost.h - message queues of Boost.Interprocess, for C.
 */
#ifndef BOOST_H
#define BOOST_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of `count` messages of `size` bytes, without a name; or NULL. */
void	*boost_queue_make(const char *name, size_t count, size_t size);
void	boost_queue_drop(void *queue);
/* 0, or -1. */
int	boost_queue_send(void *queue, const void *text, size_t size);
int	boost_queue_take(void *queue, void *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
