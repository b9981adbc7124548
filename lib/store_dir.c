/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_dir.c - objects in a directory of files.
 *
 * The directory is the truth: keys are names, permissions are modes, lifetime
 * is the inode's.
 *
 *	namespace		struct mipc_space
 *	life.<uid>.slots .run	who is alive
 *	shm.<id>		head and attach entries; whoever may read or
 *				write the segment may write this
 *	shm.<id>.data		the segment's bytes, with the segment's mode:
 *				the kernel itself refuses a reader's write
 *	key.shm.<key>		a symbolic link whose text is shm.<id>
 *
 * Is any mapping of a segment left?  Each attach maps through a description
 * that holds flock(LOCK_SH) and is then closed; the lock lives as long as
 * the mapping, forked children and raw clones included, so LOCK_EX through
 * another description succeeds exactly when none is left.  Where locks do not
 * live with mappings (overlayfs), the description is kept open.
 */
#include "store_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "acl.h"
#include "bus.h"
#include "crash.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

const char *const mipc_dir_kind[MIPC_KINDS] = { "shm", "sem", "msg" };

void
mipc_dir_object(enum mipc_kind kind, uint64_t id, char out[32])
{
	snprintf(out, 32, "%s.%llu", mipc_dir_kind[kind], (unsigned long long)id);
}

static void
data_name(uint64_t id, char out[32])
{
	snprintf(out, 32, "shm.%llu.data", (unsigned long long)id);
}

/* --- making ------------------------------------------------------------ */

/*
 * RLIMIT_FSIZE is about files, not about memory, and going beyond it is a
 * signal: so it is asked first.
 */
static int
reserve(int fd, const struct mipc_draft *draft)
{
	int r;

	if (draft->size > mipc_sys_rlimit(RLIMIT_FSIZE) ||
	    draft->size > INT64_MAX)
		return ENOMEM;
	if (draft->reserve)
		r = mipc_sys_reserve_fd(fd, 0, draft->size);
	else
		r = mipc_sys_truncate_fd(fd, draft->size);
	return r == -EFBIG ? ENOMEM : -r;
}

/* Put a finished file in its place; what bears the name is a dead maker's. */
static int
place(struct dir_store *s, const char *name, struct mipc_file *file)
{
	int error;

	error = mipc_dir_place(&s->dir, name, file);
	if (error != EEXIST)
		return error;
	mipc_sys_unlink(s->dir.fd, name, 0);
	return mipc_dir_place(&s->dir, name, file);
}

static int
make_data_once(struct dir_store *s, struct mipc_draft *draft)
{
	struct mipc_file file;
	struct stat st;
	char name[32];
	int error;

	data_name(draft->id, name);
	error = mipc_dir_make(&s->dir, name, draft->mode, &file);
	if (error != 0)
		return error;
	error = reserve(file.fd, draft);
	if (error == 0)
		error = -mipc_sys_fstat(file.fd, &st);
	mipc_crash_point("dir: data made");
	if (error == 0)
		error = place(s, name, &file);
	if (error == 0)
		draft->data = st.st_ino;
	mipc_dir_drop(&s->dir, &file);
	return error;
}

static int
make_data(struct mipc_store *store, struct mipc_draft *draft)
{
	int error;

	do
		error = make_data_once(of(store), draft);
	while (error == EAGAIN);
	return error;
}

/* Whoever may read or write the object writes its head; the owner always. */
static unsigned
head_mode(unsigned mode)
{
	unsigned head = 0600;

	if ((mode & 060) != 0)
		head |= 060;
	if ((mode & 06) != 0)
		head |= 06;
	return head;
}

static int
make_object_once(struct dir_store *s, const struct mipc_draft *draft,
    const void *head, size_t size)
{
	struct mipc_file file;
	char name[32];
	ssize_t n;
	int error;

	mipc_dir_object(draft->kind, draft->id, name);
	error = mipc_dir_make(&s->dir, name, head_mode(draft->mode), &file);
	if (error != 0)
		return error;
	n = mipc_sys_pwrite(file.fd, head, size, 0);
	if (n < 0)
		error = (int)-n;
	else if ((size_t)n != size)
		error = ENOSPC;
	if (error == 0)
		error = place(s, name, &file);
	mipc_dir_drop(&s->dir, &file);
	mipc_crash_point("dir: object made");
	return error;
}

