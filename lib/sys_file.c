/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_file.c - system calls about files and their locks.
 */
#include "sys_inside.h"

#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#ifndef F_OFD_GETLK
#define F_OFD_GETLK	36
#define F_OFD_SETLK	37
#define F_OFD_SETLKW	38
#endif
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
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

int
mipc_sys_rename_exchange(int dirfd, const char *one, const char *other)
{
	return (int)S5(SYS_renameat2, dirfd, one, dirfd, other,
	    RENAME_EXCHANGE);
}

int
mipc_sys_link(int dirfd, const char *from, const char *to)
{
	return (int)S5(SYS_linkat, dirfd, from, dirfd, to, 0);
}

int
mipc_sys_sync_all(int fd)
{
	return (int)S1(SYS_syncfs, fd);
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
mipc_sys_chown_fd_path(int fd, uid_t uid, gid_t gid)
{
	return (int)S5(SYS_fchownat, fd, "", uid, gid, AT_EMPTY_PATH);
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

int
mipc_sys_lowest_high(void)
{
	uint64_t limit = mipc_sys_rlimit(RLIMIT_NOFILE);

	return limit > 2048 ? 1000 : (int)(limit / 2);
}

/* Move a descriptor that is kept out of the program's way, if possible. */
int
mipc_sys_move_high(int fd)
{
	int high;

	if (fd < 0)
		return fd;
	high = mipc_sys_dup_above(fd, mipc_sys_lowest_high());
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

#define ACL	"system.posix_acl_access"

int
mipc_sys_set_attribute(int fd, const char *name, const void *value,
    size_t size)
{
	return (int)S5(SYS_fsetxattr, fd, name, value, size, 0);
}

int
mipc_sys_set_acl(int fd, const void *blob, size_t size)
{
	return mipc_sys_set_attribute(fd, ACL, blob, size);
}

/* By a path, not followed: a descriptor would have to be one for reading. */
ssize_t
mipc_sys_get_acl(const char *path, void *blob, size_t size)
{
	return S4(SYS_lgetxattr, path, ACL, blob, size);
}

int
mipc_sys_attributes(const char *path, char *names, size_t size)
{
	return (int)S3(SYS_listxattr, path, names, size);
}

int
mipc_sys_attribute(const char *path, const char *name, void *value,
    size_t size)
{
	return (int)S4(SYS_getxattr, path, name, value, size);
}

int
mipc_sys_sync_fd(int fd)
{
	return (int)S1(SYS_fsync, fd);
}

/* The kernel's struct file_clone_range, and FICLONERANGE. */
struct clone_range {
	int64_t from;
	uint64_t at, length, where;
};
#define CLONE_RANGE	_IOW(0x94, 13, struct clone_range)

int
mipc_sys_clone_range(int from, uint64_t at, uint64_t length, int to,
    uint64_t where)
{
	struct clone_range range = { from, at, length, where };

	return (int)S3(SYS_ioctl, to, CLONE_RANGE, &range);
}

#if __SIZEOF_LONG__ == 8
int64_t
mipc_sys_seek_data(int fd, uint64_t offset)
{
	return S3(SYS_lseek, fd, offset, SEEK_DATA);
}
#else
int64_t
mipc_sys_seek_data(int fd, uint64_t offset)
{
	const int saved = errno;
	int64_t at = lseek(fd, (off_t)offset, SEEK_DATA);

	if (at == -1)
		at = -errno;
	errno = saved;
	return at;
}
#endif

static long
lock_call(int fd, int command, struct flock *lock)
{
	return DIRECT(S3(SYS_fcntl, fd, command, lock),
	    fcntl(fd, command, lock));
}

int
mipc_sys_lock_range(int fd, short type, uint64_t start, uint64_t length,
    bool wait)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET,
	    .l_start = (off_t)start, .l_len = (off_t)length };

	return (int)lock_call(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
}

static int
set_lock(int fd, enum mipc_owner owner, uint64_t byte, short type, bool wait)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET,
	    .l_start = (off_t)byte, .l_len = 1 };

	if (owner == MIPC_OWNED_BY_FILE)
		return mipc_sys_lock_range(fd, type, byte, 1, wait);
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

/* Asked for an open file description, which conflicts with our own too. */
pid_t
mipc_sys_lock_holder(int fd, uint64_t start, uint64_t len)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_start = (off_t)start, .l_len = (off_t)len };

	if (lock_call(fd, F_OFD_GETLK, &lock) != 0 &&
	    lock_call(fd, F_GETLK, &lock) != 0)
		return -1;
	if (lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : -1;
}

int
mipc_sys_keep_open(int fd, bool open)
{
	return (int)S3(SYS_fcntl, fd, F_SETFD, open ? 0 : FD_CLOEXEC);
}
