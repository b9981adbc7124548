/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_map.h - what the tests of mipc_map.h share.
 */
#ifndef CHECK_MAP_H
#define CHECK_MAP_H

#include "testing.h"

#include <sys/mman.h>

#include "mipc.h"

#define PAGE		((size_t)mipc_map_granularity())
#define HOW(...)	(&(struct mipc_map_how){ __VA_ARGS__ })
#define READ		HOW(.access = MIPC_MAP_READ)
#define COPY		HOW(.access = MIPC_MAP_COPY)
#define CREAT		HOW(.options = MIPC_MAP_CREAT)

/* A path in the test's directory, until the next four calls. */
const char *in_dir(const char *name);
/* A file there of so many bytes, 'a' to 'z' over and over. */
const char *a_file(const char *name, size_t size);
off_t	file_size(const char *path);
/* 512-byte blocks that it takes up. */
long	file_blocks(const char *path);
bool	exists(const char *path);
void	cut(const char *path, off_t size);

/* The map, which must be one. */
struct mipc_map *have(struct mipc_map *map);
/* What a slice of it holds is this text. */
void	must_hold(struct mipc_map *map, size_t at, const char *text);
void	put(struct mipc_map *map, size_t at, const char *text);

void	add_map_tests(TCase *tc);
void	add_map_open_tests(TCase *tc);
void	add_map_use_tests(TCase *tc);
void	add_map_size_tests(TCase *tc);
void	add_map_share_tests(TCase *tc);
void	add_map_lost_tests(TCase *tc);

#endif
