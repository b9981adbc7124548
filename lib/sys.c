/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys.c - system calls of Linux, by the kernel's own entry (sys_call.h), and
 * what little libc is asked for: the time of day through its vDSO, the page
 * size, the environment.
 */
#include "sys.h"

#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys_call.h"

#define S0(n)			mipc_sys(n, 0, 0, 0, 0, 0, 0)
#define S1(n, a)		mipc_sys(n, (long)(a), 0, 0, 0, 0, 0)
#define S2(n, a, b)		mipc_sys(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define S3(n, a, b, c)							\
	mipc_sys(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define S4(n, a, b, c, d)						\
	mipc_sys(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define S5(n, a, b, c, d, e)						\
	mipc_sys(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

#ifndef F_OFD_GETLK
#define F_OFD_GETLK	36
#define F_OFD_SETLK	37
#define F_OFD_SETLKW	38
#endif
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

long
mipc_sys(long number, long a, long b, long c, long d, long e, long f)
{
	return sys_call(number, a, b, c, d, e, f);
}

/*
 * 32-bit kernels split 64-bit offsets and have two generations of struct
 * stat; there libc does the translating.
 */
#if __SIZEOF_LONG__ == 8
#define DIRECT(direct, libc)	(direct)
#else
static long
result(long value)
{
	return value == -1 ? -errno : value;
}
#define DIRECT(direct, libc)	result((long)(libc))
#endif

int
mipc_sys_open(int dirfd, const char *path, int flags, unsigned mode)
{
	return (int)S4(SYS_openat, dirfd, path,
	    flags | O_CLOEXEC | O_NOCTTY | O_LARGEFILE, mode);
}

int
mipc_sys_close(int fd)
{
	return (int)S1(SYS_close, fd);
}

int
mipc_sys_fstat(int fd, struct stat *st)
{
	return (int)DIRECT(S4(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH),
	    fstat(fd, st));
}

int
mipc_sys_stat(int dirfd, const char *path, struct stat *st, int flags)
{
	return (int)DIRECT(S4(SYS_newfstatat, dirfd, path, st, flags),
	    fstatat(dirfd, path, st, flags));
}

int
mipc_sys_readlink(int dirfd, const char *path, char *text, size_t size)
{
	return (int)S4(SYS_readlinkat, dirfd, path, text, size);
}

int
mipc_sys_symlink(const char *text, int dirfd, const char *path)
{
	return (int)S3(SYS_symlinkat, text, dirfd, path);
}

int
mipc_sys_unlink(int dirfd, const char *path, int flags)
{
	return (int)S3(SYS_unlinkat, dirfd, path, flags);
}

/* /proc/self is the first thread, which may have ended. */
void
mipc_sys_fd_path(int fd, char out[40])
{
	snprintf(out, 40, "/proc/thread-self/fd/%d", fd);
}

/*
 * Give an O_TMPFILE file a name.  AT_EMPTY_PATH wants CAP_DAC_READ_SEARCH
 * before Linux 6.10 (ENOENT); /proc is the way without.
 */
int
mipc_sys_link_fd(int fd, int dirfd, const char *path)
{
	char self[40];
	long r;

	r = S5(SYS_linkat, fd, "", dirfd, path, AT_EMPTY_PATH);
	if (r != -ENOENT)
		return (int)r;
	mipc_sys_fd_path(fd, self);
	return (int)S5(SYS_linkat, AT_FDCWD, self, dirfd, path,
	    AT_SYMLINK_FOLLOW);
}

int
mipc_sys_rename(int dirfd, const char *from, const char *to)
{
	return (int)S5(SYS_renameat2, dirfd, from, dirfd, to, 0);
}

/* Rename without replacing; -EEXIST if `to` is there. */
int
mipc_sys_rename_new(int dirfd, const char *from, const char *to)
{
	long r;

	r = S5(SYS_renameat2, dirfd, from, dirfd, to, RENAME_NOREPLACE);
	if (r != -EINVAL && r != -ENOSYS)
		return (int)r;
	r = S5(SYS_linkat, dirfd, from, dirfd, to, 0);
	if (r == 0)
		mipc_sys_unlink(dirfd, from, 0);
	return (int)r;
}

/* Bytes written, the terminator among them, or a negative errno. */
int
mipc_sys_getcwd(char *buf, size_t size)
{
	return (int)S2(SYS_getcwd, buf, size);
}

int
mipc_sys_mkdir(const char *path, unsigned mode)
{
	return (int)S3(SYS_mkdirat, AT_FDCWD, path, mode);
}

int
mipc_sys_chmod(int dirfd, const char *path, unsigned mode)
{
	return (int)S3(SYS_fchmodat, dirfd, path, mode);
}

int
mipc_sys_chmod_fd(int fd, unsigned mode)
{
	return (int)S2(SYS_fchmod, fd, mode);
}

int
mipc_sys_chown_fd(int fd, uid_t uid, gid_t gid)
{
	return (int)S3(SYS_fchown, fd, uid, gid);
}

int
mipc_sys_chown_link(int dirfd, const char *path, uid_t uid, gid_t gid)
{
	return (int)S5(SYS_fchownat, dirfd, path, uid, gid,
	    AT_SYMLINK_NOFOLLOW);
}

/* RLIMIT_FSIZE is about the program's files: no signal for one of ours. */
static long
without_signal(long r)
{
	static const uint64_t xfsz = 1ull << (SIGXFSZ - 1);
	static const struct timespec now;

	if (r == -EFBIG)
		S4(SYS_rt_sigtimedwait, &xfsz, NULL, &now, 8);
	return r;
}

int
mipc_sys_truncate_fd(int fd, uint64_t size)
{
	return (int)without_signal(DIRECT(S2(SYS_ftruncate, fd, size),
	    ftruncate(fd, (off_t)size)));
}

/*
 * Reserve space, extending the file.  Where the filesystem cannot, write a
 * zero into each block: the file is new, nobody else writes to it.
 */
int
mipc_sys_reserve_fd(int fd, uint64_t offset, uint64_t length)
{
	long r;

	do
		r = DIRECT(S4(SYS_fallocate, fd, 0, offset, length),
		    fallocate(fd, 0, (off_t)offset, (off_t)length));
	while (r == -EINTR);
	if (r != -EOPNOTSUPP && r != -ENOSYS)
		return (int)without_signal(r);
	r = 0;
	for (uint64_t at = offset; at < offset + length && r >= 0; at += 512)
		r = mipc_sys_pwrite(fd, "", 1, at);
	if (r >= 0)
		r = mipc_sys_pwrite(fd, "", 1, offset + length - 1);
	return r < 0 ? (int)r : 0;
}

ssize_t
mipc_sys_read(int fd, void *buf, size_t size)
{
	return S3(SYS_read, fd, buf, size);
}

ssize_t
mipc_sys_pread(int fd, void *buf, size_t size, uint64_t offset)
{
	return DIRECT(S4(SYS_pread64, fd, buf, size, offset),
	    pread(fd, buf, size, (off_t)offset));
}

ssize_t
mipc_sys_pwrite(int fd, const void *buf, size_t size, uint64_t offset)
{
	return without_signal(DIRECT(S4(SYS_pwrite64, fd, buf, size, offset),
	    pwrite(fd, buf, size, (off_t)offset)));
}

int
mipc_sys_dents(int fd, void *buf, size_t size)
{
	return (int)S3(SYS_getdents64, fd, buf, size);
}

int
mipc_sys_memfd(const char *name)
{
	return (int)S2(SYS_memfd_create, name, 1 /* MFD_CLOEXEC */);
}

int
mipc_sys_dup_above(int fd, int lowest)
{
	return (int)S3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, lowest);
}

int
mipc_sys_flock(int fd, int operation)
{
	return (int)S2(SYS_flock, fd, operation);
}

/* Move a descriptor that is kept out of the program's way, if possible. */
int
mipc_sys_move_high(int fd)
{
	uint64_t limit = mipc_sys_rlimit(RLIMIT_NOFILE);
	int high;

	if (fd < 0)
		return fd;
	high = mipc_sys_dup_above(fd, limit > 2048 ? 1000 : (int)(limit / 2));
	if (high < 0)
		return fd;
	mipc_sys_close(fd);
	return high;
}

/* Filesystems whose locks and maps other machines do not see. */
bool
mipc_sys_remote(int fd, const char **what)
{
	static const struct { uint32_t magic; const char *name; } remote[] = {
		{ 0x6969, "nfs" }, { 0xff534d42, "cifs" },
		{ 0xfe534d42, "smb2" }, { 0x517b, "smb" },
		{ 0x01021997, "9p" }, { 0x73757245, "coda" },
		{ 0x5346414f, "afs" }, { 0x00c36400, "ceph" },
		{ 0x0bd00bd0, "lustre" }, { 0x7461636f, "ocfs2" },
		{ 0x01161970, "gfs2" }, { 0x564c, "ncp" },
	};
	struct statfs fs;

	if (DIRECT(S2(SYS_fstatfs, fd, &fs), fstatfs(fd, &fs)) != 0)
		return false;
	for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++)
		if ((uint32_t)fs.f_type == remote[i].magic) {
			*what = remote[i].name;
			return true;
		}
	return false;
}

int
mipc_sys_set_acl(int fd, const void *blob, size_t size)
{
	return (int)S5(SYS_fsetxattr, fd, "system.posix_acl_access", blob,
	    size, 0);
}

static long
lock_call(int fd, int command, struct flock *lock)
{
	return DIRECT(S3(SYS_fcntl, fd, command, lock),
	    fcntl(fd, command, lock));
}

static int
set_lock(int fd, enum mipc_owner owner, uint64_t byte, short type, bool wait)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET,
	    .l_start = (off_t)byte, .l_len = 1 };

	if (owner == MIPC_OWNED_BY_FILE)
		return (int)lock_call(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK,
		    &lock);
	return (int)lock_call(fd, wait ? F_SETLKW : F_SETLK, &lock);
}

