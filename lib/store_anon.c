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
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#if __SIZEOF_POINTER__ == 8
#define REGION_BYTES	(1ull << 38)
#define HEADS_OF(kind)	MIPC_INDEX_MAX
#else
#define REGION_BYTES	(1ull << 29)
#define HEADS_OF(kind)	((kind) == MIPC_SEM ? 32u : 512u)
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

static uint64_t
head_pages(const struct anon_store *s, enum mipc_kind kind)
{
	return kind == MIPC_SEM ? s->set_pages : MIPC_REGION_HEAD;
}

static struct mipc_object *
head_of(struct anon_store *s, enum mipc_kind kind, uint64_t id)
{
	uint64_t page = s->region->heads;

	for (int before = 0; before < (int)kind; before++)
		page += HEADS_OF(before) * head_pages(s, before);
	return (struct mipc_object *)(void *)at_page(s, page +
	    id % MIPC_INDEX_MAX * head_pages(s, kind));
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

	if (draft->id % MIPC_INDEX_MAX >= HEADS_OF(draft->kind))
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
    struct mipc_map *out)
{
	size_t size = head_pages(of(store), kind) * store->lives.page;

	if (id % MIPC_INDEX_MAX >= HEADS_OF(kind))
		return ENOENT;
	*out = (struct mipc_map){
		.base = head_of(of(store), kind, id),
		.size = size,
		.length = size,
		.guard = -1,
	};
	return 0;
}

