/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys.h - the one door to the kernel.
 *
 * The library lives in other people's programs, next to other preloads that
 * wrap libc's names (under fakeroot geteuid() is 0 and stat() tells stories).
 * So identity, files and memory are asked of the kernel directly.  Every
 * function returns what the kernel returned: a value >= 0, or a negative
 * errno; libc's errno is not touched.
 */
#ifndef MIPC_SYS_H
#define MIPC_SYS_H

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define MIPC_PUBLIC __attribute__((visibility("default")))

#ifdef __has_attribute
#if __has_attribute(noplt)
time_t	time(time_t *) __attribute__((noplt));	/* at every operation */
#endif
#endif

long	mipc_sys(long number, long, long, long, long, long, long);

/* Files. */
int	mipc_sys_open(int dirfd, const char *path, int flags, unsigned mode);
int	mipc_sys_close(int fd);
int	mipc_sys_fstat(int fd, struct stat *);
int	mipc_sys_stat(int dirfd, const char *path, struct stat *, int flags);
int	mipc_sys_readlink(int dirfd, const char *path, char *, size_t);
int	mipc_sys_symlink(const char *text, int dirfd, const char *path);
int	mipc_sys_unlink(int dirfd, const char *path, int flags);
/* The path by which a descriptor's file can be opened again. */
void	mipc_sys_fd_path(int fd, char out[40]);
int	mipc_sys_link_fd(int fd, int dirfd, const char *path);
int	mipc_sys_rename(int dirfd, const char *from, const char *to);
int	mipc_sys_rename_new(int dirfd, const char *from, const char *to);
/* Each takes the other's name, in one step; -EINVAL where that is not known. */
int	mipc_sys_rename_exchange(int dirfd, const char *one, const char *other);
/* A second name. */
int	mipc_sys_link(int dirfd, const char *from, const char *to);
/* All of its filesystem is on disk. */
int	mipc_sys_sync_all(int fd);
int	mipc_sys_getcwd(char *, size_t);
int	mipc_sys_mkdir(const char *path, unsigned mode);
int	mipc_sys_chmod(int dirfd, const char *path, unsigned mode);
int	mipc_sys_chmod_fd(int fd, unsigned mode);
int	mipc_sys_chown_fd_path(int fd, uid_t, gid_t);	/* O_PATH, too */
int	mipc_sys_chown_link(int dirfd, const char *path, uid_t, gid_t);
int	mipc_sys_truncate_fd(int fd, uint64_t size);
int	mipc_sys_reserve_fd(int fd, uint64_t offset, uint64_t length);
ssize_t	mipc_sys_read(int fd, void *, size_t);
ssize_t	mipc_sys_pread(int fd, void *, size_t, uint64_t offset);
ssize_t	mipc_sys_pwrite(int fd, const void *, size_t, uint64_t offset);
int	mipc_sys_sync_fd(int fd);
/*
 * Bytes of one file become those of another by sharing their blocks: whole
 * blocks, or to the end of the first.  Where files cannot: a negative errno.
 */
int	mipc_sys_clone_range(int from, uint64_t at, uint64_t length, int to,
	    uint64_t where);
/* The first byte from an offset on that is no hole's, or a negative errno. */
int64_t	mipc_sys_seek_data(int fd, uint64_t offset);
int	mipc_sys_dents(int fd, void *, size_t);
int	mipc_sys_memfd(const char *name);
int	mipc_sys_dup_above(int fd, int lowest);
int	mipc_sys_move_high(int fd);
int	mipc_sys_lowest_high(void);	/* no lower than this */
int	mipc_sys_flock(int fd, int operation);
bool	mipc_sys_remote(int fd, const char **what);
int	mipc_sys_set_acl(int fd, const void *blob, size_t size);
ssize_t	mipc_sys_get_acl(const char *path, void *blob, size_t size);
/* Extended attributes: names that there are, and values. */
int	mipc_sys_attributes(const char *path, char *names, size_t);
int	mipc_sys_attribute(const char *path, const char *name, void *, size_t);
int	mipc_sys_set_attribute(int fd, const char *name, const void *, size_t);

/* Byte locks: exclusive ones, of an open file description or a process. */
enum mipc_owner { MIPC_OWNED_BY_FILE, MIPC_OWNED_BY_PROCESS };
int	mipc_sys_lock(int fd, enum mipc_owner, uint64_t byte, bool wait);
int	mipc_sys_unlock(int fd, enum mipc_owner, uint64_t byte);
/* Of an open file description: F_RDLCK, F_WRLCK or F_UNLCK on a range. */
int	mipc_sys_lock_range(int fd, short type, uint64_t start,
	    uint64_t length, bool wait);
/* Wait until nobody holds this byte exclusively. */
int	mipc_sys_await(int fd, enum mipc_owner, uint64_t byte);
/* 1 somebody else holds a byte of it exclusively (*which, if asked), 0 no. */
int	mipc_sys_locked(int fd, enum mipc_owner, uint64_t start, uint64_t len,
	    uint64_t *which);

/*
 * The pid of the process that holds a byte of a range by a lock of the
 * process, also if it is the caller; -1 if it cannot be told, 0 nobody.  A
 * length of 0 is to the end.
 */
pid_t	mipc_sys_lock_holder(int fd, uint64_t start, uint64_t len);
/* Does the descriptor stay open across exec? */
int	mipc_sys_keep_open(int fd, bool);

