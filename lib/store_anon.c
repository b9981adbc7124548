/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_anon.c - objects in one anonymous region, shared by fork.
 *
 * A memfd made before fork(), address space only until used, mapped twice:
 * read-write, and read-only through a read-only description, so that a
 * read-only attach (a duplicate of a piece of that window) cannot be made
 * writable.  Tables take the place of the directory (format.h has their
 * layout); page-granular extents, found by a map of bits, that of files.
 *
 * Who is attached is known from lives alone.  The region's descriptor is kept
 * only for the run locks; where a program has closed it, canaries prove life.
 *
 * A head's place is never used for anything else.  A new object there writes
 * its id before anything else, and leaves lock and sequence as they are: who
 * still holds a pointer to the old one sees another id and goes away.
 */
#include "store_anon.h"

#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "crash.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define FREED	UINT64_MAX

/* Give pages space; a full system is an error, not a signal. */
static int
populate(void *at, uint64_t length)
{
	int r;

	r = mipc_sys_advise(at, (size_t)length, MADV_POPULATE_WRITE);
	if (r == 0)
		return 0;
	if (r != -EINVAL)
		return ENOMEM;
	/* Before Linux 5.14: the pages are new, and nobody else's. */
	for (uint64_t i = 0; i < length; i += mipc_sys_page())
		((volatile char *)at)[i] = 0;
	return 0;
}

/* --- objects ----------------------------------------------------------- */

static mipc_u64 *
extent_of(struct anon_store *s, enum mipc_kind kind, uint64_t id)
{
	return &s->region->extent[kind][id % MIPC_INDEX_MAX];
}

static struct mipc_object *
head_of(struct anon_store *s, enum mipc_kind kind, uint64_t id)
{
	uint64_t page = s->region->heads;

	for (int before = 0; before < (int)kind; before++)
		page += mipc_anon_heads(s, before) *
		    mipc_anon_head_pages(s, before);
	return (struct mipc_object *)(void *)at_page(s, page +
	    id % MIPC_INDEX_MAX * mipc_anon_head_pages(s, kind));
}

/* More than the machine could ever hold is refused, as Linux does. */
static bool
absurd(uint64_t bytes)
{
	struct sysinfo info;

	return sysinfo(&info) == 0 && bytes / info.mem_unit >
	    (uint64_t)info.totalram + info.totalswap;
}

static int
make_data(struct mipc_store *store, struct mipc_draft *draft)
{
	struct anon_store *s = of(store);
	mipc_u64 *extent = extent_of(s, draft->kind, draft->id);
	uint64_t page = store->lives.page;
	uint64_t n = (draft->size + page - 1) / page;
	int error;

	if (draft->id % MIPC_INDEX_MAX >=
	    mipc_anon_heads(of(store), draft->kind))
		return ENOSPC;
	if (n >= s->region->pages || (draft->reserve && absurd(draft->size)))
		return ENOMEM;
	error = mipc_anon_allocate(s, extent, n);
	if (error != 0)
		return error;
	draft->data = (mipc_peek(extent) >> 32) * page;
	if (draft->reserve)
		error = populate(s->window + draft->data, n * page);
	if (error != 0)
		mipc_anon_give_back(s, extent);
	return error;
}

static int
open_object(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    struct mipc_view *out)
{
	size_t size = mipc_anon_head_pages(of(store), kind) * store->lives.page;

	if (id % MIPC_INDEX_MAX >= mipc_anon_heads(of(store), kind))
		return ENOENT;
	*out = (struct mipc_view){
		.base = head_of(of(store), kind, id),
		.size = size,
		.length = size,
		.guard = -1,
	};
	return 0;
}

static int
look(struct mipc_store *store, enum mipc_kind kind, uint64_t id, bool gated,
    struct mipc_source *out)
{
	struct mipc_view map;
	int error = open_object(store, kind, id, &map);

	(void)gated;
	if (error == 0)
		*out = (struct mipc_source){ .base = map.base,
		    .size = map.length, .fd = -1 };
	return error;
}

static int
look_data(struct mipc_store *store, uint64_t id, uint64_t data, uint64_t size,
    struct mipc_source *out)
{
	uint64_t all = of(store)->region->pages * store->lives.page;

	(void)id;
	if (data > all || size > all - data)
		return EIO;
	*out = (struct mipc_source){ .base = of(store)->window + data,
	    .size = size, .fd = -1 };
	return 0;
}

static int
window(struct mipc_store *store, uint64_t id, uint64_t data, size_t size,
    struct mipc_view *out)
{
	struct mipc_source source;
	int error = look_data(store, id, data, size, &source);

	if (error == 0)
		*out = (struct mipc_view){ .base = of(store)->window + data,
		    .size = size, .prot = PROT_READ | PROT_WRITE, .guard = -1 };
	return error;
}