static int
make_object(struct mipc_store *store, const struct mipc_draft *draft,
    const void *from, size_t size, struct mipc_map *out)
{
	struct mipc_object *head = head_of(of(store), draft->kind, draft->id);
	size_t kept = offsetof(struct mipc_object, state);
	int error;

	if (draft->id % MIPC_INDEX_MAX >= HEADS_OF(draft->kind))
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
close_object(struct mipc_store *store, struct mipc_map *map)
{
	(void)store;
	map->base = NULL;
}

static int
claim(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    struct mipc_map *map, uint64_t offset, uint64_t length)
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

/* Pages of a segment that are in memory, asked a part at a time. */
static uint64_t
resident(struct mipc_store *store, uint64_t id)
{
	static unsigned char vector[4096];
	struct anon_store *s = of(store);
	uint64_t extent = mipc_peek(extent_of(s, MIPC_SHM, id)), n = 0, part;
	uint64_t page = extent >> 32, left = (uint32_t)extent;

	for (; left > 0; left -= part, page += part) {
		part = left > sizeof(vector) ? sizeof(vector) : left;
		if (mipc_sys_resident(at_page(s, page),
		    part * store->lives.page, vector) != 0)
			break;
		for (uint64_t i = 0; i < part; i++)
			n += vector[i] & 1;
	}
	return n * store->lives.page;
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

static const struct mipc_life_store anon_lives = {
	.open = open_life,
	.map_slots = map_slots,
	.one_house = true,
};

/* --- making ------------------------------------------------------------ */

static void
shut(struct mipc_store *store)
{
	struct anon_store *s = of(store);
	struct stat st;

	if (s->fd >= 0 && mipc_sys_fstat(s->fd, &st) == 0 &&
	    st.st_dev == s->dev && st.st_ino == s->ino)
		mipc_sys_close(s->fd);
	if (store->lives.exec_fd >= 0 &&
	    mipc_sys_fstat(store->lives.exec_fd, &st) == 0 &&
	    st.st_ino == store->lives.exec_ino)
		mipc_sys_close(store->lives.exec_fd);
	if (s->readable != NULL)
		mipc_sys_unmap(s->readable, s->size);
	mipc_sys_unmap(s->window, s->size);
	mipc_map_free(s, sizeof(*s));
}

static const struct mipc_store_ops anon_ops = {
	.make_data = make_data,
	.make_object = make_object,
	.unmake = unmake,
	.open = open_object,
	.close = close_object,
	.claim = claim,
	.claim_space = claim_space,
	.glance = glance,
	.resident = resident,
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
	.shut = shut,
};

/* Where everything stands; format.h draws it. */
static void
lay_out(struct anon_store *s)
{
	uint64_t page = s->store.lives.page, bits;
	struct mipc_region *region = s->region;
	struct mipc_house_head *house;

	region->pages = s->size / page;
	bits = (region->pages / 8 + page - 1) / page;
	region->lives = ((uint64_t)((char *)region - s->window) +
	    sizeof(*region) + page - 1) / page;
	region->map = region->lives + MIPC_SLOTS;
	region->heads = region->map + bits;
	region->data = region->heads;
	for (int kind = 0; kind < MIPC_KINDS; kind++)
		region->data += HEADS_OF(kind) * head_pages(s, kind);
	region->data = (region->data + 63) & ~63ull;
	mipc_put(&region->cursor, region->data);
	house = (void *)at_page(s, region->lives);
	house->format = MIPC_FORMAT;
	mipc_put(&house->high, 1);
	house->magic = MIPC_MAGIC_HOUSE;
}

/* The read-only window; without /proc an attach is only protected. */
static void
map_readable(struct anon_store *s)
{
	char path[40];
	void *at;
	int fd;

	mipc_sys_fd_path(s->fd, path);
	fd = mipc_sys_open(AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return;
	if (mipc_sys_map(NULL, s->size, PROT_READ, MAP_SHARED | MAP_NORESERVE,
	    fd, 0, &at) == 0)
		s->readable = at;
	mipc_sys_close(fd);
}

static int
make_region(struct anon_store *s)
{
	struct stat st;
	void *at;
	int r;

	s->fd = mipc_sys_memfd("mipc");
	if (s->fd < 0)
		return -s->fd;
	s->fd = mipc_sys_move_high(s->fd);
	s->size = (size_t)REGION_BYTES;
	r = mipc_sys_truncate_fd(s->fd, s->size);
	if (r == 0)
		r = mipc_sys_fstat(s->fd, &st);
	if (r == 0)
		r = mipc_sys_map(NULL, s->size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE, s->fd, 0, &at);
	if (r < 0) {
		mipc_sys_close(s->fd);
		return -r;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->window = at;
	map_readable(s);
	return 0;
}

/*
 * Locks of the process go when any descriptor of their file is closed, so they
 * have a file of their own.
 */
static void
make_exec(struct mipc_lives *lives)
{
	struct stat st;
	int fd = mipc_sys_move_high(mipc_sys_memfd("mipc-exec"));

	if (fd < 0 || mipc_sys_fstat(fd, &st) != 0)
		return;
	lives->exec_fd = fd;
	lives->exec_ino = st.st_ino;
}

/* The byte locks, on a file that is memory: OFD locks live with mappings. */
static void
set_locks(struct mipc_lives *lives)
{
	lives->owned_by = mipc_sys_forced("MIPC_NO_OFD") ?
	    MIPC_OWNED_BY_PROCESS : MIPC_OWNED_BY_FILE;
	lives->lock_maps = lives->owned_by == MIPC_OWNED_BY_FILE &&
	    !mipc_sys_forced("MIPC_NO_MAPLOCK");
}

int
mipc_store_anon(struct mipc_store **out)
{
	struct mipc_sem_layout layout;
	struct anon_store *s;
	void *memory;
	int error;

	error = mipc_map_private(sizeof(*s), &memory);
	if (error != 0)
		return error;
	s = memory;
	s->store.ops = &anon_ops;
	s->store.anonymous = true;
	s->store.head_bytes = MIPC_REGION_HEAD * mipc_sys_page();
	s->store.set_room = MIPC_SEMMSL_MOST;
	mipc_sem_lay_out(&layout, MIPC_SEMMSL_MOST, mipc_sys_page());
	s->set_pages = layout.size / mipc_sys_page();
	error = make_region(s);
	if (error != 0) {
		mipc_map_free(memory, sizeof(*s));
		return error;
	}
	s->store.space = (void *)s->window;
	s->region = (void *)(s->window +
	    MIPC_SPACE_PAGES(mipc_sys_page()) * mipc_sys_page());
	mipc_lives_init(&s->store.lives, &anon_lives, s,
	    s->store.space->house);
	set_locks(&s->store.lives);
	make_exec(&s->store.lives);
	mipc_space_init(s->store.space);
	lay_out(s);
	*out = &s->store;
	return 0;
}