/* Memory. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
int	mipc_sys_map(void *at, size_t, int prot, int flags, int fd,
	    uint64_t offset, void **out);
int	mipc_sys_unmap(void *, size_t);
int	mipc_sys_duplicate(void *from, size_t, void *at, void **out);
int	mipc_sys_move(void *from, size_t, void *to);
int	mipc_sys_advise(void *, size_t, int advice);
int	mipc_sys_protect(void *, size_t, int prot);
int	mipc_sys_lock_memory(void *, size_t);
int	mipc_sys_unlock_memory(void *, size_t);
int	mipc_sys_resident(void *, size_t, unsigned char *);
int	mipc_sys_flush(void *, size_t);		/* to disk, when it returns */
int	mipc_sys_resize(void *, size_t from, size_t to, void **out);
/*
 * Copy memory of this process where either end may be no memory any more: as
 * many bytes as could be, or -EFAULT if none.  No signal comes of it.
 */
ssize_t	mipc_sys_copy(void *to, const void *from, size_t);
/* One message on a socket. */
struct msghdr;
ssize_t	mipc_sys_sendmsg(int fd, const struct msghdr *, int flags);
ssize_t	mipc_sys_recvmsg(int fd, struct msghdr *, int flags);

/* Identity. */
uid_t	mipc_sys_euid(void);
gid_t	mipc_sys_egid(void);
gid_t	mipc_sys_fsgid(void);
int	mipc_sys_groups(int size, gid_t *);
uint64_t mipc_sys_capabilities(void);	/* effective, one bit each */
pid_t	mipc_sys_pid(void);
pid_t	mipc_sys_tid(void);
int	mipc_sys_kill(pid_t, int signal);
/* Has the process of this pid ended?  A zombie has. */
bool	mipc_sys_ended(pid_t);
/*
 * A thread, as /proc has it: its state ('R', 'T', 'Z'; 0 cannot be told) and
 * when it began, in ticks.  False: there is none of this id.
 */
bool	mipc_sys_thread(pid_t tid, char *state, uint64_t *began);
/*
 * Which numbers threads have here: processes for which this differs do not
 * know each other's ids.  0: /proc does not tell, or is not of this process's.
 */
uint32_t mipc_sys_numbering(void);
/*
 * Is all that is left of this process one thread, which the kernel is about
 * to end?  Nothing of its program runs any more.  False if it cannot be told.
 */
bool	mipc_sys_exiting(pid_t);
uint64_t mipc_sys_rlimit(int resource);
/* Processors the caller may run on, as of its first question. */
int	mipc_sys_processors(void);

/*
 * Signals of the calling thread: all that can be blocked.  EFBIG from a file
 * comes with SIGXFSZ, which is taken back while it is blocked.
 */
void	mipc_sys_block(uint64_t *saved);
void	mipc_sys_restore(const uint64_t *saved);
/*
 * Unblock those that are ignored and were not blocked in `saved`: the kernel
 * drops one at once, but brings it to a thread that sleeps, and ends the sleep,
 * where this one has it blocked.
 */
void	mipc_sys_admit_ignored(const uint64_t *saved);

/* Futexes and robust lists. */
int	mipc_sys_futex_wait(const void *word, uint32_t value,
	    const struct timespec *relative);
int	mipc_sys_futex_wake(const void *word, int count);
struct mipc_robust_head {
	void *list;
	long offset;
	void *pending;
};
/* The calling thread's, or NULL where there is none. */
struct mipc_robust_head *mipc_sys_robust_list(void);
/* The same, begun if libc has not; signals are blocked. */
struct mipc_robust_head *mipc_sys_robust_begin(void);
/* One word to sleep on, among several; the kernel's struct futex_waitv. */
struct mipc_futex_waitv {
	uint64_t value;
	uint64_t address;
	uint32_t flags;
	uint32_t pad;
};
/*
 * Sleep on up to 128 words until `deadline` on CLOCK_MONOTONIC, NULL for ever;
 * `asleep` becomes 1 first.  Which was woken, or -EAGAIN, -ETIMEDOUT, -ENOSYS;
 * and if mipc_sys_waitv_tells(), -EINTR: a handler ran since `asleep` was 1, or
 * -ERESTART: the process was stopped.
 */
int	mipc_sys_waitv(const struct mipc_futex_waitv *, unsigned n,
	    const struct timespec *deadline, uint32_t *asleep);
bool	mipc_sys_waitv_tells(void);	/* of the calling thread */
bool	mipc_sys_has_waitv(void);	/* the kernel, unless forced away */
/*
 * A thread's area for restartable sequences, by which it tells; used where
 * libc has none.  It is the kernel's until the end: signals are blocked.
 */
struct mipc_sequences {
	uint32_t processor[2];
	uint64_t section;
	uint32_t flags, pad[3];
} __attribute__((aligned(32)));
void	mipc_sys_sequences_begin(struct mipc_sequences *);
void	mipc_sys_sequences_end(struct mipc_sequences *);
/*
 * Sleep on one word with this signal mask, and with the old one again when it
 * returns: as FUTEX_WAIT, and -EINTR whatever handler ran.
 */
int	mipc_sys_wait_open(const void *word, uint32_t value,
	    const struct timespec *relative, const uint64_t *open);

/*
 * Let others have the processor: 0; -EINTR, and a handler ran meanwhile;
 * -ENOSYS: that could not be told, and nothing was done.
 */
int	mipc_sys_yield(void);

/* Make every thread of the process fence, after asking once whether it can. */
int	mipc_sys_may_fence_all(void);
int	mipc_sys_fence_all(void);

/* Once, in seconds; monotonic nanoseconds. */
static inline uint64_t
mipc_sys_seconds(void)
{
	return (uint64_t)time(NULL);
}
uint64_t mipc_sys_monotonic_ns(void);
size_t	mipc_sys_page(void);

/* True if the environment forces a fallback: name is MIPC_NO_... */
bool	mipc_sys_forced(const char *name);

#endif
