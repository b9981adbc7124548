/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_dir.c - objects in a directory of files.
 *
 * The directory is the truth: keys are names, permissions are modes, lifetime
 * is the inode's.
 *
 *	namespace		struct mipc_space
 *	life.<uid>.slots .run .exec	who is alive
 *	shm.<id>		head and attach entries; whoever may read or
 *				write the segment may write this
 *	shm.<id>.data		the segment's bytes, with the segment's mode:
 *				the kernel itself refuses a reader's write
 *	sem.<id>		a set, head and tables
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

#include "acl.h"
#include "bus.h"
#include "crash.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

const char *const mipc_dir_kind[MIPC_KINDS] = { "shm", "sem", "msg" };

/* By hand: who lists many objects does it for each. */
void
mipc_dir_object(enum mipc_kind kind, uint64_t id, char out[32])
{
	char digits[20];
	int at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + id % 10);
		id /= 10;
	} while (id > 0);
	memcpy(out, mipc_dir_kind[kind], 3);
	out[3] = '.';
	memcpy(out + 4, digits + at, sizeof(digits) - (size_t)at);
	out[4 + sizeof(digits) - (size_t)at] = '\0';
}

void
mipc_dir_data(uint64_t id, char out[32])
{
	snprintf(out, 32, "shm.%llu.data", (unsigned long long)id);
}

/* A set's file is as long as its tables may grow; a segment's grows. */
static int
map_head(struct mipc_store *store, enum mipc_kind kind, int fd,
    struct mipc_view *out)
{
	size_t page = store->lives.page;

	out->prot = store->lives.refuses != 0 ? PROT_READ :
	    PROT_READ | PROT_WRITE;
	if (kind == MIPC_SHM)
		return mipc_view_head(fd, store->head_bytes, page, out);
	return mipc_view_whole(fd, page, kind == MIPC_SEM ?
	    MIPC_SEM_BYTES_MOST : MIPC_MSG_BYTES_MOST, out);
}

/* --- making ------------------------------------------------------------ */

/*
 * A new file under its name at once: its id is reserved, so nobody looks
 * there before the namespace says LIVE, and what a killed maker left is swept
 * by the index that is MAKING.  (Making it nameless and linking it later
 * takes 12.6 us in place of 8.9, twice for each segment.)
 */
static int
create(struct dir_store *s, const char *name, unsigned mode)
{
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, fd, r;

	fd = mipc_sys_open(s->dir.fd, name, flags, mode);
	if (fd == -EEXIST) {
		mipc_sys_unlink(s->dir.fd, name, 0);
		fd = mipc_sys_open(s->dir.fd, name, flags, mode);
	}
	if (fd < 0 || (mode & 077) == 0)
		return fd;
	r = mipc_sys_chmod_fd(fd, mode);	/* the umask took some */
	if (r == 0)
		return fd;
	mipc_sys_close(fd);
	return r;
}

/* Space, or only size; what is too much for a file is too much. */
static int
reserve(int fd, const struct mipc_draft *draft)
{
	int r;

	if (draft->size > INT64_MAX)
		return ENOMEM;
	if (draft->reserve)
		r = mipc_sys_reserve_fd(fd, 0, draft->size);
	else
		r = mipc_sys_truncate_fd(fd, draft->size);
	return r == -EFBIG ? ENOMEM : -r;
}

static int
make_data(struct mipc_store *store, struct mipc_draft *draft)
{
	struct dir_store *s = of(store);
	struct stat st;
	char name[32];
	int error, fd, r;

	if ((r = mipc_dir_fd(&s->dir)) < 0)
		return -r;
	mipc_dir_data(draft->id, name);
	fd = create(s, name, draft->mode);
	if (fd < 0)
		return -fd;
	mipc_crash_point("dir: data begun");
	error = reserve(fd, draft);
	if (error == 0)
		error = -mipc_sys_fstat(fd, &st);
	if (error == 0)
		draft->data = st.st_ino;
	mipc_sys_close(fd);
	mipc_crash_point("dir: data made");
	return error;
}

unsigned
mipc_dir_head_mode(unsigned mode)
{
	unsigned head = 0600;

	if ((mode & 060) != 0)
		head |= 060;
	if ((mode & 06) != 0)
		head |= 06;
	return head;
}