int
mipc_sys_lock(int fd, enum mipc_owner owner, uint64_t byte, bool wait)
{
	return set_lock(fd, owner, byte, F_WRLCK, wait);
}

int
mipc_sys_unlock(int fd, enum mipc_owner owner, uint64_t byte)
{
	return set_lock(fd, owner, byte, F_UNLCK, false);
}

/* As a reader: the descriptor may be read-only. */
int
mipc_sys_await(int fd, enum mipc_owner owner, uint64_t byte)
{
	int r = set_lock(fd, owner, byte, F_RDLCK, true);

	if (r == 0)
		mipc_sys_unlock(fd, owner, byte);
	return r;
}

/*
 * Asked as a reader, so that another reader's lock (which anyone may take)
 * cannot be mistaken for life.
 */
int
mipc_sys_locked(int fd, enum mipc_owner owner, uint64_t start, uint64_t len,
    uint64_t *which)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET,
	    .l_start = (off_t)start, .l_len = (off_t)len };
	long r;

	r = lock_call(fd,
	    owner == MIPC_OWNED_BY_FILE ? F_OFD_GETLK : F_GETLK, &lock);
	if (r != 0)
		return (int)r;
	if (which != NULL)
		*which = (uint64_t)lock.l_start;
	return lock.l_type != F_UNLCK;
}

