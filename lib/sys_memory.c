/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_memory.c - system calls about maps that belong to the program, whose
 * pages may go at any time.
 *
 * The kernel copies memory without a signal: it looks for each page itself,
 * and says how far it came.  process_vm_readv(2) does so from an address space
 * to the caller's, which may be the same; where that call is missing or
 * forbidden, the bytes go through a pipe.
 */
#include "sys_inside.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <errno.h>

#include "atomic.h"

#define PIECE	((size_t)4096)	/* what every pipe has room for */

int
mipc_sys_flush(void *at, size_t length)
{
	return (int)S3(SYS_msync, at, length, MS_SYNC);
}

int
mipc_sys_resize(void *at, size_t from, size_t to, void **out)
{
	long r;

	r = S5(SYS_mremap, at, from, to, MREMAP_MAYMOVE, 0);
	if (r < 0 && r > -4096)
		return (int)r;
	*out = (void *)r;
	return 0;
}

ssize_t
mipc_sys_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return S3(SYS_sendmsg, fd, message, flags);
}

ssize_t
mipc_sys_recvmsg(int fd, struct msghdr *message, int flags)
{
	return S3(SYS_recvmsg, fd, message, flags);
}

static ssize_t
through(const int pipe[2], char *to, const char *from, size_t size)
{
	size_t done = 0;
	long r = 0;

	while (done < size) {
		r = S3(SYS_write, pipe[1], from + done,
		    size - done < PIECE ? size - done : PIECE);
		if (r > 0)
			r = S3(SYS_read, pipe[0], to + done, r);
		if (r <= 0)
			break;
		done += (size_t)r;
	}
	return done > 0 || r == 0 ? (ssize_t)done : (ssize_t)r;
}

static ssize_t
copy_by_pipe(void *to, const void *from, size_t size)
{
	int pipe[2];
	ssize_t r;

	r = S2(SYS_pipe2, pipe, O_CLOEXEC);
	if (r != 0)
		return r;
	r = through(pipe, to, from, size);
	mipc_sys_close(pipe[0]);
	mipc_sys_close(pipe[1]);
	return r;
}

/*
 * By the thread's id: that of a process whose first thread has ended has no
 * memory.  The call's own end is checked for writing, the other for reading.
 */
static ssize_t
copy_by_call(void *to, const void *from, size_t size)
{
	struct iovec here = { .iov_base = to, .iov_len = size };
	struct iovec there = { .iov_base = (void *)(uintptr_t)from,
	    .iov_len = size };

	return mipc_sys(SYS_process_vm_readv, mipc_sys_tid(), (long)&here, 1,
	    (long)&there, 1, 0);
}

ssize_t
mipc_sys_copy(void *to, const void *from, size_t size)
{
	enum { UNKNOWN, BY_CALL, BY_PIPE };
	static mipc_u32 way;
	ssize_t r;

	if (mipc_peek(&way) == UNKNOWN)
		mipc_put(&way, mipc_sys_forced("MIPC_NO_PROCESS_VM") ?
		    BY_PIPE : BY_CALL);
	if (mipc_peek(&way) == BY_CALL) {
		r = copy_by_call(to, from, size);
		if (r != -ENOSYS && r != -EPERM)
			return r;
		mipc_put(&way, BY_PIPE);
	}
	return copy_by_pipe(to, from, size);
}