static int
make_object(struct mipc_store *store, const struct mipc_draft *draft,
    const void *head, size_t size, struct mipc_view *out)
{
	struct dir_store *s = of(store);
	char name[32];
	ssize_t n;
	int error, fd;

	fd = mipc_dir_fd(&s->dir);
	if (fd < 0)
		return -fd;
	mipc_dir_object(draft->kind, draft->id, name);
	fd = create(s, name, mipc_dir_head_mode(draft->mode));
	if (fd < 0)
		return -fd;
	mipc_crash_point("dir: object begun");
	n = mipc_sys_pwrite(fd, head, size, 0);
	error = n < 0 ? (int)-n : (size_t)n != size ? ENOSPC : 0;
	if (error == 0 && draft->kind != MIPC_SHM)
		error = -mipc_sys_truncate_fd(fd, draft->size);
	if (error == 0 && draft->head > store->lives.page)
		error = -mipc_sys_reserve_fd(fd, 0, draft->head);
	if (error == 0)
		error = map_head(store, draft->kind, fd, out);
	mipc_sys_close(fd);
	mipc_crash_point("dir: object made");
	return error == EFBIG ? ENOMEM : error;
}

/* The link of a change of owner or mode that is under way. */
static void
set_name(enum mipc_kind kind, uint64_t id, char out[40])
{
	snprintf(out, 40, "set.%s.%llu", mipc_dir_kind[kind],
	    (unsigned long long)id);
}

static int
unmake(struct mipc_store *store, enum mipc_kind kind, uint64_t id)
{
	struct dir_store *s = of(store);
	char name[32], change[40];
	int fd, r;

	fd = mipc_dir_fd(&s->dir);
	if (fd < 0)
		return -fd;
	if (kind == MIPC_SHM) {
		mipc_dir_data(id, name);
		r = mipc_sys_unlink(fd, name, 0);
		if (r < 0 && r != -ENOENT)
			return -r;
		mipc_crash_point("dir: data gone");
	}
	set_name(kind, id, change);	/* of one killed at its very end */
	mipc_sys_unlink(fd, change, 0);
	mipc_dir_object(kind, id, name);
	r = mipc_sys_unlink(fd, name, 0);
	return r == -ENOENT ? 0 : -r;
}

/* --- opening ----------------------------------------------------------- */

static int
open_object(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    struct mipc_view *out)
{
	char name[32];
	int error, fd;

	mipc_dir_object(kind, id, name);
	fd = mipc_dir_openat(&of(store)->dir, name,
	    store->lives.refuses != 0 ? O_RDONLY : O_RDWR);
	if (fd < 0)
		return -fd;
	error = map_head(store, kind, fd, out);
	mipc_sys_close(fd);
	return error;
}

static void
close_object(struct mipc_store *store, struct mipc_view *map)
{
	(void)store;
	mipc_view_close(map);
}

static int
claim(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    struct mipc_view *map, uint64_t offset, uint64_t length)
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
	char name[32];
	int error, fd;

	if (kind == MIPC_SHM)
		mipc_dir_data(id, name);
	else
		mipc_dir_object(kind, id, name);
	fd = mipc_dir_fd(&of(store)->dir);
	if (fd < 0)
		return -fd;
	error = mipc_acl_read(fd, name, perm, size);
	/* How many semaphores a set has its mode keeps from the caller. */
	if (error == 0 && kind != MIPC_SHM)
		*size = MIPC_SEMMSL_MOST;
	return error;
}

/* --- permissions ------------------------------------------------------- */