static int
make_object(struct mipc_store *store, const struct mipc_draft *draft,
    const void *head, size_t size)
{
	int error;

	do
		error = make_object_once(of(store), draft, head, size);
	while (error == EAGAIN);
	return error;
}

static int
unmake(struct mipc_store *store, enum mipc_kind kind, uint64_t id)
{
	struct dir_store *s = of(store);
	char name[32];
	int fd, r;

	fd = mipc_dir_fd(&s->dir);
	if (fd < 0)
		return -fd;
	if (kind == MIPC_SHM) {
		data_name(id, name);
		if (!s->dir.tmpfile)
			mipc_dir_sweep(&s->dir, name);
		r = mipc_sys_unlink(fd, name, 0);
		if (r < 0 && r != -ENOENT)
			return -r;
		mipc_crash_point("dir: data gone");
	}
	mipc_dir_object(kind, id, name);
	if (!s->dir.tmpfile)
		mipc_dir_sweep(&s->dir, name);
	r = mipc_sys_unlink(fd, name, 0);
	return r == -ENOENT ? 0 : -r;
}

/* --- opening ----------------------------------------------------------- */

static int
open_object(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    struct mipc_map *out)
{
	struct mipc_map map;
	char name[32];
	int error, fd;

	mipc_dir_object(kind, id, name);
	fd = mipc_dir_openat(&of(store)->dir, name, O_RDWR);
	if (fd < 0)
		return -fd;
	error = mipc_map_fd(fd, store->head_bytes, store->lives.page,
	    PROT_READ | PROT_WRITE, &map);
	mipc_sys_close(fd);
	if (error != 0)
		return error;
	map.guard = mipc_bus_guard(map.base, map.size);
	*out = map;
	return 0;
}

static void
close_object(struct mipc_store *store, struct mipc_map *map)
{
	(void)store;
	mipc_bus_unguard(map->guard);
	mipc_map_close(map);
}

static int
claim(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    struct mipc_map *map, uint64_t offset, uint64_t length)
{
	struct stat st;
	char name[32];
	int fd, r;

	if (offset + length > map->size)
		return ENOSPC;
	mipc_dir_object(kind, id, name);
	fd = mipc_dir_openat(&of(store)->dir, name, O_RDWR);
	if (fd < 0)
		return -fd;
	r = mipc_sys_fstat(fd, &st);
	if (r == 0 && st.st_ino != map->ino)
		r = -EIO;
	if (r == 0)
		r = mipc_sys_reserve_fd(fd, offset, length);
	mipc_sys_close(fd);
	return -r;
}

static int
claim_space(struct mipc_store *store, uint64_t offset, uint64_t length)
{
	struct stat st;
	int fd, r;

	fd = mipc_dir_openat(&of(store)->dir, "namespace", O_RDWR);
	if (fd < 0)
		return -fd;
	r = mipc_sys_fstat(fd, &st);
	if (r == 0 && st.st_ino != of(store)->space.ino)
		r = -EIO;
	if (r == 0)
		r = mipc_sys_reserve_fd(fd, offset, length);
	mipc_sys_close(fd);
	return -r;
}

static int
glance(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    struct mipc_perm *perm, uint64_t *size)
{
	struct stat st;
	char name[32];
	int fd, r;

	if (kind == MIPC_SHM)
		data_name(id, name);
	else
		mipc_dir_object(kind, id, name);
	fd = mipc_dir_fd(&of(store)->dir);
	if (fd < 0)
		return -fd;
	r = mipc_sys_stat(fd, name, &st, AT_SYMLINK_NOFOLLOW);
	if (r < 0)
		return -r;
	perm->uid = perm->cuid = st.st_uid;
	perm->gid = perm->cgid = st.st_gid;
	perm->mode = st.st_mode & 0777;
	*size = (uint64_t)st.st_size;
	return 0;
}

/* --- permissions ------------------------------------------------------- */

