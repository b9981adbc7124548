/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mapping_send.c - a map for somebody else, by a socket.
 *
 * One message: where the map is in its file, and a descriptor of that.  The
 * other end may be anybody, so what comes is checked, and no file is made
 * longer on its word.
 */
#include "mapping.h"

#include <string.h>
#include <sys/socket.h>

#define MAGIC	0x70616d6370696d31ull

struct letter {
	uint64_t magic;
	uint64_t offset;
	uint64_t length;
};

_Static_assert(sizeof(struct letter) == 24, "format 1");

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(4 * sizeof(int))];
};

static void
begin(struct msghdr *message, struct iovec *part, struct letter *letter,
    union control *control)
{
	memset(message, 0, sizeof(*message));
	memset(control, 0, sizeof(*control));
	part->iov_base = letter;
	part->iov_len = sizeof(*letter);
	message->msg_iov = part;
	message->msg_iovlen = 1;
	message->msg_control = control;
}

MIPC_PUBLIC int
mipc_map_send(struct mipc_map *map, int socket)
{
	struct letter letter = { .magic = MAGIC };
	union control control;
	struct msghdr message;
	struct iovec part;
	struct stat st;
	ssize_t r;

	if (!mipc_mapping_is_open(map) || mipc_mapping_look(map, &st) != 0)
		return mipc_mapping_end(EBADF);
	letter.offset = map->offset;
	letter.length = map->length;
	begin(&message, &part, &letter, &control);
	message.msg_controllen = CMSG_SPACE(sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &map->fd, sizeof(int));
	r = mipc_sys_sendmsg(socket, &message, MSG_NOSIGNAL);
	return mipc_mapping_end(r < 0 ? (int)-r : 0);
}

/* The one descriptor of a message, or -1; others are closed. */
static int
take_descriptor(struct msghdr *message)
{
	struct cmsghdr *c;
	int fds[4], fd = -1;
	size_t n;

	for (c = CMSG_FIRSTHDR(message); c != NULL;
	    c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (n > 4)
			n = 4;
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		for (size_t i = 0; i < n; i++) {
			if (fd == -1 && n == 1)
				fd = fds[i];
			else
				mipc_sys_close(fds[i]);
		}
	}
	return fd;
}

/* Is it a file of which there is such a range? */
static bool
is_true(int fd, const struct letter *letter)
{
	struct stat st;

	return letter->magic == MAGIC && mipc_sys_fstat(fd, &st) == 0 &&
	    S_ISREG(st.st_mode) && letter->length > 0 &&
	    letter->offset <= (uint64_t)st.st_size &&
	    letter->length <= (uint64_t)st.st_size - letter->offset &&
	    letter->offset % mipc_sys_page() == 0 &&
	    letter->length <= PTRDIFF_MAX;
}

static int
receive(int socket, struct letter *letter, int *fd)
{
	union control control;
	struct msghdr message;
	struct iovec part;
	ssize_t r;

	begin(&message, &part, letter, &control);
	message.msg_controllen = sizeof(control);
	r = mipc_sys_recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	if (r < 0)
		return (int)-r;
	*fd = take_descriptor(&message);
	if (r == 0 && *fd == -1)
		return ENODATA;
	if (r == sizeof(*letter) && *fd != -1 && is_true(*fd, letter) &&
	    (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return 0;
	if (*fd != -1)
		mipc_sys_close(*fd);
	return EPROTO;
}

MIPC_PUBLIC struct mipc_map *
mipc_map_receive(int socket, const struct mipc_map_how *how)
{
	struct mipc_mapping_plan plan;
	struct mipc_map *map = NULL;
	struct letter letter = { 0 };
	int error, fd = -1;

	error = mipc_mapping_plan(how, 0, MIPC_MAP_SPARSE | MIPC_MAP_FORGET,
	    &plan);
	if (error == 0 && (plan.offset != 0 ||
	    (how != NULL && (how->flags & MAP_ANONYMOUS) != 0)))
		error = EINVAL;
	if (error == 0)
		error = receive(socket, &letter, &fd);
	if (error == 0) {
		plan.offset = letter.offset;
		plan.length = (size_t)letter.length;
		error = mipc_mapping_make(fd, &plan, "", &map);
	}
	if (error == 0)
		return map;
	errno = error;
	return NULL;
}
