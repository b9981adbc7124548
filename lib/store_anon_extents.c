/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_anon_extents.c - which pages of the region hold whose data.
 *
 * The extents are the truth, one word each; the page map is what a search for
 * free pages wants, and is marked anew from them when somebody died with the
 * lock.
 */
#include "store_anon.h"

#include <errno.h>

#include "crash.h"
#include "lock.h"

static mipc_u64 *
map_word(const struct anon_store *s, uint64_t page)
{
	return (mipc_u64 *)(void *)at_page(s, s->region->map) + page / 64;
}

static bool
taken(const struct anon_store *s, uint64_t page)
{
	return (mipc_peek(map_word(s, page)) >> (page % 64) & 1) != 0;
}

static void
mark(const struct anon_store *s, uint64_t first, uint64_t n, bool on)
{
	for (uint64_t page = first; page < first + n; page++) {
		mipc_u64 *word = map_word(s, page);
		uint64_t bit = 1ull << (page % 64), bits = mipc_peek(word);

		mipc_put(word, on ? bits | bit : bits & ~bit);
	}
}

/* What the extents say, after somebody died while changing them. */
static void
mark_anew(struct anon_store *s)
{
	uint64_t extent;

	mark(s, s->region->data, s->region->pages - s->region->data, false);
	for (int kind = 0; kind < MIPC_KINDS; kind++)
		for (uint32_t i = 0; i < MIPC_INDEX_MAX; i++) {
			extent = mipc_peek(&s->region->extent[kind][i]);
			if (extent != 0)
				mark(s, extent >> 32, (uint32_t)extent, true);
		}
}

/* Held for the change of a few words only. */
static int
lock_extents(struct anon_store *s)
{
	mipc_life self;
	int error;

	error = mipc_life_self(&s->store.lives, &self);
	if (error != 0)
		return error;
	while ((error = mipc_lock_try(&s->region->lock, &s->store.lives,
	    self)) == EBUSY)
		mipc_lock_sleep(&s->region->lock);
	if (error == EOWNERDEAD)
		mark_anew(s);
	return 0;
}

/* The first run of `n` free pages in [from, to), or 0. */
static uint64_t
find_run(const struct anon_store *s, uint64_t from, uint64_t to, uint64_t n)
{
	uint64_t run = 0;

	for (uint64_t page = from; page < to; page++) {
		if (page % 64 == 0 && run == 0 &&
		    mipc_peek(map_word(s, page)) == UINT64_MAX) {
			page += 63;
			continue;
		}
		run = taken(s, page) ? 0 : run + 1;
		if (run == n)
			return page + 1 - n;
	}
	return 0;
}

int
mipc_anon_allocate(struct anon_store *s, mipc_u64 *extent, uint64_t n)
{
	uint64_t start = mipc_peek(&s->region->cursor), page;
	int error;

	error = lock_extents(s);
	if (error != 0)
		return error;
	if (start < s->region->data || start >= s->region->pages)
		start = s->region->data;
	page = find_run(s, start, s->region->pages, n);
	if (page == 0)
		page = find_run(s, s->region->data, s->region->pages, n);
	if (page != 0) {
		mark(s, page, n, true);
		mipc_crash_point("anon: marked");
		mipc_give(extent, page << 32 | n);
		mipc_put(&s->region->cursor, page + n);
	}
	mipc_lock_release(&s->region->lock);
	return page != 0 ? 0 : ENOMEM;
}

int
mipc_anon_give_back(struct anon_store *s, mipc_u64 *extent)
{
	uint64_t old;
	int error;

	error = lock_extents(s);
	if (error != 0)
		return error;
	old = mipc_peek(extent);
	if (old != 0) {
		mipc_sys_advise(at_page(s, old >> 32), (uint32_t)old *
		    s->store.lives.page, MADV_REMOVE);
		mipc_crash_point("anon: emptied");
		mipc_give(extent, 0);
		mark(s, old >> 32, (uint32_t)old, false);
	}
	mipc_lock_release(&s->region->lock);
	return 0;
}