static uint64_t
resident(struct mipc_store *store, uint64_t id)
{
	struct stat st;
	char name[32];
	int fd = mipc_dir_fd(&of(store)->dir);

	data_name(id, name);
	if (fd < 0 || mipc_sys_stat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return (uint64_t)st.st_blocks * 512;
}

static int
permit(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    uint64_t key, const struct mipc_perm *perm)
{
	struct dir_store *s = of(store);
	unsigned mode = perm->mode & 0777;
	char name[32];
	int error = 0, fd;

	fd = mipc_dir_fd(&s->dir);
	if (fd < 0)
		return -fd;
	if (kind == MIPC_SHM) {
		data_name(id, name);
		error = mipc_acl_permit(fd, name, perm, mode);
	}
	mipc_dir_object(kind, id, name);
	if (error == 0)
		error = mipc_acl_permit(fd, name, perm, head_mode(mode));
	/* So that the new owner can take it away; if it may be. */
	if (error == 0 && key != 0)
		mipc_dir_key_permit(store, kind, (uint32_t)key, id, perm);
	return error;
}

/* --- segments ---------------------------------------------------------- */

/* Open a segment's data, and prove that it is what the head speaks of. */
static int
open_data(struct dir_store *s, const struct mipc_mapping *m, int *out)
{
	struct stat st;
	char name[32];
	int fd, r;

	data_name(m->id, name);
	fd = mipc_dir_openat(&s->dir, name, m->writable ? O_RDWR : O_RDONLY);
	if (fd < 0)
		return -fd;
	r = mipc_sys_fstat(fd, &st);
	if (r == 0 && (st.st_ino != m->data || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size < m->size))
		r = -EIO;
	if (r == 0)
		r = mipc_sys_flock(fd, LOCK_SH);
	if (r < 0) {
		mipc_sys_close(fd);
		return -r;
	}
	*out = fd;
	return 0;
}

static int
map_data(struct mipc_mapping *m, int fd)
{
	int flags = MAP_SHARED | MAP_NORESERVE, prot = PROT_READ, r;
	void *at;

	if (m->writable)
		prot |= PROT_WRITE;
	if (m->executable)
		prot |= PROT_EXEC;
	if (m->address != NULL)
		flags |= m->replace ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	r = mipc_sys_map(m->address, m->size, prot, flags, fd, 0, &at);
	if (r == -EEXIST)
		return EINVAL;
	if (r == -EPERM)	/* a filesystem without execution */
		return EACCES;
	if (r < 0)
		return -r;
	if (m->address != NULL && at != m->address) {
		mipc_sys_unmap(at, m->size);
		return EINVAL;
	}
	m->address = at;
	return 0;
}

static int
map_segment(struct mipc_store *store, struct mipc_mapping *m)
{
	struct dir_store *s = of(store);
	int error, fd;

	if (m->again != NULL)
		return -mipc_sys_duplicate(m->again, m->size, NULL,
		    &m->address);
	error = open_data(s, m, &fd);
	if (error != 0)
		return error;
	error = map_data(m, fd);
	if (error != 0 || s->flock_maps || m->kept_fd >= 0)
		mipc_sys_close(fd);
	else
		m->kept_fd = mipc_sys_move_high(fd);
	return error;
}

static void
unmap_segment(struct mipc_store *store, struct mipc_mapping *m)
{
	struct stat st;

	(void)store;
	if (m->address != NULL)
		mipc_sys_unmap(m->address, m->size);
	if (m->kept_fd >= 0 && mipc_sys_fstat(m->kept_fd, &st) == 0 &&
	    st.st_ino == m->data)
		mipc_sys_close(m->kept_fd);
	m->kept_fd = -1;
}

static int
mapped(struct mipc_store *store, uint64_t id, int kept_fd)
{
	char name[32];
	int fd, r;

	if (kept_fd >= 0)
		return EBUSY;
	data_name(id, name);
	fd = mipc_dir_openat(&of(store)->dir, name, O_RDONLY);
	if (fd < 0)
		return fd == -ENOENT ? 0 : -fd;
	r = mipc_sys_flock(fd, LOCK_EX | LOCK_NB);
	mipc_sys_close(fd);
	return r == -EWOULDBLOCK ? EBUSY : -r;
}

static int
destroy(struct mipc_store *store)
{
	return mipc_dir_remove(&of(store)->dir);
}

const struct mipc_store_ops mipc_dir_ops = {
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
	.key_find = mipc_dir_key_find,
	.key_set = mipc_dir_key_set,
	.key_clear = mipc_dir_key_clear,
	.map = map_segment,
	.unmap = unmap_segment,
	.mapped = mapped,
	.destroy = destroy,
	.shut = mipc_store_dir_shut,
};
