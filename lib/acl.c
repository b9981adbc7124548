/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acl.c - owners beyond the one that a file has.
 */
#include "acl.h"

#include <errno.h>
#include <stdio.h>

#include "sys.h"

/* An access control list as the kernel takes it. */
struct acl_entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};
struct acl {
	uint32_t version;
	struct acl_entry entry[8];
};
enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16,
    OTHER = 32 };

/* Entries of one tag stand in the order of their ids. */
static void
in_order(struct acl_entry *end)
{
	struct acl_entry last = end[-1];

	if (end[-1].tag != end[-2].tag || end[-1].id >= end[-2].id)
		return;
	end[-1] = end[-2];
	end[-2] = last;
}

/*
 * A file keeps its owner when a caller without privilege gives the object to
 * somebody else, and an object has two owners when uid and cuid differ: the
 * others get theirs by name.  Entries must be in the order of their tags.  The
 * most that any of them allows is what the file's mode then says of its group.
 */
static size_t
fill_acl(struct acl *acl, const struct mipc_perm *perm, unsigned mode,
    const struct stat *st)
{
	uint16_t user = mode >> 6 & 7, group = mode >> 3 & 7, most = group;
	struct acl_entry *e = acl->entry;

	acl->version = 2;
	*e++ = (struct acl_entry){ USER_OBJ, user, ~0u };
	if (perm->uid != st->st_uid)
		*e++ = (struct acl_entry){ USER, user, perm->uid };
	if (perm->cuid != st->st_uid && perm->cuid != perm->uid)
		*e++ = (struct acl_entry){ USER, user, perm->cuid };
	if (e > acl->entry + 1) {
		in_order(e);
		most |= user;
	}
	*e++ = (struct acl_entry){ GROUP_OBJ, group, ~0u };
	if (perm->gid != st->st_gid)
		*e++ = (struct acl_entry){ GROUP, group, perm->gid };
	if (perm->cgid != st->st_gid && perm->cgid != perm->gid)
		*e++ = (struct acl_entry){ GROUP, group, perm->cgid };
	in_order(e);
	*e++ = (struct acl_entry){ MASK, most, ~0u };
	*e++ = (struct acl_entry){ OTHER, mode & 7, ~0u };
	return offsetof(struct acl, entry) +
	    (size_t)(e - acl->entry) * sizeof(*e);
}

/* Change the mode of what a descriptor without access stands for. */
static int
change_mode(int fd, unsigned mode)
{
	char path[40];

	mipc_sys_fd_path(fd, path);
	return mipc_sys_chmod(AT_FDCWD, path, mode);
}

/* The list, by a descriptor that may be read. */
static int
set_list(int fd, const struct mipc_perm *perm, unsigned mode,
    const struct stat *st)
{
	char path[40];
	struct acl acl;
	size_t size;
	int readable, r;

	r = change_mode(fd, mode | 0400);
	if (r < 0)
		return r;
	mipc_sys_fd_path(fd, path);
	readable = mipc_sys_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);
	if (readable < 0)
		return readable;
	size = fill_acl(&acl, perm, mode, st);
	r = mipc_sys_set_acl(readable, &acl, size);
	mipc_sys_close(readable);
	/* Without lists, one whom the file already is due is served. */
	if (r == -EOPNOTSUPP)
		r = st->st_uid == perm->uid && st->st_gid == perm->gid ?
		    change_mode(fd, mode) : -EPERM;
	return r;
}

/* Owner as far as the kernel lets us, then mode or list. */
static int
permit(int fd, const struct mipc_perm *perm, unsigned mode)
{
	struct stat st;
	int r;

	r = mipc_sys_chown_fd_path(fd, perm->uid, perm->gid);
	if (r < 0 && r != -EPERM)
		return r;
	r = mipc_sys_fstat(fd, &st);
	if (r < 0)
		return r;
	if (st.st_uid != perm->uid || st.st_gid != perm->gid ||
	    perm->uid != perm->cuid || perm->gid != perm->cgid)
		return set_list(fd, perm, mode, &st);
	return change_mode(fd, mode);
}

/*
 * The file is named once and then held: in a directory that others may write
 * the name may lead elsewhere a moment later, and a privileged caller must
 * not be led to change a file that is none of ours.
 */
int
mipc_acl_permit(int dirfd, const char *name, const struct mipc_perm *perm,
    unsigned mode)
{
	struct stat st;
	int fd, r;

	fd = mipc_sys_open(dirfd, name, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return -fd;
	r = mipc_sys_fstat(fd, &st);
	if (r == 0 && (!S_ISREG(st.st_mode) || st.st_nlink != 1))
		r = -EIO;
	if (r == 0)
		r = permit(fd, perm, mode);
	mipc_sys_close(fd);
	return -r;
}

/* One entry of a list that we, or somebody else, have made. */
static void
read_entry(const struct acl_entry *e, struct mipc_perm *perm, unsigned *group,
    unsigned *most)
{
	switch (e->tag) {
	case USER:
		perm->cuid = e->id;
		break;
	case GROUP:
		perm->cgid = e->id;
		break;
	case GROUP_OBJ:
		*group = e->perm & 7u;
		break;
	case MASK:
		*most = e->perm & 7u;
		break;
	}
}

/*
 * With a list, the mode says of the group what the list allows anybody by
 * name.  One that cannot be read allows the group nothing.
 */
static void
read_list(int dirfd, const char *name, struct mipc_perm *perm)
{
	unsigned group = 0, most = 7;
	char dir[40], path[80];
	struct acl acl;
	ssize_t size;
	size_t n;

	mipc_sys_fd_path(dirfd, dir);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	size = mipc_sys_get_acl(path, &acl, sizeof(acl));
	if (size == -ENODATA || size == -EOPNOTSUPP)
		return;		/* there is none */
	n = size < (ssize_t)offsetof(struct acl, entry) ? 0 :
	    ((size_t)size - offsetof(struct acl, entry)) /
	    sizeof(acl.entry[0]);
	for (size_t i = 0; i < n; i++)
		read_entry(&acl.entry[i], perm, &group, &most);
	perm->mode = (perm->mode & ~070u) | (group & most) << 3;
}

int
mipc_acl_read(int dirfd, const char *name, struct mipc_perm *perm,
    uint64_t *size)
{
	struct stat st;
	int r;

	r = mipc_sys_stat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW);
	if (r < 0)
		return -r;
	*perm = (struct mipc_perm){ .uid = st.st_uid, .cuid = st.st_uid,
	    .gid = st.st_gid, .cgid = st.st_gid, .mode = st.st_mode & 0777 };
	*size = (uint64_t)st.st_size;
	read_list(dirfd, name, perm);
	return 0;
}