int
mipc_sys_map(void *at, size_t length, int prot, int flags, int fd,
    uint64_t offset, void **out)
{
	long r;

	r = DIRECT(mipc_sys(SYS_mmap, (long)at, (long)length, prot, flags, fd,
	    (long)offset), (long)mmap(at, length, prot, flags, fd,
	    (off_t)offset));
	if (r < 0 && r > -4096)
		return (int)r;
	*out = (void *)r;
	return 0;
}

int
mipc_sys_unmap(void *at, size_t length)
{
	return (int)S2(SYS_munmap, at, length);
}

/* Map the same shared pages once more: at `at`, or where the kernel likes. */
int
mipc_sys_duplicate(void *from, size_t length, void *at, void **out)
{
	int flags = MREMAP_MAYMOVE | (at != NULL ? MREMAP_FIXED : 0);
	long r;

	r = S5(SYS_mremap, from, 0, length, flags, at);
	if (r < 0 && r > -4096)
		return (int)r;
	*out = (void *)r;
	return 0;
}

/* Move a mapping onto `to`, in place of what is there. */
int
mipc_sys_move(void *from, size_t length, void *to)
{
	long r;

	r = S5(SYS_mremap, from, length, length,
	    MREMAP_MAYMOVE | MREMAP_FIXED, to);
	return r < 0 && r > -4096 ? (int)r : 0;
}

int
mipc_sys_advise(void *at, size_t length, int advice)
{
	return (int)S3(SYS_madvise, at, length, advice);
}

