/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mend_perm.c - permissions, where an object and its files disagree.
 *
 * Whoever may read an object may write its head, but only their owner changes
 * the modes of files: so what these say goes, and nothing that the head says
 * widens them.  A head's file tells less than the head: that a class of users
 * may do something, or nothing.
 */
#include "mend.h"

#include <errno.h>
#include <stdio.h>

#include "acl.h"

#define LIST_MOST	65536u	/* bytes of an attribute, in Linux */

/* The object's, but in a class whose whole access differs the file's. */
static unsigned
agreed(unsigned mode, unsigned file)
{
	for (unsigned class = 07; class <= 070; class <<= 3)
		if (((mode & class) != 0) != ((file & class) != 0))
			mode = (mode & ~class) | (file & class);
	return mode;
}

static void
write_mode(struct mipc_mender *m, const char *name, unsigned mode)
{
	const uint64_t at = offsetof(struct mipc_object, mode);
	int fd = mipc_sys_open(m->c->fd, name, O_RDWR | O_NOFOLLOW |
	    O_NONBLOCK, 0);
	uint64_t word;

	if (fd < 0)
		return;
	word = mipc_check_word(fd, at);
	if ((word & 0777) != mode) {
		word = (word & ~(uint64_t)0777) | mode;
		if (mipc_sys_pwrite(fd, &word, sizeof(word), at) ==
		    sizeof(word))
			mipc_mend_say(m, name, "its permissions are %03o, as "
			    "its files have it", mode);
	}
	mipc_sys_close(fd);
}

static unsigned
read_mode(struct mipc_mender *m, const char *name)
{
	int fd = mipc_sys_open(m->c->fd, name, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK, 0);
	unsigned mode;

	if (fd < 0)
		return 0;
	mode = (unsigned)mipc_check_word(fd, offsetof(struct mipc_object,
	    mode)) & 0777;
	mipc_sys_close(fd);
	return mode;
}

void
mipc_mend_perm(struct mipc_mender *m, enum mipc_kind kind, uint64_t id)
{
	struct mipc_perm file, data;
	char name[32], data_name[32];
	unsigned mode;
	uint64_t size;

	mipc_dir_object(kind, id, name);
	mipc_dir_data(id, data_name);
	if (mipc_acl_read(m->c->fd, name, &file, &size) != 0 ||
	    (kind == MIPC_SHM && mipc_acl_read(m->c->fd, data_name, &data,
	    &size) != 0))
		return;
	mode = kind == MIPC_SHM ? data.mode :
	    agreed(read_mode(m, name), file.mode);
	write_mode(m, name, mode);
	if (file.mode != mipc_dir_head_mode(mode) &&
	    mipc_acl_permit(m->c->fd, name, &file,
	    mipc_dir_head_mode(mode)) == 0)
		mipc_mend_say(m, name, "its file has mode %03o",
		    mipc_dir_head_mode(mode));
}

bool
mipc_mend_list(struct mipc_mender *m, const char *old, int new_fd)
{
	static char list[LIST_MOST];
	char path[PATH_MAX];
	ssize_t n;

	if (!mipc_mend_path(m, old, path))
		return false;
	n = mipc_sys_get_acl(path, list, sizeof(list));
	if (n == -ENODATA || n == -EOPNOTSUPP)
		return true;		/* there is none */
	return n >= 0 && mipc_sys_set_acl(new_fd, list, (size_t)n) == 0;
}