static uint64_t
bytes_given(struct mipc_store *store, const char *name)
{
	struct stat st;
	int fd = mipc_dir_fd(&of(store)->dir);

	if (fd < 0 || mipc_sys_stat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return (uint64_t)st.st_blocks * 512;
}

static uint64_t
resident(struct mipc_store *store, uint64_t id)
{
	char name[32];

	mipc_dir_data(id, name);
	return bytes_given(store, name);
}

static uint64_t
used(struct mipc_store *store, enum mipc_kind kind, uint64_t id)
{
	char name[32];

	mipc_dir_object(kind, id, name);
	return bytes_given(store, name) +
	    (kind == MIPC_SHM ? resident(store, id) : 0);
}

/*
 * What is to be changed stands in the text of a link while it is done, so
 * that a successor of the dead can finish it.  The link's owner, which nobody
 * can forge in a sticky directory, says whether to believe it; the head,
 * which every reader may write, does not.
 */
static int
begin_permit(struct dir_store *s, enum mipc_kind kind, uint64_t id,
    const struct mipc_perm *perm)
{
	char name[40], text[80];
	int r;

	set_name(kind, id, name);
	snprintf(text, sizeof(text), "%u %u %u %u %o", (unsigned)perm->uid,
	    (unsigned)perm->gid, (unsigned)perm->cuid, (unsigned)perm->cgid,
	    perm->mode & 0777);
	r = mipc_sys_symlink(text, s->dir.fd, name);
	if (r == -EEXIST) {
		mipc_sys_unlink(s->dir.fd, name, 0);
		r = mipc_sys_symlink(text, s->dir.fd, name);
	}
	mipc_crash_point("dir: change begun");
	return -r;
}

static void
permit_done(struct mipc_store *store, enum mipc_kind kind, uint64_t id)
{
	struct dir_store *s = of(store);
	char name[40];

	set_name(kind, id, name);
	if (mipc_dir_fd(&s->dir) >= 0)
		mipc_sys_unlink(s->dir.fd, name, 0);
}

static int
permit_begun(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    struct mipc_perm *perm)
{
	struct dir_store *s = of(store);
	char name[40], text[80], data[32];
	unsigned uid, gid, cuid, cgid, mode;
	struct stat link, file;
	int n;

	set_name(kind, id, name);
	if (kind == MIPC_SHM)
		mipc_dir_data(id, data);
	else
		mipc_dir_object(kind, id, data);
	if (mipc_dir_fd(&s->dir) < 0 || mipc_sys_stat(s->dir.fd, name, &link,
	    AT_SYMLINK_NOFOLLOW) != 0 || mipc_sys_stat(s->dir.fd, data, &file,
	    AT_SYMLINK_NOFOLLOW) != 0)
		return ENOENT;
	if (link.st_uid != 0 && link.st_uid != file.st_uid)
		return EPERM;
	n = mipc_sys_readlink(s->dir.fd, name, text, sizeof(text) - 1);
	if (n < 0)
		return -n;
	text[n] = '\0';
	if (sscanf(text, "%u %u %u %u %o", &uid, &gid, &cuid, &cgid,
	    &mode) != 5)
		return EIO;
	*perm = (struct mipc_perm){ .uid = uid, .gid = gid, .cuid = cuid,
	    .cgid = cgid, .mode = mode & 0777 };
	return 0;
}

static int
permit(struct mipc_store *store, enum mipc_kind kind, uint64_t id,
    uint64_t key, const struct mipc_perm *perm)
{
	struct dir_store *s = of(store);
	unsigned mode = perm->mode & 0777;
	char name[32];
	int error, fd;

	fd = mipc_dir_fd(&s->dir);
	if (fd < 0)
		return -fd;
	error = begin_permit(s, kind, id, perm);
	if (error == 0 && kind == MIPC_SHM) {
		mipc_dir_data(id, name);
		error = mipc_acl_permit(fd, name, perm, mode);
	}
	mipc_dir_object(kind, id, name);
	if (error == 0)
		error = mipc_acl_permit(fd, name, perm,
		    mipc_dir_head_mode(mode));
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

	mipc_dir_data(m->id, name);
	fd = mipc_dir_openat(&s->dir, name, m->writable ? O_RDWR : O_RDONLY);
	if (fd < 0)
		return -fd;
	r = mipc_sys_fstat(fd, &st);
	/* A copy, which is only read, has another. */
	if (r == 0 && s->refuses == 0 && st.st_ino != m->data)
		r = -EIO;
	if (r == 0 && (!S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size < m->size))
		r = -EIO;
	if (r == 0)
		r = mipc_sys_flock(fd, LOCK_SH | LOCK_NB);
	if (r < 0) {
		mipc_sys_close(fd);
		return r == -EWOULDBLOCK ? EBUSY : -r;
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

/* The owner of a removed segment may have kept itself from opening it. */
static bool
let_owner_read(struct dir_store *s, const char *name)
{
	struct mipc_perm perm = { .uid = mipc_cred_uid() };
	struct stat st;

	if (mipc_sys_stat(s->dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    st.st_uid != perm.uid)
		return false;
	perm.cuid = perm.uid;
	perm.gid = perm.cgid = st.st_gid;
	return mipc_acl_permit(s->dir.fd, name, &perm,
	    (st.st_mode & 0777) | 0400) == 0;
}

static int
mapped(struct mipc_store *store, uint64_t id, int kept_fd)
{
	char name[32];
	int fd, r;

	if (kept_fd >= 0)
		return EBUSY;
	mipc_dir_data(id, name);
	fd = mipc_dir_openat(&of(store)->dir, name, O_RDONLY);
	if (fd == -EACCES && let_owner_read(of(store), name))
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
	.look = mipc_dir_look,
	.look_data = mipc_dir_look_data,
	.window = mipc_dir_window,
	.claim = claim,
	.claim_space = claim_space,
	.glance = glance,
	.resident = resident,
	.used = used,
	.permit = permit,
	.permit_done = permit_done,
	.permit_begun = permit_begun,
	.key_find = mipc_dir_key_find,
	.key_set = mipc_dir_key_set,
	.key_clear = mipc_dir_key_clear,
	.map = map_segment,
	.unmap = unmap_segment,
	.mapped = mapped,
	.destroy = destroy,
	.shut = mipc_store_dir_shut,
};
