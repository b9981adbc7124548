/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_anon_open.c - making an anonymous namespace, and closing it.
 *
 * The region is address space, nothing more; where there is little of it the
 * namespace has room for fewer sets and for fewer and smaller queues.
 */
#include "store_anon.h"

#include <errno.h>

/*
 * Address space to ask for, and what it has room for: sets, queues, and bytes
 * of a queue; less if it is refused.
 */
static const struct {
	uint64_t bytes;
	uint32_t sets, queues;
	uint64_t queue;
} regions[] = {
#if __SIZEOF_POINTER__ == 8
	{ (1ull << 42) + (1ull << 38), MIPC_INDEX_MAX, MIPC_INDEX_MAX,
	    1ull << 27 },
	{ 1ull << 38, MIPC_INDEX_MAX, 2048, 1ull << 24 },
	{ 1ull << 36, 4096, 1024, 1ull << 24 },
	{ 1ull << 34, 256, 256, 1ull << 23 },
#else
	{ 1ull << 29, 32, 16, 1ull << 22 },
#endif
};

void
mipc_anon_shut(struct mipc_store *store)
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
	mipc_view_free(s, sizeof(*s));
}

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
		region->data += mipc_anon_heads(s, kind) *
		    mipc_anon_head_pages(s, kind);
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

/* The writable window, as large as there is address space for. */
static int
map_window(struct anon_store *s)
{
	void *at;
	int r = -ENOMEM;

	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		s->size = (size_t)regions[i].bytes;
		s->set_heads = regions[i].sets;
		s->msg_heads = regions[i].queues;
		s->store.msg_room = regions[i].queue;
		r = mipc_sys_truncate_fd(s->fd, s->size);
		if (r == 0)
			r = mipc_sys_map(NULL, s->size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_NORESERVE, s->fd, 0, &at);
		if (r == 0) {
			s->window = at;
			return 0;
		}
	}
	return r;
}

static int
make_region(struct anon_store *s)
{
	struct stat st;
	int r;

	s->fd = mipc_sys_memfd("mipc");
	if (s->fd < 0)
		return -s->fd;
	s->fd = mipc_sys_move_high(s->fd);
	r = mipc_sys_fstat(s->fd, &st);
	if (r == 0)
		r = map_window(s);
	if (r < 0) {
		mipc_sys_close(s->fd);
		return -r;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
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

	error = mipc_view_private(sizeof(*s), &memory);
	if (error != 0)
		return error;
	s = memory;
	s->store.ops = &mipc_anon_ops;
	s->store.anonymous = true;
	s->store.head_bytes = MIPC_VIEW_HEAD * mipc_sys_page();
	s->store.set_room = MIPC_SEMMSL_MOST;
	mipc_sem_lay_out(&layout, MIPC_SEMMSL_MOST, mipc_sys_page());
	s->set_pages = layout.size / mipc_sys_page();
	error = make_region(s);
	if (error != 0) {
		mipc_view_free(memory, sizeof(*s));
		return error;
	}
	s->store.space = (void *)s->window;
	s->region = (void *)(s->window +
	    MIPC_SPACE_PAGES(mipc_sys_page()) * mipc_sys_page());
	mipc_lives_init(&s->store.lives, &mipc_anon_lives, s,
	    s->store.space->house);
	set_locks(&s->store.lives);
	make_exec(&s->store.lives);
	mipc_space_init(s->store.space);
	lay_out(s);
	*out = &s->store;
	return 0;
}
