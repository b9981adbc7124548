/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view.c - mappings, made only of what fstat(2) says is there, and where the
 * library's own ones lie.
 *
 * A mapping may be longer than its file: the address space is taken once and
 * never moves, and whoever uses bytes beyond the length knows by the object's
 * own fields that they have been given space.
 *
 * Programs choose attach addresses by looking for a hole, and expect it to be
 * there a few calls later.  So what the library maps for itself after a
 * program began to use it goes into arenas, address space that is reserved
 * once.  Heads of objects have one of their own, whose places are used again.
 */
#include "view.h"

#include <errno.h>

#include "atomic.h"
#include "bus.h"
#include "sys.h"

#if __SIZEOF_POINTER__ == 8
#define ARENA_BYTES	((size_t)1 << 34)
#else
#define ARENA_BYTES	((size_t)1 << 25)
#endif
#define SMALL		((size_t)1 << 20)	/* private memory it holds */
#define SPARE_PLACES	32768u

struct arena {
	_Atomic(char *) base;		/* NULL until used, or refused */
	mipc_u32 tried;
	_Atomic(size_t) taken;		/* bytes, from its start */
};

static struct arena common, heads;
/* Places of heads, of `head_size` bytes, that are free again.  [gate] */
static void **spare;
static size_t head_size, spares;

static size_t
whole_pages(size_t size)
{
	size_t page = mipc_sys_page();

	return (size + page - 1) & ~(page - 1);
}

static bool
holds(const struct arena *arena, const char *at)
{
	const char *base = mipc_peek(&arena->base);

	return base != NULL && at >= base && at < base + ARENA_BYTES;
}

/* The next bytes of an arena, which is reserved when first asked. */
static void *
take(struct arena *arena, size_t size)
{
	void *at;
	size_t offset;

	if (atomic_exchange(&arena->tried, 1) == 0 &&
	    mipc_sys_map(NULL, ARENA_BYTES, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &at) == 0)
		mipc_give(&arena->base, at);
	if (mipc_take(&arena->base) == NULL)
		return NULL;
	offset = mipc_peek(&arena->taken);
	do {
		if (size > ARENA_BYTES - offset)
			return NULL;
	} while (!atomic_compare_exchange_weak(&arena->taken, &offset,
	    offset + size));
	return mipc_take(&arena->base) + offset;
}

void *
mipc_view_place(size_t size, int *flags)
{
	void *at = take(&common, whole_pages(size));

	if (at != NULL)
		*flags |= MAP_FIXED;
	return at;
}

static void *
head_place(size_t size, int *flags)
{
	void *at, *memory;

	size = whole_pages(size);
	if (head_size == 0 && mipc_view_private(SPARE_PLACES * sizeof(*spare),
	    &memory) == 0) {
		spare = memory;
		head_size = size;
	}
	if (size == head_size && spares > 0)
		at = spare[--spares];
	else
		at = take(&heads, size);
	if (at != NULL)
		*flags |= MAP_FIXED;
	return at;
}

/* Unmap; a place in an arena stays reserved, one of a head for the next. */
static void
unmap(void *at, size_t size)
{
	void *out;

	size = whole_pages(size);
	if (!holds(&common, at) && !holds(&heads, at)) {
		mipc_sys_unmap(at, size);
		return;
	}
	mipc_sys_map(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE | MAP_FIXED, -1, 0, &out);
	if (holds(&heads, at) && size == head_size && spares < SPARE_PLACES)
		spare[spares++] = at;
}

/* What the file open at `fd` is, if it is what it should be. */
static int
look(int fd, uint64_t least, struct mipc_view *out)
{
	struct stat st;
	int r;

	r = mipc_sys_fstat(fd, &st);
	if (r < 0)
		return -r;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < least)
		return EIO;
	out->length = (uint64_t)st.st_size;
	out->uid = st.st_uid;
	out->ino = st.st_ino;
	return 0;
}

/* Map it where `map` says, or anywhere; the place goes back if it fails. */
static int
map_at(int fd, struct mipc_view *map, int flags)
{
	void *place = map->base;
	int r;

	r = mipc_sys_map(place, map->size, map->prot, flags, fd, 0,
	    &map->base);
	if (r != 0 && place != NULL)
		unmap(place, map->size);
	return -r;
}

int
mipc_view_fd(int fd, size_t size, uint64_t least, int prot,
    struct mipc_view *out)
{
	struct mipc_view map = { .size = size, .prot = prot, .guard = -1 };
	int flags = MAP_SHARED | MAP_NORESERVE, error;

	error = look(fd, least, &map);
	if (error != 0)
		return error;
	map.base = mipc_view_place(size, &flags);
	error = map_at(fd, &map, flags);
	if (error == 0)
		*out = map;
	return error;
}

/* Of a file that was looked at. */
static int
map_guarded(int fd, struct mipc_view *map)
{
	int flags = MAP_SHARED | MAP_NORESERVE, error;

	map->base = head_place(map->size, &flags);
	error = map_at(fd, map, flags);
	if (error == 0)
		map->guard = mipc_bus_guard(map->base, map->size);
	return error;
}

int
mipc_view_head(int fd, size_t size, uint64_t least, struct mipc_view *out)
{
	struct mipc_view map = { .size = size, .prot = out->prot };
	int error;

	error = look(fd, least, &map);
	if (error == 0)
		error = map_guarded(fd, &map);
	if (error == 0)
		*out = map;
	return error;
}

int
mipc_view_passing(int fd, size_t size, uint64_t least, struct mipc_view *out)
{
	struct mipc_view map = { .size = size, .prot = out->prot };
	int error;

	error = look(fd, least, &map);
	if (error == 0)
		error = map_at(fd, &map, MAP_SHARED | MAP_NORESERVE);
	if (error != 0)
		return error;
	map.guard = mipc_bus_guard(map.base, map.size);
	*out = map;
	return 0;
}

int
mipc_view_whole(int fd, uint64_t least, uint64_t most,
    struct mipc_view *out)
{
	struct mipc_view map = { .prot = out->prot };
	int error;

	error = look(fd, least, &map);
	if (error == 0 && map.length > most)
		error = EIO;
	map.size = (size_t)map.length;
	if (error == 0)
		error = map_guarded(fd, &map);
	if (error == 0)
		*out = map;
	return error;
}

void
mipc_view_close(struct mipc_view *map)
{
	mipc_bus_unguard(map->guard);
	if (map->base != NULL)
		unmap(map->base, map->size);
	map->base = NULL;
	map->guard = -1;
}

int
mipc_view_private(size_t size, void **out)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *at = NULL;

	if (size <= SMALL)
		at = mipc_view_place(size, &flags);
	return -mipc_sys_map(at, size, PROT_READ | PROT_WRITE, flags, -1, 0,
	    out);
}

void
mipc_view_free(void *at, size_t size)
{
	unmap(at, size);
}