int
mipc_sys_protect(void *at, size_t length, int prot)
{
	return (int)S3(SYS_mprotect, at, length, prot);
}

int
mipc_sys_lock_memory(void *at, size_t length)
{
	return (int)S2(SYS_mlock, at, length);
}

int
mipc_sys_unlock_memory(void *at, size_t length)
{
	return (int)S2(SYS_munlock, at, length);
}

int
mipc_sys_resident(void *at, size_t length, unsigned char *vector)
{
	return (int)S3(SYS_mincore, at, length, vector);
}

uid_t
mipc_sys_euid(void)
{
	return (uid_t)S0(SYS_geteuid);
}

gid_t
mipc_sys_egid(void)
{
	return (gid_t)S0(SYS_getegid);
}

/* Asked by setting what cannot be set. */
gid_t
mipc_sys_fsgid(void)
{
	return (gid_t)S1(SYS_setfsgid, -1);
}

int
mipc_sys_groups(int size, gid_t *groups)
{
	return (int)S2(SYS_getgroups, size, groups);
}

uint64_t
mipc_sys_capabilities(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	memset(data, 0, sizeof(data));
	if (S2(SYS_capget, &head, data) != 0)
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

pid_t
mipc_sys_pid(void)
{
	return (pid_t)S0(SYS_getpid);
}

pid_t
mipc_sys_tid(void)
{
	return (pid_t)S0(SYS_gettid);
}

int
mipc_sys_kill(pid_t pid, int signal)
{
	return (int)S2(SYS_kill, pid, signal);
}

bool
mipc_sys_ended(pid_t pid)
{
	char path[32], text[256], *name_end;
	ssize_t n = 0;
	int fd;

	if (mipc_sys_kill(pid, 0) == -ESRCH)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = mipc_sys_open(AT_FDCWD, path, O_RDONLY, 0);
	if (fd >= 0) {
		n = mipc_sys_read(fd, text, sizeof(text) - 1);
		mipc_sys_close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	name_end = strrchr(text, ')');
	return name_end != NULL && name_end[1] == ' ' &&
	    (name_end[2] == 'Z' || name_end[2] == 'X');
}

uint64_t
mipc_sys_rlimit(int resource)
{
	struct rlimit limit;

	if (DIRECT(S4(SYS_prlimit64, 0, resource, 0, &limit),
	    getrlimit(resource, &limit)) != 0)
		return UINT64_MAX;
	return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

/*
 * SIGSEGV, SIGBUS and their like stay deliverable: they are answers to what
 * the library itself touches, and blocking them would kill the process.
 */
void
mipc_sys_block(uint64_t *saved)
{
	static const uint64_t all = ~(1ULL << (SIGSEGV - 1) |
	    1ULL << (SIGBUS - 1) | 1ULL << (SIGFPE - 1) |
	    1ULL << (SIGILL - 1) | 1ULL << (SIGTRAP - 1) |
	    1ULL << (SIGSYS - 1));

	S4(SYS_rt_sigprocmask, SIG_SETMASK, &all, saved, 8);
}

void
mipc_sys_restore(const uint64_t *saved)
{
	S4(SYS_rt_sigprocmask, SIG_SETMASK, saved, NULL, 8);
}

int
mipc_sys_futex_wait(const void *word, uint32_t value,
    const struct timespec *relative)
{
	return (int)DIRECT(mipc_sys(SYS_futex, (long)word, FUTEX_WAIT, value,
	    (long)relative, 0, 0),
	    syscall(SYS_futex, word, FUTEX_WAIT, value, relative, 0, 0));
}

int
mipc_sys_futex_wake(const void *word, int count)
{
	return (int)S3(SYS_futex, word, FUTEX_WAKE, count);
}

/* The calling thread's robust list, or NULL where there is none. */
struct mipc_robust_head *
mipc_sys_robust_list(void)
{
	struct mipc_robust_head *head = NULL;
	size_t size = 0;

	if (S3(SYS_get_robust_list, 0, &head, &size) != 0 ||
	    size != sizeof(*head))
		return NULL;
	return head;
}

uint64_t
mipc_sys_seconds(void)
{
	return (uint64_t)time(NULL);
}

uint64_t
mipc_sys_monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

size_t
mipc_sys_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

bool
mipc_sys_forced(const char *name)
{
	const char *value = secure_getenv(name);

	return value != NULL && strcmp(value, "1") == 0;
}