static int
make_object(struct mipc_store *store, const struct mipc_draft *draft,
    const void *from, size_t size, struct mipc_view *out)
{
	struct mipc_object *head = head_of(of(store), draft->kind, draft->id);
	size_t kept = offsetof(struct mipc_object, state);
	int error;

	if (draft->id % MIPC_INDEX_MAX >=
	    mipc_anon_heads(of(store), draft->kind))
		return ENOSPC;
	error = populate(head, size > draft->head ? size : draft->head);
	if (error != 0)
		return error;
	mipc_put(&head->id, draft->id);
	mipc_step();		/* before what belongs to the new one */
	mipc_put(&head->redo.count, 0);
	memcpy((char *)head + kept, (const char *)from + kept, size - kept);
	memcpy(head, from, offsetof(struct mipc_object, id));
	mipc_crash_point("anon: object made");
	return open_object(store, draft->kind, draft->id, out);
}

static int
unmake(struct mipc_store *store, enum mipc_kind kind, uint64_t id)
{
	return mipc_anon_give_back(of(store), extent_of(of(store), kind, id));
}

static void
close_object(struct mipc_store *store, struct mipc_view *map)
{
	(void)store;
	map->base = NULL;
}

static int
claim(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    struct mipc_view *map, uint64_t offset, uint64_t length)
{
	uint64_t page = store->lives.page, low = offset & ~(page - 1);

	(void)kind, (void)id;
	if (offset + length > map->size)
		return ENOSPC;
	return populate((char *)map->base + low, offset + length - low);
}

static int
claim_space(struct mipc_store *store, uint64_t offset, uint64_t length)
{
	uint64_t page = store->lives.page, low = offset & ~(page - 1);

	return populate(of(store)->window + low, offset + length - low);
}

/* Bytes of so many pages that are in memory, asked a part at a time. */
static uint64_t
in_memory(struct mipc_store *store, char *at, uint64_t left)
{
	static unsigned char vector[4096];
	uint64_t page = store->lives.page, n = 0, part;

	for (; left > 0; left -= part, at += part * page) {
		part = left > sizeof(vector) ? sizeof(vector) : left;
		if (mipc_sys_resident(at, part * page, vector) != 0)
			break;
		for (uint64_t i = 0; i < part; i++)
			n += vector[i] & 1;
	}
	return n * page;
}

static uint64_t
extent_in_memory(struct mipc_store *store, enum mipc_kind kind, uint64_t id)
{
	uint64_t extent = mipc_peek(extent_of(of(store), kind, id));

	return in_memory(store, at_page(of(store), extent >> 32),
	    (uint32_t)extent);
}

static uint64_t
resident(struct mipc_store *store, uint64_t id)
{
	return extent_in_memory(store, MIPC_SHM, id);
}

static uint64_t
used(struct mipc_store *store, enum mipc_kind kind, uint64_t id)
{
	return in_memory(store, (char *)head_of(of(store), kind, id),
	    mipc_anon_head_pages(of(store), kind)) +
	    extent_in_memory(store, kind, id);
}

/* Every process of the family may open everything. */
static int
glance(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    struct mipc_perm *perm, uint64_t *size)
{
	(void)store, (void)kind, (void)id, (void)perm, (void)size;
	return EIO;
}

static int
permit(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    uint64_t key, const struct mipc_perm *perm)
{
	(void)store, (void)kind, (void)id, (void)key, (void)perm;
	return 0;
}

static void
permit_done(struct mipc_store *store, enum mipc_kind kind, uint64_t id)
{
	(void)store, (void)kind, (void)id;
}

static int
permit_begun(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    struct mipc_perm *perm)
{
	(void)store, (void)kind, (void)id, (void)perm;
	return ENOENT;
}

/* --- keys -------------------------------------------------------------- */

/*
 * The place of a key, or of the first that it may take: *free, if asked.
 * NULL if the key is not there.
 */
static mipc_u64 *
key_place(struct anon_store *s, enum mipc_kind kind, uint32_t key,
    mipc_u64 **free)
{
	uint32_t start = key * 2654435769u >> 16;
	uint64_t word;
	mipc_u64 *p;

	if (free != NULL)
		*free = NULL;
	for (uint32_t i = 0; i < MIPC_REGION_KEYS; i++) {
		p = &s->region->key[kind][(start + i) % MIPC_REGION_KEYS];
		word = mipc_take(p);
		if (word != 0 && word != FREED && word >> 32 == key)
			return p;
		if ((word == 0 || word == FREED) && free != NULL &&
		    *free == NULL)
			*free = p;
		if (word == 0)
			break;
	}
	return NULL;
}

