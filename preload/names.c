/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.c - libc's IPC names in the module: those of libmipc-sysv, with two
 * differences.
 *
 * The namespace is opened at the first call, with the promises that every
 * change of credentials (credentials.c) and of memory (memory.c) is
 * reported.  A program knows nothing of namespaces, so why one
 * cannot be opened is said on standard error, once.
 *
 * shmctl() answers EFAULT for a pointer that leads nowhere, as the kernel
 * does.  The library works on a copy, and the program's bytes are tried by
 * the cheapest call that makes the kernel touch memory: rt_sigprocmask reads
 * eight bytes before it looks at `how`, and without a new mask it writes
 * eight and changes nothing.  That is one system call (60-130 ns), and
 * none if the buffer lies in the page of the stack that we run on, where
 * such structures mostly are.
 */
#include "preload.h"

#include <sys/syscall.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

/* Bytes of the kernel's signal mask. */
#define MASK_SIZE	(_NSIG / 8)
/* No machine has smaller pages. */
#define PAGE_BITS	12

static struct mipc_ns *_Atomic default_ns;
static atomic_flag complained = ATOMIC_FLAG_INIT;

static void
complain(void)
{
	struct preload_line line = { .used = 0 };

	if (atomic_flag_test_and_set(&complained))
		return;
	preload_add(&line, "mipc: no System V IPC for this program: ");
	preload_add(&line, mipc_reason());
	preload_print(&line);
}

static struct mipc_ns *
namespace(void)
{
	struct mipc_ns *ns;
	int error;

	ns = atomic_load_explicit(&default_ns, memory_order_acquire);
	if (ns != NULL)
		return ns;
	preload_promise();
	ns = mipc_default();
	if (ns != NULL) {
		/* Pairs with the load above, in another thread. */
		atomic_store_explicit(&default_ns, ns, memory_order_release);
		return ns;
	}
	error = errno;
	complain();
	errno = error;
	return NULL;
}

static bool
readable(uintptr_t at)
{
	return mipc_sys(SYS_rt_sigprocmask, -1, (long)at, 0, MASK_SIZE, 0, 0) !=
	    -EFAULT;
}

/* Overwrites MASK_SIZE bytes there. */
static bool
writable(uintptr_t at)
{
	return mipc_sys(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)at, MASK_SIZE,
	    0, 0) != -EFAULT;
}

static bool
same_page(uintptr_t a, uintptr_t b)
{
	return a >> PAGE_BITS == b >> PAGE_BITS;
}

/*
 * Whether all of [at, at + size) can be touched: its first bytes and, if
 * they reach into a second page, its last.
 */
static bool
reachable(const void *pointer, size_t size, bool (*touch)(uintptr_t))
{
	uintptr_t at = (uintptr_t)pointer;
	bool one_page = same_page(at, at + size - 1);

	if (pointer == NULL)		/* "no mask" to rt_sigprocmask */
		return false;
	if (one_page && same_page(at, (uintptr_t)__builtin_frame_address(0)))
		return true;
	return touch(at) && (one_page || touch(at + size - MASK_SIZE));
}

/* What a command writes into the caller's buffer, in bytes. */
static size_t
size_written(int cmd)
{
	switch (cmd) {
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return sizeof(struct shmid_ds);
	case IPC_INFO:
		return sizeof(struct shminfo);
	case SHM_INFO:
		return sizeof(struct shm_info);
	}
	return 0;
}

static int
bad_address(void)
{
	errno = EFAULT;
	return -1;
}

static int
checked_shmctl(struct mipc_ns *ns, int shmid, int cmd, struct shmid_ds *buf)
{
	union {
		struct shmid_ds ds;
		struct shminfo limits;
		struct shm_info usage;
	} copy;
	size_t size = size_written(cmd);
	int result;

	_Static_assert(sizeof(copy) < (size_t)1 << PAGE_BITS, "two pages");
	if (cmd == IPC_SET && shmid >= 0) {
		if (!reachable(buf, sizeof(copy.ds), readable))
			return bad_address();
		copy.ds = *buf;
	}
	result = mipc_shmctl(ns, shmid, cmd, &copy.ds);
	if (result == -1 || size == 0)
		return result;
	if (!reachable(buf, size, writable))
		return bad_address();
	memcpy(buf, &copy, size);
	return result;
}

#define SYSV_NAMESPACE	namespace
#define SYSV_SHMCTL	checked_shmctl
#include "sysv.c"
