/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.c - mappings, made only of what fstat(2) says is there, and where the
 * library's own ones lie.
 *
 * A mapping may be longer than its file: the address space is taken once and
 * never moves, and whoever uses bytes beyond the length knows by the object's
 * own fields that they have been given space.
 *
 * Programs choose attach addresses by looking for a hole, and expect it to be
 * there a few calls later.  So what the library maps for itself after a
 * program began to use it goes into an arena, address space that is reserved
 * once; places of the commonest size, an object's head, are used again.
 */
#include "map.h"

#include <errno.h>

#include "atomic.h"
#include "sys.h"

#if __SIZEOF_POINTER__ == 8
#define ARENA_BYTES	((size_t)1 << 34)
#else
#define ARENA_BYTES	((size_t)1 << 25)
#endif
#define SMALL		((size_t)1 << 20)	/* private memory that it holds */
#define SPARE_PLACES	32768u

static char *arena;			/* NULL until used, or refused */
static _Atomic(size_t) taken;		/* bytes of it, from its start */
/* Places of `spare_size` bytes that are free again.  [gate] */
static void **spare;
static size_t spare_size, spares;

static bool
in_arena(const void *at)
{
	return arena != NULL && (const char *)at >= arena &&
	    (const char *)at < arena + ARENA_BYTES;
}

static void
reserve_arena(void)
{
	static mipc_u32 tried;
	void *at;

	if (atomic_exchange(&tried, 1) != 0)
		return;
	if (mipc_sys_map(NULL, ARENA_BYTES, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &at) == 0)
		arena = at;
}

void *
mipc_map_place(size_t size, int *flags)
{
	size_t page = mipc_sys_page(), at;

	size = (size + page - 1) & ~(page - 1);
	if (size == spare_size && spares > 0) {
		*flags |= MAP_FIXED;
		return spare[--spares];
	}
	reserve_arena();
	if (arena == NULL)
		return NULL;
	at = atomic_fetch_add(&taken, size);
	if (at > ARENA_BYTES - size)
		return NULL;
	*flags |= MAP_FIXED;
	return arena + at;
}

/* Unmap; a place in the arena stays reserved, one of a head for the next. */
static void
unmap(void *at, size_t size)
{
	size_t page = mipc_sys_page();
	void *out;

	size = (size + page - 1) & ~(page - 1);
	if (!in_arena(at)) {
		mipc_sys_unmap(at, size);
		return;
	}
	mipc_sys_map(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE | MAP_FIXED, -1, 0, &out);
	if (size == spare_size && spares < SPARE_PLACES)
		spare[spares++] = at;
}

void
mipc_map_reuse(size_t size)
{
	size_t page = mipc_sys_page();
	void *memory;

	if (spare_size != 0 || mipc_map_private(SPARE_PLACES * sizeof(*spare),
	    &memory) != 0)
		return;
	spare = memory;
	spare_size = (size + page - 1) & ~(page - 1);
}

int
mipc_map_fd(int fd, size_t size, uint64_t least, int prot,
    struct mipc_map *out)
{
	struct mipc_map map = { .size = size, .guard = -1 };
	int flags = MAP_SHARED | MAP_NORESERVE, r;
	struct stat st;
	void *at;

	r = mipc_sys_fstat(fd, &st);
	if (r < 0)
		return -r;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < least)
		return EIO;
	map.length = (uint64_t)st.st_size;
	map.uid = st.st_uid;
	map.ino = st.st_ino;
	at = mipc_map_place(size, &flags);
	r = mipc_sys_map(at, size, prot, flags, fd, 0, &map.base);
	if (r < 0) {
		if (at != NULL)
			unmap(at, size);
		return -r;
	}
	*out = map;
	return 0;
}

void
mipc_map_close(struct mipc_map *map)
{
	if (map->base != NULL)
		unmap(map->base, map->size);
	map->base = NULL;
}

int
mipc_map_private(size_t size, void **out)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *at = NULL;

	if (size <= SMALL)
		at = mipc_map_place(size, &flags);
	return -mipc_sys_map(at, size, PROT_READ | PROT_WRITE, flags, -1, 0,
	    out);
}

void
mipc_map_free(void *at, size_t size)
{
	unmap(at, size);
}