static int
key_find(struct mipc_store *store, enum mipc_kind kind, uint32_t key,
    uint64_t *id)
{
	mipc_u64 *place = key_place(of(store), kind, key, NULL);
	uint64_t word = place == NULL ? 0 : mipc_take(place);

	if (word == 0 || word == FREED || word >> 32 != key)
		return ENOENT;
	*id = (uint32_t)word - 1;
	return 0;
}

static int
key_set(struct mipc_store *store, enum mipc_kind kind, uint32_t key,
    uint64_t id)
{
	mipc_u64 *free;
	int error;

	if (key_place(of(store), kind, key, &free) != NULL)
		return EEXIST;
	if (free == NULL)
		return ENOSPC;
	error = populate((void *)((uintptr_t)free &
	    ~(uintptr_t)(store->lives.page - 1)), store->lives.page);
	if (error == 0)
		mipc_give(free, (uint64_t)key << 32 | (id + 1));
	return error;
}

static int
key_clear(struct mipc_store *store, enum mipc_kind kind, uint32_t key,
    uint64_t id)
{
	mipc_u64 *place = key_place(of(store), kind, key, NULL);

	if (place != NULL && (uint32_t)mipc_peek(place) == id + 1)
		mipc_give(place, FREED);
	return 0;
}

/* --- segments ---------------------------------------------------------- */

/* Nothing may be mapped where the attach is to go: hold the place first. */
static int
hold_place(const struct mipc_mapping *m)
{
	void *at;
	int r;

	if (m->address == NULL || m->replace)
		return 0;
	r = mipc_sys_map(m->address, m->size, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0, &at);
	if (r < 0)
		return r == -EEXIST ? EINVAL : -r;
	if (at != m->address) {
		mipc_sys_unmap(at, m->size);
		return EINVAL;
	}
	return 0;
}

static int
map_segment(struct mipc_store *store, struct mipc_mapping *m)
{
	struct anon_store *s = of(store);
	size_t page = store->lives.page;
	size_t length = (m->size + page - 1) & ~(page - 1);
	char *from = m->writable || s->readable == NULL ? s->window :
	    s->readable;
	int error;

	if (m->data % page != 0 || m->data / page < s->region->data ||
	    m->data > s->size - length)
		return EIO;
	error = hold_place(m);
	if (error == 0)
		error = -mipc_sys_duplicate(from + m->data, length, m->address,
		    &m->address);
	if (error != 0)
		return error;
	if (!m->writable && s->readable == NULL)
		mipc_sys_protect(m->address, length, PROT_READ);
	if (m->executable)
		mipc_sys_protect(m->address, length, PROT_READ | PROT_EXEC |
		    (m->writable ? PROT_WRITE : 0));
	return 0;
}

static void
unmap_segment(struct mipc_store *store, struct mipc_mapping *m)
{
	(void)store;
	if (m->address != NULL)
		mipc_sys_unmap(m->address, m->size);
}

static int
mapped(struct mipc_store *store, uint64_t id, int kept_fd)
{
	(void)store, (void)id, (void)kept_fd;
	return 0;	/* only the entries know */
}

static int
destroy(struct mipc_store *store)
{
	(void)store;
	return EINVAL;
}

/* --- lives ------------------------------------------------------------- */

/* A description of its own of the region, for a lock to live in. */
static int
open_life(void *where, uid_t uid, enum mipc_life_file file, bool make)
{
	struct anon_store *s = where;
	struct stat st;
	char path[40];

	(void)uid, (void)make;
	if (file >= MIPC_LIFE_EXEC)	/* it is kept, or closed by now */
		return -EBADF;
	if (s->fd < 0 || mipc_sys_fstat(s->fd, &st) != 0 ||
	    st.st_dev != s->dev || st.st_ino != s->ino)
		return -EBADF;
	mipc_sys_fd_path(s->fd, path);
	return mipc_sys_open(AT_FDCWD, path, O_RDWR, 0);
}

static int
map_slots(void *where, uid_t uid, void **out)
{
	struct anon_store *s = where;

	(void)uid;
	*out = at_page(s, s->region->lives);
	return 0;
}

const struct mipc_life_store mipc_anon_lives = {
	.open = open_life,
	.map_slots = map_slots,
	.one_house = true,
};

const struct mipc_store_ops mipc_anon_ops = {
	.make_data = make_data,
	.make_object = make_object,
	.unmake = unmake,
	.open = open_object,
	.close = close_object,
	.look = look,
	.look_data = look_data,
	.window = window,
	.claim = claim,
	.claim_space = claim_space,
	.glance = glance,
	.resident = resident,
	.used = used,
	.permit = permit,
	.permit_done = permit_done,
	.permit_begun = permit_begun,
	.key_find = key_find,
	.key_set = key_set,
	.key_clear = key_clear,
	.map = map_segment,
	.unmap = unmap_segment,
	.mapped = mapped,
	.destroy = destroy,
	.shut = mipc_anon_shut,
};
